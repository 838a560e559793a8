"""forcesmith fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith._core import potential_file
from forcesmith.analysis.plots import check_plot_format, loss_plot, parity_plot
from forcesmith.cli.console import INTERRUPTED, err, out
from forcesmith.cli.data_sets import read_sets
from forcesmith.cli.options import with_label_options
from forcesmith.data.dataset import Dataset
from forcesmith.files import check_writable
from forcesmith.progress import FitProgress, write_history
from forcesmith.training import fitting
from forcesmith.training.committee import fit_committee, member_path, spread
from forcesmith.training.settings import FitSettings


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

    The active set, which extrapolation grades need, becomes NAME.active_set beside the potential.

    Ctrl-C, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1 and SIGUSR2 end the fit with its best potential; a
    second Ctrl-C ends it at once."""
    settings = FitSettings.from_toml(config)
    if resume and overwrite:
        raise ValueError("--resume and --overwrite exclude each other.")
    settings.optimizer.resume = settings.optimizer.resume or resume
    settings.optimizer.overwrite = settings.optimizer.overwrite or overwrite
    _check_outputs(settings, config)
    train, test = read_sets(settings, labels)
    err.print(f"{len(train)} configurations to fit, {len(test)} to test")
    if settings.optimizer.committee > 1:
        _fit_committee(settings, train, test)
        return
    with FitProgress(err, settings.optimizer.max_iterations) as progress:
        result = fitting.fit(
            train,
            test,
            settings,
            progress=progress,
            status=progress.status,
            checkpoint=settings.output.potential,
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


def _fit_committee(settings: FitSettings, train: Dataset, test: Dataset) -> None:
    members = []
    histories = {}
    interrupted = False
    path = settings.output.potential
    with FitProgress(err, settings.optimizer.max_iterations) as progress:
        for result in fit_committee(
            train,
            test,
            settings,
            progress=lambda member: progress,
            status=progress.status,
            checkpoint=path,
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


def _report(result: fitting.FitResult) -> None:
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
    if result.active_set:
        out.print(f"\nactive set: {result.active_set}", soft_wrap=True)
    out.print(
        f"\nfitted in {result.seconds:.1f} s with at most {result.peak_memory_mb:.0f} MB of memory"
    )


def _write_histories(settings: FitSettings, histories: dict[str, list[dict[str, float]]]) -> None:
    output = settings.output
    if output.loss_log:
        for number, history in enumerate(histories.values(), start=1):
            path = output.loss_log if len(histories) == 1 else member_path(output.loss_log, number)
            write_history(history, path)
            out.print(f"loss: {path}", soft_wrap=True)
    if output.loss_plot:
        loss_plot(histories, output.loss_plot)
        out.print(f"loss plot: {output.loss_plot}", soft_wrap=True)
