"""What it takes to find an active set: time, memory, passes over the candidates.

    python bench/active_set_cost.py [--columns 300 --rows 1000000]

Candidates as a quadratic model has them: 1, descriptor values, and their products. The values are
made as they pass by, from a seed, so that there may be any number of rows: ten kinds of
neighborhoods, each disturbed by little up to much. Every case runs in a process of its own. The
last numbers of a record say whether the active set is one: the largest grade of all candidates, and
of those the largest difference from grades by a solution of the linear equations in numpy. Records:
active_set/COLUMNS_ROWS.json.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import tables
from forcesmith.extrapolation.maxvol import ActiveRows, maxvol
from records import argument_parser, write_record

DEFAULT = ((300, 1_000_000), (990, 200_000), (3003, 50_000))
"""Columns, rows."""
KINDS = 10
ROWS_OF_CHUNK = 1000


class Candidates:
    """Rows of a quadratic model of n descriptor values, (1 + n) (2 + n) / 2 columns."""

    def __init__(self, n_columns: int, n_rows: int):
        self.n_values = int(np.sqrt(2 * n_columns)) - 1
        if (1 + self.n_values) * (2 + self.n_values) != 2 * n_columns:
            raise SystemExit(f"A quadratic model has no {n_columns} columns; try 300, 990 or 3003.")
        self.n_rows = n_rows
        rng = np.random.default_rng(0)
        self.centers = rng.normal(size=(KINDS, self.n_values))
        self.spreads = rng.normal(size=(KINDS, self.n_values, self.n_values)) / self.n_values**0.5
        self.pairs = np.triu_indices(1 + self.n_values)

    def __call__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, self.n_rows, ROWS_OF_CHUNK):
            numbers = np.arange(first, min(first + ROWS_OF_CHUNK, self.n_rows))
            yield self.chunk(first // ROWS_OF_CHUNK, len(numbers)), numbers[:, None]

    def chunk(self, number: int, count: int) -> np.ndarray:
        rng = np.random.default_rng((1, number))
        kind = rng.integers(KINDS)
        amplitude = 10 ** rng.uniform(-2, 0)
        moves = amplitude * rng.normal(size=(count, self.n_values))
        values = np.ones((count, 1 + self.n_values))
        values[:, 1:] = self.centers[kind] + moves @ self.spreads[kind]
        return values[:, self.pairs[0]] * values[:, self.pairs[1]]


class Watch:
    """When each pass over the candidates began, and how many rows it saw."""

    def __init__(self) -> None:
        self.passes: dict[int, float] = {}

    def __call__(self, number: int, seen: int, swaps: int) -> None:
        self.passes.setdefault(number, time.perf_counter())


def largest_difference(found: ActiveRows, candidates: Candidates) -> float:
    rows, _ = next(iter(candidates()))
    expected = np.abs(np.linalg.solve(found.rows.T, rows.T)).max(axis=0)
    return float(np.abs(found.grades(rows) - expected).max())


def measure(n_columns: int, n_rows: int) -> dict[str, Any]:
    """In a process of its own: memory is the largest that it had."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    candidates = Candidates(n_columns, n_rows)
    start = time.perf_counter()
    for _ in candidates():
        pass
    making = time.perf_counter() - start
    watch = Watch()
    start = time.perf_counter()
    found = maxvol(candidates, n_columns, progress=watch)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "columns": n_columns,
        "rows": n_rows,
        "seconds": seconds,
        "seconds_of_making_rows_once": making,
        "seconds_before_first_pass": next(iter(watch.passes.values())) - start,
        "passes": len(watch.passes),
        "swaps": found.swaps,
        "padded": found.n_padded,
        "memory_mb": memory / 1024,
        "square_matrix_mb": 8 * n_columns**2 / 2**20,
        "largest_grade": found.largest_grade,
        "largest_difference_from_reference": largest_difference(found, candidates),
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--columns", type=int)
    parser.add_argument("--rows", type=int)
    arguments = parser.parse_args()
    cases = DEFAULT
    if arguments.columns or arguments.rows:
        cases = ((arguments.columns or 300, arguments.rows or 1_000_000),)
    context = multiprocessing.get_context("spawn")
    records = []
    for n_columns, n_rows in cases:
        with context.Pool(1) as pool:
            results = pool.apply(measure, (n_columns, n_rows))
        case = f"{n_columns}_{n_rows}"
        records.append(
            write_record("active_set", case, settings={}, results=results, folder=arguments.output)
        )
        print(tables.active_set(records[-1:]))
    print(tables.origin(records))


if __name__ == "__main__":
    main()
