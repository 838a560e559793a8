"""forcesmith distill."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from forcesmith.cli.console import err
from forcesmith.cli.learn import run
from forcesmith.files import write_atomically
from forcesmith.learning.distillation import distillation
from forcesmith.learning.loop import check
from forcesmith.learning.project import Project
from forcesmith.learning.settings import LearnSettings


def distill(
    structures: Annotated[
        list[str], typer.Argument(help='Files that ASE reads, or "rocksalt MgO 4.21".')
    ],
    teacher: Annotated[
        str, typer.Option(help="sevennet:7net-0, chgnet, module:function, ..., or a .toml file.")
    ],
    temperature: Annotated[
        str, typer.Option(help="Up to this one from 300 K on, or from and to: 300:1500.")
    ] = "300:1000",
    vacancies: Annotated[str, typer.Option(help="Elements that may lack an atom: O,Mg.")] = "",
    duration: Annotated[float, typer.Option(min=0.001, help="Of every condition, ps.")] = 100.0,
    level: Annotated[int, typer.Option(min=2, help="Of the moment tensor potential.")] = 16,
    cutoff: Annotated[float, typer.Option(help="Of the potential, angstrom.")] = 7.0,
    labels: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    into: Annotated[
        Path | None, typer.Option(help="Folder of the project; by default after the structure.")
    ] = None,
    only_settings: Annotated[
        bool,
        typer.Option(
            "--only-settings", help="Check and write the settings, and learn nothing yet."
        ),
    ] = False,
) -> None:
    """Distill a teacher, such as a universal potential, into a small fast potential.

    Writes the settings to FOLDER.toml, where they can be changed, and learns with them; `forcesmith
    learn FOLDER.toml`, or the same command, goes on after an interruption."""
    folder = into or Path(f"{_name(structures[0])}-distilled")
    if not folder.name or folder.name == "..":
        folder = folder.resolve()
    config = folder.with_name(f"{folder.name}.toml")
    text = distillation(
        structures,
        teacher,
        temperature=temperature,
        vacancies=[word.strip() for word in vacancies.split(",") if word.strip()],
        duration=duration,
        level=level,
        cutoff=cutoff,
        labels=labels,
        folder=folder,
    )
    if config.exists() and config.read_text(encoding="utf-8") != text:
        raise ValueError(
            f"{config} is there and differs from what this command makes; go on with: forcesmith "
            f"learn {config}, or give another folder by --into."
        )
    settings = LearnSettings.from_dict(tomllib.loads(text), config.parent, f"{config}")
    check(settings)
    is_new = not config.exists()
    write_atomically(config, text)
    err.print(f"settings: {config}", soft_wrap=True)
    if only_settings:
        return
    try:
        run(settings, text)
    except ValueError:
        if is_new and not Project(settings.folder).exists:
            config.unlink()  # the next command is to be a better one
        raise


def _name(structure: str) -> str:
    words = structure.split()
    return words[1] if len(words) > 1 else Path(structure.partition("@")[0]).name.split(".")[0]
