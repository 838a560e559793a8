"""Teachers that count how often they are asked, for the tests of learning."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from forcesmith.potentials.potential import Potential

CALLS = "FORCESMITH_TEST_CALLS"
"""Environment variable with the file that gets a line for every label."""
SECONDS = 0.1
"""That a label takes at least, so that there is time to be killed."""


class Counted(Calculator):
    """Another calculator, whose use leaves a line."""

    implemented_properties = ["energy", "forces", "stress"]

    def __init__(self, calculator: Calculator):
        super().__init__()
        self.calculator = calculator

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        with open(os.environ[CALLS], "a") as calls:
            calls.write("label\n")
        time.sleep(SECONDS)
        for name in self.implemented_properties:
            self.results[name] = self.calculator.get_property(name, atoms)


def counted_emt() -> Calculator:
    return Counted(EMT())


def killed_at_second_start() -> Calculator:
    """The first one is in the process that learns, the second one that of a worker."""
    starts = Path(os.environ[CALLS])
    with open(starts, "a") as file:
        file.write("start\n")
    if count(starts) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return EMT()


def broken_lammps() -> None:
    raise OSError("no libmpi.so")


def lennard_jones() -> Calculator:
    return LennardJones(sigma=2.3, epsilon=0.4, ro=3.5, rc=4.5, smooth=True)


def magnesia() -> Calculator:
    """A potential, fitted to a few cells of MgO."""
    return Potential.read(Path(__file__).parents[1] / "data" / "mgo_small.json").calculator()


def count(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0
