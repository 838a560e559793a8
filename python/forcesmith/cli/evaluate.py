"""forcesmith evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.analysis.metrics import errors_by_group
from forcesmith.analysis.plots import check_plot_format, parity_plot
from forcesmith.cli.console import out
from forcesmith.cli.data_sets import read_with_potential
from forcesmith.cli.options import AsJson, Elements, with_label_options
from forcesmith.data.checks import check_configurations
from forcesmith.files import check_writable
from forcesmith.potentials.evaluator import DeviceChoice


@with_label_options
def evaluate(
    potential: Annotated[Path, typer.Argument(help="Potential file.")],
    data: Annotated[list[str], typer.Argument(help="Labelled data: file or file@slice.")],
    as_json: AsJson = False,
    elements: Elements = "",
    plot: Annotated[
        Path | None, typer.Option("--parity-plot", help="Draw a parity plot to this file.")
    ] = None,
    device: Annotated[
        DeviceChoice,
        typer.Option(help="Where to compute: cuda is an NVIDIA GPU, auto one if there is any."),
    ] = "cpu",
    *,
    labels: dict[str, Any],
) -> None:
    """Print the errors of a potential on labelled data, per group (info["config_type"])."""
    if plot:
        check_writable([check_plot_format(plot)])
    model, configurations = read_with_potential(potential, data, elements, labels)
    check_configurations(configurations, model.elements, "the data", potential=True)
    results = model.evaluate(configurations, device=device)
    table = errors_by_group(results, configurations)
    if as_json:
        typer.echo(json.dumps(table.to_dict(), indent=2))
    else:
        table.print(out, f"{potential} on {', '.join(data)}")
    if plot:
        parity_plot({Path(potential).stem: (configurations, results)}, plot)
