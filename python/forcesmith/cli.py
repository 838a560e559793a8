"""The command `forcesmith`: fit, scan, evaluate, convert, info.

Results go to standard output, progress and messages to standard error.
Exit codes: 0 done; 2 the input is at fault (usage, settings, data, files: one sentence says what to
do); 1 anything unexpected; 128 + the number of the signal that ended it: 130 for Ctrl-C, 143 for
SIGTERM.
"""

from __future__ import annotations

import functools
import inspect
import json
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

import forcesmith as fs

from ._core import potential_file
from .committee import fit_committee, member_path, spread
from .dataset import check_configurations, read, split
from .files import check_writable
from .interruption import StopSignals
from .metrics import errors_by_group
from .plots import check_plot_format, loss_plot, parity_plot, trade_off_plot
from .potential import is_n2p2_potential
from .progress import FitProgress, write_history
from .settings import FitSettings, LabelSettings
from .weight_scan import parse_ratios, weight_scan

INPUT_ERROR = 2
INTERRUPTED = 130

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
app = typer.Typer(
    help="Fit machine-learned interatomic potentials and run them in LAMMPS.",
    epilog="Exit codes: 0 done, 2 wrong input or usage, 1 anything unexpected, 128 + number of the "
    "signal that ended it (130 Ctrl-C, 143 SIGTERM).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Elements = Annotated[
    str,
    typer.Option(
        help="Elements of the types 0, 1, ... of files that name none (.mtp, .almtp, .cfg), "
        "separated by commas: Mg,O."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


def main() -> None:
    """Entry point: a user's mistake ends in one sentence and exit code 2, not in a traceback."""
    with warnings.catch_warnings(), StopSignals() as signals:
        warnings.showwarning = _show_warning
        warnings.filterwarnings("default", category=UserWarning, module="forcesmith")
        code = _run()
    if signals.received is not None and code in (0, 1, INTERRUPTED):
        name = signal.Signals(signals.received).name
        err.print(f"forcesmith: interrupted ({name}).", style="red")
        code = 128 + signals.received
    sys.exit(code)


def _run() -> int:
    """The exit code of the command."""
    try:
        app()
    except SystemExit as stop:
        return int(stop.code or 0)
    except (ValueError, OSError) as error:
        if "--traceback" in sys.argv:
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


def _show_warning(message: Warning | str, *_: Any) -> None:
    err.print(f"forcesmith: warning: {message}", style="yellow", markup=False, soft_wrap=True)


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
    wrapped.__signature__ = signature.replace(parameters=parameters)
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where in the code an error arose.")
    ] = False,
) -> None:
    if version:
        typer.echo(f"forcesmith {fs.__version__}")
        raise typer.Exit


@app.command()
@with_label_options
def fit(
    config: Annotated[
        Path, typer.Argument(help="Settings, TOML; paths in it start at its folder.")
    ],
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the checkpoint of this fit, or with larger max_iterations."
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Start anew where the checkpoint of another fit lies."),
    ] = False,
    *,
    labels: dict[str, Any],
) -> None:
    """Fit a potential as a TOML file says; write it, print errors per group, draw a parity plot.

    With optimizer.committee above 1, several potentials from different random starts.

    Every 30 s (optimizer.checkpoint_seconds) the best potential is written, and beside it
    NAME.state.npz, from which --resume goes on, with the same settings and data; only
    max_iterations, tolerance, patience, batch_size, learning rates and threads may change. A
    potential that lay there before becomes FILE.previous. NAME.lock keeps other fits away.

    Ctrl-C, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1 and SIGUSR2 end the fit with its best potential; a
    second Ctrl-C ends it at once."""
    settings = FitSettings.from_toml(config)
    if resume and overwrite:
        raise ValueError("--resume and --overwrite exclude each other.")
    settings.optimizer.resume = settings.optimizer.resume or resume
    settings.optimizer.overwrite = settings.optimizer.overwrite or overwrite
    _check_outputs(settings, config)
    train, test = _read_sets(settings, labels)
    err.print(f"{len(train)} configurations to fit, {len(test)} to test")
    if settings.optimizer.committee > 1:
        _fit_committee(settings, train, test)
        return
    with FitProgress(err, settings.optimizer.max_iterations) as progress:
        result = fs.fit(
            train, test, settings, progress=progress, checkpoint=settings.output.potential
        )
    _report(result)
    out.print(f"potential: {settings.output.potential}", soft_wrap=True)
    _write_histories(settings, {"": result.history})
    if settings.output.parity_plot:
        sets = {"train": train, "test": test} if test else {"train": train}
        results = {name: (data, result.potential.evaluate(data)) for name, data in sets.items()}
        parity_plot(results, settings.output.parity_plot)
        out.print(f"parity plot: {settings.output.parity_plot}", soft_wrap=True)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def _check_outputs(settings: FitSettings, config: Path) -> None:
    """What would fail only after the fit, now; makes the folders of the outputs."""
    taken = {config.resolve(): "the file of the settings"}
    for name in (*settings.data.train, *settings.data.test):
        taken[Path(name.partition("@")[0]).resolve()] = "a file of the data"
    for name, path in settings.output:
        if not path:
            continue
        file = Path(path).resolve()
        if file in taken:
            raise ValueError(
                f"output.{name} is {path}, but so is {taken[file]}; give it another name."
            )
        taken[file] = f"output.{name}"
        if name.endswith("plot"):
            check_plot_format(path)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        check_writable([potential_file(path) if name == "potential" else path])


@app.command()
@with_label_options
def scan(
    configs: Annotated[
        list[Path], typer.Argument(help="Settings of one or several models, TOML, as for fit.")
    ],
    ratios: Annotated[
        str,
        typer.Option(help="Force weight over energy weight: first:last:number, or a list a,b,c."),
    ] = "1e-4:1e4:9",
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw force against energy errors to this file.")
    ] = None,
    as_json: AsJson = False,
    *,
    labels: dict[str, Any],
) -> None:
    """Fit each model with many ratios of force weight to energy weight, and compare the errors.

    Every model trades energy errors for force errors; only whole curves compare fairly."""
    if plot:
        check_writable([check_plot_format(plot)])
    values = parse_ratios(ratios)
    points: dict[str, list[dict]] = {}
    for config in configs:
        settings = FitSettings.from_toml(config)
        train, test = _read_sets(settings, labels)
        rows = points.setdefault(config.stem, [])
        for row in weight_scan(train, test, settings, values):
            rows.append(row)
            err.print(
                f"{config.stem}: ratio {row['ratio']:g}, energy {row['energy_rmse']:.2f} meV/atom, "
                f"force {row['force_rmse']:.4f} eV/Å, {row['seconds']:.0f} s"
            )
    if as_json:
        typer.echo(json.dumps(points, indent=2))
    else:
        table = Table("model", "force/energy weight", "energy RMSE, meV/atom", "force RMSE, eV/Å")
        for name, rows in points.items():
            for row in rows:
                table.add_row(
                    name,
                    f"{row['ratio']:g}",
                    f"{row['energy_rmse']:.2f}",
                    f"{row['force_rmse']:.4f}",
                )
        out.print(table)
    if plot:
        trade_off_plot(points, plot)
        err.print(f"plot: {plot}", soft_wrap=True)


def _read_sets(settings: FitSettings, labels: dict[str, Any] | None = None) -> tuple[list, list]:
    """Training and test configurations, as the settings split them.

    labels: options of the command line, which go before those of the settings.
    """
    data = settings.data
    options = data.model_dump(include=set(LabelSettings.model_fields))
    options |= {"elements": settings.elements, **(labels or {})}
    start = settings.optimizer.start
    if start and (start.endswith(".json") or is_n2p2_potential(start)):
        options["potential"] = fs.Potential.read(start)
    train, test = read(data.train, **options), read(data.test, **options)
    if fraction := data.test_fractions or data.test_fraction:
        train, held_out = split(train, fraction, settings.optimizer.seed)
        test = test + held_out
    return train, test


def _fit_committee(settings: FitSettings, train: list, test: list) -> None:
    members = []
    histories = {}
    interrupted = False
    path = settings.output.potential
    with FitProgress(err, settings.optimizer.max_iterations) as progress:
        for result in fit_committee(
            train, test, settings, progress=lambda member: progress, checkpoint=path
        ):
            members.append(result.potential)
            histories[f"member {len(members)}"] = result.history
            errors = (result.test_errors or result.train_errors).total
            out.print(
                f"{member_path(path, len(members))}: energy {errors.energy_rmse:.2f} meV/atom, "
                f"force {errors.force_rmse:.4f} eV/Å (RMSE, {'test' if test else 'train'})",
                soft_wrap=True,
            )
            interrupted = result.interrupted
            if interrupted:
                break
    _write_histories(settings, histories)
    if len(members) > 1:
        found = spread(members, test or train)
        out.print(
            f"spread of the members: energy {found.energy:.2f} meV/atom, force "
            f"{found.force:.4f} eV/Å"
        )
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _report(result: fs.FitResult) -> None:
    reasons = {
        "interrupted": "interrupted: this is the best potential so far",
        "diverged": "the training diverged: this is the best potential before; try a smaller "
        "learning_rate",
    }
    if result.was_finished:
        err.print(
            f"the fit is finished already ({result.ending}, {len(result.history)} iterations "
            "done); its potential stays as it is; a larger max_iterations lets it go on",
            style="yellow",
            soft_wrap=True,
        )
    if result.ending in reasons:
        err.print(reasons[result.ending], style="yellow")
    result.train_errors.print(out, "Errors on the fitted data")
    if result.test_errors:
        result.test_errors.print(out, "\nErrors on the test data")
    out.print(
        f"\nfitted in {result.seconds:.1f} s with at most {result.peak_memory_mb:.0f} MB of memory"
    )


def _write_histories(settings: FitSettings, histories: dict[str, list[dict]]) -> None:
    output = settings.output
    if output.loss_log:
        for number, history in enumerate(histories.values(), start=1):
            path = output.loss_log if len(histories) == 1 else member_path(output.loss_log, number)
            write_history(history, path)
            out.print(f"loss: {path}", soft_wrap=True)
    if output.loss_plot:
        loss_plot(histories, output.loss_plot)
        out.print(f"loss plot: {output.loss_plot}", soft_wrap=True)


@app.command()
@with_label_options
def evaluate(
    potential: Annotated[Path, typer.Argument(help="Potential file.")],
    data: Annotated[list[str], typer.Argument(help="Labelled data: file or file@slice.")],
    as_json: AsJson = False,
    elements: Elements = "",
    plot: Annotated[
        Path | None, typer.Option("--parity-plot", help="Draw a parity plot to this file.")
    ] = None,
    *,
    labels: dict[str, Any],
) -> None:
    """Print the errors of a potential on labelled data, per group (info["config_type"])."""
    if plot:
        check_writable([check_plot_format(plot)])
    units = {name: labels.get(name) for name in ("cflength", "cfenergy")}
    model = fs.Potential.read(
        str(potential),
        elements=_elements(elements),
        **(units if is_n2p2_potential(potential) else {}),
    )
    configurations = read(data, elements=_elements(elements), potential=model, **labels)
    check_configurations(configurations, model.elements, "the data", potential=True)
    results = model.evaluate(configurations)
    table = errors_by_group(results, configurations)
    if as_json:
        typer.echo(json.dumps(table.to_dict(), indent=2))
    else:
        table.print(out, f"{potential} on {', '.join(data)}")
    if plot:
        parity_plot({Path(potential).stem: (configurations, results)}, plot)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Potential file (or folder of n2p2) to read.")],
    target: Annotated[Path, typer.Argument(help="File to write; its ending chooses the format.")],
    elements: Elements = "",
    cflength: Annotated[
        float | None,
        typer.Option(help="Units of length of an n2p2 folder per angstrom; default: bohr."),
    ] = None,
    cfenergy: Annotated[
        float | None,
        typer.Option(help="Units of energy of an n2p2 folder per eV; default: hartree."),
    ] = None,
) -> None:
    """Convert a potential between formats: .json (forcesmith), .mtp and .almtp (MLIP), .snapcoeff
    with .snapparam (LAMMPS' SNAP; a repulsion goes into a .mod file of LAMMPS commands, without one
    that of an earlier potential is removed), and folders of n2p2 (folder/input.nn).

    LAMMPS' ML-IAP files (.mliap.model with .mliap.descriptor, SNAP with a linear or quadratic
    model) and RuNNer's folders are read, too. The content of a file tells its format."""
    model = fs.Potential.read(
        str(source), elements=_elements(elements), cflength=cflength, cfenergy=cfenergy
    )
    model.write(str(target))
    err.print(f"{target}: {', '.join(model.elements)}, cutoff {model.cutoff:g} Å", soft_wrap=True)


@app.command()
def info(
    potential: Annotated[Path, typer.Argument(help="Potential file.")],
    as_json: AsJson = False,
    elements: Elements = "",
) -> None:
    """Describe a potential file: elements, cutoff, descriptor, model, where it comes from."""
    description = fs.Potential.read(str(potential), elements=_elements(elements)).info()
    if as_json:
        typer.echo(json.dumps(description, indent=2))
        return
    tree = Tree(str(potential))
    _grow(tree, description)
    out.print(tree)


def _grow(tree: Tree, description: dict) -> None:
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


def _elements(text: str) -> list[str] | None:
    return text.replace(",", " ").split() or None


def _sentence(error: Exception) -> str:
    """The message of an error on one line; those of the operating system without their number."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    main()
