"""How a written bar is read: in half or double time, and in another time signature than it is written in.

Drums are written in 4/4, which is what the model knows. What sounds is read from that, so that a style stays
itself, and later bars follow what is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liveengine.music import half_time, odd_meters
from liveengine.music.beats import FOUR_FOUR, Meter, read_meter
from liveengine.music.half_time import DOUBLE_TIME, HALF_TIME, doubled, halved
from liveengine.music.odd_meters import in_meter
from liveengine.music.pattern import Bar
from liveengine.music.requirement import DRUMS

FAST_BPM = 115.0
"""From here on a foot has no time for sixteenths between the snares of double time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a written bar is read: `time` is half_time, double_time, or "" for as it is written.

    Half time reads the `second_half` of it, or the first. A `fill` stays as it is written from where it
    begins. At a `fast` tempo double time keeps kicks to the eighths. The bar is read in a `meter`.
    """

    time: str = ""
    second_half: bool = False
    fill: bool = False
    fast: bool = False
    meter: str = str(FOUR_FOUR)


AS_WRITTEN = Reading()


def reading_of(
    time: str, index: int, bar: Bar, *, bpm: float, fill: bool, meter: Meter = FOUR_FOUR
) -> Reading:
    """Return how bar `index` is read in half or double time; one that begins with a crash from there on."""
    signature = str(meter)
    if time == HALF_TIME:
        crash = any(hit.voice in DRUMS["crash"] and hit.step == 0 for hit in bar.hits)
        return Reading(time, index % 2 == 1 and not crash and not fill, fill, meter=signature)
    if time == DOUBLE_TIME:
        return Reading(time, fill=fill, fast=bpm >= FAST_BPM, meter=signature)
    return AS_WRITTEN if meter == FOUR_FOUR else Reading(fill=fill, meter=signature)


def read(bar: Bar, reading: Reading, swing_percent: float, unit_steps: int) -> Bar:
    """Return what sounds of a written bar; the swing is the one that is in its micro-timing.

    Places go further apart or nearer, and what lies off them stays as late or early as it is: swing is that
    of the new place.
    """
    if reading.time == HALF_TIME:
        bar = halved(bar, swing_percent, unit_steps, second_half=reading.second_half, fill=reading.fill)
    elif reading.time == DOUBLE_TIME:
        bar = doubled(bar, swing_percent, unit_steps, fast=reading.fast, fill=reading.fill)
    return in_meter(bar, read_meter(reading.meter), swing_percent, unit_steps, fill=reading.fill)


def accents_as_written(
    accents: Sequence[float], time: str, meter: Meter, *, on_three: bool, fill: bool
) -> tuple[float, ...]:
    """Return accents by sixteenth, 0-1, as accents of the written bar that is then read in a time and meter.

    Of a step that sounds more than once the strongest counts, and one that does not sound has none. A bar
    `on_three` has its backbeat there as it is written; a `fill` is read in no other time.
    """

    def strongest(levels: Sequence[float], steps: Sequence[int]) -> float:
        return max((levels[step] for step in steps if step < len(levels)), default=0.0)

    read_time = "" if fill or (on_three and time == HALF_TIME) else time
    whole = [strongest(accents, steps) for steps in odd_meters.sounds_on(meter, on_three=on_three, fill=fill)]
    return tuple(strongest(whole, steps) for steps in half_time.sounds_on(read_time))
