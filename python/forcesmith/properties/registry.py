"""Every property, by name: one line each."""

from __future__ import annotations

import difflib

from forcesmith.data.labels import shortened
from forcesmith.properties.diffusion import Diffusion, Liquid
from forcesmith.properties.dimers import Dimers
from forcesmith.properties.elastic_constants import ElasticConstants
from forcesmith.properties.equation_of_state import EquationOfStateProperty
from forcesmith.properties.green_kubo import GreenKubo
from forcesmith.properties.ideal_strength import IdealStrength
from forcesmith.properties.lattice import Lattice
from forcesmith.properties.melting_point import MeltingPoint
from forcesmith.properties.migration_barriers import MigrationBarriers
from forcesmith.properties.phonons import Phonons
from forcesmith.properties.point_defects import PointDefects
from forcesmith.properties.polymorphs import Polymorphs
from forcesmith.properties.property import Property
from forcesmith.properties.short_range_order import ShortRangeOrder
from forcesmith.properties.speed import Speed
from forcesmith.properties.stability import Stability
from forcesmith.properties.stacking_faults import StackingFaults
from forcesmith.properties.stress_strain import StressStrain
from forcesmith.properties.surfaces import Surfaces
from forcesmith.properties.thermal_conductivity import ThermalConductivity
from forcesmith.properties.thermal_expansion import ThermalExpansion

PROPERTIES: dict[str, type[Property]] = {
    "diffusion": Diffusion,
    "dimers": Dimers,
    "elastic_constants": ElasticConstants,
    "equation_of_state": EquationOfStateProperty,
    "green_kubo": GreenKubo,
    "ideal_strength": IdealStrength,
    "lattice": Lattice,
    "liquid": Liquid,
    "melting_point": MeltingPoint,
    "migration_barriers": MigrationBarriers,
    "phonons": Phonons,
    "point_defects": PointDefects,
    "polymorphs": Polymorphs,
    "short_range_order": ShortRangeOrder,
    "speed": Speed,
    "stability": Stability,
    "stacking_faults": StackingFaults,
    "stress_strain": StressStrain,
    "surfaces": Surfaces,
    "thermal_conductivity": ThermalConductivity,
    "thermal_expansion": ThermalExpansion,
}


def check_property(name: str) -> None:
    """Raise ValueError if there is none of this name."""
    if name not in PROPERTIES:
        nearest = difflib.get_close_matches(name, PROPERTIES, n=1, cutoff=0.0)[0]
        raise ValueError(f'there is no property "{shortened(name)}"; did you mean "{nearest}"?')
