"""The cases of rates.py, profile_rates.py, scaling.py, and how LAMMPS and the profile run them.

A case is a structure, an ASE Atoms object, and a potential of ours; most have a peer: the same
potential under a pair style of LAMMPS, or a rate measured elsewhere. One case is a pair style of
LAMMPS alone, for orientation.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ase.io
import forcesmith as fs
import lammps
import numpy as np
from ase import Atoms
from ase.build import bulk
from forcesmith.data.batches import find_neighbors
from forcesmith.lammps import LammpsError, run
from tables import SINGLE

POTENTIALS = Path(lammps.__file__).parent / "share" / "lammps" / "potentials"
REPOSITORY = Path(__file__).resolve().parents[1]
TOOLS = REPOSITORY / "build" / "bench"
HOW_TO_BUILD_TOOLS = "make bench-tools"


class Unavailable(Exception):
    """A case cannot be run here; the message says why, in one sentence."""


@dataclass(frozen=True)
class Case:
    text: str
    elements: tuple[str, ...]  # of the atom types 1, 2, ...
    structure: Callable[[Path | None], Atoms]  # of the folder --data
    potential: Callable[[Path | None], tuple[fs.Potential, str]] | None = None  # and its origin
    peer: str | None = None  # pair style of LAMMPS
    peer_commands: str = ""
    elsewhere: float | None = None  # katom-step/s of the strongest peer, measured elsewhere
    strongest: str = ""  # that peer
    beside: str | None = None  # the case whose rate is printed beside a peer without our potential


def crystal(
    symbol: str, lattice: str, constant: float, repeats: int, data: Path | None = None
) -> Atoms:
    return disturbed(bulk(symbol, lattice, a=constant, cubic=True).repeat(repeats))


def random_alloy(symbols: tuple[str, ...], data: Path | None = None) -> Atoms:
    """The lattice of the copper cases with elements placed at random."""
    atoms = crystal("Cu", "fcc", 3.615, 10)
    atoms.symbols = np.random.default_rng(1).choice(symbols, size=len(atoms))
    return atoms


def water(data: Path | None = None) -> Atoms:
    """8640 atoms: the 1080 of reference.data, repeated."""
    path = _of_data(data, "n2p2_reference/h2o/reference.data")
    atoms = fs.read(path)[0].repeat(2)
    atoms.calc = None
    return atoms


def _of_data(data: Path | None, name: str) -> Path:
    path = data / name if data else None
    if path is None or not path.exists():
        raise Unavailable(f"no {name} in the folder --data")
    return path


def moment_tensor(
    folder: str, level: int, elements: tuple[str, ...], structure: Callable, data: Path | None
) -> tuple[fs.Potential, str]:
    """The trained potential of that folder, else an untrained one of the same size."""
    name = f"mtp_reference/{folder}/pot.mtp"
    try:
        return fs.Potential.read(_of_data(data, name), elements=list(elements)), name
    except Unavailable:
        return untrained(level, elements, structure(None)), "untrained"


def untrained(level: int, elements: tuple[str, ...], atoms: Atoms) -> fs.Potential:
    """Moment tensors with random coefficients."""
    descriptor = {
        "type": "moment_tensor",
        "level": level,
        "cutoff": 5.0,
        "min_distance": 0.5,
        "radial_basis_size": 8,
    }
    generator = np.random.default_rng(1)

    def randomize(core: Any) -> None:
        core.descriptor_parameters = generator.normal(size=len(core.descriptor_parameters)) / 8

    return with_random_model(descriptor, elements, atoms, generator, randomize)


def with_random_model(
    descriptor: dict[str, Any],
    elements: tuple[str, ...],
    atoms: Atoms,
    generator: np.random.Generator,
    prepare: Callable[[Any], None] = lambda core: None,
) -> fs.Potential:
    """Linear, with random coefficients, scaled so that no force in the structure is large."""
    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": elements,
        "descriptors": [descriptor],
        "model": {"type": "linear"},
    }
    potential = fs.Potential.from_json(
        json.dumps(document), "an untrained potential", trained=False
    )
    core = potential._core
    prepare(core)
    numbers = generator.normal(size=len(core.model_parameters))
    core.model_parameters = numbers
    largest = np.abs(potential.evaluate(atoms, threads=1).forces).max()
    core.model_parameters = numbers * (0.1 / largest)  # eV/angstrom
    return potential


def disturbed(atoms: Atoms) -> Atoms:
    """As at some 300 K: in a perfect crystal a whole shell may lie just outside of the cutoff."""
    atoms.rattle(0.1, seed=1)
    return atoms


def snap(name: str, zbl: dict | None, data: Path | None = None) -> tuple[fs.Potential, str]:
    """A SNAP potential that comes with LAMMPS, with the ZBL of its .snap file."""
    document = json.loads(fs.Potential.read(POTENTIALS / f"{name}.snapcoeff").to_json())
    if zbl:
        document["terms"] = [{"type": "zbl", **zbl}]
    return fs.Potential.from_json(json.dumps(document), name), f"{name}.snapcoeff of LAMMPS"


def n2p2(data: Path | None) -> tuple[fs.Potential, str]:
    name = "n2p2_reference/h2o"
    return fs.Potential.read(_of_data(data, name)), name


def cluster_expansion(data: Path | None) -> tuple[fs.Potential, str]:
    name = "Cu-PBE-core-rep.ace"
    return fs.Potential.read(POTENTIALS / name), f"{name} of LAMMPS"


def pod(data: Path | None = None) -> tuple[fs.Potential, str]:
    return fs.Potential.read(POTENTIALS / "Ta_param.pod"), "Ta_coeff.pod of LAMMPS"


def _moment_tensor_case(level: int, elsewhere: float) -> Case:
    structure = partial(crystal, "Cu", "fcc", 3.615, 10)
    return Case(
        text=f"Cu, moment tensors of level {level}",
        elements=("Cu",),
        structure=structure,
        potential=partial(moment_tensor, f"crystals_cubic_{level}", level, ("Cu",), structure),
        elsewhere=elsewhere,
        strongest="`mtp` of LAMMPS develop, clang with fast math",
    )


def _snap_case(
    name: str,
    text: str,
    elements: tuple[str, ...],
    structure: Callable,
    zbl: dict | None = None,
    elsewhere: float | None = None,
) -> Case:
    return Case(
        text=text,
        elements=elements,
        structure=structure,
        potential=partial(snap, name, zbl),
        peer="snap",
        peer_commands=f'include "{POTENTIALS}/{name}.snap"',
        elsewhere=elsewhere,
        strongest="`snap/intel`, native build" if elsewhere else "",
    )


def zincblende(data: Path | None = None) -> Atoms:
    return disturbed(bulk("InP", "zincblende", a=5.83, cubic=True).repeat(7))


ALLOY = ("Cu", "Pd", "Ag")
TANTALUM = partial(crystal, "Ta", "bcc", 3.316, 12)
SILICON = partial(crystal, "Si", "diamond", 5.431, 7)
CASES: dict[str, Case] = {
    "mtp_10": _moment_tensor_case(10, 141.0),
    "mtp_16": _moment_tensor_case(16, 35.6),
    "mtp_20": _moment_tensor_case(20, 13.9),
    "mtp_10_alloy": Case(
        text="Cu, Pd and Ag, moment tensors of level 10",
        elements=ALLOY,
        structure=partial(random_alloy, ALLOY),
        potential=partial(
            moment_tensor, "crystals_multi_10", 10, ALLOY, partial(random_alloy, ALLOY)
        ),
    ),
    "Ta06A": _snap_case(
        "Ta06A", "Ta, 2J = 6, linear, ZBL", ("Ta",), TANTALUM, {"inner": 4.0, "outer": 4.8}, 39.4
    ),
    "Si_Zuo_JPCA2020": _snap_case(
        "Si_Zuo_JPCA2020", "Si, 2J = 8, linear", ("Si",), SILICON, elsewhere=22.5
    ),
    "Si_Zuo_JPCA2020.quadratic": _snap_case(
        "Si_Zuo_JPCA2020.quadratic", "Si, 2J = 8, quadratic", ("Si",), SILICON, elsewhere=21.8
    ),
    "InP_JCPA2020": _snap_case(
        "InP_JCPA2020",
        "InP, 2J = 6, chemflag, ZBL",
        ("In", "P"),
        zincblende,
        {"inner": 4.0, "outer": 4.2},
    ),
    "Cu-PBE-core-rep": Case(
        text="Cu, atomic cluster expansion, 751 functions, two densities, core repulsion",
        elements=("Cu",),
        structure=partial(crystal, "Cu", "fcc", 3.615, 10),
        potential=cluster_expansion,
        elsewhere=4.5,
        strongest="`pace`, recursive (product: 2.8)",
    ),
    "n2p2_h2o": Case(
        text="water, symmetry functions and networks",
        elements=("H", "O"),
        structure=water,
        potential=n2p2,
        elsewhere=3.69,
        strongest="`hdnnp` of n2p2",
    ),
    "pod": Case(
        text="Ta, proper orthogonal descriptors",
        elements=("Ta",),
        structure=TANTALUM,
        potential=pod,
        peer="pod",
        peer_commands="pair_style pod\npair_coeff * * Ta_param.pod Ta_coeff.pod Ta",
    ),
    "uf3": Case(
        text="Nb, ultra-fast force fields of 2 and 3 bodies",
        elements=("Nb",),
        structure=partial(crystal, "Nb", "bcc", 3.3, 12),
        peer="uf3",
        peer_commands="pair_style uf3 3\npair_coeff * * Nb.uf3 Nb",
        beside="Ta06A",
    ),
}


@dataclass(frozen=True)
class Prepared:
    """A case in a folder: structure.data and, where there is one, potential.json."""

    folder: Path
    atoms: Atoms
    elements: tuple[str, ...]
    potential: fs.Potential | None
    origin: str  # of the potential: a file, or "untrained"
    commands: dict[str, str]  # by pair style, SINGLE among them


def prepare(name: str, folder: Path, data: Path | None = None) -> Prepared:
    """Writes what LAMMPS needs into the folder. Raises Unavailable."""
    case = CASES[name]
    atoms = case.structure(data)
    potential, origin = case.potential(data) if case.potential else (None, "")
    prepared = written(folder, atoms, case.elements, potential, origin)
    if case.peer:
        prepared.commands[case.peer] = case.peer_commands
    return prepared


def written(
    folder: Path,
    atoms: Atoms,
    elements: tuple[str, ...],
    potential: fs.Potential | None,
    origin: str,
) -> Prepared:
    """elements: of the atom types 1, 2, ..."""
    ase.io.write(
        folder / "structure.data",
        atoms,
        format="lammps-data",
        masses=True,
        specorder=list(elements),
    )
    commands = {}
    if potential is not None:
        potential.write(folder / "potential.json")
        coefficients = f"pair_coeff * * potential.json {' '.join(elements)}"
        commands["forcesmith"] = f"pair_style forcesmith\n{coefficients}"
        commands[SINGLE] = f"pair_style forcesmith precision single\n{coefficients}"
    return Prepared(folder, atoms, elements, potential, origin, commands)


INPUT = """
units metal
{structure}
{pair}
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
velocity all create 300 1 loop geom
fix nve all nve
timestep 0.0005
run {steps}
print "final energy $(pe:%.17g)"
"""


@dataclass(frozen=True)
class LammpsRun:
    atoms: int
    steps: int
    seconds: float  # of the loop over time steps
    cpu_use: float  # below 1 where other work took the core
    energy: float  # eV, after the last step
    sections: dict[str, float]  # LAMMPS' own breakdown, seconds by section

    @property
    def rate(self) -> float:
        """katom-step/s"""
        return 1e-3 * self.atoms * self.steps / self.seconds


def run_lammps(prepared: Prepared, style: str, steps: int) -> LammpsRun:
    """Molecular dynamics on one core: NVE at 300 K, 0.5 fs."""
    script = INPUT.format(
        structure="read_data structure.data", pair=prepared.commands[style], steps=steps
    )
    try:
        output = run(
            script,
            folder=prepared.folder,
            environment={"LAMMPS_POTENTIALS": str(POTENTIALS)},
        )
    except LammpsError as error:
        if missing := re.search(r"Unrecognized pair style '(.+?)'", error.output.error or ""):
            raise Unavailable(f"this LAMMPS has no pair_style {missing[1]}") from None
        raise
    [done], text = output.runs, output.text
    return LammpsRun(
        atoms=done.atoms,
        steps=done.steps,
        seconds=done.seconds,
        cpu_use=float(re.search(r"(\S+)% CPU use", text)[1]) / 100,
        energy=float(re.search(r"^final energy (\S+)", text, re.MULTILINE)[1]),
        sections=sections_of(text),
    )


def sections_of(text: str) -> dict[str, float]:
    """LAMMPS' breakdown of the first run in the text, seconds by section."""
    text = text.partition("Nlocal:")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    return {row[0]: float(row[2]) for row in rows if len(row) == 6 and row[0] != "Section"}


def tools_are_built(tools: Path = TOOLS) -> bool:
    return (tools / "kernel_profile").is_file()


def count_operations(prepared: Prepared, tools: Path = TOOLS) -> dict[str, float]:
    """Floating-point operations per atom, by phase."""
    return _run_tool(tools / "kernel_profile", prepared, FORCESMITH_ISA="counting")["operations"]


def profile_kernels(prepared: Prepared, tools: Path = TOOLS, seconds: float = 1.0) -> dict:
    """Seconds per atom by phase, and the core's peak; see kernel_profile.cpp."""
    return _run_tool(tools / "kernel_profile", prepared, str(seconds))


def _run_tool(tool: Path, prepared: Prepared, *options: str, **environment: str) -> dict:
    neighbors = prepared.folder / "neighbors.bin"
    if not neighbors.exists():
        write_neighbors(neighbors, prepared.atoms, prepared.potential)
    process = subprocess.run(
        [tool, prepared.folder / "potential.json", neighbors, *options],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
    )
    if process.returncode != 0:
        raise RuntimeError(f"{tool.name}: {process.stderr}")
    return json.loads(process.stdout)


def write_neighbors(path: Path, atoms: Atoms, potential: fs.Potential) -> None:
    """The layout stands in kernel_profile.cpp."""
    [found] = find_neighbors([atoms], potential.elements, potential.cutoff)
    offsets = np.concatenate([[0], np.cumsum(found.counts)])
    with open(path, "wb") as file:
        for numbers, kind in (
            ([len(found.types), len(found.neighbors)], np.int64),
            (found.types, np.int32),
            (offsets, np.int64),
            (found.neighbors, np.int32),
            (found.displacements, np.float64),
        ):
            np.ascontiguousarray(numbers, dtype=kind).tofile(file)
