"""Rate and memory of pair_style forcesmith against threads, MPI ranks and the number of atoms.

    python bench/scaling.py [--data FOLDER] [--level 16] [--sizes 1 4 32 256 1000]

fcc copper, moment tensors (the potential of rates.py), NVE at 300 K. Sizes are thousands of atoms,
on one thread of one rank; a size of 10000 shows what ten million atoms need. Two threads and two
ranks are compared with one, taking turns, at 32 thousand atoms. Memory is the peak of the first
rank. Records: scaling/mtp_LEVEL.json.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from statistics import median

import tables
from forcesmith.lammps import run
from rate_cases import INPUT, Prepared, prepare
from records import argument_parser, write_record

CRYSTAL = """
lattice fcc 3.615
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 1 box
create_atoms 1 box
mass 1 63.546
"""
ATOM_STEPS = 2e6  # per run, at least 2 steps


def measured(prepared: Prepared, atoms: float, threads: int = 1, ranks: int = 1) -> dict:
    """One run of about that many atoms."""
    cells = round((atoms / 4) ** (1 / 3))
    steps = max(2, round(ATOM_STEPS / (4 * cells**3)))
    script = INPUT.format(
        structure=CRYSTAL.format(cells=cells), pair=prepared.commands["forcesmith"], steps=steps
    )
    output = run(script + "info memory\n", folder=prepared.folder, threads=threads, ranks=ranks)
    [done] = output.runs
    return {
        "atoms": done.atoms,
        "threads": threads,
        "ranks": ranks,
        "steps": done.steps,
        "rate": 1e-3 * done.rate,
        "peak_memory_mb": float(re.search(r"resident set size: (\S+) Mbyte", output.text)[1]),
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--level", type=int, choices=[10, 16, 20], default=16)
    parser.add_argument("--sizes", type=float, nargs="*", default=[1, 4, 32, 256, 1000])
    arguments = parser.parse_args()
    data = arguments.data.resolve() if arguments.data else None
    case = f"mtp_{arguments.level}"
    with tempfile.TemporaryDirectory() as name:
        prepared = prepare(case, Path(name), data)
        parallel = {(1, 1): [], (2, 1): [], (1, 2): []}
        for _ in range(arguments.repeats):
            for (threads, ranks), runs in parallel.items():
                runs.append(measured(prepared, 32e3, threads, ranks)["rate"])
        sizes = [measured(prepared, 1e3 * size) for size in arguments.sizes]
    for size in sizes:
        more = size["atoms"] - sizes[0]["atoms"]
        bytes_more = 2**20 * (size["peak_memory_mb"] - sizes[0]["peak_memory_mb"])
        size["bytes_per_atom"] = bytes_more / more if more else None
    record = write_record(
        "scaling",
        case,
        settings={"repeats": arguments.repeats, "statistic": "median", "parallel_atoms": 32000},
        results={
            "potential": prepared.origin,
            "parallel": [
                {"threads": threads, "ranks": ranks, "rate": median(rates), "all_rates": rates}
                for (threads, ranks), rates in parallel.items()
            ],
            "sizes": sizes,
        },
        peers=("lammps",),
        folder=arguments.output,
    )
    print(f"{tables.threads_and_ranks([record])}\n\n{tables.sizes([record])}")
    print(f"\n{tables.origin([record])}")


if __name__ == "__main__":
    main()
