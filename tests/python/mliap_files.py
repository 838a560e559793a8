"""Writes ML-IAP's files, which forcesmith only reads."""

from __future__ import annotations

import json
from pathlib import Path

import forcesmith as fs


def write_mliap(path: Path, potential: fs.Potential) -> None:
    """The .mliap.model of a potential at `path`, .mliap.descriptor beside it, as FitSNAP does."""
    document = json.loads(potential.to_json())
    descriptor, model = document["descriptors"][0], document["model"]
    n = len(document["elements"])
    names = {
        "radii": "radelems",
        "weights": "welems",
        "sinner": "sinnerelems",
        "dinner": "dinnerelems",
    }
    lines = ["# required", f"nelems {n}", f"elems {' '.join(document['elements'])} "]
    for key, value in descriptor.items():
        if isinstance(value, list):
            lines.append(f"{names[key]} {' '.join(map(repr, value))}")
        elif key != "type":
            lines.append(f"{key} {int(value) if isinstance(value, bool) else value!r}")
    (path.parent / path.name.replace(".model", ".descriptor")).write_text("\n".join(lines) + "\n")
    rows = [
        [offset, *linear]
        for offset, linear in zip(model["energy_offsets"], model["coefficients"], strict=True)
    ]
    for row, triangle in zip(rows, model.get("quadratic_coefficients", []), strict=False):
        row += triangle
    numbers = "\n".join(f"{c!r} # B" for row in rows for c in row)
    path.write_text(f"# nelements ncoeff\n\n{n} {len(rows[0])}\n{numbers}\n")
