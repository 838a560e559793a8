"""The atomic cluster expansion the slow and readable way, to check the compiled kernels against.

  [D] R. Drautz, Phys. Rev. B 99, 014104 (2019): the expansion;
  [L] Y. Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021): radial functions, embedding, files;
  [B] A. Bochkarev et al., Phys. Rev. Mater. 6, 013804 (2022): radial functions, core repulsion.
It shares no code with cpp/ or with pacemaker and LAMMPS. Lengths in angstrom, energies in eV.

For atom i of element e and its neighbors j of elements mu_j at r_ij, with c = r / rcut:

  (1) g_k(r), k = 1..nradbase, the radial basis                                            [L], [B]
      ChebExpCos  x = 1 - 2 (exp(-lambda c) - exp(-lambda)) / (1 - exp(-lambda)),
                  g_1 = f, g_k = (1 - T_(k-1)(x)) f / 2,  f = (1 + cos(pi c)) / 2, and within
                  dcut of the cutoff times (1 + cos(pi (r - rcut + dcut) / dcut)) / 2
      ChebPow     x = 1 - 2 (1 - c)^lambda,    g_k = (1 - T_k(x)) / 2
      ChebLinear  x = 1 - c,                   g_k = (1 - T_k(x)) / 2
      SBessel     h_n = (-1)^n sqrt(2) pi rcut^(-3/2) (n+1)(n+2) / sqrt((n+1)^2 + (n+2)^2)
                        (sinc((n+1) pi c) + sinc((n+2) pi c)), orthogonalized one after the other:
                  e_n = n^2 (n+2)^2 / (4 (n+1)^4 + 1), d_0 = 1, d_n = 1 - e_n / d_(n-1),
                  g_(n+1) = (h_n + sqrt(e_n / d_(n-1)) g_n) / sqrt(d_n)
      with an inner cutoff by distance, g_k times 1 - p(r; rin, din)
  (2) R_nl(r) = sum_k crad_nlk g_k(r)
  (3) p(r; a, d) falls from 1 at a - d to 0 at a: 1/2 + 15/4 (x/4 - x^3/6 + x^5/20),
      x = 1 - 2 (1 + (r - a) / d)
  (4) Y_lm: complex spherical harmonics with the Condon-Shortley phase, times sqrt(4 pi): Y_00 = 1
  (5) A_(mu n) = sum_(j: mu_j = mu) g_n Y_00 for functions of one factor,
      A_(mu n l m) = sum_(j: mu_j = mu) R_nl Y_lm for others                         [D] Eq. 20
  (6) rho_p = sum_f sum_m c~_(f m p) Re prod_t A_(mu_t n_t l_t m_t)                   [L] Eq. 17
  (7) E_i = E0 + F(rho) q(E_core) + E_core, q(E) = p(E; rho_core_cutoff, drho_core_cutoff)
      E_core = sum_j |pre| exp(-|lambda_c| r^2) / r (1 + cos(pi c)) / 2, and with an inner cutoff by
      distance times p(r; rin, din)
  (8) F(rho) = sum_p w_p f(rho_p; m_p)
      FinnisSinclair  sign(rho) ((1 - s) a^m + s a 1e6^(1-m)),  a = |rho|, s = exp(-(1e6 a)^3)
      FinnisSinclairShiftedScaled  sign(rho) ((a + b e^-a)^m - b' e^-a) for m != 1, else rho,
                      b = n^(n / (1 - n)), b' = n^(1 / (1 - n)), n = 1/m
The values of the descriptor are couplings of two at a time, [D] Eq. 31:

  (9) T^(L M) = sum C^(L M)_(l1 m1 l2 m2) T1^(l1 m1) T2^(l2 m2) of first and second factor, of third
      and fourth, .., then of these, until two are left: B = sum_M (-1)^M T1^(L M) T2^(L -M)
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from math import factorial, pi, sqrt

import numpy as np
from reference_bispectrum import clebsch_gordan


@dataclass
class Bond:
    """Radial functions of a pair of elements, center first. inner: "" or "distance"."""

    basis: str
    parameter: float
    cutoff: float
    dcut: float
    crad: np.ndarray  # [n][l][k]
    core: tuple[float, float] = (0.0, 1.0)
    inner: str = ""
    inner_cutoff: float = 0.0
    inner_width: float = 0.0


@dataclass
class Function:
    """mus, ns, ls [rank], ns from 1; ms [combinations][rank]; coefficients [combinations][p]."""

    mus: list[int]
    ns: list[int]
    ls: list[int]
    ms: np.ndarray
    coefficients: np.ndarray


@dataclass
class AceFile:
    elements: list[str]
    E0: list[float]
    embeddings: list[dict]
    bonds: dict[tuple[int, int], Bond]
    functions: list[list[Function]]


# ---- files ----


def read_ace_file(path) -> AceFile:
    return read_yace(path) if str(path).endswith(".yace") else read_ace(path)


def read_yace(path) -> AceFile:
    """As pacemaker and FitSNAP write it."""
    import yaml

    # Lists as keys, [0, 1], are more than dictionaries of Python can hold.
    text = re.sub(r"^(\s*)\[(\d+), *(\d+)\]:", r'\1"\2 \3":', open(path).read(), flags=re.M)
    document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    bonds = {}
    for key, b in document["bonds"].items():
        bonds[tuple(map(int, key.split()))] = Bond(
            b["radbasename"],
            b["radparameters"][0],
            b["rcut"],
            b["dcut"],
            np.array(b["radcoefficients"], dtype=float),
            (b["prehc"], b["lambdahc"]),
            *((b["inner_cutoff_type"], b["rcut_in"], b["dcut_in"]) if "rcut_in" in b else ()),
        )
    functions = []
    for element in range(len(document["elements"])):
        own = []
        for f in document["functions"][element]:
            ms = np.array(f["ms_combs"]).reshape(-1, f["rank"])
            coefficients = np.array(f["ctildes"]).reshape(len(ms), f["ndensity"])
            own.append(Function(f["mus"], f["ns"], f["ls"], ms, coefficients))
        functions.append(own)
    embeddings = [document["embeddings"][element] for element in range(len(document["elements"]))]
    return AceFile(document["elements"], document["E0"], embeddings, bonds, functions)


def read_ace(path) -> AceFile:
    """The older text format, of one element."""
    text = open(path).read()

    def after(key: str, count: int) -> list[float]:
        return [float(word) for word in text.split(key, 1)[1].split()[:count]]

    lmax, n_base, n_max = (int(after(key, 1)[0]) for key in ("lmax=", "nradbase=", "nradmax="))
    crad = np.array(after("\ncrad=", n_base * n_max * (lmax + 1))).reshape(n_base, n_max, lmax + 1)
    name = re.search(r"radbasename=(\S+)", text)[1]
    scalars = (after(key, 1)[0] for key in ("\nradparameter=", "\ncutoff=", "\ndcut="))
    bond = Bond(name, *scalars, crad.transpose(1, 2, 0), after("core repulsion parameters:", 2))
    count = int(re.search(r"(\d+) FS parameters:", text)[1])
    core = after("core energy-cutoff parameters:", 2)
    embedding = {
        "npoti": re.search(r"embedding-function: (\S+)", text)[1],
        "FS_parameters": after("FS parameters:", count),
        "rho_core_cutoff": core[0],
        "drho_core_cutoff": core[1],
    }
    functions = []
    for block in text.split("ctilde_basis_func:")[1:]:
        lists = [[int(w) for w in s.split()] for s in re.findall(r"(?:mu|n|l)=\(([^)]*)\)", block)]
        rows = re.findall(r"<([^>]*)>:([^<\nc]*)", block)
        ms = np.array([[int(w) for w in m.split()] for m, _ in rows])
        functions.append(
            Function(*lists, ms, np.array([[float(w) for w in c.split()] for _, c in rows]))
        )
    elements = re.search(r"elements:(.*)", text)[1].split()
    return AceFile(elements, after("E0:", 1), [embedding], {(0, 0): bond}, [functions])


# ---- radial functions: values and derivatives with r ----


def falling_step(r: np.ndarray, a: float, d: float) -> tuple[np.ndarray, np.ndarray]:
    """(3)."""
    r = np.asarray(r, dtype=float)
    if d <= 0:
        return (r < a).astype(float), np.zeros_like(r)
    x = 1 - 2 * (1 + (r - a) / d)
    inside = np.abs(x) < 1
    p = np.where(inside, 0.5 + 3.75 * (x / 4 - x**3 / 6 + x**5 / 20), x >= 1)
    return p, np.where(inside, -7.5 / d * (0.25 - x**2 / 2 + x**4 / 4), 0.0)


def chebyshev(count: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T_0 .. T_count and their derivatives with x, [k][r]."""
    from numpy.polynomial import chebyshev as C

    unit = np.eye(count + 1)
    T = np.array([C.chebval(x, unit[k]) for k in range(count + 1)])
    return T, np.array([C.chebval(x, C.chebder(unit[k])) for k in range(count + 1)])


def radial_basis(r: np.ndarray, bond: Bond) -> tuple[np.ndarray, np.ndarray]:
    """(1): g and dg/dr, [k][r], zero beyond the cutoff."""
    n, rc = bond.crad.shape[2], bond.cutoff
    c = r / rc
    if bond.basis == "ChebExpCos":
        shift = np.exp(-bond.parameter)
        x = 1 - 2 * (np.exp(-bond.parameter * c) - shift) / (1 - shift)
        dx = 2 * bond.parameter / rc * np.exp(-bond.parameter * c) / (1 - shift)
        T, dT = chebyshev(n, x)
        g = np.concatenate([np.ones((1, len(r))), 0.5 * (1 - T[1:n])])
        dg = np.concatenate([np.zeros((1, len(r))), -0.5 * dT[1:n] * dx])
        f, df = 0.5 * (1 + np.cos(pi * c)), -0.5 * np.sin(pi * c) * pi / rc
        g, dg = g * f, dg * f + g * df
        beyond = r > rc - bond.dcut
        if bond.dcut > 0 and beyond.any():
            angle = pi * (r - rc + bond.dcut) / bond.dcut
            f = np.where(beyond, 0.5 * (1 + np.cos(angle)), 1.0)
            df = np.where(beyond, -0.5 * np.sin(angle) * pi / bond.dcut, 0.0)
            g, dg = g * f, dg * f + g * df
    elif bond.basis in ("ChebPow", "ChebLinear"):
        rest = np.maximum(1 - c, 0.0)
        if bond.basis == "ChebPow":
            x = 1 - 2 * rest**bond.parameter
            dx = 2 * bond.parameter / rc * rest ** (bond.parameter - 1)
        else:
            x, dx = rest, -np.ones_like(r) / rc
        T, dT = chebyshev(n, x)
        g, dg = 0.5 * (1 - T[1:]), -0.5 * dT[1:] * dx
    elif bond.basis == "SBessel":
        g, dg = simplified_bessel(r, rc, n)
    else:
        raise ValueError(f"unknown radial basis {bond.basis}")
    g, dg = g * (r < rc), dg * (r < rc)
    if bond.inner == "distance":
        p, dp = falling_step(r, bond.inner_cutoff, bond.inner_width)
        g, dg = g * (1 - p), dg * (1 - p) - g * dp
    return g, dg


def simplified_bessel(r: np.ndarray, rc: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    def h(n):
        factor = (-1) ** n * sqrt(2) * pi / rc**1.5 * (n + 1) * (n + 2)
        factor /= sqrt((n + 1) ** 2 + (n + 2) ** 2)
        value = slope = 0
        for k in ((n + 1) * pi / rc, (n + 2) * pi / rc):
            value = value + np.sin(k * r) / (k * r)
            slope = slope + (np.cos(k * r) * k * r - np.sin(k * r)) / (k * r**2)
        return factor * value, factor * slope

    g, dg = [h(0)[0]], [h(0)[1]]
    d = 1.0
    for n in range(1, count):
        e = n**2 * (n + 2) ** 2 / (4 * (n + 1) ** 4 + 1)
        mixed, d = sqrt(e / d), 1 - e / d
        value, slope = h(n)
        g.append((value + mixed * g[-1]) / sqrt(d))
        dg.append((slope + mixed * dg[-1]) / sqrt(d))
    return np.array(g), np.array(dg)


def core_repulsion(r: np.ndarray, bond: Bond) -> tuple[np.ndarray, np.ndarray]:
    """E_core of (7) of each neighbor, and its derivative."""
    pre, decay = map(abs, bond.core)
    c = r / bond.cutoff
    f, df = 0.5 * (1 + np.cos(pi * c)), -0.5 * np.sin(pi * c) * pi / bond.cutoff
    value = np.where(decay * r**2 < 50, pre * np.exp(-decay * r**2) / r, 0.0)
    slope = -value * (2 * decay * r + 1 / r)
    value, slope = value * f, slope * f + value * df
    if bond.inner == "distance":
        p, dp = falling_step(r, bond.inner_cutoff, bond.inner_width)
        value, slope = value * p, slope * p + value * dp
    return value * (r < bond.cutoff), slope * (r < bond.cutoff)


# ---- spherical harmonics ----


def harmonics(lmax: int, u: np.ndarray) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]:
    """(4): (l, m): Y and its gradient [3] where the unit vectors u [n][3] move over the sphere.

    Y_lm = N d^m P_l / dz^m (x + i y)^m (-1)^m for m >= 0, Y_l-m = (-1)^m Y_lm*.
    """
    from numpy.polynomial import legendre

    x, y, z = u.T
    found = {}
    for j in range(lmax + 1):
        for m in range(j + 1):
            norm = sqrt((2 * j + 1) * factorial(j - m) / factorial(j + m)) * (-1) ** m
            P = [legendre.legval(z, legendre.legder([0] * j + [1], k)) for k in (m, m + 1)]
            w = (x + 1j * y) ** m
            dw = m * (x + 1j * y) ** (m - 1) if m > 0 else 0 * w
            gradient = norm * np.array([P[0] * dw, 1j * P[0] * dw, P[1] * w])
            gradient = gradient - u.T * np.sum(u.T * gradient, axis=0)
            found[j, m] = norm * P[0] * w, gradient
            found[j, -m] = (-1) ** m * found[j, m][0].conj(), (-1) ** m * gradient.conj()
    return found


# ---- atoms ----


def embedding(rho: float, m: float, kind: str) -> tuple[float, float]:
    """(8): f and df/drho."""
    a, sign = abs(rho), -1.0 if rho < 0 else 1.0
    if kind == "FinnisSinclair":
        w, least = 1e6, 1e6 ** (1 - m)
        if a <= 1e-10:
            return least * rho, least
        s = np.exp(-((w * a) ** 3)) if (w * a) ** 3 <= 30 else 0.0
        ds = -3 * w**3 * a**2 * s
        slope = m * a ** (m - 1) * (1 - s) - a**m * ds + least * (ds * a + s)
        return sign * ((1 - s) * a**m + least * s * a), slope
    if kind != "FinnisSinclairShiftedScaled":
        raise ValueError(f"unknown embedding {kind}")
    if abs(m - 1) < 1e-10:
        return rho, 1.0
    n = 1 / m
    b, b_m = n ** (n / (1 - n)) * np.exp(-a), n ** (1 / (1 - n)) * np.exp(-a)
    return sign * ((a + b) ** m - b_m), b_m + m * (1 - b) * (a + b) ** (m - 1)


def site_energy(file: AceFile, center: int, neighbors: np.ndarray, displacements: np.ndarray):
    """(1)-(8): E_i and dE_i/dr_ij [n][3]."""
    r = np.linalg.norm(displacements, axis=1)
    u = displacements / r[:, None]
    lmax = max(bond.crad.shape[1] for bond in file.bonds.values()) - 1
    Y = harmonics(lmax, u)
    basic, slopes, core, core_slope = {}, {}, 0.0, np.zeros(len(r))
    for mu in range(len(file.elements)):
        bond = file.bonds[center, mu]
        own = neighbors == mu
        g, dg = (own * part for part in radial_basis(r, bond))
        value, slope = (own * part for part in core_repulsion(r, bond))
        core, core_slope = core + value.sum(), core_slope + slope
        for k in range(len(g)):
            basic[mu, k + 1] = g[k].sum() * Y[0, 0][0][0] if len(r) else 0.0
            slopes[mu, k + 1] = dg[k] * u.T * Y[0, 0][0]
        R, dR = (np.einsum("nlk,kj->nlj", bond.crad, part) for part in (g, dg))
        for n, (j, m) in itertools.product(range(len(R)), Y):
            y, dy = Y[j, m]
            basic[mu, n + 1, j, m] = np.sum(R[n, j] * y)
            slopes[mu, n + 1, j, m] = dR[n, j] * u.T * y + R[n, j] / r * dy
    keys = {key: index for index, key in enumerate(basic)}
    A, dA = np.array(list(basic.values()), dtype=complex), np.array(list(slopes.values()))
    e = file.embeddings[center]
    weights, exponents = e["FS_parameters"][0::2], e["FS_parameters"][1::2]
    rho, theta = np.zeros(len(weights)), np.zeros((len(weights), len(A)), dtype=complex)
    for function in file.functions[center]:
        if len(function.ns) == 1:
            factors = np.array([[keys[function.mus[0], function.ns[0]]]])
        else:
            heads = list(zip(function.mus, function.ns, function.ls, strict=True))
            factors = np.array(
                [[keys[(*h, m)] for h, m in zip(heads, ms, strict=True)] for ms in function.ms]
            )
        products = A[factors]
        rho += products.prod(axis=1).real @ function.coefficients
        for t in range(factors.shape[1]):
            others = np.delete(products, t, axis=1).prod(axis=1)
            for p in range(len(rho)):
                np.add.at(theta[p], factors[:, t], others * function.coefficients[:, p])
    F, dF = 0.0, np.zeros(len(rho))
    for p in range(len(rho)):
        f, df = embedding(rho[p], exponents[p], e["npoti"])
        F, dF[p] = F + weights[p] * f, weights[p] * df
    q, dq = falling_step(np.array([core]), e["rho_core_cutoff"], e["drho_core_cutoff"])
    gradient = q[0] * np.einsum("a,axj->jx", dF @ theta, dA).real
    gradient += ((1 + F * dq[0]) * core_slope)[:, None] * u
    return file.E0[center] + F * q[0] + core, gradient


def energies_and_forces(file: AceFile, atoms) -> tuple[np.ndarray, np.ndarray]:
    """Energies of the atoms and forces of an ASE structure."""
    from ase.neighborlist import neighbor_list

    types = np.array([file.elements.index(symbol) for symbol in atoms.symbols])
    cutoff = max(bond.cutoff for bond in file.bonds.values())
    i, j, D = neighbor_list("ijD", atoms, cutoff)
    energies, forces = np.zeros(len(atoms)), np.zeros((len(atoms), 3))
    for atom in range(len(atoms)):
        own = i == atom
        energies[atom], gradient = site_energy(file, types[atom], types[j[own]], D[own])
        np.add.at(forces, j[own], -gradient)
        forces[atom] += gradient.sum(axis=0)
    return energies, forces


# ---- values of the descriptor ----


def descriptor_values(
    descriptor: dict,
    elements: list[str],
    center: int,
    neighbors: np.ndarray,
    displacements: np.ndarray,
) -> np.ndarray:
    """The values of one atom; see test_references.py."""
    crad = np.array(descriptor["radial_coefficients"])
    bonds = {}
    for pair in np.ndindex(len(elements), len(elements)):
        b = descriptor["bonds"][pair[0]][pair[1]] if "bonds" in descriptor else descriptor
        step = ("distance", b["inner_cutoff"], b["inner_width"]) if b["inner_width"] > 0 else ()
        widths = (b["radial_parameter"], b["cutoff"], b["cutoff_width"])
        bonds[pair] = Bond(b["radial_basis"], *widths, crad[pair], (0.0, 1.0), *step)
    r = np.linalg.norm(displacements, axis=1)
    Y = harmonics(crad.shape[3] - 1, displacements / r[:, None])
    A1, A = {}, {}
    for mu in range(len(elements)):
        bond, own = bonds[center, mu], neighbors == mu
        g = radial_basis(r, bond)[0] * own
        R = np.einsum("nlk,kj->nlj", bond.crad, g)
        for k in range(len(g)):
            A1[mu, k + 1] = g[k].sum()
        for n, j in np.ndindex(*R.shape[:2]):
            A[mu, n + 1, j] = np.array([np.sum(R[n, j] * Y[j, m][0]) for m in range(-j, j + 1)])
    values = []
    for f in descriptor["functions"][center]:
        if len(f["n"]) == 1:
            values.append(A1[f["elements"][0], f["n"][0]])
            continue
        tensors = [A[key] for key in zip(f["elements"], f["n"], f["l"], strict=True)]
        values.append(coupled(tensors, iter(f.get("L", []))))
    assert np.abs(np.imag(values)).max() <= 1e-9 * max(1.0, np.abs(values).max())
    return np.real(values)


def coupled(tensors: list[np.ndarray], L) -> complex:
    """(9)."""
    while len(tensors) > 2:
        pairs = [tensors[i : i + 2] for i in range(0, len(tensors), 2)]
        tensors = [couple(*pair, next(L)) if len(pair) == 2 else pair[0] for pair in pairs]
    left, right = tensors
    degree = len(left) // 2
    return sum((-1) ** m * left[degree + m] * right[degree - m] for m in range(-degree, degree + 1))


def couple(left: np.ndarray, right: np.ndarray, L: int) -> np.ndarray:
    C = clebsch_gordan(len(left) - 1, len(right) - 1, 2 * L)
    return np.einsum("abM,a,b->M", C, left, right)
