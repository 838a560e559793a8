"""Fragments of the snapshots that pair_style forcesmith writes."""

import ase.build
import forcesmith as fs
import numpy as np
from contract_examples import make_potential
from lammps_runner import ELEMENTS

MOMENTS = [{"type": "moment_tensor", "level": 4, "cutoff": 4.4, "min_distance": 1.6}]


def rocksalt(amplitude: float, n: int, seed: int = 0) -> ase.Atoms:
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.25, cubic=True).repeat(n)
    atoms.rattle(amplitude, seed=seed)
    return atoms


def test_snapshots_of_a_run_are_cut(runner):
    potential = make_potential(MOMENTS, {"type": "linear", "shared": False})
    assert potential.elements == ELEMENTS
    fs.find_active_set(potential, [rocksalt(0.08, 2, seed) for seed in range(3)])
    potential.write(runner.folder / "graded.json")
    atoms = rocksalt(0.02, 4)
    atoms.positions[100] += [0.9, 0.4, 0.2]
    grades = potential.evaluate(atoms, grade=True).grades
    assert grades.max() > 3
    script = runner.structure(atoms) + (
        "pair_style forcesmith grade 1 select 2 new.xyz\npair_coeff * * graded.json Mg O\nrun 0\n"
    )
    runner.succeed(script)
    [snapshot] = fs.read(runner.folder / "new.xyz")
    fragments = fs.cut_fragments(snapshot, fs.Potential.read(runner.folder / "graded.json"))
    worst = fragments[0]
    assert worst.info["center_id"] == grades.argmax() + 1
    assert worst.info["step"] == 0
    np.testing.assert_allclose(worst.info["center_grade"], grades.max(), rtol=1e-6)
    np.testing.assert_allclose(
        potential.evaluate(worst, grade=True).grades[0], grades.max(), rtol=1e-6
    )
    assert len(worst) < len(atoms)
