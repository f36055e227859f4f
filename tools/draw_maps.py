"""Draw the layout of each ready control map: docs/pictures/maps/NAME.svg, from configs/maps/NAME.yaml.

    python tools/draw_maps.py [FILE.yaml ...] [--out FOLDER] [--check]

Pads and buttons are squares, knobs circles, faders and pedals what they look like; each is labelled with what
it does. Without files all shipped maps are drawn. With --check nothing is written, and the exit status is 1
where a picture is not that of its file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from liveengine.config.control_maps import MapFile, read_map_file
from liveengine.config.map_layout import Part
from liveengine.config.settings import load_styles
from liveengine.errors import LiveEngineError
from liveengine.music.control import ACTIONS, STYLE_CONTROLS, TOGGLES
from liveengine.music.control_map import AnyBinding, Binding, done

ROOT = Path(__file__).parents[1]
MAPS = ROOT / "configs" / "maps"
PICTURES = ROOT / "docs" / "pictures" / "maps"
CELL_WIDTH, CELL_HEIGHT, GAP = 104, 64, 8
LEFT, TOP = 24, 64
HEIGHTS: Mapping[str, int] = {"faders": 112, "knobs": 84, "pedals": 96}
CHARACTERS = 16
"""So many fit into a line of a cell."""
LINES = 4
FONT, LINE_HEIGHT = 11, 13
INK, PALE, PAPER = "#1c2b3a", "#5c6b79", "#ffffff"
TINTS = {
    "style": "#dce9f7",
    "action": "#fbe6c8",
    "toggle": "#dcefdc",
    "value": "#eadff2",
    "nothing": "#f1f3f5",
}
"""What a control is, and the colour of what turns it."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is written on a pad or knob: lines, and what it turns, of `TINTS`."""

    lines: tuple[str, ...]
    tint: str


def label_of(bindings: Sequence[AnyBinding]) -> Label:
    """Return what is written on what is bound so; nothing where it is bound to nothing."""
    if not bindings:
        return Label((), "nothing")
    lines = [line for binding in bindings for line in _lines(binding)]
    return Label(tuple(piece for line in lines for piece in _wrapped(line))[:LINES], _tint(bindings[0]))


def _lines(binding: AnyBinding) -> list[str]:
    if isinstance(binding, Binding):
        return [_spoken(binding.control)]
    if [how for how, _ in binding.gestures] == ["tap"]:
        return [_spoken(done(binding.gestures[0][1]))]
    return [f"{how}: {_spoken(done(command))}" for how, command in binding.gestures]


def _spoken(text: str) -> str:
    return text.replace("_", " ")


def _wrapped(line: str) -> Iterator[str]:
    """Yield a line in pieces that fit into a cell."""
    piece = ""
    for word in line.split():
        if piece and len(piece) + 1 + len(word) > CHARACTERS:
            yield piece
            piece = word
        else:
            piece = f"{piece} {word}".strip()
    yield piece


def _tint(binding: AnyBinding) -> str:
    name = binding.control if isinstance(binding, Binding) else done(binding.gestures[0][1]).split()[0]
    if name in STYLE_CONTROLS:
        return "style"
    if name in ACTIONS:
        return "action"
    return "toggle" if name in TOGGLES else "value"


def draw(file: MapFile) -> str:
    """Return the picture of a map's layout as SVG: the same text for the same file."""
    cells: list[str] = []
    y, right = TOP, 0
    for row in file.layout:
        x, height = LEFT, max(HEIGHTS.get(part.shape, CELL_HEIGHT) for part in row)
        for part in row:
            for number, caption in zip(part.numbers, part.captions, strict=True):
                if number is not None:
                    cells.append(_cell(file, part, number, caption, (x, y)))
                x += CELL_WIDTH + GAP
        right = max(right, x - GAP)
        y += height + GAP
    width = max(right + LEFT, 480)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 16}" '
        'font-family="system-ui, sans-serif" role="img">',
        f"<title>{escape(file.title)}: what each of its pads and knobs does</title>",
        f'<rect width="{width}" height="{y + 16}" fill="{PAPER}"/>',
        f'<text x="{LEFT}" y="28" font-size="17" font-weight="600" fill="{INK}">{escape(file.title)}</text>',
        f'<text x="{LEFT}" y="48" font-size="12" fill="{PALE}">{escape(file.about)}</text>',
        *cells,
        "</svg>",
        "",
    ]
    return "\n".join(lines)


def _cell(file: MapFile, part: Part, number: int, caption: str, place: tuple[int, int]) -> str:
    x, y = place
    label = label_of(file.said[part.kind][number])
    called = f"{'CC' if part.kind == 'cc' else 'note'} {number}"
    told = escape(f"{caption or called}: {', '.join(label.lines) or 'nothing'}")
    shape, text_y = _shape(part.shape, x, y, TINTS[label.tint])
    return (
        f'<g class="{part.shape}" data-number="{part.kind} {number}"><title>{told}</title>{shape}'
        f'<text x="{x + CELL_WIDTH - 6}" y="{y + 12}" font-size="9" text-anchor="end" '
        f'fill="{PALE}">{number}</text>'
        f'<text x="{x + 6}" y="{y + 12}" font-size="9" fill="{PALE}">{escape(caption)}</text>'
        f"{_text(label.lines, x + CELL_WIDTH // 2, text_y)}</g>"
    )


def _shape(shape: str, x: int, y: int, tint: str) -> tuple[str, int]:
    """Return what is drawn, and the middle of where its label goes."""
    line = f'fill="{tint}" stroke="{INK}" stroke-width="1"'
    middle = x + CELL_WIDTH // 2
    if shape == "knobs":
        knob = f'<circle cx="{middle}" cy="{y + 28}" r="24" {line}/>'
        mark = f'<path d="M{middle},{y + 28} L{middle},{y + 8}" stroke="{INK}" stroke-width="2"/>'
        return knob + mark, y + 68
    if shape == "faders":
        track = f'<rect x="{middle - 3}" y="{y + 4}" width="6" height="76" rx="3" {line}/>'
        cap = f'<rect x="{middle - 16}" y="{y + 34}" width="32" height="16" rx="3" {line}/>'
        return track + cap, y + 98
    height = HEIGHTS.get(shape, CELL_HEIGHT)
    radius = 12 if shape == "pedals" else 3 if shape == "buttons" else 8
    box = f'<rect x="{x}" y="{y}" width="{CELL_WIDTH}" height="{height}" rx="{radius}" {line}/>'
    return box, y + height // 2 + 5


def _text(lines: Sequence[str], x: int, middle_y: int) -> str:
    first = middle_y - LINE_HEIGHT * (len(lines) - 1) / 2 + 4
    return "".join(
        f'<text x="{x}" y="{first + place * LINE_HEIGHT:g}" font-size="{FONT}" text-anchor="middle" '
        f'fill="{INK}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )


def main() -> int:
    """Draw the maps; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, help="control maps with a layout; the shipped ones")
    parser.add_argument("--out", type=Path, default=PICTURES, help="the folder; docs/pictures/maps")
    parser.add_argument("--check", action="store_true", help="write nothing; compare with the pictures there")
    options = parser.parse_args()
    faults: list[str] = []
    for path in options.files or sorted(MAPS.glob("*.yaml")):
        try:
            picture = draw(read_map_file(path, None if options.files else load_styles()))
        except LiveEngineError as error:
            faults.append(str(error))
            continue
        target = options.out / f"{path.stem}.svg"
        if options.check:
            if not target.exists() or target.read_text(encoding="utf-8") != picture:
                faults.append(f"{target}: not the picture of {path.name}; run python tools/draw_maps.py")
        else:
            options.out.mkdir(parents=True, exist_ok=True)
            target.write_text(picture, encoding="utf-8", newline="\n")
            print(target)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
