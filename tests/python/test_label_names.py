"""Labels under the names that files give them: used, refused or spoken of, never dropped."""

import re
import warnings

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase.build import molecule
from forcesmith.data.checks import check_configurations
from forcesmith.data.labels import labels_of
from sample_data import labelled

LATTICE = 'Lattice="3.6 0 0 0 3.6 0 0 0 3.6" pbc="T T T"'
VOLUME = 3.6**3
VIRIAL = '"1 0.4 0.5 0.4 2 0.6 0.5 0.6 3"'
SIX = np.array([1, 2, 3, 0.6, 0.5, 0.4])  # the same, xx yy zz yz xz xy


def frame(header, columns="forces:R:3", lattice=LATTICE, properties="Properties"):
    columns = f":{columns}" if columns else ""
    return (
        f"2\n{lattice} {properties}=species:S:1:pos:R:3{columns} {header}\n"
        "Cu 0 0 0 0.25 0 0\nCu 1.8 1.8 0.1 -0.25 0 0\n"
    )


@pytest.fixture
def read(tmp_path):
    """Read the text of an extended XYZ file; returns labels, and warnings without the path."""

    def run(text, **options):
        path = tmp_path / "a.xyz"
        path.write_text(text)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            configurations = fs.read(path, **options)
        messages = [str(w.message).replace(f"{tmp_path}/", "") for w in found]
        assert all(len(message) < 300 for message in messages)
        return [labels_of(atoms) for atoms in configurations], messages

    return run


@pytest.fixture
def refused(read, tmp_path):
    def run(text, **options):
        with pytest.raises(ValueError) as error:
            read(text, **options)
        sentence = str(error.value).replace(f"{tmp_path}/", "")
        assert len(sentence) < 300 and sentence.endswith(".") and "a.xyz" in sentence
        return sentence

    return run


@pytest.mark.parametrize("name", ["virial", "Virial", "virials", "VIRIALS"])
def test_a_virial_is_a_stress(read, name):
    """In eV, positive in compression: GAP, NEP, MACE, dpdata."""
    [labels], messages = read(frame(f"energy=-7 {name}={VIRIAL}"))
    np.testing.assert_allclose(labels.stress, -SIX / VOLUME)
    assert not messages


def test_six_components(read):
    six = '"1 2 3 0.6 0.5 0.4"'
    [labels], _ = read(frame(f"energy=-7 virial={six}"))
    np.testing.assert_allclose(labels.stress, -SIX / VOLUME)
    [labels], _ = read(frame('energy=-7 stress="0.1 0.2 0.3 0.06 0.05 0.04"'))
    np.testing.assert_allclose(labels.stress, SIX / 10)


def test_spellings_that_mean_one_thing(read):
    [labels], messages = read(frame("Energy=-7", "Force:R:3"))
    assert labels.energy == -7 and labels.forces[0, 0] == 0.25 and not messages


def test_header_keys_in_small_letters(read):
    """As GPUMD writes them; ASE would read neither cell nor forces."""
    lattice = LATTICE.replace("Lattice", "lattice").replace('pbc="T T T"', "")
    [labels], messages = read(
        frame(f"energy=-7 virial={VIRIAL}", "force:R:3", lattice, "properties")
    )
    assert labels.forces[1, 0] == -0.25 and not messages
    np.testing.assert_allclose(labels.stress, -SIX / VOLUME)


def test_virial_and_stress_must_agree(read, refused):
    stress = '"' + " ".join(str(-x / VOLUME) for x in (1, 0.4, 0.5, 0.4, 2, 0.6, 0.5, 0.6, 3)) + '"'
    [labels], messages = read(frame(f"energy=-7 virial={VIRIAL} stress={stress}"))
    np.testing.assert_allclose(labels.stress, -SIX / VOLUME)
    assert not messages
    other = frame(f"energy=-7 virial={VIRIAL} stress={VIRIAL}")
    assert "stress and its virial contradict each other" in refused(other)
    [labels], _ = read(other, virial_key="virial")
    np.testing.assert_allclose(labels.stress, -SIX / VOLUME)
    [labels], _ = read(other, stress_key="stress")
    np.testing.assert_allclose(labels.stress, SIX)
    with pytest.raises(ValueError, match="stress_key and virial_key exclude each other"):
        read(other, stress_key="stress", virial_key="virial")


def test_other_names_are_spoken_of(read):
    [labels], [message] = read(frame(f"energy=-7 REF_energy=-8 dft_virial={VIRIAL}"))
    assert labels.energy == -7 and labels.stress is None
    assert message == (
        "a.xyz: REF_energy, dft_virial are not used (instead: energy); if wanted as labels, give "
        "energy_key='REF_energy', virial_key='dft_virial' and their units."
    )
    [labels], messages = read(
        frame(f"energy=-7 REF_energy=-8 dft_virial={VIRIAL}"),
        energy_key="REF_energy",
        virial_key="dft_virial",
    )
    assert labels.energy == -8 and not messages
    np.testing.assert_allclose(labels.stress, -SIX / VOLUME)


def test_what_only_sounds_like_a_label_is_let_be(read):
    _, messages = read(
        frame("energy=-7 kinetic_energy=1 energy_weight=2 energy_per_atom=-3.5 free_energy=-7.1")
    )
    assert not messages


MACE = (
    frame('REF_energy=-7 REF_stress="0.1 0 0 0 0.2 0 0 0 0.3"', "REF_forces:R:3")
    + f"1\n{LATTICE} Properties=species:S:1:pos:R:3:REF_forces:R:3 REF_energy=-0.2\n"
    "Cu 0 0 0 0 0 0\n"
)
KEYS = {"energy_key": "REF_energy", "forces_key": "REF_forces", "stress_key": "REF_stress"}


def test_keys_of_mace(read, tmp_path):
    """An isolated atom has no stress."""
    (crystal, atom), messages = read(MACE, **KEYS)
    assert (crystal.energy, atom.energy) == (-7, -0.2) and atom.stress is None and not messages
    np.testing.assert_allclose(crystal.stress, [0.1, 0.2, 0.3, 0, 0, 0])
    _, [message] = read(MACE, energy_key="REF_energy")
    assert "REF_stress, REF_forces are not used" in message
    with pytest.raises(
        ValueError, match=r"but REF_energy, REF_stress, REF_forces; read it with"
    ) as e:
        check_configurations(fs.read(tmp_path / "a.xyz"), None, "train")
    for key, name in KEYS.items():
        assert f"{key}='{name}'" in str(e.value)


def test_mace_case(shared_cases):
    crystal, atom = fs.read(shared_cases / "labels_from_shell/mace.xyz", **KEYS)
    assert labels_of(crystal).stress is not None and labels_of(atom).stress is None


def test_key_that_no_configuration_has(refused):
    sentence = refused(MACE, energy_key="ref_energy")
    assert "has no 'ref_energy' to take the energy from, nor has any other" in sentence
    assert "REF_energy, REF_forces, REF_stress" in sentence


def test_key_that_some_configurations_lack(read):
    labels, messages = read(frame("REF_energy=-7") + frame("energy=-8"), energy_key="REF_energy")
    assert [one.energy for one in labels] == [-7, None]
    assert messages == [
        "a.xyz: 1 of 2 configurations (the first: 1) have no 'REF_energy' and are read without "
        "energy."
    ]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("energy=T", "configuration 0: energy is a boolean .True."),
        ("energy=low", "configuration 0: energy is text .low."),
        ('Energy="-7 eV"', "configuration 0: energy is text .-7 eV."),
        ("energy=1+2j", "configuration 0: energy is text"),
        ('energy="1 2 3"', "configuration 0 has energy of shape .3,., expected one number"),
        ("energy=1e300", "configuration 0.: energy contains a number above 1e.12"),
        ("energy=inf", "configuration 0.: energy contains NaN or infinity"),
        ("energy=-7 virial=T", "configuration 0: virial is a boolean"),
        ('virial="1 2 3"', "virial must have 6 or 9 components"),
        ('energy=-7 stress="a b c"', "line 2: the stress is 'a b c'"),
        ('stress="0 1 0 0 0 0 0 0 0"', "line 2: the stress is not symmetric .for example"),
        ("energy=-7 energy=-8", "line 2: the header has energy twice"),
    ],
)
def test_what_is_no_label(refused, header, problem):
    assert re.search(problem, refused(frame(header)))


def test_forces_of_wrong_shape(refused):
    text = frame("energy=-7", "forces:R:2").replace(" 0\n", "\n")
    assert "has forces of shape (2, 2), expected (2, 3)" in refused(text)


@pytest.mark.parametrize("value", [True, 1j, "low", [1.0, 2.0], None, [[1.0], [1.0, 2.0]]])
def test_results_that_are_no_energy(value):
    atoms = labelled(molecule("H2O"), forces=np.zeros((3, 3)))
    atoms.calc.results["energy"] = value
    if value is None:
        assert labels_of(atoms).energy is None
        return
    with pytest.raises(ValueError, match=r"^Configuration 0 of train.* energy"):
        check_configurations([atoms], None, "train")


def test_columns_without_a_name(refused):
    """Plain XYZ files with forces."""
    sentence = refused(frame("energy=-7", ""))
    assert "line 3: an atom with 7 columns, but the header names 4" in sentence


def test_stress_without_a_volume(read):
    stress = 'stress="0.1 0 0 0 0.1 0 0 0 0"'
    _, [message] = read(frame(f"energy=-7 {stress}", lattice='pbc="F F F"'))
    assert "1 of 1 configurations (the first: 0) have a stress or virial but no cell" in message
    _, messages = read(frame(f"energy=-7 {stress}", lattice=LATTICE.replace("T T T", "T T F")))
    assert not messages


def test_labels_of_configurations_that_were_not_read():
    atoms = labelled(molecule("H2O"), energy=-1.0)
    atoms.info["dft_stress"] = np.zeros(6)
    with pytest.warns(UserWarning, match="train set holds dft_stress, which is not used"):
        check_configurations([atoms], None, "train")


def test_written_and_read_again(read, tmp_path):
    """What was used is gone from where it was, so that it is not used twice."""
    read(frame(f"Energy=-7 virial={VIRIAL}", "force:R:3"))
    ase.io.write(tmp_path / "b.extxyz", fs.read(tmp_path / "a.xyz"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [again] = fs.read(tmp_path / "b.extxyz")
    np.testing.assert_allclose(labels_of(again).stress, -SIX / VOLUME)


def test_unknown_option(tmp_path):
    with pytest.raises(TypeError, match="read has no option 'energykey'"):
        fs.read(tmp_path / "a.xyz", energykey="a")
