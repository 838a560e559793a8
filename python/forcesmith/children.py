"""Programs that end with the process that started them, however that ends."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

# prctl(PR_SET_PDEATHSIG, SIGKILL) stays with a process when it becomes another program. In a
# program of its own, since a forked process with other threads must not do much before that.
_TIE = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execvp(sys.argv[2], sys.argv[2:])"
)


def tied(command: Sequence[str]) -> list[str]:
    """The command that runs `command`, and gets SIGKILL when the thread that starts it ends.

    Raises FileNotFoundError if there is no such program."""
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(
            f"The program '{command[0]}' is not there, or cannot be executed; install it, or give "
            "its path."
        )
    return [sys.executable, "-I", "-S", "-c", _TIE, str(os.getpid()), *command]
