"""The bars of a MIDI file: which meter of the model holds from where, and how many bars there are.

A file ends on a bar line. Its first bar may be a pick-up and its last one cut short: both are read as whole
bars, silent where nothing is written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from liveengine.music.beats import METERS, TICKS_PER_BEAT, Meter
from liveengine.music.drums import Voice
from liveengine.music.midi_file import TrackEnd
from liveengine.music.pattern import Bar
from liveengine.tokens.tokenizer import FIRST_TICK_SLACK, bars_of_notes

SLACK_BEATS = FIRST_TICK_SLACK / TICKS_PER_BEAT
"""So much before a bar line a stroke is the next bar's, and an end is on the line."""
VOICES = {int(voice): voice for voice in Voice}

Signature = tuple[float, int, int]
"""Beat, numerator, denominator."""
VoicedStroke = tuple[float, Voice, int, float | None]
"""Beat, voice, velocity, openness."""


@dataclass(frozen=True, slots=True)
class Section:
    """Bars of one meter, from a beat of the file on; `meter` is None where the model does not know it.

    `written` is the time signature in the file. `lead_beats` of silence come before a pick-up.
    """

    start_beat: float
    end_beat: float
    bars: int
    meter: Meter | None
    written: str
    lead_beats: float = 0.0

    def holds(self, beat: float) -> bool:
        """Return whether a stroke is in these bars: half a sixteenth before its bar line it belongs to it."""
        begins = -math.inf if self.start_beat <= 0 else self.start_beat
        return _ticks(begins) - FIRST_TICK_SLACK <= _ticks(beat) < _ticks(self.end_beat) - FIRST_TICK_SLACK


def _ticks(beat: float) -> float:
    return round(beat * TICKS_PER_BEAT) if math.isfinite(beat) else beat


def known_meter(numerator: int, denominator: int) -> Meter | None:
    """Return the meter of the model that a time signature is read as, None where no bar is as long.

    That is itself, or one of bars as long: 2/2 and 8/8 are 4/4. 8/4 and 4/2 are two bars of 4/4.
    """
    beats = numerator * 4 / denominator
    as_long = 4.0 if beats == 8.0 else beats
    written = (meter for meter in METERS if str(meter) == f"{numerator}/{denominator}")
    others = (meter for meter in METERS if meter.beats == as_long)  # the quarters come first
    return next(written, None) or next(others, None)


def sections_of(
    signatures: Sequence[Signature], last_stroke_beat: float, ends: Sequence[TrackEnd]
) -> tuple[Section, ...]:
    """Return the sections of a file whose last stroke and ends of tracks are these.

    An end of track counts where it comes after the track's last note, or is on a bar line: otherwise it only
    says how long that note rings.
    """
    last_beat = max(last_stroke_beat, *(end.beat for end in ends), 0.0)
    starts = _starts([each for each in signatures if each[0] <= last_beat])
    found: list[Section] = []
    for (beat, numerator, denominator), (end, _, _) in zip(
        starts, [*starts[1:], (math.inf, 0, 0)], strict=True
    ):
        bar_beats = numerator * 4 / denominator
        meter = known_meter(numerator, denominator)
        step = meter.beats if meter else bar_beats
        written = f"{numerator}/{denominator}"
        if math.isfinite(end):
            bars = max(1, math.ceil((end - beat - SLACK_BEATS) / step))
        else:
            bars = _bars_at_the_end(beat, step, last_stroke_beat, ends)
        if bars:
            found.append(Section(beat, end, bars, meter, written))
    return tuple(_joined(_whole(found)))


def _starts(signatures: Sequence[Signature]) -> list[Signature]:
    """Return time signatures from beat 0 on, 4/4 where none is; of those at one place the last.

    One that says what holds already begins no bar.
    """
    starts: list[Signature] = [(0.0, 4, 4)]
    for beat, numerator, denominator in signatures:
        if beat - starts[-1][0] <= SLACK_BEATS:
            starts[-1] = (starts[-1][0], numerator, denominator)
        elif starts[-1][1:] != (numerator, denominator):
            starts.append((beat, numerator, denominator))
    return starts


def _bars_at_the_end(beat: float, step: float, last_stroke_beat: float, ends: Sequence[TrackEnd]) -> int:
    bars = 0
    if _ticks(last_stroke_beat) >= _ticks(beat) - FIRST_TICK_SLACK:
        bars = int((_ticks(last_stroke_beat - beat) + FIRST_TICK_SLACK) // (step * TICKS_PER_BEAT)) + 1
    for end in ends:
        length = end.beat - beat
        on_bar_line = abs(length - round(length / step) * step) <= SLACK_BEATS
        if end.after_notes or on_bar_line:
            bars = max(bars, math.ceil((length - SLACK_BEATS) / step))
    return bars


def _whole(sections: Sequence[Section]) -> list[Section]:
    """Return sections with a pick-up, and a short last bar, as whole bars of the meter beside them."""
    whole = list(sections)
    if len(whole) > 1:
        first, second = whole[:2]
        length = first.end_beat - first.start_beat
        if first.bars == 1 and second.meter and length < second.meter.beats - SLACK_BEATS:
            whole[0] = replace(first, meter=second.meter, lead_beats=second.meter.beats - length)
    if len(whole) > 1:
        before, last = whole[-2:]
        if last.bars == 1 and before.meter and _written_beats(last) < before.meter.beats:
            whole[-1] = replace(last, meter=before.meter)
    return whole


def _written_beats(section: Section) -> float:
    numerator, denominator = map(int, section.written.split("/"))
    return numerator * 4 / denominator


def _joined(sections: Sequence[Section]) -> list[Section]:
    """Return sections with those of one meter as one, where the second begins on a bar line of the first."""
    joined: list[Section] = []
    for section in sections:
        last = joined[-1] if joined else None
        if last and last.meter and last.meter == section.meter and _is_full(last):
            joined[-1] = replace(last, end_beat=section.end_beat, bars=last.bars + section.bars)
        else:
            joined.append(section)
    return joined


def _is_full(section: Section) -> bool:
    assert section.meter is not None
    length = section.lead_beats + section.end_beat - section.start_beat
    return abs(length - section.bars * section.meter.beats) <= 1 / TICKS_PER_BEAT


def bars_of_section(section: Section, strokes: Sequence[VoicedStroke]) -> tuple[Bar, ...]:
    """Return the bars of a section of a known meter, those without strokes too."""
    assert section.meter is not None
    offset = section.lead_beats - section.start_beat
    inside = [
        (beat + offset, int(voice), velocity, openness)
        for beat, voice, velocity, openness in strokes
        if section.holds(beat)
    ]
    bars = bars_of_notes(inside, ((0.0, section.meter),), VOICES)
    return (*bars, *(Bar(section.meter, ()) for _ in range(section.bars - len(bars))))
