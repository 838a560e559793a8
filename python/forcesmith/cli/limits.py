"""forcesmith limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forcesmith.analysis.plots import check_plot_format
from forcesmith.cli.console import err, out
from forcesmith.cli.options import element_list
from forcesmith.files import check_writable
from forcesmith.progress import LineProgress
from forcesmith.sampling.limits import Limits, pair_curves
from forcesmith.sampling.plots import pair_curve_plot


def limits(
    elements: Annotated[str, typer.Argument(help="Elements: Zr,O.")],
    teacher: Annotated[
        str, typer.Option(help="emt, sevennet:7net-0, module:function, ..., or a .toml file.")
    ],
    into: Annotated[Path, typer.Option(help="Write the limits to this file, .json.")],
    plot: Annotated[Path | None, typer.Option(help="Draw the pair curves to this file.")] = None,
    points: Annotated[int, typer.Option(min=6, help="Distances of every pair.")] = 40,
) -> None:
    """Find what is too close, too high in energy or under too large forces to be learned from.

    Two atoms of every pair of elements are computed by a teacher at many distances; the limit is
    twice the binding energy above the minimum. The labels are kept beside the limits: of
    limits.json, in limits.pairs.extxyz."""
    if into.suffix != ".json":
        raise ValueError(f"{into}: limits are written as JSON; choose a name that ends in .json.")
    check_writable([into, *([check_plot_format(plot)] if plot else [])])
    names = element_list(elements) or []
    with LineProgress(err) as progress:
        curves = pair_curves(
            teacher,
            names,
            into.with_suffix(".pairs.extxyz"),
            points=points,
            progress=progress.show,
        )
    found = Limits.of_curves(curves)
    found.write(into)
    for curve in curves:
        out.print(
            f"{curve.name}: bound by {curve.binding_energy:.3f} eV at {curve.minimum:.3f} Å, "
            f"closest {found.distances[curve.name]:.3f} Å",
            soft_wrap=True,
        )
    out.print(
        f"{into}: forces up to {found.force:.4g} eV/Å, energies up to {found.energy:.4g} eV/atom "
        "above separated atoms",
        soft_wrap=True,
        markup=False,
    )
    if plot:
        pair_curve_plot(curves, found, plot)
