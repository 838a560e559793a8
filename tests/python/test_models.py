"""Models: what they make of given descriptor values (their derivatives are in test_contract.py)."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import DESCRIPTORS, crystal, make_potential, structures
from forcesmith.neighbors import make_batch
from sample_data import labelled

DESCRIPTOR = {"type": "moment_tensor", **DESCRIPTORS["moment_tensor"][0], "level": 6}


def document(**model) -> str:
    return json.dumps(
        {
            "format": "forcesmith potential",
            "version": 1,
            "elements": ["Mg", "O"],
            "descriptors": [DESCRIPTOR],
            "model": {"type": "linear", **model},
        }
    )


def test_linear_model_starts_at_zero():
    potential = fs.Potential.from_json(document())
    result = potential.evaluate(structures(potential.cutoff)["crystal"])
    assert not result.energies.any() and not result.forces.any()
    assert potential._core.linear_in_parameters


def test_linear_energy_offsets():
    potential = fs.Potential.from_json(document(energy_offsets=[-1.5, 2.25]))
    result = potential.evaluate(structures(potential.cutoff)["cluster"])
    expected = [-1.5 if symbol == "Mg" else 2.25 for symbol in "Mg O O Mg O Mg Mg O O".split()]
    assert result.energies.tolist() == expected
    assert not result.forces.any()


def test_linear_parameters_are_offsets_then_coefficients():
    shared = fs.Potential.from_json(
        document(energy_offsets=[1.0, 2.0], coefficients=[[3.0, 4.0, 5.0, 6.0, 7.0]])
    )
    assert shared._core.model_parameters.tolist() == [1, 2, 3, 4, 5, 6, 7]
    own = fs.Potential.from_json(
        document(
            shared=False,
            energy_offsets=[1.0, 2.0],
            coefficients=[[3.0] * 5, [4.0, 4.0, 4.0, 4.0, 5.0]],
        )
    )
    assert own._core.model_parameters.tolist() == [1, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5]


def test_own_coefficients_that_are_equal_act_as_shared_ones():
    shared = make_potential([DESCRIPTOR], {"type": "linear", "shared": True})
    own = make_potential([DESCRIPTOR], {"type": "linear", "shared": False})
    own._core.descriptor_parameters = shared._core.descriptor_parameters
    offsets, coefficients = np.split(shared._core.model_parameters, [2])
    own._core.model_parameters = np.concatenate([offsets, coefficients, coefficients])
    for atoms in structures(shared.cutoff).values():
        a, b = shared.evaluate(atoms), own.evaluate(atoms)
        np.testing.assert_array_equal(a.energies, b.energies)
        np.testing.assert_array_equal(a.forces, b.forces)
    # And the other way round: the coefficients of an element touch only its own site energies.
    own._core.model_parameters = np.concatenate([offsets, coefficients, 2 * coefficients])
    atoms = structures(shared.cutoff)["crystal"]
    before, after = shared.evaluate(atoms).energies, own.evaluate(atoms).energies
    is_mg = np.array([symbol == "Mg" for symbol in atoms.symbols])
    np.testing.assert_array_equal(after[is_mg], before[is_mg])
    np.testing.assert_allclose(
        after[~is_mg] - offsets[1], 2 * (before[~is_mg] - offsets[1]), rtol=1e-12
    )


def test_model_parameters_set_one_by_one_are_the_columns_of_the_design_matrix():
    potential = make_potential([DESCRIPTOR], {"type": "linear", "shared": False})
    core = potential._core
    atoms = structures(potential.cutoff)["crystal"]
    batch = make_batch([atoms], ["Mg", "O"], potential.cutoff)
    rows = core.design_matrix(batch, 0, 1)
    for column in range(len(core.model_parameters)):
        unit = np.zeros(len(core.model_parameters))
        unit[column] = 1.0
        core.model_parameters = unit
        result = potential.evaluate(atoms)
        np.testing.assert_allclose(result.energy, rows[0, column], rtol=1e-11, atol=1e-12)
        expected = rows[7:, column]
        np.testing.assert_allclose(
            result.forces.ravel(), expected, rtol=0, atol=1e-11 * (1 + np.abs(expected).max())
        )


@pytest.mark.parametrize("type_", ["linear", "quadratic"])
@pytest.mark.parametrize("name", ["model_parameters", "descriptor_parameters"])
def test_wrong_number_of_parameters_is_refused(name, type_):
    core = make_potential([DESCRIPTOR], {"type": type_})._core
    right = getattr(core, name)
    for wrong in (right[:-1], np.append(right, 0.0), right[:0]):
        with pytest.raises(ValueError, match=f"{len(right)}.*{len(wrong)} were given"):
            setattr(core, name, wrong)
    np.testing.assert_array_equal(getattr(core, name), right)


# --- the quadratic model ---


def descriptor_values(potential: fs.Potential, atoms) -> np.ndarray:
    """B (atoms, values): energies of a linear model with one coefficient 1, all others 0."""
    given = {**json.loads(potential.to_json()), "model": {"type": "linear"}}
    linear = fs.Potential.from_json(json.dumps(given))
    values = []
    for unit in np.eye(7)[2:]:
        linear._core.model_parameters = unit
        values.append(linear.evaluate(atoms).energies)
    return np.array(values).T


def symmetric(triangle: np.ndarray) -> np.ndarray:
    """The 5 x 5 matrix of which `triangle` is the upper triangle, row by row."""
    alpha = np.zeros((5, 5))
    alpha[np.triu_indices(5)] = triangle
    return alpha + np.triu(alpha, 1).T


def test_quadratic_model_starts_at_zero():
    potential = fs.Potential.from_json(document(type="quadratic"))
    result = potential.evaluate(structures(potential.cutoff)["crystal"])
    assert not result.energies.any() and not result.forces.any()
    assert potential._core.linear_in_parameters


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_quadratic_energies(shared):
    """E = offset + theta . B + 1/2 B . alpha . B for every atom, with the set of its element."""
    potential = make_potential([DESCRIPTOR], {"type": "quadratic", "shared": shared})
    sets = 1 if shared else 2
    offsets, theta, triangles = np.split(potential._core.model_parameters, [2, 2 + 5 * sets])
    theta, triangles = theta.reshape(sets, 5), triangles.reshape(sets, 15)
    for atoms in structures(potential.cutoff).values():
        expected, parts = [], []
        for symbol, B in zip(atoms.symbols, descriptor_values(potential, atoms), strict=True):
            element = ["Mg", "O"].index(symbol)
            own = 0 if shared else element
            quadratic = 0.5 * B @ symmetric(triangles[own]) @ B
            expected.append(offsets[element] + theta[own] @ B + quadratic)
            parts.append(quadratic)
        found = potential.evaluate(atoms).energies
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
        assert np.abs(parts).max() > 1e-3


def test_quadratic_model_without_quadratic_coefficients_is_the_linear_one():
    linear = make_potential([DESCRIPTOR], {"type": "linear", "shared": False})
    given = json.loads(linear.to_json())
    given["model"]["type"] = "quadratic"
    quadratic = fs.Potential.from_json(json.dumps(given))
    atoms = structures(linear.cutoff)["slab"]
    one, other = linear.evaluate(atoms), quadratic.evaluate(atoms)
    np.testing.assert_array_equal(other.energies, one.energies)
    np.testing.assert_array_equal(other.forces, one.forces)


def test_quadratic_parameters_are_the_linear_ones_then_the_triangles():
    """Row by row, one element after the other."""
    one, two = list(range(15)), list(range(100, 115))
    shared = {
        "energy_offsets": [-1.0, -2.0],
        "coefficients": [[-3.0] * 5],
        "quadratic_coefficients": [one],
    }
    potential = fs.Potential.from_json(document(type="quadratic", **shared))
    assert potential._core.model_parameters.tolist() == [-1, -2, *[-3] * 5, *one]
    own = {
        "shared": False,
        "energy_offsets": [-1.0, -2.0],
        "coefficients": [[-3.0] * 5, [-4.0] * 5],
        "quadratic_coefficients": [one, two],
    }
    potential = fs.Potential.from_json(document(type="quadratic", **own))
    parameters = [-1, -2, *[-3] * 5, *[-4] * 5, *one, *two]
    assert potential._core.model_parameters.tolist() == parameters
    potential._core.model_parameters = np.arange(42.0)
    model = json.loads(potential.to_json())["model"]
    assert model["coefficients"][1] == [7, 8, 9, 10, 11]
    assert model["quadratic_coefficients"] == [list(range(12, 27)), list(range(27, 42))]


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_quadratic_round_trip(tmp_path, shared):
    potential = make_potential([DESCRIPTOR], {"type": "quadratic", "shared": shared})
    potential.write(tmp_path / "a.json")
    again = fs.Potential.read(tmp_path / "a.json")
    assert again.to_json() == potential.to_json()
    np.testing.assert_array_equal(again._core.model_parameters, potential._core.model_parameters)
    assert again.info()["parameters"]["model"] == (22 if shared else 42)


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        (
            {"quadratic_coefficients": [[0.0] * 14]},
            ["expected 15 quadratic coefficients", "triangle for 5 descriptor values", "found 14"],
        ),
        ({"quadratic_coefficients": [[0.0] * 25]}, ["expected 15 quadratic", "found 25"]),
        (
            {"quadratic_coefficients": [[0.0] * 15] * 2},
            ["expected 1 set(s) of quadratic coefficients", "found 2"],
        ),
        (
            {"shared": False, "quadratic_coefficients": [[0.0] * 15]},
            ["expected 2 set(s) of quadratic coefficients", "found 1"],
        ),
        ({"quadratic_coefficients": []}, ["expected 1 set(s) of quadratic", "found 0"]),
        ({"quadratic_coefficients": [0.0] * 15}, ['"quadratic_coefficients" must be a list of li']),
        ({"quadratic_coefficients": [["x"] * 15]}, ['"quadratic_coefficients" must be a list of']),
        ({"quadratic_coefficients": 1.0}, ['"quadratic_coefficients"', "must be of type array"]),
        ({"coefficients": [[0.0] * 4]}, ["expected 5 coefficients", "found 4"]),
        ({"coefficients": [[0.0] * 5] * 2}, ["expected 1 set(s) of coefficients", "found 2"]),
        ({"energy_offsets": [0.0]}, ["expected 2 energy offsets", "found 1"]),
        (
            {"quadratic_coeffs": []},
            ['"quadratic_coeffs"', 'did you mean "quadratic_coefficients"?'],
        ),
    ],
)
def test_wrong_parameters_of_the_quadratic_model(model, parts):
    with pytest.raises(ValueError) as caught:
        fs.Potential.from_json(document(type="quadratic", **model), "bad.json")
    message = str(caught.value)
    for part in ('model "quadratic" in "bad.json"', *parts):
        assert part in message, message
    assert message.endswith(".") and "\n" not in message


def test_the_linear_model_has_no_quadratic_coefficients():
    with pytest.raises(ValueError, match='Unknown parameter "quadratic_coefficients"'):
        fs.Potential.from_json(document(quadratic_coefficients=[[0.0] * 15]))


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_quadratic_fit_recovers_a_quadratic_potential(shared):
    """Its predictions, on structures that were not fitted; a linear model does not."""
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0}
    model = {"type": "quadratic", "shared": shared}
    known = make_potential([descriptor], model, seed=2)
    data = []
    for seed in range(16):
        atoms = crystal(seed=seed)
        atoms.symbols[: seed % 3] = "O"
        result = known.evaluate(atoms)
        labels = {"energy": result.energy, "forces": result.forces, "stress": result.stress}
        data.append(labelled(atoms, **labels))
    settings = {
        "elements": ["Mg", "O"],
        "descriptor": descriptor,
        "optimizer": {"ridge": 0.0, "threads": 1},
    }
    fitted = fs.fit(data[:12], data[12:], settings=settings, model=model)
    scale = np.sqrt(np.mean([atoms.get_forces() ** 2 for atoms in data]))
    assert fitted.potential.info()["model"]["type"] == "quadratic"
    assert fitted.test_errors.total.force_rmse < 1e-8 * scale
    assert fitted.test_errors.total.energy_rmse < 1e-5
    linear = fs.fit(data[:12], data[12:], settings=settings, model={"shared": shared})
    assert linear.test_errors.total.force_rmse > 1e-3 * scale


def test_info_of_a_quadratic_potential_is_short():
    """Of the model it tells what is not a list of coefficients."""
    potential = make_potential([DESCRIPTOR], {"type": "quadratic"})
    assert set(potential.info()["model"]) == {"type", "shared", "energy_offsets"}
