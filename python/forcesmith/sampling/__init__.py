"""Training data from scratch: structures, their evolution, limits, diversity and precision."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forcesmith.sampling.alloys import QuasirandomAlloys, RandomAlloys, SwappedAlloys
    from forcesmith.sampling.crystals import (
        ElasticStrains,
        PointDefects,
        StackingFaults,
        Surfaces,
        VolumeSeries,
    )
    from forcesmith.sampling.diversity import Components, Diversity, compare_diversity, thin
    from forcesmith.sampling.evolution import ContourExploration, DimerSearch, MolecularDynamics
    from forcesmith.sampling.generating import Generated, generate, make_again
    from forcesmith.sampling.grain_boundaries import GrainBoundaries
    from forcesmith.sampling.limits import (
        Filtered,
        Limits,
        PairCurve,
        filter_configurations,
        pair_curves,
    )
    from forcesmith.sampling.metadynamics import Metadynamics
    from forcesmith.sampling.packings import RandomPacking
    from forcesmith.sampling.plots import (
        beak_plot,
        diversity_plot,
        pair_curve_plot,
        precision_plot,
    )
    from forcesmith.sampling.polymorph_derived import PolymorphDerived
    from forcesmith.sampling.precision import (
        Precision,
        PrecisionPoint,
        PrecisionSettings,
        find_precision,
    )
    from forcesmith.sampling.settings import GenerateSettings

_MODULES = {
    "Components": "diversity",
    "ContourExploration": "evolution",
    "DimerSearch": "evolution",
    "Diversity": "diversity",
    "ElasticStrains": "crystals",
    "Filtered": "limits",
    "GenerateSettings": "settings",
    "Generated": "generating",
    "GrainBoundaries": "grain_boundaries",
    "Limits": "limits",
    "Metadynamics": "metadynamics",
    "MolecularDynamics": "evolution",
    "PairCurve": "limits",
    "PointDefects": "crystals",
    "PolymorphDerived": "polymorph_derived",
    "Precision": "precision",
    "PrecisionPoint": "precision",
    "PrecisionSettings": "precision",
    "QuasirandomAlloys": "alloys",
    "RandomAlloys": "alloys",
    "RandomPacking": "packings",
    "StackingFaults": "crystals",
    "Surfaces": "crystals",
    "SwappedAlloys": "alloys",
    "VolumeSeries": "crystals",
    "beak_plot": "plots",
    "compare_diversity": "diversity",
    "diversity_plot": "plots",
    "filter_configurations": "limits",
    "find_precision": "precision",
    "generate": "generating",
    "make_again": "generating",
    "pair_curve_plot": "plots",
    "pair_curves": "limits",
    "precision_plot": "plots",
    "thin": "diversity",
}

__all__ = [
    "Components",
    "ContourExploration",
    "DimerSearch",
    "Diversity",
    "ElasticStrains",
    "Filtered",
    "GenerateSettings",
    "Generated",
    "GrainBoundaries",
    "Limits",
    "Metadynamics",
    "MolecularDynamics",
    "PairCurve",
    "PointDefects",
    "PolymorphDerived",
    "Precision",
    "PrecisionPoint",
    "PrecisionSettings",
    "QuasirandomAlloys",
    "RandomAlloys",
    "RandomPacking",
    "StackingFaults",
    "Surfaces",
    "SwappedAlloys",
    "VolumeSeries",
    "beak_plot",
    "compare_diversity",
    "diversity_plot",
    "filter_configurations",
    "find_precision",
    "generate",
    "make_again",
    "pair_curve_plot",
    "pair_curves",
    "precision_plot",
    "thin",
]


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is asked for: `structures` alone is used elsewhere."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
