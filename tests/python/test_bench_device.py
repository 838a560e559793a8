"""The programs of bench/device/, without a GPU: a backend on the host stands for it. No rate is
judged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def bench_in_path():
    folders = [str(REPOSITORY / "bench"), str(REPOSITORY / "bench" / "device")]
    sys.path[:0] = folders
    yield
    for folder in folders:
        sys.path.remove(folder)


@pytest.fixture
def inspected():
    import inspect_library

    return inspect_library


@pytest.mark.parametrize(
    "demangled, name",
    [
        (
            "void Kokkos::Impl::cuda_parallel_launch_local_memory<Kokkos::Impl::ParallelFor<"
            "forcesmith::DeviceKernels<Kokkos::Cuda, forcesmith::moment_tensor::MomentTensor, "
            "double>::values(forcesmith::DeviceBlock<double> const&, double*, int)::{lambda(int)#1}"
            ", Kokkos::RangePolicy<Kokkos::Cuda>, Kokkos::Cuda> >(int)",
            "DeviceKernels<moment_tensor::MomentTensor, double>::values",
        ),
        (
            "void Kokkos::Impl::cuda_parallel_launch_local_memory<Kokkos::Impl::ParallelReduce<"
            "Kokkos::Impl::CombinedFunctorReducer<forcesmith::device::AddForces<float>, "
            "Kokkos::Impl::FunctorAnalysis<int> >, Kokkos::RangePolicy<Kokkos::Cuda> > >(int)",
            "AddForces<float> (reduce)",
        ),
        (
            "void Kokkos::Impl::cuda_parallel_launch_local_memory<Kokkos::Impl::ParallelFor<"
            "forcesmith::copy_columns<Kokkos::Cuda>(bool, int const*)::{lambda(int)#1}, "
            "Kokkos::RangePolicy<Kokkos::Cuda>, Kokkos::Cuda> >(int)",
            "copy_columns",
        ),
        (
            "void Kokkos::Impl::cuda_parallel_launch_local_memory<Kokkos::Impl::ParallelFor<"
            "Kokkos::Impl::ViewValueFunctor<int>, Kokkos::Cuda> >(int)",
            None,
        ),
    ],
)
def test_names_of_kernels(inspected, demangled, name):
    assert inspected.short_name(demangled) == name


def test_report_of_the_compiler(inspected, tmp_path):
    kernel = "_ZN6Kokkos4Impl11ParallelForIN10forcesmith6device8SortCellENS_4CudaEE3runEv"
    report = (
        "ptxas info    : 73 bytes gmem\n"
        f"ptxas info    : Compiling entry function '{kernel}' for 'sm_90'\n"
        f"ptxas info    : Function properties for {kernel}\n"
        "    24 bytes stack frame, 8 bytes spill stores, 16 bytes spill loads\n"
        "ptxas info    : Used 65 registers, used 1 barriers, 512 bytes smem\n"
    )
    (tmp_path / "a.cpp.o.ptxas").write_text(report)
    assert inspected.kernels_of(tmp_path) == [inspected.Kernel("SortCell", 65, 24, 8, 16, 512)]
    # 72 registers of 32 threads: 28 warps
    assert inspected.Kernel("", 65, 0, 0, 0, 0).threads == 28 * 32
    assert inspected.Kernel("", 8, 0, 0, 0, 0).threads == 2048


def test_differences_are_relative_to_the_largest_number():
    import comparisons

    exact = {"forces": np.array([200.0, 1.0]), "energy": np.array([1e-3])}
    near = {"forces": np.array([200.0, 1.0 + 1e-9]), "energy": np.array([1e-3 + 1e-11])}
    by_quantity = comparisons.differences(near, exact)
    assert by_quantity == pytest.approx({"forces": 5e-12, "energy": 1e-11}, rel=1e-3)
    assert comparisons.comparison(near, exact, "double")["passed"]
    far = near | {"energy": np.array([1e-3 + 2e-10])}
    assert not comparisons.comparison(far, exact, "double")["passed"]
    assert comparisons.comparison(far, exact, "single")["passed"]
    nothing = near | {"energy": np.array([np.nan])}
    assert not comparisons.comparison(nothing, exact, "single")["passed"]


def test_structures_have_the_atoms_asked_for():
    import comparisons

    for n_atoms in (1, 2, 7, 31, 500):
        atoms = comparisons.structure(n_atoms)
        assert len(atoms) == n_atoms
    # One of them has no neighbors.
    distances = atoms.get_distances(-1, range(len(atoms) - 1), mic=True)
    assert distances.min() > 6.0


def check_and_measure(library: Path, output: Path, *sections: str) -> tuple[int, dict]:
    command = [sys.executable, str(REPOSITORY / "bench/device/check_and_measure.py"), "--small"]
    command += ["--minutes", "30", "--output", str(output)]
    for section in sections:
        command += ["--section", section]
    surroundings = os.environ | {"FORCESMITH_DEVICE_LIBRARY": str(library)}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=600)
    [path] = (output / "device").glob("*.json")
    assert path.with_suffix(".md").is_file(), done.stderr
    return done.returncode, json.loads(path.read_text())


@pytest.mark.slow
def test_program_for_a_machine_with_a_gpu(device_library, tmp_path):
    status, record = check_and_measure(
        device_library, tmp_path, "checks", "parts", "grades", "fits", "kernels"
    )
    results = record["results"]
    assert not [one for one in results["checks"] if not one["passed"]]
    assert "errors" not in results, results["errors"]
    assert status == 0 and results["passed"]
    hosts = {"LAMMPS", "Python", "Python, gradient of a fit"}
    assert {one["host"] for one in results["checks"]} == hosts
    assert {one["ranks"] for one in results["checks"]} == {1, 2}
    ways = {(one["case"], one["parts"], one["grade"]) for one in results["rates"]}
    assert ways == {("mtp_16", 32, "off"), ("mtp_16", 1, "off"), ("mtp_16", None, "1")}
    assert [one["device"] for one in results["fits"]] == ["cuda", "cpu"]
    assert all(one["parameters"] > 1000 and one["rate"] > 0 for one in results["fits"])
    labels = {label for one in results["kernels"] for label in one["kernels"]}
    assert "forcesmith::moment_tensor::backpropagate" in labels
    assert "forcesmith::extrapolation::raise_grades" in labels
    assert all(one["precision"] == "double" and one["steps"] >= 18 for one in results["kernels"])


def test_program_fails_where_there_is_no_device(device_library, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCESMITH_TEST_DEVICE_PROBLEM", "There is no device today.")
    status, record = check_and_measure(device_library, tmp_path, "checks")
    assert status == 1 and not record["results"]["passed"]
    checks = record["results"]["checks"]
    assert checks and not any(one["passed"] for one in checks)
    assert all("There is no device today." in one["error"] for one in checks)


def test_counters_of_kernels():
    import measurements

    name = "void Kokkos::Impl::f<Kokkos::Impl::ParallelFor<forcesmith::SortCell, P>>(void)"
    text = f'''==PROF== Connected
"ID","Kernel Name","gpu__time_duration.sum","launch__registers_per_thread","not known"
"","","us","register/thread",""
"0","{name}","1,250.5","64",""
'''
    [counted] = measurements.counters_of(text)
    assert counted == {"kernel": "SortCell", "ms": pytest.approx(1.2505), "registers": 64}
    with pytest.raises(ValueError, match="ncu has counted nothing: ==ERROR=="):
        measurements.counters_of("==ERROR== no device")
