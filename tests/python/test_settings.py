"""Settings of a fit: what is accepted, what is refused, and how it is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import forcesmith as fs
import pytest
from contract_examples import make_potential
from forcesmith.training.settings import FitSettings, GroupWeights

TOML = """
elements = ["Mg", "O"]

[descriptor]
type = "moment_tensor"
level = 12
cutoff = 5.0
radial_basis_size = 7

[model]
type = "linear"
energy_offsets = {Mg = -1.5, O = -3}

[data]
train = ["data/mgo.extxyz", "@0:3"]
test_fraction = 0.1

[weights]
energy = 2
force = 0.02

[weights.groups.vac_O]
energy = 3.0

[optimizer]
max_iterations = 7
seed = 4
start = "old.json"

[output]
potential = "new.json"
parity_plot = "parity.png"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_(text: str) -> Path:
        path = tmp_path / "folder" / "fit.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write_


def refuse(tree: dict, *parts: str) -> None:
    with pytest.raises(ValueError) as caught:
        fs.FitSettings.from_dict(tree)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert message.endswith(".") and "\n" not in message


def test_defaults():
    settings = fs.FitSettings()
    assert settings.elements is None
    assert settings.descriptor.type == "moment_tensor" and settings.model.type == "linear"
    assert settings.weights.energy == 1.0 and settings.weights.force == 0.01
    assert settings.optimizer.ridge == 1e-10 and settings.output.potential == "potential.json"
    assert GroupWeights() == GroupWeights(energy=1.0, force=1.0, stress=1.0)


def test_toml(write):
    """Paths are relative to the file's folder."""
    path = write(TOML)
    settings = fs.FitSettings.from_toml(path)
    folder = path.parent
    assert settings.elements == ["Mg", "O"]
    assert settings.descriptor.model_dump() == {
        "type": "moment_tensor",
        "level": 12,
        "cutoff": 5.0,
        "radial_basis_size": 7,
    }
    assert settings.model.energy_offsets == {"Mg": -1.5, "O": -3.0}
    assert settings.data.train == [str(folder / "data/mgo.extxyz"), str(folder / "@0:3")]
    assert settings.data.test_fraction == 0.1
    assert settings.weights.energy == 2.0 and settings.weights.stress == 0.1
    assert settings.weights.groups == {"vac_O": GroupWeights(energy=3.0)}
    assert settings.optimizer.max_iterations == 7 and settings.optimizer.seed == 4
    assert settings.optimizer.start == str(folder / "old.json")
    assert settings.output.potential == str(folder / "new.json")
    assert settings.output.parity_plot == str(folder / "parity.png")


def test_start_is_a_path_or_a_potential():
    potential = make_potential(
        [{"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0}], {"type": "linear"}
    )
    settings = fs.FitSettings.from_dict({"optimizer": {"start": potential}})
    assert settings.optimizer.start is potential and settings.goes_on
    as_json = json.loads(settings.model_dump_json())["optimizer"]
    assert re.fullmatch("potential [0-9a-f]{16}", as_json["start"])
    start = fs.FitSettings.model_json_schema()["$defs"]["OptimizerSettings"]["properties"]["start"]
    assert [one["type"] for one in start["anyOf"]] == ["string", "null"]
    refuse(
        {"optimizer": {"start": 3}}, '"optimizer.start"', "a potential file, or a potential, not 3"
    )


def test_toml_and_dictionary_mean_the_same(write):
    import tomllib

    from_file = fs.FitSettings.from_toml(write(TOML.replace('start = "old.json"', "")))
    from_dict = fs.FitSettings.from_dict(tomllib.loads(TOML.replace('start = "old.json"', "")))
    assert from_file.model_dump(exclude={"data", "output"}) == from_dict.model_dump(
        exclude={"data", "output"}
    )


@pytest.mark.parametrize(
    ("tree", "key", "nearest"),
    [
        ({"element": ["Cu"]}, "element", "elements"),
        ({"weigths": {}}, "weigths", "weights"),
        ({"optimizer": {"max_iter": 3}}, "optimizer.max_iter", "max_iterations"),
        ({"weights": {"forces": 1.0}}, "weights.forces", "force"),
        ({"weights": {"groups": {"a": {"enery": 1.0}}}}, "weights.groups.a.enery", "energy"),
        ({"data": {"training": []}}, "data.training", "train"),
        ({"output": {"plot": "a.png"}}, "output.plot", "loss_plot"),
    ],
)
def test_unknown_key(tree, key, nearest):
    refuse(
        tree, f'Unknown key "{key}" in the settings', f'did you mean "{nearest}"?', "Known here: "
    )


@pytest.mark.parametrize(
    ("tree", "key", "found"),
    [
        ({"elements": "Cu"}, "elements", "'Cu'"),
        ({"elements": [29]}, "elements.0", "29"),
        ({"descriptor": "moment_tensor"}, "descriptor", "'moment_tensor'"),
        ({"weights": {"energy": -1.0}}, "weights.energy", "-1.0"),
        ({"weights": {"force": "much"}}, "weights.force", "'much'"),
        ({"weights": {"force": float("nan")}}, "weights.force", "nan"),
        ({"weights": {"stress": float("inf")}}, "weights.stress", "inf"),
        ({"weights": {"groups": {"a": 2.0}}}, "weights.groups.a", "2.0"),
        ({"weights": {"groups": {"a": {"energy": -2.0}}}}, "weights.groups.a.energy", "-2.0"),
        ({"weights": {"groups": [1.0]}}, "weights.groups", "[1.0]"),
        ({"optimizer": {"max_iterations": -1}}, "optimizer.max_iterations", "-1"),
        ({"optimizer": {"max_iterations": 1.5}}, "optimizer.max_iterations", "1.5"),
        ({"optimizer": {"ridge": -1e-3}}, "optimizer.ridge", "-0.001"),
        ({"optimizer": {"tolerance": 0.0}}, "optimizer.tolerance", "0.0"),
        ({"optimizer": {"threads": -1}}, "optimizer.threads", "-1"),
        ({"optimizer": {"seed": -1}}, "optimizer.seed", "-1"),
        ({"optimizer": {"seed": 10**30}}, "optimizer.seed", str(10**30)),
        ({"weights": {"energy": 1e308}}, "weights.energy", "1e+308"),
        ({"weights": {"groups": {"a": {"force": 1e308}}}}, "weights.groups.a.force", "1e+308"),
        ({"model": {"energy_offsets": {"Cu": float("inf")}}}, "model.energy_offsets.Cu", "inf"),
        ({"data": {"test_fraction": 1.0}}, "data.test_fraction", "1.0"),
        ({"data": {"train": "a.extxyz"}}, "data.train", "'a.extxyz'"),
        ({"model": {"energy_offsets": {"Cu": "low"}}}, "model.energy_offsets.Cu", "'low'"),
    ],
)
def test_wrong_value(tree, key, found):
    refuse(tree, f'The key "{key}" in the settings is wrong', f"found {found}")


@pytest.mark.parametrize(
    ("section", "kind", "wrong", "nearest"),
    [
        ("descriptor", "descriptor", "moment_tensors", "moment_tensor"),
        ("model", "model", "linaer", "linear"),
    ],
)
def test_unknown_type(section, kind, wrong, nearest):
    refuse(
        {section: {"type": wrong}},
        f'"{section}.type"',
        f'there is no {kind} "{wrong}"; did you mean "{nearest}"?',
    )


def test_problems_of_a_file_name_the_file(write, tmp_path):
    cases = {
        "[weights]\nenerg = 1": 'Unknown key "weights.energ" in the settings file .*fit.toml',
        "[weights\n": "fit.toml is not valid TOML: .*line 1",
        "elements = [Cu]": "fit.toml is not valid TOML",
    }
    for text, pattern in cases.items():
        with pytest.raises(ValueError, match=pattern):
            fs.FitSettings.from_toml(write(text))
    with pytest.raises(ValueError, match="Cannot read the settings file .*missing.toml"):
        fs.FitSettings.from_toml(tmp_path / "missing.toml")
    with pytest.raises(ValueError, match="Cannot read the settings file"):
        fs.FitSettings.from_toml(tmp_path)
    path = write("")
    path.write_bytes(b"elements = ['\xff']")
    with pytest.raises(ValueError, match=r"Cannot read the settings file .*fit\.toml"):
        fs.FitSettings.from_toml(path)


def test_assignment_is_checked():
    settings = fs.FitSettings()
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        settings.weights.energy = -1.0


def test_test_fractions(write):
    path = write(TOML.replace("test_fraction = 0.1", "[data.test_fractions]\nvac_O = 0.25\nMg = 0"))
    settings = fs.FitSettings.from_toml(path)
    assert settings.data.test_fraction == 0.0
    assert settings.data.test_fractions == {"vac_O": 0.25, "Mg": 0.0}
    assert fs.FitSettings().data.test_fractions == {}
    again = fs.FitSettings.from_dict(settings.model_dump())
    assert again.data == settings.data


@pytest.mark.parametrize("value", [1.0, -0.1, "half", float("nan")])
def test_test_fractions_out_of_range(value):
    tree = {"data": {"test_fractions": {"bulk": 0.1, "vac_O": value}}}
    refuse(tree, 'The key "data.test_fractions.vac_O" in the settings', f"found {value!r}")


def test_a_section_is_a_table():
    expected = "expected a table, active_set = { mode = ... }, found 'off'"
    refuse({"active_set": "off"}, 'The key "active_set" in the settings is wrong', expected)


def test_test_fractions_are_a_mapping():
    refuse({"data": {"test_fractions": 0.1}}, '"data.test_fractions"', "found 0.1")


def test_both_kinds_of_test_fraction():
    refuse(
        {"data": {"test_fraction": 0.1, "test_fractions": {"vac_O": 0.2}}},
        'The key "data" in the settings is wrong',
        "test_fraction and test_fractions exclude each other",
    )
    settings = fs.FitSettings.from_dict({"data": {"test_fraction": 0.1}})
    with pytest.raises(ValueError, match="exclude each other"):
        settings.data.test_fractions = {"vac_O": 0.2}


def test_labels_and_units():
    data = {"stress_key": "REF_stress", "stress_unit": "GPa", "energy_unit": "Ha", "cflength": 1}
    settings = fs.FitSettings.from_dict({"data": data})
    assert settings.data.stress_unit == "GPa" and settings.data.energy_key is None
    refuse({"data": {"stress_unit": "GPaa"}}, '"data.stress_unit"', "unit 'GPaa' is not known")
    refuse({"data": {"energy_ky": "a"}}, '"data.energy_ky"', 'did you mean "energy_key"?')


def test_long_names_are_shortened():
    name = "x" * 400
    for tree in (
        {"weights": {"groups": {name: {"energy": -1.0}}}},
        {"weights": {"groups": {name: {"enery": 1.0}}}},
        {"data": {"test_fractions": {name: 2.0}}},
        {"output": {"potential": [name]}},
    ):
        with pytest.raises(ValueError) as error:
            fs.FitSettings.from_dict(tree)
        assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[optimizer]\ntolrance = 1", ['did you mean "tolerance"']),
        ("[optimizer]\nmax_iterations = 1" + 400 * "0", ["optimizer.max_iterations", "less than"]),
        ("seed = 1" + 9000 * "0", ["not valid TOML"]),
        ('[descriptor]\ntype = "moment\u202e\u2028_tensor"', ['did you mean "moment_tensor"']),
        ("[model]\nenergy_offsets = { Cu = 1e300 }", ["model.energy_offsets.Cu"]),
    ],
)
def test_what_is_too_long_or_too_large_gives_one_short_sentence(tmp_path, text, parts):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        fs.FitSettings.from_toml(path)
    message = str(caught.value)
    assert all(part in message for part in parts), message
    assert len(message.replace(str(path), "")) <= 300 and message.isprintable()


def test_weights_of_groups_by_pattern():
    groups = {"*-minimization": {"energy": 100}, "hot-*": {"force": 2}, "hot-1": {"force": 3}}
    weights = FitSettings.from_dict({"weights": {"groups": groups}}).weights
    assert weights.of_group("cold-minimization").energy == 100
    assert weights.of_group("hot-minimization").energy == 100  # the first pattern that matches
    assert weights.of_group("hot-2").force == 2
    assert weights.of_group("hot-1").force == 3
    assert weights.of_group("minimization") == weights.of_group("other")
