"""Data that cannot be fitted are refused, each with one sentence."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ase import Atoms

from forcesmith.data.dataset import searches_of
from forcesmith.data.label_names import (
    names_text,
    options_text,
    unused_labels,
    warn,
    warn_without_volume,
)
from forcesmith.data.labels import SOURCE_KEY, describe, group_of, labels_of, shortened
from forcesmith.data.neighbors import NeighborSearch

# Closer than this, two atoms are one atom written twice (angstrom).
OVERLAP_DISTANCE = 0.2


def check_configurations(
    configurations: Sequence[Atoms],
    elements: Sequence[str] | None,
    where: str,
    *,
    forces_required: bool | Collection[str] = False,
    potential: bool = False,
) -> None:
    """Refuse data that cannot be fitted, with one sentence naming configuration, atoms and remedy.

    Parameters
    ----------
    configurations
        With labels in their calculators, as `read` gives them.
    elements
        The elements of the settings, or None to accept all.
    where
        Name of the set in messages ("train", "test").
    forces_required
        Whether a configuration without forces is an error (a force weight above 0), or the groups
        in which it is.
    potential
        `elements` are those of a potential, not of settings (for the wording only).

    Raises
    ------
    ValueError
        An empty set, a configuration without atoms or labels, an element missing in the settings,
        NaN in positions, cell or labels, labels of the wrong shape, a periodic direction without a
        lattice vector, or atoms closer than 0.2 angstrom.
    """
    if len(configurations) == 0:
        raise ValueError(f"The {where} set is empty; give at least one configuration.")
    for index, search in enumerate(searches_of(configurations)):
        atoms = search.atoms
        here = describe(atoms, f"configuration {index} of {where}")
        _check_geometry(search, here)
        if elements is not None:
            _check_elements(atoms, elements, here, potential)
        labels = labels_of(atoms, here)
        if not labels.any:
            raise ValueError(_without_labels(atoms, here))
        required = (
            forces_required
            if isinstance(forces_required, bool)
            else group_of(atoms) in forces_required
        )
        if required and labels.forces is None:
            raise ValueError(
                f"{here} has no forces, but the force weight is above 0; give its group "
                f"'{shortened(group_of(atoms))}' the force weight 0, or leave this configuration "
                "out."
            )
    _warn_of_own(configurations, where)


def _without_labels(atoms: Atoms, here: str) -> str:
    text = f"{here} has neither energy nor forces nor stress"
    unused = unused_labels(atoms)
    if not unused:
        return f"{text}; leave it out, or correct the data."
    found, options = names_text(list(unused)), options_text(unused)
    return (
        f"{text}, but {shortened(found, 45)}; read it with {shortened(options, 85)} (settings: "
        "[data]; shell: --energy-key ...)."
    )


def _warn_of_own(configurations: Sequence[Atoms], where: str) -> None:
    """Warns of labels of configurations that `read`, which warns itself, has not read."""
    own = [atoms for atoms in configurations if SOURCE_KEY not in atoms.info]
    unused = {name: key for atoms in own for name, key in unused_labels(atoms).items()}
    unused.pop("virial", None)
    if unused:
        warn(
            f"The {where} set holds {names_text(list(unused))}, which is not used: labels are what "
            "the configurations' calculators hold; `forcesmith.read` puts them there."
        )
    warn_without_volume(own, f"The {where} set")


def _check_elements(atoms: Atoms, elements: Sequence[str], here: str, potential: bool) -> None:
    missing = ", ".join(sorted(set(atoms.get_chemical_symbols()) - set(elements)))
    if not missing:
        return
    if potential:
        owner, remedy = "the potential knows", f"use a potential with {missing}"
    else:
        owner, remedy = "the settings name", f"add {missing} to `elements`"
    raise ValueError(
        f"{here} contains {missing}, but {owner} only {shortened(', '.join(elements), 80)}; "
        f"{remedy} or leave this configuration out."
    )


def _check_geometry(search: NeighborSearch, here: str) -> None:
    atoms = search.atoms
    if len(atoms) == 0:
        raise ValueError(f"{here} has no atoms; remove it.")
    if pair := search.closest(here, OVERLAP_DISTANCE):
        i, j = sorted(pair[:2])
        of = "" if i != j else " (its own periodic image)"
        raise ValueError(
            f"{here}: atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}){of} are "
            f"{pair[2]:.3f} angstrom apart (atoms counted from 0), less than "
            f"{OVERLAP_DISTANCE}; remove the duplicate or correct the cell."
        )
