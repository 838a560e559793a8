"""Active sets of potentials: the atoms, or configurations, of the training data that span it best.

Grades are measured against them. See cpp/extrapolation/active_set.hpp.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms

from forcesmith.data.batches import make_batch, portions
from forcesmith.data.dataset import Dataset
from forcesmith.data.labels import describe
from forcesmith.extrapolation.maxvol import PADDED, ActiveRows, Growth, Method, maxvol
from forcesmith.potentials.evaluator import worker_count
from forcesmith.potentials.information import information_sums
from forcesmith.potentials.potential import Potential

Parameters = Literal["linear", "all"]
Mode = Literal["neighborhoods", "configurations"]

WEIGHT_SCALING = 2
"""Rows of configurations are sums of b_i times N^(-this / 2): means."""
UNKNOWN = -2
"""Origin of rows that came with a file which does not tell it."""
KEPT_NUMBERS = 40_000_000  # of information vectors, 320 MB; of more data, they are computed anew
NUMBERS_PER_PORTION = 4_000_000

Step = tuple[int, np.ndarray, np.ndarray, np.ndarray]
"""Of a portion of the data: number of its first configuration, atoms of each configuration,
elements of atoms, rows (of atoms, or of configurations)."""


@dataclass(frozen=True)
class ActiveSet:
    """The active set of a potential, and how it was found."""

    parameters: Parameters
    """Derivatives with which parameters its rows hold."""
    mode: Mode
    """What its rows are."""
    matrices: dict[str, ActiveRows]
    """By element, or one under the name "all". Origins are the numbers of configuration and atom
    (-1 for the atom of whole configurations)."""

    @property
    def n_padded(self) -> int:
        """Directions without data: there are too few data for this potential to be known there."""
        return sum(rows.n_padded for rows in self.matrices.values())

    @property
    def n_rows(self) -> int:
        """Rows of all matrices, padded ones included."""
        return sum(len(rows.rows) for rows in self.matrices.values())

    def __str__(self) -> str:
        of = {name: f"{len(rows.rows)} {name}" for name, rows in self.matrices.items()}
        if "all" in of:
            of["all"] = str(self.n_rows)
        text = f"{self.mode} that span the {self.parameters} parameters: {', '.join(of.values())}"
        if not self.n_padded:
            return text
        padded = [
            f"{rows.n_padded}{f' of {name}' if name != 'all' else ''}"
            for name, rows in self.matrices.items()
            if rows.n_padded
        ]
        return (
            f"{text}; the data leave {self.n_padded} of {self.n_rows} directions open "
            f"({', '.join(padded)}): what lies in them has large grades, more varied data would "
            "fill them"
        )


def find_active_set(
    potential: Potential,
    configurations: Sequence[Atoms],
    parameters: Parameters | None = None,
    mode: Mode | None = None,
    *,
    add: bool = False,
    threshold: float = 1.001,
    method: Method = "qr",
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> ActiveSet:
    """Find the active set of a potential in its training data, and give it to the potential.

    By MaxVol: no atom (or configuration) of the data has a grade above the threshold. Afterwards
    `potential.evaluate(atoms, grade=True)` gives grades, and `potential.write` writes the active
    set beside the potential.

    Parameters
    ----------
    potential
        Gets the active set.
    configurations
        The training data; labels are not needed.
    parameters
        "linear": derivatives with those parameters of an atom's element in which its energy is
        linear, a matrix for each element; of networks, those of the output layer, and the inputs.
        "all": with all parameters of the potential, one matrix, as MLIP does it. By default
        "linear".
    mode
        "neighborhoods": grades of atoms; "configurations": only of configurations as a whole. By
        default "neighborhoods".
    add
        Start from the active set that the potential has: these configurations come in addition.
    threshold
        Largest grade in the data, above 1.
    method
        "qr", or "mlip" for MLIP's own order of exchanges, which keeps all data in memory.
    threads
        As in `Potential.evaluate`.
    progress
        Called with a line of text from time to time.

    Returns
    -------
    ActiveSet
        What the potential got.

    Raises
    ------
    ValueError
        There are no configurations, the potential does not know their elements, or there is no
        active set of this kind to add to.
    """
    given = potential._core.active_set if add else None
    if add:
        _check_addition(given, parameters, mode)
    given = given or {"parameters": parameters or "linear", "mode": mode or "neighborhoods"}
    _check_threshold(threshold)
    data = _Rows(potential, configurations, given, threads)
    info = given.get("info", {})
    origins = info.get("origins", [])
    data.n_before = info.get("configurations", 0)
    matrices = {}
    for number, (name, length) in enumerate(data.lengths.items()):
        start = None
        if add:
            rows = given["matrices"][number]
            own = origins[number] if origins else np.full((length, 2), UNKNOWN)
            start = rows, np.array(own, dtype=int)
        matrices[name] = maxvol(
            partial(data.candidates, number),
            length,
            2,
            start=start,
            method=method,
            threshold=threshold,
            progress=progress and _reporter(progress, name, data.n_atoms),
        )
    found = ActiveSet(given["parameters"], given["mode"], matrices)
    potential._core.set_active_set(
        parameters=found.parameters,
        mode=found.mode,
        weight_scaling=given.get("weight_scaling", WEIGHT_SCALING),
        matrices=[own.rows for own in matrices.values()],
        inverses=[own.inverse for own in matrices.values()],
        info={
            "configurations": data.n_before + len(data.configurations),
            "threshold": threshold,
            "origins": [own.origins.tolist() for own in matrices.values()],
        },
    )
    return found


def select_configurations(
    potential: Potential,
    configurations: Sequence[Atoms],
    most: int | None = None,
    *,
    threshold: float = 1.001,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[int]:
    """Choose the configurations that are worth labelling: those that enter the active set.

    What is known already does not enter, nor do two that say the same; MLIP's `select_add`. The
    potential and its active set stay as they are.

    Parameters
    ----------
    potential
        With an active set.
    configurations
        Candidates; labels are not needed.
    most
        At most so many, of which each makes the volume of the active set grow most after those
        before it.
    threshold
        Grade above which one enters.
    threads
        As in `Potential.evaluate`.
    progress
        Called with a line of text from time to time.

    Returns
    -------
    list of int
        Their numbers, the most informative one first.

    Raises
    ------
    ValueError
        The potential has no active set or does not know the elements, or there are no candidates.
    """
    given = potential._core.active_set
    if given is None:
        raise ValueError(
            "The potential has no active set to compare with; make one from its training data: "
            "forcesmith active-set POTENTIAL DATA, or fs.find_active_set(potential, data)."
        )
    _check_threshold(threshold)
    data = _Rows(potential, configurations, given, threads)
    entering: set[int] = set()
    for number, (name, length) in enumerate(data.lengths.items()):
        start = given["matrices"][number], np.full((length, 2), UNKNOWN)
        report = progress and _reporter(progress, name, data.n_atoms)
        found = maxvol(
            partial(data.candidates, number),
            length,
            2,
            start=start,
            threshold=threshold,
            progress=report,
        )
        entering.update(found.origins[found.origins[:, 0] >= 0, 0].tolist())
    return _by_volume(data, given["matrices"], entering, threshold)[:most]


def _by_volume(
    data: _Rows, matrices: list[np.ndarray], configurations: set[int], threshold: float
) -> list[int]:
    """These configurations, in the order in which each makes the volume grow most, of all matrices
    together, after those before it."""
    growths = [Growth(rows, threshold) for rows in matrices]
    rows_of: dict[int, list[np.ndarray]] = {number: [] for number in configurations}
    for matrix in range(len(matrices)):
        parts: dict[int, list[np.ndarray]] = {number: [] for number in configurations}
        for rows, origins in data.candidates(matrix):
            for number in configurations.intersection(origins[:, 0].tolist()):
                parts[number].append(rows[origins[:, 0] == number])
        for number, own in parts.items():
            rows_of[number].append(
                np.concatenate(own) if own else np.zeros((0, len(matrices[matrix])))
            )

    def gain(number: int) -> float:
        return sum(growth.gain(rows) for growth, rows in zip(growths, rows_of[number], strict=True))

    # What a configuration gains hardly grows when others come in: only the first is looked at anew.
    queue = [(-gain(number), number, 0) for number in sorted(configurations)]
    heapq.heapify(queue)
    order: list[int] = []
    while queue:
        _, number, seen = heapq.heappop(queue)
        if seen < len(order):
            heapq.heappush(queue, (-gain(number), number, len(order)))
            continue
        order.append(number)
        for growth, rows in zip(growths, rows_of[number], strict=True):
            growth.add(rows)
    return order


def row_lengths(potential: Potential, parameters: Parameters, mode: Mode) -> dict[str, int]:
    """Columns of every matrix of an active set, by its name."""
    core, elements = potential._core, potential.elements
    if parameters == "all":
        return {"all": len(core.descriptor_parameters) + len(core.model_parameters)}
    lengths = {element: core.n_features(i) for i, element in enumerate(elements)}
    return lengths if mode == "neighborhoods" else {"all": sum(lengths.values())}


def holds_active_set(path: str | os.PathLike[str], parameters: Parameters) -> bool:
    """Whether the format of a potential file of this name can hold an active set."""
    suffix = Path(path).suffix
    return suffix == ".json" or (suffix == ".almtp" and parameters == "all")


def _check_threshold(threshold: float) -> None:
    if not threshold > 1:
        raise ValueError(f"The threshold of grades must be above 1, found {threshold:g}.")


def _check_addition(
    given: dict[str, Any] | None, parameters: Parameters | None, mode: Mode | None
) -> None:
    if given is None:
        raise ValueError("The potential has no active set to add to; find one without `add`.")
    for name, wanted in (("parameters", parameters), ("mode", mode)):
        if wanted is not None and wanted != given[name]:
            raise ValueError(
                f"The active set of the potential has the {name} {given[name]}, not {wanted}; add "
                "to it with the same, or find a new one without `add`."
            )


def _reporter(
    progress: Callable[[str], None], name: str, n_atoms: int
) -> Callable[[int, int, int], None]:
    of = "" if name == "all" else f" of {name}"

    def report(number: int, seen: int, swaps: int) -> None:
        progress(f"active set{of}: pass {number}, {seen} rows of {n_atoms} atoms, {swaps} swaps")

    return report


class _Rows:
    """The rows of data from which an active set is chosen: computed, or kept from before."""

    def __init__(
        self,
        potential: Potential,
        configurations: Sequence[Atoms],
        kind: dict[str, Any],
        threads: int | None,
    ):
        """kind: parameters, mode and weight_scaling, as an active set of the core has them."""
        self.core = potential._core
        self.cutoff = potential.cutoff
        self.elements = potential.elements
        self.configurations = Dataset(configurations)
        if not self.configurations:
            raise ValueError("An active set needs data, but there are no configurations.")
        self.parameters = kind["parameters"]
        self.of_atoms = kind["mode"] == "neighborhoods"
        self.weight_scaling = kind.get("weight_scaling", WEIGHT_SCALING)
        self.n_workers = worker_count(threads)
        self.n_atoms = sum(len(atoms) for atoms in self.configurations)
        if not self.n_atoms:
            raise ValueError("An active set needs data, but the configurations have no atoms.")
        self.n_before = 0
        self.lengths = row_lengths(potential, self.parameters, kind["mode"])
        self._kept: list[Step] | None = None

    def candidates(self, matrix: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of a matrix by its number, and their configurations and atoms."""
        length = list(self.lengths.values())[matrix]
        for first, sizes, types, rows in self._steps():
            numbers = first + self.n_before + np.arange(len(sizes))
            if not self.of_atoms:
                yield rows, np.stack([numbers, np.full_like(numbers, PADDED)], axis=1)
                continue
            atoms = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            origins = np.stack([np.repeat(numbers, sizes), atoms], axis=1)
            if len(self.lengths) > 1:
                own = types == matrix
                rows, origins = rows[own], origins[own]
            yield rows[:, :length], origins

    def _steps(self) -> Iterator[Step]:
        if self._kept is not None:
            yield from self._kept
            return
        longest = max(self.lengths.values())
        n_rows = self.n_atoms if self.of_atoms else len(self.configurations)
        fits = n_rows * longest <= KEPT_NUMBERS
        kept: list[Step] = []
        first = 0
        for portion in portions(self.configurations, max(1, NUMBERS_PER_PORTION // longest)):
            step = self._step(portion, first)
            if fits:
                kept.append(step)
            yield step
            first += len(portion)
        if fits:
            self._kept = kept

    def _step(self, portion: Dataset, first: int) -> Step:
        batch = make_batch(portion, self.elements, self.cutoff, first)
        sizes = np.array([len(atoms) for atoms in portion])
        if self.of_atoms:
            rows = self.core.information_vectors(batch, self.parameters, self.n_workers)
        else:
            rows = information_sums(
                self.core, batch, sizes.tolist(), self.parameters, self.n_workers
            )
            rows *= sizes[:, np.newaxis] ** (-0.5 * self.weight_scaling)
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            number = int(np.flatnonzero(~finite)[0])
            if self.of_atoms:
                number = int(np.searchsorted(np.cumsum(sizes), number, side="right"))
            raise ValueError(
                f"{describe(portion[number], f'configuration {first + number}')}: the potential "
                "gives numbers that are not finite; look for atoms much too close, or for none."
            )
        return first, sizes, batch.types, rows
