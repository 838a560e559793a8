"""Evolution of structures: molecular dynamics, contour exploration and dimer searches, by ASE.

M. J. Waters and J. M. Rondinelli, J. Phys.: Condens. Matter 34, 385901 (2022), section II.E, who
find contours and saddle points to be more diverse than dynamics; contour exploration:
arXiv:2103.08054 (2021); the dimer method: G. Henkelman and H. Jonsson, J. Chem. Phys. 111, 7010
(1999).
"""

from __future__ import annotations

import abc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar

import numpy as np
from ase import Atoms, units
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.contour_exploration import ContourExploration as AseContourExploration
from ase.md.langevin import Langevin
from ase.mep import DimerControl, MinModeAtoms, MinModeTranslate
from pydantic import Field, PrivateAttr, field_validator

from forcesmith.data.labels import shortened
from forcesmith.potentials.potential import Potential
from forcesmith.sampling.field_types import HIGHEST_TEMPERATURE, Ramp
from forcesmith.sampling.limits import Limits
from forcesmith.sampling.sampler import RandomDraws
from forcesmith.sampling.structures import have_room
from forcesmith.teachers.calculator import TeacherCalculator
from forcesmith.teachers.settings import TeacherSettings, teacher_settings
from forcesmith.teachers.teacher import Teacher, make_teacher

SMALLEST_FORCE = 1e-6  # eV/angstrom


class Evolution(RandomDraws):
    """A run from a structure, of which every n-th image is kept, the first one among them."""

    teacher: str | dict[str, Any] | None = None
    """What computes energies and forces, "emt", "sevennet:7net-0" or a table; its labels stay with
    the images."""
    potential: str | None = None
    """Or the file of a potential; images then have no labels."""
    steps: int = Field(100, ge=1, le=100_000_000)
    """Of a run, at most."""
    every: int = Field(10, ge=1, le=100_000_000)
    """Steps between two images that are kept."""
    start_displacement: float = Field(0.0, ge=0.0, le=1.0)
    """Standard deviation of displacements of all atoms before the run, angstrom."""
    limits: str | None = None
    """File of `forcesmith limits`: a run ends before an image that breaks its distances or its
    force."""
    closest: float = Field(0.4, ge=0.0, lt=1.0)
    """A run ends before atoms are closer than this part of the sum of their covalent radii."""

    _calculator: GetPropertiesMixin | None = PrivateAttr(default=None)

    @property
    def cores(self) -> int:
        return self._teacher_settings().cores if self.teacher is not None else 1

    def check(self) -> None:
        """Raise ValueError for structures that cannot be used, or nothing to compute with."""
        assert self.given
        if (self.teacher is None) == (self.potential is None):
            raise ValueError(
                f'{self.where} needs either a teacher, such as "emt", or a potential to compute '
                "energies and forces with."
            )
        elements = set().union(*(set(given.atoms.symbols) for given in self.given))
        if self.potential is not None:
            name, known = f"the potential {self.potential}", set(self._read_potential().elements)
        else:
            settings = self._teacher_settings()
            name, known = f"the teacher {settings.name}", set(_elements_of(settings) or elements)
        if missing := elements - known:
            raise ValueError(f"{self.where}: {shortened(name, 120)} does not know {min(missing)}.")
        self._read_limits()

    def _read_potential(self) -> Potential:
        return Potential.read(self._folder / str(self.potential), active_set=False)

    def _read_limits(self) -> Limits:
        return Limits.read(self._folder / self.limits) if self.limits else Limits()

    def _teacher_settings(self) -> TeacherSettings:
        assert self.teacher is not None
        return teacher_settings(self.teacher, self._folder)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The teacher's process, or the potential."""
        if self.teacher is not None:
            with make_teacher(self._teacher_settings()) as teacher:
                self._calculator = TeacherCalculator(teacher)
                yield
        else:
            self._calculator = self._read_potential().calculator()
            yield
        self._calculator = None

    @abc.abstractmethod
    def _steps(self, atoms: Atoms, rng: np.random.Generator) -> Iterator[Any]:
        """Run from these atoms, which have a calculator; gives something before the first step and
        after every step."""

    def _make(self, structure: Atoms, number: int, rng: np.random.Generator) -> Iterator[Atoms]:
        atoms = structure.copy()
        atoms.positions += rng.normal(0.0, self.start_displacement, atoms.positions.shape)
        assert self._calculator is not None
        atoms.calc = self._calculator
        limits = self._read_limits()
        image = _bare(atoms, 0)
        yield image
        ending = "finished"
        step = 0
        try:
            for step, _ in enumerate(self._steps(atoms, rng)):
                is_kept = step % self.every == 0
                if problem := self._problem(atoms, limits, is_kept):
                    ending = problem
                    break
                if step == 0:
                    self._label(image, atoms)
                elif is_kept:
                    image = _bare(atoms, step)
                    self._label(image, atoms)
                    yield image
        except (RuntimeError, ValueError) as error:  # of a teacher, of a search that diverges
            ending = shortened(error, 200)
        image.info["ended"] = f"step {step}: {ending}"

    def _problem(self, atoms: Atoms, limits: Limits, with_forces: bool) -> str | None:
        """Why the run ends here."""
        if not np.isfinite(atoms.positions).all():
            return "positions are not finite"
        if not have_room(atoms, self.closest):
            return f"atoms closer than {self.closest:g} times the sum of their radii"
        now = atoms.copy()
        if with_forces:
            now.calc = SinglePointCalculator(now, forces=atoms.get_forces())
        return limits.broken_by(now)

    def _label(self, image: Atoms, atoms: Atoms) -> None:
        """With the labels of the teacher, which are known already."""
        if isinstance(self._calculator, TeacherCalculator):
            teacher: Teacher = self._calculator.teacher
            labels = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
            if "stress" in teacher.provides and atoms.pbc.all():
                labels["stress"] = atoms.get_stress()
            image.calc = SinglePointCalculator(image, **labels)
            image.info |= {"teacher": teacher.name, "teacher_hash": teacher.settings_hash}


class MolecularDynamics(Evolution):
    """Langevin dynamics at constant volume, with a ramp of the temperature."""

    kind: ClassVar[str] = "molecular_dynamics"

    temperature: Ramp = (300.0, 300.0)
    """K, or "300:1500" for a ramp from the beginning to the end."""
    timestep: float = Field(0.002, gt=0.0, le=0.1)
    """ps."""
    friction: float = Field(10.0, gt=0.0, le=1e4)
    """Of the thermostat, 1/ps."""

    @field_validator("temperature")
    @classmethod
    def _above_zero(cls, ends: tuple[float, float]) -> tuple[float, float]:
        if not all(0 < end <= HIGHEST_TEMPERATURE for end in ends):
            raise ValueError(f"temperatures are above 0 and at most {HIGHEST_TEMPERATURE:g} K")
        return ends

    def _steps(self, atoms: Atoms, rng: np.random.Generator) -> Iterator[Any]:
        first, last = self.temperature
        masses = atoms.get_masses()[:, np.newaxis]
        atoms.set_momenta(rng.normal(0.0, np.sqrt(masses * units.kB * first), (len(atoms), 3)))
        dynamics = Langevin(
            atoms,
            timestep=self.timestep * 1000 * units.fs,
            temperature_K=first,
            friction=self.friction / (1000 * units.fs),
            fixcm=False,
            rng=rng,
        )
        for step, one in enumerate(dynamics.irun(self.steps)):
            yield one
            part = (step + 1) / self.steps
            dynamics.set_temperature(temperature_K=first + (last - first) * min(part, 1.0))


class ContourExploration(Evolution):
    """A path along a contour of the potential energy, above that of the structure."""

    kind: ClassVar[str] = "contour_exploration"

    start_displacement: float = Field(0.05, ge=0.0, le=1.0)
    """Standard deviation of displacements of all atoms before the run, angstrom; without forces
    there is no contour to follow."""
    energy: Ramp = (0.02, 0.2)
    """Height of the contour, eV per atom above the displaced structure: a number, or "0.02:0.2" for
    one that is taken from this range by chance for every run."""
    longest_step: float = Field(0.5, gt=0.0, le=5.0)
    """Norm of the displacement of all atoms in a step, angstrom."""
    parallel_drift: float = Field(0.1, ge=0.0, lt=1.0)
    """Part of the step that goes along the contour in a random direction."""
    angle_limit: float = Field(20.0, gt=0.0, le=90.0)
    """Largest change of direction in a step, degrees; it makes steps shorter where the contour is
    curved."""

    @field_validator("energy")
    @classmethod
    def _in_order(cls, ends: tuple[float, float]) -> tuple[float, float]:
        if ends[0] > ends[1] or not all(abs(end) <= 100 for end in ends):
            raise ValueError("the lower energy comes first, and both are below 100 eV per atom")
        return ends

    def _steps(self, atoms: Atoms, rng: np.random.Generator) -> Iterator[Any]:
        _check_forces(atoms, "contour to follow")
        height = rng.uniform(*self.energy) * len(atoms)
        exploration = AseContourExploration(
            atoms,
            energy_target=atoms.get_potential_energy() + height,
            maxstep=self.longest_step,
            parallel_drift=self.parallel_drift,
            angle_limit=self.angle_limit,
            rng=rng,
        )
        yield from exploration.irun(self.steps)


class DimerSearch(Evolution):
    """A climb to a saddle point by the dimer method; it ends there."""

    kind: ClassVar[str] = "dimer_search"

    start_displacement: float = Field(0.1, ge=0.0, le=1.0)
    """Standard deviation of displacements of all atoms before the run, angstrom."""
    every: int = Field(5, ge=1, le=100_000_000)
    """Steps between two images that are kept."""
    longest_step: float = Field(0.1, gt=0.0, le=1.0)
    """Norm of the displacement of all atoms in a step, angstrom."""
    force: float = Field(0.05, gt=0.0)
    """A saddle point is reached when no force is larger, eV/angstrom."""

    def _steps(self, atoms: Atoms, rng: np.random.Generator) -> Iterator[Any]:
        _check_forces(atoms, "way up to climb")
        mode = rng.normal(size=(len(atoms), 3))
        control = DimerControl(
            logfile=None, eigenmode_logfile=None, maximum_translation=self.longest_step
        )
        dimer = MinModeAtoms(
            atoms,
            control,
            eigenmodes=[mode / np.linalg.norm(mode)],
            random_seed=int(rng.integers(2**31)),
        )
        yield from MinModeTranslate(dimer, logfile=None).irun(fmax=self.force, steps=self.steps)


def _check_forces(atoms: Atoms, what: str) -> None:
    if np.abs(atoms.get_forces()).max() < SMALLEST_FORCE:
        raise ValueError(f"without forces there is no {what}")


def _bare(atoms: Atoms, step: int) -> Atoms:
    info = {"step": step}
    return Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info)


@cache
def _elements_of_teacher(settings: str) -> frozenset[str] | None:
    with make_teacher(TeacherSettings.model_validate_json(settings)) as teacher:
        return teacher.elements


def _elements_of(settings: TeacherSettings) -> frozenset[str] | None:
    """Those that a teacher knows; None: that is not known before. Raises ValueError if it cannot be
    made, saying what to install."""
    return _elements_of_teacher(settings.model_dump_json())
