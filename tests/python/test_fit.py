"""The fit: recovers what labelled its data, follows its weights, stops well, refuses clearly."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms, units
from contract_examples import crystal, make_potential, structures
from forcesmith import _core
from forcesmith.training.loss import Loss, gradients
from forcesmith.training.optimizers import variable_projection
from forcesmith.training.optimizers.gauss_newton import GaussNewtonCoordinates
from forcesmith.training.optimizers.variable_projection import LinearLeastSquares, linear_curvature
from forcesmith.training.settings import WeightSettings
from forcesmith.training.training_set import TrainingSet
from sample_data import file_text, labelled

DESCRIPTOR = {
    "type": "moment_tensor",
    "level": 6,
    "cutoff": 4.2,
    "min_distance": 1.6,
    "radial_basis_size": 4,
}
LINEAR_ONLY = {"max_iterations": 0, "ridge": 0.0, "threads": 1}
GIVEN_OFFSETS = {"type": "linear", "energy_offsets": {"Mg": -1.0, "O": 2.0}}


@pytest.fixture(scope="module")
def known() -> fs.Potential:
    return make_potential([DESCRIPTOR], {"type": "linear"}, seed=3)


@pytest.fixture(scope="module")
def data(known) -> list[Atoms]:
    """Labelled by the known potential; two groups."""
    return [label(crystal(seed=seed), known, f"group{seed % 2}") for seed in range(8)]


def label(
    atoms: Atoms, potential: fs.Potential, group: str | None = None, noise: float = 0.0
) -> Atoms:
    result = potential.evaluate(atoms)
    rng = np.random.default_rng(len(atoms))
    labels = {
        "energy": result.energy + noise * rng.normal(),
        "forces": result.forces + noise * rng.normal(size=result.forces.shape),
    }
    if result.stress is not None:
        labels["stress"] = result.stress
    return labelled(atoms, group, **labels)


def only(atoms: Atoms, *kept: str) -> Atoms:
    """With some of its labels."""
    results = {name: atoms.calc.results[name] for name in kept}
    return labelled(atoms, atoms.info.get("config_type"), **results)


@pytest.fixture(scope="module")
def noisy(known) -> list[Atoms]:
    """Labels that no such potential reaches, so that weights matter."""
    rng = np.random.default_rng(9)
    made = []
    for seed in range(8):
        atoms = crystal(seed=seed)
        result = known.evaluate(atoms)
        made.append(
            labelled(
                atoms,
                f"group{seed % 2}",
                energy=result.energy + rng.normal(),
                forces=result.forces + rng.normal(size=result.forces.shape),
                stress=result.stress + 0.1 * rng.normal(size=6),
            )
        )
    return made


def linear_fit(train, **overrides) -> fs.FitResult:
    """Only linear coefficients, for given radial functions (those the seed gives)."""
    settings = {"elements": ["Mg", "O"], "descriptor": DESCRIPTOR, "optimizer": LINEAR_ONLY}
    return fs.fit(train, settings={**settings, **overrides})


def start_file(potential: fs.Potential, path: Path) -> str:
    """A file with the radial functions of `potential`, all else forgotten."""
    again = fs.Potential.from_json(potential.to_json())
    again._core.model_parameters = np.zeros(len(again._core.model_parameters))
    again.write(path)
    return str(path)


def predictions(potential: fs.Potential, configurations) -> np.ndarray:
    results = potential.evaluate(configurations)
    return np.concatenate([np.append(r.forces.ravel(), r.energy) for r in results])


# --- recovering what labelled the data ---


def test_linear_coefficients_are_recovered(known, data, tmp_path):
    """With the right radial functions the labels are met to rounding."""
    start = start_file(known, tmp_path / "start.json")
    result = fs.fit(
        data[:6],
        data[6:],
        elements=["Mg", "O"],
        optimizer={**LINEAR_ONLY, "start": start},
    )
    for errors in (result.train_errors.total, result.test_errors.total):
        assert errors.energy_rmse < 1e-5 and errors.force_rmse < 1e-7 and errors.stress_rmse < 1e-6
    # All cells hold as many Mg as O: only the sum of their offsets is determined.
    fitted, expected = result.potential._core.model_parameters, known._core.model_parameters
    np.testing.assert_allclose(fitted[2:], expected[2:], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(fitted[:2].sum(), expected[:2].sum(), rtol=1e-5)


def test_radial_coefficients_are_found():
    """From a random start the search lowers the errors by orders of magnitude."""
    descriptor = {**DESCRIPTOR, "level": 6, "radial_basis_size": 3}
    known = make_potential([descriptor], {"type": "linear"}, ["Mg"], seed=1)
    data = [label(crystal(["Mg"], seed=seed), known) for seed in range(6)]
    settings = {"elements": ["Mg"], "descriptor": descriptor}
    result = fs.fit(
        data[:5],
        data[5:],
        settings={**settings, "optimizer": {"max_iterations": 150, "ridge": 1e-14, "threads": 1}},
    )
    first, last = result.history[0], result.history[-1]
    scale = np.sqrt(np.mean([atoms.get_forces() ** 2 for atoms in data]))
    assert last["force_rmse"] < 1e-3 * scale
    assert last["force_rmse"] < 0.01 * first["force_rmse"]
    assert result.test_errors.total.force_rmse < 2e-3 * scale


def test_history_only_falls(noisy):
    result = linear_fit(noisy, optimizer={"max_iterations": 12, "threads": 1})
    losses = [row["loss"] for row in result.history]
    assert 2 <= len(losses) <= 12
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    assert [row["iteration"] for row in result.history] == list(range(1, len(losses) + 1))
    assert set(result.history[0]) == {
        "iteration",
        "loss",
        "energy_rmse_mev",
        "force_rmse",
        "seconds",
    }
    np.testing.assert_allclose(
        result.history[-1]["force_rmse"], result.train_errors.total.force_rmse
    )
    np.testing.assert_allclose(
        result.history[-1]["energy_rmse_mev"], result.train_errors.total.energy_rmse
    )
    assert result.seconds > 0 and result.peak_memory_mb > 10 and not result.interrupted
    assert result.test_errors is None


# --- the loss and its gradient ---


def test_loss_is_the_documented_one(noisy):
    """1/M sum w [ E (dE/N)^2 + F/(3N) |dF|^2 + S |dS|^2 ], factors of the group in E, F, S."""
    for number, atoms in enumerate(noisy):
        atoms.info["weight"] = 0.5 + number
    try:
        weights = {
            "energy": 0.7,
            "force": 0.03,
            "stress": 2.5,
            "groups": {"group1": {"energy": 3.0, "force": 0.2, "stress": 5.0}},
        }
        result = linear_fit(noisy, weights=weights)
        expected = 0.0
        for atoms, found in zip(noisy, result.potential.evaluate(noisy), strict=True):
            n = len(atoms)
            factors = weights["groups"].get(atoms.info["config_type"], dict.fromkeys(weights, 1.0))
            de = (found.energy - atoms.get_potential_energy()) / n
            df = found.forces - atoms.get_forces()
            ds = found.stress - atoms.get_stress()
            expected += atoms.info["weight"] * (
                weights["energy"] * factors["energy"] * de**2
                + weights["force"] * factors["force"] * np.sum(df**2) / (3 * n)
                + weights["stress"] * factors["stress"] * np.sum(ds**2)
            )
        np.testing.assert_allclose(result.history[-1]["loss"], expected / len(noisy), rtol=1e-9)
    finally:
        for atoms in noisy:
            del atoms.info["weight"]


def test_linear_solution_is_the_minimum(noisy):
    """The loss rises in every direction of the linear coefficients."""
    result = linear_fit(noisy)
    core = result.potential._core
    training_set = TrainingSet(noisy, ["Mg", "O"], 4.2, WeightSettings())
    evaluator = fs._core.Evaluator(core)

    def loss():
        batches = training_set.batches
        return sum(variable_projection.residuals(evaluator, batch, 1).loss for batch in batches)

    best = core.model_parameters
    lowest = loss()
    for k in range(len(best)):
        for sign in (-1, 1):
            moved = best.copy()
            moved[k] += sign * 1e-3 * max(1e-3, abs(best[k]))
            core.model_parameters = moved
            assert loss() > lowest


@pytest.mark.parametrize("offsets", [None, np.array([-1.0, 2.0])], ids=["fitted", "given"])
@pytest.mark.parametrize("ridge", [1e-6, 1e-10])
def test_gradient_of_the_projected_loss(noisy, offsets, ridge):
    """Analytic gradient against fourth-order differences of the loss at its linear minimum."""
    potential = make_potential([DESCRIPTOR], {"type": "linear"}, seed=11)
    core = potential._core
    weights = WeightSettings(energy=1.0, force=0.02, stress=0.3)
    configurations = [*noisy[:4], only(noisy[4], "energy"), only(noisy[5], "forces")]
    training_set = TrainingSet(configurations, ["Mg", "O"], potential.cutoff, weights)
    evaluator = fs._core.Evaluator(core)
    squares = LinearLeastSquares(evaluator, training_set, ridge, offsets, 1)
    start = core.descriptor_parameters

    def loss(parameters):
        core.descriptor_parameters = parameters
        return squares.solve().loss

    loss(start)
    gradient, _ = gradients(evaluator, training_set.batches, squares.solve().residuals, 1)
    rng = np.random.default_rng(0)
    step = 2e-4
    for direction in [*np.eye(len(start))[::5], *rng.normal(size=(3, len(start)))]:
        one, two = (
            loss(start + n * step * direction) - loss(start - n * step * direction) for n in (1, 2)
        )
        expected = (8 * one - two) / (12 * step)
        error = abs(gradient @ direction - expected)
        assert error < 1e-7 * np.linalg.norm(gradient) * np.linalg.norm(direction)


@pytest.fixture
def joint(noisy) -> Loss:
    """At the linear minimum of some radial functions."""
    core = make_potential([DESCRIPTOR], {"type": "linear"}, seed=11)._core
    training_set = TrainingSet(noisy, ["Mg", "O"], DESCRIPTOR["cutoff"], WeightSettings())
    squares = LinearLeastSquares(fs._core.Evaluator(core), training_set, 1e-4, None, 1)
    squares.solve()
    return squares.joint_loss()


def test_gradient_of_the_joint_loss(joint):
    """With all parameters at once, ridge penalty included, away from the linear minimum."""
    rng = np.random.default_rng(0)
    start = joint.parameters()
    start[joint.n_descriptor :] *= 1 + 0.1 * rng.normal(size=len(start) - joint.n_descriptor)
    _, gradient = joint(start)
    for direction in [*np.eye(len(start))[::7], *rng.normal(size=(3, len(start)))]:
        direction = direction * np.maximum(np.abs(start), 1e-2)
        one, two = (
            joint(start + n * 1e-3 * direction)[0].loss
            - joint(start - n * 1e-3 * direction)[0].loss
            for n in (1, 2)
        )
        expected = (8 * one - two) / 12e-3
        assert abs(gradient @ direction - expected) < 1e-7 * np.linalg.norm(gradient * direction)


def test_gauss_newton_coordinates(known, data):
    """There, 2 J^T J / loss is the unit matrix, J the derivatives of the weighted residuals."""
    core = make_potential([DESCRIPTOR], {"type": "linear"}, seed=11)._core
    training_set = TrainingSet(data, ["Mg", "O"], DESCRIPTOR["cutoff"], WeightSettings())
    squares = LinearLeastSquares(fs._core.Evaluator(core), training_set, 0.0, None, 1)
    loss = squares.solve().loss
    joint = squares.joint_loss()
    curvature = linear_curvature(squares, joint)
    coordinates = GaussNewtonCoordinates(joint.parameters(), curvature, loss, 1e-10)
    (batch,) = training_set.batches
    weights = batch.rows(batch.weights, 0, len(data))[:, 0]

    def residuals(z):
        (found,) = joint(coordinates.point(z))[0].residuals
        return np.sqrt(weights) * batch.rows(found, 0, len(data))[:, 0]

    step = 1e-5
    directions = step * np.eye(len(coordinates.origin))
    slopes = np.array([(residuals(z) - residuals(-z)) / (2 * step) for z in directions])
    curvatures = np.linalg.eigvalsh(2 * slopes @ slopes.T / loss)
    # Without curvature: scalings that radial and linear coefficients share, and the damped rest.
    assert np.all(curvatures < 1.05)
    assert np.mean(curvatures > 0.95) > 0.7


def test_standard_errors_of_the_coefficients(known, noisy):
    """Against the covariance s^2 (A^T A)^-1 of the whole weighted design matrix."""
    result = linear_fit(noisy, model=GIVEN_OFFSETS)
    core = result.potential._core
    training_set = TrainingSet(noisy, ["Mg", "O"], DESCRIPTOR["cutoff"], WeightSettings())
    (batch,) = training_set.batches
    design = core.design_matrix(batch.neighbors, 0, len(noisy))[:, 2:]
    design = design * np.sqrt(batch.rows(batch.weights, 0, len(noisy)))
    norms = np.linalg.norm(design, axis=0)
    inverse = np.linalg.inv((design / norms).T @ (design / norms))
    variance = result.history[-1]["loss"] / (len(design) - design.shape[1])
    expected = np.sqrt(variance * np.diag(inverse)) / norms
    np.testing.assert_allclose(result.coefficient_errors, [0, 0, *expected], rtol=1e-5)
    written = result.potential.info()["provenance"]["coefficient_errors"]
    np.testing.assert_allclose(written, [0, 0, *expected], rtol=1e-2)


def test_automatic_relevance_determination(noisy):
    """The same as scikit-learn's on all rows of the design matrix."""
    regression = pytest.importorskip("sklearn.linear_model").ARDRegression
    threshold = 300.0
    optimizer = {**LINEAR_ONLY, "solver": "ard", "ard_threshold": threshold}
    result = linear_fit(noisy, model=GIVEN_OFFSETS, optimizer=optimizer)
    core = result.potential._core
    training_set = TrainingSet(noisy, ["Mg", "O"], DESCRIPTOR["cutoff"], WeightSettings())
    (batch,) = training_set.batches
    weights = np.sqrt(batch.rows(batch.weights, 0, len(noisy)))
    design = core.design_matrix(batch.neighbors, 0, len(noisy))[:, 2:] * weights
    evaluator = fs._core.Evaluator(core)
    squares = LinearLeastSquares(evaluator, training_set, 0.0, np.array([-1.0, 2.0]), 1)
    labels = (batch.rows(squares.targets[0], 0, len(noisy)) * weights)[:, 0]
    scale, unit = (np.sqrt(np.mean(x**2, axis=0)) for x in (design, labels))
    expected = regression(fit_intercept=False, threshold_lambda=threshold)
    expected.fit(design / scale, labels / unit)
    found = (core.model_parameters - squares.baseline)[2:] * scale / unit
    np.testing.assert_allclose(found, expected.coef_, rtol=1e-4, atol=1e-6)
    dropped = expected.coef_ == 0
    assert dropped.any() and not dropped.all()
    assert not result.coefficient_errors[2:][dropped].any()
    assert np.all(result.coefficient_errors[2:][~dropped] > 0)
    assert result.history[-1]["loss"] > result.history[0]["loss"]


def test_solver_without_its_library(noisy, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(ValueError, match="needs scikit-learn; install it with"):
        linear_fit(noisy, optimizer={**LINEAR_ONLY, "solver": "ard"})


# --- weights ---


def test_weights_as_in_fitsnap(noisy):
    """sum (E dE/N)^2 + (F dF)^2 + (S dS)^2 with dS in bar; weights are 1 unless given."""
    groups = {"group1": {"energy": 100.0, "force": 0.5, "stress": 1e-6}}
    weights = {"convention": "fitsnap", "stress": 1e-5, "groups": groups}
    result = linear_fit(noisy, weights=weights)
    expected = 0.0
    for atoms, found in zip(noisy, result.potential.evaluate(noisy), strict=True):
        factors = groups.get(atoms.info["config_type"], {"energy": 1, "force": 1, "stress": 1})
        de = (found.energy - atoms.get_potential_energy()) / len(atoms)
        df = found.forces - atoms.get_forces()
        ds = (found.stress - atoms.get_stress()) / units.bar
        expected += (factors["energy"] * de) ** 2
        expected += np.sum((factors["force"] * df) ** 2)
        expected += np.sum((1e-5 * factors["stress"] * ds) ** 2)
    np.testing.assert_allclose(result.history[-1]["loss"], expected, rtol=1e-9)


def test_weight_of_a_group(noisy):
    """More weight, smaller errors of that group; without weight, as if it were not there."""
    errors = {}
    for factor in (1.0, 1000.0):
        groups = {"group1": dict.fromkeys(("energy", "force", "stress"), factor)}
        errors[factor] = linear_fit(noisy, weights={"groups": groups}).train_errors["group1"]
    assert errors[1000.0].energy_rmse < 0.9 * errors[1.0].energy_rmse
    without = linear_fit([a for a in noisy if a.info["config_type"] == "group0"])
    groups = {"group1": dict.fromkeys(("energy", "force", "stress"), 0.0)}
    ignored = linear_fit(noisy, weights={"groups": groups})
    np.testing.assert_allclose(
        predictions(ignored.potential, noisy), predictions(without.potential, noisy), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("weights", "better"),
    [
        ({"energy": 1.0, "force": 0.0, "stress": 0.0}, "energy_rmse"),
        ({"energy": 0.0, "force": 1.0, "stress": 0.0}, "force_rmse"),
        ({"energy": 0.0, "force": 0.0, "stress": 1.0}, "stress_rmse"),
    ],
)
def test_weight_of_a_quantity(noisy, weights, better):
    alone = linear_fit(noisy, weights=weights).train_errors.total
    common = linear_fit(
        noisy, weights={"energy": 1.0, "force": 1.0, "stress": 1.0}
    ).train_errors.total
    assert getattr(alone, better) < 0.999 * getattr(common, better)


def test_weight_of_a_configuration(noisy):
    """0 leaves it out, 2 counts it twice."""
    first = noisy[0].copy()
    first.calc = noisy[0].calc
    for weight, others in ((0, noisy[1:]), (2, [*noisy, noisy[0]]), (np.float64(1.0), noisy)):
        first.info["weight"] = weight
        weighted = linear_fit([first, *noisy[1:]]).potential
        expected = linear_fit(others).potential
        np.testing.assert_allclose(
            predictions(weighted, noisy), predictions(expected, noisy), rtol=1e-6
        )


@pytest.mark.parametrize(
    "weight", [-1.0, np.nan, np.inf, 1e308, "large", None, [1.0], True, 1j, "x" * 500]
)
def test_wrong_weight_of_a_configuration(noisy, weight):
    atoms = noisy[0].copy()
    atoms.calc = noisy[0].calc
    atoms.info["weight"] = weight
    with pytest.raises(
        ValueError, match=r'info\["weight"\] must be .* from 0 to 1e20, not'
    ) as error:
        linear_fit([atoms, *noisy[1:]])
    assert len(str(error.value)) < 300


def test_stresses_of_slabs_count(known):
    """In the loss and in the table of errors, with the volume of the cell."""
    slab = crystal()
    slab.pbc = [True, True, False]
    slab.center(vacuum=3.0, axis=2)
    slab = label(slab, known)
    assert np.abs(slab.calc.results["stress"]).max() > 1e-3
    [batch] = TrainingSet([slab], ["Mg", "O"], known.cutoff, WeightSettings(stress=0.5)).batches
    np.testing.assert_allclose(batch.weights.virials, 0.5 / slab.cell.volume**2)
    np.testing.assert_allclose(
        batch.labels.virials[0], -slab.cell.volume * slab.calc.results["stress"][[0, 1, 2, 5, 4, 3]]
    )
    slab.calc.results["stress"] = slab.calc.results["stress"] + units.GPa
    errors = fs.errors_by_group(known, [slab]).total
    assert errors.stress_components == 6 and errors.stress_mae == pytest.approx(1.0)


# --- what the data may lack ---


def test_energies_only(known, tmp_path):
    start = start_file(known, tmp_path / "start.json")
    data = [only(label(crystal(seed=seed), known), "energy") for seed in range(30)]
    optimizer = {**LINEAR_ONLY, "start": start}
    result = fs.fit(data, elements=["Mg", "O"], weights={"force": 0.0}, optimizer=optimizer)
    assert result.train_errors.total.energy_rmse < 1e-3
    assert result.train_errors.total.force_rmse is None
    assert result.train_errors.total.stress_rmse is None


def test_forces_only(known, data, tmp_path):
    """The energies then have no zero, but the forces are right."""
    start = start_file(known, tmp_path / "start.json")
    train = [only(atoms, "forces") for atoms in data]
    result = fs.fit(train, elements=["Mg", "O"], optimizer={**LINEAR_ONLY, "start": start})
    assert result.train_errors.total.force_rmse < 1e-7
    assert result.train_errors.total.energy_rmse is None
    result.potential.write(tmp_path / "fitted.json")


def test_missing_labels_here_and_there(known, data, tmp_path):
    start = start_file(known, tmp_path / "start.json")
    train = [only(data[0], "forces"), only(data[1], "energy", "forces"), *data[2:]]
    result = fs.fit(train, elements=["Mg", "O"], optimizer={**LINEAR_ONLY, "start": start})
    assert result.train_errors.total.force_rmse < 1e-7
    assert result.train_errors.total.energies == 7
    assert result.train_errors.total.stress_components == 6 * 6


def test_clusters_and_slabs(known, tmp_path):
    """Stress where the cell has a volume, isolated atoms allowed."""
    start = start_file(known, tmp_path / "start.json")
    train = [label(atoms, known, name) for name, atoms in structures(known.cutoff).items()]
    train += [label(Atoms("Mg"), known), label(Atoms("O"), known)]
    result = fs.fit(train, elements=["Mg", "O"], optimizer={**LINEAR_ONLY, "start": start})
    assert result.train_errors.total.force_rmse < 1e-6
    np.testing.assert_allclose(
        result.potential._core.model_parameters[:2], known._core.model_parameters[:2], rtol=1e-4
    )


def test_given_energy_offsets(noisy):
    offsets = {"O": -3.25, "Mg": 1.5}
    result = linear_fit(noisy, model={"energy_offsets": offsets})
    assert result.potential.evaluate(Atoms("Mg")).energy == 1.5
    assert result.potential.evaluate(Atoms("O")).energy == -3.25
    fitted = linear_fit(noisy)
    assert fitted.potential.evaluate(Atoms("O")).energy != -3.25
    # One more degree of freedom per element.
    assert fitted.history[-1]["loss"] < result.history[-1]["loss"]


def test_large_energy_offsets_cost_no_accuracy(known, tmp_path):
    """Total energies of all electrons: thousands of eV per atom."""
    start = start_file(known, tmp_path / "start.json")
    data = []
    for seed in range(8):
        atoms = crystal(seed=seed)
        if seed % 2:
            del atoms[0]  # else the numbers of Mg and O are never told apart
        result = known.evaluate(atoms)
        n_mg = sum(atoms.symbols == "Mg")
        energy = result.energy - 5400.0 * n_mg - 2040.0 * (len(atoms) - n_mg)
        data.append(labelled(atoms, energy=energy, forces=result.forces, stress=result.stress))
    result = fs.fit(data, elements=["Mg", "O"], optimizer={**LINEAR_ONLY, "start": start})
    assert result.train_errors.total.energy_rmse < 1e-4
    assert result.train_errors.total.force_rmse < 1e-6


def test_elements_come_from_the_data_or_the_settings(data):
    assert fs.fit(data, descriptor=DESCRIPTOR, optimizer=LINEAR_ONLY).potential.elements == [
        "Mg",
        "O",
    ]
    swapped = linear_fit(data, elements=["O", "Mg"]).potential
    assert swapped.elements == ["O", "Mg"]
    extra = linear_fit(data, elements=["Mg", "Al", "O"]).potential
    assert extra.elements == ["Mg", "Al", "O"]


def test_smallest_distance_comes_from_the_data(data):
    descriptor = {key: value for key, value in DESCRIPTOR.items() if key != "min_distance"}
    potential = linear_fit(data, descriptor=descriptor).potential
    smallest = min(np.min(a.get_all_distances(mic=True) + 9 * np.eye(len(a))) for a in data)
    np.testing.assert_allclose(potential.info()["descriptors"][0]["min_distance"], 0.95 * smallest)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("ridge", [0.0, 1e-10])
def test_labels_that_are_met_exactly(ridge):
    """A loss of zero is a fit like any other."""
    atoms = crystal()
    still = labelled(atoms, energy=0.0, forces=np.zeros((len(atoms), 3)))
    for data, weights in (([still], {}), ([labelled(atoms, energy=1.0)], {"force": 0.0})):
        result = linear_fit(data, weights=weights, optimizer={"max_iterations": 5, "ridge": ridge})
        assert len(result.history) >= 1 and result.history[-1]["loss"] < 1e-20
        assert result.train_errors.total.energy_rmse < 1e-6


def test_any_sequence_of_configurations(data):
    tree = {"elements": ["Mg", "O"], "descriptor": DESCRIPTOR, "optimizer": LINEAR_ONLY}
    expected = fs.fit(data, data[:2], settings=tree)
    for train, test in ((tuple(data), tuple(data[:2])), (iter(data), iter(data[:2]))):
        result = fs.fit(train, test, settings=tree)
        assert result.potential.to_json() == expected.potential.to_json()
        assert result.test_errors == expected.test_errors
    for train, test in ((data[0], None), (data, data[0])):
        with pytest.raises(ValueError, match=r"lists of configurations.*write \[atoms\]"):
            fs.fit(train, test, settings=tree)


def test_input_is_left_alone(data):
    before = [(atoms.copy(), dict(atoms.calc.results)) for atoms in data]
    settings = {"descriptor": dict(DESCRIPTOR), "optimizer": dict(LINEAR_ONLY)}
    fs.fit(data, data, settings)
    assert settings == {"descriptor": DESCRIPTOR, "optimizer": LINEAR_ONLY}
    for atoms, (copy, results) in zip(data, before, strict=True):
        assert atoms == copy and atoms.info == copy.info
        for name, value in results.items():
            np.testing.assert_array_equal(atoms.calc.results[name], value)


def test_settings_object_and_keywords_mean_the_same(noisy):
    tree = {"elements": ["Mg", "O"], "descriptor": DESCRIPTOR, "optimizer": LINEAR_ONLY}
    fits = [
        fs.fit(noisy, settings=tree),
        fs.fit(noisy, settings=fs.FitSettings.from_dict(tree)),
        fs.fit(noisy, **tree),
        fs.fit(noisy, settings={**tree, "elements": ["Mg"]}, elements=["Mg", "O"]),
    ]
    assert len({json.dumps(fit.potential._core.model_parameters.tolist()) for fit in fits}) == 1


# --- the course of a fit ---


def test_seed(noisy):
    def parameters(seed):
        optimizer = {"max_iterations": 3, "seed": seed, "threads": 1}
        return linear_fit(noisy, optimizer=optimizer).potential._core.descriptor_parameters

    np.testing.assert_array_equal(parameters(1), parameters(1))
    assert not np.allclose(parameters(1), parameters(2))


def test_threads_change_nothing_but_rounding(noisy):
    one, two = (
        linear_fit(noisy, optimizer={**LINEAR_ONLY, "threads": threads}).potential
        for threads in (1, 2)
    )
    np.testing.assert_allclose(
        predictions(one, noisy), predictions(two, noisy), rtol=1e-7, atol=1e-9
    )


def test_no_iterations_keep_the_radial_functions(noisy, known, tmp_path):
    start = start_file(known, tmp_path / "start.json")
    result = fs.fit(noisy, elements=["Mg", "O"], optimizer={**LINEAR_ONLY, "start": start})
    np.testing.assert_array_equal(
        result.potential._core.descriptor_parameters, known._core.descriptor_parameters
    )
    assert len(result.history) == 1


@pytest.mark.parametrize("extension", [".json", ".mtp"])
def test_restart(noisy, tmp_path, extension):
    """A second fit goes on where the first one ended."""
    optimizer = {"max_iterations": 4, "threads": 1}
    first = linear_fit(noisy, optimizer=optimizer)
    start = tmp_path / f"first{extension}"
    first.potential.write(start)
    settings = {"elements": ["Mg", "O"]}
    same = fs.fit(noisy, settings={**settings, "optimizer": {**LINEAR_ONLY, "start": str(start)}})
    assert same.history[-1]["loss"] <= first.history[-1]["loss"] * (1 + 1e-6)
    again = fs.fit(noisy, settings={**settings, "optimizer": {**optimizer, "start": str(start)}})
    assert again.history[-1]["loss"] < first.history[-1]["loss"]
    assert start.exists()


@pytest.mark.parametrize("method", ["auto", "lbfgs", "gauss_newton"])
def test_restart_with_other_energy_offsets(noisy, tmp_path, method):
    start = tmp_path / "first.json"
    linear_fit(noisy, optimizer={"max_iterations": 2, "threads": 1}).potential.write(start)
    result = fs.fit(
        noisy,
        elements=["Mg", "O"],
        model={"energy_offsets": {"O": -3.25, "Mg": 1.5}},
        optimizer={"method": method, "max_iterations": 2, "threads": 1, "start": str(start)},
    )
    assert result.potential.evaluate(Atoms("Mg")).energy == 1.5
    assert result.potential.evaluate(Atoms("O")).energy == -3.25


def test_restart_from_a_potential(noisy, tmp_path):
    """As from its file, and the caller's own is not changed."""
    optimizer = {"max_iterations": 4, "threads": 1}
    first = linear_fit(noisy, optimizer=optimizer).potential
    first.write(tmp_path / "first.json")
    before = first.to_json()
    settings = {"elements": ["Mg", "O"], "model": {"energy_offsets": {"Mg": 0.5, "O": 1.0}}}
    from_file, from_memory = (
        fs.fit(noisy, settings={**settings, "optimizer": {**optimizer, "start": start}})
        for start in (str(tmp_path / "first.json"), first)
    )
    assert from_memory.potential.to_json() == from_file.potential.to_json()
    assert first.to_json() == before
    larger = {**DESCRIPTOR, "level": 10}
    grown = linear_fit(noisy, descriptor=larger, optimizer={**LINEAR_ONLY, "start": first})
    assert grown.potential.info()["descriptors"][0]["level"] == 10
    with pytest.raises(ValueError, match="start is for the elements Mg, O, but O, Mg were asked"):
        linear_fit(noisy, elements=["O", "Mg"], optimizer={**LINEAR_ONLY, "start": first})


def test_restart_with_a_larger_descriptor(noisy, tmp_path):
    """A higher level and more polynomials start from what the smaller potential reached."""
    first = linear_fit(noisy, optimizer={"max_iterations": 5, "threads": 1})
    start = str(tmp_path / "first.json")
    first.potential.write(start)
    larger = {**DESCRIPTOR, "level": 10, "radial_basis_size": 6}
    grown = linear_fit(noisy, descriptor=larger, optimizer={**LINEAR_ONLY, "start": start})
    info = grown.potential.info()["descriptors"][0]
    assert (info["level"], info["radial_basis_size"]) == (10, 6)
    assert grown.history[-1]["loss"] < first.history[-1]["loss"]
    del larger["min_distance"]
    again = linear_fit(noisy, descriptor=larger, optimizer={**LINEAR_ONLY, "start": start})
    assert again.potential.info()["descriptors"][0]["min_distance"] == DESCRIPTOR["min_distance"]


def test_restart_that_does_not_fit(noisy, tmp_path):
    start = str(tmp_path / "first.json")
    linear_fit(noisy).potential.write(start)
    optimizer = {**LINEAR_ONLY, "start": start}
    with pytest.raises(ValueError, match=r"first\.json.*Mg, O, but O, Mg were asked for"):
        linear_fit(noisy, elements=["O", "Mg"], optimizer=optimizer)
    with pytest.raises(ValueError, match="same elements, cutoff and min_distance"):
        linear_fit(noisy, descriptor={**DESCRIPTOR, "cutoff": 4.0}, optimizer=optimizer)
    with pytest.raises(ValueError, match=r"Cannot read the potential file .*missing\.json"):
        linear_fit(noisy, optimizer={"start": str(tmp_path / "missing.json")})


def test_how_the_search_ended(noisy):
    assert linear_fit(noisy, optimizer={"max_iterations": 3}).ending == "iterations"
    stagnating = {"max_iterations": 1000, "tolerance": 0.9}
    assert linear_fit(noisy, optimizer=stagnating).ending == "converged"


def test_progress(noisy):
    calls = []
    optimizer = {"max_iterations": 3, "threads": 1}
    settings = {"elements": ["Mg", "O"], "descriptor": DESCRIPTOR, "optimizer": optimizer}
    result = fs.fit(noisy, settings=settings, progress=lambda *row: calls.append(row))
    assert [list(row.values()) for row in result.history] == [list(call) for call in calls]
    assert len(calls) == 3


@pytest.mark.parametrize("last", [1, 3])
def test_ctrl_c_keeps_the_best_so_far(noisy, tmp_path, last):
    def interrupt(iteration, *_):
        if iteration == last:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "best.json"
    settings = {
        "elements": ["Mg", "O"],
        "descriptor": DESCRIPTOR,
        "optimizer": {"max_iterations": 50, "threads": 1},
    }
    result = fs.fit(noisy, settings=settings, progress=interrupt, checkpoint=checkpoint)
    assert result.interrupted and len(result.history) == last
    np.testing.assert_allclose(
        result.train_errors.total.force_rmse, result.history[-1]["force_rmse"], rtol=1e-9
    )
    saved = fs.Potential.read(checkpoint)
    assert saved.to_json() == result.potential.to_json()
    assert saved.info()["provenance"]["train_errors"]["all"]["force_rmse"] > 0


def test_ctrl_c_in_the_middle_of_an_iteration(noisy, monkeypatch):
    """The parameters that were just being tried are not kept."""
    original = Loss.__call__
    calls = []

    def interrupted(self, x):
        calls.append(x[: self.n_descriptor].copy())
        if len(calls) == 4:
            self.set_parameters(x)
            raise KeyboardInterrupt
        return original(self, x)

    monkeypatch.setattr(Loss, "__call__", interrupted)
    result = linear_fit(noisy, optimizer={"max_iterations": 50, "threads": 1})
    assert result.interrupted
    kept = result.potential._core.descriptor_parameters
    assert any(np.array_equal(kept, tried) for tried in calls[:3])
    assert not np.array_equal(kept, calls[3])


@pytest.fixture
def heeds_ctrl_c():
    """Python's own handler: a shell starts background jobs with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_of_a_person(noisy, heeds_ctrl_c):
    """The signal itself, at any moment."""

    def interrupt(iteration, *_):
        if iteration == 1:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

    settings = {
        "elements": ["Mg", "O"],
        "descriptor": DESCRIPTOR,
        "optimizer": {"max_iterations": 100_000, "tolerance": 1e-300},
    }
    result = fs.fit(noisy, settings=settings, progress=interrupt)
    assert result.interrupted, f"{result.ending} after {len(result.history)} iterations"
    assert len(result.history) < 100_000
    np.testing.assert_allclose(
        result.train_errors.total.force_rmse, result.history[-1]["force_rmse"], rtol=0.5
    )


def test_ctrl_c_before_there_is_anything(noisy, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(LinearLeastSquares, "solve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        linear_fit(noisy)


def test_checkpoint_holds_the_best_so_far(noisy, tmp_path):
    checkpoint = tmp_path / "best.json"
    losses = []
    training_set = TrainingSet(noisy, ["Mg", "O"], DESCRIPTOR["cutoff"], WeightSettings())

    def look(iteration, loss, *_):
        # The file was written at the end of the iteration before.
        if iteration > 1:
            evaluator = fs._core.Evaluator(fs.Potential.read(checkpoint)._core)
            (batch,) = training_set.batches
            losses.append(variable_projection.residuals(evaluator, batch, 1).loss)

    settings = {
        "elements": ["Mg", "O"],
        "descriptor": DESCRIPTOR,
        "optimizer": {
            "max_iterations": 6,
            "ridge": 0.0,
            "threads": 1,
            "checkpoint_seconds": 0.0,
        },
    }
    result = fs.fit(noisy, settings=settings, progress=look, checkpoint=checkpoint)
    expected = [row["loss"] for row in result.history][:-1]
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    assert checkpoint.read_text() == file_text(result.potential, checkpoint.name)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"best.active_set", "best.json", "best.state.npz"}


def test_stagnation_ends_the_search(noisy):
    """At the latest when 20 iterations together gain less than the tolerance."""
    optimizer = {"max_iterations": 400, "tolerance": 0.5, "threads": 1}
    result = linear_fit(noisy, optimizer=optimizer)
    losses = [row["loss"] for row in result.history]
    assert len(losses) < 200
    if len(losses) > 20:
        assert losses[-21] - losses[-1] < 0.5 * losses[-21]


# --- memory ---


def test_design_matrix_is_streamed(noisy, monkeypatch):
    """However many configurations: portions of bounded size, and the same result."""
    whole = linear_fit(noisy * 10)
    n_columns = len(whole.potential._core.model_parameters)
    limit = 100  # rows
    monkeypatch.setattr(variable_projection, "BYTES_PER_PORTION", limit * 8 * n_columns)
    original = _core.Potential.design_matrix
    portions, decomposed = [], []

    def counted(self, *arguments):
        rows = original(self, *arguments)
        portions.append(len(rows))
        return rows

    qr = variable_projection.qr

    def measured(matrix, **options):
        decomposed.append(matrix.shape)
        return qr(matrix, **options)

    monkeypatch.setattr(_core.Potential, "design_matrix", counted)
    monkeypatch.setattr(variable_projection, "qr", measured)
    streamed = linear_fit(noisy * 10)
    one = 7 + 3 * len(noisy[0])
    assert sum(portions) == 80 * one
    assert max(portions) < limit + one
    assert max(rows for rows, _ in decomposed) <= limit + one + n_columns + 1
    np.testing.assert_allclose(
        predictions(streamed.potential, noisy),
        predictions(whole.potential, noisy),
        rtol=1e-7,
        atol=1e-9,
    )


def test_training_set_in_several_batches(noisy, monkeypatch):
    """Neighbors are held in batches; where they are cut does not matter."""
    whole = linear_fit(noisy)
    batches = TrainingSet(noisy, ["Mg", "O"], 4.2, WeightSettings()).batches
    assert len(batches) == 1
    monkeypatch.setattr("forcesmith.data.batches.ATOMS_PER_PORTION", 20)
    assert len(TrainingSet(noisy, ["Mg", "O"], 4.2, WeightSettings()).batches) == 3
    cut = linear_fit(noisy)
    np.testing.assert_allclose(
        predictions(cut.potential, noisy), predictions(whole.potential, noisy), rtol=1e-7, atol=1e-9
    )


# --- provenance ---


def test_provenance(noisy):
    result = linear_fit(noisy, weights={"energy": 3.0})
    provenance = result.potential.info()["provenance"]
    assert provenance["program"] == f"forcesmith {fs.__version__}"
    assert provenance["training_set"]["configurations"] == 8
    assert provenance["training_set"]["atoms"] == 64
    assert provenance["weights"]["energy"] == 3.0
    assert provenance["test_errors"] is None
    errors = provenance["train_errors"]["all"]
    assert errors["force_rmse"] == result.train_errors.total.force_rmse
    json.dumps(provenance, allow_nan=False)


def test_hash_tells_training_sets_apart(noisy):
    def hash_of(configurations):
        return TrainingSet(configurations, ["Mg", "O"], 4.2, WeightSettings()).hash

    moved = noisy[0].copy()
    moved.positions[0, 0] += 1e-9
    moved.calc = noisy[0].calc
    relabelled = labelled(noisy[0], **{**noisy[0].calc.results, "energy": 1.0})
    sets = [noisy, noisy[1:], [*noisy[1:], noisy[0]], [moved, *noisy[1:]], [relabelled, *noisy[1:]]]
    assert len({hash_of(configurations) for configurations in sets}) == len(sets)
    assert hash_of(noisy) == hash_of(list(noisy))


# --- what is refused ---


def refuse(train, *parts: str, **overrides) -> None:
    with pytest.raises(ValueError) as caught:
        linear_fit(train, **overrides)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert message.endswith(".") and "\n" not in message


def test_nothing_to_fit(noisy):
    refuse([], "The train set is empty")
    refuse(noisy, "weight above 0", weights={"energy": 0.0, "force": 0.0, "stress": 0.0})
    energies = [only(atoms, "energy") for atoms in noisy]
    refuse(energies, "weight above 0", weights={"energy": 0.0, "force": 0.0})
    refuse([labelled(noisy[0])], "neither energy nor forces nor stress")


@pytest.mark.parametrize("quantity", ["energy", "forces", "stress"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_labels_that_are_not_finite(noisy, quantity, value):
    results = {name: np.array(label) for name, label in noisy[2].calc.results.items()}
    results[quantity].flat[-1] = value
    bad = labelled(noisy[2], **results)
    refuse([*noisy, bad], "onfiguration 8", quantity, "NaN")
    with pytest.raises(ValueError, match="onfiguration 1 of test"):
        fs.fit(noisy, [noisy[0], bad], descriptor=DESCRIPTOR, optimizer=LINEAR_ONLY)


def test_configurations_without_forces(noisy):
    train = [*noisy, only(noisy[3], "energy", "stress")]
    refuse(train, "onfiguration 8", "no forces", "force weight")
    train[-1].info["config_type"] = "energies"
    linear_fit(train, weights={"groups": {"energies": {"force": 0.0}}})
    linear_fit(train, weights={"force": 0.0})


def test_another_group_without_forces_is_still_refused(noisy):
    """That one group needs no forces does not excuse the others."""
    train = [*noisy, only(noisy[3], "energy"), only(noisy[4], "energy")]
    train[-2].info["config_type"] = "energies"
    refuse(
        train,
        "onfiguration 9",
        "no forces",
        weights={"groups": {"energies": {"force": 0.0}}},
    )


def test_overlapping_atoms(noisy):
    atoms = noisy[0].copy()
    atoms.positions[5] = atoms.positions[2] + [0.1, 0, 0]
    bad = labelled(atoms, **noisy[0].calc.results)
    refuse([*noisy, bad], "onfiguration 8", "atoms 2 (Mg) and 5 (O)", "0.100 angstrom apart")


def test_element_missing_in_the_settings(noisy):
    refuse(noisy, "onfiguration 0", "contains O", "add O to `elements`", elements=["Mg"])
    with pytest.raises(ValueError, match="onfiguration 0 of test contains H"):
        fs.fit(noisy, [labelled(Atoms("H"), energy=0.0)], descriptor=DESCRIPTOR)


def test_elements_that_are_none(noisy):
    refuse(noisy, "names an element twice", elements=["Mg", "O", "Mg"])


@pytest.mark.parametrize("min_distance", [None, 0.5])
def test_cutoff_below_all_distances(noisy, min_distance):
    descriptor = {**DESCRIPTOR, "cutoff": 1.0, "min_distance": min_distance}
    refuse(noisy, "closer than the cutoff of 1.0 angstrom", descriptor=descriptor)


@pytest.mark.parametrize("cutoff", [0, -1.0, np.nan, np.inf])
def test_cutoff_that_is_none(noisy, cutoff):
    refuse(noisy, "cutoff must be a positive", descriptor={**DESCRIPTOR, "cutoff": cutoff})


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"levl": 8}, 'Unknown parameter "levl"'),
        ({"level": 7}, "even number from 2 to 28, not 7"),
        ({"level": None}, '"level"'),
        ({"cutoff": None}, '"cutoff"'),
        ({"cutoff": "5 A"}, '"cutoff"'),
        ({"radial_basis_size": 0}, "radial_basis_size must be 1 to 32"),
        ({"min_distance": 5.0}, "must be larger than min_distance"),
    ],
)
def test_descriptor_settings(noisy, change, part):
    refuse(noisy, part, descriptor={**DESCRIPTOR, **change})


def test_model_settings(noisy):
    refuse(noisy, 'Unknown parameter "share"', 'did you mean "shared"', model={"share": False})
    offsets = {"energy_offsets": {"Mg": 1.0}}
    refuse(noisy, "energy_offsets are for Mg, but the elements are Mg, O", model=offsets)


def test_unknown_keyword(noisy):
    with pytest.raises(ValueError, match='Unknown key "levels" in the settings'):
        fs.fit(noisy, levels=8)


FITSNAP_WEIGHTS = {  # energy, force, stress by group, from FitSNAP's example
    **dict.fromkeys(["Displaced_A15", "Displaced_BCC", "Displaced_FCC"], (100, 1, 1e-8)),
    **dict.fromkeys(["GSF_110", "GSF_112", "Surface"], (100, 1, 1e-8)),
    **dict.fromkeys(["Volume_A15", "Volume_BCC", "Volume_FCC"], (1, 1e-9, 1e-9)),
    "Elastic_BCC": (1e-8, 1e-8, 1e-4),
    "Elastic_FCC": (1e-9, 1e-9, 1e-9),
    "Liquid": (467, 1, 1e-8),
}
FITSNAP_UNWEIGHTED_ERRORS = {  # MAE, RMSE: eV/atom, eV/angstrom, bar
    "energy": (0.112787, 0.379769),
    "force": (0.0757576, 0.160973),
    "stress": (68338.6, 381744),
}


def test_agrees_with_fitsnap(shared_data):
    """Coefficients and errors of FitSNAP's tantalum example, the reference potential included."""
    folder = shared_data / "fitsnap_ta"
    data = fs.read(folder / "Ta.extxyz")
    names = ("energy", "force", "stress")
    groups = {
        group: dict(zip(names, weights, strict=True)) for group, weights in FITSNAP_WEIGHTS.items()
    }
    result = fs.fit(
        data,
        descriptor={"type": "bispectrum", "twojmax": 6, "rcutfac": 4.67637, "bzeroflag": False},
        zbl={"inner": 4.0, "outer": 4.8},
        weights={"convention": "fitsnap", "groups": groups},
        optimizer={"ridge": 0.0},
    )
    theirs = fs.Potential.read(folder / "Ta_pot.snapcoeff")
    np.testing.assert_allclose(
        result.potential._core.model_parameters, theirs._core.model_parameters, rtol=1e-6
    )
    total = result.train_errors.total
    unit = {"energy": 1000.0, "force": 1.0, "stress": units.bar / units.GPa}
    for name, (mae, rmse) in FITSNAP_UNWEIGHTED_ERRORS.items():
        assert getattr(total, f"{name}_mae") / unit[name] == pytest.approx(mae, rel=1e-5)
        assert getattr(total, f"{name}_rmse") / unit[name] == pytest.approx(rmse, rel=1e-5)


def test_own_coefficients_per_element(noisy):
    shared = linear_fit(noisy)
    own = linear_fit(noisy, model={"shared": False})
    assert own.potential.info()["model"]["shared"] is False
    assert own.history[-1]["loss"] < shared.history[-1]["loss"]


@pytest.mark.parametrize("cutoff", [10**400, 1e7, 0.0])
def test_cutoffs_that_cannot_be(crystals, cutoff):
    with pytest.raises(ValueError, match="distance in angstrom, at most 100, not") as caught:
        fs.fit(crystals, descriptor={"type": "moment_tensor", "level": 2, "cutoff": cutoff})
    assert len(str(caught.value)) < 300


def test_linear_fit_whose_loss_is_not_finite(crystals):
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0, "weights": [1e160]}
    with pytest.raises(ValueError, match="The loss is not finite; look for labels, weights"):
        fs.fit(crystals, descriptor=descriptor, model={"type": "quadratic"})


def test_results_that_are_not_finite_are_refused(crystals, small_potential):
    potential = fs.Potential.from_json(small_potential.to_json())
    potential._core.model_parameters = np.full(len(potential._core.model_parameters), np.inf)
    with pytest.raises(ValueError, match="the energy or a force of the potential is not finite"):
        potential.evaluate(crystals[0])


def test_weights_of_groups_that_are_not_there(noisy):
    groups = {"group1": {"energy": 2.0}, "gruop2": {"energy": 2.0}, "*-hot": {"force": 2.0}}
    with pytest.warns(
        UserWarning, match=r"weights\.groups has gruop2, \*-hot, but .* group0, group1"
    ):
        linear_fit(noisy, weights={"groups": groups})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        linear_fit(noisy, weights={"groups": {"group1": {"energy": 2.0}, "*1": {"force": 2.0}}})
