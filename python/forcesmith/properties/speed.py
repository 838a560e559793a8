"""Speed and memory."""

from __future__ import annotations

import platform
import re
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.lammps.runner import run
from forcesmith.properties.crystals import size_text, supercell_size
from forcesmith.properties.lammps_runs import note_grades, setup
from forcesmith.properties.property import Property, PropertyResult, Quantity
from forcesmith.properties.subject import Subject

RATTLE = 0.05  # angstrom
TEMPERATURE = 300.0  # K


class SpeedOptions(Section):
    length: float = Field(15.0, gt=0.0)
    """Least distance between opposite faces of the supercell, angstrom."""
    repeats: int = Field(3, ge=1)
    """Evaluations in Python; the fastest counts."""
    steps: int = Field(100, ge=1)
    """Of dynamics by LAMMPS."""


class Speed(Property):
    """Time for energies and forces of a supercell, in Python and in LAMMPS, on one core.

    Memory is the largest resident set of LAMMPS. Numbers of this machine, and of its load.
    """

    name = "speed"
    title = "Speed and memory"
    Options = SpeedOptions
    packages = ("spglib",)
    compared = False

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        size = supercell_size(crystal, options.length)
        atoms = crystal * size
        seconds = []
        for seed in range(options.repeats):
            moved = atoms.copy()
            moved.rattle(RATTLE, seed=seed)
            moved.calc = subject.calculator
            started = time.perf_counter()
            moved.get_forces()
            seconds.append(time.perf_counter() - started)
        per_atom = 1e6 / len(atoms)
        quantities = {
            "in Python": Quantity(value=min(seconds) * per_atom, unit="1e-6 s/atom"),
        }
        if subject.lammps_commands(sorted(set(atoms.symbols))) is not None:
            script = setup(atoms, subject, folder)
            script += (
                f"velocity        all create {2 * TEMPERATURE:g} 1 mom yes dist gaussian\n"
                f"fix             ensemble all nve\nthermo          {options.steps}\n"
                f"run             {options.steps}\ninfo            memory\n"
            )
            (folder / "in.lammps").write_text(script)
            output = run(folder / "in.lammps", folder=folder, log=folder / "log.lammps")
            note_grades(output, subject)
            rate = output.runs[-1].seconds / options.steps
            quantities["in LAMMPS"] = Quantity(value=rate * per_atom, unit="1e-6 s/atom/step")
            found = re.search(r"Maximum resident set size: *([\d.e+]+) Mbyte", output.text)
            if found:
                quantities["memory of LAMMPS"] = Quantity(value=float(found[1]), unit="MB")
        return PropertyResult(
            quantities=quantities,
            method=f"Supercell {size_text(size)}, {len(atoms)} atoms, one core of {_processor()}; "
            f"the fastest of {options.repeats} evaluations, {np.median(seconds):.3g} s each; "
            f"{options.steps} steps of dynamics.",
        )


def _processor() -> str:
    """Name of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    found = re.search(r"^model name\s*: *(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()
