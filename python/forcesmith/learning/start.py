"""What is labelled before the first fit: perturbed structures of the conditions, and given data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from forcesmith.data.labels import ORIGIN_KEY, describe, labels_of
from forcesmith.data.reading import read
from forcesmith.learning.conditions import Condition
from forcesmith.learning.project import formula
from forcesmith.learning.settings import LearnSettings
from forcesmith.sampling.structures import perturbed
from forcesmith.teachers.teacher import Teacher

GROUP = "start"
"""`config_type` of structures that are made to begin with."""


def starting_structures(settings: LearnSettings, conditions: Sequence[Condition]) -> list[Atoms]:
    """What the teacher labels: info: id, reason. The same ones at every call.

    Raises ValueError if there is nothing to begin with that is small enough for it."""
    start, largest = settings.start, settings.selection.largest_cell
    made = []
    smallest = _smallest(conditions)
    small = [structure for structure in smallest if len(structure) <= largest]
    if not small and not start.data:
        fewest = min(len(structure) for structure in smallest)
        raise ValueError(
            f"All conditions have {fewest} atoms or more, too many for the teacher "
            f"(selection.largest_cell = {largest}): add a condition with a smaller cell, or give "
            "start.data."
        )
    for structure in small:
        if not start.perturbed and not start.data:
            made.append(_named(structure, "the structure as it is", GROUP))
        rng = np.random.default_rng(len(made) + 1)
        for _ in range(start.perturbed):
            atoms = perturbed(structure, rng, displacement=start.displacement, strain=start.strain)
            made.append(_named(atoms, "a perturbed structure to begin with", GROUP))
    _, unlabelled = given_data(settings)
    made += [
        _named(atoms, "given to begin with", atoms.info.get("config_type", "given"))
        for atoms in unlabelled
    ]
    for number, atoms in enumerate(made, start=1):
        atoms.info = {"id": f"000-start-{number:04d}", **atoms.info}
    return made


def given_labels(settings: LearnSettings, teacher: Teacher) -> list[Atoms]:
    """Labels of start.data as labels of the teacher.

    Raises ValueError if they are those of another one.
    """
    labelled, _ = given_data(settings)
    for number, atoms in enumerate(labelled, start=1):
        given = atoms.info.get("teacher_hash", teacher.settings_hash)
        if given != teacher.settings_hash:
            raise ValueError(
                f"{describe(atoms, 'a configuration')} was labelled by "
                f"{atoms.info.get('teacher', 'another teacher')} with other settings than those of "
                f"{teacher.name}; one potential learns from one teacher: set start.relabel."
            )
        calc = atoms.calc
        of_data = ("config_type", "weight", ORIGIN_KEY)
        kept = {key: atoms.info[key] for key in of_data if key in atoms.info}
        atoms.info = {
            "id": f"000-data-{number:05d}",
            "reason": "given to begin with, with its labels",
            "teacher": teacher.name,
            "teacher_hash": teacher.settings_hash,
            **kept,
        }
        atoms.calc = calc
    return labelled


def given_data(settings: LearnSettings) -> tuple[list[Atoms], list[Atoms]]:
    """Of start.data, configurations with labels, and those for the teacher."""
    labelled: list[Atoms] = []
    unlabelled: list[Atoms] = []
    for name in settings.start.data:
        for atoms in read(name):
            labels = labels_of(atoms)
            if labels.energy is None or labels.forces is None or settings.start.relabel:
                unlabelled.append(atoms)
            else:
                labelled.append(atoms)
    return labelled, unlabelled


def _smallest(conditions: Sequence[Condition]) -> list[Atoms]:
    """Of every crystal, surface and defect the smallest cell, as labels of large ones cost much; no
    composition twice."""
    found: dict[str, Atoms] = {}
    for condition in conditions:
        before = found.setdefault(condition.shows, condition.structure)
        if len(condition.structure) < len(before):
            found[condition.shows] = condition.structure
    return list({formula(structure): structure for structure in found.values()}.values())


def _named(atoms: Atoms, reason: str, group: str) -> Atoms:
    info = {"reason": reason, "config_type": group}
    if ORIGIN_KEY in atoms.info:
        info[ORIGIN_KEY] = atoms.info[ORIGIN_KEY]
    return Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info)
