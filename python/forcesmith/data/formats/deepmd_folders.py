"""Reader and writer of the folders of DeePMD-kit, of which each is a "system".

A system is of configurations with the same atoms in the same order:

    type.raw          # (n_atoms,) numbers of the types
    type_map.raw      # element of type 0, 1, ...
    nopbc             # is there if the configurations are not periodic
    set.000/          # and further sets; arrays of NumPy, one row per configuration
      coord.npy       # (n, 3 n_atoms), angstrom
      box.npy         # (n, 9), rows: lattice vectors, angstrom
      energy.npy      # (n,), eV; may be absent, as those below
      force.npy       # (n, 3 n_atoms), eV/angstrom
      virial.npy      # (n, 9), eV

Sign: the virial is that of MLIP (a compressed crystal has positive diagonal elements), so ASE's
stress, which is positive in tension, is -virial / volume.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers

from forcesmith.data.label_names import warn
from forcesmith.data.labels import SOURCE_KEY, labels_of, shortened, tensor, voigt
from forcesmith.files import write_atomically

_ARRAYS = ("coord", "box", "energy", "force", "virial")


def is_deepmd_folder(folder: Path) -> bool:
    """Whether a system lies in this folder, or in one of those in it."""
    return any(True for _ in folder.rglob("type.raw"))


def read_deepmd_folder(folder: str | os.PathLike[str]) -> list[Atoms]:
    """Read all systems in a folder and the folders in it, sorted by name.

    Labels go into a SinglePointCalculator (eV, eV/angstrom, eV/angstrom^3, ASE's sign and order).

    Raises ValueError naming the file for anything unexpected, and for folders of mixed types.
    Warns (UserWarning) of arrays that are not used.
    """
    found: list[Atoms] = []
    for types in sorted(Path(folder).rglob("type.raw")):
        found += _system(types.parent)
    return found


def write_deepmd_folder(
    folder: str | os.PathLike[str], configurations: Sequence[Atoms], elements: Sequence[str]
) -> None:
    """Write configurations, with the labels they have, as systems, each in a folder in `folder`.

    elements: chemical symbols in the order of the types 0, 1, ... to be written.

    Raises ValueError for configurations that are periodic in some directions only.
    """
    systems: dict[tuple[object, ...], list[tuple[Atoms, dict[str, np.ndarray]]]] = {}
    for number, atoms in enumerate(configurations):
        if atoms.pbc.any() and not atoms.pbc.all():
            raise ValueError(
                f"{folder}: configuration {number} is periodic in some directions only, which "
                "DeePMD-kit's folders cannot hold."
            )
        arrays = _arrays(atoms)
        key = (tuple(atoms.symbols), bool(atoms.pbc.all()), *arrays)
        systems.setdefault(key, []).append((atoms, arrays))
    names: list[str] = []
    for members in systems.values():
        first, arrays = members[0]
        formula = first.get_chemical_formula()
        names.append(formula)
        again = names.count(formula)
        place = Path(folder) / (formula if again == 1 else f"{formula}-{again}")
        (place / "set.000").mkdir(parents=True)
        types = [str(elements.index(symbol)) for symbol in first.symbols]
        write_atomically(place / "type.raw", "\n".join(types) + "\n")
        write_atomically(place / "type_map.raw", "\n".join(elements) + "\n")
        if not first.pbc.all():
            write_atomically(place / "nopbc", "")
        for name in arrays:
            stream = io.BytesIO()
            np.save(stream, np.array([own[name] for _, own in members]))
            write_atomically(place / "set.000" / f"{name}.npy", stream.getvalue())


def _arrays(atoms: Atoms) -> dict[str, np.ndarray]:
    """A row of every array that this configuration has."""
    labels = labels_of(atoms)
    rows = {"coord": atoms.positions.ravel()}
    if atoms.pbc.all():
        rows["box"] = atoms.cell.array.ravel()
    if labels.energy is not None:
        rows["energy"] = np.array(labels.energy)
    if labels.forces is not None:
        rows["force"] = labels.forces.ravel()
    if labels.stress is not None:
        rows["virial"] = -tensor(labels.stress).ravel() * atoms.cell.volume
    return rows


def _system(folder: Path) -> list[Atoms]:
    symbols = _symbols(folder)
    sets = sorted(path for path in folder.glob("set.*") if path.is_dir())
    if not sets:
        raise ValueError(
            f"{folder}: there is no set.000 beside type.raw; make sets of the .raw files by "
            "DeePMD-kit's raw_to_set.sh."
        )
    found = []
    for place in sets:
        if (place / "real_atom_types.npy").exists():
            raise ValueError(
                f"{place}: this is a folder of mixed types (real_atom_types.npy), which is not "
                "read; write it anew as one folder for every composition (dpdata: deepmd/npy)."
            )
        found += _set(place, symbols, (folder / "nopbc").exists())
    return found


def _symbols(folder: Path) -> list[str]:
    types, names = folder / "type.raw", folder / "type_map.raw"
    if not names.is_file():
        raise ValueError(
            f"{folder}: there is no type_map.raw, so that nothing tells the elements of the types; "
            "write one with a chemical symbol on every line."
        )
    elements = _words(names)
    try:
        numbers = [int(word) for word in _words(types)]
    except ValueError as error:
        raise ValueError(f"{types}: expected whole numbers: {shortened(error, 80)}.") from None
    for number in numbers:
        if not 0 <= number < len(elements):
            raise ValueError(
                f"{types}: there is a type {shortened(number)}, but {names.name} names "
                f"{len(elements)} element(s)."
            )
        if not atomic_numbers.get(elements[number]):
            raise ValueError(f"{names}: '{shortened(elements[number])}' is no chemical symbol.")
    return [elements[number] for number in numbers]


def _words(path: Path) -> list[str]:
    return path.read_bytes().decode(errors="backslashreplace").split()


def _set(place: Path, symbols: list[str], molecules: bool) -> list[Atoms]:
    count = len(symbols)
    shapes = {
        "coord": (count, 3),
        "box": (3, 3),
        "energy": (),
        "force": (count, 3),
        "virial": (3, 3),
    }
    arrays = {}
    for name in _ARRAYS:
        path = place / f"{name}.npy"
        if path.is_file():
            arrays[name] = _array(path, shapes[name])
    needed = ["coord"] if molecules else ["coord", "box"]
    for name in needed:
        if name not in arrays:
            raise ValueError(f"{place}: there is no {name}.npy.")
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise ValueError(f"{place}: the arrays are of different lengths: {lengths}.")
    used = [name for name in arrays if name != "virial" or not molecules]
    others = sorted(path.name for path in place.iterdir() if path.stem not in used)
    if others:
        warn(f"{place}: arrays that are not used: {shortened(', '.join(others), 120)}.")
    found = []
    for number, positions in enumerate(arrays["coord"]):
        here = f"{place}, configuration {number}"
        atoms = Atoms(symbols, positions=positions, info={SOURCE_KEY: here})
        if not molecules:
            atoms.set_cell(arrays["box"][number])
            atoms.pbc = True
        labels = {}
        if "energy" in arrays:
            labels["energy"] = float(arrays["energy"][number])
        if "force" in arrays:
            labels["forces"] = arrays["force"][number]
        if "virial" in used and atoms.cell.volume > 0:
            virial = voigt(arrays["virial"][number], f"{here}: the virial")
            labels["stress"] = -virial / atoms.cell.volume
        atoms.calc = SinglePointCalculator(atoms, **labels)
        found.append(atoms)
    return found


def _array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """(n_configurations, *shape)."""
    try:
        array = np.load(path, allow_pickle=False)
        if array.dtype.kind not in "fiu":
            raise ValueError("it holds no numbers")
        return array.astype(float).reshape(-1, *shape)
    except Exception as error:  # whatever NumPy raises of damaged headers
        raise ValueError(
            f"{path}: expected an array of NumPy with a row of {int(np.prod(shape))} number(s) for "
            f"every configuration: {shortened(error, 100).rstrip('.')}."
        ) from None
