"""Neighbor lists of ASE structures.

vesin finds the pairs of ordinary structures. It lays a grid over cell or cluster and fails, or
searches for ever, where that grid is extreme: atoms far away, needles, cells of a fraction of an
angstrom. Such structures are searched with scipy's k-d tree, over the periodic images in reach; it
takes long to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import complete_cell, minkowski_reduce
from vesin import NeighborList

from forcesmith.data.labels import atoms_text

MAX_KEPT_PAIRS = 10_000_000
"""Of a dataset; each takes 28 bytes."""

MAX_PAIRS = 100_000_000
MAX_NEIGHBORS = 100_000
"""More pairs in one configuration (about 10 GB), or more neighbors per atom, are refused."""
MAX_LENGTH = 1e8
"""Coordinates beyond this (angstrom) are no coordinates; double precision ends there, too."""
MIN_HEIGHT = 1e-6
"""Lattice planes closer than this (angstrom) are one plane: the vectors are dependent."""
CLOSEST_GRID = 3.0
"""angstrom; the closest atoms are searched for by a grid no finer than this, which is quicker,"""
CLOSEST_ATOMS = 1000
"""if there are no more atoms than this: all of them may be at the same place."""
SUMS = np.array(
    [
        [0, 1, 1],
        [0, 1, -1],
        [1, 0, 1],
        [1, 0, -1],
        [1, 1, 0],
        [1, -1, 0],
        [1, 1, 1],
        [1, 1, -1],
        [1, -1, 1],
        [1, -1, -1],
    ]
)
"""Of two and three lattice vectors, and their differences."""


@dataclass(frozen=True)
class _Points:
    """Atoms of one configuration, wrapped into a compact cell that spans the same lattice.

    Row k of `lattice` is a lattice vector where `periodic[k]`, elsewhere a unit vector normal to
    all of these.
    """

    positions: np.ndarray  # (n_atoms, 3) angstrom
    lattice: np.ndarray  # (3, 3) angstrom
    periodic: np.ndarray  # (3,) bool
    coordinates: np.ndarray  # (n_atoms, 3) in units of `lattice`; 0 to 1 where periodic
    heights: np.ndarray  # (3,) distance of opposite faces of the cell, angstrom

    def images(self, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """All atoms and their periodic images that may be closer than `reach` to an atom.

        Returns positions, (n_images, 3), and the atom of each, (n_images,). The atoms themselves
        come first, in their order.
        """
        coordinates = self.coordinates
        atoms = np.arange(len(coordinates))
        for axis in np.flatnonzero(self.periodic):
            margin = reach / self.heights[axis] * (1 + 1e-9)
            n_cells = int(np.ceil(margin))
            shifts = np.array([0, *range(-n_cells, 0), *range(1, n_cells + 1)])
            n_images = len(shifts) * len(coordinates)
            shifted = np.tile(coordinates, (len(shifts), 1))
            shifted[:, axis] += np.repeat(shifts, len(coordinates))
            near = (shifted[:, axis] >= -margin) & (shifted[:, axis] <= 1 + margin)
            near[: len(coordinates)] = True
            coordinates = shifted[near]
            atoms = atoms[np.arange(n_images) % len(atoms)][near]
        return np.concatenate(
            [self.positions, (coordinates @ self.lattice)[len(self.positions) :]]
        ), atoms


def _points(atoms: Atoms, here: str) -> _Points:
    """Check positions and cell, wrap the atoms. here: what a message calls the configuration.

    Raises ValueError for positions or a cell that are not finite or beyond all measure, and for
    periodic directions without a lattice vector of their own.
    """
    bad = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{here}: the positions of {atoms_text(atoms, bad)} contain NaN or infinity; correct "
            "the data or remove this configuration."
        )
    if not np.isfinite(atoms.cell.array).all():
        raise ValueError(f"{here}: the cell contains NaN or infinity; correct or remove it.")
    lattice = atoms.cell.array * atoms.pbc[:, None]
    far = np.flatnonzero(np.abs(atoms.positions).max(axis=1, initial=0.0) > MAX_LENGTH)
    if len(far) or np.abs(lattice).max() > MAX_LENGTH:
        what = f"the positions of {atoms_text(atoms, far)} are" if len(far) else "the cell is"
        raise ValueError(
            f"{here}: {what} beyond {MAX_LENGTH:g} angstrom; correct the data (are the units "
            "right?) or remove this configuration."
        )
    lattice = _compact(lattice, atoms.pbc)
    if lattice is None:
        raise ValueError(
            f"{here} is periodic (pbc = {' '.join('FT'[int(p)] for p in atoms.pbc)}), but its "
            "lattice vectors there are zero or linearly dependent; give the cell or set pbc to "
            "False."
        )
    inverse = np.linalg.inv(lattice)
    coordinates = atoms.positions @ inverse
    outside = np.floor(coordinates) * atoms.pbc
    return _Points(
        positions=atoms.positions - outside @ lattice,
        lattice=lattice,
        periodic=atoms.pbc.copy(),
        coordinates=coordinates - outside,
        heights=1 / np.linalg.norm(inverse, axis=0),
    )


def _compact(lattice: np.ndarray, periodic: np.ndarray) -> np.ndarray | None:
    """The shortest vectors that span the same lattice, completed by unit vectors in the directions
    that are not periodic, (3, 3); None if the lattice vectors are not independent."""
    own = lattice[periodic]
    smallest = max(MIN_HEIGHT, 1e-12 * np.abs(own).max(initial=0.0))
    if np.linalg.matrix_rank(own, tol=smallest) < len(own):
        return None
    if periodic.all() and _is_reduced(lattice):
        return lattice
    try:
        compact, _ = minkowski_reduce(complete_cell(lattice), periodic)
    except RuntimeError:  # rounding kept it from an end
        return None
    return compact


def _is_reduced(lattice: np.ndarray) -> bool:
    """Whether no sum or difference of lattice vectors is shorter than one of those in it: they are
    the shortest that span the lattice (Minkowski)."""
    squares = (lattice**2).sum(axis=1)
    of_sums = ((SUMS @ lattice) ** 2).sum(axis=1)
    return bool((of_sums >= (np.abs(SUMS) * squares).max(axis=1) * (1 - 1e-12)).all())


@dataclass(frozen=True)
class Pairs:
    """All pairs of one configuration closer than the cutoff, each from both sides, by center."""

    cutoff: float  # angstrom
    counts: np.ndarray  # (n_atoms,) neighbors of every atom
    neighbors: np.ndarray  # (n_pairs,) atom of this configuration
    displacements: np.ndarray  # (n_pairs, 3) r_j - r_i, angstrom

    @property
    def centers(self) -> np.ndarray:
        """(n_pairs,)"""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def lengths(self) -> np.ndarray:
        """(n_pairs,), angstrom"""
        return np.linalg.norm(self.displacements, axis=1)


@dataclass
class PairBudget:
    """How many pairs may still be kept, of all configurations that share it."""

    left: int = MAX_KEPT_PAIRS


class NeighborSearch:
    """Searches for neighbors in one configuration, and keeps the pairs of the last cutoff.

    Pairs of another cutoff are not taken from these: they would stand in another order, sums over
    them would be rounded otherwise, and a fit would depend on what was asked before it.
    """

    def __init__(self, atoms: Atoms, budget: PairBudget):
        self.atoms = atoms
        self._budget = budget
        self._geometry: tuple[np.ndarray, ...] = ()
        self._points: _Points | None = None
        self._pairs: Pairs | None = None

    def pairs(self, here: str, cutoff: float) -> Pairs:
        """All pairs closer than `cutoff` (angstrom).

        here: what a message calls the configuration. Raises ValueError for positions or cells that
        are not finite or beyond all measure, periodic directions without a lattice vector, and more
        pairs than fit into memory.
        """
        points = self._current_points(here)
        kept = self._pairs
        if kept is not None and kept.cutoff == cutoff:
            return kept
        found = _search(points, here, cutoff)
        self._keep(found)
        return found

    def closest(self, here: str, within: float) -> tuple[int, int, float] | None:
        """The two atoms that are closest, and their distance (angstrom); None if none are closer
        than `within`. An atom and its own periodic image count, too. As `pairs` otherwise."""
        points = self._current_points(here)
        kept = self._pairs
        if kept is None or kept.cutoff < within:
            return _closest(points, within)
        lengths = kept.lengths
        if not lengths.min(initial=np.inf) < within:
            return None
        at = int(np.argmin(lengths))
        return int(kept.centers[at]), int(kept.neighbors[at]), float(lengths[at])

    def _current_points(self, here: str) -> _Points:
        geometry = self.atoms.positions, self.atoms.cell.array, self.atoms.pbc
        points = self._points
        if points is None or not all(map(np.array_equal, geometry, self._geometry)):
            self._keep(None)
            self._points = None
            points = _points(self.atoms, here)
            self._geometry = tuple(array.copy() for array in geometry)
            self._points = points  # last: an interruption leaves nothing half done
        return points

    def _keep(self, pairs: Pairs | None) -> None:
        """As far as there is room for them."""
        before, after = (0 if p is None else len(p.neighbors) for p in (self._pairs, pairs))
        if after - before <= self._budget.left:
            self._budget.left -= after - before
            self._pairs = pairs


def find_pairs(atoms: Atoms, here: str, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `NeighborSearch.pairs`, of atoms that are searched once: centers, sorted, (n_pairs,);
    their neighbors, (n_pairs,); r_j - r_i, (n_pairs, 3), angstrom."""
    pairs = _search(_points(atoms, here), here, cutoff)
    return pairs.centers, pairs.neighbors, pairs.displacements


class Surroundings:
    """What lies around a few atoms of a large configuration, periodic images included."""

    def __init__(self, atoms: Atoms, here: str):
        """here: what a message calls the configuration. Raises ValueError as `NeighborSearch`."""
        self.atoms = atoms
        self.here = here
        self._points = _points(atoms, here)
        self._radius = 0.0

    def around(
        self, centers: Sequence[int] | np.ndarray, radius: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Atoms closer than `radius` (angstrom) to each of the centers, without the center itself.

        Their numbers, (n,), an atom once for each of its images in reach, and their positions
        relative to the center, (n, 3), angstrom; the closest first.
        """
        if radius > self._radius:
            from scipy.spatial import KDTree

            self._positions, self._image_of = self._points.images(radius)
            self._tree = KDTree(self._positions)
            self._radius = radius
        origins = self._points.positions[np.asarray(centers)]
        found = []
        for center, origin, near in zip(
            centers, origins, self._tree.query_ball_point(origins, radius), strict=True
        ):
            near = np.array([image for image in near if image != center], dtype=int)
            displacements = self._positions[near] - origin
            lengths = np.linalg.norm(displacements, axis=1)
            order = np.argsort(lengths, kind="stable")
            order = order[lengths[order] < radius]
            found.append((self._image_of[near[order]], displacements[order]))
        return found


def _closest(points: _Points, within: float) -> tuple[int, int, float] | None:
    grid = max(within, CLOSEST_GRID)
    if len(points.positions) <= CLOSEST_ATOMS and _is_ordinary(points, grid):
        centers, neighbors, lengths = NeighborList(cutoff=grid, full_list=False).compute(
            points.positions, points.lattice, points.periodic, quantities="ijd"
        )
        if not lengths.min(initial=np.inf) < within:
            return None
        closest = int(np.argmin(lengths))
        return int(centers[closest]), int(neighbors[closest]), float(lengths[closest])
    from scipy.spatial import KDTree

    # No more than one image of an atom is near, however small the cell is.
    lengths = np.linalg.norm(points.lattice[points.periodic], axis=1)
    reach = min(within, lengths.min(initial=np.inf) * (1 + 1e-9))
    positions, image_of = points.images(reach)
    distances, found = KDTree(positions).query(
        points.positions, k=2, distance_upper_bound=np.nextafter(reach, 0)
    )
    # Of the two, one is the atom itself (another, if several are at the same place).
    atom = np.arange(len(points.positions))
    other = np.where(found[:, 0] == atom, 1, 0)
    distances = distances[atom, other]
    closest = int(np.argmin(distances))
    if not distances[closest] < within:
        return None
    return closest, int(image_of[found[closest, other[closest]]]), float(distances[closest])


def _search(points: _Points, here: str, cutoff: float) -> Pairs:
    _refuse_too_many_pairs(points, cutoff, here)
    if _is_ordinary(points, cutoff):
        centers, neighbors, displacements = NeighborList(
            cutoff=cutoff, full_list=True, sorted=True
        ).compute(points.positions, points.lattice, points.periodic, quantities="ijD")
    else:
        centers, neighbors, displacements = _pairs_by_tree(points, cutoff)
    counts = np.bincount(centers.astype(np.int64), minlength=len(points.positions))
    return Pairs(cutoff, counts, neighbors.astype(np.int32), displacements)


def _pairs_by_tree(points: _Points, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centers, neighbors and displacements, as in `Pairs`."""
    from scipy.spatial import KDTree

    positions, image_of = points.images(cutoff)
    pairs = KDTree(points.positions).sparse_distance_matrix(
        KDTree(positions), cutoff, output_type="ndarray"
    )
    pairs = pairs[(pairs["i"] != pairs["j"]) & (pairs["v"] < cutoff)]
    pairs = pairs[np.argsort(pairs["i"], kind="stable")]
    return (
        pairs["i"],
        image_of[pairs["j"]],
        positions[pairs["j"]] - points.positions[pairs["i"]],
    )


def _is_ordinary(points: _Points, cutoff: float) -> bool:
    """Whether vesin searches well: few of its boxes are empty, and few images are near."""
    n_boxes = np.maximum(1.0, _extents(points) // cutoff)
    # Of more than 1e5 boxes vesin makes about 1e5, and none at all in a direction with few.
    return bool(
        1e-3 < cutoff < 1e3
        and n_boxes.prod() < 10 * len(points.positions)
        and (n_boxes.prod() < 1e5 or n_boxes.max() < 10 * n_boxes.min())
        and (points.heights[points.periodic] > 0.1 * cutoff).all()
    )


def _extents(points: _Points) -> np.ndarray:
    """Heights of the cell; in directions that are not periodic, of the cluster, (3,), angstrom."""
    return np.where(points.periodic, points.heights, np.ptp(points.coordinates, axis=0))


@np.errstate(over="ignore")  # infinity is too many
def _refuse_too_many_pairs(points: _Points, cutoff: float, here: str) -> None:
    """Estimate the pairs from the numbers of atoms in boxes about as large as the cutoff."""
    n_atoms = len(points.positions)
    limit = min(MAX_PAIRS, MAX_NEIGHBORS * n_atoms)
    n_images = np.where(points.periodic, 2 * np.ceil(cutoff / points.heights) + 1, 1.0)
    if n_atoms**2 * n_images.prod() <= limit:  # there cannot be more
        return
    extents = _extents(points)
    n_boxes = np.maximum(1.0, extents // cutoff)
    size = np.where(points.periodic, extents, np.maximum(extents, cutoff)) / n_boxes
    origin = np.where(points.periodic, 0.0, points.coordinates.min(axis=0))
    scaled = (points.coordinates - origin) * np.where(points.periodic, n_boxes, 1 / size)
    occupied = np.unique(np.floor(scaled), axis=0, return_counts=True)[1]
    density = occupied / size.prod()
    n_pairs = 4 / 3 * np.pi * np.float64(cutoff) ** 3 * (occupied * density).sum()
    if n_pairs > limit:
        raise ValueError(
            f"{here}: about {n_pairs:.0e} pairs of atoms are closer than the cutoff of {cutoff:g} "
            f"angstrom, more than the {limit:.0e} that are accepted; correct cell, "
            "positions or cutoff."
        )
