"""Grain boundaries: coincidence, orientation, two grains that are crystals, minimum distances."""

from __future__ import annotations

import itertools

import forcesmith as fs
import numpy as np
import pytest
from ase.build import bulk
from ase.neighborlist import neighbor_list
from forcesmith.sampling.grain_boundaries import coincidence, tilt_axis
from forcesmith.sampling.structures import have_room
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sampling = fs.sampling
COPPER = bulk("Cu", "fcc", a=3.6, cubic=True)
PLANES = {"210": 5, "310": 5, "320": 13, "111": 3, "112": 3, "221": 9, "113": 11, "332": 11}


@pytest.mark.parametrize(("plane", "sigma"), PLANES.items())
def test_sigma_is_the_reciprocal_density_of_common_sites(plane, sigma):
    normal = np.array([*map(int, plane)])
    sites = np.array([*itertools.product(range(-12, 13), repeat=3)])
    sites = sites[np.linalg.norm(sites, axis=1) < 12.5]
    mirrored = sites - 2 * np.outer(sites @ normal / (normal @ normal), normal)
    common = np.abs(mirrored - mirrored.round()).max(axis=1) < 1e-9
    assert common.mean() == pytest.approx(1 / sigma, rel=0.05)
    assert coincidence(tuple(normal.tolist())) == sigma
    axis = np.array(tilt_axis(tuple(normal.tolist())))
    assert axis @ normal == 0 and sorted(np.abs(axis)) in ([0, 0, 1], [0, 1, 1])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    plane=st.sampled_from([*PLANES]),
    crystal=st.sampled_from(["fcc Cu 3.6", "bcc Fe 2.87", "rocksalt MgO 4.21"]),
    closest=st.floats(0.5, 0.8),
    opening=st.floats(0.0, 1.0),
    seed=st.integers(0, 1000),
)
def test_bounds(plane, crystal, closest, opening, seed):
    sampler = sampling.GrainBoundaries(
        structures=[crystal],
        planes=plane,
        closest=closest,
        opening=opening,
        thickness=6,
        seed=seed,
        count=1,
    )
    [atoms] = sampler.sample()
    assert have_room(atoms, closest - 1e-9)
    assert atoms.info["sigma"] == PLANES[plane]
    assert atoms.pbc.all() and atoms.cell.angles() == pytest.approx([90, 90, 90])
    assert atoms.cell.lengths()[2] >= 12
    unit = sampler.given[0].atoms
    assert set(atoms.symbols) == set(unit.symbols)
    lost = atoms.cell.volume / unit.cell.volume * len(unit) - len(atoms)
    area = atoms.cell.volume / atoms.cell.lengths()[2]
    # what overlapped, and the gaps, lie in two layers that are a few angstrom thick
    assert -1e-6 <= lost <= 2 * area * (2.5 + opening) * len(unit) / unit.cell.volume
    assert [*sampler.sample()] == [atoms]


@pytest.mark.parametrize("plane", ["210", "112"])
def test_both_grains_are_crystals(plane):
    sampler = sampling.GrainBoundaries(structures=[COPPER], planes=plane, thickness=20, count=1)
    [atoms] = sampler.sample()
    first, distances = neighbor_list("id", atoms, 2.8)
    height = atoms.positions[:, 2] / atoms.cell.lengths()[2]
    for middle in (0.25, 0.75):
        for n in np.flatnonzero(np.abs(height - middle) < 0.1):
            own = distances[first == n]
            assert len(own) == 12 and own == pytest.approx(3.6 / 2**0.5)
    broken = [n for n in range(len(atoms)) if (first == n).sum() != 12]
    assert len(broken) > 0


def test_translations_are_taken_by_chance():
    sampler = sampling.GrainBoundaries(structures=[COPPER], planes="111", count=12, closest=0.5)
    neighbors = [len(neighbor_list("d", atoms, 2.8)) / len(atoms) for atoms in sampler.sample()]
    assert np.ptp(neighbors) > 0.3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"structures": ["hcp Ti 2.95 4.68"]}, "made of cubic crystals"),
        ({"structures": [bulk("Cu", "fcc", a=3.6)]}, "made of cubic crystals"),
        ({"structures": ["fcc Cu 2.4"]}, "lower closest"),
    ],
)
def test_what_is_no_cubic_crystal(options, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        sampling.GrainBoundaries(**options).check()
    assert len(str(error.value)) <= 300


def test_planes_without_a_tilt_axis():
    table = {"type": "grain_boundaries", "structures": ["fcc Cu 3.6"], "planes": "321"}
    with pytest.raises(ValueError, match='lies in the plane "3 2 1"') as error:
        sampling.GenerateSettings.from_dict({"samplers": [table]})
    assert len(str(error.value)) <= 300 and "\n" not in str(error.value)
