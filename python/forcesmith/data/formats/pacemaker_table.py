"""Reader and writer of pacemaker's tables: pickled data frames of pandas, compressed by gzip.

    ase_atoms                # ASE's Atoms
    energy                   # eV; or
    energy_corrected         # eV, relative to separated atoms, which is what pacemaker fits
    forces                   # (n_atoms, 3), eV/angstrom
    stress                   # (6,), eV/angstrom^3, ASE's sign and order; ours, pacemaker has none

A pickle can call any function, so what it may name is a short list: the classes of such a table.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols

from forcesmith.data.data_files import open_data
from forcesmith.data.label_names import warn
from forcesmith.data.labels import SOURCE_KEY, labels_of, shortened
from forcesmith.files import write_atomically

INSTALL = "pip install 'forcesmith[pacemaker]'"
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_ALLOWED = re.compile(
    r"""
    _codecs\.encode
    |ase\.(atoms\.Atoms|cell\.Cell|symbols\.Symbols|calculators\.calculator\.Parameters)
    |ase\.calculators\.singlepoint\.(SinglePointCalculator|SinglePointDFTCalculator)
    |ase\.constraints\.(\w+\.)?(FixAtoms|FixCartesian|FixedPlane|FixedLine|FixScaled)
    |(builtins|__builtin__)\.(complex|slice|set|frozenset|bytearray|object)
    |collections\.OrderedDict
    |copy(reg|_reg)\._reconstructor
    |numpy\.(ndarray|dtype|bool_?|int64|int32|float64|float32|str_)
    |numpy\.(_?core)\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer)
    |pandas\.(core\.frame\.)?DataFrame
    |pandas\.(core\.indexes\.(base|range|numeric)\.)?(Index|RangeIndex|Int64Index|_new_Index)
    |pandas\.core\.internals\.(managers\.BlockManager|blocks\.new_block)
    |pandas\.(core\.arrays\.string_\.|arrays\.)?(StringDtype|StringArray)
    |pandas\._libs\.internals\._unpickle_block
    |pandas\._libs\.arrays\.__pyx_unpickle_NDArrayBacked
    """,
    re.VERBOSE,
)
_METHOD = "_deprecated_get_spin_polarized"
"""That calculators of ASE keep as an attribute."""


class _Unpickler(pickle.Unpickler):
    """Refuses everything that is no part of a table of configurations."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("builtins", "getattr"), ("__builtin__", "getattr")):
            return _method_of_calculator
        if not _ALLOWED.fullmatch(f"{module}.{name}"):
            raise ValueError(f"it asks for {shortened(f'{module}.{name}', 60)}, which is refused")
        return super().find_class(module, name)


def _method_of_calculator(instance: object, name: str) -> object:
    """What a pickle gets as `getattr`."""
    if not isinstance(instance, SinglePointCalculator) or name != _METHOD:
        raise ValueError(f"it asks for the attribute {shortened(name)}, which is refused")
    return getattr(instance, name)


def is_pickle(beginning: bytes) -> bool:
    """Whether a (decompressed) file that begins like this is a pickle."""
    return bool(_PICKLE.match(beginning))


def read_pacemaker_table(path: Path) -> list[Atoms]:
    """Read all configurations of a table.

    Labels go into a SinglePointCalculator; the energy is `energy`, or `energy_corrected` where
    there is no such column. Other columns that hold one number or text become entries of `info`,
    `energy_corrected` beside an `energy` that differs, too.

    Raises ValueError naming the file, if pandas is missing, too; for a pickle that asks for more
    than such a table holds, nothing of it is run. Warns (UserWarning) of columns that are not used.
    """
    table = _table(path)
    missing = {"ase_atoms"} - set(table.columns)
    if missing:
        raise ValueError(
            f"{path}: the table has no column ase_atoms, but "
            f"{shortened(', '.join(map(str, table.columns)), 120)}; it is none of pacemaker's."
        )
    columns = {str(name): list(table[name]) for name in table.columns}
    structures = columns.pop("ase_atoms")
    used = "energy" if "energy" in columns else "energy_corrected"
    if columns.get("energy_corrected") == columns.get("energy"):
        columns.pop("energy_corrected", None)
    passed_over: set[str] = set()
    found = []
    for number, given in enumerate(structures):
        here = f"{path}, configuration {number}"
        atoms = _copy(given, here)
        labels: dict[str, Any] = {}
        for name, values in columns.items():
            value = values[number]
            if name in (used, "forces", "stress"):
                if not _absent(value):
                    label = "energy" if name == used else name
                    labels[label] = np.asarray(value) if name != used else value
            elif isinstance(value, (str, int, float, np.integer, np.floating)):
                if not _absent(value):
                    atoms.info[name] = value
            else:
                passed_over.add(name)
        atoms.info[SOURCE_KEY] = here
        atoms.calc = SinglePointCalculator(atoms, **labels)
        found.append(atoms)
    if passed_over:
        warn(
            f"{path}: columns that are not used: {shortened(', '.join(sorted(passed_over)), 120)}."
        )
    return found


def write_pacemaker_table(path: str | os.PathLike[str], configurations: Sequence[Atoms]) -> None:
    """Write configurations as a table (atomically): whole, with `info` and arrays.

    `energy_corrected` is the energy as it is. Raises ValueError for configurations without energy
    or forces, and if pandas is missing.
    """
    pandas = _pandas(path)
    rows = []
    for number, atoms in enumerate(configurations):
        labels = labels_of(atoms)
        if labels.energy is None or labels.forces is None:
            raise ValueError(
                f"{path}: configuration {number} lacks energy or forces, which pacemaker needs."
            )
        bare = atoms.copy()  # without a calculator
        bare.info.pop(SOURCE_KEY, None)
        energies = {"energy": labels.energy, "energy_corrected": labels.energy}
        row = {"ase_atoms": bare, **energies, "forces": labels.forces}
        rows.append(row if labels.stress is None else {**row, "stress": labels.stress})
    stream = io.BytesIO()
    pandas.DataFrame(rows).to_pickle(stream, compression={"method": "gzip", "mtime": 0}, protocol=4)
    write_atomically(path, stream.getvalue())


def _copy(given: object, here: str) -> Atoms:
    if not isinstance(given, Atoms):
        raise ValueError(f"{here}: ase_atoms holds {type(given).__name__}, expected Atoms.")
    try:
        atoms = given.copy()
        numbers = atoms.numbers
        is_sound = numbers.min(initial=0) >= 0 and numbers.max(initial=0) < len(chemical_symbols)
        is_sound = is_sound and atoms.positions.shape == (len(numbers), 3)
    except Exception:  # a pickle can make Atoms that lack anything
        is_sound = False
    if not is_sound:
        raise ValueError(f"{here}: these Atoms are damaged; write the table anew.")
    return atoms


def _table(path: Path) -> Any:
    pandas = _pandas(path)
    with open(path, "rb") as stream:
        is_compressed = not is_pickle(stream.read(2))
    if not is_compressed and _ends_the_process(path):
        raise ValueError(
            f"{path}: this pickle is damaged so that NumPy or pandas crash of it; write it anew."
        )
    with open_data(path) as stream:
        content = stream.read()  # to the end, where compressed files have a checksum
    try:
        table = _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # whatever unpickling raises; MemoryError of damaged lengths
        reason = shortened(error, 140) or type(error).__name__
        raise ValueError(
            f"{path}: this pickle is no table that can be read: {reason}; tables of pacemaker hold "
            "ASE's Atoms, numbers and arrays."
        ) from None
    if not isinstance(table, pandas.DataFrame):
        raise ValueError(f"{path}: this pickle holds {type(table).__name__}, expected a table.")
    return table


def _ends_the_process(path: Path) -> bool:
    """Whether a process that reads the table dies: compiled code trusts the content of pickles."""
    script = f"import sys; from {__name__} import _Unpickler; " + (
        "table = _Unpickler(open(sys.argv[1], 'rb')).load(); [list(table[c]) for c in table]"
    )
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode < 0


def _pandas(path: str | os.PathLike[str]) -> Any:
    try:
        import pandas
    except ImportError:
        raise ValueError(
            f"{path}: tables of pacemaker need pandas; install it: {INSTALL}"
        ) from None
    return pandas


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
