"""The start of models that have a linear part: the best linear model."""

from __future__ import annotations

import json

import numpy as np

from forcesmith import _core
from forcesmith.potentials.potential import Potential
from forcesmith.training.optimizers.variable_projection import LinearLeastSquares
from forcesmith.training.training_set import Observables, TrainingSet, residuals


def start_from_linear(
    evaluator: _core.Evaluator,
    training_set: TrainingSet,
    ridge: float,
    offsets: np.ndarray | None,
    n_workers: int,
) -> None:
    """Fit the linear part of a model and its energy offsets around its other parts as they are.

    evaluator: of a potential whose model has a linear part.
    offsets: given energy offsets (n_elements,), eV; None: fitted.
    """
    core = evaluator.potential
    n_elements = len(training_set.elements)
    sizes = [core.size(element) for element in range(n_elements)]
    document = json.loads(core.to_json()) | {"model": {"type": "linear", "shared": False}}
    linear = Potential.from_json(json.dumps(document), trained=False)._core
    squares = LinearLeastSquares(_core.Evaluator(linear), training_set, ridge, offsets, n_workers)
    core.set_linear_part([np.zeros(size) for size in sizes])
    core.set_energy_offsets(squares.baseline[:n_elements])
    others = [residuals(evaluator, batch, n_workers) for batch in training_set.batches]
    squares.targets = [Observables(-r.energies, -r.forces, -r.virials) for r in others]
    squares.solve()
    found = np.split(linear.model_parameters, np.cumsum([n_elements, *sizes])[:-1])
    core.set_energy_offsets(found[0])
    core.set_linear_part(found[1:])
