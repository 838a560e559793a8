"""The command line: app is the command, every command of it a module."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer


class Commands(Mapping[str, Any]):
    """By name; a module is imported when its command is asked for."""

    NAMES = (
        "fit",
        "scan",
        "evaluate",
        "active-set",
        "grade",
        "select",
        "cut",
        "generate",
        "limits",
        "filter",
        "diversity",
        "thin",
        "precision",
        "label",
        "learn",
        "distill",
        "validate",
        "convert",
        "convert-data",
        "info",
    )

    def __getitem__(self, name: str) -> Any:
        if name not in self.NAMES:
            raise KeyError(name)
        function = name.replace("-", "_")
        with _no_search_for_garbage():
            module = importlib.import_module(f"forcesmith.cli.{function}")
        alone = typer.Typer(add_completion=False)
        alone.command(name)(getattr(module, function))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(self.NAMES)

    def __len__(self) -> int:
        return len(self.NAMES)


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Imports make many objects and next to no garbage: it is not searched for meanwhile, nor later
    among what is there now."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()
