"""Which evolution of structures gives the most diverse data: dynamics, contours or dimers?

Structures of copper and gold are made from scratch, evolved in three ways by ASE's effective medium
theory, filtered by limits, and compared: by the spread of their descriptors, and by the errors of
potentials that are fitted to one of the sets, on the test data of all.

python study.py [FOLDER] [SIZE]     SIZE 1 takes about three minutes on one core
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import forcesmith as fs
from rich.console import Console

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
size = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
folder.mkdir(parents=True, exist_ok=True)
TEACHER = "emt"
DESCRIPTOR = {"type": "moment_tensor", "level": 8, "cutoff": 5.0}
EVOLUTIONS = {
    "dynamics": {"type": "molecular_dynamics", "temperature": "300:1500"},
    "contours": {"type": "contour_exploration", "energy": [0.02, 0.2]},
    "dimers": {"type": "dimer_search", "every": 10},
}

# 1. What is too close, or too far from anything worth learning, by the energies of pairs.
curves = fs.sampling.pair_curves(TEACHER, ["Cu", "Au"], folder / "pairs.extxyz")
limits = fs.sampling.Limits.of_curves(curves)
limits.write(folder / "limits.json")
fs.sampling.pair_curve_plot(curves, limits, folder / "pairs.png")
print("closest distances:", limits.distances)

# 2. Structures: crystals and alloys that are damaged, and random packings.
count = max(2, round(12 * size))
starts = fs.sampling.generate(
    {
        "output": str(folder / "structures.extxyz"),
        "structures": ["fcc Cu 3.6", "fcc Au 4.08", "cesiumchloride CuAu 3.1"],
        "samplers": [
            {
                "type": "polymorph_derived",
                "count": count,
                "cutoff": 5.0,
                "displacement": 0.05,
                "most_atoms": 40,
                "closest": 0.7,
            },
            {
                "type": "random_packing",
                "count": max(1, count // 3),
                "elements": ["Cu", "Au"],
                "fraction": [0.3, 0.6],
                "size": [1.4, 1.6],
                "most_atoms": 40,
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
            "samplers": [
                {
                    **options,
                    "name": name,
                    "teacher": TEACHER,
                    "structures": [str(folder / "structures.extxyz@:")],
                    "count": len(starts),
                    "steps": max(10, round(100 * size)),
                    "limits": str(folder / "limits.json"),
                }
            ],
        }
    ).structures
    labelled = [atoms for atoms in evolved if atoms.calc is not None]
    sets[name] = fs.sampling.filter_configurations(labelled, limits).kept
    print(f"{name}: {len(evolved)} images, {len(sets[name])} within the limits")
fs.sampling.beak_plot([a for own in sets.values() for a in own], folder / "beak.png", limits)

# 4. How widely they spread over the principal components of all of them.
found = fs.sampling.compare_diversity(sets, DESCRIPTOR)
fs.sampling.diversity_plot(found, folder / "diversity.png")
print("norms of root variances:", {name: round(found.spread(name), 3) for name in sets})

# 5. A potential of each, on the test data of all.
potentials, tests = {}, {}
for name, own in sets.items():
    train, tests[name] = fs.split(own, 0.25, seed=1)
    settings = {"descriptor": DESCRIPTOR, "optimizer": {"max_iterations": 30}}
    potentials[name] = fs.fit(train, settings=settings).potential
crossed = fs.cross_evaluate(potentials, tests)
crossed.heat_map(folder / "errors.png")
record = {"spread": found.to_dict(), "errors": crossed.to_dict()}
(folder / "record.json").write_text(json.dumps(record, indent=2))
for table in crossed.tables():
    Console().print(table)
