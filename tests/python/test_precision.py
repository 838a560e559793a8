"""Errors of labels over a series of settings, and the settings that they recommend."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from forcesmith.cli.app import main
from forcesmith.sampling.precision import PrecisionPoint

sampling = fs.sampling
CUTOFFS = [9.0, 8.0, 5.0, 3.0]
TEACHER = {
    "type": "ase",
    "calculator": "ase.calculators.lj.LennardJones",
    "parameters": {"sigma": 2.3, "smooth": True},
}


def argon(seed: int) -> Atoms:
    atoms = bulk("Ar", "fcc", a=3.7, cubic=True)
    atoms.rattle(0.1, seed=seed)
    atoms.set_cell(atoms.cell * (1 + 0.01 * seed), scale_atoms=True)
    return atoms


def settings(folder: Path, **changes: object) -> dict[str, object]:
    return {
        "output": str(folder / "out"),
        "teacher": TEACHER,
        "series": {"parameters.rc": CUTOFFS},
        "structures": [argon(1), argon(2), argon(3)],
        **changes,
    }


def point(value: float, force: float | None, virial: float | None) -> PrecisionPoint:
    return PrecisionPoint(
        values={"k_spacing": value},
        energy_deviation=0.0,
        energy_rmse=0.0,
        force_rmse=force,
        virial_rmse=virial,
        seconds=1 / value,
    )


def result(forces: list[float], virials: list[float | None], **limits: float) -> sampling.Precision:
    values = [0.1 * (1 + n) for n in range(len(forces))]
    points = [point(*own) for own in zip(values, forces, virials, strict=True)]
    limits = {"force_limit": 0.01, "virial_limit": None, **limits}
    return sampling.Precision(points=points, teacher="x", n_structures=1, n_failed=0, **limits)


def test_thresholds_end_where_errors_first_exceed_the_limit():
    forces = [0.0, 0.002, 0.01, 0.02, 0.005]
    found = result(forces, [None] * 5)
    assert (found.force_threshold, found.virial_threshold) == (pytest.approx(0.3), None)
    assert found.recommended.values == {"k_spacing": pytest.approx(0.3)}
    assert found.saved == pytest.approx(2 / 3)
    both = result(forces, [0.0, 0.1, 0.3, 0.4, 0.5], virial_limit=0.2)
    assert (both.force_threshold, both.virial_threshold) == pytest.approx((0.3, 0.2))
    assert both.recommended.values["k_spacing"] == pytest.approx(0.2)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, sampling.Precision]:
    folder = tmp_path_factory.mktemp("precision")
    return folder, sampling.find_precision(settings(folder))


def test_errors_are_those_of_the_calculator(computed):
    from ase.calculators.lj import LennardJones

    _, found = computed
    energies, forces, virials = [], [], []
    for rc in (CUTOFFS[0], CUTOFFS[1]):
        labelled = [argon(n) for n in (1, 2, 3)]
        for atoms in labelled:
            atoms.calc = LennardJones(rc=rc, **TEACHER["parameters"])
        energies.append([atoms.get_potential_energy() / 4 for atoms in labelled])
        forces.append([atoms.get_forces() for atoms in labelled])
        virials.append([atoms.get_stress() * atoms.cell.volume / 4 for atoms in labelled])
    own = found.points[1]
    deviations = np.subtract(*energies)
    assert own.energy_deviation == pytest.approx(np.abs(deviations).mean(), rel=1e-6)
    assert own.energy_rmse == pytest.approx(np.sqrt(np.mean(deviations**2)), rel=1e-6)
    assert own.force_rmse == pytest.approx(np.sqrt(np.mean(np.subtract(*forces) ** 2)), rel=1e-6)
    assert own.virial_rmse == pytest.approx(np.sqrt(np.mean(np.subtract(*virials) ** 2)), rel=1e-6)
    assert own.values == {"parameters.rc": 8.0}
    first = found.points[0]
    assert (first.energy_rmse, first.force_rmse, first.virial_rmse) == (0, 0, 0)


def test_limits_are_half_of_the_mean_absolute_deviation(computed):
    folder, found = computed
    errors = np.array([own.force_rmse for own in found.points[1:]])
    assert found.force_limit == pytest.approx(np.abs(errors - errors.mean()).mean() / 2)
    within = [own for own in found.points if own.force_rmse <= found.force_limit]
    assert found.force_threshold == within[-1].values["parameters.rc"]
    written = json.loads((folder / "out" / "precision.json").read_text())
    assert written["recommended"]["values"] == found.recommended.values
    assert written["saved"] == pytest.approx(found.saved)


def test_limits_can_be_given(computed):
    """And labels that are there already are not computed again."""
    folder, before = computed
    given = settings(folder, force_limit=1e-9, virial_limit=10.0)
    with pytest.warns(UserWarning, match="Not even the second value"):
        found = sampling.find_precision(given)
    assert found.recommended.values == {"parameters.rc": 9.0}
    for again, first in zip(found.points, before.points, strict=True):
        assert again.values == first.values and again.seconds == first.seconds
        assert again.force_rmse == pytest.approx(first.force_rmse, abs=1e-7)


def test_command_goes_on_after_kill(tmp_path, capsys):
    """What was labelled before it was killed is not labelled again."""
    ase.io.write(tmp_path / "sample.extxyz", [argon(n) for n in range(1, 5)])
    (tmp_path / "slow.py").write_text(
        "import time\nfrom ase.calculators.lj import LennardJones\n"
        "class Slow(LennardJones):\n"
        "    def calculate(self, *arguments, **options):\n"
        "        time.sleep(0.1)\n"
        "        super().calculate(*arguments, **options)\n"
        "def make(rc):\n    return Slow(sigma=2.3, rc=rc, smooth=True)\n"
    )
    (tmp_path / "precision.toml").write_text(
        'structures = ["sample.extxyz@:2", "sample.extxyz@2:"]\n'
        '[teacher]\ntype = "function"\nfunction = "slow:make"\n'
        '[series]\n"parameters.rc" = [8.0, 6.0, 4.0]\n'
    )
    command = [
        sys.executable,
        "-m",
        "forcesmith.cli",
        "precision",
        str(tmp_path / "precision.toml"),
    ]
    first = tmp_path / "precision" / "labels" / "parameters-rc-8.extxyz"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not (first.exists() and first.stat().st_size) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = first.read_bytes()
    assert process.returncode == -signal.SIGKILL and before.count(b"label_key") < 4
    with pytest.raises(SystemExit) as ended:
        sys.argv = ["forcesmith", *command[3:]]
        main()
    assert ended.value.code == 0
    whole = before[: before.rfind(b"\n") + 1]
    assert first.read_bytes().startswith(whole) and first.read_bytes().count(b"label_key") == 4
    printed = capsys.readouterr().out
    assert "recommended: parameters.rc = " in printed and "AEAD" in printed
    assert (tmp_path / "precision" / "precision.svg").stat().st_size > 1000


def test_engine_and_samplers(tmp_path):
    given = settings(
        tmp_path,
        structures=["fcc Ar 3.7"],
        samplers=[{"type": "volumes", "points": 3}],
        engine={"cores": 2},
        series={"parameters.rc": CUTOFFS[:3]},
        virial_limit=0.1,
    )
    with pytest.warns(UserWarning, match="have no forces"):
        found = sampling.find_precision(given)
    assert found.n_structures == len(ase.io.read(tmp_path / "out" / "sample.extxyz", ":")) > 1
    assert found.force_limit is None and found.virial_limit > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"series": {"parameters.rc": [8.0, 6.0]}}, "three values or more"),
        ({"series": {"parameters.rc": [8.0, 6.0, 7.0]}}, "from the finest to the coarsest"),
        ({"series": {"a": [1, 2, 3], "b": [1, 2]}}, "same number of values"),
        ({"series": {"rc": [8, 6, 4]}}, 'unknown key "rc"'),
        ({"series": {"calculator.rc": [8, 6, 4]}}, "calculator is no table"),
        ({"series": {"timeout": [8, 6, 4]}}, "changes nothing"),
        ({"structures": []}, "There is no sample"),
        ({"teacher": "emt", "series": {"timeout": [8, 6, 4]}}, "no configuration got a label"),
        ({"output": 3}, "output"),
        ({"series": {"parameters.rcc": [8, 6, 4]}}, "changes no label"),
    ],
)
def test_mistakes_are_told_in_one_sentence(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as error:
        sampling.find_precision(settings(tmp_path, **changes))
    assert len(str(error.value)) <= 300 and os.linesep not in str(error.value)


@pytest.mark.parametrize("name", ["al", "al_cutoff", "al_smearing", "cu", "mg"])
def test_recorded_results_follow_from_their_points(name):
    """Of the example with Quantum ESPRESSO."""
    folder = Path(__file__).resolve().parents[2] / "examples" / "dft_precision"
    recorded = json.loads((folder / "recorded" / f"{name}.json").read_text())
    fields = sampling.Precision.model_fields
    again = sampling.Precision.model_validate({name: recorded[name] for name in fields})
    assert json.loads(again.model_dump_json()) == recorded
    series = sampling.PrecisionSettings.from_toml(folder / f"{name}.toml").series
    assert {again.option: [own.values[again.option] for own in again.points]} == series
