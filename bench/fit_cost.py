"""What a loss with its gradient costs, in units of one plain evaluation of the same training set.

    python bench/fit_cost.py --data FOLDER [--level 16] [--cutoff 5.2] [--repeats 5] [--full-fit]

FOLDER holds Mo_train.extxyz (Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020)). Moment tensors with
a linear model; the gradient is that with all parameters, radial coefficients included. "Plain
evaluation" is energies, forces and virials of all configurations, in batches as in a fit. One core;
the two take turns. --full-fit also makes the whole fit, on all cores.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median

import forcesmith as fs
from forcesmith._core import instruction_set
from forcesmith.training.loss import Loss
from forcesmith.training.settings import FitSettings
from forcesmith.training.starting_potential import starting_potential
from forcesmith.training.training_set import TrainingSet, observables


def seconds_of(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--level", type=int, default=16)
    parser.add_argument("--cutoff", type=float, default=5.2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--full-fit", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("."))
    arguments = parser.parse_args()
    settings = {
        "descriptor": {
            "type": "moment_tensor",
            "level": arguments.level,
            "cutoff": arguments.cutoff,
        },
        "weights": {"energy": 1.0, "force": 0.01},
    }
    train = fs.read(arguments.data / "Mo_train.extxyz")
    checked = FitSettings.from_dict(settings)
    potential = starting_potential(train, ["Mo"], checked)
    training_set = TrainingSet(train, ["Mo"], potential.cutoff, checked.weights)
    core = potential._core
    loss = Loss(core, training_set.batches, slice(None), n_workers=1)
    x = loss.parameters()

    def evaluate() -> None:
        for batch in training_set.batches:
            observables(core, batch, 1)

    plain, both = [], []
    for _ in range(arguments.repeats):
        plain.append(seconds_of(evaluate))
        both.append(seconds_of(lambda: loss(x)))
    record = {
        "level": arguments.level,
        "parameters": len(x),
        "atoms": training_set.n_atoms,
        "instruction_set": instruction_set(),
        "plain_seconds": plain,
        "loss_and_gradient_seconds": both,
        "ratio": median(both) / median(plain),
    }
    print(
        f"{training_set.n_atoms} atoms, {len(x)} parameters, one core: evaluation "
        f"{median(plain):.3f} s, loss and gradient {median(both):.3f} s, "
        f"ratio {record['ratio']:.2f}"
    )
    if arguments.full_fit:
        result = fs.fit(train, fs.read(arguments.data / "Mo_test.extxyz"), settings)
        test = result.test_errors.to_dict()["all"]
        record |= {"fit_seconds": result.seconds, "iterations": len(result.history), "test": test}
        print(
            f"full fit: {result.seconds:.0f} s, {len(result.history)} iterations, test RMSE "
            f"{test['energy_rmse']:.2f} meV/atom, {test['force_rmse']:.3f} eV/angstrom"
        )
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "fit_cost.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
