"""Where and in which units data files keep labels."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from forcesmith.data.label_units import unit_factor


class Section(BaseModel):
    """Settings that belong together; unknown names are errors."""

    model_config = ConfigDict(
        extra="forbid",
        validate_assignment=True,
        allow_inf_nan=False,
    )


class LabelSettings(Section):
    """Where and in which units data files keep labels; all of them are options of `read` and of
    the commands that read data, too (`stress_key` as `--stress-key`)."""

    model_config = ConfigDict(use_attribute_docstrings=True)  # help of the commands; it takes time
    energy_key: str | None = None
    """Entry that holds the energy."""
    forces_key: str | None = None
    """Entry that holds the forces."""
    stress_key: str | None = None
    """Entry that holds the stress, positive in tension."""
    virial_key: str | None = None
    """Entry that holds the virial, positive in compression."""
    energy_unit: str | None = None
    """Of energies and virials: eV, hartree, Ry, kcal/mol, kJ/mol."""
    forces_unit: str | None = None
    """Of forces: eV/angstrom, hartree/bohr, kcal/mol/angstrom, ..."""
    stress_unit: str | None = None
    """Of stresses: eV/angstrom^3, GPa, kbar, bar, hartree/bohr^3."""
    length_unit: str | None = None
    """Of positions and cells: angstrom, bohr, nm."""
    cflength: float | None = Field(None, gt=0.0)
    """Units of length of n2p2's data files per angstrom."""
    cfenergy: float | None = Field(None, gt=0.0)
    """Units of energy of n2p2's data files per eV."""

    @field_validator("energy_unit", "forces_unit", "stress_unit", "length_unit")
    @classmethod
    def _known_unit(cls, name: str | None, checked: ValidationInfo) -> str | None:
        if name is not None:
            assert checked.field_name is not None
            unit_factor(checked.field_name.removesuffix("_unit"), name)
        return name
