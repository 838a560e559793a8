"""The contract of a sampler: settings that make structures, each of which tells how it was made.

A sampler makes draws. A draw is of one of the given structures (or of none) and has a number; all
that is random in it follows from the seed, the sampler's name, that structure and the number.
"""

from __future__ import annotations

import abc
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from ase import Atoms
from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import ORIGIN_KEY, shortened
from forcesmith.sampling.field_types import listed
from forcesmith.sampling.structures import (
    check_structure,
    is_prototype,
    read_structures,
)
from forcesmith.teachers.labelling import configuration_key

LARGEST_COUNT = 1_000_000


class Given(NamedTuple):
    """A structure that draws start from."""

    text: str
    """As the settings name it; "" for one that was given as `Atoms`, or for none."""
    frame: int
    """Which one of those that the text stands for."""
    atoms: Atoms

    @property
    def key(self) -> str:
        """What tells it from others."""
        return configuration_key(self.atoms)


class Draw(NamedTuple):
    """What is made at once."""

    given: Given
    number: int
    """Among those of this structure."""


Structures = Annotated[list[str | Atoms], BeforeValidator(listed)]


class Sampler(Section, abc.ABC):
    """Settings of one way to make structures."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    kind: ClassVar[str]
    """Its `type` in settings, and the group of its structures unless it has a name."""

    name: str = Field("", max_length=100)
    """Group (`config_type`) of what it makes, by default its type."""
    seed: int = Field(1, ge=0, lt=2**63)
    """Of all that is taken by chance."""

    _folder: Path = PrivateAttr(default=Path())

    @property
    def group(self) -> str:
        """`name`, or the type."""
        return self.name or self.kind

    @property
    def where(self) -> str:
        """How messages call it."""
        return f"The sampler {shortened(self.group)}"

    @abc.abstractmethod
    def draws(self) -> list[Draw]:
        """All that is to be made, in order."""

    @abc.abstractmethod
    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        """The structures of a draw, at least one; their `info` is kept.

        Raises ValueError where that cannot be.
        """

    def check(self) -> None:  # noqa: B027
        """Raise ValueError, before any work, for settings that are impossible: one sentence."""

    def opened(self) -> AbstractContextManager[object]:
        """What must be open while structures are made."""
        return nullcontext()

    def relative_to(self, folder: str | Path) -> Self:
        """Make a copy that looks for files in a folder, where their paths are relative.

        Parameters
        ----------
        folder
            That of the settings file. Origins tell paths as they are written there.

        Returns
        -------
        Sampler
            The copy.
        """
        copy = self.model_copy()
        copy._folder = Path(folder)
        return copy

    @property
    def cores(self) -> int:
        """That a draw keeps busy."""
        return 1

    def for_workers(self) -> Self:
        """A copy that other processes make draws with; it knows no structures itself."""
        copy = type(self).model_validate(self.model_dump(exclude={"structures"}))
        copy._folder = self._folder.absolute()
        return copy

    def draw(self, draw: Draw) -> list[Atoms]:
        """The structures of one draw, with `info["config_type"]` and `info["origin"]`."""
        key = draw.given.key.encode()
        entropy = [self.seed, zlib.crc32(self.group.encode()), zlib.crc32(key), draw.number]
        made = list(self._make(draw.given.atoms, draw.number, np.random.default_rng(entropy)))
        for image, atoms in enumerate(made):
            atoms.info["config_type"] = self.group
            atoms.info[ORIGIN_KEY] = self.origin(draw, image)
        return made

    def origin(self, draw: Draw, image: int = 0) -> dict[str, Any]:
        """How a structure of a draw was made; image: its number in it."""
        options = self.model_dump(
            mode="json", exclude_defaults=True, exclude={"name", "seed", "count", "structures"}
        )
        origin = {
            "sampler": self.kind,
            "name": self.group,
            "seed": self.seed,
            "number": draw.number,
            "image": image,
            "options": options,
        }
        if len(draw.given.atoms):
            origin |= {
                "structure": draw.given.text,
                "frame": draw.given.frame,
                "structure_key": draw.given.key,
            }
        return origin

    def sample(self) -> Iterator[Atoms]:
        """Make all structures.

        Yields
        ------
        Atoms
            In the order of the draws.

        Raises
        ------
        ValueError
            The settings are impossible: one sentence.
        """
        self.check()
        with self.opened():
            for draw in self.draws():
                yield from self.draw(draw)


class StructureSampler(Sampler):
    """A sampler whose draws start from given structures."""

    structures: Structures = []
    """Files that ASE reads (`file@:` for all of their frames), or prototypes with lattice constants
    in angstrom, "fluorite ZrO2 5.1". By default those of the whole file of settings."""

    @cached_property
    def given(self) -> list[Given]:
        """The structures, each once. Raises ValueError if there are none, or one cannot be used."""
        found: list[Given] = []
        for structure in self.structures:
            if isinstance(structure, Atoms):
                check_structure(structure, f"{self.where}, a structure")
                found.append(Given("", 0, _plain(structure)))
            else:
                here = is_prototype(structure) or not structure
                read = read_structures(structure if here else str(self._folder / structure))
                found += [
                    Given(structure, frame, _plain(atoms)) for frame, (_, atoms) in enumerate(read)
                ]
        if not found:
            raise ValueError(
                f'{self.where} has no structure to start from; give structures = ["fcc Cu 3.6"], '
                "or files."
            )
        return list({given.key: given for given in reversed(found)}.values())[::-1]

    def names(self, given: Given) -> str:
        """How messages call one of its structures."""
        return f"{self.where}, {shortened(given.text or given.atoms.get_chemical_formula(), 80)}"

    def check_periodic(self) -> None:
        """Raise ValueError for structures that are not periodic in all directions."""
        for given in self.given:
            if not given.atoms.pbc.all():
                raise ValueError(
                    f"{self.names(given)}: it is made of crystals, but this structure is not "
                    "periodic in all directions."
                )


class RandomDraws(StructureSampler):
    """A sampler that makes as many draws as wanted, of its structures in turns."""

    count: int = Field(10, ge=1, le=LARGEST_COUNT)
    """Draws, of all structures in turns."""

    def draws(self) -> list[Draw]:
        n = len(self.given)
        return [Draw(self.given[number % n], number // n) for number in range(self.count)]


class Series(StructureSampler):
    """A sampler that makes the same series of every structure."""

    @abc.abstractmethod
    def length(self) -> int:
        """Draws of every structure."""

    def draws(self) -> list[Draw]:
        return [Draw(given, number) for given in self.given for number in range(self.length())]


def _plain(atoms: Atoms) -> Atoms:
    return Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
