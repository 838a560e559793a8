"""The studies of properties in examples/, in a small form."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import shutil
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase.build import bulk
from ase.units import GPa, kB
from forcesmith.properties.published import read_published

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Copies the folder of an example, and imports its script."""

    def copy(name: str) -> ModuleType:
        folder = tmp_path / name
        shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("results"))
        spec = importlib.util.spec_from_file_location(f"copied_{name}", folder / "study.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return copy


def zuo_like(seed: int) -> list:
    """Cells of silicon as the data of Zuo et al. have them, by Stillinger and Weber."""
    rng = np.random.default_rng(seed)
    found = [(bulk("Si", a=5.431, cubic=True), "Ground state crystal")]
    for size in (-0.02, 0.02):
        for kind in ("normal", "shear"):
            atoms = found[0][0].copy()
            strain = np.zeros((3, 3))
            strain[(0, 0) if kind == "normal" else (0, 1)] = size
            atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            found.append((atoms, kind))
    for _ in range(4):
        atoms = bulk("Si", a=5.431, cubic=True) * (2, 1, 1)
        atoms.rattle(0.1, rng=rng)
        found.append((atoms, "AIMD-NVT"))
    return found


def test_potentials_for_the_data_of_zuo(copied, tmp_path):
    study = copied("zuo_properties")
    study.MODELS = {"SNAP": ({"type": "bispectrum", "twojmax": 4}, {"type": "linear"}, 1)}
    study.SETTINGS = {
        "properties": ["elastic_constants"],
        "options": {"lattice": {"isolated_atoms": False}},
        "engine": {"cores": 1},
    }
    for seed, part in enumerate(("train", "test")):
        cells = zuo_like(seed)
        labelled = fs.label(
            [atoms for atoms, _ in cells], "lammps: sw Si.sw", tmp_path / f"{part}.extxyz"
        ).labelled
        for atoms, (_, kind) in zip(labelled, cells, strict=True):
            atoms.info["config_type"] = kind if kind == "AIMD-NVT" else "Elastic"
            kbar = -atoms.get_stress() / GPa * 10
            atoms.info["virial_kbar_vasp_order"] = kbar[[0, 1, 2, 5, 3, 4]]
            atoms.calc.results.pop("stress")
        ase.io.write(tmp_path / f"Si_{part}.extxyz", labelled)
    study.main([str(tmp_path), "--element", "Si"])

    of_data = read_published(study.RESULTS / "Si-data.toml").values["Si"]
    assert of_data["lattice"]["a"].value == pytest.approx(5.431, abs=1e-3)
    assert of_data["elastic_constants"]["C11"].value == pytest.approx(151.4, rel=0.02)
    assert of_data["elastic_constants"]["C12"].value == pytest.approx(76.4, rel=0.02)
    assert "C44" not in of_data["elastic_constants"]  # of fixed ions
    found = json.loads((study.RESULTS / "Si.json").read_text())
    assert found["SNAP"]["errors"][1] < 0.5
    assert found["SNAP"]["values"]["lattice: a"][0] == pytest.approx(5.43, abs=0.05)
    assert found["published DFT"]["values"]["elastic_constants: C44"] == [76, "GPa"]
    assert (study.RESULTS / "deviations.svg").stat().st_size > 1000


@pytest.mark.slow
def test_errors_of_properties(copied):
    study = copied("property_errors")
    study.STATES = {"solid": [(300, 5.43)], "liquid": [(2400, 5.3)]}
    study.MELTING, study.EQUILIBRATION, study.INTERVAL = 0.2, 0.1, 0.05
    study.STRAINED = 4
    names = ("bispectrum 4", "bispectrum 6")
    study.SNAPSHOTS = {"train": 4, "test": 2}
    study.MODELS = {name: study.MODELS[name] for name in names}
    options = {
        "lattice": {"isolated_atoms": False},
        "phonons": {"length": 5.0, "mesh": 10.0, "temperatures": [300.0]},
        "thermal_conductivity": study.SETTINGS["options"]["thermal_conductivity"]
        | {"length": 5.0, "phonon_length": 5.0, "meshes": [6.0]},
        "liquid": study.SETTINGS["options"]["liquid"]
        | {"length": 8.0, "melting": 0.1, "equilibration": 0.15, "duration": 0.3},
    }
    study.SETTINGS = study.SETTINGS | {"options": options, "engine": {"cores": 1}}
    study.OTHER_SEED = {"liquid": options["liquid"] | {"seed": 2}}
    study.main()
    found = json.loads((study.RESULTS / "errors.json").read_text())
    small, large = (found["models"][name] for name in names)
    assert large["solid"] < small["solid"] and large["liquid"] < small["liquid"]
    assert large["phonons"] < small["phonons"] < 50
    assert all(one["conductivity"] > 0 for one in (small, large))
    assert 0 < found["noise of g(r)"] < 0.5
    assert (study.RESULTS / "errors.svg").stat().st_size > 1000


def test_moment_tensors_take_the_place_of_stillinger_and_weber(copied, tmp_path, monkeypatch):
    study = copied("silicon_conductivity")
    fs.ValidationSettings.from_dict(study.SETTINGS)
    monkeypatch.chdir(tmp_path)
    study.RESULTS.mkdir()
    study.fit()
    silicon = bulk("Si", a=5.431, cubic=True)
    silicon.rattle(0.1, seed=3)
    with fs.make_teacher(study.TEACHER) as teacher:
        expected = teacher.label(silicon).get_forces()
    silicon.calc = fs.Potential.read(study.POTENTIAL).calculator()
    assert np.sqrt(np.mean((silicon.get_forces() - expected) ** 2)) < 0.01


@pytest.mark.slow
def test_magnesia(copied, tmp_path, monkeypatch):
    study = copied("mgo_properties")
    (tmp_path / "mgo_vacancies").mkdir()
    shutil.copy(EXAMPLES / "mgo_vacancies" / "mgo_pbe.extxyz", tmp_path / "mgo_vacancies")
    text = (study.HERE / "config.toml").read_text()
    text = text.replace("= 16", "= 6").replace("= 300", "= 3")
    (study.HERE / "config.toml").write_text(text)
    settings = tomllib.loads((study.HERE / "validate.toml").read_text())
    fs.ValidationSettings.from_dict(settings)
    (study.HERE / "validate.toml").write_text(
        'properties = ["equation_of_state", "phonons"]\noptions.lattice.isolated_atoms = false\n'
        "options.phonons = { length = 4.0, mesh = 10.0 }\nengine.cores = 1\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    study.REFERENCE = "learning_teachers:magnesia"
    study.main()
    report = json.loads((study.RESULTS / "validation" / "report.json").read_text())
    assert report["reference"] == study.REFERENCE
    rows = {row["quantity"]: row["values"] for row in report["rows"]}
    for who in ("learning_teachers:magnesia", "mgo.json", "PBE, the data"):
        assert rows["a"][who][0] == pytest.approx(4.24, abs=0.25)
    assert rows["bulk modulus"]["PBE, the data"] == [151, None]
    assert (study.RESULTS / "phonons.svg").stat().st_size > 1000


def test_lithium_is_placed_and_activated(copied, tmp_path):
    study = copied("lgps_diffusion")
    atoms = study.ordered_crystal()
    assert atoms.get_chemical_formula() == "Ge2Li20P4S24"
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    lithium = atoms.symbols == "Li"
    assert distances[lithium][:, lithium].min() > 2.3
    assert distances[atoms.symbols == "Ge"][:, atoms.symbols == "Ge"].min() > 6.5
    ase.io.write(tmp_path / "crystal.extxyz", atoms)
    rows = [
        {"temperature": t, "diffusion": 1e9 * 2e-7 * np.exp(-0.2 / (kB * t)), "error": 0.1}
        for t in (600, 900, 1200)
    ]
    found = study.arrhenius(rows, tmp_path / "crystal.extxyz")
    assert found["activation_energy"] == pytest.approx(0.2)
    # n e^2 D / (k T)
    diffusion = 2e-7 * np.exp(-0.2 / (kB * 300))
    conductivity = 20 / (atoms.cell.volume * 1e-30) * 1.602e-19**2 * diffusion / (1.381e-23 * 300)
    assert found["conductivity_300K"] == pytest.approx(10 * conductivity, rel=1e-3)


@pytest.mark.slow
def test_complexity_of_models(copied):
    """Tiny: eight atoms, a pair style as teacher. A second call goes on, and fits nothing again."""
    study = copied("model_complexity")
    assert study.SYSTEMS["LGPS"].crystal.get_chemical_formula() == "Ge2Li20P4S24"
    fs.LearnSettings.from_toml(study.HERE / "learn.toml")
    study.TEACHER = "lammps: sw Si.sw"
    silicon = dataclasses.replace(
        study.SYSTEMS["Si"],
        crystal=bulk("Si", a=5.43, cubic=True),
        temperatures={"solid": [300], "liquid": [2400]},
        snap={"twojmax": 4},
        ace={"total_degree": [6, 4]},
        pod={"nmax": [6, 3], "lmax": [0, 2]},
    )
    study.SYSTEMS = {"Si": silicon}
    study.RUNS = {"train": 4, "test": 2}
    study.MELTING, study.EQUILIBRATION, study.INTERVAL = 0.2, 0.1, 0.05
    study.RATIOS = [1e-3, 1e-1]
    study.ITERATIONS = {"gauss_newton": 3, "lbfgs": 3}
    study.LARGEST, study.SMALL = 300, 600
    study.main([])
    found = json.loads((study.RESULTS / "errors.json").read_text())["Si"]
    assert list(found) == ["SNAP", "ACE", "POD", "POD + SNAP"]
    assert {kind for cases in found.values() for kind in cases} == set(study.MODELS)
    assert "quadratic" not in found["POD + SNAP"]  # 29 values
    assert found["POD + SNAP"]["linear"]["values"] == (
        found["POD"]["linear"]["values"] + found["SNAP"]["linear"]["values"]
    )
    for cases in found.values():
        for case in cases.values():
            for errors in case["ratios"].values():
                assert set(errors["train"]) == set(errors["test"]) == {"solid", "liquid"}
        forces = [
            np.mean([one["force"] for one in cases["linear"]["ratios"][ratio]["train"].values()])
            for ratio in ("0.001", "0.1")
        ]
        assert forces[1] < 1.05 * forces[0] < 0.5  # of exact fits; eV/angstrom
    assert (study.RESULTS / "errors.svg").stat().st_size > 1000

    files = [*study.RESULTS.rglob("*.json"), *study.RESULTS.rglob("*.extxyz")]
    times = {file: file.stat().st_mtime_ns for file in files if file.name != "errors.json"}
    study.main([])
    assert times == {file: file.stat().st_mtime_ns for file in times}
    assert json.loads((study.RESULTS / "errors.json").read_text())["Si"] == found
