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
from forcesmith.teachers.settings import teacher_settings

SMALLEST_LENGTH, MOST_ATOMS = 8.0, 150
"""Of the cells that are explored, angstrom; few atoms, so that a teacher labels them quickly."""
LARGER_LENGTH, MOST_ATOMS_AT_REST = 12.0, 300
"""Of the larger cells, whose ground states tell how vacancies in several cells see each other."""
ENERGY_WEIGHT = 7.0
"""Of a whole cell's energy in ground states, 1/eV^2; others have 1, of energies per atom."""
CRYSTAL = 20.0
"""Times that of cells with a vacancy: an error per atom of it counts in cells of any size."""
VACANCY_TOLERANCE = 0.05  # eV
LOWEST_TEMPERATURE = 300.0  # K, where only the highest one is given


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

    structures: files or prototypes; temperature: "300:1500", K, or "1500" for the same; vacancies:
    elements; duration: ps; cutoff: angstrom; labels: at most.
    Raises ValueError for structures that cannot be read, and for what they do not have.
    """
    kelvin = _temperatures(temperature)
    found: set[str] = set()
    conditions, cells = [], []
    for given in structures:
        atoms = read_structures(given)[0][1]
        found.update(atoms.symbols)
        cells.append(atoms.repeat(_supercell(atoms, SMALLEST_LENGTH, MOST_ATOMS)))
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
{_weights(cells, bool(vacancies))}

[selection]
select = 2.0
stop = 10.0
"""
    if vacancies:
        head += f"\n[verdict.tolerance]\nvacancy = {VACANCY_TOLERANCE:g}   # eV\n"
    return "\n".join([head, *conditions])


def _weights(cells: Sequence[Atoms], has_vacancies: bool) -> str:
    """Of ground states, by the size of the smallest of these cells."""
    energy = ENERGY_WEIGHT * min(map(len, cells)) ** 2
    lines = [
        "# Energies of vacancies are differences of energies of whole cells, in which errors of",
        "# atoms add up: weights of ground states grow with the square of their size.",
    ]
    if has_vacancies:
        lines.append(
            f'weights.groups."*-vacancy-minimization" = {{ energy = {energy:.0f}, force = 100 }}'
        )
        energy *= CRYSTAL
    lines.append(
        f'weights.groups."*-minimization" = {{ energy = {energy:.0f}, force = 100, stress = 300 }}'
    )
    return "\n".join(lines)


def _teacher(given: str, place: Path) -> str:
    """In TOML, for a file in this folder: paths in it start at the current one, as given."""
    here = os.path.relpath(Path.cwd(), place)
    if given.endswith(".toml"):
        return json.dumps(os.path.join(here, given) if here != "." else given)
    if here == ".":
        return json.dumps(given)
    settings = teacher_settings(given).model_dump(exclude_unset=True)
    options = {**settings, "name": given, "folder": here}
    return f"{{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in options.items())} }}"


def _conditions(
    place: str, atoms: Atoms, kelvin: list[float], vacancies: Sequence[str], duration: float
) -> list[str]:
    """Dynamics and ground states of the perfect crystal and of crystals with a vacancy, a heating,
    strains. Ground states of crystals are those at rest without pressure, and of vacancies in two
    sizes of cells."""
    sizes = [
        "x".join(map(str, _supercell(atoms, *limits)))
        for limits in ((SMALLEST_LENGTH, MOST_ATOMS), (LARGER_LENGTH, MOST_ATOMS_AT_REST))
    ]
    supercell = f"supercell = {json.dumps(sizes[0])}"
    both = f"supercell = {json.dumps(list(dict.fromkeys(sizes)))}"
    structure = f"structure = {json.dumps(place)}"
    series = f"temperature = [{', '.join(f'{value:g}' for value in kelvin)}]"
    time = f"duration = {duration:g}"
    periodic = bool(atoms.pbc.all())
    ensemble = f'ensemble = "{"npt" if periodic else "nvt"}"'
    blocks = [[structure, supercell, ensemble, series, time]]
    if len(kelvin) > 1:
        ramp = f'temperature = "{kelvin[0]:g}:{kelvin[-1]:g}"'
        blocks.append([structure, supercell, ensemble, ramp, time])
    at_rest = ['kind = "minimization"', *(["pressure = 0"] if periodic else [])]
    blocks.append([structure, supercell, *at_rest])
    own = [element for element in vacancies if element in atoms.symbols]
    if own:
        several = ", ".join(f"{{ {element} = 1 }}" for element in own)
        lacking = f"vacancies = [{several}]"
        blocks.append([structure, supercell, lacking, ensemble, series, time])
        # out of the symmetry of the site, which may not be that of the lowest energy
        blocks.append([structure, both, lacking, *at_rest, "displacement = 0.01"])
    if periodic:
        blocks.append([structure, 'kind = "strain"', "strain = 0.03"])
    return ["\n".join(["[[conditions]]", *lines, ""]) for lines in blocks]


def _supercell(atoms: Atoms, smallest_length: float, most_atoms: int) -> list[int]:
    """Repetitions to cells that are not too small, nor too large for a teacher."""
    lengths = atoms.cell.lengths()
    repeats = [
        int(np.ceil(smallest_length / length)) if periodic else 1
        for length, periodic in zip(lengths, atoms.pbc, strict=True)
    ]
    while len(atoms) * np.prod(repeats) > most_atoms and max(repeats) > 1:
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
            f"--temperature {shortened(text, 40)}: expected the highest one in K, or from "
            "and to, such as 300:1500."
        )
    high = ends[-1]
    low = ends[0] if len(ends) == 2 else min(LOWEST_TEMPERATURE, high)
    return [low] if low == high else [low, (low + high) / 2, high]
