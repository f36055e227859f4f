"""Making bars: what is asked of the generator, and how its answer becomes a planned bar with feel."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from liveengine.listening.reaction import NO_REACTION, BarReaction
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.control import ControlState
from liveengine.music.drawing import Stroke
from liveengine.music.drums import Voice
from liveengine.music.fallback import fallback_bar
from liveengine.music.half_time import BEAT_THREE
from liveengine.music.heard import HeardGroove
from liveengine.music.pattern import Bar, Hit
from liveengine.music.reading import accents_as_written
from liveengine.music.request import (
    GUIDED,
    PHRASE_BARS,
    BarReply,
    BarRequest,
    Borrowing,
    Conditioning,
    ContextBar,
    Guidance,
    begins_groove,
)
from liveengine.music.requirement import DRUMS, Requirement
from liveengine.music.style import Style
from liveengine.planning.feel_maker import FeelMaker
from liveengine.planning.horizon import PlannedBar
from liveengine.planning.rereading import time_of

LANDING_VELOCITY, CRASH_VELOCITY = 112, 118
VARIATION_BASE = 1.7
"""Variation 0 to 1 spans temperatures from .77 to 1.3 times the usual."""
USUAL_TEMPERATURE = 0.96
"""At variation .5: at it a steady drummer varies about as much as drummers do."""
USUAL_FREEDOM = 0.4
"""At variation .5, how far below 1 (a quantile of the training bars) a bar's steadiness is on the whole."""
FREEDOM_IN_PHRASE = (0.5, 1.0, 0.7, 1.7, 0.7, 1.2, 1.0, 1.7)
"""A phrase says something new where its halves end, and holds its groove where they begin."""


@dataclass(frozen=True, slots=True)
class BarSpec:
    """What a bar is to be made from; `lender` is the style that the borrowed drums are played by, if any.

    `heard` is what it takes from other players.
    """

    style: Style
    controls: ControlState
    lender: Style | None = None
    heard: BarReaction = NO_REACTION

    @property
    def borrowed(self) -> frozenset[str]:
        """The drums that the lender plays."""
        return self.controls.borrowed if self.lender else frozenset()


@dataclass(frozen=True, slots=True)
class BarConditions:
    """The part of a bar's spec that the generator gets."""

    conditioning: Conditioning
    temperature: float
    borrowing: Borrowing | None


class BarMaker:
    """Gives every bar and hit its serial and its dice. One seed, one performance. Owned by the conductor."""

    def __init__(self, seed: int, guidance: Guidance = GUIDED) -> None:
        """Begin a performance."""
        self._guidance = guidance
        self._seed = seed
        self._serials = itertools.count(1)
        self._feel = FeelMaker(self._serials, lambda index: self._dice("feel", index))

    def request(
        self,
        index: int,
        revision: int,
        spec: BarSpec,
        *,
        bpm: float,
        context: tuple[ContextBar, ...],
        prefix: tuple[Hit, ...] = (),
        from_step: int = 0,
        fill: bool = False,
        meter: Meter = FOUR_FOUR,
    ) -> BarRequest:
        """Return the request for a bar or its rest from a step on; another `revision` throws other dice.

        Drums are written in 4/4, and read from that in other meters; only what goes on from bars that are not
        in 4/4 is written in their `meter`.
        """
        asked = self.asked(index, spec, bpm, fill=fill)
        return BarRequest(
            serial=next(self._serials),
            index=index,
            meter=meter,
            conditioning=asked.conditioning,
            context=context,
            seed=self._dice("bar", index, revision),
            temperature=asked.temperature,
            guidance=self._guidance,
            prefix=prefix,
            from_step=from_step,
            borrowing=asked.borrowing,
            musts=_musts(asked, spec.style, opens=begins_groove(context, from_step)),
        )

    def asked(self, index: int, spec: BarSpec, bpm: float, *, fill: bool = False) -> BarConditions:
        """Return the conditions of a bar with this spec."""
        borrowing = None
        if spec.lender is not None:
            lent = conditioning(index, spec.lender, spec.controls, bpm, fill=fill, heard=spec.heard)
            borrowing = Borrowing(lent, spec.borrowed)
        return BarConditions(
            conditioning(index, spec.style, spec.controls, bpm, fill=fill, heard=spec.heard),
            spec.style.temperature * USUAL_TEMPERATURE * VARIATION_BASE ** (spec.controls.variation - 0.5),
            borrowing,
        )

    def planned(
        self,
        request: BarRequest,
        reply: BarReply,
        spec: BarSpec,
        controls: ControlState,
        *,
        follows: bool = True,
        time: str = "",
        meter: Meter = FOUR_FOUR,
    ) -> PlannedBar:
        """Return the bar that answers a request, read in a time and meter, with feel as it is turned now.

        It has a serial of its own where it does not follow the bars that it was asked to follow.
        """
        planned = PlannedBar(
            index=request.index,
            serial=reply.serial if follows else next(self._serials),
            bar=reply.bar,
            conditioning=request.conditioning,
            style=spec.style,
            lender=spec.lender,
            borrowed=spec.borrowed,
            tokens=reply.tokens,
            generated_ms=reply.generated_ms,
            parts=((0, reply.serial),),
            tries=reply.tries,
            pocket=spec.heard.pocket,
        )
        return self.felt(planned.read_in(time, meter), controls)

    def felt(self, planned: PlannedBar, controls: ControlState) -> PlannedBar:
        """Return a bar with nothing drawn over it with its style's feel, as the controls turn it."""
        return self._feel.felt(planned, controls)

    def read_again(self, planned: PlannedBar, time: str, controls: ControlState) -> PlannedBar:
        """Return a bar read in another time, with what is drawn over it."""
        felt = self._feel.felt(planned.plain().read_in(time, planned.bar.meter), controls)
        return self.drawn_over(felt, planned.strokes, controls)

    def fallback(
        self, index: int, history: Sequence[Bar], spec: BarSpec, *, meter: Meter, bpm: float, time: str = ""
    ) -> PlannedBar:
        """Return what plays in place of a bar that is late; the history is as it was written."""
        serial = next(self._serials)
        return self._feel.felt(
            PlannedBar(
                index=index,
                serial=serial,
                parts=((0, serial),),
                bar=fallback_bar(history, FOUR_FOUR),
                conditioning=conditioning(index, spec.style, spec.controls, bpm),
                style=spec.style,
                lender=spec.lender,
                borrowed=spec.borrowed,
                tokens=0,
                generated_ms=None,
                late=True,
                fallback=True,
            ).read_in(time, meter),
            spec.controls,
        )

    def spliced(self, before: PlannedBar, newer: PlannedBar, step: int, written_from: int) -> PlannedBar:
        """Return `before` up to a step and `newer` from there on.

        Where `newer` was written for just this place, the whole is the bar that the generator holds.
        """
        old, new = before.plain(), newer.plain()
        same = step == written_from and new.beginning(step) == old.beginning(step)
        plain = old.spliced(new, step, new.serial if same else next(self._serials))
        drawn = tuple(hit for hit in newer.drawn_hits() if hit.step >= step)
        whole = self._feel.laid(
            plain,
            (*_until(before.strokes, step), *_since(newer.strokes, step)),
            (*(hit for hit in before.drawn_hits() if hit.step < step), *drawn),
            (*before.grooves, *newer.grooves),
        )
        return replace(whole, serial=new.serial) if step == written_from and whole.bar == new.bar else whole

    def next_serial(self) -> int:
        """Return a serial for a bar that comes from elsewhere."""
        return next(self._serials)

    def reseed(self, seed: int) -> None:
        """Throw the dice of another performance from now on."""
        self._seed = seed

    def renamed(self, planned: PlannedBar) -> PlannedBar:
        """Return a bar with serials of its own, as one that follows other bars than it did."""
        beneath = planned.beneath and replace(planned.beneath, serial=next(self._serials))
        return replace(planned, serial=next(self._serials), beneath=beneath)

    def copied(self, planned: PlannedBar, index: int) -> PlannedBar:
        """Return a bar that plays another again, to the tick, as bar `index`.

        What was drawn into that one alone is part of what is played again.
        """
        kept = tuple(stroke for stroke in planned.strokes if stroke.keep)
        source, parts = planned, planned.parts
        if len(kept) < len(planned.strokes):
            alone = tuple(stroke for stroke in planned.strokes if not stroke.keep)
            cells = {stroke.cell for stroke in alone}
            hits = tuple(hit for hit in planned.drawn_hits() if (hit.step, hit.timed.voice) in cells)
            source = self._feel.laid(planned.plain(), alone, hits, planned.grooves)
            parts = ((0, next(self._serials)),)
        elif kept:
            source = planned.plain()
        return replace(
            source,
            index=index,
            serial=next(self._serials),
            hits=tuple(replace(hit, serial=self._feel.next_hit_serial(), drawn=False) for hit in source.hits),
            parts=parts,
            strokes=(),
            beneath=None,
            tokens=0,
            tries=1,
            generated_ms=None,
            waited_ms=None,
            allowed_ms=None,
            late=False,
            fallback=False,
            stale_from=None,
        )

    def begun_with(self, planned: PlannedBar, hits: tuple[Hit, ...], controls: ControlState) -> PlannedBar:
        """Return a bar whose first sixteenth is these hits; the rest stays, and what is drawn by hand."""
        plain, serial = planned.plain(), next(self._serials)
        begun = replace(
            plain,
            serial=serial,
            bar=Bar(plain.bar.meter, (*hits, *(hit for hit in plain.bar.hits if hit.step >= 1))),
            parts=((0, serial), *(() if plain.written else ((1, plain.parts[0][1]), *plain.parts[1:]))),
            written=None,
        )
        return self.drawn_over(self._feel.felt(begun, controls), planned.strokes, controls)

    def silenced(self, planned: PlannedBar, step: int) -> PlannedBar:
        """Return a bar that is silent from a step on."""
        hits = tuple(hit for hit in planned.drawn_hits() if hit.step < step)
        silent = planned.plain().cut(step, next(self._serials))
        return self._feel.laid(silent, _until(planned.strokes, step), hits, planned.grooves)

    def grooved_again(self, planned: PlannedBar, controls: ControlState, first_step: int) -> PlannedBar:
        """Return a bar whose hits have their feel anew from a step on."""
        plain = planned.plain()
        felt = self._feel.felt(plain, controls)
        later = tuple(hit for hit in felt.hits if hit.step >= first_step)
        again = felt.played_as(plain.hits_before(first_step) + later, plain.grooves)
        drawn = tuple(hit for hit in planned.drawn_hits() if hit.step < first_step)
        return self._feel.drawn(again, planned.strokes, drawn, planned.grooves, controls)

    # --- what is drawn by hand -----------------------------------------------------------------

    def drawn_over(
        self,
        planned: PlannedBar,
        strokes: Sequence[Stroke],
        controls: ControlState,
        first_step: int = 0,
    ) -> PlannedBar:
        """Return a bar with these strokes drawn over what is written, from a step on.

        Before it the bar stays as it is, and all that was drawn already sounds as it did.
        """
        inside = [stroke for stroke in strokes if stroke.step < planned.bar.meter.steps]
        wanted = (*_until(planned.strokes, first_step), *_since(inside, first_step))
        if wanted == planned.strokes:
            return planned
        before = {(stroke.cell, stroke.velocity) for stroke in planned.strokes}
        same = {stroke.cell for stroke in wanted if (stroke.cell, stroke.velocity) in before}
        known = tuple(hit for hit in planned.drawn_hits() if (hit.step, hit.timed.voice) in same)
        drawn = self._feel.drawn(planned.plain(), wanted, known, planned.grooves, controls)
        return replace(drawn, serial=planned.serial) if drawn.bar == planned.bar else drawn

    def _dice(self, purpose: str, index: int, revision: int = 0) -> int:
        return random.Random(f"{self._seed}/{purpose}/{index}/{revision}").getrandbits(62)


def _until(strokes: Sequence[Stroke], step: int) -> tuple[Stroke, ...]:
    return tuple(stroke for stroke in strokes if stroke.step < step)


def _since(strokes: Sequence[Stroke], step: int) -> tuple[Stroke, ...]:
    return tuple(stroke for stroke in strokes if stroke.step >= step)


def _musts(asked: BarConditions, style: Style, *, opens: bool) -> tuple[Requirement, ...]:
    """Return what a bar must show: the first, whose groove is held, more; fills and free bars nothing."""
    if asked.conditioning.fill or asked.borrowing or asked.conditioning.steadiness is None:
        return ()
    return style.opening if opens else style.musts


def conditioning(
    index: int,
    style: Style,
    controls: ControlState,
    bpm: float,
    *,
    fill: bool = False,
    heard: BarReaction = NO_REACTION,
) -> Conditioning:
    """Return what a bar is asked to be: a fill where one is asked for, and where a phrase ends.

    Whose phrase that is, the drummer's own or that of the players he hears, they say.
    """
    every = round(controls.fill_every)
    own_fill = every > 0 and (index + 1) % every == 0
    fills = fill or (own_fill if heard.fill is None else heard.fill)
    return Conditioning(
        genres=style.genres,
        bpm=bpm,
        density=_shifted(style.density if controls.density is None else controls.density, heard.density),
        energy=_shifted(style.energy if controls.energy is None else controls.energy, heard.energy),
        fill=fills,
        phrase=index % PHRASE_BARS,
        steadiness=steadiness_at(index, controls.variation),
        groove=heard.groove and _as_written(heard.groove, style, controls, fill=fills),
    )


def _as_written(groove: HeardGroove, style: Style, controls: ControlState, *, fill: bool) -> HeardGroove:
    """Return a groove as the bar that answers it is to be written, before it is read as asked for."""
    on_three = any(BEAT_THREE in each.on and each.drums <= DRUMS["backbeat"] for each in style.opening)
    accents = accents_as_written(
        groove.accents, time_of(controls), controls.bar_meter, on_three=on_three, fill=fill
    )
    return replace(groove, accents=accents)


def _shifted(level: float | None, shift: float) -> float | None:
    """Return a level, the middle where it is left open, as far as others move it."""
    return max(0.0, min(1.0, (0.5 if level is None else level) + shift)) if shift else level


def steadiness_at(index: int, variation: float) -> float | None:
    """Return how steady a bar is to be, a quantile 0-1, at a variation from 0 to 1.

    At 0 each bar is as steady as can be, and at 1 it is left open: as free as drummers alone are.
    """
    if variation >= 1:
        return None
    freedom = 2 * variation * USUAL_FREEDOM
    return max(0.0, 1 - freedom * FREEDOM_IN_PHRASE[index % PHRASE_BARS])


def landing_of(style: Style) -> tuple[Hit, ...]:
    """Return how a style strikes the downbeat after a fill or a break; the rest of that bar follows it."""
    crashes = (Voice.CRASH, Voice.CRASH_2)
    return tuple(
        Hit(0, voice, 0, CRASH_VELOCITY if voice in crashes else LANDING_VELOCITY)
        for voice in sorted(style.landing)
    )
