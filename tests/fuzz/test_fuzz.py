"""Some hundred damaged files of every format: none may crash, hang, end in a traceback, or be
accepted with results that cannot be. `make fuzz` tries many more; README.md tells the rest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import campaign
import forcesmith as fs
import numpy as np
import pytest
from mutations import mutate
from seeds import POTENTIALS, make_seeds
from targets import FAULTS, TARGETS
from worker import Worker

CASES = {
    "ace": 300,
    "ase_traj": 150,
    "cfg": 300,
    "checkpoint": 200,
    "deepmd": 200,
    "extxyz": 300,
    "fitsnap": 300,
    "forcesmith": 800,
    "mlip": 500,
    "n2p2": 500,
    "n2p2_data": 300,
    "pacemaker": 30,
    "pod": 300,
    "settings": 300,
    "snap": 500,
    "snap_mliap": 300,
    "yace": 300,
}
"""Cases per format; the first ones, the same in every run."""
FAULTY: set[str] = set()
"""Formats with faults that are known and not mended yet: `python tests/fuzz run --first 0`."""


@pytest.fixture(scope="module")
def seeds():
    return make_seeds()


@pytest.fixture(scope="module")
def workers():
    with campaign.some_workers() as found:
        yield found


@pytest.fixture(scope="module")
def hasty_worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("worker"), seconds=0.5)
    yield worker
    worker.close()


def test_every_format_has_seeds_and_cases(seeds):
    formats = fs.registry()["formats"]
    assert set(formats) == set(POTENTIALS), "write its seeds in seeds.py"
    assert set(seeds) == set(CASES) == set(TARGETS) - {"misbehaving"}
    for name, endings in formats.items():
        files = {file for seed in seeds[name] for file in seed}
        missing = [end for end in endings if not any(file.endswith(end) for file in files)]
        assert not missing, f"write seeds of {name} with all its endings"


def test_seeds_are_accepted(seeds, workers):
    for name, files in ((name, seed) for name, of_format in seeds.items() for seed in of_format):
        outcome = workers[0].run(name, files)
        assert outcome["class"] == "ok", (name, outcome)


@pytest.mark.parametrize("name", [name for name in CASES if name not in FAULTY])
def test_damaged_files(seeds, workers, name):
    numbers = ((name, n) for n in range(CASES[name]))
    cases = list(campaign.run_cases(seeds, numbers, workers))
    assert "refused" in {case.outcome["class"] for case in cases}  # the damage is noticed
    faults = campaign.report(cases)
    assert not faults, faults


@pytest.mark.parametrize(
    "behaviour", [*FAULTS, "foreign traceback", "unnamed unclear", "refused", "ok"]
)
def test_classes(hasty_worker, behaviour):
    """A target that does what the file says; after it the next case runs as if nothing was."""
    outcomes = [
        hasty_worker.run("misbehaving", {"main.txt": text.encode()}) for text in (behaviour, "ok")
    ]
    assert [outcome["class"] for outcome in outcomes] == [behaviour.split()[-1], "ok"]


def test_a_case_is_known_by_its_number(seeds):
    again = make_seeds()
    for name in seeds:
        damaged = [campaign.files_of(seeds[name], name, n) for n in range(20)]
        assert damaged == [campaign.files_of(again[name], name, n) for n in range(20)]
        assert sum(files in seeds[name] for files in damaged) < 10


def test_command_run(seeds, tmp_path):
    """One case of every format: a row of the table each."""
    arguments = ["run", "--cases", str(len(seeds)), "--first", "0", "--reproducers", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent), *arguments], capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("\u2502")]
    assert [row.split()[1] for row in rows] == list(seeds)
    assert all(sum(int(n) for n in re.findall(r" (\d+) ", row)) == 1 for row in rows)


def test_reproducers_replay(seeds, tmp_path):
    campaign.keep({"main.txt": b"crash"}, tmp_path / "misbehaving-7")
    assert campaign.replay(tmp_path / "misbehaving-7")["class"] == "crash"


EMPTY_ARCHIVE = b"PK\5\6" + bytes(18)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}", b"[1]", b"PK\3\4", EMPTY_ARCHIVE, b"\xff", b"a 1 b"]
)
def test_mutations_of_next_to_nothing(data):
    for number in range(300):
        assert isinstance(mutate(data, np.random.default_rng(number), b"x\n"), bytes)
