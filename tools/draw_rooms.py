"""Draw which rooms import which: docs/pictures/rooms.svg, floors from pyproject.toml as rows.

    python tools/draw_rooms.py [--out FILE.svg] [--check]

A room is a package or module right below `liveengine`; the floors are those that [tool.importlinter] keeps.
A pale arrow is an import that a longer way of arrows leads to as well. Exits with status 1 and names every
arrow that does not go down; with --check, which writes nothing, also where the picture is not the code's.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import permutations
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "rooms.svg"
PACKAGE = "liveengine"
WIDTH, LEFT, TOP = 1080.0, 40.0, 64.0
FLOOR_HEIGHT, BOX_HEIGHT, BOX_WIDTH, BOX_GAP = 84.0, 32.0, 120.0, 84.0
CLEARANCE = 10.0
"""How far from a box of a floor between an arrow passes."""
PORT_SHARE = 0.7
"""The share of a box's edge that its arrows are spread over."""
SWEEPS = 4
INK, PALE, WRONG = "#2f4f6f", "#c3ced9", "#c0392b"

Arrow = tuple[str, str]
"""A room that imports, and the room that it imports."""
Floors = Sequence[Sequence[str]]
"""Rooms by floor, the highest floor first."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class House:
    """The rooms by floor, and the arrows between rooms, by name."""

    floors: Floors
    arrows: tuple[Arrow, ...]

    def floor_of(self, room: str) -> int:
        """Return a room's floor, 0 at the top. Raises ValueError for a room on no floor."""
        for number, rooms in enumerate(self.floors):
            if room in rooms:
                return number
        raise ValueError(f"{PACKAGE}.{room}: expected a floor in [tool.importlinter] layers, found none")

    def goes_down(self, arrow: Arrow) -> bool:
        """Return whether an arrow leads from a higher to a lower floor."""
        return self.floor_of(arrow[0]) < self.floor_of(arrow[1])

    def wrong(self) -> list[Arrow]:
        """Return the arrows that go up, or sideways, by name."""
        return sorted(arrow for arrow in self.arrows if not self.goes_down(arrow))

    def implied(self) -> set[Arrow]:
        """Return the downward arrows that a longer way of downward arrows leads to as well."""
        below: dict[str, set[str]] = {}
        found: set[Arrow] = set()
        for rooms in reversed(self.floors):
            for room in rooms:
                direct = {to for (by, to) in self.arrows if by == room and self.goes_down((by, to))}
                farther = {each for to in direct for each in below[to]}
                found |= {(room, to) for to in direct & farther}
                below[room] = direct | farther
        return found


def read_floors(pyproject: Path) -> list[list[str]]:
    """Return the rooms by floor as import-linter's layers contract has them, the highest first."""
    settings = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(each["layers"] for each in settings["contracts"] if each["type"] == "layers")
    return [[room.strip() for room in layer.replace(":", "|").split("|")] for layer in layers]


def read_house(root: Path = ROOT) -> House:
    """Return the house as the code of a repository has it. Raises ValueError for a room on no floor."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    arrows: set[Arrow] = set()
    for module in sorted(graph.modules - {PACKAGE}):
        for imported in graph.find_modules_directly_imported_by(module) - {PACKAGE}:
            arrow = module.split(".")[1], imported.split(".")[1]
            if arrow[0] != arrow[1]:
                arrows.add(arrow)
    house = House(read_floors(root / "pyproject.toml"), tuple(sorted(arrows)))
    for room in sorted(graph.find_children(PACKAGE)):
        house.floor_of(room.removeprefix(f"{PACKAGE}."))
    return house


class Layout:
    """Where boxes and arrows lie: rooms of a floor are ordered so that arrows are short."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.bold = set(house.arrows) - house.implied()
        self.rows = [tuple(rooms) for rooms in house.floors]
        self.x = {room: x for row in self.rows for room, x in _spread(row)}
        for sweep in range(SWEEPS):
            numbers = range(len(self.rows))
            for number in numbers if sweep % 2 == 0 else reversed(numbers):
                self.rows[number] = min(permutations(self.rows[number]), key=self._slant)
                self.x |= dict(_spread(self.rows[number]))
        self._ports = self._place_ports()

    def _slant(self, row: Sequence[str]) -> float:
        """Return how far sideways the bold arrows of a row go, were it in this order."""
        placed = self.x | dict(_spread(row))
        return sum(abs(placed[by] - placed[to]) for by, to in self.bold if by in row or to in row)

    def _place_ports(self) -> dict[tuple[Arrow, str], float]:
        """Return where on a room's edge each arrow leaves or comes in, by arrow and room."""
        ports: dict[tuple[Arrow, str], float] = {}
        for room, x in self.x.items():
            for end in (0, 1):
                mine = [arrow for arrow in self.house.arrows if arrow[end] == room]
                mine.sort(key=lambda arrow: self.x[arrow[1 - end]])
                for place, arrow in enumerate(mine, 1):
                    across = place / (len(mine) + 1) - 0.5
                    ports[arrow, room] = x + across * BOX_WIDTH * PORT_SHARE
        return ports

    def path(self, arrow: Arrow) -> list[Point]:
        """Return the points that an arrow leads through: clear of the boxes of the floors between."""
        by, to = arrow
        first, last = self.house.floor_of(by), self.house.floor_of(to)
        begin = (self._ports[arrow, by], _box_top(first) + (BOX_HEIGHT if first <= last else 0.0))
        end = (self._ports[arrow, to], _box_top(last) + (BOX_HEIGHT if first >= last else 0.0))
        points = [begin]
        step = 1 if first <= last else -1
        for floor in range(first + step, last, step):
            share = (floor - first) / (last - first)
            x = self._clear(floor, begin[0] + (end[0] - begin[0]) * share)
            edges = (_box_top(floor), _box_top(floor) + BOX_HEIGHT)
            points += [(x, y) for y in edges[::step]]
        return [*points, end]

    def _clear(self, floor: int, x: float) -> float:
        """Return the place nearest to `x` that no box of a floor covers."""
        reach = BOX_WIDTH / 2 + CLEARANCE
        for room in self.rows[floor]:
            centre = self.x[room]
            if abs(x - centre) < reach:
                # Arrows that give way to one side stay beside each other.
                squeezed = CLEARANCE * (reach - abs(x - centre)) / reach * 2
                return centre + (reach + squeezed if x >= centre else -reach - squeezed)
        return x


def _spread(row: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield the rooms of a row with the middles of their boxes."""
    step = BOX_WIDTH + BOX_GAP
    begin = WIDTH / 2 - step * (len(row) - 1) / 2
    for place, room in enumerate(row):
        yield room, begin + place * step


def _box_top(floor: int) -> float:
    return TOP + floor * FLOOR_HEIGHT + (FLOOR_HEIGHT - BOX_HEIGHT) / 2


def _curve(points: Sequence[Point]) -> str:
    """Return a smooth way through points as SVG path commands; it crosses floors upright."""
    (x, y), *rest = points
    commands = [f"M{x:.1f},{y:.1f}"]
    for to_x, to_y in rest:
        if abs(to_x - x) < 0.05:
            commands.append(f"L{to_x:.1f},{to_y:.1f}")
        else:
            bend = (to_y - y) / 2 if to_y != y else BOX_HEIGHT  # along one floor: below its boxes
            end_y = to_y - bend if to_y != y else to_y + bend
            commands.append(f"C{x:.1f},{y + bend:.1f} {to_x:.1f},{end_y:.1f} {to_x:.1f},{to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(commands)


def draw(house: House) -> str:
    """Return the picture as SVG: the same text for the same house."""
    layout = Layout(house)
    height = TOP + len(house.floors) * FLOOR_HEIGHT + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" '
        'font-family="system-ui, sans-serif" role="img">',
        f"<title>The rooms of {PACKAGE}: who imports whom</title>",
        "<defs>",
        *(_arrow_head(name, colour) for name, colour in _KINDS.items()),
        "</defs>",
        f'<rect width="{WIDTH:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="{LEFT:.0f}" y="30" font-size="17" font-weight="600" fill="{INK}">'
        f"The rooms of {PACKAGE}</text>",
        f'<text x="{LEFT:.0f}" y="50" font-size="12" fill="#5c6b79">Arrows are imports; they go down only. '
        "Pale: a longer way of arrows leads there as well.</text>",
    ]
    for floor in range(0, len(house.floors), 2):
        y = TOP + floor * FLOOR_HEIGHT
        lines.append(
            f'<rect x="0" y="{y:.0f}" width="{WIDTH:.0f}" height="{FLOOR_HEIGHT:.0f}" fill="#f5f7f9"/>'
        )
    for kind in _KINDS:
        lines += [_arrow(layout, arrow, kind) for arrow in house.arrows if _kind(layout, arrow) == kind]
    for floor, row in enumerate(layout.rows):
        lines += [_box(room, layout.x[room], _box_top(floor)) for room in row]
    return "\n".join([*lines, "</svg>", ""])


_KINDS = {"implied": PALE, "import": INK, "wrong": WRONG}
"""Kinds of arrows with their colours; the later lie above the earlier."""


def _kind(layout: Layout, arrow: Arrow) -> str:
    if not layout.house.goes_down(arrow):
        return "wrong"
    return "import" if arrow in layout.bold else "implied"


def _arrow_head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.8 L8,4 L0,7.2 z" fill="{colour}"/>'
        "</marker>"
    )


def _arrow(layout: Layout, arrow: Arrow, kind: str) -> str:
    by, to = arrow
    said = escape(f"{by} imports {to}")
    return (
        f'<path class="{kind}" data-arrow="{by} {to}" d="{_curve(layout.path(arrow))}" fill="none" '
        f'stroke="{_KINDS[kind]}" stroke-width="{0.9 if kind == "implied" else 1.5}" '
        f'marker-end="url(#{kind})"><title>{said}</title></path>'
    )


def _box(room: str, x: float, top: float) -> str:
    return (
        f'<g class="room"><rect x="{x - BOX_WIDTH / 2:.1f}" y="{top:.1f}" width="{BOX_WIDTH:.0f}" '
        f'height="{BOX_HEIGHT:.0f}" rx="6" fill="#ffffff" stroke="{INK}" stroke-width="1.2"/>'
        f'<text x="{x:.1f}" y="{top + BOX_HEIGHT / 2 + 4.5:.1f}" font-size="13" text-anchor="middle" '
        f'fill="#1c2b3a">{escape(room)}</text></g>'
    )


def main() -> int:
    """Draw the house; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=PICTURE, help="the picture; docs/pictures/rooms.svg")
    parser.add_argument("--check", action="store_true", help="write nothing; compare with the picture there")
    options = parser.parse_args()
    try:
        house = read_house()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    picture = draw(house)
    faults = [f"{by} -> {to}: an import that does not go down a floor" for by, to in house.wrong()]
    if options.check:
        drawn = options.out.read_text(encoding="utf-8") if options.out.exists() else ""
        if drawn != picture:
            faults.append(f"{options.out}: not the picture of the code; run python tools/draw_rooms.py")
    else:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(picture, encoding="utf-8", newline="\n")
        print(f"{options.out}: {len(house.arrows)} arrows between {sum(map(len, house.floors))} rooms")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
