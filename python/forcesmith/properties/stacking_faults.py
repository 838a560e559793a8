"""Generalised stacking-fault energies along lines: gamma lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.constraints import FixedLine
from pydantic import Field, model_validator

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import cut, gaps, oriented_block, prototype
from forcesmith.properties.property import (
    Curve,
    Plot,
    Property,
    PropertyError,
    PropertyResult,
    Quantity,
)
from forcesmith.properties.relaxation import NotConverged, relax_height
from forcesmith.properties.subject import Subject
from forcesmith.sampling.structures import miller_indices

MJ_PER_M2 = 16021.76634  # eV/angstrom^2


@dataclass(frozen=True)
class SlipSystem:
    """A plane and a period of the lattice in it, of the conventional cell."""

    plane: tuple[int, int, int]
    period: tuple[float, float, float]
    cut: int
    """Number of the gap between atomic planes, by their width: 0 is the widest."""
    name: str


SLIP_SYSTEMS = {
    "fcc": [SlipSystem((1, 1, 1), (0.5, 0.5, -1.0), 0, "(111) [11-2]")],
    "bcc": [SlipSystem((1, -1, 0), (0.5, 0.5, 0.5), 0, "(1-10) [111]")],
    "hcp": [SlipSystem((0, 0, 1), (2.0, 1.0, 0.0), 0, "(0001) [10-10]")],
    "diamond": [
        SlipSystem((1, 1, 1), (0.5, 0.5, -1.0), 1, "glide (111) [11-2]"),
        SlipSystem((1, 1, 1), (0.5, 0.0, -0.5), 0, "shuffle (111) [10-1]"),
    ],
    "zincblende": [
        SlipSystem((1, 1, 1), (0.5, 0.5, -1.0), 1, "glide (111) [11-2]"),
        SlipSystem((1, 1, 1), (0.5, 0.0, -0.5), 0, "shuffle (111) [10-1]"),
    ],
    "rocksalt": [SlipSystem((1, -1, 0), (0.5, 0.5, 0.0), 0, "(1-10) [110]")],
}
"""By prototype."""


class StackingFaultsOptions(Section):
    plane: str = ""
    """Miller indices of another plane than that of the structure's usual slip systems."""
    direction: list[float] = []
    """With `plane`: a period of the lattice in it, in units of the conventional cell: [0.5, 0.5,
    -1] for a/2 [11-2]."""
    points: int = Field(12, ge=4)
    """Of the period; multiples of 6 hold the stacking faults of close-packed planes."""
    thickness: float = Field(20.0, gt=0.0)
    """Distance between two faults, at least, angstrom."""
    force: float = Field(0.01, gt=0.0)
    """Largest force that is left, eV/angstrom; ions move along the normal of the plane
    only, and the height of the cell relaxes with them."""
    steps: int = Field(300, ge=1)
    """Of a relaxation, at most."""

    @model_validator(mode="after")
    def _both(self) -> StackingFaultsOptions:
        if bool(self.plane) != bool(self.direction) or len(self.direction) not in (0, 3):
            raise ValueError("plane and direction (three numbers) are given together")
        if self.plane:
            indices = miller_indices(self.plane)
            if abs(np.dot(indices, self.direction)) > 1e-9:
                raise ValueError(
                    f"the direction {self.direction} does not lie in the plane {self.plane}"
                )
        return self


class StackingFaults(Property):
    """One half of the crystal is moved over the other along a plane, through a period of it.

    V. Vitek, Philos. Mag. 18, 773 (1968). The cell is periodic in all directions and its third
    vector moves with the upper half, so that there is one fault in it and no surface.
    """

    name = "stacking_faults"
    title = "Stacking faults"
    Options = StackingFaultsOptions
    packages = ("spglib",)
    tolerance = 0.1

    def problem(self, crystal: Atoms) -> str | None:
        if self.options.plane or prototype(crystal) in SLIP_SYSTEMS:
            return None
        return (
            "the usual slip systems of this structure are not known here; give plane and direction"
        )

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        systems = SLIP_SYSTEMS.get(prototype(crystal), [])
        if options.plane:
            x, y, z = options.direction
            text = f"({options.plane}) [{x:g} {y:g} {z:g}]"
            systems = [SlipSystem(miller_indices(options.plane), (x, y, z), 0, text)]
        quantities, curves, sizes = {}, [], []
        notes: list[str] = []
        for system in systems:
            block, period = _block(crystal, system, options.thickness)
            sizes.append(f"{system.name} {len(block)} atoms")
            x_axis = np.linspace(0, 1, options.points + 1)
            line = self._line(block, period, subject, system.name, notes)
            curves.append(Curve(x=x_axis.tolist(), y=line, label=system.name))
            stable = _stable(line)
            highest = max(line[: stable + 1]) if stable else max(line)
            quantities[f"unstable, {system.name}"] = Quantity(value=highest, unit="mJ/m^2")
            if stable:
                quantities[f"stable, {system.name}"] = Quantity(
                    value=line[stable], unit="mJ/m^2", tolerance=10.0
                )
        return PropertyResult(
            quantities=quantities,
            plots={
                "gamma": Plot(
                    title="Gamma lines",
                    x_label="displacement / period",
                    y_label="energy (mJ/m²)",
                    curves=curves,
                    style="points",
                )
            },
            method=f"{options.points} displacements of a period, {options.thickness:g} angstrom or "
            "more between faults, ions and height of the cell relaxed along the "
            f"normal to {options.force:g} eV/angstrom: {'; '.join(sizes)}.",
            notes=notes,
        )

    def _line(
        self, block: Atoms, period: np.ndarray, subject: Subject, name: str, notes: list[str]
    ) -> list[float]:
        """mJ/m^2 at every displacement."""
        area = float(np.linalg.norm(np.cross(*block.cell.array[:2])))
        energies = []
        for fraction in np.linspace(0, 1, self.options.points + 1)[:-1]:
            atoms = block.copy()
            atoms.cell[2] += fraction * period
            atoms.set_constraint(FixedLine(list(range(len(atoms))), (0, 0, 1)))
            what = f"the fault at {fraction:.2f} of the period"
            try:
                relaxed = relax_height(atoms, subject, self.options.force, self.options.steps, what)
            except NotConverged as error:
                notes.append(f"{name}: {error}; its energy is too high, if anything.")
                relaxed = error.atoms
            energies.append(float(relaxed.get_potential_energy()))
        values = [MJ_PER_M2 * (energy - energies[0]) / area for energy in energies]
        return [*values, values[0]]


def _stable(line: list[float]) -> int:
    """Number of the lowest local minimum inside, 0 if there is none."""
    inner = [n for n in range(1, len(line) - 1) if line[n] < line[n - 1] and line[n] < line[n + 1]]
    # The barrier that is passed on the way is the lower one of the two: begin at the near end.
    best = min(inner, key=lambda n: line[n], default=0)
    if best and max(line[: best + 1]) > max(line[best:]):
        line.reverse()
        best = len(line) - 1 - best
    return best


def _block(crystal: Atoms, system: SlipSystem, thickness: float) -> tuple[Atoms, np.ndarray]:
    """Oriented, the fault at its boundary; and the period, angstrom (3)."""
    block, rotation = oriented_block(crystal, system.plane, thickness)
    found = gaps(block)
    widths = sorted({round(width, 2) for _, width in found}, reverse=True)
    if system.cut >= len(widths):
        raise PropertyError(f"the plane of {system.name} has no gap number {system.cut + 1}")
    height = next(h for h, width in found if round(width, 2) == widths[system.cut])
    return cut(block, height), np.array(system.period) @ crystal.cell.array @ rotation
