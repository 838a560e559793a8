"""Fit moment tensor potentials to the Mo and Si data of Zuo et al. and record errors, time, memory.

Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020).

    python bench/fit_mlearn.py --data FOLDER [--element Mo] [--element Si] [--output FOLDER]

FOLDER holds Mo_train.extxyz, Mo_test.extxyz and so on. Radial functions are found at a low level
first and grown to the final one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from pathlib import Path

import forcesmith as fs
from forcesmith.progress import FitProgress

PUBLISHED_TEST_MAE = {"Mo": (2.83, 0.09), "Si": (2.21, 0.06)}  # meV/atom, eV/angstrom; MTP

CUTOFF = 5.0  # angstrom
STAGES = [  # each starts from the one before
    {"level": 12, "radial_basis_size": 8, "force_weight": 0.003, "iterations": 50},
    {"level": 20, "radial_basis_size": 8, "force_weight": 0.003, "iterations": 15},
    {"level": 20, "radial_basis_size": 12, "force_weight": 0.01, "iterations": 15},
]


def run(element: str, folder: Path, output: Path) -> dict:
    train = fs.read(folder / f"{element}_train.extxyz")
    test = fs.read(folder / f"{element}_test.extxyz")
    started = time.monotonic()
    start = None
    stages = []
    for number, stage in enumerate(STAGES):
        path = output / f"{element}_stage{number}.json"
        result = fs.fit(
            train,
            test,
            descriptor={
                "type": "moment_tensor",
                "level": stage["level"],
                "cutoff": CUTOFF,
                "radial_basis_size": stage["radial_basis_size"],
            },
            weights={"energy": 1.0, "force": stage["force_weight"]},
            optimizer={"max_iterations": stage["iterations"], "start": start},
            checkpoint=path,
            progress=FitProgress(),
        )
        start = str(path)
        stages.append(
            {
                **stage,
                "test": result.test_errors.to_dict()["all"],
                "seconds": result.seconds,
                "peak_memory_mb": result.peak_memory_mb,
            }
        )
    result.train_errors.print(title=f"{element}, train")
    result.test_errors.print(title=f"{element}, test")
    return {
        "element": element,
        "cutoff": CUTOFF,
        "stages": stages,
        "train": result.train_errors.to_dict(),
        "test": result.test_errors.to_dict(),
        "published_test_mae": PUBLISHED_TEST_MAE[element],
        "seconds": time.monotonic() - started,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.processor() or platform.machine(),
        "program": fs.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--element", action="append", choices=sorted(PUBLISHED_TEST_MAE))
    parser.add_argument("--output", type=Path, default=Path("."))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for element in arguments.element or sorted(PUBLISHED_TEST_MAE):
        record = run(element, arguments.data, arguments.output)
        path = arguments.output / f"{element}_mlearn.json"
        path.write_text(json.dumps(record, indent=1) + "\n")
        errors = record["test"]["all"]
        print(
            f"{element}: test MAE {errors['energy_mae']:.2f} meV/atom and "
            f"{errors['force_mae']:.4f} eV/angstrom (published "
            f"{PUBLISHED_TEST_MAE[element][0]} and {PUBLISHED_TEST_MAE[element][1]}), "
            f"{record['seconds']:.0f} s on "
            f"{record['cores']} cores, {record['peak_memory_mb']:.0f} MB"
        )


if __name__ == "__main__":
    main()
