"""The loop: fit, explore all conditions, label what is new, and again, until nothing is.

Whatever is done next follows from what is on the disk (`Project`), so that a run which was ended in
any way goes on where it was.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ase import Atoms

from forcesmith.data.dataset import Dataset
from forcesmith.data.labels import shortened
from forcesmith.data.reading import read
from forcesmith.engine.executor import Executor, Task, WorkerLost, open_executor
from forcesmith.files import OutputLocked, write_atomically
from forcesmith.learning import tasks
from forcesmith.learning.conditions import Condition, expand
from forcesmith.learning.errors import disk_watched, failed
from forcesmith.learning.page import write_page
from forcesmith.learning.project import (
    Known,
    Project,
    write_configurations,
    write_json,
)
from forcesmith.learning.rounds import CANDIDATES, Round
from forcesmith.learning.settings import LearnSettings
from forcesmith.learning.start import given_data, given_labels, starting_structures
from forcesmith.learning.status import decided_by
from forcesmith.potentials.potential import Potential
from forcesmith.teachers.teacher import Teacher, make_teacher
from forcesmith.training.checkpoint import state_file
from forcesmith.training.committee import member_path
from forcesmith.training.fitting import check_can_be_fitted

SECONDS_BETWEEN_FITS = 5.0
"""Where another one writes the same potential."""
Ending = Literal["converged", "closed", "rounds", "labels", "stuck"]


@dataclass(frozen=True)
class LearnResult:
    """How learning ended."""

    ending: Ending
    """"converged": every condition ran its time with nothing new. "closed": all but those that
    break again and again. "rounds", "labels": as many as there may be. "stuck": no condition runs
    its time, and there is nothing to learn from them."""
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
    if status is not None:
        status(f"starts the teacher {settings.teacher.name}")
    with make_teacher(settings.teacher) as teacher:
        project = Project(settings.folder)
        project.check_is_own()
    with disk_watched(), project.gone_if_refused(), project.locked():
        elements = _open(project, settings, conditions, teacher, config)
        with open_executor(settings.engine, project.job_logs) as executor:
            for cores in (settings.teacher.cores, settings.exploration_cores):
                executor.has_room(cores)  # ever
            loop = Loop(project, settings, conditions, teacher, elements, executor, status)
            result = loop.run(after_round)
        project.note("end", ending=result.ending, reason=result.sentence)
        write_page(project)
        if at_end is not None:
            at_end(project, result)
    return result


def expanded(settings: LearnSettings) -> list[Condition]:
    """All conditions. Raises ValueError for those that are impossible."""
    conditions = expand(settings.conditions)
    if any(one.name == CANDIDATES for one in conditions):
        raise ValueError(
            f'A condition has the name "{CANDIDATES}", which is that of a folder; give it another.'
        )
    return conditions


def check(settings: LearnSettings) -> None:
    """Raise the ValueError that `learn` would, as far as it is known without the teacher and its
    workers; writes nothing."""
    conditions = expanded(settings)
    project = Project(settings.folder)
    project.check_is_own()
    _beginning(project, settings, conditions, None)


class _Beginning(NamedTuple):
    """What a project has before its first round."""

    known: Known
    is_new: bool
    structures: list[Atoms]
    """That the teacher is to label."""
    given: list[Atoms]
    """With their labels."""
    own: dict[str, Any]
    """Of conditions.json."""


def _beginning(
    project: Project,
    settings: LearnSettings,
    conditions: Sequence[Condition],
    teacher: Teacher | None,
) -> _Beginning:
    """Check the settings against the folder, before anything costs time.

    teacher: None: what it knows is not looked at."""
    known = project.known()
    if teacher is not None and known.teachers - {teacher.settings_hash}:
        raise ValueError(
            f"{project.labels}: these labels are not of {teacher.name} with its settings of now; "
            "one potential learns from one teacher: learn in a new folder, with this file as "
            "start.data and with start.relabel."
        )
    candidates = _candidates(settings)
    # What got no label at all is begun anew: any of the settings may have been wrong.
    begun_with = project.begun_with()
    before = begun_with if known.labels else None
    is_new = not (known.labels and project.chosen_files(0))
    structures: list[Atoms] = []
    given: list[Atoms] = []
    if is_new:
        structures = starting_structures(settings, conditions)
        given = given_labels(settings, teacher) if teacher else given_data(settings)[0]
    found = {symbol for atoms in [*structures, *given] for symbol in atoms.symbols}
    found |= {symbol for one in conditions for symbol in one.structure.symbols}
    found |= {symbol for atoms in candidates for symbol in atoms.symbols}
    elements = settings.fit.elements or (before["elements"] if before else sorted(found))
    _check_elements(found, elements, teacher)
    keys = {"descriptor", "model", "terms", "zbl"}
    first = len(structures) + len(given)
    if settings.labels is not None and first > settings.labels:
        raise ValueError(
            f"There are {first} configurations to begin with, but only {settings.labels} may be "
            "labelled; raise labels, or lower start.perturbed."
        )
    if is_new:
        data = Dataset([*structures, *given])
        check_can_be_fitted(data, elements, settings.fit)
        _check_groups(settings, {CANDIDATES, *data.groups, *(one.name for one in conditions)})
    own = {
        "elements": elements,
        "fit": settings.fit.model_dump(mode="json", include=keys),
        "conditions": {one.name: one.fingerprint for one in conditions},
    }
    if before is not None:
        _check_same(project, before, own)
        own["conditions"] = before["conditions"] | own["conditions"]
    return _Beginning(known, is_new, structures, given, own)


def _open(
    project: Project,
    settings: LearnSettings,
    conditions: Sequence[Condition],
    teacher: Teacher,
    config: str | None,
) -> list[str]:
    """Begin or go on with a folder that fits the settings. The elements of the potential."""
    known, is_new, structures, given, own = _beginning(project, settings, conditions, teacher)
    write_json(project.conditions, own)
    if config is not None:
        write_atomically(project.config, config)
    if is_new:
        if not known.labels:
            project.rejected.unlink(missing_ok=True)  # reasons are in the journal
        project.add_labels([a for a in given if a.info["id"] not in known.labelled_ids])
        numbers = {"to_label": len(structures), "given": len(given)}
        project.note("start", round=0, teacher=teacher.name, **numbers)
        write_configurations(project.round_folder(0) / "chosen.extxyz", structures)
    elements: list[str] = own["elements"]
    return elements


def _candidates(settings: LearnSettings) -> list[Atoms]:
    """Configurations of selection.candidates; there may be none in a file yet. Raises ValueError
    for those that cannot be read."""
    found: list[Atoms] = []
    for name in settings.selection.candidates:
        path = Path(name.partition("@")[0])
        if not path.is_file():
            raise ValueError(f"selection.candidates: there is no file {name}.")
        if "@" in name or path.stat().st_size:
            found += read(name)
    return found


def _check_groups(settings: LearnSettings, names: set[str]) -> None:
    """names: of all groups that labels can have."""
    if unused := settings.fit.weights.unused_groups(names):
        raise ValueError(
            f"fit.weights.groups has {shortened(', '.join(unused), 80)}, which is no condition and "
            f"no group of the data; there are {shortened(', '.join(sorted(names)), 120)}."
        )


def _check_elements(found: set[str], elements: Sequence[str], teacher: Teacher | None) -> None:
    if missing := sorted(found - set(elements)):
        raise ValueError(
            f"Conditions, candidates or data have {', '.join(missing)}, but the potential is for "
            f"{', '.join(elements)} (fit.elements, or what the folder was begun with)."
        )
    if teacher is None or teacher.elements is None:
        return
    if unknown := sorted(found - teacher.elements):
        raise ValueError(
            f"The teacher {teacher.name} does not know {', '.join(unknown)}, which conditions, "
            "candidates or data have; take another teacher."
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


class Loop:
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
        self.status = status
        self.shown = ""

    def show(self, line: str) -> None:
        """Of what has changed."""
        if self.status is not None and line != self.shown:
            self.status(line)
        self.shown = line

    # ---- rounds ----

    def run(self, after_round: Callable[[Project, int], None] | None) -> LearnResult:
        number = max(self.project.rounds(), default=0)
        last = self.project.summary(number)
        if number > 0 and last is not None:
            ended = self.nothing_new(number)
            if ended is not None and ended.ending in ("stuck", "closed"):
                self.project.reopen(number)
                number += 1  # perhaps the teacher or the limits are better now
        if number == 0:
            self.check_workers()
        while True:
            if number > 0:
                self.fit(number)
                if ended := self.used_up(number):
                    return ended
            if self.project.summary(number) is None:
                Round(self, number).run()
                write_page(self.project)
                if after_round is not None:
                    after_round(self.project, number)
            if ended := self.nothing_new(number):
                return ended
            number += 1

    def check_workers(self) -> None:
        """Whether LAMMPS runs there, before labels and a fit are made for it. Raises LearnError."""
        for ended in self.executor.run([Task("lammps", tasks.check_lammps, ())]):
            if ended.error is not None:
                raise failed("The first run of LAMMPS", ended.error)

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
        no_label = ""
        if summary["chosen"]:
            given = self.project.selection(number, CANDIDATES) or {"chosen": 0}
            is_of_conditions = summary["chosen"] > given["chosen"]
            where = "" if is_of_conditions else " of selection.candidates"
            no_label = (
                f"none of {summary['chosen']} chosen configurations{where} got a label: "
                f"{self.last_rejection()}"
            )
            if is_of_conditions:
                return self.result("stuck", number, no_label)
        closed = self.project.closed(number)
        still_open = [name for name in self.conditions if name not in closed]
        reasons = "; ".join(closed[name] for name in self.conditions if name in closed)
        remark = f"; {no_label}" if no_label else ""
        if not still_open:
            return self.result("stuck", number, reasons)
        if any(self.settled(name, number) != self.made_in(number) for name in still_open):
            return None
        text = "condition ran its time with this potential, and nothing new came"
        if reasons:
            return self.result("closed", number, f"every other {text}; {reasons}{remark}")
        return self.result("converged", number, f"every {text}{remark}")

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
        if number == 1 and (sentence := decided_by(self.project)):
            warnings.warn(sentence, stacklevel=2)
        for path in self.project.potentials(number):
            state_file(path).unlink(missing_ok=True)
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
        attempt = 0
        while True:
            self.executor.submit(
                "fit",
                tasks.in_project,
                self.project.task_lock,
                tasks.fit_member,
                request,
                cores=cores,
            )
            while not (ended := self.executor.finished()):
                self.show(f"round {number}: fit")
            if (error := ended[0].error) is None:
                return ended[0].result
            if isinstance(error, OutputLocked):  # a worker that was taken for dead is still at it
                self.show(f"round {number}: waits for a fit on a worker that was lost")
                time.sleep(SECONDS_BETWEEN_FITS)
                continue
            self.project.note("fit failed", round=number, reason=str(error))
            attempt += 1
            if not isinstance(error, WorkerLost) or attempt == tasks.TRIES:
                raise failed(f"The fit of round {number}", error)

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
