"""forcesmith: machine-learned interatomic potentials, fitted in Python and run in LAMMPS."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forcesmith._core import DeviceError, __version__, registry
    from forcesmith.analysis.cross_evaluation import CrossEvaluation, cross_evaluate
    from forcesmith.analysis.metrics import ErrorTable, errors_by_group
    from forcesmith.analysis.plots import parity_plot
    from forcesmith.data.checks import check_configurations
    from forcesmith.data.dataset import Dataset, split
    from forcesmith.data.reading import read
    from forcesmith.data.writing import write
    from forcesmith.extrapolation.active_sets import (
        ActiveSet,
        find_active_set,
        select_configurations,
    )
    from forcesmith.extrapolation.cutting import cut_fragments
    from forcesmith.learning.errors import LearnError
    from forcesmith.learning.loop import LearnResult, learn
    from forcesmith.learning.settings import LearnSettings
    from forcesmith.learning.verdict import judge
    from forcesmith.potentials.potential import Potential
    from forcesmith.potentials.result import Result
    from forcesmith.properties.comparison import Comparison
    from forcesmith.properties.settings import ValidationSettings
    from forcesmith.properties.validation import validate
    from forcesmith.teachers.labelling import Labelling, label
    from forcesmith.teachers.settings import TeacherSettings
    from forcesmith.teachers.teacher import LabelError, Teacher, make_teacher
    from forcesmith.training.committee import fit_committee, force_deviation
    from forcesmith.training.fitting import FitResult, fit
    from forcesmith.training.settings import FitSettings

_MODULES = {
    "ActiveSet": "extrapolation.active_sets",
    "Comparison": "properties.comparison",
    "CrossEvaluation": "analysis.cross_evaluation",
    "Dataset": "data.dataset",
    "DeviceError": "_core",
    "ErrorTable": "analysis.metrics",
    "FitResult": "training.fitting",
    "FitSettings": "training.settings",
    "LabelError": "teachers.teacher",
    "Labelling": "teachers.labelling",
    "LearnError": "learning.errors",
    "LearnResult": "learning.loop",
    "LearnSettings": "learning.settings",
    "Potential": "potentials.potential",
    "Result": "potentials.result",
    "Teacher": "teachers.teacher",
    "TeacherSettings": "teachers.settings",
    "ValidationSettings": "properties.settings",
    "__version__": "_core",
    "check_configurations": "data.checks",
    "cross_evaluate": "analysis.cross_evaluation",
    "cut_fragments": "extrapolation.cutting",
    "errors_by_group": "analysis.metrics",
    "find_active_set": "extrapolation.active_sets",
    "fit": "training.fitting",
    "fit_committee": "training.committee",
    "force_deviation": "training.committee",
    "judge": "learning.verdict",
    "label": "teachers.labelling",
    "learn": "learning.loop",
    "make_teacher": "teachers.teacher",
    "parity_plot": "analysis.plots",
    "read": "data.reading",
    "registry": "_core",
    "select_configurations": "extrapolation.active_sets",
    "split": "data.dataset",
    "validate": "properties.validation",
    "write": "data.writing",
}

__all__ = [
    "ActiveSet",
    "Comparison",
    "CrossEvaluation",
    "Dataset",
    "DeviceError",
    "ErrorTable",
    "FitResult",
    "FitSettings",
    "LabelError",
    "Labelling",
    "LearnError",
    "LearnResult",
    "LearnSettings",
    "Potential",
    "Result",
    "Teacher",
    "TeacherSettings",
    "ValidationSettings",
    "__version__",
    "check_configurations",
    "cross_evaluate",
    "cut_fragments",
    "errors_by_group",
    "find_active_set",
    "fit",
    "fit_committee",
    "force_deviation",
    "judge",
    "label",
    "learn",
    "make_teacher",
    "parity_plot",
    "read",
    "registry",
    "select_configurations",
    "split",
    "validate",
    "write",
]


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is asked for: LAMMPS imports this package at every start,
    only to learn where the plugin lies."""
    if name == "sampling":
        return importlib.import_module(f"{__name__}.sampling")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
