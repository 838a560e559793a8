"""Short-range order of alloys."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from pydantic import Field

from forcesmith.properties.crystals import size_text, supercell_size
from forcesmith.properties.lammps_runs import (
    BLOCKS,
    THERMO,
    block_means,
    constant_pressure,
    coupling,
    execute,
    mean_and_error,
    notes_on_blocks,
    read_dump,
    setup,
    steps,
    velocities,
)
from forcesmith.properties.property import (
    Curve,
    Plot,
    PropertyError,
    PropertyResult,
    Quantity,
)
from forcesmith.properties.sampled import SampledProperty, SamplingOptions
from forcesmith.properties.subject import Subject

SAMPLES = 40  # of a block
SAME_SHELL = 0.05  # of the distance of nearest neighbors
REACH = 4.0  # edges of the volume of a site, up to which shells are looked for
FEW = 5.0  # accepted swaps per atom


class ShortRangeOrderOptions(SamplingOptions):
    temperature: float | None = Field(None, gt=0.0)
    """K; without it nothing is computed."""
    elements: list[str] = []
    """That change places with each other; empty for all."""
    shells: int = Field(3, ge=1)
    """Number of shells of neighbors."""
    equilibration: float = Field(20.0, gt=0.0)
    """From random places, ps."""
    interval: int = Field(10, ge=1)
    """Steps of dynamics between swaps."""
    swaps: int = Field(10, ge=1)
    """Attempted then, for every pair of elements."""


class ShortRangeOrder(SampledProperty):
    """Order parameters of an alloy at a temperature, by Monte Carlo swaps and dynamics (LAMMPS).

    1 - P(B next to A) / c(B) in each shell of neighbors, of B among the elements that change
    places: J. M. Cowley, Phys. Rev. 77, 669 (1950). Negative: unlike neighbors; 0: random;
    positive: like neighbors. The crystal gives sites and composition, whatever its own order;
    shells are those of its relaxed lattice, and atoms must stay on their sites.
    """

    name = "short_range_order"
    title = "Short-range order"
    Options = ShortRangeOrderOptions
    tolerance = 0.1

    def problem(self, crystal: Atoms) -> str | None:
        if problem := super().problem(crystal):
            return problem
        if unknown := set(self.options.elements) - set(crystal.symbols):
            return f"{', '.join(sorted(unknown))} is not in this crystal"
        if len(self._swapped(crystal)) < 2:
            return "one element alone has no order; an alloy has"
        return None

    def _swapped(self, crystal: Atoms) -> list[str]:
        return sorted(set(self.options.elements or crystal.symbols))

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        size = supercell_size(crystal, options.length)
        elements = self._swapped(crystal)
        atoms = crystal * size
        sites = np.flatnonzero(np.isin(atoms.symbols, elements))
        atoms.symbols[sites] = np.random.default_rng(options.seed).permutation(atoms.symbols[sites])
        shells = neighbor_shells(atoms[sites], options.shells)
        runs = execute(self._script(crystal, atoms, elements, subject, folder), subject, folder)
        types = read_dump(folder / "types.dump")[:, sites, 1].astype(int)
        (folder / "types.dump").unlink()
        numbers = {element: n for n, element in enumerate(sorted(set(atoms.symbols)), start=1)}
        quantities, curves, series = {}, [], {}
        for one, other in itertools.combinations(elements, 2):
            pair = f"{one}-{other}"
            found = np.array(
                [
                    [warren_cowley(frame, pairs, numbers[one], numbers[other]) for frame in types]
                    for _, pairs in shells
                ]
            )
            means = [mean_and_error(block_means(own)) for own in found]
            for number, (value, error) in enumerate(means, start=1):
                quantities[f"{pair}, shell {number}"] = Quantity(
                    value=value, error=error, tolerance=0.05
                )
            curves.append(
                Curve(
                    x=[distance for distance, _ in shells],
                    y=[value for value, _ in means],
                    error=[error for _, error in means],
                    label=pair,
                )
            )
            series[f"order of {pair} in the first shell"] = found[0]
        n_pairs = len(elements) * (len(elements) - 1) // 2
        swaps = [
            sum(float(one[f"f_swap{n}[2]"][-1]) for n in range(n_pairs)) / len(sites)
            for one in runs
        ]
        notes = notes_on_blocks(series)
        if swaps[1] - swaps[0] < FEW:
            notes.append(
                f"Only {swaps[1] - swaps[0]:.2g} swaps per atom were accepted while it was "
                "sampled: the order may still depend on the beginning."
            )
        distances = ", ".join(f"{distance:.2f}" for distance, _ in shells)
        return PropertyResult(
            quantities=quantities,
            plots={
                "order": Plot(
                    title=f"Order parameters at {options.temperature:g} K",
                    x_label="distance (Å)",
                    y_label="Warren-Cowley parameter",
                    curves=curves,
                    style="points",
                )
            },
            method=f"Supercell {size_text(size)}, {len(atoms)} atoms from random places, "
            f"{options.duration:g} ps after {options.equilibration:g} ps at "
            f"{options.temperature:g} K and {options.pressure:g} GPa, {options.swaps} swaps of "
            f"every pair of {', '.join(elements)} each {options.interval} steps of "
            f"{1000 * options.timestep:g} fs, {swaps[1]:.3g} accepted per atom in all; shells at "
            f"{distances} angstrom; errors from {BLOCKS} blocks; LAMMPS.",
            notes=notes,
        )

    def _script(
        self,
        crystal: Atoms,
        atoms: Atoms,
        elements: Sequence[str],
        subject: Subject,
        folder: Path,
    ) -> str:
        options = self.options
        timestep, temperature = options.timestep, options.temperature
        types = sorted(set(atoms.symbols))
        text = (
            setup(atoms, subject, folder, timestep)
            + velocities(2 * temperature, options.seed)
            + constant_pressure(temperature, options.pressure, coupling(crystal), timestep)
        )
        columns = ""
        for n, (one, other) in enumerate(itertools.combinations(elements, 2)):
            text += (
                f"fix             swap{n} all atom/swap {options.interval} {options.swaps} "
                f"{options.seed + n} {temperature:g} types {types.index(one) + 1} "
                f"{types.index(other) + 1}\n"
            )
            columns += f" f_swap{n}[2]"
        samples = BLOCKS * SAMPLES
        every = max(1, steps(options.duration, timestep) // samples)
        return text + (
            f"thermo_style    custom {THERMO}{columns}\nthermo          100\n"
            f"run             {steps(options.equilibration, timestep)}\n"
            f"dump            types all custom {every} types.dump id type\n"
            "dump_modify     types sort id\n"
            f"run             {samples * every}\n"
        )


def neighbor_shells(atoms: Atoms, most: int) -> list[tuple[float, np.ndarray]]:
    """The nearest ones: mean distance (angstrom), and pairs of atoms (n, 2), each both ways.

    Raises PropertyError if there are fewer.
    """
    reach = REACH * (atoms.cell.volume / len(atoms)) ** (1 / 3)
    first, second, distances = neighbor_list("ijd", atoms, reach)
    order = np.argsort(distances, kind="stable")
    rises = np.diff(distances[order]) > SAME_SHELL * distances.min()
    shells = np.split(order, np.flatnonzero(rises) + 1)[:-1]  # the last may not be whole
    if len(shells) < most:
        raise PropertyError(f"only {len(shells)} shells of neighbors are within {reach:.1f} Å")
    return [
        (float(distances[own].mean()), np.stack([first[own], second[own]], axis=1))
        for own in shells[:most]
    ]


def warren_cowley(types: np.ndarray, pairs: np.ndarray, one: int, other: int) -> float:
    """Of two types in a shell: 1 - P(other next to one) / c(other)."""
    neighbors = types[pairs[types[pairs[:, 0]] == one, 1]]
    return float(1 - (neighbors == other).mean() / (types == other).mean())
