"""Relaxation of ions, and of cells with them: by ASE, of large cells by LAMMPS."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from ase.calculators.singlepoint import SinglePointCalculator
from ase.filters import FrechetCellFilter, UnitCellFilter
from ase.geometry import find_mic
from ase.optimize import LBFGS

from forcesmith.properties.lammps_runs import execute, setup
from forcesmith.properties.property import PropertyError
from forcesmith.properties.subject import Subject

LARGE = 500  # atoms


class NotConverged(PropertyError):
    """A relaxation needs more steps; `atoms` is where it came to."""

    def __init__(self, message: str, atoms: Atoms):
        super().__init__(message)
        self.atoms = atoms


def relax_ions(
    atoms: Atoms, subject: Subject, force: float, steps: int, what: str = "the ions"
) -> Atoms:
    """A copy at rest, with its energy.

    force: the largest that is left, eV/angstrom; what: for messages; constraints are kept.
    Raises PropertyError if that takes more steps.
    """
    if len(atoms) >= LARGE and not atoms.constraints:
        elements = sorted(set(atoms.symbols))
        if subject.lammps_commands(elements) is not None:
            return _relaxed_by_lammps(atoms, subject, force, steps, what)
    atoms = atoms.copy()
    atoms.calc = subject.calculator
    _run(atoms, atoms, force, steps, what)
    return atoms


def relax_cell(
    atoms: Atoms, subject: Subject, force: float, steps: int, what: str = "the cell"
) -> Atoms:
    """The same for ions and cell together, without pressure."""
    atoms = atoms.copy()
    atoms.calc = subject.calculator
    _run(FrechetCellFilter(atoms), atoms, force, steps, what)
    return atoms


def relax_height(
    atoms: Atoms, subject: Subject, force: float, steps: int, what: str = "the cell"
) -> Atoms:
    """The same for ions and the height of the cell along z."""
    return relax_partly(atoms, subject, force, steps, [0, 0, 1, 0, 0, 0], what)


def relax_partly(
    atoms: Atoms, subject: Subject, force: float, steps: int, free: list[int], what: str
) -> Atoms:
    """The same for ions and some components of the cell. free: 1 for those, 0 for others, in the
    order xx, yy, zz, yz, xz, xy."""
    atoms = atoms.copy()
    atoms.calc = subject.calculator
    _run(UnitCellFilter(atoms, mask=free), atoms, force, steps, what)
    return atoms


def _relaxed_by_lammps(
    atoms: Atoms, subject: Subject, force: float, steps: int, what: str
) -> Atoms:
    with tempfile.TemporaryDirectory(prefix="forcesmith-relax-") as temporary:
        folder = Path(temporary)
        script = setup(atoms, subject, folder)
        script += (
            "thermo          10\nmin_style       cg\nmin_modify      norm max\n"
            f"minimize        0.0 {force:g} {steps} {10 * steps}\n"
            "write_dump      all custom relaxed.dump id x y z fx fy fz modify sort id format float "
            "%.14g\n"
        )
        [relaxation] = execute(script, subject, folder)
        rows = np.loadtxt(folder / "relaxed.dump", skiprows=9)
    # LAMMPS has its own orientation of the cell.
    prism = Prism(atoms.cell, atoms.pbc)
    relaxed = atoms.copy()
    moves = prism.vector_to_ase(rows[:, 1:4]) - atoms.positions
    relaxed.positions += find_mic(moves, atoms.cell, atoms.pbc)[0]  # LAMMPS wraps positions
    forces = prism.vector_to_ase(rows[:, 4:])
    left = np.linalg.norm(forces, axis=1).max()
    if left > 2 * force:
        raise PropertyError(
            f"the relaxation of {what} by LAMMPS has not converged in {steps} steps; a force of "
            f"{left:.2g} eV/angstrom is left"
        )
    energy = float(relaxation["PotEng"][-1])
    relaxed.calc = SinglePointCalculator(relaxed, energy=energy, forces=forces)
    return relaxed


def _run(own: Any, atoms: Atoms, force: float, steps: int, what: str) -> None:
    """own: the atoms, or a filter of them."""
    optimizer = LBFGS(own, logfile=None)  # type: ignore[arg-type]
    if not optimizer.run(fmax=force, steps=steps):
        left = np.linalg.norm(own.get_forces(), axis=1).max()
        where = "" if own is atoms else ", on ions or cell,"
        raise NotConverged(
            f"the relaxation of {what} has not converged in {steps} steps; a force of {left:.2g} "
            f"eV/angstrom{where} is left",
            atoms,
        )
