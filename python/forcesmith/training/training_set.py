"""Labelled configurations as arrays: neighbors, labels, weights of the loss."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units

from forcesmith import _core
from forcesmith.data.batches import Neighbors, find_neighbors, join, portions
from forcesmith.data.dataset import Dataset
from forcesmith.data.labels import group_of, labels_of, weight_of
from forcesmith.potentials.result import VOIGT
from forcesmith.training.settings import GroupWeights, WeightSettings


@dataclass
class Observables:
    """Energies, forces and virials of a batch, or something of each; columns may be stacked."""

    energies: np.ndarray  # (n_configurations,) eV, or (n_configurations, n_columns)
    forces: np.ndarray  # (n_atoms, 3) eV/angstrom, or (n_atoms, 3, n_columns)
    virials: np.ndarray  # (n_configurations, 6) xx yy zz xy xz yz, eV, or with n_columns

    @classmethod
    def zeros(cls, n_configurations: int, n_atoms: int) -> Observables:
        return cls(
            np.zeros(n_configurations), np.zeros((n_atoms, 3)), np.zeros((n_configurations, 6))
        )

    @classmethod
    def stacked(cls, columns: Sequence[Observables]) -> Observables:
        return cls(
            *(
                np.stack([getattr(column, name) for column in columns], axis=-1)
                for name in ("energies", "forces", "virials")
            )
        )

    @classmethod
    def joined(cls, parts: Sequence[Observables]) -> Observables:
        """One after the other."""
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("energies", "forces", "virials")
            )
        )

    def minus(self, other: Observables) -> Observables:
        return Observables(
            self.energies - other.energies,
            self.forces - other.forces,
            self.virials - other.virials,
        )

    def divided_by(self, number: float) -> Observables:
        return Observables(self.energies / number, self.forces / number, self.virials / number)


@dataclass
class Residuals(Observables):
    """Model minus label, and the weighted sum of squares."""

    loss: float


@dataclass
class LabelledBatch:
    """Some configurations. Absent labels are 0 with weight 0.

    Weights multiply squared residuals: E (eV), F (eV/angstrom) and W (eV), with all factors of
    `WeightSettings` already in them.
    """

    neighbors: _core.Batch
    sizes: np.ndarray  # (n_configurations,) atoms
    compositions: np.ndarray  # (n_configurations, n_elements) atoms of every element
    labels: Observables
    weights: Observables

    @property
    def first_atoms(self) -> np.ndarray:
        """Index of the first atom of every configuration, and the number of atoms."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    def rows(self, values: Observables, first: int, last: int) -> np.ndarray:
        """`values` of configurations first .. last - 1 in the order of a design matrix: energy, 6
        virials, forces atom by atom. Shape (n_rows, n_columns)."""
        first_atoms = self.first_atoms
        rows = []
        for c in range(first, last):
            rows.append(values.energies[c].reshape(1, -1))
            rows.append(values.virials[c].reshape(6, -1))
            of_atoms = values.forces[first_atoms[c] : first_atoms[c + 1]]
            rows.append(of_atoms.reshape(3 * len(of_atoms), -1))
        return np.concatenate(rows)


@dataclass
class LabelledConfiguration:
    """One configuration, its labels and weights as in `LabelledBatch`."""

    neighbors: Neighbors
    composition: np.ndarray  # (n_elements,)
    labels: Observables
    weights: Observables


class TrainingSet:
    """All configurations of a fit; memory grows with the atoms and their neighbors only."""

    def __init__(
        self,
        configurations: Sequence[Atoms],
        elements: Sequence[str],
        cutoff: float,
        weights: WeightSettings,
        keep_configurations: bool = False,
    ):
        """keep_configurations: also one by one, for `mini_batches`."""
        self.elements = list(elements)
        self.n_configurations = len(configurations)
        self.n_atoms = sum(len(atoms) for atoms in configurations)
        self.batches: list[LabelledBatch] = []
        self.configurations: list[LabelledConfiguration] = []
        for portion in portions(configurations):
            labelled = _labelled(portion, self.elements, cutoff, weights, len(configurations))
            self.batches.append(join_labelled(labelled))
            if keep_configurations:
                self.configurations += labelled
        self.hash = hash_of(configurations)

    def mini_batches(self, size: int, rng: np.random.Generator) -> Iterator[LabelledBatch]:
        """All configurations once, in random batches of about `size`; the weights are such that
        the loss of a batch is an estimate of the whole one."""
        order = rng.permutation(self.n_configurations)
        for part in np.array_split(order, max(1, round(self.n_configurations / size))):
            chosen = [self.configurations[c] for c in part]
            yield join_labelled(chosen, self.n_configurations / len(part))

    def smallest_energy_offsets(self) -> np.ndarray:
        """Per-element energies that fit the energies best (least squares, minimum norm), eV."""
        used = [batch.weights.energies > 0 for batch in self.batches]
        rows = np.concatenate([b.compositions[u] for b, u in zip(self.batches, used, strict=True)])
        energies = np.concatenate(
            [b.labels.energies[u] for b, u in zip(self.batches, used, strict=True)]
        )
        if len(rows) == 0:
            return np.zeros(len(self.elements))
        return np.linalg.lstsq(rows, energies, rcond=None)[0]

    def rmse(self, residuals: Sequence[Residuals]) -> tuple[float, float]:
        """RMSE of energy (meV/atom) and of force components (eV/angstrom), over labelled data."""
        energies, forces = [], []
        for batch, residual in zip(self.batches, residuals, strict=True):
            used = batch.weights.energies > 0
            energies.append((residual.energies / batch.sizes)[used])
            forces.append(residual.forces[batch.weights.forces > 0])
        return 1000 * _rms(np.concatenate(energies)), _rms(np.concatenate(forces))


def observables(evaluator: _core.Evaluator, batch: LabelledBatch, n_workers: int) -> Observables:
    """What a potential says of a batch."""
    raw = evaluator.evaluate(batch.neighbors, n_workers)
    energies = np.add.reduceat(raw["energies"], batch.first_atoms[:-1])
    return Observables(energies, raw["forces"], raw["virials"])


def residuals(evaluator: _core.Evaluator, batch: LabelledBatch, n_workers: int) -> Residuals:
    """Evaluate a potential on a batch and compare with the labels."""
    found = observables(evaluator, batch, n_workers).minus(batch.labels)
    loss = (
        np.sum(batch.weights.energies * found.energies**2)
        + np.sum(batch.weights.forces * found.forces**2)
        + np.sum(batch.weights.virials * found.virials**2)
    )
    return Residuals(found.energies, found.forces, found.virials, float(loss))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def join_labelled(
    configurations: Sequence[LabelledConfiguration], factor: float = 1.0
) -> LabelledBatch:
    """One batch of several configurations, all weights times `factor`."""
    return LabelledBatch(
        neighbors=join([one.neighbors for one in configurations]),
        sizes=np.array([len(one.neighbors.types) for one in configurations]),
        compositions=np.array([one.composition for one in configurations]),
        labels=Observables.joined([one.labels for one in configurations]),
        weights=Observables.joined([one.weights for one in configurations]).divided_by(1 / factor),
    )


def _labelled(
    configurations: Dataset,
    elements: list[str],
    cutoff: float,
    weights: WeightSettings,
    n_total: int,
) -> list[LabelledConfiguration]:
    found = []
    for atoms, neighbors in zip(
        configurations, find_neighbors(configurations, elements, cutoff), strict=True
    ):
        one = LabelledConfiguration(
            neighbors=neighbors,
            composition=np.bincount(neighbors.types, minlength=len(elements)).astype(float),
            labels=Observables.zeros(1, len(atoms)),
            weights=Observables.zeros(1, len(atoms)),
        )
        labels = labels_of(atoms)
        factors = weights.of_group(group_of(atoms))
        common = weight_of(atoms) / (1 if weights.convention == "fitsnap" else n_total)
        energy, force, virial = _weights(weights, factors, atoms)
        if labels.energy is not None:
            one.labels.energies[:] = labels.energy
            one.weights.energies[:] = common * energy
        if labels.forces is not None:
            one.labels.forces[:] = labels.forces
            one.weights.forces[:] = common * force
        if labels.stress is not None and atoms.cell.volume > 0:
            # VOIGT is its own inverse.
            one.labels.virials[:] = -atoms.cell.volume * np.asarray(labels.stress)[VOIGT]
            one.weights.virials[:] = common * virial
        found.append(one)
    return found


def _weights(
    weights: WeightSettings, factors: GroupWeights, atoms: Atoms
) -> tuple[float, float, float]:
    """Of squared differences of energy (eV), force components (eV/angstrom), virials (eV)."""
    energy = weights.energy * factors.energy
    force = weights.force * factors.force
    stress = weights.stress * factors.stress
    volume = atoms.cell.volume or 1.0  # without one there is no virial either
    if weights.convention == "fitsnap":
        stress_unit = 1.0 / units.bar  # bar per eV/angstrom^3
        return (energy / len(atoms)) ** 2, force**2, (stress * stress_unit / volume) ** 2
    return energy / len(atoms) ** 2, force / (3 * len(atoms)), stress / volume**2


def hash_of(configurations: Sequence[Atoms]) -> str:
    """SHA-256 over elements, positions, cells, labels, groups and weights."""
    digest = hashlib.sha256()
    for atoms in configurations:
        labels = labels_of(atoms)
        parts = [atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc]
        parts += [labels.energy, labels.forces, labels.stress, weight_of(atoms)]
        for part in parts:
            digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes())
        digest.update(group_of(atoms).encode())
    return digest.hexdigest()
