"""Units of labels: told by headers, names and options; doubted where they cannot be."""

import warnings

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import units
from forcesmith.data.label_units import doubts, too_close, unit_factor
from forcesmith.data.labels import labels_of
from sample_data import labelled, lennard_jones_crystals

GPA = '"3.4 0 0 0 3.4 0 0 0 3.4"'


def frame(header):
    return (
        '2\nLattice="3.6 0 0 0 3.6 0 0 0 3.6" Properties=species:S:1:pos:R:3:forces:R:3 '
        f"{header}\nCu 0 0 0 0.25 0 0\nCu 1.8 1.8 0.1 -0.25 0 0\n"
    )


@pytest.fixture
def read(tmp_path):
    """Labels and warnings of a file of one configuration."""

    def run(header, **options):
        path = tmp_path / "a.xyz"
        path.write_text(frame(header))
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            [atoms] = fs.read(path, **options)
        return labels_of(atoms), [str(w.message) for w in found]

    return run


@pytest.mark.parametrize(
    ("quantity", "name", "factor"),
    [
        ("energy", "Ha", units.Hartree),
        ("energy", "kcal/mol", 0.0433641),
        ("energy", "meV", 1e-3),
        ("forces", "hartree/bohr", units.Hartree / units.Bohr),
        ("forces", "kcal/mol/Å", 0.0433641),
        ("stress", "GPa", 1 / 160.21766),
        ("stress", "kB", 1 / 1602.1766),
        ("stress", "eV/A**3", 1.0),
        ("stress", "Ha/bohr^3", units.Hartree / units.Bohr**3),
        ("virial", "kbar", 1 / 1602.1766),
        ("length", "bohr", units.Bohr),
    ],
)
def test_names(quantity, name, factor):
    assert unit_factor(quantity, name) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(
    ("quantity", "name"),
    [("energy", "GPa"), ("energy", "MeV"), ("forces", "eV"), ("stress", "mPa"), ("length", "mile")],
)
def test_unknown_names(quantity, name):
    with pytest.raises(ValueError, match=f"the {quantity} unit '{name}' is not known; known are"):
        unit_factor(quantity, name)


def test_headers_that_tell_units(read):
    labels, messages = read(f"energy=-1 stress={GPA} stress-unit=GPa")
    np.testing.assert_allclose(labels.stress[:3], 3.4 * units.GPa)
    assert not messages
    labels, messages = read("energy=-1 energy_unit=Ha force-unit=hartree/bohr")
    assert labels.energy == -units.Hartree and not messages
    assert labels.forces[0, 0] == pytest.approx(0.25 * units.Hartree / units.Bohr)
    labels, [message] = read("energy=-1 energy_unit=Ha")
    assert labels.forces[0, 0] == 0.25 and "forces are taken in eV/angstrom" in message
    labels, _ = read(f"energy=-1 virial={GPA} virial_unit=GPa")
    np.testing.assert_allclose(labels.stress[:3], -3.4 * units.GPa)
    assert read("energy=-1 units=metal")[0].energy == -1


def test_told_lengths(read, tmp_path):
    read("energy=-1 length_unit=bohr")
    [atoms] = fs.read(tmp_path / "a.xyz")
    assert atoms.positions[1, 0] == pytest.approx(1.8 * units.Bohr)
    assert atoms.cell[2, 2] == pytest.approx(3.6 * units.Bohr)
    assert "length_unit" not in atoms.info  # it is in angstrom now


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("stress-unit=furlong", "the stress unit 'furlong' is not known"),
        ("energy_unit=eV/atom", "the energy unit 'eV/atom' is not known"),
        ("units=real", "its entry units=real is not understood"),
        ("cell_unit=bohr position_unit=angstrom", "its lengths are in bohr and angstrom"),
    ],
)
def test_told_units_that_are_not_understood(read, told, problem):
    with pytest.raises(ValueError, match=f"a.xyz, configuration 0: {problem}"):
        read(f"energy=-1 {told}")


def test_units_of_options(read):
    labels, messages = read(f"energy=-1 stress={GPA}", stress_unit="kbar")
    np.testing.assert_allclose(labels.stress[:3], 340 * units.bar * 10)
    assert not messages
    labels, [message] = read(f"energy=-1 stress={GPA} stress-unit=GPa", stress_unit="kbar")
    assert "the file says that its stress is in GPa; kbar is used" in message
    with pytest.raises(ValueError, match="The stress unit 'br' is not known"):
        read(f"energy=-1 stress={GPA}", stress_unit="br")
    _, [message] = read(f"energy=-1 virial={GPA}", stress_unit="kbar")
    assert "not used for its virial, which is taken in eV" in message


def test_virial_as_vasp_prints_it(read):
    """Positive in compression, kbar, xx yy zz xy yz zx; the name tells all that."""
    six = 'virial_kbar_vasp_order="10 20 30 4 5 6"'
    labels, [message] = read(f"energy=-1 {six}")
    assert labels.stress is None and "virial_key='virial_kbar_vasp_order'" in message
    labels, messages = read(f"energy=-1 {six}", virial_key="virial_kbar_vasp_order")
    np.testing.assert_allclose(labels.stress, -np.array([10, 20, 30, 5, 6, 4]) * 1000 * units.bar)
    assert not messages


# --- doubts ---


def test_impossible_stresses(read):
    bar = GPA.replace("3.4", "34000")
    with pytest.raises(
        ValueError, match=r"GPa of tension; it looks like bar; give stress_unit='bar'"
    ):
        read(f"energy=-1 stress={bar}")
    assert not read(f"energy=-1 stress={bar}", stress_unit="bar")[1]
    _, [message] = read(f"energy=-1 stress={GPA}")
    assert "545 GPa of tension; it looks like GPa; give stress_unit='GPa'" in message
    assert not read(f"energy=-1 stress={GPA}", stress_unit="eV/angstrom^3")[1]
    with pytest.raises(ValueError, match="give virial_key='virial', stress_unit="):
        read(f"energy=-1 virial={GPA.replace('3.4', '34000')}")


def test_stress_cases(shared_cases):
    folder = shared_cases / "extxyz_stress_units"
    with pytest.raises(ValueError, match="stress_unit='bar'"):
        fs.read(folder / "bar.xyz")
    [atoms] = fs.read(folder / "gpa.xyz")
    assert labels_of(atoms).stress[0] == pytest.approx(3.4 * units.GPa)


def test_impossible_energies(read):
    _, [message] = read("energy=-700000")
    assert "below that of all its electrons" in message and "energy_unit='kcal/mol'" in message


def scaled(crystals, energy=1.0, forces=1.0, stress=1.0):
    """With labels divided by what a unit is in eV and angstrom."""
    return [
        labelled(
            atoms,
            energy=atoms.calc.results["energy"] / energy,
            forces=atoms.calc.results["forces"] / forces,
            stress=atoms.calc.results["stress"] / stress,
        )
        for atoms in crystals
    ]


@pytest.fixture(scope="module")
def near():
    """Crystals so near each other that work and energies compare; every second pair is strained."""
    rng = np.random.default_rng(1)
    [first] = lennard_jones_crystals(1)
    found = []
    for number in range(30):
        atoms = first.copy()
        if number % 4 > 1:
            strain = np.eye(3) * (1 + rng.normal(0, 0.01))
            atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        else:
            atoms.rattle(0.04, rng=rng)
        from ase.calculators.lj import LennardJones

        atoms.calc = LennardJones(sigma=2.3, epsilon=0.4, ro=3.5, rc=4.5, smooth=True)
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        found.append(labelled(atoms, **results))
    return found


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"energy": units.Hartree}, "energy_unit='hartree'"),
        ({"energy": units.kcal / units.mol}, "energy_unit='kcal/mol'"),
        ({"forces": units.Hartree / units.Bohr}, "forces_unit='hartree/bohr'"),
        (
            {"energy": units.Hartree, "forces": units.Hartree / units.Bohr},
            "energy_unit='hartree', forces_unit='hartree/bohr' (or Ry, Ry/bohr)",
        ),
        ({"forces": -1.0}, "forces (gradients with the other sign)"),
        ({"stress": units.GPa}, "stress_unit='GPa'"),
        ({"stress": 1000 * units.bar}, "stress_unit='kbar'"),
        ({"stress": -1000 * units.bar}, "virial_key='stress', stress_unit='kbar'"),
    ],
)
def test_labels_that_contradict_each_other(near, wrong, option):
    """Work of forces and stresses against differences of energy."""
    assert doubts(near, ()) == []
    found = doubts(scaled(near, **wrong), ())
    assert [doubt.option for doubt in found] == [option]
    assert doubts(scaled(near, **wrong), ("energy", "forces", "stress")) == []


def test_real_data_are_not_doubted(shared_data, mgo_data):
    paths = [
        mgo_data,
        shared_data / "fitsnap_ta/Ta.extxyz",  # with pressures up to 3000 GPa
        *sorted((shared_data / "mlearn").glob("*.extxyz")),
        *sorted((shared_data / "pace_reference").glob("*.extxyz")),
    ]
    for path in paths:
        assert doubts(_read_silently(path), ()) == [], path


def test_sign_of_vasp_order_is_right(shared_data):
    """mlearn's virials do the work that the energies say."""
    path = shared_data / "mlearn/Si_train.extxyz"
    assert doubts(_read_silently(path, virial_key="virial_kbar_vasp_order"), ()) == []


def _read_silently(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fs.read(path, **options)


def test_atoms_too_close(near):
    assert not too_close(near)
    shrunk = [atoms.copy() for atoms in near]
    for atoms in shrunk:
        atoms.set_cell(atoms.cell.array * units.Bohr, scale_atoms=True)
    assert too_close(shrunk)


def test_units_only_where_the_file_leaves_them_open(tmp_path, near):
    from forcesmith.data.formats.mlip_cfg import write_cfg

    write_cfg(tmp_path / "a.cfg", near[:1], ["Cu"])
    with pytest.raises(ValueError, match=r"a\.cfg: the format of this file fixes its units"):
        fs.read(tmp_path / "a.cfg", elements=["Cu"], stress_unit="GPa")
    ase.io.write(tmp_path / "a.extxyz", near[:1])
    assert fs.read(tmp_path / "a.extxyz", stress_unit="eV/angstrom^3")
