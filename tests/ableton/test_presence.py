"""Whether AbletonOSC is there, asked over real sockets in real time."""

from __future__ import annotations

import asyncio
import socket

import pytest

from liveengine.ableton.client import CURE
from liveengine.ableton.presence import ask_version, is_listened_to
from liveengine.app.diagnosis import live_finding
from liveengine.errors import PortTakenError
from tests.ableton.stand_in import StandIn


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_live_that_runs_is_found_with_its_version_and_one_that_does_not_is_no_fault() -> None:
    async def run() -> None:
        stand_in, reply_port = StandIn(), free_port()
        port = await stand_in.open(reply_port)
        assert await is_listened_to("127.0.0.1", port)
        assert await ask_version("127.0.0.1", port, reply_port) == (12, 1)
        found = await live_finding("127.0.0.1", port, reply_port)
        assert (found.found, found.good) == (f"12.1 answers on 127.0.0.1:{port}", True)
        await stand_in.close()
        assert not await is_listened_to("127.0.0.1", port)
        found = await live_finding("127.0.0.1", port, reply_port)
        assert (found.found, found.good) == (f"no AbletonOSC on 127.0.0.1:{port}", True)

    asyncio.run(run())


def test_what_listens_and_does_not_answer_is_told_with_the_cure() -> None:
    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind(("127.0.0.1", 0))
            found = await live_finding("127.0.0.1", mute.getsockname()[1], free_port())
            assert (found.good, found.vital, found.cure) == (False, False, CURE)

    asyncio.run(run())


def test_a_program_that_waits_for_the_answers_already_is_told() -> None:
    async def run() -> None:
        stand_in = StandIn()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = await stand_in.open(taken.getsockname()[1])
            with pytest.raises(PortTakenError, match="close the other program"):
                await live_finding("127.0.0.1", port, taken.getsockname()[1])
        await stand_in.close()

    asyncio.run(run())
