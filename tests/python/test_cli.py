"""The command line: what it prints, writes and returns, and that mistakes end in one sentence."""

import io
import json
import re
import subprocess
import sys

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import units
from forcesmith.cli import app
from forcesmith.data.formats.mlip_cfg import write_cfg
from forcesmith.progress import FitProgress
from rich.console import Console
from sample_data import labelled

CONFIG = """
elements = ["Cu"]
[descriptor]
type = "moment_tensor"
level = 6
cutoff = 4.5
radial_basis_size = 6
[data]
train = ["data.extxyz"]
test_fraction = 0.25
[optimizer]
max_iterations = 3
threads = 1
[output]
potential = "cu.json"
parity_plot = "parity.png"
"""


@pytest.fixture
def folder(tmp_path, crystals):
    ase.io.write(tmp_path / "data.extxyz", crystals)
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


@pytest.fixture(scope="session")
def potential_file(tmp_path_factory, small_potential):
    path = tmp_path_factory.mktemp("potential") / "cu.json"
    small_potential.write(str(path))
    return path


def changed(folder, old, new):
    text = (folder / "config.toml").read_text()
    assert old in text
    (folder / "config.toml").write_text(text.replace(old, new))
    return folder / "config.toml"


# --- fit -----------------------------------------------------------------------------------------


def test_fit(folder, command, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))  # paths start at the config file
    code, out, err = command("fit", folder / "config.toml")
    assert code == 0, err
    assert "iteration" in err and "loss" in err
    assert "9 configurations to fit, 3 to test" in err
    train, test = out.split("Errors on the test data")
    for table in (train, test):
        groups = [line.split()[0] for line in table.splitlines() if line.strip()]
        assert {"cube", "long", "all"} <= set(groups)
    assert str(folder / "cu.json") in out and str(folder / "parity.png") in out
    assert (folder / "parity.png").stat().st_size > 5000
    assert fs.Potential.read(str(folder / "cu.json")).elements == ["Cu"]


def test_fit_with_test_fractions_of_groups(folder, command):
    config = changed(folder, "test_fraction = 0.25", "test_fractions = {long = 0.5}")
    code, out, err = command("fit", config)
    assert code == 0, err
    assert "9 configurations to fit, 3 to test" in err
    table = out.split("Errors on the test data")[1]
    assert re.search(r"long +3 ", table) and "cube" not in table


def test_fit_refuses_wrong_test_fractions(folder, refused):
    config = changed(folder, "test_fraction = 0.25", "test_fractions = {lang = 0.5}")
    message = refused("fit", config)
    assert "the group 'lang'" in message and "did you mean 'long'" in message
    changed(folder, "{lang = 0.5}", "{long = 1.5}")
    assert '"data.test_fractions.long"' in refused("fit", config)
    changed(folder, "{long = 1.5}", "{long = 0.5}\ntest_fraction = 0.1")
    assert "exclude each other" in refused("fit", config)


def test_fit_of_a_folder_of_fitsnap_files(folder, command, crystals):
    """The folders that the files lie in are the groups."""
    styles = {"EnergyStyle": "electronvolt", "StressStyle": "bar"}
    for number, atoms in enumerate(crystals):
        entry = {
            "AtomTypes": atoms.get_chemical_symbols(),
            "Positions": atoms.positions.tolist(),
            "Lattice": atoms.cell.array.tolist(),
            "Energy": atoms.get_potential_energy(),
            "Forces": atoms.get_forces().tolist(),
            "Stress": (-atoms.get_stress(voigt=False) * 1.602176634e6).tolist(),
            "NumAtoms": len(atoms),
        }
        path = folder / "JSON" / atoms.info["config_type"] / f"{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# a crystal\n" + json.dumps({"Dataset": {"Data": [entry], **styles}}))
    code, out, err = command("fit", changed(folder, '"data.extxyz"', '"JSON"'))
    assert code == 0, err
    assert "9 configurations to fit, 3 to test" in err
    assert re.search(r"cube +[45] ", out) and re.search(r"long +[45] ", out)


def test_fit_without_test_data_and_plot(folder, command):
    changed(folder, "test_fraction = 0.25", "")
    config = changed(folder, 'parity_plot = "parity.png"', "")
    code, out, err = command("fit", config)
    assert code == 0, err
    assert "test data" not in out
    assert {p.name for p in folder.iterdir()} == {
        "config.toml",
        "data.extxyz",
        "cu.active_set",
        "cu.json",
        "cu.state.npz",
    }


@pytest.mark.parametrize(
    ("old", "new", "nearest"),
    [
        ("max_iterations = 3", "max_iteration = 3", "max_iterations"),
        ("[output]", "[ouput]", "output"),
        ("cutoff = 4.5", "cutof = 4.5", "cutoff"),  # a parameter of the descriptor's own
    ],
)
def test_fit_unknown_key_names_the_nearest(folder, refused, old, new, nearest):
    message = refused("fit", changed(folder, old, new))
    assert "settings" in message and f'did you mean "{nearest}"' in message


def test_fit_wrong_type(folder, refused):
    message = refused("fit", changed(folder, "max_iterations = 3", 'max_iterations = "many"'))
    assert "config.toml" in message and "max_iterations" in message


def test_fit_not_toml(folder, refused):
    message = refused("fit", changed(folder, "[descriptor]", "[descriptor"))
    assert "config.toml" in message and "line" in message


def test_fit_missing_config(folder, refused):
    assert "absent.toml" in refused("fit", folder / "absent.toml")


def test_fit_missing_data(folder, refused):
    message = refused("fit", changed(folder, "data.extxyz", "dta.extxyz"))
    assert "dta.extxyz: no such file" in message


def test_fit_element_missing_in_settings(folder, refused):
    message = refused("fit", changed(folder, 'elements = ["Cu"]', 'elements = ["Ni"]'))
    assert "data.extxyz" in message and "contains Cu" in message and "only Ni" in message
    assert not (folder / "cu.json").exists()


def test_fit_nan(folder, refused, crystals):
    bad = crystals[2].copy()
    bad.positions[1, 0] = np.nan
    bad = labelled(bad, **crystals[2].calc.results)
    ase.io.write(folder / "data.extxyz", [*crystals[:2], bad])
    message = refused("fit", changed(folder, "test_fraction = 0.25", ""))
    assert "data.extxyz, configuration 2" in message and "NaN" in message


def test_fit_without_forces(folder, refused, crystals):
    energies = [labelled(a, energy=a.get_potential_energy()) for a in crystals]
    ase.io.write(folder / "data.extxyz", energies)
    message = refused("fit", folder / "config.toml")
    assert "has no forces" in message and "force weight" in message


def test_fit_overlapping_atoms(folder, refused, crystals):
    bad = crystals[0].copy()
    bad.positions[1] = bad.positions[0] + [0, 0, 0.01]
    bad = labelled(bad, **crystals[0].calc.results)
    ase.io.write(folder / "data.extxyz", [bad])
    message = refused("fit", changed(folder, "test_fraction = 0.25", ""))
    assert "atoms 0 (Cu) and 1 (Cu)" in message and "0.010 angstrom" in message


def test_fit_makes_the_folder_of_its_output(folder, command):
    code, _, err = command("fit", changed(folder, '"cu.json"', '"results/cu.json"'))
    assert code == 0, err
    assert (folder / "results" / "cu.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"cu.json"', '"data.extxyz/cu.json"', "data.extxyz"),
        ('"parity.png"', '"parity.jpgg"', "parity.jpgg"),
    ],
)
def test_fit_refuses_impossible_output_before_fitting(folder, command, old, new, named):
    code, _, err = command("fit", changed(folder, old, new))
    assert code == app.INPUT_ERROR and named in err
    assert "iteration" not in err
    assert not (folder / "cu.json").exists()


def test_fit_interrupted_keeps_the_best_so_far(folder, command, monkeypatch):
    def interrupt(self, iteration, *numbers):
        if iteration == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(FitProgress, "__call__", interrupt)
    code, out, err = command("fit", folder / "config.toml")
    assert code == app.INTERRUPTED and "interrupted" in err and "potential: " in out
    assert fs.Potential.read(str(folder / "cu.json")).elements == ["Cu"]


@pytest.mark.parametrize("terminal", [False, True])
def test_the_last_iteration_stays_to_be_read(terminal):
    """Where the search for the active set goes on."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120)
    with FitProgress(console, 3) as progress:
        for iteration in (1, 2, 3):
            progress(iteration, 0.1, 2.0, 0.3, 4.0)
        progress.status("active set: pass 1")
        progress.status("active set: pass 2")
    lines = text.getvalue()
    assert lines.index("iteration 3/3") < lines.rindex("active set: pass 2")
    assert lines.rstrip().splitlines()[-1].startswith("active set: pass 2") or terminal
    if not terminal:
        assert lines.count("\n") == 3  # the first and the last iteration, the last status


# --- evaluate ------------------------------------------------------------------------------------


def test_evaluate_table(folder, command, potential_file):
    code, out, err = command("evaluate", potential_file, folder / "data.extxyz")
    assert code == 0, err
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert rows["cube"][1] == rows["long"][1] == "6" and rows["all"][1] == "12"


def test_evaluate_json_is_pure_and_equals_python(
    folder, command, potential_file, small_potential, crystals
):
    code, out, err = command("evaluate", potential_file, folder / "data.extxyz", "--json")
    assert code == 0, err
    table = json.loads(out)
    differences = [
        1000 * (small_potential.evaluate(a).energy - a.get_potential_energy()) / len(a)
        for a in crystals
    ]
    assert table["all"]["energy_mae"] == pytest.approx(np.mean(np.abs(differences)), rel=1e-4)
    assert table["all"]["force_components"] == 3 * sum(map(len, crystals))


def test_evaluate_slice_and_plot(folder, command, potential_file):
    plot = folder / "plot.png"
    code, out, err = command(
        "evaluate", potential_file, f"{folder / 'data.extxyz'}@0:4", "--parity-plot", plot
    )
    assert code == 0, err
    assert re.search(r"all +4 ", out) and plot.exists()


def test_evaluate_cfg_takes_the_elements_of_the_potential(
    folder, command, potential_file, crystals
):
    write_cfg(folder / "data.cfg", crystals, ["Cu"])
    tables = [
        json.loads(command("evaluate", potential_file, folder / name, "--json")[1])
        for name in ("data.cfg", "data.extxyz")
    ]
    for group in ("cube", "long", "all"):
        for key, value in tables[0][group].items():
            assert value == pytest.approx(tables[1][group][key], rel=1e-4), (group, key)


MACE_KEYS = ("--energy-key", "REF_energy", "--forces-key", "REF_forces")


@pytest.fixture
def mace(folder, crystals):
    """The labels under MACE's names, stresses in GPa."""
    frames = []
    for atoms in crystals:
        frame = atoms.copy()
        frame.info["REF_energy"] = atoms.get_potential_energy()
        frame.info["REF_stress"] = atoms.get_stress(voigt=False).ravel() / units.GPa
        frame.arrays["REF_forces"] = atoms.get_forces()
        frames.append(frame)
    ase.io.write(folder / "mace.extxyz", frames)
    return folder / "mace.extxyz"


def test_evaluate_labels_under_other_names(folder, command, refused, potential_file, mace):
    sentence = refused("evaluate", potential_file, mace)
    assert "energy_key='REF_energy', forces_key='REF_forces'" in sentence
    options = (*MACE_KEYS, "--stress-key", "REF_stress", "--stress-unit", "GPa", "--json")
    code, out, err = command("evaluate", potential_file, mace, *options)
    assert code == 0 and not err
    _, expected, _ = command("evaluate", potential_file, folder / "data.extxyz", "--json")
    expected = json.loads(expected)["all"]
    assert json.loads(out)["all"] == {k: pytest.approx(v, rel=1e-4) for k, v in expected.items()}
    _, _, err = command("evaluate", potential_file, mace, *MACE_KEYS)
    assert err.startswith("forcesmith: warning: ") and "REF_stress is not used" in err
    assert "unit 'GPaa' is not known" in refused(
        "evaluate", potential_file, mace, *MACE_KEYS, "--stress-unit", "GPaa"
    )


def test_fit_and_scan_labels_under_other_names(folder, command, refused, mace):
    config = changed(folder, "data.extxyz", "mace.extxyz")
    assert "REF_energy, REF_stress, REF_forces; read it with" in refused("fit", config)
    assert command("fit", config, *MACE_KEYS)[0] == 0
    table = fs.Potential.read(folder / "cu.json").info()["provenance"]["train_errors"]["all"]
    assert table["energies"] == 9 and table["stress_components"] == 0
    changed(
        folder,
        "test_fraction",
        'energy_key = "REF_energy"\nforces_key = "REF_forces"\nstress_key = "REF_stress"\n'
        'stress_unit = "kbar"\ntest_fraction',
    )
    assert command("fit", config, "--stress-unit", "GPa")[0] == 0  # goes before the settings
    table = fs.Potential.read(folder / "cu.json").info()["provenance"]["train_errors"]["all"]
    assert table["stress_components"] == 54 and table["stress_rmse"] < 30
    code, out, _ = command("scan", config, "--ratios", "1", "--stress-unit", "GPa", "--json")
    assert code == 0 and len(json.loads(out)["config"]) == 1


def test_evaluate_unknown_element(folder, refused, potential_file, crystals):
    silver = crystals[0].copy()
    silver.symbols[:] = "Ag"
    ase.io.write(folder / "ag.extxyz", labelled(silver, energy=1.0))
    message = refused("evaluate", potential_file, folder / "ag.extxyz")
    assert "contains Ag" in message and "only Cu" in message


def test_evaluate_without_labels(folder, refused, potential_file, crystals):
    ase.io.write(folder / "bare.extxyz", crystals[0].copy())
    assert "neither energy nor forces" in refused(
        "evaluate", potential_file, folder / "bare.extxyz"
    )


def test_evaluate_truncated_potential(folder, refused, potential_file):
    text = potential_file.read_text()
    (folder / "cut.json").write_text(text[: len(text) // 2])
    assert "cut.json" in refused("evaluate", folder / "cut.json", folder / "data.extxyz")


# --- convert, info -------------------------------------------------------------------------------


def test_convert_there_and_back(folder, command, potential_file, small_potential, crystals):
    for source, target, options in (
        (potential_file, folder / "cu.mtp", []),
        (folder / "cu.mtp", folder / "again.json", ["--elements", "Cu"]),
    ):
        code, _, err = command("convert", source, target, *options)
        assert code == 0, err
        assert "Cu" in err and "4.5" in err
    again = fs.Potential.read(str(folder / "again.json")).evaluate(crystals[1])
    np.testing.assert_allclose(
        again.forces, small_potential.evaluate(crystals[1]).forces, atol=1e-10
    )


def test_convert_mtp_needs_elements(folder, command, refused, potential_file):
    command("convert", potential_file, folder / "cu.mtp")
    message = refused("convert", folder / "cu.mtp", folder / "x.json")
    assert "cu.mtp" in message and "elements" in message
    assert not (folder / "x.json").exists()


def test_convert_to_unknown_format(folder, refused, potential_file):
    assert "x.nonsense" in refused("convert", potential_file, folder / "x.nonsense")


def test_info(command, potential_file):
    code, out, err = command("info", potential_file)
    assert code == 0, err
    assert "moment_tensor" in out and "Cu" in out
    code, out, _ = command("info", potential_file, "--json")
    assert code == 0 and "Cu" in json.loads(out)["elements"]


# --- the command itself --------------------------------------------------------------------------


def test_version(command):
    assert command("--version") == (0, f"forcesmith {fs.__version__}\n", "")


@pytest.mark.parametrize("name", ["fit", "evaluate", "convert", "info"])
def test_help(command, name):
    code, out, _ = command(name, "--help")
    assert code == 0 and "Usage" in out


def test_wrong_usage(command):
    code, out, err = command("evaluate")
    assert code == 2 and out == "" and "Missing argument" in err
    code, _, err = command("evalute")
    assert code == 2 and "evaluate" in err  # the nearest command is offered


def test_traceback_on_request(command, folder):
    code, _, err = command("--traceback", "fit", folder / "absent.toml")
    assert code == app.INPUT_ERROR and "Traceback" in err


def test_installed_command(potential_file):
    """In a process of its own: entry point, exit code, streams."""
    run = subprocess.run(
        [sys.executable, "-m", "forcesmith.cli", "info", str(potential_file) + ".absent"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.startswith("forcesmith: ") and "cu.json.absent" in run.stderr


def test_import_leaves_out_what_only_some_commands_need():
    """Every MPI rank of the packaged `lmp` imports forcesmith to find the plugin."""
    code = (
        "import sys, forcesmith; print([m for m in ('matplotlib', 'ase.io') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.stdout.strip() == "[]", run.stderr


# --- committees, scans, the course of a fit ---

NETWORK = CONFIG.replace(
    "[data]", '[model]\ntype = "neural_network"\nhidden_layers = [4]\n[data]'
).replace('parity_plot = "parity.png"', 'loss_log = "loss.csv"\nloss_plot = "loss.png"')


def test_loss_log_and_plot(command, tmp_path, crystals):
    ase.io.write(tmp_path / "data.extxyz", crystals)
    (tmp_path / "config.toml").write_text(NETWORK)
    code, out, _ = command("fit", tmp_path / "config.toml")
    assert code == 0 and "loss.csv" in out and "loss.png" in out
    lines = (tmp_path / "loss.csv").read_text().splitlines()
    assert lines[0] == "iteration,loss,energy_rmse_mev,force_rmse,seconds"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_resume_from_the_command_line(command, refused, tmp_path, crystals):
    ase.io.write(tmp_path / "data.extxyz", crystals)
    (tmp_path / "config.toml").write_text(NETWORK)
    assert "no checkpoint" in refused("fit", tmp_path / "config.toml", "--resume")
    assert command("fit", tmp_path / "config.toml")[0] == 0
    longer = NETWORK.replace("max_iterations = 3", "max_iterations = 5")
    (tmp_path / "config.toml").write_text(longer)
    assert command("fit", tmp_path / "config.toml", "--resume")[0] == 0
    rows = (tmp_path / "loss.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3", "4", "5"]


def test_committee(command, tmp_path, crystals):
    ase.io.write(tmp_path / "data.extxyz", crystals)
    config = NETWORK.replace("[optimizer]", "[optimizer]\ncommittee = 2")
    (tmp_path / "config.toml").write_text(config)
    code, out, _ = command("fit", tmp_path / "config.toml")
    assert code == 0
    first, second = (fs.Potential.read(tmp_path / f"cu-{member}.json") for member in (1, 2))
    forces = [p.evaluate(crystals[0]).forces for p in (first, second)]
    assert not np.allclose(*forces)
    found = float(re.search(r"spread of the members: .* force (\S+) eV", out)[1])
    assert found > 0
    assert (tmp_path / "loss-1.csv").is_file() and (tmp_path / "loss-2.csv").is_file()


def test_scan_over_weights(command, tmp_path, crystals):
    """More weight on forces: smaller force errors, larger energy errors, of the fitted data."""
    ase.io.write(tmp_path / "data.extxyz", crystals)
    for name, level in (("small", 2), ("larger", 6)):
        config = CONFIG.replace("level = 6", f"level = {level}")
        config = config.replace("0.25", "0.0").replace("iterations = 3", "iterations = 1")
        (tmp_path / f"{name}.toml").write_text(config)
    code, out, _ = command(
        "scan",
        tmp_path / "small.toml",
        tmp_path / "larger.toml",
        "--ratios",
        "1e-4,1e4",
        "--plot",
        tmp_path / "scan.png",
        "--json",
    )
    assert code == 0
    points = json.loads(out)
    assert list(points) == ["small", "larger"]
    for rows in points.values():
        assert [row["ratio"] for row in rows] == [1e-4, 1e4]
        assert rows[0]["force_rmse"] > rows[1]["force_rmse"]
        assert rows[0]["energy_rmse"] < rows[1]["energy_rmse"]
    assert points["larger"][1]["force_rmse"] < points["small"][1]["force_rmse"]
    assert (tmp_path / "scan.png").is_file()


def test_scan_needs_energies_and_forces(folder, refused, crystals):
    ase.io.write(folder / "energies.extxyz", labelled(crystals[0], energy=1.0))
    config = changed(folder, "test_fraction = 0.25", 'test = ["energies.extxyz"]')
    message = refused("scan", config, "--ratios", "1")
    assert "no configuration of the test data has forces" in message


@pytest.mark.parametrize("ratios", ["", "1:2", "0,1", "a", "1e-4:1e4:x", "-1", "1:10:0"])
def test_ratios_that_are_none(refused, tmp_path, ratios):
    (tmp_path / "config.toml").write_text(CONFIG)
    assert "first:last:number" in refused("scan", tmp_path / "config.toml", "--ratios", ratios)
