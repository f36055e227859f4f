"""The plan: which bars are asked for and made from what, and how a control changes them while they play."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from liveengine.engine.events import AskBar, BarDecoded, Effect, TellPlayer
from liveengine.engine.grid import BarGrid
from liveengine.engine.horizon import Horizon, PlannedBar
from liveengine.engine.maker import BarMaker
from liveengine.engine.player import PlannedHit, Replace
from liveengine.music.beats import STEPS_PER_BEAT, TICKS_PER_BEAT, Meter
from liveengine.music.control import ControlState
from liveengine.music.drums import KitMap, Voice
from liveengine.music.groove import JITTER_LIMIT_MS
from liveengine.music.pattern import MICRO_MIN, Hit
from liveengine.music.request import PHRASE_BARS, BarReply, BarRequest
from liveengine.music.style import Style, StyleBook, blended

MICRO_LEAD_BEATS = -MICRO_MIN / TICKS_PER_BEAT
"""A bar's first hits may sound this long before its bar line."""
COMMIT_AT_FIRST_MS = 60.0
COMMIT_LEAST_MS, COMMIT_MOST_MS = 20.0, 250.0
COMMIT_SHARE, COMMIT_MARGIN_MS = 1.15, 6.0
"""What is due within the 99th percentile of waiting for a bar, times this, plus this, is committed."""
WAITS_KEPT = 64
PLAYER_LEAD_MS = 4.0
"""An order reaches the player within this."""
AT_ONCE_MS = 130.0
"""The earliest micro-timing and push of a hit before its step: at 60 bpm, an eighth of a beat."""
GRAINS = {"instant": 1, "beat": STEPS_PER_BEAT}
"""Switch modes within a bar, and the steps whose multiples a change may begin on."""
LANDING = (Hit(0, Voice.KICK, 0, 112), Hit(0, Voice.CRASH, 0, 118))
"""How the downbeat after a fill or a break is struck; the rest of that bar is written to follow it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a bar is to be made from."""

    style: Style
    controls: ControlState


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a new wish takes over: bars before `bar` are still made from the one `before`."""

    bar: int
    before: Wish


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way, for the plan from `step` on; how long it may take, None before anything plays."""

    request: BarRequest
    wish: Wish
    step: int
    revision: int
    at_us: float
    allowed_ms: float | None


class Planner:
    """Keeps bars planned ahead and makes them anew as controls ask. Owned by the conductor.

    The conductor sets `now_us`, `grid` and `sounding` before it calls anything else. Orders and events are
    appended to `effects`, which the conductor shares.
    """

    def __init__(
        self,
        maker: BarMaker,
        styles: StyleBook,
        kit: KitMap,
        controls: ControlState,
        effects: list[Effect],
        *,
        meter: Meter,
        lookahead_bars: int,
        cover_ms: float,
    ) -> None:
        """Begin before the first bar."""
        self.horizon = Horizon(lookahead_bars)
        self.controls = controls
        self.now_us = 0.0
        self.grid: BarGrid | None = None
        self.sounding = False
        self.last_generated_ms: float | None = None
        self.looped_bars = 0
        self._maker, self._styles, self._kit, self._effects = maker, styles, kit, effects
        self._meter, self._cover_ms = meter, cover_ms
        self._asked: Asked | None = None
        self._turn: Turn | None = None
        self._revisions = 0
        self._silent: tuple[int, float] | None = None
        self._waits_ms: deque[float] = deque(maxlen=WAITS_KEPT)
        self._fill_bar = self._at_once_bar = self._landing_bar = -1
        self._loop: list[PlannedBar] = []
        self._loop_from = 0

    @property
    def style(self) -> Style:
        """The style asked for, blended as asked; the bar that plays may still be in another."""
        controls = self.controls
        other = self._styles.find(controls.blend_style) if controls.blend_style else None
        return blended(self._styles.find(controls.style), other, controls.blend)

    @property
    def wish(self) -> Wish:
        """What bars are to be made from now."""
        return Wish(self.style, self.controls)

    @property
    def commit_ms(self) -> float:
        """How far ahead the plan is committed: what is due sooner plays as planned, whatever changes.

        Follows the measured time from asking for a bar to having it.
        """
        if not self._waits_ms:
            return COMMIT_AT_FIRST_MS
        ordered = sorted(self._waits_ms)
        p99_ms = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        return min(COMMIT_MOST_MS, max(COMMIT_LEAST_MS, COMMIT_SHARE * p99_ms + COMMIT_MARGIN_MS))

    # --- asking and accepting ------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for the first missing bar or rest of one, unless one is being made already."""
        if self.grid is None or (
            self._asked is not None and self._asked.request.index >= self.horizon.current
        ):
            return  # late or not, the answer can still be of use
        if self._turn is not None and self.horizon.current >= self._turn.bar:
            self._turn = None
        if self._loop:
            self._go_on_looping()
            return
        place = self._next_place()
        if place is None:
            return
        index, step = place
        wish = self.wish if self._turn is None or index >= self._turn.bar else self._turn.before
        planned = self.horizon.get(index)
        prefix, from_step = (planned.beginning(step) if planned is not None else ()), step
        if index == self._landing_bar and step == 0:
            prefix, from_step = LANDING, 1
        request = self._maker.request(
            index,
            self._revisions,
            style=wish.style,
            controls=wish.controls,
            bpm=self.grid.beat_map.bpm,
            context=self.horizon.context_for(index),
            prefix=prefix,
            from_step=from_step,
            fill=index == self._fill_bar,
        )
        allowed_ms = None
        if self.sounding:
            needed_us = self.grid.time_of(index) - self.lead_us()
            allowed_ms = (needed_us - self.now_us) / 1e3 if step == 0 else self.commit_ms
        self._asked = Asked(request, wish, step, self._revisions, self.now_us, allowed_ms)
        self._effects.append(AskBar(request))

    def _next_place(self) -> tuple[int, int] | None:
        """Return the first (bar, step) from which something is to be made and can still be changed."""
        while (place := self.horizon.missing()) is not None:
            index, step = place
            planned = self.horizon.get(index)
            if planned is None or not self.sounding:
                return index, 0
            open_step = self.open_step(index, self.commit_ms)
            if open_step > step:
                grain = (
                    1 if index == self._at_once_bar else GRAINS.get(self.controls.switch, self._meter.steps)
                )
                step = math.ceil(open_step / grain) * grain
            if step < self._meter.steps:
                return index, step
            self.horizon.put(replace(planned, stale_from=None))
        return None

    def accept(self, reply: BarReply) -> None:
        """Take a generated bar into the plan; one that nobody waits for any more is left out."""
        asked = self._asked
        if asked is None or reply.serial != asked.request.serial:
            return
        request, self._asked = asked.request, None
        self.last_generated_ms = reply.generated_ms
        waited_ms = (self.now_us - asked.at_us) / 1e3
        if request.index % PHRASE_BARS:  # a phrase's first bar reads the phrase before
            self._waits_ms.append(waited_ms)
        if request.index >= self.horizon.current:
            planned = self._maker.planned(request, reply, asked.wish.style, asked.wish.controls)
            self._take(replace(planned, waited_ms=waited_ms, allowed_ms=asked.allowed_ms), asked)
        self.ask()

    def _take(self, planned: PlannedBar, asked: Asked) -> None:
        """Put a bar, or the rest of one, into the plan and give it to the player.

        One that came late joins at the next step. What has been asked for anew meanwhile stays to be made.
        """
        index, step = planned.index, asked.step
        before = self.horizon.get(index)
        if self.sounding and before is not None:
            step = max(step, self.open_step(index, PLAYER_LEAD_MS))
        if step >= self._meter.steps:  # too little of it is left
            if before is not None:
                self.horizon.put(replace(before, stale_from=None))
            return
        whole = planned
        if before is not None and step > 0:
            whole = self._maker.spliced(before, planned, step, asked.step)
        outdated = before is not None and asked.revision != self._revisions
        self.horizon.put(replace(whole, stale_from=before.stale_from if outdated and before else None))
        if self.sounding:
            self.send(index, step)
        self._tell_decoded(whole, asked, step, replanned=before is not None)

    def _tell_decoded(self, planned: PlannedBar, asked: Asked, step: int, *, replanned: bool) -> None:
        """Tell from when a decode is heard: now, or after the last hit of what it follows.

        Where the new rest of a bar is silent, the next bar tells it, as what is heard from that moment on.
        """
        assert self.grid is not None
        kept_us = [
            self.grid.time_of(earlier.index, hit.beat, hit.offset_ms - self.controls.latency_ms) + 1.0
            for earlier in self.horizon.from_bar(self.horizon.current)
            for _, at, hit in earlier.hits
            if (earlier.index, at) < (planned.index, step)
        ]
        from_us = max([self.now_us + PLAYER_LEAD_MS * 1e3, *kept_us])
        if self._silent is not None and self._silent[0] == planned.index - 1:
            from_us = min(from_us, self._silent[1])
        silent = replanned and not any(at >= step for _, at, _ in planned.hits)
        self._silent = (planned.index, from_us) if silent else None
        self._effects.append(
            BarDecoded(
                at_us=self.now_us,
                from_us=from_us,
                step=step,
                start_beat=self.grid.start_beat(planned.index),
                planned=planned,
                request=asked.request,
                replanned=replanned and not silent,
            )
        )

    # --- time ----------------------------------------------------------------------------------

    def lead_us(self) -> float:
        """Return how long before its bar line a bar must be with the player."""
        assert self.grid is not None
        push_ms = max(0.0, -min(self.style.feel.push_ms), -min(self.controls.pushes_ms))
        lead_ms = self._cover_ms + push_ms + JITTER_LIMIT_MS + max(0.0, self.controls.latency_ms)
        return lead_ms * 1e3 + MICRO_LEAD_BEATS * self.grid.beat_map.us_per_beat

    def open_step(self, index: int, lead_ms: float) -> int:
        """Return the first step of a bar that lies further ahead than `lead_ms`; 0 where all of it does."""
        assert self.grid is not None
        ahead_ms = lead_ms + max(0.0, self.controls.latency_ms)
        return self.grid.open_step(index, self.now_us + ahead_ms * 1e3)

    def cover_late_bars(self) -> None:
        """Where a bar is not there when its first hits are due, play the fallback."""
        assert self.grid is not None
        for index in (self.horizon.current, self.horizon.current + 1):
            late = self.now_us + self.lead_us() >= self.grid.time_of(index)
            if self.horizon.get(index) is None and late:
                bars = [planned.bar for planned in self.horizon.played()]
                bpm = self.grid.beat_map.bpm
                self.horizon.put(self._maker.fallback(index, bars, self.style, self.controls, bpm))
                self.send(index, 0)

    # --- to the player -------------------------------------------------------------------------

    def send(self, index: int, step: int) -> None:
        """Give the player everything planned from (index, step) on; early hits of it are struck at once."""
        assert self.grid is not None
        hits: list[PlannedHit] = []
        for planned in self.horizon.from_bar(index):
            first = step if planned.index == index else 0
            start_beat = self.grid.start_beat(planned.index)
            hits += planned.planned_hits(start_beat, self._kit, self.controls, first)
        self._effects.append(TellPlayer(Replace(index, step, tuple(hits), at_once_ms=AT_ONCE_MS)))

    def send_open(self) -> None:
        """Give the player all of the plan that can still be changed."""
        first = self.horizon.current
        if self.sounding and self.horizon.get(first):
            self.send(first, self.open_step(first, PLAYER_LEAD_MS))

    # --- changes -------------------------------------------------------------------------------

    def make_anew(self, before: Wish) -> None:
        """Plan again from where the switch mode says; the old plan stays until the new is there."""
        bar = self._turning_bar()
        if self._turn is None or self._turn.bar != bar:
            self._turn = Turn(bar, before)
        self._revise(bar)

    def _revise(self, bar: int, step: int = 0) -> None:
        self._revisions += 1
        self.horizon.make_stale(bar, step)
        self.ask()

    def _turning_bar(self) -> int:
        """Return the bar with which, or within which, a change is heard."""
        current = self.horizon.current
        mode = self.controls.switch
        if not self.sounding or mode in GRAINS:
            return current
        following = current + (2 if self.open_step(current + 1, self.commit_ms) > 0 else 1)
        return following if mode == "bar" else math.ceil(following / PHRASE_BARS) * PHRASE_BARS

    def groove_again(self) -> None:
        """Give every planned bar its feel anew, from the next step that can still be changed."""
        if self._loop:
            return
        first = self.horizon.current
        step = self._ungrooved_step(first) if self.sounding else 0
        for planned in self.horizon.from_bar(first):
            keep = step if planned.index == first else 0
            self.horizon.put(self._maker.grooved_again(planned, self.controls, keep))
        if self.sounding and self.horizon.get(first):
            self.send(first, step)

    def _ungrooved_step(self, index: int) -> int:
        """Return the first step of a bar whose hits can still be moved.

        Swing and pull may keep the hits of a step whose place has passed: they are moved with the rest.
        """
        assert self.grid is not None
        step, planned = self.open_step(index, PLAYER_LEAD_MS), self.horizon.get(index)
        before = [] if planned is None else [hit for _, at, hit in planned.hits if at == step - 1]
        soon_us = self.now_us + PLAYER_LEAD_MS * 1e3
        latency_ms = self.controls.latency_ms
        due_us = [self.grid.time_of(index, hit.beat, hit.offset_ms - latency_ms) for hit in before]
        return step - 1 if due_us and min(due_us) > soon_us else step

    def reseed(self, seed: int) -> None:
        """Throw other dice from where the switch mode says."""
        self._maker.reseed(seed)
        self.make_anew(self.wish)

    def fill(self) -> None:
        """Let the rest of the bar be a fill that lands on a crash; the next bar where nothing is left."""
        if not self.sounding:
            return
        bar, _ = self._open_place(self.commit_ms)
        self._unloop()
        self._fill_bar = self._at_once_bar = bar
        self._land_on(bar + 1)
        self._revise(bar)

    def drop_out(self) -> None:
        """Be silent for the rest of the bar and come back on a crash; the next bar where nothing is left."""
        if not self.sounding:
            return
        bar, step = self._open_place(PLAYER_LEAD_MS)
        planned = self.horizon.get(bar)
        if planned is None:
            return
        self._unloop()
        self._asked = None
        self.horizon.put(self._maker.silenced(planned, step))
        self.send(bar, step)
        self._land_on(bar + 1)
        self._revise(bar + 1)

    def _land_on(self, bar: int) -> None:
        """Let a bar begin with a crash: the one that is planned at once, and the one that will be made."""
        self._landing_bar = bar
        planned = self.horizon.get(bar)
        if planned is not None:
            self.horizon.put(self._maker.begun_with(planned, LANDING, self.controls))
            self.send(bar, 0)

    def _open_place(self, lead_ms: float) -> tuple[int, int]:
        """Return the first (bar, step) further ahead than `lead_ms`."""
        current = self.horizon.current
        step = self.open_step(current, lead_ms)
        return (current, step) if step < self._meter.steps else (current + 1, 0)

    def lock(self, count: int) -> None:
        """Play the last `count` bars again and again, to the tick, from the next bar line on."""
        if not self.sounding or self.grid is None:
            return
        playing = self.horizon.current
        soon = self.horizon.get(playing + 1)
        bars = self.horizon.played()
        if soon is not None and self.now_us + self.lead_us() >= self.grid.time_of(playing + 1):
            playing += 1  # its first hits may have been sent already
            bars.append(soon)
        if not bars:
            return
        self._loop, self._loop_from = bars[-count:], playing + 1
        self.looped_bars = len(self._loop)
        self._asked = None
        self.horizon.forget_from(self._loop_from)
        self._go_on_looping()

    def unlock(self) -> None:
        """Go on with new bars from the next bar line on."""
        if self._loop:
            self._unloop()
            self._revise(self.horizon.current + 1)

    def _unloop(self) -> None:
        self._loop = []
        self.looped_bars = 0

    def _go_on_looping(self) -> None:
        """Plan copies of the looped bars as far as the plan reaches."""
        place = self.horizon.missing()
        if place is None:
            return
        first = max(place[0], self._loop_from)
        for index in range(first, self.horizon.current + self.horizon.lookahead_bars + 1):
            looped = self._loop[(index - self._loop_from) % len(self._loop)]
            self.horizon.put(self._maker.copied(looped, index))
        current = self.horizon.get(self.horizon.current)
        if current is not None and current.stale_from is not None:
            self.horizon.put(replace(current, stale_from=None))
        if self.sounding and self.horizon.get(first):
            self.send(first, 0)

    def return_to(self, planned: PlannedBar | None, before: Wish) -> None:
        """Go back to a bar: it plays next, and new bars follow it."""
        self._unloop()
        following = self.horizon.current + 1
        if planned is None or not self.sounding or self.open_step(following, PLAYER_LEAD_MS) > 0:
            self.make_anew(before)
            return
        self._asked = None
        self._turn = None
        self.horizon.put(self._maker.copied(planned, following))
        self.send(following, 0)
        self._revise(following + 1)
