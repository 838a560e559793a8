"""Neighbor lists of ASE structures, against brute force, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from contract_examples import ELEMENTS, make_potential, structures
from forcesmith.neighbors import element_indices, make_batch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_moment_tensor import neighborhoods
from vesin import NeighborList

CUTOFF = 4.3


def pairs_of(atoms: Atoms, cutoff: float) -> list[tuple]:
    """(i, j, r_ij rounded), sorted: the list that make_batch hands to the core."""
    i, j, r = NeighborList(cutoff=cutoff, full_list=True, sorted=True).compute(
        atoms.positions, atoms.cell.complete().array, atoms.pbc, "ijD"
    )
    return sorted(
        zip(i.tolist(), j.tolist(), map(tuple, (np.round(r, 6) + 0.0).tolist()), strict=True)
    )


def pairs_by_brute_force(atoms: Atoms, cutoff: float) -> list[tuple]:
    pairs = []
    for i, (_, j, _, r) in enumerate(neighborhoods(atoms, ELEMENTS, cutoff)):
        rows = map(tuple, (np.round(r, 6) + 0.0).tolist())
        pairs += [(i, n, row) for n, row in zip(j.tolist(), rows, strict=True)]
    return sorted(pairs)


@pytest.mark.parametrize("name", list(structures(CUTOFF)))
def test_every_kind_of_cell(name):
    atoms = structures(CUTOFF)[name]
    assert pairs_of(atoms, CUTOFF) == pairs_by_brute_force(atoms, CUTOFF)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_atoms=st.integers(1, 6),
    pbc=st.tuples(*[st.booleans()] * 3),
    slant=st.floats(0, 1.5),
)
def test_any_cell(seed, n_atoms, pbc, slant):
    """Atoms anywhere, inside the cell or not, in cells of any shape and handedness."""
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(2.0, 7.0, 3)) + slant * rng.normal(size=(3, 3))
    if abs(np.linalg.det(cell)) < 8:
        cell = np.diag([2.0, 3.0, -4.0])
    atoms = Atoms(
        rng.choice(ELEMENTS, n_atoms),
        positions=rng.uniform(-9, 9, (n_atoms, 3)),
        cell=cell,
        pbc=pbc,
    )
    assert pairs_of(atoms, CUTOFF) == pairs_by_brute_force(atoms, CUTOFF)


def test_batch_counts_every_atom_of_every_configuration():
    configurations = [Atoms(), bulk("MgO", "rocksalt", a=4.2), Atoms(), Atoms("O")]
    batch = make_batch(configurations, ELEMENTS, CUTOFF)
    assert (batch.n_atoms, batch.n_configurations) == (3, 4)
    empty = make_batch([], ELEMENTS, CUTOFF)
    assert (empty.n_atoms, empty.n_configurations) == (0, 0)


def test_element_indices():
    atoms = Atoms("OMgOO")
    assert element_indices(atoms, ["Mg", "O"]).tolist() == [1, 0, 1, 1]
    assert element_indices(atoms, ["O", "H", "Mg"]).tolist() == [0, 2, 0, 0]


def test_unknown_element_is_refused():
    potential = make_potential(
        [{"type": "moment_tensor", "level": 2, "cutoff": 3.0, "min_distance": 1.0}],
        {"type": "linear"},
    )
    with pytest.raises(ValueError, match=r"Al, H, but the potential knows only Mg, O\."):
        potential.evaluate(Atoms("MgHAl", positions=2 * np.eye(3)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["positions", "cell"])
def test_numbers_that_are_not_finite_are_refused(value, where):
    atoms = bulk("MgO", "rocksalt", a=4.2)
    if where == "positions":
        atoms.positions[1, 2] = value
    else:
        atoms.cell[2, 0] = value
    with pytest.raises(ValueError, match="Configuration 1: .*NaN or infinity"):
        make_batch([bulk("MgO", "rocksalt", a=4.2), atoms], ELEMENTS, CUTOFF)


@pytest.mark.parametrize("axes", [[0], [1, 2], [0, 1, 2]])
def test_periodic_without_lattice_vector_is_refused(axes):
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    atoms.cell[axes] = 0.0
    with pytest.raises(ValueError, match="Configuration 0 is periodic.*set pbc to False"):
        make_batch([atoms], ELEMENTS, CUTOFF)
    atoms.pbc[axes] = False
    assert make_batch([atoms], ELEMENTS, CUTOFF).n_atoms == 8


def test_linearly_dependent_lattice_vectors_are_refused():
    atoms = bulk("MgO", "rocksalt", a=4.2)
    atoms.cell[2] = atoms.cell[0] + atoms.cell[1]
    with pytest.raises(ValueError, match="linearly dependent"):
        make_batch([atoms], ELEMENTS, CUTOFF)


def test_atoms_at_the_same_place_are_refused():
    atoms = Atoms("MgOO", positions=[[0, 0, 0], [1, 2, 2], [1, 2, 2]])
    with pytest.raises(ValueError, match="Atoms 1 and 2 of configuration 0 are at the same place"):
        make_batch([atoms], ELEMENTS, CUTOFF)
    for shift in itertools.product([0, 1], repeat=3):
        periodic = Atoms(
            "Mg2", cell=3 * np.eye(3), pbc=True, positions=[[0, 0, 0], 3 * np.array(shift)]
        )
        with pytest.raises(ValueError, match="same place"):
            make_batch([periodic], ELEMENTS, CUTOFF)
