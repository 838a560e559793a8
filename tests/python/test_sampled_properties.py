"""Properties sampled by molecular dynamics, at settings that take a second or two."""

from __future__ import annotations

import forcesmith as fs
import numpy as np
import pytest
from ase.build import bulk
from forcesmith.lammps import run
from forcesmith.properties.bond_angles import bond_angles, histogram
from forcesmith.properties.diffusion import first_minimum
from forcesmith.properties.green_kubo import (
    _heat_flux,
    end_of_correlation,
    flow_columns,
    heat_flux_commands,
)
from forcesmith.properties.ideal_strength import first_maximum
from forcesmith.properties.lammps_runs import (
    autocorrelation,
    notes_on_blocks,
    setup,
    statistical_inefficiency,
)
from forcesmith.properties.melting_point import (
    least_order,
    mean_of_passes,
    order_in_slices,
    strong_vectors,
)
from forcesmith.properties.property import PropertyError
from forcesmith.properties.registry import PROPERTIES
from forcesmith.properties.short_range_order import neighbor_shells, warren_cowley
from forcesmith.properties.stress_strain import (
    failure,
    first_failure,
    lost_neighbors,
    widest_gap,
)
from forcesmith.properties.subject import Subject, subject_settings
from relaxed_crystals import MISHIN, SW, relaxed, sampled


@pytest.fixture(scope="module")
def copper():
    return relaxed(MISHIN, "Cu")


@pytest.fixture(scope="module")
def copper_nickel(tmp_path_factory):
    """A file of forcesmith, of an alloy."""
    rng = np.random.default_rng(1)
    data = []
    with fs.make_teacher("lammps: eam/alloy CuNi.eam.alloy") as teacher:
        for _ in range(6):
            atoms = bulk("Cu", a=3.6, cubic=True) * 2
            atoms.symbols[rng.permutation(32)[:16]] = "Ni"
            atoms.rattle(0.1, rng=rng)
            data.append(teacher.label(atoms))
    small = {"type": "moment_tensor", "level": 6, "cutoff": 4.5}
    path = tmp_path_factory.mktemp("potential") / "copper_nickel.json"
    fs.fit(data, descriptor=small, optimizer={"max_iterations": 10}).potential.write(path)
    return path


# ---- errors from blocks ----


def autoregressive(n, memory, seed=0, columns=()):
    """x(t + 1) = memory x(t) + noise, of variance one: C(t) = memory^t."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n, *columns)) * np.sqrt(1 - memory**2)
    values = np.empty_like(noise)
    values[0] = rng.normal(size=columns)
    for t in range(1, n):
        values[t] = memory * values[t - 1] + noise[t]
    return values


def test_statistical_inefficiency():
    """(1 + memory) / (1 - memory) of an autoregressive process."""
    assert statistical_inefficiency(autoregressive(100_000, 0.9)) == pytest.approx(19, rel=0.1)
    assert statistical_inefficiency(autoregressive(100_000, 0.0)) == pytest.approx(1, abs=0.05)
    assert statistical_inefficiency(np.full(100, 3.7)) == 1.0
    series = autoregressive(1000, 0.5)
    direct = [np.mean(series[: 1000 - t] * series[t:]) for t in (0, 1, 999)]
    np.testing.assert_allclose(autocorrelation(series)[[0, 1, 999]], direct, atol=1e-12)


def test_blocks_that_are_too_short_are_told():
    series = autoregressive(10_000, 0.9)
    assert notes_on_blocks({"volume": series}) == []
    (note,) = notes_on_blocks({"enthalpy": series, "volume": series[:100]})
    assert "the volume has a statistical inefficiency" in note and "Sample for longer" in note


# ---- bond angles ----


def test_bond_angles_of_crystals():
    diamond = bond_angles([bulk("Si")], {("Si", "Si"): 3.0})["Si"]
    np.testing.assert_allclose(diamond, 6 * 2 * [np.degrees(np.arccos(-1 / 3))], atol=1e-6)
    close_packed = bond_angles(2 * [bulk("Cu")], {("Cu", "Cu"): 3.0})["Cu"]
    values, counts = np.unique(close_packed.round(3), return_counts=True)
    assert values.tolist() == [60, 90, 120, 180] and counts.tolist() == [48, 24, 48, 12]
    assert histogram(close_packed).sum() * 2 == pytest.approx(1.0)
    oxide = bond_angles([bulk("MgO", "rocksalt", a=4.2)], {("Mg", "O"): 2.5, ("Mg", "Mg"): 1.0})
    assert set(oxide["Mg"].round(3)) == set(oxide["O"].round(3)) == {90, 180}


def test_the_first_minimum_need_not_be_the_lowest():
    """As in liquid silicon: shallow behind the first neighbors, lower behind the second ones."""
    r = np.linspace(0.027, 5.4, 100)
    g = 1 / (1 + np.exp((2.2 - r) / 0.05))
    for center, width, height in (
        (2.5, 0.2, 1.2),
        (3.4, 0.2, -0.06),
        (3.9, 0.2, 0.1),
        (4.7, 0.3, -0.11),
    ):
        g += height * np.exp(-(((r - center) / width) ** 2))
    assert r[g[60:].argmin() + 60] == pytest.approx(4.7, abs=0.1)
    for noise in (1e-4, 0.006):
        for seed in range(10):
            noisy = g + np.random.default_rng(seed).normal(0, noise, 100)
            assert r[first_minimum(noisy, np.full(100, noise))] == pytest.approx(3.4, abs=0.2)
    falling = np.exp(-r)
    assert first_minimum(falling, np.full(100, 1e-3)) == 99


# ---- Green-Kubo ----


def test_heat_flux_moves_the_energy(copper_nickel, tmp_path):
    """Of a free cluster with a potential of forcesmith: the flux that the property takes from
    LAMMPS, integrated over a run, is the change of sum r_i e_i."""
    cluster = bulk("Cu", a=3.6, cubic=True) * 2
    cluster.symbols[::2] = "Ni"
    cluster.set_cell(3 * [30.0])
    cluster.center()
    subject = Subject(subject_settings(copper_nickel))
    script = setup(cluster, subject, tmp_path, 0.00025) + heat_flux_commands(["Cu", "Ni"])
    columns = " ".join(["c_flux[1] c_flux[2] c_flux[3]", *flow_columns(["Cu", "Ni"])])
    script += (
        "velocity all create 600 1 mom yes\nfix ensemble all nve\n"
        f'fix flux all ave/time 1 1 1 {columns} file flux.txt format " %.15g"\n'
        "dump all all custom 400 out.dump id x y z c_kinetic c_potential\n"
        'dump_modify all sort id format float "%.12g"\nrun 400\n'
    )
    run(script, folder=tmp_path)
    table = np.loadtxt(tmp_path / "flux.txt")
    assert table.shape == (401, 10)
    lines = (tmp_path / "out.dump").read_text().splitlines()
    frames = [np.loadtxt(lines[start + 9 : start + 41]) for start in (0, 41)]
    moments = [(own[:, 4:].sum(axis=1) @ own[:, 1:4]) for own in frames]
    np.testing.assert_allclose(
        np.trapezoid(table[:, 1:4], dx=0.00025, axis=0), moments[1] - moments[0], atol=5e-3
    )
    # What the elements carry against each other is not correlated with the rest.
    rest = _heat_flux(table)
    assert np.abs(rest).mean() < np.abs(table[:, 1:4]).mean()
    np.testing.assert_allclose(np.einsum("tx,tx->x", rest, table[:, 4:7]), 0.0, atol=1e-6)


def test_the_integral_ends_where_the_correlation_is_lost():
    """Of noise with a memory of 20 samples: the integral is 20, whatever follows is noise."""
    memory = np.exp(-1 / 20)
    series = autoregressive(20_000, memory, columns=(12,))
    correlations = np.array([autocorrelation(own)[:1000] for own in series.T])
    window = end_of_correlation(correlations, 10)
    assert 30 <= 10 * window <= 150
    assert end_of_correlation(memory ** np.arange(100) * np.ones((3, 1)), 10) is None


def test_thermal_conductivity(copper, tmp_path):
    """Lattice part of embedded-atom copper: some W/m/K, of 108 atoms in 10 ps."""
    options = {"equilibration": 1.0, "duration": 10.0, "seeds": 2, "longest": 3.0, "window": 0.2}
    found = sampled(
        "green_kubo", copper, tmp_path, **options, length=9.0, timestep=0.002, interval=0.01
    )
    conductivity = found.quantities["conductivity"]
    assert 0.5 < conductivity.value < 30 and 0 < conductivity.error < 10
    curve = found.plots["integral"].curves[0]
    assert curve.y[0] == 0 and curve.x[-1] == pytest.approx(3.0)
    assert "2 seeds with 10 ps" in found.method


def test_conductivity_without_centroid_stress_is_refused(tmp_path):
    with pytest.raises(PropertyError, match="does not support compute centroid/stress/atom"):
        silicon = (Subject(subject_settings(SW)), bulk("Si", cubic=True), None)
        sampled("green_kubo", silicon, tmp_path, length=5.0)


# ---- melting point ----

COARSE = {"length": 10.0, "height": 40.0, "timestep": 0.004, "melting": 1.0, "equilibration": 1.0}


def test_melting_point(copper, tmp_path):
    """Coarsely: with larger cells and longer runs this potential has 1335 K, copper 1358 K."""
    found = sampled(
        "melting_point", copper, tmp_path, **COARSE, temperature=1300, duration=6.0, passes=1
    )
    melting = found.quantities["melting point"]
    assert 1240 < melting.value < 1420 and 0 < melting.error < 40
    order = found.plots["order"].curves[0].y
    assert min(order) < 0.3 and max(order) > 0.6  # both are there
    assert "passes: 1300 K to" in found.method


def test_what_melts_wholly_is_above_the_melting_point(copper, tmp_path):
    with pytest.raises(PropertyError, match="nearly all is liquid, above the melting point"):
        sampled(
            "melting_point", copper, tmp_path, **COARSE, temperature=2200, duration=1.0, passes=1
        )


def test_the_error_of_a_melting_point_holds_the_spread_over_passes():
    """Of one pass it is that of its blocks, 2 / sqrt(5); of passes 30 K apart, much more."""
    blocks = np.array([-2.0, 2.0, -2.0, 2.0, 0.0]) + 1300
    assert mean_of_passes([blocks]) == pytest.approx((1300, 2 / 5**0.5))
    value, error = mean_of_passes([blocks - 15, blocks + 15])
    assert value == pytest.approx(1300)
    assert error == pytest.approx(np.hypot(15, 2 / 5**0.5 / 2**0.5))


def test_what_melts_at_once_is_no_solid():
    """Then no slice of the run is solid, though they are as ordered as the first ones."""
    anywhere = np.random.default_rng(0).random((40, 800, 3))
    first, last = (
        order_in_slices(own, np.array([[2, 2], [2, -2]]), 10)
        for own in (anywhere[:20], anywhere[20:])
    )
    assert (last < least_order(first, 800)).all()
    assert least_order(np.full(10, 0.6), 800) == pytest.approx(0.35, abs=0.01)


def test_order_in_slices():
    """Of a crystal, 1; of atoms anywhere, what is left of random phases."""
    crystal = bulk("Si", cubic=True)
    assert strong_vectors(crystal).tolist() == [[2, -2], [2, 2]]
    vectors = strong_vectors(crystal) * (3, 3)
    frames = (crystal * (3, 3, 4)).get_scaled_positions()[None]
    np.testing.assert_allclose(order_in_slices(frames, vectors, 8), 1.0)
    anywhere = np.random.default_rng(0).random((20, 8000, 3))
    expected = np.sqrt(np.pi / 4 * 8 / 8000)
    np.testing.assert_allclose(order_in_slices(anywhere, vectors, 8), expected, rtol=0.3)


# ---- strength ----


def test_slopes_of_the_ideal_strength(copper, tmp_path):
    """Moduli from elastic constants of Mishin et al.: 1 / S11 along [100], and that of slip,
    3 C44 (C11 - C12) / (4 C44 + C11 - C12)."""
    c11, c12, c44 = 169.9, 122.6, 76.2
    options = {"planes": ["100"], "step": 0.003, "largest": 0.003, "force": 2e-5}
    found = sampled("ideal_strength", copper, tmp_path, **options)
    tension, shear = (found.plots[load].curves[0] for load in ("tension", "shear"))
    expected = (c11 - c12) * (c11 + 2 * c12) / (c11 + c12)
    assert tension.y[-1] / tension.x[-1] == pytest.approx(expected, rel=0.03)
    expected = 3 * c44 * (c11 - c12) / (4 * c44 + c11 - c12)
    assert shear.y[-1] / shear.x[-1] == pytest.approx(expected, rel=0.03)
    assert "no maximum" in found.notes[0]


def test_ideal_strength(copper, tmp_path):
    """Shear of copper: 2.16 GPa by S. Ogata et al., Science 298, 807 (2002), from density
    functional theory (not compared with the printed paper); this potential is stronger."""
    found = sampled("ideal_strength", copper, tmp_path, planes=[], step=0.04)
    assert found.quantities["shear, (111) [11-2]"].value == pytest.approx(2.86, abs=0.1)
    assert found.quantities["strain, shear, (111) [11-2]"].value == pytest.approx(0.20, abs=0.01)
    line = found.plots["shear"].curves[0]
    assert line.y[-1] < max(line.y)


def test_first_maximum():
    x = np.arange(6) * 0.1
    assert first_maximum(x, 3 - (x - 0.27) ** 2) == pytest.approx((0.27, 3.0))
    assert first_maximum(x, np.array([0, 1, 2, 3, -1, 9.0])) == pytest.approx((0.3, 3.0))
    assert first_maximum(x, x) == pytest.approx((0.5, 0.5))


def test_stress_and_strain(copper, tmp_path):
    """At 300 K moduli are below those at rest (67 and 31 GPa), strengths below the ideal ones."""
    options = {"length": 7.0, "height": 12.0, "rate": 0.04, "timestep": 0.004, "seeds": 2}
    found = sampled("stress_strain", copper, tmp_path, **options, equilibration=1.0)
    tension, shear = "tension, (100)", "shear, (111) [11-2]"
    values = {name: quantity.value for name, quantity in found.quantities.items()}
    assert values[f"Young's modulus, {tension}"] == pytest.approx(65, abs=12)
    assert values[f"shear modulus, {shear}"] == pytest.approx(31, abs=8)
    assert 6 < values[f"strength, {tension}"] < 14.8
    assert 1.5 < values[f"strength, {shear}"] < 2.86
    assert all(quantity.error > 0 for quantity in found.quantities.values())
    assert "changes neighbors" in found.notes[0] and "it has fallen to" in found.notes[0]


def test_first_failure(tmp_path):
    strains = np.arange(10) / 100
    stresses = np.array([1, 0.2, 2, 3, 4, 5, 2, 1, 6, 7.0])  # noise of the beginning is none
    assert first_failure(strains, stresses) == (5, 6)
    assert first_failure(strains, strains) == (9, None)
    whole = bulk("Cu", cubic=True) * 3
    broken = whole.copy()
    broken.cell[2, 2] += 6.0
    slipped = whole.copy()
    slipped.positions[slipped.positions[:, 2] > 4, 0] += 1.8
    spacing = whole.cell[2, 2] / 6
    assert widest_gap(whole) == pytest.approx(spacing)
    assert widest_gap(broken) == pytest.approx(spacing + 6)
    assert lost_neighbors(whole, whole) == 0
    assert 0.02 < lost_neighbors(whole, slipped) < 0.3

    class Graded:
        largest_grade = 3.0

    for after, words in ((broken, "has come apart"), (slipped, "it has slipped")):
        frames = tmp_path / "frames.dump"
        frames.write_text("".join(dump(one) for one in [whole] * 7 + [after] * 4))
        told = failure(strains, stresses, frames, Graded())
        assert words in told and "largest grade so far 3" in told


def dump(atoms):
    """A frame as LAMMPS writes it."""
    bounds = "".join(f"0 {length:.10f}\n" for length in atoms.cell.lengths())
    rows = "".join(
        f"{atom.index + 1} {atom.symbol} {atom.x:.8f} {atom.y:.8f} {atom.z:.8f}\n" for atom in atoms
    )
    return (
        f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS pp pp pp\n"
        f"{bounds}ITEM: ATOMS id element x y z\n{rows}"
    )


# ---- short-range order ----


def ordered(symbols):
    """A crystal with the sites of copper."""
    crystal = bulk("Cu", a=3.6, cubic=True)
    crystal.symbols[:] = symbols
    return crystal


def test_order_parameters_of_ordered_crystals():
    """J. M. Cowley: of L1_0 and L1_2, -1/3 in the first shell, and 1 in the second for L1_2."""
    for symbols, expected in (
        (["Cu", "Ni", "Ni", "Ni"], [-1 / 3, 1.0]),
        (["Cu", "Cu", "Ni", "Ni"], [-1 / 3, 1.0]),
    ):
        crystal = ordered(symbols) * 2
        shells = neighbor_shells(crystal, 2)
        assert [round(distance / 3.6, 4) for distance, _ in shells] == [0.7071, 1.0]
        assert [len(pairs) for _, pairs in shells] == [12 * 32, 6 * 32]
        for one, other in ((28, 29), (29, 28)):
            found = [warren_cowley(crystal.numbers, pairs, one, other) for _, pairs in shells]
            np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(("cross", "sign"), [(0.22, -1), (0.185, 1)])
def test_sign_of_the_order(cross, sign, tmp_path):
    """Lennard-Jones atoms that differ in nothing but whom they like."""
    alloy = {
        "type": "lammps",
        "pair_style": "lj/cut 6.0",
        "pair_coeff": ["1 1 0.2 2.3", "2 2 0.2 2.3", f"1 2 {cross} 2.3"],
        "elements": ["Cu", "Ni"],
    }
    options = {"length": 7.0, "timestep": 0.004, "equilibration": 2.0, "duration": 4.0}
    beginning = relaxed(alloy, ordered(["Cu", "Cu", "Ni", "Ni"]))
    found = sampled("short_range_order", beginning, tmp_path, **options, temperature=600)
    first = found.quantities["Cu-Ni, shell 1"]
    assert first.value * sign > 3 * first.error > 0
    assert 0.02 < abs(first.value) < 0.33
    assert "accepted per atom" in found.method


def test_short_range_order_with_a_potential_of_forcesmith(copper_nickel, tmp_path):
    """Copper and nickel have like neighbors; at this temperature, hardly."""
    beginning = relaxed(copper_nickel, ordered(["Cu", "Cu", "Cu", "Ni"]))
    options = {"length": 7.0, "timestep": 0.004, "equilibration": 0.4, "duration": 0.8}
    found = sampled("short_range_order", beginning, tmp_path, **options, temperature=2000, swaps=2)
    assert -0.1 < found.quantities["Cu-Ni, shell 1"].value < 0.3
    assert "Only" in found.notes[-1] and "swaps per atom" in found.notes[-1]


def test_short_range_order_is_that_of_an_alloy(copper):
    kind = PROPERTIES["short_range_order"]
    problem = kind(kind.Options(temperature=300)).problem(copper[1])
    assert "one element alone" in problem
    assert "temperature" in kind().problem(copper[1])
    problem = kind(kind.Options(temperature=300, elements=["Cu", "Xx"])).problem(copper[1])
    assert "Xx is not in this crystal" in problem
