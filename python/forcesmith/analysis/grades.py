"""Extrapolation grades of data, per group: how much of it a potential does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from ase import Atoms
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from forcesmith.analysis.metrics import TOTAL
from forcesmith.data.labels import group_of
from forcesmith.potentials.result import Result

WORTH_LEARNING = 2.0
DANGEROUS = 10.0


@dataclass(frozen=True)
class Grades:
    """Grades of one group: of its atoms, or of its configurations where the active set is one of
    configurations."""

    configurations: int
    """Number of configurations."""
    atoms: int
    """Number of atoms."""
    mean: float
    """Mean grade."""
    median: float
    """Half of the grades are below."""
    quantile_95: float
    """95 % of the grades are below."""
    max: float
    """Largest grade."""
    above_2: int
    """How many are worth learning."""
    above_10: int
    """How many are dangerous."""


@dataclass(frozen=True)
class GradeTable:
    """Grades per group, in alphabetical order, and of all groups together under "all"."""

    groups: dict[str, Grades]
    """By name; also `table[name]`."""
    of_atoms: bool
    """Whether these are grades of atoms, or of configurations."""

    def __getitem__(self, group: str) -> Grades:
        return self.groups[group]

    def to_dict(self) -> dict[str, dict[str, float | int]]:
        """{group: {name: value}}; names as in `Grades`."""
        return {group: asdict(grades) for group, grades in self.groups.items()}

    def print(self, console: Console | None = None, title: str = "") -> None:
        """Print as a table of one row per group, that fits into 80 columns."""
        table = Table(
            title=title or None,
            title_justify="left",
            box=SIMPLE_HEAD,
            show_edge=False,
            padding=0,
            caption=f"grades of {'atoms' if self.of_atoms else 'configurations'}: above 2 worth "
            "learning, above 10 dangerous",
            caption_justify="left",
        )
        table.add_column("group", overflow="fold")
        for header in ("conf.", "atoms", "mean", "median", "95 %", "max", "> 2", "> 10"):
            table.add_column(header, justify="right", no_wrap=True, min_width=6)
        for group, grades in self.groups.items():
            if group == TOTAL:
                table.add_section()
            values = (grades.mean, grades.median, grades.quantile_95, grades.max)
            table.add_row(
                group,
                str(grades.configurations),
                str(grades.atoms),
                *(f"{value:.2f}" if value < 1000 else f"{value:.1e}" for value in values),
                str(grades.above_2),
                str(grades.above_10),
                style="bold" if group == TOTAL else None,
            )
        (console or Console()).print(table)


def grades_of(result: Result) -> np.ndarray:
    """Of the atoms, (n_atoms,), or of the configuration as a whole, (1,)."""
    if result.grades is not None:
        return result.grades
    assert result.configuration_grade is not None, "evaluate with grade=True"
    return np.array([result.configuration_grade])


def grades_by_group(results: Sequence[Result], configurations: Sequence[Atoms]) -> GradeTable:
    """Results of `Potential.evaluate(configurations, grade=True)`, by `info["config_type"]`.

    Raises ValueError without configurations, or if those of a group have no atoms.
    """
    if not results:
        raise ValueError("There are no configurations to grade.")
    groups: dict[str, list[int]] = {}
    for number, atoms in enumerate(configurations):
        groups.setdefault(group_of(atoms), []).append(number)
    groups = {group: groups[group] for group in sorted(groups)}
    groups[TOTAL] = list(range(len(results)))
    found = {}
    for group, numbers in groups.items():
        values = np.concatenate([grades_of(results[number]) for number in numbers])
        if not len(values):
            raise ValueError(f"The configurations of the group {group} have no atoms to grade.")
        found[group] = Grades(
            configurations=len(numbers),
            atoms=sum(len(configurations[number]) for number in numbers),
            mean=float(values.mean()),
            median=float(np.median(values)),
            quantile_95=float(np.quantile(values, 0.95)),
            max=float(values.max()),
            above_2=int((values > WORTH_LEARNING).sum()),
            above_10=int((values > DANGEROUS).sum()),
        )
    return GradeTable(found, of_atoms=results[0].grades is not None)
