"""Atoms of a fragment beyond its core: kept apart where the cell brings them together, and relaxed
as long as their grades fall. The core stays as it is, and no other atom enters it.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.geometry import find_mic
from ase.optimize import FIRE
from scipy.optimize import minimize

from forcesmith.data.batches import element_indices
from forcesmith.data.neighbors import Surroundings, find_pairs
from forcesmith.extrapolation.fragment_cells import Fragment
from forcesmith.potentials.potential import Potential

SLACK = 1e-4
"""Atoms that are pushed apart are pushed so much further, relative."""
ROUNDING = 1e-7  # relative, of distances in files
PATIENCE = 10
"""Steps of a relaxation without a better state before it ends."""
FORCE = 0.05  # eV/angstrom, where a relaxation ends


def closest_distances(
    potential: Potential, surroundings: Surroundings, center: int
) -> np.ndarray:
    """Distances that atoms are kept apart, (n_elements, n_elements), angstrom.

    Those of the training data, where the potential knows them; else those around the center,
    beyond the core, and 0 for elements that are no neighbors there either.
    """
    cutoff = potential.cutoff
    [(near, places)] = surroundings.around([center], 2 * cutoff)
    types = element_indices(surroundings.atoms[near], potential.elements)
    i, j, displacements = find_pairs(Atoms(near * 0, places), "The surroundings", cutoff)
    beyond = (np.linalg.norm(places, axis=1) > cutoff)[i]
    found = np.full(2 * [len(potential.elements)], np.inf)
    pairs = types[i[beyond]], types[j[beyond]]
    np.minimum.at(found, pairs, np.linalg.norm(displacements[beyond], axis=1))
    found = np.minimum(found, found.T)
    found[~np.isfinite(found)] = 0.0
    number = {element: n for n, element in enumerate(potential.elements)}
    for pair in (potential._core.short_range or {"pairs": []})["pairs"]:
        if "distance" in pair:
            a, b = (number[element] for element in pair["elements"])
            found[a, b] = found[b, a] = pair["distance"]
    return found


def keep_apart(fragment: Fragment, potential: Potential, closest: np.ndarray) -> Fragment:
    """Push atoms beyond the core apart until no pair is too close, or remove those that cannot be.

    closest: as `closest_distances` gives it. Pairs of the core stay: they are what is to be
    learned.
    """
    while True:
        limits = _Limits(fragment, potential, closest)
        if limits.too_close().any():
            limits.push_apart()
        n_too_close = limits.too_close()
        if not n_too_close.any():
            return replace(fragment, atoms=limits.atoms)
        n_too_close[fragment.core] = 0
        last = len(n_too_close) - 1 - int(np.argmax(n_too_close[::-1]))
        kept = np.arange(len(n_too_close)) != last
        fragment = Fragment(fragment.atoms[kept], fragment.origins[kept], fragment.core[kept])


def relax(
    fragment: Fragment,
    potential: Potential,
    closest: np.ndarray,
    steps: int,
    threads: int | None = None,
) -> Fragment:
    """Relax the atoms beyond the core with the potential; the state in which their largest grade
    was smallest.

    States in which atoms are too close do not count. Ends when there was no better state for some
    time.
    """
    outside = ~fragment.core
    if not outside.any():
        return fragment
    limits = _Limits(fragment, potential, closest)
    atoms = limits.atoms
    atoms.set_constraint([FixAtoms(mask=fragment.core), _OutsideCore(outside, potential.cutoff)])
    atoms.calc = potential.calculator()
    atoms.calc.threads = threads

    def largest_grade() -> float:
        if limits.too_close().any():
            return np.inf
        return float(potential.evaluate(atoms, threads, grade=True).grades[outside].max())

    best, positions = largest_grade(), atoms.positions.copy()
    waited = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it extrapolates: that is why we are here
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


class _Limits:
    """How close atoms of a fragment may come; not where both are of the core."""

    def __init__(self, fragment: Fragment, potential: Potential, closest: np.ndarray):
        self.atoms = fragment.atoms.copy()
        self._core = fragment.core
        self._types = element_indices(self.atoms, potential.elements)
        self._closest = closest
        self._cutoff = potential.cutoff

    def too_close(self) -> np.ndarray:
        """With how many others an atom is too close, (n_atoms,)."""
        i, _, _, lengths, limits = self._pairs()
        return np.bincount(i[lengths < limits * (1 - ROUNDING)], minlength=len(self.atoms))

    def push_apart(self) -> None:
        """Move atoms beyond the core, as little as it takes: sum of (limit - distance)^2 falls."""
        free = np.flatnonzero(~self._core)

        def overlap(moved: np.ndarray) -> tuple[float, np.ndarray]:
            self.atoms.positions[free] = moved.reshape(-1, 3)
            i, _, displacements, lengths, limits = self._pairs()
            missing = np.maximum(limits * (1 + SLACK) - lengths, 0.0)
            gradient = np.zeros((len(self.atoms), 3))
            directions = displacements / np.maximum(lengths, 1e-12)[:, None]
            np.add.at(gradient, i, 2 * missing[:, None] * directions)
            return 0.5 * float(missing @ missing), gradient[free].ravel()

        start = self.atoms.positions[free].ravel()
        found = minimize(
            overlap, start, jac=True, method="L-BFGS-B", options={"ftol": 0.0, "gtol": 1e-7}
        )
        self.atoms.positions[free] = found.x.reshape(-1, 3)

    def _pairs(self) -> tuple[np.ndarray, ...]:
        """Pairs with an atom beyond the core, from both sides: centers, neighbors, displacements,
        distances, limits."""
        cutoff = max(self._cutoff, self._closest.max() * (1 + SLACK))
        i, j, displacements = find_pairs(self.atoms, "The fragment", cutoff)
        limited = ~(self._core[i] & self._core[j])
        i, j, displacements = i[limited], j[limited], displacements[limited]
        limits = self._closest[self._types[i], self._types[j]]
        limits[(i == 0) | (j == 0)] = self._cutoff  # others do not become neighbors of the center
        return i, j, displacements, np.linalg.norm(displacements, axis=1), limits


class _OutsideCore:
    """Constraint of ASE: atoms stay outside a sphere around the first one."""

    def __init__(self, outside: np.ndarray, radius: float):
        self.outside = np.flatnonzero(outside)
        self.radius = radius * (1 + ROUNDING)

    def adjust_positions(self, atoms: Atoms, new: np.ndarray) -> None:
        vectors, lengths = self._from_center(atoms, new)
        short = lengths < self.radius
        factors = self.radius / np.maximum(lengths[short], 1e-12) - 1.0
        new[self.outside[short]] += vectors[short] * factors[:, None]

    def adjust_forces(self, atoms: Atoms, forces: np.ndarray) -> None:
        vectors, lengths = self._from_center(atoms, atoms.positions)
        touching = lengths < self.radius * (1 + SLACK)
        directions = vectors[touching] / lengths[touching, None]
        rows = self.outside[touching]
        inwards = np.minimum((forces[rows] * directions).sum(axis=1), 0.0)
        forces[rows] -= inwards[:, None] * directions

    def get_removed_dof(self, atoms: Atoms) -> int:
        return 0

    def todict(self) -> dict[str, Any]:
        return {"name": "OutsideCore", "kwargs": {}}

    def _from_center(self, atoms: Atoms, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return find_mic(positions[self.outside] - positions[0], atoms.cell, atoms.pbc)
