"""Dimers: pair curves of two atoms alone, down to short distances."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from ase import Atoms
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.properties.property import (
    Curve,
    Plot,
    Property,
    PropertyError,
    PropertyResult,
    Quantity,
)
from forcesmith.properties.subject import Subject

HIGHEST = 20.0  # eV, of the plot


class DimersOptions(Section):
    shortest: float = Field(0.5, gt=0.0)
    """Distance, angstrom."""
    longest: float = Field(6.0, gt=0.0)
    """Distance, angstrom."""
    step: float = Field(0.05, gt=0.0)
    """Between distances, angstrom."""


class Dimers(Property):
    """Energies of two atoms, relative to both alone."""

    name = "dimers"
    title = "Dimers"
    Options = DimersOptions
    tolerance = 0.05

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        n = int(np.floor((options.longest - options.shortest) / options.step + 1e-6))
        distances = options.shortest + options.step * np.arange(n + 1)
        elements = sorted(set(crystal.symbols))
        quantities, curves, notes = {}, [], []
        alone = {e: subject.energy(_in_vacuum(e, [0.0])) for e in elements}
        for one, other in itertools.combinations_with_replacement(elements, 2):
            pair = f"{one}-{other}"
            known, energies, reason = [], [], ""
            for distance in distances.tolist():
                try:
                    energy = subject.energy(_in_vacuum([one, other], [0.0, distance]))
                except (ValueError, RuntimeError) as error:  # beyond what it can compute
                    reason = reason or f"{pair} at {distance:.2f} angstrom: {error}"
                    continue
                known.append(distance)
                energies.append(energy - alone[one] - alone[other])
            if reason:
                notes.append(shortened(reason, 200))
            if not known:
                raise PropertyError(shortened(reason, 300))
            lowest = int(np.argmin(energies))
            repulsive = _repulsive_from(energies, lowest)
            quantities[f"{pair} distance"] = Quantity(value=known[lowest], unit="angstrom")
            quantities[f"{pair} binding energy"] = Quantity(value=-energies[lowest], unit="eV")
            quantities[f"{pair} repulsive from"] = Quantity(
                value=known[repulsive], unit="angstrom", tolerance=0.1
            )
            if repulsive:
                notes.append(
                    f"{pair}: below {known[repulsive]:.2f} angstrom the atoms attract each "
                    "other, or the minimum lies there."
                )
            curves.append(Curve(x=known, y=energies, label=pair))
        least = min(min(curve.y) for curve in curves)
        return PropertyResult(
            quantities=quantities,
            plots={
                "pairs": Plot(
                    title="Dimers",
                    x_label="distance (Å)",
                    y_label="energy (eV)",
                    curves=curves,
                    y_limits=(max(-HIGHEST, 1.1 * least - 0.5), HIGHEST),
                )
            },
            method=f"Two atoms alone, {options.shortest:g} to {options.longest:g} angstrom in "
            f"steps of {options.step:g}; energies relative to single atoms.",
            notes=notes,
        )


def _in_vacuum(symbols: str | list[str], places: list[float]) -> Atoms:
    atoms = Atoms(symbols, positions=[(x, 0.0, 0.0) for x in places])
    atoms.center(vacuum=10.0)
    return atoms


def _repulsive_from(energies: list[float], lowest: int) -> int:
    """Number of the least distance from which on the energy falls up to the minimum."""
    n = lowest
    while n > 0 and energies[n - 1] > energies[n]:
        n -= 1
    return n
