"""The HTTP server of a running engine, on the engine's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from liveengine.httpserver.connections import server_config
from liveengine.httpserver.security import BodyLimit, Guard
from liveengine.httpserver.sockets import bound_socket

CLOSE_WAIT_S = 1.0
MESSAGE_MOST = 16_384
"""Bytes that a page may say at once."""
ON_ITS_WAY_MOST = 64 * 1024
"""Bytes that the system holds for a page that is slow to read: left to itself, megabytes of what is past."""


class _Server(uvicorn.Server):
    """uvicorn, without hands on the signals: they are the session's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave every signal to the session."""
        yield


class WebServer:
    """One app on one port. Everything runs on the event loop's thread."""

    def __init__(self, app: FastAPI, token: str | None = None) -> None:
        """Serve an app; beyond this machine only to who has the token."""
        self._app, self._token = app, token
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port. Raises PortTakenError where it is taken, ConfigError where no host is."""
        listening = bound_socket(host, port, "--web-host", "--web-port")
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ON_ITS_WAY_MOST)  # connections take it over
        port = int(listening.getsockname()[1])
        guarded = Guard(
            BodyLimit(self._app, MESSAGE_MOST),
            host=host,
            tokens=[self._token] if self._token else [],
            cookie=f"liveengine_{port}",  # cookies are of a host, whatever its port
        )
        self._server = _Server(
            server_config(
                guarded,
                lifespan="off",
                timeout_graceful_shutdown=1,
                ws_max_size=MESSAGE_MOST,
                ws_per_message_deflate=False,  # pages are near, and the engine has better things to do
            )
        )
        self._serving = asyncio.create_task(self._server.serve([listening]))
        return port

    async def close(self) -> None:
        """Stop listening; requests on their way are answered."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._serving, CLOSE_WAIT_S)
