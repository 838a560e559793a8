"""Checkpoints: what they go on from, what they refuse, and that no work is lost with them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from forcesmith.cli import app
from forcesmith.files import output_lock
from forcesmith.interruption import StopSignals, stop_if_asked
from forcesmith.training import fitting
from forcesmith.training.checkpoint import COMMENT, COMMENT_LENGTH, State, state_file
from sample_data import file_text, full_disk

MOMENTS = {"type": "moment_tensor", "level": 4, "cutoff": 4.0, "radial_basis_size": 4}
FUNCTIONS = {"type": "symmetry_functions", "cutoff": 4.0, "radial": 3, "angular": 0}
NETWORK = {"type": "neural_network", "hidden_layers": [3]}
FITS = {
    "linear": {"descriptor": {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0}},
    "moment tensor": {"descriptor": MOMENTS},
    "quadratic": {"descriptor": MOMENTS, "model": {"type": "quadratic"}},
    "ard": {"descriptor": MOMENTS, "optimizer": {"solver": "ard"}},
    "gauss_newton": {"descriptor": FUNCTIONS, "model": NETWORK},
    "lbfgs": {"descriptor": FUNCTIONS, "model": NETWORK, "optimizer": {"method": "lbfgs"}},
    "adam": {"descriptor": FUNCTIONS, "model": NETWORK, "optimizer": {"method": "adam"}},
    "validation": {
        "descriptor": FUNCTIONS,
        "model": NETWORK,
        "data": {"validation_fraction": 0.25},
    },
}


def run(crystals, path, kind, progress=None, **optimizer) -> fs.FitResult:
    settings = FITS[kind]
    own = {"max_iterations": 8, "tolerance": 1e-12, "threads": 1} | settings.get("optimizer", {})
    settings = {"elements": ["Cu"], **settings, "optimizer": own | optimizer}
    return fs.fit(crystals, settings=settings, checkpoint=path, progress=progress)


def stop_at(last: int):
    def interrupt(iteration, *_):
        if iteration == last:
            raise KeyboardInterrupt

    return interrupt


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def parameters(potential: fs.Potential) -> np.ndarray:
    core = potential._core
    return np.concatenate([core.descriptor_parameters, core.model_parameters])


@pytest.fixture
def interrupted(crystals, tmp_path) -> Path:
    """The potential file of an interrupted fit of a network."""
    run(crystals, tmp_path / "p.json", "lbfgs", progress=stop_at(3))
    return tmp_path / "p.json"


# --- every fit goes on where it was ---


@pytest.mark.parametrize("kind", FITS)
def test_resumes(crystals, tmp_path, kind):
    path = tmp_path / "p.json"
    last = 1 if kind == "linear" else 4
    part = run(crystals, path, kind, progress=stop_at(last))
    assert part.interrupted and len(part.history) == last
    state = State.from_file(state_file(path))
    np.testing.assert_array_equal(
        parameters(fs.Potential.from_json(state.potential)), parameters(part.potential)
    )
    calls = []
    whole = run(crystals, path, kind, progress=lambda *row: calls.append(row), resume=True)
    assert whole.history[:last] == part.history
    assert [call[0] for call in calls] == list(range(last + 1, len(whole.history) + 1))
    if kind != "ard":  # fewer coefficients, larger loss
        losses = [row["loss"] for row in whole.history]
        assert losses == sorted(losses, reverse=True)
    assert whole.ending == ("converged" if kind == "linear" else "iterations")
    assert (whole.coefficient_errors is None) == (
        part.potential.info()["model"]["type"] == NETWORK["type"]
    )
    assert path.read_text() == file_text(whole.potential)
    assert {p.name for p in tmp_path.iterdir()} == {"p.active_set", "p.json", "p.state.npz"}


def test_resumes_a_fit_that_started_from_a_potential(crystals, tmp_path):
    first = run(crystals, tmp_path / "first.json", "lbfgs").potential
    other = run(crystals, tmp_path / "other.json", "lbfgs", seed=2).potential
    path = tmp_path / "p.json"
    part = run(crystals, path, "lbfgs", progress=stop_at(3), start=first)
    with pytest.raises(
        ValueError,
        match=r"optimizer\.start was 'potential \w{16}', is 'potential \w{16}'; resume with",
    ):
        run(crystals, path, "lbfgs", start=other, resume=True)
    whole = run(crystals, path, "lbfgs", start=first, resume=True)
    assert whole.history[:3] == part.history and len(whole.history) == 8


@pytest.mark.parametrize("kind", ["linear", "moment tensor", "gauss_newton"])
def test_a_finished_fit_has_nothing_left_to_do(crystals, tmp_path, kind):
    path = tmp_path / "p.json"
    first = run(crystals, path, kind)
    before = contents(tmp_path)
    again = run(crystals, path, kind, resume=True)
    assert again.was_finished and again.history == first.history and again.ending == first.ending
    np.testing.assert_array_equal(parameters(again.potential), parameters(first.potential))
    if first.coefficient_errors is not None:
        np.testing.assert_array_equal(again.coefficient_errors, first.coefficient_errors)
    assert contents(tmp_path) == before
    longer = run(crystals, path, kind, resume=True, max_iterations=12)
    if kind == "linear":
        assert longer.was_finished
    else:
        assert len(longer.history) > len(first.history) and not longer.was_finished
        assert longer.history[-1]["loss"] < first.history[-1]["loss"]


@pytest.mark.parametrize("lost", [["p.json"], ["p.json", "p.active_set"]])
def test_a_finished_fit_brings_back_its_potential(crystals, tmp_path, lost):
    """Killed between state and potential, or the potential was removed."""
    run(crystals, tmp_path / "p.json", "moment tensor")
    before = contents(tmp_path)
    for name in lost:
        (tmp_path / name).unlink()
    again = run(crystals, tmp_path / "p.json", "moment tensor", resume=True)
    assert again.was_finished and again.potential.has_active_set
    after = contents(tmp_path)
    assert [after[name] for name in lost] == [before[name] for name in lost]


# --- active sets ---


def test_a_finished_fit_knows_its_active_set(crystals, tmp_path):
    first = run(crystals, tmp_path / "p.json", "linear")
    again = run(crystals, tmp_path / "p.json", "linear", resume=True)
    assert again.was_finished and again.active_set is None  # was not searched again
    own, expected = (r.potential.evaluate(crystals, grade=True) for r in (again, first))
    for one, other in zip(own, expected, strict=True):
        np.testing.assert_array_equal(one.grades, other.grades)


def test_an_interrupted_fit_has_none(interrupted, crystals, tmp_path):
    assert contents(tmp_path).keys() == {"p.json", "p.state.npz"}
    whole = run(crystals, interrupted, "lbfgs", resume=True)
    assert whole.active_set is not None
    assert fs.Potential.read(interrupted).has_active_set
    # Going on: the active set is not that of the new potential.
    part = run(crystals, interrupted, "lbfgs", stop_at(10), resume=True, max_iterations=20)
    assert part.interrupted and not fs.Potential.read(interrupted).has_active_set
    assert contents(tmp_path).keys() == {"p.json", "p.state.npz"}


def test_ctrl_c_while_the_active_set_is_searched(crystals, tmp_path):
    """The potential is written without one; resumed, the fit finds it."""
    path = tmp_path / "p.json"

    def interrupt(line):
        raise KeyboardInterrupt

    options = {"elements": ["Cu"], **FITS["linear"], "optimizer": {"threads": 1}}
    part = fs.fit(crystals, settings=options, checkpoint=path, status=interrupt)
    assert part.interrupted and part.active_set is None
    assert not fs.Potential.read(path).has_active_set
    whole = run(crystals, path, "linear", resume=True)
    assert whole.ending == "converged" and whole.active_set is not None
    assert path.read_text() == file_text(whole.potential)


def test_the_active_set_of_an_earlier_potential_is_kept_with_it(crystals, tmp_path):
    path = tmp_path / "p.json"
    run(crystals, path, "linear")
    before = contents(tmp_path)
    with pytest.warns(UserWarning, match="kept as"):
        run(crystals[:6], path, "moment tensor")
    after = contents(tmp_path)
    for name in ("p.json", "p.active_set"):
        assert after[f"{name}.previous"] == before[name] != after[name]
    fs.Potential.read(path).evaluate(crystals[0], grade=True)


def test_without_an_active_set_no_old_one_lies_there(crystals, tmp_path):
    path = tmp_path / "p.json"
    run(crystals, path, "linear")
    settings = {"elements": ["Cu"], **FITS["linear"], "active_set": {"mode": "off"}}
    with pytest.warns(UserWarning, match="kept as"):
        fs.fit(crystals[:6], settings=settings, checkpoint=path)
    assert not (tmp_path / "p.active_set").exists()
    assert not fs.Potential.read(path).has_active_set


def test_formats_without_a_place_for_an_active_set(crystals, tmp_path):
    settings = {"elements": ["Cu"], "descriptor": MOMENTS, "wall": False}
    settings["optimizer"] = {"max_iterations": 2, "threads": 1}
    result = fs.fit(crystals, settings=settings, checkpoint=tmp_path / "p.mtp")
    assert result.active_set is None and not result.potential.has_active_set
    asked = {**settings, "active_set": {"parameters": "linear"}}
    for name in ("q.mtp", "q.almtp"):
        with pytest.raises(ValueError, match="cannot hold an active set of the linear parameters"):
            fs.fit(crystals, settings=asked, checkpoint=tmp_path / name)
    asked["active_set"] = {"parameters": "all"}
    fs.fit(crystals, settings=asked, checkpoint=tmp_path / "q.almtp")
    read = fs.Potential.read(tmp_path / "q.almtp", elements=["Cu"])
    assert read._core.active_set["parameters"] == "all"


@pytest.mark.parametrize("limit", ["MOST_COLUMNS", "MOST_WORK"])
def test_a_large_active_set_is_not_made_by_default(crystals, tmp_path, monkeypatch, limit):
    monkeypatch.setattr(fitting, limit, 3)
    with pytest.warns(
        UserWarning, match="gets no active set.* with [0-9]+ parameters and 72 atoms"
    ):
        result = run(crystals, tmp_path / "p.json", "linear")
    assert not result.potential.has_active_set
    settings = {"elements": ["Cu"], **FITS["linear"], "active_set": {"mode": "neighborhoods"}}
    assert fs.fit(crystals, settings=settings).potential.has_active_set


def test_a_resumed_fit_writes_its_best_at_once(interrupted, crystals):
    """Killed between state and potential, the state is the newer one."""
    text = interrupted.read_text()
    interrupted.write_text("older")

    def look(*_):
        raise KeyboardInterrupt

    run(crystals, interrupted, "lbfgs", resume=True, max_iterations=3)
    core = fs.Potential.read(interrupted)
    np.testing.assert_array_equal(parameters(core), parameters(fs.Potential.from_json(text)))
    assert interrupted.with_name("p.json.previous").read_text() == "older"


def test_committee_resumes(crystals, tmp_path):
    settings = fs.FitSettings.from_dict(
        {
            "elements": ["Cu"],
            **FITS["lbfgs"],
            "optimizer": {"method": "lbfgs", "max_iterations": 5, "committee": 3, "threads": 1},
        }
    )
    path = tmp_path / "p.json"
    whole = list(fs.fit_committee(crystals, None, settings, checkpoint=tmp_path / "w.json"))
    some = []
    for result in fs.fit_committee(
        crystals,
        None,
        settings,
        checkpoint=path,
        progress=lambda member: stop_at(3) if member == 2 else None,
    ):
        some.append(result)
        if result.interrupted:
            break
    assert len(some) == 2
    with pytest.raises(ValueError, match="p-2.state.npz belongs to an interrupted fit of 3 iter"):
        next(fs.fit_committee(crystals, None, settings, checkpoint=path))
    settings.optimizer.resume = True
    resumed = list(fs.fit_committee(crystals, None, settings, checkpoint=path))
    assert [result.was_finished for result in resumed] == [True, False, False]
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(parameters(a.potential), parameters(b.potential))


# --- what does not go on ---


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"descriptor": {**FUNCTIONS, "cutoff": 4.5}}, "descriptor.cutoff was 4.0, is 4.5"),
        (
            {"descriptor": {**FUNCTIONS, "cutoff_function": "tanh"}},
            "descriptor.cutoff_function was 'cos', is 'tanh'",
        ),
        ({"model": {**NETWORK, "activation": "silu"}}, "model.activation was 'tanh', is 'silu'"),
        ({"weights": {"force": 1.0}}, "weights.force was 0.01, is 1.0"),
        ({"weights": {"groups": {"cube": {"energy": 2.0}}}}, "weights.groups.cube.energy was not"),
        ({"optimizer": {"method": "lbfgs", "seed": 2}}, "optimizer.seed was 1, is 2"),
        ({"optimizer": {"method": "auto"}}, "optimizer.method was 'lbfgs', is 'gauss_newton'"),
        ({"zbl": {"inner": 0.5, "outer": 1.0}}, "zbl.inner was not given, is 0.5 and 1 more"),
        ({"data": {"validation_fraction": 0.25}}, "validation_fraction was 0.0, is 0.25"),
    ],
)
def test_other_settings(interrupted, crystals, changes, sentence):
    settings = {"elements": ["Cu"], **FITS["lbfgs"]} | changes
    settings["optimizer"] = {**settings["optimizer"], "resume": True}
    before = contents(interrupted.parent)
    with pytest.raises(ValueError, match=sentence) as error:
        fs.fit(crystals, settings=settings, checkpoint=interrupted)
    assert contents(interrupted.parent) == before
    assert len(str(error.value)) - len(str(interrupted.parent)) < 250


def test_settings_that_may_change(interrupted, crystals):
    FITS_OWN = {
        "max_iterations": 20,
        "tolerance": 1e-6,
        "patience": 3,
        "threads": 2,
        "batch_size": 2,
        "learning_rate": 0.1,
    }
    explicit = {**FUNCTIONS, "cutoff_function": "cos"}  # the default
    settings = {"elements": ["Cu"], "descriptor": explicit, "model": NETWORK}
    settings["optimizer"] = {"method": "lbfgs", "resume": True, **FITS_OWN}
    assert len(fs.fit(crystals, settings=settings, checkpoint=interrupted).history) > 3


@pytest.mark.parametrize("change", ["label", "weight", "group", "number", "order"])
def test_other_data(interrupted, crystals, change):
    data = [atoms.copy() for atoms in crystals]
    for new, old in zip(data, crystals, strict=True):
        new.calc = old.calc
    if change == "label":
        data[3].calc = type(data[3].calc)(data[3], **{**data[3].calc.results, "energy": 0.0})
    elif change == "weight":
        data[3].info["weight"] = 2.0
    elif change == "group":
        data[3].info["config_type"] = "other"
    elif change == "number":
        del data[3]
    else:
        data.reverse()
    with pytest.raises(ValueError, match="p.state.npz was made with other training data"):
        run(data, interrupted, "lbfgs", resume=True)


def test_an_interrupted_fit_is_not_overwritten(interrupted, crystals):
    before = contents(interrupted.parent)
    with pytest.raises(ValueError, match="go on with --resume .* or start anew with --overwrite"):
        run(crystals, interrupted, "moment tensor")
    assert contents(interrupted.parent) == before
    with pytest.warns(UserWarning, match=r"kept as .*p\.json\.previous"):
        run(crystals, interrupted, "moment tensor", overwrite=True)
    after = contents(interrupted.parent)
    for name in before:
        assert after[f"{name}.previous"] == before[name] != after[name]


@pytest.mark.parametrize("name", ["p.json", "p.snapcoeff", "nnp"])
def test_a_finished_potential_is_kept_when_another_fit_starts(crystals, tmp_path, name):
    """Whatever files the format has."""
    kind = {"p.json": "moment tensor", "p.snapcoeff": "linear", "nnp": "lbfgs"}[name]
    if name == "nnp":
        (tmp_path / "nnp").mkdir()
    folder = tmp_path / "nnp" if name == "nnp" else tmp_path
    run(crystals, tmp_path / name, kind)
    before = contents(folder)
    with pytest.warns(UserWarning, match="is kept as"):
        run(crystals[:-2], tmp_path / name, kind)
    after = contents(folder)
    for old, content in before.items():
        assert after[f"{old}.previous"] == content
    assert set(after) == {*before, *(f"{old}.previous" for old in before)}


# --- damage ---


def forged(state: bytes, change) -> bytes:
    """The state with other content and a checksum that is right."""
    with np.load(io.BytesIO(state)) as archive:
        arrays = {name: archive[name] for name in archive.files}
    document = json.loads(arrays.pop("document").tobytes())
    change(document, arrays)
    stream = io.BytesIO()
    np.savez(stream, document=np.frombuffer(json.dumps(document).encode(), np.uint8), **arrays)
    content = stream.getvalue()[:-2] + COMMENT_LENGTH.to_bytes(2, "little")
    return content + COMMENT + hashlib.sha256(content).hexdigest().encode()


def test_damaged_states(interrupted, crystals):
    path = state_file(interrupted)
    state = path.read_bytes()
    rng = random.Random(0)
    damaged = [state[:length] for length in rng.sample(range(len(state)), 30)]
    for place in rng.sample(range(len(state)), 30):
        changed = bytearray(state)
        changed[place] ^= 1 << rng.randrange(8)
        damaged.append(bytes(changed))
    damaged += [b"", b"\0" * 1000, b"PK" + state, state + b"\n", b"{}"]

    for content in damaged:
        path.write_bytes(content)
        before = contents(interrupted.parent)
        for resume in (True, False):
            with pytest.raises(ValueError, match="p.state.npz cannot be read: it is damaged"):
                run(crystals, interrupted, "lbfgs", resume=resume)
        assert contents(interrupted.parent) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda document, arrays: arrays.pop("array_x"),
        lambda document, arrays: arrays.pop("array_since_best"),
        lambda document, arrays: document.pop("history"),
        lambda document, arrays: document.update(format="forcesmith fit state 0"),
        lambda document, arrays: document.update(best={"loss": 1.0}),
        lambda document, arrays: arrays.update(array_x=np.zeros(3)),
        lambda document, arrays: arrays.update(array_x=np.full_like(arrays["array_x"], np.nan)),
        lambda document, arrays: arrays.update(array_x=np.array("text")),
        lambda document, arrays: arrays.update(array_steps=np.zeros((2, 5))),
    ],
)
def test_states_that_do_not_hold_what_they_should(interrupted, crystals, change):
    """Although their checksum is right."""
    path = state_file(interrupted)
    path.write_bytes(forged(path.read_bytes(), change))
    before = contents(interrupted.parent)
    with pytest.raises(ValueError, match="p.state.npz cannot be read: it is damaged"):
        run(crystals, interrupted, "lbfgs", resume=True)
    assert contents(interrupted.parent) == before


def test_a_folder_or_nothing_as_state(interrupted, crystals):
    path = state_file(interrupted)
    path.unlink()
    with pytest.raises(ValueError, match=r"no checkpoint .*p\.state\.npz to resume from"):
        run(crystals, interrupted, "lbfgs", resume=True)
    path.mkdir()
    with pytest.raises(OSError, match=r"p\.state\.npz: cannot write the file: a folder has this"):
        run(crystals, interrupted, "lbfgs", resume=True)
    with pytest.raises(ValueError, match="optimizer.resume needs to know the file"):
        run(crystals, None, "lbfgs", resume=True)


# --- outputs are tried before the work ---


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("lbfgs", "p.mtp", "format mlip has no place for its descriptor"),
        ("moment tensor", "input.nn", "format n2p2 has no place for its descriptor"),
        ("moment tensor", "p.snapcoeff", "format snap has no place for its descriptor"),
        ("linear", "p.xyz", "does not tell the format"),
        ("linear", "missing/p.json", "create the folder first"),
        ("linear", "folder.json", "a folder has this name"),
        ("linear", "/proc/p.json", "cannot write the file"),
    ],
)
def test_impossible_outputs(crystals, tmp_path, kind, name, sentence):
    (tmp_path / "folder.json").mkdir()

    def work(*_):
        raise AssertionError("the fit began")

    with pytest.raises((ValueError, OSError), match=sentence):
        run(crystals, tmp_path / name, kind, progress=work)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.json"]


def test_no_room(crystals, tmp_path):
    with full_disk(), pytest.raises(OSError, match="File too large; make room"):
        run(crystals, tmp_path / "p.json", "linear")
    assert not list(tmp_path.iterdir())


# --- writing fails during the fit ---


def test_a_disk_that_is_full_for_a_while(crystals, tmp_path):
    limit = full_disk(1000)
    written = []

    def progress(iteration, *_):
        if iteration == 3:
            limit.__enter__()
        if iteration == 6:
            limit.__exit__(None, None, None)
        written.append(len(State.from_file(state_file(tmp_path / "p.json")).history))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run(crystals, tmp_path / "p.json", "lbfgs", progress, checkpoint_seconds=0.0)
    (warning,) = [w for w in caught if issubclass(w.category, UserWarning)]
    assert "p.state.npz: cannot write the file: File too large" in str(warning.message)
    # Of the iteration before, but for those that could not be written.
    assert written == [0, 1, 2, 2, 2, 2, 6, 7]
    assert (tmp_path / "p.json").read_text() == file_text(result.potential)


def test_the_result_is_saved_elsewhere(crystals, tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (elsewhere / "p-rescued1.json").write_text("of another fit")

    def progress(iteration, *_):
        if iteration == 8:
            folder.rename(tmp_path / "gone")

    with (
        pytest.warns(UserWarning, match="No checkpoint"),
        pytest.raises(
            OSError,
            match=r"folder/p\.state\.npz: cannot write .* The potential was saved as \S+\.json\.",
        ),
    ):
        run(crystals, folder / "p.json", "lbfgs", progress)
    assert (elsewhere / "p-rescued1.json").read_text() == "of another fit"
    saved = fs.Potential.read(elsewhere / "p-rescued2.json")
    assert saved.info()["provenance"]["train_errors"]


# --- locks, links, permissions ---


def test_two_fits_do_not_write_the_same_file(crystals, tmp_path):
    path = tmp_path / "p.json"

    def second(iteration, *_):
        if iteration == 2:
            for kind in ("lbfgs", "linear"):
                with pytest.raises(
                    OSError, match=rf"p\.json: another fit \(process {os.getpid()} on"
                ):
                    run(crystals, path, kind, overwrite=True)
            with pytest.raises(OSError, match="another fit"):
                run(crystals, tmp_path / "p.mtp", "moment tensor")  # shares the state

    result = run(crystals, path, "lbfgs", second)
    assert len(result.history) == 8
    assert not (tmp_path / "p.lock").exists()


def test_the_lock_of_a_killed_process(tmp_path):
    code = (
        "import os, pathlib, signal; from forcesmith.files import output_lock\n"
        "with output_lock(pathlib.Path('p.lock'), 'p.json'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path)
    assert (tmp_path / "p.lock").exists()
    with output_lock(tmp_path / "p.lock", "p.json"):
        pass
    assert not list(tmp_path.iterdir())


def test_links_and_permissions_stay(crystals, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    (store / "real.json").write_text("old")
    (store / "real.json").chmod(0o600)
    (tmp_path / "middle.json").symlink_to("store/real.json")
    (tmp_path / "p.json").symlink_to(tmp_path / "middle.json")
    with pytest.warns(UserWarning, match="kept as"):
        result = run(crystals, tmp_path / "p.json", "linear")
    for _ in range(2):
        assert (tmp_path / "p.json").is_symlink() and (tmp_path / "middle.json").is_symlink()
        assert (store / "real.json").read_text() == file_text(result.potential)
        assert (store / "real.json").stat().st_mode & 0o777 == 0o600
        (store / "real.json").write_text("older")
        result.potential.write(tmp_path / "p.json")
    (tmp_path / "new.json").symlink_to("store/new.json")
    result.potential.write(tmp_path / "new.json")
    assert (store / "new.json").is_file()
    (tmp_path / "round.json").symlink_to("round.json")
    with pytest.raises(ValueError, match="round.json.*symbolic links"):
        result.potential.write(tmp_path / "round.json")
    (tmp_path / "null.json").symlink_to("/dev/null")
    with pytest.raises(ValueError, match="it is a device"):
        result.potential.write(tmp_path / "null.json")


# --- Ctrl-C and other signals ---


def test_ctrl_c_at_any_instruction(crystals, tmp_path):
    """Between any two lines of the package: files that can be read and belong together, and a fit
    that goes on."""
    package = str(Path(fs.__file__).parent)
    lines = 0

    def tracer(at: int):
        nonlocal lines
        lines = 0

        def local(frame, event, argument):
            nonlocal lines
            if event == "line":
                lines += 1
                if lines == at:
                    raise KeyboardInterrupt
            return local

        def calls(frame, event, argument):
            return local if frame.f_code.co_filename.startswith(package) else None

        return calls

    def traced(at: int, folder: Path):
        folder.mkdir()
        sys.settrace(tracer(at))
        try:
            run(crystals, folder / "p.json", "lbfgs", max_iterations=4, checkpoint_seconds=0.0)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)

    traced(-1, tmp_path / "whole")
    total = lines
    rng = random.Random(3)
    for at in rng.sample(range(total), 20):
        folder = tmp_path / str(at)
        traced(at, folder)
        path = folder / "p.json"
        left = {p.name for p in folder.iterdir()}
        assert left <= {"p.json", "p.state.npz", "p.lock"}
        assert ("p.json" in left) == ("p.state.npz" in left)
        if path.exists():
            state = State.from_file(state_file(path))
            own = fs.Potential.read(path)
            np.testing.assert_array_equal(
                parameters(own), parameters(fs.Potential.from_json(state.potential))
            )
            resumed = run(crystals, path, "lbfgs", max_iterations=6, resume=True)
            assert len(resumed.history) == 6
            assert resumed.history[: len(state.history)] == state.history


CONFIG = """
elements = ["Cu"]
[descriptor]
type = "symmetry_functions"
cutoff = 4.0
radial = 3
[model]
type = "neural_network"
hidden_layers = [3]
[data]
train = ["data.extxyz"]
[optimizer]
method = "adam"
max_iterations = 1000000
checkpoint_seconds = 0.0
[output]
potential = "p.json"
"""


@pytest.mark.parametrize(
    ("signals", "code"),
    [([signal.SIGTERM], 143), ([signal.SIGUSR1, signal.SIGTERM], 138), ([signal.SIGINT], 130)],
)
def test_signals_end_a_fit_with_its_best_potential(crystals, tmp_path, signals, code):
    ase.io.write(tmp_path / "data.extxyz", crystals)
    (tmp_path / "config.toml").write_text(CONFIG)
    process = subprocess.Popen(
        [sys.executable, "-m", "forcesmith.cli", "fit", "config.toml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not (tmp_path / "p.state.npz").exists() and process.poll() is None:
        time.sleep(0.02)
    for number in signals:
        process.send_signal(number)
    output = process.communicate()[0]
    assert process.returncode == code, output
    assert "this is the best potential so far" in output and "potential: p.json" in output
    assert State.from_file(tmp_path / "p.state.npz").ending == "interrupted"
    assert fs.Potential.read(tmp_path / "p.json").info()["provenance"]["train_errors"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["moment tensor", "gauss_newton", "lbfgs", "adam"])
def test_an_interrupt_that_python_dropped(crystals, tmp_path, kind):
    """Exceptions in a destructor are dropped; the next iteration sees the request again."""

    class Destroyed:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    def ask(iteration, *_):
        if iteration == 3:
            Destroyed()

    with StopSignals():
        result = run(crystals, tmp_path / "p.json", kind, ask, max_iterations=20)
    assert result.ending == "interrupted" and len(result.history) == 3
    stop_if_asked()  # the request ended with its context


def test_an_interrupt_within_a_checkpoint(crystals, tmp_path, monkeypatch):
    """zipfile answers an exception between its writes with a ValueError of its own."""
    original = State.to_bytes
    calls = 0

    def to_bytes(state):
        nonlocal calls
        calls += 1
        if calls != 3:
            return original(state)
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ValueError("Can't close the ZIP file")  # noqa: B904

    monkeypatch.setattr(State, "to_bytes", to_bytes)
    result = run(crystals, tmp_path / "p.json", "adam", checkpoint_seconds=0.0)
    assert result.ending == "interrupted" and len(result.history) == 2


def test_handlers_are_as_before():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    assert signals.received == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
    other = []
    thread = threading.Thread(target=lambda: other.append(StopSignals().__enter__()))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_second_ctrl_c_stops_at_once():
    code = (
        "import os, signal, time; from forcesmith.interruption import StopSignals\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with StopSignals():\n"
        "    for pause in (0, 0, 0.6):\n"
        "        time.sleep(pause)\n"
        "        try: os.kill(os.getpid(), signal.SIGINT); time.sleep(0.01)\n"
        "        except KeyboardInterrupt: print('first', flush=True)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == -signal.SIGINT and found.stdout == "first\n"


# --- the case from practice ---


def test_resume_with_other_settings(shared_cases, tmp_path, mgo_data, monkeypatch, capsys):
    for name in ("rs1", "rs2"):
        text = (shared_cases / "resume_settings" / f"{name}.toml").read_text()
        (tmp_path / f"{name}.toml").write_text(text.replace("mgo_pbe.extxyz", str(mgo_data)))
    settings = fs.FitSettings.from_toml(tmp_path / "rs1.toml")
    (tmp_path / "out_lbfgs").mkdir()
    path = Path(settings.output.potential)
    fs.fit(fs.read(settings.data.train), None, settings, checkpoint=path, progress=stop_at(100))
    before = contents(path.parent)
    monkeypatch.setattr(sys, "argv", ["forcesmith", "fit", str(tmp_path / "rs2.toml"), "--resume"])
    with pytest.raises(SystemExit) as stop:
        app.main()
    assert stop.value.code == app.INPUT_ERROR
    assert "descriptor.cutoff_function was 'cos', is 'tanh'" in capsys.readouterr().err
    assert contents(path.parent) == before
