"""Crystals relaxed with pair styles of LAMMPS, and properties computed from them."""

from __future__ import annotations

from ase import Atoms
from ase.build import bulk
from forcesmith.properties.registry import PROPERTIES
from forcesmith.properties.subject import Subject, subject_settings

SW = "lammps: sw Si.sw"
MISHIN = "lammps: eam/alloy Cu_mishin1.eam.alloy"


def relaxed(name, given):
    """Subject, the crystal (an element, or atoms) relaxed with it, and the result of that."""
    subject = Subject(subject_settings(name))
    crystal = bulk(given) if isinstance(given, str) else given
    found = PROPERTIES["lattice"]().compute(crystal, subject, None)
    return subject, Atoms(**found.crystal), found


def sampled(name, beginning, folder, **options):
    """A property with options, of what `relaxed` gave."""
    subject, crystal, _ = beginning
    kind = PROPERTIES[name]
    return kind(kind.Options(**options)).compute(crystal, subject, folder)
