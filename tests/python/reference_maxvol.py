"""Plain numpy references of MaxVol: over all subsets, and MLIP's order of exchanges."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def largest_volume(candidates: np.ndarray) -> float:
    """The largest |det| of all square matrices of these rows."""
    n = candidates.shape[1]
    subsets = combinations(range(len(candidates)), n)
    return max(abs(np.linalg.det(candidates[list(rows)])) for rows in subsets)


def mlip_active_set(candidates: np.ndarray, threshold: float = 1.001) -> np.ndarray:
    """E. V. Podryabinkin and A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017), section 2.3.

    From 1e-6 times the identity, the candidate with the largest coefficient of all comes in, until
    none is above the threshold; what goes out becomes a candidate. Everything is computed anew for
    every exchange.
    """
    candidates = candidates.copy()
    active = 1e-6 * np.eye(candidates.shape[1])
    while True:
        coefficients = np.linalg.solve(active.T, candidates.T).T
        row, place = np.unravel_index(np.abs(coefficients).argmax(), coefficients.shape)
        if abs(coefficients[row, place]) <= threshold:
            return active
        going_out = active[place].copy()
        active[place] = candidates[row]
        candidates[row] = going_out
