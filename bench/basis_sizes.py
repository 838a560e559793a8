"""Rates against the number of basis functions and of elements, for every descriptor.

    python bench/basis_sizes.py

A disturbed fcc crystal (lattice constant 4 angstrom, cutoff 5 angstrom, some 40 neighbors),
elements at random, linear models with random coefficients, molecular dynamics on one core.
Records: basis_sizes/DESCRIPTOR.json.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import forcesmith as fs
import numpy as np
import tables
from ase import Atoms
from ase.build import bulk
from rate_cases import disturbed, run_lammps, with_random_model, written
from records import argument_parser, write_record

ELEMENTS = ("Ag", "Au", "Pd", "Pt")
LATTICE, CUTOFF = 4.0, 5.0  # angstrom
SECONDS, STEPS, RUNS = 0.5, 5, 3  # of a run, of a first one that tells the rate; number of runs
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "moment_tensor": {
        f"level {level}": {"level": level, "min_distance": 1.5} for level in (8, 12, 16, 20)
    },
    "bispectrum": {f"2J = {two_j}": {"twojmax": two_j} for two_j in (4, 6, 8, 10)},
    "ace": {
        f"total degrees {degrees}": {"total_degree": degrees}
        for degrees in ([8, 5, 3], [10, 7, 5], [11, 8, 6, 4], [14, 10, 8, 6])
    },
    "pod": {
        f"nmax {nmax}, lmax {lmax}": {"nmax": nmax, "lmax": lmax}
        for nmax, lmax in (([4, 3, 2], [0, 2, 2]), ([6, 5, 4], [0, 3, 2]), ([8, 6, 5], [0, 4, 3]))
    },
    "symmetry_functions": {
        f"radial {radial}, angular {angular}": {"radial": radial, "angular": angular}
        for radial, angular in ((4, 2), (6, 3), (8, 4))
    },
}
SIZE_OF_ALLOYS = 1  # the second one, with one to four elements


def main() -> None:
    arguments = argument_parser(__doc__).parse_args()
    records = []
    for kind, sizes in SIZES.items():
        rows = [measured(kind, size, settings, 1) for size, settings in sizes.items()]
        size, settings = list(sizes.items())[SIZE_OF_ALLOYS]
        rows += [measured(kind, size, settings, n) for n in range(2, len(ELEMENTS) + 1)]
        records.append(
            write_record(
                "basis_sizes",
                kind,
                settings={"runs": RUNS, "statistic": "fastest", "cutoff": CUTOFF},
                results={"rows": rows},
                peers=("lammps",),
                folder=arguments.output,
            )
        )
        print(f"{kind}: {len(rows)} sizes", flush=True)
    print(f"\n{tables.basis_sizes(records)}\n\n{tables.origin(records)}")


def measured(kind: str, size: str, settings: dict[str, Any], n_elements: int) -> dict[str, Any]:
    elements = ELEMENTS[:n_elements]
    atoms = alloy(elements)
    potential = potential_of(kind, settings, elements, atoms)
    with tempfile.TemporaryDirectory() as name:
        prepared = written(Path(name), atoms, elements, potential, "untrained")
        first = run_lammps(prepared, "forcesmith", STEPS)
        steps = max(STEPS, round(1000 * first.rate * SECONDS / first.atoms))
        rates = [run_lammps(prepared, "forcesmith", steps).rate for _ in range(RUNS)]
    return {
        "size": size,
        "elements": n_elements,
        "values": potential._core.size(0),
        "microseconds": 1000 / max(rates),
    }


def potential_of(
    kind: str, settings: dict[str, Any], elements: tuple[str, ...], atoms: Atoms
) -> fs.Potential:
    reach = {"rcutfac": CUTOFF} if kind == "bispectrum" else {"cutoff": CUTOFF}
    descriptor = {"type": kind, **reach, **settings}
    return with_random_model(descriptor, elements, atoms, np.random.default_rng(1))


def alloy(elements: tuple[str, ...]) -> Atoms:
    atoms = disturbed(bulk("Ag", "fcc", a=LATTICE, cubic=True).repeat(8))
    atoms.symbols = np.random.default_rng(0).choice(elements, len(atoms))
    return atoms


if __name__ == "__main__":
    main()
