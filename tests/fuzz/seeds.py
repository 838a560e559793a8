"""Valid files of every format, made by the project itself: what the mutations start from.

A seed is the content of a folder: {path in it: bytes}.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from unittest import mock

import ase.io
import forcesmith as fs
import numpy as np
from contract_examples import DESCRIPTORS, ELEMENTS, crystal, make_potential, potential_cases
from forcesmith.data.formats.deepmd_folders import write_deepmd_folder
from forcesmith.data.formats.mlip_cfg import write_cfg
from forcesmith.data.formats.pacemaker_table import write_pacemaker_table
from mliap_files import write_mliap
from sample_data import labelled
from test_fitsnap_json import STYLES, entry_of
from test_n2p2_data import DATA as N2P2_DATA
from test_n2p2_format import write_folder

Seed = dict[str, bytes]
Write = Callable[[Path], object]
"""Writes the files of a seed into a folder."""

TINY = {"type": "moment_tensor", "level": 4, "cutoff": 4.0, "radial_basis_size": 3}
LARGEST_FILE = 100_000  # bytes; larger ones have nothing new


def labelled_crystals() -> list[ase.Atoms]:
    """Three crystals of 8 atoms with all labels, of two groups."""
    rng = np.random.default_rng(0)
    return [
        labelled(
            crystal(seed=seed),
            ("bulk", "hot")[seed % 2],
            energy=-40.0 + rng.normal(),
            forces=rng.normal(size=(8, 3)),
            stress=0.01 * rng.normal(size=6),
        )
        for seed in range(3)
    ]


def make_seeds() -> dict[str, list[Seed]]:
    """All seeds by format."""
    makers = {**POTENTIALS, **DATA, "settings": _settings, "checkpoint": _checkpoints}
    seeds: dict[str, list[Seed]] = {name: [] for name in makers}
    for name, make in makers.items():
        for write in make():
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder))
                seed = content_of(Path(folder))
            if max(map(len, seed.values())) < LARGEST_FILE:
                seeds[name].append(seed)
    return seeds


def content_of(folder: Path) -> Seed:
    """All files in a folder, and in the folders in it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def put(files: Seed, folder: Path) -> None:
    """Make a folder, which is not there yet, with this content."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def seeds_in(folder: Path) -> dict[str, list[Seed]]:
    """Further seeds: files in the folders in `folder`, known by their endings."""
    formats = fs.registry()["formats"].items()
    by_ending = {ending: name for name, endings in formats for ending in endings}
    by_ending |= {".cfg": "cfg", ".xyz": "extxyz", ".toml": "settings"}
    seeds: dict[str, list[Seed]] = {}
    for path in sorted(folder.glob("*/*")):
        name = by_ending.get(path.suffix, "")
        of_one_seed = {"snap": f"{path.stem}.snap*", "n2p2": "*.*"}.get(name, path.name)
        if name and path.suffix != ".snapparam":
            files = {p.name: p.read_bytes() for p in sorted(path.parent.glob(of_one_seed))}
            seeds.setdefault(name, []).append(files)
    return seeds


# --- potentials ---


def _potential(name: str, descriptors: list[dict], model: dict, **more) -> Write:
    def write(folder: Path) -> None:
        document = {**json.loads(make_potential(descriptors, model).to_json()), **more}
        fs.Potential.from_json(json.dumps(document)).write(folder / name)

    return write


def _forcesmith() -> Iterable[Write]:
    for _, descriptors, model in potential_cases():
        yield _potential("main.json", descriptors, model)
    terms = [{"type": "zbl", "inner": 1.0, "outer": 2.0}]
    yield _potential("main.json", descriptors, model, terms=terms)


ACE = """\
nelements=1
elements: Mg

lmax=1

embedding-function: FinnisSinclairShiftedScaled
4 FS parameters:  1.0 1.0 1.0 0.5
core energy-cutoff parameters: 100000.0 250.0
E0: 0.0

radbasename=ChebPow
nradbase=2
nradmax=1
cutoffmax=4.3
deltaSplineBins=0.001
core repulsion parameters: 40.0 7.0
radparameter= 2.0
cutoff= 4.3
dcut= 0.01
crad= 1.62 1.22 0.99 1.44
rankmax=2
ndensitymax=2

num_c_tilde_max=2
num_ms_combinations_max=2
total_basis_size_rank1: 1
ctilde_basis_func: rank=1 ndens=2 mu0=0 mu=( 0 )
n=( 1 )
l=( 0 )
num_ms=1
< 0 >:  0.5  0.25
total_basis_size: 1
ctilde_basis_func: rank=2 ndens=2 mu0=0 mu=( 0  0 )
n=( 1  1 )
l=( 1  1 )
num_ms=2
< 0  0 >:  -0.125  -0.0625
< 1  -1 >:  0.25  0.125
"""


def _ace() -> Iterable[Write]:
    yield lambda folder: (folder / "main.ace").write_text(ACE)


def _yace() -> Iterable[Write]:
    for variant in DESCRIPTORS["ace"]:
        for model in ({"type": "linear", "shared": False}, {"type": "embedding"}):
            yield _potential("main.yace", [{"type": "ace", **variant}], model)


def _mlip() -> Iterable[Write]:
    for ending in fs.registry()["formats"]["mlip"]:
        for level in (6, 8):
            moments = {**TINY, "min_distance": 1.6, "level": level}
            yield _potential(f"main{ending}", [moments], {"type": "linear"})


def _pod() -> Iterable[Write]:
    for variant in DESCRIPTORS["pod"]:
        pod = {"type": "pod", **variant}
        yield _potential("main_coeff.pod", [pod], {"type": "linear", "shared": False})


def _snap() -> Iterable[Write]:
    for variant in DESCRIPTORS["bispectrum"]:
        bispectrum = {"type": "bispectrum", **variant}
        yield _potential("main.snapcoeff", [bispectrum], {"type": "linear", "shared": False})
    bispectrum = {"type": "bispectrum", "twojmax": 3, "rcutfac": 4.3}
    yield _potential("main.snapcoeff", [bispectrum], {"type": "quadratic"})


def _snap_mliap() -> Iterable[Write]:
    for variant in DESCRIPTORS["bispectrum"]:
        potential = make_potential(
            [{"type": "bispectrum", **variant}], {"type": "linear", "shared": False}
        )
        yield partial(_mliap, potential)


def _mliap(potential: fs.Potential, folder: Path) -> None:
    write_mliap(folder / "main.mliap.model", potential)


def _n2p2() -> Iterable[Write]:
    network = {"type": "neural_network", "hidden_layers": [3], "activation": "tanh"}
    for variant in DESCRIPTORS["symmetry_functions"]:
        yield _potential("input.nn", [{"type": "symmetry_functions", **variant}], network)
    yield write_folder  # with more of n2p2's keywords


POTENTIALS = {
    "ace": _ace,
    "forcesmith": _forcesmith,
    "mlip": _mlip,
    "n2p2": _n2p2,
    "pod": _pod,
    "snap": _snap,
    "snap_mliap": _snap_mliap,
    "yace": _yace,
}
"""By the name in the registry."""


# --- data ---


def _extxyz(folder: Path) -> None:
    frames = labelled_crystals()
    frames[1].info["weight"] = 0.5
    frames[2].pbc = (True, True, False)
    ase.io.write(folder / "main.extxyz", frames)


def _fitsnap(folder: Path) -> None:
    entries = [entry_of(atoms) for atoms in labelled_crystals()]
    text = json.dumps({"Dataset": {"Data": entries, "Label": "seed", **STYLES}}, indent=1)
    (folder / "main.json").write_text(text)


def _deepmd(folder: Path) -> None:
    frames = labelled_crystals()
    frames[1].pbc = False
    del frames[1].calc.results["stress"]
    write_deepmd_folder(folder, frames, ELEMENTS)


def _pacemaker(name: str, folder: Path) -> None:
    write_pacemaker_table(folder / name, labelled_crystals())
    if not name.endswith("gzip"):  # damage to what is compressed seldom comes further than to that
        (folder / name).write_bytes(gzip.decompress((folder / name).read_bytes()))


DATA: dict[str, Callable[[], Iterable[Write]]] = {
    "ase_traj": lambda: [lambda folder: ase.io.write(folder / "main.traj", labelled_crystals())],
    "cfg": lambda: [lambda folder: write_cfg(folder / "main.cfg", labelled_crystals(), ELEMENTS)],
    "deepmd": lambda: [_deepmd],
    "extxyz": lambda: [_extxyz],
    "fitsnap": lambda: [_fitsnap],
    "n2p2_data": lambda: [lambda folder: (folder / "input.data").write_text(N2P2_DATA)],
    "pacemaker": lambda: [partial(_pacemaker, f"main.pckl{end}") for end in ("", ".gzip")],
}


# --- settings, checkpoints ---

SETTINGS = [
    """\
elements = ["Mg", "O"]

[descriptor]
type = "moment_tensor"
level = 4
cutoff = 4.0

[data]
train = ["main.extxyz@0:100", "more.cfg"]
test_fractions = { bulk = 0.5 }

[weights]
energy = 1.0
groups.bulk = { energy = 2.0, force = 0.5 }

[optimizer]
max_iterations = 2
seed = 3

[output]
potential = "main.json"
""",
    """\
descriptor = [
  { type = "bispectrum", twojmax = 2, rcutfac = 4.0, weights = { Mg = 1.0, O = 0.7 } },
  { type = "symmetry_functions", cutoff = 4.0, radial = 2, angular = 1 },
]
model = { type = "quadratic", shared = false, energy_offsets = { Mg = -1.0, O = -2.0 } }
zbl = { inner = 1.0, outer = 2.0 }
weights = { convention = "fitsnap", energy = 467.0, stress = 1e-8 }
""",
    """\
descriptor = { type = "symmetry_functions", cutoff = 4.0, radial = 2, angular = 1 }
model = { type = "neural_network", hidden_layers = [3, 2], activation = "tanh" }
data.validation_fraction = 0.3
[optimizer]
method = "adam"
max_iterations = 2
batch_size = 2
learning_rate = 3e-3
weight_decay = 1e-6
""",
]


def _settings() -> Iterable[Write]:
    return [lambda folder, text=text: (folder / "main.toml").write_text(text) for text in SETTINGS]


def network_settings(method: str, **optimizer) -> dict:
    """Of a fit that leaves a checkpoint behind."""
    return {
        "elements": ELEMENTS,
        "descriptor": {"type": "symmetry_functions", "cutoff": 4.0, "radial": 2, "angular": 1},
        "model": {"type": "neural_network", "hidden_layers": [2]},
        "optimizer": {"method": method, "threads": 1, **optimizer},
    }


def _checkpoint(method: str, folder: Path) -> None:
    settings = network_settings(method, max_iterations=2)
    # The same bytes every time.
    with mock.patch("time.monotonic", return_value=0.0), mock.patch("time.time", return_value=1e9):
        fs.fit(labelled_crystals(), settings=settings, checkpoint=folder / f"{method}.json")


def _checkpoints() -> Iterable[Write]:
    methods = ("adam", "gauss_newton", "lbfgs")
    return [lambda folder, method=method: _checkpoint(method, folder) for method in methods]
