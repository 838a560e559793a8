"""Active sets of potentials: what their grades are, MLIP's numbers, adding and selecting."""

from __future__ import annotations

import ase.units
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md import VelocityVerlet
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from contract_examples import ELEMENTS, crystal, grade_cases, make_potential
from forcesmith.data.batches import make_batch
from forcesmith.extrapolation import active_sets
from sample_data import lennard_jones_crystals, small_settings

THRESHOLD = 1.001
MLIP_ELEMENTS = ["Au", "Ag", "Cu"]


@pytest.fixture
def potential(small_potential) -> fs.Potential:
    """Without an active set, and one's own."""
    return fs.Potential.from_json(small_potential.to_json())


def vectors(potential: fs.Potential, configurations: list[Atoms], parameters: str) -> np.ndarray:
    batch = make_batch(configurations, potential.elements, potential.cutoff)
    return potential._core.information_vectors(batch, parameters)


def grades(potential: fs.Potential, configurations: list[Atoms]) -> np.ndarray:
    return np.concatenate([r.grades for r in potential.evaluate(configurations, grade=True)])


def rattled(count: int, seed: int, amplitude: float) -> list[Atoms]:
    found = []
    for number in range(count):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        atoms.rattle(amplitude, seed=1000 * seed + number)
        found.append(atoms)
    return found


# ---- what they are, for every descriptor with every model ----


@pytest.mark.parametrize("parameters", ["linear", "all"])
@pytest.mark.parametrize(
    ("descriptors", "model"), [case[1:] for case in grade_cases()], ids=lambda value: ""
)
def test_grades_of_neighborhoods(descriptors, model, parameters):
    """max_k |b_i A^-1|_k, with rows b of the atoms that the origins name; none in the data above
    the threshold."""
    potential = make_potential(descriptors, model)
    data = [crystal(seed=seed) for seed in range(4)]
    found = fs.find_active_set(potential, data, parameters)
    b = vectors(potential, data, parameters)
    types = np.concatenate([[ELEMENTS.index(s) for s in atoms.symbols] for atoms in data])
    first_atoms = np.cumsum([0] + [len(atoms) for atoms in data])
    expected = np.zeros(len(b))
    names = ["all"] if parameters == "all" else ELEMENTS
    assert list(found.matrices) == names
    for number, rows in enumerate(found.matrices.values()):
        own = np.full(len(b), True) if parameters == "all" else types == number
        n = len(rows.rows)
        expected[own] = np.abs(b[own, :n] @ np.linalg.inv(rows.rows)).max(axis=1)
        real = rows.origins[:, 0] >= 0
        atoms = first_atoms[rows.origins[real, 0]] + rows.origins[real, 1]
        np.testing.assert_array_equal(rows.rows[real], b[atoms, :n])
        assert own[atoms].all()
        assert rows.largest_grade <= THRESHOLD
    np.testing.assert_allclose(grades(potential, data), expected, rtol=1e-5, atol=1e-6)
    assert expected.max() <= THRESHOLD + 1e-5
    results = potential.evaluate(data, grade=True)
    assert results[1].configuration_grade == results[1].grades.max()


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_grades_of_configurations(parameters):
    """Rows are means of b_i; with linear parameters, of one element after the other."""
    potential = make_potential(*grade_cases()[0][1:])
    data = [crystal(seed=seed) for seed in range(5)] + [crystal(seed=9) * (2, 1, 1)]
    found = fs.find_active_set(potential, data, parameters, "configurations")
    means = []
    for atoms in data:
        b = vectors(potential, [atoms], parameters)
        if parameters == "linear":
            own = [atoms.symbols == element for element in ELEMENTS]
            lengths = [potential._core.n_features(element) for element in range(len(ELEMENTS))]
            parts = [b[rows, :n].sum(axis=0) for rows, n in zip(own, lengths, strict=True)]
            means.append(np.concatenate(parts) / len(atoms))
        else:
            means.append(b.mean(axis=0))
    [rows] = found.matrices.values()
    expected = np.abs(np.array(means) @ np.linalg.inv(rows.rows)).max(axis=1)
    results = potential.evaluate(data, grade=True)
    np.testing.assert_allclose(
        [result.configuration_grade for result in results], expected, rtol=1e-6, atol=1e-8
    )
    assert all(result.grades is None for result in results)
    assert expected.max() <= THRESHOLD + 1e-6
    assert {int(number) for number in rows.origins[:, 0]} >= {-1, 0}
    assert (rows.origins[:, 1] == -1).all()


def test_it_is_written_and_read(potential, crystals, tmp_path):
    found = fs.find_active_set(potential, crystals)
    potential.write(tmp_path / "cu.json")
    read = fs.Potential.read(tmp_path / "cu.json")
    np.testing.assert_array_equal(grades(read, crystals), grades(potential, crystals))
    info = read._core.active_set["info"]
    assert info["origins"] == [found.matrices["Cu"].origins.tolist()]
    assert info["configurations"] == len(crystals)


def test_what_is_far_from_the_data_has_large_grades(potential, crystals):
    fs.find_active_set(potential, crystals)
    known, far = rattled(5, 1, 0.05), rattled(5, 2, 0.4)
    assert np.median(grades(potential, known)) < 1
    assert grades(potential, far).max() > 10
    dimer = Atoms("Cu2", [[0, 0, 0], [0, 0, 1.5]])
    assert grades(potential, [dimer]).max() > 10


def test_too_few_data_are_said(potential, crystals):
    few = fs.find_active_set(potential, crystals[:1])
    n = len(few.matrices["Cu"].rows)
    assert 0 < few.n_padded == n - (few.matrices["Cu"].origins[:, 0] >= 0).sum() < n
    assert f"leave {few.n_padded} of {n} directions open ({few.n_padded} of Cu)" in str(few)
    enough = fs.find_active_set(potential, crystals)
    assert enough.n_padded < few.n_padded
    if not enough.n_padded:
        assert "open" not in str(enough)


def test_an_element_without_data():
    """Its matrix is padded, whatever is there of it is unknown."""
    potential = make_potential(*grade_cases()[0][1:])
    only = [
        atoms[[atom.symbol == "Mg" for atom in atoms]] for atoms in [crystal(), crystal(seed=3)]
    ]
    found = fs.find_active_set(potential, only)
    assert found.matrices["O"].n_padded == len(found.matrices["O"].rows)
    graded = potential.evaluate(crystal(), grade=True)
    assert (graded.grades[crystal().symbols == "O"] > 100).all()


# ---- large data ----


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_data_that_do_not_fit_into_memory(potential, crystals, parameters, monkeypatch):
    """Rows are computed anew whenever they pass by, in small portions: the same active set."""
    whole = fs.find_active_set(potential, crystals, parameters)
    monkeypatch.setattr(active_sets, "NUMBERS_PER_PORTION", 100)
    searched = []
    find = active_sets.make_batch
    monkeypatch.setattr(
        active_sets, "make_batch", lambda *given: searched.append(given) or find(*given)
    )
    kept = fs.find_active_set(potential, crystals, parameters)
    once = len(searched)
    monkeypatch.setattr(active_sets, "KEPT_NUMBERS", 0)
    lines = []
    anew = fs.find_active_set(potential, crystals, parameters, progress=lines.append)
    for name, rows in kept.matrices.items():
        np.testing.assert_array_equal(anew.matrices[name].origins, rows.origins)
        np.testing.assert_array_equal(anew.matrices[name].rows, rows.rows)
        np.testing.assert_array_equal(whole.matrices[name].origins, rows.origins)
    assert len(searched) > 2 * once > 6
    assert len(lines) > 6
    assert all(line.startswith("active set") for line in lines)


# ---- MLIP ----


def molecular_dynamics() -> list[Atoms]:
    """The training set of `crystals_multi_10`: how motep's tests made it."""
    atoms = bulk("Cu", cubic=False) * (3, 3, 3)
    atoms.symbols[1::4] = ["Ag"] * 7
    atoms.symbols[0::4] = ["Au"] * 7
    cell = atoms.cell.round(6)
    MaxwellBoltzmannDistribution(atoms, temperature_K=1000.0, rng=np.random.default_rng(42))
    atoms.calc = EMT()
    steps = []
    with VelocityVerlet(atoms, timestep=5.0 * ase.units.fs) as dynamics:
        dynamics.attach(lambda: steps.append(atoms.positions.round(6)))
        dynamics.run(1000)
    return [Atoms(atoms.numbers, step, cell=cell, pbc=True) for step in steps]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_grades_of_mlip(shared_data):
    """Column nbh_grades, five digits, by MLIP-3 with all parameters: `mlp train --al_mode=nbh` on
    1001 steps of molecular dynamics, of which the file holds 12."""
    folder = shared_data / "mtp_reference" / "crystals_multi_10"
    potential = fs.Potential.read(folder / "pot.mtp", elements=MLIP_ELEMENTS)
    graded = fs.read(folder / "out.cfg", elements=MLIP_ELEMENTS)
    train = molecular_dynamics()
    for atoms in graded:
        np.testing.assert_array_equal(train[int(atoms.info["ID"])].positions, atoms.positions)
    expected = np.concatenate([atoms.arrays["nbh_grades"] for atoms in graded])
    found = fs.find_active_set(potential, train, "all", method="mlip")
    assert found.n_padded == 7
    np.testing.assert_allclose(grades(potential, graded), expected, rtol=0, atol=1e-5)
    # The other order finds another active set of about the same volume.
    other = fs.find_active_set(potential, train, "all")
    assert other.n_padded <= 7
    assert grades(potential, train[::10]).max() <= THRESHOLD + 1e-6


@pytest.mark.parametrize("name", ["crystals_cubic_06", "crystals_multi_08", "crystals_multi_10"])
def test_grades_of_motep(shared_data, name):
    """An independent peer, with MLIP's order of exchanges, too. (Not for sets with fewer data: its
    padded rows are no candidates once they are out.)"""
    grade = pytest.importorskip("motep.grade")
    from motep.grade.setting import GradeMode
    from motep.io.mlip.cfg import read_cfg
    from motep.io.mlip.mtp import read_mtp

    folder = shared_data / "mtp_reference" / name
    mtp = read_mtp(folder / "pot.mtp")
    mtp.species = list(range(mtp.species_count))
    images = read_cfg(folder / "out.cfg", index=":", species=mtp.species)
    setting = {"algorithm": "mlip"}
    peer = grade.Grader(mtp, seed=1, mode=GradeMode.NEIGHBORHOOD, maxvol_setting=setting)
    peer.update(images)
    expected = [atoms.calc.results["nbh_grades"] for atoms in peer.grade(images)]
    elements = MLIP_ELEMENTS[: mtp.species_count]
    potential = fs.Potential.read(folder / "pot.mtp", elements=elements)
    data = fs.read(folder / "out.cfg", elements=elements)
    fs.find_active_set(potential, data, "all", method="mlip")
    np.testing.assert_allclose(grades(potential, data), np.concatenate(expected), atol=1e-6)


# ---- more data later ----


def test_adding(potential, crystals):
    before = fs.find_active_set(potential, crystals)
    more = rattled(6, 3, 0.3)
    assert grades(potential, more).max() > 2
    after = fs.find_active_set(potential, more, add=True)
    assert after.matrices["Cu"].log_volume > before.matrices["Cu"].log_volume
    assert grades(potential, more).max() <= THRESHOLD + 1e-6
    # Origins go on counting.
    numbers = after.matrices["Cu"].origins[:, 0]
    assert numbers.max() >= len(crystals)
    assert potential._core.active_set["info"]["configurations"] == len(crystals) + len(more)
    b = vectors(potential, [*crystals, *more], "linear")
    first_atoms = np.cumsum([0] + [len(atoms) for atoms in [*crystals, *more]])
    real = numbers >= 0
    atoms = first_atoms[numbers[real]] + after.matrices["Cu"].origins[real, 1]
    np.testing.assert_array_equal(after.matrices["Cu"].rows[real], b[atoms])


def test_adding_what_does_not_fit(potential, crystals):
    with pytest.raises(ValueError, match="no active set to add to"):
        fs.find_active_set(potential, crystals, add=True)
    fs.find_active_set(potential, crystals)
    with pytest.raises(ValueError, match="has the parameters linear, not all"):
        fs.find_active_set(potential, crystals, "all", add=True)
    with pytest.raises(ValueError, match="has the mode neighborhoods, not configurations"):
        fs.find_active_set(potential, crystals, mode="configurations", add=True)


@pytest.mark.parametrize("mode", ["neighborhoods", "configurations"])
def test_selection(potential, crystals, mode):
    """What is known does not enter, nor what is there twice; the best one comes first."""
    fs.find_active_set(potential, crystals, mode=mode)
    before = potential._core.active_set
    assert fs.select_configurations(potential, crystals) == []
    new = rattled(8, 4, 0.3)
    candidates = [crystals[0], *new, *new, crystals[1]]
    chosen = fs.select_configurations(potential, candidates)
    assert chosen and len(set(chosen)) == len(chosen)
    assert not {0, len(candidates) - 1} & set(chosen)
    twins = [(number - 1) % len(new) for number in chosen]
    assert len(set(twins)) == len(twins)
    for most in range(1, len(chosen) + 1):
        assert fs.select_configurations(potential, candidates, most) == chosen[:most]
    # Nothing else is left to learn.
    after = potential._core.active_set
    np.testing.assert_array_equal(after["matrices"][0], before["matrices"][0])
    fs.find_active_set(potential, [candidates[number] for number in chosen], add=True)
    assert fs.select_configurations(potential, candidates, threshold=2.0) == []


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_the_first_one_selected_makes_the_volume_grow_most(small_potential, crystals, parameters):
    """Of all candidates one by one, and so does the second one after it."""
    candidates = rattled(10, 6, 0.3)

    def log_volume(added: list[int]) -> float:
        potential = fs.Potential.from_json(small_potential.to_json())
        fs.find_active_set(potential, crystals, parameters)
        if added:
            fs.find_active_set(potential, [candidates[number] for number in added], add=True)
        matrices = potential._core.active_set["matrices"]
        return sum(np.linalg.slogdet(rows)[1] for rows in matrices)

    potential = fs.Potential.from_json(small_potential.to_json())
    fs.find_active_set(potential, crystals, parameters)
    chosen = fs.select_configurations(potential, candidates)
    assert len(chosen) > 2
    for first in (0, 1):
        before = chosen[:first]
        gains = {n: log_volume([*before, n]) for n in range(len(candidates)) if n not in before}
        assert gains[chosen[first]] > max(gains.values()) - 0.05


def test_few_of_many_candidates_are_enough(potential, crystals):
    """The first ones chosen teach most of what there is to learn."""
    fs.find_active_set(potential, crystals)
    candidates = rattled(60, 5, 0.3)
    first = fs.select_configurations(potential, candidates, 5)
    fs.find_active_set(potential, [candidates[number] for number in first], add=True)
    best = grades(potential, candidates).max()
    fs.find_active_set(potential, crystals)
    fs.find_active_set(potential, candidates[:5], add=True)
    assert best < 0.7 * grades(potential, candidates).max()


# ---- mistakes ----


def test_errors(potential, crystals):
    with pytest.raises(ValueError, match="no active set"):
        fs.select_configurations(potential, crystals)
    with pytest.raises(ValueError, match="no active set"):
        potential.evaluate(crystals, grade=True)
    with pytest.raises(ValueError, match="there are no configurations"):
        fs.find_active_set(potential, [])
    with pytest.raises(ValueError, match="element"):
        fs.find_active_set(potential, [bulk("Ag")])
    with pytest.raises(ValueError, match="above 1, found 1"):
        fs.find_active_set(potential, crystals, threshold=1.0)
    assert not potential.has_active_set


def test_a_fit_finds_one():
    """Of the fitted configurations; not if it is not wanted."""
    data = lennard_jones_crystals(8)
    result = fs.fit(data, settings=small_settings())
    assert result.active_set.n_rows == result.potential._core.n_features(0)
    assert grades(result.potential, data).max() <= THRESHOLD + 1e-6
    off = fs.fit(data, settings=small_settings(), active_set={"mode": "off"})
    assert off.active_set is None and not off.potential.has_active_set
    assert off.potential.to_json() == result.potential.to_json()
