"""ASE calculator: use a potential wherever ASE takes one (relaxation, phonons, dynamics, ...)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from forcesmith.potentials.evaluator import DeviceChoice, Evaluator

if TYPE_CHECKING:
    from forcesmith.potentials.potential import Potential

GRADES = "extrapolation_grades"


class ForcesmithCalculator(Calculator):
    """Energy, per-atom energies, forces and stress of a `Potential`, in ASE's units and signs.

    The stress is dE/d(strain) / volume, with the volume of the cell where directions are open, too
    (slabs, wires), as in ASE's and LAMMPS' own potentials. Without a volume it is not defined;
    asking for it raises ASE's PropertyNotImplementedError. `free_energy` equals `energy`: there are
    no electrons here.

    `results` also hold what lies outside the training data, "values_outside" and "close_neighbors"
    as in `Result`, where the potential knows that; the first configuration of either kind is warned
    of.

    Where the potential has an active set of neighborhoods, there is a property
    "extrapolation_grades", (n_atoms,) without unit: `atoms.calc.get_property(
    "extrapolation_grades", atoms)`. It is computed when it is asked for.

    Parameters
    ----------
    potential
        A `forcesmith.Potential`; `potential.calculator()` is the short way to get here.
    threads, precision, device
        As in `Potential.evaluate`. On a device, the potential stays there.
    **kwargs
        As for every calculator of ASE.
    """

    implemented_properties = [
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
    ]

    def __init__(
        self,
        potential: Potential,
        threads: int | None = None,
        precision: str = "double",
        device: DeviceChoice = "cpu",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.threads = threads
        self._evaluator = Evaluator(potential, precision, device)
        active_set = potential._core.active_set
        if active_set is not None and active_set["mode"] == "neighborhoods":
            self.implemented_properties = [*self.implemented_properties, GRADES]
        self._warned: set[str] = set()

    def get_property(
        self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True
    ) -> Any:
        """As ASE's; says why there are no extrapolation grades."""
        if name == GRADES and GRADES not in self.implemented_properties:
            raise PropertyNotImplementedError(
                "The potential has no active set of neighborhoods, so atoms have no extrapolation "
                "grades; make one with fs.find_active_set(potential, data)."
            )
        return super().get_property(name, atoms, allow_calculation)

    @property
    def potential(self) -> Potential:
        """The potential."""
        return self._evaluator.potential

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill `results`; called by ASE."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        grade = GRADES in properties
        result = self._evaluator.evaluate([self.atoms], self.threads, grade)[0]
        self.results = {
            "energy": result.energy,
            "free_energy": result.energy,
            "energies": result.energies,
            "forces": result.forces,
        }
        if result.grades is not None:
            self.results[GRADES] = result.grades
        if result.stress is not None:
            self.results["stress"] = result.stress
        elif "stress" in properties:
            raise PropertyNotImplementedError(
                "The configuration has no cell with a volume, so it has no stress; give it three "
                "lattice vectors."
            )
        for name, found, what in (
            ("values_outside", result.values_outside, "descriptor values outside their range"),
            ("close_neighbors", result.close_neighbors, "neighbors closer than any"),
        ):
            if found is None:
                continue
            self.results[name] = found
            if found.any() and name not in self._warned:
                self._warned.add(name)
                warnings.warn(
                    f"{np.count_nonzero(found)} of {len(found)} atoms have {what} in the training "
                    "data, so the potential extrapolates; see "
                    f'calculator.results["{name}"]. Later ones are not warned of.',
                    stacklevel=2,
                )
