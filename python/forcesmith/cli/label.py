"""forcesmith label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.cli.console import err, out
from forcesmith.cli.data_sets import check_configurations_file
from forcesmith.cli.options import with_label_options
from forcesmith.data.reading import read
from forcesmith.engine.settings import EngineSettings
from forcesmith.progress import LineProgress
from forcesmith.teachers.labelling import failures_file
from forcesmith.teachers.labelling import label as label_configurations
from forcesmith.teachers.teacher import make_teacher


@with_label_options
def label(
    data: Annotated[list[str], typer.Argument(help="Configurations: file or file@slice.")],
    teacher: Annotated[
        str, typer.Option(help="emt, sevennet:7net-0, module:function, ..., or a .toml file.")
    ],
    into: Annotated[Path, typer.Option(help="Write the labelled ones to this file, .extxyz.")],
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try those again that failed before.")
    ] = False,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores of this machine for several labels at once.")
    ] = None,
    *,
    labels: dict[str, Any],
) -> None:
    """Compute energies, forces and stresses of configurations by a teacher.

    Every label is in the file as soon as it is there: after an interruption the same command goes
    on. What gets no label is written beside it, with the reason: of out.extxyz, to
    out.failed.extxyz. If nothing gets a label, the exit code is 1."""
    check_configurations_file(into, data)
    configurations = read(data, **labels)
    with make_teacher(teacher) as made, LineProgress(err) as progress:
        found = label_configurations(
            configurations,
            made,
            into,
            retry_failed=retry_failed,
            engine=EngineSettings(cores=cores) if cores else None,
            progress=progress.show,
        )
    before = f", {found.n_before} of them before" if found.n_before else ""
    out.print(
        f"{into}: {len(found.labelled)} of {len(configurations)} configurations labelled by "
        f"{made.name} ({made.settings_hash}){before}",
        soft_wrap=True,
        markup=False,
    )
    if found.failed:
        out.print(
            f"{failures_file(into)}: {len(found.failed)} without a label; the first: "
            f"{found.failed[0].info['reason']}",
            soft_wrap=True,
            markup=False,
        )
    if found.failed and not found.labelled:
        raise typer.Exit(1)
