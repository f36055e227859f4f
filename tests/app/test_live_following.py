"""Following Live by itself, where wanted, and not at all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from liveengine.app import live_following
from liveengine.app.live_following import start_live
from liveengine.config.settings import EngineSettings
from tests.ableton.stand_in import LiveSet, StandIn
from tests.ableton.test_presence import free_port
from tests.rig import Rig
from tests.waiting import PATIENCE_S


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not wanted():
            await asyncio.sleep(0.02)


def settings_for(port: int, live: bool | None) -> EngineSettings:
    return replace(EngineSettings(), live=live, live_port=port, live_reply_port=free_port())


@pytest.mark.parametrize("wanted", [None, True])
def test_live_is_followed_once_it_is_there(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch, wanted: bool | None
) -> None:
    monkeypatch.setattr(live_following, "LOOK_S", 0.05)
    rig = make_rig()

    async def run() -> None:
        stand_in = StandIn(LiveSet(["Verse"]))
        stand_in.port = free_port()
        settings = settings_for(stand_in.port, wanted)
        async with start_live(settings, rig.session):
            if wanted:  # a port is kept before Live is there
                await until(lambda: rig.session.song is not None)
            else:
                await asyncio.sleep(0.3)
                assert rig.session.song is None
            await stand_in.open(settings.live_reply_port)
            told: list[str] = []

            def is_read() -> bool:
                told.extend(rig.session.ears.notices())
                return "Live's song: Verse" in told

            await until(is_read)
            assert rig.session.song is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind(("127.0.0.1", settings.live_reply_port))
        await stand_in.close()

    asyncio.run(run())


def test_live_is_left_alone_where_it_is_not_wanted(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()

    async def run() -> None:
        stand_in = StandIn()
        settings = settings_for(await stand_in.open(9), live=False)
        async with start_live(settings, rig.session):
            await asyncio.sleep(0.5)
        await stand_in.close()
        assert stand_in.asked == []

    asyncio.run(run())
    assert rig.session.song is None


def test_an_answer_port_that_is_taken_is_told_and_the_music_goes_on(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()

    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            settings = replace(settings_for(9, live=True), live_reply_port=taken.getsockname()[1])
            async with start_live(settings, rig.session):
                told: list[str] = []

                def is_told() -> bool:
                    told.extend(rig.session.ears.notices())
                    return bool(told)

                await until(is_told)
        assert "free for AbletonOSC's answers" in told[0]

    asyncio.run(run())
    rig.run(5)
    assert rig.conductor.sounding
