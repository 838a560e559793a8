"""Wrong input of pair_style forcesmith ends with one line: what is wrong and what to do."""

import json
import os
import shutil
import subprocess

import ase
import pytest
from forcesmith.lammps.runner import program_path
from lammps_runner import shared_data


@pytest.fixture
def box(runner):
    """Commands that make a small box of atom types Mg and O."""
    atoms = ase.Atoms("MgO", [[1, 1, 1], [3, 1, 1]], cell=[12] * 3, pbc=True)
    return runner.structure(atoms)


@pytest.fixture
def local_potential(runner, potential_file):
    shutil.copy(potential_file, runner.folder / "pot.json")
    return "pot.json"


def check(runner, script, *phrases, **options):
    line = runner.fail(script, **options)
    for phrase in phrases:
        assert phrase in line, line


def test_argument_of_pair_style(runner, box):
    message = (
        "only the keywords break, deviation, device, extrapolation, grade, precision and select, "
        "found 'pot.json'"
    )
    check(runner, box + "pair_style forcesmith pot.json", message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("extrapolation", "extrapolation must be followed by yes or no"),
        ("precision", "precision must be followed by single or double, found ''"),
        (
            "extrapolation no precision half",
            "precision must be followed by single or double, found 'half'",
        ),
        (
            "precision single yes",
            "only the keywords break, deviation, device, extrapolation, grade, precision and "
            "select, found 'yes'",
        ),
    ],
)
def test_keywords_of_pair_style(runner, box, arguments, message):
    check(runner, f"{box}pair_style forcesmith {arguments}", message)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("* * pot.json", "found 0 after the file 'pot.json'"),
        ("* * pot.json Mg", "found 1 after the file 'pot.json'"),
        ("* * pot.json Mg O O", "found 3 after the file 'pot.json'"),
        ("* *", "found 2 arguments"),
    ],
)
def test_number_of_arguments(runner, box, local_potential, arguments, found):
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff {arguments}",
        "must read '* * file' and then one element, or NULL, for each of the 2 atom types",
        found,
    )


def test_type_pairs_other_than_all(runner, box, local_potential):
    check(
        runner,
        f"{box}pair_style hybrid forcesmith zero 5\npair_coeff 1 2 forcesmith pot.json Mg O",
        "found '1 2' in place of '* *'",
    )


def test_null_without_hybrid(runner, box, local_potential):
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * pot.json Mg NULL",
        "leaves atom type 2 without a pair style",
        "hybrid",
    )


def test_null_for_all(runner, box, local_potential):
    check(
        runner,
        f"{box}pair_style hybrid forcesmith zero 5\npair_coeff * * forcesmith pot.json NULL NULL",
        "maps every atom type to NULL",
    )


def test_unknown_element(runner, box, local_potential):
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * pot.json Mg Xe",
        "'pot.json' has no element 'Xe'",
        "atom type 2",
        "its elements are: Mg O",
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_missing_file(runner, box, ranks):
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * absent.json Mg O",
        "Cannot read potential file 'absent.json'",
        "LAMMPS_POTENTIALS",
        ranks=ranks,
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_folder_of_another_program(runner, box, ranks):
    (runner.folder / "nnp").mkdir()
    script = f"{box}pair_style forcesmith\npair_coeff * * nnp Mg O"
    check(runner, script, "'nnp': it is a folder", "forcesmith convert nnp", ranks=ranks)


def test_instruction_set_that_is_none(runner, box, local_potential):
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * pot.json Mg O",
        'FORCESMITH_ISA is "nonsense"',
        environment={"FORCESMITH_ISA": "nonsense"},
        ranks=2,
    )


def test_failure_on_one_rank(runner, box, local_potential):
    """All ranks end with its sentence: an error of one alone would leave the others waiting."""
    (runner.folder / "lmp.sh").write_text(
        '#!/bin/sh\n[ "$PMI_RANK" = 1 ] && export FORCESMITH_ISA=nonsense\n'
        f'exec "{program_path("lmp")}" "$@"\n'
    )
    (runner.folder / "lmp.sh").chmod(0o755)
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * pot.json Mg O",
        'FORCESMITH_ISA is "nonsense"',
        ranks=2,
        program=str(runner.folder / "lmp.sh"),
    )


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("damage", ["empty", "truncated", "version"])
def test_damaged_file(runner, box, local_potential, damage, ranks):
    path = runner.folder / local_potential
    text = path.read_text()
    if damage == "empty":
        path.write_text("")
    elif damage == "truncated":
        path.write_text(text[: len(text) // 2])
    else:
        content = json.loads(text)
        content["version"] = 999
        path.write_text(json.dumps(content))
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * pot.json Mg O",
        "pot.json",
        {"empty": "empty", "truncated": "line", "version": "999"}[damage],
        ranks=ranks,
    )


def test_format_without_element_names(runner, box):
    source = shared_data("mtp_reference") / "crystals_cubic_06" / "pot.mtp"
    shutil.copy(source, runner.folder / "pot.mtp")
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * pot.mtp Mg O",
        "pot.mtp",
        "forcesmith convert",
    )


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "it is a folder"),
        ("pipe", "it is a device or a pipe"),
        ("/dev/zero", "it is a device or a pipe"),
        ("x" * 2000, "does not exist"),
        ("loop", "it may not be read"),
        ("zero", "it is a device or a pipe"),
    ],
)
def test_what_is_no_file(runner, box, name, reason, ranks):
    """It must neither end in an uncaught exception nor wait for ever."""
    (runner.folder / "folder").mkdir()
    os.mkfifo(runner.folder / "pipe")
    (runner.folder / "loop").symlink_to("loop")
    (runner.folder / "zero").symlink_to("/dev/zero")
    line = runner.fail(f"{box}pair_style forcesmith\npair_coeff * * {name} Mg O", ranks=ranks)
    assert "Cannot read potential file" in line and (reason in line or len(name) > 100), line


@pytest.mark.parametrize("section", ["coefficients", "energy_offsets", "radial_coefficients"])
def test_half_a_potential(runner, box, local_potential, section):
    path = runner.folder / local_potential
    document = json.loads(path.read_text())
    for part in (document["model"], *document["descriptors"]):
        part.pop(section, None)
    path.write_text(json.dumps(document))
    check(
        runner,
        f"{box}pair_style forcesmith\npair_coeff * * pot.json Mg O",
        "pot.json",
        f'"{section}"',
        "half a potential",
        ranks=2,
    )


@pytest.mark.parametrize("name", ["pot.txt", "pot", "pot.mtp"])
def test_json_of_any_name(runner, box, potential_file, name):
    shutil.copy(potential_file, runner.folder / name)
    runner.succeed(f"{box}pair_style forcesmith\npair_coeff * * {name} Mg O\nrun 0")


@pytest.mark.parametrize("units", ["real", "lj", "electron"])
def test_units(runner, box, local_potential, units):
    check(
        runner,
        box.replace("units metal", f"units {units}")
        + "pair_style forcesmith\npair_coeff * * pot.json Mg O\nrun 0",
        f"needs units metal (eV, angstrom), found units {units}",
    )


def test_newton_off(runner, box, local_potential):
    check(
        runner,
        f"newton off\n{box}pair_style forcesmith\npair_coeff * * pot.json Mg O\nrun 0",
        "needs newton on, found newton off",
    )


def test_pair_coeff_missing(runner, box):
    check(runner, f"{box}pair_style forcesmith\nrun 0", "pair coeffs")  # said by LAMMPS


@pytest.mark.parametrize("slanted", [False, True])
def test_cutoff_beyond_what_tiled_communication_reaches(runner, local_potential, slanted):
    cell = [[6, 0, 0], [5.9, 6, 0], [0, 0, 30]] if slanted else [30, 4, 30]
    atoms = ase.Atoms("MgO", [[1, 1, 1], [3, 1, 1]], cell=cell, pbc=True)
    check(
        runner,
        runner.structure(atoms)
        + "comm_style tiled\npair_style forcesmith\npair_coeff * * pot.json Mg O\nrun 0",
        "comm_style tiled cannot communicate that far",
        "along x" if slanted else "4 angstrom along y",
        "comm_style brick",
    )


def test_energy_that_is_not_finite(runner, local_potential):
    atoms = ase.Atoms("MgOMg", [[1, 1, 1], [3, 1, 1], [8, 8, 8]], cell=[30] * 3, pbc=True)
    check(
        runner,
        runner.structure(atoms)
        + "pair_style forcesmith\npair_coeff * * pot.json Mg O\nset atom 1 x 3.0\nrun 0",
        "'pot.json' is not finite at step 0: see atom 1 of type 1",
        "atoms in the same place",
    )


@pytest.mark.parametrize("precision", ["single", "double"])
def test_position_that_is_not_finite(runner, local_potential, precision):
    atoms = ase.Atoms("MgOMg", [[1, 1, 1], [3, 1, 1], [8, 8, 8]], cell=[30] * 3, pbc=True)
    check(
        runner,
        runner.structure(atoms)
        + f"pair_style forcesmith precision {precision}\npair_coeff * * pot.json Mg O\n"
        + "neigh_modify every 100 delay 100 check no\ngroup moved id 2\n"
        + "fix nve all nve\nfix push moved addforce 1e308 0 0\nrun 10",
        "position of atom 2 of type 2 is not finite at step",
        "fixes that move it",
    )


def test_restart_whose_potential_is_gone(runner, box, local_potential):
    runner.succeed(
        f"{box}pair_style forcesmith\npair_coeff * * pot.json Mg O\nrun 0\nwrite_restart a.restart"
    )
    os.remove(runner.folder / "pot.json")
    check(runner, "read_restart a.restart\nrun 0", "Cannot read potential file 'pot.json'")


def test_another_lammps_release(runner, box, plugin):
    """A LAMMPS that states another version: the style says so when it is asked for, no sooner."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc) to make a LAMMPS that states another version")
    source = runner.folder / "version.c"
    source.write_text("int lammps_version(void *lammps) { return lammps ? 20240829 : 0; }\n")
    library = runner.folder / "version.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    environment = {"LD_PRELOAD": str(library)}
    output = runner.succeed(
        f"{box}pair_style zero 5\npair_coeff * *\nrun 0", environment=environment
    )
    assert "forcesmith" not in output.replace(str(plugin), "")
    check(
        runner,
        f"{box}pair_style forcesmith",
        "built for LAMMPS 22 Jul 2025 (version number 20250722)",
        "this LAMMPS has version number 20240829",
        "pip install",
        "docs/lammps.md",
        environment=environment,
    )


def test_plugin_exports_one_symbol_and_no_path(plugin):
    """Its Kokkos must stay hidden, and it must run on another machine."""
    library = plugin / "forcesmithplugin.so"
    tools = {name: shutil.which(name) for name in ("nm", "readelf")}
    if None in tools.values():
        pytest.skip("no binutils (nm, readelf)")
    symbols = subprocess.run(
        [tools["nm"], "-D", "--defined-only", library], capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[-1] for line in symbols.splitlines()] == ["lammpsplugin_init"]
    dynamic = subprocess.run(
        [tools["readelf"], "-d", library], capture_output=True, text=True, check=True
    ).stdout
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    assert "libmpi" not in dynamic and "kokkos" not in dynamic
