"""Another clock takes over while it plays: when it is there, with no beat lost where it can be, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from liveengine.clock.midi_clock import MidiClockTimeline
from liveengine.clock.switching import SwitchableTimeline
from liveengine.clock.system import SteadyTimeline
from liveengine.errors import MidiError
from liveengine.interfaces import SessionState, Timeline
from liveengine.music.control import CLOCK_CHANGES
from liveengine.music.midi_clock import PULSE, START, STOP

BPM = 100.0
PULSE_US = 60e6 / 120 / 24


class Rig:
    """A timeline of its own clock, which MIDI clock can take the place of."""

    def __init__(self) -> None:
        self.midi = MidiClockTimeline(BPM)
        self.told: list[str] = []
        self.changes = 0
        self.timeline = SwitchableTimeline(
            "system",
            SteadyTimeline(BPM),
            {"midi": self._midi, "system": self._own, "link": self._refused},
            self.told.append,
        )
        self.timeline.watch(self._count)
        self._sent_us = self.timeline.now_us() - 144 * PULSE_US

    def _count(self) -> None:
        self.changes += 1

    async def _midi(self, state: SessionState) -> Timeline:
        del state
        return self.midi

    async def _own(self, state: SessionState) -> Timeline:
        return SteadyTimeline(BPM, waits=not state.playing, beat_map=state.beat_map)

    async def _refused(self, state: SessionState) -> Timeline:
        del state
        raise MidiError("no network here")

    async def switch(self, kind: str) -> str | None:
        refused = self.timeline.move(f"clock_{kind}", self.timeline.now_us())
        for _ in range(3):
            await asyncio.sleep(0)
        return refused

    def send(self, *statuses: int, pulses: int = 0) -> None:
        """Send messages, then pulses, each after what was sent before; 144 pulses come until now."""
        for status in statuses:
            self.midi.receive([status], self._sent_us)
        for _ in range(pulses):
            self._sent_us += PULSE_US
            self.midi.receive([PULSE], self._sent_us)


def run(conversation: Callable[[Rig], Awaitable[None]]) -> None:
    async def whole() -> None:
        await conversation(Rig())

    asyncio.run(whole())


def test_midi_clock_takes_over_once_its_song_plays() -> None:
    async def conversation(rig: Rig) -> None:
        assert await rig.switch("midi") is None
        rig.send(pulses=48)
        assert rig.timeline.state().beat_map.bpm == BPM, "it has a clock, and no song yet"
        assert "midi is waited for" in rig.timeline.source()
        rig.send(START, pulses=96)
        state = rig.timeline.state()
        assert state.beat_map.bpm == pytest.approx(120, rel=0.01)
        assert state.playing
        assert rig.timeline.kind == "midi"
        assert rig.told == [f"the time is that of midi now: {rig.midi.source()}"]
        rig.send(STOP)
        assert not rig.timeline.state().playing

    run(conversation)


def test_what_stands_still_takes_a_clock_that_stands_still() -> None:
    async def conversation(rig: Rig) -> None:
        rig.timeline.set_playing(False)
        await rig.switch("midi")
        rig.send(pulses=144)
        assert not rig.timeline.state().playing
        assert rig.timeline.kind == "midi"

    run(conversation)


def test_its_own_clock_goes_on_at_the_same_beat_and_plays() -> None:
    async def conversation(rig: Rig) -> None:
        await rig.switch("midi")
        rig.send(START, pulses=144)
        before = rig.timeline.state()
        await rig.switch("system")
        after = rig.timeline.state()
        assert rig.timeline.kind == "system"
        now_us = rig.timeline.now_us()
        assert after.beat_map.beat_at(now_us) == pytest.approx(before.beat_map.beat_at(now_us))
        assert after.playing
        assert rig.timeline.move("tempo_up", now_us) is None
        assert rig.timeline.state().beat_map.bpm == pytest.approx(before.beat_map.bpm + 1)
        await rig.switch("midi")
        assert rig.timeline.state().playing
        assert rig.timeline.kind == "midi", "a port that was opened is heard on again"

    run(conversation)


def test_what_cannot_be_had_is_told_and_the_clock_goes_on() -> None:
    async def conversation(rig: Rig) -> None:
        assert await rig.switch("link") is None
        assert rig.told == ["clock_link: no network here"]
        refused = await rig.switch("tap")
        assert refused is not None
        assert "midi, system, link" in refused
        assert rig.timeline.kind == "system"
        assert rig.timeline.state().playing

    run(conversation)


def test_asked_for_the_clock_that_is_followed_nothing_is_waited_for_any_more() -> None:
    async def conversation(rig: Rig) -> None:
        await rig.switch("midi")
        assert await rig.switch("system") is None
        rig.send(START, pulses=144)
        assert rig.timeline.state().beat_map.bpm == BPM
        assert rig.timeline.source() == "own clock"

    run(conversation)


def test_there_is_an_action_for_each_clock() -> None:
    assert tuple(f"clock_{kind}" for kind in ("link", "midi", "tap", "system")) == CLOCK_CHANGES
