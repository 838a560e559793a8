"""An oxide and its vacancies, distilled from a universal potential into a small fast one.

    python study.py MgO          (or CuO, Cu2O, Ag2O, AgO)

1. the teacher relaxes the crystal;
2. `forcesmith learn` learns a potential under the conditions of learn.toml;
3. formation energies of vacancies, relaxed by the potential and by the teacher;
4. the same in ever larger cells, by the potential alone, in LAMMPS;
5. thermal expansion, by molecular dynamics of the potential.

Everything is written to results/OXIDE/ beside this file. Interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import ase.io
import forcesmith as fs
import matplotlib
import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.spacegroup import crystal
from forcesmith.cli.app import run as forcesmith
from forcesmith.lammps import Output
from forcesmith.lammps import run as run_lammps
from forcesmith.teachers.calculator import TeacherCalculator
from rich.console import Console
from rich.table import Table

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
LARGEST_FORCE = 0.01  # eV/angstrom, of relaxed structures
COMPARED_CELLS = [(2, 2, 2), (2, 2, 3), (3, 3, 3), (3, 3, 4)]
SIZES = [2, 3, 4, 5, 6, 8, 10]  # of the series, along each direction
TEMPERATURES = [300, 600, 900, 1200, 1500]  # K
TEACHER = "sevennet:7net-0"
OTHER_TEACHERS = {"Cu2O": "chgnet"}  # of what the usual one does not keep
COOLER = {"Ag2O": [300, 400, 500, 600], "AgO": [300, 400, 500, 600]}  # these decompose when hotter
EXPANDING_CELLS = 5  # along each direction, of the cell that expands
EQUILIBRATION, AVERAGING = 5.0, 20.0  # ps
OXIDES: dict[str, dict[str, Any]] = {
    "MgO": {  # rocksalt
        "symbols": ["Mg", "O"],
        "basis": [(0, 0, 0), (0.5, 0.5, 0.5)],
        "spacegroup": 225,
        "cellpar": [4.21, 4.21, 4.21, 90, 90, 90],
    },
    "CuO": {  # tenorite, C2/c
        "symbols": ["Cu", "O"],
        "basis": [(0.25, 0.25, 0), (0, 0.4184, 0.25)],
        "spacegroup": 15,
        "cellpar": [4.684, 3.423, 5.129, 90, 99.54, 90],
    },
    "Cu2O": {  # cuprite, Pn-3m
        "symbols": ["Cu", "O"],
        "basis": [(0.25, 0.25, 0.25), (0, 0, 0)],
        "spacegroup": 224,
        "cellpar": [4.27, 4.27, 4.27, 90, 90, 90],
    },
    "Ag2O": {  # cuprite
        "symbols": ["Ag", "O"],
        "basis": [(0.25, 0.25, 0.25), (0, 0, 0)],
        "spacegroup": 224,
        "cellpar": [4.73, 4.73, 4.73, 90, 90, 90],
    },
    "AgO": {  # P2_1/c
        "symbols": ["Ag", "Ag", "O"],
        "basis": [(0, 0, 0), (0.5, 0, 0.5), (0.295, 0.35, 0.23)],
        "spacegroup": 14,
        "cellpar": [5.859, 3.484, 5.5, 90, 107.5, 90],
    },
}
MINIMIZATION = """
units           metal
atom_modify     map yes
read_data       start.data
pair_style      forcesmith
pair_coeff      * * {potential} {elements}
thermo_style    custom step pe fmax
thermo          20
min_modify      norm inf
minimize        0.0 {largest_force} 2000 10000
"""
EXPANSION = """
units           metal
box             tilt large
read_data       start.data
pair_style      forcesmith grade 20 break 10
pair_coeff      * * {potential} {elements}
compute         ex all pair forcesmith
variable        grade equal c_ex[3]
timestep        0.002
velocity        all create {double} 1 mom yes rot no dist gaussian
fix             1 all npt temp {kelvin} {kelvin} 0.2 {coupling} 0 0 2.0
thermo_style    custom step time temp press vol v_grade
thermo          20
run             {equilibration}
run             {averaging}
"""
console = Console(highlight=False)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("oxide", choices=OXIDES)
    study = Study(parser.parse_args(arguments).oxide)
    study.folder.mkdir(parents=True, exist_ok=True)

    console.rule(f"1. {study.oxide} by the teacher")
    study.relax_unit()
    console.rule("2. Learning")
    study.learn()
    console.rule("3. Vacancies, potential and teacher")
    study.compare_vacancies()
    console.rule("4. Vacancies, larger and larger cells")
    study.series_of_sizes()
    console.rule("5. Thermal expansion")
    study.expand()
    study.plot()
    console.print(f"\nSee {study.folder}", soft_wrap=True)


class Study:
    """Of one oxide. Every step keeps what it has found; the teacher does nothing twice."""

    def __init__(self, oxide: str):
        self.oxide = oxide
        self.metal = OXIDES[oxide]["symbols"][0]
        self.elements = sorted([self.metal, "O"])  # the order of LAMMPS' atom types
        self.folder = HERE / "results" / oxide
        self.config = self.folder / "learn.toml"
        self.unit_file = self.folder / "unit.extxyz"
        self.temperatures = COOLER.get(oxide, TEMPERATURES)

    @cached_property
    def potential_file(self) -> Path:
        return Path(fs.LearnSettings.from_toml(self.config).folder) / "potential.json"

    @cached_property
    def potential(self) -> fs.Potential:
        return fs.Potential.read(self.potential_file)

    @cached_property
    def teacher(self) -> fs.Teacher:
        return fs.make_teacher(fs.LearnSettings.from_toml(self.config).teacher)

    @cached_property
    def unit_of_potential(self) -> Atoms:
        """The crystal as the potential has it."""
        unit = ase.io.read(self.unit_file)
        return relaxed(unit, self.potential.calculator(), cell=True)

    # ---- the teacher's crystal, and a potential of it ----

    def relax_unit(self) -> None:
        text = (HERE / "learn.toml").read_text().replace("Mg", self.metal)
        text = text.replace(TEACHER, OTHER_TEACHERS.get(self.oxide, TEACHER))
        hottest = rf"\g<1>{self.temperatures[-1]}"
        self.config.write_text(re.sub(r"(?m)^(temperature = .*)\b1500\b", hottest, text))
        if not self.unit_file.exists():
            made = crystal(**OXIDES[self.oxide])
            unit = relaxed(made, TeacherCalculator(self.teacher), cell=True)
            ase.io.write(self.unit_file, unit)
        unit = ase.io.read(self.unit_file)
        lengths = ", ".join(f"{length:.4f}" for length in unit.cell.lengths())
        console.print(f"{unit.symbols}: {lengths} Å, {unit.get_potential_energy():.4f} eV")

    def learn(self) -> None:
        """What a user types: forcesmith learn learn.toml."""
        if code := forcesmith(["learn", str(self.config), "--no-verdict"]):
            sys.exit(code)

    # ---- vacancies ----

    def vacancies(self, unit: Atoms, repeats: tuple[int, int, int]) -> Iterator[tuple[str, Atoms]]:
        """The element that lacks an atom, and the cell, a little out of its symmetry."""
        for element in ("O", self.metal):
            cell = unit.repeat(repeats)
            del cell[list(cell.symbols).index(element)]
            cell.rattle(0.01, seed=1)
            yield element, cell

    def reservoirs(self) -> dict[str, float]:
        """Energies of the atoms that were taken out, in O2 and in the metal, by the teacher, eV."""
        path = self.folder / "reservoirs.json"
        if not path.exists():
            calculator = TeacherCalculator(self.teacher)
            oxygen = molecule("O2")
            oxygen.set_cell([12.0, 12.0, 12.0])
            oxygen.pbc = True
            metal = bulk(self.metal)
            cells = {"O": relaxed(oxygen, calculator), self.metal: relaxed(metal, calculator, True)}
            energies = {e: cell.get_potential_energy() / len(cell) for e, cell in cells.items()}
            path.write_text(json.dumps(energies) + "\n")
        return json.loads(path.read_text())

    def vacancies_of_teacher(self) -> dict[tuple[str, str], Atoms]:
        """Relaxed, with their energies, by cell and element."""
        path = self.folder / "teacher.extxyz"
        known = ase.io.read(path, ":") if path.exists() else []
        found = {(atoms.info["cell"], atoms.info["lacks"]): atoms for atoms in known}
        unit = ase.io.read(self.unit_file)
        for repeats in COMPARED_CELLS:
            for element, cell in self.vacancies(unit, repeats):
                key = "x".join(map(str, repeats)), element
                if key not in found:
                    console.print(f"the teacher relaxes {key[0]} without {element}", style="dim")
                    atoms = relaxed(cell, TeacherCalculator(self.teacher))
                    atoms.info |= {"cell": key[0], "lacks": element}
                    found[key] = atoms
                    ase.io.write(path, atoms, append=True)
        return found

    def compare_vacancies(self) -> None:
        """Formation energies E(vacancy) + mu - E(crystal), each at its own lattice constants. mu is
        the energy of an atom in O2 (oxygen-rich) or in the metal (metal-rich), by the teacher."""
        mu = self.reservoirs()
        by_teacher = self.vacancies_of_teacher()
        units = {"teacher": ase.io.read(self.unit_file), "potential": self.unit_of_potential}
        per_unit = {name: unit.get_potential_energy() for name, unit in units.items()}
        rows = []
        for repeats in COMPARED_CELLS:
            name, count = "x".join(map(str, repeats)), np.prod(repeats)
            for element, cell in self.vacancies(units["potential"], repeats):
                theirs = by_teacher[name, element]
                own = relaxed(cell, self.potential.calculator())
                energies = {
                    "teacher": theirs.get_potential_energy(),
                    "potential": own.get_potential_energy(),
                }
                row = {"cell": name, "atoms": len(own), "vacancy": element}
                for who, energy in energies.items():
                    row[who] = float(energy + mu[element] - count * per_unit[who])
                there = self.potential.evaluate(theirs)
                row["potential_at_positions_of_teacher"] = float(
                    there.energy + mu[element] - count * self.energy_at_unit_of_teacher
                )
                row["force_error"] = float(
                    np.sqrt(((there.forces - theirs.get_forces()) ** 2).mean())
                )
                row["grade"] = float(self.potential.evaluate(own, grade=True).configuration_grade)
                rows.append(row)
        self.write("vacancies", rows)
        table = Table("cell", "lacks", "teacher / eV", "potential / eV", "difference", "grade")
        for row in rows:
            numbers = row["teacher"], row["potential"], row["potential"] - row["teacher"]
            texts = [f"{number:.3f}" for number in numbers]
            table.add_row(row["cell"], row["vacancy"], *texts, f"{row['grade']:.2f}")
        console.print(table)

    @cached_property
    def energy_at_unit_of_teacher(self) -> float:
        return self.potential.evaluate(ase.io.read(self.unit_file)).energy

    def series_of_sizes(self) -> None:
        """By LAMMPS."""
        mu, unit = self.reservoirs(), self.unit_of_potential
        jobs = [
            (size, element, cell)
            for size in SIZES
            for element, cell in self.vacancies(unit, (size,) * 3)
        ]

        def minimized(job: tuple[int, str, Atoms]) -> dict[str, Any]:
            size, element, cell = job
            script = self.script(MINIMIZATION, largest_force=LARGEST_FORCE)
            run = self.lammps(f"sizes/{size}-{element}", cell, script).runs[-1]
            crystal = size**3 * unit.get_potential_energy()
            energy = float(run["PotEng"][-1] + mu[element] - crystal)
            return {"size": size, "atoms": len(cell), "vacancy": element, "energy": energy}

        with ThreadPoolExecutor(2) as pool:
            rows = list(pool.map(minimized, jobs))
        self.write("sizes", rows)
        table = Table("cells", "lacks", "formation energy / eV")
        for row in rows:
            table.add_row(f"{row['size']}³", row["vacancy"], f"{row['energy']:.3f}")
        console.print(table)

    # ---- heat ----

    def expand(self) -> None:
        unit = self.unit_of_potential
        cell = unit.repeat(EXPANDING_CELLS)
        has_right_angles = np.allclose(cell.cell.angles(), 90, atol=1e-3)

        def heated(kelvin: float) -> dict[str, float]:
            script = self.script(
                EXPANSION,
                kelvin=kelvin,
                double=2 * kelvin,
                coupling="aniso" if has_right_angles else "tri",
                equilibration=round(EQUILIBRATION / 0.002),
                averaging=round(AVERAGING / 0.002),
            )
            run = self.lammps(f"expansion/{kelvin}K", cell, script).runs[-1]
            lengths = np.cbrt(run["Volume"] / cell.get_volume())
            return {
                "temperature": float(run["Temp"].mean()),
                "expansion": float(lengths.mean() - 1),
                "lattice_constant": float(lengths.mean() * unit.cell.lengths()[0]),
                "largest_grade": float(run["v_grade"].max()),
            }

        with ThreadPoolExecutor(2) as pool:
            rows = list(pool.map(heated, self.temperatures))
        self.write("expansion", rows)
        table = Table("T / K", "expansion", "a / Å", "largest grade")
        for row in rows:
            table.add_row(
                f"{row['temperature']:.0f}",
                f"{row['expansion']:.2%}",
                f"{row['lattice_constant']:.4f}",
                f"{row['largest_grade']:.2f}",
            )
        console.print(table)
        slope = np.polyfit([r["temperature"] for r in rows], [r["expansion"] for r in rows], 1)[0]
        console.print(f"mean linear coefficient: {1e6 * slope:.1f}e-6 / K")

    # ---- help ----

    def script(self, template: str, **values: Any) -> str:
        elements = " ".join(self.elements)
        return template.format(potential=self.potential_file, elements=elements, **values)

    def lammps(self, name: str, cell: Atoms, script: str) -> Output:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        ase.io.write(
            folder / "start.data",
            cell,
            format="lammps-data",
            masses=True,
            specorder=self.elements,
        )
        (folder / "in.lammps").write_text(script)
        return run_lammps(script, folder=folder, log=folder / "log.lammps")

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        lines = ",\n ".join(json.dumps(row) for row in rows)
        (self.folder / f"{name}.json").write_text(f"[{lines}]\n")

    def plot(self) -> None:
        read = {
            name: json.loads((self.folder / f"{name}.json").read_text())
            for name in ("vacancies", "sizes", "expansion")
        }
        figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
        for element, color in (("O", "C3"), (self.metal, "C2")):
            own = [row for row in read["sizes"] if row["vacancy"] == element]
            lowest = own[-1]["energy"]
            inverse = [1000 / row["atoms"] for row in own]
            energies = [row["energy"] - lowest for row in own]
            axes[1].plot(inverse, energies, "o-", color=color, label=element)
            own = [row for row in read["vacancies"] if row["vacancy"] == element]
            inverse = [1000 / row["atoms"] for row in own]
            energies = [row["teacher"] - lowest for row in own]
            axes[1].plot(inverse, energies, "x", color="black", label="teacher")
            axes[0].plot(
                [row["cell"] for row in own],
                [1000 * (row["potential"] - row["teacher"]) for row in own],
                "o-",
                color=color,
                label=f"vacancy of {element}",
            )
        axes[0].axhspan(-50, 50, alpha=0.1)
        axes[0].set(xlabel="cell", ylabel="potential - teacher / meV", title="formation energies")
        axes[1].set(
            xlabel="1000 / atoms", ylabel="relative to the largest / eV", title="cell sizes"
        )
        axes[2].plot(
            [row["temperature"] for row in read["expansion"]],
            [100 * row["expansion"] for row in read["expansion"]],
            "o-",
        )
        axes[2].set(xlabel="T / K", ylabel="linear expansion / %", title="thermal expansion")
        for axis in axes[:2]:
            axis.legend()
        figure.savefig(self.folder / "study.png", dpi=100)


def relaxed(atoms: Atoms, calculator: Calculator, cell: bool = False) -> Atoms:
    """A copy with its energy and forces."""
    moved = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    moved.calc = calculator
    if not BFGS(FrechetCellFilter(moved) if cell else moved, logfile=None).run(LARGEST_FORCE, 300):
        console.print(f"{moved.symbols} is not relaxed after 300 steps", style="red")
    return moved


if __name__ == "__main__":
    main()
