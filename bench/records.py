"""Records of benchmarks: one JSON file per case, results/BENCHMARK/CASE.json beside this file.

    benchmark, case   what was measured
    commit            of the repository, with "-dirty" where files had changed; null: not known
    date              ISO 8601; null: not known
    machine           processor, instruction set of the kernels, cores
    versions          of forcesmith, and of the programs that it was compared with
    settings          what the program was told
    results           what it found; names say units, or the program does

The pages of the documentation are made from these files (tables.py). A program that measures a case
again replaces its file; whether the new numbers are to be kept is for `git diff` to show.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from forcesmith.files import write_atomically

RESULTS = Path(__file__).resolve().parent / "results"


def write_record(
    benchmark: str,
    case: str,
    *,
    settings: dict[str, Any],
    results: dict[str, Any],
    peers: tuple[str, ...] = (),
    folder: Path = RESULTS,
) -> dict[str, Any]:
    """Writes the record of a case that was just measured, and returns it.

    peers: Python distributions whose versions belong to it, beside forcesmith.
    """
    record = {
        "benchmark": benchmark,
        "case": case,
        "commit": commit(),
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in ("forcesmith", *peers)},
        "settings": settings,
        "results": results,
    }
    save_record(record, folder)
    return record


def save_record(record: dict[str, Any], folder: Path = RESULTS) -> Path:
    path = folder / record["benchmark"] / f"{record['case']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(record, indent=1) + "\n")
    return path


def read_records(benchmark: str, folder: Path = RESULTS) -> list[dict[str, Any]]:
    """All records of a benchmark, by the names of their cases."""
    return [json.loads(path.read_text()) for path in sorted((folder / benchmark).glob("*.json"))]


def machine() -> dict[str, Any]:
    from forcesmith._core import instruction_set

    return {
        "processor": processor(),
        "instruction_set": instruction_set(),
        "cores": len(os.sched_getaffinity(0)),
    }


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


@cache
def commit() -> str | None:
    """When first asked, before records of this run are among the files that changed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    found = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True)
    return found.stdout.strip() or None


def argument_parser(description: str, **data: Any) -> argparse.ArgumentParser:
    """What every program here can be told; data: of the option --data, such as required."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, **data)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the records")
    return parser
