"""Fixtures for pair_style forcesmith/kk: a LAMMPS built with KOKKOS, and its plugin, of
`make test-kokkos`, which names their folder by the environment variable FORCESMITH_KOKKOS."""

import os
from pathlib import Path

import pytest
from lammps_runner import LammpsRunner

BUILD = os.environ.get("FORCESMITH_KOKKOS")
collect_ignore_glob = [] if BUILD else ["*"]

NOT_HERE = {
    "test_another_lammps_release": "symbols of lmp cannot be replaced from outside",
    "test_gas_of_molecules": "needs the package MOLECULE",
    "test_hybrid_scaled_with_two_of_us": "KOKKOS has no hybrid/scaled",
    "test_minimise[fire]": "KOKKOS has no fire",
    "test_one_scale_for_all[options1]": "sums by several threads differ in their last bits",
    "test_several_lammps_in_one_process": "runs the LAMMPS of Python",
    "test_thermodynamic_integration_and_reset": "compute ti wants the whole name, forcesmith/kk",
    "test_too_few_threads_are_reported": "needs the package OPENMP",
    "test_virial_beside_a_granular_style": "needs the package GRANULAR",
}
"""Tests of the plain style that another LAMMPS must run; beside those in the process of Python."""

START = """#!/bin/sh
# Threads that wait give the core to others.
export LAMMPS_PLUGIN_PATH="{build}/plugin/lammps_plugin" OMP_WAIT_POLICY=passive OMP_PROC_BIND=false
exec "{build}/lammps/lmp" {options} "$@"
"""


def pytest_collection_modifyitems(items):
    items[:] = [
        item
        for item in items
        if item.name not in NOT_HERE and "in_process" not in getattr(item, "fixturenames", ())
    ]


def start(folder: Path, name: str, options: str) -> Path:
    path = folder / name
    path.write_text(START.format(build=BUILD, options=options))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def with_kokkos(tmp_path_factory) -> Path:
    """LAMMPS in which every style is that of KOKKOS where there is one."""
    folder = tmp_path_factory.mktemp("with_kokkos")
    return start(folder, "lmp", '-k on t "$OMP_NUM_THREADS" -sf kk')


@pytest.fixture(scope="session")
def without_kokkos(tmp_path_factory) -> Path:
    """The same LAMMPS, started without KOKKOS."""
    return start(tmp_path_factory.mktemp("without_kokkos"), "lmp", "")


@pytest.fixture(scope="session")
def plugin() -> Path:
    return Path(BUILD) / "plugin" / "lammps_plugin"


@pytest.fixture
def runner(tmp_path, with_kokkos) -> LammpsRunner:
    return LammpsRunner(tmp_path, with_kokkos)


@pytest.fixture
def plain_runner(tmp_path, without_kokkos) -> LammpsRunner:
    return LammpsRunner(tmp_path, without_kokkos)
