"""Pages: one HTML file each, which needs nothing from elsewhere, no scripts and no network."""

from __future__ import annotations

import base64
import html
import io
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } td.text { text-align: left; }
.wide { overflow-x: auto; } .soft { opacity: .7; } img { max-width: 100%; background: white; }
.good { background: #009e7355; } .fair { background: #e69f0055; } .poor { background: #d55e0077; }
.values td { white-space: nowrap; } .values td:first-child { white-space: normal; }
.values td:first-child { min-width: min(14rem, 28vw); }
.values th:first-child, .values td:first-child { position: sticky; left: 0; background: Canvas; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: 10.5rem; font-size: .8rem; } figcaption { overflow-wrap: anywhere; }
figure svg { width: 100%; height: 10rem; background: var(--soft); }
"""


def page(title: str, sections: Iterable[tuple[str, str]]) -> str:
    """The whole text; sections: heading and HTML of each, those without HTML are left out."""
    body = "".join(
        f"<section>{f'<h2>{text(heading)}</h2>' if heading else ''}{content}</section>\n"
        for heading, content in sections
        if content
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{text(title)}</h1>\n{body}</body></html>\n"
    )


def figure(width: float, height: float = 3.4) -> Figure:
    """An empty one, inches, without pyplot: no global state, and no display is needed."""
    from matplotlib.figure import Figure  # takes a second that only plots should cost

    # Fonts that are not there are replaced; a line for each of them is of no use.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    return Figure(figsize=(width, height), layout="constrained")


def image(drawn: Figure, what: str) -> str:
    """A figure as SVG; what: text for those who do not see it."""
    stream = io.BytesIO()
    drawn.savefig(stream, format="svg", metadata={"Date": None})
    return encoded_image(stream.getvalue(), "svg+xml", what)


def encoded_image(data: bytes, kind: str, what: str) -> str:
    """A picture; kind: "png", "svg+xml"."""
    encoded = base64.b64encode(data).decode()
    return f'<img alt="{text(what)}" src="data:image/{kind};base64,{encoded}">'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Of plain texts."""
    top = "".join(f"<th>{text(word)}</th>" for word in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{text(word)}</td>" for word in row) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def text(value: object) -> str:
    """Escaped."""
    return html.escape(str(value))
