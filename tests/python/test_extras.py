"""Without the packages of extras the program works, or says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys

sys.modules.update(dict.fromkeys({extras}))  # as if they were not installed
sys.argv = ["forcesmith", *{arguments}]
from forcesmith.cli.app import main
main()
"""
EXTRAS = {
    "dask",
    "dask_jobqueue",
    "distributed",
    "h5py",
    "matscipy",
    "pandas",
    "phono3py",
    "phonopy",
    "sklearn",
    "spglib",
}


def run_without(extras: set[str], arguments: list[str], folder) -> subprocess.CompletedProcess[str]:
    program = WITHOUT.format(extras=extras, arguments=arguments)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [["--version"], ["fit", "--help"], ["validate", "--help"]])
def test_commands_need_no_extras(tmp_path, arguments):
    done = run_without(EXTRAS, arguments, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_validate_says_what_to_install(tmp_path):
    arguments = ["validate", "fcc Cu 3.6", "--potential", "emt", "--properties", "lattice"]
    done = run_without({"spglib"}, arguments, tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "pip install 'forcesmith[properties]'" in done.stderr
