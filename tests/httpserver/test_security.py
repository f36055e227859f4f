"""Tokens: guesses are counted, and one token is one caller however it is sent."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from liveengine.httpserver import security
from liveengine.httpserver.security import CALLER, GUESSES, BodyLimit, Guard


async def who(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the caller."""
    await PlainTextResponse(str(Request(scope).scope.get(CALLER)))(scope, receive, send)


def client(guard: Guard, address: str = "192.0.2.7") -> TestClient:
    return TestClient(guard, client=(address, 5000))


def guarded() -> Guard:
    return Guard(who, host="0.0.0.0", tokens=["first", "second"], cookie="key")


def test_guesses_are_refused_unheard_after_some_for_that_address_alone() -> None:
    guard = guarded()
    guesser = client(guard)
    for guess in range(GUESSES.amount):
        assert guesser.get(f"/?token=guess{guess}").status_code == 401
    refused = guesser.get("/", headers={"Authorization": "Bearer first"})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert "wrong tokens a minute" in refused.json()["detail"]
    assert client(guard, "192.0.2.8").get("/?token=first").status_code == 200


def test_one_household_of_ipv6_is_one_guesser() -> None:
    guard = guarded()
    for guess in range(GUESSES.amount):
        client(guard, f"2001:db8::{guess + 1:x}").get("/?token=guess")
    assert client(guard, "2001:db8::ffff").get("/?token=first").status_code == 429
    assert client(guard, "2001:db8:0:1::1").get("/?token=first").status_code == 200


def test_who_brings_no_token_guesses_nothing() -> None:
    caller = client(guarded())
    assert {caller.get("/").status_code for _ in range(3 * GUESSES.amount)} == {401}
    assert caller.get("/?token=second").status_code == 200


def test_a_token_is_one_caller_by_header_address_and_cookie() -> None:
    guard = guarded()
    by_header = client(guard).get("/", headers={"Authorization": "Bearer second"})
    by_address = client(guard).get("/?token=second")
    by_cookie = client(guard).get("/", headers={"Cookie": "key=second"})
    assert by_header.text == by_address.text == by_cookie.text == "token 1"
    assert client(guard).get("/?token=first").text == "token 0"


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BODY_S", 0.05)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(BodyLimit(who, 100)(scope, receive, send))
    assert sent[0]["status"] == 408
