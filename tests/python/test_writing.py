"""Configurations written for other programs and read back: labels to the last bit, and what is
lost is told."""

from __future__ import annotations

import gzip
import pickle
import sys
import warnings
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from forcesmith.cli.app import main
from forcesmith.data.labels import labels_of
from forcesmith.data.writing import FORMATS

ORIGIN = {"sampler": "volumes", "name": "v", "seed": 3, "number": 1, "options": {"points": 3}}
TARGETS = {
    "deepmd": "folder",
    "extxyz": "data.extxyz",
    "fitsnap": "folder",
    "mlip": "data.cfg",
    "n2p2": "input.data",
    "pacemaker": "data.pckl.gzip",
}
UNITS = {"cflength": 1.0, "cfenergy": 1.0}


def with_labels(atoms: Atoms, rng: np.random.Generator, stress: bool = True) -> Atoms:
    results = {"energy": float(rng.normal(-40, 9)), "forces": rng.normal(0, 1, (len(atoms), 3))}
    if stress:
        results["stress"] = rng.normal(0, 0.1, 6)
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def oxides() -> list[Atoms]:
    rng = np.random.default_rng(5)
    found = []
    for number in range(4):
        atoms = bulk("MgO", "rocksalt", a=4.2, cubic=number % 2 == 0)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.03, (3, 3))), True)
        atoms.positions += rng.normal(0, 0.1, atoms.positions.shape)
        found.append(with_labels(atoms, rng))
    return found


def same(given: Atoms, read: Atoms, rounding: float = 0.0) -> None:
    """rounding: of stresses, relative; other labels are the same bits."""
    first, again = labels_of(given), labels_of(read)
    assert list(given.symbols) == list(read.symbols) and (given.pbc == read.pbc).all()
    np.testing.assert_array_equal(given.positions, read.positions)
    np.testing.assert_array_equal(given.cell.array, read.cell.array)
    assert first.energy == again.energy
    np.testing.assert_array_equal(first.forces, again.forces)
    if again.stress is not None:
        np.testing.assert_allclose(first.stress, again.stress, rtol=rounding, atol=0)


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"extxyz"}))
def test_labels_come_back_to_the_last_bit(tmp_path, format):
    given = oxides()
    units = UNITS if format == "n2p2" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if format == "n2p2" else "error")
        fs.write(given, tmp_path / TARGETS[format], format, elements=["O", "Mg"], **units)
    found = fs.read(tmp_path / TARGETS[format], elements=["O", "Mg"], **units)
    order = [0, 2, 1, 3] if format == "deepmd" else range(4)  # by composition
    order = sorted(order, key=lambda n: len(given[n])) if format == "deepmd" else order
    found = sorted(found, key=len) if format == "deepmd" else found
    for number, atoms in zip(order, found, strict=True):
        same(given[number], atoms, rounding=0.0 if format == "pacemaker" else 1e-14)
    if format != "n2p2":
        assert all("stress" in atoms.calc.results for atoms in found)


def test_extended_xyz_keeps_where_data_come_from(tmp_path):
    given = oxides()
    for atoms in given:
        atoms.info |= {"origin": ORIGIN, "weight": 0.25, "config_type": "v", "read_from": "here"}
    fs.write(given, tmp_path / "data.extxyz")
    for first, again in zip(given, fs.read(tmp_path / "data.extxyz"), strict=True):
        assert again.info["origin"] == ORIGIN
        assert (again.info["weight"], again.info["config_type"]) == (0.25, "v")
        assert again.get_potential_energy() == first.get_potential_energy()
        np.testing.assert_allclose(again.get_forces(), first.get_forces(), atol=6e-9)
    assert "read_from=" not in (tmp_path / "data.extxyz").read_text()


def test_pacemaker_keeps_everything(tmp_path):
    atoms = with_labels(molecule("H2O"), np.random.default_rng(1), stress=False)
    atoms.info |= {"origin": ORIGIN, "weight": 0.5, "config_type": "gas"}
    fs.write([atoms, *oxides()], tmp_path / "data.pckl.gzip")
    again = fs.read(tmp_path / "data.pckl.gzip")[0]
    same(atoms, again)
    assert {key: again.info[key] for key in atoms.info} == atoms.info


@pytest.mark.parametrize(
    ("format", "kept", "lost"),
    [
        ("deepmd", [], ["weight (1)", "config_type (1)", "origin (1)"]),
        ("fitsnap", ["config_type"], ["weight (1)", "origin (1)"]),
        ("mlip", ["config_type", "weight"], ["origin (1)"]),
        ("n2p2", [], ["weight (1)", "config_type (1)", "origin (1)", "stress (4)"]),
    ],
)
def test_what_is_lost_is_told(tmp_path, format, kept, lost):
    given = oxides()
    given[0].info |= {"origin": ORIGIN, "weight": 0.25, "config_type": "v"}
    with pytest.warns(UserWarning, match=f"{format} does not hold") as told:
        fs.write(given, tmp_path / TARGETS[format], format)
    [message] = [str(one.message) for one in told]
    assert all(name in message for name in lost) and not any(f"{k} (" in message for k in kept)
    found = fs.read(tmp_path / TARGETS[format], elements=["Mg", "O"])
    assert any(
        {key: atoms.info.get(key) for key in kept}.items() <= atoms.info.items() for atoms in found
    )


def test_deepmd_signs_shapes_and_molecules(tmp_path):
    """A compressed crystal has a positive virial."""
    crystal = bulk("Cu")
    crystal.calc = SinglePointCalculator(
        crystal, energy=-1.0, stress=[-0.1, -0.2, -0.3, 0.01, 0, 0]
    )
    gas = with_labels(molecule("H2O"), np.random.default_rng(1), stress=False)
    fs.write([crystal, gas], tmp_path / "all", "deepmd")
    virial = np.load(tmp_path / "all/Cu/set.000/virial.npy")
    assert virial.shape == (1, 9) and virial[0, 0] == pytest.approx(0.1 * crystal.cell.volume)
    assert virial[0, 5] == virial[0, 7] == pytest.approx(-0.01 * crystal.cell.volume)
    assert (tmp_path / "all/Cu/type_map.raw").read_text().split() == ["Cu", "H", "O"]
    assert (tmp_path / "all/H2O/nopbc").exists()
    same(gas, fs.read(tmp_path / "all/H2O")[0])
    first = fs.read(tmp_path / "all")[0]
    np.testing.assert_allclose(first.get_stress(), crystal.get_stress(), rtol=1e-14)


def test_deepmd_of_others(tmp_path):
    """Several sets, single precision, an array that is not used; mixed types are refused."""
    (tmp_path / "type.raw").write_text("0 1\n")
    (tmp_path / "type_map.raw").write_text("Na\nCl\n")
    for name, count in (("set.000", 2), ("set.001", 1)):
        place = tmp_path / name
        place.mkdir()
        np.save(place / "coord.npy", np.arange(6 * count, dtype=np.float32).reshape(count, 6))
        np.save(place / "box.npy", np.tile(5 * np.eye(3, dtype=np.float32).ravel(), (count, 1)))
        np.save(place / "energy.npy", np.full((count, 1), -3.5, np.float32))
    np.save(tmp_path / "set.001/fparam.npy", np.zeros(1))
    with pytest.warns(UserWarning, match=r"not used: fparam\.npy"):
        found = fs.read(tmp_path)
    assert [atoms.get_potential_energy() for atoms in found] == [-3.5] * 3
    assert list(found[2].symbols) == ["Na", "Cl"] and found[1].positions[1, 2] == 11
    np.save(tmp_path / "set.000/real_atom_types.npy", np.zeros((2, 2), int))
    with pytest.raises(ValueError, match="folder of mixed types"):
        fs.read(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "type_map.raw").unlink(), "there is no type_map.raw"),
        (lambda f: (f / "type.raw").write_text("0 7"), "a type 7, but"),
        (lambda f: (f / "type.raw").write_bytes(b"0 \xe7"), "expected whole numbers"),
        (lambda f: (f / "type.raw").write_text("0 " + "9" * 400), "a type 999"),
        (lambda f: (f / "set.000/coord.npy").unlink(), "there is no coord.npy"),
        (lambda f: (f / "set.000/box.npy").write_bytes(b"x"), "expected an array of NumPy"),
        (lambda f: np.save(f / "set.000/energy.npy", np.zeros(5)), "of different lengths"),
        (lambda f: np.save(f / "set.000/force.npy", np.zeros(5)), "row of 6 number"),
        (
            lambda f: (f / "set.000/box.npy").write_bytes(b"\x93NUMPY\1\0\4\0{(1\n"),
            "expected an array of NumPy",
        ),
        (
            lambda f: np.save(f / "set.000/energy.npy", np.array([None]), allow_pickle=True),
            "expected an array of NumPy",
        ),
    ],
)
def test_damaged_deepmd_folders(tmp_path, change, message):
    fs.write([oxides()[1]], tmp_path / "all", "deepmd")
    change(tmp_path / "all/MgO")
    with pytest.raises(ValueError, match=message) as error:
        fs.read(tmp_path / "all")
    assert len(str(error.value)) <= 300


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("touched"),))


def test_damaged_pickles(tmp_path):
    """Not whole, with numbers that are no elements, of Atoms without anything; a checksum."""
    whole = tmp_path / "whole.pckl.gzip"
    fs.write(oxides()[:1], whole, "pacemaker")
    content = gzip.decompress(whole.read_bytes())
    table = pickle.loads(content)
    numbers, bare = table.copy(), table.copy()
    numbers.ase_atoms[0].numbers[0] = 10**6
    bare.at[0, "ase_atoms"] = Atoms.__new__(Atoms)
    for damaged, message in (
        (content[:-20], "no table that can be read"),
        (pickle.dumps(bare, protocol=4), "configuration 0: these Atoms are damaged"),
        (pickle.dumps(numbers, protocol=4), "configuration 0: these Atoms are damaged"),
        (whole.read_bytes()[:-20] + bytes(20), "damaged or truncated"),
    ):
        (tmp_path / "data.pckl").write_bytes(damaged)
        with pytest.raises(ValueError, match=message) as error:
            fs.read(tmp_path / "data.pckl")
        assert "data.pckl" in str(error.value) and len(str(error.value)) <= 300


def test_pickles_that_run_code_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data.pckl").write_bytes(pickle.dumps([Evil()], protocol=4))
    with pytest.raises(ValueError, match="which is refused"):
        fs.read("data.pckl")
    assert not Path("touched").exists()
    Path("data.pckl").write_bytes(b"\x80\x04cbuiltins\ngetattr\n(}\x8c\x04keyst\x94R.")
    with pytest.raises(ValueError, match="the attribute keys, which is refused"):
        fs.read("data.pckl")
    Path("data.pckl").write_bytes(pickle.dumps({"a": 1}, protocol=4))
    with pytest.raises(ValueError, match="holds dict, expected a table"):
        fs.read("data.pckl")


def test_tables_of_others(tmp_path):
    """As pacemaker documents them: energies of two kinds, other columns, calculators."""
    import pandas

    crystals = oxides()[:2]
    crystals[0].set_constraint(FixAtoms([0]))
    table = pandas.DataFrame(
        {
            "name": ["a", "b"],
            "ase_atoms": crystals,
            "energy": [-10.0, -20.0],
            "energy_corrected": [-1.0, -2.0],
            "forces": [np.ones((len(atoms), 3)).tolist() for atoms in crystals],
            "w_forces": [np.ones(len(atoms)) for atoms in crystals],
        }
    )
    path = tmp_path / "table.pckl.gzip"
    for protocol in (4, 5):
        table.to_pickle(path, compression="gzip", protocol=protocol)
        with pytest.warns(UserWarning) as told:
            found = fs.read(path)
        messages = " ".join(str(one.message) for one in told)
        assert "columns that are not used: w_forces" in messages and "energy_corrected" in messages
        assert [atoms.get_potential_energy() for atoms in found] == [-10.0, -20.0]
        assert found[0].info["name"] == "a" and (found[1].get_forces() == 1).all()
    with pytest.warns(UserWarning, match="w_forces"):
        found = fs.read(path, energy_key="energy_corrected")
    assert [atoms.get_potential_energy() for atoms in found] == [-1.0, -2.0]
    table.drop(columns="ase_atoms").to_pickle(path, compression="gzip")
    with pytest.raises(ValueError, match="no column ase_atoms"):
        fs.read(path)


def test_what_cannot_be_written(tmp_path):
    slab = with_labels(bulk("Cu"), np.random.default_rng(1))
    slab.pbc = [True, True, False]
    bare = bulk("Cu")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    for configurations, name, format, message in (
        ([slab], "a", "deepmd", "some directions only"),
        ([slab], "a.data", None, "some directions only"),
        ([slab], "a", "fitsnap", "not periodic everywhere"),
        ([bare], "a", "fitsnap", "has no energy"),
        ([bare], "a.data", None, "lacks energy or forces"),
        ([bare], "a.pckl.gzip", None, "lacks energy or forces"),
        ([bare], "full", "deepmd", "not empty"),
        ([bare], "a", None, "tells no format"),
        ([bare], "a", "xsf", "no format xsf"),
        ([], "a.cfg", None, "no configurations"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            fs.write(configurations, tmp_path / name, format)
        assert len(str(error.value)) <= 300
    with pytest.raises(ValueError, match="not among the given elements"):
        fs.write([bare], tmp_path / "a.cfg", elements=["Al"])


def test_command_does_not_overwrite_what_it_reads(tmp_path, monkeypatch, capsys):
    path = tmp_path / "data.cfg"
    fs.write(oxides(), path)
    before = path.read_bytes()
    command = [
        "forcesmith",
        "convert-data",
        f"{path}@:1",
        "--into",
        str(path),
        "--elements",
        "Mg,O",
    ]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit):
        main()
    assert "one of the files that are read" in " ".join(capsys.readouterr().err.split())
    assert path.read_bytes() == before


def test_command(tmp_path, monkeypatch, capsys):
    fs.write(oxides(), tmp_path / "data.cfg")
    for into, *more in (["set", "--format", "deepmd"], ["input.data"]):
        arguments = [str(tmp_path / "data.cfg"), "--into", str(tmp_path / into), *more]
        monkeypatch.setattr(
            sys, "argv", ["forcesmith", "convert-data", *arguments, "--elements", "Mg,O"]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    printed = capsys.readouterr()
    assert "4 configurations" in printed.out and "n2p2 does not hold" in printed.err
    assert len(fs.read(tmp_path / "set")) == len(fs.read(tmp_path / "input.data")) == 4
