"""The files of a fit: the best potential, and beside it the state from which the fit goes on.

Both are written together. The state is an .npz archive whose comment is the SHA-256 of all before
it, so that damage is found before anything is read from it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from forcesmith import _core
from forcesmith.files import check_writable, keep_previous, output_lock, remove_leftovers
from forcesmith.potentials.potential import Potential
from forcesmith.training.covariance import covariance_file
from forcesmith.training.settings import FitSettings, OptimizerSettings
from forcesmith.training.training_set import hash_of

FORMAT = "forcesmith fit state 1"
ADJUSTABLE = (
    "max_iterations",
    "tolerance",
    "patience",
    "batch_size",
    "learning_rate",
    "learning_rate_end",
)
"""Settings of the optimizer that a resumed fit may change: they decide how the search goes, not
what it searches for."""
NOT_COMPARED = (
    *ADJUSTABLE,
    "method",  # what "auto" means is compared
    "start",  # by name
    "resume",
    "overwrite",
    "checkpoint_seconds",
    "memory",
    "committee",
    "threads",
    "device",
)
ACTIVE_SET_SUFFIX = ".active_set"
COMMENT = b"sha256:"
COMMENT_LENGTH = len(COMMENT) + 64


def state_file(potential_file: str | os.PathLike[str]) -> Path:
    """Where the state of a fit is kept that writes this potential file."""
    return Path(_core.potential_file(os.fspath(potential_file))).with_suffix(".state.npz")


@dataclass(frozen=True)
class State:
    """All that a fit goes on from."""

    potential: str
    """Text of the best potential."""
    best: dict[str, float]
    """Its loss, score, energy_rmse_mev and force_rmse, see `record.Best`."""
    history: list[dict[str, float]]
    arrays: dict[str, np.ndarray]
    """What the search wants to find again."""
    settings: dict[str, Any]
    """`compared_settings`"""
    adjustable: dict[str, Any]
    data: dict[str, Any]
    """`compared_data`"""
    method: str
    ending: str | None = None
    """None while the search runs; else as in `FitResult`."""
    written: list[str] = field(default_factory=list)
    """Hashes of the potential files written with this state, and before it."""

    def is_finished(self, optimizer: OptimizerSettings) -> bool:
        """Whether a search with these settings would have nothing left to do."""
        if self.ending in (None, "interrupted"):
            return False
        if self.ending == "iterations":
            return optimizer.max_iterations <= self.adjustable["max_iterations"]
        now = adjustable_settings(optimizer)
        return all(now[key] == self.adjustable[key] for key in ADJUSTABLE[1:])

    def to_bytes(self) -> bytes:
        document = {key: value for key, value in vars(self).items() if key != "arrays"}
        text = json.dumps({"format": FORMAT, **document}).encode()
        stream = io.BytesIO()
        arrays: dict[str, Any] = {f"array_{name}": value for name, value in self.arrays.items()}
        np.savez(stream, document=np.frombuffer(text, dtype=np.uint8), **arrays)
        # The last two bytes of an archive are the length of its comment.
        content = stream.getvalue()[:-2] + COMMENT_LENGTH.to_bytes(2, "little")
        return content + COMMENT + hashlib.sha256(content).hexdigest().encode()

    @classmethod
    def from_file(cls, path: Path) -> State:
        """Raises ValueError or OSError with one sentence for a file that is not such a state."""
        if path.is_dir():
            raise IsADirectoryError(f"The checkpoint {path} cannot be read: it is a folder.")
        if not path.exists():
            raise ValueError(
                f"There is no checkpoint {path} to resume from; start without --resume "
                "(optimizer.resume)."
            )
        try:
            content = _checked_content(path)
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            document = json.loads(arrays.pop("document").tobytes())
            if document.pop("format") != FORMAT:
                raise ValueError
            names = {name: name.removeprefix("array_") for name in arrays}
            return cls(**document, arrays={names[name]: value for name, value in arrays.items()})
        except (ValueError, KeyError, TypeError, EOFError, MemoryError):
            raise damaged(path) from None


def damaged(path: Path) -> ValueError:
    return ValueError(
        f"The checkpoint {path} cannot be read: it is damaged, cut off, or of another version of "
        "forcesmith; start anew with --overwrite (optimizer.overwrite)."
    )


def _checked_content(path: Path) -> bytes:
    with open(path, "rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - COMMENT_LENGTH))
        comment = stream.read()
        if not comment.startswith(COMMENT):
            raise ValueError
        stream.seek(0)
        content = stream.read()
    digest = hashlib.sha256(content[:-COMMENT_LENGTH]).hexdigest()
    if comment != COMMENT + digest.encode():
        raise ValueError
    return content


class Checkpoint:
    """The two files of one fit."""

    def __init__(self, potential_file: str | os.PathLike[str]):
        self.potential_file = os.fspath(potential_file)
        self.state_file = state_file(potential_file)
        self.written: list[str] = []  # hashes of what this fit wrote last, and before
        self._may_replace = False  # what lies there is the own, or kept

    @property
    def active_set_file(self) -> Path:
        """Where forcesmith's own format has the active set of a potential."""
        return Path(self.potential_file).with_suffix(ACTIVE_SET_SUFFIX)

    @property
    def has_file_of_active_set(self) -> bool:
        return self.potential_file.endswith(".json")

    @contextmanager
    def locked(self) -> Iterator[None]:
        check_writable([_core.potential_file(self.potential_file), self.state_file])
        with output_lock(self.state_file.with_suffix("").with_suffix(".lock"), self.potential_file):
            yield

    def check_writable(self, potential: Potential) -> None:
        """Raises what writing would: the format cannot hold the potential, or the folder is not
        there, not writable or full. Removes what a killed process left."""
        files = [*potential._core.files(self.potential_file), (str(self.state_file), b"")]
        if self.has_file_of_active_set:
            files.append((str(self.active_set_file), b""))
        remove_leftovers([path for path, _ in files])
        _core.check_writable(files)

    def warn_of_what_is_left_out(self, potential: Potential) -> None:
        """Where the format does not hold all that a fit gives."""
        if left_out := potential._core.left_out_of_file(self.potential_file):
            warnings.warn(left_out, stacklevel=2)

    def refuse_to_lose(self) -> None:
        """Raises ValueError if the files are those of an interrupted fit."""
        if not self.state_file.exists():
            return
        state = State.from_file(self.state_file)
        if state.ending in (None, "interrupted"):
            raise ValueError(
                f"{self.state_file} belongs to an interrupted fit of {len(state.history)} "
                "iterations; go on with --resume (optimizer.resume), or start anew with "
                "--overwrite (optimizer.overwrite)."
            )

    def resume(self) -> State:
        """Raises ValueError with one sentence if there is nothing to resume from."""
        state = State.from_file(self.state_file)
        self.written = state.written
        return state

    def give_active_set(self, potential: Potential) -> None:
        """The one that the file has, if it is the file of this potential."""
        if self.has_file_of_active_set and self.holds(potential):
            found = Potential.read(self.potential_file)._core.active_set
            if found is not None:
                potential._core.set_active_set(**found)

    def holds(self, potential: Potential) -> bool:
        """Whether the potential file is the one that belongs to the state resumed from."""
        return bool(self.written) and self._hash_of_old(potential) == self.written[0]

    def write(self, potential: Potential, state: State | None) -> None:
        """Both files, or the potential alone; raises OSError or, for numbers that the format cannot
        hold, ValueError. What lay there from another fit becomes FILE.previous."""
        files = potential._core.files(self.potential_file)
        document = [content for path, content in files if not _is_active_set(path)]
        if not self._may_replace and self._hash_of_old(potential) not in self.written:
            self._keep_previous([path for path, _ in files])
        self._may_replace = True
        digest = _hash(document)  # which tells whether there is an active set
        written = [digest, *[old for old in self.written if old != digest]][:2]
        if state is not None:
            # First: should the process be killed between the two, no work is lost.
            content = replace(state, written=written).to_bytes()
            files = [(str(self.state_file), content), *files]
        if self.has_file_of_active_set and not potential.has_active_set:
            files = [*files, (str(self.active_set_file), None)]  # that of an earlier potential
        _core.write_files(files)
        self.written = written

    def _hash_of_old(self, potential: Potential) -> str | None:
        """None: there is no such file."""
        files = potential._core.files(self.potential_file)
        paths = [Path(path) for path, _ in files if not _is_active_set(path)]
        if not any(path.is_file() for path in paths):
            return None
        return _hash([path.read_bytes() if path.is_file() else None for path in paths])

    def _keep_previous(self, paths: Sequence[str]) -> None:
        own = [*paths, str(self.state_file)]
        if self.has_file_of_active_set:
            own += [str(self.active_set_file), str(covariance_file(self.potential_file))]
        kept = [path for path in own if os.path.isfile(path)]
        for path in kept:
            keep_previous(path)
        if kept:
            warnings.warn(f"What was there before is kept as {kept[0]}.previous.", stacklevel=2)


def _is_active_set(path: str) -> bool:
    return path.endswith(ACTIVE_SET_SUFFIX)


def _hash(contents: Sequence[bytes | None]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(b"absent" if content is None else b"%d " % len(content) + content)
    return digest.hexdigest()


# ---- what a fit must have in common with the checkpoint that it resumes from ----


def adjustable_settings(optimizer: OptimizerSettings) -> dict[str, Any]:
    return {key: getattr(optimizer, key) for key in ADJUSTABLE}


def compared_settings(settings: FitSettings, elements: Sequence[str]) -> dict[str, Any]:
    """What decides about the potential and its loss, defaults of descriptor and model filled in."""
    registry = _core.registry()
    descriptors = [
        _with_defaults(own.model_dump(), registry["descriptors"]) for own in settings.descriptors
    ]
    model = _with_defaults(settings.model.model_dump(), registry["models"])
    one_or_several = descriptors[0] if len(descriptors) == 1 else descriptors
    document = {
        "elements": list(elements),
        "descriptor": None if settings.goes_on else one_or_several,
        "model": None if settings.goes_on else model,
        "zbl": settings.zbl and settings.zbl.model_dump(),
        "terms": [own.model_dump() for own in settings.terms] or None,
        "wall": settings.wall,
        "weights": settings.weights.model_dump(),
        "data": {"validation_fraction": settings.data.validation_fraction},
        "optimizer": settings.optimizer.model_dump(exclude=set(NOT_COMPARED))
        | {"start": settings.optimizer.start_name},
    }
    return json.loads(json.dumps(document))


def _with_defaults(section: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    defaults = {f["name"]: f["default"] for f in schemas[section["type"]]}
    defaults = {key: value for key, value in defaults.items() if value is not None}
    return {"type": section["type"], **defaults, **section}


def compared_data(train: Sequence[Atoms], validation: Sequence[Atoms]) -> dict[str, Any]:
    return {
        "training data": {"configurations": len(train), "sha256": hash_of(train)},
        "validation data": {"configurations": len(validation), "sha256": hash_of(validation)},
    }


def check_settings(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ValueError that names the first setting in which they differ."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    different = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if different:
        first = different[0]
        more = f" and {len(different) - 1} more" if len(different) > 1 else ""
        raise ValueError(
            f"The checkpoint {path} was made with other settings: {first} was "
            f"{_short(old.get(first))}, is {_short(new.get(first))}{more}; resume with those it "
            "was made with, or choose another output.potential."
        )


def check_data(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ValueError if the data are not those of the checkpoint."""
    for name, new in now.items():
        old = before[name]
        if old != new:
            n, m = old["configurations"], new["configurations"]
            numbers = (
                f"{n} configurations then, {m} now" if n != m else "same number, other content"
            )
            raise ValueError(
                f"The checkpoint {path} was made with other {name} ({numbers}); resume with the "
                "same data, or choose another output.potential."
            )


def _leaves(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """descriptor.cutoff, or descriptor.2.cutoff of the second of several, and their values."""
    if isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        tree = {str(number): item for number, item in enumerate(tree, start=1)}
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{name}.{key}" if name else key)
    elif tree is not None:
        yield name, tree


def _short(value: Any) -> str:
    if value is None:
        return "not given"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
