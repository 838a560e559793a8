"""Rates of pair_style forcesmith beside those of other programs, on one core.

    python bench/rates.py [--data FOLDER] [--case Ta06A] [--repeats 5] [--steps 20]

Whole runs of LAMMPS: same structure, same velocities (NVE, 300 K, 0.5 fs), same neighbor settings.
Where LAMMPS has the same potential under a pair style of its own (snap, pod), both run and take
turns, so that other work on the machine slows both, and must end with the same energy. Our pair
style in single precision takes its turns with them; ratios to peers are those of double precision.
Rates of the strongest peers, measured on another core of the same kind, are printed as such; so is
a pair style with a potential of its own (uf3), for orientation. The folder --data holds
mtp_reference and n2p2_reference; without the former, moment tensors are untrained ones of the same
size, without the latter there is no water. Records: rates/CASE.json; with FORCESMITH_ISA=avx2 in
the environment rates_avx2/CASE.json.

`make bench-tools` compiles what counts the floating-point operations and measures the core's peak.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from statistics import median

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
from tables import SINGLE


def measure(name: str, data: Path | None, repeats: int, steps: int, count: bool) -> dict:
    """The results of one case."""
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(name, Path(folder), data)
        runs = {style: [] for style in sorted(prepared.commands)}
        for repeat in range(repeats):
            for style in sorted(runs, reverse=repeat % 2 == 0):
                runs[style].append(run_lammps(prepared, style, steps))
        all_rates = {style: [run.rate for run in own] for style, own in runs.items()}
        results = {
            "text": case.text,
            "potential": prepared.origin or "of LAMMPS",
            "atoms": len(prepared.atoms),
            "rates": {style: median(own) for style, own in all_rates.items()},
            "all_rates": all_rates,
            "cpu_use": {style: [run.cpu_use for run in own] for style, own in runs.items()},
        }
        if count and prepared.potential:
            operations = count_operations(prepared)
            peak = profile_kernels(prepared, seconds=0.1)["peak"]
            per_atom = sum(operations.values())
            results |= {
                "operations_per_atom": per_atom,
                "operations_by_phase": operations,
                "peak": peak,
                "fraction_of_peak": 1e3 * results["rates"]["forcesmith"] * per_atom / peak,
            }
    if "forcesmith" not in runs:
        return results
    ours = all_rates["forcesmith"]
    results |= ratio("single_over_double", all_rates[SINGLE], ours)
    if case.elsewhere:
        results |= {"strongest": case.strongest, "strongest_rate": case.elsewhere}
        results["strongest_ratio"] = median(ours) / case.elsewhere
    if case.peer:
        compare_energies(name, runs[case.peer][-1].energy, runs["forcesmith"][-1].energy)
        theirs = all_rates[case.peer]
        results |= {"peer": f"pair_style {case.peer}", "peer_rate": median(theirs)}
        results |= ratio("ratio", ours, theirs)
    return results


def ratio(name: str, rates: list[float], others: list[float]) -> dict:
    """The ratio of the medians, and the range of those of the repeats."""
    ratios = [rate / other for rate, other in zip(rates, others, strict=True)]
    return {name: median(rates) / median(others), f"{name}_range": [min(ratios), max(ratios)]}


def compare_energies(name: str, theirs: float, ours: float) -> None:
    if abs(theirs / ours - 1) > 1e-9:
        raise RuntimeError(f"{name}: the two styles end with energies {theirs} and {ours} eV")


def add_rates_beside(found: dict[str, dict]) -> None:
    """To pair styles with other potentials, the rate of a case of ours in the same command."""
    for name, results in found.items():
        beside = CASES[name].beside
        if beside in found:
            results["beside"] = {"case": beside, "rate": found[beside]["rates"]["forcesmith"]}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()

    count = tools_are_built()
    if not count:
        print(f"No operations and no peak: {TOOLS} has no tools; `{HOW_TO_BUILD_TOOLS}`.")
    found = {}
    for name in arguments.case or CASES:
        print(f"{name} ...", flush=True)
        try:
            found[name] = measure(name, arguments.data, arguments.repeats, arguments.steps, count)
        except Unavailable as reason:
            print(f"{name} is left out: {reason}")
    add_rates_beside(found)
    isa = os.environ.get("FORCESMITH_ISA")
    records = [
        write_record(
            f"rates_{isa}" if isa else "rates",
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
        for name, results in found.items()
    ]
    print(f"\nkatom-step/s on one core, median\n\n{tables.rates(records)}")
    print(f"\n{tables.origin(records)}")
    least = min(
        (use for r in found.values() for own in r["cpu_use"].values() for use in own), default=1
    )
    if least < 0.95:
        print(f"The core was shared: a run had only {100 * least:.0f} % of it.")


if __name__ == "__main__":
    main()
