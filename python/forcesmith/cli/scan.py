"""forcesmith scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from forcesmith.analysis.plots import check_plot_format, trade_off_plot
from forcesmith.cli.console import err, out
from forcesmith.cli.data_sets import read_sets
from forcesmith.cli.options import AsJson, with_label_options
from forcesmith.files import check_writable
from forcesmith.training.settings import FitSettings
from forcesmith.training.weight_scan import parse_ratios, weight_scan


@with_label_options
def scan(
    configs: Annotated[
        list[Path], typer.Argument(help="Settings of one or several models, TOML, as for fit.")
    ],
    ratios: Annotated[
        str,
        typer.Option(help="Force weight over energy weight: first:last:number, or a list a,b,c."),
    ] = "1e-4:1e4:9",
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw force against energy errors to this file.")
    ] = None,
    as_json: AsJson = False,
    *,
    labels: dict[str, Any],
) -> None:
    """Fit each model with many ratios of force weight to energy weight, and compare the errors.

    Every model trades energy errors for force errors; only whole curves compare fairly."""
    if plot:
        check_writable([check_plot_format(plot)])
    values = parse_ratios(ratios)
    points: dict[str, list[dict[str, float]]] = {}
    for config in configs:
        settings = FitSettings.from_toml(config)
        train, test = read_sets(settings, labels)
        rows = points.setdefault(config.stem, [])
        for row in weight_scan(train, test, settings, values):
            rows.append(row)
            err.print(
                f"{config.stem}: ratio {row['ratio']:g}, energy {row['energy_rmse']:.2f} meV/atom, "
                f"force {row['force_rmse']:.4f} eV/Å, {row['seconds']:.0f} s"
            )
    if as_json:
        typer.echo(json.dumps(points, indent=2))
    else:
        table = Table("model", "force/energy weight", "energy RMSE, meV/atom", "force RMSE, eV/Å")
        for name, rows in points.items():
            for row in rows:
                table.add_row(
                    name,
                    f"{row['ratio']:g}",
                    f"{row['energy_rmse']:.2f}",
                    f"{row['force_rmse']:.4f}",
                )
        out.print(table)
    if plot:
        trade_off_plot(points, plot)
        err.print(f"plot: {plot}", soft_wrap=True)
