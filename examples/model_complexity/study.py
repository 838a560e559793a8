"""How complex must a model be? Errors of energies and forces, of four descriptors and three models.

    python study.py [--models linear quadratic network] [--ratios 0.1 0.01 0.001 0.0001]

The question, and the systems, of A. Rohskopf and others (J. Mater. Res. 38, 5136, 2023): silicon,
solid and liquid, gallium nitride, and the superionic conductor Li10GeP2S12.

1. structures: molecular dynamics by a cheap potential;
2. labels: energies and forces by a universal potential;
3. fits: every descriptor with every model and several ratios of the weights of forces and energies;
4. table and picture.

Everything is written to results/ beside this file. Interrupted, the same command goes on; further
models are further lines of MODELS.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import ase.io
import forcesmith as fs
import matplotlib
import numpy as np
from ase import Atoms
from ase.build import bulk
from forcesmith.lammps import run as run_lammps
from forcesmith.progress import LineProgress
from rich.console import Console
from rich.table import Table

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.ticker import LogLocator  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
TEACHER = "sevennet:7net-0"
LEARNED = str(RESULTS / "learned" / "potential.json")


@dataclass(frozen=True)
class System:
    crystal: Atoms
    sampled_by: str
    """What moves the atoms: a pair style of LAMMPS, as a teacher, or the learned potential."""
    temperatures: dict[str, list[float]]
    """Of the states of the runs, K."""
    cutoff: float
    """angstrom"""
    snap: dict
    """Further settings of the descriptors: of bispectrum components, which have weights of elements
    to tell them apart,"""
    ace: dict
    """of the atomic cluster expansion,"""
    pod: dict
    """and of proper orthogonal descriptors."""


def of_lattice(atoms: Atoms, *lengths: float) -> Atoms:
    """With other lengths of the edges (angstrom)."""
    atoms.set_cell(lengths, scale_atoms=True)
    return atoms


SYSTEMS = {
    "Si": System(
        crystal=bulk("Si", a=5.46, cubic=True) * (2, 2, 2),
        sampled_by="lammps: sw Si.sw",
        temperatures={"solid": [300, 800, 1300], "liquid": [1800, 2400, 3000]},
        cutoff=5.0,
        snap={"twojmax": 6},
        ace={"total_degree": [10, 6, 4]},
        pod={"nmax": [8, 6, 4], "lmax": [0, 4, 3]},
    ),
    "GaN": System(
        crystal=bulk("GaN", "wurtzite", a=3.22, c=5.24) * (3, 3, 2),
        sampled_by="lammps: tersoff GaN.tersoff",
        temperatures={"solid": [300, 900, 1500]},
        cutoff=5.0,
        snap={"twojmax": 6, "weights": {"Ga": 1.0, "N": 0.5}},
        ace={"total_degree": [10, 6, 4]},
        pod={"nmax": [8, 6, 4], "lmax": [0, 4, 3]},
    ),
    "LGPS": System(
        crystal=of_lattice(ase.io.read(HERE / "lgps.extxyz"), 8.82, 8.82, 12.90),  # the teacher's
        sampled_by=LEARNED,
        temperatures={"solid": [300, 600, 900]},
        cutoff=5.5,
        snap={"twojmax": 6, "weights": {"Ge": 1.0, "P": 0.75, "S": 0.5, "Li": 0.25}},
        ace={"total_degree": [8, 4, 2]},
        pod={"nmax": [8, 6], "lmax": [0, 4]},
    ),
}
RUNS = {"train": 18, "test": 6}  # of every system
STRAIN = 0.02  # standard deviation of the strain a run starts with
HOT, SHRUNK = 5000, 0.98  # of the liquid: K, where melting begins; length of the cell
MELTING, EQUILIBRATION, INTERVAL = 5.0, 2.0, 0.25  # ps
IMAGES = 5  # of every run

RATIOS = [1e-3, 1e-2, 1e-4, 1e-1]  # weight of forces over weight of energies
MODELS = {
    "linear": {"type": "linear", "shared": False},
    "quadratic": {"type": "quadratic", "shared": False},
    "network": {"type": "neural_network", "hidden_layers": [16, 16], "activation": "tanh"},
}
ITERATIONS = {"gauss_newton": 100, "lbfgs": 1000}  # of networks; the latter are cheaper
SMALL = 5000  # parameters; larger networks are searched for by L-BFGS
WEIGHT_DECAY = 1e-4  # of networks, times the weight of forces
LARGEST = 2500  # columns of a quadratic model; where there are more, it is left out
PUBLISHED = {  # force errors of LGPS, MAE, meV/angstrom
    "linear SNAP": 180,
    "network SNAP": 116,
    "network SNAP, another": 85,
    "POD": 70,
    "POD + SNAP": 48,
}
console = Console(highlight=False)


DESCRIPTORS = ["SNAP", "ACE", "POD", "POD + SNAP"]


def settings_of(descriptor: str, system: System) -> list[dict]:
    own = {
        "SNAP": {"type": "bispectrum", "rcutfac": system.cutoff, **system.snap},
        "ACE": {"type": "ace", "cutoff": system.cutoff, **system.ace},
        "POD": {"type": "pod", "cutoff": system.cutoff, **system.pod},
    }
    return [own[name] for name in descriptor.split(" + ")]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--ratios", nargs="+", type=float, choices=RATIOS, default=RATIOS)
    chosen = parser.parse_args(arguments)
    data = {name: [labelled(name, part) for part in RUNS] for name in SYSTEMS}
    for kind, ratio in itertools.product(chosen.models, chosen.ratios):
        for descriptor, name in itertools.product(DESCRIPTORS, SYSTEMS):
            fit_one(name, descriptor, kind, ratio, *data[name])
        found = all_cases()
        (RESULTS / "errors.json").write_text(json.dumps(found, indent=1) + "\n")
        plot(found, RESULTS / "errors.svg")
    show(found)


# ---- data ----


def labelled(name: str, part: str) -> list[Atoms]:
    """Images of the runs, with the teacher's labels; `config_type` is the state."""
    folder = RESULTS / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{part}-configurations.extxyz"
    if not file.exists():
        console.print(f"{name}: runs of {part}", style="dim")
        if SYSTEMS[name].sampled_by == LEARNED:
            fs.learn(fs.LearnSettings.from_toml(HERE / "learn.toml"), status=console.print)
        ase.io.write(file, images(name, part))
    with LineProgress(console) as progress:
        found = fs.label(
            ase.io.read(file, ":"), TEACHER, folder / f"{part}.extxyz", progress=progress.show
        )
    return found.labelled


def images(name: str, part: str) -> list[Atoms]:
    """Of runs of all states and temperatures in turns, each from a strain of its own."""
    system = SYSTEMS[name]
    rng = np.random.default_rng(1 if part == "train" else 2)
    elements = sorted(set(system.crystal.symbols))
    if system.sampled_by == LEARNED:
        lines = ["pair_style forcesmith", f"pair_coeff * * {LEARNED} {' '.join(elements)}"]
    else:
        lines = fs.make_teacher(system.sampled_by).settings.kind().commands(elements)
    pair_style = "\n".join(lines)
    states = [(s, t) for s, temperatures in system.temperatures.items() for t in temperatures]
    found = []
    for run, (state, temperature) in zip(range(RUNS[part]), itertools.cycle(states), strict=False):
        folder = RESULTS / name / "runs" / f"{part}-{run}"
        folder.mkdir(parents=True, exist_ok=True)
        start = system.crystal.copy()
        strain = rng.normal(0.0, STRAIN, (3, 3))
        length = SHRUNK if state == "liquid" else 1.0
        shape = length * (np.eye(3) + (strain + strain.T) / 2)
        start.set_cell(start.cell.array @ shape, scale_atoms=True)
        ase.io.write(
            folder / "start.data", start, format="lammps-data", specorder=elements, masses=True
        )
        first = HOT if state == "liquid" else temperature
        steps = [round(1000 * time) for time in (MELTING, EQUILIBRATION, INTERVAL)]
        run_lammps(
            f"""
            units           metal
            box             tilt large
            read_data       start.data
            {pair_style}
            velocity        all create {2 * first} {run + 1} mom yes dist gaussian
            fix             1 all nvt temp {first} {temperature} 0.1
            run             {steps[0] if state == "liquid" else 0}
            fix             1 all nvt temp {temperature} {temperature} 0.1
            run             {steps[1]}
            reset_timestep  0
            dump            1 all custom {steps[2]} images.dump id element x y z
            dump_modify     1 element {" ".join(elements)} sort id first no
            run             {steps[2] * (IMAGES - 1)}
            """,
            folder=folder,
        )
        for atoms in ase.io.read(folder / "images.dump", ":", format="lammps-dump-text"):
            bare = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
            bare.info["config_type"] = state
            found.append(bare)
    return found


# ---- fits ----


def case_file(name: str, descriptor: str, kind: str) -> Path:
    return RESULTS / name / f"{descriptor}, {kind}.json"


def fit_one(
    name: str, descriptor: str, kind: str, ratio: float, train: list[Atoms], test: list[Atoms]
) -> None:
    """Unless it is there already, or too large."""
    if kind == "quadratic" and (columns := quadratic_columns(name, descriptor)) > LARGEST:
        console.print(f"{name}, {descriptor}, {kind}: left out, {columns} columns", style="dim")
        return
    file = case_file(name, descriptor, kind)
    case = json.loads(file.read_text()) if file.exists() else {"ratios": {}}
    if f"{ratio:g}" in case["ratios"]:
        return
    console.print(f"{name}, {descriptor}, {kind}, ratio {ratio:g}", style="dim")
    result = fs.fit(
        train,
        test,
        descriptor=settings_of(descriptor, SYSTEMS[name]),
        model=MODELS[kind],
        weights={"energy": 1.0, "force": ratio, "stress": 0.0},
        optimizer=search_of(name, descriptor, ratio) if kind == "network" else {},
        active_set={"mode": "off"},
    )
    info = result.potential.info()
    case["values"] = max(info["descriptor_values"].values())
    case["parameters"] = info["parameters"]["model"]
    case["ratios"][f"{ratio:g}"] = {
        "seconds": round(result.seconds, 1),
        "train": errors_of(result.train_errors),
        "test": errors_of(result.test_errors),
    }
    file.write_text(json.dumps(case, indent=1) + "\n")


def values_and_elements(name: str, descriptor: str) -> tuple[int, int]:
    """Numbers of them; linear models are there first."""
    linear = json.loads(case_file(name, descriptor, "linear").read_text())
    return linear["values"], len(set(SYSTEMS[name].crystal.symbols))


def quadratic_columns(name: str, descriptor: str) -> int:
    values, elements = values_and_elements(name, descriptor)
    return elements * (1 + values + values * (values + 1) // 2)


def search_of(name: str, descriptor: str, ratio: float) -> dict:
    """For a network."""
    values, elements = values_and_elements(name, descriptor)
    sizes = [values, *MODELS["network"]["hidden_layers"], 1]
    parameters = elements * sum((n + 1) * m for n, m in itertools.pairwise(sizes))
    method = "gauss_newton" if parameters <= SMALL else "lbfgs"
    return {
        "method": method,
        "max_iterations": ITERATIONS[method],
        "weight_decay": ratio * WEIGHT_DECAY,
    }


def errors_of(table: fs.ErrorTable) -> dict[str, dict[str, float]]:
    """MAE by state: energy in meV/atom, force in eV/angstrom."""
    return {
        state: {"energy": errors.energy_mae, "force": errors.force_mae}
        for state, errors in table.groups.items()
        if state != "all"
    }


# ---- what came of it ----


def all_cases() -> dict[str, dict]:
    """Those that are there, by system, descriptor and model."""
    found: dict[str, dict] = {}
    for name in SYSTEMS:
        for descriptor in DESCRIPTORS:
            for kind in MODELS:
                file = case_file(name, descriptor, kind)
                if file.exists():
                    own = found.setdefault(name, {}).setdefault(descriptor, {})
                    own[kind] = json.loads(file.read_text())
    return found


def panels() -> list[tuple[str, str]]:
    return [(name, state) for name, system in SYSTEMS.items() for state in system.temperatures]


def title(name: str, state: str) -> str:
    return f"{name}, {state}" if len(SYSTEMS[name].temperatures) > 1 else name


def curve(case: dict, state: str) -> list[tuple[float, float]]:
    """Test errors (meV/atom, meV/angstrom) in the order of the ratios."""
    ratios = sorted(case["ratios"], key=float)
    own = [case["ratios"][ratio]["test"][state] for ratio in ratios]
    return [(errors["energy"], 1000 * errors["force"]) for errors in own]


def show(found: dict) -> None:
    """Of every curve the point with the smallest product of both errors."""
    table = Table(box=None, title="energy, meV/atom / force, meV/Å (MAE)")
    table.add_column("", no_wrap=True)
    for name, state in panels():
        table.add_column(title(name, state), justify="right")
    for descriptor in DESCRIPTORS:
        for kind in MODELS:
            cells = []
            for name, state in panels():
                case = found.get(name, {}).get(descriptor, {}).get(kind)
                best = min(curve(case, state), key=np.prod) if case else None
                cells.append(f"{best[0]:.1f} / {best[1]:.0f}" if best else "")
            table.add_row(f"{descriptor}, {kind}", *cells)
    console.print(table)


def plot(found: dict, path: Path) -> None:
    """A panel for every system and state, a curve over the weights for every model."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 8.4), layout="constrained")
    styles = {"linear": ("-", "o"), "quadratic": ("--", "s"), "network": (":", "^")}
    for axis, (name, state) in zip(axes.flat, panels(), strict=False):
        for descriptor, cases in found.get(name, {}).items():
            for kind, case in cases.items():
                line, marker = styles[kind]
                axis.plot(
                    *zip(*curve(case, state), strict=True),
                    linestyle=line,
                    marker=marker,
                    markersize=4,
                    linewidth=1,
                    color=f"C{DESCRIPTORS.index(descriptor)}",
                )
        axis.set(
            xscale="log",
            yscale="log",
            xlabel="energy error (meV/atom)",
            ylabel="force error (meV/Å)",
            title=title(name, state),
        )
        if name == "LGPS":
            for published, error in PUBLISHED.items():
                axis.axhline(error, color="gray", linewidth=0.6, zorder=0)
                axis.annotate(
                    published,
                    (1.0, error),
                    (-2, 1),
                    xycoords=("axes fraction", "data"),
                    textcoords="offset points",
                    ha="right",
                    fontsize="x-small",
                    color="gray",
                )
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_locator(LogLocator(subs=(1, 2, 5)))
            one.set_major_formatter("{x:g}")
            one.set_minor_formatter("")
    handles = [
        plt.Line2D([], [], color=f"C{n}", label=descriptor)
        for n, descriptor in enumerate(DESCRIPTORS)
    ]
    handles += [
        plt.Line2D([], [], linestyle=line, marker=marker, color="gray", label=kind)
        for kind, (line, marker) in styles.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    main()
