"""Where the training data end at short range: told to the potential, which counts what is closer,
and the wall that it gets there (see cpp/potentials/short_range.hpp).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from forcesmith.data.dataset import Dataset
from forcesmith.potentials.potential import Potential

DISTANCE_DIGITS = 6
"""Of the distances kept; rounded down, so that the data themselves are not closer."""
ONSET_IN_RADII = 0.7
"""Onset of the wall of elements that are no neighbors in the data, in sums of covalent radii."""
REPULSIVE_BELOW = 0.97
"""In onsets: below, two atoms alone push each other apart."""
SMALLEST_SLOPE = 0.1
"""With which they do so, eV/angstrom."""
LARGEST_STRENGTH = 1000.0


def set_short_range(potential: Potential, distances: np.ndarray, wall: float) -> None:
    """Tell a potential the smallest distances of its training data.

    distances: (n_elements, n_elements), angstrom; infinity for pairs that are not in the data.
    wall: from this part of it inwards, the descriptors see a constant distance, and atoms repel
    each other; 1 or True: from there on, 0 or False: there is no wall.
    """
    pairs = []
    elements = potential.elements
    for (a, first), (b, second) in combinations_with_replacement(enumerate(elements), 2):
        pair: dict[str, Any] = {"elements": [first, second]}
        radii = [covalent_radii[atomic_numbers.get(element, 0)] for element in (first, second)]
        onset = ONSET_IN_RADII * sum(radii)
        if np.isfinite(distances[a, b]):
            pair["distance"] = _rounded_down(distances[a, b])
            onset = pair["distance"] * wall
        if wall:
            pair |= {"onset": _rounded_down(min(onset, potential.cutoff)), "strength": 1.0}
        pairs.append(pair)
    potential._core.short_range = {"pairs": pairs}


def strengthen_wall(potential: Potential) -> None:
    """Make the wall as strong as it must be for two atoms alone to repel each other inside of it.

    In the data, two atoms are hardly ever alone; a fitted potential may attract them at any
    distance. A potential with a nuclear repulsion of its own (the term `zbl`) gets no second one if
    the first is enough.
    """
    core = potential._core
    given = core.short_range
    if given is None or not any("onset" in pair for pair in given["pairs"]):
        return
    terms = potential.info().get("terms", [])
    least = 0.0 if any(term["type"] == "zbl" for term in terms) else 1.0
    inside = [_dimers_inside(pair) for pair in given["pairs"]]
    slopes = {}
    for strength in (0.0, 1.0):
        core.short_range = {"pairs": [pair | {"strength": strength} for pair in given["pairs"]]}
        slopes[strength] = [_repulsion(potential, atoms) for atoms in inside]
    pairs = []
    for pair, without, with_wall in zip(given["pairs"], slopes[0.0], slopes[1.0], strict=True):
        needed = (SMALLEST_SLOPE - without) / (with_wall - without)
        strength = max(least, float(f"{needed.max():.3g}"))
        if strength > LARGEST_STRENGTH:
            first, second = pair["elements"]
            warnings.warn(
                f"Two atoms {first} and {second} alone attract each other strongly at "
                f"{pair['onset']:.3f} angstrom, where the training data end, and the wall does not "
                "outweigh that; add such dimers to the data.",
                stacklevel=2,
            )
            strength = LARGEST_STRENGTH
        pairs.append(pair | {"strength": strength})
    core.short_range = {"pairs": pairs}


def _rounded_down(distance: float) -> float:
    return float(np.floor(distance * 10**DISTANCE_DIGITS) / 10**DISTANCE_DIGITS)


def _dimers_inside(pair: dict[str, Any]) -> Dataset:
    """Two atoms alone where the wall is switched on."""
    distances = pair["onset"] * np.linspace(0.9, REPULSIVE_BELOW, 36)
    return Dataset(dimers(pair["elements"], distances))


def _repulsion(potential: Potential, atoms: Dataset) -> np.ndarray:
    """-dE/dr of dimers along x, eV/angstrom, (n_dimers,)."""
    results = potential.evaluate(atoms)
    return np.array([result.forces[1, 0] for result in results])


def dimers(elements: Sequence[str], distances: np.ndarray) -> list[Atoms]:
    """Two atoms along x, at each of the distances (angstrom)."""
    return [Atoms(elements, positions=[[0, 0, 0], [r, 0, 0]]) for r in distances]
