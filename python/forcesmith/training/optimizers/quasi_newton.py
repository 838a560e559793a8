"""Quasi-Newton methods (J. Nocedal, S. J. Wright, Numerical Optimization, chapters 6 and 7), one
iteration at a time, so that a search can be stopped, written to a file and resumed anywhere.

The functions that are minimised return value, gradient, and anything more the caller wants back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

More = TypeVar("More")
Function = Callable[[np.ndarray], tuple[float, np.ndarray, More]]
Point = tuple[np.ndarray, float, np.ndarray, More]
"""x, and value, gradient, more there."""


class QuasiNewton(ABC):
    """What BFGS and L-BFGS share: both know the inverse Hessian by steps and gradient changes."""

    def __init__(self) -> None:
        self.steps: list[np.ndarray] = []
        self.changes: list[np.ndarray] = []
        self.last_gain = np.inf
        """Of the value, in the last step."""

    @abstractmethod
    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """Minus the approximate inverse Hessian times the gradient, (n,)."""

    @abstractmethod
    def first_length(self, gradient: np.ndarray, direction: np.ndarray) -> float:
        """The first that is tried, in units of the direction."""

    def learn(self, step: np.ndarray, change: np.ndarray) -> None:
        """A step and the change of the gradient by it, (n,) each."""
        self.steps.append(step)
        self.changes.append(change)

    def forget(self) -> None:
        """All steps."""
        self.steps, self.changes = [], []
        self.last_gain = np.inf

    def step(
        self, evaluate: Function[More], x: np.ndarray, value: float, gradient: np.ndarray
    ) -> Point[More] | None:
        """From x, where value and gradient are known, to a lower point: (x, value, gradient, more);
        None if there is no way down."""
        while True:
            direction = self.direction(gradient)
            first = self.first_length(gradient, direction)
            found = line_search(evaluate, x, direction, value, gradient, first)
            if found is not None:
                break
            if not self.steps:
                return None
            self.forget()  # once more, along the gradient
        step, change = found[0] - x, found[2] - gradient
        self.last_gain = value - found[1]
        if step @ change > 1e-10 * np.linalg.norm(step) * np.linalg.norm(change):
            self.learn(step, change)
        return found


class Bfgs(QuasiNewton):
    """From the unit matrix, with all steps. For some tens of them, their products take far less
    time than a matrix."""

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        return two_loops(gradient, self.steps, self.changes, 1.0)

    def first_length(self, gradient: np.ndarray, direction: np.ndarray) -> float:
        """The full step, unless that promises far more than the last one gave."""
        promised = -gradient @ direction
        return min(1.0, 2.02 * self.last_gain / promised) if promised > 0 else 1.0


class Lbfgs(QuasiNewton):
    """Remembers the last steps only, and starts from the curvature along the last one."""

    def __init__(
        self,
        memory: int,
        steps: Iterable[np.ndarray] = (),
        changes: Iterable[np.ndarray] = (),
    ):
        super().__init__()
        self.memory = memory
        self.steps = list(steps)
        self.changes = list(changes)

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        if not self.steps:
            return -gradient
        step, change = self.steps[-1], self.changes[-1]
        return two_loops(gradient, self.steps, self.changes, (step @ change) / (change @ change))

    def first_length(self, gradient: np.ndarray, direction: np.ndarray) -> float:
        return 1.0 if self.steps else min(1.0, float(0.1 / np.linalg.norm(gradient)))

    def learn(self, step: np.ndarray, change: np.ndarray) -> None:
        super().learn(step, change)
        del self.steps[: -self.memory], self.changes[: -self.memory]


def two_loops(
    gradient: np.ndarray,
    steps: Sequence[np.ndarray],
    changes: Sequence[np.ndarray],
    start: float,
) -> np.ndarray:
    """Minus the inverse Hessian by BFGS times the gradient, (n,) (Nocedal and Wright, algorithm
    7.4). start: the diagonal of the matrix before the first step."""
    direction = -gradient
    factors = []
    for step, change in zip(reversed(steps), reversed(changes), strict=True):
        factor = (step @ direction) / (step @ change)
        factors.append(factor)
        direction = direction - factor * change
    direction = direction * start
    for step, change, factor in zip(steps, changes, reversed(factors), strict=True):
        direction = direction + (factor - (change @ direction) / (step @ change)) * step
    return direction


def line_search(
    evaluate: Function[More],
    x: np.ndarray,
    direction: np.ndarray,
    value: float,
    gradient: np.ndarray,
    first: float,
) -> Point[More] | None:
    """A point along the direction that fulfils the weak Wolfe conditions, or None if 30 evaluations
    do not find one. What is not finite counts as too far."""
    slope = float(gradient @ direction)
    if not slope < 0:
        return None
    low, low_value, low_slope, high = 0.0, value, slope, np.inf
    length = first
    for _ in range(30):
        point = x + length * direction
        new_value, new_gradient, more = evaluate(point)
        new_slope = float(new_gradient @ direction)
        gap = length - low
        if not new_value <= value + 1e-4 * length * slope or not np.isfinite(new_slope):
            # The minimum of a parabola through what is known of both ends, not too close to them.
            bend = new_value - low_value - low_slope * gap
            high = length
            share = -0.5 * low_slope * gap / bend if np.isfinite(bend) and bend > 0 else 0.1
            length = low + min(max(share, 0.1), 0.5) * gap
        elif new_slope < 0.9 * slope:
            low, low_value, low_slope = length, new_value, new_slope
            length = 3 * length if high == np.inf else (low + high) / 2
        else:
            return point, new_value, new_gradient, more
    return None
