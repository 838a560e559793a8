"""The whole path on real data: fit MgO with vacancies, compare with DFT, run it in LAMMPS.

    python demo.py          (or `make demo` in the repository)

1. fit a moment tensor potential as config.toml says; errors per group, parity plot;
2. vacancy formation energies of the potential beside those of DFT;
3. molecular dynamics with LAMMPS, in.nve and in.npt: energy drift, lattice constant, speed.

Everything is written to results/ beside this file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import forcesmith as fs
import numpy as np
from ase import Atoms
from ase.optimize import BFGS
from forcesmith.data.labels import group_of
from forcesmith.lammps import LammpsError, Run
from forcesmith.lammps import run as run_lammps
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CELLS = 7  # of 8 atoms, along each direction, in molecular dynamics
N_ATOMS = 8 * CELLS**3
console = Console(highlight=False)


def main() -> None:
    start = time.monotonic()
    RESULTS.mkdir(exist_ok=True)

    console.rule("1. Fit")
    fit()

    console.rule("2. Vacancies")
    potential = fs.Potential.read(str(RESULTS / "mgo.json"))
    vacancies(potential, fs.read(HERE / "mgo_pbe.extxyz"))

    console.rule("3. Molecular dynamics in LAMMPS")
    # at the same time, on one core each
    with console.status("lmp -in in.nve, lmp -in in.npt"), ThreadPoolExecutor() as pool:
        nve, npt = pool.map(molecular_dynamics, ("in.nve", "in.npt"))
    constant_energy(*nve)
    constant_pressure(*npt)
    console.print(f"\nDone in {time.monotonic() - start:.0f} s; see {RESULTS}", soft_wrap=True)


def fit() -> None:
    """What a user types: forcesmith fit config.toml. A demonstration that was interrupted starts
    anew."""
    command = [sys.executable, "-m", "forcesmith.cli", "fit", "--overwrite"]
    command.append(str(HERE / "config.toml"))
    if code := subprocess.run(command).returncode:
        sys.exit(code)


def vacancies(potential: fs.Potential, data: list[Atoms]) -> None:
    """Formation energies E(vacancy) + mu - E(crystal), at the fixed cell of the crystal.

    mu is half an O2 molecule (oxygen-rich) or one atom of hcp Mg (magnesium-rich), both from DFT:
    the potential describes neither, and its energies count from the same zero as those of DFT.
    """
    references = json.loads((HERE / "references.json").read_text())
    cells = {group_of(atoms): atoms for atoms in data}  # each group asked for has one member
    crystal = cells["pristine_eq"]
    table = Table("vacancy", "atoms", "DFT / eV", "potential / eV", box=None, padding=(0, 2))
    for element, reference in (("O", "O2"), ("Mg", "Mg_hcp")):
        mu = references[reference]["energy_eV"] / references[reference]["atoms"]
        zero_dft = crystal.get_potential_energy() - mu
        zero = potential.evaluate(crystal).energy - mu
        atoms = cells[f"vac_{element}_unrelaxed"].copy()
        atoms.calc = potential.calculator()
        for name in ("unrelaxed", "relaxed"):
            if name == "relaxed":
                BFGS(atoms, logfile=None).run(fmax=0.005, steps=200)
            dft = cells[f"vac_{element}_{name}"].get_potential_energy() - zero_dft
            table.add_row(element, name, f"{dft:.3f}", f"{atoms.get_potential_energy() - zero:.3f}")
    console.print(table)
    console.print("(none of these cells with a vacancy was fitted; see README.md)")


def constant_energy(run: Run, speed: str) -> None:
    """NVE: the trend of the total energy."""
    slope, error = trend(run["Time"], 1000 * run["TotEng"] / N_ATOMS)
    report("NVE", run, speed, f"energy drift {slope:+.1e} ± {error:.0e} meV/atom/ps")


def constant_pressure(run: Run, speed: str) -> None:
    """NPT: the lattice constant at 300 K (the data set's own at 0 K, without vibrations: 4.243)."""
    edge = np.cbrt(np.mean(run["Volume"]) / CELLS**3)
    report("NPT", run, speed, f"lattice constant {edge:.3f} Å at {np.mean(run['Press']):.0f} bar")


def report(ensemble: str, run: Run, speed: str, finding: str) -> None:
    picoseconds = run["Time"][-1] - run["Time"][0]
    kelvin = np.mean(run["Temp"])
    console.print(
        f"{ensemble}: {N_ATOMS} atoms, {picoseconds:.1f} ps, mean {kelvin:.0f} K, {finding}"
    )
    console.print(f"     {speed}", style="dim")


def molecular_dynamics(script: str) -> tuple[Run, str]:
    """Run one LAMMPS script; returns its last run and a line on its speed."""
    log = RESULTS / f"{script}.log"
    try:
        output = run_lammps(HERE / script, variables={"cells": CELLS}, folder=HERE, log=log)
    except LammpsError as error:
        sys.exit(f"{script}: {error}\nsee {log}")
    performance = r"^Performance: (\S+ ns/day).* (\S+ \S*atom-step/s)"
    days, rate = re.findall(performance, output.text, re.M)[-1]
    return output.runs[-1], f"{rate}, {days} on one core"


def trend(time: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Slope of the least-squares line and its standard error (correlation in time ignored)."""
    (slope, _), covariance = np.polyfit(time, value - value.mean(), 1, cov=True)
    return slope, np.sqrt(covariance[0, 0])


if __name__ == "__main__":
    main()
