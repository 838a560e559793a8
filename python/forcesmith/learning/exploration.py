"""Exploring a condition: a run of LAMMPS that collects what its potential does not know."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism

from forcesmith.data.labels import shortened
from forcesmith.files import write_atomically
from forcesmith.lammps.output import Output
from forcesmith.lammps.runner import LammpsError, run
from forcesmith.learning.conditions import CHECK_STEPS, Condition
from forcesmith.learning.input_scripts import (
    END,
    ENOUGH,
    Quantity,
    Uncertainty,
    input_script,
    most_candidates,
    segment_steps,
)
from forcesmith.potentials.potential import Potential
from forcesmith.sampling.structures import VACUUM, perturbed

SELECT, STOP = 2.0, 10.0  # grades
SELECT_DEVIATION, STOP_DEVIATION = 0.1, 0.5  # eV/angstrom
PERTURBED, DISPLACEMENT, STRAIN = 4, 0.1, 0.03
"""Structures in place of runs that broke at once; angstrom."""
FAR = 10.0
"""Times `stop`: what has a larger grade at the first look is nonsense."""
RESULT = "exploration.json"
_FAILURES = {
    "Lost atoms|Non-numeric|Out of range atoms|Invalid atom": "the atoms flew apart",
    "is not finite at step": "the energy or a force is not finite",
    "fix-id too_hot": "the temperature rose without limit",
    "fix-id too_large": "the volume rose without limit",
    "fix-id too_small": "the volume fell without limit",
    "tilted box too far|box tilt|too skew": "the cell was sheared without limit",
    "Neighbor list overflow|neighbor bins|Domain too large": "the atoms fell together",
}
"""Errors of LAMMPS that tell of the potential, not of the input."""


@dataclass(frozen=True)
class Exploration:
    """What came of exploring a condition with one potential."""

    condition: str
    """Its name."""
    ending: Literal["finished", "stopped", "failed"]
    """To the end; ended because of what the potential does not know; ended because of what it does
    not know and does not notice."""
    picoseconds: float
    """Of the condition's time, up to the last safe configuration; all of it where `finished`."""
    largest_grade: float
    """Or the largest deviation of forces, where a committee is asked."""
    reason: str
    """Of the ending."""
    cpu_seconds: float
    """Cores times seconds."""
    atoms: int
    """Of the structure."""
    n_snapshots: int
    """In candidates.extxyz."""
    quantity: Quantity = "grade"
    """What `largest_grade` is."""

    @classmethod
    def read(cls, folder: Path) -> Exploration | None:
        """What is in a folder; None where it has not come to its end."""
        try:
            return cls(**json.loads((folder / RESULT).read_text()))
        except FileNotFoundError:
            return None


def explore(
    condition: Condition,
    potentials: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    select: float | None = None,
    stop: float | None = None,
    relative_to: float | None = None,
    cores: int = 1,
    start: str | os.PathLike[str] | None = None,
    counted: bool = True,
) -> Exploration:
    """Run a condition in LAMMPS, keep what the potential does not know.

    Into `folder` go in.lammps, start.data, log.lammps, candidates.extxyz (configurations above
    `select`), safe.data (the last one that was not), and at last exploration.json; close.lammps,
    the log of a second look, where the first saw nothing between known and nonsense. In a folder
    that has this and the same script, nothing is run; where the process was killed before, the run
    goes on from safe.data.

    Parameters
    ----------
    condition
        One of those of `expand`.
    potentials
        A potential file with an active set, or several: a committee. The first one drives the run.
    folder
        Is made.
    select
        Grade above which a configuration becomes a candidate, by default 2. Of committees the
        deviation of forces, by default 0.1 eV/angstrom.
    stop
        Above it the run ends; by default 10, or 0.5 eV/angstrom.
    relative_to
        Of committees, eV/angstrom: deviations are divided by the force plus this, as DP-GEN does
        it; `select` and `stop` are numbers without units then, by default 0.1 and 0.5, too.
    cores
        For MPI.
    start
        Folder of a former exploration of this condition, to go on from its last safe configuration.
    counted
        Whether the time up to there counts: only what is left is run, ramps go on.

    Returns
    -------
    Exploration
        Endings of all kinds; a run that explodes is a result, too.

    Raises
    ------
    ValueError
        The potential lacks an element, or can neither give grades nor is a committee.
    LammpsError
        LAMMPS failed for reasons that have nothing to do with what it ran.
    """
    folder, files = Path(folder), [Path(path).absolute() for path in potentials]
    uncertainty = _uncertainty(condition, files, select, stop, relative_to)
    start_text, done = _beginning(condition, start, counted)
    script = input_script(
        condition,
        uncertainty,
        [os.path.relpath(file, folder) for file in files],
        done=done,
        has_velocities="\nVelocities" in start_text,
        remarks=[f"{file.name}: sha256 {_digest(file)}" for file in files],
    )
    files_of_run = {"in.lammps": script, "start.data": start_text} | _final_coordinates(condition)
    is_same = all(_text(folder / name) == text for name, text in files_of_run.items())
    if is_same and (former := Exploration.read(folder)):
        return former
    goes_on = is_same and _safe_step(folder) is not None
    _renew(folder, files_of_run, ["safe.data", "candidates.extxyz"] if goes_on else [])
    return _run(condition, uncertainty, folder, done, cores)


def how_far(folder: Path) -> tuple[float, float] | None:
    """Picoseconds and the largest grade (or deviation) of dynamics that is under way; None: nothing
    is known yet."""
    log = Output(_text(folder / "log.lammps") or "")
    script = _text(folder / "in.lammps") or ""
    timestep = re.search(r"^timestep +(\S+)", script, re.MULTILINE)
    is_dynamics = re.search(r"^fix +ensemble ", script, re.MULTILINE)
    tables = [run.columns for run in log.runs] + ([log.under_way] if log.under_way else [])
    tables = [one for one in tables if len(one.get("v_uncertainty", ()))]
    if not tables or timestep is None or not is_dynamics:
        return None
    largest = max(float(one["v_uncertainty"].max()) for one in tables)
    return float(tables[-1]["Step"][-1]) * float(timestep[1]), largest


def _last_safe(folder: Path) -> dict[str, str | int]:
    """Variables of the script that lets it begin there."""
    safe = _safe_step(folder)
    return {} if safe is None else {"start": "safe.data", "done": safe}


def _lammps(
    condition: Condition, folder: Path, cores: int, variables: dict[str, str | int], log: str
) -> tuple[Output, LammpsError | None]:
    """Run the script; what all processes printed, and the error that ended it."""
    images = condition.images or 1
    error: LammpsError | None = None
    try:
        output = run(
            folder / "in.lammps",
            folder=folder,
            variables=variables,
            ranks=max(1, cores // images) * images,
            partitions=images,
            log=folder / log,
        )
    except LammpsError as failure:
        error, output = failure, failure.output
    logs = [path.read_text(errors="replace") for path in sorted(folder.glob(f"{log}.*"))]
    return Output("\n".join([output.text, *logs])), error


def _look_closely(condition: Condition, folder: Path, done: int, cores: int) -> None:
    """Run the end once more, from the last safe configuration, and look at it in every step: from
    what is known to nonsense it may take a few only. It may end in any way."""
    safe = _safe_step(folder)
    last = (done if safe is None else safe) + segment_steps(condition)
    variables = {**_last_safe(folder), "every": 1, "last": min(last, condition.steps)}
    _lammps(condition, folder, cores, variables, "close.lammps")


def _run(
    condition: Condition, uncertainty: Uncertainty, folder: Path, done: int, cores: int
) -> Exploration:
    begin = time.monotonic()
    output, error = _lammps(condition, folder, cores, _last_safe(folder), "log.lammps")
    ending, reason = _ending(uncertainty, output, error)
    if condition.run == "dynamics" and ending != "finished":
        found = _looked_at(condition, uncertainty, folder, ending)
        if not any(_is_telling(atoms, uncertainty) for _, atoms in found):
            _look_closely(condition, folder, done, cores)
    candidates = _candidates(condition, uncertainty, folder, ending)
    seconds = (time.monotonic() - begin) * cores
    _write_frames(folder / "candidates.extxyz", candidates)
    safe = _safe_step(folder)
    if safe is None:
        shutil.copyfile(folder / "start.data", folder / "safe.data")
    survived = (done if safe is None else safe) * condition.timestep
    result = Exploration(
        condition=condition.name,
        ending=ending,
        picoseconds=condition.duration if ending == "finished" else round(survived, 9),
        largest_grade=_largest(output, candidates, uncertainty),
        reason=reason,
        cpu_seconds=round(seconds, 3),
        atoms=len(condition.structure),
        n_snapshots=len(candidates),
        quantity=uncertainty.quantity,
    )
    for pattern in ("*.dump", "candidates.*.extxyz", "safe.new.data"):
        for path in folder.glob(pattern):
            path.unlink()
    write_atomically(folder / RESULT, json.dumps(asdict(result), indent=1) + "\n")
    return result


# ---- before the run ----


def _uncertainty(
    condition: Condition,
    files: Sequence[Path],
    select: float | None,
    stop: float | None,
    relative_to: float | None,
) -> Uncertainty:
    """Reads the potentials; raises ValueError."""
    if not files:
        raise ValueError(f"No potential was given to explore {condition.name} with.")
    for file in files:
        potential = Potential.read(file, active_set=len(files) == 1)
        missing = [name for name in condition.elements if name not in potential.elements]
        if missing:
            raise ValueError(
                f"{file}: this potential does not know {', '.join(missing)}, which the condition "
                f"{shortened(condition.name, 80)} contains; it knows "
                f"{shortened(', '.join(potential.elements), 60)}."
            )
        if len(files) == 1 and not potential.has_active_set:
            raise ValueError(
                f"{file}: this potential has no active set, so what it does not know cannot be "
                "told; make one by `forcesmith active-set`, or give several potentials: a "
                "committee."
            )
    quantity: Quantity = "grade" if len(files) == 1 else "deviation"
    usual = (SELECT, STOP) if quantity == "grade" else (SELECT_DEVIATION, STOP_DEVIATION)
    select, stop = (
        u if given is None else given for u, given in zip(usual, (select, stop), strict=True)
    )
    if not 0 < select < stop:
        raise ValueError(f"select must be above 0 and below stop, found {select:g} and {stop:g}.")
    if relative_to is not None and (quantity == "grade" or not relative_to > 0):
        raise ValueError("relative_to is for committees only, and above 0 eV/angstrom.")
    return Uncertainty(quantity, select, stop, relative_to)


def _beginning(
    condition: Condition, start: str | os.PathLike[str] | None, counted: bool
) -> tuple[str, int]:
    """The data file of LAMMPS to start from, and the steps that count as done."""
    if start is None:
        return _data_file(condition), 0
    former = Path(start)
    exploration = Exploration.read(former)
    if exploration is None:
        raise FileNotFoundError(f"{former}: no exploration has come to its end in this folder.")
    done = exploration.picoseconds / condition.timestep if counted and condition.steps else 0
    return (former / "safe.data").read_text(), CHECK_STEPS * round(done / CHECK_STEPS)


def _data_file(condition: Condition) -> str:
    atoms = condition.structure.copy()
    open_axes = tuple(int(axis) for axis in np.flatnonzero(~atoms.pbc))
    atoms.center(VACUUM, axis=open_axes)
    stream = io.StringIO()
    ase.io.write(
        stream,
        atoms,
        format="lammps-data",
        specorder=condition.elements,
        masses=True,
        force_skew=True,
    )
    return stream.getvalue()


def _final_coordinates(condition: Condition) -> dict[str, str]:
    """What `neb` reads: number, x, y, z of every atom."""
    if condition.final is None:
        return {}
    turned = Prism(condition.final.cell).vector_to_lammps(condition.final.positions)
    rows = [f"{n} {x:.10g} {y:.10g} {z:.10g}\n" for n, (x, y, z) in enumerate(turned, start=1)]
    return {"final.coords": "".join([f"{len(rows)}\n", *rows])}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _renew(folder: Path, files: dict[str, str], kept: Sequence[str]) -> None:
    """Make the folder anew, with these files and those `kept` of the old one.

    LAMMPS may outlive a killed process for a while: it stays in the old folder, which is removed.
    """
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    for leftover in (new, old):
        _remove(leftover)
    new.mkdir(parents=True)
    for name, text in files.items():
        (new / name).write_text(text)
    for name in kept:
        if (folder / name).exists():
            shutil.copyfile(folder / name, new / name)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    _remove(old)


def _remove(folder: Path) -> None:
    """Even while LAMMPS writes into it."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def _safe_step(folder: Path) -> int | None:
    """Of safe.data; None where LAMMPS has written none, or not to its end (a full disk)."""
    text = _text(folder / "safe.data") or ""
    step = re.match(r".*timestep = (\d+)", text)
    n_atoms = re.search(r"^(\d+) atoms$", text, re.MULTILINE)
    velocities = re.search(r"^Velocities\n\n((?:\S+ \S+ \S+ \S+\n)+)\Z", text, re.MULTILINE)
    if not (step and n_atoms and velocities):
        return None
    return int(step[1]) if velocities[1].count("\n") == int(n_atoms[1]) else None


# ---- after the run ----


def _ending(
    uncertainty: Uncertainty, output: Output, error: LammpsError | None
) -> tuple[Literal["finished", "stopped", "failed"], str]:
    """Raises the error if it is none of the run."""
    if error is None:
        if ENOUGH in output.text.splitlines():
            return "stopped", f"{ENOUGH.lower()}: the {uncertainty.quantity} was long above select"
        halted = re.search(r"fix-id uncertain .*?on step (\d+) with value (\S+)", output.text)
        if halted:
            return "stopped", f"deviation {float(halted[2]):.4g} at step {halted[1]}"
        return "finished", ""
    text = output.error or ""
    if broken := re.search(r"(Grade \S+ of .*? at step \d+) is above 'break", text):
        return "stopped", broken[1].lower()
    details = re.sub(
        r"^ERROR[^:]*: *|Fix halt condition for fix-id \w+ met | *\([^ ()]*:\d+\).*", "", text
    )
    for pattern, meaning in _FAILURES.items():
        if re.search(pattern, text):
            return "failed", f"{meaning}: {shortened(details, 120)}"
    raise error


def _is_telling(atoms: Atoms, uncertainty: Uncertainty) -> bool:
    """Whether the potential does not know this structure, but it is no nonsense yet."""
    value = atoms.info[f"max_{uncertainty.quantity}"]
    return uncertainty.select < value <= FAR * uncertainty.stop


def _looked_at(
    condition: Condition, uncertainty: Uncertainty, folder: Path, ending: str
) -> Iterator[tuple[str, Atoms]]:
    """All that was uncertain; of runs that failed, also what came last. Without what a run had made
    nonsense of before it was looked at. With the number of the image, if there are any."""
    files = [*folder.glob("candidates*.extxyz"), *folder.glob("uncertain*.dump")]
    if ending == "failed":
        files.append(folder / "recent.dump")
    far = FAR * uncertainty.stop
    for file in files:
        image = file.name.split(".")[1] if condition.images else ""
        for atoms in _frames(file, condition, uncertainty):
            is_first = 0 < atoms.info["step"] <= CHECK_STEPS
            if not (is_first and atoms.info[f"max_{uncertainty.quantity}"] > far):
                yield image, atoms


def _candidates(
    condition: Condition, uncertainty: Uncertainty, folder: Path, ending: str
) -> list[Atoms]:
    """Of all that was looked at, the worst of every half segment that is no nonsense; of
    minimizations the end. Where there is nothing, perturbed structures instead."""
    interval = segment_steps(condition) // 2 if condition.run == "dynamics" else CHECK_STEPS
    largest = f"max_{uncertainty.quantity}"

    def rank(atoms: Atoms) -> tuple[bool, float]:
        return _is_telling(atoms, uncertainty), atoms.info[largest]

    worst: dict[tuple[str, int], Atoms] = {}
    for image, atoms in _looked_at(condition, uncertainty, folder, ending):
        key = (image, atoms.info["step"] // interval)
        if key not in worst or rank(atoms) > rank(worst[key]):
            worst[key] = atoms
    chosen = [worst[key] for key in sorted(worst)]
    if ending != "finished" and not any(
        atoms.info["step"] > 0 or atoms.info[largest] > uncertainty.select for atoms in chosen
    ):
        chosen += _perturbed(condition)
    most = most_candidates(len(condition.structure))
    if len(chosen) > most:
        chosen = [chosen[n] for n in np.linspace(0, len(chosen) - 1, most).round().astype(int)]
    for atoms in _frames(folder / END, condition, uncertainty):
        atoms.info["is_relaxed"] = True
        chosen.append(atoms)
    for atoms in chosen:
        atoms.info["condition"] = condition.name
        atoms.info["picoseconds"] = round(atoms.info["step"] * condition.timestep, 9)
    return chosen


def _perturbed(condition: Condition) -> list[Atoms]:
    """What is learned in place of a run that broke at once."""
    rng = np.random.default_rng(condition.seed)
    structures = [
        perturbed(condition.structure, rng, displacement=DISPLACEMENT, strain=STRAIN)
        for _ in range(PERTURBED)
    ]
    for atoms in structures:
        atoms.info["step"] = 0
    return structures


def _frames(path: Path, condition: Condition, uncertainty: Uncertainty) -> list[Atoms]:
    """Of one file, without those that hold no numbers any more, or have lost atoms."""
    if not path.exists() or path.stat().st_size == 0:
        return []
    n_atoms = len(condition.structure)
    if path.suffix == ".extxyz":  # of the pair style, or of an exploration that was killed
        return [atoms for atoms in ase.io.iread(path, ":") if len(atoms) == n_atoms]
    frames = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "loadtxt: input contained no data")  # all atoms are lost
        dumped_frames = list(ase.io.iread(path, ":", format="lammps-dump-text"))
    for dumped in dumped_frames:
        if len(dumped) != n_atoms:
            continue
        values = dumped.arrays[uncertainty.of_atoms].reshape(-1)
        if not (np.isfinite(dumped.positions).all() and np.isfinite(values).all()):
            continue
        atoms = Atoms(dumped.symbols, dumped.positions, cell=dumped.cell, pbc=dumped.pbc)
        atoms.set_array(uncertainty.quantity, values)
        atoms.info["step"] = int(dumped.info["timestep"])
        atoms.info[f"max_{uncertainty.quantity}"] = float(values.max())
        frames.append(atoms)
    return frames


def _largest(output: Output, candidates: Sequence[Atoms], uncertainty: Uncertainty) -> float:
    """Of all checks."""
    printed = re.findall(r"the largest (?:grade in \d+ checks was )?(\S+) of", output.text)
    table = [run["v_uncertainty"].max() for run in output.runs if len(run["v_uncertainty"])]
    kept = [atoms.info.get(f"max_{uncertainty.quantity}", 0.0) for atoms in candidates]
    values = np.array([0.0, *map(float, printed), *table, *kept])
    largest = float(values[np.isfinite(values)].max())
    # What ended the run may be neither in the table nor kept; it is told with few digits.
    told = map(float, re.findall(r"\bgrade (\S+) of atom \d+ at step", output.text))
    last = max(filter(math.isfinite, told), default=0.0)
    return largest if math.isclose(last, largest, rel_tol=2e-3) else max(last, largest)


def _write_frames(path: Path, frames: Sequence[Atoms]) -> None:
    stream = io.StringIO()
    if frames:
        ase.io.write(stream, frames, format="extxyz")
    write_atomically(path, stream.getvalue())
