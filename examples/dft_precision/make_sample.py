"""Small crystals that are strained and displaced: the sample of the study of precision.

Displacements are along an axis of symmetry, so that few k-points are different.
"""

import ase.io
import numpy as np
from ase import Atoms
from ase.build import bulk

LATTICES = {"Al": 3.97, "Cu": 3.55, "Mg": 3.13}  # angstrom, near the minima of these calculations


def two_atoms(element: str) -> Atoms:
    """fcc: its tetragonal cell of two atoms; Mg: hcp."""
    a = LATTICES[element]
    if element == "Mg":
        return bulk("Mg", "hcp", a=a, c=1.62 * a)
    cell = [a / np.sqrt(2), a / np.sqrt(2), a]
    return Atoms([element] * 2, cell=cell, scaled_positions=[[0, 0, 0], [0.5] * 3], pbc=True)


for element in LATTICES:
    sample = []
    for strain, displacement in (((0.0, 0.0), 0.12), ((0.03, -0.02), 0.06), ((-0.03, 0.01), 0.2)):
        atoms = two_atoms(element)
        atoms.set_cell(atoms.cell.array @ np.diag(1 + np.array(strain)[[0, 0, 1]]), True)
        atoms.positions[1, 2] += displacement
        sample.append(atoms)
    ase.io.write(f"{element.lower()}.extxyz", sample)
