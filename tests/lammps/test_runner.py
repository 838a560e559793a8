"""forcesmith.lammps.run: what comes back from LAMMPS, and how it fails."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from forcesmith.lammps import LammpsError, Output, run

COPPER = """
variable steps index 10
units metal
lattice fcc 3.6
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 63.546
pair_style lj/cut 4.0
pair_coeff * * 0.1 2.3
velocity all create 300 1 loop geom
fix nve all nve
thermo 5
thermo_style custom temp step pe
run ${steps}
"""


def test_output_of_a_run(tmp_path):
    output = run(COPPER + "thermo_style one\nrun 5\n", folder=tmp_path)
    first, second = output.runs
    assert list(first.columns) == ["Temp", "Step", "PotEng"]
    assert first["Step"].tolist() == [0, 5, 10] and second["Step"].tolist() == [10, 15]
    assert first["Temp"][0] == pytest.approx(300)
    assert np.isfinite(first["PotEng"]).all() and first["PotEng"].max() < 0
    assert second["TotEng"][0] == pytest.approx(second["TotEng"][1], rel=1e-3)
    assert (first.atoms, first.steps, first.processes) == (108, 10, 1) and second.steps == 5
    assert first.rate == pytest.approx(1080 / first.seconds)
    assert output.error is None and "Loop time" in output.text
    assert not list(tmp_path.iterdir())


def test_files_variables_and_log(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    script = COPPER + 'variable names index none\nlabel next\nprint "is ${names}"\nnext names\n'
    (tmp_path / "in.copper").write_text(script + "jump SELF next\n")
    output = run(
        tmp_path / "in.copper",
        variables={"steps": 20, "names": ["one", "two"]},
        folder=tmp_path / "elsewhere",
        log=tmp_path / "copper.log",
    )
    assert output.runs[0].steps == 20
    assert "is one\n" in output.text and "is two\n" in output.text
    assert "pair_style lj/cut 4.0" in (tmp_path / "copper.log").read_text()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_ranks_and_threads(tmp_path):
    outputs = [run(COPPER, ranks=ranks, folder=tmp_path) for ranks in (1, 2)]
    assert [output.runs[0].processes for output in outputs] == [1, 2]
    np.testing.assert_allclose(*(output.runs[0]["PotEng"] for output in outputs), rtol=1e-6)
    assert "using 2 OpenMP thread(s)" in run("info config\n", threads=2, folder=tmp_path).text


def test_environment(tmp_path, monkeypatch, plugin):
    """Also where importing lammps has set the path of plugins already."""
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", str(plugin))
    output = run(
        "variable found getenv GREETING\nprint 'found ${found}'\nplugin list\n",
        environment={"GREETING": "hello"},
        folder=tmp_path,
    )
    assert "found hello" in output.text
    assert output.text.count("Loaded 1 plugins") == 1


def test_another_program_gets_the_path_of_plugins(tmp_path, monkeypatch, plugin):
    """It does not add ours by itself; it is looked for from here, not from the folder."""
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", str(plugin))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    other = tmp_path / "other"
    other.write_text('#!/bin/sh\necho "path $LAMMPS_PLUGIN_PATH"\n')
    other.chmod(0o755)
    assert f"path {plugin}" in run("run 0\n", program="./other", folder="folder").text


def test_variables_that_lammps_would_misunderstand(tmp_path):
    script = "print 'x is $x'\nnext x\nprint 'x is $x'\n"
    text = run(script, variables={"x": np.array([-1, 2])}, folder=tmp_path).text
    assert "x is -1" in text and "x is 2" in text
    for values in ([], [1, -2]):
        with pytest.raises(ValueError, match="variable x"):
            run(script, variables={"x": values})
    with pytest.raises(FileNotFoundError, match="no such folder"):
        run(script, folder=tmp_path / "missing")


def test_errors_travel_between_processes():
    error = LammpsError(Output("ERROR: no (x.cpp:1)\n"), 1)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.output == error.output


def test_warnings(tmp_path):
    output = run(COPPER.replace("pe\n", "pe\nthermo_modify lost warn\nfix two all nve\n"))
    assert any("One or more atoms are time integrated more than once" in w for w in output.warnings)


@pytest.mark.parametrize("ranks", [1, 2])
def test_error(tmp_path, ranks):
    script = COPPER + "thermo_style custom step c_unknown\nrun 3\n"
    with pytest.raises(LammpsError) as found:
        run(script, ranks=ranks, folder=tmp_path)
    message = str(found.value)
    assert message.startswith("LAMMPS failed: ERROR: Could not find thermo custom compute ID")
    assert message.endswith("in the input line: thermo_style custom step c_unknown")
    assert len(message) < 300 and found.value.exit_code != 0
    assert [len(done["Step"]) for done in found.value.output.runs] == [3]


@pytest.mark.parametrize(("code", "words"), [(3, "exit code 3"), (247, "ended by SIGKILL")])
def test_error_without_words(tmp_path, code, words):
    with pytest.raises(LammpsError, match=f"{words}, its last words: gone"):
        program = tmp_path / "lmp.sh"
        program.write_text(f"#!/bin/sh\necho gone\nexit {code}\n")
        program.chmod(0o755)
        run(COPPER, program=program)


@pytest.mark.parametrize("ranks", [1, 2])
def test_timeout_leaves_nothing_behind(tmp_path, ranks):
    mark = f"{os.getpid()}-{ranks}-{time.monotonic_ns()}"
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="not come to its end within 3 s; the last that it pri"):
        run(COPPER, variables={"steps": 10**9, "mark": mark}, ranks=ranks, timeout=3)
    assert time.monotonic() - started < 60
    for _ in range(50):
        if not _processes_with(mark):
            break
        time.sleep(0.1)
    assert not _processes_with(mark)


def _processes_with(text: str) -> list[str]:
    """Command lines of running processes that hold it."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


def test_files_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"in\.absent: no such file; give the commands"):
        run(tmp_path / "in.absent")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"'lmp' is not in this Python environment"):
        run(COPPER)


# --- reading tables ---

LOG = """
Per MPI rank memory allocation (min/avg/max) = 3.07 | 3.07 | 3.07 Mbytes
   Step          Temp
         0   300
WARNING: something is odd (src/x.cpp:1)
      1000            nan
      2000           -inf
Loop time of 0.5 on 2 procs for 2000 steps with 32 atoms
"""


def test_numbers_that_are_not_finite_are_kept():
    [found] = Output(LOG).runs
    assert found["Step"].tolist() == [0, 1000, 2000]
    assert np.isnan(found["Temp"][1]) and found["Temp"][2] == -np.inf
    assert (found.seconds, found.processes, found.steps, found.atoms) == (0.5, 2, 2000, 32)
    assert Output(LOG).warnings == ["something is odd (src/x.cpp:1)"]


def test_a_run_without_an_end_is_left_out():
    lines = LOG.splitlines(keepends=True)
    assert len(Output(LOG + "".join(lines[:-1])).runs) == 1
    assert Output("").runs == []


def test_other_numbers_are_not_taken_for_rows(tmp_path):
    script = COPPER.replace("thermo 5\n", "thermo 1\nfix p all print 1 '7 8 9'\n")
    output = run(script, folder=tmp_path)
    with pytest.raises(ValueError, match="Other lines of numbers"):
        output.runs  # noqa: B018


@pytest.mark.parametrize("style", ["multi", "yaml"])
def test_other_tables_are_refused(tmp_path, style):
    output = run(COPPER.replace("step pe\n", f"step pe\nthermo_modify line {style}\n"))
    with pytest.raises(ValueError, match="thermo_modify line one"):
        output.runs  # noqa: B018


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_lammps(tmp_path, number):
    """The process is killed with what started it, and the exception goes on."""
    mark = f"ctrl-c-{os.getpid()}-{time.monotonic_ns()}"
    (tmp_path / "in.copper").write_text(COPPER)
    code = (
        "import signal; from pathlib import Path; from forcesmith.lammps import run\n"
        # Tests that were started in the background ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"run(Path('in.copper'), variables={{'steps': 10**9, 'mark': '{mark}'}})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE)
    while len(_processes_with(mark)) < 3 and process.poll() is None:  # Python, lmp, and its child
        time.sleep(0.05)
    process.send_signal(number)
    assert b"KeyboardInterrupt" in process.communicate()[1]
    assert not _processes_with(mark)
