"""Fixtures for pair_style forcesmith/kk: a LAMMPS built with KOKKOS, and its plugin, of
`make test-kokkos`, which names their folder by the environment variable FORCESMITH_KOKKOS."""

import os
from pathlib import Path

import pytest
from lammps_runner import LammpsRunner

BUILD = os.environ.get("FORCESMITH_KOKKOS")
collect_ignore_glob = [] if BUILD else ["*"]

START = """#!/bin/sh
# Threads that wait give the core to others.
export LAMMPS_PLUGIN_PATH="{build}/plugin/lammps_plugin" OMP_WAIT_POLICY=passive OMP_PROC_BIND=false
exec "{build}/lammps/lmp" {options} "$@"
"""


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


@pytest.fixture
def runner(tmp_path, with_kokkos) -> LammpsRunner:
    return LammpsRunner(tmp_path, with_kokkos)


@pytest.fixture
def plain_runner(tmp_path, without_kokkos) -> LammpsRunner:
    return LammpsRunner(tmp_path, without_kokkos)
