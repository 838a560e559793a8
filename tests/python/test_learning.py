"""Learning on the fly, end to end, and what its settings refuse."""

from __future__ import annotations

import io
import json
import os
import tomllib
from dataclasses import replace
from pathlib import Path

import ase.io
import forcesmith as fs
import learning_teachers
import numpy as np
import pytest
import typer
from ase import Atoms
from ase.build import bulk
from forcesmith.cli.learn import run as run_command
from forcesmith.engine.executor import Finished
from forcesmith.files import OutputLocked
from forcesmith.lammps import run
from forcesmith.learning import tasks
from forcesmith.learning.conditions import expand
from forcesmith.learning.errors import LearnError
from forcesmith.learning.labels import Labels
from forcesmith.learning.loop import LearnResult, Loop, learn
from forcesmith.learning.project import Known, Project, read_json, write_configurations, write_json
from forcesmith.learning.rounds import Round
from forcesmith.learning.selection import Selection, _is_turned, _largest_move, _not_rejected
from forcesmith.learning.settings import LearnSettings
from forcesmith.learning.start import starting_structures
from forcesmith.learning.status import conditions_table, doing, explorations_under_way
from forcesmith.learning.tasks import FitRequest, fit_member
from forcesmith.learning.verdict import _write_input, judge
from forcesmith.training.settings import FitSettings
from rich.console import Console
from sample_data import full_disk

FIT = {
    "descriptor": {"type": "moment_tensor", "level": 6, "cutoff": 4.5},
    "optimizer": {"max_iterations": 20},
}
HOT = {
    "name": "hot",
    "structure": "fcc Cu 3.6",
    "supercell": 2,
    "ensemble": "nvt",
    "temperature": 1200,
    "duration": 0.5,
}


def settings(folder, **changes) -> LearnSettings:
    tree = {
        "teacher": "emt",
        "folder": str(folder),
        "conditions": [HOT],
        "fit": FIT,
        "start": {"perturbed": 2},
        "engine": {"cores": 1},
    }
    return LearnSettings.from_dict(tree | changes)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A project that has converged."""
    folder = tmp_path_factory.mktemp("learning") / "project"
    lines = []
    cold = HOT | {"name": "cold", "temperature": 300}
    result = learn(settings(folder, conditions=[HOT, cold]), status=lines.append)
    return result, Project(folder), lines


@pytest.mark.slow
def test_learns_until_nothing_is_new(learned):
    result, project, lines = learned
    assert result.ending == "converged"
    assert "nothing new" in result.sentence
    assert any("explorations" in line for line in lines)
    labels = fs.read(project.labels)
    assert len(labels) == result.labels > 2
    for name in ("hot", "cold"):
        # One that ran its time with the last potential is not explored again with the same.
        runs = [project.exploration(number, name) for number in range(1, result.rounds + 1)]
        last = [run for run in runs if run is not None][-1]
        assert last["ending"] == "finished" and last["picoseconds"] == 0.5
        assert last["largest_grade"] < 10
    potential = fs.Potential.read(project.potential)
    assert potential.has_active_set
    # Of what it has not seen: as good as of what it has.
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
    atoms.rattle(0.1, seed=5)
    from ase.calculators.emt import EMT

    atoms.calc = EMT()
    error = potential.evaluate(atoms).forces - atoms.get_forces()
    assert np.sqrt((error**2).mean()) < 0.1


@pytest.mark.slow
def test_every_decision_has_a_reason(learned):
    _, project, _ = learned
    events = list(project.events())
    candidates = [event for event in events if event["event"] == "candidate"]
    assert candidates and all(event["reason"] for event in candidates)
    for number in project.rounds():
        assert all(atoms.info["reason"] for atoms in project.chosen(number))
        for source in project.sources(number):
            counts = project.selection(number, source)
            own = [c for c in candidates if (c["round"], c["source"]) == (number, source)]
            assert counts["chosen"] == sum(c["decision"] == "chosen" for c in own)
            assert counts["candidates"] == len(own)
    assert all(atoms.info["reason"] for atoms in ase.io.iread(project.labels))


@pytest.mark.slow
def test_relaxed_structures_are_labelled_until_they_stay(tmp_path):
    """However low their grades."""
    ground = {
        "name": "ground",
        "structure": "fcc Cu 3.7",
        "supercell": 2,
        "vacancies": {"Cu": 1},
        "kind": "minimization",
    }
    learned = learn(settings(tmp_path / "project", conditions=[ground]))
    assert learned.ending == "converged"
    project = Project(learned.folder)
    chosen = [atoms for number in project.rounds() if number for atoms in project.chosen(number)]
    relaxed = [atoms for atoms in chosen if atoms.info["reason"] == "a relaxed structure"]
    assert relaxed and min(atoms.info["max_grade"] for atoms in relaxed) < 2
    # The teacher finds the last of them relaxed, too.
    labels = {atoms.info["id"]: atoms for atoms in fs.read(project.labels)}
    assert np.abs(labels[relaxed[-1].info["id"]].get_forces()).max() < 0.1
    assert sum("that has a label" in one["reason"] for one in project.events()
               if one["event"] == "candidate") == 1  # fmt: skip


def test_ground_states_that_are_the_same_but_for_a_rotation(tmp_path):
    def strained(**components) -> Atoms:
        atoms = bulk("Cu", cubic=True).repeat(2)
        del atoms[0]
        strain = np.eye(3)
        for (i, j), value in zip(((0, 0), (1, 1), (0, 1)), components.values(), strict=True):
            strain[i, j] += value
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        return atoms

    along_x, along_y = strained(xx=0.03, yy=0, xy=0), strained(xx=0, yy=0.03, xy=0)
    assert _is_turned(along_x, along_y)
    assert not _is_turned(along_x, strained(xx=0, yy=0, xy=0.03))
    assert not _is_turned(along_x, strained(xx=0, yy=0.035, xy=0))
    along_x.set_chemical_symbols(["Ag"] + 30 * ["Cu"])
    assert not _is_turned(along_x, along_y)
    moved = along_y.copy()
    moved.positions[5, 0] += 0.05
    assert not _is_turned(moved, along_y)


def test_ground_states_in_cells_that_are_a_little_oblique():
    """Angles next to 90 degrees are never the same to the last digit."""
    before = bulk("Cu", cubic=True).repeat(2)
    after = before.copy()
    before.set_cell(before.cell.array + np.tri(3, k=-1) * 1e-4, scale_atoms=True)
    after.set_cell(after.cell.array + np.tri(3, k=-1) * 3e-4, scale_atoms=True)
    assert _largest_move(before, after) < 1e-3
    after.set_cell(after.cell.array * [1.03, 1, 1], scale_atoms=True)
    assert _largest_move(before, after) == np.inf


@pytest.mark.slow
def test_of_equivalent_strains_one_is_labelled(tmp_path):
    strain = {"structure": "fcc Cu 3.6", "kind": "strain", "strain": 0.03}
    learned = learn(settings(tmp_path / "project", conditions=[strain]))
    assert learned.ending == "converged"
    project = Project(learned.folder)
    strains = [a.info["source"].rpartition("-")[2] for n in (1, 2, 3) for a in project.chosen(n)]
    assert sorted(strains) == ["0.03", "xx+0.03", "yz+0.03"]
    reasons = [one["reason"] for one in project.events() if one["event"] == "candidate"]
    assert any("but for a rotation" in reason for reason in reasons)


@pytest.mark.slow
def test_the_energy_of_a_distilled_vacancy(command, tmp_path, monkeypatch):
    """Ground states alone, as distill weighs them, give it within its tolerance."""
    monkeypatch.chdir(tmp_path)
    words = ["--temperature", "300", "--vacancies", "Cu", "--level", "6", "--cutoff", "4.5"]
    code, _, _ = command("distill", "fcc Cu 3.7", "--teacher", "emt", *words, "--only-settings")
    assert code == 0
    tree = tomllib.loads(Path("Cu-distilled.toml").read_text())
    tree["conditions"] = [c for c in tree["conditions"] if c.get("kind") == "minimization"]
    tree["conditions"][-1]["supercell"] = ["2x2x2"]
    made = LearnSettings.from_dict(tree | {"engine": {"cores": 1}})
    learned = learn(made)
    assert learned.ending == "converged"
    verdict = judge(made)
    constants, vacancy = verdict["comparisons"][:2]
    assert abs(vacancy["difference"]) < made.verdict.tolerance.vacancy
    lengths = [float(constants[who].split(",")[0]) for who in ("potential", "teacher")]
    assert abs(lengths[0] - lengths[1]) < 0.005 and verdict["shortfalls"] == []


@pytest.mark.slow
def test_the_fit_goes_on_from_the_last_potential(learned):
    result, project, _ = learned
    assert result.rounds > 1
    record = json.loads((project.round_folder(2) / "potential.json").read_text())
    assert "start" not in json.dumps(record.get("descriptor", {}))
    before, after = (fs.Potential.read(project.potentials(n)[0]) for n in (1, 2))
    # The radial functions keep the range that they began with, though atoms have come closer.
    smallest = [p.info()["descriptors"][0]["min_distance"] for p in (before, after)]
    assert smallest[0] == smallest[1]


@pytest.mark.slow
def test_a_finished_project_is_finished(learned):
    result, project, _ = learned
    before = project.labels.read_bytes()
    cold = HOT | {"name": "cold", "temperature": 300}
    again = learn(settings(project.folder, conditions=[HOT, cold]))
    assert (again.ending, again.labels, again.rounds) == ("converged", result.labels, result.rounds)
    assert project.labels.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "value"), [("rounds", 1), ("labels", 3)])
def test_limits_end_it_with_a_sentence(limit, value, tmp_path):
    folder = tmp_path / "project"
    hotter = HOT | {"temperature": 2500}
    changes = {"conditions": [hotter], limit: value}
    rounds = []
    result = learn(settings(folder, **changes), after_round=lambda _, n: rounds.append(n))
    assert result.ending == limit
    assert f"the {value} {limit} are used up" in result.sentence
    assert "hot came to" in result.sentence
    project = Project(folder)
    # The last potential knows all labels.
    assert project.fit(result.rounds)["labels"] == result.labels
    assert rounds == list(range(result.rounds))
    if limit == "labels":
        assert result.labels == value
    # The same with a larger number goes on.
    more = learn(settings(folder, **changes | {limit: value + 1}))
    assert more.labels > result.labels


@pytest.mark.slow
def test_labels_run_while_explorations_go_on(tmp_path):
    short = HOT | {"temperature": 3000, "duration": 0.2}
    long = HOT | {"name": "long", "temperature": 50, "duration": 15.0}
    engine = {"cores": 2}
    learn(settings(tmp_path, conditions=[long, short], engine=engine, rounds=1))
    events = [event for event in Project(tmp_path).events() if event.get("round") == 1]
    order = [(event["event"], event.get("condition")) for event in events]
    assert order.index(("label", None)) < order.index(("exploration", "long"))


@pytest.mark.slow
def test_without_grades_a_committee_decides(tmp_path):
    folder = tmp_path / "project"
    fit = FIT | {"active_set": {"mode": "off"}}
    selection = {"deviation_select": 0.005, "deviation_stop": 0.5, "most": 3}
    with pytest.warns(UserWarning, match="^There are no grades.* a committee of 2 potentials"):
        result = learn(settings(folder, fit=fit, committee=2, rounds=1, selection=selection))
    project = Project(folder)
    assert "a committee of 2 potentials" in project.page.read_text()
    said = [event for event in project.events() if event["event"] == "committee"]
    assert said and "committee" in said[0]["reason"] and said[0]["members"] == 2
    assert len(project.potentials(1)) == 2
    assert project.exploration(1, "hot")["quantity"] == "deviation"
    chosen = project.chosen(1)
    assert 0 < len(chosen) <= 3
    assert all("deviate" in atoms.info["reason"] for atoms in chosen)
    assert result.ending == "rounds"
    assert project.potential.with_name("potential-2.json").exists()
    _write_input(project, expand(settings(folder).conditions))
    script = project.folder / "in.lammps"
    script.write_text(script.read_text().replace("run             10000", "run             20"))
    assert run(script, folder=project.folder).runs[0]["v_deviation"][-1] > 0


@pytest.mark.slow
def test_labels_beyond_limits_and_failed_ones_are_set_aside(tmp_path):
    folder = tmp_path / "project"
    selection = {"force": 1e-3}
    with pytest.raises(RuntimeError, match=r"None of the 2 .*selection\.force"):
        learn(settings(folder, selection=selection))
    rejected = ase.io.read(Project(folder).rejected, ":")
    assert len(rejected) == 2 and "eV/angstrom" in rejected[0].info["reason"]
    # Nothing was learned: all settings may be other ones.
    fit = FIT | {"descriptor": {"type": "moment_tensor", "level": 4, "cutoff": 4.0}}
    again = learn(settings(folder, fit=fit, start={"perturbed": 3}, rounds=1))
    assert again.labels >= 3 and Project(folder).known().rejected == 0


@pytest.mark.slow
def test_what_was_stuck_is_tried_again(tmp_path):
    hotter = HOT | {"temperature": 2500}
    result = learn(settings(tmp_path, conditions=[hotter], selection={"closest": 2.0}))
    assert result.ending == "stuck" and "nothing to learn" in result.sentence
    again = learn(settings(tmp_path, conditions=[hotter], rounds=result.rounds + 1))
    assert again.rounds > result.rounds and again.labels > result.labels


@pytest.mark.parametrize(("given", "wall"), [({}, 0.9), ({"wall": True}, True)])
def test_the_wall_leaves_room_for_grades(given, wall, tmp_path):
    assert settings(tmp_path, fit=FIT | given).fit.wall == wall
    assert LearnSettings(teacher="emt", conditions=[HOT]).fit.wall == 0.9


def test_weights_of_groups_that_cannot_come(tmp_path):
    fit = FIT | {"weights": {"groups": {"hto": {"energy": 2.0}, "*": {"force": 2.0}}}}
    with pytest.raises(ValueError, match=r"weights\.groups has hto, which is no condition.*start"):
        learn(settings(tmp_path / "project", fit=fit))
    assert not Project(tmp_path / "project").known().labels


def test_a_condition_that_boils_is_closed_and_the_others_go_on(tmp_path):
    cold = HOT | {"name": "cold", "temperature": 300}
    own = settings(tmp_path, conditions=[HOT, cold])
    project = Project(tmp_path)
    loop = Loop(project, own, expand(own.conditions), None, ["Cu"], NothingEnds(), None)
    result = {"largest_grade": 1.2, "quantity": "grade", "n_snapshots": 1}
    boils = {"ending": "failed", "picoseconds": 0.1, "reason": "the volume rose"}
    runs = {"ending": "finished", "picoseconds": 0.5, "reason": ""}
    counts = {"chosen": 0, "postponed": 0, "from_beginning": True}
    for number in range(1, 5):
        folder = project.round_folder(number)
        write_json(folder / "fit.json", {"labels": 5, "made_in": 1, "potentials": []})
        for name, one in (("hot", boils), ("cold", runs)):
            write_json(project.source_folder(number, name) / "exploration.json", result | one)
            write_json(project.source_folder(number, name) / "selection.json", counts)
        round_ = Round(loop, number)
        round_.n_chosen = 1  # something new came, every time
        round_.close()
        assert ("hot" in round_.closed) is (number == 4) and "cold" not in round_.closed
        document = {"chosen": 1, "labels": 1, "closed": round_.closed}
        write_json(folder / "round.json", document)
    assert "hot" not in Round(loop, 5).settled
    write_json(folder / "round.json", document | {"chosen": 0, "labels": 0})
    ended = loop.nothing_new(4)
    assert ended.ending == "closed"
    assert '"hot" (1200 K) is closed: it broke 4 times in a row, last at 0.1 ps' in ended.sentence
    assert "the volume rose" in ended.sentence and "lower its temperature" in ended.sentence
    project.reopen(4)  # as the next call does
    assert loop.nothing_new(4) is None and "hot" in Round(loop, 5).settled


@pytest.mark.parametrize(
    ("ending", "chosen", "goes_on"),
    [("stopped", 1, True), ("stopped", 0, False), ("failed", 0, False), ("finished", 1, False)],
)
def test_what_brought_nothing_new_begins_anew(ending, chosen, goes_on, tmp_path):
    """Its last safe configuration leads to nonsense, whatever is learned elsewhere."""
    round_ = resting(tmp_path, 1)
    project = round_.project
    ended(project, 1, "hot0", ending)
    counts = {"chosen": chosen, "postponed": 0, "from_beginning": False}
    write_json(project.source_folder(1, "hot0") / "selection.json", counts)
    assert (round_.former("hot0") is not None) is goes_on
    ended(project, 2, "hot0", "stopped")
    round_.close()
    assert ("hot0" in round_.closed) is not goes_on  # it has its beginning to try


def resting(tmp_path, n_conditions=4) -> Round:
    """The second round of a project whose conditions have all run their time in the first one,
    with another potential."""
    hot = [HOT | {"name": f"hot{number}"} for number in range(n_conditions)]
    own = settings(tmp_path, conditions=hot, selection={"most": 5})
    project = Project(tmp_path)
    loop = Loop(project, own, expand(own.conditions), None, ["Cu"], NothingEnds(), None)
    for number in (1, 2):
        folder = project.round_folder(number)
        write_json(folder / "fit.json", {"labels": 5, "made_in": number, "potentials": []})
    write_json(project.round_folder(1) / "round.json", {"chosen": 0, "labels": 0})
    for name in loop.conditions:
        ended(project, 1, name)
        counts = {"chosen": 0, "postponed": 0, "from_beginning": True}
        write_json(project.source_folder(1, name) / "selection.json", counts)
    return Round(loop, 2)


def ended(project, number, name, ending="finished"):
    one = {"ending": ending, "picoseconds": 0.5, "reason": ""}
    write_json(project.source_folder(number, name) / "exploration.json", one)


def test_conditions_that_rest_are_explored_all_in_one_round(tmp_path):
    """Also when the first of them brings something new: a round costs a fit."""
    round_ = resting(tmp_path)
    assert round_.to_explore() == ["hot0", "hot1", "hot2", "hot3"]
    round_.exploring.update(["hot0", "hot1"])
    ended(round_.project, 2, "hot0")
    round_.exploring.discard("hot0")
    round_.explored.add("hot0")
    chosen = [Atoms("Cu", info={"id": "002-hot0-0001", "reason": "new"})]
    round_.take_selection("hot0", Finished("select hot0", result=Selection(1, chosen)))
    assert round_.n_chosen == 1
    assert round_.to_explore() == ["hot2", "hot3"]


GROUND = {"structure": "fcc Cu 3.7", "supercell": 2, "kind": "minimization"}


def exploring_first(tmp_path, number) -> Round:
    """A round in which neither dynamics nor a ground state is settled."""
    own = settings(tmp_path, conditions=[HOT, GROUND | {"name": "ground"}])
    project = Project(tmp_path)
    loop = Loop(project, own, expand(own.conditions), None, ["Cu"], NothingEnds(), None)
    for earlier in (number - 1, number):
        folder = project.round_folder(earlier)
        write_json(folder / "fit.json", {"labels": 5, "made_in": earlier, "potentials": []})
    write_json(project.round_folder(number - 1) / "round.json", {"chosen": 1, "labels": 1})
    return Round(loop, number)


@pytest.mark.parametrize(("number", "first"), [(1, ["ground"]), (11, ["hot", "ground"])])
def test_dynamics_waits_for_ground_states_a_while(number, first, tmp_path):
    assert sorted(exploring_first(tmp_path, number).to_explore()) == sorted(first)


@pytest.mark.parametrize(
    ("endings", "first"),
    [
        (["stopped", "stopped"], ["ground", "hot"]),
        (["stopped", "finished"], ["ground"]),
        (["stopped"], ["ground"]),
    ],
)
def test_dynamics_waits_for_no_ground_state_that_ends_early(endings, first, tmp_path):
    for number, ending in enumerate(endings, start=1):
        ended(Project(tmp_path), number, "ground", ending)
    round_now = exploring_first(tmp_path, len(endings) + 1)
    assert sorted(round_now.to_explore()) == first


@pytest.mark.parametrize("outcome", ["nothing", "label", "rejected"])
def test_dynamics_begins_when_ground_states_stay(outcome, tmp_path):
    round_ = exploring_first(tmp_path, 1)
    ended(round_.project, 1, "ground")
    round_.explored.add("ground")
    assert round_.to_explore() == []  # the selection is not done
    chosen = [Atoms("Cu", info={"id": "001-ground-0001", "reason": "a relaxed structure"})]
    found = Selection(1, chosen if outcome != "nothing" else [])
    round_.take_selection("ground", Finished("select ground", result=found))
    assert round_.to_explore() == (["hot"] if outcome == "nothing" else [])
    round_.labels._waiting.clear()
    round_.labels.n_new = int(outcome == "label")
    assert round_.to_explore() == ([] if outcome == "label" else ["hot"])


def test_what_was_postponed_is_chosen_where_room_is_left(tmp_path):
    round_ = resting(tmp_path, n_conditions=2)
    project = round_.project
    ids = [f"002-hot0-{number:04d}" for number in range(1, 5)]
    several = [Atoms("Cu", info={"id": one, "reason": "new"}) for one in ids]
    for name in ("hot0", "hot1"):
        ended(project, 2, name)
        round_.explored.add(name)
    assert round_.to_select() == "hot0" and round_.share() == 3  # of 5, for two
    first = Selection(9, several[:3], several[3:], [{"decision": "postponed", "reason": "full"}])
    round_.take_selection("hot0", Finished("select", result=first))
    assert round_.to_select() == "hot1" and round_.share() == 2
    round_.take_selection("hot1", Finished("select", result=Selection(3)))
    again = Round(round_.loop, 2)  # after a kill
    for one in (round_, again):
        assert one.to_select() == "hot0" and one.share() == 2
        assert [atoms.info["id"] for atoms in one.chosen_here("hot0")][-1] == "002-hot0-0003"
    again.take_selection("hot0", Finished("select", result=Selection(1, several[3:])))
    assert again.to_select() is None and again.n_chosen == 4
    counts = project.selection(2, "hot0")
    assert (counts["candidates"], counts["chosen"], counts["postponed"]) == (10, 4, 0)
    assert [atoms.info["id"] for atoms in project.chosen(2)] == ids


@pytest.mark.parametrize("ending", ["stuck", "closed"])
def test_stuck_is_no_success(ending, tmp_path, monkeypatch):
    project = Project(tmp_path)
    monkeypatch.setattr(
        "forcesmith.cli.learn.learn_from",
        lambda *_, **__: LearnResult(ending, "it is", 1, 0, project.potential, project.folder),
    )
    with pytest.raises(typer.Exit) as end:
        run_command(settings(tmp_path), "", verdict=False)
    assert end.value.exit_code == 1


def test_a_fit_that_was_interrupted_with_other_settings_begins_anew(tmp_path):
    labels = tmp_path / "labels.extxyz"
    fs.label([bulk("Cu", "fcc", a=a, cubic=True) for a in (3.5, 3.6, 3.7)], "emt", labels)
    fit = FitSettings.model_validate(FIT | {"elements": ["Cu"]})
    request = FitRequest(fit, labels, tmp_path, start=[], labels_before=0)
    fit_member(request)
    assert list(tmp_path.glob("*.state.npz"))
    weights = FitSettings.model_validate(FIT | {"elements": ["Cu"], "weights": {"energy": 3.0}})
    anew = fit_member(replace(request, settings=weights))
    assert anew["ending"] and not list(tmp_path.glob("*.previous"))


@pytest.mark.slow
def test_given_data_and_candidates(tmp_path):
    rng = np.random.default_rng(1)
    structures = []
    for _ in range(6):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
        atoms.positions += rng.normal(0, 0.1, atoms.positions.shape)
        structures.append(atoms)
    ase.io.write(tmp_path / "start.extxyz", structures[:4])
    fs.label(structures[:4], "emt", tmp_path / "labelled.extxyz")
    far = bulk("Cu", "fcc", a=4.0, cubic=True) * 2
    far.rattle(0.3, seed=3)
    ase.io.write(tmp_path / "candidates.extxyz", [structures[4], far])
    result = learn(
        settings(
            tmp_path / "project",
            start={"perturbed": 0, "data": [str(tmp_path / "labelled.extxyz")]},
            selection={"candidates": [str(tmp_path / "candidates.extxyz")]},
            rounds=1,
        )
    )
    project = Project(tmp_path / "project")
    assert project.fit(1)["labels"] == 4
    chosen = [atoms for atoms in project.chosen(1) if atoms.info["source"] == "candidates"]
    assert chosen and np.allclose(chosen[0].positions, far.positions)
    assert result.labels > 4


@pytest.mark.slow
def test_candidates_without_a_label_are_no_obstacle(tmp_path):
    """Conditions that ran their time have."""
    torn = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
    torn.positions[0] += 1.3  # towards its neighbor
    ase.io.write(tmp_path / "candidates.extxyz", torn)
    result = learn(
        settings(
            tmp_path / "project",
            conditions=[HOT | {"temperature": 100, "duration": 0.1}],
            selection={"candidates": [str(tmp_path / "candidates.extxyz")], "closest": 0.1}
            | {"force": 3.0},
        )
    )
    assert result.ending == "converged"
    assert "none of 1 chosen configurations of selection.candidates got a label" in result.sentence
    assert "selection.force" in result.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "candidates.extxyz: ASE cannot read this file"),
        ('1\nLattice="9 0 0 0 9 0 0 0 9" pbc="T T T"\nAl 0 0 0\n', "candidates or data have Al"),
    ],
)
def test_candidates_are_looked_at_before_anything_is_done(text, words, tmp_path):
    (tmp_path / "candidates.extxyz").write_text(text)
    selection = {"candidates": [str(tmp_path / "candidates.extxyz")]}
    fit = FIT | {"elements": ["Cu"]}
    with pytest.raises(ValueError, match=words):
        learn(settings(tmp_path / "project", selection=selection, fit=fit))
    assert not (tmp_path / "project").exists()


def test_lammps_that_does_not_run_is_told_of_before_labels_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "check_lammps", learning_teachers.broken_lammps)
    with pytest.raises(LearnError, match="^The first run of LAMMPS failed: no libmpi.so$"):
        fs.learn(settings(tmp_path))
    assert Project(tmp_path).known().labels == 0


def test_labels_of_another_teacher_are_refused(tmp_path):
    structures = [bulk("Cu", "fcc", a=3.6, cubic=True)]
    fs.label(structures, "emt", tmp_path / "labelled.extxyz")
    start = {"perturbed": 0, "data": [str(tmp_path / "labelled.extxyz")]}
    teacher = "learning_teachers:lennard_jones"
    with pytest.raises(ValueError, match="start.relabel"):
        learn(settings(tmp_path / "project", start=start, teacher=teacher))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"teacher": "emt:x"}, "teacher"),
        ({"teacher": "nothing_there:make"}, "nothing_there"),
        ({"conditions": []}, "conditions"),
        ({"conditions": [HOT | {"structure": "missing.cif"}]}, "missing.cif"),
        ({"conditions": [HOT | {"temperature": -5}]}, "temperature"),
        ({"conditions": [HOT | {"structure": "diamond Si 5.4"}]}, "Si"),
        ({"fit": FIT | {"data": {"train": ["x.extxyz"]}}}, "start.data"),
        ({"fit": FIT | {"optimizer": {"start": "p.json"}}}, "optimizer.start"),
        ({"selection": {"select": 5.0, "stop": 3.0}}, "stop"),
        ({"selection": {"candidates": ["none.extxyz"]}}, "none.extxyz"),
        ({"engine": {"cores": 2, "scheduler": "tcp://localhost:1"}}, "exclude"),
        ({"engine": {"jobqueue": {"type": "slurp"}}}, "type"),
        ({"surprise": 1}, "surprise"),
        ({"labels": 1}, "start.perturbed"),
        ({"exploration_cores": 2}, "engine.cores"),
        ({"fit": {"descriptor": {"type": "moment_tensor", "level": 4, "cutoff": -1}}}, "cutoff"),
        ({"fit": {"descriptor": {"type": "moment_tensor", "levels": 4}}}, "levels"),
        ({"conditions": [HOT | {"supercell": 6}]}, "selection.largest_cell = 500"),
        ({"conditions": [{"structure": "sc Cu 9", "kind": "minimization"}]}, "nothing to fit"),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_done(changes, words, tmp_path):
    with pytest.raises(ValueError) as error:
        learn(settings(tmp_path / "project", **changes))
    text = str(error.value)
    assert words in text
    assert "\n" not in text and len(text) <= 300
    assert not (tmp_path / "project").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"teacher": "learning_teachers:lennard_jones"}, "one teacher"),
        ({"fit": FIT | {"descriptor": {"type": "moment_tensor", "level": 8}}}, "descriptor"),
        ({"conditions": [HOT | {"temperature": 700}]}, '"hot" is another one'),
    ],
)
def test_a_folder_is_not_mixed_with_other_settings(changes, words, learned):
    _, project, _ = learned
    with pytest.raises(ValueError, match=words):
        learn(settings(project.folder, **changes))


def test_a_folder_has_one_driver(tmp_path):
    project = Project(tmp_path / "project")
    with project.locked():
        with pytest.raises(OSError, match="another `forcesmith learn`"):
            learn(settings(tmp_path / "project"))


def test_what_got_no_label_is_not_chosen_again(tmp_path):
    bad, good = (bulk("Cu", "fcc", a=a, cubic=True) for a in (3.6, 3.7))
    rejected = Project(tmp_path).rejected
    write_configurations(rejected, [Atoms(bad, info={"id": "001-x-0001", "reason": "too hot"})])
    selection = Selection()
    assert _not_rejected([bad, good], rejected, selection) == [good]
    assert "too hot" in selection.decisions[0]["reason"]


@pytest.mark.slow
def test_a_teacher_that_is_killed_while_it_starts(tmp_path, monkeypatch):
    monkeypatch.setenv(learning_teachers.CALLS, str(tmp_path / "starts"))
    changes = {"teacher": "learning_teachers:killed_at_second_start", "rounds": 1}
    assert learn(settings(tmp_path / "project", **changes)).labels >= 2
    failures = [e for e in Project(tmp_path / "project").events() if e["event"] == "failed"]
    assert len(failures) == 1 and "SIGKILL" in failures[0]["reason"]


def test_the_start_shows_every_defect_in_the_smallest_cell(tmp_path):
    """Labels of large ones cost much."""
    crystal = {"structure": "rocksalt MgO 4.2", "kind": "minimization"}
    conditions = [
        crystal | {"supercell": [3, 2], "vacancies": [{"O": 1}, {"Mg": 1}]},
        crystal | {"supercell": [2, 1]},
        crystal | {"structure": "fcc Mg 4.5", "supercell": 2},
    ]
    own = settings(tmp_path, conditions=conditions)
    made = starting_structures(own, expand(own.conditions))
    found = [atoms.get_chemical_formula() for atoms in made[::2]]
    assert len(made) == 8 and sorted(found) == ["Mg31O32", "Mg32", "Mg32O31", "Mg4O4"]


class OneAfterTheOther:
    """An executor whose tasks end like this."""

    most_cores = 1

    def __init__(self, *ends):
        self.ends = list(ends)

    def submit(self, *_, **__):
        pass

    def finished(self):
        return [self.ends.pop(0)]


def test_a_fit_waits_for_one_on_a_worker_that_was_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("forcesmith.learning.loop.SECONDS_BETWEEN_FITS", 0.01)
    locked = Finished("fit", error=OutputLocked("potential.json: another fit writes this file"))
    engine = OneAfterTheOther(*[locked] * 5, Finished("fit", result={"labels": 3}))
    lines = []
    project = Project(tmp_path)
    loop = Loop(project, settings(tmp_path), [], None, ["Cu"], engine, lines.append)
    assert loop.fit_member(1, 1) == {"labels": 3}
    assert "round 1: waits for a fit on a worker that was lost" in lines


class NothingEnds:
    """An executor whose tasks go on for ever."""

    def __init__(self):
        self.names = []

    def has_room(self, cores=1):
        return True

    def submit(self, name, *_, **__):
        self.names.append(name)


@pytest.mark.parametrize("timeout", [None, 60.0])
def test_a_label_that_may_hang_is_told_of(timeout, tmp_path, monkeypatch):
    """Where no time limit ends it, and it has begun."""
    monkeypatch.setattr("forcesmith.teachers.label_process.SECONDS_OF_PATIENCE", -1.0)
    own = settings(tmp_path, teacher={"type": "emt", "timeout": timeout})
    project = Project(tmp_path)
    labels = Labels(project, NothingEnds(), own, None, Known(), 1)
    assert labels.slow() == ""
    labels.add([Atoms("Cu", info={"id": "001-hot-0001"})])
    labels.submit()
    assert labels.slow() == ""  # it may wait for a worker
    project.scratch.mkdir(parents=True)
    (project.scratch / "001-hot-0001-16").symlink_to("a folder that has just been removed")
    assert labels.slow() == ""
    (project.scratch / "001-hot-0001-17").mkdir()
    said = "the label 001-hot-0001 takes longer than -1 s, and it is the first one: if it hangs"
    assert labels.slow().startswith(said) is (timeout is None)
    assert ("set teacher.timeout" in labels.slow()) is (timeout is None)


@pytest.mark.parametrize("name", ["labels.extxyz", "in.lammps", "conditions.json"])
def test_files_of_others_stay(name, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / name).write_text('{"mine": 1}')  # without a line break at the end
    with pytest.raises(ValueError, match=f"{name}.*choose another folder"):
        learn(settings(tmp_path))
    assert (tmp_path / name).read_text() == '{"mine": 1}'


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "round.json").write_text("{")
    with pytest.raises(ValueError, match="round.json: this file is damaged"):
        read_json(tmp_path / "round.json")


def test_torn_ends_of_files_are_removed(tmp_path):
    project = Project(tmp_path)
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    for number in (1, 2):
        atoms.info = {"id": f"001-a-{number:04d}", "teacher_hash": "t1"}
        project.add_labels([atoms])
        project.note("label", id=atoms.info["id"])
    whole = project.labels.read_bytes(), project.journal.read_bytes()
    for cut in (1, 30, 200):
        project.labels.write_bytes(whole[0] + whole[0][:cut])
        project.journal.write_bytes(whole[1] + whole[1][:cut][:20])
        with project.locked():
            known = project.known(since=1)
        assert known.labels == 2
        assert known.labelled_ids == {"001-a-0001", "001-a-0002"}
        assert (project.labels.read_bytes(), project.journal.read_bytes()) == whole


def test_a_full_disk_loses_nothing(tmp_path):
    project = Project(tmp_path)
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    atoms.info = {"id": "001-a-0001", "teacher_hash": "t1"}
    project.add_labels([atoms])
    whole = project.labels.read_bytes()
    with full_disk(len(whole) + 100), pytest.raises(OSError):
        project.add_labels([atoms, atoms])
    assert project.labels.read_bytes() == whole


def test_command_line(command, tmp_path, refused, learned):
    _, project, _ = learned
    config = tmp_path / "config.toml"
    config.write_text(
        f'teacher = "emt"\nfolder = "{project.folder}"\n[[conditions]]\nstructure = "fcc Cu 3.6"\n'
    )
    code, out, _ = command("learn", config, "--status")
    assert code == 0
    assert "hot" in out and "cold" in out and "finished" in out
    assert out.rstrip().splitlines()[-1].startswith("converged: ")
    config.write_text('teacher = "emt"\n[[conditions]]\nstructure = "fcc Cu 3.6"\n')
    assert "nothing was learned" in refused("learn", config, "--status")


def test_status_tells_what_is_being_done(tmp_path):
    project = Project(tmp_path)
    write_configurations(tmp_path / "rounds" / "000" / "chosen.extxyz", start_of(2))
    nobody = "nobody is at it, the same command without --status goes on"
    assert doing(project) == f"round 0: 0 of 2 labels; {nobody}"
    (tmp_path / "rounds" / "001").mkdir()
    with project.locked():
        assert doing(project).startswith(f"round 1: fit; process {os.getpid()} on ")
    write_json(tmp_path / "rounds" / "001" / "fit.json", {})
    write_json(project.source_folder(1, "hot") / "exploration.json", {})
    assert doing(project) == f"round 1: 1 explorations done, 0 of 0 labels; {nobody}"
    project.note("end", ending="converged", reason="nothing new")
    assert doing(project) == "converged: nothing new"
    with project.locked():
        assert doing(project).startswith("verdict: process ")


def test_status_of_an_exploration_that_runs(tmp_path):
    project = Project(tmp_path)
    folder = project.source_folder(1, "hot")
    folder.mkdir(parents=True)
    assert explorations_under_way(project) == {}
    script = "timestep        0.002\n"  # also those of paths have one
    (folder / "in.lammps").write_text(script)
    table = "Per MPI rank memory allocation (min/avg/max) = 3 | 3 | 3 Mbytes\nStep v_uncertainty\n"
    ended = f"{table}0 1.5\n100 2.5\nLoop time of 0.1 on 1 procs for 100 steps with 32 atoms\n"
    (folder / "log.lammps").write_text(f"{ended}{table}100 2.25\n200 0.5\n30")
    assert explorations_under_way(project) == {}
    (folder / "in.lammps").write_text(f"{script}fix             ensemble all nve\n")
    assert explorations_under_way(project) == {"hot": (1, 0.4, 2.5)}
    shown = io.StringIO()
    Console(file=shown, width=80).print(conditions_table(project))
    assert "not yet" in shown.getvalue() and "0.4" in shown.getvalue()


def start_of(number: int) -> list[Atoms]:
    return [Atoms("Cu", info={"id": f"000-start-{n + 1:04d}"}) for n in range(number)]


def test_distill_writes_settings_that_can_be_read(command, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ase.io.write("MgO.cif", bulk("MgO", "rocksalt", a=4.21, cubic=True))
    words = ["distill", "MgO.cif", "--teacher", "emt", "--temperature", "300:1500"]
    code, _, _ = command(*words, "--vacancies", "O,Mg", "--only-settings")
    assert code == 0
    made = LearnSettings.from_toml("MgO-distilled.toml")
    assert made.fit.descriptors[0].level == 16
    assert [{"O": 1}, {"Mg": 1}] in [own.vacancies for own in made.conditions]
    # Ground states of vacancies: in two cells, at rest without pressure, with a large weight.
    at_rest = {
        one.name: one for one in expand(made.conditions) if one.name.endswith("minimization")
    }
    sizes = {name: len(one.structure) for name, one in at_rest.items()}
    assert sorted(sizes.values()) == [63, 63, 64, 215, 215]
    assert all(one.pressure == (0.0, 0.0) for one in at_rest.values())
    weights = {sizes[name]: made.fit.weights.of_group(name).energy for name in sizes}
    assert weights == {63: 7 * 64**2, 215: 7 * 64**2, 64: 20 * 7 * 64**2}
    assert made.verdict.tolerance.vacancy == 0.05
    # The same command again, and another one.
    code, _, _ = command(*words, "--vacancies", "O,Mg", "--only-settings")
    assert code == 0
    assert "forcesmith learn" in refused(*words, "--only-settings")
    assert "Fe" in refused(*words, "--vacancies", "Fe", "--only-settings", "--into", "other")
    assert "300:1500" in refused(*words[:4], "--temperature", "hot", "--into", "other")


@pytest.mark.parametrize(
    ("given", "kelvin"),
    [("900", [300, 600, 900]), ("200", [200]), ("300", [300]), ("900:900", [900])],
)
def test_distill_goes_up_to_a_temperature(command, given, kelvin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["distill", "fcc Cu 3.6", "--teacher", "emt", "--temperature", given]
    assert command(*words, "--only-settings")[0] == 0
    dynamics = tomllib.loads(Path("Cu-distilled.toml").read_text())["conditions"][0]
    assert dynamics["temperature"] == kelvin


def test_distill_with_a_mistake_leaves_no_settings(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["distill", "fcc Cu 3.6", "--into", "copper"]
    for teacher in ("emt2:x.y", "nothing:make", "lammps: sw none.sw"):
        refused(*words, "--teacher", teacher)
    numbers = ("--teacher", "lammps: lj/cut 5.0", "--only-settings")
    assert refused(*words, *numbers).count("5.0 is no file") == 1
    told = refused(*words[:2], *numbers, "--into", "runs/copper")
    assert told.startswith("forcesmith: In the settings of the teacher: in")
    refused(*words, "--teacher", "emt", "--cutoff", "-1")
    assert "a:smile:b" in refused(*words, "--teacher", "emt", "--temperature", "a:smile:b")
    assert not (tmp_path / "copper.toml").exists()


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--cutoff", "-1", "positive distance in angstrom, at most 100, not -1"),
        ("--cutoff", "0.5", "there is nothing to fit"),
        ("--level", "3", "an even number from 2 to 28, not 3"),
        ("--level", "99", "an even number from 2 to 28, not 99"),
        ("--duration", "1e12", "takes 1e+15 steps"),
        ("--labels", "1", "only 1 may be labelled"),
    ],
)
def test_settings_alone_are_checked_before_they_are_written(
    refused, option, value, part, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = ["distill", "fcc Cu 3.6", "--teacher", "emt", "--only-settings", option, value]
    assert part in refused(*words)
    assert not list(tmp_path.iterdir())


def test_distill_into_another_folder(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "emt.toml").write_text('[teacher]\ntype = "emt"\ntimeout = 60\n')
    (tmp_path / "runs").mkdir()
    for teacher, into in (("emt.toml", "emt-1.5"), ("emt.toml", "a"), ("my_teacher:make", "b")):
        words = ["distill", "fcc Cu 3.6", "--teacher", teacher, "--only-settings"]
        assert command(*words, "--into", f"runs/{into}")[0] == 0
        made = LearnSettings.from_toml(f"runs/{into}.toml")
        assert made.folder == f"runs/{into}"
        assert made.teacher.folder == str(tmp_path)
        assert made.teacher.timeout == (60 if teacher == "emt.toml" else None)


def test_teachers_of_the_tests():
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    atoms.calc = learning_teachers.lennard_jones()
    assert np.isfinite(atoms.get_potential_energy())
