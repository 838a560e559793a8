"""Phonons: dispersion, density of states, thermodynamics of the harmonic crystal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import size_text, space_group, supercell_size
from forcesmith.properties.property import (
    Curve,
    Plot,
    Property,
    PropertyError,
    PropertyResult,
    Quantity,
)
from forcesmith.properties.subject import Subject

NOTHING = 1e-3  # THz
IMAGINARY = -0.1  # THz; what is above it is noise of the acoustic modes at Gamma
KJ_PER_MOL = 1 / 96.48533212  # eV
ROOM_TEMPERATURE = 300.0
POINTS = 150  # of a path


class PhononsOptions(Section):
    length: float = Field(12.0, gt=0.0)
    """Least distance between opposite faces of the supercell, angstrom."""
    displacement: float = Field(0.01, gt=0.0, lt=0.5)
    """Of single atoms, angstrom."""
    mesh: float = Field(60.0, gt=0.0)
    """Length that sets the mesh of wave vectors for sums over the Brillouin zone, angstrom."""
    path: str = ""
    """Of the dispersion, such as "GXKGL", with ASE's names of points; by default ASE's own."""
    temperatures: list[float] = [float(t) for t in range(0, 1001, 50)]
    """Of the thermodynamics, K; quantities are those at 300 K."""


class Phonons(Property):
    """By finite displacements, with phonopy.

    A. Togo et al., J. Phys.: Condens. Matter 35, 353001 (2023).
    """

    name = "phonons"
    title = "Phonons"
    Options = PhononsOptions
    packages = ("phonopy", "spglib")
    tolerance = 0.05

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        size = supercell_size(crystal, options.length)
        phonopy = _harmonic(crystal, subject, size, options.displacement)
        primitive = phonopy.primitive
        quantities = {}
        optical = _frequencies(phonopy, np.zeros((1, 3)))[0][3:]
        if len(optical):
            for name, value in (("lowest", optical.min()), ("highest", optical.max())):
                quantities[f"{name} optical mode at Gamma"] = Quantity(value=value, unit="THz")
        plot = self._dispersion(phonopy)
        lowest = min(min(curve.y) for curve in plot.curves)
        highest = max(max(curve.y) for curve in plot.curves)
        phonopy.run_mesh(options.mesh)
        lowest = min(lowest, float(phonopy.mesh.frequencies.min()))
        highest = max(highest, float(phonopy.mesh.frequencies.max()))
        if highest < NOTHING:
            raise PropertyError(
                "no force answers the displacements: atoms do not reach each other here"
            )
        quantities["highest frequency"] = Quantity(value=highest, unit="THz")
        notes = []
        if lowest < IMAGINARY:
            notes.append(
                f"There are imaginary modes, down to {-lowest:.3g}i THz: the crystal is not "
                "stable; thermodynamics leave them out."
            )
        quantities["lowest frequency"] = Quantity(
            value=min(lowest, 0.0) if lowest < IMAGINARY else 0.0, unit="THz", tolerance=0.1
        )
        thermal, more = self._thermodynamics(phonopy, len(primitive))
        quantities.update(more)
        return PropertyResult(
            quantities=quantities,
            plots={"dispersion": plot, "dos": _density_of_states(phonopy), **thermal},
            method=f"Supercell {size_text(size)} of the conventional cell, "
            f"{len(phonopy.supercell)} atoms; sets of forces: "
            f"{len(phonopy.supercells_with_displacements)}, displacements of "
            f"{options.displacement:g} angstrom; mesh "
            f"{size_text(tuple(phonopy.mesh.mesh_numbers))}; phonopy.",
            notes=notes,
        )

    def _dispersion(self, phonopy: Any) -> Plot:
        cell = phonopy.primitive
        primitive = Atoms(cell.symbols, cell=cell.cell, scaled_positions=cell.scaled_positions)
        path = primitive.cell.bandpath(self.options.path or None, npoints=POINTS, pbc=True)
        x, places, names = path.get_linear_kpoint_axis()
        bands = _frequencies(phonopy, path.kpts)
        x = x / x[-1]  # of crystals with other lattice constants, too
        ticks: list[tuple[float, str]] = []
        for place, name in zip(places / places[-1], names, strict=True):
            text = name.replace("G", "Γ")
            if ticks and abs(ticks[-1][0] - place) < 1e-9:
                ticks[-1] = ticks[-1][0], f"{ticks[-1][1]}|{text}"
            else:
                ticks.append((float(place), text))
        return Plot(
            title="Dispersion",
            x_label="wave vector",
            y_label="frequency (THz)",
            curves=[Curve(x=x.tolist(), y=band.tolist()) for band in bands.T],
            ticks=ticks,
        )

    def _thermodynamics(
        self, phonopy: Any, n_atoms: int
    ) -> tuple[dict[str, Plot], dict[str, Quantity]]:
        """Per atom."""
        temperatures = sorted({*self.options.temperatures, ROOM_TEMPERATURE})
        phonopy.run_thermal_properties(
            temperatures=temperatures, cutoff_frequency=0.0, exclude_gamma_acoustic=True
        )
        found = phonopy.thermal_properties
        per_atom = {
            "free energy": (1000 * KJ_PER_MOL * found.free_energy / n_atoms, "meV/atom"),
            "entropy": (found.entropy / n_atoms, "J/K/mol"),
            "heat capacity": (found.heat_capacity / n_atoms, "J/K/mol"),
        }
        at = temperatures.index(ROOM_TEMPERATURE)
        quantities = {
            f"{name} at 300 K": Quantity(value=float(values[at]), unit=unit)
            for name, (values, unit) in per_atom.items()
        }
        # Where the free energy crosses 0, relative deviations say nothing.
        quantities["free energy at 300 K"].tolerance = 3.0
        plots = {
            name: Plot(
                title=f"{name.capitalize()}, harmonic",
                x_label="temperature (K)",
                y_label=f"{name} ({unit})",
                curves=[Curve(x=list(temperatures), y=np.asarray(values).tolist())],
            )
            for name, (values, unit) in per_atom.items()
        }
        return plots, quantities


def _harmonic(
    crystal: Atoms, subject: Subject, size: tuple[int, int, int], displacement: float
) -> Any:
    """An object of phonopy with force constants."""
    from phonopy import Phonopy

    centering: Any = space_group(crystal)[0]
    phonopy = Phonopy(phonopy_cell(crystal), np.diag(size), primitive_matrix=centering)
    phonopy.generate_displacements(distance=displacement)
    phonopy.forces = forces_in(phonopy.supercells_with_displacements or [], subject)
    phonopy.produce_force_constants(show_drift=False)
    phonopy.symmetrize_force_constants(show_drift=False)
    return phonopy


def phonopy_cell(crystal: Atoms) -> Any:
    """As phonopy has it."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        symbols=list(crystal.symbols),
        cell=crystal.cell.array,
        scaled_positions=crystal.get_scaled_positions(),
    )


def forces_in(cells: Iterable[Any], subject: Subject) -> list[np.ndarray]:
    """In cells of phonopy, (n_atoms, 3) each, eV/angstrom."""
    forces = []
    for cell in cells:
        atoms = Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
        atoms.calc = subject.calculator
        forces.append(atoms.get_forces())
    return forces


def _frequencies(phonopy: Any, wave_vectors: np.ndarray) -> np.ndarray:
    """(n, bands), THz, imaginary ones negative; wave vectors in units of the reciprocal cell."""
    phonopy.run_qpoints(wave_vectors)
    return np.array(phonopy.qpoints.frequencies)


def _density_of_states(phonopy: Any) -> Plot:
    phonopy.run_total_dos()
    x, y = phonopy.total_dos.frequency_points, phonopy.total_dos.dos
    every = max(1, len(x) // 200)
    return Plot(
        title="Density of states",
        x_label="frequency (THz)",
        y_label="density of states (1/THz)",
        curves=[Curve(x=x[::every].tolist(), y=y[::every].tolist())],
    )
