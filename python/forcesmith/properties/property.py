"""The contract of a property: what it is computed from, and what it gives."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any, ClassVar, Literal

from ase import Atoms
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.subject import Subject


class Quantity(Section):
    """One number."""

    value: float
    """In `unit`."""
    unit: str = ""
    """Empty for numbers without one."""
    error: float | None = None
    """Standard error: of blocks for what is sampled, of the members for committees."""
    tolerance: float | None = None
    """Deviation from the reference that is small, in `unit`; None: that of the property, relative
    to the reference."""


class Curve(Section):
    """Points of a plot, one line."""

    x: list[float]
    """Abscissas."""
    y: list[float]
    """Ordinates, as many."""
    error: list[float] | None = None
    """Standard errors of the ordinates."""
    label: str = ""
    """What it is, where a plot has several for a subject."""


class Plot(Section):
    """Curves of one subject; those of all subjects share axes."""

    title: str
    """Above it."""
    x_label: str
    """With unit."""
    y_label: str
    """With unit."""
    curves: list[Curve]
    """At least one."""
    style: Literal["lines", "points"] = "lines"
    """"points": symbols, joined by lines."""
    ticks: list[tuple[float, str]] = []
    """Named abscissas."""
    y_limits: tuple[float, float] | None = None
    """None: those of the curves."""


class PropertyResult(Section):
    """What computing a property gave."""

    quantities: dict[str, Quantity]
    """By name; the same names for all subjects."""
    plots: dict[str, Plot] = {}
    """By name."""
    method: str = ""
    """How it was obtained: cells, settings, programs; one sentence."""
    notes: list[str] = []
    """What a reader must know: imaginary modes, warnings, what was left out."""
    crystal: dict[str, Any] | None = None
    """Of the lattice: the relaxed crystal, as ASE's `Atoms.todict` has it."""
    crystals: list[dict[str, Any] | None] | None = None
    """Of the lattice of a committee: those of all members; None: of a drawn one without any."""
    largest_grade: float | None = None
    """Largest extrapolation grade of all configurations on the way; above 2 they are outside of the
    training data."""
    seconds: float = Field(0.0, ge=0.0)
    """That it took."""


class PropertyError(RuntimeError):
    """Why a property has no value: one sentence."""


class Property(abc.ABC):
    """One property, with its options."""

    name: ClassVar[str]
    """Key in settings and results."""
    title: ClassVar[str]
    """Heading in reports."""
    Options: ClassVar[type[Section]]
    """Schema of the options."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Python packages that it needs, beside those of forcesmith."""
    dynamics: ClassVar[bool] = False
    """Whether it is sampled by LAMMPS: left out where the subject cannot run there."""
    costly: ClassVar[bool] = False
    """Whether it takes so long that it is computed only when it is asked for."""
    compared: ClassVar[bool] = True
    """Whether deviations from the reference say anything."""
    ranked: ClassVar[bool] = False
    """Whether subjects are ranked by it: by the sum of all quantities, the largest first."""
    tolerance: ClassVar[float] = 0.05
    """Relative deviation from the reference that is small."""

    def __init__(self, options: Any = None):
        """options: of the class `Options`; None: the defaults."""
        self.options: Any = self.Options() if options is None else options

    def problem(self, crystal: Atoms) -> str | None:
        """Why this crystal does not have the property; None if it has."""
        return None

    @abc.abstractmethod
    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        """Compute it.

        Parameters
        ----------
        crystal
            Relaxed with the subject, in the conventional cell and standard orientation of its space
            group.
        subject
            What it is computed with.
        folder
            Exists; for the files of programs, which stay.

        Returns
        -------
        PropertyResult
            Grades and seconds are filled in by the caller.

        Raises
        ------
        PropertyError
            There is no value: one sentence.
        """
