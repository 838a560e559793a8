"""Reading FitSNAP's .json files: values, units, signs, folders as groups, and error messages."""

import json

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from forcesmith.data.checks import check_configurations
from forcesmith.data.formats.fitsnap_json import read_fitsnap, read_fitsnap_folder
from forcesmith.data.labels import group_of, labels_of
from forcesmith.data.reading import read

# 1 eV/angstrom^3 in bar and in kB, from the elementary charge 1.602176634e-19 C
BAR = 1.602176634e6
KILOBAR = 1.602176634e3

STYLES = {
    "AtomTypeStyle": "chemicalsymbol",
    "EnergyStyle": "electronvolt",
    "ForcesStyle": "electronvoltperangstrom",
    "LatticeStyle": "angstrom",
    "PositionsStyle": "angstrom",
    "StressStyle": "bar",
}


def lennard_jones(atoms):
    atoms = atoms.copy()
    atoms.calc = LennardJones(sigma=2.3, epsilon=0.4, ro=3.5, rc=4.5, smooth=True)
    return atoms


def pressure_tensor(atoms, step=1e-4):
    """-1/V dE/d(strain) in eV/angstrom^3, LAMMPS' pressure tensor, by central differences."""
    pressure = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * step
            strained = lennard_jones(atoms)
            strained.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            energies.append(strained.get_potential_energy())
        pressure[i, j] = -(energies[0] - energies[1]) / (2 * step * atoms.get_volume())
    return (pressure + pressure.T) / 2


def entry_of(atoms, unit=BAR):
    """What FitSNAP's file says of one configuration."""
    atoms = lennard_jones(atoms)
    return {
        "Positions": atoms.positions.tolist(),
        "Energy": atoms.get_potential_energy(),
        "AtomTypes": atoms.get_chemical_symbols(),
        "Lattice": atoms.cell.array.tolist(),
        "NumAtoms": len(atoms),
        "Forces": atoms.get_forces().tolist(),
        "Stress": (unit * pressure_tensor(atoms)).tolist(),
    }


def document(*entries, **styles):
    return {"Dataset": {"Data": list(entries), "Label": "made here", **STYLES, **styles}}


def write(path, tree, comment="# A test JSON file for QM data\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(comment + json.dumps(tree))
    return path


@pytest.fixture(scope="module")
def crystal():
    """Compressed, sheared and rattled: no component of the stress is zero, no cell symmetric."""
    atoms = bulk("Cu", "fcc", a=3.45, cubic=True)
    shear = np.eye(3) + [[0.0, 0.0, 0.0], [0.04, 0.01, 0.0], [-0.03, 0.05, -0.02]]
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    atoms.rattle(0.05, seed=4)
    return atoms


@pytest.fixture(scope="module")
def entry(crystal):
    return entry_of(crystal)


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("style", "unit"), [("bar", BAR), ("kB", KILOBAR)])
def test_values_and_signs(tmp_path, crystal, style, unit):
    """The stress comes back as ASE's, from derivatives of the energy alone."""
    path = write(tmp_path / "a.json", document(entry_of(crystal, unit), StressStyle=style))
    [atoms] = fs.read(path)
    assert atoms.get_chemical_symbols() == ["Cu"] * 4
    assert atoms.pbc.all()
    np.testing.assert_array_equal(atoms.positions, crystal.positions)
    np.testing.assert_array_equal(atoms.cell.array, crystal.cell.array)
    expected = lennard_jones(crystal)
    assert atoms.get_potential_energy() == expected.get_potential_energy()
    np.testing.assert_array_equal(atoms.get_forces(), expected.get_forces())
    assert np.abs(expected.get_stress()).min() > 1e-3
    np.testing.assert_allclose(atoms.get_stress(), expected.get_stress(), rtol=1e-5)
    check_configurations([atoms], ["Cu"], "train", forces_required=True)


@pytest.mark.parametrize(("a", "sign"), [(3.3, 1), (3.9, -1)])
def test_compressed_crystal_has_positive_pressure_and_negative_stress(tmp_path, a, sign):
    entry = entry_of(bulk("Cu", "fcc", a=a, cubic=True))
    assert sign * np.trace(entry["Stress"]) > 1e5
    [atoms] = read(write(tmp_path / "a.json", document(entry)))
    assert sign * atoms.get_stress()[:3].sum() < -0.1


def test_lattice_rows_are_vectors(tmp_path, crystal, entry):
    """Neighbours across the boundary are where they were, so the energy is."""
    [atoms] = read(write(tmp_path / "a.json", document(entry)))
    assert np.abs(atoms.cell.array - atoms.cell.array.T).max() > 0.1
    assert lennard_jones(atoms).get_potential_energy() == pytest.approx(entry["Energy"], abs=1e-12)


def test_forces_and_stress_may_be_absent(tmp_path, entry):
    bare = {key: value for key, value in entry.items() if key not in ("Forces", "Stress")}
    bare["Energy"] = -3  # a whole number is a number
    for missing in (bare, {**bare, "Forces": None, "Stress": None}):
        labels = labels_of(read(write(tmp_path / "a.json", document(missing)))[0])
        assert labels.forces is None and labels.stress is None
        assert labels.energy == -3.0


def test_styles_not_named_are_those_of_fitsnap(tmp_path, crystal, entry):
    [atoms] = read(write(tmp_path / "a.json", {"Dataset": {"Data": [entry]}}))
    expected = lennard_jones(crystal).get_stress()
    np.testing.assert_allclose(atoms.get_stress(), expected, rtol=1e-5)


def test_several_configurations_and_slices(tmp_path, entry):
    entries = [{**entry, "Energy": float(n)} for n in range(4)]
    path = write(tmp_path / "a.json", document(*entries))
    assert [a.get_potential_energy() for a in read(path)] == [0, 1, 2, 3]
    assert [a.get_potential_energy() for a in read(f"{path}@1:3")] == [1, 2]
    assert read(path, -1)[0].info["read_from"] == f"{path}, configuration 3"
    with pytest.raises(ValueError, match="configuration 4 was asked for, but the file has 4"):
        read(path, 4)


@pytest.mark.parametrize("comment", ["", "# one\n", "# one\n\n# two {\n", "#\r\n"])
def test_comments_before_the_data(tmp_path, entry, comment):
    assert len(read(write(tmp_path / "a.json", document(entry), comment))) == 1


def test_not_finite_is_noticed(tmp_path, entry):
    path = write(tmp_path / "a.json", document({**entry, "Energy": float("nan")}))
    with pytest.raises(ValueError, match=r"a.json, configuration 0\): energy contains NaN"):
        check_configurations(read(path), ["Cu"], "train")


def test_json_of_ase_is_left_to_ase(tmp_path):
    path = tmp_path / "ase.json"
    ase.io.write(path, Atoms("H", info={"Dataset": "Data"}))
    assert read_fitsnap(path) is None
    assert read(path)[0].get_chemical_symbols() == ["H"]
    for text in ('{"Dataset": {"Label": 1}}', '{"a": "Dataset"}', '["Dataset"]', "{}", "nothing"):
        path.write_text(text)
        assert read_fitsnap(path) is None
        with pytest.raises(ValueError, match=r"ase.json: (ASE cannot read|the file format)"):
            read(path)
    path.write_bytes(b"\xff\xfe")
    assert read_fitsnap(path) is None


# --- folders -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, entry):
    """FitSNAP's layout: a folder for every group; energies count in the order of the names."""
    names = ["BCC/BCC_1.json", "BCC/BCC_2.json", "FCC/deep/FCC_1.json", "FCC/x.JSON", "top.json"]
    for number, name in enumerate(names):
        write(tmp_path / "JSON" / name, document({**entry, "Energy": float(number)}))
    # what lies beside them
    write(tmp_path / "JSON/BCC/.ipynb_checkpoints/BCC_1-checkpoint.json", document(entry))
    write(tmp_path / "JSON/BCC/other.json", {"format": "forcesmith"}, comment="")
    (tmp_path / "JSON/FCC/notes.txt").write_text("notes")
    (tmp_path / "JSON/FCC/empty.json").mkdir()
    return tmp_path / "JSON"


def test_folder(folder):
    configurations = fs.read(folder)
    assert [a.get_potential_energy() for a in configurations] == [0, 1, 2, 3, 4]
    assert [group_of(a) for a in configurations] == ["BCC", "BCC", "deep", "FCC", "JSON"]
    assert configurations[1].info["read_from"] == f"{folder / 'BCC/BCC_2.json'}, configuration 0"


def test_folder_slices(folder):
    """A slice counts the configurations of the folder, not those of every file."""
    assert [a.get_potential_energy() for a in read(f"{folder}@1::2")] == [1, 3]
    assert [a.get_potential_energy() for a in read([folder / "BCC", folder], 0)] == [0, 0]
    with pytest.raises(ValueError, match="configuration 9 was asked for, but the folder has 5"):
        read(folder, 9)


def test_group_of_a_single_file(folder, monkeypatch):
    assert group_of(read(folder / "BCC" / "BCC_1.json")[0]) == "BCC"
    monkeypatch.chdir(folder / "FCC" / "deep")
    assert group_of(read("FCC_1.json")[0]) == "deep"
    assert group_of(read("../x.JSON")[0]) == "FCC"
    assert [group_of(a) for a in read(".")] == ["deep"]


def test_folder_without_fitsnap_files(tmp_path):
    write(tmp_path / "other.json", {"a": 1})
    for function in (read, read_fitsnap_folder):
        with pytest.raises(OSError, match=r"expected a file, found a folder .*FitSNAP .json file"):
            function(tmp_path)


def test_folder_names_the_damaged_file(folder):
    path = folder / "FCC/deep/FCC_1.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(ValueError, match=r"FCC/deep/FCC_1.json: this FitSNAP file is not valid"):
        read(folder)


def test_folder_of_empty_data_sets(tmp_path):
    write(tmp_path / "a.json", document())
    assert read(tmp_path) == []


# --- errors --------------------------------------------------------------------------------------


def refuse(path, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    text = str(caught.value)
    assert path.name in text and text.endswith(".") and "\n" not in text


@pytest.mark.parametrize("key", STYLES)
@pytest.mark.parametrize("style", ["furlong", 1, None])
def test_unknown_style(tmp_path, entry, key, style):
    message = f'a.json: "{key}" is {json.dumps(style)}, which is not known; convert .* to "'
    refuse(write(tmp_path / "a.json", document(entry, **{key: style})), message)


def test_unknown_style_names_the_known_ones(tmp_path, entry):
    path = write(tmp_path / "a.json", document(entry, StressStyle="GPa"))
    refuse(path, '"StressStyle" is "GPa", .*"bar" or "kB"')


@pytest.mark.parametrize("key", ["Positions", "Energy", "AtomTypes", "Lattice"])
def test_missing_key(tmp_path, entry, key):
    short = {name: value for name, value in entry.items() if name != key}
    message = f'a.json, configuration 1: the key "{key}" is missing; add it or remove'
    refuse(write(tmp_path / "a.json", document(entry, short)), message)
    refuse(write(tmp_path / "a.json", document(entry, {**short, key: None})), message)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("NumAtoms", 5, '"NumAtoms" is 5, but "AtomTypes" names 4 atoms'),
        ("NumAtoms", "4", '"NumAtoms" is "4", but "AtomTypes" names 4 atoms'),
        ("AtomTypes", ["Cu"], '"NumAtoms" is 4, but "AtomTypes" names 1 atoms'),
        ("AtomTypes", "Cu", '"AtomTypes" must be a list of chemical symbols, found text'),
        ("AtomTypes", ["Cu", "Cu", "cu", "Cu"], '"AtomTypes" has "cu" for atom 2'),
        ("AtomTypes", ["Cu", 29, "Cu", "Cu"], '"AtomTypes" has 29 for atom 1'),
        ("AtomTypes", ["X"] * 4, '"AtomTypes" has "X" for atom 0'),
        ("Positions", [[0, 0, 0]], '"Positions" must be 4 x 3 numbers, found 1 x 3'),
        ("Positions", [[0, 0, 0], [1]], '"Positions" must be 4 x 3 numbers, found something else'),
        ("Forces", [[0, 0]] * 4, '"Forces" must be 4 x 3 numbers, found 4 x 2'),
        ("Forces", [], '"Forces" must be 4 x 3 numbers, found 0'),
        ("Forces", {"x": 1}, '"Forces" must be 4 x 3 numbers, found something else'),
        ("Forces", [["a", 0, 0]] * 4, '"Forces" must be 4 x 3 numbers, found something else'),
        ("Lattice", [3, 3, 3], '"Lattice" must be 3 x 3 numbers, found 3'),
        ("Stress", [1, 2, 3, 4, 5, 6], '"Stress" must be 3 x 3 numbers, found 6'),
        ("Stress", 0.0, '"Stress" must be 3 x 3 numbers, found a number'),
        ("Energy", [1.0], '"Energy" must be a number, found 1'),
        ("Energy", "low", '"Energy" must be a number, found something else'),
        ("Energy", 10**400, '"Energy" must be a number, found something else'),
    ],
)
def test_wrong_value(tmp_path, entry, key, value, message):
    path = write(tmp_path / "a.json", document(entry, {**entry, key: value}))
    refuse(path, f"a.json, configuration 1: {message}")


def test_wrong_structure(tmp_path):
    refuse(
        write(tmp_path / "a.json", document([])),
        'a.json, configuration 0: an entry of "Data" must be an object, found a list',
    )
    path = write(tmp_path / "a.json", {"Dataset": {"Data": {}}})
    refuse(path, '"Data" must be a list of configurations, found an object')


def test_invalid_json_names_the_line(tmp_path, entry):
    path = tmp_path / "a.json"
    path.write_text('# comment\n{"Dataset": {"Data": [\n{"Energy": 1.0,,}\n')
    refuse(path, r"a.json: this FitSNAP file is not valid JSON \(.*line 3 .*\); .* truncated")
    path.write_text('{"Dataset": ' + "[" * 100000)
    refuse(path, "a.json: this FitSNAP file is not valid JSON")
