"""Labelled configurations as arrays: neighbors, labels, weights of the loss."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from forcesmith import _core
from forcesmith.dataset import SOURCE_KEY, group_of, labels_of
from forcesmith.neighbors import element_indices, make_batch, portions
from forcesmith.potential import VOIGT
from forcesmith.settings import GroupWeights, WeightSettings


@dataclass
class LabelledBatch:
    """Some configurations. Absent labels are 0 with weight 0. Virials: xx yy zz xy xz yz, eV.

    Weights multiply squared residuals: E (eV), F (eV/angstrom) and W (eV) of the loss in
    `WeightSettings`, with 1/M, 1/N^2, 1/(3N) and 1/V^2 already in them.
    """

    neighbors: _core.Batch
    sizes: np.ndarray  # (n_configurations,) atoms
    compositions: np.ndarray  # (n_configurations, n_elements) atoms of every element
    energies: np.ndarray  # (n_configurations,)
    forces: np.ndarray  # (n_atoms, 3)
    virials: np.ndarray  # (n_configurations, 6)
    energy_weights: np.ndarray  # (n_configurations,)
    force_weights: np.ndarray  # (n_atoms,)
    virial_weights: np.ndarray  # (n_configurations, 6)

    @property
    def first_atoms(self) -> np.ndarray:
        """Index of the first atom of every configuration, and the number of atoms."""
        return np.concatenate([[0], np.cumsum(self.sizes)])


@dataclass
class Residuals:
    """Model minus label, and the weighted sum of squares."""

    loss: float
    energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray


class TrainingSet:
    """All configurations of a fit; memory grows with the atoms and their neighbors only."""

    def __init__(
        self,
        configurations: Sequence[Atoms],
        elements: Sequence[str],
        cutoff: float,
        weights: WeightSettings,
    ):
        self.elements = list(elements)
        self.n_configurations = len(configurations)
        self.n_atoms = sum(len(atoms) for atoms in configurations)
        self.batches = [
            _labelled_batch(portion, self.elements, cutoff, weights, len(configurations))
            for portion in portions(configurations)
        ]
        self.hash = _hash(configurations)

    def smallest_energy_offsets(self) -> np.ndarray:
        """Per-element energies that fit the energies best (least squares, minimum norm), eV."""
        rows = np.concatenate([b.compositions[b.energy_weights > 0] for b in self.batches])
        energies = np.concatenate([b.energies[b.energy_weights > 0] for b in self.batches])
        if len(rows) == 0:
            return np.zeros(len(self.elements))
        return np.linalg.lstsq(rows, energies, rcond=None)[0]

    def rmse(self, residuals: Sequence[Residuals]) -> tuple[float, float]:
        """RMSE of energy (meV/atom) and of force components (eV/angstrom), over labelled data."""
        energies, forces = [], []
        for batch, residual in zip(self.batches, residuals, strict=True):
            used = batch.energy_weights > 0
            energies.append((residual.energies / batch.sizes)[used])
            forces.append(residual.forces[batch.force_weights > 0].ravel())
        return 1000 * _rms(np.concatenate(energies)), _rms(np.concatenate(forces))


def residuals(core: _core.Potential, batch: LabelledBatch, n_workers: int) -> Residuals:
    """Evaluate a potential on a batch and compare with the labels."""
    raw = core.evaluate(batch.neighbors, n_workers)
    energies = np.add.reduceat(raw["energies"], batch.first_atoms[:-1]) - batch.energies
    forces = raw["forces"] - batch.forces
    virials = raw["virials"] - batch.virials
    loss = (
        np.sum(batch.energy_weights * energies**2)
        + np.sum(batch.force_weights[:, None] * forces**2)
        + np.sum(batch.virial_weights * virials**2)
    )
    return Residuals(float(loss), energies, forces, virials)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def _labelled_batch(
    configurations: list[Atoms],
    elements: list[str],
    cutoff: float,
    weights: WeightSettings,
    n_total: int,
) -> LabelledBatch:
    sizes = np.array([len(atoms) for atoms in configurations])
    n = len(configurations)
    batch = LabelledBatch(
        neighbors=make_batch(configurations, elements, cutoff),
        sizes=sizes,
        compositions=np.array(
            [
                np.bincount(element_indices(atoms, elements), minlength=len(elements))
                for atoms in configurations
            ],
            dtype=float,
        ),
        energies=np.zeros(n),
        forces=np.zeros((sizes.sum(), 3)),
        virials=np.zeros((n, 6)),
        energy_weights=np.zeros(n),
        force_weights=np.zeros(sizes.sum()),
        virial_weights=np.zeros((n, 6)),
    )
    first = batch.first_atoms
    for c, atoms in enumerate(configurations):
        labels = labels_of(atoms)
        factors = weights.groups.get(group_of(atoms), GroupWeights())
        common = _own_weight(atoms) / n_total
        if labels.energy is not None:
            batch.energies[c] = labels.energy
            batch.energy_weights[c] = common * weights.energy * factors.energy / len(atoms) ** 2
        if labels.forces is not None:
            rows = slice(first[c], first[c + 1])
            batch.forces[rows] = labels.forces
            batch.force_weights[rows] = common * weights.force * factors.force / (3 * len(atoms))
        if labels.stress is not None and atoms.pbc.all():
            volume = atoms.cell.volume
            # VOIGT is its own inverse.
            batch.virials[c] = -volume * np.asarray(labels.stress)[VOIGT]
            batch.virial_weights[c] = common * weights.stress * factors.stress / volume**2
    return batch


def _own_weight(atoms: Atoms) -> float:
    weight = atoms.info.get("weight", 1.0)
    if not (isinstance(weight, (int, float, np.number)) and 0 <= weight < np.inf):
        place = atoms.info.get(SOURCE_KEY, "A configuration")
        raise ValueError(f'{place}: info["weight"] must be a number of at least 0, not {weight!r}.')
    return float(weight)


def _hash(configurations: Sequence[Atoms]) -> str:
    """SHA-256 over elements, positions, cells and labels."""
    digest = hashlib.sha256()
    for atoms in configurations:
        labels = labels_of(atoms)
        parts = [atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc]
        parts += [
            value for value in (labels.energy, labels.forces, labels.stress) if value is not None
        ]
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
