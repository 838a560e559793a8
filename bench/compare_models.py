"""Every descriptor with every model, fitted to the same data: errors, time, memory, MD speed.

    python bench/compare_models.py --data FOLDER [--element Si] [--case 'Si_ace*']

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
from fnmatch import fnmatch
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


def descriptors(element: str) -> dict[str, tuple[str, dict]]:
    """By the name in the record: words, settings."""
    cutoff = {"Mo": 5.2, "Si": 5.0}[element]

    def moment_tensor(level: int) -> tuple[str, dict]:
        tensors = {"type": "moment_tensor", "level": level, "cutoff": cutoff}
        return f"moment tensors, level {level}", tensors | {"radial_basis_size": 8}

    def bispectrum(twojmax: int) -> tuple[str, dict]:
        components = {"type": "bispectrum", "twojmax": twojmax, "rcutfac": cutoff}
        return f"bispectrum, 2J = {twojmax}", components

    def ace(*total_degree: int, trained: bool = False) -> tuple[str, dict]:
        functions = {"type": "ace", "cutoff": cutoff, "total_degree": list(total_degree)}
        words = f"ACE, total degrees {', '.join(map(str, total_degree))}"
        if not trained:
            return words, functions
        return f"{words}, trained radial functions", functions | {"train_radial_coefficients": True}

    def pod(nmax: list[int], lmax: list[int]) -> tuple[str, dict]:
        functions = {"type": "pod", "cutoff": cutoff, "nmax": nmax, "lmax": lmax}
        return f"POD, n = {', '.join(map(str, nmax))}", functions

    return {
        "moment_tensor_8": moment_tensor(8),
        "moment_tensor_12": moment_tensor(12),
        "moment_tensor": moment_tensor(16),
        "moment_tensor_20": moment_tensor(20),
        "bispectrum_4": bispectrum(4),
        "bispectrum_6": bispectrum(6),
        "bispectrum": bispectrum(8),
        "ace_small": ace(8, 5, 3),
        "ace": ace(11, 8, 6, 4),
        "ace_trained": ace(11, 8, 6, 4, trained=True),
        "pod_small": pod([6, 4, 2], [0, 3, 2]),
        "pod": pod([8, 6, 4], [0, 4, 3]),
        "pod_large": pod([10, 8, 6, 4], [0, 6, 4, 2]),
        "symmetry_functions": (
            "symmetry functions",
            {"type": "symmetry_functions", "cutoff": cutoff},
        ),
    }


MODELS = {
    "linear": {"type": "linear"},
    "quadratic": {"type": "quadratic"},
    "embedding": {"type": "embedding"},
    "environments": {"type": "environments"},
    "network 24-24": {"type": "neural_network", "hidden_layers": [24, 24], "activation": "tanh"},
}
OF_SOME = {
    "quadratic": {
        *("moment_tensor_12", "bispectrum_4", "bispectrum", "symmetry_functions"),
        *("ace_small", "pod_small", "pod"),
    },
    "embedding": {"ace_small", "ace", "ace_trained", "pod_small", "pod", "pod_large"},
    "environments": {"pod_small", "pod"},
}
"""Quadratic models are for few values: moment tensors of level 16 have 92, and 4278 products.
Embeddings and environments are what the programs of these descriptors have."""
ITERATIONS = {
    "linear": 200,
    "quadratic": 60,
    "embedding": 360,
    "environments": 200,
    "network 24-24": 360,
}
WEIGHT_DECAY = {  # of the networks
    "ace": {"Mo": 1e-5, "Si": 1e-5},
    "symmetry_functions": {"Mo": 1e-6, "Si": 1e-6},
    "bispectrum": {"Mo": 1e-4, "Si": 1e-6},
    "moment_tensor": {"Mo": 1e-5, "Si": 1e-5},
    "pod": {"Mo": 1e-5, "Si": 1e-5},
}


def cases(element: str):
    """(name of the record, descriptor in words, model in words, settings)"""
    for name, (words, descriptor) in descriptors(element).items():
        for model_words, model in MODELS.items():
            kind = model["type"]
            if name not in OF_SOME.get(kind, {name}):
                continue
            decay = WEIGHT_DECAY[descriptor["type"]][element] if kind == "neural_network" else 0.0
            yield (
                f"{element}_{name}_{kind}",
                words,
                model_words,
                {
                    "descriptor": descriptor,
                    "model": model,
                    "weights": {"energy": 1.0, "force": FORCE_WEIGHT[element]},
                    "optimizer": {
                        "max_iterations": ITERATIONS[model_words],
                        "weight_decay": decay,
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
    parser.add_argument("--case", action="append", help="names of records, such as Si_ace*")
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
            for name, descriptor, model, settings in cases(element):
                if arguments.case and not any(fnmatch(name, one) for one in arguments.case):
                    continue
                potential = Path(folder) / "potential.json"
                given = [element, str(arguments.data), json.dumps(settings), str(potential)]
                results = {"element": element, "descriptor": descriptor, "model": model}
                results |= in_own_process(given)
                results["rate"] = rate(element, potential)
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
