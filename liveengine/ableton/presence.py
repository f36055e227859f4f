"""Whether AbletonOSC is there: without keeping a port, and once for those who only want to know."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from pythonosc.osc_message_builder import OscMessageBuilder

from liveengine.ableton.client import VERSION, LiveClient
from liveengine.errors import LiveSilentError

REFUSED_S = 0.05
"""A port of this machine that nobody listens on is refused within this."""


async def is_listened_to(host: str, port: int) -> bool:
    """Return whether anybody listens on a UDP port of this machine; of others it cannot be said, nor is it.

    AbletonOSC answers what it is asked for this to its own answer port, where nobody may listen yet.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect((host, port))
            probe.send(OscMessageBuilder(VERSION).build().dgram)
            await asyncio.sleep(REFUSED_S)
            probe.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


async def ask_version(host: str, port: int, reply_port: int) -> tuple[int, int] | None:
    """Return Live's version, None where it does not answer.

    Raises PortTakenError where another program waits for the answers, ConfigError for an unknown host.
    """
    live = LiveClient()
    await live.open(host, port, reply_port)
    try:
        with contextlib.suppress(LiveSilentError):
            major, minor = (await live.query(VERSION))[:2]
            return int(str(major)), int(str(minor))
    finally:
        await live.close()
    return None
