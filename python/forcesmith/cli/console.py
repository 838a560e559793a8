"""Where commands print, and exit codes."""

from __future__ import annotations

from rich.console import Console

INPUT_ERROR = 2
NOT_GOOD_ENOUGH = 3
INTERRUPTED = 130

# Names of files and words of others are no markup: [a], :b:.
out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
