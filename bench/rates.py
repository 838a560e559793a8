"""Rates of pair_style forcesmith beside those of other programs, on one core.

    python bench/rates.py [--data FOLDER] [--case Ta06A] [--repeats 5] [--output FOLDER]

Whole runs of LAMMPS: same structure, same velocities (NVE, 300 K, 0.5 fs), same neighbor settings.
Where LAMMPS has the same potential under a pair style of its own (snap), both run and take turns,
so that other work on the machine slows both, and must end with the same energy. Our pair style in
single precision takes its turns with them; ratios to peers are those of double precision. Rates of
other programs, measured elsewhere, are printed as such; so are pair styles with potentials of their
own (pod, uf3), for orientation. The folder --data holds mtp_reference and n2p2_reference; without
the former, moment tensors are untrained ones of the same size, without the latter there is no
water. Writes rates.json and the table rates.md into the folder --output.

`make bench-tools` compiles what counts the floating-point operations and measures the core's peak.
"""

from __future__ import annotations

import json
import tempfile
from importlib import metadata
from pathlib import Path
from statistics import median

import forcesmith as fs
from forcesmith import _core
from rate_cases import (
    CASES,
    HOW_TO_BUILD_TOOLS,
    SINGLE,
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


def measure(name: str, data: Path | None, repeats: int, steps: int, count: bool) -> dict:
    """The record of one case."""
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(name, Path(folder), data)
        runs = {style: [] for style in sorted(prepared.commands)}
        for repeat in range(repeats):
            for style in sorted(runs, reverse=repeat % 2 == 0):
                runs[style].append(run_lammps(prepared, style, steps))
        rates = {style: [run.rate for run in own] for style, own in runs.items()}
        record = {
            "case": name,
            "text": case.text,
            "potential": prepared.origin or "of LAMMPS",
            "atoms": len(prepared.atoms),
            "steps": steps,
            "katom_steps_per_second": rates,
            "cpu_use": {style: [run.cpu_use for run in own] for style, own in runs.items()},
            "medians": {style: median(own) for style, own in rates.items()},
        }
        if count and prepared.potential:
            operations = count_operations(prepared)
            peak = profile_kernels(prepared, seconds=0.1)["peak"]
            per_second = 1e3 * record["medians"]["forcesmith"] * sum(operations.values())
            record |= {
                "operations_per_atom": operations,
                "operations_per_second": per_second,
                "peak": peak,
                "fraction_of_peak": per_second / peak,
            }
    if "forcesmith" not in runs:
        return record
    ours = rates["forcesmith"]
    record |= ratio("single_over_double", rates[SINGLE], ours)
    if case.peer:
        compare_energies(name, runs[case.peer][-1].energy, runs["forcesmith"][-1].energy)
        theirs = rates[case.peer]
        record["peer"] = f"pair_style {case.peer}"
    elif case.published:
        theirs = [case.published] * repeats
        record["peer"] = f"{case.published_by}, elsewhere"
        record["published"] = case.published
    else:
        return record
    record["peer_rate"] = median(theirs)
    return record | ratio("ratio", ours, theirs)


def ratio(name: str, rates: list[float], others: list[float]) -> dict:
    """The ratio of the medians, and the range of those of the repeats."""
    ratios = [rate / other for rate, other in zip(rates, others, strict=True)]
    return {name: median(rates) / median(others), f"{name}_range": [min(ratios), max(ratios)]}


def compare_energies(name: str, theirs: float, ours: float) -> None:
    if abs(theirs / ours - 1) > 1e-9:
        raise RuntimeError(f"{name}: the two styles end with energies {theirs} and {ours} eV")


def add_rates_beside(records: list[dict]) -> None:
    """To pair styles with other potentials, the rate of a case of ours in the same command."""
    by_case = {record["case"]: record for record in records}
    for record in records:
        beside = by_case.get(CASES[record["case"]].beside)
        if beside is None:
            continue
        ours = beside["medians"]["forcesmith"]
        record["another_potential_of_ours"] = {
            "case": beside["case"],
            "rate": ours,
            "ratio": ours / record["medians"][CASES[record["case"]].peer],
        }


def table(records: list[dict]) -> str:
    lines = [
        "| case | | atoms | pair_style forcesmith | precision single | single / double "
        "| peer | its rate | ratio | range | kflop/atom | of peak |",
        "|---" * 12 + "|",
    ]
    for record in records:
        medians = record["medians"]
        text = record["text"] + (", untrained" if record["potential"] == "untrained" else "")
        cells = [record["case"], text, str(record["atoms"])]
        if "forcesmith" in medians:
            cells += [f"{medians['forcesmith']:.2f}", f"{medians[SINGLE]:.2f}"]
            cells += [f"{record['single_over_double']:.2f}"]
        elif beside := record.get("another_potential_of_ours"):
            cells += [f"another potential, {beside['case']}: {beside['rate']:.2f}", "", ""]
        else:
            cells += ["", "", ""]
        if "ratio" in record:
            low, high = record["ratio_range"]
            cells += [record["peer"], f"{record['peer_rate']:.2f}", f"{record['ratio']:.2f}"]
            cells += [f"{low:.2f} to {high:.2f}"]
        elif "forcesmith" not in medians:
            [(style, rate)] = medians.items()
            cells += [f"pair_style {style}", f"{rate:.2f}", "", ""]
        else:
            cells += ["", "", "", ""]
        if "operations_per_atom" in record:
            cells += [f"{1e-3 * sum(record['operations_per_atom'].values()):.1f}"]
            cells += [f"{100 * record['fraction_of_peak']:.0f} %"]
        else:
            cells += ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argument_parser(__doc__, repeats=5)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    count = tools_are_built()
    if not count:
        print(f"No operations and no peak: {TOOLS} has no tools; `{HOW_TO_BUILD_TOOLS}`.")
    records = []
    skipped = {}
    for name in arguments.case or CASES:
        print(f"{name} ...", flush=True)
        try:
            records.append(measure(name, arguments.data, arguments.repeats, arguments.steps, count))
        except Unavailable as reason:
            skipped[name] = str(reason)
            print(f"{name} is left out: {reason}")
    add_rates_beside(records)
    record = {
        "cases": records,
        "left_out": skipped,
        "machine": cpu_model(),
        "instruction_set": _core.instruction_set(),
        "commit": commit(),
        "versions": {"forcesmith": fs.__version__, "lammps": metadata.version("lammps")},
    }
    (arguments.output / "rates.json").write_text(json.dumps(record, indent=1) + "\n")
    (arguments.output / "rates.md").write_text(table(records) + "\n")
    print(f"\nkatom-step/s on one core, {record['machine']}, {record['instruction_set']}, median:")
    print(f"\n{table(records)}")
    least = min((use for r in records for own in r["cpu_use"].values() for use in own), default=1)
    if least < 0.95:
        print(f"\nThe core was shared: a run had only {100 * least:.0f} % of it.")


if __name__ == "__main__":
    main()
