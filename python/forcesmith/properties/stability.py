"""How long dynamics survive: at rising temperature, at constant energy and constant pressure."""

from __future__ import annotations

import re
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.lammps.runner import LammpsError, run
from forcesmith.properties.crystals import size_text, supercell_size
from forcesmith.properties.lammps_runs import BAR_PER_GPA, note_grades, setup, steps
from forcesmith.properties.property import Property, PropertyResult, Quantity
from forcesmith.properties.subject import Subject

HOT_FACTOR, HOT_OFFSET = 3.0, 1000.0  # of the temperature, K: above it a run has failed
VOLUME_FACTOR = 2.0  # likewise, and below its inverse
ENSEMBLES = ("nve", "npt")
LARGEST_DISTANCE = 5.0  # angstrom


class StabilityOptions(Section):
    temperatures: list[float] = Field([300.0, 600.0, 1000.0, 1500.0, 2000.0], min_length=1)
    """One after the other, K."""
    pressures: list[float] = Field([0.0], min_length=1)
    """Of constant pressure, GPa; all temperatures at each."""
    lengths: list[float] = Field([10.0], min_length=1)
    """Least distances between opposite faces of supercells, angstrom: small and large ones."""
    timestep: float = Field(0.001, gt=0.0)
    """Of the dynamics, ps."""
    duration: float = Field(10.0, gt=0.0)
    """At every temperature, ps."""
    seed: int = Field(1, ge=1)
    """Of the velocities."""


class Stability(Property):
    """Picoseconds that dynamics survive, at constant energy and at constant pressure (LAMMPS).

    A run fails with lost atoms, numbers that are not finite, a temperature above three times the
    wanted one + 1000 K, or a volume that doubles or halves. Melting is none. Potentials are ranked
    by the sum over all runs.
    """

    name = "stability"
    title = "Stability of dynamics"
    Options = StabilityOptions
    packages = ("spglib",)
    dynamics = True
    ranked = True
    tolerance = 0.01

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        quantities, notes, sizes = {}, [], []
        for length in sorted(options.lengths):
            size = supercell_size(crystal, length)
            sizes.append(size_text(size))
            for ensemble in ENSEMBLES:
                for pressure in options.pressures if ensemble == "npt" else [0.0]:
                    what = f"{ensemble.upper()}, {size_text(size)}"
                    if ensemble == "npt":
                        what += f", {pressure:g} GPa"
                    place = folder / what.lower().replace(", ", "-").replace(" ", "-")
                    place.mkdir(exist_ok=True)
                    survived, reason = self._survived(
                        crystal * size, subject, place, ensemble, pressure
                    )
                    quantities[f"survived, {what}"] = Quantity(value=survived, unit="ps")
                    if reason:
                        notes.append(f"{what}: {reason}")
        total = options.duration * len(options.temperatures)
        told = ", ".join(f"{value:g}" for value in options.temperatures)
        return PropertyResult(
            quantities=quantities,
            method=f"Supercells {', '.join(sizes)}; {told} K one after the other, "
            f"{options.duration:g} ps each, {total:g} ps in all, steps of "
            f"{1000 * options.timestep:g} fs; LAMMPS.",
            notes=notes,
        )

    def _survived(
        self, atoms: Atoms, subject: Subject, folder: Path, ensemble: str, pressure: float
    ) -> tuple[float, str]:
        """Ps, and why it is not all."""
        options = self.options
        elements = sorted(set(atoms.symbols))
        script = setup(atoms, subject, folder, options.timestep)
        script += (
            "thermo          50\n"
            "dump            recent all custom 50 recent.dump id element x y z\n"
            f"dump_modify     recent element {' '.join(elements)} sort id\n"
            "variable        temperature equal temp\nvariable        volume equal vol\n"
        )
        most, least = atoms.cell.volume * VOLUME_FACTOR, atoms.cell.volume / VOLUME_FACTOR
        each = steps(options.duration, options.timestep)
        temperatures = sorted(options.temperatures)
        for number, temperature in enumerate(temperatures):
            # Half of the energy of a start goes into the potential energy, where it is not yet.
            before = temperatures[number - 1] if number else 0.0
            start = 2 * temperature - before
            bar = BAR_PER_GPA * pressure
            how = (
                f"npt temp {temperature:g} {temperature:g} {100 * options.timestep:g} iso {bar:g} "
                f"{bar:g} {1000 * options.timestep:g}"
                if ensemble == "npt"
                else "nve"
            )
            hot = HOT_FACTOR * temperature + HOT_OFFSET
            script += (
                f"\nvelocity        all create {start:g} {options.seed + number} mom yes dist "
                f"gaussian\nfix             ensemble all {how}\n"
                f"fix             too_hot all halt 10 v_temperature > {hot:g} error hard\n"
                f"fix             too_large all halt 10 v_volume > {most:g} error hard\n"
                f"fix             too_small all halt 10 v_volume < {least:g} error hard\n"
                f"run             {each}\nunfix           ensemble\nunfix           too_hot\n"
                "unfix           too_large\nunfix           too_small\n"
            )
        (folder / "in.lammps").write_text(script)
        try:
            output = run(folder / "in.lammps", folder=folder, log=folder / "log.lammps")
        except LammpsError as error:
            note_grades(error.output, subject)
            survived = _last_step(error.output.text) * options.timestep
            return survived, self._explained(error, subject, folder, survived)
        finally:
            (folder / "recent.dump").unlink(missing_ok=True)
        note_grades(output, subject)
        return options.duration * len(options.temperatures), ""

    def _explained(
        self, error: LammpsError, subject: Subject, folder: Path, survived: float
    ) -> str:
        shortest = _shortest_pair(folder / "recent.dump")
        at = min(int(survived / self.options.duration), len(self.options.temperatures) - 1)
        text = re.sub(r"^ERROR\S*:? *| *\(src/.*", "", error.output.error or str(error))
        grade = subject.largest_grade
        told = f", largest grade so far {grade:.3g}" if grade is not None else ""
        return (
            f"failed after {survived:g} ps, at {sorted(self.options.temperatures)[at]:g} K: "
            f"{shortened(text, 120)}; shortest pair of the last configuration {shortest:.2f} "
            f"angstrom{told}."
        )


def _last_step(text: str) -> int:
    """Of the thermodynamic output, also of a run that has not come to its end."""
    numbers = re.findall(r"^ +(\d+)(?: +[-+.\dena]+){8} *$", text, re.MULTILINE)
    return int(numbers[-1]) if numbers else 0


def _shortest_pair(dump: Path) -> float:
    """Of the last whole configuration, angstrom; infinite if there is none."""
    if not dump.exists():
        return float("inf")
    try:
        atoms = ase.io.read(dump, format="lammps-dump-text", index=-1)
        return float(np.min(neighbor_list("d", atoms, LARGEST_DISTANCE), initial=np.inf))
    except Exception:  # of a torn file, or of positions that are not finite
        return float("inf")
