"""Learning that is killed at any moment goes on, and repeats at most what was under way.

FORCESMITH_KILLS: how often; `make kill-test` kills 50 times.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import ase.io
import learning_teachers
import psutil
import pytest
from forcesmith.learning.project import Project, frames

KILLS = int(os.environ.get("FORCESMITH_KILLS", "4"))
CORES = 2
SECONDS_TO_START = 10.0  # then it is killed before it has begun
CONFIG = """
teacher = "learning_teachers:counted_emt"
folder = "project"
engine = { cores = CORES }
start = { perturbed = 8 }
[fit]
descriptor = { type = "moment_tensor", level = 6, cutoff = 5.0 }
optimizer = { max_iterations = 30, checkpoint_seconds = 0.1 }
[[conditions]]
structure = "fcc Cu 3.6"
supercell = 2
temperature = [300, 1500, 2500]
duration = 2.0
[[conditions]]
name = "vacancy"
structure = "fcc Cu 3.6"
supercell = 2
vacancies = { Cu = 1 }
temperature = "300:1200"
duration = 4.0
""".replace("CORES", str(CORES))


class KilledLearning:
    """Learning in a folder, and what must not be lost of it."""

    def __init__(self, folder: Path):
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG)
        self.project = Project(folder / "project")
        self.calls = folder / "calls"
        self.labels: dict[str, str] = {}
        self.kills: Counter[str] = Counter()
        self.done: set[Path] = set()

    def start(
        self, largest_file: int = resource.RLIM_INFINITY, verdict: bool = False
    ) -> psutil.Popen:
        """largest_file: no file can grow beyond so many bytes, as on a full disk."""

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))

        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": path, learning_teachers.CALLS: str(self.calls)}
        with open(self.config.with_suffix(".log"), "a") as log:
            return psutil.Popen(
                [sys.executable, "-m", "forcesmith.cli", "learn", str(self.config)]
                + ([] if verdict else ["--no-verdict"]),
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
                preexec_fn=limit,
            )

    def fill_disk(self, largest_file: int) -> None:
        """Learn until a file is too large for the disk; it ends with a sentence."""
        log = self.config.with_suffix(".log")
        before = len(log.read_text()) if log.exists() else 0
        code = self.start(largest_file).wait()
        text = log.read_text()[before:]
        assert code in (0, 1, 2), text
        assert "Traceback" not in text
        self.kills["disk"] += 1
        self.check()

    def kill_after(self, seconds: float, victim: str) -> None:
        """Kill the driver, or one of its workers or LAMMPS and then, a little later, the driver.

        seconds: after the first that it writes down, if it comes to that."""
        before = self.written()
        process = self.start()
        deadline = time.monotonic() + SECONDS_TO_START
        while self.written() == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(seconds)
        if victim != "driver" and process.is_running():
            for child in process.children(recursive=True):
                try:
                    if victim in " ".join(child.cmdline()):
                        child.kill()
                        self.kills[victim] += 1
                        break
                except psutil.NoSuchProcess:
                    continue
            time.sleep(2.0)
        children = process.children(recursive=True) if process.is_running() else []
        process.kill()
        process.wait()
        self.kills["driver"] += 1
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
        self.check()

    def kill_verdict(self, calls: int) -> None:
        """When the teacher has been asked so often."""
        process = self.start(verdict=True)
        while learning_teachers.count(self.calls) < calls and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait()

    def labels_of_verdict(self) -> int:
        folder = self.project.folder / "verdict"
        files = [*folder.glob("*/labels.extxyz"), *folder.glob("*/relaxations/*/*.extxyz")]
        return sum(len(ase.io.read(file, ":")) for file in files)

    def written(self) -> int:
        """Bytes of the journal."""
        journal = self.project.journal
        return journal.stat().st_size if journal.exists() else 0

    def check(self) -> None:
        """What was there stays."""
        labels = {frame.id: frame.formula for frame in frames(self.project.labels)}
        assert len(labels) == sum(1 for _ in frames(self.project.labels)), "a label twice"
        assert self.labels.items() <= labels.items()
        self.labels = labels
        done = {
            path
            for name in ("fit.json", "round.json", "exploration.json", "selection.json")
            for path in self.project.folder.rglob(name)
        }
        assert self.done <= done
        for path in done:
            json.loads(path.read_text())
        self.done = done


@pytest.mark.slow
def test_killed_learning(tmp_path):
    learning = KilledLearning(tmp_path)
    rng = random.Random(2)
    for _ in range(KILLS):
        victim = rng.choice(["driver", "driver", "spawn_main", "in.lammps", "disk"])
        if victim == "disk":
            learning.fill_disk(rng.randrange(10_000, 200_000))
            continue
        learning.kill_after(rng.uniform(0.0, 1.5), victim)
    process = learning.start()
    log = learning.config.with_suffix(".log")
    assert process.wait() == 0, log.read_text()
    learning.check()
    ends = [event for event in learning.project.events() if event["event"] == "end"]
    assert ends[-1]["ending"] == "converged"
    chosen = [
        atoms.info["id"]
        for number in learning.project.rounds()
        for atoms in learning.project.chosen(number)
    ]
    assert sorted(chosen) == sorted(learning.labels)
    # Labels that were computed again: those that were under way when something was killed.
    repeated = learning_teachers.count(learning.calls) - len(chosen)
    assert 0 <= repeated <= CORES * sum(learning.kills.values())
    print(f"{dict(learning.kills)} kills, {len(chosen)} labels, {repeated} computed again")

    calls = learning_teachers.count(learning.calls)
    learning.kill_verdict(calls + 5)  # labels of trajectories
    learning.kill_verdict(calls + 23)  # relaxations
    process = learning.start(verdict=True)
    assert process.wait() in (0, 3), log.read_text()  # 3: not good enough
    repeated = learning_teachers.count(learning.calls) - calls - learning.labels_of_verdict()
    assert learning.labels_of_verdict() > 23 and 0 <= repeated <= 2 * CORES
