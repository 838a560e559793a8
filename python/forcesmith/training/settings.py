"""Settings of a fit: one object for `forcesmith.fit` and for the TOML file of `forcesmith fit`."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from forcesmith import _core
from forcesmith.data.label_settings import LabelSettings, Section
from forcesmith.data.labels import shortened
from forcesmith.data.settings_files import FileSettings
from forcesmith.potentials.evaluator import DeviceChoice
from forcesmith.potentials.potential import Potential

# Larger ones would drown everything else in a sum of squares.
_Weight = Annotated[float, Field(ge=0.0, le=1e20)]
_LARGEST_NUMBER = 10**9  # of iterations, configurations, threads
_Energy = Annotated[float, Field(ge=-1e12, le=1e12)]  # eV


class DescriptorSettings(BaseModel):
    """`type` and the parameters of that descriptor's own schema (`forcesmith.registry()`)."""

    model_config = ConfigDict(extra="allow")
    type: str = "moment_tensor"
    """Name of the descriptor."""

    @field_validator("type")
    @classmethod
    def _known(cls, name: str) -> str:
        return _checked_name("descriptor", name, _core.registry()["descriptors"])


class ModelSettings(BaseModel):
    """`type`, `energy_offsets`, and the parameters of that model's own schema."""

    model_config = ConfigDict(extra="allow")
    type: str = "linear"
    """Name of the model."""
    energy_offsets: dict[str, _Energy] | None = None
    """Energy of an isolated atom of every element, eV; None: fitted."""

    @field_validator("type")
    @classmethod
    def _known(cls, name: str) -> str:
        return _checked_name("model", name, _core.registry()["models"])


class TermSettings(BaseModel):
    """`type` and the parameters of that term's own schema."""

    model_config = ConfigDict(extra="allow")
    type: str
    """Name of the term."""

    @field_validator("type")
    @classmethod
    def _known(cls, name: str) -> str:
        return _checked_name("term", name, _core.registry()["terms"])


class DataSettings(LabelSettings):
    train: list[str] = []
    """Files of configurations to fit, `file` or `file@slice`."""
    test: list[str] = []
    """Files of configurations to test, likewise."""
    test_fraction: float = Field(0.0, ge=0.0, lt=1.0)
    """Part of every group of `train` that is held out for the test."""
    test_fractions: dict[str, Annotated[float, Field(ge=0.0, lt=1.0)]] = {}
    """The same for single groups (`config_type`); the others are fitted entirely."""

    validation_fraction: float = Field(0.0, ge=0.0, lt=1.0)
    """Part of every group that stops a search by gradient early instead of being fitted."""

    @model_validator(mode="after")
    def _one_of_two(self) -> DataSettings:
        if self.test_fraction and self.test_fractions:
            raise ValueError(
                "test_fraction and test_fractions exclude each other; give one fraction for all "
                "groups or one for each"
            )
        return self


class GroupWeights(Section):
    """Factors for one group (`config_type`)."""

    energy: _Weight = 1.0
    """Factor of the weight of energies."""
    force: _Weight = 1.0
    """Factor of the weight of forces."""
    stress: _Weight = 1.0
    """Factor of the weight of stresses."""


class WeightSettings(Section):
    """The loss of the convention "mean" is 1/M sum over configurations of

    energy (dE/N)^2 + force/(3N) |dF|^2 + stress |dS|^2

    in eV, eV/angstrom and eV/angstrom^3, times the factors of the configuration's group, times the
    configuration's own `atoms.info["weight"]`, if it has one.

    In the convention "fitsnap" weights multiply differences, not squares, every force component
    counts as much as any other, and stresses are in bar: the loss is the sum over configurations of

    (energy dE/N)^2 + |force dF|^2 + |stress dS|^2

    with the weights of FitSNAP's groups as factors; energy, force and stress are 1 by default.
    """

    convention: Literal["mean", "fitsnap"] = "mean"
    """Which of the two losses."""
    energy: _Weight = 1.0
    """Of energies per atom; "mean": of (eV/atom)^2."""
    force: _Weight = 0.01
    """Of forces; "mean": of (eV/angstrom)^2. With "fitsnap" 1 by default."""
    stress: _Weight = 0.1
    """Of stresses; "mean": of (eV/angstrom^3)^2. With "fitsnap" 1 by default."""
    groups: dict[str, GroupWeights] = {}
    """Factors for single groups, by name (`config_type`), or for those whose names match a pattern:
    "*-minimization". The name goes before patterns, and of these the first one that matches."""

    def of_group(self, name: str) -> GroupWeights:
        """Factors of a group."""
        own = (factors for key, factors in self.groups.items() if fnmatchcase(name, key))
        return self.groups.get(name) or next(own, GroupWeights())

    def unused_groups(self, names: Iterable[str]) -> list[str]:
        """Names and patterns of `groups` that belong to none of these groups."""
        known = set(names)
        return [
            key
            for key in self.groups
            if key not in known and not any(fnmatchcase(name, key) for name in known)
        ]

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_fitsnap(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("convention") == "fitsnap":
            return {"energy": 1.0, "force": 1.0, "stress": 1.0, **given}
        return given


def _path_or_potential(given: Any) -> str | Potential | None:
    if given is None or isinstance(given, (str, Potential)):
        return given
    raise ValueError(
        f"it must be the path of a potential file, or a potential, not {shortened(repr(given), 80)}"
    )


class OptimizerSettings(Section):
    method: Literal["auto", "gauss_newton", "lbfgs", "adam"] = "auto"
    """"auto": for models that are linear in their parameters exact solutions and a search of the
    rest; for networks of up to 5000 parameters "gauss_newton", BFGS scaled by the Gauss-Newton
    matrix, for larger ones "lbfgs". "adam": mini-batches."""
    max_iterations: int = Field(200, ge=0, le=_LARGEST_NUMBER)
    """With "adam", epochs. For linear models 0 or 1: only the linear coefficients are fitted."""
    tolerance: float = Field(1e-3, gt=0.0)
    """Stop when 20 iterations ("gauss_newton": 60) together lower the loss by less than this
    fraction (not "adam")."""
    solver: Literal["svd", "ard"] = "svd"
    """Of the linear coefficients: "svd" is least squares with the ridge penalty; "ard" ends the fit
    with automatic relevance determination (scikit-learn), which drops what is not needed."""
    ridge: float = Field(1e-10, ge=0.0)
    """Ridge penalty of the linear coefficients, relative to the size of their columns."""
    ard_threshold: float = Field(1e4, gt=0.0)
    """Of "ard": a coefficient is dropped when what it contributes is below about 1/sqrt(this) of
    the labels' spread."""
    batch_size: int = Field(16, ge=1, le=_LARGEST_NUMBER)
    """Configurations per step of "adam"."""
    learning_rate: float = Field(3e-3, gt=0.0)
    """Of "adam", at the start."""
    learning_rate_end: float = Field(3e-5, gt=0.0)
    """Of "adam", after max_iterations; between them it falls by a constant factor per epoch."""
    weight_decay: float = Field(0.0, ge=0.0)
    """Penalty of "gauss_newton" and "lbfgs": this times the sum of squared weights, added to the
    loss; with "adam" the weights shrink by this times the learning rate in every step. Offsets and
    biases do not."""
    patience: int = Field(50, ge=1, le=_LARGEST_NUMBER)
    """With a validation set: stop after so many iterations without a better one."""
    resume: bool = False
    """Continue from the checkpoint of an interrupted or finished fit. Settings and data must be the
    same, but for max_iterations, tolerance, patience, batch_size, learning rates, threads, memory
    and device."""
    overwrite: bool = False
    """Start anew even where the checkpoint of an interrupted fit lies."""
    checkpoint_seconds: float = Field(30.0, ge=0.0)
    """Time between two checkpoints; an iteration is the least."""
    committee: int = Field(1, ge=1, le=_LARGEST_NUMBER)
    """Potentials that `forcesmith fit` makes, with seeds counted up from `seed`."""
    seed: int = Field(1, ge=0, lt=2**63)
    """Of the random start, of mini-batches and of the validation set."""
    threads: int = Field(0, ge=0, le=_LARGEST_NUMBER)
    """0: all cores that OMP_NUM_THREADS allows."""
    memory: float = Field(2000.0, ge=0.0, le=1e9)
    """MB for what descriptors without trained coefficients have computed of the data, so that they
    do it once: in searches by gradient on the CPU. What finds no room is computed every time."""
    device: DeviceChoice = "cpu"
    """Where the loss and its gradient are computed: "cuda" is an NVIDIA GPU, "auto" one if there is
    any, else the CPU. Linear coefficients are solved for by the CPU."""
    start: Annotated[
        str | Potential | None,
        PlainValidator(_path_or_potential, json_schema_input_type=str | None),
    ] = None
    """Potential to start from, or its file. Where the descriptor settings ask for a larger one (a
    higher level, a larger radial basis), it grows from that."""

    @property
    def start_name(self) -> str | None:
        """Of the file, or what tells a `Potential` from others."""
        if isinstance(self.start, Potential):
            digest = hashlib.sha256(self.start.to_json().encode()).hexdigest()
            return f"potential {digest[:16]}"
        return self.start and Path(self.start).name

    @field_serializer("start", when_used="json")
    def _start_as_text(self, start: str | Potential | None) -> str | None:
        return self.start_name if isinstance(start, Potential) else start


class ZblSettings(Section):
    """Cutoffs of the nuclear repulsion, angstrom; from `inner` to `outer` it is switched off."""

    inner: float = Field(gt=0.0)
    """Up to here the full repulsion, angstrom."""
    outer: float = Field(gt=0.0)
    """From here none, angstrom."""


class ActiveSetSettings(Section):
    """The active set, which extrapolation grades are measured against: found in the fitted data
    after the fit, and written beside the potential as NAME.active_set. Files of other programs have
    no place for it, but for .almtp (parameters = "all")."""

    mode: Literal["neighborhoods", "configurations", "off"] = "neighborhoods"
    """"neighborhoods": grades of atoms. "configurations": only of configurations as a whole. "off":
    no active set."""
    parameters: Literal["linear", "all"] = "linear"
    """Which derivatives of the energy it compares: with the "linear" parameters of an atom's
    element (of networks, those of the output layer, and the inputs), or with "all" of the
    potential, as MLIP does it for moment tensors."""


class OutputSettings(Section):
    potential: str = "potential.json"
    """File of the potential, in the format of its extension."""
    parity_plot: str | None = None
    """Picture of potential against reference."""
    loss_log: str | None = None
    """CSV file with one row per iteration."""
    loss_plot: str | None = None
    """Picture of the loss over iterations."""


class FitSettings(FileSettings):
    """All settings of a fit."""

    elements: list[str] | None = None
    """None: those of the data, in alphabetical order."""
    descriptor: Annotated[
        Annotated[DescriptorSettings, Tag("one")]
        | Annotated[list[DescriptorSettings], Tag("several")],
        Discriminator(lambda given: "several" if isinstance(given, list) else "one"),
    ] = DescriptorSettings()
    """One, or several whose values are put side by side."""
    model: ModelSettings = ModelSettings()
    """From the descriptor values of an atom to its energy."""
    terms: list[TermSettings] = []
    """Further terms of the energy, which are part of the potential; the rest is fitted to what they
    leave."""
    zbl: ZblSettings | None = None
    """Short for a term of the type "zbl"."""
    wall: bool | Annotated[float, Field(ge=0.5, le=1.0)] = True
    """Atoms closer than any two of their elements in the training data repel each other (ZBL),
    whatever the fitted part would say there; at larger distances nothing changes. A number: only
    those closer than this part of the smallest distance; up to there, the fitted part goes on."""
    data: DataSettings = DataSettings()
    """Files, labels and units, what is held out."""
    weights: WeightSettings = WeightSettings()
    """Of the loss."""
    optimizer: OptimizerSettings = OptimizerSettings()
    """How the loss is minimised."""
    active_set: ActiveSetSettings = ActiveSetSettings()
    """What tells known atoms from unknown ones."""
    covariance: bool = False
    """Of linear and quadratic models: whether the covariance of the coefficients is kept, beside
    the potential as NAME.covariance.npz (8 bytes for every pair of coefficients), so that
    `forcesmith validate --samples` can give properties error bars."""
    output: OutputSettings = OutputSettings()
    """Files that `forcesmith fit` writes."""

    @field_validator("zbl")
    @classmethod
    def _one_repulsion(cls, zbl: ZblSettings | None, checked: ValidationInfo) -> ZblSettings | None:
        if zbl and any(term.type == "zbl" for term in checked.data.get("terms", [])):
            raise ValueError("it is short for a term of the type zbl, and `terms` has one already")
        return zbl

    @property
    def goes_on(self) -> bool:
        """Whether the potential of `optimizer.start` goes on as it is, and none grows from it."""
        return bool(self.optimizer.start) and "descriptor" not in self.model_fields_set

    @property
    def descriptors(self) -> list[DescriptorSettings]:
        """`descriptor` as a list."""
        return self.descriptor if isinstance(self.descriptor, list) else [self.descriptor]

    @property
    def all_terms(self) -> list[TermSettings]:
        """`terms`, and what `zbl` is short for."""
        own = [TermSettings(type="zbl", **self.zbl.model_dump())] if self.zbl else []
        return own + self.terms

    def _start_paths_in(self, folder: Path) -> None:
        self.data.train = [str(folder / name) for name in self.data.train]
        self.data.test = [str(folder / name) for name in self.data.test]
        for name, path in self.output:
            if path:
                setattr(self.output, name, str(folder / path))
        if isinstance(start := self.optimizer.start, str) and start:
            self.optimizer.start = str(folder / start)


def _checked_name(kind: str, name: str, known: dict[str, Any]) -> str:
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise ValueError(
            f'there is no {kind} "{name}"; did you mean "{nearest}"? Known: {", ".join(known)}'
        )
    return name
