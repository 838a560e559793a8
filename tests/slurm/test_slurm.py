"""Learning in the jobs of Slurm, on one machine (start_slurm.sh, Debian's slurm-wlm)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forcesmith.learning.project import Project

START = Path(__file__).with_name("start_slurm.sh")
CONFIG = """
teacher = "emt"
folder = "project"
start = { perturbed = 3 }
[fit]
descriptor = { type = "moment_tensor", level = 6, cutoff = 5.0 }
optimizer = { max_iterations = 20 }
[[conditions]]
structure = "fcc Cu 3.6"
supercell = 2
temperature = [300, 1200]
duration = 60.0
[engine.jobqueue]
type = "slurm"
jobs = 2
cores = 1
memory = "1 GB"
walltime = "00:10:00"
death_timeout = 60
"""


@pytest.fixture(scope="module")
def slurm():
    with tempfile.TemporaryDirectory() as folder:  # a short name: sockets have one of 108 letters
        os.chmod(folder, 0o755)
        subprocess.run([START, folder], check=True)
        os.environ["SLURM_CONF"] = f"{folder}/slurm.conf"
        yield
        subprocess.run(["scancel", "--user", "root"], check=True)
        subprocess.run([START, folder, "stop"], check=True)


def jobs() -> list[str]:
    command = ["squeue", "--noheader", "--format", "%i %T"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, jobs()
        time.sleep(0.2)


def start(config: Path) -> subprocess.Popen:
    with open(config.with_suffix(".log"), "a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "forcesmith.cli", "learn", config.name],
            cwd=config.parent,
            stdout=log,
            stderr=log,
        )


def test_learns_in_jobs(slurm, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    project = Project(tmp_path / "project")
    # Killed in the middle; its jobs notice it, and the same command goes on.
    process = start(config)
    deadline = time.monotonic() + 120
    while not project.fit(1):
        assert process.poll() is None and time.monotonic() < deadline, config.with_suffix(
            ".log"
        ).read_text()
        time.sleep(0.1)
    assert len(jobs()) == 2
    # Another job comes for one that ends.
    first = jobs()[0].split()[0]
    subprocess.run(["scancel", first], check=True)
    wait_until(lambda: len(jobs()) == 2 and not any(job.startswith(first) for job in jobs()))
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not jobs())
    labels = project.known().labels
    assert labels >= 3
    process = start(config)
    assert process.wait(timeout=600) == 0, config.with_suffix(".log").read_text()
    assert [e["ending"] for e in project.events() if e["event"] == "end"] == ["converged"]
    assert project.known().labels >= labels
    assert list(project.job_logs.glob("*.out")) and not list(tmp_path.glob("*.out"))
    wait_until(lambda: not jobs())
