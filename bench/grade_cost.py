"""What extrapolation grades cost in molecular dynamics, on one core.

    python bench/grade_cost.py [--data FOLDER] [--case mtp_16] [--repeats 5] [--steps 200]

Whole runs of LAMMPS as in rates.py, with the same potential: grades off, by default (every 100
steps), at every step, and at every step with an active set of all parameters (MLIP's way) where the
descriptor has parameters of its own. They take turns. The active sets come from disturbed copies
of the structure. --data as for rates.py. Records: grade_cost/CASE.json.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from statistics import median

import forcesmith as fs
import numpy as np
import tables
from ase import Atoms
from rate_cases import CASES, Prepared, Unavailable, prepare, run_lammps
from rates import ratio
from records import argument_parser, write_record

OFF, DEFAULT, EVERY, EVERY_ALL = "off", "default", "every step", "every step, all parameters"
MOST_COLUMNS = 2000


def disturbed_copies(atoms: Atoms) -> list[Atoms]:
    """From small to large displacements, so that grades of the run stay small."""
    copies = []
    for number, amplitude in enumerate(np.linspace(0.01, 0.25, 12)):
        moved = atoms.copy()
        moved.rattle(amplitude, seed=number)
        copies.append(moved)
    return copies


def write_potentials(prepared: Prepared) -> dict[str, str]:
    """The potential with its active sets; returns LAMMPS' commands by what is measured."""
    potential = prepared.potential
    if potential is None:
        raise Unavailable("it has no potential of ours")
    elements = " ".join(prepared.elements)
    fs.find_active_set(potential, disturbed_copies(prepared.atoms), "linear")
    potential.write(prepared.folder / "linear.json")

    def commands(keywords: str, file: str = "linear.json") -> str:
        return f"pair_style forcesmith {keywords}\npair_coeff * * {file} {elements}"

    found = {OFF: commands("grade off"), DEFAULT: commands(""), EVERY: commands("grade 1")}
    n_parameters = potential.info()["parameters"]
    if n_parameters["descriptors"] and sum(n_parameters.values()) <= MOST_COLUMNS:
        with_all = copy.copy(potential)
        fs.find_active_set(with_all, disturbed_copies(prepared.atoms), "all")
        with_all.write(prepared.folder / "all.json")
        found[EVERY_ALL] = commands("grade 1", "all.json")
    return found


def measure(name: str, data: Path | None, repeats: int, steps: int) -> dict:
    """The results of one case. Raises Unavailable."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(name, Path(folder), data)
        prepared.commands.clear()
        prepared.commands.update(write_potentials(prepared))
        runs = {what: [] for what in prepared.commands}
        for repeat in range(repeats):
            for what in sorted(runs, reverse=repeat % 2 == 0):
                runs[what].append(run_lammps(prepared, what, steps))
    energies = {run.energy for own in runs.values() for run in own}
    if len(energies) > 1:
        raise RuntimeError(f"{name}: grades change the run, energies {sorted(energies)} eV")
    rates = {what: [run.rate for run in own] for what, own in runs.items()}
    assert prepared.potential is not None
    return {
        "text": CASES[name].text,
        "atoms": len(prepared.atoms),
        "columns": prepared.potential._core.n_features(0),
        "rates": {what: median(own) for what, own in rates.items()},
        "all_rates": rates,
        "cpu_use": {what: [run.cpu_use for run in own] for what, own in runs.items()},
        "time_over_off": {
            what: ratio("ratio", rates[OFF], own) for what, own in rates.items() if what != OFF
        },
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    records = []
    for name in arguments.case or [name for name, case in CASES.items() if case.potential]:
        print(f"{name} ...", flush=True)
        try:
            results = measure(name, arguments.data, arguments.repeats, arguments.steps)
        except Unavailable as reason:
            print(f"{name} is left out: {reason}")
            continue
        records.append(
            write_record(
                "grade_cost",
                name,
                settings={
                    "repeats": arguments.repeats,
                    "statistic": "median",
                    "steps": arguments.steps,
                    "threads": 1,
                },
                results=results,
                peers=("lammps",),
                folder=arguments.output,
            )
        )
    print(f"\n{tables.grade_cost(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
