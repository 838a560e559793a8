"""Models: what they make of given descriptor values (their derivatives are in test_contract.py)."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import DESCRIPTORS, make_potential, structures
from forcesmith.neighbors import make_batch

DESCRIPTOR = {"type": "moment_tensor", **DESCRIPTORS["moment_tensor"][0], "level": 6}


def document(**model) -> str:
    return json.dumps(
        {
            "format": "forcesmith potential",
            "version": 1,
            "elements": ["Mg", "O"],
            "descriptors": [DESCRIPTOR],
            "model": {"type": "linear", **model},
        }
    )


def test_linear_model_starts_at_zero():
    potential = fs.Potential.from_json(document())
    result = potential.evaluate(structures(potential.cutoff)["crystal"])
    assert not result.energies.any() and not result.forces.any()
    assert potential._core.linear_in_parameters


def test_linear_energy_offsets():
    potential = fs.Potential.from_json(document(energy_offsets=[-1.5, 2.25]))
    result = potential.evaluate(structures(potential.cutoff)["cluster"])
    expected = [-1.5 if symbol == "Mg" else 2.25 for symbol in "Mg O O Mg O Mg Mg O O".split()]
    assert result.energies.tolist() == expected
    assert not result.forces.any()


def test_linear_parameters_are_offsets_then_coefficients():
    shared = fs.Potential.from_json(
        document(energy_offsets=[1.0, 2.0], coefficients=[[3.0, 4.0, 5.0, 6.0, 7.0]])
    )
    assert shared._core.model_parameters.tolist() == [1, 2, 3, 4, 5, 6, 7]
    own = fs.Potential.from_json(
        document(
            shared=False,
            energy_offsets=[1.0, 2.0],
            coefficients=[[3.0] * 5, [4.0, 4.0, 4.0, 4.0, 5.0]],
        )
    )
    assert own._core.model_parameters.tolist() == [1, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5]


def test_own_coefficients_that_are_equal_act_as_shared_ones():
    shared = make_potential([DESCRIPTOR], {"type": "linear", "shared": True})
    own = make_potential([DESCRIPTOR], {"type": "linear", "shared": False})
    own._core.descriptor_parameters = shared._core.descriptor_parameters
    offsets, coefficients = np.split(shared._core.model_parameters, [2])
    own._core.model_parameters = np.concatenate([offsets, coefficients, coefficients])
    for atoms in structures(shared.cutoff).values():
        a, b = shared.evaluate(atoms), own.evaluate(atoms)
        np.testing.assert_array_equal(a.energies, b.energies)
        np.testing.assert_array_equal(a.forces, b.forces)
    # And the other way round: the coefficients of an element touch only its own site energies.
    own._core.model_parameters = np.concatenate([offsets, coefficients, 2 * coefficients])
    atoms = structures(shared.cutoff)["crystal"]
    before, after = shared.evaluate(atoms).energies, own.evaluate(atoms).energies
    is_mg = np.array([symbol == "Mg" for symbol in atoms.symbols])
    np.testing.assert_array_equal(after[is_mg], before[is_mg])
    np.testing.assert_allclose(
        after[~is_mg] - offsets[1], 2 * (before[~is_mg] - offsets[1]), rtol=1e-12
    )


def test_model_parameters_set_one_by_one_are_the_columns_of_the_design_matrix():
    potential = make_potential([DESCRIPTOR], {"type": "linear", "shared": False})
    core = potential._core
    atoms = structures(potential.cutoff)["crystal"]
    batch = make_batch([atoms], ["Mg", "O"], potential.cutoff)
    rows = core.design_matrix(batch, 0, 1)
    for column in range(len(core.model_parameters)):
        unit = np.zeros(len(core.model_parameters))
        unit[column] = 1.0
        core.model_parameters = unit
        result = potential.evaluate(atoms)
        np.testing.assert_allclose(result.energy, rows[0, column], rtol=1e-11, atol=1e-12)
        expected = rows[7:, column]
        np.testing.assert_allclose(
            result.forces.ravel(), expected, rtol=0, atol=1e-11 * (1 + np.abs(expected).max())
        )


@pytest.mark.parametrize("name", ["model_parameters", "descriptor_parameters"])
def test_wrong_number_of_parameters_is_refused(name):
    core = make_potential([DESCRIPTOR], {"type": "linear"})._core
    right = getattr(core, name)
    for wrong in (right[:-1], np.append(right, 0.0), right[:0]):
        with pytest.raises(ValueError, match=f"{len(right)}.*{len(wrong)} were given"):
            setattr(core, name, wrong)
    np.testing.assert_array_equal(getattr(core, name), right)
