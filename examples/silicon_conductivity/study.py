"""Heat conduction of Stillinger-Weber silicon, by phonons and by fluctuations of the heat flux.

LAMMPS' `sw` has no centroid stress, and so no exact heat flux. Moment tensors of level 8 can
hold all that this potential is made of: one is fitted to it, and takes its place.

    python study.py

Everything is written to results/. Interrupted, the same command goes on.
"""

from __future__ import annotations

from pathlib import Path

import forcesmith as fs
import numpy as np
from ase import Atoms
from ase.build import bulk

TEACHER = "lammps: sw Si.sw"
RESULTS = Path("results")
POTENTIAL = RESULTS / "silicon.json"
SETTINGS = {
    "properties": ["elastic_constants", "phonons", "thermal_conductivity", "green_kubo"],
    "options": {
        "lattice": {"isolated_atoms": False},
        "phonons": {"length": 10.0},
        "thermal_conductivity": {
            "phonon_length": 10.0,
            "meshes": [16.0, 28.0],
            "temperatures": [300.0, 500.0, 1000.0],
        },
        "green_kubo": {
            "temperature": 1000.0,
            "length": 21.0,
            "timestep": 0.002,
            "duration": 500.0,
            "seeds": 8,
            "interval": 0.01,
            "longest": 150.0,
            "window": 20.0,
        },
    },
}


def cells(number: int) -> list[Atoms]:
    """Crystals with strains and displacements by chance, of 32 and 64 atoms."""
    rng = np.random.default_rng(1)
    found = []
    for n in range(number):
        constant = 5.431 * rng.uniform(0.985, 1.025)
        atoms = bulk("Si", a=constant, cubic=True) * (2, 2, 2 if n % 2 else 1)
        strain = np.eye(3) + rng.normal(0, 0.01, (3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.rattle(rng.choice([0.03, 0.08, 0.15, 0.22]), rng=rng)
        found.append(atoms)
    return found


def fit() -> None:
    data = fs.label(cells(60), TEACHER, RESULTS / "labels.extxyz").labelled
    fitted = fs.fit(
        data[:48],
        descriptor={
            "type": "moment_tensor",
            "level": 8,
            "cutoff": 3.77118,  # angstrom: that of the teacher
            "radial_basis_size": 16,
        },
        weights={"energy": 1.0, "force": 0.1, "stress": 0.1},
        optimizer={"max_iterations": 1000, "tolerance": 1e-12},
        active_set={"mode": "off"},
    )
    fitted.potential.write(POTENTIAL)
    errors = fs.errors_by_group(fitted.potential, data[48:]).total
    print(f"force error of other cells: {errors.force_rmse:.4f} eV/angstrom")


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    if not POTENTIAL.exists():
        fit()
    found = fs.validate(["diamond Si 5.43"], [POTENTIAL], TEACHER, SETTINGS, RESULTS / "validation")
    for name in found.properties:
        for row in found.rows("Si", name):
            values = "  ".join(
                f"{who} {one.value:.4g}" + (f" ± {one.error:.2g}" if one.error else "")
                for who, one in row.values.items()
            )
            print(f"{name}: {row.quantity} ({row.unit}): {values}")
    for entry in found.failed:
        print(f"{entry.property}, {entry.subject}: no value, {entry.reason}")
    print(f"report: {RESULTS / 'validation' / 'report.html'}")


if __name__ == "__main__":
    main()
