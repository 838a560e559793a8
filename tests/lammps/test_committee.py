"""A committee of potentials in one pair style: the first drives the run, the deviation of their
forces is that of Python, of every atom and the largest."""

import json

import ase
import forcesmith as fs
import numpy as np
import pytest
from contract_examples import make_potential, potential_cases


@pytest.fixture
def members(runner, potential):
    """Three potentials of different kinds and cutoffs; files a.json, b.json, c.json."""
    cases = {name: (descriptors, model) for name, descriptors, model in potential_cases()}
    own = [
        potential,
        make_potential(*cases["bispectrum0-linear1"]),
        make_potential(*cases["symmetry_functions0-neural_network0"]),
    ]
    for name, member in zip("abc", own, strict=True):
        member.write(runner.folder / f"{name}.json")
    return own


def pair(keywords="", files="a.json b.json c.json", elements="Mg O") -> str:
    return f"pair_style forcesmith {keywords}\npair_coeff * * {files} {elements}\n"


WATCH = """
compute ex all pair forcesmith
fix deviation all pair 1 forcesmith deviation 1
run 0
write_dump all custom out.dump id f_deviation fx fy fz modify sort id format float %.17g
print 'largest $(c_ex[4]:%.17g)'
"""


def largest(output: str) -> float:
    return float(next(x for x in output.splitlines() if x.startswith("largest")).split()[1])


def dumped(runner) -> np.ndarray:
    return np.loadtxt(runner.folder / "out.dump", skiprows=9, ndmin=2)


@pytest.mark.parametrize("options", [{}, {"ranks": 2, "threads": 2}, {"ranks": 4}])
@pytest.mark.parametrize("structure", ["crystal", "slanted"])
def test_agrees_with_python(request, runner, members, structure, options):
    atoms = request.getfixturevalue(structure)
    output = runner.succeed(runner.structure(atoms) + pair() + WATCH, **options)
    table = dumped(runner)
    expected = fs.force_deviation(members, atoms)
    assert expected.min() > 0.01
    np.testing.assert_allclose(table[:, 1], expected, rtol=0, atol=1e-8)
    assert largest(output) == pytest.approx(expected.max(), rel=0, abs=1e-8)
    np.testing.assert_allclose(table[:, 2:], members[0].evaluate(atoms).forces, rtol=0, atol=1e-9)


def test_the_same_potential_three_times(runner, crystal, members):
    runner.succeed(runner.structure(crystal) + pair(files="a.json a.json a.json") + WATCH)
    assert dumped(runner)[:, 1].max() < 1e-12


DYNAMICS = """
velocity all create 500 7 loop geom
fix nve all nve
compute ex all pair forcesmith
thermo_style custom step pe c_ex[4]
thermo_modify format float %.17g
thermo 1
"""


def rows(output: str, n: int) -> np.ndarray:
    lines = [line.split() for line in output.splitlines()]
    return np.array([line for line in lines if len(line) == n and line[0].isdigit()], float)


def test_others_change_nothing_of_the_run(runner, crystal, members):
    """To the last bit; the deviation is that of the last turn."""
    script = runner.structure(crystal) + "{}" + DYNAMICS + "run 7\n"
    alone = rows(runner.succeed(script.format(pair(files="a.json"))), 3)
    together = rows(runner.succeed(script.format(pair("deviation 3"))), 3)
    off = rows(runner.succeed(script.format(pair("deviation off"))), 3)
    assert len(alone) == 8
    np.testing.assert_array_equal(alone[:, :2], together[:, :2])
    np.testing.assert_array_equal(alone, off)
    assert not alone[:, 2].any()
    deviations = together[:, 2]
    assert (np.flatnonzero(np.diff(deviations)) + 1).tolist() == [3, 6]
    assert deviations[0] == pytest.approx(fs.force_deviation(members, crystal).max(), abs=1e-8)


def test_stops_a_run(runner, crystal, members):
    start = fs.force_deviation(members, crystal).max()
    script = runner.structure(crystal) + pair("deviation 2") + DYNAMICS
    script += f"""
    variable largest equal c_ex[4]
    fix stop all halt 2 v_largest > {1.02 * start} error continue
    run 200
    print 'stopped at $(step)'
    """
    table = rows(runner.succeed(script), 3)
    assert 0 < table[-1, 0] < 200 and table[-1, 2] > 1.02 * start


def test_under_hybrid(runner, crystal, members):
    """Forces of other styles, and atoms of other styles, are not compared."""
    crystal.symbols[5] = "Ar"
    own = crystal.copy()
    del own[5]
    script = runner.structure(crystal, elements=["Mg", "O", "Ar"])
    script += "pair_style hybrid forcesmith lj/cut 5.0\n"
    script += "pair_coeff * * forcesmith a.json b.json c.json Mg O NULL\n"
    script += "pair_coeff * 3 lj/cut 0.1 3.0\n"
    for ranks in (1, 2):
        runner.succeed(script + WATCH, ranks=ranks)
        found = dumped(runner)[:, 1]
        assert found[5] == 0
        np.testing.assert_allclose(
            np.delete(found, 5), fs.force_deviation(members, own), rtol=0, atol=1e-8
        )


def test_ranks_without_atoms(runner, members):
    atoms = ase.Atoms("MgO", [[1, 1, 1], [3, 1, 1]], cell=[40] * 3, pbc=True)
    script = runner.structure(atoms, before="processors 4 1 1") + pair() + WATCH
    runner.succeed(script, ranks=4)
    np.testing.assert_allclose(
        dumped(runner)[:, 1], fs.force_deviation(members, atoms), rtol=0, atol=1e-8
    )


def test_restart(runner, crystal, members):
    script = runner.structure(crystal) + pair("deviation 5") + WATCH + "write_restart a.restart\n"
    runner.succeed(script)
    before = dumped(runner)
    output = runner.succeed("read_restart a.restart\n" + WATCH)
    np.testing.assert_allclose(dumped(runner), before, rtol=0, atol=1e-9)
    assert largest(output) > 0


def test_every_member_must_know_the_elements(runner, crystal, members):
    document = json.loads((runner.folder / "a.json").read_text())
    document["elements"] = ["Mg", "S"]
    (runner.folder / "b.json").write_text(json.dumps(document))
    line = runner.fail(runner.structure(crystal) + pair())
    assert "'b.json' has no element 'O'" in line and "Mg S" in line


def test_a_member_that_is_missing(runner, crystal, members):
    line = runner.fail(runner.structure(crystal) + pair(files="a.json d.json"), ranks=2)
    assert "Cannot read potential file 'd.json'" in line


@pytest.mark.parametrize(
    ("keywords", "after"),
    [("deviation 10", ""), ("", "fix d all pair 1 forcesmith deviation 1\n")],
)
def test_one_potential_is_no_committee(runner, crystal, members, keywords, after):
    script = runner.structure(crystal) + pair(keywords, files="a.json") + after + "run 0\n"
    assert "give several potential files in pair_coeff" in runner.fail(script, ranks=2)


@pytest.mark.parametrize("value", ["0", "-3", "2.5", "yes", ""])
def test_steps_that_are_none(runner, crystal, members, value):
    line = runner.fail(runner.structure(crystal) + pair(f"deviation {value}"))
    assert f"must be followed by a number of steps from 1, or off, found '{value}'" in line
