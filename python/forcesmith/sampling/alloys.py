"""Alloys on the sites of a crystal: by chance, quasirandom, or with atoms that changed places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from pydantic import Field, field_validator

from forcesmith.data.labels import shortened
from forcesmith.sampling.crystals import CrystalSampler
from forcesmith.sampling.sampler import RandomDraws
from forcesmith.sampling.structures import check_elements, whole_numbers

SHELL_WIDTH = 0.05  # angstrom; distances further apart are of different shells
HOTTEST, COLDEST = 0.3, 0.003  # of annealing, in units of the objective
EXACT = 1e-9  # of a short-range order that is 0


class AlloySampler(CrystalSampler, RandomDraws):
    """What alloys on the sites of a crystal have in common."""

    sublattice: str = ""
    """Only on the sites of this element of the crystal."""

    def check(self) -> None:
        """Raise ValueError for a sublattice that a crystal does not have."""
        super().check()
        for given in self.given:
            if self.sublattice and self.sublattice not in given.atoms.symbols:
                raise ValueError(
                    f"{self.names(given)}: it has no sites of {shortened(self.sublattice)}; choose "
                    "one of its elements as sublattice."
                )

    def _sites(self, atoms: Atoms) -> np.ndarray:
        """Their numbers."""
        if self.sublattice:
            return np.flatnonzero(atoms.symbols == self.sublattice)
        return np.arange(len(atoms))


class RandomAlloys(AlloySampler):
    """Elements spread by chance over the sites of a crystal."""

    kind: ClassVar[str] = "random_alloys"

    elements: list[str] = Field(min_length=2)
    """On the sites; how many atoms of each is taken by chance, too."""

    @field_validator("elements")
    @classmethod
    def _known_elements(cls, elements: list[str]) -> list[str]:
        check_elements(elements, "alloys")
        return elements

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        atoms = self.repeated(structure)
        sites = self._sites(atoms)
        composition = rng.dirichlet(np.ones(len(self.elements)))
        atoms.symbols[sites] = rng.choice(self.elements, len(sites), p=composition).tolist()
        yield self.displaced(atoms, rng)


class QuasirandomAlloys(AlloySampler):
    """Special quasirandom structures: their pairs are, by shells, those of a random alloy.

    Simulated annealing of the objective of A. van de Walle et al., Calphad 42, 13 (2013), with
    pairs only: the sum of all |Warren-Cowley parameters|, less the distance up to which they
    vanish, in nearest-neighbor distances. `info["short_range_order"]` is the largest |parameter|
    that is left.
    """

    kind: ClassVar[str] = "quasirandom_alloys"

    width: float = Field(8.0, ge=0.0, le=100.0)
    """Angstrom; the crystal is repeated until it is at least so wide in every direction."""
    composition: dict[str, Annotated[float, Field(gt=0.0, lt=1.0)]] = Field(min_length=2)
    """Fractions of the sites, {Cu = 0.75, Au = 0.25}, rounded to whole atoms."""
    shells: int = Field(3, ge=1, le=20)
    """Of neighbors that count."""
    swaps: int = Field(5000, ge=1, le=10_000_000)
    """That annealing tries."""

    @field_validator("composition")
    @classmethod
    def _whole(cls, composition: dict[str, float]) -> dict[str, float]:
        check_elements(composition, "alloys")
        if abs(sum(composition.values()) - 1) > 1e-6:
            raise ValueError(f"the fractions add up to {sum(composition.values()):g}, not to 1")
        return composition

    def check(self) -> None:
        """Raise ValueError for a sublattice that a crystal does not have, or with too few sites."""
        super().check()
        for given in self.given:
            counts = self._counts(len(self._sites(self.repeated(given.atoms))))
            if counts.min() == 0:
                raise ValueError(
                    f"{self.names(given)}: of {counts.sum()} sites none is left for "
                    f"{list(self.composition)[counts.argmin()]}; take a larger width."
                )

    def _counts(self, n_sites: int) -> np.ndarray:
        return whole_numbers(np.array(list(self.composition.values())), n_sites)

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        atoms = self.repeated(structure)
        sites = self._sites(atoms)
        counts = self._counts(len(sites))
        pairs = PairCorrelations(atoms[sites], self.shells, counts)
        occupation = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        occupation = self._annealed(occupation, pairs, rng)
        atoms.symbols[sites] = np.array(list(self.composition))[occupation].tolist()
        atoms.info["short_range_order"] = float(np.abs(pairs.short_range_order(occupation)).max())
        yield self.displaced(atoms, rng)

    def _annealed(
        self, occupation: np.ndarray, pairs: PairCorrelations, rng: np.random.Generator
    ) -> np.ndarray:
        now = lowest = pairs.objective(occupation)
        best = occupation.copy()
        for temperature in np.geomspace(HOTTEST, COLDEST, self.swaps):
            i = rng.integers(len(occupation))
            j = rng.choice(np.flatnonzero(occupation != occupation[i]))
            occupation[[i, j]] = occupation[[j, i]]
            new = pairs.objective(occupation)
            if rng.random() >= np.exp(min(0.0, (now - new) / temperature)):
                occupation[[i, j]] = occupation[[j, i]]
                continue
            now = new
            if now < lowest - EXACT:
                lowest, best = now, occupation.copy()
        return best


class PairCorrelations:
    """Of the elements on the sites of a crystal, by shells of neighbors."""

    def __init__(self, sites: Atoms, n_shells: int, counts: np.ndarray):
        """counts: atoms of every element."""
        radius, distances = 3.0, np.empty(0)
        while len(distances) <= n_shells:  # the last one may not be whole
            radius *= 1.3
            self._first, self._second, lengths = neighbor_list("ijd", sites, radius)
            ordered = np.sort(lengths)
            distances = ordered[np.diff(ordered, prepend=-1.0) > SHELL_WIDTH]
        self.distances = distances[:n_shells]
        """Where shells begin, (n_shells,), angstrom."""
        own = lengths < distances[n_shells] - SHELL_WIDTH / 2
        self._first, self._second = self._first[own], self._second[own]
        self._shell = np.searchsorted(self.distances, lengths[own], side="right") - 1
        fractions = counts / counts.sum()
        n_pairs = np.bincount(self._shell, minlength=n_shells)
        self._random = n_pairs[:, np.newaxis, np.newaxis] * np.outer(fractions, fractions)
        self._upper = np.triu_indices(len(counts), 1)

    def short_range_order(self, occupation: np.ndarray) -> np.ndarray:
        """Warren-Cowley parameters, (n_shells, n_pairs of different elements): 0 in a random alloy.

        occupation: (n_sites,) numbers of elements."""
        n = self._random.shape[1]
        code = (self._shell * n + occupation[self._first]) * n + occupation[self._second]
        found = np.bincount(code, minlength=self._random.size).reshape(self._random.shape)
        return (1 - found / self._random)[:, *self._upper]

    def objective(self, occupation: np.ndarray) -> float:
        """Lower is more random."""
        order = np.abs(self.short_range_order(occupation)).sum(axis=1)
        wrong = np.flatnonzero(order > EXACT)
        n_exact = int(wrong[0]) if len(wrong) else len(order)
        reach = self.distances[n_exact - 1] / self.distances[0] if n_exact else 0.0
        return float(order.sum() - reach)


class SwappedAlloys(CrystalSampler, RandomDraws):
    """Crystals in which pairs of atoms of different elements, taken by chance, changed places."""

    kind: ClassVar[str] = "swapped_alloys"

    elements: list[str] = []
    """Whose atoms change places; by default all of the crystal."""
    swaps: int = Field(1, ge=1, le=100_000)
    """Of every structure, one after the other."""

    @field_validator("elements")
    @classmethod
    def _known_elements(cls, elements: list[str]) -> list[str]:
        check_elements(elements, "swaps")
        return elements

    def check(self) -> None:
        """Raise ValueError for crystals in which nothing can be swapped."""
        super().check()
        for given in self.given:
            own = set(given.atoms.symbols)
            if len(own & set(self.elements or own)) < 2:
                raise ValueError(
                    f"{self.names(given)}: swaps need atoms of two elements, but there are only "
                    f"those of {shortened(', '.join(sorted(own & set(self.elements or own))))}."
                )

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        atoms = self.repeated(structure)
        sites = np.flatnonzero(np.isin(atoms.symbols, self.elements or sorted(set(atoms.symbols))))
        numbers = atoms.numbers
        for _ in range(self.swaps):
            i = rng.choice(sites)
            j = rng.choice(sites[numbers[sites] != numbers[i]])
            numbers[[i, j]] = numbers[[j, i]]
        atoms.numbers = numbers
        yield self.displaced(atoms, rng)
