"""Signals that ask a program to end, turned into one KeyboardInterrupt."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

STOPPING = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")
)
"""Ctrl-C, and what batch systems send before they kill."""
SECONDS_OF_ONE_REQUEST = 0.5  # launchers and shells may pass the same request on twice

_contexts: list[StopSignals] = []


def stop_if_asked() -> None:
    """Raises the KeyboardInterrupt of a signal again, for long loops to call once a round: Python
    drops an exception that arises in a destructor."""
    if any(context.received is not None for context in _contexts):
        raise KeyboardInterrupt


class StopSignals:
    """Context: the first such signal raises KeyboardInterrupt in the main thread, later ones do
    nothing, but for a second Ctrl-C, which ends the process at once. Signals that were ignored
    (nohup, background jobs) stay so; afterwards all is as it was before."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._received_at = 0.0
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._stop)
            _contexts.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self in _contexts:
            _contexts.remove(self)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
            self._received_at = time.monotonic()
            raise KeyboardInterrupt
        again = time.monotonic() - self._received_at > SECONDS_OF_ONE_REQUEST
        if number == signal.SIGINT and again:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
