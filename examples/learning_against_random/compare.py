"""Labels chosen by what a potential does not know, against labels chosen at random.

    python compare.py

1. `fs.learn` learns copper as learn.toml says; its labels, round by round, are one series of data;
2. the final potential runs every condition twice, with other velocities: snapshots of the one
   run are what is chosen from at random, those of the other the test;
3. fits to both series, and their errors on the test.

The teacher is ASE's effective medium theory, which costs nothing. Everything is written to results/
beside this file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import ase.io
import forcesmith as fs
import matplotlib
import numpy as np
from ase import Atoms
from forcesmith.lammps import run as run_lammps
from forcesmith.learning.conditions import Condition, expand
from forcesmith.learning.project import Project
from rich.console import Console
from rich.table import Table

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
DRAWS = 4  # of every number of labels
SNAPSHOTS = 80  # of every condition and run
HOW = ("learned", "at random")
NAMES = {"rms": "force error, RMS", "largest": "largest force error"}
SCRIPT = """
units           metal
read_data       start.data
pair_style      forcesmith
pair_coeff      * * {potential} {elements}
timestep        {timestep}
velocity        all create {first} {seed} mom yes rot no dist gaussian
fix             1 all npt temp {first} {last} {damping} iso {pressures} 2.0
dump            1 all extxyz {every} trajectory.extxyz
dump_modify     1 element {elements} sort id
run             {steps}
"""
console = Console(highlight=False)


def main() -> None:
    start = time.monotonic()
    settings = fs.LearnSettings.from_toml(HERE / "learn.toml")
    result = fs.learn(settings, after_round=report)
    console.print(f"{result.ending}: {result.sentence}", soft_wrap=True)

    conditions = expand(settings.conditions)
    pool, test = (
        [
            snapshot
            for condition in conditions
            for snapshot in trajectory(condition, result.potential, seed)
        ]
        for seed in (101, 202)
    )
    # the teacher labels all of the pool once, though a real one would be asked for the chosen only
    pool, test = (
        fs.label(data, "emt", RESULTS / name).labelled
        for data, name in ((pool, "pool.extxyz"), (test, "test.extxyz"))
    )

    learned = fs.read(result.folder / "labels.extxyz")
    project = Project(result.folder)
    sizes = spaced(project.fit(number)["labels"] for number in project.rounds() if number)
    more = [factor * sizes[-1] for factor in (2, 4) if factor * sizes[-1] <= len(pool)]
    rows = []
    rng = np.random.default_rng(1)
    for size in [*sizes, *more]:
        if size in sizes:
            rows.append(
                {"how": "learned", "labels": size, **errors(learned[:size], test, settings)}
            )
        for _ in range(DRAWS):
            drawn = [pool[n] for n in rng.choice(len(pool), size, replace=False)]
            rows.append({"how": "at random", "labels": size, **errors(drawn, test, settings)})
        console.print(f"{size} labels: fitted", style="dim")
    (RESULTS / "errors.json").write_text(json.dumps(rows, indent=1) + "\n")
    show(rows)
    console.print(f"\nDone in {time.monotonic() - start:.0f} s; see {RESULTS}", soft_wrap=True)


def report(project: Project, number: int) -> None:
    numbers = project.summary(number)
    console.print(f"round {number}: {numbers['labels_in_all']} labels", style="dim")


def spaced(sizes: Iterable[int]) -> list[int]:
    """Without those that are nearly the same; the last one is among them."""
    kept: list[int] = []
    for size in sorted(sizes, reverse=True):
        if not kept or size < kept[-1] / 1.15:
            kept.append(size)
    return kept[::-1]


def trajectory(condition: Condition, potential: Path, seed: int) -> list[Atoms]:
    """Snapshots of a run of LAMMPS under a condition."""
    folder = RESULTS / "trajectories" / f"{condition.name}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    ase.io.write(folder / "start.data", condition.structure, format="lammps-data", masses=True)
    first, last = condition.temperature
    script = SCRIPT.format(
        potential=potential.absolute(),
        elements=" ".join(condition.elements),
        timestep=condition.timestep,
        first=first,
        last=last,
        seed=seed,
        damping=100 * condition.timestep,
        pressures=" ".join(str(1e4 * value) for value in condition.pressure),  # bar
        every=condition.steps // SNAPSHOTS,
        steps=condition.steps,
    )
    run_lammps(script, folder=folder)
    snapshots = ase.io.read(folder / "trajectory.extxyz", "1:")
    return [
        Atoms(a.symbols, a.positions, cell=a.cell, pbc=True, info={"config_type": condition.name})
        for a in snapshots
    ]


def errors(data: list[Atoms], test: list[Atoms], settings: fs.LearnSettings) -> dict[str, float]:
    """Of the forces that a fit to `data` gives, eV/angstrom."""
    potential = fs.fit(data, settings=settings.fit).potential
    differences = np.concatenate(
        [
            np.linalg.norm(result.forces - atoms.get_forces(), axis=1)
            for result, atoms in zip(potential.evaluate(test), test, strict=True)
        ]
    )
    return {
        "rms": float(np.sqrt((differences**2).mean() / 3)),
        "largest": float(differences.max()),
    }


def show(rows: list[dict]) -> None:
    """A table and a plot: medians of the draws, and their range."""
    sizes = sorted({row["labels"] for row in rows})
    columns: list[list[str]] = []
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, key in zip(axes, ("rms", "largest"), strict=True):
        for how, style, color in zip(HOW, ("o-", "s--"), ("C0", "C1"), strict=True):
            found = {
                size: values
                for size in sizes
                if (values := [r[key] for r in rows if (r["how"], r["labels"]) == (how, size)])
            }
            middle = [np.median(values) for values in found.values()]
            low, high = ([f(values) for values in found.values()] for f in (min, max))
            axis.loglog(list(found), middle, style, color=color, label=how)
            axis.fill_between(list(found), low, high, alpha=0.2, color=color)
            texts = dict(zip(found, (f"{value:.3f}" for value in middle), strict=True))
            columns.append([texts.get(size, "") for size in sizes])
        axis.set(xlabel="labels", ylabel=f"{NAMES[key]} / eV/Å")
        axis.legend()
    figure.savefig(RESULTS / "labels.png", dpi=100)
    table = Table("labels", *(f"{name}, {how}" for name in NAMES.values() for how in HOW), box=None)
    for size, *texts in zip(sizes, *columns, strict=True):
        table.add_row(str(size), *texts)
    console.print(table)


if __name__ == "__main__":
    main()
