"""Metadynamics by LAMMPS: dynamics that collective variables drive out of where they were.

A. Laio, M. Parrinello, Proc. Natl. Acad. Sci. 99, 12562 (2002); the Colvars library: G. Fiorin,
M. L. Klein, J. Henin, Mol. Phys. 111, 3345 (2013).
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from pydantic import Field

from forcesmith.data.labels import shortened
from forcesmith.lammps.runner import LammpsError, run
from forcesmith.sampling.evolution import MolecularDynamics
from forcesmith.teachers.lammps_style import LammpsStyle

HEADER = 9  # lines of a frame of a dump
LARGEST_SEED = 900_000_000  # of LAMMPS


class Metadynamics(MolecularDynamics):
    """Langevin dynamics by LAMMPS with a bias on collective variables.

    A file for the Colvars library defines both: `metadynamics`, `harmonic`, `abf`, ... Atoms have
    the numbers of the structure, from 1. The teacher is a pair style of LAMMPS, "lammps: eam/alloy
    Cu.eam".
    """

    kind: ClassVar[str] = "metadynamics"

    colvars: str = Field(min_length=1)
    """File of the configuration of Colvars, in units metal: angstrom, eV."""

    def check(self) -> None:
        """Raise ValueError for what LAMMPS cannot run: its own words."""
        super().check()
        self.check_periodic()
        if self.teacher is not None and not isinstance(
            self._teacher_settings().kind(), LammpsStyle
        ):
            raise ValueError(
                f"{self.where} runs in LAMMPS; it needs a potential, or a pair style as teacher, "
                'such as "lammps: eam/alloy Cu.eam".'
            )
        path = self._folder / self.colvars
        if not path.is_file():
            raise ValueError(f"{self.where}: there is no file {shortened(path, 200)} of Colvars.")
        for given in self.given:
            with tempfile.TemporaryDirectory(prefix="forcesmith-") as folder:
                try:
                    self._run(given.atoms, Path(folder), steps=0, seed=1)
                except LammpsError as error:
                    reason = shortened(error, 110)
                    raise ValueError(
                        f"{self.names(given)}, with {shortened(self.colvars, 60)}: {reason}; "
                        "correct that file or the teacher."
                    ) from None

    def _steps(self, atoms: Atoms, rng: np.random.Generator) -> Iterator[Any]:
        yield
        prism = Prism(atoms.cell.array)
        failure = None
        with tempfile.TemporaryDirectory(prefix="forcesmith-") as folder:
            try:
                self._run(atoms, Path(folder), self.steps, seed=int(rng.integers(1, LARGEST_SEED)))
            except LammpsError as error:
                failure = RuntimeError(shortened(error, 200))
            images = Path(folder) / "images"
            lines = images.read_text().splitlines() if images.exists() else []
        n_lines = HEADER + len(atoms)
        for start in range(n_lines, len(lines) - n_lines + 1, n_lines):
            for _ in range(self.every - 1):
                yield
            positions = np.loadtxt(lines[start + HEADER : start + n_lines], ndmin=2)
            atoms.positions = prism.vector_to_ase(positions)
            yield
        if failure:
            raise failure

    def _run(self, atoms: Atoms, folder: Path, steps: int, seed: int) -> None:
        """Leaves `images` in the folder: positions every so many steps."""
        elements = sorted(set(atoms.symbols))
        stream = io.StringIO()
        ase.io.write(
            stream,
            atoms,
            format="lammps-data",
            specorder=elements,
            masses=True,
            force_skew=True,
            prismobj=Prism(atoms.cell.array),
        )
        (folder / "start.data").write_text(stream.getvalue())
        (folder / "colvars.in").write_bytes((self._folder / self.colvars).read_bytes())
        first, last = self.temperature
        commands = [
            "units           metal",
            "atom_modify     map yes",
            "box             tilt large",
            "read_data       start.data",
            *self._potential_commands(elements),
            f"timestep        {self.timestep:g}",
            f"velocity        all create {first:g} {seed} dist gaussian",
            "fix             integration all nve",
            f"fix             heat all langevin {first:g} {last:g} {1 / self.friction:g} {seed}",
            "fix             bias all colvars colvars.in output bias",
            f"dump            images all custom {self.every} images xu yu zu",
            "dump_modify     images sort id format float %.12g",
            f"run             {steps}",
        ]
        run("\n".join(commands) + "\n", folder=folder)

    def _potential_commands(self, elements: list[str]) -> list[str]:
        if self.teacher is None:
            file = (self._folder / str(self.potential)).absolute()
            return [
                "pair_style      forcesmith",
                f'pair_coeff      * * "{file}" {" ".join(elements)}',
            ]
        kind = self._teacher_settings().kind()
        assert isinstance(kind, LammpsStyle)
        return kind.commands(elements)
