"""Universal potentials with their weights, and Quantum ESPRESSO where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

PSEUDOPOTENTIALS = Path("/usr/share/espresso/pseudo")  # of Debian's quantum-espresso-data


def magnesia() -> Atoms:
    atoms = bulk("MgO", "rocksalt", a=4.24, cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


def check_derivatives(teacher: fs.Teacher, atoms: Atoms, step: float, tolerance: float) -> None:
    """One force and one stress of its labels by finite differences of its energies, to a fraction
    of the largest of them; many of these potentials compute in single precision."""
    found = teacher.label(atoms).calc.results

    def energy(move: float = 0.0, strain: float = 0.0) -> float:
        other = atoms.copy()
        other.positions[0, 0] += move
        other.set_cell(atoms.cell.array @ np.diag([1 + strain, 1, 1]), scale_atoms=True)
        return teacher.label(other).calc.results["energy"]

    slope = (energy(move=step) - energy(move=-step)) / (2 * step)
    scale = np.abs(found["forces"]).max()
    assert -slope == pytest.approx(found["forces"][0, 0], abs=tolerance * scale)
    slope = (energy(strain=step) - energy(strain=-step)) / (2 * step * atoms.get_volume())
    scale = np.abs(found["stress"]).max()
    assert scale > 1e-3 and found["stress"].shape == (6,)
    assert slope == pytest.approx(found["stress"][0], abs=tolerance * scale)


@pytest.mark.parametrize("name", ["sevennet:7net-0", "chgnet"])
def test_universal_potentials(name):
    with fs.make_teacher(name) as teacher:
        assert teacher.name == name
        check_derivatives(teacher, magnesia(), 1e-2, 0.05)
        assert teacher.label(magnesia()).info["label_seconds"] > 0


@pytest.mark.parametrize("name", ["sevennet:7net-999", "chgnet:9.9"])
def test_models_that_do_not_exist(name):
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        fs.make_teacher(name)
    assert len(str(caught.value)) <= 300


@pytest.fixture
def espresso():
    if shutil.which("pw.x") is None or not (PSEUDOPOTENTIALS / "Al.pz-vbc.UPF").is_file():
        pytest.skip("no pw.x; apt-get install quantum-espresso quantum-espresso-data")

    def settings(steps: int = 60, **more) -> dict:
        return {
            "type": "espresso",
            "pseudo_folder": str(PSEUDOPOTENTIALS),
            "pseudopotentials": {"Al": "Al.pz-vbc.UPF"},
            "k_spacing": 1.0,
            "input": {
                "ecutwfc": 15,
                "occupations": "smearing",
                "degauss": 0.05,
                "conv_thr": 1e-9,
                "electron_maxstep": steps,
            },
            **more,
        }

    return settings


ALUMINIUM = bulk("Al", "fcc", a=4.0) * (2, 1, 1)
ALUMINIUM.rattle(0.1, seed=3)


def test_espresso(espresso):
    with fs.make_teacher(espresso()) as teacher:
        check_derivatives(teacher, ALUMINIUM, 4e-3, 0.15)


def test_espresso_that_gives_no_label(espresso):
    with fs.make_teacher(espresso(2)) as teacher:
        with pytest.raises(fs.LabelError, match="the self-consistent field has not converged"):
            teacher.label(ALUMINIUM)
    with fs.make_teacher(espresso(2, gentler={"input": {"electron_maxstep": 60}})) as teacher:
        assert teacher.label(ALUMINIUM).info["label_gentler"]


def test_a_time_limit_ends_the_ranks_of_mpi(espresso):
    command = "mpirun --allow-run-as-root --oversubscribe -np {cores} pw.x"
    fine = {"ecutwfc": 60, "k_spacing": 0.1}
    settings = espresso(cores=2, command=command, timeout=2.0, k_spacing=fine.pop("k_spacing"))
    settings["input"] |= fine
    with fs.make_teacher(settings) as teacher:
        with pytest.raises(fs.LabelError, match="took longer than 2 s and was ended"):
            teacher.label(ALUMINIUM * (2, 2, 2))
    listing = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True).stdout
    assert not [line for line in listing.splitlines() if "espresso.pwi" in line and line[0] != "Z"]
