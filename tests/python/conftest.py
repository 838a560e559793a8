"""Fixtures of the Python tests: reference data outside the repository, small data and potential."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator

REPOSITORY = Path(__file__).resolve().parents[2]


def _shared_data() -> Path | None:
    """Folder with reference data that is too large or not ours to keep in the repository."""
    named = os.environ.get("FORCESMITH_SHARED_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def pytest_report_header() -> str:
    folder = _shared_data()
    if folder:
        return f"reference data of other programs: {folder}"
    return (
        "REFERENCE DATA NOT FOUND: tests against other programs are skipped; set "
        "FORCESMITH_SHARED_DATA to the folder that holds mtp_reference and mlearn"
    )


def pytest_terminal_summary(terminalreporter) -> None:
    if _shared_data() is None:
        terminalreporter.write_line(pytest_report_header(), yellow=True, bold=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of reference data; a test that uses it is skipped where there is none."""
    folder = _shared_data()
    if folder is None:
        pytest.skip("no reference data; set FORCESMITH_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def mgo_data() -> Path:
    """The example's MgO data set."""
    return REPOSITORY / "examples" / "mgo_vacancies" / "mgo_pbe.extxyz"


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


@pytest.fixture(scope="session")
def crystals() -> list[Atoms]:
    return lennard_jones_crystals()


@pytest.fixture(scope="session")
def small_potential(crystals):
    """A quickly fitted moment tensor potential for Cu."""
    import forcesmith as fs

    return fs.fit(crystals, settings=small_settings()).potential


def small_settings() -> dict:
    """Settings of a fit that takes about a second."""
    return {
        "elements": ["Cu"],
        "descriptor": {"type": "moment_tensor", "level": 6, "cutoff": 4.5, "radial_basis_size": 6},
        "optimizer": {"max_iterations": 5, "threads": 1},
    }
