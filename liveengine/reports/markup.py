"""Elements, pictures and documents: well-formed XML that a browser shows and that loads nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

INK, FAINT, GRID = "#22303c", "#5d6b78", "#e3e8ed"
STYLE_SHEET = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22303c; background: #fff; margin: 2rem auto;
  max-width: 1240px; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.4rem; } h3 { margin: 1.4rem 0 .3rem; }
table { border-collapse: collapse; } th, td { padding: .3rem .9rem .3rem 0; text-align: left;
  border-bottom: 1px solid #e3e8ed; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.met { color: #1c7a45; } .missed { color: #b3311f; font-weight: 600; }
.note { color: #5d6b78; max-width: 60rem; } .wide { overflow-x: auto; }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(440px, 1fr)); gap: .6rem 1.2rem; }
svg { max-width: 100%; height: auto; } .wide svg { max-width: none; }
.key { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 .9em; vertical-align: -.1em; }
"""


def element(tag: str, text: str = "", **attributes: str | float) -> str:
    """Return an element with escaped text; an underscore in an attribute's name stands for a hyphen."""
    return enclose(tag, escape(text), **attributes)


def enclose(tag: str, inside: str, **attributes: str | float) -> str:
    """Return an element around markup."""
    written = "".join(
        f" {name.replace('_', '-')}={quoteattr(f'{value:.2f}' if isinstance(value, float) else str(value))}"
        for name, value in attributes.items()
    )
    return f"<{tag}{written}>{inside}</{tag}>"


def label(x: float, y: float, text: str, anchor: str = "middle", fill: str = FAINT) -> str:
    """Return text at a place, in pixels; `anchor` is start, middle or end."""
    return element("text", text, x=x, y=y, text_anchor=anchor, fill=fill)


Point = tuple[float, float]


def line(begin: Point, end: Point, stroke: str, width: float = 1.0) -> str:
    """Return a line between two places, in pixels."""
    return element("line", x1=begin[0], y1=begin[1], x2=end[0], y2=end[1], stroke=stroke, stroke_width=width)


def picture(width: float, height: float, parts: Sequence[str], title: str) -> str:
    """Return a picture of a size in pixels; `title` is what it is for those who do not see it."""
    return enclose(
        "svg",
        element("title", title) + "".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
        role="img",
        font_family="system-ui, sans-serif",
        font_size=11,
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return about so many round numbers from low to high."""
    rough = max(high - low, 1e-9) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def table_row(cells: Sequence[str], kinds: Sequence[str]) -> str:
    """Return a row of cells, each of a class of the style sheet or of none."""
    inside = (
        element("td", cell, **({"class": kind} if kind else {}))
        for cell, kind in zip(cells, kinds, strict=True)
    )
    return enclose("tr", "".join(inside))


def table_header(*names: str) -> str:
    """Return the first row of a table."""
    return enclose("tr", "".join(element("th", name) for name in names))


def key(colour: str, text: str) -> str:
    """Return a colour's meaning."""
    return element("span", **{"class": "key", "style": f"background:{colour}"}) + escape(text)


def document(title: str, parts: Sequence[str]) -> str:
    """Return a whole page of `parts`."""
    head = '<meta charset="utf-8"/><meta name="viewport" content="width=device-width"/>'
    head += element("title", title) + element("style", STYLE_SHEET)
    body = enclose("body", "\n".join(parts))
    return f'<!DOCTYPE html>\n<html lang="en">{enclose("head", head)}{body}</html>\n'
