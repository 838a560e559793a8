"""Grain boundaries: symmetric tilt boundaries of cubic crystals with coincidence-site lattices.

A. P. Sutton, R. W. Balluffi, Interfaces in Crystalline Materials (1995), chapter 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Annotated, ClassVar

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.data import covalent_radii
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list
from pydantic import BeforeValidator, Field, field_validator

from forcesmith.sampling.crystals import CrystalSampler
from forcesmith.sampling.field_types import listed
from forcesmith.sampling.sampler import RandomDraws
from forcesmith.sampling.structures import OVERLAP_DISTANCE, miller_indices

SAME_SITE = 0.01  # angstrom


class GrainBoundaries(CrystalSampler, RandomDraws):
    """Two grains of a cubic crystal, tilted about <001> or <110>: symmetric tilt boundaries.

    The grains are mirror images of each other in the plane of the boundary, with a random
    translation along it. There are two boundaries in every cell. `width` is along the boundary.
    `info` tells `boundary` (plane and axis) and `sigma`, the reciprocal density of sites that both
    grains have in common.
    """

    kind: ClassVar[str] = "grain_boundaries"

    planes: Annotated[list[str], BeforeValidator(listed), Field(min_length=1)] = ["210", "310"]
    """Miller indices of the boundary, in turns by chance: one of them 0, or two the same.
    Sigma is the sum of their squares, halved until it is odd: 5 for "210" and "310" (axis 001), 3
    for "112" and "111", 9 for "221", 11 for "113" (axis 110)."""
    thickness: float = Field(8.0, ge=1.0, le=1000.0)
    """Of both grains, at least, angstrom."""
    opening: float = Field(0.0, ge=0.0, le=5.0)
    """The grains are drawn apart by up to so much, by chance, angstrom."""
    closest: float = Field(0.75, ge=0.0, lt=1.0)
    """Of two atoms closer than this part of the sum of their covalent radii, one is left out."""

    @field_validator("planes")
    @classmethod
    def _readable(cls, planes: list[str]) -> list[str]:
        for text in planes:
            tilt_axis(miller_indices(text))
        return planes

    def check(self) -> None:
        """Raise ValueError for crystals that are not cubic, or closer than `closest` themselves."""
        super().check()
        for given in self.given:
            cell = given.atoms.cell
            if not np.allclose(cell.array, np.eye(3) * cell[0, 0], atol=1e-4 * cell[0, 0]):
                raise ValueError(
                    f"{self.names(given)}: grain boundaries are made of cubic crystals, given by "
                    "their cubic cell with edges along x, y and z."
                )
            if len(_too_close(given.atoms, self.closest)[0]):
                raise ValueError(
                    f"{self.names(given)}: atoms of the crystal itself are closer than "
                    f"{self.closest:g} times the sum of their covalent radii; lower closest."
                )

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        plane = miller_indices(self.planes[int(rng.integers(len(self.planes)))])
        axis = tilt_axis(plane)
        grain = _oriented(structure, plane, axis)
        layers = np.ceil(self.thickness / grain.cell.lengths()[2] - 1e-9).astype(int)
        grain = grain.repeat((*self._repeats(grain)[:2], max(1, layers)))
        edges = grain.cell.lengths()
        mirrored = grain.copy()
        mirrored.positions[:, 2] = 2 * edges[2] - mirrored.positions[:, 2]
        gap = rng.uniform(0, self.opening)
        mirrored.positions += [*(rng.random(2) * edges[:2]), gap]
        atoms = grain + mirrored
        atoms.set_cell([*edges[:2], 2 * (edges[2] + gap)])
        atoms.wrap()
        first, second = _too_close(atoms, self.closest)
        while len(first):
            # the one that is in most such pairs
            del atoms[int(np.bincount(np.concatenate([first, second])).argmax())]
            first, second = _too_close(atoms, self.closest)
        atoms.info["boundary"] = "({} {} {}) [{} {} {}]".format(*plane, *axis)
        atoms.info["sigma"] = coincidence(plane)
        yield self.displaced(atoms, rng)


def tilt_axis(plane: tuple[int, int, int]) -> tuple[int, int, int]:
    """The axis <001> or <110> that lies in a plane. Raises ValueError if there is none."""
    for place, index in enumerate(plane):
        if index == 0:
            return tuple(int(n == place) for n in range(3))  # type: ignore[return-value]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        if abs(plane[a]) == abs(plane[b]):
            axis = [0, 0, 0]
            axis[a], axis[b] = 1, -plane[a] // plane[b]
            return tuple(axis)  # type: ignore[return-value]
    text = " ".join(map(str, plane))
    raise ValueError(
        f'neither <001> nor <110> lies in the plane "{text}"; one of its indices is 0, or two are '
        'the same: "210", "112"'
    )


def coincidence(plane: tuple[int, int, int]) -> int:
    """Sigma of the boundary of two mirror images of a cubic crystal."""
    divisor = gcd(*plane)
    sigma = sum((index // divisor) ** 2 for index in plane)
    while sigma % 2 == 0:
        sigma //= 2
    return sigma


def _oriented(crystal: Atoms, plane: tuple[int, int, int], axis: tuple[int, int, int]) -> Atoms:
    """In the smallest cell with right angles: axis along y, normal of the plane along z."""
    normal = np.array(plane) // gcd(*plane)
    across = np.cross(axis, normal)
    across //= gcd(*across.tolist())
    atoms = make_supercell(crystal, [across, axis, normal])
    atoms.set_cell(np.diag(atoms.cell.lengths()), scale_atoms=True)
    atoms.wrap()
    for direction in range(3):
        while _is_period(atoms, direction):
            cell = atoms.cell.array
            cell[direction] /= 2
            atoms.set_cell(cell)
            kept = atoms.get_scaled_positions(wrap=False)[:, direction] < 1 - 1e-6
            atoms = atoms[kept]
    return atoms


def _is_period(atoms: Atoms, direction: int) -> bool:
    """Whether half of a cell vector is a period, too."""
    moved = atoms.positions + atoms.cell.array[direction] / 2
    distances = get_distances(moved, atoms.positions, atoms.cell, atoms.pbc)[1]
    same = atoms.numbers[distances.argmin(axis=1)] == atoms.numbers
    return bool((same & (distances.min(axis=1) < SAME_SITE)).all())


def _too_close(atoms: Atoms, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of atoms closer than this part of the sum of their covalent radii."""
    radii = np.maximum(ratio * covalent_radii[atoms.numbers], OVERLAP_DISTANCE / 2)
    first, second = neighbor_list("ij", atoms, radii.tolist())
    half = first < second
    return first[half], second[half]
