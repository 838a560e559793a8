"""Diversity of data: principal components of descriptor values, and thinning by them.

M. J. Waters and J. M. Rondinelli, J. Phys.: Condens. Matter 34, 385901 (2022): the wider a set
spreads over the principal components of all sets together, the more a potential learns from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms
from rich.box import SIMPLE_HEAD
from rich.table import Table

from forcesmith.data.batches import make_batch, portions
from forcesmith.data.dataset import Dataset
from forcesmith.potentials.evaluator import worker_count
from forcesmith.potentials.potential import Potential
from forcesmith.training.settings import FitSettings
from forcesmith.training.starting_potential import starting_potential

ThinMethod = Literal["farthest_point", "leverage"]
NEGLIGIBLE = 1e-10  # of the variance, in components that are left out
USUAL_DESCRIPTOR: dict[str, Any] = {"level": 8, "cutoff": 5.0}
"""Of the type that a fit takes by default."""
KEPT_VARIANCE = 0.999  # of features, for leverage scores


@dataclass(frozen=True)
class Components:
    """Principal components of the descriptor values of one element, over all sets together.

    Values are usually divided by their standard deviation over all sets before.
    """

    mean: np.ndarray
    """(n_values,)"""
    factor: np.ndarray
    """(n_values,), 1 over the standard deviation, or 1; 0 for what does not vary."""
    basis: np.ndarray
    """(n_values, n_components), orthonormal columns, by falling variance."""
    variances: np.ndarray
    """(n_components,) over all sets together."""

    def project(self, values: np.ndarray) -> np.ndarray:
        """Express descriptor values in the components.

        Parameters
        ----------
        values
            (n_atoms, n_values)

        Returns
        -------
        ndarray
            (n_atoms, n_components)
        """
        return ((values - self.mean) * self.factor) @ self.basis


@dataclass(frozen=True)
class Diversity:
    """How widely sets of configurations spread, by element."""

    components: dict[str, Components]
    """By element: one basis for all sets."""
    projected: dict[str, dict[str, np.ndarray]]
    """{set: {element: (n_atoms, n_components)}}."""

    def variances(self, name: str, element: str) -> np.ndarray:
        """Give the variances of a set along the components.

        Parameters
        ----------
        name
            Of the set.
        element
            Symbol.

        Returns
        -------
        ndarray
            (n_components,); zeros for a set without that element.
        """
        own = self.projected[name][element]
        return own.var(axis=0) if len(own) else np.zeros(own.shape[1])

    def spread(self, name: str, element: str | None = None) -> float:
        """Give the norm of the root variances of a set.

        Parameters
        ----------
        name
            Of the set.
        element
            Symbol; None: the norm over the components of all elements.

        Returns
        -------
        float
            Without unit.
        """
        elements = [element] if element else list(self.components)
        return float(np.sqrt(sum(self.variances(name, one).sum() for one in elements)))

    def to_dict(self) -> dict[str, Any]:
        """Make a plain nested dictionary.

        Returns
        -------
        dict
            {set: {"spread": {element or "all": norm of root variances}, "variances": {element:
            list}}}
        """
        return {
            name: {
                "spread": {e: self.spread(name, e) for e in self.components}
                | {"all": self.spread(name)},
                "variances": {e: self.variances(name, e).tolist() for e in self.components},
            }
            for name in self.projected
        }

    def table(self) -> Table:
        """Make a table: norms of root variances, and the change relative to the first set.

        Returns
        -------
        rich.table.Table
            One row per set.
        """
        table = Table(
            box=SIMPLE_HEAD,
            show_edge=False,
            caption="norms of root variances",
            caption_justify="left",
        )
        table.add_column("set", overflow="fold")
        for element in [*self.components, "all"]:
            table.add_column(element, justify="right", no_wrap=True)
        table.add_column("relative", justify="right", no_wrap=True)
        first = self.spread(next(iter(self.projected)))
        for name in self.projected:
            own = [self.spread(name, element) for element in self.components]
            total = self.spread(name)
            change = f"{100 * (total / first - 1):+.1f} %" if first else "-"
            table.add_row(name, *(f"{one:.3f}" for one in [*own, total]), change)
        return table


def compare_diversity(
    sets: Mapping[str, Sequence[Atoms]],
    descriptor: Potential | Mapping[str, Any] | None = None,
    *,
    scaled: bool = True,
) -> Diversity:
    """Compare how widely sets of configurations spread.

    Parameters
    ----------
    sets
        {name: configurations}; labels are not needed.
    descriptor
        A potential, whose descriptors are taken, or settings of a descriptor as for
        `forcesmith.fit`; by default moment tensors of level 8 with a cutoff of 5 angstrom.
    scaled
        Whether values are divided by their standard deviations, so that all count the same.

    Returns
    -------
    Diversity
        Principal components in one basis, and what follows from them.

    Raises
    ------
    ValueError
        There are no sets or no atoms, or the potential does not know an element.
    """
    if not sets or not any(len(atoms) for own in sets.values() for atoms in own):
        raise ValueError("There is nothing to compare: the sets have no atoms.")
    pooled = Dataset([atoms for own in sets.values() for atoms in own])
    potential = descriptor_of(pooled, descriptor)
    values = {name: descriptor_values(potential, own) for name, own in sets.items()}
    elements = [e for e in potential.elements if any(len(own[e][0]) for own in values.values())]
    components = {
        e: principal_components(np.concatenate([own[e][0] for own in values.values()]), scaled)
        for e in elements
    }
    projected = {
        name: {e: components[e].project(own[e][0]) for e in elements}
        for name, own in values.items()
    }
    return Diversity(components, projected)


def thin(
    configurations: Sequence[Atoms],
    most: int,
    *,
    method: ThinMethod = "farthest_point",
    descriptor: Potential | Mapping[str, Any] | None = None,
    seed: int = 1,
) -> list[int]:
    """Choose configurations that represent a large set.

    A configuration is represented by its composition and, for every element, the sum of the
    principal components of its atoms over the number of all atoms.

    Parameters
    ----------
    configurations
        To choose from.
    most
        How many.
    method
        "farthest_point": each is the one farthest from those before it, the first one the farthest
        from the mean. "leverage": by chance, with probabilities that are the leverage scores (of
        the components that make up 99.9 % of the variance).
    descriptor
        As for `compare_diversity`.
    seed
        Of what is taken by chance.

    Returns
    -------
    list of int
        Their numbers; of farthest points in the order in which they were chosen, else ascending.

    Raises
    ------
    ValueError
        There are no configurations, or an element is not known.
    """
    if most < 1:
        raise ValueError(f"At least one configuration must be kept, not {most}.")
    features = _features(configurations, descriptor)
    if most >= len(features):
        return list(range(len(features)))
    if method == "farthest_point":
        return _farthest_points(features, most)
    scores = _leverage_scores(features)
    chosen = np.random.default_rng(seed).choice(
        len(features), most, replace=False, p=scores / scores.sum()
    )
    return sorted(chosen.tolist())


def descriptor_of(
    configurations: Dataset, descriptor: Potential | Mapping[str, Any] | None
) -> Potential:
    """A potential that has this descriptor, for the elements of the configurations."""
    if isinstance(descriptor, Potential):
        return descriptor
    options = dict(descriptor) if descriptor else USUAL_DESCRIPTOR
    settings = FitSettings.from_dict({"descriptor": options}, "the settings of the descriptor")
    return starting_potential(configurations, configurations.elements, settings)


def descriptor_values(
    potential: Potential, configurations: Sequence[Atoms]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{element: values (n_atoms, n_values), number of each atom's configuration (n_atoms,)}."""
    core, elements = potential._core, potential.elements
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {e: [] for e in elements}
    first = 0
    for portion in portions(configurations):
        batch = make_batch(portion, elements, potential.cutoff, first)
        values = core.descriptor_values(batch, worker_count(None))
        numbers = first + np.repeat(np.arange(len(portion)), [len(atoms) for atoms in portion])
        for index, element in enumerate(elements):
            own = batch.types == index
            found[element].append((values[own, : core.size(index)], numbers[own]))
        first += len(portion)
    return {
        element: (
            np.concatenate([np.zeros((0, core.size(index))), *(values for values, _ in parts)]),
            np.concatenate([np.zeros(0, dtype=int), *(numbers for _, numbers in parts)]),
        )
        for index, (element, parts) in enumerate(found.items())
    }


def principal_components(values: np.ndarray, scaled: bool = True) -> Components:
    """Of values (n_atoms, n_values), scaled to standard deviations of 1, or as they are."""
    mean, spread = values.mean(axis=0), values.std(axis=0)
    varies = spread > 1e-10 * (1 + np.abs(mean))
    factor = np.where(varies, 1 / np.where(varies & scaled, spread, 1.0), 0.0)
    centered = (values - mean) * factor
    variances, basis = np.linalg.eigh(centered.T @ centered / max(len(values), 1))
    order = np.argsort(-variances, kind="stable")
    kept = order[variances[order] > NEGLIGIBLE * max(variances.max(initial=0.0), 1e-300)]
    basis = basis[:, kept]
    # the sign of a component means nothing; the same one everywhere
    largest = np.abs(basis).argmax(axis=0)
    basis = basis * np.sign(basis[largest, np.arange(basis.shape[1])])
    return Components(mean, factor, basis, variances[kept])


def _features(
    configurations: Sequence[Atoms], descriptor: Potential | Mapping[str, Any] | None
) -> np.ndarray:
    """(n_configurations, n_features)"""
    data = Dataset(configurations)
    if not data or not all(len(atoms) for atoms in data):
        raise ValueError("There is nothing to choose from: no configurations, or one of no atoms.")
    potential = descriptor_of(data, descriptor)
    sizes = np.array([len(atoms) for atoms in data])[:, np.newaxis]
    columns = []
    for values, numbers in descriptor_values(potential, data).values():
        if len(values):
            projected = principal_components(values)
            ones = np.ones((len(values), 1))
            sums = np.zeros((len(data), 1 + projected.basis.shape[1]))
            np.add.at(sums, numbers, np.hstack([ones, projected.project(values)]))
            columns.append(sums / sizes)
    return np.hstack(columns)


def _farthest_points(features: np.ndarray, most: int) -> list[int]:
    nearest = np.linalg.norm(features - features.mean(axis=0), axis=1)
    chosen = [int(nearest.argmax())]
    nearest[:] = np.inf
    while len(chosen) < most:
        distances = np.linalg.norm(features - features[chosen[-1]], axis=1)
        nearest = np.minimum(nearest, distances)
        nearest[chosen] = -1.0  # of two that are the same, both can be chosen, but each once
        chosen.append(int(nearest.argmax()))
    return chosen


def _leverage_scores(features: np.ndarray) -> np.ndarray:
    """Statistical leverage of every configuration, (n_configurations,), above 0.

    M. W. Mahoney and P. Drineas, Proc. Natl. Acad. Sci. 106, 697 (2009).
    """
    left, singular, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    parts = np.cumsum(singular**2) / max(float((singular**2).sum()), 1e-300)
    rank = int(np.searchsorted(parts, KEPT_VARIANCE)) + 1
    return (left[:, :rank] ** 2).sum(axis=1) + 1 / len(features)
