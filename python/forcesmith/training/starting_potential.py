"""The potential a fit starts from, made from the settings and the data."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from forcesmith import _core
from forcesmith.data.batches import smallest_distances
from forcesmith.data.dataset import Dataset
from forcesmith.data.labels import shortened
from forcesmith.potentials.potential import Potential
from forcesmith.training.environments import with_environments
from forcesmith.training.settings import DescriptorSettings, FitSettings


def starting_potential(train: Dataset, elements: Sequence[str], settings: FitSettings) -> Potential:
    """The potential a fit starts from: a new one, a given one, or one grown from a given one."""
    old = None
    if settings.optimizer.start:
        old = _given_start(settings.optimizer.start, elements)
        if settings.goes_on:
            _refuse_what_a_start_ignores(settings)
            return old
    descriptors = [
        _descriptor(own, train, elements, None if old is None else old.info()["descriptors"])
        for own in settings.descriptors
    ]
    terms = [own.model_dump() for own in settings.all_terms]
    if not terms and old is not None:
        terms = old.info().get("terms", [])
    document = {
        "format": "forcesmith potential",
        "version": 2,
        "elements": list(elements),
        "descriptors": descriptors,
        "model": settings.model.model_dump(exclude={"energy_offsets"}),
        "terms": terms,
    }
    potential = Potential.from_json(json.dumps(document), "the fit settings", trained=False)
    _smallest_distance(train, elements, potential.cutoff)
    core = potential._core
    noise = np.random.default_rng(settings.optimizer.seed).normal(
        size=len(core.descriptor_parameters)
    )
    core.descriptor_parameters = core.descriptor_parameters + 0.1 * noise
    if old is not None:
        core.adopt_descriptor_parameters(old._core)
    given = settings.model.model_dump()
    own = {field["name"] for field in _core.registry()["models"][given["type"]]}
    if {"centroids", "projections"} <= own:
        if ("centroids" in given) != ("projections" in given):
            raise ValueError(
                "The projections and centroids of environments belong together; give both, or "
                "neither, to have them found in the data."
            )
        if "centroids" not in given:
            return with_environments(potential, train)
    return potential


def _given_start(start: str | Potential, elements: Sequence[str]) -> Potential:
    """A potential of its own, so that a fit does not change what the caller holds."""
    if isinstance(start, str):
        return Potential.read(start, elements)
    if start.elements != list(elements):
        raise ValueError(
            f"The potential given as optimizer.start is for the elements "
            f"{', '.join(start.elements)}, but {', '.join(elements)} were asked for."
        )
    return copy.deepcopy(start)


def _refuse_what_a_start_ignores(settings: FitSettings) -> None:
    if settings.all_terms or settings.model.model_fields_set - {"type", "energy_offsets"}:
        raise ValueError(
            "With optimizer.start and no descriptor settings the potential goes on as it is: leave "
            "out `zbl`, `terms` and `model`, or give the descriptor too, to grow a new potential."
        )


def _descriptor(
    settings: DescriptorSettings,
    train: Dataset,
    elements: Sequence[str],
    old: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    """Parameters of one descriptor. old: those of the potential to start from."""
    descriptor = settings.model_dump()
    name = descriptor["type"]
    known = {f["name"] for f in _core.registry()["descriptors"][name]}
    for key, value in descriptor.items():
        if isinstance(value, dict) and set(value) & set(chemical_symbols):
            descriptor[key] = _by_element(value, elements, f"descriptor's '{key}'")
    cutoff = descriptor.get("cutoff")
    if isinstance(cutoff, (int, float)):  # if not, the descriptor says what it wants
        if not 0 < cutoff <= _core.largest_cutoff:
            raise ValueError(
                "The cutoff must be a positive distance in angstrom, at most "
                f"{_core.largest_cutoff:g}, not {shortened(cutoff)}."
            )
        if "min_distance" in known and descriptor.get("min_distance") is None:
            own = [d["min_distance"] for d in old or [] if d["type"] == name]
            smallest = _smallest_distance(train, elements, float(cutoff))
            descriptor["min_distance"] = own[0] if own else 0.95 * smallest
    return descriptor


def _smallest_distance(train: Dataset, elements: Sequence[str], cutoff: float) -> float:
    smallest = smallest_distances(train, elements, cutoff).min()
    if not np.isfinite(smallest):
        raise ValueError(
            f"No two atoms of the training data are closer than the cutoff of {cutoff} angstrom; "
            "there is nothing to fit."
        )
    return float(smallest)


def given_offsets(settings: FitSettings, elements: Sequence[str]) -> np.ndarray | None:
    """Energy offsets of the settings (n_elements,), eV; None if they are to be fitted."""
    offsets = settings.model.energy_offsets
    if offsets is None:
        return None
    return np.array(_by_element(offsets, elements, "model's energy_offsets"))


def _by_element(values: dict[str, Any], elements: Sequence[str], name: str) -> list[Any]:
    """The values in the order of the elements; ValueError unless there is one for each."""
    if set(values) != set(elements):
        raise ValueError(
            f"The {name} are for {', '.join(values)}, but the elements are "
            f"{', '.join(elements)}; give one for each, or none for the default."
        )
    return [values[element] for element in elements]
