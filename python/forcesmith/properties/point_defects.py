"""Point defects: vacancies, interstitials, antisites; their formation energies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.units import GPa
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.properties.crystals import (
    chosen_sites,
    formula_units,
    size_text,
    supercell_size,
)
from forcesmith.properties.property import (
    Curve,
    Plot,
    Property,
    PropertyError,
    PropertyResult,
    Quantity,
)
from forcesmith.properties.relaxation import relax_cell, relax_ions
from forcesmith.properties.subject import Subject
from forcesmith.sampling.structures import read_structures, with_interstitials

MOVES = (0.1, 0.6)
"""Angstrom, by which neighbors are moved at first at most: to start with, and in further starts."""
LOWER = 0.01  # eV
HELD = 0.05  # eV
STRAIN = 2e-3  # of lengths, for the bulk modulus
NEAR = 1.2  # times the shortest distance


class PointDefectsOptions(Section):
    lengths: list[float] = Field([10.0], min_length=1)
    """Least distances between opposite faces of the supercells, angstrom. Quantities are those of
    the largest one; several show how they converge, and are extrapolated."""
    vacancies: bool = True
    """One of every inequivalent site."""
    interstitials: bool = True
    """One of every element, in the middle of the largest void."""
    antisites: bool = True
    """Every element on the sites of every other."""
    sites: int = Field(6, ge=1)
    """Inequivalent sites that are looked at, at most."""
    references: dict[str, str] = {}
    """Of compounds, by element, the crystal whose energy per atom is its chemical potential, such
    as {Mg = "hcp Mg 3.2 5.2"}. Without them only sums that need none are given."""
    relaxed: bool = True
    """False: ions stay where they are."""
    starts: int = Field(4, ge=1)
    """Relaxations of every defect, each with its neighbors moved differently at first; the lowest
    energy counts. With 1, defects keep about the places of the ideal ones."""
    force: float = Field(0.005, gt=0.0)
    """Largest force that is left, eV/angstrom."""
    steps: int = Field(500, ge=1)
    """Of a relaxation, at most."""


class PointDefects(Property):
    """Formation energies E(defect) - E(perfect) +- chemical potentials, in cells of fixed volume.

    Of elements, the chemical potential is the energy per atom of the crystal. Neutral cells: a
    potential without charges knows no others. Supercells of 500 atoms and more are relaxed by
    LAMMPS where that knows the potential.

    What a defect strains pushes against its periodic images. The leading part of that falls as one
    over the volume: the energies of the two largest of several supercells are extrapolated. Where
    there is one supercell alone, the elastic energy p^2 V / 2B of its pressure p is told.
    """

    name = "point_defects"
    title = "Point defects"
    Options = PointDefectsOptions
    packages = ("spglib",)
    tolerance = 0.1

    def compute(self, crystal: Atoms, subject: Subject, folder: Path) -> PropertyResult:
        options = self.options
        potentials, stated = self._chemical_potentials(crystal, subject)
        notes: list[str] = []
        found: dict[str, dict[int, float]] = {}
        sizes = list(dict.fromkeys(supercell_size(crystal, n) for n in sorted(options.lengths)))
        modulus = bulk_modulus(crystal, subject) if len(sizes) == 1 and options.relaxed else None
        for size in sizes:
            perfect = crystal * size
            for name, value in self._energies(
                crystal, perfect, subject, potentials, modulus, notes
            ):
                found.setdefault(name, {})[len(perfect)] = value
        if not found:
            raise PropertyError("; ".join(notes) or "there are no defects to compute")
        largest = len(crystal) * int(np.prod(sizes[-1]))
        quantities = {
            name: Quantity(value=values[largest], unit="eV")
            for name, values in found.items()
            if largest in values
        }
        for name, values in found.items():
            if largest in values and len(values) > 1:
                (small, near), (large, far) = list(values.items())[-2:]
                limit = (large * far - small * near) / (large - small)
                quantities[f"{name}, extrapolated"] = Quantity(value=limit, unit="eV")
        curves = [
            Curve(x=[1000 / n for n in values], y=list(values.values()), label=name)
            for name, values in found.items()
        ]
        plot = Plot(
            title="Finite size",
            x_label="1000 / atoms of the supercell",
            y_label="formation energy (eV)",
            curves=curves,
            style="points",
        )
        how = f"relaxed to {options.force:g} eV/angstrom" if options.relaxed else "ions fixed"
        if options.relaxed and options.starts > 1:
            how += f", the lowest of {options.starts} different starts"
        return PropertyResult(
            quantities=quantities,
            plots={"finite size": plot} if len(sizes) > 1 else {},
            method=f"Supercells {', '.join(map(size_text, sizes))} of the conventional cell "
            f"({largest} atoms), volume fixed, {how}. {stated}",
            notes=notes,
        )

    def _energies(
        self,
        crystal: Atoms,
        perfect: Atoms,
        subject: Subject,
        potentials: dict[str, float] | None,
        modulus: float | None,
        notes: list[str],
    ) -> Iterator[tuple[str, float]]:
        """Formation energies of one supercell, eV. What does not relax goes into the notes.

        modulus: of which elastic energies are told, eV/angstrom^3; None: they are not."""
        energy = subject.energy(perfect)
        raw: dict[str, float] = {}
        for name, atoms, center, change in self._defects(crystal, perfect, notes):
            found = self._lowest(atoms, center, subject, name, notes)
            if found is None:
                continue
            raw[name] = float(found.get_potential_energy()) - energy
            if modulus is not None:
                notes += _elastic_energy(found, subject, modulus, name)
            if potentials is not None:
                yield name, raw[name] - sum(n * potentials[e] for e, n in change.items())
        elements = sorted(set(crystal.symbols))
        if len(elements) > 1:
            yield from _neutral_sums(crystal, elements, raw, energy / len(perfect))

    def _lowest(
        self, atoms: Atoms, center: np.ndarray, subject: Subject, name: str, notes: list[str]
    ) -> Atoms | None:
        """The one of lowest energy of all relaxations; None if none comes to its end."""
        options = self.options
        if not options.relaxed:
            atoms.calc = subject.calculator
            return atoms
        found, energies, reason = [], [], ""
        for start in range(options.starts):
            moved = _moved(atoms, center, MOVES[start > 0], start)
            try:
                relaxed = relax_ions(moved, subject, options.force, options.steps, name)
                energies.append(float(relaxed.get_potential_energy()))
                found.append(relaxed)
            except PropertyError as error:
                reason = str(error)
        if not energies:
            notes.append(f"{name}, {len(atoms)} atoms: {reason}.")
            return None
        if (gain := energies[0] - min(energies)) > LOWER:
            notes.append(
                f"{name}, {len(atoms)} atoms: {gain:.2f} eV lower than near its ideal place."
            )
        return found[energies.index(min(energies))]

    def _defects(
        self, crystal: Atoms, perfect: Atoms, notes: list[str]
    ) -> Iterator[tuple[str, Atoms, np.ndarray, dict[str, int]]]:
        """Name, supercell, place, and the atoms that came in by element. The first cell of the
        supercell has the atoms of the crystal, in their order."""
        elements = sorted(set(crystal.symbols))
        sites, left_out = chosen_sites(crystal, self.options.sites)
        notes += [text for text in left_out if text not in notes]
        for label, site in sites.items():
            place = perfect.positions[site]
            if self.options.vacancies:
                atoms = perfect.copy()
                del atoms[site]
                yield f"vacancy {label}", atoms, place, {crystal.symbols[site]: -1}
            for element in elements if self.options.antisites else ():
                if element != crystal.symbols[site]:
                    atoms = perfect.copy()
                    atoms.symbols[site] = element
                    change = {crystal.symbols[site]: -1, element: 1}
                    yield f"antisite {element} on {label}", atoms, place, change
        for element in elements if self.options.interstitials else ():
            atoms = with_interstitials(perfect, {element: 1})
            yield f"interstitial {element}", atoms, atoms.positions[-1], {element: 1}

    def _chemical_potentials(
        self, crystal: Atoms, subject: Subject
    ) -> tuple[dict[str, float] | None, str]:
        """By element, eV, if they are known; and a sentence on them."""
        elements = sorted(set(crystal.symbols))
        if len(elements) == 1 and not self.options.references:
            mine = subject.energy(crystal) / len(crystal)
            return {elements[0]: mine}, "The chemical potential is the energy of the crystal."
        if not set(elements) <= set(self.options.references):
            return None, (
                "No chemical potentials were given (references): sums that need none, of defects "
                "that are far from each other."
            )
        potentials = {}
        for element in elements:
            _, reference = read_structures(self.options.references[element])[0]
            if set(reference.symbols) != {element}:
                raise PropertyError(f"the reference of {element} is not made of {element} alone")
            relaxed = relax_cell(reference, subject, 1e-3, 500, f"the reference of {element}")
            potentials[element] = relaxed.get_potential_energy() / len(relaxed)
        told = ", ".join(f"{e}: {self.options.references[e]}" for e in elements)
        return potentials, f"Chemical potentials are energies per atom of {told}, relaxed."


def bulk_modulus(crystal: Atoms, subject: Subject) -> float:
    """From the pressures of a slightly larger and a slightly smaller cell, ions fixed in it;
    eV/angstrom^3."""
    low, high = (_pressure(crystal, subject, factor) for factor in (1 + STRAIN, 1 - STRAIN))
    return (high - low) / (6 * STRAIN)


def _pressure(atoms: Atoms, subject: Subject, factor: float = 1.0) -> float:
    """With all lengths times a factor, eV/angstrom^3."""
    atoms = atoms.copy()
    atoms.set_cell(factor * atoms.cell.array, scale_atoms=True)
    atoms.calc = subject.calculator
    return -float(atoms.get_stress()[:3].mean())


def _elastic_energy(atoms: Atoms, subject: Subject, modulus: float, name: str) -> Iterator[str]:
    """A note where much of it is held in the fixed cell."""
    pressure = _pressure(atoms, subject)
    held = pressure**2 * atoms.get_volume() / (2 * modulus)
    if held > HELD:
        yield (
            f"{name}, {len(atoms)} atoms: the fixed cell is under {pressure / GPa:.1f} GPa, which "
            f"holds about {held:.2f} eV; give several `lengths`, which are extrapolated."
        )


def _moved(atoms: Atoms, center: np.ndarray, most: float, seed: int) -> Atoms:
    """A copy in which the nearest neighbors of a place, and what is there, are moved by chance."""
    atoms = atoms.copy()
    scaled = (atoms.positions - center) @ np.linalg.inv(atoms.cell.array)
    distances = np.linalg.norm((scaled - np.round(scaled)) @ atoms.cell.array, axis=1)
    near = distances < NEAR * distances[distances > 0.5].min()
    moves = np.random.default_rng(seed).uniform(-most, most, (np.count_nonzero(near), 3))
    atoms.positions[near] += moves
    return atoms


def _neutral_sums(
    crystal: Atoms, elements: list[str], raw: dict[str, float], energy_per_atom: float
) -> Iterator[tuple[str, float]]:
    """Of energies of defects relative to the perfect cell: those in which no chemical potential is
    left, eV."""
    units = formula_units(crystal)
    counts = {e: list(crystal.symbols).count(e) // units for e in elements}

    def lowest(beginning: str) -> float | None:
        """Of all sites."""
        own = [value for name, value in raw.items() if name == beginning or name[:-2] == beginning]
        return min(own, default=None)

    vacancies = {e: v for e in elements if (v := lowest(f"vacancy {e}")) is not None}
    if len(vacancies) == len(elements):
        total = sum(n * (vacancies[e] + energy_per_atom) for e, n in counts.items())
        yield "Schottky defect", total
    for element in elements:
        interstitial = lowest(f"interstitial {element}")
        if element in vacancies and interstitial is not None:
            yield f"Frenkel pair {element}", vacancies[element] + interstitial
    for number, one in enumerate(elements):
        for other in elements[number + 1 :]:
            pair = lowest(f"antisite {one} on {other}"), lowest(f"antisite {other} on {one}")
            if pair[0] is not None and pair[1] is not None:
                yield f"antisite pair {one}, {other}", pair[0] + pair[1]
