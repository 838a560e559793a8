"""Fit of potentials that are linear in their model parameters.

For given descriptor parameters the model parameters are a linear least-squares problem, solved
exactly; what is left is a function of the descriptor parameters alone (variable projection, G. H.
Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)). Between two exact solutions both kinds
of parameters move together, in `GaussNewtonCoordinates`: a step costs one gradient there, a small
part of what a least-squares solution costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, svd

from forcesmith import _core
from forcesmith.training.covariance import Covariance
from forcesmith.training.loss import Fitted, Loss, free_parameters
from forcesmith.training.training_set import (
    LabelledBatch,
    Observables,
    TrainingSet,
    observables,
    residuals,
)

NOT_FINITE = (
    "The loss is not finite; look for labels, weights or descriptor values far too large, and for "
    "atoms much too close."
)
BYTES_PER_PORTION = 2**26  # of design matrix held at once
DIFFERENCE_STEP = 1e-5  # its error only makes the scaling of the search less perfect


@dataclass
class Triangle:
    """What least squares needs of a weighted design matrix A with appended columns: A = Q R."""

    matrix: np.ndarray  # (n_columns, n_columns), upper triangular, design columns first
    n_rows: int  # of A, with a weight above 0


class LinearLeastSquares:
    """Streams the design matrix through a QR decomposition; memory holds one portion of it."""

    def __init__(
        self,
        evaluator: _core.Evaluator,
        training_set: TrainingSet,
        ridge: float,
        offsets: np.ndarray | None,
        n_workers: int,
    ):
        """evaluator: its potential gives what model parameters do not change, as a repulsion.
        ridge: penalty ridge * sum_k s_k^2 theta_k^2, s_k the norm of column k in the first solve.
        offsets: given energy offsets (n_elements,), eV; None: fitted.
        """
        self.evaluator = evaluator
        self.core = core = evaluator.potential
        self.training_set = training_set
        self.ridge = ridge
        self.n_workers = n_workers
        self.free = free_parameters(core, fixed_offsets=offsets is not None)
        before = core.model_parameters
        # Large constant energies are taken out before the squares are formed.
        core.model_parameters = np.zeros_like(before)
        core.set_energy_offsets(
            training_set.smallest_energy_offsets() if offsets is None else offsets
        )
        self.baseline = core.model_parameters
        fixed = [residuals(evaluator, batch, n_workers) for batch in training_set.batches]
        core.model_parameters = before
        self.targets = [Observables(-r.energies, -r.forces, -r.virials) for r in fixed]
        self.scale: np.ndarray | None = None
        self.standard_errors: np.ndarray | None = None
        """Of the last solution, (n_parameters,): square roots of the diagonal of s^2 (A^T A)^-1, A
        the weighted design matrix and s^2 the loss per degree of freedom; 0 for given offsets. The
        descriptor parameters count as known."""

    def solve(self) -> Fitted:
        """Set the model parameters of the potential to the minimum of the loss."""
        return self._solved(self.triangle())[0]

    def covariance(self) -> Covariance:
        """Of the model parameters, which are set to the minimum of the loss; see `Covariance`.

        Raises ValueError if there are not more labels than coefficients.
        """
        triangle = self.triangle()
        fitted, inverse_root = self._solved(triangle)
        columns = triangle.matrix[:-1, :-1]
        # trace of the matrix that takes labels to fitted values
        n_determined = float(np.sum((columns @ inverse_root) ** 2))
        freedom = triangle.n_rows - n_determined
        if freedom < 1:
            raise ValueError(
                f"{triangle.n_rows} labels for {n_determined:.0f} coefficients leave nothing to "
                "tell errors from; take more data, or a smaller model."
            )
        factor = np.zeros((len(self.baseline), inverse_root.shape[1]))
        factor[self.free] = inverse_root
        return Covariance(factor, fitted.loss / freedom, triangle.n_rows, n_determined)

    def _solved(self, triangle: Triangle) -> tuple[Fitted, np.ndarray]:
        """What `solve` gives, and F with F F^T = (A^T A + penalty)^-1, (n_free, n_directions)."""
        columns, target = triangle.matrix[:-1, :-1], triangle.matrix[:-1, -1]
        if self.scale is None:
            norms = np.linalg.norm(columns, axis=0)
            self.scale = np.where(norms > 0, norms, 1.0)
        scaled = np.vstack([columns / self.scale, np.sqrt(self.ridge) * np.eye(columns.shape[1])])
        padded = np.concatenate([target, np.zeros(columns.shape[1])])
        if not (np.isfinite(scaled).all() and np.isfinite(padded).all()):
            raise ValueError(NOT_FINITE)
        u, s, vt = svd(scaled, full_matrices=False, lapack_driver="gesdd")
        kept = s > s[0] * np.finfo(float).eps * len(s)
        theta = vt[kept].T @ ((u[:, kept].T @ padded) / s[kept])
        fitted = self._set(theta / self.scale)
        freedom = triangle.n_rows - np.count_nonzero(kept)
        variance = fitted.loss / freedom if freedom > 0 else np.nan
        inverse_root = vt[kept].T / s[kept] / self.scale[:, None]
        spread = np.linalg.norm(inverse_root, axis=1)
        self.standard_errors = self._of_all_parameters(np.sqrt(variance) * spread)
        return fitted, inverse_root

    def solve_ard(self, threshold: float) -> Fitted:
        """Set the model parameters by automatic relevance determination (D. J. C. MacKay, Bayesian
        methods for backpropagation networks (1994); scikit-learn's ARDRegression): every
        coefficient has a prior width of its own, and those that are not needed become 0.

        threshold: largest precision of a coefficient before it is dropped, where columns and labels
        have a mean square of 1.
        """
        try:
            from sklearn.linear_model import ARDRegression
        except ImportError:
            raise ValueError(
                'The solver "ard" needs scikit-learn; install it with: pip install scikit-learn.'
            ) from None
        triangle = self.triangle()
        root = np.sqrt(triangle.n_rows)
        norms = np.linalg.norm(triangle.matrix, axis=0) / root
        norms[norms == 0] = 1.0
        scaled = triangle.matrix / norms
        # The triangle has all that the regression uses of the rows, but for their number, which is
        # where the noise's prior comes in.
        missing_rows = triangle.n_rows - len(scaled)
        regression = ARDRegression(
            fit_intercept=False, alpha_1=1e-6 + missing_rows / 2, threshold_lambda=threshold
        )
        regression.fit(scaled[:, :-1], scaled[:, -1])
        unit = norms[-1] / norms[:-1]
        errors = np.zeros(len(unit))
        errors[regression.lambda_ < threshold] = np.sqrt(np.diag(regression.sigma_))
        self.standard_errors = self._of_all_parameters(errors * unit)
        return self._set(regression.coef_ * unit)

    def _set(self, coefficients: np.ndarray) -> Fitted:
        """coefficients: of the free columns, on top of the baseline."""
        parameters = self.baseline.copy()
        parameters[self.free] += coefficients
        self.core.model_parameters = parameters
        batches = self.training_set.batches
        found = [residuals(self.evaluator, batch, self.n_workers) for batch in batches]
        return Fitted(sum(r.loss for r in found) + self.penalty(parameters)[0], found)

    def _of_all_parameters(self, of_free: np.ndarray) -> np.ndarray:
        values = np.zeros(len(self.baseline))
        values[self.free] = of_free
        return values

    def penalty(self, model_parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """The ridge penalty after the first solve, and its gradient."""
        assert self.scale is not None
        scaled = self.scale * (model_parameters - self.baseline)[self.free]
        gradient = self._of_all_parameters(2 * self.ridge * self.scale * scaled)
        return self.ridge * float(scaled @ scaled), gradient

    def joint_loss(self) -> Loss:
        """The same loss as a function of descriptor and free model parameters."""
        batches = self.training_set.batches
        return Loss(self.evaluator, batches, self.free, self.n_workers, self.penalty)

    def triangle(self) -> Triangle:
        """Of the free design columns and, as the last one, the labels."""
        return stream_triangle(
            self.core,
            self.training_set,
            self.free,
            lambda number: self.targets[number],
            self.n_workers,
        )


def stream_triangle(
    core: _core.Potential,
    training_set: TrainingSet,
    free: np.ndarray,
    appended: Callable[[int], Observables],
    n_workers: int,
) -> Triangle:
    """R of the QR decomposition of the weighted rows [design matrix[:, free], appended columns].

    appended: batch number to the observables that are the last columns.
    Raises ValueError if no row has a weight.
    """
    triangle: np.ndarray | None = None
    n_rows = 0
    for number, batch in enumerate(training_set.batches):
        for rows in _portions(core, batch, free, appended(number), n_workers):
            n_rows += len(rows)
            stacked = rows if triangle is None else np.vstack([triangle, rows])
            triangle = qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0]
            triangle = triangle[: triangle.shape[1]]
    if triangle is None:
        raise ValueError(
            "No label of the training data has a weight above 0; raise the weights of energy, "
            "force or stress that the data has."
        )
    square = np.zeros((triangle.shape[1], triangle.shape[1]))
    square[: len(triangle)] = triangle
    return Triangle(square, n_rows)


def _portions(
    core: _core.Potential,
    batch: LabelledBatch,
    free: np.ndarray,
    appended: Observables,
    n_workers: int,
) -> Iterator[np.ndarray]:
    """Weighted rows of a few configurations at a time."""
    n_columns = len(core.model_parameters)
    rows_per_portion = max(1, BYTES_PER_PORTION // (8 * n_columns))
    first = 0
    while first < len(batch.sizes):
        last, n_rows = first, 0
        while last < len(batch.sizes) and (last == first or n_rows < rows_per_portion):
            n_rows += 7 + 3 * batch.sizes[last]
            last += 1
        matrix = core.design_matrix(batch.neighbors, first, last - first, n_workers)
        weight = np.sqrt(batch.rows(batch.weights, first, last)[:, 0])
        rows = np.hstack([matrix[:, free], batch.rows(appended, first, last)])
        used = weight > 0
        if not used.all():
            rows, weight = rows[used], weight[used]
        rows *= weight[:, None]
        if len(rows):
            yield rows
        first = last


def linear_curvature(squares: LinearLeastSquares, joint: Loss) -> np.ndarray:
    """J^T J of the weighted residuals with all parameters of `joint`, (n, n), for models that are
    linear in theirs: J is the design matrix and, for the descriptor, forward differences."""
    triangle = stream_triangle(
        joint.core,
        squares.training_set,
        squares.free,
        lambda number: _descriptor_columns(joint, squares.training_set.batches[number]),
        squares.n_workers,
    ).matrix
    # Descriptor parameters come first in x, last in the rows.
    triangle = np.roll(triangle, joint.n_descriptor, axis=1)
    return triangle.T @ triangle


def _descriptor_columns(joint: Loss, batch: LabelledBatch) -> Observables:
    """Derivatives of energies, forces and virials with the descriptor parameters."""
    core = joint.core
    start = core.descriptor_parameters
    here = observables(joint.evaluator, batch, joint.n_workers)
    columns = []
    for k in range(len(start)):
        moved = start.copy()
        moved[k] += DIFFERENCE_STEP * max(1.0, abs(start[k]))
        core.descriptor_parameters = moved
        there = observables(joint.evaluator, batch, joint.n_workers)
        columns.append(there.minus(here).divided_by(moved[k] - start[k]))
    core.descriptor_parameters = start
    return Observables.stacked(columns)
