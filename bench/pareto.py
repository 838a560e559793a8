"""Errors of models against what they cost: the picture to choose a potential by.

    python bench/pareto.py pareto.svg

Drawn from the records of compare_models.py: for each element, errors of the test set against the
time of an atom and a step on one core. A line joins those models that no other beats in both.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from forcesmith.analysis import pages
from forcesmith.analysis.plots import save_figure
from records import read_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {  # of descriptors; E. Okabe and M. Ito, distinguishable for all
    "ace": "#d55e00",
    "bispectrum": "#0072b2",
    "moment_tensor": "#009e73",
    "pod": "#cc79a7",
    "symmetry_functions": "#e69f00",
}
MARKERS = {
    "linear": "o",
    "quadratic": "s",
    "embedding": "^",
    "environments": "v",
    "neural_network": "D",
}
ERRORS = {"energy_rmse": "energy, meV/atom", "force_rmse": "force, eV/angstrom"}


def microseconds(record: dict[str, Any]) -> float:
    """Per atom and step."""
    return 1e3 / record["results"]["rate"]


def front(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of (cost, error) that no other one beats in one without being worse in the other."""
    found: list[tuple[float, float]] = []
    for cost, error in sorted(points):
        if not found or error < found[-1][1]:
            found.append((cost, error))
    return found


def draw(records: list[dict[str, Any]]) -> Figure:
    """One row for each element, one column for each kind of error."""
    from matplotlib.lines import Line2D

    elements = sorted({record["results"]["element"] for record in records})
    figure = pages.figure(9.0, 3.6 * len(elements))
    all_axes = figure.subplots(len(elements), len(ERRORS), squeeze=False)
    for row, element in zip(all_axes, elements, strict=True):
        own = [record for record in records if record["results"]["element"] == element]
        for axes, (error, label) in zip(row, ERRORS.items(), strict=True):
            _draw_panel(axes, own, error)
            axes.set_title(element)
            axes.set_xlabel("microseconds per atom and step")
            axes.set_ylabel(f"{label}, RMSE of the test set")
    drawn = [Line2D([], [], linestyle="", marker="o", color=color) for color in COLORS.values()]
    drawn += [Line2D([], [], linestyle="", marker=one, color="gray") for one in MARKERS.values()]
    names = [kind.replace("_", " ") for kind in (*COLORS, *MARKERS)]
    figure.legend(drawn, names, loc="outside lower center", ncols=5)
    return figure


def _draw_panel(axes: Axes, records: list[dict[str, Any]], error: str) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    points = []
    for record in records:
        settings = record["settings"]
        point = microseconds(record), record["results"]["test"][error]
        points.append(point)
        axes.plot(
            *point,
            MARKERS[settings["model"]["type"]],
            color=COLORS[settings["descriptor"]["type"]],
            markersize=7,
        )
    steps = front(points)
    axes.plot(*zip(*steps, strict=True), color="gray", linewidth=0.8, zorder=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("picture", help="the file: .svg, .pdf or .png")
    arguments = parser.parse_args()
    save_figure(draw(read_records("models")), arguments.picture)


if __name__ == "__main__":
    main()
