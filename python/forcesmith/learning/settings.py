"""Settings of learning: one object for `fs.learn` and the TOML file of `forcesmith learn`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from forcesmith.data.label_settings import Section
from forcesmith.data.settings_files import checked, read_toml
from forcesmith.engine.settings import EngineSettings
from forcesmith.learning.conditions import ConditionSettings
from forcesmith.teachers.settings import TeacherSettings, teacher_settings
from forcesmith.training.settings import FitSettings

WALL = 0.9
"""`fit.wall` of learning, unless given: grades tell of closer pairs before they come to it."""


class StartSettings(Section):
    """What is labelled before the first fit."""

    perturbed: int = Field(4, ge=0)
    """Strained and rattled cells of every crystal, surface and defect that the conditions have,
    each in the smallest of its cells, up to `selection.largest_cell`; 0: one as it is, unless there
    are data."""
    displacement: float = Field(0.1, ge=0.0)
    """Standard deviation of the displacements of their atoms, angstrom."""
    strain: float = Field(0.03, ge=0.0, lt=0.5)
    """Standard deviation of the components of their strain."""
    data: list[str] = []
    """Files of configurations, `file` or `file@slice`: labels that they have are taken as they are,
    the others come from the teacher."""
    relabel: bool = False
    """Labels of `data` come from the teacher, too."""


class SelectionSettings(Section):
    """Which configurations of the explorations are labelled."""

    select: float = Field(2.0, gt=1.0)
    """Explorations keep configurations with a grade above this."""
    stop: float = Field(10.0, gt=1.0)
    """They end above this."""
    deviation_select: float = Field(0.1, gt=0.0)
    """As `select`, where a committee decides: deviation of forces, eV/angstrom."""
    deviation_stop: float = Field(0.5, gt=0.0)
    """As `stop`, likewise."""
    most: int = Field(30, ge=1)
    """Labels of a round, at most."""
    duplicate: float = Field(1.1, gt=1.0)
    """A configuration whose grade is below this once those chosen before are known is left out."""
    closest: float = Field(0.5, ge=0.0)
    """Configurations with atoms closer than this times the sum of their covalent radii are left
    out."""
    energy: float = Field(5.0, gt=0.0)
    """Labels so far above the lowest one of the same composition are set aside, eV/atom."""
    force: float = Field(50.0, gt=0.0)
    """Labels with a larger force are set aside, eV/angstrom."""
    largest_cell: int = Field(500, ge=1)
    """Of configurations with more atoms, fragments are cut for the teacher."""
    candidates: list[str] = []
    """Files of further configurations to select from in every round, for example fragments that
    `forcesmith cut` has written."""

    @model_validator(mode="after")
    def _stop_above_select(self) -> SelectionSettings:
        for select, stop in (("select", "stop"), ("deviation_select", "deviation_stop")):
            if getattr(self, stop) <= getattr(self, select):
                raise ValueError(f"{stop} must be larger than {select}")
        return self


class ToleranceSettings(Section):
    """What the verdict may find at most; with more, the potential is not good enough."""

    energy: float | None = Field(None, gt=0.0)
    """Error of energies on trajectories that the fit has not seen, of every condition, meV/atom."""
    force: float | None = Field(None, gt=0.0)
    """Likewise of forces, eV/angstrom."""
    stress: float | None = Field(None, gt=0.0)
    """Likewise of stresses, GPa."""
    vacancy: float | None = Field(None, gt=0.0)
    """Error of energies of vacancies, eV."""
    lattice_constant: float = Field(0.01, gt=0.0)
    """Error of lattice constants, as a part of them."""


class VerdictSettings(Section):
    """When a learned potential is good enough."""

    tolerance: ToleranceSettings = ToleranceSettings()
    """Errors that you can live with."""


class LearnSettings(Section):
    """All settings of learning."""

    teacher: TeacherSettings
    """What gives labels: a table, a text that is short for one, or a TOML file with one."""
    conditions: list[ConditionSettings] = Field(min_length=1)
    """Where the potential is to hold."""
    folder: str = "learned"
    """Of the project: all that there is to know about it."""
    start: StartSettings = StartSettings()
    """What is labelled before the first fit."""
    fit: FitSettings = FitSettings(wall=WALL)
    """Every fit; without data and output. `fit.wall` is 0.9 by default."""
    selection: SelectionSettings = SelectionSettings()
    """Which configurations are labelled."""
    verdict: VerdictSettings = VerdictSettings()
    """When the potential is good enough."""
    rounds: int = Field(50, ge=1)
    """At most."""
    labels: int | None = Field(None, ge=1)
    """At most, those of the start included."""
    committee: int = Field(4, ge=2)
    """Potentials that are compared where the fit gives no active set."""
    exploration_cores: int = Field(1, ge=1)
    """Of every exploration."""
    engine: EngineSettings = EngineSettings()
    """Where tasks run."""

    @field_validator("fit")
    @classmethod
    def _without_files(cls, fit: FitSettings) -> FitSettings:
        taken = {
            "data.train": fit.data.train,
            "data.test": fit.data.test,
            "output": fit.output.model_fields_set,
            "optimizer.start": fit.optimizer.start,
            "optimizer.resume": fit.optimizer.resume,
            "optimizer.overwrite": fit.optimizer.overwrite,
            "optimizer.committee": fit.optimizer.committee > 1,
        }
        if given := next((name for name, value in taken.items() if value), None):
            raise ValueError(
                f"leave out {given}: data, start and files of the fits are those of the project; "
                "data to begin with are start.data"
            )
        return fit if "wall" in fit.model_fields_set else fit.model_copy(update={"wall": WALL})

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> LearnSettings:
        """Read a TOML file; paths in it are relative to its folder.

        Parameters
        ----------
        path
            The file, with the sections of the settings.

        Raises
        ------
        ValueError
            One sentence that names the file and the key.
        """
        return cls.from_dict(read_toml(path), Path(path).parent, f"the settings file {path}")

    @classmethod
    def from_dict(
        cls, tree: dict[str, Any], folder: Path = Path(), where: str = "the settings"
    ) -> LearnSettings:
        """Check a nested dictionary.

        Parameters
        ----------
        tree
            {section: {setting: value}}, as in the TOML file.
        folder
            Where relative paths start.
        where
            How messages call it.

        Raises
        ------
        ValueError
            One sentence that names `where` and the key.
        """
        if isinstance(given := tree.get("teacher"), str) and given.endswith(".toml"):
            tree = tree | {"teacher": teacher_settings(given, folder)}
        settings = checked(cls, tree, where)
        settings.folder = str(folder / settings.folder)
        settings.start.data = [str(folder / name) for name in settings.start.data]
        settings.selection.candidates = [
            str(folder / name) for name in settings.selection.candidates
        ]
        settings.teacher = settings.teacher.relative_to(folder)
        settings.conditions = [own.relative_to(folder) for own in settings.conditions]
        return settings
