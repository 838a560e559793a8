"""Coordinates in which a quasi-Newton search starts well scaled, however ill the condition."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import eigh

from forcesmith import _core
from forcesmith.training.loss import Loss
from forcesmith.training.training_set import LabelledBatch, TrainingSet, join_labelled

ROWS_PER_PARAMETER = 2  # force components that are looked at for the curvature of a network
ROWS_AT_ONCE = 256


class GaussNewtonCoordinates:
    """Coordinates z around the present parameters, x = origin + transform z, in which the
    Gauss-Newton approximation of the Hessian of log(loss) is the unit matrix."""

    def __init__(self, origin: np.ndarray, curvature: np.ndarray, loss: float, damping: float):
        """curvature: J^T J of the weighted residuals. damping: relative to the largest curvature
        (with columns of J of unit length), smaller ones count as this."""
        self.origin = origin
        norms = np.sqrt(np.diag(curvature))
        norms[norms == 0] = 1.0
        values, vectors = eigh(curvature / norms / norms[:, None])
        scale = np.sqrt(np.maximum(values, 0) + damping * values[-1])
        self.transform = np.sqrt(loss / 2) * (vectors / scale) / norms[:, None]

    def point(self, z: np.ndarray) -> np.ndarray:
        return self.origin + self.transform @ z

    def gradient(self, x_gradient: np.ndarray) -> np.ndarray:
        return self.transform.T @ x_gradient


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
    rows = []
    for one in training_set.configurations:
        for row in _sampled_rows(loss, join_labelled([one]), share, rng):
            rows.append(row)
            if len(rows) == ROWS_AT_ONCE:
                curvature += np.transpose(rows) @ rows
                rows = []
    if rows:
        curvature += np.transpose(rows) @ rows
    return curvature


def _sampled_rows(
    loss: Loss, batch: LabelledBatch, share: float, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    # Single configurations keep no device busy.
    evaluator = _core.Evaluator(loss.core)
    weights = batch.weights
    no_energy, no_force, no_virial = (
        np.zeros_like(x) for x in (weights.energies, weights.forces, weights.virials)
    )

    def row(energy: np.ndarray, force: np.ndarray, virial: np.ndarray) -> np.ndarray:
        descriptor, model = evaluator.parameter_gradient(
            batch.neighbors, energy, force, virial, loss.n_workers
        )
        return np.concatenate([descriptor, model[loss.free]])

    if weights.energies[0] > 0:
        yield row(np.sqrt(weights.energies), no_force, no_virial)
    for component in np.flatnonzero(weights.virials):
        one = no_virial.copy()
        one.flat[component] = np.sqrt(weights.virials.flat[component])
        yield row(no_energy, no_force, one)
    weighted = np.flatnonzero(weights.forces)
    number = min(len(weighted), int(np.ceil(share * weights.forces.size)))
    for component in rng.choice(weighted, number, replace=False) if number else []:
        one = no_force.copy()
        # The chosen ones stand for all.
        weight = weights.forces.flat[component] * len(weighted) / number
        one.flat[component] = np.sqrt(weight)
        yield row(no_energy, one, no_virial)
