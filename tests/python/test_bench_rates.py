"""The cases of bench/rates.py: structures, potentials, one step in LAMMPS. No rates are judged."""

import json
import sys
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def bench_in_path():
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def cases():
    import rate_cases

    return rate_cases


CASES = [
    "mtp_10",
    "mtp_16",
    "mtp_20",
    "mtp_10_alloy",
    "Ta06A",
    "Si_Zuo_JPCA2020",
    "Si_Zuo_JPCA2020.quadratic",
    "InP_JCPA2020",
    "Cu-PBE-core-rep",
    "n2p2_h2o",
    "pod",
    "uf3",
]


def test_commands_know_the_cases(cases):
    import profile_rates
    import rates

    assert list(cases.CASES) == CASES
    assert rates.CASES is profile_rates.CASES is cases.CASES
    for case in cases.CASES.values():
        assert case.potential or case.peer
        assert (case.elsewhere is None) == (case.strongest == "")
        assert case.beside is None or cases.CASES[case.beside].potential


@pytest.mark.parametrize("name", [name for name in CASES if name != "n2p2_h2o"])
def test_case_needs_no_data(cases, name, tmp_path):
    prepared = cases.prepare(name, tmp_path)
    case = cases.CASES[name]
    assert set(prepared.atoms.get_chemical_symbols()) == set(case.elements)
    assert len(prepared.atoms) >= 2000
    distances = prepared.atoms.get_distances(0, np.arange(1, len(prepared.atoms)), mic=True)
    assert np.ptp(np.sort(distances)[:2]) > 1e-3, "a perfect crystal"
    assert (tmp_path / "structure.data").is_file()
    assert case.peer is None or case.peer in prepared.commands
    if prepared.potential:
        assert set(prepared.potential.elements) == set(case.elements)
        assert {"forcesmith", cases.SINGLE} <= set(prepared.commands)
    if name.startswith("mtp"):
        assert prepared.origin == "untrained"


def test_untrained_forces_are_small(cases):
    potential, _ = cases.CASES["mtp_10"].potential(None)
    atoms = cases.crystal("Cu", "fcc", 3.615, 3)
    forces = potential.evaluate(atoms, threads=1).forces
    assert 0 < np.abs(forces).max() < 0.2


def test_basis_sizes_grow(cases):
    import basis_sizes

    assert set(basis_sizes.SIZES) <= set(fs.registry()["descriptors"])
    atoms = basis_sizes.alloy(basis_sizes.ELEMENTS[:2])[:40]
    for kind, sizes in basis_sizes.SIZES.items():
        values = [
            basis_sizes.potential_of(kind, settings, ("Ag", "Au"), atoms)._core.size(0)
            for settings in list(sizes.values())[:2]
        ]
        assert values == sorted(set(values))


def test_missing_data_is_said(cases, tmp_path):
    with pytest.raises(cases.Unavailable, match="no n2p2_reference/h2o/reference.data in the fold"):
        cases.prepare("n2p2_h2o", tmp_path, tmp_path)


def test_water(cases, shared_data, tmp_path):
    prepared = cases.prepare("n2p2_h2o", tmp_path, shared_data)
    assert len(prepared.atoms) == 8640
    trained, origin = cases.CASES["mtp_10_alloy"].potential(shared_data)
    assert trained.elements == ["Cu", "Pd", "Ag"] and origin.endswith("pot.mtp")


def test_one_step(cases, tmp_path, monkeypatch):
    import rates
    import tables

    small = cases.crystal("Ta", "bcc", 3.316, 4)
    case = cases.CASES["Ta06A"]
    monkeypatch.setitem(
        cases.CASES, "Ta06A", cases.Case(**{**vars(case), "structure": lambda data: small})
    )
    monkeypatch.setattr(
        sys,
        "argv",
        ["rates.py", *"--case Ta06A --repeats 1 --steps 1".split(), f"--output={tmp_path}"],
    )
    monkeypatch.setattr(rates, "tools_are_built", lambda: False)
    rates.main()
    record = json.loads((tmp_path / "rates" / "Ta06A.json").read_text())
    results = record["results"]
    assert results["atoms"] == 128
    assert set(results["rates"]) == {"snap", "forcesmith", cases.SINGLE}
    assert results["ratio"] > 0 and results["single_over_double"] > 0
    prepared = cases.prepare("Ta06A", tmp_path)
    double, single = (cases.run_lammps(prepared, s, 1) for s in ("forcesmith", cases.SINGLE))
    assert {"Pair", "Neigh", "Comm", "Modify", "Other"} <= set(double.sections)
    assert 0 < abs(single.energy - double.energy) < 1e-5 * double.atoms  # eV; not the same kernels
    header, dashes, row = tables.rates([record]).splitlines()
    assert header.count("|") == dashes.count("|") == row.count("|")
    # The file of neighbors: two sizes, then five arrays.
    cases.write_neighbors(tmp_path / "neighbors.bin", small, prepared.potential)
    n_atoms, n_pairs = np.fromfile(tmp_path / "neighbors.bin", dtype=np.int64, count=2)
    size = (tmp_path / "neighbors.bin").stat().st_size
    assert n_atoms == 128 and size == 16 + 4 * n_atoms + 8 * (n_atoms + 1) + (4 + 24) * n_pairs
    with pytest.raises(RuntimeError, match="end with energies"):
        rates.compare_energies("Ta06A", -1.0, -1.0 - 1e-8)


def test_records_are_complete():
    """Every recorded file, and the tables that are made of them."""
    import records
    import tables

    benchmarks = {path.name for path in records.RESULTS.iterdir()}
    not_measured = {"device_fits"}  # no time was left on the machine with a GPU
    assert benchmarks == {benchmark for benchmark, _ in tables.TABLES.values()}
    for benchmark in benchmarks:
        for record in records.read_records(benchmark):
            assert record["benchmark"] == benchmark
            assert (records.RESULTS / benchmark / f"{record['case']}.json").is_file()
            own = {"benchmark", "case", "commit", "date", "machine", "versions"}
            assert set(record) - {"note"} == own | {"settings", "results"}
            assert set(record["machine"]) == {"processor", "instruction_set", "cores"}
            assert "dirty" not in (record["commit"] or ""), "measure again, with all committed"
    for name, (benchmark, print_table) in tables.TABLES.items():
        found = records.read_records(benchmark)
        lines = print_table(found).splitlines()
        assert (len(lines) > 2) != (name in not_measured), name
        assert len({line.count("|") for line in lines}) == 1, name
        assert tables.origin(found).startswith("Recorded: ")


def test_record_is_written_and_read(cases, tmp_path):
    import records

    record = records.write_record(
        "rates", "a", settings={"steps": 1}, results={"b": 2}, peers=("lammps",), folder=tmp_path
    )
    assert records.read_records("rates", tmp_path) == [record]
    assert record["date"] and record["machine"]["processor"]
    assert set(record["versions"]) == {"forcesmith", "lammps"}
