"""Fits that are killed at any moment and resumed lose next to nothing.

FORCESMITH_KILLS: how often each fit is killed; `make kill-test` kills 50 times.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import forcesmith as fs
import pytest
from forcesmith.potentials.evaluator import core_evaluator
from forcesmith.training.checkpoint import State
from forcesmith.training.settings import OptimizerSettings, WeightSettings
from forcesmith.training.training_set import TrainingSet, residuals

KILLS = int(os.environ.get("FORCESMITH_KILLS", "4"))
ELEMENTS = ["Mg", "O"]
CUTOFF = 4.2
CHECKPOINT_SECONDS = 0.2
SLACK = 20.0  # of a busy machine
FITS = {
    "linear": """
type = "moment_tensor"
level = 12
""",
    "network": """
type = "symmetry_functions"
radial = 4
angular = 1
[model]
type = "neural_network"
hidden_layers = [8]
""",
}
CONFIG = f"""
elements = ["Mg", "O"]
[data]
train = ["DATA@0:24"]
[optimizer]
max_iterations = 1000000
tolerance = 1e-300
ridge = 0.0
checkpoint_seconds = {CHECKPOINT_SECONDS}
threads = 1
[output]
potential = "fit.json"
[descriptor]
cutoff = {CUTOFF}
"""


class KilledFit:
    """A fit in a folder, and what must not be lost of it."""

    def __init__(self, folder: Path, data: Path, kind: str):
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.replace("DATA", str(data)) + FITS[kind])
        self.potential = folder / "fit.json"
        self.state = folder / "fit.state.npz"
        configurations = fs.read(f"{data}@0:24")
        self.set = TrainingSet(configurations, ELEMENTS, CUTOFF, WeightSettings())
        self.iterations = 0
        self.loss = float("inf")
        self.largest_loss_of_work = 0.0  # seconds

    def start(self) -> subprocess.Popen:
        resume = ["--resume"] if self.state.exists() else []
        self.started_at = time.time()
        with open(self.config.with_suffix(".log"), "w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "forcesmith.cli", "fit", str(self.config), *resume],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill_after(self, seconds: float) -> None:
        process = self.start()
        before = self.state.stat().st_mtime_ns if self.state.exists() else 0
        time.sleep(seconds)
        process.kill()
        killed_at = time.time()
        log = self.config.with_suffix(".log")
        assert process.wait() == -signal.SIGKILL, log.read_text()
        if first := re.search(r"iteration (\d+)/", log.read_text()):
            assert int(first[1]) == self.iterations + 1
        self.check(killed_at, before)

    def check(self, killed_at: float, before: int) -> None:
        if not self.state.exists():
            assert self.iterations == 0
            return
        state = State.from_file(self.state)
        assert len(state.history) >= self.iterations
        if self.state.stat().st_mtime_ns > before:
            times = [row["seconds"] for row in state.history]
            longest = max((b - a for a, b in zip(times, times[1:], strict=False)), default=0.0)
            lost = killed_at - self.state.stat().st_mtime
            assert lost < CHECKPOINT_SECONDS + longest + SLACK
            self.largest_loss_of_work = max(self.largest_loss_of_work, lost)
        self.iterations = len(state.history)
        if self.potential.exists():
            loss = self.loss_of(fs.Potential.read(self.potential))
            assert loss <= self.loss * (1 + 1e-9)
            assert state.best["loss"] <= loss * (1 + 1e-9)
            self.loss = loss
        else:
            assert self.loss == float("inf")

    def loss_of(self, potential: fs.Potential) -> float:
        """As the fit sees it: of gradients of descriptors kept in single precision, if it does."""
        memory = OptimizerSettings().memory
        evaluator = core_evaluator(potential._core, kept_bytes=round(1e6 * memory))
        for batch in self.set.batches:
            evaluator.keep(batch.neighbors)
        return sum(residuals(evaluator, batch, 1).loss for batch in self.set.batches)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FITS)
def test_killed_fits(kind, tmp_path, mgo_data):
    fit = KilledFit(tmp_path, mgo_data, kind)
    rng = random.Random(1)
    seconds = 1.0
    while not fit.state.exists():
        seconds *= 1.5
        fit.kill_after(seconds)
    startup = fit.state.stat().st_ctime - fit.started_at  # no less than it takes to get going
    for _ in range(KILLS):
        fit.kill_after(rng.uniform(0.0, startup + 1.5))
    # To the end, a few iterations on.
    text = fit.config.read_text()
    fit.config.write_text(text.replace("1000000", str(fit.iterations + 3)))
    assert fit.start().wait() == 0
    fit.check(time.time(), time.time_ns())
    assert State.from_file(fit.state).ending == "iterations"
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"config.toml", "config.log", "fit.active_set", "fit.json", "fit.state.npz"}
    print(
        f"{kind}: {KILLS} kills, {fit.iterations} iterations, at most "
        f"{fit.largest_loss_of_work:.2f} s of work lost at once"
    )
