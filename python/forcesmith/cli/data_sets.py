"""Data that the settings of a fit name, or the arguments of a command beside a potential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forcesmith.cli.options import element_list
from forcesmith.data.dataset import Dataset, split
from forcesmith.data.label_settings import LabelSettings
from forcesmith.data.reading import read
from forcesmith.potentials.potential import Potential, is_n2p2_potential
from forcesmith.training.settings import FitSettings


def read_sets(
    settings: FitSettings, labels: dict[str, Any] | None = None
) -> tuple[Dataset, Dataset]:
    """Training and test configurations, as the settings split them.

    labels: options of the command line, which go before those of the settings.
    """
    data = settings.data
    options = data.model_dump(include=set(LabelSettings.model_fields))
    options |= {"elements": settings.elements, **(labels or {})}
    start = settings.optimizer.start
    if isinstance(start, str) and (start.endswith(".json") or is_n2p2_potential(start)):
        options["potential"] = Potential.read(start)
    train, test = read(data.train, **options), read(data.test, **options)
    if fraction := data.test_fractions or data.test_fraction:
        train, held_out = split(train, fraction, settings.optimizer.seed)
        test = test + held_out
    return train, test


def read_with_potential(
    potential: Path,
    data: list[str],
    elements: str,
    labels: dict[str, Any],
    active_set: bool = True,
) -> tuple[Potential, Dataset]:
    """A potential, and data in whose files it may tell elements and units.

    elements: as the option of the command line has them. active_set: as in `Potential.read`.
    """
    units = {name: labels.get(name) for name in ("cflength", "cfenergy")}
    model = Potential.read(
        str(potential),
        elements=element_list(elements),
        active_set=active_set,
        **(units if is_n2p2_potential(potential) else {}),
    )
    return model, read(data, elements=element_list(elements), potential=model, **labels)


def check_configurations_file(path: Path, inputs: list[str]) -> None:
    """Raises ValueError for an output that is no .extxyz or .xyz file, or one of the inputs."""
    if path.suffix not in (".extxyz", ".xyz"):
        raise ValueError(f"{path}: extended XYZ is written; choose a name that ends in .extxyz.")
    check_other_file(path, inputs)


def check_other_file(path: Path, inputs: list[str]) -> None:
    """Raises ValueError for an output that is one of the inputs."""
    if path.resolve() in {Path(name.partition("@")[0]).resolve() for name in inputs}:
        raise ValueError(f"{path} is one of the files that are read; choose another name.")
