"""The conductor: follows the session, keeps bars planned ahead, and tells the player what to play.

Pure: time and session come in with each call, orders and events go out as effects. The same conductor
runs live, offline and in tests.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from liveengine.contracts import SessionState
from liveengine.engine.events import (
    AskBar,
    BarDecoded,
    BarEnded,
    ControlMoved,
    Effect,
    PeersChanged,
    ShareTransport,
    TellPlayer,
    TempoChanged,
    TransportChanged,
)
from liveengine.engine.horizon import Horizon, PlannedBar
from liveengine.engine.maker import BarMaker
from liveengine.engine.player import Clear, PlannedHit, Replace, SetLatency, SetMap, StartSong, StopSong
from liveengine.music.beats import STEPS_PER_BEAT, TICKS_PER_BEAT, Meter, last_multiple, next_multiple
from liveengine.music.control import Command, ControlState, SetLevel, SetStyle, SetSwitch, SetTransport, apply
from liveengine.music.drums import KitMap
from liveengine.music.groove import JITTER_LIMIT_MS
from liveengine.music.pattern import MICRO_MIN
from liveengine.music.request import GUIDED, PHRASE_BARS, BarReply, BarRequest, Guidance
from liveengine.music.style import Style, StyleBook

JUMP_BEATS = 0.25
"""A beat that is off by more than this was moved by a peer; less is a tempo change seen a little late."""
START_LEAD_MS = 120.0
"""Least time between deciding to start and the first downbeat."""
MICRO_LEAD_BEATS = -MICRO_MIN / TICKS_PER_BEAT
"""A bar's first hits may sound this long before its bar line."""
REGROOVED = ("swing_percent", "humanize")
"""Controls that change feel only: planned bars stay, their timing is made anew."""


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


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """What does not change while playing. A bar not there `cover_ms` before its first hit is covered."""

    meter: Meter
    quantum_beats: float
    seed: int
    lookahead_bars: int = 2
    cover_ms: float = 60.0
    guidance: Guidance = GUIDED


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
    """A request on its way, and how long it may take; None before anything plays."""

    request: BarRequest
    wish: Wish
    revision: int
    at_us: float
    allowed_ms: float | None


class Conductor:
    """Owned by the engine's loop. Call `tick` often; read `effects` after each call and clear them."""

    def __init__(
        self, settings: ConductorSettings, styles: StyleBook, kit: KitMap, controls: ControlState
    ) -> None:
        """Begin before the first bar."""
        self.settings = settings
        self.controls = controls
        self.styles = styles
        self.kit = kit
        self.horizon = Horizon(settings.lookahead_bars)
        self.effects: list[Effect] = []
        self.session: SessionState | None = None
        self.sounding = False
        self.first_downbeat_us: float | None = None
        self.last_generated_ms: float | None = None
        self._waiting = True
        self._origin_beat = 0.0
        self._origin_bar = 0
        self._style = styles.find(controls.style)
        self._asked: Asked | None = None
        self._turn: Turn | None = None
        self._silent: tuple[int, float] | None = None
        self._waits_ms: deque[float] = deque(maxlen=WAITS_KEPT)
        self._now_us = 0.0
        self._maker = BarMaker(settings.meter, settings.seed, settings.guidance)
        self._revisions = 0
        self.effects.append(TellPlayer(SetLatency(controls.latency_ms)))

    @property
    def style(self) -> Style:
        """The style asked for; the bar that plays may still be in another."""
        return self._style

    @property
    def _bpm(self) -> float:
        assert self.session is not None
        return self.session.beat_map.bpm

    def start_beat(self, index: int) -> float:
        """Return the session beat of a bar's bar line."""
        return self._origin_beat + (index - self._origin_bar) * self.settings.meter.beats

    # --- what comes in -------------------------------------------------------------------------

    def tick(self, now_us: float, session: SessionState) -> None:
        """Follow the session to this moment: begin, commit, finish and ask for bars."""
        self._now_us = now_us
        self._follow(now_us, session)
        if self._waiting:
            self._begin_if_ready(now_us)
        if self.sounding:
            self._note_first_downbeat(now_us)
            self._cover_late_bars(now_us)
            while session.beat_map.beat_at(now_us) >= self.start_beat(self.horizon.current + 1):
                self._finish_bar()
                self._cover_late_bars(now_us)
        self._ask()

    def accept(self, reply: BarReply, now_us: float) -> None:
        """Take a generated bar into the plan; one that nobody waits for any more is left out."""
        self._now_us = now_us
        asked = self._asked
        if asked is None or reply.serial != asked.request.serial:
            return
        request, self._asked = asked.request, None
        self.last_generated_ms = reply.generated_ms
        waited_ms = (now_us - asked.at_us) / 1e3
        if request.index % PHRASE_BARS:  # a phrase's first bar reads the phrase before
            self._waits_ms.append(waited_ms)
        if request.index >= self.horizon.current:
            planned = self._maker.planned(request, reply, asked.wish.style, asked.wish.controls)
            self._plan(replace(planned, waited_ms=waited_ms, allowed_ms=asked.allowed_ms), asked)
        self._ask()

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

    def command(self, command: Command, now_us: float) -> None:
        """Obey a control. Raises UnknownNameError for a style that is not in the book."""
        self._now_us = now_us
        if isinstance(command, SetTransport):
            self.effects.append(ControlMoved(now_us, "playing", command.playing))
            self.effects.append(ShareTransport(command.playing))
            self._obey_transport(command.playing)
            return
        if isinstance(command, SetStyle):
            style = self.styles.find(command.name)
            self.effects.append(ControlMoved(now_us, "style", style.name))
            if style is not self._style:
                before = self._wish
                self._style = style
                self.controls = apply(self.controls, SetStyle(style.name))
                self._make_anew(before)
        elif isinstance(command, SetSwitch):
            self.effects.append(ControlMoved(now_us, "switch", command.mode))
            self.controls = apply(self.controls, command)
        else:
            self.effects.append(ControlMoved(now_us, command.control, command.value))
            before = self._wish
            self.controls = apply(self.controls, command)
            self._obey_level(command, before)

    @property
    def _wish(self) -> Wish:
        return Wish(self._style, self.controls)

    def stop(self) -> None:
        """End every note, and the bar that plays."""
        if self.sounding:
            self._finish_bar()
        self.sounding = False
        self._waiting = False
        self.effects += [TellPlayer(StopSong()), TellPlayer(Clear())]

    # --- the session ---------------------------------------------------------------------------

    def _follow(self, now_us: float, session: SessionState) -> None:
        before, self.session = self.session, session
        if before is None or session.beat_map != before.beat_map:
            self.effects.append(TellPlayer(SetMap(session.beat_map)))
            beat = session.beat_map.beat_at(now_us)
            if before is None or session.beat_map.bpm != before.beat_map.bpm:
                self.effects.append(TempoChanged(now_us, session.beat_map.bpm, beat))
            if before and abs(beat - before.beat_map.beat_at(now_us)) > JUMP_BEATS and self.sounding:
                self._anchor_again(now_us)
        if before is None or session.peers != before.peers:
            self.effects.append(PeersChanged(now_us, session.peers))
        if before is None or session.playing != before.playing:
            self.effects.append(TransportChanged(now_us, session.playing))
            if before is not None:
                self._obey_transport(session.playing)

    def _obey_transport(self, playing: bool) -> None:
        if playing:
            self._waiting = not self.sounding
        else:
            self.stop()

    def _begin_if_ready(self, now_us: float) -> None:
        """Once the next bar is there, let it begin on the next multiple of the quantum."""
        assert self.session is not None
        if self.horizon.get(self.horizon.current) is None:
            return
        beat_map = self.session.beat_map
        soonest_us = now_us + START_LEAD_MS * 1e3 + self._lead_us()
        self._origin_beat = next_multiple(beat_map.beat_at(soonest_us), self.settings.quantum_beats)
        self._origin_bar = self.horizon.current
        self._waiting = False
        self.sounding = True
        self._start_song()
        self._send_plan(self.horizon.current, 0)

    def _start_song(self) -> None:
        """Let MIDI clock run from the bar line of the current bar."""
        song_beats = self.horizon.current * self.settings.meter.beats
        self.effects.append(TellPlayer(StartSong(self.start_beat(self.horizon.current), song_beats)))

    def _note_first_downbeat(self, now_us: float) -> None:
        assert self.session is not None
        line_us = self.session.beat_map.time_at(self.start_beat(self.horizon.current))
        if self.first_downbeat_us is None and now_us >= line_us:
            self.first_downbeat_us = line_us

    def _anchor_again(self, now_us: float) -> None:
        """After a jump of the beat: the bar that plays goes on from where the new bar line puts it."""
        assert self.session is not None
        if self.first_downbeat_us is None:  # nothing has sounded yet: begin anew
            self.sounding, self._waiting = False, True
            self.effects += [TellPlayer(StopSong()), TellPlayer(Clear())]
            return
        beats = self.settings.meter.beats
        quantum = self.settings.quantum_beats
        align = beats if quantum % beats == 0 else quantum
        self._origin_bar = self.horizon.current
        self._origin_beat = last_multiple(self.session.beat_map.beat_at(now_us), align)
        self.effects.append(TellPlayer(Replace(self.horizon.current, 0, (), again=True)))
        self._start_song()
        self._send_plan(self.horizon.current, self._open_step(self.horizon.current, PLAYER_LEAD_MS))

    # --- the plan ------------------------------------------------------------------------------

    def _lead_us(self) -> float:
        """Return how long before its bar line a bar must be with the player."""
        assert self.session is not None
        push_ms = max(0.0, -min(self._style.feel.push_ms))
        lead_ms = self.settings.cover_ms + push_ms + JITTER_LIMIT_MS + max(0.0, self.controls.latency_ms)
        return lead_ms * 1e3 + MICRO_LEAD_BEATS * self.session.beat_map.us_per_beat

    def _open_step(self, index: int, lead_ms: float) -> int:
        """Return the first step of a bar that lies further ahead than `lead_ms`; 0 where all of it does."""
        assert self.session is not None
        ahead_us = (lead_ms + max(0.0, self.controls.latency_ms)) * 1e3
        beat = self.session.beat_map.beat_at(self._now_us + ahead_us) - self.start_beat(index)
        return max(0, math.ceil(beat * STEPS_PER_BEAT - 1e-6))

    def _plan(self, planned: PlannedBar, asked: Asked) -> None:
        """Put a bar, or the rest of one, into the plan and give it to the player.

        One that came late joins at the next step. What has been asked for anew meanwhile stays to be made.
        """
        index, written_from = planned.index, asked.request.from_step
        before = self.horizon.get(index)
        step = written_from
        if self.sounding and before is not None:
            step = max(step, self._open_step(index, PLAYER_LEAD_MS))
        if step >= self.settings.meter.steps:  # too little of it is left
            if before is not None:
                self.horizon.put(replace(before, stale_from=None))
            return
        whole = (
            planned
            if before is None or step == 0
            else self._maker.spliced(before, planned, step, written_from)
        )
        stale_from = before.stale_from if before is not None and asked.revision != self._revisions else None
        self.horizon.put(replace(whole, stale_from=stale_from))
        if self.sounding:
            self._send_plan(index, step, at_once_ms=AT_ONCE_MS)
        self._tell_decoded(whole, asked, step, replanned=before is not None)

    def _tell_decoded(self, planned: PlannedBar, asked: Asked, step: int, *, replanned: bool) -> None:
        """Tell from when a decode is heard: now, or after the last hit of what it follows.

        Where the new rest of a bar is silent, the next bar tells it, as what is heard from that moment on.
        """
        assert self.session is not None
        kept_us = [
            self.session.beat_map.time_at(self.start_beat(earlier.index) + hit.beat)
            + (hit.offset_ms - self.controls.latency_ms) * 1e3
            for earlier in self.horizon.from_bar(self.horizon.current)
            for _, at, hit in earlier.hits
            if (earlier.index, at) < (planned.index, step)
        ]
        from_us = max([self._now_us + PLAYER_LEAD_MS * 1e3, *(due_us + 1.0 for due_us in kept_us)])
        if self._silent is not None and self._silent[0] == planned.index - 1:
            from_us = min(from_us, self._silent[1])
        silent = replanned and not any(at >= step for _, at, _ in planned.hits)
        self._silent = (planned.index, from_us) if silent else None
        self.effects.append(
            BarDecoded(
                at_us=self._now_us,
                from_us=from_us,
                step=step,
                start_beat=self.start_beat(planned.index),
                planned=planned,
                request=asked.request,
                replanned=replanned and not silent,
            )
        )

    def _send_plan(self, index: int, step: int, at_once_ms: float = 0.0) -> None:
        """Give the player everything planned from (index, step) on."""
        hits: list[PlannedHit] = []
        for planned in self.horizon.from_bar(index):
            first = step if planned.index == index else 0
            hits += planned.planned_hits(self.start_beat(planned.index), self.kit, first)
        self.effects.append(TellPlayer(Replace(index, step, tuple(hits), at_once_ms=at_once_ms)))

    def _cover_late_bars(self, now_us: float) -> None:
        """Where a bar is not there when its first hits are due, play the fallback."""
        assert self.session is not None
        for index in (self.horizon.current, self.horizon.current + 1):
            line_us = self.session.beat_map.time_at(self.start_beat(index))
            if self.horizon.get(index) is None and now_us + self._lead_us() >= line_us:
                self.horizon.put(
                    self._maker.fallback(index, self.horizon.history(), self._style, self.controls, self._bpm)
                )
                self._send_plan(index, 0)

    def _finish_bar(self) -> None:
        index = self.horizon.current
        start = self.start_beat(index)
        ended = self.horizon.finish_current()
        if ended is not None:
            self.effects.append(
                BarEnded(
                    bar=index,
                    start_beat=start,
                    style=ended.style.name,
                    tokens=ended.tokens,
                    generated_ms=ended.generated_ms,
                    waited_ms=ended.waited_ms,
                    allowed_ms=ended.allowed_ms,
                    decode_ids=tuple(decode_id for _, decode_id in ended.parts),
                    late=ended.late,
                    fallback=ended.fallback,
                )
            )

    # --- asking --------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for the first missing bar or rest of one, unless one is being made already."""
        if self.session is None or (
            self._asked is not None and self._asked.request.index >= self.horizon.current
        ):
            return  # late or not, the answer can still be of use
        if self._turn is not None and self.horizon.current >= self._turn.bar:
            self._turn = None
        place = self._next_place()
        if place is None:
            return
        index, step = place
        wish = self._wish if self._turn is None or index >= self._turn.bar else self._turn.before
        planned = self.horizon.get(index)
        request = self._maker.request(
            index,
            self._revisions,
            style=wish.style,
            controls=wish.controls,
            bpm=self._bpm,
            context=self.horizon.context_for(index),
            prefix=planned.beginning(step) if planned is not None else (),
            from_step=step,
        )
        allowed_ms = None
        if self.sounding:
            needed_us = self.session.beat_map.time_at(self.start_beat(index)) - self._lead_us()
            allowed_ms = (needed_us - self._now_us) / 1e3 if step == 0 else self.commit_ms
        self._asked = Asked(request, wish, self._revisions, self._now_us, allowed_ms)
        self.effects.append(AskBar(request))

    def _next_place(self) -> tuple[int, int] | None:
        """Return the first (bar, step) from which something is to be made and can still be changed."""
        while (place := self.horizon.missing()) is not None:
            index, step = place
            planned = self.horizon.get(index)
            if planned is None or not self.sounding:
                return index, 0
            open_step = self._open_step(index, self.commit_ms)
            if open_step > step:
                step = math.ceil(open_step / self._grain) * self._grain
            if step < self.settings.meter.steps:
                return index, step
            self.horizon.put(replace(planned, stale_from=None))
        return None

    @property
    def _grain(self) -> int:
        """Steps whose multiples a change within a bar may begin on."""
        return GRAINS.get(self.controls.switch, self.settings.meter.steps)

    def _make_anew(self, before: Wish) -> None:
        """Plan again from where the switch mode says; the old plan stays until the new is there."""
        self._revisions += 1
        bar = self._turning_bar()
        if self._turn is None or self._turn.bar != bar:
            self._turn = Turn(bar, before)
        self.horizon.make_stale(bar, 0)
        self._ask()

    def _turning_bar(self) -> int:
        """Return the bar with which, or within which, a change is heard."""
        current = self.horizon.current
        if not self.sounding or self.session is None:
            return current
        mode = self.controls.switch
        if mode in GRAINS:
            return current
        following = current + (2 if self._open_step(current + 1, self.commit_ms) > 0 else 1)
        return following if mode == "bar" else math.ceil(following / PHRASE_BARS) * PHRASE_BARS

    # --- feel ----------------------------------------------------------------------------------

    def _obey_level(self, command: SetLevel, before: Wish) -> None:
        if command.control == "latency_ms":
            self.effects.append(TellPlayer(SetLatency(self.controls.latency_ms)))
        elif command.control in REGROOVED:
            self._groove_again()
        else:
            self._make_anew(before)

    def _groove_again(self) -> None:
        """Give every planned bar its feel anew, from the next step that can still be changed."""
        first = self.horizon.current
        step = self._open_step(first, PLAYER_LEAD_MS) if self.sounding else 0
        for planned in self.horizon.from_bar(first):
            keep = step if planned.index == first else 0
            self.horizon.put(self._maker.grooved_again(planned, self.controls, keep))
        if self.sounding and self.horizon.get(first):
            self._send_plan(first, step, at_once_ms=AT_ONCE_MS)
