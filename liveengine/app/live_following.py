"""Speaking with Ableton Live beside a session: its song is followed, and captures become clips of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from liveengine.ableton.client import LiveClient, LiveEvents
from liveengine.ableton.presence import is_listened_to
from liveengine.app.live_clips import CapturesIntoLive
from liveengine.config.settings import EngineSettings
from liveengine.engine.live_song import LiveSong
from liveengine.engine.session import Session
from liveengine.errors import LiveEngineError

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often it is looked whether Live is there, where nobody said that it would be."""


@contextlib.asynccontextmanager
async def start_live(settings: EngineSettings, session: Session) -> AsyncIterator[None]:
    """Speak with Live meanwhile, where wanted or there; what is wrong with it is reported and stops nothing.

    Its song is followed unless `live` is False, and captures go into the track `live_clips`, if one is named.
    """
    if settings.live is False and settings.live_clips is None:
        yield
        return
    live = LiveClient(LiveEvents(session.ears.notice))
    captures = CapturesIntoLive(session, live, settings.live_clips) if settings.live_clips else None
    speaking = asyncio.create_task(_speak(settings, session, live))
    try:
        yield
    finally:
        if captures is not None:
            await captures.close()
        speaking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await speaking


async def _speak(settings: EngineSettings, session: Session, live: LiveClient) -> None:
    """Speak with Live until cancelled. Unless it is wanted, no port is taken before it is there."""
    host, port = settings.live_host, settings.live_port
    if not settings.live and settings.live_clips is None:
        while not await is_listened_to(host, port):
            await asyncio.sleep(LOOK_S)
    song = LiveSong(session, live) if settings.live is not False else None
    try:
        await live.open(host, port, settings.live_reply_port)
        if song is not None:
            song.start()
        await asyncio.Event().wait()
    except LiveEngineError as error:
        session.ears.notice(str(error))
    except Exception:
        log.exception("speaking with Live failed and is off")
    finally:
        if song is not None:
            await song.close()
        await live.close()
