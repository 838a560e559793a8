"""Statistics of the descriptor values of the training set, as models see them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from contract_examples import DESCRIPTORS, ELEMENTS, crystal, make_potential
from forcesmith.training.input_statistics import standardize_inputs
from forcesmith.training.settings import WeightSettings
from forcesmith.training.training_set import TrainingSet
from sample_data import labelled

DESCRIPTOR = {"type": "moment_tensor", **DESCRIPTORS["moment_tensor"][0], "level": 6}


def training_set(elements: list[str] = ELEMENTS) -> TrainingSet:
    crystals = [crystal(seed=seed) for seed in range(12)]
    data = [labelled(atoms, energy=0.0, forces=np.zeros((8, 3))) for atoms in crystals]
    return TrainingSet(data, elements, DESCRIPTOR["cutoff"], WeightSettings())


def test_standardised_inputs_have_mean_0_and_spread_1_and_lie_in_their_range():
    potential = make_potential([DESCRIPTOR], {"type": "neural_network", "hidden_layers": [3]})
    (batch,) = training_set().batches
    before = potential._core.model_parameters
    standardize_inputs(potential._core, training_set(), 1)
    np.testing.assert_array_equal(potential._core.model_parameters, before)
    model = json.loads(potential.to_json())["model"]
    values = potential._core.descriptor_values(batch.neighbors)
    for element in range(2):
        own = values[batch.neighbors.types == element]
        x = (own - model["input_shift"][element]) * model["input_factor"][element]
        np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-9)
        np.testing.assert_array_equal(own.min(axis=0), model["input_min"][element])
        np.testing.assert_array_equal(own.max(axis=0), model["input_max"][element])


def test_element_without_atoms():
    elements = [*ELEMENTS, "Si"]
    model = {"type": "neural_network", "hidden_layers": [3]}
    potential = make_potential([DESCRIPTOR], model, elements)
    with pytest.raises(ValueError, match="The training data has no atom of Si"):
        standardize_inputs(potential._core, training_set(elements), 1)
