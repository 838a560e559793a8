"""The page of a project: what was learned, why, how well and at which cost, as one HTML file.

Everything comes from the folder, so the page can be made at any time, also of a project that was
killed. It needs nothing from elsewhere, no scripts and no network.
"""

from __future__ import annotations

import io
import itertools
import re
import tempfile
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ase.io
import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors

from forcesmith.analysis import pages
from forcesmith.analysis.plots import STYLES, parity_plot
from forcesmith.files import write_atomically
from forcesmith.learning.project import Frame, Project, formula, frames, read_json
from forcesmith.learning.status import decided_by
from forcesmith.potentials.potential import Potential

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PARITY = 400
"""Labels that the parity plot shows, the last ones."""
MOST_PICTURES = 24
"""Configurations that are shown, the last ones."""
MOST_ROWS = 60
"""Of a table."""
COLORS_OF_ENDINGS = {"finished": "good", "stopped": "fair", "failed": "poor"}
_SECONDS = re.compile(rb'\slabel_seconds=("?)([-+.eE0-9]+)\1')


def write_page(project: Project) -> None:
    """Rewrite index.html. Raises OSError."""
    write_atomically(project.page, page_of(project))


def page_of(project: Project) -> str:
    """The page as text."""
    name = project.folder.name
    sections = [
        ("", _overview(project)),
        ("Verdict", _verdict(project)),
        ("Learning curve", _learning_curve(project)),
        ("Picoseconds survived", _survival(project)),
        ("Grades", _grades(project)),
        ("Energies and forces against the teacher", _parity(project)),
        ("What the data are", _composition(project)),
        ("Cost", _cost(project)),
        ("What was chosen, and why", _pictures(project)),
        ("What was set aside", _rejected(project)),
    ]
    return pages.page(name, sections)


# ---- sections ----


def _overview(project: Project) -> str:
    start: dict[str, Any] = {}
    last: dict[str, Any] = {}
    troubles: dict[str, str] = {}  # when, by reason: each once
    for event in project.events():
        if event["event"] == "start":
            start = event
        if event["event"] in ("failed", "fit failed"):
            troubles[event["reason"]] = f"round {event['round']}, {event['time']}"
        last = event
    known = project.known()
    ended = f"{last['ending']}: {last['reason']}" if last.get("event") == "end" else "not ended yet"
    now = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    trouble = "".join(
        f"<p>Trouble ({when}): {pages.text(reason)}</p>"
        for reason, when in list(troubles.items())[-3:]
    )
    committee = f"<p>{pages.text(decided_by(project))}</p>" if decided_by(project) else ""
    return (
        f'<p class="soft">teacher {pages.text(start.get("teacher", "not known"))}, {known.labels} '
        f"labels, {known.rejected} set aside, {max(project.rounds(), default=0)} rounds; written "
        f"{now}</p><p><b>{pages.text(ended)}</b></p>{committee}{trouble}"
    )


def _verdict(project: Project) -> str:
    verdict = read_json(project.verdict)
    if not verdict:
        return ""
    rows = [[one["what"], one["potential"], one["teacher"]] for one in verdict["comparisons"]]
    errors = verdict["errors"]
    sentences = "".join(
        f"<p><b>Not good enough: {pages.text(one)}.</b></p>"
        for one in verdict.get("shortfalls", ())
    )
    sentences += "".join(f"<p>{pages.text(sentence)}</p>" for sentence in verdict["sentences"])
    table = pages.table(["", "potential", "teacher"], rows) if rows else ""
    if not errors:
        return sentences + table
    groups = [
        [group, *(_number(one[key]) for key in ("configurations", *ERRORS))]
        for group, one in errors.items()
    ]
    return (
        sentences + table + "<p></p>" + pages.table(["errors", "labels", *ERRORS.values()], groups)
    )


ERRORS = {
    "energy_rmse_mev": "energy RMSE, meV/atom",
    "force_rmse": "force RMSE, eV/Å",
    "stress_rmse_gpa": "stress RMSE, GPa",
}
"""By their keys in fit.json and verdict.json."""


def _learning_curve(project: Project) -> str:
    numbers = [number for number in project.rounds() if project.fit(number)]
    if not numbers:
        return ""
    fits = {number: project.fit(number) or {} for number in numbers}
    figure = pages.figure(9.0)
    for axes, key in zip(figure.subplots(1, 2), ("energy_rmse_mev", "force_rmse"), strict=True):
        new = [(fits[n]["labels"], fits.get(n + 1, {}).get("errors_on_new", {})) for n in numbers]
        known = [(fits[n]["labels"], fits[n].get("errors", {})) for n in numbers]
        for points, name, (color, marker) in (
            (new, "on what comes next", STYLES[1]),
            (known, "on what is known", STYLES[0]),
        ):
            rows = [(x, errors[key]) for x, errors in points if errors.get(key)]
            if rows:
                axes.plot(*zip(*rows, strict=True), marker, ls="-", lw=0.8, color=color, label=name)
        axes.set(xlabel="labels", ylabel=ERRORS[key], yscale="log")
        axes.locator_params(axis="x", integer=True)
        axes.legend(fontsize="small", frameon=False)
    return pages.image(figure, "Errors over the number of labels")


def _survival(project: Project) -> str:
    """A row per condition, a column per round."""
    explored = _explorations(project)
    if not explored:
        return ""
    rounds = sorted({number for own in explored.values() for number in own})[-MOST_ROWS:]
    rows = []
    for name, own in list(explored.items())[:MOST_ROWS]:
        cells = []
        for number in rounds:
            one = own.get(number)
            if one is None:
                cells.append("<td></td>")
                continue
            what = f"{one['ending']}; {one['reason'] or 'to the end'}; {_uncertainty(one)}"
            cells.append(
                f'<td class="{COLORS_OF_ENDINGS[one["ending"]]}" title="{pages.text(what)}">'
                f"{_survived(one)}</td>"
            )
        rows.append(f"<tr><td>{pages.text(name)}</td>{''.join(cells)}</tr>")
    head = "".join(f"<th>{number}</th>" for number in rounds)
    return (
        '<p class="soft">ps up to the last configuration that the potential knew, by round. '
        '<span class="good">to the end</span> <span class="fair">stopped: not known</span> '
        '<span class="poor">failed</span></p><div class="wide"><table><tr><th>condition</th>'
        f"{head}</tr>{''.join(rows)}</table></div>{_more(len(explored))}"
    )


def _survived(one: dict[str, Any]) -> str:
    """What has no time, a minimization for example, is done or not."""
    if one["ending"] == "finished" and not one["picoseconds"]:
        return "done"
    return f"{one['picoseconds']:.3g}"


def _grades(project: Project) -> str:
    points: dict[str, list[tuple[int, float]]] = {}
    quantity = "grade"
    for own in _explorations(project).values():
        for number, one in own.items():
            quantity = one.get("quantity", "grade")
            if one["largest_grade"] > 0:
                points.setdefault(one["ending"], []).append((number, one["largest_grade"]))
    if not points:
        return ""
    figure = pages.figure(6.0)
    axes: Axes = figure.subplots()
    for ending, color in (("finished", "#009E73"), ("stopped", "#E69F00"), ("failed", "#D55E00")):
        if ending in points:
            axes.plot(*zip(*points[ending], strict=True), "o", ms=4, color=color, label=ending)
    label = "largest grade" if quantity == "grade" else "largest force deviation, eV/Å"
    axes.set(xlabel="round", ylabel=label, yscale="log")
    axes.locator_params(axis="x", integer=True)
    axes.legend(fontsize="small", frameon=False)
    return pages.image(figure, "Largest grade of every exploration")


def _parity(project: Project) -> str:
    """The last potential on what it was fitted to, and the one before on what it led to."""
    numbers = [number for number in project.rounds() if project.potentials(number)]
    last = _last_configurations(project.labels, MOST_PARITY)
    if not numbers or not last:
        return ""
    sets = {}
    for number in reversed(numbers):
        new = [atoms for atoms in last if atoms.info["id"].startswith(f"{number:03d}-")]
        if new:
            before = Potential.read(project.potentials(number)[0], active_set=False)
            sets["not seen in its fit"] = new, before.evaluate(new)
            break
    now = Potential.read(project.potentials(numbers[-1])[0], active_set=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parity.png"
        parity_plot({"seen": (last, now.evaluate(last)), **sets}, path)
        image = pages.encoded_image(path.read_bytes(), "png", "Potential against teacher")
    note = f"The last {len(last)} labels, with the potential of round {numbers[-1]}"
    if sets:
        note += f"; what round {number} chose, also with the potential that chose it"
    return f'{image}<p class="soft">{note}.</p>'


def _composition(project: Project) -> str:
    formulas: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for frame in frames(project.labels):
        formulas[frame.formula] += 1
        sources[_source_of(frame)] += 1
    if not formulas:
        return ""
    tables = [
        pages.table(
            [title, "labels"], [[name, str(count)] for name, count in counts.most_common(20)]
        )
        for title, counts in (("from", sources), ("composition", formulas))
    ]
    return f'<div class="pictures">{"".join(tables)}</div>'


def _cost(project: Project) -> str:
    seconds = list(_label_seconds(project.labels))
    rows = []
    if seconds:
        rows.append(
            ["labels", str(len(seconds)), _hours(sum(seconds)), f"{np.mean(seconds):.3g} s each"]
        )
    runs, cpu, picoseconds = 0, 0.0, 0.0
    for own in _explorations(project).values():
        before = 0.0
        for number in sorted(own):
            one = own[number]
            runs, cpu = runs + 1, cpu + one["cpu_seconds"]
            picoseconds += max(0.0, one["picoseconds"] - before)
            before = 0.0 if one["ending"] == "finished" else one["picoseconds"]
    if runs:
        each = f"{cpu / picoseconds:.3g} s per ps" if picoseconds else ""
        rows.append(["explorations", str(runs), _hours(cpu), each])
    fits = [fit for number in project.rounds() if (fit := project.fit(number))]
    fits = [fit for fit in fits if fit.get("made_in", fit["round"]) == fit["round"]]
    if fits:
        used = sum(fit["seconds"] * fit["cores"] for fit in fits)
        rows.append(["fits", str(len(fits)), _hours(used), f"{used / len(fits):.3g} s each"])
    return pages.table(["", "number", "core hours", ""], rows) if rows else ""


def _pictures(project: Project) -> str:
    shown: list[tuple[int, Atoms]] = []
    total = 0
    for number in reversed(project.rounds()):
        chosen = project.chosen(number)
        total += len(chosen)
        shown += [(number, atoms) for atoms in chosen[: MOST_PICTURES - len(shown)]]
    figures = "".join(
        f"<figure>{picture(atoms)}<figcaption><b>{pages.text(atoms.info['id'])}</b><br>"
        f"{pages.text(formula(atoms))}<br>{pages.text(atoms.info['reason'])}</figcaption></figure>"
        for _, atoms in shown
    )
    more = f'<p class="soft">{total - len(shown)} earlier ones: rounds/*/</p>'
    return f'<div class="pictures">{figures}</div>{more if total > len(shown) else ""}'


def _rejected(project: Project) -> str:
    rows = [
        [str(event["round"]), event["id"], event["reason"]]
        for event in project.events()
        if event["event"] == "rejected"
    ]
    if not rows:
        return ""
    return pages.table(["round", "configuration", "reason"], rows[-MOST_ROWS:]) + _more(len(rows))


# ---- what is in the folder ----


def _explorations(project: Project) -> dict[str, dict[int, dict[str, Any]]]:
    """exploration.json by condition and round."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for number in project.rounds():
        for path in sorted(project.round_folder(number).glob("explorations/*/exploration.json")):
            if one := project.exploration(number, path.parent.name):
                found.setdefault(path.parent.name, {})[number] = one
    return dict(sorted(found.items()))


def _last_configurations(path: Path, most: int) -> list[Atoms]:
    """Whole ones."""
    if not path.is_file():
        return []
    beginnings: deque[int] = deque(maxlen=most)
    at = 0
    with open(path, "rb") as file:
        for first in file:
            lines = [first, *itertools.islice(file, int(first) + 1)]
            if len(lines) < int(first) + 2 or not lines[-1].endswith(b"\n"):
                break
            beginnings.append(at)
            at += sum(map(len, lines))
        file.seek(beginnings[0] if beginnings else at)
        text = file.read(at - file.tell()).decode()
    return list(ase.io.iread(io.StringIO(text), format="extxyz")) if text else []


def _source_of(frame: Frame) -> str:
    """Of "003-hot-0001", "hot"."""
    return frame.id.partition("-")[2].rpartition("-")[0] or frame.id


def _label_seconds(path: Path) -> Iterator[float]:
    if path.is_file():
        with open(path, "rb") as lines:
            for line in lines:
                if b"label_seconds=" in line and (found := _SECONDS.search(line)):
                    yield float(found[2])


# ---- pictures ----


def picture(atoms: Atoms) -> str:
    """Atoms seen from the front, those behind first, as SVG."""
    radii = 0.8 * covalent_radii[atoms.numbers]
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    points = np.concatenate([atoms.positions, corners @ atoms.cell.array])
    turned = points @ _VIEW
    turned[:, 1] *= -1
    low, high = turned[:, :2].min(axis=0) - 1, turned[:, :2].max(axis=0) + 1
    circles = []
    for number in np.argsort(turned[: len(atoms), 2]):
        red, green, blue = (255 * jmol_colors[atoms.numbers[number]]).astype(int)
        x, y = turned[number, :2]
        circles.append(
            f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radii[number]:.2f}" '
            f'fill="rgb({red},{green},{blue})"/>'
        )
    box = turned[len(atoms) :, :2]
    edges = "".join(
        f"M{box[a][0]:.2f} {box[a][1]:.2f}L{box[b][0]:.2f} {box[b][1]:.2f}"
        for a in range(8)
        for b in range(a)
        if np.abs(corners[a] - corners[b]).sum() == 1
    )
    size = high - low
    return (
        f'<svg viewBox="{low[0]:.2f} {low[1]:.2f} {size[0]:.2f} {size[1]:.2f}">'
        f'<g stroke="#000" stroke-width=".05">{"".join(circles)}</g>'
        f'<path d="{edges}" stroke="#888" stroke-width=".1" fill="none"/></svg>'
    )


def _view() -> np.ndarray:
    """A little from the side and from above."""
    a, b = np.radians([18.0, 12.0])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    return about_y @ about_x


_VIEW = _view()


# ---- text ----


def _more(number: int) -> str:
    return f'<p class="soft">{MOST_ROWS} of {number} are shown.</p>' if number > MOST_ROWS else ""


def _uncertainty(one: dict[str, Any]) -> str:
    unit = " eV/Å" if one.get("quantity", "grade") != "grade" else ""
    return f"largest {one.get('quantity', 'grade')} {one['largest_grade']:.3g}{unit}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
