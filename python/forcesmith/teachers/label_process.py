"""The process in which labels are made: one per teacher, which outlives labels but not its owner.

Whatever a calculator does there, crash, print, start programs or hang, its owner goes on; and when
a time limit is over, all processes that it has started are ended with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import numpy as np
from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.calculator import PropertyNotImplementedError

from forcesmith.data.labels import shortened
from forcesmith.teachers.kind import LABELS, Kind
from forcesmith.teachers.settings import TeacherSettings

MARK = "FORCESMITH_LABEL_PROCESS"
"""Environment variable that all processes of a label process have, with its own value."""
SECONDS_TO_END = 2.0
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


SECONDS_OF_PATIENCE = 600.0
TIMES_THE_LONGEST = 10.0
"""A label without a time limit that takes longer than both, the second one times the longest label
so far, is warned of."""


class LabelFailed(RuntimeError):
    """The reason, in a few words."""


class LabelProcessEnded(LabelFailed):
    """Its process died or was killed, which need not be the configuration's fault."""


def patience(longest: float) -> float:
    """Seconds after which a label is remarkable; longest: of all so far, 0 if there are none."""
    return max(SECONDS_OF_PATIENCE, TIMES_THE_LONGEST * (longest or SECONDS_OF_PATIENCE))


def the_longest(longest: float) -> str:
    """For messages."""
    return f"the longest one before {longest:.3g} s" if longest else "and it is the first one"


class LabelProcess:
    """The owner's side."""

    def __init__(self, settings: TeacherSettings, gentler: bool = False):
        """Starts it, waits until the calculator is there. Raises ValueError if it cannot be made.

        gentler: with the options of the second try.
        """
        self.mark = uuid.uuid4().hex
        self._name = settings.name
        self._longest = 0.0  # seconds of a label
        self._printed: IO[bytes] = tempfile.TemporaryFile(prefix="forcesmith-label-")
        self._connection, theirs = Pipe()
        threads = str(1 if "{cores}" in str(settings.options) else settings.cores)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import main; main({theirs.fileno()})"],
                env=os.environ
                | dict.fromkeys(THREADS, threads)
                | {MARK: self.mark, "PYTHONPATH": os.pathsep.join(path for path in sys.path)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._connection.send((settings, gentler))
            answer, found = self._connection.recv()
        except (EOFError, OSError):
            raise ValueError(
                f"The teacher {shortened(settings.name)} cannot be made: its process "
                f"{self._last_words()}."
            ) from None
        except BaseException:
            self.end()
            raise
        if answer == "wrong":
            self.end()
            raise ValueError(found)
        self.identity: str = found["identity"]
        self.provides: frozenset[str] = found["provides"]
        self.elements: frozenset[str] | None = found["elements"]

    def label(self, atoms: Atoms, folder: Path, timeout: float | None) -> dict[str, Any]:
        """Energy (eV), forces (n_atoms, 3; eV/angstrom), stress (6; eV/angstrom^3) if it is asked
        for, and the seconds that it took.

        Raises LabelFailed. If the process ended, or was ended for its time, `alive` is False then.
        Without a time limit there is a warning where it takes remarkably long.
        """
        self._printed.truncate(0)
        started = time.monotonic()
        try:
            self._connection.send((atoms, folder))
            if timeout is None and not self._connection.poll(patience(self._longest)):
                seconds = time.monotonic() - started
                warnings.warn(
                    f"A label of {shortened(self._name)} has taken {seconds:.0f} s, "
                    f"{the_longest(self._longest)}; if it hangs, interrupt, and set timeout, "
                    "seconds, of the teacher.",
                    stacklevel=4,
                )
            if not self._connection.poll(timeout):
                self.end()
                raise LabelFailed(f"it took longer than {timeout:g} s and was ended")
            answer, found = self._connection.recv()
        except (EOFError, OSError):
            reason = f"the process of the teacher {self._last_words()}"
            self.end()
            raise LabelProcessEnded(reason) from None
        except KeyboardInterrupt:
            self.end()
            raise
        if answer == "failed":
            raise LabelFailed(found)
        self._longest = max(self._longest, found["seconds"])
        return found

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Ends it, and what it has started."""
        self._connection.close()
        end_marked(self.mark)
        self._process.wait()
        self._printed.close()

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
        code = self._process.returncode
        how = "ended" if code is None else f"ended with exit code {code}"
        if code is not None and code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        self._printed.seek(0)
        lines = self._printed.read().decode(errors="replace").strip("\0").splitlines()
        words = [line for line in lines if line.strip()]
        return how + (f", its last words: {shortened(words[-1], 100)}" if words else "")


def end_marked(mark: str, but: int | None = None) -> None:
    """End all processes with this mark: asked first, as launchers of MPI end their ranks then."""
    for number, seconds in ((signal.SIGTERM, SECONDS_TO_END), (signal.SIGKILL, 10.0)):
        until = time.monotonic() + seconds
        asked: set[int] = set()
        while (found := set(_marked(mark)) - {but}) and time.monotonic() < until:
            for process in found - asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)
            asked |= found
            time.sleep(0.01)


def _marked(mark: str) -> Iterator[int]:
    """Processes that live and have the mark in their environment, wherever they come from."""
    word = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if word in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)


def main(descriptor: int) -> None:
    """The process itself."""
    connection = Connection(descriptor)
    tasks: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    settings, gentler = tasks.get()
    with tempfile.TemporaryDirectory(prefix="forcesmith-label-") as folder:
        os.chdir(folder)  # for what calculators leave where they are
        try:
            kind = settings.kind(gentler)
            identity = {"type": settings.type, **kind.identity()}
            found = {
                "identity": hashlib.sha256(
                    json.dumps(identity, sort_keys=True, default=str).encode()
                ).hexdigest(),
                "provides": kind.provides - (frozenset() if settings.stress else {"stress"}),
                "elements": kind.elements,
            }
        except Exception as error:
            connection.send(("wrong", _sentence(error)))
            return
        connection.send(("ready", found))
        while True:
            atoms, place = tasks.get()
            try:
                answer: tuple[str, Any] = "label", _compute(kind, atoms, place, found["provides"])
            except LabelFailed as failure:
                answer = "failed", str(failure)
            connection.send(answer)


def _receive(connection: Connection, tasks: SimpleQueue[Any]) -> None:
    """Until the owner's end: then this process ends with all that it has started."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            tasks.put(connection.recv())
    end_marked(os.environ[MARK], but=os.getpid())
    os._exit(0)


def _sentence(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(error)
    return f"The teacher cannot be made: {shortened(f'{type(error).__name__}: {error}', 200)}."


def _compute(kind: Kind, atoms: Atoms, folder: Path, wanted: frozenset[str]) -> dict[str, Any]:
    started = time.monotonic()
    calculator: GetPropertiesMixin | None = None
    wanted = wanted if atoms.pbc.all() else wanted - {"stress"}
    results: dict[str, Any] = {}
    try:
        calculator = kind.calculator(atoms, folder)
        for name in ("energy", "forces", "stress"):
            if name in wanted:
                results[name] = _property(calculator, name, atoms)
        is_finite = _energy_is_finite(calculator)
    except Exception as error:
        with contextlib.suppress(AttributeError):  # or ASE takes what is there for results
            calculator.reset()  # type: ignore[union-attr]
        own = shortened(str(error) or type(error).__name__, 150).rstrip(".")
        raise LabelFailed(kind.problem(None, folder) or own) from None
    if problem := kind.problem(calculator, folder):
        raise LabelFailed(problem)
    if not is_finite:
        raise LabelFailed("the energy of the calculator is not finite, whatever its free energy")
    for name in wanted | (LABELS - {"stress"}):
        if results.get(name) is None:
            hint = "; without it, say stress = false" if name == "stress" else ""
            raise LabelFailed(f"the result has no {name}{hint}")
    return {**results, "seconds": time.monotonic() - started}


def _property(calculator: GetPropertiesMixin, name: str, atoms: Atoms) -> Any:
    """Energies are those that the forces belong to, with smearing the free energy."""
    names = ("free_energy", "energy") if name == "energy" else (name,)
    for one in names:
        with contextlib.suppress(PropertyNotImplementedError, NotImplementedError):
            value = calculator.get_property(one, atoms)
            if value is not None:
                return np.asarray(value, float)
    return None


def _energy_is_finite(calculator: GetPropertiesMixin) -> bool:
    """Of what it has computed already, also where the free energy is taken."""
    energy = (getattr(calculator, "results", None) or {}).get("energy")
    return energy is None or bool(np.isfinite(np.asarray(energy, float)).all())
