"""Text files of words in lines, as most programs write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn


class WordLines:
    """Non-empty lines of a file, split into words, that know their number for error messages."""

    def __init__(self, path: Path, kind: str):
        """kind: what a message calls the file if it is no text at all."""
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            raise ValueError(f"{path}: this is not a text file, so not {kind}.") from None
        self.path = path
        self.number = 0  # of the line handed out last
        numbered = ((n, line.split()) for n, line in enumerate(text.splitlines(), start=1))
        self._lines: Iterator[tuple[int, list[str]]] = iter([(n, w) for n, w in numbered if w])
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
        try:
            return [float(word) for word in words]
        except ValueError:
            self.fail(f"expected numbers ({what}), found '{' '.join(words)}'")

    def fail(self, problem: str) -> NoReturn:
        raise ValueError(f"{self.path}, line {self.number}: {problem}.")
