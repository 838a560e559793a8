"""The example learn_copper: one command and few labels give a potential that is right there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.langevin import Langevin

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "learn_copper" / "copper.toml"


@pytest.mark.slow
def test_the_example_learns(tmp_path, command):
    shutil.copy(EXAMPLE, tmp_path)
    code, out, err = command("learn", tmp_path / EXAMPLE.name)
    assert code == 0, err
    assert "converged: every condition ran its time" in out
    labels = int(re.search(r"(\d+) labels", out)[1])
    assert 9 < labels < 60
    # The teacher's own dynamics, which the potential has not seen.
    potential = fs.Potential.read(tmp_path / "results" / "potential.json")
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
    atoms.calc = EMT()
    dynamics = Langevin(
        atoms,
        timestep=4 * units.fs,
        temperature_K=900,
        friction=0.02 / units.fs,
        fixcm=False,
        rng=np.random.default_rng(1),
    )
    errors, sizes = [], []
    for _ in range(10):
        dynamics.run(20)
        errors.append(potential.evaluate(atoms).forces - atoms.get_forces())
        sizes.append(atoms.get_forces())
    assert np.std(errors) < 0.05 * np.std(sizes)
