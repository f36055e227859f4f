"""The horizon: the bars that have been, the bar that plays, and the bars planned ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.control import ControlState
from liveengine.music.drawing import Stroke
from liveengine.music.drums import GROUP_OF
from liveengine.music.groove import Grooving
from liveengine.music.heard import Pocket
from liveengine.music.kit import KitMap
from liveengine.music.pattern import Bar, Hit, TimedHit
from liveengine.music.reading import AS_WRITTEN, Reading, read, reading_of
from liveengine.music.request import PHRASE_BARS, Conditioning, ContextBar, context_begins
from liveengine.music.style import Style
from liveengine.playback.messages import PlannedHit, Provenance, planned_hit

PAST_BARS = 2 * PHRASE_BARS + 1
"""Bars kept after they have played: all that a bar that plays may be written from."""

NOWHERE = -1
"""The index of no bar."""


@dataclass(frozen=True, slots=True)
class PlacedHit:
    """A hit of the plan: the step it belongs to, and the groove, by serial, that made it at a place.

    It is `drawn` where a player has put it there by hand.
    """

    serial: int
    step: int
    groove: int
    place: int
    timed: TimedHit
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Groove:
    """What gave hits their feel, and the decodes that had written the bar: (from step, decode id).

    It is the bar as it is read where the `reading` is another than as it is written.
    """

    serial: int
    parts: tuple[tuple[int, int], ...]
    made: Grooving
    reading: Reading = AS_WRITTEN


@dataclass(frozen=True, slots=True)
class Beneath:
    """A bar as it was written and felt, beneath what is drawn over it."""

    serial: int
    bar: Bar
    hits: tuple[PlacedHit, ...]


@dataclass(frozen=True, slots=True)
class PlannedBar:
    """A bar of the plan, with what made it.

    `bar` and `hits` are what sounds: where `strokes` are drawn by hand, over what lies `beneath`.
    `parts` are the decodes that made it, (from step, decode id), `grooves` what gave its hits their feel.
    From `stale_from` on it plays only if nothing newer comes in time; None where it is as it should be.
    `generated_ms` is None for a fallback, `waited_ms` and `allowed_ms` where nobody waited for it. It was
    written `tries` times until it had what its genre must have. The drums in `borrowed` are played by the
    style `lender`. `pocket` is how other players' timing moves it.

    Where `bar` is read in half or double time, or in another meter than 4/4, `written` is what it was read
    from, and what later bars follow; it is None where a gesture has changed what sounds. The last bar of an
    ending `closes`. One that is `mixed` was begun in another style, and no bar follows it.
    """

    index: int
    serial: int
    bar: Bar
    conditioning: Conditioning
    style: Style
    tokens: int
    generated_ms: float | None
    hits: tuple[PlacedHit, ...] = ()
    grooves: tuple[Groove, ...] = ()
    waited_ms: float | None = None
    allowed_ms: float | None = None
    late: bool = False
    fallback: bool = False
    parts: tuple[tuple[int, int], ...] = ()
    stale_from: int | None = None
    tries: int = 1
    lender: Style | None = None
    borrowed: frozenset[str] = frozenset()
    strokes: tuple[Stroke, ...] = ()
    beneath: Beneath | None = None
    pocket: Pocket | None = None
    reading: Reading = AS_WRITTEN
    written: Bar | None = None
    closes: bool = False
    mixed: bool = False

    def plain(self) -> PlannedBar:
        """Return the bar as it is without what is drawn by hand."""
        if self.beneath is None:
            return self
        used = {hit.groove for hit in self.beneath.hits}
        return replace(
            self,
            serial=self.beneath.serial,
            bar=self.beneath.bar,
            hits=self.beneath.hits,
            grooves=tuple(groove for groove in self.grooves if groove.serial in used),
            strokes=(),
            beneath=None,
        )

    def read_in(self, time: str, meter: Meter) -> PlannedBar:
        """Return the bar, with nothing drawn over it, read in half or double time and in a meter.

        Its hits have their feel yet to come. One that a gesture has changed as it sounds stays as it is.
        """
        if time == self.reading.time and meter == self.bar.meter:
            return self
        if self.reading != AS_WRITTEN and self.written is None:
            return self
        written, feel = self.written or self.bar, self.style.feel
        bpm, fill = self.conditioning.bpm or 0.0, bool(self.conditioning.fill)
        reading = reading_of(time, self.index, written, bpm=bpm, fill=fill, meter=meter)
        bar = read(written, reading, feel.learned_swing_percent, feel.swing_unit_steps)
        return replace(self, bar=bar, reading=reading, written=None if reading == AS_WRITTEN else written)

    def drawn_hits(self) -> tuple[PlacedHit, ...]:
        """Return what sounds of the strokes drawn by hand."""
        return tuple(hit for hit in self.hits if hit.drawn)

    def context(self) -> ContextBar:
        """Return the bar as context of those that follow."""
        return ContextBar(self.serial, self.written or self.bar, self.conditioning)

    def planned_hits(
        self, start_beat: float, kit: KitMap, controls: ControlState, first_step: int = 0
    ) -> Iterator[PlannedHit]:
        """Yield the hits from a step on, addressed in session beats, as loud as the controls let them be."""
        for placed in self.hits:
            timed = placed.timed
            level = controls.level(GROUP_OF[timed.voice])
            if placed.step >= first_step and level > 0:
                decode_id = max(part for part in self.parts if part[0] <= placed.step)[1] if self.parts else 0
                velocity = levelled(timed.velocity, level)
                yield planned_hit(
                    kit.strike_voice(timed.voice, velocity, placed.step, timed.openness),
                    serial=placed.serial,
                    bar=self.index,
                    step=placed.step,
                    beat=start_beat + timed.beat,
                    offset_ms=timed.offset_ms,
                    level=level,
                    provenance=Provenance(
                        self.style.name,
                        decode_id,
                        placed.groove,
                        placed.place,
                        start_beat,
                        placed.drawn,
                    ),
                    voice=int(timed.voice),
                    kit=kit.name,
                )

    def spliced(self, newer: PlannedBar, step: int, serial: int) -> PlannedBar:
        """Return this bar up to `step` and `newer` from there on, as a bar with a serial of its own."""
        kept = [hit for hit in self.bar.hits if hit.step < step]
        new = [hit for hit in newer.bar.hits if hit.step >= step]
        return newer.played_as(
            self.hits_before(step) + tuple(hit for hit in newer.hits if hit.step >= step),
            self.grooves,
            serial=serial,
            bar=Bar(newer.bar.meter, tuple(sorted(kept + new))),
            parts=(
                *self._parts_before(step, serial),
                (step, serial if newer.written else newer.parts[-1][1]),
            ),
            late=self.late,
            fallback=self.fallback,
            mixed=step > 0 and (self.mixed or self.style.name != newer.style.name),
        )

    def cut(self, step: int, serial: int) -> PlannedBar:
        """Return this bar up to a step, silent from there on."""
        return self.played_as(
            self.hits_before(step),
            serial=serial,
            bar=Bar(self.bar.meter, self.beginning(step)),
            parts=(*self._parts_before(step, serial), (step, serial)),
            stale_from=None,
            written=None,
        )

    def _parts_before(self, step: int, serial: int) -> tuple[tuple[int, int], ...]:
        """Return the decodes before a step; what was read of one is of a serial of its own once it is cut."""
        if self.written is not None:
            return ((0, serial),) if step else ()
        return tuple(part for part in self.parts if part[0] < step)

    def beginning(self, step: int) -> tuple[Hit, ...]:
        """Return what is written before a step."""
        return tuple(hit for hit in self.bar.hits if hit.step < step)

    def hits_before(self, step: int) -> tuple[PlacedHit, ...]:
        """Return what sounds of the steps before one."""
        return tuple(hit for hit in self.hits if hit.step < step)

    def played_as(
        self,
        hits: tuple[PlacedHit, ...],
        other_grooves: tuple[Groove, ...] = (),
        **changes: Any,
    ) -> PlannedBar:
        """Return the bar with these hits, which its own grooves and others have made."""
        used = {hit.groove for hit in hits}
        known = {groove.serial: groove for groove in (*other_grooves, *self.grooves)}
        grooves = tuple(known[serial] for serial in sorted(used))
        return replace(self, hits=hits, grooves=grooves, **changes)


def levelled(velocity: int, level: float) -> int:
    """Return a velocity as loud as a level above 0 lets it be."""
    return max(1, min(127, round(velocity * level)))


class Horizon:
    """Bars by index. `current` is the bar that plays, or the next to play before anything does."""

    def __init__(self, lookahead_bars: int) -> None:
        """Begin with nothing; plan `lookahead_bars` beyond the current one."""
        self.current = 0
        self.lookahead_bars = lookahead_bars
        self._bars: dict[int, PlannedBar] = {}
        self._past: deque[PlannedBar] = deque(maxlen=PAST_BARS)

    def get(self, index: int) -> PlannedBar | None:
        """Return the planned bar of an index, stale ones too."""
        return self._bars.get(index)

    def put(self, planned: PlannedBar) -> None:
        """Plan a bar in place of what was planned there."""
        self._bars[planned.index] = planned

    def make_stale(self, index: int, step: int) -> None:
        """Mark everything from (index, step) on to be made anew."""
        for later, planned in self._bars.items():
            if later >= index:
                from_step = step if later == index else 0
                known = planned.stale_from
                if known is None or from_step < known:
                    self._bars[later] = replace(planned, stale_from=from_step)

    def settle_current(self) -> None:
        """Let the bar that plays go on as it is: nothing newer will come."""
        planned = self._bars.get(self.current)
        if planned is not None and planned.stale_from is not None:
            self._bars[self.current] = replace(planned, stale_from=None)

    def forget_from(self, index: int) -> None:
        """Plan nothing from a bar on."""
        self._bars = {earlier: planned for earlier, planned in self._bars.items() if earlier < index}

    def missing(self, last: int | None = None) -> tuple[int, int] | None:
        """Return the first place (bar, step) within the lookahead from which something is to be made.

        Nothing is to be made after the `last` bar, if there is one.
        """
        end = self.current + self.lookahead_bars
        for index in range(self.current, 1 + (end if last is None else min(end, last))):
            planned = self._bars.get(index)
            if planned is None:
                return index, 0
            if planned.stale_from is not None:
                return index, planned.stale_from
        return None

    def from_bar(self, index: int) -> list[PlannedBar]:
        """Return the planned bars from `index` on, in order, up to the first gap."""
        bars = []
        while (planned := self._bars.get(index)) is not None:
            bars.append(planned)
            index += 1
        return bars

    def context_for(self, index: int, style: str) -> tuple[ContextBar, ...]:
        """Return the bars that bar `index` is written from in a style, oldest first.

        They are those of the same style right before it: a style begins with a groove of its own. Of bars in
        other meters only what is written in 4/4 is followed.
        """
        bars = [planned for planned in self._before(index) if planned.index >= context_begins(index)]
        same = takewhile(lambda planned: planned.style.name == style and not planned.mixed, reversed(bars))
        contexts = [planned.context() for planned in same]
        return tuple(each for each in reversed(contexts) if each.bar.meter == FOUR_FOUR)

    def follows_fill(self, index: int) -> bool:
        """Tell whether the bar before one is a fill."""
        bars = self._before(index)
        return bool(bars and bars[-1].conditioning.fill)

    def _before(self, index: int) -> list[PlannedBar]:
        ahead = [self._bars[each] for each in range(self.current, index) if each in self._bars]
        return [*self._past, *ahead]

    def played(self) -> list[PlannedBar]:
        """Return the bars that have been, the current one too, oldest first."""
        current = self._bars.get(self.current)
        return [*self._past, current] if current else list(self._past)

    def forget_past(self) -> None:
        """Let what comes follow nothing that has been."""
        self._past.clear()

    def finish_current(self) -> PlannedBar | None:
        """Move on by a bar and return the one that ended."""
        ended = self._bars.pop(self.current, None)
        if ended is not None:
            self._past.append(ended)
        self.current += 1
        return ended
