"""Files of `pair_style pod` with random coefficients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from reference_pod import BODIES, PodFile, values


def write_pod_files(
    folder: Path,
    elements: list[str],
    nmax: list[int],
    lmax: list[int],
    *,
    clusters: int = 1,
    seed: int = 0,
    rin: float = 0.9,
    rcut: float = 4.6,
    bessel: int = 3,
    inverse: int = 6,
) -> tuple[Path, Path]:
    """a_param.pod and a_coeff.pod; nmax, lmax: of two, three, .., seven bodies."""
    rng = np.random.default_rng(seed)
    components = 2
    settings = {
        "species": " ".join(elements),
        "pbc": "1 1 1",
        "rin": rin,
        "rcut": rcut,
        "bessel_polynomial_degree": bessel,
        "inverse_polynomial_degree": inverse,
        "onebody": 1,
        "number_of_environment_clusters": clusters,
        "number_of_principal_components": components,
    }
    for bodies, n, degree in zip(BODIES, nmax, lmax, strict=True):
        settings[f"{bodies}body_number_radial_basis_functions"] = n
        if bodies != "two":
            settings[f"{bodies}body_angular_degree"] = degree
    file = PodFile(elements, rin, rcut, bessel, inverse, nmax, lmax, np.empty(0))
    some = 2 * rng.normal(size=(5, 3))
    size = len(values(file, rng.integers(0, len(elements), 5), some))
    coefficients = 0.1 * rng.normal(size=len(elements) * (1 + clusters * size))
    projections = 0.1 * rng.normal(size=len(elements) * size * components)
    centroids = rng.normal(size=len(elements) * clusters * components)
    if clusters == 1:
        projections = centroids = projections[:0]
    numbers = [*coefficients, *projections, *centroids]
    counts = f"{len(coefficients)} {len(projections)} {len(centroids)}"
    param, coeff = folder / "a_param.pod", folder / "a_coeff.pod"
    param.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    lines = "".join(f"{float(number)!r}\n" for number in numbers)
    coeff.write_text(f"model_coefficients: {counts}\n{lines}")
    return param, coeff
