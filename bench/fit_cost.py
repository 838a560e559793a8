"""What a loss with its gradient costs, in units of one plain evaluation of the same training set.

    python bench/fit_cost.py --data FOLDER [--level 16] [--cutoff 5.2] [--repeats 5] [--full-fit]

FOLDER holds Mo_train.extxyz (Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020)). Moment tensors with
a linear model; the gradient is that with all parameters, radial coefficients included. "Plain
evaluation" is energies, forces and virials of all configurations, in batches as in a fit. One core;
the two take turns. --full-fit also makes the whole fit, on all cores. Records: fit_cost/.
"""

from __future__ import annotations

import time
from statistics import median

import forcesmith as fs
import tables
from forcesmith.training.loss import Loss
from forcesmith.training.settings import FitSettings
from forcesmith.training.starting_potential import starting_potential
from forcesmith.training.training_set import TrainingSet, observables
from records import argument_parser, write_record


def seconds_of(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argument_parser(__doc__, required=True)
    parser.add_argument("--level", type=int, default=16)
    parser.add_argument("--cutoff", type=float, default=5.2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--full-fit", action="store_true")
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
    evaluator = fs._core.Evaluator(potential._core)
    loss = Loss(evaluator, training_set.batches, slice(None), n_workers=1)
    x = loss.parameters()

    def evaluate() -> None:
        for batch in training_set.batches:
            observables(evaluator, batch, 1)

    plain, both = [], []
    for _ in range(arguments.repeats):
        plain.append(seconds_of(evaluate))
        both.append(seconds_of(lambda: loss(x)))
    results = {
        "atoms": training_set.n_atoms,
        "parameters": len(x),
        "plain_seconds": median(plain),
        "loss_and_gradient_seconds": median(both),
        "ratio": median(both) / median(plain),
        "all_plain_seconds": plain,
        "all_loss_and_gradient_seconds": both,
    }
    if arguments.full_fit:
        result = fs.fit(train, fs.read(arguments.data / "Mo_test.extxyz"), settings)
        results["fit"] = {
            "seconds": result.seconds,
            "iterations": len(result.history),
            "test": result.test_errors.to_dict()["all"],
        }
    record = write_record(
        "fit_cost",
        f"Mo_mtp_{arguments.level}",
        settings=settings | {"repeats": arguments.repeats, "statistic": "median", "threads": 1},
        results=results,
        folder=arguments.output,
    )
    print(f"{tables.fit_cost([record])}\n\n{tables.origin([record])}")


if __name__ == "__main__":
    main()
