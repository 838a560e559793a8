"""The SNAP bispectrum the slow and readable way, to check the compiled kernels against.

Everything is the definition that `pair_style snap` and `compute sna/atom` of LAMMPS document, from
  [T] A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015): the bispectrum of one density;
  [C] M. A. Cusentino, M. A. Wood, A. P. Thompson, J. Phys. Chem. A 124, 5456 (2020): one density
      for each element (chemflag);
  [V] D. A. Varshalovich, A. N. Moskalev, V. K. Khersonskii, Quantum Theory of Angular Momentum,
      World Scientific (1988): rotation matrices and Clebsch-Gordan coefficients.
It shares no code with cpp/ or LAMMPS: closed formulas in place of recursions, exact fractions in
the Clebsch-Gordan coefficients, full sums in place of symmetric halves. Lengths in angstrom; the
values have no unit.

J, m, m' are (half-)integers. As in LAMMPS the code labels them by integers: j = 2J, and an array
index m = 0..j stands for m - J. For atom i of element e and its neighbors k of elements e_k, at
r_k = (x, y, z) of length r < R:

  (1) R = rcutfac (R_e + R_e_k)
  (2) theta0 = rfac0 pi (r - rmin0) / (R - rmin0),  z0 = r / tan(theta0),  r0 = sqrt(r^2 + z0^2)
  (3) a = (z0 - i z) / r0,  b = (y - i x) / r0: Cayley-Klein parameters, |a|^2 + |b|^2 = 1
  (4) U^J_mm' = sqrt((j-m)! m! / ((j-m')! m'!)) sum_p binom(j-m', p) binom(m', m-p)
                a*^(j-m'-p) (-b*)^p b^(m'-m+p) a^(m-p)                                  (indices)
  (5) fc = (1 + cos(pi x)) / 2,      x = (r - rmin0) / (R - rmin0) limited to 0..1     (switchflag)
  (6) fi = (1 - cos(pi (1 + x) / 2)) / 2,  x = (r - S) / D limited to -1..1       (switchinnerflag)
      S = (sinner_e + sinner_e_k) / 2,  D = (dinner_e + dinner_e_k) / 2
  (7) u^{J,mu} = w0 delta_mm' + sum_{k: e_k = mu} fc fi w_e_k U^J(r_k)
      w0 = 1 for mu = e, and for mu != e if wselfallflag, else 0; without chemflag there is one
      density u^J, of all neighbors, with w0 = 1
  (8) C^{Jm}_{J1 m1 J2 m2}: Clebsch-Gordan coefficients by the factorial formula [V] 8.2.1(3)
  (9) B^{kappa lambda mu}_{J1 J2 J} = sum_{m1 m1' m2 m2' m m'} C^{Jm}_{J1 m1 J2 m2}
                C^{Jm'}_{J1 m1' J2 m2'} u^{J1,kappa}_{m1 m1'} u^{J2,lambda}_{m2 m2'}
                (u^{J,mu}_mm')*                                     the product C C is H of [T], [C]
 (10) B is divided by 2J + 1                                                           (bnormflag)
 (11) B of the same atom without neighbors is subtracted                               (bzeroflag)

(2) and (3) are not continuous at r = rmin0, where theta0 changes sign: U jumps to (-1)^j U there.
The numbers are those of this file, not those of the papers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import comb, factorial, prod

import numpy as np


@dataclass(frozen=True)
class BispectrumSettings:
    """Names, meanings and defaults of LAMMPS; sequences have one value for each element."""

    twojmax: int
    rcutfac: float
    radii: Sequence[float]
    weights: Sequence[float]
    rfac0: float = 0.99363
    rmin0: float = 0.0
    switchflag: bool = True
    bzeroflag: bool = True
    bnormflag: bool = False
    wselfallflag: bool = False
    chemflag: bool = False
    switchinnerflag: bool = False
    sinner: Sequence[float] | None = None
    dinner: Sequence[float] | None = None


def value_labels(
    settings: BispectrumSettings, n_elements: int
) -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
    """((kappa, lambda, mu), (2 J1, 2 J2, 2 J)) of every value; elements (0, 0, 0) without chemflag.

    By (9), B / (2J + 1) is the same for all orders of the three pairs (kappa, J1), (lambda, J2),
    (mu, J), so those with J2 <= J1 <= J are enough. Where J's are equal, several triples of
    elements remain for one value, e.g. B^{abc}_{JJ'J} = B^{cba}_{JJ'J}, and the list has them all.
    """
    twojmax = settings.twojmax
    components = [
        (j1, j2, j)
        for j1 in range(twojmax + 1)
        for j2 in range(j1 + 1)
        for j in range(j1 - j2, min(twojmax, j1 + j2) + 1, 2)
        if j >= j1
    ]
    elements = range(n_elements if settings.chemflag else 1)
    return list(itertools.product(itertools.product(elements, repeat=3), components))


def descriptor_values(
    descriptor: dict,
    elements: Sequence[str],
    center: int,
    neighbors: np.ndarray,
    displacements: np.ndarray,
) -> np.ndarray:
    """The values of one atom, in the order of `value_labels`; see test_references.py."""
    given = {"radii": [0.5] * len(elements), "weights": [1.0] * len(elements), **descriptor}
    settings = BispectrumSettings(**{key: given[key] for key in given if key != "type"})
    B = bispectrum_unshifted(displacements, neighbors, center, settings)
    if settings.bzeroflag:  # (11)
        B -= bispectrum_unshifted(np.zeros((0, 3)), np.zeros(0, dtype=int), center, settings)
    return B


def bispectrum_unshifted(displacements, neighbor_types, center_type, settings) -> np.ndarray:
    """(9) and (10)."""
    u = densities(displacements, neighbor_types, center_type, settings)
    values = []
    for (kappa, lambda_, mu), (j1, j2, j) in value_labels(settings, len(settings.radii)):
        C = clebsch_gordan(j1, j2, j)
        factors = (C, C, u[j1][kappa], u[j2][lambda_], u[j][mu].conj())
        # (9): a, b, c = m1, m2, m and d, e, f = m1', m2', m'
        B = np.einsum("abc,def,ad,be,cf->", *factors, optimize=True)
        values.append(B / (j + 1) if settings.bnormflag else B)  # (10)
    assert np.allclose(np.imag(values), 0, atol=1e-9 * max(1.0, np.max(np.abs(values))))
    return np.real(values)


def densities(displacements, neighbor_types, center_type, settings) -> list[np.ndarray]:
    """(7): for every j an array u[mu, m, m']."""
    neighbor_types = np.asarray(neighbor_types, dtype=int)
    radii, weights = np.array(settings.radii), np.array(settings.weights)
    r = np.linalg.norm(displacements, axis=1)
    cutoffs = settings.rcutfac * (radii[center_type] + radii[neighbor_types])  # (1)
    inside = r < cutoffs
    displacements, neighbor_types = np.asarray(displacements)[inside], neighbor_types[inside]
    r, cutoffs = r[inside], cutoffs[inside]

    a, b = cayley_klein(displacements, r, cutoffs, settings)
    strengths = weights[neighbor_types] * outer_switch(r, cutoffs, settings)
    if settings.switchinnerflag:
        strengths = strengths * inner_switch(r, neighbor_types, center_type, settings)

    n_densities = len(radii) if settings.chemflag else 1
    of_density = neighbor_types if settings.chemflag else np.zeros_like(neighbor_types)
    w0 = np.full(n_densities, 1.0 if settings.wselfallflag else 0.0)
    w0[center_type if settings.chemflag else 0] = 1.0
    members = strengths * (of_density == np.arange(n_densities)[:, None])  # (mu, neighbors)
    return [
        w0[:, None, None] * np.eye(j + 1) + np.einsum("uk,kmn->umn", members, rotation(j, a, b))
        for j in range(settings.twojmax + 1)
    ]


def outer_switch(r, cutoffs, settings) -> np.ndarray:
    """(5)."""
    if not settings.switchflag:
        return np.ones_like(r)
    x = np.clip((r - settings.rmin0) / (cutoffs - settings.rmin0), 0, 1)
    return (1 + np.cos(np.pi * x)) / 2


def inner_switch(r, neighbor_types, center_type, settings) -> np.ndarray:
    """(6)."""
    sinner, dinner = np.array(settings.sinner), np.array(settings.dinner)
    S = (sinner[center_type] + sinner[neighbor_types]) / 2
    D = (dinner[center_type] + dinner[neighbor_types]) / 2
    x = np.clip((r - S) / D, -1, 1)
    return (1 - np.cos(np.pi / 2 * (1 + x))) / 2


def cayley_klein(displacements, r, cutoffs, settings) -> tuple[np.ndarray, np.ndarray]:
    """(2) and (3): a and b of every neighbor."""
    theta0 = settings.rfac0 * np.pi * (r - settings.rmin0) / (cutoffs - settings.rmin0)
    z0 = r / np.tan(theta0)
    r0 = np.sqrt(r**2 + z0**2)
    x, y, z = displacements.T
    return (z0 - 1j * z) / r0, (y - 1j * x) / r0


def rotation(j: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(4): U^J_mm' (neighbors, m, m'), how SU(2) acts on homogeneous polynomials of degree j = 2J.

    Row m' of the matrix [[a*, -b*], [b, a]] to the power J turns s^(j-m') t^m' into
    (a* s - b* t)^(j-m') (b s + a t)^m'; (4) collects s^(j-m) t^m of that, with both monomials
    divided by sqrt((j-m)! m!) of theirs to make U unitary.
    """
    U = np.zeros((len(a), j + 1, j + 1), dtype=complex)
    for m, n in np.ndindex(j + 1, j + 1):  # n = m'
        for p in range(max(0, m - n), min(j - n, m) + 1):
            powers = a.conj() ** (j - n - p) * (-b.conj()) ** p * b ** (n - m + p) * a ** (m - p)
            U[:, m, n] += comb(j - n, p) * comb(n, m - p) * powers
        norm = Fraction(factorial(j - m) * factorial(m), factorial(j - n) * factorial(n))
        U[:, m, n] *= float(norm) ** 0.5
    return U


@cache
def clebsch_gordan(j1: int, j2: int, j: int) -> np.ndarray:
    """(8): C[m1, m2, m], zero unless m - J = m1 - J1 + m2 - J2.

    With k1 = J1 + J2 - J, k2 = J1 - J2 + J, k = J2 - J1 + J and all indices from 0,
    C = sqrt((2J+1) k1! k2! k! / (J1+J2+J+1)!) sqrt(m1! (j1-m1)! m2! (j2-m2)! m! (j-m)!)
        sum_s (-1)^s / (s! (k1-s)! (j1-m1-s)! (m2-s)! (m1-k1+s)! (k-m2+s)!).
    """
    C = np.zeros((j1 + 1, j2 + 1, j + 1))
    k1, k2, k = (j1 + j2 - j) // 2, (j1 - j2 + j) // 2, (j2 - j1 + j) // 2
    for m1, m2 in np.ndindex(j1 + 1, j2 + 1):
        m = m1 + m2 - k1
        if not 0 <= m <= j:
            continue
        total = Fraction(0)
        for s in range(k1 + 1):
            arguments = (s, k1 - s, j1 - m1 - s, m2 - s, m1 - k1 + s, k - m2 + s)
            if min(arguments) >= 0:
                total += Fraction((-1) ** s, prod(map(factorial, arguments)))
        square = (j + 1) * Fraction(
            prod(map(factorial, (k1, k2, k, j1 - m1, m1, j2 - m2, m2, j - m, m))),
            factorial((j1 + j2 + j) // 2 + 1),
        )
        C[m1, m2, m] = float(total) * float(square) ** 0.5
    return C
