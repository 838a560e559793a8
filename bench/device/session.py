"""What check_and_measure.py does, section by section, and the record that it keeps."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import comparisons
import tables
from cases import SIZES, DeviceCase, read_cases, write_cases
from comparisons import compare_in_lammps, failure
from forcesmith.lammps.runner import program_path
from measurements import measure_fit, measure_rate, profile_kernels, time_kernels
from records import commit, machine, save_record

HERE = Path(__file__).resolve().parent
ENDS = {
    "device": 0.1,
    "checks": 0.2,
    "rates": 0.5,
    "ranks": 0.7,
    "fits": 0.74,
    "kernels": 0.82,
    "sanitizer": 0.9,
    "profile": 0.95,
    "parts": 0.97,
    "grades": 0.99,
    "cpu": 1.0,
}
"""By when a section begins nothing new, as a part of the whole time."""
CORES = len(os.sched_getaffinity(0))
LONGEST = {True: 600.0, False: 60.0}
"""Seconds of one run, with --small (processors may have other work) or not; an error beyond."""
NUMBERS = ["name", "driver_version", "memory.total", "clocks.sm", "clocks.max.sm", "clocks.mem"]
NUMBERS += ["clocks.max.mem", "power.draw", "power.limit", "ecc.mode.current", "compute_mode"]


class Session:
    def __init__(self, arguments: argparse.Namespace, began: float):
        self.small = arguments.small
        self.began = began
        self.seconds = 60 * arguments.minutes
        self.output = arguments.output
        self.temporary = tempfile.TemporaryDirectory(prefix="forcesmith-")
        self.bundle = arguments.bundle
        self.results: dict[str, Any] = {"left_out": [], "seconds": {}}
        if self.bundle:
            manifest = json.loads((self.bundle / "manifest.json").read_text())
            self.cases = read_cases(self.bundle / "cases")
            self.results["left_out"] += manifest["left_out"]
        else:
            folder = Path(self.temporary.name) / "cases"
            self.results["left_out"] += write_cases(folder, arguments.data)
            self.cases = read_cases(folder)
        found = devices()
        # Tests have a backend that computes on the host.
        instead = Path(os.environ.get("FORCESMITH_DEVICE_LIBRARY", "none")).stem
        name = found[0]["name"] if found else instead
        self.results["device"] = {"name": name, "devices": found, "kernel": platform.release()}
        self.record = {
            "benchmark": "device",
            "case": re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"),
            "commit": manifest["commit"] if self.bundle else commit(),
            "date": date.today().isoformat(),
            "machine": machine(),
            "versions": {one: metadata.version(one) for one in ("forcesmith", "lammps")},
            "settings": {"minutes": arguments.minutes, "small": self.small},
            "results": self.results,
        }

    # ---- the record ----

    def run(self, sections: Iterable[str]) -> int:
        for self.section in sections:
            at = time.time()
            print(f"{self.section} ...", flush=True)
            try:
                getattr(self, self.section)()
            except Exception as error:
                traceback.print_exc()
                self.add_error(self.section, error)
            self.results["seconds"][self.section] = time.time() - at
            self.save()
        failed = [one for one in self.results.get("checks", []) if not one["passed"]]
        failed += [one for one in self.results.get("sanitizer", []) if not one["passed"]]
        wrong = bool(failed or self.results.get("errors"))
        self.results["passed"] = not wrong
        path = self.save()
        report = tables.device_report(self.record)
        path.with_suffix(".md").write_text(report + "\n")
        print(f"\n{report}\n\n{path}")
        return int(wrong)

    def save(self) -> Path:
        return save_record(self.record, self.output)

    def add(self, name: str, *found: Any) -> None:
        self.results.setdefault(name, []).extend(found)
        self.save()

    def add_error(self, what: str, error: Exception) -> None:
        self.add("errors", f"{what}: {type(error).__name__}: {error}"[:600])

    @property
    def left(self) -> float:
        """Seconds in which this section may begin something."""
        return self.began + self.seconds * ENDS[self.section] - time.time()

    def has_time(self, what: str) -> bool:
        if self.left > 0:
            return True
        self.results["left_out"].append(f"{self.section}, {what}: no time.")
        return False

    @property
    def timeout(self) -> float:
        """Seconds for one run: it may go beyond its section, but not far beyond the whole time."""
        rest = self.began + self.seconds - time.time()
        return max(5.0, min(LONGEST[self.small], rest + 10.0))

    # ---- sections ----

    def device(self) -> None:
        """What can be asked of the driver is in the record already."""
        print(json.dumps(self.results["device"], indent=1))

    def checks(self) -> None:
        small = [1, 7, 40] if self.small else [1, 2, 7, 31, 500]
        many, parallel = ([90], [64]) if self.small else ([97336], [2, 31, 4000])
        few = comparisons.few_potentials()
        tasks = [(f"LAMMPS, {name}, {many}", name, one, many, 1) for name, one in few.items()]
        tasks += [(f"2 ranks, {name}", name, one, parallel, 2) for name, one in few.items()]
        tasks += [
            (f"LAMMPS, {name}", name, one, small, 1)
            for name, one in (few if self.small else comparisons.potentials()).items()
        ]
        at_once = max(1, min(6, CORES // 2))
        with ThreadPoolExecutor(at_once + 1) as pool:
            running = [pool.submit(self.check_in_python)]
            running += [pool.submit(self.check_in_lammps, *task) for task in tasks]
            for one in as_completed(running):
                self.add("checks", *one.result())

    def check_in_lammps(self, what: str, name, potential, sizes, ranks: int) -> list[dict]:
        if not self.has_time(what):
            return []
        with tempfile.TemporaryDirectory(dir=self.temporary.name) as folder:
            return compare_in_lammps(
                name,
                potential,
                sizes,
                Path(folder),
                ranks=ranks,
                threads=CORES // 2 if max(sizes) > 10000 else 1,
                timeout=self.timeout,
            )

    def check_in_python(self, *before: str) -> list[dict]:
        """before: a command that runs the one that follows it."""
        few = ["--few"] if self.small or before else []
        command = [*before, sys.executable, str(HERE / "comparisons.py"), *few]
        where = {"host": "Python", "potential": "all", "precision": "all", "atoms": 0, "ranks": 1}
        found, said, status = [], [], None
        for line in lines_of(command, self.timeout):
            if isinstance(line, int):
                status = line
            elif line.startswith("{"):
                found.append(json.loads(line))
            else:
                said.append(line.strip())
        if status != 0:
            error = RuntimeError(f"it ended with {status}: {' | '.join(said[-8:])}")
            found.append(failure(error, **where))
        return found

    def sanitizer(self) -> None:
        tool = tool_path("compute-sanitizer")
        if tool is None:
            self.results["left_out"].append("sanitizer: no compute-sanitizer was found.")
            return
        names = list(comparisons.few_potentials())
        tasks = [("memcheck", "Python", None)]
        tasks += [(kind, "LAMMPS", name) for kind in ("memcheck", "racecheck") for name in names]
        with ThreadPoolExecutor(max(1, min(8, CORES // 2))) as pool:
            running = [pool.submit(self.sanitize, tool, *task) for task in tasks]
            for one in as_completed(running):
                self.add("sanitizer", *one.result())

    def sanitize(self, tool: Path, kind: str, host: str, name: str | None) -> Iterator[dict]:
        what = f"{kind}, {host}, {name or 'one of every descriptor'}"
        if not self.has_time(what):
            return []
        with tempfile.TemporaryDirectory(dir=self.temporary.name) as folder:
            log = Path(folder) / "sanitizer.txt"
            command = [str(tool), "--tool", kind, "--error-exitcode", "99", "--log-file", str(log)]
            command += ["--target-processes", "all"]
            if host == "Python":
                found = self.check_in_python(*command)
            else:
                program = Path(folder) / "lmp_of_sanitizer"
                words = " ".join(f"'{word}'" for word in [*command, program_path("lmp")])
                program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
                program.chmod(0o755)
                found = compare_in_lammps(
                    name,
                    comparisons.few_potentials()[name],
                    [7, 40],
                    Path(folder),
                    precisions=["double"],
                    timeout=self.timeout,
                    program=program,
                )
            said = log.read_text() if log.exists() else ""
            summary = re.findall(r"=+ (\w+ SUMMARY: .*)", said)
            clean = bool(summary) and all(re.search(r": 0 (errors|hazards)", s) for s in summary)
            wrong = [one for one in found if not one["passed"]]
            result = {"tool": kind, "what": what, "passed": clean and not wrong, "summary": summary}
            if not result["passed"]:
                result |= {"said": said[:4000], "failed": wrong[:3]}
            return [result]

    def rates(self) -> None:
        seconds = 0.1 if self.small else 1.5
        for precision in ("double", "single"):
            for size in ("1 million", "2 thousand", "32 thousand"):
                for case in self.cases:
                    self.rate(case, size, precision=precision, seconds=seconds)
        self.results["device"]["after_rates"] = devices()

    def parts(self) -> None:
        for size in ("2 thousand", "1 million"):
            for case in self.cases[:1] if self.small else self.cases[:2]:
                for parts in (32, 1) if self.small else (1, 2, 4, 8, 16, 32):
                    self.rate(case, size, parts=parts, seconds=0.1 if self.small else 0.5)

    def grades(self) -> None:
        for size in ("2 thousand", "1 million"):
            for case in self.cases[:1] if self.small else self.cases[:3]:
                self.rate(case, size, grade="1", seconds=0.1 if self.small else 0.5)

    def ranks(self) -> None:
        for ranks in (2, 4, 8):
            for case in self.cases[:1] if self.small else self.cases[:3]:
                if ranks <= max(2, CORES):
                    self.rate(case, "1 million", ranks=ranks, seconds=0.1 if self.small else 1.5)

    def fits(self) -> None:
        for device, threads in (("cuda", 1), ("cpu", 2)):
            if not self.has_time(device):
                continue
            # The CPU takes a part: its rate does not depend on the number.
            configurations = 2 if self.small else 500 if device == "cuda" else 50
            seconds = 0.1 if self.small else 2.0
            measured = measure_fit(
                device, threads=threads, configurations=configurations, seconds=seconds
            )
            self.add("fits", measured)
            print(f"fit, {device}: {1e-3 * measured['rate']:.1f} katom/s", flush=True)

    def cpu(self) -> None:
        for case in self.cases[:1] if self.small else self.cases:
            self.rate(case, "32 thousand", device="cpu", threads=CORES, seconds=1.0)

    def rate(self, case: DeviceCase, size: str, **how: Any) -> None:
        what = ", ".join([case.name, size, *map(str, how.values())])
        if SIZES.index(size) >= len(case.repeats) or not self.has_time(what):
            return
        try:
            measured = measure_rate(self.sized(case), size, timeout=self.timeout, **how)
        except Exception as error:
            self.add_error(what, error)
            return
        self.add("rates", measured)
        print(f"{what}: {1e-6 * measured['rate']:.3f} Matom-step/s", flush=True)

    def kernels(self) -> None:
        tool = self.kernel_timer()
        if tool is None:
            self.results["left_out"].append("kernels: no libkernel_timer.so, and no compiler.")
            return
        for size in ("32 thousand", "2 thousand"):
            for case in self.cases:
                if not self.has_time(f"{case.name}, {size}"):
                    continue
                try:
                    timed = time_kernels(self.sized(case), size, tool, timeout=self.timeout)
                except Exception as error:
                    self.add_error(f"kernels of {case.name}, {size}", error)
                else:
                    self.add("kernels", timed)

    def profile(self) -> None:
        tool = tool_path("ncu")
        if tool is None:
            self.results["left_out"].append("profile: no ncu was found.")
            return
        for size in ("32 thousand", "2 thousand"):
            for case in self.cases[:3]:
                what = f"{case.name}, {size}"
                if not self.has_time(what):
                    continue
                self.save()  # makes the folder
                log = self.output / "device" / f"profile_{case.name}_{size.replace(' ', '_')}.csv"
                try:
                    found = profile_kernels(self.sized(case), size, tool, log, timeout=self.timeout)
                except Exception as error:
                    self.add_error(f"profile of {what}", error)
                else:
                    self.add("profile", found)

    def kernel_timer(self) -> Path | None:
        if self.bundle:
            return self.bundle / "libkernel_timer.so"
        library = Path(self.temporary.name) / "libkernel_timer.so"
        return compile_kernel_timer(library) if shutil.which("c++") else None

    def sized(self, case: DeviceCase) -> DeviceCase:
        """As it is, or of a few cells."""
        if not self.small:
            return case
        repeats = [[1, 1, 1]] * 3 if case.name == "n2p2_h2o" else [[2, 2, 2], [3, 2, 2], [3, 3, 2]]
        numbers = vars(case) | {"repeats": repeats}
        return DeviceCase(**numbers)


def compile_kernel_timer(library: Path) -> Path:
    source = HERE / "kernel_timer.cpp"
    command = ["c++", "-std=c++20", "-O2", "-fPIC", "-shared", str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    return library


def devices() -> list[dict[str, str]]:
    """What nvidia-smi says of each; none without it."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={','.join(NUMBERS)}", "--format=csv,noheader"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return [
        dict(zip(NUMBERS, map(str.strip, line.split(",")), strict=False))
        for line in said.stdout.splitlines()
    ]


def tool_path(name: str) -> Path | None:
    """A program of CUDA's toolkit."""
    folders = [Path(os.environ[name]) / "bin" for name in ("CUDA_HOME",) if name in os.environ]
    folders += sorted(Path("/usr/local").glob("cuda*/bin")) + sorted(Path("/opt").glob("cuda*/bin"))
    found = shutil.which(name)
    for folder in folders:
        found = found or shutil.which(name, path=str(folder))
    return Path(found) if found else None


def lines_of(command: list[str], timeout: float) -> Iterator[str | int]:
    """What a program prints, line by line, then its exit status; it is ended after the timeout."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        yield from process.stdout
        yield process.wait()
        timer.cancel()
