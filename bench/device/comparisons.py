"""Does a device compute what the CPU does? In LAMMPS and in Python, over every registered
descriptor and model (those of tests/python/contract_examples.py), in both precisions.

    python bench/device/comparisons.py [--few]

is the part in Python by itself, which compute-sanitizer is put around: one JSON object per line.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ase.io
import forcesmith as fs
import numpy as np
from ase import Atoms, units
from ase.build import bulk
from forcesmith.data.batches import make_batch
from forcesmith.lammps import run

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "python"))
from contract_examples import ELEMENTS, make_potential, potential_cases, structures

TOLERANCES = {"double": 1e-10, "single": 1e-5}
"""Of a difference to the CPU in double precision, as a part of the largest number of its kind, or
of 1 eV or eV/angstrom where that is larger."""


def potentials() -> dict[str, fs.Potential]:
    return {name: graded(make_potential(d, model)) for name, d, model in potential_cases()}


def few_potentials() -> dict[str, fs.Potential]:
    """One of every descriptor, with a linear model."""
    found: dict[str, tuple] = {}
    for name, descriptors, model in potential_cases():
        if model["type"] != "linear":
            continue
        found.setdefault(descriptors[0]["type"], (name, descriptors, model))
    return {name: graded(make_potential(d, model)) for name, d, model in found.values()}


def graded(potential: fs.Potential) -> fs.Potential:
    """With any active set, unless that would be hundreds of MB."""
    rng = np.random.default_rng(0)
    sizes = [potential._core.n_features(element) for element in range(len(ELEMENTS))]
    if max(sizes) < 1000:
        rows = [rng.normal(size=(n, n)) + 3 * math.sqrt(n) * np.eye(n) for n in sizes]
        inverses = [np.linalg.inv(own) for own in rows]
        potential._core.set_active_set("linear", "neighborhoods", 2, rows, inverses, {})
    return potential


def has_grades(potential: fs.Potential) -> bool:
    return potential._core.active_set_mode is not None


def structure(n_atoms: int) -> Atoms:
    """Elements at random on a rattled lattice with vacancies; with more than 30 atoms, one of them
    alone in a vacuum."""
    rng = np.random.default_rng(n_atoms)
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True).repeat(math.ceil((n_atoms / 8) ** (1 / 3)))
    atoms.symbols = rng.choice(ELEMENTS, len(atoms))
    atoms.positions += rng.normal(0, 0.1, (len(atoms), 3))
    atoms = atoms[np.sort(rng.choice(len(atoms), n_atoms, replace=False))]
    if n_atoms > 30:
        atoms.positions[-1] = [0, 0, atoms.cell[2, 2] + 8.0]
        atoms.cell[2, 2] += 16.0
    return atoms


def differences(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, float]:
    """By quantity, the largest difference as a part of the largest number, or of 1; in three
    digits."""
    return {
        name: float(f"{np.abs(np.subtract(found[name], v)).max() / max(1.0, np.abs(v).max()):.2e}")
        for name, v in expected.items()
    }


def comparison(
    found: dict[str, Any],
    expected: dict[str, Any],
    precision: str,
    of_cpu: dict[str, Any] | None = None,
    **where: Any,
) -> dict[str, Any]:
    """of_cpu: what the CPU finds in that precision, whose differences are told beside."""
    by_quantity = differences(found, expected)
    compared = {"precision": precision, "differences": by_quantity}
    if of_cpu:
        compared["of_cpu"] = differences(of_cpu, expected)
    # not so where one is not a number
    passed = all(one <= TOLERANCES[precision] for one in by_quantity.values())
    return {**where, **compared, "passed": passed}


# ---- Python ----


def compare_in_python(few: bool = False) -> Iterator[dict[str, Any]]:
    """Structures of every kind, together in one call."""
    for name, potential in (few_potentials() if few else potentials()).items():
        configurations = list(structures(potential.cutoff).values())
        grade = has_grades(potential)
        exact = potential.evaluate(configurations, grade=grade)
        for precision in TOLERANCES:
            where = {"host": "Python", "potential": name, "ranks": 1}
            where["atoms"] = sum(map(len, configurations))
            try:
                results = potential.evaluate(
                    configurations, precision=precision, device="cuda", grade=grade
                )
                own, expected = (_numbers(r, precision == "double") for r in (results, exact))
                of_cpu = None
                if precision == "single":
                    of_cpu = _numbers(
                        potential.evaluate(configurations, precision=precision), False
                    )
                yield comparison(own, expected, precision, of_cpu, **where)
            except Exception as error:
                yield failure(error, precision=precision, **where)
        where["host"] = "Python, gradient of a fit"
        try:
            own, expected = (_gradient(potential, configurations, d) for d in ("cuda", "cpu"))
            yield comparison(own, expected, "double", **where)
        except Exception as error:
            yield failure(error, precision="double", **where)


def _gradient(
    potential: fs.Potential, configurations: Sequence[Atoms], device: str
) -> dict[str, np.ndarray]:
    """With the parameters, of a sum of energies, forces and virials with random weights."""
    batch = make_batch(configurations, ELEMENTS, potential.cutoff)
    rng = np.random.default_rng(0)
    n = len(configurations)
    bars = rng.normal(size=n), rng.normal(size=(batch.n_atoms, 3)), rng.normal(size=(n, 6))
    evaluator = fs._core.Evaluator(potential._core, device=device)
    descriptor, model = evaluator.parameter_gradient(batch, *bars)
    found = {"descriptor": descriptor, "model": model}
    return {name: gradient for name, gradient in found.items() if gradient.size}


def _numbers(results: Sequence[fs.Result], is_double: bool) -> dict[str, Any]:
    """In single precision, values at the ends of a range may round to its other side, and active
    sets may enlarge what rounding does to grades."""
    numbers = {
        name: np.concatenate([np.atleast_1d(getattr(result, name)) for result in results])
        for name in ("energy", "energies", "forces", "virial")
    }
    if is_double:
        for name in ("values_outside", "close_neighbors", "grades"):
            found = [getattr(result, name) for result in results]
            if all(one is not None for one in found):
                numbers[name] = np.concatenate(found)
    return numbers


def failure(error: Exception, **where: Any) -> dict[str, Any]:
    return {**where, "passed": False, "error": f"{type(error).__name__}: {error}"[:600]}


# ---- LAMMPS ----

ONE_RUN = """
clear
units metal
boundary p p p
read_data {structure}.data
mass * 1e12
pair_style forcesmith {keywords}
pair_coeff * * potential.json {elements}
neighbor 1.0 bin
neigh_modify every 2 delay 0 check no
compute energies all pe/atom
compute virials all stress/atom NULL pair
compute centroid all centroid/stress/atom NULL pair
compute counts all pair forcesmith
{fix}
dump 1 all custom {steps} {structure}.{variant}.txt id fx fy fz c_energies c_virials[*] &
c_centroid[*]{grades}
dump_modify 1 sort id format float %.17g
thermo_style custom step pe c_counts[1] c_counts[2] press
run 0
print "state {structure} $(pe:%.17g) $(pxx:%.17g) $(pyy:%.17g) $(pzz:%.17g) $(pxy:%.17g) &
$(pxz:%.17g) $(pyz:%.17g) $(c_counts[1]) $(c_counts[2])"
velocity all set 20 -30 10
fix 1 all nve
timestep 0.002
run {steps}
"""
PER_ATOM = {"forces": slice(1, 4), "atom energies": slice(4, 5), "atom virials": slice(5, 11)}
PER_ATOM |= {"centroid virials": slice(11, 20)}
GRADES = {"fix": "fix 2 all pair 1 forcesmith grade 1", "grades": " f_2"}


def compare_in_lammps(
    name: str,
    potential: fs.Potential,
    sizes: Sequence[int],
    folder: Path,
    *,
    ranks: int = 1,
    threads: int = 1,
    precisions: Sequence[str] = tuple(TOLERANCES),
    timeout: float,
    program: Path | None = None,
) -> list[dict[str, Any]]:
    """All that LAMMPS can ask for, at the start and after 10 steps with 5 neighbor lists; after 2
    steps of many atoms. These are so heavy that they all fly straight on: the forces of a potential
    with random parameters would carry them off, and small differences with them."""
    potential.write(folder / "potential.json")
    for size in sizes:
        ase.io.write(
            folder / f"{size}.data",
            structure(size),
            format="lammps-data",
            masses=True,
            specorder=ELEMENTS,
        )
    found = {}
    where = {"host": "LAMMPS", "potential": name}
    try:
        variants = {"cpu": "device cpu"}
        variants |= {one: f"device cuda precision {one}" for one in precisions}
        if "single" in precisions:
            variants["cpu_in_single"] = "device cpu precision single"
        for variant, keywords in variants.items():
            script = "".join(
                ONE_RUN.format(
                    structure=size,
                    variant=variant,
                    keywords=keywords,
                    elements=" ".join(ELEMENTS),
                    **(GRADES if has_grades(potential) else dict.fromkeys(GRADES, "")),
                    steps=10 if size < 10000 else 2,
                )
                for size in sizes
            )
            on_cpu = variant.startswith("cpu")
            output = run(
                script,
                folder=folder,
                ranks=1 if on_cpu else ranks,
                threads=threads if on_cpu else 1,
                program=None if on_cpu else program,
                timeout=timeout,
            )
            for size in sizes:
                found[size, variant] = _state(output.text, size, folder / f"{size}.{variant}.txt")
    except Exception as error:
        return [failure(error, precision=variant, ranks=ranks, atoms=max(sizes), **where)]
    compared = []
    for size in sizes:
        exact = found[size, "cpu"]
        for precision in precisions:
            own, of_cpu = found[size, precision], None
            if precision == "single":
                own, exact = _that_rounds(own), _that_rounds(exact)
                of_cpu = _that_rounds(found[size, "cpu_in_single"])
            compared.append(
                comparison(own, exact, precision, of_cpu, atoms=size, ranks=ranks, **where)
            )
    return compared


def _that_rounds(state: dict[str, Any]) -> dict[str, Any]:
    """As _numbers()."""
    return {name: v for name, v in state.items() if name != "counts" and "grades" not in name}


def _state(text: str, size: int, dump: Path) -> dict[str, Any]:
    [line] = [line.split()[2:] for line in text.splitlines() if line.startswith(f"state {size} ")]
    numbers = list(map(float, line))
    frames = _frames(dump, size)
    state = {"energy": numbers[:1], "pressure": numbers[1:7], "counts": numbers[7:]}
    for moment, frame in zip(("", " after some steps"), frames, strict=True):
        state |= {quantity + moment: frame[:, part] for quantity, part in PER_ATOM.items()}
        if frame.shape[1] > 20:
            state["grades" + moment] = frame[:, 20]
    dump.unlink()
    return state


def _frames(path: Path, n_atoms: int) -> np.ndarray:
    """[frame, atom, number] of a dump file."""
    frames = path.read_text().split("ITEM: ATOMS")[1:]
    found = np.array([np.loadtxt(f.split("\n")[1 : n_atoms + 1], ndmin=2) for f in frames])
    for virials in ("atom virials", "centroid virials"):  # LAMMPS has them in bar angstrom^3
        found[:, :, PER_ATOM[virials]] *= 1e5 * units.Pascal  # eV
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--few", action="store_true", help="one potential of every descriptor")
    for result in compare_in_python(parser.parse_args().few):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
