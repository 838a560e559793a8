"""What a dataset keeps of its neighbors: every configuration is searched once in a fit."""

import pickle
from collections import Counter

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from forcesmith.data import neighbors
from forcesmith.data.batches import find_neighbors, make_batch, portions
from forcesmith.data.checks import check_configurations
from sample_data import labelled

ELEMENTS = ["Cu"]


@pytest.fixture
def searches(monkeypatch):
    """Counts the searches: of pairs, of the closest pair, and of the compact cell."""
    found = Counter()

    def counted(name):
        original = getattr(neighbors, name)

        def wrapper(*arguments):
            found[name] += 1
            return original(*arguments)

        monkeypatch.setattr(neighbors, name, wrapper)

    for name in ("_search", "_closest", "_points"):
        counted(name)
    return found


@pytest.fixture
def copper() -> list[Atoms]:
    """Distorted crystals of 4 and 8 atoms with energies and forces of a cheap potential."""
    found = []
    for seed in range(6):
        atoms = bulk("Cu", cubic=True) * (1, 1, 1 + seed % 2)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        found.append(
            labelled(atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
        )
    return found


def neighbors_of(configurations, cutoff: float) -> list[tuple]:
    """Center, neighbor and displacement of all pairs, sorted."""
    rows = []
    for number, one in enumerate(find_neighbors(configurations, ELEMENTS, cutoff)):
        centers = np.repeat(np.arange(len(one.types)), one.counts)
        vectors = map(tuple, np.round(one.displacements, 9) + 0.0)
        found = zip(centers, one.neighbors, vectors, strict=True)
        rows += [(number, *pair) for pair in found]
    return sorted(rows)


@pytest.mark.parametrize(
    "settings",
    [
        {"descriptor": {"type": "moment_tensor", "level": 4, "cutoff": 4.0}},
        {
            "descriptor": {"type": "moment_tensor", "level": 4, "cutoff": 4.0},
            "model": {"type": "neural_network", "hidden_layers": [3], "activation": "tanh"},
            "optimizer": {"method": "adam", "max_iterations": 2},
            "data": {"validation_fraction": 0.2},
        },
        {
            "descriptor": {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0},
            "zbl": {"inner": 2.0, "outer": 2.5},
        },
    ],
)
def test_a_fit_searches_every_configuration_once(copper, searches, settings):
    data = fs.Dataset(copper)
    result = fs.fit(data[:4], data[4:], wall=False, **settings)
    assert searches == {"_search": 6, "_closest": 6, "_points": 6}
    # and what follows a fit needs none: plots, committees, another fit
    result.potential.evaluate(data)
    fs.fit(data[:4], data[4:], wall=False, **settings)
    assert searches == {"_search": 6, "_closest": 6, "_points": 6}


def test_the_wall_needs_each_dimer_once(copper, searches):
    """36 distances of one pair of elements, with the wall and without."""
    fs.fit(copper, descriptor={"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0})
    assert searches == {"_search": 6 + 36, "_closest": 6, "_points": 6 + 36}


def test_a_fit_does_not_depend_on_searches_before_it(copper, searches):
    """Pairs in another order would be summed with other rounding errors."""
    data = fs.Dataset(copper)
    settings = {"descriptor": {"type": "moment_tensor", "level": 8, "cutoff": 4.0}}
    settings |= {"optimizer": {"max_iterations": 5, "threads": 1}, "wall": False}
    losses = []
    for cutoff in (None, 5.0, 3.0):
        if cutoff:
            find_neighbors(data, ELEMENTS, cutoff)
        losses.append([row["loss"] for row in fs.fit(data, settings=settings).history])
    assert len(losses[0]) > 2
    assert losses[0] == losses[1] == losses[2]


def test_pairs_of_the_last_cutoff_are_kept(copper, searches):
    data = fs.Dataset(copper)
    for cutoff in (3.0, 5.0, 5.0, 4.0, 5.0):
        assert neighbors_of(data, cutoff) == neighbors_of(list(copper), cutoff)
    assert searches["_search"] == 4 * 6 + 5 * 6
    assert searches["_points"] == 6 + 5 * 6
    # another closest pair than the one that a search of its own finds, at the same distance
    [search] = data[:1].searches
    kept = search.closest("X", 5.0)
    alone = neighbors.NeighborSearch(copper[0], neighbors.PairBudget()).closest("X", 5.0)
    assert kept[2] == pytest.approx(alone[2], rel=1e-12)
    assert search.closest("X", kept[2]) is None
    assert searches["_closest"] == 1


def test_changed_configurations_are_searched_anew(copper, searches):
    data = fs.Dataset(copper[:1])
    changes = [
        lambda atoms: atoms.positions.__iadd__([[0.3, 0, 0]] + [[0, 0, 0]] * 3),
        lambda atoms: atoms.set_cell(atoms.cell * 1.1),
        lambda atoms: atoms.set_pbc([True, True, False]),
        lambda atoms: atoms.append("Cu"),
        lambda atoms: atoms.positions.__setitem__((-1, 2), 8.0),
    ]
    neighbors_of(data, 4.0)
    for change in changes:
        change(data[0])
        before = Counter(searches)
        found = neighbors_of(data, 4.0)
        assert searches["_search"] == before["_search"] + 1
        assert found == neighbors_of([data[0].copy()], 4.0)
    # elements are not part of it
    data[0].symbols[0] = "Ag"
    with pytest.raises(ValueError, match="holds the element.s. Ag"):
        find_neighbors(data, ELEMENTS, 4.0)


def test_overlaps_are_found_in_what_is_kept(copper):
    data = fs.Dataset(copper)
    data[2].positions[1] = data[2].positions[0] + [0.1, 0, 0]
    messages = []
    for _ in range(2):
        with pytest.raises(ValueError, match=r"Configuration 2 of train: atoms 0 .* 0\.100") as e:
            check_configurations(data, None, "train")
        messages.append(str(e.value))
        neighbors_of(data, 4.0)
    assert messages[0] == messages[1]


def test_number_of_kept_pairs_is_bounded(copper, searches, monkeypatch):
    sizes = [len(one.neighbors) for one in find_neighbors(copper, ELEMENTS, 4.0)]
    monkeypatch.setattr(
        "forcesmith.data.dataset.PairBudget", lambda: neighbors.PairBudget(sum(sizes[:3]))
    )
    data = fs.Dataset(copper)
    searches.clear()
    for times in (1, 2, 3):
        assert neighbors_of(data, 4.0) == neighbors_of(data[:], 4.0)
        assert searches == {"_search": 6 + (2 * times - 1) * 3, "_points": 6}
    # a list that becomes shorter makes room
    del data[1][4:]
    neighbors_of(data, 4.0)
    searches.clear()
    neighbors_of(data, 4.0)
    assert searches["_search"] == 2


def test_portions_of_a_list_keep_nothing(copper, monkeypatch):
    """What is streamed is gone afterwards; what is a dataset stays."""
    monkeypatch.setattr("forcesmith.data.batches.ATOMS_PER_PORTION", 8)
    data = fs.Dataset(copper)
    for configurations, kept in ((copper, False), (data, True)):
        for portion in portions(configurations):
            make_batch(portion, ELEMENTS, 4.0)
            assert sum(map(len, portion)) <= 12
        found = [search._pairs is not None for search in fs.Dataset(configurations).searches]
        assert found == [kept] * 6


# --- a sequence of Atoms ---


def test_a_dataset_is_a_sequence(copper):
    data = fs.Dataset(copper)
    assert len(data) == 6 and bool(data) and not fs.Dataset()
    assert data[1] is copper[1] and data[-1] is copper[5]
    assert list(data) == copper and data == copper and data != copper[:5] and data == data[:]
    assert isinstance(data[1:3], fs.Dataset) and list(data[::-2]) == copper[::-2]
    assert data[2] in data and data.index(copper[2]) == 2
    for joined in (data[:2] + data[2:], copper[:2] + data[2:], data[:2] + copper[2:]):
        assert isinstance(joined, fs.Dataset) and joined == copper
    assert list(data.select([3, 0])) == [copper[3], copper[0]]
    with pytest.raises(IndexError):
        data[6]
    with pytest.raises(ValueError, match="not by a mask"):
        data.select(np.arange(6) > 2)
    assert repr(data) == "<Dataset of 6 configurations, 36 atoms>"
    assert pickle.loads(pickle.dumps(data)) == data
    with pytest.raises(ValueError, match=r"not a single one; write \[atoms\]"):
        fs.Dataset(copper[0])
    with pytest.raises(ValueError, match=r"not a single one; write \[atoms\]"):
        fs.fit(copper[0])


def test_what_a_dataset_tells(copper, tmp_path):
    copper[1].info |= {"config_type": "hot", "weight": 2.5}
    copper[2].calc = None
    path = tmp_path / "data.extxyz"
    data = fs.Dataset(copper)
    assert data.elements == ["Cu"]
    assert data.groups == ["default", "hot", *["default"] * 4]
    assert data.weights.tolist() == [1, 2.5, 1, 1, 1, 1]
    assert data.labels[0].energy == copper[0].get_potential_energy() and not data.labels[2].any
    assert data.sources == [None] * 6
    ase.io.write(path, data[:2])
    read = fs.read(path)
    assert read.sources == [f"{path}, configuration {n}" for n in range(2)]
    train, test = fs.split(read, 0.5, seed=0)
    assert isinstance(train, fs.Dataset) and isinstance(test, fs.Dataset)
    copper[0].info["weight"] = -1
    with pytest.raises(ValueError, match="must be a number from 0"):
        data.weights  # noqa: B018
