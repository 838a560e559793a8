"""Docstrings of the public names: numpydoc sections that name every parameter.

Their form is checked by ruff (pyproject.toml); what it does not see is whether they are complete.
"""

from __future__ import annotations

import inspect
import re
from functools import cached_property

import forcesmith
import forcesmith.lammps
import forcesmith.sampling
import pytest
from pydantic import BaseModel

MODULES = [forcesmith, forcesmith.lammps, forcesmith.sampling]
OF_THE_CORE = {"__version__", "registry"}
MADE_BY_THE_PROGRAM = [forcesmith.Potential, forcesmith.Teacher, forcesmith.lammps.LammpsError]


def section(docstring: str, title: str) -> str | None:
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", docstring, re.MULTILINE | re.DOTALL)
    return found and found[1]


def named_parameters(docstring: str) -> list[str]:
    lines = (section(docstring, "Parameters") or "").splitlines()
    names = [re.split(r" ?: ", line)[0] for line in lines if line and not line.startswith(" ")]
    return [name.strip("* ") for line in names for name in line.split(",")]


def methods(cls: type) -> dict[str, object]:
    """Public ones that the class itself has, but for those that pydantic gives it."""
    return {
        name: member
        for name, member in vars(cls).items()
        if not name.startswith("_") and not hasattr(BaseModel, name)
    }


def described() -> dict[str, object]:
    """Public functions and classes, and what is public in these."""
    found = {}
    for module in MODULES:
        for name in set(module.__all__) - OF_THE_CORE:
            public = getattr(module, name)
            found[f"{module.__name__}.{name}"] = public
            if inspect.isclass(public):
                for own, member in methods(public).items():
                    if isinstance(member, (property, cached_property)):
                        found[f"{module.__name__}.{name}.{own}"] = member
                    elif inspect.isroutine(member) or isinstance(member, classmethod):
                        found[f"{module.__name__}.{name}.{own}"] = getattr(public, own)
    return found


@pytest.mark.parametrize("name", sorted(described()))
def test_docstring(name):
    public = described()[name]
    docstring = inspect.getdoc(public)
    assert docstring, "a public name without a docstring"
    assert re.match(r"[^\n]+[.:]$", docstring.split("\n\n")[0]), "the first paragraph is one line"
    if isinstance(public, (property, cached_property)) or (
        inspect.isclass(public) and issubclass(public, BaseModel)
    ):
        return
    if inspect.isclass(public) and "__init__" not in vars(public):
        return
    if hasattr(public, "__dataclass_fields__"):  # made by the program, its fields have docstrings
        return
    signature = inspect.signature(public)
    given = [p for p in signature.parameters if p != "self"]
    if public in MADE_BY_THE_PROGRAM:
        given = []
    assert named_parameters(docstring) == given
    is_function = inspect.isfunction(public) and public.__qualname__ == public.__name__
    if is_function and signature.return_annotation != "None":
        assert section(docstring, "Returns") or section(docstring, "Yields")


def test_reading_a_docstring():
    text = "Do it.\n\nParameters\n----------\na, b\n    Numbers.\n**c\n    More.\n\n"
    text += "Returns\n-------\nint"
    assert named_parameters(text) == ["a", "b", "c"]
    assert section(text, "Returns") == "int" and section(text, "Raises") is None
