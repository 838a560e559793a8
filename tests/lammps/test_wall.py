"""The repulsive wall of a potential in LAMMPS, and its count of pairs that are too close."""

from __future__ import annotations

import re

import forcesmith as fs
import numpy as np
import pytest
from forcesmith.potentials.short_range import set_short_range


@pytest.fixture(scope="module")
def walled_file(tmp_path_factory, potential_file):
    """Such that the structures have pairs on both sides of the wall's onset."""
    potential = fs.Potential.read(potential_file)
    set_short_range(potential, np.array([[3.1, 2.15], [2.15, 3.0]]), wall=True)
    path = tmp_path_factory.mktemp("walled") / "walled.json"
    potential.write(path)
    return path


def pair(path, options="") -> str:
    return f"pair_style forcesmith {options}\npair_coeff * * {path} Mg O\n"


@pytest.mark.parametrize("ranks", [1, 2])
def test_wall_equals_python(runner, walled_file, crystal, slanted, ranks):
    potential = fs.Potential.read(walled_file)
    structures = [crystal, slanted]
    for found, atoms in zip(
        runner.evaluate_all(structures, pair(walled_file), ranks=ranks), structures, strict=True
    ):
        expected = potential.evaluate(atoms)
        assert 0 < expected.close_neighbors.sum() < 12 * len(atoms)
        assert found.energy == pytest.approx(expected.energy, rel=1e-11)
        scale = np.abs(expected.forces).max()
        np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-9 * scale)
        np.testing.assert_allclose(found.stress, expected.stress, rtol=0, atol=1e-9)


def test_wall_in_single_precision(runner, walled_file, crystal):
    single, double = runner.evaluate_all(
        [crystal, crystal],
        [pair(walled_file, f"precision {word}") for word in ("single", "double")],
    )
    largest = np.abs(single.forces - double.forces).max()
    assert 0 < largest < 1e-4 * np.abs(double.forces).max()


@pytest.mark.parametrize("ranks", [1, 2])
def test_close_pairs_are_counted(runner, walled_file, crystal, ranks):
    n_pairs = fs.Potential.read(walled_file).evaluate(crystal).close_neighbors.sum() // 2
    script = runner.structure(crystal) + pair(walled_file)
    script += "compute far all pair forcesmith\nrun 0\nprint 'pairs $(c_far[2])'\n"
    output = runner.succeed(script, ranks=ranks)
    assert f"pairs {n_pairs}" in output
    first = re.search(r"Atoms (\d+) \((\w+)\) and (\d+) \((\w+)\) are ([\d.]+) angstrom", output)
    a, b = int(first[1]) - 1, int(first[3]) - 1
    assert [crystal.symbols[a], crystal.symbols[b]] == [first[2], first[4]]
    assert float(first[5]) == pytest.approx(crystal.get_distance(a, b, mic=True), abs=6e-4)
    assert "its wall acts there" in output
    assert f"for {n_pairs} pairs that are too close altogether" in output
    silent = runner.succeed(script.replace("forcesmith \n", "forcesmith extrapolation no\n"))
    assert "pairs 0" in silent and "angstrom apart" not in silent


def test_energy_is_conserved_at_the_wall(runner, walled_file, crystal):
    """Atoms that cross the onset, and where the wall is fully on, some hundred times."""
    script = runner.structure(crystal) + pair(walled_file)
    script += """
        velocity all create 2000 1
        fix 1 all nve
        timestep 0.0002
        run 0
        variable before equal $(etotal:%.10f)
        run 1000
        print "drift $(etotal-v_before)"
    """
    drift = float(re.search(r"drift (\S+)", runner.succeed(script))[1])
    assert abs(drift) < 2e-4 * len(crystal)


def test_virials_per_atom_add_up_at_the_wall(runner, walled_file, crystal):
    script = runner.structure(crystal) + pair(walled_file)
    script += """
        compute p all pressure NULL virial
        compute half all stress/atom NULL virial
        compute whole all centroid/stress/atom NULL virial
        compute h all reduce sum c_half[1] c_half[2] c_half[3] c_half[4]
        compute w all reduce sum c_whole[1] c_whole[2] c_whole[3] c_whole[4]
        thermo_style custom step c_p[*] c_h[*] c_w[*]
        run 0
        print "sums $(c_p[1]*vol) $(c_p[4]*vol) $(-c_h[1]) $(-c_h[4]) $(-c_w[1]) $(-c_w[4])"
    """
    found = re.search(r"^sums (.*)$", runner.succeed(script), re.MULTILINE)[1].split()
    xx, xy, *others = map(float, found)
    np.testing.assert_allclose(others, [xx, xy, xx, xy], rtol=1e-5)
