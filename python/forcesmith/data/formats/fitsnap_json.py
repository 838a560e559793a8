"""Reader and writer of FitSNAP's .json files (the training data of the FitSNAP package).

A file holds one data set, usually of one configuration; lines that begin with # may precede it:

    # comment
    {"Dataset": {
      "Data": [{
        "AtomTypes": ["Ta", "Ta"],                   # chemical symbols
        "Positions": [[0, 0, 0], [1.65, 1.65, 1.65]],        # angstrom
        "Lattice": [[3.3, 0, 0], [0, 3.3, 0], [0, 0, 3.3]],  # rows: lattice vectors, angstrom
        "Energy": -23.7,                             # eV
        "Forces": [[0, 0, 0], [0, 0, 0]],            # eV/angstrom; may be absent
        "Stress": [[39946, 0, 0], ...],              # bar or kB (1000 bar); may be absent
        "NumAtoms": 2
      }],
      "EnergyStyle": "electronvolt", "StressStyle": "bar", ...
    }}

The folder a file lies in is its group. Every configuration is periodic in all directions.

Sign: Stress is a pressure tensor as in LAMMPS (a compressed crystal has positive diagonal
elements), so ASE's stress, which is positive in tension, is -Stress.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers
from ase.stress import full_3x3_to_voigt_6_stress

from forcesmith.data.data_files import as_text, name_of, open_data
from forcesmith.data.labels import SOURCE_KEY, group_of, labels_of, shortened, tensor
from forcesmith.files import existing_file, write_atomically

# Units that a data set may name, and what they are in eV and angstrom. The first is what FitSNAP
# takes where a data set names none (LAMMPS' `units metal`).
_STYLES: dict[str, dict[str, float]] = {
    "AtomTypeStyle": {"chemicalsymbol": 1.0},
    "EnergyStyle": {"electronvolt": 1.0},
    "ForcesStyle": {"electronvoltperangstrom": 1.0},
    "LatticeStyle": {"angstrom": 1.0},
    "PositionsStyle": {"angstrom": 1.0},
    "StressStyle": {"bar": units.bar, "kB": 1000 * units.bar},
}


def read_fitsnap(path: str | os.PathLike[str]) -> list[Atoms] | None:
    """Read all configurations of a FitSNAP .json file; None if it is another program's.

    Labels go into a SinglePointCalculator (eV, eV/angstrom, eV/angstrom^3, ASE's sign and order),
    the name of the file's folder into `info["config_type"]`, file and number into
    `info["read_from"]`.

    Raises ValueError naming file and key for anything unexpected.
    """
    path = existing_file(path)
    dataset = _dataset(path)
    if dataset is None:
        return None
    scales = {key: _scale(path, dataset, key) for key in _STYLES}
    if not isinstance(dataset["Data"], list):
        raise ValueError(
            f'{path}: "Data" must be a list of configurations, found {_kind(dataset["Data"])}.'
        )
    group = Path(os.path.abspath(path)).parent.name
    found = []
    for number, entry in enumerate(dataset["Data"]):
        here = f"{path}, configuration {number}"
        atoms = _configuration(here, entry, scales)
        atoms.info[SOURCE_KEY] = here
        if group:
            atoms.info["config_type"] = group
        found.append(atoms)
    return found


def read_fitsnap_folder(folder: str | os.PathLike[str]) -> list[Atoms]:
    """Read all FitSNAP .json files in a folder and the folders in it, sorted by name.

    Files of other programs and hidden ones are passed over.
    Raises IsADirectoryError if no FitSNAP file is there, otherwise as `read_fitsnap`.
    """
    folder = Path(folder)
    found: list[Atoms] = []
    any_file = False
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or not name_of(path).lower().endswith(".json") or not path.is_file():
            continue
        configurations = read_fitsnap(path)
        if configurations is not None:
            any_file = True
            found.extend(configurations)
    if not any_file:
        raise IsADirectoryError(
            f"{folder}: expected a file, found a folder in which no FitSNAP .json file and no "
            "type.raw of DeePMD-kit lies; name the data files."
        )
    return found


def write_fitsnap_folder(folder: str | os.PathLike[str], configurations: Sequence[Atoms]) -> None:
    """Write configurations, with the labels they have, each as a file in the folder of its group.

    Raises ValueError for a configuration without an energy, or that is not periodic.
    """
    for number, atoms in enumerate(configurations):
        labels = labels_of(atoms)
        if labels.energy is None or not atoms.pbc.all():
            lacks = "has no energy" if labels.energy is None else "is not periodic everywhere"
            raise ValueError(
                f"{folder}: configuration {number} {lacks}, which FitSNAP's files cannot hold."
            )
        group = group_of(atoms)
        if group in (".", "..") or "/" in group or "\0" in group:
            raise ValueError(f"{folder}: the group '{shortened(group)}' cannot name a folder.")
        entry: dict[str, Any] = {
            "AtomTypes": list(atoms.symbols),
            "Positions": atoms.positions.tolist(),
            "Lattice": atoms.cell.array.tolist(),
            "Energy": labels.energy,
            "NumAtoms": len(atoms),
        }
        if labels.forces is not None:
            entry["Forces"] = labels.forces.tolist()
        if labels.stress is not None:
            entry["Stress"] = (-tensor(labels.stress) / units.bar).tolist()
        styles = {key: next(iter(known)) for key, known in _STYLES.items()}
        place = Path(folder) / group / f"{number:06d}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps({"Dataset": {"Data": [entry], **styles}}) + "\n")


def _dataset(path: Path) -> dict[str, Any] | None:
    """The data set of a file, or None if the file is not FitSNAP's."""
    with open_data(path) as stream:
        beginning = stream.read(4096)
        if not beginning.lstrip().startswith((b"{", b"#")):
            return None
        whole = beginning + stream.read()
    if b'"Dataset"' not in whole:
        return None
    lines = as_text(whole, path, "a FitSNAP .json file").split("\n")
    for number, line in enumerate(lines):
        if line.strip() and not line.startswith("#"):
            break
        lines[number] = ""  # kept as an empty line: messages count it
    try:
        tree = json.loads("\n".join(lines))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: this FitSNAP file is not valid JSON ({error}); it may be truncated."
        ) from None
    dataset = tree.get("Dataset") if isinstance(tree, dict) else None
    return dataset if isinstance(dataset, dict) and "Data" in dataset else None


def _scale(path: Path, dataset: dict[str, Any], key: str) -> float:
    """Factor from the unit that a data set names under `key` to eV and angstrom."""
    known = _STYLES[key]
    style = dataset.get(key, next(iter(known)))
    if not isinstance(style, str) or style not in known:
        raise ValueError(
            f'{path}: "{key}" is {_shown(style)}, which is not known; convert the data to '
            f"{' or '.join(json.dumps(name) for name in known)}."
        )
    return known[style]


def _configuration(here: str, entry: object, scales: dict[str, float]) -> Atoms:
    if not isinstance(entry, dict):
        raise ValueError(f'{here}: an entry of "Data" must be an object, found {_kind(entry)}.')
    for key in ("AtomTypes", "Positions", "Lattice", "Energy"):
        if entry.get(key) is None:
            raise ValueError(
                f'{here}: the key "{key}" is missing; add it or remove this configuration.'
            )
    symbols = _symbols(here, entry["AtomTypes"])
    count = entry.get("NumAtoms", len(symbols))
    if count != len(symbols):
        raise ValueError(
            f'{here}: "NumAtoms" is {_shown(count)}, but "AtomTypes" names {len(symbols)} '
            "atoms; correct the data or remove this configuration."
        )

    def array(key: str, shape: tuple[int, ...]) -> np.ndarray:
        return _numbers(here, key, entry[key], shape) * scales[f"{key}Style"]

    atoms = Atoms(
        symbols,
        positions=array("Positions", (len(symbols), 3)),
        cell=array("Lattice", (3, 3)),
        pbc=True,
    )
    labels: dict[str, float | np.ndarray] = {"energy": float(array("Energy", ()))}
    if entry.get("Forces") is not None:
        labels["forces"] = array("Forces", (len(symbols), 3))
    if entry.get("Stress") is not None:
        labels["stress"] = -full_3x3_to_voigt_6_stress(array("Stress", (3, 3)))
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


def _symbols(here: str, symbols: object) -> list[str]:
    if not isinstance(symbols, list):
        raise ValueError(
            f'{here}: "AtomTypes" must be a list of chemical symbols, found {_kind(symbols)}.'
        )
    for number, symbol in enumerate(symbols):
        if not isinstance(symbol, str) or not atomic_numbers.get(symbol):
            raise ValueError(
                f'{here}: "AtomTypes" has {_shown(symbol)} for atom {number} (counted from 0), '
                "which is no chemical symbol; correct the data or remove this configuration."
            )
    return symbols


def _numbers(here: str, key: str, value: object, shape: tuple[int, ...]) -> np.ndarray:
    """`value` as an array of this shape."""
    try:
        array = np.array(value, dtype=float)
    except (ValueError, TypeError, OverflowError):  # text, objects, rows of different lengths
        array = None
    if array is not None and array.shape == shape:
        return array
    expected = f"{' x '.join(map(str, shape))} numbers" if shape else "a number"
    if array is None:
        found = "something else"
    elif array.shape:
        found = shortened(" x ".join(map(str, array.shape)))
    else:
        found = _kind(value)
    raise ValueError(
        f'{here}: "{key}" must be {expected}, found {found}; correct the data or remove this '
        "configuration."
    )


def _shown(value: object) -> str:
    return shortened(json.dumps(value))


def _kind(value: object) -> str:
    """What JSON calls a value."""
    names = {dict: "an object", list: "a list", str: "text", type(None): "null", bool: "a boolean"}
    return names.get(type(value), "a number")
