"""forcesmith evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.analysis.cross_evaluation import CrossEvaluation
from forcesmith.analysis.metrics import Errors, errors_by_group
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
    also: Annotated[
        list[Path] | None,
        typer.Option(
            help="A further potential; may be given several times. Then every potential is "
            "evaluated on every file."
        ),
    ] = None,
    heat_map: Annotated[
        Path | None,
        typer.Option(help="With --also: draw the matrices of errors to this file."),
    ] = None,
    device: Annotated[
        DeviceChoice,
        typer.Option(help="Where to compute: cuda is an NVIDIA GPU, auto one if there is any."),
    ] = "cpu",
    *,
    labels: dict[str, Any],
) -> None:
    """Print the errors of a potential on labelled data, per group (info["config_type"]).

    With --also, print matrices: the errors of every potential on every file of data."""
    if also:
        if plot:
            raise ValueError("--parity-plot is of one potential; with --also, draw a --heat-map.")
        _cross_evaluate([potential, *also], data, as_json, elements, heat_map, device, labels)
        return
    if heat_map:
        raise ValueError("--heat-map is of several potentials; name the others by --also.")
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


def _cross_evaluate(
    potentials: list[Path],
    data: list[str],
    as_json: bool,
    elements: str,
    heat_map: Path | None,
    device: DeviceChoice,
    labels: dict[str, Any],
) -> None:
    for names in ([str(path) for path in potentials], data):
        if len(set(names)) < len(names):
            raise ValueError("One potential or file of data is named twice; name each once.")
    if heat_map:
        check_writable([check_plot_format(heat_map)])
    errors: dict[str, dict[str, Errors]] = {}
    for path in potentials:
        row = errors.setdefault(str(path), {})
        for name in data:
            model, configurations = read_with_potential(path, [name], elements, labels)
            check_configurations(configurations, model.elements, name, potential=True)
            results = model.evaluate(configurations, device=device)
            row[name] = errors_by_group(results, configurations).total
    found = CrossEvaluation(errors)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        for table in found.tables():
            out.print(table)
    if heat_map:
        found.heat_map(heat_map)
