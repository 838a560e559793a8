"""Barriers of vacancies that move to a neighboring site."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from ase.mep import NEB
from ase.optimize import FIRE
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import chosen_sites, size_text, supercell_size
from forcesmith.properties.property import (
    Curve,
    Plot,
    Property,
    PropertyError,
    PropertyResult,
    Quantity,
)
from forcesmith.properties.relaxation import relax_ions
from forcesmith.properties.subject import Subject
from forcesmith.sampling.structures import hop_into_vacancy

FLAT = 0.02  # eV


class MigrationBarriersOptions(Section):
    length: float = Field(10.0, gt=0.0)
    """Least distance between opposite faces of the supercell, angstrom."""
    sites: int = Field(6, ge=1)
    """Inequivalent sites that are looked at, at most."""
    images: int = Field(5, ge=1)
    """Between both ends."""
    force: float = Field(0.02, gt=0.0)
    """Largest force across the path that is left, eV/angstrom."""
    steps: int = Field(300, ge=1)
    """Of a relaxation, at most."""


class MigrationBarriers(Property):
    """Nudged elastic band with a climbing image: the nearest atom of its kind hops into a vacancy.

    G. Henkelman, B. P. Uberuaga, H. Jonsson, J. Chem. Phys. 113, 9901 (2000); by ASE.
    """

    name = "migration_barriers"
    title = "Migration barriers"
    Options = MigrationBarriersOptions
    packages = ("spglib",)
    tolerance = 0.1

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        size = supercell_size(crystal, options.length)
        perfect = crystal * size
        quantities, curves = {}, []
        sites, notes = chosen_sites(crystal, options.sites)
        for name, site in sites.items():
            label = f"vacancy {name}"
            x, y = self._path(perfect, site, crystal.symbols[site], subject)
            quantities[label] = Quantity(value=max(y), unit="eV")
            curves.append(Curve(x=x, y=y, label=label))
            if min(y) < -FLAT:
                notes.append(
                    f"{label}: on the way the energy falls {-min(y):.2f} eV below that of the "
                    "ends, so the vacancy has a better place than a site of the crystal."
                )
        return PropertyResult(
            quantities=quantities,
            plots={
                "paths": Plot(
                    title="Migration of vacancies",
                    x_label="length of the path (Å)",
                    y_label="energy (eV)",
                    curves=curves,
                    style="points",
                )
            },
            method=f"Supercell {size_text(size)}, {len(perfect)} sites, {options.images} images, "
            f"climbing, forces across the path below {options.force:g} eV/angstrom.",
            notes=notes,
        )

    def _path(
        self, perfect: Atoms, site: int, element: str, subject: Subject
    ) -> tuple[list[float], list[float]]:
        """Length (angstrom) and energy (eV) of every image, from the first one."""
        options = self.options
        vacancy = perfect.positions[site]
        start = perfect.copy()
        del start[site]
        end = hop_into_vacancy(start, vacancy, element, "the barrier")
        ends = [
            relax_ions(atoms, subject, options.force / 2, options.steps, "an end of the path")
            for atoms in (start, end)
        ]
        images = [ends[0].copy() for _ in range(options.images + 1)] + [ends[1].copy()]
        for image in images:
            image.calc = subject.calculator
        band = NEB(images, climb=False, allow_shared_calculator=True, method="improvedtangent")
        band.interpolate("idpp", mic=True)
        done = False
        for climb in (False, True):
            band.climb = climb
            force = options.force if climb else 5 * options.force
            done = FIRE(band, logfile=None).run(fmax=force, steps=options.steps)
        if not done:
            raise PropertyError(
                f"the path of the vacancy of {element} has not converged in {options.steps} steps"
            )
        energies = np.array([subject.energy(image) for image in images])
        return path_lengths(images), (energies - energies[0]).tolist()


def path_lengths(images: Sequence[Atoms]) -> list[float]:
    """From the first image to each, angstrom; atoms may have been put to another period."""
    moves = [
        np.linalg.norm(find_mic(later.positions - before.positions, before.cell, before.pbc)[0])
        for before, later in zip(images, images[1:], strict=False)
    ]
    return [0.0, *np.cumsum(moves).tolist()]
