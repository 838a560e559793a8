"""Information vectors: derivatives of the energy with parameters, which extrapolation grades look
at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forcesmith import _core


def information_sums(
    core: _core.Potential, batch: _core.Batch, sizes: Sequence[int], parameters: str, threads: int
) -> np.ndarray:
    """The sum of the b_i of each configuration, shape (n_configurations, n_columns).

    With `parameters` "linear" the columns are those of the first element, then of the second, ...
    sizes: atoms of the configurations.
    """
    vectors = core.information_vectors(batch, parameters, threads)
    if parameters == "linear":
        counts = [core.n_features(element) for element in range(len(core.elements))]
        of_elements = [
            np.where((batch.types == element)[:, None], vectors[:, :count], 0.0)
            for element, count in enumerate(counts)
        ]
        vectors = np.hstack(of_elements)
    sums = np.zeros((len(sizes), vectors.shape[1]))
    np.add.at(sums, np.repeat(np.arange(len(sizes)), sizes), vectors)
    return sums


def configuration_grades(
    core: _core.Potential, batch: _core.Batch, sizes: Sequence[int], threads: int
) -> np.ndarray:
    """Grades of whole configurations by an active set of mode "configurations"."""
    active_set = core.active_set
    assert active_set is not None
    sums = information_sums(core, batch, sizes, active_set["parameters"], threads)
    sums *= np.maximum(sizes, 1)[:, None] ** (-0.5 * active_set["weight_scaling"])
    return np.abs(sums @ active_set["inverses"][0]).max(axis=1)
