"""What a search keeps while it runs: the best potential so far, the history, the checkpoint."""

from __future__ import annotations

import itertools
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forcesmith.interruption import stop_if_asked
from forcesmith.potentials.potential import Potential
from forcesmith.training.checkpoint import Checkpoint, State
from forcesmith.training.loss import Fitted
from forcesmith.training.settings import OptimizerSettings
from forcesmith.training.training_set import TrainingSet

Progress = Callable[[int, float, float, float, float], None]
"""progress(iteration, loss, energy RMSE in meV/atom, force RMSE in eV/angstrom, seconds)"""

ITERATIONS_OF_STAGNATION = 20


@dataclass(frozen=True)
class Best:
    """The best parameters so far, and what they give."""

    descriptor_parameters: np.ndarray
    model_parameters: np.ndarray
    loss: float
    score: float
    """What decides: the loss on a validation set, or the loss itself."""
    energy_rmse_mev: float
    force_rmse: float

    def numbers(self) -> dict[str, float]:
        names = ("loss", "score", "energy_rmse_mev", "force_rmse")
        return {name: float(getattr(self, name)) for name in names}


@dataclass(frozen=True)
class _Snapshot:
    """The search after a whole iteration. Made first, assigned in one step then: Ctrl-C between two
    instructions leaves one or the other."""

    arrays: dict[str, np.ndarray]
    iterations: int


class Record:
    """The best parameters, one row of history per iteration; written from time to time."""

    def __init__(
        self,
        potential: Potential,
        training_set: TrainingSet,
        optimizer: OptimizerSettings,
        progress: Progress | None,
        checkpoint: Checkpoint | None,
        common: dict[str, Any],
        started: float,
    ):
        """common: those parts of every `State` that stay the same."""
        self.potential = potential
        self.core = potential._core
        self.training_set = training_set
        self.optimizer = optimizer
        self.progress = progress
        self.checkpoint = checkpoint
        self.common = common
        self.started = started
        self.checkpoint_at = -np.inf
        self.history: list[dict[str, float]] = []
        self.best: Best | None = None
        self._snapshot: _Snapshot | None = None
        self._warned: set[str] = set()

    def resume(self, state: State) -> None:
        """Go on from this state, whose potential is the own one; KeyError or TypeError if it does
        not hold what it should."""
        self.best = Best(self.core.descriptor_parameters, self.core.model_parameters, **state.best)
        self.history = [{**row} for row in state.history]
        self.started -= self.history[-1]["seconds"] if self.history else 0.0
        self._snapshot = _Snapshot(state.arrays, len(self.history))

    @property
    def can_go_on(self) -> bool:
        """Whether there is a potential, and a search to resume."""
        return self.best is not None and self._snapshot is not None

    @property
    def best_loss(self) -> float:
        return np.inf if self.best is None else self.best.loss

    def keep_if_best(self, fitted: Fitted, score: float | None = None) -> bool:
        """Of the parameters that the potential has now. score: see `Best`."""
        score = fitted.loss if score is None else score
        if not score < (np.inf if self.best is None else self.best.score):
            return False
        self.keep(fitted, score)
        return True

    def keep(self, fitted: Fitted, score: float) -> None:
        """These parameters, better or not."""
        self.best = Best(
            self.core.descriptor_parameters,
            self.core.model_parameters,
            fitted.loss,
            score,
            *self.training_set.rmse(fitted.residuals),
        )

    def iteration_done(self, arrays: dict[str, np.ndarray]) -> None:
        """Adds a row to the history, and writes the checkpoint if it is time.

        arrays: what the search goes on from; not changed afterwards."""
        assert self.best is not None
        best, iteration = self.best, len(self.history) + 1
        seconds = time.monotonic() - self.started
        self.history.append(
            {
                "iteration": iteration,
                "loss": best.loss,
                "energy_rmse_mev": best.energy_rmse_mev,
                "force_rmse": best.force_rmse,
                "seconds": seconds,
            }
        )
        self._snapshot = _Snapshot(arrays, len(self.history))
        if self.progress is not None:
            self.progress(iteration, best.loss, best.energy_rmse_mev, best.force_rmse, seconds)
        if time.monotonic() - self.checkpoint_at >= self.optimizer.checkpoint_seconds:
            self.save()
        stop_if_asked()

    def start_done(self, arrays: dict[str, np.ndarray]) -> None:
        """Before the first iteration, with a first potential."""
        self._snapshot = _Snapshot(arrays, 0)
        self.save()

    def stagnates(self) -> bool:
        """Whether the last iterations together lowered the loss by less than the tolerance."""
        if len(self.history) <= ITERATIONS_OF_STAGNATION:
            return False
        before = self.history[-1 - ITERATIONS_OF_STAGNATION]["loss"]
        return before - self.best_loss < self.optimizer.tolerance * before

    def restore_best(self) -> None:
        assert self.best is not None
        self.core.descriptor_parameters = self.best.descriptor_parameters
        self.core.model_parameters = self.best.model_parameters

    # ---- files ----

    def save(self) -> None:
        """Write the checkpoint. Where that fails the fit goes on, with a warning, and the next
        checkpoint is the next try."""
        if self.checkpoint is None or not self.can_go_on:
            return
        current = (self.core.descriptor_parameters, self.core.model_parameters)
        self.restore_best()
        try:
            self.checkpoint.write(self.potential, self._state(None))
        except (OSError, ValueError) as error:
            if isinstance(error.__context__, KeyboardInterrupt):  # zipfile puts its own in front
                raise error.__context__ from None
            text = _sentence(error)
            if text not in self._warned:
                self._warned.add(text)
                warnings.warn(f"No checkpoint: {text} The fit goes on.", stacklevel=2)
        self.core.descriptor_parameters, self.core.model_parameters = current
        self.checkpoint_at = time.monotonic()

    def save_result(self, ending: str) -> None:
        """Write potential and state at the end. Raises OSError if that fails; the potential is then
        where its message says."""
        if self.checkpoint is None:
            return
        if left_out := self.core.left_out_of_file(self.checkpoint.potential_file):
            warnings.warn(left_out, stacklevel=2)
        try:
            self.checkpoint.write(self.potential, self._state(ending))
            return
        except (OSError, ValueError) as error:
            reason = _sentence(error)
        try:
            self.checkpoint.write(self.potential, None)
        except (OSError, ValueError):
            place = self._saved_elsewhere()
            raise OSError(
                f"{reason} "
                + (f"The potential was saved as {place}." if place else "The potential is lost.")
            ) from None
        warnings.warn(f"The fit cannot be resumed: {reason}", stacklevel=2)

    def _state(self, ending: str | None) -> State:
        assert self.best is not None and self._snapshot is not None
        return State(
            potential=self.potential.to_json(),
            best=self.best.numbers(),
            history=self.history[: self._snapshot.iterations],
            arrays=self._snapshot.arrays,
            ending=ending,
            **self.common,
        )

    def _saved_elsewhere(self) -> Path | None:
        assert self.checkpoint is not None
        name = Path(self.checkpoint.potential_file).stem
        for folder in (Path.cwd(), Path(tempfile.gettempdir())):
            names = (f"{name}-rescued{n}.json" for n in itertools.count(1))
            path = next(folder / name for name in names if not (folder / name).exists())
            try:
                self.potential.write(path)
            except (OSError, ValueError):
                continue
            return path
        return None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    return str(error)
