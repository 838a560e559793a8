"""Coordinates in which a quasi-Newton search starts well scaled, however ill the condition."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from forcesmith.training.loss import Loss
from forcesmith.training.training_set import LabelledBatch, Observables

ROWS_PER_PARAMETER = 2  # force components that are looked at for the curvature of a network
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


def sampled_curvature(loss: Loss, rng: np.random.Generator) -> np.ndarray:
    """J^T J of the weighted residuals at the present parameters, (n, n), estimated from all
    energies and virials and some force components: every row of J is one reverse pass of a
    configuration, one of each at a time.
    """
    n = len(loss.parameters())
    curvature = np.zeros((n, n))
    n_atoms = sum(batch.sizes.sum() for batch in loss.batches)
    share = ROWS_PER_PARAMETER * n / (3 * n_atoms)
    for batch in loss.batches:
        rows = [_sampled_rows(batch, c, share, rng) for c in range(len(batch.sizes))]
        for chosen in itertools.zip_longest(*rows):
            weights = Observables.zeros(len(batch.sizes), len(batch.weights.forces))
            for row in chosen:
                if row is not None:
                    getattr(weights, row.of).flat[row.index] = row.weight
            found = loss.evaluator.parameter_gradients(
                batch.neighbors, weights.energies, weights.forces, weights.virials, loss.n_workers
            )
            found = found[[row is not None for row in chosen]]
            descriptor, model = np.split(found, [loss.n_descriptor], axis=1)
            jacobian = np.hstack([descriptor, model[:, loss.free]])
            curvature += jacobian.T @ jacobian
    return curvature


@dataclass(frozen=True)
class _Row:
    of: str
    """Name of one of `Observables`."""
    index: int
    """In it, flat, of the batch."""
    weight: float
    """Root of that of the loss."""


def _sampled_rows(
    batch: LabelledBatch, configuration: int, share: float, rng: np.random.Generator
) -> list[_Row]:
    """Of one configuration."""
    weights, first_atoms = batch.weights, batch.first_atoms
    rows = []
    if weights.energies[configuration] > 0:
        rows.append(_Row("energies", configuration, np.sqrt(weights.energies[configuration])))
    for component in np.flatnonzero(weights.virials[configuration]):
        root = np.sqrt(weights.virials[configuration, component])
        rows.append(_Row("virials", 6 * configuration + int(component), root))
    forces = weights.forces[first_atoms[configuration] : first_atoms[configuration + 1]]
    weighted = np.flatnonzero(forces)
    number = min(len(weighted), int(np.ceil(share * forces.size)))
    for component in rng.choice(weighted, number, replace=False) if number else []:
        # The chosen ones stand for all.
        weight = forces.flat[component] * len(weighted) / number
        rows.append(
            _Row("forces", int(3 * first_atoms[configuration] + component), np.sqrt(weight))
        )
    return rows
