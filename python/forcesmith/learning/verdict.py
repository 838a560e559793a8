"""The verdict on a learned potential: how well it does where it will be used, against its teacher.

Errors on trajectories of the potential itself, which its fit has not seen; lattice constants and
energies of vacancies, both relaxed by the potential and by the teacher; speed; and an input of
LAMMPS to go on with.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from forcesmith.analysis.metrics import errors_by_group
from forcesmith.engine.executor import Task, open_executor
from forcesmith.files import write_atomically
from forcesmith.learning.conditions import Condition, expand
from forcesmith.learning.errors import disk_watched, failed
from forcesmith.learning.exploration import Exploration
from forcesmith.learning.input_scripts import boundary
from forcesmith.learning.page import write_page
from forcesmith.learning.project import Project, read_json, write_json
from forcesmith.learning.relaxation import Relax, Relaxation, by_potential, by_teacher
from forcesmith.learning.settings import LearnSettings, ToleranceSettings
from forcesmith.learning.tasks import explore_condition, in_project
from forcesmith.potentials.potential import Potential
from forcesmith.sampling.structures import read_structures
from forcesmith.teachers.labelling import label
from forcesmith.teachers.teacher import LabelError, make_teacher

MOST_LABELS = 20
"""Of trajectories, in all."""
MOST_OF_A_CONDITION = 4
LARGEST_CELL = 150
"""Atoms, of relaxations by the teacher."""
MUCH_LARGER = 3.0
"""Times the error on the data of the fit: such errors on what it has not seen tell that the fit
does not hold there, if they are also above these:"""
REMARKABLE = {"energy": 1.0, "force": 0.02}
ERRORS = {
    "energy": ("energy_rmse_mev", "energies", "meV/atom"),
    "force": ("force_rmse", "forces", "eV/Å"),
    "stress": ("stress_rmse_gpa", "stresses", "GPa"),
}
"""Of a tolerance: name in fit.json, what it is of, unit."""
LARGE_PART = 0.05
"""Of the size of forces: errors above it are worth a remark."""
SEED = 7919  # added to that of a condition: other velocities than those of the explorations
SECONDS_OF_TIMING = 0.5
WHOLE = "whole"
"""Name of the cell without a vacancy."""


@dataclass(frozen=True)
class Crystal:
    """A crystal of the conditions, in which properties are compared."""

    name: str
    unit: Atoms
    repeats: tuple[int, int, int]
    """Of the cell for vacancies."""
    vacancies: tuple[str, ...]
    """Elements that lack an atom."""


def judge(settings: LearnSettings, status: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Compare the potential of a project with its teacher, and write verdict.json and in.lammps.

    Nothing is done again for the same potential, but for relaxations that had no label.

    Parameters
    ----------
    settings
        Those that the project was learned with.
    status
        Called with a line of text from time to time.

    Returns
    -------
    dict
        `errors` by condition, with names as in fit.json; `comparisons`: what, and the values
        of potential and teacher; `sentences`; `shortfalls`: sentences about what is not good
        enough, see `VerdictSettings`.

    Raises
    ------
    ValueError
        There is no potential yet, or the settings are at fault.
    OSError
        Files that cannot be written.
    LearnError
        A run failed for reasons that have nothing to do with the potential.
    """
    project = Project(settings.folder)
    show = status or (lambda line: None)
    if not project.potential.is_file():
        raise ValueError(f"{project.folder}: there is no potential yet; learn first.")
    digest = hashlib.sha256(project.potential.read_bytes()).hexdigest()[:12]
    conditions = expand(settings.conditions)
    explored = {one.name: one.fingerprint for one in conditions}
    before = read_json(project.verdict)
    is_same = before and (before["potential"], before.get("conditions")) == (digest, explored)
    if is_same and not before.get("missing"):
        return _with_shortfalls(project, before, settings)
    folder = project.folder / "verdict" / digest
    potential = Potential.read(project.potential, active_set=False)
    with disk_watched(), project.locked(), make_teacher(settings.teacher) as teacher:
        folder.mkdir(parents=True, exist_ok=True)
        show("verdict: trajectories")
        snapshots, sentences = _trajectories(project, conditions, folder, settings, show)
        show(f"verdict: {teacher.name} labels {len(snapshots)} configurations")
        found = label(
            snapshots,
            teacher,
            folder / "labels.extxyz",
            engine=settings.engine,
            progress=lambda line: show(f"verdict: {teacher.name}: {line}"),
        )
        comparisons: list[dict[str, Any]] = []
        missing: list[str] = []
        with open_executor(settings.engine, project.job_logs) as executor:
            for number, crystal in enumerate(crystals(settings), start=1):
                show(f"verdict: relaxes {crystal.name}")
                kept = folder / "relaxations" / str(number)
                by = {
                    "potential": by_potential(potential),
                    "teacher": by_teacher(settings.teacher, executor, project.task_lock, kept),
                }
                try:
                    comparisons += _compared(crystal, by)
                except LabelError as error:
                    missing.append(f"{crystal.name} is not compared: {str(error).rstrip('.')}")
    labelled = found.labelled
    if found.failed:
        first = found.failed[0].info["reason"]
        sentences.append(f"{len(found.failed)} snapshots got no label, the first: {first}")
    errors = _errors(potential, labelled) if labelled else {}
    if labelled:
        seen = (project.fit(project.rounds()[-1]) or {})["errors"]
        sentences[:0] = _summary(errors["all"], seen, labelled)
        comparisons.append(_speed(potential, labelled, settings.teacher.cores))
    verdict = {
        "potential": digest,
        "conditions": explored,
        "teacher": teacher.name,
        "sentences": sentences,
        "errors": errors,
        "comparisons": comparisons,
        "missing": missing,
    }
    _write_input(project, conditions)
    return _with_shortfalls(project, verdict, settings)


def _with_shortfalls(
    project: Project, verdict: dict[str, Any], settings: LearnSettings
) -> dict[str, Any]:
    """As it is written: tolerances may have changed since."""
    found = list(shortfalls(project, verdict, settings.verdict.tolerance))
    if verdict.get("shortfalls") != found:
        verdict = verdict | {"shortfalls": found}
        write_json(project.verdict, verdict)
        write_page(project)
    return verdict


def shortfalls(
    project: Project, verdict: dict[str, Any], tolerance: ToleranceSettings
) -> Iterator[str]:
    """What could not be compared, what is beyond a tolerance, and errors on what the fit has not
    seen that are much larger than those on its data."""
    yield from verdict.get("missing", ())
    errors = verdict["errors"]
    for kind, (key, what, unit) in ERRORS.items():
        limit = getattr(tolerance, kind)
        worst = max(errors, key=lambda name: errors[name][key] or 0.0, default=None)
        if limit is not None and worst and (errors[worst][key] or 0.0) > limit:
            yield (
                f"{what} of {worst} are off by {errors[worst][key]:.3g} {unit}, more than "
                f"{limit:g} (verdict.tolerance.{kind})"
            )
    for row in verdict["comparisons"]:
        if (off := row.get("relative_difference", 0.0)) > tolerance.lattice_constant:
            yield (
                f"{row['what']}: {row['potential']}, the teacher says {row['teacher']}; that is "
                f"{off:.2%} apart, more than {tolerance.lattice_constant:.2%} "
                "(verdict.tolerance.lattice_constant)"
            )
    limit = tolerance.vacancy
    for row in verdict["comparisons"]:
        if limit is not None and abs(row.get("difference", 0.0)) > limit:
            yield (
                f"{row['what']}: {row['potential']}, the teacher says {row['teacher']}; that is "
                f"more than {limit:g} apart (verdict.tolerance.vacancy)"
            )
    seen = (project.fit(project.rounds()[-1]) or {})["errors"]
    for kind, least in REMARKABLE.items():
        key, what, unit = ERRORS[kind]
        if errors and (own := errors["all"][key]) > max(least, MUCH_LARGER * seen[key]):
            yield (
                f"{what} are off by {own:.3g} {unit} on trajectories that the fit has not seen, "
                f"but by {seen[key]:.3g} on its data: more of the worst condition, or a lower "
                "selection.select, would help"
            )


# ---- trajectories ----


def _trajectories(
    project: Project,
    conditions: Sequence[Condition],
    folder: Path,
    settings: LearnSettings,
    show: Callable[[str], None],
) -> tuple[list[Atoms], list[str]]:
    """Snapshots of runs of the potential, each condition from its beginning with other velocities;
    and which runs ended early."""
    largest = settings.selection.largest_cell  # for the teacher
    dynamics = [c for c in conditions if c.run == "dynamics" and len(c.structure) <= largest]
    parts = min(MOST_OF_A_CONDITION, max(1, MOST_LABELS // max(1, len(dynamics))))
    dynamics = dynamics[:MOST_LABELS]
    potentials = project.potentials(project.rounds()[-1])
    limits = (settings.selection.select, settings.selection.stop)
    if len(potentials) > 1:
        limits = (settings.selection.deviation_select, settings.selection.deviation_stop)
    cores = settings.exploration_cores
    work = [
        Task(
            condition.name,
            _in_parts,
            (project.task_lock, condition, parts, potentials, folder / "runs", limits, cores),
            cores,
        )
        for condition in dynamics
    ]
    runs: dict[str, list[Exploration]] = {}
    with open_executor(settings.engine, project.job_logs) as executor:
        for ended in executor.run(work):
            if ended.error is not None:
                raise failed(f'The run of "{ended.name}" for the verdict', ended.error)
            runs[ended.name] = ended.result
            show(f"verdict: {len(runs)} of {len(dynamics)} trajectories")
    closed = project.last_closed()
    snapshots = []
    sentences = [f"{reason[0].upper()}{reason[1:]}." for reason in closed.values()]
    for condition in dynamics:
        own = runs[condition.name]
        snapshots += [
            _last_safe(folder / "runs" / f"{condition.name}-{part}", condition)
            for part, run in enumerate(own, start=1)
            if run.picoseconds > 0
        ]
        if own[-1].ending != "finished" and condition.name not in closed:
            sentences.append(
                f"{condition.name} with other velocities ended at {own[-1].picoseconds:.3g} of "
                f"{condition.duration:g} ps: {own[-1].reason}; more rounds would settle it."
            )
    return snapshots, sentences


def _in_parts(
    task_lock: Path,
    condition: Condition,
    parts: int,
    potentials: Sequence[Path],
    folder: Path,
    limits: tuple[float, float],
    cores: int,
) -> list[Exploration]:
    """Run a condition, up to each part of its time, as long as it does not end early."""
    runs: list[Exploration] = []
    former: Path | None = None
    for part in range(1, parts + 1):
        own = folder / f"{condition.name}-{part}"
        shortened_condition = _part(condition, part / parts)
        arguments = (shortened_condition, potentials, own, limits, former, cores)
        runs.append(in_project(task_lock, explore_condition, *arguments))
        if runs[-1].ending != "finished":
            break
        former = own
    return runs


def _part(condition: Condition, fraction: float) -> Condition:
    """The first part of a condition; a ramp is as steep as in the whole."""

    def up_to(ends: tuple[float, float]) -> tuple[float, float]:
        return ends[0], ends[0] + fraction * (ends[1] - ends[0])

    steps = max(1, round(condition.steps * fraction))
    return replace(
        condition,
        seed=condition.seed + SEED,
        duration=steps * condition.timestep,
        temperature=up_to(condition.temperature),
        pressure=condition.pressure and up_to(condition.pressure),
    )


def _last_safe(folder: Path, condition: Condition) -> Atoms:
    elements = {number: atomic_numbers[e] for number, e in enumerate(condition.elements, start=1)}
    atoms = ase.io.read(
        folder / "safe.data", format="lammps-data", atom_style="atomic", Z_of_type=elements
    )
    assert isinstance(atoms, Atoms)
    bare = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=condition.structure.pbc)
    bare.info["config_type"] = condition.name
    return bare


def _errors(potential: Potential, labelled: Sequence[Atoms]) -> dict[str, dict[str, Any]]:
    """By condition, and of all; names as in fit.json."""
    return {
        group: {
            "configurations": one.configurations,
            "energy_rmse_mev": one.energy_rmse,
            "force_rmse": one.force_rmse,
            "stress_rmse_gpa": one.stress_rmse,
        }
        for group, one in errors_by_group(potential, labelled).groups.items()
    }


def _summary(
    errors: dict[str, Any], seen: dict[str, Any], labelled: Sequence[Atoms]
) -> Iterator[str]:
    """seen: errors on the data of the fit."""
    forces = np.concatenate([atoms.get_forces() for atoms in labelled])
    size = float(np.sqrt((forces**2).mean()))
    part = errors["force_rmse"] / size
    yield (
        f"On {len(labelled)} snapshots of its own trajectories, which its fit has not seen, the "
        f"potential's energies are off by {errors['energy_rmse_mev']:.3g} meV/atom and its forces "
        f"by {errors['force_rmse']:.3g} eV/Å, {part:.1%} of their size."
    )
    if part > LARGE_PART and errors["force_rmse"] < 1.5 * seen["force_rmse"]:
        yield (
            f"On the data of its fit they are off by {seen['force_rmse']:.3g} eV/Å, hardly less: "
            "the model is too small for this teacher. More data would change little, a larger "
            "model would: a higher level, a larger cutoff."
        )


def _speed(potential: Potential, labelled: Sequence[Atoms], cores: int) -> dict[str, str]:
    """Core seconds per atom."""
    atoms = sum(len(one) for one in labelled)
    teacher = cores * sum(one.info["label_seconds"] for one in labelled) / atoms
    started, times = time.perf_counter(), 0
    while times == 0 or time.perf_counter() - started < SECONDS_OF_TIMING:
        potential.evaluate(list(labelled), threads=1)
        times += 1
    own = (time.perf_counter() - started) / times / atoms
    return {
        "what": f"core time per atom, µs ({teacher / own:.3g} times as fast)",
        "potential": f"{1e6 * own:.3g}",
        "teacher": f"{1e6 * teacher:.3g}",
    }


# ---- crystals ----


def crystals(settings: LearnSettings) -> list[Crystal]:
    """The different crystals of the conditions, with the vacancies that those have."""
    found: dict[tuple[bytes, str], Crystal] = {}
    for own in settings.conditions:
        elements = sorted({name for given in own.vacancies for name, n in given.items() if n})
        for given in own.structure:
            for name, unit in _structures(given):
                if not unit.pbc.all() or len(unit) > LARGEST_CELL:
                    continue
                key = unit.cell.array.tobytes(), str(unit.symbols)
                before = found.get(key)
                vacancies = {*elements, *(before.vacancies if before else ())}
                repeats = own.supercell[0] if elements or not before else before.repeats
                found[key] = Crystal(name, unit, repeats, tuple(sorted(vacancies)))
    return list(found.values())


def _structures(given: str | Atoms) -> list[tuple[str, Atoms]]:
    return [(str(given.symbols), given)] if isinstance(given, Atoms) else read_structures(given)


def _compared(crystal: Crystal, by: Mapping[str, Relax]) -> list[dict[str, Any]]:
    """Lattice constants and energies of vacancies. Raises LabelError."""
    units = {
        name: relax({"cell": Relaxation(crystal.unit, cell=True)})["cell"]
        for name, relax in by.items()
    }
    lengths = {name: unit.cell.lengths() for name, unit in units.items()}
    texts = {
        name: ", ".join(f"{length:.4f}" for length in lengths[name]) + _remark(units[name])
        for name in by
    }
    off = float(np.abs(lengths["potential"] / lengths["teacher"] - 1).max())
    what = f"{crystal.name}: lattice constants a, b, c (Å)"
    rows: list[dict[str, Any]] = [{"what": what, **texts, "relative_difference": round(off, 5)}]
    lacking = [element for element in crystal.vacancies if element in crystal.unit.symbols]
    if not lacking or len(crystal.unit) * np.prod(crystal.repeats) > LARGEST_CELL:
        return rows
    relaxed = {
        name: relax(_vacancies(units[name].repeat(crystal.repeats), lacking))
        for name, relax in by.items()
    }
    of_one_element = len(set(crystal.unit.symbols)) == 1
    for element in lacking:
        energies = {name: _vacancy_energy(own, element) for name, own in relaxed.items()}
        what = "formation energy" if of_one_element else "energy"
        what = f"{crystal.name}: {what} of a relaxed vacancy of {element} (eV)"
        texts = {name: f"{energies[name]:.3f}{_remark(relaxed[name][element])}" for name in by}
        difference = round(energies["potential"] - energies["teacher"], 3)
        rows.append({"what": what, **texts, "difference": difference})
    return rows


def _vacancies(whole: Atoms, elements: Sequence[str]) -> dict[str, Relaxation]:
    """Of a cell, and of that without an atom of each element."""
    wanted = {WHOLE: Relaxation(whole, steps=0)}
    for element in elements:
        lacking = whole.copy()
        del lacking[list(lacking.symbols).index(element)]
        # out of the symmetry of the site, which may not be that of the lowest energy
        lacking.rattle(0.01, seed=1)
        wanted[element] = Relaxation(lacking)
    return wanted


def _vacancy_energy(relaxed: Mapping[str, Atoms], element: str) -> float:
    """Energy of the cell that lacks an atom minus that of the whole one; of crystals of one element
    plus the energy of an atom in it."""
    whole = relaxed[WHOLE]
    energy = float(whole.get_potential_energy())
    taken = energy / len(whole) if len(set(whole.symbols)) == 1 else 0.0
    return float(relaxed[element].get_potential_energy()) - energy + taken


def _remark(atoms: Atoms) -> str:
    return "" if atoms.info["relaxed"] else " (not relaxed to the end)"


# ---- to go on with ----


def _write_input(project: Project, conditions: Sequence[Condition]) -> None:
    """in.lammps and start.data beside the potential: the hottest dynamics of the conditions."""
    dynamics = [one for one in conditions if one.run == "dynamics"]
    hottest = max(dynamics or conditions, key=lambda one: max(one.temperature))
    temperature = max(hottest.temperature) or 300.0
    structure = hottest.structure.copy()
    if not structure.pbc.all():
        structure.center(vacuum=8.0, axis=np.flatnonzero(~structure.pbc))
    ase.io.write(
        project.folder / "start.data",
        structure,
        format="lammps-data",
        specorder=hottest.elements,
        masses=True,
        force_skew=True,
    )
    members = [path.name for path in project.published()]
    text = "\n".join(_input(hottest, temperature, members))
    write_atomically(project.folder / "in.lammps", text + "\n")


def _input(condition: Condition, temperature: float, potentials: Sequence[str]) -> Iterator[str]:
    """potentials: one with grades, or the members of a committee."""
    yield f"# {condition.name}, with the learned potential: lmp -in in.lammps"
    looks = "grade 10 break 10"
    if len(potentials) == 1:
        yield "# It warns of grades above 2, and ends above 10: such configurations are not known."
    else:
        looks = "grade off deviation 10"
        yield "# v_deviation is that of the committee's forces, eV/angstrom: how well it is known."
    yield "units           metal"
    yield f"boundary        {boundary(condition)}"
    yield "box             tilt large"
    yield "read_data       start.data"
    yield "#replicate      2 2 2"
    yield f"pair_style      forcesmith {looks}"
    yield f"pair_coeff      * * {' '.join(potentials)} {' '.join(condition.elements)}"
    yield f"timestep        {condition.timestep or 0.001:g}"
    yield f"velocity        all create {2 * temperature:g} 1 mom yes rot no dist gaussian"
    if condition.pressure is not None and condition.structure.pbc.all():
        bar = 1e4 * condition.pressure[1]
        ensemble = f"npt temp {temperature:g} {temperature:g} 0.1 iso {bar:g} {bar:g} 1.0"
    else:
        ensemble = f"nvt temp {temperature:g} {temperature:g} 0.1"
    yield f"fix             1 all {ensemble}"
    if len(potentials) > 1:
        yield "compute         committee all pair forcesmith"
        yield "variable        deviation equal c_committee[4]"
        yield "thermo_style    custom step temp pe press v_deviation"
    yield "thermo          100"
    yield "run             10000"
