"""Teachers that are ASE calculators in Python: those of ASE, and what a function returns."""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.emt import EMT
from ase.calculators.emt import parameters as emt_parameters

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.teachers.kind import (
    LABELS,
    Kind,
    distribution_version,
    file_digest,
    with_files,
)


class PythonKind(Kind):
    """A calculator that is made once, for all configurations."""

    @cached_property
    def made(self) -> GetPropertiesMixin:
        """The calculator. Raises ValueError if it cannot be made."""
        raise NotImplementedError

    @property
    def provides(self) -> frozenset[str]:
        return LABELS & set(getattr(self.made, "implemented_properties", ()))

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        return self.made


def _resolved(name: str, form: str) -> Callable[..., Any]:
    """What a text like "module:name" or "module.name" stands for."""
    try:
        found = pkgutil.resolve_name(name)
    except Exception as error:
        raise ValueError(
            f'The teacher "{shortened(name, 80)}" cannot be imported: '
            f"{shortened(f'{type(error).__name__}: {error}', 120)}; give {form}."
        ) from None
    if not callable(found):
        raise ValueError(f'The teacher "{shortened(name, 80)}" cannot be called; give {form}.')
    return found


def _call(function: Callable[..., Any], name: str, parameters: dict[str, Any]) -> Any:
    try:
        made = function(**parameters)
    except Exception as error:
        raise ValueError(
            f'The teacher "{shortened(name, 80)}" cannot be made: '
            f"{shortened(f'{type(error).__name__}: {error}', 150)}."
        ) from None
    if not hasattr(made, "get_property"):
        raise ValueError(
            f'The teacher "{shortened(name, 80)}" gives an object of the type '
            f"{type(made).__name__}, expected an ASE calculator."
        )
    return made


class AseOptions(Section):
    calculator: str
    """Class of an ASE calculator: "ase.calculators.lj.LennardJones"."""
    parameters: dict[str, Any] = {}
    """Of that class."""


class AseCalculator(PythonKind):
    """A calculator class."""

    Options = AseOptions
    main_option = "calculator"

    def identity(self) -> dict[str, Any]:
        name = self.options.calculator
        return {
            "calculator": name,
            "parameters": with_files(self.options.parameters, self.folder)[1],
            "package": distribution_version(name.split(".")[0]),
        }

    @cached_property
    def made(self) -> GetPropertiesMixin:
        name = self.options.calculator
        made = _resolved(name, "the name of a class like ase.calculators.lj.LennardJones")
        return _call(made, name, with_files(self.options.parameters, self.folder)[0])


class EmtOptions(Section):
    """There are none."""


class Emt(PythonKind):
    """ASE's effective medium theory: fast, for tests and examples."""

    Options = EmtOptions

    def identity(self) -> dict[str, Any]:
        return {"package": distribution_version("ase")}

    @cached_property
    def made(self) -> GetPropertiesMixin:
        return EMT()

    @property
    def elements(self) -> frozenset[str]:
        return frozenset(emt_parameters)


class FunctionOptions(Section):
    function: str
    """A Python function that returns an ASE calculator: "module:name". The module may lie in the
    folder of the settings."""
    parameters: dict[str, Any] = {}
    """Its arguments."""


class Function(PythonKind):
    """What a function of the user returns."""

    Options = FunctionOptions
    main_option = "function"

    @cached_property
    def _function(self) -> Callable[..., Any]:
        sys.path.insert(0, str(self.folder))
        return _resolved(self.options.function, "a Python function as module:name")

    @cached_property
    def made(self) -> GetPropertiesMixin:
        parameters = with_files(self.options.parameters, self.folder)[0]
        return _call(self._function, self.options.function, parameters)

    def identity(self) -> dict[str, Any]:
        function, module = self.options.function, inspect.getmodule(self._function)
        source = getattr(module, "__file__", None)
        return {
            "function": function,
            "parameters": with_files(self.options.parameters, self.folder)[1],
            "source": file_digest(Path(source)) if source else "",
            "package": distribution_version(type(self.made).__module__.split(".")[0]),
        }
