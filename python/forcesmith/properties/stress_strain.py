"""Stress over strain at a temperature, and how the crystal fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from pydantic import Field, model_validator

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import oriented_block, prototype
from forcesmith.properties.lammps_runs import (
    BAR_PER_GPA,
    THERMO,
    coupling,
    execute,
    mean_and_error,
    read_frames,
    run_to_mean_cell,
    setup,
    velocities,
)
from forcesmith.properties.property import Curve, Plot, Property, PropertyResult, Quantity
from forcesmith.properties.stacking_faults import SLIP_SYSTEMS
from forcesmith.properties.subject import Subject
from forcesmith.sampling.structures import miller_indices

BIN = 0.01  # of strain: stresses are means over it, and configurations are kept after each
ROWS = 10  # of a bin
ELASTIC = 0.03  # strain up to which the slope is the modulus
FALL = 0.7  # of the largest stress so far: below it the crystal has failed
WIDEST = 2.0  # times the widest gap before, where the crystal has come apart


class StressStrainOptions(Section):
    temperature: float = Field(300.0, gt=0.0)
    """K."""
    plane: str = "100"
    """Miller indices of the plane along whose normal is pulled; empty for no tension."""
    shear: bool = True
    """Whether the structure's first usual slip system is sheared."""
    rate: float = Field(2e-3, gt=0.0)
    """Of the strain, 1/ps."""
    largest: float = Field(0.25, ge=0.05)
    """Strain."""
    length: float = Field(20.0, gt=0.0)
    """Least distance between opposite faces of the supercell, angstrom."""
    height: float = Field(30.0, gt=0.0)
    """Of it along the normal, angstrom."""
    timestep: float = Field(0.001, gt=0.0)
    """Of the dynamics, ps."""
    equilibration: float = Field(10.0, gt=0.0)
    """Before, ps."""
    seeds: int = Field(3, ge=2)
    """Number of runs, each with velocities of its own."""
    seed: int = Field(1, ge=1)
    """Of the velocities; the others follow it."""

    @model_validator(mode="after")
    def _indices(self) -> StressStrainOptions:
        if self.plane:
            miller_indices(self.plane)
        return self


@dataclass(frozen=True)
class _Load:
    """What is done to a block."""

    name: str
    block: Atoms
    direction: tuple[float, float] | None
    """Of the shear, a unit vector in the plane; None: tension along z."""


class StressStrain(Property):
    """Tension and shear at a temperature and a rate, other stresses relaxed (LAMMPS).

    True stress over engineering strain, means of bins and of several seeds. Strength is the largest
    stress before the first fall by 30 %; what happens there is told from the neighbors that atoms
    lose, and from gaps. Perfect periodic crystals at rates of dynamics are stronger than samples.
    """

    name = "stress_strain"
    title = "Stress and strain"
    Options = StressStrainOptions
    packages = ("spglib",)
    dynamics = True
    tolerance = 0.1

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        loads = self._loads(crystal)
        quantities, curves, notes = {}, [], []
        for load in loads:
            found, failures = [], []
            for number in range(options.seeds):
                place = folder / f"{'tension' if load.direction is None else 'shear'}-{number}"
                place.mkdir(exist_ok=True)
                strains, stresses = self._run(crystal, load, options.seed + number, subject, place)
                failures.append(failure(strains, stresses, place / "frames.dump", subject))
                (place / "frames.dump").unlink()
                found.append(stresses)
            stresses = np.array(found)
            top = np.array([first_failure(strains, own)[0] for own in stresses])
            strengths = stresses[np.arange(len(top)), top]
            elastic = strains <= ELASTIC
            slopes = [
                (strains[elastic] @ own[elastic]) / (strains[elastic] @ strains[elastic])
                for own in stresses
            ]
            modulus = "Young's modulus" if load.direction is None else "shear modulus"
            for name, values in (("strength", strengths), (modulus, np.array(slopes))):
                value, error = mean_and_error(values)
                quantities[f"{name}, {load.name}"] = Quantity(value=value, error=error, unit="GPa")
            value, error = mean_and_error(strains[top])
            quantities[f"strain at the strength, {load.name}"] = Quantity(
                value=value, error=float(np.hypot(error, BIN / 12**0.5)), tolerance=0.02
            )
            curves.append(
                Curve(
                    x=strains.tolist(),
                    y=stresses.mean(axis=0).tolist(),
                    error=(stresses.std(axis=0, ddof=1) / np.sqrt(len(stresses))).tolist(),
                    label=load.name,
                )
            )
            notes.append(f"{load.name}, first seed: {failures[0]}")
        sizes = ", ".join(f"{len(load.block)} atoms for {load.name}" for load in loads)
        return PropertyResult(
            quantities=quantities,
            plots={
                "stress": Plot(
                    title=f"Stress at {options.temperature:g} K",
                    x_label="strain",
                    y_label="stress (GPa)",
                    curves=curves,
                )
            },
            method=f"{sizes}; {options.rate:g} of strain per ps after {options.equilibration:g} ps "
            f"at {options.temperature:g} K and no stress, steps of {1000 * options.timestep:g} fs; "
            f"stresses are means over {BIN:g} of strain, moduli slopes up to {ELASTIC:g}, errors "
            f"over {options.seeds} seeds; LAMMPS.",
            notes=notes,
        )

    def problem(self, crystal: Atoms) -> str | None:
        if self.options.plane or (self.options.shear and prototype(crystal) in SLIP_SYSTEMS):
            return None
        return "there is nothing to do: give a plane, or a crystal of a usual structure to shear"

    def _loads(self, crystal: Atoms) -> list[_Load]:
        options = self.options
        loads = []
        if options.plane:
            block, _ = oriented_block(crystal, miller_indices(options.plane), options.height)
            name = f"tension, ({options.plane})"
            loads.append(_Load(name, self._wide(block), None))
        for system in SLIP_SYSTEMS.get(prototype(crystal), [])[:1] if options.shear else []:
            block, rotation = oriented_block(crystal, system.plane, options.height)
            x, y, _ = np.array(system.period) @ crystal.cell.array @ rotation
            norm = float(np.hypot(x, y))
            loads.append(_Load(f"shear, {system.name}", self._wide(block), (x / norm, y / norm)))
        return loads

    def _wide(self, block: Atoms) -> Atoms:
        """As upright as its lattice allows, and repeated in its plane."""
        in_plane, c = block.cell.array[:2], block.cell.array[2]
        block.cell[2] = c - np.round(np.linalg.solve(in_plane[:, :2].T, c[:2])) @ in_plane
        heights = 1 / np.linalg.norm(block.cell.reciprocal().array[:2], axis=1)
        a, b = np.ceil(self.options.length / heights - 1e-6).astype(int)
        return block * (max(1, a), max(1, b), 1)

    def _run(
        self, crystal: Atoms, load: _Load, seed: int, subject: Subject, folder: Path
    ) -> tuple[np.ndarray, np.ndarray]:
        """Strains in the middle of the bins, stresses (GPa)."""
        options = self.options
        timestep, temperature = options.timestep, options.temperature
        n_bins = round(options.largest / BIN)
        each = max(1, round(BIN / options.rate / timestep / ROWS))
        rate = BIN / (ROWS * each * timestep)  # so that bins are whole
        free = "x y z xy" if load.direction else "x y xy xz yz"
        relaxed = " ".join(f"{one} 0 0 {1000 * timestep:g}" for one in free.split())
        deformed = f"z erate {rate:g}"
        stress = "v_tension"
        if load.direction:
            x, y = load.direction
            deformed = f"xz erate {rate * x:.12g} yz erate {rate * y:.12g}"
            stress = "v_shear"
        script = (
            setup(load.block, subject, folder, timestep)
            + velocities(2 * temperature, seed)
            + run_to_mean_cell(temperature, 0.0, coupling(crystal), options.equilibration, timestep)
            + "variable        tension equal -pzz\n"
        )
        if load.direction:
            script += f"variable        shear equal -({x:.12g}*pxz+({y:.12g}*pyz))\n"
        script += (
            "reset_timestep  0\n"
            f"fix             ensemble all npt temp {temperature:g} {temperature:g} "
            f"{100 * timestep:g} {relaxed} flip no\n"
            f"fix             deformation all deform 1 {deformed} remap x flip no\n"
            f"thermo_style    custom {THERMO} {stress}\nthermo          {each}\n"
            f"dump            frames all custom {ROWS * each} frames.dump id element x y z\n"
            f"dump_modify     frames element {' '.join(sorted(set(load.block.symbols)))} sort id\n"
            f"run             {n_bins * ROWS * each}\n"
        )
        stresses = execute(script, subject, folder)[-1][stress][1:].reshape(n_bins, ROWS)
        return (np.arange(n_bins) + 0.5) * BIN, stresses.mean(axis=1) / BAR_PER_GPA


def first_failure(strains: np.ndarray, stresses: np.ndarray) -> tuple[int, int | None]:
    """Numbers of the largest stress before the first fall, and of the point where it has fallen;
    None: nothing falls."""
    highest = np.maximum.accumulate(stresses)
    falls = np.flatnonzero((stresses < FALL * highest) & (strains > ELASTIC))
    after = int(falls[0]) if len(falls) else None
    return int(stresses[:after].argmax()), after


def failure(strains: np.ndarray, stresses: np.ndarray, frames: Path, subject: Subject) -> str:
    """What happens there: one sentence. frames: before and after each bin."""
    top, after = first_failure(strains, stresses)
    text = f"the largest stress is {stresses[top]:.2f} GPa, at a strain of {strains[top]:.3f}"
    if after is None:
        return f"{text}; nothing fails up to {strains[-1] + BIN / 2:.2f}."
    configurations = read_frames(frames)
    before, broken = configurations[top], configurations[after + 1]
    gaps = [widest_gap(atoms) for atoms in (before, broken)]
    lost = lost_neighbors(before, broken)
    if gaps[1] > WIDEST * gaps[0]:
        how = f"a gap of {gaps[1]:.1f} angstrom opens across z: the crystal has come apart"
    elif lost > 0.5:
        how = "most atoms change neighbors: it has become another phase, or has no order"
    elif lost > 0.01:
        how = "a part of the atoms changes neighbors: it has slipped, twinned or holds a new phase"
    else:
        how = "no atom changes neighbors: the lattice has been strained into another one"
    grade = subject.largest_grade
    told = f", largest grade so far {grade:.3g}" if grade is not None else ""
    return (
        f"{text}; at {strains[after]:.3f} it has fallen to {stresses[after]:.2f} GPa, and {how} "
        f"({100 * lost:.0f} % of all neighbors are lost{told})."
    )


def widest_gap(atoms: Atoms) -> float:
    """Between atoms along the normal of a and b, angstrom."""
    heights = np.sort(atoms.get_scaled_positions()[:, 2]) * atoms.cell.volume
    heights /= np.linalg.norm(np.cross(*atoms.cell.array[:2]))
    period = atoms.cell.volume / np.linalg.norm(np.cross(*atoms.cell.array[:2]))
    return float(np.diff([*heights, heights[0] + period]).max())


def lost_neighbors(before: Atoms, after: Atoms) -> float:
    """Fraction of the pairs of neighbors that are none any more: farther than where the shells of
    the first have their widest gap."""
    cutoff = _shell_radius(before)
    pairs, others = (
        set(zip(*neighbor_list("ij", one, cutoff), strict=True)) for one in (before, after)
    )
    return 1 - len(pairs & others) / len(pairs)


def _shell_radius(atoms: Atoms) -> float:
    """Where the number of pairs rises least, between 1.1 and 1.7 times the mean distance of the
    nearest, angstrom."""
    spacing = (atoms.cell.volume / len(atoms)) ** (1 / 3)
    distances = np.sort(neighbor_list("d", atoms, 2.5 * spacing))
    nearest = distances[: len(atoms)].mean()
    edges = np.linspace(1.1 * nearest, 1.7 * nearest, 25)
    counts, _ = np.histogram(distances, edges)
    density = counts / ((edges[:-1] + edges[1:]) / 2) ** 2
    smooth = np.convolve(density, np.ones(3) / 3, mode="valid")
    return float(edges[int(smooth.argmin()) + 1 : int(smooth.argmin()) + 3].mean())
