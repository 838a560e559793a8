"""Which steps of VASP's output have converged electrons; ASE reads those that have not, too."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from io import BufferedIOBase

# ASE ends a step of an OUTCAR with this line.
_END_OF_STEP = b"FREE ENERGIE OF THE ION-ELECTRON SYSTEM"


def outcar_convergence(stream: BufferedIOBase) -> list[bool]:
    """Whether each step of an OUTCAR converged.

    VASP says so, or at least does not say that it did after NELM iterations (before version 6).
    """
    steps = []
    limit = None
    iteration = 0
    reached = failed = False
    for line in stream:
        if limit is None and (found := re.match(rb"\s*NELM\s*=\s*(\d+)", line)):
            limit = int(found[1])
        elif b"Iteration" in line and (found := re.search(rb"Iteration\s*\d+\(\s*(\d+)\)", line)):
            iteration = int(found[1])
        elif b"EDIFF is reached" in line:
            reached = True
        elif b"EDIFF was not reached" in line:
            failed = True
        elif _END_OF_STEP in line:
            failed |= not reached and _at_limit(iteration, limit)
            steps.append(not failed)
            reached = failed = False
            iteration = 0
    return steps


def vasprun_convergence(stream: BufferedIOBase) -> list[bool]:
    """Whether each step of a vasprun.xml converged: before NELM iterations, or with a last change
    of the energy below EDIFF. A truncated file tells of the steps before its end."""
    steps = []
    settings: dict[str, str] = {}
    energies: list[float] = []
    try:
        for _, element in ElementTree.iterparse(stream):
            if element.tag == "i" and (name := element.get("name")) in ("NELM", "EDIFF"):
                settings[name] = element.text or ""
            elif element.tag == "scstep":
                energy = element.find("energy/i[@name='e_fr_energy']")
                energies.append(float(energy.text or "") if energy is not None else float("nan"))
            elif element.tag == "calculation":
                change = abs(energies[-1] - energies[-2]) if len(energies) > 1 else float("inf")
                failed = _at_limit(len(energies), int(settings.get("NELM", 60)))
                steps.append(not failed or change < float(settings.get("EDIFF", 1e-4)))
                energies = []
                element.clear()
    except (ElementTree.ParseError, ValueError, TypeError):
        pass  # what cannot be read is for ASE's reader to say
    return steps


def _at_limit(iteration: int, limit: int | None) -> bool:
    # NELM = 1 is for calculations that do not iterate.
    return limit is not None and 1 < limit <= iteration
