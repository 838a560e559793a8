"""What a small potential for MgO is worth, beside its data, a universal potential and experiment.

    python study.py

1. `forcesmith fit`: a potential fitted to 35 cells by PBE, as in the example mgo_vacancies;
2. `forcesmith validate`: its properties beside those by SevenNet-0 (see Teachers), values of the
   data and of experiments.

Everything is written to results/ beside this file. Interrupted, the same command goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
REFERENCE = "sevennet:7net-0"


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    potential = RESULTS / "mgo.json"
    if not potential.exists():
        forcesmith("fit", "--overwrite", HERE / "config.toml")
    arguments = ["rocksalt MgO 4.21", "--potential", potential, "--reference", REFERENCE]
    arguments += ["--settings", HERE / "validate.toml", "--into", RESULTS / "validation"]
    for published in ("pbe.toml", "experiment.toml"):
        arguments += ["--against", HERE / published]
    forcesmith("validate", *arguments)
    report = json.loads((RESULTS / "validation" / "report.json").read_text())
    (RESULTS / "properties.json").write_text(json.dumps(report["rows"], indent=1) + "\n")
    plot_phonons(report["results"], RESULTS / "phonons.svg")


def forcesmith(*arguments: str | Path) -> None:
    """What a user types."""
    command = [sys.executable, "-m", "forcesmith.cli", *map(str, arguments)]
    if code := subprocess.run(command).returncode:
        sys.exit(code)


def plot_phonons(results: list[dict], path: Path) -> None:
    """Dispersion and density of states of the reference and the potential."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 4), layout="constrained", width_ratios=(3, 1), sharey=True
    )
    for number, one in enumerate(one for one in results if one["property"] == "phonons"):
        style = {"color": f"C{number}", "linewidth": 1}
        plots = one["result"]["plots"]
        for curve in plots["dispersion"]["curves"]:
            [line] = left.plot(curve["x"], curve["y"], **style)
        line.set_label(one["subject"])
        for curve in plots["dos"]["curves"]:
            right.plot(curve["y"], curve["x"], **style)
        places, names = zip(*plots["dispersion"]["ticks"], strict=True)
    left.set_xticks(places, names)
    left.grid(axis="x")
    left.set(ylabel="frequency (THz)", xlim=(0, 1), ylim=(0, None))
    right.set(xlabel="density of states", xticks=[])
    left.legend()
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    main()
