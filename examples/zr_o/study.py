"""Which evolution of structures gives the most diverse data: dynamics, contours or dimers?

For zirconium and oxygen, as M. J. Waters and J. M. Rondinelli ask, J. Phys.: Condens. Matter 34,
385901 (2022). Structures are derived from polymorphs of Zr, Zr2O, ZrO and ZrO2, and packed by
chance; each evolves in three ways by a universal potential. Behler-Parrinello networks are fitted
to each of the three sets, and compared on the test data of all, on curves of energy against volume,
and on pairs of atoms.

python study.py [FOLDER] [SIZE] [TEACHER] [SEED]     SIZE 1 takes about 6 minutes on one core
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal
from matplotlib.figure import Figure
from rich.console import Console

CUTOFF = 6.5
EVOLUTIONS = {
    "dynamics": {"type": "molecular_dynamics", "temperature": "300:2000"},
    "contours": {"type": "contour_exploration", "energy": [0.02, 0.2]},
    "dimers": {"type": "dimer_search", "longest_step": 0.5},  # that of contours
}


def polymorphs() -> dict[str, Atoms]:
    """Crystals of the composition space, with published lattice constants (angstrom)."""
    zr2o = bulk("Zr", "hcp", a=3.23, c=5.15)
    zr2o += Atoms("O", scaled_positions=[(0, 0, 0.5)], cell=zr2o.cell)
    zr2o.positions[:2] = [(1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75)] @ zr2o.cell.array
    return {
        "hcp Zr": bulk("Zr", "hcp", a=3.23, c=5.15),
        "bcc Zr": bulk("Zr", "bcc", a=3.57, cubic=True),
        "omega Zr": crystal(
            ["Zr", "Zr"],
            [(0, 0, 0), (1 / 3, 2 / 3, 0.5)],
            spacegroup=191,
            cellpar=[5.04, 5.04, 3.136, 90, 90, 120],
        ),
        "Zr2O": zr2o,
        "rocksalt ZrO": bulk("ZrO", "rocksalt", a=4.60, cubic=True),
        "cubic ZrO2": bulk("ZrO2", "fluorite", a=5.10, cubic=True),
        "tetragonal ZrO2": crystal(
            ["Zr", "O"],
            [(0, 0, 0), (0, 0.5, 0.208)],
            spacegroup=137,
            setting=1,
            cellpar=[3.60, 3.60, 5.18, 90, 90, 90],
        ),
        "monoclinic ZrO2": crystal(
            ["Zr", "O", "O"],
            [(0.275, 0.040, 0.208), (0.070, 0.332, 0.345), (0.450, 0.757, 0.479)],
            spacegroup=14,
            cellpar=[5.15, 5.21, 5.32, 90, 99.2, 90],
        ),
        "cotunnite ZrO2": crystal(
            ["Zr", "O", "O"],
            [(0.246, 0.25, 0.110), (0.360, 0.25, 0.422), (0.025, 0.75, 0.339)],
            spacegroup=62,
            cellpar=[5.59, 3.33, 6.48, 90, 90, 90],
        ),
    }


def symmetry_functions() -> dict[str, object]:
    """136 functions of every element: 16 of pairs (G2), 120 of triples (G4).

    Gaussians about the atom whose widths are a geometric series from 0.03 to 0.8 of the cutoff,
    exponents from 1 to 32, as in the authors' scripts for Zr and O (MTD-group/amlt on GitHub, with
    9 and 7 widths); 8 and 5 widths make the published number.
    """
    elements = ["O", "Zr"]
    pairs = [
        {"type": "G2", "center": center, "neighbors": [other], "eta": eta}
        for center in elements
        for other in elements
        for eta in etas(8)
    ]
    triples = [
        {
            "type": "G4",
            "center": center,
            "neighbors": list(others),
            "eta": eta,
            "zeta": zeta,
            "lambda": sign,
        }
        for center in elements
        for others in (("O", "O"), ("O", "Zr"), ("Zr", "Zr"))
        for eta in etas(5)
        for zeta in np.geomspace(1.0, 32.0, 4).round(4).tolist()
        for sign in (1, -1)
    ]
    return {"type": "symmetry_functions", "cutoff": CUTOFF, "functions": pairs + triples}


def etas(count: int) -> list[float]:
    """Of Gaussians of so many widths, in units of the cutoff."""
    return (0.5 / np.geomspace(0.03, 0.8, count) ** 2).round(4).tolist()


def run_of(atoms: Atoms) -> int:
    """Number of the structure that an image comes from."""
    return atoms.info["origin"]["frame"]


def predicted(potential: fs.Potential, configurations: list[Atoms]) -> np.ndarray:
    """Energies per atom, eV."""
    return np.array([own.energy / len(own.energies) for own in potential.evaluate(configurations)])


def known(configurations: list[Atoms]) -> np.ndarray:
    """Energies per atom of the teacher, eV."""
    return np.array([atoms.get_potential_energy() / len(atoms) for atoms in configurations])


def error(potential: fs.Potential, configurations: list[Atoms]) -> float:
    """Root mean square of errors of energies per atom, eV."""
    errors = predicted(potential, configurations) - known(configurations)
    return float(np.sqrt(np.mean(errors**2)))


def draw_curves(
    panels: dict[str, list[Atoms]], potentials: dict[str, fs.Potential], path: Path
) -> None:
    """Energies of the teacher (dots) and of the networks."""
    figure = Figure(figsize=(12, 9), layout="constrained")
    for axes, (name, own) in zip(figure.subplots(3, 4).flat, panels.items(), strict=True):
        is_pair = own[0].info["config_type"] == "pair"
        x = [a.get_distance(0, 1) if is_pair else a.cell.volume / len(a) for a in own]
        axes.plot(x, known(own), "k.", label="teacher")
        for kind, potential in potentials.items():
            axes.plot(x, predicted(potential, own), label=kind)
        axes.set_title(name)
        axes.set_xlabel("distance (Å)" if is_pair else "volume (Å³/atom)")
        axes.set_ylabel("energy (eV/atom)")
    axes.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=80)


def main(folder: Path, size: float, teacher: str, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)

    # 1. What is too close, or too far from anything worth learning, by the energies of pairs.
    curves = fs.sampling.pair_curves(teacher, ["Zr", "O"], folder / "pairs.extxyz")
    limits = fs.sampling.Limits.of_curves(curves)
    limits.write(folder / "limits.json")
    print("limits:", limits.model_dump(exclude={"separated"}), flush=True)

    # 2. Structures: damaged and distorted polymorphs, random packings.
    crystals = polymorphs()
    ase.io.write(folder / "polymorphs.extxyz", list(crystals.values()))
    count = max(2, round(6 * size))
    starts = fs.sampling.generate(
        {
            "output": str(folder / "structures.extxyz"),
            "seed": seed,
            "structures": [str(folder / "polymorphs.extxyz@:")],
            "samplers": [
                {
                    "type": "polymorph_derived",
                    "count": count,
                    "cutoff": CUTOFF,
                    "displacement": 0.1,
                    "most_atoms": 16,
                    "closest": 0.7,
                },
                {
                    "type": "random_packing",
                    "count": max(1, count // 3),
                    "elements": ["Zr", "O"],
                    "composition": {"O": [0.2, 0.67]},
                    "fraction": [0.4, 0.6],
                    "size": [0.9, 1.1],
                    "most_atoms": 16,
                },
            ],
        }
    ).structures

    # 3. Every one of them evolves in three ways, by as many steps.
    sets = {}
    for name, options in EVOLUTIONS.items():
        evolved = fs.sampling.generate(
            {
                "output": str(folder / f"{name}.extxyz"),
                "seed": seed,
                "samplers": [
                    {
                        **options,
                        "name": name,
                        "teacher": teacher,
                        "structures": [str(folder / "structures.extxyz@:")],
                        "count": len(starts),
                        "steps": max(10, round(40 * size)),
                        "every": 2,
                        "limits": str(folder / "limits.json"),
                    }
                ],
            },
            progress=lambda line: print(line, flush=True),
        ).structures
        labelled = [atoms for atoms in evolved if atoms.calc is not None]
        sets[name] = fs.sampling.filter_configurations(labelled, limits).kept
        print(f"{name}: {len(evolved)} images, {len(sets[name])} within the limits", flush=True)
    fs.sampling.beak_plot([a for own in sets.values() for a in own], folder / "beak.png", limits)

    # 4. How widely they spread, with values divided by their standard deviations, and as they are.
    descriptor = symmetry_functions()
    found = fs.sampling.compare_diversity(sets, descriptor)
    plain = fs.sampling.compare_diversity(sets, descriptor, scaled=False)
    fs.sampling.diversity_plot(found, folder / "diversity.png")
    for one in (found, plain):
        Console().print(one.table())

    # 5. A network of each, on the test data of all: every fourth image.
    potentials, tests = {}, {}
    for name, own in sets.items():
        tests[name] = own[3::4]
        train = [atoms for n, atoms in enumerate(own) if n % 4 != 3]
        path = folder / f"{name}.json"
        if not path.exists():
            settings = {
                "elements": ["O", "Zr"],
                "descriptor": descriptor,
                "model": {"type": "neural_network", "hidden_layers": [8], "activation": "tanh"},
                "optimizer": {"max_iterations": max(3, round(100 * size))},
                "active_set": {"mode": "off"},
            }
            result = fs.fit(train, settings=settings)
            result.potential.write(path)
        potentials[name] = fs.Potential.read(path)
        print(f"{name}: {len(train)} images fitted, {len(tests[name])} for tests", flush=True)
    crossed = fs.cross_evaluate(potentials, tests)
    crossed.heat_map(folder / "errors.png")
    for table in crossed.tables():
        Console().print(table)

    # 6. Curves of energy against volume of the undamaged crystals, and of pairs.
    series = fs.sampling.VolumeSeries(
        structures=[str(folder / "polymorphs.extxyz@:")], volumes=(0.85, 1.2), points=7
    )
    volumes = fs.label(list(series.sample()), teacher, folder / "volumes.extxyz").labelled
    pairs = [atoms for atoms in fs.read(folder / "pairs.extxyz") if limits.broken_by(atoms) is None]
    curve_errors = {
        name: {"volumes": error(potential, volumes), "pairs": error(potential, pairs)}
        for name, potential in potentials.items()
    }
    print("energy RMSE of curves, eV/atom:", curve_errors)
    panels = {
        name: [atoms for atoms in volumes if run_of(atoms) == n] for n, name in enumerate(crystals)
    }
    for pair in (["O", "O"], ["O", "Zr"], ["Zr", "Zr"]):
        panels["-".join(pair)] = [atoms for atoms in pairs if sorted(atoms.symbols) == pair]
    draw_curves(panels, potentials, folder / "curves.png")
    record = {
        "starts": len(starts),
        "images": {name: len(own) for name, own in sets.items()},
        "limits": limits.model_dump(),
        "spread": {"scaled": found.to_dict(), "plain": plain.to_dict()},
        "errors": crossed.to_dict(),
        "curves": curve_errors,
    }
    for kind in record["spread"].values():
        for own in kind.values():
            own.pop("variances")
    (folder / "record.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    main(
        folder=Path(given.get(1, "results")),
        size=float(given.get(2, 1.0)),
        teacher=given.get(3, "sevennet:7net-0"),
        seed=int(given.get(4, 1)),
    )
