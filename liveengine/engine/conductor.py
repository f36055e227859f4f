"""The conductor: follows the session, keeps bars planned ahead, and tells the player what to play.

Pure: time and session come in with each call, orders and events go out as effects. The same conductor
runs live, offline and in tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from liveengine.contracts import SessionState
from liveengine.engine.events import (
    AskBar,
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
from liveengine.music.control import Command, ControlState, SetLevel, SetStyle, SetTransport, apply
from liveengine.music.drums import KitMap
from liveengine.music.groove import JITTER_LIMIT_MS
from liveengine.music.pattern import MICRO_MIN
from liveengine.music.request import GUIDED, BarReply, BarRequest, Guidance
from liveengine.music.style import Style, StyleBook

JUMP_BEATS = 0.25
"""A beat that is off by more than this was moved by a peer; less is a tempo change seen a little late."""
START_LEAD_MS = 120.0
"""Least time between deciding to start and the first downbeat."""
MICRO_LEAD_BEATS = -MICRO_MIN / TICKS_PER_BEAT
"""A bar's first hits may sound this long before its bar line."""
REGROOVED = ("swing_percent", "humanize")
"""Controls that change feel only: planned bars stay, their timing is made anew."""


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """What does not change while playing. `commit_ms` is the player's head start on a bar's first hit."""

    meter: Meter
    quantum_beats: float
    seed: int
    lookahead_bars: int = 2
    commit_ms: float = 60.0
    guidance: Guidance = GUIDED


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way, and how long it may take; None before anything plays."""

    request: BarRequest
    style: Style
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
        if request.index < self.horizon.current:
            self._ask()
            return
        planned = self._maker.planned(request, reply, asked.style, self.controls)
        waited_ms = (now_us - asked.at_us) / 1e3
        self._plan(replace(planned, waited_ms=waited_ms, allowed_ms=asked.allowed_ms), now_us)
        self._ask()

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
            if style is self._style:
                return
            self._style = style
            self.controls = apply(self.controls, SetStyle(style.name))
            self._make_anew()
            return
        self.effects.append(ControlMoved(now_us, command.control, command.value))
        self.controls = apply(self.controls, command)
        self._obey_level(command, now_us)

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
        self._send_plan(self.horizon.current, self._next_step(now_us, self.horizon.current))

    # --- the plan ------------------------------------------------------------------------------

    def _lead_us(self) -> float:
        """Return how long before its bar line a bar must be with the player."""
        assert self.session is not None
        push_ms = max(0.0, -min(self._style.feel.push_ms))
        lead_ms = self.settings.commit_ms + push_ms + JITTER_LIMIT_MS + max(0.0, self.controls.latency_ms)
        return lead_ms * 1e3 + MICRO_LEAD_BEATS * self.session.beat_map.us_per_beat

    def _next_step(self, now_us: float, index: int) -> int:
        """Return the first step of a bar that can still be changed; 0 where none of it is due yet."""
        assert self.session is not None
        ahead_us = self._lead_us() - MICRO_LEAD_BEATS * self.session.beat_map.us_per_beat
        beat = self.session.beat_map.beat_at(now_us + ahead_us) - self.start_beat(index)
        return max(0, math.ceil((beat + MICRO_LEAD_BEATS) * STEPS_PER_BEAT))

    def _plan(self, planned: PlannedBar, now_us: float) -> None:
        """Put a bar into the plan and give it to the player; one that came late joins at the next step."""
        index = planned.index
        before = self.horizon.get(index)
        step = self._next_step(now_us, index) if self.sounding and before is not None else 0
        if before is None or step == 0:
            self.horizon.put(planned)
        elif step < self.settings.meter.steps:
            self.horizon.put(self._maker.spliced(before, planned, step))
        else:  # too little of it is left
            self.horizon.put(replace(before, stale=False))
            return
        if self.sounding:
            self._send_plan(index, step)

    def _send_plan(self, index: int, step: int) -> None:
        """Give the player everything planned from (index, step) on."""
        hits: list[PlannedHit] = []
        for planned in self.horizon.from_bar(index):
            first = step if planned.index == index else 0
            hits += planned.planned_hits(self.start_beat(planned.index), self.kit, first)
        self.effects.append(TellPlayer(Replace(index, step, tuple(hits))))

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
                    late=ended.late,
                    fallback=ended.fallback,
                )
            )

    # --- asking --------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for the first missing bar, unless one is being made already."""
        if self.session is None:
            return
        index = self.horizon.missing()
        if index is None:
            return
        if self._asked is not None and self._asked.request.index >= self.horizon.current:
            return  # late or not, the answer can still be of use
        request = self._maker.request(
            index,
            self._revisions,
            style=self._style,
            controls=self.controls,
            bpm=self._bpm,
            context=self.horizon.context_for(index),
        )
        allowed_ms = None
        if self.sounding:
            needed_us = self.session.beat_map.time_at(self.start_beat(index)) - self._lead_us()
            allowed_ms = (needed_us - self._now_us) / 1e3
        self._asked = Asked(request, self._style, self._now_us, allowed_ms)
        self.effects.append(AskBar(request))

    def _make_anew(self) -> None:
        """Plan the bars after the one that plays again; the old plan stays until the new is there."""
        self._revisions += 1
        self._asked = None
        self.horizon.stale_from(self.horizon.current + (1 if self.sounding else 0))
        self._ask()

    # --- feel ----------------------------------------------------------------------------------

    def _obey_level(self, command: SetLevel, now_us: float) -> None:
        if command.control == "latency_ms":
            self.effects.append(TellPlayer(SetLatency(self.controls.latency_ms)))
        elif command.control in REGROOVED:
            self._groove_again(now_us)
        else:
            self._make_anew()

    def _groove_again(self, now_us: float) -> None:
        """Give every planned bar its feel anew, from the next step that can still be changed."""
        first = self.horizon.current
        step = self._next_step(now_us, first) if self.sounding else 0
        for planned in self.horizon.from_bar(first):
            keep = step if planned.index == first else 0
            self.horizon.put(self._maker.grooved_again(planned, self.controls, keep))
        if self.sounding and self.horizon.get(first):
            self._send_plan(first, step)
