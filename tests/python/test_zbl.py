"""ZBL repulsion: against its formula, as a part of potentials, their files and fits."""

from __future__ import annotations

import itertools
import json

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from contract_examples import crystal, make_potential
from forcesmith.data.batches import make_batch
from sample_data import labelled

ELEMENTS = ["Mg", "O"]
BISPECTRUM = {"type": "bispectrum", "twojmax": 2, "rcutfac": 3.6}
MOMENT_TENSOR = {"type": "moment_tensor", "level": 4, "cutoff": 3.6, "min_distance": 1.0}
ZBL = {"inner": 1.4, "outer": 2.6}


def reference(z_i: int, z_j: int, r: float, inner: float, outer: float) -> float:
    """Energy of a pair, eV: the formulas of the documentation of LAMMPS' pair_style zbl.

    The coefficients of the switching function are those for which energy, slope and curvature are 0
    at the outer cutoff; here by solving that.
    """
    if r >= outer:
        return 0.0
    amplitudes = np.array([0.18175, 0.50986, 0.28022, 0.02817])
    rates = np.array([3.19980, 0.94229, 0.40290, 0.20162]) * (z_i**0.23 + z_j**0.23) / 0.46850

    def derivatives(r):
        terms = 14.399645 * z_i * z_j * amplitudes * np.exp(-rates * r)
        slopes = rates / r + 1 / r**2
        curvatures = rates**2 / r + 2 * rates / r**2 + 2 / r**3
        return np.array([np.sum(terms / r), -np.sum(terms * slopes), np.sum(terms * curvatures)])

    w = outer - inner
    powers = [[w**3 / 3, w**4 / 4, 1.0], [w**2, w**3, 0.0], [2 * w, 3 * w**2, 0.0]]
    A, B, C = np.linalg.solve(powers, -derivatives(outer))
    t = max(0.0, r - inner)
    return derivatives(r)[0] + A / 3 * t**3 + B / 4 * t**4 + C


def document(elements=ELEMENTS, zbl=ZBL, descriptor=BISPECTRUM, model=None) -> dict:
    return {
        "format": "forcesmith potential",
        "version": 2,
        "elements": elements,
        "descriptors": [descriptor],
        "model": model or {"type": "linear"},
        "terms": [{"type": "zbl", **zbl}],
    }


def zbl_alone(elements=ELEMENTS, zbl=ZBL) -> fs.Potential:
    """All coefficients of the model are 0."""
    return fs.Potential.from_json(json.dumps(document(elements, zbl)), trained=False)


def with_zbl(potential: fs.Potential, zbl: dict) -> fs.Potential:
    document = {**json.loads(potential.to_json()), "terms": [{"type": "zbl", **zbl}]}
    return fs.Potential.from_json(json.dumps(document), trained=False)


def dimer(symbols: str | list[str], distance: float) -> Atoms:
    return Atoms(
        symbols, positions=[[0.3, 0.1, -0.2], np.array([0.3, 0.1, -0.2]) + [0, 0, distance]]
    )


@pytest.fixture(scope="module")
def dense() -> Atoms:
    """With distances below the inner cutoff and between the two."""
    atoms = crystal(seed=1)
    atoms.set_cell(0.65 * atoms.cell.array, scale_atoms=True)
    distances = atoms.get_all_distances(mic=True)[np.triu_indices(len(atoms), 1)]
    assert distances.min() < ZBL["inner"] < distances.max() < ZBL["outer"]
    return atoms


# --- energy, forces, virial ---


@pytest.mark.parametrize("symbols", [["Mg", "Mg"], ["Mg", "O"], ["O", "O"]], ids="-".join)
@pytest.mark.parametrize("distance", [0.2, 0.9, 1.3999, 1.4, 1.5, 2.0, 2.5, 2.6, 3.0])
def test_dimers(symbols, distance):
    result = zbl_alone().evaluate(dimer(symbols, distance))
    z_i, z_j = (atomic_numbers[symbol] for symbol in symbols)
    expected = reference(z_i, z_j, distance, **ZBL)
    assert expected > 0.1 or distance > 2.0
    assert result.energy == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert result.energies[0] == result.energies[1]


def test_all_elements():
    """Every symbol has its atomic number: dimers with hydrogen."""
    symbols = chemical_symbols[1:]
    configurations = [dimer(["H", symbol], 0.8) for symbol in symbols]
    found = [result.energy for result in zbl_alone(symbols).evaluate(configurations)]
    expected = [reference(1, z, 0.8, **ZBL) for z in range(1, len(symbols) + 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert len(symbols) == 118 and np.all(np.diff(expected) > 0)


def test_smooth_at_the_outer_cutoff():
    """Energy, force and its slope vanish there: they fall like the third, second, first power."""
    potential = zbl_alone()
    results = [potential.evaluate(dimer("MgO", ZBL["outer"] - h)) for h in (1e-2, 5e-3, 2.5e-3)]
    energies = np.array([result.energy for result in results])
    forces = np.array([result.forces[1, 2] for result in results])
    assert energies[0] > 1e-6 and forces[0] > 1e-4
    np.testing.assert_allclose(energies[:-1] / energies[1:], 8, rtol=0.02)
    np.testing.assert_allclose(forces[:-1] / forces[1:], 4, rtol=0.02)


def test_smooth_at_the_inner_cutoff():
    """Energy and force do not jump where the switching begins."""
    potential = zbl_alone()
    below, above = (potential.evaluate(dimer("MgO", ZBL["inner"] + h)) for h in (-1e-7, 1e-7))
    slope = above.forces[1, 2]
    assert above.energy - below.energy == pytest.approx(-2e-7 * slope, rel=1e-5)
    np.testing.assert_allclose(above.forces, below.forces, rtol=1e-5)


def energy(atoms: Atoms) -> float:
    return zbl_alone().evaluate(atoms).energy


def test_forces_are_the_derivative_of_the_energy(dense):
    step = 1e-4
    forces = zbl_alone().evaluate(dense).forces
    expected = np.zeros_like(forces)
    for atom, axis in np.ndindex(forces.shape):
        for sign in (-1, 1):
            moved = dense.copy()
            moved.positions[atom, axis] += sign * step
            expected[atom, axis] -= sign * energy(moved) / (2 * step)
    np.testing.assert_allclose(forces, expected, rtol=0, atol=1e-6 * np.abs(forces).max())
    assert np.abs(forces).max() > 1


def test_virial_is_the_derivative_with_strain(dense):
    step = 1e-5
    result = zbl_alone().evaluate(dense)
    expected = np.zeros((3, 3))
    for a, b in itertools.product(range(3), repeat=2):
        for sign in (-1, 1):
            strain = np.eye(3)
            strain[a, b] += sign * step
            strained = dense.copy()
            strained.set_cell(dense.cell.array @ strain.T, scale_atoms=True)
            expected[a, b] -= sign * energy(strained) / (2 * step)
    expected = expected[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    np.testing.assert_allclose(result.virial, expected, rtol=0, atol=1e-6 * expected.max())
    assert result.virial[:3].min() > 1  # it pushes


# --- as a part of a potential ---


@pytest.mark.parametrize("outer", [2.6, 3.6, 5.0], ids=["smaller", "equal", "larger"])
@pytest.mark.parametrize("descriptor", [BISPECTRUM, MOMENT_TENSOR], ids=lambda d: d["type"])
def test_it_is_added_to_the_rest(outer, descriptor):
    """Whichever cutoff is the larger one."""
    zbl = {"inner": 1.4, "outer": outer}
    rest = make_potential([descriptor], {"type": "linear"})
    potential, alone = with_zbl(rest, zbl), zbl_alone(zbl=zbl)
    assert potential.cutoff == max(3.6, outer) and rest.cutoff == 3.6
    atoms = crystal(seed=2)
    a, b, sum_ = (p.evaluate(atoms) for p in (rest, alone, potential))
    assert b.energy > 0.1
    for name in ("energies", "forces", "virial"):
        expected = getattr(a, name) + getattr(b, name)
        np.testing.assert_allclose(getattr(sum_, name), expected, rtol=0, atol=1e-11)


def test_nothing_of_it_is_fitted():
    """Design matrix and gradients with the parameters are those without it."""
    rest = make_potential([MOMENT_TENSOR], {"type": "linear"})
    potential = with_zbl(rest, {"inner": 1.4, "outer": 5.0})
    batch = make_batch([crystal()], ELEMENTS, potential.cutoff)
    rng = np.random.default_rng(0)
    bars = (rng.normal(size=1), rng.normal(size=(8, 3)), rng.normal(size=(1, 6)))
    with_it, without = (
        fs._core.Evaluator(p._core).parameter_gradient(batch, *bars) for p in (potential, rest)
    )
    for a, b in zip(with_it, without, strict=True):
        np.testing.assert_array_equal(a, b)
    with_it, without = (p._core.design_matrix(batch, 0, 1) for p in (potential, rest))
    np.testing.assert_array_equal(with_it, without)


# --- files ---


@pytest.mark.parametrize("descriptor", [BISPECTRUM, MOMENT_TENSOR], ids=lambda d: d["type"])
def test_round_trip(tmp_path, descriptor):
    potential = with_zbl(make_potential([descriptor], {"type": "linear"}), ZBL)
    potential.write(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["terms"] == [{"type": "zbl", **ZBL}]
    again = fs.Potential.read(tmp_path / "a.json")
    assert again.to_json() == potential.to_json() and again.cutoff == potential.cutoff
    one, other = (p.evaluate(crystal()) for p in (potential, again))
    assert one.energy == other.energy
    np.testing.assert_array_equal(one.forces, other.forces)


@pytest.mark.parametrize("extension", [".mtp", ".almtp"])
def test_the_mlip_format_cannot_hold_it(tmp_path, extension):
    potential = make_potential([MOMENT_TENSOR], {"type": "linear"})
    with pytest.raises(
        ValueError, match=r'cannot be written to .*no place for its term "zbl".*and no terms; write'
    ):
        with_zbl(potential, ZBL).write(tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("zbl", "parts"),
    [
        ({"inner": 2.6, "outer": 1.4}, ["outer cutoff (1.4", "larger than the inner one (2.6"]),
        ({"inner": 2.0, "outer": 2.0}, ["outer cutoff (2.0", "larger than the inner one (2.0"]),
        ({"inner": 0.0, "outer": 2.0}, ["larger than the inner one (0.0", "that positive"]),
        ({"inner": -1.0, "outer": 2.0}, ["larger than the inner one (-1.0", "that positive"]),
        ({"inner": 1.0}, ['"outer"', "is missing"]),
        ({"outer": 1.0}, ['"inner"', "is missing"]),
        ({**ZBL, "iner": 1.0}, ['Unknown parameter "iner"', 'did you mean "inner"?']),
        ({**ZBL, "outer": "2.6"}, ['"outer"', 'must be of type number, but is "2.6"']),
    ],
)
def test_wrong_parameters(zbl, parts):
    with pytest.raises(ValueError) as caught:
        fs.Potential.from_json(json.dumps(document(zbl=zbl)), "bad.json", trained=False)
    message = str(caught.value)
    for part in ('"zbl"', '"bad.json"', *parts):
        assert part in message, message
    assert message.endswith(".") and "\n" not in message


@pytest.mark.parametrize("symbol", ["Xx", "mg", "X", "12"])
def test_what_is_no_element(symbol):
    """Without ZBL any name will do."""
    given = document(["O", symbol])
    with pytest.raises(ValueError, match=f'"zbl" in "bad.json": "{symbol}" is not a chemical elem'):
        fs.Potential.from_json(json.dumps(given), "bad.json", trained=False)
    del given["terms"]
    assert fs.Potential.from_json(json.dumps(given), trained=False).elements == ["O", symbol]


# --- fits ---


def data_of(known: fs.Potential) -> list[Atoms]:
    """Compressed crystals of all compositions, so that every offset is determined."""
    made = []
    for seed in range(12):
        atoms = crystal(seed=seed)
        atoms.set_cell(0.9 * atoms.cell.array, scale_atoms=True)
        atoms.symbols[: seed % 4] = "O"
        result = known.evaluate(atoms)
        labels = {"energy": result.energy, "forces": result.forces, "stress": result.stress}
        made.append(labelled(atoms, **labels))
    return made


@pytest.mark.parametrize("outer", [2.6, 4.5])
def test_fit_recovers_a_potential_with_it(outer):
    zbl = {"inner": 1.4, "outer": outer}
    known = with_zbl(make_potential([BISPECTRUM], {"type": "linear", "shared": False}), zbl)
    data = data_of(known)
    settings = {
        "elements": ELEMENTS,
        "descriptor": BISPECTRUM,
        "model": {"shared": False},
        "optimizer": {"ridge": 0.0, "threads": 1},
    }
    result = fs.fit(data, settings=settings, zbl=zbl)
    assert json.loads(result.potential.to_json())["terms"] == [{"type": "zbl", **zbl}]
    assert result.potential.cutoff == known.cutoff == max(3.6, outer)
    expected = known._core.model_parameters
    np.testing.assert_allclose(result.potential._core.model_parameters, expected, rtol=1e-6)
    assert result.train_errors.total.force_rmse < 1e-9
    without = fs.fit(data, settings=settings)
    assert without.train_errors.total.force_rmse > 0.01


def test_fit_of_radial_functions():
    """Their search sees the repulsion, too: it reports the errors of the whole potential."""
    known = with_zbl(make_potential([MOMENT_TENSOR], {"type": "linear"}, seed=3), ZBL)
    data = data_of(known)
    settings = {"elements": ELEMENTS, "descriptor": MOMENT_TENSOR, "zbl": ZBL}
    optimizer = {"max_iterations": 15, "threads": 1}
    result = fs.fit(data, settings={**settings, "optimizer": optimizer})
    found, labels = result.potential.evaluate(data), [atoms.get_forces() for atoms in data]
    errors = np.concatenate([r.forces - f for r, f in zip(found, labels, strict=True)])
    np.testing.assert_allclose(
        result.history[-1]["force_rmse"], np.sqrt(np.mean(errors**2)), rtol=1e-6
    )
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]


def refuse_fit(zbl: dict, *parts: str) -> None:
    data = data_of(make_potential([BISPECTRUM], {"type": "linear"}))[:2]
    with pytest.raises(ValueError) as caught:
        fs.fit(data, elements=ELEMENTS, descriptor=BISPECTRUM, zbl=zbl)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert message.endswith(".") and "\n" not in message


def test_wrong_settings_of_a_fit():
    refuse_fit({"inner": 2.6, "outer": 1.4}, "outer cutoff (1.4", "larger than the inner one (2.6")
    refuse_fit({"inner": 1.4}, '"zbl.outer" in the settings', "equired")
    refuse_fit({"inner": 0.0, "outer": 1.4}, '"zbl.inner" in the settings', "found 0.0")


def test_unknown_key_in_the_settings_of_a_fit():
    refuse_fit({**ZBL, "iner": 1.4}, 'Unknown key "zbl.iner"', 'did you mean "inner"?')


def test_a_fit_that_starts_from_a_file_heeds_its_settings(tmp_path):
    """Without descriptor settings the potential of the file goes on as it is: no ZBL is added."""
    known = make_potential([BISPECTRUM], {"type": "linear"})
    known.write(tmp_path / "start.json")
    optimizer = {"start": str(tmp_path / "start.json")}
    with pytest.raises(ValueError, match="leave out `zbl`"):
        fs.fit(data_of(known), elements=ELEMENTS, zbl=ZBL, optimizer=optimizer)


def test_a_fit_that_grows_from_a_file_keeps_its_repulsion(tmp_path):
    known = make_potential([BISPECTRUM], {"type": "linear"})
    with_zbl(known, ZBL).write(tmp_path / "start.json")
    optimizer = {"start": str(tmp_path / "start.json")}
    result = fs.fit(data_of(known), elements=ELEMENTS, descriptor=BISPECTRUM, optimizer=optimizer)
    assert json.loads(result.potential.to_json())["terms"] == [{"type": "zbl", **ZBL}]
