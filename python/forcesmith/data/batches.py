"""Configurations with their neighbors, as the compiled core wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols

from forcesmith import _core
from forcesmith.data.dataset import Dataset, searches_of
from forcesmith.data.labels import describe
from forcesmith.data.neighbors import NeighborSearch

ATOMS_PER_PORTION = 20_000


def portions(
    configurations: Iterable[Atoms], atoms_per_portion: int | None = None
) -> Iterator[Dataset]:
    """Datasets with a bounded number of atoms, so that memory stays bounded."""
    most = atoms_per_portion or ATOMS_PER_PORTION
    portion: list[NeighborSearch] = []
    n_atoms = 0
    for search in searches_of(configurations):
        portion.append(search)
        n_atoms += len(search.atoms)
        if n_atoms >= most:
            yield Dataset.of_searches(portion)
            portion, n_atoms = [], 0
    if portion:
        yield Dataset.of_searches(portion)


def element_indices(atoms: Atoms, elements: Sequence[str]) -> np.ndarray:
    """Index of every atom's element in `elements`, (n_atoms,); ValueError for an unknown one."""
    index = np.full(len(chemical_symbols), -1, dtype=np.int32)
    for i, symbol in enumerate(elements):
        if symbol in atomic_numbers:
            index[atomic_numbers[symbol]] = i
    found = index[atoms.numbers]
    if (found < 0).any():
        unknown = sorted(set(atoms.symbols[found < 0]))
        raise ValueError(
            f"The structure holds the element(s) {', '.join(unknown)}, but the potential knows "
            f"only {', '.join(elements)}."
        )
    return found


@dataclass(frozen=True)
class Neighbors:
    """One configuration: its atoms' elements and all pairs closer than the cutoff, by center."""

    types: np.ndarray  # (n_atoms,) index of the element
    counts: np.ndarray  # (n_atoms,) neighbors of every atom
    neighbors: np.ndarray  # (n_pairs,) atom of this configuration
    displacements: np.ndarray  # (n_pairs, 3) r_j - r_i, angstrom


def find_neighbors(
    configurations: Iterable[Atoms], elements: Sequence[str], cutoff: float, first: int = 0
) -> list[Neighbors]:
    """Neighbors within `cutoff` (angstrom) of all atoms, configuration by configuration.

    first: number of the first configuration in messages.

    Raises ValueError for elements that are not in `elements`, positions or cells that are not
    finite or beyond all measure, periodic directions without a lattice vector, atoms at the same
    place, and more neighbors than fit into memory.
    """
    found = []
    for number, search in enumerate(searches_of(configurations), start=first):
        atoms = search.atoms
        here = describe(atoms, f"configuration {number}")
        types = element_indices(atoms, elements)
        if len(atoms) == 0:
            none = np.zeros(0, dtype=np.int32)
            found.append(Neighbors(types, none, none, np.zeros((0, 3))))
            continue
        pairs = search.pairs(here, cutoff)
        together = np.flatnonzero(~pairs.displacements.any(axis=1))
        if len(together):
            pair = together[0]
            raise ValueError(
                f"Atoms {pairs.centers[pair]} and {pairs.neighbors[pair]} of "
                f"{here[0].lower()}{here[1:]} are at the same place; remove one of them."
            )
        found.append(Neighbors(types, pairs.counts, pairs.neighbors, pairs.displacements))
    return found


def smallest_distances(
    configurations: Iterable[Atoms], elements: Sequence[str], cutoff: float
) -> np.ndarray:
    """Of every pair of elements, (n_elements, n_elements), angstrom; infinity where there is none
    within the cutoff. Raises ValueError as `find_neighbors` does."""
    n_elements = len(elements)
    squares = np.full(n_elements**2, np.inf)
    first = 0
    for portion in portions(configurations):
        for one in find_neighbors(portion, elements, cutoff, first):
            pairs = np.repeat(n_elements * one.types, one.counts) + one.types[one.neighbors]
            np.minimum.at(squares, pairs, (one.displacements**2).sum(axis=1))
        first += len(portion)
    distances = np.sqrt(squares).reshape(n_elements, n_elements)
    return distances


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
    configurations: Iterable[Atoms], elements: Sequence[str], cutoff: float, first: int = 0
) -> _core.Batch:
    """All configurations with the neighbors of their atoms; see `find_neighbors`."""
    return join(find_neighbors(configurations, elements, cutoff, first))
