"""Bispectrum: against the slow reference (reference_bispectrum.py), and what is refused how."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from contract_examples import crystal, make_potential
from forcesmith.data.batches import make_batch
from reference_bispectrum import descriptor_values
from sample_data import labelled

COUNTS = {0: 1, 1: 2, 2: 5, 3: 8, 4: 14, 5: 20, 6: 30, 7: 40, 8: 55, 14: 204}
BASE = {"twojmax": 4, "rcutfac": 4.0}
UNEQUAL = {"radii": [0.52, 0.43, 0.47], "weights": [1.0, -0.6, 0.3]}
INNER = {"switchinnerflag": True, "sinner": [2.2, 1.9, 2.6], "dinner": [0.35, 0.2, 0.5]}
OPTIONS = {
    "rfac0": {"rfac0": 0.8},
    "rmin0": {"rmin0": 1.7},
    "no switch": {"switchflag": False},
    "no switch, rmin0": {"switchflag": False, "rmin0": 1.7},
    "no shift": {"bzeroflag": False},
    "norm": {"bnormflag": True},
    "norm, no shift": {"bnormflag": True, "bzeroflag": False},
    "inner": INNER,
    "inner, rmin0": {**INNER, "rmin0": 1.7},
    "inner, no switch": {**INNER, "switchflag": False},
}


def document(descriptor: dict, elements: list[str], **others) -> dict:
    return {
        "format": "forcesmith potential",
        "version": 1,
        "elements": elements,
        "descriptors": [{"type": "bispectrum", **descriptor}],
        "model": {"type": "linear"},
        **others,
    }


def core_values(descriptor: dict, atoms: Atoms, elements: list[str]) -> np.ndarray:
    """B (atoms, values) of the compiled core: energies with one coefficient 1, all others 0."""
    potential = fs.Potential.from_json(json.dumps(document(descriptor, elements)), trained=False)
    core = potential._core
    batch = make_batch([atoms], elements, potential.cutoff)
    evaluator = fs._core.Evaluator(core)
    values = []
    for unit in np.eye(len(core.model_parameters))[len(elements) :]:
        core.model_parameters = unit
        values.append(evaluator.evaluate(batch)["energies"])
    return np.array(values).T


def reference_values(descriptor: dict, atoms: Atoms, elements: list[str]) -> np.ndarray:
    """The same; `atoms` has no periodic direction."""
    types = np.array([elements.index(symbol) for symbol in atoms.symbols])
    values = []
    for i in range(len(atoms)):
        others = np.arange(len(atoms)) != i
        displacements = atoms.positions[others] - atoms.positions[i]
        values.append(
            descriptor_values(descriptor, elements, types[i], types[others], displacements)
        )
    return np.array(values)


def cluster(elements: list[str], n_atoms: int = 6, seed: int = 0) -> Atoms:
    """Distances from 1.5 to 4.7 angstrom."""
    rng = np.random.default_rng(seed)
    grid = 1.9 * np.array(list(np.ndindex(2, 3, 2)), dtype=float)
    positions = rng.permutation(grid)[:n_atoms] + rng.uniform(-0.25, 0.25, (n_atoms, 3))
    return Atoms([elements[i % len(elements)] for i in range(n_atoms)], positions=positions)


def assert_agrees(descriptor: dict, atoms: Atoms, elements: list[str]) -> np.ndarray:
    found = core_values(descriptor, atoms, elements)
    expected = reference_values(descriptor, atoms, elements)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    return found


# --- values ---


@pytest.mark.parametrize("twojmax", COUNTS)
def test_number_of_components(twojmax):
    for elements in (["O"], ["Mg", "O"], ["Mg", "O", "Al"]):
        given = document({"twojmax": twojmax, "rcutfac": 3.0}, elements)
        potential = fs.Potential.from_json(json.dumps(given), trained=False)
        sizes = potential.info()["descriptor_values"]
        assert sizes == dict.fromkeys(elements, COUNTS[twojmax])
        if twojmax > 8:
            continue
        given["descriptors"][0]["chemflag"] = True
        sizes = fs.Potential.from_json(json.dumps(given), trained=False).info()["descriptor_values"]
        assert sizes == dict.fromkeys(elements, COUNTS[twojmax] * len(elements) ** 3)


@pytest.mark.parametrize("twojmax", COUNTS)
def test_values_of_every_size(twojmax):
    n_atoms = 6 if twojmax <= 8 else 3
    values = assert_agrees(
        {"twojmax": twojmax, "rcutfac": 3.6}, cluster(["O"], n_atoms, seed=twojmax), ["O"]
    )
    assert np.all(np.ptp(values, axis=0) > 1e-3)


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    """With three elements whose cutoffs and weights differ; every option changes the values."""
    elements = ["Mg", "O", "Al"]
    plain = {**BASE, **UNEQUAL}
    atoms = cluster(elements)
    values = assert_agrees({**plain, **OPTIONS[name]}, atoms, elements)
    assert np.abs(values - core_values(plain, atoms, elements)).max() > 0.1


def test_the_cluster_has_pairs_on_both_sides_of_every_distance():
    """Guards the test above."""
    atoms = cluster(["Mg", "O", "Al"])
    i, j = np.triu_indices(len(atoms), 1)
    r = atoms.get_all_distances()[i, j]
    types = np.arange(len(atoms)) % 3
    radii, sinner, dinner = (
        np.array(values) for values in (UNEQUAL["radii"], INNER["sinner"], INNER["dinner"])
    )
    cutoffs = BASE["rcutfac"] * (radii[types[i]] + radii[types[j]])
    assert np.any(r < 1.7) and np.any((r > 1.7) & (r < cutoffs))
    assert np.any(r < cutoffs) and np.any((r > cutoffs) & (r < cutoffs.max()))
    x = 2 * (r - (sinner[types[i]] + sinner[types[j]]) / 2) / (dinner[types[i]] + dinner[types[j]])
    assert np.any(x < -1) and np.any(np.abs(x) < 1) and np.any((x > 1) & (r < cutoffs))


@pytest.mark.parametrize("wselfallflag", [False, True])
@pytest.mark.parametrize("bzeroflag", [False, True])
@pytest.mark.parametrize("bnormflag", [False, True])
def test_one_density_per_element(wselfallflag, bzeroflag, bnormflag):
    elements = ["Mg", "O", "Al"]
    descriptor = {"twojmax": 2, "rcutfac": 3.6, "chemflag": True, **UNEQUAL}
    flags = {"wselfallflag": wselfallflag, "bzeroflag": bzeroflag, "bnormflag": bnormflag}
    assert_agrees({**descriptor, **flags}, cluster(elements, 5), elements)


def test_all_options_together():
    options = {**INNER, "rmin0": 1.7, "rfac0": 0.9, "chemflag": True, "wselfallflag": True}
    elements = ["Mg", "O"]
    descriptor = {**BASE, **UNEQUAL, **options, "bnormflag": True, "bzeroflag": False}
    descriptor = {k: v[:2] if isinstance(v, list) else v for k, v in descriptor.items()}
    assert_agrees(descriptor, cluster(elements, 5), elements)


def test_chemflag_means_nothing_for_one_element():
    atoms = cluster(["O"])
    plain, chem = (core_values({**BASE, "chemflag": flag}, atoms, ["O"]) for flag in (False, True))
    np.testing.assert_array_equal(chem, plain)


def test_order_of_the_atoms_of_a_block_does_not_matter():
    """An atom keeps its values wherever it stands, though neighbors are packed by element."""
    elements = ["Mg", "O", "Al"]
    descriptor = {**BASE, **UNEQUAL, "chemflag": True}
    atoms = cluster(elements, 11)
    order = np.random.default_rng(1).permutation(len(atoms))
    values = core_values(descriptor, atoms, elements)
    reordered = core_values(descriptor, atoms[order], elements)
    np.testing.assert_allclose(reordered, values[order], rtol=0, atol=1e-12 * np.abs(values).max())


@pytest.mark.parametrize("pair", ["MgMg", "MgO", "OO"])
def test_a_pair_counts_within_its_own_cutoff(pair):
    """The largest cutoff is that of Mg-Mg."""
    descriptor = {"twojmax": 3, "rcutfac": 4.0, "radii": [0.6, 0.4], "switchflag": False}
    potential = fs.Potential.from_json(json.dumps(document(descriptor, ["Mg", "O"])), trained=False)
    assert potential.cutoff == pytest.approx(4.8)
    own = {"MgMg": 4.8, "MgO": 4.0, "OO": 3.2}[pair]
    for distance, counts in ((own - 0.001, True), (own + 0.001, False)):
        atoms = Atoms(pair, positions=[[0, 0, 0], [0, 0.6 * distance, 0.8 * distance]])
        values = core_values(descriptor, atoms, ["Mg", "O"])
        assert np.all(np.abs(values).max(axis=1) > 0.1) == counts
        assert counts or np.abs(values).max() < 1e-12


def test_an_atom_alone():
    """Zero, or without bzeroflag 2j + 1 with j of the last index, or 1 with bnormflag."""
    atoms = Atoms("O")
    np.testing.assert_allclose(core_values(BASE, atoms, ["O"]), 0.0, rtol=0, atol=1e-14)
    plain = core_values({"twojmax": 2, "rcutfac": 3.6, "bzeroflag": False}, atoms, ["O"])
    np.testing.assert_allclose(plain, [[1, 2, 3, 3, 3]], rtol=1e-14)
    norm = core_values({**BASE, "bzeroflag": False, "bnormflag": True}, atoms, ["O"])
    np.testing.assert_allclose(norm, 1.0, rtol=1e-14)


# --- settings ---


def test_flags_are_numbers_or_booleans():
    """1 and true, 0 and false."""
    names = ["switchflag", "bzeroflag", "bnormflag", "chemflag", "wselfallflag"]
    for flag in (True, False):
        texts = []
        for value in (flag, int(flag)):
            flags = dict.fromkeys(names, value)
            given = json.dumps(document({**BASE, **flags}, ["Mg", "O"]))
            texts.append(fs.Potential.from_json(given, trained=False).to_json())
        assert texts[0] == texts[1]
        assert json.loads(texts[1])["descriptors"][0]["chemflag"] is flag


def test_defaults():
    """Those of LAMMPS, and radii that make rcutfac the cutoff."""
    potential = fs.Potential.from_json(json.dumps(document(BASE, ["Mg", "O"])), trained=False)
    assert potential.cutoff == BASE["rcutfac"]
    assert json.loads(potential.to_json())["descriptors"] == [
        {
            "type": "bispectrum",
            **BASE,
            "rfac0": 0.99363,
            "rmin0": 0.0,
            "radii": [0.5, 0.5],
            "weights": [1.0, 1.0],
            "switchflag": True,
            "bzeroflag": True,
            "bnormflag": False,
            "chemflag": False,
            "wselfallflag": False,
            "switchinnerflag": False,
        }
    ]


@pytest.fixture(scope="module")
def data() -> list[Atoms]:
    """Labelled by a potential with other radii and weights than the default ones."""
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0, "radii": [0.55, 0.45]}
    known = make_potential([{**descriptor, "weights": [1.0, 0.6]}], {"type": "linear"})
    made = []
    for seed in range(6):
        atoms = crystal(seed=seed)
        result = known.evaluate(atoms)
        made.append(labelled(atoms, energy=result.energy, forces=result.forces))
    return made


def fit(data: list[Atoms], **descriptor) -> fs.FitResult:
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0, **descriptor}
    return fs.fit(data, elements=["Mg", "O"], descriptor=descriptor, optimizer={"ridge": 0.0})


def test_fit_with_settings_by_element(data):
    """They arrive in the order of the elements, and the labels are met."""
    result = fit(data, radii={"O": 0.45, "Mg": 0.55}, weights={"Mg": 1.0, "O": 0.6})
    descriptor = json.loads(result.potential.to_json())["descriptors"][0]
    assert descriptor["radii"] == [0.55, 0.45] and descriptor["weights"] == [1.0, 0.6]
    assert result.train_errors.total.force_rmse < 1e-8
    assert fit(data).train_errors.total.force_rmse > 1e-3


def test_fit_with_inner_switch_by_element(data):
    given = {"sinner": {"O": 1.5, "Mg": 1.7}, "dinner": {"O": 0.2, "Mg": 0.3}}
    result = fit(data, switchinnerflag=True, **given)
    descriptor = json.loads(result.potential.to_json())["descriptors"][0]
    assert descriptor["sinner"] == [1.7, 1.5] and descriptor["dinner"] == [0.3, 0.2]


@pytest.mark.parametrize("key", ["radii", "weights", "sinner", "dinner"])
def test_fit_without_the_setting_of_an_element(data, key):
    with pytest.raises(ValueError) as caught:
        fit(data, **{key: {"Mg": 0.5}})
    message = str(caught.value)
    assert key in message and "are for Mg, but the elements are Mg, O" in message
    assert message.endswith(".") and "\n" not in message


def test_fit_with_a_cutoff_below_all_distances(data):
    with pytest.raises(ValueError, match="closer than the cutoff of 1.0 angstrom"):
        fit(data, rcutfac=1.0)


# --- what is refused ---


def refuse(descriptor: dict, *parts: str) -> None:
    with pytest.raises(ValueError) as caught:
        fs.Potential.from_json(
            json.dumps(document(descriptor, ["Mg", "O"])), "bad.json", trained=False
        )
    message = str(caught.value)
    for part in ('"bispectrum" in "bad.json"', *parts):
        assert part in message, message
    assert message.endswith(".") and not message.endswith("..") and "\n" not in message


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("twojmx", "twojmax"),
        ("rcut_fac", "rcutfac"),
        ("radius", "radii"),
        ("bnorm_flag", "bnormflag"),
        ("switchinner", "switchinnerflag"),
    ],
)
def test_unknown_key(wrong, nearest):
    refuse({**BASE, wrong: 1}, f'Unknown parameter "{wrong}"', f'did you mean "{nearest}"?')


@pytest.mark.parametrize("key", ["twojmax", "rcutfac"])
def test_missing_key(key):
    refuse({k: v for k, v in BASE.items() if k != key}, f'"{key}"', "is missing")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"twojmax": -1}, ["twojmax must be 0 to 20, not -1"]),
        ({"twojmax": 21}, ["twojmax must be 0 to 20, not 21"]),
        ({"rcutfac": 0}, ["rcutfac must be positive, not 0.0"]),
        ({"rcutfac": -3.5}, ["rcutfac must be positive, not -3.5"]),
        ({"rfac0": 0.0}, ["rfac0 must be above 0 and at most 1, not 0.0"]),
        ({"rfac0": 1.01}, ["rfac0 must be above 0 and at most 1, not 1.01"]),
        ({"rmin0": -0.1}, ["rmin0 (-0.1", "at least 0"]),
        ({"rmin0": 2.1}, ["rmin0 (2.1", "at most half the shortest cutoff (4.0"]),
        ({"rmin0": 1.7, "radii": [0.5, 0.4]}, ["rmin0 (1.7", "the shortest cutoff (3.2"]),
        ({"radii": [0.5, 0.0]}, ["every radius must be positive, but one is 0.0"]),
        ({"radii": [-0.5, 0.5]}, ["every radius must be positive, but one is -0.5"]),
        ({"switchinnerflag": True}, ["switchinnerflag needs sinner and dinner", "per element"]),
        (
            {"switchinnerflag": True, "sinner": [1.0, 1.0]},
            ["switchinnerflag needs sinner and dinner"],
        ),
        (
            {"switchinnerflag": True, "dinner": [1.0, 1.0]},
            ["switchinnerflag needs sinner and dinner"],
        ),
        ({"sinner": [1.0, 1.0], "dinner": [1.0, 1.0]}, ["mean nothing without switchinnerflag"]),
        ({"sinner": [1.0, 1.0]}, ["mean nothing without switchinnerflag"]),
        ({"dinner": [1.0, 1.0]}, ["mean nothing without switchinnerflag"]),
        (
            {"switchinnerflag": 1, "sinner": [1.0, 1.0], "dinner": [1.0, 0.0]},
            ["every dinner must be positive, but one is 0.0"],
        ),
        (
            {"switchinnerflag": 1, "sinner": [1.0, 1.0], "dinner": [-0.25, 1.0]},
            ["every dinner must be positive, but one is -0.25"],
        ),
        ({"wselfallflag": True}, ["wselfallflag means nothing without chemflag"]),
    ],
)
def test_values_out_of_range(change, parts):
    refuse({**BASE, **change}, *parts)


def test_rmin0_of_half_the_shortest_cutoff_is_allowed():
    given = {**BASE, "rmin0": 1.6, "radii": [0.5, 0.4]}
    fs.Potential.from_json(json.dumps(document(given, ["Mg", "O"])), trained=False)


@pytest.mark.parametrize("key", ["radii", "weights", "sinner", "dinner"])
@pytest.mark.parametrize("value", [[], [1.0], [1.0] * 3, [1.0, "1"], [1.0, True], [[1.0], [1.0]]])
def test_lists_of_the_wrong_length_or_type(key, value):
    inner = {"switchinnerflag": True, "sinner": [1.0, 1.0], "dinner": [1.0, 1.0]}
    wrong = [item for item in value if not isinstance(item, float)]
    expected = f"must hold 2 number(s), one per element, found {len(value)}"
    if len(value) == 2:
        found = json.dumps(wrong[0], separators=(",", ":"))
        expected = f"must hold number(s), one per element, but one is {found}"
    refuse({**BASE, **inner, key: value}, f'"{key}" of', expected)


@pytest.mark.parametrize(
    ("key", "value", "type_"),
    [
        ("twojmax", 2.5, "integer"),
        ("twojmax", True, "integer"),
        ("rcutfac", "4.0", "number"),
        ("radii", 0.5, "array"),
        ("weights", {"Mg": 1.0, "O": 1.0}, "array"),
        ("chemflag", 2, "boolean"),
        ("chemflag", "yes", "boolean"),
        ("switchflag", -1, "boolean"),
    ],
)
def test_wrong_type(key, value, type_):
    refuse({**BASE, key: value}, f'"{key}"', f"must be of type {type_}, but is ")


def test_cutoff_that_is_not_finite():
    refuse({**BASE, "rcutfac": 1e200, "radii": [0.5, 1e200]})
