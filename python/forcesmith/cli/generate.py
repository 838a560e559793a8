"""forcesmith generate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forcesmith.cli.console import err, out
from forcesmith.progress import LineProgress
from forcesmith.sampling.generating import generate as generate_structures
from forcesmith.sampling.settings import GenerateSettings


def generate(
    config: Annotated[Path, typer.Argument(help="TOML file with structures and samplers.")],
) -> None:
    """Make structures to be labelled: derived from crystals, packed by chance, with defects, or
    evolved by dynamics and searches.

    The file is written at the end, as a whole; after an interruption the same command goes on.
    Every structure tells how it was made (info["origin"])."""
    settings = GenerateSettings.from_toml(config)
    with LineProgress(err) as progress:
        made = generate_structures(settings, progress=progress.show)
    for group, count in made.counts.items():
        out.print(f"{group}: {count}", soft_wrap=True, markup=False)
    before = f", {made.n_before} of them before" if made.n_before else ""
    out.print(
        f"{settings.output}: {len(made.structures)} structures{before}",
        soft_wrap=True,
        markup=False,
    )
