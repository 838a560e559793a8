"""Fixtures of the Python tests: small data and potential."""

from __future__ import annotations

from pathlib import Path

import pytest
from ase import Atoms
from sample_data import lennard_jones_crystals, small_settings

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def mgo_data() -> Path:
    """The example's MgO data set."""
    return REPOSITORY / "examples" / "mgo_vacancies" / "mgo_pbe.extxyz"


@pytest.fixture(scope="session")
def crystals() -> list[Atoms]:
    return lennard_jones_crystals()


@pytest.fixture(scope="session")
def small_potential(crystals):
    """A quickly fitted moment tensor potential for Cu."""
    import forcesmith as fs

    return fs.fit(crystals, settings=small_settings()).potential
