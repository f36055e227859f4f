"""Who may speak to an HTTP service: hosts and origins of its own only, and beyond this machine with a token.

A foreign web page in the player's browser can send requests to 127.0.0.1; its Origin gives it away, and
where it points a name of its own at 127.0.0.1 (DNS rebinding), its Host does.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from liveengine.httpserver.problems import problem

ELSEWHERE = ("cross-site", "same-site")
"""What browsers say of requests that other sites' pages make (Fetch Metadata): some have no Origin."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    """Tell whether a host to listen on is this machine only."""
    return host in LOOPBACK


class Guard:
    """ASGI middleware. Without a token every host name but the loopback's and `host` is refused."""

    def __init__(
        self, app: ASGIApp, *, host: str, tokens: Collection[str] = (), cookie: str | None = None
    ) -> None:
        """Guard an app that listens on `host`; with tokens, whoever has one may call it by any name.

        A browser that came with `?token=` is given a cookie of this name, if any, so that all of a page is
        let in; no other site can make it send that.
        """
        self._app, self._tokens, self._cookie = app, [token.encode() for token in tokens], cookie
        self._hosts = {*LOOPBACK, host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, self._remembering(scope, send))
        else:
            await problem(*refused)(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the reason of a refusal, or None."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._tokens and _split(f"//{host}")[1] not in self._hosts:
            return 421, f"Host: expected one of {', '.join(sorted(self._hosts))}, got {host!r}"
        origin = headers.get("origin")
        if origin is not None and _split(origin)[0] != host:
            return 403, f"Origin: expected {host}, got {origin!r}"
        if headers.get("sec-fetch-site") in ELSEWHERE and not _is_visit(headers):
            return 403, "Sec-Fetch-Site: expected a page of this service, got another site's"
        if self._tokens and not self._has_token(scope, headers):
            return 401, "Authorization: expected `Bearer TOKEN` with the token or key of this service"
        return None

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        given = given or _asked_token(scope)
        if not given and self._cookie is not None:
            given = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return any(hmac.compare_digest(given.encode(), token) for token in self._tokens)

    def _remembering(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that gives the cookie to a browser that was let in by the token of its address."""
        token = _asked_token(scope)
        if self._cookie is None or not self._tokens or not token or scope["type"] != "http":
            return send
        cookie = SimpleCookie({self._cookie: token})
        kept = cookie[self._cookie]
        kept["path"], kept["httponly"], kept["samesite"] = "/", True, "Strict"
        written = kept.OutputString()

        async def remember(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"set-cookie", written.encode())]}
            await send(message)

        return remember


def _split(address: str) -> tuple[str, str]:
    """Return the host with its port, and without; empty where it is no address."""
    try:
        parts = urlsplit(address)
        return parts.netloc, parts.hostname or ""
    except ValueError:
        return "", ""


def _is_visit(headers: Headers) -> bool:
    """Tell whether a browser comes to see a page, by a link of another site, say."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _asked_token(scope: Scope) -> str:
    return QueryParams(scope["query_string"]).get("token", "")


class BodyLimit:
    """ASGI middleware: a body of more than `most` bytes is refused before it is read."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        """Refuse larger bodies for an app."""
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = problem(413, f"body: expected at most {self._most} bytes")
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            await refused(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._most:
                await refused(scope, receive, send)
                return
        whole = {"type": "http.request", "body": bytes(body), "more_body": False}
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return whole

        await self._app(scope, again, send)
