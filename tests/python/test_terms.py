"""Terms of the energy: what every registered one must keep, and their place in files and fits."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from contract_examples import ELEMENTS, TERMS, make_potential, structures
from sample_data import labelled

VARIANTS = [{"type": name, **own} for name, variants in TERMS.items() for own in variants]
ZBL = {"type": "zbl", "inner": 1.4, "outer": 2.6}
DESCRIPTOR = {"type": "bispectrum", "twojmax": 2, "rcutfac": 3.6}
TINY = {**DESCRIPTOR, "rcutfac": 0.5}
"""Reaches less far than any term."""


def document(**keys) -> dict:
    """All coefficients of the model are 0: the terms are all there is."""
    return {
        "format": "forcesmith potential",
        "version": 2,
        "elements": ELEMENTS,
        "descriptors": [TINY],
        "model": {"type": "linear"},
        **keys,
    }


def potential_of(**keys) -> fs.Potential:
    return fs.Potential.from_json(json.dumps(document(**keys)), "bad.json", trained=False)


def refuse(given: dict, *parts: str) -> None:
    with pytest.raises(ValueError) as caught:
        potential_of(**given)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert message.endswith(".") and "\n" not in message


# --- every registered term ---


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda term: f"{term['type']}-{term}")
def term(request) -> fs.Potential:
    return potential_of(terms=[request.param])


def slope(function, step: float = 4e-4) -> float:
    """function'(0), fourth-order central differences."""
    one, two = (function(n * step) - function(-n * step) for n in (1, 2))
    return (8 * one - two) / (12 * step)


@pytest.mark.parametrize("name", ["crystal", "slanted", "slab", "cluster"])
def test_forces_and_virial_are_derivatives_of_the_energy(term, name):
    atoms = structures(term.cutoff)[name]
    result = term.evaluate(atoms)

    def moved(atom: int, axis: int, step: float) -> float:
        other = atoms.copy()
        other.positions[atom, axis] += step
        return term.evaluate(other).energy

    def strained(a: int, b: int, step: float) -> float:
        deformation = np.eye(3)
        deformation[a, b] += step
        other = atoms.copy()
        other.positions = atoms.positions @ deformation.T
        other.cell = atoms.cell.array @ deformation.T
        return term.evaluate(other).energy

    places = [(0, 0), (1, 2), (len(atoms) - 1, 1)]
    expected = [-slope(lambda h, place=place: moved(*place, h)) for place in places]
    found = [result.forces[place] for place in places]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(result.forces).max())
    places = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    expected = [-slope(lambda h, place=place: strained(*place, h)) for place in places]
    np.testing.assert_allclose(result.virial, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert np.abs(result.forces).max() > 1e-3
    assert result.energies.sum() == pytest.approx(result.energy, rel=1e-12)


def test_it_vanishes_at_its_cutoff(term):
    """Energy and force of a pair go to 0 there."""
    results = [
        term.evaluate(Atoms("MgO", positions=[[0, 0, 0], [term.cutoff - h, 0, 0]]))
        for h in (0.5, 1e-3, 0.0)
    ]
    forces = [np.abs(result.forces).max() for result in results]
    assert forces[0] > 1e3 * forces[1] and forces[2] == results[2].energy == 0.0


@pytest.mark.parametrize("precision", ["double", "single"])
def test_every_instruction_set_gives_the_same_numbers(term, monkeypatch, precision):
    atoms = structures(term.cutoff)["crystal"]
    expected = term.evaluate(atoms, precision=precision)
    for name in fs._core.available_instruction_sets():
        monkeypatch.setenv("FORCESMITH_ISA", name)
        result = fs.Potential.from_json(term.to_json()).evaluate(atoms, precision=precision)
        atol = 1e-12 * np.abs(expected.forces).max()
        np.testing.assert_allclose(result.forces, expected.forces, rtol=0, atol=atol)
        assert result.energy == pytest.approx(expected.energy, rel=1e-12)


def test_saving_and_loading_changes_no_bit(term, tmp_path):
    term.write(tmp_path / "a.json")
    again = fs.Potential.read(tmp_path / "a.json")
    assert again.to_json() == term.to_json() and again.info() == term.info()
    atoms = structures(term.cutoff)["slanted"]
    np.testing.assert_array_equal(again.evaluate(atoms).forces, term.evaluate(atoms).forces)


# --- several, and their place in the file ---


def test_terms_add_up():
    other = {**ZBL, "outer": 4.4}
    one, two, both = (potential_of(terms=list_) for list_ in ([ZBL], [other], [ZBL, other]))
    assert (one.cutoff, two.cutoff, both.cutoff) == (2.6, 4.4, 4.4)
    atoms = structures(4.4)["crystal"]
    a, b, sum_ = (potential.evaluate(atoms) for potential in (one, two, both))
    np.testing.assert_allclose(sum_.forces, a.forces + b.forces, rtol=1e-12, atol=1e-12)
    assert both.info()["terms"] == [ZBL, other]


def test_files_without_terms():
    """Absent, null and empty mean the same, and nothing is written then."""
    texts = [potential_of(**given).to_json() for given in ({}, {"terms": None}, {"terms": []})]
    assert len(set(texts)) == 1 and "terms" not in json.loads(texts[0])


def test_files_of_version_1():
    """They had a key for the only term that there was."""
    range_ = {"inner": 1.4, "outer": 2.6}
    assert potential_of(version=1, zbl=range_).to_json() == potential_of(terms=[ZBL]).to_json()
    for given in ({}, {"zbl": None}):
        assert potential_of(version=1, **given).to_json() == potential_of().to_json()
    assert json.loads(potential_of().to_json())["version"] == 2
    refuse({"version": 1, "zbl": [1.4, 2.6]}, '"zbl"', "must be of type object, but is [1.4,2.6]")
    refuse({"version": 1, "zbl": {"inner": 1.0}}, '"outer"', 'term "zbl" in "bad.json"', "missing")
    # Each version has its own key: what one does not know is no comment.
    refuse({"version": 1, "terms": [ZBL]}, '"terms"', "belongs to version 2", "file has version 1")
    refuse({"version": 2, "zbl": range_}, '"zbl"', "belongs to version 1", "file has version 2")
    refuse({"version": 1, "zbl": ZBL}, '"zbl"', 'the key "type"')


@pytest.mark.parametrize(
    ("terms", "parts"),
    [
        ([{**ZBL, "type": "zlb"}], ['no term "zlb"', 'did you mean "zbl"?', '"bad.json"']),
        ([{"inner": 1.0, "outer": 2.0}], ["Every term of", '"bad.json"', 'needs a "type"']),
        ([[1.4, 2.6]], ["Every term of", 'needs a "type"', "[1.4,2.6]"]),
        (ZBL, ['"terms"', "must be of type array"]),
        ([ZBL, {**ZBL, "iner": 1}], ['Unknown parameter "iner" of term "zbl" in "bad.json"']),
    ],
)
def test_wrong_terms(terms, parts):
    refuse({"terms": terms}, *parts)


# --- fits ---


@pytest.fixture(scope="module")
def data() -> list[Atoms]:
    known = potential_of(terms=[{**ZBL, "outer": 4.0}])
    rest = make_potential([DESCRIPTOR], {"type": "linear"})
    made = []
    for seed in range(4):
        atoms = structures(4.0)["crystal"]
        atoms.rattle(0.05, seed=seed)
        atoms.symbols[:seed] = "O"
        a, b = known.evaluate(atoms), rest.evaluate(atoms)
        made.append(labelled(atoms, energy=a.energy + b.energy, forces=a.forces + b.forces))
    return made


def test_a_fit_is_made_to_what_terms_leave(data):
    """`zbl` is short for a term of that type."""
    settings = {"elements": ELEMENTS, "descriptor": DESCRIPTOR, "optimizer": {"ridge": 0.0}}
    term = {**ZBL, "outer": 4.0}
    fitted = fs.fit(data, settings=settings, terms=[term])
    assert fitted.potential.info()["terms"] == [term]
    assert fitted.train_errors.total.force_rmse < 1e-9
    short = fs.fit(data, settings=settings, zbl={"inner": 1.4, "outer": 4.0})
    a, b = (json.loads(result.potential.to_json()) for result in (fitted, short))
    assert {**a, "provenance": None} == {**b, "provenance": None}
    assert fs.fit(data, settings=settings).train_errors.total.force_rmse > 0.01


@pytest.mark.parametrize(
    ("terms", "more", "parts"),
    [
        ([{"type": "zlb"}], {}, ["terms.0.type", 'there is no term "zlb"; did you mean "zbl"?']),
        ([{"inner": 1.0}], {}, ["terms.0.type", "equired"]),
        (
            [{**ZBL, "iner": 1}],
            {},
            ['Unknown parameter "iner" of term "zbl" in "the fit settings"'],
        ),
        ([ZBL], {"zbl": {"inner": 1.0, "outer": 2.0}}, ['"zbl"', "`terms` has one already"]),
        ([ZBL], {"descriptor": None}, ["leave out `zbl`, `terms` and `model`"]),
    ],
)
def test_wrong_settings(data, tmp_path, terms, more, parts):
    settings = {"elements": ELEMENTS, "descriptor": DESCRIPTOR, "terms": terms, **more}
    if settings["descriptor"] is None:  # then a start goes on as it is
        potential_of().write(tmp_path / "start.json")
        settings |= {"optimizer": {"start": str(tmp_path / "start.json")}}
        del settings["descriptor"]
    with pytest.raises(ValueError) as caught:
        fs.fit(data, settings=settings)
    for part in parts:
        assert part in str(caught.value)
