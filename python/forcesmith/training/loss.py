"""The loss of a potential on a training set, and its gradient with all parameters at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from forcesmith import _core
from forcesmith.training.training_set import LabelledBatch, Residuals, residuals

Penalty = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Of all model parameters: a term of the loss, and its gradient."""


@dataclass
class Fitted:
    """The loss (weighted sum of squares, with penalties) and the residuals behind it, per batch."""

    loss: float
    residuals: list[Residuals]


def no_penalty(model_parameters: np.ndarray) -> tuple[float, np.ndarray]:
    return 0.0, np.zeros(len(model_parameters))


def with_role(core: _core.Potential, role: str) -> np.ndarray:
    """True for the model parameters of this role (`_core.ParameterBlock`), (n_parameters,)."""
    found = np.zeros(len(core.model_parameters), dtype=bool)
    for block in core.model_parameter_blocks:
        if block.role == role:
            found[block.begin : block.begin + block.size] = True
    return found


def free_parameters(core: _core.Potential, fixed_offsets: bool) -> np.ndarray:
    """True for the model parameters that are fitted, (n_parameters,)."""
    if fixed_offsets:
        return ~with_role(core, "offset")
    return np.ones(len(core.model_parameters), dtype=bool)


class Loss:
    """Loss and gradient as functions of one vector x: descriptor parameters, then those parameters
    of the model that are free, see `free_parameters`."""

    def __init__(
        self,
        evaluator: _core.Evaluator,
        batches: Sequence[LabelledBatch],
        free: np.ndarray,
        n_workers: int,
        penalty: Penalty = no_penalty,
    ):
        self.evaluator = evaluator
        self.core = core = evaluator.potential
        self.batches = batches
        for batch in batches:
            evaluator.keep(batch.neighbors)
        self.free = free
        self.n_workers = n_workers
        self.penalty = penalty
        self.n_descriptor = len(core.descriptor_parameters)

    def parameters(self) -> np.ndarray:
        return np.concatenate(
            [self.core.descriptor_parameters, self.core.model_parameters[self.free]]
        )

    def set_parameters(self, x: np.ndarray) -> None:
        self.core.descriptor_parameters = x[: self.n_descriptor]
        model = self.core.model_parameters
        model[self.free] = x[self.n_descriptor :]
        self.core.model_parameters = model

    def value(self) -> Fitted:
        """At the present parameters."""
        found = [residuals(self.evaluator, batch, self.n_workers) for batch in self.batches]
        penalty, _ = self.penalty(self.core.model_parameters)
        return Fitted(sum(r.loss for r in found) + penalty, found)

    def __call__(self, x: np.ndarray) -> tuple[Fitted, np.ndarray]:
        """Sets the parameters to x; loss and gradient (len(x),) there."""
        self.set_parameters(x)
        fitted = self.value()
        descriptor, model = gradients(
            self.evaluator, self.batches, fitted.residuals, self.n_workers
        )
        _, slope = self.penalty(self.core.model_parameters)
        return fitted, np.concatenate([descriptor, (model + slope)[self.free]])


def gradients(
    evaluator: _core.Evaluator,
    batches: Sequence[LabelledBatch],
    found: Sequence[Residuals],
    n_workers: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Of the weighted sum of squares: with the descriptor parameters, with the model parameters."""
    core = evaluator.potential
    total = [np.zeros(len(core.descriptor_parameters)), np.zeros(len(core.model_parameters))]
    for batch, residual in zip(batches, found, strict=True):
        weights = batch.weights
        parts = evaluator.parameter_gradient(
            batch.neighbors,
            2 * weights.energies * residual.energies,
            2 * weights.forces * residual.forces,
            2 * weights.virials * residual.virials,
            n_workers,
        )
        for sum_, part in zip(total, parts, strict=True):
            sum_ += part
    return total[0], total[1]
