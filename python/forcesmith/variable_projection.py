"""Fit of potentials that are linear in their model parameters.

For given descriptor parameters the model parameters are a linear least-squares problem, solved
exactly; what is left is a function of the descriptor parameters alone (variable projection, G. H.
Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)). At the least-squares solution its
gradient is the partial gradient at fixed model parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, svd

from forcesmith import _core
from forcesmith.training_set import LabelledBatch, Residuals, TrainingSet, residuals

BYTES_PER_PORTION = 2**26  # of design matrix held at once


@dataclass
class Fitted:
    """Model parameters that minimise the loss for some descriptor parameters."""

    loss: float  # weighted sum of squares, with the ridge penalty
    residuals: list[Residuals]  # per batch


class LinearLeastSquares:
    """Streams the design matrix through a QR decomposition; memory holds one portion of it."""

    def __init__(
        self,
        training_set: TrainingSet,
        ridge: float,
        offsets: np.ndarray | None,
        n_workers: int,
    ):
        """offsets: given energy offsets (n_elements,), eV; None: fitted.
        ridge: penalty ridge * sum_k s_k^2 theta_k^2, s_k the norm of column k in the first solve.
        """
        self.training_set = training_set
        self.ridge = ridge
        self.n_workers = n_workers
        self.fixed_offsets = offsets is not None
        # Large constant energies are taken out before the squares are formed.
        self.baseline = offsets if offsets is not None else training_set.smallest_energy_offsets()
        self.scale: np.ndarray | None = None

    def solve(self, core: _core.Potential) -> Fitted:
        """Set the model parameters of `core` to the minimum of the loss."""
        n_elements = len(self.training_set.elements)
        free = slice(n_elements if self.fixed_offsets else 0, None)
        triangle = self._triangle(core, free)
        columns, target = triangle[:, :-1], triangle[:, -1]
        if self.scale is None:
            norms = np.linalg.norm(columns, axis=0)
            self.scale = np.where(norms > 0, norms, 1.0)
        scaled = np.vstack([columns / self.scale, np.sqrt(self.ridge) * np.eye(columns.shape[1])])
        padded = np.concatenate([target, np.zeros(columns.shape[1])])
        u, s, vt = svd(scaled, full_matrices=False, lapack_driver="gesdd")
        kept = s > s[0] * np.finfo(float).eps * len(s)
        theta = vt[kept].T @ ((u[:, kept].T @ padded) / s[kept])
        parameters = np.zeros(
            n_elements + columns.shape[1] if self.fixed_offsets else columns.shape[1]
        )
        parameters[free] = theta / self.scale
        parameters[:n_elements] += self.baseline
        core.model_parameters = parameters
        found = [residuals(core, batch, self.n_workers) for batch in self.training_set.batches]
        penalty = self.ridge * float(theta @ theta)
        return Fitted(sum(r.loss for r in found) + penalty, found)

    def _triangle(self, core: _core.Potential, free: slice) -> np.ndarray:
        """R of the QR decomposition of [design matrix, labels], weighted."""
        triangle: np.ndarray | None = None
        for batch in self.training_set.batches:
            for rows in self._portions(core, batch, free):
                stacked = rows if triangle is None else np.vstack([triangle, rows])
                triangle = qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0]
                triangle = triangle[: triangle.shape[1]]
        if triangle is None:
            raise ValueError(
                "No label of the training data has a weight above 0; raise the weights of energy, "
                "force or stress that the data has."
            )
        return triangle

    def _portions(
        self, core: _core.Potential, batch: LabelledBatch, free: slice
    ) -> Iterator[np.ndarray]:
        n_columns = len(core.model_parameters)
        rows_per_portion = max(1, BYTES_PER_PORTION // (8 * n_columns))
        first_atoms = batch.first_atoms
        first = 0
        while first < len(batch.sizes):
            last, n_rows = first, 0
            while last < len(batch.sizes) and (last == first or n_rows < rows_per_portion):
                n_rows += 7 + 3 * batch.sizes[last]
                last += 1
            matrix = core.design_matrix(batch.neighbors, first, last - first, self.n_workers)
            labels, weights = [], []
            for c in range(first, last):
                atoms = slice(first_atoms[c], first_atoms[c + 1])
                energy = batch.energies[c] - batch.compositions[c] @ self.baseline
                labels += [[energy], batch.virials[c], batch.forces[atoms].ravel()]
                weights += [
                    [batch.energy_weights[c]],
                    batch.virial_weights[c],
                    np.repeat(batch.force_weights[atoms], 3),
                ]
            weight = np.sqrt(np.concatenate(weights))
            used = weight > 0
            rows = np.column_stack([matrix[:, free], np.concatenate(labels)])
            if not used.all():
                rows, weight = rows[used], weight[used]
            rows *= weight[:, None]
            if len(rows):
                yield rows
            first = last


def descriptor_gradient(
    core: _core.Potential, training_set: TrainingSet, fitted: Fitted, n_workers: int
) -> np.ndarray:
    """Gradient of the loss with the descriptor parameters, at fixed model parameters."""
    gradient = np.zeros(len(core.descriptor_parameters))
    for batch, residual in zip(training_set.batches, fitted.residuals, strict=True):
        gradient += core.parameter_gradient(
            batch.neighbors,
            2 * batch.energy_weights * residual.energies,
            2 * batch.force_weights[:, None] * residual.forces,
            2 * batch.virial_weights * residual.virials,
            n_workers,
        )[0]
    return gradient
