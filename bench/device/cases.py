"""The cases of the measurements on a GPU: a potential, a cell, and how often it is repeated.

`write_cases` makes a folder of them, CASE/potential.json, CASE/cell.data and CASE/case.json each,
so that a machine with a GPU needs no data beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import ase.io
import forcesmith as fs
from ase import Atoms
from ase.build import bulk
from rate_cases import CASES, Unavailable

SIZES = ["2 thousand", "32 thousand", "1 million"]
MOST_FEATURES = 500
"""Of potentials with an active set: those of more would fill megabytes of the bundle."""


@dataclass(frozen=True)
class DeviceCase:
    name: str
    text: str
    elements: list[str]
    origin: str  # of the potential
    repeats: list[list[int]]  # by size: of the cell along its three vectors
    folder: Path

    @property
    def has_grades(self) -> bool:
        return (self.folder / "potential.active_set").exists()


def crystal(symbol: str, lattice: str, constant: float) -> Callable[[Path | None], Atoms]:
    return lambda data: bulk(symbol, lattice, a=constant, cubic=True)


def water(data: Path | None) -> Atoms:
    """The 1080 atoms that the case of rates.py repeats."""
    path = data / "n2p2_reference" / "h2o" / "reference.data" if data else None
    if path is None or not path.exists():
        raise Unavailable("no n2p2_reference/h2o in the folder --data")
    atoms = fs.read(path)[0]
    atoms.calc = None
    return atoms


COPPER = (crystal("Cu", "fcc", 3.615), [[8, 8, 8], [20, 20, 20], [63, 63, 63]])
CELLS = {
    "mtp_16": COPPER,
    "Si_Zuo_JPCA2020": (crystal("Si", "diamond", 5.431), [[6, 6, 6], [16, 16, 16], [50, 50, 50]]),
    "n2p2_h2o": (water, [[2, 1, 1], [3, 3, 3], [10, 10, 9]]),
    "mtp_10": COPPER,
    "mtp_20": COPPER,
    "Ta06A": (crystal("Ta", "bcc", 3.316), [[10, 10, 10], [25, 25, 25], [79, 79, 80]]),
    "Cu-PBE-core-rep": (COPPER[0], COPPER[1][:2]),
    "pod": (crystal("Ta", "bcc", 3.316), [[10, 10, 10], [25, 25, 25]]),
}
"""By the name of a case of rates.py, what matters most first: its cell, and the repeats by size, in
the order of SIZES; not of the largest where a run might take too much of the whole time."""


def rattled(atoms: Atoms) -> list[Atoms]:
    """Configurations of some hundred atoms, for an active set."""
    found = []
    for seed in range(4):
        found.append(atoms.repeat(3 if len(atoms) < 20 else 1))
        found[-1].rattle(0.1, seed=seed)
    return found


def write_cases(folder: Path, data: Path | None) -> list[str]:
    """Returns sentences on cases that are left out."""
    left_out = []
    for name, (cell, repeats) in CELLS.items():
        case = CASES[name]
        try:
            atoms = cell(data)
            potential, origin = case.potential(data)
        except Unavailable as reason:
            left_out.append(f"{name} is left out: {reason}.")
            continue
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        n_features = [potential._core.n_features(e) for e in range(len(potential.elements))]
        if max(n_features) <= MOST_FEATURES:
            fs.find_active_set(potential, rattled(atoms))
        potential.write(own / "potential.json")
        ase.io.write(
            own / "cell.data",
            atoms,
            format="lammps-data",
            masses=True,
            specorder=list(case.elements),
        )
        written = DeviceCase(name, case.text, list(case.elements), origin, repeats, own)
        document = {key: value for key, value in asdict(written).items() if key != "folder"}
        (own / "case.json").write_text(json.dumps(document, indent=1) + "\n")
    return left_out


def read_cases(folder: Path) -> list[DeviceCase]:
    """In the order of CELLS."""
    return [
        DeviceCase(**json.loads((folder / name / "case.json").read_text()), folder=folder / name)
        for name in CELLS
        if (folder / name / "case.json").exists()
    ]
