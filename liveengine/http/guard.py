"""Who may speak to an HTTP service: hosts and origins of its own only, and beyond this machine with a token.

A foreign web page in the player's browser can send requests to 127.0.0.1; its Origin gives it away, and
where it points a name of its own at 127.0.0.1 (DNS rebinding), its Host does.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from liveengine.http.problems import problem

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    """Tell whether a host to listen on is this machine only."""
    return host in LOOPBACK


class Guard:
    """ASGI middleware. Without a token every host name but the loopback's and `host` is refused."""

    def __init__(self, app: ASGIApp, *, host: str, token: str | None = None) -> None:
        """Guard an app that listens on `host`; with a token, whoever has it may call it by any name."""
        self._app, self._token = app, token
        self._hosts = {*LOOPBACK, host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refused[1][:120]})
        else:
            await problem(*refused)(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the reason of a refusal, or None."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._token is None and (urlsplit(f"//{host}").hostname or "") not in self._hosts:
            return 421, f"Host: expected one of {', '.join(sorted(self._hosts))}, got {host!r}"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, f"Origin: expected {host}, got {origin!r}"
        if self._token is not None and not self._has_token(scope, headers):
            return 401, "Authorization: expected `Bearer TOKEN` with the token that the engine shows"
        return None

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        assert self._token is not None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        given = given or QueryParams(scope["query_string"]).get("token", "")
        return hmac.compare_digest(given.encode(), self._token.encode())
