"""Progress of long work, shown to a person: a line that renews itself, or a log where it cannot."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from forcesmith.files import write_atomically

SECONDS_BETWEEN_LOG_LINES = 10.0


def write_history(history: Sequence[dict[str, float]], path: str | os.PathLike[str]) -> None:
    """The history of a fit as a CSV file, one row per iteration; written atomically."""
    stream = io.StringIO()
    names = ("iteration", "loss", "energy_rmse_mev", "force_rmse", "seconds")
    rows = csv.DictWriter(stream, fieldnames=names, lineterminator="\n")
    rows.writeheader()
    rows.writerows(history)
    write_atomically(path, stream.getvalue())


class LineProgress:
    """Shows lines, the last one is the state of the work; a context manager around it.

    On a terminal one line is renewed; elsewhere (batch jobs, files) the first and then a line about
    every ten seconds is printed, and the last one at the end.
    """

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True)
        self._live: Live | None = None
        self._unprinted: str | None = None
        self._printed: str | None = None
        self._printed_at = float("-inf")

    def show(self, line: str) -> None:
        """Show the state that the work has now."""
        if self._live is not None:
            self._live.update(Text(line))
        elif line == self._printed:
            self._unprinted = None
        elif time.monotonic() - self._printed_at >= SECONDS_BETWEEN_LOG_LINES:
            self._print(line)
        else:
            self._unprinted = line

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4)
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
            self._live = None
        if self._unprinted is not None:
            self._print(self._unprinted)

    def _print(self, line: str) -> None:
        # a log line is never wrapped, whatever width the console believes to have
        self.console.print(line, highlight=False, soft_wrap=True)
        self._printed, self._unprinted = line, None
        self._printed_at = time.monotonic()


class FitProgress(LineProgress):
    """Callable for `fit(..., progress=...)`; its `status` is for `fit(..., status=...)`."""

    def __init__(self, console: Console | None = None, max_iterations: int | None = None):
        super().__init__(console)
        self.max_iterations = max_iterations
        self._iteration: str | None = None

    def __call__(
        self,
        iteration: int,
        loss: float,
        energy_rmse_mev: float,
        force_rmse: float,
        seconds: float,
    ) -> None:
        """One iteration is done: loss, RMSE of energy (meV/atom) and force (eV/angstrom), time."""
        of = f"/{self.max_iterations}" if self.max_iterations else ""
        self._iteration = (
            f"iteration {iteration}{of}  loss {loss:.4e}  energy {energy_rmse_mev:.2f} meV/atom  "
            f"force {force_rmse:.4f} eV/Å  {seconds:.0f} s"
        )
        self.show(self._iteration)

    def status(self, line: str) -> None:
        """What follows the last iteration, whose line stays."""
        if self._iteration is not None:
            if self._live is not None or self._unprinted is not None:
                self._print(self._iteration)
            self._iteration = None
        self.show(line)
