"""What learning costs the program that drives it: instant labels on a thousand workers.

    python bench/learn_scale.py [--labels 100000] [--workers 1000] [--processes 2]

Configurations of 64 atoms are chosen a few thousand at a time, as in rounds of a large study; their
labels are tasks whose answer is there at once, on threads that stand for the workers. Measured is
the program's time per label (submitting the task, taking its result, checking it, writing it to
labels.extxyz and to the journal), and its memory as labels grow; with the scheduler of dask in a
process of its own, and inside the program, as for a batch system. Records: learn_scale/CASE.json.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
import tables
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from distributed import LocalCluster
from forcesmith.engine.executor import open_executor
from forcesmith.engine.settings import EngineSettings
from forcesmith.learning import tasks
from forcesmith.learning.labels import Labels
from forcesmith.learning.project import Project
from forcesmith.learning.settings import LearnSettings
from forcesmith.teachers.teacher import make_teacher
from records import argument_parser, write_record

ATOMS = 64
IN_A_ROUND = 2000


def instant_label(settings, atoms: Atoms, scratch: Path) -> Atoms:
    """In place of forcesmith.learning.tasks.label: no process of a teacher is asked."""
    numbers = np.zeros((len(atoms), 3))
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=numbers, stress=np.zeros(6))
    atoms.info |= {"teacher": "instant", "teacher_hash": "instant", "label_seconds": 0.0}
    return atoms


def configurations(first: int, count: int) -> list[Atoms]:
    rng = np.random.default_rng(first)
    made = []
    for number in range(first, first + count):
        atoms = bulk("MgO", "rocksalt", a=4.21, cubic=True) * 2
        atoms.positions += rng.normal(0, 0.1, atoms.positions.shape)
        atoms.info = {"id": f"001-bench-{number:06d}", "reason": "to be measured"}
        made.append(atoms)
    return made


@contextmanager
def cluster(workers: int, processes: int, inside: bool) -> Iterator[str]:
    """Address of a scheduler whose threads stand for workers. inside: it runs in this process, as
    that of a batch system's jobs does, else in one of its own."""
    dask = [sys.executable, "-m", "dask"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}

    def start(*words: str) -> subprocess.Popen:
        return subprocess.Popen([*dask, *words], stderr=subprocess.DEVNULL, env=environment)

    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        if inside:
            options = {"n_workers": 0, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
            scheduler = LocalCluster(**options, silence_logs="CRITICAL")
            address = stack.enter_context(scheduler).scheduler_address
        else:
            file = Path(folder, "scheduler.json")
            words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
            stack.callback(start("scheduler", "--scheduler-file", str(file), *words).kill)
            while not file.exists():
                time.sleep(0.1)
            address = json.loads(file.read_text())["address"]
        words = [address, "--nthreads", str(workers // processes), "--no-nanny", "--no-dashboard"]
        for _ in range(processes):
            stack.callback(start("worker", *words, "--memory-limit", "0").kill)
        yield address


def measure(n_labels: int, workers: int, processes: int, inside: bool) -> dict:
    tasks.label = instant_label
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = LearnSettings.from_dict(
            {"teacher": "emt", "conditions": [{"structure": "rocksalt MgO 4.21"}]}
        )
        with make_teacher("emt") as teacher:
            teacher.settings_hash = "instant"
        project = Project(folder / "project")
        with (
            cluster(workers, processes, inside) as address,
            project.locked(),
            open_executor(EngineSettings(scheduler=address)) as executor,
        ):
            while executor.capacity < workers:
                time.sleep(0.2)
            labels = Labels(project, executor, settings, teacher, project.known(), 1)
            memory = []
            begin, cpu = time.monotonic(), time.process_time()
            making = 0.0
            done = 0
            while labels.n_labels < n_labels:
                if labels.n_open < workers and done < n_labels:
                    before = time.process_time()
                    labels.add(configurations(done, min(IN_A_ROUND, n_labels - done)))
                    making += time.process_time() - before
                    done += IN_A_ROUND
                labels.submit()
                labels.take(executor.finished())
                if labels.n_labels >= len(memory) * n_labels / 20:
                    memory.append([labels.n_labels, psutil.Process().memory_info().rss / 2**20])
            seconds = time.monotonic() - begin
            cpu_seconds = time.process_time() - cpu - making
        size = project.labels.stat().st_size / 2**20
        begin = time.monotonic()
        project.known(since=2)
        reading = time.monotonic() - begin
    return {
        "labels": n_labels,
        "driver_ms_per_label": 1000 * cpu_seconds / n_labels,
        "labels_per_second": n_labels / seconds,
        "memory_mb": memory,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "seconds_to_resume": reading,
        "labels_file_mb": size,
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--labels", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    records = []
    for inside, name in ((False, "own_scheduler"), (True, "scheduler_inside")):
        print(f"{name} ...", flush=True)
        results = measure(arguments.labels, arguments.workers, arguments.processes, inside)
        records.append(
            write_record(
                "learn_scale",
                name,
                settings={
                    "atoms": ATOMS,
                    "workers": arguments.workers,
                    "in_a_round": IN_A_ROUND,
                    "scheduler": "inside" if inside else "a process of its own",
                },
                results=results,
                peers=("dask", "distributed"),
                folder=arguments.output,
            )
        )
    print(f"\n{tables.learn_scale(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
