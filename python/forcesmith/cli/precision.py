"""forcesmith precision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from forcesmith.cli.console import err, out
from forcesmith.progress import LineProgress
from forcesmith.sampling.plots import precision_plot
from forcesmith.sampling.precision import Precision, PrecisionSettings, find_precision

WIDTH = 120  # of what is not read in a terminal


def precision(
    config: Annotated[Path, typer.Argument(help="TOML file with teacher, series, structures.")],
) -> None:
    """Find out how fine k-points, cutoff energies or smearing must be for training data.

    A sample is labelled over a series of settings of a teacher, and errors are measured against the
    finest. Every label is kept as soon as it is there: after an interruption the same command goes
    on. Results are precision.json and precision.svg in the output folder, labels lie beside."""
    settings = PrecisionSettings.from_toml(config)
    with LineProgress(err) as progress:
        found = find_precision(settings, progress=progress.show)
    folder = Path(settings.output)
    precision_plot(found, folder / "precision.svg")
    console = out if out.is_terminal else Console(width=WIDTH, highlight=False)
    console.print(_table(found))
    for name, limit, unit, threshold in (
        ("forces", found.force_limit, "meV/Å", found.force_threshold),
        ("virials", found.virial_limit, "meV/atom", found.virial_threshold),
    ):
        if limit is not None:
            out.print(
                f"{name}: errors up to {1000 * limit:.3g} {unit}, {found.option} to {threshold:g}",
                soft_wrap=True,
            )
    values = ", ".join(f"{name} = {value:g}" for name, value in found.recommended.values.items())
    out.print(
        f"recommended: {values}; saves {100 * found.saved:.0f} % of the time of the finest",
        soft_wrap=True,
    )
    out.print(f"{folder / 'precision.json'}, precision.svg", soft_wrap=True, markup=False)


def _table(found: Precision) -> Table:
    table = Table(
        title=f"{found.teacher}: {found.n_structures} configurations",
        title_justify="left",
        box=None,
    )
    for name in (*found.points[0].values, "AEAD", "energy", "forces", "virials", "time"):
        table.add_column(name, justify="right")
    units = ("meV/atom", "meV/atom", "meV/Å", "meV/atom", "s")
    table.add_row(*("" for _ in found.points[0].values), *units)
    for point in found.points:
        errors = (
            point.energy_deviation,
            point.energy_rmse,
            point.force_rmse,
            point.virial_rmse,
        )
        table.add_row(
            *(f"{value:g}" for value in point.values.values()),
            *("" if error is None else f"{1000 * error:.3g}" for error in errors),
            f"{point.seconds:.3g}",
            style="bold" if point == found.recommended else "",
        )
    return table
