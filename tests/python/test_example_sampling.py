"""The example sample_copper_gold: evolutions, their diversity and errors, small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STUDY = Path(__file__).resolve().parents[2] / "examples" / "sample_copper_gold" / "study.py"


@pytest.mark.slow
def test_the_study_runs_and_goes_on(tmp_path):
    call = [sys.executable, str(STUDY), "results", "0.1"]
    first = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    record = json.loads((tmp_path / "results" / "record.json").read_text())
    names = {"dynamics", "contours", "dimers"}
    assert set(record["spread"]) == set(record["errors"]["force_angle"]) == names
    errors = [[*row.values()] for row in record["errors"]["force_rmse"].values()]
    assert np.shape(errors) == (3, 3) and np.isfinite(errors).all()
    for picture in ("pairs", "beak", "diversity", "errors"):
        assert (tmp_path / "results" / f"{picture}.png").stat().st_size > 1000
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").glob("*.extxyz")}
    again = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0 and again.stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in times} == times
