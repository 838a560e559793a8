"""Thermal conductivity from the fluctuations of the heat flux."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.units import _e, kB
from pydantic import Field

from forcesmith.properties.crystals import crystal_system, size_text, supercell_size
from forcesmith.properties.lammps_runs import (
    autocorrelation,
    constant_volume,
    coupling,
    execute,
    mean_and_error,
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

W_PER_M_K = _e * 1e22  # eV/(ps angstrom K)
POINTS = 200  # of a curve
DIRECTIONS: dict[str, dict[str, tuple[int, ...]]] = {
    "cubic": {"conductivity": (0, 1, 2)},
    "tetragonal": {"conductivity in the basal plane": (0, 1), "conductivity along c": (2,)},
    "other": {f"conductivity along {axis}": (n,) for n, axis in enumerate("xyz")},
}
"""Axes that are alike, by crystal system."""
DIRECTIONS["hexagonal"] = DIRECTIONS["trigonal"] = DIRECTIONS["tetragonal"]


class GreenKuboOptions(SamplingOptions):
    temperature: float = Field(300.0, gt=0.0)
    """K."""
    length: float = Field(20.0, gt=0.0)
    """Least distance between opposite faces of the supercell, angstrom."""
    equilibration: float = Field(20.0, gt=0.0)
    """Of the cell, and of every seed, ps."""
    duration: float = Field(200.0, gt=0.0)
    """Of every seed at constant energy, ps."""
    seeds: int = Field(4, ge=2)
    """Number of runs, each with velocities of its own."""
    interval: float = Field(0.005, gt=0.0)
    """Between samples of the heat flux, ps."""
    longest: float = Field(20.0, gt=0.0)
    """Correlation time up to which is looked, ps; at most half of the duration."""
    window: float = Field(0.5, gt=0.0)
    """Over which correlations are averaged where their end is looked for, ps."""


class GreenKubo(SampledProperty):
    """Integral of the correlation of the heat flux with itself, of a crystal (Green-Kubo, LAMMPS).

    Heat flux of many-body potentials by centroid virials: D. Surblys et al., Phys. Rev. E 99,
    051301 (2019); pair styles of LAMMPS that have none are refused, and those of embedded atoms
    share a pair's force evenly among both atoms. The integral ends, as J. Chen et al., Phys. Lett.
    A 374, 2392 (2010), where the correlation is lost in its noise: in the first window whose mean
    is not above its standard error over seeds and equivalent directions. Flows of the elements
    against each other, which carry no heat in crystals, are taken out of the flux by regression.
    """

    name = "green_kubo"
    title = "Thermal conductivity by Green-Kubo"
    Options = GreenKuboOptions
    tolerance = 0.2

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        size = supercell_size(crystal, options.length)
        atoms = crystal * size
        elements = sorted(set(atoms.symbols))
        each = max(1, round(options.interval / options.timestep))
        interval = each * options.timestep
        runs = execute(
            self._script(crystal, atoms, elements, subject, folder, each), subject, folder
        )
        sampled = runs[2::2]
        temperature = float(np.mean([one["Temp"].mean() for one in sampled]))
        tables = [np.loadtxt(folder / f"flux-{n}.txt") for n in range(options.seeds)]
        correlations = np.array(
            [[autocorrelation(series) for series in _heat_flux(table).T] for table in tables]
        )
        lags = min(round(options.longest / interval) + 1, correlations.shape[2] // 2)
        volume = float(sampled[0]["Volume"][0])
        correlations = correlations[:, :, :lags] * W_PER_M_K / (volume * kB * temperature**2)
        width = max(1, round(options.window / interval))
        if lags < 2 * width:
            raise PropertyError(
                f"the longest correlation time, {lags * interval:g} ps, has not two windows of "
                f"{options.window:g} ps; sample for longer, or give a smaller window"
            )
        quantities, integrals, shapes, ends, notes = {}, [], [], [], []
        alike = DIRECTIONS.get(crystal_system(crystal), DIRECTIONS["other"])
        for name, axes in alike.items():
            own = correlations[:, axes].reshape(-1, lags)
            running = interval * (np.cumsum(own, axis=1) - (own + own[:, :1]) / 2)
            window = end_of_correlation(own, width)
            if window is None:
                window = lags // width - 1
                notes.append(
                    f"{name}: the correlation is still above its noise after {options.longest:g} "
                    "ps; the conductivity is larger. Give more for `longest`."
                )
            part = slice(window * width, (window + 1) * width)
            value, error = mean_and_error(running[:, part].mean(axis=1))
            label = "" if len(alike) == 1 else name.removeprefix("conductivity ")
            quantities[name] = Quantity(value=value, error=error, unit="W/m/K")
            ends.append(f"{part.start * interval:g}")
            shown = slice(None, None, max(1, lags // POINTS))
            time = (np.arange(lags) * interval)[shown].tolist()
            spread = running.std(axis=0, ddof=1) / np.sqrt(len(running))
            integrals.append(
                Curve(
                    x=time,
                    y=running.mean(axis=0)[shown].tolist(),
                    error=spread[shown].tolist(),
                    label=label,
                )
            )
            shape = own.mean(axis=0) / own[:, 0].mean()
            shapes.append(Curve(x=time, y=shape[shown].tolist(), label=label))
        return PropertyResult(
            quantities=quantities,
            plots={
                "integral": Plot(
                    title=f"Running integral at {options.temperature:g} K",
                    x_label="correlation time (ps)",
                    y_label="thermal conductivity (W/m/K)",
                    curves=integrals,
                ),
                "correlation": Plot(
                    title=f"Correlation of the heat flux at {options.temperature:g} K",
                    x_label="correlation time (ps)",
                    y_label="correlation / its beginning",
                    curves=shapes,
                ),
            },
            method=f"Supercell {size_text(size)}, {len(atoms)} atoms, {options.seeds} seeds with "
            f"{options.duration:g} ps each at constant energy after {options.equilibration:g} ps "
            f"at {options.temperature:g} K in the mean cell of {options.pressure:g} GPa; heat flux "
            f"by centroid virials every {1000 * interval:g} fs; integral up to the first "
            f"{options.window:g} ps whose mean correlation is not above its standard error, at "
            f"{', '.join(ends)} ps; errors over seeds and equivalent directions; LAMMPS.",
            notes=notes,
        )

    def _script(
        self,
        crystal: Atoms,
        atoms: Atoms,
        elements: Sequence[str],
        subject: Subject,
        folder: Path,
        each: int,
    ) -> str:
        options = self.options
        temperature, timestep = options.temperature, options.timestep
        before, sampled = (
            steps(time, timestep) for time in (options.equilibration, options.duration)
        )
        text = setup(atoms, subject, folder, timestep)
        # Half of the energy goes into the potential energy.
        text += velocities(2 * temperature, options.seed) + run_to_mean_cell(
            temperature, options.pressure, coupling(crystal), options.equilibration, timestep
        )
        text += heat_flux_commands(elements)
        columns = " ".join(["c_flux[1] c_flux[2] c_flux[3]", *flow_columns(elements)])
        for number in range(options.seeds):
            text += (
                f"\n{velocities(temperature, options.seed + number)}"
                f"{constant_volume(temperature, timestep)}"
                f"thermo          100\nrun             {before}\nunfix           ensemble\n"
                "fix             ensemble all nve\n"
                f"fix             flux all ave/time {each} 1 {each} {columns} file "
                f'flux-{number}.txt format " %.12g"\n'
                f"run             {sampled}\nunfix           flux\nunfix           ensemble\n"
            )
        return text


def heat_flux_commands(elements: Sequence[str]) -> str:
    """The compute `flux`, eV angstrom/ps, and groups and variables of the flow of each element."""
    text = (
        "compute         kinetic all ke/atom\ncompute         potential all pe/atom\n"
        "compute         stress all centroid/stress/atom NULL virial\n"
        "compute         flux all heat/flux kinetic potential stress\n"
    )
    if len(elements) < 2:
        return text
    for number, element in enumerate(elements, start=1):
        text += f"group           {element} type {number}\n" + "".join(
            f"variable        flow_{element}_{x} equal vcm({element},{x})\n" for x in "xyz"
        )
    return text


def flow_columns(elements: Sequence[str]) -> list[str]:
    """Of the center of mass of each element, angstrom/ps; none where the flow is that of all."""
    if len(elements) < 2:
        return []
    return [f"v_flow_{element}_{x}" for element in elements for x in "xyz"]


def _heat_flux(table: np.ndarray) -> np.ndarray:
    """(n_times, 3) without the flows; table: step, flux, flows of all elements."""
    flux = table[:, 1:4]
    if table.shape[1] == 4:
        return flux
    # The flow of the last element follows from the others: momentum is zero.
    flows = table[:, 4:-3].reshape(len(table), -1, 3)
    columns = [
        flux[:, x] - flows[:, :, x] @ np.linalg.lstsq(flows[:, :, x], flux[:, x], rcond=None)[0]
        for x in range(3)
    ]
    return np.stack(columns, axis=1)


def end_of_correlation(correlations: np.ndarray, width: int) -> int | None:
    """Number of the first window, so many samples wide, whose mean over the rows is not above its
    standard error; None if there is none. correlations: (n_samples, n_lags)."""
    n_windows = correlations.shape[1] // width
    means = correlations[:, : n_windows * width].reshape(len(correlations), n_windows, width)
    means = means.mean(axis=2)
    error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    ends = np.flatnonzero(means.mean(axis=0) <= error)
    return int(ends[0]) if len(ends) else None
