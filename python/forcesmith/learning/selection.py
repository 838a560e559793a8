"""Which candidates are labelled: those that add most to what a potential knows, and no two that say
the same.

With grades, by MaxVol (`select_configurations`), each against the active set and those chosen
before it. With a committee, by the deviation of forces, and no two that lie close together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from ase.neighborlist import natural_cutoffs, neighbor_list

from forcesmith.data.reading import read
from forcesmith.extrapolation.active_sets import find_active_set, select_configurations
from forcesmith.extrapolation.cutting import cut_fragments
from forcesmith.learning.project import read_configurations
from forcesmith.learning.settings import SelectionSettings
from forcesmith.potentials.potential import Potential
from forcesmith.training.committee import force_deviation

DISTANCE_OF_DUPLICATES = 0.1
"""Root mean square displacement of configurations that a committee takes for the same, angstrom."""

SAME_STRUCTURE = 0.02
"""Relaxed structures none of whose atoms has moved by more are the same, angstrom."""

SAME_DISTANCES, REACH = 0.01, 5.0
"""Relaxed structures of two conditions whose distances up to this reach differ by no more are the
same but for a rotation, angstrom."""

SAME_CELL = 0.02
"""Of a length: components of cells that differ by less are those of nearly the same cell."""

KEPT = {"center_grade", "is_relaxed", "kind", "max_deviation", "max_grade", "picoseconds", "step"}
"""Of the entries of candidates."""


@dataclass(frozen=True)
class Request:
    """What a selection needs; small, as it goes to a worker."""

    prefix: str
    """Of the identifiers of what is chosen: round and source, "003-hot"."""
    files: Sequence[str]
    """Candidates: `file` or `file@slice`."""
    potentials: Sequence[Path]
    """One with an active set, or a committee."""
    chosen_before: Sequence[Path]
    """Files of what was chosen in this round already."""
    most: int
    """Configurations to choose."""
    rejected: Path | None
    """File of those that got no label before, and are not to be tried again."""
    settings: SelectionSettings
    former: Sequence[Path] = ()
    """Files of what was chosen from this source before."""
    elsewhere: Sequence[Path] = ()
    """Files of what was chosen from other ground states before."""
    n_before: int = 0
    """Chosen from this source in this round already."""


@dataclass
class Selection:
    """What was chosen, and why the others were not."""

    candidates: int = 0
    chosen: list[Atoms] = field(default_factory=list)
    """The most informative one first; info: id, reason."""
    postponed: list[Atoms] = field(default_factory=list)
    """Those for which there is no room yet."""
    decisions: list[dict[str, Any]] = field(default_factory=list)
    """For every candidate: decision ("chosen", "left out", "postponed"), reason, id if chosen."""

    def count(self, decision: str) -> int:
        return sum(one["decision"] == decision for one in self.decisions)


def select(request: Request) -> Selection:
    """Choose from the candidates. Raises ValueError if they cannot be read, or have elements that
    the potential does not know."""
    potentials = [Potential.read(path) for path in request.potentials]
    candidates = [
        _bare(atoms)
        for name in request.files
        if "@" in name or Path(name).stat().st_size
        for atoms in read(name)
    ]
    selection = Selection(candidates=len(candidates))
    if request.rejected is not None:
        candidates = _not_rejected(candidates, request.rejected, selection)
    candidates = _of_size(candidates, potentials, request, selection)
    candidates = _not_too_close(candidates, request.settings, selection)
    before = [atoms for path in request.chosen_before for atoms in read_configurations(path)]
    candidates = _relaxed(candidates, before, request, selection)
    before += selection.chosen
    if len(potentials) == 1:
        _by_grade(candidates, potentials[0], before, request, selection)
    else:
        _by_deviation(candidates, potentials, before, request, selection)
    return selection


def _bare(atoms: Atoms) -> Atoms:
    """Without labels and velocities: what a potential said of it is no label."""
    info = {
        key: getattr(value, "tolist", lambda value=value: value)()
        for key, value in atoms.info.items()
        if key in KEPT
    }
    return Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info)


def _not_rejected(candidates: list[Atoms], rejected: Path, selection: Selection) -> list[Atoms]:
    def key(atoms: Atoms) -> tuple[bytes, ...]:
        arrays = (atoms.positions, atoms.cell.array)
        return atoms.numbers.tobytes(), *(array.round(5).tobytes() for array in arrays)

    reasons = {key(atoms): atoms.info["reason"] for atoms in read_configurations(rejected)}
    kept = []
    for atoms in candidates:
        if (reason := reasons.get(key(atoms))) is None:
            kept.append(atoms)
        else:
            _leave_out(atoms, f"it got no label before: {reason}", selection)
    return kept


def _of_size(
    candidates: list[Atoms],
    potentials: Sequence[Potential],
    request: Request,
    selection: Selection,
) -> list[Atoms]:
    """Fragments in place of those that are too large for the teacher."""
    largest = request.settings.largest_cell
    kept = [atoms for atoms in candidates if len(atoms) <= largest]
    for atoms in candidates:
        if len(atoms) <= largest:
            continue
        if not potentials[0].has_active_set:
            _leave_out(atoms, f"{len(atoms)} atoms, and no grades to cut fragments by", selection)
            continue
        fragments = cut_fragments(
            atoms, potentials[0], grade_above=request.settings.select, most=request.most
        )
        kept += [_bare(fragment) for fragment in fragments]
        reason = f"{len(atoms)} atoms: {len(fragments)} fragments of it are candidates instead"
        _leave_out(atoms, reason, selection)
    return kept


def _not_too_close(
    candidates: list[Atoms], settings: SelectionSettings, selection: Selection
) -> list[Atoms]:
    kept = []
    for atoms in candidates:
        cutoffs = natural_cutoffs(atoms, mult=settings.closest)
        distances = neighbor_list("d", atoms, cutoffs) if settings.closest else ()
        if len(distances):
            reason = (
                f"two atoms only {min(distances):.2f} angstrom apart, closer than "
                f"{settings.closest:g} of their covalent radii (selection.closest)"
            )
            _leave_out(atoms, reason, selection)
        else:
            kept.append(atoms)
    return kept


def _relaxed(
    candidates: list[Atoms], before: list[Atoms], request: Request, selection: Selection
) -> list[Atoms]:
    """Choose relaxed structures, unless they have been already; the other candidates.

    They are what energies are compared for, and an error of every atom adds up there; grades do not
    tell of it. before: what was chosen in this round.
    """
    relaxed = [atoms for atoms in candidates if atoms.info.get("is_relaxed")]
    former = [atoms for path in request.former if relaxed for atoms in read_configurations(path)]
    others = before + [
        atoms for path in request.elsewhere if relaxed for atoms in read_configurations(path)
    ]
    for atoms in relaxed:
        if any(_largest_move(atoms, other) < SAME_STRUCTURE for other in former):
            _leave_out(atoms, "relaxed to a structure that has a label", selection)
        elif same := next((other for other in others if _is_turned(atoms, other)), None):
            reason = f"relaxed to what has the label {same.info['id']}, but for a rotation"
            _leave_out(atoms, reason, selection)
        elif len(selection.chosen) == request.most:
            _postpone(atoms, request.most, selection)
        else:
            _choose(atoms, "a relaxed structure", request, selection)
    return [atoms for atoms in candidates if not atoms.info.get("is_relaxed")]


def _by_grade(
    candidates: list[Atoms],
    potential: Potential,
    before: list[Atoms],
    request: Request,
    selection: Selection,
) -> None:
    """Each in the order of what it adds, against the active set with those before it."""
    for atoms in candidates:
        atoms.info["max_grade"] = _grade(potential, atoms)
    if before:
        find_active_set(potential, before, add=True)
    order = select_configurations(potential, candidates) if candidates else []
    for number in sorted(set(range(len(candidates))) - set(order)):
        grade = candidates[number].info["max_grade"]
        reason = f"grade {grade:.2f}, adds nothing to what is known and chosen"
        _leave_out(candidates[number], reason, selection)
    for number in order:
        atoms = candidates[number]
        first = atoms.info["max_grade"]
        # What nothing was added for since the grades were computed keeps its own.
        grade = first
        if before or selection.chosen:
            grade = _grade(potential, atoms)
        if grade <= request.settings.duplicate:
            reason = f"grade {first:.2f}, but {grade:.2f} once those chosen before it are known"
            _leave_out(atoms, reason, selection)
        elif len(selection.chosen) == request.most:
            _postpone(atoms, request.most, selection)
        else:
            find_active_set(potential, [atoms], add=True)
            _choose(atoms, f"grade {first:.2f}, adds to the active set", request, selection)


def _grade(potential: Potential, atoms: Atoms) -> float:
    grade = potential.evaluate(atoms, grade=True).configuration_grade
    assert grade is not None  # there is an active set
    return grade


def _by_deviation(
    candidates: list[Atoms],
    potentials: Sequence[Potential],
    before: list[Atoms],
    request: Request,
    selection: Selection,
) -> None:
    """The largest deviation first."""
    deviations = force_deviation(potentials, candidates) if candidates else []
    for atoms, deviation in zip(candidates, deviations, strict=True):
        atoms.info["max_deviation"] = float(deviation.max())
    known = list(before)
    for atoms in sorted(candidates, key=lambda one: -one.info["max_deviation"]):
        deviation = atoms.info["max_deviation"]
        if deviation <= request.settings.deviation_select:
            reason = f"the committee agrees on its forces within {deviation:.3f} eV/angstrom"
            _leave_out(atoms, reason, selection)
        elif any(_distance(atoms, other) < DISTANCE_OF_DUPLICATES for other in known):
            reason = f"deviation {deviation:.3f} eV/angstrom, but nearly the same as one chosen"
            _leave_out(atoms, reason, selection)
        elif len(selection.chosen) == request.most:
            _postpone(atoms, request.most, selection)
        else:
            known.append(atoms)
            reason = f"the committee's forces deviate by {deviation:.3f} eV/angstrom"
            _choose(atoms, reason, request, selection)


def _distance(a: Atoms, b: Atoms) -> float:
    """Root mean square displacement of the atoms from one to the other, angstrom."""
    return float(np.sqrt((_moves(a, b) ** 2).sum(axis=1).mean()))


def _largest_move(a: Atoms, b: Atoms) -> float:
    """Largest displacement of an atom, that of all together left aside, angstrom."""
    moves = _moves(a, b)
    if not np.isfinite(moves).all():
        return np.inf
    return float(np.linalg.norm(moves - moves.mean(axis=0), axis=1).max())


def _is_turned(a: Atoms, b: Atoms) -> bool:
    """Whether one is the other, rotated, reflected or with its atoms in another order, as far as
    distances tell."""
    if sorted(a.symbols) != sorted(b.symbols) or not np.isclose(a.cell.volume, b.cell.volume, 1e-3):
        return False
    own, theirs = _distances(a), _distances(b)
    if own.keys() != theirs.keys():
        return False
    for pair, distances in own.items():
        least = min(len(distances), len(theirs[pair]))  # some are just within reach
        if np.abs(distances[:least] - theirs[pair][:least]).max() > SAME_DISTANCES:
            return False
    return True


def _distances(atoms: Atoms) -> dict[tuple[int, int], np.ndarray]:
    """Those up to REACH, in ascending order, by atomic numbers."""
    first, second, distances = neighbor_list("ijd", atoms, REACH)
    pairs = np.sort(atoms.numbers[np.stack([first, second], axis=1)], axis=1)
    return {
        (int(a), int(b)): np.sort(distances[(pairs == (a, b)).all(axis=1)])
        for a, b in np.unique(pairs, axis=0)
    }


def _moves(a: Atoms, b: Atoms) -> np.ndarray:
    """Displacements of atoms, (n_atoms, 3); infinite if they are not the same atoms in nearly the
    same cell."""
    slightly = SAME_CELL * b.cell.lengths().min()
    if (
        len(a) != len(b)
        or (a.numbers != b.numbers).any()
        or not np.allclose(a.cell, b.cell, rtol=0, atol=slightly)
    ):
        return np.full((1, 3), np.inf)
    return find_mic(b.positions - a.positions, a.cell, a.pbc)[0]


def _choose(atoms: Atoms, reason: str, request: Request, selection: Selection) -> None:
    identifier = f"{request.prefix}-{request.n_before + len(selection.chosen) + 1:04d}"
    atoms.info = {"id": identifier, "reason": reason, **atoms.info}
    selection.chosen.append(atoms)
    selection.decisions.append({"decision": "chosen", "id": identifier, "reason": reason})


def _postpone(atoms: Atoms, most: int, selection: Selection) -> None:
    reason = f"{most} are chosen here in this round already (selection.most, labels)"
    selection.postponed.append(atoms)
    selection.decisions.append({"decision": "postponed", "reason": reason} | _when(atoms))


def _leave_out(atoms: Atoms, reason: str, selection: Selection) -> None:
    selection.decisions.append({"decision": "left out", "reason": reason} | _when(atoms))


def _when(atoms: Atoms) -> dict[str, Any]:
    """Which candidate it was."""
    return {key: atoms.info[key] for key in ("step", "picoseconds") if key in atoms.info}
