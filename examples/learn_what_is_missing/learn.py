"""A potential that knows when it does not know, and learns what it lacks: liquid copper.

    python learn.py

1. fit a moment tensor potential to crystals near 300 K;
2. heat the crystal with it until it melts, and grade what comes; beside the grades, the true errors
   of the forces;
3. of all snapshots, label those that enter the active set, fit again, and heat once more.

The teacher that gives energies and forces is ASE's effective medium theory: it costs nothing, and
its answer is known for every snapshot. In a study of yours, it is a first-principles program, and
only step 3 asks it. Everything is written to results/ beside this file.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.langevin import Langevin
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent / "results"
SETTINGS = {
    "descriptor": {"type": "moment_tensor", "level": 8, "cutoff": 5.0},
    "optimizer": {"max_iterations": 30},
    "weights": {"force": 0.1},
}
TEMPERATURES = (300, 600, 1200, 2400, 4800)
STEPS = 150  # at each of them, of 2 fs
console = Console(highlight=False)


def main() -> None:
    start = time.monotonic()
    RESULTS.mkdir(exist_ok=True)
    data = [labelled(atoms) for atoms in crystals(20)]
    for number in (1, 2):
        console.rule(f"Potential {number}: {len(data)} configurations")
        result = fs.fit(data, settings=SETTINGS)
        console.print(f"active set: {result.active_set}")
        result.potential.write(RESULTS / f"cu-{number}.json")
        snapshots = heated(result.potential)
        compare(result.potential, snapshots)
        if number == 1:
            chosen = fs.select_configurations(result.potential, snapshots, most=20)
            console.print(f"\n{len(chosen)} of {len(snapshots)} snapshots are labelled")
            data = data + [labelled(snapshots[number]) for number in chosen]
            ase.io.write(RESULTS / "data.extxyz", data)
    console.print(f"\nDone in {time.monotonic() - start:.0f} s; see {RESULTS}", soft_wrap=True)


def crystals(count: int) -> list[Atoms]:
    """Strained and rattled as at about 300 K, 32 atoms."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.01, (3, 3))), True)
        atoms.positions += rng.normal(0, 0.08, atoms.positions.shape)
        made.append(atoms)
    return made


def labelled(atoms: Atoms) -> Atoms:
    """A copy with energy, forces and stress of the teacher."""
    atoms = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True, info=atoms.info)
    atoms.calc = EMT()
    labels = {
        "energy": atoms.get_potential_energy(),
        "forces": atoms.get_forces(),
        "stress": atoms.get_stress(),
    }
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


def heated(potential: fs.Potential) -> list[Atoms]:
    """Snapshots of molecular dynamics with the potential, every 10 steps, hotter and hotter."""
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
    atoms.calc = potential.calculator()
    snapshots = []
    for kelvin in TEMPERATURES:
        dynamics = Langevin(
            atoms,
            timestep=2 * units.fs,
            temperature_K=kelvin,
            friction=0.02 / units.fs,
            fixcm=False,
            rng=np.random.default_rng(kelvin),
        )

        def keep(kelvin: int = kelvin) -> None:
            snapshots.append(atoms.copy())
            snapshots[-1].info = {"config_type": f"{kelvin} K"}

        with warnings.catch_warnings():  # of atoms closer than in the data: that is the point
            warnings.simplefilter("ignore")
            dynamics.attach(keep, interval=10)
            dynamics.run(STEPS)
    return snapshots


def compare(potential: fs.Potential, snapshots: list[Atoms]) -> None:
    """Grades beside the errors of forces that they warn of."""
    results = potential.evaluate(snapshots, grade=True)
    groups = {}
    for atoms, result in zip(snapshots, results, strict=True):
        errors = np.linalg.norm(result.forces - labelled(atoms).get_forces(), axis=1)
        groups.setdefault(atoms.info["config_type"], []).append((result.grades, errors))
    table = Table("at", "median grade", "largest grade", "above 2", "force error / eV/Å", box=None)
    for name, rows in groups.items():
        grades, errors = (np.concatenate(column) for column in zip(*rows, strict=True))
        share = f"{100 * np.mean(grades > 2):.0f} %"
        rms = np.sqrt(np.mean(errors**2))
        table.add_row(name, f"{np.median(grades):.2f}", f"{grades.max():.1f}", share, f"{rms:.3f}")
    console.print(table)


if __name__ == "__main__":
    main()
