"""The studies of properties in examples/, in a small form."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import forcesmith as fs
import pytest

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
