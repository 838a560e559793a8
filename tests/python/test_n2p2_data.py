"""n2p2's data files (input.data): they are read right, in any units, and what is refused how."""

from __future__ import annotations

import forcesmith as fs
import numpy as np
import pytest
from forcesmith import FitSettings
from forcesmith.cli.data_sets import read_sets
from forcesmith.data.formats.n2p2_data import is_n2p2_data
from forcesmith.data.labels import labels_of

BOHR, HARTREE = 0.529177210903, 27.211386245988  # CODATA 2018

DATA = """\
begin
comment water,  somewhere
lattice   10.0 0.0 0.0
lattice    0.0 11.0 0.0
lattice    1.0 0.0 12.0
atom 1.0 2.0 3.0 O -0.8 0.0 0.1 0.2 -0.3
atom 2.5 2.0 3.0 H 0.4 0.0 -0.1 0.0 0.1
atom 1.0 3.5 3.0 H 0.4 0.0 0.0 -0.2 0.2
energy -17.25
charge 0.0
end

begin
atom 0.0 0.0 0.0 H 0 0 0.0 0.0 0.0625
atom 0.0 0.0 1.5 H 0 0 0.0 0.0 -0.0625
charge 1.0
energy -1.125e+00
end
"""


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "input.data"
    path.write_text(DATA)
    return path


def test_blocks(data):
    crystal, molecule = fs.read(data)
    assert crystal.get_chemical_symbols() == ["O", "H", "H"] and all(crystal.pbc)
    np.testing.assert_allclose(crystal.positions[2], np.array([1, 3.5, 3]) * BOHR, rtol=1e-15)
    np.testing.assert_allclose(
        crystal.cell.array, np.array([[10, 0, 0], [0, 11, 0], [1, 0, 12]]) * BOHR, rtol=1e-15
    )
    labels = labels_of(crystal)
    assert labels.energy == pytest.approx(-17.25 * HARTREE, rel=1e-15) and labels.stress is None
    np.testing.assert_allclose(labels.forces[0], np.array([0.1, 0.2, -0.3]) * HARTREE / BOHR)
    assert crystal.info["comment"] == "water, somewhere" and "charge" not in crystal.info
    np.testing.assert_array_equal(crystal.get_initial_charges(), [-0.8, 0.4, 0.4])
    assert crystal.info["read_from"] == f"{data}, configuration 0"

    assert not any(molecule.pbc) and molecule.cell.rank == 0
    assert molecule.info["charge"] == 1.0 and "comment" not in molecule.info
    assert not molecule.has("initial_charges")
    assert labels_of(molecule).energy == pytest.approx(-1.125 * HARTREE)


def test_units(data):
    """angstrom and eV; nanometers and kJ/mol."""
    [molecule] = fs.read(data, index="1:", cflength=1.0, cfenergy=1.0)
    assert molecule.positions[1, 2] == 1.5
    assert labels_of(molecule).energy == -1.125 and labels_of(molecule).forces[0, 2] == 0.0625
    [molecule] = fs.read(data, index="1:", cflength=0.1, cfenergy=96.485)
    assert molecule.positions[1, 2] == pytest.approx(15.0)
    assert labels_of(molecule).energy == pytest.approx(-1.125 / 96.485)
    assert labels_of(molecule).forces[0, 2] == pytest.approx(0.0625 * 0.1 / 96.485)


def test_units_in_settings(data):
    settings = FitSettings(
        elements=["H", "O"], data={"train": [str(data)], "cflength": 1.0, "cfenergy": 2.0}
    )
    train, test = read_sets(settings)
    assert train[1].positions[1, 2] == 1.5 and not test
    assert labels_of(train[1]).energy == -1.125 / 2


@pytest.mark.parametrize("name", ["train.data", "test", "output.extxyz"])
def test_name_does_not_matter(data, name):
    assert len(fs.read(data.rename(data.with_name(name)))) == 2


@pytest.mark.parametrize(
    "text", ["", "\n", "LAMMPS data\n\n4 atoms\n", "begin\nhello\n", "beginning\n"]
)
def test_other_files_are_left_to_others(text):
    """LAMMPS' data files end in .data, too."""
    assert not is_n2p2_data(text.encode())


def test_without_energy(data):
    """Forces alone are labels, too."""
    data.write_text(DATA.replace("energy -17.25\n", ""))
    labels = labels_of(fs.read(data)[0])
    assert labels.energy is None and labels.forces is not None


def test_units_of_other_files(tmp_path, crystals):
    import ase.io

    path = tmp_path / "a.extxyz"
    ase.io.write(path, crystals[:1])
    for units in ({"cflength": 1.0}, {"cfenergy": 1.0}):
        with pytest.raises(
            ValueError, match=r"a\.extxyz: cflength and cfenergy are for data files"
        ):
            fs.read(path, **units)


@pytest.mark.parametrize("name", ["cflength", "cfenergy"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_wrong_units(data, name, value):
    with pytest.raises(ValueError, match=rf"{name} must be positive, not"):
        fs.read(data, **{name: value})


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("charge 1.0\n", "charge\n", "line 16: expected 1 numbers .charge., found 0"),
        ("charge 1.0\n", "energy 1.0\n", "line 17: energy is there twice"),
        ("energy -17.25", "energy x", "line 9: expected numbers .energy., found 'x'"),
        ("energy -17.25", "enrgy -17.25", "line 9: unknown entry 'enrgy' in a configuration"),
        ("H 0.4 0.0 0.0 -0.2", "Hx 0.4 0.0 0.0 -0.2", "line 8: 'Hx' is no chemical symbol"),
        ("H 0.4 0.0 0.0 -0.2 0.2", "H 0.4 0.0 0.0 -0.2", "line 8: expected atom .* found 8 values"),
        ("0.0 11.0 0.0", "0.0 11.0", "line 4: expected 3 numbers .a lattice vector., found 2"),
        (
            "lattice    0.0 11.0 0.0\n",
            "",
            "line 10: .* has 2 lattice vector.s.; there must be three",
        ),
        ("charge 0.0", "lattice 1 2 3", "line 10: this is the fourth lattice vector"),
        ("end\n\nbegin\n", "begin\n", "line 11: begin inside a configuration"),
        ("end\n\nbegin\n", "end\n", "line 12: expected begin, found 'atom'"),
        ("e+00\nend\n", "e+00\n", "line 17: the file ends where end was expected; it is trunc"),
        ("begin\natom", "begin\nend\nbegin\natom", "line 14: .* has no atoms"),
    ],
)
def test_wrong_files(data, old, new, part):
    assert DATA.count(old) == 1
    data.write_text(DATA.replace(old, new))
    with pytest.raises(ValueError, match=rf"input\.data, {part}.*\.$"):
        fs.read(data)


def test_no_text(data):
    data.write_bytes(b"begin\natom \xff\xfe")
    with pytest.raises(
        ValueError, match="this is not a text file in UTF-8, so not a data file of n2p2"
    ):
        fs.read(data)


def test_units_of_the_potential(data):
    """A potential that came from a folder in angstrom and eV has its data in them, too."""

    class FromFolder:
        elements = ("H", "O")
        n2p2_units = (1.0, 2.0)

    [molecule] = fs.read(data, index="1:", potential=FromFolder())
    assert molecule.positions[1, 2] == 1.5 and labels_of(molecule).energy == -1.125 / 2
    [molecule] = fs.read(data, index="1:", potential=FromFolder(), cflength=0.5, cfenergy=1.0)
    assert molecule.positions[1, 2] == 3.0 and labels_of(molecule).energy == -1.125


def test_angstrom_that_were_taken_for_bohr(data):
    with pytest.warns(UserWarning, match="atoms much closer than bonds are.*give cflength=1"):
        data.write_text(DATA.replace("0.0 0.0 1.5 H", "0.0 0.0 0.74 H").replace("3.5", "2.9"))
        fs.read(data)
