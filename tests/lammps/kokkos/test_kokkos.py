"""pair_style forcesmith/kk against pair_style forcesmith in the same LAMMPS: energies, forces and
virials, of atoms and of all, by every descriptor and model; beside styles of KOKKOS; dynamics; what
is said where it cannot run."""

import dataclasses
import json
import re

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from contract_examples import TERMS, make_potential, potential_cases
from forcesmith.potentials.short_range import set_short_range
from lammps_runner import ELEMENTS
from test_grades import give_active_set
from test_pair_style import DYNAMICS, final_row, pair
from test_scale import adapted

WAYS = [{}, {"threads": 2}, {"ranks": 2}]
"""One thread, two, two MPI ranks."""
VOIGT = range(1, 7)


@dataclasses.dataclass
class Result:
    """Of LAMMPS, in its units, sign and order."""

    energy: float
    pressures: np.ndarray  # (6,)
    energies: np.ndarray  # (N,)
    forces: np.ndarray  # (N, 3)
    virials: np.ndarray  # (N, 6) of stress/atom
    centroid_virials: np.ndarray  # (N, 9)


def evaluate(runner, atoms, pairs, **options) -> list[Result]:
    """Of the same atoms by different pair commands, in one run of LAMMPS."""
    script = ""
    for number, commands in enumerate(pairs):
        script += "clear\n" + runner.structure(atoms) + commands
        script += f"""
        compute e all pe/atom
        compute s all stress/atom NULL virial
        compute c all centroid/stress/atom NULL virial
        compute p all pressure NULL virial
        thermo_style custom step pe c_p[*]
        run 0
        write_dump all custom out{number}.dump id fx fy fz c_e c_s[*] c_c[*] &
            modify sort id format float %.17g
        """
        values = " ".join(f"$({value}:%.17g)" for value in ["pe", *(f"c_p[{c}]" for c in VOIGT)])
        script += f"print '{values}' file out{number}.txt\n"
    runner.succeed(script, **options)
    results = []
    for number in range(len(pairs)):
        energy, *pressures = np.loadtxt(runner.folder / f"out{number}.txt")
        table = np.loadtxt(runner.folder / f"out{number}.dump", skiprows=9)
        _, forces, energies, virials, centroid = np.split(table, [1, 4, 5, 11], axis=1)
        results.append(
            Result(energy, np.array(pressures), energies[:, 0], forces, virials, centroid)
        )
    return results


def assert_equal(found: Result, expected: Result, rounding=1e-12) -> None:
    """Relative to the largest number of a kind."""
    for field in dataclasses.fields(Result):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        largest = np.abs(other).max()
        assert largest > 0.0, field.name
        np.testing.assert_allclose(one, other, rtol=0, atol=rounding * largest, err_msg=field.name)


def compare(runner, plain_runner, atoms, pairs, rounding=1e-12, **options) -> None:
    found = evaluate(runner, atoms, pairs, **options)
    expected = evaluate(plain_runner, atoms, pairs)
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other, rounding)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("structure", ["crystal", "slanted"])
def test_every_descriptor_with_every_model(runner, plain_runner, request, structure, way):
    cases = potential_cases()
    for number, (_, descriptors, model) in enumerate(cases):
        document = json.loads(make_potential(descriptors, model).to_json())
        if number % 2:
            document["terms"] = [{"type": "zbl", **TERMS["zbl"][0]}]
        (runner.folder / f"pot{number}.json").write_text(json.dumps(document))
    pairs = [pair(f"pot{number}.json") for number in range(len(cases))]
    compare(runner, plain_runner, request.getfixturevalue(structure), pairs, **way)


@pytest.mark.parametrize("way", WAYS)
def test_wall(runner, plain_runner, crystal, potential_file, way):
    potential = fs.Potential.read(potential_file)
    set_short_range(potential, np.array([[3.1, 2.15], [2.15, 3.0]]), wall=True)
    potential.write(runner.folder / "walled.json")
    walled = pair(runner.folder / "walled.json")
    compare(runner, plain_runner, crystal, [walled], **way)
    with_wall, without = evaluate(runner, crystal, [walled, pair(potential_file)])
    assert with_wall.energy > without.energy + 0.1


def test_single_precision(runner, plain_runner, crystal, potential_file):
    single = pair(potential_file).replace("forcesmith\n", "forcesmith precision single\n")
    compare(runner, plain_runner, crystal, [single], rounding=1e-5)
    one, other = evaluate(runner, crystal, [single, pair(potential_file)])
    assert 0 < np.abs(one.forces - other.forces).max() < 1e-4


@pytest.mark.parametrize("way", WAYS)
def test_scales_of_types(runner, plain_runner, crystal, potential_file, way):
    pairs = [pair(potential_file) + adapted(t11=0.25, t22=-2.0)]
    compare(runner, plain_runner, crystal, pairs, **way)


@pytest.mark.parametrize("way", WAYS)
def test_grades(runner, crystal, potential_file, way):
    """Of each atom, by fix pair and in snapshots."""
    potential = fs.Potential.read(potential_file)
    give_active_set(potential, "linear")
    potential.write(runner.folder / "graded.json")
    expected = potential.evaluate(crystal, grade=True).grades
    keywords = f"grade 1 select {expected.max() / 2} new.xyz"
    script = runner.structure(crystal)
    script += pair("graded.json").replace("forcesmith\n", f"forcesmith {keywords}\n")
    script += "fix grades all pair 1 forcesmith/kk grade 1\nrun 0\n"
    script += "write_dump all custom out.dump id f_grades modify sort id format float %.17g\n"
    runner.succeed(script, **way)
    found = np.loadtxt(runner.folder / "out.dump", skiprows=9)[:, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    snapshot = ase.io.read(runner.folder / "new.xyz")
    np.testing.assert_allclose(snapshot.arrays["grade"], expected, rtol=1e-8)
    again = potential.evaluate(snapshot, grade=True).grades
    np.testing.assert_allclose(again, expected, rtol=1e-7)


@pytest.mark.parametrize("way", WAYS)
def test_beside_styles_of_kokkos(runner, plain_runner, crystal, potential_file, way):
    """As one of several for all atoms, and for one kind of atoms of two."""
    ours = f'forcesmith "{potential_file}"'
    overlay = (
        "pair_style hybrid/overlay forcesmith zbl 2.0 3.0\n"
        f"pair_coeff * * {ours} Mg O\n"
        "pair_coeff 1 1 zbl 12 12\npair_coeff 1 2 zbl 12 8\npair_coeff 2 2 zbl 8 8\n"
    )
    hybrid = (
        "pair_style hybrid forcesmith lj/cut 6.0\n"
        f"pair_coeff * * {ours} Mg NULL\n"
        "pair_coeff 1*2 2 lj/cut 0.01 2.0\n"
    )
    compare(runner, plain_runner, crystal, [overlay, hybrid], **way)


@pytest.mark.parametrize("style", ["forcesmith/kk", "forcesmith/kk/host", "forcesmith/kk/device"])
def test_styles_by_their_names(runner, plain_runner, crystal, potential_file, style):
    named = pair(potential_file).replace("pair_style forcesmith", f"pair_style {style}")
    [found] = evaluate(runner, crystal, [named])
    [expected] = evaluate(plain_runner, crystal, [pair(potential_file)])
    assert_equal(found, expected)


@pytest.mark.parametrize("way", WAYS)
def test_dynamics(runner, plain_runner, crystal, potential_file, way):
    script = runner.structure(crystal) + pair(potential_file) + DYNAMICS + "run 20\n"
    found = runner.succeed(script, **way)
    expected = final_row(plain_runner.succeed(script), 20)
    assert re.search(r"pair forcesmith/kk, perpetual\s+attributes: full, newton on, kokkos", found)
    np.testing.assert_allclose(final_row(found, 20), expected, rtol=1e-10)
    start, end = final_row(found, 0), final_row(found, 20)
    exchanged = abs(end[1] - start[1])  # between potential and kinetic energy
    assert exchanged > 0.1
    assert abs(sum(end[1:3]) - sum(start[1:3])) < 0.02 * exchanged


@pytest.mark.parametrize("way", WAYS)
def test_minimise(runner, plain_runner, crystal, potential_file, way):
    script = runner.structure(crystal) + pair(potential_file)
    script += "minimize 0 1e-6 1000 10000\nprint 'MINIMUM $(pe:%.17g) $(fmax:%.17g)'\n"
    minima = [
        np.array(re.search("MINIMUM (.*)\n", output)[1].split(), float)
        for output in (runner.succeed(script, **way), plain_runner.succeed(script))
    ]
    assert minima[0][0] == pytest.approx(minima[1][0], rel=1e-10)
    assert max(minima[0][1], minima[1][1]) < 1e-3


@pytest.mark.parametrize("writer_is_plain", [False, True])
def test_restart_of_the_other(runner, plain_runner, crystal, potential_file, writer_is_plain):
    """KOKKOS takes its own style in the place of the other; back it is named."""
    writer, reader = (plain_runner, runner) if writer_is_plain else (runner, plain_runner)
    show = "run 0\nprint 'PE $(pe:%.17g)'\n"
    written = writer.succeed(
        writer.structure(crystal) + pair(potential_file) + show + "write_restart a.restart\n"
    )
    again = "" if writer_is_plain else pair(potential_file)
    read = reader.succeed(f"read_restart {writer.folder / 'a.restart'}\n{again}{show}")
    energies = [re.search("PE (.*)\n", output)[1] for output in (written, read)]
    assert float(energies[0]) == pytest.approx(float(energies[1]), rel=1e-13)


# ---- where it cannot run ----


def test_without_kokkos(plain_runner, crystal, potential_file):
    commands = pair(potential_file).replace("forcesmith\n", "forcesmith/kk\n")
    message = plain_runner.fail(plain_runner.structure(crystal) + commands)
    assert "forcesmith/kk needs a LAMMPS that was started with KOKKOS: add -k on" in message


def test_full_lists_of_kokkos(runner, crystal, potential_file):
    """What KOKKOS itself sets on GPUs."""
    settings = "package kokkos newton off neigh full\n"
    message = runner.fail(settings + runner.structure(crystal) + pair(potential_file) + "run 0\n")
    assert "forcesmith/kk needs newton on, found newton off" in message
    assert "-pk kokkos newton on neigh half" in message


@pytest.mark.parametrize(("device", "is_right"), [("auto", True), ("cpu", False), ("cuda", False)])
def test_device_is_that_of_kokkos(runner, crystal, potential_file, device, is_right):
    commands = pair(potential_file).replace("forcesmith\n", f"forcesmith device {device}\n")
    script = runner.structure(crystal) + commands + "run 0\n"
    if is_right:
        runner.succeed(script)
    else:
        message = runner.fail(script)
        assert "computes where KOKKOS does" in message and f"found 'device {device}'" in message


def test_position_that_is_not_finite(runner, potential_file):
    atoms = ase.Atoms("MgOMg", [[1, 1, 1], [3, 1, 1], [8, 8, 8]], cell=[30] * 3, pbc=True)
    message = runner.fail(
        runner.structure(atoms, ELEMENTS)
        + pair(potential_file)
        + "neigh_modify every 100 delay 100 check no\ngroup moved id 2\n"
        + "fix nve all nve\nfix push moved addforce 1e308 0 0\nrun 10\n"
    )
    assert "position of atom 2 of type 2 is not finite at step" in message
