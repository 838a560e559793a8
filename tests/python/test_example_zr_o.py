"""The example zr_o: structures, evolutions, networks and curves, tiny, with a cheap teacher."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STUDY = Path(__file__).resolve().parents[2] / "examples" / "zr_o" / "study.py"
TEACHER = """
[teacher]
type = "ase"
calculator = "ase.calculators.lj.LennardJones"
parameters = { sigma = 1.7, epsilon = 0.3, rc = 5.0, smooth = true }
"""


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("zr_o", STUDY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_functions_and_polymorphs(study):
    """136 of each element, all different; crystals as dense as they are."""
    functions = study.symmetry_functions()["functions"]
    for center in ("O", "Zr"):
        own = [json.dumps(one) for one in functions if one["center"] == center]
        assert len(own) == len(set(own)) == 136
    for name, crystal in study.polymorphs().items():
        volume = crystal.cell.volume / (crystal.symbols == "Zr").sum()
        assert 20 < volume < 36, name
        if name.endswith("ZrO2"):
            assert 2 * (crystal.symbols == "Zr").sum() == (crystal.symbols == "O").sum()


@pytest.mark.slow
def test_the_study_runs_and_goes_on(tmp_path):
    (tmp_path / "lj.toml").write_text(TEACHER)
    call = [sys.executable, str(STUDY), "results", "0.1", "lj.toml"]
    first = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    record = json.loads((tmp_path / "results" / "record.json").read_text())
    names = {"dynamics", "contours", "dimers"}
    assert set(record["images"]) == set(record["errors"]["force_angle"]) == names
    assert set(record["spread"]["plain"]) == names
    errors = [[*row.values()] for row in record["errors"]["force_rmse"].values()]
    assert np.shape(errors) == (3, 3) and np.isfinite(errors).all()
    assert all(np.isfinite([*own.values()]).all() for own in record["curves"].values())
    for picture in ("beak", "curves", "diversity", "errors"):
        assert (tmp_path / "results" / f"{picture}.png").stat().st_size > 1000
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").glob("*.extxyz")}
    again = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    changed = {path.name for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert changed <= {"polymorphs.extxyz"}
    after = json.loads((tmp_path / "results" / "record.json").read_text())
    for name, own in record.pop("curves").items():  # files have fewer digits
        assert after["curves"][name] == pytest.approx(own, rel=1e-6)
    del after["curves"]
    assert after == record
