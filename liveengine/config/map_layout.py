"""The layout of a controller, as a control map may state it for its picture: rows of pads and knobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import yaml

from liveengine.config.yaml_reader import Entry

SHAPES: Mapping[str, str] = {"pads": "note", "buttons": "cc", "knobs": "cc", "faders": "cc", "pedals": "cc"}
"""What a controller has side by side, and what each of it sends."""


@dataclass(frozen=True, slots=True)
class Part:
    """Things of one of `SHAPES` side by side, by their numbers; None is a gap.

    `captions` are what is printed on the controller beside each of them, or empty.
    """

    shape: str
    numbers: tuple[int | None, ...]
    captions: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What they send: "cc" or "note"."""
        return SHAPES[self.shape]


Layout = tuple[tuple[Part, ...], ...]
"""Rows from the top, each of parts from the left."""


def read_layout(entry: Entry, said: Mapping[str, Collection[int]]) -> Layout:
    """Return the layout of a map that says something of the numbers `said`, by "cc" and "note".

    Raises ConfigError for other numbers, and for one that is there twice.
    """
    seen: set[tuple[str, int]] = set()
    rows = entry.items("a list of rows, from the top")
    return tuple(
        tuple(_part(shape, part, said, seen) for shape, part in row.known_fields(SHAPES).items())
        for row in rows
    )


def _part(shape: str, entry: Entry, said: Mapping[str, Collection[int]], seen: set[tuple[str, int]]) -> Part:
    numbers: list[int | None] = []
    captions: list[str] = []
    for each in entry.items("a list of numbers"):
        caption, number = "", each
        if isinstance(each.node, yaml.MappingNode) and len(each.node.value) == 1:
            key, value = each.node.value[0]
            number, caption = Entry(each.path, each.field, key), Entry(each.path, each.field, value).text()
        numbers.append(_number(number, shape, said, seen))
        captions.append(caption)
    return Part(shape, tuple(numbers), tuple(captions))


def _number(
    entry: Entry, shape: str, said: Mapping[str, Collection[int]], seen: set[tuple[str, int]]
) -> int | None:
    if entry.is_null():
        return None
    number, kind = entry.whole(0, 127), SHAPES[shape]
    if number not in said.get(kind, ()):
        where = "notes" if kind == "note" else "controllers"
        raise entry.fault(f"a number that `{where}` says something of (or `none`)")
    if (kind, number) in seen:
        raise entry.fault("each number once", f"{number} again")
    seen.add((kind, number))
    return number


def written_layout(layout: Layout) -> list[dict[str, list[object]]]:
    """Return a layout as it is read again."""
    return [
        {
            part.shape: [
                {number: caption} if caption else number
                for number, caption in zip(part.numbers, part.captions, strict=True)
            ]
            for part in row
        }
        for row in layout
    ]
