"""Fit moment tensor potentials to the Mo and Si data of Zuo et al. and record errors, time, memory.

Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020).

    python bench/fit_mlearn.py --data FOLDER [--element Mo] [--element Si] [--output FOLDER]

FOLDER holds Mo_train.extxyz, Mo_test.extxyz and so on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path

import forcesmith as fs
from forcesmith.progress import FitProgress

PUBLISHED_TEST_MAE = {"Mo": (2.83, 0.09), "Si": (2.21, 0.06)}  # meV/atom, eV/angstrom; MTP

DESCRIPTOR = {
    "type": "moment_tensor",
    "level": 20,
    "cutoff": 5.2,  # angstrom
    "radial_basis_size": 10,
}
FORCE_WEIGHT = {"Mo": 0.01, "Si": 0.03}  # the energy's is 1
MAX_ITERATIONS = 400


def run(element: str, folder: Path, output: Path) -> dict:
    train = fs.read(folder / f"{element}_train.extxyz")
    test = fs.read(folder / f"{element}_test.extxyz")
    weights = {"energy": 1.0, "force": FORCE_WEIGHT[element]}
    with FitProgress() as progress:
        result = fs.fit(
            train,
            test,
            descriptor=DESCRIPTOR,
            weights=weights,
            optimizer={"max_iterations": MAX_ITERATIONS},
            checkpoint=output / f"{element}.json",
            progress=progress,
        )
    result.train_errors.print(title=f"{element}, train")
    result.test_errors.print(title=f"{element}, test")
    return {
        "element": element,
        "descriptor": DESCRIPTOR,
        "weights": weights,
        "iterations": len(result.history),
        "train": result.train_errors.to_dict(),
        "test": result.test_errors.to_dict(),
        "published_test_mae": PUBLISHED_TEST_MAE[element],
        "seconds": result.seconds,
        "peak_memory_mb": result.peak_memory_mb,
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
