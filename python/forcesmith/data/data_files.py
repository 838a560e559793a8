"""Opening data files: compressed ones, text, and what the beginning tells of the format."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Stream = io.BufferedReader | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
_Opens = Callable[[Path, Literal["rb"]], Stream]
_COMPRESSIONS: dict[bytes, _Opens] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""How files begin, and what opens them; their names may end in anything."""
_SUFFIXES = (".gz", ".bz2", ".xz")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@contextmanager
def open_data(path: Path) -> Iterator[Stream]:
    """A file as bytes, decompressed if it is compressed, without a byte order mark.

    Raises ValueError for damaged compressed files.
    """
    with open(path, "rb") as plain:
        beginning = plain.read(6)
    opens: _Opens = next((o for b, o in _COMPRESSIONS.items() if beginning.startswith(b)), open)
    try:
        with opens(path, "rb") as stream:
            if stream.read(3) != _BYTE_ORDER_MARK:
                stream.seek(0)
            yield stream
    except OSError as error:
        # bz2 says so of damaged data; errors of the operating system have a number
        if opens is open or error.errno is not None:
            raise
        raise _damaged(path, error) from None
    except _DAMAGED as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path}: this compressed file is damaged or truncated ({error}).")


def beginning_of(path: Path) -> bytes:
    """The first 4096 bytes, decompressed. Raises ValueError for an empty file."""
    with open_data(path) as stream:
        beginning = stream.read(4096)
    if not beginning.strip():
        raise ValueError(f"{path}: there is nothing in this file.")
    return beginning


def name_of(path: Path) -> str:
    """Name of a file without the ending that says that it is compressed."""
    return path.stem if path.suffix.lower() in _SUFFIXES else path.name


def read_text(path: Path, kind: str) -> str:
    """The whole file, decompressed; as `as_text`."""
    with open_data(path) as stream:
        return as_text(stream.read(), path, kind)


def as_text(data: bytes, path: Path, kind: str) -> str:
    """What a file holds; lines end in a line feed.

    kind: what a message calls the file if it is no text at all. Raises ValueError for bytes that
    are not UTF-8.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: this is not a text file in UTF-8, so not {kind}; convert "
            "the file if it is text in another encoding."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def plain_file(path: Path) -> Iterator[Path]:
    """The file itself or, if it is more than its plain data, a temporary copy of these."""
    with open(path, "rb") as stream:
        beginning = stream.read(6)
    if not beginning.startswith((*_COMPRESSIONS, _BYTE_ORDER_MARK)):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / name_of(path)
        with open_data(path) as stream, open(copy, "wb") as target:
            shutil.copyfileobj(stream, target)
        yield copy


def ase_format(beginning: bytes) -> str | None:
    """ASE's name of the format that a file's first bytes tell, whatever its name; None for those
    that ASE should find by itself."""
    lines = [line.strip() for line in beginning.splitlines()]
    if lines[0].isdigit() and len(lines) > 1 and b"properties=" in lines[1].lower():
        return "extxyz"
    if b"<modeling>" in beginning:
        return "vasp-xml"
    if lines[0].startswith(b"vasp.") and b"executed on" in beginning:
        return "vasp-out"
    return None
