"""The contract of a kind of teacher: how its options become an ASE calculator.

A kind lives in the label process (label_process.py): there it may import and start what it wants.
"""

from __future__ import annotations

import abc
import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any, ClassVar

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin

from forcesmith.data.label_settings import Section

LABELS = frozenset({"energy", "forces", "stress"})


class Kind(abc.ABC):
    """One kind of teacher, with its options."""

    Options: ClassVar[type[Section]]
    """Schema of the options."""
    main_option: ClassVar[str] = ""
    """The one that the text "kind:value" gives."""

    def __init__(self, options: Any, folder: Path, cores: int):
        """options: of the class `Options`; folder: where relative paths start."""
        self.options = options
        self.folder = folder
        self.cores = cores

    @classmethod
    def options_of(cls, value: str) -> dict[str, Any]:
        """Options that the text "kind:value" stands for."""
        return {cls.main_option: value}

    @abc.abstractmethod
    def identity(self) -> dict[str, Any]:
        """All that changes the numbers, as JSON: options, versions, digests of files.

        Raises ValueError for missing programs, packages and files: what to install or to correct.
        """

    @property
    def provides(self) -> frozenset[str]:
        """Which of energy, forces and stress the calculator has."""
        return LABELS

    @property
    def elements(self) -> frozenset[str] | None:
        """Those it knows; None: that is not known before."""
        return None

    @abc.abstractmethod
    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        """What computes this configuration; programs work in the folder."""

    def problem(self, calculator: GetPropertiesMixin | None, folder: Path) -> str | None:
        """Why a finished calculation is no label, for example that it has not converged.

        calculator: None if there was an exception.
        """
        return None


def file_digest(path: Path) -> str:
    """Of what is in a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def package_version(package: str, teacher: str, install: str) -> str:
    """Version of an installed package. Raises ValueError saying what to install."""
    if importlib.util.find_spec(package) is None:
        raise ValueError(
            f"The teacher {teacher} needs the Python package {package}, which is not installed: "
            f"{install}."
        )
    return distribution_version(package)


def distribution_version(package: str) -> str:
    """Version of what a top-level package came with, "" for modules that no package brought."""
    names = importlib.metadata.packages_distributions().get(package, [])
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names)))


def with_files(value: Any, folder: Path) -> tuple[Any, Any]:
    """Options in which texts that name a file become its absolute path; and the same with digests
    of the files in place of their names."""
    if isinstance(value, dict):
        pairs = {key: with_files(one, folder) for key, one in value.items()}
        return {k: p[0] for k, p in pairs.items()}, {k: p[1] for k, p in pairs.items()}
    if isinstance(value, list):
        both = [with_files(one, folder) for one in value]
        return [p[0] for p in both], [p[1] for p in both]
    if isinstance(value, str) and ("." in value or "/" in value) and "\n" not in value:
        path = folder / value
        if path.is_file():
            return str(path), file_digest(path)
    return value, value
