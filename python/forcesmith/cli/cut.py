"""forcesmith cut."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forcesmith.cli.console import err, out
from forcesmith.cli.data_sets import read_with_potential
from forcesmith.cli.options import Elements, with_label_options
from forcesmith.data.formats.extended_xyz import write_extended_xyz
from forcesmith.extrapolation.cutting import cut_fragments
from forcesmith.extrapolation.fragment_cells import Kind
from forcesmith.files import check_writable
from forcesmith.progress import LineProgress


@with_label_options
def cut(
    snapshots: Annotated[
        list[str],
        typer.Argument(
            help="Configurations of any size, as select of pair_style writes them: "
            "file or file@slice."
        ),
    ],
    potential: Annotated[Path, typer.Option(help="Potential file with an active set.")],
    into: Annotated[Path, typer.Option(help="Write the fragments to this file, .extxyz.")],
    grade_above: Annotated[
        float, typer.Option(help="Atoms with larger grades are extrapolative, above 1.")
    ] = 2.0,
    kind: Annotated[
        Kind,
        typer.Option(
            help="periodic: a small cell, of whole lattice periods in crystals; semiperiodic: "
            "periodic only where the snapshot is too thin to be cut; cluster: in vacuum."
        ),
    ] = "periodic",
    margin: Annotated[
        float, typer.Option(help="Open directions hold the cutoff and so much more, angstrom.")
    ] = 2.0,
    vacuum: Annotated[
        float, typer.Option(help="Empty space in the cell in open directions, angstrom.")
    ] = 10.0,
    most: Annotated[
        int | None, typer.Option(min=1, help="At most so many fragments, the worst ones.")
    ] = None,
    steps: Annotated[
        int, typer.Option(help="Of the relaxation around the core, at most; 0 leaves it out.")
    ] = 100,
    compute_grades: Annotated[
        bool,
        typer.Option("--compute-grades", help="Ignore the grades in the snapshots."),
    ] = False,
    elements: Elements = "",
    *,
    labels: dict[str, Any],
) -> None:
    """Cut the neighborhoods that a potential does not know out of large runs, to be labelled.

    The worst atom comes first; atoms whose neighborhood an earlier fragment holds get none of their
    own. The atom and its neighbors up to the cutoff stay as they are (move_mask in the file), the
    others are kept apart and relaxed as long as their grades fall."""
    check_writable([into])
    model, configurations = read_with_potential(potential, snapshots, elements, labels)
    with LineProgress(err) as progress:
        fragments = cut_fragments(
            configurations,
            model,
            grade_above=grade_above,
            kind=kind,
            margin=margin,
            vacuum=vacuum,
            most=most,
            steps=steps,
            compute_grades=compute_grades,
            progress=progress.show,
        )
    write_extended_xyz(into, fragments)
    sizes = [len(fragment) for fragment in fragments]
    out.print(
        f"{into}: {len(fragments)} fragment{'s' * (len(fragments) > 1)} of {min(sizes)} to "
        f"{max(sizes)} atoms",
        soft_wrap=True,
    )
