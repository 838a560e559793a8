"""The ASE calculator: labels, consistency of forces and stress, errors."""

import runpy

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from forcesmith.potentials.calculator import ForcesmithCalculator


@pytest.fixture
def crystal(crystals, small_potential):
    atoms = crystals[1].copy()
    atoms.calc = small_potential.calculator()
    return atoms


def test_it_gives_what_the_potential_gives(crystal, small_potential):
    result = small_potential.evaluate(crystal)
    assert isinstance(crystal.calc, ForcesmithCalculator)
    assert crystal.get_potential_energy() == result.energy
    assert crystal.get_potential_energy(force_consistent=True) == result.energy
    np.testing.assert_array_equal(crystal.get_forces(), result.forces)
    np.testing.assert_array_equal(crystal.get_stress(), result.stress)
    np.testing.assert_array_equal(crystal.get_potential_energies(), result.energies)
    assert result.energies.sum() == pytest.approx(result.energy, rel=1e-12)


def test_forces_are_the_derivative_of_the_energy(crystal):
    numerical = calculate_numerical_forces(crystal, eps=1e-4, iatoms=[0, 3])
    np.testing.assert_allclose(crystal.get_forces()[[0, 3]], numerical, rtol=1e-5, atol=1e-6)


def test_stress_is_the_derivative_with_strain(crystal):
    """ASE's sign: positive in tension; order xx yy zz yz xz xy."""
    numerical = calculate_numerical_stress(crystal, eps=1e-5)
    np.testing.assert_allclose(crystal.get_stress(), numerical, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("pbc", [(1, 1, 0), (1, 0, 0), (0, 0, 0)])
def test_stress_of_slabs_wires_and_clusters_in_a_cell(small_potential, pbc):
    """dE/d(strain) by the volume of the cell, as ASE's own calculators and LAMMPS say."""
    atoms = bulk("Cu", "fcc", 3.6, cubic=True) * (2, 1, 1)
    atoms.pbc = pbc
    atoms.center(vacuum=4.0, axis=[axis for axis in range(3) if not pbc[axis]])
    atoms.rattle(0.1, seed=1)
    atoms.calc = small_potential.calculator()
    numerical = calculate_numerical_stress(atoms, eps=1e-5)
    assert np.abs(numerical).max() > 1e-3
    np.testing.assert_allclose(atoms.get_stress(), numerical, rtol=1e-5, atol=1e-8)
    assert small_potential.evaluate(atoms).volume == pytest.approx(atoms.cell.volume)


def test_it_follows_the_atoms(crystal):
    before = crystal.get_potential_energy()
    crystal.positions[0, 0] += 0.1
    assert crystal.get_potential_energy() != before


def test_stress_without_a_volume(small_potential):
    dimer = Atoms("Cu2", positions=[[0, 0, 0], [0, 0, 2.4]])
    dimer.calc = small_potential.calculator()
    np.testing.assert_allclose(dimer.get_forces().sum(axis=0), 0, atol=1e-12)
    with pytest.raises(PropertyNotImplementedError, match="no cell with a volume"):
        dimer.get_stress()


def test_unknown_element_is_named(small_potential):
    atoms = bulk("Ag")
    atoms.calc = small_potential.calculator()
    with pytest.raises(ValueError, match="Ag.*Cu"):
        atoms.get_potential_energy()


def test_relaxation_of_positions_and_cell(small_potential):
    atoms = bulk("Cu", "fcc", a=3.5, cubic=True)
    atoms.rattle(0.03, seed=1)
    atoms.calc = small_potential.calculator()
    assert BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.01, steps=100)
    assert np.abs(atoms.get_stress()).max() < 1e-3


def test_slab_of_a_case(shared_cases, small_potential, tmp_path, monkeypatch, capsys):
    """Its script prints dE/d(strain) per volume, where once there was none."""
    small_potential.write(tmp_path / "cu.json")
    script = shared_cases / "slab_stress" / "slab.py"
    monkeypatch.setattr("sys.argv", [str(script), str(tmp_path / "cu.json")])
    slab = runpy.run_path(str(script))["a"]
    printed = np.array(capsys.readouterr().out.strip(" []\n").split(), dtype=float)

    def energy(strain):
        strained = slab.copy()
        strained.set_cell(slab.cell.array @ np.diag([1 + strain, 1, 1]), scale_atoms=True)
        return small_potential.evaluate(strained).energy

    expected = (energy(1e-4) - energy(-1e-4)) / 2e-4 / slab.get_volume()
    assert printed[0] == pytest.approx(expected, rel=1e-4)
    assert abs(printed[0]) > 1e-4
