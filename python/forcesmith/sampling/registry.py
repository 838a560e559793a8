"""Every sampler, by its name in settings: one line each."""

from __future__ import annotations

from forcesmith.sampling.alloys import QuasirandomAlloys, RandomAlloys, SwappedAlloys
from forcesmith.sampling.crystals import (
    ElasticStrains,
    PointDefects,
    StackingFaults,
    Surfaces,
    VolumeSeries,
)
from forcesmith.sampling.evolution import ContourExploration, DimerSearch, MolecularDynamics
from forcesmith.sampling.grain_boundaries import GrainBoundaries
from forcesmith.sampling.metadynamics import Metadynamics
from forcesmith.sampling.packings import RandomPacking
from forcesmith.sampling.polymorph_derived import PolymorphDerived
from forcesmith.sampling.sampler import Sampler

SAMPLERS: dict[str, type[Sampler]] = {
    "contour_exploration": ContourExploration,
    "dimer_search": DimerSearch,
    "elastic_strains": ElasticStrains,
    "grain_boundaries": GrainBoundaries,
    "metadynamics": Metadynamics,
    "molecular_dynamics": MolecularDynamics,
    "point_defects": PointDefects,
    "polymorph_derived": PolymorphDerived,
    "quasirandom_alloys": QuasirandomAlloys,
    "random_alloys": RandomAlloys,
    "random_packing": RandomPacking,
    "stacking_faults": StackingFaults,
    "surfaces": Surfaces,
    "swapped_alloys": SwappedAlloys,
    "volumes": VolumeSeries,
}
