"""Covariance of the coefficients of a linear fit, and potentials drawn from it.

With the weighted design matrix A (n_rows, n_coefficients) and the minimum L of the loss, the
coefficients have the covariance

    C = T (A^T A)^-1,   T = s^2 n_rows / n_determined,   s^2 = L / (n_rows - n_determined)

Noise alone would give s^2 (A^T A)^-1, which vanishes as data are added, while the misfit of a model
that cannot hold the data does not. With T the spread of the drawn potentials, averaged over the
labels, equals their misfit s^2: for n_rows >> n_determined that is the ensemble of S. L.
Frederiksen, K. W. Jacobsen, K. S. Brown, J. P. Sethna, Phys. Rev. Lett. 93, 165501 (2004).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forcesmith.data.labels import shortened
from forcesmith.files import write_atomically
from forcesmith.potentials.potential import Potential
from forcesmith.potentials.short_range import strengthen_wall

SUFFIX = ".covariance.npz"
FORMAT = "forcesmith covariance 1"


@dataclass(frozen=True)
class Covariance:
    """Of the model parameters of a potential, descriptors taken as known."""

    factor: np.ndarray
    """F with F F^T = (A^T A + ridge penalty)^-1, (n_parameters, n_directions); rows of given energy
    offsets are 0."""
    residual_variance: float
    """s^2: the loss per degree of freedom."""
    n_rows: int
    """Labels: energies, components of forces and virials with a weight."""
    n_determined: float
    """Coefficients that the labels determine: all, less what the ridge penalty holds."""

    @property
    def scale(self) -> float:
        """T: what multiplies F F^T."""
        return self.residual_variance * self.n_rows / self.n_determined

    def matrix(self) -> np.ndarray:
        """The covariance, (n_parameters, n_parameters)."""
        return self.scale * self.factor @ self.factor.T

    def draw(self, potential: Potential, count: int, seed: int = 1) -> Iterator[Potential]:
        """Potentials with coefficients drawn from the normal distribution around those of the fit.

        Parameters
        ----------
        potential
            Of the fit; stays as it is.
        count
            How many.
        seed
            Of the random numbers: the first potentials are the same whatever the count.

        Yields
        ------
        Potential
            Without active sets.
        """
        rng = np.random.default_rng(seed)
        center = potential._core.model_parameters
        text = potential.to_json()
        for number in range(1, count + 1):
            moves = np.sqrt(self.scale) * self.factor @ rng.standard_normal(self.factor.shape[1])
            drawn = Potential.from_json(text)
            drawn._core.model_parameters = center + moves
            strengthen_wall(drawn)
            drawn._core.provenance = {
                "drawn_from": fingerprint(potential),
                "number": number,
                "seed": seed,
            }
            yield drawn

    def write(self, potential_file: str | os.PathLike[str], potential: Potential) -> None:
        """Write it beside the file of its potential. Complete or untouched; raises OSError.

        Parameters
        ----------
        potential_file
            NAME.json; NAME.covariance.npz is written.
        potential
            What it is of.
        """
        stream = io.BytesIO()
        np.savez(
            stream,
            format=FORMAT,
            potential=fingerprint(potential),
            **vars(self),
        )
        write_atomically(covariance_file(potential_file), stream.getvalue())

    @classmethod
    def read(cls, potential_file: str | os.PathLike[str], potential: Potential) -> Covariance:
        """Read what lies beside the file of a potential.

        Parameters
        ----------
        potential_file
            NAME.json; NAME.covariance.npz is read.
        potential
            That of the file.

        Raises
        ------
        ValueError
            The file is damaged, or of another potential.
        OSError
            It cannot be read.
        """
        path = covariance_file(potential_file)
        content = path.read_bytes()
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                if archive["format"] != FORMAT:
                    raise ValueError
                owner = str(archive["potential"])
                found = cls(
                    np.array(archive["factor"]),
                    float(archive["residual_variance"]),
                    int(archive["n_rows"]),
                    float(archive["n_determined"]),
                )
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            raise ValueError(
                f"{shortened(path, 150)} is damaged, cut off, or of another version of "
                "forcesmith; fit again with covariance = true."
            ) from None
        if owner != fingerprint(potential):
            raise ValueError(
                f"{shortened(path, 150)} belongs to another potential than the file beside it; "
                "fit again with covariance = true."
            )
        return found


def covariance_file(potential_file: str | os.PathLike[str]) -> Path:
    """Where the covariance of a potential file lies."""
    return Path(potential_file).with_suffix(SUFFIX)


def fingerprint(potential: Potential) -> str:
    """Of all that the energies of the fitted part depend on."""
    document = json.loads(potential.to_json())
    fitted = [document[key] for key in ("elements", "descriptors", "model")]
    return hashlib.sha256(json.dumps(fitted, sort_keys=True).encode()).hexdigest()
