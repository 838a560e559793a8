"""Do small force errors make good properties? Silicon, solid and liquid, by all kinds of models.

    python study.py

1. molecular dynamics of the teacher, Stillinger-Weber silicon: solid and liquid, data and test;
2. every model is fitted to the same data;
3. `forcesmith.validate`: phonons, thermal conductivity, elastic constants, radial distribution of
   the liquid;
4. errors of properties against errors of forces.

Everything is written to results/ beside this file. Interrupted, the same command goes on; further
models are further lines of MODELS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import ase.io
import forcesmith as fs
import matplotlib
import numpy as np
from ase import Atoms
from ase.build import bulk
from forcesmith.lammps import run as run_lammps
from forcesmith.progress import LineProgress
from forcesmith.properties.property import PropertyResult
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.ticker import LogLocator  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
TEACHER = "lammps: sw Si.sw"
CRYSTAL = "diamond Si 5.43"
CUTOFF = 5.0  # angstrom; the teacher's is 3.77

STATES = {  # temperatures (K) and lattice constants of 64 atoms (angstrom)
    "solid": [(t, a) for t in (300, 900, 1500) for a in (5.32, 5.43, 5.54)],
    "liquid": [(t, a) for t in (1900, 2400, 3000) for a in (5.2, 5.3, 5.4)],
}
HOT = 5000  # K, where melting begins
MELTING, EQUILIBRATION, INTERVAL = 5.0, 2.0, 0.25  # ps
SNAPSHOTS = {"train": 5, "test": 2}  # of every state
STRAINED = 20  # crystals with strains and displacements by chance, of 8 atoms, in the data

NETWORK = {"type": "neural_network", "hidden_layers": [16, 16], "activation": "tanh"}
MODELS = {  # descriptor, model; the cutoff is that of all
    "moment tensors 6": ({"type": "moment_tensor", "level": 6}, {"type": "linear"}),
    "moment tensors 8": ({"type": "moment_tensor", "level": 8}, {"type": "linear"}),
    "moment tensors 10": ({"type": "moment_tensor", "level": 10}, {"type": "linear"}),
    "moment tensors 12": ({"type": "moment_tensor", "level": 12}, {"type": "linear"}),
    "moment tensors 16": ({"type": "moment_tensor", "level": 16}, {"type": "linear"}),
    "moment tensors 8, quadratic": ({"type": "moment_tensor", "level": 8}, {"type": "quadratic"}),
    "moment tensors 8, network": ({"type": "moment_tensor", "level": 8}, NETWORK),
    "bispectrum 4": ({"type": "bispectrum", "twojmax": 4}, {"type": "linear"}),
    "bispectrum 6": ({"type": "bispectrum", "twojmax": 6}, {"type": "linear"}),
    "bispectrum 8": ({"type": "bispectrum", "twojmax": 8}, {"type": "linear"}),
    "bispectrum 4, quadratic": ({"type": "bispectrum", "twojmax": 4}, {"type": "quadratic"}),
    "bispectrum 6, quadratic": ({"type": "bispectrum", "twojmax": 6}, {"type": "quadratic"}),
    "bispectrum 6, network": ({"type": "bispectrum", "twojmax": 6}, NETWORK),
    "symmetry functions": ({"type": "symmetry_functions"}, {"type": "linear"}),
    "symmetry functions, quadratic": ({"type": "symmetry_functions"}, {"type": "quadratic"}),
    "symmetry functions, network": ({"type": "symmetry_functions"}, NETWORK),
}
ITERATIONS = 100
WEIGHTS = {"energy": 1.0, "force": 0.03, "stress": 0.1}

SETTINGS = {
    "properties": ["elastic_constants", "phonons", "thermal_conductivity", "liquid"],
    "options": {
        "lattice": {"isolated_atoms": False},
        "phonons": {"length": 10.0},
        "thermal_conductivity": {"phonon_length": 10.0, "meshes": [16.0], "temperatures": [300.0]},
        "liquid": {
            "temperature": 2000.0,
            "length": 10.0,
            "longest": 5.4,
            "timestep": 0.002,
            "melting": 4.0,
            "equilibration": 10.0,
            "duration": 60.0,
        },
    },
}
OTHER_SEED = {"liquid": {**SETTINGS["options"]["liquid"], "seed": 2}}
console = Console(highlight=False)


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    train, test = (labelled(part) for part in SNAPSHOTS)
    forces = {name: fit_model(name, train, test) for name in MODELS}
    with LineProgress(console) as progress:
        errors = property_errors(progress.show)
    rows = {name: {**forces[name], **errors[name]} for name in MODELS}
    found = {"models": rows, "noise of g(r)": errors["noise"]["g(r)"]}
    (RESULTS / "errors.json").write_text(json.dumps(found, indent=1) + "\n")
    show(found)
    plot(found, RESULTS / "errors.svg")


# ---- data ----


def labelled(part: str) -> list[Atoms]:
    """Snapshots of the teacher's dynamics, with its labels."""
    file = RESULTS / f"{part}-configurations.extxyz"
    if not file.exists():
        ase.io.write(file, [*snapshots(part), *(strained() if part == "train" else [])])
    return fs.label(ase.io.read(file, ":"), TEACHER, RESULTS / f"{part}.extxyz").labelled


def snapshots(part: str) -> list[Atoms]:
    """Of all states, at constant volume; `config_type` is "solid" or "liquid"."""
    found = []
    seed = 1 if part == "train" else 1001
    teacher = "\n".join(fs.make_teacher(TEACHER).settings.kind().commands(["Si"]))
    for kind, states in STATES.items():
        for temperature, constant in states:
            seed += 1
            folder = RESULTS / "dynamics" / f"{part}-{kind}-{temperature}K-{constant}"
            folder.mkdir(parents=True, exist_ok=True)
            ase.io.write(
                folder / "start.data",
                bulk("Si", a=constant, cubic=True) * (2, 2, 2),
                format="lammps-data",
                masses=True,
            )
            first = HOT if kind == "liquid" else temperature
            steps = [round(1000 * time) for time in (MELTING, EQUILIBRATION, INTERVAL)]
            run_lammps(
                f"""
                units           metal
                read_data       start.data
                {teacher}
                velocity        all create {2 * first} {seed} mom yes dist gaussian
                fix             1 all nvt temp {first} {temperature} 0.1
                run             {steps[0] if kind == "liquid" else 0}
                fix             1 all nvt temp {temperature} {temperature} 0.1
                run             {steps[1]}
                reset_timestep  0
                dump            1 all custom {steps[2]} snapshots.dump id element x y z
                dump_modify     1 element Si sort id first no
                run             {steps[2] * (SNAPSHOTS[part] - 1)}
                """,
                folder=folder,
            )
            own = ase.io.read(folder / "snapshots.dump", ":", format="lammps-dump-text")
            for atoms in own:
                bare = Atoms("Si64", atoms.positions, cell=atoms.cell, pbc=True)
                bare.info["config_type"] = kind
                found.append(bare)
    return found


def strained() -> list[Atoms]:
    """Small crystals out of shape: what elastic constants and phonons begin with."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(STRAINED):
        atoms = bulk("Si", a=5.43, cubic=True)
        atoms.set_cell(
            atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.02, (3, 3))), scale_atoms=True
        )
        atoms.rattle(0.05, rng=rng)
        atoms.info["config_type"] = "solid"
        found.append(atoms)
    return found


# ---- models ----


def potential_file(name: str) -> Path:
    return RESULTS / "potentials" / f"{name.replace(',', '')}.json"


def fit_model(name: str, train: list[Atoms], test: list[Atoms]) -> dict[str, float]:
    """RMS errors of forces of the solid and the liquid, eV/angstrom."""
    file = potential_file(name)
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        console.print(f"fits {name}", style="dim")
        descriptor, model = MODELS[name]
        key = "rcutfac" if descriptor["type"] == "bispectrum" else "cutoff"
        fitted = fs.fit(
            train,
            descriptor={**descriptor, key: CUTOFF},
            model=model,
            weights=WEIGHTS,
            optimizer={"max_iterations": ITERATIONS},
            active_set={"mode": "off"},
        )
        fitted.potential.write(file)
    table = fs.errors_by_group(fs.Potential.read(file), test)
    return {kind: table.groups[kind].force_rmse for kind in STATES}


# ---- properties ----


def property_errors(progress: Callable[[str], None]) -> dict[str, dict[str, float | None]]:
    """Of every model, and "noise": of the teacher itself with other velocities. None: no value."""
    files = {name: potential_file(name) for name in MODELS}
    into = RESULTS / "validation"
    found = fs.validate([CRYSTAL], list(files.values()), TEACHER, SETTINGS, into, progress=progress)
    again = {**SETTINGS, "properties": ["liquid"], "options": {**SETTINGS["options"], **OTHER_SEED}}
    noise = fs.validate([CRYSTAL], [TEACHER], None, again, RESULTS / "noise", progress=progress)

    def result(comparison: fs.Comparison, name: str, who: str) -> PropertyResult | None:
        entry = comparison.entry("Si", name, who)
        return entry.result if entry else None

    measures = {
        "phonons": ("phonons", phonon_error),
        "conductivity": ("thermal_conductivity", conductivity_error),
        "elastic constants": ("elastic_constants", elastic_error),
        "g(r)": ("liquid", pair_error),
    }
    errors: dict[str, dict[str, float | None]] = {}
    for model, file in files.items():
        errors[model] = {}
        for measure, (name, error) in measures.items():
            own, reference = (result(found, name, who) for who in (file.name, found.reference))
            errors[model][measure] = error(own, reference) if own and reference else None
    once, twice = result(found, "liquid", found.reference), result(noise, "liquid", TEACHER)
    errors["noise"] = {"g(r)": pair_error(twice, once) if once and twice else None}
    return errors


def phonon_error(own: PropertyResult, reference: PropertyResult) -> float:
    """Of all frequencies along the path, RMS, relative to that of the reference, percent."""
    ours, theirs = (
        np.concatenate([curve.y for curve in one.plots["dispersion"].curves])
        for one in (own, reference)
    )
    return float(100 * np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(theirs**2)))


def conductivity_error(own: PropertyResult, reference: PropertyResult) -> float:
    """Of the thermal conductivity at 300 K, percent."""
    ours, theirs = (one.quantities["conductivity at 300 K"].value for one in (own, reference))
    return float(100 * abs(ours / theirs - 1))


def elastic_error(own: PropertyResult, reference: PropertyResult) -> float:
    """Mean of C11, C12 and C44, percent."""
    names = ("C11", "C12", "C44")
    pairs = [(own.quantities[name].value, reference.quantities[name].value) for name in names]
    return float(100 * np.mean([abs(ours / theirs - 1) for ours, theirs in pairs]))


def pair_error(own: PropertyResult, reference: PropertyResult) -> float:
    """Of g(r), RMS over all distances beyond 2 angstrom."""
    ours, theirs = (one.plots["pairs"].curves[0] for one in (own, reference))
    far = np.array(theirs.x) > 2.0
    return float(np.sqrt(np.mean((np.array(ours.y) - np.array(theirs.y))[far] ** 2)))


# ---- what came of it ----

MEASURES = {  # property: state whose forces count, unit, what is small
    "phonons": ("solid", "%", 1.0),
    "conductivity": ("solid", "%", 10.0),
    "elastic constants": ("solid", "%", 5.0),
    "g(r)": ("liquid", "", 0.01),
}


def show(found: dict) -> None:
    table = Table(box=None)
    table.add_column("", no_wrap=True)
    for name in (*STATES, *MEASURES):
        unit = MEASURES[name][1] if name in MEASURES else "eV/Å"
        table.add_column(f"{name} {unit}", justify="right")
    for name, row in sorted(found["models"].items(), key=lambda item: item[1]["solid"]):
        cells = [f"{row[key]:.3g}" if row[key] is not None else "" for key in (*STATES, *MEASURES)]
        table.add_row(name, *cells)
    console.print(table)
    if found["noise of g(r)"]:
        console.print(f"noise of g(r): {found['noise of g(r)']:.3g}")


def plot(found: dict, path: Path) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(9, 8.4), layout="constrained")
    families = ["moment tensors", "bispectrum", "symmetry functions"]
    markers = {"linear": "o", "quadratic": "s", "network": "^"}
    for axis, (measure, (state, unit, small)) in zip(axes.flat, MEASURES.items(), strict=True):
        points = []
        for name, row in found["models"].items():
            if row[measure] is None:
                continue
            points.append((row[state], row[measure]))
            family = next(one for one in families if name.startswith(one))
            kind = name.rpartition(", ")[2] if ", " in name else "linear"
            color = f"C{families.index(family)}"
            axis.plot(*points[-1], markers[kind], color=color)
            size = name.removeprefix(family).split(",")[0].strip()
            axis.annotate(size, points[-1], (4, 4), textcoords="offset points", fontsize="x-small")
        axis.axhline(small, color="gray", linestyle="--", linewidth=0.8)
        if measure == "g(r)" and found["noise of g(r)"]:
            axis.axhline(found["noise of g(r)"], color="gray", linestyle=":", linewidth=0.8)
        rank = spearmanr(*zip(*points, strict=True)).statistic if len(points) > 2 else np.nan
        axis.set(
            xscale="log",
            yscale="log",
            xlabel=f"force error, {state} (eV/Å)",
            ylabel=f"error of {measure}" + (f" ({unit})" if unit else ""),
            title=f"{measure}: rank correlation {rank:.2f}",
        )
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_locator(LogLocator(subs=(1, 2, 5)))
            one.set_major_formatter("{x:g}")
            one.set_minor_formatter("")
    handles = [
        plt.Line2D([], [], marker="o", linestyle="", color=f"C{n}", label=family)
        for n, family in enumerate(families)
    ]
    handles += [
        plt.Line2D([], [], marker=mark, linestyle="", color="gray", label=kind)
        for kind, mark in markers.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    main()
