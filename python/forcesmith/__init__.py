"""forcesmith: machine-learned interatomic potentials, fitted in Python and run in LAMMPS."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forcesmith._core import __version__, registry
    from forcesmith.committee import fit_committee
    from forcesmith.dataset import check_configurations, read, split
    from forcesmith.fitting import FitResult, fit
    from forcesmith.metrics import ErrorTable, errors_by_group
    from forcesmith.plots import parity_plot
    from forcesmith.potential import Potential, Result
    from forcesmith.settings import FitSettings

_MODULES = {
    "ErrorTable": "metrics",
    "FitResult": "fitting",
    "FitSettings": "settings",
    "Potential": "potential",
    "Result": "potential",
    "__version__": "_core",
    "check_configurations": "dataset",
    "errors_by_group": "metrics",
    "fit": "fitting",
    "fit_committee": "committee",
    "parity_plot": "plots",
    "read": "dataset",
    "registry": "_core",
    "split": "dataset",
}

__all__ = [
    "ErrorTable",
    "FitResult",
    "FitSettings",
    "Potential",
    "Result",
    "__version__",
    "check_configurations",
    "errors_by_group",
    "fit",
    "fit_committee",
    "parity_plot",
    "read",
    "registry",
    "split",
]


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is asked for: LAMMPS imports this package at every start,
    only to learn where the plugin lies."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
