"""Mean, spread and range of the descriptor values over the atoms of a training set, for models
whose inputs have a scale of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forcesmith import _core
from forcesmith.training.training_set import TrainingSet


@dataclass
class InputStatistics:
    """Of the descriptor values of one element, each (n_values,)."""

    n: int
    mean: np.ndarray
    squares: np.ndarray  # mean square
    low: np.ndarray
    high: np.ndarray

    def add(self, values: np.ndarray) -> None:
        """values: (n_atoms, n_values)"""
        if len(values) == 0:
            return
        n = self.n + len(values)
        self.mean += (values - self.mean).sum(axis=0) / n
        self.squares += (values**2 - self.squares).sum(axis=0) / n
        self.low = np.minimum(self.low, values.min(axis=0))
        self.high = np.maximum(self.high, values.max(axis=0))
        self.n = n

    @property
    def factor(self) -> np.ndarray:
        spread = np.sqrt(np.maximum(self.squares - self.mean**2, 0.0))
        # Values that do not vary in the training set say nothing.
        return np.where(spread > 1e-10 * (1 + np.abs(self.mean)), 1 / np.maximum(spread, 1e-300), 0)


def standardize_inputs(core: _core.Potential, training_set: TrainingSet, n_workers: int) -> None:
    """Make the model see values of mean 0 and spread 1, and know their range.

    core: with a model that has an input scale of its own.
    """
    found = input_statistics(core, training_set, n_workers)
    core.standardize_inputs(
        mean=[s.mean for s in found],
        factor=[s.factor for s in found],
        min=[s.low for s in found],
        max=[s.high for s in found],
    )


def input_statistics(
    core: _core.Potential, training_set: TrainingSet, n_workers: int
) -> list[InputStatistics]:
    """Of the atoms of each element. Raises ValueError for an element without atoms."""
    found = []
    for element in range(len(training_set.elements)):
        n = core.size(element)
        found.append(
            InputStatistics(0, np.zeros(n), np.zeros(n), np.full(n, np.inf), np.full(n, -np.inf))
        )
    for batch in training_set.batches:
        values = core.descriptor_values(batch.neighbors, n_workers)
        for element, statistics in enumerate(found):
            own = batch.neighbors.types == element
            statistics.add(values[own, : core.size(element)])
    for symbol, statistics in zip(training_set.elements, found, strict=True):
        if statistics.n == 0:
            raise ValueError(
                f"The training data has no atom of {symbol}, so its network would learn nothing; "
                "take it out of the elements, or add data."
            )
    return found
