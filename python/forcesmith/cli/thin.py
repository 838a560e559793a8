"""forcesmith thin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forcesmith.cli.console import out
from forcesmith.cli.data_sets import check_configurations_file
from forcesmith.cli.diversity import Descriptor, chosen_descriptor
from forcesmith.data.formats.extended_xyz import write_extended_xyz
from forcesmith.data.labels import SOURCE_KEY
from forcesmith.data.reading import read
from forcesmith.files import check_writable
from forcesmith.sampling.diversity import ThinMethod
from forcesmith.sampling.diversity import thin as choose


def thin(
    data: Annotated[list[str], typer.Argument(help="Configurations: file or file@slice.")],
    most: Annotated[int, typer.Option(min=1, help="Keep so many.")],
    into: Annotated[Path, typer.Option(help="Write them to this file, .extxyz.")],
    method: Annotated[
        ThinMethod,
        typer.Option(help="Points far from each other, or by chance with leverage scores."),
    ] = "farthest_point",
    descriptor: Descriptor = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is taken by chance.")] = 1,
) -> None:
    """Choose configurations that represent a large set, by their descriptor values.

    Unlike select, this needs neither a potential nor an active set, and keeps labels."""
    check_configurations_file(into, data)
    check_writable([into])
    configurations = read(data)
    numbers = choose(
        configurations, most, method=method, descriptor=chosen_descriptor(descriptor), seed=seed
    )
    for number in numbers:
        configurations[number].info.pop(SOURCE_KEY, None)  # of this run, and not of the file
    write_extended_xyz(into, [configurations[number] for number in numbers])
    out.print(
        f"{into}: {len(numbers)} of {len(configurations)} configurations",
        soft_wrap=True,
        markup=False,
    )
