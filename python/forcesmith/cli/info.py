"""forcesmith info."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.tree import Tree

from forcesmith.cli.console import out
from forcesmith.cli.options import AsJson, Elements, element_list
from forcesmith.potentials.potential import Potential


def info(
    potential: Annotated[Path, typer.Argument(help="Potential file.")],
    as_json: AsJson = False,
    elements: Elements = "",
) -> None:
    """Describe a potential file: elements, cutoff, descriptor, model, where it comes from."""
    description = Potential.read(str(potential), elements=element_list(elements)).info()
    if as_json:
        typer.echo(json.dumps(description, indent=2))
        return
    tree = Tree(str(potential))
    _grow(tree, description)
    out.print(tree)


def _grow(tree: Tree, description: dict[str, Any]) -> None:
    for key, value in description.items():
        if isinstance(value, dict):
            _grow(tree.add(key), value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, entry in enumerate(value, start=1):
                _grow(tree.add(f"{key} {number}"), entry)
        elif isinstance(value, list):
            tree.add(f"{key}: {', '.join(map(str, value))}")
        else:
            tree.add(f"{key}: {value}")
