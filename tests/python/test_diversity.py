"""Diversity: principal components in one basis, and thinning."""

from __future__ import annotations

import json

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from forcesmith.sampling.diversity import descriptor_of, descriptor_values, principal_components
from hypothesis import given, settings
from hypothesis import strategies as st

sampling = fs.sampling
DESCRIPTOR = {"level": 6, "cutoff": 4.5}


def rattled(count: int, amplitude: float, seed: int = 0) -> list[Atoms]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        atoms = bulk("MgO", "rocksalt", a=4.21, cubic=True)
        atoms.positions += rng.normal(0, amplitude, atoms.positions.shape)
        made.append(atoms)
    return made


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 30), st.integers(1, 6), st.integers(0, 100))
def test_principal_components(n_atoms, n_values, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_atoms, n_values)) @ rng.normal(size=(n_values, n_values)) + 5
    values = np.hstack([values, np.full((n_atoms, 1), 3.0)])  # and one that does not vary
    found = principal_components(values)
    projected = found.project(values)
    covariance = projected.T @ projected / n_atoms
    assert covariance == pytest.approx(np.diag(found.variances), abs=1e-8)
    assert (np.diff(found.variances) <= 1e-12).all()
    assert found.variances.sum() == pytest.approx(n_values)
    assert found.basis.T @ found.basis == pytest.approx(np.eye(found.basis.shape[1]), abs=1e-9)


def test_spread_is_that_of_the_values():
    sets = {"calm": rattled(6, 0.02), "wild": rattled(6, 0.2)}
    found = sampling.compare_diversity(sets, DESCRIPTOR)
    pooled = fs.Dataset([*sets["calm"], *sets["wild"]])
    potential = descriptor_of(pooled, DESCRIPTOR)
    every = descriptor_values(potential, pooled)
    for name, own in sets.items():
        total = 0.0
        for element, (values, _) in descriptor_values(potential, own).items():
            expected = (values.var(axis=0) / every[element][0].var(axis=0)).sum()
            assert found.spread(name, element) == pytest.approx(expected**0.5, rel=1e-4)
            total += expected
        assert found.spread(name) == pytest.approx(total**0.5, rel=1e-4)
    assert found.spread("wild") > 2 * found.spread("calm")


def test_any_potential_gives_the_descriptor(small_potential, crystals):
    found = sampling.compare_diversity({"all": crystals, "half": crystals[::2]}, small_potential)
    assert list(found.components) == ["Cu"]
    # pooled, the variances of the basis are those of both sets together
    pooled = np.concatenate([own["Cu"] for own in found.projected.values()])
    assert pooled.var(axis=0) == pytest.approx(found.components["Cu"].variances, rel=1e-6)


def test_a_set_without_an_element():
    found = sampling.compare_diversity(
        {"oxide": rattled(3, 0.1), "metal": [bulk("Mg", "hcp", a=3.2, c=5.2)]}, DESCRIPTOR
    )
    assert found.spread("metal", "O") == 0.0 and found.spread("metal", "Mg") < 1e-6


def test_farthest_points_cover():
    frames = [*rattled(30, 0.01), *rattled(3, 0.3, seed=1)]
    chosen = sampling.thin(frames, 4, descriptor=DESCRIPTOR)
    assert set(chosen) > {30, 31, 32} and len(chosen) == 4
    assert sampling.thin(frames, 100, descriptor=DESCRIPTOR) == list(range(33))
    assert sampling.thin(frames[:1] * 5, 3, descriptor=DESCRIPTOR)[0] in range(5)
    assert len(set(sampling.thin(frames[:1] * 5, 3, descriptor=DESCRIPTOR))) == 3


def test_leverage_scores_prefer_what_is_rare():
    frames = [*rattled(60, 0.005), *rattled(3, 0.3, seed=1)]
    options = {"method": "leverage", "descriptor": DESCRIPTOR}
    often = sum(
        len({60, 61, 62} & set(sampling.thin(frames, 6, seed=s, **options))) for s in range(8)
    )
    assert often > 20
    assert sampling.thin(frames, 6, **options) == sampling.thin(frames, 6, **options)
    assert sampling.thin(frames, 6, **options) != sampling.thin(frames, 6, seed=5, **options)


def test_nothing_to_compare():
    with pytest.raises(ValueError, match="nothing to compare"):
        sampling.compare_diversity({"none": []})
    with pytest.raises(ValueError, match="nothing to choose from"):
        sampling.thin([], 3)
    with pytest.raises(ValueError, match="At least one"):
        sampling.thin(rattled(2, 0.1), 0)
    with pytest.raises(ValueError, match='did you mean "cutoff"'):
        sampling.thin(rattled(2, 0.1), 1, descriptor={"level": 6, "cutof": 4.5})


def test_commands(tmp_path, monkeypatch, command, refused):
    monkeypatch.chdir(tmp_path)
    frames = rattled(4, 0.02) + rattled(4, 0.2)
    for n, atoms in enumerate(frames):
        atoms.info["config_type"] = "calm" if n < 4 else "wild"
    ase.io.write("a.extxyz", frames)
    (tmp_path / "fit.toml").write_text("[descriptor]\nlevel = 6\ncutoff = 4.5\n")
    call = ["diversity", "a.extxyz", "--by-group", "--descriptor", "fit.toml"]
    code, out, err = command(*call, "--plot", "d.png")
    assert code == 0, err
    assert "calm" in out and "+0.0 %" in out and (tmp_path / "d.png").stat().st_size > 1000
    table = json.loads(command(*call, "--json")[1])
    expected = sampling.compare_diversity({"calm": frames[:4], "wild": frames[4:]}, DESCRIPTOR)
    assert table["wild"]["spread"]["all"] == pytest.approx(expected.spread("wild"), rel=1e-5)
    thin = ["thin", "a.extxyz", "--most", "3", "--descriptor", "fit.toml"]
    for method in ("farthest_point", "leverage"):
        code, out, err = command(*thin, "--into", "b.extxyz", "--method", method)
        assert code == 0 and "b.extxyz: 3 of 8" in out, err
        assert len(fs.read("b.extxyz")) == 3
    (tmp_path / "empty.toml").write_text("")
    assert "has no [descriptor]" in refused("diversity", "a.extxyz", "--descriptor", "empty.toml")
    assert "one of the files that are read" in refused(*thin, "--into", "a.extxyz")
