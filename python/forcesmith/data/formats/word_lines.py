"""Text files of words in lines, as most programs write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from forcesmith.data.data_files import read_text
from forcesmith.data.labels import shortened


class WordLines:
    """Non-empty lines of a file, split into words, that know their number for error messages."""

    def __init__(self, path: Path, kind: str, comment: str | None = None):
        """kind: what a message calls the file if it is no text at all.

        comment: with what lines begin that are passed over.
        """
        self.path = path
        self.number = 0  # of the line handed out last
        numbered = enumerate(read_text(path, kind).split("\n"), start=1)
        lines = ((n, line.split()) for n, line in numbered)
        self._lines: Iterator[tuple[int, list[str]]] = (
            (n, w) for n, w in lines if w and not (comment and w[0].startswith(comment))
        )
        self._next = next(self._lines, None)

    def more(self) -> bool:
        return self._next is not None

    def peek(self) -> list[str]:
        return self._next[1] if self._next else []

    def next_words(self, expected: str = "more") -> list[str]:
        if self._next is None:
            self.fail(f"the file ends where {expected} was expected; it is truncated")
        self.number, words = self._next
        self._next = next(self._lines, None)
        return words

    def numbers(self, words: list[str], count: int, what: str) -> list[float]:
        if len(words) != count:
            self.fail(f"expected {count} numbers ({what}), found {len(words)}")
        if not all(map(is_number, words)):
            self.fail(f"expected numbers ({what}), found '{shortened(' '.join(words), 60)}'")
        return [float(word) for word in words]

    def fail(self, problem: str) -> NoReturn:
        raise ValueError(f"{self.path}, line {self.number}: {problem}.")


def is_number(word: str) -> bool:
    """Whether a word is a number as programs write it (Python alone takes 1_000 and other digits
    than ours)."""
    try:
        float(word)
    except ValueError:
        return False
    return word.isascii() and "_" not in word
