"""Symmetry functions: against the slow reference (reference_symmetry_functions.py), generated sets,
and what is refused how."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
import pytest
from contract_examples import ELEMENTS, angular, compact, crystal, make_potential, radial
from neighborhoods import core_basis, random_neighborhood
from reference_moment_tensor import pair_gradients
from reference_symmetry_functions import (
    CUTOFF_FUNCTIONS,
    descriptor_values,
    generated_compact_functions,
    generated_functions,
    symmetry_function,
)
from sample_data import labelled

FUNCTIONS = {
    "radial": [radial("radial", "Mg O", eta=0.3), radial("radial", "Mg Mg", eta=0.9, rs=2.2)],
    "angular_narrow": [
        angular("angular_narrow", "Mg O O", 1, 1, eta=0.02),
        angular("angular_narrow", "Mg O O", -1, 1, eta=0.02),
        angular("angular_narrow", "Mg O O", -1, 16, eta=0.02),
        angular("angular_narrow", "Mg Mg O", 1, 3, eta=0.05, rs=0.7),
    ],
    "angular_wide": [
        angular("angular_wide", "Mg O Mg", 1, 2, eta=0.06),
        angular("angular_wide", "Mg O Mg", -1, 64, eta=0.06, rs=1.0),
    ],
    "weighted_radial": [
        radial("weighted_radial", "Mg", eta=0.1),
        radial("weighted_radial", "Mg", eta=0.6, rs=1.7),
    ],
    "weighted_angular": [
        angular("weighted_angular", "Mg", 1, 1, eta=0.03),
        angular("weighted_angular", "Mg", -1, 5, eta=0.04, rs=0.4),
    ],
    "zeta not whole": [
        angular("angular_wide", "Mg O O", 1, 1.0001, eta=0.04),
        angular("angular_narrow", "Mg O O", -1, 2.5, eta=0.04),
        angular("weighted_angular", "Mg", 1, 17.3, eta=0.04),
    ],
    "own cutoffs": [
        radial("radial", "Mg O", eta=0.3, cutoff=3.0),
        radial("radial", "Mg O", eta=0.3, cutoff=3.7),
        angular("angular_narrow", "Mg O O", 1, 1, eta=0.02, cutoff=3.7),
        angular("angular_narrow", "Mg O O", 1, 1, eta=0.02),
        angular("angular_wide", "Mg O O", 1, 1, eta=0.02, cutoff=4.2),
    ],
    "multiples of an eta": [
        *(
            angular("angular_narrow", "Mg O O", 1, 2, eta=eta)
            for eta in (0.01, 0.02, 0.03, 0.07, 0.2, 0.64, 0.65, 0.0300001)
        ),
        angular("angular_narrow", "Mg O O", 1, 1, eta=0.02, rs=0.7),
        angular("angular_narrow", "Mg O O", 1, 1, eta=0.05, cutoff=3.7),
        angular("angular_wide", "Mg O O", 1, 1, eta=0.005),
    ],
    "no Gaussian": [
        radial("radial", "Mg O", eta=0),
        angular("angular_wide", "Mg O O", 1, 1, eta=0),
    ],
    "Atomistic Machine-learning Package": [
        radial("G2", "Mg O", eta=4.0),
        radial("G2", "Mg O", eta=20.0, rs=1.5, cutoff=4.0),
        angular("G4", "Mg O O", 1, 1, eta=0.005),
        angular("G4", "Mg O Mg", -1, 4, eta=0.5),
        angular("G5", "Mg Mg Mg", -1, 2, eta=1.0, cutoff=4.2),
    ],
    "compact_radial": [
        compact("radial", "Mg O", "p2", -4.5, 4.5),
        compact("radial", "Mg O", "p2a", -4.5, 4.5),
        compact("radial", "Mg O", "p2a", 1.2, 4.0),
        compact("radial", "Mg Mg", "e", -1.0, 4.3),
    ],
    "compact_angular_narrow": [
        compact("angular_narrow", "Mg O O", "p3", -4.5, 4.5, 0, 180),
        compact("angular_narrow", "Mg O O", "p3a", -4.5, 4.5, 0, 180),
        compact("angular_narrow", "Mg Mg O", "p2a", -4.5, 4.5, -150, 150),
        compact("angular_narrow", "Mg O O", "p1", 0.3, 4.4, 10, 170),
    ],
    "compact_angular_wide": [
        compact("angular_wide", "Mg O O", "p4", -4.5, 4.5, 30, 330),
        compact("angular_wide", "Mg O Mg", "p4a", -4.5, 4.5, 0, 130),
        compact("angular_wide", "Mg O Mg", "e", 0.5, 4.4, 40, 180),
    ],
    "compact_weighted_radial": [
        compact("weighted_radial", "Mg", "p1", -4.5, 4.5),
        compact("weighted_radial", "Mg", "p1a", 0.5, 4.1),
    ],
    "compact_weighted_angular_narrow": [
        compact("weighted_angular_narrow", "Mg", "p2", -4.5, 4.5, 0, 180),
        compact("weighted_angular_narrow", "Mg", "e", -4.5, 4.5, -100, 100),
    ],
    "compact_weighted_angular_wide": [
        compact("weighted_angular_wide", "Mg", "p2", -4.5, 4.5, 0, 180),
        compact("weighted_angular_wide", "Mg", "p4a", 1.0, 4.5, 60, 300),
    ],
}
"""All of center Mg."""

OXYGEN = radial("radial", "O O", eta=0.1)
"""Every element needs a function."""


def document(functions: list[dict] | None = None, elements: list[str] = ELEMENTS, **others) -> dict:
    descriptor = {"type": "symmetry_functions", "cutoff": 4.5, **others}
    if functions is not None:
        descriptor["functions"] = functions
    return {
        "format": "forcesmith potential",
        "version": 1,
        "elements": elements,
        "descriptors": [descriptor],
        "model": {"type": "linear", "shared": False},
    }


def written(document: dict) -> dict:
    """The descriptor as it stands in the file of that potential."""
    text = fs.Potential.from_json(json.dumps(document), trained=False).to_json()
    return json.loads(text)["descriptors"][0]


def assert_agrees(
    functions: list[dict], seed: int = 2, n_neighbors: int = 12, **others
) -> np.ndarray:
    """Values and derivatives of an Mg atom, whose last neighbor is beyond the cutoff."""
    _, neighbors, displacements = random_neighborhood(seed, n_neighbors)
    potential = document([*functions, OXYGEN], **others)

    def values(r):
        return descriptor_values(potential["descriptors"][0], ELEMENTS, 0, neighbors, r)

    found, gradients = core_basis(potential, 0, neighbors, displacements)
    expected = values(displacements.astype(complex)).real
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
    expected = pair_gradients(values, displacements)
    scale = np.abs(expected).max(axis=(0, 1))
    assert np.all(scale > 0)
    assert np.all(np.abs(gradients - expected) < 1e-12 * scale)
    assert not gradients[-1].any()  # beyond the cutoff
    return found


# --- values ---


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    for seed in (2, 4):
        values = assert_agrees(FUNCTIONS[name], seed)
        assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("cutoff_function", "cutoff_alpha"),
    [(name, 0.0) for name in CUTOFF_FUNCTIONS]
    + [(name, 0.55) for name in CUTOFF_FUNCTIONS if not name.startswith("tanh")],
)
def test_cutoff_functions(cutoff_function, cutoff_alpha):
    functions = [f for name, group in FUNCTIONS.items() if "compact" not in name for f in group]
    given = {"cutoff_function": cutoff_function, "cutoff_alpha": cutoff_alpha}
    values = assert_agrees(functions, **given)
    if cutoff_function != "cos" or cutoff_alpha > 0:
        assert np.all(values != assert_agrees(functions))


@pytest.mark.parametrize("core", ["p1", "p2", "p3", "p4", "p1a", "p2a", "p3a", "p4a", "e"])
def test_cores_of_compact_functions(core):
    """They have nothing to do with the cutoff function."""
    functions = [
        compact("radial", "Mg O", core, 0.2, 4.4),
        compact("angular_narrow", "Mg O O", core, -4.5, 4.5, 0, 180),
        compact("angular_wide", "Mg O Mg", core, 0.2, 4.4, -180, 180),
    ]
    values = assert_agrees(functions)
    for others in ({"cutoff_function": "tanhu"}, {"cutoff_alpha": 0.6}):
        np.testing.assert_array_equal(assert_agrees(functions, **others), values)


@pytest.mark.parametrize("n_neighbors", [2, 3, 9, 17, 26])
def test_any_number_of_neighbors(n_neighbors):
    """Full and partly filled registers, of one element and of both."""
    functions = FUNCTIONS["weighted_radial"]
    if n_neighbors > 5:
        functions = [*functions, *FUNCTIONS["angular_wide"], *FUNCTIONS["weighted_angular"]]
        functions += FUNCTIONS["compact_weighted_angular_wide"][1:]
    assert_agrees(functions, 8, n_neighbors)


def test_neighbors_of_an_angle_have_no_order():
    functions = [angular("angular_narrow", f"Mg {n}", 1, 2, eta=0.03) for n in ("Mg O", "O Mg")]
    values = assert_agrees(functions)
    assert values[0] == values[1]


def test_terms_are_shared_only_where_they_are_the_same():
    """All pairs of a list in which neighbors in the list differ by one parameter."""
    narrow = angular("angular_narrow", "Mg O O", 1, 2, eta=0.03)
    changes = [{"lambda": -1}, {"zeta": 3}, {"eta": 0.04}, {"rs": 0.2}, {"cutoff": 4.2}]
    changes += [{"type": "angular_wide"}, {"neighbors": ["O", "Mg"]}]
    functions = [narrow, *({**narrow, **change} for change in changes)]
    assert len(set(assert_agrees(functions))) == len(functions)
    assert len(set(assert_agrees(functions[::-1]))) == len(functions)


def test_compact_terms_are_shared_only_where_they_are_the_same():
    narrow = compact("angular_narrow", "Mg O O", "p2a", 0.1, 4.5, 10, 170)
    changes = [{"subtype": "p2"}, {"subtype": "p3a"}, {"rl": 0.2}, {"cutoff": 4.4}]
    changes += [{"angle_left": 20}, {"angle_right": 175}, {"neighbors": ["O", "Mg"]}]
    changes += [{"type": "compact_angular_wide"}]
    functions = [narrow, *({**narrow, **change} for change in changes)]
    functions += FUNCTIONS["own cutoffs"]
    assert len(set(assert_agrees(functions))) == len(functions)
    assert len(set(assert_agrees(functions[::-1]))) == len(functions)


def test_compact_functions_vanish_outside_their_intervals():
    """Neighbors at the ends of the interval and beyond both, in one direction and in another."""
    functions = [
        compact(kind, f"Mg {neighbors}".strip(), subtype, 2.0, 3.0, *angles)
        for subtype in ("p1", "p2a", "e")
        for kind, neighbors, angles in (
            ("radial", "O", ()),
            ("weighted_radial", "", ()),
            ("angular_wide", "O O", (0, 180)),
            ("weighted_angular_narrow", "", (-90, 90)),
        )
    ]
    for inner, outer in ((1.9, 3.1), (2.0, 3.0), (2.0, 4.499)):
        displacements = np.array([[0, 0, inner], [0, outer, 0], [0, -inner, 0], [outer, 0, 0]])
        B, gradients = core_basis(document([*functions, OXYGEN]), 0, [1] * 4, displacements)
        assert not B.any() and not gradients.any()
    # Distances within, but angles of 100 degrees and more.
    ends = np.radians([0, 100, 220])
    displacements = 2.5 * np.array([np.cos(ends), np.sin(ends), 0 * ends]).T
    narrow = [compact("angular_wide", "Mg O O", s, 2.0, 3.0, 20, 100) for s in ("p1", "e")]
    B, gradients = core_basis(document([*narrow, OXYGEN]), 0, [1] * 3, displacements)
    assert np.abs(B).max() < 1e-28 and np.abs(gradients).max() < 1e-13


def test_compact_functions_at_angles_of_0_and_180_degrees():
    """A row of atoms, for functions centered there and for others: as in the limit, no force."""
    windows = [(-180, 180), (0, 360), (-40, 40), (130, 230), (0, 180), (0, 70), (110, 180)]
    functions = [
        compact("angular_wide", "Mg O O", subtype, -4.5, 4.5, *window)
        for subtype in ("p1", "p2", "e")
        for window in windows
    ]
    for axis in (np.array([0.0, 0.0, 1.0]), np.array([0.6, -0.48, 0.64])):
        row = np.outer([1.5, 3.1, -2.0], axis)
        across = np.cross(axis, [0.3, 0.8, -0.1])
        near = row + np.outer([1e-5, -1e-5, 2e-5], across)
        B, gradients = core_basis(document([*functions, OXYGEN]), 0, [1] * 3, row)
        expected = [symmetry_function(f, ["O"] * 3, near) for f in functions]
        np.testing.assert_allclose(B, np.real(expected), rtol=1e-8, atol=1e-8)
        assert np.all(np.isfinite(gradients))
        assert np.abs(np.einsum("jak,a->jk", gradients, across)).max() < 1e-6
        # Each pair of neighbors: at 0 or at 180 degrees the first of them are 1.
        alone = [
            f["rl"] == -4.5 and f["angle_left"] + f["angle_right"] in (0, 360) for f in functions
        ]
        assert np.all(B[alone] > 0.01)


def test_angles_of_0_and_180_degrees():
    """A row of atoms: 1 + lambda cos theta is zero, for whole and other zeta."""
    functions = [
        angular("angular_wide", "Mg O O", sign, zeta, eta=0.1)
        for sign in (-1, 1)
        for zeta in (1, 1.5, 2, 16)
    ]
    displacements = np.array([[0.0, 0.0, 1.5], [0.0, 0.0, 3.1], [0.0, 0.0, -2.0]])
    B, gradients = core_basis(document([*functions, OXYGEN]), 0, [1, 1, 1], displacements)
    expected = [
        symmetry_function({"cutoff": 4.5, **f}, ["O"] * 3, displacements) for f in functions
    ]
    np.testing.assert_allclose(B, expected, rtol=1e-12, atol=1e-15)
    assert np.all(np.isfinite(gradients)) and not gradients[:, :2].any()


def test_values_do_not_depend_on_other_elements():
    """The same functions in a potential with another order of elements, and one more."""
    atoms = crystal()
    functions = [*FUNCTIONS["radial"], *FUNCTIONS["angular_narrow"], OXYGEN]
    aluminium = radial("radial", "Al Mg", eta=0.1)
    energies = []
    for elements, more in ((["Mg", "O"], []), (["O", "Al", "Mg"], [aluminium])):
        given = document([*functions, *more], elements)
        given["model"]["coefficients"] = [
            [1.0 + k for k in range(n)]
            for n in ({"Mg": 6, "O": 1, "Al": 1}[element] for element in elements)
        ]
        energies.append(
            fs.Potential.from_json(json.dumps(given), trained=False).evaluate(atoms).energies
        )
    np.testing.assert_allclose(energies[1], energies[0], rtol=1e-13)


# --- types and their names ---


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (2, "radial"),
        (3, "angular_narrow"),
        (9, "angular_wide"),
        (12, "weighted_radial"),
        (13, "weighted_angular"),
        (20, "compact_radial"),
        (21, "compact_angular_narrow"),
        (22, "compact_angular_wide"),
        (23, "compact_weighted_radial"),
        (24, "compact_weighted_angular_narrow"),
        (25, "compact_weighted_angular_wide"),
    ],
)
def test_numbers_of_n2p2(number, name):
    function = FUNCTIONS[name][-1]
    given = [document([{**function, "type": t}, OXYGEN]) for t in (number, name)]
    assert written(given[0]) == written(given[1])
    assert written(given[0])["functions"][0] == {"cutoff": 4.5, **function}


def test_functions_of_the_atomistic_machine_learning_package():
    """They are written as what they are: eta per square angstrom."""
    functions = FUNCTIONS["Atomistic Machine-learning Package"]
    found = written(document([*functions, OXYGEN]))["functions"][:-1]
    names = {"G2": "radial", "G4": "angular_narrow", "G5": "angular_wide"}
    for function, own in zip(functions, found, strict=True):
        cutoff = function.get("cutoff", 4.5)
        eta = pytest.approx(function["eta"] / cutoff**2, rel=1e-15)
        expected = {"rs": 0.0, "cutoff": cutoff, **function, "eta": eta}
        assert own == {**expected, "type": names[function["type"]]}


def test_potential_file():
    """Every function on a line of its own; what is written is read as the same potential."""
    functions = [function for group in FUNCTIONS.values() for function in group]
    text = fs.Potential.from_json(
        json.dumps(document([*functions, OXYGEN])), trained=False
    ).to_json()
    assert fs.Potential.from_json(text).to_json() == text
    lines = [line for line in text.splitlines() if '"center"' in line]
    assert len(lines) == len(functions) + 1
    assert all(json.loads(line.rstrip(","))["cutoff"] > 0 for line in lines)


# --- generated sets ---


@pytest.mark.parametrize("elements", [["Mo"], ["Mg", "O"], ["O", "Al", "Mg"]], ids="-".join)
@pytest.mark.parametrize(("n_radial", "n_angular"), [(8, 3), (1, 0), (3, 1), (5, 2), (0, 4)])
def test_generated_set(elements, n_radial, n_angular):
    found = written(document(elements=elements, radial=n_radial, angular=n_angular))["functions"]
    expected = generated_functions(4.5, n_radial, n_angular, elements)
    n = len(elements)
    assert len(found) == n * (n_radial * n + n_angular**2 * n * (n + 1))
    for own, function in zip(found, expected, strict=True):
        for key in ("eta", "rs"):
            assert own.pop(key) == pytest.approx(function.pop(key), rel=1e-14)
        assert own == function


@pytest.mark.parametrize("elements", [["Mo"], ["O", "Al", "Mg"]], ids="-".join)
@pytest.mark.parametrize(("n_radial", "n_angular"), [(8, 3), (1, 0), (3, 1), (5, 4)])
@pytest.mark.parametrize("end", ["narrow", "wide"])
def test_generated_compact_set(elements, n_radial, n_angular, end):
    settings = {"radial": n_radial, "angular": n_angular, "generated": f"compact_{end}"}
    found = written(document(elements=elements, **settings, subtype="p3a"))["functions"]
    written(document(found, elements))  # angles are exactly around 0 and 180 degrees
    kind = f"compact_angular_{end}"
    expected = list(generated_compact_functions(kind, 4.5, n_radial, n_angular, elements, "p3a"))
    n = len(elements)
    assert len(expected) == n * (n_radial * n + n_angular**2 * n * (n + 1))
    for own, function in zip(found, expected, strict=True):
        for key in ("rl", "cutoff", "angle_left", "angle_right"):
            if key in function:
                assert own.pop(key) == pytest.approx(function.pop(key), rel=1e-14, abs=1e-13)
        assert own == function


def test_default_compact_set():
    given = [{"generated": "compact_wide"}, {"generated": "compact_wide", "subtype": "p2"}]
    one, other = (written(document(elements=["Mg"], **settings)) for settings in given)
    assert one == other and len(one["functions"]) == 26
    potential = fs.Potential.from_json(
        json.dumps(document(elements=["Mg"], **given[0])), trained=False
    )
    assert potential.cutoff == 4.5


def test_default_set():
    """One element: 8 radial and 18 angular functions; none is zero or huge in a crystal."""
    potential = fs.Potential.from_json(json.dumps(document(elements=["Mg"])), trained=False)
    assert potential.info()["descriptor_values"] == {"Mg": 26}
    assert potential.cutoff == 4.5
    one, other = (written(document(elements=["Mg"], **given)) for given in ({}, {"radial": 8}))
    assert one == other


@pytest.mark.parametrize("generated", ["gaussian", "compact_narrow", "compact_wide"])
def test_fit_with_a_generated_set(generated):
    """Labels of a potential with these functions are met."""
    descriptor = {"type": "symmetry_functions", "cutoff": 4.2, "radial": 4, "angular": 1}
    descriptor["generated"] = generated
    known = make_potential([descriptor], {"type": "linear"}, seed=3)
    data = []
    for seed in range(8):
        atoms = crystal(seed=seed)
        result = known.evaluate(atoms)
        data.append(labelled(atoms, energy=result.energy, forces=result.forces))
    result = fs.fit(
        data,
        elements=ELEMENTS,
        descriptor=descriptor,
        model={"type": "linear"},
        optimizer={"ridge": 0.0},
    )
    assert result.train_errors.total.force_rmse < 1e-7


# --- what is refused ---


def refuse(given: dict, *parts: str) -> None:
    with pytest.raises(ValueError) as caught:
        fs.Potential.from_json(json.dumps(given), "bad.json", trained=False)
    message = str(caught.value)
    for part in ('"symmetry_functions" in "bad.json"', *parts):
        assert part in message, message
    assert message.endswith(".") and not message.endswith("..") and "\n" not in message


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"type": "radiall"}, ['no symmetry function type "radiall"', 'did you mean "radial"?']),
        (
            {"type": 4},
            ['no symmetry function type "4"', "n2p2's numbers 2, 3, 9, 12, 13 and 20 to 25"],
        ),
        ({"type": None}, ['no symmetry function type "null"']),
        ({"type": "radial"}, ['Unknown parameter "', "Known: type, center, eta"]),
        ({"center": "Al"}, ['"center" names "Al"', "not an element of the potential (Mg, O)"]),
        ({"center": 3}, ['"center"', "must be of type string"]),
        ({"neighbors": ["O", "Al"]}, ['"neighbors" names "Al"', "(Mg, O)"]),
        ({"neighbors": ["O", 8]}, ['"neighbors" names 8']),
        ({"neighbors": ["O"]}, ['type "angular_narrow" has 2 neighbor(s)', 'is ["O"]']),
        ({"neighbors": ["O"] * 3}, ['type "angular_narrow" has 2 neighbor(s)']),
        ({"neighbors": "OO"}, ['"neighbors"', "must be of type array"]),
        ({"neighbors": None}, ['"neighbors"', "is missing"]),
        ({"eta": None}, ['"eta"', "is missing", "1/angstrom^2"]),
        ({"eta": -0.1}, ["eta must not be negative, but is -0.1"]),
        ({"eta": "wide"}, ['"eta"', "must be of type number"]),
        ({"rs": -1}, ["rs must not be negative, but is -1"]),
        ({"lambda": 0.5}, ["lambda must be 1 or -1, not 0.5"]),
        ({"lambda": None}, ['"lambda"', "is missing"]),
        ({"zeta": 0.5}, ["zeta must be at least 1", "not 0.5"]),
        ({"zeta": 1e9}, ["at most a million, not 1e+09"]),
        ({"cutoff": 0}, ["the cutoff must be positive, not 0"]),
        ({"cutof": 4}, ['Unknown parameter "cutof"', 'did you mean "cutoff"?']),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_wrong_function(change, parts):
    function = angular("angular_narrow", "Mg O O", 1, 1, eta=0.1)
    refuse(document([OXYGEN, {**function, **change}]), "functions[1] of ", *parts)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"eta": 0.1}, ['Unknown parameter "eta"', "Known: type, center, rl, subtype"]),
        ({"rl": None}, ['"rl"', "is missing", "angstrom"]),
        ({"rl": 4.4}, ["rl must be less than the cutoff, but they are 4.4 and 4.4 angstrom"]),
        ({"rl": 5}, ["rl must be less than the cutoff, but they are 5 and 4.4"]),
        ({"cutoff": -1, "rl": -2}, ["the cutoff must be positive, not -1"]),
        ({"subtype": None}, ['"subtype"', "is missing"]),
        ({"subtype": "p5"}, ['no subtype of compact functions "p5"', "Known: p1, p1a, p2"]),
        ({"subtype": "ea"}, ['no subtype of compact functions "ea"']),
        ({"subtype": 2}, ['"subtype"', "must be of type string"]),
        ({"angle_left": None}, ['"angle_left"', "is missing", "degrees"]),
        ({"angle_left": 90}, ["angle_left must be less than angle_right", "90 and 90 degrees"]),
        ({"angle_left": 91}, ["angle_left must be less than angle_right", "91 and 90 degrees"]),
        ({"angle_left": -80}, ["symmetrically around 0 or around 180, not between -80 and 90"]),
        ({"angle_right": 200}, ["between 0 and 180 degrees, or", "not between 30 and 200"]),
        ({"angle_left": -190, "angle_right": 190}, ["not between -190 and 190"]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_wrong_compact_function(change, parts):
    function = compact("angular_narrow", "Mg O O", "p2", 1.0, 4.4, 30, 90)
    refuse(document([OXYGEN, {**function, **change}]), "functions[1] of ", *parts)


@pytest.mark.parametrize("function", ["radial", 2, None, [], {}, {"eta": 1.0}])
def test_function_that_is_none(function):
    refuse(document([function]), "functions[0] of ", 'must be an object with a "type"')


def test_weighted_functions_have_no_neighbors():
    function = radial("weighted_radial", "Mg O", eta=0.1)
    refuse(document([function, OXYGEN]), "functions[0] of ", 'Unknown parameter "neighbors"')


def test_weighted_functions_need_chemical_elements():
    given = document([radial("weighted_radial", "Xx", eta=0.1)], ["Xx"])
    refuse(given, "need atomic numbers", '"Xx" is no chemical element')
    fs.Potential.from_json(
        json.dumps(document([radial("radial", "Xx Xx", eta=0.1)], ["Xx"])), trained=False
    )


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"cutoff": None}, ['"cutoff"', "is missing", "angstrom"]),
        ({"cutoff": -4.5}, ["the cutoff must be positive, not -4.5"]),
        ({"cutoff_function": "cosine"}, ['no cutoff function "cosine"', 'did you mean "cos"?']),
        ({"cutoff_function": 1}, ['"cutoff_function"', "must be of type string"]),
        ({"cutoff_alpha": 1.0}, ["cutoff_alpha must be at least 0 and below 1, not 1"]),
        ({"cutoff_alpha": -0.2}, ["cutoff_alpha must be at least 0 and below 1, not -0.2"]),
        (
            {"cutoff_function": "tanhu", "cutoff_alpha": 0.2},
            ['cutoff_alpha means nothing with the cutoff function "tanhu"', "remove it"],
        ),
        ({"functions": []}, ['no symmetry function with the center "Mg"', "needs one"]),
        ({"functions": [OXYGEN]}, ['no symmetry function with the center "Mg"']),
        ({"functions": {}}, ['"functions"', "must be of type array"]),
        ({"functions": [OXYGEN], "radial": 4}, ['"radial" is for generated functions', "remove"]),
        ({"functions": [OXYGEN], "angular": 3}, ['"angular" is for generated functions']),
        ({"radial": -1}, ['"radial" must be 0 to 100, not -1']),
        ({"radial": 101}, ['"radial" must be 0 to 100, not 101']),
        ({"angular": 9}, ['"angular" must be 0 to 8, not 9']),
        ({"radial": 0, "angular": 0}, ['no symmetry function with the center "Mg"']),
        ({"functions": [OXYGEN], "generated": "gaussian"}, ['"generated" is for generated']),
        ({"functions": [OXYGEN], "subtype": "p2"}, ['"subtype" is for generated']),
        ({"generated": "compact"}, ['no kind of generated functions "compact"', "compact_narrow"]),
        ({"generated": "compact_wide", "subtype": "p9"}, ['no subtype of compact functions "p9"']),
        ({"subtype": "p2"}, ['"subtype" means nothing for "generated": "gaussian"; remove it']),
        (
            {"generated": "compact_wide", "cutoff_function": "cos"},
            ['"cutoff_function" means nothing for "generated": "compact_wide"'],
        ),
        ({"radials": 8}, ['Unknown parameter "radials"', 'did you mean "radial"?']),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_wrong_settings(change, parts):
    refuse(document(**change), *parts)
