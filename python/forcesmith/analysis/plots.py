"""Parity plots: values of a potential against the reference, for train and test data."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms, units

from forcesmith.analysis import pages
from forcesmith.analysis.grades import DANGEROUS, WORTH_LEARNING, grades_of
from forcesmith.analysis.metrics import ResultLike, rmse
from forcesmith.data.labels import group_of, labels_of
from forcesmith.files import write_atomically
from forcesmith.potentials.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours and markers told apart also by the colour blind (palette of Okabe and Ito).
STYLES = (("#0072B2", "o"), ("#D55E00", "x"), ("#009E73", "+"), ("#CC79A7", "s"))


def parity_plot(
    results_by_set: Mapping[str, tuple[Sequence[Atoms], Sequence[ResultLike]]],
    path: str | os.PathLike[str],
) -> None:
    """Draw energies, forces and stresses against their references, with the RMSE in the legends.

    Energies are drawn relative to the composition: the least-squares fit of the reference energies
    by one constant per element is subtracted from both axes, because the constants (thousands of eV
    for some programs) would hide everything else.

    Parameters
    ----------
    results_by_set
        {"train": (configurations, results), "test": ...}; results in the order of the
        configurations, as `Potential.evaluate` returns them.
    path
        A .png, .pdf or .svg file, written whole or not at all.

    Raises
    ------
    ValueError
        The format of the picture is not known.
    """
    panels = _collect(results_by_set)
    figure = open_figure(path, 4.0 * len(panels), 4.0)
    for axes, (quantity, unit, rmse_unit, scale, data) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        limits = _limits(data)
        axes.plot(limits, limits, color="0.6", linewidth=0.8, zorder=0)
        for (name, (reference, value)), (color, marker) in zip(
            data.items(), itertools.cycle(STYLES), strict=False
        ):
            error = rmse((value - reference) * scale)
            axes.plot(
                reference,
                value,
                marker,
                color=color,
                markersize=4 if quantity == "energy" else 2.5,
                markerfacecolor="none",
                markeredgewidth=0.8,
                label=f"{name}: RMSE {error:.3g} {rmse_unit}",
                # thousands of points are pixels, not paths: vector files stay small
                rasterized=len(reference) > 2000,
            )
        axes.set(
            xlim=limits,
            ylim=limits,
            aspect="equal",
            xlabel=f"reference {quantity} ({unit})",
            ylabel=f"potential {quantity} ({unit})",
        )
        axes.legend(loc="upper left", fontsize="small", frameon=False)
    save_figure(figure, path)


def loss_plot(
    histories: Mapping[str, Sequence[dict[str, float]]], path: str | os.PathLike[str]
) -> None:
    """Draw the loss and the RMSE of energies and forces over the iterations.

    histories: {name: history of a fit}, one curve each; path: .png, .pdf or .svg.
    """
    figure = open_figure(path, 12.0, 4.0)
    quantities = {
        "loss": "loss",
        "energy_rmse_mev": "energy RMSE (meV/atom)",
        "force_rmse": "force RMSE (eV/Å)",
    }
    for axes, (key, label) in zip(figure.subplots(1, 3), quantities.items(), strict=True):
        for (name, history), (color, _) in zip(
            histories.items(), itertools.cycle(STYLES), strict=False
        ):
            axes.plot(
                [row["iteration"] for row in history],
                [row[key] for row in history],
                color=color,
                label=name,
            )
        axes.set(xlabel="iteration", ylabel=label, yscale="log")
        if len(histories) > 1:
            axes.legend(fontsize="small", frameon=False)
    save_figure(figure, path)


def trade_off_plot(
    points: Mapping[str, Sequence[dict[str, float]]], path: str | os.PathLike[str]
) -> None:
    """Draw force error against energy error of fits with different weights, one curve per model.

    points: {model: rows with "ratio" (force weight over energy weight), "energy_rmse" (meV/atom)
        and "force_rmse" (eV/angstrom)}; path: .png, .pdf or .svg.
    """
    figure = open_figure(path, 5.5, 4.5)
    axes = figure.subplots()
    for (name, rows), (color, marker) in zip(points.items(), itertools.cycle(STYLES), strict=False):
        axes.plot(
            [row["energy_rmse"] for row in rows],
            [row["force_rmse"] for row in rows],
            marker=marker,
            color=color,
            markersize=5,
            linewidth=0.8,
            label=name,
        )
        for row in (rows[0], rows[-1]):
            axes.annotate(
                f"{row['ratio']:g}",
                (row["energy_rmse"], row["force_rmse"]),
                textcoords="offset points",
                xytext=(4, 4),
                fontsize="x-small",
                color=color,
            )
    axes.set(
        xlabel="energy RMSE (meV/atom)", ylabel="force RMSE (eV/Å)", xscale="log", yscale="log"
    )
    axes.legend(fontsize="small", frameon=False, title="force weight / energy weight at the ends")
    save_figure(figure, path)


def grade_plot(
    results: Sequence[Result], configurations: Sequence[Atoms], path: str | os.PathLike[str]
) -> None:
    """Draw how many atoms (or configurations) have which extrapolation grade, one line per group.

    results: those of `Potential.evaluate(configurations, grade=True)`; path: .png, .pdf or .svg.
    """
    groups: dict[str, list[np.ndarray]] = {}
    for atoms, result in zip(configurations, results, strict=True):
        groups.setdefault(group_of(atoms), []).append(grades_of(result))
    values = {group: np.concatenate(groups[group]).clip(1e-3) for group in sorted(groups)}
    every = np.concatenate(list(values.values()))
    last = 1.01 * max(2 * DANGEROUS, every.max())
    bins = np.geomspace(min(0.05, every.min()), last, 60).tolist()
    figure = open_figure(path, 6.0, 4.0)
    axes = figure.subplots()
    for (group, own), (color, _) in zip(values.items(), itertools.cycle(STYLES), strict=False):
        axes.hist(own, bins=bins, histtype="step", color=color, label=group)
    for limit, name in ((WORTH_LEARNING, "worth learning"), (DANGEROUS, "dangerous")):
        axes.axvline(limit, color="0.6", linewidth=0.8, linestyle="--")
        axes.text(limit, 1.01, name, transform=axes.get_xaxis_transform(), fontsize="x-small")
    of = "atoms" if results[0].grades is not None else "configurations"
    axes.set(xscale="log", yscale="log", xlabel="extrapolation grade", ylabel=f"number of {of}")
    axes.legend(fontsize="small", frameon=False)
    save_figure(figure, path)


def open_figure(path: str | os.PathLike[str], width: float, height: float) -> Figure:
    """An empty one, inches, for a file of this name. Raises ValueError as `check_plot_format`."""
    check_plot_format(path)
    return pages.figure(width, height)


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Whole or not at all, in the format of the ending. Raises OSError."""
    image = io.BytesIO()
    figure.savefig(image, format=Path(path).suffix.lstrip("."), dpi=200)
    write_atomically(path, image.getvalue())


def check_plot_format(path: str | os.PathLike[str]) -> Path:
    """`path` as a Path; raises ValueError unless its ending names a format that can be drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    path = Path(path)
    if path.suffix.lstrip(".") not in FigureCanvasAgg.get_supported_filetypes():
        raise ValueError(
            f"{path}: cannot draw to a file ending in '{path.suffix}'; use .png, .pdf or .svg."
        )
    return path


def _collect(
    results_by_set: Mapping[str, tuple[Sequence[Atoms], Sequence[ResultLike]]],
) -> list[tuple[str, str, str, float, dict[str, np.ndarray]]]:
    """Per panel: name, unit, unit of the RMSE, factor to it, {set: (reference, value)}."""
    energies, forces, stresses = {}, {}, {}
    compositions = {}
    for name, (configurations, results) in results_by_set.items():
        energy, force, stress = [], [], []
        for atoms, result in zip(configurations, results, strict=True):
            labels = labels_of(atoms)
            if labels.energy is not None:
                energy.append((atoms, labels.energy / len(atoms), result.energy / len(atoms)))
            if labels.forces is not None:
                force.append(np.stack([labels.forces.ravel(), np.asarray(result.forces).ravel()]))
            if labels.stress is not None and result.stress is not None:
                stress.append(np.stack([labels.stress, result.stress]) / units.GPa)
        if energy:
            compositions[name] = [atoms for atoms, _, _ in energy]
            energies[name] = np.array([pair for _, *pair in energy]).T
        if force:
            forces[name] = np.concatenate(force, axis=1)
        if stress:
            stresses[name] = np.concatenate(stress, axis=1)
    panels = [
        ("energy", "eV/atom, relative", "meV/atom", 1000.0, _relative(energies, compositions)),
        ("force", "eV/Å", "eV/Å", 1.0, forces),
        ("stress", "GPa", "GPa", 1.0, stresses),
    ]
    panels = [panel for panel in panels if panel[-1]]
    if not panels:
        raise ValueError("There is nothing to draw: the configurations have no labels.")
    return panels


def _relative(
    energies: dict[str, np.ndarray], compositions: dict[str, list[Atoms]]
) -> dict[str, np.ndarray]:
    """Subtract the least-squares composition energy (eV/atom) from references and values."""
    if not energies:
        return {}
    elements = sorted(
        {z for sets in compositions.values() for atoms in sets for z in atoms.numbers}
    )
    fractions = {
        name: np.array([[np.mean(atoms.numbers == z) for z in elements] for atoms in sets])
        for name, sets in compositions.items()
    }
    matrix = np.concatenate(list(fractions.values()))
    reference = np.concatenate([energies[name][0] for name in fractions])
    constants = np.linalg.lstsq(matrix, reference, rcond=None)[0]
    return {name: energies[name] - fractions[name] @ constants for name in energies}


def _limits(data: dict[str, np.ndarray]) -> tuple[float, float]:
    low = min(values.min() for values in data.values())
    high = max(values.max() for values in data.values())
    margin = 0.05 * (high - low) or 1.0
    return float(low - margin), float(high + margin)
