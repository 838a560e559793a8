"""Explorations: what they leave behind, however they end, and how they go on."""

import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.cluster import Octahedron
from ase.geometry import find_mic
from forcesmith.lammps import LammpsError, Output, run
from forcesmith.learning import exploration
from forcesmith.learning.conditions import Condition, ConditionSettings, expand
from forcesmith.learning.exploration import Exploration, explore
from sample_data import labelled, lennard_jones_crystals, small_settings

KILLS = int(os.environ.get("FORCESMITH_KILLS", "5"))
FCC = "fcc Cu 3.6"
VACANCY = {"supercell": 2, "vacancies": {"Cu": 1}}


def lennard_jones(atoms: Atoms, seed: int) -> Atoms:
    """Rattled, and labelled like the crystals."""
    atoms = Atoms(atoms.symbols, atoms.positions)
    atoms.rattle(0.1, seed=seed)
    atoms.calc = LennardJones(sigma=2.3, epsilon=0.4, ro=3.5, rc=4.5, smooth=True)
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    return labelled(atoms, energy=energy, forces=forces)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """With cu.json, which has an active set, and a committee: a.json, b.json, c.json."""
    folder = tmp_path_factory.mktemp("potentials")
    data = lennard_jones_crystals(30)
    fs.fit(data, settings=small_settings()).potential.write(folder / "cu.json")
    clusters = [lennard_jones(Octahedron("Cu", 3), seed) for seed in range(8)]
    fs.fit(data + clusters, settings=small_settings()).potential.write(folder / "clusters.json")
    settings = small_settings() | {"active_set": {"mode": "off"}}
    for n, name in enumerate("abc"):
        fs.fit(data[n::2], settings=settings).potential.write(folder / f"{name}.json")
    return folder


@pytest.fixture(scope="module")
def graded(folder) -> list[Path]:
    return [folder / "cu.json"]


@pytest.fixture(scope="module")
def committee(folder) -> list[Path]:
    return [folder / f"{name}.json" for name in "abc"]


def condition(**settings) -> Condition:
    given = {"structure": FCC, "supercell": 2, "name": "test"}
    if settings.get("kind", "dynamics") == "dynamics":
        given["duration"] = 2
    (one,) = expand(ConditionSettings(**(given | settings)))
    return one


def candidates(folder: Path) -> list[Atoms]:
    path = folder / "candidates.extxyz"
    return ase.io.read(path, ":") if path.stat().st_size else []


def safe(folder: Path) -> Atoms:
    return ase.io.read(folder / "safe.data", format="lammps-data")


def safe_step(folder: Path) -> int:
    return int(re.search(r"timestep = (\d+)", (folder / "safe.data").read_text())[1])


def grade(file: Path, atoms: Atoms) -> float:
    return fs.Potential.read(file).evaluate(atoms, grade=True).configuration_grade


# ---- endings ----


@pytest.mark.parametrize("cores", [1, 2])
def test_finished(graded, tmp_path, cores):
    duration = 2 / cores**3  # ranks are slow where others compute, too
    vacancy = condition(**VACANCY, temperature="300:400", duration=duration)
    result = explore(vacancy, graded, tmp_path / "x", cores=cores)
    assert (result.condition, result.ending, result.reason) == ("test", "finished", "")
    assert result.picoseconds == duration and result.atoms == 31
    assert result.cpu_seconds > 0 and result.quantity == "grade"
    assert Exploration.read(tmp_path / "x") == result
    files = {path.name for path in (tmp_path / "x").iterdir()}
    assert files == {
        *("in.lammps", "start.data", "log.lammps"),
        *("candidates.extxyz", "safe.data", "exploration.json"),
    }
    found = candidates(tmp_path / "x")
    assert len(found) == result.n_snapshots > 0
    for atoms in found:
        assert 2 < atoms.info["max_grade"] <= result.largest_grade < 10
        assert atoms.info["max_grade"] == pytest.approx(grade(graded[0], atoms), rel=1e-3)
        assert atoms.arrays["grade"].max() == pytest.approx(atoms.info["max_grade"])
        assert atoms.info["picoseconds"] == atoms.info["step"] * 0.001
    steps = [atoms.info["step"] for atoms in found]
    assert steps == sorted(steps) and len(set(np.array(steps) // 50)) == len(steps)
    assert grade(graded[0], safe(tmp_path / "x")) <= 2.001


def test_a_ramp_heats(graded, tmp_path):
    explore(condition(temperature="100:900", ensemble="nvt"), graded, tmp_path / "x")
    output = Output((tmp_path / "x" / "log.lammps").read_text())
    temperatures = np.concatenate([segment["Temp"][1:] for segment in output.runs])
    assert len(temperatures) == 20
    thirds = [temperatures[:7].mean(), temperatures[7:14].mean(), temperatures[14:].mean()]
    assert thirds[0] < thirds[1] - 100 < thirds[2] - 200


def test_the_energy_of_nve(graded, tmp_path):
    """Equipartition halves the temperature of the beginning."""
    explore(condition(temperature=300, ensemble="nve"), graded, tmp_path / "x")
    runs = Output((tmp_path / "x" / "log.lammps").read_text()).runs
    table = {name: np.concatenate([r[name] for r in runs]) for name in ("Temp", "PotEng")}
    assert table["Temp"][0] == pytest.approx(600)
    assert table["Temp"][5:].mean() == pytest.approx(300, rel=0.2)
    energy = table["PotEng"] + 1.5 * 31 * 8.617333e-5 * table["Temp"]
    assert np.ptp(energy) < 0.02


def test_stopped_and_on_from_the_last_safe_configuration(graded, tmp_path):
    hot = condition(temperature=8000, ensemble="nvt")
    first = explore(hot, graded, tmp_path / "1")
    assert first.ending == "stopped" and re.fullmatch(
        r"grade \S+ of atom \d+ at step \d+", first.reason
    )
    assert first.largest_grade > 10 and 0 < first.picoseconds < 2
    assert first.picoseconds == safe_step(tmp_path / "1") * 0.001
    assert candidates(tmp_path / "1")[-1].info["max_grade"] == first.largest_grade
    assert grade(graded[0], safe(tmp_path / "1")) <= 2.001

    on = explore(hot, graded, tmp_path / "2", stop=1e6, start=tmp_path / "1")
    assert on.ending == "finished" and on.picoseconds == 2
    log = Output((tmp_path / "2" / "log.lammps").read_text())
    assert log.runs[0]["Step"][0] == safe_step(tmp_path / "1")
    velocities = (tmp_path / "1" / "safe.data").read_text().partition("Velocities")[2]
    assert velocities in (tmp_path / "2" / "start.data").read_text()

    anew = explore(hot, graded, tmp_path / "3", stop=1e6, start=tmp_path / "1", counted=False)
    assert anew.picoseconds == 2
    assert Output((tmp_path / "3" / "log.lammps").read_text()).runs[0]["Step"][0] == 0


def test_what_breaks_at_once_leaves_its_beginning(graded, tmp_path):
    stretched = condition(strain=0.3, ensemble="nvt")
    result = explore(stretched, graded, tmp_path / "x")
    assert (result.ending, result.picoseconds, result.n_snapshots) == ("stopped", 0, 1)
    assert (tmp_path / "x" / "safe.data").read_text() == (tmp_path / "x" / "start.data").read_text()
    on = explore(stretched, graded, tmp_path / "y", start=tmp_path / "x", stop=1e9)
    assert on.picoseconds == 2 or on.ending == "failed"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"pressure": -30, "temperature": 300}, "the volume rose without limit: on step"),
        ({"strain": -0.45, "ensemble": "nvt"}, "the temperature rose without limit: on step"),
    ],
)
def test_failed(graded, tmp_path, settings, reason):
    """Evidence, with the last configurations, even where the potential feels sure of itself."""
    result = explore(condition(**settings), graded, tmp_path / "x", select=1e9, stop=1e10)
    assert result.ending == "failed" and result.reason.startswith(reason)
    assert result.picoseconds < 2
    found = candidates(tmp_path / "x")
    assert len(found) == result.n_snapshots > 0
    assert all(len(atoms) == 32 for atoms in found)
    of_run = [atoms for atoms in found if "grade" in atoms.arrays]
    only_began = not any(atoms.info["step"] for atoms in of_run)
    assert of_run and len(found) - len(of_run) == (exploration.PERTURBED if only_began else 0)


LOST = "ERROR: Lost atoms: original 64 current 63 (src/src/thermo.cpp:494)"


def test_atoms_that_are_lost_and_other_errors(graded, tmp_path, monkeypatch):
    def failing(error):
        def run(*arguments, **options):
            raise LammpsError(Output(f"LAMMPS\n{error}\nLast input line: run 10\n"), 1)

        monkeypatch.setattr(exploration, "run", run)

    failing(LOST)
    result = explore(condition(), graded, tmp_path / "x")
    assert result.ending == "failed"
    assert result.reason == "the atoms flew apart: Lost atoms: original 64 current 63"
    failing(
        "ERROR: Fix halt condition for fix-id too_small met on step 9 with value 7.5 (src/x.cpp:1)"
    )
    result = explore(condition(), graded, tmp_path / "z")
    assert result.reason == "the volume fell without limit: on step 9 with value 7.5"
    failing(
        "ERROR on proc 1: The energy or a force of potential file 'cu.json' is not finite at step 7"
    )
    result = explore(condition(), graded, tmp_path / "f")
    assert result.reason.startswith("the energy or a force is not finite: The energy or a force of")
    failing("ERROR: Cannot open dump file recent.dump: No space left on device (src/dump.cpp:1)")
    with pytest.raises(LammpsError, match="No space left"):
        explore(condition(), graded, tmp_path / "y")
    assert Exploration.read(tmp_path / "y") is None


def test_broken_before_it_was_looked_at(graded, tmp_path, monkeypatch):
    """Perturbed structures are candidates; those that lack atoms are not."""

    def run(script, folder, **options):
        frame = "ITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n{}\nITEM: BOX BOUNDS pp pp pp\n"
        frame += "0 7.2\n0 7.2\n0 7.2\nITEM: ATOMS id element x y z f_grades\n"
        one = "1 Cu 0 0 0 1.5\n"
        (folder / "recent.dump").write_text(frame.format(10, 1) + one + frame.format(20, 0))
        lacking = bulk("Cu")
        lacking.info |= {"step": 10, "max_grade": 1e6}
        ase.io.write(folder / "candidates.extxyz", lacking)
        text = "pair_style forcesmith: grade 1e+06 of atom 1 at step 10, configuration added\n"
        raise LammpsError(Output(f"{text}{LOST}\n"), 1)

    monkeypatch.setattr(exploration, "run", run)
    hot = condition()
    result = explore(hot, graded, tmp_path / "x")
    assert (result.ending, result.n_snapshots) == ("failed", exploration.PERTURBED)
    assert result.largest_grade == 1e6
    found = candidates(tmp_path / "x")
    assert all(atoms.symbols.get_chemical_formula() == "Cu32" for atoms in found)
    assert not any(np.allclose(atoms.positions, hot.structure.positions) for atoms in found)


def test_between_known_and_nonsense(graded, tmp_path):
    """A run that is beyond all measure at its first look is looked at once more, in every step."""
    wild = condition(temperature=5000, timestep=0.015, ensemble="nve")
    result = explore(wild, graded, tmp_path / "x")
    assert result.ending == "stopped" and result.largest_grade > 100
    (found,) = candidates(tmp_path / "x")
    assert 0 < found.info["step"] < 10 and 2 < found.info["max_grade"] <= 100


def test_long_above_the_limit(graded, tmp_path):
    """One configuration every so often, a limited number, and then the end."""
    result = explore(condition(duration=20), graded, tmp_path / "x", select=0.01)
    assert result.ending == "stopped" and result.reason.startswith("enough candidates")
    assert 50 < result.n_snapshots <= 100 and result.picoseconds == 0
    steps = np.array([atoms.info["step"] for atoms in candidates(tmp_path / "x")])
    assert (np.diff(steps) >= 10).all() and steps[-1] <= 10_000


# ---- what is wrong is said before anything is run ----


def test_wrong_inputs(graded, committee, tmp_path):
    def refuse(message, *arguments, **options):
        with pytest.raises((ValueError, OSError), match=message) as found:
            explore(*arguments, tmp_path / "x", **options)
        assert len(str(found.value)) <= 400 and "\n" not in str(found.value)
        assert not (tmp_path / "x").exists()

    refuse("nowhere.json", condition(), [tmp_path / "nowhere.json"])
    refuse("No potential", condition(), [])
    refuse("does not know Ag", condition(structure="fcc Ag 4.1"), graded)
    refuse("has no active set", condition(), committee[:1])
    refuse("select must be", condition(), graded, select=11)
    refuse("for committees only", condition(), graded, relative_to=1)
    refuse("no exploration", condition(), graded, start=tmp_path)


# ---- the same folder again ----


def test_a_complete_folder_is_returned(graded, tmp_path, monkeypatch):
    first = explore(condition(duration=0.2), graded, tmp_path / "x")
    ran = []
    monkeypatch.setattr(exploration, "run", lambda *a, **o: ran.append(1) or run(*a, **o))
    assert explore(condition(duration=0.2), graded, tmp_path / "x") == first
    assert not ran
    assert explore(condition(duration=0.3), graded, tmp_path / "x").picoseconds == 0.3
    assert explore(condition(duration=0.3), graded, tmp_path / "x", select=1.5, cores=2)
    assert len(ran) == 2


def test_killed_after_the_run(graded, tmp_path):
    result = explore(condition(duration=0.3), graded, tmp_path / "x")
    (tmp_path / "x" / "exploration.json").unlink()
    again = explore(condition(duration=0.3), graded, tmp_path / "x")
    assert (again.ending, again.picoseconds) == (result.ending, result.picoseconds)
    assert len(Output((tmp_path / "x" / "log.lammps").read_text()).runs) == 1


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99, 1.0])
def test_a_torn_safe_configuration_is_none(graded, tmp_path, part):
    explore(condition(duration=0.3), graded, tmp_path / "x")
    (tmp_path / "x" / "exploration.json").unlink()
    file = tmp_path / "x" / "safe.data"
    whole = file.read_text()
    file.write_text(whole[: int(part * len(whole))])
    assert explore(condition(duration=0.3), graded, tmp_path / "x").ending == "finished"
    first = Output((tmp_path / "x" / "log.lammps").read_text()).runs[0]["Step"][0]
    assert first == (300 if part == 1 else 0)


def test_the_script_runs_by_hand(graded, tmp_path):
    explore(condition(duration=0.3), graded, tmp_path / "x")
    log = (tmp_path / "x" / "log.lammps").read_text()
    by_hand = run(tmp_path / "x" / "in.lammps", folder=tmp_path / "x")
    for one, other in zip(by_hand.runs, Output(log).runs, strict=True):
        np.testing.assert_array_equal(one["PotEng"], other["PotEng"])


EXPLORE = """
import pickle, sys
from forcesmith.learning.exploration import explore
condition, potentials, folder, select, cores = pickle.load(open(sys.argv[1], "rb"))
explore(condition, potentials, folder, select=select, cores=cores)
"""


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2])
def test_killed_at_any_moment(graded, tmp_path, cores):
    """Nothing is left of the kills, and what LAMMPS still does after them spoils nothing."""
    duration = 60 if cores == 1 else 1  # ranks are slow where others compute, too
    long = condition(**VACANCY, duration=duration, temperature=200, timestep=0.002)
    select = 1.7  # safe and uncertain configurations take turns
    work = (long, graded, tmp_path / "x", select, cores)
    (tmp_path / "work").write_bytes(pickle.dumps(work))
    command = [sys.executable, "-c", EXPLORE, str(tmp_path / "work")]
    progress = []
    for _ in range(KILLS if cores == 1 else 2):
        process = subprocess.Popen(command)
        time.sleep(random.uniform(0.5, 2.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if (tmp_path / "x" / "safe.data").exists():
            progress.append(safe_step(tmp_path / "x"))
    result = explore(*work[:3], select=select, cores=cores)
    assert progress == sorted(progress) and (progress or cores > 1)
    assert (result.ending, result.picoseconds) == ("finished", duration)
    assert len(candidates(tmp_path / "x")) == result.n_snapshots <= 100
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    if progress and progress[-1] < long.steps:
        runs = Output((tmp_path / "x" / "log.lammps").read_text()).runs
        assert runs[0]["Step"][0] >= progress[-1]
    time.sleep(0.5)
    assert json.loads((tmp_path / "x" / "exploration.json").read_text())["ending"] == "finished"


# ---- cells and kinds ----


@pytest.mark.parametrize("cores", [1, 2])
def test_a_slanted_cell_under_pressure(graded, tmp_path, cores):
    primitive = bulk("Cu", "fcc", a=3.6) * (3, 3, 3)
    result = explore(
        condition(structure=primitive, supercell=1, pressure=1, duration=0.3),
        graded,
        tmp_path / "x",
        cores=cores,
    )
    assert result.ending == "finished"
    assert " tri 10000 10000 " in (tmp_path / "x" / "in.lammps").read_text()
    angles = safe(tmp_path / "x").cell.angles()
    assert not np.allclose(angles, 60, atol=1e-6) and np.allclose(angles, 60, atol=8)


def test_a_cluster(folder, tmp_path):
    cluster = condition(structure=Octahedron("Cu", 3), supercell=1, ensemble="nvt")
    result = explore(cluster, [folder / "clusters.json"], tmp_path / "x")
    assert result.ending == "finished" and result.atoms == 19
    assert "boundary        m m m" in (tmp_path / "x" / "in.lammps").read_text()


def test_a_molecule(folder, tmp_path):
    # Along a line: a box as wide as its atoms would have no width.
    dimer = Atoms("Cu2", [[0, 0, 0], [0, 0, 2.5]])
    molecule = condition(structure=dimer, supercell=1, ensemble="nvt")
    result = explore(molecule, [folder / "clusters.json"], tmp_path / "x")
    assert result.ending == "finished" or "grade" in result.reason


def test_minimization(graded, tmp_path):
    rattled = condition(kind="minimization", displacement=0.05, pressure=0)
    result = explore(rattled, graded, tmp_path / "x")
    assert (result.ending, result.picoseconds, result.n_snapshots) == ("finished", 0, 1)
    atoms = safe(tmp_path / "x")
    (end,) = candidates(tmp_path / "x")
    assert end.info["is_relaxed"] and end.info["max_grade"] < 2
    moves = find_mic(end.positions - atoms.positions, atoms.cell)[0]
    assert np.abs(moves).max() < 1e-6
    evaluated = fs.Potential.read(graded[0]).evaluate(
        Atoms("Cu32", atoms.positions, cell=atoms.cell, pbc=True)
    )
    assert np.abs(evaluated.forces).max() < 0.02
    assert np.abs(evaluated.stress).max() < 0.002


def test_the_end_of_a_minimization_is_a_candidate(graded, tmp_path):
    """The first uncertain configuration is not enough: the relaxed one is what is asked for."""
    result = explore(
        condition(kind="minimization", displacement=0.1), graded, tmp_path / "x", select=0.1
    )
    assert result.n_snapshots >= 2
    last = candidates(tmp_path / "x")[-1]
    forces = fs.Potential.read(graded[0]).evaluate(last).forces
    assert np.abs(forces).max() < 0.02


@pytest.mark.parametrize("kind", ["strain", "surface"])
def test_series_of_minimizations(graded, tmp_path, kind):
    found = expand(ConditionSettings(structure=FCC, kind=kind))
    for one in found[:2]:
        result = explore(one, graded, tmp_path / one.name, stop=1e6)
        assert result.ending == "finished" and result.condition == one.name
        assert (result.n_snapshots > 1) == (kind == "surface")
        assert candidates(tmp_path / one.name)[-1].info["is_relaxed"]


def test_a_path(graded, tmp_path):
    path = condition(kind="neb", **VACANCY)
    result = explore(path, graded, tmp_path / "x")
    assert result.ending == "finished" and result.n_snapshots > 1
    found = candidates(tmp_path / "x")
    largest = max(atoms.info["max_grade"] for atoms in found)
    assert result.largest_grade in (largest, float(f"{largest:.8g}"))  # logs have eight digits
    assert {path.name for path in (tmp_path / "x").glob("candidates*")} == {"candidates.extxyz"}
    stopped = explore(path, graded, tmp_path / "y", stop=3)
    assert stopped.ending == "stopped" and stopped.n_snapshots > 0
    assert stopped.largest_grade > 3


# ---- committees ----


@pytest.mark.parametrize("relative_to", [None, 1.0])
@pytest.mark.parametrize("cores", [1, 2])
def test_a_committee_stops(committee, tmp_path, cores, relative_to):
    warm = condition(**VACANCY, ensemble="nvt", temperature=900)
    options = {"cores": cores, "relative_to": relative_to, "select": 1e-4, "stop": 2e-4}
    odd = condition(ensemble="nvt", duration=0.137)  # ends between two looks
    ending = explore(odd, committee, tmp_path / "y", relative_to=relative_to, cores=cores)
    assert (ending.ending, ending.picoseconds) == ("finished", 0.137)
    members = [fs.Potential.read(file) for file in committee]
    result = explore(warm, committee, tmp_path / "x", **options)
    assert result.ending == "stopped" and result.quantity == "deviation"
    assert result.largest_grade > 2e-4 and result.picoseconds == 0
    for atoms in candidates(tmp_path / "x"):
        expected = fs.force_deviation(members, atoms)
        if relative_to:
            forces = members[0].evaluate(atoms).forces
            expected /= np.linalg.norm(forces, axis=1) + relative_to
        np.testing.assert_allclose(atoms.arrays["deviation"], expected, atol=1e-5)
        assert atoms.info["max_deviation"] == pytest.approx(expected.max(), abs=1e-5)


def test_a_committee_selects(committee, tmp_path):
    warm = condition(ensemble="nvt", temperature=600)
    quiet = explore(warm, committee, tmp_path / "x", select=5, stop=10)
    assert (quiet.ending, quiet.n_snapshots) == ("finished", 0)
    limit = quiet.largest_grade * 0.8
    result = explore(warm, committee, tmp_path / "y", select=limit, stop=10)
    assert result.ending == "finished" and result.n_snapshots > 0
    assert all(atoms.info["max_deviation"] > limit for atoms in candidates(tmp_path / "y"))


def test_a_path_of_a_committee(committee, tmp_path):
    result = explore(condition(kind="neb", **VACANCY), committee, tmp_path / "x", select=1e-4)
    assert result.ending == "finished" and result.n_snapshots > 5
