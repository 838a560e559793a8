"""The cases of bench/compare_models.py and the picture of their records. No errors are judged."""

from __future__ import annotations

import sys
from pathlib import Path

import forcesmith as fs
import pytest
from forcesmith.training.settings import FitSettings

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def bench_in_path():
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


@pytest.mark.parametrize("element", ["Mo", "Si"])
def test_cases_are_settings_with_names_of_their_own(element):
    import compare_models

    cases = list(compare_models.cases(element))
    names = [name for name, *_ in cases]
    assert len(set(names)) == len(names) and all(name.startswith(element) for name in names)
    kinds = {settings["descriptor"]["type"] for *_, settings in cases}
    assert kinds >= {"ace", "bispectrum", "moment_tensor", "pod", "symmetry_functions"}
    for *_, settings in cases:
        FitSettings.from_dict(settings)


def test_front_and_picture():
    import pareto
    from records import read_records

    points = [(1.0, 5.0), (2.0, 6.0), (2.0, 3.0), (4.0, 3.0), (8.0, 1.0)]
    assert pareto.front(points) == [(1.0, 5.0), (2.0, 3.0), (8.0, 1.0)]
    records = read_records("models")
    figure = pareto.draw(records)
    [energies, forces, *_] = figure.axes
    assert len(figure.axes) == 4  # two elements
    of_one = [record for record in records if record["results"]["element"] == "Mo"]
    drawn = [line for line in energies.lines if len(line.get_xdata()) == 1]
    assert len(drawn) == len(of_one)
    assert "force" in forces.get_ylabel()
    assert {record["settings"]["model"]["type"] for record in records} <= set(pareto.MARKERS)
    assert {record["settings"]["descriptor"]["type"] for record in records} <= set(pareto.COLORS)
    assert set(fs.registry()["models"]) <= set(pareto.MARKERS)
