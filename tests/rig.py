"""An engine in virtual time, with a source of bars whose speed the test decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from liveengine.clock.virtual import VirtualTimeline
from liveengine.engine.offline import VirtualPlayer
from liveengine.engine.session import Session, SessionStore
from liveengine.midi.memory import MemorySink
from liveengine.music.beats import meter_for_quantum
from liveengine.music.control import ControlState
from liveengine.music.control_map import ControlMap
from liveengine.music.drums import Voice
from liveengine.music.kit import GENERAL_MIDI_KIT, KitMap
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply, BarRequest, LostRequest
from liveengine.music.scene import Scene, SetList
from liveengine.music.style import Feel, Style, StyleBook
from liveengine.planning.conductor import Conductor
from liveengine.planning.conductor_settings import ConductorSettings
from liveengine.planning.events import BarEnded, Effect
from liveengine.planning.scenes import SceneBook
from liveengine.playback.scheduler import PlayerCore
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace

if TYPE_CHECKING:
    from liveengine.app.loading import LoadedSession
    from liveengine.generation.process_source import LocalBarSource

STEP_US = 5000.0
PLAIN = Feel(jitter_ms=0.0, humanize=0.0)
LOOSE = Feel(jitter_ms=9.0, humanize=1.0, ghosts_per_bar=2.0)
STYLES = StyleBook(
    [
        Style("rock", "Rock", (("rock", 1.0),), (80, 140), "made for the test", feel=PLAIN),
        Style("jazz", "Jazz", (("jazz", 1.0),), (100, 200), "made for the test", feel=PLAIN),
        Style("loose", "Loose", (("rock", 1.0),), (80, 140), "made for the test", feel=LOOSE),
    ]
)


class TimedSource:
    """Answers each request after `delay_us` of virtual time, or never while `stuck`.

    The bar's hits tell its style, unless they are `written`: rock strikes the kick on every beat, jazz the
    ride.
    """

    def __init__(self, timeline: VirtualTimeline, delay_us: float = 50_000.0) -> None:
        self.timeline = timeline
        self.delay_us = delay_us
        self.stuck = False
        self.steps = 4
        self.written: tuple[Hit, ...] | None = None
        self.requests: list[BarRequest] = []
        self.rehearses = False
        self.rehearsals: list[tuple[BarRequest, ...]] = []
        self._rehearsed: list[BarReply] = []
        self._due: tuple[float, BarRequest] | None = None
        self._lost: LostRequest | None = None

    def ready(self) -> bool:
        return True

    def request(self, request: BarRequest) -> None:
        self.requests.append(request)
        self._due = (self.timeline.now_us() + self.delay_us, request)

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        self.rehearsals.append(tuple(requests))
        if self.rehearses:
            self._rehearsed += [self._reply(request) for request in requests]

    def poll(self) -> BarReply | None:
        if self._rehearsed and self._due is None:
            return self._rehearsed.pop(0)
        if self._due is None or self.stuck or self.timeline.now_us() < self._due[0]:
            return None
        request = self._due[1]
        self._due = None
        return self._reply(request)

    def die(self) -> None:
        """Lose what was asked for, and be there again."""
        if self._due is not None:
            self._lost, self._due = LostRequest(self._due[1].serial), None

    def lost(self) -> LostRequest | None:
        lost, self._lost = self._lost, None
        return lost

    def _reply(self, request: BarRequest) -> BarReply:
        voice = Voice.RIDE if request.conditioning.genres[0][0] == "jazz" else Voice.KICK
        if self.written is not None:
            written = Bar(request.meter, tuple(hit for hit in self.written if hit.step >= request.from_step))
            return BarReply(request.serial, written, 9, self.delay_us / 1e3)
        steps = range(0, request.meter.steps, self.steps)
        rest = (Hit(step, voice, 0, 90 + request.index % 8) for step in steps if step >= request.from_step)
        hits = (*request.prefix, *rest)
        return BarReply(request.serial, Bar(request.meter, hits), 9, self.delay_us / 1e3)

    def notices(self) -> list[str]:
        return []

    def trouble(self) -> str:
        return ""

    def fileno(self) -> int | None:
        return None

    def close(self) -> None:
        self.stuck = True


@dataclass
class Rig:
    """The parts, and what was sent with its moment and beat."""

    timeline: VirtualTimeline
    source: TimedSource
    session: Session
    player: VirtualPlayer
    sink: MemorySink
    record: PerformanceLog
    trace: Path
    strikes: list[tuple[float, float, int]] = field(default_factory=list)
    sent: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)

    @property
    def conductor(self) -> Conductor:
        return self.session.conductor

    def run(self, seconds: float) -> None:
        """Let virtual time pass, playing everything that is due on the way."""
        end = self.timeline.now_us() + seconds * 1e6
        while self.timeline.now_us() < end:
            self.session.step(self.timeline.now_us())
            self.note_sent()
            until = min(end, self.timeline.now_us() + STEP_US)
            while (due := self.player.next_due_us()) is not None and due < until:
                self.timeline.advance_to(max(due, self.timeline.now_us()))
                before = len(self.sink.messages)
                self.player.play()
                self.note_sent()
                beat = self.timeline.state().beat_map.beat_at(self.timeline.now_us())
                self.strikes += [
                    (self.timeline.now_us(), beat, message[1])
                    for message in self.sink.messages[before:]
                    if message[0] & 0xF0 == 0x90
                ]
            self.timeline.advance_to(until)

    def watch_bars(self, ended: Callable[[BarEnded], object]) -> None:
        """Call `ended` with each bar that ends from here on."""
        record = self.record.effect

        def note(effect: Effect) -> None:
            if isinstance(effect, BarEnded):
                ended(effect)
            record(effect)

        self.record.effect = note  # type: ignore[method-assign]

    def note_sent(self) -> None:
        """Keep what has been sent with its moment."""
        fresh = self.sink.messages[len(self.sent) :]
        self.sent += [(self.timeline.now_us(), message) for message in fresh]


def loaded_rig(loaded: LoadedSession, source: LocalBarSource, control_map: ControlMap | None = None) -> Rig:
    """Return a rig that plays what was loaded, its bars made by real weights."""
    timeline, sink, record = VirtualTimeline(loaded.bpm), MemorySink(), loaded.record(Trace(None))
    player = VirtualPlayer(loaded.core(), sink, timeline)
    session = Session(
        timeline=timeline,
        source=source,
        player=player,
        conductor=loaded.conductor(0.0),
        record=record,
        control_map=control_map,
    )
    return Rig(timeline, source, session, player, sink, record, Path())  # type: ignore[arg-type]


@pytest.fixture
def make_rig(tmp_path: Path) -> Callable[..., Rig]:
    def make(
        bpm: float = 120.0,
        quantum: float = 4.0,
        style: str = "rock",
        midi_clock: bool = False,
        *,
        switch: str = "beat",
        scenes: Sequence[Scene] = (),
        set_list: SetList | None = None,
        store: SessionStore | None = None,
        fill_every: float = 0,
        kit: KitMap = GENERAL_MIDI_KIT,
        kits: Sequence[KitMap] = (),
        control_map: ControlMap | None = None,
    ) -> Rig:
        timeline = VirtualTimeline(bpm)
        source = TimedSource(timeline)
        sink = MemorySink()
        player = VirtualPlayer(
            PlayerCore(gate_ms=60.0, late_drop_ms=30.0, midi_clock=midi_clock), sink, timeline
        )
        meter = meter_for_quantum(quantum)
        trace = tmp_path / "trace.jsonl"
        record = PerformanceLog(Trace(trace), meter, 10)
        conductor = Conductor(
            ConductorSettings(quantum_beats=quantum, seed=7),
            STYLES,
            kit,
            ControlState(style=style, switch=switch, fill_every=fill_every, time_signature=str(meter)),
            scenes=SceneBook(scenes),
            set_list=set_list,
            kits=kits,
        )
        session = Session(
            timeline=timeline,
            source=source,
            player=player,
            conductor=conductor,
            record=record,
            store=store,
            control_map=control_map,
        )
        return Rig(timeline, source, session, player, sink, record, trace)

    return make
