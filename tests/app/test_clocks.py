"""Clocks that are opened while it plays: nobody who has to be on time waits for them."""

from __future__ import annotations

import asyncio
import multiprocessing

import pytest

from liveengine.app.clocks import Clocks
from liveengine.app.loading import PlayOptions, load_session
from liveengine.config.settings import EngineSettings


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Return what opens clocks where no JACK server is, and the own one is followed."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    return Clocks(load_session(PlayOptions(EngineSettings(), clock="system")), "jack")


def test_the_music_goes_on_while_a_clock_is_opened(clocks: Clocks) -> None:
    told: list[str] = []

    async def play() -> int:
        rounds = 0
        async with clocks.start() as timeline:
            with clocks.port(told.append):
                assert timeline.move("clock_midi", 0.0) is None
                while not told:
                    await asyncio.sleep(0)
                    rounds += 1
        return rounds

    assert asyncio.run(play()) > 10
    assert "expected a running JACK server" in told[0]


def test_who_ends_while_a_clock_is_opened_waits_for_nobody(clocks: Clocks) -> None:
    told: list[str] = []

    async def end_soon() -> None:
        async with clocks.start() as timeline:
            with clocks.port(told.append):
                assert timeline.move("clock_midi", 0.0) is None
                await asyncio.sleep(0.05)

    asyncio.run(end_soon())
    assert not [each for each in multiprocessing.active_children() if each.name == "liveengine-sync"]
