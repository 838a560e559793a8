"""forcesmith diversity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from ase import Atoms

from forcesmith.analysis.plots import check_plot_format
from forcesmith.cli.console import out
from forcesmith.cli.options import AsJson
from forcesmith.data.reading import read
from forcesmith.data.settings_files import read_toml
from forcesmith.files import check_writable
from forcesmith.potentials.potential import Potential
from forcesmith.sampling.diversity import compare_diversity
from forcesmith.sampling.plots import diversity_plot

Descriptor = Annotated[
    Path | None,
    typer.Option(
        help="Potential file, or settings of a fit (.toml), whose descriptor is taken; by default "
        "moment tensors of level 8 with a cutoff of 5 angstrom."
    ),
]


def chosen_descriptor(path: Path | None) -> Potential | dict | None:  # type: ignore[type-arg]
    """The descriptor that an option names."""
    if path is None or path.suffix != ".toml":
        return Potential.read(path, active_set=False) if path else None
    tree = read_toml(path)
    if "descriptor" not in tree:
        raise ValueError(f"{path} has no [descriptor].")
    found: dict = tree["descriptor"]  # type: ignore[type-arg]
    return found


def diversity(
    data: Annotated[list[str], typer.Argument(help="Sets to compare: file or file@slice.")],
    descriptor: Descriptor = None,
    by_group: Annotated[
        bool, typer.Option("--by-group", help="Compare the groups in the files, not the files.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the principal components to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare how widely sets of configurations spread over the principal components of descriptor
    values.

    One basis serves all sets. Of every set and element the norm of the root variances along the
    components is told, and that of all elements relative to the first set."""
    if plot:
        check_writable([check_plot_format(plot)])
    sets: dict[str, list[Atoms]] = {}
    for name in data:
        configurations = read(name)
        for atoms, group in zip(configurations, configurations.groups, strict=True):
            sets.setdefault(group if by_group else name, []).append(atoms)
    found = compare_diversity(sets, chosen_descriptor(descriptor))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        out.print(found.table())
    if plot:
        diversity_plot(found, plot)
