"""Metadynamics by LAMMPS and its Colvars: biased, labelled, made again; what LAMMPS refuses."""

from __future__ import annotations

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

sampling = fs.sampling
EAM = "lammps: eam/alloy Cu_zhou.eam.alloy"
COPPER = bulk("Cu", "fcc", a=3.615, cubic=True) * 2
DISTANCE = """
colvar {
  name d
  distance {
    group1 { atomNumbers 1 }
    group2 { atomNumbers 2 }
  }
}
"""
HILLS = """
metadynamics {
  colvars d
  hillWeight 0.5
  hillWidth 2
  newHillFrequency 5
}
"""


@pytest.fixture
def colvars(tmp_path):
    path = tmp_path / "distance.colvars"
    path.write_text(DISTANCE + HILLS)
    return path


def sampler(colvars, **options):
    given = {"structures": [COPPER], "teacher": EAM, "steps": 120, "every": 10, "count": 1}
    return sampling.Metadynamics(colvars=str(colvars), **(given | options))


def distances(images: list[Atoms]) -> np.ndarray:
    return np.array([atoms.get_distance(0, 1, mic=True) for atoms in images])


def test_hills_drive_atoms_apart(colvars):
    images = list(sampler(colvars).sample())
    assert [atoms.info["step"] for atoms in images] == [*range(0, 121, 10)]
    assert images[-1].info["ended"].endswith("finished")
    assert all("forces" in atoms.calc.results for atoms in images)
    again = sampling.make_again(images[-1], COPPER)
    assert again.positions == pytest.approx(images[-1].positions, abs=1e-9)
    colvars.write_text(DISTANCE)
    unbiased = list(sampler(colvars).sample())
    assert np.ptp(distances(unbiased)) < 0.6 < np.ptp(distances(images))


def test_slanted_cells_and_order_of_atoms_are_kept(colvars):
    colvars.write_text(DISTANCE)
    slanted = bulk("Cu", "fcc", a=3.615) * 4
    slanted.symbols[::3] = "Au"
    run = sampler(
        colvars,
        structures=[slanted],
        teacher={
            "type": "lammps",
            "pair_style": "lj/cut 6",
            "pair_coeff": ["* * 0.4 2.28"],
        },
        temperature=1,
        steps=20,
    )
    for atoms in run.sample():
        assert atoms.symbols.formula == slanted.symbols.formula
        assert atoms.cell.array == pytest.approx(slanted.cell.array)
        assert np.abs(atoms.positions - slanted.positions).max() < 0.1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"teacher": "emt"}, "needs a potential, or a pair style as teacher"),
        ({"colvars": "absent.colvars"}, "no file absent.colvars of Colvars"),
        ({"structures": [Atoms("Cu2", [[0, 0, 0], [2.5, 0, 0]])]}, "not periodic"),
    ],
)
def test_what_cannot_be_run(colvars, options, sentence):
    run = sampler(colvars).model_copy(update=options)
    with pytest.raises(ValueError, match=sentence):
        run.check()


def test_what_colvars_refuses_is_told_before_any_run(colvars):
    colvars.write_text(DISTANCE.replace("distance", "distnace"))
    with pytest.raises(ValueError, match="LAMMPS failed") as error:
        sampler(colvars).check()
    assert len(str(error.value)) <= 300 and "\n" not in str(error.value)
