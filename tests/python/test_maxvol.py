"""MaxVol: against all subsets, against MLIP's order of exchanges, for all sorts of candidates."""

from __future__ import annotations

import numpy as np
import pytest
from forcesmith.extrapolation.maxvol import ActiveRows, maxvol
from reference_maxvol import largest_volume, mlip_active_set

THRESHOLD = 1.001


def choose(candidates: np.ndarray, chunk: int = 1000, **options) -> ActiveRows:
    """Of candidates whose origin is their number."""
    numbers = np.arange(len(candidates))[:, np.newaxis]

    def chunks():
        for first in range(0, len(candidates), chunk):
            yield candidates[first : first + chunk], numbers[first : first + chunk]

    return maxvol(chunks, candidates.shape[1], **options)


def check(found: ActiveRows, candidates: np.ndarray) -> None:
    """Rows, origins, inverse and grades belong together; no candidate has a grade left."""
    n = candidates.shape[1]
    taken = found.origins[:, 0]
    real = taken >= 0
    assert len(set(taken[real])) == real.sum() == n - found.n_padded
    np.testing.assert_array_equal(found.rows[real], candidates[taken[real]])
    assert ((found.rows[~real] != 0).sum(axis=1) == 1).all()
    # In exact arithmetic, whatever the columns' scales.
    inverse = np.linalg.inv(found.rows)
    scale = np.abs(inverse).max(axis=1, keepdims=True)
    np.testing.assert_allclose(found.inverse / scale, inverse / scale, rtol=0, atol=1e-6)
    assert found.log_volume == pytest.approx(np.linalg.slogdet(found.rows)[1], abs=1e-6)
    grades = found.grades(np.concatenate([candidates, found.rows]))
    assert grades.max() <= THRESHOLD + 1e-6
    assert found.largest_grade <= THRESHOLD


def test_all_subsets():
    """A local maximum: the largest volume in most cases, in none much less."""
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(40):
        n = int(rng.integers(1, 5))
        candidates = rng.normal(size=(int(rng.integers(n, 12)), n))
        found = choose(candidates)
        check(found, candidates)
        assert found.n_padded == 0
        ratios.append(np.exp(found.log_volume) / largest_volume(candidates))
    ratios = np.array(ratios)
    assert ratios.max() < 1 + 1e-9
    assert ratios.min() > 0.5
    assert np.mean(ratios > 1 / THRESHOLD) > 0.75


@pytest.mark.parametrize("chunk", [1, 7, 100, 5000])
def test_any_chunks(chunk):
    """Nothing has a grade left, and the choice does not depend on the chunks."""
    candidates = np.random.default_rng(2).normal(size=(3000, 25)) ** 3
    found = choose(candidates, chunk)
    check(found, candidates)
    assert found.n_padded == 0
    np.testing.assert_array_equal(found.origins, choose(candidates).origins)


def test_a_large_chunk_is_taken_in_parts():
    """Memory: no more than about a square matrix at once, whatever comes."""
    candidates = np.random.default_rng(3).normal(size=(20_000, 30))
    seen = []
    choose(candidates, 20_000, progress=lambda number, n, swaps: seen.append((number, n, swaps)))
    passes = [sorted({n for number, n, _ in seen if number == own}) for own in (1, 2)]
    assert passes[0] == passes[1] and len(passes[0]) > 3 and passes[0][-1] == 20_000
    swaps = [swaps for *_, swaps in seen]
    assert swaps == sorted(swaps) and swaps[-1] > 0
    last_pass = [swaps for number, _, swaps in seen if number == seen[-1][0]]
    assert len(set(last_pass)) == 1  # nothing was exchanged


@pytest.mark.parametrize("method", ["qr", "mlip"])
@pytest.mark.parametrize(
    ("name", "candidates", "n_padded"),
    [
        ("one row", np.ones((1, 3)), 2),
        ("no rows", np.ones((0, 3)), 3),
        ("the same row again and again", np.tile([[1.0, 2.0, 3.0]], (50, 1)), 2),
        ("zeros", np.zeros((10, 3)), 3),
        ("a column of zeros", np.eye(4)[:, [0, 1, 2]] @ np.diag([1.0, 0.0, 2.0]), 1),
        (
            "few independent directions",
            np.random.default_rng(4).normal(size=(500, 6))
            @ np.random.default_rng(5).normal(size=(6, 20)),
            14,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_too_few_directions_are_padded(method, name, candidates, n_padded):
    found = choose(candidates, method=method)
    check(found, candidates)
    assert found.n_padded == n_padded
    # A direction without data is known by its grade.
    rng = np.random.default_rng(6)
    assert found.grades(rng.normal(size=(1, candidates.shape[1])))[0] > 1e3


def test_columns_of_any_size():
    """The choice does not depend on the units of the columns (by powers of two, to the last bit),
    and columns of 1e-8 and 1e8 together leave no grades."""
    candidates = np.random.default_rng(7).normal(size=(2000, 17))
    plain = choose(candidates)
    units = 2.0 ** np.linspace(-26, 26, 17).round()
    scaled = choose(candidates * units)
    np.testing.assert_array_equal(scaled.origins, plain.origins)
    np.testing.assert_array_equal(scaled.inverse * units[:, np.newaxis], plain.inverse)
    wide = candidates * np.geomspace(1e-8, 1e8, 17)
    found = choose(wide)
    check(found, wide)
    assert found.n_padded == 0


def test_more_candidates_later():
    """The volume only grows; with the same candidates nothing changes."""
    rng = np.random.default_rng(8)
    candidates, later = rng.normal(size=(400, 12)), 1.5 * rng.normal(size=(300, 12))
    before = choose(candidates)
    same = choose(candidates, start=(before.rows, before.origins))
    assert same.swaps == 0
    np.testing.assert_array_equal(same.rows, before.rows)
    np.testing.assert_array_equal(same.origins, before.origins)
    kept = np.full_like(before.origins, 1000)
    after = choose(later, start=(before.rows, kept))
    assert after.swaps > 0
    assert after.log_volume > before.log_volume
    assert after.grades(later).max() <= THRESHOLD
    np.testing.assert_array_equal(kept, 1000)  # what was given stays as it is
    came_in = after.origins[:, 0] != 1000
    np.testing.assert_array_equal(after.rows[came_in], later[after.origins[came_in, 0]])
    # Padded rows make place, too.
    few = choose(candidates[:5])
    assert few.n_padded == 7
    assert choose(later, start=(few.rows, few.origins)).n_padded == 0


def test_what_came_in_and_what_it_gained():
    rng = np.random.default_rng(11)
    candidates, later = rng.normal(size=(200, 8)), 2 * rng.normal(size=(100, 8))
    before = choose(candidates)
    after = choose(later, start=(before.rows, before.origins - 1000))
    assert len(after.entered) == len(after.gains) == after.swaps
    assert (after.gains > THRESHOLD).all()
    gained = after.log_volume - before.log_volume
    assert np.log(after.gains).sum() == pytest.approx(gained, abs=1e-9)
    stayed = after.origins[after.origins >= 0]
    assert set(stayed) <= set(after.entered.ravel())


def test_dependent_rows_to_start_from():
    rows = np.ones((2, 2))
    with pytest.raises(ValueError, match="linearly dependent"):
        choose(np.eye(2), start=(rows, np.zeros((2, 1), dtype=int)))


def test_order_of_mlip():
    rng = np.random.default_rng(9)
    for shape in ((60, 5), (300, 20), (10, 15)):
        candidates = rng.normal(size=shape) * np.geomspace(1e-3, 10, shape[1])
        found = choose(candidates, 13, method="mlip")
        check(found, candidates)
        np.testing.assert_array_equal(found.rows, mlip_active_set(candidates))


def test_order_of_mlip_is_that_of_motep():
    peer = pytest.importorskip("motep.grade.maxvol")
    candidates = np.random.default_rng(10).normal(size=(500, 30)) * np.geomspace(1e-3, 10, 30)
    expected = peer.MaxVol(algorithm="mlip").run(candidates)
    found = choose(candidates, method="mlip")
    assert set(found.origins[:, 0]) == set(expected.indices)
