"""Reading, checking and splitting reference data."""

import ase.io
import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from forcesmith.data.checks import check_configurations
from forcesmith.data.dataset import split
from forcesmith.data.formats.mlip_cfg import read_cfg, write_cfg
from forcesmith.data.labels import group_of, labels_of
from forcesmith.data.reading import read
from sample_data import labelled

TWO_BLOCKS = """BEGIN_CFG
 Size
    2
 Supercell
    4.0 0.0 0.0
    0.0 5.0 0.0
    0.0 0.0 6.0
 AtomData:  type id fz fx fy direct_x direct_y direct_z nbh_grades
    1 2   0.3 0.1 0.2   0.5 0.5 0.5  1.5
    0 1   -0.3 -0.1 -0.2   0.0 0.0 0.25 0.5
 Energy
    -3.25
 PlusStress:  xx yy zz xy xz yz
    1.0 2.0 3.0 4.0 5.0 6.0
 Feature   EFS_by   VASP 6.4
END_CFG

BEGIN_CFG
 Size
 1
 AtomData: id type cartes_x cartes_y cartes_z
 1 0 0.5 1.5 2.5
END_CFG
"""


@pytest.fixture
def cfg_file(tmp_path):
    def write(text):
        path = tmp_path / "data.cfg"
        path.write_text(text)
        return path

    return write


# --- MLIP .cfg -----------------------------------------------------------------------------------


def test_cfg_columns_in_any_order_and_labels(cfg_file):
    salt, single = read(cfg_file(TWO_BLOCKS), elements=["Na", "Cl"])
    assert salt.get_chemical_symbols() == ["Na", "Cl"]  # ordered by id
    np.testing.assert_allclose(salt.positions, [[0, 0, 1.5], [2, 2.5, 3]])
    np.testing.assert_allclose(salt.get_forces(), [[-0.1, -0.2, -0.3], [0.1, 0.2, 0.3]])
    np.testing.assert_allclose(salt.arrays["nbh_grades"], [0.5, 1.5])
    assert salt.get_potential_energy() == -3.25
    assert salt.pbc.all()
    assert salt.info["EFS_by"] == "VASP 6.4"
    # xx yy zz yz xz xy; a positive virial is a compressed crystal, which ASE calls negative stress
    np.testing.assert_allclose(salt.get_stress(), -np.array([1, 2, 3, 6, 5, 4]) / 120)
    assert not single.pbc.any()
    labels = labels_of(single)
    assert labels.energy is None and labels.forces is None and labels.stress is None


def test_cfg_sign_of_virial_is_that_of_mlip(shared_data):
    """For a molecule the virial is sum r_a F_b over its atoms, whatever wrote the file."""
    molecules = read(shared_data / "mtp_reference/molecules_762_06/out.cfg", elements=["H"])
    assert len(molecules) == 12
    for atoms in molecules:
        virial = atoms.positions.T @ atoms.get_forces()
        np.testing.assert_allclose(
            atoms.info["virial"], virial.ravel()[[0, 4, 8, 5, 2, 1]], atol=3e-5
        )


def test_cfg_reads_every_reference_file(shared_data):
    for path in sorted((shared_data / "mtp_reference").glob("*/out.cfg")):
        configurations = read(path, elements=["Cu", "Ag", "Au"])
        assert len(configurations) == 12, path
        check_configurations(configurations, ["Cu", "Ag", "Au"], "train", forces_required=True)


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 1, 0), (0, 1, 0), (0, 0, 0)])
def test_cfg_round_trip(tmp_path, pbc):
    rng = np.random.default_rng(3)
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    atoms.pbc = pbc
    atoms.rattle(0.1, rng=rng)
    atoms.info = {"config_type": "rattled cell", "number": 3}
    atoms = labelled(
        atoms, energy=rng.normal() * 1e4, forces=rng.normal(size=(8, 3)), stress=rng.normal(size=6)
    )
    path = tmp_path / "out.cfg"
    write_cfg(path, [atoms, atoms], ["Cl", "Na"])
    again = read(path, elements=["Cl", "Na"])
    assert len(again) == 2
    for copy in again:
        assert copy.get_chemical_symbols() == atoms.get_chemical_symbols()
        np.testing.assert_allclose(copy.positions, atoms.positions, rtol=1e-15, atol=1e-15)
        np.testing.assert_allclose(copy.get_forces(), atoms.get_forces(), rtol=1e-14)
        assert copy.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), rel=1e-15)
        assert group_of(copy) == "rattled cell"
        assert sum(copy.pbc) == sum(pbc)
        if all(pbc):
            np.testing.assert_allclose(copy.get_stress(), atoms.get_stress(), rtol=1e-14)
        else:
            np.testing.assert_allclose(
                copy.info["virial"], -atoms.get_stress() * atoms.get_volume(), rtol=1e-14
            )
    assert list(tmp_path.iterdir()) == [path]  # no temporary file stays


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("-3.25", "abc"), "line 12: expected numbers .energy., found 'abc'"),
        (("    2\n", "    3\n"), "line 11: expected 3 lines of AtomData with 9 numbers"),
        (("1 2   0.3 0.1", "7 2   0.3 0.1"), "line 9: type 7, but 2 element"),
        (("0.1 0.2   0.5 ", "0.1   0.5 "), "line 9: expected 2 lines of AtomData with 9 numbers"),
        (("direct_x", "cartes_x"), "line 8: AtomData has cartes_x but no cartes_y"),
        ((" fz fx", " fu fx"), "line 8: AtomData has fx but no fz"),
        (
            ("    0.0 0.0 6.0\n", ""),
            "line 7: direct_x, direct_y, direct_z need a Supercell of three",
        ),
        (("1.0 2.0 3.0", "1.0 2.0"), "line 14: expected 6 numbers .PlusStress., found 5"),
        (("END_CFG\n\nBEGIN", "BEGIN"), "line 16: BEGIN_CFG inside a configuration"),
        (("BEGIN_CFG\n Size\n    2", " Size\n    2"), "line 1: expected BEGIN_CFG, found 'Size'"),
        (("1.5 2.5\nEND_CFG\n", "1.5 2.5\n"), "line 22: the file ends where END_CFG was expected"),
        ((" Size\n    2", " Size\n    -2"), "line 3: Size must be a positive whole number"),
    ],
)
def test_cfg_errors_name_file_and_line(cfg_file, change, message):
    assert change[0] in TWO_BLOCKS
    path = cfg_file(TWO_BLOCKS.replace(*change, 1))
    with pytest.raises(ValueError, match=rf"data\.cfg, {message}"):
        read_cfg(path, ["Na", "Cl"])


def test_cfg_needs_elements(cfg_file):
    with pytest.raises(ValueError, match=r"data.cfg: .*type numbers.* elements=\["):
        read(cfg_file(TWO_BLOCKS))


def test_cfg_writer_refuses_unknown_element_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="configuration 1 contains O, .*Na, Cl"):
        write_cfg(tmp_path / "x.cfg", [Atoms("Na"), Atoms("NaO")], ["Na", "Cl"])
    assert not list(tmp_path.iterdir())


# --- read ----------------------------------------------------------------------------------------


@pytest.fixture
def xyz(tmp_path):
    path = tmp_path / "water.extxyz"
    frames = []
    for number in range(5):
        atoms = molecule("H2O")
        atoms.info = {"config_type": "water", "REF_energy": -100.0 - number}
        atoms.arrays["REF_forces"] = np.full((3, 3), 0.5 * number)
        frames.append(labelled(atoms, energy=float(number), forces=np.zeros((3, 3))))
    ase.io.write(path, frames, format="extxyz")
    return path


def test_read_is_in_the_package(xyz):
    assert len(fs.read(xyz)) == 5


def test_read_slices_and_lists(xyz):
    assert [a.get_potential_energy() for a in read(xyz, "1:3")] == [1, 2]
    assert [a.get_potential_energy() for a in read(f"{xyz}@::2")] == [0, 2, 4]
    assert [a.get_potential_energy() for a in read([xyz, f"{xyz}@-1"])] == [0, 1, 2, 3, 4, 4]
    assert [a.get_potential_energy() for a in read(xyz, 3)] == [3]
    assert read(f"{xyz}@-1")[0].info["read_from"] == f"{xyz}, configuration 4"
    assert read([]) == []


def test_read_labels_under_other_names(xyz):
    atoms = read(xyz, energy_key="REF_energy", forces_key="REF_forces")[2]
    assert labels_of(atoms).energy == -102
    np.testing.assert_array_equal(labels_of(atoms).forces, np.ones((3, 3)))
    assert labels_of(read(xyz)[2]).energy == 2
    with pytest.raises(ValueError, match="configuration 0.* has no 'dft_energy'.*REF_energy"):
        read(xyz, energy_key="dft_energy")


def test_read_free_energy_key(tmp_path):
    """VASP's `energy` is extrapolated to zero smearing; its forces belong to `free_energy`."""
    path = tmp_path / "a.extxyz"
    atoms = labelled(molecule("H2O"), energy=-1.0, free_energy=-1.5)
    ase.io.write(path, atoms)
    assert labels_of(read(path)[0]).energy == -1.0
    assert labels_of(read(path, energy_key="free_energy")[0]).energy == -1.5


def test_read_stress_key_takes_nine_components(tmp_path):
    path = tmp_path / "a.extxyz"
    atoms = bulk("Cu")
    atoms.info["dft_stress"] = np.array([[1, 6, 5], [6, 2, 4], [5, 4, 3]]) / 100
    ase.io.write(path, atoms)
    assert labels_of(read(path)[0]).stress is None
    np.testing.assert_allclose(
        labels_of(read(path, stress_key="dft_stress")[0]).stress, np.arange(1, 7) / 100
    )


def test_read_errors(tmp_path, xyz):
    with pytest.raises(FileNotFoundError, match=r"absent.extxyz: no such file"):
        read(tmp_path / "absent.extxyz")
    with pytest.raises(OSError, match="expected a file, found a folder"):
        read(tmp_path)
    nonsense = tmp_path / "data.nonsense"
    nonsense.write_text("nothing that any program writes\n")
    with pytest.raises(ValueError, match=r"data.nonsense: the file format is not known"):
        read(nonsense)
    truncated = tmp_path / "cut.extxyz"
    truncated.write_text("\n".join(xyz.read_text().splitlines()[:-1]))
    with pytest.raises(
        ValueError, match=r"cut.extxyz, line 21: 3 atoms .* after 2; it is truncated"
    ):
        read(truncated)
    with pytest.raises(ValueError, match="configuration 9 was asked for, but the file has 5"):
        read(xyz, 9)
    with pytest.raises(ValueError, match="'a:b' does not select"):
        read(xyz, "a:b")


def test_stress_of_other_conventions_is_left_alone(shared_data):
    atoms = read(shared_data / "mlearn/Mo_test.extxyz", "0")[0]
    labels = labels_of(atoms)
    assert labels.stress is None and labels.energy is not None and labels.forces is not None


def test_example_data_is_complete(mgo_data):
    configurations = read(mgo_data)
    assert len(configurations) == 53
    check_configurations(configurations, ["Mg", "O"], "train", forces_required=True)
    assert all(labels_of(atoms).stress is not None for atoms in configurations)


# --- labels and checks ---------------------------------------------------------------------------


@pytest.fixture
def good():
    rng = np.random.default_rng(0)
    return [
        labelled(bulk("Cu", cubic=True), energy=-1.0, forces=rng.normal(size=(4, 3)))
        for _ in range(3)
    ]


def test_good_data_passes(good):
    check_configurations(good, ["Cu"], "train", forces_required=True)
    check_configurations(good, None, "train")


def test_isolated_atom_without_cell_passes():
    check_configurations([labelled(Atoms("H"), energy=0.0)], ["H"], "train")


def test_group_of():
    assert group_of(Atoms("H")) == "default"
    assert group_of(Atoms("H", info={"config_type": "atom"})) == "atom"


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("quantity", ["energy", "forces", "stress"])
def test_not_finite_labels(good, quantity, value):
    labels = {"energy": 1.0, "forces": np.zeros((4, 3)), "stress": np.zeros(6)}
    if quantity == "energy":
        labels["energy"] = value
    else:
        labels[quantity][2, ...] = value
    atoms = labelled(good[0], **labels)
    with pytest.raises(ValueError, match=f"{quantity}.* contains NaN or infinity"):
        labels_of(atoms)
    with pytest.raises(ValueError, match=rf"^Configuration 1 of train: {quantity}.*remove"):
        check_configurations([good[0], atoms], ["Cu"], "train")
    if quantity == "forces":
        with pytest.raises(ValueError, match=r"forces of atom 2 \(Cu\)"):
            labels_of(atoms)


def test_not_finite_positions(good):
    good[2].positions[3, 1] = np.nan
    with pytest.raises(
        ValueError, match=r"Configuration 2 of test: the positions of atom 3 \(Cu\) .*contain NaN"
    ):
        check_configurations(good, ["Cu"], "test")


def test_not_finite_cell(good):
    good[1].cell[0, 0] = np.inf
    with pytest.raises(ValueError, match="Configuration 1 of train: the cell contains NaN"):
        check_configurations(good, ["Cu"], "train")


def test_missing_element(good):
    good[1].symbols[0] = "Ni"
    with pytest.raises(
        ValueError,
        match="Configuration 1 of train contains Ni, but the settings name only Cu; add Ni",
    ):
        check_configurations(good, ["Cu"], "train")


@pytest.mark.parametrize("pbc", [True, False])
def test_overlapping_atoms(good, pbc):
    good[1].pbc = pbc
    good[1].positions[3] = good[1].positions[1] + [0.0, 0.1, 0.0]
    with pytest.raises(
        ValueError,
        match=r"Configuration 1 of train: atoms 1 \(Cu\) and 3 \(Cu\) are 0.100 angstrom apart",
    ):
        check_configurations(good, ["Cu"], "train")


def test_overlap_across_the_boundary(good):
    good[0].positions[1] = good[0].positions[0] + good[0].cell[2] - [0, 0, 0.05]
    with pytest.raises(ValueError, match="atoms 0 .* and 1 .* 0.050 angstrom apart"):
        check_configurations(good, ["Cu"], "train")
    good[0].pbc = [True, True, False]
    check_configurations(good, ["Cu"], "train")


def test_overlap_with_own_image():
    atoms = labelled(Atoms("Cu", cell=[0.15, 5, 5], pbc=True), energy=0.0)
    with pytest.raises(ValueError, match=r"atoms 0 .* own periodic image.* 0.150 angstrom"):
        check_configurations([atoms], ["Cu"], "train")


def test_periodic_without_cell():
    atoms = labelled(Atoms("Cu", pbc=True), energy=0.0)
    with pytest.raises(ValueError, match="is periodic .pbc = T T T., but its lattice vectors"):
        check_configurations([atoms], ["Cu"], "train")


def test_unlabelled(good):
    good[2].calc = None
    with pytest.raises(ValueError, match="Configuration 2 of train has neither energy nor forces"):
        check_configurations(good, ["Cu"], "train")


def test_without_forces(good):
    good[1] = labelled(good[1], energy=1.0, group="slab")
    check_configurations(good, ["Cu"], "train")
    with pytest.raises(
        ValueError,
        match="Configuration 1 of train has no forces, .* group 'slab' the force weight 0",
    ):
        check_configurations(good, ["Cu"], "train", forces_required=True)


def test_forces_of_wrong_shape(good):
    good[0] = labelled(good[0], forces=np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"forces of shape \(3, 3\), expected \(4, 3\)"):
        check_configurations(good, ["Cu"], "train")


def test_empty():
    with pytest.raises(ValueError, match="The train set is empty"):
        check_configurations([], ["Cu"], "train")
    with pytest.raises(ValueError, match="Configuration 0 of train has no atoms"):
        check_configurations([Atoms()], ["Cu"], "train")


def test_message_names_the_file(xyz):
    configurations = read(xyz)
    configurations[3].positions[0] = np.nan
    with pytest.raises(
        ValueError,
        match=r"Configuration 3 of train \(.*water.extxyz, configuration 3\): the positions",
    ):
        check_configurations(configurations, ["H", "O"], "train")


# --- split ---------------------------------------------------------------------------------------


def grouped(*sizes):
    return [
        Atoms("H", info={"config_type": f"group {g}", "id": (g, k)})
        for g, size in enumerate(sizes)
        for k in range(size)
    ]


def test_split_is_a_partition_with_shares_of_every_group():
    data = grouped(100, 50, 10, 1)
    train, test = split(data, 0.2, seed=4)
    assert {a.info["id"] for a in train + test} == {a.info["id"] for a in data}
    assert len(train) + len(test) == len(data)
    sizes = [sum(group_of(a) == f"group {g}" for a in test) for g in range(4)]
    assert sizes == [20, 10, 2, 0]


def test_split_of_many_small_groups_reaches_the_fraction():
    train, test = split(grouped(*[3] * 20), 0.1, seed=0)
    assert len(test) == 6
    assert len({group_of(a) for a in train}) == 20


def test_split_follows_the_seed():
    data = grouped(20, 20)
    ids = [[a.info["id"] for a in split(data, 0.3, seed=s)[1]] for s in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


def test_split_without_groups():
    train, test = split(grouped(*[1] * 10), 0.3, seed=0, by_group=False)
    assert (len(train), len(test)) == (7, 3)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 2])
def test_split_fraction_out_of_range(fraction):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        split(grouped(3), fraction, seed=0)


def test_split_zero_keeps_all():
    assert len(split(grouped(3), 0, seed=0)[0]) == 3


def counts(configurations, *sizes):
    return [sum(group_of(a) == f"group {g}" for a in configurations) for g in range(len(sizes))]


def test_split_with_many_single_configurations():
    """Groups of one cannot give to the test set; the others do not give for them."""
    sizes = (*[1] * 9, 40)
    train, test = split(grouped(*sizes), 0.25, seed=0)
    assert counts(train, *sizes)[:9] == [1] * 9
    assert abs(counts(test, *sizes)[9] - 10) <= 1


def test_split_by_fractions_of_groups():
    sizes = (20, 10, 7, 1)
    data = grouped(*sizes)
    train, test = split(data, {"group 0": 0.25, "group 2": 0.5, "group 3": 0.9}, seed=3)
    assert counts(test, *sizes) == [5, 0, 4, 0]
    assert counts(train, *sizes) == [15, 10, 3, 1]
    ids = [a.info["id"] for a in data]
    for part in (train, test):  # the order is kept
        assert [a.info["id"] for a in part] == sorted(a.info["id"] for a in part)
    assert sorted(a.info["id"] for a in train + test) == sorted(ids)


def test_split_by_fractions_follows_the_seed():
    data = grouped(30, 30)
    ids = [
        [a.info["id"] for a in split(data, {"group 1": 0.3}, seed=seed)[1]] for seed in (5, 5, 6)
    ]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 9


def test_split_of_a_group_does_not_depend_on_other_fractions():
    data = grouped(5, 10, 20)
    alone = split(data, {"group 1": 0.1}, seed=2)[1]
    among = split(data, {"group 0": 0.5, "group 1": 0.1, "group 2": 0.33}, seed=2)[1]
    assert len(alone) == 1
    assert [a.info["id"] for a in among if group_of(a) == "group 1"] == [alone[0].info["id"]]
    whole = split(data, 0.2, seed=2)[1]
    each = split(data, {f"group {g}": 0.2 for g in range(3)}, seed=2)[1]
    assert [a.info["id"] for a in whole] == [a.info["id"] for a in each]


def test_split_by_fractions_of_data_without_groups():
    train, test = split([Atoms("H") for _ in range(10)], {"default": 0.2}, seed=0)
    assert (len(train), len(test)) == (8, 2)


def test_split_by_no_fractions_keeps_all():
    assert len(split(grouped(3), {}, seed=0)[0]) == 3
    assert split([], {"liquid": 0.1}, seed=0) == ([], [])


def test_split_by_fractions_errors():
    data = grouped(5, 5)
    with pytest.raises(
        ValueError,
        match="the group 'grup 1', which the data does not have; did you mean 'group 1'. "
        "Groups of the data: group 0, group 1.$",
    ):
        split(data, {"group 0": 0.5, "grup 1": 0.5}, seed=0)
    for value in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match="the group 'group 1' must be at least 0 and below 1"):
            split(data, {"group 1": value}, seed=0)
    with pytest.raises(ValueError, match="single groups need by_group=True"):
        split(data, {"group 1": 0.1}, seed=0, by_group=False)
