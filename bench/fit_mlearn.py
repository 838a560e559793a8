"""Fit moment tensor potentials to the Mo and Si data of Zuo et al. and record errors, time, memory.

Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020).

    python bench/fit_mlearn.py --data FOLDER [--element Mo] [--element Si]

FOLDER holds Mo_train.extxyz, Mo_test.extxyz and so on. Records: mlearn/ELEMENT.json.
"""

from __future__ import annotations

from pathlib import Path

import forcesmith as fs
import tables
from forcesmith.progress import FitProgress
from records import argument_parser, write_record

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
    """Fits, and writes the record."""
    train = fs.read(folder / f"{element}_train.extxyz")
    test = fs.read(folder / f"{element}_test.extxyz")
    settings = {
        "descriptor": DESCRIPTOR,
        "weights": {"energy": 1.0, "force": FORCE_WEIGHT[element]},
        "optimizer": {"max_iterations": MAX_ITERATIONS},
    }
    with FitProgress() as progress:
        result = fs.fit(train, test, settings, progress=progress)
    result.train_errors.print(title=f"{element}, train")
    result.test_errors.print(title=f"{element}, test")
    return write_record(
        "mlearn",
        element,
        settings=settings,
        results={
            "train": result.train_errors.to_dict()["all"],
            "test": result.test_errors.to_dict()["all"],
            "published_test_mae": PUBLISHED_TEST_MAE[element],
            "iterations": len(result.history),
            "seconds": result.seconds,
            "peak_memory_mb": result.peak_memory_mb,
        },
        folder=output,
    )


def main() -> None:
    parser = argument_parser(__doc__, required=True)
    parser.add_argument("--element", action="append", choices=sorted(PUBLISHED_TEST_MAE))
    arguments = parser.parse_args()
    records = [
        run(element, arguments.data, arguments.output)
        for element in arguments.element or sorted(PUBLISHED_TEST_MAE)
    ]
    print(f"{tables.mlearn(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
