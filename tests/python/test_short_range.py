"""Where the training data end at short range: what is counted, and the wall."""

from __future__ import annotations

import itertools
import json
import warnings

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list
from contract_examples import ELEMENTS, crystal, make_potential, potential_cases
from forcesmith.potentials.short_range import dimers, set_short_range, strengthen_wall
from test_contract import RELATIVE, TENSOR, assert_close, derivative
from test_zbl import reference as zbl

CASES = {name: (descriptors, model) for name, descriptors, model in potential_cases()}
DISTANCES = np.array([[3.1, 2.3], [2.3, 3.0]])
"""So that crystals have pairs beyond the onset, where the wall is switched on, and behind it."""


def walled(case: str, wall: bool = True) -> fs.Potential:
    potential = make_potential(*CASES[case])
    set_short_range(potential, DISTANCES, wall)
    return potential


def seen(r: np.ndarray, onset: float) -> np.ndarray:
    """Where descriptors see a neighbor, equation (1) of cpp/potentials/short_range.hpp."""
    width = 0.1 * onset
    t = np.clip((onset - r) / width, 0.0, 1.0)
    return np.where(r < onset, onset - width * (t - t**3 + t**4 / 2), r)


def zones(atoms: Atoms) -> set[str]:
    """Where the pairs of a configuration are, compared with DISTANCES."""
    found = set()
    for a, b in itertools.permutations(range(len(atoms)), 2):
        d = DISTANCES[ELEMENTS.index(atoms.symbols[a]), ELEMENTS.index(atoms.symbols[b])]
        r = atoms.get_distance(a, b, mic=True) / d
        found.add("behind" if r < 0.9 else "switching" if r < 1 else "beyond")
    return found


@pytest.fixture(scope="module")
def dense() -> Atoms:
    atoms = crystal(seed=3)
    atoms.rattle(0.25, seed=4)
    assert zones(atoms) == {"behind", "switching", "beyond"}
    return atoms


@pytest.mark.parametrize("case", CASES)
def test_dimers(case):
    """The fitted part at the distance that is seen, and the repulsion, switched on over a tenth."""
    with_wall, without = walled(case), walled(case, wall=False)
    for symbols in (["Mg", "Mg"], ["Mg", "O"], ["O", "O"]):
        onset = DISTANCES[ELEMENTS.index(symbols[0]), ELEMENTS.index(symbols[1])]
        r = np.array([0.3, 0.7, 0.85, 0.93, 0.97, 1.0, 1.1]) * onset
        z = [{"Mg": 12, "O": 8}[symbol] for symbol in symbols]
        expected = [
            result.energy + (zbl(*z, own, 0.9 * onset, onset) if own < onset else 0.0)
            for own, result in zip(
                r, without.evaluate(dimers(symbols, seen(r, onset))), strict=True
            )
        ]
        found = [result.energy for result in with_wall.evaluate(dimers(symbols, r))]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_wall_that_begins_further_inside():
    """Closer pairs are counted as before."""
    case = "moment_tensor0-linear0"
    without, potential = walled(case, wall=False), walled(case, wall=0.8)
    onset = DISTANCES[0, 1]
    for part, is_moved in ((0.95, False), (0.81, False), (0.75, True)):
        atoms = dimers(["Mg", "O"], [part * onset])[0]
        found, plain = potential.evaluate(atoms), without.evaluate(atoms)
        assert (found.energy != plain.energy) is is_moved
        assert (found.close_neighbors == 1).all()


def test_pairs_a_little_closer_than_the_data():
    """The fitted part knows them better than the wall does."""
    data = []
    for seed in range(6):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
        atoms.rattle(0.15, seed=seed)
        atoms.calc = EMT()
        atoms.get_forces()
        data.append(atoms)
    closest = min(neighbor_list("d", atoms, 3.0).min() for atoms in data)
    pressed = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
    pressed.set_distance(0, 1, 0.96 * closest, mic=True)
    pressed.calc = EMT()
    settings = {"descriptor": {"type": "moment_tensor", "level": 6, "cutoff": 4.5}}
    settings |= {"optimizer": {"max_iterations": 20}, "active_set": {"mode": "off"}}
    errors = {}
    for wall in (True, 0.9):
        potential = fs.fit(data, wall=wall, **settings).potential
        found = potential.evaluate(pressed).forces - pressed.get_forces()
        errors[wall] = np.abs(found).max()
    assert errors[0.9] < errors[True] / 5


@pytest.mark.parametrize("case", CASES)
def test_forces_and_virial_are_derivatives(case, dense):
    potential = walled(case)

    def moved(step):
        configurations = []
        for atom, axis in np.ndindex(len(dense), 3):
            configurations.append(dense.copy())
            configurations[-1].positions[atom, axis] += step
        for a, b in itertools.product(range(3), repeat=2):
            deformation = np.eye(3)
            deformation[a, b] += step
            configurations.append(dense.copy())
            configurations[-1].set_cell(dense.cell.array @ deformation.T, scale_atoms=True)
        return np.array([result.energy for result in potential.evaluate(configurations)])

    found = -derivative(moved)
    result = potential.evaluate(dense)
    # second derivatives of what is seen jump where it becomes constant
    assert_close(result.forces.ravel(), found[:-9], 10 * RELATIVE)
    assert_close(result.virial[list(TENSOR[0] + TENSOR[1] + TENSOR[2])], found[-9:], 10 * RELATIVE)
    assert np.abs(result.forces.sum(axis=0)).max() < 1e-9 * np.abs(result.forces).max()


@pytest.mark.parametrize("case", ["bispectrum0-linear0", "stacked"])
def test_beyond_the_onset_nothing_changes(case):
    potential = make_potential(*CASES[case])
    before = potential.evaluate(crystal())
    set_short_range(potential, np.full((2, 2), 1.5), True)
    after = potential.evaluate(crystal())
    assert before.energy == after.energy
    assert (before.forces == after.forces).all()
    assert before.close_neighbors is None and not after.close_neighbors.any()


def test_single_precision_threads_and_instruction_sets(dense, monkeypatch):
    expected = walled("moment_tensor0-linear1").evaluate(dense)
    scale = np.abs(expected.forces).max()
    single = walled("moment_tensor0-linear1").evaluate(dense, precision="single")
    assert 0 < np.abs(single.forces - expected.forces).max() < 1e-4 * scale
    big = dense.repeat(3)
    one, more = (walled("moment_tensor0-linear1").evaluate(big, threads=n) for n in (1, 2))
    np.testing.assert_allclose(one.forces, more.forces, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(one.forces[: len(dense)], expected.forces, rtol=0, atol=1e-9 * scale)
    monkeypatch.setenv("FORCESMITH_ISA", "portable")
    portable = walled("moment_tensor0-linear1").evaluate(dense)
    np.testing.assert_allclose(portable.forces, expected.forces, rtol=0, atol=1e-9 * scale)


def test_close_neighbors_are_counted(dense):
    found = walled("bispectrum0-linear0", wall=False).evaluate(dense).close_neighbors
    assert 0 < found.sum() and found.sum() % 2 == 0
    molecule = dimers(["Mg", "O"], [2.2999, 2.3001])
    results = walled("bispectrum0-linear0").evaluate(molecule)
    assert [list(result.close_neighbors) for result in results] == [[1, 1], [0, 0]]


def test_elements_that_are_no_neighbors_in_the_data():
    """They are new at all distances; the wall begins where their radii say."""
    potential = make_potential(*CASES["bispectrum0-linear0"])
    set_short_range(potential, np.array([[3.0, 2.0], [2.0, np.inf]]), True)
    pair = potential._core.short_range["pairs"][-1]
    assert pair["elements"] == ["O", "O"] and "distance" not in pair
    assert pair["onset"] == pytest.approx(0.7 * 2 * 0.66, abs=2e-6)
    [near, far] = potential.evaluate(dimers(["O", "O"], [4.2, 4.4]))
    assert near.close_neighbors.any() and not far.close_neighbors.any()


# --- fits ---

SMALLER = {
    "bispectrum": {"twojmax": 2},
    "moment_tensor": {"level": 8},
    "symmetry_functions": {"radial": 3, "angular": 1},
}
"""For fits in a second: quadratic models square the number of values."""


@pytest.fixture(scope="module")
def small_data(mgo_data) -> list[Atoms]:
    return fs.read(mgo_data, "9::6")


@pytest.mark.parametrize("case", CASES)
def test_dimers_of_every_fitted_model_repel_each_other(case, small_data):
    descriptors, model = CASES[case]
    descriptors = [
        own if "functions" in own else own | SMALLER.get(own["type"], {}) for own in descriptors
    ]
    potential = fs.fit(
        small_data, descriptor=descriptors, model=model, optimizer={"max_iterations": 1}
    ).potential
    pairs = potential._core.short_range["pairs"]
    assert len(pairs) == 3
    for pair in pairs:
        r = np.linspace(0.1, 0.97 * pair["distance"], 200)
        energies = [result.energy for result in potential.evaluate(dimers(pair["elements"], r))]
        assert (np.diff(energies) < 0).all(), pair
        assert energies[0] > 1000


def test_a_fit_tells_the_potential_its_smallest_distances(small_data, tmp_path):
    result = fs.fit(small_data, descriptor={"type": "bispectrum", "twojmax": 2, "rcutfac": 4.3})
    result.potential.write(tmp_path / "a.json")
    again = fs.Potential.read(tmp_path / "a.json")
    pairs = again._core.short_range["pairs"]
    assert pairs == result.potential._core.short_range["pairs"]
    for pair in pairs:
        distances = []
        for atoms in small_data:
            table = atoms.get_all_distances(mic=True)
            own = [np.array(atoms.symbols) == element for element in pair["elements"]]
            distances.append(table[own[0]][:, own[1]])
        expected = min(d[d > 0].min() for d in distances)
        assert expected - 2e-6 < pair["distance"] <= expected
    assert not any(r.close_neighbors.any() for r in again.evaluate(small_data))
    assert again.info()["short_range"]["pairs"] == pairs


def test_the_wall_can_be_left_out_and_changes_no_fit(small_data):
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.3}
    with_wall = fs.fit(small_data, descriptor=descriptor).potential
    without = fs.fit(small_data, descriptor=descriptor, wall=False).potential
    np.testing.assert_allclose(
        with_wall._core.model_parameters, without._core.model_parameters, rtol=1e-12
    )
    assert all("onset" not in pair for pair in without._core.short_range["pairs"])
    close = small_data[0].copy()
    close.positions[1] = close.positions[0] + [0.5, 0.5, 0.5]
    assert without.evaluate(close).close_neighbors.any()
    assert with_wall.evaluate(close).energy > without.evaluate(close).energy


def test_a_repulsion_of_the_settings_is_not_doubled(small_data):
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.3}
    fitted = fs.fit(small_data, descriptor=descriptor, zbl={"inner": 3.0, "outer": 4.0}).potential
    assert {pair["strength"] for pair in fitted._core.short_range["pairs"]} == {0.0}
    near, far = (result.energy for result in fitted.evaluate(dimers(["Mg", "O"], [0.5, 0.6])))
    expected = zbl(12, 8, 0.5, 3.0, 4.0) - zbl(12, 8, 0.6, 3.0, 4.0)
    assert near - far == pytest.approx(expected, rel=1e-9)


def test_attraction_that_the_wall_must_outweigh():
    """Random coefficients attract at the onset; a strength is found, or a warning says so."""
    for case in CASES:
        potential = walled(case)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            strengthen_wall(potential)
        for pair in potential._core.short_range["pairs"]:
            r = np.linspace(0.1, 0.97, 100) * pair["onset"]
            results = potential.evaluate(dimers(pair["elements"], r))
            falls = np.diff([result.energy for result in results]) < 0
            named = "Two atoms {} and {} alone".format(*pair["elements"])
            assert falls.all() or any(named in str(w.message) for w in caught)


# --- messages ---


def test_the_calculator_warns_once(small_data):
    fitted = fs.fit(small_data, descriptor={"type": "bispectrum", "twojmax": 2, "rcutfac": 4.3})
    calculator = fitted.potential.calculator()
    far, close = (dimers(["Mg", "O"], [r])[0] for r in (3.0, 1.0))
    for atoms in (far, close):
        atoms.calc = calculator
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        far.get_potential_energy()
    with pytest.warns(UserWarning, match="2 of 2 atoms have neighbors closer than any"):
        close.get_potential_energy()
    assert list(calculator.results["close_neighbors"]) == [1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close.positions[1, 0] = 0.9
        close.get_potential_energy()


def changed(change) -> str:
    document = json.loads(walled("bispectrum0-linear0").to_json())
    change(document["short_range"]["pairs"])
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pairs: pairs.pop(), "must be all pairs of Mg, O; one is missing"),
        (lambda pairs: pairs.append(pairs[1]), "each once; one pair is"),
        (lambda pairs: pairs[0].update(elements=["Mg"]), "each once; one pair is"),
        (lambda pairs: pairs[0].update(elements=["Mg", "Cu"]), "each once; one pair is"),
        (lambda pairs: pairs[0].update(distance=-1.0), '"distance" of a pair .* must not be -1.0'),
        (lambda pairs: pairs[0].update(strength=1e300), '"strength" of a pair .* must not be 1e'),
        (lambda pairs: pairs[0].pop("onset"), 'both "onset" and "strength", or none'),
        (lambda pairs: pairs[0].update(onset="far"), 'must be of type number, but is "far"'),
        (lambda pairs: pairs[0].update(onsets=1.0), 'did you mean "onset"'),
    ],
)
def test_wrong_sections_of_a_file(change, message):
    with pytest.raises(ValueError, match=message):
        fs.Potential.from_json(changed(change))


@pytest.mark.parametrize("wall", [True, False])
def test_formats_that_cannot_hold_it_say_so(tmp_path, wall):
    potential = walled("moment_tensor0-linear0", wall)
    with pytest.warns(UserWarning, match="does not hold where the training data end") as caught:
        potential.write(tmp_path / "a.mtp")
    assert ("nor the repulsive wall" in str(caught[0].message)) == wall
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        potential.write(tmp_path / "a.json")
        with pytest.raises(ValueError, match="format snap has no place for its descriptor"):
            potential.write(tmp_path / "a.snapcoeff")
        again = fs.Potential.read(tmp_path / "a.mtp", ELEMENTS)
        again.write(tmp_path / "b.mtp")


def test_neither_active_set_nor_wall(small_data, tmp_path):
    descriptor = {"type": "moment_tensor", "level": 2, "cutoff": 4.0}
    found = fs.fit(small_data, descriptor=descriptor, optimizer={"max_iterations": 1})
    with pytest.warns(UserWarning) as caught:
        found.potential.write(tmp_path / "a.mtp")
    (warning,) = [str(one.message) for one in caught]
    assert "does not hold the active set" in warning and "nor the repulsive wall" in warning


def test_a_fit_says_what_its_file_cannot_hold(small_data, tmp_path):
    descriptor = {"type": "moment_tensor", "level": 2, "cutoff": 4.0}
    optimizer = {"max_iterations": 1}
    with pytest.warns(UserWarning, match=r"a\.mtp.* does not hold where the training data end"):
        fs.fit(
            small_data, descriptor=descriptor, optimizer=optimizer, checkpoint=tmp_path / "a.mtp"
        )
