"""Single neighborhoods: random ones, and what a compiled descriptor makes of them."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
from forcesmith import _core


def random_neighborhood(seed: int, n_neighbors: int = 9) -> tuple[int, np.ndarray, np.ndarray]:
    """(center's element, elements, r_ij): neighbors at 1.2 to 4.4 angstrom, and one beyond 4.5."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n_neighbors, 3))
    distances = np.append(rng.uniform(1.2, 4.4, n_neighbors - 1), 4.6)
    displacements = directions * (distances / np.linalg.norm(directions, axis=1))[:, None]
    return seed % 2, rng.integers(0, 2, n_neighbors), displacements


def core_basis(document: dict, center: int, neighbors, displacements):
    """B (values,) and dB/dr_ij (neighbors, 3, values) of the compiled core.

    `document` is a potential with a linear model. They are read off the design matrix of a
    configuration in which only atom 0 has neighbors.
    """
    potential = fs.Potential.from_json(json.dumps(document), trained=False)
    n = len(neighbors)
    batch = _core.Batch(
        types=np.array([center, *neighbors], dtype=np.int32),
        offsets=np.array([0] + [n] * (n + 1)),
        neighbors=np.arange(1, n + 1, dtype=np.int32),
        displacements=displacements,
        sizes=np.array([n + 1], dtype=np.int32),
    )
    rows = potential._core.design_matrix(batch, 0, 1)[:, len(document["elements"]) :]
    if not document["model"].get("shared", True):
        sizes = list(potential.info()["descriptor_values"].values())
        first = sum(sizes[:center])
        rows = rows[:, first : first + sizes[center]]
    return rows[0], -rows[7 + 3 :].reshape(n, 3, -1)
