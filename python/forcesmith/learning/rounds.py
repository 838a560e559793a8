"""A round: a potential and what is done with it, as far as it is not done yet.

Explorations of all conditions that are not settled, the selections from their candidates, and the
labels of what was chosen. Labels start as soon as an exploration has ended, while others run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ase import Atoms

from forcesmith.data.labels import shortened
from forcesmith.engine.executor import Finished
from forcesmith.learning import tasks
from forcesmith.learning.errors import LearnError, failed, raise_if_disk_is_full
from forcesmith.learning.labels import TASK as LABEL
from forcesmith.learning.labels import Labels
from forcesmith.learning.project import read_configurations, write_configurations, write_json
from forcesmith.learning.selection import Request, Selection, select

if TYPE_CHECKING:
    from forcesmith.learning.loop import Loop

CANDIDATES = "candidates"
"""Source of the configurations of selection.candidates, beside the conditions."""

GROUND_STATES_FIRST = 10
"""Rounds in which dynamics waits until relaxed structures stay where they are: it is they whose
energies are compared, and a round without dynamics takes little."""
EARLY_ENDS = 2
"""In a row, until dynamics does not wait for a ground state any more: it is learned from what is
hot, too."""
BREAKS = 4
"""In a row, until a condition is closed."""
COOL = "lower its temperature, raise its pressure, or leave it out"
LOOK = "look at its log.lammps, and change it or leave it out"


POSTPONED = "postponed.extxyz"
"""Of a source: what there was no room for in its share."""


class Round:
    """What is done with one potential."""

    def __init__(self, loop: Loop, number: int):
        self.loop = loop
        self.project = loop.project
        self.executor = loop.executor
        self.settings = loop.settings
        self.number = number
        self.started = time.monotonic()
        known = self.project.known(since=number)
        self.labels = Labels(
            self.project, self.executor, self.settings, loop.teacher, known, number
        )
        chosen = self.project.chosen(number)
        done = known.labelled_ids | known.rejected_ids
        self.labels.add(atoms for atoms in chosen if atoms.info["id"] not in done)
        before = self.project.summary(number - 1)
        self.tries_again = before is not None and before["chosen"] > 0 and not before["labels"]
        self.n_chosen = len(chosen)
        self.n_labelled_before = len(known.labelled_ids & {atoms.info["id"] for atoms in chosen})
        self.closed = self.project.closed(number - 1)
        self.settled = {
            name: loop.settled(name, number - 1)
            for name in loop.conditions
            if name not in self.closed
        }
        self.exploring: set[str] = set()
        self.explored = {
            name for name in loop.conditions if self.project.exploration(number, name) is not None
        }
        self.chosen_of = {
            source: selection["chosen"]
            for source in self.project.sources(number)
            if (selection := self.project.selection(number, source))
        }
        """Configurations by source whose selection is done."""
        self.postponed = {
            source
            for source in self.chosen_of
            if (self.project.source_folder(number, source) / POSTPONED).is_file()
        }
        """Sources that have more to choose from, if there is room in the end."""
        self.selecting: str | None = None
        self.failures: Counter[str] = Counter()

    def run(self) -> None:
        """Until nothing is left to do; writes round.json."""
        while True:
            self.submit()
            if not self.executor.under_way:
                break
            self.show()
            self.take(self.executor.finished())
        labels = self.n_labelled_before + self.labels.n_new
        if self.number == 0 and not self.labels.n_labels:
            raise LearnError(
                f"None of the {self.n_chosen} configurations to begin with got a label; the "
                f"last reason: {self.loop.last_rejection()}"
            )
        self.close()
        document = {
            "round": self.number,
            "chosen": self.n_chosen,
            "labels": labels,
            "rejected": self.n_chosen - labels,
            "labels_in_all": self.labels.n_labels,
            "explored": sorted(self.explored),
            "closed": self.closed,
            "seconds": time.monotonic() - self.started,
        }
        write_json(self.project.round_folder(self.number) / "round.json", document)
        self.project.note("round", **document)

    def close(self) -> None:
        """Conditions that break again and again, or have nothing to learn from: the others go
        on."""
        for name in self.settled:
            if self.ending(name) in (None, "finished"):
                continue
            breaks = self.breaks(name)
            is_new = self.n_chosen > self.chosen_of.get(CANDIDATES, 0)
            has_more_to_try = is_new or self.former(name) is not None  # from its beginning
            if has_more_to_try and len(breaks) < BREAKS:
                continue
            one = self.project.exploration(self.number, name)
            assert one is not None  # its ending is known
            how = f"at {one['picoseconds']:.3g} ps ({shortened(one['reason'], 90)})"
            kelvin = max(self.loop.conditions[name].temperature)
            what = f'the condition "{name}"' + (f" ({kelvin:g} K)" if kelvin else "")
            why = f"it ends {how}, and there is nothing to learn from it"
            if len(breaks) > 1:
                why = f"it broke {len(breaks)} times in a row, last {how}, whatever was learned"
            remedy = COOL if kelvin else LOOK
            self.closed[name] = f"{what} is closed: {why}; {remedy}"
            self.project.note("closed", round=self.number, what=name, reason=self.closed[name])

    def breaks(self, name: str) -> list[float]:
        """Picoseconds of its last explorations if they failed one after the other, and came hardly
        further."""
        breaks: list[float] = []
        hardly = self.loop.conditions[name].duration / 10
        for number in range(self.number, 0, -1):
            if (one := self.project.exploration(number, name)) is None:
                continue
            came_further = breaks and breaks[0] - one["picoseconds"] > hardly
            if one["ending"] != "failed" or came_further:
                break
            breaks.append(one["picoseconds"])
        return breaks

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
        self.labels.submit()

    def to_explore(self) -> list[str]:
        """Conditions that are not settled, those without a time (ground states, paths) before
        dynamics; if nothing new came from these, likewise those that were settled with an earlier
        potential: a round is a fit, so it asks as many as it can of the same kind."""
        if self.number == 0:
            return []
        now = self.loop.made_in(self.number)

        def those(is_settled: bool, in_time: bool) -> list[str]:
            return [
                name
                for name, made_in in self.settled.items()
                if made_in != now
                and (made_in is not None) == is_settled
                and (self.loop.conditions[name].duration > 0) == in_time
            ]

        ground_states = those(False, in_time=False)
        others = [*those(False, in_time=True), *self.candidate_sources()]
        stages = [ground_states, others, those(True, in_time=False), those(True, in_time=True)]
        if self.number > GROUND_STATES_FIRST or all(map(self.ends_early, ground_states)):
            stages[:2] = [ground_states + others]
        due: list[str] = []
        for sources in stages:
            due += sources
            if not self.brought_nothing(sources):
                break
        done = {CANDIDATES, *self.explored, *self.exploring}
        return [name for name in due if name not in done]

    def ends_early(self, name: str) -> bool:
        """Whether it did in each of the last rounds."""
        numbers = range(max(1, self.number - EARLY_ENDS), self.number)
        found = [self.project.exploration(number, name) for number in numbers]
        ends = [one is not None and one["ending"] != "finished" for one in found]
        return len(ends) == EARLY_ENDS and all(ends)

    def brought_nothing(self, sources: Sequence[str]) -> bool:
        """Whether the selections of all of them are done, dynamics ran its time, and nothing was
        chosen, or nothing of it got a label."""
        if not all(source in self.chosen_of and self.ran_its_time(source) for source in sources):
            return False
        no_label = self.labels.n_open == self.n_labelled_before + self.labels.n_new == 0
        return no_label or not any(self.chosen_of[source] for source in sources)

    def ran_its_time(self, source: str) -> bool:
        """Also what has none."""
        has_time = source != CANDIDATES and self.loop.conditions[source].duration > 0
        return not has_time or self.ending(source) == "finished"

    def ending(self, name: str) -> str | None:
        exploration = self.project.exploration(self.number, name)
        return None if exploration is None else exploration["ending"]

    def candidate_sources(self) -> list[str]:
        return [CANDIDATES] if self.number and self.settings.selection.candidates else []

    def to_select(self) -> str | None:
        """An exploration that has ended, or the other candidates, whose selection is due; in the
        end those again that have more to choose from, as long as there is room."""
        due = [*self.candidate_sources(), *(n for n in self.loop.conditions if n in self.explored)]
        first = next((source for source in due if source not in self.chosen_of), None)
        if first or self.exploring or self.to_explore() or self.room_for_labels() == 0:
            return first
        return next((source for source in due if source in self.postponed), None)

    def room_for_labels(self) -> int:
        """What may still be chosen in this round."""
        room = self.settings.selection.most - self.n_chosen
        if self.settings.labels is not None:
            room = min(room, self.settings.labels - self.labels.n_labels - self.labels.n_open)
        return max(0, room)

    def share(self) -> int:
        """Of it, for the next selection."""
        sources = {*self.candidate_sources(), *self.explored, *self.exploring, *self.to_explore()}
        waiting = sources - self.chosen_of.keys() or self.postponed
        return -(-self.room_for_labels() // max(1, len(waiting)))

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
        """Folder of the last exploration of a condition, to go on from: it ended early, and brought
        something new. If not, its last safe configuration may be on its way to nonsense already."""
        for number in range(self.number - 1, 0, -1):
            exploration = self.project.exploration(number, name)
            if exploration is not None:
                selection = self.project.selection(number, name)
                is_early = exploration["ending"] != "finished" and exploration["picoseconds"] > 0
                is_new = selection is None or selection["chosen"] + selection["postponed"] > 0
                return self.project.source_folder(number, name) if is_early and is_new else None
        return None

    def submit_selection(self, source: str) -> None:
        folder = self.project.source_folder(self.number, source)
        files = self.settings.selection.candidates
        if source in self.postponed:
            files = [str(folder / POSTPONED)]
        elif source != CANDIDATES:
            own = folder / "candidates.extxyz"
            files = [str(own)] if own.is_file() else []
        former = self.chosen_before(source)
        at_rest = [name for name, one in self.loop.conditions.items() if not one.duration]
        elsewhere = []
        if source in at_rest:
            others = (name for name in at_rest if name != source)
            elsewhere = [path for name in others for path in self.chosen_before(name)]
        request = Request(
            prefix=f"{self.number:03d}-{source}",
            files=files,
            potentials=self.project.potentials(self.number),
            chosen_before=self.project.chosen_files(self.number),
            most=self.share(),
            rejected=None if self.tries_again else self.project.rejected,
            settings=self.settings.selection,
            former=former + ([folder / "chosen.extxyz"] if source in self.postponed else []),
            elsewhere=elsewhere,
            n_before=len(self.chosen_here(source)),
        )
        self.selecting = source
        self.executor.submit(f"select {source}", select, request)

    def chosen_before(self, source: str) -> list[Path]:
        """Files of what was chosen from it in former rounds."""
        folders = (self.project.source_folder(number, source) for number in range(1, self.number))
        return [path for one in folders if (path := one / "chosen.extxyz").is_file()]

    def take(self, ended: Sequence[Finished]) -> None:
        """Write down what has ended."""
        labels = []
        for one in ended:
            kind, _, name = one.name.partition(" ")
            if kind == LABEL:
                labels.append(one)
            elif kind == "explore":
                self.take_exploration(name, one)
            else:
                self.take_selection(name, one)
        if labels:
            self.labels.take(labels)

    def take_exploration(self, name: str, ended: Finished) -> None:
        self.exploring.discard(name)
        if ended.error is not None:
            self.try_again(f'The exploration of "{name}"', ended.error)
            return
        self.explored.add(name)
        self.project.note("exploration", round=self.number, **asdict(ended.result))

    def try_again(self, what: str, error: Exception) -> None:
        """What was killed is submitted again, a few times; else raises LearnError."""
        what = f"{what} in round {self.number}"
        raise_if_disk_is_full(self.project.folder, str(error))
        self.failures[what] += 1
        if self.failures[what] == tasks.TRIES or isinstance(error, (ValueError, OSError)):
            raise failed(what, error)
        self.project.note("failed", round=self.number, what=what, reason=str(error))

    def take_selection(self, source: str, ended: Finished) -> None:
        self.selecting = None
        if ended.error is not None:
            self.try_again(f'The selection from "{source}"', ended.error)
            return
        selection: Selection = ended.result
        for atoms in selection.chosen:
            atoms.info.update(source=source, config_type=source)
        folder = self.project.source_folder(self.number, source)
        self.project.notes(
            {"event": "candidate", "round": self.number, "source": source, **decision}
            for decision in selection.decisions
        )
        before = self.project.selection(self.number, source) or {"candidates": 0, "left_out": 0}
        chosen = [*self.chosen_here(source), *selection.chosen]
        write_configurations(folder / "chosen.extxyz", chosen)
        numbers = {
            "candidates": before["candidates"] + selection.candidates,
            "chosen": len(chosen),
            "left_out": before["left_out"] + selection.count("left out"),
            "postponed": selection.count("postponed"),
            "from_beginning": self.former(source) is None,
        }
        self.keep_postponed(source, selection.postponed)
        write_json(folder / "selection.json", numbers)
        self.chosen_of[source] = numbers["chosen"]
        self.n_chosen += len(selection.chosen)
        self.labels.add(selection.chosen)

    def chosen_here(self, source: str) -> list[Atoms]:
        """By an earlier selection of this round."""
        if source not in self.postponed:
            return []
        path = self.project.source_folder(self.number, source) / "chosen.extxyz"
        return read_configurations(path)

    def keep_postponed(self, source: str, postponed: Sequence[Atoms]) -> None:
        """Of a selection, for a second one."""
        path = self.project.source_folder(self.number, source) / POSTPONED
        if postponed:
            self.postponed.add(source)
            write_configurations(path, postponed)
        else:
            self.postponed.discard(source)
            path.unlink(missing_ok=True)

    def show(self) -> None:
        slow = self.labels.slow()
        explored = f"{len(self.explored)} explorations done, {len(self.exploring)} under way; "
        self.loop.show(
            f"round {self.number}: {explored if self.number else ''}"
            f"{self.n_chosen - self.labels.n_open} of {self.n_chosen} labels; "
            f"{self.labels.n_labels} in all" + (f"; {slow}" if slow else "")
        )
