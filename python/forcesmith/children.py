"""Programs that end, with all that they have started, when the process that started them ends,
however that ends."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence


def tied(command: Sequence[str]) -> list[str]:
    """The command that runs `command`, and is killed with its children when the process or thread
    that starts it ends (prctl PR_SET_PDEATHSIG of Linux).

    Raises FileNotFoundError if there is no such program.
    """
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(
            f"The program '{command[0]}' is not there, or cannot be executed; install it, or give "
            "its path."
        )
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def _main(parent: int, command: list[str]) -> None:
    """Of a process in between, which waits for the command and is asked to end by the kernel."""
    import ctypes
    import signal

    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    prctl = ctypes.CDLL(None).prctl
    prctl(1, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        prctl(1, signal.SIGKILL, 0, 0, 0)
        os.execvp(command[0], command)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:  # by a signal: so does this one
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
