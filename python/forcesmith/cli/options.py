"""Options that several commands have."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from forcesmith.data.label_settings import LabelSettings

Elements = Annotated[
    str,
    typer.Option(
        help="Elements of the types 0, 1, ... of files that name none (.mtp, .almtp, .cfg), "
        "separated by commas: Mg,O."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


def with_label_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of `LabelSettings`; it finds those that were given, by name, in
    its argument `labels`."""
    fields = LabelSettings.model_fields

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in fields}
        labels = {name: value for name, value in given.items() if value is not None}
        command(**arguments, labels=labels)

    signature = inspect.signature(command, eval_str=True)
    parameters = [p for p in signature.parameters.values() if p.name != "labels"] + [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                field.annotation,
                typer.Option(
                    help=field.description, rich_help_panel="Labels and units of the data"
                ),
            ],
        )
        for name, field in fields.items()
    ]
    # Typer asks inspect.signature, which looks for this attribute.
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


def element_list(text: str) -> list[str] | None:
    return text.replace(",", " ").split() or None
