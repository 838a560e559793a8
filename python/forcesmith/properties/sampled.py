"""What all properties sampled by LAMMPS share: options, and what they need."""

from __future__ import annotations

from ase import Atoms
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.property import Property


class SamplingOptions(Section):
    """Options of a run; properties have defaults of their own, and further options."""

    pressure: float = 0.0
    """GPa."""
    length: float = Field(15.0, gt=0.0)
    """Least distance between opposite faces of the supercell, angstrom."""
    timestep: float = Field(0.001, gt=0.0)
    """Of the dynamics, ps."""
    equilibration: float = Field(10.0, gt=0.0)
    """Before anything is sampled, ps."""
    duration: float = Field(50.0, gt=0.0)
    """Sampled, ps, in five blocks."""
    seed: int = Field(1, ge=1)
    """Of the velocities, and of all else that is left to chance."""


class SampledProperty(Property):
    """A property that is sampled by LAMMPS."""

    packages = ("spglib",)
    dynamics = True

    def problem(self, crystal: Atoms) -> str | None:
        if getattr(self.options, "temperature", 0.0) is None:
            return f"give a temperature: options.{self.name}.temperature"
        return None
