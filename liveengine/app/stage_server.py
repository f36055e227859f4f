"""The stage door: opens the HTTP interface and the stage page of a session, and tells the way to it."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from io import StringIO
from urllib.parse import quote

import segno
from rich.console import Console
from rich.text import Text

from liveengine.config.settings import EngineSettings
from liveengine.engine.session import Session
from liveengine.engine.snapshot import public_state
from liveengine.errors import PortTakenError
from liveengine.httpserver.security import is_loopback
from liveengine.midi import ports
from liveengine.midi.listeners import Listeners
from liveengine.web.app import make_app
from liveengine.web.feed import StageFeed
from liveengine.web.kits import add_kits
from liveengine.web.messages import PortCard
from liveengine.web.server import WebServer
from liveengine.web.stage import add_stage

USUAL_PORTS = range(8765, 8775)
EVERYWHERE = ("0.0.0.0", "::")
"""Addresses that stand for all of a machine's."""
ELSEWHERE = ("192.0.2.1", 9)
"""An address of no machine (RFC 5737): asked for the way to it, the system tells our own; nothing is sent."""


async def open_stage(
    settings: EngineSettings,
    session: Session,
    closing: AsyncExitStack,
    console: Console,
    heard_on: tuple[str | None, Callable[[], ports.OpenPort | None], str],
) -> str:
    """Serve the page and the HTTP interface until `closing`; return the address.

    `heard_on` is the MIDI system, what returns the port for drums as it is (None without one), and the name
    of the control port.
    Raises ConfigError where the port that was asked for is taken; without one another is found.
    """
    backend, drums, control_port = heard_on
    listeners = Listeners(backend, drums)
    closing.callback(listeners.close)
    port = drums()
    card = PortCard(
        backend=backend or "",
        name=port.shown if port else "",
        control=control_port,
        system=sys.platform,
        cure=ports.NO_MIDI_CURE.get(sys.platform, "start a MIDI system"),
    )
    styles = session.conductor.styles
    app = make_app(
        styles,
        session.post,
        lambda: public_state(session),
        lambda: session.conductor.scenes.names,
        session.conductor.kits,
    )
    add_kits(app, session.post, session.conductor.kits, session.notes)
    add_stage(app, session, StageFeed(session, card, listeners.heard))
    token = None
    if not is_loopback(settings.web_host):
        token = settings.web_token or secrets.token_urlsafe(16)
    server = WebServer(app, token)
    closing.push_async_callback(server.close)
    if settings.web_port is not None:
        chosen = await server.open(settings.web_host, settings.web_port)
    else:
        chosen = await _open_somewhere(server, settings.web_host)
    tell_the_way(console, settings.web_host, chosen, token)
    return address(settings.web_host, chosen)


async def _open_somewhere(server: WebServer, host: str) -> int:
    """Listen on the usual port, or on the next where that is taken: by a second engine, say."""
    for port in USUAL_PORTS:
        with contextlib.suppress(PortTakenError):
            return await server.open(host, port)
    return await server.open(host, 0)


def address(host: str, port: int) -> str:
    """Return the address of a page that is served on a host."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def tell_the_way(console: Console, host: str, port: int, token: str | None) -> None:
    """Print the page's address; beyond this machine with its token, as a QR code too."""
    reached = (own_address() or host) if host in EVERYWHERE else host
    way = address(reached, port)
    if token is None:
        console.print(f"Stage page: {way}")
        return
    way = f"{way}/?token={quote(token, safe='')}"
    drawn = StringIO()
    segno.make(way, error="m").terminal(out=drawn, border=2, compact=True)
    console.print(f"Stage page: {way}", soft_wrap=True)
    console.print(Text.from_ansi(drawn.getvalue()))


def own_address() -> str | None:
    """Return the address under which others of the network reach this machine; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(ELSEWHERE)
        except OSError:
            return None
        return str(asking.getsockname()[0])
