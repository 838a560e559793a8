"""The one program for a machine with a GPU: does it compute what the CPU does, and how fast?

    python bench/device/check_and_measure.py --bundle build/device_bundle --output FOLDER

`make device-bundle` makes the bundle elsewhere: forcesmith with its CUDA library, LAMMPS with its
MPI, and potentials. No compiler and no network is needed, only the NVIDIA driver, this repository
and a Python of the version that the bundle was made for. Without --bundle, the forcesmith of this
Python environment is used, and --data as in bench/rates.py.

In this order, each with a share of --minutes:

    device       what it is
    checks       energies, forces and virials, also per atom, against the CPU: every descriptor with
                 every model, 1 to 97336 atoms, LAMMPS (1 and 2 ranks) and Python, both precisions
    rates        whole steps at 2 thousand, 32 thousand and 1 million atoms
    ranks        several MPI ranks on the device
    fits         loss and gradient of a network, there and on two cores
    kernels      the time of each kernel
    sanitizer    compute-sanitizer's memcheck and racecheck, where it is found, on small cases
    profile      what kernels use of the device (ncu, of CUDA's toolkit, where it is found)
    parts        rates with other numbers of threads for each atom
    grades       the same with extrapolation grades at every step
    cpu          the same on all cores of the CPU

FOLDER/device/NAME.json, the record, is written after every result, and says what was left out for
want of time; NAME.md beside it holds tables. The exit status is 0 if no check failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECTIONS = ["device", "checks", "rates", "ranks", "fits", "kernels", "sanitizer", "profile"]
SECTIONS += ["parts", "grades", "cpu"]
BEGAN = "FORCESMITH_DEVICE_CHECK_BEGAN"
"""Environment variable that tells the program, called again in the environment of the bundle, when
it began."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, help="what `make device-bundle` made")
    parser.add_argument("--data", type=Path, help="without --bundle: as in bench/rates.py")
    parser.add_argument("--output", type=Path, default=HERE.parent / "results")
    parser.add_argument("--minutes", type=float, default=8.0, help="of the whole, 8 by default")
    parser.add_argument("--section", action="append", choices=SECTIONS, help="only these")
    parser.add_argument("--small", action="store_true", help="tiny systems: does it run through?")
    arguments = parser.parse_args()
    if arguments.bundle and BEGAN not in os.environ:
        return run_in(arguments.bundle)
    sys.path.insert(0, str(HERE.parent))
    from session import Session

    began = float(os.environ.pop(BEGAN, time.time()))
    return Session(arguments, began).run(arguments.section or SECTIONS)


def run_in(bundle: Path) -> int:
    """Calls this program again in a Python environment made from the bundle, for the time being."""
    surroundings = os.environ | {BEGAN: str(time.time())}
    manifest = json.loads((bundle / "manifest.json").read_text())
    version = "{}.{}".format(*sys.version_info)
    if version != manifest["python"]:
        print(
            f"The bundle {bundle} is for Python {manifest['python']}, and this is {version}; make "
            f"another with: make device-bundle DEVICE_PYTHON=python{version}",
            file=sys.stderr,
        )
        return 2
    folder = Path(tempfile.mkdtemp(prefix="forcesmith-"))
    try:
        venv.EnvBuilder(symlinks=True).create(folder)
        with tarfile.open(bundle / "environment.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        python = folder / "bin" / "python"
        for script in (folder / "bin").iterdir():
            if not script.is_symlink() and script.read_bytes().startswith(b"#!python"):
                script.write_bytes(script.read_bytes().replace(b"python", bytes(python), 1))
        surroundings["PATH"] = f"{folder / 'bin'}:{surroundings['PATH']}"
        surroundings["PYTHONDONTWRITEBYTECODE"] = "1"
        for name in ("PYTHONPATH", "PYTHONHOME"):
            surroundings.pop(name, None)
        return subprocess.run([python, __file__, *sys.argv[1:]], env=surroundings).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
