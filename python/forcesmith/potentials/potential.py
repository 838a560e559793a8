"""A potential: read, write, evaluate."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ase import Atoms

from forcesmith import _core
from forcesmith.potentials.evaluator import DeviceChoice, Evaluator
from forcesmith.potentials.result import Result

if TYPE_CHECKING:
    from forcesmith.potentials.calculator import ForcesmithCalculator


class Potential:
    """An interatomic potential. Make one with `Potential.read` or `forcesmith.fit`."""

    def __init__(self, core: _core.Potential):
        self._core = core

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        elements: Sequence[str] | None = None,
        *,
        cflength: float | None = None,
        cfenergy: float | None = None,
        active_set: bool = True,
    ) -> Potential:
        """Read a potential file.

        The content tells the format; the name counts only where it does not. Files may be
        compressed by gzip.

        Parameters
        ----------
        path
            forcesmith's .json, MLIP's .mtp and .almtp, LAMMPS' .snapcoeff and .snapparam,
            _coeff.pod and _param.pod or .mliap.model and .mliap.descriptor (either name; the other
            file lies beside it), .yace or .ace of the atomic cluster expansion, or a folder of n2p2
            or RuNNer (or its input.nn).
        elements
            Element symbols in the order of the file's species, for formats that hold none.
        cflength, cfenergy
            Factors from angstrom and eV to the units of an n2p2 folder, as in LAMMPS'
            `pair_style hdnnp`; by default those to bohr and hartree.
        active_set
            False leaves out the file with the active set, which then may be missing, or that of
            another potential.

        Raises
        ------
        ValueError
            A file that cannot be read, or that is damaged: trained coefficients that are missing,
            or energies that are not finite.

        Warns
        -----
        UserWarning
            LAMMPS commands beside SNAP files add a repulsion.
        """
        core = _core.Potential.read(
            os.fsencode(path), list(elements or []), cflength, cfenergy, active_set
        )
        _warn_of_repulsion_beside(Path(os.fspath(path)), core)
        return cls(core)

    @classmethod
    def from_json(cls, text: str, name: str = "text", trained: bool = True) -> Potential:
        """Make a potential from the text of a potential file.

        Parameters
        ----------
        text
            JSON, as `to_json` gives it.
        name
            How error messages call it.
        trained
            False for a potential that is still to be trained: coefficients may be missing, which
            are then zero, or random numbers in networks.

        Raises
        ------
        ValueError
            The text is no sound potential.
        """
        return cls(_core.Potential.from_json(text, name, trained))

    def to_json(self) -> str:
        """Text of the potential file, which `from_json` reads."""
        return self._core.to_json()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a potential file, in the format of the extension. Complete or untouched.

        LAMMPS' SNAP files cannot hold a repulsion: beside them, LAMMPS commands with it go into a
        .mod file; a potential without one removes that of an earlier potential.

        Parameters
        ----------
        path
            File. An existing folder, or `folder/input.nn`, stands for all files of a folder of
            n2p2, in bohr and hartree.

        Raises
        ------
        ValueError
            The format is not known, cannot hold the potential, or the file cannot be written.

        Warns
        -----
        UserWarning
            The format has no place for the wall where the training data end, which is left out.
        """
        self._core.write(os.fspath(path))
        if left_out := self._core.left_out_of_file(os.fspath(path)):
            warnings.warn(left_out, stacklevel=2)

    @property
    def elements(self) -> list[str]:
        """Element symbols, in the order of the potential file."""
        return self._core.elements

    @property
    def cutoff(self) -> float:
        """Largest distance at which neighbors count, angstrom."""
        return self._core.cutoff

    @property
    def has_active_set(self) -> bool:
        """Whether it knows extrapolation grades."""
        return self._core.active_set_mode is not None

    @property
    def n2p2_units(self) -> tuple[float | None, float | None]:
        """Factors cflength and cfenergy of the n2p2 folder or data it came from, or None."""
        provenance = self._core.provenance
        return provenance.get("cflength"), provenance.get("cfenergy")

    def info(self) -> dict[str, Any]:
        """What the potential is made of, as a plain dictionary.

        Returns
        -------
        dict
            Elements, cutoff (angstrom), descriptors, number of descriptor values per element,
            model, terms, number of parameters, active set (rows of its matrices), and where the
            potential comes from; without long lists of numbers.
        """
        import json

        document = json.loads(self._core.to_json())
        active_set = self._core.active_set

        def readable(section: dict[str, Any]) -> dict[str, Any]:
            """Without what only a program reads: long lists, lists of lists."""
            return {k: v for k, v in section.items() if _is_short(v, len(self.elements))}

        return {
            "elements": self.elements,
            "cutoff": self.cutoff,
            "descriptors": [readable(descriptor) for descriptor in document["descriptors"]],
            "descriptor_values": {e: self._core.size(i) for i, e in enumerate(self.elements)},
            "model": readable(document["model"]),
            **{key: document[key] for key in ("terms", "short_range") if key in document},
            "parameters": {
                "descriptors": len(self._core.descriptor_parameters),
                "model": len(self._core.model_parameters),
            },
            **({"active_set": _outline(active_set)} if active_set else {}),
            "provenance": document["provenance"],
        }

    @overload
    def evaluate(
        self,
        atoms: Atoms,
        threads: int | None = None,
        precision: str = "double",
        device: DeviceChoice = "cpu",
        grade: bool = False,
    ) -> Result: ...
    @overload
    def evaluate(
        self,
        atoms: Sequence[Atoms],
        threads: int | None = None,
        precision: str = "double",
        device: DeviceChoice = "cpu",
        grade: bool = False,
    ) -> list[Result]: ...
    def evaluate(
        self,
        atoms: Atoms | Sequence[Atoms],
        threads: int | None = None,
        precision: str = "double",
        device: DeviceChoice = "cpu",
        grade: bool = False,
    ) -> Result | list[Result]:
        """Energy, forces and stress of one configuration, or of a list of them.

        Parameters
        ----------
        atoms
            One configuration or several.
        threads
            Of the CPU. None uses all cores that OMP_NUM_THREADS allows.
        precision
            "double", or "single" for descriptors computed in single precision, which is what
            `pair_style forcesmith precision single` does.
        device
            "cuda" computes on an NVIDIA GPU, "auto" where there is one, else on the CPU. Every call
            takes the potential there anew; a calculator keeps it there.
        grade
            True for the extrapolation grades, too; the potential must have an active set.

        Returns
        -------
        Result or list of Result
            As `atoms`.

        Raises
        ------
        ValueError
            An element that the potential does not know, positions or a cell that no neighbors can
            be found in, or an energy or force that is not finite. Grades of a potential without an
            active set.
        DeviceError
            "cuda" is asked for and cannot be used, or the device fails.

        Warns
        -----
        UserWarning
            "auto" is the CPU, and why; once in a process.
        """
        evaluator = Evaluator(self, precision, device)
        if isinstance(atoms, Atoms):
            return evaluator.evaluate([atoms], threads, grade)[0]
        return evaluator.evaluate(atoms, threads, grade)

    def calculator(
        self, precision: str = "double", device: DeviceChoice = "cpu"
    ) -> ForcesmithCalculator:
        """Make an ASE calculator.

        Parameters
        ----------
        precision, device
            As in `evaluate`.

        Raises
        ------
        DeviceError
            "cuda" is asked for and cannot be used.
        """
        from forcesmith.potentials.calculator import ForcesmithCalculator

        return ForcesmithCalculator(self, precision=precision, device=device)

    def __reduce__(self) -> tuple[Callable[..., Potential], tuple[str, bytes | None]]:
        """Copies and pickles (for other processes) go through the files of the potential."""
        return _potential_of, (self.to_json(), self._core.active_set_file())

    def __repr__(self) -> str:
        return f"<Potential for {' '.join(self.elements)}, cutoff {self.cutoff:g} angstrom>"


def _outline(active_set: dict[str, Any]) -> dict[str, Any]:
    return {
        "parameters": active_set["parameters"],
        "mode": active_set["mode"],
        "rows": [len(matrix) for matrix in active_set["matrices"]],
    }


def _potential_of(text: str, active_set: bytes | None) -> Potential:
    potential = Potential.from_json(text)
    if active_set is not None:
        potential._core.read_active_set(active_set)
    return potential


def is_n2p2_potential(path: str | os.PathLike[str]) -> bool:
    """Whether a potential that could be read from `path` is a folder of n2p2, or its input.nn."""
    return os.path.isdir(path) or os.fspath(path).endswith(".nn")


def _warn_of_repulsion_beside(path: Path, core: _core.Potential) -> None:
    """SNAP files hold no repulsion; files of LAMMPS commands beside them often add one."""
    if core.provenance.get("converted_from") not in ("SNAP files", "ML-IAP files"):
        return
    stem = re.sub(r"(\.mliap)?\.\w+$", "", path.name)
    for ending in (".snap", ".mod", ".mliap"):
        commands = path.with_name(stem + ending)
        try:
            text = commands.read_text(errors="replace") if commands.is_file() else ""
        except OSError:
            continue
        text = re.sub(r"&\s*\n", " ", re.sub("#.*", "", text))
        if re.search(r"^\s*pair_style\b.*\bzbl\b", text, re.MULTILINE):
            warnings.warn(
                f"{commands} adds a repulsion (pair_style zbl), which is not part of {path.name} "
                'and not converted; add it to the .json file as "terms": [{"type": "zbl", "inner": '
                '..., "outer": ...}], or use pair_style hybrid/overlay.',
                stacklevel=3,
            )
            return


def _is_short(value: Any, n_elements: int) -> bool:
    if isinstance(value, list):
        return len(value) <= max(n_elements, 8) and not any(
            isinstance(item, (list, dict)) for item in value
        )
    return not isinstance(value, dict)
