"""A potential: read, write, evaluate."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from ase import Atoms

from forcesmith import _core
from forcesmith.data.batches import make_batch, portions
from forcesmith.data.labels import describe

if TYPE_CHECKING:
    from forcesmith.potentials.calculator import ForcesmithCalculator

# The core's virial order is xx yy zz xy xz yz; ASE's Voigt order is xx yy zz yz xz xy.
VOIGT = [0, 1, 2, 5, 4, 3]


@dataclass(frozen=True)
class Result:
    """What a potential says of one configuration."""

    energy: float
    """Total energy, eV."""
    energies: np.ndarray
    """Site energies, shape (n_atoms,), eV."""
    forces: np.ndarray
    """Shape (n_atoms, 3), eV/angstrom."""
    virial: np.ndarray
    """Sum of r F, shape (6,), order xx yy zz yz xz xy, eV; positive under compression."""
    values_outside: np.ndarray | None
    """For every atom, how many descriptor values lie outside their range in the training set, shape
    (n_atoms,); None for models that do not know the ranges."""
    close_neighbors: np.ndarray | None
    """For every atom, how many neighbors are closer than any two atoms of their elements in the
    training set, shape (n_atoms,); None for potentials that do not know these distances."""
    volume: float
    """Of the cell, angstrom^3, open directions included; 0 without three lattice vectors."""

    @property
    def stress(self) -> np.ndarray | None:
        """dE/d(strain) / volume = -virial / volume, eV/angstrom^3; None without a volume.

        Shape (6,), ASE's sign (positive in tension) and order (xx yy zz yz xz xy).
        """
        return None if self.volume == 0.0 else -self.virial / self.volume


_PROCESS = os.getpid()


def worker_count(threads: int | None) -> int:
    """Threads to use: all that are there unless fewer are asked for."""
    # OpenMP's threads do not survive a fork; a child that asked for them would wait forever.
    available = _core.max_workers() if os.getpid() == _PROCESS else 1
    return available if not threads else max(1, min(int(threads), available))


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
    ) -> Potential:
        """Read a potential file.

        The content tells the format; the name counts only where it does not. Files may be
        compressed by gzip.

        Parameters
        ----------
        path
            forcesmith's .json, MLIP's .mtp and .almtp, LAMMPS' .snapcoeff and .snapparam or
            .mliap.model and .mliap.descriptor (either name; the other file lies beside it), or a
            folder of n2p2 or RuNNer (or its input.nn).
        elements
            Element symbols in the order of the file's species, for formats that hold none.
        cflength, cfenergy
            Factors from angstrom and eV to the units of an n2p2 folder, as in LAMMPS'
            `pair_style hdnnp`; by default those to bohr and hartree.

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
        core = _core.Potential.read(os.fsencode(path), list(elements or []), cflength, cfenergy)
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
            model, terms, number of parameters, and where the potential comes from; without long
            lists of numbers.
        """
        import json

        document = json.loads(self._core.to_json())

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
            "provenance": document["provenance"],
        }

    @overload
    def evaluate(
        self, atoms: Atoms, threads: int | None = None, precision: str = "double"
    ) -> Result: ...
    @overload
    def evaluate(
        self, atoms: Sequence[Atoms], threads: int | None = None, precision: str = "double"
    ) -> list[Result]: ...
    def evaluate(
        self, atoms: Atoms | Sequence[Atoms], threads: int | None = None, precision: str = "double"
    ) -> Result | list[Result]:
        """Energy, forces and stress of one configuration, or of a list of them.

        Parameters
        ----------
        atoms
            One configuration or several.
        threads
            None uses all cores that OMP_NUM_THREADS allows.
        precision
            "double", or "single" for descriptors computed in single precision, which is what
            `pair_style forcesmith precision single` does.

        Returns
        -------
        Result or list of Result
            As `atoms`.

        Raises
        ------
        ValueError
            An element that the potential does not know, positions or a cell that no neighbors can
            be found in, or an energy or force that is not finite.
        """
        if isinstance(atoms, Atoms):
            return self.evaluate([atoms], threads, precision)[0]
        results: list[Result] = []
        for configurations in portions(atoms):
            batch = make_batch(configurations, self.elements, self.cutoff, len(results))
            raw = self._core.evaluate(batch, worker_count(threads), precision)
            results += split_results(configurations, raw)
        return results

    def calculator(self, precision: str = "double") -> ForcesmithCalculator:
        """Make an ASE calculator.

        Parameters
        ----------
        precision
            As in `evaluate`.
        """
        from forcesmith.potentials.calculator import ForcesmithCalculator

        return ForcesmithCalculator(self, precision=precision)

    def __reduce__(self) -> tuple[Callable[[str], Potential], tuple[str]]:
        """Copies and pickles (for other processes) go through the text of the potential file."""
        return Potential.from_json, (self.to_json(),)

    def __repr__(self) -> str:
        return f"<Potential for {' '.join(self.elements)}, cutoff {self.cutoff:g} angstrom>"


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


def split_results(configurations: Sequence[Atoms], raw: dict[str, np.ndarray]) -> list[Result]:
    """Results per configuration from the core's arrays of a whole batch."""
    results, first = [], 0
    outside, close = raw["values_outside"], raw.get("close_neighbors")
    for atoms, virial in zip(configurations, raw["virials"], strict=True):
        rows = slice(first, first + len(atoms))
        first += len(atoms)
        energy = float(raw["energies"][rows].sum())
        if not np.isfinite(energy + raw["forces"][rows].sum()):
            raise ValueError(
                f"{describe(atoms, 'a configuration')}: the energy or a force of the potential is "
                "not finite; look for atoms much too close, and for a potential that is damaged."
            )
        results.append(
            Result(
                energy=energy,
                energies=raw["energies"][rows].copy(),
                forces=raw["forces"][rows].copy(),
                virial=virial[VOIGT],
                values_outside=None if (outside[rows] < 0).any() else outside[rows].copy(),
                close_neighbors=None if close is None else close[rows].copy(),
                volume=float(atoms.cell.volume),
            )
        )
    return results
