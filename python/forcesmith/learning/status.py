"""How far a project is, as tables, from its folder alone."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from forcesmith.files import lock_holder
from forcesmith.learning.exploration import how_far
from forcesmith.learning.project import Project, read_json


def print_status(project: Project, console: Console) -> None:
    """Rounds and conditions, and what there is in all."""
    known = project.known()
    if sentence := decided_by(project):
        console.print(sentence, soft_wrap=True)
    console.print(rounds_table(project))
    conditions = conditions_table(project)
    if conditions.row_count:
        console.print()
        console.print(conditions)
    console.print(f"\n{known.labels} labels, {known.rejected} configurations set aside")


def doing(project: Project) -> str:
    """What it is at, and who, or how it ended: a line of text."""
    holder = lock_holder(project.lock)
    last: dict[str, Any] = {}
    for event in project.events():
        last = event
    if last.get("event") == "end":
        return f"verdict: {holder}" if holder else f"{last['ending']}: {last['reason']}"
    number = max(project.rounds(), default=0)
    what = "fit"
    if number == 0 or project.fit(number) is not None:
        chosen = {atoms.info["id"] for atoms in project.chosen(number)}
        known = project.known(since=number)
        done = len(chosen & (known.labelled_ids | known.rejected_ids))
        explored = len(list(project.round_folder(number).glob("explorations/*/exploration.json")))
        what = f"{explored} explorations done, " if number else ""
        what += f"{done} of {len(chosen)} labels"
    who = holder or "nobody is at it, the same command without --status goes on"
    return f"round {number}: {what}; {who}"


def print_verdict(project: Project, console: Console) -> None:
    """What verdict.json says."""
    verdict = read_json(project.verdict)
    console.print()
    for sentence in verdict["sentences"]:
        console.print(sentence, soft_wrap=True, markup=False)
    table = Table("", "potential", "teacher", box=None)
    for one in verdict["comparisons"]:
        table.add_row(one["what"], one["potential"], one["teacher"])
    console.print(table)


def rounds_table(project: Project, most: int | None = None) -> Table:
    """Rounds, with the errors that their potentials had on the labels they led to.

    most: only so many, the last ones.
    """
    table = Table("round", "labels", "new", "set aside", box=None)
    for column in ("meV/atom", "eV/Å"):
        table.add_column(f"error on the new ones, {column}")
    for number in project.rounds()[-(most or 0) :]:
        summary, fit = project.summary(number) or {}, project.fit(number) or {}
        errors = (project.fit(number + 1) or {}).get("errors_on_new", {})
        table.add_row(
            str(number),
            _shown(fit.get("labels")),
            _shown(summary.get("labels")),
            _shown(summary.get("rejected")),
            _shown(errors.get("energy_rmse_mev"), ".2f"),
            _shown(errors.get("force_rmse"), ".4f"),
        )
    return table


def conditions_table(project: Project, most: int | None = None) -> Table:
    """The last exploration of every condition.

    most: only so many, those first that did not come to their end.
    """
    table = Table(box=None)
    table.add_column("condition", overflow="fold")  # the temperature is at its end
    for column in ("round", "ended", "ps", "grade", "candidates"):
        table.add_column(column)
    running = explorations_under_way(project)
    for name, (number, picoseconds, largest) in list(running.items())[:most]:
        row = (name, str(number), "not yet", f"{picoseconds:.4g}", f"{largest:.3g}", "")
        table.add_row(*row)
    if most is not None:
        most = max(0, most - len(running))
    explored = [(n, one) for n, one in last_explorations(project).items() if n not in running]
    if most is not None and len(explored) > most:
        explored.sort(key=lambda item: item[1][1]["ending"] == "finished")
    closed = project.last_closed()
    for name, (number, one) in explored[:most]:
        grade = f"{one['largest_grade']:.3g}"
        if one.get("quantity", "grade") != "grade":
            grade += " eV/Å"
        ended = "closed" if name in closed else one["ending"]
        table.add_row(
            name, str(number), ended, f"{one['picoseconds']:.4g}", grade,
            str(one["n_snapshots"]),
        )  # fmt: skip
    return table


def last_explorations(project: Project) -> dict[str, tuple[int, dict[str, Any]]]:
    """Of every condition, the last round that explored it, and exploration.json."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for number in project.rounds():
        for folder in sorted((project.round_folder(number) / "explorations").glob("*/")):
            if one := project.exploration(number, folder.name):
                found[folder.name] = (number, one)
    return found


def explorations_under_way(project: Project) -> dict[str, tuple[int, float, float]]:
    """Of conditions whose dynamics runs now, or was interrupted: round, picoseconds, grade."""
    number = max(project.rounds(), default=0)
    found: dict[str, tuple[int, float, float]] = {}
    for folder in sorted((project.round_folder(number) / "explorations").glob("*/")):
        if project.exploration(number, folder.name) is None and (far := how_far(folder)):
            found[folder.name] = (number, *far)
    return found


def decided_by(project: Project) -> str:
    """What decides in place of grades; empty: grades do."""
    fits = (project.fit(number) for number in reversed(project.rounds()))
    last = next((fit for fit in fits if fit is not None), None)
    if last is None or last["grades"]:
        return ""
    return (
        f"There are no grades, as the fit gives no active set: the deviation of forces of a "
        f"committee of {len(last['potentials'])} potentials, eV/angstrom, decides."
    )


def _shown(value: float | None, form: str = "") -> str:
    return "" if value is None else format(value, form)
