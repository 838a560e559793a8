"""Cross-evaluation: the errors of several potentials on several sets of data, as matrices."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from rich.box import SIMPLE_HEAD
from rich.table import Table

from forcesmith.analysis.metrics import Errors, Evaluator, errors_by_group
from forcesmith.analysis.plots import open_figure, save_figure

QUANTITIES = {
    "energy_rmse": ("energy RMSE (meV/atom)", 2),
    "force_rmse": ("force RMSE (eV/Å)", 4),
    "force_angle": ("force angle (degrees)", 2),
}
"""Title and digits of what is told as a matrix."""


@dataclass(frozen=True)
class CrossEvaluation:
    """Errors of every potential on every set."""

    errors: dict[str, dict[str, Errors]]
    """{potential: {set: errors}}."""

    @property
    def potentials(self) -> list[str]:
        """Names of the rows."""
        return list(self.errors)

    @property
    def sets(self) -> list[str]:
        """Names of the columns."""
        return list(next(iter(self.errors.values())))

    def matrix(self, quantity: str) -> np.ndarray:
        """Give one kind of error as a matrix.

        Parameters
        ----------
        quantity
            Name of a field of `Errors`: "energy_rmse", "force_rmse", "force_angle", ...

        Returns
        -------
        ndarray
            (n_potentials, n_sets); NaN where a set has no such labels.
        """
        rows = [[getattr(one, quantity) for one in row.values()] for row in self.errors.values()]
        return np.array(rows, dtype=float)

    def to_dict(self) -> dict[str, Any]:
        """Make a plain nested dictionary.

        Returns
        -------
        dict
            {quantity: {potential: {set: value or None}}}
        """
        return {
            quantity: {
                name: {own: getattr(errors, quantity) for own, errors in row.items()}
                for name, row in self.errors.items()
            }
            for quantity in QUANTITIES
        }

    def tables(self) -> list[Table]:
        """Make a table of every quantity: a row per potential, a column per set.

        Returns
        -------
        list of rich.table.Table
            Energies, forces, angles of forces.
        """
        found = []
        for quantity, (title, digits) in QUANTITIES.items():
            table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False)
            table.add_column("potential", overflow="fold")
            for name in self.sets:
                table.add_column(name, justify="right", overflow="fold")
            for name, row in zip(self.potentials, self.matrix(quantity), strict=True):
                table.add_row(name, *("-" if np.isnan(v) else f"{v:.{digits}f}" for v in row))
            found.append(table)
        return found

    def heat_map(self, path: str | os.PathLike[str]) -> None:
        """Draw the matrices, with the numbers in them.

        Parameters
        ----------
        path
            A .png, .pdf or .svg file, written whole or not at all.
        """
        n_rows, n_columns = len(self.potentials), len(self.sets)
        size = (3 * (1.6 + 0.9 * n_columns), 1.4 + 0.6 * n_rows)
        figure = open_figure(path, *size)
        panels = figure.subplots(1, len(QUANTITIES), sharey=True)
        for axes, (quantity, (title, _)) in zip(panels, QUANTITIES.items(), strict=True):
            matrix = self.matrix(quantity)
            axes.imshow(matrix, cmap="cividis", aspect="auto")
            known = matrix[np.isfinite(matrix)]
            middle = (known.min() + known.max()) / 2 if len(known) else 0.0
            for (i, j), value in np.ndenumerate(matrix):
                text = "-" if np.isnan(value) else f"{value:.3g}"
                color = "black" if value > middle else "white"
                axes.text(j, i, text, ha="center", va="center", color=color, fontsize="small")
            axes.set_title(title, fontsize="medium")
            axes.set_xticks(range(n_columns), self.sets, rotation=30, ha="right")
            axes.set_yticks(range(n_rows), self.potentials)
            axes.set_xlabel("data")
        panels[0].set_ylabel("potential")
        save_figure(figure, path)


def cross_evaluate(
    potentials: Mapping[str, Evaluator], sets: Mapping[str, Sequence[Atoms]]
) -> CrossEvaluation:
    """Errors of several potentials on several sets of labelled data.

    Each potential on the test set of the others tells which data lead further.

    Parameters
    ----------
    potentials
        {name: potential}, or anything with `evaluate(configurations)`.
    sets
        {name: labelled configurations}.

    Returns
    -------
    CrossEvaluation
        A matrix for every quantity.

    Raises
    ------
    ValueError
        There is no potential or no set, or a potential does not know an element.
    """
    if not potentials or not sets:
        raise ValueError("A cross-evaluation needs at least one potential and one set of data.")
    return CrossEvaluation(
        {
            name: {own: errors_by_group(potential, data).total for own, data in sets.items()}
            for name, potential in potentials.items()
        }
    )
