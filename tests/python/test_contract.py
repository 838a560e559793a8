"""The contract every descriptor and every model keeps, tested for all pairs in the registry.

Finite differences are of fourth order: at such small steps their own error is far below the
tolerances. "Relative" refers to the norm of the whole array.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from contract_examples import (
    DESCRIPTORS,
    ELEMENTS,
    MODELS,
    TERMS,
    crystal,
    make_potential,
    potential_cases,
    structures,
)
from forcesmith.data.batches import make_batch
from forcesmith.potentials.result import VOIGT
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

CASES = potential_cases()
STRUCTURES = list(structures(4.3))
TENSOR = ((0, 5, 4), (5, 1, 3), (4, 3, 2))  # Voigt order to rows of a symmetric tensor
RELATIVE = 1e-7
# Of single precision, relative to the largest of a configuration; coefficients are random here.
SINGLE_FORCES, SINGLE_ENERGIES = 3e-5, 4e-6


@pytest.fixture(scope="module", params=CASES, ids=[case[0] for case in CASES])
def potential(request) -> fs.Potential:
    _, descriptors, model = request.param
    return make_potential(descriptors, model)


@pytest.fixture(scope="module")
def examples(potential) -> dict[str, Atoms]:
    return structures(potential.cutoff)


def derivative(function, step: float = 4e-4) -> np.ndarray:
    """function'(0), fourth-order central differences."""
    one, two = (function(n * step) - function(-n * step) for n in (1, 2))
    return (8 * one - two) / (12 * step)


def assert_close(actual, expected, relative: float, floor: float = 0.0) -> None:
    """Norm of the difference against the norm of `expected` (at least `floor`)."""
    difference = np.linalg.norm(np.asarray(actual) - expected)
    assert difference <= relative * max(np.linalg.norm(expected), floor)


def test_every_registered_name_has_an_example():
    registry = fs.registry()
    assert set(registry["descriptors"]) == set(DESCRIPTORS), "add it to contract_examples.py"
    assert set(registry["models"]) == set(MODELS), "add it to contract_examples.py"
    assert set(registry["terms"]) == set(TERMS), "add it to contract_examples.py"


@pytest.mark.parametrize("kept_bytes", [1, 10**8], ids=["some", "all"])
def test_what_is_kept_of_descriptors(potential, examples, kept_bytes):
    """Fits keep gradients of descriptors, in single precision, as far as the memory goes; what the
    model's parameters are does not matter to them."""
    core = fs.Potential.from_json(potential.to_json())._core
    batch = make_batch(list(examples.values()), ELEMENTS, potential.cutoff)
    rng = np.random.default_rng(5)
    bars = [
        rng.normal(size=shape)
        for shape in (len(examples), (len(batch.types), 3), (len(examples), 6))
    ]
    kept = fs._core.Evaluator(core, kept_bytes=kept_bytes)
    kept.keep(batch)
    for n_workers in (1, 2):
        plain = fs._core.Evaluator(core)
        expected, found = (own.evaluate(batch, n_workers) for own in (plain, kept))
        np.testing.assert_array_equal(found["energies"], expected["energies"])
        for name in ("forces", "virials"):
            assert_close(found[name], expected[name], 1e-6, 1e-3)
        expected, found = (
            (
                np.concatenate(own.parameter_gradient(batch, *bars, n_workers)),
                own.parameter_gradients(batch, *bars, n_workers),
            )
            for own in (plain, kept)
        )
        assert_close(found[0], expected[0], 1e-6)
        assert_close(found[1], expected[1], 1e-6)
        assert_close(found[1].sum(axis=0), found[0], 1e-10)
        core.model_parameters = core.model_parameters + 0.01 * rng.normal(
            size=len(core.model_parameters)
        )


def test_examples_are_not_trivial(potential, examples):
    """Guards the other tests: energies and forces are neither tiny nor huge."""
    for result in potential.evaluate(list(examples.values())):
        assert 1e-3 < np.ptp(result.energies) < 1e4 or len(result.energies) == 1
    forces = potential.evaluate(examples["crystal"]).forces
    assert 0.01 < np.abs(forces).max() < 1e3


# --- derivatives ---


@pytest.mark.parametrize("name", STRUCTURES)
def test_forces_are_the_derivative_of_the_energy(potential, examples, name):
    atoms = examples[name]

    def energies(step):
        moved = []
        for atom, axis in np.ndindex(len(atoms), 3):
            moved.append(atoms.copy())
            moved[-1].positions[atom, axis] += step
        return np.array([result.energy for result in potential.evaluate(moved)])

    forces = potential.evaluate(atoms).forces
    expected = -derivative(energies).reshape(-1, 3)
    # One atom per cell: both are zero, by translation.
    assert_close(forces, expected, RELATIVE, floor=1e-3)
    assert len(atoms) == 1 or np.abs(forces).max() > 0.01


@pytest.mark.parametrize("name", STRUCTURES)
def test_virial_is_the_derivative_with_strain(potential, examples, name):
    atoms = examples[name]

    def energies(step):
        strained = []
        for a, b in itertools.product(range(3), repeat=2):
            deformation = np.eye(3)
            deformation[a, b] += step
            strained.append(atoms.copy())
            # Not set_cell(scale_atoms=True): open directions have no lattice vectors.
            strained[-1].positions = atoms.positions @ deformation.T
            strained[-1].cell = atoms.cell.array @ deformation.T
        return np.array([result.energy for result in potential.evaluate(strained)])

    result = potential.evaluate(atoms)
    expected = -derivative(energies).reshape(3, 3)
    assert_close(result.virial[list(TENSOR[0] + TENSOR[1] + TENSOR[2])], expected.ravel(), RELATIVE)
    if atoms.cell.rank == 3:  # open directions included
        np.testing.assert_allclose(result.stress, -result.virial / atoms.get_volume(), rtol=1e-14)
    else:
        assert result.stress is None


def test_training_gradient(potential, examples):
    """Of energies, forces and virials together, with all parameters."""
    configurations = [
        examples[name] for name in ("crystal", "slab", "cluster", "one atom per cell")
    ]
    batch = make_batch(configurations, ELEMENTS, potential.cutoff)
    core = potential._core
    rng = np.random.default_rng(5)
    n_atoms = sum(map(len, configurations))
    energy_bar = rng.normal(size=len(configurations))
    force_bar = rng.normal(size=(n_atoms, 3))
    virial_bar = rng.normal(size=(len(configurations), 6))
    of_configuration = np.repeat(np.arange(len(configurations)), [len(c) for c in configurations])

    evaluator = fs._core.Evaluator(core)

    def objective():
        raw = evaluator.evaluate(batch)
        energy = np.sum(energy_bar[of_configuration] * raw["energies"])
        return energy + np.sum(force_bar * raw["forces"]) + np.sum(virial_bar * raw["virials"])

    gradients = evaluator.parameter_gradient(batch, energy_bar, force_bar, virial_bar)
    for gradient, name in zip(
        gradients, ("descriptor_parameters", "model_parameters"), strict=True
    ):
        start = getattr(core, name)
        expected = np.empty(len(start))
        for k in range(len(start)):

            def moved(step, k=k, name=name, start=start):
                parameters = start.copy()
                parameters[k] += step
                setattr(core, name, parameters)
                return objective()

            # Linear parameters of tiny values may be huge: no rounding from a large step there.
            large = core.linear_in_parameters and name == "model_parameters"
            expected[k] = derivative(moved, step=1e-2 if large else 1e-3)
        setattr(core, name, start)
        assert len(start) > 0 or name == "descriptor_parameters"  # some descriptors have none
        assert_close(gradient, expected, RELATIVE)


def test_training_gradient_does_not_depend_on_the_number_of_workers(potential, examples):
    configurations = [examples[name] for name in ("crystal", "cluster")]
    batch = make_batch(configurations, ELEMENTS, potential.cutoff)
    rng = np.random.default_rng(6)
    weights = (rng.normal(size=2), rng.normal(size=(17, 3)), rng.normal(size=(2, 6)))
    evaluator = fs._core.Evaluator(potential._core)
    one, three = (evaluator.parameter_gradient(batch, *weights, n) for n in (1, 3))
    for a, b in zip(one, three, strict=True):
        assert_close(a, b, 1e-12)


def test_blocks_are_all_parameters_of_the_model(potential):
    core = potential._core
    before = core.model_parameters
    end = 0
    for block in core.model_parameter_blocks:
        assert block.begin == end and block.size > 0 and block.name
        assert block.role in ("offset", "weight", "bias")
        assert block.element in (None, *range(len(ELEMENTS)))
        end += block.size
    assert end == len(before)
    (offsets,) = (b for b in core.model_parameter_blocks if b.role == "offset")
    assert offsets.name == "energy_offsets" and offsets.size == len(ELEMENTS)
    names = [block.name for block in core.model_parameter_blocks]
    assert len(set(names)) == len(names)


def test_parameters_of_an_element_act_on_its_atoms_only(potential, examples):
    own = fs.Potential.from_json(potential.to_json())
    before = own.evaluate(examples["crystal"]).energies
    others = np.array(examples["crystal"].get_chemical_symbols()) != ELEMENTS[0]
    parameters = own._core.model_parameters
    for block in own._core.model_parameter_blocks:
        if block.element == 0:
            parameters[block.begin : block.begin + block.size] *= 1.5
    own._core.model_parameters = parameters
    after = own.evaluate(examples["crystal"]).energies
    np.testing.assert_array_equal(after[others], before[others])
    if any(block.element == 0 for block in own._core.model_parameter_blocks):
        assert (after[~others] != before[~others]).all()


def test_energy_offsets(potential, examples):
    """They shift the energies of the atoms of their element, and nothing else."""
    own = fs.Potential.from_json(potential.to_json())
    own._core.set_energy_offsets([0.0, 0.0])
    before = own.evaluate(examples["crystal"])
    own._core.set_energy_offsets([-1.5, 2.25])
    after = own.evaluate(examples["crystal"])
    shifts = [{"Mg": -1.5, "O": 2.25}[symbol] for symbol in examples["crystal"].symbols]
    assert_close(after.energies - before.energies, np.array(shifts), 1e-10)
    np.testing.assert_array_equal(after.forces, before.forces)
    with pytest.raises(ValueError, match="2 energy offsets, one per element, but 3 were given"):
        own._core.set_energy_offsets([1.0, 2.0, 3.0])


def test_scale_of_the_inputs(potential, examples):
    """Models have one that can be set, or refuse it; either way parameters stay."""
    own = fs.Potential.from_json(potential.to_json())
    core = own._core
    sizes = [core.size(element) for element in range(len(ELEMENTS))]
    statistics = {
        "mean": [np.full(n, 0.1) for n in sizes],
        "factor": [np.full(n, 0.5) for n in sizes],
        "min": [np.full(n, np.finfo(float).max) for n in sizes],  # so that all values are outside
        "max": [np.full(n, np.finfo(float).max) for n in sizes],
    }
    parameters, before = core.model_parameters, own.evaluate(examples["crystal"])
    if not core.has_own_input_scale:
        with pytest.raises(ValueError, match="has no input scale of its own"):
            core.standardize_inputs(**statistics)
        assert before.values_outside is None
    else:
        core.standardize_inputs(**statistics)
        after = own.evaluate(examples["crystal"])
        assert set(after.values_outside) <= set(sizes) and (after.energies != before.energies).all()
        same = fs.Potential.from_json(own.to_json()).evaluate(examples["crystal"])
        np.testing.assert_array_equal(same.energies, after.energies)
        with pytest.raises(ValueError, match="a number per element and descriptor value"):
            core.standardize_inputs(**{**statistics, "factor": [np.ones(n + 1) for n in sizes]})
    np.testing.assert_array_equal(core.model_parameters, parameters)


def test_design_matrix_times_parameters_is_the_evaluation(potential, examples):
    core = potential._core
    configurations = list(examples.values())
    batch = make_batch(configurations, ELEMENTS, potential.cutoff)
    if not core.linear_in_parameters:
        with pytest.raises(ValueError, match="not linear in its parameters"):
            core.design_matrix(batch, 0, 1)
        return
    rows = core.design_matrix(batch, 0, len(configurations), 2)
    expected = []
    for result in potential.evaluate(configurations):
        expected += [[result.energy], result.virial[VOIGT], result.forces.ravel()]
    expected = np.concatenate(expected)
    np.testing.assert_allclose(
        rows @ core.model_parameters, expected, rtol=1e-10, atol=1e-11 * np.abs(expected).max()
    )
    # Portions are rows of the whole.
    first = 7 + 3 * len(configurations[0])
    second = core.design_matrix(batch, 1, 2)
    np.testing.assert_array_equal(second, rows[first : first + len(second)])


# --- symmetries ---


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("improper", [False, True], ids=["rotation", "rotoreflection"])
def test_rotation(potential, examples, name, improper):
    atoms = examples[name]
    matrix = Rotation.random(random_state=3).as_matrix() * (-1 if improper else 1)
    rotated = atoms.copy()
    rotated.positions = atoms.positions @ matrix.T
    rotated.cell = atoms.cell.array @ matrix.T
    before, after = potential.evaluate([atoms, rotated])
    np.testing.assert_allclose(after.energies, before.energies, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(after.forces, before.forces @ matrix.T, rtol=1e-9, atol=1e-10)
    virial = before.virial[np.array(TENSOR)]
    expected = matrix @ virial @ matrix.T
    np.testing.assert_allclose(after.virial[np.array(TENSOR)], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", STRUCTURES)
def test_translation_and_wrapping(potential, examples, name):
    atoms = examples[name]
    moved = atoms.copy()
    moved.positions += [3.7, -11.3, 0.9]
    # Any atom by any lattice vector.
    shifts = np.random.default_rng(0).integers(-3, 4, (len(atoms), 3)) * atoms.pbc
    moved.positions += shifts @ atoms.cell.array
    before, after = potential.evaluate([atoms, moved])
    np.testing.assert_allclose(after.energies, before.energies, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(after.forces, before.forces, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(after.virial, before.virial, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", STRUCTURES)
def test_order_of_the_atoms_does_not_matter(potential, examples, name):
    atoms = examples[name]
    order = np.random.default_rng(1).permutation(len(atoms))
    before, after = potential.evaluate([atoms, atoms[order]])
    np.testing.assert_allclose(after.energies, before.energies[order], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(after.forces, before.forces[order], rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(after.virial, before.virial, rtol=1e-10, atol=1e-10)


def test_elements_are_told_apart(potential, examples):
    atoms = examples["cluster"]
    swapped = atoms.copy()
    swapped.symbols = ["O" if symbol == "Mg" else "Mg" for symbol in atoms.symbols]
    before, after = potential.evaluate([atoms, swapped])
    assert np.abs(before.energies - after.energies).min() > 1e-6


# --- cells ---


@pytest.mark.parametrize("name", STRUCTURES)
def test_supercell(potential, examples, name):
    """A repeated cell has the energy of its parts and the forces of each."""
    atoms = examples[name]
    repeats = [2 if periodic else 1 for periodic in atoms.pbc]
    large = atoms.repeat(repeats)
    small, whole = potential.evaluate([atoms, large])
    copies = int(np.prod(repeats))
    np.testing.assert_allclose(
        whole.energies, np.tile(small.energies, copies), rtol=1e-11, atol=1e-11
    )
    np.testing.assert_allclose(
        whole.forces, np.tile(small.forces, (copies, 1)), rtol=1e-8, atol=1e-9
    )
    np.testing.assert_allclose(whole.virial, copies * small.virial, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("name", ["slab", "wire", "cluster"])
def test_open_directions_are_a_periodic_cell_with_much_vacuum(potential, examples, name):
    atoms = examples[name]
    boxed = atoms.copy()
    for axis in np.flatnonzero(~atoms.pbc):
        boxed.cell[axis] = 90 * np.eye(3)[axis]
    boxed.pbc = True
    open_, closed = potential.evaluate([atoms, boxed])
    np.testing.assert_allclose(closed.energies, open_.energies, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(closed.forces, open_.forces, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(closed.virial, open_.virial, rtol=1e-10, atol=1e-10)


def test_a_batch_equals_its_configurations_one_by_one(potential, examples):
    configurations = [Atoms(), *examples.values(), Atoms(), Atoms("O")]
    together = potential.evaluate(configurations)
    for atoms, result in zip(configurations, together, strict=True):
        alone = potential.evaluate(atoms)
        # Blocks hold other atoms then, so the last bits may differ.
        np.testing.assert_allclose(result.energies, alone.energies, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(result.forces, alone.forces, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(result.virial, alone.virial, rtol=1e-10, atol=1e-11)


# --- the cutoff ---


@pytest.mark.parametrize("symbols", ["Mg2", "MgO", "O2"])
def test_a_pair_vanishes_smoothly_at_the_cutoff(potential, symbols):
    """Energy at least with the square of the distance to the cutoff, force with the distance."""

    def dimer(distance):
        return potential.evaluate(
            Atoms(symbols, positions=[[0, 0, 0], [0.6 * distance, 0, 0.8 * distance]])
        )

    apart = dimer(potential.cutoff + 1e-9)
    assert np.all(apart.forces == 0.0)
    isolated = [potential.evaluate(Atoms(symbol)).energy for symbol in Atoms(symbols).symbols]
    np.testing.assert_array_equal(apart.energies, isolated)
    for widest in (1e-2, 0.1, 0.4):  # the first where something is seen
        gaps = widest * np.array([1.0, 0.1, 0.01])
        near = [dimer(potential.cutoff - gap) for gap in gaps]
        energies = np.array([np.abs(result.energies - apart.energies).max() for result in near])
        if energies[0] > 0:
            break
    forces = np.array([np.linalg.norm(result.forces[0]) for result in near])
    assert energies[0] > 0
    assert np.all(energies[1:] < 1.5e-2 * energies[:-1] + 1e-14)
    assert np.all(forces[1:] < 0.15 * forces[:-1] + 1e-13)


def test_nothing_jumps_when_an_atom_crosses_the_cutoff(potential):
    """Among others, so that terms of many bodies take part: differences shrink with the step."""
    cluster = Atoms(
        "MgOMgO", positions=[[0, 0, 0], [2.0, 0.3, 0], [0.2, 1.9, 0.4], [-0.3, 0.5, 2.1]]
    )
    for axis in range(3):
        differences = []
        for gap in (1e-4, 1e-6):
            inside, outside = (
                cluster + Atoms("O", positions=[(potential.cutoff + step) * np.eye(3)[axis]])
                for step in (-gap, gap)
            )
            before, after = potential.evaluate([inside, outside])
            differences.append(
                [
                    np.abs(after.energies - before.energies).max(),
                    np.abs(after.forces - before.forces).max(),
                ]
            )
        assert np.all(np.array(differences[0]) > 0)
        assert np.all(np.array(differences[1]) < 0.02 * np.array(differences[0]))


def test_isolated_atoms(potential):
    """Far from all others, an atom has the energy of an empty neighborhood and feels no force."""
    alone = [potential.evaluate(Atoms(element)).energy for element in ELEMENTS]
    assert len(set(alone)) == len(ELEMENTS)
    row = Atoms("MgOOMgO", positions=[[20.0 * i, 0, 0] for i in range(5)], cell=[100, 100, 100])
    for periodic in (False, True):
        row.pbc = periodic
        result = potential.evaluate(row)
        expected = [alone[ELEMENTS.index(symbol)] for symbol in row.symbols]
        np.testing.assert_array_equal(result.energies, expected)
        assert not result.forces.any() and not result.virial.any()


def test_no_atoms(potential):
    result = potential.evaluate(Atoms())
    assert result.energy == 0 and result.forces.shape == (0, 3) and result.energies.shape == (0,)
    assert potential.evaluate([]) == []


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_cluster(data):
    """Forces add up to nothing and turn nothing; what is far away does not count."""
    _, descriptors, model = data.draw(st.sampled_from(CASES))
    potential = make_potential(descriptors, model)
    n_atoms = data.draw(st.integers(0, 14))
    symbols = data.draw(st.lists(st.sampled_from(ELEMENTS), min_size=n_atoms, max_size=n_atoms))
    seed = data.draw(st.integers(0, 2**31))
    size = data.draw(st.floats(2.0, 12.0))
    positions = _random_positions(n_atoms, size, seed)
    atoms = Atoms(symbols, positions=positions)
    far = atoms.copy()
    far.positions += [1000.0, 0.0, 0.0]
    result, twice = potential.evaluate([atoms, atoms + far])
    scale = 1 + np.abs(result.forces).sum()
    np.testing.assert_allclose(result.forces.sum(axis=0), 0, atol=1e-12 * scale)
    torque = np.cross(atoms.positions, result.forces).sum(axis=0) if n_atoms else np.zeros(3)
    np.testing.assert_allclose(torque, 0, atol=1e-11 * scale * size)
    expected = np.tile(result.energies, 2)
    np.testing.assert_allclose(twice.energies, expected, rtol=1e-9, atol=1e-10 * scale)


def _random_positions(n_atoms: int, size: float, seed: int) -> np.ndarray:
    """Uniform in a cube, at least 1.2 angstrom apart (the cube grows where they do not fit)."""
    rng = np.random.default_rng(seed)
    positions = np.zeros((0, 3))
    while len(positions) < n_atoms:
        candidate = rng.uniform(0, size, 3)
        if np.all(np.linalg.norm(positions - candidate, axis=1) > 1.2):
            positions = np.vstack([positions, candidate])
        else:
            size *= 1.01
    return positions


# --- the same numbers, however they are computed ---


def test_every_instruction_set_gives_the_same_numbers(potential, examples, monkeypatch):
    configurations = list(examples.values())
    n_atoms = sum(map(len, configurations))
    batch = make_batch(configurations, ELEMENTS, potential.cutoff)
    rng = np.random.default_rng(7)
    n = len(configurations)
    weights = (rng.normal(size=n), rng.normal(size=(n_atoms, 3)), rng.normal(size=(n, 6)))
    found = {}
    for name in fs._core.available_instruction_sets():
        monkeypatch.setenv("FORCESMITH_ISA", name)
        assert fs._core.instruction_set() == name
        core = fs.Potential.from_json(potential.to_json())._core
        evaluator = fs._core.Evaluator(core)
        found[name] = {
            **evaluator.evaluate(batch),
            "gradient": np.concatenate(evaluator.parameter_gradient(batch, *weights)),
        }
        if core.linear_in_parameters:
            found[name]["design matrix"] = core.design_matrix(batch, 0, n)
    assert "portable" in found
    for name, results in found.items():
        for quantity, expected in found["portable"].items():
            assert_close(results[quantity], expected, 1e-11), (name, quantity)


def test_single_precision_is_double_precision_rounded(potential, monkeypatch):
    """On every instruction set; atoms with few and many neighbors side by side."""
    atoms = uneven_liquid()
    for name in fs._core.available_instruction_sets():
        monkeypatch.setenv("FORCESMITH_ISA", name)
        own = fs.Potential.from_json(potential.to_json())
        exact, rounded = own.evaluate(atoms), own.evaluate(atoms, precision="single")
        largest = np.abs(exact.forces).max()
        assert 0.0 < np.abs(rounded.forces - exact.forces).max() < SINGLE_FORCES * largest
        scale = np.abs(exact.energies).max()
        assert np.abs(rounded.energies - exact.energies).max() < SINGLE_ENERGIES * scale
        scale = np.abs(exact.virial).max()
        assert np.abs(rounded.virial - exact.virial).max() < SINGLE_FORCES * scale
        atoms.calc = own.calculator(precision="single")
        np.testing.assert_array_equal(atoms.get_forces(), rounded.forces)


def uneven_liquid() -> Atoms:
    """Dense in one half of the cell, thin in the other; 41 atoms."""
    rng = np.random.default_rng(5)
    positions: list[np.ndarray] = []
    cell = np.array([18.0, 8.0, 8.0])
    while len(positions) < 41:
        dense = len(positions) < 30
        new = rng.uniform([0 if dense else 9, 0, 0], [9 if dense else 18, 8, 8])
        separation = np.array([new - old for old in positions]).reshape(-1, 3)
        separation -= cell * np.round(separation / cell)
        if np.all(np.linalg.norm(separation, axis=1) > 1.7):
            positions.append(new)
    return Atoms("Mg16O25", positions=positions, cell=cell, pbc=True)


def test_other_words_for_a_precision_are_refused(potential, examples):
    with pytest.raises(ValueError, match='must be "double" or "single", not "half"'):
        potential.evaluate(examples["crystal"], precision="half")


def test_unknown_instruction_set_is_refused(potential, monkeypatch):
    monkeypatch.setenv("FORCESMITH_ISA", "avx1024")
    with pytest.raises(ValueError, match='FORCESMITH_ISA is "avx1024".*portable.*unset it'):
        fs.Potential.from_json(potential.to_json())


THREADS_SCRIPT = """
import pickle, sys
import forcesmith as fs
with open(sys.argv[1], "rb") as file:
    text, configurations = pickle.load(file)
potential = fs.Potential.from_json(text)
assert fs._core.max_workers() == 3, fs._core.max_workers()
results = {n: potential.evaluate(configurations, threads=n) for n in (1, 2, 3)}
with open(sys.argv[2], "wb") as file:
    plain = {n: [(r.energy, r.forces, r.virial) for r in rs] for n, rs in results.items()}
    pickle.dump(plain, file)
"""


def test_threads(tmp_path: Path):
    """1, 2 and 3 threads agree; in a process of its own, because the number is fixed at import."""
    _, descriptors, model = CASES[0]
    potential = make_potential(descriptors, model)
    configurations = [crystal().repeat((3, 3, 2)), *structures(potential.cutoff).values()]
    (tmp_path / "in").write_bytes(pickle.dumps((potential.to_json(), configurations)))
    subprocess.run(
        [sys.executable, "-c", THREADS_SCRIPT, str(tmp_path / "in"), str(tmp_path / "out")],
        env={**os.environ, "OMP_NUM_THREADS": "3", "OMP_WAIT_POLICY": "passive"},
        check=True,
        timeout=300,
    )
    results = pickle.loads((tmp_path / "out").read_bytes())
    for threads in (2, 3):
        for one, several in zip(results[1], results[threads], strict=True):
            np.testing.assert_allclose(several[0], one[0], rtol=1e-10)
            np.testing.assert_allclose(several[1], one[1], rtol=0, atol=1e-9)
            np.testing.assert_allclose(several[2], one[2], rtol=1e-10, atol=1e-9)


def test_forked_processes(potential, examples):
    """multiprocessing forks on Linux: OpenMP's threads are gone then, but work goes on."""
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork")
    atoms = examples["crystal"].repeat(2)
    expected = potential.evaluate(atoms).energy  # OpenMP has threads from here on
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=lambda: queue.put(potential.evaluate(atoms).energy))
    child.start()
    try:
        assert abs(queue.get(timeout=60) - expected) < 1e-9 * abs(expected)
    finally:
        child.kill()
        child.join()


def test_saving_and_loading_changes_no_bit(potential, examples, tmp_path: Path):
    path = tmp_path / "potential.json"
    potential.write(path)
    for again in (fs.Potential.read(path), fs.Potential.from_json(potential.to_json())):
        assert again.to_json() == potential.to_json() == path.read_text()
        assert again.elements == potential.elements and again.cutoff == potential.cutoff
        assert again.info() == potential.info()
        core, own = again._core, potential._core
        np.testing.assert_array_equal(core.descriptor_parameters, own.descriptor_parameters)
        np.testing.assert_array_equal(core.model_parameters, own.model_parameters)
        for atoms in examples.values():
            a, b = again.evaluate(atoms), potential.evaluate(atoms)
            np.testing.assert_array_equal(a.energies, b.energies)
            np.testing.assert_array_equal(a.forces, b.forces)
            np.testing.assert_array_equal(a.virial, b.virial)


def test_evaluating_twice_changes_no_bit(potential, examples):
    """Nothing is left behind in the memory of the workers."""
    before = potential.evaluate(examples["crystal"])
    potential.evaluate(list(examples.values()))
    after = potential.evaluate(examples["crystal"])
    np.testing.assert_array_equal(after.forces, before.forces)
    np.testing.assert_array_equal(after.energies, before.energies)
