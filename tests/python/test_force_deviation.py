"""How far the forces of a committee are from each other."""

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import ELEMENTS, crystal, make_potential, potential_cases


@pytest.fixture(scope="module")
def members():
    cases = {name: (descriptors, model) for name, descriptors, model in potential_cases()}
    return [make_potential(*cases["bispectrum0-linear1"], seed=seed) for seed in range(3)]


def test_is_the_definition(members):
    atoms = [crystal(ELEMENTS, seed=1), crystal(ELEMENTS, seed=2)]
    forces = np.array([potential.evaluate(atoms[1]).forces for potential in members])
    expected = np.sqrt((np.linalg.norm(forces - forces.mean(axis=0), axis=2) ** 2).mean(axis=0))
    found = fs.force_deviation(members, atoms)
    assert expected.min() > 0.01 and len(found) == 2
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    np.testing.assert_allclose(fs.force_deviation(members, atoms[1]), found[1], rtol=1e-12)


def test_members_that_agree(members):
    assert fs.force_deviation([members[0]] * 3, crystal()).max() < 1e-12


def test_no_member():
    with pytest.raises(ValueError, match="at least one potential"):
        fs.force_deviation([], crystal())
