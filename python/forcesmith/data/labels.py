"""Labels of a configuration (reference energy, forces, stress), its group, its name in messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

# Entry of `atoms.info` telling where `read` found a configuration; used in messages.
SOURCE_KEY = "read_from"
# Entry of `atoms.info` telling how a structure was made (forcesmith.sampling).
ORIGIN_KEY = "origin"

# Larger than this no label is; it would drown all others in a sum of squares.
_LARGEST = {"energy": 1e12, "forces": 1e8, "stress": 1e8}  # eV, eV/angstrom, eV/angstrom^3


@dataclass(frozen=True)
class Labels:
    """Reference values of one configuration; None where the data has none.

    energy: eV; forces: (n_atoms, 3), eV/angstrom; stress: (6,), eV/angstrom^3,
    ASE's sign and order.
    """

    energy: float | None
    forces: np.ndarray | None
    stress: np.ndarray | None

    @property
    def any(self) -> bool:
        return not (self.energy is None and self.forces is None and self.stress is None)


def labels_of(atoms: Atoms, where: str = "") -> Labels:
    """The labels of a configuration. A label that is absent is None.

    where: how a message calls this configuration; by default what `read` knows of its origin.
    Raises ValueError, naming the configuration and the quantity, for labels that are not real
    numbers, have a wrong shape, are NaN, infinite or beyond all sizes.
    """
    results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    energy = results.get("energy")
    found = {
        "energy": results.get("free_energy") if energy is None else energy,
        "forces": results.get("forces"),
        "stress": results.get("stress"),
    }
    where = where or describe(atoms, "a configuration")
    values = {
        name: None if value is None else label_numbers(name, value, len(atoms), where)
        for name, value in found.items()
    }
    for name, value in values.items():
        if value is not None:
            _check_size(atoms, name, value, where)
    energy = values["energy"]
    return Labels(
        energy=None if energy is None else float(energy),
        forces=values["forces"],
        stress=values["stress"],
    )


def label_numbers(name: str, value: object, n_atoms: int, where: str) -> np.ndarray:
    """A label as an array of its usual shape: energy (), forces (n_atoms, 3), stress (6,).

    name: "energy", "forces", "stress" or "virial".
    Raises ValueError, naming the configuration by `where`, for what is none.
    """
    kind = "text"
    try:
        array = np.asarray(value)
        kind = {"b": "a boolean", "c": "complex", "O": "no number"}.get(array.dtype.kind, kind)
    except ValueError:  # rows of different lengths
        array, kind = np.asarray(None), "a ragged list"
    if array.dtype.kind not in "iuf":
        shown = f" ({shortened(value)})" if array.ndim == 0 else ""
        raise ValueError(
            f"{where}: {name} is {kind}{shown}, expected real numbers; correct the data or remove "
            "this configuration."
        )
    array = array.astype(float)
    if name == "energy":
        if array.size == 1:
            return array.reshape(())
        expected = "one number"
    elif name == "forces":
        if array.shape == (n_atoms, 3):
            return array
        expected = str((n_atoms, 3))
    else:
        return voigt(array, f"{where}: {name}")
    raise ValueError(f"{where} has {name} of shape {array.shape}, expected {expected}.")


def _check_size(atoms: Atoms, name: str, value: np.ndarray, where: str) -> None:
    if (np.abs(value) <= _LARGEST[name]).all():
        return
    for wrong, problem in (
        (~np.isfinite(value), "contains NaN or infinity"),
        (np.abs(value) > _LARGEST[name], f"contains a number above {_LARGEST[name]:g}"),
    ):
        if wrong.any():
            at = ""
            if name == "forces":
                at = f" of {atoms_text(atoms, np.flatnonzero(wrong.any(axis=1)))}"
            raise ValueError(
                f"{where}: {name}{at} {problem}; correct the data or remove this configuration."
            )


def group_of(atoms: Atoms) -> str:
    """Name of the group a configuration belongs to: `info["config_type"]`, or "default"."""
    return str(atoms.info.get("config_type", "default"))


def weight_of(atoms: Atoms) -> float:
    """Weight of a configuration in a fit: `info["weight"]`, or 1. Raises ValueError for others than
    numbers from 0 to 1e20."""
    weight = atoms.info.get("weight", 1.0)
    is_number = isinstance(weight, (int, float, np.integer, np.floating))
    if not is_number or isinstance(weight, bool) or not 0 <= weight <= 1e20:
        place = atoms.info.get(SOURCE_KEY, "A configuration")
        raise ValueError(
            f'{place}: info["weight"] must be a number from 0 to 1e20, not {shortened(weight)}.'
        )
    return float(weight)


def voigt(stress: np.ndarray, name: str) -> np.ndarray:
    """Stress as (6,) from (6,), (3, 3) or (9,) row by row; order xx yy zz yz xz xy.

    Raises ValueError for another shape, and for a matrix that is not symmetric.
    """
    if stress.shape == (6,):
        return stress
    if stress.shape not in ((9,), (3, 3)):
        raise ValueError(f"{name} must have 6 or 9 components, found the shape {stress.shape}.")
    matrix = stress.reshape(3, 3)
    if np.abs(matrix - matrix.T).max() > 0.1 * np.abs(matrix).max() + 1e-3:
        raise ValueError(
            f"{name} is not symmetric (for example {matrix[0, 1]:.6g} and {matrix[1, 0]:.6g} as xy "
            "and yx); correct the data or remove this configuration."
        )
    return ((matrix + matrix.T) / 2).reshape(-1)[[0, 4, 8, 5, 2, 1]]


def tensor(stress: np.ndarray) -> np.ndarray:
    """The inverse of `voigt`: (3, 3) from (6,)."""
    return stress[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]


def describe(atoms: Atoms, name: str) -> str:
    source = atoms.info.get(SOURCE_KEY)
    text = f"{name} ({source})" if source else name
    return text[0].upper() + text[1:]


def shortened(text: object, length: int = 40) -> str:
    """Text of a user as a message shows it, on one line and not longer than `length`."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(str(text)[:10_000].split()))
    return line if len(line) <= length else line[: length - 3] + "..."


def atoms_text(atoms: Atoms, indices: np.ndarray) -> str:
    shown = ", ".join(f"{i} ({atoms.symbols[i]})" for i in indices[:5])
    more = f" and {len(indices) - 5} more" if len(indices) > 5 else ""
    return f"atom{'s' if len(indices) > 1 else ''} {shown}{more} (counted from 0)"
