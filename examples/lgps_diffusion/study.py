"""Lithium in Li10GeP2S12: a potential distilled from SevenNet-0, diffusion, activation energy.

    python study.py

1. the crystal: published sites, of which lithium takes some, and germanium every other;
2. `forcesmith learn` learns a potential under the conditions of learn.toml;
3. diffusion at several temperatures, by molecular dynamics in LAMMPS: `forcesmith.validate`;
4. the activation energy, beside published ones.

Everything is written to results/ beside this file. Interrupted, the same command goes on.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import ase.io
import forcesmith as fs
import matplotlib
import numpy as np
from ase import Atoms
from ase.spacegroup import crystal
from ase.units import _e, _k, kB
from forcesmith.cli.app import run as forcesmith
from forcesmith.progress import LineProgress
from rich.console import Console

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
SITES = {  # of P4_2/nmc, Kamaya et al. (2011), as pymatgen's structure Li10GeP2S12 has them
    "Ge": [(0, 0.5, 0.3093)],
    "P": [(0, 0, 0.5)],
    "S": [(0, 0.1843, 0.5897), (0, 0.2991, 0.905), (0, 0.301, 0.2086)],
    "Li": [(0.2563, 0.2718, 0.8168), (0, 0.5, 0.0554), (0.2463, 0.2463, 0)],
}
EDGES = (8.69407, 8.69407, 12.5994)  # angstrom
CLOSE = 2.0  # angstrom; of two lithium sites nearer than this, one is empty
TEMPERATURES = [600, 750, 900, 1200]  # K
DIFFUSION = {"length": 8.0, "timestep": 0.002, "equilibration": 6.0, "duration": 60.0}
PUBLISHED = {  # activation energy, eV; conductivity at 300 K, mS/cm
    "DFT, Mo et al. 2012": (0.21, 9.0),
    "experiment, Kamaya et al. 2011": (0.25, 12.0),
}
console = Console(highlight=False)


def main() -> None:
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    structure = results / "crystal.extxyz"
    if not structure.exists():
        ase.io.write(structure, ordered_crystal())
    console.rule("Learning")
    if code := forcesmith(["learn", str(HERE / "learn.toml")]):
        sys.exit(code)
    console.rule("Diffusion")
    potential = results / "learned" / "potential.json"
    found = arrhenius(sampled(structure, potential, results), structure)
    (results / "diffusion.json").write_text(json.dumps(found, indent=1) + "\n")
    for row in found["temperatures"]:
        console.print(
            f"{row['temperature']} K: {row['diffusion']:.2f} +- {row['error']:.2f} 1e-5 cm^2/s"
            f" (grade {row['grade']:.2g})"
        )
    console.print(
        f"activation energy: {found['activation_energy']:.3f} +- "
        f"{found['activation_energy_error']:.3f} eV; "
        f"at 300 K {found['conductivity_300K']:.2g} mS/cm"
    )
    plot(found, results / "diffusion.svg")


def ordered_crystal() -> Atoms:
    """50 atoms, of the 58 sites of the averaged structure.

    The two germanium atoms are as far apart as they can be, phosphorus has the other two of the
    shared sites. Of every pair of near lithium sites one is taken, such that lithium ions are far
    from each other (the lowest sum of r^-6).
    """
    sites = crystal(
        [element for element, own in SITES.items() for _ in own],
        [site for own in SITES.values() for site in own],
        spacegroup=137,
        cellpar=[*EDGES, 90, 90, 90],
    )
    distances = sites.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    shared = [n for n, symbol in enumerate(sites.symbols) if symbol == "Ge"]
    pairs = itertools.combinations(shared, 2)
    germanium = max(pairs, key=lambda pair: round(distances[pair], 6))
    lithium = [n for n, symbol in enumerate(sites.symbols) if symbol == "Li"]
    near = [p for p in itertools.combinations(lithium, 2) if distances[p] < CLOSE]
    alone = [n for n in lithium if n not in {n for pair in near for n in pair}]
    taken = min(
        ([*alone, *choice] for choice in itertools.product(*near)),
        key=lambda chosen: round(np.sum(distances[np.ix_(chosen, chosen)] ** -6.0), 9),
    )
    for n in set(shared) - set(germanium):
        sites.symbols[n] = "P"
    kept = [n for n, symbol in enumerate(sites.symbols) if symbol != "Li" or n in taken]
    made = Atoms(sites[kept].symbols, sites[kept].positions, cell=sites.cell, pbc=True)
    return made[np.argsort(made.numbers, kind="stable")]


def sampled(structure: Path, potential: Path, results: Path) -> list[dict]:
    """Diffusion of lithium, 1e-5 cm^2/s, and mean square displacements, by temperature."""
    rows = []
    with LineProgress(console) as progress:
        for temperature in TEMPERATURES:
            settings = {
                "properties": ["diffusion"],
                "options": {
                    "lattice": {"isolated_atoms": False, "force": 0.01},
                    "diffusion": {**DIFFUSION, "temperature": temperature},
                },
            }
            into = results / f"validation-{temperature}K"
            found = fs.validate(
                [structure], [potential], settings=settings, into=into, progress=progress.show
            )
            [entry] = [one for one in found.entries if one.property == "diffusion"]
            if entry.result is None:
                sys.exit(f"{temperature} K: {entry.reason}")
            quantities, plots = entry.result.quantities, entry.result.plots
            [curve] = [one for one in plots["displacement"].curves if one.label == "Li"]
            rows.append(
                {
                    "temperature": temperature,
                    "diffusion": quantities["diffusion of Li"].value,
                    "error": quantities["diffusion of Li"].error,
                    "diffusion of S": quantities["diffusion of S"].value,
                    "density": quantities["density"].value,
                    "grade": entry.result.largest_grade,
                    "time": curve.x,
                    "displacement": curve.y,
                    "displacement_error": curve.error,
                }
            )
    return rows


def arrhenius(rows: list[dict], structure: Path) -> dict:
    """The line through log D over 1/T, weighted by errors: activation energy (eV), and the
    conductivity at 300 K by Nernst and Einstein (mS/cm)."""
    inverse = np.array([1 / row["temperature"] for row in rows])
    values = np.array([row["diffusion"] for row in rows])
    weights = values / np.array([row["error"] for row in rows])
    line, covariance = np.polyfit(inverse, np.log(values), 1, w=weights, cov="unscaled")
    atoms = ase.io.read(structure)
    density = np.count_nonzero(atoms.symbols == "Li") / atoms.cell.volume * 1e30  # 1/m^3
    at_room = np.exp(np.polyval(line, 1 / 300)) * 1e-9  # m^2/s
    return {
        "temperatures": rows,
        "line": line.tolist(),
        "activation_energy": float(-line[0] * kB),
        "activation_energy_error": float(np.sqrt(covariance[0, 0]) * kB),
        "conductivity_300K": float(density * _e**2 * at_room / (_k * 300) * 10),
    }


def plot(found: dict, path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for row in found["temperatures"]:
        time, mean, error = (
            np.array(row[name]) for name in ("time", "displacement", "displacement_error")
        )
        [line] = left.plot(time, mean, label=f"{row['temperature']} K")
        left.fill_between(time, mean - error, mean + error, color=line.get_color(), alpha=0.2)
    left.set(xlabel="time (ps)", ylabel="mean square displacement of Li (Å²)")
    left.legend()
    inverse = np.array([1000 / row["temperature"] for row in found["temperatures"]])
    values = np.array([row["diffusion"] for row in found["temperatures"]]) * 1e-5
    errors = np.array([row["error"] for row in found["temperatures"]]) * 1e-5
    right.errorbar(inverse, values, errors, fmt="o", capsize=3, color="black", label="sampled")
    ends = np.array([inverse.min(), inverse.max()])
    fitted = np.exp(np.polyval(found["line"], ends / 1000)) * 1e-5
    right.plot(ends, fitted, "black", label=f"{found['activation_energy']:.2f} eV")
    middle = inverse.mean()
    level = np.exp(np.polyval(found["line"], middle / 1000)) * 1e-5
    for (name, (energy, _)), style in zip(PUBLISHED.items(), ("--", ":"), strict=True):
        slope = np.exp(-energy / (1000 * kB) * (ends - middle))
        right.plot(ends, level * slope, style, label=f"slope of {energy:.2f} eV: {name}")
    right.set(xlabel="1000 / T (1/K)", ylabel="diffusion of Li (cm²/s)", yscale="log")
    right.legend(fontsize="small")
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    main()
