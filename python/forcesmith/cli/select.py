"""forcesmith select."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.cli.console import err, out
from forcesmith.cli.data_sets import check_configurations_file, read_with_potential
from forcesmith.cli.options import Elements, with_label_options
from forcesmith.data.formats.extended_xyz import write_extended_xyz
from forcesmith.extrapolation.active_sets import select_configurations
from forcesmith.files import check_writable
from forcesmith.progress import LineProgress


@with_label_options
def select(
    potential: Annotated[Path, typer.Argument(help="Potential file with an active set.")],
    candidates: Annotated[list[str], typer.Argument(help="Configurations: file or file@slice.")],
    into: Annotated[Path, typer.Option(help="Write those to label to this file, .extxyz.")],
    most: Annotated[
        int | None, typer.Option(min=1, help="At most so many, the most informative ones.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Grade above which a configuration enters, above 1.")
    ] = 1.001,
    elements: Elements = "",
    *,
    labels: dict[str, Any],
) -> None:
    """Choose the configurations to label: those that enter the active set of a potential.

    What the potential knows does not enter, nor do two configurations that say the same. They are
    written without energies and forces, the most informative one first: label them, add them to the
    training data, and fit again."""
    check_configurations_file(into, candidates)
    check_writable([into])
    model, configurations = read_with_potential(potential, candidates, elements, labels)
    with LineProgress(err) as progress:
        chosen = select_configurations(
            model, configurations, most, threshold=threshold, progress=progress.show
        )
    if not chosen:
        out.print(
            f"none of {len(configurations)} configurations enters the active set; {into} is not "
            "written",
            soft_wrap=True,
        )
        return
    write_extended_xyz(into, [configurations[number].copy() for number in chosen])
    out.print(f"{into}: {len(chosen)} of {len(configurations)} configurations", soft_wrap=True)
