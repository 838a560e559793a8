"""Ideal strength: the largest stress of a perfect crystal at 0 K."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms, units
from pydantic import Field, field_validator

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import oriented_block, prototype
from forcesmith.properties.property import Curve, Plot, Property, PropertyResult, Quantity
from forcesmith.properties.relaxation import NotConverged, relax_partly
from forcesmith.properties.stacking_faults import SLIP_SYSTEMS, SlipSystem
from forcesmith.properties.subject import Subject
from forcesmith.sampling.structures import miller_indices

FALL = 0.9  # of the largest stress, after which nothing is looked at
DISTURBANCE = 2e-3
"""Of the lateral strains before every relaxation in tension, without which the symmetry of the
beginning could never break."""


class IdealStrengthOptions(Section):
    planes: list[str] = ["100", "110", "111"]
    """Miller indices of planes along whose normal is pulled; empty for none."""
    shear: bool = True
    """Whether the structure's usual slip systems are sheared, both ways; the softer one counts."""
    step: float = Field(0.02, gt=0.0, le=0.1)
    """Of the strain."""
    largest: float = Field(0.6, gt=0.0)
    """Strain."""
    force: float = Field(5e-4, gt=0.0)
    """Largest force that is left, eV/angstrom; of stress times volume, eV."""
    steps: int = Field(500, ge=1)
    """Of a relaxation, at most."""

    @field_validator("planes")
    @classmethod
    def _indices(cls, given: list[str]) -> list[str]:
        for plane in given:
            miller_indices(plane)
        return given


class IdealStrength(Property):
    """First maximum of the stress in tension and in shear at 0 K, all other stresses relaxed.

    S. Ogata et al., Phys. Rev. B 70, 104104 (2004). The cell has one lattice plane: instabilities
    with longer waves, which may come before, are not seen. True stress over engineering strain.
    """

    name = "ideal_strength"
    title = "Ideal strength"
    Options = IdealStrengthOptions
    packages = ("spglib",)
    costly = True
    tolerance = 0.1

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        quantities: dict[str, Quantity] = {}
        curves: dict[str, list[Curve]] = {}
        notes: list[str] = []
        loads = [
            (f"tension, ({plane})", _cell(crystal, miller_indices(plane)), False)
            for plane in options.planes
        ]
        loads += [
            (f"shear, {system.name}", _sheared_cell(crystal, system), True)
            for system in (SLIP_SYSTEMS.get(prototype(crystal), []) if options.shear else [])
        ]
        for name, cell, shear in loads:
            lines = [
                np.array(list(self._line(cell, subject, sign, shear, name, notes)))
                for sign in ((1, -1) if shear else (1,))
            ]
            maxima = [first_maximum(*line.T) for line in lines]
            softest = int(np.argmin([stress for _, stress in maxima]))
            strain, stress = maxima[softest]
            load, label = name.split(", ", 1)
            x, y = lines[softest].T.tolist()
            curves.setdefault(load, []).append(Curve(x=x, y=y, label=label))
            if stress == lines[softest][-1, 1]:
                notes.append(f"{name}: the stress has no maximum up to a strain of {strain:.2f}.")
            quantities[name] = Quantity(value=stress, unit="GPa")
            quantities[f"strain, {name}"] = Quantity(value=strain, tolerance=0.02)
        return PropertyResult(
            quantities=quantities,
            plots={
                load: Plot(
                    title=f"Perfect crystal in {load}",
                    x_label="strain",
                    y_label="stress (GPa)",
                    curves=own,
                    style="points",
                )
                for load, own in curves.items()
            },
            method=f"Strains in steps of {options.step:g}, each from the one before, ions and the "
            f"other components of the cell relaxed to {options.force:g} eV/angstrom in cells of "
            "one lattice plane; parabola through the first maximum.",
            notes=notes,
        )

    def _line(
        self, cell: Atoms, subject: Subject, sign: int, shear: bool, name: str, notes: list[str]
    ) -> Iterator[tuple[float, float]]:
        """Strain and stress (GPa) up to where the stress has fallen."""
        options = self.options
        atoms, highest = cell.copy(), 0.0
        for number in range(round(options.largest / options.step) + 1):
            strain = number * options.step
            deformation = _deformation(cell, atoms)
            if shear:
                deformation[2, 0] = sign * strain * deformation[2, 2]
            else:
                deformation[2, 2] = 1 + strain
                deformation[:2, :2] += DISTURBANCE * np.array([[1, 1], [1, -1]])
            atoms.set_cell(cell.cell.array @ deformation, scale_atoms=True)
            free = [1, 1, 1, 1, 0, 1] if shear else [1, 1, 0, 0, 0, 1]
            try:
                atoms = relax_partly(
                    atoms, subject, options.force, options.steps, free, f"strain {strain:g}"
                )
            except NotConverged as error:
                notes.append(f"{name}: {error}; the curve ends there.")
                return
            stress = atoms.get_stress()[4 if shear else 2] / units.GPa * sign
            if shear:
                deformation = _deformation(cell, atoms)
                strain = sign * deformation[2, 0] / deformation[2, 2]
            yield strain, float(stress)
            highest = max(highest, stress)
            if number and stress < FALL * highest:
                return


def _deformation(before: Atoms, after: Atoms) -> np.ndarray:
    """(3, 3): cell after = cell before @ this."""
    return np.linalg.solve(before.cell.array, after.cell.array)


def first_maximum(strains: np.ndarray, stresses: np.ndarray) -> tuple[float, float]:
    """Of a curve: strain and stress, by the parabola through three points; the point itself where
    the stress drops, the last one where it does not fall."""
    falls = np.flatnonzero(np.diff(stresses) < 0)
    n = int(falls[0]) if len(falls) else len(stresses) - 1
    if n in (0, len(stresses) - 1) or stresses[n + 1] < FALL * stresses[n]:
        return float(strains[n]), float(stresses[n])
    part = slice(n - 1, n + 2)
    a, b, c = np.polyfit(strains[part] - strains[n], stresses[part], 2)
    return float(strains[n] - b / (2 * a)), float(c - b**2 / (4 * a))


def _cell(crystal: Atoms, plane: tuple[int, int, int]) -> Atoms:
    """Of one lattice plane, its normal along z."""
    block, _ = oriented_block(crystal, plane, 0.0)
    return block


def _sheared_cell(crystal: Atoms, system: SlipSystem) -> Atoms:
    """The same with the direction of slip along x."""
    block, rotation = oriented_block(crystal, system.plane, 0.0)
    x, y, _ = np.array(system.period) @ crystal.cell.array @ rotation
    block.rotate(-np.degrees(np.arctan2(y, x)), "z", rotate_cell=True)
    return block
