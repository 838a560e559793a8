"""Structures derived from polymorphs: supercells of crystals, damaged and distorted by chance.

M. J. Waters and J. M. Rondinelli, J. Phys.: Condens. Matter 34, 385901 (2022), section II.D.3.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from ase import Atoms
from pydantic import Field, field_validator

from forcesmith.sampling.sampler import RandomDraws
from forcesmith.sampling.structures import check_elements, have_room

ATTEMPTS = 100  # at a structure without atoms too close
STRAIN_ATTEMPTS = 10_000  # at a strain that nearly keeps the volume


class PolymorphDerived(RandomDraws):
    """Damaged and distorted supercells of crystals.

    Of a random supercell, atoms are deleted and substituted, the cell is strained and dilated, and
    atoms are displaced."""

    kind: ClassVar[str] = "polymorph_derived"

    cutoff: float = Field(6.5, gt=0.0, le=50.0)
    """Of the potential, angstrom: in every direction the crystal is repeated at most as often as
    its width needs to reach this."""
    deletion: float = Field(0.05, ge=0.0, lt=1.0)
    """Probability of every atom to be deleted."""
    substitution: float = Field(0.05, ge=0.0, le=1.0)
    """Probability of every atom to become one of `elements` by chance (which may be its own)."""
    elements: list[str] = []
    """For substitutions; by default those of the crystal."""
    strain: float = Field(0.1, ge=0.0, le=0.5)
    """Every vector of the cell is changed by this part of its length, in a random direction."""
    volume_change: float = Field(0.05, gt=0.0, lt=1.0)
    """Strains that change the volume by a larger part are drawn anew."""
    shrink_bias: float = Field(0.25, ge=0.0, le=1.0)
    """After that the cell is dilated by the factor 1 + strain (u - shrink_bias), u uniform from 0
    to 1: with 0 it only grows, with 1 it only shrinks."""
    displacement: float = Field(0.2, ge=0.0, le=2.0)
    """Standard deviation of the displacement of every atom in every direction, angstrom."""
    most_atoms: int = Field(200, ge=1, le=100_000)
    """Of supercells, before deletions."""
    closest: float = Field(0.5, ge=0.0, lt=1.0)
    """Structures with atoms closer than this part of the sum of their covalent radii are drawn
    anew."""

    @field_validator("elements")
    @classmethod
    def _known_elements(cls, elements: list[str]) -> list[str]:
        check_elements(elements, "substitutions")
        return elements

    def check(self) -> None:
        """Raise ValueError for crystals that are too large, or that are none."""
        self.check_periodic()
        for given in self.given:
            if len(given.atoms) > self.most_atoms:
                raise ValueError(
                    f"{self.names(given)}: one cell has {len(given.atoms)} atoms, more than "
                    f"most_atoms = {self.most_atoms}."
                )

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        for _ in range(ATTEMPTS):
            atoms = structure.repeat(self._repetitions(structure, rng))
            del atoms[rng.random(len(atoms)) < self.deletion]
            if len(atoms) == 0:
                continue
            self._substitute(atoms, sorted(set(structure.symbols)), rng)
            atoms.set_cell(self._strained(atoms, rng), scale_atoms=True)
            atoms.positions += rng.normal(0.0, self.displacement, atoms.positions.shape)
            atoms.wrap()
            if have_room(atoms, self.closest):
                yield atoms
                return
        raise ValueError(
            f"{self.where}: {ATTEMPTS} structures in turn had no atoms, or atoms closer than "
            f"{self.closest:g} times the sum of their radii; lower displacement, strain or closest."
        )

    def _repetitions(self, crystal: Atoms, rng: np.random.Generator) -> tuple[int, ...]:
        heights = 1 / np.linalg.norm(crystal.cell.reciprocal().array, axis=1)
        most = np.maximum(1, np.ceil(self.cutoff / heights - 1e-9)).astype(int)
        allowed = [
            numbers
            for numbers in itertools.product(*(range(1, n + 1) for n in most))
            if np.prod(numbers) * len(crystal) <= self.most_atoms
        ]
        return allowed[int(rng.integers(len(allowed)))]

    def _substitute(self, atoms: Atoms, own: list[str], rng: np.random.Generator) -> None:
        chosen = np.flatnonzero(rng.random(len(atoms)) < self.substitution)
        atoms.symbols[chosen] = rng.choice(self.elements or own, len(chosen)).tolist()

    def _strained(self, atoms: Atoms, rng: np.random.Generator) -> np.ndarray:
        """A cell (3, 3)."""
        cell, lengths = atoms.cell.array, atoms.cell.lengths()[:, np.newaxis]
        for _ in range(STRAIN_ATTEMPTS):
            directions = rng.normal(size=(3, 3))
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            new = cell + self.strain * lengths * directions
            if abs(np.linalg.det(new) / np.linalg.det(cell) - 1) <= self.volume_change:
                return new * (1 + self.strain * (rng.random() - self.shrink_bias))
        raise ValueError(
            f"{self.where}: none of {STRAIN_ATTEMPTS} strains of {self.strain:g} kept the volume "
            f"within {self.volume_change:g}; lower strain, or allow a larger volume_change."
        )
