"""Fitting: from labelled configurations to a potential."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from scipy.optimize import minimize

from forcesmith import _core
from forcesmith.dataset import check_configurations, group_of
from forcesmith.metrics import ErrorTable, errors_by_group
from forcesmith.potential import Potential, worker_count
from forcesmith.settings import FitSettings, GroupWeights
from forcesmith.training_set import TrainingSet
from forcesmith.variable_projection import (
    Fitted,
    GaussNewtonCoordinates,
    JointLoss,
    LinearLeastSquares,
)

Progress = Callable[[int, float, float, float, float], None]
"""progress(iteration, loss, energy RMSE in meV/atom, force RMSE in eV/angstrom, seconds)"""

ITERATIONS_OF_STAGNATION = 20
ITERATIONS_PER_ROUND = 100  # between two exact solutions for the model parameters
SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass
class FitResult:
    potential: Potential
    train_errors: ErrorTable
    test_errors: ErrorTable | None
    history: list[dict[str, float]] = field(default_factory=list)
    """Per iteration: iteration, loss, energy_rmse_mev, force_rmse, seconds."""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    coefficient_errors: np.ndarray | None = None
    """Standard errors of the model parameters, (n_parameters,), in their order (offsets first), for
    given descriptor parameters; NaN without more labels than coefficients, None after Ctrl-C."""
    interrupted: bool = False
    """Ctrl-C ended the fit early; the potential is the best one so far."""


def fit(
    train: Sequence[Atoms],
    test: Sequence[Atoms] | None = None,
    settings: FitSettings | dict[str, Any] | None = None,
    *,
    progress: Progress | None = None,
    checkpoint: str | os.PathLike | None = None,
    **overrides: Any,
) -> FitResult:
    """Fit a potential to energies (eV), forces (eV/angstrom) and stresses (eV/angstrom^3).

    train, test: ASE structures with their labels in a calculator, as `forcesmith.read` gives them;
        `info["config_type"]` names the group, `info["weight"]` a weight of the configuration.
    settings: see `FitSettings`; sections may also be given by name, as in
        `fit(train, descriptor={"type": "moment_tensor", "level": 12, "cutoff": 5.0})`.
    progress: called after every iteration.
    checkpoint: potential file that always holds the best potential so far.

    Ctrl-C ends the optimisation and returns the best potential so far. Raises ValueError with one
    sentence for settings or data that cannot be fitted.
    """
    started = time.monotonic()
    settings = _settings(settings, overrides)
    if isinstance(train, Atoms) or isinstance(test, Atoms):
        raise ValueError("fit needs lists of configurations, not a single one; write [atoms].")
    train, test = list(train), list(test or [])
    elements = settings.elements or sorted({s for a in train for s in a.get_chemical_symbols()})
    check_configurations(
        train, elements, "train", forces_required=_forces_required(train, settings)
    )
    if test:
        check_configurations(test, elements, "test")

    potential = _start(train, elements, settings)
    core = potential._core
    training_set = TrainingSet(train, elements, potential.cutoff, settings.weights)
    n_workers = worker_count(settings.optimizer.threads)
    squares = LinearLeastSquares(
        core,
        training_set,
        settings.optimizer.ridge,
        _given_offsets(settings, elements),
        n_workers,
    )
    search = _Search(potential, training_set, squares, settings, progress, checkpoint, started)
    interrupted = search.run()

    train_errors = errors_by_group(potential, train)
    test_errors = errors_by_group(potential, test) if test else None
    core.provenance = _provenance(settings, training_set, train_errors, test_errors)
    if not interrupted and np.isfinite(squares.standard_errors).all():
        core.provenance = core.provenance | {
            "coefficient_errors": [float(f"{error:.3g}") for error in squares.standard_errors]
        }
    if checkpoint is not None:
        potential.write(checkpoint)
    return FitResult(
        potential=potential,
        train_errors=train_errors,
        test_errors=test_errors,
        history=search.history,
        seconds=time.monotonic() - started,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        coefficient_errors=None if interrupted else squares.standard_errors,
        interrupted=interrupted,
    )


class _Search:
    """Search over descriptor and model parameters; keeps the best potential.

    In rounds: the model parameters are solved for exactly, then a quasi-Newton search moves both
    kinds of parameters.
    """

    def __init__(self, potential, training_set, squares, settings, progress, checkpoint, started):
        self.potential = potential
        self.core: _core.Potential = potential._core
        self.training_set: TrainingSet = training_set
        self.squares: LinearLeastSquares = squares
        self.joint = JointLoss(potential._core, squares)
        self.settings: FitSettings = settings
        self.progress = progress
        self.checkpoint = checkpoint
        self.started = started
        self.history: list[dict[str, float]] = []
        self.best_loss = np.inf
        self.best: tuple[np.ndarray, np.ndarray] | None = None
        self.best_rmse = (np.nan, np.nan)
        self.checkpoint_at = time.monotonic()

    def run(self) -> bool:
        """Search; leaves the best parameters in the potential. True if Ctrl-C ended it."""
        interrupted = False
        try:
            self._keep_if_best(self.squares.solve(self.core))
            self._iteration_done()
            if self.joint.n_descriptor > 0:
                while self._iterations_left() > 1 and self._round():
                    pass
            if self.settings.optimizer.solver == "ard":
                self._restore_best()
                self.best_loss = np.inf  # fewer coefficients, larger loss
                self._keep_if_best(
                    self.squares.solve_ard(self.core, self.settings.optimizer.ard_threshold)
                )
                self._iteration_done()
        except KeyboardInterrupt:
            if self.best is None:
                raise
            interrupted = True
        self._restore_best()
        return interrupted

    def _iterations_left(self) -> int:
        return self.settings.optimizer.max_iterations - len(self.history)

    def _round(self) -> bool:
        """From one exact solution to the next. False if that gained next to nothing."""
        before = self.best_loss
        self._restore_best()
        coordinates = GaussNewtonCoordinates(self.joint, before)

        def loss_and_gradient(z: np.ndarray) -> tuple[float, np.ndarray]:
            fitted, gradient = self.joint(coordinates.origin + coordinates.transform @ z)
            self._keep_if_best(fitted)
            # The logarithm makes steps and their acceptance independent of the loss's magnitude.
            loss = max(fitted.loss, np.finfo(float).tiny)
            return float(np.log(loss)), coordinates.transform.T @ gradient / loss

        def iteration_done(_z: np.ndarray) -> None:
            self._iteration_done()
            if self._stagnates():
                raise StopIteration  # ends this minimisation

        minimize(
            loss_and_gradient,
            np.zeros(len(coordinates.origin)),
            jac=True,
            method="BFGS",
            callback=iteration_done,
            options={
                "maxiter": min(ITERATIONS_PER_ROUND, self._iterations_left() - 1),
                "gtol": 0.0,
            },
        )
        self._restore_best()
        self._keep_if_best(self.squares.solve(self.core))
        self._iteration_done()
        return before - self.best_loss > self.settings.optimizer.tolerance * before

    def _keep_if_best(self, fitted: Fitted) -> None:
        if fitted.loss < self.best_loss:
            self.best_loss = fitted.loss
            self.best = (self.core.descriptor_parameters, self.core.model_parameters)
            self.best_rmse = self.training_set.rmse(fitted.residuals)

    def _stagnates(self) -> bool:
        if len(self.history) <= ITERATIONS_OF_STAGNATION:
            return False
        before = self.history[-1 - ITERATIONS_OF_STAGNATION]["loss"]
        return before - self.best_loss < self.settings.optimizer.tolerance * before

    def _iteration_done(self) -> None:
        seconds = time.monotonic() - self.started
        row = {
            "iteration": len(self.history) + 1,
            "loss": self.best_loss,
            "energy_rmse_mev": self.best_rmse[0],
            "force_rmse": self.best_rmse[1],
            "seconds": seconds,
        }
        self.history.append(row)
        if self.progress is not None:
            self.progress(*row.values())
        if (
            self.checkpoint is not None
            and time.monotonic() - self.checkpoint_at > SECONDS_BETWEEN_CHECKPOINTS
        ):
            current = (self.core.descriptor_parameters, self.core.model_parameters)
            self._restore_best()
            self.potential.write(self.checkpoint)
            self.core.descriptor_parameters, self.core.model_parameters = current
            self.checkpoint_at = time.monotonic()

    def _restore_best(self) -> None:
        assert self.best is not None
        self.core.descriptor_parameters, self.core.model_parameters = self.best


def _settings(settings: FitSettings | dict | None, overrides: dict[str, Any]) -> FitSettings:
    if isinstance(settings, FitSettings):
        settings = settings.model_dump(exclude_unset=True)
    return FitSettings.from_dict({**(settings or {}), **overrides})


def _forces_required(train: Sequence[Atoms], settings: FitSettings) -> set[str]:
    """The groups with a force weight: there, missing forces are a mistake."""
    weights = settings.weights
    return {
        group
        for group in {group_of(atoms) for atoms in train}
        if weights.force * weights.groups.get(group, GroupWeights()).force > 0
    }


def _start(train: Sequence[Atoms], elements: Sequence[str], settings: FitSettings) -> Potential:
    """The potential the search starts from, before any fit."""
    old = None
    if settings.optimizer.start:
        old = Potential.read(settings.optimizer.start, elements)
        if "descriptor" not in settings.model_fields_set:
            return old
    descriptor = settings.descriptor.model_dump()
    name = descriptor["type"]
    known = {f["name"] for f in _core.registry()["descriptors"][name]}
    for key, value in descriptor.items():
        if isinstance(value, dict) and value and set(value) & set(chemical_symbols):
            descriptor[key] = _by_element(value, elements, f"descriptor's '{key}'")
    cutoff = descriptor.get("cutoff")
    if isinstance(cutoff, (int, float)):  # if not, the descriptor says what it wants
        if not 0 < cutoff < np.inf:
            raise ValueError(f"The cutoff must be a positive distance in angstrom, not {cutoff}.")
        smallest = _smallest_distance(train, float(cutoff))
        if "min_distance" in known and descriptor.get("min_distance") is None:
            own = None if old is None else old.info()["descriptors"][0].get("min_distance")
            descriptor["min_distance"] = 0.95 * smallest if own is None else own
    potential = Potential.from_json(
        json.dumps(
            {
                "format": "forcesmith potential",
                "version": 1,
                "elements": list(elements),
                "descriptors": [descriptor],
                "model": settings.model.model_dump(exclude={"energy_offsets"}),
                "zbl": settings.zbl.model_dump() if settings.zbl else None,
            }
        ),
        "the fit settings",
    )
    core = potential._core
    noise = np.random.default_rng(settings.optimizer.seed).normal(
        size=len(core.descriptor_parameters)
    )
    core.descriptor_parameters = core.descriptor_parameters + 0.1 * noise
    if old is not None:
        core.adopt_descriptor_parameters(old._core)
    return potential


def _smallest_distance(train: Sequence[Atoms], cutoff: float) -> float:
    from vesin import NeighborList

    smallest = cutoff
    search = NeighborList(cutoff=cutoff, full_list=False)
    for atoms in train:
        distances = search.compute(
            points=atoms.positions,
            box=atoms.cell.complete().array,
            periodic=atoms.pbc,
            quantities="d",
        )[0]
        if len(distances):
            smallest = min(smallest, float(distances.min()))
    if smallest == cutoff:
        raise ValueError(
            f"No two atoms of the training data are closer than the cutoff of {cutoff} angstrom; "
            "there is nothing to fit."
        )
    return smallest


def _given_offsets(settings: FitSettings, elements: Sequence[str]) -> np.ndarray | None:
    offsets = settings.model.energy_offsets
    if offsets is None:
        return None
    return np.array(_by_element(offsets, elements, "model's energy_offsets"))


def _by_element(values: dict[str, Any], elements: Sequence[str], name: str) -> list:
    """The values in the order of the elements; ValueError unless there is one for each."""
    if set(values) != set(elements):
        raise ValueError(
            f"The {name} are for {', '.join(values)}, but the elements are "
            f"{', '.join(elements)}; give one for each, or none for the default."
        )
    return [values[element] for element in elements]


def _provenance(settings, training_set, train_errors, test_errors) -> dict:
    return {
        "program": f"forcesmith {_core.__version__}",
        "training_set": {
            "configurations": training_set.n_configurations,
            "atoms": training_set.n_atoms,
            "sha256": training_set.hash,
        },
        "weights": settings.weights.model_dump(),
        "optimizer": settings.optimizer.model_dump(exclude={"start", "threads"}),
        "train_errors": _plain(train_errors),
        "test_errors": _plain(test_errors) if test_errors else None,
    }


def _plain(errors: ErrorTable) -> dict:
    return {"all": errors.to_dict()["all"]}
