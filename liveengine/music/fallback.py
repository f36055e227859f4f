"""What plays when no bar is ready: the last bar the model wrote, fitted to the meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from liveengine.music.beats import Meter
from liveengine.music.pattern import Bar


def fallback_bar(history: Sequence[Bar], meter: Meter) -> Bar:
    """Return a bar to play in place of a late one.

    The latest bar that has hits is played again; in another meter it is cut or continued from its start.
    With no history the bar is empty: the engine does not start before its first bar is there.
    """
    for bar in reversed(history):
        if bar.hits:
            return _fitted(bar, meter)
    return Bar(meter, ())


def _fitted(bar: Bar, meter: Meter) -> Bar:
    if bar.meter == meter:
        return bar
    hits = []
    for start in range(0, meter.steps, bar.meter.steps):
        hits += [replace(hit, step=start + hit.step) for hit in bar.hits if start + hit.step < meter.steps]
    return Bar(meter, tuple(sorted(hits)))
