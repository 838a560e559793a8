"""Training data from scratch: structures, their evolution, limits and diversity."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forcesmith.sampling.crystals import (
        ElasticStrains,
        PointDefects,
        RandomAlloys,
        StackingFaults,
        Surfaces,
        VolumeSeries,
    )
    from forcesmith.sampling.generating import Generated, generate, make_again
    from forcesmith.sampling.packings import RandomPacking
    from forcesmith.sampling.polymorph_derived import PolymorphDerived
    from forcesmith.sampling.settings import GenerateSettings

_MODULES = {
    "ElasticStrains": "crystals",
    "GenerateSettings": "settings",
    "Generated": "generating",
    "PointDefects": "crystals",
    "PolymorphDerived": "polymorph_derived",
    "RandomAlloys": "crystals",
    "RandomPacking": "packings",
    "StackingFaults": "crystals",
    "Surfaces": "crystals",
    "VolumeSeries": "crystals",
    "generate": "generating",
    "make_again": "generating",
}

__all__ = [
    "ElasticStrains",
    "GenerateSettings",
    "Generated",
    "PointDefects",
    "PolymorphDerived",
    "RandomAlloys",
    "RandomPacking",
    "StackingFaults",
    "Surfaces",
    "VolumeSeries",
    "generate",
    "make_again",
]


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is asked for: `structures` alone is used elsewhere."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
