"""Half and double time: a written bar read at another speed while its timekeeper keeps its pulse.

In half time each half of a bar lasts a whole one, the first and the second in turn, so that the backbeat is
on three; in double time the bar is heard twice, with the backbeat on the second eighth of each beat. Hats,
ride and bell stay where they are written, as a drummer's right hand does, and so do crashes and fills.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from liveengine.music.beats import FOUR_FOUR, STEPS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.drums import Voice
from liveengine.music.groove import swung_steps
from liveengine.music.pattern import MICRO_MAX, MICRO_MIN, Bar, Hit
from liveengine.music.requirement import DRUMS

HALF_TIME, DOUBLE_TIME = "half_time", "double_time"
TIMEKEEPER, BACKBEAT, CRASH = DRUMS["timekeeper"], DRUMS["backbeat"], DRUMS["crash"]
BEAT_THREE = 8
BACKBEAT_LEAST = 50
"""A bar whose loudest snare is softer has no backbeat."""
BACKBEAT_SHARE = 0.75
"""Snares this near to the loudest of a bar, in velocity, are backbeats."""
GHOST_SHARE = 0.55
"""Softer ones are ghosts."""
OTHER_BEATS = (0, 4, 12)
KICK_LEAST = 50
"""Softer kicks, those that only feather the beat, are left out between the beats of double time."""
REPEATED_SHARE = 0.75
"""How loud a timekeeper's stroke is between two that are written."""
LATE_TRIPLET = 3
"""Ticks off its sixteenth from which on a stroke may be a triplet's; four is one."""
EIGHTH = STEPS_PER_BEAT // 2


def halved(bar: Bar, swing_percent: float, unit_steps: int, *, second_half: bool, fill: bool) -> Bar:
    """Return what sounds of a bar in half time: its second half, or its first, over all of a bar.

    A `fill` stays as it is written from where it begins. The swing is the one in the bar's micro-timing.
    """
    if is_in_half_time(bar):
        return bar
    placed, kept, hands, end = _parted(bar, swing_percent, unit_steps, fill=fill)
    again = _halved(placed, hands, end, second_half=second_half)
    rest = [hit for hit in hands if hit.step >= end]
    return Bar(bar.meter, tuple(sorted(loudest([*again, *rest, *kept]))))


def doubled(bar: Bar, swing_percent: float, unit_steps: int, *, fast: bool, fill: bool) -> Bar:
    """Return what sounds of a bar in double time: all of it, twice. A `fast` one keeps kicks to eighths.

    A `fill` stays as it is written from where it begins. The swing is the one in the bar's micro-timing.
    """
    placed, kept, hands, end = _parted(bar, swing_percent, unit_steps, fill=fill)
    quick = [hit for hit in hands if hit.step % (4 if fast else 2) == 0 or hit.voice in BACKBEAT]
    again = _doubled(placed, quick, end)
    if bar.meter == FOUR_FOUR and not is_in_half_time(bar):
        again = _on_offbeats(again, _backbeat_of(hands), end)
    kept += [] if fill else placed.eighths_between(kept)
    rest = [hit for hit in hands if hit.step >= end]
    return Bar(bar.meter, tuple(sorted(loudest([*again, *rest, *kept]))))


def sounds_on(time: str) -> tuple[tuple[int, ...], ...]:
    """Return the steps on which the hands and the kick of each step of a written bar sound, read in a time.

    In half time that is so in the bar that has this half of it.
    """
    steps = range(FOUR_FOUR.steps)
    half = FOUR_FOUR.steps // 2
    if time == HALF_TIME:
        return tuple((step % half * 2,) for step in steps)
    if time == DOUBLE_TIME:
        return tuple(() if step % 2 else (step // 2, step // 2 + half) for step in steps)
    return tuple((step,) for step in steps)


def _parted(
    bar: Bar, swing_percent: float, unit_steps: int, *, fill: bool
) -> tuple[SwungPlaces, list[Hit], list[Hit], int]:
    """Return the places of a bar, the strokes that stay, the others, and the step at which a fill begins."""
    kept = [hit for hit in bar.hits if hit.voice in TIMEKEEPER | CRASH]
    hands = [hit for hit in bar.hits if hit.voice not in TIMEKEEPER | CRASH]
    end = _fill_begins(bar) if fill else bar.meter.steps
    return SwungPlaces(bar, swing_percent, unit_steps), kept, hands, end


def _backbeat_of(hands: Iterable[Hit]) -> Hit | None:
    """Return the loudest snare of a bar that has a backbeat."""
    loudest = max((hit for hit in hands if hit.voice in BACKBEAT), key=_velocity, default=None)
    return loudest if loudest is not None and loudest.velocity >= BACKBEAT_LEAST else None


def is_in_half_time(bar: Bar) -> bool:
    """Tell whether a bar has its backbeat on three as it is written."""
    backbeat = _backbeat_of(bar.hits)
    if backbeat is None or bar.meter != FOUR_FOUR:
        return False
    least = BACKBEAT_SHARE * backbeat.velocity
    struck = {hit.step for hit in bar.hits if hit.voice in BACKBEAT and hit.velocity >= least}
    return BEAT_THREE in struck and struck.isdisjoint((*range(1, BEAT_THREE), 12))


def _fill_begins(bar: Bar) -> int:
    """Return from where on a fill stays as it is: its middle, or earlier where the timekeeper stops."""
    quarter, half = bar.meter.steps // 4, bar.meter.steps // 2
    goes_on = any(hit.voice in TIMEKEEPER and quarter <= hit.step < half for hit in bar.hits)
    return half if goes_on else quarter


def _halved(placed: SwungPlaces, hands: list[Hit], end: int, *, second_half: bool) -> list[Hit]:
    """Return kick, snare and toms of half a bar over a whole one: of the beats only three has a backbeat."""
    begin = placed.steps // 2 if second_half else 0
    hits = placed.moved(hands, begin, 2.0, 0, end)
    if placed.steps != FOUR_FOUR.steps:
        return hits
    if not any(hit.voice is Voice.KICK and hit.step == 0 for hit in hits):
        hits += [hit for hit in hands if hit.voice is Voice.KICK and hit.step == 0]
    backbeat = _backbeat_of(hands)
    if backbeat is None:
        return hits
    on_three = [hit for hit in hits if hit.voice in BACKBEAT and hit.step == BEAT_THREE]
    has_it = any(hit.velocity >= BACKBEAT_SHARE * backbeat.velocity for hit in on_three)
    free = OTHER_BEATS if has_it else (*OTHER_BEATS, *range(BEAT_THREE - EIGHTH, BEAT_THREE + EIGHTH + 1))
    hits = [hit for hit in hits if hit.step not in free or _is_soft(hit, backbeat)]
    return hits if has_it or end <= BEAT_THREE else [*hits, replace(backbeat, step=BEAT_THREE)]


def _doubled(placed: SwungPlaces, hands: list[Hit], end: int) -> list[Hit]:
    """Return kick, snare and toms of a bar twice in it: no ghosts, no soft kick and none under a backbeat."""
    backbeat = _backbeat_of(hands)
    quick = [hit for hit in hands if hit.step % 2 == 0]
    quick = [hit for hit in quick if hit.voice not in BACKBEAT or not _is_soft(hit, backbeat)]
    length = (end + 1) // 2
    hits = placed.moved(quick, 0, 0.5, 0, length) + placed.moved(quick, 0, 0.5, length, end)
    backbeats = {hit.step for hit in hits if hit.voice in BACKBEAT and hit.step % STEPS_PER_BEAT}
    return [
        hit
        for hit in hits
        if hit.voice is not Voice.KICK
        or hit.step % STEPS_PER_BEAT == 0
        or (hit.step not in backbeats and hit.velocity >= KICK_LEAST)
    ]


def _on_offbeats(hits: list[Hit], backbeat: Hit | None, end: int) -> list[Hit]:
    """Return strokes with the backbeat, if there is one, on each second eighth and nowhere else."""
    if backbeat is None:
        return hits
    kept = [hit for hit in hits if hit.voice not in BACKBEAT or hit.step % STEPS_PER_BEAT == EIGHTH]
    struck = {hit.step for hit in kept if hit.voice in BACKBEAT}
    missing = [step for step in range(EIGHTH, end, STEPS_PER_BEAT) if step not in struck]
    return [
        *(hit for hit in kept if hit.voice is not Voice.KICK or hit.step not in missing),
        *(replace(backbeat, step=step) for step in missing),
    ]


def _is_soft(hit: Hit, backbeat: Hit | None) -> bool:
    """Tell whether a stroke is no snare that could be taken for a backbeat."""
    return hit.voice not in BACKBEAT or (
        backbeat is not None and hit.velocity < GHOST_SHARE * backbeat.velocity
    )


class SwungPlaces:
    """Where strokes of a bar lie: their place on the swung grid, and how far off it they are."""

    def __init__(self, bar: Bar, swing_percent: float, unit_steps: int) -> None:
        self._swing, self._unit = swing_percent, unit_steps
        self.steps = bar.meter.steps
        thirds = sum(is_triplet(hit) and hit.micro < 0 for hit in bar.hits)  # no sixteenth swings so early
        self._in_triplets = thirds > sum(hit.step % STEPS_PER_BEAT == EIGHTH for hit in bar.hits)

    def late(self, step: int) -> float:
        """Return how many sixteenths after its place swing lets a step sound."""
        return swung_steps(step, self._swing, self._unit) - step

    def eighths_between(self, kept: Iterable[Hit]) -> list[Hit]:
        """Return the timekeeper's strokes again, softer, in between, where it is in quarters or less."""
        pulse = [hit for hit in kept if hit.voice in TIMEKEEPER]
        struck = {hit.step for hit in pulse}
        if not struck or len(struck) > self.steps // STEPS_PER_BEAT:
            return []
        between = []
        for step in range(0, self.steps, EIGHTH):
            if struck.isdisjoint((step - 1, step, step + 1)):
                last = max((hit for hit in pulse if hit.step < step), key=_step, default=pulse[-1])
                voice = Voice.CLOSED_HAT if last.voice is Voice.OPEN_HAT else last.voice
                micro = max(MICRO_MIN, min(MICRO_MAX, round(self.late(step) * TICKS_PER_STEP)))
                how_open = last.openness if voice is last.voice else None
                between.append(
                    Hit(step, voice, micro, max(1, round(REPEATED_SHARE * last.velocity)), how_open)
                )
        return between

    def moved(self, hits: Iterable[Hit], begin: int, factor: float, to: int, end: int) -> list[Hit]:
        """Return the strokes from `begin` on, `factor` times as far apart from step `to` on, up to `end`."""
        moved = []
        for hit in hits:
            step = to + round((hit.step - begin) * factor)
            if hit.step < begin or step >= end:
                continue
            if self._in_triplets and is_triplet(hit):
                third = round((hit.step + hit.micro / TICKS_PER_STEP) * 3 / STEPS_PER_BEAT) / 3
                at = third * STEPS_PER_BEAT
                place = to + (at - begin) * factor
                off = hit.step + hit.micro / TICKS_PER_STEP - at
                moved.append(placed_at(hit, place + off, round(place), end))
                continue
            off = hit.micro / TICKS_PER_STEP - self.late(hit.step)
            moved.append(placed_at(hit, step + self.late(step) + off, step, end))
        return moved


def is_triplet(hit: Hit) -> bool:
    """Tell whether a stroke lies on the second or third triplet of its beat."""
    return (hit.step % STEPS_PER_BEAT, hit.micro > 0) in ((1, True), (3, False)) and (
        abs(hit.micro) >= LATE_TRIPLET
    )


def placed_at(hit: Hit, place: float, step: int, end: int) -> Hit:
    """Return a stroke at a place, as one of a step where its micro-timing reaches as far."""
    micro = round((place - step) * TICKS_PER_STEP)
    if not MICRO_MIN <= micro <= MICRO_MAX:
        step = max(0, min(end - 1, round(place)))
        micro = max(MICRO_MIN, min(MICRO_MAX, round((place - step) * TICKS_PER_STEP)))
    return replace(hit, step=step, micro=micro)


def _step(hit: Hit) -> int:
    return hit.step


def _velocity(hit: Hit) -> int:
    return hit.velocity


def loudest(hits: Iterable[Hit]) -> list[Hit]:
    """Return one stroke a voice and step, where two have come to lie on each other."""
    found: dict[tuple[int, Voice], Hit] = {}
    for hit in hits:
        known = found.get((hit.step, hit.voice))
        if known is None or hit.velocity > known.velocity:
            found[hit.step, hit.voice] = hit
    return list(found.values())
