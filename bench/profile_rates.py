"""Where the time of molecular dynamics goes, on one core: a table of phases for one case.

    python bench/profile_rates.py Ta06A [--data FOLDER] [--repeats 3] [--steps 20] [--output FOLDER]

The kernels' phases, their times and floating-point operations are those of kernel_profile and
kernel_operations (`make bench-tools`), which evaluate the structure of the case from stored
neighbor lists. The rest comes from LAMMPS' own breakdown of a run: what its section Pair takes
beyond the phases is neighbor lists handed over to the kernels, and what the pair style does around
them. Times of LAMMPS are those of the processor, not of the wall clock.
The cases are those of rates.py. With --output, profile_CASE.json and profile_CASE.md are written.

(Not profile.py: a script's folder comes first in Python's path, and cProfile imports profile.)
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from rate_cases import (
    CASES,
    HOW_TO_BUILD_TOOLS,
    TOOLS,
    Unavailable,
    argument_parser,
    commit,
    count_operations,
    cpu_model,
    prepare,
    profile_kernels,
    run_lammps,
    tools_are_built,
)

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
    """Seconds and operations per atom and step of every row of the table."""
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
    return {
        "case": name,
        "text": CASES[name].text,
        "potential": prepared.origin,
        "atoms": best.atoms,
        "pairs_per_atom": kernels["pairs"] / kernels["atoms"],
        "rows": rows,
        "peak": kernels["peak"],
        "instruction_set": kernels["instruction_set"],
        "marks_per_atom": kernels["marks"],
        "seconds_per_mark": kernels["seconds_per_mark"],
        "katom_steps_per_second": best.rate,
        "cpu_use": best.cpu_use,
        "machine": cpu_model(),
        "commit": commit(),
    }


def table(record: dict) -> str:
    lines = [
        "| phase | us/atom | share | flop/atom | Gflop/s | of peak |",
        "|---|---|---|---|---|---|",
    ]
    rows = record["rows"]
    total = {
        "row": "**sum**",
        "seconds": sum(row["seconds"] for row in rows),
        "operations": sum(row["operations"] for row in rows),
    }
    for row in [*rows, total]:
        seconds, operations = row["seconds"], row["operations"]
        cells = [row["row"], f"{1e6 * seconds:.3f}", f"{100 * seconds / total['seconds']:.1f} %"]
        if operations > 0 and seconds > 0:
            rate = operations / seconds
            cells += [f"{operations:.0f}", f"{1e-9 * rate:.1f}"]
            cells += [f"{100 * rate / record['peak']:.0f} %"]
        else:
            cells += ["", "", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argument_parser(__doc__, repeats=3)
    parser.add_argument("case", choices=[name for name, case in CASES.items() if case.potential])
    parser.add_argument("--steps", type=int, default=20)
    parser.set_defaults(output=None)  # written only where asked for
    arguments = parser.parse_args()
    if not tools_are_built():
        raise SystemExit(f"{TOOLS} has no tools; `{HOW_TO_BUILD_TOOLS}` compiles them.")
    try:
        record = profile(arguments.case, arguments.data, arguments.repeats, arguments.steps)
    except Unavailable as reason:
        raise SystemExit(f"{arguments.case} cannot be run: {reason}.") from None
    print(
        f"{record['case']}: {record['text']}, {record['potential']}; {record['atoms']} atoms, "
        f"{record['pairs_per_atom']:.1f} neighbors each\n{record['machine']}, "
        f"{record['instruction_set']}, peak {1e-9 * record['peak']:.1f} Gflop/s; LAMMPS ran at "
        f"{record['katom_steps_per_second']:.2f} katom-step/s with "
        f"{100 * record['cpu_use']:.0f} % of the core\n"
    )
    print(table(record))
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        base = arguments.output / f"profile_{record['case']}"
        Path(f"{base}.json").write_text(json.dumps(record, indent=1) + "\n")
        Path(f"{base}.md").write_text(table(record) + "\n")


if __name__ == "__main__":
    main()
