"""What the contract tests run over: example settings of every registered descriptor and model, and
structures of every kind.

A new descriptor or model needs an entry here; test_contract.py fails without one.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter

import forcesmith as fs
import numpy as np
from ase import Atoms
from ase.build import bulk
from forcesmith.data.batches import element_indices, make_batch

ELEMENTS = ["Mg", "O"]


def radial(kind: str, elements: str, **parameters) -> dict:
    """A symmetry function; elements: of the center, then of the neighbors."""
    center, *neighbors = elements.split()
    named = {"neighbors": neighbors} if neighbors else {}
    return {"type": kind, "center": center, **named, **parameters}


def angular(kind: str, elements: str, sign: int, zeta: float, **parameters) -> dict:
    return {**radial(kind, elements, **parameters), "lambda": sign, "zeta": zeta}


def compact(kind: str, elements: str, subtype: str, rl: float, rc: float, *angles: float) -> dict:
    """A compact symmetry function; angles: their lower and upper end in degrees, if angular."""
    names = dict(zip(("angle_left", "angle_right"), angles, strict=False))
    return radial(f"compact_{kind}", elements, subtype=subtype, rl=rl, cutoff=rc, **names)


def radial_coefficients(nmax: int, lmax: int, size: int) -> list:
    """Of `ace`: R_nl = 20 g_n; beside these, random changes are small."""
    return (
        (20.0 * np.eye(nmax, size)[None, None, :, None].repeat(lmax + 1, 3).repeat(2, 0))
        .repeat(2, 1)
        .tolist()
    )


DESCRIPTORS = {
    "ace": [
        {
            "cutoff": 4.3,
            "radial_basis": "ChebExpCos",
            "nmax": [4, 2, 1],
            "lmax": [0, 2, 1],
            "radial_coefficients": radial_coefficients(2, 2, 4),
            "train_radial_coefficients": True,
        },
        {
            "cutoff": 4.3,
            "nmax": [5, 3],
            "lmax": [0, 3],
            "radial_basis": "SBessel",
            "functions": [
                # with odd degrees between, other ones for each element
                [
                    {"elements": [0], "n": [5], "l": [0]},
                    {"elements": [1], "n": [4], "l": [0]},
                    {"elements": [0, 1], "n": [1, 2], "l": [3, 3]},
                    {"elements": [0, 1, 1], "n": [1, 1, 2], "l": [1, 2, 3], "L": [3]},
                ],
                [
                    {"elements": [1], "n": [5], "l": [0]},
                    {"elements": [0, 0], "n": [1, 3], "l": [2, 2]},
                    {"elements": [0, 0, 1, 1], "n": [1, 2, 1, 2], "l": [1, 1, 2, 2], "L": [1, 1]},
                    {"elements": [0, 1, 1], "n": [2, 1, 2], "l": [2, 1, 1], "L": [1]},
                ],
            ],
            "bonds": [
                [
                    {"cutoff": 4.3, "radial_basis": "SBessel"},
                    {
                        "cutoff": 4.3,
                        "radial_basis": "ChebPow",
                        "radial_parameter": 2.0,
                        # wide: second derivatives jump at its ends
                        "inner_cutoff": 3.9,
                        "inner_width": 3.8,
                    },
                ],
                [
                    {"cutoff": 4.2, "radial_basis": "ChebPow", "radial_parameter": 2.6},
                    {
                        "cutoff": 4.3,
                        "radial_basis": "ChebExpCos",
                        "radial_parameter": 1.5,
                        "cutoff_width": 2.5,
                    },
                ],
            ],
        },
    ],
    "bispectrum": [
        {"twojmax": 5, "rcutfac": 4.3, "weights": [1.0, 0.7]},
        {
            "twojmax": 4,
            "rcutfac": 4.3,
            "chemflag": True,
            "bnormflag": True,
            "wselfallflag": True,
            "switchinnerflag": True,
            # the switching region is wider than all distances: second derivatives jump at its ends
            "sinner": [1.9, 2.1],
            "dinner": [2.5, 2.3],
        },
    ],
    "moment_tensor": [
        {"level": 12, "cutoff": 4.3, "min_distance": 1.6, "radial_basis_size": 4},
    ],
    "pod": [
        {
            "cutoff": 4.3,
            "inner_cutoff": 0.2,
            "bessel_degree": 2,
            "inverse_degree": 2,
            "nmax": [3, 2, 1],
            "lmax": [0, 2, 2],
        },
        {
            "cutoff": 4.3,
            "inner_cutoff": 0.9,
            "bessel_degree": 2,
            "inverse_degree": 2,
            "nmax": [1, 2, 1, 1],
            "lmax": [0, 2, 1, 1],
        },
    ],
    "symmetry_functions": [
        {"cutoff": 4.3, "angular": 2},
        {
            "cutoff": 4.3,
            # p1 has jumps of second derivatives at the ends: only where they are cutoffs, 0 or 180
            "functions": [
                compact("radial", "Mg Mg", "p1", -4.3, 4.3),
                compact("radial", "Mg O", "p2", -4.3, 4.3),
                compact("radial", "Mg O", "p3a", 0.9, 3.8),
                compact("angular_narrow", "Mg O Mg", "p1a", -4.3, 4.3, -180, 180),
                compact("angular_narrow", "Mg O O", "p2a", -4.1, 4.1, 60, 180),
                compact("angular_wide", "Mg Mg Mg", "p4", -3.9, 3.9, 90, 270),
                compact("angular_wide", "Mg Mg Mg", "p4", -3.9, 3.9, 0, 120),
                compact("angular_wide", "Mg O O", "p3", 0.4, 4.2, -120, 120),
                compact("weighted_radial", "O", "p1", -4.3, 4.3),
                compact("weighted_radial", "O", "e", -1.0, 4.2),
                compact("weighted_angular_narrow", "O", "p4a", -4.3, 4.3, 0, 180),
                compact("weighted_angular_narrow", "O", "p3", -4.2, 4.2, 20, 150),
                compact("weighted_angular_wide", "O", "e", 0.5, 4.3, -100, 100),
                compact("weighted_angular_wide", "O", "p2", -4.3, 4.3, 30, 180),
                angular("angular_wide", "O Mg O", 1, 2, eta=0.06),
            ],
        },
        {
            "cutoff": 4.3,
            "cutoff_function": "poly2",
            # five of Mg, six of O; each pair of elements has one of two bodies up to the cutoff
            "functions": [
                radial("radial", "Mg Mg", eta=0.3),
                radial("radial", "Mg O", eta=1.0, rs=2.0),
                angular("angular_narrow", "Mg O Mg", 1, 1, eta=0.05),
                angular("angular_narrow", "Mg O O", -1, 4, eta=0.02, rs=0.5),
                angular("angular_wide", "Mg Mg Mg", -1, 2.5, eta=0.1),
                radial("weighted_radial", "O", eta=0.2, rs=1.0),
                radial("weighted_radial", "O", eta=0.4, cutoff=3.6),
                angular("weighted_angular", "O", 1, 2, eta=0.03),
                angular("angular_narrow", "O Mg O", -1, 3, eta=0.06, cutoff=3.6),
                angular("angular_wide", "O Mg O", 1, 1, eta=0.06),
                angular("G4", "O O O", -1, 16, eta=0.4),
            ],
        },
    ],
}
"""Variants of settings by registry name; between them the cutoffs stay below 5 angstrom."""
if "radial_gaussians" in fs.registry()["descriptors"]:  # only where the tests have compiled it
    DESCRIPTORS["radial_gaussians"] = [{"cutoff": 4.3, "count": 5}]

MODELS = {
    # Second derivatives of powers jump where a density is 0, which finite differences notice.
    "embedding": [
        {"seed": 3, "weights": [1.0, 1e-4]},
        {
            "seed": 2,
            "function": "FinnisSinclair",
            "weights": [1.0, 1e-4, 1e-4],
            "exponents": [1.0, 3.0, 2.0],
        },
        {
            "seed": 3,
            "function": ["FinnisSinclair", "FinnisSinclairShiftedScaled"],
            "weights": [[1.0, 1e-4], [2.0]],
            "exponents": [[1.0, 3.0], [1.0]],
        },
    ],
    "environments": [{"clusters": 3, "components": 2, "seed": 3}],
    "linear": [{"shared": True}, {"shared": False}],
    "neural_network": [
        {"hidden_layers": [8, 6], "activation": "tanh", "seed": 2},
        {
            "hidden_layers": [[9, 8, 5], [6, 4, 10]],
            "activation": ["gaussian", "softplus", "silu"],
        },
    ],
    "quadratic": [{"shared": False}],
}
"""Variants by registry name."""

TERMS = {
    "core_repulsion": [
        {"factor": 80.0, "decay": 0.8, "cutoff": 4.1},
        {
            "factor": 80.0,
            "decay": 0.8,
            "cutoff": 4.1,
            "pairs": [
                [
                    {"factor": 60.0, "decay": 0.7, "cutoff": 4.0},
                    {
                        "factor": 40.0,
                        "decay": 0.5,
                        "cutoff": 3.9,
                        "inner_cutoff": 3.5,
                        "inner_width": 2.5,
                    },
                ],
                [
                    {"factor": 90.0, "decay": 0.9, "cutoff": 4.2},
                    {"factor": 30.0, "decay": 0.4, "cutoff": 4.3},
                ],
            ],
        },
    ],
    "zbl": [{"inner": 1.4, "outer": 3.9}, {"inner": 1.9, "outer": 5.3}],
}
"""Variants by registry name."""


def potential_cases() -> list[tuple[str, list[dict], dict]]:
    """(id, descriptors, model) for every registered pair, and one with stacked descriptors.

    Coefficients are not shared where elements have different numbers of values.
    """
    registry = fs.registry()
    descriptors = _variants(registry["descriptors"], DESCRIPTORS)
    models = _variants(registry["models"], MODELS)
    cases = [
        (f"{d}-{m}", [descriptors[d]], models[m])
        for d in descriptors
        for m in models
        if not (models[m].get("shared") and _sizes_differ(descriptors[d]))
    ]
    # The columns of the second begin elsewhere for each element.
    first = [descriptor for descriptor in descriptors.values() if _sizes_differ(descriptor)][-1]
    stack = [{**first, "cutoff": first["cutoff"] - 0.7}, next(iter(descriptors.values()))]
    return [*cases, ("stacked", stack, {"type": "linear", "shared": False})]


def grade_cases() -> list[tuple[str, list[dict], dict]]:
    """Those of potential_cases() whose active sets are small: hundreds of columns."""
    large = ("ace0-quadratic0", "bispectrum1-quadratic0")
    return [case for case in potential_cases() if case[0] not in large]


def _sizes_differ(descriptor: dict) -> bool:
    functions = descriptor.get("functions", [])
    if descriptor["type"] == "ace":
        return len({len(own) for own in functions}) > 1
    return len(set(Counter(function["center"] for function in functions).values())) > 1


def _variants(names, examples: dict[str, list[dict]]) -> dict[str, dict]:
    return {
        f"{name}{number}": {"type": name, **variant}
        for name in names
        for number, variant in enumerate(examples.get(name, []))
    }


def make_potential(
    descriptors: list[dict], model: dict, elements: list[str] = ELEMENTS, seed: int = 0
) -> fs.Potential:
    """A potential with random parameters that give energies and forces of the order of 1 eV."""
    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": elements,
        "descriptors": descriptors,
        "model": model,
    }
    potential = fs.Potential.from_json(json.dumps(document), trained=False)
    core = potential._core
    rng = np.random.default_rng(seed)
    parameters = core.descriptor_parameters
    core.descriptor_parameters = parameters + 0.3 * rng.normal(size=len(parameters))
    examples = [crystal(elements), _slanted(0)]
    examples[1].symbols = [elements[i % len(elements)] for i in range(len(examples[1]))]
    batch = make_batch(examples, elements, potential.cutoff)
    if core.linear_in_parameters:
        scale = _factors(core.design_matrix(batch, 0, 2))
        core.model_parameters = scale * rng.normal(size=len(scale))
        return potential
    # Small inputs, that finite differences stay exact.
    types = np.concatenate([element_indices(atoms, elements) for atoms in examples])
    values = core.descriptor_values(batch)
    own = [values[types == element, : core.size(element)] for element in range(len(elements))]
    core.standardize_inputs(
        mean=[v.mean(axis=0) for v in own],
        factor=[0.3 * _factors(v) for v in own],
        # Ends of the range that are no values: whether one is outside does not depend on rounding.
        min=[v.mean(axis=0) - v.std(axis=0) - 1e-3 for v in own],
        max=[v.mean(axis=0) + v.std(axis=0) + 1e-3 for v in own],
    )
    start = core.model_parameters
    core.model_parameters = 1.5 * start + 0.3 * rng.normal(size=len(start))
    return potential


def _factors(columns: np.ndarray) -> np.ndarray:
    """Which make the largest number of every column 1."""
    largest = np.abs(columns).max(axis=0)
    return 1 / np.where(largest > 0, largest, 1.0)


def crystal(elements: list[str] = ELEMENTS, seed: int = 0) -> Atoms:
    """Strained and rattled rocksalt, 8 atoms, all elements in turn."""
    rng = np.random.default_rng(seed)
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    atoms.symbols = [elements[i % len(elements)] for i in range(len(atoms))]
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.03, (3, 3))), scale_atoms=True)
    atoms.positions += rng.normal(0, 0.1, (len(atoms), 3))
    return atoms


def structures(cutoff: float) -> dict[str, Atoms]:
    """Structures of every kind; no pair lies within 0.005 angstrom of a cutoff.

    (There second derivatives may jump, which finite differences would notice.)
    """
    return {
        name: _off_cutoff(make, cutoff)
        for name, make in {
            "crystal": lambda seed: crystal(seed=seed),
            "one atom per cell": _one_atom,
            "slanted": _slanted,
            "left-handed": _left_handed,
            "slab": _slab,
            "wire": _wire,
            "cluster": _cluster,
        }.items()
    }


def _off_cutoff(make, cutoff: float) -> Atoms:
    from vesin import NeighborList

    for seed in range(100):
        atoms = make(seed)
        distances = NeighborList(cutoff=cutoff + 0.1, full_list=False).compute(
            atoms.positions, atoms.cell.complete().array, atoms.pbc, "d"
        )[0]
        # The second descriptor of a stack has a cutoff of its own.
        if all(np.abs(distances - c).min() > 0.005 for c in (cutoff, cutoff - 0.7)):
            return atoms
    raise AssertionError("no structure without distances at the cutoff was found")


def _one_atom(seed: int) -> Atoms:
    """One atom that sees only images of itself, many of them."""
    strain = np.random.default_rng(seed).normal(0, 0.03, (3, 3))
    return Atoms(
        "Mg", cell=(np.eye(3) + strain) * [2.1, 2.4, 2.7], pbc=True, positions=[[5, -7, 9]]
    )


def _slanted(seed: int) -> Atoms:
    """A cell far from orthogonal, with atoms outside of it."""
    rng = np.random.default_rng(seed)
    cell = np.array([[3.1, 0.0, 0.0], [7.5, 3.3, 0.0], [-5.1, 6.4, 2.9]])
    atoms = Atoms("MgOMg", cell=cell, pbc=True)
    atoms.set_scaled_positions([[0.1, 0.1, 0.1], [0.45, 1.6, -0.4], [-0.3, 0.5, 0.8]])
    atoms.positions += rng.normal(0, 0.05, (3, 3))
    return atoms


def _left_handed(seed: int) -> Atoms:
    atoms = crystal(seed=seed)
    atoms.cell = atoms.cell.array[[1, 0, 2]]
    return atoms


def _slab(seed: int) -> Atoms:
    """Open in one direction, whose lattice vector is shorter than the slab is thick."""
    atoms = crystal(seed=seed)
    atoms.pbc = (True, True, False)
    atoms.cell[2] = [0.3, 0.2, 1.0]
    return atoms


def _wire(seed: int) -> Atoms:
    """Periodic in one direction, without lattice vectors in the others."""
    atoms = crystal(seed=seed)
    atoms.pbc = (False, True, False)
    atoms.cell[0] = atoms.cell[2] = 0.0
    return atoms


def _cluster(seed: int) -> Atoms:
    """Not periodic, without a cell, one atom far from all others."""
    rng = np.random.default_rng(seed)
    grid = 2.2 * np.array(list(itertools.product(range(2), repeat=3)))
    positions = np.concatenate([grid + rng.normal(0, 0.15, (8, 3)), [[50.0, 0.0, 0.0]]])
    return Atoms("MgOOMgOMgMgOO", positions=positions)
