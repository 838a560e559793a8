"""What it spares a fit of a network that gradients of the descriptors stay in memory.

    python bench/network_fits.py --data FOLDER [--iterations 80] [--repeats 3]

FOLDER holds Si_train.extxyz (Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020)). The same fit of a
network of 24 and 24 neurons with `optimizer.memory` and without, taking turns, on all cores.
Records: network_fits/.
"""

from __future__ import annotations

from statistics import median

import forcesmith as fs
import tables
from records import argument_parser, write_record

CUTOFF = 5.0  # angstrom
DESCRIPTORS = {
    "bispectrum": {"type": "bispectrum", "twojmax": 8, "rcutfac": CUTOFF},
    "pod": {"type": "pod", "cutoff": CUTOFF},
    "symmetry_functions": {"type": "symmetry_functions", "cutoff": CUTOFF},
}
MEMORY = 2000.0  # MB


def main() -> None:
    parser = argument_parser(__doc__, required=True)
    parser.add_argument("--iterations", type=int, default=80)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    train = fs.read(arguments.data / "Si_train.extxyz")
    records = []
    for name, descriptor in DESCRIPTORS.items():
        settings = {
            "descriptor": descriptor,
            "model": {"type": "neural_network", "hidden_layers": [24, 24], "activation": "tanh"},
            "weights": {"energy": 1.0, "force": 0.01},
            "optimizer": {"max_iterations": arguments.iterations, "weight_decay": 1e-6},
            "active_set": {"mode": "off"},
        }
        seconds: dict[float, list[float]] = {0.0: [], MEMORY: []}
        losses: dict[float, float] = {}
        for _ in range(arguments.repeats):
            for memory, all_seconds in seconds.items():
                optimizer = settings["optimizer"] | {"memory": memory}
                result = fs.fit(train, settings=settings | {"optimizer": optimizer})
                all_seconds.append(result.history[-1]["seconds"])
                losses[memory] = result.history[-1]["loss"]
        results = {
            "values": result.potential.info()["descriptor_values"]["Si"],
            "iterations": len(result.history),
            "kept_seconds": median(seconds[MEMORY]),
            "computed_seconds": median(seconds[0.0]),
            "kept_loss": losses[MEMORY],
            "computed_loss": losses[0.0],
            "all_kept_seconds": seconds[MEMORY],
            "all_computed_seconds": seconds[0.0],
        }
        settings |= {"memory": MEMORY, "repeats": arguments.repeats, "statistic": "median"}
        records.append(
            write_record(
                "network_fits", name, settings=settings, results=results, folder=arguments.output
            )
        )
    print(f"{tables.network_fits(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
