"""Who may speak to an HTTP service: hosts and origins of its own only, and beyond this machine with a token.

A foreign web page in the player's browser can send requests to 127.0.0.1; its Origin gives it away, and
where it points a name of its own at 127.0.0.1 (DNS rebinding), its Host does.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Collection
from http.cookies import SimpleCookie
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
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


CALLER = "liveengine.caller"
"""In the scope of a request: which of the tokens it came with, however that was sent."""
GUESSES = parse("10/minute")
"""Wrong tokens from one address; then it is refused unheard until they are a minute old."""
BODY_S = 20.0


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
        self._guesses = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, self._remembering(scope, send))
        else:
            response = problem(*refused)
            if response.status_code == 429:
                response.headers["Retry-After"] = str(GUESSES.get_expiry())
            await response(scope, receive, send)

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
        return self._without_token(scope, headers) if self._tokens else None

    def _without_token(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Return the refusal of who has no token, or has guessed too often; note which it is otherwise."""
        address = _network(scope["client"][0]) if scope.get("client") else ""
        if not self._guesses.test(GUESSES, address):
            return 429, f"Authorization: expected at most {GUESSES.amount} wrong tokens a minute"
        given = self._given_token(scope, headers)
        known = [place for place, token in enumerate(self._tokens) if hmac.compare_digest(given, token)]
        if known:
            scope[CALLER] = f"token {known[0]}"
            return None
        if given:
            self._guesses.hit(GUESSES, address)
        return 401, "Authorization: expected `Bearer TOKEN` with the token or key of this service"

    def _given_token(self, scope: Scope, headers: Headers) -> bytes:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        given = given or _asked_token(scope)
        if not given and self._cookie is not None:
            given = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return given.encode()

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


def _network(address: str) -> str:
    """Return whom an address stands for: of IPv6 one household has 2^64."""
    try:
        given = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((given, 64), strict=False)) if given.version == 6 else address


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
    """ASGI middleware: a body of more than `most` bytes is refused before it is read, and a slow one too."""

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
        ends = asyncio.get_running_loop().time() + BODY_S
        while more:
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                await problem(408, f"body: expected all of it within {BODY_S:g} s")(scope, receive, send)
                return
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
