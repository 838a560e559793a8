"""Fit FitSNAP's tantalum example and compare the coefficients with FitSNAP's own.

A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015): linear SNAP, 2J = 6, on top of ZBL.

    python bench/fit_tantalum.py --data FOLDER

FOLDER holds Ta.extxyz, Ta_pot.snapcoeff and Ta_pot.snapparam. Records: tantalum/MODEL.json.
"""

from __future__ import annotations

import forcesmith as fs
import numpy as np
import tables
from records import argument_parser, write_record

WEIGHTS = {  # of FitSNAP's groups: energy, force, virial
    "Displaced_A15": (100, 1, 1e-8),
    "Displaced_BCC": (100, 1, 1e-8),
    "Displaced_FCC": (100, 1, 1e-8),
    "Elastic_BCC": (1e-8, 1e-8, 1e-4),
    "Elastic_FCC": (1e-9, 1e-9, 1e-9),
    "GSF_110": (100, 1, 1e-8),
    "GSF_112": (100, 1, 1e-8),
    "Liquid": (467, 1, 1e-8),
    "Surface": (100, 1, 1e-8),
    "Volume_A15": (1, 1e-9, 1e-9),
    "Volume_BCC": (1, 1e-9, 1e-9),
    "Volume_FCC": (1, 1e-9, 1e-9),
}


def main() -> None:
    arguments = argument_parser(__doc__, required=True).parse_args()
    train = fs.read(arguments.data / "Ta.extxyz")
    theirs = fs.Potential.read(arguments.data / "Ta_pot.snapcoeff")
    names = ("energy", "force", "stress")
    records = []
    for model in ("linear", "quadratic"):
        settings = {
            "descriptor": {
                "type": "bispectrum",
                "twojmax": 6,
                "rcutfac": 4.67637,
                "bzeroflag": False,
            },
            "model": {"type": model},
            "zbl": {"inner": 4.0, "outer": 4.8},
            "weights": {
                "convention": "fitsnap",
                "groups": {g: dict(zip(names, w, strict=True)) for g, w in WEIGHTS.items()},
            },
            "optimizer": {"ridge": 0.0},
        }
        result = fs.fit(train, settings=settings)
        errors = result.train_errors.total
        results = {
            "seconds": result.seconds,
            "peak_memory_mb": result.peak_memory_mb,
            "energy_mae": errors.energy_mae,
            "force_mae": errors.force_mae,
        }
        if model == "linear":
            ours = result.potential._core.model_parameters
            difference = np.max(np.abs(ours / theirs._core.model_parameters - 1))
            results["largest_difference"] = float(difference)
        records.append(
            write_record(
                "tantalum", model, settings=settings, results=results, folder=arguments.output
            )
        )
    print(f"{tables.tantalum(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
