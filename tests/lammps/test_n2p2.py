"""Networks of n2p2, converted, in LAMMPS: the energies and forces that n2p2 computed."""

import forcesmith as fs
import numpy as np
import pytest
from lammps_runner import shared_data


def test_folders_are_converted_first(runner, crystal):
    for path in ("nnp", "nnp/input.nn"):
        pair = f"pair_style forcesmith\npair_coeff * * {path} Mg O\n"
        message = runner.fail(runner.structure(crystal) + pair)
        assert f"forcesmith convert {path} potential.json" in message


@pytest.mark.parametrize(
    ("name", "ranks", "threads"),
    [
        ("n2p2_reference/h2o", 2, 1),
        ("n2p2_reference/zuo_mo", 1, 2),
        ("n2p2_compact_reference", 2, 1),
    ],
)
def test_agrees_with_n2p2(runner, name, ranks, threads):
    folder = shared_data(name)
    potential = fs.Potential.read(folder)
    potential.write(runner.folder / "pot.json")
    structures = fs.read(folder / "reference.data")
    results = runner.evaluate_all(
        structures,
        f"pair_style forcesmith\npair_coeff * * pot.json {' '.join(potential.elements)}\n",
        elements=potential.elements,
        ranks=ranks,
        threads=threads,
    )
    for atoms, result in zip(structures, results, strict=True):
        expected = atoms.calc.results
        assert result.energy == pytest.approx(expected["energy"], rel=1e-12)
        scale = np.abs(expected["forces"]).max()
        np.testing.assert_allclose(result.forces, expected["forces"], rtol=1e-8, atol=1e-11 * scale)
