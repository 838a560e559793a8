"""Information vectors and extrapolation grades: for every descriptor with every model, equal to
finite differences and to the reference; active sets in files."""

from __future__ import annotations

import copy
import json
import pickle
import re

import forcesmith as fs
import numpy as np
import pytest
import reference_grades
from ase import Atoms
from contract_examples import ELEMENTS, crystal, grade_cases, make_potential, structures
from forcesmith.data.batches import element_indices, make_batch
from test_contract import assert_close, derivative

CASES = grade_cases()
MOMENTS = [{"type": "moment_tensor", "level": 6, "cutoff": 4.3, "min_distance": 1.6}]
LINEAR = {"type": "linear", "shared": True}


@pytest.fixture(scope="module", params=CASES, ids=[case[0] for case in CASES])
def potential(request) -> fs.Potential:
    _, descriptors, model = request.param
    return make_potential(descriptors, model)


def small_potential(**model) -> fs.Potential:
    return make_potential(MOMENTS, {**LINEAR, **model})


def vectors_of(potential: fs.Potential, atoms, parameters: str) -> np.ndarray:
    batch = make_batch([atoms], potential.elements, potential.cutoff)
    return potential._core.information_vectors(batch, parameters)


def give_active_set(
    potential: fs.Potential, parameters: str, mode: str = "neighborhoods", seed: int = 0
) -> list[np.ndarray]:
    """Random rows of the size of the potential's vectors; returns them."""
    rng = np.random.default_rng(seed)
    core = potential._core
    features = [core.n_features(element) for element in range(len(potential.elements))]
    if parameters == "all":
        sizes = [len(core.descriptor_parameters) + len(core.model_parameters)]
    else:
        sizes = features if mode == "neighborhoods" else [sum(features)]
    rows = [rng.normal(size=(n, n)) + 3 * np.sqrt(n) * np.eye(n) for n in sizes]
    inverses = [np.linalg.inv(own) for own in rows]
    core.set_active_set(parameters, mode, 2, rows, inverses, {"origin": "random"})
    return rows


def expected_grades(potential: fs.Potential, atoms, rows: list[np.ndarray]) -> np.ndarray:
    parameters = potential._core.active_set["parameters"]
    vectors = vectors_of(potential, atoms, parameters)
    types = element_indices(atoms, potential.elements)
    found = np.empty(len(atoms))
    for element, own in enumerate(rows):
        mine = types == element if len(rows) > 1 else np.full(len(atoms), True)
        found[mine] = reference_grades.grades(vectors[mine, : len(own)], own)
    return found


def test_vectors_of_all_parameters_are_derivatives_of_site_energies(potential):
    core = potential._core
    atoms = structures(potential.cutoff)["crystal"]
    descriptor, model = core.descriptor_parameters, core.model_parameters
    vectors = vectors_of(potential, atoms, "all")
    assert vectors.shape == (len(atoms), len(descriptor) + len(model))
    rng = np.random.default_rng(1)
    for _ in range(3):
        direction = rng.normal(size=vectors.shape[1])
        direction /= np.linalg.norm(direction)

        def energies(t: float, direction=direction) -> np.ndarray:
            core.descriptor_parameters = descriptor + t * direction[: len(descriptor)]
            core.model_parameters = model + t * direction[len(descriptor) :]
            return potential.evaluate(atoms).energies

        assert_close(vectors @ direction, derivative(energies), 1e-7)
        core.descriptor_parameters, core.model_parameters = descriptor, model


def test_vectors_of_linear_parameters_are_columns_of_those_of_all(potential):
    """1, and what the coefficients, of a network those of the output layer, multiply; of networks
    then their inputs, see below. Coefficients of embeddings lie under powers: 1 and the inputs."""
    core = potential._core
    embedded = json.loads(potential.to_json())["model"]["type"] == "embedding"
    atoms = structures(potential.cutoff)["slab"]
    first = len(core.descriptor_parameters)
    vectors, of_all = (vectors_of(potential, atoms, which) for which in ("linear", "all"))
    blocks = core.model_parameter_blocks
    for atom, element in enumerate(element_indices(atoms, potential.elements)):
        weights = [b for b in blocks if b.role == "weight" and b.element in (None, element)]
        if not core.linear_in_parameters:
            weights = [] if embedded else weights[-1:]
        columns = [first + element]
        for block in weights:
            columns += range(first + block.begin, first + block.begin + block.size)
        n = len(columns)
        np.testing.assert_allclose(vectors[atom, :n], of_all[atom, columns], rtol=1e-11, atol=1e-12)
        n_inputs = core.n_features(element) - n
        assert (n_inputs == 0) == bool(core.linear_in_parameters)
        assert not vectors[atom, n + n_inputs :].any()


def test_vectors_of_networks_end_with_their_inputs():
    """(B - shift) factor, unless there are no hidden layers."""
    atoms = structures(4.3)["slab"]
    sizes = {}
    for hidden in ([], [4], [5, 3]):
        model = {"type": "neural_network", "hidden_layers": hidden, "seed": 2}
        potential = make_potential(MOMENTS, model)
        batch = make_batch([atoms], potential.elements, potential.cutoff)
        B = potential._core.descriptor_values(batch)
        shift, factor = B.mean(axis=0), np.arange(1.0, B.shape[1] + 1)
        limits = [np.tile(one, (len(ELEMENTS), 1)) for one in (shift, factor, -factor, factor)]
        potential._core.standardize_inputs(*limits)
        vectors = vectors_of(potential, atoms, "linear")
        n = B.shape[1]
        np.testing.assert_allclose(vectors[:, -n:], (B - shift) * factor, rtol=1e-11, atol=1e-12)
        sizes[len(hidden)] = potential._core.n_features(0) - n
    assert sizes == {0: 1, 1: 5, 2: 4}


@pytest.mark.parametrize("activation", ["tanh", "logistic", "gaussian", "cosine", "softplus"])
def test_grades_of_networks_are_not_bounded(activation):
    """Though hidden layers may be."""
    model = {"type": "neural_network", "hidden_layers": [6, 5], "activation": activation}
    potential = make_potential(MOMENTS, {**model, "seed": 2})
    known = []
    for seed in range(20):
        known.append(crystal())
        known[-1].rattle(0.1, seed=seed)
    fs.find_active_set(potential, known)
    assert (
        max(result.configuration_grade for result in potential.evaluate(known, grade=True)) < 1.01
    )
    pressed = crystal()
    pressed.set_cell(0.8 * pressed.cell, scale_atoms=True)
    pair = Atoms("MgO", [[0, 0, 0], [1.7, 0, 0]])
    for strange in (pressed, pair):
        assert potential.evaluate(strange, grade=True).configuration_grade > 10


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_grades_equal_the_reference(potential, parameters):
    own = copy.copy(potential)
    rows = give_active_set(own, parameters)
    for name, atoms in structures(potential.cutoff).items():
        result = own.evaluate(atoms, grade=True)
        expected = expected_grades(own, atoms, rows)
        np.testing.assert_allclose(result.grades, expected, rtol=1e-9, err_msg=name)
        assert result.configuration_grade == result.grades.max()
        # What else is asked for does not change.
        plain = own.evaluate(atoms)
        assert plain.grades is None and plain.configuration_grade is None
        np.testing.assert_array_equal(plain.forces, result.forces)
        np.testing.assert_array_equal(plain.energies, result.energies)


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_grades_in_single_precision_and_on_several_threads(potential, parameters):
    own = copy.copy(potential)
    give_active_set(own, parameters)
    atoms = crystal() * (2, 1, 1)
    expected = own.evaluate(atoms, threads=1, grade=True).grades
    np.testing.assert_array_equal(own.evaluate(atoms, threads=2, grade=True).grades, expected)
    single = own.evaluate(atoms, precision="single", grade=True).grades
    np.testing.assert_allclose(single, expected, rtol=1e-4)


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_grades_of_configurations(parameters):
    potential = small_potential(shared=False)
    rows = give_active_set(potential, parameters, "configurations")
    examples = [crystal(), crystal(seed=1) * (2, 1, 1)]
    for atoms, result in zip(examples, potential.evaluate(examples, grade=True), strict=True):
        vectors = vectors_of(potential, atoms, parameters)
        if parameters == "linear":
            types = element_indices(atoms, potential.elements)
            vectors = np.hstack([vectors * (types == element)[:, None] for element in (0, 1)])
        mean = vectors.mean(axis=0, keepdims=True)
        expected = reference_grades.grades(mean, rows[0])[0]
        assert result.grades is None
        np.testing.assert_allclose(result.configuration_grade, expected, rtol=1e-9)


def test_a_configuration_without_atoms():
    potential = small_potential()
    give_active_set(potential, "all", "configurations")
    empty, other = potential.evaluate([Atoms(), crystal()], grade=True)
    assert empty.configuration_grade == 0.0 and other.configuration_grade > 0.0


def test_grades_are_those_of_the_atoms_where_they_are():
    """Not where the wall at short range moves neighbors to."""
    potential = small_potential()
    atoms = crystal()
    rows = give_active_set(potential, "linear")
    potential._core.short_range = {
        "pairs": [
            {"elements": ["Mg", "O"], "distance": 2.2, "onset": 2.1, "strength": 1.0},
            {"elements": ["Mg", "Mg"], "distance": 2.5, "onset": 2.4, "strength": 1.0},
            {"elements": ["O", "O"], "distance": 2.5, "onset": 2.4, "strength": 1.0},
        ]
    }
    potential._core.set_active_set(**potential._core.active_set)
    result = potential.evaluate(atoms, grade=True)
    assert result.close_neighbors.any()
    np.testing.assert_allclose(result.grades, expected_grades(potential, atoms, rows), rtol=1e-9)
    np.testing.assert_array_equal(result.forces, potential.evaluate(atoms).forces)


def test_a_potential_without_an_active_set_has_no_grades():
    potential = small_potential()
    assert not potential.has_active_set
    with pytest.raises(ValueError, match="has no active set.*forcesmith active-set POTENTIAL DATA"):
        potential.evaluate(crystal(), grade=True)


def test_changed_parameters_make_another_potential():
    potential = small_potential()
    give_active_set(potential, "linear")
    assert potential.has_active_set
    potential._core.model_parameters = potential._core.model_parameters * 1.1
    assert not potential.has_active_set


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_files_and_copies_keep_the_active_set(tmp_path, parameters):
    potential = small_potential()
    give_active_set(potential, parameters)
    expected = potential.evaluate(crystal(), grade=True).grades
    potential.write(tmp_path / "mgo.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mgo.active_set", "mgo.json"]
    (tmp_path / "mgo.json").rename(tmp_path / "renamed.json")
    again = fs.Potential.read(tmp_path / "renamed.json")
    for own in (again, copy.deepcopy(potential), pickle.loads(pickle.dumps(potential))):
        np.testing.assert_array_equal(own.evaluate(crystal(), grade=True).grades, expected)
    found = again._core.active_set
    assert (found["parameters"], found["mode"]) == (parameters, "neighborhoods")
    assert found["info"] == {"origin": "random"}


def test_files_of_a_potential_without_an_active_set(tmp_path):
    small_potential().write(tmp_path / "mgo.json")
    assert [path.name for path in tmp_path.iterdir()] == ["mgo.json"]


def written(tmp_path, **model):
    potential = small_potential(**model)
    give_active_set(potential, "linear")
    potential.write(tmp_path / "mgo.json")
    return tmp_path / "mgo.json", tmp_path / "mgo.active_set"


def refused(path) -> str:
    with pytest.raises(ValueError) as error:
        fs.Potential.read(path)
    message = str(error.value)
    assert len(message) < 350 and "\n" not in message
    return message


def test_an_active_set_that_is_missing(tmp_path):
    path, active_set = written(tmp_path)
    active_set.unlink()
    assert re.search('Cannot read ".*mgo.active_set".*does not exist; copy it', refused(path))


def test_a_potential_can_be_read_without_its_active_set(tmp_path):
    path, active_set = written(tmp_path)
    active_set.unlink()
    potential = fs.Potential.read(path, active_set=False)
    assert not potential.has_active_set
    fs.find_active_set(potential, [crystal()])
    potential.write(path)
    assert fs.Potential.read(path).has_active_set


def test_the_active_set_of_what_a_link_leads_to(tmp_path):
    path, active_set = written(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "linked.json").symlink_to(path)
    assert fs.Potential.read(tmp_path / "sub" / "linked.json").has_active_set


def test_the_active_set_of_what_was_replaced(tmp_path):
    """As a fit leaves both files."""
    path, active_set = written(tmp_path)
    for file in (path, active_set):
        file.rename(f"{file}.previous")
    assert fs.Potential.read(f"{path}.previous").has_active_set


def test_an_active_set_of_another_potential(tmp_path):
    path, active_set = written(tmp_path)
    foreign = active_set.read_bytes()
    potential = small_potential()
    potential._core.model_parameters = potential._core.model_parameters * 1.1
    give_active_set(potential, "linear")
    potential.write(path)
    active_set.write_bytes(foreign)
    assert re.search(
        r"mgo.active_set.*belongs to another potential.*forcesmith active-set", refused(path)
    )


def test_an_active_set_of_other_settings(tmp_path):
    """The same numbers mean something else."""
    path, _ = written(tmp_path)
    text = path.read_text()
    changed = re.sub(r'"min_distance": *1\.6', '"min_distance": 1.3', text)
    assert changed != text
    path.write_text(changed)
    assert "belongs to another potential" in refused(path)


def test_files_do_not_change_what_the_active_set_belongs_to(potential, tmp_path):
    own = copy.copy(potential)
    give_active_set(own, "linear")
    own.write(tmp_path / "a.json")
    again = fs.Potential.read(tmp_path / "a.json")
    assert again._core.active_set_file() == own._core.active_set_file()


def test_damaged_active_sets(tmp_path):
    path, active_set = written(tmp_path)
    content = active_set.read_bytes()
    for cut in (1, 30, 200, len(content) - 1):
        active_set.write_bytes(content[:cut])
        assert re.search("no such file of this version|damaged or cut off", refused(path))
    active_set.write_bytes(content + b"\0")
    assert "damaged" in refused(path)
    flipped = bytearray(content)
    flipped[-9] ^= 1
    active_set.write_bytes(flipped)
    assert "damaged" in refused(path)


@pytest.mark.parametrize(
    "value",
    ["{}", '{"file": "../x"}', '{"file": 3}', '{"file": "mgo.active_set", "more": 1}', '"x"'],
)
def test_a_key_that_names_no_file(tmp_path, value):
    path, _ = written(tmp_path)
    path.write_text(re.sub(r'"active_set": {[^}]*}', f'"active_set": {value}', path.read_text()))
    assert "active_set" in refused(path)


def test_matrices_that_do_not_fit():
    potential = small_potential()
    core = potential._core
    n = core.n_features(0)
    good = np.eye(n)
    for matrices, inverses, problem in (
        ([good], [good], "does not fit to the potential"),
        ([np.eye(n + 1)] * 2, [np.eye(n + 1)] * 2, "does not fit to the potential"),
        ([good, good], [good, 2 * good], "inverse that is not that of its rows"),
        ([good, good], [good], "an inverse for each matrix"),
        ([good, np.ones((n, 2))], [good, good], "shape"),
        ([good, good * np.nan], [good, good], "not finite"),
    ):
        with pytest.raises(ValueError, match=problem):
            core.set_active_set("linear", "neighborhoods", 2, matrices, inverses, {})
    for words in (("some", "neighborhoods"), ("linear", "atoms")):
        with pytest.raises(
            ValueError, match='"linear" or "all"|"neighborhoods" or "configurations"'
        ):
            core.set_active_set(*words, 2, [good, good], [good, good], {})


@pytest.mark.parametrize("mode", ["neighborhoods", "configurations"])
def test_mlip_files_hold_the_active_set(tmp_path, mode):
    potential = small_potential()
    give_active_set(potential, "all", mode)
    expected = potential.evaluate(crystal(), grade=True)
    potential.write(tmp_path / "mgo.almtp")
    again = fs.Potential.read(tmp_path / "mgo.almtp", ELEMENTS)
    result = again.evaluate(crystal(), grade=True)
    np.testing.assert_array_equal(result.configuration_grade, expected.configuration_grade)
    found, given = again._core.active_set, potential._core.active_set
    assert found["mode"] == mode
    np.testing.assert_array_equal(found["matrices"], given["matrices"])
    # A, then the transposed inverse, in binary, as MLIP writes them.
    content = (tmp_path / "mgo.almtp").read_bytes()
    site = int(mode == "neighborhoods")
    assert f"#MVS_v1.1\nenergy_weight {1 - site}\n".encode() in content
    numbers = np.concatenate([given["matrices"][0].ravel(), given["inverses"][0].T.ravel()])
    n = len(given["matrices"][0])
    assert content.endswith(
        b"weight_scaling 2\n#" + numbers.tobytes() + b"\n#\n" + n * b"-1 -1\n" + b"#\n"
    )


@pytest.mark.parametrize(
    ("parameters", "name", "message"),
    [
        (
            "all",
            "a.mtp",
            "does not hold the active set.*an .almtp file holds one of all parameters",
        ),
        ("linear", "a.almtp", "does not hold the active set.*an .almtp file holds one of all"),
    ],
)
def test_mlip_files_that_do_not(tmp_path, parameters, name, message):
    potential = small_potential()
    give_active_set(potential, parameters)
    with pytest.warns(UserWarning, match=message):
        potential.write(tmp_path / name)
    assert b"#MVS" not in (tmp_path / name).read_bytes()


def test_damaged_active_sets_of_mlip_files(tmp_path):
    potential = small_potential()
    give_active_set(potential, "all")
    potential.write(tmp_path / "a.almtp")
    content = (tmp_path / "a.almtp").read_bytes()
    begin = content.index(b"#MVS_v1.1")
    for damaged in (
        content[: begin + 9],
        content[: begin + 60],
        content[: begin + 500],
        content.replace(b"\n", b"\r\n"),
        content.replace(b"energy_weight 0", b"energy_weight x"),
    ):
        (tmp_path / "b.almtp").write_bytes(damaged)
        with pytest.raises(
            ValueError, match="active set in the MLIP file .*b.almtp.* damaged or cut"
        ):
            fs.Potential.read(tmp_path / "b.almtp", ELEMENTS)
    (tmp_path / "b.almtp").write_bytes(content.replace(b"force_weight 0", b"force_weight 1"))
    with pytest.raises(ValueError, match="mixes equations.*al_mode"):
        fs.Potential.read(tmp_path / "b.almtp", ELEMENTS)
    (tmp_path / "b.almtp").write_bytes(content[: begin - 1])
    assert not fs.Potential.read(tmp_path / "b.almtp", ELEMENTS).has_active_set
