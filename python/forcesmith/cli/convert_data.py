"""forcesmith convert-data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.cli.console import out
from forcesmith.cli.data_sets import check_other_file
from forcesmith.cli.options import Elements, element_list, with_label_options
from forcesmith.data.reading import read
from forcesmith.data.writing import write


@with_label_options
def convert_data(
    data: Annotated[list[str], typer.Argument(help="Configurations: file, folder or file@slice.")],
    into: Annotated[
        Path, typer.Option(help="File or new folder to write; its ending chooses the format.")
    ],
    format: Annotated[
        str | None,
        typer.Option(help="deepmd, extxyz, fitsnap, mlip, n2p2, pacemaker, if no ending says so."),
    ] = None,
    elements: Elements = "",
    *,
    labels: dict[str, Any],
) -> None:
    """Convert configurations with labels between formats: extended XYZ (.extxyz), MLIP (.cfg), n2p2
    (.data), pacemaker (.pckl.gzip), folders of DeePMD-kit and FitSNAP; what is read is all that
    other commands read. A warning tells what the target does not hold.

    --elements is the order of types in files of MLIP and DeePMD-kit, read or written."""
    check_other_file(into, data)
    names = element_list(elements)
    configurations = read(data, elements=names, **labels)
    write(configurations, into, format, elements=names)
    out.print(f"{into}: {len(configurations)} configurations", soft_wrap=True, markup=False)
