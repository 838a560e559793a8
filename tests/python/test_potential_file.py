"""Potential files: what is refused and how, and that writing is atomic.

Every message that a bad file can trigger in cpp/potentials/formats/forcesmith.cpp, mlip.cpp,
parameter_schema.cpp, contraction_program.cpp, moment_tensor.cpp, linear_model.cpp and registry.cpp
has a test here. A message names the file, the place, what was expected and what was found.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import stat
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import make_potential, structures
from hypothesis import given, settings
from hypothesis import strategies as st

ELEMENTS = ["Mg", "O"]
DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def potential() -> fs.Potential:
    descriptor = {"level": 8, "cutoff": 4.2, "min_distance": 1.5, "radial_basis_size": 3}
    return make_potential([{"type": "moment_tensor", **descriptor}], {"type": "linear"})


@pytest.fixture
def document(potential) -> dict:
    return json.loads(potential.to_json())


@pytest.fixture(scope="module")
def mtp(potential, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("mlip") / "potential.mtp"
    potential.write(path)
    return path.read_text()


def refuse(
    text: str | dict, *parts: str, name: str = "bad.json", elements=None, tmp_path=None
) -> str:
    """Reads `text` as a file; the one-sentence message must hold the file's name and all parts."""
    text = text if isinstance(text, str) else json.dumps(text)
    with pytest.raises(ValueError) as caught:
        if tmp_path is None:
            fs.Potential.from_json(text, name, trained=False)
        else:
            (tmp_path / name).write_text(text)
            fs.Potential.read(tmp_path / name, elements)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert "json.exception" not in message and "std::" not in message
    assert message.endswith(".") and "\n" not in message
    # Level errors of the generator know nothing of files; the caller's settings are at hand there.
    assert name in message or "level of a moment tensor" in message
    return message


# --- our own format ---


def test_shipped_example_reads():
    """The format on disk: a change that cannot read this file needs a new version number."""
    potential = fs.Potential.read(DATA / "mgo_small.json")
    assert potential.elements == ELEMENTS and potential.cutoff == 4.8
    assert json.loads((DATA / "mgo_small.json").read_text())["version"] == 1
    info = potential.info()
    assert info["descriptors"][0]["level"] == 8
    assert info["descriptor_values"] == {"Mg": 9, "O": 9}
    assert info["parameters"] == {"descriptors": 4 * 2 * 6, "model": 2 + 9}


def test_cut_off_anywhere(potential):
    """Of a truncated file nothing is believed: always ValueError with file, line and byte."""
    text = potential.to_json().rstrip()
    positions = {*range(60), *range(0, len(text), 41), *range(len(text) - 60, len(text))}
    for position in sorted(positions):
        message = refuse(text[:position], '"bad.json" is broken or cut off at line')
        line = int(re.search(r"at line (\d+)", message)[1])
        assert line <= 1 + text[:position].count("\n")
        assert f"of {position})" in message


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, 10**6), byte=st.integers(1, 255), keep=st.booleans())
def test_damaged_anywhere(position, byte, keep):
    """One wrong or missing byte: a ValueError naming the file, or a potential, nothing else."""
    text = (DATA / "mgo_small.json").read_text()
    position %= len(text)
    damaged = text[:position] + (chr(byte) if keep else "") + text[position + 1 :]
    try:
        fs.Potential.from_json(damaged, "bad.json")
    except ValueError as error:
        message = str(error)
        assert "bad.json" in message or "level of a moment tensor" in message
        assert "json.exception" not in message


@pytest.mark.parametrize(
    "text", ["", " ", "3", "null", "[]", '"forcesmith potential"', "{}", '{"format": 3}', "MTP\n"]
)
def test_something_else(text):
    refuse(text, "not a forcesmith potential" if text.strip()[:1] in tuple('3n[{"') else "cut off")


def test_other_format_name(document):
    document["format"] = "somebody's potential"
    refuse(document, "not a forcesmith potential", '"format" must be "forcesmith potential"')


@pytest.mark.parametrize("version", [0, 3, 1.5, "1", None, [1], True])
def test_other_version(document, version):
    document["version"] = version
    refuse(document, f"version {json.dumps(version)}", "reads versions 1 and 2")


def test_missing_version(document):
    del document["version"]
    refuse(document, "version null", "reads versions 1 and 2")


@pytest.mark.parametrize("key", ["elements", "descriptors", "model"])
def test_missing_key(document, key):
    del document[key]
    refuse(document, f'"{key}"', "is missing")


@pytest.mark.parametrize(
    ("path", "wrong", "nearest"),
    [
        ((), "elemnts", "elements"),
        (("descriptors", 0), "cuttoff", "cutoff"),
        (("descriptors", 0, "contractions"), "product", "products"),
        (("model",), "coefficient", "coefficients"),
    ],
)
def test_unknown_key(document, path, wrong, nearest):
    place = document
    for key in path:
        place = place[key]
    place[wrong] = 1
    refuse(document, f'Unknown parameter "{wrong}"', f'did you mean "{nearest}"?', "Known: ")


@pytest.mark.parametrize(
    ("kind", "wrong", "nearest"),
    [("descriptors", "moment_tensors", "moment_tensor"), ("model", "linaer", "linear")],
)
def test_unknown_type(document, kind, wrong, nearest):
    entry = document[kind][0] if kind == "descriptors" else document[kind]
    entry["type"] = wrong
    refuse(document, f'There is no {kind.rstrip("s")} "{wrong}"', f'did you mean "{nearest}"?')


@pytest.mark.parametrize("entry", [None, 3, "moment_tensor", [], {}, {"type": 3}, {"level": 8}])
def test_descriptor_without_type(document, entry):
    document["descriptors"][0] = entry
    refuse(document, "Every descriptor", 'needs a "type"')


@pytest.mark.parametrize("entry", [{}, {"type": None}])
def test_model_without_type(document, entry):
    document["model"] = entry
    refuse(document, "Every model", 'needs a "type"')


def test_no_descriptor(document):
    document["descriptors"] = []
    refuse(document, "has no descriptor")


@pytest.mark.parametrize(
    ("path", "value", "type_"),
    [
        (("elements",), "MgO", "array"),
        (("elements",), {"Mg": 0}, "array"),
        (("descriptors",), {}, "array"),
        (("model",), [], "object"),
        (("provenance",), 3, "object"),
        (("units",), "metal", "object"),
        (("descriptors", 0, "level"), "8", "integer"),
        (("descriptors", 0, "level"), 8.5, "integer"),
        (("descriptors", 0, "level"), 2**32 + 8, "integer"),
        (("descriptors", 0, "level"), -(2**63), "integer"),
        (("descriptors", 0, "level"), True, "integer"),
        (("descriptors", 0, "cutoff"), "5.0", "number"),
        (("descriptors", 0, "cutoff"), [5.0], "number"),
        (("descriptors", 0, "scaling"), False, "number"),
        (("descriptors", 0, "radial_basis_size"), 2**40, "integer"),
        (("descriptors", 0, "radial_coefficients"), 1.0, "array"),
        (("descriptors", 0, "contractions"), [], "object"),
        (("descriptors", 0, "contractions", "moments"), 2**32 + 18, "integer"),
        (("descriptors", 0, "contractions", "basic"), {}, "array"),
        (("model", "shared"), 2, "boolean"),
        (("model", "coefficients"), 1.0, "array"),
        (("model", "energy_offsets"), {"Mg": 1.0}, "array"),
    ],
)
def test_wrong_type(document, path, value, type_):
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = json.dumps(value, separators=(",", ":"))
    refuse(document, f'"{path[-1]}"', f"must be of type {type_}, but is {found}")


@pytest.mark.parametrize(
    ("elements", "part"),
    [
        ([], "is empty"),
        (["Mg", 8], "must be element symbols, but holds 8"),
        (["Mg", ""], 'must be element symbols, but holds ""'),
        (["Mg", "Mg"], "names an element twice: Mg, Mg"),
    ],
)
def test_wrong_elements(document, elements, part):
    document["elements"] = elements
    refuse(document, '"elements"', part)


@pytest.mark.parametrize(
    "units", [{"length": "bohr", "energy": "eV"}, {"energy": "Ry"}, {"length": 3}, {"energy": None}]
)
def test_other_units(document, units):
    document["units"] = units
    refuse(document, "units", "only angstrom and eV")


def test_number_too_large_for_a_double(document):
    document["model"]["energy_offsets"][0] = 12345.678
    refuse(json.dumps(document).replace("12345.678", "1e999"), "1e999", "too large")


def test_nested_too_deep(document):
    document["provenance"] = 12345.678
    deep = "[" * 200_000 + "]" * 200_000
    refuse(json.dumps(document).replace("12345.678", deep), "nested more than 100 levels deep")
    refuse("[" * 200_000, "nested more than 100 levels deep")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_no_json(document, value):
    document["model"]["energy_offsets"][0] = 12345.678
    refuse(json.dumps(document).replace("12345.678", value), "broken or cut off at line 1")


@pytest.mark.parametrize("n_elements", [1, 3])
def test_numbers_of_elements_and_coefficients_disagree(document, n_elements):
    document["elements"] = ["Mg", "O", "Al"][:n_elements]
    refuse(document, f"{n_elements} x {n_elements} elements", "radial coefficients", "found 24")


def test_wrong_number_of_offsets(document):
    document["model"]["energy_offsets"].append(0.0)
    refuse(document, '"energy_offsets" of', "must hold 2 number(s), one per element", "found 3")


def test_wrong_number_of_coefficients(document):
    document["model"]["coefficients"][0].pop()
    refuse(document, "expected 9 coefficients", "found 8")


def test_wrong_number_of_coefficient_sets(document):
    document["model"]["coefficients"] *= 2
    refuse(document, "expected 1 set(s) of coefficients", "found 2")
    document["model"]["shared"] = False
    fs.Potential.from_json(json.dumps(document))
    document["model"]["coefficients"].pop()
    refuse(document, "expected 2 set(s) of coefficients", "found 1")


@pytest.mark.parametrize("key", ["energy_offsets", "coefficients"])
@pytest.mark.parametrize("value", ["x", None, {}, [[[]]], True])
def test_coefficients_that_are_no_numbers(document, key, value):
    document["model"][key][0] = value
    found = json.dumps(value, separators=(",", ":"))
    wanted = {"energy_offsets": "must hold number(s)", "coefficients": "must be a list of lists"}
    refuse(document, f'"{key}"', wanted[key], f"is {found}" if key == "energy_offsets" else found)


@pytest.mark.parametrize("value", ["x", None, {}, True])
def test_radial_coefficients_that_are_no_numbers(document, value):
    document["descriptors"][0]["radial_coefficients"][0][1][1][2] = value
    refuse(document, '"radial_coefficients"', "numbers only", json.dumps(value))


# --- the moment tensor descriptor ---


@pytest.mark.parametrize(
    ("cutoff", "min_distance"), [(2.0, 2.0), (2.0, 3.0), (-1.0, -2.0), (0.0, 0.0), (4.0, -0.5)]
)
def test_wrong_distances(document, cutoff, min_distance):
    document["descriptors"][0].update(cutoff=cutoff, min_distance=min_distance)
    refuse(document, "cutoff", "must be larger than min_distance", f"{cutoff:.6f}")


@pytest.mark.parametrize("size", [0, -1, 33, 2**31 - 1])
def test_wrong_radial_basis_size(document, size):
    document["descriptors"][0]["radial_basis_size"] = size
    refuse(document, "radial_basis_size must be 1 to 32", f"not {size}")


@pytest.mark.parametrize("level", [0, -2, 7, 30, 2**31 - 1])
def test_wrong_level(document, level):
    descriptor = document["descriptors"][0]
    del descriptor["contractions"], descriptor["radial_coefficients"]
    descriptor["level"] = level
    refuse(document, "even number from 2 to 28", f"not {level}")


def test_neither_level_nor_contractions(document):
    descriptor = document["descriptors"][0]
    del descriptor["contractions"], descriptor["level"]
    refuse(document, '"level"', "is missing")


@pytest.mark.parametrize("max_factors", [0, -1])
def test_wrong_number_of_factors(document, max_factors):
    descriptor = document["descriptors"][0]
    del descriptor["contractions"], descriptor["radial_coefficients"]
    descriptor["max_factors"] = max_factors
    with pytest.raises(ValueError, match=f"at least one moment as factor, not {max_factors}"):
        fs.Potential.from_json(json.dumps(document), trained=False)


@pytest.mark.parametrize("key", ["basic", "products", "mapping", "moments"])
def test_missing_part_of_the_contractions(document, key):
    del document["descriptors"][0]["contractions"][key]
    refuse(document, f'"{key}"', "is missing", "contractions")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("basic", [0, 0, 0]),
        ("basic", [0, 0, 0, 0, 0]),
        ("basic", [0, 0, 0, 0.5]),
        ("basic", [True, 0, 0, 0]),
        ("basic", 3),
        ("basic", [0, 0, 0, 2**32]),
        ("products", [0, 0, 2**40, 12]),
        ("products", [0, 0, "1", 12]),
        ("mapping", 1.5),
        ("mapping", [1]),
        ("mapping", None),
    ],
)
def test_contractions_that_are_no_lists_of_integers(document, key, value):
    document["descriptors"][0]["contractions"][key][0] = value
    wanted = "integers" if key == "mapping" else "lists of 4 integers"
    refuse(document, f'"contractions"["{key}"] must be a list of {wanted}, but is [')


def contraction_error(document, *parts, **changes):
    contractions = document["descriptors"][0]["contractions"]
    for key, value in changes.items():
        contractions[key] = value
    refuse(document, *parts)


def test_wrong_contractions(document):
    """Indices out of range, too few or too many moments, and moments used before they are there."""
    good = document["descriptors"][0]["contractions"]
    n_basic, n_moments, products = len(good["basic"]), good["moments"], good["products"]
    last = products[-1]
    cases = [
        (dict(basic=[]), "0 basic moments"),
        (dict(moments=0), f"{n_basic} basic moments of 0 moments"),
        (dict(moments=-1), "of -1 moments"),
        (dict(moments=2**31 - 1), f"{2**31 - 1} moments, but only {n_basic} basic moments"),
        (dict(basic=[[0, -1, 0, 0], *good["basic"][1:]]), "index -1, outside 0 to 100"),
        (dict(basic=[[101, 0, 0, 0], *good["basic"][1:]]), "index 101, outside 0 to 100"),
        (dict(basic=[[16, 0, 0, 0], *good["basic"][1:]]), "17 radial functions are more than"),
        (dict(products=[*products, [0, 0, 1, 0]]), f"product {len(products)}", "(0 x 0 -> 0)"),
        (dict(products=[*products, [0, 0, 1, n_moments]]), f"outside the {n_moments} moments"),
        (dict(products=[*products, [-1, 0, 1, n_basic]]), "(-1 x 0 -> "),
        (dict(products=[*products, [0, n_moments, 1, n_basic]]), f"(0 x {n_moments} -> "),
        (
            dict(products=[[last[3], 0, 1, n_basic], *products]),
            "product 0",
            "before it is complete",
        ),
        (dict(products=[*products, [last[3], 0, 1, last[3]]]), "before it is complete"),
        (dict(mapping=[-1]), "mapped to moment -1"),
        (dict(mapping=[n_moments]), f"mapped to moment {n_moments}, but there are {n_moments}"),
        (
            dict(products=[p for p in products if p[3] != last[3]], mapping=[last[3]]),
            f"mapped to moment {last[3]}, which no product gives",
        ),
    ]
    for changes, *parts in cases:
        contraction_error(copy.deepcopy(document), *parts, **changes)


def test_radial_functions_and_coefficients_disagree(document):
    document["descriptors"][0]["radial_coefficients"][0][0].append([1.0, 2.0, 3.0])
    refuse(
        document,
        "expected 24 radial coefficients",
        "2 radial functions x 3 polynomials",
        "found 27",
    )


# --- MLIP's format ---


def test_mlip_needs_element_names(mtp, tmp_path):
    refuse(
        mtp, "2 species but no element names", 'elements=["Cu"]', name="a.mtp", tmp_path=tmp_path
    )
    for wrong in (["Mg"], ["Mg", "O", "Al"]):
        part = f"2 species, but {len(wrong)} element names were given: {', '.join(wrong)}"
        refuse(mtp, part, name="a.mtp", elements=wrong, tmp_path=tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("MTP", "MPT", 'line 1: expected "MTP", found "MPT"'),
        ("version = 1.1.0", "version = 1.2.0", "version 1.2.0, but only version 1.1.0"),
        ("version", "Version", 'expected "version"'),
        ("version = 1.1.0", "version = 1.0.0", "version 1.0.0, but only version 1.1.0"),
        ("RBChebyshev", "RBTaylor", "radial basis RBTaylor, but only RBChebyshev"),
        (
            "RBChebyshev",
            "RBChebyshev_repuls",
            "only RBChebyshev is supported; RBChebyshev_repuls (w",
        ),
        ("RBChebyshev", "RBChebyshev\nmagnetic_basis_type = B", "is a magnetic moment tensor"),
        ("\t0-1\n", "\t0-0\n", "radial_coeffs of the species 0-0 are there twice, and those of"),
        ("species_count = 2", "species_count = 0", "species_count must be 1 to"),
        ("species_count = 2", "species_count = two", 'a number for species_count, found "two"'),
        ("species_count = 2", "species_count = 2.5", "species_count must be an integer"),
        ("species_count = 2", "species_count = 1e300", "species_count must be an integer"),
        ("radial_basis_size = 3", "radial_basis_size = 33", "radial_basis_size must be 1 to 32"),
        (
            "radial_basis_size = 3",
            "radial_basis_size = 100000000",
            "radial_basis_size must be 1 to",
        ),
        ("radial_basis_size = 3", "radial_basis_size = 4", "radial_coeffs 0-0"),
        ("radial_funcs_count = 2", "radial_funcs_count = 0", "radial_funcs_count must be 1 to 16"),
        ("radial_funcs_count = 2", "radial_funcs_count = 17", "radial_funcs_count must be 1 to 16"),
        ("radial_coeffs", "radial_coefs", "untrained template without radial_coeffs"),
        ("\t0-1\n", "\t0-2\n", 'a pair of species such as 0-0, found "0-2"'),
        ("\t0-1\n", "\t01\n", 'a pair of species such as 0-0, found "01"'),
        ("\t0-1\n", "\ta-b\n", 'a pair of species such as 0-0, found "a-b"'),
        ("\t0-1\n", "\t-1-1\n", 'a pair of species such as 0-0, found "-1-1"'),
        ("max_dist = 4.2", "max_dist = nan", 'a number for max_dist, found "nan"'),
        ("max_dist = 4.2", "max_dist = inf", 'a number for max_dist, found "inf"'),
        ("max_dist = 4.2", "max_dist = 1e999", 'a number for max_dist, found "1e999"'),
        ("max_dist = 4.2", "max_dist = 4.2x", 'a number for max_dist, found "4.2x"'),
        ("max_dist = 4.2", "max_dist = 1.0", "must be larger than min_distance"),
        ("alpha_moments_count = ", "alpha_moments_count = 9", "moments, but only"),
        ("alpha_moments_count = ", "alpha_moments_count = -", "alpha_moments_count must be 1 to"),
        ("alpha_index_basic = {{0", "alpha_index_basic = {{-1", "index -1, outside 0 to 100"),
        ("alpha_index_basic = {{0", "alpha_index_basic = {{7", "but radial_funcs_count is 2"),
        ("alpha_index_basic = {{0", "alpha_index_basic = {{0.5", "must be an integer"),
        ("alpha_scalar_moments = 9", "alpha_scalar_moments = 8", 'expected "species_coeffs"'),
        ("alpha_scalar_moments = 9", "alpha_scalar_moments = 10", 'found "species_coeffs"'),
        (
            "alpha_scalar_moments = 9",
            "alpha_scalar_moments = 999999999",
            "alpha_scalar_moments must",
        ),
        ("species_coeffs", "species_coefs", 'expected "species_coeffs", found "species_coefs"'),
        ("moment_coeffs = {", "moment_coeffs = {x", "a number for moment_coeffs"),
        ("moment_coeffs = {", "moment_coeffs = {1, ", "the list moment_coeffs does not end"),
    ],
)
def test_wrong_mlip_file(mtp, tmp_path, old, new, part):
    assert old in mtp
    refuse(mtp.replace(old, new, 1), part, name="a.mtp", elements=ELEMENTS, tmp_path=tmp_path)


def test_mlip_file_says_too_many_radial_functions(mtp, tmp_path):
    """Coefficients that nothing uses would be lost without a word."""
    pairs = re.findall(r"\t\t\d-\d\n(?:\t\t\t\{.*\}\n)+", mtp)
    assert len(pairs) == 4
    text = mtp.replace("radial_funcs_count = 2", "radial_funcs_count = 3")
    for pair in pairs:
        text = text.replace(pair, pair + "\t\t\t{1, 2, 3}\n")
    refuse(text, "uses only 2", name="a.mtp", elements=ELEMENTS, tmp_path=tmp_path)


@pytest.mark.parametrize("extension", [".mtp", ".almtp"])
def test_mlip_file_cut_off_anywhere(mtp, tmp_path, extension):
    text = mtp.rstrip()
    for position in [*range(1, len(text), 37), *range(len(text) - 30, len(text))]:
        cut = text[:position]
        message = refuse(cut, name=f"a{extension}", elements=ELEMENTS, tmp_path=tmp_path)
        assert re.search(r"cut off at line \d+: |only version|only RBChebyshev|untrained", message)


def test_mlip_details_that_are_fine(potential, mtp, tmp_path):
    """Windows line ends, no `scaling` (then 1), what follows the coefficients, several spaces."""
    path = tmp_path / "a.mtp"
    path.write_bytes((mtp + "\n#\n\x00\x01").replace("\n", "\r\n").encode())
    assert fs.Potential.read(path, ELEMENTS).evaluate(structures(4.2)["crystal"]).energy == (
        potential.evaluate(structures(4.2)["crystal"]).energy
    )
    path.write_text(re.sub("scaling = .*\n", "", mtp))
    assert fs.Potential.read(path, ELEMENTS).info()["descriptors"][0]["scaling"] == 1.0
    path.write_text(mtp.replace(" = ", "  =\t"))
    assert fs.Potential.read(path, ELEMENTS).elements == ELEMENTS


@pytest.mark.parametrize(
    ("descriptors", "model", "part"),
    [
        (1, {"shared": False}, "as the MLIP file.*b.mtp.*shared by all"),
        (2, {"shared": True}, "to .*b.mtp.*more than one descriptor, only for one moment_tensor"),
    ],
    ids=["own", "stacked"],
)
def test_what_the_mlip_format_cannot_hold(tmp_path, descriptors, model, part):
    descriptor = {"type": "moment_tensor", "level": 4, "cutoff": 4.0, "min_distance": 1.0}
    potential = make_potential([descriptor] * descriptors, {"type": "linear", **model})
    with pytest.raises(ValueError, match=f"cannot be written {part}"):
        potential.write(tmp_path / "b.mtp")
    assert not list(tmp_path.iterdir())


def test_mlip_file_of_one_element_with_own_coefficients(tmp_path):
    """With one element there is no difference between shared and own coefficients."""
    descriptor = {"type": "moment_tensor", "level": 4, "cutoff": 4.0, "min_distance": 1.0}
    potential = make_potential([descriptor], {"type": "linear", "shared": False}, ["O"])
    potential.write(tmp_path / "a.mtp")
    again = fs.Potential.read(tmp_path / "a.mtp", ["O"])
    np.testing.assert_array_equal(again._core.model_parameters, potential._core.model_parameters)


def test_mlip_scaling_in_the_radial_basis(mtp, tmp_path):
    """MLIP takes the factor there, too, and the product of both."""
    (tmp_path / "a.mtp").write_text(mtp)
    expected = fs.Potential.read(tmp_path / "a.mtp", ELEMENTS)
    line = re.search("scaling = .*\n", mtp)[0]
    moved = mtp.replace(line, "").replace("RBChebyshev\n", f"RBChebyshev\n\t{line}")
    (tmp_path / "a.mtp").write_text(moved)
    assert fs.Potential.read(tmp_path / "a.mtp", ELEMENTS).to_json() == expected.to_json()
    (tmp_path / "a.mtp").write_text(mtp.replace("RBChebyshev\n", "RBChebyshev\n\tscaling = 0.5\n"))
    scaling = fs.Potential.read(tmp_path / "a.mtp", ELEMENTS).info()["descriptors"][0]["scaling"]
    assert scaling == 0.5 * expected.info()["descriptors"][0]["scaling"]


def test_mlip_scaling_of_a_file_that_was_refused_once(shared_cases):
    inner, reference = (
        fs.Potential.read(shared_cases / "mtp_scaling_in_basis" / f"{name}.mtp", ["Cu"])
        for name in ("inner", "reference")
    )
    assert inner.to_json() == reference.to_json()


# --- files ---


@pytest.mark.parametrize(
    "name", ["potential", "potential.txt", "potential.json.gz", ".json", "mtp"]
)
def test_unknown_extension(potential, tmp_path, name):
    for action in (fs.Potential.read, potential.write):
        with pytest.raises(
            ValueError, match=r"does not tell the format.*known are \.json, \.ace, \.almtp, .*yace"
        ):
            action(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_reading_what_is_no_file(tmp_path):
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "empty.json").touch()
    for name in ("missing.json", "folder.json", "empty.json", "missing.mtp"):
        with pytest.raises(ValueError, match=f'Cannot read the potential file ".*{name}"'):
            fs.Potential.read(tmp_path / name)


def test_reading_without_permission(potential, tmp_path):
    path = tmp_path / "secret.json"
    potential.write(path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ValueError, match='Cannot read the potential file ".*secret.json"'):
        fs.Potential.read(path)


def test_elements_of_a_json_file_are_its_own(potential, tmp_path):
    potential.write(tmp_path / "a.json")
    assert fs.Potential.read(tmp_path / "a.json", ELEMENTS).elements == ELEMENTS
    for other in (["Mg"], ["O", "Mg"]):
        with pytest.raises(ValueError, match=r"a\.json.*Mg, O, but .* were asked for"):
            fs.Potential.read(tmp_path / "a.json", other)


def test_writing_replaces_a_file(potential, tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    potential.write(path)
    assert path.read_text() == potential.to_json()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_new_files_have_the_usual_permissions(potential, tmp_path):
    (tmp_path / "usual").touch()
    potential.write(tmp_path / "a.json")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "a.json")]
    assert modes[0] == modes[1]


def test_numbers_that_are_not_finite_are_not_written(potential, tmp_path):
    """And the file that was there stays."""
    potential.write(tmp_path / "a.json")
    before = (tmp_path / "a.json").read_text()
    for name in ("model_parameters", "descriptor_parameters"):
        for value in (np.nan, np.inf):
            broken = fs.Potential.from_json(potential.to_json())
            parameters = getattr(broken._core, name)
            parameters[1] = value
            setattr(broken._core, name, parameters)
            with pytest.raises(ValueError, match=r"not written to .*a\.json.*not finite"):
                broken.write(tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_mlip_files_hold_only_finite_numbers(potential, tmp_path):
    broken = fs.Potential.from_json(potential.to_json())
    parameters = broken._core.model_parameters
    parameters[3] = np.nan
    broken._core.model_parameters = parameters
    with pytest.raises(ValueError, match=r"a\.mtp.*not finite"):
        broken.write(tmp_path / "a.mtp")
    assert not list(tmp_path.iterdir())


def test_writing_into_a_missing_folder(potential, tmp_path):
    with pytest.raises(ValueError, match='Cannot write the potential file ".*missing/a.json"'):
        potential.write(tmp_path / "missing" / "a.json")


def test_a_failed_replacement_leaves_no_temporary_file(potential, tmp_path):
    """The last step fails here, because a folder has the name."""
    (tmp_path / "a.json").mkdir()
    (tmp_path / "a.json" / "content").touch()
    with pytest.raises(ValueError, match='Cannot write the potential file ".*a.json"'):
        potential.write(tmp_path / "a.json")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json" / "content").exists()


def test_a_full_disk_leaves_the_old_file(potential):
    """/dev/full accepts no byte; a limit on the size of files stands for it."""
    resource = pytest.importorskip("resource")
    import signal
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_text("old")
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
            with pytest.raises(ValueError, match="Cannot write the potential file"):
                potential.write(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert path.read_text() == "old"
        assert os.listdir(folder) == ["a.json"]


def test_provenance_survives(potential, tmp_path):
    potential = fs.Potential.from_json(potential.to_json())
    provenance = {"program": "test", "nested": {"numbers": [1, 2.5, None], "text": 'ä "\n'}}
    potential._core.provenance = provenance
    potential.write(tmp_path / "a.json")
    assert fs.Potential.read(tmp_path / "a.json").info()["provenance"] == provenance


def test_numbers_are_written_exactly(potential):
    """17 significant digits, or as many as it takes."""
    potential = fs.Potential.from_json(potential.to_json())
    numbers = [
        0.1 + 0.2,
        1e-308,
        5e-324,
        -1 / 3,
        1.7976931348623157e308,
        np.pi,
        2**53 + 2.0,
        0,
        -0.0,
        1,
        1e22,
    ]
    potential._core.model_parameters = numbers
    again = fs.Potential.from_json(potential.to_json())
    assert again._core.model_parameters.tobytes() == np.array(numbers, dtype=float).tobytes()


def test_copies_and_pickles(potential):
    atoms = structures(potential.cutoff)["crystal"]
    for again in (copy.deepcopy(potential), pickle.loads(pickle.dumps(potential))):
        assert again._core is not potential._core
        assert again.to_json() == potential.to_json()
        np.testing.assert_array_equal(
            again.evaluate(atoms).forces, potential.evaluate(atoms).forces
        )
