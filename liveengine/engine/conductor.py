"""The conductor: follows the session, obeys controls, and lets the plan be played.

Pure: time and session come in with each call, orders and events go out as effects. The same conductor
runs live, offline and in tests.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from liveengine.contracts import SessionState
from liveengine.engine.events import (
    BarEnded,
    CaptureBars,
    ControlMoved,
    Effect,
    PeersChanged,
    ShareTransport,
    TellPlayer,
    TempoChanged,
    TransportChanged,
)
from liveengine.engine.grid import BarGrid
from liveengine.engine.horizon import Horizon, PlannedBar
from liveengine.engine.maker import BarMaker
from liveengine.engine.plan import PLAYER_LEAD_MS, Planner, Wish
from liveengine.engine.player import AllOff, Clear, Replace, SetLatency, SetMap, StartSong, StopSong
from liveengine.music.beats import Meter, last_multiple, next_multiple
from liveengine.music.control import (
    RANGES,
    TOGGLES,
    Command,
    ControlState,
    Do,
    SetBlendStyle,
    SetLevel,
    SetSeed,
    SetStyle,
    SetSwitch,
    SetToggle,
    StateCommand,
    apply,
)
from liveengine.music.drums import KitMap
from liveengine.music.request import GUIDED, BarReply, Guidance
from liveengine.music.style import Style, StyleBook

JUMP_BEATS = 0.25
"""A beat that is off by more than this was moved by a peer; less is a tempo change seen a little late."""
START_LEAD_MS = 120.0
"""Least time between deciding to start and the first downbeat."""
REGROOVED = ("swing_percent", "humanize", *(name for name in RANGES if name.startswith("push_")))
"""Controls that change feel only: planned bars stay, their timing is made anew."""
LOUDNESS = (*TOGGLES, *(name for name in RANGES if name.startswith("level_")))
"""Controls that change nothing but how loud planned hits are."""
REDECODED = ("density", "energy", "variation")
"""Controls, beside styles, that new bars are needed for."""
UNDO_KEPT = 64
ONE_TURN_US = 1_000_000.0
"""What one control is turned through without a pause of this is one turn to undo."""


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
class Turned:
    """What can be undone: the controls before a turn, the bar that played, and which control it was, when."""

    controls: ControlState
    planned: PlannedBar | None
    control: str
    at_us: float


class Conductor:
    """Owned by the engine's loop. Call `tick` often; read `effects` after each call and clear them."""

    def __init__(
        self, settings: ConductorSettings, styles: StyleBook, kit: KitMap, controls: ControlState
    ) -> None:
        """Begin before the first bar."""
        styles.find(controls.style)
        self.settings = settings
        self.styles = styles
        self.kit = kit
        self.effects: list[Effect] = []
        self.session: SessionState | None = None
        self.first_downbeat_us: float | None = None
        self.plan = Planner(
            BarMaker(settings.meter, settings.seed, settings.guidance),
            styles,
            kit,
            controls,
            self.effects,
            meter=settings.meter,
            lookahead_bars=settings.lookahead_bars,
            cover_ms=settings.cover_ms,
        )
        self._waiting = True
        self._regroove = self._resend = False
        self._origin_beat = 0.0
        self._origin_bar = 0
        self._turns: deque[Turned] = deque(maxlen=UNDO_KEPT)
        self.effects.append(TellPlayer(SetLatency(controls.latency_ms)))

    @property
    def horizon(self) -> Horizon:
        """The bars that have been, play, and are planned."""
        return self.plan.horizon

    @property
    def controls(self) -> ControlState:
        """Everything as it is turned now."""
        return self.plan.controls

    @property
    def style(self) -> Style:
        """The style asked for; the bar that plays may still be in another."""
        return self.plan.style

    @property
    def sounding(self) -> bool:
        """Whether the engine plays, or has decided from where on it will."""
        return self.plan.sounding

    def start_beat(self, index: int) -> float:
        """Return the session beat of a bar's bar line."""
        return self._origin_beat + (index - self._origin_bar) * self.settings.meter.beats

    # --- what comes in -------------------------------------------------------------------------

    def tick(self, now_us: float, session: SessionState) -> None:
        """Follow the session to this moment: begin, commit, finish and ask for bars."""
        plan = self.plan
        plan.now_us = now_us
        self._follow(now_us, session)
        if self._waiting:
            self._begin_if_ready(now_us)
        if plan.sounding:
            self._note_first_downbeat(now_us)
            plan.cover_late_bars()
            while session.beat_map.beat_at(now_us) >= self.start_beat(plan.horizon.current + 1):
                self._finish_bar()
                plan.cover_late_bars()
        plan.ask()

    def accept(self, reply: BarReply, now_us: float) -> None:
        """Take a generated bar into the plan; one that nobody waits for any more is left out."""
        self.plan.now_us = now_us
        self.plan.accept(reply)

    def command(self, command: Command, now_us: float) -> None:
        """Obey a control. Raises UnknownNameError for a style that is not in the book."""
        self.plan.now_us = now_us
        if isinstance(command, Do):
            self.effects.append(ControlMoved(now_us, "do", command.action))
            self._do(command.action)
        elif isinstance(command, SetSeed):
            self.effects.append(ControlMoved(now_us, "seed", float(command.seed)))
            self.plan.reseed(command.seed)
        else:
            self._set(self._found(command))

    def _found(self, command: StateCommand) -> StateCommand:
        """Return a command with its style spelled as in the book."""
        if isinstance(command, SetStyle):
            return SetStyle(self.styles.find(command.name).name)
        if isinstance(command, SetBlendStyle) and command.name is not None:
            return SetBlendStyle(self.styles.find(command.name).name)
        return command

    def _set(self, command: StateCommand) -> None:
        plan = self.plan
        name, value = _told(command)
        self.effects.append(ControlMoved(plan.now_us, name, value))
        before, controls = plan.wish, apply(plan.controls, command)
        if controls == plan.controls:
            return
        self._remember_turn(name)
        plan.controls = controls
        self._obey_change(name, before)

    def _obey_change(self, name: str, before: Wish) -> None:
        """Let a control be heard that has taken another value."""
        if name == "latency_ms":
            self.effects.append(TellPlayer(SetLatency(self.controls.latency_ms)))
        elif name in LOUDNESS:
            self._resend = True
        elif name in REGROOVED:
            self._regroove = True
        elif name in REDECODED or self.plan.wish.style != before.style:
            self.plan.make_anew(before)

    def settle(self) -> None:
        """Let feel and loudness be heard as they are turned now, once for all commands since then."""
        if self._regroove:
            self.plan.groove_again()
        elif self._resend:
            self.plan.send_open()
        self._regroove = self._resend = False

    def _do(self, action: str) -> None:
        if action in ("start", "stop"):
            self.effects.append(ShareTransport(action == "start"))
            self._obey_transport(action == "start")
        elif action == "fill":
            self.plan.fill()
        elif action == "break":
            self.plan.drop_out()
        elif action == "unlock":
            self.plan.unlock()
        elif action == "undo":
            self._undo()
        elif action == "panic":
            self.effects.append(TellPlayer(AllOff(self.kit.notes)))
        else:
            what, _, count = action.partition("_")
            if what == "lock":
                self.plan.lock(int(count))
            else:
                self.effects.append(CaptureBars(self.plan.now_us, int(count)))

    def _remember_turn(self, control: str) -> None:
        """Keep what a control's turn can be undone to; a turn through many values is one."""
        now_us = self.plan.now_us
        last = self._turns[-1] if self._turns else None
        if last is not None and last.control == control and now_us - last.at_us < ONE_TURN_US:
            self._turns[-1] = replace(last, at_us=now_us)
        else:
            playing = self.horizon.get(self.horizon.current)
            self._turns.append(Turned(self.controls, playing, control, now_us))

    def _undo(self) -> None:
        """Go back to the controls before the last turn, and to the bar that played then."""
        if not self._turns:
            return
        turned = self._turns.pop()
        before = self.plan.wish
        latency_ms = self.controls.latency_ms
        self.plan.controls = turned.controls
        if turned.controls.latency_ms != latency_ms:
            self.effects.append(TellPlayer(SetLatency(turned.controls.latency_ms)))
        self._resend = True
        self.plan.return_to(turned.planned, before)

    def stop(self) -> None:
        """End every note, and the bar that plays."""
        if self.plan.sounding:
            self._finish_bar()
        self.plan.sounding = False
        self._waiting = False
        self.effects += [TellPlayer(StopSong()), TellPlayer(Clear())]

    # --- the session ---------------------------------------------------------------------------

    def _lay_grid(self) -> None:
        """Lay the bars over the session's beats as they are now."""
        assert self.session is not None
        self.plan.grid = BarGrid(
            self.session.beat_map, self.settings.meter, self._origin_beat, self._origin_bar
        )

    def _follow(self, now_us: float, session: SessionState) -> None:
        before, self.session = self.session, session
        if before is None or session.beat_map != before.beat_map:
            self._lay_grid()
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
        current = self.horizon.current
        if self.horizon.get(current) is None:
            return
        soonest_us = now_us + START_LEAD_MS * 1e3 + self.plan.lead_us()
        soonest_beat = self.session.beat_map.beat_at(soonest_us)
        self._origin_beat = next_multiple(soonest_beat, self.settings.quantum_beats)
        self._origin_bar = current
        self._lay_grid()
        self._waiting = False
        self.plan.sounding = True
        self._start_song()
        self.plan.send(current, 0)

    def _start_song(self) -> None:
        """Let MIDI clock run from the bar line of the current bar."""
        current = self.horizon.current
        song_beats = current * self.settings.meter.beats
        self.effects.append(TellPlayer(StartSong(self.start_beat(current), song_beats)))

    def _note_first_downbeat(self, now_us: float) -> None:
        assert self.plan.grid is not None
        line_us = self.plan.grid.time_of(self.horizon.current)
        if self.first_downbeat_us is None and now_us >= line_us:
            self.first_downbeat_us = line_us

    def _anchor_again(self, now_us: float) -> None:
        """After a jump of the beat: the bar that plays goes on from where the new bar line puts it."""
        assert self.session is not None
        if self.first_downbeat_us is None:  # nothing has sounded yet: begin anew
            self.plan.sounding, self._waiting = False, True
            self.effects += [TellPlayer(StopSong()), TellPlayer(Clear())]
            return
        beats = self.settings.meter.beats
        quantum = self.settings.quantum_beats
        align = beats if quantum % beats == 0 else quantum
        current = self.horizon.current
        self._origin_bar = current
        self._origin_beat = last_multiple(self.session.beat_map.beat_at(now_us), align)
        self._lay_grid()
        self.effects.append(TellPlayer(Replace(current, 0, (), again=True)))
        self._start_song()
        self.plan.send(current, self.plan.open_step(current, PLAYER_LEAD_MS))

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


def _told(command: StateCommand) -> tuple[str, str | float | bool | None]:
    """Return a control's name and value, as they are recorded."""
    if isinstance(command, SetStyle):
        return "style", command.name
    if isinstance(command, SetBlendStyle):
        return "blend_style", command.name
    if isinstance(command, SetSwitch):
        return "switch", command.mode
    if isinstance(command, SetToggle):
        return command.control, command.on
    assert isinstance(command, SetLevel)
    return command.control, command.value
