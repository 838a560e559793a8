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
    """What BFGS and L-BFGS share."""

    last_gain: float
    """Of the value, in the last step."""

    @property
    @abstractmethod
    def knows_nothing(self) -> bool:
        """Whether the next step goes along the gradient."""

    @abstractmethod
    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """Minus the approximate inverse Hessian times the gradient, (n,)."""

    @abstractmethod
    def first_length(self, gradient: np.ndarray) -> float:
        """The first that is tried, in units of the direction."""

    @abstractmethod
    def learn(self, step: np.ndarray, change: np.ndarray) -> None:
        """A step and the change of the gradient by it, (n,) each."""

    @abstractmethod
    def forget(self) -> None:
        """All steps."""

    def step(
        self, evaluate: Function[More], x: np.ndarray, value: float, gradient: np.ndarray
    ) -> Point[More] | None:
        """From x, where value and gradient are known, to a lower point: (x, value, gradient, more);
        None if there is no way down."""
        while True:
            found = line_search(
                evaluate, x, self.direction(gradient), value, gradient, self.first_length(gradient)
            )
            if found is not None:
                break
            if self.knows_nothing:
                return None
            self.forget()  # once more, along the gradient
        step, change = found[0] - x, found[2] - gradient
        self.last_gain = value - found[1]
        if step @ change > 1e-10 * np.linalg.norm(step) * np.linalg.norm(change):
            self.learn(step, change)
        return found


class Bfgs(QuasiNewton):
    """Keeps an approximation of the inverse Hessian, at first the unit matrix."""

    def __init__(self, n: int):
        self.inverse = np.eye(n)
        self._is_new = True
        self.last_gain = np.inf

    @property
    def knows_nothing(self) -> bool:
        return self._is_new

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        return -self.inverse @ gradient

    def first_length(self, gradient: np.ndarray) -> float:
        """The full step, unless that promises far more than the last one gave."""
        promised = gradient @ self.inverse @ gradient
        return min(1.0, 2.02 * self.last_gain / promised) if promised > 0 else 1.0

    def learn(self, step: np.ndarray, change: np.ndarray) -> None:
        curvature = step @ change
        image = self.inverse @ change
        self.inverse += ((curvature + change @ image) / curvature**2) * np.outer(step, step)
        cross = np.outer(image / curvature, step)
        self.inverse -= cross
        self.inverse -= cross.T
        self._is_new = False

    def forget(self) -> None:
        self.inverse = np.eye(len(self.inverse))
        self._is_new = True
        self.last_gain = np.inf


class Lbfgs(QuasiNewton):
    """Remembers the last steps and gradient changes only."""

    def __init__(
        self,
        memory: int,
        steps: Iterable[np.ndarray] = (),
        changes: Iterable[np.ndarray] = (),
    ):
        self.memory = memory
        self.steps = list(steps)
        self.changes = list(changes)

    @property
    def knows_nothing(self) -> bool:
        return not self.steps

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        return lbfgs_direction(gradient, self.steps, self.changes)

    def first_length(self, gradient: np.ndarray) -> float:
        return 1.0 if self.steps else min(1.0, float(0.1 / np.linalg.norm(gradient)))

    def learn(self, step: np.ndarray, change: np.ndarray) -> None:
        self.steps.append(step)
        self.changes.append(change)
        del self.steps[: -self.memory], self.changes[: -self.memory]

    def forget(self) -> None:
        self.steps, self.changes = [], []


def lbfgs_direction(
    gradient: np.ndarray, steps: Sequence[np.ndarray], changes: Sequence[np.ndarray]
) -> np.ndarray:
    """Minus the inverse Hessian approximation times the gradient, by the two-loop recursion."""
    direction = -gradient
    factors = []
    for step, change in zip(reversed(steps), reversed(changes), strict=True):
        factor = (step @ direction) / (step @ change)
        factors.append(factor)
        direction = direction - factor * change
    if steps:
        direction = direction * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
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
