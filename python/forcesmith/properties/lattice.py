"""Relaxed lattice and cohesive energy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from pydantic import Field

from forcesmith.analysis.grades import WORTH_LEARNING
from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import (
    conventional_cell,
    crystal_system,
    space_group,
    to_dict,
)
from forcesmith.properties.property import Property, PropertyResult, Quantity
from forcesmith.properties.relaxation import relax_cell
from forcesmith.properties.subject import Subject

FREE_PARAMETERS = {
    "triclinic": ("a", "b", "c", "alpha", "beta", "gamma"),
    "monoclinic": ("a", "b", "c", "beta"),
    "orthorhombic": ("a", "b", "c"),
    "tetragonal": ("a", "c"),
    "trigonal": ("a", "c"),
    "hexagonal": ("a", "c"),
    "cubic": ("a",),
}
"""Of the conventional cell, by crystal system."""
ISOLATED = 20.0  # angstrom, edge of the cell of an isolated atom


class LatticeOptions(Section):
    force: float = Field(1e-4, gt=0.0)
    """Largest force that is left, eV/angstrom; of stress times volume, eV."""
    steps: int = Field(500, ge=1)
    """Of the relaxation, at most."""
    isolated_atoms: bool = True
    """Whether the cohesive energy is computed, for which isolated atoms are."""


class Lattice(Property):
    """Cell and ions at rest without pressure; all other properties start from there."""

    name = "lattice"
    title = "Lattice and cohesive energy"
    Options = LatticeOptions
    packages = ("spglib",)
    tolerance = 0.01

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        """crystal: as the user gave it."""
        options = self.options
        start = conventional_cell(crystal)
        relaxed = relax_cell(start, subject, options.force, options.steps)
        energy = relaxed.get_potential_energy() / len(relaxed)
        relaxed = conventional_cell(relaxed)
        notes = []
        if (before := space_group(start)) != (after := space_group(relaxed)):
            notes.append(f"The space group has changed from {before} to {after}.")
        parameters = dict(
            zip(("a", "b", "c", "alpha", "beta", "gamma"), relaxed.cell.cellpar(), strict=True)
        )
        # Those of the crystal that was given: the same for all subjects.
        quantities = {
            name: Quantity(value=parameters[name], unit="angstrom" if name in "abc" else "degrees")
            for name in FREE_PARAMETERS[crystal_system(start)]
        }
        quantities["volume"] = Quantity(
            value=relaxed.cell.volume / len(relaxed), unit="angstrom^3/atom"
        )
        if options.isolated_atoms:
            alone = Subject(subject.settings, subject.cores)  # with grades of its own
            try:
                isolated = np.mean([_isolated(symbol, alone) for symbol in relaxed.symbols])
                quantities["cohesive energy"] = Quantity(
                    value=float(isolated) - energy, unit="eV/atom"
                )
            except Exception as error:  # whatever a teacher has against isolated atoms
                notes.append(f"There is no cohesive energy: {error}")
            if (alone.largest_grade or 0.0) > WORTH_LEARNING:
                notes.append(
                    "Isolated atoms, and so the cohesive energy, are outside of the training data: "
                    f"grade {alone.largest_grade:.3g}."
                )
        return PropertyResult(
            quantities=quantities,
            crystal=to_dict(relaxed),
            method=f"Cell of {len(relaxed)} atoms, {after}, relaxed with its ions to forces below "
            f"{options.force:g} eV/angstrom; energies relative to isolated atoms.",
            notes=notes,
        )


def _isolated(symbol: str, subject: Subject) -> float:
    """Energy, eV."""
    return subject.energy(Atoms(symbol, cell=3 * [ISOLATED], positions=[3 * [ISOLATED / 2]]))
