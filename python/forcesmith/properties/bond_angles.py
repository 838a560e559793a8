"""Distributions of the angles between bonds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

BINS = 90


def bond_angles(
    frames: Sequence[Atoms], bonds: Mapping[tuple[str, str], float]
) -> dict[str, np.ndarray]:
    """Angles at every element, degrees, by element of the atom between the bonds.

    bonds: lengths below which two elements are bonded, angstrom, by pair.
    """
    found: dict[str, list[np.ndarray]] = {element: [] for pair in bonds for element in pair}
    for atoms in frames:
        centers, vectors = neighbor_list("iD", atoms, dict(bonds))
        directions = vectors / np.linalg.norm(vectors, axis=1)[:, None]
        for own in np.split(np.arange(len(centers)), np.flatnonzero(np.diff(centers)) + 1):
            if len(own) < 2:
                continue
            cosines = (directions[own] @ directions[own].T)[np.triu_indices(len(own), 1)]
            found[atoms.symbols[centers[own[0]]]].append(cosines)
    return {
        element: np.degrees(np.arccos(np.clip(np.concatenate(own or [np.empty(0)]), -1, 1)))
        for element, own in found.items()
    }


def histogram(angles: np.ndarray) -> np.ndarray:
    """Density per degree in bins from 0 to 180 degrees, (BINS,); zeros where there are none."""
    counts, edges = np.histogram(angles, BINS, (0.0, 180.0))
    return counts / max(1, counts.sum()) / np.diff(edges)


def bin_centers() -> np.ndarray:
    """Of `histogram`, degrees."""
    return (np.arange(BINS) + 0.5) * 180.0 / BINS
