"""Reading configurations with their labels, from files of any format.

A configuration is an `ase.Atoms`. Its labels are where ASE keeps them, in a SinglePointCalculator:
energy (eV), forces (eV/angstrom), stress (eV/angstrom^3, positive in tension, xx yy zz yz xz xy).
Its group is `atoms.info["config_type"]`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from forcesmith.data.data_files import ase_format, beginning_of, name_of, open_data, plain_file
from forcesmith.data.dataset import Dataset
from forcesmith.data.formats.deepmd_folders import is_deepmd_folder, read_deepmd_folder
from forcesmith.data.formats.fitsnap_json import read_fitsnap, read_fitsnap_folder
from forcesmith.data.formats.mlip_cfg import is_mlip_cfg, read_cfg
from forcesmith.data.formats.n2p2_data import is_n2p2_data, read_n2p2_data
from forcesmith.data.formats.pacemaker_table import is_pickle, read_pacemaker_table
from forcesmith.data.formats.vasp_files import outcar_convergence, vasprun_convergence
from forcesmith.data.label_names import take_labels, warn
from forcesmith.data.label_settings import LabelSettings
from forcesmith.data.label_units import too_close
from forcesmith.data.labels import SOURCE_KEY, shortened
from forcesmith.files import existing_file

if TYPE_CHECKING:
    from forcesmith.potentials.potential import Potential


def read(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    index: str | int | slice = ":",
    *,
    elements: Sequence[str] | None = None,
    potential: Potential | None = None,
    **options: Any,
) -> Dataset:
    """Read configurations from files.

    Whatever ASE reads, MLIP's .cfg, FitSNAP's .json, n2p2's input.data, pacemaker's tables and
    DeePMD-kit's folders, of any name, files also compressed (gzip, bzip2, xz). Steps of VASP whose
    electrons did not converge are left out.

    Parameters
    ----------
    source
        Path or list of paths; `path@slice` reads a part of a file, e.g. `data.extxyz@0:100`. A
        folder stands for all systems of DeePMD-kit in it, or for all FitSNAP .json files in it and
        in the folders in it, sorted by name; the folder that such a file lies in is its group.
    index
        Which configurations of every file or folder (a slice as text, a slice, or one number).
    elements
        Symbols of the types 0, 1, ... of .cfg files, which name none.
    potential
        Whose elements, and whose units if it came from n2p2, are the defaults.
    **options
        The fields of `LabelSettings`.

        energy_key, forces_key, stress_key, virial_key: names under which the file keeps its labels
        if not under `energy`, `forces` or `force`, `stress`, `virial` (in any case): an entry of
        `info`, an array, or another result of ASE's reader, for example `energy_key="REF_energy"`
        or `energy_key="free_energy"` (VASP's forces are derivatives of that one). Some
        configurations may lack it, not all. Stresses have ASE's sign, and 9 components or 6 in
        ASE's order; virials are positive in compression (stress = -virial / volume).

        energy_unit (also of virials), forces_unit, stress_unit, length_unit: if they are not eV,
        eV/angstrom, eV/angstrom^3 and angstrom, and the file does not tell them in entries such as
        `stress-unit=GPa`, for example "hartree", "hartree/bohr", "kbar", "bohr". For files that
        ASE reads.

        cflength, cfenergy: factors from angstrom and eV to the units of n2p2's files, which do not
        tell theirs; by default those to bohr and hartree. Not for other files.

    Returns
    -------
    Dataset
        A sequence of `ase.Atoms`; `info["read_from"]` says where each came from. Labels are in
        their calculators, and no longer where the file had them.

    Raises
    ------
    OSError
        A file is missing.
    ValueError
        A file cannot be understood.

    Warns
    -----
    UserWarning
        Labels that are not used, units that can hardly be, steps left out, and a slice that selects
        nothing.
    """
    if unknown := set(options) - set(LabelSettings.model_fields):
        raise TypeError(f"read has no option '{min(unknown)}'.")
    chosen = LabelSettings.model_construct(**options)
    elements = elements or (potential.elements if potential else None)
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    configurations = []
    for path in source:
        configurations.extend(_read_file(os.fspath(path), index, elements, chosen, potential))
    return Dataset(configurations)


def _read_file(
    name: str,
    index: str | int | slice,
    elements: Sequence[str] | None,
    options: LabelSettings,
    potential: Potential | None,
) -> list[Atoms]:
    filename, own = _file_and_part(name)
    part = index if own is None else own
    if isinstance(part, str):
        try:
            numbers = [int(text) if text else None for text in part.split(":")]
            part = slice(*numbers) if len(numbers) > 1 else int(part)
        except (ValueError, TypeError):  # no numbers, more than three
            raise ValueError(
                f"{filename}: '{shortened(part)}' does not select configurations; use a number "
                "or a slice such as 0:100 or ::2."
            ) from None
    path = Path(filename)
    found, fixed_units = _read_all(path, elements, options, potential)
    selected = _selected(path, part, len(found))
    for n in selected:
        found[n].info.setdefault(SOURCE_KEY, f"{path}, configuration {n}")
    chosen = [found[n] for n in selected]
    take_labels(chosen, str(path), options, fixed_units)
    return chosen


def _file_and_part(name: str) -> tuple[str, str | None]:
    """Of `file@part`; a file that is really called so is taken as a whole."""
    try:
        if Path(name).exists() or "@" not in os.path.basename(name):
            return name, None
    except OSError as error:  # too long
        raise OSError(f"{shortened(name)}: {error.strerror}.") from None
    filename, part = name.rsplit("@", 1)
    return filename, part


def _selected(path: Path, part: int | slice, count: int) -> list[int]:
    """Numbers of the configurations that `part` selects of `count`."""
    kind = "folder" if path.is_dir() else "file"
    if not isinstance(part, slice):
        if not -count <= part < count:
            raise ValueError(
                f"{path}: configuration {shortened(part)} was asked for, but the {kind} has "
                f"{count}."
            )
        return [int(part) % count]
    if part.step == 0:
        raise ValueError(f"{path}: a slice must not have the step 0.")
    selected = list(range(count)[part])
    if count and not selected:
        text = ":".join("" if n is None else str(n) for n in (part.start, part.stop))
        warn(
            f"{path}: {shortened(text)} selects none of the {count} configurations of this {kind}."
        )
    return selected


def _read_all(
    path: Path,
    elements: Sequence[str] | None,
    options: LabelSettings,
    potential: Potential | None,
) -> tuple[list[Atoms], bool]:
    """All configurations of a file, or of what lies in a folder, and whether the format fixes
    their units."""
    units = options.cflength, options.cfenergy
    beginning = b"" if path.is_dir() else beginning_of(existing_file(path))
    if is_n2p2_data(beginning):
        if units == (None, None) and potential is not None:
            units = potential.n2p2_units
        found = read_n2p2_data(path, *units)
        if options.cflength is None and too_close(found):
            warn(
                f"{path}: most of its configurations have atoms much closer than bonds are; if it "
                "is not in bohr but in angstrom (and eV), give cflength=1 and cfenergy=1."
            )
        return found, True
    if units != (None, None) and path.exists():
        raise ValueError(
            f"{path}: cflength and cfenergy are for data files of n2p2, which this is not; read it "
            "without them."
        )
    if path.is_dir():
        if is_deepmd_folder(path):
            return read_deepmd_folder(path), True
        return read_fitsnap_folder(path), True
    if is_pickle(beginning):
        return read_pacemaker_table(path), True
    if is_mlip_cfg(beginning, name_of(path)):
        return read_cfg(path, elements), True
    # data bases of ASE are JSON, too
    if (of_fitsnap := read_fitsnap(path)) is not None:
        return of_fitsnap, True
    return _read_with_ase(path, ase_format(beginning)), False


def _read_with_ase(path: Path, format: str | None) -> list[Atoms]:
    """format: ASE's name of it; None leaves that to ASE."""
    # imported where it is used: it takes a second, which only reading should cost
    import ase.io
    from ase.io.formats import UnknownFileTypeError, filetype

    from forcesmith.data.formats.extended_xyz import check_extended_xyz, header_entries

    with plain_file(path) as plain:
        try:
            format = format or filetype(str(plain))
            options: dict[str, Any] = {}
            if format == "extxyz":
                check_extended_xyz(path)
                options = {"properties_parser": header_entries}
            found = ase.io.read(
                plain, index=":", format=format, do_not_split_by_at_sign=True, **options
            )
        except UnknownFileTypeError:
            raise ValueError(
                f"{path}: the file format is not known; use one that ASE reads (extended XYZ, "
                "OUTCAR, vasprun.xml, ...), MLIP's .cfg, FitSNAP's .json or n2p2's input.data."
            ) from None
        except PermissionError:
            raise
        except Exception as error:  # ASE's readers raise almost anything on damaged files
            if str(error).startswith(str(path)):
                raise  # by check_extended_xyz
            reason = shortened(error, 80).rstrip(".") or type(error).__name__
            reason = reason.replace(str(plain), str(path))
            raise ValueError(
                f"{path}: ASE cannot read this file{_remedy(path, format, reason)}"
            ) from error
    assert isinstance(found, list)  # of a slice
    for number, atoms in enumerate(found):
        if not np.isin(atoms.numbers, np.arange(len(chemical_symbols))).all():
            raise ValueError(
                f"{path}, configuration {number}: an atomic number is none; the file is damaged."
            )
    return _converged(path, format, found)


def _remedy(path: Path, format: str | None, reason: str) -> str:
    """Rest of the sentence that says that ASE cannot read a file."""
    other = path.parent / "vasprun.xml"
    if format == "vasp-out" and other.is_file():
        try:
            _read_with_ase(other, "vasp-xml")
        except (ValueError, OSError):
            pass
        else:
            return f" ({reason}), but {other.name} beside it reads; use that."
    return f"; it may be truncated or not what its name says ({reason})."


def _converged(path: Path, format: str | None, found: list[Atoms]) -> list[Atoms]:
    """Without the steps of VASP whose electrons did not converge."""
    readers = {"vasp-out": outcar_convergence, "vasp-xml": vasprun_convergence}
    if format not in readers:
        return found
    with open_data(path) as stream:
        converged = readers[format](stream)
    kept = [
        atoms for atoms, good in zip_longest(found, converged[: len(found)]) if good is not False
    ]
    if len(kept) < len(found):
        warn(
            f"{path}: {len(found) - len(kept)} of {len(found)} steps are left out, because their "
            "electrons did not converge within NELM iterations."
        )
    return kept
