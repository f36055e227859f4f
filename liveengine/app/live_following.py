"""Following Ableton Live beside a session: wanted, not wanted, or by itself as soon as it answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

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


@dataclass(slots=True)
class FollowedLive:
    """The one client that speaks with Live, for whoever else has something to say; None while it is not open.

    Used by the event loop's thread only.
    """

    client: LiveClient | None = None


@contextlib.asynccontextmanager
async def start_following_live(settings: EngineSettings, session: Session) -> AsyncIterator[FollowedLive]:
    """Follow Live meanwhile, where it is wanted or there, and put captures into it, where a track is named.

    What is wrong with it is told and stops nothing.
    """
    followed = FollowedLive()
    if settings.live is False and settings.live_clips is None:
        yield followed
        return
    following = asyncio.create_task(_follow(settings, session, followed))
    try:
        yield followed
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _follow(settings: EngineSettings, session: Session, followed: FollowedLive) -> None:
    """Follow Live until cancelled. Unless it is wanted, no port is taken before it is there."""
    host, port = settings.live_host, settings.live_port
    wanted = settings.live or settings.live_clips is not None
    while not wanted and not await is_listened_to(host, port):
        await asyncio.sleep(LOOK_S)
    live = LiveClient(LiveEvents(session.ears.notice))
    song = LiveSong(session, live)
    captures = CapturesIntoLive(session, live, settings.live_clips) if settings.live_clips else None
    try:
        await live.open(host, port, settings.live_reply_port)
        if settings.live is not False:
            song.start()
        followed.client = live
        await asyncio.Event().wait()
    except LiveEngineError as error:
        session.ears.notice(str(error))
    except Exception:
        log.exception("following Live failed and is off")
    finally:
        followed.client = None
        if captures is not None:
            await captures.close()
        await song.close()
        await live.close()
