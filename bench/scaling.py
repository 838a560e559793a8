"""Rate and memory of pair_style forcesmith against threads, MPI ranks and the number of atoms.

    python bench/scaling.py [--data FOLDER] [--level 16] [--sizes 1 4 32 256 1000]

fcc copper, moment tensors (the potential of rates.py), NVE at 300 K. Sizes are thousands of atoms,
on one thread of one rank; a size of 10000 shows what ten million atoms need. Two threads and two
ranks are compared with one, taking turns, at 32 thousand atoms. Memory is the peak of the process.
Records: scaling/mtp_LEVEL.json.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import tables
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


def run(prepared: Prepared, atoms: float, threads: int = 1, ranks: int = 1) -> dict:
    """One run of about that many atoms."""
    cells = round((atoms / 4) ** (1 / 3))
    steps = max(2, round(ATOM_STEPS / (4 * cells**3)))
    script = INPUT.format(
        structure=CRYSTAL.format(cells=cells), pair=prepared.commands["forcesmith"], steps=steps
    )
    folder = prepared.folder
    (folder / "in.lammps").write_text(script)
    programs = Path(sys.executable).parent
    start = [str(programs / "mpirun"), "-np", str(ranks)] if ranks > 1 else []
    command = [*start, str(programs / "lmp"), "-in", "in.lammps", "-log", "none"]
    with open(folder / "output", "w+") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        text = output.read()
    found = re.search(r"Loop time of (\S+) on .* for (\d+) steps with (\d+)", text)
    if status != 0 or not found:
        raise RuntimeError(text)
    seconds, steps, n_atoms = float(found[1]), int(found[2]), int(found[3])
    return {
        "atoms": n_atoms,
        "threads": threads,
        "ranks": ranks,
        "steps": steps,
        "rate": 1e-3 * n_atoms * steps / seconds,
        "peak_memory_mb": usage.ru_maxrss / 1024 if ranks == 1 else None,  # else that of mpirun
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
                runs.append(run(prepared, 32e3, threads, ranks)["rate"])
        sizes = [run(prepared, 1e3 * size) for size in arguments.sizes]
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
