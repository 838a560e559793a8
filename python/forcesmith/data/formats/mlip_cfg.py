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
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from forcesmith.data.formats.word_lines import WordLines, is_number
from forcesmith.data.label_names import warn
from forcesmith.data.labels import SOURCE_KEY, Labels, labels_of, shortened
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


def read_cfg(path: str | os.PathLike[str], elements: Sequence[str] | None) -> list[Atoms]:
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
        configurations.append(_Block(lines, list(elements), unused).read())
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
    path: str | os.PathLike[str], configurations: Sequence[Atoms], elements: Sequence[str]
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
        text.extend(_block_text(atoms, labels_of(atoms), types))
    write_atomically(path, "\n".join(text) + "\n")


class _Block:
    """One configuration of a file: takes up its entries, then makes the Atoms."""

    def __init__(self, lines: WordLines, elements: list[str], unused: dict[str, int]):
        """lines: after BEGIN_CFG. unused: takes up entries that are not used."""
        self.lines = lines
        self.elements = elements
        self.unused = unused
        self.size: int | None = None
        self.lattice = np.zeros((0, 3))
        self.columns: list[str] = []
        self.table: dict[str, np.ndarray] = {}
        self.table_line = 0
        self.energy: float | None = None
        self.virial: np.ndarray | None = None  # (6,) eV
        self.info: dict[str, str | float] = {}

    def read(self) -> Atoms:
        lines = self.lines
        entries = {
            "Size": self._read_size,
            "Supercell": self._read_lattice,
            "AtomData": self._read_atoms,
            "Energy": self._read_energy,
            "PlusStress": self._read_virial,
            "Feature": self._read_feature,
            "Features": self._read_features,
            "BEGIN_CFG": self._fail_inside,
        }
        seen: set[str] = set()
        while (words := lines.next_words("END_CFG"))[0] != "END_CFG":
            key = words[0].removesuffix(":")
            key = _SPELLINGS.get(key, key)
            if key in seen:
                lines.fail(f"{key} is there twice in a configuration")
            if key in entries:
                entries[key](words[1:])
                seen |= {key} - {"Feature", "Features"}
            else:
                self._pass_over(words[0])
        if self.size is None or not self.columns:
            lines.fail("the configuration ending here lacks Size or AtomData")
        return self._atoms()

    # ---- entries; words: what follows the key on its line ----

    def _read_size(self, words: list[str]) -> None:
        words = words or self.lines.next_words("a number")
        [value] = self.lines.numbers(words, 1, "number of atoms")
        if not 1 <= value < 1e9 or value != int(value):
            self.lines.fail(f"Size must be a positive whole number, found {shortened(words[0])}")
        self.size = int(value)

    def _read_lattice(self, words: list[str]) -> None:
        lines = self.lines
        values = lines.numbers(words, len(words), "lattice vectors")
        while len(values) < 9 and lines.more() and is_number(lines.peek()[0]):
            words = lines.next_words()
            # One vector on a line; three on one are right for MLIP, too.
            values += lines.numbers(words, 3 if len(words) < 4 else 9, "a lattice vector")
        if len(values) not in (0, 3, 6, 9):
            lines.fail(f"expected three numbers for every lattice vector, found {len(values)}")
        self.lattice = np.reshape(values, (-1, 3))

    def _read_atoms(self, words: list[str]) -> None:
        if self.size is None:
            self.lines.fail("AtomData comes before Size")
        self.columns, self.table_line = words, self.lines.number
        if twice := [name for name in words if words.count(name) > 1]:
            self.lines.fail(f"AtomData has the column {shortened(twice[0])} twice")
        self.table = _read_table(self.lines, words, self.size)

    def _read_energy(self, words: list[str]) -> None:
        words = words or self.lines.next_words("a number")
        [self.energy] = self.lines.numbers(words, 1, "energy")

    def _read_virial(self, words: list[str]) -> None:
        if sorted(words) != sorted(VOIGT):
            self.lines.fail(f"PlusStress must name its six columns {' '.join(VOIGT)}")
        values = self.lines.numbers(self.lines.next_words("six numbers"), 6, "PlusStress")
        self.virial = np.array([values[words.index(component)] for component in VOIGT])

    def _read_feature(self, words: list[str]) -> None:
        if not words:
            self.lines.fail("Feature needs a name")
        self._add_feature(words[0], words[1:])

    def _read_features(self, words: list[str]) -> None:
        values = self.lines.next_words("features") if words else []
        if len(values) != len(words):
            self.lines.fail(f"expected {len(words)} features, found {len(values)}")
        for name, value in zip(words, values, strict=True):
            self._add_feature(name, [value])

    def _add_feature(self, name: str, words: list[str]) -> None:
        text = " ".join(words)
        if name == "weight":  # of the configuration in a fit
            [self.info[name]] = self.lines.numbers(words, 1, "the feature weight")
        else:
            self.info[name] = f"{self.info[name]}\n{text}" if name in self.info else text

    def _fail_inside(self, words: list[str]) -> None:
        self.lines.fail("BEGIN_CFG inside a configuration; the one before lacks its END_CFG")

    def _pass_over(self, name: str) -> None:
        self.unused.setdefault(name, self.lines.number)
        while self.lines.more() and is_number(self.lines.peek()[0]):
            self.lines.next_words()

    # ---- what they make; from here on, errors are those of AtomData ----

    def _atoms(self) -> Atoms:
        self.lines.number = self.table_line
        cell = np.zeros((3, 3))
        cell[: len(self.lattice)] = self.lattice
        positions = self._positions(cell)
        atoms = Atoms(
            self._symbols(),
            positions=positions,
            cell=cell,
            pbc=[axis < len(self.lattice) for axis in range(3)],
            info=self.info,
        )
        for name in self.columns:
            if name not in _KNOWN_COLUMNS:
                atoms.set_array(name, self.table[name])
        labels = self._labels(atoms)
        if "id" in self.columns:
            order = np.argsort(self.table["id"], kind="stable")
            atoms = atoms[order]
            if isinstance(forces := labels.get("forces"), np.ndarray):
                labels["forces"] = forces[order]
        atoms.calc = SinglePointCalculator(atoms, **labels)
        return atoms

    def _positions(self, cell: np.ndarray) -> np.ndarray:
        """(n_atoms, 3), angstrom"""
        positions = self._vectors("cartes_x", "cartes_y", "cartes_z")
        direct = self._vectors("direct_x", "direct_y", "direct_z")
        if positions is not None and direct is None:
            return positions
        if positions is not None or direct is None:
            self.lines.fail(
                "AtomData needs either cartes_x cartes_y cartes_z or direct_x direct_y direct_z"
            )
        if len(self.lattice) < 3:
            self.lines.fail("direct_x, direct_y, direct_z need a Supercell of three vectors")
        return direct @ cell

    def _symbols(self) -> list[str]:
        lines, elements = self.lines, self.elements
        assert self.size is not None
        if "type" not in self.columns and len(elements) > 1:
            lines.fail("AtomData needs a column type")
        if (self.table.get("ghost", np.array("false")) != "false").any():
            lines.fail("ghost atoms (of parts of larger structures) cannot be used")
        types = self.table.get("type", np.zeros(self.size))
        unknown = np.flatnonzero(~np.isin(types, np.arange(len(elements))))
        if len(unknown):
            lines.number = self.table_line + 1 + int(unknown[0])
            lines.fail(
                f"type {types[unknown[0]]:g}, but {len(elements)} element(s) were given "
                f"({', '.join(elements)}: types 0 to {len(elements) - 1}); give one for every type"
            )
        return [elements[int(number)] for number in types]

    def _labels(self, atoms: Atoms) -> dict[str, float | np.ndarray]:
        """In the order of the file; a virial that makes no stress goes into the info of `atoms`."""
        labels: dict[str, float | np.ndarray] = {}
        if self.energy is not None:
            labels["energy"] = self.energy
        forces = self._vectors("fx", "fy", "fz")
        if forces is not None:
            labels["forces"] = forces
        if self.virial is not None:
            if atoms.cell.volume > 0:
                labels["stress"] = -self.virial / atoms.cell.volume
            else:
                atoms.info["virial"] = self.virial
        return labels

    def _vectors(self, *names: str) -> np.ndarray | None:
        """Three columns of AtomData, (n_atoms, 3); None if it has none of them."""
        present = [name for name in names if name in self.columns]
        if not present:
            return None
        if len(present) < 3:
            absent = next(name for name in names if name not in self.columns)
            self.lines.fail(f"AtomData has {present[0]} but no {absent}")
        return np.stack([self.table[name] for name in names], axis=1)


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
    for name, column in zip(columns, zip(*rows, strict=True), strict=True):
        table[name] = np.array(column)
        if all(map(is_number, column)):
            table[name] = table[name].astype(float)
    return table


def held_features(atoms: Atoms) -> list[str]:
    """Entries of `info` that become features: text on one line and numbers."""
    return [
        name
        for name, value in atoms.info.items()
        if isinstance(value, (str, int, float, np.integer, np.floating))
        and name != SOURCE_KEY
        and len(str(name).split()) == 1
        and "\n" not in str(value)
    ]


def _block_text(atoms: Atoms, labels: Labels, types: dict[str, int]) -> list[str]:
    """The lines of one configuration."""

    def row(values: Iterable[float]) -> str:
        # 17 significant digits: reading back gives the number again
        return "  ".join(f"{value: .16e}" for value in values)

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
    for name in held_features(atoms):
        text.append(f" Feature   {name}\t{atoms.info[name]}")
    return [*text, "END_CFG", ""]
