"""The cell of a fragment of a large configuration, and the atoms in it.

The center of the fragment sees the same neighbors, up to the cutoff, as in the configuration:
the cell holds the sphere of the cutoff (the core), and planes of the lattice that bound it are
at least two cutoffs apart.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import Atoms
from ase.geometry import complete_cell
from scipy.spatial import KDTree

from forcesmith.data.neighbors import Surroundings, find_pairs

Kind = Literal["periodic", "semiperiodic", "cluster"]

SAME_SITE = 0.5
"""Atoms closer than this, in distances of nearest neighbors, are at the same site."""
TRANSLATED = 0.35
"""A site is occupied if an atom is closer than this, in distances of nearest neighbors."""
ALIKE = 0.6
"""Part of the sites around a center that a translation must leave occupied by the same element."""
SAMPLE = 400  # sites that are looked at
STEP = 0.2  # of lengths of translations that are tried, angstrom
LONGEST_PERIOD = 1.5  # in smallest heights of the cell
BOXES = (1.0, 1.04, 1.08, 1.12, 1.16)  # heights that are tried, in smallest heights
ROUNDING = 1e-6


@dataclass(frozen=True)
class Shape:
    """What fragments are wanted; see `cut_fragments`."""

    kind: Kind
    margin: float
    vacuum: float


@dataclass(frozen=True)
class Fragment:
    """A piece of a large configuration, its center first, then the others by distance from it."""

    atoms: Atoms
    origins: np.ndarray
    """Numbers of the atoms in the configuration, (n_atoms,)."""
    core: np.ndarray
    """The center and its neighbors, (n_atoms,) bool."""


@dataclass(frozen=True)
class _Cell:
    """Rows of `vectors` in open directions are unit vectors normal to all others.

    In a direction that is neither open nor of a box, atoms that a vector of the cell takes to the
    place of another one are the same site.
    """

    vectors: np.ndarray  # (3, 3) angstrom
    is_open: np.ndarray  # (3,) bool
    is_box: np.ndarray  # (3,) bool; a length that fits to nothing
    is_kept: np.ndarray  # (3,) bool; as in the configuration

    @property
    def heights(self) -> np.ndarray:
        """Distances of opposite faces, angstrom, (3,)"""
        return 1 / np.linalg.norm(np.linalg.inv(self.vectors), axis=0)


def open_where_empty(atoms: Atoms, cutoff: float) -> Atoms:
    """The same atoms, open in directions in which they do not see their images: slabs, wires and
    molecules in periodic cells."""
    found = atoms.copy()
    if not atoms.pbc.any():
        return found
    vectors = complete_cell(atoms.cell.array * atoms.pbc[:, None])
    heights = 1 / np.linalg.norm(np.linalg.inv(vectors), axis=0)
    coordinates = atoms.positions @ np.linalg.inv(vectors)
    for axis in np.flatnonzero(atoms.pbc):
        coordinates[:, axis] %= 1.0
        along = np.sort(coordinates[:, axis])
        gaps = np.diff(along, prepend=along[-1] - 1.0)
        widest = int(np.argmax(gaps))
        if gaps[widest] * heights[axis] > cutoff:
            found.pbc[axis] = False
            coordinates[:, axis] = (coordinates[:, axis] - along[widest]) % 1.0
    found.positions = coordinates @ vectors
    return found


def cut_fragment(
    surroundings: Surroundings,
    center: int,
    shape: Shape,
    cutoff: float,
    closest: np.ndarray,
    clearance: float,
) -> Fragment | None:
    """Cut the surroundings of an atom out of a configuration; None if atoms of the core come too
    close to images of it that it had not seen, which a larger clearance prevents.

    Parameters
    ----------
    surroundings
        Of the configuration.
    center
        Number of the atom.
    shape
        Kind, and sizes in open directions.
    cutoff
        Of the potential, angstrom.
    closest
        By atomic numbers, angstrom: how close atoms of the core may come to its images.
    clearance
        By which faces of the cell are further apart than two cutoffs, angstrom.

    Raises
    ------
    ValueError
        The fragment would be the whole periodic configuration.
    """
    atoms = surroundings.atoms
    spacing = _spacing(surroundings, center, cutoff)
    cell = _cell(surroundings, center, shape.kind, 2 * cutoff + clearance, spacing)
    radius = cutoff + shape.margin
    found = _contents(surroundings, center, cell, cutoff, radius, spacing, closest)
    if found is None:
        return None
    origins, positions = found
    if atoms.pbc.any() and len(np.unique(origins)) == len(atoms):
        raise ValueError(
            f"{surroundings.here}: the fragment around atom {center} would hold all {len(atoms)} "
            "atoms, the cell is no larger than the sphere to be cut; label the whole configuration."
        )
    piece = _in_cell(atoms.numbers[origins], positions, cell, shape.vacuum)
    centers, neighbors, _ = find_pairs(piece, "The fragment", cutoff)
    core = np.zeros(len(piece), dtype=bool)
    core[0] = True
    core[neighbors[centers == 0]] = True
    return Fragment(piece, origins, core)


def _spacing(surroundings: Surroundings, center: int, cutoff: float) -> float:
    """Typical distance of nearest neighbors, angstrom."""
    [(near, _)] = surroundings.around([center], cutoff)
    lengths = [
        np.linalg.norm(displacements[0])
        for _, displacements in surroundings.around([center, *near], cutoff)
        if len(displacements)
    ]
    return float(np.median(lengths)) if lengths else cutoff


def _cell(
    surroundings: Surroundings, center: int, kind: Kind, height: float, spacing: float
) -> _Cell:
    """The smallest cell of a kind whose opposite faces are `height` (angstrom) apart or more."""
    atoms = surroundings.atoms
    lattice = atoms.cell.array * atoms.pbc[:, None]
    full = complete_cell(lattice)
    heights = 1 / np.linalg.norm(np.linalg.inv(full), axis=0)
    is_kept = atoms.pbc & (heights <= height * (BOXES[-1] if kind == "periodic" else 1.0))
    is_kept &= kind != "cluster"
    completed = atoms.pbc & ~is_kept & (kind == "periodic")
    periods = _periods(surroundings, center, lattice, completed, height, spacing)
    is_box = np.zeros(3, dtype=bool)
    for axis in np.flatnonzero(completed):
        if (n_periods := periods[axis]) is None:
            is_box[axis] = True
            lattice[axis] *= height / heights[axis]
            continue
        needed = int(np.ceil(height / heights[axis] * n_periods - ROUNDING))
        is_kept[axis] = needed >= n_periods
        lattice[axis] *= min(1.0, needed / n_periods)
    is_open = ~(is_kept | completed)
    vectors = complete_cell(np.where(is_open[:, None], 0.0, lattice))
    cell = _Cell(vectors, is_open, is_box, is_kept)
    if is_box.any() and len(np.unique(atoms.numbers)) > 1:
        cell = _box_of_right_composition(surroundings, center, cell)
    return cell


def _periods(
    surroundings: Surroundings,
    center: int,
    lattice: np.ndarray,
    wanted: np.ndarray,
    height: float,
    spacing: float,
) -> list[int | None]:
    """How many periods of the crystal around an atom the vectors of the cell hold, where wanted;
    None where there is no crystal that is periodic along them."""
    if not wanted.any():
        return [None] * 3
    size, longest = height, LONGEST_PERIOD * height
    [(near, places)] = surroundings.around([center], size + longest + spacing)
    near, places = np.append(near, center), np.append(places, np.zeros((1, 3)), axis=0)
    sites = np.flatnonzero(np.linalg.norm(places, axis=1) < size)
    if len(sites) > SAMPLE:
        sites = np.random.default_rng(0).choice(sites, SAMPLE, replace=False)
    tree = KDTree(places)
    found: list[int | None] = []
    for axis in range(3):
        n_periods = None
        # Alloys without order are crystals, too: then any element may be at a site.
        for numbers in (surroundings.atoms.numbers, np.zeros(len(surroundings.atoms))):
            if wanted[axis] and n_periods is None:
                n_periods = _n_periods(
                    tree, places[sites], numbers[near], sites, lattice[axis], spacing, longest
                )
        found.append(n_periods)
    return found


def _n_periods(
    tree: KDTree,
    sites: np.ndarray,
    numbers: np.ndarray,
    of_sites: np.ndarray,
    vector: np.ndarray,
    spacing: float,
    longest: float,
) -> int | None:
    """Tries the shortest translations along the vector first, and measures the one that fits."""
    length = float(np.linalg.norm(vector))
    direction = vector / length
    for trial in np.arange(0.9 * spacing, min(longest, length), STEP):
        moved = sites + trial * direction
        distances, partners = tree.query(moved, distance_upper_bound=TRANSLATED * spacing)
        hit = np.flatnonzero(np.isfinite(distances))
        hit = hit[numbers[partners[hit]] == numbers[of_sites[hit]]]
        if len(hit) < ALIKE * len(sites):
            continue
        shift = np.median(tree.data[partners[hit]] - moved[hit], axis=0)
        n_periods = round(length / (trial + float(shift @ direction)))
        missed = trial * direction + shift - vector / n_periods
        if np.linalg.norm(shift) < 0.1 * spacing and np.linalg.norm(missed) < 0.1 * spacing:
            return n_periods
    return None


def _box_of_right_composition(surroundings: Surroundings, center: int, cell: _Cell) -> _Cell:
    """Of boxes that are little larger, the one whose composition is nearest to that of the whole
    configuration."""
    axes = np.flatnonzero(cell.is_box)
    largest = cell.vectors * np.where(cell.is_box, BOXES[-1], 1.0)[:, None]
    near, coordinates = _candidates(surroundings, center, largest, cell.is_open, np.zeros(3), 0.0)
    coordinates = np.abs(coordinates @ np.linalg.inv(cell.vectors))
    elements, of_atoms = np.unique(surroundings.atoms.numbers, return_inverse=True)
    wanted = np.bincount(of_atoms) / len(of_atoms)

    def difference(factors: tuple[float, ...]) -> tuple[float, float]:
        inside = (coordinates[:, axes] < 0.5 * np.array(factors)).all(axis=1)
        counts = np.bincount(of_atoms[near[inside]], minlength=len(elements))
        return round(float(np.abs(counts - wanted * counts.sum()).sum()), 1), float(
            np.prod(factors)
        )

    best = min(itertools.product(BOXES, repeat=len(axes)), key=difference)
    vectors = cell.vectors.copy()
    vectors[axes] *= np.array(best)[:, None]
    return _Cell(vectors, cell.is_open, cell.is_box, cell.is_kept)


def _candidates(
    surroundings: Surroundings,
    center: int,
    vectors: np.ndarray,
    is_open: np.ndarray,
    beyond: np.ndarray,
    radius: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Atoms in a cell around the center, and `beyond` its faces (in vectors), or, in open
    directions, up to `radius`: numbers, and positions relative to the center; the closest first."""
    half = np.where(is_open, 0.0, 0.5 + beyond)
    corners = np.array(list(itertools.product((-1, 1), repeat=3))) * half @ vectors
    reach = np.hypot(np.linalg.norm(corners, axis=1).max(), radius) + ROUNDING
    [(near, places)] = surroundings.around([center], reach)
    near, places = np.insert(near, 0, center), np.insert(places, 0, 0.0, axis=0)
    coordinates = places @ np.linalg.inv(vectors)
    inside = (np.abs(coordinates) <= np.where(is_open, np.inf, half)).all(axis=1)
    if is_open.any() and radius:
        inside &= np.linalg.norm(coordinates[:, is_open], axis=1) <= radius
    return near[inside], places[inside]


def _contents(
    surroundings: Surroundings,
    center: int,
    cell: _Cell,
    cutoff: float,
    radius: float,
    spacing: float,
    closest: np.ndarray,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Atoms in a cell: numbers and positions relative to the center; None if atoms of the core
    come too close to images of it that it had not seen."""
    whole_periods = ~(cell.is_open | cell.is_box | cell.is_kept)
    beyond = np.where(whole_periods, SAME_SITE * spacing / cell.heights, ROUNDING)
    beyond[cell.is_box] = 0.0
    near, places = _candidates(surroundings, center, cell.vectors, cell.is_open, beyond, radius)
    candidates = Atoms(near * 0, places, cell=cell.vectors, pbc=~cell.is_open)
    i, j, displacements = find_pairs(candidates, "The fragment", max(cutoff, closest.max()))
    crossed = (displacements - (places[j] - places[i])) @ np.linalg.inv(cell.vectors)
    crossed = np.rint(crossed).astype(int) != 0  # faces of the cell, (n_pairs, 3)
    lengths = np.linalg.norm(displacements, axis=1)
    is_new = crossed[:, ~(cell.is_open | cell.is_kept)].any(axis=1)
    nearest = np.linalg.norm(places, axis=1)  # to the center, or to an image of it that it saw
    seen = (i == 0) & ~is_new
    np.minimum.at(nearest, j[seen], lengths[seen])
    nearest[0] = 0.0
    core = nearest < cutoff

    numbers = surroundings.atoms.numbers[near]
    same_site = crossed[:, whole_periods].any(axis=1) & ~crossed[:, cell.is_box].any(axis=1)
    same_site &= lengths < SAME_SITE * spacing
    too_close = lengths < closest[numbers[i], numbers[j]]
    if (is_new & core[i] & core[j] & (same_site | too_close)).any():
        return None
    # Of atoms at the same site the one that is closest to the center.
    same_site |= crossed[:, cell.is_kept].any(axis=1) & ~is_new & (lengths < 100 * ROUNDING)
    taken = np.ones(len(places), dtype=bool)
    rank = np.argsort(np.argsort(nearest, kind="stable"))
    site = np.flatnonzero(same_site)
    for pair in site[np.argsort(rank[i[site]], kind="stable")]:
        if rank[i[pair]] < rank[j[pair]] and taken[i[pair]]:
            taken[j[pair]] = False
    # Images of others are not where the center had no neighbor.
    intruders = j[(i == 0) & is_new & taken[j] & (lengths < cutoff)]
    if core[intruders].any():
        return None
    taken[intruders] = False
    return near[taken], places[taken]


def _in_cell(numbers: np.ndarray, positions: np.ndarray, cell: _Cell, vacuum: float) -> Atoms:
    """Open directions get a length with the vacuum; the center is in the middle of the others."""
    vectors = cell.vectors.copy()
    coordinates = positions @ np.linalg.inv(vectors)
    lowest = coordinates.min(axis=0)
    lengths = np.where(cell.is_open, np.ptp(coordinates, axis=0) + vacuum, 1.0)
    coordinates = np.where(
        cell.is_open, (coordinates - lowest + vacuum / 2) / lengths, (coordinates + 0.5) % 1.0
    )
    vectors *= lengths[:, None]
    return Atoms(numbers, coordinates @ vectors, cell=vectors, pbc=~cell.is_open)
