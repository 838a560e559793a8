"""Settings of a validation: which properties, with which options."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from forcesmith.data.labels import shortened
from forcesmith.data.settings_files import FileSettings
from forcesmith.engine.settings import EngineSettings
from forcesmith.properties.property import Property
from forcesmith.properties.registry import PROPERTIES, check_property

STATIC = [name for name, kind in PROPERTIES.items() if not (kind.dynamics or kind.costly)]


class ValidationSettings(FileSettings):
    """All settings of a validation."""

    properties: list[str] = STATIC
    """What is computed, by name; by default all that needs neither dynamics nor hundreds of
    calculations (thermal_conductivity, ideal_strength). The lattice always is."""
    options: dict[str, dict[str, Any]] = {}
    """By property, where they are not the default: {phonons = {length = 15}}."""
    tolerances: dict[str, float] = {}
    """By property, relative deviations from the reference that are small."""
    samples: int = Field(0, ge=0, le=1000)
    """Potentials that are drawn from the covariance of the coefficients of every linear fit that
    kept it (`covariance = true`), for error bars on every property; each costs as much as the
    potential itself."""
    engine: EngineSettings = EngineSettings()
    """Where properties are computed; each is a task on one core."""

    @field_validator("properties", "tolerances", "options")
    @classmethod
    def _known(cls, given: Any) -> Any:
        for name in given:
            check_property(name)
        return given

    @model_validator(mode="after")
    def _options_of_properties(self) -> ValidationSettings:
        for name in self.options:
            try:
                self.made(name)
            except ValidationError as error:
                first = error.errors()[0]
                key = ".".join(map(str, first["loc"]))
                known = ", ".join(PROPERTIES[name].Options.model_fields)
                if first["type"] == "extra_forbidden":
                    raise ValueError(f'{name} has no option "{key}"; it has {known}') from None
                message = first["msg"].removeprefix("Value error, ")
                raise ValueError(
                    f"{f'`{key}` of ' if key else ''}{name}: {message}, "
                    f"found {shortened(repr(first['input']))}"
                ) from None
        return self

    def made(self, name: str) -> Property:
        """A property with its options.

        Parameters
        ----------
        name
            Of the property.

        Returns
        -------
        Property
            Not yet computing.
        """
        kind = PROPERTIES[name]
        return kind(kind.Options.model_validate(self.options.get(name, {})))
