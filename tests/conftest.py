"""What lies outside the tests: reference data of other programs, inputs that once failed, and the
backend that computes on the host in place of a GPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"
OUTSIDE = {
    "FORCESMITH_SHARED_DATA": (SHARED / "data", "reference data of other programs"),
    "FORCESMITH_SHARED_CASES": (SHARED / "cases", "inputs from practice that once failed"),
}
"""Environment variable that names the folder: (where it is looked for otherwise, what it holds)."""
DEVICE_LIBRARY = (
    Path(os.environ.get("FORCESMITH_TEST_LIBRARIES", REPOSITORY / "build" / "make" / "tests"))
    / "libforcesmith_device_host.so"
)


def _folder(variable: str) -> Path | None:
    named = os.environ.get(variable)
    folder = Path(named) if named else OUTSIDE[variable][0]
    return folder if folder.is_dir() else None


def _missing() -> list[str]:
    missing = [
        f"NOT FOUND: {what}; their tests are skipped, set {variable} to their folder"
        for variable, (_, what) in OUTSIDE.items()
        if _folder(variable) is None
    ]
    if not DEVICE_LIBRARY.is_file():
        missing.append(
            f"NOT FOUND: {DEVICE_LIBRARY}; tests of devices are skipped, make test builds it"
        )
    return missing


def pytest_report_header() -> list[str]:
    found = {variable: _folder(variable) for variable in OUTSIDE}
    return [f"{OUTSIDE[v][1]}: {folder}" for v, folder in found.items() if folder] + _missing()


def pytest_terminal_summary(terminalreporter) -> None:
    for line in _missing():
        terminalreporter.write_line(line, yellow=True, bold=True)


def _needed(variable: str) -> Path:
    folder = _folder(variable)
    if folder is None:
        pytest.skip(f"no {OUTSIDE[variable][1]}; set {variable}")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of reference data; a test that uses it is skipped where there is none."""
    return _needed("FORCESMITH_SHARED_DATA")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """One folder per input that once failed, each with a README that says what is right."""
    return _needed("FORCESMITH_SHARED_CASES")


@pytest.fixture(scope="session")
def device_library() -> Path:
    """The backend of devices, compiled for the host."""
    if not DEVICE_LIBRARY.is_file():
        pytest.skip(f"not built: {DEVICE_LIBRARY}")
    return DEVICE_LIBRARY
