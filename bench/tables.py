"""Tables of records, in Markdown: what the programs print and the documentation shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

Records = list[dict[str, Any]]
SINGLE = "forcesmith, single"
"""The pair style in single precision, beside "forcesmith", which is double precision."""


def mlearn(records: Records) -> str:
    rows = []
    for record in records:
        r = record["results"]
        train, test = r["train"], r["test"]
        rows.append(
            [record["case"], record["settings"]["weights"]["force"]]
            + [f"{train['energy_mae']:.2f}", f"{train['force_mae']:.4f}"]
            + [f"{test['energy_mae']:.2f}", f"{test['force_mae']:.4f}"]
            + [f"{r['seconds']:.0f}", f"{r['peak_memory_mb']:.0f}"]
        )
        energy, force = r["published_test_mae"]
        rows.append([f"**{record['case']}, published MTP**", "", "", "", energy, force, "", ""])
    return table(
        ["", "w_F", "train E", "train F", "test E", "test F", "wall time, s", "peak memory, MB"],
        rows,
    )


def tantalum(records: Records) -> str:
    return table(
        ["model", "wall time, s", "peak memory, MB", "energy MAE, meV/atom"]
        + ["force MAE, eV/angstrom", "largest relative difference to FitSNAP's coefficients"],
        [
            [record["case"], f"{r['seconds']:.1f}", f"{r['peak_memory_mb']:.0f}"]
            + [f"{r['energy_mae']:.2f}", f"{r['force_mae']:.4f}"]
            + [f"{r['largest_difference']:.1e}" if "largest_difference" in r else ""]
            for record in records
            for r in [record["results"]]
        ],
    )


def fitsnap(records: Records) -> str:
    [r] = [record["results"] for record in records]
    theirs, ours = r["fitsnap_seconds"], r["forcesmith_seconds"]
    parts = sum(r["fitsnap_parts_seconds"].values())
    return table(
        ["", "whole command, s", "without imports, s", "force MAE, eV/angstrom"],
        [
            ["FitSNAP", f"{theirs:.2f}", f"{parts:.2f}", f"{r['fitsnap_force_mae']:.4f}"],
            ["forcesmith", f"{ours:.2f}", f"{r['forcesmith_part_seconds']:.2f}"]
            + [f"{r['forcesmith_force_mae']:.4f}"],
            ["ratio", f"{theirs / ours:.1f}", f"{parts / r['forcesmith_part_seconds']:.1f}", ""],
        ],
    )


def models(records: Records) -> str:
    rows = []
    for record in records:
        r = record["results"]
        test = r["test"]
        rows.append(
            [r["element"], r["descriptor"], r["model"], r["values"], r["parameters"]]
            + [f"{test['energy_rmse']:.2f} ({test['energy_mae']:.2f})"]
            + [f"{test['force_rmse']:.3f} ({test['force_mae']:.3f})"]
            + [f"{r[name]:.0f}" for name in ("seconds", "peak_memory_mb", "rate")]
        )
    return table(
        ["", "descriptor", "model", "values", "parameters", "test E, meV/atom, RMSE (MAE)"]
        + ["test F, eV/angstrom, RMSE (MAE)", "fit, s", "memory, MB", "katom-step/s"],
        rows,
    )


def basis_sizes(records: Records) -> str:
    rows = []
    for record in records:
        for row in record["results"]["rows"]:
            time, values = row["microseconds"], row["values"]
            rows.append(
                [record["case"], row["size"], row["elements"], values]
                + [f"{time:.3g}", f"{1000 * time / values:.3g}"]
            )
    header = ["descriptor", "size", "elements", "values of an atom"]
    return table(header + ["microseconds per atom and step", "ns per value"], rows)


def rates(records: Records) -> str:
    rows = []
    for record in records:
        r = record["results"]
        own = r["rates"]
        text = r["text"] + (", untrained" if r["potential"] == "untrained" else "")
        row = [record["case"], text, r["atoms"]]
        if "forcesmith" in own:
            row += [f"{own['forcesmith']:.2f}", f"{own[SINGLE]:.2f}"]
            row += [f"{r['single_over_double']:.2f}"]
        elif beside := r.get("beside"):
            row += [f"another potential, {beside['case']}: {beside['rate']:.2f}", "", ""]
        else:
            row += ["", "", ""]
        if "ratio" in r:
            low, high = r["ratio_range"]
            row += [r["peer"], f"{r['peer_rate']:.2f}", f"{r['ratio']:.2f}"]
            row += [f"{low:.2f} to {high:.2f}"]
        elif "forcesmith" not in own:
            [(style, rate)] = own.items()
            row += [f"pair_style {style}", f"{rate:.2f}", "", ""]
        else:
            row += ["", "", "", ""]
        if "strongest" in r:
            row += [r["strongest"], f"{r['strongest_rate']:.4g}", f"{r['strongest_ratio']:.1f}"]
        else:
            row += ["", "", ""]
        if "operations_per_atom" in r:
            row += [f"{1e-3 * r['operations_per_atom']:.1f}"]
            row += [percent(r["fraction_of_peak"])]
        else:
            row += ["", ""]
        rows.append(row)
    return table(
        ["case", "", "atoms", "pair_style forcesmith", "precision single", "single / double"]
        + ["peer", "its rate", "ratio", "range", "strongest peer, elsewhere", "its rate", "ratio"]
        + ["kflop/atom", "of peak"],
        rows,
    )


def rates_of_one_isa(records: Records) -> str:
    """Of a run with FORCESMITH_ISA."""
    return table(
        ["case", "katom-step/s", "precision single", "single / double"],
        [
            [record["case"], f"{own['forcesmith']:.4g}", f"{own[SINGLE]:.4g}"]
            + [f"{record['results']['single_over_double']:.2f}"]
            for record in records
            for own in [record["results"]["rates"]]
            if "forcesmith" in own
        ],
    )


def threads_and_ranks(records: Records) -> str:
    return table(
        ["potential", "threads", "ranks", "katom-step/s", "of one"],
        [
            [record["case"], run["threads"], run["ranks"], f"{run['rate']:.1f}"]
            + [f"{run['rate'] / runs[0]['rate']:.2f}"]
            for record in records
            for runs in [record["results"]["parallel"]]
            for run in runs
        ],
    )


def sizes(records: Records) -> str:
    return table(
        ["potential", "atoms", "katom-step/s", "peak memory, MB", "bytes per atom"],
        [
            [record["case"], run["atoms"], f"{run['rate']:.1f}", f"{run['peak_memory_mb']:.0f}"]
            + [f"{run['bytes_per_atom']:.0f}" if run["bytes_per_atom"] else ""]
            for record in records
            for run in record["results"]["sizes"]
        ],
    )


def fit_cost(records: Records) -> str:
    rows = []
    for record in records:
        r = record["results"]
        row = [record["case"], r["atoms"], r["parameters"], f"{r['plain_seconds']:.3f}"]
        row += [f"{r['loss_and_gradient_seconds']:.3f}", f"{r['ratio']:.1f}"]
        if fit := r.get("fit"):
            test = fit["test"]
            row += [f"{fit['seconds']:.0f} s, {fit['iterations']} iterations"]
            row += [f"{test['energy_rmse']:.2f}", f"{test['force_rmse']:.3f}"]
        rows.append(row)
    return table(
        ["case", "atoms", "parameters", "energies, forces, virials, s", "loss with gradient, s"]
        + ["ratio", "whole fit", "test RMSE, meV/atom", "eV/angstrom"],
        rows,
    )


def network_fits(records: Records) -> str:
    rows = []
    for record in records:
        r = record["results"]
        kept, computed = r["kept_seconds"], r["computed_seconds"]
        row = [record["settings"]["descriptor"]["type"].replace("_", " "), r["values"]]
        row += [f"{computed:.1f}", f"{kept:.1f}", f"{computed / kept:.1f}"]
        rows.append([*row, f"{r['computed_loss']:.2e}, {r['kept_loss']:.2e}"])
    return table(
        ["descriptor", "values", "computed, s", "kept, s", "ratio", "losses at the end"], rows
    )


def profile(records: Records) -> str:
    return "\n\n".join(_profile(record) for record in records)


def _profile(record: dict[str, Any]) -> str:
    rows = record["results"]["rows"]
    seconds, operations = (sum(row[key] for row in rows) for key in ("seconds", "operations"))
    total = {"row": "**sum**", "seconds": seconds, "operations": operations, "share": 1.0}
    total["rate"] = operations / seconds
    total["fraction_of_peak"] = total["rate"] / record["results"]["peak"]
    lines = []
    for row in [*rows, total]:
        cells = [row["row"], f"{1e6 * row['seconds']:.3f}", f"{100 * row['share']:.1f} %"]
        if row["operations"]:
            cells += [f"{row['operations']:.0f}", f"{1e-9 * row['rate']:.1f}"]
            cells += [percent(row["fraction_of_peak"])]
        lines.append(cells)
    return table(["phase", "us/atom", "share", "flop/atom", "Gflop/s", "of peak"], lines)


def single_precision(records: Records) -> str:
    return table(
        ["potential", "forces, largest difference, eV/angstrom", "rms", "energy, eV/atom"],
        [
            [r["text"], f"{r['largest_force_difference']:.1e} of {r['largest_force']:.1f}"]
            + [f"{r['rms_force_difference']:.1e}", f"{r['energy_difference_per_atom']:.0e}"]
            for record in records
            for r in [record["results"]]
        ],
    )


def device_checks(records: Records) -> str:
    """Comparisons with the CPU: how many there were, and the largest difference."""
    rows = []
    for record in records:
        groups: dict[tuple, list[dict]] = {}
        for check in record["results"].get("checks", []):
            groups.setdefault((check["host"], check["ranks"], check["precision"]), []).append(check)
        for (host, ranks, precision), checks in groups.items():
            largest = [max(c["differences"].values()) for c in checks if "differences" in c]
            sizes = [c["atoms"] for c in checks]
            rows.append(
                [record["results"]["device"]["name"], host, ranks, precision]
                + [f"{sum(c['passed'] for c in checks)} of {len(checks)}"]
                + [f"{min(sizes)} to {max(sizes)}", f"{max(largest, default=float('nan')):.1e}"]
            )
        for tool in record["results"].get("sanitizer", []):
            rows.append(
                [record["results"]["device"]["name"], tool["what"], "", ""]
                + ["no errors" if tool["passed"] else "**errors**", "", ""]
            )
    return table(
        ["device", "host", "ranks", "precision", "equal to the CPU", "atoms"]
        + ["largest relative difference"],
        rows,
    )


def device_rates(records: Records) -> str:
    rows = []
    for record in records:
        for r in record["results"].get("rates", []):
            step = r["seconds"] / r["steps"]
            split = {name: time / r["steps"] for name, time in (r["split"] or {}).items()}
            own = r["device"] == "cuda"
            device = record["results"]["device"]["name"] if own else f"CPU, {r['threads']} threads"
            rows.append(
                [r["case"], r["text"], device, r["precision"], r["ranks"]]
                + [r["parts"] or "", r["grade"], r["atoms"]]
                + [f"{1e-6 * r['rate']:.3g}", f"{1e3 * step:.3g}"]
                + [f"{1e3 * split[name]:.3g}" if split else "" for name in ("copy", "kernels")]
                + [f"{1e3 * (r['seconds_per_step_with_list'] - step):.3g}"]
            )
    return table(
        [
            "case",
            "potential",
            "device",
            "precision",
            "ranks",
            "threads per atom",
            "grade",
            "atoms",
            "Matom-step/s",
            "ms per step",
        ]
        + ["of it copies, ms", "of it kernels, ms", "more with a new neighbor list, ms"],
        rows,
    )


def device_kernels(records: Records) -> str:
    """The kernels, and beginnings of copies, that take most, one by one: none overlap here."""
    rows = []
    for record in records:
        for r in record["results"].get("kernels", []):
            longest = sorted(r["kernels"].items(), key=lambda one: -one[1][1])
            whole = sum(seconds for _, (_, seconds) in longest)
            for label, (calls, seconds) in longest[:8]:
                rows.append(
                    [r["case"], r["precision"], r["atoms"], f"`{label}`", calls]
                    + [f"{1e3 * seconds / calls:.3g}", percent(seconds / whole)]
                )
    return table(["case", "precision", "atoms", "kernel", "calls", "ms per call", "share"], rows)


def device_profile(records: Records) -> str:
    """Percents of what the device can do, of kernels that take 2 % and more of what was counted."""
    rows = []
    what = ["arithmetic", "double", "first cache", "first cache hits", "second cache"]
    what += ["second cache hits", "memory", "warps"]
    for record in records:
        for r in record["results"].get("profile", []):
            whole = sum(one["ms"] for one in r["kernels"])
            kernels = {one["kernel"]: one for one in r["kernels"]}
            for name, one in sorted(kernels.items(), key=lambda pair: -pair[1]["ms"]):
                if one["ms"] > 0.02 * whole:
                    rows.append(
                        [r["case"], r["atoms"], f"`{name}`", f"{one['ms']:.3g}"]
                        + [f"{one[key]:.0f}" if key in one else "" for key in what]
                        + [f"{one.get('registers', 0):.0f}"]
                    )
    return table(["case", "atoms", "kernel", "ms", *what, "registers"], rows)


def device_fits(records: Records) -> str:
    """Loss and gradient of a network of 24-24 on a bispectrum of 2J = 8."""
    return table(
        ["GPU", "fit by", "atoms", "parameters", "s", "katom/s"],
        [
            [record["results"]["device"]["name"], f"{f['device']}, {f['threads']} core(s)"]
            + [f["atoms"], f["parameters"], f"{f['seconds']:.4f}", f"{1e-3 * f['rate']:.1f}"]
            for record in records
            for f in record["results"].get("fits", [])
        ],
    )


def device_report(record: dict[str, Any]) -> str:
    """What check_and_measure.py prints."""
    r = record["results"]
    parts = [f"# {r['device']['name']}", origin([record])]
    parts += [device_checks([record]), device_rates([record]), device_fits([record])]
    parts += [device_kernels([record]), device_profile([record])]
    failed = [c for c in r.get("checks", []) + r.get("sanitizer", []) if not c["passed"]]
    for title, lines in {
        "Failed": [json.dumps(one)[:1500] for one in failed],
        "Errors": r.get("errors", []),
        "Left out": r["left_out"],
    }.items():
        if lines:
            parts.append("\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]))
    parts.append("Every check passed." if r["passed"] else "**Not every check passed.**")
    return "\n\n".join(parts)


def grade_cost(records: Records) -> str:
    names = list(dict.fromkeys(what for record in records for what in record["results"]["rates"]))
    rows = []
    for record in records:
        r = record["results"]
        row = [record["case"], r["text"], r["columns"]]
        for what in names:
            cell = f"{r['rates'][what]:.1f}" if what in r["rates"] else ""
            if what in r["time_over_off"]:
                cell += f" ({r['time_over_off'][what]['ratio']:.2f})"
            row.append(cell)
        rows.append(row)
    return table(["case", "", "columns", *names], rows)


def grade_ranks(records: Records) -> str:
    rows = []
    for record in records:
        r = record["results"]
        found = r["rank_correlation"]
        rows.append(
            [r["element"], r["model"], f"all but {r['without']}" if r["without"] else "all"]
            + [f"{r['columns']} ({r['padded']})", r["held_out_atoms"], f"{r['force_rmse']:.3f}"]
            + [f"{r['largest_grade']:.1f}"]
            + [
                f"{found['grade'][of]:.2f} ({found['deviation'][of]:.2f})"
                for of in ("of_atoms", "of_atoms_in_dynamics", "of_configurations")
            ]
            + [
                f"{error:.3f} ({atoms})" if atoms else ""
                for error, atoms in zip(r["mean_error"], r["atoms"], strict=True)
            ]
        )
    limits = records[0]["results"]["grade_limits"] if records else ()
    ranges = [f"error at grades up to {low:g}" for low in limits]
    ranges += [f"above {limits[-1]:g}"] if limits else []
    return table(
        ["", "model", "fitted to", "rows (padded)", "atoms held out", "force RMSE, eV/angstrom"]
        + ["largest grade", "rank correlation, atoms (committee)"]
        + ["atoms in dynamics (committee)", "configurations (committee)"]
        + ranges,
        rows,
    )


def active_set(records: Records) -> str:
    rows = []
    for record in sorted(records, key=lambda r: (r["results"]["columns"], r["results"]["rows"])):
        r = record["results"]
        rows.append(
            [r["columns"], r["rows"], f"{r['seconds']:.0f}", r["passes"], r["swaps"]]
            + [f"{r['memory_mb']:.0f} ({r['memory_mb'] / r['square_matrix_mb']:.0f})"]
            + [f"{r['largest_grade']:.4f}"]
        )
    return table(
        ["columns", "candidates", "seconds", "passes", "exchanges"]
        + ["memory, MB (square matrices)", "largest grade"],
        rows,
    )


def learn_scale(records: Records) -> str:
    rows = []
    for record in records:
        r = record["results"]
        first, last = r["memory_mb"][0], r["memory_mb"][-1]
        rows.append(
            [record["settings"]["scheduler"], record["settings"]["workers"], r["labels"]]
            + [f"{r['driver_ms_per_label']:.2f}", f"{r['labels_per_second']:.0f}"]
            + [f"{first[1]:.0f} after {first[0]}, {last[1]:.0f} after {last[0]}"]
            + [f"{r['seconds_to_resume']:.1f}"]
        )
    return table(
        ["scheduler", "workers", "labels", "CPU time of the program per label, ms"]
        + ["labels per second", "memory, MB", "reading labels when it goes on, s"],
        rows,
    )


TABLES: dict[str, tuple[str, Callable[[Records], str]]] = {
    "active_set": ("active_set", active_set),
    "basis_sizes": ("basis_sizes", basis_sizes),
    "device_checks": ("device", device_checks),
    "device_fits": ("device", device_fits),
    "device_kernels": ("device", device_kernels),
    "device_profile": ("device", device_profile),
    "device_rates": ("device", device_rates),
    "fit_cost": ("fit_cost", fit_cost),
    "grade_cost": ("grade_cost", grade_cost),
    "grade_ranks": ("grade_ranks", grade_ranks),
    "learn_scale": ("learn_scale", learn_scale),
    "mlearn": ("mlearn", mlearn),
    "models": ("models", models),
    "network_fits": ("network_fits", network_fits),
    "profile": ("profile", profile),
    "rates": ("rates", rates),
    "rates_avx2": ("rates_avx2", rates_of_one_isa),
    "rates_portable": ("rates_portable", rates_of_one_isa),
    "single_precision": ("single_precision", single_precision),
    "sizes": ("scaling", sizes),
    "tantalum": ("tantalum", tantalum),
    "fitsnap": ("fitsnap", fitsnap),
    "threads_and_ranks": ("scaling", threads_and_ranks),
}
"""By name: whose records, and the table of them."""


def origin(records: Records) -> str:
    """A sentence: where and when these records were made."""
    found: dict[str, list[str]] = {}
    for record in records:
        machine = record["machine"]
        parts = [f"commit {record['commit'] or 'unknown'}"]
        parts += [record["date"]] if record["date"] else []
        parts += [f"{machine['processor']}, {machine['instruction_set']}"]
        parts += [f"{machine['cores']} cores"] if machine["cores"] else []
        parts += [f"{name} {version}" for name, version in record["versions"].items()]
        parts += [record["note"]] if "note" in record else []
        found.setdefault(", ".join(parts), []).append(record["case"])
    texts = [
        text if len(found) == 1 else f"{', '.join(cases)}: {text}" for text, cases in found.items()
    ]
    return f"Recorded: {'; '.join(texts)}."


def percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


def table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table; rows that end early are filled up."""
    lines = [list(header)]
    lines += [["---"] * len(lines[0])]
    lines += [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [cells + [""] * (len(lines[0]) - len(cells)) for cells in lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
