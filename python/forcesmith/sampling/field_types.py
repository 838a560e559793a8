"""Kinds of values that settings of structures and of runs have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from forcesmith.data.labels import shortened

HIGHEST_TEMPERATURE = 1e5  # K


def listed(given: Any) -> Any:
    """A list, also of one thing alone."""
    return given if isinstance(given, list) else [given]


def _ends(given: Any) -> Any:
    """A number, or "300:1500" for a ramp."""
    if isinstance(given, str):
        parts = given.split(":")
        try:
            numbers = [float(part) for part in parts]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2):
            raise ValueError(
                f'expected a number, or a ramp "300:1500", not {shortened(repr(given))}'
            )
        return numbers[0], numbers[-1]
    return (given, given) if isinstance(given, (int, float)) else given


Ends = tuple[float, float]
"""A quantity at the beginning and at the end of a run."""
Ramp = Annotated[Ends, BeforeValidator(_ends)]
