"""fs.label and `forcesmith label`: a file that grows label by label, and never mixes teachers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from forcesmith.data.formats.extended_xyz import append_extended_xyz, drop_torn_frame
from forcesmith.files import output_lock
from sample_data import full_disk

SLOW = """
import time
from ase.calculators.emt import EMT
class Slow(EMT):
    def calculate(self, *arguments, **more):
        time.sleep(0.02)
        super().calculate(*arguments, **more)
def make():
    return Slow()
"""


def crystals(count: int = 6) -> list[Atoms]:
    made = []
    for seed in range(count):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.info["config_type"] = f"group{seed % 2}"
        made.append(atoms)
    return made


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    ase.io.write(tmp_path / "data.extxyz", [*crystals(), bulk("MgO", "rocksalt", a=4.2)])
    (tmp_path / "slow_teacher.py").write_text(SLOW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def emt():
    with fs.make_teacher("emt") as teacher:
        yield teacher


def test_labels_of_a_list(tmp_path, emt):
    lines = []
    data = crystals()
    found = fs.label(data, emt, tmp_path / "out.extxyz", progress=lines.append)
    assert (len(found.labelled), found.failed, found.n_before) == (6, [], 0)
    assert lines[-1] == "6 of 6 labelled"
    for atoms, labelled, read in zip(
        data, found.labelled, fs.read(tmp_path / "out.extxyz"), strict=True
    ):
        atoms.calc = EMT()
        np.testing.assert_allclose(labelled.calc.results["forces"], atoms.get_forces(), atol=1e-9)
        np.testing.assert_allclose(read.get_forces(), atoms.get_forces(), atol=1e-7)
        np.testing.assert_allclose(read.get_stress(), atoms.get_stress(), atol=1e-9)
        assert read.info["config_type"] == atoms.info["config_type"]
        assert read.info["teacher_hash"] == labelled.info["teacher_hash"]
    assert not list(tmp_path.glob(".*"))


def test_command_and_what_is_done_already(folder, command):
    code, out, err = command("label", "data.extxyz", "--teacher", "emt", "--into", "out.extxyz")
    assert code == 0 and "out.extxyz: 6 of 7 configurations labelled by emt" in out
    assert "out.failed.extxyz: 1 without a label" in out and "does not know Mg" in out
    assert "6 of 7 labelled, 1 failed" in err
    before = (folder / "out.extxyz").read_bytes()
    [failed] = ase.io.read("out.failed.extxyz", ":")
    assert "does not know Mg" in failed.info["reason"] and failed.calc is None
    code, out, err = command("label", "data.extxyz", "--teacher", "emt", "--into", "out.extxyz")
    assert "6 of them before" in out and "1 without a label" in out and err == ""
    assert (folder / "out.extxyz").read_bytes() == before


def test_failures_are_tried_again_on_request(folder, emt):
    data = fs.read("data.extxyz")
    for _ in range(2):
        lines: list[str] = []
        found = fs.label(data, emt, "o.extxyz", retry_failed=True, progress=lines.append)
        assert len(found.failed) == 1 and lines
        assert len(ase.io.read("o.failed.extxyz", ":")) == 1


def test_teachers_are_not_mixed(folder, refused, emt):
    fs.label(crystals(1), emt, "out.extxyz")
    arguments = ("label", "data.extxyz", "--into", "out.extxyz", "--teacher")
    message = refused(*arguments, "slow_teacher:make")
    assert "out.extxyz holds labels of emt (t" in message and "not mixed" in message
    assert len(message) < 330
    with pytest.raises(ValueError, match="not mixed"):
        fs.label(crystals(1), {"type": "emt", "version": "2"}, "out.extxyz")
    ase.io.write("foreign.extxyz", crystals(1))
    with pytest.raises(ValueError, match=r"foreign\.extxyz holds a configuration that was not"):
        fs.label(crystals(1), emt, "foreign.extxyz")


@pytest.mark.parametrize("part", [5, 400, -1])
def test_files_of_others_are_not_cut(tmp_path, emt, part):
    path = tmp_path / "mine.extxyz"
    ase.io.write(path, crystals(2))
    mine = b"hello" if part == 5 else path.read_bytes()[:part]
    path.write_bytes(mine)
    with pytest.raises(ValueError, match=r"mine\.extxyz"):
        fs.label(crystals(1), emt, path)
    assert path.read_bytes() == mine


def test_nothing_labelled_is_no_success(folder, command):
    ase.io.write("iron.extxyz", bulk("Fe"))
    code, out, _ = command("label", "iron.extxyz", "--teacher", "emt", "--into", "o.extxyz")
    assert code == 1 and "does not know Fe" in out


def test_wrong_arguments(folder, refused):
    assert "no teacher" in refused("label", "data.extxyz", "--teacher", "emd", "--into", "o.extxyz")
    assert ".extxyz" in refused("label", "data.extxyz", "--teacher", "emt", "--into", "o.json")
    message = refused("label", "data.extxyz", "--teacher", "emt", "--into", "data.extxyz")
    assert "is one of the files that are read" in message
    message = refused("label", "data.extxyz", "--teacher", "emt", "--into", "nowhere/o.extxyz")
    assert "nowhere/o.extxyz: No such file or directory" in message
    assert not (folder / "o.extxyz").exists()


def test_one_process_writes(folder, emt):
    with output_lock(folder / ".out.extxyz.lock", "out.extxyz", "`forcesmith label`"):
        with pytest.raises(OSError, match="another `forcesmith label`"):
            fs.label(crystals(1), emt, "out.extxyz")


@pytest.mark.parametrize("part", [1, 30, 200, -1])
def test_a_torn_last_label_is_made_again(tmp_path, emt, part):
    data = crystals(3)
    path = tmp_path / "out.extxyz"
    fs.label(data[:2], emt, path)
    size = path.stat().st_size
    fs.label(data, emt, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: size + part] if part > 0 else whole[:part])
    found = fs.label(data, emt, path)
    assert found.n_before == 2
    assert len(fs.read(path)) == 3 and len(found.labelled) == 3


def test_torn_frames(tmp_path):
    path = tmp_path / "a.extxyz"
    for atoms in crystals(2):
        append_extended_xyz(path, atoms)
    whole = path.read_bytes()
    assert not drop_torn_frame(path) and path.read_bytes() == whole
    first = whole.index(b"\n4\n") + 1
    for size in range(first, len(whole)):
        path.write_bytes(whole[:size])
        assert drop_torn_frame(path) == (size > first)
        assert path.read_bytes() == whole[:first]
    path.write_bytes(b"x\n" + whole)
    with pytest.raises(ValueError, match=r"a\.extxyz, line 1: expected the number of atoms"):
        drop_torn_frame(path)
    assert path.read_bytes() == b"x\n" + whole


def test_a_full_disk(tmp_path):
    path = tmp_path / "a.extxyz"
    append_extended_xyz(path, crystals(1)[0])
    whole = path.read_bytes()
    with full_disk(len(whole) + 50), pytest.raises(OSError):
        append_extended_xyz(path, crystals(1)[0])
    assert path.read_bytes() == whole


def test_killed_at_any_moment(folder):
    """The same command goes on; what was there is not computed again."""
    ase.io.write(folder / "data.extxyz", crystals(40))
    arguments = "label data.extxyz --teacher slow_teacher:make --into out.extxyz".split()
    program = [sys.executable, "-m", "forcesmith.cli", *arguments]
    out = folder / "out.extxyz"
    rng = np.random.default_rng(5)
    kept = b""
    for _ in range(3):
        process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not out.exists() or out.stat().st_size <= len(kept):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        drop_torn_frame(out)
        now = out.read_bytes()
        assert now.startswith(kept) and len(now) > len(kept)
        kept = now
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert out.read_bytes().startswith(kept)
    keys = [atoms.info["label_key"] for atoms in ase.io.read(out, ":")]
    assert len(keys) == len(set(keys)) == 40


def test_several_at_once(folder, command):
    """The same labels, failures too, whatever their order in the file."""
    code, out, err = command("label", "data.extxyz", "--teacher", "emt", "--into", "one.extxyz")
    assert code == 0, err
    call = ("label", "data.extxyz", "--teacher", "emt", "--into", "two.extxyz", "--cores", 2)
    code, also, err = command(*call)
    assert code == 0, err
    assert also.replace("two", "one") == out and "6 of 7 configurations" in out
    one, two = fs.read("one.extxyz"), fs.read("two.extxyz")
    found = {atoms.info["label_key"]: atoms for atoms in two}
    for atoms in one:
        same = found.pop(atoms.info["label_key"])
        assert same.get_potential_energy() == pytest.approx(atoms.get_potential_energy())
        assert same.get_forces() == pytest.approx(atoms.get_forces(), abs=1e-9)
        assert same.info["teacher_hash"] == atoms.info["teacher_hash"]
    assert not found
    assert "6 of them before" in command(*call)[1]


def test_positions_that_are_not_numbers_never_reach_the_teacher(emt):
    broken = crystals(1)[0]
    broken.positions[1, 2] = np.nan
    with pytest.raises(fs.LabelError, match="its positions are not finite"):
        emt.label(broken)
