"""Molybdenum and silicon: potentials fitted to the data of Zuo et al., and what they are worth.

Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020).

    python study.py FOLDER

FOLDER holds Mo_train.extxyz, Mo_test.extxyz, Si_train.extxyz and Si_test.extxyz.

1. every model is fitted to the training data, energies and forces;
2. lattice constants and elastic constants by DFT are taken from strained cells in the data;
3. `forcesmith.validate`: lattice, elastic constants, vacancy, beside DFT and published values.

Everything is written to results/ beside this file. Interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import forcesmith as fs
import matplotlib
import numpy as np
from ase import Atoms
from forcesmith.progress import LineProgress
from rich.console import Console
from rich.table import Table

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CRYSTALS = {"Mo": "bcc Mo 3.17", "Si": "diamond Si 5.47"}
CUTOFF = {"Mo": 5.2, "Si": 5.0}  # angstrom
FORCE_WEIGHT = {"Mo": 0.01, "Si": 0.03}  # the energy's is 1
NETWORK = {"type": "neural_network", "hidden_layers": [16, 16], "activation": "tanh"}
MODELS = {  # descriptor without its cutoff, model, iterations
    "moment tensors, level 16": ({"type": "moment_tensor", "level": 16}, {"type": "linear"}, 150),
    "moment tensors, level 20": ({"type": "moment_tensor", "level": 20}, {"type": "linear"}, 150),
    "SNAP": ({"type": "bispectrum", "twojmax": 8}, {"type": "linear"}, 1),
    "quadratic SNAP": ({"type": "bispectrum", "twojmax": 8}, {"type": "quadratic"}, 1),
    "network": ({"type": "symmetry_functions"}, NETWORK, 200),
}
SETTINGS = {
    "properties": ["elastic_constants", "point_defects"],
    "options": {
        "lattice": {"isolated_atoms": False},
        "point_defects": {"lengths": [9.4], "interstitials": False},
    },
}
SMALL = 0.021  # strains from which elastic constants of the data are taken
console = Console(highlight=False)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of the data")
    parser.add_argument("--element", action="append", choices=sorted(CRYSTALS))
    given = parser.parse_args(arguments)
    RESULTS.mkdir(exist_ok=True)
    for element in given.element or sorted(CRYSTALS):
        train, test = (
            fs.read(given.folder / f"{element}_{part}.extxyz") for part in ("train", "test")
        )
        errors = fit_models(element, train, test)
        against = RESULTS / f"{element}-data.toml"
        against.write_text(as_published(element, dft_constants([*train, *test])))
        with LineProgress(console) as progress:
            found = fs.validate(
                [CRYSTALS[element]],
                [potential_file(element, model) for model in MODELS],
                settings=SETTINGS,
                into=RESULTS / f"{element}-validation",
                against=[against, HERE / "published.toml"],
                progress=progress.show,
            )
        rows = table_of(element, found, errors)
        (RESULTS / f"{element}.json").write_text(json.dumps(rows, indent=1) + "\n")
        show(element, rows)
    plot({path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("??.json"))})


# ---- potentials ----


def potential_file(element: str, model: str) -> Path:
    return RESULTS / f"{element} {model.replace(',', '')}.json"


def fit_models(element: str, train: fs.Dataset, test: fs.Dataset) -> dict[str, list[float]]:
    """Mean absolute errors of the test data by model: meV/atom, eV/angstrom."""
    errors = {}
    for name, (descriptor, model, iterations) in MODELS.items():
        file = potential_file(element, name)
        if not file.exists():
            key = "rcutfac" if descriptor["type"] == "bispectrum" else "cutoff"
            console.print(f"{element}: fits {name}", style="dim")
            fitted = fs.fit(
                train,
                descriptor={**descriptor, key: CUTOFF[element]},
                model=model,
                weights={"energy": 1.0, "force": FORCE_WEIGHT[element]},
                optimizer={"max_iterations": iterations},
            )
            fitted.potential.write(file)
        found = fs.errors_by_group(fs.Potential.read(file), test).total
        errors[name] = [found.energy_mae, found.force_mae]
    return errors


# ---- DFT, from the data ----


def dft_constants(data: list[Atoms]) -> dict[str, float]:
    """Lattice constant (angstrom) and elastic constants (GPa) of the cubic crystal.

    Least squares over the strained cells with strains up to SMALL, stresses as VASP prints them:
    kbar, positive in compression. Ions of the cells are where the strain puts them.
    """
    strained = [atoms for atoms in data if atoms.info.get("config_type") == "Elastic"]
    at_rest = min(strained, key=lambda atoms: np.abs(virial(atoms)).max())
    repeats = round((len(at_rest) / (8 if at_rest.symbols[0] == "Si" else 2)) ** (1 / 3))
    constant = at_rest.cell.volume ** (1 / 3) / repeats
    normal, normal_stresses, shears, shear_stresses = [], [], [], []
    for atoms in strained:
        edges = atoms.cell.array / np.round(atoms.cell.lengths() / constant)[:, None] / constant
        strain = (edges + edges.T) / 2 - np.eye(3)
        own = np.diag(strain)
        shear = np.linalg.norm(strain[[0, 0, 1], [1, 2, 2]])
        if shear < 1e-4 < np.abs(own).max() < SMALL:
            for n in range(3):
                normal.append([own[n], own.sum() - own[n]])
                normal_stresses.append(-virial(atoms)[n] / 10)
        elif 1e-4 < shear and 2 * shear < 2 * SMALL and np.abs(own).max() < 1e-3:
            shears.append(2 * shear)
            shear_stresses.append(np.linalg.norm(virial(atoms)[3:]) / 10)
    (c11, c12), *_ = np.linalg.lstsq(np.array(normal), np.array(normal_stresses), rcond=None)
    c44 = np.dot(shears, shear_stresses) / np.dot(shears, shears)
    return {"a": constant, "C11": float(c11), "C12": float(c12), "C44 of fixed ions": float(c44)}


def virial(atoms: Atoms) -> np.ndarray:
    """kbar; the order of the last three differs between the elements."""
    return np.asarray(atoms.info["virial_kbar_vasp_order"])


def as_published(element: str, constants: dict[str, float]) -> str:
    """A file for `validate`. In bcc, fixed ions are relaxed ones, by symmetry."""
    text = f'name = "DFT, from the data"\n\n[{element}.lattice]\na = {constants["a"]:.4f}\n\n'
    text += f"[{element}.elastic_constants]\n"
    text += "".join(f"{name} = {constants[name]:.1f}\n" for name in ("C11", "C12"))
    if element == "Mo":
        text += f"C44 = {constants['C44 of fixed ions']:.1f}\n"
    return text


# ---- what came of it ----


def quantities_of(element: str) -> list[tuple[str, str]]:
    """Property and quantity of what is shown."""
    constants = [("elastic_constants", name) for name in ("C11", "C12", "C44")]
    return [*constants, ("point_defects", f"vacancy {element}")]


def table_of(element: str, found: fs.Comparison, errors: dict[str, list[float]]) -> dict:
    """By column: errors, and values of all quantities."""
    columns = {potential_file(element, model).name: model for model in MODELS}
    rows: dict[str, dict] = {model: {"errors": errors[model], "values": {}} for model in MODELS}
    for name in found.properties:
        for row in found.rows(element, name):
            for who, quantity in row.values.items():
                own = rows.setdefault(columns.get(who, who), {"values": {}})
                own["values"][f"{name}: {row.quantity}"] = [quantity.value, row.unit]
    return rows


def show(element: str, rows: dict) -> None:
    names = ["lattice: a", *(f"{key}: {name}" for key, name in quantities_of(element))]
    table = Table(title=element, box=None)
    table.add_column("", no_wrap=True)
    for name in ("meV/atom", "eV/Å", *(name.partition(": ")[2] for name in names)):
        table.add_column(name, justify="right")
    for who, row in rows.items():
        cells = [f"{error:.3g}" for error in row.get("errors", [])] or ["", ""]
        for name in names:
            value = row["values"].get(name)
            cells.append(f"{value[0]:.4g}" if value else "")
        table.add_row(who, *cells)
    console.print(table)


def plot(tables: dict[str, dict]) -> None:
    """Deviations from the published values, in percent."""
    figure, axes = plt.subplots(
        1, len(tables), figsize=(5.5 * len(tables), 4), layout="constrained", squeeze=False
    )
    for (element, rows), axis in zip(tables.items(), axes[0], strict=True):
        published = rows["published DFT"]["values"]
        shown = quantities_of(element)
        width = 0.8 / (len(MODELS) + 1)
        for n, who in enumerate([*MODELS, "DFT, from the data"]):
            values = rows[who]["values"]
            bars = {
                m: 100 * (values[f"{key}: {name}"][0] / published[f"{key}: {name}"][0] - 1)
                for m, (key, name) in enumerate(shown)
                if f"{key}: {name}" in values
            }
            places = np.array(list(bars)) + (n - len(MODELS) / 2) * width
            axis.bar(places, list(bars.values()), width, label=who)
        axis.axhline(0, color="black", linewidth=0.8)
        axis.set_xticks(range(len(shown)), [name for _, name in shown])
        axis.set(title=element, ylabel="deviation from published DFT (%)")
    axes[0, -1].legend(fontsize="small")
    figure.savefig(RESULTS / "deviations.svg")
    plt.close(figure)


if __name__ == "__main__":
    main()
