"""Search by gradients: finds minima, resumes as if never interrupted, stops for good reasons."""

from __future__ import annotations

import json

import forcesmith as fs
import numpy as np
import pytest
from ase import Atoms
from contract_examples import crystal, make_potential
from forcesmith.training.checkpoint import state_file
from forcesmith.training.loss import Loss, free_parameters, with_role
from forcesmith.training.optimizers import gauss_newton, gradient_search
from forcesmith.training.optimizers.gradient_search import method_for
from forcesmith.training.optimizers.quasi_newton import Bfgs, Lbfgs
from forcesmith.training.settings import OptimizerSettings, WeightSettings
from forcesmith.training.training_set import TrainingSet
from sample_data import labelled

ELEMENTS = ["Mg", "O"]
DESCRIPTOR = {
    "type": "moment_tensor",
    "level": 6,
    "cutoff": 4.2,
    "min_distance": 1.6,
    "radial_basis_size": 4,
}


@pytest.fixture(scope="module")
def data() -> list[Atoms]:
    known = make_potential([DESCRIPTOR], {"type": "quadratic"}, seed=3)
    made = []
    for seed in range(12):
        atoms = crystal(seed=seed)
        result = known.evaluate(atoms)
        labels = {"energy": result.energy, "forces": result.forces, "stress": result.stress}
        made.append(labelled(atoms, f"group{seed % 2}", **labels))
    return made


def search(train, method="lbfgs", model=None, data=None, **options) -> fs.FitResult:
    checkpoint = options.pop("checkpoint", None)
    progress = options.pop("progress", None)
    return fs.fit(
        train,
        train[:3],
        checkpoint=checkpoint,
        progress=progress,
        elements=ELEMENTS,
        descriptor=DESCRIPTOR,
        model=model or {"type": "neural_network", "hidden_layers": [5]},
        data=data or {},
        optimizer={"method": method, "threads": 1, **options},
    )


def all_parameters(result: fs.FitResult) -> np.ndarray:
    core = result.potential._core
    return np.concatenate([core.descriptor_parameters, core.model_parameters])


@pytest.mark.parametrize("method", ["gauss_newton", "lbfgs", "adam"])
def test_the_loss_falls(data, method):
    result = search(data, method, max_iterations=40, tolerance=1e-9, learning_rate=0.03)
    losses = [row["loss"] for row in result.history]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.2 * losses[0]
    assert result.ending == "iterations" and len(losses) == 40
    assert result.coefficient_errors is None


def test_no_search_leaves_what_a_file_takes(data, monkeypatch):
    """The loss may fall all the way to weights without end."""
    options = {"max_iterations": 40, "tolerance": 1e-9}
    limit = 3.0
    free = search(data, "gauss_newton", **options)
    assert np.abs(all_parameters(free)).max() > limit
    monkeypatch.setattr(gradient_search, "LARGEST_PARAMETER", limit)
    held = search(data, "gauss_newton", **options)
    assert 0.5 * limit < np.abs(all_parameters(held)).max() < limit
    assert held.history[-1]["loss"] < held.history[0]["loss"]
    monkeypatch.setattr(gradient_search, "LARGEST_PARAMETER", 1e-3)
    with pytest.raises(ValueError, match="start from has coefficients of 0.001 or more"):
        search(data, "gauss_newton", **options)


def test_lbfgs_finds_what_the_linear_solution_is(data):
    """Without descriptor parameters to move, both have the same minimum."""
    descriptor = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.2}
    settings = {"elements": ELEMENTS, "descriptor": descriptor}
    exact = fs.fit(data, settings=settings, optimizer={"ridge": 0.0})
    found = fs.fit(
        data,
        settings=settings,
        optimizer={"method": "lbfgs", "max_iterations": 2000, "tolerance": 1e-12},
    )
    assert found.history[-1]["loss"] == pytest.approx(exact.history[-1]["loss"], rel=1e-3)


def test_direction_of_lbfgs_is_newtons_for_a_quadratic_function():
    """With as many pairs as dimensions, the inverse Hessian approximation is exact."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    hessian = root @ root.T + np.eye(4)
    steps = list(np.linalg.eigh(hessian)[1].T)  # conjugate directions
    changes = [hessian @ step for step in steps]
    gradient = rng.normal(size=4)
    direction = Lbfgs(50, steps, changes).direction(gradient)
    np.testing.assert_allclose(direction, -np.linalg.solve(hessian, gradient), rtol=1e-10)


def test_bfgs_learns_the_inverse_hessian_of_a_quadratic_function():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5))
    hessian = root @ root.T + np.eye(5)

    def evaluate(x):
        return 0.5 * x @ hessian @ x, hessian @ x, None

    search = Bfgs()
    x = rng.normal(size=5)
    value, gradient, _ = evaluate(x)
    for _ in range(40):
        before, slope = x, gradient
        x, value, gradient, _ = search.step(evaluate, x, value, gradient)
        if value < 1e-10:
            break
    assert value < 1e-10
    inverse = -np.transpose([search.direction(unit) for unit in np.eye(5)])
    np.testing.assert_allclose(inverse @ (gradient - slope), x - before, rtol=1e-6)
    np.testing.assert_allclose(inverse, inverse.T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(inverse, np.linalg.inv(hessian), rtol=0.1, atol=0.05)


def test_parameters_that_the_data_tell_nothing_of_stay_where_they_are():
    curvature = np.diag([4.0, 1e-90, 0.0, 1.0])
    curvature[0, 3] = curvature[3, 0] = 0.5
    origin = np.array([1.0, 2.0, 3.0, 4.0])
    coordinates = gauss_newton.GaussNewtonCoordinates(origin, curvature, 1e-4, 1e-6)
    step = coordinates.point(-coordinates.gradient(np.array([2.0, 1e-45, 0.0, 1.0]))) - origin
    assert np.abs(step[1:3]).max() < 1e-30
    newton = np.linalg.solve(2 / 1e-4 * curvature[::3, ::3], [-2.0, -1.0])
    np.testing.assert_allclose(step[::3], newton, rtol=1e-4)
    furthest = coordinates.point(np.array([0.0, 1.0, 1.0, 0.0])) - origin
    assert np.abs(furthest).max() < 1.01 * gauss_newton.LARGEST_CHANGE * 4.0


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_resumed_is_as_if_never_interrupted(data, tmp_path, method):
    options = {"max_iterations": 30, "tolerance": 1e-9, "batch_size": 4}
    whole = search(data, method, **options)

    def interrupt(iteration, *_):
        if iteration == 11:
            raise KeyboardInterrupt

    path = tmp_path / "part.json"
    part = search(data, method, checkpoint=path, progress=interrupt, **options)
    assert part.interrupted and len(part.history) == 11
    # The iteration in which Ctrl-C came is done again.
    resumed = search(data, method, checkpoint=path, resume=True, **options)
    assert resumed.ending == "iterations"
    np.testing.assert_array_equal(all_parameters(resumed), all_parameters(whole))
    assert resumed.history[-1]["loss"] == whole.history[-1]["loss"]


def test_resume_goes_on_after_the_end(data, tmp_path):
    path = tmp_path / "a.json"
    search(data, checkpoint=path, max_iterations=10, tolerance=1e-9)
    longer = search(data, checkpoint=path, max_iterations=20, tolerance=1e-9, resume=True)
    whole = search(data, max_iterations=20, tolerance=1e-9)
    np.testing.assert_array_equal(all_parameters(longer), all_parameters(whole))


def test_a_grown_network_is_standardised_anew(data, tmp_path):
    """With descriptor settings the start gives radial functions, not offsets and input ranges."""
    path = tmp_path / "start.json"
    first = search(data, max_iterations=3).potential
    first.write(path)
    grown = search(data, max_iterations=1, start=str(path)).potential
    shifts = [json.loads(p.to_json())["model"]["input_shift"] for p in (first, grown)]
    assert np.all(shifts[1]) and not np.allclose(*shifts)


def test_what_cannot_be_resumed(data, tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match=r"no checkpoint .*a\.state\.npz to resume from"):
        search(data, checkpoint=path, resume=True)
    search(data, checkpoint=path, max_iterations=2)
    with pytest.raises(ValueError, match="optimizer.method was 'lbfgs', is 'adam'"):
        search(data, "adam", checkpoint=path, resume=True)
    with pytest.raises(
        ValueError, match="made with other training data .12 configurations then, 11 now"
    ):
        search(data[:-1], checkpoint=path, resume=True)
    with pytest.raises(ValueError, match="model.type was 'neural_network', is 'quadratic'"):
        search(data, checkpoint=path, resume=True, model={"type": "quadratic"})
    state_file(path).write_bytes(b"no archive")
    with pytest.raises(ValueError, match="cannot be read"):
        search(data, checkpoint=path, resume=True)


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_seed_decides(data, method):
    options = {"max_iterations": 5, "batch_size": 4}
    first, second, other = (search(data, method, seed=seed, **options) for seed in (1, 1, 2))
    np.testing.assert_array_equal(all_parameters(first), all_parameters(second))
    assert not np.array_equal(all_parameters(first), all_parameters(other))


def test_early_stopping(data):
    """With a validation set, the potential of its lowest loss is kept."""
    rng = np.random.default_rng(1)
    noisy = []
    for atoms in data:
        results = dict(atoms.calc.results)
        results["forces"] = results["forces"] + 3.0 * rng.normal(size=results["forces"].shape)
        noisy.append(labelled(atoms, "all", **results))
    options = {"max_iterations": 3000, "tolerance": 1e-12, "patience": 5}
    split_off = {"validation_fraction": 0.3}
    stopped = search(noisy, data=split_off, **options)
    assert stopped.ending == "early stopping"
    assert len(stopped.history) < 3000
    assert stopped.history[-1]["loss"] == stopped.history[-6]["loss"]
    provenance = stopped.potential.info()["provenance"]
    assert provenance["training_set"]["configurations"] < len(noisy)


def test_validation_set_of_a_linear_model(data):
    with pytest.raises(ValueError, match="validation_fraction is for searches by gradient"):
        search(data, "auto", {"type": "linear"}, data={"validation_fraction": 0.2})


def test_adam_and_a_linear_model(data):
    with pytest.raises(ValueError, match='"adam" is for neural networks'):
        search(data, "adam", {"type": "linear"})


def test_a_diverging_training_keeps_the_best(data, tmp_path):
    path = tmp_path / "best.json"
    result = search(
        data, "adam", checkpoint=path, learning_rate=1e6, learning_rate_end=1e6, max_iterations=50
    )
    assert result.ending == "diverged"
    assert np.isfinite(all_parameters(result)).all()
    kept = fs.Potential.read(path).evaluate(data[0])
    assert np.isfinite(kept.energy)


def test_loss_that_is_not_finite_at_the_start(data):
    with pytest.raises(ValueError, match="The loss is not finite before the first step"):
        search(data, weight_decay=1.7e308)
    huge = labelled(data[0], energy=0.0, forces=np.full((8, 3), 1e200))
    with pytest.raises(ValueError, match=r"Configuration 0 of train: forces .* above 1e\+08"):
        search([huge, *data[1:]])


def test_weight_decay_shrinks_coefficients_only(data):
    free, decayed = (
        search(data, max_iterations=60, tolerance=1e-9, weight_decay=decay) for decay in (0.0, 1e-2)
    )
    mask = with_role(free.potential._core, "weight")
    assert not mask[:2].any() and 0.7 < mask[2:].mean() < 1
    sizes = [np.linalg.norm(r.potential._core.model_parameters[mask]) for r in (free, decayed)]
    assert sizes[1] < 0.5 * sizes[0]


def test_given_offsets_stay(data):
    offsets = {"Mg": -1.5, "O": 2.5}
    model = {"type": "neural_network", "hidden_layers": [5], "energy_offsets": offsets}
    result = search(data, model=model, max_iterations=10)
    np.testing.assert_array_equal(result.potential._core.model_parameters[:2], [-1.5, 2.5])


def test_sampled_curvature(data):
    """With all force components it is J^T J; J by differences of the weighted residuals."""
    model = {"type": "neural_network", "hidden_layers": [3], "seed": 2}
    core = make_potential([DESCRIPTOR], model)._core
    training_set = TrainingSet(data[:2], ELEMENTS, 4.2, WeightSettings())
    evaluator = fs._core.Evaluator(core)
    loss = Loss(evaluator, training_set.batches, free_parameters(core, False), 1)
    assert gauss_newton.ROWS_PER_PARAMETER * len(loss.parameters()) > 3 * training_set.n_atoms
    curvature = gauss_newton.sampled_curvature(loss, np.random.default_rng(0))
    (batch,) = training_set.batches
    roots = np.sqrt(batch.rows(batch.weights, 0, 2)[:, 0])
    x = loss.parameters()

    def weighted(shift):
        loss.set_parameters(x + shift)
        (found,) = loss.value().residuals
        return roots * batch.rows(found, 0, 2)[:, 0]

    steps = 1e-5 * np.eye(len(x))
    jacobian = np.array([(weighted(s) - weighted(-s)) / 2e-5 for s in steps]).T
    np.testing.assert_allclose(
        curvature, jacobian.T @ jacobian, rtol=1e-5, atol=1e-7 * curvature.max()
    )


# --- rounds of BFGS in Gauss-Newton coordinates ---


@pytest.fixture
def linear_problem(data, tmp_path, monkeypatch):
    """Least squares from a linear model that is zero, so that its radial functions do not matter.

    Returns the fit, and of the weighted residuals the values at zero and the derivatives with
    offsets and coefficients. Curvatures are complete, not sampled.
    """
    train = []
    for number, atoms in enumerate(data):
        changed = atoms.copy()
        changed.symbols[number % 8] = "Mg"  # another composition, so that all offsets matter
        train.append(labelled(changed, **atoms.calc.results))
    potential = make_potential([DESCRIPTOR], {"type": "linear"}, seed=4)
    core = potential._core
    n = len(core.model_parameters)
    core.model_parameters = np.zeros(n)
    potential.write(tmp_path / "zero.json")
    monkeypatch.setattr(gauss_newton, "ROWS_PER_PARAMETER", 1000)

    def fit(offsets=None, **options) -> fs.FitResult:
        common = {"method": "gauss_newton", "start": str(tmp_path / "zero.json"), "threads": 1}
        return fs.fit(
            train,
            elements=ELEMENTS,
            model={"energy_offsets": offsets},
            optimizer={**common, **options},
        )

    training_set = TrainingSet(train, ELEMENTS, potential.cutoff, WeightSettings())
    (batch,) = training_set.batches
    roots = np.sqrt(batch.rows(batch.weights, 0, len(train))[:, 0])

    evaluator = fs._core.Evaluator(core)

    def weighted(parameters):
        core.model_parameters = parameters
        found = gradient_search.residuals(evaluator, batch, 1)
        return roots * batch.rows(found, 0, len(train))[:, 0]

    start = weighted(np.zeros(n))
    return fit, start, np.array([weighted(one) - start for one in np.eye(n)]).T


@pytest.mark.parametrize("offsets", [None, {"Mg": 0.0, "O": 0.0}], ids=["fitted", "given"])
def test_weight_decay_is_part_of_the_curvature(linear_problem, monkeypatch, offsets):
    """So the first step ends at the ridge solution, whose penalty is none of the offsets."""
    monkeypatch.setattr(gradient_search, "FIRST_DAMPING", 1e-12)
    monkeypatch.setattr(gradient_search, "LAST_DAMPING", 1e-12)
    fit, start, jacobian = linear_problem
    decay = 1e-2 * np.diag([0, 0, *np.ones(jacobian.shape[1] - 2)])
    free = slice(2 if offsets else 0, None)
    ridge = np.zeros(jacobian.shape[1])
    ridge[free] = np.linalg.solve(
        (jacobian.T @ jacobian + decay)[free, free], -(jacobian.T @ start)[free]
    )
    result = fit(offsets, weight_decay=1e-2, max_iterations=1)
    np.testing.assert_allclose(result.potential._core.model_parameters, ridge, rtol=1e-4, atol=1e-7)
    loss = np.sum((start + jacobian @ ridge) ** 2) + ridge @ decay @ ridge
    assert result.history[-1]["loss"] == pytest.approx(loss, rel=1e-6)


def test_a_round_that_led_nowhere_is_tried_again_with_more_damping(linear_problem, monkeypatch):
    """It ends the search only if more damping does not help; if it does, damping is as before."""
    fit, start, _ = linear_problem
    damping = 1e-6
    monkeypatch.setattr(gradient_search, "FIRST_DAMPING", damping)
    monkeypatch.setattr(gradient_search, "LAST_DAMPING", damping)
    monkeypatch.setattr(gradient_search, "ITERATIONS_PER_ROUND", 2)
    more_damping = []

    class Coordinates(gauss_newton.GaussNewtonCoordinates):
        def __init__(self, origin, curvature, loss, damping_):
            if not more_damping:  # as if the last coefficient hardly mattered
                curvature[-1] = curvature[:, -1] = 0.0
                curvature[-1, -1] = 1e-20
            more_damping.append(damping_ / damping)
            super().__init__(origin, curvature, loss, damping_)

    monkeypatch.setattr(gradient_search, "GaussNewtonCoordinates", Coordinates)
    result = fit(max_iterations=200, tolerance=0.05)
    assert more_damping[:3] == pytest.approx([1, 100, 1])
    assert more_damping[-2:] == pytest.approx([1, 100])
    assert result.ending == "converged"
    assert result.history[-1]["loss"] < 1e-2 * (start @ start)


def test_auto_is_gauss_newton_unless_there_are_too_many_parameters(data):
    settings = OptimizerSettings()
    small, large = (
        make_potential([DESCRIPTOR], {"type": "neural_network", "hidden_layers": [n, n]})
        for n in (5, 70)
    )
    assert method_for(small, settings) == "gauss_newton"
    assert method_for(large, settings) == "lbfgs"
    assert method_for(make_potential([DESCRIPTOR], {"type": "linear"}), settings) == "linear"


def test_mini_batches_are_fair(data):
    """All configurations once; the losses of the batches have the whole loss as their mean."""
    training_set = TrainingSet(data, ELEMENTS, 4.2, WeightSettings(), keep_configurations=True)
    evaluator = fs._core.Evaluator(make_potential([DESCRIPTOR], {"type": "linear"})._core)
    batches = list(training_set.mini_batches(5, np.random.default_rng(0)))
    assert sum(len(batch.sizes) for batch in batches) == len(data)
    losses = [gradient_search.residuals(evaluator, batch, 1).loss for batch in batches]
    parts = [len(batch.sizes) / len(data) for batch in batches]
    whole = gradient_search.residuals(evaluator, training_set.batches[0], 1).loss
    assert np.dot(losses, parts) == pytest.approx(whole, rel=1e-12)
    again = list(training_set.mini_batches(5, np.random.default_rng(1)))
    assert any(
        not np.array_equal(a.labels.energies, b.labels.energies)
        for a, b in zip(batches, again, strict=True)
    )


def test_start_has_offsets_of_the_data(data):
    core = search(data, max_iterations=0).potential._core
    training_set = TrainingSet(data, ELEMENTS, 4.2, WeightSettings())
    offsets = core.model_parameters[with_role(core, "offset")]
    np.testing.assert_allclose(offsets, training_set.smallest_energy_offsets())
