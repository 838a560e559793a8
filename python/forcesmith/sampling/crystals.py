"""Crystals under strain and with defects: series of volumes and strains, surfaces, stacking faults,
and point defects."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from pydantic import BeforeValidator, Field, PrivateAttr, field_validator

from forcesmith.sampling.field_types import listed
from forcesmith.sampling.sampler import RandomDraws, Series, StructureSampler
from forcesmith.sampling.structures import (
    COMPONENTS,
    SLAB_THICKNESS,
    check_distances,
    check_elements,
    crystal_layers,
    have_room,
    interstitial_sites,
    miller_indices,
    slab,
    strained,
)
from forcesmith.teachers.labelling import configuration_key

DefectKind = Literal[
    "vacancy", "divacancy", "interstitial", "tetrahedral", "octahedral", "dumbbell", "antisite"
]
INTERSTITIALS = {
    "tetrahedral": ["tetrahedral"],
    "octahedral": ["octahedral"],
    "interstitial": ["tetrahedral", "octahedral"],
}
"""Sites on which a defect of this kind puts an atom."""
REMOVED = {"vacancy": 1, "divacancy": 2}
"""Atoms that a defect of this kind takes away."""
ATTEMPTS = 100  # at a fault without atoms too close
DUMBBELLS = ((1, 0, 0), (1, 1, 0), (1, 1, 1))


class CrystalSampler(StructureSampler):
    """What samplers of crystals have in common."""

    width: float = Field(0.0, ge=0.0, le=100.0)
    """Angstrom; the crystal is repeated until it is at least so wide in every direction."""
    displacement: float = Field(0.0, ge=0.0, le=2.0)
    """Standard deviation of the displacement of every atom in every direction, angstrom."""

    def check(self) -> None:
        """Raise ValueError for structures that are no crystals."""
        self.check_periodic()

    def repeated(self, crystal: Atoms) -> Atoms:
        """At least `width` wide."""
        return crystal.repeat(self._repeats(crystal))

    def _repeats(self, crystal: Atoms) -> np.ndarray:
        heights = 1 / np.linalg.norm(crystal.cell.reciprocal().array, axis=1)
        return np.maximum(1, np.ceil(self.width / heights - 1e-9)).astype(int)

    def displaced(self, atoms: Atoms, rng: np.random.Generator) -> Atoms:
        """With all atoms displaced by chance. Raises ValueError where they overlap."""
        atoms.positions += rng.normal(0.0, self.displacement, atoms.positions.shape)
        check_distances(atoms, self.where)
        return atoms


class VolumeSeries(CrystalSampler, Series):
    """Crystals at different volumes, for curves of energy against volume."""

    kind: ClassVar[str] = "volumes"

    volumes: tuple[float, float] = (0.8, 1.2)
    """First and last volume, relative to that of the structure."""
    points: int = Field(9, ge=2, le=10_000)
    """Volumes of every structure."""

    @field_validator("volumes")
    @classmethod
    def _possible(cls, volumes: tuple[float, float]) -> tuple[float, float]:
        if not all(0.05 <= volume <= 20 for volume in volumes):
            raise ValueError("relative volumes are from 0.05 to 20")
        return volumes

    def length(self) -> int:
        return self.points

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        volume = np.linspace(*self.volumes, self.points)[number]
        atoms = self.repeated(structure)
        atoms.set_cell(atoms.cell.array * volume ** (1 / 3), scale_atoms=True)
        yield self.displaced(atoms, rng)


class ElasticStrains(CrystalSampler, Series):
    """Crystals strained by every component of the strain tensor, in both directions."""

    kind: ClassVar[str] = "elastic_strains"

    amplitudes: Annotated[
        list[Annotated[float, Field(gt=0.0, le=0.5)]], BeforeValidator(listed)
    ] = [0.01, 0.02]
    """Of the strain."""

    def length(self) -> int:
        return 2 * len(self.amplitudes) * len(COMPONENTS)

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        all_of_them = itertools.product(self.amplitudes, COMPONENTS, (1, -1))
        amplitude, component, sign = list(all_of_them)[number]
        yield self.displaced(strained(self.repeated(structure), {component: sign * amplitude}), rng)


class Surfaces(CrystalSampler, Series):
    """Slabs, at least 10 angstrom thick, with 8 angstrom of vacuum on both sides.

    `width` is along the surface."""

    kind: ClassVar[str] = "surfaces"

    surfaces: Annotated[list[str], BeforeValidator(listed)] = ["100", "110", "111"]
    """Miller indices, "110" or "1 -1 0"."""

    @field_validator("surfaces")
    @classmethod
    def _readable(cls, surfaces: list[str]) -> list[str]:
        for text in surfaces:
            miller_indices(text)
        return surfaces

    def length(self) -> int:
        return len(self.surfaces)

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        atoms = slab(structure, self.surfaces[number], self.where)
        along = self._repeats(atoms)[:2]
        yield self.displaced(atoms.repeat((*along, 1)), rng)


class StackingFaults(CrystalSampler, RandomDraws):
    """Crystals of which one half slid over the other, by a random vector in a plane.

    These are points of the generalized stacking fault surface. There is one fault in every cell,
    which is at least 10 angstrom high."""

    kind: ClassVar[str] = "stacking_faults"

    planes: Annotated[list[str], BeforeValidator(listed)] = ["111"]
    """Miller indices, in turns by chance."""
    opening: float = Field(0.0, ge=0.0, le=5.0)
    """The halves are drawn apart by up to so much, by chance, angstrom."""
    closest: float = Field(0.5, ge=0.0, lt=1.0)
    """Faults with atoms closer than this part of the sum of their covalent radii are drawn anew."""

    @field_validator("planes")
    @classmethod
    def _readable(cls, planes: list[str]) -> list[str]:
        for text in planes:
            miller_indices(text)
        return planes

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        indices = miller_indices(self.planes[int(rng.integers(len(self.planes)))])
        layer = crystal_layers(structure, indices, 1)
        normal = np.cross(*layer.cell.array[:2])
        normal /= np.linalg.norm(normal)
        layers = int(np.ceil(SLAB_THICKNESS / abs(layer.cell.array[2] @ normal)))
        atoms = crystal_layers(structure, indices, layers)
        perfect = atoms.cell.array.copy()
        for _ in range(ATTEMPTS):
            cell = perfect.copy()
            # atoms stay, the next period begins elsewhere
            cell[2] += rng.random(2) @ cell[:2]
            cell[2] += np.sign(cell[2] @ normal) * rng.uniform(0, self.opening) * normal
            atoms.set_cell(cell)
            if have_room(atoms, self.closest):
                yield self.displaced(atoms, rng)
                return
        raise ValueError(
            f"{self.where}: after {ATTEMPTS} faults in turn atoms were closer than "
            f"{self.closest:g} times the sum of their radii; lower closest, or raise opening."
        )


class PointDefects(CrystalSampler, RandomDraws):
    """Crystals with point defects, whose kind, element and site are taken by chance."""

    kind: ClassVar[str] = "point_defects"

    width: float = Field(8.0, ge=0.0, le=100.0)
    """Angstrom; the crystal is repeated until it is at least so wide in every direction."""
    kinds: Annotated[list[DefectKind], BeforeValidator(listed), Field(min_length=1)] = [
        "vacancy",
        "divacancy",
        "interstitial",
        "dumbbell",
    ]
    """"divacancy": an atom and one of its nearest neighbors are missing; "tetrahedral" and
    "octahedral": an atom more between four or six others, of a compound also on a free site between
    those of one element; "interstitial": on either; "dumbbell": two atoms in place of one, along
    100, 110 or 111; "antisite": an atom of another element of the crystal."""
    defects: int = Field(1, ge=1, le=10_000)
    """In every structure, all of the same kind."""
    elements: list[str] = []
    """Of interstitials; by default those of the crystal."""

    _known_sites: dict[str, dict[str, np.ndarray]] = PrivateAttr(default_factory=dict)

    @field_validator("elements")
    @classmethod
    def _known_elements(cls, elements: list[str]) -> list[str]:
        check_elements(elements, "interstitials")
        return elements

    def check(self) -> None:
        """Raise ValueError for more deletions than atoms, and for sites that are not there."""
        self.check_periodic()
        for given in self.given:
            atoms, where = self.repeated(given.atoms), self.names(given)
            for kind in self.kinds:
                removed = self.defects * REMOVED.get(kind, 0)
                if removed >= len(atoms):
                    raise ValueError(
                        f"{where}: {self.defects} defects of the kind {kind} delete {removed} "
                        f"atoms, but the supercell has {len(atoms)}; take fewer defects, or a "
                        "larger width."
                    )
                if kind in ("antisite", "dumbbell") and self.defects > len(atoms):
                    raise ValueError(
                        f"{where}: there are {len(atoms)} atoms for {self.defects} defects of the "
                        f"kind {kind}; take fewer, or a larger width."
                    )
                if kind == "antisite" and len(set(given.atoms.symbols)) < 2:
                    raise ValueError(f"{where}: a crystal of one element has no antisites.")
                if kind in INTERSTITIALS:
                    n_sites = len(self._sites(given.atoms, kind))
                    if n_sites < self.defects:
                        raise ValueError(
                            f"{where}: the supercell has {n_sites} {kind} sites for "
                            f"{self.defects} atoms; leave that kind out, or take fewer defects."
                        )

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        kind = self.kinds[int(rng.integers(len(self.kinds)))]
        atoms = self.repeated(structure)
        elements = self.elements or sorted(set(structure.symbols))
        if kind in INTERSTITIALS:
            sites = self._sites(structure, kind)
            chosen = sites[rng.choice(len(sites), self.defects, replace=False)]
            atoms += Atoms(rng.choice(elements, self.defects).tolist(), chosen)
        elif kind == "antisite":
            own = sorted(set(structure.symbols))
            for site in rng.choice(len(atoms), self.defects, replace=False):
                others = [name for name in own if name != atoms.symbols[site]]
                atoms.symbols[site] = others[int(rng.integers(len(others)))]
        elif kind == "dumbbell":
            for site in rng.choice(len(atoms), self.defects, replace=False):
                self._split(atoms, int(site), elements, rng)
        else:
            for _ in range(self.defects):
                self._remove(atoms, kind == "divacancy", rng)
        atoms.info["defect"] = kind
        yield self.displaced(atoms, rng)

    def _sites(self, crystal: Atoms, kind: str) -> np.ndarray:
        """(n, 3), angstrom, in the supercell."""
        key = configuration_key(crystal)
        if key not in self._known_sites:
            self._known_sites[key] = interstitial_sites(crystal)
        sites = np.vstack([self._known_sites[key][name] for name in INTERSTITIALS[kind]])
        unit = Atoms(["X"] * len(sites), sites, cell=crystal.cell)
        return unit.repeat(self._repeats(crystal)).positions

    def _split(
        self, atoms: Atoms, site: int, elements: list[str], rng: np.random.Generator
    ) -> None:
        axis = DUMBBELLS[int(rng.integers(len(DUMBBELLS)))] @ np.diag(rng.choice([-1, 1], 3))
        nearest = neighbor_list("d", atoms, 6.0).min()
        half = 0.3 * nearest * axis / np.linalg.norm(axis)
        symbol = elements[int(rng.integers(len(elements)))]
        extra = Atoms(symbol, [atoms.positions[site] + half])
        atoms.positions[site] -= half
        atoms += extra

    def _remove(self, atoms: Atoms, a_neighbor_too: bool, rng: np.random.Generator) -> None:
        site = int(rng.integers(len(atoms)))
        gone = [site]
        if a_neighbor_too:
            others = np.delete(np.arange(len(atoms)), site)
            distances = atoms.get_distances(site, others, mic=True)
            nearest = others[distances < distances.min() + 0.1]
            gone.append(int(rng.choice(nearest)))
        del atoms[gone]
