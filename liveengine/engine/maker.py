"""Making bars: what is asked of the generator, and how its answer becomes a planned bar with feel."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

from liveengine.engine.horizon import PlannedBar
from liveengine.music.beats import Meter
from liveengine.music.control import ControlState
from liveengine.music.drums import GROUP_OF
from liveengine.music.fallback import fallback_bar
from liveengine.music.groove import groove
from liveengine.music.pattern import Bar, Hit, TimedHit
from liveengine.music.request import (
    GUIDED,
    PHRASE_BARS,
    BarReply,
    BarRequest,
    Conditioning,
    ContextBar,
    Guidance,
)
from liveengine.music.style import Style

VARIATION_BASE = 1.7
"""Variation 0 to 1 spans temperatures from .77 to 1.3 times the style's own."""


class BarMaker:
    """Gives every bar and hit its serial and its dice. One seed, one performance. Owned by the conductor."""

    def __init__(self, meter: Meter, seed: int, guidance: Guidance = GUIDED) -> None:
        """Begin a performance."""
        self._guidance = guidance
        self._meter = meter
        self._seed = seed
        self._serials = itertools.count(1)
        self._hit_serials = itertools.count(1)

    def request(
        self,
        index: int,
        revision: int,
        *,
        style: Style,
        controls: ControlState,
        bpm: float,
        context: tuple[ContextBar, ...],
        prefix: tuple[Hit, ...] = (),
        from_step: int = 0,
        fill: bool = False,
    ) -> BarRequest:
        """Return the request for a bar or its rest from a step on; another `revision` throws other dice."""
        return BarRequest(
            serial=next(self._serials),
            index=index,
            meter=self._meter,
            conditioning=conditioning(index, style, controls, bpm, fill=fill),
            context=context,
            seed=self._dice("bar", index, revision),
            temperature=style.temperature * VARIATION_BASE ** (controls.variation - 0.5),
            guidance=self._guidance,
            prefix=prefix,
            from_step=from_step,
        )

    def planned(
        self, request: BarRequest, reply: BarReply, style: Style, controls: ControlState
    ) -> PlannedBar:
        """Return the bar that answers a request, with the style's feel."""
        return PlannedBar(
            index=request.index,
            serial=reply.serial,
            bar=reply.bar,
            conditioning=request.conditioning,
            style=style,
            hits=self._grooved(request.index, reply.bar, style, controls),
            tokens=reply.tokens,
            generated_ms=reply.generated_ms,
            parts=((0, reply.serial),),
        )

    def fallback(
        self, index: int, history: Sequence[Bar], style: Style, controls: ControlState, bpm: float
    ) -> PlannedBar:
        """Return what plays in place of a bar that is late."""
        bar = fallback_bar(history, self._meter)
        serial = next(self._serials)
        return PlannedBar(
            index=index,
            serial=serial,
            parts=((0, serial),),
            bar=bar,
            conditioning=conditioning(index, style, controls, bpm),
            style=style,
            hits=self._grooved(index, bar, style, controls),
            tokens=0,
            generated_ms=None,
            late=True,
            fallback=True,
        )

    def spliced(self, before: PlannedBar, newer: PlannedBar, step: int, written_from: int) -> PlannedBar:
        """Return `before` up to a step and `newer` from there on.

        Where `newer` was written for just this place, the whole is the bar that the generator holds.
        """
        same = step == written_from and newer.beginning(step) == before.beginning(step)
        return before.spliced(newer, step, newer.serial if same else next(self._serials))

    def reseed(self, seed: int) -> None:
        """Throw the dice of another performance from now on."""
        self._seed = seed

    def copied(self, planned: PlannedBar, index: int) -> PlannedBar:
        """Return a bar that plays another again, to the tick, as bar `index`."""
        return replace(
            planned,
            index=index,
            serial=next(self._serials),
            hits=tuple((next(self._hit_serials), step, hit) for _, step, hit in planned.hits),
            tokens=0,
            generated_ms=None,
            waited_ms=None,
            allowed_ms=None,
            late=False,
            fallback=False,
            stale_from=None,
        )

    def begun_with(self, planned: PlannedBar, hits: tuple[Hit, ...], controls: ControlState) -> PlannedBar:
        """Return a bar whose first sixteenth is these hits; the rest stays."""
        serial = next(self._serials)
        begun = replace(
            planned,
            serial=serial,
            bar=Bar(planned.bar.meter, (*hits, *(hit for hit in planned.bar.hits if hit.step >= 1))),
            parts=((0, serial), (1, planned.parts[0][1]), *planned.parts[1:]),
        )
        return self.grooved_again(begun, controls, 0)

    def silenced(self, planned: PlannedBar, step: int) -> PlannedBar:
        """Return a bar that is silent from a step on."""
        return planned.cut(step, next(self._serials))

    def grooved_again(self, planned: PlannedBar, controls: ControlState, first_step: int) -> PlannedBar:
        """Return a bar whose hits have their feel anew from a step on."""
        hits = self._grooved(planned.index, planned.bar, planned.style, controls)
        kept = tuple(hit for hit in planned.hits if hit[1] < first_step)
        return replace(planned, hits=kept + tuple(hit for hit in hits if hit[1] >= first_step))

    def _grooved(
        self, index: int, bar: Bar, style: Style, controls: ControlState
    ) -> tuple[tuple[int, int, TimedHit], ...]:
        timed = groove(
            bar,
            style.feel,
            random.Random(self._dice("feel", index)),
            swing_percent=controls.swing_percent,
            humanize=controls.humanize,
        )
        pushed = (
            (step, replace(hit, offset_ms=hit.offset_ms + controls.push_ms(GROUP_OF[hit.voice])))
            for step, hit in timed
        )
        return tuple((next(self._hit_serials), step, hit) for step, hit in pushed)

    def _dice(self, purpose: str, index: int, revision: int = 0) -> int:
        return random.Random(f"{self._seed}/{purpose}/{index}/{revision}").getrandbits(62)


def conditioning(
    index: int, style: Style, controls: ControlState, bpm: float, *, fill: bool = False
) -> Conditioning:
    """Return what a bar is asked to be; fills not asked for are left to the last bar of a phrase."""
    last_of_phrase = index % PHRASE_BARS == PHRASE_BARS - 1
    return Conditioning(
        genres=style.genres,
        bpm=bpm,
        density=style.density if controls.density is None else controls.density,
        energy=style.energy if controls.energy is None else controls.energy,
        fill=True if fill else None if last_of_phrase else False,
        phrase=index % PHRASE_BARS,
    )
