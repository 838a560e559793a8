"""The folder of a project: all that is known about it, readable without the program.

    config.toml              the settings, as given
    labels.extxyz            labels as they arrive, info: id, teacher, teacher_hash, reason
    rejected.extxyz          what got no label, and labels beyond the limits, info: id, reason
    journal.jsonl            a line for every decision and event, with time and reason
    potential.json           the last potential (and its active set)
    index.html               the page, for people
    verdict.json, verdict/   how the potential compares with its teacher; in.lammps to go on with
    rounds/000/chosen.extxyz what was labelled before the first fit
    rounds/001/potential.json, fit.json
    rounds/001/explorations/NAME/exploration.json, chosen.extxyz, selection.json, ...
    rounds/001/round.json    written when the round is complete

Files are written whole or not at all, or they are appended to, where what a killed process has left
of the last entry is removed. What is not there has not been done: no state is elsewhere.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ase.io
from ase import Atoms

from forcesmith.data.formats.extended_xyz import (
    append_extended_xyz,
    drop_torn_frame,
    write_extended_xyz,
)
from forcesmith.data.labels import shortened
from forcesmith.files import append, output_lock, remove_leftovers, write_atomically
from forcesmith.training.committee import member_path

SECONDS_TO_WAIT_FOR_TASKS = 180.0
"""Of a former run that was killed; workers notice it after a minute at most."""
_ENTRY = re.compile(rb'(?:^|\s)(id|teacher_hash|energy)=("[^"]*"|\S+)')


@dataclass
class Known:
    """What labels.extxyz and rejected.extxyz hold, without the configurations."""

    labels: int = 0
    rejected: int = 0
    labelled_ids: set[str] = field(default_factory=set)
    """From the round on that was asked for."""
    rejected_ids: set[str] = field(default_factory=set)
    """Likewise."""
    teachers: set[str] = field(default_factory=set)
    """Hashes of the teachers of the labels."""
    lowest: dict[str, float] = field(default_factory=dict)
    """Lowest energy of every composition, eV/atom."""


class Project:
    """A project by its folder."""

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder).absolute()
        self.config = self.folder / "config.toml"
        self.labels = self.folder / "labels.extxyz"
        self.rejected = self.folder / "rejected.extxyz"
        self.journal = self.folder / "journal.jsonl"
        self.potential = self.folder / "potential.json"
        self.verdict = self.folder / "verdict.json"
        self.page = self.folder / "index.html"
        self.conditions = self.folder / "conditions.json"
        self.scratch = self.folder / "scratch"
        self.job_logs = self.folder / "jobs"
        self.lock = self.folder / "lock"
        self.task_lock = self.folder / "tasks.lock"

    @property
    def exists(self) -> bool:
        return self.conditions.is_file()

    def check_is_own(self) -> None:
        """Raises ValueError if this folder is no project, but has files with names of one."""
        own = [self.labels, self.rejected, self.journal, self.potential, self.verdict, self.page]
        own += [self.folder / name for name in ("rounds", "in.lammps", "start.data")]
        if not self.exists and (found := [path.name for path in own if path.exists()]):
            raise ValueError(
                f"{self.folder} is no project, but has {', '.join(found)}, which learning would "
                "write; choose another folder."
            )

    def begun_with(self) -> dict[str, Any] | None:
        """conditions.json: elements, descriptor and conditions, by name, that the project has."""
        document = read_json(self.conditions)
        if document is not None and not {"elements", "fit", "conditions"} <= set(document):
            raise ValueError(
                f"{self.conditions} is not what forcesmith has written; choose another folder."
            )
        return document

    # ---- reading ----

    def round_folder(self, number: int) -> Path:
        return self.folder / "rounds" / f"{number:03d}"

    def rounds(self) -> list[int]:
        """Those that have begun; 0 is the start."""
        folder = self.folder / "rounds"
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(int(path.name) for path in found if path.name.isdigit())

    def fit(self, number: int) -> dict[str, Any] | None:
        """fit.json of a round: labels, errors, whether there are grades; None before its end."""
        return read_json(self.round_folder(number) / "fit.json")

    def summary(self, number: int) -> dict[str, Any] | None:
        """round.json of a round; None before its end."""
        return read_json(self.round_folder(number) / "round.json")

    def closed(self, number: int) -> dict[str, str]:
        """Conditions that are not explored any more after a round, with the reasons."""
        return dict((self.summary(number) or {}).get("closed", {}))

    def last_closed(self) -> dict[str, str]:
        """Those of now."""
        complete = (n for n in reversed(self.rounds()) if self.summary(n) is not None)
        return self.closed(next(complete, 0))

    def reopen(self, number: int) -> None:
        """Explore them again in the next round."""
        document = {**(self.summary(number) or {}), "closed": {}}
        write_json(self.round_folder(number) / "round.json", document)

    def potentials(self, number: int) -> list[Path]:
        """Of a round whose fit is complete: one, or the members of a committee."""
        fit = self.fit(number) or {}
        return [self.round_folder(number) / name for name in fit.get("potentials", [])]

    def published(self) -> list[Path]:
        """The last potential: one file, or those of the members of a committee."""
        number = len(self.potentials(self.rounds()[-1]))
        others = [member_path(self.potential, member) for member in range(2, number + 1)]
        return [self.potential, *others]

    def source_folder(self, number: int, source: str) -> Path:
        """Of an exploration (its condition's name) or of other candidates of a round."""
        return self.round_folder(number) / "explorations" / source

    def sources(self, number: int) -> list[str]:
        """Whose selection is complete."""
        folder = self.round_folder(number) / "explorations"
        found = folder.glob("*/selection.json") if folder.is_dir() else ()
        return sorted(path.parent.name for path in found if path.parent.name[0] != ".")

    def exploration(self, number: int, condition: str) -> dict[str, Any] | None:
        """exploration.json; None before its end."""
        return read_json(self.source_folder(number, condition) / "exploration.json")

    def selection(self, number: int, source: str) -> dict[str, Any] | None:
        """selection.json: numbers of candidates, chosen, left out and postponed."""
        return read_json(self.source_folder(number, source) / "selection.json")

    def chosen_files(self, number: int) -> list[Path]:
        """Those of a round that are decided."""
        if number == 0:
            start = self.round_folder(0) / "chosen.extxyz"
            return [start] if start.is_file() else []
        return [self.source_folder(number, one) / "chosen.extxyz" for one in self.sources(number)]

    def chosen(self, number: int) -> list[Atoms]:
        """What was chosen in a round so far, info: id, source, reason."""
        return [atoms for path in self.chosen_files(number) for atoms in read_configurations(path)]

    def events(self, start: int = 0) -> Iterator[dict[str, Any]]:
        """Lines of the journal, each with the place of its end in the file.

        start: place of the first one.
        """
        if self.journal.is_file():
            with open(self.journal, "rb") as lines:
                lines.seek(start)
                for line in lines:
                    start += len(line)
                    if line.endswith(b"\n"):
                        yield {**json.loads(line), "end": start}

    def known(self, since: int = 0) -> Known:
        """What is labelled and rejected; ids of rounds from `since` on."""
        known = Known()
        for path in (self.labels, self.rejected):
            for frame in frames(path):
                ids = known.rejected_ids if path == self.rejected else known.labelled_ids
                if int(frame.id.partition("-")[0]) >= since:
                    ids.add(frame.id)
                if path == self.rejected:
                    known.rejected += 1
                    continue
                known.labels += 1
                known.teachers.add(frame.teacher_hash)
                lowest = known.lowest.get(frame.formula, float("inf"))
                known.lowest[frame.formula] = min(lowest, frame.energy / frame.atoms)
        return known

    # ---- writing ----

    @contextmanager
    def gone_if_refused(self) -> Iterator[None]:
        """A folder that was made for settings that are refused (ValueError) is removed again."""
        is_new = not self.folder.exists()
        try:
            yield
        except ValueError:
            if is_new and not self.labels.exists():
                shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For the one process that learns. Waits for tasks of a former run, and removes what it has
        left half done. Raises OSError that names who holds the lock."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with output_lock(self.lock, str(self.labels), "`forcesmith learn`"):
            with open(self.task_lock, "a") as tasks:
                self._wait_for(tasks.fileno())
            own = [self.config, self.conditions]
            for number in self.rounds():
                folder = self.round_folder(number)
                own += [folder / name for name in ("chosen.extxyz", "fit.json", "round.json")]
                for source in folder.glob("explorations/*/"):
                    own += [source / "chosen.extxyz", source / "selection.json"]
            remove_leftovers(own)
            for path in (self.labels, self.rejected):
                if path.exists():
                    drop_torn_frame(path)
            remove_torn_line(self.journal)
            self._remove_scratch()
            yield

    def _remove_scratch(self) -> None:
        """Of labels that were under way; what failed stays, to see why."""
        folders = list(self.scratch.iterdir()) if self.scratch.is_dir() else []
        rejected = self.known().rejected_ids if folders else set()
        for folder in folders:
            if folder.name.rpartition("-")[0] not in rejected:
                shutil.rmtree(folder, ignore_errors=True)

    def _wait_for(self, tasks: int) -> None:
        """Until nobody holds the shared lock that tasks hold while they run."""
        deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_TASKS
        while True:
            try:
                fcntl.flock(tasks, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OSError(
                        f"{self.folder}: tasks of a former run still work in this folder; wait for "
                        "them or end them, then give the same command again."
                    ) from None
                time.sleep(0.1)
            except OSError:  # no locks on this file system; output_lock has warned
                return

    def note(self, event: str, **details: Any) -> None:
        """Append a line to the journal."""
        self.notes([{"event": event, **details}])

    def notes(self, events: Iterable[dict[str, Any]]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lines = "".join(json.dumps({"time": now, **event}) + "\n" for event in events)
        append(self.journal, lines.encode())

    def add_labels(self, configurations: Sequence[Atoms]) -> None:
        """Append labels; they are on the disk when this returns. Raises OSError."""
        if configurations:
            append_extended_xyz(self.labels, configurations)

    def add_rejected(self, configurations: Sequence[Atoms]) -> None:
        """Append configurations with info["reason"], likewise."""
        if configurations:
            append_extended_xyz(self.rejected, configurations)


# ---- files ----


def read_json(path: Path) -> Any:
    """None if there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path}: this file is damaged: {shortened(error, 100)}.") from None


def write_json(path: Path, document: Any) -> None:
    """Atomically; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(document, indent=1) + "\n")


def read_configurations(path: Path) -> list[Atoms]:
    """[] of an empty or missing file."""
    if not path.is_file() or not path.stat().st_size:
        return []
    return list(ase.io.iread(path, ":", format="extxyz"))


def write_configurations(path: Path, configurations: Sequence[Atoms]) -> None:
    """Atomically; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if configurations:
        write_extended_xyz(path, configurations)
    else:
        write_atomically(path, "")


@dataclass(frozen=True)
class Frame:
    """A configuration of a file that this program has written."""

    atoms: int
    formula: str
    id: str
    teacher_hash: str
    energy: float  # eV; 0 without


def frames(path: Path) -> Iterator[Frame]:
    """Its complete configurations. Raises ValueError if the file was changed."""
    if not path.is_file():
        return
    with open(path, "rb") as lines:
        for first in lines:
            header = next(lines, b"")
            try:
                rows = [next(lines, b"") for _ in range(int(first))]
                entries = {key: value.strip(b'"').decode() for key, value in _ENTRY.findall(header)}
                if not (rows or [header])[-1].endswith(b"\n"):
                    return
                yield Frame(
                    atoms=len(rows),
                    formula=_formula(row.split(None, 1)[0].decode() for row in rows),
                    id=entries[b"id"],
                    teacher_hash=entries.get(b"teacher_hash", ""),
                    energy=float(entries.get(b"energy", 0.0)),
                )
            except (ValueError, KeyError, IndexError):
                raise ValueError(
                    f"{path}: this file holds what forcesmith has not written; give such data as "
                    "start.data in a new folder, and put this file right."
                ) from None


def _formula(symbols: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for symbol in symbols:
        counts[symbol] = counts.get(symbol, 0) + 1
    return "".join(f"{symbol}{counts[symbol]}" for symbol in sorted(counts))


def formula(atoms: Atoms) -> str:
    """Elements in alphabetical order with their numbers, as `Known.lowest` has them."""
    return _formula(atoms.get_chemical_symbols())


def remove_torn_line(path: Path) -> None:
    """What follows the last line break."""
    if not path.is_file():
        return
    with open(path, "rb+") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 4096)
            file.seek(start)
            if (found := file.read(end - start).rfind(b"\n")) >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            file.truncate(end)
