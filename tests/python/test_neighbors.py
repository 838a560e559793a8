"""Neighbor lists of ASE structures, against brute force, and what is refused."""

from __future__ import annotations

import itertools

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from contract_examples import ELEMENTS, make_potential, structures
from forcesmith.data.batches import element_indices, make_batch
from forcesmith.data.checks import check_configurations
from forcesmith.data.neighbors import NeighborSearch, PairBudget, Surroundings, find_pairs
from forcesmith.data.reading import read
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_moment_tensor import neighborhoods
from sample_data import labelled

CUTOFF = 4.3


def pairs_of(atoms: Atoms, cutoff: float) -> list[tuple]:
    """(i, j, r_ij rounded), sorted."""
    i, j, r = find_pairs(atoms, "X", cutoff)
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


@pytest.mark.parametrize("name", structures(CUTOFF))
def test_surroundings_of_a_few_atoms(name):
    """They are those that a search among all atoms finds, the closest first; at any radius."""
    atoms = structures(CUTOFF)[name]
    surroundings = Surroundings(atoms, "X")
    centers = [len(atoms) - 1, 0]
    for radius in (CUTOFF, 0.7 * CUTOFF, 1.5 * CUTOFF):
        i, j, vectors = find_pairs(atoms, "X", radius)
        found = surroundings.around(centers, radius)
        for center, (neighbors, places) in zip(centers, found, strict=True):
            own = i == center
            expected = sorted(zip(j[own], vectors[own].round(8).tolist(), strict=True))
            assert sorted(zip(neighbors, places.round(8).tolist(), strict=True)) == expected
            assert (np.diff(np.linalg.norm(places, axis=1)) >= 0).all()


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


# --- extreme structures ---------------------------------------------------------------------------


def crystal_atoms(seed: int = 0, n_atoms: int = 5) -> Atoms:
    rng = np.random.default_rng(seed)
    return Atoms(
        rng.choice(ELEMENTS, n_atoms),
        positions=rng.uniform(0, 5, (n_atoms, 3)),
        cell=np.diag([5.0, 5.5, 6.0]) + rng.normal(0, 0.3, (3, 3)),
        pbc=True,
    )


def with_cell(*vectors, pbc=True, n_atoms: int = 3) -> Atoms:
    atoms = crystal_atoms(n_atoms=n_atoms)
    atoms.set_cell(vectors)
    atoms.pbc = pbc
    return atoms


def cluster(*coordinates) -> Atoms:
    return Atoms("Mg" * len(coordinates), positions=coordinates)


EXTREME = {
    "needle": with_cell([1e7, 0, 0], [0, 4, 0], [0, 0, 4]),
    "plate": with_cell([1e7, 0, 0], [0, 1e7, 0], [0, 0, 4]),
    "empty cell": with_cell([1e7, 0, 0], [0, 1e7, 0], [0, 0, 1e7]),
    "almost dependent": with_cell([6, 0, 0], [6, 0.6, 0], [0, 0, 5]),
    "very slanted": with_cell([6, 0, 0], [300, 5, 0], [-598, 900, 5]),
    "short vector": with_cell([0.3, 0, 0], [0, 9, 0], [0, 0, 9], n_atoms=2),
    "thin slab": with_cell([0.5, 0, 0], [0, 7, 0], [0, 0, 0], pbc=[1, 1, 0]),
    "tilted wire": with_cell([2, 2, 1], [0, 0, 0], [0, 0, 0], pbc=[1, 0, 0]),
    "open vectors along periodic ones": with_cell([4, 0, 0], [8, 0, 0], [0, 5, 0], pbc=[1, 0, 1]),
    "one atom far away": cluster([0, 0, 0], [0, 0, 2], [1e7, 0, 0]),
    "pairs far from each other": cluster(
        [0, 0, 0], [0, 0, 2], [1e6, 1e6, 0], [1e6, 1e6, 2], [-3e7, 0, 5e6], [-3e7, 2, 5e6]
    ),
}


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_structures(name):
    """Against brute force."""
    atoms = EXTREME[name]
    i, j, vectors = find_pairs(atoms, "X", CUTOFF)
    rows = map(tuple, (np.round(vectors, 5) + 0.0).tolist())
    found = sorted(zip(i.tolist(), j.tolist(), rows, strict=True))
    expected = []
    reach = np.where(atoms.cell.lengths() < 1e4, 18, 1) * atoms.pbc
    reach = [np.arange(-n, n + 1) for n in reach]
    grid = np.stack(np.meshgrid(*reach), axis=-1).reshape(-1, 3)
    lattice = atoms.cell.array * atoms.pbc[:, None]
    if name == "very slanted":  # the same lattice, in vectors that are easy to see
        lattice = np.array([[6, 0, 0], [0, 5, 0], [2, 0, 5]])
    for a, b in itertools.product(range(len(atoms)), repeat=2):
        r = atoms.positions[b] - atoms.positions[a] + grid @ lattice
        near = (np.linalg.norm(r, axis=1) < CUTOFF) & ((a != b) | grid.any(axis=1))
        expected += [(a, b, tuple(row)) for row in (np.round(r[near], 5) + 0.0).tolist()]
    assert found == sorted(expected)
    closest = NeighborSearch(atoms, PairBudget()).closest("X", CUTOFF)
    distances = np.linalg.norm(vectors, axis=1)
    assert closest[2] == pytest.approx(distances.min(), abs=1e-6) if len(found) else not closest
    check_configurations([labelled(atoms, energy=0.0)], None, "train")


@pytest.mark.parametrize("distance", [1, 1000, 1_000_000])
def test_atoms_outside_the_cell_are_those_inside(distance):
    inside = crystal_atoms(n_atoms=8)
    outside = inside.copy()
    shifts = np.random.default_rng(1).integers(-distance, distance + 1, (8, 3))
    outside.positions += shifts @ inside.cell.array
    one, other = (find_pairs(atoms, "X", CUTOFF) for atoms in (inside, outside))
    assert len(one[0]) > 100
    np.testing.assert_array_equal(one[0], other[0])
    distances = [np.sort(np.linalg.norm(vectors, axis=1)) for _, _, vectors in (one, other)]
    np.testing.assert_allclose(*distances, atol=1e-7)


@pytest.mark.parametrize(
    ("atoms", "cutoff", "message"),
    [
        (with_cell([1e-3, 0, 0], [0, 1e-3, 0], [0, 0, 1e-3]), 5.0, "pairs of atoms are closer"),
        (crystal_atoms(), 200.0, "pairs of atoms are closer than the cutoff of 200 angstrom"),
        (crystal_atoms(), 1e300, "pairs of atoms are closer"),
        (with_cell([1e-9, 0, 0], [0, 3, 0], [0, 0, 3]), 5.0, "linearly dependent"),
        (with_cell([1e8, 0, 0], [1e8, 1e-5, 0], [0, 0, 3]), 5.0, "linearly dependent"),
        (with_cell([1e9, 0, 0], [0, 3, 0], [0, 0, 3]), 5.0, "the cell is beyond 1e.08 angstrom"),
        (cluster([0, 0, 0], [0, 0, 2e8]), 5.0, r"positions of atom 1 \(Mg\) .*beyond 1e.08"),
    ],
)
def test_what_cannot_be_searched_is_refused(atoms, cutoff, message):
    atoms.info["read_from"] = "some.file, configuration 7"
    with pytest.raises(ValueError, match=rf"^Configuration 0 \(some.file, .*{message}") as found:
        make_batch([atoms], ELEMENTS, cutoff)
    assert len(str(found.value)) < 300


def test_atoms_in_a_heap_are_refused():
    heap = Atoms("Mg20000", positions=np.random.default_rng(0).uniform(0, 3, (20000, 3)))
    with pytest.raises(ValueError, match=r"about 2e\+09 pairs .* more than the 1e\+08"):
        make_batch([heap], ELEMENTS, 5.0)
    with pytest.raises(ValueError, match="apart"):
        check_configurations([labelled(heap, energy=0.0)], None, "train")


def test_large_flat_structure():
    """More boxes than vesin makes, and few of them in one direction."""
    sheet = bulk("MgO", "rocksalt", a=4.2, cubic=True) * (60, 60, 1)
    i, _, vectors = find_pairs(sheet, "X", 2.2)
    assert (np.bincount(i) == 6).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 2.1)


def test_messages_count_configurations_over_portions():
    potential = make_potential(
        [{"type": "moment_tensor", "level": 2, "cutoff": 3.0, "min_distance": 1.0}],
        {"type": "linear"},
    )
    far = [Atoms("Mg", positions=[[0, 0, 1e9]])]
    many = [Atoms("Mg40", positions=np.outer(np.arange(40), [4, 0, 0]))] * 501
    with pytest.raises(ValueError, match="Configuration 501: the positions of atom 0"):
        potential.evaluate(many + far)
    far[0].calc = potential.calculator()
    with pytest.raises(ValueError, match="beyond"):
        far[0].get_potential_energy()


def test_far_atom_of_a_case(shared_cases):
    atoms = read(shared_cases / "far_atom" / "far_atom.cfg", elements=["Cu"])
    settings = {"elements": ["Cu"], "descriptor": {"level": 6, "cutoff": 5.0}}
    with pytest.raises(ValueError, match="No two atoms of the training data are closer"):
        fs.fit(atoms, settings=settings)
