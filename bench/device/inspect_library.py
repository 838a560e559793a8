"""What can be told of libforcesmith_cuda.so without a GPU: `make cuda-check`.

    python bench/device/inspect_library.py build/cuda/cuda

Checks that the library shows one symbol and needs no other library than those that every machine
with a GPU has, and prints a table of its kernels: what the compiler said of their registers, their
stack, what it spilled, and static shared memory. Needs binutils (nm, readelf, c++filt).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tables import table

LIBRARY = "libforcesmith_cuda.so"
SHOWN = {"forcesmith_device_backend"}
NEEDED = {"libc.so.6", "libcuda.so.1", "libgcc_s.so.1", "libm.so.6", "libstdc++.so.6", "libz.so.1"}
NEEDED |= {"ld-linux-x86-64.so.2", "libdl.so.2", "libpthread.so.0", "librt.so.1"}
REGISTERS_OF_MULTIPROCESSOR, THREADS_OF_MULTIPROCESSOR = 65536, 2048


@dataclass(frozen=True, order=True)
class Kernel:
    name: str
    registers: int
    stack: int  # bytes of a thread, as the following; spills are within it
    spill_stores: int
    spill_loads: int
    shared: int  # bytes of a block

    @property
    def threads(self) -> int:
        """Threads of a multiprocessor that its registers suffice for, in warps of 32."""
        of_warp = 32 * (self.registers + 7 & ~7)  # given out in portions of 8
        return min(THREADS_OF_MULTIPROCESSOR, REGISTERS_OF_MULTIPROCESSOR // of_warp * 32)


def check(library: Path) -> list[str]:
    """Sentences on what is wrong with the library."""
    wrong = []
    symbols = _output("nm", "-D", "--defined-only", str(library)).split("\n")
    shown = {line.split()[-1] for line in symbols if line}
    if shown != SHOWN:
        wrong.append(f"{library} shows {sorted(shown)} instead of {sorted(SHOWN)}.")
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", _output("readelf", "-d", str(library))))
    if "libcuda.so.1" not in needed:
        wrong.append(f"{library} does not ask for libcuda.so.1, the driver.")
    if more := needed - NEEDED:
        wrong.append(f"{library} needs {sorted(more)}, which not every machine has.")
    return wrong


def kernels_of(folder: Path) -> list[Kernel]:
    """From the reports beside the objects (cuda/compile_with_report.sh); our own kernels only."""
    reports = {}  # an object that is built no more may have left an old one
    for path in sorted(folder.rglob("*.ptxas"), key=lambda path: path.stat().st_mtime):
        parts = re.split(r"Compiling entry function '(\w+)' for '\w+'", path.read_text())
        reports |= dict(zip(parts[1::2], parts[2::2], strict=True))
    names = _output("c++filt", stdin="\n".join(reports)).split("\n")
    kernels = []
    for (mangled, report), demangled in zip(reports.items(), names, strict=True):
        name = short_name(demangled)
        if name is None:
            continue
        own = report[report.index(f"Function properties for {mangled}") :]
        spilled = re.search(
            r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", own
        )
        registers = re.search(r"Used (\d+) registers", own)
        shared = re.search(r"(\d+) bytes smem", own)
        numbers = [*map(int, spilled.groups()), int(shared[1]) if shared else 0]
        kernels.append(Kernel(name, int(registers[1]), *numbers))
    return sorted(kernels)


def short_name(demangled: str) -> str | None:
    """Of the function object that Kokkos launches, without namespaces; None: of Kokkos itself."""
    found = re.search(
        r"Parallel(For|Reduce|Scan)<(?:Kokkos::Impl::CombinedFunctorReducer<)?", demangled
    )
    if found is None:
        return None
    functor = _up_to_comma(demangled[found.end() :])
    if not functor.startswith(("forcesmith::", "device::")):  # ncu leaves the first one out
        return None
    functor = re.sub(r"::\{lambda\(.*$", "", functor)
    if functor.endswith((")", ") const")):  # arguments of the function around a lambda
        functor = functor[: _opening_of_last(functor)]
    functor = re.sub(r"Kokkos::(Cuda|Device<.*?>),? ?", "", functor)
    functor = re.sub(r"forcesmith::(device::)?|(?<=[<, :])device::|^device::", "", functor)
    kind = "" if found[1] == "For" else f" ({found[1].lower()})"
    return functor.replace("<>", "") + kind


def _up_to_comma(text: str) -> str:
    """The first argument of a list of template arguments."""
    depth = 0
    for at, character in enumerate(text):
        if depth == 0 and character in ",>":
            return text[:at]
        depth += (character in "<({[") - (character in ">)}]")
    return text


def _opening_of_last(text: str) -> int:
    """Where the bracket opens that the last one closes."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if text[at] == "(" and depth == 0:
            return at
    return len(text)


def _output(*command: str, stdin: str = "") -> str:
    return subprocess.run(command, input=stdin, capture_output=True, check=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the build folder of the project in cuda/")
    folder = parser.parse_args().folder
    rows = [
        [k.name, k.registers, k.threads, k.stack, k.spill_stores, k.spill_loads, k.shared]
        for k in kernels_of(folder)
    ]
    header = ["kernel", "registers", "threads per multiprocessor, at most", "stack, B"]
    print(table([*header, "spill stores, B", "spill loads, B", "shared, B"], rows))
    wrong = check(folder / LIBRARY)
    print("\n".join(wrong) or f"{folder / LIBRARY} shows one symbol and needs what there is.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
