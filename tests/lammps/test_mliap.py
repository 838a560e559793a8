"""ML-IAP's SNAP files, converted, give what pair_style mliap gives: those that come with LAMMPS,
and others with every option.
"""

import forcesmith as fs
import numpy as np
import pytest
from mliap_files import write_mliap
from test_snap import LATTICES, assert_same, crystal, forcesmith, liquid, random_potential, several
from test_snap import shipped as shipped  # a fixture

SHIPPED = {
    "InP_JCPA2020": ("InP", "linear"),
    "Ta06A": ("Ta", "linear"),
    "W.quadratic": ("W", "quadratic"),
    "WBe_Wood_PRB2019": ("WBe", "linear"),
}
OPTIONS = {
    "linear": dict(radii=[0.5, 0.43], weights=[1.0, 0.7], rmin0=0.3, rfac0=0.9, bzeroflag=False),
    "quadratic": dict(weights=[1.0, -0.6], switchflag=False, bnormflag=True),
    "inner": dict(switchinnerflag=True, sinner=[1.9, 2.1], dinner=[0.4, 0.3]),
}


def mliap(path, model, elements) -> str:
    descriptor = str(path).replace(".mliap.model", ".mliap.descriptor")
    return (
        f'pair_style mliap model {model} "{path}" descriptor sna "{descriptor}"\n'
        f"pair_coeff * * {' '.join(elements)}\n"
    )


@pytest.mark.parametrize("structure", [crystal, liquid])
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_potential(runner, shipped, name, structure):
    kind, model = SHIPPED[name]
    assert kind in LATTICES
    original = shipped / f"{name}.mliap.model"
    potential = fs.Potential.read(original)
    potential.write(runner.folder / "ours.json")
    computed, expected = runner.evaluate_all(
        [structure(kind)] * 2,
        [forcesmith("ours.json", potential.elements), mliap(original, model, potential.elements)],
        elements=potential.elements,
    )
    # Of InP, equal components have coefficients that are not; see test_snap.py.
    assert_same(computed, expected, forces=5e-9 if name == "InP_JCPA2020" else 1e-10)


@pytest.mark.parametrize("name", OPTIONS)
def test_options(runner, name):
    model = "quadratic" if name == "quadratic" else "linear"
    potential = random_potential(["Mg", "O"], model, twojmax=4, rcutfac=4.3, **OPTIONS[name])
    path = runner.folder / "own.mliap.model"
    write_mliap(path, potential)
    for given in (path, runner.folder / "own.mliap.descriptor"):
        again = fs.Potential.read(given)
        np.testing.assert_array_equal(
            again._core.model_parameters, potential._core.model_parameters
        )
    again.write(runner.folder / "ours.json")
    computed, expected = runner.evaluate_all(
        [several(2)] * 2,
        [forcesmith("ours.json", ["Mg", "O"]), mliap(path, model, ["Mg", "O"])],
    )
    assert_same(computed, expected)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Ta06A.nn.mliap.model", "model nn"),
        ("Cu.nn.mliap.model", "model nn"),
        ("Ni_Mo.mliap.descriptor", "descriptor so3"),
        ("Ni_Mo.mliap.model", "descriptor so3"),
        ("Ta06A.mliap", "LAMMPS commands"),
        ("Ta06A.nn.mliap", "LAMMPS commands"),
    ],
)
def test_what_is_not_supported(shipped, name, part):
    with pytest.raises(ValueError, match=f"{part}") as caught:
        fs.Potential.read(shipped / name)
    assert len(str(caught.value)) <= 300
