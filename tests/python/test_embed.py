"""The C++ library for programs of others: installed from the folder that `make` builds in, found by
find_package, and used by examples/embed_core, whose numbers are those of Python."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "make"
POTENTIAL = REPOSITORY / "tests" / "data" / "mgo_small.json"


def run(*command: str | Path) -> str:
    """With cmake and ninja of the environment that the tests run in."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not BUILD.exists(), reason="there is no build/make; `make test` makes it")
def test_example_gives_what_python_gives(tmp_path):
    prefix, build = tmp_path / "prefix", tmp_path / "build"
    run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "forcesmith_core")
    source = REPOSITORY / "examples" / "embed_core"
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)

    first, _, *rows = run(build / "embed_core", POTENTIAL).splitlines()
    edge, energy = float(first.split()[1]), float(first.split()[4])
    symbols = [row.split()[0] for row in rows]
    numbers = np.array([[float(word) for word in row.split()[1:]] for row in rows])
    atoms = Atoms(symbols, positions=numbers[:, :3], cell=3 * [edge], pbc=True)
    expected = fs.Potential.read(POTENTIAL).evaluate(atoms)
    assert sorted(set(symbols)) == ["Mg", "O"] and len(atoms) == 8
    assert energy == pytest.approx(expected.energy, rel=1e-12)
    assert np.abs(numbers[:, 3:] - expected.forces).max() < 1e-10
    assert np.abs(expected.forces).max() > 0.1


def test_python_package_is_without_the_library():
    installed = [file for file in files("forcesmith") or [] if file.suffix in (".a", ".hpp")]
    assert installed == []
