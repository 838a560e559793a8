"""Labels of a configuration (reference energy, forces, stress), its group, its name in messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

# Entry of `atoms.info` telling where `read` found a configuration; used in messages.
SOURCE_KEY = "read_from"


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
    Raises ValueError for NaN or infinity, naming the configuration and the quantity.
    """
    results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    energy = results.get("energy", results.get("free_energy"))
    forces = results.get("forces")
    stress = results.get("stress")
    labels = Labels(
        energy=None if energy is None else float(energy),
        forces=None if forces is None else np.asarray(forces, dtype=float),
        stress=None if stress is None else voigt(np.asarray(stress, dtype=float)),
    )
    where = where or describe(atoms, "a configuration")
    for name in ("energy", "forces", "stress"):
        value = getattr(labels, name)
        if value is not None and not np.all(np.isfinite(value)):
            at = ""
            if name == "forces":
                bad = np.flatnonzero(~np.isfinite(value).all(axis=1))
                at = f" of {atoms_text(atoms, bad)}"
            raise ValueError(
                f"{where}: {name}{at} contains NaN or infinity; correct the data or remove this "
                "configuration."
            )
    return labels


def group_of(atoms: Atoms) -> str:
    """Name of the group a configuration belongs to: `info["config_type"]`, or "default"."""
    return str(atoms.info.get("config_type", "default"))


def voigt(stress: np.ndarray) -> np.ndarray:
    """Stress as (6,) from (6,), (3, 3) or (9,) row by row; order xx yy zz yz xz xy."""
    if stress.shape == (6,):
        return stress
    if stress.size == 9:
        return stress.reshape(-1)[[0, 4, 8, 5, 2, 1]]
    raise ValueError(f"A stress must have 6 or 9 components, found the shape {stress.shape}.")


def describe(atoms: Atoms, name: str) -> str:
    source = atoms.info.get(SOURCE_KEY)
    text = f"{name} ({source})" if source else name
    return text[0].upper() + text[1:]


def atoms_text(atoms: Atoms, indices: np.ndarray) -> str:
    shown = ", ".join(f"{i} ({atoms.symbols[i]})" for i in indices[:5])
    more = f" and {len(indices) - 5} more" if len(indices) > 5 else ""
    return f"atom{'s' if len(indices) > 1 else ''} {shown}{more} (counted from 0)"
