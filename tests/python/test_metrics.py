"""Errors per group, parity plots, progress lines, atomic files."""

import io
import os
from types import SimpleNamespace

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from forcesmith.analysis.metrics import errors_by_group
from forcesmith.analysis.plots import parity_plot
from forcesmith.files import write_atomically
from forcesmith.progress import FitProgress, LineProgress
from rich.console import Console
from sample_data import full_disk, labelled


def result(energy, forces, stress=None):
    return SimpleNamespace(energy=energy, forces=np.asarray(forces), stress=stress)


@pytest.fixture
def data():
    """Two groups with known differences: all references are 0."""
    cell = bulk("Cu", cubic=True)  # 4 atoms
    zero = {"energy": 0.0, "forces": np.zeros((4, 3)), "stress": np.zeros(6)}
    configurations = [
        labelled(cell, "b", **zero),
        labelled(cell, "b", **zero),
        labelled(cell, "a", energy=0.0),
    ]
    forces = np.zeros((4, 3))
    forces[2, 1] = -1.2
    results = [
        result(0.004, forces, units.GPa * np.array([3.0, 0, 0, 0, 0, 0])),
        result(-0.012, np.zeros((4, 3)), None),
        result(0.008, np.ones((4, 3)), np.ones(6)),
    ]
    return configurations, results


def test_errors_by_group(data):
    configurations, results = data
    table = errors_by_group(results, configurations)
    assert list(table.groups) == ["a", "b", "all"]
    b = table["b"]
    assert (b.configurations, b.atoms, b.energies) == (2, 8, 2)
    assert (b.force_components, b.stress_components) == (24, 6)
    assert b.energy_mae == pytest.approx(2.0)  # meV/atom: |1| and |-3|
    assert b.energy_rmse == pytest.approx(np.sqrt(5))
    assert b.force_mae == pytest.approx(1.2 / 24)
    assert b.force_rmse == pytest.approx(1.2 / np.sqrt(24))
    assert b.force_max == pytest.approx(1.2)
    assert b.force_angle is None  # the references have no direction
    assert b.stress_mae == pytest.approx(0.5)  # GPa
    assert b.stress_rmse == pytest.approx(3 / np.sqrt(6))
    a = table["a"]
    assert a.energy_mae == pytest.approx(2.0)
    assert a.force_rmse is a.force_max is a.stress_mae is None
    assert table.total.energies == 3 and table.total.force_components == 24
    assert table.total.energy_rmse == pytest.approx(np.sqrt((1 + 9 + 4) / 3))


def test_errors_of_a_potential(data):
    configurations, results = data
    potential = SimpleNamespace(evaluate=lambda atoms: results)
    assert errors_by_group(potential, configurations) == errors_by_group(results, configurations)


def test_errors_need_as_many_results(data):
    with pytest.raises(ValueError, match="2 results for 3 configurations"):
        errors_by_group(data[1][:2], data[0])


def test_error_table_as_dict_and_text(data):
    table = errors_by_group(data[1], data[0])
    as_dict = table.to_dict()
    assert as_dict["b"]["force_max"] == pytest.approx(1.2)
    assert as_dict["a"]["stress_rmse"] is None
    text = io.StringIO()
    table.print(Console(file=text, width=80), "Errors")
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 80  # fits a plain terminal
    row = next(line.split() for line in lines if line.startswith("b "))
    assert row == "b 2 2.00 2.24 0.0500 0.2449 1.200 - 0.500 1.225".split()
    assert next(line.split() for line in lines if line.startswith("a "))[4:] == ["-"] * 6


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_parity_plot(data, tmp_path, ending):
    path = tmp_path / f"parity.{ending}"
    parity_plot({"train": data, "test": (data[0][:1], data[1][:1])}, path)
    assert path.stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [path]


def test_parity_plot_removes_the_composition(tmp_path):
    """Constants of thousands of eV per element must not decide the range of the energy axis."""
    cells = []
    for removed in (None, 0, 1):
        cell = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
        if removed is not None:
            del cell[removed]
        counts = [sum(cell.symbols == s) for s in ("Na", "Cl")]
        cells.append(labelled(cell, energy=-1300.0 * counts[0] - 400 * counts[1] + 0.01))
    path = tmp_path / "parity.svg"
    results = [result(c.get_potential_energy(), np.zeros((len(c), 3))) for c in cells]
    parity_plot({"train": (cells, results)}, path)

    from forcesmith.analysis.plots import _collect

    [(quantity, *_, panels)] = _collect({"train": (cells, results)})
    assert quantity == "energy"
    assert np.abs(panels["train"]).max() < 0.01


def test_parity_plot_errors(data, tmp_path):
    with pytest.raises(ValueError, match=r"cannot draw to a file ending in '.jpgg'; use .png"):
        parity_plot({"train": data}, tmp_path / "p.jpgg")
    with pytest.raises(OSError, match="create the folder first"):
        parity_plot({"train": data}, tmp_path / "absent" / "p.png")
    with pytest.raises(ValueError, match="nothing to draw"):
        parity_plot({"train": ([bulk("Cu")], [result(0, np.zeros((1, 3)))])}, tmp_path / "p.png")
    assert not list(tmp_path.iterdir())


def test_progress_off_a_terminal_prints_first_and_last():
    text = io.StringIO()
    with FitProgress(Console(file=text, width=40), max_iterations=50) as progress:
        for iteration in range(1, 31):
            progress(iteration, 1.0 / iteration, 2.5, 0.07, 0.1 * iteration)
    lines = text.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "iteration 1/50  loss 1.0000e+00  energy 2.50 meV/atom  force 0.0700"
    )
    assert lines[1].startswith("iteration 30/50")


def test_progress_off_a_terminal_prints_nothing_twice(monkeypatch):
    monkeypatch.setattr("forcesmith.progress.SECONDS_BETWEEN_LOG_LINES", 0.0)
    text = io.StringIO()
    with LineProgress(Console(file=text, width=40)) as progress:
        for line in ("one", "one", "two", "two"):
            progress.show(line)
    assert text.getvalue() == "one\ntwo\n"


def test_progress_on_a_terminal_renews_one_line():
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    with FitProgress(console) as progress:
        progress(1, 1.0, 2.5, 0.07, 0.1)
        progress(2, 0.5, 2.0, 0.06, 0.2)
    assert "iteration 2" in text.getvalue()


def test_write_atomically(tmp_path):
    path = tmp_path / "file.json"
    write_atomically(path, "old")
    usual = tmp_path / "usual"
    usual.write_text("")
    assert path.stat().st_mode == usual.stat().st_mode
    os.chmod(path, 0o640)
    write_atomically(path, b"new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(OSError, match="nowhere/file: cannot write the file"):
        write_atomically(tmp_path / "nowhere" / "file", "x")
    with pytest.raises(OSError, match="a folder has this name"):
        write_atomically(tmp_path, "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.json", "usual"]


def test_write_atomically_keeps_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "old")
    with full_disk(), pytest.raises(OSError, match="file: cannot write the file: File too large"):
        write_atomically(path, 1000 * "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
