"""What properties are computed with: a potential, a committee of potentials, or a teacher."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from forcesmith.data.labels import shortened
from forcesmith.potentials.calculator import GRADES, ForcesmithCalculator
from forcesmith.potentials.potential import Potential
from forcesmith.teachers.calculator import TeacherCalculator
from forcesmith.teachers.labelling import teacher_of
from forcesmith.teachers.lammps_style import LammpsStyle
from forcesmith.teachers.settings import TeacherSettings, teacher_settings
from forcesmith.teachers.teacher import make_teacher
from forcesmith.training.covariance import Covariance, covariance_file


@dataclass(frozen=True)
class SubjectSettings:
    """Says what a subject is; small, goes to the workers."""

    name: str
    """In tables."""
    identity: str
    """Hash of all that changes its numbers."""
    files: tuple[Path, ...] = ()
    """Of potentials; several are a committee."""
    teacher: TeacherSettings | None = None
    """Instead of files."""
    drawn: bool = False
    """Whether the files after the first are drawn from the covariance of its coefficients."""

    @property
    def members(self) -> list[SubjectSettings]:
        """Of a committee, else itself."""
        if len(self.files) < 2:
            return [self]
        return [
            SubjectSettings(f"{self.name} {number}", self.identity, (file,))
            for number, file in enumerate(self.files, start=1)
        ]


def subject_settings(given: str | Path | Mapping[str, Any] | TeacherSettings) -> SubjectSettings:
    """Settings from what a user gave.

    Parameters
    ----------
    given
        A potential file; several, separated by commas or by a pattern ("mgo-*.json"), which are a
        committee; else a teacher, as for `make_teacher`: "sevennet:7net-0", "lammps: sw Si.sw".

    Returns
    -------
    SubjectSettings
        Of something that works.

    Raises
    ------
    ValueError
        The file cannot be read, or there is no such teacher.
    """
    if isinstance(given, (str, Path)) and (files := _files(str(given))):
        digest = hashlib.sha256()
        for file in files:
            Potential.read(file)
            for part in (file, file.with_suffix(".active_set")):
                if part.is_file():
                    digest.update(part.read_bytes())
        name = ", ".join(file.name for file in files)
        return SubjectSettings(name, digest.hexdigest(), tuple(file.absolute() for file in files))
    settings = teacher_settings(str(given) if isinstance(given, Path) else given)
    with make_teacher(settings) as teacher:
        return SubjectSettings(teacher.name, teacher.settings_hash, teacher=settings)


def _files(given: str) -> list[Path]:
    """Potential files that a text names; none if it names a teacher."""
    names = [name.strip() for name in given.split(",")]
    if len(names) == 1 and glob.has_magic(given):
        found = sorted(Path(name) for name in glob.glob(given))
        if not found:
            raise ValueError(f"{shortened(given, 200)}: no file has such a name.")
        return [path for path in found if path.suffix not in (".active_set", ".npz")]
    if given.endswith(".toml"):
        return []
    exist = [Path(name).exists() for name in names]
    if not any(exist):
        suffix = Path(given).suffix
        if suffix in (
            ".json",
            ".mtp",
            ".almtp",
            ".snapcoeff",
            ".snapparam",
            ".pod",
            ".yace",
            ".ace",
        ):
            raise ValueError(f"{shortened(given, 200)}: no such potential file.")
        return []
    if not all(exist):
        missing = names[exist.index(False)]
        raise ValueError(f"{shortened(missing, 150)}: no such potential file of a committee.")
    return [Path(name) for name in names]


def with_drawn(one: SubjectSettings, count: int, folder: Path) -> SubjectSettings:
    """The same with potentials drawn from the covariance of its fit, whose files go to the folder.

    Raises ValueError if the file of the covariance, which must exist, cannot be used.
    """
    [file] = one.files
    potential = Potential.read(file, active_set=False)
    covariance = Covariance.read(file, potential)
    digest = hashlib.sha256(f"{one.identity} {count} ".encode())
    digest.update(covariance_file(file).read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number, member in enumerate(covariance.draw(potential, count), start=1):
        drawn.append(folder / f"{file.stem}-{one.identity[:12]}-{number}.json")
        member.write(drawn[-1])
    return replace(one, identity=digest.hexdigest(), files=(file, *drawn), drawn=True)


class Subject:
    """One potential or teacher at work; remembers the largest grade that it has met."""

    def __init__(self, settings: SubjectSettings, cores: int = 1):
        """settings: not of a committee."""
        self.settings = settings
        self.cores = cores
        self.grades: list[float] = []

    @property
    def name(self) -> str:
        """As in tables."""
        return self.settings.name

    @cached_property
    def _potential(self) -> Potential | None:
        return Potential.read(self.settings.files[0]) if self.settings.files else None

    @cached_property
    def calculator(self) -> Calculator:
        """Energies (eV), forces (eV/angstrom), stresses (eV/angstrom^3)."""
        if self._potential is None:
            assert self.settings.teacher is not None
            return TeacherCalculator(teacher_of(self.settings.teacher))
        return _GradedCalculator(self)

    def knows(self, elements: Sequence[str]) -> bool:
        """Whether all of these are in its file; of teachers, that is not known before."""
        return self._potential is None or set(elements) <= set(self._potential.elements)

    def energy(self, atoms: Atoms) -> float:
        """Of a configuration, eV."""
        atoms = atoms.copy()
        atoms.calc = self.calculator
        return float(atoms.get_potential_energy())

    def lammps_commands(self, elements: Sequence[str]) -> list[str] | None:
        """Commands that declare it for atom types of these elements; None: LAMMPS does not know it.

        With grades, `v_grade` is the largest one of each step, else 0.
        """
        if self._potential is not None:
            file = f'"{self.settings.files[0]}"'
            graded = self.has_grades
            return [
                f"pair_style      forcesmith{' grade 10' if graded else ''}",
                f"pair_coeff      * * {file} {' '.join(elements)}",
                *(["compute         ex all pair forcesmith"] if graded else []),
                f"variable        grade equal {'c_ex[3]' if graded else '0'}",
            ]
        assert self.settings.teacher is not None
        kind = self.settings.teacher.kind()
        if not isinstance(kind, LammpsStyle):
            return None
        return [*kind.commands(list(elements)), "variable        grade equal 0"]

    @property
    def has_grades(self) -> bool:
        """Of atoms, or of configurations as a whole."""
        return self._potential is not None and self._potential.has_active_set

    @property
    def largest_grade(self) -> float | None:
        """Of all configurations so far; None: it has no grades."""
        return max(self.grades, default=None)


class _GradedCalculator(ForcesmithCalculator):
    """Tells the subject the largest grade of every configuration."""

    def __init__(self, subject: Subject):
        assert subject._potential is not None
        super().__init__(subject._potential, threads=subject.cores)
        self._grades = subject.grades
        self._more = [GRADES] if GRADES in self.implemented_properties else []
        self._of_configurations = subject.has_grades and not self._more

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, [*properties, *self._more], system_changes)
        if GRADES in self.results:
            self._grades.append(float(self.results[GRADES].max()))
        elif self._of_configurations:
            assert self.atoms is not None
            found = self._evaluator.evaluate([self.atoms], self.threads, grade=True)[0]
            assert found.configuration_grade is not None
            self._grades.append(found.configuration_grade)
