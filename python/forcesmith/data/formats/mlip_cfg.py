"""Reader and writer of MLIP's .cfg files (the data format of the MLIP packages).

A file holds any number of blocks (MLIP's own reader: Configuration::Load of MLIP-2 and MLIP-3)

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

`SuperCell` and `Atomic_data:` are other spellings. Features whose name comes again go on with a
further line, and `Features:` lists several. Lines that begin with # are passed over.

Types count from 0 and carry no element names, so both directions need `elements`.

Sign: PlusStress is the virial sum r_a F_b in eV (a compressed crystal has positive diagonal
elements), so ASE's stress, which is positive in tension, is -PlusStress / volume.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from forcesmith.data.formats.word_lines import WordLines, is_number
from forcesmith.data.label_names import warn
from forcesmith.data.labels import SOURCE_KEY, labels_of, shortened
from forcesmith.files import existing_file, write_atomically

VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")

_SPELLINGS = {"SuperCell": "Supercell", "Atomic_data": "AtomData"}

# Columns of AtomData that have a place of their own in Atoms; all others become arrays.
_KNOWN_COLUMNS = {
    "id", "type",
    "cartes_x", "cartes_y", "cartes_z",
    "direct_x", "direct_y", "direct_z",
    "fx", "fy", "fz",
}  # fmt: skip


def is_mlip_cfg(beginning: bytes, name: str) -> bool:
    """Whether a file that begins like this, or is called like this, is MLIP's. AtomEye uses the
    ending .cfg, too, and ASE reads that one."""
    lines = [line.split() for line in beginning.decode("latin-1").split("\n") if line.split()]
    first = next((words[0] for words in lines if not words[0].startswith("#")), "")
    return first == "BEGIN_CFG" or (
        name.lower().endswith(".cfg") and not beginning.lstrip().startswith(b"Number of parti")
    )


def read_cfg(path: str | os.PathLike, elements: Sequence[str] | None) -> list[Atoms]:
    """Read all configurations of an MLIP .cfg file.

    elements: chemical symbol of type 0, 1, ...

    Labels go into a SinglePointCalculator (eV, eV/angstrom, eV/angstrom^3, ASE's sign and order).
    Where the cell has no volume (molecules, slabs) the stress is undefined; the virial is kept as
    `info["virial"]`, shape (6,), xx yy zz yz xz xy, eV. Features become `info` entries (text; the
    feature `weight` a number) and further columns (`nbh_grades`, ...) arrays of the same name, of
    numbers or text.

    Raises ValueError naming file and line for anything unexpected. Warns (UserWarning) of entries
    that are not known or have no certain meaning, once per file.
    """
    path = existing_file(path)
    if not elements:
        raise ValueError(
            f"{path}: MLIP .cfg files hold type numbers instead of element names; give the "
            'elements in the order of the types, e.g. elements=["Mg", "O"] or --elements Mg,O.'
        )
    lines = WordLines(path, "an MLIP .cfg file", comment="#")
    configurations = []
    unused: dict[str, int] = {}
    while lines.more():
        words = lines.next_words()
        if words[0] != "BEGIN_CFG":
            lines.fail(f"expected BEGIN_CFG, found '{shortened(words[0])}'")
        configurations.append(_read_block(lines, list(elements), unused))
    if unused:
        _warn_of_unused(path, unused)
    return configurations


def _warn_of_unused(path: Path, unused: dict[str, int]) -> None:
    """unused: entries and the lines where they come first."""
    shown = ", ".join(
        f"'{shortened(key, 20)}' (line {line})" for key, line in list(unused.items())[:4]
    )
    more = " and others" if len(unused) > 4 else ""
    remedy = ""
    if unused.keys() & {"Stress:", "Virial:"}:
        remedy = (
            ", and versions of MLIP differ in sign and unit of Stress and Virial; write PlusStress"
        )
    warn(f"{path}: entries that are not used: {shown}{more}{remedy}.")


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


def _read_block(lines: WordLines, elements: list[str], unused: dict[str, int]) -> Atoms:
    """One configuration; BEGIN_CFG has been read. unused: takes up entries that are not used."""
    size = None
    lattice = np.zeros((0, 3))
    columns: list[str] = []
    table: dict[str, np.ndarray] = {}
    table_line = 0
    energy = virial = None
    info: dict[str, str | float] = {}
    seen: set[str] = set()

    while (words := lines.next_words("END_CFG"))[0] != "END_CFG":
        key = words[0].removesuffix(":")
        key = _SPELLINGS.get(key, key)
        if key in seen and key not in ("Feature", "Features"):
            lines.fail(f"{key} is there twice in a configuration")
        seen.add(key)
        if key == "Size":
            size = _read_size(lines, words[1:] or lines.next_words("a number"))
        elif key == "Supercell":
            lattice = _read_lattice(lines, words[1:])
        elif key == "AtomData":
            if size is None:
                lines.fail("AtomData comes before Size")
            columns, table_line = words[1:], lines.number
            if twice := [name for name in columns if columns.count(name) > 1]:
                lines.fail(f"AtomData has the column {shortened(twice[0])} twice")
            table = _read_table(lines, columns, size)
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
            _add_feature(lines, info, words[1], words[2:])
        elif key == "Features":
            values = lines.next_words("features") if words[1:] else []
            if len(values) != len(words) - 1:
                lines.fail(f"expected {len(words) - 1} features, found {len(values)}")
            for name, value in zip(words[1:], values, strict=True):
                _add_feature(lines, info, name, [value])
        elif key == "BEGIN_CFG":
            lines.fail("BEGIN_CFG inside a configuration; the one before lacks its END_CFG")
        else:
            seen.discard(key)
            unused.setdefault(words[0], lines.number)
            while lines.more() and is_number(lines.peek()[0]):
                lines.next_words()

    if size is None or not columns:
        lines.fail("the configuration ending here lacks Size or AtomData")

    cell = np.zeros((3, 3))
    cell[: len(lattice)] = lattice

    def vectors(*names: str) -> np.ndarray | None:
        present = [name for name in names if name in columns]
        if not present:
            return None
        if len(present) < 3:
            absent = next(name for name in names if name not in columns)
            lines.number = table_line
            lines.fail(f"AtomData has {present[0]} but no {absent}")
        return np.stack([table[name] for name in names], axis=1)

    positions = vectors("cartes_x", "cartes_y", "cartes_z")
    direct = vectors("direct_x", "direct_y", "direct_z")
    end, lines.number = lines.number, table_line
    if (positions is None) == (direct is None):
        lines.fail("AtomData needs either cartes_x cartes_y cartes_z or direct_x direct_y direct_z")
    if direct is not None:
        if len(lattice) < 3:
            lines.fail("direct_x, direct_y, direct_z need a Supercell of three vectors")
        positions = direct @ cell
    if "type" not in columns and len(elements) > 1:
        lines.fail("AtomData needs a column type")
    if (table.get("ghost", np.array("false")) != "false").any():
        lines.fail("ghost atoms (of parts of larger structures) cannot be used")
    types = table.get("type", np.zeros(size))
    unknown = np.flatnonzero(~np.isin(types, np.arange(len(elements))))
    if len(unknown):
        lines.number = table_line + 1 + int(unknown[0])
        lines.fail(
            f"type {types[unknown[0]]:g}, but {len(elements)} element(s) were given "
            f"({', '.join(elements)}: types 0 to {len(elements) - 1}); give one for every type"
        )

    lines.number = end
    atoms = Atoms(
        [elements[int(number)] for number in types],
        positions=positions,
        cell=cell,
        pbc=[axis < len(lattice) for axis in range(3)],
        info=info,
    )
    for name in columns:
        if name not in _KNOWN_COLUMNS:
            atoms.set_array(name, table[name])

    labels = {}
    if energy is not None:
        labels["energy"] = energy
    forces = vectors("fx", "fy", "fz")
    if forces is not None:
        labels["forces"] = forces
    if virial is not None:
        if atoms.cell.volume > 0:
            labels["stress"] = -virial / atoms.cell.volume
        else:
            atoms.info["virial"] = virial
    if "id" in columns:
        order = np.argsort(table["id"], kind="stable")
        atoms = atoms[order]
        if forces is not None:
            labels["forces"] = forces[order]
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


def _read_size(lines: WordLines, words: list[str]) -> int:
    [value] = lines.numbers(words, 1, "number of atoms")
    if not 1 <= value < 1e9 or value != int(value):
        lines.fail(f"Size must be a positive whole number, found {shortened(words[0])}")
    return int(value)


def _read_lattice(lines: WordLines, words: list[str]) -> np.ndarray:
    """0 to 3 vectors, (n, 3), angstrom. words: what follows on the line of the key."""
    values = lines.numbers(words, len(words), "lattice vectors")
    while len(values) < 9 and lines.more() and is_number(lines.peek()[0]):
        words = lines.next_words()
        # One vector on a line; three on one are right for MLIP, too.
        values += lines.numbers(words, 3 if len(words) < 4 else 9, "a lattice vector")
    if len(values) not in (0, 3, 6, 9):
        lines.fail(f"expected three numbers for every lattice vector, found {len(values)}")
    return np.reshape(values, (-1, 3))


def _read_table(lines: WordLines, columns: list[str], size: int) -> dict[str, np.ndarray]:
    """AtomData by column, each (size,), of numbers; columns unknown here may be text."""
    rows = []
    for _ in range(size):
        words = lines.next_words("a line of AtomData")
        if len(words) != len(columns) or words[0] == "END_CFG":
            lines.fail(
                f"expected {size} lines of AtomData with {len(columns)} numbers each "
                f"({shortened(' '.join(columns), 80)}), found '{shortened(' '.join(words), 60)}'"
            )
        known = [w for name, w in zip(columns, words, strict=True) if name in _KNOWN_COLUMNS]
        lines.numbers(known, len(known), "AtomData")
        rows.append(words)
    table = {}
    for name, words in zip(columns, zip(*rows, strict=True), strict=True):
        table[name] = np.array(words)
        if all(map(is_number, words)):
            table[name] = table[name].astype(float)
    return table


def _add_feature(lines: WordLines, info: dict, name: str, words: list[str]) -> None:
    text = " ".join(words)
    if name == "weight":  # of the configuration in a fit
        [info[name]] = lines.numbers(words, 1, "the feature weight")
    else:
        info[name] = f"{info[name]}\n{text}" if name in info else text


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
        virial = -labels.stress * atoms.cell.volume
    if virial is not None and np.shape(virial) == (6,):
        text += [f" PlusStress:  {' '.join(VOIGT)}", f"    {row(virial)}"]
    for name, value in features.items():
        is_plain = isinstance(value, (str, int, float, np.integer, np.floating))
        if is_plain and len(str(name).split()) == 1 and "\n" not in str(value):
            text.append(f" Feature   {name}\t{value}")
    return [*text, "END_CFG", ""]
