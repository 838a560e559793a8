"""Melting point from the coexistence of solid and liquid."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from pydantic import Field

from forcesmith.properties.crystals import size_text, supercell_size
from forcesmith.properties.lammps_runs import (
    BAR_PER_GPA,
    BLOCKS,
    block_means,
    constant_pressure,
    constant_volume,
    coupling,
    execute,
    mean_and_error,
    notes_on_blocks,
    read_dump,
    run_to_mean_cell,
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

SLICE = 4.0  # angstrom
FRAMES = 20  # of a run whose order is looked at
BOTH = 0.15  # least fraction of solid, and of liquid, that is coexistence
DISORDER = 1.5  # times the order of a liquid, at least, where a slice is solid
HOT = 2.5  # times the temperature, where one half is melted


class MeltingPointOptions(SamplingOptions):
    temperature: float | None = Field(None, gt=0.0)
    """A guess, K; without it nothing is computed."""
    length: float = Field(20.0, gt=0.0)
    """Least distance between opposite faces of the supercell, angstrom."""
    height: float = Field(80.0, gt=0.0)
    """Of it, along c, across solid and liquid, angstrom."""
    equilibration: float = Field(10.0, gt=0.0)
    """Of the solid, and of solid and liquid side by side, ps."""
    melting: float = Field(5.0, gt=0.0)
    """Of one half at a high temperature, ps."""
    duration: float = Field(100.0, gt=0.0)
    """At constant enthalpy, ps; the second half counts."""
    passes: int = Field(8, ge=1)
    """At most; each begins at the temperature found so far, with velocities of its own."""
    good: int = Field(3, ge=1)
    """Number of passes that are wanted to count: in the end solid and liquid coexist, about at the
    temperature of the beginning."""
    closeness: float = Field(0.05, gt=0.0)
    """Relative difference of the two temperatures up to which a pass counts."""


@dataclass(frozen=True)
class _Pass:
    """One run with half of the crystal molten."""

    guess: float
    """Temperature that it began with, K."""
    time: np.ndarray
    """Of the run at constant enthalpy, ps."""
    temperature: np.ndarray
    """At those times, K."""
    order: np.ndarray
    """At the end, in slices along c."""
    threshold: float
    """Of order, above which a slice is solid."""

    @property
    def found(self) -> float:
        """Mean of the second half, K."""
        return float(self.sampled.mean())

    @property
    def sampled(self) -> np.ndarray:
        """Temperatures of the second half."""
        return self.temperature[len(self.temperature) // 2 :]

    @property
    def solid(self) -> float:
        """Fraction of the slices."""
        return float((self.order > self.threshold).mean())

    @property
    def coexists(self) -> bool:
        """Whether both are there in the end."""
        return BOTH <= self.solid <= 1 - BOTH

    def ends_near(self, closeness: float) -> bool:
        """Whether it has found what it began with, within a relative difference."""
        return abs(self.found - self.guess) <= closeness * self.guess


class MeltingPoint(SampledProperty):
    """Temperature at which solid and liquid are side by side at constant enthalpy (LAMMPS).

    J. R. Morris et al., Phys. Rev. B 49, 3109 (1994); review: Y. Zhang, E. J. Maginn, J. Chem.
    Phys. 136, 144116 (2012). One half of the crystal is melted while the other is held, and both
    come to the guessed temperature; then the interfaces, normal to c, move until freezing and
    melting are in balance. The cell is that of the solid at the guess, and only its height changes;
    so the run is repeated from what it has found. A run that melts (freezes) wholly ends above
    (below) the melting point. The error holds the spread over passes.
    """

    name = "melting_point"
    title = "Melting point"
    Options = MeltingPointOptions
    tolerance = 0.03

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        a, b, _ = supercell_size(crystal, options.length)
        size = (a, b, supercell_size(crystal, options.height)[2])
        passes: list[_Pass] = []
        counted: list[_Pass] = []
        guess = float(options.temperature)
        while len(passes) < options.passes and len(counted) < options.good:
            place = folder / f"pass-{len(passes) + 1}"
            place.mkdir(exist_ok=True)
            passes.append(self._pass(crystal, size, guess, len(passes) + 1, subject, place))
            counted = [one for one in passes if one.coexists and one.ends_near(options.closeness)]
            guess = float(np.mean([one.found for one in counted or passes[-1:]]))
        last = passes[-1]
        ends = "; ".join(
            f"{one.guess:.0f} K to {one.found:.0f} K, {one.solid:.0%} solid" for one in passes
        )
        notes = []
        if not counted:
            if not last.coexists:
                what = "solid, below" if last.solid > 0.5 else "liquid, above"
                raise PropertyError(
                    f"solid and liquid do not coexist in the end, nearly all is {what} the melting "
                    f"point ({ends}); begin from the last temperature, or in a larger cell"
                )
            counted = [last]
            notes.append(
                f"The last pass began at {last.guess:.0f} K, not within {options.closeness:g} of "
                "what it found: the solid may be strained."
            )
        if len(counted) == 1:
            notes.append("One pass counts: what another beginning changes is not in the error.")
        value, error = mean_of_passes([block_means(one.sampled) for one in counted])
        names = [f"pass {passes.index(one) + 1}" for one in counted]
        notes += notes_on_blocks(
            {
                f"temperature of {name}": one.sampled
                for name, one in zip(names, counted, strict=True)
            }
        )
        slices = (np.arange(len(last.order)) + 0.5) / len(last.order)
        return PropertyResult(
            quantities={
                "melting point": Quantity(value=value, error=error, unit="K"),
            },
            plots={
                "temperature": Plot(
                    title="Solid and liquid at constant enthalpy",
                    x_label="time (ps)",
                    y_label="temperature (K)",
                    curves=[
                        Curve(x=one.time.tolist(), y=one.temperature.tolist(), label=name)
                        for name, one in zip(names, counted, strict=True)
                    ],
                ),
                "order": Plot(
                    title="Order at the end of the last pass",
                    x_label="position along c",
                    y_label="structure factor in the plane, per atom",
                    curves=[Curve(x=slices.tolist(), y=last.order.tolist())],
                    style="points",
                ),
            },
            method=f"Supercell {size_text(size)}, {len(crystal) * int(np.prod(size))} atoms, half "
            f"of them melted; {options.duration:g} ps at constant enthalpy and "
            f"{options.pressure:g} GPa along c after {options.equilibration:g} ps, of which the "
            f"second half counts; passes: {ends}; mean of {', '.join(names)}, error from {BLOCKS} "
            "blocks of each and from their spread; LAMMPS.",
            notes=notes,
        )

    def _pass(
        self,
        crystal: Atoms,
        size: tuple[int, int, int],
        guess: float,
        number: int,
        subject: Subject,
        folder: Path,
    ) -> _Pass:
        options = self.options
        timestep, pressure = options.timestep, options.pressure
        atoms = crystal * size
        before, melting, n = (
            steps(time, timestep)
            for time in (options.equilibration, options.melting, options.duration)
        )
        bar = BAR_PER_GPA * pressure
        script = (
            setup(atoms, subject, folder, timestep)
            + velocities(2 * guess, options.seed + number)
            + run_to_mean_cell(guess, pressure, coupling(crystal), options.equilibration, timestep)
            + constant_volume(guess, timestep)
            + _dump("solid", before)
            + f"run             {before}\nundump          frames\nunfix           ensemble\n\n"
            "region          lower block INF INF INF INF INF $(zlo+0.5*lz)\n"
            "group           liquid region lower\n"
            + constant_volume(HOT * guess, timestep, "liquid")
            + f"velocity        liquid create {2 * HOT * guess:g} {options.seed + number}\n"
            f"run             {melting}\nunfix           ensemble\n\n"
            + velocities(guess, options.seed + number)
            + constant_pressure(guess, pressure, "z", timestep)
            + f"run             {before}\nunfix           ensemble\n\n"
            f"fix             ensemble all nph z {bar:g} {bar:g} {1000 * timestep:g}\n"
            "thermo          20\n"
            f"run             {n - n // 4}\n" + _dump("end", n // 4) + f"run             {n // 4}\n"
        )
        *_, first, second = execute(script, subject, folder)
        dumps = {}
        for name in ("solid", "end"):
            dumps[name] = read_dump(folder / f"{name}.dump")
            (folder / f"{name}.dump").unlink()
        n_slices = max(8, round(float(np.linalg.norm(atoms.cell[2])) / SLICE))
        vectors = strong_vectors(crystal) * size[:2]
        solid, order = (order_in_slices(dumps[name], vectors, n_slices) for name in dumps)
        steps_of = np.concatenate([first["Step"], second["Step"][1:]])
        return _Pass(
            guess=guess,
            time=(steps_of - steps_of[0]) * timestep,
            temperature=np.concatenate([first["Temp"], second["Temp"][1:]]),
            order=order,
            threshold=least_order(solid, len(atoms)),
        )


def least_order(solid: np.ndarray, n_atoms: int) -> float:
    """Above which a slice is solid: between the orders of the solid, (n_slices,), and of a liquid
    of so many atoms; above that of the liquid, too, where the solid has melted at once."""
    # What is left of the mean of so many random phases.
    liquid = np.sqrt(np.pi / 4 * len(solid) / n_atoms)
    return float(max((solid.mean() + liquid) / 2, DISORDER * liquid))


def mean_of_passes(blocks: Sequence[np.ndarray]) -> tuple[float, float]:
    """Of block means of several passes: mean, and its standard error.

    The spread over passes has the noise of the blocks in it; both are added, as there are few
    passes.
    """
    means, errors = np.array([mean_and_error(own) for own in blocks]).T
    if len(means) == 1:
        return float(means[0]), float(errors[0])
    value, error = mean_and_error(means)
    return value, float(np.hypot(error, np.linalg.norm(errors) / len(errors)))


def strong_vectors(crystal: Atoms) -> np.ndarray:
    """Shortest reciprocal vectors in the plane of a and b in which all atoms, nearly, are in phase:
    numbers of periods along a and b, (n, 2)."""
    numbers = np.array([n for n in itertools.product(range(-6, 7), repeat=2) if n > (0, 0)])
    phases = crystal.get_scaled_positions()[:, :2] @ numbers.T
    strength = np.abs(np.exp(2j * np.pi * phases).mean(axis=0))
    lengths = np.linalg.norm(numbers @ crystal.cell.reciprocal().array[:2], axis=1)
    lengths[strength < 0.7 * strength.max()] = np.inf
    return numbers[lengths < lengths.min() * 1.01]


def order_in_slices(frames: np.ndarray, vectors: np.ndarray, n_slices: int) -> np.ndarray:
    """Modulus of the structure factor per atom, in slices along c: mean over the frames and the
    vectors, (n_slices,). frames: (n_frames, n_atoms, 3) in units of the cell; vectors: (n, 2)."""
    order = np.zeros(n_slices)
    for frame in frames:
        slices = (frame[:, 2] % 1.0 * n_slices).astype(int) % n_slices
        waves = np.exp(2j * np.pi * frame[:, :2] @ vectors.T)
        sums = np.array(
            [np.bincount(slices, part, n_slices) for part in (*waves.real.T, *waves.imag.T)]
        )
        real, imaginary = np.split(sums, 2)
        counts = np.maximum(1, np.bincount(slices, minlength=n_slices))
        order += (np.hypot(real, imaginary) / counts).mean(axis=0)
    return order / len(frames)


def _dump(name: str, n: int) -> str:
    """Commands that write frames of a run of so many steps."""
    return f"dump            frames all custom {max(1, n // FRAMES)} {name}.dump xs ys zs\n"
