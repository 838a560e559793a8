"""forcesmith active-set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.cli.console import err, out
from forcesmith.cli.data_sets import read_with_potential
from forcesmith.cli.options import Elements, with_label_options
from forcesmith.extrapolation.active_sets import (
    Mode,
    Parameters,
    find_active_set,
    holds_active_set,
)
from forcesmith.extrapolation.maxvol import Method
from forcesmith.files import check_writable
from forcesmith.progress import LineProgress


@with_label_options
def active_set(
    potential: Annotated[Path, typer.Argument(help="Potential file; gets the active set.")],
    data: Annotated[list[str], typer.Argument(help="Training data: file or file@slice.")],
    parameters: Annotated[
        Parameters | None,
        typer.Option(
            help="Derivatives of the energy that are compared: with the linear parameters of an "
            "atom's element (the default), or with all of the potential, as MLIP does it."
        ),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="What gets grades: neighborhoods of atoms (the default), or only whole "
            "configurations."
        ),
    ] = None,
    add: Annotated[
        bool,
        typer.Option("--add", help="Add these data to the active set that the potential has."),
    ] = False,
    method: Annotated[
        Method,
        typer.Option(help="qr, or MLIP's own order of exchanges, with all data in memory: mlip."),
    ] = "qr",
    into: Annotated[
        Path | None,
        typer.Option(help="Write the potential to this file instead, .json, or .almtp with all."),
    ] = None,
    elements: Elements = "",
    *,
    labels: dict[str, Any],
) -> None:
    """Find the active set of a potential in its training data, for extrapolation grades.

    POTENTIAL.json stays as it is, but for the name of the active set, which is written beside it as
    POTENTIAL.active_set. `forcesmith fit` does the same after a fit."""
    target = into or potential
    if not add and not holds_active_set(target, parameters or "linear"):
        raise ValueError(
            f"{target}: this format cannot hold an active set of the {parameters or 'linear'} "
            "parameters; write a .json file with --into (MLIP's .almtp can with --parameters all)."
        )
    check_writable([target, target.with_suffix(".active_set")])
    model, configurations = read_with_potential(potential, data, elements, labels, active_set=add)
    with LineProgress(err) as progress:
        found = find_active_set(
            model,
            configurations,
            parameters,
            mode,
            add=add,
            method=method,
            progress=progress.show,
        )
    model.write(target)
    out.print(f"active set of {target}: {found}", soft_wrap=True)
