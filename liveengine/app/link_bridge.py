"""A bridge: a Link session is led by the MIDI clock that is followed, so that both worlds have one time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from liveengine.app.loading import LoadedSession
from liveengine.clock.midi_clock import MidiClockTimeline
from liveengine.errors import ConfigError
from liveengine.interfaces import Timeline

LOOK_S = 0.05


@contextlib.asynccontextmanager
async def start_bridge(loaded: LoadedSession, timeline: Timeline) -> AsyncIterator[None]:
    """Lead a Link session as long as it is open, where that is wanted.

    Raises ConfigError where there is no MIDI clock to lead it by.
    """
    chosen = loaded.settings
    if not chosen.bridge_link:
        yield
        return
    if not isinstance(timeline, MidiClockTimeline):
        raise ConfigError("--bridge-link: expected --clock midi, whose tempo the Link session is to take")
    from liveengine.clock.link import LinkTimeline

    link = await LinkTimeline.join(loaded.bpm, chosen.quantum, chosen.start_stop_sync)

    async def lead() -> None:
        while True:
            state = timeline.state()
            if state.peers:
                link.align(state.beat_map, playing=state.playing)
            await asyncio.sleep(LOOK_S)

    leading = asyncio.create_task(lead())
    try:
        yield
    finally:
        leading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leading
        link.close()
