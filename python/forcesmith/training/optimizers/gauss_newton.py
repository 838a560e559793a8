"""Coordinates in which a quasi-Newton search starts well scaled, however ill the condition."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from forcesmith.data.batches import ATOMS_PER_PORTION, Neighbors, join
from forcesmith.training.loss import Loss
from forcesmith.training.training_set import Observables, TrainingSet

ROWS_PER_PARAMETER = 2  # force components that are looked at for the curvature of a network
ROWS_AT_ONCE = 256
POWERS = 20
LARGEST_CHANGE = 1e3
"""Of a parameter as a multiple of 1 + its magnitude: one that changes log(loss) by 1/2 even where
the data tell nothing of the parameter."""


class GaussNewtonCoordinates:
    """Coordinates z around the present parameters, x = origin + transform z, in which the
    Gauss-Newton approximation of the Hessian of log(loss) is the unit matrix."""

    def __init__(self, origin: np.ndarray, curvature: np.ndarray, loss: float, damping: float):
        """curvature: J^T J of the weighted residuals. damping: a part of the largest curvature
        (with columns of J of unit length), added to all."""
        self.origin = origin
        # A neuron that is saturated in all data has next to no curvature: no reason for long steps.
        least = loss / 2 / (LARGEST_CHANGE * (1 + np.abs(origin))) ** 2
        diagonal = np.diag_indices_from(curvature)
        norms = np.sqrt(curvature[diagonal] + least)
        norms[norms == 0] = 1.0
        scaled = curvature / norms / norms[:, None]
        scaled[diagonal] = 1.0
        scaled[diagonal] += damping * _largest_eigenvalue(scaled)
        self._scale = np.sqrt(loss / 2) / norms
        self._root = cholesky(scaled)

    def point(self, z: np.ndarray) -> np.ndarray:
        return self.origin + self._scale * solve_triangular(self._root, z)

    def gradient(self, x_gradient: np.ndarray) -> np.ndarray:
        return solve_triangular(self._root, self._scale * x_gradient, trans="T")


def _largest_eigenvalue(matrix: np.ndarray) -> float:
    """Of a symmetric matrix without negative ones, roughly, by powers; 1 if it is 0."""
    vector = np.ones(len(matrix))
    largest = 0.0
    for _ in range(POWERS):
        vector = matrix @ (vector / np.linalg.norm(vector))
        largest = float(np.linalg.norm(vector))
        if not largest > 0:
            return 1.0
    return largest


def sampled_curvature(
    loss: Loss, training_set: TrainingSet, rng: np.random.Generator
) -> np.ndarray:
    """J^T J of the weighted residuals at the present parameters, (n, n), estimated from all
    energies and virials and some force components: every row of J is one reverse pass.

    training_set: with its configurations kept.
    """
    n = len(loss.parameters())
    curvature = np.zeros((n, n))
    share = ROWS_PER_PARAMETER * n / (3 * training_set.n_atoms)
    wanted = (
        (one.neighbors, weights)
        for one in training_set.configurations
        for weights in _sampled_weights(one.weights, share, rng)
    )
    while chosen := list(itertools.islice(wanted, ROWS_AT_ONCE)):
        rows = np.array(_rows(loss, chosen))
        curvature += rows.T @ rows
    return curvature


def _rows(loss: Loss, chosen: list[tuple[Neighbors, Observables]]) -> list[np.ndarray]:
    """Gradients of weighted sums of what the potential says of a configuration, each (n,)."""
    rows: list[np.ndarray] = []
    while len(rows) < len(chosen):
        sizes = np.cumsum([len(neighbors.types) for neighbors, _ in chosen[len(rows) :]])
        count = max(1, int(np.searchsorted(sizes, ATOMS_PER_PORTION)))
        part = chosen[len(rows) : len(rows) + count]
        weights = Observables.joined([own for _, own in part])
        found = loss.evaluator.parameter_gradients(
            join([neighbors for neighbors, _ in part]),
            weights.energies,
            weights.forces,
            weights.virials,
            loss.n_workers,
        )
        descriptor, model = np.split(found, [loss.n_descriptor], axis=1)
        rows += list(np.hstack([descriptor, model[:, loss.free]]))
    return rows


def _sampled_weights(
    weights: Observables, share: float, rng: np.random.Generator
) -> Iterator[Observables]:
    """weights: of one configuration. Each for one row: roots of the weights of what it is of."""

    def nothing() -> Observables:
        return Observables.zeros(1, len(weights.forces))

    if weights.energies[0] > 0:
        one = nothing()
        one.energies[:] = np.sqrt(weights.energies)
        yield one
    for component in np.flatnonzero(weights.virials):
        one = nothing()
        one.virials.flat[component] = np.sqrt(weights.virials.flat[component])
        yield one
    weighted = np.flatnonzero(weights.forces)
    number = min(len(weighted), int(np.ceil(share * weights.forces.size)))
    for component in rng.choice(weighted, number, replace=False) if number else []:
        one = nothing()
        # The chosen ones stand for all.
        weight = weights.forces.flat[component] * len(weighted) / number
        one.forces.flat[component] = np.sqrt(weight)
        yield one
