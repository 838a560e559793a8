"""How far a project is, as tables, from its folder alone."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from forcesmith.learning.project import Project


def print_status(project: Project, console: Console) -> None:
    """Rounds, with the errors that their potentials had on the labels they led to; conditions."""
    known = project.known()
    rounds = Table("round", "labels", "new", "set aside", box=None)
    for column in ("meV/atom", "eV/Å"):
        rounds.add_column(f"error on the new ones, {column}")
    for number in project.rounds():
        summary, fit = project.summary(number) or {}, project.fit(number) or {}
        errors = (project.fit(number + 1) or {}).get("errors_on_new", {})
        rounds.add_row(
            str(number),
            _shown(fit.get("labels")),
            _shown(summary.get("labels")),
            _shown(summary.get("rejected")),
            _shown(errors.get("energy_rmse_mev"), ".2f"),
            _shown(errors.get("force_rmse"), ".4f"),
        )
    console.print(rounds)
    conditions = Table("condition", "round", "ended", "ps", "largest grade", "candidates", box=None)
    for name, (number, one) in last_explorations(project).items():
        grade = f"{one['largest_grade']:.3g}"
        if one.get("quantity", "grade") != "grade":
            grade += " eV/Å"
        conditions.add_row(
            name, str(number), one["ending"], f"{one['picoseconds']:.4g}", grade,
            str(one["n_snapshots"]),
        )  # fmt: skip
    if conditions.row_count:
        console.print()
        console.print(conditions)
    console.print(f"\n{known.labels} labels, {known.rejected} configurations set aside")


def last_explorations(project: Project) -> dict[str, tuple[int, dict[str, Any]]]:
    """Of every condition, the last round that explored it, and exploration.json."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for number in project.rounds():
        for folder in sorted((project.round_folder(number) / "explorations").glob("*/")):
            if one := project.exploration(number, folder.name):
                found[folder.name] = (number, one)
    return found


def _shown(value: float | None, form: str = "") -> str:
    return "" if value is None else format(value, form)
