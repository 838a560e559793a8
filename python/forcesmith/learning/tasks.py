"""What workers do: functions of small arguments; what is large lies in the project's folder."""

from __future__ import annotations

import fcntl
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ase import Atoms

from forcesmith.analysis.metrics import errors_by_group
from forcesmith.data.dataset import Dataset
from forcesmith.data.reading import read
from forcesmith.lammps import run
from forcesmith.learning.conditions import Condition
from forcesmith.learning.exploration import Exploration, explore
from forcesmith.potentials.potential import Potential
from forcesmith.teachers.labelling import label_task
from forcesmith.teachers.settings import TeacherSettings
from forcesmith.training.checkpoint import state_file
from forcesmith.training.committee import member_path
from forcesmith.training.fitting import FitResult, UnusedGroupWeights, fit
from forcesmith.training.settings import FitSettings

T = TypeVar("T")
TRIES = 3
"""Of a task whose process was killed."""


def in_project(task_lock: Path, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Run a task that works in a project: a run that goes on with it waits until the task has
    ended, or its process."""
    with open(task_lock, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
        except OSError:
            pass  # no locks on this file system
        return function(*arguments, **options)


def check_lammps() -> None:
    """Raises LammpsError where LAMMPS does not run, or does not know the pair style."""
    run("pair_style forcesmith\n")


def explore_condition(
    condition: Condition,
    potentials: Sequence[Path],
    folder: Path,
    limits: tuple[float, float],
    former: Path | None,
    cores: int,
) -> Exploration:
    """limits: to select and to stop; former: exploration to go on from, where it was safe."""
    select, stop = limits
    return explore(
        condition, potentials, folder, select=select, stop=stop, cores=cores, start=former
    )


def label(settings: TeacherSettings, atoms: Atoms, scratch: Path) -> Atoms:
    """Labels of a configuration, info as it has it. Raises LabelError."""
    # A label that a killed run was at may still be written to a folder.
    labelled = label_task(settings, atoms, scratch / f"{atoms.info['id']}-{os.getpid()}")
    labelled.info = {**atoms.info, **labelled.info}
    return labelled


@dataclass(frozen=True)
class FitRequest:
    """A fit of a round."""

    settings: FitSettings
    labels: Path
    folder: Path
    """Of the round."""
    start: Sequence[Path]
    """Potentials of the round before; none in the first one."""
    labels_before: int
    """Labels that those were fitted to."""
    member: int = 1
    """Of a committee."""
    cores: int = 1


def fit_member(request: FitRequest) -> dict[str, Any]:
    """Fit a potential of a round, from that of the round before, or go on with the fit that was
    interrupted. Numbers of the fit, for fit.json."""
    started = time.monotonic()
    data = read(request.labels)
    path = request.folder / "potential.json"
    if request.member > 1:
        path = member_path(path, request.member)
    previous = request.start[min(request.member, len(request.start)) - 1] if request.start else None
    settings = _settings(request, path, previous)
    try:
        result = _fit(data, settings, path)
    except ValueError:
        if not settings.optimizer.resume:
            raise
        # The fit that was interrupted had other settings, or its file is damaged: anew.
        for leftover in (state_file(path), path, path.with_suffix(".active_set")):
            leftover.unlink(missing_ok=True)
        settings.optimizer = settings.optimizer.model_copy(update={"resume": False})
        result = _fit(data, settings, path)
    numbers = {
        "potentials": [path.name],
        "labels": len(data),
        "grades": result.potential.has_active_set,
        "active_set": result.active_set and str(result.active_set),
        "ending": result.ending,
        "errors": _errors(result.potential, data),
        "seconds": time.monotonic() - started,
        "cores": request.cores,
    }
    if previous is not None and request.member == 1 and len(data) > request.labels_before:
        new = data[request.labels_before :]
        numbers["errors_on_new"] = _errors(Potential.read(previous), new)
    return numbers


def _fit(data: Dataset, settings: FitSettings, path: Path) -> FitResult:
    with warnings.catch_warnings():  # groups come as conditions are labelled
        warnings.simplefilter("ignore", UnusedGroupWeights)
        return fit(data, settings=settings, checkpoint=path)


def _settings(request: FitRequest, path: Path, previous: Path | None) -> FitSettings:
    """Radial functions, coefficients and weights carry over: the fit begins with them."""
    own = request.settings
    optimizer = own.optimizer.model_copy(
        update={
            "seed": own.optimizer.seed + request.member - 1,
            "resume": state_file(path).exists(),
            "start": None if previous is None else str(previous),
            "threads": request.cores,
        }
    )
    tree = {key: getattr(own, key) for key in own.model_fields_set}
    if previous is not None:  # that potential goes on as it is, with its descriptor and terms
        for key in ("descriptor", "model", "terms", "zbl"):
            tree.pop(key, None)
    return FitSettings.model_validate(tree | {"optimizer": optimizer})


def _errors(potential: Potential, data: Dataset) -> dict[str, float | None]:
    total = errors_by_group(potential.evaluate(data), data).total
    return {
        "energy_rmse_mev": total.energy_rmse,
        "force_rmse": total.force_rmse,
        "stress_rmse_gpa": total.stress_rmse,
        "configurations": len(data),
    }
