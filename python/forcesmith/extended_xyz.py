"""What ASE's reader of extended XYZ would pass over: headers in other spellings, further columns.

ASE (ase.io.extxyz) reads the files; here lie its parser of headers made to accept what GPUMD and
dpdata write, and a check of the columns.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase.io.extxyz import key_val_str_to_dict
from ase.io.formats import open_with_compression

from .labels import voigt

# Keys that ASE knows in one spelling only, and lets be an entry like any other in another one.
_KEYS = {"lattice": "Lattice", "properties": "Properties", "pbc": "pbc"}
_PROPERTIES = re.compile(r"(?<!\S)properties\s*=\s*(\"[^\"]*\"|\S+)", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\{[^}]*\}|\[[^\]]*\]")


def header_entries(line: str) -> dict[str, Any]:
    """The entries of a header line, as ASE's own parser gives them, with keys in any case and
    stresses of six components (xx yy zz yz xz xy), too.

    Raises ValueError for a key that is there twice.
    """
    keys = [key.lower() for key in re.findall(r"([^\s=]+)\s*=", _QUOTED.sub("''", line))]
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


def check_columns(path: Path) -> None:
    """ASE passes over columns that the header does not name.

    Raises ValueError naming file and line for an atom with more columns than are named.
    """
    for number, header, atoms in _frames(path):
        found = _PROPERTIES.search(header)
        properties = found[1].strip("\"'") if found else "species:S:1:pos:R:3"
        columns = properties.split(":")[2::3]
        if not all(column.isdigit() for column in columns):
            continue  # ASE says what is wrong
        named = sum(map(int, columns))
        for line, atom in enumerate(atoms, start=number + 1):
            if len(atom.split()) > named:
                raise ValueError(
                    f"{path}, line {line}: an atom with {len(atom.split())} columns, but the "
                    f"header names {named}; name the others, too (for example "
                    "Properties=species:S:1:pos:R:3:forces:R:3), or remove them."
                )


def check_headers(path: Path) -> None:
    """Raises ValueError naming file and line for a header that is not understood."""
    for number, header, _ in _frames(path):
        try:
            header_entries(header)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {str(error).rstrip('.')}.") from None


def _frames(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Number of the header line, the header, the lines of the atoms."""
    with open_with_compression(str(path), "r") as stream:
        lines = enumerate(stream, start=1)
        for _, line in lines:
            if line.strip().isdigit():  # if not: lattice vectors, empty lines
                number, header = next(lines, (0, ""))
                yield number, header, [atom for _, atom in itertools.islice(lines, int(line))]
