"""Fitting: from labelled configurations to a potential."""

from __future__ import annotations

import os
import resource
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from pydantic import BaseModel

from forcesmith import _core
from forcesmith.analysis.metrics import ErrorTable, errors_by_group
from forcesmith.data.batches import smallest_distances
from forcesmith.data.checks import check_configurations
from forcesmith.data.dataset import Dataset, split
from forcesmith.data.labels import shortened
from forcesmith.extrapolation.active_sets import (
    ActiveSet,
    find_active_set,
    holds_active_set,
    row_lengths,
)
from forcesmith.potentials.evaluator import Evaluator, core_evaluator, worker_count
from forcesmith.potentials.potential import Potential
from forcesmith.potentials.short_range import set_short_range, strengthen_wall
from forcesmith.training.checkpoint import (
    Checkpoint,
    State,
    adjustable_settings,
    check_data,
    check_settings,
    compared_data,
    compared_settings,
    damaged,
)
from forcesmith.training.covariance import Covariance
from forcesmith.training.input_statistics import standardize_inputs
from forcesmith.training.linear_start import start_from_linear
from forcesmith.training.optimizers.gradient_search import GradientSearch, method_for
from forcesmith.training.optimizers.linear_search import LinearSearch
from forcesmith.training.optimizers.variable_projection import LinearLeastSquares
from forcesmith.training.record import Progress, Record
from forcesmith.training.settings import FitSettings
from forcesmith.training.starting_potential import given_offsets, starting_potential
from forcesmith.training.training_set import TrainingSet

MOST_COLUMNS = 3000
"""Of an active set that a fit makes by default; so that memory stays below about 2 GB."""
MOST_WORK = 3e11
"""Atoms times columns squared, likewise; the passes over the data take minutes then."""
NOT_IN_PROVENANCE = {
    "start",
    "threads",
    "resume",
    "overwrite",
    "checkpoint_seconds",
    "device",
    "memory",
}


class UnusedGroupWeights(UserWarning):
    """Weights of groups that the training data do not have."""


@dataclass
class FitResult:
    """A fitted potential, and how the fit went."""

    potential: Potential
    """The best potential that was found."""
    train_errors: ErrorTable
    """Errors on the fitted configurations, per group."""
    test_errors: ErrorTable | None
    """Errors on the test configurations; None without them."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Per iteration: iteration, loss, energy_rmse_mev, force_rmse, seconds."""
    seconds: float = 0.0
    """Wall time."""
    peak_memory_mb: float = 0.0
    """Largest memory of the process, MB."""
    coefficient_errors: np.ndarray | None = None
    """Standard errors of the model parameters, (n_parameters,), in their order (offsets first), for
    given descriptor parameters; NaN without more labels than coefficients, None after Ctrl-C."""
    active_set: ActiveSet | None = None
    """What the potential got as its active set in this run; None without one."""
    covariance: Covariance | None = None
    """Of the coefficients; None unless the settings ask for it."""
    ending: str = "converged"
    """Why the search ended: "converged", "iterations", "early stopping", "interrupted" (Ctrl-C) or
    "diverged". The potential is the best one found, whatever it was."""
    was_finished: bool = False
    """Whether there was nothing left to do: a resumed fit that had ended."""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C or a signal ended the search."""
        return self.ending == "interrupted"


def fit(
    train: Sequence[Atoms],
    test: Sequence[Atoms] | None = None,
    settings: FitSettings | dict[str, Any] | None = None,
    *,
    progress: Progress | None = None,
    status: Callable[[str], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    **overrides: Any,
) -> FitResult:
    """Fit a potential to energies (eV), forces (eV/angstrom) and stresses (eV/angstrom^3).

    The potential has an active set, so that it knows extrapolation grades (settings.active_set).
    Ctrl-C ends the optimisation and returns the best potential so far, without one.

    Parameters
    ----------
    train, test
        ASE structures with their labels in a calculator, as `forcesmith.read` gives them;
        `info["config_type"]` names the group, `info["weight"]` a weight of the configuration.
    settings
        See `FitSettings`.
    progress
        Called after every iteration.
    status
        Called with a line of text from time to time while the active set is searched.
    checkpoint
        Potential file that always holds the best potential so far; beside NAME.json,
        NAME.state.npz is what `optimizer.resume` goes on from, and NAME.lock keeps other fits
        away. What lay there from another fit becomes FILE.previous; that of an interrupted fit is
        replaced only with `optimizer.overwrite`.
    **overrides
        Sections of the settings by name, as in
        `fit(train, descriptor={"type": "moment_tensor", "level": 12, "cutoff": 5.0})`.

    Returns
    -------
    FitResult
        The potential and its errors.

    Raises
    ------
    ValueError
        Settings or data that cannot be fitted.
    OSError
        Files that cannot be written: before the fit, and once more at its end; between, a failure
        is a warning.
    """
    settings = _settings(settings, overrides)
    train, test = Dataset(train), Dataset(() if test is None else test)
    if checkpoint is None:
        if settings.optimizer.resume:
            raise ValueError("optimizer.resume needs to know the file: fit(..., checkpoint=FILE).")
        return _fit(train, test, settings, progress, status, None)
    files = Checkpoint(checkpoint)
    with files.locked():
        return _fit(train, test, settings, progress, status, files)


def _fit(
    train: Dataset,
    test: Dataset,
    settings: FitSettings,
    progress: Progress | None,
    status: Callable[[str], None] | None,
    checkpoint: Checkpoint | None,
) -> FitResult:
    started = time.monotonic()
    elements = settings.elements or train.elements
    if checkpoint is not None and not (settings.optimizer.resume or settings.optimizer.overwrite):
        checkpoint.refuse_to_lose()
    with_active_set = _has_active_set(settings, checkpoint)
    _check_data(train, test, elements, settings)
    compared = compared_settings(settings, elements)
    start = _start(train, elements, settings, compared, checkpoint)
    _check_covariance(settings, start, checkpoint)
    potential, resumed = start.potential, start.resumed
    evaluator = core_evaluator(
        potential._core,
        device=settings.optimizer.device,
        kept_bytes=round(1e6 * settings.optimizer.memory),
    )
    optimizer = settings.optimizer.model_copy(
        update={"method": start.method if start.by_gradient else "auto"}
    )
    train, validation = _without_validation(train, settings, start.by_gradient)
    data = compared_data(train, validation)
    if checkpoint is not None and resumed is not None:
        check_data(checkpoint.state_file, resumed.data, data)
    training_set = TrainingSet(
        train,
        elements,
        potential.cutoff,
        settings.weights,
        keep_configurations=start.method == "adam",
    )
    ended = resumed.ending if resumed is not None and resumed.is_finished(optimizer) else None
    if ended is None:
        distances = smallest_distances(train + validation, elements, potential.cutoff)
        set_short_range(potential, distances, settings.wall)
    if checkpoint is not None:
        checkpoint.warn_of_what_is_left_out(potential)
    common = {
        "settings": compared,
        "adjustable": adjustable_settings(optimizer),
        "data": data,
        "method": start.method,
    }
    record = Record(potential, training_set, optimizer, progress, checkpoint, common, started)
    search = _search(record, evaluator, validation, settings, start)
    if checkpoint is not None and resumed is not None:
        _resume(record, search, resumed, checkpoint)
    ending = ended or _searched(record, search)
    results = Evaluator(potential, device=optimizer.device)
    train_errors = errors_by_group(results.evaluate(train), train)
    test_errors = errors_by_group(results.evaluate(test), test) if test else None
    coefficient_errors = None if ending == "interrupted" else search.coefficient_errors
    active_set, covariance = None, None
    try:
        covariance = _covariance(search, settings, ending)
        if checkpoint is not None and ended is not None:
            checkpoint.give_active_set(potential)
        if with_active_set and ending != "interrupted" and not potential.has_active_set:
            active_set = _find_active_set(potential, train, settings, status)
    except KeyboardInterrupt:
        ending = "interrupted"
    if ended is None:
        potential._core.provenance = _provenance(
            settings, training_set, train_errors, test_errors, coefficient_errors
        )
    if ended is None or active_set is not None:
        record.save_result(ending)
    _write_covariance(covariance, record)
    return FitResult(
        potential=potential,
        train_errors=train_errors,
        test_errors=test_errors,
        history=record.history,
        seconds=time.monotonic() - started,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        coefficient_errors=coefficient_errors,
        active_set=active_set,
        covariance=covariance,
        ending=ending,
        was_finished=ended is not None,
    )


def _has_active_set(settings: FitSettings, checkpoint: Checkpoint | None) -> bool:
    """Raises ValueError where one is asked for that the output cannot hold."""
    chosen = settings.active_set
    if chosen.mode == "off":
        return False
    if checkpoint is None or holds_active_set(checkpoint.potential_file, chosen.parameters):
        return True
    if chosen.model_fields_set:
        raise ValueError(
            f"{checkpoint.potential_file}: this format cannot hold an active set of the "
            f"{chosen.parameters} parameters; write a .json file, or set active_set.mode to "
            '"off".'
        )
    return False


def _check_covariance(settings: FitSettings, start: _Start, checkpoint: Checkpoint | None) -> None:
    """Raises ValueError where one is asked for that there is not, or no place for."""
    if not settings.covariance:
        return
    if start.by_gradient or settings.optimizer.solver == "ard":
        raise ValueError(
            "`covariance` is that of least squares: it needs a linear or quadratic model and the "
            'optimizer.solver "svd".'
        )
    if checkpoint is not None and not checkpoint.potential_file.endswith(".json"):
        raise ValueError(
            f"{checkpoint.potential_file}: the covariance lies beside a .json file only; write "
            "one, or leave out `covariance`."
        )


def _covariance(
    search: GradientSearch | LinearSearch, settings: FitSettings, ending: str
) -> Covariance | None:
    """None where the settings do not ask for it, and after Ctrl-C. To be called before the
    potential gets an active set, which it loses when its parameters are set."""
    if not settings.covariance or ending == "interrupted":
        return None
    assert isinstance(search, LinearSearch)
    return search.covariance()


def _write_covariance(covariance: Covariance | None, record: Record) -> None:
    if covariance is not None and record.checkpoint is not None:
        covariance.write(record.checkpoint.potential_file, record.potential)


def _find_active_set(
    potential: Potential,
    train: Dataset,
    settings: FitSettings,
    status: Callable[[str], None] | None,
) -> ActiveSet | None:
    """None where it would be too large, unless the settings ask for it."""
    chosen = settings.active_set
    assert chosen.mode != "off"
    columns = max(row_lengths(potential, chosen.parameters, chosen.mode).values())
    n_atoms = sum(len(atoms) for atoms in train)
    is_large = columns > MOST_COLUMNS or n_atoms * columns**2 > MOST_WORK
    if is_large and not chosen.model_fields_set:
        warnings.warn(
            "The potential gets no active set, so it knows no extrapolation grades: with "
            f"{columns} parameters and {n_atoms} atoms that would take long; set active_set.mode, "
            "or use the command forcesmith active-set.",
            stacklevel=2,
        )
        return None
    return find_active_set(
        potential,
        train,
        chosen.parameters,
        chosen.mode,
        threads=settings.optimizer.threads,
        progress=status,
    )


def _check_data(
    train: Dataset, test: Dataset, elements: Sequence[str], settings: FitSettings
) -> None:
    check_configurations(
        train, elements, "train", forces_required=_forces_required(train, settings)
    )
    if test:
        check_configurations(test, elements, "test")
    if unused := settings.weights.unused_groups(train.groups):
        present = ", ".join(sorted(set(train.groups)))
        warnings.warn(
            f"weights.groups has {shortened(', '.join(unused), 80)}, but the training data have no "
            f"such group (config_type); they have {shortened(present, 100)}.",
            UnusedGroupWeights,
            stacklevel=3,
        )


def check_can_be_fitted(
    configurations: Dataset, elements: Sequence[str], settings: FitSettings
) -> None:
    """Raise the ValueError that a fit would, as far as it is known without labels."""
    potential = starting_potential(configurations, elements, settings)
    given_offsets(settings, elements)
    method = method_for(potential, settings.optimizer)
    _without_validation(configurations, settings, method != "linear")


@dataclass
class _Start:
    """What a fit starts from."""

    potential: Potential
    method: str
    resumed: State | None
    """The state of the checkpoint to go on from."""

    @property
    def by_gradient(self) -> bool:
        return self.method != "linear"


def _start(
    train: Dataset,
    elements: Sequence[str],
    settings: FitSettings,
    compared: dict[str, Any],
    checkpoint: Checkpoint | None,
) -> _Start:
    """compared: the settings that must be those of a checkpoint to be resumed."""
    if checkpoint is None or not settings.optimizer.resume:
        potential = starting_potential(train, elements, settings)
        start = _Start(potential, method_for(potential, settings.optimizer), None)
    else:
        state, file = checkpoint.resume(), checkpoint.state_file
        check_settings(file, state.settings, compared)
        potential = Potential.from_json(state.potential, str(file))
        start = _Start(potential, method_for(potential, settings.optimizer), state)
        own = {"optimizer": {"method": start.method}}
        check_settings(file, {"optimizer": {"method": state.method}}, own)
    if checkpoint is not None:
        checkpoint.check_writable(potential)
    return start


def _without_validation(
    train: Dataset, settings: FitSettings, by_gradient: bool
) -> tuple[Dataset, Dataset]:
    """What is fitted, and what stops the search early."""
    if not settings.data.validation_fraction:
        return train, Dataset()
    if not by_gradient:
        raise ValueError(
            "validation_fraction is for searches by gradient, where it stops them early; this "
            "linear model is solved exactly: leave it out, or choose another optimizer.method."
        )
    return split(train, settings.data.validation_fraction, settings.optimizer.seed)


def _search(
    record: Record,
    evaluator: _core.Evaluator,
    validation: Dataset,
    settings: FitSettings,
    start: _Start,
) -> GradientSearch | LinearSearch:
    """The search for the parameters of the record's potential, which it prepares for that."""
    core, training_set, optimizer = record.core, record.training_set, record.optimizer
    offsets = given_offsets(settings, training_set.elements)
    n_workers = worker_count(optimizer.threads)
    if not start.by_gradient:
        squares = LinearLeastSquares(evaluator, training_set, optimizer.ridge, offsets, n_workers)
        return LinearSearch(record, squares, optimizer)
    if start.resumed is None:
        if offsets is not None:
            core.set_energy_offsets(offsets)
        elif not settings.goes_on:
            core.set_energy_offsets(training_set.smallest_energy_offsets())
        if core.has_own_input_scale and not settings.goes_on:
            standardize_inputs(core, training_set, n_workers)
        if core.has_linear_part and not settings.goes_on:
            start_from_linear(evaluator, training_set, optimizer.ridge, offsets, n_workers)
    validation_set = TrainingSet(
        validation, training_set.elements, start.potential.cutoff, settings.weights
    )
    fixed_offsets = offsets is not None
    return GradientSearch(record, evaluator, validation_set, optimizer, fixed_offsets, n_workers)


def _resume(
    record: Record,
    search: GradientSearch | LinearSearch,
    state: State,
    checkpoint: Checkpoint,
) -> None:
    """Go on where the checkpoint ends."""
    try:
        record.resume(state)
        search.resume(state.arrays)
    except (KeyError, TypeError, ValueError):
        raise damaged(checkpoint.state_file) from None
    stored = Potential.from_json(state.potential, str(checkpoint.state_file))
    if not checkpoint.holds(stored):  # killed between the two files
        checkpoint.write(stored, state)


def _searched(record: Record, search: GradientSearch | LinearSearch) -> str:
    """Leaves the best parameters in the potential. Returns how the search ended."""
    record.core.provenance = {}  # not that of an earlier end
    try:
        ending = search.run()
    finally:
        record.save()  # what follows takes a while
    strengthen_wall(record.potential)
    return ending


def _settings(
    settings: FitSettings | dict[str, Any] | None, overrides: dict[str, Any]
) -> FitSettings:
    if isinstance(settings, FitSettings):
        # a section that was changed counts as given, also if it was not at first
        settings = settings.model_dump(exclude_unset=True) | {
            name: section.model_dump(exclude_unset=True)
            for name, section in settings
            if isinstance(section, BaseModel) and section.model_fields_set
        }
    return FitSettings.from_dict({**(settings or {}), **overrides})


def _forces_required(train: Dataset, settings: FitSettings) -> set[str]:
    """The groups with a force weight: there, missing forces are a mistake."""
    weights = settings.weights
    return {
        group for group in set(train.groups) if weights.force * weights.of_group(group).force > 0
    }


def _provenance(
    settings: FitSettings,
    training_set: TrainingSet,
    train_errors: ErrorTable,
    test_errors: ErrorTable | None,
    coefficient_errors: np.ndarray | None,
) -> dict[str, Any]:
    provenance = {
        "program": f"forcesmith {_core.__version__}",
        "training_set": {
            "configurations": training_set.n_configurations,
            "atoms": training_set.n_atoms,
            "sha256": training_set.hash,
        },
        **settings.data.model_dump(include={"cflength", "cfenergy"}, exclude_none=True),
        "weights": settings.weights.model_dump(),
        "optimizer": settings.optimizer.model_dump(exclude=NOT_IN_PROVENANCE),
        "train_errors": _plain(train_errors),
        "test_errors": _plain(test_errors) if test_errors else None,
    }
    if coefficient_errors is not None and np.isfinite(coefficient_errors).all():
        provenance["coefficient_errors"] = [float(f"{error:.3g}") for error in coefficient_errors]
    return provenance


def _plain(errors: ErrorTable) -> dict[str, Any]:
    return {"all": errors.to_dict()["all"]}
