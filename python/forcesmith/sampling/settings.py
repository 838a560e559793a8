"""Settings of `forcesmith generate`: samplers, and the file that their structures go to."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, SerializeAsAny

from forcesmith.data.labels import shortened
from forcesmith.data.settings_files import FileSettings, checked
from forcesmith.engine.settings import EngineSettings
from forcesmith.sampling.registry import SAMPLERS
from forcesmith.sampling.sampler import Sampler, Structures, StructureSampler


class GenerateSettings(FileSettings):
    """All settings of making structures."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    output: str = "structures.extxyz"
    """Extended XYZ file of the structures."""
    seed: int = Field(1, ge=0, lt=2**63)
    """Of samplers that have none of their own."""
    structures: Structures = []
    """To start from, for samplers that have none of their own: files that ASE reads, or prototypes
    with lattice constants in angstrom, "fluorite ZrO2 5.1"."""
    engine: EngineSettings | None = None
    """Where draws are made, several at once, as in `forcesmith learn`; by default one after the
    other in this process."""
    samplers: list[SerializeAsAny[Sampler]] = Field(min_length=1)
    """What makes structures; their order is that of the file."""

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any], where: str = "the settings") -> GenerateSettings:
        """Check a nested dictionary.

        Parameters
        ----------
        tree
            As in the TOML file; every sampler has a `type`.
        where
            How messages call it.

        Raises
        ------
        ValueError
            One sentence that names `where` and the key.
        """
        tree = dict(tree)
        tables = tree.get("samplers")
        settings = checked(
            _WithTables, {**tree, "samplers": tables if tables is not None else []}, where
        )
        samplers = [
            sampler_of(
                {"seed": settings.seed, **table},
                f"sampler {number} of {where}",
                settings.structures,
            )
            for number, table in enumerate(settings.samplers, start=1)
        ]
        groups = [sampler.group for sampler in samplers]
        for group in groups:
            if groups.count(group) > 1:
                raise ValueError(
                    f"Two samplers of {where} are called {shortened(group)}; give them different "
                    "names."
                )
        return cls(
            output=settings.output,
            seed=settings.seed,
            structures=settings.structures,
            engine=settings.engine,
            samplers=samplers,
        )

    def _start_paths_in(self, folder: Path) -> None:
        self.output = str(folder / self.output)
        self.samplers = [one.relative_to(folder) for one in self.samplers]


class _WithTables(GenerateSettings):
    samplers: list[dict[str, Any]] = Field(min_length=1)  # type: ignore[assignment]


def sampler_of(
    table: Mapping[str, Any], where: str, structures: Structures | None = None
) -> Sampler:
    """A sampler from its settings, whose `type` says which one.

    structures: of one that has none. Raises ValueError: one sentence that names `where`.
    """
    options = dict(table)
    kind = str(options.pop("type", ""))
    if kind not in SAMPLERS:
        nearest = difflib.get_close_matches(kind, SAMPLERS, n=1, cutoff=0.0)[0]
        known = ", ".join(SAMPLERS)
        raise ValueError(
            f'In {where} there is no type "{shortened(kind)}"; did you mean "{nearest}"?'
            if kind
            else f"{where[0].upper()}{where[1:]} needs a type: {known}."
        )
    sampler = SAMPLERS[kind]
    if issubclass(sampler, StructureSampler) and structures:
        options.setdefault("structures", structures)
    return checked(sampler, options, where)
