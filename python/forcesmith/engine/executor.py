"""Tasks on dask.distributed: a local cluster, the jobs of a batch system, or any scheduler.

A task is a function that can be pickled, with small arguments; what it makes that is large goes to
files. Not more are under way than keep the workers busy, and nothing of a finished one is kept, so
that the memory of this process does not grow with their number.
"""

from __future__ import annotations

import atexit
import math
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from forcesmith.data.labels import shortened
from forcesmith.engine.settings import EngineSettings
from forcesmith.interruption import stop_if_asked

if TYPE_CHECKING:
    from distributed import Client, Future

LOST_WORKERS = 3
"""So many workers may die under a task before it is given up."""
TASKS_PER_WORKER = 2
"""Elsewhere: one runs, the next one is there when it ends."""
SECONDS_TO_CONNECT = 30.0
SECONDS_BETWEEN_COUNTS = 5.0
"""Of the workers elsewhere, which come and go."""
_CONFIGURATION = {
    "distributed.scheduler.allowed-failures": LOST_WORKERS,
    # A task that waits for a core is not a reason to pause or kill its worker.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.comm.timeouts.connect": SECONDS_TO_CONNECT,
    "distributed.worker.daemon": True,
}
_CLUSTERS = {
    "htcondor": "HTCondorCluster",
    "lsf": "LSFCluster",
    "moab": "MoabCluster",
    "oar": "OARCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "slurm": "SLURMCluster",
}


class WorkerLost(RuntimeError):
    """The workers that had this task died, one after the other."""


class Task(NamedTuple):
    """What `Executor.run` computes."""

    name: str
    """Under which it comes back."""
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    cores: int = 1
    """That it keeps busy."""


@dataclass(frozen=True)
class Finished:
    """What became of a task: its result, or the error that ended it."""

    name: str
    result: Any = None
    error: Exception | None = None


class Executor:
    """Runs tasks; `open_executor` makes one."""

    def __init__(self, client: Client, cores: int | None, cores_per_worker: int):
        """cores: of this machine, if its workers have one each; None: workers are elsewhere."""
        self._client = client
        self._cores = cores
        self._cores_per_worker = cores_per_worker
        self._names: dict[Future[Any], tuple[str, int]] = {}
        self._ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._busy = 0  # workers
        self._counted_at = -math.inf
        self._counted = 0  # workers elsewhere, or their threads, each of which has a task

    @property
    def most_cores(self) -> int:
        """Of one task."""
        return self._cores_per_worker if self._cores is None else self._cores

    @property
    def under_way(self) -> int:
        """Tasks that were submitted and have not been returned as finished."""
        return len(self._names)

    def has_room(self, cores: int = 1) -> bool:
        """Whether a task of so many cores can be submitted now."""
        return self._busy + self._workers(cores) <= self.capacity

    def submit(
        self, name: str, function: Callable[..., Any], *arguments: Any, cores: int = 1
    ) -> None:
        """Start `function(*arguments)` on a worker.

        name: under which it comes back; cores: that it keeps busy."""
        workers = self._workers(cores)
        future = self._client.submit(function, *arguments, pure=False)
        self._names[future] = name, workers
        self._busy += workers
        future.add_done_callback(self._ended.put)

    def run(self, tasks: Sequence[Task]) -> Iterator[Finished]:
        """What becomes of all of them, as they end."""
        waiting = list(reversed(tasks))
        while waiting or self.under_way:
            while waiting and self.has_room(waiting[-1].cores):
                task = waiting.pop()
                self.submit(task.name, task.function, *task.arguments, cores=task.cores)
            yield from self.finished()

    def finished(self) -> list[Finished]:
        """Waits for tasks to end, and returns all that have; after a while, none: there may be room
        for more by then. Raises OSError if the scheduler is gone."""
        stop_if_asked()
        try:
            ended = [self._ended.get(timeout=SECONDS_BETWEEN_COUNTS)]
        except queue.Empty:
            return []
        with suppress(queue.Empty):
            while True:
                ended.append(self._ended.get_nowait())
        good = [future for future in ended if future.status == "finished"]
        try:  # all of them by one request
            results = dict(zip(good, self._client.gather(good), strict=True))
        except Exception:  # of a worker that died meanwhile
            results = {}
        return [self._finished(future, results) for future in ended]

    def _finished(self, future: Future[Any], results: dict[Future[Any], Any]) -> Finished:
        name, workers = self._names.pop(future)
        self._busy -= workers
        if future in results:
            return Finished(name, result=results[future])
        if future.cancelled():
            raise OSError(
                "The connection to the scheduler of dask was lost; the same command goes on from "
                "what is on the disk."
            )
        try:
            return Finished(name, result=future.result())
        except Exception as error:
            return Finished(name, error=_error(error))

    def _workers(self, cores: int) -> int:
        """That a task of so many cores keeps busy."""
        if cores > self.most_cores:
            raise ValueError(
                f"A task wants {cores} cores, but the engine has {self.most_cores} for one; give "
                f"it more (engine.{'cores' if self._cores else 'cores_per_worker'}) or the task "
                "fewer."
            )
        return cores if self._cores else 1

    @property
    def capacity(self) -> int:
        """Workers that may be busy, or have their next task already."""
        if self._cores:
            return self._cores
        if time.monotonic() - self._counted_at > SECONDS_BETWEEN_COUNTS:
            self._counted = sum(self._client.nthreads().values())
            self._counted_at = time.monotonic()
        return TASKS_PER_WORKER * max(1, self._counted)


def _error(error: Exception) -> Exception:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return WorkerLost(
            f"{LOST_WORKERS + 1} workers died while they had this task; look whether there is "
            "enough memory for it"
        )
    return error


@contextmanager
def open_executor(settings: EngineSettings, job_logs: Path | None = None) -> Iterator[Executor]:
    """An executor with its workers, which end with it.

    job_logs: folder for what the jobs of a batch system print; None: the current one.

    Raises ValueError with what to install, or where the scheduler is not found; OSError if workers
    cannot be started here.
    """
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError:
        raise ValueError(
            "The engine needs dask.distributed; install it with: pip install 'forcesmith[learn]'"
        ) from None
    cores = available_cores() if settings.cores == "auto" else settings.cores
    elsewhere = settings.scheduler is not None or settings.jobqueue is not None
    # Workers of this machine end by its hands; silent ones only sleep, as a laptop may.
    silence = {} if elsewhere else {"distributed.scheduler.worker-ttl": None}
    with dask.config.set(_CONFIGURATION | silence), ExitStack() as stack:
        place: Any = settings.scheduler
        if place is None:
            place = _job_queue(settings, job_logs) if elsewhere else _local_cluster(cores)
            stack.callback(_close, place)
        client = _client(place)
        stack.callback(_close, client)
        yield Executor(client, None if elsewhere else cores, settings.cores_per_worker)


def _close(opened: Any) -> None:
    with suppress(Exception):  # of workers that die or start just now; they end with this process
        opened.close()


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _client(place: Any) -> Client:
    """place: a cluster, or the address of a scheduler."""
    from distributed import Client

    try:
        return Client(place, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"There is no scheduler of dask at {shortened(place, 60)} ({shortened(error, 120)}); "
            "start one with: dask scheduler"
        ) from None


def _local_cluster(cores: int) -> Any:
    """A worker for every core."""
    from distributed import LocalCluster
    from distributed.deploy.spec import close_clusters

    try:
        return LocalCluster(
            n_workers=cores,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            host="127.0.0.1",
            silence_logs="CRITICAL",
        )
    except BaseException as error:  # Ctrl-C, too
        atexit.unregister(close_clusters)  # half a cluster cannot be closed; it ends with us
        if isinstance(error, (RuntimeError, OSError)):
            advice = "look whether something ends them, as a lack of memory does"
            if not _is_command():
                advice = 'scripts must start them below `if __name__ == "__main__":`'
            raise OSError(
                f"Workers could not be started on this machine: {shortened(error, 100)}; they are "
                f"processes that talk by 127.0.0.1, {advice}."
            ) from None
        raise


def _is_command() -> bool:
    """Whether this is `forcesmith ...`, or `python -m forcesmith.cli ...`, not a script."""
    program = Path(sys.argv[0])
    return program.name == "forcesmith" or program.parts[-3:-1] == ("forcesmith", "cli")


def _job_queue(settings: EngineSettings, logs: Path | None) -> Any:
    """A cluster of dask-jobqueue whose jobs are submitted."""
    assert settings.jobqueue is not None
    try:
        import dask_jobqueue
    except ImportError:
        raise ValueError(
            "engine.jobqueue needs dask-jobqueue; install it with: pip install 'forcesmith[learn]'"
        ) from None
    queue = settings.jobqueue
    workers = queue.cores // settings.cores_per_worker
    if workers < 1:
        raise ValueError(
            f"engine.jobqueue has jobs of {queue.cores} cores, but engine.cores_per_worker is "
            f"{settings.cores_per_worker}; a job must have room for a worker."
        )
    options = {"memory": f"{2 * queue.cores} GB", "log_directory": logs and str(logs)}
    options |= queue.model_extra or {}
    try:
        cluster = getattr(dask_jobqueue, _CLUSTERS[queue.type])(
            cores=workers, processes=workers, job_cpu=queue.cores, **options
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"engine.jobqueue is not what dask-jobqueue expects: {shortened(error, 160)}."
        ) from None
    # Jobs that come to the end of their time are followed by others.
    cluster.adapt(minimum_jobs=queue.jobs, maximum_jobs=queue.jobs)
    return cluster
