"""Extended XYZ: what ASE's reader would pass over (headers in other spellings, further columns),
and writing it whole or not at all.

ASE (ase.io.extxyz) reads the files; here lie its parser of headers made to accept what GPUMD and
dpdata write, and a check of the columns.
"""

from __future__ import annotations

import io
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.io.extxyz import key_val_str_to_dict, parse_properties

from forcesmith.data.data_files import open_data
from forcesmith.data.labels import shortened, voigt
from forcesmith.files import append, write_atomically

# Keys that ASE knows in one spelling only, and lets be an entry like any other in another one.
_KEYS = {"lattice": "Lattice", "properties": "Properties", "pbc": "pbc"}
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\{[^{}]*\}|\[[^\[\]]*\]")


def header_entries(line: str) -> dict[str, Any]:
    """The entries of a header line, as ASE's own parser gives them, with keys in any case and
    stresses of six components (xx yy zz yz xz xy), too.

    Raises ValueError for a key that is there twice.
    """
    keys = [key.lower() for key in re.findall(r"(?<![^\s=])([^\s=]+)\s*=", _QUOTED.sub("''", line))]
    for key in keys:
        if keys.count(key) > 1 and key in (*_KEYS, "energy", "forces", "stress", "virial"):
            raise ValueError(f"the header has {key} twice")
    try:
        found = key_val_str_to_dict(line)
    except ValueError:  # ASE wants nine components
        marked = key_val_str_to_dict(re.sub(r"(?<!\S)(stress|virial)(\s*=)", r"\1:six\2", line))
        found = {key.removesuffix(":six"): value for key, value in marked.items()}
    entries = {_KEYS.get(key.lower(), key): value for key, value in found.items()}
    lattice = entries.get("Lattice")
    if lattice is not None and np.shape(lattice) != (3, 3):
        if np.shape(lattice) != (9,):
            raise ValueError("the lattice must have nine numbers")
        entries["Lattice"] = np.reshape(lattice, (3, 3), order="F")
    if "stress" in entries:
        if not isinstance(entries["stress"], np.ndarray):
            raise ValueError(f"the stress is {entries['stress']!r}, expected six or nine numbers")
        entries["stress"] = voigt(entries["stress"], "the stress")
    return entries


def write_extended_xyz(path: str | os.PathLike[str], configurations: Sequence[Atoms]) -> None:
    """Write configurations with all that they have (atomically). Raises OSError."""
    stream = io.StringIO()
    ase.io.write(stream, configurations, format="extxyz")
    write_atomically(path, stream.getvalue())


def append_extended_xyz(
    path: str | os.PathLike[str], configurations: Atoms | Sequence[Atoms]
) -> None:
    """Add one or several configurations to a file, so that they are on the disk afterwards. Raises
    OSError; then nothing was added.

    A process that is killed meanwhile leaves at most a part of one, see `drop_torn_frame`.
    """
    stream = io.StringIO()
    ase.io.write(stream, configurations, format="extxyz")
    append(path, stream.getvalue().encode())


def drop_torn_frame(path: str | os.PathLike[str]) -> bool:
    """Cut off what a killed process has left of a configuration at the end of a file.

    Returns whether there was any. Raises ValueError if the file is damaged elsewhere.
    """
    whole = 0
    number = 1
    with open(path, "rb+") as file:
        while line := file.readline():
            lines = [line]
            if not line.strip().isdigit():
                raise ValueError(
                    f"{os.fspath(path)}, line {number}: expected the number of atoms of a "
                    f"configuration, found {shortened(line.decode(errors='replace').strip())!r}; "
                    "the file is damaged."
                )
            if line.endswith(b"\n"):
                lines += itertools.islice(file, int(line) + 1)
            if not lines[-1].endswith(b"\n") or len(lines) < int(line) + 2:
                file.truncate(whole)
                os.fsync(file.fileno())
                return True
            whole += sum(map(len, lines))
            number += len(lines)
    return False


def check_extended_xyz(path: Path) -> None:
    """Headers, and the columns that no header names: ASE passes over them.

    Raises ValueError naming file and line.
    """
    with open_data(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as text:
        try:
            _check(path, enumerate(text, start=1))
        except UnicodeDecodeError:
            raise ValueError(
                f"{path}: this is not text in UTF-8; convert the file if it is text in another "
                "encoding."
            ) from None


def _check(path: Path, lines: Iterator[tuple[int, str]]) -> None:
    for first, line in lines:
        if not re.fullmatch(r"\s*[0-9]+\s*", line):
            continue  # between configurations: lattice vectors, empty lines
        count = int(line) if len(line) < 18 else 10**18
        number, header = next(lines, (0, ""))
        try:
            named = _number_of_columns(header)
        except (ValueError, TypeError, IndexError) as error:
            reason = shortened(error, 120).rstrip(".")
            raise ValueError(f"{path}, line {number}: {reason}.") from None
        found = 0
        for number, atom in itertools.islice(lines, count):
            found += 1
            if len(atom.split()) > named:
                raise ValueError(
                    f"{path}, line {number}: an atom with {len(atom.split())} columns, but the "
                    f"header names {named}; name the others, too (for example "
                    "Properties=species:S:1:pos:R:3:forces:R:3), or remove them."
                )
        if found < count:
            raise ValueError(
                f"{path}, line {first}: {shortened(line)} atoms are said to follow, but the file "
                f"ends after {found}; it is truncated."
            )


def _number_of_columns(header: str) -> int:
    properties = header_entries(header).get("Properties", "species:S:1:pos:R:3")
    return sum(columns for _, columns in parse_properties(properties)[0].values())
