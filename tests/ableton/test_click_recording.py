"""Latency without ears, against the stand-in: a hidden offset is found, and the set is left as it was."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from liveengine.ableton.click_recording import Offset, offset_of, record_click
from liveengine.ableton.client import LiveClient, LiveEvents
from liveengine.ableton.clips import Clip, ClipNote
from liveengine.errors import LiveSilentError, UnknownNameError
from tests.ableton.stand_in import Faults, LiveSet, StandIn
from tests.ableton.virtual_loop import run_virtually

PORT = "liveengine drums"


def listening(bpm: float, quantum: int = 0) -> LiveSet:
    live_set = LiveSet(["", ""], link_beat=lambda: 1000.3 + asyncio.get_running_loop().time() * bpm / 60)
    live_set.tempo, live_set.clip_trigger_quantization = bpm, quantum
    live_set.inputs.append(PORT)
    live_set.add_track(-1, "Bass")
    return live_set


async def click(live_set: LiveSet, bpm: float, late_ms: Callable[[], float]) -> None:
    """Strike each beat, heard so much late, as a driver and a sound card have it."""
    loop = asyncio.get_running_loop()
    beat = int(live_set.link_beat()) + 2
    while True:
        wait = (beat - live_set.link_beat()) * 60 / bpm + late_ms() / 1000
        await asyncio.sleep(max(0.0, wait))
        live_set.hear(PORT, 37, 100)
        beat += 1
        assert loop.time() < 600


def found(
    live_set: LiveSet, late_ms: Callable[[], float], faults: Faults, port: str = PORT, bars: int = 8
) -> Offset:
    async def run() -> Offset:
        stand_in, live = StandIn(live_set), LiveClient(LiveEvents())
        at = await stand_in.open(9)
        stand_in.reply_port = await live.open(port=at, reply_port=0)
        stand_in.faults = faults
        clicking = asyncio.create_task(click(live_set, live_set.tempo, late_ms))
        try:
            return await record_click(live, port, bars)
        finally:
            clicking.cancel()
            await asyncio.sleep(1)  # what was told last is done
            await live.close()
            await stand_in.close()

    conversation: Coroutine[Any, Any, Offset] = run()
    return run_virtually(conversation)


@pytest.mark.parametrize("number", range(20))
def test_a_hidden_offset_is_found_within_a_millisecond(number: int) -> None:
    dice = random.Random(number)
    hidden_ms, bpm = dice.uniform(-80, 120), dice.uniform(70, 180)
    live_set = listening(bpm, quantum=number % 5)
    faults = Faults(lost=0.05, doubled=0.05, jitter_s=0.1) if number % 2 else Faults()
    offset = found(live_set, lambda: hidden_ms + dice.gauss(0, 1.0), faults)
    assert offset.late_ms == pytest.approx(hidden_ms, abs=1.0)
    assert abs(offset.late_ms - hidden_ms) < 2 * offset.sure_ms
    assert offset.sure_ms < 2
    assert offset.notes >= 30
    assert [track.name for track in live_set.tracks] == ["Bass"]
    assert live_set.clip_trigger_quantization == number % 5


def test_an_uneven_click_is_told_as_less_sure() -> None:
    dice = random.Random(1)
    even = found(listening(120), lambda: 20.0, Faults())
    uneven = found(listening(120), lambda: 20 + dice.gauss(0, 15), Faults())
    assert uneven.sure_ms > 4 * even.sure_ms


def test_what_live_does_not_hear_is_said_and_the_set_is_left_as_it_was() -> None:
    live_set = listening(120)
    with pytest.raises(UnknownNameError, match="Track on"):
        found(live_set, lambda: 0.0, Faults(), port="loopMIDI 7")
    live_set.inputs.append("other")
    with pytest.raises(LiveSilentError, match="at least 8 clicks"):
        found(live_set, lambda: 0.0, Faults(), port="other")
    assert [track.name for track in live_set.tracks] == ["Bass"]


def test_an_offset_is_told_to_half_a_beat_either_way() -> None:
    notes = tuple(ClipNote(37, 960 * beat + 900, 10, 100) for beat in range(8))
    assert offset_of(Clip("x", 8.0, notes), 60.0).late_ms == pytest.approx(-62.5)
