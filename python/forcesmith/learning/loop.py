"""The loop: fit, explore all conditions, label what is new, and again, until nothing is.

A round is a potential and what is done with it: the explorations of all conditions that are not
settled, the selection from their candidates, and the labels of those. Labels start as soon as an
exploration has ended, while others run. Whatever is done next follows from what is on disk
(`Project`), so that a run which was ended in any way goes on where it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms

from forcesmith.data.labels import shortened
from forcesmith.engine.executor import Executor, Finished, WorkerLost, open_executor
from forcesmith.files import write_atomically
from forcesmith.learning import tasks
from forcesmith.learning.conditions import Condition, expand
from forcesmith.learning.project import (
    Project,
    formula,
    read_json,
    write_configurations,
    write_json,
)
from forcesmith.learning.selection import Request, Selection, select
from forcesmith.learning.settings import LearnSettings
from forcesmith.learning.start import given_labels, starting_structures
from forcesmith.potentials.potential import Potential
from forcesmith.teachers.teacher import LabelError, Teacher, make_teacher
from forcesmith.training.committee import member_path

CANDIDATES = "candidates"
"""Source of the configurations of selection.candidates, beside the conditions."""
TRIES = 3
"""Of an exploration or a fit whose process was killed or failed."""
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SMALLEST_ROOM = 1_000_000  # bytes; with less, a disk is full

Ending = Literal["converged", "rounds", "labels", "stuck"]


class LearnError(RuntimeError):
    """Learning cannot go on: one sentence."""


@dataclass(frozen=True)
class LearnResult:
    """How learning ended."""

    ending: Ending
    """"converged": every condition ran its time with nothing new. "rounds", "labels": as many as
    there may be. "stuck": conditions that do not run their time, and nothing to learn from them."""
    sentence: str
    """The same for a reader."""
    rounds: int
    """The last one."""
    labels: int
    """All of them."""
    potential: Path
    """The file of the last potential, or of the first member of a committee."""
    folder: Path
    """Of the project."""


def learn(
    settings: LearnSettings | dict[str, Any],
    *,
    config: str | None = None,
    status: Callable[[str], None] | None = None,
    after_round: Callable[[Project, int], None] | None = None,
    at_end: Callable[[Project, LearnResult], None] | None = None,
) -> LearnResult:
    """Learn a potential that holds under all conditions, from a teacher.

    Goes on where an earlier call with this folder has ended, in whatever way. Workers are processes
    of their own that import the calling script: let it call this under `if __name__ == "__main__"`.

    Parameters
    ----------
    settings
        See `LearnSettings`; `folder` is that of the project.
    config
        Text of the settings file, kept in the folder.
    status
        Called with a line of text from time to time.
    after_round
        Called with the project and the number of a round that is complete.
    at_end
        Called with the project and the result.

    Returns
    -------
    LearnResult
        How it ended.

    Raises
    ------
    ValueError
        The settings are at fault, or are not those of the folder.
    OSError
        Files that cannot be written, or a folder in which another process learns.
    LearnError
        A task failed for reasons that more data do not settle.
    """
    if isinstance(settings, dict):
        settings = LearnSettings.from_dict(settings)
    conditions = expanded(settings)
    with make_teacher(settings.teacher) as teacher:
        project = Project(settings.folder)
    with _disk_watched(), project.locked():
        elements = _open(project, settings, conditions, teacher, config)
        with open_executor(settings.engine) as executor:
            loop = _Loop(project, settings, conditions, teacher, elements, executor, status)
            result = loop.run(after_round)
        project.note("end", ending=result.ending, reason=result.sentence)
        if at_end is not None:
            at_end(project, result)
    return result


@contextmanager
def _disk_watched() -> Iterator[None]:
    """A full disk ends learning with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        raise LearnError(
            f"{error.filename or 'A file'}: {error.strerror}; make room and give the same command "
            "again, it goes on from here."
        ) from None


def expanded(settings: LearnSettings) -> list[Condition]:
    """All conditions. Raises ValueError for those that are impossible."""
    conditions = expand(settings.conditions)
    if any(one.name == CANDIDATES for one in conditions):
        raise ValueError(
            f'A condition has the name "{CANDIDATES}", which is that of a folder; give it another.'
        )
    return conditions


def _open(
    project: Project,
    settings: LearnSettings,
    conditions: Sequence[Condition],
    teacher: Teacher,
    config: str | None,
) -> list[str]:
    """Check the settings against the folder, before anything costs time; begin a new one. The
    elements of the potential."""
    known = project.known()
    if known.teachers - {teacher.settings_hash}:
        raise ValueError(
            f"{project.labels}: these labels are not of {teacher.name} with its settings of now; "
            "one potential learns from one teacher: learn in a new folder, with this file as "
            "start.data and with start.relabel."
        )
    for name in settings.selection.candidates:
        if not Path(name.partition("@")[0]).is_file():
            raise ValueError(f"selection.candidates: there is no file {name}.")
    before = read_json(project.conditions)
    structures, given = [], []
    if not project.chosen_files(0):
        structures = starting_structures(settings, conditions)
        given = given_labels(settings, teacher)
    found = {symbol for atoms in [*structures, *given] for symbol in atoms.symbols}
    found |= {symbol for one in conditions for symbol in one.structure.symbols}
    elements = settings.fit.elements or (before["elements"] if before else sorted(found))
    _check_elements(found, elements, teacher)
    keys = {"descriptor", "model", "terms", "zbl"}
    own = {
        "elements": elements,
        "fit": settings.fit.model_dump(mode="json", include=keys),
        "conditions": {one.name: one.fingerprint for one in conditions},
    }
    if before is not None:
        _check_same(project, before, own)
        own["conditions"] = before["conditions"] | own["conditions"]
    write_json(project.conditions, own)
    if config is not None:
        write_atomically(project.config, config)
    if not project.chosen_files(0):
        project.add_labels([a for a in given if a.info["id"] not in known.labelled_ids])
        numbers = {"to_label": len(structures), "given": len(given)}
        project.note("start", round=0, teacher=teacher.name, **numbers)
        write_configurations(project.round_folder(0) / "chosen.extxyz", structures)
    return elements


def _check_elements(found: set[str], elements: Sequence[str], teacher: Teacher) -> None:
    if missing := sorted(found - set(elements)):
        raise ValueError(
            f"Conditions or data have {', '.join(missing)}, but the potential is for "
            f"{', '.join(elements)} (fit.elements, or what the folder was begun with)."
        )
    if teacher.elements is not None and (unknown := sorted(found - teacher.elements)):
        raise ValueError(
            f"The teacher {teacher.name} does not know {', '.join(unknown)}, which conditions or "
            "data have; take another teacher."
        )


def _check_same(project: Project, before: dict[str, Any], now: dict[str, Any]) -> None:
    for key, what in (("elements", "elements"), ("fit", "descriptor, model or terms of the fit")):
        if before[key] != now[key]:
            raise ValueError(
                f"The {what} are not those that {project.folder} was begun with; take a new "
                f"folder, and give it the labels by start.data = [{str(project.labels)!r}]."
            )
    for name, fingerprint in now["conditions"].items():
        if before["conditions"].get(name, fingerprint) != fingerprint:
            raise ValueError(
                f'The condition "{name}" is another one than {project.folder} was begun with; give '
                "the new one another name."
            )


class _Loop:
    """One run of the loop."""

    def __init__(
        self,
        project: Project,
        settings: LearnSettings,
        conditions: Sequence[Condition],
        teacher: Teacher,
        elements: list[str],
        executor: Executor,
        status: Callable[[str], None] | None,
    ):
        self.project = project
        self.settings = settings
        self.conditions = {one.name: one for one in conditions}
        self.teacher = teacher
        self.fit_settings = settings.fit.model_copy(update={"elements": elements})
        self.executor = executor
        self.show = status or (lambda line: None)

    # ---- rounds ----

    def run(self, after_round: Callable[[Project, int], None] | None) -> LearnResult:
        number = max(self.project.rounds(), default=0)
        last = self.project.summary(number)
        if number > 0 and last is not None and last["chosen"] and not last["labels"]:
            number += 1  # the teacher failed then; perhaps it is better now
        while True:
            if number > 0:
                self.fit(number)
                if ended := self.used_up(number):
                    return ended
            if self.project.summary(number) is None:
                _Round(self, number).run()
                if after_round is not None:
                    after_round(self.project, number)
            if ended := self.nothing_new(number):
                return ended
            number += 1

    def used_up(self, number: int) -> LearnResult | None:
        """After the fit of a round that there is no room for."""
        fit = self.project.fit(number)
        assert fit is not None
        rounds, labels = self.settings.rounds, self.settings.labels
        if number > rounds:
            return self.result("rounds", number, f"the {rounds} rounds are used up (rounds)")
        if labels is not None and fit["labels"] >= labels:
            return self.result("labels", number, f"the {labels} labels are used up (labels)")
        return None

    def nothing_new(self, number: int) -> LearnResult | None:
        """Whether a complete round ends the loop: it brought no labels."""
        summary = self.project.summary(number)
        assert summary is not None
        if summary["labels"]:
            return None
        if number == 0:
            return None
        if summary["chosen"]:
            reason = f"none of {summary['chosen']} chosen configurations got a label: "
            return self.result("stuck", number, reason + self.last_rejection())
        for name in self.conditions:
            one = self.project.exploration(number, name)
            if one is not None and one["ending"] != "finished":
                reason = (
                    f'the condition "{name}" ends at {one["picoseconds"]:.3g} ps '
                    f"({shortened(one['reason'], 100)}), and there is nothing to learn from it"
                )
                return self.result("stuck", number, reason)
        if all(self.settled(name, number) == self.made_in(number) for name in self.conditions):
            text = "every condition ran its time with this potential, and nothing new came"
            return self.result("converged", number, text)
        return None

    def made_in(self, number: int) -> int:
        """The round whose fit gave the potential of this round."""
        fit = self.project.fit(number)
        assert fit is not None
        return fit.get("made_in", number)

    def settled(self, name: str, number: int) -> int | None:
        """The round that made the potential with which a condition ran its whole time last, with
        nothing new; None if it ended early, or something new came, in its last exploration up to
        this round."""
        for earlier in range(number, 0, -1):
            exploration = self.project.exploration(earlier, name)
            selection = self.project.selection(earlier, name)
            if exploration is not None and selection is not None:
                whole = exploration["ending"] == "finished" and selection["from_beginning"]
                new = selection["chosen"] + selection["postponed"]
                return self.made_in(earlier) if whole and not new else None
        return None

    def last_rejection(self) -> str:
        reasons = [
            event["reason"] for event in self.project.events() if event["event"] == "rejected"
        ]
        return shortened(reasons[-1], 160)

    def result(self, ending: Ending, number: int, sentence: str) -> LearnResult:
        if ending in ("rounds", "labels"):
            sentence += self.how_far(number)
        return LearnResult(
            ending=ending,
            sentence=sentence,
            rounds=number,
            labels=self.project.known(since=number).labels,
            potential=self.project.potential,
            folder=self.project.folder,
        )

    def how_far(self, number: int) -> str:
        """Conditions that are not settled, and what to do."""
        text = []
        for name in self.conditions:
            explored = (self.project.exploration(n, name) for n in range(number, 0, -1))
            last = next((one for one in explored if one is not None), None)
            if last is not None and self.settled(name, number) is None:
                text.append(f"{name} came to {last['picoseconds']:.3g} ps")
        so_far = f"; {shortened(', '.join(text), 120)}" if text else ""
        return f"{so_far}; the same command goes on with a larger number"

    # ---- fits ----

    def fit(self, number: int) -> None:
        """Of a round, unless it is done."""
        if self.project.fit(number) is not None:
            self.publish(number)
            return
        before = self.project.summary(number - 1)
        if number > 1 and before is not None and not before["labels"]:
            document = {**(self.project.fit(number - 1) or {}), "made_in": self.made_in(number - 1)}
            folder = f"../{document['made_in']:03d}"
            names = [Path(name).name for name in document["potentials"]]
            document["potentials"] = [f"{folder}/{name}" for name in names]
            write_json(self.project.round_folder(number) / "fit.json", document)
            return
        members = [self.fit_member(number, 1)]
        if not members[0]["grades"]:
            self.show(f"round {number}: no grades, a committee of {self.settings.committee}")
            self.project.note(
                "committee",
                round=number,
                members=self.settings.committee,
                reason="the potential has no active set, so it knows no grades: the deviation of "
                "forces of a committee decides",
            )
            members += [self.fit_member(number, n) for n in range(2, self.settings.committee + 1)]
        potentials = [name for own in members for name in own["potentials"]]
        document = {**members[0], "round": number, "potentials": potentials}
        document["seconds"] = sum(own["seconds"] for own in members)
        write_json(self.project.round_folder(number) / "fit.json", document)
        self.project.note("fit", round=number, **{k: document[k] for k in ("labels", "errors")})
        self.publish(number)

    def fit_member(self, number: int, member: int) -> dict[str, Any]:
        folder = self.project.round_folder(number)
        folder.mkdir(parents=True, exist_ok=True)
        self.show(f"round {number}: fit")
        before = self.project.fit(number - 1) or {}
        cores = self.executor.most_cores
        request = tasks.FitRequest(
            self.fit_settings,
            self.project.labels,
            folder,
            self.project.potentials(number - 1),
            before.get("labels", 0),
            member,
            cores,
        )
        for attempt in range(1, TRIES + 1):
            self.executor.submit(
                "fit",
                tasks.in_project,
                self.project.task_lock,
                tasks.fit_member,
                request,
                cores=cores,
            )
            while not (ended := self.executor.finished()):
                pass
            if ended[0].error is None:
                return ended[0].result
            self.project.note("fit failed", round=number, reason=str(ended[0].error))
            if not isinstance(ended[0].error, WorkerLost) or attempt == TRIES:
                raise _told(f"The fit of round {number}", ended[0].error)
        raise AssertionError

    def publish(self, number: int) -> None:
        """The last potential is that of the project."""
        files = self.project.potentials(number)
        for member, path in enumerate(files, start=1):
            into = self.project.potential
            if member > 1:
                into = member_path(into, member)
            potential = Potential.read(path)
            if not into.exists() or Potential.read(into).to_json() != potential.to_json():
                potential.write(into)


class _Round:
    """What is done with one potential."""

    def __init__(self, loop: _Loop, number: int):
        self.loop = loop
        self.project = loop.project
        self.executor = loop.executor
        self.settings = loop.settings
        self.number = number
        self.started = time.monotonic()
        known = self.project.known(since=number)
        self.n_labels = known.labels
        self.lowest = known.lowest
        self.labelled = known.labelled_ids
        self.chosen = {atoms.info["id"]: atoms for atoms in self.project.chosen(number)}
        done = known.labelled_ids
        if known.labels:  # else the teacher failed at all of them; perhaps it is better now
            done = done | known.rejected_ids
        self.to_label = deque(atoms for key, atoms in self.chosen.items() if key not in done)
        self.labelling: set[str] = set()
        self.exploring: set[str] = set()
        self.explored = {
            name for name in loop.conditions if self.project.exploration(number, name) is not None
        }
        self.selected = set(self.project.sources(number))
        self.selecting: str | None = None
        self.attempts: dict[str, int] = {}

    def run(self) -> None:
        """Until nothing is left to do; writes round.json."""
        while True:
            self.submit()
            if not self.executor.under_way:
                break
            self.show()
            self.take(self.executor.finished())
        labels = len(self.labelled & set(self.chosen))
        if self.number == 0 and not self.n_labels:
            raise LearnError(
                f"None of the {len(self.chosen)} configurations to begin with got a label; the "
                f"last reason: {self.loop.last_rejection()}"
            )
        document = {
            "round": self.number,
            "chosen": len(self.chosen),
            "labels": labels,
            "rejected": len(self.chosen) - labels,
            "labels_in_all": self.n_labels,
            "explored": sorted(self.explored),
            "seconds": time.monotonic() - self.started,
        }
        write_json(self.project.round_folder(self.number) / "round.json", document)
        self.project.note("round", **document)

    # ---- what to do next ----

    def submit(self) -> None:
        """As many tasks as there is room for: selections first, for they make work; then
        explorations, which take longest; then labels."""
        while self.selecting is None and self.executor.has_room():
            if (source := self.to_select()) is None:
                break
            self.submit_selection(source)
        for name in self.to_explore():
            if not self.executor.has_room(self.settings.exploration_cores):
                return
            self.submit_exploration(name)
        cores = self.settings.teacher.cores
        while self.to_label and self.executor.has_room(cores):
            atoms = self.to_label.popleft()
            self.labelling.add(atoms.info["id"])
            self.executor.submit(
                f"label {atoms.info['id']}",
                tasks.label,
                self.settings.teacher,
                atoms,
                self.project.scratch,
                cores=cores,
            )

    def to_explore(self) -> list[str]:
        """Conditions that are not settled; if nothing new came from these, those that ran their
        time with an earlier potential, too."""
        if self.number == 0:
            return []
        settled = {name: self.loop.settled(name, self.number - 1) for name in self.loop.conditions}
        first = [name for name, made_in in settled.items() if made_in is None]
        todo = [name for name in first if name not in self.explored | self.exploring]
        all_selected = self.selected >= {*first, *self.candidate_sources()}
        if todo or self.exploring or self.chosen or not all_selected:
            return todo
        if any(self.ending(name) != "finished" for name in first):
            return []
        now = self.loop.made_in(self.number)
        return [
            n for n, made in settled.items() if made not in (None, now) and n not in self.explored
        ]

    def ending(self, name: str) -> str | None:
        exploration = self.project.exploration(self.number, name)
        return None if exploration is None else exploration["ending"]

    def candidate_sources(self) -> list[str]:
        return [CANDIDATES] if self.number and self.settings.selection.candidates else []

    def to_select(self) -> str | None:
        """An exploration that has ended, or the other candidates, whose selection is due."""
        due = [*self.candidate_sources(), *(n for n in self.loop.conditions if n in self.explored)]
        return next((source for source in due if source not in self.selected), None)

    def room_for_labels(self) -> int:
        """Of the next selection: its share of what may still be chosen in this round."""
        room = self.settings.selection.most - len(self.chosen)
        if self.settings.labels is not None:
            waiting = len(self.to_label) + len(self.labelling)
            room = min(room, self.settings.labels - self.n_labels - waiting)
        sources = {*self.candidate_sources(), *self.explored, *self.exploring, *self.to_explore()}
        return -(-max(0, room) // max(1, len(sources - self.selected)))

    # ---- tasks ----

    def submit_exploration(self, name: str) -> None:
        limits = self.settings.selection
        potentials = self.project.potentials(self.number)
        deciding = (limits.select, limits.stop)
        if len(potentials) > 1:
            deciding = (limits.deviation_select, limits.deviation_stop)
        cores = self.settings.exploration_cores
        self.exploring.add(name)
        self.executor.submit(
            f"explore {name}",
            tasks.in_project,
            self.project.task_lock,
            tasks.explore_condition,
            self.loop.conditions[name],
            potentials,
            self.project.source_folder(self.number, name),
            deciding,
            self.former(name),
            cores,
            cores=cores,
        )

    def former(self, name: str) -> Path | None:
        """Folder of the last exploration of a condition, if that ended early."""
        for number in range(self.number - 1, 0, -1):
            exploration = self.project.exploration(number, name)
            if exploration is not None:
                folder = self.project.source_folder(number, name)
                goes_on = exploration["ending"] != "finished" and exploration["picoseconds"] > 0
                return folder if goes_on else None
        return None

    def submit_selection(self, source: str) -> None:
        files = self.settings.selection.candidates
        if source != CANDIDATES:
            own = self.project.source_folder(self.number, source) / "candidates.extxyz"
            files = [str(own)] if own.is_file() else []
        request = Request(
            prefix=f"{self.number:03d}-{source}",
            files=files,
            potentials=self.project.potentials(self.number),
            chosen_before=self.project.chosen_files(self.number),
            most=self.room_for_labels(),
            settings=self.settings.selection,
        )
        self.selecting = source
        self.executor.submit(f"select {source}", select, request)

    def take(self, ended: Sequence[Finished]) -> None:
        """Write down what has ended."""
        labels = []
        for one in ended:
            kind, _, name = one.name.partition(" ")
            if kind == "label":
                labels.append(one)
            elif kind == "explore":
                self.take_exploration(name, one)
            else:
                self.take_selection(name, one)
        if labels:
            self.take_labels(labels)

    def take_exploration(self, name: str, ended: Finished) -> None:
        self.exploring.discard(name)
        if ended.error is not None:
            self.attempts[name] = self.attempts.get(name, 0) + 1
            self.project.note(
                "exploration failed", round=self.number, condition=name, reason=str(ended.error)
            )
            if self.attempts[name] == TRIES or isinstance(ended.error, (ValueError, OSError)):
                raise _told(f'The exploration of "{name}" in round {self.number}', ended.error)
            return
        self.explored.add(name)
        self.project.note("exploration", round=self.number, **asdict(ended.result))

    def take_selection(self, source: str, ended: Finished) -> None:
        self.selecting = None
        if ended.error is not None:
            raise _told(f'The selection from "{source}" in round {self.number}', ended.error)
        selection: Selection = ended.result
        for atoms in selection.chosen:
            atoms.info.update(source=source, config_type=source)
        folder = self.project.source_folder(self.number, source)
        self.project.notes(
            {"event": "candidate", "round": self.number, "source": source, **decision}
            for decision in selection.decisions
        )
        write_configurations(folder / "chosen.extxyz", selection.chosen)
        numbers = {
            "candidates": selection.candidates,
            "chosen": len(selection.chosen),
            "left_out": selection.count("left out"),
            "postponed": selection.count("postponed"),
            "from_beginning": self.former(source) is None,
        }
        write_json(folder / "selection.json", numbers)
        self.selected.add(source)
        self.chosen.update({atoms.info["id"]: atoms for atoms in selection.chosen})
        self.to_label.extend(selection.chosen)

    def take_labels(self, ended: Sequence[Finished]) -> None:
        """All that have come, with one write to the disk."""
        labels, rejected = [], []
        for one in ended:
            identifier = one.name.partition(" ")[2]
            self.labelling.discard(identifier)
            atoms = self.chosen[identifier]
            if one.error is None:
                atoms = one.result
                reason = self.beyond_limits(atoms)
            elif isinstance(one.error, (LabelError, WorkerLost)):
                reason = str(one.error)
                self.raise_if_disk_is_full(reason)
            else:
                raise _told(f"The label of {identifier}", one.error)
            if reason:
                atoms.info["chosen_because"] = atoms.info.pop("reason", "")
                atoms.info["reason"] = reason
                rejected.append(atoms)
            else:
                labels.append(atoms)
        self.project.add_labels(labels)
        self.project.add_rejected(rejected)
        self.n_labels += len(labels)
        self.labelled.update(atoms.info["id"] for atoms in labels)
        self.project.notes(
            [{"event": "label", "round": self.number, "id": a.info["id"]} for a in labels]
            + [
                {"event": "rejected", "round": self.number}
                | {key: atoms.info[key] for key in ("id", "reason")}
                for atoms in rejected
            ]
        )

    def raise_if_disk_is_full(self, reason: str) -> None:
        """Then it is not the configuration's fault that it has no label. Raises OSError."""
        full = next((code for code in FULL_DISK if os.strerror(code) in reason), None)
        if full is None and shutil.disk_usage(self.project.folder).free < SMALLEST_ROOM:
            full = errno.ENOSPC
        if full is not None:
            raise OSError(full, os.strerror(full), str(self.project.scratch))

    def beyond_limits(self, atoms: Atoms) -> str:
        """Why a label is set aside, or nothing."""
        if atoms.info["teacher_hash"] != self.loop.teacher.settings_hash:
            raise LearnError(
                f"A worker labels with another {self.loop.teacher.name} than the one here: its "
                "settings, version or weights differ; use the same environment everywhere."
            )
        limits = self.settings.selection
        force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
        if force > limits.force:
            return f"a force of {force:.1f} eV/angstrom, above {limits.force:g} (selection.force)"
        energy = atoms.get_potential_energy() / len(atoms)
        lowest = self.lowest.setdefault(formula(atoms), energy)
        if energy - lowest > limits.energy:
            return (
                f"{energy - lowest:.2f} eV/atom above the lowest energy of this composition, more "
                f"than {limits.energy:g} (selection.energy)"
            )
        self.lowest[formula(atoms)] = min(lowest, energy)
        return ""

    def show(self) -> None:
        waiting = len(self.to_label) + len(self.labelling)
        explored = f"{len(self.explored)} explorations done, {len(self.exploring)} under way; "
        self.loop.show(
            f"round {self.number}: {explored if self.number else ''}{len(self.chosen) - waiting} "
            f"of {len(self.chosen)} labels; {self.n_labels} in all"
        )


def _told(what: str, error: Exception) -> Exception:
    """The error of a task as one of the run, with where it arose."""
    text = f"{what} failed: {shortened(error, 220)}"
    return LearnError(text)
