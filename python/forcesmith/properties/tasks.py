"""A property of a structure with a subject: the task that computes it, and its file."""

from __future__ import annotations

import hashlib
import json
import re
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.files import write_atomically
from forcesmith.properties.crystals import to_dict
from forcesmith.properties.property import Curve, Property, PropertyResult, Quantity
from forcesmith.properties.registry import PROPERTIES
from forcesmith.properties.subject import Subject, SubjectSettings

VERSION = 3
"""Of the files; raised when properties are computed differently."""


class Entry(Section):
    """What became of a task."""

    structure: str
    """Its name."""
    property: str
    """Its name."""
    subject: str
    """Its name."""
    result: PropertyResult | None = None
    """None: there is none."""
    reason: str = ""
    """Why there is none."""


@dataclass(frozen=True)
class Task:
    """A property of a structure with a subject."""

    structure: str
    property_name: str
    options: dict[str, Any]
    subject: SubjectSettings
    crystal: Atoms
    """For the lattice as it was given, else relaxed by each member of the subject."""
    crystals: tuple[dict[str, Any] | None, ...] = ()
    """Relaxed ones, of every member; None: of a drawn one that did not relax."""

    @property
    def cores(self) -> int:
        """That it keeps busy."""
        return self.subject.teacher.cores if self.subject.teacher else 1

    @property
    def key(self) -> str:
        """Hash of all that changes the numbers."""
        options = PROPERTIES[self.property_name].Options.model_validate(self.options).model_dump()
        named = [Path(value.split("@")[0]) for value in options.values() if isinstance(value, str)]
        content = [
            VERSION,
            self.property_name,
            options,
            [hashlib.sha256(file.read_bytes()).hexdigest() for file in named if file.is_file()],
            self.subject.identity,
            to_dict(self.crystal),
            self.crystals,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """Of its file, and of its folder."""
        words = (self.structure, self.property_name, self.subject.name, self.key)
        return "-".join("".join(c if c.isalnum() or c in "._" else "_" for c in w) for w in words)


def file_of(task: Task, folder: Path) -> Path:
    """Where its entry lies."""
    return folder / "results" / f"{task.name}.json"


def read_entry(task: Task, folder: Path) -> Entry | None:
    """None: it has not been computed."""
    try:
        return Entry.model_validate_json(file_of(task, folder).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def compute(task: Task, folder: Path, cores: int = 1) -> None:
    """Compute it and write its entry: also where there is no result, with the reason."""
    place = folder / "runs" / task.name
    entry = Entry(structure=task.structure, property=task.property_name, subject=task.subject.name)
    kind = PROPERTIES[task.property_name]
    own = kind(kind.Options.model_validate(task.options))
    try:
        entry.result = combined(_results(task, own, place, cores), task.subject.drawn)
    except Exception as error:  # whatever it is, the others go on
        text = str(error) or type(error).__name__
        if not isinstance(error, (ValueError, RuntimeError, OSError)):
            text = f"{type(error).__name__}: {text}"
        entry.reason = shortened(text, 300)
    path = file_of(task, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, entry.model_dump_json(indent=1) + "\n")


def _results(task: Task, own: Property, place: Path, cores: int) -> Iterator[PropertyResult | None]:
    """Of every member; None for a drawn one that has none."""
    crystals = task.crystals or (to_dict(task.crystal),) * len(task.subject.members)
    for number, (member, crystal) in enumerate(zip(task.subject.members, crystals, strict=True)):
        if crystal is None:
            yield None
            continue
        try:
            subject = Subject(member, cores)
            yield _computed(own, Atoms(**crystal), subject, place / str(number))
        except Exception:
            if number == 0 or not task.subject.drawn:
                raise
            yield None


def _computed(own: Property, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        result = own.compute(crystal, subject, folder)
    for path in (folder, folder.parent):
        if not any(path.iterdir()):
            path.rmdir()
    # What follows on calculators is for those who have one at hand.
    texts = [
        re.sub("; see calculator.*", ".", str(one.message))
        for one in caught
        if "forcesmith" in one.filename
    ]
    result.notes += list(dict.fromkeys(shortened(text, 200) for text in texts))
    result.largest_grade = subject.largest_grade
    result.seconds = round(time.monotonic() - started, 3)
    return result


def combined(members: Iterable[PropertyResult | None], drawn: bool = False) -> PropertyResult:
    """Of the members of a committee: means, with standard deviations as errors, together with those
    of the members. Plots whose abscissas differ are those of the first member.

    drawn: whether the others are drawn around the first: then values are its own, and errors are
    root mean square deviations from them; those without a result (None) are left out.
    """
    members = list(members)
    results = [one for one in members if one is not None]
    first = results[0]
    if len(members) == 1:
        return first
    notes = list(dict.fromkeys(note for one in results for note in one.notes))
    if drawn:
        notes = [*first.notes]
        if lost := len(members) - len(results):
            notes.append(
                f"{lost} of {len(members) - 1} potentials drawn from the covariance of the fit "
                "gave no value: the errors of the others are too small."
            )
        if len(results) == 1:
            return first.model_copy(update={"notes": notes})
    quantities = {}
    for name, quantity in first.quantities.items():
        own = [one.quantities[name] for one in results if name in one.quantities]
        if len(own) < len(results):
            notes.append(f"{name} has no value with {len(results) - len(own)} of the potentials.")
            continue
        value, spread = _center_and_spread([one.value for one in own], drawn)
        errors = [one.error or 0.0 for one in own]
        error = float(np.hypot(spread, np.sqrt(np.mean(np.square(errors)))))
        quantities[name] = quantity.model_copy(update={"value": float(value), "error": error})
    plots = {
        name: plot.model_copy(
            update={
                "curves": [
                    _mean([one.plots[name].curves[n] for one in results], drawn)
                    for n in range(len(plot.curves))
                ]
            }
        )
        for name, plot in first.plots.items()
        if all(_alike(plot.curves, one.plots[name].curves) for one in results if name in one.plots)
        and all(name in one.plots for one in results)
    }
    grades = [one.largest_grade for one in results if one.largest_grade is not None]
    return PropertyResult(
        quantities=quantities,
        plots={**first.plots, **plots},
        method=first.method,
        notes=notes,
        crystal=first.crystal,
        crystals=[one and one.crystal for one in members] if first.crystal else None,
        largest_grade=max(grades, default=None),
        seconds=sum(one.seconds for one in results),
    )


def _alike(some: Sequence[Curve], others: Sequence[Curve]) -> bool:
    """Whether their ordinates can be averaged."""
    return len(some) == len(others) and all(
        len(a.x) == len(b.x) and np.allclose(a.x, b.x, rtol=0.02)
        for a, b in zip(some, others, strict=True)
    )


def _mean(curves: Sequence[Curve], drawn: bool) -> Curve:
    y, error = _center_and_spread([curve.y for curve in curves], drawn)
    return curves[0].model_copy(update={"y": y.tolist(), "error": error.tolist()})


def _center_and_spread(values: Sequence[Any], drawn: bool) -> tuple[np.ndarray, np.ndarray]:
    """Over members; drawn: see `combined`."""
    members = np.array(values)
    if drawn:
        return members[0], np.sqrt(np.mean((members[1:] - members[0]) ** 2, axis=0))
    return members.mean(axis=0), members.std(axis=0, ddof=1)


def quantities_of(entry: Entry | None) -> dict[str, Quantity]:
    """Empty where there is no result."""
    return entry.result.quantities if entry and entry.result else {}
