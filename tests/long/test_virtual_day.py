"""A day of playing on the virtual clock, with the shipped drummer: nothing late, lost, hanging or growing.

`LIVEENGINE_SOAK_HOURS` makes it shorter or longer.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from liveengine.app.loading import PlayOptions, load_session
from liveengine.clock.virtual import VirtualTimeline
from liveengine.config.settings import EngineSettings
from liveengine.engine.offline import VirtualPlayer
from liveengine.engine.session import Session
from liveengine.generation.process_source import LocalBarSource
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.control import SetStyle, SetValue, TriggerAction
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace
from tests.live.checks import tell

pytestmark = [pytest.mark.long, pytest.mark.timeout(3 * 3600)]
HOURS = float(os.environ.get("LIVEENGINE_SOAK_HOURS", "24"))
HOUR_US = 3600e6
STEP_US = 5_000.0
GATE_MS = 60.0
CHANGE_EVERY_S = 20.0
"""A player touches something three times a minute, all day."""
MAY_GROW_MB = 8.0


class WatchingSink:
    """Follows every note and keeps nothing but what is wrong."""

    def __init__(self, timeline: VirtualTimeline) -> None:
        self._timeline = timeline
        self._since: dict[int, float] = {}
        self.ons = 0
        self.faults: list[str] = []

    def send(self, message: Sequence[int]) -> None:
        now_us = self._timeline.now_us()
        kind, note = message[0] & 0xF0, message[1] if len(message) > 1 else 0
        if kind == 0x90:
            self.ons += 1
            if note in self._since:
                self.faults.append(f"{note} struck while on at {now_us / 1e6:.3f} s")
            self._since[note] = now_us
        elif kind == 0x80 and note in self._since:
            length_ms = (now_us - self._since.pop(note)) / 1e3
            if length_ms > GATE_MS + 0.001:
                self.faults.append(f"{note} lasted {length_ms:.1f} ms at {now_us / 1e6:.3f} s")

    @property
    def sounding(self) -> list[int]:
        return sorted(self._since)

    def close(self) -> None:
        """Nothing is held open."""


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def touch(session: Session, timeline: VirtualTimeline, rng: random.Random) -> None:
    """Do what happens in a set: the tempo walks, styles and controls change, peers come and go."""
    happening = rng.randrange(8)
    if happening < 3:
        bpm = timeline.state().beat_map.bpm + rng.uniform(-8, 8)
        timeline.set_tempo(min(190.0, max(60.0, bpm)))
    elif happening == 3:
        session.post(SetStyle(rng.choice(session.conductor.styles.styles).name))
    elif happening == 4:
        session.post(SetValue(rng.choice(["density", "energy", "humanize"]), rng.random()))
    elif happening == 5:
        session.post(SetValue("swing_percent", rng.uniform(50, 75)))
    elif happening == 6:
        session.post(SetValue("latency_ms", rng.uniform(-30, 30)))
    else:
        timeline.peers = rng.randrange(30)


def test_a_day_on_the_virtual_clock() -> None:
    rng = random.Random(24)
    parts = load_session(PlayOptions(EngineSettings(style="funk", seed=24), clock="virtual"))
    timeline = VirtualTimeline(120.0)
    sink = WatchingSink(timeline)
    player = VirtualPlayer(parts.core(), sink, timeline)
    record = PerformanceLog(Trace(None), FOUR_FOUR, parts.kit.channel, keep_take=False)
    session = Session(
        timeline=timeline,
        source=LocalBarSource(parts.checkpoint, "cpu", parts.packs),
        player=player,
        conductor=parts.conductor(0.0),
        record=record,
    )
    next_change_us = 30e6
    resident: list[float] = []
    while timeline.now_us() < HOURS * HOUR_US:
        now_us = timeline.now_us()
        session.step(now_us)
        if now_us >= next_change_us:
            next_change_us += CHANGE_EVERY_S * 1e6
            touch(session, timeline, rng)
        until = now_us + STEP_US
        while (due := player.next_due_us()) is not None and due < until:
            timeline.advance_to(max(due, timeline.now_us()))
            player.play()
        timeline.advance_to(until)
        if now_us >= (len(resident) + 1) * HOURS * HOUR_US / 24:
            resident.append(resident_mb())
    session.post(TriggerAction("stop"))
    session.step(timeline.now_us())
    tell(
        f"{HOURS:g} h: {record.bars} bars, {sink.ons} notes, {record.late_bars} late bars, dropped "
        f"{record.dropped}, {resident[0]:.0f} MB after the first part, {resident[-1]:.0f} MB at the end"
    )
    assert record.bars > HOURS * 3600 / 8
    assert sink.faults == []
    assert sink.sounding == []
    assert record.late_bars == 0
    assert sum(record.dropped.values()) == 0
    assert sink.ons == record.notes
    assert resident[-1] - resident[0] < MAY_GROW_MB
