"""Structures to explore: files and prototypes, supercells, defects, strains and surfaces."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.build import bulk, surface
from ase.data import atomic_numbers, covalent_radii
from ase.neighborlist import neighbor_list
from scipy.spatial import Voronoi, cKDTree

from forcesmith.data.labels import shortened
from forcesmith.files import existing_file

PROTOTYPES = {
    "sc": False,
    "fcc": True,
    "bcc": True,
    "hcp": False,
    "diamond": True,
    "zincblende": True,
    "rocksalt": True,
    "cesiumchloride": False,
    "fluorite": True,
    "wurtzite": False,
}
"""Those of ase.build.bulk: whether their primitive cell is to be replaced by the cubic one."""
OVERLAP_DISTANCE = 0.5  # angstrom; no two atoms of any structure are closer
FARTHEST_NEIGHBORS = 10.0  # angstrom, of prototypes; none of a real crystal are so far apart
FLATTEST_CELL = 0.01  # volume by the product of lengths
SLAB_THICKNESS = 10.0  # angstrom, at least
VACUUM = 8.0  # angstrom on both sides of a slab, and around what is not periodic
COMPONENTS = {"xx": (0, 0), "yy": (1, 1), "zz": (2, 2), "yz": (1, 2), "xz": (0, 2), "xy": (0, 1)}


# ---- from files and names ----


def is_prototype(text: str) -> bool:
    """Whether a text names a prototype, not a file."""
    return text.partition(" ")[0] in PROTOTYPES and not Path(text).exists()


def read_structures(text: str) -> list[tuple[str, Atoms]]:
    """The structures that a text names: (short name, atoms) of each.

    `text` is a file that ASE reads (its last frame, or those of `file@slice`), or the name of a
    prototype, an element or compound, and lattice constants in angstrom: "rocksalt MgO 4.21".
    Raises ValueError for what is no complete structure.
    """
    if is_prototype(text):
        return [_prototype(text)]
    file, _, _ = text.partition("@")
    try:
        path = existing_file(file)
    except OSError as error:
        raise ValueError(
            f"{shortened(str(error), 180).rstrip('.')}; a structure is a file, or a prototype such "
            'as "rocksalt MgO 4.21".'
        ) from None
    try:
        frames = ase.io.read(text)
    except Exception as error:  # whatever readers of dozens of formats raise
        kind = path.suffix[1:].upper() or "file"
        reason = _reason(error, f"this is no valid {kind}")
        raise ValueError(f"{path}: no structure can be read: {reason}.") from None
    frames = frames if isinstance(frames, list) else [frames]
    if not frames:
        raise ValueError(f"{shortened(text, 200)}: there is no structure in it.")
    name = path.name.split(".")[0]
    names = [name] if len(frames) == 1 else [f"{name}-{n + 1}" for n in range(len(frames))]
    for atoms in frames:
        check_structure(atoms, shortened(path.name, 80))
    return list(zip(names, frames, strict=True))


def _prototype(text: str) -> tuple[str, Atoms]:
    kind, *rest = text.split()
    try:
        formula, *constants = rest
        a, c = [*map(float, constants), None, None][:2]
        cubic = {"cubic": True} if PROTOTYPES[kind] else {}
        atoms = bulk(formula, kind, a=a, c=c, **cubic)
    except (ValueError, KeyError, RuntimeError) as error:
        reason = _reason(error, "this is no formula")
        raise ValueError(
            f'The structure "{shortened(text, 60)}" cannot be made: {reason}; write prototype, '
            'formula and lattice constants in angstrom: "rocksalt MgO 4.21".'
        ) from None
    check_structure(atoms, f'"{shortened(text, 60)}"')
    if len(neighbor_list("i", atoms, FARTHEST_NEIGHBORS)) == 0:
        raise ValueError(
            f'The structure "{shortened(text, 60)}" has no two atoms within '
            f"{FARTHEST_NEIGHBORS:g} angstrom of each other; its lattice constant is too large "
            '(they are in angstrom, as in "rocksalt MgO 4.21").'
        )
    return formula, atoms


def _reason(error: Exception, otherwise: str) -> str:
    """Why ASE could not make a structure; otherwise: where the error does not say it."""
    if isinstance(error, KeyError) and re.fullmatch(r"'[A-Z][a-z]?'", str(error)):
        return f'there is no element "{error.args[0]}"'
    return shortened(error, 150).rstrip(".") or otherwise


def check_structure(atoms: Atoms, where: str) -> None:
    """Raise ValueError for what cannot be simulated: one sentence."""
    if len(atoms) == 0:
        raise ValueError(f"{where}: this structure has no atoms.")
    for occupants in atoms.info.get("occupancy", {}).values():
        if len(occupants) > 1 or min(occupants.values()) < 1:
            text = ", ".join(f"{name} {part:g}" for name, part in occupants.items())
            raise ValueError(
                f"{where}: a site is partly occupied ({text}); give a structure in which every "
                "site holds one atom or none, such as an ordered supercell."
            )
    if 0 in atoms.numbers:
        raise ValueError(f"{where}: atom {atoms.numbers.tolist().index(0)} is of no known element.")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise ValueError(f"{where}: positions or cell are not finite numbers.")
    if (atoms.pbc & (atoms.cell.lengths() == 0)).any():
        raise ValueError(f"{where}: a periodic direction has no lattice vector.")
    unit = atoms.cell.complete().array
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    if abs(np.linalg.det(unit)) < FLATTEST_CELL:
        raise ValueError(f"{where}: the vectors of the cell lie in a plane, it has no volume.")
    check_distances(atoms, where)


def check_distances(atoms: Atoms, where: str) -> None:
    """Raise ValueError where two atoms overlap."""
    first, second, distance = neighbor_list("ijd", atoms, OVERLAP_DISTANCE)
    if len(first):
        n = int(distance.argmin())
        raise ValueError(
            f"{where}: atoms {first[n]} and {second[n]} are {distance[n]:.2g} angstrom apart; no "
            f"potential knows anything below {OVERLAP_DISTANCE} angstrom, correct the structure."
        )


def have_room(atoms: Atoms, ratio: float) -> bool:
    """Whether no two atoms are closer than this part of the sum of their covalent radii, nor than
    0.5 angstrom."""
    own = sorted(set(atoms.symbols))
    radii = {name: float(covalent_radii[atomic_numbers[name]]) for name in own}
    closest = {
        (a, b): max(OVERLAP_DISTANCE, ratio * (radii[a] + radii[b])) for a in own for b in own
    }
    return len(neighbor_list("i", atoms, closest)) == 0


# ---- supercells and strains ----


def strained(atoms: Atoms, strain: Mapping[str, float]) -> Atoms:
    """Deformed by a strain tensor with these components (xx, yy, zz, yz, xz, xy)."""
    deformation = np.eye(3)
    for name, value in strain.items():
        i, j = COMPONENTS[name]
        deformation[i, j] += value
        if i != j:
            deformation[j, i] += value
    atoms = atoms.copy()
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    return atoms


def perturbed(
    atoms: Atoms, rng: np.random.Generator, *, displacement: float, strain: float
) -> Atoms:
    """With all atoms displaced and the cell strained by chance, where it is periodic.

    displacement: standard deviation, angstrom; strain: of its components.
    """
    atoms = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    deformation = np.eye(3) + rng.normal(0.0, strain, (3, 3))
    periodic = np.outer(atoms.pbc, atoms.pbc)
    deformation = np.where(periodic, deformation, np.eye(3))
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    atoms.positions += rng.normal(0.0, displacement, atoms.positions.shape)
    return atoms


def slab(atoms: Atoms, miller: str, where: str) -> Atoms:
    """Cut with this surface, at least 10 angstrom thick, 8 angstrom of vacuum on both sides."""
    indices = miller_indices(miller)
    if not atoms.pbc.all():
        raise ValueError(f"{where}: surfaces are cut out of structures that are periodic.")
    height = _height(crystal_layers(atoms, indices, 2)) / 2
    layers = max(1, int(np.ceil(SLAB_THICKNESS / height)))
    cut = crystal_layers(atoms, indices, layers)
    cut.center(vacuum=VACUUM, axis=2)
    return cut


def crystal_layers(atoms: Atoms, indices: tuple[int, int, int], n_layers: int) -> Atoms:
    """A crystal cut along a plane, which is that of x and y, periodic also along z.

    ASE wraps atoms that lie below the lower face, if only by a rounding error, to the upper one,
    away from the others of their plane; here they stay.
    """
    cut = surface(atoms, indices, n_layers, periodic=True)
    height = cut.cell.array[2, 2]
    cut.positions[cut.positions[:, 2] > height - 1e-6, 2] -= height
    return cut


def miller_indices(text: str) -> tuple[int, int, int]:
    """Of "100" or "1 -1 0". Raises ValueError."""
    found = re.findall(r"-?\d", text)
    if len(found) != 3 or not re.fullmatch(r"[\d\s-]+", text) or not any(map(int, found)):
        raise ValueError(
            f'a surface is given by three Miller indices, such as "100" or "1 -1 0", not '
            f'"{shortened(text)}"'
        )
    a, b, c = map(int, found)
    return a, b, c


def _height(atoms: Atoms) -> float:
    return float(atoms.cell.volume / np.linalg.norm(np.cross(*atoms.cell.array[:2])))


def widest_gap(atoms: Atoms) -> float:
    """Angstrom, the thickest layer without atoms between planes of the cell."""
    scaled = np.sort(atoms.get_scaled_positions(), axis=0)
    gaps = np.diff(np.vstack([scaled, scaled[:1] + 1]), axis=0).max(axis=0)
    heights = 1 / np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
    return float((gaps * heights).max())


# ---- defects ----


def with_vacancies(
    atoms: Atoms, vacancies: Mapping[str, int], rng: np.random.Generator, where: str
) -> tuple[Atoms, np.ndarray]:
    """Without so many atoms of each element, taken by chance: the rest, and their positions."""
    removed: list[int] = []
    for element, count in vacancies.items():
        removed += _sites(atoms, element, count, "vacancies", rng, where)
    if len(removed) == len(atoms):
        raise ValueError(f"{where}: the vacancies leave no atom.")
    positions = atoms.positions[removed]
    atoms = atoms.copy()
    del atoms[removed]
    return atoms, positions


def with_substitutions(
    atoms: Atoms,
    substitutions: Mapping[str, Mapping[str, int]],
    rng: np.random.Generator,
    where: str,
) -> Atoms:
    """With so many atoms of an element turned into another one: {"Mg": {"Ca": 1}}."""
    atoms = atoms.copy()
    original = atoms.copy()
    for element, into in substitutions.items():
        sites = _sites(original, element, sum(into.values()), "substitutions", rng, where)
        for new, count in into.items():
            for _ in range(count):
                atoms.symbols[sites.pop()] = new
    return atoms


def with_interstitials(atoms: Atoms, interstitials: Mapping[str, int]) -> Atoms:
    """With so many atoms of each element added, each in the middle of the largest void."""
    atoms = atoms.copy()
    for element, count in interstitials.items():
        for _ in range(count):
            atoms += Atoms(element, [largest_void(atoms)])
    return atoms


def _sites(
    atoms: Atoms, element: str, count: int, kind: str, rng: np.random.Generator, where: str
) -> list[int]:
    own = np.flatnonzero(atoms.symbols == element)
    if count > len(own):
        raise ValueError(
            f"{where}: {count} {kind} of {element} were asked for, but it has {len(own)} atoms of "
            f"{element}; take fewer, or a larger supercell."
        )
    return [int(site) for site in rng.choice(own, count, replace=False)]


def largest_void(atoms: Atoms) -> np.ndarray:
    """The corner of the Voronoi cells that is farthest from all atoms, angstrom (3)."""
    images = _images(atoms)
    corners = Voronoi(images).vertices
    scaled = atoms.cell.scaled_positions(corners)
    inside = ((scaled > -1e-9) & (scaled < 1 - 1e-9)).all(axis=1)
    distances = cKDTree(images).query(corners[inside])[0]
    return corners[inside][int(distances.round(6).argmax())]


def interstitial_sites(atoms: Atoms) -> dict[str, np.ndarray]:
    """Positions (n, 3), angstrom, of the tetrahedral and octahedral sites of a crystal, and of the
    sublattices of its elements, where they are free.

    Tetrahedral: corners of the Voronoi cells with four nearest atoms. Octahedral: midpoints of two
    atoms whose six nearest atoms lie opposite to each other on three axes at right angles.
    """
    own = sorted(set(atoms.symbols))
    sublattices = [atoms] + [atoms[atoms.symbols == name] for name in own if len(own) > 1]
    found: dict[str, np.ndarray] = {}
    for name, sites_of in (("tetrahedral", _tetrahedral), ("octahedral", _octahedral)):
        sites = np.vstack([_inside(atoms, sites_of(one)) for one in sublattices])
        smallest = 0.4 * min(np.linalg.norm(_nearest(atoms, p, 2)[1]) for p in atoms.positions)
        free = [np.linalg.norm(_nearest(atoms, site, 1)) > smallest for site in sites]
        found[name] = _inside(atoms, sites[np.array(free, dtype=bool)])
    return found


def _tetrahedral(atoms: Atoms) -> np.ndarray:
    corners = _inside(atoms, Voronoi(_images(atoms)).vertices)
    lengths = [np.linalg.norm(_nearest(atoms, corner, 5), axis=1) for corner in corners]
    found = [near[3] < 1.01 * near[0] and near[4] > 1.05 * near[0] for near in lengths]
    return corners[np.array(found, dtype=bool)]


def _octahedral(atoms: Atoms) -> np.ndarray:
    first, vectors = neighbor_list("iD", atoms, _widest_octahedron(atoms))
    middles = _inside(atoms, atoms.positions[first] + vectors / 2)
    found = [_is_octahedral(_nearest(atoms, middle, 6)) for middle in middles]
    return middles[np.array(found, dtype=bool)]


def _widest_octahedron(atoms: Atoms) -> float:
    """Angstrom; no octahedron of these atoms has a longer axis."""
    return 2.2 * float(np.linalg.norm(_nearest(atoms, largest_void(atoms), 1)))


def _is_octahedral(vectors: np.ndarray) -> bool:
    """vectors: (6, 3) to the nearest atoms."""
    length = np.linalg.norm(vectors, axis=1)
    if length[0] < 0.1:
        return False
    unit = vectors / length[:, np.newaxis]
    cosines = unit @ unit.T
    opposite = cosines < -0.98
    right = np.abs(cosines) < 0.2
    return bool((opposite.sum(axis=1) == 1).all() and (right.sum(axis=1) == 4).all())


def _nearest(atoms: Atoms, point: np.ndarray, count: int) -> np.ndarray:
    """Vectors (count, 3) from a point to the nearest atoms, images among them."""
    images = _images(atoms) - point
    order = np.argsort(np.linalg.norm(images, axis=1), kind="stable")[:count]
    return images[order]


def _images(atoms: Atoms) -> np.ndarray:
    """Positions (n, 3) of the atoms of the cell and of the cells around it."""
    shifts = itertools.product(*([-1, 0, 1] if periodic else [0] for periodic in atoms.pbc))
    return np.vstack([atoms.get_positions(wrap=True) + s @ atoms.cell.array for s in shifts])


def _inside(atoms: Atoms, points: np.ndarray) -> np.ndarray:
    """Those in the cell, each once."""
    scaled = np.mod(atoms.cell.scaled_positions(points).round(6), 1.0)
    return np.unique(scaled.round(5), axis=0) @ atoms.cell.array


def hop_into_vacancy(atoms: Atoms, vacancy: np.ndarray, element: str, where: str) -> Atoms:
    """The end of a hop: the nearest atom of this element has moved into the vacancy."""
    own = np.flatnonzero(atoms.symbols == element)
    if len(own) == 0:
        raise ValueError(f"{where}: no {element} is left that could move into the vacancy.")
    probe = atoms.copy() + Atoms(element, [vacancy])
    distances = probe.get_distances(len(atoms), own, mic=True)
    final = atoms.copy()
    final.positions[own[int(distances.argmin())]] = vacancy
    return final


def check_elements(names: Iterable[str], where: str) -> None:
    """Raise ValueError for what is no chemical element."""
    for name in names:
        if atomic_numbers.get(name, 0) == 0:
            raise ValueError(f'{where}: there is no element "{shortened(name)}"')


def whole_numbers(composition: np.ndarray, n_atoms: int) -> np.ndarray:
    """Numbers of atoms that add up to n_atoms, by the largest remainders."""
    wanted = composition * n_atoms
    counts = np.floor(wanted + 1e-9).astype(int)
    rest = np.argsort(counts - wanted, kind="stable")[: n_atoms - counts.sum()]
    counts[rest] += 1
    return counts
