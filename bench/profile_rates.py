"""Where the time of molecular dynamics goes, on one core: a table of phases for one case.

    python bench/profile_rates.py Ta06A [--data FOLDER] [--repeats 3] [--steps 20]

The kernels' phases, their times and floating-point operations are those of kernel_profile
(`make bench-tools`), which evaluates the structure of the case from stored neighbor lists. The rest
comes from LAMMPS' own breakdown of a run: what its section Pair takes beyond the phases is neighbor
lists handed over to the kernels, and what the pair style does around them. Times of LAMMPS are
those of the processor, not of the wall clock.
The cases are those of rates.py. Records: profile/CASE.json.

(Not profile.py: a script's folder comes first in Python's path, and cProfile imports profile.)
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import tables
from rate_cases import (
    CASES,
    HOW_TO_BUILD_TOOLS,
    TOOLS,
    Unavailable,
    count_operations,
    prepare,
    profile_kernels,
    run_lammps,
    tools_are_built,
)
from records import argument_parser, write_record

PHASES = {
    "neighbors": "neighbor lists, stored",
    "descriptor": "descriptor, phases not told apart",
    "packing": "packing of neighbors",
    "radial": "radial functions",
    "moments": "moments, U or angular sums",
    "contraction": "contraction",
    "model": "model",
    "adjoint": "adjoint of the contraction",
    "pair_gradients": "gradients of pairs",
    "terms": "ZBL",
    "forces": "forces from pairs",
    "other": "other",
}


def profile(name: str, data: Path | None, repeats: int, steps: int) -> dict:
    """Seconds and operations per atom and step of every row of the table, and what they say."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(name, Path(folder), data)
        if prepared.potential is None:
            raise Unavailable("it runs a pair style of LAMMPS alone")
        kernels = profile_kernels(prepared)
        operations = count_operations(prepared)
        runs = [run_lammps(prepared, "forcesmith", steps) for _ in range(repeats)]
    best = max(runs, key=lambda run: run.rate / run.cpu_use)
    # Other work on the core does not count.
    scale = best.cpu_use / (best.atoms * best.steps)
    lammps = {section: scale * seconds for section, seconds in best.sections.items()}
    phases = {phase: kernels["seconds"].get(phase, 0.0) for phase in PHASES}
    rows = [
        {"row": PHASES[phase], "seconds": seconds, "operations": operations.get(phase, 0.0)}
        for phase, seconds in phases.items()
        if seconds > 5e-10 or operations.get(phase, 0.0) > 0
    ]
    rest = lammps.pop("Pair") - sum(phases.values())
    rows.append({"row": "rest of the pair style", "seconds": rest, "operations": 0.0})
    rows += [
        {"row": f"LAMMPS: {section}", "seconds": seconds, "operations": 0.0}
        for section, seconds in lammps.items()
    ]
    total = sum(row["seconds"] for row in rows)
    for row in rows:
        row["share"] = row["seconds"] / total
        if row["operations"] and row["seconds"] > 0:
            row["rate"] = row["operations"] / row["seconds"]
            row["fraction_of_peak"] = row["rate"] / kernels["peak"]
    return {
        "text": CASES[name].text,
        "potential": prepared.origin,
        "atoms": best.atoms,
        "pairs_per_atom": kernels["pairs"] / kernels["atoms"],
        "rows": rows,
        "peak": kernels["peak"],
        "marks_per_atom": kernels["marks"],
        "seconds_per_mark": kernels["seconds_per_mark"],
        "katom_steps_per_second": best.rate,
        "cpu_use": best.cpu_use,
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("case", choices=[name for name, case in CASES.items() if case.potential])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    if not tools_are_built():
        raise SystemExit(f"{TOOLS} has no tools; `{HOW_TO_BUILD_TOOLS}` compiles them.")
    try:
        found = profile(arguments.case, arguments.data, arguments.repeats, arguments.steps)
    except Unavailable as reason:
        raise SystemExit(f"{arguments.case} cannot be run: {reason}.") from None
    record = write_record(
        "profile",
        arguments.case,
        settings={"repeats": arguments.repeats, "steps": arguments.steps, "threads": 1},
        results=found,
        peers=("lammps",),
        folder=arguments.output,
    )
    print(
        f"{arguments.case}: {found['text']}, {found['potential']}; {found['atoms']} atoms, "
        f"{found['pairs_per_atom']:.1f} neighbors each\npeak {1e-9 * found['peak']:.1f} Gflop/s; "
        f"LAMMPS ran at {found['katom_steps_per_second']:.2f} katom-step/s with "
        f"{100 * found['cpu_use']:.0f} % of the core\n"
    )
    print(f"{tables.profile([record])}\n\n{tables.origin([record])}")


if __name__ == "__main__":
    main()
