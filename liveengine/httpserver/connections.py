"""Connections of an HTTP server: how many there may be, and how long one may take to say what it wants."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_CONNECTIONS = 200
MAX_PER_ADDRESS = 64
"""A page opens seven at most; behind one address there may be a room full of tablets, or a proxy."""
RESERVED_DESCRIPTORS = 128
"""Open files and pipes that connections must leave: to start the engine's processes again, say."""
HEADERS_S = 10.0
"""How long a request may take to say what it wants, from its first byte or from the connection on."""


def most_connections() -> int:
    """Return how many connections may be open at once, by what this process may open in all."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(8, min(MAX_CONNECTIONS, allowed - RESERVED_DESCRIPTORS))


def server_config(app: ASGIApp, **options: Any) -> uvicorn.Config:
    """Return uvicorn's settings for an app, as every server here has them; `options` are uvicorn's."""
    return uvicorn.Config(
        app, http=LimitedProtocol, ws=SocketProtocol, log_config=None, access_log=False, **options
    )


class LimitedProtocol(H11Protocol):
    """uvicorn's connection, closed at once where it is one too many and later where it says nothing whole.

    What has become a WebSocket counts among the connections, and is looked after by its own pings.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Begin without a time limit: one comes with the connection."""
        super().__init__(*arguments, **named)
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it without a word."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        peers = [getattr(each, "client", None) for each in self.connections]
        same = sum(peer is not None and peer[0] == address for peer in peers)
        if len(self.connections) > most_connections() or same > MAX_PER_ADDRESS:
            transport.abort()
        else:
            self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Read what has come; a request that is not whole yet has a time limit."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget_limit()
        elif self._limit is None:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing behind."""
        self._forget_limit()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        self._limit = self.loop.call_later(HEADERS_S, self.transport.abort)

    def _forget_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, for which a refusal is an answer, not an error to log (its pull request 3138)."""

    async def send(self, message: Any) -> None:
        """Send what the app says; what refuses a socket ends its handshake, too."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True
