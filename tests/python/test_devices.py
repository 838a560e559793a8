"""Evaluations and fits on a device: numbers are those of the CPU, what cannot be is one sentence.

In place of a GPU, the same backend computes on the host (tests/CMakeLists.txt).
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from contract_examples import (
    ELEMENTS,
    crystal,
    grade_cases,
    make_potential,
    potential_cases,
    structures,
)
from forcesmith.cli import app
from forcesmith.data import batches
from forcesmith.data.batches import make_batch
from forcesmith.potentials.evaluator import DeviceChoice, core_evaluator
from forcesmith.potentials.short_range import set_short_range
from forcesmith.training import fitting
from sample_data import labelled, small_settings
from test_grades import give_active_set

CASES = {name: (descriptors, model) for name, descriptors, model in potential_cases()}
SMALL = "moment_tensor0-linear1"
SINGLE = 3e-5  # of the largest number of a configuration


@pytest.fixture(autouse=True)
def host_in_place_of_a_gpu(device_library, monkeypatch):
    monkeypatch.setenv("FORCESMITH_DEVICE_LIBRARY", str(device_library))


def potential_of(case: str, distances: float | None = None) -> fs.Potential:
    potential = make_potential(*CASES[case])
    if distances is not None:
        set_short_range(potential, np.full((2, 2), distances), wall=True)
    return potential


def configurations(cutoff: float) -> list[Atoms]:
    """Of every kind and size, one of them empty."""
    return [Atoms(), *structures(cutoff).values(), crystal(seed=3) * (2, 1, 2), Atoms("O")]


def assert_same(found: fs.Result, expected: fs.Result, rounding: float = 1e-11) -> None:
    for name in ("energies", "forces", "virial"):
        own, other = getattr(found, name), getattr(expected, name)
        assert own.shape == other.shape
        largest = np.abs(other).max(initial=1e-3)
        if name == "virial":  # its terms may cancel
            largest += np.abs(expected.forces).sum()
        np.testing.assert_allclose(own, other, rtol=0, atol=rounding * largest, err_msg=name)
    assert found.energy == pytest.approx(found.energies.sum(), rel=1e-14)
    assert found.volume == expected.volume
    for name in ("values_outside", "close_neighbors"):
        own, other = getattr(found, name), getattr(expected, name)
        assert (own is None) == (other is None), name
        if own is not None and rounding < 1e-8:
            np.testing.assert_array_equal(own, other, err_msg=name)


def test_the_device_is_used():
    """Guards the other tests: they compare two things."""
    core = potential_of(SMALL)._core
    for choice in ("cuda", "auto"):
        evaluator = fs._core.Evaluator(core, device=choice)
        assert evaluator.device.startswith("the host's processor, by Kokkos")
        assert evaluator.remark == ""
    assert fs._core.Evaluator(core).device == "cpu"


@pytest.mark.parametrize("case", CASES)
def test_results_are_those_of_the_cpu(case):
    potential = potential_of(case)
    atoms = configurations(potential.cutoff)
    on_cpu = potential.evaluate(atoms)
    for found, expected in zip(potential.evaluate(atoms, device="cuda"), on_cpu, strict=True):
        assert_same(found, expected)
    single = potential.evaluate(atoms, precision="single", device="cuda")
    for found, expected in zip(single, on_cpu, strict=True):
        assert_same(found, expected, SINGLE)
    assert any((a.forces != b.forces).any() for a, b in zip(single, on_cpu, strict=True))


@pytest.mark.parametrize("case", [SMALL, "symmetry_functions0-neural_network0"])
def test_close_neighbors_and_the_wall(case):
    potential = potential_of(case, distances=2.2)
    dense = crystal(seed=3)
    dense.rattle(0.25, seed=4)
    found, expected = (potential.evaluate(dense, device=device) for device in ("cuda", "cpu"))
    assert expected.close_neighbors.any()
    assert (expected.values_outside is not None) == ("network" in case or "embedding" in case)
    assert_same(found, expected)


GRADED = {name for name, *_ in grade_cases()}


@pytest.mark.parametrize("case", [case for case in CASES if case in GRADED])
def test_grades(case):
    potential = potential_of(case)
    give_active_set(potential, "linear")
    atoms = configurations(potential.cutoff)
    pairs = [potential.evaluate(atoms, device=device, grade=True) for device in ("cuda", "cpu")]
    for found, expected in zip(*pairs, strict=True):
        assert_same(found, expected)
        np.testing.assert_allclose(found.grades, expected.grades, rtol=1e-8)
        assert found.configuration_grade == found.grades.max(initial=0.0)
    for found, expected in zip(potential.evaluate(atoms, device="cuda"), pairs[1], strict=True):
        assert found.grades is None
        assert_same(found, expected)


def test_grades_are_those_of_the_true_positions():
    """The wall moves neighbors for descriptors."""
    potential = potential_of(SMALL, distances=2.2)
    give_active_set(potential, "linear")
    dense = crystal(seed=3)
    dense.rattle(0.25, seed=4)
    found, expected = (
        potential.evaluate(dense, device=device, grade=True) for device in ("cuda", "cpu")
    )
    assert expected.close_neighbors.any()
    assert_same(found, expected)
    np.testing.assert_allclose(found.grades, expected.grades, rtol=1e-8)


def test_grades_follow_the_active_set():
    potential = potential_of(SMALL)
    evaluator = core_evaluator(potential._core, device="cuda")
    batch = make_batch([crystal()], potential.elements, potential.cutoff)
    found = []
    for seed in (0, 1):
        give_active_set(potential, "linear", seed=seed)
        found.append(evaluator.evaluate(batch, grades=True)["grades"])
        expected = potential.evaluate(crystal(), grade=True).grades
        np.testing.assert_allclose(found[-1], expected, rtol=1e-8)
    assert not np.allclose(*found)
    sentence = 'parameters "linear" and the mode "neighborhoods".* use the device cpu'
    for change in (
        lambda: give_active_set(potential, "all"),
        lambda: setattr(potential._core, "model_parameters", potential._core.model_parameters),
    ):
        change()
        with pytest.raises(fs.DeviceError, match=sentence):
            evaluator.evaluate(batch, grades=True)


def test_terms():
    document = json.loads(potential_of(SMALL).to_json())
    document["terms"] = [{"type": "zbl", "inner": 1.4, "outer": 3.9}]
    potential = fs.Potential.from_json(json.dumps(document))
    assert_same(potential.evaluate(crystal(), device="cuda"), potential.evaluate(crystal()))


def test_many_configurations_go_in_portions(monkeypatch):
    potential = potential_of(SMALL)
    atoms = configurations(potential.cutoff)
    at_once = potential.evaluate(atoms, device="cuda")
    monkeypatch.setattr(batches, "ATOMS_PER_PORTION", 20)
    assert len(list(batches.portions(atoms))) > 2
    for found, expected in zip(potential.evaluate(atoms, device="cuda"), at_once, strict=True):
        assert_same(found, expected)
    assert potential.evaluate([], device="cuda") == []


@pytest.mark.parametrize("device", typing.get_args(DeviceChoice))
def test_an_evaluator_follows_the_potential(device):
    potential = potential_of("moment_tensor0-neural_network0")
    core = potential._core
    evaluator = fs._core.Evaluator(core, device=device)
    batch = make_batch([crystal()], ELEMENTS, potential.cutoff)
    found = [evaluator.evaluate(batch)]

    def changed():
        own = evaluator.evaluate(batch)
        fresh = fs._core.Evaluator(fs.Potential.from_json(potential.to_json())._core)
        np.testing.assert_allclose(own["forces"], fresh.evaluate(batch)["forces"], rtol=1e-9)
        assert np.abs(own["energies"] - found[-1]["energies"]).max() > 1e-3
        found.append(own)

    core.model_parameters = core.model_parameters * 1.1
    changed()
    core.descriptor_parameters = core.descriptor_parameters * 0.9
    changed()
    core.set_energy_offsets([1.0, 2.0])
    changed()
    sizes = [core.size(0), core.size(1)]
    core.standardize_inputs(*([np.full(n, x) for n in sizes] for x in (0.1, 0.2, -1.0, 1.0)))
    changed()
    set_short_range(potential, np.full((2, 2), 2.4), wall=True)
    changed()
    assert "close_neighbors" in found[-1]
    core.short_range = None
    changed()


# --- the calculator ---


def test_relaxation():
    ends = {}
    for device in ("cpu", "cuda"):
        atoms = crystal()
        atoms.calc = fs.Potential.from_json(potential_of(SMALL).to_json()).calculator(device=device)
        BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3, steps=10)
        ends[device] = atoms
    assert np.abs(ends["cpu"].positions - crystal().positions).max() > 0.01
    np.testing.assert_allclose(ends["cuda"].positions, ends["cpu"].positions, atol=1e-8)
    np.testing.assert_allclose(ends["cuda"].get_stress(), ends["cpu"].get_stress(), atol=1e-8)


def test_calculators_are_copied():
    atoms = crystal()
    atoms.calc = potential_of(SMALL).calculator("single", device="cuda")
    expected = atoms.get_forces()
    for other in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc))):
        atoms.calc = other
        other.reset()
        np.testing.assert_allclose(atoms.get_forces(), expected, rtol=1e-6, atol=1e-6)
        assert other._evaluator._core.device != "cpu"


# --- training ---


def gradient_input(potential: fs.Potential, atoms: list[Atoms], seed: int = 0) -> tuple:
    """A batch, and random weights of what its potential says."""
    batch = make_batch(atoms, potential.elements, potential.cutoff)
    rng = np.random.default_rng(seed)
    n = len(atoms)
    bars = rng.normal(size=n), rng.normal(size=(batch.n_atoms, 3)), rng.normal(size=(n, 6))
    return batch, bars


def assert_same_gradients(found: tuple, expected: tuple) -> None:
    for own, other in zip(found, expected, strict=True):
        assert own.shape == other.shape
        assert np.linalg.norm(own - other) <= 1e-10 * np.linalg.norm(other)


@pytest.mark.parametrize("case", CASES)
def test_training_gradient(case):
    potential = potential_of(case)
    core = potential._core
    on_cpu, on_device = (fs._core.Evaluator(core, device=device) for device in ("cpu", "cuda"))
    batch, bars = gradient_input(potential, configurations(potential.cutoff))
    expected = on_cpu.parameter_gradient(batch, *bars)
    assert_same_gradients(on_device.parameter_gradient(batch, *bars), expected)
    assert all(np.linalg.norm(part) > 0.1 for part in expected if part.size)
    rows = on_device.parameter_gradients(batch, *bars)
    assert_same_gradients((rows,), (on_cpu.parameter_gradients(batch, *bars),))
    assert_same_gradients((rows.sum(axis=0),), (np.concatenate(expected),))
    core.model_parameters = core.model_parameters * 1.1
    core.descriptor_parameters = core.descriptor_parameters * 0.9
    changed = on_cpu.parameter_gradient(batch, *bars)
    assert_same_gradients(on_device.parameter_gradient(batch, *bars), changed)
    assert_same_gradients(
        (on_device.evaluate(batch)["forces"],), (on_cpu.evaluate(batch)["forces"],)
    )


def test_neighbors_that_stay_on_the_device():
    potential = potential_of(SMALL)
    on_cpu, on_device = (
        fs._core.Evaluator(potential._core, device=device) for device in ("cpu", "cuda")
    )
    atoms = configurations(potential.cutoff)
    inputs = [
        gradient_input(potential, part, seed) for seed, part in enumerate((atoms, atoms[1:3]))
    ]
    inputs.append(gradient_input(potential, atoms[2:5], 3))
    for batch, _ in inputs[:2]:
        on_device.keep(batch)
    for _ in range(2):
        for batch, bars in inputs:
            for name in ("forces", "energies"):
                found, expected = (e.evaluate(batch)[name] for e in (on_device, on_cpu))
                np.testing.assert_allclose(found, expected, atol=1e-10)
            found, expected = (e.parameter_gradient(batch, *bars) for e in (on_device, on_cpu))
            assert_same_gradients(found, expected)


FITS = {
    "network by L-BFGS": ({"type": "neural_network", "hidden_layers": [6]}, {"method": "lbfgs"}),
    "network by Gauss-Newton": ({"type": "neural_network", "hidden_layers": [3]}, {}),
    "network by Adam": (
        {"type": "neural_network", "hidden_layers": [6]},
        {"method": "adam", "batch_size": 3},
    ),
    "linear": ({"type": "linear"}, {}),
}


def small_fit(
    crystals, name: str, device: str, iterations: int = 4, checkpoint=None, **optimizer
) -> fs.FitResult:
    model, method = FITS[name]
    optimizer = {**method, "device": device, "max_iterations": iterations, **optimizer}
    return fs.fit(
        crystals[:8],
        crystals[8:],
        elements=["Cu"],
        descriptor=small_settings()["descriptor"],
        model=model,
        optimizer=optimizer,
        checkpoint=checkpoint,
    )


def losses(result: fs.FitResult) -> list[float]:
    return [row["loss"] for row in result.history]


@pytest.mark.parametrize("name", FITS)
def test_fits(crystals, name, monkeypatch):
    used = []

    def watched(*arguments, **options):
        used.append(core_evaluator(*arguments, **options))
        return used[-1]

    monkeypatch.setattr(fitting, "core_evaluator", watched)
    on_cpu, on_device = (small_fit(crystals, name, device) for device in ("cpu", "cuda"))
    assert [evaluator.device == "cpu" for evaluator in used] == [True, False]
    assert len(set(losses(on_cpu))) > 2
    # Forward differences of energies and forces enlarge what rounding makes different.
    relative = 1e-3 if name == "linear" else 1e-6
    np.testing.assert_allclose(losses(on_device), losses(on_cpu), rtol=relative)
    found, expected = (result.test_errors.to_dict()["all"] for result in (on_device, on_cpu))
    assert found["force_rmse"] == pytest.approx(expected["force_rmse"], rel=relative)
    assert "device" not in on_device.potential.info()["provenance"]["optimizer"]


def test_a_fit_goes_on_elsewhere(crystals, tmp_path):
    name = "network by L-BFGS"
    whole = small_fit(crystals, name, "cpu", 6)
    for first, then in (("cpu", "cuda"), ("cuda", "cpu")):
        file = tmp_path / f"{first}.json"
        small_fit(crystals, name, first, 3, checkpoint=file)
        resumed = small_fit(crystals, name, then, 6, checkpoint=file, resume=True)
        np.testing.assert_allclose(losses(resumed), losses(whole), rtol=1e-5)


def test_fits_on_other_devices_are_refused(crystals):
    with pytest.raises(ValueError, match='"optimizer.device" in the settings is wrong: .*cuda'):
        small_fit(crystals, "linear", "gpu")


# --- the command line ---


def test_command_line(tmp_path, monkeypatch, capsys):
    potential = potential_of(SMALL)
    potential.write(tmp_path / "mgo.json")
    ase.io.write(tmp_path / "data.extxyz", [labelled(crystal(seed=s), energy=1.0) for s in (1, 2)])

    def printed(*options: str) -> dict:
        files = [str(tmp_path / "mgo.json"), str(tmp_path / "data.extxyz")]
        monkeypatch.setattr(sys, "argv", ["forcesmith", "evaluate", *files, "--json", *options])
        with pytest.raises(SystemExit) as stop:
            app.main()
        assert not stop.value.code
        return json.loads(capsys.readouterr().out)

    on_cpu = printed()
    for device in ("cuda", "auto"):
        found = printed("--device", device)
        assert found["all"]["energy_rmse"] == pytest.approx(on_cpu["all"]["energy_rmse"], rel=1e-9)


# --- what cannot be ---


def test_other_words_for_a_device_are_refused(monkeypatch, capsys):
    with pytest.raises(ValueError, match='must be auto, cpu or cuda, not "gpu"'):
        potential_of(SMALL).evaluate(crystal(), device="gpu")
    with pytest.raises(ValueError, match='must be auto, cpu or cuda, not "GPU"'):
        potential_of(SMALL).calculator(device="GPU")
    monkeypatch.setattr(sys, "argv", ["forcesmith", "evaluate", "a.json", "b", "--device", "gpu"])
    with pytest.raises(SystemExit) as stop:
        app.main()
    assert stop.value.code == app.INPUT_ERROR
    assert "gpu" in capsys.readouterr().err


FALLBACK = """
import json, sys, warnings
import forcesmith as fs
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
labelled = atoms.copy()
labelled.rattle(0.1)
labelled.calc = SinglePointCalculator(labelled, energy=-1.0, forces=0.1 * labelled.positions)
potential = fs.Potential.read(sys.argv[1])
try:
    potential.calculator(device="cuda")
    said = None
except fs.DeviceError as error:
    assert isinstance(error, RuntimeError)
    said = str(error)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    energies = [potential.evaluate(atoms, device=d).energy for d in ("auto", "auto", "cpu")]
    potential.calculator(device="auto")
    for device in ("auto", "cuda"):
        try:
            fs.fit([labelled], descriptor={"level": 4, "cutoff": 4.3}, optimizer={"device": device})
        except fs.DeviceError as error:
            assert device == "cuda" and str(error) == said
        else:
            assert device == "auto"
print(json.dumps({"said": said, "warned": [str(w.message) for w in caught], "energies": energies}))
"""


def in_new_process(script: str, *arguments: object, **environment: str | None) -> dict:
    """What the last line that it prints says. environment: None takes a variable away."""
    own = {k: v for k, v in {**os.environ, **environment}.items() if v is not None}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=own,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def small_file(tmp_path) -> Path:
    potential_of(SMALL).write(tmp_path / "mgo.json")
    return tmp_path / "mgo.json"


def fallback(small_file: Path, **environment: str | None) -> str:
    """The sentence of a device that cannot be used; "auto" says the same, once, and goes on."""
    found = in_new_process(FALLBACK, small_file, **environment)
    sentence = found["said"]
    assert found["warned"] == [f'The device "auto" is the CPU here: {sentence}']
    assert len(found["warned"][0]) <= 300
    assert found["energies"][0] == found["energies"][1] == found["energies"][2] != 0.0
    assert sentence.endswith("or use the device cpu.")
    assert "\n" not in sentence
    return sentence


def test_installed_without_cuda(small_file):
    package = Path(fs.__file__).parent
    if list(package.rglob("libforcesmith_cuda.so")):
        pytest.skip("installed with CUDA")
    sentence = fallback(small_file, FORCESMITH_DEVICE_LIBRARY=None)
    assert "installed without CUDA" in sentence
    assert "FORCESMITH_CUDA=ON" in sentence


def build_name(library: Path) -> bytes:
    """Version and hash of the sources."""
    [name] = re.findall(
        re.escape(fs.__version__).encode() + rb"\+[0-9a-f]{12}(?=\0)", library.read_bytes()
    )
    return name


@pytest.mark.parametrize("kind", ["missing", "text", "foreign", "other version", "other sources"])
def test_libraries_that_cannot_be_used(small_file, tmp_path, device_library, kind):
    library = tmp_path / "lib.so"
    if kind == "text":
        library.write_text("no library")
    elif kind == "foreign":
        shutil.copy(fs._core.__file__, library)  # a library, without that function
    elif kind == "other version":
        name = build_name(device_library)
        library.write_bytes(device_library.read_bytes().replace(name, b"9" + name[1:]))
    elif kind == "other sources":
        name = build_name(device_library)
        other = name[:-1] + (b"0" if name.endswith(b"1") else b"1")
        library.write_bytes(device_library.read_bytes().replace(name, other))
    sentence = fallback(small_file, FORCESMITH_DEVICE_LIBRARY=str(library))
    assert str(library) in sentence
    expected = {"missing": "cannot be opened", "text": "cannot be opened"}
    assert expected.get(kind, "of another build than the rest") in sentence
    assert "install forcesmith anew" in sentence


def test_the_backend_says_why(small_file):
    problem = "There is no CUDA device on this machine; look at nvidia-smi, or use the device cpu."
    assert fallback(small_file, FORCESMITH_TEST_DEVICE_PROBLEM=problem) == problem


def test_command_line_without_a_device(small_file, tmp_path):
    ase.io.write(tmp_path / "data.extxyz", [labelled(crystal(seed=1), energy=1.0)])
    command = [Path(sys.executable).with_name("forcesmith"), "evaluate", small_file]
    command += [tmp_path / "data.extxyz", "--json", "--device"]
    environment = {**os.environ, "FORCESMITH_DEVICE_LIBRARY": "/nowhere.so", "COLUMNS": "400"}

    def run(device: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*command, device], env=environment, capture_output=True, text=True, timeout=300
        )

    refused = run("cuda")
    assert refused.returncode == app.INPUT_ERROR
    assert refused.stdout == ""
    assert refused.stderr.startswith("forcesmith: The CUDA part of forcesmith, /nowhere.so, cannot")
    assert refused.stderr.count("\n") == 1
    done = run("auto")
    assert done.returncode == 0
    assert done.stderr.count('warning: The device "auto" is the CPU here: The CUDA part') == 1
    assert json.loads(done.stdout) == json.loads(run("cpu").stdout)


MEMORY = """
import json, resource, sys
import forcesmith as fs, numpy as np
from forcesmith.data.batches import make_batch
from ase.build import bulk
potential = fs.Potential.read(sys.argv[1])
few, many = (
    make_batch([bulk("MgO", "rocksalt", a=4.2, cubic=True) * n], ["Mg", "O"], potential.cutoff)
    for n in (2, 12)
)
evaluator = fs._core.Evaluator(potential._core, device="cuda")
evaluator.evaluate(few)
pages = int(open("/proc/self/statm").read().split()[0])
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**23, limits[1]))
try:
    evaluator.evaluate(many)
    said = None
except fs.DeviceError as error:
    said = str(error)
resource.setrlimit(resource.RLIMIT_AS, limits)
after = [float(evaluator.evaluate(batch)["energies"].sum()) for batch in (few, many)]
cpu = fs._core.Evaluator(potential._core)
expected = [float(cpu.evaluate(batch)["energies"].sum()) for batch in (few, many)]
print(json.dumps({"said": said, "after": after, "expected": expected}))
"""


def test_out_of_memory(small_file):
    """One sentence, and what needs less goes on."""
    found = in_new_process(MEMORY, small_file)
    assert found["said"].startswith("The device has not enough memory for so many atoms; use fewer")
    assert len(found["said"]) <= 300
    np.testing.assert_allclose(found["after"], found["expected"], rtol=1e-11)


LITTLE_MEMORY = """
import json, sys
import forcesmith as fs, numpy as np
from ase.build import bulk
from forcesmith.data.batches import make_batch
atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True) * 6
atoms.rattle(0.1, seed=1)
potential = fs.Potential.read(sys.argv[1])
found, expected = (potential.evaluate(atoms, device=device) for device in ("cuda", "cpu"))
difference = abs(found.forces - expected.forces).max()
batch = make_batch([atoms], potential.elements, potential.cutoff)
rng = np.random.default_rng(0)
bars = rng.normal(size=1), rng.normal(size=(len(atoms), 3)), rng.normal(size=(1, 6))
several = make_batch([atoms[:700], atoms[:1], atoms[:0], atoms[:60]] * 2, potential.elements, 4.3)
bars_of_several = [rng.normal(size=size) for size in (8, (several.n_atoms, 3), (8, 6))]
gradients, rows = [], []
for device in ("cuda", "cpu"):
    evaluator = fs._core.Evaluator(potential._core, device=device)
    evaluator.keep(batch)
    gradients.append(np.concatenate(evaluator.parameter_gradient(batch, *bars)))
    rows.append(evaluator.parameter_gradients(several, *bars_of_several))
print(
    json.dumps(
        {
            "force difference": difference,
            "force": abs(expected.forces).max(),
            "gradient difference": np.linalg.norm(gradients[0] - gradients[1]),
            "gradient": np.linalg.norm(gradients[1]),
            "row difference": np.linalg.norm(rows[0] - rows[1]),
            "row": np.linalg.norm(rows[1]),
        }
    )
)
"""


@pytest.mark.parametrize("threads_of_an_atom", ["1", "8", "32"])
def test_little_memory(small_file, threads_of_an_atom):
    found = in_new_process(
        LITTLE_MEMORY,
        small_file,
        FORCESMITH_TEST_DEVICE_MEMORY="1",
        FORCESMITH_DEVICE_PARTS=threads_of_an_atom,
    )
    assert found["force difference"] < 1e-11 * found["force"]
    assert found["gradient difference"] < 1e-11 * found["gradient"]
    assert found["row difference"] < 1e-11 * found["row"]


FORKED = """
import json, os, sys, warnings
import forcesmith as fs
from ase.build import bulk
atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
potential = fs.Potential.read(sys.argv[1])
atoms.calc = potential.calculator(device="cuda")
expected = atoms.get_potential_energy()
read, write = os.pipe()
warnings.simplefilter("ignore")  # of forks
if os.fork() == 0:
    said = []
    for work in (lambda: potential.evaluate(atoms, device="cuda"), atoms.get_potential_energy):
        atoms.positions += 0.0
        atoms.calc.reset()
        try:
            work()
        except fs.DeviceError as error:
            said.append(str(error))
    energy = potential.evaluate(atoms, device="auto").energy
    os.write(write, json.dumps({"said": said, "energy": energy}).encode())
    os._exit(0)
os.close(write)
with open(read) as end:
    print(json.dumps({**json.load(end), "expected": expected}))
"""


def test_forked_processes(small_file):
    found = in_new_process(FORKED, small_file)
    assert len(found["said"]) == 2
    for sentence in found["said"]:
        assert sentence.startswith("This process was forked from one that uses")
        assert len(sentence) <= 300
    assert found["energy"] == pytest.approx(found["expected"], rel=1e-12)
