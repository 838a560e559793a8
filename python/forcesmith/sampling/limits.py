"""Limits of what is worth learning: how close atoms come, how large energies and forces get.

They follow from the energies of pairs of atoms: nothing is to be learned above twice the binding
energy, counted from the minimum. M. J. Waters and J. M. Rondinelli, J. Phys.: Condens. Matter 34,
385901 (2022), section II.D.2.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from ase.neighborlist import neighbor_list
from pydantic import Field, field_validator
from scipy.interpolate import PchipInterpolator

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import labels_of, shortened
from forcesmith.data.settings_files import checked
from forcesmith.files import write_atomically
from forcesmith.sampling.structures import VACUUM, check_elements
from forcesmith.teachers.labelling import label
from forcesmith.teachers.settings import TeacherSettings
from forcesmith.teachers.teacher import Teacher

NEAREST, FARTHEST = 0.35, 2.5  # of pairs, in sums of covalent radii
UNBOUND = 0.01  # eV, pairs below repel each other
LOWEST_WALL = 1.0  # eV, what pairs repel each other by in any case
REASON = "reason"


@dataclass(frozen=True)
class PairCurve:
    """Energy of two atoms over their distance."""

    pair: tuple[str, str]
    """Elements, in alphabetical order."""
    distances: np.ndarray
    """(n,), angstrom, increasing."""
    energies: np.ndarray
    """(n,), eV, relative to the largest distance."""
    separated: float
    """Energy at the largest distance, eV."""

    @property
    def name(self) -> str:
        """As in "O-Zr"."""
        return "-".join(self.pair)

    @property
    def minimum(self) -> float:
        """Distance of the lowest energy outside of the wall, angstrom."""
        return float(self.distances[self._lowest])

    @property
    def binding_energy(self) -> float:
        """Depth of the minimum, eV."""
        return float(-self.energies[self._lowest])

    @property
    def _lowest(self) -> int:
        """Where the energy is lowest, from outside up to the wall, where it is as far above
        separated atoms as the minimum is below: universal potentials fall again behind it."""
        lowest = np.minimum.accumulate(self.energies[::-1])[::-1]
        walls = np.flatnonzero(self.energies >= np.maximum(-lowest, LOWEST_WALL))
        first = int(walls[-1]) if len(walls) else 0
        return first + int(self.energies[first:].argmin())

    def closest(self, energy: float) -> tuple[float, float]:
        """Find where, inwards from the minimum, the energy reaches a value.

        Parameters
        ----------
        energy
            eV, relative to separated atoms.

        Returns
        -------
        tuple of float
            Distance (angstrom), and the force there (eV/angstrom). The smallest distance that was
            computed, if the energy is not reached.
        """
        curve = PchipInterpolator(self.distances, self.energies)
        fine = np.linspace(self.minimum, self.distances[0], 2000)
        above = np.flatnonzero(curve(fine) >= energy)
        distance = float(fine[above[0] if len(above) else -1])
        return distance, float(abs(curve(distance, 1)))


class Limits(Section):
    """What structures and labels must keep to be learned from."""

    distances: dict[str, float] = {}
    """Smallest distance of two elements, "O-Zr", angstrom."""
    force: float | None = Field(None, ge=0.0)
    """Largest force on an atom, eV/angstrom."""
    energy: float | None = None
    """Largest energy per atom, eV, relative to `separated` atoms."""
    separated: dict[str, float] = {}
    """Energy of a separated atom of every element, eV."""

    @field_validator("distances")
    @classmethod
    def _of_pairs(cls, distances: dict[str, float]) -> dict[str, float]:
        for name, distance in distances.items():
            pair = name.split("-")
            if len(pair) != 2 or distance < 0:
                raise ValueError(
                    f'distances are as {{"O-Zr": 1.5}}, not {shortened(name)}: {distance:g}'
                )
            check_elements(pair, "distances")
        return distances

    @classmethod
    def of_curves(cls, curves: Sequence[PairCurve]) -> Limits:
        """Take the limits from pair curves.

        The energy of a pair may be as far above that of separated atoms as the minimum lies below
        (twice the binding energy above the minimum); for pairs that only repel each other, as the
        lowest minimum of all. The force is the largest one there.

        Parameters
        ----------
        curves
            Of all pairs, as `pair_curves` gives them.

        Returns
        -------
        Limits
            Of distances, force and energy.

        Raises
        ------
        ValueError
            No pair is bound.
        """
        deepest = max(curve.binding_energy for curve in curves)
        if deepest < UNBOUND:
            raise ValueError(
                "No pair of these elements is bound, so pair curves give no limits; give limits of "
                "distances, force and energy yourself."
            )
        found = {
            curve.name: curve.closest(
                curve.binding_energy if curve.binding_energy >= UNBOUND else deepest
            )
            for curve in curves
        }
        return cls(
            distances={name: round(distance, 4) for name, (distance, _) in found.items()},
            force=round(max(force for _, force in found.values()), 4),
            energy=round(deepest / 2, 4),
            separated={
                curve.pair[0]: curve.separated / 2 for curve in curves if len(set(curve.pair)) == 1
            },
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Limits:
        """Read a JSON file.

        Parameters
        ----------
        path
            As `write` writes it.

        Raises
        ------
        ValueError
            The file cannot be read, or holds something else.
        """
        try:
            tree = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = shortened(getattr(error, "strerror", None) or error, 120)
            raise ValueError(f"Cannot read the limits {path}: {reason}.") from None
        return checked(cls, tree, f"the limits {path}")

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a JSON file, atomically.

        Parameters
        ----------
        path
            Its name.
        """
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    def broken_by(self, atoms: Atoms) -> str | None:
        """Say which limit a configuration breaks.

        Parameters
        ----------
        atoms
            Limits of energy and force are looked at where it has these labels.

        Returns
        -------
        str or None
            One sentence, or None for one that keeps them all.

        Raises
        ------
        ValueError
            The limit of the energy lacks an element.
        """
        if self.distances:
            pairs = {tuple(name.split("-")): value for name, value in self.distances.items()}
            own = set(atoms.symbols)
            pairs = {pair: value for pair, value in pairs.items() if set(pair) <= own}
            first, second, found = neighbor_list("ijd", atoms, pairs) if pairs else ([], [], [])
            if len(first):
                a, b = atoms.symbols[first[0]], atoms.symbols[second[0]]
                return f"{a} and {b} are {found[0]:.3g} angstrom apart"
        labels = labels_of(atoms)
        if self.force is not None and labels.forces is not None and len(atoms):
            largest = float(np.linalg.norm(labels.forces, axis=1).max())
            if largest > self.force:
                return f"a force of {largest:.4g} eV/angstrom"
        if self.energy is not None and labels.energy is not None and len(atoms):
            energy = cohesive_energy(atoms, labels.energy, self.separated)
            if energy > self.energy:
                return f"an energy of {energy:.4g} eV/atom above separated atoms"
        return None


def cohesive_energy(atoms: Atoms, energy: float, separated: Mapping[str, float]) -> float:
    """Per atom, eV, relative to separated atoms. Raises ValueError for elements not among them."""
    if missing := set(atoms.symbols) - set(separated):
        raise ValueError(
            f"The limit of the energy needs the energy of a separated atom of {min(missing)}; make "
            "the limits for all elements."
        )
    return float((energy - sum(separated[name] for name in atoms.symbols)) / len(atoms))


def pair_curves(
    teacher: Teacher | TeacherSettings | str | Mapping[str, Any],
    elements: Sequence[str],
    into: str | Path,
    *,
    points: int = 40,
    progress: Callable[[str], None] | None = None,
) -> list[PairCurve]:
    """Compute the energies of two atoms over their distance, for all pairs of elements.

    Parameters
    ----------
    teacher
        What computes them, as for `forcesmith.label`.
    elements
        Symbols.
    into
        Extended XYZ file of the labels; after an interruption the same call goes on.
    points
        Distances of every pair, from 0.35 to 2.5 sums of covalent radii, denser where they are
        short.
    progress
        Called with a line of text after every label.

    Returns
    -------
    list of PairCurve
        Of all pairs in alphabetical order.

    Raises
    ------
    ValueError
        An unknown element, or a pair for which fewer than six distances have a label.
    """
    check_elements(elements, "pair curves")
    if not elements:
        raise ValueError("There are no elements to make pairs of; give some, such as Zr,O.")
    pairs = list(itertools.combinations_with_replacement(sorted(set(elements)), 2))
    dimers = [_dimer(pair, distance) for pair in pairs for distance in _distances(pair, points)]
    labelled = label(dimers, teacher, into, progress=progress).labelled
    curves = []
    for pair in pairs:
        own = [atoms for atoms in labelled if tuple(sorted(atoms.symbols)) == pair]
        if len(own) < 6:
            raise ValueError(
                f"Only {len(own)} of {points} distances of {'-'.join(pair)} have a label of the "
                f"teacher; see {into}, and the failures beside it."
            )
        distances = np.array([atoms.get_distance(0, 1) for atoms in own])
        energies = np.array([atoms.get_potential_energy() for atoms in own])
        curves.append(PairCurve(pair, distances, energies - energies[-1], float(energies[-1])))
    return curves


def _distances(pair: tuple[str, str], points: int) -> np.ndarray:
    unit = sum(covalent_radii[atomic_numbers[name]] for name in pair)
    return np.geomspace(NEAREST * unit, FARTHEST * unit, points)


def _dimer(pair: tuple[str, str], distance: float) -> Atoms:
    """In a cell, which programs with plane waves need."""
    edge = 2 * VACUUM + FARTHEST * sum(covalent_radii[atomic_numbers[name]] for name in pair)
    middle = np.full(3, edge / 2)
    offset = np.array([distance / 2, 0.0, 0.0])
    info = {"config_type": "pair"}
    return Atoms(pair, [middle - offset, middle + offset], cell=[edge] * 3, info=info)


@dataclass(frozen=True)
class Filtered:
    """What came of filtering configurations."""

    kept: list[Atoms]
    """Those that keep the limits, in their order."""
    rejected: list[Atoms] = field(default_factory=list)
    """The others, with `info["reason"]`."""


def filter_configurations(configurations: Sequence[Atoms], limits: Limits) -> Filtered:
    """Separate configurations that break a limit from the others.

    Parameters
    ----------
    configurations
        With labels, if limits of energy and force are to count.
    limits
        What they must keep.

    Returns
    -------
    Filtered
        Kept and rejected ones; the latter are copies.
    """
    found = Filtered([])
    for atoms in configurations:
        reason = limits.broken_by(atoms)
        if reason is None:
            found.kept.append(atoms)
        else:
            copy = atoms.copy()
            copy.calc = atoms.calc
            copy.info[REASON] = reason
            found.rejected.append(copy)
    return found
