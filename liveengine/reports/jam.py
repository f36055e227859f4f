"""Player and drummer on one page: what was heard and what was played, bar by bar, and what moved what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def jam_section(performance: Performance) -> list[str]:
    """Return the section; nothing where nobody was heard."""
    heard = performance.of("heard")
    onsets = [onset for each in heard for onset in each["onsets"]]
    bars = performance.bars()
    if not onsets or not bars:
        return []
    beats = read_meter(str(performance.header.get("meter", "4/4"))).beats
    first = max(0, int((min(onset[0] for onset in onsets) + EARLY_BEATS) // beats))
    last = min(first + MOST_BARS, max(int(bar["bar"]) for bar in bars) + 1)
    rows = [
        _row(performance, onsets, range(begin, min(begin + BARS_A_ROW, last)), beats)
        for begin in range(first, last, BARS_A_ROW)
    ]
    return [
        element("h2", "Player and drummer"),
        *rows,
        element("h2", "What moved what"),
        _reasons(heard, range(first, last)),
    ]


def _row(performance: Performance, onsets: Sequence[Sequence[float]], bars: range, beats: float) -> str:
    """Return a few bars: a lane for the player, and one for each kind of drum."""
    lines = {int(bar["bar"]): float(bar["beat"]) for bar in performance.bars()}
    height = TOP + LANE * len(LANES) + 4
    span = BARS_A_ROW * beats
    per_beat = (WIDTH - LEFT - RIGHT) / span

    def place(beat: float) -> float:
        return LEFT + (beat - bars.start * beats) * per_beat

    parts = [label(LEFT - 6, TOP + LANE * (lane + 0.8), name, "end") for lane, name in enumerate(LANES)]
    for bar in bars:
        x = place(bar * beats)
        parts += [line((x, TOP), (x, height), GRID, 1.5), label(x + 3, TOP - 5, f"{bar + 1}", "start")]
        parts += [
            line((x + beat * per_beat, TOP), (x + beat * per_beat, height), GRID)
            for beat in range(1, int(beats))
        ]
    for beat, _channel, _pitch, velocity, *_ in onsets:
        if bars.start * beats - EARLY_BEATS <= beat < bars.stop * beats:
            parts.append(_mark(place(beat), 0, velocity, PLAYER))
    kits = _voices_of_kits(performance)
    for note in performance.of("note"):
        if note["bar"] in bars and note["bar"] in lines:
            beat = note["bar"] * beats + note["beat"] - lines[note["bar"]]
            parts.append(
                _mark(
                    place(beat),
                    _lane(kits[note.get("kit", next(iter(kits)))], note["note"]),
                    note["velocity"],
                    DRUMMER,
                )
            )
    return picture(WIDTH, height, parts, f"player and drummer in bars {bars.start + 1} to {bars.stop}")


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
