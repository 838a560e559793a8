"""Pictures of what data hold: pair curves, energies against forces, principal components; and of
how precise labels are."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence

import numpy as np
from ase import Atoms

from forcesmith.analysis.plots import STYLES, open_figure, save_figure
from forcesmith.data.labels import group_of, labels_of
from forcesmith.sampling.diversity import Diversity
from forcesmith.sampling.limits import Limits, PairCurve, cohesive_energy
from forcesmith.sampling.precision import Precision

MOST_POINTS = 20_000  # of a set, in scatter plots


def pair_curve_plot(
    curves: Sequence[PairCurve], limits: Limits, path: str | os.PathLike[str]
) -> None:
    """Draw the energies of pairs over their distance, and where the limits are.

    Parameters
    ----------
    curves
        Of all pairs.
    limits
        Distances are marked on the curves.
    path
        A .png, .pdf or .svg file, written whole or not at all.
    """
    figure = open_figure(path, 5.5, 4.0)
    axes = figure.subplots()
    deepest = max(curve.binding_energy for curve in curves)
    for curve, (color, _) in zip(curves, itertools.cycle(STYLES), strict=False):
        axes.plot(curve.distances, curve.energies, color=color, label=curve.name)
        axes.axvline(limits.distances[curve.name], color=color, linewidth=0.8, linestyle="--")
    axes.axhline(0.0, color="0.6", linewidth=0.8)
    axes.set(xlabel="distance (Å)", ylabel="energy (eV)", ylim=(-1.2 * deepest, 3 * deepest))
    axes.legend(fontsize="small", frameon=False, title="dashed: closest distance")
    save_figure(figure, path)


def beak_plot(
    configurations: Sequence[Atoms], path: str | os.PathLike[str], limits: Limits | None = None
) -> None:
    """Draw the largest force of every configuration against its energy: the beak opens upwards.

    Parameters
    ----------
    configurations
        With energies and forces; `info["config_type"]` is told by the colour.
    path
        A .png, .pdf or .svg file, written whole or not at all.
    limits
        Energies are relative to its separated atoms, and its limits are drawn. None: energies are
        relative to a least-squares fit of one constant per element.

    Raises
    ------
    ValueError
        No configuration has both labels.
    """
    labelled = []
    for atoms in configurations:
        labels = labels_of(atoms)
        if labels.energy is not None and labels.forces is not None and len(atoms):
            force = float(np.linalg.norm(labels.forces, axis=1).max())
            labelled.append((atoms, labels.energy, force))
    if not labelled:
        raise ValueError("There is nothing to draw: no configuration has energy and forces.")
    separated = limits.separated if limits else {}
    if not separated:
        separated = _constants([one[0] for one in labelled], [one[1] for one in labelled])
    groups: dict[str, list[tuple[float, float]]] = {}
    for atoms, energy, force in labelled:
        above = cohesive_energy(atoms, energy, separated)
        groups.setdefault(group_of(atoms), []).append((above, force))
    figure = open_figure(path, 5.5, 4.5)
    axes = figure.subplots()
    for (group, points), (color, marker) in zip(
        sorted(groups.items()), itertools.cycle(STYLES), strict=False
    ):
        energies, forces = np.array(points).T
        axes.plot(
            energies, forces, marker, color=color, markersize=3, markerfacecolor="none", label=group
        )
    if limits and limits.force is not None:
        axes.axhline(limits.force, color="0.4", linewidth=0.8, linestyle="--")
    if limits and limits.energy is not None and limits.separated:
        axes.axvline(limits.energy, color="0.4", linewidth=0.8, linestyle="--")
    zero = "separated atoms" if limits and limits.separated else "composition"
    axes.set(
        xlabel=f"energy relative to {zero} (eV/atom)",
        ylabel="largest force (eV/Å)",
        yscale="symlog",
    )
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize="small", frameon=False)
    save_figure(figure, path)


def diversity_plot(found: Diversity, path: str | os.PathLike[str]) -> None:
    """Draw the sets over their first two principal components, and the distribution of the first.

    Parameters
    ----------
    found
        As `compare_diversity` gives it.
    path
        A .png, .pdf or .svg file, written whole or not at all.
    """
    elements = list(found.components)
    figure = open_figure(path, 4.0 * len(elements), 7.0)
    rows = figure.subplots(2, len(elements), squeeze=False, sharex="col")
    for element, scatter, histogram in zip(elements, rows[0], rows[1], strict=True):
        pooled = np.concatenate([own[element] for own in found.projected.values()])
        bins = np.linspace(pooled[:, 0].min(), pooled[:, 0].max() + 1e-9, 60)
        for (name, own), (color, _) in zip(
            found.projected.items(), itertools.cycle(STYLES), strict=False
        ):
            values = own[element]
            step = max(1, len(values) // MOST_POINTS)
            second = values[::step, 1] if values.shape[1] > 1 else np.zeros(len(values[::step]))
            scatter.plot(
                values[::step, 0],
                second,
                ".",
                color=color,
                markersize=2,
                label=f"{name}: {found.spread(name, element):.3g}",
                rasterized=True,
            )
            histogram.hist(
                values[:, 0], bins=bins, histtype="step", density=bool(len(values)), color=color
            )
        scatter.set(title=element, ylabel="second component")
        histogram.set(xlabel="first component", ylabel="density of atoms")
        scatter.legend(fontsize="small", frameon=False, title="norm of root variances")
    save_figure(figure, path)


def precision_plot(found: Precision, path: str | os.PathLike[str]) -> None:
    """Draw the errors of labels over a series of settings, with limits, and the time they take.

    Parameters
    ----------
    found
        As `find_precision` gives it.
    path
        A .png, .pdf or .svg file, written whole or not at all.
    """
    option = found.option
    values = [point.values[option] for point in found.points]
    figure = open_figure(path, 5.5, 6.0)
    errors, times = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    curves = (
        ("energy (AEAD), meV/atom", "energy_deviation", None),
        ("energy, meV/atom", "energy_rmse", None),
        ("forces, meV/Å", "force_rmse", found.force_limit),
        ("virials, meV/atom", "virial_rmse", found.virial_limit),
    )
    for (name, key, limit), (color, marker) in zip(curves, STYLES, strict=True):
        own = [getattr(point, key) for point in found.points]
        if None not in own:
            scaled = 1000 * np.array(own[1:], float)
            errors.plot(values[1:], scaled, marker + "-", color=color, markersize=4, label=name)
        if limit is not None:
            errors.axhline(1000 * limit, color=color, linewidth=0.8, linestyle="--")
    times.plot(values, [point.seconds for point in found.points], ".-", color="0.3")
    for axes in (errors, times):
        axes.axvline(found.recommended.values[option], color="0.6", linewidth=0.8)
    errors.set(ylabel="error against the finest", yscale="log")
    errors.legend(fontsize="small", frameon=False, title="dashed: limits; line: recommended")
    times.set(xlabel=option, ylabel="time of a label (s)", yscale="log")
    save_figure(figure, path)


def _constants(configurations: Sequence[Atoms], energies: Sequence[float]) -> dict[str, float]:
    """Energy of every element by a least-squares fit, eV."""
    elements = sorted({name for atoms in configurations for name in atoms.symbols})
    counts = np.array([[(a.symbols == e).sum() for e in elements] for a in configurations])
    fitted = np.linalg.lstsq(counts, np.array(energies), rcond=None)[0]
    return dict(zip(elements, fitted.tolist(), strict=True))
