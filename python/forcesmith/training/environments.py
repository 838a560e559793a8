"""Kinds of environments in a training set, for models that have coefficients for each of them.

Principal components of the descriptor values, and the means of the groups that k-means finds among
them: N. C. Nguyen, D. Sema, arXiv:2405.00306 (2024).
"""

from __future__ import annotations

import json

import numpy as np

from forcesmith.data.batches import make_batch, portions
from forcesmith.data.dataset import Dataset
from forcesmith.potentials.potential import Potential

MOST_ATOMS = 20_000
"""Of one element, from which environments are found; more are left out by chance."""


def with_environments(potential: Potential, train: Dataset) -> Potential:
    """The potential with the projections and centroids of its training set.

    potential: with a model that has centroids. Raises ValueError if an element has fewer atoms than
    kinds are asked for.
    """
    document = json.loads(potential.to_json())
    model = document["model"]
    rng = np.random.default_rng(model["seed"])
    found = [
        _environments(element, values, model["clusters"], model["components"], rng)
        for element, values in _values(potential, train).items()
    ]
    model["projections"] = [projection.tolist() for projection, _ in found]
    model["centroids"] = [centroids.tolist() for _, centroids in found]
    return Potential.from_json(json.dumps(document), "the fit settings", trained=False)


def _values(potential: Potential, train: Dataset) -> dict[str, np.ndarray]:
    """{element: descriptor values of its atoms (n_atoms, n_values)}"""
    core = potential._core
    parts: list[list[np.ndarray]] = [[] for _ in potential.elements]
    for portion in portions(train):
        batch = make_batch(portion, potential.elements, potential.cutoff)
        values = core.descriptor_values(batch, 1)
        for index, own in enumerate(parts):
            own.append(values[batch.types == index, : core.size(index)])
    return {
        element: np.concatenate(own) for element, own in zip(potential.elements, parts, strict=True)
    }


def _environments(
    element: str, values: np.ndarray, clusters: int, components: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Projection (n_values, components), centroids (clusters, components)."""
    from scipy.cluster.vq import kmeans2  # takes long to import

    n_atoms, n_values = values.shape
    if n_atoms < clusters:
        raise ValueError(
            f"The training data has {n_atoms} atom(s) of {element}, fewer than the {clusters} "
            "kinds of environments asked for (clusters); ask for fewer, or add data."
        )
    if n_values < components:
        raise ValueError(
            f"The descriptor has {n_values} value(s) for {element}, fewer than the {components} "
            "principal components asked for (components)."
        )
    if n_atoms > MOST_ATOMS:
        values = values[rng.choice(n_atoms, MOST_ATOMS, replace=False)]
    mean, spread = values.mean(axis=0), values.std(axis=0)
    factor = np.where(spread > 1e-10 * (1 + np.abs(mean)), 1 / np.maximum(spread, 1e-300), 0.0)
    covariance = np.cov((values - mean) * factor, rowvar=False).reshape(n_values, n_values)
    basis = np.linalg.eigh(covariance)[1][:, ::-1][:, :components]
    projection = factor[:, np.newaxis] * basis
    points = values @ projection
    centroids, _ = kmeans2(points, _far_apart(points, clusters, rng), minit="matrix")
    return projection, centroids


def _far_apart(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points to start k-means from, drawn with the square of the distance from those before (D.
    Arthur, S. Vassilvitskii, SODA 2007).
    """
    chosen = [int(rng.integers(len(points)))]
    squares = np.full(len(points), np.inf)
    while len(chosen) < count:
        squares = np.minimum(squares, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        total = squares.sum()
        chance = squares / total if total > 0.0 else np.full(len(points), 1 / len(points))
        chosen.append(int(rng.choice(len(points), p=chance)))
    return points[chosen]
