"""Equation of state: energy and pressure over volume."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.eos import EquationOfState
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.property import Curve, Plot, Property, PropertyResult, Quantity
from forcesmith.properties.relaxation import relax_ions
from forcesmith.properties.subject import Subject


class EquationOfStateOptions(Section):
    strain: float = Field(0.06, gt=0.0, lt=0.5)
    """Volumes reach from 1 - this to 1 + this times that of the relaxed crystal."""
    points: int = Field(9, ge=5)
    """Number of volumes."""
    force: float = Field(1e-3, gt=0.0)
    """Largest force that is left at every volume, eV/angstrom."""
    steps: int = Field(200, ge=1)
    """Of a relaxation, at most."""


class EquationOfStateProperty(Property):
    """Energies of cells of one shape with relaxed ions, fitted by Birch and Murnaghan's equation.

    F. Birch, Phys. Rev. 71, 809 (1947); by ASE's `EquationOfState`.
    """

    name = "equation_of_state"
    title = "Equation of state"
    Options = EquationOfStateOptions
    tolerance = 0.05

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        factors = 1 + np.linspace(-options.strain, options.strain, options.points)
        volumes, energies, pressures = [], [], []
        for factor in factors:
            atoms = crystal.copy()
            atoms.set_cell(crystal.cell.array * factor ** (1 / 3), scale_atoms=True)
            atoms = relax_ions(atoms, subject, options.force, options.steps)
            volumes.append(float(atoms.cell.volume) / len(atoms))
            energies.append(float(atoms.get_potential_energy()) / len(atoms))
            pressures.append(float(-atoms.get_stress()[:3].mean() / units.GPa))
        equation = EquationOfState(volumes, energies, eos="birchmurnaghan")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            volume, energy, modulus = equation.fit()
        derivative = float(equation.eos_parameters[2])
        relative = [1000 * (e - energy) for e in energies]
        return PropertyResult(
            quantities={
                "equilibrium volume": Quantity(
                    value=float(volume), unit="angstrom^3/atom", tolerance=0.01 * float(volume)
                ),
                "bulk modulus": Quantity(value=float(modulus) / units.GPa, unit="GPa"),
                "B'": Quantity(value=derivative, tolerance=0.3),
            },
            plots={
                "energy": Plot(
                    title="Energy over volume",
                    x_label="volume (Å³/atom)",
                    y_label="energy above the minimum (meV/atom)",
                    curves=[Curve(x=volumes, y=relative)],
                    style="points",
                ),
                "pressure": Plot(
                    title="Pressure over volume",
                    x_label="volume (Å³/atom)",
                    y_label="pressure (GPa)",
                    curves=[Curve(x=volumes, y=pressures)],
                    style="points",
                ),
            },
            method=f"{options.points} volumes within {100 * options.strain:g} % of the relaxed "
            "one, shape of the cell kept, ions relaxed; fit of Birch and Murnaghan's equation.",
        )
