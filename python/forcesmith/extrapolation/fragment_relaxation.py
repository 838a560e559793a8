"""Atoms of a fragment beyond its core: kept apart where the cell brings them together, and relaxed
as long as their grades fall. The core stays as it is, and no other atom enters it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.constraints import FixAtoms
from ase.data import atomic_numbers, chemical_symbols
from ase.geometry import find_mic
from ase.optimize import FIRE
from scipy.optimize import minimize

from forcesmith.data.neighbors import Surroundings, find_pairs
from forcesmith.extrapolation.fragment_cells import Fragment
from forcesmith.potentials.calculator import GRADES, ForcesmithCalculator
from forcesmith.potentials.potential import Potential

SLACK = 1e-4
"""Atoms that are pushed apart are pushed so much further, relative."""
ROUNDING = 1e-7  # relative, of distances in files
PUSHES = 200  # steps of a minimization that pushes atoms apart
PATIENCE = 20
"""Steps of a relaxation without a better state before it ends."""
FORCE = 0.05  # eV/angstrom, where a relaxation ends


def closest_distances(potential: Potential, surroundings: Surroundings, center: int) -> np.ndarray:
    """Distances that atoms are kept apart, by their atomic numbers, angstrom.

    Those of the training data, where the potential knows them; else those around the center,
    beyond the core, and 0 for elements that are no neighbors there either.
    """
    cutoff = potential.cutoff
    [(near, places)] = surroundings.around([center], 2 * cutoff)
    i, j, displacements = find_pairs(Atoms(near * 0, places), "The surroundings", cutoff)
    beyond = (np.linalg.norm(places, axis=1) > cutoff)[i]
    numbers = surroundings.atoms.numbers[near]
    found = np.full(2 * [len(chemical_symbols)], np.inf)
    first, second = numbers[i[beyond]], numbers[j[beyond]]
    lengths = np.linalg.norm(displacements[beyond], axis=1)
    np.minimum.at(found, (first, second), lengths)
    np.minimum.at(found, (second, first), lengths)
    found[~np.isfinite(found)] = 0.0
    present = {
        chemical_symbols[number] for number in [*numbers, surroundings.atoms.numbers[center]]
    }
    for pair in (potential._core.short_range or {"pairs": []})["pairs"]:
        if "distance" in pair and present.issuperset(pair["elements"]):
            a, b = (atomic_numbers[element] for element in pair["elements"])
            found[a, b] = found[b, a] = pair["distance"]
    return found


def keep_apart(fragment: Fragment, closest: np.ndarray, cutoff: float) -> Fragment | None:
    """Push atoms beyond the core apart until no pair is too close; None if that cannot be.

    closest: as `closest_distances` gives it. Pairs of the core stay: they are what is to be
    learned.
    """
    limits = _Limits(fragment, closest, cutoff)
    limits.push_apart()
    return None if limits.overlap().any() else replace(fragment, atoms=limits.atoms)


def thin_out(fragment: Fragment, closest: np.ndarray, cutoff: float) -> Fragment:
    """As `keep_apart`, but atoms that cannot be kept apart are removed."""
    while True:
        limits = _Limits(fragment, closest, cutoff)
        limits.push_apart()
        overlap = limits.overlap()
        if not overlap.any():
            return replace(fragment, atoms=limits.atoms)
        overlap[fragment.core] = 0.0
        kept = np.arange(len(overlap)) != np.argmax(overlap)
        fragment = Fragment(limits.atoms[kept], fragment.origins[kept], fragment.core[kept])


def relax(
    fragment: Fragment,
    potential: Potential,
    closest: np.ndarray,
    steps: int,
    threads: int | None = None,
) -> Fragment:
    """Relax the atoms beyond the core with the potential; the state in which their largest grade
    was smallest.

    Atoms that come too close are pushed apart at every step. Ends when there was no better state
    for some time.
    """
    outside = ~fragment.core
    if not outside.any():
        return fragment
    limits = _Limits(fragment, closest, potential.cutoff)
    atoms = fragment.atoms.copy()
    atoms.set_constraint([FixAtoms(mask=fragment.core), _KeptApart(limits)])
    atoms.calc = _GradingCalculator(potential, threads)

    def largest_grade() -> float:
        if limits.overlap().any():
            return np.inf
        return float(atoms.calc.get_property(GRADES, atoms)[outside].max())

    waited = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it extrapolates: that is why we are here
        best, positions = largest_grade(), atoms.positions.copy()
        for _ in FIRE(atoms, logfile=None).irun(fmax=FORCE, steps=steps):
            grade = largest_grade()
            waited += 1
            if grade < best:
                best, positions, waited = grade, atoms.positions.copy(), 0
            elif waited > PATIENCE:
                break
    relaxed = fragment.atoms.copy()
    relaxed.positions = positions
    return replace(fragment, atoms=relaxed)


class _GradingCalculator(ForcesmithCalculator):
    """Forces and grades at once."""

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, [*properties, GRADES], system_changes)


class _Limits:
    """How close atoms of a fragment may come; not where both are of the core."""

    def __init__(self, fragment: Fragment, closest: np.ndarray, cutoff: float):
        self.atoms = fragment.atoms.copy()
        self._core = fragment.core
        self._closest = closest
        self._cutoff = cutoff

    def overlap(self) -> np.ndarray:
        """By how much each atom is too close to others, (n_atoms,), angstrom."""
        i, _, _, lengths, limits = self._pairs()
        missing = np.where(lengths < limits * (1 - ROUNDING), limits - lengths, 0.0)
        return np.bincount(i, missing, minlength=len(self.atoms))

    def push_apart(self) -> None:
        """Move atoms beyond the core, as little as it takes: sum of (limit - distance)^2 falls."""
        if not self.overlap().any():
            return
        free = np.flatnonzero(~self._core)

        def energy(moved: np.ndarray) -> tuple[float, np.ndarray]:
            self.atoms.positions[free] = moved.reshape(-1, 3)
            i, _, displacements, lengths, limits = self._pairs()
            missing = np.maximum(limits * (1 + SLACK) - lengths, 0.0)
            directions = displacements / np.maximum(lengths, 1e-12)[:, None]
            gradient = np.zeros((len(self.atoms), 3))
            np.add.at(gradient, i, 2 * missing[:, None] * directions)
            return 0.5 * float(missing @ missing), gradient[free].ravel()

        start = self.atoms.positions[free].ravel()
        options = {"ftol": 0.0, "gtol": 1e-6, "maxiter": PUSHES}
        found = minimize(energy, start, jac=True, method="L-BFGS-B", options=options)
        self.atoms.positions[free] = found.x.reshape(-1, 3)

    def _pairs(self) -> tuple[np.ndarray, ...]:
        """Pairs with an atom beyond the core, from both sides: centers, neighbors, displacements,
        distances, limits."""
        i, j, displacements = find_pairs(
            self.atoms, "The fragment", self._closest.max() * (1 + SLACK)
        )
        limits = self._closest[self.atoms.numbers[i], self.atoms.numbers[j]]
        limited = ~(self._core[i] & self._core[j])
        # Others do not become neighbors of the center.
        others = np.flatnonzero(~self._core)
        of_center, _ = find_mic(
            self.atoms.positions[others] - self.atoms.positions[0], self.atoms.cell, self.atoms.pbc
        )
        center = np.zeros_like(others)
        i = np.concatenate([i[limited], center, others])
        j = np.concatenate([j[limited], others, center])
        displacements = np.concatenate([displacements[limited], of_center, -of_center])
        limits = np.concatenate([limits[limited], np.full(2 * len(others), self._cutoff)])
        return i, j, displacements, np.linalg.norm(displacements, axis=1), limits


class _KeptApart:
    """Constraint of ASE: atoms that a step brings too close are pushed apart again."""

    def __init__(self, limits: _Limits):
        self._limits = limits

    def adjust_positions(self, atoms: Atoms, new: np.ndarray) -> None:
        """Changes `new`, (n_atoms, 3)."""
        self._limits.atoms.positions[:] = new
        self._limits.push_apart()
        new[:] = self._limits.atoms.positions

    def adjust_forces(self, atoms: Atoms, forces: np.ndarray) -> None:
        """Forces stay as they are."""

    def get_removed_dof(self, atoms: Atoms) -> int:
        """Degrees of freedom that it takes away."""
        return 0
