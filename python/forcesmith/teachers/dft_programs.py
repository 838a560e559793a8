"""Teachers that are DFT programs, through ASE's calculators: input, start and output are ASE's.

What is added here: versions and pseudopotentials for the hash, k-points by spacing, and whether the
self-consistent field has converged.
"""

from __future__ import annotations

import os
import pkgutil
import re
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.calculator import kpts2sizeandoffsets
from pydantic import Field

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.teachers.command import command_words, program_of, with_absolute_files
from forcesmith.teachers.kind import Kind, file_digest, package_version, with_files

SECONDS_TO_TELL_A_VERSION = 60
NOT_CONVERGED = "the self-consistent field has not converged"


class ProgramOptions(Section):
    command: str = ""
    """How the program is started, for example "mpirun -np {cores} pw.x"."""
    input: dict[str, Any] = {}
    """Parameters of ASE's calculator of this program."""
    pseudopotentials: dict[str, str] = {}
    """Of every element: a file of `pseudo_folder` (espresso), a folder there (vasp)."""
    pseudo_folder: str = ""
    """Where they are; vasp: the folder with potpaw_PBE in it; gpaw: that of the setups."""
    k_spacing: float | None = Field(None, gt=0.0)
    """Largest distance of k-points in periodic directions, 1/angstrom, with 2 pi in reciprocal
    vectors as VASP has it; the grid is centred at Gamma. None: as `input` says."""


class Program(Kind):
    """A DFT program, started for every configuration."""

    Options = ProgramOptions
    name: ClassVar[str]
    default_command: ClassVar[str] = ""
    install: ClassVar[str]
    version_call: ClassVar[Sequence[str]] = ()
    """Arguments with which the program tells its version."""
    version_pattern: ClassVar[str] = ""
    output: ClassVar[str]
    """File that it prints to."""

    @property
    def elements(self) -> frozenset[str] | None:
        return frozenset(self.options.pseudopotentials) or None

    def identity(self) -> dict[str, Any]:
        options = self.options.model_dump(exclude={"command", "pseudo_folder"})
        return {
            **with_files(options, self.folder)[1],
            "pseudopotentials": self.pseudopotential_digests(),
            "program": self.version(),
        }

    @property
    def command(self) -> list[str]:
        command = self.options.command or self.default_command
        return with_absolute_files(command_words(command, self.cores), self.folder)

    def version(self) -> str:
        """What the program says, or a digest of its file."""
        program = program_of(self.command, self.folder, self.name, self.install)
        if self.version_pattern:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    printed = subprocess.run(
                        [program, *self.version_call],
                        cwd=folder,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        timeout=SECONDS_TO_TELL_A_VERSION,
                    ).stdout.decode(errors="replace")
            except (OSError, subprocess.TimeoutExpired):
                printed = ""
            if found := re.search(self.version_pattern, printed):
                return found[1]
        return file_digest(program)

    @property
    def pseudo_folder(self) -> Path:
        return self.folder / self.options.pseudo_folder

    def pseudopotential_digests(self) -> dict[str, str]:
        """By element. Raises ValueError for files that are not there."""
        return {}

    def digests_in(self, files: dict[str, Path]) -> dict[str, str]:
        """Of one file per element. Raises ValueError for missing ones, or if there are none."""
        if not files:
            raise ValueError(
                f"The teacher {self.name} needs `pseudopotentials`, a table with one for each "
                "element."
            )
        for element, path in files.items():
            if not path.is_file():
                raise ValueError(
                    f"{shortened(path, 150)}: no such file; it is the pseudopotential of {element} "
                    f"of the teacher {self.name}, correct `pseudopotentials` or `pseudo_folder`."
                )
        return {element: file_digest(path) for element, path in files.items()}

    @property
    def parameters(self) -> dict[str, Any]:
        """`input`, with absolute paths."""
        return with_files(self.options.input, self.folder)[0]

    def grid(self, atoms: Atoms) -> list[int] | None:
        """Number of k-points along the three reciprocal vectors."""
        if self.options.k_spacing is None:
            return None
        size, _ = kpts2sizeandoffsets(density=1 / self.options.k_spacing, atoms=atoms)
        return [int(n) for n in size]

    def problem(self, calculator: GetPropertiesMixin | None, folder: Path) -> str | None:
        path = folder / self.output
        return self.problem_in(path.read_text(errors="replace")) if path.is_file() else None

    def problem_in(self, text: str) -> str | None:
        """What the program's output says of failure."""
        raise NotImplementedError


class Espresso(Program):
    """pw.x of Quantum ESPRESSO."""

    name = "espresso"
    default_command = "pw.x"
    install = "install Quantum ESPRESSO (Debian: apt-get install quantum-espresso), or correct it"
    version_pattern = r"Program PWSCF v\.(\S+)"
    output = "espresso.pwo"

    def pseudopotential_digests(self) -> dict[str, str]:
        files = self.options.pseudopotentials.items()
        return self.digests_in({element: self.pseudo_folder / name for element, name in files})

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        from ase.calculators.espresso import Espresso, EspressoProfile
        from ase.io.espresso_namelist.namelist import Namelist

        data = Namelist(self.parameters)
        data.to_nested("pw")
        data["control"] |= {"calculation": "scf", "tprnfor": True, "tstress": True}
        data["control"].setdefault("disk_io", "none")
        data["control"]["outdir"] = "."
        profile = EspressoProfile(shlex.join(self.command), self.pseudo_folder.absolute())
        return Espresso(
            profile=profile,
            directory=folder,
            input_data=data,
            pseudopotentials=self.options.pseudopotentials,
            kpts=self.grid(atoms),
        )

    def problem_in(self, text: str) -> str | None:
        if "convergence NOT achieved" in text:
            return NOT_CONVERGED
        if found := re.search(r"%{20,}\s*(.*?)\s*%{20,}", text, re.DOTALL):
            return shortened(found[1], 150)
        if "convergence has been achieved" not in text:
            lines = text.split() and text.strip().splitlines()
            return f"pw.x did not come to its end, its last words: {shortened(lines[-1:], 100)}"
        return None


class Vasp(Program):
    name = "vasp"
    default_command = "vasp_std"
    install = "load or install VASP, or correct `command`"
    output = "vasp.out"

    def pseudopotential_digests(self) -> dict[str, str]:
        folder = self.pseudo_folder / self._family
        names = self.options.pseudopotentials.items()
        return self.digests_in({element: folder / name / "POTCAR" for element, name in names})

    @property
    def _family(self) -> str:
        kind = str(self.parameters.get("pp", "PBE")).lower()
        return {"lda": "potpaw", "pbe": "potpaw_PBE"}.get(kind, self.parameters.get("pp", ""))

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        from ase.calculators.vasp import Vasp

        os.environ["VASP_PP_PATH"] = str(self.pseudo_folder.absolute())
        grid = self.grid(atoms)
        names = self.options.pseudopotentials.items()
        return Vasp(
            directory=str(folder),
            command=shlex.join(self.command),
            setups={element: name.removeprefix(element) for element, name in names},
            **({"kpts": grid, "gamma": True} if grid else {}),
            **{"pp": "PBE", **self.parameters},
        )

    def problem(self, calculator: GetPropertiesMixin | None, folder: Path) -> str | None:
        if calculator is None:
            return None
        return None if getattr(calculator, "converged", False) else NOT_CONVERGED


class Cp2k(Program):
    """The interactive shell of CP2K."""

    name = "cp2k"
    default_command = "cp2k.psmp -s"
    install = "install CP2K (Debian: apt-get install cp2k), or correct `command`"
    version_call = ("--version",)
    version_pattern = r"CP2K version (\S+)"
    output = "cp2k.out"

    def identity(self) -> dict[str, Any]:
        if self.options.k_spacing or self.options.pseudopotentials:
            raise ValueError(
                "The teacher cp2k takes k-points by `inp`, and pseudopotentials by "
                "`pseudo_potential` and `potential_file`, of its `input`."
            )
        return super().identity()

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        from ase.calculators.cp2k import CP2K

        return CP2K(label=str(folder / "cp2k"), command=shlex.join(self.command), **self.parameters)

    def problem_in(self, text: str) -> str | None:
        if "SCF run NOT converged" in text or "SCF run NOT CONVERGED" in text:
            return NOT_CONVERGED
        if found := re.search(r"\[ABORT\]\s*(.*?)\s*\*\s*$", text, re.MULTILINE):
            return shortened(found[1], 150)
        return None


class Gpaw(Program):
    """GPAW, in this process: with one MPI rank, `cores` threads."""

    name = "gpaw"
    install = "pip install gpaw"
    output = "gpaw.txt"

    def version(self) -> str:
        return package_version("gpaw", "gpaw", self.install)

    def pseudopotential_digests(self) -> dict[str, str]:
        if not self.options.pseudo_folder:
            return {}
        files = sorted(path for path in self.pseudo_folder.glob("*") if path.is_file())
        return {path.name: file_digest(path) for path in files}

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        if self.options.pseudo_folder:
            os.environ["GPAW_SETUP_PATH"] = str(self.pseudo_folder.absolute())
        grid = self.grid(atoms)
        kpts = {"kpts": {"size": grid, "gamma": True}} if grid else {}
        make = pkgutil.resolve_name("gpaw:GPAW")
        return make(txt=str(folder / self.output), **kpts, **self.parameters)

    def problem_in(self, text: str) -> str | None:
        unconverged = "Did not converge!" in text or "Not converged" in text
        return NOT_CONVERGED if unconverged else None


class Orca(Program):
    name = "orca"
    default_command = "orca"
    install = "install ORCA, or give its whole path as `command`"
    version_call = ("does_not_exist",)
    version_pattern = r"Program Version (\S+)"
    output = "orca.out"

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"energy", "forces"})

    def calculator(self, atoms: Atoms, folder: Path) -> GetPropertiesMixin:
        from ase.calculators.orca import ORCA, OrcaProfile

        return ORCA(
            profile=OrcaProfile(shlex.join(self.command)), directory=folder, **self.parameters
        )

    def problem_in(self, text: str) -> str | None:
        if "not fully converged" in text or "SCF NOT CONVERGED" in text:
            return NOT_CONVERGED
        if "ORCA TERMINATED NORMALLY" not in text:
            return f"orca did not come to its end, its last words: {shortened(text[-100:], 100)}"
        return None
