"""Models: what they make of given descriptor values (their derivatives are in test_contract.py)."""

from __future__ import annotations

import copy
import itertools
import json
import re

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import DESCRIPTORS, crystal, make_potential, structures
from forcesmith.data.batches import make_batch
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
    potential = fs.Potential.from_json(document(), trained=False)
    result = potential.evaluate(structures(potential.cutoff)["crystal"])
    assert not result.energies.any() and not result.forces.any()
    assert potential._core.linear_in_parameters


def test_linear_energy_offsets():
    potential = fs.Potential.from_json(document(energy_offsets=[-1.5, 2.25]), trained=False)
    result = potential.evaluate(structures(potential.cutoff)["cluster"])
    expected = [-1.5 if symbol == "Mg" else 2.25 for symbol in "Mg O O Mg O Mg Mg O O".split()]
    assert result.energies.tolist() == expected
    assert not result.forces.any()


def test_linear_parameters_are_offsets_then_coefficients():
    shared = fs.Potential.from_json(
        document(energy_offsets=[1.0, 2.0], coefficients=[[3.0, 4.0, 5.0, 6.0, 7.0]]), trained=False
    )
    assert shared._core.model_parameters.tolist() == [1, 2, 3, 4, 5, 6, 7]
    own = fs.Potential.from_json(
        document(
            shared=False,
            energy_offsets=[1.0, 2.0],
            coefficients=[[3.0] * 5, [4.0, 4.0, 4.0, 4.0, 5.0]],
        ),
        trained=False,
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


@pytest.mark.parametrize("type_", ["linear", "neural_network", "quadratic"])
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
    linear = fs.Potential.from_json(json.dumps(given), trained=False)
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
    potential = fs.Potential.from_json(document(type="quadratic"), trained=False)
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
    quadratic = fs.Potential.from_json(json.dumps(given), trained=False)
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
    potential = fs.Potential.from_json(document(type="quadratic", **shared), trained=False)
    assert potential._core.model_parameters.tolist() == [-1, -2, *[-3] * 5, *one]
    own = {
        "shared": False,
        "energy_offsets": [-1.0, -2.0],
        "coefficients": [[-3.0] * 5, [-4.0] * 5],
        "quadratic_coefficients": [one, two],
    }
    potential = fs.Potential.from_json(document(type="quadratic", **own), trained=False)
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
        ({"energy_offsets": [0.0]}, ["must hold 2 number(s), one per element", "found 1"]),
        (
            {"quadratic_coeffs": []},
            ['"quadratic_coeffs"', 'did you mean "quadratic_coefficients"?'],
        ),
    ],
)
def test_wrong_parameters_of_the_quadratic_model(model, parts):
    with pytest.raises(ValueError) as caught:
        fs.Potential.from_json(document(type="quadratic", **model), "bad.json", trained=False)
    message = str(caught.value)
    for part in ('model "quadratic" in "bad.json"', *parts):
        assert part in message, message
    assert message.endswith(".") and "\n" not in message


def test_the_linear_model_has_no_quadratic_coefficients():
    with pytest.raises(ValueError, match='Unknown parameter "quadratic_coefficients"'):
        fs.Potential.from_json(document(quadratic_coefficients=[[0.0] * 15]), trained=False)


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
        "wall": False,  # in the test data atoms are closer
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


# --- neural networks ---


def logistic(z):
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "cosine": np.cos,
    "exponential": lambda z: np.exp(-z),
    "gaussian": lambda z: np.exp(-(z**2) / 2),
    "identity": lambda z: z,
    "logistic": logistic,
    "silu": lambda z: z * logistic(z),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "square": lambda z: z**2,
    "tanh": np.tanh,
}


def perceptron(x, layers, activations):
    """Output of one network; `layers` as in the potential file, a name for each hidden one."""
    for layer, name in zip(layers, [*activations, "identity"], strict=True):
        x = ACTIVATIONS[name](np.array(layer["weights"]) @ x + layer["biases"])
    return x.item()


def neural_network(**model) -> dict:
    """Settings of a model with random numbers everywhere: layers 5-4-3-1 for Mg and 5-6-1 for O."""
    rng = np.random.default_rng(3)

    def layers(*sizes):
        return [
            {
                "weights": rng.normal(0, 0.6, (outputs, inputs)).tolist(),
                "biases": rng.normal(0, 0.6, outputs).tolist(),
            }
            for inputs, outputs in itertools.pairwise(sizes)
        ]

    return {
        "type": "neural_network",
        "hidden_layers": [[4, 3], [6]],
        "energy_offsets": [-1.5, 2.25],
        "input_shift": rng.normal(size=(2, 5)).tolist(),
        "input_factor": rng.normal(0, 0.05, (2, 5)).tolist(),
        "networks": [layers(5, 4, 3, 1), layers(5, 6, 1)],
        **model,
    }


def potential_with(model: dict) -> fs.Potential:
    """With random radial functions, always the same."""
    potential = fs.Potential.from_json(document(**model), trained=False)
    parameters = make_potential([DESCRIPTOR], {"type": "linear"})._core.descriptor_parameters
    potential._core.descriptor_parameters = parameters
    return potential


def expected_energies(model: dict, activations: list[list[str]], atoms) -> list[float]:
    energies = []
    values_of_atoms = descriptor_values(potential_with(model), atoms)
    for symbol, values in zip(atoms.symbols, values_of_atoms, strict=True):
        element = ["Mg", "O"].index(symbol)
        x = (values - model["input_shift"][element]) * model["input_factor"][element]
        output = perceptron(x, model["networks"][element], activations[element])
        energies.append(model["energy_offsets"][element] + output)
    return energies


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_neural_network_is_a_perceptron(name):
    model = neural_network(activation=name)
    atoms = structures(4.3)["cluster"]
    result = potential_with(model).evaluate(atoms)
    expected = expected_energies(model, [[name, name], [name]], atoms)
    np.testing.assert_allclose(result.energies, expected, rtol=1e-13, atol=1e-13)


def test_every_activation_is_tested():
    with pytest.raises(ValueError) as refusal:
        fs.Potential.from_json(document(**neural_network(activation="none")), trained=False)
    known = str(refusal.value).split("Known: ")[1].rstrip(".").split(", ")
    assert known == sorted(ACTIVATIONS)


def test_activations_layer_by_layer():
    model = neural_network(activation=[["silu", "gaussian"], ["softplus"]])
    atoms = structures(4.3)["crystal"]
    expected = expected_energies(model, model["activation"], atoms)
    np.testing.assert_allclose(
        potential_with(model).evaluate(atoms).energies, expected, rtol=1e-13, atol=1e-13
    )
    # One list serves all elements, and one name all layers.
    same = {"hidden_layers": [4, 3], "seed": 7}
    ways = [["tanh", "tanh"], [["tanh", "tanh"], ["tanh", "tanh"]], "tanh"]
    texts = [potential_with({"type": "neural_network", "activation": way, **same}) for way in ways]
    assert len({potential.to_json() for potential in texts}) == 1
    assert texts[0].info()["model"]["activation"] == ["tanh", "tanh"]


def test_network_without_hidden_layers_is_the_linear_model():
    weights = [3.0, -1.0, 0.5, 2.0, 0.25]
    network = [{"weights": [weights], "biases": [0.5]}]
    model = {"type": "neural_network", "hidden_layers": [], "networks": [network, network]}
    linear = potential_with(
        {"type": "linear", "coefficients": [weights], "energy_offsets": [0.5, 0.5]}
    )
    atoms = structures(4.3)["crystal"]
    expected, result = linear.evaluate(atoms), potential_with(model).evaluate(atoms)
    np.testing.assert_allclose(result.energies, expected.energies, rtol=1e-13)
    np.testing.assert_allclose(result.forces, expected.forces, rtol=1e-11, atol=1e-11)


def test_standardisation_is_the_same_as_other_weights_of_the_first_layer():
    model = neural_network()
    plain = copy.deepcopy(model)
    for element in range(2):
        shift = np.array(model["input_shift"][element])
        factor = np.array(model["input_factor"][element])
        first = plain["networks"][element][0]
        weights = np.array(first["weights"]) * factor
        first["biases"] = (first["biases"] - weights @ shift).tolist()
        first["weights"] = weights.tolist()
    del plain["input_shift"], plain["input_factor"]
    atoms = structures(4.3)["slab"]
    expected, result = potential_with(plain).evaluate(atoms), potential_with(model).evaluate(atoms)
    np.testing.assert_allclose(result.energies, expected.energies, rtol=1e-12)
    np.testing.assert_allclose(result.forces, expected.forces, rtol=1e-10, atol=1e-10)


def test_order_of_the_parameters_of_networks():
    """Offsets; then for each element, layer by layer, weights row by row and biases."""
    model = neural_network()
    expected = [*model["energy_offsets"]]
    for network in model["networks"]:
        for layer in network:
            expected += [*np.ravel(layer["weights"]), *layer["biases"]]
    core = potential_with(model)._core
    assert core.model_parameters.tolist() == expected
    assert not core.linear_in_parameters
    blocks = core.model_parameter_blocks
    assert [block.name for block in blocks[:3]] == [
        "energy_offsets",
        "networks[0][0].weights",
        "networks[0][0].biases",
    ]
    for block in blocks[1:]:
        values = core.model_parameters[block.begin : block.begin + block.size].tolist()
        element, layer, name = re.fullmatch(r"networks\[(.)\]\[(.)\]\.(\w+)", block.name).groups()
        assert values == np.ravel(model["networks"][int(element)][int(layer)][name]).tolist()
        assert block.element == int(element)
        assert block.role == {"weights": "weight", "biases": "bias"}[name]
    changed = np.arange(len(expected), dtype=float)
    core.model_parameters = changed
    assert core.model_parameters.tolist() == changed.tolist()


def test_neural_network_in_the_potential_file():
    model = neural_network(
        activation=[["tanh", "silu"], ["cosine"]],
        input_min=[[-1.0] * 5, [-2.0] * 5],
        input_max=[[1.0] * 5, [2.5] * 5],
        seed=12,
    )
    written = json.loads(potential_with(model).to_json())["model"]
    assert written == model
    # What is not given is written, but for the range of the training set, which is not known.
    written = json.loads(potential_with({"type": "neural_network"}).to_json())["model"]
    assert written["hidden_layers"] == [24, 24] and written["activation"] == ["tanh", "tanh"]
    assert written["input_shift"] == [[0.0] * 5] * 2 and written["input_factor"] == [[1.0] * 5] * 2
    assert written["energy_offsets"] == [0.0, 0.0] and written["seed"] == 1
    assert "input_min" not in written and "input_max" not in written
    again = potential_with(written)
    assert json.loads(again.to_json())["model"] == written


def test_range_of_the_training_set_changes_no_energy():
    limits = {"input_min": [[0.0] * 5] * 2, "input_max": [[0.0] * 5] * 2}
    atoms = structures(4.3)["crystal"]
    without, given = (potential_with(neural_network(**own)).evaluate(atoms) for own in ({}, limits))
    np.testing.assert_array_equal(given.forces, without.forces)


FIRST_WEIGHTS = [0.09217514569551388, 0.28518310496108834, 0.2072511260879989]
"""From seed 1 for 5 inputs and 24 outputs, computed with a Mersenne twister in Python."""


def test_initial_weights_depend_on_the_seed_alone():
    def parameters(**model):
        return potential_with({"type": "neural_network", **model})._core.model_parameters

    first = parameters(seed=4)
    np.testing.assert_array_equal(parameters(seed=4), first)
    np.testing.assert_array_equal(parameters(seed=4, activation="silu"), first)
    np.testing.assert_array_equal(parameters(), parameters(seed=1))
    for seed in (1, 5, 0, -4):
        assert np.all(parameters(seed=seed)[first != 0] != first[first != 0])
    # The first numbers of a generator that the C++ standard defines: the same on every machine.
    np.testing.assert_allclose(parameters()[2:5], FIRST_WEIGHTS, rtol=1e-14)


NEURONS = "must hold numbers of neurons, 1 to 4096, but one is "
LISTS = "must hold 2 lists, one per element (or be one list for all), found 1"
OUTPUTS = "one per output of the layer"


@pytest.mark.parametrize(
    ("path", "value", "place", "message"),
    [
        ("hidden_layers", [[4, 3]], '"hidden_layers"', LISTS),
        (
            "hidden_layers",
            [[4, 3], 6],
            '"hidden_layers"[1]',
            "must be a list, as the others are, but is 6",
        ),
        ("hidden_layers", [4, [3]], '"hidden_layers"', NEURONS + "[3]"),
        ("hidden_layers", [4, 0], '"hidden_layers"', NEURONS + "0"),
        ("hidden_layers", [4, 2.5], '"hidden_layers"', NEURONS + "2.5"),
        ("hidden_layers", [4, 10**12], '"hidden_layers"', NEURONS + "1000000000000"),
        ("hidden_layers", 4, '"hidden_layers"', "must be of type array, but is 4"),
        ("activation", "tan", "", 'no activation "tan"; did you mean "tanh"? Known: cosine, '),
        ("activation", [["tanh", "sili"], ["tanh"]], "", 'did you mean "silu"?'),
        ("activation", [["tanh", 1], ["tanh"]], "", 'no activation "1"'),
        (
            "activation",
            ["tanh", "tanh"],
            '"activation"',
            "must hold 1 name(s), one per hidden layer (or be one name for all), found 2",
        ),
        ("activation", [["tanh", "tanh"]], '"activation"', LISTS),
        ("activation", 3, '"activation"', "must be of type string or array, but is 3"),
        (
            "energy_offsets",
            [1.0],
            '"energy_offsets"',
            "must hold 2 number(s), one per element, found 1",
        ),
        (
            "energy_offsets",
            ["a", "b"],
            '"energy_offsets"',
            'must hold number(s), one per element, but one is "a"',
        ),
        ("input_shift", [[0.0] * 5], '"input_shift"', "2 list(s), one per element, found 1"),
        (
            "input_shift 1",
            [0.0] * 4,
            '"input_shift"[1]',
            "must hold 5 number(s), one per descriptor value, found 4",
        ),
        (
            "input_factor 0",
            2.0,
            '"input_factor"[0]',
            "must be a list of 5 number(s), one per descriptor value, but is 2.0",
        ),
        ("input_factor 0 3", "x", '"input_factor"[0]', 'descriptor value, but one is "x"'),
        ("input_min", [[0.0] * 5] * 2, "", '"input_max" belong together, but only one is given'),
        ("seed", 1.5, '"seed"', "must be of type integer, but is 1.5"),
        ("networks", [[]], '"networks"', "must hold 2 network(s), one per element, found 1"),
        (
            "networks 0 2",
            None,
            '"networks"[0]',
            "must hold 3 layer(s), the hidden ones and the output, found 2",
        ),
        ("networks 1", 7, '"networks"[1]', "must be a list of 2 layer(s), the hidden ones"),
        ("networks 1 0", 7, '"networks"[1][0]', "must be an object of named values, not 7"),
        ("networks 0 1 biases", None, '"networks"[0][1]', "missing: a number per output"),
        ("networks 0 1 bias", [], '"networks"[0][1]', 'did you mean "biases"?'),
        (
            "networks 0 1 biases",
            [0.0],
            '"networks"[0][1]["biases"]',
            f"must hold 3 number(s), {OUTPUTS}, found 1",
        ),
        (
            "networks 0 1 weights",
            [[0.0] * 4],
            '"networks"[0][1]["weights"]',
            f"must hold 3 list(s), {OUTPUTS}, found 1",
        ),
        (
            "networks 0 1 weights 2",
            [0.0] * 5,
            '"networks"[0][1]["weights"][2]',
            "must hold 4 number(s), one per input of the layer, found 5",
        ),
        (
            "networks 0 1 weights 2 0",
            "x",
            '"networks"[0][1]["weights"][2]',
            'must hold number(s), one per input of the layer, but one is "x"',
        ),
        ("hidden_layer", [4], '"hidden_layer"', 'did you mean "hidden_layers"?'),
    ],
)
def test_bad_neural_networks_are_refused(path, value, place, message):
    model = neural_network(activation="tanh")
    *parents, last = (int(key) if key.isdigit() else key for key in path.split())
    entry = model
    for key in parents:
        entry = entry[key]
    if value is None:
        del entry[last]
    else:
        entry[last] = value
    with pytest.raises(ValueError) as refusal:
        fs.Potential.from_json(document(**model), trained=False)
    said = str(refusal.value)
    assert (f"{place} of " if place else "") + 'model "neural_network" in' in said
    assert message in said and said.endswith(".")
