"""Errors of a potential against reference data, per group: what a fit reports at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np
from ase import Atoms, units
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from forcesmith.data.labels import group_of, labels_of

TOTAL = "all"
FORCE_WITH_DIRECTION = 0.01  # eV/angstrom; the direction of smaller forces means nothing


class ResultLike(Protocol):
    """What is compared with labels: a `Result`, or another program's."""

    @property
    def energy(self) -> float:
        """Total energy, eV."""

    @property
    def forces(self) -> np.ndarray:
        """(n_atoms, 3), eV/angstrom."""

    @property
    def stress(self) -> np.ndarray | None:
        """(6,), eV/angstrom^3, ASE's sign and order; None without a volume."""


class Evaluator(Protocol):
    """What gives results: a `Potential`, or another program's."""

    def evaluate(self, configurations: Sequence[Atoms], /) -> Sequence[ResultLike]:
        """Results in the order of the configurations."""


@dataclass(frozen=True)
class Errors:
    """Errors over one group; None where the data has no labels of that kind.

    Energies are errors per atom of each configuration; forces and stresses count every Cartesian
    component once (so an RMSE over vectors would be larger by the square root of 3).
    """

    configurations: int
    """Number of configurations."""
    atoms: int
    """Number of atoms."""
    energies: int
    """Number of configurations with an energy."""
    force_components: int
    """Number of labelled force components."""
    stress_components: int
    """Number of labelled stress components."""
    energy_mae: float | None
    """Mean absolute error, meV/atom."""
    energy_rmse: float | None
    """Root mean square error, meV/atom."""
    force_mae: float | None
    """Mean absolute error of components, eV/angstrom."""
    force_rmse: float | None
    """Root mean square error of components, eV/angstrom."""
    force_max: float | None
    """Largest error of a component, eV/angstrom."""
    force_angle: float | None
    """Mean angle between force and reference, degrees, of atoms whose reference is at least
    0.01 eV/angstrom."""
    stress_mae: float | None
    """Mean absolute error of components, GPa."""
    stress_rmse: float | None
    """Root mean square error of components, GPa."""


@dataclass(frozen=True)
class ErrorTable:
    """Errors per group, in alphabetical order, and of all groups together under "all"."""

    groups: dict[str, Errors] = field(default_factory=dict)
    """By name; also `table[name]`."""

    @property
    def total(self) -> Errors:
        """Of all groups together."""
        return self.groups[TOTAL]

    def __getitem__(self, group: str) -> Errors:
        return self.groups[group]

    def to_dict(self) -> dict[str, dict[str, float | int | None]]:
        """Make a plain nested dictionary.

        Returns
        -------
        dict
            {group: {name: value}}; names and units as in `Errors`.
        """
        return {group: asdict(errors) for group, errors in self.groups.items()}

    def print(self, console: Console | None = None, title: str = "") -> None:
        """Print as a table.

        Parameters
        ----------
        console
            A console of rich; None: the terminal.
        title
            Line above the table.
        """
        (console or Console()).print(self.table(title))

    def table(self, title: str = "") -> Table:
        """Make the table that `print` prints; it fits into 80 columns.

        Parameters
        ----------
        title
            Line above the table.

        Returns
        -------
        rich.table.Table
            One row per group.
        """
        table = Table(
            title=title or None,
            title_justify="left",
            box=SIMPLE_HEAD,
            show_edge=False,
            padding=0,
            caption="energy in meV/atom, force in eV/Å and degrees, stress in GPa",
            caption_justify="left",
        )
        # numbers are never cut: a narrow terminal folds the names of the groups
        table.add_column("group", overflow="fold")
        table.add_column("conf.", justify="right", no_wrap=True)
        for header in (
            "energy\nMAE",
            "energy\nRMSE",
            "force\nMAE",
            "force\nRMSE",
            "force\nmax",
            "force\nangle",
            "stress\nMAE",
            "stress\nRMSE",
        ):
            table.add_column(header, justify="right", no_wrap=True, min_width=6)
        for group, errors in self.groups.items():
            if group == TOTAL:
                table.add_section()
            table.add_row(
                group,
                str(errors.configurations),
                _number(errors.energy_mae, 2),
                _number(errors.energy_rmse, 2),
                _number(errors.force_mae, 4),
                _number(errors.force_rmse, 4),
                _number(errors.force_max, 3),
                _number(errors.force_angle, 1),
                _number(errors.stress_mae, 3),
                _number(errors.stress_rmse, 3),
                style="bold" if group == TOTAL else None,
            )
        return table


def errors_by_group(
    potential_or_results: Evaluator | Sequence[ResultLike], configurations: Sequence[Atoms]
) -> ErrorTable:
    """Errors of a potential (or of results it gave already) on labelled configurations.

    Parameters
    ----------
    potential_or_results
        Anything with `evaluate(configurations)`, or a list of results in the order of
        `configurations`, each with attributes energy (eV), forces (n_atoms, 3) and stress ((6,) or
        None).
    configurations
        With labels in their calculators; `info["config_type"]` is the group.

    Returns
    -------
    ErrorTable
        Errors per group and of all.

    Raises
    ------
    ValueError
        There are not as many results as configurations.
    """
    results = _results(potential_or_results, configurations)
    groups: dict[str, _Differences] = {}
    for atoms, result in zip(configurations, results, strict=True):
        groups.setdefault(group_of(atoms), _Differences()).add(atoms, result)
    rows = {group: groups[group].errors() for group in sorted(groups)}
    return ErrorTable({**rows, TOTAL: _Differences.joined(groups.values()).errors()})


@dataclass
class _Differences:
    """Collected differences (potential minus reference) of one group."""

    configurations: int = 0
    atoms: int = 0
    energy: list[float] = field(default_factory=list)
    force: list[np.ndarray] = field(default_factory=list)
    angle: list[np.ndarray] = field(default_factory=list)
    stress: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def joined(cls, groups: Iterable[_Differences]) -> _Differences:
        whole = cls()
        for group in groups:
            whole.configurations += group.configurations
            whole.atoms += group.atoms
            whole.energy += group.energy
            whole.force += group.force
            whole.angle += group.angle
            whole.stress += group.stress
        return whole

    def add(self, atoms: Atoms, result: ResultLike) -> None:
        labels = labels_of(atoms)
        self.configurations += 1
        self.atoms += len(atoms)
        if labels.energy is not None:
            self.energy.append(1000 * (result.energy - labels.energy) / len(atoms))
        if labels.forces is not None:
            self.force.append((np.asarray(result.forces) - labels.forces).ravel())
            self.angle.append(force_angles(np.asarray(result.forces), labels.forces))
        if labels.stress is not None and result.stress is not None:
            self.stress.append((np.asarray(result.stress) - labels.stress) / units.GPa)

    def errors(self) -> Errors:
        energy = np.array(self.energy)
        force = np.concatenate(self.force) if self.force else np.zeros(0)
        angle = np.concatenate(self.angle) if self.angle else np.zeros(0)
        stress = np.concatenate(self.stress) if self.stress else np.zeros(0)
        return Errors(
            configurations=self.configurations,
            atoms=self.atoms,
            energies=energy.size,
            force_components=force.size,
            stress_components=stress.size,
            energy_mae=mae(energy),
            energy_rmse=rmse(energy),
            force_mae=mae(force),
            force_rmse=rmse(force),
            force_max=float(np.max(np.abs(force))) if force.size else None,
            force_angle=mae(angle),
            stress_mae=mae(stress),
            stress_rmse=rmse(stress),
        )


def force_angles(forces: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Angles between forces and references (n_atoms, 3), degrees, of atoms whose reference has a
    direction; 90 for a force of 0."""
    lengths = np.linalg.norm(reference, axis=1)
    forces, reference = (array[lengths >= FORCE_WITH_DIRECTION] for array in (forces, reference))
    # better than the arc cosine where angles are small
    across = np.linalg.norm(np.cross(forces, reference), axis=1)
    along = (forces * reference).sum(axis=1)
    is_zero = ~forces.any(axis=1)
    return np.where(is_zero, 90.0, np.degrees(np.arctan2(across, along)))


def mae(differences: np.ndarray) -> float | None:
    """Mean absolute error; None for no data."""
    return float(np.mean(np.abs(differences))) if differences.size else None


def rmse(differences: np.ndarray) -> float | None:
    """Root mean square error; None for no data."""
    return float(np.sqrt(np.mean(differences**2))) if differences.size else None


def _results(
    potential_or_results: Evaluator | Sequence[ResultLike], configurations: Sequence[Atoms]
) -> Sequence[ResultLike]:
    if hasattr(potential_or_results, "evaluate"):
        return potential_or_results.evaluate(configurations)
    if len(potential_or_results) != len(configurations):
        raise ValueError(
            f"There are {len(potential_or_results)} results for {len(configurations)} "
            "configurations; give one for each, in the same order."
        )
    return potential_or_results


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
