"""forcesmith filter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.analysis.plots import check_plot_format
from forcesmith.cli.console import out
from forcesmith.cli.data_sets import check_configurations_file
from forcesmith.cli.options import with_label_options
from forcesmith.data.formats.extended_xyz import write_extended_xyz
from forcesmith.data.labels import SOURCE_KEY
from forcesmith.data.reading import read
from forcesmith.files import check_writable
from forcesmith.sampling.limits import REASON, Limits, filter_configurations
from forcesmith.sampling.plots import beak_plot


@with_label_options
def filter(
    data: Annotated[list[str], typer.Argument(help="Configurations: file or file@slice.")],
    into: Annotated[Path, typer.Option(help="Write those that keep the limits to this, .extxyz.")],
    limits: Annotated[
        Path | None, typer.Option(help="Limits, a .json file of `forcesmith limits`.")
    ] = None,
    force: Annotated[
        float | None, typer.Option(min=0.0, help="Largest force on an atom, eV/Å.")
    ] = None,
    energy: Annotated[
        float | None,
        typer.Option(help="Largest energy above separated atoms, eV/atom (needs --limits)."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--beak-plot", help="Draw largest forces against energies to this file."),
    ] = None,
    *,
    labels: dict[str, Any],
) -> None:
    """Leave out what breaks limits of distances, forces and energies.

    Beside the data the limits are written that they keep, and what was left out, with the reason:
    of out.extxyz, out.limits.json and out.rejected.extxyz."""
    check_configurations_file(into, data)
    rejected, kept_limits = (
        into.with_suffix(".rejected" + into.suffix),
        into.with_suffix(".limits.json"),
    )
    check_writable([into, rejected, kept_limits, *([check_plot_format(plot)] if plot else [])])
    chosen = Limits.read(limits) if limits else Limits()
    options = {"force": force, "energy": energy}
    chosen = chosen.model_copy(update={k: v for k, v in options.items() if v is not None})
    if chosen == Limits():
        raise ValueError("There are no limits to keep; give --limits, or --force.")
    configurations = read(data, **labels)
    found = filter_configurations(configurations, chosen)
    for atoms in configurations:
        atoms.info.pop(SOURCE_KEY, None)  # of this run, and not of the file
    for atoms in found.rejected:
        atoms.info.pop(SOURCE_KEY, None)
    write_extended_xyz(into, found.kept)
    chosen.write(kept_limits)
    if found.rejected:
        write_extended_xyz(rejected, found.rejected)
    else:
        rejected.unlink(missing_ok=True)
    out.print(
        f"{into}: {len(found.kept)} of {len(configurations)} configurations keep the limits",
        soft_wrap=True,
        markup=False,
    )
    if found.rejected:
        out.print(
            f"{rejected}: {len(found.rejected)} do not; the first: "
            f"{found.rejected[0].info[REASON]}",
            soft_wrap=True,
            markup=False,
        )
    if plot:
        beak_plot(configurations, plot, chosen)
