"""Programs that are tied to the process that starts them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil
import pytest
from forcesmith.children import tied

STARTER = """
import subprocess, sys, time
from forcesmith.children import tied
subprocess.Popen(tied(["sh", "-c", "sleep 1000 & sleep 1001"]), start_new_session=True)
print("started", flush=True)
time.sleep(1000)
"""


def test_they_end_with_it_and_all_that_they_started():
    process = psutil.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "started\n"
    deadline = time.monotonic() + 20
    while (children := process.children(recursive=True)) and time.monotonic() < deadline:
        if sum(child.name() == "sleep" for child in children) == 2:
            break
        time.sleep(0.05)
    assert sum(child.name() == "sleep" for child in children) == 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(is_alive(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    """A zombie waits for a parent that does not look after it in containers."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_endings_are_those_of_the_program():
    assert subprocess.run(tied(["sh", "-c", "exit 3"])).returncode == 3
    ended = subprocess.run(tied(["sh", "-c", "kill -9 $$"]), start_new_session=True)
    assert ended.returncode == -signal.SIGKILL
    with pytest.raises(FileNotFoundError, match="install"):
        tied(["no-such-program"])
