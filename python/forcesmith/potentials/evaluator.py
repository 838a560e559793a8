"""Evaluating a potential, on the CPU or on a device."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from ase import Atoms

from forcesmith import _core
from forcesmith.data.batches import make_batch, portions
from forcesmith.potentials.information import configuration_grades
from forcesmith.potentials.result import Result, split_results

if TYPE_CHECKING:
    from forcesmith.potentials.potential import Potential

DeviceChoice = Literal["auto", "cpu", "cuda"]

_PROCESS = os.getpid()


def worker_count(threads: int | None) -> int:
    """Threads to use: all that are there unless fewer are asked for."""
    # OpenMP's threads do not survive a fork; a child that asked for them would wait forever.
    available = _core.max_workers() if os.getpid() == _PROCESS else 1
    return available if not threads else max(1, min(int(threads), available))


def core_evaluator(
    core: _core.Potential, precision: str = "double", device: str = "cpu", kept_bytes: int = 0
) -> _core.Evaluator:
    """kept_bytes: of the CPU's memory, for batches that come again and again.

    Raises DeviceError where "cuda" is asked for and cannot be used; warns, once in a process,
    where "auto" is the CPU."""
    evaluator = _core.Evaluator(core, precision, device, kept_bytes)
    if evaluator.remark and evaluator.remark not in _SAID:
        _SAID.add(evaluator.remark)
        warnings.warn(evaluator.remark, stacklevel=4)
    return evaluator


_SAID: set[str] = set()


class Evaluator:
    """Evaluates a potential any number of times; on a device, it stays there from one to the next.

    Raises and warns as `core_evaluator`.
    """

    def __init__(self, potential: Potential, precision: str = "double", device: str = "cpu"):
        """Arguments as those of `Potential.evaluate`."""
        self.potential = potential
        self._choices = precision, device
        self._core = core_evaluator(potential._core, precision, device)

    def evaluate(
        self, configurations: Iterable[Atoms], threads: int | None = None, grade: bool = False
    ) -> list[Result]:
        """As `Potential.evaluate`."""
        elements, cutoff = self.potential.elements, self.potential.cutoff
        mode = self._mode_of_grades() if grade else None
        results: list[Result] = []
        for portion in portions(configurations):
            batch = make_batch(portion, elements, cutoff, len(results))
            n_workers = worker_count(threads)
            raw = self._core.evaluate(batch, n_workers, mode == "neighborhoods")
            if mode == "configurations":
                sizes = [len(atoms) for atoms in portion]
                raw["configuration_grades"] = configuration_grades(
                    self.potential._core, batch, sizes, n_workers
                )
            results += split_results(portion, raw)
        return results

    def _mode_of_grades(self) -> str:
        mode = self.potential._core.active_set_mode
        if mode is None:
            raise ValueError(
                "The potential has no active set, so there are no extrapolation grades; make one "
                "with forcesmith active-set POTENTIAL DATA or fs.find_active_set(potential, data)."
            )
        return mode

    def __reduce__(self) -> tuple[Callable[..., Evaluator], tuple[Potential, str, str]]:
        """Copies are made anew."""
        return Evaluator, (self.potential, *self._choices)
