"""Player and drummer on one page: what was heard and what was played, bar by bar, and what moved what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from liveengine.listening.jam import riff_of
from liveengine.music.beats import read_meter
from liveengine.music.drums import GENERAL_MIDI_NOTES, GROUP_OF, GROUPS, Voice
from liveengine.music.written import read_kit
from liveengine.recording.trace_reader import Line, Performance
from liveengine.reports.markup import (
    GRID,
    element,
    enclose,
    label,
    line,
    picture,
    table_header,
    table_row,
)

PLAYER, DRUMMER = "#d9772b", "#4f78a8"
WIDTH, LEFT, RIGHT, TOP, LANE = 1100.0, 70.0, 12.0, 18.0, 11.0
EARLY_BEATS = 0.125
BARS_A_ROW, MOST_BARS = 4, 64
"""A long jam is shown from the first bar in which somebody was heard."""
LANES = ("player", "cymbals", "hat", "toms", "snare", "kick")
LANE_OF_GROUP: Mapping[str, str] = {
    "crash": "cymbals",
    "ride": "cymbals",
    "open_hat": "hat",
    "hat": "hat",
    "toms": "toms",
    "rim": "snare",
    "snare": "snare",
    "kick": "kick",
}


@dataclass(frozen=True, slots=True)
class _Bars:
    """Where bars begin in session beats, and how many beats each has: `usual` where no line says so."""

    begins: Mapping[int, float]
    beats: Mapping[int, float]
    usual: float

    def beats_of(self, bar: int) -> float:
        return self.beats.get(bar, self.usual)

    def place_of(self, onset: float, bar: int) -> tuple[int, float]:
        """Return the bar and the beat in it of what was heard while `bar` played, in bars as long as that."""
        beats = self.beats_of(bar)
        struck = math.floor((onset + EARLY_BEATS) / beats)
        return struck, onset - struck * beats


Mark = tuple[int, float, int, float, str]
"""Bar, beat in it, lane, velocity and colour."""


def jam_section(performance: Performance) -> list[str]:
    """Return the section; nothing where nobody was heard."""
    heard = performance.of("heard")
    bars = _bars(performance)
    onsets = list(_heard_marks(heard, bars))
    if not onsets or not bars.begins:
        return []
    marks = [*onsets, *_played_marks(performance, bars)]
    first = max(0, min(bar for bar, *_ in onsets))
    last = min(first + MOST_BARS, max(bars.begins) + 1)
    rows = [
        _row(marks, range(begin, min(begin + BARS_A_ROW, last)), bars)
        for begin in range(first, last, BARS_A_ROW)
    ]
    return [
        element("h2", "Player and drummer"),
        *rows,
        element("h2", "What moved what"),
        _reasons(heard, range(first, last)),
    ]


def _bars(performance: Performance) -> _Bars:
    usual = str(performance.header.get("meter", "4/4"))
    played = performance.bars()
    return _Bars(
        {int(bar["bar"]): float(bar["beat"]) for bar in played},
        {int(bar["bar"]): read_meter(str(bar.get("meter", usual))).beats for bar in played},
        read_meter(usual).beats,
    )


def _heard_marks(heard: Sequence[Line], bars: _Bars) -> Iterator[Mark]:
    for each in heard:
        for onset, _channel, _pitch, velocity, *_ in each["onsets"]:
            yield *bars.place_of(onset, each["bar"]), 0, velocity, PLAYER


def _played_marks(performance: Performance, bars: _Bars) -> Iterator[Mark]:
    kits = _voices_of_kits(performance)
    for note in performance.of("note"):
        if note["bar"] in bars.begins:
            lane = _lane(kits[note.get("kit", next(iter(kits)))], note["note"])
            yield note["bar"], note["beat"] - bars.begins[note["bar"]], lane, note["velocity"], DRUMMER


def _row(marks: Sequence[Mark], shown: range, bars: _Bars) -> str:
    """Return a few bars: a lane for the player, and one for each kind of drum."""
    height = TOP + LANE * len(LANES) + 4
    longest = max((bars.usual, *bars.beats.values()))
    per_beat = (WIDTH - LEFT - RIGHT) / (BARS_A_ROW * longest)
    parts = [label(LEFT - 6, TOP + LANE * (lane + 0.8), name, "end") for lane, name in enumerate(LANES)]
    x, left = LEFT, {}
    for bar in shown:
        left[bar] = x
        parts += [line((x, TOP), (x, height), GRID, 1.5), label(x + 3, TOP - 5, f"{bar + 1}", "start")]
        parts += [
            line((x + beat * per_beat, TOP), (x + beat * per_beat, height), GRID)
            for beat in range(1, math.ceil(bars.beats_of(bar)))
        ]
        x += bars.beats_of(bar) * per_beat
    parts += [
        _mark(left[bar] + beat * per_beat, lane, velocity, colour)
        for bar, beat, lane, velocity, colour in marks
        if bar in left
    ]
    return picture(WIDTH, height, parts, f"player and drummer in bars {shown.start + 1} to {shown.stop}")


def _voices_of_kits(performance: Performance) -> dict[str, Mapping[int, Voice]]:
    """Return which voice each note is, by the name of the kit that was played."""
    notes = performance.header.get("kit_notes") or list(GENERAL_MIDI_NOTES.values())
    first = dict(zip(reversed(notes), reversed(Voice), strict=True))
    written = {line["name"]: read_kit(line).voices() for line in performance.of("kit")}
    return {performance.header.get("kit", ""): first, **written}


def _lane(voices: Mapping[int, Voice], note: int) -> int:
    """Return the lane of a drum."""
    group = GROUP_OF[voices[note]] if note in voices else next(iter(GROUPS))
    return LANES.index(LANE_OF_GROUP[group])


def _mark(x: float, lane: int, velocity: float, colour: str) -> str:
    height = (LANE - 2) * (0.25 + 0.75 * velocity / 127)
    return element("rect", x=x, y=TOP + LANE * (lane + 1) - height, width=4.0, height=height, fill=colour)


def _reasons(heard: Sequence[Line], bars: range) -> str:
    """Return, for each bar that something was heard in, what was understood and what comes of it."""
    rows = []
    for each in heard:
        if each["bar"] not in bars:
            continue
        features = each["features"]
        understood = (
            f"{riff_of(features['riff_bars'])}, activity {features['activity']:.2f}, "
            f"loudness {features['loudness']:.2f}"
        )
        moved = (
            "; ".join(f"{what} {amount:+.2f} ({why})" for what, amount, why in each["reasons"]) or "nothing"
        )
        rows.append(table_row((f"{each['bar'] + 1}", understood, moved), ("number", "", "")))
    return enclose("table", table_header("bar", "heard", "moved") + "".join(rows))
