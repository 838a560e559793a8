"""Barriers of vacancies that move to a neighboring site."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ase.io
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
from forcesmith.sampling.structures import hop_into_vacancy, read_structures

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
    steps: int = Field(1000, ge=1)
    """Of a relaxation, at most."""
    path: str = ""
    """File of images along a path, of a DFT program or of the folder `runs` of a report: their
    energies, as they are, are computed, too."""


class MigrationBarriers(Property):
    """Nudged elastic band with a climbing image: the nearest atom of its kind hops into a vacancy.

    G. Henkelman, B. P. Uberuaga, H. Jonsson, J. Chem. Phys. 113, 9901 (2000); by ASE. The images of
    `vacancy Cu` are written to `vacancy_Cu.extxyz`.
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
        if options.path:
            x, y = energies_along(given_images(options.path, crystal), subject)
            quantities["along the given path"] = Quantity(value=max(y), unit="eV")
            curves.append(Curve(x=x, y=y, label="given path"))
        for name, site in sites.items():
            label = f"vacancy {name}"
            images = self._path(perfect, site, crystal.symbols[site], subject)
            ase.io.write(folder / f"{label.replace(' ', '_')}.extxyz", images)
            x, y = energies_along(images, subject)
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

    def _path(self, perfect: Atoms, site: int, element: str, subject: Subject) -> list[Atoms]:
        """Images with both ends, relaxed."""
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
        return [image.copy() for image in images]


def given_images(path: str, crystal: Atoms) -> list[Atoms]:
    """Of a file, all frames unless a slice says which."""
    images = [image for _, image in read_structures(path if "@" in path else f"{path}@:")]
    if len(images) < 3 or len({str(image.symbols) for image in images}) > 1:
        raise PropertyError(f"{path}: a path has three images or more, all of the same atoms")
    if set(images[0].symbols) != set(crystal.symbols):
        raise PropertyError(f"{path}: the path has other elements than the crystal")
    return images


def energies_along(images: Sequence[Atoms], subject: Subject) -> tuple[list[float], list[float]]:
    """Length (angstrom) and energy (eV) of every image, from the first one."""
    energies = np.array([subject.energy(image) for image in images])
    return path_lengths(images), (energies - energies[0]).tolist()


def path_lengths(images: Sequence[Atoms]) -> list[float]:
    """From the first image to each, angstrom; atoms may have been put to another period."""
    moves = [
        np.linalg.norm(find_mic(later.positions - before.positions, before.cell, before.pbc)[0])
        for before, later in zip(images, images[1:], strict=False)
    ]
    return [0.0, *np.cumsum(moves).tolist()]
