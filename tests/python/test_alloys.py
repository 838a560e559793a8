"""Alloys on the sites of a crystal: compositions, short-range order, swaps."""

from __future__ import annotations

from collections import Counter

import forcesmith as fs
import numpy as np
import pytest
from ase.build import bulk
from ase.neighborlist import neighbor_list
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sampling = fs.sampling
COPPER = bulk("Cu", "fcc", a=3.6, cubic=True)
ZIRCONIA = bulk("ZrO2", "fluorite", a=5.1, cubic=True)
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def warren_cowley(atoms, one: str, other: str, shell: tuple[float, float]) -> float:
    """Of the pairs whose distance lies in a shell, from counting them one by one."""
    first, second, distances = neighbor_list("ijd", atoms, shell[1])
    own = distances > shell[0]
    found = sum(
        {atoms.symbols[i], atoms.symbols[j]} == {one, other}
        for i, j in zip(first[own], second[own], strict=True)
    )
    parts = [(atoms.symbols == name).mean() for name in (one, other)]
    return 1 - found / (2 * parts[0] * parts[1] * own.sum())


def test_alloys():
    sampler = sampling.RandomAlloys(
        structures=[ZIRCONIA], sublattice="Zr", elements=["Zr", "Y", "Hf"], width=9, count=6
    )
    parts = []
    for atoms in sampler.sample():
        assert (atoms.symbols == "O").sum() == 2 * np.isin(atoms.symbols, ["Zr", "Y", "Hf"]).sum()
        parts.append((atoms.symbols == "Y").sum() / len(atoms))
    assert np.ptp(parts) > 0.05
    with pytest.raises(ValueError, match="no sites of Cu"):
        sampler.model_copy(update={"sublattice": "Cu"}).check()


@few
@given(gold=st.floats(0.1, 0.9), width=st.sampled_from([3.6, 7.0]), seed=st.integers(0, 1000))
def test_compositions_of_quasirandom_alloys(gold, width, seed):
    sampler = sampling.QuasirandomAlloys(
        structures=[COPPER],
        composition={"Cu": 1 - gold, "Au": gold},
        width=width,
        swaps=20,
        count=1,
        seed=seed,
    )
    n_sites = 4 if width < 4 else 32
    if round(min(gold, 1 - gold) * n_sites) == 0:
        with pytest.raises(ValueError, match=f"of {n_sites} sites none is left for"):
            sampler.check()
        return
    [atoms] = sampler.sample()
    assert len(atoms) == n_sites
    assert abs((atoms.symbols == "Au").sum() - gold * n_sites) <= 0.5 + 1e-6
    assert [*sampler.sample()] == [atoms]


def test_pairs_of_a_quasirandom_alloy_are_those_of_a_random_one():
    shells = [(2.0, 3.0), (3.0, 4.0), (4.0, 4.8)]
    sampler = sampling.QuasirandomAlloys(
        structures=[COPPER], composition={"Cu": 0.5, "Au": 0.5}, width=7, swaps=1500, count=1
    )
    [atoms] = sampler.sample()
    order = [abs(warren_cowley(atoms, "Cu", "Au", shell)) for shell in shells]
    assert max(order) == pytest.approx(atoms.info["short_range_order"], abs=1e-9)
    assert order[0] < 1e-9
    by_chance = atoms.copy()
    rng = np.random.default_rng(1)
    chance = []
    for _ in range(5):
        by_chance.numbers = rng.permutation(by_chance.numbers)
        chance.append(max(abs(warren_cowley(by_chance, "Cu", "Au", shell)) for shell in shells))
    assert max(order) < 0.5 * min(chance)


def test_quasirandom_on_a_sublattice():
    sampler = sampling.QuasirandomAlloys(
        structures=[ZIRCONIA],
        sublattice="Zr",
        composition={"Zr": 0.5, "Y": 0.25, "Hf": 0.25},
        width=10,
        swaps=300,
        count=1,
    )
    [atoms] = sampler.sample()
    assert Counter(atoms.symbols) == {"O": 64, "Zr": 16, "Y": 8, "Hf": 8}
    metals = atoms[np.array(atoms.symbols) != "O"]
    assert abs(warren_cowley(metals, "Zr", "Y", (3.0, 4.0))) < 0.1


@pytest.mark.parametrize(
    ("composition", "sentence"),
    [
        ({"Cu": 0.5, "Au": 0.4}, "add up to 0.9, not to 1"),
        ({"Cu": 0.5, "Qq": 0.5}, 'no element "Qq"'),
        ({"Cu": 0.5}, "needs 2 or more"),
        ({"Cu": 1.5, "Au": -0.5}, "less than 1"),
    ],
)
def test_impossible_compositions(composition, sentence):
    table = {"type": "quasirandom_alloys", "structures": ["fcc Cu 3.6"], "composition": composition}
    with pytest.raises(ValueError, match=sentence) as error:
        fs.sampling.GenerateSettings.from_dict({"samplers": [table]})
    assert len(str(error.value)) <= 300 and "\n" not in str(error.value)


@few
@given(swaps=st.integers(1, 40), seed=st.integers(0, 1000))
def test_swaps_keep_sites_and_composition(swaps, seed):
    sampler = sampling.SwappedAlloys(structures=[ZIRCONIA], swaps=swaps, seed=seed, count=1)
    [atoms] = sampler.sample()
    assert atoms.positions == pytest.approx(ZIRCONIA.positions)
    assert Counter(atoms.symbols) == Counter(ZIRCONIA.symbols)
    changed = (atoms.numbers != ZIRCONIA.numbers).sum()
    assert changed % 2 == 0 and changed <= 2 * swaps
    if swaps == 1:
        assert changed == 2


def test_swaps_of_chosen_elements():
    crystal = ZIRCONIA.copy()
    crystal.symbols[0] = "Y"
    sampler = sampling.SwappedAlloys(structures=[crystal], elements=["Zr", "Y"], swaps=3, count=3)
    for atoms in sampler.sample():
        assert ((atoms.symbols == "O") == (crystal.symbols == "O")).all()
    with pytest.raises(ValueError, match="swaps need atoms of two elements, .* only those of Y"):
        sampling.SwappedAlloys(structures=[crystal], elements=["Y", "Hf"]).check()
