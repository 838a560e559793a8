"""Relaxation of ions, and of cells with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter, UnitCellFilter
from ase.optimize import LBFGS

from forcesmith.properties.property import PropertyError
from forcesmith.properties.subject import Subject


def relax_ions(
    atoms: Atoms, subject: Subject, force: float, steps: int, what: str = "the ions"
) -> Atoms:
    """A copy at rest, with the calculator of the subject.

    force: the largest that is left, eV/angstrom; what: for messages; constraints are kept.
    Raises PropertyError if that takes more steps.
    """
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
    atoms = atoms.copy()
    atoms.calc = subject.calculator
    own = UnitCellFilter(atoms, mask=[0, 0, 1, 0, 0, 0])
    _run(own, atoms, force, steps, what)
    return atoms


def _run(own: Any, atoms: Atoms, force: float, steps: int, what: str) -> None:
    """own: the atoms, or a filter of them."""
    optimizer = LBFGS(own, logfile=None)  # type: ignore[arg-type]
    if not optimizer.run(fmax=force, steps=steps):
        left = np.linalg.norm(atoms.get_forces(), axis=1).max()
        raise PropertyError(
            f"the relaxation of {what} has not converged in {steps} steps; a force of {left:.2g} "
            "eV/angstrom is left"
        )
