"""Fixtures of the Python tests: reference data outside the repository, small data and potential."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ase import Atoms
from sample_data import lennard_jones_crystals, small_settings

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


@pytest.fixture(scope="session")
def crystals() -> list[Atoms]:
    return lennard_jones_crystals()


@pytest.fixture(scope="session")
def small_potential(crystals):
    """A quickly fitted moment tensor potential for Cu."""
    import forcesmith as fs

    return fs.fit(crystals, settings=small_settings()).potential
