"""Conditions: series become single ones with names of their own, impossible ones are refused."""

import pickle

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from forcesmith.learning.conditions import ConditionSettings, expand
from forcesmith.sampling.structures import largest_void, strained, widest_gap
from pydantic import ValidationError

CSCL = "cesiumchloride MgO 2.6"
MGO = "rocksalt MgO 4.21"


def one(**settings):
    (condition,) = expand(ConditionSettings(**({"structure": MGO} | settings)))
    return condition


def names(**settings) -> list[str]:
    return [c.name for c in expand(ConditionSettings(**({"structure": MGO} | settings)))]


# ---- series and names ----


def test_the_name_says_what_it_is():
    condition = one(supercell=2, vacancies={"O": 1}, temperature=900)
    assert condition.name == "MgO-2x2x2-1O-vacancy-npt-900K"
    assert condition.structure.get_chemical_formula() == "Mg32O31"
    assert condition.elements == ["Mg", "O"]
    assert (condition.temperature, condition.pressure) == ((900, 900), (0, 0))
    assert condition.steps == 100_000


def test_lists_are_series_and_colons_are_ramps():
    found = expand(
        ConditionSettings(
            structure=MGO,
            supercell=["1x1x1", "2x2x1"],
            vacancies=[{}, {"O": 1, "Mg": 1}],
            ensemble=["npt", "nve"],
            temperature=[300, 600],
        )
    )
    assert len({c.name for c in found}) == len(found) == 16
    assert found[-1].name == "MgO-2x2x1-1O-1Mg-vacancies-nve-600K"
    assert len(found[-1].structure) == 30
    ramp = one(temperature="300:1500", pressure="0:10")
    assert (ramp.temperature, ramp.pressure) == ((300, 1500), (0, 10))
    assert ramp.name == "MgO-npt-300-1500K-0-10GPa"


@pytest.mark.parametrize("supercell", [3, "3", "3x3x3", [3, 3, 3]])
def test_ways_to_write_a_supercell(supercell):
    assert one(supercell=supercell).name == "MgO-3x3x3-npt-300K"


def test_names_are_unique_over_all_settings():
    settings = ConditionSettings(structure=MGO)
    longer = ConditionSettings(structure=MGO, duration=7)
    found = expand([settings, longer, ConditionSettings(structure="bcc Fe 2.87", name="iron")])
    assert [c.name for c in found] == ["MgO-npt-300K", "MgO-npt-300K-2", "iron"]
    assert names(name="oxide", temperature=[1, 2]) == ["oxide-npt-1K", "oxide-npt-2K"]


def test_files_and_their_frames(tmp_path, monkeypatch):
    frames = [bulk("Cu", a=3.6 + 0.1 * n, cubic=True) for n in range(3)]
    frames[0].info["energy"] = 1.0
    ase.io.write(tmp_path / "many cells.extxyz", frames)
    ase.io.write(tmp_path / "Cu.cif", frames[0])
    file = str(tmp_path / "many cells.extxyz")
    assert names(structure=file) == ["many_cells-npt-300K"]
    assert one(structure=file).structure.cell[0, 0] == pytest.approx(3.8)
    assert len(names(structure=f"{file}@:2")) == 2
    assert names(structure=[str(tmp_path / "Cu.cif"), MGO]) == ["Cu-npt-300K", "MgO-npt-300K"]
    settings = ConditionSettings(structure=["Cu.cif", MGO]).relative_to(tmp_path)
    assert [c.name for c in expand(settings)] == ["Cu-npt-300K", "MgO-npt-300K"]


def test_a_structure_of_python_keeps_nothing_but_its_atoms():
    atoms = bulk("Cu", cubic=True)
    atoms.info["note"] = "x"
    atoms.set_array("charge", np.ones(4))
    found = one(structure=atoms).structure
    assert not found.info and set(found.arrays) == {"numbers", "positions"}
    assert atoms.info


def test_conditions_travel_and_tell_what_changed():
    condition = one(displacement=0.1)
    copy = pickle.loads(pickle.dumps(condition))
    assert copy.fingerprint == condition.fingerprint == one(displacement=0.1).fingerprint
    others = [one(displacement=0.1, **{k: v}) for k, v in {"seed": 2, "duration": 9}.items()]
    others.append(one(displacement=0.1, temperature=301))
    assert len({c.fingerprint for c in [condition, *others]}) == 4
    assert one(displacement=0.1, name="other").fingerprint == condition.fingerprint


def test_hydrogen_gets_a_shorter_timestep():
    water = molecule("H2O")
    assert one(structure=water, ensemble="nvt").timestep == 0.0005
    assert one().timestep == 0.001
    assert one(timestep=0.002).timestep == 0.002
    assert one(timestep=0.002, duration=0.001 * 37).steps == 20


# ---- defects, strains, surfaces ----


def test_vacancies_are_taken_by_chance_and_repeat_with_the_seed():
    def positions(seed):
        return one(supercell=2, vacancies={"O": 3}, seed=seed).structure.positions

    np.testing.assert_array_equal(positions(1), positions(1))
    assert not np.array_equal(positions(1), positions(2))


def test_substitutions_and_interstitials():
    condition = one(
        supercell=2, substitutions={"Mg": {"Ca": 2, "O": 1}}, interstitials={"O": 1}, vacancies={}
    )
    assert condition.structure.symbols.formula.count() == {"Mg": 29, "O": 34, "Ca": 2}
    assert condition.name == "MgO-2x2x2-1O-interstitial-2Mg-to-Ca-1Mg-to-O-npt-300K"
    assert condition.elements == ["Ca", "Mg", "O"]


def test_an_interstitial_sits_in_the_largest_void():
    """Of fcc the octahedral site, half a lattice constant from six atoms."""
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    probe = atoms + Atoms("Cu", [largest_void(atoms)])
    assert np.sort(probe.get_distances(4, range(4), mic=True))[0] == pytest.approx(1.8)


def test_strain_is_that_tensor():
    atoms = bulk("MgO", "rocksalt", a=4.0)
    cell = strained(atoms, {"xx": 0.1, "yz": 0.05}).cell.array
    expected = atoms.cell.array @ [[1.1, 0, 0], [0, 1, 0.05], [0, 0.05, 1]]
    np.testing.assert_allclose(cell, expected)
    assert one(strain=0.02).name == "MgO-strain-+0.02-npt-300K"
    assert one(strain={"xy": -0.02}).name == "MgO-strain-xy-0.02-npt-300K"


def test_strains_as_a_kind():
    found = expand(ConditionSettings(structure=MGO, kind="strain", strain=0.01))
    assert len(found) == 12 and {c.run for c in found} == {"minimization"}
    assert [c.name for c in found[:2]] == ["MgO-strain-xx+0.01", "MgO-strain-xx-0.01"]
    volumes = [c.structure.cell.volume / 4.21**3 for c in found]
    assert volumes[:2] == pytest.approx([1.01, 0.99])
    assert all(c.pressure is None and c.duration == 0 for c in found)


def test_surfaces():
    found = expand(ConditionSettings(structure=MGO, kind="surface", supercell="2x2x1"))
    assert [c.name for c in found] == [f"MgO-surface-{m}-2x2x1" for m in ("100", "110", "111")]
    for condition in found:
        assert widest_gap(condition.structure) > 15.9
        heights = np.ptp(condition.structure.get_scaled_positions()[:, 2])
        assert heights * condition.structure.cell[2, 2] > 7.5
        assert set(condition.elements) == {"Mg", "O"}
    hot = one(surface="1 -1 0", ensemble="nvt", temperature=700)
    assert hot.name == "MgO-surface-1-10-nvt-700K" and hot.run == "dynamics"


def test_a_path_goes_into_the_vacancy():
    condition = one(kind="neb", supercell=2, vacancies={"O": 1})
    moved = np.linalg.norm(
        condition.final.positions - condition.structure.positions, axis=1
    ).nonzero()[0]
    assert len(moved) == 1 and condition.structure.symbols[moved[0]] == "O"
    probe = condition.structure + Atoms("O", condition.final.positions[moved])
    hop = probe.get_distance(int(moved[0]), len(probe) - 1, mic=True)
    assert hop == pytest.approx(4.21 / 2**0.5)


# ---- impossible ones ----

PARTIAL = """data_x
_cell_length_a 4.2
_cell_length_b 4.2
_cell_length_c 4.2
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Mg1 Mg 0 0 0 {}
O1 O 0.5 0.5 0.5 1
"""


@pytest.mark.parametrize("mixed", [False, True])
def test_partial_occupancies(tmp_path, mixed):
    text = PARTIAL.format("0.5" + "\nCa1 Ca 0 0 0 0.5" * mixed)
    (tmp_path / "half.cif").write_text(text)
    refuse("half.cif: a site is partly occupied (Mg 0.5", structure=str(tmp_path / "half.cif"))
    (tmp_path / "half.cif").write_text(PARTIAL.format("1.0"))
    one(structure=str(tmp_path / "half.cif"))


def refuse(message: str, **settings) -> None:
    with pytest.raises(ValueError) as found:
        expand(ConditionSettings(**({"structure": MGO} | settings)))
    error = found.value
    text = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    assert message in text
    assert "\n" not in text and len(text) <= 300


@pytest.mark.parametrize(
    ("message", "settings"),
    [
        ("no such file", {"structure": "nowhere.cif"}),
        ('"rocksalt MgO 4.21"', {"structure": "rocksalt Mg"}),
        ("cannot be made", {"structure": "fcc Qq 3.6"}),
        ('no element "Qq"; write', {"structure": "rocksalt MgQq 3.6"}),
        ("this is no formula", {"structure": "fcc cu 3.6"}),
        ("lattice constant is too large", {"structure": "fcc Cu 36"}),
        ("cannot be made", {"structure": "fcc Cu wide"}),
        ("0.01 angstrom apart", {"structure": Atoms("Cu2", [[0, 0, 0], [0, 0, 0.01]])}),
        ("no known element", {"structure": Atoms("X", cell=[4, 4, 4], pbc=True)}),
        ("no atoms", {"structure": Atoms(cell=[4, 4, 4], pbc=True)}),
        ("no volume", {"structure": Atoms("Cu", cell=[4, 4, 4, 0.0001, 90, 90], pbc=True)}),
        ("no lattice vector", {"structure": Atoms("Cu", pbc=True)}),
        ("0 K is no temperature", {"temperature": 0}),
        ("-5 K is no temperature", {"temperature": "300:-5"}),
        ("expected a number", {"temperature": "hot"}),
        ('no element "Zz"', {"vacancies": {"Zz": 1}}),
        ("it has 4 atoms of O", {"vacancies": {"O": 5}}),
        ("it has 0 atoms of Cu", {"vacancies": {"Cu": 1}}),
        ("leave no atom", {"vacancies": {"O": 4, "Mg": 4}}),
        ("it has 4 atoms of Mg", {"substitutions": {"Mg": {"Ca": 5}}}),
        ("greater than or equal to 0", {"vacancies": {"O": -1}}),
        ("too long for the vibrations of O", {"timestep": 0.01}),
        ("vibrations of H", {"structure": "rocksalt LiH 4.08", "timestep": 0.01}),
        ("less than or equal to 0.1", {"timestep": 1.0}),
        ("greater than 0", {"duration": 0}),
        ("takes 0.1 steps", {"duration": 0.0001}),
        ("one atom, which rests", {"structure": Atoms("Cu", cell=[3] * 3, pbc=True)}),
        ("keeps the energy", {"ensemble": "nve", "temperature": "300:900"}),
        ("keeps the volume", {"ensemble": "nvt", "pressure": 1}),
        ("100000 GPa is no pressure to run at", {"pressure": 100000}),
        ("10000 bar are 1 GPa", {"pressure": "0:-2000"}),
        ("not periodic in all directions", {"structure": molecule("N2")}),
        ("of vacuum", {"surface": "100"}),
        ("across its vacuum", {"surface": "100", "ensemble": "nvt", "supercell": 2}),
        ("that is not periodic", {"structure": Atoms("Cu", cell=[9] * 3), "supercell": 2}),
        ("Miller indices", {"surface": "10"}),
        ("Miller indices", {"surface": "000"}),
        ("no component", {"strain": {"ab": 0.1}}),
        ("less than or equal to 0.5", {"strain": 2}),
        ("folder", {"name": "a/b"}),
        ("folder", {"name": ".."}),
        ("have no temperature", {"kind": "minimization", "temperature": 300}),
        ("have no final", {"final": "x.cif"}),
        ("0 vacancies", {"kind": "neb"}),
        ("no O is left", {"kind": "neb", "vacancies": {"O": 1}, "structure": CSCL}),
        ('"2x2x1"', {"supercell": "2x2"}),
        ("greater than or equal to 1", {"supercell": 0}),
        ("Extra inputs", {"temprature": 300}),
    ],
)  # fmt: skip
def test_impossible_ones(message, settings):
    refuse(message, **settings)


def test_the_ends_of_a_path_are_the_same_atoms(tmp_path):
    ase.io.write(tmp_path / "end.extxyz", bulk("MgO", "rocksalt", a=4.21, cubic=True) * (2, 1, 1))
    refuse("differ in their atoms", kind="neb", final=str(tmp_path / "end.extxyz"))


def test_a_file_that_is_no_structure(tmp_path):
    (tmp_path / "x.cif").write_text("hello")
    refuse("x.cif", structure=str(tmp_path / "x.cif"))
    (tmp_path / "x.extxyz").write_text("2\n\nCu 0 0 0\n")
    refuse("x.extxyz", structure=str(tmp_path / "x.extxyz"))
    refuse("this is no valid CIF.", structure=str(tmp_path / "x.cif"))
    (tmp_path / "x.xyz").write_text("1\n\nXq 0 0 0\n")
    refuse(
        'x.xyz: no structure can be read: there is no element "Xq".',
        structure=str(tmp_path / "x.xyz"),
    )
    (tmp_path / "POSCAR").write_text("hello there\n")
    refuse("must be 1 or 3.", structure=str(tmp_path / "POSCAR"))
