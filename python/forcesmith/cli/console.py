"""Where commands print, and exit codes."""

from __future__ import annotations

from rich.console import Console

INPUT_ERROR = 2
INTERRUPTED = 130

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
