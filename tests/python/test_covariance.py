"""Covariance of the coefficients of linear fits, potentials drawn from it, bars of properties."""

from __future__ import annotations

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from forcesmith.properties.registry import PROPERTIES
from forcesmith.properties.subject import Subject, subject_settings
from forcesmith.training.covariance import Covariance, covariance_file
from forcesmith.training.settings import WeightSettings
from forcesmith.training.training_set import TrainingSet

DESCRIPTOR = {"type": "moment_tensor", "level": 8, "cutoff": 4.5}
ONCE = {"max_iterations": 1}
SETTINGS = {
    "descriptor": DESCRIPTOR,
    "optimizer": ONCE,
    "active_set": {"mode": "off"},
    "wall": False,
}


def labelled(count, strain, seed=1):
    """Copper by EMT, strained by chance and rattled."""
    rng = np.random.default_rng(seed)
    data = []
    for _ in range(count):
        atoms = bulk("Cu", a=3.6, cubic=True) * (2, 1, 1)
        moved = np.eye(3) + rng.normal(0, strain, (3, 3))
        atoms.set_cell(atoms.cell.array @ moved, scale_atoms=True)
        atoms.rattle(0.05, rng=rng)
        atoms.calc = EMT()
        atoms.get_stress()
        atoms.calc = SinglePointCalculator(atoms, **atoms.calc.results)
        data.append(atoms)
    return data


@pytest.fixture(scope="module")
def data():
    return labelled(25, 0.03)


@pytest.fixture(scope="module")
def fitted(data):
    return fs.fit(data, settings=SETTINGS, covariance=True)


def weighted_design(potential, data):
    training_set = TrainingSet(data, ["Cu"], DESCRIPTOR["cutoff"], WeightSettings())
    (batch,) = training_set.batches
    design = potential._core.design_matrix(batch.neighbors, 0, len(data))
    return design * np.sqrt(batch.rows(batch.weights, 0, len(data)))


def test_covariance_of_the_coefficients(data, fitted):
    """T (A^T A)^-1 of the whole design matrix; on its rows, the spread is the misfit."""
    found = fitted.covariance
    design = weighted_design(fitted.potential, data)
    n_rows, n_columns = design.shape
    assert found.n_rows == n_rows
    assert found.n_determined == pytest.approx(n_columns, rel=0.02)
    loss = fitted.history[-1]["loss"]
    variance = loss / (n_rows - found.n_determined)
    assert found.residual_variance == pytest.approx(variance, rel=1e-6)
    assert found.scale == pytest.approx(variance * n_rows / found.n_determined, rel=1e-6)
    norms = np.linalg.norm(design, axis=0)
    penalty = 1e-10 * np.eye(n_columns)
    inverse = np.linalg.inv((design / norms).T @ (design / norms) + penalty)
    expected = found.scale * inverse / np.outer(norms, norms)
    size = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        found.matrix() / np.outer(size, size), expected / np.outer(size, size), atol=1e-4
    )
    spread = np.einsum("ij,jk,ik->i", design, found.matrix(), design)
    assert spread.mean() == pytest.approx(variance, rel=1e-6)


def test_potentials_are_drawn_with_this_mean_and_covariance(fitted):
    center = fitted.potential._core.model_parameters
    count = 400
    drawn = list(fitted.covariance.draw(fitted.potential, count))
    coefficients = np.array([one._core.model_parameters for one in drawn]) - center
    # in coordinates in which they are independent and of unit size
    whitened = coefficients @ np.linalg.pinv(fitted.covariance.factor, rcond=1e-12).T
    whitened /= np.sqrt(fitted.covariance.scale)
    assert np.abs(whitened.mean(axis=0)).max() < 5 / np.sqrt(count)
    covariance = whitened.T @ whitened / count
    assert np.abs(covariance - np.eye(len(covariance))).max() < 5 * np.sqrt(2 / count)
    again = next(fitted.covariance.draw(fitted.potential, 1))
    np.testing.assert_array_equal(again._core.model_parameters, drawn[0]._core.model_parameters)
    np.testing.assert_array_equal(fitted.potential._core.model_parameters, center)


def test_the_potential_is_the_same_to_the_last_bit(data, fitted):
    without = fs.fit(data, settings=SETTINGS)
    assert without.covariance is None
    np.testing.assert_array_equal(
        without.potential._core.model_parameters, fitted.potential._core.model_parameters
    )


def test_bars_of_properties(data, tmp_path):
    """They grow where the data have nothing to say: without strains, of elastic constants."""
    for name, own in (("wide", data), ("narrow", labelled(25, 0.005))):
        fs.fit(own, settings={"covariance": True, "descriptor": DESCRIPTOR, "optimizer": ONCE},
               checkpoint=tmp_path / f"{name}.json")  # fmt: skip
    files = [tmp_path / "wide.json", tmp_path / "narrow.json"]
    settings = {"properties": ["elastic_constants"], "samples": 3, "engine": {"cores": 1}}
    found = fs.validate(["fcc Cu 3.6"], files, "emt", settings, tmp_path / "out")
    assert not found.failed
    rows = {row.quantity: row.values for row in found.rows("Cu", "elastic_constants")}
    alone = Subject(subject_settings(files[0]))
    lattice = PROPERTIES["lattice"]().compute(bulk("Cu", a=3.6), alone, None)
    own = PROPERTIES["elastic_constants"]().compute(Atoms(**lattice.crystal), alone, None)
    assert rows["C11"]["wide.json"].value == pytest.approx(own.quantities["C11"].value, rel=1e-6)
    for name in ("C11", "C12", "C44"):
        assert 0 < rows[name]["wide.json"].error < rows[name]["narrow.json"].error
    assert rows["C11"]["emt"].error is None
    for row in found.rows("Cu", "elastic_constants"):
        limit = 0.1 * abs(row.values["emt"].value)  # whatever the bars
        for name, deviation in row.deviations.items():
            if row.unit == "GPa":
                assert (row.verdicts[name] == "good") == (abs(deviation) <= limit)
    entry = found.entry("Cu", "elastic_constants", "wide.json")
    assert "from 3 potentials drawn" in (tmp_path / "out" / "report.html").read_text()
    assert entry.result.largest_grade is not None
    assert len(list((tmp_path / "out" / "samples").iterdir())) == 6


def test_files(data, fitted, tmp_path):
    path = tmp_path / "cu.json"
    fs.fit(data, settings=SETTINGS, checkpoint=path)
    assert not covariance_file(path).exists()
    with pytest.raises(ValueError, match="no file NAME.covariance.npz"):
        fs.validate(["fcc Cu 3.6"], [path], None, {"samples": 2}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    # a finished fit gets it without fitting again
    again = {**SETTINGS, "covariance": True, "optimizer": {**ONCE, "resume": True}}
    result = fs.fit(data, settings=again, checkpoint=path)
    assert result.was_finished
    potential = fs.Potential.read(path)
    read = Covariance.read(path, potential)
    np.testing.assert_array_equal(read.matrix(), result.covariance.matrix())
    np.testing.assert_allclose(read.matrix(), fitted.covariance.matrix(), rtol=1e-6)
    assert covariance_file(path).stat().st_size < 8 * read.factor.size + 3000
    other = next(read.draw(potential, 1))
    with pytest.raises(ValueError, match="belongs to another potential"):
        Covariance.read(path, other)
    covariance_file(path).write_bytes(covariance_file(path).read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged, cut off"):
        Covariance.read(path, potential)


@pytest.mark.parametrize(
    ("settings", "checkpoint", "words"),
    [
        ({"model": {"type": "neural_network", "hidden_layers": [2]}}, None, "linear or quadratic"),
        ({"optimizer": {"solver": "ard"}}, None, 'optimizer.solver "svd"'),
        ({}, "cu.mtp", "beside a .json file only"),
    ],
)
def test_what_has_no_covariance(data, tmp_path, settings, checkpoint, words):
    given = {"descriptor": DESCRIPTOR, "covariance": True, **settings}
    with pytest.raises(ValueError, match=".") as caught:
        fs.fit(data, settings=given, checkpoint=checkpoint and tmp_path / checkpoint)
    assert words in str(caught.value) and len(str(caught.value)) <= 300


def test_too_few_data_are_warned_of(data):
    with pytest.warns(UserWarning, match="No covariance: 7 labels for"):
        data = [data[0].copy()]
        data[0].calc = SinglePointCalculator(data[0], energy=1.0, stress=np.zeros(6))
        result = fs.fit(data, descriptor=DESCRIPTOR, optimizer=ONCE, covariance=True,
                        weights={"force": 0.0})  # fmt: skip
    assert result.covariance is None
