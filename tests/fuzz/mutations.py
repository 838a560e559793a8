"""Damage done to the bytes of a valid file: to bits, lines, words, JSON values, members of .npz.

Every mutation takes (data, rng, donor); donor: another valid file of the same kind.
"""

from __future__ import annotations

import io
import json
import re
import zipfile

import numpy as np

EXTREMES = [
    *(0, -1, 1, 2, 1.5, 1e-9, 1e-300, 1e9, 1e20, 1e300, -1e300),
    *(float("nan"), float("inf"), -float("inf")),
    *(2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**63 - 1, 2**63, 10**400),
]
JUNK = [
    *(b"x", b"9", b"[", b"\n", b"\0"),
    *(b"\xff\xc3(", b"\x1b[31m\r\t\x07", "\u202e\u00e9\u2028".encode()),  # no UTF-8, no text
]
RETYPED = [None, True, False, 10**30, -1, 0.5, "", "x", [], {}]
WORD = re.compile(rb"[^\s,;:=<>()\[\]{}\"']+")
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def mutate(data: bytes, rng: np.random.Generator, donor: bytes) -> bytes:
    """One to four mutations."""
    for _ in range(1 + rng.binomial(3, 0.2)):
        kinds = [_flip_bit, _cut, _insert, _end_lines, _splice, *2 * [_lines, _words, _word]]
        kinds += 3 * [_number]
        if data.startswith(b"PK"):
            kinds += 15 * [_npz]
        elif data.lstrip()[:1] == b"{":
            kinds += 15 * [_json]
        data = _one_of(kinds, rng)(data, rng, donor)
    return data


def _one_of(choices, rng):
    return choices[rng.integers(len(choices))]


def _size(rng) -> int:
    return int(rng.choice([1, 2, 8, 64, 1000, 20_000], p=[0.4, 0.2, 0.2, 0.1, 0.06, 0.04]))


# --- bytes ---


def _flip_bit(data, rng, donor):
    at = rng.integers(len(data) + 1)
    return (
        data[:at]
        + bytes(byte ^ 1 << int(rng.integers(8)) for byte in data[at : at + 1])
        + (data[at + 1 :])
    )


def _cut(data, rng, donor):
    at = rng.integers(len(data) + 1)
    return data[:at] + (data[at + _size(rng) :] if rng.random() < 0.6 else b"")


def _insert(data, rng, donor):
    at = rng.integers(len(data) + 1)
    junk = rng.bytes(4) if rng.random() < 0.2 else _one_of(JUNK, rng)
    return data[:at] + junk * _size(rng) + data[at:]


def _end_lines(data, rng, donor):
    return data.replace(b"\n", _one_of([b"\r\n", b"\r", b"", b" "], rng))


def _splice(data, rng, donor):
    head, tail = data.splitlines(True), donor.splitlines(True)
    return b"".join(head[: rng.integers(len(head) + 1)] + tail[rng.integers(len(tail) + 1) :])


# --- lines and words ---


def _rearranged(pieces: list, rng) -> list:
    """Without a block, with it several times, with it elsewhere, or two pieces exchanged."""
    if not pieces:
        return pieces
    first, second = (int(n) for n in rng.integers(len(pieces), size=2))
    block = pieces[first : first + int(_one_of([1, 1, 2, 5], rng))]
    rest = pieces[first + len(block) :]
    match rng.integers(4):
        case 0:
            return pieces[:first] + rest
        case 1:
            return pieces[:first] + block * _one_of([2, 2, 3, 100], rng) + rest
        case 2:
            rest = pieces[:first] + rest
            return rest[:second] + block + rest[second:]
    exchanged = list(pieces)
    exchanged[first], exchanged[second] = pieces[second], pieces[first]
    return exchanged


def _lines(data, rng, donor):
    return b"".join(_rearranged(data.splitlines(True), rng))


def _words(data, rng, donor):
    lines = data.splitlines(True) or [b""]
    at = rng.integers(len(lines))
    lines[at] = b" ".join(_rearranged(lines[at].split(b" "), rng))
    return b"".join(lines)


def _word(data, rng, donor):
    """A word becomes another one of the same file, or gets a wrong letter."""
    return _replaced(data, rng, WORD, [*WORD.findall(data)[:300], *5 * [_flip_bit]])


def _number(data, rng, donor):
    """A number becomes an extreme one, or one that is nearly right."""
    nearly = [
        lambda old, *_: b"-" + old,
        lambda old, *_: old + b"%d" % rng.integers(10),
        lambda old, *_: old[:-1] or b"1",
        lambda old, *_: old + b"e%d" % rng.integers(-12, 13),
    ]
    return _replaced(data, rng, NUMBER, [repr(n).encode() for n in EXTREMES] + 3 * nearly)


def _replaced(data, rng, pattern, replacements):
    """One match replaced by one of some bytes, or by what a mutation makes of it."""
    found = list(pattern.finditer(data))
    if not found:
        return data
    match, new = _one_of(found, rng), _one_of(replacements, rng)
    new = new if isinstance(new, bytes) else new(match[0], rng, b"")
    return data[: match.start()] + new + data[match.end() :]


# --- JSON and .npz ---


def _json(data, rng, donor):
    """Drop, duplicate, retype, rearrange, grow or empty one value of a document."""
    try:
        parent, key = [json.loads(data)], 0
    except (ValueError, RecursionError):
        return data
    root = parent
    while isinstance(parent[key], (dict, list)) and parent[key] and rng.random() < 0.85:
        parent = parent[key]
        key = _one_of(list(parent) if isinstance(parent, dict) else range(len(parent)), rng)
    value, marker = parent[key], "there twice"
    change = rng.integers(5)
    if change == 0 and parent is not root:
        del parent[key]
    elif change == 1 and isinstance(parent, dict):
        parent[marker] = _one_of([value, *RETYPED], rng)
    elif change == 2 and isinstance(value, dict):
        parent[key] = dict(_rearranged(list(value.items()), rng))
    elif change == 2 and isinstance(value, list):
        parent[key] = _rearranged(value, rng)
    elif change == 3 and isinstance(value, list):
        parent[key] = value[:1000] * _one_of([0, 2, 100], rng)
    else:
        parent[key] = _one_of([*RETYPED, *EXTREMES, [value], {"x": value}], rng)
    return json.dumps(root[0]).replace(json.dumps(marker), json.dumps(key)).encode()


def _npz(data, rng, donor):
    """Members of an archive missing, exchanged, damaged, or of another type and shape."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names, contents = archive.namelist(), list(map(archive.read, archive.namelist()))
    except Exception:  # damaged by a mutation before
        return data
    if not names:
        return data
    at = rng.integers(len(names))
    match rng.integers(4):
        case 0:
            members = _rearranged(list(zip(names, contents, strict=True)), rng)
            names, contents = zip(*members, strict=True) if members else ((), ())
        case 1:
            names = _rearranged(names, rng)
        case 2:
            contents[at] = _one_of([_flip_bit, _cut, _insert, _number], rng)(contents[at], rng, b"")
        case 3:
            array = np.full(
                _one_of([(), (0,), (1,), (3,), (2, 2)], rng), _one_of(EXTREMES[:16], rng)
            )
            stream = io.BytesIO()
            np.save(stream, array)
            contents[at] = stream.getvalue()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in zip(names, contents, strict=False):
            archive.NameToInfo.clear()  # no warning for a name that is there twice
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()
