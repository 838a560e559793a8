"""`forcesmith generate`: one whole file, also after a kill; what is there already stays."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import ase.io
import forcesmith as fs
import pytest
from ase.build import bulk
from forcesmith.learning.settings import LearnSettings
from forcesmith.learning.start import given_labels, starting_structures
from forcesmith.sampling import generating
from sample_data import small_settings

CONFIG = """
structures = ["fluorite ZrO2 5.1", "fcc Zr 4.5"]

[[samplers]]
type = "polymorph_derived"
count = 6

[[samplers]]
type = "random_packing"
name = "packed"
elements = ["Zr", "O"]
fraction = 0.2
size = [1.0, 1.2]
count = 3

[[samplers]]
type = "volumes"
structures = "fluorite ZrO2 5.1"
points = 3
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def test_one_file(config, command):
    code, out, err = command("generate", config)
    assert code == 0, err
    output = config.parent / "structures.extxyz"
    assert out.splitlines() == [
        "polymorph_derived: 6",
        "packed: 3",
        "volumes: 3",
        f"{output}: 12 structures",
    ]
    data = fs.read(output)
    assert data.groups == ["polymorph_derived"] * 6 + ["packed"] * 3 + ["volumes"] * 3
    assert all(
        fs.sampling.make_again(atoms).positions == pytest.approx(atoms.positions, abs=1e-7)
        for atoms in data
    )
    assert not list(config.parent.glob(".*"))
    before = output.read_bytes()
    assert "12 of them before" in command("generate", config)[1]
    assert output.read_bytes() == before


def test_more_is_added(config, command):
    command("generate", config)
    output = config.parent / "structures.extxyz"
    before = ase.io.read(output, ":")
    config.write_text(CONFIG.replace("count = 6", "count = 8"))
    assert "14 structures, 12 of them before" in command("generate", config)[1]
    after = ase.io.read(output, ":")
    assert after[:6] + after[8:] == before


def test_other_settings_do_not_overwrite(config, command, refused):
    command("generate", config)
    output = config.parent / "structures.extxyz"
    before = output.read_bytes()
    for text in (
        CONFIG.replace("count = 6", "count = 5"),
        CONFIG.replace("count = 6", "count = 6\ndeletion = 0.3"),
        "seed = 2\n" + CONFIG,
    ):
        config.write_text(text)
        assert "holds structures that these settings do not make" in refused("generate", config)
    assert output.read_bytes() == before


@pytest.mark.parametrize("stop_after", [1, 5, 8])
def test_resumes(config, stop_after, monkeypatch):
    whole = fs.sampling.generate(fs.sampling.GenerateSettings.from_toml(config)).structures
    output = config.parent / "structures.extxyz"
    expected = output.read_bytes()
    output.unlink()
    settings = fs.sampling.GenerateSettings.from_toml(config)
    made = []

    def stop(line):
        made.append(line)
        if len(made) == stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fs.sampling.generate(settings, progress=stop)
    assert not output.exists()
    partial = output.with_name(".structures.extxyz.partial")
    partial.write_bytes(partial.read_bytes()[:-40])  # torn while it was written
    again = fs.sampling.generate(settings, progress=made.append)
    assert output.read_bytes() == expected
    assert again.structures == whole
    assert len(made) <= 12 + 2 and not partial.exists()


def test_several_at_once(tmp_path):
    """By workers, interrupted, and on by this process: the same file as one after the other."""
    evolved = {"type": "molecular_dynamics", "teacher": "emt", "steps": 4, "every": 2, "count": 2}
    settings = {
        "structures": ["fcc Cu 3.6"],
        "samplers": [{"type": "polymorph_derived", "count": 4}, evolved],
    }
    alone = {**settings, "output": str(tmp_path / "alone.extxyz")}
    expected = fs.sampling.generate(alone).structures
    path = tmp_path / "workers.extxyz"
    made = []

    def stop(line):
        made.append(line)
        if "molecular_dynamics" in line:
            raise KeyboardInterrupt

    at_once = {**settings, "output": str(path), "engine": {"cores": 2}}
    with pytest.raises(KeyboardInterrupt):
        fs.sampling.generate(at_once, progress=stop)
    assert not path.exists() and len(made) >= 2
    found = fs.sampling.generate({**settings, "output": str(path)}, progress=made.append)
    assert len(made) <= 6 + 1
    for atoms, before in zip(found.structures, expected, strict=True):
        assert atoms.info == before.info
        assert atoms.positions == pytest.approx(before.positions, abs=1e-7)


def test_what_other_settings_left_is_not_used(config):
    partial = config.parent / ".structures.extxyz.partial"
    settings = fs.sampling.GenerateSettings.from_toml(config)
    fs.sampling.generate(settings.model_copy(update={"output": str(config.parent / "a.xyz")}))
    text = (config.parent / "a.xyz").read_text()
    partial.write_text(text.replace('\\"seed\\": 1', '\\"seed\\": 7'))
    assert fs.sampling.generate(settings).structures[0].info["origin"]["seed"] == 1


def test_after_a_kill(config):
    """By the operating system, at any time."""
    config.write_text(CONFIG.replace("count = 6", "count = 80"))
    call = [sys.executable, "-m", "forcesmith.cli", "generate", str(config)]
    output = config.parent / "structures.extxyz"
    partial = output.with_name(".structures.extxyz.partial")
    process = subprocess.Popen(call, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while process.poll() is None and (not partial.exists() or partial.stat().st_size < 10_000):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert partial.exists() and not output.exists()
    lines = []
    settings = fs.sampling.GenerateSettings.from_toml(config)
    resumed = fs.sampling.generate(settings, progress=lines.append)
    assert len(resumed.structures) == 86 and len(lines) < 86
    output.unlink()
    assert fs.sampling.generate(settings).structures == resumed.structures


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "config.toml is wrong: it needs 1 or more."),
        ("[[samplers]]\ncount = 2", "config.toml needs a type: contour_exploration, "),
        ("structures = 3\n[[samplers]]\ntype = 'volumes'", 'The key "structures.0" in'),
        (
            "[[samplers]]\ntype = 'random_packing'\nelements = ['Cu']\nradii = {Cu = -1}",
            "config.toml: `radii` must be above 0",
        ),
        ("outptu = 'a'\n[[samplers]]\ntype = 'volumes'", 'did you mean "output"'),
        ("[[samplers]]\ntype = 'polymorph'", 'did you mean "polymorph_derived"'),
        ("[[samplers]]\ntype = 'volumes'\npoint = 3", 'did you mean "points"'),
        ("[[samplers]]\ntype = 'volumes'", "has no structure to start from"),
        ("[[samplers]]\ntype = 'volumes'\nstructures = 'fcx Cu'", "no such file"),
        (
            "[[samplers]]\ntype = 'random_packing'\nelements = ['Cu']\nfraction = 0.99\n"
            "hard_core = 1",
            "random packings reach 0.64",
        ),
        ("[[samplers]]\ntype = 'random_packing'\nelements = ['Qq']", 'no element "Qq"'),
        (
            "structures = 'fcc Cu 3.6'\n[[samplers]]\ntype = 'point_defects'\ndefects = 500\n",
            "delete 500 atoms, but the supercell has",
        ),
        (
            "structures = 'fcc Cu 3.6'\n" + 2 * "[[samplers]]\ntype = 'volumes'\n",
            "are called volumes; give them different names",
        ),
        (
            "engine = {cores = 0}\nstructures = 'fcc Cu 3.6'\n[[samplers]]\ntype = 'volumes'",
            "cores must be 1 or more",
        ),
        ("output = 'a.cfg'\nstructures = 'fcc Cu 3.6'\n[[samplers]]\ntype = 'volumes'", ".extxyz"),
    ],
)
def test_bad_settings(tmp_path, refused, text, sentence):
    path = tmp_path / "config.toml"
    path.write_text(text)
    line = refused("generate", path)
    assert sentence in line and len(line) < 300 + len(str(path)) + 12
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_structures_are_those_of_the_folder_of_the_settings(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    ase.io.write(tmp_path / "run" / "cu.extxyz", [bulk("Cu", a=a, cubic=True) for a in (3.5, 3.6)])
    path = tmp_path / "run" / "config.toml"
    path.write_text("structures = 'cu.extxyz@:'\n[[samplers]]\ntype = 'volumes'\npoints = 2")
    monkeypatch.chdir(tmp_path)
    made = fs.sampling.generate(fs.sampling.GenerateSettings.from_toml("run/config.toml"))
    assert [atoms.info["origin"]["frame"] for atoms in made.structures] == [0, 0, 1, 1]
    assert (tmp_path / "run" / "structures.extxyz").exists()
    assert made.structures[-1].info["origin"]["structure"] == "cu.extxyz@:"
    again = fs.sampling.make_again(made.structures[-1], folder="run")
    assert again.positions == pytest.approx(made.structures[-1].positions, abs=1e-7)


def test_another_process_is_waited_for(config):
    settings = fs.sampling.GenerateSettings.from_toml(config)
    with generating.output_lock(config.parent / ".structures.extxyz.lock", "x", "y"):
        with pytest.raises(OSError, match="writes this file"):
            fs.sampling.generate(settings)


def test_something_else_is_not_overwritten(config, refused):
    output = config.parent / "structures.extxyz"
    for content in ("some text", "3\nno\nCu 0 0\n", "1\n\nCu 0 0 0\n"):
        output.write_text(content)
        assert "that these settings do not make" in refused("generate", config)
        assert output.read_text() == content


def test_structures_that_are_the_same_count_once():
    sampler = fs.sampling.PolymorphDerived(structures=["fcc Cu 3.6", "fcc Cu 3.6"], count=4)
    made = list(sampler.sample())
    assert len({atoms.positions.tobytes() for atoms in made}) == 4


def test_what_comes_out_goes_into_label_fit_and_learn(tmp_path):
    """With its origin, and with the labels that it has."""
    settings = {
        "output": str(tmp_path / "cu.extxyz"),
        "structures": ["fcc Cu 3.6"],
        "samplers": [
            {"type": "polymorph_derived", "count": 5, "displacement": 0.1, "cutoff": 5},
            {"type": "molecular_dynamics", "teacher": "emt", "steps": 4, "every": 2, "count": 1},
        ],
    }
    fs.sampling.generate(settings)
    data = fs.read(tmp_path / "cu.extxyz")
    found = fs.label(data[:5], "emt", tmp_path / "labelled.extxyz")
    origins = [atoms.info["origin"] for atoms in fs.read(tmp_path / "labelled.extxyz")]
    assert origins == [atoms.info["origin"] for atoms in data[:5]]
    result = fs.fit(found.labelled + list(data[5:]), settings=small_settings())
    assert set(result.train_errors.groups) == {"polymorph_derived", "molecular_dynamics", "all"}
    learning = LearnSettings.from_dict(
        {
            "teacher": "emt",
            "conditions": [{"structure": "fcc Cu 3.6", "supercell": 2}],
            "start": {"data": [str(tmp_path / "cu.extxyz")], "perturbed": 0},
        }
    )
    unlabelled = starting_structures(learning, [])
    assert [atoms.info["origin"] for atoms in unlabelled] == origins
    with fs.make_teacher("emt") as teacher:
        labelled = given_labels(learning, teacher)
    assert [atoms.info["origin"]["image"] for atoms in labelled] == [0, 1, 2]
