"""Teacher: a program that reads and writes extended XYZ."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.calculator import Calculator, all_changes

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.teachers.kind import Kind, file_digest

INPUT, OUTPUT, PRINTED = "in.extxyz", "out.extxyz", "printed.txt"
LAUNCHERS = ("aprun", "env", "jsrun", "mpiexec", "mpirun", "nice", "prun", "srun")
"""Programs that start others: their contents change no numbers. Nor do those of interpreters."""
INTERPRETERS = ("bash", "perl", "python", "sh", "uv")


def command_words(command: str, cores: int) -> list[str]:
    """A command line as a list; "{cores}" stands for the number of cores."""
    return shlex.split(command.replace("{cores}", str(cores)))


def program_of(words: list[str], folder: Path, teacher: str, install: str) -> Path:
    """The program or script that a command line starts, through whatever launcher.

    Raises ValueError if it is not there.
    """
    for word in words:
        is_option = word.startswith("-") or "=" in word or word.isdigit()
        if is_option or (_starts_others(word) and shutil.which(word)):
            continue
        if (folder / word).is_file():
            return folder / word
        if path := shutil.which(word):
            return Path(path)
        raise ValueError(
            f"The program {shortened(word)!r} of the teacher {teacher} was not found in PATH, nor "
            f"in {shortened(folder, 60)}: {install}."
        )
    raise ValueError(f"The command of the teacher {teacher} names no program.")


def _starts_others(word: str) -> bool:
    return Path(word).name.rstrip("0123456789.") in (*LAUNCHERS, *INTERPRETERS)


def with_absolute_files(words: list[str], folder: Path) -> list[str]:
    """Programs work in a folder of their own: scripts and files beside the settings get their whole
    path."""
    return [str(folder / word) if (folder / word).is_file() else word for word in words]


class CommandOptions(Section):
    command: str
    """A program that reads `in.extxyz` and writes `out.extxyz` in its current folder: energy in eV,
    forces in eV/angstrom, stress in eV/angstrom^3. "{cores}" stands for the number of cores."""


class Command(Kind):
    """Started for every configuration."""

    Options = CommandOptions
    main_option = "command"

    def identity(self) -> dict[str, Any]:
        words = command_words(self.options.command, 1)
        program = program_of(words, self.folder, "command", "install it, or correct the command")
        files = [word for word in words if (self.folder / word).is_file()]
        return {
            "command": self.options.command,
            "program": file_digest(program),
            "files": {word: file_digest(self.folder / word) for word in files},
        }

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        words = command_words(self.options.command, self.cores)
        return _CommandCalculator(with_absolute_files(words, self.folder), folder)


class _CommandCalculator(Calculator):
    implemented_properties = ["energy", "forces", "stress"]

    def __init__(self, words: list[str], folder: Path):
        super().__init__()
        self.words = words
        self.folder = folder

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = None,
        system_changes: Any = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        ase.io.write(self.folder / INPUT, atoms, format="extxyz")
        with open(self.folder / PRINTED, "wb") as printed:
            process = subprocess.run(
                self.words,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        if process.returncode:
            raise RuntimeError(
                f"{Path(self.words[0]).name} ended with exit code {process.returncode}, its last "
                f"words: {last_line(self.folder / PRINTED)}"
            )
        if not (self.folder / OUTPUT).is_file():
            raise RuntimeError(f"{Path(self.words[0]).name} wrote no {OUTPUT}")
        found = ase.io.read(self.folder / OUTPUT, format="extxyz")
        assert isinstance(found, Atoms)
        same = len(found) == len(atoms) and (found.numbers == atoms.numbers).all()
        if not same or not np.allclose(found.positions, atoms.positions, atol=1e-4):
            raise RuntimeError(f"{OUTPUT} holds another configuration than {INPUT}")
        self.results = dict(found.calc.results) if found.calc else {}


def last_line(path: Path) -> str:
    """Of what a program printed; "nothing" if that is so."""
    lines = path.read_text(errors="replace").split("\n") if path.exists() else []
    return next((shortened(line, 120) for line in reversed(lines) if line.strip()), "nothing")
