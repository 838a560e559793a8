"""How learning goes, in the terminal: rounds, conditions and what went wrong, always renewed."""

from __future__ import annotations

import time
from collections import deque
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from forcesmith.data.labels import shortened
from forcesmith.learning.project import Project
from forcesmith.learning.status import conditions_table, rounds_table
from forcesmith.progress import LineProgress

SECONDS_BETWEEN_TABLES = 2.0
PART_OF_TIME = 0.05
"""That reading the folder for the tables may take at most."""
TROUBLES = ("failed", "fit failed", "rejected", "closed")
"""Events of the journal that are shown."""


class LearnProgress(LineProgress):
    """Tables above the line that tells what is being done; without a terminal the line alone."""

    def __init__(self, project: Project, console: Console | None = None):
        super().__init__(console)
        self._project = project
        self._tables: list[RenderableType] = []
        self._next_tables = 0.0
        self._read = 0
        self._troubles: deque[str] = deque(maxlen=3)

    def show(self, line: str) -> None:
        """Show the state that the work has now."""
        if self._live is None:
            super().show(line)
            return
        if time.monotonic() >= self._next_tables:
            started = time.monotonic()
            self._tables = self._renewed()
            took = time.monotonic() - started
            pause = max(SECONDS_BETWEEN_TABLES, took / PART_OF_TIME)
            self._next_tables = time.monotonic() + pause
        self._live.update(Group(*self._tables, Text(line, style="bold")))

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True)
            self._live.__enter__()
        return self

    def _renewed(self) -> list[RenderableType]:
        height = max(3, self.console.height // 2 - 4)
        tables: list[RenderableType] = [rounds_table(self._project, height), Text()]
        conditions = conditions_table(self._project, height)
        if conditions.row_count:
            tables += [conditions, Text()]
        self._look_for_troubles()
        return tables + [Text(line, style="yellow") for line in self._troubles]

    def _look_for_troubles(self) -> None:
        """In what is new of the journal."""
        for event in self._project.events(self._read):
            self._read = event["end"]
            if event["event"] in TROUBLES:
                what = event.get("id") or event.get("what") or event["event"]
                self._troubles.append(shortened(f"{what}: {event['reason']}", 150))
