"""pair_style forcesmith device cuda: what is true of the style on a CPU, with a backend of devices.

In place of a GPU, the same backend runs on the host (tests/CMakeLists.txt, forcesmith_device_host).
"""

import re
from pathlib import Path

import ase
import numpy as np
import pytest
import test_exclusions
import test_extrapolation_grades
from forcesmith import Potential
from lammps_runner import ELEMENTS, LammpsRunner

# Run again, on a device: tests, and the fixtures that they use.
from test_exclusions import (  # noqa: F401
    gas,
    test_excluded_type_is_as_good_as_deleted,
    test_gas_of_molecules,
    test_one_element,
    test_pairs_left_out_between_atoms_that_stay,
    test_widom_insertion,
)
from test_extrapolation_grades import (  # noqa: F401
    graded,
    graded_file,
    test_exchanges_that_are_refused,
    test_excluded_atoms_are_not_there,
    test_fix_pair_asks_for_grades,
    test_largest_grade_in_thermo,
    test_minimization,
    test_ranks_without_atoms,
    test_single_precision,
)
from test_grades import give_active_set
from test_pair_style import (  # noqa: F401
    assert_same,
    in_precision,
    network_file,
    pair,
    symmetry_file,
    test_a_new_potential_without_a_new_setup,
    test_agrees_with_python,
    test_atom_types_in_another_order,
    test_empty_ranks,
    test_every_descriptor_with_every_model,
    test_extrapolation_is_counted,
    test_extrapolation_is_not_counted_if_not_wanted,
    test_hybrid_adds_up,
    test_hybrid_leaves_null_types_alone,
    test_hybrid_overlay_adds_up,
    test_hybrid_scaled_with_two_of_us,
    test_isolated_atoms_and_a_free_cluster,
    test_minimise,
    test_no_range_no_count,
    test_tiled_communication_and_small_communication_cutoff,
    test_two_atom_types_of_one_element,
    test_virials_per_atom_sum_to_the_total,
    with_argon,
)
from test_wall import (  # noqa: F401
    test_close_pairs_are_counted,
    test_virials_per_atom_add_up_at_the_wall,
    test_wall_equals_python,
    test_wall_in_single_precision,
    walled_file,
)


class DeviceRunner(LammpsRunner):
    """Adds `device cuda` to every pair style of ours."""

    def succeed(self, script: str, **options) -> str:
        lines = [
            re.sub(r"\bforcesmith\b(?! device)", "forcesmith device cuda", line)
            if line.strip().startswith("pair_style")
            else line
            for line in script.splitlines()
        ]
        text = super().succeed("\n".join(lines) + "\n", **options)
        if "device cuda" in "".join(lines):
            assert "pair_style forcesmith computes on the host's processor, by Kokkos" in text
        return text


@pytest.fixture
def runner(tmp_path, device_library, monkeypatch) -> LammpsRunner:
    monkeypatch.setenv("FORCESMITH_DEVICE_LIBRARY", str(device_library))
    return DeviceRunner(tmp_path)


def test_grades_of_every_descriptor_with_every_model(runner, tmp_path_factory):
    cases = test_extrapolation_grades.make_graded_cases(tmp_path_factory.mktemp("graded"))
    of_features = [case for case in cases if case[0].endswith("-linear")]
    assert len(of_features) > 20
    test_extrapolation_grades.test_all_of_them_at_once(runner, of_features, ranks=2)


@pytest.mark.parametrize("kind", [("all", "neighborhoods"), ("linear", "configurations")])
def test_grades_that_are_for_the_cpu(runner, crystal, potential_file, kind):
    potential = Potential.read(potential_file)
    give_active_set(potential, *kind)
    potential.write(runner.folder / "other.json")
    script = runner.structure(crystal) + pair("other.json")
    said = "no check of grades, pair_style forcesmith device cuda computes those of other active"
    assert said in runner.succeed(script + "run 0\n")
    error = runner.fail(
        script.replace("forcesmith\n", "forcesmith device cuda grade 1\n") + "run 0\n"
    )
    assert 'where the active set has the parameters "linear" and the mode "neighborhoods"' in error


@pytest.mark.parametrize("kind", ["alone", "hybrid", "scaled"])
def test_excluded_group_is_as_good_as_deleted(runner, crystal, potential_file, kind):
    test_exclusions.test_excluded_group_is_as_good_as_deleted(
        runner, crystal, potential_file, kind, ranks=2
    )


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("exclude", ["", "neigh_modify exclude type 1 3\n"])
def test_molecular_dynamics_with_many_lists(runner, crystal, symmetry_file, ranks, exclude):  # noqa: F811
    """Hot enough that atoms change their neighbors; lists of the device, or of LAMMPS."""

    def end(device: str) -> tuple[float, int]:
        script = runner.structure(crystal, elements=[*ELEMENTS, "Ar"])
        script += f"pair_style forcesmith device {device}\n"
        script += f'pair_coeff * * "{symmetry_file}" Mg O O\n{exclude}'
        script += "velocity all create 3000 7\nfix nve all nve\nneighbor 0.3 bin\n"
        script += "neigh_modify every 1 delay 0 check yes\nrun 60\nprint 'end $(pe:%.12f)'\n"
        text = LammpsRunner.succeed(runner, script, ranks=ranks)
        assert (device == "cuda") == bool(re.search(r"list \S+ s, copy \S+ s, kernels \S+ s", text))
        builds = int(re.search(r"Neighbor list builds = (\d+)", text)[1])
        return float(re.search(r"^end (\S+)", text, re.M)[1]), builds

    on_device, builds = end("cuda")
    on_cpu, builds_on_cpu = end("cpu")
    assert builds == builds_on_cpu > 5
    assert on_device == pytest.approx(on_cpu, rel=1e-9)


@pytest.mark.parametrize(
    "commands",
    [
        # pairs of types 1 and 2 are those of another style
        "pair_style hybrid forcesmith {device} lj/cut 4.0\npair_coeff * * forcesmith {file} Mg O\n"
        "pair_coeff 1 2 lj/cut 0.01 2.0\n",
        "pair_style forcesmith {device}\npair_coeff * * {file} Mg O\n"
        "group some id 1:40\natom_modify first some\nneigh_modify include some\n",
    ],
)
def test_pairs_that_lammps_leaves_out(runner, crystal, potential_file, commands):
    found = [
        LammpsRunner.succeed(
            runner,
            runner.structure(crystal)
            + commands.format(device=device, file=potential_file)
            + "thermo_style custom pe press\nrun 0\nprint 'end $(pe:%.10g) $(press:%.10g)'\n",
        )
        for device in ("device cuda", "", "device cuda")
    ]
    ends = [re.search(r"^end .*", text, re.M)[0] for text in found]
    whole = LammpsRunner.evaluate(runner, crystal, pair(potential_file))
    assert ends[0] == ends[1] and float(ends[0].split()[1]) != pytest.approx(whole.energy)


def test_exchanged_types(runner, crystal, potential_file):
    """fix atom/swap changes types between two builds of the lists."""

    def end(device: str) -> list[str]:
        script = runner.structure(crystal)
        script += f"pair_style forcesmith device {device}\n"
        script += f'pair_coeff * * "{potential_file}" Mg O\n'
        script += "fix swap all atom/swap 1 5 4711 1e8 types 1 2\n"
        script += "thermo 1\nthermo_style custom step pe f_swap[2]\n"
        script += "thermo_modify format float %.8f\nrun 6\n"
        text = LammpsRunner.succeed(runner, script)
        return re.findall(r"^ +\d+ +(-?\d+\.\d+ +\d+\.\d+)$", text, re.M)

    on_device, on_cpu = end("cuda"), end("cpu")
    assert on_device == on_cpu and len(on_cpu) == 7 and len(set(on_cpu)) > 2


def test_little_memory(runner, crystal, potential, potential_file, monkeypatch):
    """Atoms are computed in several blocks."""
    monkeypatch.setenv("FORCESMITH_TEST_DEVICE_MEMORY", "0")
    many = crystal.repeat((3, 2, 2))
    assert_same(runner.evaluate(many, pair(potential_file)), potential.evaluate(many))


def test_scale(runner, crystal, potential_file):
    scaled = "variable s equal {}\nfix scale all adapt 1 pair forcesmith scale {} v_s\n"
    whole, half = runner.evaluate_all(
        [crystal] * 2, [pair(potential_file), pair(potential_file) + scaled.format(0.5, "* *")]
    )
    np.testing.assert_allclose(half.forces, 0.5 * whole.forces, rtol=0, atol=1e-12)
    np.testing.assert_allclose(half.stress, 0.5 * whole.stress, rtol=0, atol=1e-12)
    script = runner.structure(crystal) + pair(potential_file) + scaled.format(0.5, "1 1")
    assert "can scale the energies of all atom types alike" in runner.fail(script + "run 0\n")


def test_numbers_that_are_not_finite(runner, potential_file):
    atoms = ase.Atoms("MgOMg", [[1, 1, 1], [3, 1, 1], [8, 8, 8]], cell=[30] * 3, pbc=True)
    script = runner.structure(atoms) + pair(potential_file)
    error = runner.fail(script + "set atom 1 x 3.0\nrun 0\n")
    assert "is not finite at step 0: see atom 1 of type 1" in error
    script += "neigh_modify every 100 delay 100 check no\ngroup moved id 2\n"
    error = runner.fail(script + "fix nve all nve\nfix push moved addforce 1e308 0 0\nrun 10\n")
    assert "position of atom 2 of type 2 is not finite at step" in error


# ---- devices that cannot be used ----


@pytest.fixture
def without_device(tmp_path, monkeypatch) -> LammpsRunner:
    monkeypatch.delenv("FORCESMITH_DEVICE_LIBRARY", raising=False)
    return LammpsRunner(tmp_path)


def on(device: str, potential_file) -> str:
    return pair(potential_file).replace("pair_style forcesmith", f"pair_style forcesmith {device}")


def problems(monkeypatch, device_library, folder):
    """What can be wrong, and words of the sentence that says so."""
    foreign = folder / "foreign.so"
    foreign.write_text("no library")
    yield str(foreign), "", "cannot be opened"
    yield str(folder / "missing.so"), "", "cannot be opened"
    yield str(device_library), "The driver is too old; install a newer one.", "driver is too old"


@pytest.mark.parametrize("ranks", [1, 2])
def test_no_device(
    without_device, device_library, crystal, potential, potential_file, monkeypatch, ranks
):
    runner = without_device
    script = runner.structure(crystal)
    for path, problem, words in problems(monkeypatch, device_library, runner.folder):
        monkeypatch.setenv("FORCESMITH_DEVICE_LIBRARY", path)
        monkeypatch.setenv("FORCESMITH_TEST_DEVICE_PROBLEM", problem or "unused")
        error = runner.fail(script + on("device cuda", potential_file), ranks=ranks)
        assert words in error and len(error) < 400
        computed = runner.evaluate(crystal, on("device auto", potential_file), ranks=ranks)
        said = re.findall(r"pair_style forcesmith computes on the CPU: .*", computed.output)
        assert len(said) == 1 and words in said[0]
        assert_same(computed, potential.evaluate(crystal))


def test_installed_without_cuda(without_device, crystal, potential_file):
    import forcesmith.lammps

    if (Path(forcesmith.lammps.plugin_directory()).parent / "libforcesmith_cuda.so").exists():
        pytest.skip("installed with CUDA")
    error = without_device.fail(
        without_device.structure(crystal) + on("device cuda", potential_file)
    )
    assert "installed without CUDA" in error and "FORCESMITH_CUDA=ON" in error


@pytest.mark.parametrize("device", ["device", "device gpu"])
def test_wrong_device(without_device, crystal, potential_file, device):
    error = without_device.fail(without_device.structure(crystal) + on(device, potential_file))
    assert "must be followed by auto, cpu or cuda" in error


def test_default_is_the_cpu(without_device, crystal, potential, potential_file):
    computed = without_device.evaluate(crystal, pair(potential_file))
    assert "computes on" not in computed.output
    assert_same(computed, Potential.read(potential_file).evaluate(crystal))
