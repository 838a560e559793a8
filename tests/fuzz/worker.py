"""A child process that runs targets one after the other, and the parent's side of it.

The child reads lines [format, folder] and answers each with the outcome. A case that takes too much
processor time ends it by a signal; one that takes too much memory gets MemoryError.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from seeds import put

SECONDS = 10.0
"""Of processor time per case."""
IDLE_SECONDS = 60.0
"""More of wall time, for cases that wait forever."""
MEMORY = 1 << 30
"""Bytes that a case may take beyond what the process has."""
CASES_PER_PROCESS = 2000


class Worker:
    """Starts the process when it is needed, and again after a death."""

    def __init__(self, folder: Path, seconds: float = SECONDS):
        """folder: of its own, for the files of the case and for what the process prints."""
        self.folder = folder
        self.seconds = seconds
        self._child: subprocess.Popen | None = None
        self._left = 0

    def run(self, name: str, files: dict[str, bytes]) -> dict:
        """The outcome of one case: {"class", "text", "where", "warnings"}."""
        case = self.folder / "case"
        shutil.rmtree(case, ignore_errors=True)
        put(files, case)
        if self._left == 0:
            self.close()
            self._child = self._started()
            self._left = CASES_PER_PROCESS
        self._left -= 1
        child = self._child
        child.stdin.write(json.dumps([name, case.name]).encode() + b"\n")
        child.stdin.flush()
        answered, _, _ = select.select([child.stdout], [], [], self.seconds + IDLE_SECONDS)
        line = child.stdout.readline() if answered else b""
        return json.loads(line) if line else self._death(hangs=not answered)

    def _started(self) -> subprocess.Popen:
        with open(self.folder / "printed", "wb") as printed:
            child = subprocess.Popen(
                [sys.executable, __file__, str(self.seconds)],
                cwd=self.folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
            )
        if not child.stdout.readline():
            raise RuntimeError((self.folder / "printed").read_text())
        return child

    def _death(self, hangs: bool) -> dict:
        code = -signal.SIGPROF if hangs else self._child.wait()
        self.close()
        printed = (self.folder / "printed").read_text(errors="replace")[-4000:]
        own = [line.strip() for line in printed.splitlines() if "/forcesmith/" in line]
        where = own[0].rpartition("/")[2] if own else ""
        if code == -signal.SIGPROF:
            kind, text = "hang", f"over {self.seconds:g} s"
        else:
            ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            kind, text = "crash", f"{ending}\n{printed}"
        return {"class": kind, "text": text, "where": where, "warnings": []}

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
        self._child, self._left = None, 0


def _serve(seconds: float) -> None:
    """The child's side."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a target prints is no answer
    faulthandler.enable()
    faulthandler.register(signal.SIGPROF, chain=True)  # the stack, then the end
    from targets import outcome_of

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        name, folder = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        outcome = outcome_of(name, Path(folder))
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(outcome), file=answers, flush=True)


if __name__ == "__main__":
    _serve(float(sys.argv[1]))
