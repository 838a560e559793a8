"""The commands active-set, grade and select, and grades of the ASE calculator."""

from __future__ import annotations

import json
import re

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from forcesmith.analysis.grades import grades_by_group
from forcesmith.cli import app
from sample_data import full_disk


@pytest.fixture
def folder(tmp_path, monkeypatch, crystals, small_potential):
    """The training data, a potential without an active set, and data far away."""
    ase.io.write(tmp_path / "train.extxyz", crystals)
    fs.Potential.from_json(small_potential.to_json()).write(tmp_path / "cu.json")
    far = []
    for number in range(6):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        atoms.rattle(0.05 if number < 2 else 0.35, seed=number)
        atoms.info["config_type"] = "near" if number < 2 else "far"
        far.append(atoms)
    ase.io.write(tmp_path / "far.extxyz", far)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def graded(folder, crystals) -> fs.Potential:
    """The potential of the folder, with an active set."""
    potential = fs.Potential.read("cu.json")
    fs.find_active_set(potential, crystals)
    potential.write("cu.json")
    return potential


# ---- active-set ----


def test_active_set(folder, command):
    crystals = fs.read("train.extxyz")
    before = fs.Potential.read("cu.json")
    code, out, err = command("active-set", "cu.json", "train.extxyz")
    assert code == 0, err
    assert re.search(r"active set of cu\.json: neighborhoods .* linear parameters: \d+ Cu", out)
    assert "active set of Cu: pass 1" in err
    after = fs.Potential.read("cu.json")
    assert after.to_json() == before.to_json()
    fs.find_active_set(before, crystals)
    for one, other in zip(
        after.evaluate(crystals, grade=True), before.evaluate(crystals, grade=True), strict=True
    ):
        np.testing.assert_array_equal(one.grades, other.grades)


@pytest.mark.parametrize(
    "damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"x")]
)
def test_an_active_set_that_is_missing_or_damaged_is_made_anew(folder, command, graded, damage):
    damage(folder / "cu.active_set")
    code, _, err = command("grade", "cu.json", "train.extxyz")
    assert code == 2 and "forcesmith active-set POTENTIAL DATA" in err or "no such file" in err
    code, _, err = command("active-set", "cu.json", "train.extxyz")
    assert code == 0, err
    assert fs.Potential.read("cu.json").has_active_set


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["select", "cu.json", "far.extxyz", "--into", "far.extxyz"],
            "one of the files that are read",
        ),
        (
            ["grade", "cu.json", "far.extxyz@:3", "--write", "far.extxyz"],
            "one of the files that are",
        ),
        (["grade", "cu.json", "far.extxyz", "--write", "new.cfg"], "a name that ends in .extxyz"),
    ],
)
def test_outputs_that_are_refused(folder, command, graded, arguments, message):
    before = (folder / "far.extxyz").read_bytes()
    code, _, err = command(*arguments)
    assert code == 2 and message in err
    assert (folder / "far.extxyz").read_bytes() == before and not (folder / "new.cfg").exists()


def test_data_without_atoms(folder, command, graded):
    (folder / "empty.extxyz").write_text("0\nProperties=species:S:1:pos:R:3\n")
    before = (folder / "cu.active_set").read_bytes()
    for arguments in (["grade"], ["active-set"]):
        code, _, err = command(*arguments, "cu.json", "empty.extxyz")
        assert code == 2 and "no atoms" in err
    assert (folder / "cu.active_set").read_bytes() == before


def test_other_active_sets(folder, command):
    code, out, err = command(
        "active-set", "cu.json", "train.extxyz", "--parameters", "all", "--mode", "configurations",
        "--method", "mlip", "--into", "other.json",
    )  # fmt: skip
    assert code == 0, err
    assert "open" in out  # there are fewer configurations than parameters
    assert not fs.Potential.read("cu.json").has_active_set
    own = fs.Potential.read("other.json")._core.active_set
    assert (own["parameters"], own["mode"]) == ("all", "configurations")


def test_adding(folder, command, graded):
    far = fs.read("far.extxyz")
    assert max(r.configuration_grade for r in graded.evaluate(far, grade=True)) > 2
    code, _, err = command("active-set", "cu.json", "far.extxyz", "--add")
    assert code == 0, err
    own = fs.Potential.read("cu.json")
    assert max(r.configuration_grade for r in own.evaluate(far, grade=True)) < 1.01


def test_active_set_of_a_potential_of_mlip(folder, command, crystals):
    settings = {"descriptor": {"type": "moment_tensor", "level": 4, "cutoff": 4.0}, "wall": False}
    fs.fit(crystals, settings=settings, optimizer={"max_iterations": 1}).potential.write("cu.mtp")
    data = ("train.extxyz", "--elements", "Cu", "--parameters", "all")
    code, _, err = command("active-set", "cu.mtp", *data, "--into", "cu.almtp")
    assert code == 0, err
    code, out, err = command("grade", "cu.almtp", "train.extxyz", "--elements", "Cu", "--json")
    assert code == 0, err
    assert json.loads(out)["all"]["max"] < 1.01


def test_active_sets_that_cannot_be(folder, refused, tmp_path):
    message = refused("active-set", "cu.mtp", "train.extxyz")
    assert "cannot hold an active set of the linear parameters; write a .json file" in message
    assert "no active set to add to" in refused("active-set", "cu.json", "train.extxyz", "--add")
    ase.io.write("ag.extxyz", bulk("Ag"))
    assert "Ag" in refused("active-set", "cu.json", "ag.extxyz")
    # Before any work.
    message = refused("active-set", "cu.json", "none.extxyz", "--into", "no/folder/cu.json")
    assert "no/folder" in message


def test_a_full_disk_leaves_the_old_one(folder, graded, refused):
    before = {name: (folder / name).read_bytes() for name in ("cu.json", "cu.active_set")}
    with full_disk(1000):
        refused("active-set", "cu.json", "far.extxyz")
    assert before == {name: (folder / name).read_bytes() for name in before}
    assert not [path for path in folder.iterdir() if "tmp" in path.name]


def test_info_names_it(folder, command, graded):
    _, out, _ = command("info", "cu.json", "--json")
    n = graded._core.n_features(0)
    expected = {"parameters": "linear", "mode": "neighborhoods", "rows": [n]}
    assert json.loads(out)["active_set"] == graded.info()["active_set"] == expected


# ---- grade ----


def test_grade(folder, command, graded):
    code, out, err = command("grade", "cu.json", "far.extxyz")
    assert code == 0, err
    assert all(len(line) <= 80 for line in out.splitlines())
    rows = {words[0]: words[1:] for line in out.splitlines() if (words := line.split())}
    assert rows["near"][:2] == ["2", "8"] and rows["all"][:2] == ["6", "24"]
    assert float(rows["far"][5]) > 10 > float(rows["near"][5])
    assert "above 2 worth learning, above 10 dangerous" in out
    code, out, _ = command("grade", "cu.json", "far.extxyz", "--json")
    table = json.loads(out)
    data = fs.read("far.extxyz")
    values = np.concatenate([r.grades for r in graded.evaluate(data, grade=True)])
    assert table["all"] == {
        "configurations": 6,
        "atoms": 24,
        "mean": pytest.approx(values.mean()),
        "median": pytest.approx(np.median(values)),
        "quantile_95": pytest.approx(np.quantile(values, 0.95)),
        "max": pytest.approx(values.max()),
        "above_2": int((values > 2).sum()),
        "above_10": int((values > 10).sum()),
    }


def test_grades_are_drawn_and_written(folder, command, graded):
    code, _, err = command(
        "grade", "cu.json", "far.extxyz", "--plot", "grades.png", "--write", "graded.extxyz"
    )
    assert code == 0, err
    assert (folder / "grades.png").read_bytes().startswith(b"\x89PNG")
    data = ase.io.read("graded.extxyz", ":")
    assert [atoms.info["config_type"] for atoms in data] == ["near"] * 2 + ["far"] * 4
    for atoms, result in zip(data, graded.evaluate(fs.read("far.extxyz"), grade=True), strict=True):
        np.testing.assert_allclose(atoms.arrays["grade"], result.grades, rtol=1e-6)
        assert atoms.info["max_grade"] == pytest.approx(result.grades.max())
    # Labels are kept.
    command("grade", "cu.json", "train.extxyz", "--write", "labelled.extxyz")
    first, again = fs.read("train.extxyz")[0], fs.read("labelled.extxyz")[0]
    assert again.get_potential_energy() == pytest.approx(first.get_potential_energy())
    np.testing.assert_allclose(again.get_forces(), first.get_forces(), atol=1e-7)


def test_grades_of_configurations(folder, command, crystals):
    potential = fs.Potential.read("cu.json")
    fs.find_active_set(potential, crystals, mode="configurations")
    potential.write("cu.json")
    code, out, err = command("grade", "cu.json", "far.extxyz", "--write", "graded.extxyz")
    assert code == 0, err
    assert "grades of configurations" in out
    atoms = ase.io.read("graded.extxyz", 3)
    assert "grade" not in atoms.arrays
    [result] = potential.evaluate([fs.read("far.extxyz")[3]], grade=True)
    assert atoms.info["max_grade"] == pytest.approx(result.configuration_grade)
    table = grades_by_group([result], [atoms])
    assert table["far"].max == table["all"].mean == result.configuration_grade


def test_grades_that_cannot_be(folder, refused):
    message = refused("grade", "cu.json", "far.extxyz")
    assert "no active set" in message and "forcesmith active-set" in message
    assert ".png" in refused("grade", "cu.json", "far.extxyz", "--plot", "grades.doc")
    assert "no/folder" in refused(
        "grade", "cu.json", "none.extxyz", "--write", "no/folder/g.extxyz"
    )


def test_a_foreign_active_set(folder, graded, refused, crystals):
    other = fs.fit(
        crystals, descriptor={"type": "moment_tensor", "level": 4, "cutoff": 4.0},
        optimizer={"max_iterations": 1},
    ).potential  # fmt: skip
    other.write("other.json")
    (folder / "other.active_set").replace("cu.active_set")
    assert "another potential" in refused("grade", "cu.json", "far.extxyz")


# ---- select ----


def test_select(folder, command, graded):
    code, out, err = command("select", "cu.json", "far.extxyz", "--into", "label.extxyz")
    assert code == 0, err
    chosen = ase.io.read("label.extxyz", ":")
    assert f"label.extxyz: {len(chosen)} of 6 configurations" in out
    data = fs.read("far.extxyz")
    numbers = fs.select_configurations(graded, data)
    assert 1 < len(numbers) == len(chosen)
    for atoms, number in zip(chosen, numbers, strict=True):
        np.testing.assert_allclose(atoms.positions, data[number].positions, atol=1e-7)
    command("select", "cu.json", "far.extxyz", "--into", "label.extxyz", "--most", 1)
    [first] = ase.io.read("label.extxyz", ":")
    np.testing.assert_array_equal(first.positions, chosen[0].positions)


def test_select_writes_no_labels(folder, command, graded, crystals):
    """Those of the candidates may be the potential's own."""
    far = [atoms.copy() for atoms in crystals]
    for atoms in far:
        atoms.set_cell(0.93 * atoms.cell, scale_atoms=True)
        atoms.calc = graded.calculator()
        atoms.get_potential_energy()
    ase.io.write("md.extxyz", far)
    code, _, err = command("select", "cu.json", "md.extxyz", "--into", "label.extxyz")
    assert code == 0, err
    assert ase.io.read("label.extxyz").calc is None


def test_nothing_to_select(folder, command, graded):
    code, out, err = command("select", "cu.json", "train.extxyz", "--into", "label.extxyz")
    assert code == 0, err
    assert "none of 12 configurations enters" in out
    assert not (folder / "label.extxyz").exists()


def test_selections_that_cannot_be(folder, refused):
    assert "no active set" in refused("select", "cu.json", "far.extxyz", "--into", "l.extxyz")
    message = refused("select", "cu.json", "none.extxyz", "--into", "no/folder/l.extxyz")
    assert "no/folder" in message


def test_thresholds_at_or_below_1(folder, graded, refused):
    message = refused("select", "cu.json", "far.extxyz", "--into", "l.extxyz", "--threshold", "1")
    assert "above 1" in message


# ---- the calculator ----


def test_calculator(graded, crystals):
    atoms = crystals[1].copy()
    atoms.calc = graded.calculator()
    atoms.get_forces()
    assert "extrapolation_grades" not in atoms.calc.results
    grades = atoms.calc.get_property("extrapolation_grades", atoms)
    np.testing.assert_array_equal(grades, graded.evaluate(atoms, grade=True).grades)
    np.testing.assert_array_equal(atoms.calc.results["extrapolation_grades"], grades)
    atoms.positions[0] += 0.5
    assert atoms.calc.get_property("extrapolation_grades", atoms).max() > 2 * grades.max()


@pytest.mark.parametrize("mode", [None, "configurations"])
def test_calculator_without_grades(small_potential, crystals, mode):
    potential = fs.Potential.from_json(small_potential.to_json())
    if mode:
        fs.find_active_set(potential, crystals, mode=mode)
    calculator = potential.calculator()
    with pytest.raises(PropertyNotImplementedError, match="no active set of neighborhoods"):
        calculator.get_property("extrapolation_grades", Atoms("Cu"))


def test_help_names_them(command):
    _, out, _ = command("--help")
    assert {"active-set", "grade", "select"} <= set(out.split())
    assert app.app.info.help
