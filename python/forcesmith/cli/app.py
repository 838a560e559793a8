"""The command `forcesmith`: fit, scan, evaluate, active-set, grade, select, cut, generate,
limits, filter, diversity, thin, precision, label, learn, distill, validate, convert, convert-data,
info.

Results go to standard output, progress and messages to standard error.
Exit codes: 0 done; 2 the input is at fault (usage, settings, data, files: one sentence says what to
do); 1 anything unexpected; 128 + the number of the signal that ended it: 130 for Ctrl-C, 143 for
SIGTERM.
"""

from __future__ import annotations

import signal
import sys
import traceback
import warnings
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from forcesmith._core import DeviceError, __version__
from forcesmith.cli import Commands
from forcesmith.cli.console import INPUT_ERROR, INTERRUPTED, err
from forcesmith.interruption import StopSignals


class Group(TyperGroup):
    def __init__(self, **attributes: Any):
        super().__init__(**attributes)
        self.commands = Commands()  # type: ignore[assignment]


app = typer.Typer(
    cls=Group,
    help="Fit machine-learned interatomic potentials and run them in LAMMPS.",
    epilog="Exit codes: 0 done, 2 wrong input or usage, 1 anything unexpected, 128 + number of the "
    "signal that ended it (130 Ctrl-C, 143 SIGTERM).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The command `forcesmith ARGUMENTS` in this process; returns its exit code. A user's mistake
    ends in one sentence and exit code 2, not in a traceback."""
    with warnings.catch_warnings(), StopSignals() as signals:
        warnings.showwarning = _show_warning
        warnings.filterwarnings("default", category=UserWarning, module="forcesmith")
        code = _run(arguments)
    if signals.received is not None and code in (0, 1, INTERRUPTED):
        name = signal.Signals(signals.received).name
        err.print(f"forcesmith: interrupted ({name}).", style="red")
        code = 128 + signals.received
    return code


def _run(arguments: list[str]) -> int:
    try:
        app(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    except (ValueError, OSError, DeviceError) as error:
        if "--traceback" in arguments:
            traceback.print_exc()
        else:
            err.print(f"forcesmith: {_sentence(error)}", style="red", markup=False, soft_wrap=True)
        return INPUT_ERROR
    except MemoryError:
        err.print(
            "forcesmith: there is not enough memory; use fewer descriptor values, a smaller model, "
            "or less data.",
            style="red",
        )
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    err.print(f"forcesmith: warning: {message}", style="yellow", markup=False, soft_wrap=True)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where in the code an error arose.")
    ] = False,
) -> None:
    if version:
        typer.echo(f"forcesmith {__version__}")
        raise typer.Exit


def _sentence(error: Exception) -> str:
    """The message of an error on one line; those of the operating system without their number."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    return " ".join(str(error).split()) or type(error).__name__
