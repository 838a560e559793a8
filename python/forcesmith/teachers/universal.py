"""Teachers that are universal potentials, by name. Their packages are no part of this one."""

from __future__ import annotations

import pkgutil
from functools import cached_property
from typing import Any, ClassVar

from ase.calculators.abc import GetPropertiesMixin

from forcesmith.data.label_settings import Section
from forcesmith.data.labels import shortened
from forcesmith.teachers.ase_calculators import PythonKind
from forcesmith.teachers.kind import package_version, with_files

TORCH_FIRST = "pip install torch==2.13.0, then pip install"


class UniversalPotential(PythonKind):
    """A potential that a package brings, or downloads."""

    main_option = "model"
    package: ClassVar[str]
    install: ClassVar[str]
    factory: ClassVar[str]

    def arguments(self) -> dict[str, Any]:
        """Of the factory."""
        raise NotImplementedError

    def identity(self) -> dict[str, Any]:
        version = package_version(self.package, self.package, self.install)
        options = self.options.model_dump(exclude={"device"})
        return {**with_files(options, self.folder)[1], "package": version}

    @property
    def model(self) -> str:
        return with_files(self.options.model, self.folder)[0]

    @cached_property
    def made(self) -> GetPropertiesMixin:
        try:
            return pkgutil.resolve_name(self.factory)(**self.arguments())
        except Exception as error:
            raise ValueError(
                f"The model {shortened(self.options.model, 60)!r} of {self.package} cannot be "
                f"loaded: {shortened(f'{type(error).__name__}: {error}', 180)}."
            ) from None


class SevenNetOptions(Section):
    model: str = "7net-0"
    """Name of the model, or its file."""
    modal: str | None = None
    """Of models for several kinds of data, which one: "mpa"."""
    device: str = "auto"
    """"auto", "cpu" or "cuda"."""


class SevenNet(UniversalPotential):
    Options = SevenNetOptions
    package = "sevenn"
    install = f"{TORCH_FIRST} sevenn"
    factory = "sevenn.calculator:SevenNetCalculator"

    def arguments(self) -> dict[str, Any]:
        modal = {"modal": self.options.modal} if self.options.modal else {}
        return {"model": self.model, "device": self.options.device, **modal}


class ChgnetOptions(Section):
    model: str = "0.3.0"
    """Name of the model that the package brings."""
    device: str = "auto"
    """"auto", "cpu" or "cuda"."""


class Chgnet(UniversalPotential):
    Options = ChgnetOptions
    package = "chgnet"
    install = f"{TORCH_FIRST} chgnet"
    factory = "chgnet.model.dynamics:CHGNetCalculator"

    def arguments(self) -> dict[str, Any]:
        device = None if self.options.device == "auto" else self.options.device
        load = pkgutil.resolve_name("chgnet.model.model:CHGNet.load")
        model = load(model_name=self.options.model, use_device=device, verbose=False)
        return {"model": model, "use_device": device}


class MaceOptions(Section):
    model: str = "medium"
    """Name of a model of MACE-MP, which is downloaded, or its file."""
    device: str = "auto"
    """"auto", "cpu" or "cuda"."""
    dtype: str = "float64"
    """"float32" or "float64"."""


class Mace(UniversalPotential):
    Options = MaceOptions
    package = "mace"
    install = f"{TORCH_FIRST} mace-torch"
    factory = "mace.calculators:mace_mp"

    def arguments(self) -> dict[str, Any]:
        device = "" if self.options.device == "auto" else self.options.device
        return {"model": self.model, "device": device, "default_dtype": self.options.dtype}
