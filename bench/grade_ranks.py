"""Do extrapolation grades rank force errors? Spearman's rank correlation on held-out structures.

    python bench/grade_ranks.py --data FOLDER [--element Mo] [--element Si]

FOLDER holds Mo_train.extxyz, Mo_test.extxyz and so on (Y. Zuo et al., J. Phys. Chem. A 124, 731
(2020)). Two models: linear SNAP, and a neural network on symmetry functions. Each is fitted to all
of the training data, and to all but molecular dynamics, whose structures are then held out with the
test set. Beside the grade stands the deviation of a committee (DP-GEN's, see
forcesmith.force_deviation): of networks with other random starts, of SNAP fits to random halves of
the configurations. Records: grade_ranks/ELEMENT_MODEL_DATA.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import forcesmith as fs
import numpy as np
import tables
from ase import Atoms
from records import argument_parser, write_record
from scipy.stats import spearmanr

CUTOFF = {"Mo": 5.2, "Si": 5.0}  # angstrom
MEMBERS = 4
LIMITS = (1.0, 2.0, 10.0)
"""Of grades: within the training set, worth learning, dangerous."""
DYNAMICS = "AIMD-NVT"
"""The group of configurations that is left out."""


def models(element: str) -> dict[str, dict[str, Any]]:
    """Settings of fits."""
    weights = {"energy": 1.0, "force": 0.01}
    return {
        "snap": {
            "descriptor": {"type": "bispectrum", "twojmax": 8, "rcutfac": CUTOFF[element]},
            "weights": weights,
        },
        "network": {
            "descriptor": {"type": "symmetry_functions", "cutoff": CUTOFF[element]},
            "model": {"type": "neural_network", "hidden_layers": [16, 16]},
            "weights": weights,
            "optimizer": {"max_iterations": 150},
        },
    }


def committee(train: list[Atoms], settings: dict[str, Any], name: str) -> list[fs.Potential]:
    """The potential itself, then its companions."""
    members = []
    for member in range(MEMBERS):
        optimizer = {**settings.get("optimizer", {}), "seed": member + 1}
        data = train
        if name == "snap" and member > 0:
            generator = np.random.default_rng(member)
            chosen = generator.permutation(len(train))[: len(train) // 2]
            data = [train[number] for number in sorted(chosen)]
        members.append(fs.fit(data, None, {**settings, "optimizer": optimizer}).potential)
    return members


def rank_correlation(measure: np.ndarray, errors: np.ndarray) -> float:
    return float(spearmanr(measure, errors).statistic)


def run(element: str, name: str, without: str | None, folder: Path, output: Path) -> dict[str, Any]:
    """Fits, grades, and writes the record."""
    all_train = list(fs.read(folder / f"{element}_train.extxyz"))
    held_out = list(fs.read(folder / f"{element}_test.extxyz"))
    train = [atoms for atoms in all_train if atoms.info["config_type"] != without]
    held_out += [atoms for atoms in all_train if atoms.info["config_type"] == without]
    settings = models(element)[name]
    members = committee(train, settings, name)
    active_set = fs.find_active_set(members[0], train)
    results = members[0].evaluate(held_out, grade=True)
    errors = [
        np.linalg.norm(result.forces - atoms.get_forces(), axis=1)
        for result, atoms in zip(results, held_out, strict=True)
    ]
    measures = {
        "grade": [result.grades for result in results],
        "deviation": fs.force_deviation(members, held_out),
    }
    all_errors, grades = np.concatenate(errors), np.concatenate(measures["grade"])
    bins = np.digitize(grades, LIMITS)
    in_dynamics = np.repeat(
        [atoms.info["config_type"] == DYNAMICS for atoms in held_out], [len(own) for own in errors]
    )
    found = {
        what: {
            "of_atoms": rank_correlation(np.concatenate(measure), all_errors),
            "of_atoms_in_dynamics": rank_correlation(
                np.concatenate(measure)[in_dynamics], all_errors[in_dynamics]
            ),
            "of_configurations": rank_correlation(
                np.array([own.max() for own in measure]), np.array([own.max() for own in errors])
            ),
        }
        for what, measure in measures.items()
    }
    return write_record(
        "grade_ranks",
        f"{element}_{name}_{'without_dynamics' if without else 'all'}",
        settings={**settings, "members": MEMBERS, "without": without},
        results={
            "element": element,
            "model": name,
            "without": without,
            "train_configurations": len(train),
            "held_out_configurations": len(held_out),
            "held_out_atoms": len(grades),
            "columns": active_set.n_rows,
            "padded": active_set.n_padded,
            "force_rmse": float(np.sqrt((all_errors**2).mean() / 3)),  # eV/angstrom, of components
            "largest_grade": float(grades.max()),
            "rank_correlation": found,
            "grade_limits": LIMITS,
            # Mean length of the error of a force (eV/angstrom), and atoms, between the limits.
            "mean_error": [
                float(all_errors[bins == b].mean()) if (bins == b).any() else None
                for b in range(len(LIMITS) + 1)
            ],
            "atoms": [int((bins == b).sum()) for b in range(len(LIMITS) + 1)],
        },
        folder=output,
    )


def main() -> None:
    parser = argument_parser(__doc__, required=True)
    parser.add_argument("--element", action="append", choices=sorted(CUTOFF))
    arguments = parser.parse_args()
    records = [
        run(element, name, without, arguments.data, arguments.output)
        for element in arguments.element or sorted(CUTOFF)
        for name in models(element)
        for without in (None, DYNAMICS)
    ]
    print(f"{tables.grade_ranks(records)}\n\n{tables.origin(records)}")


if __name__ == "__main__":
    main()
