"""Mean square displacements and diffusion, in crystals and liquids; structure of liquids."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms
from pydantic import Field
from scipy.ndimage import uniform_filter1d

from forcesmith.data.label_settings import Section
from forcesmith.lammps.output import Run
from forcesmith.properties.bond_angles import bin_centers, bond_angles, histogram
from forcesmith.properties.crystals import size_text, supercell_size
from forcesmith.properties.lammps_runs import (
    BLOCKS,
    block_means,
    constant_pressure,
    constant_volume,
    execute,
    mean_and_error,
    notes_on_blocks,
    read_frames,
    run_to_mean_cell,
    setup,
    steps,
    velocities,
)
from forcesmith.properties.property import Curve, Plot, PropertyResult, Quantity
from forcesmith.properties.sampled import SampledProperty, SamplingOptions
from forcesmith.properties.subject import Subject

POINTS = 50  # of a block
BINS = 100
SMOOTH = 5  # bins, where a minimum is searched
BETWEEN_PAIRS = 10  # steps, at most: counts of rare frames are noisier than their correlation
FRAMES = 5  # of a block, for bond angles
TO_CM2_PER_S = 1e-4  # from angstrom^2/ps
SKIN = 2.0  # angstrom, of neighbor lists


class DiffusionOptions(SamplingOptions):
    temperature: float | None = Field(None, gt=0.0)
    """K; without it nothing is computed."""


class Diffusion(SampledProperty):
    """Slopes of mean square displacements over time, by Einstein's relation (LAMMPS).

    The volume is the mean one at the pressure. Displacements are relative to the center of mass and
    to the beginning of each of five blocks; slopes are those of the second half of a block.
    """

    name = "diffusion"
    title = "Diffusion"
    Options: ClassVar[type[Section]] = DiffusionOptions
    tolerance = 0.2

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        size = supercell_size(crystal, options.length)
        atoms = crystal * size
        elements = sorted(set(atoms.symbols))
        script = setup(atoms, subject, folder, options.timestep)
        script += self.beginning() + self._sampling(elements)
        runs = execute(script, subject, folder)
        blocks = runs[-BLOCKS:]
        density = runs[-BLOCKS - 1]["Density"]
        density = density[len(density) // 2 :]  # over which the mean cell is taken
        quantities, curves = {}, []
        for element in elements:
            time, displacement, error, slopes = self._displacements(blocks, element)
            curves.append(Curve(x=time, y=displacement, error=error, label=element))
            value, spread = mean_and_error(slopes / 6 * TO_CM2_PER_S * 1e5)
            quantities[f"diffusion of {element}"] = Quantity(
                value=value, error=spread, unit="1e-5 cm^2/s"
            )
        value, spread = float(density.mean()), mean_and_error(block_means(density))[1]
        quantities["density"] = Quantity(
            value=value, error=spread, unit="g/cm^3", tolerance=0.02 * value
        )
        plots = {
            "displacement": Plot(
                title=f"Mean square displacements at {options.temperature:g} K",
                x_label="time (ps)",
                y_label="mean square displacement (Å²)",
                curves=curves,
            )
        }
        more, more_plots = self.structure(elements, folder, len(atoms))
        return PropertyResult(
            quantities={**quantities, **more},
            plots={**plots, **more_plots},
            method=f"Supercell {size_text(size)}, {len(atoms)} atoms, {self.beginning_text} "
            f"{options.temperature:g} K and {options.pressure:g} GPa for {options.equilibration:g} "
            f"ps, {options.duration:g} ps sampled in the mean cell, steps of "
            f"{1000 * options.timestep:g} fs; errors from {BLOCKS} blocks; LAMMPS.",
            notes=notes_on_blocks(
                {"potential energy": np.concatenate([one["PotEng"] for one in blocks])}
            ),
        )

    beginning_text = "at"

    def beginning(self) -> str:
        """Commands up to equilibrium; the last run is the one that gives the mean cell."""
        options = self.options
        return velocities(2 * options.temperature, options.seed) + self.equilibrium()

    def equilibrium(self) -> str:
        """Commands of the run at the temperature and the pressure."""
        options = self.options
        return run_to_mean_cell(
            options.temperature, options.pressure, "iso", options.equilibration, options.timestep
        )

    def _sampling(self, elements: list[str]) -> str:
        options = self.options
        each = max(POINTS, steps(options.duration, options.timestep) // BLOCKS)
        each -= each % POINTS
        columns = " ".join(f"c_{element}[4]" for element in elements)
        text = "".join(
            f"group           {element} type {number}\n"
            for number, element in enumerate(elements, start=1)
        )
        text += "reset_timestep  0\n"  # averages end at multiples of their length
        text += (
            constant_volume(options.temperature, options.timestep)
            + f"thermo          {each // POINTS}\n"
        )
        for block in range(BLOCKS):
            computes = "".join(
                f"compute         {element} {element} msd com yes\n" for element in elements
            )
            ends = "".join(f"uncompute       {element}\n" for element in elements)
            text += (
                f"\n{computes}thermo_style    custom step temp pe ke press vol density v_grade "
                f"{columns}\n{self.sampled(elements, block, each)}run             {each}\n"
                f"{self.sampled_end()}{ends}"
            )
        return text

    def sampled(self, elements: list[str], block: int, each: int) -> str:
        """Further commands before the run of a block."""
        return ""

    def sampled_end(self) -> str:
        """And after it."""
        return ""

    def structure(
        self, elements: list[str], folder: Path, n_atoms: int
    ) -> tuple[dict[str, Quantity], dict[str, Plot]]:
        """From what was sampled further."""
        return {}, {}

    def _displacements(
        self, blocks: list[Run], element: str
    ) -> tuple[list[float], list[float], list[float], np.ndarray]:
        """Time (ps), mean square displacement and its error (angstrom^2), slopes of blocks."""
        time = (blocks[0]["Step"] - blocks[0]["Step"][0]) * self.options.timestep
        own = np.array([one[f"c_{element}[4]"] for one in blocks])
        half = len(time) // 2
        slopes = np.array([np.polyfit(time[half:], values[half:], 1)[0] for values in own])
        error = own.std(axis=0, ddof=1) / np.sqrt(len(own))
        return time.tolist(), own.mean(axis=0).tolist(), error.tolist(), slopes


def first_minimum(g: np.ndarray, error: np.ndarray) -> int:
    """Number of the bin of the first minimum behind the highest peak, noise set aside.

    g, error: radial distribution and standard errors, by bin. A minimum counts when g rises again
    by more than five standard errors of means over `SMOOTH` bins; else it is the lowest bin.
    """
    smooth = uniform_filter1d(g, SMOOTH, mode="nearest")
    noise = uniform_filter1d(error, SMOOTH, mode="nearest") / np.sqrt(SMOOTH)
    lowest = int(g.argmax())
    for here in range(lowest, len(g)):
        if smooth[here] < smooth[lowest]:
            lowest = here
        elif smooth[here] - smooth[lowest] > 5 * noise[here]:
            break
    return lowest


class LiquidOptions(DiffusionOptions):
    melting_temperature: float | None = Field(None, gt=0.0)
    """At which the crystal is melted first, K; by default twice the temperature."""
    melting: float = Field(10.0, gt=0.0)
    """Time for that, ps."""
    longest: float = Field(6.0, gt=0.0)
    """Distance up to which pairs are counted, angstrom."""


class Liquid(Diffusion):
    """The crystal is melted, and sampled at the temperature: pairs, diffusion, density (LAMMPS).

    Radial distribution functions g(r) by pair of elements; coordination numbers are those up to the
    first minimum of g, which are bonds for the distribution of bond angles, too.
    """

    name = "liquid"
    title = "Liquid"
    Options = LiquidOptions
    tolerance = 0.1
    beginning_text = "melted, then at"

    def beginning(self) -> str:
        options = self.options
        hot = options.melting_temperature or 2 * options.temperature
        return (
            velocities(2 * hot, options.seed)
            + f"comm_modify     cutoff {options.longest + SKIN:g}\n"
            + constant_pressure(hot, options.pressure, "iso", options.timestep)
            + f"run             {steps(options.melting, options.timestep)}\n"
            "unfix           ensemble\n" + self.equilibrium()
        )

    def sampled(self, elements: list[str], block: int, each: int) -> str:
        types = range(1, len(elements) + 1)
        pairs = itertools.combinations_with_replacement(types, 2)
        words = " ".join(f"{one} {other}" for one, other in pairs)
        every = math.gcd(each // POINTS, BETWEEN_PAIRS)
        return (
            f"compute         pairs all rdf {BINS} {words} cutoff {self.options.longest:g}\n"
            f"fix             pairs all ave/time {every} {each // every - 1} {each} c_pairs[*] "
            f"file rdf-{block}.txt mode vector\n"
            f"dump            frames all custom {each // FRAMES} frames-{block}.dump id element "
            f"x y z\ndump_modify     frames element {' '.join(elements)} sort id\n"
        )

    def sampled_end(self) -> str:
        return "unfix           pairs\nuncompute       pairs\nundump          frames\n"

    def structure(
        self, elements: list[str], folder: Path, n_atoms: int
    ) -> tuple[dict[str, Quantity], dict[str, Plot]]:
        tables = np.array(
            [np.loadtxt(folder / f"rdf-{block}.txt", skiprows=4) for block in range(BLOCKS)]
        )
        distances = tables[0, :, 1]
        quantities, curves, bonds = {}, [], {}
        for number, (one, other) in enumerate(itertools.combinations_with_replacement(elements, 2)):
            found = tables[:, :, 2 + 2 * number]
            counted = tables[:, :, 3 + 2 * number]
            mean = found.mean(axis=0)
            error = found.std(axis=0, ddof=1) / np.sqrt(BLOCKS)
            pair = f"{one}-{other}"
            curves.append(
                Curve(x=distances.tolist(), y=mean.tolist(), error=error.tolist(), label=pair)
            )
            peak = int(mean.argmax())
            valley = first_minimum(mean, error)
            bonds[one, other] = float(distances[valley])
            _, spread = mean_and_error(distances[found.argmax(axis=1)])
            resolution = (distances[1] - distances[0]) / 12**0.5
            quantities[f"{pair} first peak"] = Quantity(
                value=float(distances[peak]),
                error=float(np.hypot(spread, resolution)),
                unit="angstrom",
                tolerance=0.1,
            )
            value, spread = mean_and_error(found[:, peak])
            quantities[f"{pair} height of the peak"] = Quantity(value=value, error=spread)
            value, spread = mean_and_error(counted[:, valley])
            quantities[f"{pair} coordination"] = Quantity(value=value, error=spread)
        plot = Plot(
            title=f"Radial distribution at {self.options.temperature:g} K",
            x_label="distance (Å)",
            y_label="g(r)",
            curves=curves,
        )
        more, angles = self._bond_angles(folder, bonds)
        return {**quantities, **more}, {"pairs": plot, "angles": angles}

    def _bond_angles(
        self, folder: Path, bonds: dict[tuple[str, str], float]
    ) -> tuple[dict[str, Quantity], Plot]:
        """Mean and width at every element, and the distributions."""
        files = [folder / f"frames-{block}.dump" for block in range(BLOCKS)]
        blocks = [bond_angles(read_frames(file), bonds) for file in files]
        for file in files:
            file.unlink()
        quantities, curves = {}, []
        for element in [one for one in blocks[0] if all(len(block[one]) for block in blocks)]:
            own = [block[element] for block in blocks]
            value, error = mean_and_error(np.array([angles.mean() for angles in own]))
            quantities[f"bond angle at {element}"] = Quantity(
                value=value, error=error, unit="degrees", tolerance=2.0
            )
            value, error = mean_and_error(np.array([angles.std() for angles in own]))
            quantities[f"width of bond angles at {element}"] = Quantity(
                value=value, error=error, unit="degrees", tolerance=2.0
            )
            shapes = np.array([histogram(angles) for angles in own])
            spread = shapes.std(axis=0, ddof=1) / np.sqrt(BLOCKS)
            curves.append(
                Curve(
                    x=bin_centers().tolist(),
                    y=shapes.mean(axis=0).tolist(),
                    error=spread.tolist(),
                    label=element,
                )
            )
        return quantities, Plot(
            title=f"Bond angles at {self.options.temperature:g} K",
            x_label="angle (degrees)",
            y_label="density (1/degree)",
            curves=curves,
        )
