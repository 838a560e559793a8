"""Elastic constants and moduli."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.optimize import LBFGS
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import crystal_system, symmetry
from forcesmith.properties.property import Property, PropertyError, PropertyResult, Quantity
from forcesmith.properties.subject import Subject

INDEPENDENT = {
    "triclinic": tuple(f"C{i}{j}" for i in range(1, 7) for j in range(i, 7)),
    "monoclinic": tuple("C11 C22 C33 C12 C13 C23 C44 C55 C66 C15 C25 C35 C46".split()),
    "orthorhombic": tuple("C11 C22 C33 C12 C13 C23 C44 C55 C66".split()),
    "tetragonal": tuple("C11 C33 C12 C13 C16 C44 C66".split()),
    "trigonal": tuple("C11 C33 C12 C13 C14 C15 C44".split()),
    "hexagonal": tuple("C11 C33 C12 C13 C44".split()),
    "cubic": tuple("C11 C12 C44".split()),
}
"""By crystal system; some vanish in the classes of higher symmetry."""
NOTHING = 1e-6  # GPa
SOFT = 0.1  # GPa; constants below it vanish
ANISOTROPY_TOLERANCE = 0.1
IONS = 0.5  # GPa; what relaxed ions change by less is not told


class ElasticConstantsOptions(Section):
    strain: float = Field(2e-3, gt=0.0, lt=0.1)
    """Differences of stresses are taken between strains of half this, positive and negative."""
    force: float = Field(1e-4, gt=0.0)
    """Largest force on the ions of strained cells that is left, eV/angstrom."""
    steps: int = Field(500, ge=1)
    """Of a relaxation, at most."""


class ElasticConstants(Property):
    """Stresses of strained cells with relaxed ions, by matscipy, averaged over the point group.

    Moduli are the averages of Voigt, Reuss and Hill: R. Hill, Proc. Phys. Soc. A 65, 349 (1952);
    universal anisotropy: S. I. Ranganathan and M. Ostoja-Starzewski, Phys. Rev. Lett. 101, 055504
    (2008).
    """

    name = "elastic_constants"
    title = "Elastic constants"
    Options = ElasticConstantsOptions
    packages = ("matscipy", "spglib")
    tolerance = 0.1

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        from matscipy.elasticity import full_3x3x3x3_to_Voigt_6x6

        options = self.options
        relaxed, clamped = (
            _symmetric(crystal, tensor) / units.GPa
            for tensor in (self._tensor(crystal, subject, True), self._tensor(crystal, subject))
        )
        matrix = full_3x3x3x3_to_Voigt_6x6(relaxed, check_symmetry=False)
        rigid = full_3x3x3x3_to_Voigt_6x6(clamped, check_symmetry=False)
        if np.abs(matrix).max() < NOTHING:
            raise PropertyError("no stress answers the strains: atoms do not reach each other here")
        quantities = {}
        for name in INDEPENDENT[crystal_system(crystal)]:
            value = float(matrix[int(name[1]) - 1, int(name[2]) - 1])
            # those that vanish in classes of higher symmetry
            if abs(value) > SOFT or name[1] == name[2] or max(map(int, name[1:])) <= 3:
                quantities[name] = Quantity(value=value, unit="GPa")
        quantities.update(moduli(matrix))
        lowest = float(np.linalg.eigvalsh(matrix).min())
        notes = []
        if lowest <= 0:
            notes.append(
                f"The crystal is not stable: the smallest eigenvalue of its elastic constants is "
                f"{lowest:.3g} GPa (M. Born)."
            )
        if np.abs(rigid - matrix).max() > IONS:
            diagonal = ", ".join(f"C{i}{i} {rigid[i - 1, i - 1]:.1f}" for i in range(1, 7))
            notes.append(f"With clamped ions (GPa): {diagonal}.")
        return PropertyResult(
            quantities=quantities,
            method=f"Central differences of stresses at strains of {options.strain / 2:g}, ions "
            f"relaxed to {options.force:g} eV/angstrom, averaged over the point group.",
            notes=notes,
        )

    def _tensor(self, crystal: Atoms, subject: Subject, relaxed: bool = False) -> np.ndarray:
        """(3, 3, 3, 3), eV/angstrom^3."""
        from matscipy.elasticity import measure_triclinic_elastic_constants

        options = self.options
        atoms = crystal.copy()
        atoms.calc = subject.calculator
        how = {"fmax": options.force, "steps": options.steps} if relaxed else {}
        return measure_triclinic_elastic_constants(
            atoms, delta=options.strain, optimizer=_Relaxation if relaxed else None, **how
        )


class _Relaxation(LBFGS):
    """Raises PropertyError where it does not come to its end: matscipy does not look."""

    def run(self, fmax: float = 0.05, steps: int = 100_000_000) -> bool:  # type: ignore[override]
        if not super().run(fmax=fmax, steps=steps):
            raise PropertyError(
                f"the relaxation of the ions of a strained cell has not converged in {steps} steps"
            )
        return True


def _symmetric(crystal: Atoms, tensor: np.ndarray) -> np.ndarray:
    """Average over the rotations of the point group, and over equal indices."""
    cell = crystal.cell.array.T
    rotations = {
        tuple(np.round(cell @ w @ np.linalg.inv(cell), 8).ravel())
        for w in symmetry(crystal).rotations
    }
    turned = [
        np.einsum("ai,bj,ck,dl,ijkl->abcd", *4 * [np.reshape(r, (3, 3))], tensor) for r in rotations
    ]
    mean = np.mean(turned, axis=0)
    mean = (mean + mean.transpose(1, 0, 2, 3)) / 2
    mean = (mean + mean.transpose(0, 1, 3, 2)) / 2
    return (mean + mean.transpose(2, 3, 0, 1)) / 2


def moduli(matrix: np.ndarray) -> dict[str, Quantity]:
    """Of the elastic constants (6, 6), GPa: Hill's averages, Young's modulus, Poisson's ratio."""
    compliance = np.linalg.inv(matrix)
    c, s = matrix, compliance
    bulk_voigt = c[:3, :3].sum() / 9
    shear_voigt = (np.trace(c[:3, :3]) - (c[0, 1] + c[1, 2] + c[0, 2])) / 15
    shear_voigt += np.trace(c[3:, 3:]) / 5
    bulk_reuss = 1 / s[:3, :3].sum()
    shear_reuss = 15 / (
        4 * np.trace(s[:3, :3]) - 4 * (s[0, 1] + s[1, 2] + s[0, 2]) + 3 * np.trace(s[3:, 3:])
    )
    bulk, shear = (bulk_voigt + bulk_reuss) / 2, (shear_voigt + shear_reuss) / 2
    anisotropy = 5 * shear_voigt / shear_reuss + bulk_voigt / bulk_reuss - 6
    return {
        "bulk modulus": Quantity(value=bulk, unit="GPa"),
        "shear modulus": Quantity(value=shear, unit="GPa"),
        "Young's modulus": Quantity(value=9 * bulk * shear / (3 * bulk + shear), unit="GPa"),
        "Poisson's ratio": Quantity(
            value=(3 * bulk - 2 * shear) / (6 * bulk + 2 * shear), tolerance=0.03
        ),
        "anisotropy": Quantity(value=anisotropy, tolerance=ANISOTROPY_TOLERANCE),
    }
