"""What potentials for silicon are worth: three sizes of one model, the same data.

Labels come from Stillinger-Weber silicon, so that all properties are known.
"""

from __future__ import annotations

from pathlib import Path

import forcesmith as fs
import numpy as np
from ase import Atoms
from ase.build import bulk

TEACHER = "lammps: sw Si.sw"
RESULTS = Path("results")
SETTINGS = {
    "properties": ["elastic_constants", "phonons", "point_defects", "surfaces", "stacking_faults"],
    "options": {
        "lattice": {"isolated_atoms": False},
        "phonons": {"length": 10.0},
        "point_defects": {"interstitials": False},
        "stacking_faults": {"points": 6, "thickness": 12.0},
    },
}


LEVELS = (6, 8, 12)
"""Of the moment tensors."""


def cells(number: int, rng: np.random.Generator) -> list[Atoms]:
    """Strained and rattled ones of 64 atoms; every other lacks one."""
    found = []
    for n in range(number):
        atoms = bulk("Si", a=5.431, cubic=True) * (2, 2, 2)
        if n % 2:
            del atoms[rng.integers(len(atoms))]
        strain = np.eye(3) + rng.normal(0, 0.015, (3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.rattle(rng.uniform(0.02, 0.25), rng=rng)
        found.append(atoms)
    return found


def main() -> None:
    rng = np.random.default_rng(1)
    RESULTS.mkdir(exist_ok=True)
    data = fs.label(cells(40, rng), TEACHER, RESULTS / "labels.extxyz").labelled
    train, test = data[:30], data[30:]
    for level in LEVELS:
        fitted = fs.fit(
            train,
            descriptor={"type": "moment_tensor", "level": level, "cutoff": 4.2},
            optimizer={"max_iterations": 60},
        )
        fs.find_active_set(fitted.potential, train)
        fitted.potential.write(RESULTS / f"level-{level}.json")
        errors = fs.errors_by_group(fitted.potential, test).total
        print(f"level {level}: force error {errors.force_rmse:.3f} eV/angstrom")
    potentials = [RESULTS / f"level-{level}.json" for level in LEVELS]
    found = fs.validate(
        ["diamond Si 5.43"],
        potentials,
        reference=TEACHER,
        settings=SETTINGS,
        into=RESULTS / "validation",
        against=[Path(__file__).with_name("published.toml")],
    )
    for name in found.properties:
        for row in found.rows("Si", name):
            values = "  ".join(f"{who} {one.value:.4g}" for who, one in row.values.items())
            print(f"{name}: {row.quantity} ({row.unit}): {values}")
    for name in found.properties:
        for who in (path.name for path in potentials):
            entry = found.entry("Si", name, who)
            if entry and entry.result and entry.result.largest_grade:
                print(f"largest grade of {name} with {who}: {entry.result.largest_grade:.3g}")
    print(f"report: {RESULTS / 'validation' / 'report.html'}")


if __name__ == "__main__":
    main()
