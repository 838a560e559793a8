"""Thermal expansion and heat capacity at constant pressure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from pydantic import Field

from forcesmith.properties.crystals import size_text, supercell_size
from forcesmith.properties.lammps_runs import (
    BLOCKS,
    JOULE_PER_MOL,
    block_means,
    constant_pressure,
    coupling,
    execute,
    mean_and_error,
    notes_on_blocks,
    setup,
    steps,
    velocities,
)
from forcesmith.properties.property import Curve, Plot, PropertyResult, Quantity
from forcesmith.properties.sampled import SampledProperty, SamplingOptions
from forcesmith.properties.subject import Subject


class ThermalExpansionOptions(SamplingOptions):
    temperatures: list[float] = Field([300.0, 450.0, 600.0], min_length=2)
    """Of the runs, K."""
    equilibration: float = Field(5.0, gt=0.0)
    """At every temperature, ps."""
    duration: float = Field(20.0, gt=0.0)
    """Sampled at every temperature, ps, in five blocks."""


class ThermalExpansion(SampledProperty):
    """Slopes of length and enthalpy over temperature, from dynamics at constant pressure (LAMMPS).

    Classical atoms: below the Debye temperature the heat capacity is that of Dulong and Petit.
    """

    name = "thermal_expansion"
    title = "Thermal expansion and heat capacity"
    Options = ThermalExpansionOptions
    tolerance = 0.1

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        size = supercell_size(crystal, options.length)
        atoms = crystal * size
        temperatures = sorted(options.temperatures)
        runs = execute(self._script(crystal, atoms, subject, folder), subject, folder)[1::2]
        lengths = np.array([block_means(one["Volume"] / len(atoms)) ** (1 / 3) for one in runs])
        enthalpies = np.array([block_means(one["Enthalpy"] / len(atoms)) for one in runs])
        kelvin = np.array([one["Temp"].mean() for one in runs])
        slopes = np.array([np.polyfit(kelvin, own, 1) for own in lengths.T])
        expansion, error = mean_and_error(slopes[:, 0] / lengths[0].mean())
        capacity, capacity_error = mean_and_error(
            np.array([np.polyfit(kelvin, own, 1)[0] for own in enthalpies.T]) * JOULE_PER_MOL
        )
        relaxed = (atoms.cell.volume / len(atoms)) ** (1 / 3)
        quantities = {
            "linear expansion": Quantity(value=1e6 * expansion, error=1e6 * error, unit="1e-6/K"),
            "heat capacity": Quantity(value=capacity, error=capacity_error, unit="J/K/mol"),
        }
        means = [mean_and_error(own) for own in lengths / relaxed]
        for temperature, (value, spread) in zip(temperatures, means, strict=True):
            quantities[f"length at {temperature:g} K"] = Quantity(
                value=value, error=spread, unit="of the relaxed", tolerance=0.002
            )
        return PropertyResult(
            quantities=quantities,
            plots={
                "length": Plot(
                    title="Thermal expansion",
                    x_label="temperature (K)",
                    y_label="length / relaxed length",
                    curves=[
                        Curve(
                            x=temperatures,
                            y=[value for value, _ in means],
                            error=[spread for _, spread in means],
                        )
                    ],
                    style="points",
                )
            },
            method=f"Supercell {size_text(size)}, {len(atoms)} atoms, {options.duration:g} ps "
            f"after {options.equilibration:g} ps at every temperature, {options.pressure:g} GPa, "
            f"steps of {1000 * options.timestep:g} fs; straight lines through means, errors from "
            f"{BLOCKS} blocks; LAMMPS.",
            notes=notes_on_blocks(
                {
                    f"{what} at {temperature:g} K": one[column]
                    for temperature, one in zip(temperatures, runs, strict=True)
                    for what, column in (("volume", "Volume"), ("enthalpy", "Enthalpy"))
                }
            ),
        )

    def _script(self, crystal: Atoms, atoms: Atoms, subject: Subject, folder: Path) -> str:
        options = self.options
        text = setup(atoms, subject, folder, options.timestep)
        coupled = coupling(crystal)
        before, sampled = (
            steps(time, options.timestep) for time in (options.equilibration, options.duration)
        )
        first = min(options.temperatures)
        text += velocities(2 * first, options.seed)
        for temperature in sorted(options.temperatures):
            text += (
                "\n"
                + constant_pressure(temperature, options.pressure, coupled, options.timestep)
                + f"thermo          100\nrun             {before}\n"
                f"thermo          10\nrun             {sampled}\n"
                "unfix           ensemble\n"
            )
        return text
