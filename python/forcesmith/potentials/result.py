"""What a potential says of configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from forcesmith.data.labels import describe

# The core's virial order is xx yy zz xy xz yz; ASE's Voigt order is xx yy zz yz xz xy.
VOIGT = [0, 1, 2, 5, 4, 3]


@dataclass(frozen=True)
class Result:
    """What a potential says of one configuration."""

    energy: float
    """Total energy, eV."""
    energies: np.ndarray
    """Site energies, shape (n_atoms,), eV."""
    forces: np.ndarray
    """Shape (n_atoms, 3), eV/angstrom."""
    virial: np.ndarray
    """Sum of r F, shape (6,), order xx yy zz yz xz xy, eV; positive under compression."""
    values_outside: np.ndarray | None
    """For every atom, how many descriptor values lie outside their range in the training set, shape
    (n_atoms,); None for models that do not know the ranges."""
    close_neighbors: np.ndarray | None
    """For every atom, how many neighbors are closer than any two atoms of their elements in the
    training set, shape (n_atoms,); None for potentials that do not know these distances."""
    grades: np.ndarray | None
    """Extrapolation grade of every atom, shape (n_atoms,): about 1 in the training set, above 2
    worth learning, above 10 dangerous. None if not asked for, or if the active set is one of
    configurations."""
    configuration_grade: float | None
    """The largest of them; with an active set of configurations, the grade of this one."""
    volume: float
    """Of the cell, angstrom^3, open directions included; 0 without three lattice vectors."""

    @property
    def stress(self) -> np.ndarray | None:
        """dE/d(strain) / volume = -virial / volume, eV/angstrom^3; None without a volume.

        Shape (6,), ASE's sign (positive in tension) and order (xx yy zz yz xz xy).
        """
        return None if self.volume == 0.0 else -self.virial / self.volume


def split_results(configurations: Sequence[Atoms], raw: dict[str, np.ndarray]) -> list[Result]:
    """Results per configuration from the core's arrays of a whole batch."""
    results, first = [], 0
    outside, close = raw["values_outside"], raw.get("close_neighbors")
    grades, of_configurations = raw.get("grades"), raw.get("configuration_grades")
    for number, atoms in enumerate(configurations):
        rows = slice(first, first + len(atoms))
        first += len(atoms)
        energy = float(raw["energies"][rows].sum())
        if not np.isfinite(energy + raw["forces"][rows].sum()):
            raise ValueError(
                f"{describe(atoms, 'a configuration')}: the energy or a force of the potential is "
                "not finite; look for atoms much too close, and for a potential that is damaged."
            )
        grade = None
        if grades is not None:
            grade = float(grades[rows].max(initial=0.0))
        elif of_configurations is not None:
            grade = float(of_configurations[number])
        results.append(
            Result(
                energy=energy,
                energies=raw["energies"][rows].copy(),
                forces=raw["forces"][rows].copy(),
                virial=raw["virials"][number][VOIGT],
                values_outside=None if (outside[rows] < 0).any() else outside[rows].copy(),
                close_neighbors=None if close is None else close[rows].copy(),
                grades=None if grades is None else grades[rows].copy(),
                configuration_grade=grade,
                volume=float(atoms.cell.volume),
            )
        )
    return results
