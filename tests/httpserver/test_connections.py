"""Connections that say nothing or are too many: closed, and everybody else is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from fastapi import FastAPI

from liveengine.httpserver import connections
from liveengine.httpserver.connections import MAX_PER_ADDRESS, most_connections
from liveengine.web.server import WebServer
from tests.waiting import PATIENCE_S

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
REQUEST = b"GET /here HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def serve(talk: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Run a talk with a server on a port of its own."""

    async def run() -> None:
        app = FastAPI()
        app.add_api_route("/here", lambda: "yes")
        server = WebServer(app)
        port = await server.open("127.0.0.1", 0)
        try:
            await talk(port)
        finally:
            await server.close()

    asyncio.run(run())


async def connected(port: int, address: str = "127.0.0.1") -> Pair:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))


async def is_served(pair: Pair) -> bool:
    try:
        pair[1].write(REQUEST)
        head = await asyncio.wait_for(pair[0].readuntil(b"\r\n"), PATIENCE_S)
    except (OSError, asyncio.IncompleteReadError):
        return False
    return b"200" in head


async def is_closed(pair: Pair) -> bool:
    """Wait until the server closes a connection."""
    try:
        return await asyncio.wait_for(pair[0].read(), PATIENCE_S) == b""
    except OSError:
        return True


def test_one_address_has_so_many_and_others_are_served() -> None:
    async def talk(port: int) -> None:
        silent = [await connected(port) for _ in range(MAX_PER_ADDRESS)]
        assert not await is_served(await connected(port))
        assert await is_served(await connected(port, "127.0.0.2"))
        silent.pop()[1].close()
        for _ in range(100):
            if await is_served(await connected(port)):
                return
        raise AssertionError("a place that was left is not given again")

    serve(talk)


def test_there_are_so_many_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 10)

    async def talk(port: int) -> None:
        _silent = [await connected(port, f"127.0.0.{place + 2}") for place in range(10)]
        assert not await is_served(await connected(port))

    serve(talk)


def test_descriptors_are_left_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    assert most_connections() == 128
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, 1 << 20))
    assert most_connections() == 200


@pytest.mark.parametrize("begun", [b"", b"GET /here HT", b"GET /here HTTP/1.1\r\nHost: 127"])
def test_a_request_that_does_not_come_is_not_waited_for(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADERS_S", 0.2)

    async def talk(port: int) -> None:
        slow = await connected(port)
        slow[1].write(begun)
        assert await is_closed(slow)
        again = await connected(port)
        assert await is_served(again)
        again[1].write(begun or REQUEST[:20])
        await is_closed(again)

    serve(talk)
