"""Every kind of teacher, by name: one line each."""

from __future__ import annotations

from forcesmith.teachers.ase_calculators import AseCalculator, Emt, Function
from forcesmith.teachers.command import Command
from forcesmith.teachers.dft_programs import Cp2k, Espresso, Gpaw, Orca, Vasp
from forcesmith.teachers.kind import Kind
from forcesmith.teachers.lammps_style import LammpsStyle
from forcesmith.teachers.universal import Chgnet, Mace, SevenNet

KINDS: dict[str, type[Kind]] = {
    "ase": AseCalculator,
    "chgnet": Chgnet,
    "command": Command,
    "cp2k": Cp2k,
    "emt": Emt,
    "espresso": Espresso,
    "function": Function,
    "gpaw": Gpaw,
    "lammps": LammpsStyle,
    "mace": Mace,
    "orca": Orca,
    "sevennet": SevenNet,
    "vasp": Vasp,
}
