"""How precise a teacher must be for training data: labels of a sample over a series of settings.

Errors of labels are measured against those of the finest settings. Potentials average over errors
that scatter, so that they need less precise data than a single calculation does: D. Bayerl, C. M.
Andolina, S. Dwaraknath, W. A. Saidi, Digital Discovery 1, 61 (2022). Their rule for limits is known
to us in words alone (half of the mean absolute deviation); `_limit` is our reading of it.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from pydantic import ConfigDict, Field, PrivateAttr, computed_field, field_validator

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.data.reading import read
from forcesmith.data.settings_files import FileSettings, checked
from forcesmith.engine.settings import EngineSettings
from forcesmith.files import output_lock, write_atomically
from forcesmith.sampling.generating import generate
from forcesmith.sampling.sampler import Structures
from forcesmith.sampling.settings import GenerateSettings
from forcesmith.sampling.structures import check_structure, is_prototype, read_structures
from forcesmith.teachers.labelling import KEY, configuration_key, failures_file, label
from forcesmith.teachers.settings import TeacherSettings, teacher_settings
from forcesmith.teachers.teacher import make_teacher

NO_FORCE = 1e-3  # eV/angstrom; smaller forces are those of symmetric structures


class PrecisionSettings(FileSettings):
    """All settings of a study of precision."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    output: str = "precision"
    """Folder of labels and results."""
    teacher: dict[str, Any] | str
    """As of `forcesmith label`."""
    series: dict[str, list[float]] = Field(min_length=1)
    """Options of the teacher that change, each with its values from the finest to the coarsest:
    `k_spacing = [0.1, 0.2, 0.3]`, `"input.ecutwfc" = [60, 50, 40]`. Several ones change together;
    the first one names the result."""
    structures: Structures = []
    """The sample: files (all configurations, or those of `file@slice`), or prototypes with lattice
    constants in angstrom, "fcc Al 4.05"."""
    samplers: list[dict[str, Any]] = []
    """What makes the sample, as in the settings of `forcesmith generate`; `structures` are what it
    is made of, then."""
    seed: int = Field(1, ge=0, lt=2**63)
    """Of samplers that have none of their own."""
    engine: EngineSettings | None = None
    """Where labels are computed, several at once; by default one after the other by this
    process."""
    force_limit: float | None = Field(None, gt=0.0)
    """Largest root mean square error of forces, eV/angstrom, instead of half of the mean absolute
    deviation of these errors."""
    virial_limit: float | None = Field(None, gt=0.0)
    """The same of virials, eV/atom."""

    _folder: Path = PrivateAttr(default=Path())

    @field_validator("series")
    @classmethod
    def _in_order(cls, series: dict[str, list[float]]) -> dict[str, list[float]]:
        lengths = {len(values) for values in series.values()}
        if len(lengths) > 1:
            raise ValueError("all options of the series must have the same number of values")
        if min(lengths) < 3:
            raise ValueError("a series needs three values or more, from the finest to the coarsest")
        for name, values in series.items():
            steps = np.diff(values)
            if not (np.all(steps > 0) or np.all(steps < 0)):
                raise ValueError(
                    f"the values of {shortened(name)} must go from the finest to the coarsest"
                )
        return series

    def _start_paths_in(self, folder: Path) -> None:
        self.output = str(folder / self.output)
        self._folder = folder

    def teachers(self) -> list[TeacherSettings]:
        """Those of the series. Raises ValueError: one sentence."""
        base = teacher_settings(self.teacher, self._folder)
        return [
            teacher_settings(
                _replaced(base.model_dump(), {k: v[n] for k, v in self.series.items()})
            )
            for n in range(len(next(iter(self.series.values()))))
        ]


class PrecisionPoint(Section):
    """Errors of labels of one step of a series against the finest one."""

    values: dict[str, float]
    """Of the options."""
    energy_deviation: float
    """Average energy absolute deviation (AEAD), eV/atom."""
    energy_rmse: float
    """eV/atom."""
    force_rmse: float | None
    """Of components, eV/angstrom; None if the sample has no forces."""
    virial_rmse: float | None
    """Of components of the virial by the number of atoms, eV/atom; None without stresses."""
    seconds: float
    """Mean time of a label."""


class Precision(Section):
    """What came of a series."""

    points: list[PrecisionPoint]
    """From the finest, whose errors are 0, to the coarsest."""
    force_limit: float | None
    """Largest root mean square error of forces, eV/angstrom."""
    virial_limit: float | None
    """The same of virials, eV/atom."""
    teacher: str
    """Its name."""
    n_structures: int
    """Configurations that have all labels."""
    n_failed: int
    """Configurations that lack one, and do not count."""

    @property
    def option(self) -> str:
        """The option of the teacher that names the result."""
        return next(iter(self.points[0].values))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def force_threshold(self) -> float | None:
        """Coarsest value up to which errors of forces are within their limit."""
        return self._threshold("force")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def virial_threshold(self) -> float | None:
        """The same of virials."""
        return self._threshold("virial")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def recommended(self) -> PrecisionPoint:
        """The coarsest point at which both forces and virials are within their limits."""
        found = [self._within(quantity) for quantity in ("force", "virial")]
        return self.points[min(number for number in found if number is not None)]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def saved(self) -> float:
        """Part of the time of the finest labels that the recommended ones save, 0 to 1."""
        return 1 - self.recommended.seconds / self.points[0].seconds

    def _threshold(self, quantity: str) -> float | None:
        number = self._within(quantity)
        return None if number is None else self.points[number].values[self.option]

    def _within(self, quantity: str) -> int | None:
        limit = getattr(self, f"{quantity}_limit")
        if limit is None:
            return None
        errors = [getattr(point, f"{quantity}_rmse") for point in self.points]
        good = list(itertools.takewhile(lambda error: error <= limit, errors))
        return len(good) - 1

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON (atomically), with thresholds, recommended point and time saved.

        Parameters
        ----------
        path
            The file.
        """
        write_atomically(path, self.model_dump_json(indent=1) + "\n")


def find_precision(
    settings: PrecisionSettings | Mapping[str, Any],
    *,
    progress: Callable[[str], None] | None = None,
) -> Precision:
    """Label a sample over a series of settings of a teacher, and tell which ones are fine enough.

    Every label is kept as soon as it is there, in the folder `labels` of the output: interrupted at
    any time, the same call goes on.

    Parameters
    ----------
    settings
        `PrecisionSettings`, or a dictionary for them.
    progress
        Called with a line of text after every label.

    Returns
    -------
    Precision
        Errors, limits and the recommended values; written to `precision.json` of the output, too.

    Raises
    ------
    ValueError
        Wrong settings, no teacher, or not one configuration with all labels.
    OSError
        The output cannot be written, or another process writes it.

    Warns
    -----
    UserWarning
        Configurations that lack a label, a series that is not fine or not coarse enough.
    """
    if not isinstance(settings, PrecisionSettings):
        settings = checked(PrecisionSettings, dict(settings), "the settings")
    teachers = settings.teachers()
    folder = Path(settings.output)
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    with output_lock(folder / ".lock", settings.output, "`forcesmith precision`"):
        sample = _sample(settings, folder, progress)
        labelled = _labels(sample, teachers, settings, folder / "labels", progress)
        found = _compared(sample, labelled, settings, teachers[0].name)
        found.write(folder / "precision.json")
    _warn(found, settings)
    return found


def _sample(
    settings: PrecisionSettings, folder: Path, progress: Callable[[str], None] | None
) -> list[Atoms]:
    """The configurations, each once."""
    if settings.samplers:
        tree = {
            "output": str(folder / "sample.extxyz"),
            "seed": settings.seed,
            "structures": settings.structures,
            "samplers": settings.samplers,
        }
        own = GenerateSettings.from_dict(tree)
        own.samplers = [sampler.relative_to(settings._folder) for sampler in own.samplers]
        found = generate(own, progress=progress).structures
    else:
        found = []
        for given in settings.structures:
            if isinstance(given, Atoms):
                found.append(given)
            elif is_prototype(given):
                found += [atoms for _, atoms in read_structures(given)]
            else:
                found += list(read(str(settings._folder / given)))
    for atoms in found:
        check_structure(atoms, atoms.get_chemical_formula())
    if not found:
        raise ValueError("There is no sample; give structures (files or prototypes), or samplers.")
    return list({configuration_key(atoms): atoms for atoms in found}.values())


def _labels(
    sample: Sequence[Atoms],
    teachers: Sequence[TeacherSettings],
    settings: PrecisionSettings,
    folder: Path,
    progress: Callable[[str], None] | None,
) -> list[dict[str, Atoms]]:
    """Of every step of the series, by key of the configuration."""
    option, values = next(iter(settings.series.items()))
    found = []
    hashes: set[str] = set()
    for value, own in zip(values, teachers, strict=True):
        step = f"{option} = {value:g}"

        def show(line: str, step: str = step) -> None:
            if progress:
                progress(f"{step}: {line}")

        with make_teacher(own) as teacher:
            if teacher.settings_hash in hashes:
                raise ValueError(
                    f"{shortened(option)} changes nothing of the teacher {shortened(teacher.name)};"
                    ' name an option of it, such as k_spacing or "input.ecutwfc".'
                )
            hashes.add(teacher.settings_hash)
            into = folder / f"{option.replace('.', '-')}-{value:g}.extxyz"
            labelling = label(
                sample, teacher, into, retry_failed=True, engine=settings.engine, progress=show
            )
        if not labelling.labelled:
            reason = labelling.failed[0].info["reason"]
            raise ValueError(
                f"With {step} no configuration got a label ({shortened(reason, 180)}); see "
                f"{failures_file(into)}."
            )
        found.append({atoms.info[KEY]: atoms for atoms in labelling.labelled})
    return found


def _compared(
    sample: Sequence[Atoms],
    labelled: Sequence[dict[str, Atoms]],
    settings: PrecisionSettings,
    teacher: str,
) -> Precision:
    common = [key for key in map(configuration_key, sample) if all(key in own for own in labelled)]
    if not common:
        raise ValueError(
            "Not one configuration has labels of the whole series; look into the .failed.extxyz "
            f"files in {Path(settings.output) / 'labels'}."
        )
    finest = [labelled[0][key] for key in common]
    moved = max(np.abs(atoms.get_forces()).max() for atoms in finest) > NO_FORCE
    points = []
    for number, own in enumerate(labelled):
        these = [own[key] for key in common]
        energies = _differences(these, finest, _energy_per_atom)
        virials = _differences(these, finest, _virial_per_atom)
        points.append(
            PrecisionPoint(
                values={name: values[number] for name, values in settings.series.items()},
                energy_deviation=float(np.abs(energies).mean()),
                energy_rmse=_rms(energies),
                force_rmse=_rms(_differences(these, finest, Atoms.get_forces)) if moved else None,
                virial_rmse=_rms(virials) if len(virials) else None,
                seconds=float(np.mean([atoms.info["label_seconds"] for atoms in these])),
            )
        )
    if not any(point.energy_rmse for point in points):
        raise ValueError(
            f"{shortened(next(iter(settings.series)))} changes no label: the teacher "
            f"{shortened(teacher)} may have no such option; correct the name in the series."
        )
    found = Precision(
        points=points,
        force_limit=settings.force_limit or _limit([point.force_rmse for point in points]),
        virial_limit=settings.virial_limit or _limit([point.virial_rmse for point in points]),
        teacher=teacher,
        n_structures=len(common),
        n_failed=len(sample) - len(common),
    )
    if points[0].force_rmse is None:
        found.force_limit = None
    if points[0].virial_rmse is None:
        found.virial_limit = None
    if found.force_limit is None and found.virial_limit is None:
        raise ValueError(
            "The sample has neither forces (its structures are symmetric) nor stresses; give "
            "displaced structures."
        )
    return found


def _limit(errors: Sequence[float | None]) -> float | None:
    """Half of the mean absolute deviation of the errors (without the finest) from their mean."""
    own = np.array([error for error in errors[1:] if error is not None])
    return float(np.abs(own - own.mean()).mean() / 2) if len(own) else None


def _warn(found: Precision, settings: PrecisionSettings) -> None:
    if found.n_failed:
        warnings.warn(
            f"{found.n_failed} of {found.n_failed + found.n_structures} configurations lack a "
            f"label and do not count; see the .failed.extxyz files in "
            f"{Path(settings.output) / 'labels'}.",
            stacklevel=3,
        )
    if found.points[0].force_rmse is None:
        warnings.warn(
            "The structures of the sample have no forces; the recommended value is for virials "
            "alone, add displaced structures.",
            stacklevel=3,
        )
    if found.recommended == found.points[0]:
        warnings.warn(
            "Not even the second value of the series is within the limits; begin the series with "
            "finer ones.",
            stacklevel=3,
        )
    if found.recommended == found.points[-1]:
        warnings.warn(
            "The whole series is within the limits; coarser values may do, too: add some.",
            stacklevel=3,
        )


def _replaced(tree: dict[str, Any], options: Mapping[str, float]) -> dict[str, Any]:
    """Of a table; options: by dotted keys."""
    tree = dict(tree)
    for name, value in options.items():
        first, _, rest = name.partition(".")
        inner = tree.get(first)
        if rest and not isinstance(inner, (dict, type(None))):
            raise ValueError(f"{shortened(name)} of the series: {shortened(first)} is no table.")
        tree[first] = _replaced(inner or {}, {rest: value}) if rest else value
    return tree


def _differences(
    these: Sequence[Atoms],
    finest: Sequence[Atoms],
    quantity: Callable[[Atoms], np.ndarray | None],
) -> np.ndarray:
    """All components, of all configurations that have them."""
    pairs = [(quantity(a), quantity(b)) for a, b in zip(these, finest, strict=True)]
    own = [np.ravel(a - b) for a, b in pairs if a is not None and b is not None]
    return np.concatenate(own) if own else np.empty(0)


def _energy_per_atom(atoms: Atoms) -> np.ndarray:
    return np.array(atoms.get_potential_energy() / len(atoms))


def _virial_per_atom(atoms: Atoms) -> np.ndarray | None:
    """(6,), eV, by the number of atoms."""
    stress = atoms.calc.results.get("stress")
    return None if stress is None else -stress * atoms.cell.volume / len(atoms)


def _rms(differences: np.ndarray) -> float:
    return float(np.sqrt(np.mean(differences**2)))
