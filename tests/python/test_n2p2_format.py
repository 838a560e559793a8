"""Folders of n2p2: what n2p2 computed with them, an independent slow evaluation, the round trip,
and what is refused how."""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from forcesmith.cli import app
from reference_n2p2 import Folder

BOHR, HARTREE = 0.529177210903, 27.211386245988  # CODATA 2018
REFERENCES = ["h2o", "zuo_mo"]

INPUT = """\
# made by hand

number_of_elements 2      # how many
elements O H              ! in any order
atom_energy O -7.25
atom_energy H -0.45
cutoff_type 2
scale_symmetry_functions
scale_min_short -1.0
scale_max_short 1.5
global_hidden_layers_short 2
global_nodes_short 4 3
global_activation_short t p l
epochs 10
kalman_type 0             # of the training

symfunction_short H 13 0.02 0.3 1.0 2.0 6.5
symfunction_short O 2 H 0.2 1.5 6.0
symfunction_short O 2 O 0.05 0.0 6.0
symfunction_short\tO  2 H 0.2 0.0 6.0
symfunction_short O 3 O H 0.02 -1.0 2.0 6.0
symfunction_short O 3 H H 0.02 1.0 1.0 6.0
symfunction_short O 3 H O 0.02 1.0 2.0 6.0 0.5
symfunction_short O 9 H H 0.02 1.0 1.5 5.5
symfunction_short H 12 0.1 0.5 6.5
symfunction_short H 2 H 0.1 0.0 6.5
symfunction_short H 2 O 0.1 0.0 6.5
symfunction_short H 2 O 0.3 1.0 5.5
symfunction_short H 9 O O 0.01 -1.0 1.0 6.5
symfunction_short H 3 O H 0.1 1.0 4.0 6.5
"""


COMPACT = """\
symfunction_short O 22 H H -6.0 6.0 90 270 p2
symfunction_short O 22 H O -6.0 6.0 0.0 120.0 p2a
symfunction_short O 22 O H -6.0 6.5 0.0 120.0 p2
symfunction_short O 22 H O -6.5 6.0 0.0 120.0 p2
symfunction_short O 21 H H -6.0 6.0 -180 180 e
symfunction_short O 20 H 1.0 6.0 p3a
symfunction_short O 20 O -6.0 6.0 p2
symfunction_short O 20 H -6.0 6.0 p2
symfunction_short H 24 -6.0 6.5 30 180 p1
symfunction_short H 24 -6.0 6.5 0 180 p1
symfunction_short H 23 2 6.5 p4a
symfunction_short H 23 -6.0 6.0 p4
symfunction_short H 25 -6.0 6.0 -90.0 90.0 p1a
symfunction_short H 20 H -6.0 6.0 p1
"""


def write_folder(folder: Path, text: str = INPUT, labels: bool = True, sigma: bool = True) -> Path:
    """A folder with this input.nn and random networks and scaling data."""
    rng = np.random.default_rng(3)
    folder.mkdir(exist_ok=True)
    (folder / "input.nn").write_text(text)
    nodes = {None: re.search("^global_nodes_short (.*)", text, re.M)[1].split()}
    for line in re.findall("^element_nodes_short (.*)", text, re.M):
        nodes[line.split()[0]] = line.split()[1:]
    scaling = ["# header"]
    for number, (element, name) in enumerate((("H", "001"), ("O", "008")), start=1):
        functions = len(re.findall(rf"^symfunction_short\s+{element} ", text, re.M))
        for index in range(1, functions + 1):
            low = rng.uniform(0, 1)
            high = low + rng.uniform(5, 20)
            numbers = [low, high, rng.uniform(low, high), rng.uniform(2, 5)]
            row = [number, index, *(f"{value:.16E}" for value in numbers[: 3 + sigma])]
            scaling.append(" ".join(map(str, row)))
        sizes = [functions, *map(int, nodes.get(element, nodes[None])), 1]
        lines = ["# header"]
        for layer in range(1, len(sizes)):
            places = [
                ["a", layer - 1, j + 1, layer, k + 1]
                for j in range(sizes[layer - 1])
                for k in range(sizes[layer])
            ] + [["b", layer, k + 1] for k in range(sizes[layer])]
            for kind, *place in places:
                label = [kind, len(lines), *place] if labels else []
                value = f"{rng.normal():.16E}"
                lines.append(" ".join(map(str, [value, *label])))
        (folder / f"weights.{name}.data").write_text("\n".join(lines) + "\n")
    (folder / "scaling.data").write_text("\n".join(scaling) + "\n")
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_folder(tmp_path / "nnp")


def cluster(symbols: str = "OHHOHHOH") -> Atoms:
    """Some 1.5 to 6 bohr between atoms."""
    rng = np.random.default_rng(5)
    grid = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])
    positions = grid[: len(symbols)] * 1.7 + rng.uniform(-0.35, 0.35, (len(symbols), 3))
    return Atoms(list(symbols), positions)


def check_against_reference(
    potential: fs.Potential, folder: Path, atoms: Atoms, length=1 / BOHR, energy=1 / HARTREE
) -> None:
    """length, energy: units of the folder per angstrom and eV."""
    reference = Folder(folder)
    symbols, positions = atoms.get_chemical_symbols(), atoms.positions * length
    network, offset = reference.energy(symbols, positions), reference.offset(symbols)
    forces = reference.forces(symbols, positions) * length / energy
    result = potential.evaluate(atoms)
    scale = abs(offset) + abs(network)
    assert abs(result.energy * energy - (offset + network)) < 1e-13 * len(atoms) * scale
    np.testing.assert_allclose(result.forces, forces, rtol=0, atol=1e-11 * np.abs(forces).max())
    assert np.abs(forces).max() > 1e-6


def meaning(potential: fs.Potential) -> dict:
    """All of it but where it comes from."""
    document = json.loads(potential.to_json())
    del document["provenance"]
    return document


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


# --- what n2p2 computed ---


@pytest.mark.parametrize("name", REFERENCES)
def test_agrees_with_n2p2(shared_data: Path, name):
    """Energies with the offsets of input.nn, forces, of every configuration."""
    folder = shared_data / "n2p2_reference" / name
    potential = fs.Potential.read(folder)
    configurations = fs.read(folder / "reference.data")
    assert configurations
    results = potential.evaluate(configurations)
    for atoms, result in zip(configurations, results, strict=True):
        expected = atoms.calc.results
        assert result.energy == pytest.approx(expected["energy"], rel=1e-12)
        largest = np.abs(expected["forces"]).max()
        np.testing.assert_allclose(
            result.forces, expected["forces"], rtol=1e-8, atol=1e-11 * largest
        )


def test_every_folder_of_references_is_used(shared_data: Path):
    found = {path.name for path in (shared_data / "n2p2_reference").iterdir() if path.is_dir()}
    assert found == set(REFERENCES)


@pytest.mark.parametrize(("name", "symbols"), [("h2o", "OHHOHH"), ("zuo_mo", ["Mo"] * 7)])
def test_references_agree_with_slow_evaluation(shared_data: Path, name, symbols):
    atoms = cluster(symbols)
    if name == "zuo_mo":
        atoms.positions *= 1.5
    folder = shared_data / "n2p2_reference" / name
    check_against_reference(fs.Potential.read(folder), folder, atoms)


@pytest.mark.parametrize("name", REFERENCES)
def test_references_survive_writing(shared_data: Path, tmp_path: Path, name):
    folder = shared_data / "n2p2_reference" / name
    potential = fs.Potential.read(folder)
    potential.write(tmp_path / "input.nn")
    again = fs.Potential.read(tmp_path)
    atoms = fs.read(folder / "reference.data", index=0)[0]
    one, other = potential.evaluate(atoms), again.evaluate(atoms)
    np.testing.assert_allclose(other.energies, one.energies, rtol=1e-13)
    largest = np.abs(one.forces).max()
    np.testing.assert_allclose(other.forces, one.forces, rtol=0, atol=1e-11 * largest)


@pytest.fixture(scope="module")
def ethylbenzene(shared_data: Path) -> tuple[Path, Atoms]:
    """Compact functions 20 and 22 in a normalized folder, and what n2p2's tests expect of it."""
    folder = shared_data / "n2p2_compact_reference"
    return folder, fs.read(folder / "reference.data")[0]


def test_compact_functions_agree_with_n2p2(ethylbenzene, tmp_path: Path):
    """Also when written and read again."""
    folder, atoms = ethylbenzene
    potential = fs.Potential.read(folder)
    potential.write(tmp_path / "input.nn")
    again = fs.Potential.read(tmp_path)
    expected = atoms.calc.results
    largest = np.abs(expected["forces"]).max()
    for result in (potential.evaluate(atoms), again.evaluate(atoms)):
        assert result.energy == pytest.approx(expected["energy"], rel=1e-13)
        np.testing.assert_allclose(result.forces, expected["forces"], rtol=0, atol=1e-12 * largest)
    one, other = (meaning(p)["descriptors"][0]["functions"] for p in (potential, again))
    assert one == other and len(one) == 368


def test_compact_reference_agrees_with_slow_evaluation(ethylbenzene):
    folder, _ = ethylbenzene
    check_against_reference(fs.Potential.read(folder), folder, cluster("CHH"))


def test_case_with_a_compact_function(shared_cases: Path):
    potential = fs.Potential.read(shared_cases / "n2p2_compact")
    function = meaning(potential)["descriptors"][0]["functions"][0]
    assert function["type"] == "compact_radial" and function["subtype"] == "p2"
    assert function["rl"] == 0.0 and potential.cutoff == pytest.approx(10.0 * BOHR, rel=1e-14)


# --- reading ---


def test_folder_made_by_hand(folder):
    """Comments, tabs, elements and functions in any order, keys of the training."""
    potential = fs.Potential.read(folder)
    assert potential.elements == ["H", "O"]
    assert potential.cutoff == pytest.approx(6.5 * BOHR, rel=1e-14)
    assert potential.info()["provenance"] == {
        "converted_from": "n2p2 folder",
        "cflength": 1 / BOHR,
        "cfenergy": 1 / HARTREE,
    }
    check_against_reference(potential, folder, cluster())


@pytest.mark.parametrize("name", ["input.nn", "other.nn"])
def test_path_of_the_file(folder, name):
    (folder / "input.nn").rename(folder / name)
    write_folder(folder)
    assert meaning(fs.Potential.read(folder / name)) == meaning(fs.Potential.read(folder))


def test_inputs_and_ranges(folder):
    """x = scale_min + (scale_max - scale_min) (B - min) / (max - min); functions are sorted."""
    document = meaning(fs.Potential.read(folder))
    model = document["model"]
    assert model["hidden_layers"] == [4, 3] and model["activation"] == ["tanh", "softplus"]
    np.testing.assert_allclose(model["energy_offsets"], [-0.45 * HARTREE, -7.25 * HARTREE])
    table = np.array([line.split() for line in open(folder / "scaling.data")][1:], dtype=object)
    table = table.astype(float)
    for element in (0, 1):
        low, high = table[table[:, 0] == element + 1][:, 2:4].T
        np.testing.assert_array_equal(model["input_min"][element], low)
        np.testing.assert_array_equal(model["input_max"][element], high)
        shift, factor = model["input_shift"][element], np.array(model["input_factor"][element])
        np.testing.assert_allclose(factor * (low - shift), -1.0, rtol=1e-12)
        np.testing.assert_allclose(factor * (high - shift), 1.5, rtol=1e-12)
    functions = [
        (f["type"], f["cutoff"] / BOHR, f["eta"] * BOHR**2, f["rs"] / BOHR, f.get("zeta"))
        for f in document["descriptors"][0]["functions"]
        if f["center"] == "O"
    ]
    assert [f[0] for f in functions] == ["radial"] * 3 + ["angular_narrow"] * 3 + ["angular_wide"]
    expected = [[0.05, 0], [0.2, 0], [0.2, 1.5], [0.02, 0], [0.02, 0], [0.02, 0.5], [0.02, 0]]
    np.testing.assert_allclose([f[2:4] for f in functions], expected, rtol=1e-14, atol=1e-15)
    assert [f[4] for f in functions[3:]] == [1.0, 2.0, 2.0, 1.5]


def test_order_of_lines_does_not_matter(tmp_path):
    potential = fs.Potential.read(write_folder(tmp_path / "one"))
    lines = INPUT.splitlines(keepends=True)
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        other = fs.Potential.read(write_folder(tmp_path / str(seed), "".join(lines)))
        assert meaning(other) == meaning(potential)


SCALINGS = {
    "none": "",
    "scale": "scale_symmetry_functions\n",
    "center": "center_symmetry_functions\n",
    "scale and center": "scale_symmetry_functions\ncenter_symmetry_functions\n",
    "sigma": "scale_symmetry_functions_sigma\n",
    "sigma and center: the first is passed over": (
        "scale_symmetry_functions_sigma\ncenter_symmetry_functions\n"
    ),
    "all": "scale_symmetry_functions_sigma\nscale_symmetry_functions\ncenter_symmetry_functions\n",
}
LIMITS = "scale_min_short -1.0\nscale_max_short 1.5\n"


@pytest.mark.parametrize("limits", [LIMITS, ""], ids=["limits", "default limits"])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_scalings(tmp_path, scaling, limits):
    text = replaced(INPUT, "scale_symmetry_functions\n" + LIMITS, SCALINGS[scaling] + limits)
    folder = write_folder(tmp_path / "nnp", text)
    check_against_reference(fs.Potential.read(folder), folder, cluster())


def test_scaling_data_without_sigma(tmp_path):
    """As older versions wrote it."""
    folder = write_folder(tmp_path / "nnp", sigma=False)
    check_against_reference(fs.Potential.read(folder), folder, cluster())


def test_no_scaling_data(tmp_path):
    """Where nothing is scaled, it is not needed."""
    folder = write_folder(tmp_path / "nnp", replaced(INPUT, "scale_symmetry_functions\n", ""))
    with_ranges = meaning(fs.Potential.read(folder))
    (folder / "scaling.data").unlink()
    without = meaning(fs.Potential.read(folder))
    del with_ranges["model"]["input_min"], with_ranges["model"]["input_max"]
    assert without == with_ranges


def test_range_of_energies_after_the_scaling_data(folder):
    """RuNNer's files end so."""
    expected = meaning(fs.Potential.read(folder))
    with open(folder / "scaling.data", "a") as stream:
        stream.write("  -0.4 -0.3\n")
    assert meaning(fs.Potential.read(folder)) == expected


NORMALIZATION = "mean_energy -3.25\nconv_energy 12.5\nconv_length 0.7\n"


@pytest.mark.parametrize("nodes", ["", "normalize_nodes\n"], ids=["", "nodes"])
@pytest.mark.parametrize("data", ["", NORMALIZATION], ids=["", "data"])
def test_normalization(tmp_path, data, nodes):
    folder = write_folder(tmp_path / "nnp", INPUT + data + nodes)
    check_against_reference(fs.Potential.read(folder), folder, cluster())


def test_normalization_decides_the_order(tmp_path):
    """Functions are sorted after the change of units, where cutoffs may become equal."""
    cutoffs = [6.0, np.nextafter(6.0, 7)]
    scale = next(s for s in np.linspace(0.5, 1, 1000) if cutoffs[0] * s == cutoffs[1] * s)
    lines = f"symfunction_short H 2 H 0.9 0.0 {cutoffs[0]!r}\n"
    lines += f"symfunction_short H 2 H 0.8 0.0 {float(cutoffs[1])!r}\n"
    text = INPUT + lines.replace("np.float64(", "").replace(")", "")
    text += f"mean_energy 0\nconv_energy 1\nconv_length {float(scale)!r}\n"
    functions = meaning(fs.Potential.read(write_folder(tmp_path / "nnp", text)))["descriptors"][0]
    etas = [f["eta"] * BOHR**2 for f in functions["functions"]]
    np.testing.assert_allclose([eta for eta in etas if eta > 0.7], [0.8, 0.9], rtol=1e-14)


@pytest.mark.parametrize("normalization", ["", NORMALIZATION], ids=["", "normalized"])
@pytest.mark.parametrize(
    "others", [INPUT, INPUT.split("symfunction_short")[0]], ids=["both", "only"]
)
def test_compact_functions(tmp_path, others, normalization):
    """All six types, beside others and alone, in n2p2's order, in any order of lines."""
    lines = COMPACT.splitlines(keepends=True)
    folder = write_folder(tmp_path / "nnp", others + COMPACT + normalization)
    potential = fs.Potential.read(folder)
    check_against_reference(potential, folder, cluster())
    random.Random(2).shuffle(lines)
    other = write_folder(tmp_path / "other", others + "".join(lines) + normalization)
    assert meaning(fs.Potential.read(other)) == meaning(potential)
    potential.write(tmp_path / "other" / "input.nn")
    again = fs.Potential.read(other)
    check_against_reference(potential, other, cluster())
    if not normalization:
        functions, written = (meaning(p)["descriptors"][0]["functions"] for p in (potential, again))
        for function, copy in zip(functions, written, strict=True):
            for key in ("rl", "cutoff", "eta", "rs"):
                if key in function:
                    assert copy.pop(key) == pytest.approx(function.pop(key), rel=1e-15)
            assert copy == function


def test_order_of_compact_functions(tmp_path):
    """By type, subtype, neighbors, cutoff, rl, angles."""
    start = INPUT.split("symfunction_short")[0]
    potential = fs.Potential.read(write_folder(tmp_path / "nnp", start + COMPACT))
    functions = meaning(potential)["descriptors"][0]["functions"]
    found = [
        " ".join(map(str, [f["type"], f["subtype"], *f["neighbors"], round(f["rl"] / BOHR, 9)]))
        for f in functions
        if f["center"] == "O"
    ]
    assert found == [
        "compact_radial p2 H -6.0",
        "compact_radial p2 O -6.0",
        "compact_radial p3a H 1.0",
        "compact_angular_narrow e H H -6.0",
        "compact_angular_wide p2 H H -6.0",
        "compact_angular_wide p2 H O -6.5",
        "compact_angular_wide p2 O H -6.0",
        "compact_angular_wide p2a H O -6.0",
    ]
    angles = [f["angle_left"] for f in functions if f["type"] == "compact_weighted_angular_narrow"]
    assert angles == [0, 30]


@pytest.mark.parametrize("alpha", ["", " 0.0", " 0.4"])
@pytest.mark.parametrize("kind", range(1, 9))
def test_cutoff_types(tmp_path, kind, alpha):
    """The inner radius means nothing with the hyperbolic tangents."""
    text = replaced(INPUT, "cutoff_type 2", f"cutoff_type {kind}{alpha}")
    folder = write_folder(tmp_path / "nnp", text)
    check_against_reference(fs.Potential.read(folder), folder, cluster())


@pytest.mark.parametrize(
    "letters", ["t c l", "c e l", "c g l", "t h l", "S p l", "t S l", "t s l", "l t l", "t p"]
)
def test_activations(tmp_path, letters):
    text = replaced(INPUT, "short t p l", f"short {letters}")
    folder = write_folder(tmp_path / "nnp", text)
    check_against_reference(fs.Potential.read(folder), folder, cluster())


def test_weights_without_labels(tmp_path):
    """The one-column form that older versions wrote."""
    folder = write_folder(tmp_path / "nnp", labels=False)
    assert len((folder / "weights.008.data").read_text().splitlines()[1].split()) == 1
    labelled = write_folder(tmp_path / "labelled")
    assert meaning(fs.Potential.read(folder)) == meaning(fs.Potential.read(labelled))


def test_windows_line_ends(tmp_path, folder):
    expected = meaning(fs.Potential.read(folder))
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert meaning(fs.Potential.read(folder)) == expected


def test_nodes_of_single_elements(tmp_path):
    """The last number is passed over by n2p2 since 2.2; the weights tell what was meant."""
    for nodes in ("5 3", "5 6"):
        text = INPUT + f"element_nodes_short O {nodes}\n"
        folder = write_folder(tmp_path / nodes, text)
        potential = fs.Potential.read(folder)
        check_against_reference(potential, folder, cluster())
        assert meaning(potential)["model"]["hidden_layers"] == [[4, 3], [*map(int, nodes.split())]]
    text = INPUT + "element_nodes_short O 5 3\n"
    folder = write_folder(tmp_path / "as of 2.2", text)
    (folder / "input.nn").write_text(replaced(text, "O 5 3", "O 5 7"))
    assert meaning(fs.Potential.read(folder))["model"]["hidden_layers"] == [[4, 3], [5, 3]]
    # Before, the line gave one layer and its nodes.
    (folder / "input.nn").write_text(replaced(text, "O 5 3", "O 1 5"))
    assert meaning(fs.Potential.read(folder))["model"]["hidden_layers"] == [[4, 3], [5, 3]]


def test_layers_of_single_elements(tmp_path):
    text = INPUT + (
        "element_hidden_layers_short O 3\nelement_nodes_short O 3 2 5\n"
        "element_activation_short O t s g l\n"
    )
    model = meaning(fs.Potential.read(write_folder(tmp_path / "nnp", text)))["model"]
    assert model["hidden_layers"] == [[4, 3], [3, 2, 5]]
    assert model["activation"] == [["tanh", "softplus"], ["tanh", "logistic", "gaussian"]]


@pytest.mark.parametrize("kind", ["nnp_type 2G-HDNNP", "nnp_type 2", "nnp_gen 2", "nn_type 0"])
def test_short_range_networks(tmp_path, kind):
    text = replaced(INPUT, "epochs 10", kind)
    assert fs.Potential.read(write_folder(tmp_path / "nnp", text)).elements == ["H", "O"]


def test_other_name_of_symmetry_functions(tmp_path, folder):
    expected = meaning(fs.Potential.read(folder))
    path = folder / "input.nn"
    path.write_text(path.read_text().replace("symfunction_short", "symfunction"))
    assert meaning(fs.Potential.read(folder)) == expected


@pytest.mark.parametrize("normalization", ["", NORMALIZATION], ids=["", "normalized"])
def test_units(tmp_path, normalization):
    """A folder in angstrom and eV, one in nanometers and kJ/mol, and the defaults given."""
    folder = write_folder(tmp_path / "nnp", INPUT + normalization)
    check_against_reference(
        fs.Potential.read(folder, cflength=1.0, cfenergy=1.0), folder, cluster(), 1.0, 1.0
    )
    atoms = cluster()
    atoms.positions *= 10  # lengths in input.nn are now nanometers
    potential = fs.Potential.read(folder, cflength=0.1, cfenergy=96.485)
    assert potential.cutoff == pytest.approx(65.0)
    check_against_reference(potential, folder, atoms, 0.1, 96.485)
    given = fs.Potential.read(folder, cflength=1 / BOHR, cfenergy=1 / HARTREE)
    assert meaning(given) == meaning(fs.Potential.read(folder))


def test_elements_are_those_of_the_folder(folder):
    assert fs.Potential.read(folder, ["H", "O"]).elements == ["H", "O"]
    for other in (["O", "H"], ["H"], ["H", "O", "N"]):
        with pytest.raises(ValueError, match=r"input\.nn.*H, O, but .* were asked for\.$"):
            fs.Potential.read(folder, other)


# --- writing ---


FUNCTIONS = [
    {"type": 2, "center": "O", "neighbors": ["H"], "eta": 0.7, "rs": 0.0, "cutoff": 3.4},
    {"type": 2, "center": "O", "neighbors": ["H"], "eta": 0.3, "rs": 0.9},
    {"type": 13, "center": "O", "eta": 0.1, "rs": 0.4, "lambda": 1, "zeta": 2.5},
    {"type": 12, "center": "O", "eta": 0.2},
    {"type": 2, "center": "H", "neighbors": ["O"], "eta": 0.4},
    {"type": 9, "center": "H", "neighbors": ["O", "H"], "eta": 0.1, "lambda": -1, "zeta": 4},
    {"type": 9, "center": "H", "neighbors": ["H", "H"], "eta": 0.1, "lambda": -1, "zeta": 4},
    {
        **{"type": 3, "center": "H", "neighbors": ["O", "H"], "eta": 0.1, "rs": 0.6},
        **{"lambda": 1, "zeta": 2},
    },
]
DESCRIPTOR = {
    **{"type": "symmetry_functions", "cutoff": 3.1, "cutoff_function": "poly2"},
    **{"cutoff_alpha": 0.2, "functions": FUNCTIONS},
}
MODEL = {
    **{"type": "neural_network", "hidden_layers": [4, 3], "activation": ["tanh", "softplus"]},
    **{"energy_offsets": [-2000.0, 0.0], "seed": 4},
}
STANDARDISED = {
    "input_shift": [[0.3, 0.2, 30.0, 5.0], [0.1, 0.2, 0.1, 0.2]],
    "input_factor": [[2.0, 1.5, 0.01, 0.1], [0.9, -1.0, 3.0, 1.7]],
}


def make(model: dict | None = None, descriptor: dict | None = None, **rest) -> fs.Potential:
    """A potential of O and H, in this order, which is not n2p2's."""
    document = {
        **{"format": "forcesmith potential", "version": 1, "elements": ["O", "H"]},
        "descriptors": [{**DESCRIPTOR, **(descriptor or {})}],
        "model": {**MODEL, **(model or {})},
        **rest,
    }
    return fs.Potential.from_json(json.dumps(document), trained=False)


ROUND_TRIPS = {
    "plain": {},
    "standardised": STANDARDISED,
    "a value without effect": {
        **STANDARDISED,
        "input_factor": [[2.0, 0.0, 0.01, 0.1], [0.9, -1.0, 3.0, 0.0]],
    },
    "ranges": {
        **STANDARDISED,
        "input_min": [[0.0, 0.1, 10.0, 0.1], [0.0] * 4],
        "input_max": [[1.0, 1.1, 90.0, 1.2], [2.0] * 4],
    },
    "different sizes": {"hidden_layers": [[4, 5], [6, 2]]},
    "different sizes and activations that are not 0 at 0": {
        **STANDARDISED,
        **{"hidden_layers": [[3, 5], [6, 2]], "activation": ["cosine", "logistic"]},
    },
    "one layer": {"hidden_layers": [5], "activation": "square"},
    "more activations": {
        "hidden_layers": [2, 3, 4, 2],
        "activation": ["identity", "gaussian", "exponential", "tanh"],
    },
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trip(tmp_path, name):
    """The folder means the same to us and, by the slow evaluation, to n2p2."""
    potential = make(ROUND_TRIPS[name])
    potential.write(tmp_path / "input.nn")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("input.nn", "scaling.data", "weights.001.data", "weights.008.data")
    ]
    again = fs.Potential.read(tmp_path)
    assert again.elements == ["H", "O"]
    atoms = cluster()
    one, other = potential.evaluate(atoms), again.evaluate(atoms)
    np.testing.assert_allclose(other.energies, one.energies, rtol=0, atol=1e-12 * 2000)
    largest = np.abs(one.forces).max()
    np.testing.assert_allclose(other.forces, one.forces, rtol=0, atol=1e-12 * largest)
    check_against_reference(potential, tmp_path, atoms)


def test_writing_into_a_folder(tmp_path):
    potential = make()
    for name in ("nnp", "a.folder"):
        (tmp_path / name).mkdir()
        for _ in range(2):  # what is there is replaced
            potential.write(tmp_path / name)
            assert len(list((tmp_path / name).iterdir())) == 4
        assert fs.Potential.read(tmp_path / name).elements == ["H", "O"]
    (tmp_path / "b.json").mkdir()
    with pytest.raises(ValueError, match='Cannot write the potential file ".*json"'):
        potential.write(tmp_path / "b.json")
    with pytest.raises(ValueError, match="does not tell the format"):
        potential.write(tmp_path / "missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.folder", "b.json", "nnp"]


def test_ranges_survive(tmp_path):
    make(ROUND_TRIPS["ranges"]).write(tmp_path / "input.nn")
    model = meaning(fs.Potential.read(tmp_path))["model"]
    assert model["input_min"][0] == [0.0] * 4 and sorted(model["input_min"][1]) == [0, 0.1, 0.1, 10]
    assert sorted(model["input_max"][1]) == [1.0, 1.1, 1.2, 90.0]


def test_nothing_is_scaled_without_need(tmp_path):
    make().write(tmp_path / "input.nn")
    assert "scale" not in (tmp_path / "input.nn").read_text()


@pytest.mark.parametrize("name", ["generated", "compact", "cutoff function"])
def test_other_descriptors(tmp_path, name):
    """Generated functions; cutoff functions without an inner radius."""
    descriptor = {
        "generated": {"functions": None, "radial": 3, "angular": 2},
        "compact": {
            **{"functions": None, "cutoff_function": None, "cutoff_alpha": None},
            **{"generated": "compact_narrow", "radial": 4, "angular": 2},
        },
        "cutoff function": {"cutoff_function": "tanhu", "cutoff_alpha": 0.0},
    }[name]
    potential = make(descriptor=descriptor)
    potential.write(tmp_path / "input.nn")
    check_against_reference(potential, tmp_path, cluster())


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"model": {"activation": ["tanh", "silu"]}}, "n2p2 has no activation silu"),
        ({"model": {"activation": [["tanh"] * 2, ["tanh", "cosine"]]}}, "the same activations for"),
        (
            {"model": {"hidden_layers": [[4, 3], [4]], "activation": "tanh"}},
            "the same number of hidden layers",
        ),
        ({"model": {"hidden_layers": [], "activation": []}}, "n2p2 wants a hidden layer"),
        (
            {"version": 2, "terms": [{"type": "zbl", "inner": 0.5, "outer": 1.0}]},
            'no place for its term "zbl", only for .* and no terms;',
        ),
        (
            {"descriptors": [DESCRIPTOR, DESCRIPTOR]},
            "for more than one descriptor, only for one symmetry_functions descriptor",
        ),
        (
            {"descriptors": [{"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0}]},
            'no place for its descriptor "bispectrum", only for one symm',
        ),
        (
            {"model": {"type": "linear"}},
            'no place for its model "linear", .* with a neural_network model',
        ),
    ],
)
def test_what_cannot_be_written(tmp_path, change, part):
    if change.get("model", {}).get("type") == "linear":
        document = json.loads(make().to_json())
        document["model"] = {"type": "linear"}
        potential = fs.Potential.from_json(json.dumps(document), trained=False)
    else:
        potential = make(**change)
    with pytest.raises(ValueError, match=rf"cannot be written (to|as the n2p2 file) .*{part}.*\.$"):
        potential.write(tmp_path / "input.nn")
    assert not list(tmp_path.iterdir())


def test_elements_that_are_none(tmp_path):
    text = make().to_json().replace('"O"', '"Ox"').replace("weighted_radial", "radial")
    document = json.loads(text)
    functions = [f for f in document["descriptors"][0]["functions"] if "neighbors" in f]
    document["descriptors"][0]["functions"] = functions
    document["model"] = {"type": "neural_network", "hidden_layers": [3]}
    potential = fs.Potential.from_json(json.dumps(document), trained=False)
    with pytest.raises(ValueError, match=r'chemical elements, and "Ox" is none\.$'):
        potential.write(tmp_path / "input.nn")


@pytest.mark.parametrize("name", ["o.nn", "input.data.nn"])
def test_name_of_the_file(tmp_path, name):
    with pytest.raises(ValueError, match=rf"{name}.*wants it to be called input\.nn"):
        make().write(tmp_path / name)


def test_numbers_that_are_not_finite_are_not_written(tmp_path):
    """And the files that were there stay."""
    potential = make()
    potential.write(tmp_path / "input.nn")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    for value in (np.nan, np.inf):
        parameters = potential._core.model_parameters
        parameters[7] = value
        potential._core.model_parameters = parameters
        with pytest.raises(ValueError, match=r"not written to .*input\.nn.*not finite\.$"):
            potential.write(tmp_path / "input.nn")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


# --- RuNNer ---


def test_functions_of_all_neighbors_and_of_all_elements(tmp_path):
    """RuNNer's lines stand for several of symfunction_short, with each pair of elements once."""
    head = INPUT[: INPUT.index("symfunction_short")] + "use_electrostatics 0\nnn_type_short 1\n"
    short = """\
global_symfunction_short 2 0.1 0.5 6.0
element_symfunction_short O 3 0.02 -1.0 2.0 6.0
element_symfunction_short H 2 0.3 0.0 6.5
global_symfunction_short 9 0.02 1.0 4.0 5.5
symfunction_short H 2 H 0.7 0.0 6.5
"""
    pairs = ("H H", "H O", "O O")
    lines = [f"{center} 2 {neighbor} 0.1 0.5 6.0" for center in "HO" for neighbor in "HO"]
    lines += [f"O 3 {pair} 0.02 -1.0 2.0 6.0" for pair in pairs]
    lines += [f"H 2 {neighbor} 0.3 0.0 6.5" for neighbor in "HO"]
    lines += [f"{center} 9 {pair} 0.02 1.0 4.0 5.5" for center in "HO" for pair in pairs]
    lines += ["H 2 H 0.7 0.0 6.5"]
    folder = write_folder(
        tmp_path / "nnp", head + "".join(f"symfunction_short {line}\n" for line in lines)
    )
    expected = fs.Potential.read(folder)
    check_against_reference(expected, folder, cluster())
    (folder / "input.nn").write_text(head + short)
    assert meaning(fs.Potential.read(folder)) == meaning(expected)


def test_inner_radius_of_the_cutoff_functions(tmp_path):
    text = replaced(INPUT, "cutoff_type 2", "cutoff_type 1 0.3")
    folder = write_folder(tmp_path / "nnp", text)
    expected = meaning(fs.Potential.read(folder))
    (folder / "input.nn").write_text(replaced(text, "type 1 0.3", "type 1\ncutoff_alpha 0.3"))
    assert meaning(fs.Potential.read(folder)) == expected


def test_functions_of_runner_that_were_refused_once(shared_cases, tmp_path):
    case = shared_cases / "runner_global_functions"
    for name in ("scaling.data", "weights.029.data"):
        shutil.copy(case / name, tmp_path)
    text = (case / "input.nn").read_text()
    line = "global_symfunction_short 2 0.05 0.0 10.0"
    text = replaced(text, line, "symfunction_short Cu 2 Cu 0.05 0.0 10.0")
    (tmp_path / "input.nn").write_text(text)
    assert meaning(fs.Potential.read(case)) == meaning(fs.Potential.read(tmp_path))


# --- what is wrong ---


def refuse(folder: Path, part: str, **options) -> None:
    with pytest.raises(ValueError, match=part) as error:
        fs.Potential.read(folder, **options)
    assert str(error.value).endswith(".") and not str(error.value).endswith("..")


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("number_of_elements 2", "", "has no number_of_elements, which is required"),
        ("number_of_elements 2", "number_of_elements", "line 3: .* needs 1 value.s., found 0"),
        ("number_of_elements 2", "number_of_elements 3", "is 3, but elements names 2: O, H"),
        ("number_of_elements 2", "number_of_elements two", 'expected a number .* found "two"'),
        ("elements O H", "elements O Hx", 'line 4: "Hx" is no chemical element'),
        ("elements O H", "elements O O", "names O twice"),
        ("elements O H ", "elements O H\nelements O H", "elements is there a second time"),
        ("atom_energy H", "atom_energy He", 'line 6: "He" is not one of the elements .H, O.'),
        ("atom_energy H", "atom_energy O", "line 6: atom_energy of O is there twice"),
        ("atom_energy H -0.45", "atom_energy H", "needs 2 value.s., found 1"),
        ("atom_energy H -0.45", "atom_energy H nan", 'a number for atom_energy, found "nan"'),
        ("cutoff_type 2", "", "has no cutoff_type"),
        ("cutoff_type 2", "cutoff_type 0", "line 7: cutoff_type 0 .* a hard cutoff"),
        ("cutoff_type 2", "cutoff_type 9", "cutoff_type 9 is not supported"),
        ("cutoff_type 2", "cutoff_type 1 1.0", "at least 0 and below 1, not 1.0"),
        ("scale_max_short 1.5", "scale_max_short -1", "must be larger than scale_min_short"),
        ("global_hidden_layers_short 2", "global_hidden_layers_short 0", "must be 1 to 4096"),
        ("global_hidden_layers_short 2", "global_hidden_layers_short 1.5", "must be an integer"),
        ("global_nodes_short 4 3", "global_nodes_short 4", "each of the 2 hidden layers, found 1"),
        ("global_nodes_short 4 3", "global_nodes_short 4 0", "must be 1 to 4096, not 0"),
        ("global_nodes_short 4 3", "", "has no global_nodes_short"),
        ("short t p l", "short t p l l", "each of the 2 hidden layers and for the output, found 4"),
        ("short t p l", "short t p t", "the output must be l .linear., not t"),
        ("short t p l", "short t r l", "the activation r .rectifier. is not supported"),
        ("short t p l", "short t x l", 'There is no activation "x"; did you mean'),
        ("epochs 10", "nnp_type 4G-HDNNP", "line 14: nnp_type is 4G-HDNNP, but only short-range"),
        ("epochs 10", "use_electrostatics", "line 14: this potential has electrostatics .use_elec"),
        ("epochs 10", "electrostatic_type 1", "this potential has electrostatics .electrostatic_t"),
        ("epochs 10", "use_vdw", "line 14: this potential has a dispersion term"),
        ("epochs 10", "nn_type_short 2", "line 14: nn_type_short is 2, .* not those of pairs"),
        ("epochs 10", "cutoff_alpha 0.3", "cutoff_alpha is supported for all cutoff types but 2"),
        ("epochs 10", "global_symfunction_short 12 0.1 0 6", "of type 12 for all neighbors"),
        ("epochs 10", "global_symfunction_short 2 0.1 0", "of type 2 needs"),
        ("epochs 10", "element_symfunction_short N 2 0.1 0 6", '"N" is not one of the elements'),
        ("epochs 10", "conv_length 2", "has no conv_energy: .* belong together"),
        ("epochs 10", "mean_energy 0\nconv_energy 0\nconv_length 1", "must be positive"),
        ("epochs 10", "element_nodes_short O 5 6 7", "the 2 hidden layers of O, found 3"),
        ("epochs 10", "element_hidden_layers_short O 3", "other hidden layers .* but no element_n"),
        (
            "epochs 10",
            "element_hidden_layers_short O 3\nelement_nodes_short O 5 6 7",
            "no element_activation_short",
        ),
        ("O 2 H 0.2 1.5 6.0", "O 2 H 0.2 1.5", "line 18: .* of type 2 needs: element, type, neigh"),
        ("O 2 H 0.2 1.5 6.0", "O 2 H 0.2 1.5 6.0 1", "of type 2 needs"),
        ("O 2 H 0.2 1.5 6.0", "O", "symfunction_short needs 2 value.s., found 1"),
        ("O 2 H 0.2 1.5 6.0", "O 4 H 0.2 1.5 6.0", "of type 4 are not supported, only 2, 3, 9"),
        ("O 2 H 0.2 1.5 6.0", "O 2 N 0.2 1.5 6.0", '"N" is not one of the elements'),
        ("O 2 H 0.2 1.5 6.0", "O 2 H 0.2 1.5 x", 'a number for the cutoff, found "x"'),
        ("O 2 H 0.2 1.5 6.0", "O 2 H -0.2 1.5 6.0", ".* eta must not be"),
        ("O 2 H 0.2 1.5 6.0", "O 2 H 0.2 1.5 0.0", "the cutoff must be positive"),
        ("O 3 O H 0.02 -1.0", "O 3 O H 0.02 -0.5", "lambda must be 1 or -1"),
        ("O 3 O H 0.02", "O 3 O 0.02", "line 21: a symmetry function of type 3 needs: element, t"),
        ("O 3 O H 0.02", "O 3 O 0.02 0.02", '"0.02" is not one of the elements'),
        ("H 12 0.1 0.5 6.5", "H 12 0.1 0.5", "of type 12 needs: element, type, eta rs cutoff"),
        ("H 13 0.02 0.3 1.0 2.0 6.5", "H 13 0.02 0.3 1.0 2.0", "13 needs: .* eta rs lambda zeta"),
    ],
)
def test_wrong_input(folder, old, new, part):
    (folder / "input.nn").write_text(replaced(INPUT, old, new))
    refuse(folder, rf'n2p2 file ".*input\.nn".*{part}|{part}.*n2p2 file ".*input\.nn"')


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("O 20 H 1.0 6.0", "20 needs: element, type, neighbor rl cutoff subtype"),
        ("O 20 H 1.0 6.0 p2 1", "20 needs: element, type, neighbor rl cutoff subtype"),
        ("O 20 1.0 6.0 p2", "20 needs: element, type, neighbor rl cutoff subtype"),
        ("O 20 N 1.0 6.0 p2", '"N" is not one of the elements'),
        ("O 20 H x 6.0 p2", 'a number for rl, found "x"'),
        ("O 20 H 1.0 p2 6.0", 'a number for the cutoff, found "p2"'),
        ("O 20 H 1.0 6.0 p5", 'no subtype of compact functions "p5"'),
        ("O 20 H 1.0 6.0 2.0", 'no subtype of compact functions "2.0"'),
        ("O 20 H 6.0 6.0 p2", "rl must be less than the cutoff"),
        ("O 20 H 7.0 6.0 p2", "rl must be less than the cutoff"),
        ("O 20 H -1.0 0.0 p2", "the cutoff must be positive"),
        ("O 21 H 1.0 6.0 0 180 p2", "21 needs: element, type, neighbor neighbor rl cutoff left"),
        ("O 21 H 1.0 1.0 6.0 0 180 p2", '"1.0" is not one of the elements'),
        ("O 21 H H 1.0 6.0 0 p2", "21 needs: element, type, neighbor neighbor rl cutoff left"),
        ("O 22 H H 1.0 6.0 180 90 p2", "angle_left must be less than angle_right"),
        ("O 22 H H 1.0 6.0 90 90 p2", "angle_left must be less than angle_right"),
        ("O 22 H H 1.0 6.0 -10 90 p2", "symmetrically around 0 or around 180"),
        ("O 22 H H 1.0 6.0 90 x p2", 'a number for angle_right, found "x"'),
        ("H 23 H 1.0 6.0 p2", "23 needs: element, type, rl cutoff subtype"),
        ("H 24 1.0 6.0 0 p2", "24 needs: element, type, rl cutoff left right subtype"),
        ("H 25 1.0 6.0 0 200 p2", "symmetrically around 0 or around 180"),
        ("H 26 1.0 6.0 0 200 p2", "type 26 are not supported, only 2, 3, 9, 12, 13 and 20 to 25"),
    ],
)
def test_wrong_compact_functions(folder, line, part):
    """One sentence with the line, the last of the file."""
    text = INPUT + f"symfunction_short {line}\n"
    (folder / "input.nn").write_text(text)
    with pytest.raises(ValueError, match=part) as error:
        fs.Potential.read(folder)
    message = str(error.value)
    assert f"line {text.count(chr(10))}" in message and str(folder / "input.nn") in message
    assert message.endswith(".") and "\n" not in message
    assert len(message.replace(str(folder), "")) < 300


def test_element_without_functions(folder):
    lines = [line for line in INPUT.splitlines() if not line.startswith("symfunction_short H")]
    (folder / "input.nn").write_text("\n".join(lines))
    refuse(folder, r"input\.nn.* has no symfunction_short for H\.$")


@pytest.mark.parametrize("name", ["scaling.data", "weights.001.data", "weights.008.data"])
def test_missing_files(folder, name):
    (folder / name).unlink()
    refuse(folder, rf'Cannot read ".*{name}", which belongs to ".*input\.nn"')
    (folder / name).touch()
    refuse(folder, rf'Cannot read ".*{name}"')


def test_folder_without_input(tmp_path):
    refuse(tmp_path, r'The folder ".*" is no potential: there is no file input\.nn in it')
    refuse(tmp_path / "input.nn", "Cannot read the potential file")


@pytest.mark.parametrize(
    ("line", "new", "part"),
    [
        (-1, None, "line 15: the file ends where symmetry function 7 of O was expected"),
        (3, None, 'line 4: expected "1 3", symmetry function 3 of H, found "1 4"'),
        (3, "1 3 0.1", "line 4: expected indices .* found 3 word"),
        (3, "1 3 0.1 x 0.1 0.1", 'a number for the maximum, found "x"'),
        (3, "1 3 0.1 0.1 0.1 0.1", "symmetry function 3 of H was the same for all atoms"),
        (3, "1 x 0.1 0.1 0.1 0.1", 'a number for the index of the function, found "x"'),
        (-1, "2 7 0 1 2 3\n2 8 0 1 2 3", "line 16: there is more than the symmetry functions"),
    ],
)
def test_wrong_scaling_data(folder, line, new, part):
    lines = (folder / "scaling.data").read_text().splitlines()
    lines[line : line + 1 or None] = [new] if new else []
    (folder / "scaling.data").write_text("\n".join(lines) + "\n")
    refuse(folder, rf'n2p2 file ".*scaling\.data".*{part}')


def test_no_sigma_to_scale_with(tmp_path):
    text = replaced(INPUT, "scale_symmetry_functions\n", "scale_symmetry_functions_sigma\n")
    folder = write_folder(tmp_path / "nnp", text, sigma=False)
    refuse(folder, r"line 2: the standard deviation of symmetry function 1 of H is missing")


@pytest.mark.parametrize(
    ("line", "new", "part"),
    [
        (-1, None, r"holds 50 weights .* asks for 51 .a network 7-4-3-1 for O.; the two files"),
        (-1, "1.0\n1.0", "holds 52 weights and biases"),
        (3, "x a 3 0 1 1 3", 'line 4: expected a number for a weight or bias, found "x"'),
        (3, "1.0 a 3 0 1 1 4", 'line 4: after the value, .* "a 3 0 1 1 3" was expected'),
        (3, "1.0 b 3 0 1 1 3", 'line 4: after the value, .* "a 3 0 1 1 3" was expected'),
    ],
)
def test_wrong_weights(folder, line, new, part):
    path = folder / "weights.008.data"
    lines = path.read_text().splitlines()
    lines[line : line + 1 or None] = [new] if new else []
    path.write_text("\n".join(lines) + "\n")
    refuse(folder, rf'n2p2 file ".*weights\.008\.data".*{part}')


@pytest.mark.parametrize("name", ["input.nn", "scaling.data", "weights.008.data"])
def test_files_cut_off_anywhere(folder, name):
    """Numbers cut short and keys that may be absent cannot be noticed, anything else is."""
    path = folder / name
    text = path.read_text()
    meant = meaning(fs.Potential.read(folder))
    survivors = 0
    for position in range(0, len(text) - 1, 11):
        path.write_text(text[:position])
        try:
            other = meaning(fs.Potential.read(folder))
        except ValueError as error:
            assert str(error).endswith(".") and str(folder) in str(error)
        else:
            survivors += 1
            assert other["elements"] == meant["elements"]
    assert survivors <= 2


def test_damaged_files(folder):
    """Whatever is in them, they are refused with a sentence or are a potential."""
    rng = random.Random(1)
    originals = {path: path.read_text() for path in sorted(folder.iterdir())}
    for _ in range(300):
        path, text = rng.choice(list(originals.items()))
        at = rng.randrange(len(text))
        damage = rng.choice(["", "-", "9", "e", " ", "\n", "nan", "x", "#", "1e300", "\x00é"])
        path.write_text(text[:at] + damage + text[at + rng.randrange(3) :])
        try:
            fs.Potential.read(folder).evaluate(cluster())
        except ValueError as error:
            assert str(error).endswith("."), error
        path.write_text(text)


@pytest.mark.parametrize("name", ["cflength", "cfenergy"])
def test_wrong_units(folder, tmp_path, name):
    for value in (0.0, -1.0, np.nan, np.inf):
        refuse(folder, f"{name} must be positive, not", **{name: value})
    fs.Potential.read(folder).write(tmp_path / "a.json")
    path = tmp_path / "a.json"
    refuse(path, rf"{name} was given for .*a\.json.* forcesmith are known", **{name: 1.0})


# --- command line ---


def run(monkeypatch, capsys, *arguments) -> str:
    monkeypatch.setattr(sys, "argv", ["forcesmith", *map(str, arguments)])
    try:
        app.main()
    except SystemExit as stop:
        assert stop.code in (0, None), capsys.readouterr().err
    return capsys.readouterr().err


def test_convert(folder, tmp_path, monkeypatch, capsys):
    json_file, other = tmp_path / "a.json", tmp_path / "other"
    other.mkdir()
    assert "H, O, cutoff 3.43965" in run(monkeypatch, capsys, "convert", folder, json_file)
    assert meaning(fs.Potential.read(json_file)) == meaning(fs.Potential.read(folder))
    run(monkeypatch, capsys, "convert", json_file, other / "input.nn")
    check_against_reference(fs.Potential.read(json_file), other, cluster())
    units = ("--cflength", "1", "--cfenergy", "1")
    assert "cutoff 6.5" in run(monkeypatch, capsys, "convert", folder, json_file, *units)
    assert fs.Potential.read(json_file).n2p2_units == (1.0, 1.0)  # those of its data
    assert fs.Potential.read(folder).n2p2_units == pytest.approx((1 / BOHR, 1 / HARTREE))
    shutil.rmtree(other)
