"""Fit FitSNAP's tantalum example and compare the coefficients with FitSNAP's own.

A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015): linear SNAP, 2J = 6, on top of ZBL.

    python bench/fit_tantalum.py --data FOLDER

FOLDER holds Ta.extxyz, Ta_pot.snapcoeff and Ta_pot.snapparam.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import forcesmith as fs
import numpy as np

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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    train = fs.read(folder / "Ta.extxyz")
    theirs = fs.Potential.read(folder / "Ta_pot.snapcoeff")
    names = ("energy", "force", "stress")
    for model in ("linear", "quadratic"):
        result = fs.fit(
            train,
            descriptor={"type": "bispectrum", "twojmax": 6, "rcutfac": 4.67637, "bzeroflag": False},
            model={"type": model},
            zbl={"inner": 4.0, "outer": 4.8},
            weights={
                "convention": "fitsnap",
                "groups": {g: dict(zip(names, w, strict=True)) for g, w in WEIGHTS.items()},
            },
            optimizer={"ridge": 0.0},
        )
        errors = result.train_errors.total
        print(
            f"{model}: {result.seconds:.1f} s, {result.peak_memory_mb:.0f} MB, energy MAE "
            f"{errors.energy_mae:.2f} meV/atom, force MAE {errors.force_mae:.4f} eV/angstrom"
        )
        if model == "linear":
            ours = result.potential._core.model_parameters
            difference = np.max(np.abs(ours / theirs._core.model_parameters - 1))
            print(f"largest relative difference to FitSNAP's coefficients: {difference:.1e}")


if __name__ == "__main__":
    main()
