"""Search by gradients for potentials of any model: BFGS in Gauss-Newton coordinates or plain L-BFGS
over the whole training set, or Adam over mini-batches. All can be resumed from a checkpoint;
plain L-BFGS and Adam go on as if they had not been interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from forcesmith import _core
from forcesmith.potentials.potential import Potential
from forcesmith.training.loss import Fitted, Loss, free_parameters, gradients, with_role
from forcesmith.training.optimizers.gauss_newton import GaussNewtonCoordinates, sampled_curvature
from forcesmith.training.optimizers.quasi_newton import Bfgs, Lbfgs
from forcesmith.training.record import Record
from forcesmith.training.settings import OptimizerSettings
from forcesmith.training.training_set import TrainingSet, residuals

ITERATIONS_PER_ROUND = 60  # in the same Gauss-Newton coordinates
FIRST_DAMPING, LAST_DAMPING = 1e-2, 1e-6
"""Of these: far from a minimum the curvature says little. A tenth per round."""
LARGEST_MATRIX = 5000  # parameters; beyond, matrices of their squared number are too much
MEMORY = 50  # pairs of steps and gradient changes of L-BFGS
LARGEST_PARAMETER = 1e12
"""No search goes further. Where a neuron is saturated in all data, the loss may fall a little all
the way to weights that no file takes."""
DIVERGED = 1e8  # times the best loss
ADAM_DECAYS = 0.9, 0.999  # D. P. Kingma, J. Ba, arXiv:1412.6980


def method_for(potential: Potential, settings: OptimizerSettings) -> str:
    """What "auto" means for this potential; "linear" is the search of `linear_search`."""
    core = potential._core
    if settings.method == "adam" and core.linear_in_parameters:
        raise ValueError(
            'optimizer.method "adam" is for neural networks; models that are linear in their '
            'parameters are solved exactly with "auto".'
        )
    if settings.method != "auto":
        return settings.method
    if core.linear_in_parameters:
        return "linear"
    n = len(core.descriptor_parameters) + len(core.model_parameters)
    return "gauss_newton" if n <= LARGEST_MATRIX else "lbfgs"


@dataclass
class _State:
    """All that decides how a search goes on; arrays have names, so that it can be written."""

    x: np.ndarray
    iteration: int = 0
    since_best: int = 0  # iterations
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"x": self.x, "since_best": np.array(self.since_best), **self.arrays}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], iteration: int) -> _State:
        own = dict(arrays)
        return cls(own.pop("x"), iteration, int(own.pop("since_best")), own)


class GradientSearch:
    """Moves all parameters along gradients; the best potential is that of the lowest loss on the
    validation set, or on the training set if there is none."""

    coefficient_errors = None  # known only where the loss is a sum of squares of linear functions

    def __init__(
        self,
        record: Record,
        evaluator: _core.Evaluator,
        validation_set: TrainingSet,
        settings: OptimizerSettings,
        fixed_offsets: bool,
        n_workers: int,
    ):
        self.record = record
        self.core = record.core
        self.evaluator = evaluator
        self.validation_set = validation_set
        self.settings = settings
        self.n_workers = n_workers
        self.resumed: _State | None = None
        self.decayed = with_role(self.core, "weight")
        penalty = self._penalty if settings.method != "adam" else None
        self.loss = Loss(
            evaluator,
            record.training_set.batches,
            free_parameters(self.core, fixed_offsets),
            n_workers,
            *([penalty] if penalty else []),
        )
        for batch in validation_set.batches:
            evaluator.keep(batch.neighbors)

    def resume(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from these of a `State`; KeyError, TypeError or ValueError if they do not fit."""
        state = _State.from_arrays(arrays, len(self.record.history))
        n = len(self.loss.parameters())
        for array in (state.x, *state.arrays.values()):
            if (array.size and array.ndim and array.shape[-1] != n) or not np.isfinite(array).all():
                raise ValueError
        self.resumed = state

    def run(self) -> str:
        """Search; leaves the best parameters in the potential. Returns how it ended."""
        search = {"gauss_newton": self._gauss_newton, "lbfgs": self._lbfgs, "adam": self._adam}
        try:
            state = self.resumed or self._start()
            ending = search[self.settings.method](state)
        except KeyboardInterrupt:
            if not self.record.can_go_on:
                raise
            ending = "interrupted"
        self.record.restore_best()
        return ending

    def _start(self) -> _State:
        state = _State(self.loss.parameters())
        if not np.all(np.abs(state.x) < LARGEST_PARAMETER):
            raise ValueError(
                f"The potential to start from has coefficients of {LARGEST_PARAMETER:g} or "
                "more, from which no search gets away; start from another one."
            )
        start = self.loss.value()
        if not np.isfinite(start.loss):
            raise ValueError(
                "The loss is not finite before the first step; look for configurations with atoms "
                "much too close, or choose another seed."
            )
        self._keep_if_best(start, state)
        self.record.start_done(state.to_arrays())
        return state

    # ---- L-BFGS, and BFGS in coordinates that are made anew in rounds ----

    def _evaluate(self, x: np.ndarray) -> tuple[float, np.ndarray, Fitted]:
        if not np.all(np.abs(x) < LARGEST_PARAMETER):
            return np.inf, np.zeros_like(x), Fitted(np.inf, [])
        fitted, gradient = self.loss(x)
        # The logarithm makes steps and their acceptance independent of the loss's magnitude.
        loss = max(fitted.loss, np.finfo(float).tiny)
        return float(np.log(loss)), gradient / loss, fitted

    def _lbfgs(self, state: _State) -> str:
        steps, changes = (state.arrays.get(name, ()) for name in ("steps", "changes"))
        search = Lbfgs(MEMORY, steps, changes)
        value, gradient, _ = self._evaluate(state.x)
        while state.iteration < self.settings.max_iterations:
            found = search.step(self._evaluate, state.x, value, gradient)
            if found is None:
                return "converged"
            state.x, value, gradient, fitted = found
            state.arrays = {"steps": np.array(search.steps), "changes": np.array(search.changes)}
            # The potential has the parameters of the last evaluation, which this was.
            self._keep_if_best(fitted, state)
            ending = self._iteration_done(state)
            if ending:
                return ending
            if self.record.stagnates():
                return "converged"
        return "iterations"

    def _gauss_newton(self, state: _State) -> str:
        more_damping = 1.0
        while state.iteration < self.settings.max_iterations:
            ending = self._round(state, more_damping)
            if ending == "converged" and more_damping == 1.0:
                # Perhaps only these coordinates led nowhere.
                more_damping = 100.0
            elif ending:
                return ending
            else:
                more_damping = 1.0
        return "iterations"

    def _round(self, state: _State, more_damping: float) -> str:
        """Some iterations in the same coordinates; a reason to end the search, or nothing."""
        self.loss.set_parameters(state.x)
        before = self.loss.value().loss
        rng = np.random.default_rng([self.settings.seed, state.iteration])
        curvature = sampled_curvature(self.loss, rng)
        # Weight decay is a sum of squares too.
        decayed = self.decayed[self.loss.free]
        weights = np.flatnonzero(decayed) + self.loss.n_descriptor
        curvature[weights, weights] += self.settings.weight_decay
        rounds = state.iteration / ITERATIONS_PER_ROUND
        damping = max(FIRST_DAMPING * 0.1**rounds, LAST_DAMPING) * more_damping
        coordinates = GaussNewtonCoordinates(state.x, curvature, before, damping)

        def evaluate(z: np.ndarray) -> tuple[float, np.ndarray, Fitted]:
            value, gradient, fitted = self._evaluate(coordinates.point(z))
            return value, coordinates.gradient(gradient), fitted

        search = Bfgs()
        z = np.zeros(len(state.x))
        value, gradient, _ = evaluate(z)
        length = ITERATIONS_PER_ROUND // (1 if rounds >= 1 else 2)
        left = self.settings.max_iterations - state.iteration
        for _ in range(min(length, left)):
            found = search.step(evaluate, z, value, gradient)
            if found is None:
                break
            z, value, gradient, fitted = found
            state.x = coordinates.point(z)
            self._keep_if_best(fitted, state)
            ending = self._iteration_done(state)
            if ending:
                return ending
        gain = before - np.exp(value)
        return "" if gain > self.settings.tolerance * before else "converged"

    def _penalty(self, model_parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights = np.where(self.decayed, model_parameters, 0.0)
        decay = self.settings.weight_decay
        return decay * float(weights @ weights), 2 * decay * weights

    # ---- Adam, with decoupled weight decay (I. Loshchilov, F. Hutter, arXiv:1711.05101) ----

    def _adam(self, state: _State) -> str:
        settings, training_set = self.settings, self.record.training_set
        n = len(state.x)
        mean = state.arrays.get("mean", np.zeros(n))
        square = state.arrays.get("square", np.zeros(n))
        count = int(state.arrays.get("count", 0))
        shrinking = np.zeros(n, dtype=bool)
        shrinking[self.loss.n_descriptor :] = self.decayed[self.loss.free]
        fall = settings.learning_rate_end / settings.learning_rate
        while state.iteration < settings.max_iterations:
            # Of seed and epoch only: a resumed search sees the same mini-batches.
            rng = np.random.default_rng([settings.seed, state.iteration])
            rate = settings.learning_rate * fall ** (state.iteration / settings.max_iterations)
            x = state.x.copy()  # the state is that of whole epochs
            for batch in training_set.mini_batches(settings.batch_size, rng):
                self.loss.set_parameters(x)
                found = [residuals(self.evaluator, batch, self.n_workers)]
                descriptor, model = gradients(self.evaluator, [batch], found, self.n_workers)
                gradient = np.concatenate([descriptor, model[self.loss.free]])
                if not np.isfinite(gradient).all():
                    return "diverged"
                count += 1
                first, second = ADAM_DECAYS
                mean = first * mean + (1 - first) * gradient
                square = second * square + (1 - second) * gradient**2
                unbiased = np.sqrt(square / (1 - second**count)) + 1e-12
                x -= rate * (mean / (1 - first**count)) / unbiased
                x[shrinking] *= 1 - rate * settings.weight_decay
            state.x = x
            state.arrays = {"mean": mean, "square": square, "count": np.array(count)}
            self.loss.set_parameters(x)
            fitted = self.loss.value()
            if not fitted.loss < DIVERGED * self.record.best_loss:
                return "diverged"
            self._keep_if_best(fitted, state)
            ending = self._iteration_done(state)
            if ending:
                return ending
        return "iterations"

    # ---- both ----

    def _keep_if_best(self, fitted: Fitted, state: _State) -> None:
        score = None
        if self.validation_set.n_configurations:
            batches = self.validation_set.batches
            score = sum(residuals(self.evaluator, batch, self.n_workers).loss for batch in batches)
        kept = self.record.keep_if_best(fitted, score)
        state.since_best = 0 if kept else state.since_best + 1

    def _iteration_done(self, state: _State) -> str:
        """A reason to end the search, or nothing."""
        state.iteration += 1
        self.record.iteration_done(state.to_arrays())
        if self.validation_set.n_configurations and state.since_best >= self.settings.patience:
            return "early stopping"
        return ""
