"""Programs of bench that measure grades and active sets, in a small form. No times are judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def bench_in_path():
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


def same_width(text: str) -> bool:
    return len({line.count("|") for line in text.splitlines()}) == 1


def test_cost(tmp_path, monkeypatch):
    import grade_cost
    import rate_cases
    import tables

    case = rate_cases.CASES["mtp_10"]
    small = {"structure": lambda data: rate_cases.crystal("Cu", "fcc", 3.615, 3)}
    monkeypatch.setitem(rate_cases.CASES, "mtp_10", rate_cases.Case(**{**vars(case), **small}))
    options = f"--case mtp_10 --repeats 1 --steps 2 --output {tmp_path}".split()
    monkeypatch.setattr(sys, "argv", ["grade_cost.py", *options])
    grade_cost.main()
    record = json.loads((tmp_path / "grade_cost" / "mtp_10.json").read_text())
    results = record["results"]
    names = {"off", "default", "every step", "every step, all parameters"}
    assert set(results["rates"]) == names and set(results["time_over_off"]) == names - {"off"}
    assert results["columns"] == 17 and results["atoms"] == 108
    assert same_width(tables.grade_cost([record]))


def test_ranks(tmp_path, monkeypatch):
    import grade_ranks
    import tables

    rng = np.random.default_rng(0)
    for name, count in (("train", 8), ("test", 4)):
        configurations = []
        for number in range(count):
            atoms = bulk("Cu", cubic=True)
            atoms.positions += rng.normal(0, 0.05 + 0.1 * (number % 2), atoms.positions.shape)
            atoms.info["config_type"] = grade_ranks.DYNAMICS if number % 2 else "Elastic"
            atoms.calc = EMT()
            atoms.get_forces()
            configurations.append(atoms)
        ase.io.write(tmp_path / f"Cu_{name}.extxyz", configurations)
    monkeypatch.setitem(grade_ranks.CUTOFF, "Cu", 3.5)
    settings = {
        "snap": {"descriptor": {"type": "bispectrum", "twojmax": 2, "rcutfac": 3.5}},
        "network": {
            "descriptor": {"type": "symmetry_functions", "cutoff": 3.5},
            "model": {"type": "neural_network", "hidden_layers": [3]},
            "optimizer": {"max_iterations": 2},
        },
    }
    monkeypatch.setattr(grade_ranks, "models", lambda element: settings)
    options = f"--data {tmp_path} --element Cu --output {tmp_path}".split()
    monkeypatch.setattr(sys, "argv", ["grade_ranks.py", *options])
    grade_ranks.main()
    records = [
        json.loads(path.read_text()) for path in sorted((tmp_path / "grade_ranks").iterdir())
    ]
    assert len(records) == 4
    for record in records:
        results = record["results"]
        without = results["without"] is not None
        assert results["train_configurations"] == (4 if without else 8)
        assert results["held_out_atoms"] == sum(results["atoms"]) == (32 if without else 16)
        for measure in results["rank_correlation"].values():
            assert all(-1 <= number <= 1 for number in measure.values())
    assert same_width(tables.grade_ranks(records))


def test_active_set_cost(tmp_path, monkeypatch):
    import active_set_cost
    import tables

    options = f"--columns 21 --rows 1500 --output {tmp_path}".split()
    monkeypatch.setattr(sys, "argv", ["active_set_cost.py", *options])
    active_set_cost.main()
    record = json.loads((tmp_path / "active_set" / "21_1500.json").read_text())
    results = record["results"]
    assert results["padded"] == 0 and results["passes"] >= 1
    assert results["largest_grade"] <= 1.001
    assert results["largest_difference_from_reference"] < 1e-9
    assert same_width(tables.active_set([record]))
    with pytest.raises(SystemExit, match="has no 22 columns"):
        active_set_cost.Candidates(22, 10)
