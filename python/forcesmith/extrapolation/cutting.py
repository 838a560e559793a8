"""Fragments of large configurations: what a potential does not know, cut out to be labelled.

Of a run of any size, the neighborhoods with large extrapolation grades become small configurations
that an ab initio code can take. E. Podryabinkin, K. Garifullin, A. Shapeev, I. Novikov, J. Chem.
Phys. 159, 084112 (2023), on MLIP-3, for the idea.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, get_args

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.data import chemical_symbols
from ase.formula import Formula

from forcesmith import _core
from forcesmith.data.batches import Neighbors, element_indices, join, make_batch
from forcesmith.data.labels import SOURCE_KEY, describe, shortened
from forcesmith.data.neighbors import Surroundings
from forcesmith.extrapolation.active_sets import UNKNOWN
from forcesmith.extrapolation.fragment_cells import (
    Fragment,
    Kind,
    Shape,
    cut_fragment,
    open_where_empty,
)
from forcesmith.extrapolation.fragment_relaxation import (
    closest_distances,
    keep_apart,
    relax,
    thin_out,
)
from forcesmith.extrapolation.maxvol import maxvol
from forcesmith.potentials.evaluator import worker_count
from forcesmith.potentials.potential import Potential

GRADE = "grade"
"""Array of snapshots with grades of atoms, as `pair_style forcesmith` names it in its files."""
AT_ONCE = 10_000  # candidates whose information vectors are kept
SAME = 0.01
"""Relative difference of two grades of one atom that is none."""
CLEARANCES = (0.0, 1.0, 2.0)
"""Widths of cells that are tried, beyond two cutoffs, in distances that atoms are kept apart."""
CUT = -1  # in place of the number of an element


class _Candidate(NamedTuple):
    grade: float  # for sorting: the worst first
    snapshot: int
    atom: int


def cut_fragments(
    snapshots: Atoms | Sequence[Atoms],
    potential: Potential,
    *,
    grade_above: float = 2.0,
    kind: Kind = "periodic",
    margin: float = 2.0,
    vacuum: float = 10.0,
    most: int | None = None,
    steps: int = 100,
    compute_grades: bool = False,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Atoms]:
    """Cut the neighborhoods of extrapolative atoms out of large configurations, to be labelled.

    The worst atom comes first. What a fragment teaches is taken into account for the next one:
    atoms whose grade would not be above the limit with all atoms of the fragments in the active set
    get no fragment of their own.

    In a fragment, the atom (`info["center"]`, the first) has the same neighbors up to the cutoff,
    and the same grade, as before. These, the core, are fixed (ASE's `FixAtoms`; `move_mask` in
    files). The others are pushed apart where they would be closer than any two atoms of their
    elements in the training data, and relaxed with the potential as long as their largest grade
    falls.

    Parameters
    ----------
    snapshots
        One or several; grades of atoms in the array `grade`, as `pair_style forcesmith` writes them
        to files, are used, others are computed.
    potential
        With an active set of neighborhoods.
    grade_above
        Atoms with larger grades are extrapolative; above 1.
    kind
        "periodic": a small cell, in crystals of whole lattice periods, whose opposite faces are two
        cutoffs apart or more. Open directions stay open, as do those in which atoms do not see
        their images (a slab); periodic directions in which the snapshot is no larger stay as they
        are. "semiperiodic": the latter stay, all others are open (along a dislocation line).
        "cluster": all are open, and nothing is relaxed.
    margin
        Open directions hold what is closer than the cutoff and this, angstrom.
    vacuum
        Empty space in the cell in open directions, angstrom.
    most
        At most so many fragments.
    steps
        Of the relaxation, at most; 0 leaves it out.
    compute_grades
        Ignore the array `grade`, which may be of an earlier potential.
    threads
        As in `Potential.evaluate`.
    progress
        Called with a line of text for every fragment.

    Returns
    -------
    list of ase.Atoms
        Without labels; the array `grade` has the grades in the fragment. In `info`: `center`,
        `center_atom` (its number in the snapshot; `center_id` if there are ids), `cut_from` and
        `step` (of what), `center_grade` and `center_grade_in_fragment`, `outside_grade` (the
        largest beyond the core) and `outside_grade_before_relaxation`, `kind`, `removed` (atoms
        that were too close, or "none") and `composition_change` (largest change of the part of an
        element in all atoms).

    Raises
    ------
    ValueError
        The potential has no active set of neighborhoods or does not know the elements, no atom has
        such a grade, the grades in the snapshot are not those of the potential, or a cell is so
        small that a fragment would be all of it.
    """
    snapshots = [snapshots] if isinstance(snapshots, Atoms) else list(snapshots)
    shape = Shape(kind, margin, vacuum)
    _check(snapshots, potential, grade_above, shape, most, steps)
    candidates = _candidates(snapshots, potential, grade_above, compute_grades, threads)
    surroundings = {
        number: Surroundings(
            open_where_empty(snapshots[number], potential.cutoff), _name(snapshots[number], number)
        )
        for number in sorted({candidate.snapshot for candidate in candidates})
    }
    known = _Known(potential, grade_above, threads)
    fragments: list[Atoms] = []
    for first in range(0, len(candidates), AT_ONCE):
        if len(fragments) == most:
            break
        left = candidates[first : first + AT_ONCE]
        types, vectors = _vectors_of(left, surroundings, potential, known)
        computed = known.original_grades(types, vectors)
        _check_grades(left, computed, surroundings)
        while len(fragments) != most:
            grades = known.grades(types, vectors)
            worst = int(np.argmax(grades))
            if not grades[worst] > grade_above:
                break
            candidate = left[worst]._replace(grade=float(computed[worst]))
            around = surroundings[candidate.snapshot]
            fragment = _fragment(candidate, around, potential, shape, steps, threads)
            fragments.append(fragment)
            known.add(fragment)
            types[worst] = CUT
            if progress is not None:
                progress(
                    f"fragment {len(fragments)}: atom {candidate.atom} of "
                    f"{fragment.info['cut_from']}, grade {candidate.grade:.4g}, {len(fragment)} "
                    "atoms"
                )
    return fragments


def _check(
    snapshots: list[Atoms],
    potential: Potential,
    grade_above: float,
    shape: Shape,
    most: int | None,
    steps: int,
) -> None:
    mode = potential._core.active_set_mode
    if mode != "neighborhoods":
        has = "no active set" if mode is None else "an active set of whole configurations"
        raise ValueError(
            f"The potential has {has}, so atoms have no grades; give it one of neighborhoods with "
            "forcesmith active-set POTENTIAL DATA, or fs.find_active_set(potential, data)."
        )
    if not snapshots:
        raise ValueError("There is no configuration to cut from.")
    if shape.kind not in get_args(Kind):
        raise ValueError(
            f"kind must be one of {', '.join(get_args(Kind))}, found {shortened(shape.kind)}."
        )
    for name, value, least in (("grade_above", grade_above, 1.0), ("vacuum", shape.vacuum, 0.0)):
        if not least < value < np.inf:
            raise ValueError(f"{name} must be above {least:g}, found {value:g}.")
    if not 0 <= shape.margin < np.inf:
        raise ValueError(f"margin must be 0 or more, found {shape.margin:g}.")
    if most is not None and most < 1:
        raise ValueError(f"most must be 1 or more, found {most}.")
    if steps < 0:
        raise ValueError(f"steps must be 0 or more, found {steps}.")


def _name(atoms: Atoms, number: int) -> str:
    return describe(atoms, f"snapshot {number}")


def _candidates(
    snapshots: list[Atoms],
    potential: Potential,
    grade_above: float,
    compute_grades: bool,
    threads: int | None,
) -> list[_Candidate]:
    """The worst first."""
    found, largest = [], 0.0
    for number, atoms in enumerate(snapshots):
        grades = _grades_of(atoms, number, potential, compute_grades, threads)
        largest = max(largest, float(grades.max(initial=0.0)))
        found += [
            _Candidate(float(grades[atom]), number, int(atom))
            for atom in np.flatnonzero(grades > grade_above)
        ]
    if not found:
        raise ValueError(
            f"No atom has a grade above {grade_above:g}, the largest is {largest:.3g}, so there is "
            "nothing to cut; take another snapshot, or a lower limit (--grade-above)."
        )
    return sorted(found, key=lambda candidate: -candidate.grade)


def _grades_of(
    atoms: Atoms, number: int, potential: Potential, compute: bool, threads: int | None
) -> np.ndarray:
    element_indices(atoms, potential.elements)  # raises for unknown ones
    if compute or GRADE not in atoms.arrays:
        return _evaluated(atoms, potential, threads)
    grades = np.asarray(atoms.arrays[GRADE])
    if grades.shape != (len(atoms),) or grades.dtype.kind not in "if":
        raise ValueError(
            f"{_name(atoms, number)}: the array `grade` is not one number for each atom; remove "
            "it, or have grades computed (--compute-grades)."
        )
    if not np.isfinite(grades).all():
        raise ValueError(
            f"{_name(atoms, number)}: the array `grade` holds NaN or infinity; have grades "
            "computed (--compute-grades)."
        )
    return grades


def _evaluated(atoms: Atoms, potential: Potential, threads: int | None) -> np.ndarray:
    grades = potential.evaluate(atoms, threads, grade=True).grades
    assert grades is not None  # the active set is one of neighborhoods
    return grades


def _vectors_of(
    candidates: list[_Candidate],
    surroundings: dict[int, Surroundings],
    potential: Potential,
    known: _Known,
) -> tuple[np.ndarray, np.ndarray]:
    """Elements (n,) and information vectors (n, n_columns) of the candidates alone."""
    alone: list[Neighbors | None] = [None] * len(candidates)
    for number, around in surroundings.items():
        own = [n for n, candidate in enumerate(candidates) if candidate.snapshot == number]
        if not own:
            continue
        types = element_indices(around.atoms, potential.elements)
        centers = [candidates[n].atom for n in own]
        found = around.around(centers, potential.cutoff)
        for n, center, (near, places) in zip(own, centers, found, strict=True):
            counts = np.zeros(len(near) + 1, dtype=np.int64)
            counts[0] = len(near)
            alone[n] = Neighbors(
                types[np.insert(near, 0, center)], counts, np.arange(1, len(near) + 1), places
            )
    neighborhoods = [one for one in alone if one is not None]
    first = np.cumsum([0] + [len(one.types) for one in neighborhoods])[:-1]
    vectors = []
    for begin in range(0, len(neighborhoods), 100):
        part = neighborhoods[begin : begin + 100]
        rows = known.vectors(join(part))
        vectors.append(rows[first[begin : begin + 100] - first[begin]])
    return np.array([one.types[0] for one in neighborhoods]), np.concatenate(vectors)


def _check_grades(
    candidates: list[_Candidate], computed: np.ndarray, surroundings: dict[int, Surroundings]
) -> None:
    given = np.array([candidate.grade for candidate in candidates])
    wrong = np.flatnonzero(~(np.abs(given - computed) <= SAME * np.maximum(given, computed)))
    if len(wrong):
        candidate = candidates[wrong[0]]
        name = _name(surroundings[candidate.snapshot].atoms, candidate.snapshot)
        raise ValueError(
            f"{name}: atom {candidate.atom} has the grade {candidate.grade:.4g} there, but "
            f"{computed[wrong[0]]:.4g} with this potential; use the potential of the run, or have "
            "grades computed (--compute-grades)."
        )


def _fragment(
    candidate: _Candidate,
    surroundings: Surroundings,
    potential: Potential,
    shape: Shape,
    steps: int,
    threads: int | None,
) -> Atoms:
    snapshot, center = surroundings.atoms, candidate.atom
    closest = closest_distances(potential, surroundings, center)
    cut, apart = _smallest(surroundings, center, potential, shape, closest)
    before, final = _evaluated(apart.atoms, potential, threads), apart
    if steps and cut.atoms.pbc.any():
        final = relax(apart, potential, closest, steps, threads)
    grades = _evaluated(final.atoms, potential, threads)
    if not abs(grades[0] - candidate.grade) <= SAME * candidate.grade:
        raise RuntimeError(
            f"Atom {center} has the grade {candidate.grade:.6g} in the snapshot, but "
            f"{grades[0]:.6g} in the fragment; please report this."
        )
    outside = ~final.core
    atoms = final.atoms.copy()
    atoms.set_array(GRADE, grades)
    atoms.set_constraint(FixAtoms(mask=final.core))
    atoms.info = {
        "center": 0,
        "center_atom": center,
        "cut_from": str(snapshot.info.get(SOURCE_KEY, f"snapshot {candidate.snapshot}")),
        "center_grade": candidate.grade,
        "center_grade_in_fragment": float(grades[0]),
        "outside_grade_before_relaxation": float(before[outside].max(initial=0.0)),
        "outside_grade": float(grades[outside].max(initial=0.0)),
        "kind": _kind_of(atoms),
        "removed": _removed(cut, final),
        "composition_change": _composition_change(snapshot, atoms),
    }
    if "step" in snapshot.info:
        atoms.info["step"] = snapshot.info["step"]
    if "id" in snapshot.arrays:
        ids = snapshot.arrays["id"]
        atoms.info["center_id"] = int(ids[center])
        atoms.set_array("id", ids[final.origins])
    return atoms


def _smallest(
    surroundings: Surroundings,
    center: int,
    potential: Potential,
    shape: Shape,
    closest: np.ndarray,
) -> tuple[Fragment, Fragment]:
    """The smallest fragment whose atoms can be kept apart, as cut and with atoms apart. In a cell
    that is larger than needed, atoms are removed if it must be."""
    cut = None
    for clearance in np.array(CLEARANCES) * max(float(closest.max()), 1.0):
        found = cut_fragment(surroundings, center, shape, potential.cutoff, closest, clearance)
        if found is None:
            continue
        cut = found
        if (apart := keep_apart(cut, closest, potential.cutoff)) is not None:
            return cut, apart
    assert cut is not None  # clearance keeps the core away from its images
    return cut, thin_out(cut, closest, potential.cutoff)


def _removed(before: Fragment, after: Fragment) -> str:
    counts = before.atoms.symbols.formula.count()
    for symbol, count in after.atoms.symbols.formula.count().items():
        counts[symbol] -= count
    lost = {symbol: count for symbol, count in counts.items() if count}
    return str(Formula.from_dict(lost)) if lost else "none"


def _kind_of(atoms: Atoms) -> Kind:
    if atoms.pbc.all():
        return "periodic"
    return "semiperiodic" if atoms.pbc.any() else "cluster"


def _composition_change(snapshot: Atoms, fragment: Atoms) -> float:
    before, after = (
        np.bincount(atoms.numbers, minlength=len(chemical_symbols)) / len(atoms)
        for atoms in (snapshot, fragment)
    )
    return float(np.abs(after - before).max())


class _Known:
    """What a potential knows, and what the fragments that were cut will tell it."""

    def __init__(self, potential: Potential, threshold: float, threads: int | None):
        self._potential = potential
        self._threshold = threshold
        self._n_workers = worker_count(threads)
        given = potential._core.active_set
        assert given is not None
        self._parameters = given["parameters"]
        self._rows = list(given["matrices"])
        self._original = list(given["inverses"])
        self._inverses = list(given["inverses"])

    def vectors(self, batch: _core.Batch) -> np.ndarray:
        """Information vectors of atoms, (n_atoms, n_columns)."""
        return self._potential._core.information_vectors(batch, self._parameters, self._n_workers)

    def original_grades(self, types: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """By the active set of the potential, (n_atoms,)."""
        return self._grades(types, vectors, self._original)

    def grades(self, types: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """With what was added, (n_atoms,); 0 for those of type CUT."""
        return self._grades(types, vectors, self._inverses)

    def add(self, fragment: Atoms) -> None:
        """All atoms of a fragment."""
        potential = self._potential
        batch = make_batch([fragment], potential.elements, potential.cutoff)
        types, vectors = element_indices(fragment, potential.elements), self.vectors(batch)
        for number, rows in enumerate(self._rows):
            n = len(rows)
            own = vectors[self._of(number, types), :n]
            candidates = [(own, np.zeros((len(own), 1), dtype=int))]
            start = rows, np.full((n, 1), UNKNOWN)
            found = maxvol(partial(list, candidates), n, start=start, threshold=self._threshold)
            self._rows[number], self._inverses[number] = found.rows, found.inverse

    def _grades(
        self, types: np.ndarray, vectors: np.ndarray, inverses: list[np.ndarray]
    ) -> np.ndarray:
        grades = np.zeros(len(types))
        for number, inverse in enumerate(inverses):
            own = self._of(number, types)
            if own.any():
                grades[own] = np.abs(vectors[own, : len(inverse)] @ inverse).max(axis=1)
        return grades

    def _of(self, number: int, types: np.ndarray) -> np.ndarray:
        """Atoms that a matrix grades."""
        return types == number if len(self._rows) > 1 else types >= 0
