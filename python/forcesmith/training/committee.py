"""Committees: the same fit from several random starts.

Where its members disagree, none is to be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from ase import Atoms

from forcesmith.data.dataset import Dataset
from forcesmith.potentials.potential import Potential
from forcesmith.training.checkpoint import Checkpoint, state_file
from forcesmith.training.fitting import FitResult, fit
from forcesmith.training.record import Progress
from forcesmith.training.settings import FitSettings


@dataclass
class Spread:
    """Root mean square deviation of the members from their mean."""

    energy: float  # meV/atom
    force: float  # eV/angstrom, of components


def member_path(path: str | Path, member: int) -> Path:
    """si.json to si-2.json for member 2."""
    path = Path(path)
    return path.with_name(f"{path.stem}-{member}{path.suffix}")


def fit_committee(
    train: Sequence[Atoms],
    test: Sequence[Atoms] | None,
    settings: FitSettings,
    *,
    progress: Callable[[int], Progress | None] = lambda member: None,
    status: Callable[[str], None] | None = None,
    checkpoint: str | Path | None = None,
) -> Iterator[FitResult]:
    """Fit `settings.optimizer.committee` potentials, one after the other.

    Resumed, members that were not begun start anew.

    Parameters
    ----------
    train, test
        As in `fit`.
    settings
        `optimizer.committee` and `optimizer.seed` among them.
    progress
        Of a member (from 1), what `fit` calls after every iteration.
    status
        As in `fit`.
    checkpoint
        The members' potential files are named after it: si-1.json, si-2.json, ... after si.json.

    Yields
    ------
    FitResult
        Of each member.
    """
    train, test = Dataset(train), Dataset(() if test is None else test)  # neighbors found once
    optimizer = settings.optimizer
    members = range(1, optimizer.committee + 1)
    paths = {} if checkpoint is None else {m: member_path(checkpoint, m) for m in members}
    begun = {m for m, path in paths.items() if state_file(path).exists()}
    with nullcontext() if checkpoint is None else Checkpoint(checkpoint).locked():
        if not optimizer.resume and not optimizer.overwrite:
            for path in paths.values():
                Checkpoint(path).refuse_to_lose()
        for member in members:
            changes = {
                "seed": optimizer.seed + member - 1,
                "resume": optimizer.resume and (member in begun or not begun),
            }
            own = settings.model_copy(update={"optimizer": optimizer.model_copy(update=changes)})
            yield fit(
                train,
                test,
                own,
                progress=progress(member),
                status=status,
                checkpoint=paths.get(member),
            )


def spread(members: Sequence[Potential], configurations: Sequence[Atoms]) -> Spread:
    """How far the members are from each other on these configurations."""
    configurations = Dataset(configurations)
    results = [potential.evaluate(configurations) for potential in members]
    sizes = np.array([len(atoms) for atoms in configurations])
    energies = np.array([[r.energy for r in own] for own in results]) / sizes
    forces = np.array([np.concatenate([r.forces.ravel() for r in own]) for own in results])
    return Spread(1000 * _rms_spread(energies), _rms_spread(forces))


@overload
def force_deviation(potentials: Sequence[Potential], atoms: Atoms) -> np.ndarray: ...
@overload
def force_deviation(
    potentials: Sequence[Potential], atoms: Sequence[Atoms]
) -> list[np.ndarray]: ...
def force_deviation(
    potentials: Sequence[Potential], atoms: Atoms | Sequence[Atoms]
) -> np.ndarray | list[np.ndarray]:
    """How far the forces of a committee are from each other, atom by atom.

    `eps_i = sqrt(<|F_i - <F_i>|^2>)`, the means over the members (Y. Zhang et al., Comput. Phys.
    Commun. 253, 107206 (2020): DP-GEN, whose trust levels are compared with its largest number).
    `pair_style forcesmith` with several potential files has the same.

    Parameters
    ----------
    potentials
        The members, at least one.
    atoms
        One configuration, or several.

    Returns
    -------
    numpy.ndarray or list
        (n_atoms,) eV/angstrom, of each configuration.

    Raises
    ------
    ValueError
        If there is no member, or an element that one of them does not know.
    """
    if not potentials:
        raise ValueError("force_deviation needs at least one potential, found none.")
    configurations = Dataset([atoms] if isinstance(atoms, Atoms) else atoms)
    results = zip(*(potential.evaluate(configurations) for potential in potentials), strict=True)
    deviations = [
        np.sqrt(np.array([result.forces for result in members]).var(axis=0).sum(axis=1))
        for members in results
    ]
    return deviations[0] if isinstance(atoms, Atoms) else deviations


def _rms_spread(values: np.ndarray) -> float:
    """values: (n_members, n)"""
    return float(np.sqrt(values.var(axis=0).mean()))
