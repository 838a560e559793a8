"""Of every sampler, whatever its options: composition, bounds, minimum distances, the same again by
the seed. Those of polymorph-derived structures, packings, quasirandom and swapped alloys and grain
boundaries are beside their other tests."""

from __future__ import annotations

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from forcesmith.sampling.structures import have_room
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sampling = fs.sampling
CRYSTALS = {
    "Cu": bulk("Cu", "fcc", a=3.6, cubic=True),
    "Ti": bulk("Ti", "hcp", a=2.95, c=4.68),
    "NaCl": bulk("NaCl", "rocksalt", a=5.64, cubic=True),
}
OVERLAP = 0.5  # angstrom; no structure has atoms that are closer
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
common = {
    "name": st.sampled_from(list(CRYSTALS)),
    "width": st.sampled_from([0.0, 7.0]),
    "displacement": st.floats(0.0, 0.05),
    "seed": st.integers(0, 1000),
}


def made(sampler) -> list[Atoms]:
    """Twice the same."""
    structures, again = list(sampler.sample()), list(sampler.sample())
    assert structures == again
    return structures


def check(atoms: Atoms, width: float, directions: int = 3) -> None:
    """Distances, and the width of the cell."""
    assert len(neighbor_list("i", atoms, OVERLAP)) == 0
    heights = 1 / np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
    assert (heights[:directions] > 0.8 * width).all()  # strains and volumes change it


def is_formula_of(atoms: Atoms, crystal: Atoms) -> bool:
    counts = [[(one.symbols == e).sum() for e in set(crystal.symbols)] for one in (atoms, crystal)]
    times = len(atoms) / len(crystal)
    return counts[0] == [times * n for n in counts[1]]


@few
@given(volumes=st.tuples(st.floats(0.7, 1.0), st.floats(1.0, 1.4)), **common)
def test_volumes(name, width, volumes, **options):
    crystal = CRYSTALS[name]
    sampler = sampling.VolumeSeries(
        structures=[crystal], width=width, volumes=volumes, points=3, **options
    )
    structures = made(sampler)
    assert len(structures) == 3
    for atoms in structures:
        check(atoms, width)
        assert is_formula_of(atoms, crystal)
        per_atom = atoms.cell.volume / len(atoms) / (crystal.cell.volume / len(crystal))
        assert volumes[0] - 1e-9 <= per_atom <= volumes[1] + 1e-9


@few
@given(amplitude=st.floats(0.001, 0.1), **common)
def test_strains(name, width, amplitude, **options):
    crystal = CRYSTALS[name]
    sampler = sampling.ElasticStrains(
        structures=[crystal], width=width, amplitudes=amplitude, **options
    )
    for atoms in made(sampler):
        check(atoms, width)
        assert is_formula_of(atoms, crystal)
        times = np.round(atoms.cell.lengths() / crystal.cell.lengths())[:, np.newaxis]
        strain = np.linalg.solve(times * crystal.cell.array, atoms.cell.array) - np.eye(3)
        assert np.abs(strain).max() == pytest.approx(amplitude)


@few
@given(surface=st.sampled_from(["100", "110", "111"]), **common)
def test_surfaces(name, width, surface, **options):
    crystal = CRYSTALS[name]
    sampler = sampling.Surfaces(structures=[crystal], surfaces=surface, width=width, **options)
    [atoms] = made(sampler)
    check(atoms, width, directions=2)
    assert is_formula_of(atoms, crystal)
    room = atoms.cell.volume / np.linalg.norm(np.cross(*atoms.cell.array[:2]))
    normal = np.cross(*atoms.cell.array[:2])
    assert room - np.ptp(atoms.positions @ normal / np.linalg.norm(normal)) > 16 - 0.6


@few
@given(opening=st.floats(0.0, 2.0), **common)
def test_stacking_faults(name, width, opening, **options):
    crystal = CRYSTALS[name]
    sampler = sampling.StackingFaults(
        structures=[crystal], planes=["111", "100"], opening=opening, count=2, **options
    )
    for atoms in made(sampler):
        check(atoms, 0.0)
        assert is_formula_of(atoms, crystal)
        area = np.linalg.norm(np.cross(*atoms.cell.array[:2]))
        if not options["displacement"]:
            assert have_room(atoms, 0.5)
        extra = atoms.cell.volume - len(atoms) / len(crystal) * crystal.cell.volume
        assert -1e-9 <= extra / area <= opening + 1e-9
        assert atoms.cell.volume / area >= 10


@few
@given(
    kind=st.sampled_from(
        ["vacancy", "divacancy", "interstitial", "tetrahedral", "dumbbell", "antisite"]
    ),
    defects=st.integers(1, 2),
    **common,
)
def test_point_defects(name, width, kind, defects, **options):
    crystal = CRYSTALS["NaCl" if kind == "antisite" else name]
    sampler = sampling.PointDefects(
        structures=[crystal], width=7.0, kinds=kind, defects=defects, count=2, **options
    )
    more = {"vacancy": -1, "divacancy": -2, "antisite": 0}.get(kind, 1)
    for atoms in made(sampler):
        check(atoms, 7.0)
        assert set(atoms.symbols) <= set(crystal.symbols)
        assert (len(atoms) - more * defects) % len(crystal) == 0
        assert atoms.info["defect"] == kind


@few
@given(elements=st.sampled_from([["Cu", "Au"], ["Cu", "Au", "Ag"]]), **common)
def test_random_alloys(name, width, elements, **options):
    crystal = CRYSTALS[name]
    sublattice = "Na" if name == "NaCl" else ""
    sampler = sampling.RandomAlloys(
        structures=[crystal],
        width=width,
        elements=elements,
        sublattice=sublattice,
        count=2,
        **options,
    )
    for atoms in made(sampler):
        check(atoms, width)
        assert len(atoms) % len(crystal) == 0
        others = {"Cl"} if sublattice else set()
        assert set(atoms.symbols) <= {*elements, *others}
        if sublattice:
            assert 2 * (atoms.symbols == "Cl").sum() == len(atoms)


RUNS = {
    "molecular_dynamics": lambda **more: sampling.MolecularDynamics(temperature=3000, **more),
    "contour_exploration": lambda **more: sampling.ContourExploration(energy=0.5, **more),
    "dimer_search": lambda **more: sampling.DimerSearch(**more),
}


@pytest.fixture(scope="module")
def potential(tmp_path_factory, small_potential):
    path = tmp_path_factory.mktemp("potential") / "cu.json"
    small_potential.write(path)
    return str(path)


@few
@given(
    kind=st.sampled_from(list(RUNS)),
    steps=st.integers(1, 10),
    every=st.integers(1, 4),
    closest=st.floats(0.3, 0.9),
    seed=st.integers(0, 1000),
)
def test_evolution(potential, kind, steps, every, closest, seed):
    start = bulk("Cu", "fcc", a=3.5, cubic=True)
    del start[0]
    sampler = RUNS[kind](
        structures=[start],
        potential=potential,
        count=1,
        steps=steps,
        every=every,
        closest=closest,
        seed=seed,
    )
    images = made(sampler)
    numbers = [atoms.info["step"] for atoms in images]
    assert numbers == list(range(0, every * len(images), every))
    assert len(images) <= steps // every + 1
    if images[-1].info["ended"].endswith("finished") and kind != "dimer_search":
        assert len(images) == steps // every + 1
    for atoms in images:
        assert (
            atoms.symbols.get_chemical_formula() == "Cu3"
            and (atoms.cell.array == start.cell.array).all()
        )
        assert atoms is images[0] or have_room(atoms, closest)
