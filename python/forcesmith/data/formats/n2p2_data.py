"""Reader of n2p2's data files, usually called input.data (the format is RuNNer's).

A file holds any number of blocks

    begin
    comment any text
    lattice 17.8 0.0 0.0                     # three vectors or none: periodic or not
    atom x y z element charge energy fx fy fz
    energy -27564.5
    charge 0.0
    end

Units are not told: bohr and hartree unless the caller says otherwise. The energies of single atoms
in `atom` lines have no meaning and are passed over.
"""

from __future__ import annotations

import os

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers

from forcesmith import _core
from forcesmith.data.formats.word_lines import WordLines
from forcesmith.data.labels import shortened
from forcesmith.files import existing_file

_KEYS = ("comment", "lattice", "atom", "energy", "charge", "end")


def is_n2p2_data(beginning: bytes) -> bool:
    """Whether a file that begins like this is n2p2's: its name does not tell (LAMMPS' data files
    end in .data, too)."""
    words = [line.split()[0] for line in beginning.decode("latin-1").split("\n") if line.split()]
    return words[:1] == ["begin"] and (len(words) == 1 or words[1] in _KEYS)


def read_n2p2_data(
    path: str | os.PathLike, cflength: float | None = None, cfenergy: float | None = None
) -> list[Atoms]:
    """Read all configurations of a data file of n2p2.

    cflength, cfenergy: factors from angstrom and eV to the units of the file (as in LAMMPS'
    pair_style hdnnp); by default those to bohr and hartree.

    Labels go into a SinglePointCalculator (eV, eV/angstrom), the comment into `info["comment"]`,
    charges, where they are not zero, into `info["charge"]` and the initial charges (in e).

    Raises ValueError naming file and line for anything unexpected.
    """
    path = existing_file(path)
    length = _factor("cflength", cflength, _core.bohr)
    energy = _factor("cfenergy", cfenergy, _core.hartree)
    lines = WordLines(path, "a data file of n2p2")
    configurations = []
    while lines.more():
        words = lines.next_words()
        if words[0] != "begin":
            lines.fail(f"expected begin, found '{shortened(words[0])}'")
        configurations.append(_read_block(lines, length, energy))
    return configurations


def _factor(name: str, given: float | None, default: float) -> float:
    """What a number of the file is to be multiplied with."""
    if given is None:
        return default
    if not (given > 0 and np.isfinite(given)):
        raise ValueError(f"{name} must be positive, not {given}.")
    return 1 / given


def _read_block(lines: WordLines, length: float, energy: float) -> Atoms:
    """One configuration; begin has been read."""
    lattice: list[list[float]] = []
    symbols: list[str] = []
    table: list[list[float]] = []  # x y z charge energy fx fy fz
    single: dict[str, float] = {}  # energy and charge
    info: dict[str, str | float] = {}
    while (words := lines.next_words("end"))[0] != "end":
        key, values = words[0], words[1:]
        if key == "atom":
            if len(values) != 9:
                lines.fail(
                    f"expected atom x y z element charge energy fx fy fz, found {len(values)} "
                    "values"
                )
            symbol = values.pop(3)
            if not atomic_numbers.get(symbol):
                lines.fail(f"'{shortened(symbol)}' is no chemical symbol")
            symbols.append(symbol)
            table.append(lines.numbers(values, 8, "of an atom"))
        elif key == "lattice":
            if len(lattice) == 3:
                lines.fail("this is the fourth lattice vector")
            lattice.append(lines.numbers(values, 3, "a lattice vector"))
        elif key in ("energy", "charge"):
            if key in single:
                lines.fail(f"{key} is there twice")
            [single[key]] = lines.numbers(values, 1, key)
        elif key == "comment":
            info["comment"] = " ".join(values)
        elif key == "begin":
            lines.fail("begin inside a configuration; the one before lacks its end")
        else:
            lines.fail(f"unknown entry '{shortened(key)}' in a configuration")
    if not symbols:
        lines.fail("the configuration ending here has no atoms")
    if len(lattice) not in (0, 3):
        lines.fail(
            f"the configuration ending here has {len(lattice)} lattice vector(s); there must be "
            "three or none"
        )
    numbers = np.array(table)
    atoms = Atoms(symbols, positions=numbers[:, :3] * length, info=info)
    if lattice:
        atoms.set_cell(np.array(lattice) * length)
        atoms.pbc = True
    if numbers[:, 3].any():
        atoms.set_initial_charges(numbers[:, 3])
    if single.get("charge"):
        atoms.info["charge"] = single["charge"]
    labels: dict[str, float | np.ndarray] = {"forces": numbers[:, 5:] * (energy / length)}
    if "energy" in single:
        labels["energy"] = single["energy"] * energy
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms
