"""A teacher as an ASE calculator, for what needs more than labels: relaxations."""

from __future__ import annotations

from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from forcesmith.teachers.teacher import Teacher


class TeacherCalculator(Calculator):
    """Energies, forces and stresses of a teacher; LabelError where it has none."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, teacher: Teacher):
        super().__init__()
        self.teacher = teacher

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = None,
        system_changes: Any = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        labelled = self.teacher.label(atoms)
        self.results = dict(labelled.calc.results)
        self.results["free_energy"] = self.results["energy"]
