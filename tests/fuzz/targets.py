"""What is done with a damaged file, what must hold if it is accepted, and the class of the outcome.

A target is a pair of functions: `read` takes the folder that the file lies in and must name the
file when it refuses (ValueError, OSError); `use` gets what was read and raises Broken if something
impossible comes of it.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forcesmith as fs
import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from contract_examples import ELEMENTS, crystal
from forcesmith.training.settings import FitSettings
from forcesmith.training.starting_potential import starting_potential
from scipy.spatial.transform import Rotation
from seeds import DATA, POTENTIALS, TINY, labelled_crystals, network_settings

PACKAGE = Path(fs.__file__).parent
FAULTS = ("crash", "hang", "traceback", "memory", "nonsense", "unclear")
"""Classes of outcomes beside "ok" and "refused". nonsense: accepted, but results are not finite or
break an invariant; unclear: refused, but not in one line of at most 300 characters, all printable,
that names the file; traceback: any exception that forcesmith did not raise to refuse."""

CHECKED_BELOW = 1e8
"""eV, eV/angstrom. Larger values come of damaged coefficients that cancel each other to rounding;
they must be finite in double precision, no more."""
LARGEST_FIT = 500
"""Coefficients; larger fits take long, which is no fault."""
FAR = 20.0
"""angstrom; larger cutoffs take much memory, which is no fault."""
ROTATION = Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()


class Broken(Exception):
    """Something was accepted and is not finite, or breaks an invariant."""


def _main(folder: Path, endings: list[str] | None = None) -> Path:
    """The first file in a folder with one of these endings."""
    return next(
        p for p in sorted(folder.iterdir()) if not endings or p.name.endswith(tuple(endings))
    )


# --- potentials ---

ONLY_READ = (".ace", ".descriptor", ".model")  # the last two are those of ML-IAP


def _read_potential(name: str, folder: Path) -> tuple[Path, list[str] | None, fs.Potential]:
    path = _main(folder, fs.registry()["formats"][name])
    # MLIP's files need not name their elements
    count = re.search(rb"species_count\s*=\s*(\d{1,3})", path.read_bytes())
    elements = ["Mg", "O", "Si", "Cu"][: int(count[1])] if count and name == "mlip" else None
    return path, elements, fs.Potential.read(path, elements)


def _use_potential(found: tuple[Path, list[str] | None, fs.Potential]) -> None:
    path, elements, potential = found
    potential.info()
    if not set(potential.elements) <= set(atomic_numbers):
        return  # such names are for LAMMPS alone
    if potential.cutoff > FAR:
        return
    atoms = crystal(potential.elements)
    turned = atoms[::-1]  # in another order, too
    turned.set_cell(atoms.cell.array @ ROTATION.T)
    turned.positions = turned.positions @ ROTATION.T
    dimer = Atoms(atoms.symbols[[0, -1]], positions=[[0, 0, 0], [0.3, 0.2, 1.9]])
    structures = [dimer[:1], dimer, atoms, turned]

    results = potential.evaluate(structures, 1)
    _check_finite(results, "double")
    one, other = results[2:]
    largest = max(np.abs(one.energies).max(), np.abs(one.forces).max())
    if largest < CHECKED_BELOW:
        _check_close(one.energies, other.energies[::-1], "energies change with the orientation")
        _check_close(one.forces, other.forces[::-1] @ ROTATION, "forces do not turn with the atoms")
        _check_finite(potential.evaluate(structures, 1, "single"), "single")

    copies = {"JSON": fs.Potential.from_json(potential.to_json())}
    if path.suffix not in (".json", *ONLY_READ):
        again = path.parent / "again" / path.name
        again.parent.mkdir()
        potential.write(again)
        copies[path.suffix] = fs.Potential.read(again, elements)
    for kind, copy in copies.items():
        for one, other in zip(results, copy.evaluate(structures, 1), strict=True):
            _check_close(one.energies, other.energies, f"another one when written as {kind}")
            _check_close(one.forces, other.forces, f"another one when written as {kind}")


def _check_finite(results: list[fs.Result], precision: str) -> None:
    for result in results:
        for quantity in ("energies", "forces", "virial"):
            if not np.isfinite(getattr(result, quantity)).all():
                raise Broken(f"{quantity} not finite in {precision} precision")
        if np.abs(result.forces.sum(axis=0)).max() > 1e-8 * (1 + np.abs(result.forces).max()):
            raise Broken(f"forces do not sum to zero in {precision} precision")


def _check_close(one: np.ndarray, other: np.ndarray, text: str) -> None:
    if np.abs(one - other).max() > 1e-7 * (1 + np.abs(one).max()):
        raise Broken(text)


# --- data, settings, checkpoints ---


def _fit_data(configurations: list[Atoms]) -> None:
    fs.check_configurations(configurations, None, "train")
    optimizer = {"max_iterations": 1, "threads": 1}
    settings = {"descriptor": {**TINY, "level": 2}, "optimizer": optimizer}
    _check_fit(configurations, fs.fit(configurations, settings=settings))


def _fit_with(settings: FitSettings) -> None:
    again = FitSettings.from_dict(settings.model_dump(exclude_unset=True))
    one, other = (str(s.model_dump(exclude={"output"})) for s in (settings, again))
    if one != other:
        raise Broken("other settings when written and read again")
    optimizer = settings.optimizer
    changes = {"max_iterations": min(optimizer.max_iterations, 2), "threads": 1}
    if settings.model.type == "neural_network" and optimizer.method == "auto":
        changes["method"] = "lbfgs"  # Gauss-Newton matrices of large networks take long
    settings = settings.model_copy(update={"optimizer": optimizer.model_copy(update=changes)})
    train = labelled_crystals()
    if fraction := settings.data.test_fractions or settings.data.test_fraction:
        train, _ = fs.split(train, fraction, settings.optimizer.seed)
    elements = settings.elements or sorted({s for a in train for s in a.get_chemical_symbols()})
    untrained = starting_potential(train, elements, settings)
    if len(untrained._core.model_parameters) < LARGEST_FIT and untrained.cutoff < FAR:
        _check_fit(train, fs.fit(train, settings=settings))


def _resume(folder: Path) -> fs.FitResult:
    path = _main(folder, [".json"])
    settings = network_settings(path.stem, resume=True, max_iterations=4)
    return fs.fit(labelled_crystals(), settings=settings, checkpoint=path)


def _check_fit(train: list[Atoms], result: fs.FitResult) -> None:
    found = result.potential.evaluate(train, 1)
    numbers = [*(row["loss"] for row in result.history), *(r.energy for r in found)]
    if not np.isfinite(numbers).all() or not all(np.isfinite(r.forces).all() for r in found):
        raise Broken("a fit with losses, energies or forces that are not finite")


def _misbehave(folder: Path) -> None:
    """For tests of the harness: do what the file says."""
    match _main(folder).read_text():
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            while True:
                pass
        case "memory":
            bytearray(2**40)
        case "nonsense":
            raise Broken("energy not finite")
        case "traceback":
            raise KeyError("key")
        case "foreign traceback":
            json.loads("[")  # a ValueError, but not of forcesmith
        case "unclear":
            raise ValueError(f"{folder}: two\nlines")
        case "unnamed unclear":
            raise ValueError("This file is wrong.")
        case "refused":
            raise ValueError(f"{_main(folder)}: this file is wrong.")


TARGETS: dict[str, tuple[Callable[[Path], Any], Callable[[Any], None]]] = {
    **{name: (functools.partial(_read_potential, name), _use_potential) for name in POTENTIALS},
    **{
        name: (lambda folder: fs.read(_main(folder), elements=ELEMENTS), _fit_data) for name in DATA
    },
    "deepmd": (fs.read, _fit_data),
    "settings": (lambda folder: FitSettings.from_toml(_main(folder)), _fit_with),
    "checkpoint": (_resume, functools.partial(_check_fit, labelled_crystals())),
    "misbehaving": (_misbehave, lambda nothing: None),
}


# --- outcomes ---


def outcome_of(name: str, folder: Path) -> dict:
    """Run a target: {"class", "text", "where", "warnings"}. Crashes and hangs end the process."""
    read, use = TARGETS[name]
    names = {folder.name, *(path.name for path in folder.rglob("*"))}
    outcome = {"class": "ok", "text": "", "where": ""}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = read(folder)
            names = set()
            use(found)
        except BaseException as error:  # whatever it is, it is reported
            outcome = _judged(error, names)
    told = {f"{w.category.__name__}: {w.message}"[:200] for w in caught}
    return {**outcome, "warnings": sorted(told)}


def _judged(error: BaseException, names: set[str]) -> dict:
    """names: of which a refusal must hold one, if there are any."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if PACKAGE in Path(frame.filename).parents]
    raised_by_us = frames[-1] in own or frames[-1].filename == __file__
    refusal = isinstance(error, (ValueError, OSError)) and not isinstance(error, UnicodeError)
    message, kind = str(error), "refused"
    if isinstance(error, Broken):
        kind = "nonsense"
    elif isinstance(error, MemoryError):
        kind = "memory"
    elif not (refusal and raised_by_us):
        kind = "traceback"
    elif len(message) > 300:
        kind, message = "unclear", f"too long: {message}"
    elif not message.isprintable():
        kind, message = "unclear", f"control characters: {message}"
    elif names and not any(name in message for name in names):
        kind, message = "unclear", f"names no file: {message}"
    where = f"{Path(own[-1].filename).name}: {own[-1].name}" if own else ""
    return {"class": kind, "text": f"{type(error).__name__}: {message[:1000]}", "where": where}
