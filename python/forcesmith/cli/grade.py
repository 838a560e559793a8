"""forcesmith grade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.analysis.grades import grades_by_group
from forcesmith.analysis.plots import check_plot_format, grade_plot
from forcesmith.cli.console import err, out
from forcesmith.cli.data_sets import check_configurations_file, read_with_potential
from forcesmith.cli.options import AsJson, Elements, with_label_options
from forcesmith.data.batches import portions
from forcesmith.data.formats.extended_xyz import write_extended_xyz
from forcesmith.files import check_writable
from forcesmith.potentials.evaluator import Evaluator
from forcesmith.potentials.result import Result
from forcesmith.progress import LineProgress


@with_label_options
def grade(
    potential: Annotated[Path, typer.Argument(help="Potential file with an active set.")],
    data: Annotated[list[str], typer.Argument(help="Configurations: file or file@slice.")],
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw histograms of the grades to this file.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write the configurations with their grades, .extxyz."),
    ] = None,
    elements: Elements = "",
    *,
    labels: dict[str, Any],
) -> None:
    """Print extrapolation grades, per group (info["config_type"]): how far from the training data.

    At most about 1 within the training data, above 2 worth learning, above 10 dangerous.

    --write adds a column `grade` and an entry `max_grade` (of an active set of configurations the
    grade of the configuration)."""
    if plot:
        check_plot_format(plot)
    if write:
        check_configurations_file(write, data)
    check_writable([path for path in (plot, write) if path])
    model, configurations = read_with_potential(potential, data, elements, labels)
    evaluator = Evaluator(model)
    results: list[Result] = []
    with LineProgress(err) as progress:
        for portion in portions(configurations):
            results += evaluator.evaluate(portion, grade=True)
            progress.show(f"{len(results)} of {len(configurations)} configurations")
    table = grades_by_group(results, configurations)
    if as_json:
        typer.echo(json.dumps(table.to_dict(), indent=2))
    else:
        table.print(out, f"{potential} on {', '.join(data)}")
    if plot:
        grade_plot(results, configurations, plot)
    if write:
        graded = []
        for atoms, result in zip(configurations, results, strict=True):
            own = atoms.copy()
            own.calc = atoms.calc
            own.info["max_grade"] = result.configuration_grade
            if result.grades is not None:
                own.set_array("grade", result.grades)
            graded.append(own)
        write_extended_xyz(write, graded)
