"""Registered descriptors against their slow references, with the settings of contract_examples.py.

reference_<name>.py is written from the papers and shares no code with cpp/. Its function
    descriptor_values(descriptor, elements, center, neighbors, displacements)
returns the values (values,) of one atom: the descriptor as it stands in a potential file, the
elements of the potential, the element of the atom, those of its neighbors (n,), both as indices,
and r_ij (n, 3) in angstrom; neighbors may be beyond the cutoff.
"""

from __future__ import annotations

import importlib
import json

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import DESCRIPTORS, ELEMENTS, make_potential
from neighborhoods import core_basis, random_neighborhood

CASES = {
    f"{name}{number}": {"type": name, **settings}
    for name in fs.registry()["descriptors"]
    for number, settings in enumerate(DESCRIPTORS.get(name, []))
}


@pytest.mark.parametrize("seed", [2, 3])  # centers of both elements
@pytest.mark.parametrize("case", CASES)
def test_values_and_derivatives(case, seed):
    """Derivatives as neighbors move along random lines, by differences of fourth order."""
    descriptor = CASES[case]
    reference = importlib.import_module(f"reference_{descriptor['type']}").descriptor_values
    potential = make_potential([descriptor], {"type": "linear", "shared": False})
    document = json.loads(potential.to_json())
    center, neighbors, displacements = random_neighborhood(seed)
    B, gradients = core_basis(document, center, neighbors, displacements)
    lines = np.random.default_rng(seed).normal(size=displacements.shape)

    def values(step):
        moved = displacements + step * lines
        return reference(document["descriptors"][0], ELEMENTS, center, neighbors, moved)

    expected = values(0.0)
    assert B.shape == expected.shape and np.abs(expected).max() > 0
    np.testing.assert_allclose(B, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    h = 4e-4
    expected = (8 * (values(h) - values(-h)) - (values(2 * h) - values(-2 * h))) / (12 * h)
    along = np.einsum("jak,ja->k", gradients, lines)
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(along, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    assert not gradients[-1].any()  # beyond the cutoff
