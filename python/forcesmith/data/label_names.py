"""Labels under the names that files give them: found, converted to eV and angstrom, or spoken of.

Names in any case that can mean one thing only (`energy`, `Forces`, `force`, `virial`, ...) are used
without a word; all others (`REF_energy`, `dft_forces`, ...) only if an option names them. What
looks like a label and is not used is warned about, once per file.

A virial is -dE/d(strain) in eV, positive in compression, as GAP, NEP, MACE and dpdata write it:
stress = -virial / volume. With a unit of pressure it is divided by the volume already, as VASP
prints it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from forcesmith.data.label_settings import LabelSettings
from forcesmith.data.label_units import (
    doubts,
    is_pressure,
    take_told_units,
    unit_factor,
    unit_in_name,
)
from forcesmith.data.labels import SOURCE_KEY, label_numbers, shortened

# Names, in small letters, that mean one thing only.
_NAMES = {
    "energy": ("energy",),
    "forces": ("forces", "force"),
    "stress": ("stress",),
    "virial": ("virial", "virials"),
}
# Words in the names of entries that are about labels, or energies of something else.
_NO_LABEL = (
    "kinetic", "formation", "cohesive", "binding", "atomization", "adsorption", "isolated",
    "atomic", "per", "weight", "weights", "sigma", "error", "std", "mae", "rmse", "unit", "units",
    "cutoff", "shift", "offset", "max", "mean",
)  # fmt: skip
# xx yy zz yz xz xy in VASP's xx yy zz xy yz zx.
_VASP_ORDER = [0, 1, 2, 4, 5, 3]
_INTERNAL = {
    "energy": "eV",
    "virial": "eV",
    "forces": "eV/angstrom",
    "stress": "eV/angstrom^3",
    "length": "angstrom",
}


def take_labels(
    configurations: Sequence[Atoms], name: str, options: LabelSettings, fixed_units: bool
) -> None:
    """Moves the labels of the configurations of one file to calculators, in eV and angstrom.

    name: of the file, for messages.
    fixed_units: whether the format says in which units its files are, so that the numbers are in
        eV and angstrom already.

    Raises ValueError for labels that are none, units that are not known, keys that no configuration
    has, stresses and virials that contradict each other. Warns about labels that are not used and
    about units that can hardly be.
    """
    if options.stress_key is not None and options.virial_key is not None:
        raise ValueError("stress_key and virial_key exclude each other; give one of them.")
    given = _given_units(options)
    if fixed_units and given:
        raise ValueError(
            f"{name}: the format of this file fixes its units (n2p2's with cflength and cfenergy); "
            f"read it without {' and '.join(f'{q}_unit' for q in given if q != 'virial')}."
        )
    _check_keys(configurations, name, options)
    told: dict[str, str] = {}
    unused: dict[str, str] = {}
    virials: set[str] = set()
    for atoms in configurations:
        here = atoms.info[SOURCE_KEY]
        try:
            own = take_told_units(atoms)
        except ValueError as error:
            raise ValueError(f"{here}: {error}.") from None
        told |= own | _take(atoms, here, options, own, given, virials)
        unused |= unused_labels(atoms)
    _warn_of_missing(configurations, name, options)
    _warn_of_unused(configurations, name, options, unused)
    if not fixed_units:
        _warn_of_units(configurations, name, told, given, virials)


def unused_labels(atoms: Atoms) -> dict[str, str]:
    """Entries of `info` and `arrays` that look like labels, and which quantity they look like."""
    return {
        str(name): quantity
        for name, value in [*atoms.info.items(), *atoms.arrays.items()]
        if (quantity := _looks_like(str(name))) and _fits(quantity, value, atoms)
        if quantity == "forces" or name in atoms.info
    }


def options_text(unused: dict[str, str]) -> str:
    """The options of `read` that take these entries: energy_key='REF_energy', ..."""
    options: dict[str, str] = {}
    for name, quantity in unused.items():
        options.setdefault(quantity, f"{quantity}_key='{shortened(name)}'")
    if "stress" in options:
        options.pop("virial", None)
    return ", ".join(options[quantity] for quantity in _NAMES if quantity in options)


def names_text(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(shortened(name, 30) for name in names[:4]) + more


def warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)


# --- one configuration ---


def _take(
    atoms: Atoms,
    here: str,
    options: LabelSettings,
    told: dict[str, str],
    given: dict[str, str],
    virials: set[str],
) -> dict[str, str]:
    """Returns the units that the names of entries tell; adds the name of a virial to `virials`."""
    by_name: dict[str, str] = {}
    units = _INTERNAL | told | given
    old = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    results = {name: value for name, value in old.items() if value is not None}
    places = (results, atoms.info, atoms.arrays)
    labels: dict[str, np.ndarray] = {}
    for quantity in _NAMES:
        place, name = _find(quantity, places, options)
        if place is not None:
            numbers = label_numbers(quantity, place[name], len(atoms), here)
            if np.shape(place[name]) == (6,) and "vasp" in name.lower():
                numbers = numbers[_VASP_ORDER]
            if quantity not in given and (unit := unit_in_name(quantity, name)):
                by_name[quantity] = units[quantity] = unit
            labels[quantity] = numbers * unit_factor(quantity, units[quantity])
            if quantity == "virial":
                virials.add(name)
            if place is not results:
                del place[name]
    if "free_energy" in results and options.energy_key is None:
        numbers = label_numbers("energy", results["free_energy"], len(atoms), here)
        labels["free_energy"] = numbers * unit_factor("energy", units["energy"])
    length = unit_factor("length", units["length"])
    if length != 1.0:
        atoms.set_cell(atoms.cell.array * length)
        atoms.positions *= length
    if "virial" in labels:
        virial = labels.pop("virial")
        volume = 1.0 if is_pressure(units["virial"]) else atoms.cell.volume
        _add_virial(atoms, labels, virial, volume, here)
    for name in ("energy", "free_energy", "forces", "stress", "virial"):
        results.pop(name, None)
    results |= {n: float(v) if v.ndim == 0 else v for n, v in labels.items()}
    if results or old:
        atoms.calc = SinglePointCalculator(atoms)
        atoms.calc.results.update(results)
    return by_name


def _find(
    quantity: str, places: Sequence[dict[str, Any]], options: LabelSettings
) -> tuple[dict[str, Any] | None, str]:
    """Where a label is, and under which name."""
    key = getattr(options, f"{quantity}_key")
    if key is not None:
        return next(((place, key) for place in places if key in place), (None, key))
    if quantity in ("stress", "virial") and (options.stress_key or options.virial_key):
        return None, ""
    for own in _NAMES[quantity]:
        for place in places:
            for name in sorted(place, key=lambda name: name != own):  # that spelling first
                if str(name).lower() == own:
                    return place, name
    return None, ""


def _add_virial(
    atoms: Atoms, labels: dict[str, np.ndarray], virial: np.ndarray, volume: float, here: str
) -> None:
    """A stress among the labels; without a volume, an entry of `info`."""
    if volume == 0.0:
        atoms.info["virial"] = virial
        return
    _check_agreement(labels.get("stress"), -virial / volume, here)
    labels.setdefault("stress", -virial / volume)


def _check_agreement(stress: np.ndarray | None, other: np.ndarray, here: str) -> None:
    if stress is None:
        return
    apart = np.abs(stress - other)
    if apart.max() > 0.02 * np.abs(other).max() + 1e-4:
        worst = int(np.argmax(apart))
        raise ValueError(
            f"{here}: its stress and its virial contradict each other ({stress[worst]:.6g} and "
            f"-virial/volume = {other[worst]:.6g} eV/angstrom^3); say which is right with "
            "stress_key or virial_key."
        )


def _looks_like(name: str) -> str | None:
    words = re.findall("[a-z]+", name.lower())
    if name == SOURCE_KEY or any(word in _NO_LABEL for word in words):
        return None
    small = "".join(words)
    for quantity, stem in (
        ("virial", "virial"),
        ("stress", "stress"),
        ("forces", "force"),
        ("energy", "energy"),
        ("energy", "energie"),
    ):
        if small.startswith(stem) or small.removesuffix("s").endswith(stem.removesuffix("s")):
            return quantity
    return None


def _fits(quantity: str, value: object, atoms: Atoms) -> bool:
    try:
        label_numbers(quantity, value, len(atoms), "")
    except ValueError:
        return False
    return True


# --- all of a file ---


def _given_units(options: LabelSettings) -> dict[str, str]:
    """Units of the options by quantity."""
    units = {
        "energy": options.energy_unit,
        "virial": (options.virial_key and options.stress_unit) or options.energy_unit,
        "forces": options.forces_unit,
        "stress": options.stress_unit,
        "length": options.length_unit,
    }
    given = {quantity: unit for quantity, unit in units.items() if unit is not None}
    for quantity, unit in given.items():
        try:
            unit_factor(quantity, unit)
        except ValueError as error:
            raise ValueError(f"T{str(error)[1:]}.") from None
    return given


def _check_keys(configurations: Sequence[Atoms], name: str, options: LabelSettings) -> None:
    for quantity in _NAMES:
        key = getattr(options, f"{quantity}_key")
        if key is None or not configurations:
            continue
        there: set[str] = set()
        for atoms in configurations:
            results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
            there |= {*atoms.info, *atoms.arrays, *results}
        if key not in there:
            found = sorted(str(n) for n in there - {"numbers", "positions", SOURCE_KEY})
            raise ValueError(
                f"{configurations[0].info[SOURCE_KEY]} has no '{shortened(key)}' to take the "
                f"{quantity} from, nor has any other; there is: "
                f"{shortened(', '.join(found) or 'nothing', 120)}."
            )


def _warn_of_missing(configurations: Sequence[Atoms], name: str, options: LabelSettings) -> None:
    """Configurations that lack what the options name (a stress may be missing), and stresses
    without a volume."""
    for quantity in ("energy", "forces"):
        key = getattr(options, f"{quantity}_key")
        if key is not None:
            _warn_of_some(
                [not _has(atoms, quantity) for atoms in configurations],
                name,
                f"no '{shortened(key)}' and are read without {quantity}",
            )
    warn_without_volume(configurations, name)


def warn_without_volume(configurations: Sequence[Atoms], name: str) -> None:
    """Warns of stresses and virials that have no meaning for lack of a cell's volume."""
    wrong = [
        atoms.cell.volume == 0.0
        and ("stress" in getattr(atoms.calc, "results", {}) or "virial" in atoms.info)
        for atoms in configurations
    ]
    _warn_of_some(wrong, name, "a stress or virial but no cell with a volume; it is not used")


def _warn_of_some(wrong: Sequence[bool], name: str, what: str) -> None:
    if any(wrong):
        warn(
            f"{name}: {sum(wrong)} of {len(wrong)} configurations (the first: {wrong.index(True)}) "
            f"have {what}."
        )


def _warn_of_unused(
    configurations: Sequence[Atoms],
    name: str,
    options: LabelSettings,
    unused: dict[str, str],
) -> None:
    used = {q for q in ("energy", "forces", "stress") if any(_has(a, q) for a in configurations)}
    chosen = {quantity for quantity in _NAMES if getattr(options, f"{quantity}_key") is not None}
    if chosen & {"stress", "virial"}:
        chosen |= {"stress", "virial"}
    # without any label a fit or an evaluation refuses the data and says the same
    unused = {n: q for n, q in unused.items() if q not in chosen and n != "virial"} if used else {}
    if unused:
        beside = used & {q.replace("virial", "stress") for q in unused.values()}
        instead = f" (instead: {', '.join(sorted(beside))})" if beside else ""
        warn(
            f"{name}: {names_text(list(unused))} {'is' if len(unused) == 1 else 'are'} not used"
            f"{instead}; if wanted as labels, give {options_text(unused)} and their units."
        )


def _has(atoms: Atoms, quantity: str) -> bool:
    return atoms.calc is not None and quantity in atoms.calc.results


def _warn_of_units(
    configurations: Sequence[Atoms],
    name: str,
    told: dict[str, str],
    given: dict[str, str],
    virials: set[str],
) -> None:
    for quantity in told.keys() & given.keys():
        if unit_factor(quantity, told[quantity]) != unit_factor(quantity, given[quantity]):
            warn(
                f"{name}: the file says that its {quantity} is in {shortened(told[quantity])}; "
                f"{given[quantity]} is used, as given."
            )
    known = told | given
    if virials and "stress" in given and "virial" not in given | told:
        warn(
            f"{name}: the unit of stresses is not used for its {min(virials)}, which is taken in "
            f"eV; if it is in {given['stress']}, give virial_key='{min(virials)}', too."
        )
    if virials:
        known.pop("stress", None)
    if "virial" in known:
        known["stress"] = known["virial"]
    lonely = "forces" not in known and any(_has(atoms, "forces") for atoms in configurations)
    if lonely and unit_factor("energy", known.get("energy", "eV")) != 1.0:
        warn(
            f"{name}: its energies are in {known['energy']}, its forces are taken in eV/angstrom; "
            "if they are not, give forces_unit."
        )
    for doubt in doubts(configurations, known):
        of_virial = virials and doubt.option.startswith("stress_unit")
        virial = f"virial_key='{min(virials)}', " if of_virial else ""
        message = f"{name}: {doubt.finding}; give {virial}{doubt.option}"
        if doubt.certain:
            raise ValueError(f"{message} or the unit that is right.")
        warn(f"{message} if that is so; the right unit, given, ends this warning.")
