"""Neighbor lists of ASE structures, as the compiled core wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def make_batch(
    configurations: Sequence[Atoms], elements: Sequence[str], cutoff: float
) -> _core.Batch:
    """All configurations with the neighbors of their atoms within `cutoff` (angstrom).

    Raises ValueError for elements that are not in `elements`, positions or cells that are not
    finite, periodic directions without a lattice vector, and atoms at the same place.
    """
    search = NeighborList(cutoff=cutoff, full_list=True, sorted=True)
    types, counts, neighbors, displacements, sizes = [], [], [], [], []
    first = 0
    for number, atoms in enumerate(configurations):
        if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
            raise ValueError(f"Configuration {number} has positions or a cell that are not finite.")
        if np.linalg.matrix_rank(atoms.cell.array[atoms.pbc]) < atoms.pbc.sum():
            raise ValueError(
                f"Configuration {number} is periodic, but its lattice vectors there are zero or "
                "linearly dependent; give the cell or set pbc to False."
            )
        n_atoms = len(atoms)
        types.append(element_indices(atoms, elements))
        sizes.append(n_atoms)
        if n_atoms == 0:
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
        counts.append(np.bincount(center.astype(np.int64), minlength=n_atoms))
        neighbors.append(neighbor.astype(np.int32) + np.int32(first))
        displacements.append(vectors)
        first += n_atoms
    pairs_per_atom = np.concatenate([*counts, np.zeros(0, dtype=np.int64)])
    return _core.Batch(
        types=np.concatenate([*types, np.zeros(0, dtype=np.int32)]),
        offsets=np.concatenate([[0], np.cumsum(pairs_per_atom)]).astype(np.int64),
        neighbors=np.concatenate([*neighbors, np.zeros(0, dtype=np.int32)]),
        displacements=np.concatenate([*displacements, np.zeros((0, 3))]),
        sizes=np.array(sizes, dtype=np.int32),
    )
