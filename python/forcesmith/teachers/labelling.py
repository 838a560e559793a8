"""Labelling: one configuration for whoever asks, or many into a file that grows label by label."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ase.io
from ase import Atoms

from forcesmith.data.formats.extended_xyz import append_extended_xyz, drop_torn_frame
from forcesmith.data.labels import SOURCE_KEY, shortened
from forcesmith.engine.executor import Task, WorkerLost, open_executor
from forcesmith.engine.settings import EngineSettings
from forcesmith.files import output_lock
from forcesmith.teachers.settings import TeacherSettings
from forcesmith.teachers.teacher import LabelError, Teacher, make_teacher

KEY = "label_key"
"""Entry of `info` that tells of which configuration a label is, see `configuration_key`."""
_teachers: dict[str, Teacher] = {}
_teachers_lock = threading.Lock()


@dataclass(frozen=True)
class Labelling:
    """What came of labelling configurations."""

    labelled: list[Atoms]
    """Those that have a label, in the order of the configurations."""
    failed: list[Atoms]
    """The others, with `info["reason"]`."""
    n_before: int
    """Labels that were in the file already."""


def label(
    configurations: Sequence[Atoms],
    teacher: Teacher | TeacherSettings | str | Mapping[str, Any],
    into: str | Path,
    *,
    retry_failed: bool = False,
    engine: EngineSettings | None = None,
    progress: Callable[[str], None] | None = None,
) -> Labelling:
    """Label configurations by a teacher, into a file that keeps every label as soon as it is there.

    Interrupted at any time, the same call goes on: labels in the file are not repeated, nor are
    failures in the file beside it.

    Parameters
    ----------
    configurations
        Their own labels do not matter.
    teacher
        A teacher, its settings, or a text like "sevennet:7net-0".
    into
        Extended XYZ file of the labels. Configurations without a label are written beside it, with
        the reason: of `out.extxyz`, to `out.failed.extxyz`.
    retry_failed
        Try those again that failed before.
    engine
        Where labels are computed, several at once. None: one after the other by this process.
    progress
        Called with a line of text after every label.

    Returns
    -------
    Labelling
        What is labelled now, and what is not.

    Raises
    ------
    ValueError
        There is no such teacher, or the file holds labels of another one.
    OSError
        The file cannot be written, or another process writes it.
    """
    if not isinstance(teacher, Teacher):
        with make_teacher(teacher) as made:
            return label(
                configurations,
                made,
                into,
                retry_failed=retry_failed,
                engine=engine,
                progress=progress,
            )
    path = Path(into)
    beside = failures_file(path)
    lock = path.with_name(f".{path.name}.lock")
    with output_lock(lock, str(path), "`forcesmith label`"):
        done = {_key_in(atoms, path): atoms for atoms in _read_back(path)}
        check_one_teacher(done.values(), teacher, path)
        failed = {} if retry_failed else {_key_in(a, beside): a for a in _read_back(beside)}
        failed = {k: a for k, a in failed.items() if _hash_in(a) == teacher.settings_hash}
        if beside.exists() and not failed:
            beside.unlink()
        n_before = len(done)
        keys = [configuration_key(atoms) for atoms in configurations]
        by_key = dict(zip(keys, configurations, strict=True))
        missing = {k: a for k, a in by_key.items() if k not in done and k not in failed}
        for key, found in _labels(missing, teacher, engine):
            if isinstance(found, Atoms):
                own, target, kept = found, path, done
            else:
                own = by_key[key].copy()
                own.info["reason"] = str(found)
                own.info |= {"teacher": teacher.name, "teacher_hash": teacher.settings_hash}
                target, kept = beside, failed
            own.info[KEY] = key
            own.info.pop(SOURCE_KEY, None)  # of this run, and not of the file
            append_extended_xyz(target, own)
            kept[key] = own
            if progress:
                n_failed = f", {len(failed)} failed" if failed else ""
                progress(f"{len(done)} of {len(configurations)} labelled{n_failed}")
    return Labelling(
        labelled=[done[key] for key in keys if key in done],
        failed=[failed[key] for key in keys if key in failed and key not in done],
        n_before=n_before,
    )


def _labels(
    configurations: Mapping[str, Atoms], teacher: Teacher, engine: EngineSettings | None
) -> Iterator[tuple[str, Atoms | LabelError | WorkerLost]]:
    """Of every configuration its label, or why it has none; with an engine as they come."""
    if engine is None:
        for key, atoms in configurations.items():
            try:
                yield key, teacher.label(atoms)
            except LabelError as error:
                yield key, error
    elif configurations:
        own = teacher.settings
        tasks = [
            Task(key, label_task, (own, atoms.copy()), own.cores)
            for key, atoms in configurations.items()
        ]
        with open_executor(engine) as executor:
            for finished in executor.run(tasks):
                if isinstance(finished.error, (LabelError, WorkerLost)):
                    yield finished.name, finished.error
                elif finished.error:
                    raise finished.error
                else:
                    yield finished.name, finished.result


def failures_file(into: Path) -> Path:
    """Where configurations go that get no label."""
    return into.with_suffix(".failed" + into.suffix)


def label_task(settings: TeacherSettings, atoms: Atoms, folder: Path | None = None) -> Atoms:
    """A label, as a task of its own: the teacher is made once per process.

    Raises what `make_teacher` and `Teacher.label` raise.
    """
    return teacher_of(settings).label(atoms, folder)


def teacher_of(settings: TeacherSettings) -> Teacher:
    """The teacher of this process with these settings, made when it is first asked for.

    Raises what `make_teacher` raises.
    """
    name = settings.model_dump_json()
    with _teachers_lock:
        if name not in _teachers:
            _teachers[name] = make_teacher(settings)
        return _teachers[name]


def configuration_key(atoms: Atoms) -> str:
    """What tells a configuration from others: of elements, positions, cell, periodicity."""
    digest = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc):
        digest.update(array.tobytes())
    return "c" + digest.hexdigest()[:19]  # no reader takes it for a number


def check_one_teacher(labelled: Iterable[Atoms], teacher: Teacher, path: Path) -> None:
    """Raises ValueError if one of these labels is not of this teacher with these settings."""
    for atoms in labelled:
        if _hash_in(atoms) != teacher.settings_hash:
            raise ValueError(
                f"{shortened(path, 100)} holds labels of {shortened(atoms.info.get('teacher'))} "
                f"({_hash_in(atoms)}), the teacher is {shortened(teacher.name)} "
                f"({teacher.settings_hash}); labels of different settings are not mixed, choose "
                "another file."
            )


def _read_back(path: Path) -> list[Atoms]:
    if not path.exists():
        return []
    with open(path, "rb") as file:  # of others not a byte is cut off
        header = [file.readline(), file.readline()][1]
    if header.endswith(b"\n") and f"{KEY}=".encode() not in header:
        raise _not_own(path)
    drop_torn_frame(path)
    return list(ase.io.iread(path, format="extxyz")) if path.stat().st_size else []


def _not_own(path: Path) -> ValueError:
    return ValueError(
        f"{shortened(path, 150)} holds a configuration that was not labelled by forcesmith: it has "
        f"no {KEY}; choose another file."
    )


def _key_in(atoms: Atoms, path: Path) -> str:
    if KEY not in atoms.info:
        raise _not_own(path)
    return str(atoms.info[KEY])


def _hash_in(atoms: Atoms) -> str:
    return str(atoms.info.get("teacher_hash"))
