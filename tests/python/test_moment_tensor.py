"""Moment tensors: against the slow reference (reference_moment_tensor.py) and against MLIP."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import ELEMENTS, make_potential, structures
from forcesmith import _core
from neighborhoods import core_basis, random_neighborhood
from reference_moment_tensor import (
    RadialFunctions,
    ReferencePotential,
    basis_matrices,
    basis_values,
    descriptor_values,
    matrix_level,
    pair_gradients,
)

COUNTS = {2: 1, 4: 2, 6: 5, 8: 9, 10: 16, 12: 29, 14: 52, 16: 92, 18: 163, 20: 288}
MLIP_REFERENCES = {
    "crystals_cubic_06": ["Cu"],
    "crystals_cubic_10": ["Cu"],
    "crystals_cubic_16": ["Cu"],
    "crystals_cubic_20": ["Cu"],
    "crystals_multi_08": ["Cu", "Ag", "Au"],
    "crystals_multi_10": ["Cu", "Ag", "Au"],
    "molecules_762_06": ["H"],
    "molecules_762_10": ["H"],
}
"""Folder of the shared reference data: names to give its species (MLIP has none)."""

matrices_of_level = lru_cache(basis_matrices)


def document(level: int, elements: list[str] = ELEMENTS, **parameters) -> dict:
    """A potential with random coefficients, as the document of a potential file."""
    given = {"cutoff": 4.5, "min_distance": 1.3, "radial_basis_size": 5, **parameters}
    descriptor = {"type": "moment_tensor", "level": level, **given}
    potential = make_potential([descriptor], {"type": "linear"}, elements, seed=level)
    return json.loads(potential.to_json())


def radial_functions(document: dict) -> RadialFunctions:
    return RadialFunctions.from_descriptor(document["descriptors"][0])


# --- the basis ---


@pytest.mark.parametrize("level", COUNTS)
def test_number_of_basis_functions(level):
    """As published, and as counted by an enumeration that shares nothing with the generator's."""
    assert len(_core.generate_contractions(level)["mapping"]) == COUNTS[level]
    assert len(matrices_of_level(level)) == COUNTS[level]


@pytest.mark.parametrize("max_factors", [1, 2, 3, 5])
def test_number_of_basis_functions_with_other_factors(max_factors):
    for level in (4, 8, 12):
        expected = len(basis_matrices(level, max_factors))
        assert len(_core.generate_contractions(level, max_factors)["mapping"]) == expected


def test_reference_levels():
    """A few matrices worked out by hand."""
    assert [matrix_level(alpha) for alpha in matrices_of_level(6)] == [2, 4, 6, 6, 6]
    assert ((1,),) in matrices_of_level(6)  # M_10, level 6
    assert ((0, 1), (1, 0)) in matrices_of_level(6)  # M_01 . M_01, level 6
    assert ((0, 1), (1, 0)) not in matrices_of_level(4)


@pytest.mark.parametrize("level", [2, 6, 8, 10, 12, 14])
def test_basis_functions_are_those_of_the_paper(level):
    """Every generated function equals one full contraction of tensors, and each just once."""
    potential = document(level)
    matrices = matrices_of_level(level)
    ours, expected = [], []
    for seed in range(3):
        neighborhood = random_neighborhood(seed)
        ours.append(core_basis(potential, *neighborhood)[0])
        expected.append(basis_values(matrices, radial_functions(potential), *neighborhood).real)
    ours, expected = np.array(ours), np.array(expected)
    order, expected_order = np.argsort(ours[0]), np.argsort(expected[0])
    np.testing.assert_allclose(ours[:, order], expected[:, expected_order], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("level", [4, 10, 16, 20])
def test_values_and_gradients(level):
    """Core against the contraction list run naively and complex steps."""
    potential = document(level)
    center, neighbors, displacements = random_neighborhood(level, n_neighbors=5)

    def values(r):
        return descriptor_values(potential["descriptors"][0], ELEMENTS, center, neighbors, r)

    B, gradients = core_basis(potential, center, neighbors, displacements)
    expected = values(displacements)
    np.testing.assert_allclose(B, expected, rtol=1e-10, atol=1e-11 * np.abs(expected).max())
    expected = pair_gradients(values, displacements)
    scale = np.abs(expected).max(axis=(0, 1))
    assert np.all(np.abs(gradients - expected) < 1e-10 * scale)
    assert not gradients[-1].any()  # beyond the cutoff


def test_any_valid_contraction_list_runs():
    """Moments renumbered, products shuffled and split, unused ones and repeated functions added."""
    potential = document(12)
    descriptor = potential["descriptors"][0]
    contractions = descriptor["contractions"]
    n_basic, n_moments = len(contractions["basic"]), contractions["moments"]
    rng = np.random.default_rng(0)
    basic_order = rng.permutation(n_basic)
    number = np.concatenate(
        [np.argsort(basic_order), n_basic + rng.permutation(n_moments - n_basic)]
    )
    products = []
    for left, right, factor, target in contractions["products"]:
        new = [int(number[left]), int(number[right]), factor, int(number[target])]
        if factor > 1:  # the same in two parts, left and right exchanged
            products += [[*new[:2], 1, new[3]], [new[1], new[0], factor - 1, new[3]]]
        else:
            products.append(new)
    products.append([0, 0, 1, n_moments])  # needed by no basis function
    mapping = [int(number[moment]) for moment in contractions["mapping"]]
    descriptor["contractions"] = {
        "basic": [contractions["basic"][i] for i in basic_order],
        "products": products,
        "mapping": [*mapping, mapping[3], int(number[0])],
        "moments": n_moments + 1,
    }
    potential["model"]["coefficients"] = [[1.0] * (len(mapping) + 2)]
    center, neighbors, displacements = random_neighborhood(2)

    def values(r):
        return descriptor_values(descriptor, ELEMENTS, center, neighbors, r)

    B, gradients = core_basis(potential, center, neighbors, displacements)
    np.testing.assert_allclose(B, values(displacements), rtol=1e-10, atol=1e-9)
    expected = pair_gradients(values, displacements)
    assert np.all(np.abs(gradients - expected) < 1e-10 * np.abs(expected).max(axis=(0, 1)))
    np.testing.assert_allclose(
        B[: len(mapping)], core_basis(document(12), center, neighbors, displacements)[0], rtol=1e-10
    )


@pytest.mark.parametrize("n_radial", [1, 5, 6, 7, 9, 16])
def test_any_set_of_basic_moments_runs(n_radial):
    """Few moments per radial function, the largest degrees last, powers of z without the lower."""
    potential = document(4)
    descriptor = potential["descriptors"][0]
    last = n_radial - 1
    basic = [[mu, 0, 0, 0] for mu in range(n_radial)]
    basic += [[last, 1, 0, 3], [last, 0, 2, 2], [0, 0, 0, 5], [last, 0, 0, 1]]
    a, b, c, d = range(n_radial, n_radial + 4)
    n = n_radial + 4
    descriptor["contractions"] = {
        "basic": basic,
        "products": [[a, a, 1, n], [b, last, 2, n + 1], [c, d, 3, n + 1], [n, n + 1, 1, n + 2]],
        "mapping": [0, last, b, c, n, n + 1, n + 2],
        "moments": n + 3,
    }
    rng = np.random.default_rng(n_radial)
    size = descriptor["radial_basis_size"]
    n_elements = len(potential["elements"])
    shape = (n_elements, n_elements, n_radial, size)
    descriptor["radial_coefficients"] = rng.uniform(-1, 1, shape).tolist()
    potential["model"]["coefficients"] = [[1.0] * 7]
    center, neighbors, displacements = random_neighborhood(n_radial)

    def values(r):
        return descriptor_values(descriptor, ELEMENTS, center, neighbors, r)

    B, gradients = core_basis(potential, center, neighbors, displacements)
    np.testing.assert_allclose(B, values(displacements), rtol=1e-10, atol=1e-9)
    expected = pair_gradients(values, displacements)
    assert np.all(np.abs(gradients - expected) < 1e-10 * np.abs(expected).max(axis=(0, 1)))


# --- whole potentials ---


@pytest.mark.parametrize("elements", [["O"], ["Mg", "O"], ["O", "Al", "Mg"]], ids="-".join)
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_energies_forces_virials(elements, shared):
    """Of potentials of one to three elements, in cells of every kind."""
    descriptor = {"level": 8, "cutoff": 4.3, "min_distance": 1.5, "radial_basis_size": 4}
    potential = make_potential(
        [{"type": "moment_tensor", **descriptor}], {"type": "linear", "shared": shared}, elements
    )
    reference = ReferencePotential.from_document(json.loads(potential.to_json()))
    examples = structures(potential.cutoff)
    for name in ("crystal", "slanted", "wire"):
        atoms = examples[name]
        atoms.symbols = [elements[i % len(elements)] for i in range(len(atoms))]
        result = potential.evaluate(atoms)
        energies, forces, virial = reference.evaluate(atoms)
        np.testing.assert_allclose(result.energies, energies, rtol=1e-10, atol=1e-11)
        np.testing.assert_allclose(result.forces, forces, rtol=0, atol=1e-10 * np.abs(forces).max())
        voigt = virial[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        np.testing.assert_allclose(result.virial, voigt, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("folder", MLIP_REFERENCES)
def test_agrees_with_mlip(shared_data: Path, folder):
    """Energies, forces and virials to the digits that MLIP printed."""
    elements = MLIP_REFERENCES[folder]
    potential = fs.Potential.read(shared_data / "mtp_reference" / folder / "pot.mtp", elements)
    configurations = fs.read(shared_data / "mtp_reference" / folder / "out.cfg", elements=elements)
    assert len(configurations) >= 10
    n_virials = 0
    for atoms, result in zip(configurations, potential.evaluate(configurations), strict=True):
        assert abs(result.energy - atoms.get_potential_energy()) < 1e-9
        np.testing.assert_allclose(result.forces, atoms.get_forces(), rtol=0, atol=1e-6)
        if "virial" in atoms.info:
            virial = atoms.info["virial"]
        elif "stress" in atoms.calc.results:
            virial = -atoms.get_stress() * atoms.get_volume()
        else:
            continue
        np.testing.assert_allclose(result.virial, virial, rtol=0, atol=1e-5)
        n_virials += 1
    assert n_virials >= 10


def test_every_folder_of_mlip_references_is_used(shared_data: Path):
    found = {path.name for path in (shared_data / "mtp_reference").iterdir() if path.is_dir()}
    assert found == set(MLIP_REFERENCES)


@pytest.mark.parametrize("folder", MLIP_REFERENCES)
def test_mlip_reference_survives_both_formats(shared_data: Path, tmp_path: Path, folder):
    """mtp -> json -> mtp -> json changes no number."""
    elements = MLIP_REFERENCES[folder]
    original = fs.Potential.read(shared_data / "mtp_reference" / folder / "pot.mtp", elements)
    original.write(tmp_path / "a.json")
    fs.Potential.read(tmp_path / "a.json").write(tmp_path / "b.mtp")
    again = fs.Potential.read(tmp_path / "b.mtp", elements)
    again.write(tmp_path / "c.json")
    a, c = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "c.json"))
    a.pop("provenance"), c.pop("provenance")
    assert a == c


@pytest.mark.parametrize("extension", [".mtp", ".almtp"])
@pytest.mark.parametrize("elements", [["O"], ["Mg", "O"], ["O", "Al", "Mg"]], ids="-".join)
def test_mlip_round_trip(tmp_path: Path, elements, extension):
    potential = fs.Potential.from_json(json.dumps(document(10, elements)), trained=False)
    potential.write(tmp_path / f"potential{extension}")
    again = fs.Potential.read(tmp_path / f"potential{extension}", elements)
    assert again.elements == elements and again.cutoff == potential.cutoff
    atoms = structures(4.5)["crystal"]
    atoms.symbols = [elements[i % len(elements)] for i in range(len(atoms))]
    np.testing.assert_array_equal(again.evaluate(atoms).forces, potential.evaluate(atoms).forces)
    assert again.evaluate(atoms).energy == potential.evaluate(atoms).energy


def test_mlip_species_are_named_in_order(tmp_path: Path):
    """Species 0 gets the first name: other names for the same file change what atoms are."""
    fs.Potential.from_json(json.dumps(document(6)), trained=False).write(tmp_path / "potential.mtp")
    atoms = structures(4.5)["crystal"]
    one = fs.Potential.read(tmp_path / "potential.mtp", ["Mg", "O"]).evaluate(atoms)
    other = fs.Potential.read(tmp_path / "potential.mtp", ["O", "Mg"]).evaluate(atoms)
    assert abs(one.energy - other.energy) > 1e-3
    atoms.symbols = ["O" if symbol == "Mg" else "Mg" for symbol in atoms.symbols]
    swapped = fs.Potential.read(tmp_path / "potential.mtp", ["O", "Mg"]).evaluate(atoms)
    np.testing.assert_array_equal(swapped.forces, one.forces)
