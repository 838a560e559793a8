"""Fits over many ratios of force weight to energy weight: the fair way to compare models, since
each of them trades one error for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from ase import Atoms

from forcesmith.data.dataset import Dataset
from forcesmith.training.fitting import fit
from forcesmith.training.settings import FitSettings


def parse_ratios(text: str) -> list[float]:
    """Ratios of "1e-4:1e4:9" (first, last, number; evenly on a logarithmic scale) or "0.01,0.1,1".

    Raises ValueError with one sentence for anything else.
    """
    try:
        if ":" in text:
            first, last, number = text.split(":")
            ratios = np.geomspace(float(first), float(last), int(number)).tolist()
        else:
            ratios = [float(word) for word in text.split(",")]
        if not ratios or not all(0 < ratio < float("inf") for ratio in ratios):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"The ratios '{text}' are not understood; write first:last:number, for example "
            "1e-4:1e4:9, or a list of positive numbers such as 0.01,0.1,1."
        ) from None
    return ratios


def weight_scan(
    train: Sequence[Atoms],
    test: Sequence[Atoms],
    settings: FitSettings,
    ratios: Sequence[float],
) -> Iterator[dict[str, float]]:
    """One fit per ratio of the force weight to the energy weight (which stays).

    Yields rows with "ratio", and the RMSE on the test data (on the training data without test) as
    "energy_rmse" (meV/atom) and "force_rmse" (eV/angstrom), and "seconds".
    """
    train, test = Dataset(train), Dataset(test)  # neighbors are found once
    compared = (test or train).labels
    for name in ("energy", "forces"):
        if compared and all(getattr(labels, name) is None for labels in compared):
            raise ValueError(
                "A scan compares errors of energies and of forces, but no configuration of the "
                f"{'test' if test else 'training'} data has {name}; add them."
            )
    optimizer = settings.optimizer.model_copy(update={"resume": False})  # there is no checkpoint
    active_set = settings.active_set.model_copy(update={"mode": "off"})  # only errors count
    for ratio in ratios:
        weights = settings.weights.model_copy(update={"force": ratio * settings.weights.energy})
        changes = {"weights": weights, "optimizer": optimizer, "active_set": active_set}
        result = fit(train, test, settings.model_copy(update=changes))
        errors = (result.test_errors or result.train_errors).total
        if errors.energy_rmse is None or errors.force_rmse is None:
            raise ValueError(
                "A scan compares errors of energies and of forces, but all configurations with one "
                "of them went to the validation set; give test data."
            )
        yield {
            "ratio": ratio,
            "energy_rmse": errors.energy_rmse,
            "force_rmse": errors.force_rmse,
            "seconds": result.seconds,
        }
