"""Dynamics of crystals by LAMMPS, and averages over them with errors from blocks."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.units import _amu, _e

from forcesmith.data.labels import shortened
from forcesmith.lammps.output import Output, Run
from forcesmith.lammps.runner import LammpsError, run
from forcesmith.properties.crystals import crystal_system
from forcesmith.properties.property import PropertyError
from forcesmith.properties.subject import Subject

BAR_PER_GPA = 1e4
THERMO = "step temp pe ke press vol enthalpy density v_grade"
GRADE = re.compile(r"[Gg]rade.* (\S+) of (?:atom \d+|the configuration) at step \d+")
BLOCKS = 5
"""Of a sampled run; their spread gives the error of its mean."""
LONG_ENOUGH = 2.0
"""Statistical inefficiencies that a block must hold to be independent of the others."""
JOULE_PER_MOL = _e * 6.02214076e23  # eV
G_PER_CM3 = 1e27 * _amu  # amu/angstrom^3


def setup(atoms: Atoms, subject: Subject, folder: Path, timestep: float = 0.001) -> str:
    """Commands up to the potential; the atoms go to a file in the folder.

    timestep: ps. Types are the elements in alphabetical order.
    """
    elements = sorted(set(atoms.symbols))
    stream = io.StringIO()
    ase.io.write(
        stream, atoms, format="lammps-data", specorder=elements, masses=True, force_skew=True
    )
    (folder / "start.data").write_text(stream.getvalue())
    commands = subject.lammps_commands(elements)
    assert commands is not None  # others are left out before
    return (
        "units           metal\n"
        "atom_modify     map yes\n"
        "box             tilt large\n"
        "read_data       start.data\n"
        + "\n".join(commands)
        + f"\ntimestep        {timestep:g}\nthermo_style    custom {THERMO}\n"
        "thermo_modify   format float %.12g\n"
    )


def execute(script: str, subject: Subject, folder: Path) -> list[Run]:
    """Run it; script and log stay in the folder. Raises PropertyError."""
    (folder / "in.lammps").write_text(script)
    try:
        output = run(folder / "in.lammps", folder=folder, log=folder / "log.lammps")
    except LammpsError as error:
        note_grades(error.output, subject)
        raise PropertyError(shortened(error, 250)) from None
    note_grades(output, subject)
    return output.runs


def read_dump(file: Path) -> np.ndarray:
    """Of `dump custom`, all frames: (n_frames, n_atoms, n_columns)."""
    lines = file.read_text().splitlines()
    n_atoms = int(lines[3])
    rows = [line.split() for number, line in enumerate(lines) if number % (n_atoms + 9) >= 9]
    return np.array(rows, float).reshape(-1, n_atoms, len(rows[0]))


def read_frames(file: Path) -> list[Atoms]:
    """Of a dump with the columns id, element, x, y, z."""
    return list(ase.io.iread(file, format="lammps-dump-text", index=":"))


def note_grades(output: Output, subject: Subject) -> None:
    """The subject remembers the largest grade of every run, and those that LAMMPS warned of."""
    subject.grades += [float(found) for found in GRADE.findall(output.text)]


def steps(duration: float, timestep: float) -> int:
    """Of a duration, ps; at least enough for all blocks."""
    return max(10 * BLOCKS, round(duration / timestep))


def block_means(values: np.ndarray) -> np.ndarray:
    """Of a series, (BLOCKS,)."""
    return np.array([part.mean() for part in np.array_split(values, BLOCKS)])


def mean_and_error(blocks: np.ndarray) -> tuple[float, float]:
    """Of values of blocks, which are taken as independent: mean, standard error of it."""
    return float(np.mean(blocks)), float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))


def statistical_inefficiency(values: np.ndarray) -> float:
    """Samples that count as one, at least 1: 1 + 2 sum_t (1 - t/N) C(t) up to the first C(t) <= 0.

    J. D. Chodera et al., J. Chem. Theory Comput. 3, 26 (2007); C(t) is the normalized correlation
    of the series (N,) with itself after t samples.
    """
    deviations = values - values.mean()
    n = len(values)
    correlation = autocorrelation(deviations)
    if n < 2 or correlation[0] < 1e-20 * (1 + values.mean() ** 2):
        return 1.0  # a constant
    correlation = correlation / correlation[0]
    ends = np.flatnonzero(correlation <= 0)
    last = ends[0] if len(ends) else n
    weights = 1 - np.arange(1, last) / n
    return max(1.0, float(1 + 2 * weights @ correlation[1:last]))


def autocorrelation(values: np.ndarray) -> np.ndarray:
    """Mean of x(s) x(s + t) over all s, (N,) for t = 0, 1, ..., of a series (N,)."""
    n = len(values)
    spectrum = np.fft.rfft(values, 2 * n)
    return np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n] / np.arange(n, 0, -1)


def notes_on_blocks(series: Mapping[str, np.ndarray]) -> list[str]:
    """What is too correlated for errors from blocks: a note for each series, by what it is."""
    notes = []
    for what, values in series.items():
        inefficiency = statistical_inefficiency(values)
        if len(values) / BLOCKS < LONG_ENOUGH * inefficiency:
            notes.append(
                f"The errors are too small, as blocks are not independent: the {what} has a "
                f"statistical inefficiency of {inefficiency:.0f} samples, and blocks have "
                f"{len(values) // BLOCKS}. Sample for longer."
            )
    return notes


# ---- commands ----


def coupling(crystal: Atoms) -> str:
    """Of the barostat, to lengths of the cell: alike in cubic crystals."""
    return "iso" if crystal_system(crystal) == "cubic" else "aniso"


def velocities(temperature: float, seed: int) -> str:
    """Of a temperature, K, without motion of the whole."""
    return f"velocity        all create {temperature:g} {seed} mom yes dist gaussian\n"


def constant_pressure(
    temperature: float, pressure: float, coupled: str, timestep: float, group: str = "all"
) -> str:
    """The fix `ensemble`: K, GPa, as `coupling` has it or "z", ps."""
    bar = BAR_PER_GPA * pressure
    return (
        f"fix             ensemble {group} npt temp {temperature:g} {temperature:g} "
        f"{100 * timestep:g} {coupled} {bar:g} {bar:g} {1000 * timestep:g}\n"
    )


def constant_volume(temperature: float, timestep: float, group: str = "all") -> str:
    """The fix `ensemble`: K, ps."""
    return (
        f"fix             ensemble {group} nvt temp {temperature:g} {temperature:g} "
        f"{100 * timestep:g}\n"
    )


def run_to_mean_cell(
    temperature: float, pressure: float, coupled: str, duration: float, timestep: float
) -> str:
    """A run at constant pressure, after which the cell has its mean lengths of the second half."""
    n = -(-steps(duration, timestep) // 20) * 20
    return (
        "reset_timestep  0\n"
        + constant_pressure(temperature, pressure, coupled, timestep)
        + "".join(f"variable        l{x} equal l{x}\n" for x in "xyz")
        + f"fix             cell all ave/time 10 {n // 20} {n} v_lx v_ly v_lz\n"
        f"thermo          {min(100, n // 20)}\nrun             {n}\n"
        "change_box      all xy final $(xy*f_cell[2]/ly:%.12g) xz final $(xz*f_cell[3]/lz:%.12g) "
        "yz final $(yz*f_cell[3]/lz:%.12g) &\n"
        "                x scale $(f_cell[1]/lx:%.12g) y scale $(f_cell[2]/ly:%.12g) "
        "z scale $(f_cell[3]/lz:%.12g) remap\n"
        "unfix           cell\nunfix           ensemble\n"
    )
