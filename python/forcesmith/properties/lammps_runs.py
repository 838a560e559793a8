"""Dynamics of crystals by LAMMPS, and averages over them with errors from blocks."""

from __future__ import annotations

import io
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.units import _amu, _e

from forcesmith.data.labels import shortened
from forcesmith.lammps.output import Output, Run
from forcesmith.lammps.runner import LammpsError, run
from forcesmith.properties.property import PropertyError
from forcesmith.properties.subject import Subject

BAR_PER_GPA = 1e4
THERMO = "step temp pe ke press vol enthalpy density v_grade"
BLOCKS = 5
"""Of a sampled run; their spread gives the error of its mean."""
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


def note_grades(output: Output, subject: Subject) -> None:
    """The subject remembers the largest grade."""
    for one in output.runs:
        if subject.has_grades and "v_grade" in one.columns:
            subject.grades.append(float(one["v_grade"].max()))


def steps(duration: float, timestep: float) -> int:
    """Of a duration, ps; at least enough for all blocks."""
    return max(10 * BLOCKS, round(duration / timestep))


def block_means(values: np.ndarray) -> np.ndarray:
    """Of a series, (BLOCKS,)."""
    return np.array([part.mean() for part in np.array_split(values, BLOCKS)])


def mean_and_error(blocks: np.ndarray) -> tuple[float, float]:
    """Of values of blocks, which are taken as independent: mean, standard error of it."""
    return float(np.mean(blocks)), float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))
