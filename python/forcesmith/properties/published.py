"""Values given by hand, to compare with: of experiments, of publications."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.data.settings_files import checked, read_toml
from forcesmith.properties.registry import check_property


class PublishedValue(Section):
    value: float
    """In the unit of the property."""
    error: float | None = None
    """Of the value."""
    source: str = ""
    """Where it stands."""


@dataclass(frozen=True)
class Published:
    """What one file says."""

    name: str
    source: str
    values: dict[str, dict[str, dict[str, PublishedValue]]]
    """By structure, property and quantity."""

    def value(self, structure: str, name: str, quantity: str) -> PublishedValue | None:
        """None: the file does not tell it."""
        return self.values.get(structure, {}).get(name, {}).get(quantity)


def read_published(path: Path) -> Published:
    """Read a TOML file.

    `name` and `source`, then a table for every property of every structure:
    `[MgO.elastic_constants]` with `C11 = 297` or `C11 = {value = 297, error = 2}`.
    Raises ValueError: one sentence that names the file and the key.
    """
    tree = read_toml(path, "file of published values")
    name, source = tree.pop("name", path.stem), tree.pop("source", "")
    values: dict[str, dict[str, dict[str, PublishedValue]]] = {}
    for structure, properties in tree.items():
        for key, quantities in _table(properties, structure, path).items():
            try:
                check_property(key)
            except ValueError as error:
                raise ValueError(f"{shortened(path, 150)}: {error}") from None
            place = f"{structure}.{key}"
            values.setdefault(structure, {})[key] = {
                quantity: checked(
                    PublishedValue,
                    value if isinstance(value, dict) else {"value": value},
                    f"{place}.{quantity} of {path}",
                )
                for quantity, value in _table(quantities, place, path).items()
            }
    return Published(str(name), str(source), values)


def _table(value: Any, place: str, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(
            f"{path}: {shortened(place)} is no table; write a table for every property of every "
            "structure, such as [MgO.elastic_constants]."
        )
    return value
