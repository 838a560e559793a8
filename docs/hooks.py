"""What mkdocs generates from the program while it builds the site, so that no page repeats it.

A line `<!-- generate: name argument ... -->` in a page is replaced by what the function of that
name in GENERATORS returns, Markdown. Equations between dollars become MathML, which browsers show
without scripts or fonts from elsewhere.
"""

from __future__ import annotations

import html
import inspect
import json
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
import forcesmith as fs
from forcesmith.analysis import pages
from forcesmith.cli.app import app
from forcesmith.engine.settings import EngineSettings, JobQueueSettings
from forcesmith.learning.conditions import ConditionSettings
from forcesmith.learning.settings import (
    LearnSettings,
    SelectionSettings,
    StartSettings,
    ToleranceSettings,
)
from forcesmith.properties.registry import PROPERTIES
from forcesmith.sampling.precision import PrecisionSettings
from forcesmith.sampling.registry import SAMPLERS
from forcesmith.sampling.sampler import RandomDraws
from forcesmith.sampling.settings import GenerateSettings
from forcesmith.teachers.registry import KINDS
from forcesmith.training import settings
from latex2mathml.converter import convert
from pydantic import BaseModel
from typer.main import get_command

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from pareto import draw  # noqa: E402
from records import read_records  # noqa: E402
from tables import TABLES, origin, table  # noqa: E402

DOCS = Path(__file__).resolve().parent
LINK_UPWARDS = re.compile(r"\[([^]]+)\]\((\.\./[^)#]+)(?:#[^)]*)?\)")
GENERATE = re.compile(r"^<!-- generate: (.+?) -->$", re.MULTILINE)
EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by mkdocs for the text of every page."""
    folder = Path(page.file.abs_src_path).parent

    def without_link_outwards(found: re.Match) -> str:
        """Files of the repository that are no pages are named, but not linked."""
        target = (folder / found[2]).resolve()
        if target.is_relative_to(DOCS):
            return found[0]
        return f"{found[1]} (`{target.relative_to(DOCS.parent).as_posix()}`)"

    markdown = LINK_UPWARDS.sub(without_link_outwards, markdown)
    return GENERATE.sub(lambda found: generate(found[1]), markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Called by mkdocs for the HTML of every page."""
    return EQUATION.sub(
        lambda found: convert(
            html.unescape(found[2]), display="block" if found[1] == "div" else "inline"
        ),
        content,
    )


def generate(line: str) -> str:
    name, *arguments = line.split()
    return GENERATORS[name](*arguments)


def code(value: Any) -> str:
    """A value as it is written in TOML or JSON."""
    return "" if value is None else f"`{json.dumps(value)}`"


def text(words: str | None) -> str:
    """Plain words, in which nothing is markup but what stands between backticks."""
    parts = (words or "").split("`")
    parts[::2] = [re.sub(r"([\[\]*_<>])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


# Settings


def settings_table(name: str) -> str:
    """The fields of one section of the settings, a class of forcesmith.training.settings."""
    return fields_table(getattr(settings, name))


def learning(name: str) -> str:
    """The fields of one section of the settings of learning."""
    sections = (
        ConditionSettings,
        EngineSettings,
        JobQueueSettings,
        LearnSettings,
        SelectionSettings,
        ToleranceSettings,
        StartSettings,
    )
    return fields_table({section.__name__: section for section in sections}[name])


def fields_table(section: type[BaseModel], without: Collection[str] = ()) -> str:
    rows = []
    for field, info in section.model_fields.items():
        if field in without:
            continue
        default = "required" if info.is_required() else code(_plain(info.default))
        rows.append(
            [f"`{field}`", _type(info.annotation, info.metadata), default, text(info.description)]
        )
    return table(["setting", "type", "default", "meaning"], rows)


def teachers(what: str) -> str:
    """Settings that all kinds of teachers have ("all"), or those of each kind."""
    if what == "all":
        return fields_table(fs.TeacherSettings)
    return "\n\n".join(
        f"### `{name}`\n\n{fields_table(kind.Options)}"
        for name, kind in KINDS.items()
        if kind.Options.model_fields
    )


def properties(what: str) -> str:
    """The properties ("list"), the settings of a validation, or the options of each property."""
    if what == "settings":
        return fields_table(fs.ValidationSettings)
    if what == "list":
        rows = [
            [
                f"`{name}`",
                text(inspect.getdoc(kind)).replace("\n\n", "<br>").replace("\n", " "),
                f"{100 * kind.tolerance:g} %",
            ]
            for name, kind in PROPERTIES.items()
        ]
        return table(["property", "what it is, and how it is computed", "tolerance"], rows)
    return "\n\n".join(
        f"### `{name}`\n\n{fields_table(kind.Options)}" for name, kind in PROPERTIES.items()
    )


def samplers(what: str) -> str:
    """Settings of a file ("GenerateSettings", "PrecisionSettings"), those that all samplers have
    ("common"), or those of each kind ("kinds")."""
    files = {"GenerateSettings": GenerateSettings, "PrecisionSettings": PrecisionSettings}
    if what in files:
        return fields_table(files[what])
    if what == "common":
        return fields_table(RandomDraws)
    return "\n\n".join(
        f"### `{name}`\n\n{text(inspect.getdoc(kind))}\n\n"
        f"{fields_table(kind, without=RandomDraws.model_fields)}"
        for name, kind in SAMPLERS.items()
    )


def _plain(default: Any) -> Any:
    """Defaults that are themselves sections are told by their own tables."""
    if isinstance(default, BaseModel):
        return getattr(default, "type", None)
    return default


def _type(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f'`"{name}"`' for name in arguments)
    if hasattr(annotation, "__metadata__"):  # Annotated
        return _type(arguments[0], annotation.__metadata__)
    if origin is list:
        return f"list of {_type(arguments[0])}".replace("table", "tables")
    if origin is dict:
        return f"table of {_type(arguments[1])}".replace("of number", "of numbers").replace(
            "of table", "of tables"
        )
    if origin is not None:  # a union; None stands for "absent"
        kinds = [_type(kind, metadata) for kind in arguments if kind is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    if issubclass(annotation, BaseModel):
        return "table"
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    name = names.get(annotation.__name__, f"`{annotation.__name__}`")
    return ", ".join([name, *_bounds(metadata)])


def _bounds(metadata: Iterable[Any]) -> list[str]:
    bounds = []
    for one in metadata:
        for kind, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if isinstance(one, getattr(annotated_types, kind.capitalize())):
                bounds.append(f"{sign} {getattr(one, kind):g}")
    return bounds


# Descriptors, models, formats


def parameters_table(kind: str, name: str) -> str:
    """The parameters of a descriptor or a model, by its schema in the core."""
    rows = []
    for field in fs.registry()[kind][name]:
        default = code(field["default"]) if field["optional"] else "required"
        if field["trained"]:
            default = "trained"
        kind_of_value = field["type"]
        if field["choices"]:
            kind_of_value += f": {', '.join(code(choice) for choice in field['choices'])}"
        rows.append(
            [f"`{field['name']}`", kind_of_value, field["unit"], default, text(field["doc"])]
        )
    return table(["parameter", "type", "unit", "default", "meaning"], rows)


def all_parameters(kind: str) -> str:
    """A section per descriptor or model, by the registry."""
    return "\n\n".join(
        f"### `{name}`\n\n{parameters_table(kind, name)}" for name in fs.registry()[kind]
    )


# The command line


def command_line() -> str:
    """A section per command: what --help prints."""
    return "\n\n".join(_command(name, one) for name, one in get_command(app).commands.items())


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join(
        ["forcesmith", name, "[OPTIONS]"]
        + [p.name.upper() + ("..." if p.nargs != 1 else "") for p in arguments]
    )
    rows = [[f"`{p.name.upper()}`", "required", p.help] for p in arguments]
    for p in options:
        [flag] = p.opts
        value = "" if p.is_flag else " " + flag.removeprefix("--").upper()
        default = "" if p.is_flag or p.default in (None, "") else code(p.default)
        rows.append([f"`{flag}{value}`", default, p.help])
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", command.help)
    return f"## `forcesmith {name}`\n\n```text\n{usage}\n```\n\n{text}\n\n" + table(
        ["argument or option", "default", "meaning"], rows
    )


# Sources


def source(path: str) -> str:
    """A file of the repository, whole."""
    languages = {".hpp": "cpp", ".cpp": "cpp", ".py": "python"}
    code = (DOCS.parent / path).read_text(encoding="utf-8")
    return f'```{languages[Path(path).suffix]} title="{path}"\n{code}```'


# Benchmarks


def pareto() -> str:
    """The picture of the records of models."""
    return pages.image(draw(read_records("models")), "Errors against time per atom and step")


def benchmark(name: str) -> str:
    """The table of that name, and where its records come from."""
    program, print_table = TABLES[name]
    records = read_records(program)
    if not records:
        return "Not recorded yet."
    return f"{print_table(records)}\n\n{origin(records)}"


GENERATORS = {
    "all_parameters": all_parameters,
    "benchmark": benchmark,
    "command_line": command_line,
    "learning": learning,
    "pareto": pareto,
    "parameters": parameters_table,
    "properties": properties,
    "samplers": samplers,
    "settings": settings_table,
    "source": source,
    "teachers": teachers,
}
