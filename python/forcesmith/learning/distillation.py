"""Settings to distill a teacher: conditions that belong to a structure, made from a few words."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from forcesmith.data.labels import shortened
from forcesmith.sampling.structures import is_prototype, read_structures
from forcesmith.teachers.settings import TeacherSettings

SMALLEST_LENGTH = 8.0  # angstrom, of the cells that are explored
MOST_ATOMS = 150  # of these cells, so that a teacher labels them quickly


def distillation(
    structures: Sequence[str],
    teacher: str,
    *,
    temperature: str,
    vacancies: Sequence[str],
    duration: float,
    level: int,
    cutoff: float,
    labels: int | None,
    folder: Path,
) -> str:
    """Text of the settings, TOML, for a file beside the folder of the project.

    structures: files or prototypes; temperature: "1500" or "300:1500", K; vacancies: elements;
    duration: ps; cutoff: angstrom; labels: at most.
    Raises ValueError for structures that cannot be read, and for what they do not have.
    """
    kelvin = _temperatures(temperature)
    found: set[str] = set()
    conditions = []
    for given in structures:
        atoms = read_structures(given)[0][1]
        found.update(atoms.symbols)
        place = given if is_prototype(given) else os.path.relpath(given, folder.parent)
        conditions += _conditions(place, atoms, kelvin, vacancies, duration)
    if missing := sorted(set(vacancies) - found):
        raise ValueError(
            f"--vacancies: {', '.join(missing)} is no element of {shortened(structures[0], 60)}, "
            f"which has {', '.join(sorted(found))}."
        )
    most = f"labels = {labels}\n" if labels is not None else ""
    head = f"""# Made by `forcesmith distill`; change it and go on by `forcesmith learn`.
teacher = {_teacher(teacher, folder.parent)}
folder = {json.dumps(folder.name)}
{most}
[fit]
descriptor = {{ type = "moment_tensor", level = {level}, cutoff = {cutoff:g} }}
optimizer = {{ max_iterations = 300, tolerance = 0.005 }}
weights.energy = 1.0
weights.force = 0.03
weights.stress = 0.1
# Energies of defects are differences of energies of whole cells, in which errors of atoms add up.
weights.groups."*-minimization" = {{ energy = 1000, force = 100 }}

[selection]
select = 2.0
stop = 10.0
"""
    return "\n".join([head, *conditions])


def _teacher(given: str, place: Path) -> str:
    """In TOML, for a file in this folder: paths in it start at the current one, as given."""
    here = os.path.relpath(Path.cwd(), place)
    if given.endswith(".toml"):
        return json.dumps(os.path.join(here, given) if here != "." else given)
    if here == ".":
        return json.dumps(given)
    settings = TeacherSettings.model_validate(given).model_dump(exclude_unset=True)
    options = {**settings, "name": given, "folder": here}
    return f"{{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in options.items())} }}"


def _conditions(
    place: str, atoms: Atoms, kelvin: list[float], vacancies: Sequence[str], duration: float
) -> list[str]:
    """Dynamics and ground states of the perfect crystal and of crystals with a vacancy, a heating,
    strains."""
    repeats = _supercell(atoms)
    supercell = f'supercell = "{"x".join(map(str, repeats))}"'
    structure = f"structure = {json.dumps(place)}"
    series = f"temperature = [{', '.join(f'{value:g}' for value in kelvin)}]"
    time = f"duration = {duration:g}"
    periodic = bool(atoms.pbc.all())
    ensemble = f'ensemble = "{"npt" if periodic else "nvt"}"'
    blocks = [[structure, supercell, ensemble, series, time]]
    if len(kelvin) > 1:
        ramp = f'temperature = "{kelvin[0]:g}:{kelvin[-1]:g}"'
        blocks.append([structure, supercell, ensemble, ramp, time])
    blocks.append([structure, supercell, 'kind = "minimization"'])
    own = [element for element in vacancies if element in atoms.symbols]
    if own:
        several = ", ".join(f"{{ {element} = 1 }}" for element in own)
        lacking = f"vacancies = [{several}]"
        blocks.append([structure, supercell, lacking, ensemble, series, time])
        blocks.append([structure, supercell, lacking, 'kind = "minimization"'])
    if periodic:
        blocks.append([structure, 'kind = "strain"', "strain = 0.03"])
    return ["\n".join(["[[conditions]]", *lines, ""]) for lines in blocks]


def _supercell(atoms: Atoms) -> list[int]:
    """Repetitions to cells that are not too small, nor too large for a teacher."""
    lengths = atoms.cell.lengths()
    repeats = [
        int(np.ceil(SMALLEST_LENGTH / length)) if periodic else 1
        for length, periodic in zip(lengths, atoms.pbc, strict=True)
    ]
    while len(atoms) * np.prod(repeats) > MOST_ATOMS and max(repeats) > 1:
        longest = max(range(3), key=lambda axis: (repeats[axis] > 1, repeats[axis] * lengths[axis]))
        repeats[longest] -= 1
    return repeats


def _temperatures(text: str) -> list[float]:
    """Lowest, middle and highest one, K."""
    try:
        ends = [float(part) for part in text.split(":")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2) or min(ends) <= 0 or ends[0] > ends[-1]:
        raise ValueError(
            f"--temperature {shortened(text, 40)}: expected one in K, or from and to, such as "
            "300:1500."
        )
    low, high = ends[0], ends[-1]
    return [low] if low == high else [low, (low + high) / 2, high]
