"""Random packings: atoms as spheres with hard cores, in periodic cells or as clusters.

M. J. Waters and J. M. Rondinelli, J. Phys.: Condens. Matter 34, 385901 (2022), section II.D.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from ase.neighborlist import neighbor_list
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from forcesmith.sampling.sampler import LARGEST_COUNT, Draw, Given, Sampler
from forcesmith.sampling.structures import OVERLAP_DISTANCE, check_elements, whole_numbers

CLOSEST_PACKING = 0.64  # of random packings of equal spheres
ATTEMPTS = 20  # at a packing
PUSHES = 2000  # of spheres that overlap
LARGEST_DRAWS = 1000  # of sizes and compositions, until one fits


def _pair(given: object) -> object:
    return (given, given) if isinstance(given, (int, float)) else given


def _ordered(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the lower end of the range comes first")
    return ends


Range = Annotated[tuple[float, float], BeforeValidator(_pair), AfterValidator(_ordered)]


class RandomPacking(Sampler):
    """Spheres put where it comes, and pushed apart until no hard cores overlap."""

    kind: ClassVar[str] = "random_packing"

    count: int = Field(10, ge=1, le=LARGEST_COUNT)
    """Structures."""
    elements: list[str] = Field(min_length=1)
    """Of the spheres."""
    composition: dict[str, Range] = {}
    """Smallest and largest fraction of atoms of an element, {O = [0.0, 0.67]}, or one number; by
    default any."""
    fraction: Range = (0.05, 0.5)
    """Part of the volume that the spheres fill (where they overlap, twice): a number, or a range. A
    gas has [0.001, 0.02]."""
    radii: dict[str, float] = {}
    """Of the spheres, angstrom; by default the covalent radii."""
    hard_core: float = Field(0.85, ge=0.0, le=1.0)
    """Part of the radii that never overlaps."""
    cutoff: float = Field(6.5, gt=0.0, le=50.0)
    """Radius of the sphere of influence of an atom, angstrom: the cutoff of the potential."""
    size: Range = (1.0, 2.0)
    """Length of the edges of the cell (of a cluster, its diameter), in cutoffs."""
    shape: Literal["cell", "cluster"] = "cell"
    """A periodic cell with right angles, or a ball of atoms in a vacuum."""
    most_atoms: int = Field(200, ge=1, le=100_000)
    """Of a structure."""

    @field_validator("elements")
    @classmethod
    def _known_elements(cls, elements: list[str]) -> list[str]:
        check_elements(elements, "packings")
        return elements

    @model_validator(mode="after")
    def _known_everywhere(self) -> RandomPacking:
        for key in ("composition", "radii"):
            if unknown := set(getattr(self, key)) - set(self.elements):
                raise ValueError(f"`{key}` has {min(unknown)}, which is not one of the elements")
        if min(self.radii.values(), default=1.0) <= 0 or max(self.radii.values(), default=1) > 10:
            raise ValueError("`radii` must be above 0 and at most 10 angstrom")
        return self

    def draws(self) -> list[Draw]:
        nothing = Given("", 0, Atoms())
        return [Draw(nothing, number) for number in range(self.count)]

    def check(self) -> None:
        """Raise ValueError for a fraction, a composition or a size that cannot be."""
        low, high = self._bounds
        if (low < 0).any() or (high > 1).any() or low.sum() > 1 + 1e-9 or high.sum() < 1 - 1e-9:
            raise ValueError(
                f"{self.where}: no composition has fractions in these ranges; the lower ends must "
                "add up to at most 1, the upper ones to at least 1, each from 0 to 1."
            )
        if not 0 < self.fraction[0]:
            raise ValueError(f"{self.where}: the fraction of the volume must be above 0.")
        filled = self.fraction[1] * self.hard_core**3
        if filled > CLOSEST_PACKING:
            raise ValueError(
                f"{self.where}: with a fraction of {self.fraction[1]:g} hard cores of "
                f"{self.hard_core:g} radii fill {filled:.2f} of the volume, but random packings "
                f"reach {CLOSEST_PACKING}; the fraction can be at most "
                f"{CLOSEST_PACKING / self.hard_core**3:.2f}."
            )
        if not 0 < self.size[0]:
            raise ValueError(f"{self.where}: the size must be above 0.")
        fewest = self.fraction[0] * self._volume(np.full(3, self.size[0] * self.cutoff))
        fewest /= self._volumes[high > 0].max()
        if fewest > self.most_atoms + 0.5:
            raise ValueError(
                f"{self.where}: even the smallest cells hold {fewest:.0f} atoms, more than "
                f"most_atoms = {self.most_atoms}; lower size or fraction, or allow more atoms."
            )

    @property
    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the fractions of the elements."""
        ends = np.array([self.composition.get(name, (0.0, 1.0)) for name in self.elements])
        return ends[:, 0], ends[:, 1]

    @property
    def _radii(self) -> np.ndarray:
        return np.array(
            [self.radii.get(e, covalent_radii[atomic_numbers[e]]) for e in self.elements]
        )

    @property
    def _volumes(self) -> np.ndarray:
        return 4 / 3 * np.pi * self._radii**3

    def _volume(self, edges: np.ndarray) -> float:
        """angstrom^3; edges: those of the cell, or three times the diameter."""
        return float(np.prod(edges) * (np.pi / 6 if self.shape == "cluster" else 1))

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        for _ in range(ATTEMPTS):
            fraction, edges, counts = self._drawn(rng)
            # of the volume that whole atoms fill to the wanted fraction
            edges = edges * (self._volumes @ counts / (fraction * self._volume(edges))) ** (1 / 3)
            elements = np.repeat(np.arange(len(counts)), counts)
            atoms = self._packed(elements, edges, rng)
            if atoms is not None:
                yield atoms
                return
        raise ValueError(
            f"{self.where}: in {ATTEMPTS} attempts no packing came about whose hard cores do not "
            f"overlap, the last one of {sum(counts)} atoms and the fraction {fraction:.3g}; lower "
            "fraction or hard_core, or allow larger sizes."
        )

    def _drawn(self, rng: np.random.Generator) -> tuple[float, np.ndarray, np.ndarray]:
        """Fraction, edges (3) and the number of atoms of every element."""
        for _ in range(LARGEST_DRAWS):
            fraction = rng.uniform(*self.fraction)
            edges = self.cutoff * rng.uniform(*self.size, 3)
            if self.shape == "cluster":
                edges[:] = edges[0]
            composition = self._composition(rng)
            n_atoms = fraction * self._volume(edges) / (self._volumes @ composition)
            if n_atoms <= self.most_atoms:
                return fraction, edges, whole_numbers(composition, max(1, round(n_atoms)))
        raise ValueError(
            f"{self.where}: of {LARGEST_DRAWS} sizes and compositions in turn none had at most "
            f"{self.most_atoms} atoms; lower size or fraction, or allow more atoms."
        )

    def _composition(self, rng: np.random.Generator) -> np.ndarray:
        low, high = self._bounds
        for _ in range(LARGEST_DRAWS):
            drawn = low + max(0.0, 1 - low.sum()) * rng.dirichlet(np.ones(len(low)))
            if (drawn <= high + 1e-9).all():
                return drawn
        # ranges so narrow that hardly anything lies between
        return low + (high - low) * (1 - low.sum()) / max((high - low).sum(), 1e-9)

    def _packed(
        self, elements: np.ndarray, edges: np.ndarray, rng: np.random.Generator
    ) -> Atoms | None:
        in_cell = self.shape == "cell"
        positions = rng.random((len(elements), 3)) * edges
        if not in_cell:
            directions = rng.normal(size=(len(elements), 3))
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            positions = edges / 2 * directions * np.cbrt(rng.random((len(elements), 1)))
        symbols = [self.elements[n] for n in elements]
        atoms = Atoms(symbols, positions, cell=edges if in_cell else None, pbc=in_cell)
        radii = np.maximum(self.hard_core * self._radii, OVERLAP_DISTANCE / 2)
        cores = {
            (a, b): radii[i] + radii[j]
            for i, a in enumerate(self.elements)
            for j, b in enumerate(self.elements)
        }
        for _ in range(PUSHES):
            first, second, distances, vectors = neighbor_list("ijdD", atoms, cores)
            if len(first) == 0:
                atoms.wrap()
                return atoms
            if (first == second).any():
                return None  # with its own image: the cell is too small
            overlaps = radii[elements[first]] + radii[elements[second]] - distances
            unit = vectors / np.maximum(distances, 1e-9)[:, np.newaxis]
            pushes = -(0.5 * overlaps + 1e-3)[:, np.newaxis] * unit
            np.add.at(atoms.positions, first, pushes)
            if not in_cell:
                distance = np.linalg.norm(atoms.positions, axis=1, keepdims=True)
                atoms.positions *= np.minimum(1, edges[0] / 2 / np.maximum(distance, 1e-9))
        return None
