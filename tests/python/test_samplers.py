"""Samplers: what they promise of every structure, whatever the settings; what they refuse."""

from __future__ import annotations

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers, covalent_radii
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list
from forcesmith.data.labels import ORIGIN_KEY
from forcesmith.sampling.registry import SAMPLERS
from forcesmith.sampling.structures import have_room, interstitial_sites
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sampling = fs.sampling
ZIRCONIA = bulk("ZrO2", "fluorite", a=5.1, cubic=True)
COPPER = bulk("Cu", "fcc", a=3.6, cubic=True)
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def made(sampler) -> list[Atoms]:
    return list(sampler.sample())


def same(a: Atoms, b: Atoms) -> bool:
    return a == b and a.info == b.info


# ---- all of them ----


def examples() -> list:
    structures = [ZIRCONIA, "fcc Cu 3.6"]
    return [
        sampling.ElasticStrains(structures=structures, displacement=0.02),
        sampling.GrainBoundaries(structures=["fcc Cu 3.6"], count=2),
        sampling.PointDefects(structures=structures),
        sampling.PolymorphDerived(structures=structures),
        sampling.QuasirandomAlloys(
            structures=structures, composition={"Cu": 0.5, "Zr": 0.5}, swaps=50, count=3
        ),
        sampling.RandomAlloys(structures=structures, elements=["Cu", "Zr"], count=3),
        sampling.RandomPacking(elements=["Zr", "O"], fraction=0.3, size=[1, 1.3], count=3),
        sampling.StackingFaults(structures=structures, opening=0.5),
        sampling.Surfaces(structures=structures),
        sampling.SwappedAlloys(structures=[ZIRCONIA], swaps=2, count=3),
        sampling.VolumeSeries(structures=structures, points=3),
    ]


def test_there_is_an_example_of_every_one():
    assert {sampler.kind for sampler in examples()} <= set(SAMPLERS)
    assert all(sampler is SAMPLERS[sampler.kind] for sampler in map(type, examples()))
    assert list(SAMPLERS) == sorted(SAMPLERS)


@pytest.mark.parametrize("sampler", examples(), ids=lambda one: one.kind)
def test_structures_say_how_they_were_made_and_are_made_again(sampler, tmp_path):
    structures = made(sampler)
    assert len(structures) >= len(sampler.draws())
    keys = set()
    for atoms in structures:
        assert atoms.info["config_type"] == sampler.kind
        origin = atoms.info[ORIGIN_KEY]
        keys.add((origin.get("structure_key"), origin["number"], origin["image"]))
        assert have_room(atoms, 0.0)
    assert len(keys) == len(structures)
    ase.io.write(tmp_path / "a.extxyz", structures)
    for atoms, before in zip(fs.read(tmp_path / "a.extxyz"), structures, strict=True):
        origin = atoms.info[ORIGIN_KEY]
        assert origin == before.info[ORIGIN_KEY]
        again = sampling.make_again(atoms, ZIRCONIA if origin.get("structure") == "" else None)
        assert same(again, before)
    assert all(map(same, made(sampler), structures))


@pytest.mark.parametrize("sampler", examples(), ids=lambda one: one.kind)
def test_other_seeds_and_names_make_others(sampler):
    if not {"count", "displacement"} & set(sampler.model_fields_set | {"count"}):
        pytest.skip("nothing is taken by chance")
    structures = made(sampler)
    for update in ({"seed": 2}, {"name": "others"}):
        others = made(sampler.model_copy(update=update))
        assert len(others) == len(structures)
        if sampler.kind not in ("surfaces", "volumes"):
            assert any(a != b for a, b in zip(structures, others, strict=True))


def test_a_structure_does_not_depend_on_the_others():
    alone = made(sampling.PolymorphDerived(structures=["fcc Cu 3.6"], count=2))
    both = made(sampling.PolymorphDerived(structures=[ZIRCONIA, "fcc Cu 3.6"], count=4))
    assert both[1] == alone[0] and both[3] == alone[1]


def test_no_structures_is_refused():
    with pytest.raises(ValueError, match="no structure to start from"):
        made(sampling.VolumeSeries())


def test_a_cluster_is_no_crystal():
    cluster = Atoms("Cu2", [[0, 0, 0], [2.5, 0, 0]])
    for sampler in examples():
        if "structures" in type(sampler).model_fields:
            with pytest.raises(ValueError, match="not periodic"):
                made(sampler.model_copy(update={"structures": [cluster]}))


def test_what_has_changed_is_not_made_again(tmp_path):
    path = tmp_path / "crystal.extxyz"
    ase.io.write(path, COPPER)
    [atoms] = made(sampling.PolymorphDerived(structures=[str(path)], count=1))
    assert sampling.make_again(atoms).positions == pytest.approx(atoms.positions)
    ase.io.write(path, ZIRCONIA)
    with pytest.raises(ValueError, match="has changed since"):
        sampling.make_again(atoms)
    with pytest.raises(ValueError, match="does not tell how it was made"):
        sampling.make_again(COPPER)


# ---- polymorph-derived structures ----


@few
@given(
    cutoff=st.floats(3.0, 9.0),
    deletion=st.floats(0.0, 0.3),
    substitution=st.floats(0.0, 1.0),
    strain=st.floats(0.0, 0.15),
    volume_change=st.floats(0.03, 0.2),
    shrink_bias=st.floats(0.0, 1.0),
    displacement=st.floats(0.0, 0.2),
    seed=st.integers(0, 1000),
)
def test_bounds_of_polymorph_derived_structures(**options):
    sampler = sampling.PolymorphDerived(structures=[ZIRCONIA], count=1, most_atoms=60, **options)
    [atoms] = made(sampler)
    strain, bias = options["strain"], options["shrink_bias"]
    assert 0 < len(atoms) <= 60
    assert set(atoms.symbols) <= {"Zr", "O"}
    assert have_room(atoms, sampler.closest)
    cells = atoms.cell.volume / ZIRCONIA.cell.volume
    nearest = min(range(1, 6), key=lambda n: abs(cells - n))
    low = (1 - options["volume_change"]) * (1 - strain * bias) ** 3
    high = (1 + options["volume_change"]) * (1 + strain * (1 - bias)) ** 3
    assert any(low - 1e-9 <= cells / n <= high + 1e-9 for n in range(1, 6)), (cells, nearest)
    if not options["deletion"]:
        assert len(atoms) % len(ZIRCONIA) == 0
        if not options["substitution"]:
            assert 2 * sum(atoms.symbols == "Zr") == sum(atoms.symbols == "O")


def test_supercells_are_as_large_as_the_cutoff_asks_for():
    undistorted = {"deletion": 0, "substitution": 0, "strain": 0, "displacement": 0}
    sampler = sampling.PolymorphDerived(structures=[COPPER], count=60, cutoff=7.3, **undistorted)
    lengths = np.array([atoms.cell.lengths() for atoms in made(sampler)])
    assert set((lengths / 3.6).round(6).ravel()) == {1.0, 2.0, 3.0}
    assert (lengths.prod(axis=1) / 3.6**3 * 4 <= 200.001).all()


def test_parts_of_deletions_and_substitutions():
    sampler = sampling.PolymorphDerived(
        structures=[COPPER * 3], count=20, cutoff=1, deletion=0.2, substitution=0.3, elements=["Ag"]
    )
    structures = made(sampler)
    n_atoms = sum(map(len, structures))
    assert n_atoms / (20 * 108) == pytest.approx(0.8, abs=0.05)
    assert sum((a.symbols == "Ag").sum() for a in structures) / n_atoms == pytest.approx(
        0.3, abs=0.05
    )


def test_impossible_polymorph_derived_structures():
    with pytest.raises(ValueError, match="108 atoms, more than most_atoms = 50"):
        made(sampling.PolymorphDerived(structures=[COPPER * 3], most_atoms=50))
    with pytest.raises(ValueError, match="kept the volume within 1e-09"):
        made(sampling.PolymorphDerived(structures=[COPPER], volume_change=1e-9))
    with pytest.raises(ValueError, match="lower displacement, strain or closest"):
        made(sampling.PolymorphDerived(structures=[COPPER], closest=0.99, cutoff=9))


# ---- packings ----


def radii(atoms: Atoms) -> np.ndarray:
    return np.array([covalent_radii[atomic_numbers[name]] for name in atoms.symbols])


@few
@given(
    fraction=st.floats(0.01, 0.6),
    hard_core=st.floats(0.5, 0.9),
    oxygen=st.floats(0.0, 1.0),
    shape=st.sampled_from(["cell", "cluster"]),
    seed=st.integers(0, 1000),
)
def test_packings(fraction, hard_core, oxygen, shape, seed):
    sampler = sampling.RandomPacking(
        elements=["Zr", "O"],
        composition={"O": oxygen},
        fraction=fraction,
        hard_core=hard_core,
        size=[1.0, 1.2],
        shape=shape,
        count=1,
        seed=seed,
    )
    [atoms] = made(sampler)
    spheres = (4 / 3 * np.pi * radii(atoms) ** 3).sum()
    if shape == "cell":
        assert atoms.pbc.all()
        assert spheres / atoms.cell.volume == pytest.approx(fraction)
    else:
        assert not atoms.pbc.any()
        ball = (3 * spheres / (4 * np.pi * fraction)) ** (1 / 3)
        assert np.linalg.norm(atoms.positions, axis=1).max() <= ball * (1 + 1e-9)
    assert abs((atoms.symbols == "O").sum() - oxygen * len(atoms)) < 1
    first, second, distances = neighbor_list("ijd", atoms, 4.0)
    assert (distances >= hard_core * (radii(atoms)[first] + radii(atoms)[second]) - 1e-9).all()


def test_compositions_keep_their_ranges():
    sampler = sampling.RandomPacking(
        elements=["Zr", "O"], composition={"O": [0.2, 0.5]}, fraction=0.3, count=10
    )
    parts = [(atoms.symbols == "O").mean() for atoms in made(sampler)]
    assert max(parts) - min(parts) > 0.1
    assert all(0.2 - 0.5 / 10 <= part <= 0.5 + 0.5 / 10 for part in parts)


def test_sizes_are_those_of_the_sphere_of_influence():
    sampler = sampling.RandomPacking(
        elements=["Cu"], fraction=[0.2, 0.4], cutoff=5, size=[1, 2], count=10
    )
    lengths = np.array([atoms.cell.lengths() for atoms in made(sampler)])
    assert lengths.min() > 0.95 * 5 and lengths.max() < 1.05 * 10
    assert np.ptp(lengths) > 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fraction": 1.2}, "random packings reach 0.64; the fraction can be at most 1.04"),
        ({"fraction": 0.7, "hard_core": 1.0}, "hard cores of 1 radii fill 0.70 of the volume"),
        ({"fraction": 0}, "must be above 0"),
        ({"composition": {"O": [0.2, 0.5], "Zr": 0.1}}, "no composition"),
        ({"size": [4, 5], "fraction": 0.5}, "more than most_atoms = 200"),
    ],
)
def test_impossible_packings(options, sentence):
    sampler = sampling.RandomPacking(elements=["Zr", "O"], **options)
    with pytest.raises(ValueError, match=sentence) as error:
        sampler.check()
    assert len(str(error.value)) <= 300


def test_a_fraction_that_is_not_reached_is_told():
    """Two spheres that fit by volume, but not into that cell."""
    sampler = sampling.RandomPacking(
        elements=["Cu"], radii={"Cu": 3.0}, fraction=0.64, hard_core=1.0, cutoff=6, size=1, count=1
    )
    with pytest.raises(ValueError, match="no packing came about"):
        made(sampler)


# ---- crystals ----


def test_volumes():
    structures = made(sampling.VolumeSeries(structures=[COPPER], volumes=[0.9, 1.2], points=4))
    volumes = [atoms.cell.volume / COPPER.cell.volume for atoms in structures]
    assert volumes == pytest.approx([0.9, 1.0, 1.1, 1.2])
    assert structures[0].get_scaled_positions() == pytest.approx(COPPER.get_scaled_positions())


def test_strains():
    structures = made(sampling.ElasticStrains(structures=[COPPER], amplitudes=0.02))
    assert len(structures) == 12
    found = [np.linalg.solve(COPPER.cell.array, a.cell.array) - np.eye(3) for a in structures]
    assert all(strain == pytest.approx(strain.T) for strain in found)
    assert np.sum(found, axis=0) == pytest.approx(np.zeros((3, 3)))
    assert {round(float(np.abs(strain).max()), 9) for strain in found} == {0.02}


def test_surfaces_have_a_vacuum():
    structures = made(sampling.Surfaces(structures=[COPPER], surfaces=["100", "111"], width=5))
    assert len(structures) == 2
    for atoms in structures:
        assert atoms.cell.lengths()[2] - np.ptp(atoms.positions[:, 2]) >= 16 - 1e-6
        assert (1 / np.linalg.norm(atoms.cell.reciprocal().array, axis=1) > 5 - 1e-6).all()


@pytest.mark.parametrize("plane", ["100", "110", "111"])
def test_atoms_of_a_plane_stay_together(plane):
    """Also where rounding errors put some of them below the face of the cell."""
    [atoms] = made(sampling.Surfaces(structures=[ZIRCONIA], surfaces=plane))
    nearest = neighbor_list("d", ZIRCONIA, 3.0).min()
    assert neighbor_list("d", atoms, 3.0).min() == pytest.approx(nearest)
    assert len(np.unique(atoms.positions[:, 2].round(3))) == {"100": 8, "110": 6, "111": 12}[plane]


def test_stacking_faults_leave_the_halves_as_they_are():
    structures = made(sampling.StackingFaults(structures=[COPPER], planes=["111"], count=20))
    perfect = 0
    for atoms in structures:
        assert atoms.cell.volume / len(atoms) == pytest.approx(3.6**3 / 4)
        distances = neighbor_list("d", atoms, 2.6)
        of_crystal = np.isclose(distances, 3.6 / 2**0.5)
        assert 0.6 * len(atoms) * 12 < of_crystal.sum() <= 12 * len(atoms)
        perfect += of_crystal.sum() == 12 * len(atoms)
    assert perfect < 3
    opened = made(sampling.StackingFaults(structures=[COPPER], opening=2.0, count=20))
    extra = [atoms.cell.volume / len(atoms) / (3.6**3 / 4) for atoms in opened]
    assert 1 <= min(extra) < 1.05 < max(extra)
    with pytest.raises(ValueError, match="lower closest, or raise opening"):
        made(sampling.StackingFaults(structures=[COPPER], closest=0.99, count=1))


@pytest.mark.parametrize(
    ("crystal", "tetrahedral", "octahedral"),
    [
        (bulk("Cu", "fcc", a=3.6, cubic=True), 8, 4),
        (bulk("Fe", "bcc", a=2.87, cubic=True), 12, 6),
        (bulk("Fe", "bcc", a=2.87), 6, 3),
        (bulk("Ti", "hcp", a=2.95, c=4.68), 4, 2),
        (bulk("Si", "diamond", a=5.43, cubic=True), 8, 0),
        (bulk("MgO", "rocksalt", a=4.21, cubic=True), 8, 0),
        (ZIRCONIA, 0, 4),
    ],
    ids=lambda one: one.get_chemical_formula() if isinstance(one, Atoms) else "",
)
def test_interstitial_sites(crystal, tetrahedral, octahedral):
    sites = interstitial_sites(crystal)
    assert {name: len(found) for name, found in sites.items()} == {
        "tetrahedral": tetrahedral,
        "octahedral": octahedral,
    }


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("vacancy", -2),
        ("divacancy", -4),
        ("interstitial", 2),
        ("tetrahedral", 2),
        ("octahedral", 2),
        ("dumbbell", 2),
    ],
)
def test_numbers_of_atoms_of_defects(kind, more):
    sampler = sampling.PointDefects(structures=[COPPER], kinds=kind, defects=2, count=5)
    perfect = COPPER * 3
    for atoms in made(sampler):
        assert len(atoms) == len(perfect) + more
        assert atoms.info["defect"] == kind
        distances = get_distances(atoms.positions, perfect.positions, perfect.cell, True)[1]
        moved = (distances.min(axis=1) > 0.01).sum()
        assert moved == {"dumbbell": 4}.get(kind, max(more, 0))


def test_a_divacancy_is_one_of_neighbors():
    sampler = sampling.PointDefects(structures=[COPPER], kinds="divacancy", count=5)
    perfect = COPPER * 3
    for atoms in made(sampler):
        distances = get_distances(perfect.positions, atoms.positions, perfect.cell, True)[1]
        [a, b] = np.flatnonzero(distances.min(axis=1) > 0.01)
        assert perfect.get_distance(a, b, mic=True) == pytest.approx(3.6 / 2**0.5)


def test_antisites():
    sampler = sampling.PointDefects(structures=[ZIRCONIA], kinds="antisite", count=5)
    for atoms in made(sampler):
        assert (atoms.numbers != (ZIRCONIA * 2).numbers).sum() == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"defects": 4, "kinds": "vacancy"}, "delete 4 atoms, but the supercell has 4"),
        ({"defects": 2, "kinds": ["vacancy", "divacancy"]}, "delete 4 atoms"),
        ({"kinds": "antisite"}, "one element has no antisites"),
        ({"kinds": "octahedral", "defects": 5}, "4 octahedral sites for 5 atoms"),
    ],
)
def test_impossible_defects(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        sampling.PointDefects(structures=[COPPER], width=0, **options).check()
