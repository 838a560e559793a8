"""Every descriptor with every model, fitted to the same data: errors, time, memory, MD speed.

    python bench/compare_models.py --data FOLDER [--element Si] [--element Mo]

FOLDER holds Mo_train.extxyz, Mo_test.extxyz and so on (Y. Zuo et al., J. Phys. Chem. A 124, 731
(2020)). Every fit runs in a process of its own, so that its peak memory is its own. Rates are those
of pair_style forcesmith on one core, in crystals of about 2000 atoms. Records: models/, one each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import forcesmith as fs
import tables
from ase.build import bulk
from ase.io import write
from forcesmith.lammps import run
from records import argument_parser, write_record

CRYSTALS = {"Mo": ("bcc", 3.17, 10), "Si": ("diamond", 5.47, 6)}  # lattice, angstrom, repeats
FORCE_WEIGHT = {"Mo": 0.03, "Si": 0.01}  # the energy's is 1
STEPS = 50


def descriptors(element: str) -> dict[str, dict]:
    cutoff = {"Mo": 5.2, "Si": 5.0}[element]
    return {
        "moment tensors, level 16": {
            "type": "moment_tensor",
            "level": 16,
            "cutoff": cutoff,
            "radial_basis_size": 8,
        },
        "bispectrum, 2J = 8": {"type": "bispectrum", "twojmax": 8, "rcutfac": cutoff},
        "symmetry functions": {"type": "symmetry_functions", "cutoff": cutoff},
    }


MODELS = {
    "linear": {"type": "linear"},
    "quadratic": {"type": "quadratic"},
    "network 24-24": {"type": "neural_network", "hidden_layers": [24, 24], "activation": "tanh"},
}
QUADRATIC_LEVEL = 12  # of moment tensors: level 16 has 92 values, 4278 products of two
ITERATIONS = {"linear": 200, "quadratic": 60, "network 24-24": 360}
WEIGHT_DECAY = {  # of the networks
    "symmetry_functions": {"Mo": 1e-6, "Si": 1e-6},
    "bispectrum": {"Mo": 1e-4, "Si": 1e-6},
    "moment_tensor": {"Mo": 1e-5, "Si": 1e-5},
}


def cases(element: str):
    """(descriptor name, model name, settings)"""
    for descriptor_name, descriptor in descriptors(element).items():
        for model_name, model in MODELS.items():
            name, own = descriptor_name, descriptor
            if model_name == "quadratic" and own["type"] == "moment_tensor":
                own = {**own, "level": QUADRATIC_LEVEL}
                name = f"moment tensors, level {QUADRATIC_LEVEL}"
            yield (
                name,
                model_name,
                {
                    "descriptor": own,
                    "model": model,
                    "weights": {"energy": 1.0, "force": FORCE_WEIGHT[element]},
                    "optimizer": {
                        "max_iterations": ITERATIONS[model_name],
                        "weight_decay": (
                            WEIGHT_DECAY[own["type"]][element]
                            if model["type"] == "neural_network"
                            else 0.0
                        ),
                    },
                },
            )


def fit_one(element: str, folder: Path, settings: dict, potential: Path) -> dict:
    result = fs.fit(
        fs.read(folder / f"{element}_train.extxyz"),
        fs.read(folder / f"{element}_test.extxyz"),
        settings,
    )
    result.potential.write(potential)
    return {
        "train": result.train_errors.to_dict()["all"],
        "test": result.test_errors.to_dict()["all"],
        "iterations": len(result.history),
        "seconds": result.seconds,
        "peak_memory_mb": result.peak_memory_mb,
        "values": result.potential._core.size(0),
        "parameters": len(result.potential._core.model_parameters)
        + len(result.potential._core.descriptor_parameters),
    }


def rate(element: str, potential: Path) -> float:
    """katom-step/s of molecular dynamics on one core."""
    lattice, constant, repeats = CRYSTALS[element]
    atoms = bulk(element, lattice, a=constant, cubic=True).repeat(repeats)
    folder = potential.parent
    write(folder / "crystal.data", atoms, format="lammps-data", masses=True)
    script = f"""
        units metal
        read_data crystal.data
        pair_style forcesmith
        pair_coeff * * {potential.name} {element}
        velocity all create 300 1
        fix 1 all nve
        run 5
        run {STEPS}
    """
    return run(script, folder=folder).runs[-1].rate / 1000


def in_own_process(arguments: list[str]) -> dict:
    command = [sys.executable, __file__, "--one", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--element", action="append", choices=sorted(CRYSTALS))
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        element, folder, settings, potential = arguments.one
        print(json.dumps(fit_one(element, Path(folder), json.loads(settings), Path(potential))))
        return
    if arguments.data is None:
        parser.error("--data is required")
    records = []
    with tempfile.TemporaryDirectory() as folder:
        for element in arguments.element or sorted(CRYSTALS):
            for descriptor, model, settings in cases(element):
                potential = Path(folder) / "potential.json"
                given = [element, str(arguments.data), json.dumps(settings), str(potential)]
                results = {"element": element, "descriptor": descriptor, "model": model}
                results |= in_own_process(given)
                results["rate"] = rate(element, potential)
                name = f"{element}_{settings['descriptor']['type']}_{settings['model']['type']}"
                records.append(
                    write_record(
                        "models",
                        name,
                        settings=settings,
                        results=results,
                        peers=("lammps",),
                        folder=arguments.output,
                    )
                )
                print(f"{name}: {results['seconds']:.0f} s", flush=True)
    print(f"\n{tables.models(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
