"""How late our click is in Live: recorded by Live itself into a clip of a track made for it, and compared.

What Live records is where its own timeline has a note, so the difference to the beat that the click was sent
for is what a latency makes up for. The set is left as it was found: the track goes again.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import statistics
from collections.abc import AsyncIterator
from dataclasses import dataclass

from liveengine.ableton.client import LiveClient
from liveengine.ableton.clips import TICKS_PER_BEAT, TRIES, Clip, LiveClips
from liveengine.errors import LiveChangedError, LiveSilentError, UnknownNameError
from liveengine.midi.port_names import port_named

TRACK = "liveengine calibrate"
ONE_BAR = 4
"""Live's number of the launch quantization of one bar: a clip begins on a bar line, whatever the set has."""
LEAST_NOTES = 8
LOOK_S = 0.2
BEGINS_S = 30.0
"""A bar comes within this, or Live does not record."""
SD_PER_DEVIATION = 1.4826
"""Of a normal distribution, by its median absolute deviation."""
MEDIAN_SD = math.sqrt(math.pi / 2)
"""How much wider the median of many is spread than their mean."""
SURE = 1.96
"""Standard deviations within which 95 of 100 are."""


@dataclass(frozen=True, slots=True)
class Offset:
    """How late notes are in Live: their median, and how far it may be off in 19 of 20 cases, in ms."""

    late_ms: float
    sure_ms: float
    notes: int


def offset_of(clip: Clip, bpm: float) -> Offset:
    """Return how late a click on every beat is in a clip that begins on a beat.

    Up to half a beat either way can be measured. Raises LiveSilentError for fewer than 8 notes.
    """
    if len(clip.notes) < LEAST_NOTES:
        raise LiveSilentError(
            f"Live: expected at least {LEAST_NOTES} clicks to be recorded, got {len(clip.notes)}; "
            "switch Track on for the port in Live's settings, and look whether the track shows them"
        )
    ms_per_tick = 60_000 / bpm / TICKS_PER_BEAT
    half = TICKS_PER_BEAT // 2
    late_ms = [((note.tick + half) % TICKS_PER_BEAT - half) * ms_per_tick for note in clip.notes]
    middle_ms = statistics.median(late_ms)
    spread_ms = SD_PER_DEVIATION * statistics.median(abs(each - middle_ms) for each in late_ms)
    grain_ms = ms_per_tick / 2  # a clip is read to the tick
    sure_ms = math.hypot(SURE * MEDIAN_SD * spread_ms / math.sqrt(len(late_ms)), grain_ms)
    return Offset(middle_ms, sure_ms, len(late_ms))


async def record_click(live: LiveClient, port: str, bars: int) -> Offset:
    """Let Live record some bars of the click that comes by a port, and return how late it is.

    Raises UnknownNameError where Live has no such input, LiveSilentError where it records nothing.
    """
    async with _click_track(live) as index, _bars_as_quantum(live):
        await _listen_to(live, index, port)
        await _set(live, "/live/track/{}/arm", index, True)
        live.send("/live/clip_slot/fire", index, 0)
        await _recorded(live, index, bars)
        (bpm,) = await live.query("/live/song/get/tempo")
        live.send("/live/track/stop_all_clips", index)
        await asyncio.sleep(LOOK_S)
        clip = await LiveClips(live).read(TRACK, 1)
        return offset_of(clip, float(str(bpm)))


@contextlib.asynccontextmanager
async def _click_track(live: LiveClient) -> AsyncIterator[int]:
    """Make a track at the end of the set, and take it away in the end."""
    index = await LiveClips(live).new_track(TRACK)
    try:
        yield index
    finally:
        with contextlib.suppress(LiveSilentError):
            for _ in range(TRIES):
                names = await live.query("/live/song/get/track_names")
                if TRACK not in names:
                    break
                live.send("/live/song/delete_track", names.index(TRACK))


@contextlib.asynccontextmanager
async def _bars_as_quantum(live: LiveClient) -> AsyncIterator[None]:
    """Let clips begin on bar lines, and after that as before."""
    (before,) = await live.query("/live/song/get/clip_trigger_quantization")
    live.send("/live/song/set/clip_trigger_quantization", ONE_BAR)
    try:
        yield
    finally:
        live.send("/live/song/set/clip_trigger_quantization", before)


async def _listen_to(live: LiveClient, index: int, port: str) -> None:
    inputs = [str(each) for each in await live.query("/live/track/get/available_input_routing_types", index)]
    place = port_named(port, inputs, "MIDI input of Live")
    if place is None:
        raise UnknownNameError(
            f"port {port!r}: expected one of Live's inputs ({', '.join(inputs)}); switch Track on for it "
            "in Live's settings, or name it with --live-input"
        )
    await _set(live, "/live/track/{}/input_routing_type", index, inputs[place])


async def _set(live: LiveClient, address: str, index: int, value: str | bool) -> None:
    live.send(address.format("set"), index, value)
    (now,) = await live.query(address.format("get"), index)
    if now != value:
        raise LiveChangedError(f"{address.format('set')}: expected {value!r} to be taken, got {now!r}")


async def _recorded(live: LiveClient, index: int, bars: int) -> None:
    """Wait until a clip has so many bars."""
    (upper,) = await live.query("/live/song/get/signature_numerator")
    (lower,) = await live.query("/live/song/get/signature_denominator")
    beats = bars * float(str(upper)) * 4 / float(str(lower))
    loop = asyncio.get_running_loop()
    until = loop.time() + BEGINS_S
    before = 0.0
    while before < beats:
        await asyncio.sleep(LOOK_S)
        if not (await live.query("/live/clip_slot/get/has_clip", index, 0))[0]:
            length = 0.0
        else:
            (answer,) = await live.query("/live/clip/get/length", index, 0)
            length = float(str(answer))
        if length > before:
            before, until = length, loop.time() + BEGINS_S
        elif loop.time() > until:
            raise LiveSilentError("Live: expected the click to be recorded, nothing goes on in its clip")
