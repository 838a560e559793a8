"""Angles of forces, and matrices of errors: every potential on every set."""

from __future__ import annotations

import json
from types import SimpleNamespace

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from forcesmith.analysis.metrics import force_angles
from sample_data import labelled, small_settings


@pytest.mark.parametrize("angle", [0.0, 1e-6, 30.0, 90.0, 179.0, 180.0])
def test_angles(angle):
    radians = np.radians(angle)
    reference = np.array([[2.0, 0.0, 0.0]])
    forces = 5 * np.array([[np.cos(radians), 0.0, np.sin(radians)]])
    assert force_angles(forces, reference) == pytest.approx([angle], abs=1e-12, rel=1e-9)


def test_angles_of_nothing():
    reference = np.array([[1.0, 0, 0], [0.009, 0, 0]])
    assert force_angles(np.zeros((2, 3)), reference) == pytest.approx([90.0])
    assert force_angles(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)


def test_mean_angle(crystals):
    atoms = labelled(crystals[0], energy=0.0, forces=np.ones((len(crystals[0]), 3)))
    half = np.ones((len(atoms), 3))
    half[::2] *= -1
    table = fs.errors_by_group([SimpleNamespace(energy=0, forces=half, stress=None)], [atoms])
    assert table.total.force_angle == pytest.approx(180 * np.mean(np.arange(len(atoms)) % 2 == 0))


def test_matrices(crystals, small_potential):
    other = fs.fit(crystals[:4], settings=small_settings()).potential
    potentials, sets = {"all": small_potential, "few": other}, {"a": crystals[:4], "b": crystals}
    found = fs.cross_evaluate(potentials, sets)
    for quantity in ("energy_rmse", "force_rmse", "force_angle"):
        matrix = found.matrix(quantity)
        assert matrix.shape == (2, 2) and np.isfinite(matrix).all()
        for i, potential in enumerate(potentials.values()):
            for j, data in enumerate(sets.values()):
                total = fs.errors_by_group(potential, data).total
                assert matrix[i, j] == getattr(total, quantity)
    with pytest.raises(ValueError, match="at least one potential"):
        fs.cross_evaluate({}, sets)


def test_command(tmp_path, monkeypatch, command, refused, crystals, small_potential):
    monkeypatch.chdir(tmp_path)
    for name in ("p.json", "q.json"):
        small_potential.write(name)
    ase.io.write("a.extxyz", crystals[:3])
    ase.io.write("b.extxyz", crystals)
    call = ["evaluate", "p.json", "a.extxyz", "b.extxyz", "--also", "q.json"]
    code, out, err = command(*call, "--heat-map", "m.png")
    assert code == 0, err
    for word in ("energy RMSE", "force RMSE", "force angle", "q.json", "b.extxyz"):
        assert word in out
    assert (tmp_path / "m.png").stat().st_size > 1000
    matrices = json.loads(command(*call, "--json")[1])
    alone = json.loads(command("evaluate", "p.json", "a.extxyz", "--json")[1])
    assert matrices["force_angle"]["q.json"]["a.extxyz"] == alone["all"]["force_angle"]
    assert "with --also, draw a --heat-map" in refused(*call, "--parity-plot", "c.png")
    assert "named twice" in refused(*call, "--also", "p.json")
    assert "--also" in refused("evaluate", "p.json", "a.extxyz", "--heat-map", "m.png")
