"""The engine: tasks on workers, never more at once than there are cores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask
import pytest
from forcesmith.engine import executor
from forcesmith.engine.executor import LOST_WORKERS, WorkerLost, available_cores, open_executor
from forcesmith.engine.settings import EngineSettings
from forcesmith.interruption import StopSignals, stop_if_asked

INTERRUPTED = """
import os
import signal

from distributed import Nanny
from forcesmith.engine.executor import open_executor
from forcesmith.engine.settings import EngineSettings


class Interrupted(Nanny):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.kill(os.getpid(), signal.SIGINT)  # before it has started


if __name__ == "__main__":
    import distributed.deploy.local

    distributed.deploy.local.Nanny = Interrupted
    try:
        with open_executor(EngineSettings(cores=1)):
            pass
    except KeyboardInterrupt:
        print("interrupted")
"""


def timed(folder: str, name: str, seconds: float) -> tuple[float, float]:
    begin = time.time()
    time.sleep(seconds)
    return begin, time.time()


def fail(text: str) -> None:
    raise ValueError(text)


def die_once(path: str) -> str:
    """The first worker dies, the next one does not."""
    if not Path(path).exists():
        Path(path).touch()
        os._exit(9)
    return "alive"


def sleep_and_note(path: Path, seconds: float) -> int:
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return os.getpid()


def all_finished(engine) -> dict:
    found = {}
    while engine.under_way:
        found |= {one.name: one for one in engine.finished()}
    return found


@pytest.mark.slow
def test_tasks_of_several_cores_leave_room_for_no_more(tmp_path):
    cores = {"one": 1, "two": 1, "both": 2, "three": 1, "four": 1}
    with open_executor(EngineSettings(cores=2)) as engine:
        assert engine.most_cores == 2
        waiting = list(cores)
        times = {}
        while waiting or engine.under_way:
            while waiting and engine.has_room(cores[waiting[0]]):
                name = waiting.pop(0)
                engine.submit(name, timed, str(tmp_path), name, 0.4, cores=cores[name])
            assert engine.under_way <= 2
            times |= {one.name: one.result for one in engine.finished()}
    for name, (begin, end) in times.items():
        middle = (begin + end) / 2
        busy = sum(cores[other] for other, (b, e) in times.items() if b < middle < e)
        assert busy <= 2, f"{busy} cores are busy while {name} runs"


@pytest.mark.slow
def test_errors_and_dead_workers(tmp_path):
    with open_executor(EngineSettings(cores=1)) as engine:
        engine.submit("fails", fail, "for a reason")
        error = all_finished(engine)["fails"].error
        assert isinstance(error, ValueError) and str(error) == "for a reason"
        engine.submit("dies once", die_once, str(tmp_path / "died"))
        assert all_finished(engine)["dies once"].result == "alive"
        engine.submit("dies", os._exit, 9)
        error = all_finished(engine)["dies"].error
        assert isinstance(error, WorkerLost)
        assert str(LOST_WORKERS + 1) in str(error)
        with pytest.raises(ValueError, match="engine.cores"):
            engine.has_room(2)


@pytest.mark.slow
def test_workers_that_sleep_go_on(tmp_path, monkeypatch):
    """As a laptop whose lid is closed; the task is not begun a second time."""
    monkeypatch.setattr("distributed.scheduler.heartbeat_interval", lambda n: 0.1)
    with dask.config.set({"distributed.scheduler.worker-ttl": "1s"}):
        with open_executor(EngineSettings(cores=1)) as engine:
            engine.submit("sleeps", sleep_and_note, tmp_path / "begun", 0.5)
            begun = tmp_path / "begun"
            while not (begun.exists() and begun.read_text().endswith("\n")):
                time.sleep(0.02)
            worker = int(begun.read_text())
            os.kill(worker, signal.SIGSTOP)
            time.sleep(4.0)
            os.kill(worker, signal.SIGCONT)
            assert all_finished(engine)["sleeps"].result == worker
    assert (tmp_path / "begun").read_text() == f"{worker}\n"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_dropped():
    """Exceptions in a destructor are dropped; who waits for tasks sees the request again."""

    class Destroyed:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    with StopSignals(), open_executor(EngineSettings(cores=1)) as engine:
        engine.submit("power", pow, 2, 10)
        Destroyed()
        with pytest.raises(KeyboardInterrupt):
            engine.finished()
    stop_if_asked()  # the request ended with its context


@pytest.mark.slow
def test_a_scheduler_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "SECONDS_TO_CONNECT", 3.0)
    dask = [sys.executable, "-m", "dask"]
    file = tmp_path / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", "--scheduler-file", file, *words])
    worker = None
    try:
        while not file.exists():
            assert scheduler.poll() is None
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        worker = subprocess.Popen(
            [*dask, "worker", address, "--nthreads", "1", "--no-dashboard"], env=environment
        )
        with open_executor(EngineSettings(scheduler=address, cores_per_worker=4)) as engine:
            assert engine.most_cores == 4
            engine.submit("power", pow, 2, 10, cores=4)
            assert all_finished(engine)["power"].result == 1024
            # One runs, the next one is there.
            n = 0
            while engine.has_room():
                engine.submit(f"sleep {n}", time.sleep, 0.01)
                n += 1
            assert n == 2
            all_finished(engine)
            engine.submit("endless", time.sleep, 1000)
            scheduler.kill()
            with pytest.raises(OSError, match="the same command goes on"):
                all_finished(engine)
    finally:
        for process in (scheduler, worker):
            if process is not None:
                process.kill()
                process.wait()


def test_where_nobody_is(monkeypatch):
    monkeypatch.setattr(executor, "SECONDS_TO_CONNECT", 0.3)
    with pytest.raises(ValueError, match="dask scheduler"):
        with open_executor(EngineSettings(scheduler="tcp://127.0.0.1:1")):
            pass


def test_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"pip install 'forcesmith\[learn\]'"):
        with open_executor(EngineSettings()):
            pass


def test_jobs_without_room_for_a_worker():
    jobqueue = {"type": "slurm", "cores": 2}
    with pytest.raises(ValueError, match="cores_per_worker"):
        with open_executor(EngineSettings(jobqueue=jobqueue, cores_per_worker=4)):
            pass
    with pytest.raises(ValueError, match="dask-jobqueue"):
        with open_executor(EngineSettings(jobqueue=jobqueue | {"wall_time": "1:00"})):
            pass


def test_all_cores_are_those_that_may_be_used():
    assert available_cores() == len(os.sched_getaffinity(0))


def test_workers_that_cannot_be_started(monkeypatch):
    def timed_out(**options):
        raise RuntimeError("Cluster failed to start: timed out")

    monkeypatch.setattr("distributed.LocalCluster", timed_out)
    with pytest.raises(OSError, match=r"could not be started .*timed out; .*127\.0\.0\.1"):
        with open_executor(EngineSettings(cores=1)):
            pass
    programs = ("script.py", "bin/forcesmith", "lib/forcesmith/cli/__main__.py")
    for program, advice in zip(programs, ("__name__", "memory", "memory"), strict=True):
        monkeypatch.setattr("sys.argv", [program])
        with pytest.raises(OSError, match=advice) as error:
            with open_executor(EngineSettings(cores=1)):
                pass
        assert ("__name__" in str(error.value)) == (program == "script.py")


@pytest.mark.slow
def test_interrupted_while_workers_start_is_quiet(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted\n" and done.stderr == ""
