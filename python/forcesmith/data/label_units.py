"""Units of labels: their names, the headers that tell them, and whether values fit them.

Everything inside forcesmith is in angstrom, eV, eV/angstrom and eV/angstrom^3.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.data import covalent_radii

from forcesmith.data.labels import labels_of, shortened, tensor
from forcesmith.data.neighbors import find_pairs

_ENERGIES = {
    "ev": 1.0,
    "electronvolt": 1.0,
    "mev": 1e-3,
    "hartree": units.Hartree,
    "ha": units.Hartree,
    "rydberg": units.Rydberg,
    "ry": units.Rydberg,
    "kcal/mol": units.kcal / units.mol,
    "kcal_mol": units.kcal / units.mol,
    "kj/mol": units.kJ / units.mol,
    "kj_mol": units.kJ / units.mol,
}
_LENGTHS = {
    "angstrom": 1.0,
    "ang": 1.0,
    "ang.": 1.0,
    "a": 1.0,
    "bohr": units.Bohr,
    "nm": units.nm,
}
_PRESSURES = {
    "pa": units.Pascal,
    "mpa": 1e6 * units.Pascal,
    "gpa": units.GPa,
    "bar": units.bar,
    "kbar": 1e3 * units.bar,
    "kb": 1e3 * units.bar,
}
_EXAMPLES = {
    "energy": "eV, hartree, Ry, kcal/mol, kJ/mol",
    "virial": "eV, hartree, Ry, kcal/mol, kJ/mol",
    "forces": "eV/angstrom, hartree/bohr, Ry/bohr, kcal/mol/angstrom",
    "stress": "eV/angstrom^3, GPa, kbar, bar, hartree/bohr^3",
    "length": "angstrom, bohr, nm",
}
# The last word before `unit` in the name of an entry, and the quantity it is about.
_TOLD = {
    **dict.fromkeys(("energy", "energies"), "energy"),
    **dict.fromkeys(("force", "forces"), "forces"),
    **dict.fromkeys(("stress", "stresses", "pressure"), "stress"),
    **dict.fromkeys(("virial", "virials"), "virial"),
    **dict.fromkeys(
        ("length", "position", "positions", "pos", "distance", "lattice", "cell", "coordinates"),
        "length",
    ),
}


def unit_factor(quantity: str, name: str) -> float:
    """What a number in the unit `name` is to be multiplied with.

    quantity: "energy", "virial" (an energy, or as a stress), "forces", "stress" or "length".
    Raises ValueError for an unknown name.
    """
    text = re.sub(r"\s", "", str(name)).replace("Å", "angstrom").replace("**", "^")
    key = text.lower()
    factor = None
    if text.startswith("M") and key in ("mev", "mev/angstrom"):  # mega is not milli
        pass
    elif quantity == "energy" or (quantity == "virial" and key in _ENERGIES):
        factor = _ENERGIES.get(key)
    elif quantity == "length":
        factor = _LENGTHS.get(key)
    elif quantity == "forces":
        energy, _, length = key.rpartition("/")
        if energy in _ENERGIES and length in _LENGTHS:
            factor = _ENERGIES[energy] / _LENGTHS[length]
    elif key in _PRESSURES:
        factor = _PRESSURES[key] if text != "mPa" else None
    elif found := re.fullmatch(r"(.+)/(.+?)\^?3", key):
        energy, length = found.groups()
        if energy in _ENERGIES and length in _LENGTHS:
            factor = _ENERGIES[energy] / _LENGTHS[length] ** 3
    if factor is None:
        raise ValueError(
            f"the {quantity} unit '{shortened(name)}' is not known; known are for example "
            f"{_EXAMPLES[quantity]}"
        )
    return factor


def is_pressure(name: str) -> bool:
    """Whether a unit of a virial is one of stress."""
    try:
        return unit_factor("stress", name) > 0
    except ValueError:
        return False


def unit_in_name(quantity: str, name: str) -> str | None:
    """The unit that the name of an entry tells, as in `virial_kbar` or `energy_hartree`."""
    known = {"energy": _ENERGIES, "stress": _PRESSURES, "virial": _PRESSURES | _ENERGIES}
    words = re.split(r"[^a-z]+", str(name).lower())
    return next((word for word in words if word in known.get(quantity, ())), None)


def take_told_units(atoms: Atoms) -> dict[str, str]:
    """The units that a configuration tells in entries such as `stress-unit`, by quantity.

    The entries are removed: what follows is in eV and angstrom. Raises ValueError (without the
    place) for units that are not understood.
    """
    told: dict[str, str] = {}
    for key in list(atoms.info):
        found = re.fullmatch(r"(?:(.*?)[-_. ]*)units?", str(key).lower())
        if not found:
            continue
        value = atoms.info[key]
        if not found[1]:
            told |= _told_together(key, value)
        elif (quantity := _TOLD.get(re.split(r"[-_. ]", found[1])[-1])) is None:
            continue  # of a quantity that plays no role
        elif quantity == "length" and told.get("length", value) != value:
            raise ValueError(f"its lengths are in {told['length']} and {value}; use one unit")
        else:
            told[quantity] = str(value)
        del atoms.info[key]
    for quantity, name in told.items():
        unit_factor(quantity, name)
    return told


def _told_together(key: str, value: object) -> dict[str, str]:
    """Of an entry `units`: LAMMPS' name of a system of units, or units by quantity."""
    if isinstance(value, dict):
        known = {_TOLD.get(str(name).lower()): str(unit) for name, unit in value.items()}
        return {quantity: unit for quantity, unit in known.items() if quantity}
    if str(value).lower() != "metal":
        raise ValueError(
            f"its entry {key}={shortened(value)} is not understood; write stress_unit=GPa or "
            "the like, or units=metal for eV and angstrom"
        )
    return {}


# --- whether values can be what they say ---

# The stresses of no data set are typically as large as this (8000 GPa, twice the pressure in
# Jupiter's core); no material holds a larger hydrostatic tension (110 GPa); a larger pressure
# (1000 GPa) is rare but in single configurations. All in eV/angstrom^3.
_IMPOSSIBLE_STRESS, _LARGEST_TENSION, _LARGE_PRESSURE = 50.0, 0.7, 6.0
# Total energy of all electrons of an atom, Thomas and Fermi: 20.9 eV Z^(7/3).
_THOMAS_FERMI = 20.9
# Pairs of configurations so near each other that the trapezoidal rule gives the work between them.
_NEAR_STRAIN, _NEAR_DISPLACEMENT = 0.1, 0.6  # -, angstrom
_PAIRS, _FEWEST_PAIRS = 300, 4
# Of the sum of covalent radii: H2, the shortest of bonds by this measure, has 1.19, and 0.63 if
# angstrom are taken for bohr.
_CLOSE = 0.65


@dataclass(frozen=True)
class Doubt:
    """What is strange about the labels of a file, and the option that would make it right."""

    finding: str
    option: str  # for example stress_unit='GPa'
    certain: bool = False


def doubts(configurations: Sequence[Atoms], known: Collection[str]) -> list[Doubt]:
    """Labels that cannot be in eV and angstrom, or hardly.

    known: quantities ("energy", "forces", "stress") whose unit was told, so that there is no doubt.
    """
    work, energies = _work_between(configurations)
    found = []
    if "energy" not in known:
        found.append(_size_of_energies(configurations))
    if not {"energy", "forces"} <= set(known):
        found.append(_forces_against_energies(work, energies))
    if "stress" not in known:
        by_work = None if any(found) else _stress_ratio(work, energies)
        size = _size_of_stresses(configurations)
        found.append(size if by_work is None else _stresses_against_energies(by_work, size))
    return [doubt for doubt in found if doubt]


def too_close(configurations: Sequence[Atoms]) -> bool:
    """Whether most configurations have atoms much closer than bonds are, as lengths in angstrom
    that were read as bohr have."""
    close = 0
    for atoms in configurations[:_PAIRS]:
        radii = covalent_radii[atoms.numbers]
        try:
            i, j, vectors = find_pairs(atoms, "a configuration", 2 * _CLOSE * radii.max())
        except ValueError:
            continue  # `check_configurations` says why
        close += bool((np.linalg.norm(vectors, axis=1) < _CLOSE * (radii[i] + radii[j])).any())
    return close > len(configurations[:_PAIRS]) / 2


def _size_of_stresses(configurations: Sequence[Atoms]) -> Doubt | None:
    found = [labels_of(atoms).stress for atoms in configurations]
    means = np.array([stress[:3].mean() for stress in found if stress is not None])
    if not len(means):
        return None
    tension, typical = means.max(), float(np.median(np.abs(means)))
    if tension < _LARGEST_TENSION and typical < _LARGE_PRESSURE:
        return None
    value = tension if tension > _LARGEST_TENSION else means.min()
    usual = _LARGEST_TENSION / 2 if value > 0 else _LARGE_PRESSURE / 2
    units_ = ("GPa", "kbar", "bar")
    unit = next((u for u in units_ if abs(value) * unit_factor("stress", u) < usual), "bar")
    return Doubt(
        f"a mean stress of {value:.4g} eV/angstrom^3 is {abs(value) / units.GPa:.3g} GPa of "
        f"{'tension' if value > 0 else 'pressure'}; it looks like {unit}",
        f"stress_unit='{unit}'",
        typical > _IMPOSSIBLE_STRESS,
    )


def _size_of_energies(configurations: Sequence[Atoms]) -> Doubt | None:
    """Energies below those of all electrons together."""
    for atoms in configurations:
        energy = labels_of(atoms).energy
        bound = 1.3 * _THOMAS_FERMI * float(np.sum(atoms.numbers ** (7 / 3)))
        if energy is not None and -energy > bound > 0:
            kcal = -energy * _ENERGIES["kcal/mol"] < bound
            return Doubt(
                f"an energy of {energy:.6g} eV for {atoms.get_chemical_formula(empirical=True)} "
                f"({len(atoms)} atoms) is below that of all its electrons"
                + ("; it looks like kcal/mol" if kcal else ""),
                f"energy_unit='{'kcal/mol' if kcal else '...'}'",
            )
    return None


@dataclass(frozen=True)
class _Work:
    """Between pairs of near configurations, (n_pairs,), eV if the units are right."""

    forces: np.ndarray  # - mean forces . displacements
    stresses: np.ndarray  # volume * mean stress : strain; NaN where it is needed but unknown


def _work_between(configurations: Sequence[Atoms]) -> tuple[_Work, np.ndarray]:
    """Work by the trapezoidal rule, and differences of energy, of configurations that follow each
    other in the file."""
    rows: list[tuple[float, float, float]] = []
    for first, second in itertools.pairwise(configurations):
        if len(rows) >= _PAIRS:
            break
        if len(first) != len(second) or (first.numbers != second.numbers).any():
            continue
        a, b = labels_of(first), labels_of(second)
        if a.energy is None or a.forces is None or b.energy is None or b.forces is None:
            continue
        if (moves := _strain_and_displacements(first, second)) is None:
            continue
        strain, displacements = moves
        by_forces = -np.sum((a.forces + b.forces) * displacements) / 2
        by_stresses = 0.0
        if np.abs(strain).max() > 1e-8:
            by_stresses = np.nan
            if a.stress is not None and b.stress is not None:
                sum_ = tensor(a.stress) * first.cell.volume + tensor(b.stress) * second.cell.volume
                by_stresses = np.sum(sum_ * strain) / 2
        rows.append((by_forces, by_stresses, b.energy - a.energy))
    table = np.array(rows).reshape(-1, 3)
    return _Work(table[:, 0], table[:, 1]), table[:, 2]


def _strain_and_displacements(first: Atoms, second: Atoms) -> tuple[np.ndarray, np.ndarray] | None:
    """From one to the other: (3, 3) and, beside the strain, (n_atoms, 3), angstrom; None if they
    are far from each other, or partly periodic."""
    strain, displacements = np.zeros((3, 3)), second.positions - first.positions
    if first.pbc.any():
        if min(first.cell.rank, second.cell.rank) < 3:
            return None
        gradient = np.linalg.solve(first.cell.array, second.cell.array)
        strain = (gradient + gradient.T) / 2 - np.eye(3)
        if np.abs(gradient - np.eye(3)).max() > _NEAR_STRAIN:
            return None
        moved = second.cell.scaled_positions(second.positions)
        moved -= first.cell.scaled_positions(first.positions)
        moved -= np.round(moved) * first.pbc
        displacements = moved @ (first.cell.array + second.cell.array) / 2
    if np.abs(displacements).max() > _NEAR_DISPLACEMENT:
        return None
    return strain, displacements


def _forces_against_energies(work: _Work, energies: np.ndarray) -> Doubt | None:
    used = work.stresses == 0.0
    ratio = _ratio(work.forces[used], energies[used])
    if ratio is None or 0.5 < ratio < 1.6:
        return None
    if ratio < 0:
        return Doubt(
            "its energies rise along its forces, as if they were gradients",
            "forces (gradients with the other sign)",
        )
    # By the ratio of what is written: energies as they are and forces in other units, or reversed.
    guesses = {f"energy_unit='{name}'": 1 / unit_factor("energy", name) for name in _COMMON} | {
        f"forces_unit='{name}/{length}'": unit_factor("forces", f"{name}/{length}")
        for name in ("hartree", "Ry", "kcal/mol")
        for length in ("bohr", "angstrom")
    }
    both = "energy_unit='hartree', forces_unit='hartree/bohr' (or Ry, Ry/bohr)"
    guesses[both] = 1 / units.Bohr
    option = min(guesses, key=lambda guess: abs(np.log(ratio / guesses[guess])))
    return Doubt(
        f"its energies differ by {ratio:.3g} times the work of its forces, so their units do not "
        "fit together",
        option,
    )


def _stress_ratio(work: _Work, energies: np.ndarray) -> float | None:
    used = np.isfinite(work.stresses) & (work.stresses != 0.0)
    return _ratio(work.stresses[used], (energies - work.forces)[used])


def _stresses_against_energies(ratio: float, size: Doubt | None) -> Doubt | None:
    """size: what the sizes of the stresses say."""
    if 0.3 < ratio < 3.0:
        return None
    finding = f"its energies differ by {ratio:.3g} times the work of its stresses"
    names = ("eV/angstrom^3", "GPa", "kbar", "bar", "hartree/bohr^3")
    name = min(names, key=lambda unit: abs(np.log(abs(ratio) / unit_factor("stress", unit))))
    if ratio > 0:
        finding, option = f"{finding}, so they have another unit", f"stress_unit='{name}'"
    else:
        finding += ", so they are positive in compression"
        option = f"virial_key='stress', stress_unit='{name}'"
    return Doubt(finding, option, size is not None and size.certain)


_COMMON = ("hartree", "Ry", "kcal/mol", "kJ/mol")


def _ratio(work: np.ndarray, energies: np.ndarray) -> float | None:
    """Slope of energies over work, if it explains nearly all of the energies."""
    if len(work) < _FEWEST_PAIRS or not work.any():
        return None
    slope = float(work @ energies / (work @ work))
    left = np.sum((energies - slope * work) ** 2)
    return slope if left < 0.1 * np.sum(energies**2) else None
