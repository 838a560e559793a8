"""Structures at rest, by a potential and by its teacher.

What the teacher does are tasks, and its labels are kept: interrupted, a relaxation goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

from forcesmith.engine.executor import Executor, Task, WorkerLost
from forcesmith.learning.errors import failed
from forcesmith.learning.tasks import in_project
from forcesmith.potentials.potential import Potential
from forcesmith.teachers.calculator import TeacherCalculator
from forcesmith.teachers.labelling import teacher_of
from forcesmith.teachers.settings import TeacherSettings
from forcesmith.teachers.teacher import LabelError

LARGEST_FORCE = 0.02  # eV/angstrom, of relaxed structures
LARGEST_OF_CELLS = 0.003
"""Likewise where the cell is relaxed, too, also of stress times volume per atom, eV: lattice
constants to about 1e-4 of them."""
MOST_STEPS = 100  # by the teacher; the potential has ten times as many


@dataclass(frozen=True)
class Relaxation:
    """A structure, and how it is relaxed."""

    structure: Atoms
    cell: bool = False
    """Its cell, too."""
    steps: int = MOST_STEPS
    """At most; 0: its energy where it is."""

    def run(self, calculator: Calculator, times: int = 1) -> Atoms:
        """The structure at rest, with its energy; `info["relaxed"]`: whether it came to that, in so
        many times the steps."""
        given = self.structure
        moved = Atoms(given.symbols, given.positions, cell=given.cell, pbc=given.pbc)
        moved.calc = calculator
        moving = cast(Atoms, FrechetCellFilter(moved)) if self.cell else moved
        largest = LARGEST_OF_CELLS if self.cell else LARGEST_FORCE
        moved.info["relaxed"] = bool(BFGS(moving, logfile=None).run(largest, times * self.steps))
        moved.calc = SinglePointCalculator(moved, energy=moved.get_potential_energy())
        return moved


Relax = Callable[[Mapping[str, Relaxation]], dict[str, Atoms]]
"""Structures at rest, by name."""


def by_potential(potential: Potential) -> Relax:
    """Relaxes by a potential."""
    calculator = potential.calculator()
    return lambda wanted: {name: one.run(calculator, times=10) for name, one in wanted.items()}


def by_teacher(
    teacher: TeacherSettings, executor: Executor, task_lock: Path, folder: Path
) -> Relax:
    """Relaxes by a teacher, in tasks. folder: of the labels. Raises LabelError."""

    def relax(wanted: Mapping[str, Relaxation]) -> dict[str, Atoms]:
        folder.mkdir(parents=True, exist_ok=True)
        tasks = []
        for name, one in wanted.items():
            work = (task_lock, _relax, teacher, one, folder / f"{name}.extxyz")
            tasks.append(Task(name, in_project, work, teacher.cores))
        relaxed: dict[str, Atoms] = {}
        errors: list[Exception] = []
        for ended in executor.run(tasks):
            if ended.error is None:
                relaxed[ended.name] = ended.result
            elif isinstance(ended.error, (LabelError, WorkerLost)):
                errors.append(ended.error)
            else:
                raise failed(f'The relaxation of "{ended.name}" for the verdict', ended.error)
        if errors:
            raise LabelError(str(errors[0]))
        return relaxed

    return relax


def _relax(teacher: TeacherSettings, relaxation: Relaxation, kept: Path) -> Atoms:
    return relaxation.run(TeacherCalculator(teacher_of(teacher), kept))
