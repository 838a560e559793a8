"""Moment tensor potentials the slow and readable way, to check the compiled kernels against.

Everything is written from the papers, and shares neither code nor method with cpp/:
  [S] A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016): moments, and basis functions labelled
      by symmetric matrices alpha of non-negative integers;
  [N] I. S. Novikov, K. Gubaev, E. V. Podryabinkin, A. V. Shapeev, Mach. Learn.: Sci. Technol. 2,
      025002 (2021): radial functions and levels, for several species.
Moments are full Cartesian tensors contracted by `numpy.einsum`. Derivatives are complex steps (W.
Squire and G. Trapp, SIAM Rev. 40, 110 (1998)): exact to rounding, without any derived formula.
Lengths in angstrom, energies in eV, r_ij = r_j - r_i.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.polynomial.chebyshev import chebvander

Matrix = tuple[tuple[int, ...], ...]
"""alpha of [S]: alpha_kk = mu of moment k, alpha_km = indices that moments k and m contract."""

COMPLEX_STEP = 1e-30


def basis_matrices(level: int, max_factors: int = 4) -> list[Matrix]:
    """All basis functions with lev B <= level, one matrix alpha for each.

    Relabelling the moments permutes rows and columns together and changes nothing, so of all such
    permutations the largest matrix stands for the function. alpha may be block-diagonal: a product
    of scalars.
    """
    found = set()
    for n_factors in range(1, max_factors + 1):
        pairs = list(itertools.combinations(range(n_factors), 2))
        # Every contraction raises nu of two moments by one, so it costs two levels.
        for mus in _tuples(n_factors, (level - 2 * n_factors) // 4):
            left = level - 2 * n_factors - 4 * sum(mus)
            for contractions in _tuples(len(pairs), left // 2):
                alpha = np.diag(mus)
                for (k, m), count in zip(pairs, contractions, strict=True):
                    alpha[k, m] = alpha[m, k] = count
                found.add(_largest_relabelling(alpha))
    return sorted(found, key=lambda alpha: (matrix_level(alpha), len(alpha), alpha))


def matrix_level(alpha: Matrix) -> int:
    """lev B_alpha = sum over its moments of lev M_{mu,nu} = 2 + 4 mu + nu [N]."""
    ranks = [sum(row) - row[k] for k, row in enumerate(alpha)]
    return sum(2 + 4 * alpha[k][k] + ranks[k] for k in range(len(alpha)))


def _tuples(length: int, largest_sum: int):
    """All tuples of non-negative integers with at most that sum."""
    if length == 0 or largest_sum < 0:
        if length == 0 and largest_sum >= 0:
            yield ()
        return
    for first in range(largest_sum + 1):
        for rest in _tuples(length - 1, largest_sum - first):
            yield (first, *rest)


def _largest_relabelling(alpha: np.ndarray) -> Matrix:
    permutations = itertools.permutations(range(len(alpha)))
    return max(tuple(map(tuple, alpha[np.ix_(p, p)].tolist())) for p in permutations)


@dataclass(frozen=True)
class RadialFunctions:
    """f_mu(r, zi, zj) = sum_b c^(b)_{mu,zi,zj} Q_b(r), Q_b(r) = scaling T_b(xi) (R_cut - r)^2 [N].

    xi maps the interval from min_distance to cutoff to -1 .. 1; T_b are Chebyshev polynomials.
    """

    coefficients: np.ndarray  # (center element, neighbor element, mu, b)
    cutoff: float
    min_distance: float
    scaling: float

    @classmethod
    def from_descriptor(cls, descriptor: dict) -> RadialFunctions:
        """Those of a descriptor in a potential file."""
        return cls(
            np.array(descriptor["radial_coefficients"]),
            descriptor["cutoff"],
            descriptor["min_distance"],
            descriptor["scaling"],
        )

    def __call__(self, r: np.ndarray, center: int, neighbors: np.ndarray) -> np.ndarray:
        """Shape (mu, neighbors)."""
        xi = (2 * r - self.min_distance - self.cutoff) / (self.cutoff - self.min_distance)
        n_polynomials = self.coefficients.shape[3]
        envelope = np.where(r.real < self.cutoff, (self.cutoff - r) ** 2, 0.0)
        q = self.scaling * chebvander(xi, n_polynomials - 1) * envelope[:, None]
        return np.einsum("jmb,jb->mj", self.coefficients[center, neighbors], q)


def moment(f: np.ndarray, unit_vectors: np.ndarray, mu: int, nu: int) -> np.ndarray:
    """M_{mu,nu} = sum_j f_mu(r_ij) u_j (x) ... (x) u_j, nu factors: a tensor of rank nu [S, N]."""
    axes = string.ascii_lowercase[:nu]
    terms = ",".join(["J", *(f"J{axis}" for axis in axes)])
    return np.einsum(f"{terms}->{axes}", f[mu], *[unit_vectors] * nu, optimize=True)


def basis_function(alpha: Matrix, f: np.ndarray, unit_vectors: np.ndarray) -> complex:
    """B_alpha: moments M_{alpha_kk,nu_k}; k and m have alpha_km contracted indices [S]."""
    letters = iter(string.ascii_letters)
    indices = ["" for _ in alpha]
    for k, m in itertools.combinations(range(len(alpha)), 2):
        for _ in range(alpha[k][m]):
            letter = next(letters)
            indices[k] += letter
            indices[m] += letter
    moments = [moment(f, unit_vectors, alpha[k][k], len(own)) for k, own in enumerate(indices)]
    return np.einsum(",".join(indices) + "->", *moments, optimize="greedy")[()]


def basis_values(
    matrices: Sequence[Matrix],
    radial: RadialFunctions,
    center: int,
    neighbors: np.ndarray,
    displacements: np.ndarray,
) -> np.ndarray:
    """Every B_alpha of one neighborhood: element indices (n,) and r_ij (n, 3) of the neighbors."""
    f, unit_vectors = _pair_functions(radial, center, neighbors, displacements)
    return np.array([basis_function(alpha, f, unit_vectors) for alpha in matrices])


def descriptor_values(
    descriptor: dict,
    elements: Sequence[str],
    center: int,
    neighbors: np.ndarray,
    displacements: np.ndarray,
) -> np.ndarray:
    """The basis functions of one atom, complex if the displacements are; see test_references.py."""
    radial = RadialFunctions.from_descriptor(descriptor)
    values = run_contractions(descriptor["contractions"], radial, center, neighbors, displacements)
    return values if np.iscomplexobj(displacements) else values.real


def run_contractions(
    contractions: dict,
    radial: RadialFunctions,
    center: int,
    neighbors: np.ndarray,
    displacements: np.ndarray,
) -> np.ndarray:
    """Basis functions of one neighborhood by the contraction list of a potential file.

    contractions: basic [mu, a, b, c] for sum_j f_mu x^a y^b z^c / r^(a+b+c), products [left, right,
    factor, target] in order, mapping [moment], moments.
    """
    f, unit_vectors = _pair_functions(radial, center, neighbors, displacements)
    values = np.zeros(contractions["moments"], dtype=complex)
    for number, (mu, *powers) in enumerate(contractions["basic"]):
        values[number] = np.sum(f[mu] * np.prod(unit_vectors ** np.array(powers), axis=1))
    for left, right, factor, target in contractions["products"]:
        values[target] += factor * values[left] * values[right]
    return values[contractions["mapping"]]


def _pair_functions(radial, center, neighbors, displacements):
    # No numpy.linalg.norm: the complex step needs an analytic function.
    r = np.sqrt(np.sum(np.asarray(displacements, dtype=complex) ** 2, axis=1))
    return radial(r, center, np.asarray(neighbors, dtype=int)), displacements / r[:, None]


def pair_gradients(function, displacements: np.ndarray) -> np.ndarray:
    """d function/d r_ij by complex steps, shape (n, 3, *shape of the function)."""
    gradients = []
    for j, axis in np.ndindex(displacements.shape):
        stepped = displacements.astype(complex)
        stepped[j, axis] += 1j * COMPLEX_STEP
        gradients.append(np.imag(function(stepped)) / COMPLEX_STEP)
    return np.reshape(gradients, (*displacements.shape, *np.shape(gradients)[1:]))


def neighborhoods(atoms: Atoms, elements: Sequence[str], cutoff: float):
    """(element index, neighbors, their element indices, r_ij) of every atom, by brute force.

    Every periodic image that could be within the cutoff is looked at.
    """
    types = np.array([elements.index(symbol) for symbol in atoms.get_chemical_symbols()])
    positions = atoms.get_positions()
    cell = atoms.cell.complete().array
    # The distance between the planes of a lattice is 1 / |reciprocal vector|.
    spread = np.ptp(positions @ np.linalg.inv(cell), axis=0)
    planes = np.linalg.norm(np.linalg.inv(cell), axis=0)
    reach = np.where(atoms.pbc, np.ceil(cutoff * planes + spread), 0).astype(int)
    shifts = np.array(list(itertools.product(*[range(-n, n + 1) for n in reach]))) @ cell
    for i in range(len(atoms)):
        r = positions[None, :, :] + shifts[:, None, :] - positions[i]
        distances = np.linalg.norm(r, axis=2)
        image, j = np.nonzero((distances < cutoff) & (distances > 1e-12))
        yield types[i], j, types[j], r[image, j]


@dataclass(frozen=True)
class ReferencePotential:
    """E_i = offset + sum_k theta_k B_k [N], with the contractions of a potential file."""

    elements: list[str]
    radial: RadialFunctions
    contractions: dict
    offsets: np.ndarray  # (elements,)
    coefficients: np.ndarray  # (elements, basis functions)

    @classmethod
    def from_document(cls, document: dict) -> ReferencePotential:
        """From the JSON document of a potential file with one moment tensor and a linear model."""
        (descriptor,), model = document["descriptors"], document["model"]
        n_elements = len(document["elements"])
        return cls(
            elements=document["elements"],
            radial=RadialFunctions.from_descriptor(descriptor),
            contractions=descriptor["contractions"],
            offsets=np.array(model["energy_offsets"]),
            coefficients=np.array(model["coefficients"] * (n_elements if model["shared"] else 1)),
        )

    def evaluate(self, atoms: Atoms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Site energies (n,), forces (n, 3) and the virial sum r (x) F (3, 3), eV."""
        energies, forces, virial = np.zeros(len(atoms)), np.zeros((len(atoms), 3)), np.zeros((3, 3))
        everything = neighborhoods(atoms, self.elements, self.radial.cutoff)
        for i, (element, neighbors, types, r) in enumerate(everything):

            def site_energy(r, element=element, types=types):
                B = run_contractions(self.contractions, self.radial, element, types, r)
                return self.offsets[element] + B @ self.coefficients[element]

            energies[i] = np.real(site_energy(r.astype(complex)))
            g = pair_gradients(site_energy, r) if len(r) else np.zeros((0, 3))
            forces[i] += g.sum(axis=0)
            np.subtract.at(forces, neighbors, g)
            virial -= r.T @ g
        return energies, forces, virial
