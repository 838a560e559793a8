"""Many cases: what case number n of a format is, who runs it, what is kept and told of it."""

from __future__ import annotations

import re
import shutil
import tempfile
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from mutations import mutate
from seeds import Seed, content_of, put
from targets import FAULTS
from worker import Worker

REPRODUCERS = Path(__file__).resolve().parents[2] / "build" / "fuzz"
KEPT = 3
"""Reproducers of every cause."""


@dataclass
class Case:
    format: str
    number: int
    outcome: dict

    @property
    def name(self) -> str:
        return f"{self.format}-{self.number}"

    @property
    def cause(self) -> tuple[str, ...]:
        """What cases of one fault have in common, as far as can be told: the place, and the message
        without its numbers and quotations."""
        text = self.outcome["text"].partition("\n")[0]
        if self.outcome["class"] == "unclear":
            text = text.partition("found")[0]
        plain = re.sub(r"case/\S+|'[^']*'|\"[^\"]*\"|0x\w+|[-+.\d]+(e[-+]?\d+)?", "#", text)
        return self.format, self.outcome["class"], self.outcome["where"], plain[:60]


def files_of(seeds: list[Seed], name: str, number: int) -> Seed:
    """The files of a case; they depend on the seeds, the format and the number alone."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), number])
    seed, other = (seeds[n] for n in rng.integers(len(seeds), size=2))
    file = sorted(seed)[rng.integers(len(seed))]
    donors = [content for f, content in other.items() if Path(f).suffix == Path(file).suffix]
    return {**seed, file: mutate(seed[file], rng, (donors or [b""])[0])}


@contextmanager
def some_workers(count: int = 2) -> Iterator[list[Worker]]:
    with tempfile.TemporaryDirectory() as scratch:
        workers = [Worker(Path(scratch) / str(number)) for number in range(count)]
        try:
            yield workers
        finally:
            for worker in workers:
                worker.close()


def run_cases(
    seeds: dict[str, list[Seed]],
    cases: Iterable[tuple[str, int]],
    workers: list[Worker],
    reproducers: Path = REPRODUCERS,
) -> Iterator[Case]:
    """Run cases (format, number). The files of the first ones of every cause of a fault are kept
    in `reproducers`, in a folder FORMAT-NUMBER."""
    kept: Counter = Counter()
    free: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def run(name: str, number: int) -> Case:
        files = files_of(seeds[name], name, number)
        worker = free.get()
        try:
            case = Case(name, number, worker.run(name, files))
        finally:
            free.put(worker)
        if case.outcome["class"] in FAULTS:
            kept[case.cause] += 1
            if kept[case.cause] <= KEPT:
                keep(files, reproducers / case.name)
        return case

    with ThreadPoolExecutor(len(workers)) as pool:
        waiting: deque[Future] = deque()
        for case in cases:
            waiting.append(pool.submit(run, *case))
            if len(waiting) >= 4 * len(workers):
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def keep(files: Seed, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    put(files, folder)


def replay(folder: Path) -> dict:
    """The outcome of a case that was kept."""
    files = content_of(folder)
    with some_workers(1) as [worker]:
        return worker.run(folder.name.rpartition("-")[0], files)


def report(cases: Iterable[Case], reproducers: Path = REPRODUCERS) -> str:
    """The causes of faults, the most frequent first, and how to see each again; "" if none."""
    found: dict[tuple, list[Case]] = {}
    for case in cases:
        if case.outcome["class"] in FAULTS:
            found.setdefault(case.cause, []).append(case)
    return "\n".join(
        f"\n{len(same)} x {kind} of {name}, {where or 'in the target'}: "
        f"{same[0].outcome['text'][:300]!r}\n    python tests/fuzz replay "
        + " ".join(str(reproducers / case.name) for case in same[:KEPT])
        for (name, kind, where, _), same in sorted(found.items(), key=lambda f: -len(f[1]))
    )
