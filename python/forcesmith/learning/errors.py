"""What ends learning."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forcesmith.data.labels import shortened

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SMALLEST_ROOM = 1_000_000  # bytes; with less, a disk is full


class LearnError(RuntimeError):
    """Learning cannot go on: one sentence."""


def failed(what: str, error: Exception) -> LearnError:
    """The error of a task as one of learning, with what failed."""
    return LearnError(f"{what} failed: {shortened(error, 220)}")


def raise_if_disk_is_full(folder: Path, reason: str) -> None:
    """Where a program failed, for this reason, it may be that its disk is full. Raises OSError."""
    full = next((code for code in FULL_DISK if os.strerror(code) in reason), None)
    if full is None and shutil.disk_usage(folder).free < SMALLEST_ROOM:
        full = errno.ENOSPC
    if full is not None:
        raise OSError(full, os.strerror(full), str(folder))


@contextmanager
def disk_watched() -> Iterator[None]:
    """A full disk ends learning with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        raise LearnError(
            f"{error.filename or 'A file'}: {error.strerror}; make room and give the same command "
            "again, it goes on from here."
        ) from None
