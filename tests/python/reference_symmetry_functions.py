"""Symmetry functions the slow and readable way, to check the compiled kernels against.

  [B] J. Behler, J. Chem. Phys. 134, 074106 (2011): radial and angular functions;
  [N] n2p2's documentation of its symmetry function types and cutoff types;
  [G] M. Gastegger et al., J. Chem. Phys. 148, 241709 (2018): weighted functions;
  [K] A. Khorshidi, A. A. Peterson, Comput. Phys. Commun. 207, 310 (2016): the Atomistic
      Machine-learning Package;
  [I] G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018): how to choose parameters;
  [C] M. P. Bircher, A. Singraber, C. Dellago, Mach. Learn.: Sci. Technol. 2, 035026 (2021):
      compact functions, as in n2p2 2.1.

Lengths in angstrom; the values have no unit. For atom i with neighbors j at r_j of length r_ij,
each sum over the neighbors of the named elements, closer than the function's cutoff R:

  (1) fc(r) = f(x), x = (r - alpha R) / (R - alpha R) limited to 0..1:
        cos    (1 + cos(pi x)) / 2
        exp    exp(1 - 1 / (1 - x^2))
        poly1  1 + x^2 (2x - 3)
        poly2  1 + x^3 (-6x^2 + 15x - 10)
        poly3  1 + x^4 (20x^3 - 70x^2 + 84x - 35)
        poly4  1 + x^5 (-70x^4 + 315x^3 - 540x^2 + 420x - 126)
      without alpha: tanhu tanh^3(1 - r/R), tanh the same divided by tanh^3(1)
  (2) e(r) = exp(-eta (r - rs)^2) fc(r)
  (3) radial (n2p2's type 2): sum_j e(r_ij)
  (4) angular_narrow (3): 2^(1-zeta) sum_{j<k} (1 + lambda cos theta_jik)^zeta
                                               e(r_ij) e(r_ik) e(r_jk)
  (5) angular_wide (9): the same without e(r_jk)
  (6) weighted_radial (12): sum_j Z_j e(r_ij), neighbors of all elements
  (7) weighted_angular (13): (4) with the factor Z_j Z_k, neighbors of all elements
  (8) G2, G4, G5 of [K]: (3), (4), (5) with eta / R^2 in place of eta
  (9) chosen by [I]: n centered Gaussians rs = 0, eta = (n^(m/n) / R)^2, m = 0 .. n-1;
      n shifted ones rs_m = R / n^(m/n), eta_m = 1 / (rs_(m-1) - rs_m)^2, m = 1 .. n
 (10) C(x; l, r) = f(y), y = 2 |x - (l + r) / 2| / (r - l), 0 for y >= 1, with the core function f
      of (1): poly1 to poly4 for subtypes p1 to p4, exp for e
 (11) asymmetric ones, p1a to p4a: f(y (2 - y)), for distances only
 (12) compact_radial (20): sum_j C(r_ij; rl, R)
 (13) compact_angular_narrow (21): sum_{j<k} C(theta_jik; left, right)
                                             C(r_ij; rl, R) C(r_ik; rl, R) C(r_jk; rl, R)
 (14) compact_angular_wide (22): the same without C(r_jk)
 (15) compact_weighted_radial (23), .._angular_narrow (24), .._angular_wide (25): (12), (13), (14)
      with the factors Z_j or Z_j Z_k, neighbors of all elements
 (16) evenly spaced, like in [C]: r_m = R (1 + 2 m/n) / 3, m = 1 .. n; distances from -r_m to r_m
      or from r_m - 2 R / 3 to r_m; angles around 0, w, 2 w, .., 180, each w wide to both sides

The numbers are those of this file, not those of the papers. All but the choices between cases works
with complex displacements too, for derivatives by complex steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from ase.data import atomic_numbers

POLYNOMIALS = {  # coefficients in (1), constant first
    "poly1": [1, 0, -3, 2],
    "poly2": [1, 0, 0, -10, 15, -6],
    "poly3": [1, 0, 0, 0, -35, 84, -70, 20],
    "poly4": [1, 0, 0, 0, 0, -126, 420, -540, 315, -70],
}
CUTOFF_FUNCTIONS = ["cos", "tanhu", "tanh", "exp", *POLYNOMIALS]


def cutoff_function(name: str, r: complex, cutoff: float, alpha: float = 0.0) -> complex:
    """(1)"""
    if np.real(r) >= cutoff:
        return 0.0
    if name in ("tanhu", "tanh"):
        return np.tanh(1 - r / cutoff) ** 3 / (np.tanh(1) ** 3 if name == "tanh" else 1)
    x = (r - alpha * cutoff) / (cutoff - alpha * cutoff)
    if np.real(x) <= 0:
        return 1.0
    if name == "cos":
        return (1 + np.cos(np.pi * x)) / 2
    if name == "exp":
        return np.exp(1 - 1 / (1 - x**2))
    if np.real(x) > 0.5:  # f(x) = 1 - f(1 - x), and the two ones would cancel
        return -sum(c * (1 - x) ** power for power, c in enumerate(POLYNOMIALS[name]) if power > 0)
    return sum(c * x**power for power, c in enumerate(POLYNOMIALS[name]))


def compact_function(subtype: str, x: complex, left: float, right: float) -> complex:
    """(10), (11)"""
    y = (x - (left + right) / 2) / ((right - left) / 2)
    y = -y if np.real(y) < 0 else y
    if np.real(y) >= 1:
        return 0.0
    if subtype.endswith("a"):
        y = y * (2 - y)
    return cutoff_function("exp" if subtype == "e" else f"poly{subtype[1]}", y, 1.0)


def angle(r_j: np.ndarray, r_k: np.ndarray) -> complex:
    """In degrees, for complex vectors too; no digits are lost near 0 and 180."""
    cross = np.cross(r_j, r_k)
    s, c = np.sqrt(np.sum(cross**2)), np.sum(r_j * r_k)
    slope = (s.imag * c.real - c.imag * s.real) / (s.real**2 + c.real**2)
    return np.degrees(np.arctan2(s.real, c.real)) + 1j * np.degrees(slope)


def descriptor_values(
    descriptor: dict,
    elements: Sequence[str],
    center: int,
    neighbors: np.ndarray,
    displacements: np.ndarray,
) -> np.ndarray:
    """The functions of one atom, complex if the displacements are; see test_references.py."""
    symbols = [elements[neighbor] for neighbor in neighbors]
    fc = descriptor.get("cutoff_function", "cos"), descriptor.get("cutoff_alpha", 0.0)
    functions = [{"cutoff": descriptor["cutoff"], **given} for given in descriptor["functions"]]
    own = [function for function in functions if function["center"] == elements[center]]
    return np.array([symmetry_function(f, symbols, displacements, *fc) for f in own])


def symmetry_function(
    function: dict,
    neighbors: Sequence[str],
    displacements: np.ndarray,
    name: str = "cos",
    alpha: float = 0.0,
) -> complex:
    """(2) to (8), (12) to (15); `function` is an entry of "functions" in a potential file, `name`
    the fc."""
    kind, cutoff = function["type"], function["cutoff"]
    compact = kind.startswith("compact")

    def e(r):
        if compact:
            return compact_function(function["subtype"], r, function["rl"], cutoff)
        eta = function["eta"] / (cutoff**2 if kind in ("G2", "G4", "G5") else 1)
        rs = function.get("rs", 0.0)
        return np.exp(-eta * (r - rs) ** 2) * cutoff_function(name, r, cutoff, alpha)

    def angular_part(r_j, r_k):
        if compact:
            ends = function["angle_left"], function["angle_right"]
            return compact_function(function["subtype"].rstrip("a"), angle(r_j, r_k), *ends)
        cosine = np.sum(r_j * r_k) / (length(r_j) * length(r_k))
        return 2 * ((1 + function["lambda"] * cosine) / 2) ** function["zeta"]

    def length(vector):
        return np.sqrt(np.sum(vector**2))

    wanted = function.get("neighbors")
    Z = [1 if wanted else atomic_numbers[symbol] for symbol in neighbors]
    if kind == "G2" or kind.endswith("radial"):
        return sum(
            Z[j] * e(length(displacements[j]))
            for j in range(len(neighbors))
            if not wanted or neighbors[j] == wanted[0]
        )
    total = 0.0
    for j, k in itertools.combinations(range(len(neighbors)), 2):
        if wanted and sorted(wanted) != sorted([neighbors[j], neighbors[k]]):
            continue
        r_j, r_k = displacements[j], displacements[k]
        term = angular_part(r_j, r_k) * e(length(r_j)) * e(length(r_k))
        if kind != "G5" and not kind.endswith("wide"):
            term = term * e(length(r_k - r_j))
        total = total + Z[j] * Z[k] * term
    return total


def generated_functions(cutoff: float, radial: int, angular: int, elements: Sequence[str]) -> list:
    """(9): half of the radial functions, rounded up, are centered, or all of less than four;
    angular ones are narrow and centered, with zeta = 1, 4, 16, .. and lambda = -1, 1."""

    def centered(n):
        return [(0.0, (n ** (m / n) / cutoff) ** 2) for m in range(n)]

    def shifted(n):
        rs = [cutoff / n ** (m / n) for m in range(n + 1) if n > 0]
        return [(rs[m], (rs[m - 1] - rs[m]) ** -2) for m in range(n, 0, -1)]

    n_shifted = radial // 2 if radial >= 4 else 0
    functions = []
    for center in elements:
        for neighbor in elements:
            for rs, eta in centered(radial - n_shifted) + shifted(n_shifted):
                function = {"type": "radial", "neighbors": [neighbor], "rs": rs, "eta": eta}
                functions.append({**function, "center": center, "cutoff": cutoff})
        for pair in itertools.combinations_with_replacement(elements, 2):
            for (rs, eta), power, sign in itertools.product(
                centered(angular), range(angular), (-1, 1)
            ):
                function = {"type": "angular_narrow", "neighbors": list(pair), "rs": rs, "eta": eta}
                angle = {"lambda": sign, "zeta": 4**power}
                functions.append({**function, **angle, "center": center, "cutoff": cutoff})
    return functions


def generated_compact_functions(
    kind: str, cutoff: float, radial: int, angular: int, elements: Sequence[str], subtype: str
) -> Iterator[dict]:
    """(16): as many radial ones around the center and in shells as in (9); angular ones, with
    2 `angular` windows of angles, all around the center. kind: "compact_angular_narrow" or .._wide.
    """

    def distances(n):
        return [cutoff * (1 + 2 * m / n) / 3 for m in range(1, n + 1)]

    n_shells = radial // 2 if radial >= 4 else 0
    intervals = [(-r, r) for r in distances(radial - n_shells)]
    intervals += [(r - 2 * cutoff / 3, r) for r in distances(n_shells)]
    for center in elements:
        common = {"center": center, "subtype": subtype}
        for neighbor, (rl, rc) in itertools.product(elements, intervals):
            function = {"type": "compact_radial", "neighbors": [neighbor], "rl": rl, "cutoff": rc}
            yield {**common, **function}
        for pair in itertools.combinations_with_replacement(elements, 2):
            for rc, k in itertools.product(distances(angular), range(2 * angular)):
                w = 180 / (2 * angular - 1)
                angles = {"angle_left": (k - 1) * w, "angle_right": (k + 1) * w}
                function = {"type": kind, "neighbors": list(pair), "rl": -rc, "cutoff": rc}
                yield {**common, **function, **angles}
