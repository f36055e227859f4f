"""A stand-in that runs on a thread, for those who speak with Live on a loop of their own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from liveengine.app.live_clips import LiveAddress
from tests.ableton.stand_in import LiveSet, StandIn
from tests.waiting import PATIENCE_S


@contextmanager
def running_live(live_set: LiveSet) -> Iterator[LiveAddress]:
    """Let a set answer in real time until the block ends; yield where."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        reply_port = int(probe.getsockname()[1])
    stand_in, loop = StandIn(live_set), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        opening = asyncio.run_coroutine_threadsafe(stand_in.open(reply_port), loop)
        yield LiveAddress("127.0.0.1", opening.result(PATIENCE_S), reply_port)
    finally:
        asyncio.run_coroutine_threadsafe(stand_in.close(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()
