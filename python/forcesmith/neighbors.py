"""Neighbor lists of ASE structures, as the compiled core wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from vesin import NeighborList

from forcesmith import _core

ATOMS_PER_PORTION = 20_000


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


def find_neighbors(
    configurations: Sequence[Atoms], elements: Sequence[str], cutoff: float
) -> list[Neighbors]:
    """Neighbors within `cutoff` (angstrom) of all atoms, configuration by configuration.

    Raises ValueError for elements that are not in `elements`, positions or cells that are not
    finite, periodic directions without a lattice vector, and atoms at the same place.
    """
    search = NeighborList(cutoff=cutoff, full_list=True, sorted=True)
    found = []
    for number, atoms in enumerate(configurations):
        if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
            raise ValueError(f"Configuration {number} has positions or a cell that are not finite.")
        if np.linalg.matrix_rank(atoms.cell.array[atoms.pbc]) < atoms.pbc.sum():
            raise ValueError(
                f"Configuration {number} is periodic, but its lattice vectors there are zero or "
                "linearly dependent; give the cell or set pbc to False."
            )
        types = element_indices(atoms, elements)
        if len(atoms) == 0:
            none = np.zeros(0, dtype=np.int32)
            found.append(Neighbors(types, none, none, np.zeros((0, 3))))
            continue
        # A direction that is not periodic may have a zero cell vector; complete_cell fills it.
        center, neighbor, vectors = search.compute(
            points=atoms.positions,
            box=atoms.cell.complete().array,
            periodic=atoms.pbc,
            quantities="ijD",
        )
        if len(vectors) and not vectors.any(axis=1).all():
            pair = np.flatnonzero(~vectors.any(axis=1))[0]
            raise ValueError(
                f"Atoms {center[pair]} and {neighbor[pair]} of configuration {number} are at the "
                "same place; remove one of them."
            )
        counts = np.bincount(center.astype(np.int64), minlength=len(atoms))
        found.append(Neighbors(types, counts, neighbor.astype(np.int32), vectors))
    return found


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
    configurations: Sequence[Atoms], elements: Sequence[str], cutoff: float
) -> _core.Batch:
    """All configurations with the neighbors of their atoms; see `find_neighbors`."""
    return join(find_neighbors(configurations, elements, cutoff))
