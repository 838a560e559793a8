"""Radial Gaussians the slow and readable way; they are tests/example_descriptor/.

With the cutoff R and n Gaussians for every element e of the neighbors, s_k = R k / n:

  (1) fc(r) = (1 + cos(pi r / R)) / 2, 0 beyond R
  (2) B_(e,k) = sum_(j of element e) exp(-(n/R)^2 (r_ij - s_k)^2) fc(r_ij),  k = 0 .. n-1

Lengths in angstrom; the values have no unit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def descriptor_values(
    descriptor: dict,
    elements: Sequence[str],
    center: int,
    neighbors: np.ndarray,
    displacements: np.ndarray,
) -> np.ndarray:
    """The values of one atom, by element, then by k; see test_references.py."""
    R, n = descriptor["cutoff"], descriptor["count"]
    r = np.linalg.norm(displacements, axis=1)
    fc = np.where(r < R, (1 + np.cos(np.pi * r / R)) / 2, 0)  # (1)
    gaussians = np.exp(-((n / R) ** 2) * (r - R * np.arange(n)[:, None] / n) ** 2)  # (k, j)
    of_element = np.arange(len(elements))[:, None] == neighbors  # (e, j)
    return np.einsum("ej,kj,j->ek", of_element, gaussians, fc).ravel()  # (2)
