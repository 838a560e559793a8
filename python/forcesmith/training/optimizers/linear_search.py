"""Search for the parameters of descriptors under models that are linear in theirs. A search resumed
from a checkpoint goes on with a new round."""

from __future__ import annotations

import warnings

import numpy as np

from forcesmith.training.covariance import Covariance
from forcesmith.training.loss import Loss
from forcesmith.training.optimizers.gauss_newton import GaussNewtonCoordinates
from forcesmith.training.optimizers.quasi_newton import Bfgs
from forcesmith.training.optimizers.variable_projection import (
    NOT_FINITE,
    LinearLeastSquares,
    linear_curvature,
)
from forcesmith.training.record import Record
from forcesmith.training.settings import OptimizerSettings

ITERATIONS_PER_ROUND = 100  # between two exact solutions for the model parameters
DAMPING = 1e-10  # of Gauss-Newton coordinates


class LinearSearch:
    """For models that are linear in their parameters. In rounds: the model parameters are solved
    for exactly, then a quasi-Newton search moves the descriptor's parameters with them.
    """

    def __init__(self, record: Record, squares: LinearLeastSquares, settings: OptimizerSettings):
        self.record = record
        self.squares = squares
        self.settings = settings

    def resume(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from these of a `State`; KeyError, TypeError or ValueError if they do not fit."""
        self.squares.scale = arrays["scale"]
        self.squares.standard_errors = arrays["standard_errors"]
        if self.squares.scale.shape != (self.squares.free.sum(),):
            raise ValueError

    @property
    def coefficient_errors(self) -> np.ndarray | None:
        """See `FitResult`."""
        return self.squares.standard_errors

    def covariance(self) -> Covariance | None:
        """Of the coefficients, for the best parameters of the descriptors; None, with a warning, if
        there are not more labels than coefficients."""
        self.record.restore_best()
        try:
            return self.squares.covariance()
        except ValueError as error:
            warnings.warn(f"No covariance: {error}", stacklevel=2)
            return None
        finally:
            self.record.restore_best()

    def run(self) -> str:
        """Search; leaves the best parameters in the potential. Returns how it ended: "converged",
        "iterations" or "interrupted"."""
        record = self.record
        ending = "converged"
        try:
            if record.best is None:
                if not record.keep_if_best(self.squares.solve()):
                    raise ValueError(NOT_FINITE)
                self._iteration_done()
            if len(record.core.descriptor_parameters) > 0:
                joint = self.squares.joint_loss()
                while self._iterations_left() > 1 and self._round(joint):
                    pass
                if self._iterations_left() <= 1:
                    ending = "iterations"
            if self.settings.solver == "ard":
                record.restore_best()
                fitted = self.squares.solve_ard(self.settings.ard_threshold)
                record.keep(fitted, fitted.loss)  # fewer coefficients, larger loss
                self._iteration_done()
        except KeyboardInterrupt:
            if not record.can_go_on:
                raise
            ending = "interrupted"
        record.restore_best()
        return ending

    def _iteration_done(self) -> None:
        """A resumed search starts a round from the best parameters."""
        scale, errors = self.squares.scale, self.squares.standard_errors
        assert scale is not None and errors is not None
        self.record.iteration_done({"scale": scale, "standard_errors": errors})

    def _iterations_left(self) -> int:
        return self.settings.max_iterations - len(self.record.history)

    def _round(self, joint: Loss) -> bool:
        """From one exact solution to the next. False if that gained next to nothing."""
        record = self.record
        before = record.best_loss
        record.restore_best()
        coordinates = GaussNewtonCoordinates(
            joint.parameters(), linear_curvature(self.squares, joint), before, DAMPING
        )

        def evaluate(z: np.ndarray) -> tuple[float, np.ndarray, None]:
            fitted, gradient = joint(coordinates.point(z))
            record.keep_if_best(fitted)
            # The logarithm makes steps and their acceptance independent of the loss's magnitude.
            loss = max(fitted.loss, np.finfo(float).tiny)
            return float(np.log(loss)), coordinates.gradient(gradient) / loss, None

        search = Bfgs()
        z = np.zeros(len(coordinates.origin))
        value, gradient, _ = evaluate(z)
        for _ in range(min(ITERATIONS_PER_ROUND, self._iterations_left() - 1)):
            found = search.step(evaluate, z, value, gradient)
            if found is None:
                break
            z, value, gradient, _ = found
            self._iteration_done()
            if record.stagnates():
                break
        record.restore_best()
        record.keep_if_best(self.squares.solve())
        self._iteration_done()
        return before - record.best_loss > self.settings.tolerance * before
