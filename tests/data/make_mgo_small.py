"""Make mgo_small.json: a small Mg/O moment tensor potential for tests, not for physics.

It is fitted to the example's MgO data, with few basis functions and few iterations, so that it is
quick to run and to read; rocksalt MgO is stable with it in molecular dynamics up to 1000 K.
Run it again after a change of the file format or of the fit: python make_mgo_small.py
"""

from pathlib import Path

import forcesmith as fs

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "examples" / "mgo_vacancies" / "mgo_pbe.extxyz"


def main() -> None:
    result = fs.fit(
        fs.read(DATA),
        elements=["Mg", "O"],
        descriptor={
            "type": "moment_tensor",
            "level": 8,
            "cutoff": 4.8,
            "min_distance": 1.5,
            "radial_basis_size": 6,
        },
        weights={"energy": 1.0, "force": 0.01, "stress": 0.1},
        optimizer={"max_iterations": 40, "seed": 1, "threads": 1},
    )
    result.train_errors.print()
    result.potential.write(HERE / "mgo_small.json")


if __name__ == "__main__":
    main()
