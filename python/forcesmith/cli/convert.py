"""forcesmith convert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forcesmith.cli.console import err
from forcesmith.cli.options import Elements, element_list
from forcesmith.potentials.potential import Potential


def convert(
    source: Annotated[Path, typer.Argument(help="Potential file (or folder of n2p2) to read.")],
    target: Annotated[Path, typer.Argument(help="File to write; its ending chooses the format.")],
    elements: Elements = "",
    cflength: Annotated[
        float | None,
        typer.Option(help="Units of length of an n2p2 folder per angstrom; default: bohr."),
    ] = None,
    cfenergy: Annotated[
        float | None,
        typer.Option(help="Units of energy of an n2p2 folder per eV; default: hartree."),
    ] = None,
) -> None:
    """Convert a potential between formats: .json (forcesmith), .mtp and .almtp (MLIP), .snapcoeff
    with .snapparam (LAMMPS' SNAP; a repulsion goes into a .mod file of LAMMPS commands, without one
    that of an earlier potential is removed), NAME_coeff.pod with NAME_param.pod (LAMMPS' POD),
    .yace (the atomic cluster expansion of pacemaker and FitSNAP), and folders of n2p2
    (folder/input.nn).

    LAMMPS' ML-IAP files (.mliap.model with .mliap.descriptor, SNAP with a linear or quadratic
    model), older files of the atomic cluster expansion (.ace) and RuNNer's folders are read, too.
    The content of a file tells its format."""
    model = Potential.read(
        str(source), elements=element_list(elements), cflength=cflength, cfenergy=cfenergy
    )
    model.write(str(target))
    err.print(f"{target}: {', '.join(model.elements)}, cutoff {model.cutoff:g} Å", soft_wrap=True)
