"""The plan: which bars are asked for and made from what, and how a control changes them while they play."""

from __future__ import annotations

import math
from dataclasses import replace

from liveengine.music.beats import FOUR_FOUR, TICKS_PER_BEAT
from liveengine.music.control import ControlState
from liveengine.music.groove import JITTER_LIMIT_MS
from liveengine.music.kit_book import KitBook
from liveengine.music.pattern import MICRO_MIN
from liveengine.music.reading import AS_WRITTEN
from liveengine.music.request import BarReply, BarRequest, LostRequest
from liveengine.music.style import Style, StyleBook
from liveengine.planning.bar_builder import BarMaker, BarSpec, landing_of
from liveengine.planning.bar_grid import BarGrid
from liveengine.planning.bar_specs import BarSpecs
from liveengine.planning.commit_window import CommitTime
from liveengine.planning.conductor_settings import ConductorSettings
from liveengine.planning.covering import cover
from liveengine.planning.decode_reports import PLAYER_LEAD_MS, DecodeReports
from liveengine.planning.ending import lay_last_bar
from liveengine.planning.events import AskBar, AskRehearsal, BarsPlanned, Effect, TellPlayer
from liveengine.planning.horizon import NOWHERE, Horizon, PlacedHit, PlannedBar
from liveengine.planning.intent import GRAINS, PHRASES, Intent, Pending
from liveengine.planning.kits_played import KitsPlayed
from liveengine.planning.loop import Loop
from liveengine.planning.meter_changes import follow_meter
from liveengine.planning.pending_request import OVERDUE_US, URGENT_MS, PendingRequest
from liveengine.planning.rereading import time_of
from liveengine.planning.speculation import Rehearsals
from liveengine.playback.messages import PlannedHit, Replace

MICRO_LEAD_BEATS = -MICRO_MIN / TICKS_PER_BEAT
"""A bar's first hits may sound this long before its bar line."""
AT_ONCE_MS = 130.0
"""The earliest micro-timing and push of a hit before its step: at 60 bpm, an eighth of a beat."""


class Planner:
    """Keeps bars planned ahead and makes them anew as controls ask. Owned by the conductor.

    The conductor sets `now_us`, `grid` and `sounding` before it calls anything else. Orders and events are
    appended to `effects`, which the conductor shares.
    """

    def __init__(
        self,
        maker: BarMaker,
        styles: StyleBook,
        kits: KitBook,
        controls: ControlState,
        effects: list[Effect],
        *,
        settings: ConductorSettings,
    ) -> None:
        """Begin before the first bar."""
        self.horizon = Horizon(settings.lookahead_bars)
        self.intent = Intent(controls)
        self.now_us, self.sounding = 0.0, False
        self.grid: BarGrid | None = None
        self.last_generated_ms: float | None = None
        self.commit = CommitTime()
        self.maker, self.effects = maker, effects
        self.loop: Loop | None = None
        self.landing = self.filled = self.at_once = self.broken = NOWHERE
        self.specs = BarSpecs(styles, settings.drummers)
        self._kits, self._cover_ms = KitsPlayed(kits, effects), settings.cover_ms
        self._asked: PendingRequest | None = None
        self._rehearsals = Rehearsals(styles)
        self._revisions = 0
        self._decode_reports = DecodeReports()

    # --- specs ---------------------------------------------------------------------------------

    @property
    def controls(self) -> ControlState:
        """The controls as they are set now."""
        return self.intent.controls

    @property
    def style(self) -> Style:
        """The style asked for, blended as asked; the bar that plays may still be in another."""
        return self.spec.style

    @property
    def spec(self) -> BarSpec:
        """What bars are to be made from now."""
        return self.specs.of(self.controls)

    def controls_at(self, index: int) -> ControlState:
        """Return the controls that a bar is played with."""
        return self.intent.controls_at(index)

    def steps_of(self, index: int) -> int:
        """Return how many sixteenths a bar has."""
        return (self.grid.meter_at(index) if self.grid else self.controls.bar_meter).steps

    # --- asking and accepting ------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for the first missing bar or rest of one, unless one is being made already."""
        follow_meter(self)
        lay_last_bar(self)
        if self.grid is None or self._is_waiting():
            return
        self.specs.pass_bar(self.horizon.current)
        if self.loop is not None:
            self.loop.go_on(self)
            if self.intent.ending is None:
                return
        place = self._next_place()
        if place is None:
            self._rehearse()
            return
        index, step = place
        spec = self.specs.at(index, self.intent)
        request = self._request(index, step, spec)
        allowed_ms = None  # the old rest of a bar plays until the new one is there
        if self.sounding and step == 0:
            allowed_ms = (self.grid.time_of(index) - self.lead_us() - self.now_us) / 1e3
        self._asked = PendingRequest(request, spec, step, self.now_us, allowed_ms)
        self.effects.append(AskBar(request))

    def _is_waiting(self) -> bool:
        """Tell whether an answer is on its way that can still be of use, late or not."""
        asked = self._asked
        if asked is None or asked.request.index < self.horizon.current:
            return False
        if not asked.outdated:
            return True
        # A new spec for the bar that plays does not wait for a later one, which is to be made anew anyway.
        kept = self.horizon.get(asked.request.index) is not None
        gives_way = kept and asked.request.index > self.horizon.current
        return not gives_way and self.now_us - asked.at_us < OVERDUE_US

    def _request(self, index: int, step: int, spec: BarSpec) -> BarRequest:
        assert self.grid is not None
        planned = self.horizon.get(index)
        context = self.horizon.context_for(index, spec.style.name)
        prefix, from_step = (planned.beginning(step) if planned is not None else ()), step
        if self.grid.meter_at(index) != FOUR_FOUR:  # the rest is read from a whole bar too
            prefix, from_step = (), 0
        if step == 0 and self._lands(index):
            prefix, from_step = landing_of(spec.style), 1
        return self.maker.request(
            index,
            self._revisions,
            spec,
            bpm=self.grid.beat_map.bpm,
            context=context,
            prefix=prefix,
            from_step=from_step,
            fill=index == self.filled or self.intent.fills(index),
        )

    def _lands(self, index: int) -> bool:
        """Tell whether a bar begins with the drums that answer a fill, or a silence."""
        after_fill = self.horizon.follows_fill(index) and not self.specs.heard_at(index).solo
        returns = self.specs.heard_at(index - 1).rest and not self.specs.heard_at(index).rest
        return index == self.landing or after_fill or returns

    def _next_place(self) -> tuple[int, int] | None:
        """Return the first (bar, step) from which something is to be made and can still be changed."""
        following = self.horizon.current + 1
        if self.sounding and self.horizon.get(following) is None and self._is_urgent(following):
            return following, 0
        while (place := self.horizon.missing(self.intent.last_bar)) is not None:
            index, step = place
            planned = self.horizon.get(index)
            if planned is None or not self.sounding:
                return index, 0
            open_step = self.open_step(index, self.commit.ms)
            if open_step > step or index == self.broken:
                step = self._grain_step(index, max(step, open_step))
            if step < self.steps_of(index):
                return index, step
            self.horizon.put(replace(planned, stale_from=None))
        return None

    def _is_urgent(self, index: int) -> bool:
        assert self.grid is not None
        left_us = self.grid.time_of(index) - self.lead_us() - self.now_us
        return left_us < URGENT_MS * 1e3 and not self.intent.is_over(index)

    def _grain_step(self, index: int, step: int) -> int:
        """Return the first step at or after one that the switch mode lets a change begin on.

        Nothing but a fill changes a break, or the rest of a bar that is not as written, and nothing that of a
        last one.
        """
        planned = self.horizon.get(index)
        as_read = planned is not None and planned.reading != AS_WRITTEN and index != self.filled
        is_break = index == self.broken != self.filled
        if is_break or (step and planned and (planned.closes or as_read)):
            return self.steps_of(index)
        grain = 1 if index == self.at_once else GRAINS.get(self.controls.switch, self.steps_of(index))
        return math.ceil(step / grain) * grain

    def accept(self, reply: BarReply) -> None:
        """Take a generated bar into the plan, or keep one that was rehearsed; any other is left out."""
        asked = self._asked
        if asked is None or reply.serial != asked.request.serial:
            self._rehearsals.take(reply)
            return
        request, self._asked = asked.request, None
        self.last_generated_ms = reply.generated_ms
        waited_ms = (self.now_us - asked.at_us) / 1e3
        if asked.step:
            self.commit.add(waited_ms)
        if request.index >= self.horizon.current:
            planned = self._made(request, reply, asked.spec, asked.step)
            self._take(replace(planned, waited_ms=waited_ms, allowed_ms=asked.allowed_ms), asked)
        self.ask()

    def lost(self, lost: LostRequest) -> None:
        """Ask again, with the spec of now, in place of a request that was lost.

        A bar that cannot be made stays as it is in the plan; where it is not there, the fallback takes its
        place, and the next one is asked for.
        """
        if self._asked is None or self._asked.request.serial != lost.serial:
            return
        index, self._asked = self._asked.request.index, None
        if lost.cannot_be_made:
            kept = self.horizon.get(index)
            if kept is None:
                cover(self, index)
            else:
                self.horizon.put(replace(kept, stale_from=None))
        self.ask()

    def _take(self, planned: PlannedBar, asked: PendingRequest) -> None:
        """Put a bar, or the rest of one, into the plan and give it to the player.

        One that came late joins at the next step. What has been asked for anew meanwhile stays to be made.
        """
        index, step = planned.index, asked.step
        before = self.horizon.get(index)
        if self.sounding and before is not None:
            step = max(step, self.open_step(index, PLAYER_LEAD_MS))
        if step >= self.steps_of(index):  # too little of it is left
            if before is not None:
                self.horizon.put(replace(before, stale_from=None))
            return
        whole = planned
        if before is not None and step > 0:
            whole = self.maker.spliced(before, planned, step, asked.request.from_step)
        stale_from = before.stale_from if before is not None else 0
        self.horizon.put(replace(whole, stale_from=stale_from if asked.outdated else None))
        if self.sounding:
            self.send(index, step)
        self._decode_reports.report(self, whole, asked.request, step, before)

    def _made(self, request: BarRequest, reply: BarReply, spec: BarSpec, step: int) -> PlannedBar:
        """Return the bar that answers a request, with all that is drawn by hand in it."""
        follows = request.context == self.horizon.context_for(request.index, spec.style.name)
        controls = self.controls_at(request.index)
        time = "" if step else time_of(controls)
        meter = self.grid.meter_at(request.index) if self.grid else FOUR_FOUR
        planned = self.maker.planned(request, reply, spec, controls, follows=follows, time=time, meter=meter)
        if spec.heard.rest and request.index != self.intent.ending:
            planned = self.maker.silenced(planned, 0)
        return self.drawn_over(planned)

    def drawn_over(self, planned: PlannedBar, first_step: int = 0) -> PlannedBar:
        """Return a bar with what is drawn by hand now over it, from a step on."""
        strokes = self.intent.drawing.at(planned.index)
        return self.maker.drawn_over(planned, strokes, self.controls_at(planned.index), first_step)

    # --- rehearsing ----------------------------------------------------------------------------

    def _rehearse(self) -> None:
        """Once all is planned, have the next bar made in the styles that may be switched to."""
        assert self.grid is not None
        index = self.horizon.current + 1
        if not self.sounding or not self._rehearsals.wanted(index, self._revisions):
            return
        likely = self._rehearsals.neighbours(self.controls_at(index))
        specs = [self.specs.with_heard(index, self.specs.of(each)) for each in likely]
        asked = [(spec, self._request(index, 0, spec)) for spec in specs]
        self._rehearsals.ask(self.horizon.current, asked)
        self.effects.append(AskRehearsal(tuple(request for _, request in asked)))

    def _take_rehearsed(self) -> bool:
        """Play the rest of this bar as it was rehearsed for just this spec; return whether it was."""
        index = self.horizon.current
        if not self.sounding or self.loop is not None or self.controls.switch not in GRAINS:
            return False
        step = self._grain_step(index, self.open_step(index, PLAYER_LEAD_MS))
        if step == 0 or step >= self.steps_of(index):
            return False
        spec = self.specs.with_heard(index, self.spec)
        bpm = self.grid.beat_map.bpm if self.grid else 0.0
        rehearsed = self._rehearsals.of(index, self.maker.asked(index, spec, bpm))
        if rehearsed is None:
            return False
        self._asked = None
        self._make_stale(index + 1)
        request = rehearsed.request
        asked = PendingRequest(request, spec, step, self.now_us, None)
        self._take(self._made(request, rehearsed.reply, spec, step), asked)
        return True

    # --- time ----------------------------------------------------------------------------------

    def due_us(self, index: int, hit: PlacedHit) -> float:
        """Return when a hit of a bar is to be sent."""
        assert self.grid is not None
        return self.grid.time_of(index, hit.timed.beat, hit.timed.offset_ms - self.controls.latency_ms)

    def lead_us(self) -> float:
        """Return how long before its bar line a bar must be with the player."""
        assert self.grid is not None
        push_ms = max(0.0, -min(self.style.feel.push_ms), -min(self.controls.pushes_ms))
        lead_ms = self._cover_ms + push_ms + self.specs.early_ms + JITTER_LIMIT_MS
        lead_ms += max(0.0, self.controls.latency_ms)
        return lead_ms * 1e3 + MICRO_LEAD_BEATS * self.grid.beat_map.us_per_beat

    def open_step(self, index: int, lead_ms: float) -> int:
        """Return the first step of a bar that lies further ahead than `lead_ms`; 0 where all of it does."""
        assert self.grid is not None
        return self.grid.open_step(index, self.now_us + (lead_ms + max(0.0, self.controls.latency_ms)) * 1e3)

    # --- to the player -------------------------------------------------------------------------

    def send(self, index: int, step: int) -> None:
        """Give the player everything planned from (index, step) on; early hits of it are struck at once."""
        assert self.grid is not None
        hits: list[PlannedHit] = []
        bars = self.horizon.from_bar(index)
        for planned in bars:
            first = step if planned.index == index else 0
            start_beat, controls = self.grid.start_beat(planned.index), self.controls_at(planned.index)
            hits += planned.planned_hits(start_beat, self._kits.of(controls.kit), controls, first)
        self.effects.append(BarsPlanned(tuple(bars)))
        self.effects.append(TellPlayer(Replace(index, step, tuple(hits), at_once_ms=AT_ONCE_MS)))

    # --- changes -------------------------------------------------------------------------------

    def make_anew(self, before: BarSpec) -> None:
        """Plan again from where the switch mode says; the old plan stays until the new is there."""
        bar = self.turning_bar()
        self.specs.turn(bar, before)
        if self._take_rehearsed():
            self.ask()
        else:
            self.revise(bar)

    def take_over(self, controls: ControlState) -> bool:
        """Let controls take over at once, or with a bar where the switch mode says so; tell if at once."""
        if not self.sounding or self.controls.switch in GRAINS:
            self.intent = self.intent.with_controls(controls)
            return True
        self.take_over_at(Pending(self.turning_bar(), controls))
        return False

    def take_over_at(self, pending: Pending) -> None:
        """Let controls take over with a bar: all of it is made with them, after a fill if that is wanted."""
        dropped = self.intent.first_other_bar
        self.intent = self.intent.with_pending(pending)
        self.revise(pending.first_bar if dropped is None else min(dropped, pending.first_bar))

    def next_bar(self) -> int:
        """Return the first bar that can still be made anew as a whole."""
        following = self.horizon.current + 1
        return following + (1 if self.sounding and self.open_step(following, self.commit.ms) > 0 else 0)

    def revise(self, bar: int) -> None:
        """Make everything from a bar on anew."""
        self._make_stale(bar)
        self.ask()

    def _make_stale(self, bar: int) -> None:
        self._revisions += 1
        self.horizon.make_stale(bar, 0)
        if self._asked is not None and self._asked.request.index >= bar:
            self._asked = replace(self._asked, outdated=True)

    def forget_asked(self) -> None:
        """Let the bar that is being made not be waited for."""
        self._asked = None

    def drop_from(self, bar: int) -> None:
        """Let nothing be planned, nor be in the making, from a bar on."""
        self._revisions += 1
        self._rehearsals.forget()
        self.horizon.forget_from(bar)
        if self._asked is not None and self._asked.request.index >= bar:
            self._asked = None

    def turning_bar(self) -> int:
        """Return the bar with which, or within which, a change is heard."""
        mode = self.controls.switch
        if not self.sounding or mode in GRAINS:
            return self.horizon.current
        bars = PHRASES[mode]
        return math.ceil(self.next_bar() / bars) * bars
