"""Where commands print, and exit codes."""

from __future__ import annotations

from rich.console import Console

INPUT_ERROR = 2
INTERRUPTED = 130

AS_IT_IS = {"highlight": False, "markup": False, "emoji": False}
"""Names of files and words of others are no markup: [a], :b:."""

out = Console(**AS_IT_IS)
err = Console(stderr=True, **AS_IT_IS)
