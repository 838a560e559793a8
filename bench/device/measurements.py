"""Rates of molecular dynamics on a device and the times of its kernels, by whole runs of LAMMPS;
rates of fits."""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from cases import SIZES, DeviceCase
from forcesmith.data.dataset import Dataset
from forcesmith.lammps import run
from forcesmith.lammps.runner import program_path
from forcesmith.potentials.evaluator import core_evaluator
from forcesmith.training.input_statistics import standardize_inputs
from forcesmith.training.loss import Loss, free_parameters
from forcesmith.training.settings import FitSettings
from forcesmith.training.starting_potential import starting_potential
from forcesmith.training.training_set import TrainingSet
from inspect_library import short_name
from rate_cases import sections_of

INPUT = """
units metal
read_data {cell}
replicate {repeats}
{pair}
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
velocity all create 300 1 loop geom
fix 1 all nve
timestep 0.0005
thermo 0
run 5
variable began timer
run 5 pre no
variable ended timer
variable step equal (v_ended-v_began)/5
variable wanted equal ceil({seconds}/v_step)
variable steps equal ternary(v_wanted<5,5,ternary(v_wanted>2000,2000,v_wanted))
run ${{steps}} pre no
print "measured run has ended"
neigh_modify every 1 delay 0 check no
run 3
"""
LOOP = re.compile(r"Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms")
SPLIT = re.compile(r"list (\S+) s, copy (\S+) s, kernels (\S+) s")


def _script(case: DeviceCase, size: str, keywords: str, seconds: float) -> str:
    return INPUT.format(
        cell=(case.folder / "cell.data").absolute(),
        repeats=" ".join(map(str, case.repeats[SIZES.index(size)])),
        pair=f"pair_style forcesmith {keywords}\n"
        f"pair_coeff * * {(case.folder / 'potential.json').absolute()} {' '.join(case.elements)}",
        seconds=seconds,
    )


def measure_rate(
    case: DeviceCase,
    size: str,
    *,
    device: str = "cuda",
    precision: str = "double",
    ranks: int = 1,
    threads: int = 1,
    parts: int | None = None,
    grade: str = "off",
    seconds: float,
    timeout: float,
) -> dict[str, Any]:
    """Atom-steps per second of a run of about `seconds`, where its time went, and steps that each
    begin with a new neighbor list, which that run seldom needs. parts: threads of a device for each
    atom, where they share work; None leaves them to forcesmith. grade: the keyword of the pair
    style."""
    keywords = f"device {device} precision {precision} grade {grade}"
    script = _script(case, size, keywords, seconds)
    with tempfile.TemporaryDirectory() as folder:
        output = run(
            script,
            folder=folder,
            ranks=ranks,
            threads=threads,
            environment={"FORCESMITH_DEVICE_PARTS": str(parts)} if parts else {},
            timeout=timeout,
        )
    before, after = output.text.split("measured run has ended", 1)
    measured, with_lists = _last_loop(before), _last_loop(after)
    split = SPLIT.search(measured["text"])
    return {
        "case": case.name,
        "text": case.text,
        "device": device,
        "precision": precision,
        "ranks": ranks,
        "threads": threads,
        "parts": parts,
        "grade": grade,
        "atoms": measured["atoms"],
        "steps": measured["steps"],
        "seconds": measured["seconds"],
        "rate": measured["atoms"] * measured["steps"] / measured["seconds"],
        "sections": sections_of(measured["text"]),
        "split": dict(zip(("list", "copy", "kernels"), map(float, split.groups()), strict=True))
        if split
        else None,
        "seconds_per_step_with_list": with_lists["seconds"] / with_lists["steps"],
        "sections_with_lists": sections_of(with_lists["text"]),
    }


def _last_loop(text: str) -> dict[str, Any]:
    """Of the last run in LAMMPS' output, and what it printed from there on."""
    *_, found = LOOP.finditer(text)
    seconds, steps, atoms = float(found[1]), int(found[2]), int(found[3])
    return {"seconds": seconds, "steps": steps, "atoms": atoms, "text": text[found.start() :]}


FIT = {
    "descriptor": {"type": "bispectrum", "twojmax": 8, "rcutfac": 4.7},
    "model": {"type": "neural_network", "hidden_layers": [24, 24]},
}


def measure_fit(
    device: str, *, threads: int, configurations: int, seconds: float
) -> dict[str, Any]:
    """Seconds of a loss with its gradient, as searches for the parameters of networks ask for, over
    configurations of 64 atoms; the median of what `seconds` allow."""
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True) * 2
    rng = np.random.default_rng(0)
    data = []
    for _ in range(configurations):
        data.append(atoms.copy())
        data[-1].positions += rng.normal(0, 0.1, (len(atoms), 3))
        data[-1].calc = SinglePointCalculator(
            data[-1], energy=rng.normal(), forces=rng.normal(size=(len(atoms), 3))
        )
    settings = FitSettings.from_dict(FIT)
    potential = starting_potential(Dataset(data), ["Mg", "O"], settings)
    training_set = TrainingSet(data, ["Mg", "O"], potential.cutoff, settings.weights)
    standardize_inputs(potential._core, training_set, len(os.sched_getaffinity(0)))
    evaluator = core_evaluator(potential._core, device=device)
    free = free_parameters(potential._core, False)
    loss = Loss(evaluator, training_set.batches, free, threads)
    x = loss.parameters()
    loss(x)
    times: list[float] = []
    while sum(times) < seconds or len(times) < 2:
        at = time.perf_counter()
        loss(x + 1e-6 * len(times))
        times.append(time.perf_counter() - at)
    return {
        "device": device,
        "threads": threads,
        "atoms": training_set.n_atoms,
        "parameters": len(x),
        "repeats": len(times),
        "seconds": median(times),
        "rate": training_set.n_atoms / median(times),
    }


def time_kernels(
    case: DeviceCase, size: str, tool: Path, *, precision: str = "double", timeout: float
) -> dict[str, Any]:
    """Seconds of each kernel and copy, waited for one by one, by 10 to 15 steps and 4 lists."""
    grade = "1" if case.has_grades else "off"
    script = _script(case, size, f"device cuda precision {precision} grade {grade}", seconds=0)
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        surroundings = {
            "KOKKOS_TOOLS_LIBS": str(tool.absolute()),
            "FORCESMITH_KERNEL_TIMES": str(times),
        }
        output = run(script, folder=folder, environment=surroundings, timeout=timeout)
        kernels = json.loads(times.read_text())
    return {
        "case": case.name,
        "text": case.text,
        "precision": precision,
        "atoms": _last_loop(output.text)["atoms"],
        "steps": sum(int(found[2]) for found in LOOP.finditer(output.text)),
        "kernels": kernels,
    }


PROFILE_SECTIONS = ["SpeedOfLight", "LaunchStats", "Occupancy", "ComputeWorkloadAnalysis"]
PROFILE_SECTIONS += ["MemoryWorkloadAnalysis", "WarpStateStats", "SchedulerStats"]
COUNTERS = {
    "ms": "gpu__time_duration.sum",
    "arithmetic": "sm__throughput.avg.pct_of_peak_sustained_elapsed",
    "double": "sm__inst_executed_pipe_fp64.avg.pct_of_peak_sustained_active",
    "first cache": "l1tex__throughput.avg.pct_of_peak_sustained_active",
    "first cache hits": "l1tex__t_sector_hit_rate.pct",
    "second cache": "lts__throughput.avg.pct_of_peak_sustained_elapsed",
    "second cache hits": "lts__t_sector_hit_rate.pct",
    "memory": "gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed",
    "warps": "sm__warps_active.avg.pct_of_peak_sustained_active",
    "registers": "launch__registers_per_thread",
}
"""What is kept of the counters of a kernel: its time, and percents of what the device can do."""
SKIPPED, PROFILED = 20, 24  # launches: those of the first step are not like later ones


def profile_kernels(
    case: DeviceCase, size: str, ncu: Path, log: Path, *, precision: str = "double", timeout: float
) -> dict[str, Any]:
    """The counters of kernels by Nsight Compute, each kernel alone, at the device's own clocks.
    All of them stay in the file log, as CSV."""
    script = _script(case, size, f"device cuda precision {precision}", seconds=0)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "lmp_of_ncu"
        words = [str(ncu), "--csv", "--page", "raw", "--log-file", str(log.absolute())]
        words += ["--target-processes", "all", "--clock-control", "none"]
        words += ["--launch-skip", str(SKIPPED), "--launch-count", str(PROFILED)]
        for section in PROFILE_SECTIONS:
            words += ["--section", section]
        quoted = " ".join(f"'{word}'" for word in [*words, program_path("lmp")])
        program.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
        program.chmod(0o755)
        output = run(script, folder=folder, timeout=timeout, program=program)
    return {
        "case": case.name,
        "text": case.text,
        "precision": precision,
        "atoms": _last_loop(output.text)["atoms"],
        "kernels": counters_of(log.read_text()),
    }


def counters_of(text: str) -> list[dict[str, Any]]:
    """Of the kernels in the CSV of ncu, whose second line has the units."""
    rows = list(csv.reader(line for line in text.splitlines() if line.startswith('"')))
    if len(rows) < 3:
        raise ValueError(f"ncu has counted nothing: {text[-400:]}")
    header, units, *kernels = rows
    found = []
    for row in kernels:
        own = dict(zip(header, row, strict=True))
        unit = dict(zip(header, units, strict=True))
        name = own["Kernel Name"]
        counters: dict[str, Any] = {"kernel": short_name(name) or name[:80]}
        for what, column in COUNTERS.items():
            if own.get(column):
                counters[what] = float(own[column].replace(",", ""))
                if what == "ms":
                    counters[what] *= {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}[unit[column]]
        found.append(counters)
    return found
