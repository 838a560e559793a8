"""A teacher as an ASE calculator, for what needs more than labels: relaxations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from forcesmith.data.formats.extended_xyz import append_extended_xyz, drop_torn_frame
from forcesmith.teachers.teacher import Teacher

SAME_WITHIN = 1e-5
"""Angstrom, of positions and cells of a configuration that has been labelled before."""


class TeacherCalculator(Calculator):
    """Energies, forces and stresses of a teacher; LabelError where it has none.

    Parameters
    ----------
    teacher
        Whose they are.
    kept
        Extended XYZ file of the labels: what is in it is not computed again, and what is computed
        is added to it. A relaxation that was interrupted goes on so, as its steps follow from the
        labels.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, teacher: Teacher, kept: Path | None = None):
        super().__init__()
        self.teacher = teacher
        self._file = kept
        self._kept: list[Atoms] = []
        if kept is not None and kept.is_file():
            drop_torn_frame(kept)
            if kept.stat().st_size:
                self._kept = list(ase.io.iread(kept, format="extxyz"))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = None,
        system_changes: Any = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        labelled = self._found(atoms)
        if labelled is None:
            labelled = self.teacher.label(atoms)
            if self._file is not None:
                append_extended_xyz(self._file, labelled)
        self.results = dict(labelled.calc.results)
        self.results["free_energy"] = self.results["energy"]

    def _found(self, atoms: Atoms) -> Atoms | None:
        """The label of a configuration, if it is kept."""
        for one in self._kept:
            if (
                one.info.get("teacher_hash") == self.teacher.settings_hash
                and np.array_equal(one.numbers, atoms.numbers)
                and np.array_equal(one.pbc, atoms.pbc)
                and np.allclose(one.cell.array, atoms.cell.array, rtol=0, atol=SAME_WITHIN)
                and np.allclose(one.positions, atoms.positions, rtol=0, atol=SAME_WITHIN)
            ):
                return one
        return None
