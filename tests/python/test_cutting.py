"""Fragments of large configurations: what they keep, how they are completed, which there are."""

from __future__ import annotations

import re

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from contract_examples import make_potential
from forcesmith.extrapolation.fragment_cells import Fragment
from forcesmith.extrapolation.fragment_relaxation import keep_apart, thin_out

A = 3.6  # angstrom, Cu
MOMENTS = [{"type": "moment_tensor", "level": 4, "cutoff": 4.4, "min_distance": 1.6}]


@pytest.fixture(scope="module")
def potential(crystals) -> fs.Potential:
    from sample_data import small_settings

    return fs.fit(crystals, settings=small_settings()).potential


@pytest.fixture(scope="module")
def oxide() -> fs.Potential:
    """Of MgO, with an active set of rattled crystals; not fitted, but told their distances."""
    found = make_potential(MOMENTS, {"type": "linear", "shared": False})
    distances = {("Mg", "Mg"): 2.6, ("Mg", "O"): 1.75, ("O", "O"): 2.6}
    found._core.short_range = {
        "pairs": [{"elements": list(pair), "distance": d} for pair, d in distances.items()]
    }
    data = []
    for seed in range(20):
        atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
        atoms.rattle(0.07, seed=seed)
        data.append(atoms)
    fs.find_active_set(found, data)
    return found


def copper(*repeat: int, pbc=True, amplitude: float = 0.05, seed: int = 1) -> Atoms:
    atoms = bulk("Cu", a=A, cubic=True) * repeat
    atoms.pbc = pbc
    atoms.rattle(amplitude, seed=seed)
    return atoms


def displaced(atoms: Atoms, number: int) -> Atoms:
    atoms.positions[number] += [0.5, 0.3, 0.1]
    return atoms


def vacancy() -> Atoms:
    atoms = copper(10, 10, 10)
    del atoms[777]
    return atoms


def interstitial() -> Atoms:
    atoms = copper(10, 10, 10)
    atoms.append("Cu")
    atoms.positions[-1] = atoms.positions[1234] + [A / 2, 0, 0]
    return atoms


def primitive() -> Atoms:
    atoms = bulk("Cu", a=A) * (12, 12, 12)
    atoms.rattle(0.05, seed=1)
    return displaced(atoms, 1001)


def slab_in_vacuum(pbc) -> Atoms:
    """Around the lower face of the cell."""
    atoms = copper(8, 8, 4)
    atoms.center(vacuum=10.0, axis=2)
    atoms.positions[:, 2] -= atoms.positions[:, 2].mean()
    atoms.pbc = pbc
    if atoms.pbc[2]:
        atoms.wrap()
    return atoms


CASES = {
    "displaced": lambda: displaced(copper(10, 10, 10), 1234),
    "vacancy": vacancy,
    "interstitial": interstitial,
    "primitive cell": primitive,
    "hot": lambda: copper(9, 9, 9, amplitude=0.2),
    "liquid": lambda: copper(8, 8, 8, amplitude=0.6),
    "slab": lambda: displaced(slab_in_vacuum((True, True, False)), 300),
    "slab, periodic": lambda: displaced(slab_in_vacuum(True), 300),
    "wire": lambda: copper(4, 4, 12, pbc=(False, False, True)),
    "molecule": lambda: copper(3, 3, 3, pbc=False),
    "thin": lambda: displaced(copper(8, 8, 2), 100),
}
LIMITS = {"vacancy": 1.3}  # grades; 2 for all others


def cut(name: str, potential: fs.Potential, **options) -> tuple[Atoms, list[Atoms]]:
    atoms = CASES[name]()
    options = {"grade_above": LIMITS.get(name, 2.0), "most": 2, **options}
    return atoms, fs.cut_fragments(atoms, potential, **options)


def neighborhood(atoms: Atoms, center: int, cutoff: float) -> np.ndarray:
    """Atomic numbers and places of the neighbors, in an order of their own."""
    i, j, places = neighbor_list("ijD", atoms, cutoff)
    own = i == center
    rows = np.column_stack([atoms.numbers[j[own]], places[own]])
    return rows[np.lexsort(rows.round(5).T)]


def core_of(fragment: Atoms) -> np.ndarray:
    core = np.zeros(len(fragment), dtype=bool)
    core[fragment.constraints[0].index] = True
    return core


def assert_apart(fragment: Atoms, potential: fs.Potential) -> None:
    """No pair is closer than in the training data, but for those of the core, which stay."""
    core = core_of(fragment)
    for pair in potential._core.short_range["pairs"]:
        i, j, lengths = neighbor_list("ijd", fragment, {tuple(pair["elements"]): 4.0})
        assert len(lengths)
        own = ~(core[i] & core[j])
        assert lengths[own].min(initial=np.inf) > pair["distance"] * (1 - 1e-6)


def assert_sound(snapshot: Atoms, fragment: Atoms, potential: fs.Potential) -> None:
    info = fragment.info
    center = info["center_atom"]
    assert info["center"] == 0 and fragment.symbols[0] == snapshot.symbols[center]
    expected = neighborhood(snapshot, center, potential.cutoff)
    found = neighborhood(fragment, 0, potential.cutoff)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert core_of(fragment).sum() <= 1 + len(expected)  # images of thin directions are one atom
    assert core_of(fragment)[0]
    grades = potential.evaluate(fragment, grade=True).grades
    before = potential.evaluate(snapshot, grade=True).grades[center]
    np.testing.assert_allclose(grades[0], before, rtol=1e-7)
    np.testing.assert_allclose(fragment.arrays["grade"], grades, rtol=1e-9)
    np.testing.assert_allclose(
        [info["center_grade"], info["center_grade_in_fragment"]], before, rtol=1e-7
    )
    outside = grades[~core_of(fragment)].max(initial=0.0)
    np.testing.assert_allclose(info["outside_grade"], outside, rtol=1e-9)
    assert outside <= info["outside_grade_before_relaxation"] * (1 + 1e-12)
    assert_apart(fragment, potential)
    assert fragment.calc is None
    assert fragment.cell.volume > 0


# ---- what a fragment keeps ----


@pytest.mark.parametrize("kind", ["periodic", "semiperiodic", "cluster"])
@pytest.mark.parametrize("name", CASES)
def test_the_center_sees_what_it_saw(potential, name, kind):
    atoms, fragments = cut(name, potential, kind=kind, steps=20)
    assert fragments
    for fragment in fragments:
        assert len(fragment) < len(atoms)
        assert_sound(atoms, fragment, potential)
    [worst, *_] = fragments
    grades = potential.evaluate(atoms, grade=True).grades
    assert worst.info["center_atom"] == np.argmax(grades)


def test_neighbors_that_are_images_of_atoms_far_away(potential):
    """In slanted cells with directions that are as thin as in the snapshot."""
    for seed in range(3):
        atoms = bulk("Cu", "hcp", a=2.55) * (2, 9, 2)
        shear = np.eye(3)
        shear[0, 1] = -0.6
        atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
        atoms.rattle(0.1, seed=seed)
        for fragment in fs.cut_fragments(atoms, potential, most=1, steps=0):
            assert_sound(atoms, fragment, potential)


@pytest.mark.parametrize(
    ("name", "kind", "pbc"),
    [
        ("displaced", "periodic", (True, True, True)),
        ("displaced", "semiperiodic", (False, False, False)),
        ("displaced", "cluster", (False, False, False)),
        ("slab", "periodic", (True, True, False)),
        ("slab, periodic", "periodic", (True, True, False)),
        ("wire", "periodic", (False, False, True)),
        ("wire", "cluster", (False, False, False)),
        ("molecule", "periodic", (False, False, False)),
        ("thin", "periodic", (True, True, True)),
        ("thin", "semiperiodic", (False, False, True)),
    ],
)
def test_periodic_directions(potential, name, kind, pbc):
    atoms, [fragment, *_] = cut(name, potential, kind=kind, steps=0)
    np.testing.assert_array_equal(fragment.pbc, pbc)
    kinds = {0: "cluster", 3: "periodic"}
    assert fragment.info["kind"] == kinds.get(sum(pbc), "semiperiodic")
    if name == "thin" and kind != "cluster":  # along a dislocation line
        np.testing.assert_allclose(fragment.cell.array[2], atoms.cell.array[2], atol=1e-12)


@pytest.mark.parametrize("name", ["displaced", "vacancy", "interstitial", "hot", "primitive cell"])
def test_crystals_become_smaller_crystals(potential, name):
    """Whole lattice periods, without atoms too many or too few at the faces."""
    atoms, [fragment, *_] = cut(name, potential, steps=0)
    primitive_cell = bulk("Cu", a=A)
    periods = np.linalg.solve(primitive_cell.cell.array.T, fragment.cell.array.T)
    np.testing.assert_allclose(periods, np.rint(periods), atol=1e-9)
    n_sites = round(abs(np.linalg.det(periods)))
    defect = {"vacancy": -1, "interstitial": 1}.get(name, 0)
    assert len(fragment) == n_sites + defect
    heights = 1 / np.linalg.norm(np.linalg.inv(fragment.cell.array), axis=0)
    assert (heights >= 2 * potential.cutoff).all() and (heights < 2 * potential.cutoff + A).all()
    if name != "hot":
        assert fragment.info["outside_grade"] < 2


def test_thermal_noise_at_the_faces_does_not_matter(potential):
    """Each time they pass elsewhere through planes of atoms."""
    for number in range(5):
        atoms = displaced(copper(9, 9, 9, amplitude=0.1, seed=number), 200 + 13 * number)
        [fragment] = fs.cut_fragments(atoms, potential, steps=0, most=1)
        assert len(fragment) == 108
        assert fragment.info["removed"] == "none"


def test_crystals_along_no_axis_of_the_cell_are_put_into_boxes(potential):
    atoms = copper(12, 12, 12, amplitude=0.05)
    atoms.rotate(27, (1, 2, 3))
    lengths = atoms.cell.lengths() * 0.6
    cell = Atoms(cell=np.diag(lengths), pbc=True)
    inside = ((atoms.positions > 0) & (atoms.positions < lengths - 2.0)).all(axis=1)
    cell += atoms[inside]
    [fragment] = fs.cut_fragments(cell, potential, most=1)
    assert_sound(cell, fragment, potential)
    assert (fragment.cell.lengths() < 17).all()


# ---- two elements ----


def magnesia(amplitude: float, n: int = 7) -> Atoms:
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True) * (n, n, n)
    atoms.rattle(amplitude, seed=3)
    return atoms


@pytest.mark.parametrize("amplitude", [0.05, 0.12, 0.5])
def test_two_elements(oxide, amplitude):
    atoms = magnesia(amplitude)
    atoms.positions[1001] += [0.6, 0.4, 0.2]
    [fragment] = fs.cut_fragments(atoms, oxide, most=1, steps=10)
    assert_sound(atoms, fragment, oxide)
    counts = fragment.symbols.formula.count()
    assert abs(counts["Mg"] - counts["O"]) <= (0 if amplitude < 0.2 else 2)
    share = counts["Mg"] / len(fragment)
    np.testing.assert_allclose(fragment.info["composition_change"], abs(share - 0.5), atol=1e-12)


def test_alloys_without_order_are_crystals(oxide):
    atoms = magnesia(0.03)
    numbers = atoms.numbers.copy()
    np.random.default_rng(0).shuffle(numbers)
    atoms.numbers = numbers
    [fragment] = fs.cut_fragments(atoms, oxide, most=1, steps=0)
    periods = fragment.cell.lengths() / 2.1
    np.testing.assert_allclose(periods, np.rint(periods), atol=1e-9)
    assert len(fragment) == round(np.prod(periods))
    assert_sound(atoms, fragment, oxide)


def test_a_potential_without_distances_keeps_those_around(oxide):
    other = fs.Potential.from_json(oxide.to_json())
    other._core.short_range = None
    fs.find_active_set(other, [magnesia(0.07, 2), magnesia(0.06, 2)])
    atoms = magnesia(0.1)
    [fragment] = fs.cut_fragments(atoms, other, most=1, steps=10)
    core = core_of(fragment)
    for pair in (("Mg", "O"), ("Mg", "Mg"), ("O", "O")):
        i, j, lengths = neighbor_list("ijd", fragment, {pair: 4.0})
        least = neighbor_list("d", atoms, {pair: 4.0}).min()
        assert lengths[~(core[i] & core[j])].min() > least * (1 - 1e-6)


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_both_kinds_of_active_sets(oxide, parameters):
    other = fs.Potential.from_json(oxide.to_json())
    fs.find_active_set(other, [magnesia(0.07, 2), magnesia(0.06, 2)], parameters)
    atoms = magnesia(0.1)
    fragments = fs.cut_fragments(atoms, other, most=2, steps=0)
    for fragment in fragments:
        assert_sound(atoms, fragment, other)


# ---- which fragments there are ----


def with_vacancies(*numbers: int, seed: int = 1) -> Atoms:
    atoms = copper(10, 10, 10, amplitude=0.02, seed=seed)
    del atoms[list(numbers)]
    return atoms


def test_what_a_fragment_teaches_is_not_cut_again(potential):
    """The 12 neighbors of a vacancy, another vacancy, and one in another snapshot."""
    first, second = with_vacancies(100, 3000), with_vacancies(2000, seed=2)
    grades = np.sort(potential.evaluate(first, grade=True).grades)[::-1]
    limit = 0.5 * (grades[23] + grades[24])
    assert limit > 1.05
    assert len(fs.cut_fragments(first, potential, grade_above=limit, steps=0)) == 1
    assert len(fs.cut_fragments([first, second], potential, grade_above=limit, steps=0)) == 1


def test_different_defects_have_fragments_each(oxide):
    atoms = magnesia(0.03)
    magnesium, oxygen = (np.flatnonzero(atoms.symbols == symbol) for symbol in ("Mg", "O"))
    atoms.positions[magnesium[100]] += [0.9, 0.3, 0.0]
    atoms.positions[oxygen[900]] += [0.2, 0.4, 0.9]
    fragments = fs.cut_fragments(atoms, oxide, grade_above=3, steps=0)
    assert len(fragments) > 1
    for defect in (magnesium[100], oxygen[900]):
        centers = [fragment.info["center_atom"] for fragment in fragments]
        assert atoms.get_distances(defect, centers, mic=True).min() < 4
    grades = [fragment.info["center_grade"] for fragment in fragments]
    assert grades[0] == max(grades)
    [worst] = fs.cut_fragments(atoms, oxide, grade_above=3, steps=0, most=1)
    assert worst == fragments[0]


def test_fragments_teach_what_they_are_cut_for(potential):
    """With them in the active set, nothing is above the limit."""
    atoms = copper(9, 9, 9, amplitude=0.15)
    fragments = fs.cut_fragments(atoms, potential, grade_above=2, steps=0)
    taught = fs.Potential.from_json(potential.to_json())
    taught._core.set_active_set(**potential._core.active_set)
    assert taught.evaluate(atoms, grade=True).configuration_grade > 2
    fs.find_active_set(taught, fragments, add=True)
    assert taught.evaluate(atoms, grade=True).configuration_grade < 2.2


# ---- atoms beyond the core ----


def test_relaxation_lowers_grades(potential):
    atoms, [before, *_] = cut("liquid", potential, steps=0, most=1)
    _, [after, *_] = cut("liquid", potential, steps=60, most=1)
    info = after.info
    assert before.info["outside_grade"] == info["outside_grade_before_relaxation"]
    assert info["outside_grade"] < 0.9 * info["outside_grade_before_relaxation"]
    core = core_of(after)
    np.testing.assert_array_equal(after.positions[core], before.positions[core])
    assert np.abs(after.positions[~core] - before.positions[~core]).max() > 0.01


def crowded(n_atoms: int) -> Fragment:
    rng = np.random.default_rng(0)
    atoms = Atoms(n_atoms * ["Cu"], rng.random((n_atoms, 3)) * 6, cell=3 * [6.0], pbc=True)
    core = np.arange(n_atoms) == 0
    return Fragment(atoms, np.arange(n_atoms), core)


def all_distances(fragment: Fragment) -> np.ndarray:
    return neighbor_list("d", fragment.atoms, 5.9)


def test_atoms_are_pushed_apart():
    closest = np.full((119, 119), 2.2)
    before = crowded(8)
    after = keep_apart(before, closest, 2.5)
    assert all_distances(before).min() < 1.5
    assert all_distances(after).min() > 2.2 * (1 - 1e-6)
    assert after.atoms.get_distances(0, range(1, 8), mic=True).min() > 2.5 * (1 - 1e-6)
    np.testing.assert_array_equal(after.atoms.positions[0], before.atoms.positions[0])


def test_atoms_that_have_no_room_are_removed():
    closest = np.full((119, 119), 2.2)
    before = crowded(40)
    assert keep_apart(before, closest, 2.5) is None
    after = thin_out(before, closest, 2.5)
    assert 10 < len(after.atoms) < 30
    assert after.core.sum() == 1 and after.core[0] and after.origins[0] == 0
    assert all_distances(after).min() > 2.2 * (1 - 1e-6)


# ---- snapshots with grades ----


def graded(potential: fs.Potential) -> Atoms:
    atoms = displaced(copper(6, 6, 6), 300)
    atoms.set_array("grade", potential.evaluate(atoms, grade=True).grades)
    return atoms


def test_grades_of_the_snapshot_are_used(potential):
    atoms = graded(potential)
    grades = atoms.arrays["grade"]
    second = np.argsort(grades)[-2]
    grades[np.arange(len(atoms)) != second] = 0.0
    [found] = fs.cut_fragments(atoms, potential, grade_above=1.2, steps=0)
    assert found.info["center_atom"] == second
    [found] = fs.cut_fragments(
        atoms, potential, grade_above=1.2, steps=0, most=1, compute_grades=True
    )
    assert found.info["center_atom"] != second


def test_what_a_fragment_tells_of_its_origin(potential):
    atoms = graded(potential)
    atoms.info["step"] = 1200
    atoms.set_array("id", np.arange(len(atoms))[::-1] + 5)
    [fragment, *_] = fs.cut_fragments(atoms, potential, steps=0)
    info = fragment.info
    assert info["step"] == 1200
    assert info["center_id"] == atoms.arrays["id"][info["center_atom"]]
    assert fragment.arrays["id"][0] == info["center_id"]
    rows = [list(atoms.arrays["id"]).index(i) for i in fragment.arrays["id"]]
    np.testing.assert_array_equal(atoms.numbers[rows], fragment.numbers)
    core = core_of(fragment)
    expected = atoms.get_distances(rows[0], rows, mic=True)[core]
    found = fragment.get_distances(0, range(len(rows)), mic=True)[core]
    np.testing.assert_allclose(found, expected, atol=1e-9)


# ---- wrong input ----


def refused(*arguments, **options) -> str:
    with pytest.raises(ValueError) as error:
        fs.cut_fragments(*arguments, **options)
    message = str(error.value)
    assert len(message) <= 300 and "\n" not in message
    return message


def test_wrong_grades(potential):
    atoms = graded(potential)
    atoms.arrays["grade"] *= 1.1
    assert re.search(
        r"Snapshot 0: atom \d+ has the grade .* with this potential; use the potential of the run",
        refused(atoms, potential),
    )
    atoms.arrays["grade"][7] = np.nan
    assert "`grade` holds NaN" in refused(atoms, potential)
    del atoms.arrays["grade"]
    atoms.set_array("grade", np.zeros((len(atoms), 2)))
    assert "not one number for each atom" in refused(atoms, potential)
    assert fs.cut_fragments(atoms, potential, compute_grades=True, steps=0)


def test_nothing_to_cut(potential):
    message = refused(copper(6, 6, 6), potential, grade_above=5)
    assert re.search(r"No atom has a grade above 5, the largest is [\d.]+, so there is", message)
    assert "There is no configuration" in refused([], potential)


def test_cells_that_are_too_small(potential):
    for size, kind in ((2, "periodic"), (2, "semiperiodic"), (2, "cluster")):
        atoms = displaced(copper(size, size, size), 3)
        message = refused(atoms, potential, kind=kind)
        assert re.search(r"would hold all 32 atoms, .* label the whole configuration", message)


def test_unknown_elements(potential):
    atoms = displaced(copper(6, 6, 6), 3)
    atoms.symbols[5] = "Ag"
    assert "the element(s) Ag, but the potential knows only Cu" in refused(atoms, potential)


def test_potentials_without_grades_of_atoms(potential, crystals):
    other = fs.Potential.from_json(potential.to_json())
    assert "has no active set, so atoms have no grades" in refused(copper(6, 6, 6), other)
    fs.find_active_set(other, crystals, mode="configurations")
    assert "active set of whole configurations" in refused(copper(6, 6, 6), other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grade_above": 1.0}, "grade_above must be above 1"),
        ({"grade_above": np.nan}, "grade_above must be above 1"),
        ({"vacuum": 0.0}, "vacuum must be above 0"),
        ({"margin": -1.0}, "margin must be 0 or more"),
        ({"most": 0}, "most must be 1 or more"),
        ({"steps": -1}, "steps must be 0 or more"),
        ({"kind": "box"}, "kind must be one of periodic, semiperiodic, cluster, found box"),
    ],
)
def test_wrong_options(potential, options, message):
    assert message in refused(copper(6, 6, 6), potential, **options)


# ---- the command ----


@pytest.fixture
def folder(tmp_path, monkeypatch, potential):
    """The potential, and snapshots as LAMMPS writes them."""
    potential.write(tmp_path / "cu.json")
    snapshots = [displaced(copper(6, 6, 6, seed=seed), 300 * seed) for seed in (1, 2)]
    for number, atoms in enumerate(snapshots):
        atoms.set_array("id", np.arange(1, len(atoms) + 1))
        atoms.set_array("grade", potential.evaluate(atoms, grade=True).grades)
        atoms.info = {"step": 100 * number, "Origin": [0.0, 0.0, 0.0]}
    ase.io.write(tmp_path / "run.extxyz", snapshots)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_cut(folder, command, potential):
    code, out, err = command(
        "cut", "run.extxyz", "--potential", "cu.json", "--grade-above", 3, "--into", "cut.extxyz",
        "--steps", 5,
    )  # fmt: skip
    assert code == 0, err
    fragments = ase.io.read("cut.extxyz", ":")
    assert re.search(rf"cut\.extxyz: {len(fragments)} fragments? of 108 to 108 atoms", out)
    assert re.search(r"fragment 1: atom \d+ of run.extxyz, configuration \d, grade", err)
    snapshots = fs.read("run.extxyz")
    for fragment in fragments:
        number = int(fragment.info["cut_from"].split()[-1])
        assert fragment.info["step"] == snapshots[number].info["step"]
        assert fragment.info["center_grade"] > 3
        assert_sound_in_file(snapshots[number], fragment, potential)
    assert [atoms.calc for atoms in fs.read("cut.extxyz")] == [None] * len(fragments)


def assert_sound_in_file(snapshot: Atoms, fragment: Atoms, potential: fs.Potential) -> None:
    expected = neighborhood(snapshot, fragment.info["center_atom"], potential.cutoff)
    found = neighborhood(fragment, 0, potential.cutoff)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert core_of(fragment).sum() == 1 + len(expected)
    grade = potential.evaluate(fragment, grade=True).grades[0]
    np.testing.assert_allclose(grade, fragment.info["center_grade"], rtol=1e-5)
    assert_apart(fragment, potential)


def test_cut_as_clusters(folder, command):
    code, _, err = command(
        "cut", "run.extxyz@0", "--potential", "cu.json", "--into", "cut.extxyz", "--most", 1,
        "--kind", "cluster", "--margin", 1, "--vacuum", 8, "--compute-grades",
    )  # fmt: skip
    assert code == 0, err
    [fragment] = ase.io.read("cut.extxyz", ":")
    assert not fragment.pbc.any()
    assert fragment.get_distances(0, range(len(fragment))).max() < 5.5
    extent = np.ptp(fragment.positions, axis=0)
    np.testing.assert_allclose(fragment.cell.lengths(), extent + 8, atol=1e-5)


def test_cut_refuses(folder, refused):
    given = ("--potential", "cu.json", "--into", "cut.extxyz")
    assert "No atom has a grade above 1e+09" in refused(
        "cut", "run.extxyz", *given, "--grade-above", 1e9
    )
    assert "no such file" in refused("cut", "none.extxyz", *given)
    assert "vacuum must be above 0" in refused("cut", "run.extxyz", *given, "--vacuum", 0)
    (folder / "cu.active_set").rename(folder / "other.active_set")
    assert "cu.active_set" in refused("cut", "run.extxyz", *given)
    assert not (folder / "cut.extxyz").exists()
