"""Conditions to explore: which structure, with which defects, under what temperature and pressure.

Settings may hold series; `expand` makes single conditions of them.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.sampling.field_types import HIGHEST_TEMPERATURE, Ends, Ramp, listed
from forcesmith.sampling.structures import (
    COMPONENTS,
    check_distances,
    check_elements,
    check_structure,
    hop_into_vacancy,
    is_prototype,
    miller_indices,
    read_structures,
    slab,
    strained,
    widest_gap,
    with_interstitials,
    with_substitutions,
    with_vacancies,
)

T = TypeVar("T")
Ensemble = Literal["nve", "nvt", "npt"]
KindName = Literal["dynamics", "minimization", "neb", "strain", "surface"]

CHECK_STEPS = 10  # of dynamics, between two looks at what is uncertain
LONGEST_TIMESTEP = 0.002  # ps, for hydrogen; otherwise times the square root of the mass
USUAL_TIMESTEP, TIMESTEP_OF_LIGHT_ATOMS = 0.001, 0.0005  # ps
LIGHT = 5.0  # atomic mass units
LARGEST_STRAIN = 0.5
LARGEST_PRESSURE = 1000.0  # GPa, and as much of tension
GAP_WITHOUT_PRESSURE = 8.0  # angstrom of nothing, which a barostat would close
LONGEST_RUN = 2_000_000_000  # steps, as LAMMPS counts them


def _cells(given: Any) -> Any:
    """2 and "2x2x1" as (2, 2, 1)."""
    if isinstance(given, int):
        return (given,) * 3
    if isinstance(given, str):
        words = given.split("x")
        if not (len(words) in (1, 3) and all(word.strip().isdigit() for word in words)):
            raise ValueError(f'expected "2x2x1" or a number, not {shortened(repr(given))}')
        return tuple(map(int, words if len(words) == 3 else words * 3))
    return given


def _strain(given: Any) -> Any:
    """A number: the same in all directions."""
    if isinstance(given, (int, float)):
        return {"xx": given, "yy": given, "zz": given}
    return given


def _listed_cells(given: Any) -> Any:
    is_one = isinstance(given, list) and len(given) == 3 and all(isinstance(n, int) for n in given)
    return [given] if is_one else listed(given)


Repeats = Annotated[int, Field(ge=1, le=1000)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Supercell = Annotated[tuple[Repeats, Repeats, Repeats], BeforeValidator(_cells)]
StrainValue = Annotated[float, Field(ge=-LARGEST_STRAIN, le=LARGEST_STRAIN)]
Strain = Annotated[dict[str, StrainValue], BeforeValidator(_strain)]
Series = Annotated[list[T], BeforeValidator(listed), Field(min_length=1)]


class ConditionSettings(Section):
    """One or several conditions. Lists are series; every combination becomes a condition of its
    own."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    name: str | None = None
    """None: made of what follows, "MgO-2x2x2-1O-vacancy-npt-900K". Of several conditions, what
    their names begin with."""
    structure: Series[str | Atoms]
    """A file that ASE reads (`file@:` for all of its frames), or a prototype with its lattice
    constants in angstrom, "rocksalt MgO 4.21"."""
    kind: KindName = "dynamics"
    """"dynamics", "minimization" of the energy, "neb": path of an atom into a vacancy (or to
    `final`), "strain": minimizations of cells that are strained by +-`strain` in every component,
    "surface": minimizations of slabs with these surfaces."""
    supercell: Annotated[list[Supercell], BeforeValidator(_listed_cells)] = [(1, 1, 1)]
    """Repetitions of the cell, "2x2x1" or 2."""
    strain: Series[Strain] = [{}]
    """Of the cell: one number for all directions, or components {xx = 0.02, xy = 0.01}. Of the kind
    "strain" the amplitude, by default 0.02."""
    surface: Series[str] = [""]
    """Miller indices, "110" or "1 -1 0": a slab of at least 10 angstrom with vacuum. Of the kind
    "surface" by default 100, 110 and 111."""
    vacancies: Series[dict[str, Count]] = [{}]
    """Atoms to leave out, by element, taken by chance: {O = 1}."""
    substitutions: Series[dict[str, dict[str, Count]]] = [{}]
    """Atoms to turn into others, taken by chance: {Mg = {Ca = 1}}."""
    interstitials: Series[dict[str, Count]] = [{}]
    """Atoms to add, by element, in the middle of the largest void: {O = 1}."""
    displacement: float = Field(0.0, ge=0.0, le=1.0)
    """Standard deviation of displacements of all atoms by chance, angstrom."""
    ensemble: Series[Ensemble] = ["npt"]
    """What is kept: energy and volume, temperature and volume, temperature and pressure."""
    temperature: Series[Ramp] = [(300.0, 300.0)]
    """K; "300:1500" is a ramp. Runs of the ensemble "nve" start from a crystal at rest with
    velocities of twice this temperature, half of which becomes potential energy."""
    pressure: Series[Ramp] | None = None
    """GPa; of "npt" 0 by default, of minimizations none: their cells stay. "0:10" is a ramp."""
    timestep: float | None = Field(None, gt=0.0, le=0.1)
    """ps; None: 0.001, with atoms lighter than 5 atomic mass units 0.0005."""
    duration: float = Field(100.0, gt=0.0)
    """ps."""
    final: str | None = None
    """Of the kind "neb": file of the last structure, its atoms in the order of the first. None: an
    atom next to the vacancy moves into it."""
    images: int = Field(5, ge=3, le=99)
    """Of the kind "neb": structures of a path, both ends included."""
    seed: int = Field(1, ge=0, lt=2**31)
    """Of all that is taken by chance."""

    def relative_to(self, folder: Path) -> ConditionSettings:
        """A copy whose files, where their paths are relative, are those of this folder."""
        structures = [
            str(folder / given) if isinstance(given, str) and not is_prototype(given) else given
            for given in self.structure
        ]
        update: dict[str, Any] = {"structure": structures}
        if self.final is not None:
            update["final"] = str(folder / self.final)
        return self.model_copy(update=update)

    @field_validator("name")
    @classmethod
    def _is_a_file_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[\w+-][\w.+-]{0,99}", name, re.ASCII):
            raise ValueError("it becomes the name of a folder; use letters, digits and -_.+ alone")
        return name

    @field_validator("strain")
    @classmethod
    def _known_components(cls, strains: list[dict[str, float]]) -> list[dict[str, float]]:
        for name in itertools.chain(*strains):
            if name not in COMPONENTS:
                raise ValueError(
                    f"there is no component {shortened(name)}; known: {', '.join(COMPONENTS)}"
                )
        return strains

    @field_validator("surface")
    @classmethod
    def _readable_indices(cls, surfaces: list[str]) -> list[str]:
        for text in filter(None, surfaces):
            miller_indices(text)
        return surfaces

    @field_validator("vacancies", "interstitials", "substitutions")
    @classmethod
    def _known_elements(cls, series: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for counts in series:
            check_elements([*counts], "defects")
            for into in counts.values():
                if isinstance(into, dict):
                    check_elements([*into], "substitutions")
        return series

    @field_validator("temperature")
    @classmethod
    def _above_zero(cls, temperatures: list[Ends]) -> list[Ends]:
        for value in itertools.chain(*temperatures):
            if not 0 < value <= HIGHEST_TEMPERATURE:
                raise ValueError(
                    f"{value:g} K is no temperature to run at; give one above 0 and up to "
                    f'{HIGHEST_TEMPERATURE:g} K (kind = "minimization" is for 0)'
                )
        return temperatures

    @field_validator("pressure")
    @classmethod
    def _in_gigapascals(cls, pressures: list[Ends] | None) -> list[Ends] | None:
        for value in itertools.chain(*(pressures or [])):
            if not abs(value) <= LARGEST_PRESSURE:
                raise ValueError(
                    f"{value:g} GPa is no pressure to run at; give one of at most "
                    f"{LARGEST_PRESSURE:g} GPa (10000 bar are 1 GPa)"
                )
        return pressures


@dataclass(frozen=True)
class Condition:
    """What is explored by one run; small enough to be sent to workers."""

    name: str
    """Unique among those of one `expand`, and the name of a folder."""
    run: Literal["dynamics", "minimization", "neb"]
    structure: Atoms
    """At the beginning."""
    seed: int
    """From 1 on."""
    pressure: Ends | None = None
    """GPa; None: the cell stays."""
    ensemble: Ensemble | None = None
    """Of dynamics, as those that follow."""
    temperature: Ends = (0.0, 0.0)
    """K."""
    timestep: float = 0.0
    """ps."""
    duration: float = 0.0
    """ps; 0 for what has no time."""
    final: Atoms | None = None
    """Last structure of the path."""
    images: int = 0
    """Structures of the path."""
    shows: str = ""
    """Crystal, surface and defects, whatever the supercell: "MgO-1O-vacancy"."""

    @property
    def elements(self) -> list[str]:
        """In alphabetical order, that of LAMMPS' atom types."""
        return sorted(set(self.structure.get_chemical_symbols()))

    @property
    def steps(self) -> int:
        """Of dynamics, a multiple of CHECK_STEPS that lasts at least as long as `duration`."""
        if not self.duration:
            return 0
        return CHECK_STEPS * math.ceil(self.duration / self.timestep / CHECK_STEPS - 1e-6)

    @cached_property
    def fingerprint(self) -> str:
        """Of all that it is, its names left aside."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Atoms):
                arrays = (value.numbers, value.positions, value.cell.array, value.pbc)
                value = [array.tolist() for array in arrays]
            if field.name not in ("name", "shows"):
                digest.update(repr((field.name, value)).encode())
        return digest.hexdigest()


# ---- kinds ----


@dataclass(frozen=True)
class _Kind:
    """How settings become conditions, and which of them it takes no notice of."""

    run: Literal["dynamics", "minimization", "neb"]
    series: Callable[[ConditionSettings], dict[str, Any]]
    """Series in place of those of the settings."""
    without: frozenset[str] = frozenset()


def _as_given(settings: ConditionSettings) -> dict[str, Any]:
    return {}


def _both_signs(settings: ConditionSettings) -> dict[str, Any]:
    amplitudes = [max(map(abs, strain.values()), default=0.02) for strain in settings.strain]
    return {
        "strain": [
            {name: sign * amplitude}
            for amplitude in amplitudes
            for name in COMPONENTS
            for sign in (1, -1)
        ]
    }


def _low_indices(settings: ConditionSettings) -> dict[str, Any]:
    return {} if any(settings.surface) else {"surface": ["100", "110", "111"]}


_OF_DYNAMICS = frozenset({"ensemble", "temperature", "timestep", "duration"})
_OF_PATHS = frozenset({"final", "images"})
KINDS: dict[KindName, _Kind] = {
    "dynamics": _Kind("dynamics", _as_given, _OF_PATHS),
    "minimization": _Kind("minimization", _as_given, _OF_DYNAMICS | _OF_PATHS),
    "neb": _Kind("neb", _as_given, _OF_DYNAMICS | {"pressure"}),
    "strain": _Kind("minimization", _both_signs, _OF_DYNAMICS | _OF_PATHS | {"pressure"}),
    "surface": _Kind("minimization", _low_indices, _OF_DYNAMICS | _OF_PATHS | {"pressure"}),
}


# ---- from settings to conditions ----


def expand(settings: ConditionSettings | Sequence[ConditionSettings]) -> list[Condition]:
    """Make single conditions of settings with series.

    Parameters
    ----------
    settings
        One, or several; names are unique over all of them.

    Returns
    -------
    list[Condition]
        Every combination of the series.

    Raises
    ------
    ValueError
        A condition that is impossible: one sentence.
    """
    several = [settings] if isinstance(settings, ConditionSettings) else settings
    conditions: list[Condition] = []
    names: set[str] = set()
    for one in several:
        for condition in _expanded(one):
            names_to_try = (f"{condition.name}-{number}" for number in itertools.count(2))
            name = condition.name
            while name in names:
                name = next(names_to_try)
            names.add(name)
            conditions.append(replace(condition, name=name))
    return conditions


def _expanded(settings: ConditionSettings) -> list[Condition]:
    kind = KINDS[settings.kind]
    unused = sorted(kind.without & settings.model_fields_set)
    if unused:
        raise ValueError(
            f'Conditions of the kind "{settings.kind}" have no {" and no ".join(unused)}; leave '
            "that out, or choose another kind."
        )
    series = {
        key: value
        for key in ("supercell", "surface", "strain", "vacancies", "substitutions", "interstitials")
        if (value := getattr(settings, key))
    } | kind.series(settings)
    in_time = {}
    if kind.run == "dynamics":
        in_time = {"ensemble": settings.ensemble, "temperature": settings.temperature}
    in_time["pressure"] = settings.pressure or [None]
    found = []
    values: list[Any]
    for (structure_name, unit), *values in itertools.product(
        _structures(settings), *series.values(), *in_time.values()
    ):
        chosen = dict(zip([*series, *in_time], values, strict=True))
        name = "-".join([settings.name or structure_name, *_parts(settings, chosen)])
        found.append(_condition(settings, name, unit, chosen))
    if len(found) == 1 and settings.name:
        return [replace(found[0], name=settings.name)]
    return found


def _structures(settings: ConditionSettings) -> Iterator[tuple[str, Atoms]]:
    for given in settings.structure:
        if isinstance(given, Atoms):
            check_structure(given, "The structure")
            yield given.get_chemical_formula(empirical=True), given
        else:
            for name, atoms in read_structures(given):
                yield re.sub(r"[^\w+-]", "_", name, flags=re.ASCII), atoms


def _parts(settings: ConditionSettings, chosen: dict[str, Any]) -> Iterator[str]:
    """Of a name: what is not as usual."""
    yield from _surface(chosen)
    if chosen["supercell"] != (1, 1, 1):
        yield "x".join(map(str, chosen["supercell"]))
    strain = chosen["strain"]
    if strain:
        isotropic = list(strain) == ["xx", "yy", "zz"] and len(set(strain.values())) == 1
        shown = {"": strain["xx"]} if isotropic else strain
        yield "strain-" + "-".join(f"{name}{value:+g}" for name, value in shown.items())
    yield from _defects(chosen)
    if settings.kind in ("minimization", "neb"):
        yield settings.kind
    if "ensemble" in chosen:
        yield chosen["ensemble"]
        yield _range(chosen["temperature"]) + "K"
    if chosen["pressure"] not in (None, (0.0, 0.0)):
        yield _range(chosen["pressure"]) + "GPa"


def _surface(chosen: dict[str, Any]) -> Iterator[str]:
    if chosen["surface"]:
        yield "surface-" + "".join(map(str, miller_indices(chosen["surface"])))


def _defects(chosen: dict[str, Any]) -> Iterator[str]:
    for key, one, many in (
        ("vacancies", "vacancy", "vacancies"),
        ("interstitials", "interstitial", "interstitials"),
    ):
        counts = {name: count for name, count in chosen[key].items() if count}
        if counts:
            text = "-".join(f"{count}{name}" for name, count in counts.items())
            yield f"{text}-{one if sum(counts.values()) == 1 else many}"
    for element, into in chosen["substitutions"].items():
        yield "-".join(f"{count}{element}-to-{new}" for new, count in into.items())


def _range(ends: Ends) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g}-{ends[1]:g}"


def _condition(
    settings: ConditionSettings, name: str, unit: Atoms, chosen: dict[str, Any]
) -> Condition:
    rng = np.random.default_rng(settings.seed)
    where = f"The condition {shortened(name, 80)}"
    atoms = slab(unit, chosen["surface"], where) if chosen["surface"] else unit.copy()
    _check_repetitions(atoms, chosen, where)
    atoms = strained(atoms.repeat(chosen["supercell"]), chosen["strain"])
    atoms = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)  # nothing else
    atoms = with_substitutions(atoms, chosen["substitutions"], rng, where)
    atoms, vacancies = with_vacancies(atoms, chosen["vacancies"], rng, where)
    atoms = with_interstitials(atoms, chosen["interstitials"])
    atoms.positions += settings.displacement * rng.normal(size=atoms.positions.shape)
    check_distances(atoms, where)
    kind = KINDS[settings.kind]
    shown = [*_surface(chosen), *_defects(chosen)]
    shared: dict[str, Any] = {
        "name": name,
        "run": kind.run,
        "structure": atoms,
        "seed": settings.seed + 1,
        "shows": "-".join([unit.get_chemical_formula(empirical=True), *shown]),
    }
    if kind.run == "dynamics":
        return _dynamics(settings, chosen, shared, where)
    if kind.run == "neb":
        final = _final(settings, atoms, chosen, vacancies, where)
        return Condition(**shared, final=final, images=settings.images)
    _check_pressure(atoms, chosen["pressure"] is not None, where)
    return Condition(**shared, pressure=chosen["pressure"])


def _check_repetitions(atoms: Atoms, chosen: dict[str, Any], where: str) -> None:
    repeated = np.array(chosen["supercell"]) > 1
    if (repeated & ~atoms.pbc).any():
        raise ValueError(f"{where} repeats a direction that is not periodic; supercell = 1 there.")
    if chosen["surface"] and repeated[2]:
        raise ValueError(f'{where} repeats a slab across its vacuum; give supercell = "2x2x1".')


def _dynamics(
    settings: ConditionSettings, chosen: dict[str, Any], shared: dict[str, Any], where: str
) -> Condition:
    atoms: Atoms = shared["structure"]
    ensemble, temperature = chosen["ensemble"], chosen["temperature"]
    if ensemble != "npt" and chosen["pressure"] is not None:
        raise ValueError(
            f'{where} has a pressure, but the ensemble "{ensemble}" keeps the volume; choose '
            '"npt", or a strain.'
        )
    if ensemble == "nve" and temperature[0] != temperature[1]:
        raise ValueError(
            f'{where} has a ramp of temperatures, but the ensemble "nve" keeps the energy; choose '
            '"nvt" or "npt".'
        )
    if len(atoms) == 1:
        raise ValueError(f"{where} has one atom, which rests; give a supercell.")
    _check_pressure(atoms, ensemble == "npt", where)
    timestep = _checked_timestep(settings.timestep, atoms, where)
    steps = settings.duration / timestep
    if not 1 <= steps <= LONGEST_RUN:
        raise ValueError(
            f"{where} takes {steps:.3g} steps ({settings.duration:g} ps of {timestep:g} ps); give "
            f"a duration of 1 to {LONGEST_RUN} steps."
        )
    return Condition(
        **shared,
        ensemble=ensemble,
        temperature=temperature,
        pressure=(chosen["pressure"] or (0.0, 0.0)) if ensemble == "npt" else None,
        timestep=timestep,
        duration=settings.duration,
    )


def _check_pressure(atoms: Atoms, is_under_pressure: bool, where: str) -> None:
    if not is_under_pressure:
        return
    if not atoms.pbc.all():
        raise ValueError(
            f'{where} has a pressure, but is not periodic in all directions; choose "nvt".'
        )
    gap = widest_gap(atoms)
    if gap > GAP_WITHOUT_PRESSURE:
        raise ValueError(
            f"{where} has a pressure and {gap:.3g} angstrom of vacuum, which the barostat would "
            'close; choose "nvt", or a cell without vacuum.'
        )


def _checked_timestep(given: float | None, atoms: Atoms, where: str) -> float:
    """In ps."""
    symbols = set(atoms.get_chemical_symbols())
    lightest = min(symbols, key=lambda name: atomic_masses[atomic_numbers[name]])
    mass = float(atomic_masses[atomic_numbers[lightest]])
    if given is None:
        return TIMESTEP_OF_LIGHT_ATOMS if mass < LIGHT else USUAL_TIMESTEP
    longest = LONGEST_TIMESTEP * mass**0.5
    if given > longest:
        raise ValueError(
            f"{where} has a timestep of {given:g} ps, too long for the vibrations of {lightest}; "
            f"take 0.001 ps, or at most {longest:.2g} ps (timesteps are in ps, 0.001 is 1 fs)."
        )
    return given


def _final(
    settings: ConditionSettings,
    atoms: Atoms,
    chosen: dict[str, Any],
    vacancies: np.ndarray,
    where: str,
) -> Atoms:
    if settings.final is not None:
        final = read_structures(settings.final)[0][1]
        if final.get_chemical_symbols() != atoms.get_chemical_symbols():
            raise ValueError(
                f"{where}: the structures at both ends of the path differ in their atoms; they "
                "must be the same, in the same order."
            )
        return Atoms(final.symbols, final.positions, cell=final.cell, pbc=final.pbc)
    elements = [name for name, count in chosen["vacancies"].items() if count]
    if len(vacancies) != 1:
        raise ValueError(
            f"{where} is a path into {len(vacancies)} vacancies; give one (vacancies = {{O = 1}}), "
            "or the file of the last structure as `final`."
        )
    return hop_into_vacancy(atoms, vacancies[0], elements[0], where)
