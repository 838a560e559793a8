"""Settings from TOML files and dictionaries: what is wrong in them is told in one sentence."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened

Settings = TypeVar("Settings", bound=BaseModel)
_BRANCHES = ("one", "several", "str", "int", "float", "bool")
"""Of unions, which pydantic tells among the keys."""


def read_toml(path: str | os.PathLike[str], what: str = "settings file") -> dict[str, Any]:
    """The tree of a TOML file. Raises ValueError that names the file, and what it is."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait
            raise OSError("this is no file")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = shortened(getattr(error, "strerror", None) or error, 120)
        raise ValueError(f"Cannot read the {what} {path}: {reason}.") from None
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also of endless numbers
        raise ValueError(f"The {what} {path} is not valid TOML: {shortened(error, 120)}.") from None


class FileSettings(Section):
    """All settings of a command: of a TOML file, or of a dictionary."""

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Self:
        """Read a TOML file; paths in it are relative to its folder.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        ValueError
            One sentence that names the file and the key.
        """
        settings = cls.from_dict(read_toml(path), f"the settings file {path}")
        settings._start_paths_in(Path(path).parent)
        return settings

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any], where: str = "the settings") -> Self:
        """Check a nested dictionary.

        Parameters
        ----------
        tree
            As in the TOML file.
        where
            How messages call it.

        Raises
        ------
        ValueError
            One sentence that names `where` and the key.
        """
        return checked(cls, dict(tree), where)

    def _start_paths_in(self, folder: Path) -> None:
        """Relative paths begin in this folder from now on."""


def checked(kind: type[Settings], tree: dict[str, Any], where: str) -> Settings:
    """Settings of this kind. Raises ValueError: one sentence that names `where` and the key."""
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ValueError(shortened(_sentence(kind, error, where), 300)) from None


def _sentence(root: type[BaseModel], error: ValidationError, where: str) -> str:
    """The first problem pydantic found, as a sentence."""
    first = error.errors()[0]
    keys = [str(key) for key in first["loc"] if key not in _BRANCHES]
    if first["type"] == "extra_forbidden":
        known = list(_section(root, keys[:-1]).model_fields)
        nearest = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.0)[0]
        return (
            f'Unknown key "{shortened(".".join(keys), 80)}" in {where}; did you mean "{nearest}"? '
            f"Known here: {shortened(', '.join(known), 130)}."
        )
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "model_type":
        example = next(iter(_section(root, keys).model_fields))
        message = f"expected a table, {keys[-1]} = {{ {example} = ... }}"
    if first["type"] == "missing":
        message = "it is required"
    if first["type"] == "too_short":
        message = f"it needs {first['ctx']['min_length']} or more"
    if not keys:
        return f"In {where}: {message}."
    found = f", found {shortened(repr(first['input']), 80)}"
    if first["type"] in ("missing", "too_short", "value_error"):
        found = ""
    end = "" if message.endswith("?") and not found else "."
    return f'The key "{shortened(".".join(keys), 80)}" in {where} is wrong: {message}{found}{end}'


def _section(root: type[BaseModel], keys: list[str]) -> Any:
    """The settings that lie at these keys."""
    section: Any = root
    for key in keys:
        if key not in section.model_fields:
            continue  # the name of a group, the number of an entry
        section = section.model_fields[key].annotation
        # of `X | None`, list[X] and dict[str, X], X
        section = next((s for s in get_args(section) if hasattr(s, "model_fields")), section)
    return section
