"""Crystals: conventional cells, symmetry, supercells and kinds of structures."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import make_supercell

SYMMETRY_TOLERANCE = 1e-3
"""Angstrom, within which relaxed crystals have their symmetry."""
SAME_PLANE = 0.05  # angstrom
PARALLEL = 1e-4  # angstrom, angstrom^2
SYSTEMS = (
    (2, "triclinic"),
    (15, "monoclinic"),
    (74, "orthorhombic"),
    (142, "tetragonal"),
    (167, "trigonal"),
    (194, "hexagonal"),
    (230, "cubic"),
)
"""Crystal systems, by the number of their last space group."""


def symmetry(crystal: Atoms) -> Any:
    """The dataset of spglib: `number`, `international`, `rotations`, `equivalent_atoms`, ..."""
    import spglib

    cell = (crystal.cell.array, crystal.get_scaled_positions(), crystal.numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = spglib.get_symmetry_dataset(cell, symprec=SYMMETRY_TOLERANCE)
    if found is None:
        raise ValueError("spglib finds no symmetry of this crystal; its atoms may overlap.")
    return found


def crystal_system(crystal: Atoms) -> str:
    """One of the seven; rhombohedral crystals are trigonal."""
    number = symmetry(crystal).number
    return next(name for last, name in SYSTEMS if number <= last)


def conventional_cell(crystal: Atoms) -> Atoms:
    """In the conventional cell and standard orientation of its space group (spglib)."""
    found = symmetry(crystal)
    return Atoms(
        numbers=found.std_types,
        cell=found.std_lattice,
        scaled_positions=found.std_positions,
        pbc=True,
    )


def space_group(crystal: Atoms) -> str:
    """Such as "Fm-3m (225)"."""
    found = symmetry(crystal)
    return f"{found.international} ({found.number})"


def chosen_sites(crystal: Atoms, most: int) -> tuple[dict[str, int], list[str]]:
    """One atom of every orbit, the first ones, by names such as "O", or "O 1", "O 2" where there
    are several; and a sentence on what is left out, or none."""
    sites = sorted({int(n) for n in symmetry(crystal).equivalent_atoms})
    symbols = [crystal.symbols[site] for site in sites[:most]]
    names = {
        symbol if symbols.count(symbol) == 1 else f"{symbol} {symbols[: n + 1].count(symbol)}": site
        for n, (symbol, site) in enumerate(zip(symbols, sites, strict=False))
    }
    if len(sites) <= most:
        return names, []
    return names, [f"Of {len(sites)} inequivalent sites, the first {most} were looked at."]


def prototype(crystal: Atoms) -> str:
    """One of "fcc", "bcc", "hcp", "diamond", "zincblende", "rocksalt", or "" for others."""
    kinds = {
        (225, 1, 4): "fcc",
        (229, 1, 2): "bcc",
        (194, 1, 2): "hcp",
        (227, 1, 8): "diamond",
        (216, 2, 8): "zincblende",
        (225, 2, 8): "rocksalt",
    }
    key = symmetry(crystal).number, len(set(crystal.numbers)), len(crystal)
    return kinds.get(key, "")


def supercell_size(crystal: Atoms, length: float) -> tuple[int, int, int]:
    """Repetitions after which opposite faces are so far apart, angstrom."""
    heights = 1 / np.linalg.norm(crystal.cell.reciprocal().array, axis=1)
    a, b, c = (max(1, int(n)) for n in np.ceil(length / heights - 1e-6))
    return a, b, c


def size_text(size: tuple[int, int, int]) -> str:
    """Such as "3x3x3"."""
    return "x".join(map(str, size))


def primitive_cell(crystal: Atoms) -> Atoms:
    """Of a conventional cell, in its orientation."""
    import spglib

    found = spglib.find_primitive(
        (crystal.cell.array, crystal.get_scaled_positions(), crystal.numbers),
        symprec=SYMMETRY_TOLERANCE,
    )
    if found is None:
        raise ValueError("spglib finds no primitive cell of this crystal; its atoms may overlap.")
    cell, scaled, numbers = found
    return Atoms(numbers=numbers, cell=cell, scaled_positions=scaled, pbc=True)


def oriented_block(
    crystal: Atoms, plane: tuple[int, int, int], thickness: float
) -> tuple[Atoms, np.ndarray]:
    """The smallest periodic cell of whose vectors two lie in a plane, which becomes that of x and
    y, at least so thick (angstrom); and the rotation that takes vectors of the crystal there:
    `vectors @ rotation`."""
    normal = np.array(plane) @ crystal.cell.reciprocal().array
    normal /= np.linalg.norm(normal)
    primitive = primitive_cell(crystal)
    numbers = np.array([n for n in itertools.product(range(-4, 5), repeat=3) if any(n)])
    vectors = numbers @ primitive.cell.array
    heights = vectors @ normal
    order = np.argsort(np.linalg.norm(vectors, axis=1).round(6), kind="stable")
    inside = [n for n in order if abs(heights[n]) < PARALLEL]
    if not inside:
        raise ValueError(f"The indices {plane} of the plane are too large.")
    first = inside[0]
    areas = np.linalg.norm(np.cross(vectors[first], vectors), axis=1)
    second = next(n for n in inside if areas[n] > PARALLEL)
    step = heights[heights > PARALLEL].min()
    third = next(n for n in order if abs(heights[n] - step) < PARALLEL)
    matrix = numbers[[first, second, third]]
    if np.linalg.det(matrix @ primitive.cell.array) < 0:
        matrix[1] *= -1
    one = make_supercell(primitive, matrix)
    block = one * (1, 1, max(1, int(np.ceil(thickness / step - 1e-6))))
    x = vectors[first] / np.linalg.norm(vectors[first])
    rotation = np.array([x, np.cross(normal, x), normal]).T
    block.set_cell(block.cell.array @ rotation, scale_atoms=True)
    block.wrap(eps=1e-6)
    return block, rotation


def gaps(block: Atoms) -> list[tuple[float, float]]:
    """Between atomic planes of an oriented block: height of the middle, and width, angstrom."""
    period = float(block.cell.array[2, 2])
    heights = np.sort(block.positions[:, 2] % period)
    widths = np.diff([*heights, heights[0] + period])
    return [
        (float(height + width / 2), float(width))
        for height, width in zip(heights, widths, strict=True)
        if width > SAME_PLANE
    ]


def cut(block: Atoms, height: float) -> Atoms:
    """The same block, with its boundary at this height."""
    block = block.copy()
    block.positions[:, 2] -= height
    block.wrap(eps=1e-6)
    return block


def formula_units(crystal: Atoms) -> int:
    """In the cell."""
    return int(np.gcd.reduce(np.unique(crystal.numbers, return_counts=True)[1]))


def to_dict(crystal: Atoms) -> dict[str, Any]:
    """As JSON."""
    return {
        "numbers": crystal.numbers.tolist(),
        "positions": crystal.positions.tolist(),
        "cell": crystal.cell.array.tolist(),
        "pbc": crystal.pbc.tolist(),
    }
