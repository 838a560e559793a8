"""What a search keeps while it runs: the best potential so far, the history, the checkpoint."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np

from forcesmith.loss import Fitted
from forcesmith.potential import Potential
from forcesmith.training_set import TrainingSet

Progress = Callable[[int, float, float, float, float], None]
"""progress(iteration, loss, energy RMSE in meV/atom, force RMSE in eV/angstrom, seconds)"""

ITERATIONS_OF_STAGNATION = 20
SECONDS_BETWEEN_CHECKPOINTS = 30.0


class Record:
    """The best parameters, one row of history per iteration."""

    def __init__(
        self,
        potential: Potential,
        training_set: TrainingSet,
        tolerance: float,
        progress: Progress | None,
        checkpoint: str | os.PathLike | None,
        started: float,
    ):
        self.potential = potential
        self.core = potential._core
        self.training_set = training_set
        self.tolerance = tolerance
        self.progress = progress
        self.checkpoint = checkpoint
        self.started = started
        self.history: list[dict[str, float]] = []
        self.best_loss = np.inf
        self.best_score = np.inf  # what decides: the loss on a validation set, or the loss itself
        self.best: tuple[np.ndarray, np.ndarray] | None = None
        self.best_rmse = (np.nan, np.nan)
        self.checkpoint_at = time.monotonic()

    def keep_if_best(self, fitted: Fitted, score: float | None = None) -> bool:
        """Of the parameters that the potential has now. score: see `best_score`."""
        score = fitted.loss if score is None else score
        if not score < self.best_score:
            return False
        self.best_score = score
        self.best_loss = fitted.loss
        self.best = (self.core.descriptor_parameters, self.core.model_parameters)
        self.best_rmse = self.training_set.rmse(fitted.residuals)
        return True

    def iteration_done(self) -> bool:
        """Adds a row to the history; True if the checkpoint was written, too."""
        row = {
            "iteration": len(self.history) + 1,
            "loss": self.best_loss,
            "energy_rmse_mev": self.best_rmse[0],
            "force_rmse": self.best_rmse[1],
            "seconds": time.monotonic() - self.started,
        }
        self.history.append(row)
        if self.progress is not None:
            self.progress(*row.values())
        if (
            self.checkpoint is None
            or time.monotonic() - self.checkpoint_at <= SECONDS_BETWEEN_CHECKPOINTS
        ):
            return False
        current = (self.core.descriptor_parameters, self.core.model_parameters)
        self.restore_best()
        self.potential.write(self.checkpoint)
        self.core.descriptor_parameters, self.core.model_parameters = current
        self.checkpoint_at = time.monotonic()
        return True

    def stagnates(self) -> bool:
        """Whether the last iterations together lowered the loss by less than the tolerance."""
        if len(self.history) <= ITERATIONS_OF_STAGNATION:
            return False
        before = self.history[-1 - ITERATIONS_OF_STAGNATION]["loss"]
        return before - self.best_loss < self.tolerance * before

    def restore_best(self) -> None:
        assert self.best is not None
        self.core.descriptor_parameters, self.core.model_parameters = self.best
