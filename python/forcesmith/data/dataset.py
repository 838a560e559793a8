"""Configurations with labels, as one object; splitting them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import overload

import numpy as np
from ase import Atoms

from forcesmith.data.labels import SOURCE_KEY, Labels, group_of, labels_of, shortened, weight_of
from forcesmith.data.neighbors import NeighborSearch, PairBudget


class Dataset(Sequence[Atoms]):
    """Configurations with labels: a sequence of `ase.Atoms` that searches their neighbors once.

    An index gives one configuration, a slice, `select` and `+` give datasets. They share the
    configurations, and what was found out about them.

    The pairs of a configuration are kept for the last cutoff that was asked for. They are searched
    anew for another one, and where positions, cell or periodicity have changed since. Of what is
    made into a dataset at once, at most `MAX_KEPT_PAIRS` are kept (about 300 MB): of the
    configurations beyond, neighbors are searched whenever they are asked for.

    Parameters
    ----------
    configurations
        Structures with labels in their calculators, or another dataset.
    """

    def __init__(self, configurations: Iterable[Atoms] = ()):
        if isinstance(configurations, Atoms):
            raise ValueError("Data are lists of configurations, not a single one; write [atoms].")
        self.searches = list(searches_of(configurations))

    @classmethod
    def of_searches(cls, searches: Sequence[NeighborSearch]) -> Dataset:
        """Make a dataset of searches, with what they have found.

        Parameters
        ----------
        searches
            One of each configuration.
        """
        dataset = cls()
        dataset.searches = list(searches)
        return dataset

    def __len__(self) -> int:
        return len(self.searches)

    @overload
    def __getitem__(self, index: int) -> Atoms: ...
    @overload
    def __getitem__(self, index: slice) -> Dataset: ...
    def __getitem__(self, index: int | slice) -> Atoms | Dataset:
        if isinstance(index, slice):
            return Dataset.of_searches(self.searches[index])
        return self.searches[index].atoms

    def __iter__(self) -> Iterator[Atoms]:
        return (search.atoms for search in self.searches)

    def __add__(self, other: Iterable[Atoms]) -> Dataset:
        return Dataset.of_searches([*self.searches, *searches_of(other)])

    def __radd__(self, other: Iterable[Atoms]) -> Dataset:
        return Dataset.of_searches([*searches_of(other), *self.searches])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __reduce__(self) -> tuple[type[Dataset], tuple[list[Atoms]]]:
        """Copies and pickles (for other processes) search anew."""
        return Dataset, (list(self),)

    def __repr__(self) -> str:
        n_atoms = sum(len(atoms) for atoms in self)
        return f"<Dataset of {len(self)} configurations, {n_atoms} atoms>"

    def select(self, numbers: Iterable[int]) -> Dataset:
        """Make a dataset of some of the configurations.

        Parameters
        ----------
        numbers
            Their numbers, in the order wanted.
        """
        numbers = list(numbers)
        if any(isinstance(number, (bool, np.bool_)) for number in numbers):
            raise ValueError("Configurations are selected by their numbers, not by a mask.")
        return Dataset.of_searches([self.searches[number] for number in numbers])

    @property
    def elements(self) -> list[str]:
        """Symbols of all elements, sorted."""
        return sorted({symbol for atoms in self for symbol in atoms.get_chemical_symbols()})

    @property
    def labels(self) -> list[Labels]:
        """Reference energies, forces and stresses. Raises ValueError for wrong ones."""
        return [labels_of(atoms) for atoms in self]

    @property
    def groups(self) -> list[str]:
        """Name of the group of every configuration, `info["config_type"]`, or "default"."""
        return [group_of(atoms) for atoms in self]

    @property
    def weights(self) -> np.ndarray:
        """Weight of every configuration, `info["weight"]`, or 1, (n_configurations,).

        Raises ValueError for wrong ones.
        """
        return np.array([weight_of(atoms) for atoms in self])

    @property
    def sources(self) -> list[str | None]:
        """File and number of every configuration, as messages name it; None if it was not read."""
        return [atoms.info.get(SOURCE_KEY) for atoms in self]


def searches_of(configurations: Iterable[Atoms]) -> Iterator[NeighborSearch]:
    """Of a Dataset its own; new ones, made when they are asked for, of others."""
    if isinstance(configurations, Dataset):
        yield from configurations.searches
    else:
        budget = PairBudget()
        for atoms in configurations:
            yield NeighborSearch(atoms, budget)


def split(
    configurations: Sequence[Atoms],
    fraction: float | Mapping[str, float],
    seed: int,
    by_group: bool = True,
) -> tuple[Dataset, Dataset]:
    """Split into training and test set at random.

    The same seed gives the same split, for a group whatever the fractions of the others.

    Parameters
    ----------
    configurations
        What is to be split.
    fraction
        Part that goes to test, at least 0 and below 1; or that part for single groups by name, then
        all other groups stay in train.
    seed
        Of the random numbers.
    by_group
        Give every group its share of the test set. A group never loses its last configuration to
        the test set; otherwise the shares are as near `fraction` as whole numbers allow.

    Returns
    -------
    train, test : Dataset
        Both keep the order of `configurations`.

    Raises
    ------
    ValueError
        A fraction out of range, a negative seed, or a group that the data does not have.
    """
    if not (isinstance(seed, (int, np.integer)) and seed >= 0):
        raise ValueError(f"The seed must be a whole number of at least 0, found {seed!r}.")
    configurations = Dataset(configurations)
    rng = np.random.default_rng(seed)
    groups: dict[str, list[int]] = {}
    for index, group in enumerate(configurations.groups):
        groups.setdefault(group if by_group else "", []).append(index)
    if isinstance(fraction, Mapping):
        fractions = _checked_fractions(fraction, groups, by_group)
    else:
        if not 0 <= fraction < 1:
            raise ValueError(f"The test fraction must be at least 0 and below 1, found {fraction}.")
        fractions = dict.fromkeys(groups, fraction)
    chosen: set[int] = set()
    owed = 0.0  # rounding left over from the groups before, so that the total is right
    for name in sorted(groups):
        members = groups[name]
        wanted = fractions.get(name, 0.0) * len(members) + owed
        count = int(np.clip(round(wanted), 0, len(members) - 1))
        owed = 0.0 if isinstance(fraction, Mapping) else wanted - round(wanted)
        chosen.update(rng.permutation(members)[:count].tolist())
    train = [index for index in range(len(configurations)) if index not in chosen]
    return configurations.select(train), configurations.select(sorted(chosen))


def _checked_fractions(
    fractions: Mapping[str, float], groups: Collection[str], by_group: bool
) -> Mapping[str, float]:
    if not by_group:
        raise ValueError(
            "Test fractions of single groups need by_group=True; give one number to split the data "
            "as a whole."
        )
    fractions = {str(name): value for name, value in fractions.items()}
    for name, value in fractions.items():
        if not 0 <= value < 1:
            raise ValueError(
                f"The test fraction of the group '{shortened(name)}' must be at least 0 and below "
                f"1, found {value}."
            )
        if groups and name not in groups:  # without data, check_configurations says so
            nearest = difflib.get_close_matches(name, groups, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"A test fraction is given for the group '{shortened(name)}', which the data does "
                f"not have; did you mean '{shortened(nearest)}'? Groups of the data: "
                f"{shortened(', '.join(sorted(groups)), 120)}."
            )
    return fractions
