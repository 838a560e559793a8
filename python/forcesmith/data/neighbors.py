"""Neighbor lists of ASE structures, as the compiled core wants them.

vesin finds the pairs of ordinary structures. It lays a grid over cell or cluster and fails, or
searches for ever, where that grid is extreme: atoms far away, needles, cells of a fraction of an
angstrom. Such structures are searched with scipy's k-d tree, over the periodic images in reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import complete_cell, minkowski_reduce
from scipy.spatial import KDTree
from vesin import NeighborList

from forcesmith import _core
from forcesmith.data.labels import atoms_text, describe

ATOMS_PER_PORTION = 20_000

MAX_PAIRS = 100_000_000
MAX_NEIGHBORS = 100_000
"""More pairs in one configuration (about 10 GB), or more neighbors per atom, are refused."""
MAX_LENGTH = 1e8
"""Coordinates beyond this (angstrom) are no coordinates; double precision ends there, too."""
MIN_HEIGHT = 1e-6
"""Lattice planes closer than this (angstrom) are one plane: the vectors are dependent."""


def portions(configurations: Sequence[Atoms]) -> Iterator[list[Atoms]]:
    """Lists of configurations with a bounded number of atoms, so that memory stays bounded."""
    portion: list[Atoms] = []
    n_atoms = 0
    for atoms in configurations:
        portion.append(atoms)
        n_atoms += len(atoms)
        if n_atoms >= ATOMS_PER_PORTION:
            yield portion
            portion, n_atoms = [], 0
    if portion:
        yield portion


def element_indices(atoms: Atoms, elements: Sequence[str]) -> np.ndarray:
    """Index of every atom's element in `elements`, (n_atoms,); ValueError for an unknown one."""
    index = {symbol: i for i, symbol in enumerate(elements)}
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(index))
    if unknown:
        raise ValueError(
            f"The structure holds the element(s) {', '.join(unknown)}, but the potential knows "
            f"only {', '.join(elements)}."
        )
    return np.array([index[symbol] for symbol in atoms.get_chemical_symbols()], dtype=np.int32)


@dataclass(frozen=True)
class Neighbors:
    """One configuration: its atoms' elements and all pairs closer than the cutoff, by center."""

    types: np.ndarray  # (n_atoms,) index of the element
    counts: np.ndarray  # (n_atoms,) neighbors of every atom
    neighbors: np.ndarray  # (n_pairs,) atom of this configuration
    displacements: np.ndarray  # (n_pairs, 3) r_j - r_i, angstrom

    def lower_to_smallest_distances(self, distances: np.ndarray) -> None:
        """Lower entries of (n_elements, n_elements), angstrom, to those of this configuration."""
        centers = np.repeat(self.types, self.counts)
        lengths = np.linalg.norm(self.displacements, axis=1)
        np.minimum.at(distances, (centers, self.types[self.neighbors]), lengths)


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
        periodic=atoms.pbc,
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
    try:
        compact, _ = minkowski_reduce(complete_cell(lattice), periodic)
    except RuntimeError:  # rounding kept it from an end
        return None
    return compact


def closest_pair(atoms: Atoms, here: str, within: float) -> tuple[int, int, float] | None:
    """The two atoms that are closest, and their distance (angstrom); None if none are closer than
    `within`. An atom and its own periodic image count, too.

    here: what a message calls the configuration. Raises ValueError as `find_neighbors` does.
    """
    points = _points(atoms, here)
    # No more than one image of an atom is near, however small the cell is.
    lengths = np.linalg.norm(points.lattice[points.periodic], axis=1)
    reach = min(within, lengths.min(initial=np.inf) * (1 + 1e-9))
    positions, image_of = points.images(reach)
    distances, found = KDTree(positions).query(
        points.positions, k=2, distance_upper_bound=np.nextafter(reach, 0)
    )
    # Of the two, one is the atom itself (another, if several are at the same place).
    atom = np.arange(len(atoms))
    other = np.where(found[:, 0] == atom, 1, 0)
    distances = distances[atom, other]
    closest = int(np.argmin(distances))
    if not distances[closest] < within:
        return None
    return closest, int(image_of[found[closest, other[closest]]]), float(distances[closest])


def find_neighbors(
    configurations: Sequence[Atoms], elements: Sequence[str], cutoff: float, first: int = 0
) -> list[Neighbors]:
    """Neighbors within `cutoff` (angstrom) of all atoms, configuration by configuration.

    first: number of the first configuration in messages.

    Raises ValueError for elements that are not in `elements`, positions or cells that are not
    finite or beyond all measure, periodic directions without a lattice vector, atoms at the same
    place, and more neighbors than fit into memory.
    """
    found = []
    for number, atoms in enumerate(configurations, start=first):
        here = describe(atoms, f"configuration {number}")
        types = element_indices(atoms, elements)
        if len(atoms) == 0:
            none = np.zeros(0, dtype=np.int32)
            found.append(Neighbors(types, none, none, np.zeros((0, 3))))
            continue
        center, neighbor, vectors = find_pairs(atoms, here, cutoff)
        if len(vectors) and not vectors.any(axis=1).all():
            pair = np.flatnonzero(~vectors.any(axis=1))[0]
            raise ValueError(
                f"Atoms {center[pair]} and {neighbor[pair]} of {here[0].lower()}{here[1:]} are at "
                "the same place; remove one of them."
            )
        counts = np.bincount(center.astype(np.int64), minlength=len(atoms))
        found.append(Neighbors(types, counts, neighbor.astype(np.int32), vectors))
    return found


def find_pairs(atoms: Atoms, here: str, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs closer than `cutoff` (angstrom), each from both sides: centers, sorted, (n_pairs,);
    their neighbors, (n_pairs,); r_j - r_i, (n_pairs, 3), angstrom.

    here: what a message calls the configuration. Raises ValueError as `find_neighbors` does.
    """
    points = _points(atoms, here)
    _refuse_too_many_pairs(points, cutoff, here)
    if not _is_ordinary(points, cutoff):
        return _pairs_by_tree(points, cutoff)
    return NeighborList(cutoff=cutoff, full_list=True, sorted=True).compute(
        points.positions, points.lattice, points.periodic, quantities="ijD"
    )


def _pairs_by_tree(points: _Points, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `find_pairs`."""
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


def join(configurations: Sequence[Neighbors]) -> _core.Batch:
    """Configurations one after the other, as the core takes them."""
    sizes = np.array([len(one.types) for one in configurations], dtype=np.int32)
    first = np.cumsum(sizes) - sizes
    none = np.zeros(0, dtype=np.int32)
    counts = np.concatenate([*(one.counts for one in configurations), none])
    return _core.Batch(
        types=np.concatenate([*(one.types for one in configurations), none]).astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        neighbors=np.concatenate(
            [
                *(one.neighbors + shift for one, shift in zip(configurations, first, strict=True)),
                none,
            ]
        ).astype(np.int32),
        displacements=np.concatenate(
            [*(one.displacements for one in configurations), np.zeros((0, 3))]
        ),
        sizes=sizes,
    )


def make_batch(
    configurations: Sequence[Atoms], elements: Sequence[str], cutoff: float, first: int = 0
) -> _core.Batch:
    """All configurations with the neighbors of their atoms; see `find_neighbors`."""
    return join(find_neighbors(configurations, elements, cutoff, first))
