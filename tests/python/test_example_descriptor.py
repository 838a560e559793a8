"""The worked example of docs/development/adding_a_descriptor.md keeps the contract.

The C++ tests are built with a second compiled part of the package that has it in its registry; here
the tests of every registered descriptor run with that one, in a process of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import forcesmith as fs
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = REPOSITORY / "build" / "make" / "tests" / "with_example"


@pytest.mark.skipif(not BUILT.exists(), reason="`make test` makes build/make/tests/with_example")
def test_contract_with_the_example(tmp_path):
    package = tmp_path / "forcesmith"
    others = shutil.ignore_patterns("_core*", "lammps_plugin", "__pycache__")
    shutil.copytree(Path(fs.__file__).parent, package, ignore=others)
    (compiled,) = BUILT.glob("_core*")
    shutil.copy(compiled, package)
    here = Path(__file__).parent
    tests = [here / "test_contract.py", here / "test_references.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-k", "radial_gaussians or registered", *tests],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 100 and not re.search(r"\d+ skipped", done.stdout), (
        done.stdout
    )
