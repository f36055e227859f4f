"""The count-in: strokes before the first bar. They are in no bar of the plan, and no bar follows them."""

from __future__ import annotations

from collections.abc import Mapping

from liveengine.music.control import ControlState
from liveengine.music.kit import Articulation, KitMap
from liveengine.planning.bar_grid import BarGrid
from liveengine.playback.messages import Replace, planned_hit

STROKES: Mapping[str, tuple[Articulation, int, int]] = {
    "sticks": (Articulation.STICKS, 100, 100),
    "hat": (Articulation.CLOSED_HAT, 100, 90),
    "click": (Articulation.RIM, 122, 78),
}
"""What is struck for each sound, and its velocity on a bar's first beat and on the others."""
EIGHTH_BEATS = 0.5


def count_bars(controls: ControlState) -> int:
    """Return how many bars are counted in."""
    return round(controls.count_in)


def counted_in(controls: ControlState, grid: BarGrid, kit: KitMap, first_bar: int) -> Replace:
    """Return the strokes before a first bar: quarter notes, and eighths in a bar that has no whole quarters.

    Their serials are below 0: they are nobody's hits.
    """
    bars, meter = count_bars(controls), grid.meter_at(first_bar)
    struck, first, others = STROKES[controls.count_with]
    beat_length = 1.0 if meter.beats == int(meter.beats) else EIGHTH_BEATS
    strokes = [
        (bar, place)
        for bar in range(first_bar - bars, first_bar)
        for place in range(round(meter.beats / beat_length))
    ]
    hits = tuple(
        planned_hit(
            kit.strike(struck, others if place else first),
            serial=-1 - number,
            bar=bar,
            step=round(place * beat_length * 4),
            beat=grid.start_beat(bar) + place * beat_length,
            offset_ms=0.0,
            kit=kit.name,
        )
        for number, (bar, place) in enumerate(strokes)
    )
    return Replace(first_bar - bars, 0, hits)
