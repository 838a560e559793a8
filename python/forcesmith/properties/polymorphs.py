"""Energies of other crystal structures of the same composition."""

from __future__ import annotations

from pathlib import Path

from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import prototype
from forcesmith.properties.property import Property, PropertyError, PropertyResult, Quantity
from forcesmith.properties.relaxation import relax_cell
from forcesmith.properties.subject import Subject
from forcesmith.sampling.structures import read_structures

OF_ELEMENTS = ("fcc", "bcc", "hcp", "diamond", "sc")
OF_PAIRS = ("rocksalt", "cesiumchloride", "zincblende", "wurtzite")
PAIR_DISTANCE = {
    "fcc": 0.7071,
    "bcc": 0.8660,
    "hcp": 1.0,
    "diamond": 0.4330,
    "sc": 1.0,
    "rocksalt": 0.5,
    "cesiumchloride": 0.8660,
    "zincblende": 0.4330,
    "wurtzite": 0.6124,
}
"""Distance of nearest neighbors over lattice constant."""


class PolymorphsOptions(Section):
    structures: list[str] = []
    """Files, or prototypes such as "rocksalt MgO 4.21"; by default the usual ones of elements and
    of compounds AB."""
    force: float = Field(1e-3, gt=0.0)
    """Largest force that is left, eV/angstrom."""
    steps: int = Field(500, ge=1)
    """Of a relaxation, at most."""


class Polymorphs(Property):
    """Energies per atom relative to the crystal, all cells relaxed with their ions."""

    name = "polymorphs"
    title = "Polymorphs"
    Options = PolymorphsOptions
    packages = ("spglib",)

    def problem(self, crystal: Atoms) -> str | None:
        if self.options.structures or _prototypes(crystal):
            return None
        return "the usual structures of such a compound are not known here; give `structures`"

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        energy = subject.energy(crystal) / len(crystal)
        quantities, notes = {}, []
        composition = crystal.symbols.formula.reduce()[0].format("hill")
        for text in options.structures or _prototypes(crystal):
            for name, atoms in read_structures(text):
                if atoms.symbols.formula.reduce()[0].format("hill") != composition:
                    raise PropertyError(f"the polymorph {text} does not have the composition")
                label = text.split()[0] if name in text else name
                try:
                    own = relax_cell(atoms, subject, options.force, options.steps, label)
                except PropertyError as error:
                    notes.append(f"{label}: {error}.")
                    continue
                difference = own.get_potential_energy() / len(own) - energy
                quantities[label] = Quantity(
                    value=1000 * difference, unit="meV/atom", tolerance=10.0
                )
                volume = own.cell.volume / len(own)
                quantities[f"{label}, volume"] = Quantity(
                    value=volume, unit="angstrom^3/atom", tolerance=0.03 * volume
                )
        return PropertyResult(
            quantities=quantities,
            method="Energies per atom above that of the crystal, cells and ions relaxed to "
            f"{options.force:g} eV/angstrom; where that leads to another structure, the energy is "
            "that of the other.",
            notes=notes,
        )


def _prototypes(crystal: Atoms) -> list[str]:
    """With lattice constants from the shortest distance in the crystal."""
    elements = sorted(set(crystal.symbols), key=list(crystal.symbols).index)
    counts = [list(crystal.symbols).count(e) for e in elements]
    if len(elements) > 2 or len(set(counts)) > 1:
        return []
    radii = [covalent_radii[atomic_numbers[e]] for e in elements]
    distance = sum(radii) if len(radii) == 2 else 2 * radii[0]
    names = OF_ELEMENTS if len(elements) == 1 else OF_PAIRS
    formula = "".join(elements)
    return [
        f"{name} {formula} {distance / PAIR_DISTANCE[name]:.4f}"
        for name in names
        if name != prototype(crystal)
    ]
