"""Small labelled data that the tests make themselves."""

from __future__ import annotations

import resource
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path

import forcesmith as fs
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator


def labelled(atoms: Atoms, group: str | None = None, **labels) -> Atoms:
    """A copy of `atoms` with labels as a reader would attach them."""
    atoms = atoms.copy()
    atoms.calc = SinglePointCalculator(atoms, **labels)
    if group:
        atoms.info["config_type"] = group
    return atoms


def lennard_jones_crystals(count: int = 12, seed: int = 0) -> list[Atoms]:
    """Rattled and strained fcc cells of 4 or 8 atoms, labelled by a smooth Lennard-Jones model."""
    rng = np.random.default_rng(seed)
    crystals = []
    for number in range(count):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True) * (1 + number % 2, 1, 1)
        atoms.set_cell(
            atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.02, (3, 3))), scale_atoms=True
        )
        atoms.positions += rng.normal(0, 0.08, atoms.positions.shape)
        atoms.calc = LennardJones(sigma=2.3, epsilon=0.4, ro=3.5, rc=4.5, smooth=True)
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        crystals.append(labelled(atoms, group="long" if number % 2 else "cube", **results))
    return crystals


def small_settings() -> dict:
    """Settings of a fit that takes about a second."""
    return {
        "elements": ["Cu"],
        "descriptor": {"type": "moment_tensor", "level": 6, "cutoff": 4.5, "radial_basis_size": 6},
        "optimizer": {"max_iterations": 5, "threads": 1},
    }


def file_text(potential: fs.Potential, name: str = "p.json") -> str:
    """What a file of this name holds of a potential; it names the active set beside it."""
    with tempfile.TemporaryDirectory() as folder:
        potential.write(Path(folder, name))
        return Path(folder, name).read_text()


@contextmanager
def full_disk(bytes_left: int = 100):
    """While it lasts, no file can grow beyond so many bytes: what a full disk does to a writer."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, limits[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
