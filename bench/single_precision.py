"""How far single precision is from double precision: energies and forces of the cases of rates.py.

    python bench/single_precision.py [--data FOLDER] [--case Ta06A]

The structures are those of rates.py, and so is --data. Records: single_precision/CASE.json.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import tables
from rate_cases import CASES, Unavailable, prepare
from records import argument_parser, write_record


def measure(name: str, data: Path | None) -> dict:
    """The results of one case. Raises Unavailable."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(name, Path(folder), data)
    if prepared.potential is None:
        raise Unavailable("it has no potential of ours")
    atoms = prepared.atoms
    exact, single = (prepared.potential.evaluate(atoms, precision=p) for p in ("double", "single"))
    difference = np.abs(single.forces - exact.forces)
    return {
        "text": CASES[name].text,
        "largest_force_difference": float(difference.max()),
        "largest_force": float(np.abs(exact.forces).max()),
        "rms_force_difference": float(np.sqrt((difference**2).mean())),
        "energy_difference_per_atom": abs(single.energy - exact.energy) / len(atoms),
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--case", choices=list(CASES), action="append")
    arguments = parser.parse_args()
    records = []
    for name in arguments.case or CASES:
        try:
            results = measure(name, arguments.data)
        except Unavailable as reason:
            print(f"{name} is left out: {reason}")
            continue
        records.append(
            write_record(
                "single_precision",
                name,
                settings={},
                results=results,
                folder=arguments.output,
            )
        )
    print(f"{tables.single_precision(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
