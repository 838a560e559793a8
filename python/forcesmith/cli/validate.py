"""forcesmith validate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forcesmith.cli.console import err, out
from forcesmith.progress import LineProgress
from forcesmith.properties.comparison import Comparison
from forcesmith.properties.registry import PROPERTIES
from forcesmith.properties.report import number, ranking_text
from forcesmith.properties.settings import ValidationSettings
from forcesmith.properties.validation import validate as validate_potentials

WIDTH = 200  # of what is not read in a terminal
COLORS = {"good": "green", "fair": "yellow", "poor": "red"}


def validate(
    structures: Annotated[
        list[str], typer.Argument(help='Crystals: files, or prototypes ("rocksalt MgO 4.21").')
    ],
    potential: Annotated[
        list[str],
        typer.Option(
            help="Potential file, or a teacher (lammps: sw Si.sw); files separated by commas are a "
            "committee. Can be repeated."
        ),
    ],
    reference: Annotated[
        str | None,
        typer.Option(help="What deviations are measured from: sevennet:7net-0, a potential, ..."),
    ] = None,
    properties: Annotated[
        str, typer.Option(help='Separated by commas, or "all"; by default all without dynamics.')
    ] = "",
    samples: Annotated[
        int,
        typer.Option(
            help="Potentials drawn from the covariance of each linear fit (covariance = true), for "
            "error bars on every property."
        ),
    ] = 0,
    settings: Annotated[
        Path | None, typer.Option(help="Properties, options, tolerances, engine: a TOML file.")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="Published values: a TOML file. Can be repeated.")
    ] = None,
    into: Annotated[str, typer.Option(help="Folder of results and report.")] = "validation",
) -> None:
    """Compute properties of crystals with potentials, beside a reference, and write a report.

    Results are kept one by one: after an interruption the same command goes on, and with another
    potential only what is new is computed. The report is report.html in the folder, with all
    numbers in report.json."""
    chosen = ValidationSettings.from_toml(settings) if settings else ValidationSettings()
    given: dict[str, Any] = {"samples": samples} if samples else {}
    if properties:
        names = [name.strip() for name in properties.split(",") if name.strip()]
        given["properties"] = list(PROPERTIES) if names == ["all"] else names
    if given:
        chosen = ValidationSettings.from_dict({**chosen.model_dump(), **given})
    with LineProgress(err) as progress:
        found = validate_potentials(
            structures,
            potential,
            reference,
            chosen,
            into,
            against=against or [],
            progress=progress.show,
        )
    console = out if out.is_terminal else Console(width=WIDTH, highlight=False)
    for structure in found.structures:
        console.print(_table(found, structure))
        for name in found.properties:
            if ranking := ranking_text(found, structure, name):
                console.print(f"{name}, {ranking}", soft_wrap=True, markup=False)
    for line in _failures(found):
        out.print(line, soft_wrap=True, markup=False)
    out.print(f"report: {Path(into) / 'report.html'}", soft_wrap=True, markup=False)


def _table(found: Comparison, structure: str) -> Table:
    table = Table(title=structure, title_justify="left", box=None)
    columns = [one.name for one in found.subjects] + [one.name for one in found.published]
    for name in ("property", "quantity", "unit", *columns):
        table.add_column(name, justify="left" if name in ("property", "quantity") else "right")
    for key in found.properties:
        for count, row in enumerate(found.rows(structure, key)):
            cells = []
            for who in columns:
                quantity = row.values.get(who)
                text = number(quantity) if quantity else ""
                color = COLORS.get(row.verdicts.get(who, ""))
                cells.append(Text(text, style=color or ""))
            table.add_row("" if count else key, Text(row.quantity), row.unit, *cells)
    return table


def _failures(found: Comparison) -> list[str]:
    """What has no value, and why: a line for each reason."""
    properties: dict[tuple[str, str, str], list[str]] = {}
    for entry in found.failed:
        key = entry.structure, entry.subject, entry.reason
        properties.setdefault(key, []).append(entry.property)
    return [
        f"{structure}, {subject}: no value of {', '.join(names)}: {reason}"
        for (structure, subject, reason), names in properties.items()
    ]
