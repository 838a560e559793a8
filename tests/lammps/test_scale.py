"""fix adapt ... pair forcesmith scale: energies of atoms times the scale of their type."""

import re

import numpy as np
import pytest
from lammps_runner import ELEMENTS
from test_pair_style import added, assert_same, pair


def adapted(**scales) -> str:
    """Commands of a fix adapt; names of scales are pairs of types: all, t11, t12, ..."""
    variables, arguments = "", ""
    for name, value in scales.items():
        types = "* *" if name == "all" else f"{name[1]} {name[2]}"
        variables += f"variable {name} equal {value}\n"
        arguments += f" pair forcesmith scale {types} v_{name}"
    return f"{variables}fix scale all adapt 1{arguments}\n"


@pytest.mark.parametrize("options", [{}, {"ranks": 2, "threads": 2}])
def test_one_scale_for_all(runner, crystal, potential_file, options):
    whole, half, none, one = runner.evaluate_all(
        [crystal] * 4,
        [pair(potential_file)] + [pair(potential_file) + adapted(all=s) for s in (0.5, 0.0, 1.0)],
        **options,
    )
    assert_same(half, added(whole, whole, 0.5, 0.0))
    assert_same(none, added(whole, whole, 0.0, 0.0))
    assert_same(one, whole, energy=0, forces=0, stress=0)


def test_scales_of_types(runner, crystal, potential_file):
    """The energy is linear in the scales, and so are its derivatives."""
    magnesium, oxygen, both, whole = runner.evaluate_all(
        [crystal] * 4,
        [
            pair(potential_file) + adapted(t11=1.0, t22=0.0),
            pair(potential_file) + adapted(t11=0.0, t12=0.0, t22=1.0),
            pair(potential_file) + adapted(t11=0.25, t12=0.25, t22=-2.0),
            pair(potential_file),
        ],
    )
    is_magnesium = crystal.symbols == "Mg"
    np.testing.assert_allclose(magnesium.energies, whole.energies * is_magnesium, atol=1e-12)
    assert np.abs(magnesium.forces[~is_magnesium]).max() > 0.01
    assert_same(whole, added(magnesium, oxygen))
    assert_same(both, added(magnesium, oxygen, 0.25, -2.0))


def test_virials_of_atoms(runner, crystal, potential_file):
    output = runner.succeed(
        runner.structure(crystal)
        + pair(potential_file)
        + adapted(all=0.5).replace("0.5", "1-0.5*step")
        + """
        compute s all stress/atom NULL virial
        compute c all centroid/stress/atom NULL virial
        compute two_body all reduce sumsq c_s[*]
        compute centroid all reduce sumsq c_c[*]
        thermo_style custom step c_two_body[*] c_centroid[*]
        thermo_modify format float %.17g
        thermo 1
        fix nothing all setforce 0 0 0
        run 1
        """
    )
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.split()}
    whole, half = np.array(rows["0"], float), np.array(rows["1"], float)
    assert len(whole) == 15 and whole.min() > 0.0
    np.testing.assert_allclose(half, 0.25 * whole, rtol=1e-10)


def printed(output: str, name: str) -> list[float]:
    return [float(line.split()[1]) for line in output.splitlines() if line.startswith(name + " ")]


def test_thermodynamic_integration_and_reset(runner, crystal, potential_file):
    """compute ti divides the energy by the scale; reset yes gives it back at the end of a run."""
    output = runner.succeed(
        runner.structure(crystal)
        + pair(potential_file)
        + "run 0\nprint 'PE $(pe:%.17g)'\n"
        + adapted(all=0.25).strip()
        + " reset yes\nvariable slope equal 3.0\n"
        + "compute ti all ti forcesmith * v_all v_slope\nthermo_style custom step pe c_ti\n"
        + "run 0\nprint 'PE $(pe:%.17g)'\nprint 'TI $(c_ti:%.17g)'\n"
        + "unfix scale\nuncompute ti\nthermo_style custom step pe\n"
        + "run 0\nprint 'PE $(pe:%.17g)'\n"
    )
    whole, quarter, again = printed(output, "PE")
    assert quarter == pytest.approx(0.25 * whole, rel=1e-12)
    assert again == whole
    assert printed(output, "TI") == pytest.approx([3.0 * whole], rel=1e-12)


def test_restart_keeps_the_scale(runner, crystal, potential_file):
    """Until the next pair_coeff."""
    output = runner.succeed(
        runner.structure(crystal)
        + pair(potential_file)
        + "run 0\nprint 'PE $(pe:%.17g)'\n"
        + adapted(t11=0.25, t22=2.0)
        + "run 0\nprint 'PE $(pe:%.17g)'\nwrite_restart a.restart\nclear\n"
        + "read_restart a.restart\nrun 0\nprint 'PE $(pe:%.17g)'\n"
        + pair(potential_file).splitlines()[1]
        + "\nrun 0\nprint 'PE $(pe:%.17g)'\n"
    )
    whole, scaled, restarted, anew = printed(output, "PE")
    assert abs(scaled - whole) > 1.0
    assert restarted == pytest.approx(scaled, rel=1e-12)
    assert anew == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ({"t12": 0.5}, "The scale 0.5 of atom types 1 2 of pair_style forcesmith has no meaning"),
        ({"t11": 0.5, "t12": 0.7}, "by that of their type with itself, 0.5 and 1 here"),
        ({"all": "exp(1000)"}, "is not finite"),
    ],
)
def test_scale_without_meaning(runner, crystal, potential_file, scales, message, ranks):
    script = runner.structure(crystal) + pair(potential_file) + adapted(**scales) + "run 0\n"
    assert message in runner.fail(script, ranks=ranks)


def test_under_hybrid(runner, crystal, potential_file):
    ours, theirs, both = runner.evaluate_all(
        [crystal] * 3,
        [
            pair(potential_file),
            "pair_style lj/cut 5.0\npair_coeff * * 0.01 2.0\n",
            "pair_style hybrid/overlay forcesmith lj/cut 5.0\n"
            f'pair_coeff * * forcesmith "{potential_file}" {" ".join(ELEMENTS)}\n'
            "pair_coeff * * lj/cut 0.01 2.0\n" + adapted(all=0.5),
        ],
    )
    assert_same(both, added(ours, theirs, 0.5, 1.0))


def test_scale_of_a_case(runner, shared_cases, potential_file):
    """Half of the energy; its potential of Cu is one of Mg here."""
    script = (shared_cases / "adapt_scale" / "in.scale").read_text()
    script = script.replace("pot.json Cu", f"{potential_file} Mg")

    def printed(script) -> float:
        [energy] = re.findall(r"^-?[\d.]+(?:e\S+)?$", runner.succeed(script), re.MULTILINE)
        return float(energy)

    whole = printed(script.replace("equal 0.5", "equal 1.0"))
    assert printed(script) == pytest.approx(0.5 * whole, rel=1e-9) and abs(whole) > 1
