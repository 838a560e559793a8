"""python tests/fuzz run: many damaged files; python tests/fuzz replay: one of them again."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "tests" / "python"))

import campaign  # noqa: E402
from seeds import make_seeds, seeds_in  # noqa: E402
from targets import FAULTS  # noqa: E402

OUTSIDE = os.environ.get("FORCESMITH_SHARED_CASES", REPOSITORY.parent / "shared" / "cases")

out = Console(highlight=False, markup=False, soft_wrap=True, width=120)
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def run(
    cases: Annotated[int, typer.Option(help="At most so many.")] = 100_000,
    minutes: Annotated[float, typer.Option(help="At most so long.")] = 1e9,
    first: Annotated[int | None, typer.Option(help="First number; default: the time.")] = None,
    format: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.")] = None,
    processes: int = 2,
    reproducers: Path = campaign.REPRODUCERS,
) -> None:
    """Run many cases; print classes per format and causes of faults. Exit code 1 if any."""
    seeds = make_seeds()
    for name, more in seeds_in(Path(OUTSIDE)).items():
        seeds[name] += more
    first = int(time.time()) if first is None else first
    out.print(f"numbers from {first}")
    ends = time.monotonic() + 60 * minutes
    numbered = ((name, number) for number in itertools.count(first) for name in format or seeds)
    some = itertools.islice(numbered, cases)
    some = itertools.takewhile(lambda case: time.monotonic() < ends, some)
    found: list[campaign.Case] = []
    with campaign.some_workers(processes) as workers, contextlib.suppress(KeyboardInterrupt):
        for case in campaign.run_cases(seeds, some, workers, reproducers):
            found.append(case)
            if len(found) % 1000 == 0:
                print(len(found), "cases", file=sys.stderr)
    classes = Counter((case.format, case.outcome["class"]) for case in found)
    shown = ("ok", "refused", *FAULTS)
    table = Table("format", *shown)
    for name in format or seeds:
        table.add_row(name, *(str(classes[name, kind] or "") for kind in shown))
    out.print(table)
    told = Counter(warning for case in found for warning in case.outcome["warnings"])
    for warning, count in told.most_common(20):
        out.print(f"{count} x {warning}")
    faults = campaign.report(found, reproducers)
    out.print(faults)
    raise typer.Exit(bool(faults))


@app.command()
def replay(folders: list[Path]) -> None:
    """Run cases that were kept, in folders FORMAT-NUMBER, once more."""
    for folder in folders:
        out.print(folder.name, campaign.replay(folder))


if __name__ == "__main__":
    app()
