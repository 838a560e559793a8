"""A teacher: labels configurations, each with a second, gentler try if the settings have one."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from forcesmith.data.labels import describe, labels_of, shortened
from forcesmith.teachers.label_process import LabelFailed, LabelProcess, LabelProcessEnded
from forcesmith.teachers.settings import TeacherSettings, teacher_settings


class LabelError(RuntimeError):
    """Why a configuration has no label: one sentence."""


class Teacher:
    """What labels configurations; a context manager, which ends its process.

    Computations are made by a process of its own, which stays for the next ones. Where that dies
    under a label, the label is tried once more in a new one.
    """

    name: str
    """What labels say of it: "emt", "sevennet:7net-0"."""
    settings_hash: str
    """Of everything that changes the numbers: options, versions of programs and packages, contents
    of files; not of cores, time limits and folders."""
    provides: frozenset[str]
    """What its labels have: "energy", "forces", "stress"."""
    elements: frozenset[str] | None
    """Those it knows; None: that is not known before."""

    def __init__(self, settings: TeacherSettings):
        """Made by `make_teacher`. Raises ValueError if it cannot be, saying what to install."""
        self.settings = settings
        self.name = settings.name
        self._lock = threading.Lock()
        self._processes: dict[bool, LabelProcess] = {}
        process = self._process(gentler=False)
        gentler = self._process(gentler=True) if settings.gentler else None
        self.provides = process.provides
        self.elements = process.elements
        identities = [process.identity, gentler and gentler.identity, settings.version]
        text = json.dumps([name for name in identities if name])
        # begins with a letter: no reader takes it for a number
        self.settings_hash = "t" + hashlib.sha256(text.encode()).hexdigest()[:15]
        if gentler:  # seldom needed
            gentler.end()

    def label(self, atoms: Atoms, folder: Path | None = None) -> Atoms:
        """Compute the label of a configuration.

        Parameters
        ----------
        atoms
            Its own calculator and constraints do not matter.
        folder
            Where a program may work; it is removed after success. None: a temporary one.

        Returns
        -------
        Atoms
            A copy with energy (eV), forces (eV/angstrom) and, where it is periodic in all
            directions, stress (eV/angstrom^3); `info` has `teacher`, `teacher_hash`,
            `label_seconds`, and `label_gentler` if the second try gave it.

        Raises
        ------
        LabelError
            The calculation failed, has not converged, is not finite or took too long: also the
            second time, if there are gentler settings.
        """
        unknown = set(atoms.symbols) - (self.elements or set(atoms.symbols))
        if unknown:
            raise self._error(atoms, f"it does not know {', '.join(sorted(unknown))}")
        if not np.isfinite(atoms.positions).all():  # some programs never end with these
            raise self._error(atoms, "its positions are not finite")
        with tempfile.TemporaryDirectory(prefix="forcesmith-label-") as temporary:
            place = Path(temporary) if folder is None else Path(folder).absolute()
            reasons = []
            for gentler in (False, True) if self.settings.gentler else (False,):
                try:
                    labelled = self._attempt(atoms, place / f"try-{1 + gentler}", gentler)
                except LabelFailed as failure:
                    reasons.append(str(failure).rstrip("."))
                    continue
                if folder is not None:
                    shutil.rmtree(place)
                return labelled
        raise self._error(atoms, "; with gentler settings: ".join(reasons))

    def _attempt(self, atoms: Atoms, folder: Path, gentler: bool) -> Atoms:
        """Once more where the process died, which a machine without memory may be the reason of."""
        try:
            return self._try(atoms, folder, gentler)
        except LabelProcessEnded:
            return self._try(atoms, folder, gentler)

    def _try(self, atoms: Atoms, folder: Path, gentler: bool) -> Atoms:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        bare = atoms.copy()
        bare.info = {}
        bare.set_constraint()  # ASE would make forces of fixed atoms 0
        with self._lock:
            found = self._process(gentler).label(bare, folder, self.settings.timeout)
        seconds = found.pop("seconds")
        labelled = atoms.copy()
        labelled.calc = SinglePointCalculator(labelled, **found)
        try:
            checked = labels_of(labelled, "the result")
        except ValueError as error:
            reason = str(error).partition(";")[0].removeprefix("the result: ")
            raise LabelFailed(f"in the result, {reason}") from None
        labelled.calc.results.update({k: v for k, v in vars(checked).items() if v is not None})
        labelled.info |= {
            "teacher": self.name,
            "teacher_hash": self.settings_hash,
            "label_seconds": round(seconds, 6),
        }
        if gentler:
            labelled.info["label_gentler"] = True
        return labelled

    def _process(self, gentler: bool) -> LabelProcess:
        """The one that is there, or a new one if it has ended."""
        process = self._processes.get(gentler)
        if process is None or not process.alive:
            try:
                process = self._processes[gentler] = LabelProcess(self.settings, gentler)
            except ValueError as error:
                if not hasattr(self, "settings_hash"):
                    raise
                raise LabelProcessEnded(
                    f"the teacher could not be started again: {error}"
                ) from None
        return process

    def _error(self, atoms: Atoms, reason: str) -> LabelError:
        what = describe(atoms, atoms.get_chemical_formula())
        beginning = f"{shortened(self.name)} gave no label for {shortened(what, 80)}: "
        return LabelError(shortened(beginning + reason, 299) + ".")

    def close(self) -> None:
        """End its process; a label that is asked for later starts it again."""
        for process in self._processes.values():
            if process.alive:
                process.end()
        self._processes.clear()

    def __enter__(self) -> Teacher:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def make_teacher(settings: TeacherSettings | str | Mapping[str, Any]) -> Teacher:
    """A teacher that is ready to label.

    Parameters
    ----------
    settings
        As `TeacherSettings`; a text like "sevennet:7net-0" that is short for them, or the name of a
        TOML file.

    Returns
    -------
    Teacher
        A context manager.

    Raises
    ------
    ValueError
        Wrong settings, or something is missing: one sentence that says what to install.
    """
    return Teacher(teacher_settings(settings))
