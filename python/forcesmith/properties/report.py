"""The report of a validation: one HTML page that needs nothing from elsewhere, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from forcesmith.analysis import pages
from forcesmith.analysis.grades import WORTH_LEARNING
from forcesmith.analysis.plots import STYLES
from forcesmith.files import write_atomically
from forcesmith.properties.comparison import Comparison, Row
from forcesmith.properties.property import Plot, Quantity
from forcesmith.properties.registry import PROPERTIES

DASHES = ("-", "--", ":", "-.")
WIDTH, HEIGHT = 5.6, 3.6  # inches
MOST = 1000  # of grades that are told: beyond, the number says nothing


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write report.html and report.json. Raises OSError."""
    write_atomically(folder / "report.json", json.dumps(_document(comparison), indent=1) + "\n")
    write_atomically(folder / "report.html", html_of(comparison))


def html_of(comparison: Comparison) -> str:
    """The page as text."""
    sections = [("", _introduction(comparison)), ("Summary", _summary(comparison))]
    for structure in comparison.structures:
        for name in comparison.properties:
            heading = f"{structure}: {PROPERTIES[name].title}"
            sections.append((heading, _property(comparison, structure, name)))
    sections.append(("Provenance", _provenance(comparison)))
    return pages.page(f"Properties of {', '.join(comparison.structures)}", sections)


def _document(comparison: Comparison) -> dict[str, object]:
    rows = [
        {
            "structure": row.structure,
            "property": row.property,
            "quantity": row.quantity,
            "unit": row.unit,
            "values": {who: [q.value, q.error] for who, q in row.values.items()},
            "deviations": row.deviations,
            "verdicts": row.verdicts,
        }
        for structure in comparison.structures
        for name in comparison.properties
        for row in comparison.rows(structure, name)
    ]
    return {
        "reference": comparison.reference,
        "rows": rows,
        "rankings": {
            structure: {name: ranking}
            for structure in comparison.structures
            for name in comparison.properties
            if (ranking := comparison.ranking(structure, name))
        },
        "results": [entry.model_dump(exclude_defaults=True) for entry in comparison.entries],
        "provenance": comparison.provenance,
    }


# ---- sections ----


def _introduction(comparison: Comparison) -> str:
    reference = (
        f"Deviations are those from {pages.text(comparison.reference)}: "
        '<span class="good">within the tolerance</span>, <span class="fair">within twice the '
        'tolerance</span>, <span class="poor">beyond</span>; two standard errors are added to it.'
        if comparison.reference
        else "There is no reference to compare with."
    )
    grade = ""
    if any((e.result and e.result.largest_grade) for e in comparison.entries):
        grade = f" ⚠: computed outside of the training data (a grade above {WORTH_LEARNING:g})."
    without = [
        one.name
        for one in comparison.subjects
        if one.files
        and all(
            e.result is None or e.result.largest_grade is None
            for e in comparison.entries
            if e.subject == one.name
        )
    ]
    if without:
        grade += (
            " Without an active set, so that it is not known whether it is outside of its data: "
            f"{pages.text(', '.join(without))}."
        )
    return f'<p class="soft">{reference}{grade}{"".join(_errors(comparison))}</p>'


def _errors(comparison: Comparison) -> Iterator[str]:
    """What the errors of committees and of drawn potentials are."""
    for one in comparison.subjects:
        if one.drawn:
            yield (
                f" Errors (±) of {pages.text(one.name)} are from {len(one.files) - 1} potentials "
                "drawn from the covariance of its fit; they are not added to the tolerance."
            )
        elif len(one.files) > 1:
            yield (
                f" {pages.text(one.name)}: means and standard deviations of {len(one.files)} "
                "potentials."
            )


def _summary(comparison: Comparison) -> str:
    """How many quantities are good, fair, poor, by property and subject."""
    subjects = [one.name for one in comparison.subjects if one.name != comparison.reference]
    rows = []
    for structure in comparison.structures:
        for name in comparison.properties:
            rows.append(
                f"<tr><td>{pages.text(structure)}: {pages.text(PROPERTIES[name].title)}</td>"
                + "".join(_counts(comparison, structure, name, who) for who in subjects)
                + "</tr>"
            )
    head = "".join(f"<th>{pages.text(who)}</th>" for who in subjects)
    said = (
        "<p>Quantities within the tolerance, coloured by the worst:</p>"
        if comparison.reference
        else ""
    )
    return said + _values_table(f"<tr><th></th>{head}</tr>{''.join(rows)}")


def _values_table(rows: str) -> str:
    return f'<div class="wide values"><table>{rows}</table></div>'


def _counts(comparison: Comparison, structure: str, name: str, subject: str) -> str:
    entry = comparison.entry(structure, name, subject)
    if entry is None or entry.result is None:
        reason = entry.reason if entry else ""
        return f'<td class="poor" title="{pages.text(reason)}">no value</td>'
    verdicts = [
        row.verdicts[subject] for row in comparison.rows(structure, name) if subject in row.verdicts
    ]
    mark = _grade_mark(comparison, structure, name, subject)
    if not verdicts:
        return f"<td>computed{mark}</td>"
    worst = next(word for word in ("poor", "fair", "good") if word in verdicts)
    return f'<td class="{worst}">{verdicts.count("good")} of {len(verdicts)}{mark}</td>'


def _grade_mark(comparison: Comparison, structure: str, name: str, subject: str) -> str:
    entry = comparison.entry(structure, name, subject)
    grade = entry.result.largest_grade if entry and entry.result else None
    if grade is None or grade <= WORTH_LEARNING:
        return ""
    return f' <span title="largest grade {grade:.3g}">⚠ {_grade(grade)}</span>'


def _grade(grade: float) -> str:
    return f"{grade:.3g}" if grade < MOST else f"above {MOST}"


def _property(comparison: Comparison, structure: str, name: str) -> str:
    rows = comparison.rows(structure, name)
    columns = [one.name for one in comparison.subjects]
    columns += [one.name for one in comparison.published if any(one.name in r.values for r in rows)]
    head = "".join(
        f"<th>{pages.text(who)}{_grade_mark(comparison, structure, name, who)}</th>"
        for who in columns
    )
    body = "".join(
        f'<tr><td>{pages.text(row.quantity)} <span class="soft">{pages.text(row.unit)}</span></td>'
        + "".join(_cell(row, who) for who in columns)
        + "</tr>"
        for row in rows
    )
    table = _values_table(f"<tr><th></th>{head}</tr>{body}") if rows else ""
    plots = "".join(_plots(comparison, structure, name))
    ranking = ranking_text(comparison, structure, name)
    told = f"<p>{pages.text(ranking)}</p>" if ranking else ""
    return table + told + "".join(_remarks(comparison, structure, name)) + plots


def ranking_text(comparison: Comparison, structure: str, name: str) -> str:
    """One line; empty where nothing is ranked."""
    ranking = comparison.ranking(structure, name)
    if len(ranking) < 2:
        return ""
    unit = comparison.rows(structure, name)[0].unit
    return "Ranking: " + ", ".join(
        f"{rank}. {who} ({sum_:g} {unit})" for rank, who, sum_ in ranking
    )


def _cell(row: Row, subject: str) -> str:
    quantity = row.values.get(subject)
    if quantity is None:
        return "<td></td>"
    if subject not in row.deviations:
        return f"<td>{number(quantity)}</td>"
    deviation = row.deviations[subject]
    reference = quantity.value - deviation
    text = f"{deviation:+.3g}"
    if abs(reference) > 1e-6 * max(1.0, abs(quantity.value)) and quantity.tolerance is None:
        text = f"{round(100 * deviation / abs(reference), 1) + 0.0:+.1f} %"
    return (
        f'<td class="{row.verdicts[subject]}">{number(quantity)} '
        f'<span class="soft">{text}</span></td>'
    )


def number(quantity: Quantity) -> str:
    """The value as text, with its error."""
    text = f"{quantity.value:.5g}" if abs(quantity.value) >= 1e-9 else "0"
    return f"{text} ± {quantity.error:.2g}" if quantity.error else text


def _remarks(comparison: Comparison, structure: str, name: str) -> Iterator[str]:
    """Reasons, notes, methods: once where several subjects have the same."""
    said: dict[tuple[str, str], list[str]] = {}
    for one in comparison.subjects:
        entry = comparison.entry(structure, name, one.name)
        if entry is None:
            continue
        if entry.result is None:
            said.setdefault(("no value", entry.reason), []).append(one.name)
            continue
        grade = entry.result.largest_grade
        if grade is not None:
            outside = ": outside of the training data" if grade > WORTH_LEARNING else ""
            text = f"largest grade {_grade(grade)}{outside}"
            said.setdefault(("", text), []).append(one.name)
        for note in entry.result.notes:
            said.setdefault(("", note), []).append(one.name)
        said.setdefault(("soft", entry.result.method), []).append(one.name)
    for (kind, text), who in sorted(said.items(), key=lambda item: item[0][0] == "soft"):
        names = ", ".join(who) if len(who) < len(comparison.subjects) or kind != "soft" else ""
        beginning = f"<b>{pages.text(names)}</b>: " if names else ""
        label = "no value, " if kind == "no value" else ""
        style = ' class="soft"' if kind == "soft" else ""
        yield f"<p{style}>{beginning}{label}{pages.text(text)}</p>"
    seconds = [
        f"{one.name} {entry.result.seconds:.3g} s"
        for one in comparison.subjects
        if (entry := comparison.entry(structure, name, one.name)) and entry.result
    ]
    if seconds:
        yield f'<p class="soft">Time: {pages.text(", ".join(seconds))}.</p>'


def _plots(comparison: Comparison, structure: str, name: str) -> Iterator[str]:
    by_plot: dict[str, dict[str, Plot]] = {}
    for one in comparison.subjects:
        entry = comparison.entry(structure, name, one.name)
        if entry and entry.result:
            for key, plot in entry.result.plots.items():
                by_plot.setdefault(key, {})[one.name] = plot
    order = [one.name for one in comparison.subjects]
    for plots in by_plot.values():
        yield _drawn(plots, order)


def _drawn(plots: dict[str, Plot], order: list[str]) -> str:
    """The curves of all subjects: a colour for each, dashes where each has several curves."""
    figure = pages.figure(WIDTH, HEIGHT)
    axes = figure.subplots()
    first = next(iter(plots.values()))
    labelled = [curve.label for curve in first.curves if curve.label]
    for who, plot in plots.items():
        color, marker = STYLES[order.index(who) % len(STYLES)]
        for index, curve in enumerate(plot.curves):
            label = f"{who}: {curve.label}" if curve.label else who
            place = labelled.index(curve.label) if curve.label in labelled else 0
            axes.plot(
                curve.x,
                curve.y,
                color=color,
                linestyle=DASHES[place % len(DASHES)],
                linewidth=1.0,
                marker=marker if plot.style == "points" else None,
                markersize=4,
                markerfacecolor="none",
                label=label if curve.label or index == 0 else None,
            )
            if curve.error:
                y, error = np.array(curve.y), np.array(curve.error)
                axes.fill_between(curve.x, y - error, y + error, color=color, alpha=0.2, lw=0)
    axes.set(title=first.title, xlabel=first.x_label, ylabel=first.y_label)
    if first.y_limits:
        limits = np.array([plot.y_limits for plot in plots.values() if plot.y_limits])
        axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    if first.ticks:
        places, names = zip(*first.ticks, strict=True)
        axes.set_xticks(places, names)
        axes.set_xlim(places[0], places[-1])
        for place in places:
            axes.axvline(place, color="0.8", linewidth=0.6, zorder=0)
    if min(axes.get_ylim()) < 0:
        axes.axhline(0.0, color="0.8", linewidth=0.6, zorder=0)
    axes.legend(fontsize="x-small", frameon=False)
    return pages.image(figure, first.title)


def _provenance(comparison: Comparison) -> str:
    known = comparison.provenance
    rows = [
        ["written", str(known.get("written", ""))],
        ["command", str(known.get("command", ""))],
        ["forcesmith", str(known.get("forcesmith", ""))],
        ["Python", str(known.get("python", ""))],
        *([name, found] for name, found in known.get("programs", {}).items()),
    ]
    for name, one in known.get("subjects", {}).items():
        files = "; ".join(f"{file} sha256 {digest[:16]}" for file, digest in one["files"].items())
        teacher = json.dumps(one["teacher"]) if one["teacher"] else ""
        rows.append([name, f"{files}{teacher}; identity {one['identity'][:16]}"])
    rows += [[one.name, one.source] for one in comparison.published]
    rows.append(["settings", json.dumps(known.get("settings", {}))])
    body = "".join(
        f'<tr><td>{pages.text(name)}</td><td class="text">{pages.text(value)}</td></tr>'
        for name, value in rows
    )
    return f'<div class="wide"><table>{body}</table></div>'
