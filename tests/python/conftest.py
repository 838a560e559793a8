"""Fixtures of the Python tests: small data and potential, the command line."""

from __future__ import annotations

import sys
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


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `forcesmith ...` in this process; returns (exit code, stdout, stderr)."""
    from forcesmith.cli import app

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["forcesmith", *map(str, arguments)])
        try:
            app.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def refused(command):
    """Run a command that must fail; returns its sentence."""
    from forcesmith.cli import app

    def run(*arguments):
        code, out, err = command(*arguments)
        assert code == app.INPUT_ERROR
        assert out == ""
        assert "Traceback" not in err
        lines = err.strip().splitlines()
        assert lines[-1].startswith("forcesmith: ")
        return lines[-1]

    return run
