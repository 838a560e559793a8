"""Proper orthogonal descriptors: files of `pair_style pod`, settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase.build import bulk
from neighborhoods import core_basis, random_neighborhood
from pod_files import write_pod_files
from reference_pod import energies_and_forces, read_pod_files


def crystal(elements):
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    atoms.rattle(0.1, seed=2)
    atoms.symbols = [elements[k % len(elements)] for k in range(len(atoms))]
    return atoms


def potential_of(**descriptor) -> fs.Potential:
    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": ["Mg", "O"],
        "descriptors": [{"type": "pod", "cutoff": 4.5, **descriptor}],
        "model": {"type": "linear", "shared": False},
    }
    return fs.Potential.from_json(json.dumps(document), trained=False)


@pytest.mark.parametrize(
    ("elements", "nmax", "lmax", "clusters"),
    [
        (["Mg", "O"], [4, 3, 2, 2, 2, 2], [0, 4, 3, 3, 2, 3], 1),
        (["Mg"], [5, 3, 2, 2, 2, 2], [0, 5, 4, 3, 4, 4], 1),
        (["Mg", "O", "Al"], [3, 2, 2, 0, 0, 0], [0, 2, 2, 0, 0, 0], 1),
        (["Mg"], [2, 7, 0, 0, 0, 0], [0, 5, 0, 0, 0, 0], 1),
        (["O", "Mg"], [5, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], 1),
        (["Mg", "O"], [3, 2, 1, 1, 0, 0], [0, 3, 2, 1, 0, 0], 3),
    ],
)
def test_files_are_read_and_written(elements, nmax, lmax, clusters, tmp_path):
    """As the reference, which is pair_style pod; of all numbers of bodies."""
    files = write_pod_files(tmp_path, elements, nmax, lmax, clusters=clusters)
    atoms = crystal(elements)
    energies, forces = energies_and_forces(read_pod_files(*files), atoms)
    potential = fs.Potential.read(files[0])
    result = potential.evaluate(atoms)
    np.testing.assert_allclose(result.energies, energies, atol=2e-11 * np.abs(energies).max())
    np.testing.assert_allclose(result.forces, forces, atol=2e-11 * np.abs(forces).max())
    potential.write(tmp_path / "own_coeff.pod")
    assert (tmp_path / "own_param.pod").exists()
    again = fs.Potential.read(tmp_path / "own_param.pod").evaluate(atoms)
    np.testing.assert_array_equal(again.forces, result.forces)
    potential.write(tmp_path / "own.json")
    again = fs.Potential.read(tmp_path / "own.json").evaluate(atoms)
    np.testing.assert_array_equal(again.forces, result.forces)


def test_files_are_found_under_either_name(tmp_path):
    param, coeff = write_pod_files(tmp_path, ["Mg"], [3, 2, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0])
    shutil.move(coeff, tmp_path / "a_coefficients.pod")
    for name in (param.name, "a_coefficients.pod"):
        assert fs.Potential.read(tmp_path / name).elements == ["Mg"]
    (tmp_path / "a_coefficients.pod").unlink()
    with pytest.raises(ValueError, match="a_coeff.pod"):
        fs.Potential.read(param)


def test_fit(crystals, tmp_path):
    """A linear model, which fits into files of pod; side by side with another descriptor."""
    settings = {"type": "pod", "cutoff": 4.5, "inner_cutoff": 1.0, "nmax": [5, 3], "lmax": [0, 3]}
    fitted = fs.fit(crystals, descriptor=settings, model={"type": "linear"})
    one = fitted.train_errors.groups["all"].force_rmse
    assert one < 0.2
    fitted.potential.write(tmp_path / "a_coeff.pod")
    again = fs.Potential.read(tmp_path / "a_coeff.pod")
    forces = again.evaluate(crystals[0]).forces
    np.testing.assert_allclose(forces, fitted.potential.evaluate(crystals[0]).forces, atol=1e-10)
    bispectrum = {"type": "bispectrum", "twojmax": 4, "rcutfac": 4.5}
    both = fs.fit(crystals, descriptor=[settings, bispectrum], model={"type": "linear"})
    assert both.train_errors.groups["all"].force_rmse < 0.6 * one


def test_neighbors_at_the_inner_cutoff():
    """Where sines are divided by 0: values and derivatives lie between those on both sides."""
    document = json.loads(potential_of(inner_cutoff=1.5).to_json())
    _, neighbors, displacements = random_neighborhood(4)

    def basis(step):
        displacements[0] *= (1.5 + step) / np.linalg.norm(displacements[0])
        return core_basis(document, 0, neighbors, displacements)

    for step in (0.0, 1e-7, -1e-6):
        middle, *sides = basis(step), basis(step + 1e-4), basis(step - 1e-4)
        for at, below, above in zip(middle, *sides, strict=True):
            assert np.abs(above - below).max() > 2e-5 * np.abs(at).max()
            np.testing.assert_allclose(at, (below + above) / 2, atol=1e-5 * np.abs(at).max())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cutoff": 0.4}, "must be larger than inner_cutoff"),
        ({"inner_cutoff": -1.0}, "must be larger than inner_cutoff"),
        ({"bessel_degree": -1}, "must not be negative"),
        ({"bessel_degree": 0, "inverse_degree": 0}, "nor both be 0"),
        ({"inverse_degree": 99}, "at most 64"),
        ({"nmax": [2, 2], "lmax": [0]}, "the same number of entries"),
        ({"nmax": [2] * 7, "lmax": [0] * 7}, "1 to 6"),
        ({"nmax": [2, 2], "lmax": [1, 1]}, "first lmax must be 0"),
        ({"nmax": [2, 99], "lmax": [0, 1]}, "nmax of 3 bodies must be 0 to 24, not 99"),
        ({"nmax": [2, 2], "lmax": [0, 13]}, "lmax of 3 bodies must be 0 to 12, not 13"),
        ({"nmax": [2, 2, 3], "lmax": [0, 4, 2]}, "not be larger than those of 3 bodies"),
        ({"nmax": [2, 2, 2, 1], "lmax": [0, 4, 2, 3]}, "not be larger than those of 4 bodies"),
        ({"nmax": [0], "lmax": [0]}, "no radial function at all"),
        ({"nmax": [20], "lmax": [0]}, "determine only"),
        ({"nmax": [10] * 6, "lmax": [0] + [6] * 5}, "more than the supported 20000 values"),
        ({"radial_coefficients": [1.0, 2.0]}, "radial coefficients"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message) as caught:
        potential_of(**change)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("param", "onebody 1", "onebody 0", "onebody 0 is not supported"),
        ("param", "clusters 1", "clusters 4", "do not belong together"),
        ("param", "clusters 1", "clusters 0", "number_of_environment_clusters must be at least 1"),
        ("param", "rin 0.9", "rinn 0.9", 'POD parameter "rinn"'),
        ("param", "rin 0.9", "rin 0.9\nrin 1.0", "rin is there twice"),
        ("param", "rin 0.9", "rin", "rin needs one value"),
        ("param", "species Mg", "species Mg Mg", "Mg"),
        ("param", "degree 2", "degree 3", "do not belong together"),
        ("coeff", "model_coefficients: 10 0 0", "model_coefficients: 10 8 0", "announces 18"),
        ("coeff", "model_coefficients: 10 0 0", "model_coefficients: 4 6 0", "has 4 coefficients"),
        ("coeff", "model_coefficients: 10 0 0", "model_coefficients: 11 0 0", "announces 11"),
        ("coeff", "model_coefficients: 10 0 0", "POD_coefficients: 10", "before 2024"),
    ],
)
def test_what_is_not_supported_is_named(file, old, new, message, tmp_path):
    files = write_pod_files(tmp_path, ["Mg"], [3, 2, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0])
    path = files[file == "coeff"]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message) as caught:
        fs.Potential.read(files[0])
    assert path.name in str(caught.value)
    assert len(str(caught.value).replace(str(tmp_path), "")) <= 300


def test_what_files_cannot_hold_is_refused(tmp_path):
    potential = potential_of()
    document = json.loads(potential.to_json())
    document["descriptors"][0]["radial_coefficients"][0] *= 2
    other = fs.Potential.from_json(json.dumps(document))
    with pytest.raises(ValueError, match="not those that LAMMPS makes"):
        other.write(tmp_path / "a_coeff.pod")
    assert not list(Path(tmp_path).iterdir())
