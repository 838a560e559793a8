"""MgO learned from first principles: Quantum ESPRESSO labels what the potential does not know.

    python study.py

1. pseudopotentials: that of O is Debian's, that of Mg is made by ld1.x;
2. `forcesmith learn` with learn.toml: a primitive and a conventional cell, PBE, and the verdict;
3. errors on PBE cells of 64 atoms, which nothing was learned from.

Everything is written to results/ beside this file. Interrupted, the same command goes on.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import ase.io
import forcesmith as fs
import numpy as np
from forcesmith.cli.app import run as forcesmith
from forcesmith.files import write_atomically
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "learn.toml"
RESULTS = HERE / "results"
LARGER = HERE.parent / "mgo_vacancies"
"""An example with data of 64 atoms, and the script that made them by the same program, with the
same pseudopotentials and cutoff energies."""
PSEUDOPOTENTIALS_OF_DEBIAN = Path("/usr/share/espresso/pseudo")
console = Console(highlight=False)


def main() -> None:
    console.rule("1. Pseudopotentials")
    make_pseudopotentials(RESULTS / "pseudo")
    console.rule("2. Learning")
    ending = learn()
    console.rule("3. Cells of 64 atoms")
    rows = errors_of_larger_cells(RESULTS / "learned" / "potential.json")
    write_atomically(RESULTS / "larger_cells.json", json.dumps(rows, indent=1) + "\n")
    columns = "energy, meV/atom", "force, eV/Å", "stress, GPa", "largest grade"
    table = Table("cells", "number", *columns)
    for row in rows:
        texts = [f"{row[key]:.3g}" for key in ("energy", "force", "stress", "grade")]
        table.add_row(row["cells"], str(row["number"]), *texts)
    console.print(table)
    console.print(f"\nSee {RESULTS}", soft_wrap=True)
    sys.exit(ending)


def make_pseudopotentials(folder: Path) -> None:
    """As the data of 64 atoms were made with."""
    folder.mkdir(parents=True, exist_ok=True)
    made = make_mgo()
    for element, name in made.PP.items():
        if (folder / name).exists():
            continue
        if element == "O":
            shutil.copy(PSEUDOPOTENTIALS_OF_DEBIAN / name, folder)
        else:
            subprocess.run(
                ["ld1.x"],
                input=made.MG_LD1,
                text=True,
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )
    console.print(f"{', '.join(made.PP.values())} in {folder}", soft_wrap=True)


def make_mgo() -> ModuleType:
    """The script make_mgo.py, as a module."""
    spec = importlib.util.spec_from_file_location("make_mgo", LARGER / "make_mgo.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def learn() -> int:
    """What a user types: forcesmith learn learn.toml. 3: the verdict has found something not good
    enough."""
    code = forcesmith(["learn", str(CONFIG)])
    if code not in (0, 3):
        sys.exit(code)
    return code


def errors_of_larger_cells(potential_file: Path) -> list[dict[str, float | int | str]]:
    """Root mean square errors on the cells without a vacancy, by kind; meV/atom, eV/angstrom, GPa;
    and the largest grade. Of energies the median difference is left aside: those cells have finer
    k-points."""
    potential = fs.Potential.read(potential_file)
    cells = ase.io.read(LARGER / "mgo_pbe.extxyz", ":")
    whole = [atoms for atoms in cells if atoms.info["config_type"].startswith("pristine")]
    found = potential.evaluate(whole, grade=True)
    energies = [
        1000 * (one.energy - atoms.get_potential_energy()) / len(atoms)
        for one, atoms in zip(found, whole, strict=True)
    ]
    shift = float(np.median(energies))
    groups = fs.errors_by_group(found, whole)
    rows: list[dict[str, float | int | str]] = []
    for name, one in groups.groups.items():
        own = [n for n, atoms in enumerate(whole) if name in ("all", atoms.info["config_type"])]
        rows.append(
            {
                "cells": name,
                "number": len(own),
                "energy": float(np.sqrt(np.mean([(energies[n] - shift) ** 2 for n in own]))),
                "force": one.force_rmse,
                "stress": one.stress_rmse,
                "grade": max(found[n].configuration_grade for n in own),
            }
        )
    return rows


if __name__ == "__main__":
    main()
