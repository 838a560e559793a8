"""Evolution by dynamics, contours and dimers: one interface, labels of teachers, early ends."""

from __future__ import annotations

import forcesmith as fs
import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from forcesmith.sampling.evolution import Evolution
from forcesmith.sampling.registry import SAMPLERS

sampling = fs.sampling
COPPER = bulk("Cu", "fcc", a=3.6, cubic=True) * 2
ALL = [sampler for sampler in SAMPLERS.values() if issubclass(sampler, Evolution)]
KINDS = [sampler for sampler in ALL if sampler.kind != "metadynamics"]  # that one is by LAMMPS


@pytest.fixture(scope="module")
def potential(tmp_path_factory, small_potential):
    path = tmp_path_factory.mktemp("potential") / "cu.json"
    small_potential.write(path)
    return str(path)


def test_kinds():
    assert {sampler.kind for sampler in ALL} == {
        "contour_exploration",
        "dimer_search",
        "metadynamics",
        "molecular_dynamics",
    }


@pytest.mark.parametrize("sampler", KINDS, ids=lambda one: one.kind)
def test_every_nth_image_with_the_labels_of_the_teacher(sampler):
    made = sampler(structures=[COPPER], teacher="emt", count=2, steps=12, every=6)
    images = list(made.sample())
    assert [atoms.info["step"] for atoms in images] == [0, 6, 12] * 2
    assert ["ended" in atoms.info for atoms in images] == [False, False, True] * 2
    for atoms in images:
        assert atoms.info["teacher"] == "emt" and atoms.info["teacher_hash"]
        check = atoms.copy()
        check.calc = EMT()
        assert atoms.get_potential_energy() == pytest.approx(check.get_potential_energy())
        assert atoms.get_forces() == pytest.approx(check.get_forces(), abs=1e-9)
    assert not np.allclose(images[2].positions, images[5].positions)
    again = sampling.make_again(images[4], COPPER)
    assert again.positions == pytest.approx(images[4].positions, abs=1e-9)


@pytest.mark.parametrize("sampler", KINDS, ids=lambda one: one.kind)
def test_a_potential_gives_no_labels(sampler, potential):
    made = sampler(structures=[COPPER], potential=potential, count=1, steps=4, every=2, closest=0)
    images = list(made.sample())
    assert len(images) >= 1
    assert all(atoms.calc is None and "teacher" not in atoms.info for atoms in images)


def test_temperatures_follow_the_ramp(monkeypatch):
    seen = []
    real = sampling.MolecularDynamics._problem

    def problem(self, atoms, *others):
        seen.append(atoms.get_kinetic_energy() / len(atoms) / (1.5 * units.kB))
        return real(self, atoms, *others)

    monkeypatch.setattr(sampling.MolecularDynamics, "_problem", problem)
    run = sampling.MolecularDynamics(
        structures=[COPPER], teacher="emt", count=1, steps=150, temperature="100:900", friction=100
    )
    assert len(list(run.sample())) == 16
    assert np.mean(seen[50:80]) == pytest.approx(100 + 800 * 65 / 150, rel=0.35)
    assert np.mean(seen[125:]) == pytest.approx(100 + 800 * 137 / 150, rel=0.35)


def test_a_contour_is_kept():
    run = sampling.ContourExploration(
        structures=[COPPER], teacher="emt", count=1, steps=80, every=10, energy=0.08
    )
    energies = [atoms.get_potential_energy() / len(atoms) for atoms in run.sample()]
    assert np.array(energies[5:]) - energies[0] == pytest.approx(0.08, abs=0.012)


def test_a_dimer_search_ends_at_a_saddle_point():
    vacancy = COPPER.copy()
    del vacancy[0]
    run = sampling.DimerSearch(
        structures=[vacancy], teacher="emt", count=1, steps=400, seed=3, force=0.1
    )
    images = list(run.sample())
    assert images[-1].info["ended"].endswith("finished")
    n_steps = int(images[-1].info["ended"].split()[1].strip(":"))
    assert 5 < n_steps < 400
    assert np.abs(images[-1].get_forces()).max() < np.abs(images[0].get_forces()).max()


def test_runs_end_before_limits_are_broken(tmp_path):
    sampling.Limits(distances={"Cu-Cu": 2.3}).write(tmp_path / "limits.json")
    settings = {
        "output": str(tmp_path / "hot.extxyz"),
        "structures": ["fcc Cu 3.6"],
        "samplers": [
            {
                "type": "molecular_dynamics",
                "teacher": "emt",
                "temperature": 5000,
                "steps": 500,
                "every": 1,
                "count": 1,
                "limits": str(tmp_path / "limits.json"),
            }
        ],
    }
    images = sampling.generate(settings).structures
    assert len(images) < 500
    assert "apart" in images[-1].info["ended"]
    limits = sampling.Limits.read(tmp_path / "limits.json")
    assert not any(limits.broken_by(atoms) for atoms in images)


def test_what_cannot_be_computed_stays_without_labels():
    """A structure whose atoms are too close, and a teacher that fails."""
    close = bulk("Cu", "fcc", a=1.4, cubic=True)
    late = {"type": "emt", "timeout": 1e-6}
    for structure, teacher, reason in ((close, "emt", "atoms closer"), (COPPER, late, "gave no")):
        run = sampling.MolecularDynamics(structures=[structure], teacher=teacher, count=1)
        [image] = run.sample()
        assert image.calc is None and reason in image.info["ended"]


@pytest.mark.parametrize("sampler", [sampling.ContourExploration, sampling.DimerSearch])
def test_without_forces_there_is_nothing_to_follow(sampler):
    """Such a run would go nowhere, to positions that are not numbers."""
    [image] = sampler(structures=[bulk("Cu", a=3.6)], teacher="emt", count=1).sample()
    assert "without forces there is no" in image.info["ended"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "needs either a teacher"),
        ({"teacher": "emt", "potential": "a.json"}, "needs either a teacher"),
        ({"teacher": "emd"}, 'did you mean "emt"'),
        ({"teacher": "emt", "limits": "absent.json"}, "Cannot read the limits"),
    ],
)
def test_nothing_to_compute_with(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        sampling.DimerSearch(structures=[COPPER], **options).check()


def test_a_potential_that_does_not_know_an_element(potential):
    run = sampling.DimerSearch(structures=["fcc Ag 4.1"], potential=potential)
    with pytest.raises(ValueError, match="does not know Ag"):
        run.check()
    run = sampling.DimerSearch(structures=[bulk("Fe", a=2.87, cubic=True)], teacher="emt")
    with pytest.raises(ValueError, match="the teacher emt does not know Fe"):
        run.check()
    with pytest.raises(ValueError, match='"300:1500", not'):
        sampling.MolecularDynamics(temperature="300-1500")
