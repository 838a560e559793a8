"""forcesmith learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forcesmith.cli.console import NOT_GOOD_ENOUGH, err, out
from forcesmith.learning.errors import LearnError, disk_watched
from forcesmith.learning.live import LearnProgress
from forcesmith.learning.loop import LearnResult
from forcesmith.learning.loop import learn as learn_from
from forcesmith.learning.project import Project
from forcesmith.learning.settings import LearnSettings
from forcesmith.learning.status import doing, print_status, print_verdict
from forcesmith.learning.verdict import judge


def learn(
    config: Annotated[
        Path, typer.Argument(help="Settings, TOML; paths in it start at its folder.")
    ],
    status: Annotated[
        bool, typer.Option("--status", help="Print how far it is, from the folder alone.")
    ] = False,
    verdict: Annotated[
        bool,
        typer.Option(help="At the end, compare potential and teacher where it will be used."),
    ] = True,
) -> None:
    """Learn a potential that holds under all conditions of a TOML file, from a teacher.

    Fits, explores the conditions by LAMMPS, labels what is new, and again, until every condition
    runs its time with nothing new. All that is known lies in the folder of the project: after an
    interruption of any kind, the same command goes on and repeats at most the tasks that were under
    way. Exit codes: 1 where it is stuck, or conditions were closed; 3 where the verdict finds the
    potential not good enough."""
    settings = LearnSettings.from_toml(config)
    if status:
        project = Project(settings.folder)
        if not project.exists:
            raise ValueError(f"{project.folder}: nothing was learned here yet.")
        print_status(project, out)
        out.print(doing(project), soft_wrap=True, markup=False)
        if project.verdict.is_file():
            print_verdict(project, out)
        return
    run(settings, config.read_text(encoding="utf-8"), verdict)


def run(settings: LearnSettings, config: str, verdict: bool = True) -> LearnResult:
    """Learn, and show how it goes; ends the command if that fails. config: text of the settings;
    verdict: on what was learned."""
    project = Project(settings.folder)
    err.print(f"project: {Path(settings.folder).absolute()}", soft_wrap=True)
    try:
        with disk_watched(), LearnProgress(project, err) as progress:
            result = learn_from(settings, config=config, status=progress.show)
            shortfalls = judge(settings, status=progress.show)["shortfalls"] if verdict else []
    except LearnError as error:
        err.print(f"forcesmith: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    print_status(project, out)
    if verdict:
        print_verdict(project, out)
    out.print(f"\n{result.ending}: {result.sentence}", soft_wrap=True, markup=False)
    out.print(f"potential: {result.potential}", soft_wrap=True)
    out.print(f"page: {project.page}", soft_wrap=True)
    for shortfall in shortfalls:
        out.print(f"not good enough: {shortfall}", style="red", soft_wrap=True)
    if result.ending in ("stuck", "closed"):
        raise typer.Exit(1)
    if shortfalls:
        raise typer.Exit(NOT_GOOD_ENOUGH)
    return result
