"""Reader and writer of MLIP's .cfg files (the data format of the MLIP packages).

A file holds any number of blocks

    BEGIN_CFG
     Size
        2
     Supercell                 # 0 to 3 lattice vectors, angstrom; a missing one: not periodic there
        ...
     AtomData:  id type cartes_x cartes_y cartes_z fx fy fz        # columns in any order
        ...
     Energy
        -26.74                 # eV
     PlusStress:  xx yy zz yz xz xy
        ...
     Feature   name value
    END_CFG

Types count from 0 and carry no element names, so both directions need `elements`.

Sign: PlusStress is the virial sum r_a F_b in eV (a compressed crystal has positive diagonal
elements), so ASE's stress, which is positive in tension, is -PlusStress / volume.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from .files import existing_file, write_atomically
from .labels import SOURCE_KEY, labels_of
from .word_lines import WordLines

VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")

# Columns of AtomData that have a place of their own in Atoms; all others become arrays.
_KNOWN_COLUMNS = {
    "id", "type",
    "cartes_x", "cartes_y", "cartes_z",
    "direct_x", "direct_y", "direct_z",
    "fx", "fy", "fz",
}  # fmt: skip


def read_cfg(path: str | os.PathLike, elements: Sequence[str] | None) -> list[Atoms]:
    """Read all configurations of an MLIP .cfg file.

    elements: chemical symbol of type 0, 1, ...

    Labels go into a SinglePointCalculator (eV, eV/angstrom, eV/angstrom^3, ASE's sign and order).
    Where the cell has no volume (molecules, slabs) the stress is undefined; the virial is kept as
    `info["virial"]`, shape (6,), xx yy zz yz xz xy, eV. Features become `info` entries (text) and
    further columns (`nbh_grades`, ...) arrays of the same name.

    Raises ValueError naming file and line for anything unexpected.
    """
    path = existing_file(path)
    if not elements:
        raise ValueError(
            f"{path}: MLIP .cfg files hold type numbers instead of element names; give the "
            'elements in the order of the types, e.g. elements=["Mg", "O"] or --elements Mg,O.'
        )
    lines = WordLines(path, "an MLIP .cfg file")
    configurations = []
    while lines.more():
        words = lines.next_words()
        if words[0] != "BEGIN_CFG":
            lines.fail(f"expected BEGIN_CFG, found '{words[0]}'")
        configurations.append(_read_block(lines, list(elements)))
    return configurations


def write_cfg(
    path: str | os.PathLike, configurations: Sequence[Atoms], elements: Sequence[str]
) -> None:
    """Write configurations, with the labels they have, as an MLIP .cfg file (atomically).

    elements: chemical symbols in the order of the types 0, 1, ... to be written.

    Text and numbers in `info` become Feature lines. Lattice vectors along which the configuration
    is not periodic are left out. Raises ValueError for an element that is not in `elements`.
    """
    types = {symbol: number for number, symbol in enumerate(elements)}
    text = []
    for index, atoms in enumerate(configurations):
        missing = sorted(set(atoms.get_chemical_symbols()) - set(types))
        if missing:
            raise ValueError(
                f"{path}: configuration {index} contains {', '.join(missing)}, which is not among "
                f"the given elements ({', '.join(elements)}); add it to them."
            )
        features = {key: value for key, value in atoms.info.items() if key != SOURCE_KEY}
        text.extend(_block(atoms, labels_of(atoms), features, types))
    write_atomically(path, "\n".join(text) + "\n")


def _read_block(lines: WordLines, elements: list[str]) -> Atoms:
    """One configuration; BEGIN_CFG has been read."""
    size = None
    lattice: list[list[float]] = []
    columns: list[str] = []
    table = np.zeros((0, 0))
    table_line = 0
    energy = virial = None
    info: dict[str, str] = {}

    while (words := lines.next_words("END_CFG"))[0] != "END_CFG":
        key = words[0].rstrip(":")
        if key == "Size":
            words = words[1:] or lines.next_words("a number")
            [value] = lines.numbers(words, 1, "number of atoms")
            if value < 1 or value != int(value):
                lines.fail(f"Size must be a positive whole number, found {value:g}")
            size = int(value)
        elif key == "Supercell":
            while _is_number(lines.peek()[:1]) and len(lattice) < 3:
                lattice.append(lines.numbers(lines.next_words(), 3, "a lattice vector"))
        elif key == "AtomData":
            if size is None:
                lines.fail("AtomData comes before Size")
            columns, table_line = words[1:], lines.number
            table = np.array([_read_atom(lines, columns, size) for _ in range(size)])
        elif key == "Energy":
            [energy] = lines.numbers(words[1:] or lines.next_words("a number"), 1, "energy")
        elif key == "PlusStress":
            order = words[1:]
            if sorted(order) != sorted(VOIGT):
                lines.fail(f"PlusStress must name its six columns {' '.join(VOIGT)}")
            values = lines.numbers(lines.next_words("six numbers"), 6, "PlusStress")
            virial = np.array([values[order.index(component)] for component in VOIGT])
        elif key == "Feature":
            if len(words) < 2:
                lines.fail("Feature needs a name")
            info[words[1]] = " ".join(words[2:])
        elif key == "BEGIN_CFG":
            lines.fail("BEGIN_CFG inside a configuration; the one before lacks its END_CFG")
        else:
            lines.fail(f"unknown entry '{words[0]}' in a configuration")

    if size is None or not columns:
        lines.fail("the configuration ending here lacks Size or AtomData")

    cell = np.zeros((3, 3))
    cell[: len(lattice)] = np.reshape(lattice, (-1, 3))

    def column(name: str) -> np.ndarray:
        return table[:, columns.index(name)]

    def vectors(*names: str) -> np.ndarray | None:
        present = [name for name in names if name in columns]
        if not present:
            return None
        if len(present) < 3:
            absent = next(name for name in names if name not in columns)
            lines.number = table_line
            lines.fail(f"AtomData has {present[0]} but no {absent}")
        return np.stack([column(name) for name in names], axis=1)

    positions = vectors("cartes_x", "cartes_y", "cartes_z")
    if positions is None:
        direct = vectors("direct_x", "direct_y", "direct_z")
        if direct is None or "type" not in columns:
            lines.number = table_line
            lines.fail("AtomData needs type and cartes_x cartes_y cartes_z (or direct_x ...)")
        if len(lattice) < 3:
            lines.number = table_line
            lines.fail("direct_x, direct_y, direct_z need a Supercell of three vectors")
        positions = direct @ cell
    elif "type" not in columns:
        lines.number = table_line
        lines.fail("AtomData needs a column type")

    types = column("type")
    unknown = np.flatnonzero(~np.isin(types, np.arange(len(elements))))
    if len(unknown):
        lines.number = table_line + 1 + int(unknown[0])
        lines.fail(
            f"type {types[unknown[0]]:g}, but {len(elements)} element(s) were given "
            f"({', '.join(elements)}: types 0 to {len(elements) - 1}); give one for every type"
        )

    atoms = Atoms(
        [elements[int(number)] for number in types],
        positions=positions,
        cell=cell,
        pbc=[axis < len(lattice) for axis in range(3)],
        info=info,
    )
    for name in columns:
        if name not in _KNOWN_COLUMNS:
            atoms.new_array(name, column(name).copy())

    labels = {}
    if energy is not None:
        labels["energy"] = energy
    forces = vectors("fx", "fy", "fz")
    if forces is not None:
        labels["forces"] = forces
    if virial is not None:
        if len(lattice) == 3:
            labels["stress"] = -virial / atoms.get_volume()
        else:
            atoms.info["virial"] = virial
    if "id" in columns:
        order = np.argsort(column("id"), kind="stable")
        atoms = atoms[order]
        if forces is not None:
            labels["forces"] = forces[order]
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


def _read_atom(lines: WordLines, columns: list[str], size: int) -> list[float]:
    words = lines.next_words("a line of AtomData")
    if len(words) != len(columns) or words[0] == "END_CFG":
        lines.fail(
            f"expected {size} lines of AtomData with {len(columns)} numbers each "
            f"({' '.join(columns)}), found '{' '.join(words)}'"
        )
    return lines.numbers(words, len(columns), "AtomData")


def _is_number(words: list[str]) -> bool:
    try:
        return bool(words) and float(words[0]) is not None
    except ValueError:
        return False


def _block(atoms: Atoms, labels, features: dict, types: dict[str, int]) -> list[str]:
    """The lines of one configuration."""

    def row(values) -> str:
        # 16 significant digits: reading back gives the number again to rounding
        return "  ".join(f"{value: .15e}" for value in values)

    text = ["BEGIN_CFG", " Size", f"    {len(atoms)}"]
    if any(atoms.pbc):
        text.append(" Supercell")
        text += [f"    {row(vector)}" for vector in atoms.cell.array[atoms.pbc]]
    header = " AtomData:  id type cartes_x cartes_y cartes_z"
    text.append(header if labels.forces is None else header + " fx fy fz")
    for i, symbol in enumerate(atoms.get_chemical_symbols()):
        values = list(atoms.positions[i])
        if labels.forces is not None:
            values += list(labels.forces[i])
        text.append(f"    {i + 1:6d} {types[symbol]:3d}  {row(values)}")
    if labels.energy is not None:
        text += [" Energy", f"    {row([labels.energy])}"]
    virial = atoms.info.get("virial")
    if labels.stress is not None:
        virial = -labels.stress * atoms.get_volume()
    if virial is not None and np.shape(virial) == (6,):
        text += [f" PlusStress:  {' '.join(VOIGT)}", f"    {row(virial)}"]
    for name, value in features.items():
        is_plain = isinstance(value, (str, int, float, np.integer, np.floating))
        if is_plain and len(str(name).split()) == 1 and "\n" not in str(value):
            text.append(f" Feature   {name}\t{value}")
    return [*text, "END_CFG", ""]
