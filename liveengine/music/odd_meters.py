"""A bar of 4/4 read in another time signature: beats are left out, played again, or have three eighths.

The backbeat stays one: in 3/4 it is on two and three, in 5/4 (three and two beats) on two and five, in 6/8 on
the fourth eighth; a style whose backbeat is on three keeps one stroke a bar. 7/8 is 4/4 without its last
eighth. A fill keeps its first beat and its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from liveengine.music.beats import FOUR_FOUR, STEPS_PER_BEAT, TICKS_PER_STEP, Meter
from liveengine.music.drums import Voice
from liveengine.music.half_time import (
    CRASH,
    REPEATED_SHARE,
    TIMEKEEPER,
    SwungPlaces,
    is_in_half_time,
    is_triplet,
    loudest,
    placed_at,
)
from liveengine.music.pattern import Bar, Hit

Span = tuple[int, int]
"""Steps of the written bar, from one up to another."""
WHOLE: Span = (0, FOUR_FOUR.steps)


def _beats(*beats: int) -> tuple[Span, ...]:
    return tuple((STEPS_PER_BEAT * beat, STEPS_PER_BEAT * (beat + 1)) for beat in beats)


SPANS: Mapping[str, tuple[Sequence[Span], Sequence[Span], Sequence[Span]]] = {
    "4/4": ((WHOLE,), (WHOLE,), (WHOLE,)),
    "2/4": (_beats(0, 1), _beats(0, 2), _beats(0, 3)),
    "3/4": (_beats(0, 1, 3), _beats(0, 1, 2), _beats(0, 2, 3)),
    "5/4": (_beats(0, 1, 2, 2, 3), _beats(0, 1, 2, 3, 3), _beats(0, 1, 1, 2, 3)),
    "6/4": (_beats(0, 1, 2, 3, 2, 3), _beats(0, 1, 2, 3, 0, 1), _beats(0, 1, 0, 1, 2, 3)),
    "7/4": (_beats(0, 1, 2, 3, 0, 1, 3), _beats(0, 1, 2, 3, 0, 1, 2), _beats(0, 1, 3, 0, 1, 2, 3)),
    "5/8": (((0, 4), (2, 8)), ((0, 4), (2, 4), (8, 12)), ((0, 4), (10, 16))),
    "7/8": (((0, 14),), ((0, 14),), ((0, 4), (6, 16))),
    "11/8": (((0, 16), (0, 6)), ((0, 16), (0, 6)), ((0, 6), (0, 16))),
    "3/8": (_beats(0, 1, 3), _beats(0, 1, 2), _beats(0, 2, 3)),
    "6/8": (_beats(0, 1), _beats(0, 2), _beats(0, 3)),
    "9/8": (_beats(0, 1, 3), _beats(0, 1, 2), _beats(0, 2, 3)),
    "12/8": (_beats(0, 1, 2, 3), _beats(0, 1, 2, 3), _beats(0, 1, 2, 3)),
}
"""What a meter takes of a bar: usually, of one with its backbeat on three, and of a fill."""
IN_THREES = ("6/8", "9/8", "12/8")
"""Meters whose beats have three eighths."""
IN_EIGHTHS = ("3/8",)
"""Meters in which a beat of the written bar lasts an eighth."""
THIRDS = (0, 2, 4, 5)
"""Where the sixteenths of a beat lie in one of three eighths: an eighth is played long, as in a shuffle."""


def in_meter(bar: Bar, meter: Meter, swing_percent: float, unit_steps: int, *, fill: bool) -> Bar:
    """Return what sounds of a bar of 4/4 in a meter of `METERS`; a bar that is not in 4/4 stays as it is.

    The swing is the one that is in the bar's micro-timing.
    """
    if meter == bar.meter or bar.meter != FOUR_FOUR:
        return bar
    places = SwungPlaces(bar, swing_percent, unit_steps)
    hits: list[Hit] = []
    crashed: set[Hit] = set()
    for begin, first, last in _laid(meter, on_three=is_in_half_time(bar), fill=fill):
        inside = [hit for hit in bar.hits if first <= hit.step < last and hit not in crashed]
        crashed |= {hit for hit in inside if hit.voice in CRASH}  # it is struck once, whatever is repeated
        if str(meter) in IN_THREES:
            hits += _in_threes(places, inside, first, begin)
        elif str(meter) in IN_EIGHTHS:
            slower = [hit for hit in inside if hit.step % (4 if hit.voice in TIMEKEEPER else 2) == 0]
            hits += places.moved(slower, first, 0.5, begin, meter.steps)
        else:
            hits += places.moved(inside, first, 1.0, begin, meter.steps)
    return Bar(meter, tuple(sorted(loudest(hits))))


def sounds_on(meter: Meter, *, on_three: bool, fill: bool) -> tuple[tuple[int, ...], ...]:
    """Return the steps on which each step of a written bar sounds in a meter: none, one or more.

    `on_three` is a bar with its backbeat on three as it is written.
    """
    found: list[list[int]] = [[] for _ in range(FOUR_FOUR.steps)]
    for begin, first, last in _laid(meter, on_three=on_three, fill=fill):
        for step in range(first, last):
            if str(meter) in IN_THREES:
                found[step].append(begin + THIRDS[step - first])
            elif str(meter) not in IN_EIGHTHS:
                found[step].append(begin + step - first)
            elif step % 2 == 0:
                found[step].append(begin + (step - first) // 2)
    return tuple(tuple(steps) for steps in found)


def _laid(meter: Meter, *, on_three: bool, fill: bool) -> Iterator[tuple[int, int, int]]:
    """Yield the step that each span of a written bar begins on in a meter, and the span."""
    usual, half_time, filled = SPANS[str(meter)]
    begin = 0
    for first, last in filled if fill else half_time if on_three else usual:
        yield begin, first, last
        if str(meter) in IN_THREES:
            begin += 6
        else:
            begin += (last - first) // (2 if str(meter) in IN_EIGHTHS else 1)


def _in_threes(places: SwungPlaces, hits: Sequence[Hit], first: int, begin: int) -> list[Hit]:
    """Return the strokes of a beat over three eighths from a step on; a pulse in eighths stays one."""
    moved = [_in_thirds(places, hit, first, begin) for hit in hits]
    for voice in TIMEKEEPER:
        pulse = [hit for hit in hits if hit.voice is voice]
        if len({hit.step for hit in pulse}) > 1 and not any(is_triplet(hit) for hit in pulse):
            moved = [hit for hit in moved if hit.voice is not voice]
            moved += _eighths(pulse, voice, begin)
    return moved


def _in_thirds(places: SwungPlaces, hit: Hit, first: int, begin: int) -> Hit:
    """Return a stroke where it lies in a beat of three eighths, as late or early as it is."""
    if is_triplet(hit):
        third = round((hit.step - first + hit.micro / TICKS_PER_STEP) * 3 / STEPS_PER_BEAT)
        return replace(hit, step=begin + 2 * min(third, 2), micro=0)
    step = begin + THIRDS[hit.step - first]
    off = hit.micro / TICKS_PER_STEP - places.late(hit.step)
    return placed_at(hit, step + off, step, begin + 6)


def _eighths(pulse: Iterable[Hit], voice: Voice, begin: int) -> list[Hit]:
    """Return a timekeeper's strokes in a beat as three eighths, the middle one softer."""
    first, *_, last = sorted(pulse)
    soft = max(1, round(REPEATED_SHARE * first.velocity))
    micro = first.micro if first.step % STEPS_PER_BEAT == 0 else 0
    return [
        Hit(begin, voice, micro, first.velocity, first.openness),
        Hit(begin + 2, voice, 0, soft, first.openness),
        Hit(begin + 4, voice, 0, last.velocity, last.openness),
    ]
