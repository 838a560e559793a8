"""MaxVol: of many candidate rows, the square matrix A of (nearly) the largest volume |det A|.

S. A. Goreinov et al., How to find a good submatrix, in Matrix Methods (2010), p. 247; as active
sets of potentials: E. V. Podryabinkin and A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017).

A row b has the coefficients c = b A^-1 and the grade max_k |c_k|: putting it in the place of row k
makes the volume |c_k| times as large. Rows are exchanged until no candidate has a grade above a
threshold just above 1. Where there are fewer independent candidates than columns, A keeps padded
rows, a small number times a row of the identity.

Candidates come in chunks, any number of times, so that there may be more of them than fit into
memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import lapack

Method = Literal["qr", "mlip"]

Candidates = Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]
"""All candidates, anew for every call: chunks of rows, (n_rows, n_columns), and their origins,
(n_rows, n_numbers) of whole numbers that are not negative; both always in the same order."""

Progress = Callable[[int, int, int], None]
"""progress(pass over the candidates, candidates seen in it, swaps so far)"""

PADDING = 1e-6
PADDED = -1  # origin
SAMPLED_PER_COLUMN = 2  # candidates for the QR decomposition
POOL_PER_COLUMN = 4  # candidates among which rows are exchanged
BLOCK = 100_000  # numbers that stay in a cache


@dataclass(frozen=True)
class ActiveRows:
    """A square matrix of rows, among its candidates one of (nearly) the largest volume."""

    rows: np.ndarray
    """A, (n, n)."""
    inverse: np.ndarray
    """A^-1, (n, n)."""
    origins: np.ndarray
    """Of every row, (n, n_numbers); -1 for padded ones."""
    entered: np.ndarray
    """Origins of the rows that came in, one after the other, (n_swaps, n_numbers)."""
    gains: np.ndarray
    """How many times larger each of them made the volume, (n_swaps,)."""
    largest_grade: float
    """That a candidate still has; 0 without candidates."""
    log_volume: float
    """Logarithm of |det A|."""

    @property
    def swaps(self) -> int:
        """How many exchanges of rows it took."""
        return len(self.gains)

    @property
    def n_padded(self) -> int:
        """Rows without a candidate: directions without data."""
        return int((self.origins == PADDED).all(axis=1).sum())

    def grades(self, rows: np.ndarray) -> np.ndarray:
        """Grades of any rows, (n_rows,) of (n_rows, n)."""
        return np.abs(rows @ self.inverse).max(axis=1)


def maxvol(
    candidates: Candidates,
    n_columns: int,
    n_numbers: int = 1,
    *,
    start: tuple[np.ndarray, np.ndarray] | None = None,
    method: Method = "qr",
    threshold: float = 1.001,
    progress: Progress | None = None,
) -> ActiveRows:
    """Choose rows of (nearly) the largest volume.

    Parameters
    ----------
    candidates
        What is chosen from.
    n_columns
        Columns of the candidates, at least 1.
    n_numbers
        Numbers of an origin.
    start
        Rows (n, n), and their origins (n, n_numbers), to start from; the volume only grows.
    method
        "qr" starts from a QR decomposition with pivoting of a random sample, columns divided by
        their largest magnitude. After each pass, rows are exchanged with the candidates of the
        largest grades. "mlip" is the order of MLIP: from 1e-6 times the identity, always the
        largest coefficient of all candidates; keeps them in memory, twice.
    threshold
        Largest grade that candidates may have in the end, above 1.
    progress
        Called after every chunk and exchange.

    Raises
    ------
    ValueError
        The rows to start from are linearly dependent.
    """
    if start is not None:
        rows, origins = start
        scale = _scale(np.abs(rows).max(axis=0))
    elif method == "mlip":
        scale = np.ones(n_columns)
        rows, origins = _padding(n_columns, n_numbers)
    else:
        largest, rows, origins = _sample(candidates, n_columns, n_numbers)
        scale = _scale(largest)
        rows /= scale
        rows, origins = _pivots(rows, origins)
        rows *= scale
    active = _Active(rows / scale, origins)
    for number in itertools.count(1):
        pool = _Pool(np.inf if method == "mlip" else POOL_PER_COLUMN * n_columns)
        largest_grade, seen = 0.0, 0
        for chunk, own_origins in _chunks(candidates, n_columns):
            scaled = chunk / scale
            grades = active.grades(scaled)
            pool.add(scaled, own_origins, grades)
            largest_grade = max(largest_grade, float(grades.max()))
            seen += len(chunk)
            if progress is not None:
                progress(number, seen, active.swaps)
        if largest_grade <= threshold:
            break
        log_volume = active.log_volume
        for _ in active.exchange(*pool.contents(), threshold):
            if progress is not None:
                progress(number, seen, active.swaps)
        active.invert()
        if not active.log_volume > log_volume:  # rounding, nothing else
            break
    return ActiveRows(
        active.rows * scale,
        active.inverse / scale[:, None],
        active.origins,
        np.reshape(active.entered, (-1, n_numbers)),
        np.array(active.gains),
        largest_grade,
        active.log_volume + float(np.log(scale).sum()),
    )


class _Active:
    """The rows chosen so far, in scaled columns, and the inverse that goes along with them."""

    def __init__(self, rows: np.ndarray, origins: np.ndarray):
        self.rows = rows
        self.origins = origins.copy()
        self.entered: list[np.ndarray] = []
        self.gains: list[float] = []
        self.invert()

    @property
    def swaps(self) -> int:
        return len(self.gains)

    def invert(self) -> None:
        """Anew, without the rounding errors of updates.

        By solving A X = I: that leaves A X - I small, which is what grades live on, though X A - I
        may not be.
        """
        factors, pivots, failed = lapack.dgetrf(self.rows)
        if failed:
            raise ValueError("The rows of the active set to start from are linearly dependent.")
        self.log_volume = float(np.log(np.abs(np.diagonal(factors))).sum())
        identity = np.eye(len(self.rows)).T  # its columns one after the other, as LAPACK wants them
        solution, _ = lapack.dgetrs(factors, pivots, identity, overwrite_b=True)
        del factors
        self.inverse = np.ascontiguousarray(solution)

    def grades(self, rows: np.ndarray) -> np.ndarray:
        coefficients = rows @ self.inverse
        return np.maximum(coefficients.max(axis=1), -coefficients.min(axis=1))

    def exchange(self, rows: np.ndarray, origins: np.ndarray, threshold: float) -> Iterator[None]:
        """Exchange rows until none of those given has a grade above the threshold; yields after
        each.

        Always the largest coefficient. The row that goes out takes the place of the one that comes
        in, and is a candidate again. Changes its arguments.
        """
        n = len(self.rows)
        coefficients = rows @ self.inverse
        row, place, largest = _largest_entry(coefficients)
        swaps_of_this_inverse = 0
        while abs(largest) > threshold:
            change = coefficients[row].copy()
            change[place] -= 1.0
            change /= -largest
            _add_outer(self.inverse, self.inverse[:, place].copy(), change)
            for mine, candidate in ((self.rows, rows), (self.origins, origins)):
                going_out = mine[place].copy()
                mine[place] = candidate[row]
                candidate[row] = going_out
            self.entered.append(self.origins[place].copy())
            self.gains.append(abs(largest))
            swaps_of_this_inverse += 1
            if swaps_of_this_inverse < n:
                coefficients[row] = np.eye(1, n, place)
                row, place, largest = _update_and_find(coefficients, place, change)
            else:
                self.invert()
                np.matmul(rows, self.inverse, out=coefficients)
                row, place, largest = _largest_entry(coefficients)
                swaps_of_this_inverse = 0
            yield


class _Pool:
    """Of the candidates that pass by, those of the largest grades: what is above the threshold, and
    what may come above it when others are exchanged."""

    def __init__(self, size: float):
        self.size = size
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # rows, origins, grades
        self.least = 0.0  # grade to get in

    def add(self, rows: np.ndarray, origins: np.ndarray, grades: np.ndarray) -> None:
        taken = grades >= self.least
        self.parts.append((rows[taken], origins[taken], grades[taken]))
        if sum(len(grades) for *_, grades in self.parts) > 1.25 * self.size:
            self._drop()

    def contents(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and origins, in the order in which they passed by; the pool is empty then."""
        self._drop()
        [(rows, origins, _)] = self.parts
        self.parts = []
        return rows, origins

    def _drop(self) -> None:
        """What is too many. Part by part, so that no row lies in memory twice."""
        grades = np.concatenate([part[2] for part in self.parts])
        kept = np.arange(len(grades))
        if len(grades) > self.size:
            kept = np.sort(np.argsort(-grades, kind="stable")[: int(self.size)])
            self.least = float(grades[kept].min())
        rows = np.empty((len(kept), self.parts[0][0].shape[1]))
        origins = np.empty((len(kept), self.parts[0][1].shape[1]), dtype=int)
        begin, filled = 0, 0
        self.parts.reverse()
        while self.parts:
            own_rows, own_origins, own_grades = self.parts.pop()
            own = kept[(kept >= begin) & (kept < begin + len(own_grades))] - begin
            rows[filled : filled + len(own)] = own_rows[own]
            origins[filled : filled + len(own)] = own_origins[own]
            begin, filled = begin + len(own_grades), filled + len(own)
        self.parts = [(rows, origins, grades[kept])]


class Growth:
    """How much the volume of some rows (n, n) grows when others come in."""

    def __init__(self, rows: np.ndarray, threshold: float = 1.001):
        """Raises ValueError if the rows are linearly dependent."""
        self._scale = _scale(np.abs(rows).max(axis=0))
        self._active = _Active(rows / self._scale, np.zeros((len(rows), 1), dtype=int))
        self._threshold = threshold

    def gain(self, rows: np.ndarray) -> float:
        """What the logarithm of |det A| would gain by rows (n_rows, n); they do not come in."""
        coefficients = (rows / self._scale) @ self._active.inverse
        gained = 0.0
        row, place, largest = _largest_entry(coefficients)
        while abs(largest) > self._threshold:
            gained += float(np.log(abs(largest)))
            change = coefficients[row].copy()
            change[place] -= 1.0
            change /= -largest
            coefficients[row] = np.eye(1, coefficients.shape[1], place)
            row, place, largest = _update_and_find(coefficients, place, change)
        return gained

    def add(self, rows: np.ndarray) -> None:
        """Let rows (n_rows, n) come in."""
        origins = np.zeros((len(rows), 1), dtype=int)
        for _ in self._active.exchange(rows / self._scale, origins, self._threshold):
            pass


def _add_outer(matrix: np.ndarray, column: np.ndarray, row: np.ndarray) -> None:
    """Adds column row to the matrix, block by block, which stay in the cache."""
    for first, block in _blocks(matrix):
        block += np.multiply.outer(column[first : first + len(block)], row)


def _update_and_find(
    coefficients: np.ndarray, place: int, row: np.ndarray
) -> tuple[int, int, float]:
    """Adds a multiple of a row to all, each times its own entry at `place`; then as
    `_largest_entry`."""
    found = (0, 0, 0.0)
    for first, block in _blocks(coefficients):
        block += np.multiply.outer(block[:, place], row)
        found = _larger(found, first, block)
    return found


def _largest_entry(coefficients: np.ndarray) -> tuple[int, int, float]:
    """Row, column and value of the entry of the largest magnitude, the first if there are more."""
    found = (0, 0, 0.0)
    for first, block in _blocks(coefficients):
        found = _larger(found, first, block)
    return found


def _blocks(matrix: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    size = max(1, BLOCK // matrix.shape[1])
    for first in range(0, len(matrix), size):
        yield first, matrix[first : first + size]


def _larger(found: tuple[int, int, float], first: int, block: np.ndarray) -> tuple[int, int, float]:
    row, column = np.unravel_index(np.abs(block).argmax(), block.shape)
    value = float(block[row, column])
    return (first + int(row), int(column), value) if abs(value) > abs(found[2]) else found


# ---- candidates ----


def _chunks(candidates: Candidates, n_columns: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Chunks of at most about a square matrix."""
    size = max(n_columns, BLOCK // n_columns)
    for rows, origins in candidates():
        for first in range(0, len(rows), size):
            yield rows[first : first + size], origins[first : first + size]


def _sample(
    candidates: Candidates, n_columns: int, n_numbers: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The largest magnitude in every column, and random candidates with their origins: the same
    ones however the candidates are divided into chunks."""
    size = SAMPLED_PER_COLUMN * n_columns
    random = np.random.default_rng(0)
    largest = np.zeros(n_columns)
    rows, origins = np.zeros((0, n_columns)), np.zeros((0, n_numbers), dtype=int)
    keys = np.zeros(0)  # a candidate is in the sample if its random number is one of the smallest
    for chunk, own_origins in _chunks(candidates, n_columns):
        np.maximum(largest, np.abs(chunk).max(axis=0), out=largest)
        own_keys = random.random(len(chunk))
        taken = own_keys < (keys.max() if len(keys) == size else np.inf)
        rows = np.concatenate([rows, chunk[taken]])
        origins = np.concatenate([origins, own_origins[taken]])
        keys = np.concatenate([keys, own_keys[taken]])
        if len(keys) > size:
            kept = np.sort(np.argpartition(keys, size)[:size])
            rows, origins, keys = rows[kept], origins[kept], keys[kept]
    return largest, rows, origins


def _scale(largest: np.ndarray) -> np.ndarray:
    """Powers of two, which divide without rounding, (n_columns,)."""
    return np.exp2(np.floor(np.log2(np.where(largest > 0, largest, 1.0))))


def _padding(n_columns: int, n_numbers: int) -> tuple[np.ndarray, np.ndarray]:
    return PADDING * np.eye(n_columns), np.full((n_columns, n_numbers), PADDED)


def _pivots(rows: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As many rows as there are columns, the most independent ones; padded where they lack."""
    n = rows.shape[1]
    padding, padded = _padding(n, origins.shape[1])
    both = np.concatenate([rows, padding])
    _, pivots, *_ = lapack.dgeqp3(both.T, overwrite_a=True)  # nothing but the pivots is wanted
    del both
    chosen = pivots[:n] - 1  # LAPACK counts from 1
    return np.concatenate([rows, padding])[chosen], np.concatenate([origins, padded])[chosen]
