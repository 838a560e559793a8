"""Limits by pair curves, and filters that use them."""

from __future__ import annotations

import json

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

sampling = fs.sampling


def morse(depth: float, minimum: float, separated: float = -3.0) -> sampling.PairCurve:
    distances = np.geomspace(0.4 * minimum, 6 * minimum, 200)
    x = np.exp(-2.0 * (distances - minimum))
    energies = depth * (x**2 - 2 * x)
    return sampling.PairCurve(("Cu", "Cu"), distances, energies - energies[-1], separated)


def test_twice_the_binding_energy():
    """Of Morse's potential, where exp(-2 (r - r0)) = 1 + sqrt(2)."""
    limits = sampling.Limits.of_curves([morse(2.5, 2.2)])
    assert limits.distances["Cu-Cu"] == pytest.approx(2.2 - np.log(1 + 2**0.5) / 2, abs=2e-3)
    assert limits.energy == pytest.approx(1.25, abs=1e-3)
    x = 1 + 2**0.5
    assert limits.force == pytest.approx(2.5 * 4 * (x**2 - x), rel=0.02)
    assert limits.separated == {"Cu": -1.5}


def test_pairs_that_repel_take_the_deepest_minimum():
    repelling = sampling.PairCurve(
        ("Ag", "Cu"), np.linspace(1, 8, 100), 10 / np.linspace(1, 8, 100) ** 4 - 10 / 8**4, 0.0
    )
    limits = sampling.Limits.of_curves([morse(2.5, 2.2), repelling])
    assert limits.distances["Ag-Cu"] == pytest.approx((10 / 2.5) ** 0.25, abs=0.02)
    with pytest.raises(ValueError, match="No pair of these elements is bound"):
        sampling.Limits.of_curves([repelling])


def test_what_lies_behind_the_wall_does_not_count():
    """The energies of universal potentials fall again where atoms are far too close."""
    whole = morse(2.5, 2.2)
    falling = whole.energies.copy()
    falling[:40] -= 2000 * (whole.distances[40] - whole.distances[:40])
    assert falling[0] < 0 < falling.max()
    curve = sampling.PairCurve(("Cu", "Cu"), whole.distances, falling, -3.0)
    assert (curve.minimum, curve.binding_energy) == (whole.minimum, whole.binding_energy)
    assert sampling.Limits.of_curves([curve]) == sampling.Limits.of_curves([whole])


def labelled(atoms: Atoms, energy: float, force: float) -> Atoms:
    forces = np.zeros((len(atoms), 3))
    forces[0, 0] = force
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


@pytest.mark.parametrize(
    ("distance", "energy", "force", "reason"),
    [
        (2.5, 0.0, 1.0, None),
        (1.9, 0.0, 1.0, "Cu and Cu are 1.9 angstrom apart"),
        (2.5, 0.0, 31.0, "a force of 31 eV/angstrom"),
        (2.5, 9.1, 1.0, "an energy of 1.55 eV/atom above separated atoms"),
    ],
)
def test_what_breaks_limits(distance, energy, force, reason):
    limits = sampling.Limits(
        distances={"Cu-Cu": 2.0, "Cu-O": 3}, force=30, energy=1.5, separated={"Cu": 3.0}
    )
    atoms = labelled(Atoms("Cu2", [[0, 0, 0], [distance, 0, 0]]), energy, force)
    found = sampling.filter_configurations([atoms], limits)
    assert [one.info["reason"] for one in found.rejected] == ([reason] if reason else [])
    assert len(found.kept) == (not reason)
    assert "reason" not in atoms.info


@pytest.mark.parametrize(
    ("distances", "sentence"),
    [
        ({"CuO": 1.5}, "not CuO: 1.5"),
        ({"Cu-O": -1}, "not Cu-O: -1"),
        ({"Cu-Xx": 1}, 'element "Xx"'),
    ],
)
def test_distances_of_a_file_are_of_pairs(tmp_path, distances, sentence):
    path = tmp_path / "limits.json"
    path.write_text(json.dumps({"distances": distances}))
    with pytest.raises(ValueError, match=sentence) as error:
        sampling.Limits.read(path)
    assert "limits.json" in str(error.value)


def test_curves_need_elements(tmp_path):
    with pytest.raises(ValueError, match="There are no elements"):
        sampling.pair_curves("emt", [], tmp_path / "pairs.extxyz")


def test_an_element_without_limit_of_the_energy():
    limits = sampling.Limits(energy=1.0, separated={"Cu": 0.0})
    with pytest.raises(ValueError, match="energy of a separated atom of Ag"):
        limits.broken_by(labelled(Atoms("Ag"), 0.0, 0.0))


def test_commands(tmp_path, monkeypatch, command, refused):
    monkeypatch.chdir(tmp_path)
    frames = []
    for a in (3.6, 3.6, 2.1, 2.0):
        atoms = bulk("Cu", "fcc", a=a, cubic=True)
        atoms.calc = EMT()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        frames.append(atoms)
    ase.io.write("cu.extxyz", frames)
    limits = ["limits", "Cu", "--teacher", "emt", "--into", "l.json", "--points", "20"]
    code, out, err = command(*limits, "--plot", "curve.png")
    assert code == 0, err
    assert out.startswith("Cu-Cu: bound by ") and "closest " in out
    assert len(ase.io.read("l.pairs.extxyz", ":")) == 20
    text = (tmp_path / "l.json").read_text()
    assert command(*limits)[0] == 0 and (tmp_path / "l.json").read_text() == text
    call = ["filter", "cu.extxyz", "--into", "kept.extxyz"]
    code, out, err = command(*call, "--limits", "l.json", "--beak-plot", "beak.png")
    assert code == 0, err
    assert "kept.extxyz: 2 of 4 configurations keep the limits" in out
    kept = fs.read("kept.extxyz")
    assert len(kept) == 2 and kept[0].get_potential_energy() == frames[0].get_potential_energy()
    assert "apart" in ase.io.read("kept.rejected.extxyz", 0).info["reason"]
    assert json.loads((tmp_path / "kept.limits.json").read_text()) == json.loads(text)
    assert (tmp_path / "beak.png").stat().st_size > 1000
    assert (tmp_path / "curve.png").stat().st_size > 1000
    assert "no limits to keep" in refused(*call)
    assert "no element" in refused("limits", "Qq", "--teacher", "emt", "--into", "m.json")
    assert "ends in .json" in refused("limits", "Cu", "--teacher", "emt", "--into", "m.txt")
    (tmp_path / "bad.json").write_text('{"forces": 3}')
    assert 'did you mean "force"' in refused(*call, "--limits", "bad.json")
    assert command(*call, "--force", "1000")[0] == 0
    assert not (tmp_path / "kept.rejected.extxyz").exists()
