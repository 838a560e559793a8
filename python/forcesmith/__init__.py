"""forcesmith: machine-learned interatomic potentials, fitted in Python and run in LAMMPS."""

from forcesmith._core import __version__, registry
from forcesmith.committee import fit_committee
from forcesmith.dataset import check_configurations, read, split
from forcesmith.fit import FitResult, fit
from forcesmith.metrics import ErrorTable, errors_by_group
from forcesmith.plots import parity_plot
from forcesmith.potential import Potential, Result
from forcesmith.settings import FitSettings

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
