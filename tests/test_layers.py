"""Lint: the structure of the repository that no compiler checks.

Three rings: cpp/ knows neither LAMMPS nor Python; lammps_plugin/ and python/ include cpp/, never
each other. Inside cpp/ a folder includes only folders above it, and so it is with imports inside
python/forcesmith/. Then rules on what files hold.
"""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LAYERS = [
    "core",
    "simd",
    "math",
    "neighbors",
    "descriptors",
    "models",
    "extrapolation",
    "potentials",
    "fitting",
    "devices",
]
"""Folders of cpp/, each may include those before it."""
PACKAGES = [
    "data",
    "potentials",
    "extrapolation",
    "analysis",
    "training",
    "lammps",
    "engine",
    "teachers",
    "sampling",
    "learning",
    "properties",
    "cli",
]
"""Folders of python/forcesmith/, each may import those before it; all may import the modules that
lie beside them, and these no folder."""
SOURCES = {".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp"}
BUILD_FILES = {".cmake", ".json", ".toml", ".txt", ""}
# Put together, so that this file does not hold what it looks for.
FORBIDDEN_FLAGS = [
    "-march=" + "native",
    "-ffast" + "-math",
    "-mtune=" + "native",
    "--use_fast" + "_math",
]


def _tracked() -> list[Path]:
    """Files of the repository; outside of a checkout, all that is there but build products."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            capture_output=True,
            check=True,
            text=True,
        )
        paths = [REPOSITORY / line for line in listing.stdout.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        skipped = {"build", ".venv", "__pycache__", ".git", "results"}
        paths = [
            p for p in REPOSITORY.rglob("*") if not skipped & set(p.relative_to(REPOSITORY).parts)
        ]
    return sorted(path for path in paths if path.is_file())


FILES = _tracked()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text_of(path), flags=re.MULTILINE)


def sources(folder: str) -> list[Path]:
    found = [p for p in FILES if p.is_relative_to(REPOSITORY / folder) and p.suffix in SOURCES]
    found = [p for p in found if "cmake" not in p.parts]  # helpers of the build
    assert found, f"no sources in {folder}/"
    return found


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def test_folders_of_cpp_are_known():
    folders = {path.relative_to(REPOSITORY / "cpp").parts[0] for path in sources("cpp")}
    assert folders <= set(LAYERS), "give the new folder its place in LAYERS"
    assert len(folders) >= 6


def test_a_folder_of_cpp_includes_only_those_above_it():
    wrong = []
    for path in sources("cpp"):
        own = LAYERS.index(path.relative_to(REPOSITORY / "cpp").parts[0])
        for included in includes(path):
            folder = included.split("/")[0]
            if folder in LAYERS and LAYERS.index(folder) > own:
                wrong.append(f"{name(path)} includes {included}")
    assert not wrong


STANDARD = r"[a-z_]+|(dlfcn|fcntl|sys/stat|unistd)\.h"
ALLOWED_INCLUDES = {
    "cpp": STANDARD + r"|immintrin\.h|zlib\.h|Kokkos_\w+\.hpp|nlohmann/json\.hpp",
    "lammps_plugin": STANDARD + r"|mpi\.h",
    "python": STANDARD + r"|pybind11/\w+\.h",
}
"""By ring, what may come from elsewhere; beside it, files of cpp/ and of the own folder."""


@pytest.mark.parametrize("ring", ALLOWED_INCLUDES)
def test_rings(ring):
    """cpp/ knows no host, the hosts do not know each other; an include names its folder."""
    wrong = []
    for path in sources(ring):
        for included in includes(path):
            own = (REPOSITORY / "cpp" / included).is_file()
            if ring != "cpp":
                own = own or (REPOSITORY / ring / included).is_file()
                own = own or (path.parent / included).is_file()
            # LAMMPS' headers have no folder.
            own = own or (ring == "lammps_plugin" and re.fullmatch(r"[a-z_]+\.h", included))
            if ".." in included or not (own or re.fullmatch(ALLOWED_INCLUDES[ring], included)):
                wrong.append(f"{name(path)} includes {included}")
    assert not wrong


def imported_by(node: ast.AST) -> list[list[str]]:
    """Names of the modules of forcesmith that code imports, taken apart at the dots; but for those
    that only annotations need."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return [parts for child in node.orelse for parts in imported_by(child)]
    found = []
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        found = [f"{node.module}.{alias.name}" for alias in node.names]
    found = [name.split(".") for name in found]
    found = [parts for parts in found if parts[0] == "forcesmith"]
    return found + [parts for child in ast.iter_child_nodes(node) for parts in imported_by(child)]


def test_a_folder_of_the_package_imports_only_those_before_it():
    package = REPOSITORY / "python" / "forcesmith"
    modules = [path for path in FILES if path.is_relative_to(package) and path.suffix == ".py"]
    wrong = []
    folders = set()
    for path in modules:
        parts = path.relative_to(package).parts
        folders.update(parts[:-1][:1])
        own = PACKAGES.index(parts[0]) if len(parts) > 1 else -1
        for imported in imported_by(ast.parse(text_of(path))):
            # Names of the package itself come from any folder.
            module = imported[1] if len(imported) > 1 else ""
            alone = {"_core", *(one.stem for one in modules if one.parent == package)}
            if module not in alone and (module not in PACKAGES or PACKAGES.index(module) > own):
                wrong.append(f"{name(path)} imports {'.'.join(imported)}")
        lazy = path.parent == package or path.name == "__init__.py"
        if not lazy and re.search(r"\bimport_module\b|\b__import__\b", text_of(path)):
            wrong.append(f"{name(path)} imports by name")
    assert folders == set(PACKAGES), "give the new folder its place in PACKAGES"
    assert not wrong


def test_cmake_of_the_rings():
    """The core links neither Python nor LAMMPS, and the plugin no Python."""
    core, plugin, python = (
        re.sub("#.*", "", text_of(REPOSITORY / folder / "CMakeLists.txt"))
        for folder in ("cpp", "lammps_plugin", "python")
    )
    assert not re.search(r"pybind11|Python::|lammps", core, re.IGNORECASE)
    assert not re.search(r"pybind11|Python::Module", plugin)
    assert not re.search(r"lammps", python, re.IGNORECASE)


def test_core_never_starts_kokkos():
    """Front ends own its lifetime; the one place that can start it is for them. A backend of
    devices is a library of its own, with a Kokkos of its own."""
    wrong = [
        name(path)
        for path in sources("cpp")
        if re.search(r"Kokkos::(initialize|finalize|ScopeGuard)\b", text_of(path))
    ]
    assert wrong == ["cpp/core/parallel.cpp", "cpp/devices/device_backend.cpp"]
    callers = [
        name(path)
        for path in sources("cpp")
        if re.search(r"\bensure_kokkos\(", text_of(path)) and "core/" not in name(path)
    ]
    assert not callers


def test_no_flags_that_change_arithmetic_or_tie_to_a_machine():
    wrong = []
    for path in FILES:
        if path.suffix in BUILD_FILES | SOURCES | {".py", ".sh", ".yml"} and path.name != "LICENSE":
            wrong += [f"{name(path)}: {flag}" for flag in FORBIDDEN_FLAGS if flag in text_of(path)]
    assert not wrong


def test_test_data_is_small():
    data = [path for path in FILES if path.is_relative_to(REPOSITORY / "tests" / "data")]
    assert data
    assert not [name(path) for path in data if path.stat().st_size > 200_000]
    # And is made by a script beside it.
    made = {path.stem.removeprefix("make_") for path in data if path.suffix == ".py"}
    assert not [name(path) for path in data if path.suffix != ".py" and path.stem not in made]


def test_every_descriptor_has_a_slow_reference():
    import forcesmith as fs

    for descriptor in fs.registry()["descriptors"]:
        reference = REPOSITORY / "tests" / "python" / f"reference_{descriptor}.py"
        assert reference.is_file(), f"write {name(reference)}, a plain numpy implementation"
        folder = REPOSITORY / "cpp" / "descriptors" / descriptor
        assert folder.is_dir(), f"the descriptor {descriptor} lives in {name(folder)}/"


def test_python_knows_no_descriptor_or_model_by_name():
    """What is special about one it learns from the core; only settings have a default."""
    import forcesmith as fs

    registry = fs.registry()
    names = {*registry["descriptors"], *registry["models"]} - {"linear"}  # also a way to fit
    wrong = []
    for path in FILES:
        if path.suffix == ".py" and path.is_relative_to(REPOSITORY / "python" / "forcesmith"):
            for node in ast.walk(ast.parse(text_of(path))):
                if isinstance(node, ast.Constant) and node.value in names:
                    wrong.append((path.name, node.value))
    assert wrong == [("settings.py", "moment_tensor")]


def test_registry_is_alphabetical():
    """Of what registered.hpp lists, the compiler checks it."""
    text = text_of(REPOSITORY / "cpp" / "potentials" / "registry.cpp")
    entries = re.search(r"format_registry\(\) {(.*?)\n}", text, re.DOTALL)[1]
    names = re.findall(r'^ *{"(\w+)",', entries, re.MULTILINE)
    assert names and names == sorted(names)


def test_no_paths_of_this_machine():
    """Nothing refers to where somebody keeps this checkout, or to a home directory."""
    places = [re.escape(str(REPOSITORY)), r"/home/\w+", r"/Users/\w+", r"/root/\w+"]
    if str(REPOSITORY).count("/") > 1:
        places.append(re.escape(str(REPOSITORY.parent)) + "/")
    pattern = re.compile("|".join(places))
    wrong = []
    for path in FILES:
        if path == Path(__file__):
            continue
        try:
            wrong += [f"{name(path)}: {match}" for match in pattern.findall(text_of(path))]
        except UnicodeDecodeError:
            continue
    assert not wrong


def test_sources_open_with_what_they_are():
    """The first line of a source file is a comment or a docstring."""
    wrong = []
    for path in FILES:
        if path.suffix in {".hpp", ".cpp", ".py"} and path.stat().st_size > 0:
            first = text_of(path).lstrip().splitlines()[0]
            # A .cpp may leave that to the header it implements.
            own_header = any(path.with_suffix(suffix).is_file() for suffix in (".hpp", ".h"))
            if not (path.suffix == ".cpp" and own_header):
                if not first.startswith(("//", "/*", '"""', 'r"""', "#!")):
                    wrong.append(name(path))
    assert not wrong


def test_headers_are_included_once():
    missing = [
        name(path)
        for path in FILES
        if path.suffix == ".hpp" and "#pragma once" not in text_of(path).splitlines()
    ]
    assert not missing


def test_one_version():
    version = re.search('^version = "(.+)"$', text_of(REPOSITORY / "pyproject.toml"), re.MULTILINE)
    cited = re.search("^version: (.+)$", text_of(REPOSITORY / "CITATION.cff"), re.MULTILINE)
    assert cited and version and cited[1] == version[1]
    assert f"## [{version[1]}]" in text_of(REPOSITORY / "CHANGELOG.md")
