"""Thermal conductivity of crystals by lattice dynamics: three phonons at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import crystal_system, size_text, space_group, supercell_size
from forcesmith.properties.green_kubo import DIRECTIONS
from forcesmith.properties.phonons import IMAGINARY, forces_in, phonopy_cell
from forcesmith.properties.property import Curve, Plot, Property, PropertyResult, Quantity
from forcesmith.properties.subject import Subject


class ThermalConductivityOptions(Section):
    length: float = Field(10.0, gt=0.0)
    """Least distance between opposite faces of the supercell for the third derivatives,
    angstrom."""
    phonon_length: float = Field(12.0, gt=0.0)
    """The same for the second derivatives, angstrom."""
    displacement: float = Field(0.03, gt=0.0, lt=0.5)
    """Of single atoms and pairs of them, angstrom."""
    pair_distance: float | None = Field(None, gt=0.0)
    """Pairs that are displaced are no farther apart than this, angstrom; None: all."""
    meshes: list[float] = Field([25.0, 40.0], min_length=1)
    """Lengths that set the meshes of wave vectors, angstrom; quantities are those of the finest
    one. The time grows as the sixth power."""
    temperatures: list[float] = Field([200.0, 300.0, 500.0, 700.0, 1000.0], min_length=1)
    """K."""
    solution: Literal["rta", "full"] = "rta"
    """Of the linearised Boltzmann equation: in the relaxation-time approximation, or "full", which
    is larger (in crystals of high conductivity by a tenth to a third) and takes much longer."""
    isotopes: bool = False
    """Whether the natural mixture of isotopes scatters, too."""


class ThermalConductivity(Property):
    """Phonons that scatter at each other, by finite displacements of pairs, with phono3py.

    A. Togo, L. Chaput, I. Tanaka, Phys. Rev. B 91, 094306 (2015). Phonons have the occupation of
    quantum mechanics, which molecular dynamics (green_kubo) has not.
    """

    name = "thermal_conductivity"
    title = "Thermal conductivity by lattice dynamics"
    Options = ThermalConductivityOptions
    packages = ("phono3py", "phonopy", "spglib")
    costly = True
    tolerance = 0.2

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        sizes = [supercell_size(crystal, each) for each in (options.length, options.phonon_length)]
        phono3py, n_forces = self._anharmonic(crystal, subject, *sizes)
        alike = DIRECTIONS.get(crystal_system(crystal), DIRECTIONS["other"])
        temperatures = sorted(options.temperatures)
        quantities: dict[str, Quantity] = {}
        curves, notes = [], []
        meshes: list[str] = []
        for length in sorted(options.meshes):
            phono3py.mesh_numbers = length
            phono3py.init_phph_interaction()
            phono3py.run_thermal_conductivity(
                temperatures=temperatures,
                is_LBTE=options.solution == "full",
                is_isotope=options.isotopes,
            )
            found = phono3py.thermal_conductivity
            if not meshes and (lowest := float(found.frequencies.min())) < IMAGINARY:
                notes.append(
                    f"There are imaginary modes, down to {-lowest:.3g}i THz: the crystal is not "
                    "stable, and they carry nothing here."
                )
            meshes.append(size_text(tuple(phono3py.mesh_numbers)))
            tensor = np.asarray(found.kappa)[0]  # (n_temperatures, 6): xx yy zz yz xz xy
            for name, axes in alike.items():
                values = tensor[:, axes].mean(axis=1)
                label = f"{name}, mesh {meshes[-1]}".removeprefix("conductivity").lstrip(", ")
                curves.append(Curve(x=temperatures, y=values.tolist(), label=label))
                for temperature, value in zip(temperatures, values, strict=True):
                    quantities[f"{name} at {temperature:g} K"] = Quantity(
                        value=float(value), unit="W/m/K"
                    )
        how = "full solution" if options.solution == "full" else "relaxation-time approximation"
        return PropertyResult(
            quantities=quantities,
            plots={
                "conductivity": Plot(
                    title="Thermal conductivity",
                    x_label="temperature (K)",
                    y_label="thermal conductivity (W/m/K)",
                    curves=curves,
                    style="points",
                )
            },
            method=f"Third derivatives in a supercell {size_text(sizes[0])}, second ones in "
            f"{size_text(sizes[1])} of the conventional cell, {n_forces} sets of forces, "
            f"displacements of {options.displacement:g} angstrom; Boltzmann equation, {how}"
            f"{', with isotopes' if options.isotopes else ''}, meshes {', '.join(meshes)}; "
            "phono3py.",
            notes=notes,
        )

    def _anharmonic(
        self,
        crystal: Atoms,
        subject: Subject,
        size: tuple[int, int, int],
        phonon_size: tuple[int, int, int],
    ) -> tuple[Any, int]:
        """An object of phono3py with force constants, and how many sets of forces that took."""
        from phono3py import Phono3py

        options = self.options
        centering: Any = space_group(crystal)[0]
        phono3py = Phono3py(
            phonopy_cell(crystal),
            np.diag(size),
            primitive_matrix=centering,
            phonon_supercell_matrix=np.diag(phonon_size),
        )
        phono3py.generate_displacements(
            distance=options.displacement, cutoff_pair_distance=options.pair_distance
        )
        # None: a pair that is farther apart than `pair_distance`, which counts as without forces.
        cells = phono3py.supercells_with_displacements
        pairs = forces_in([cell for cell in cells if cell is not None], subject)
        nothing = np.zeros_like(pairs[0])
        rest = iter(pairs)
        phono3py.forces = np.array([nothing if c is None else next(rest) for c in cells])
        singles = forces_in(phono3py.phonon_supercells_with_displacements, subject)
        phono3py.phonon_forces = np.array(singles)
        phono3py.produce_fc3()
        phono3py.produce_fc2()
        return phono3py, len(pairs) + len(singles)
