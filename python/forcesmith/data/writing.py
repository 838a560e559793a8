"""Writing configurations with their labels for other programs; what a format loses is told."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ase import Atoms

from forcesmith.data.dataset import Dataset
from forcesmith.data.formats.deepmd_folders import write_deepmd_folder
from forcesmith.data.formats.extended_xyz import write_extended_xyz
from forcesmith.data.formats.fitsnap_json import write_fitsnap_folder
from forcesmith.data.formats.mlip_cfg import held_features, write_cfg
from forcesmith.data.formats.n2p2_data import write_n2p2_data
from forcesmith.data.formats.pacemaker_table import write_pacemaker_table
from forcesmith.data.label_names import warn
from forcesmith.data.labels import SOURCE_KEY, labels_of, shortened

FORMATS = {
    "deepmd": "",
    "extxyz": ".extxyz .xyz",
    "fitsnap": "",
    "mlip": ".cfg",
    "n2p2": ".data",
    "pacemaker": ".pckl.gzip .pkl.gz .pckl.gz",
}
"""Names of formats and endings of their files; folders have none."""
_WHOLE = ("extxyz", "pacemaker")
"""Formats that hold everything that is in `info` and arrays."""
_OWN_ARRAYS = {"numbers", "positions"}


def write(
    configurations: Sequence[Atoms],
    target: str | os.PathLike[str],
    format: str | None = None,
    *,
    elements: Sequence[str] | None = None,
    cflength: float | None = None,
    cfenergy: float | None = None,
) -> None:
    """Write configurations, with the labels they have, in the format of another program.

    Parameters
    ----------
    configurations
        With labels in their calculators, as `read` gives them.
    target
        File, or folder ("deepmd", "fitsnap"), which must be new or empty.
    format
        "deepmd", "extxyz", "fitsnap", "mlip", "n2p2" or "pacemaker"; by default as the ending of
        the file says: .extxyz, .cfg, .data, .pckl.gzip.
    elements
        Order of the types of "mlip" and "deepmd"; by default alphabetical.
    cflength, cfenergy
        Factors from angstrom and eV to the units of "n2p2"; by default those to bohr and hartree.

    Raises
    ------
    ValueError
        The format is not known, or cannot hold a configuration (periodicity, missing labels).
    OSError
        The target cannot be written.

    Warns
    -----
    UserWarning
        What the format loses of these configurations.
    """
    target = Path(target)
    format = format or _format_of(target)
    if format not in FORMATS:
        raise ValueError(
            f"{target}: there is no format {shortened(format)}; known: {', '.join(FORMATS)}."
        )
    if (cflength, cfenergy) != (None, None) and format != "n2p2":
        raise ValueError(f"{target}: cflength and cfenergy are units of n2p2, not of {format}.")
    if not configurations:
        raise ValueError(f"{target}: there are no configurations to write.")
    known = Dataset(configurations).elements
    elements = list(elements or known)
    if missing := sorted(set(known) - set(elements)):
        raise ValueError(
            f"{target}: the data has {', '.join(missing)}, which is not among the given elements "
            f"({', '.join(elements)}); add it to them."
        )
    if not FORMATS[format] and target.exists() and any(target.iterdir()):
        raise ValueError(f"{target}: this folder is not empty; choose a new one.")
    if format == "deepmd":
        write_deepmd_folder(target, configurations, elements)
    elif format == "fitsnap":
        write_fitsnap_folder(target, configurations)
    elif format == "mlip":
        write_cfg(target, configurations, elements)
    elif format == "n2p2":
        write_n2p2_data(target, configurations, cflength, cfenergy)
    elif format == "pacemaker":
        write_pacemaker_table(target, configurations)
    else:
        write_extended_xyz(target, [_without_source(atoms) for atoms in configurations])
    if lost := losses(configurations, format):
        told = ", ".join(f"{name} ({count})" for name, count in list(lost.items())[:8])
        warn(
            f"{target}: {format} does not hold, of so many configurations: {shortened(told, 180)}."
        )


def losses(configurations: Sequence[Atoms], format: str) -> dict[str, int]:
    """Find what a format does not hold.

    Parameters
    ----------
    configurations
        What would be written.
    format
        As of `write`.

    Returns
    -------
    dict
        Entries of `info`, arrays and labels, each with the number of configurations that have it.
    """
    lost: Counter[str] = Counter()
    if format in _WHOLE:
        return {}
    for atoms in configurations:
        kept = {
            "deepmd": set(),
            "fitsnap": {"config_type"},
            "mlip": set(held_features(atoms)),
            "n2p2": {"comment", "charge"},
        }[format]
        lost.update(str(name) for name in atoms.info if name not in kept | {SOURCE_KEY})
        arrays = _OWN_ARRAYS | ({"initial_charges"} if format == "n2p2" else set())
        lost.update(name for name in atoms.arrays if name not in arrays)
        if format == "n2p2" and labels_of(atoms).stress is not None:
            lost["stress"] += 1
    return dict(lost)


def _format_of(target: Path) -> str:
    for name, endings in FORMATS.items():
        if any(target.name.lower().endswith(ending) for ending in endings.split()):
            return name
    raise ValueError(
        f"{target}: the ending tells no format; give one by name: {', '.join(FORMATS)}."
    )


def _without_source(atoms: Atoms) -> Atoms:
    """It is of this run, and not of the file."""
    bare = atoms.copy()
    bare.calc = atoms.calc
    bare.info.pop(SOURCE_KEY, None)
    return bare
