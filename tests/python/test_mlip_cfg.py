"""MLIP's .cfg files as its own reader takes them, and what that one refuses."""

import numpy as np
import pytest
from forcesmith.data.checks import check_configurations
from forcesmith.data.labels import labels_of
from forcesmith.data.reading import read
from test_data_files import CFG


@pytest.fixture
def changed(tmp_path):
    """Reads the file after replacing text in it."""

    def changed(*replacements, elements=("Cu", "Ni"), text=CFG):
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "a.cfg"
        path.write_text(text)
        [atoms] = read(path, elements=list(elements))
        return atoms

    return changed


SAME = {
    "SuperCell": [("Supercell", "SuperCell")],
    "Atomic_data": [("AtomData:", "Atomic_data:")],
    "no colon": [("AtomData:", "AtomData")],
    "on one line": [("Size\n 2", "Size 2"), ("Energy\n", "Energy")],
    "nine numbers": [("\n 4 0 0\n 0 4 0\n 0 0 4", "\n 4 0 0 0 4 0 0 0 4")],
    "nine numbers, all on a line": [("\n 4 0 0\n 0 4 0\n 0 0 4", " 4 0 0 0 4 0 0 0 4")],
    "comments and empty lines": [(" Energy", "# x\n\n Energy"), ("BEGIN_CFG", "#x\n\nBEGIN_CFG")],
    "twice the same entry": [("Energy\n", "Foo: 1\n 1 2\n Energy\n")],
}


@pytest.mark.filterwarnings("ignore:.*Foo")
@pytest.mark.parametrize("name", SAME)
def test_spellings(changed, name):
    atoms = changed(*SAME[name])
    np.testing.assert_array_equal(atoms.cell.array, 4 * np.eye(3))
    np.testing.assert_array_equal(atoms.positions, [[0, 0, 0], [2, 2, 2]])
    assert atoms.pbc.all() and atoms.get_potential_energy() == -1.5


def test_spelling_of_a_case(shared_cases):
    [atoms] = read(shared_cases / "cfg_supercell_spelling" / "a.cfg", elements=["Cu"])
    assert atoms.pbc.all() and atoms.cell.lengths().tolist() == [3.6] * 3
    np.testing.assert_allclose(labels_of(atoms).stress, np.array([-1, -1, -2, 0, 0, 0]) / 466.56)


def test_further_columns(changed):
    atoms = changed(
        ("fx fy fz", "fx fy fz site_en spin ghost magmom_x"),
        ("0 0 0 0 0 0 0", "0 0 0 0 0 0 0 -0.5 up false 1"),
        ("2 2 2 0 0 0", "2 2 2 0 0 0 -1.0 down false -1"),
    )
    assert atoms.arrays["site_en"].tolist() == [-0.5, -1.0]
    assert atoms.arrays["spin"].tolist() == ["up", "down"]
    assert atoms.arrays["magmom_x"].tolist() == [1.0, -1.0]


def test_features(changed):
    atoms = changed(
        (
            "END_CFG",
            " Feature EFS_by  VASP 6\n Feature note first line\n Feature note second\n"
            " Feature weight 2.5\n Features: a b\n 1 two\nEND_CFG",
        )
    )
    assert atoms.info["EFS_by"] == "VASP 6"
    assert atoms.info["note"] == "first line\nsecond"
    assert atoms.info["weight"] == 2.5  # of the configuration in a fit
    assert (atoms.info["a"], atoms.info["b"]) == ("1", "two")


def test_without_types_of_one_element(changed):
    replacements = [("id type", "id"), (" 1 0 0", " 1 0"), (" 2 0 2", " 2 2")]
    assert str(changed(*replacements, elements=["Ni"]).symbols) == "Ni2"
    with pytest.raises(ValueError, match="line 8: AtomData needs a column type"):
        changed(*replacements)


@pytest.mark.parametrize("key", ["Stress:", "Virial:", "EnergyWeight", "Whatever"])
def test_entries_that_are_not_used(changed, key):
    entry = f" {key} xx yy zz yz xz xy\n 1 2 3 4 5 6\n"
    with pytest.warns(UserWarning, match=rf"a\.cfg: .*not used: '{key}' \(line 11\)") as caught:
        atoms = changed((" Energy", entry + " Energy"), text=CFG)
    assert len(caught) == 1
    assert ("write PlusStress" in str(caught[0].message)) == (key in ("Stress:", "Virial:"))
    assert labels_of(atoms).energy == -1.5 and labels_of(atoms).stress is None


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        *(
            (("Size\n 2", f"Size\n {size}"), "line 3: Size must be a positive whole number")
            for size in ("inf", "-1", "0", "nan", "1e400", "1.5", "1e9", "9" * 5000)
        ),
        (("Size\n 2", "Size\n 1_0"), "line 3: expected numbers .*1_0"),
        (("Size\n 2", "Size\n 1000000"), "line 11: expected 1000000 lines of AtomData"),
        (("-1.5", "-1_5"), "line 12: expected numbers"),
        (("-1.5", "-1.5\n Energy\n -2"), "line 13: Energy is there twice"),
        (("fx fy fz", "fx fy fx"), "line 8: AtomData has the column fx twice"),
        ((" 0 0 4\n", " 0 0\n"), "line 7: expected 3 numbers .a lattice vector., found 2"),
        (("cartes_x cartes_y cartes_z", "a b c"), "line 8: AtomData needs either cartes_x"),
        (
            ("fx fy fz", "direct_x direct_y direct_z"),
            "line 8: AtomData needs either cartes_x",
        ),
        (("END_CFG", " Feature weight heavy\nEND_CFG"), "line 13: expected numbers .the feat"),
    ],
)  # fmt: skip
def test_what_is_refused(changed, replacement, message):
    with pytest.raises(ValueError, match=rf"a\.cfg, {message}") as found:
        changed(replacement)
    assert len(str(found.value)) < 300


def test_ghost_atoms_are_refused(changed):
    with pytest.raises(ValueError, match="line 8: ghost atoms"):
        changed(
            ("fx fy fz", "fx fy fz ghost"),
            ("0 0 0 0 0 0 0", "0 0 0 0 0 0 0 true"),
            ("2 2 2 0 0 0", "2 2 2 0 0 0 false"),
        )


@pytest.mark.parametrize("value", ["nan", "1e400", "-inf"])
@pytest.mark.parametrize("old", ["4 0 0", "2 2 2", "-1.5"])
def test_not_finite(changed, old, value):
    """Read, and refused when the data are checked, as those of other files are."""
    from forcesmith.data.checks import check_configurations

    atoms = changed((old, old.replace(old.split()[0], value, 1)))
    with pytest.raises(ValueError, match=r"a\.cfg, configuration 0\).* NaN or infinity"):
        check_configurations([atoms], None, "train")


def test_virial_of_a_cell_without_a_volume(tmp_path):
    """Two of its lattice vectors are the same; the check of configurations refuses it."""
    path = tmp_path / "a.cfg"
    path.write_text(
        "BEGIN_CFG\nSize\n1\nSupercell\n3 0 0\n3 0 0\n0 0 3\nAtomData: id type cartes_x cartes_y "
        "cartes_z fx fy fz\n1 0 0 0 0 0 0 0\nEnergy\n-1\nPlusStress: xx yy zz yz xz xy\n"
        "1 1 1 0 0 0\nEND_CFG\n"
    )
    with pytest.warns(UserWarning, match="no cell with a volume"):
        [atoms] = read(path, elements=["Cu"])
    with pytest.raises(ValueError, match="linearly dependent"):
        check_configurations([atoms], None, "train")
