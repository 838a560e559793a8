"""Slow reference of extrapolation grades, in plain numpy.

Equation numbers: E. V. Podryabinkin, A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017).
"""

from __future__ import annotations

import numpy as np


def grades(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """gamma_i = max_k |c_k| with c A = b_i, Eq. (8); vectors: b_i (n, m), rows: A (m, m)."""
    return np.abs(np.linalg.solve(rows.T, vectors.T)).max(axis=0)
