"""Labels: from what was chosen to labels.extxyz or rejected.extxyz."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import numpy as np
from ase import Atoms

from forcesmith.engine.executor import Executor, Finished, WorkerLost
from forcesmith.learning import tasks
from forcesmith.learning.errors import LearnError, failed, raise_if_disk_is_full
from forcesmith.learning.project import Known, Project, formula
from forcesmith.learning.settings import LearnSettings
from forcesmith.teachers.label_process import patience, the_longest
from forcesmith.teachers.teacher import LabelError, Teacher

TASK = "label"
"""First word of the names of these tasks."""


class Labels:
    """Configurations that wait for labels, and those that are being labelled; nothing is kept of
    what has been."""

    def __init__(
        self,
        project: Project,
        executor: Executor,
        settings: LearnSettings,
        teacher: Teacher,
        known: Known,
        round_number: int,
    ):
        """known: what the project has."""
        self.project = project
        self.executor = executor
        self.settings = settings
        self.teacher = teacher
        self.round_number = round_number
        self.lowest = known.lowest
        self.n_labels = known.labels
        """In all."""
        self.n_new = 0
        """Of what was added here."""
        self._waiting: deque[Atoms] = deque()
        self._under_way: dict[str, Atoms] = {}
        self._since: dict[str, float] = {}
        """Of these, `time.time` of their submission; the oldest first."""
        self._longest = 0.0  # seconds of a label
        self._failures: Counter[str] = Counter()

    @property
    def n_open(self) -> int:
        """Configurations that are neither labelled nor set aside yet."""
        return len(self._waiting) + len(self._under_way)

    def add(self, configurations: Iterable[Atoms]) -> None:
        """These are to be labelled, info: id."""
        self._waiting.extend(configurations)

    def submit(self) -> None:
        """As many as there is room for."""
        cores = self.settings.teacher.cores
        while self._waiting and self.executor.has_room(cores):
            atoms = self._waiting.popleft()
            identifier = atoms.info["id"]
            self._under_way[identifier] = atoms
            self._since[identifier] = time.time()
            self.executor.submit(
                f"{TASK} {identifier}",
                tasks.label,
                self.settings.teacher,
                atoms,
                self.project.scratch,
                cores=cores,
            )

    def slow(self) -> str:
        """What to say of a label that takes so long that its program may hang, or nothing."""
        identifier, since = next(iter(self._since.items()), ("", math.inf))
        limit = patience(self._longest)
        if self.settings.teacher.timeout is not None or time.time() - since < limit:
            return ""
        # It may have waited for a worker; a label that is being made has a folder.
        begun = list(self._begun(identifier))
        if not begun or time.time() - max(begun) < limit:
            return ""
        return (
            f"the label {identifier} takes longer than {limit:.0f} s, "
            f"{the_longest(self._longest)}: if it hangs, interrupt, set teacher.timeout (seconds), "
            "and give the same command again"
        )

    def _begun(self, identifier: str) -> Iterator[float]:
        """When it was begun, seconds of the clock; more than once where a run was killed."""
        for path in self.project.scratch.glob(f"{identifier}-*"):
            with suppress(FileNotFoundError):  # it has just come to its end
                yield path.stat().st_mtime

    def take(self, ended: Sequence[Finished]) -> None:
        """All that have come, with one write to the disk."""
        labels, rejected = [], []
        for one in ended:
            identifier = one.name.partition(" ")[2]
            atoms = self._under_way.pop(identifier)
            del self._since[identifier]
            if one.error is None:
                atoms = one.result
                self._longest = max(self._longest, atoms.info["label_seconds"])
                reason = self._beyond_limits(atoms)
            elif isinstance(one.error, (LabelError, WorkerLost)):
                reason = str(one.error)
                raise_if_disk_is_full(self.project.folder, reason)
            else:
                self._try_again(atoms, one.error)
                continue
            if reason:
                atoms.info["chosen_because"] = atoms.info.pop("reason", "")
                atoms.info["reason"] = reason
                rejected.append(atoms)
            else:
                labels.append(atoms)
        self.project.add_labels(labels)
        self.project.add_rejected(rejected)
        self.n_labels += len(labels)
        self.n_new += len(labels)
        common = {"round": self.round_number}
        self.project.notes(
            [{"event": "label", **common, "id": atoms.info["id"]} for atoms in labels]
            + [
                {"event": "rejected", **common, "id": atoms.info["id"]}
                | {"reason": atoms.info["reason"]}
                for atoms in rejected
            ]
        )

    def _try_again(self, atoms: Atoms, error: Exception) -> None:
        """What has nothing to do with the configuration, a few times, such as a teacher that was
        killed while it started; else raises LearnError."""
        what = f"The label of {atoms.info['id']}"
        raise_if_disk_is_full(self.project.folder, str(error))
        self._failures[what] += 1
        if self._failures[what] == tasks.TRIES:
            raise failed(what, error)
        self.project.note("failed", round=self.round_number, what=what, reason=str(error))
        self._waiting.append(atoms)

    def _beyond_limits(self, atoms: Atoms) -> str:
        """Why a label is set aside, or nothing."""
        if atoms.info["teacher_hash"] != self.teacher.settings_hash:
            raise LearnError(
                f"A worker labels with another {self.teacher.name} than the one here: its "
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
