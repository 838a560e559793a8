"""The example silicon_properties: the larger models have better properties, and grades warn."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "silicon_properties"


@pytest.mark.slow
def test_the_study(tmp_path, monkeypatch, capsys):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(tmp_path / "study.py"), run_name="__main__")
    out = capsys.readouterr().out
    errors = {
        level: float(error) for level, error in re.findall(r"level (\d+): .* ([\d.]+) eV", out)
    }
    assert errors["12"] < 0.3 * errors["6"]
    report = json.loads((tmp_path / "results" / "validation" / "report.json").read_text())
    assert report["reference"] == "lammps: sw Si.sw"
    rows = {row["quantity"]: row for row in report["rows"]}
    for quantity in ("C11", "C44", "vacancy Si"):
        deviations = rows[quantity]["deviations"]
        assert abs(deviations["level-12.json"]) < 0.5 * abs(deviations["level-6.json"])
        [reference, _] = rows[quantity]["values"]["lammps: sw Si.sw"]
        assert rows[quantity]["values"]["published"][0] == pytest.approx(reference, rel=0.01)
    grades = {
        (one["property"], one["subject"]): one["result"].get("largest_grade")
        for one in report["results"]
    }
    assert grades["elastic_constants", "level-12.json"] < 2
    assert grades["stacking_faults", "level-12.json"] > 10
    assert grades["elastic_constants", "lammps: sw Si.sw"] is None
