"""Potentials that are read but could not be right: half of them is missing, their numbers are
absurd, or they ask for more memory than there is. Whatever descriptor, model and format.
"""

from __future__ import annotations

import copy
import json

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import ELEMENTS, make_potential, potential_cases

CASES = {name: (descriptors, model) for name, descriptors, model in potential_cases()}
SIZES = [
    ("descriptors", "bispectrum", "twojmax", [1000, 21, -1, 10**9, 10**12]),
    ("descriptors", "bispectrum", "rcutfac", [1e6, 1e308, -1.0]),
    ("descriptors", "moment_tensor", "level", [10**9, 10**12, -2]),
    ("descriptors", "moment_tensor", "cutoff", [1e6, 1e308, -1.0]),
    ("descriptors", "moment_tensor", "radial_basis_size", [10**9, -8]),
    ("descriptors", "symmetry_functions", "cutoff", [1e6, 1e308, -1.0]),
    ("descriptors", "symmetry_functions", "radial", [10**9, -1]),
    ("descriptors", "symmetry_functions", "angular", [10**9, -1]),
    ("models", "neural_network", "hidden_layers", [[10**6, 10**6], [4096] * 1000, [-3], [10**12]]),
]


def document_of(name: str) -> dict:
    return json.loads(make_potential(*CASES[name]).to_json())


def refuse(path, document: dict | str, *parts: str) -> str:
    """Reads the document as a file; the message must be one short sentence with file and parts."""
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(ValueError) as caught:
        fs.Potential.read(path)
    message = str(caught.value)
    assert path.name in message and message.endswith(".") and "\n" not in message
    assert len(message) <= 300
    for part in parts:
        assert part in message, message
    return message


def trained_fields(kind: str, name: str) -> list[str]:
    return [field["name"] for field in fs.registry()[kind][name] if field["trained"]]


# --- half potentials ---


@pytest.mark.parametrize("name", CASES)
def test_every_trained_section_is_needed(name, tmp_path):
    """Of every registered descriptor and model; null is as good as nothing."""
    whole = document_of(name)
    sections = [
        (("descriptors", number), descriptor["type"], field)
        for number, descriptor in enumerate(whole["descriptors"])
        for field in trained_fields("descriptors", descriptor["type"])
    ]
    sections += [
        (("model",), whole["model"]["type"], field)
        for field in trained_fields("models", whole["model"]["type"])
    ]
    for place, type_, field in sections:
        for absent in ("deleted", None, []):
            half = copy.deepcopy(whole)
            section = half
            for key in place:
                section = section[key]
            if absent == "deleted":
                del section[field]
            else:
                section[field] = absent
            missing = () if absent == [] and field != "scaling" else (f'"{field}"',)
            refuse(tmp_path / "half.json", half, *missing)
            if absent != []:
                fs.Potential.from_json(json.dumps(half), trained=False)
                with pytest.raises(ValueError, match=f'"{field}" of .*"{type_}".*half a potential'):
                    fs.Potential.from_json(json.dumps(half))


def test_everything_that_is_fitted_is_a_trained_section():
    """What a potential without trained sections has in place of them can change its parameters."""
    for descriptors, model in CASES.values():
        document = json.loads(make_potential(descriptors, model).to_json())
        parameters = fs.Potential.from_json(json.dumps(document))._core
        for descriptor in document["descriptors"]:
            for field in trained_fields("descriptors", descriptor["type"]):
                del descriptor[field]
        for field in trained_fields("models", document["model"]["type"]):
            del document["model"][field]
        untrained = fs.Potential.from_json(json.dumps(document), trained=False)._core
        for name in ("descriptor_parameters", "model_parameters"):
            own, other = getattr(parameters, name), getattr(untrained, name)
            assert own.shape == other.shape
            assert len(own) == 0 or (own != other).mean() > 0.9


def test_half_potentials_that_were_read_once(shared_cases):
    for path in (shared_cases / "half_potentials").glob("*.*"):
        with pytest.raises(ValueError, match=f"{path.name}.*(half a potential|twice)"):
            fs.Potential.read(path, ["Mg", "O", "Al"] if path.suffix == ".mtp" else None)


def test_a_key_that_is_there_twice(tmp_path):
    text = json.dumps(document_of(next(iter(CASES))))
    refuse(tmp_path / "a.json", text[:-1] + ', "model": {}}', 'the key "model" twice')


# --- absurd numbers ---


@pytest.mark.parametrize("value", [1e300, -1e300, 1.7e308, 1e31])
@pytest.mark.parametrize("name", CASES)
def test_absurd_coefficients(name, value, tmp_path):
    potential = make_potential(*CASES[name])
    for parameters in ("model_parameters", "descriptor_parameters"):
        values = getattr(potential._core, parameters)
        if len(values) == 0:
            continue
        absurd = fs.Potential.from_json(potential.to_json())
        changed = values.copy()
        changed[-1] = value
        setattr(absurd._core, parameters, changed)
        refuse(tmp_path / "absurd.json", absurd.to_json(), "no energy can come from")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("moment_tensor0-linear0", "scaling", 1e308),
        ("bispectrum0-linear1", "weights", [1e308, 1.0]),
        ("bispectrum0-linear1", "weights", [1.0, 1e200]),
    ],
)
def test_energies_that_are_not_finite(name, field, value, tmp_path):
    document = document_of(name)
    document["descriptors"][0][field] = value
    refuse(tmp_path / "absurd.json", document, "gives no finite energy and forces for atoms of")


def test_forces_that_are_finite_in_double_precision_alone(tmp_path):
    generated = {"type": "symmetry_functions", "cutoff": 4.3, "radial": 2, "angular": 1}
    potential = make_potential([generated], {"type": "linear", "shared": False})
    document = json.loads(potential.to_json())
    functions = document["descriptors"][0]["functions"]
    next(f for f in functions if f["type"] == "angular_narrow")["cutoff"] = 1e-300
    refuse(tmp_path / "absurd.json", document, "for atoms of Mg in single precision")


def test_network_whose_energy_is_not_finite(tmp_path):
    document = document_of("bispectrum0-neural_network1")
    document["model"]["input_factor"][1][0] = 1e308
    refuse(tmp_path / "absurd.json", document, "no finite energy and forces for atoms of O")


@pytest.mark.parametrize("name", CASES)
def test_sound_potentials_pass(name, tmp_path):
    """Also with the smallest and the largest coefficients that fits may give."""
    potential = make_potential(*CASES[name])
    for factor in (1e-12, 1.0, 1e6):
        potential._core.model_parameters = (
            factor * make_potential(*CASES[name])._core.model_parameters
        )
        potential.write(tmp_path / "a.json")
        fs.Potential.read(tmp_path / "a.json")


# --- sizes ---


@pytest.mark.parametrize(("kind", "name", "field", "values"), SIZES)
def test_absurd_sizes(kind, name, field, values, tmp_path):
    """Refused before memory is asked for, from files and from settings."""
    case = next(case for case in CASES if f"{name}0" in case)
    for value in values:
        document = document_of(case)
        section = document["descriptors"][0] if kind == "descriptors" else document["model"]
        section[field] = value
        for function in section.get("functions", []):
            del function["cutoff"]  # then it has that of the descriptor
        refuse(tmp_path / "large.json", document)
        for fitted in (*trained_fields(kind, name), "contractions", "functions"):
            section.pop(fitted, None)
        for model_field in trained_fields("models", document["model"]["type"]):
            document["model"].pop(model_field, None)
        with pytest.raises(ValueError):
            fs.Potential.from_json(json.dumps(document), trained=False)


def test_too_many_values_together(tmp_path):
    elements = [f"X{number}" for number in range(60)]
    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": elements,
        "descriptors": [{"type": "bispectrum", "twojmax": 20, "rcutfac": 4.0, "chemflag": True}],
        "model": {"type": "quadratic", "shared": False},
    }
    for descriptor, part in [
        (document["descriptors"][0], "components per atom"),
        ({"type": "symmetry_functions", "cutoff": 4.0, "angular": 8}, "functions, more than"),
        ({"type": "symmetry_functions", "cutoff": 4.0, "angular": 0}, "quadratic coefficients"),
    ]:
        document["descriptors"] = [descriptor]
        if part == "quadratic coefficients":
            descriptor["radial"] = 100
        with pytest.raises(ValueError, match=part):
            fs.Potential.from_json(json.dumps(document), trained=False)


def test_too_many_elements():
    document = document_of("moment_tensor0-linear0")
    document["elements"] = [f"X{number}" for number in range(200_000)]
    with pytest.raises(ValueError, match="only 118 elements"):
        fs.Potential.from_json(json.dumps(document))


# --- contraction programs ---


def test_contractions_of_every_level_are_rotation_invariant(tmp_path):
    for level in (2, 6, 10, 14, 18):
        descriptor = {"type": "moment_tensor", "level": level, "cutoff": 4.0, "min_distance": 1.5}
        make_potential([descriptor], {"type": "linear"}).write(tmp_path / "a.json")
        fs.Potential.read(tmp_path / "a.json")


@pytest.mark.parametrize("extension", [".json", ".mtp"])
def test_contractions_that_are_not_rotation_invariant(extension, tmp_path):
    """One index or factor of the program is another, which is as good a program."""
    descriptor = {"type": "moment_tensor", "level": 8, "cutoff": 4.2, "min_distance": 1.5}
    potential = make_potential([descriptor], {"type": "linear"})
    document = json.loads(potential.to_json())
    contractions = document["descriptors"][0]["contractions"]
    vector = contractions["basic"].index([0, 1, 0, 0])
    square = next(
        number for number, p in enumerate(contractions["products"]) if p[:2] == [vector, vector]
    )
    damages = {
        "factor": lambda program: program["products"][square].__setitem__(2, 2),
        "operand": lambda program: program["products"][square].__setitem__(1, vector + 1),
        "mapping": lambda program: program["mapping"].__setitem__(1, vector),
        "degree": lambda program: program["basic"].__setitem__(vector, [0, 2, 0, 0]),
    }
    for damage in damages.values():
        damaged = copy.deepcopy(document)
        damage(damaged["descriptors"][0]["contractions"])
        broken = fs.Potential.from_json(json.dumps(damaged))
        path = tmp_path / f"a{extension}"
        broken.write(path)
        with pytest.raises(ValueError, match=rf"a\{extension}.*changes when all atoms are rotated"):
            fs.Potential.read(path, ELEMENTS)


@pytest.mark.parametrize("largest", [2**31 - 1, -(2**31)])
def test_indices_at_the_end_of_integers(largest, tmp_path):
    document = document_of("moment_tensor0-linear0")
    for key in ("basic", "products"):
        for place in range(4):
            damaged = copy.deepcopy(document)
            damaged["descriptors"][0]["contractions"][key][0][place] = largest
            refuse(tmp_path / "a.json", damaged)


def test_a_long_chain_of_products(tmp_path):
    """Every moment is made of the one before: no recursion may be as deep."""
    n = 200_000
    document = document_of("moment_tensor0-linear0")
    descriptor = document["descriptors"][0]
    del descriptor["level"]
    descriptor["contractions"] = {
        "basic": [[0, 0, 0, 0]],
        "moments": n + 1,
        "products": [[moment, 0, 1, moment + 1] for moment in range(n)],
        "mapping": [0, n],
    }
    descriptor["radial_coefficients"] = np.full((2, 2, 1, 4), 1e-3).tolist()
    document["model"]["coefficients"] = [[1.0, 1.0]]
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert fs.Potential.read(tmp_path / "a.json").info()["descriptor_values"] == {"Mg": 2, "O": 2}


def test_a_degree_that_no_level_has(tmp_path):
    document = document_of("moment_tensor0-linear0")
    document["descriptors"][0]["contractions"]["basic"][-1] = [0, 50, 50, 50]
    refuse(tmp_path / "a.json", document, "degree 150, more than the supported 100")


# --- elements ---


def test_an_element_twice(tmp_path, shared_cases):
    descriptor = {"type": "moment_tensor", "level": 4, "cutoff": 4.0, "min_distance": 1.0}
    three = make_potential([descriptor], {"type": "linear"}, ["Cu", "Pd", "Ag"])
    three.write(tmp_path / "a.mtp")
    with pytest.raises(ValueError, match=r'a\.mtp" name "Cu" twice'):
        fs.Potential.read(tmp_path / "a.mtp", ["Cu", "Cu", "Ag"])
    refuse(tmp_path / "dup.json", (shared_cases / "duplicate_elements/dup.json").read_text(), "Cu")
