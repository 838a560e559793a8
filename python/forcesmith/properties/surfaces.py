"""Surface energies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from pydantic import Field, field_validator

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import (
    SAME_PLANE,
    cut,
    gaps,
    oriented_block,
    primitive_cell,
)
from forcesmith.properties.property import Property, PropertyError, PropertyResult, Quantity
from forcesmith.properties.relaxation import relax_ions
from forcesmith.properties.subject import Subject
from forcesmith.sampling.structures import miller_indices

J_PER_M2 = 16.02176634  # eV/angstrom^2


class SurfacesOptions(Section):
    planes: list[str] = ["100", "110", "111"]
    """Miller indices in the conventional cell."""
    thickness: float = Field(12.0, gt=0.0)
    """Of the slab, at least, angstrom."""
    vacuum: float = Field(12.0, gt=0.0)
    """Between slabs, angstrom."""
    force: float = Field(0.005, gt=0.0)
    """Largest force that is left, eV/angstrom."""
    steps: int = Field(500, ge=1)
    """Of a relaxation, at most."""

    @field_validator("planes")
    @classmethod
    def _indices(cls, planes: list[str]) -> list[str]:
        for plane in planes:
            miller_indices(plane)
        return planes


class Surfaces(Property):
    """Of slabs with the composition of the crystal: (E - N e) / 2A, without reconstruction.

    Where a plane can be cut at several heights, the cut with the lowest energy before relaxation is
    relaxed. Both sides of a slab count, also where they differ.
    """

    name = "surfaces"
    title = "Surfaces"
    Options = SurfacesOptions
    packages = ("spglib",)
    tolerance = 0.1

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        energy = subject.energy(crystal) / len(crystal)
        quantities, notes, sizes = {}, [], []
        for plane in options.planes:
            slab = self._slab(crystal, plane, subject)
            area = float(np.linalg.norm(np.cross(*slab.cell.array[:2])))
            excess = slab.get_potential_energy() - len(slab) * energy
            sizes.append(f"({plane}) {len(slab)} atoms, {area:.1f} angstrom^2")
            quantities[f"({plane}) unrelaxed"] = Quantity(
                value=excess / (2 * area) * J_PER_M2, unit="J/m^2"
            )
            try:
                relaxed = relax_ions(slab, subject, options.force, options.steps, f"({plane})")
            except PropertyError as error:
                notes.append(f"({plane}): {error}.")
                continue
            excess = relaxed.get_potential_energy() - len(slab) * energy
            quantities[f"({plane})"] = Quantity(value=excess / (2 * area) * J_PER_M2, unit="J/m^2")
        return PropertyResult(
            quantities=quantities,
            method=f"Slabs of the composition of the crystal, at least {options.thickness:g} "
            f"angstrom thick, {options.vacuum:g} angstrom of vacuum, cut where that costs least, "
            f"ions relaxed to {options.force:g} eV/angstrom: {'; '.join(sizes)}.",
            notes=notes,
        )

    def _slab(self, crystal: Atoms, plane: str, subject: Subject) -> Atoms:
        """The cut of lowest energy, not relaxed, with the calculator."""
        block, _ = oriented_block(crystal, miller_indices(plane), self.options.thickness)
        first, _ = gaps(block)[0]
        layer = primitive_cell(crystal).cell.volume / np.linalg.norm(
            np.cross(*block.cell.array[:2])
        )
        slabs = []
        for height, _ in gaps(block):
            if height >= first + layer - SAME_PLANE:
                break  # a cut that has been made before
            slab = cut(block, height)
            slab.cell[2, :2] = 0.0
            slab.center(vacuum=self.options.vacuum / 2, axis=2)
            slabs.append(slab)
        slab = min(slabs, key=lambda one: round(subject.energy(one), 6))
        slab.calc = subject.calculator
        return slab
