"""Settings of a teacher: a table in TOML, or a text that is short for one, "sevennet:7net-0"."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forcesmith.data.labels import shortened
from forcesmith.data.settings_files import read_toml
from forcesmith.teachers.kind import Kind
from forcesmith.teachers.registry import KINDS


class TeacherSettings(BaseModel):
    """`type`, what all teachers have, and the options of that type.

    A text becomes such a table: "emt", "TYPE:VALUE" with the main option of the type, or
    "module:function" of Python.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    type: str
    """Kind of teacher."""
    name: str = ""
    """What labels call it; by default the type and its main option."""
    cores: int = Field(1, ge=1, le=100_000)
    """Threads of a label, or what "{cores}" in a command stands for."""
    timeout: float | None = Field(None, gt=0.0)
    """Seconds after which a label is given up, and all its processes are ended."""
    stress: bool = True
    """Whether labels of configurations that are periodic in all directions have a stress."""
    gentler: dict[str, Any] = {}
    """Options that replace those above for a second try of labels that failed."""
    version: str = ""
    """Of what the program cannot see, for example a module that a function imports: labels of
    different versions are not mixed."""
    folder: str = "."
    """Where relative paths start, itself relative to the folder of the settings file."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        kind, _, value = (part.strip() for part in given.partition(":"))
        if kind in KINDS:
            options = KINDS[kind].options_of(value) if value else {}
            return {"type": kind, "name": given, **options}
        if value and all(part.isidentifier() for part in (*kind.split("."), *value.split("."))):
            return {"type": "function", "name": given, "function": f"{kind}:{value}"}
        return {"type": kind}

    @model_validator(mode="after")
    def _known(self) -> TeacherSettings:
        if self.type not in KINDS:
            nearest = difflib.get_close_matches(self.type, KINDS, n=1, cutoff=0.0)[0]
            raise ValueError(
                f'there is no teacher "{shortened(self.type)}"; did you mean "{nearest}"? Known: '
                f"{', '.join(KINDS)}, and Python functions as module:name"
            )
        for options in (self.options, _merged(self.options, self.gentler)):
            try:
                KINDS[self.type].Options.model_validate(options)
            except ValidationError as error:
                raise ValueError(_problem(self.type, error)) from None
        if not self.name:
            kind = KINDS[self.type]
            checked = kind.Options.model_validate(self.options)
            main = getattr(checked, kind.main_option, None)
            self.name = f"{self.type}:{main}" if main else self.type
        return self

    @property
    def options(self) -> dict[str, Any]:
        """Those of the type."""
        return dict(self.model_extra or {})

    def relative_to(self, folder: Path) -> TeacherSettings:
        """A copy whose paths are absolute.

        Parameters
        ----------
        folder
            Where relative ones start.

        Returns
        -------
        TeacherSettings
            The copy.
        """
        return self.model_copy(update={"folder": os.path.abspath(folder / self.folder)})

    def kind(self, gentler: bool = False) -> Kind:
        """The kind, with its options.

        Parameters
        ----------
        gentler
            With those of the second try.

        Returns
        -------
        Kind
            Not yet computing.
        """
        options = _merged(self.options, self.gentler) if gentler else self.options
        kind = KINDS[self.type]
        return kind(kind.Options.model_validate(options), Path(self.folder), self.cores)


def teacher_settings(
    given: TeacherSettings | str | Mapping[str, Any], folder: Path = Path()
) -> TeacherSettings:
    """Settings from whatever a user gave: a text, a table, or the name of a TOML file with one.

    folder: where relative paths start. Raises ValueError: one sentence.
    """
    if isinstance(given, TeacherSettings):
        return given.relative_to(folder)
    where = "the settings of the teacher"
    table: Any = given
    if isinstance(given, str) and given.endswith(".toml"):
        path = folder / given
        where = f"the teacher of {path}"
        table = read_toml(path)
        table = table.get("teacher", table)
        folder = path.parent
    try:
        return TeacherSettings.model_validate(table).relative_to(folder)
    except ValidationError as error:
        first = error.errors()[0]
        keys = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        at = f"`{shortened(keys)}`: " if keys else ""
        raise ValueError(shortened(f"In {where}: {at}{message}.", 300)) from None


def _merged(options: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Tables within tables are merged, too."""
    both = dict(options)
    for key, value in others.items():
        before = both.get(key)
        both[key] = (
            _merged(before, value)
            if isinstance(before, dict) and isinstance(value, dict)
            else value
        )
    return both


def _problem(kind: str, error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        common = [name for name in TeacherSettings.model_fields if name != "type"]
        known = [*KINDS[kind].Options.model_fields, *common]
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
        return (
            f'unknown key "{shortened(key)}" of the teacher {kind}; did you mean "{nearest}"? '
            f"Known: {', '.join(known)}"
        )
    if first["type"] == "missing":
        return f"the teacher {kind} needs `{key}`"
    return f"`{key}` of the teacher {kind}: {first['msg']}"
