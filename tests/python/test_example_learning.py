"""The example learn_what_is_missing: few labels, chosen by grades, and the potential is better."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import ase.io

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "learn_what_is_missing" / "learn.py"


def test_the_example_learns(tmp_path, capsys):
    shutil.copy(EXAMPLE, tmp_path)
    runpy.run_path(str(tmp_path / EXAMPLE.name), run_name="__main__")
    out = capsys.readouterr().out
    rows = re.findall(r"(\d+) K +([\d.]+) +([\d.]+) +(\d+) % +([\d.]+)", out)
    half = len(rows) // 2
    assert half >= 4
    before, after = ({row[0]: tuple(map(float, row[1:])) for row in own} for own in
                     (rows[:half], rows[half:]))  # fmt: skip
    # Grades tell where forces are wrong.
    _, cold_grade, cold_share, cold_error = before["300"]
    _, hot_grade, hot_share, hot_error = before["2400"]
    assert cold_grade < 2 and cold_share == 0 and cold_error < 0.1
    assert hot_grade > 5 and hot_share > 5 and hot_error > 3 * cold_error
    # What they chose teaches it.
    assert after["2400"][3] < 0.5 * hot_error
    assert after["2400"][1] < hot_grade
    labelled, snapshots = map(int, re.search(r"(\d+) of (\d+) snapshots", out).groups())
    assert labelled < snapshots / 4
    assert len(ase.io.read(tmp_path / "results" / "data.extxyz", ":")) == 20 + labelled
