"""Proper orthogonal descriptors the slow and readable way, to check the compiled kernels against.

  [N] N. C. Nguyen and A. Rohskopf, J. Comput. Phys. 480, 112030 (2023): snapshots, two and three
      bodies;
  [F] N. C. Nguyen, Phys. Rev. B 107, 144103 (2023): products of sums over neighbors, four bodies;
  [L] LAMMPS' pages on fitpod and pair_style pod: products for five to seven bodies, environments.
It shares no code with cpp/ or LAMMPS. Lengths in angstrom, energies in eV.

For an atom and its neighbors j of elements mu_j at r_j = |r_ij|, with u_j = r_ij / r_j, d = r - rin
and L = rcut - rin:

  (1) f(r) = exp(1 - 1 / sqrt((1 - (d/L)^3)^2 + 1e-6)), the cutoff function                      [N]
  (2) snapshots s_k(r): for alpha = 1e-3, 2, 4 and i = 1 .. bessel degree, with
      x = (1 - exp(-alpha d/L)) / (1 - exp(-alpha)),  sqrt(2/L)/i sin(i pi x) / d f,
      then for i = 1 .. inverse degree  r^-i f                                                   [N]
  (3) at 2000 equidistant distances r_t from rin + 1e-6 to rcut, C_kl = mean_t s_k(r_t) s_l(r_t),
      with eigenvectors C phi_m = lambda_m phi_m, lambda_1 >= lambda_2 >= ..; phi_m is divided by
      the root of the integral of (sum_k phi_mk s_k)^2 by the trapezoid rule, and phi_mm >= 0    [N]
  (4) R_m(r) = sum_k phi_mk s_k(r), the radial functions                                         [N]
  (5) U_(mu m)(abc) = sum_(j: mu_j = mu) R_m(r_j) x^a y^b z^c, (x, y, z) = u_j                   [F]
  (6) two bodies: U_(mu m)(000)                                                                  [F]
  (7) three bodies: D_(mu nu m p) = sum_jk R_m(r_j) R_m(r_k) (u_j . u_k)^p
          = sum_(a+b+c=p) p!/(a! b! c!) U_(mu m)(abc) U_(nu m)(abc), mu <= nu                    [F]
  (8) four bodies: E_(mu nu xi m q) = sum_jkl R_m(r_j) R_m(r_k) R_m(r_l)
      (u_j . u_k)^a (u_j . u_l)^b (u_k . u_l)^c for a >= b >= c >= 0, mu <= nu <= xi, as sums of
      products of three U                                                                        [F]
  (9) five, six and seven bodies: D D, D E and E E whose degrees p and a + b + c add up to at most
      the angular degree and whose m, counted from 0, to less than the number of functions       [L]
 (10) E_i = c_0 + sum_k P_k c_k . B with the values B of (6) to (9), and P = 1 of one environment,
      else P_k = D_k / sum D, D_k = 1 / (1e-20 + |proj B - centroid_k|^2)                        [L]

LAMMPS leaves three bodies out where an atom has one neighbor, four where it has two, and so on up
to five. Here they do not depend on how many there are: a neighbor at the cutoff changes nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cache
from math import factorial, pi, sqrt

import numpy as np
from ase.neighborlist import neighbor_list

ALPHAS = (1e-3, 2.0, 4.0)


@dataclass
class PodFile:
    """nmax, lmax: radial functions and angular degrees of two, three, .., seven bodies."""

    elements: list[str]
    rin: float
    rcut: float
    bessel: int
    inverse: int
    nmax: list[int]
    lmax: list[int]
    coefficients: np.ndarray  # [element][1 + clusters * values]
    projections: np.ndarray | None = None  # [element][value][component]
    centroids: np.ndarray | None = None  # [element][cluster][component]
    pbc: list[int] = field(default_factory=lambda: [1, 1, 1])


BODIES = ["two", "three", "four", "five", "six", "seven"]


def read_pod_files(param, coeff) -> PodFile:
    words = [line.split("#")[0].split() for line in open(param)]
    found = {line[0]: line[1:] for line in words if line}
    number = {key: float(value[0]) for key, value in found.items() if key not in ("species", "pbc")}
    nmax = [int(number[f"{n}body_number_radial_basis_functions"]) for n in BODIES]
    lmax = [0] + [int(number[f"{n}body_angular_degree"]) for n in BODIES[1:]]
    elements = found["species"]
    lines = [line.split("#")[0].split() for line in open(coeff)]
    lines = [line for line in lines if line]
    numbers = np.array([float(line[0]) for line in lines[1:]])
    ends = np.cumsum([int(word) for word in lines[0][1:]])
    coefficients, projections, centroids, rest = np.split(numbers, ends)
    assert not len(rest)
    file = PodFile(
        elements,
        number["rin"],
        number["rcut"],
        int(number["bessel_polynomial_degree"]),
        int(number["inverse_polynomial_degree"]),
        nmax,
        lmax,
        coefficients.reshape(len(elements), -1),
    )
    clusters = int(number.get("number_of_environment_clusters", 1))
    if clusters > 1:
        components = int(number["number_of_principal_components"])
        file.projections = projections.reshape(len(elements), -1, components)
        file.centroids = centroids.reshape(len(elements), clusters, components)
    return file


def snapshots(r, rin: float, rcut: float, bessel: int, inverse: int) -> np.ndarray:
    """(1) and (2): [k][...].

    Digits that x loses for the smallest alpha are lost in LAMMPS, too; (3) magnifies them.
    """
    L = rcut - rin
    d = r - rin
    f = np.exp(1 - 1 / np.sqrt((1 - (d / L) ** 3) ** 2 + 1e-6))
    rows = []
    for alpha in ALPHAS:
        x = (1 - np.exp(-alpha * d / L)) / (1 - np.exp(-alpha))
        rows += [sqrt(2 / L) / i * np.sin(i * pi * x) / d * f for i in range(1, bessel + 1)]
    return np.array(rows + [f / r**i for i in range(1, inverse + 1)])


@cache
def radial_coefficients(rin: float, rcut: float, bessel: int, inverse: int) -> np.ndarray:
    """(3): phi [k][m]."""
    r = np.linspace(rin + 1e-6, rcut, 2000)
    s = snapshots(r, rin, rcut, bessel, inverse)
    phi = np.linalg.eigh(s @ s.T / len(r))[1][:, ::-1]
    values = phi.T @ s
    phi = phi / np.sqrt(np.trapezoid(values**2, r, axis=1))
    return phi * np.where(np.diag(phi) < 0, -1, 1)


def exponents(degree: int) -> list[tuple[int, int, int]]:
    """(a, b, c) of the monomials of a degree."""
    return [
        (a, b, degree - a - b) for a in range(degree, -1, -1) for b in range(degree - a, -1, -1)
    ]


def multinomial(powers) -> int:
    count = factorial(sum(powers))
    for power in powers:
        count //= factorial(power)
    return count


def angles(lmax: int) -> list[tuple[int, int, int]]:
    """(a, b, c) of (8), by their degree."""
    return [
        (a, b, degree - a - b)
        for degree in range(lmax + 1)
        for a in range(degree, -1, -1)
        for b in range(min(a, degree - a), -1, -1)
        if 0 <= degree - a - b <= b
    ]


@cache
def four_body_terms(a: int, b: int, c: int):
    """Coefficients of (8) and the three monomials whose U they multiply."""
    terms = []
    for jk, jl, kl in itertools.product(exponents(a), exponents(b), exponents(c)):
        factor = multinomial(jk) * multinomial(jl) * multinomial(kl)
        powers = np.add(jk, jl), np.add(jk, kl), np.add(jl, kl)
        terms.append((factor, *map(tuple, powers)))
    return terms


def values(file: PodFile, neighbors: np.ndarray, displacements: np.ndarray) -> np.ndarray:
    """(4) to (9) of one atom: B [value][...] from displacements [...][neighbor][3]."""
    n_elements = len(file.elements)
    nmax, lmax = file.nmax, file.lmax
    settings = (file.rin, file.rcut, file.bessel, file.inverse)
    r = np.sqrt((displacements**2).sum(axis=-1))
    u = displacements / r[..., None]
    R = np.einsum("km,k...->m...", radial_coefficients(*settings), snapshots(r, *settings))
    own = [neighbors == element for element in range(n_elements)]

    @cache
    def U(mu, m, powers):
        return (R[m] * (u ** np.array(powers)).prod(axis=-1) * own[mu]).sum(axis=-1)

    B = [U(mu, m, (0, 0, 0)) for mu in range(n_elements) for m in range(nmax[0])]
    elements = itertools.combinations_with_replacement(range(n_elements), 2)
    three = []  # (elements, m, index, degree, value)
    for e, (mu, nu) in enumerate(elements):
        for m in range(nmax[1]):
            for p in range(lmax[1] + 1):
                D = sum(multinomial(k) * U(mu, m, k) * U(nu, m, k) for k in exponents(p))
                three.append((e, m, p, p, D))
    elements = itertools.combinations_with_replacement(range(n_elements), 3)
    four = []
    for e, (mu, nu, xi) in enumerate(elements):
        for m in range(nmax[2]):
            for q, powers in enumerate(angles(lmax[2])):
                E = sum(
                    factor * U(mu, m, of_j) * U(nu, m, of_k) * U(xi, m, of_l)
                    for factor, of_j, of_k, of_l in four_body_terms(*powers)
                )
                four.append((e, m, q, sum(powers), E))
    B += [D for *_, D in three] + [E for *_, E in four]
    widths = lmax[1] + 1, len(angles(lmax[2]))
    pairs = ((three, three, 0, 0), (three, four, 0, 1), (four, four, 1, 1))
    for n, degree, (left, right, *kinds) in zip(nmax[3:], lmax[3:], pairs, strict=True):
        for (e1, m1, k1, p1, value1), (e2, m2, k2, p2, value2) in itertools.product(left, right):
            in_order = m2 * widths[kinds[1]] + k2 >= m1 * widths[kinds[0]] + k1 and e2 >= e1
            if in_order and p1 + p2 <= degree and m1 + m2 < n:
                B.append(value1 * value2)
    return np.array(B)


def site_energy(file: PodFile, element: int, neighbors, displacements) -> np.ndarray:
    """(10), [...] as the displacements."""
    B = values(file, neighbors, displacements)
    c0, c = file.coefficients[element, 0], file.coefficients[element, 1:]
    if file.projections is None:
        return c0 + c @ B
    components = np.einsum("kc,k...->...c", file.projections[element], B)
    D = 1 / (1e-20 + ((components[..., None, :] - file.centroids[element]) ** 2).sum(axis=-1))
    P = D / D.sum(axis=-1, keepdims=True)
    return c0 + np.einsum("...p,pk,k...->...", P, c.reshape(-1, len(B)), B)


def energies_and_forces(file: PodFile, atoms) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by complex steps, which are exact."""
    types = np.array([file.elements.index(symbol) for symbol in atoms.symbols])
    i, j, D = neighbor_list("ijD", atoms, file.rcut)
    energies, forces = np.empty(len(atoms)), np.zeros((len(atoms), 3))
    step = 1e-30
    for atom in range(len(atoms)):
        own = np.flatnonzero(i == atom)
        steps = 1j * step * np.eye(3 * len(own)).reshape(-1, len(own), 3)
        E = site_energy(file, types[atom], types[j[own]], D[own] + steps)
        energies[atom] = E[0].real
        gradients = E.imag.reshape(-1, 3) / step
        forces[atom] += gradients.sum(axis=0)
        np.subtract.at(forces, j[own], gradients)
    return energies, forces


def descriptor_values(descriptor, elements, center, neighbors, displacements) -> np.ndarray:
    """What test_references.py asks for."""
    pad = [0] * (6 - len(descriptor["nmax"]))
    file = PodFile(
        elements,
        descriptor["inner_cutoff"],
        descriptor["cutoff"],
        descriptor["bessel_degree"],
        descriptor["inverse_degree"],
        descriptor["nmax"] + pad,
        descriptor["lmax"] + pad,
        np.empty(0),
    )
    inside = np.linalg.norm(displacements, axis=1) < file.rcut
    return values(file, np.asarray(neighbors)[inside], displacements[inside])
