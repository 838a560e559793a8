"""Small helpers for files: writing them atomically, and finding them with a clear message."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: str | os.PathLike, content: str | bytes) -> None:
    """Write `content` to `path` so that a reader sees the old file or the whole new one.

    The content goes to a temporary file in the same folder, which then replaces `path`; the
    permissions are those of the file replaced, or the usual ones of a new file.
    Raises OSError, naming the file, if the folder is missing or not writable.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    if path.is_dir():
        raise IsADirectoryError(f"{path}: cannot write the file, a folder has this name.")
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise type(error)(
            f"{path}: cannot write the file ({error.strerror}); create the folder first or choose "
            "another one."
        ) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, _permissions(path))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def existing_file(path: str | os.PathLike) -> Path:
    """`path` as a Path; raises OSError with a finished sentence if it is not a readable file."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: expected a file, found a folder.")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file (current folder: {Path.cwd()}).")
    if not path.is_file():  # opening a pipe waits, a device never ends
        raise OSError(f"{path}: expected a file, found a device or a pipe; save the data first.")
    return path


def _permissions(path: Path) -> int:
    """Mode of `path`, or of a newly created file: mkstemp alone would leave it private (0600)."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
