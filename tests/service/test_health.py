"""What is tried of a service: told as it is, soon after it changes, and without waiting for what hangs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from liveengine.service import health
from liveengine.service.health import Check


def test_what_is_found_is_told_and_not_tried_again_at_once() -> None:
    tries = []

    def attempt() -> str:
        tries.append(1)
        return "no luck"

    async def ask() -> None:
        check = Check("it", attempt)
        assert [await check.fault() for _ in range(5)] == ["no luck"] * 5

    asyncio.run(ask())
    assert len(tries) == 1


def test_what_has_changed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_S", -1.0)
    found = iter(["", "gone", ""])

    async def ask() -> None:
        check = Check("it", lambda: next(found))
        assert [await check.fault() for _ in range(3)] == ["", "gone", ""]

    asyncio.run(ask())


def test_what_hangs_is_told_by_one_thread_however_many_ask() -> None:
    release, tries = threading.Event(), []

    def attempt() -> str:
        tries.append(1)
        release.wait()
        return ""

    async def ask() -> None:
        check = Check("it", attempt, patience_s=0.01)
        found = await asyncio.gather(*(check.fault() for _ in range(50)))
        assert set(found) == {"it does not answer within 0.01 s"}
        release.set()

    asyncio.run(ask())
    assert len(tries) == 1


def test_an_error_is_what_is_wrong() -> None:
    def attempt() -> str:
        raise RuntimeError("broken")

    assert asyncio.run(Check("it", attempt).fault()) == "it: RuntimeError: broken"
