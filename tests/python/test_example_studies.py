"""The studies of learning in examples/, in a small form."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import forcesmith as fs
import psutil
import pytest
from forcesmith.learning.conditions import expand
from forcesmith.teachers.dft_programs import Espresso

TESTS = Path(__file__).resolve().parents[1]
EXAMPLES = TESTS.parent / "examples"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Copies the script of an example, gives it other settings of learning, imports it."""

    def copy(name: str, settings: str) -> ModuleType:
        script = next((EXAMPLES / name).glob("*.py"))
        shutil.copy(script, tmp_path)
        (tmp_path / "learn.toml").write_text(settings)
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        monkeypatch.setenv("PYTHONPATH", path)
        spec = importlib.util.spec_from_file_location(f"copied_{name}", tmp_path / script.name)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return copy


@pytest.mark.slow
def test_vacancies_of_an_oxide(copied, tmp_path, capfd):
    """The teacher is a potential of the same form, so that the learned one can be as good."""
    study = copied(
        "oxide_vacancies",
        """
teacher = "learning_teachers:magnesia"
folder = "learned"
engine = { cores = 1 }

[fit]
weights.groups."*-minimization" = { energy = 100, force = 10 }
optimizer = { max_iterations = 300 }

[fit.descriptor]
type = "moment_tensor"
level = 8
cutoff = 4.8
min_distance = 1.5
radial_basis_size = 6

[[conditions]]
structure = "unit.extxyz"
supercell = 2
vacancies = [{}, { O = 1 }, { Mg = 1 }]
temperature = 600
timestep = 0.002
duration = 0.2

[[conditions]]
structure = "unit.extxyz"
supercell = 2
vacancies = [{}, { O = 1 }, { Mg = 1 }]
kind = "minimization"
""",
    )
    study.COMPARED_CELLS = [(2, 2, 2)]
    study.SIZES = [2, 3]
    study.TEMPERATURES = [300, 600]
    study.EXPANDING_CELLS = 3
    study.EQUILIBRATION, study.AVERAGING = 0.2, 0.4
    results = tmp_path / "results" / "MgO"
    results.mkdir(parents=True)
    (results / "reservoirs.json").write_text('{"O": -4.0, "Mg": -1.0}')
    study.main(["MgO"])

    found = {name: json.loads((results / f"{name}.json").read_text()) for name in
             ("vacancies", "sizes", "expansion")}  # fmt: skip
    assert [row["vacancy"] for row in found["vacancies"]] == ["O", "Mg"]
    for row, of_lammps in zip(found["vacancies"], found["sizes"], strict=False):
        assert row["potential"] == pytest.approx(row["teacher"], abs=0.05)
        assert row["teacher"] > 1.0
        # LAMMPS relaxes to the same energy as ASE.
        assert of_lammps["energy"] == pytest.approx(row["potential"], abs=0.005)
        assert 0 < row["grade"] < 3
    cold, hot = found["expansion"]
    assert 0 < cold["expansion"] < hot["expansion"] < 0.03
    assert (results / "study.png").stat().st_size > 1000

    capfd.readouterr()
    labels = (results / "learned" / "labels.extxyz").read_bytes()
    study.main(["MgO"])  # the teacher does nothing again
    assert "the teacher relaxes" not in capfd.readouterr().out
    assert (results / "learned" / "labels.extxyz").read_bytes() == labels


@pytest.mark.slow
def test_a_study_that_is_asked_to_end_leaves_nothing_running(copied, tmp_path):
    """As a batch system asks, while it learns; the same command goes on."""
    copied(
        "oxide_vacancies",
        """
teacher = "learning_teachers:magnesia"
folder = "learned"
engine = { cores = 1 }
fit.descriptor = { type = "moment_tensor", level = 6, cutoff = 4.8 }

[[conditions]]
structure = "unit.extxyz"
supercell = 2
temperature = 600
duration = 1000.0
""",
    )
    process = psutil.Popen(
        [sys.executable, tmp_path / "study.py", "MgO"], stderr=subprocess.PIPE, text=True
    )
    journal = tmp_path / "results" / "MgO" / "learned" / "journal.jsonl"
    deadline = time.monotonic() + 100
    while not (journal.exists() and '"label"' in journal.read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    children = process.children(recursive=True)
    assert children
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    assert "interrupted (SIGTERM)" in process.stderr.read()
    assert not psutil.wait_procs(children, timeout=20)[1]


def test_all_oxides_have_metal_and_oxygen_side_by_side(copied):
    study = copied("oxide_vacancies", "")
    for name, parameters in study.OXIDES.items():
        atoms = study.crystal(**parameters)
        assert atoms.get_chemical_formula(empirical=True) == name
        distances = atoms.get_all_distances(mic=True)
        assert 1.7 < distances[distances > 0].min() < 2.2, name


@pytest.mark.slow
def test_learning_against_random(copied, tmp_path, capsys):
    compare = copied(
        "learning_against_random",
        """
teacher = "emt"
folder = "results/learned"
engine = { cores = 1 }
start = { perturbed = 2 }

[fit]
descriptor = { type = "moment_tensor", level = 6, cutoff = 5.0 }
weights = { force = 0.1 }
optimizer = { max_iterations = 30 }

[[conditions]]
structure = "fcc Cu 3.6"
supercell = 2
temperature = 1200
timestep = 0.002
duration = 0.4
""",
    )
    compare.DRAWS, compare.SNAPSHOTS = 1, 10
    compare.main()
    rows = json.loads((tmp_path / "results" / "errors.json").read_text())
    learned = [row for row in rows if row["how"] == "learned"]
    at_random = [row for row in rows if row["how"] == "at random"]
    assert len(at_random) >= len(learned) >= 2
    assert learned[-1]["rms"] < learned[0]["rms"] and learned[-1]["rms"] < 0.1
    assert (tmp_path / "results" / "labels.png").stat().st_size > 1000
    assert "converged" in capsys.readouterr().out


def test_mgo_from_first_principles_is_set_up(tmp_path):
    """Quantum ESPRESSO itself is not run."""
    folder = EXAMPLES / "learn_mgo_dft"
    spec = importlib.util.spec_from_file_location("learn_mgo_dft", folder / "study.py")
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    settings = fs.LearnSettings.from_toml(study.CONFIG)
    teacher, made = settings.teacher, study.make_mgo()
    # The larger cells that it is compared with are of the same pseudopotentials and cutoffs.
    assert teacher.pseudopotentials == made.PP
    assert (teacher.input["ecutwfc"], teacher.input["ecutrho"]) == (made.ECUT, made.ECUTRHO)
    assert teacher.input["conv_thr"] == made.CONV
    conditions = expand(settings.conditions)
    assert {len(one.structure) for one in conditions} == {2, 8}
    assert {one.run for one in conditions} == {"minimization", "dynamics"}
    # Strains of 4 % do not change how many k-points there are.
    program = Espresso(Espresso.Options(k_spacing=teacher.k_spacing), folder, 1)
    grids = {(len(one.structure), *program.grid(one.structure)) for one in conditions}
    assert grids == {(2, 4, 4, 4), (8, 2, 2, 2)}

    potential = fs.Potential.read(TESTS / "data" / "mgo_small.json", active_set=False)
    data = fs.read(EXAMPLES / "mgo_vacancies" / "mgo_pbe.extxyz@0:20")
    fs.find_active_set(potential, data)
    potential.write(tmp_path / "potential.json")
    rows = {row["cells"]: row for row in study.errors_of_larger_cells(tmp_path / "potential.json")}
    assert rows["all"]["number"] == 24 and rows["pristine_hot"]["number"] == 2
    assert 0 < rows["all"]["force"] < 1 and rows["all"]["grade"] > 0
