"""Small helpers for files: writing them atomically, locking and finding them."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from forcesmith import _core


class OutputLocked(OSError):
    """Another process writes the same output."""


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write `content` to `path` so that a reader sees the old file or the whole new one.

    A symbolic link stays, and so do permissions. Raises OSError, naming the file and the remedy.
    """
    _core.write_files([(os.fspath(path), content)])


def append(path: str | os.PathLike[str], content: bytes) -> None:
    """Add `content` to the end of a file, so that it is on the disk afterwards. Raises OSError;
    then nothing was added."""
    is_new = not os.path.exists(path)
    with open(path, "ab", buffering=0) as file:
        size = file.tell()
        try:
            while content:
                content = content[file.write(content) :]
            os.fsync(file.fileno())
        except OSError as error:  # a full disk
            file.truncate(size)
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    if is_new:
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def check_writable(paths: Sequence[str | os.PathLike[str]]) -> None:
    """Raise the OSError that `write_atomically` would; nothing is written."""
    _core.check_writable([(os.fspath(path), b"") for path in paths])


def existing_file(path: str | os.PathLike[str]) -> Path:
    """`path` as a Path; raises OSError with a finished sentence if it is not a readable file."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: expected a file, found a folder.")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file (current folder: {Path.cwd()}).")
    if not path.is_file():  # opening a pipe waits, a device never ends
        raise OSError(f"{path}: expected a file, found a device or a pipe; save the data first.")
    return path


@contextmanager
def output_lock(lock_file: Path, output: str, work: str = "fit") -> Iterator[None]:
    """Keep other processes, also on other hosts, from writing the same output.

    work: what such a process would be doing, for messages.

    The lock is one of the operating system on `lock_file`, so it ends with the process, however
    that ends. Where the file system has no locks, there is a warning instead.
    Raises OutputLocked, which names who holds the lock.
    """
    descriptor = _locked(lock_file, output, work)
    try:
        with suppress(OSError):  # a full disk; only messages need it
            os.truncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        lock_file.unlink(missing_ok=True)
        os.close(descriptor)


def lock_holder(lock_file: Path) -> str:
    """Who holds an `output_lock`, "process 17 on host"; empty: nobody."""
    try:
        with open(lock_file, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(300).decode(errors="replace") or "another process"
    except OSError:  # no such file, or no locks on this file system
        pass
    return ""


def _locked(lock_file: Path, output: str, work: str) -> int:
    while True:
        try:
            descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:  # a lock is nothing that anybody has asked for
            raise OSError(error.errno, error.strerror, output) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 300).decode(errors="replace") or "another process"
            os.close(descriptor)
            raise OutputLocked(
                f"{output}: another {work} ({holder}) writes this file; wait for it, or choose "
                "another output."
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                os.close(descriptor)
                raise
            warnings.warn(
                f"{lock_file}: this file system has no locks ({error.strerror}); see to it that no "
                f"other {work} writes the same output.",
                stacklevel=2,
            )
            return descriptor
        # Whoever held the lock before may have removed the file that is locked now.
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(lock_file)):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


def keep_previous(path: str) -> None:
    """Copy a file, with its permissions, to FILE.previous. Raises OSError naming that."""
    try:
        shutil.copy2(path, f"{path}.previous")
    except OSError as error:
        Path(f"{path}.previous").unlink(missing_ok=True)
        raise OSError(
            f"{path}.previous: cannot write the file: {error.strerror}; it is to keep {path}, make "
            "room or choose another output."
        ) from None


def remove_leftovers(paths: Sequence[str | os.PathLike[str]]) -> None:
    """Of files that were being written when their process was killed. Only under a lock."""
    for path in map(Path, paths):
        for leftover in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp"):
            leftover.unlink(missing_ok=True)
