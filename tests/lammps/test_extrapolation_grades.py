"""Extrapolation grades in LAMMPS: those of Python, on any number of ranks, as a quantity of atoms
and of all; and what a run does about them."""

import os
import re
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import ase
import ase.build
import ase.io
import forcesmith as fs
import numpy as np
import pytest
import scipy.linalg
from contract_examples import make_potential, potential_cases
from forcesmith.data.batches import element_indices, make_batch
from forcesmith.lammps.runner import program_path
from lammps_runner import ELEMENTS, TESTS
from test_grades import give_active_set

SHORT = 300  # characters of a message


def rocksalt(amplitude: float, seed: int = 0, a: float = 4.25) -> ase.Atoms:
    """64 atoms of MgO, in `graded_file` known up to amplitudes of 0.1 angstrom."""
    atoms = ase.build.bulk("MgO", "rocksalt", a=a, cubic=True).repeat(2)
    atoms.rattle(amplitude, seed=seed)
    return atoms


@pytest.fixture(scope="module")
def graded(potential_file) -> fs.Potential:
    """The small potential with an active set of rattled crystals."""
    potential = fs.Potential.read(potential_file)
    core = potential._core
    training = [rocksalt(0.08, seed, 4.25 * (1 + 0.01 * np.sin(seed))) for seed in range(20)]
    vectors = core.information_vectors(make_batch(training, ELEMENTS, potential.cutoff), "linear")
    elements = np.concatenate([element_indices(atoms, ELEMENTS) for atoms in training])
    rows = []
    for element in range(2):
        own = vectors[elements == element]
        order = scipy.linalg.qr(own.T, pivoting=True, mode="economic")[2]
        rows.append(own[order[: own.shape[1]]])
    inverses = [np.linalg.inv(own) for own in rows]
    core.set_active_set("linear", "neighborhoods", 2, rows, inverses, {})
    assert max(potential.evaluate(a, grade=True).configuration_grade for a in training) < 1.3
    return potential


@pytest.fixture
def graded_file(runner, graded) -> str:
    graded.write(runner.folder / "graded.json")
    return "graded.json"


def slanted_crystal() -> ase.Atoms:
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.25).repeat((2, 1, 2))
    rotated, rotation = atoms.cell.standard_form()
    atoms.set_cell(rotated)
    atoms.positions = atoms.positions @ rotation.T
    atoms.rattle(0.1, seed=2)
    return atoms


def pair(keywords: str = "", file: str = "graded.json", elements: str = "Mg O") -> str:
    return f"pair_style forcesmith {keywords}\npair_coeff * * {file} {elements}\n"


def grade_of(potential: fs.Potential, atoms: ase.Atoms) -> float:
    return potential.evaluate(atoms, grade=True).configuration_grade


def printed(output: str, name: str) -> float:
    return float(re.search(rf"^{name} (\S+)$", output, re.M)[1])


def summary(output: str) -> str:
    """What is said at the end of the last run."""
    return re.findall(r"pair_style forcesmith: .*check.*", output)[-1]


def rows(output: str, n: int) -> np.ndarray:
    lines = [line.split() for line in output.splitlines()]
    return np.array([line for line in lines if len(line) == n and line[0].isdigit()], float)


def snapshots(runner, name="new.xyz") -> list[ase.Atoms]:
    return ase.io.read(runner.folder / name, ":")


# ---- the numbers ----

WATCH = """
compute ex all pair forcesmith
fix grades all pair 1 forcesmith grade 1
run 0
write_dump all custom out{0}.dump id f_grades fx fy fz modify sort id format float %.17g
print 'largest{0} $(c_ex[3]:%.17g)'
"""


def dumped(runner, number="") -> np.ndarray:
    return np.loadtxt(runner.folder / f"out{number}.dump", skiprows=9, ndmin=2)


Cases = list[tuple[str, str, np.ndarray]]


@pytest.fixture(scope="module")
def graded_cases(tmp_path_factory) -> Cases:
    """Of every descriptor with every model: name, file, grades of `slanted` in Python."""
    return make_graded_cases(tmp_path_factory.mktemp("graded"))


def make_graded_cases(folder: Path) -> Cases:
    atoms, cases = slanted_crystal(), []
    for name, descriptors, model in potential_cases():
        potential = make_potential(descriptors, model)
        core = potential._core
        sizes = {
            "linear": max(core.n_features(element) for element in range(2)),
            "all": len(core.descriptor_parameters) + len(core.model_parameters),
        }
        for parameters, size in sizes.items():
            if size > 500:  # large matrices, which every rank reads
                continue
            give_active_set(potential, parameters)
            path = folder / f"{name}-{parameters}.json"
            potential.write(path)
            grades = potential.evaluate(atoms, grade=True).grades
            cases.append((path.stem, str(path), grades))
    return cases


@pytest.mark.parametrize("options", [{}, {"threads": 2}], ids=["1", "threads"])
def test_every_descriptor_with_every_model(runner, graded_cases, options):
    """Of linear parameters and of all, one after another in one run of LAMMPS."""
    script = ""
    for number, (_, path, _) in enumerate(graded_cases):
        script += "clear\n" + runner.structure(slanted_crystal())
        script += pair(file=path) + WATCH.format(number)
    output = runner.succeed(script, **options)
    assert len(graded_cases) > 38
    for number, (name, _, expected) in enumerate(graded_cases):
        table = dumped(runner, number)
        assert expected.min() > 0, name
        np.testing.assert_allclose(table[:, 1], expected, rtol=1e-8, atol=1e-8, err_msg=name)
        assert printed(output, f"largest{number}") == pytest.approx(expected.max(), rel=1e-8)


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_all_of_them_at_once(runner, graded_cases, ranks):
    """As styles of one hybrid/overlay, which spares ranks many beginnings."""
    numbers = range(1, len(graded_cases) + 1)
    script = runner.structure(slanted_crystal())
    script += "pair_style hybrid/overlay" + " forcesmith" * len(graded_cases) + "\n"
    for number, (_, path, _) in zip(numbers, graded_cases, strict=True):
        script += f"pair_coeff * * forcesmith {number} {path} Mg O\n"
        script += f"fix g{number} all pair 1 forcesmith:{number} grade 1\n"
    columns = " ".join(f"f_g{number}" for number in numbers)
    script += f"run 0\nwrite_dump all custom out.dump id {columns} "
    runner.succeed(script + "modify sort id format float %.17g\n", ranks=ranks)
    for (name, _, expected), found in zip(graded_cases, dumped(runner).T[1:], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("ranks", [1, 4])
def test_active_set_of_configurations(runner, slanted, ranks):
    """Every atom has the grade of the configuration; atoms that are excluded do not count."""
    potential = make_potential(*dict((c[0], c[1:]) for c in potential_cases())["stacked"])
    give_active_set(potential, "all", "configurations")
    potential.write(runner.folder / "pot.json")
    script = runner.structure(slanted) + pair(file="pot.json") + WATCH.format("")
    output = runner.succeed(script, ranks=ranks)
    expected = grade_of(potential, slanted)
    np.testing.assert_allclose(dumped(runner)[:, 1], expected, rtol=1e-8)
    assert printed(output, "largest") == pytest.approx(expected, rel=1e-8)
    assert summary(output).endswith(" of the configuration at step 0")


def test_single_precision(runner, graded, graded_file):
    atoms = rocksalt(0.1, 5)
    script = runner.structure(atoms) + pair("precision single") + WATCH.format("")
    runner.succeed(script)
    expected = graded.evaluate(atoms, grade=True, precision="single").grades
    np.testing.assert_allclose(dumped(runner)[:, 1], expected, rtol=0.05)


def test_ranks_without_atoms(runner, graded, graded_file):
    atoms = ase.Atoms("MgO", [[1, 1, 1], [3, 1, 1]], cell=[40] * 3, pbc=True)
    script = runner.structure(atoms, before="processors 4 1 1")
    script += pair("grade 1 select 2 new.xyz") + WATCH.format("")
    runner.succeed(script, ranks=4)
    expected = graded.evaluate(atoms, grade=True).grades
    np.testing.assert_allclose(dumped(runner)[:, 1], expected, rtol=1e-8)
    (snapshot,) = snapshots(runner)
    np.testing.assert_allclose(snapshot.arrays["grade"], expected, rtol=1e-8)


def test_excluded_atoms_are_not_there(runner, graded, graded_file):
    atoms = rocksalt(0.1, 5)
    own = atoms.copy()
    del own[7]
    script = runner.structure(atoms) + pair("grade 1 select 1 new.xyz")
    script += "group out id 8\nneigh_modify exclude group out all\n" + WATCH.format("")
    runner.succeed(script, ranks=2)
    expected = graded.evaluate(own, grade=True).grades
    found = dumped(runner)[:, 1]
    assert found[7] == 0
    np.testing.assert_allclose(np.delete(found, 7), expected, rtol=1e-8)
    (snapshot,) = snapshots(runner)
    assert len(snapshot) == 63 and 8 not in snapshot.arrays["id"]


# ---- dynamics: fix pair, compute pair, fix halt ----

DYNAMICS = """
velocity all create {} 7 loop geom
fix nve all nve
compute ex all pair forcesmith
thermo_style custom step pe c_ex[3]
thermo_modify format float %.17g
thermo 1
"""


def trajectory(runner, name="all.dump") -> list[ase.Atoms]:
    return ase.io.read(runner.folder / name, ":", format="lammps-dump-text")


DUMP = "dump all all custom 1 all.dump id element x y z\n"
DUMP += "dump_modify all sort id element Mg O format float %.17g\n"


@pytest.mark.parametrize("ranks", [1, 2])
def test_largest_grade_in_thermo(runner, graded, graded_file, ranks):
    """Of the last turn, and of the beginning of each run."""
    script = runner.structure(rocksalt(0.05)) + pair("grade 4") + DYNAMICS.format(600) + DUMP
    output = runner.succeed(script + "run 10\nrun 3", ranks=ranks)
    table = rows(output, 3)
    steps = table[:, 0].astype(int)
    frames = trajectory(runner)
    expected = {step: grade_of(graded, frames[step]) for step in (0, 4, 8, 10, 12)}
    last = [0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 10, 10, 12, 12]
    assert steps.tolist() == [*range(11), 10, 11, 12, 13]
    np.testing.assert_allclose(table[:, 2], [expected[step] for step in last], rtol=1e-8)
    assert summary(output).startswith("pair_style forcesmith: the largest grade in 2 checks was ")


@pytest.mark.parametrize("keywords", ["", "grade off", "grade 7"])
def test_fix_pair_asks_for_grades(runner, graded, graded_file, keywords):
    """At its own steps, whatever those of the pair style are."""
    script = runner.structure(rocksalt(0.05)) + pair(keywords) + DYNAMICS.format(600)
    script += "fix grades all pair 5 forcesmith grade 1\n" + DUMP
    script += "dump grades all custom 5 g.dump id f_grades\n"
    script += "dump_modify grades sort id format float %.17g\nrun 10\n"
    runner.succeed(script, ranks=2)
    frames = trajectory(runner)
    found = (runner.folder / "g.dump").read_text().split("ITEM: TIMESTEP\n")[1:]
    assert len(found) == 3
    for step, text in zip((0, 5, 10), found, strict=True):
        own = np.array([line.split() for line in text.splitlines()[8:]], float)
        expected = graded.evaluate(frames[step], grade=True).grades
        np.testing.assert_allclose(own[:, 1], expected, rtol=1e-8)


def test_fix_pair_that_does_not_ask(runner, graded_file):
    """Without its trigger it finds none between the turns: an error, not old numbers."""
    script = runner.structure(rocksalt(0.05)) + pair("grade 10") + DYNAMICS.format(600)
    line = runner.fail(script + "fix grades all pair 5 forcesmith grade 0\nrun 10\n")
    assert "cannot extract property grade" in line


def test_dump_of_extrapolative_atoms(runner, graded, graded_file):
    """The recipe of the documentation: dump_modify thresh and skip."""
    script = runner.structure(rocksalt(0.05)) + pair("grade 10") + DYNAMICS.format(3000) + DUMP
    script += """
    fix grades all pair 10 forcesmith grade 1
    variable known equal c_ex[3]<2
    dump far all custom 10 far.dump id element x y z f_grades
    dump_modify far skip v_known thresh f_grades > 2 sort id format float %.17g
    run 30
    """
    runner.succeed(script)
    frames = trajectory(runner)
    expected = {}
    for step in (0, 10, 20, 30):
        grades = graded.evaluate(frames[step], grade=True).grades
        if grades.max() > 2:
            expected[step] = (np.flatnonzero(grades > 2) + 1).tolist()
    assert expected and 0 not in expected
    found = {}
    for text in (runner.folder / "far.dump").read_text().split("ITEM: TIMESTEP\n")[1:]:
        lines = text.splitlines()
        found[int(lines[0])] = [int(line.split()[0]) for line in lines[8:]]
    assert found == expected


def test_fix_halt(runner, graded_file):
    script = runner.structure(rocksalt(0.05)) + pair("grade 5") + DYNAMICS.format(3000)
    script += """
    variable gamma equal c_ex[3]
    fix stop all halt 5 v_gamma > 2 error continue
    run 200
    """
    table = rows(runner.succeed(script), 3)
    assert 5 <= table[-1, 0] < 200 and table[-1, 0] % 5 == 0
    assert table[-1, 2] > 2 >= table[-2, 2], "not at the same step"


def test_off_and_on_change_nothing_of_the_run(runner, graded_file, potential_file):
    """To the last bit."""
    script = runner.structure(rocksalt(0.05)) + "{}" + DYNAMICS.format(300) + "run 6\n"
    shutil.copy(potential_file, runner.folder / "plain.json")
    plain = rows(runner.succeed(script.format(pair(file="plain.json"))), 3)
    for keywords in ("grade off", "", "grade 1", "grade 2 select 1e-9 new.xyz"):
        output = runner.succeed(script.format(pair(keywords)))
        found = rows(output, 3)
        np.testing.assert_array_equal(found[:, :2], plain[:, :2])
        assert found[:, 2].any() == (keywords != "grade off")
        assert ("checks" in output) == (keywords != "grade off")
    assert not plain[:, 2].any()


# ---- warning, select, break ----


def frames_file(runner, frames: list[ase.Atoms], first=0, name="frames.dump") -> str:
    """Configurations for rerun, at steps first, first + 1, ..."""
    text = ""
    for step, atoms in enumerate(frames, first):
        text += f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(atoms)}\n"
        text += "ITEM: BOX BOUNDS pp pp pp\n"
        text += "".join(f"0 {length:.17g}\n" for length in atoms.cell.lengths())
        text += "ITEM: ATOMS id x y z\n"
        for number, position in enumerate(atoms.positions, 1):
            text += f"{number} " + " ".join(f"{x:.17g}" for x in position) + "\n"
    (runner.folder / name).write_text(text)
    return name


AMPLITUDES = [0.05, 0.15, 0.15, 0.05, 0.05, 0.15, 0.05]  # grades 1, 18, 3000, 1, ...


@pytest.fixture
def events(runner, graded, graded_file) -> tuple[str, list[float], list[ase.Atoms]]:
    """Commands of a rerun in which grades rise above 3 twice; the grades; the configurations."""
    frames = [rocksalt(amplitude, seed) for seed, amplitude in enumerate(AMPLITUDES)]
    grades = [grade_of(graded, atoms) for atoms in frames]
    above = [grade > 3 for grade in grades]
    assert above == [amplitude > 0.1 for amplitude in AMPLITUDES]
    file = frames_file(runner, frames)
    script = runner.structure(frames[0]) + "{}" + f"rerun {file} dump x y z box yes\n"
    return script, grades, frames


@pytest.mark.parametrize("ranks", [1, 4])
def test_select_writes_once_per_event(runner, graded, events, ranks):
    script, grades, frames = events
    old = '1\npbc="F F F"\nH 0 0 0\n'
    (runner.folder / "new.xyz").write_text(old)
    output = runner.succeed(script.format(pair("select 3 new.xyz")), ranks=ranks)
    assert (runner.folder / "new.xyz").read_text().startswith(old)
    found = snapshots(runner)[1:]
    assert [snapshot.info["step"] for snapshot in found] == [1, 5]
    for snapshot in found:
        step = snapshot.info["step"]
        assert snapshot.info["max_grade"] == pytest.approx(grades[step], rel=1e-8)
        assert snapshot.info["potential"] == "graded.json"
        assert snapshot.pbc.all() and snapshot.arrays["id"].tolist() == list(range(1, 65))
        assert list(snapshot.symbols) == list(frames[step].symbols)
        assert (snapshot.arrays["type"] == np.where(snapshot.symbols == "Mg", 1, 2)).all()
        expected = graded.evaluate(frames[step], grade=True).grades
        np.testing.assert_allclose(snapshot.arrays["grade"], expected, rtol=1e-8)
        again = graded.evaluate(snapshot, grade=True).grades
        np.testing.assert_allclose(again, expected, rtol=1e-7)
    largest = max(range(7), key=lambda step: grades[step])
    atom = graded.evaluate(frames[largest], grade=True).grades.argmax() + 1
    assert summary(output) == (
        f"pair_style forcesmith: 3 of 7 checks found grades above 3, the largest "
        f"{grades[largest]:.4g} of atom {atom} at step {largest}"
    )
    assert output.count("configuration added to 'new.xyz'") == 2


def test_fs_reads_what_select_writes(runner, events):
    script, *_ = events
    runner.succeed(script.format(pair("select 3 new.xyz")))
    assert [len(atoms) for atoms in fs.read(runner.folder / "new.xyz")] == [64, 64]


@pytest.mark.parametrize(
    ("change", "ranks"), [("heated", 1), ("heated", 4), ("compressed", 1), ("compressed", 2)]
)
def test_break_stops_a_crystal(runner, graded, graded_file, change, ranks):
    """Which leaves its data; the configuration is written first, and is the one that was graded."""
    script = runner.structure(rocksalt(0.02)) + pair("grade 1 break 8")
    script += DYNAMICS.format(4000 if change == "heated" else 100)
    if change == "compressed":
        script += "fix press all deform 1 x scale 0.8 y scale 0.8 z scale 0.8 remap x\n"
    line = runner.fail(script + "run 500\n", ranks=ranks)
    number, atom, step = re.search(r"Grade (\S+) of atom (\d+) at step (\d+)", line).groups()
    assert "above 'break 8'" in line and "'extrapolation.xyz'" in line and "graded.json" in line
    (snapshot,) = snapshots(runner, "extrapolation.xyz")
    assert snapshot.info["step"] == int(step) > 0
    assert snapshot.info["time"] == pytest.approx(0.001 * int(step))
    grades = graded.evaluate(snapshot, grade=True).grades
    np.testing.assert_allclose(snapshot.arrays["grade"], grades, rtol=1e-8)
    assert grades.argmax() == int(atom) - 1 and grades.max() > 8
    assert float(number) == pytest.approx(grades.max(), rel=1e-3)


def test_break_with_select(runner, graded, events):
    """Into the same file; what ends the run is written, too, though its event was."""
    script, grades, frames = events
    grade = 0.5 * (grades[1] + grades[2]) if grades[1] < grades[2] else 0.999 * grades[1]
    line = runner.fail(script.format(pair(f"select 3 new.xyz break {grade}")))
    steps = [snapshot.info["step"] for snapshot in snapshots(runner)]
    assert steps == ([1, 2] if grades[1] < grades[2] else [1])
    assert "'new.xyz'" in line and not (runner.folder / "extrapolation.xyz").exists()


def test_a_new_run_begins_a_new_event(runner, graded_file):
    script = runner.structure(rocksalt(0.15)) + pair("select 3 new.xyz") + "run 0\nrun 0\n"
    runner.succeed(script)
    assert len(snapshots(runner)) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("graded.json", None, "no (extended) XYZ file of whole frames"),
        ("cut.xyz", "1\npbc=F\nH 0 0", "no (extended) XYZ file of whole frames"),
        ("new.xyz.gz", None, "without .gz"),
    ],
)
def test_select_adds_to_nothing_else(runner, graded_file, name, content, message):
    if content:
        (runner.folder / name).write_text(content)
    before = (runner.folder / "graded.json").read_bytes()
    line = runner.fail(runner.structure(rocksalt(0.15)) + pair(f"select 3 {name}") + "run 0\n")
    assert message in line and name in line
    assert (runner.folder / "graded.json").read_bytes() == before


@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_and_boxes_without_atoms(runner, potential_file, ranks):
    """With an active set of whole configurations, too: nothing to grade is no grade."""
    potential = fs.Potential.read(potential_file)
    give_active_set(potential, "all", "configurations")
    potential.write(runner.folder / "graded.json")
    cluster = ase.Atoms("MgO", [[1, 1, 1], [3, 1, 1]], cell=[60] * 3, pbc=True)
    script = runner.structure(cluster) + pair("grade 1") + "compute ex all pair forcesmith\n"
    script += "thermo_style custom step pe c_ex[3]\nrun 0\nprint 'one $(c_ex[3]:%.17g)'\n"
    script += "delete_atoms group all\nrun 0\nprint 'none $(c_ex[3]:%.17g)'\n"
    output = runner.succeed(script, ranks=ranks)
    assert printed(output, "one") == pytest.approx(grade_of(potential, cluster), rel=1e-8)
    assert printed(output, "none") == 0.0


@pytest.mark.parametrize("damage", ["missing", "foreign"])
def test_grade_off_needs_no_active_set(runner, graded_file, damage):
    file = runner.folder / "graded.active_set"
    script = runner.structure(rocksalt(0.05)) + "{}run 0\n"
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes().replace(b'"potential":"', b'"potential":"0'))
    assert "graded.active_set" in runner.fail(script.format(pair()))
    runner.succeed(script.format(pair("grade off")))


FAR = {
    "dimer": ase.Atoms("MgO", [[5, 5, 5], [7.9, 5, 5]], cell=[20] * 3, pbc=True),
    "pressed": ase.Atoms("MgO", [[5, 5, 5], [5.5, 5, 5]], cell=[20] * 3, pbc=True),
}


@pytest.mark.parametrize("case", FAR)
def test_warning_by_default(runner, graded, graded_file, case):
    script = runner.structure(FAR[case]) + pair() + "fix nve all nve\nrun 0\n"
    output = runner.succeed(script, ranks=2)
    (warning,) = re.findall(r"WARNING: (Grade .*) \(", output)
    expected = graded.evaluate(FAR[case], grade=True).grades
    assert expected.max() > 10
    number = re.match(r"Grade (\S+) of atom (\d+) at step 0: potential file 'graded.json'", warning)
    assert float(number[1]) == pytest.approx(expected.max(), rel=1e-3)
    assert int(number[2]) == expected.argmax() + 1
    assert "select" in warning and len(warning) <= SHORT
    assert "far" in warning and "1 of 1 checks found grades above 2" in summary(output)


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory) -> Path:
    """The demonstration's potential, after few iterations."""
    train = fs.read(TESTS.parent / "examples" / "mgo_vacancies" / "mgo_pbe.extxyz")[9:]
    moments = {"type": "moment_tensor", "level": 16, "cutoff": 5.0, "radial_basis_size": 8}
    path = tmp_path_factory.mktemp("demo") / "mgo.json"
    fs.fit(train, descriptor=moments, optimizer={"max_iterations": 10}).potential.write(path)
    return path


@pytest.mark.parametrize("case", [*FAR, "hot npt", "hot nvt", "crystal npt", "crystal nvt"])
def test_warning_of_the_demonstration(runner, demo_file, case):
    """Its fit made the active set by default. At 5000 K and no pressure the crystal boils, at its
    volume it melts."""
    script = runner.structure(FAR.get(case, rocksalt(0.01))) + pair(file=demo_file)
    if case in FAR:
        output = runner.succeed(script + "run 0\n")
    else:
        what, ensemble = case.split()
        kelvin = 5000 if what == "hot" else 600
        pressure = "iso 0 0 1.0" if ensemble == "npt" else ""
        script += f"velocity all create {kelvin} 5\n"
        script += f"fix move all {ensemble} temp {kelvin} {kelvin} 0.1 {pressure}\n"
        output = runner.succeed(script + "run 500\n")
    assert ("WARNING: Grade" in output) == ("crystal" not in case)


def test_warnings_of_a_run(runner, graded, graded_file):
    """Once above 2, once above 10, however often grades are there."""
    frames = [rocksalt(amplitude, 7) for amplitude in (0.05, 0.12, 0.18, 0.18, 0.12)]
    grades = [grade_of(graded, atoms) for atoms in frames]
    assert grades[0] < 2 < grades[1] < 10 < grades[2]
    file = frames_file(runner, frames)
    text = runner.structure(frames[0]) + "{}" + f"rerun {file} dump x y z box yes\n"
    output = runner.succeed(text.format(pair("grade 1")), ranks=2)
    mild, strong = re.findall(r"WARNING: (Grade .*) \(", output)
    assert mild.startswith(f"Grade {grades[1]:.4g} of atom") and "beyond" in mild
    assert strong.startswith(f"Grade {grades[2]:.4g} of atom") and "far" in strong
    assert max(len(mild), len(strong)) <= SHORT
    assert "4 of 5 checks found grades above 2" in output
    # An end far away is no reason for silence up to there.
    assert runner.succeed(text.format(pair("grade 1 break 1e9"))).count("WARNING: Grade") == 2
    # What is selected needs no word but that.
    output = runner.succeed(text.format(pair("grade 1 select 2 new.xyz")))
    (strong,) = re.findall(r"WARNING: (Grade .*) \(", output)
    assert "far" in strong and "'new.xyz'" in strong


def test_every_run_warns_once(runner, graded_file):
    """A crystal at 5000 K; the default is a check every 100 steps."""
    script = runner.structure(rocksalt(0.02)) + pair() + DYNAMICS.format(10000) + "thermo 200\n"
    output = runner.succeed(script + "run 300\nrun 100\n", ranks=2)
    assert output.count("WARNING: Grade") == output.count("extrapolates far") == 2
    first, second = re.findall(r"(\d+) of (\d+) checks found grades above 2", output)
    assert 2 <= int(first[0]) <= 3 and first[1] == "4" and second == ("2", "2")


def test_no_warning_where_all_is_known(runner, graded_file):
    script = runner.structure(rocksalt(0.05)) + pair() + DYNAMICS.format(300) + "run 100\n"
    output = runner.succeed(script)
    assert "WARNING: Grade" not in output
    assert "the largest grade in 2 checks was" in summary(output)


def test_no_active_set_no_word(runner, potential_file):
    script = runner.structure(rocksalt(0.3)) + pair(file=f'"{potential_file}"') + "run 0\n"
    output = runner.succeed(script).split("run 0")[-1]
    assert "grade" not in output and "checks" not in output


# ---- several force calls in a step ----


@pytest.mark.parametrize("method", ["cg", "sd", "quickmin", "fire"])
def test_minimization(runner, graded, graded_file, method):
    """All configurations that it accepts count, and the last one whenever the turn is."""
    script = runner.structure(rocksalt(0.1, 3)) + pair("grade 1 select 1.3 new.xyz")
    script += f"min_style {method}\n" + DUMP + "minimize 0 1e-3 30 600\n"
    output = runner.succeed(script, ranks=2)
    grades = [grade_of(graded, atoms) for atoms in trajectory(runner)]
    assert grades[0] > 1.3 > grades[-1] and len(grades) > 10
    above = sum(grade > 1.3 for grade in grades)
    largest = int(np.argmax(grades))
    said = summary(output)
    assert f": {above} of {len(grades)} checks found grades above 1.3, the largest" in said
    assert f"{grades[largest]:.4g} of atom" in said and said.endswith(f"at step {largest}")
    (snapshot,) = snapshots(runner)
    assert snapshot.info["step"] == 0
    # turns of their own: the beginning and the end
    rare = script.replace("grade 1 select 1.3 new.xyz", "grade 1000").replace(DUMP, "")
    again = "reset_timestep 1\nminimize 0 1e-3 0 0\n"
    first, last = re.findall(r".*grade in .*", runner.succeed(rare + again))
    assert f"in 2 checks was {max(grades[0], grades[-1]):.4g}" in first
    assert f"in 1 checks was {grades[-1]:.4g}" in last or "in 2 checks" in last


@pytest.mark.parametrize("ranks", [1, 2])
def test_select_keeps_what_a_minimization_was_made_for(runner, graded, graded_file, ranks):
    """Its last configuration, though the event began before."""
    script = runner.structure(rocksalt(0.1, 3)) + pair("grade 1 select 0.5 new.xyz")
    script += "min_style cg\n" + DUMP + "minimize 0 1e-3 5 600\n"
    output = runner.succeed(script, ranks=ranks)
    grades = [grade_of(graded, atoms) for atoms in trajectory(runner)]
    assert min(grades) > 0.5 and len(grades) == 6
    assert "6 of 6 checks" in summary(output)
    first, last = snapshots(runner)
    assert (first.info["step"], last.info["step"]) == (0, 5)
    assert last.info["max_grade"] == pytest.approx(grades[-1], rel=1e-8)
    runner.succeed(script.replace("minimize 0 1e-3 5 600", "minimize 0 1e-3 0 0"), ranks=ranks)
    assert len(snapshots(runner)) == 3, "one configuration, once"


def test_line_search_that_goes_too_far(runner, graded, graded_file):
    """Among the steps it tries there are grades that break would stop at; the accepted ones have
    none."""
    script = runner.structure(rocksalt(0.1, 4)) + pair("grade 1{}")
    script += "min_style cg\nmin_modify dmax 0.5 line backtrack\n" + DUMP
    script += "minimize 0 1e-3 10 600\n"
    output = runner.succeed(script.format(""))
    evaluations = int(re.search(r"force evaluations = \d+ (\d+)", output)[1])
    frames = trajectory(runner)
    grades = [grade_of(graded, frame) for frame in frames]
    assert evaluations > len(frames) + 3, "no step was refused"
    runner.succeed(script.format(f" break {1.01 * max(grades)}"))
    line = runner.fail(script.format(f" break {0.99 * max(grades)}"))
    assert f"at step {int(np.argmax(grades))} " in line


@pytest.mark.parametrize("temperature", [1e-3, 1e9])
def test_exchanges_that_are_refused(runner, graded, graded_file, temperature):
    """fix atom/swap: Mg in the place of O is far from the data, in moves that are tried and in
    those that are accepted."""
    script = runner.structure(rocksalt(0.02)) + pair("grade 1 select 3 new.xyz")
    script += f"fix swap all atom/swap 1 5 4711 {temperature} types 1 2\n"
    script += "compute ex all pair forcesmith\nthermo 1\n"
    script += "thermo_style custom step f_swap[2] c_ex[3]\nrun 4\n"
    output = runner.succeed(script, ranks=2)
    table = rows(output, 3)
    if temperature < 1:
        assert not table[:, 1].any() and "WARNING: Grade" not in output
        assert table[:, 2].max() < 3 and not (runner.folder / "new.xyz").exists()
    else:
        assert table[-1, 1] > 0 and table[-1, 2] > 10 and "WARNING: Grade" in output
        snapshot = snapshots(runner)[0]
        expected = graded.evaluate(snapshot, grade=True).grades
        np.testing.assert_allclose(snapshot.arrays["grade"], expected, rtol=1e-8)


def test_insertions_that_are_refused(runner, graded_file):
    """Those of fix widom always are."""
    script = runner.structure(rocksalt(0.02)) + pair("grade 1 select 3 new.xyz")
    script += "fix try all widom 1 5 2 4711 300\n"
    script += (
        "compute ex all pair forcesmith\nthermo 1\nthermo_style custom step c_ex[3] pe\nrun 3\n"
    )
    output = runner.succeed(script, ranks=2)
    assert rows(output, 3)[:, 1].max() < 3 and "WARNING: Grade" not in output
    assert "in 4 checks" in summary(output) and not (runner.folder / "new.xyz").exists()


def test_insertions_that_are_accepted(runner, graded, graded_file):
    """fix gcmc: interstitial atoms in the crystal."""
    script = runner.structure(rocksalt(0.02)) + pair("grade 1 select 3 new.xyz")
    script += "fix exchange all gcmc 1 4 0 2 4711 300 1e4 0.1\nrun 3\n"
    output = runner.succeed(script)
    assert "WARNING: Grade" in output
    snapshot = snapshots(runner)[0]
    assert len(snapshot) > 64
    expected = graded.evaluate(snapshot, grade=True).grades
    np.testing.assert_allclose(snapshot.arrays["grade"], expected, rtol=1e-8)


# ---- hybrid styles, restart, partitions, several LAMMPS ----


def test_hybrid_with_two_of_us(runner, graded, graded_file):
    """Each has its own keywords, checks and file; atoms of other styles are in the snapshot."""
    atoms = rocksalt(0.15, 1)
    atoms.symbols[5] = "Ar"
    own = atoms.copy()
    del own[5]
    script = runner.structure(atoms, elements=["Mg", "O", "Ar"])
    script += """
    pair_style hybrid/overlay forcesmith grade 1 select 2 one.xyz forcesmith grade off lj/cut 5
    pair_coeff * * forcesmith 1 graded.json Mg O NULL
    pair_coeff * * forcesmith 2 graded.json Mg O NULL
    pair_coeff * 3 lj/cut 0.1 3.0
    compute one all pair forcesmith 1
    compute two all pair forcesmith 2
    fix grades all pair 1 forcesmith:2 grade 1
    run 0
    write_dump all custom out.dump id f_grades modify sort id format float %.17g
    print 'one $(c_one[3]:%.17g)'
    print 'two $(c_two[3]:%.17g)'
    """
    output = runner.succeed(script, ranks=2)
    expected = graded.evaluate(own, grade=True).grades
    found = dumped(runner)[:, 1]
    assert found[5] == 0
    np.testing.assert_allclose(np.delete(found, 5), expected, rtol=1e-8)
    for name in ("one", "two"):
        assert printed(output, name) == pytest.approx(expected.max(), rel=1e-8)
    (snapshot,) = snapshots(runner, "one.xyz")
    assert snapshot.symbols[5] == "X" and snapshot.arrays["grade"][5] == 0
    assert len(re.findall(r"pair_style forcesmith: .*check", output)) == 1


@pytest.mark.parametrize("hybrid", [False, True])
def test_restart_keeps_the_keywords(runner, graded_file, hybrid):
    """The fix behind the checks is not in the file, LAMMPS would warn that it is gone."""
    coefficients = "pair_coeff * * graded.json Mg O\n"
    style = "pair_style forcesmith grade 3 select 2 new.xyz precision single\n"
    if hybrid:
        style = style.replace("forcesmith", "hybrid/overlay forcesmith").strip() + " zero 5\n"
        coefficients = "pair_coeff * * forcesmith graded.json Mg O\npair_coeff * * zero\n"
    script = runner.structure(rocksalt(0.15, 1)) + style + coefficients
    runner.succeed(script + "run 0\nwrite_restart a.restart\n")
    assert len(snapshots(runner)) == 1
    for ranks in (1, 2):
        again = "read_restart a.restart\n" + (coefficients if hybrid else "") + "fix 1 all nve\n"
        output = runner.succeed(again + "run 6\n", ranks=ranks)
        assert "checks found grades above 2" in summary(output) and "3 of 3" in summary(output)
        assert "FORCESMITH" not in output and "restart file global" not in output.lower()
        assert len(snapshots(runner)) == 1 + ranks
    output = runner.succeed("read_restart a.restart\n" + style.replace("grade", "break 99 grade")
                            .replace("2 new", "99 new") + coefficients + "run 0\n")  # fmt: skip
    assert "1 of 1 checks found grades above 10" in summary(output)


def test_restart_files_of_before(runner, crystal, potential, potential_file):
    """Those without keywords, with and without the scale."""
    shutil.copy(potential_file, runner.folder / "pot.json")
    script = runner.structure(crystal) + pair(file="pot.json")
    runner.succeed(script + "run 0\nwrite_restart a.restart\n")
    whole = (runner.folder / "a.restart").read_bytes()

    def text(value: str) -> bytes:
        return struct.pack("i", len(value)) + value.encode()

    new = text("forcesmith restart with keywords") + struct.pack("ii", 0, 1) + text("pot.json")
    names = text("Mg") + text("O")
    assert whole.count(new + names) == 1
    with_scale = text("forcesmith restart with scale") + text("pot.json")
    scales = struct.pack("dd", 1.0, 1.0)
    assert whole.count(names + scales) == 1
    variants = {
        "scale": whole.replace(new, with_scale),
        "first": whole.replace(new + names + scales, text("pot.json") + names),
    }
    for content in variants.values():
        (runner.folder / "b.restart").write_bytes(content)
        output = runner.succeed("read_restart b.restart\nrun 0\nprint 'PE $(pe:%.17g)'\n", ranks=2)
        assert printed(output, "PE") == pytest.approx(potential.evaluate(crystal).energy, rel=1e-10)


def in_partitions(runner) -> str:
    """A program that is lmp in two partitions of one rank."""
    program = runner.folder / "lmp.sh"
    program.write_text(f'#!/bin/sh\nexec "{program_path("lmp")}" "$@" -partition 2x1\n')
    program.chmod(0o755)
    return str(program)


def test_partitions_have_their_own_files(runner, graded_file):
    runner.structure(rocksalt(0.15, 1), name="one")
    script = runner.structure(rocksalt(0.15, 2), name="two")
    script = script.replace("read_data two.data", "variable d world one two\nread_data ${d}.data")
    script += pair("select 2 new.xyz") + "run 0\n"
    runner.succeed(script, ranks=2, program=in_partitions(runner))
    assert not (runner.folder / "new.xyz").exists()
    found = [snapshots(runner, f"new.{number}.xyz") for number in (0, 1)]
    assert [len(own) for own in found] == [1, 1]
    assert found[0][0].info["max_grade"] != found[1][0].info["max_grade"]


def test_nudged_elastic_band(runner, graded, graded_file):
    """An atom moves aside; images on the way are far from the data, the ends are not."""
    start = rocksalt(0.0)
    end = start.copy()
    end.positions[0] += [0.8, 0.0, 0.0]
    (runner.folder / "final.txt").write_text(
        "1\n1 " + " ".join(f"{x:.12g}" for x in end.positions[0]) + "\n"
    )
    script = "atom_modify map array\n" + runner.structure(start).replace(
        "read_data", "atom_modify map array sort 0 0\nread_data"
    )
    script = script.removeprefix("atom_modify map array\n")
    script += pair("grade 1 select 3 new.xyz") + "timestep 0.002\nfix neb all neb 1.0\n"
    script += "min_style quickmin\nneb 0.0 0.01 4 4 2 final final.txt\n"
    runner.succeed(script, ranks=2, program=in_partitions(runner))
    assert not (runner.folder / "new.0.xyz").exists()
    (snapshot,) = snapshots(runner, "new.1.xyz")
    assert snapshot.positions[0, 0] == pytest.approx(0.8, abs=0.1)


def test_several_lammps_in_one_process(in_process, runner, graded, graded_file):
    """Each has checks of its own, which end with it."""
    from lammps import lammps

    other = lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
    structures = [rocksalt(0.1, 1), rocksalt(0.15, 1)]
    for number, (instance, atoms) in enumerate(zip((in_process, other), structures, strict=True)):
        script = runner.structure(atoms, name=f"atoms{number}") + pair("grade 1")
        instance.commands_string(script + "compute ex all pair forcesmith\nrun 0 post no\n")
    for instance, atoms in zip((in_process, other), structures, strict=True):
        instance.command("run 1 post no")
        instance.command("run 0 post no")
        found = instance.extract_compute("ex", 0, 1)[2]
        assert found == pytest.approx(grade_of(graded, atoms), rel=1e-6)
    other.close()
    in_process.command("run 1 post no")
    in_process.command("uncompute ex")
    in_process.command("pair_style zero 5")
    in_process.command("pair_coeff * *")
    assert not any("FORCESMITH" in name for name in in_process.available_ids("fix"))
    in_process.command("run 1 post no")


# ---- the file ----


def test_killed_while_it_writes(runner, graded_file):
    """The file holds whole configurations only, whenever the program ends."""
    small = [rocksalt(0.05, 0), rocksalt(0.15, 1)]
    frames = frames_file(runner, [atoms.repeat((4, 4, 1)) for atoms in small] * 100)
    start = small[0].repeat((4, 4, 1))
    script = runner.structure(start) + pair("select 3 new.xyz")
    (runner.folder / "in.lammps").write_text(script + f"rerun {frames} dump x y z box yes\n")
    path, sizes = runner.folder / "new.xyz", set()
    for wanted in (1, 4, 9, 17, 30):
        process = subprocess.Popen(
            [program_path("lmp"), "-in", "in.lammps", "-log", "none", "-screen", "none"],
            cwd=runner.folder,
            start_new_session=True,  # lmp may be a program that starts another
        )
        before = path.stat().st_size if path.exists() else 0
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            size = path.stat().st_size if path.exists() else 0
            if size >= before + wanted * 50_000:
                break
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.1)
        text = path.read_text()
        found = snapshots(runner)
        sizes.add(len(found))
        assert text.endswith("\n") and text.count("Lattice=") == len(found)
        assert {len(atoms) for atoms in found} == {1024}
    assert len(sizes) > 1


def test_a_link_stays(runner, graded_file):
    (runner.folder / "kept").mkdir()
    (runner.folder / "new.xyz").symlink_to("kept/real.xyz")
    script = runner.structure(rocksalt(0.15, 1)) + pair("select 2 new.xyz") + "run 0\n"
    runner.succeed(script)
    assert (runner.folder / "new.xyz").is_symlink()
    assert len(snapshots(runner, "kept/real.xyz")) == 1


# ---- errors ----


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ("grade", "grade must be followed by a number of steps from 1, or off, found ''"),
        ("grade 0", "number of steps from 1, or off, found '0'"),
        ("grade yes", "number of steps from 1, or off, found 'yes'"),
        ("grade 2.5", "number of steps from 1, or off, found '2.5'"),
        ("select", "select must be followed by a grade above 0, found ''"),
        ("select 3", "by a grade and the file"),
        ("select new.xyz 3", "by a grade above 0, found 'new.xyz'"),
        ("break -1", "break must be followed by a grade above 0, found '-1'"),
        ("break nan", "by a grade above 0, found 'nan'"),
        ("grade off select 3 new.xyz", "select needs grades, found 'grade off'"),
        ("grade off break 3", "break needs grades, found 'grade off'"),
    ],
)
def test_keywords(runner, graded_file, keywords, message):
    line = runner.fail(runner.structure(rocksalt(0.02)) + pair(keywords))
    assert message in line and len(line) <= SHORT + 80


@pytest.mark.parametrize(
    ("keywords", "after"),
    [
        ("grade 10", ""),
        ("select 3 new.xyz", ""),
        ("break 3", ""),
        ("", "fix grades all pair 1 forcesmith grade 1\n"),
    ],
)
def test_potential_without_active_set(runner, potential_file, keywords, after):
    shutil.copy(potential_file, runner.folder / "plain.json")
    script = runner.structure(rocksalt(0.02)) + pair(keywords, "plain.json") + after + "run 0\n"
    line = runner.fail(script, ranks=2)
    assert "'plain.json' has no active set" in line
    assert "forcesmith active-set plain.json data.extxyz" in line and len(line) <= SHORT


@pytest.mark.parametrize("path", ["absent/new.xyz", "folder"])
def test_output_is_tried_before_the_run(runner, graded_file, path):
    (runner.folder / "folder").mkdir()
    script = runner.structure(rocksalt(0.02)) + pair(f"select 1000 {path}") + "run 0\n"
    line = runner.fail(script, ranks=2)
    assert f"{path}: cannot write the file" in line


def test_output_that_fails_during_the_run(runner, graded_file):
    """The folder is gone: an error, not a run without its snapshots."""
    (runner.folder / "gone").mkdir()
    script = runner.structure(rocksalt(0.02)) + pair("grade 1 select 2 gone/new.xyz")
    script += "run 0\nshell rmdir gone\ndisplace_atoms all random 0.3 0.3 0.3 5\nrun 0 pre no\n"
    script += "run 1 pre no\n"
    assert "gone/new.xyz: cannot write the file" in runner.fail(script, ranks=2)
