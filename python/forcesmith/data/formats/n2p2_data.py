"""Reader and writer of n2p2's data files, usually called input.data (the format is RuNNer's).

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
from collections.abc import Iterable, Sequence

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers

from forcesmith import _core
from forcesmith.data.formats.word_lines import WordLines
from forcesmith.data.labels import labels_of, shortened
from forcesmith.files import existing_file, write_atomically

_KEYS = ("comment", "lattice", "atom", "energy", "charge", "end")


def is_n2p2_data(beginning: bytes) -> bool:
    """Whether a file that begins like this is n2p2's: its name does not tell (LAMMPS' data files
    end in .data, too)."""
    words = [line.split()[0] for line in beginning.decode("latin-1").split("\n") if line.split()]
    return words[:1] == ["begin"] and (len(words) == 1 or words[1] in _KEYS)


def read_n2p2_data(
    path: str | os.PathLike[str], cflength: float | None = None, cfenergy: float | None = None
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
        configurations.append(_Block(lines).read(length, energy))
    return configurations


def write_n2p2_data(
    path: str | os.PathLike[str],
    configurations: Sequence[Atoms],
    cflength: float | None = None,
    cfenergy: float | None = None,
) -> None:
    """Write configurations with energies and forces as a data file of n2p2 (atomically).

    cflength, cfenergy: as in `read_n2p2_data`. `info["comment"]`, `info["charge"]` and the initial
    charges are kept.

    Raises ValueError for a configuration without energy or forces, or that is periodic in some
    directions only.
    """
    length = 1 / _factor("cflength", cflength, _core.bohr)
    energy = 1 / _factor("cfenergy", cfenergy, _core.hartree)
    text = []
    for number, atoms in enumerate(configurations):
        labels = labels_of(atoms)
        here = f"{path}: configuration {number}"
        if labels.energy is None or labels.forces is None:
            raise ValueError(f"{here} lacks energy or forces, which n2p2 needs.")
        if atoms.pbc.any() and not atoms.pbc.all():
            raise ValueError(
                f"{here} is periodic in some directions only, which n2p2's data cannot hold."
            )
        text.append("begin")
        if "comment" in atoms.info:
            text.append(f"comment {' '.join(str(atoms.info['comment']).split())}")
        if atoms.pbc.all():
            text += [f"lattice {_row(vector)}" for vector in atoms.cell.array * length]
        rows = np.column_stack([atoms.get_initial_charges(), np.zeros(len(atoms))])
        for symbol, position, own, force in zip(
            atoms.symbols,
            atoms.positions * length,
            rows,
            labels.forces * (energy / length),
            strict=True,
        ):
            text.append(f"atom {_row(position)} {symbol} {_row(own)} {_row(force)}")
        charge = float(atoms.info.get("charge", 0.0))
        text += [f"energy {labels.energy * energy!r}", f"charge {charge!r}", "end", ""]
    write_atomically(path, "\n".join(text))


def _row(numbers: Iterable[float]) -> str:
    """With all digits."""
    return " ".join(repr(float(number)) for number in numbers)


def _factor(name: str, given: float | None, default: float) -> float:
    """What a number of the file is to be multiplied with."""
    if given is None:
        return default
    if not (given > 0 and np.isfinite(given)):
        raise ValueError(f"{name} must be positive, not {given}.")
    return 1 / given


class _Block:
    """One configuration of a file: takes up its entries, then makes the Atoms."""

    def __init__(self, lines: WordLines):
        """lines: after begin."""
        self.lines = lines
        self.lattice: list[list[float]] = []
        self.symbols: list[str] = []
        self.table: list[list[float]] = []  # x y z charge energy fx fy fz
        self.single: dict[str, float] = {}  # energy and charge
        self.info: dict[str, str | float] = {}

    def read(self, length: float, energy: float) -> Atoms:
        """length, energy: angstrom and eV in the units of the file."""
        lines = self.lines
        while (words := lines.next_words("end"))[0] != "end":
            self._read_entry(words[0], words[1:])
        if not self.symbols:
            lines.fail("the configuration ending here has no atoms")
        if len(self.lattice) not in (0, 3):
            lines.fail(
                f"the configuration ending here has {len(self.lattice)} lattice vector(s); there "
                "must be three or none"
            )
        return self._atoms(length, energy)

    def _read_entry(self, key: str, words: list[str]) -> None:
        lines = self.lines
        if key == "atom":
            self._read_atom(words)
        elif key == "lattice":
            if len(self.lattice) == 3:
                lines.fail("this is the fourth lattice vector")
            self.lattice.append(lines.numbers(words, 3, "a lattice vector"))
        elif key in ("energy", "charge"):
            if key in self.single:
                lines.fail(f"{key} is there twice")
            [self.single[key]] = lines.numbers(words, 1, key)
        elif key == "comment":
            self.info["comment"] = " ".join(words)
        elif key == "begin":
            lines.fail("begin inside a configuration; the one before lacks its end")
        else:
            lines.fail(f"unknown entry '{shortened(key)}' in a configuration")

    def _read_atom(self, words: list[str]) -> None:
        if len(words) != 9:
            self.lines.fail(
                f"expected atom x y z element charge energy fx fy fz, found {len(words)} values"
            )
        symbol = words[3]
        if not atomic_numbers.get(symbol):
            self.lines.fail(f"'{shortened(symbol)}' is no chemical symbol")
        self.symbols.append(symbol)
        self.table.append(self.lines.numbers(words[:3] + words[4:], 8, "of an atom"))

    def _atoms(self, length: float, energy: float) -> Atoms:
        numbers = np.array(self.table)
        atoms = Atoms(self.symbols, positions=numbers[:, :3] * length, info=self.info)
        if self.lattice:
            atoms.set_cell(np.array(self.lattice) * length)
            atoms.pbc = True
        if numbers[:, 3].any():
            atoms.set_initial_charges(numbers[:, 3])
        if self.single.get("charge"):
            atoms.info["charge"] = self.single["charge"]
        labels: dict[str, float | np.ndarray] = {"forces": numbers[:, 5:] * (energy / length)}
        if "energy" in self.single:
            labels["energy"] = self.single["energy"] * energy
        atoms.calc = SinglePointCalculator(atoms, **labels)
        return atoms
