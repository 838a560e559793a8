"""Generating: structures of many samplers in one file, which is written whole or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ase.io
from ase import Atoms

from forcesmith.data.formats.extended_xyz import (
    append_extended_xyz,
    drop_torn_frame,
    write_extended_xyz,
)
from forcesmith.data.labels import ORIGIN_KEY, describe, shortened
from forcesmith.engine.executor import Task, open_executor
from forcesmith.engine.settings import EngineSettings
from forcesmith.files import check_writable, output_lock, remove_leftovers
from forcesmith.sampling.sampler import Draw, Sampler, StructureSampler
from forcesmith.sampling.settings import GenerateSettings, sampler_of

DrawKey = tuple[str, str, int]
"""What tells a draw from the others of a file: group, key of the structure, number."""
_FOREIGN: DrawKey = ("", "", 0)


@dataclass(frozen=True)
class Generated:
    """What came of generating structures."""

    structures: list[Atoms]
    """Those of the file, in the order of the samplers."""
    counts: dict[str, int]
    """Structures of every sampler."""
    n_before: int
    """Structures that were there already."""


def generate(
    settings: GenerateSettings | Mapping[str, Any],
    *,
    progress: Callable[[str], None] | None = None,
) -> Generated:
    """Make the structures of all samplers, and write them to one file.

    The file comes about at the end, as a whole. Interrupted at any time, the same call goes on:
    until then structures are kept in a file beside it (`.NAME.partial`). Where the file is there
    already and is of the same settings, only draws that are missing (of a larger `count`, of
    further samplers or structures) are made.

    Parameters
    ----------
    settings
        `GenerateSettings`, or a dictionary for them.
    progress
        Called with a line of text after every draw.

    Returns
    -------
    Generated
        The structures; `info["config_type"]` is the sampler's name, `info["origin"]` tells how a
        structure was made.

    Raises
    ------
    ValueError
        A sampler is impossible, or the output holds something else.
    OSError
        The file cannot be written, or another process writes it.
    """
    if not isinstance(settings, GenerateSettings):
        settings = GenerateSettings.from_dict(settings)
    output = Path(settings.output)
    if output.suffix not in (".extxyz", ".xyz"):
        raise ValueError(f"{output}: extended XYZ is written; choose a name ending in .extxyz.")
    for sampler in settings.samplers:
        sampler.check()
    check_writable([output])
    partial = output.with_name(f".{output.name}.partial")
    lock = output.with_name(f".{output.name}.lock")
    with output_lock(lock, str(output), "`forcesmith generate`"):
        remove_leftovers([output, partial])
        expected = {
            _key(sampler.origin(draw)): (sampler, draw)
            for sampler in settings.samplers
            for draw in sampler.draws()
        }
        kept = _complete(output, expected)
        _check_output(output, kept, expected)
        n_before = sum(map(len, kept.values()))
        kept |= {key: own for key, own in _unfinished(partial, expected).items() if key not in kept}
        missing = [key for key in expected if key not in kept]
        if settings.engine is None or not missing:
            made = _one_by_one(expected, missing)
        else:
            made = _at_once(expected, missing, settings.engine)
        for key, structures in made:
            kept[key] = structures
            append_extended_xyz(partial, structures)
            if progress:
                progress(
                    f"{key[0]}: draw {len(kept)} of {len(expected)}, "
                    f"{sum(map(len, kept.values()))} structures"
                )
        if missing or sum(map(len, kept.values())) > n_before:
            write_extended_xyz(output, [atoms for key in expected for atoms in kept[key]])
        partial.unlink(missing_ok=True)
        written = list(ase.io.iread(output, format="extxyz"))
    counts = {sampler.group: 0 for sampler in settings.samplers}
    for atoms in written:
        counts[atoms.info["config_type"]] += 1
    return Generated(written, counts, n_before)


def make_again(atoms: Atoms, structure: Atoms | None = None, folder: str | Path = ".") -> Atoms:
    """Make a structure again, as its origin says.

    Parameters
    ----------
    atoms
        With `info["origin"]`, as `generate` writes it.
    structure
        What it was made of, if that was given as `Atoms`, or its file lies elsewhere now.
    folder
        That of the settings, where relative paths start.

    Returns
    -------
    Atoms
        The same again, to the last digit of the file.

    Raises
    ------
    ValueError
        It has no origin, or what it was made of is not there or has changed.
    """
    name = describe(atoms, "this structure")
    origin = atoms.info.get(ORIGIN_KEY)
    if not isinstance(origin, dict) or "sampler" not in origin:
        raise ValueError(f'{name} does not tell how it was made: there is no info["origin"].')
    table = {
        "type": origin["sampler"],
        "name": origin["name"],
        "seed": origin["seed"],
        **origin["options"],
    }
    if "structure" in origin:
        table["structures"] = [origin["structure"] if structure is None else structure]
    sampler = sampler_of(table, f"the origin of {shortened(name, 80)}").relative_to(folder)
    if not isinstance(sampler, StructureSampler):
        draw = sampler.draws()[0]
    else:
        frame = origin["frame"] if structure is None else 0
        if frame >= len(sampler.given) or sampler.given[frame].key != origin["structure_key"]:
            raise ValueError(
                f"{shortened(name, 120)} was made of {shortened(origin['structure'], 80)}, which "
                "has changed since, or was another one; give the structure itself."
            )
        draw = Draw(sampler.given[frame], 0)
    with sampler.opened():
        return sampler.draw(draw._replace(number=origin["number"]))[origin["image"]]


def _one_by_one(
    expected: dict[DrawKey, tuple[Sampler, Draw]], missing: Sequence[DrawKey]
) -> Iterator[tuple[DrawKey, list[Atoms]]]:
    for sampler, keys in _by_sampler(expected, missing):
        with sampler.opened():
            for key in keys:
                yield key, sampler.draw(expected[key][1])


def _at_once(
    expected: dict[DrawKey, tuple[Sampler, Draw]],
    missing: Sequence[DrawKey],
    engine: EngineSettings,
) -> Iterator[tuple[DrawKey, list[Atoms]]]:
    """As they come."""
    names = {repr(key): key for key in missing}
    tasks = []
    for sampler, keys in _by_sampler(expected, missing):
        bare = sampler.for_workers()
        tasks += [
            Task(repr(key), draw_task, (bare, expected[key][1]), sampler.cores) for key in keys
        ]
    with open_executor(engine) as executor:
        for finished in executor.run(tasks):
            if finished.error:
                raise finished.error
            yield names[finished.name], finished.result


def _by_sampler(
    expected: dict[DrawKey, tuple[Sampler, Draw]], keys: Sequence[DrawKey]
) -> Iterator[tuple[Sampler, list[DrawKey]]]:
    for _, own in itertools.groupby(keys, lambda key: key[0]):
        own_keys = list(own)
        yield expected[own_keys[0]][0], own_keys


_opened: dict[str, tuple[Sampler, AbstractContextManager[object]]] = {}


def draw_task(sampler: Sampler, draw: Draw) -> list[Atoms]:
    """A draw, as a task of its own: samplers stay open in a process."""
    name = f"{sampler.kind} {sampler._folder} {sampler.model_dump_json()}"
    if name not in _opened:
        opened = sampler.opened()
        opened.__enter__()
        _opened[name] = sampler, opened
    return _opened[name][0].draw(draw)


def _complete(
    path: Path, expected: dict[DrawKey, tuple[Sampler, Draw]]
) -> dict[DrawKey, list[Atoms]]:
    """Draws in a file; under _FOREIGN what these settings do not make."""
    found: dict[DrawKey, list[Atoms]] = {}
    if path.exists() and path.stat().st_size:
        try:
            frames = list(ase.io.iread(path, format="extxyz"))
        except Exception:  # ASE's readers raise almost anything on what is something else
            return {_FOREIGN: []}
        for atoms in frames:
            origin = atoms.info.get(ORIGIN_KEY)
            key = _FOREIGN
            if isinstance(origin, dict) and "sampler" in origin:
                key = _key(origin)
                sampler, draw = expected.get(key, (None, None))
                if not (sampler and draw and origin == sampler.origin(draw, origin["image"])):
                    key = _FOREIGN
            found.setdefault(key, []).append(atoms)
    return found


def _check_output(
    output: Path,
    found: dict[DrawKey, list[Atoms]],
    expected: dict[DrawKey, tuple[Sampler, Draw]],
) -> None:
    if not set(found) <= set(expected):
        raise ValueError(
            f"{output} holds structures that these settings do not make; choose another output, or "
            "remove that file."
        )


def _unfinished(
    partial: Path, expected: dict[DrawKey, tuple[Sampler, Draw]]
) -> dict[DrawKey, list[Atoms]]:
    """Whole draws that an interrupted call has left; the file has these alone afterwards."""
    if not partial.exists():
        return {}
    drop_torn_frame(partial)
    found = _complete(partial, expected)
    if not set(found) <= set(expected):
        partial.unlink()  # of other settings
        return {}
    if found:
        found.popitem()  # the last one may not be whole
        write_extended_xyz(partial, [atoms for own in found.values() for atoms in own])
    return found


def _key(origin: dict[str, Any]) -> DrawKey:
    return origin["name"], origin.get("structure_key", ""), origin["number"]
