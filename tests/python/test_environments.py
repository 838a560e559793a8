"""The model "environments": kinds of environments are found in the data, and help."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from contract_examples import make_potential
from forcesmith.sampling.diversity import descriptor_values

DESCRIPTOR = {"type": "pod", "cutoff": 4.5, "inner_cutoff": 0.9, "nmax": [4, 2], "lmax": [0, 2]}


@pytest.fixture(scope="module")
def data():
    """Crystals of two lattices, with labels of a model that is not linear."""
    teacher = make_potential([DESCRIPTOR], {"type": "quadratic", "shared": False}, ["Mg", "O"])
    configurations = []
    for number in range(16):
        lattice, a = ("rocksalt", 4.2) if number % 2 else ("cesiumchloride", 2.7)
        atoms = bulk("MgO", lattice, a=a, cubic=True).repeat(1 if number % 2 else (2, 2, 1))
        atoms.rattle(0.05, seed=number)
        found = teacher.evaluate(atoms)
        atoms.calc = SinglePointCalculator(atoms, energy=found.energy, forces=found.forces)
        configurations.append(atoms)
    return configurations


def fit(data, **model):
    return fs.fit(data, descriptor=DESCRIPTOR, model=model, weights={"energy": 1.0, "force": 0.1})


def test_environments_are_those_of_the_data(data):
    """Every centroid is the mean of the atoms that it is closest to; errors are smaller for it."""
    result = fit(data, type="environments", clusters=2, components=2)
    potential = result.potential
    model = json.loads(potential.to_json())["model"]
    for index, element in enumerate(potential.elements):
        projection, centroids = (
            np.array(model[key][index]) for key in ("projections", "centroids")
        )
        values, _ = descriptor_values(potential, fs.Dataset(data))[element]
        points = values @ projection
        distances = np.linalg.norm(points[:, np.newaxis] - centroids, axis=2)
        nearest = distances.argmin(axis=1)
        for kind in range(2):
            np.testing.assert_allclose(points[nearest == kind].mean(axis=0), centroids[kind])
    one = fit(data, type="linear", shared=False)
    assert result.train_errors.total.force_rmse < 0.7 * one.train_errors.total.force_rmse


def test_the_seed_is_kept_and_counts(data):
    models = [
        json.loads(fit(data, type="environments", clusters=4, seed=seed).potential.to_json())[
            "model"
        ]
        for seed in (7, 7, 8)
    ]
    assert [model["seed"] for model in models] == [7, 7, 8]
    assert models[0]["centroids"] == models[1]["centroids"] != models[2]["centroids"]


def test_one_kind_is_the_linear_model(data):
    one = fit(data, type="environments", clusters=1).potential.evaluate(data[0])
    linear = fit(data, type="linear", shared=False).potential.evaluate(data[0])
    np.testing.assert_allclose(one.forces, linear.forces, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clusters": 0}, "clusters must be 1 to 1000, not 0"),
        ({"components": 1001}, "components must be 1 to 1000"),
        ({"clusters": 100}, r"32 atom\(s\) of Mg, fewer than the 100 kinds"),
        ({"components": 50}, "fewer than the 50 principal components"),
        ({"centroids": [[[0.0, 1.0]] * 4] * 2}, "projections and centroids of environments belong"),
        ({"centroids": []}, r"expected centroids of 2 element\(s\), found none"),
        ({"centroids": [[[0.0]]], "projections": [[[0.0]]]}, r"expected projections of 2 element"),
        (
            {"centroids": [[[0.0]]] * 2, "projections": [[[0.0]]] * 2},
            r"the projections of an element must be \d+ list\(s\) of 2",
        ),
    ],
)
def test_bad_settings(change, message, data):
    with pytest.raises(ValueError, match=message) as caught:
        fit(data[:8], type="environments", **change)
    assert len(str(caught.value)) <= 300
