"""Atoms excluded from all neighbors are as good as deleted: fix gcmc, fix widom, neigh_modify."""

import json
import re

import ase
import ase.build
import forcesmith as fs
import numpy as np
import pytest
from contract_examples import make_potential
from lammps_runner import ELEMENTS
from test_pair_style import assert_same, in_precision, pair

WARNING = "neigh_modify exclude leaves out pairs of atoms"
HIDDEN = [0, 3, 17, 40]


def without(atoms, indices):
    rest = atoms.copy()
    del rest[indices]
    return rest


def assert_hidden(computed, expected, indices):
    """Equal for atoms that are left, zero for hidden ones."""
    left = np.ones(len(computed.energies), bool)
    left[indices] = False
    assert not computed.energies[~left].any() and not computed.forces[~left].any()
    computed.energies, computed.forces = computed.energies[left], computed.forces[left]
    assert_same(computed, expected)
    assert WARNING not in computed.output


def excluded(indices) -> str:
    ids = " ".join(str(index + 1) for index in indices)
    return f"group gone id {ids}\nneigh_modify exclude group gone all\n"


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kind", ["alone", "hybrid", "single", "scaled"])
def test_excluded_group_is_as_good_as_deleted(runner, crystal, potential_file, kind, ranks):
    commands = {
        "alone": pair(potential_file),
        "single": in_precision(pair(potential_file), "single"),
        "scaled": pair(potential_file)
        + "variable s equal 0.5\nfix scale all adapt 1 pair forcesmith scale * * v_s\n",
        "hybrid": "pair_style hybrid/overlay forcesmith zero 5.0\npair_coeff * * zero\n"
        + f'pair_coeff * * forcesmith "{potential_file}" {" ".join(ELEMENTS)}\n',
    }[kind]
    rest = without(crystal, HIDDEN)
    computed, expected = runner.evaluate_all(
        [crystal, rest], [commands + excluded(HIDDEN), commands], ranks=ranks
    )
    assert_hidden(computed, expected, HIDDEN)


def test_one_element(runner):
    atoms = ase.build.bulk("Cu", cubic=True).repeat(2)
    atoms.rattle(0.1, seed=1)
    descriptors = [{"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0}]
    potential = make_potential(descriptors, {"type": "linear"}, elements=["Cu"])
    potential.write(runner.folder / "pot.json")
    commands = pair("pot.json", ["Cu"])
    computed, expected = runner.evaluate_all(
        [atoms, without(atoms, [5])],
        [commands + excluded([5]), commands],
        elements=["Cu"],
    )
    assert_hidden(computed, expected, [5])


def test_excluded_type_is_as_good_as_deleted(runner, crystal, potential_file):
    """Type 1 with both types of this box."""
    magnesium = np.flatnonzero(crystal.symbols == "Mg")
    computed, expected = runner.evaluate_all(
        [crystal, without(crystal, magnesium)],
        [
            pair(potential_file) + "neigh_modify exclude type 1 1 exclude type 2 1\n",
            pair(potential_file),
        ],
    )
    assert_hidden(computed, expected, magnesium)


@pytest.mark.parametrize(
    ("exclude", "warned"),
    [
        ("group one one", True),
        ("group one two", True),
        ("type 1 2", True),
        ("group one none", False),
        ("group all one", False),
    ],
)
def test_pairs_left_out_between_atoms_that_stay(runner, crystal, potential_file, exclude, warned):
    output = runner.succeed(
        runner.structure(crystal)
        + pair(potential_file)
        + "group one id 1:10\ngroup two id 11:20\ngroup none empty\n"
        + f"neigh_modify exclude {exclude}\nrun 0\n",
        ranks=2,
    )
    assert (WARNING in output) == warned


# ---- fix gcmc and fix widom ----


@pytest.fixture
def gas(runner):
    """A function (offset, interaction) -> potential of Ar, in gas.json.

    offset: energy of an isolated atom, eV.
    """

    def write(offset, interaction):
        document = {
            "format": "forcesmith potential",
            "version": 1,
            "elements": ["Ar"],
            "descriptors": [{"type": "bispectrum", "twojmax": 2, "rcutfac": 3.0}],
            "model": {
                "type": "linear",
                "energy_offsets": [offset],
                "coefficients": [[interaction] * 5],
            },
        }
        potential = fs.Potential.from_json(json.dumps(document))
        potential.write(runner.folder / "gas.json")
        return potential

    return write


def chemical_potential(n, atoms_per_particle, own_energy) -> str:
    """A variable mu, eV: of n particles of an ideal gas in the box, each of energy `own_energy`."""
    return f"""
    variable kT equal 8.617343e-5*${{T}}  # constants of units metal
    variable square equal 4.135667403e-3^2/(2*PI*{atoms_per_particle}*39.95*1.0364269e-4*v_kT)
    variable mu equal {own_energy}+v_kT*ln({n}/vol*v_square^1.5)
    """


def mean_number(runner, commands, steps=120, **options) -> float:
    """Atoms on average."""
    output = runner.succeed(
        commands
        + f"""
        variable atoms equal atoms
        fix mean all ave/time 1 {steps} {steps} v_atoms
        run {steps}
        print "MEAN $(f_mean)"
        """,
        **options,
    )
    assert WARNING not in output
    return float(re.search("MEAN (.*)\n", output)[1])


def test_ideal_gas(runner, gas):
    """The energy of isolated atoms counts only together with the chemical potential."""

    def mean(offset, **options):
        gas(offset, 0.0)
        commands = """
        units metal
        region box block 0 60 0 60 0 60
        create_box 1 box
        create_atoms 1 random 50 1234 box
        mass 1 39.95
        pair_style forcesmith
        pair_coeff * * gas.json Ar
        variable T equal 300
        """
        commands += chemical_potential(50, 1, offset)
        commands += "fix exchange all gcmc 1 100 0 1 4321 ${T} ${mu} 0.5\n"
        return mean_number(runner, commands, **options)

    expected = mean(0.0)
    assert expected == pytest.approx(50, abs=4)  # 12000 trials, about 0.9
    assert mean(-5.0) == pytest.approx(expected, abs=0.1)
    assert mean(-5.0, steps=4, ranks=2) == pytest.approx(50, abs=10)


def test_gas_of_molecules(runner, gas):
    """The atoms of a molecule that is deleted on trial do not see each other either."""
    (runner.folder / "dimer.mol").write_text(
        "dimer\n\n2 atoms\n\nCoords\n\n1 0 0 0\n2 1.5 0 0\n\nTypes\n\n1 1\n2 1\n"
    )
    means = []
    for offset in (0.0, -5.0):
        potential = gas(offset, 0.03)
        isolated = potential.evaluate(ase.Atoms("Ar2", [[0, 0, 0], [1.5, 0, 0]])).energy
        assert isolated - 2 * offset > 0.1
        commands = """
        units metal
        atom_style molecular
        region box block 0 60 0 60 0 60
        create_box 1 box
        molecule dimer dimer.mol
        create_atoms 0 random 20 1234 box mol dimer 77
        mass 1 39.95
        pair_style forcesmith
        pair_coeff * * gas.json Ar
        variable T equal 3000
        """
        commands += chemical_potential(20, 2, 0.0)
        commands += "fix exchange all gcmc 1 50 0 0 4321 ${T} ${mu} 0.5 mol dimer "
        commands += f"intra_energy {isolated:.17g}\n"
        means.append(mean_number(runner, commands) / 2)
    assert means[0] == pytest.approx(20, abs=2)
    assert means[1] == pytest.approx(means[0], abs=0.1)


def test_widom_insertion(runner, gas):
    """The excess chemical potential of an ideal gas is the energy of an isolated atom."""
    gas(-5.0, 0.0)
    output = runner.succeed(
        """
        units metal
        region box block 0 60 0 60 0 60
        create_box 1 box
        create_atoms 1 random 10 1234 box
        mass 1 39.95
        pair_style forcesmith
        pair_coeff * * gas.json Ar
        fix insertion all widom 1 5 1 4321 300
        run 1
        print "MU $(f_insertion[1])"
        """
    )
    assert float(re.search("MU (.*)\n", output)[1]) == pytest.approx(-5.0, rel=1e-6)
