"""The client of AbletonOSC against the stand-in, over UDP on the loopback interface."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from liveengine.ableton.client import CURE, MAX_DATAGRAM, LiveClient, LiveEvents
from liveengine.errors import ConfigError, ContractError, LiveSilentError, PortTakenError
from tests.ableton.stand_in import Faults, LiveSet, StandIn
from tests.ableton.virtual_loop import run_virtually

Talk = Callable[[LiveClient, StandIn, list[str]], Coroutine[Any, Any, None]]


def talk(conversation: Talk, live_set: LiveSet | None = None, *, there: bool = True) -> None:
    """Run a conversation between a client and a stand-in that answers, or does not run yet."""

    async def run() -> None:
        told: list[str] = []
        stand_in, live = StandIn(live_set), LiveClient(LiveEvents(told.append))
        port = await stand_in.open(9)
        stand_in.reply_port = await live.open(port=port, reply_port=0)
        if not there:
            await stand_in.close()
        try:
            await conversation(live, stand_in, told)
        finally:
            await live.close()
            await stand_in.close()

    run_virtually(run())


def with_a_clip() -> LiveSet:
    live_set = LiveSet(["intro", "verse"])
    live_set.add_track(-1, "Drums")
    live_set.add_track(-1, "Bass")
    live_set.tracks[0].slots[1].create_clip(4.0)
    return live_set


def test_answers_come_without_the_indices_before_them() -> None:
    async def conversation(live: LiveClient, _: StandIn, told: list[str]) -> None:
        assert await live.query("/live/song/get/tempo") == (120.0,)
        assert await live.query("/live/track/get/name", 1) == ("Bass",)
        assert await live.query("/live/clip_slot/get/has_clip", 0, 0) == (False,)
        assert await live.query("/live/clip_slot/get/has_clip", 0, 1) == (True,)
        assert await live.query("/live/clip/get/length", 0, 1) == (4.0,)
        assert await live.query("/live/song/get/track_names", 0, 1) == ("Drums",)
        live.send("/live/clip/add/notes", 0, 1, 36, 0.5, 0.25, 101, False, 38, 1.0, 0.25, 64, True)
        assert await live.query("/live/clip/get/notes", 0, 1, 0, 128, 0.0, 4.0) == (
            *(36, 0.5, 0.25, 101, False),
            *(38, 1.0, 0.25, 64, True),
        )
        assert told == ["Live 12.1 answers"]

    talk(conversation, with_a_clip())


def test_queries_that_differ_by_index_only_each_get_their_own_answer() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, _: list[str]) -> None:
        stand_in.faults = Faults(doubled=0.5, jitter_s=0.4)
        asked = [live.query("/live/track/get/name", index) for index in range(40)]
        assert await asyncio.gather(*asked) == [(f"track {index}",) for index in range(40)]

    live_set = LiveSet()
    for index in range(40):
        live_set.add_track(-1, f"track {index}")
    talk(conversation, live_set)


def test_an_answer_that_comes_late_is_not_taken_for_the_answer_to_another_query() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, _: list[str]) -> None:
        clip = stand_in.set.tracks[0].slots[1].clip
        assert clip is not None
        for bar in range(4):
            live.send("/live/clip/add/notes", 0, 1, 36 + bar, float(bar), 0.25, 100, False)
        stand_in.faults = Faults(late_s=0.7, jitter_s=0.6)  # each is asked for twice, and answered twice
        for bar in range(4):
            notes = await live.query("/live/clip/get/notes", 0, 1, 0, 128, float(bar), 1.0)
            assert notes[0] == 36 + bar

    talk(conversation, with_a_clip())


def test_what_accepts_refuses_is_waited_past() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, _: list[str]) -> None:
        async def turn_up() -> None:
            await asyncio.sleep(1.2)
            stand_in.set.tempo = 140.0

        turning = asyncio.create_task(turn_up())
        fast = await live.query("/live/song/get/tempo", accepts=lambda values: values[0] == 140.0)
        assert fast == (140.0,)
        await turning

    talk(conversation)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(lost=0.3),
        Faults(late_s=2.0),
        Faults(late_s=0.8, jitter_s=0.4),  # now slow, now not
        Faults(doubled=1.0, jitter_s=0.3),
    ],
)
def test_queries_are_answered_however_badly_the_answers_come(faults: Faults) -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, told: list[str]) -> None:
        await live.query("/live/song/get/tempo")
        stand_in.faults = faults
        for index in range(60):
            assert await live.query("/live/track/get/name", index % 2) == (("Drums", "Bass")[index % 2],)
        slow = ["Live answers late" in line for line in told]
        assert slow.count(True) == (1 if faults.late_s else 0)
        assert len(told) - slow.count(True) == 1

    talk(conversation, with_a_clip())


def test_a_live_that_is_not_there_is_told_once_with_the_cure_and_again_once_it_is() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, told: list[str]) -> None:
        with pytest.raises(LiveSilentError, match=r"/live/song/get/tempo: expected an answer from Live"):
            await live.query("/live/song/get/tempo")
        await asyncio.sleep(60)
        assert [CURE in line for line in told] == [True]
        assert live.answering is False
        await stand_in.open(stand_in.reply_port)
        await asyncio.sleep(10)
        assert told[1:] == ["Live 12.1 answers again"]
        assert live.version == (12, 1)

    talk(conversation, there=False)


def test_a_live_that_is_away_for_a_minute_is_heard_again_by_those_who_listened() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, told: list[str]) -> None:
        heard: list[Any] = []
        live.listen("/live/song/get/tempo", heard=lambda values: heard.append(values[0]))
        await asyncio.sleep(5)
        await stand_in.close()
        await asyncio.sleep(60)
        assert len(told) == 2
        assert "Live does not answer any more" in told[1]
        stand_in.set.tempo = 99.0
        await stand_in.open(stand_in.reply_port)
        await asyncio.sleep(10)
        assert heard[-1] == 99.0
        assert told[2:] == ["Live 12.1 answers again"]

    talk(conversation)


def test_a_set_that_is_loaded_is_told_once_and_its_listeners_begin_anew() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, told: list[str]) -> None:
        loaded: list[None] = []
        live.events.loaded.append(lambda: loaded.append(None))
        heard: list[Any] = []
        live.listen("/live/scene/get/name", 1, heard=lambda values: heard.append(values[0]))
        await asyncio.sleep(3)
        stand_in.faults = Faults(doubled=1.0)
        stand_in.load(LiveSet(["a", "b"]))
        await asyncio.sleep(3)
        assert heard[-1] == "b"
        assert told == ["Live 12.1 answers", "Live has loaded a set: it is read anew"]
        assert len(loaded) == 2

    talk(conversation, with_a_clip())


def test_listeners_are_renewed_where_nothing_told_that_they_were_gone() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, _: list[str]) -> None:
        heard: list[Any] = []
        stop = live.listen("/live/song/get/is_playing", heard=lambda values: heard.append(values[0]))
        await asyncio.sleep(1)
        stand_in.faults = Faults(lost=1.0)
        stand_in.load()
        stand_in.faults = Faults()
        stand_in.set.is_playing = True
        await asyncio.sleep(15)
        assert heard[-1] is True
        stop()
        await asyncio.sleep(1)
        assert ("/live/song/stop_listen/is_playing",) in stand_in.asked
        count = len(heard)
        stand_in.set.is_playing = False
        await asyncio.sleep(15)
        assert len(heard) == count

    talk(conversation)


def test_a_wrong_index_is_told_by_live_and_ends_as_no_answer_with_what_live_said() -> None:
    async def conversation(live: LiveClient, _: StandIn, told: list[str]) -> None:
        with pytest.raises(LiveSilentError, match="list index out of range"):
            await live.query("/live/clip/get/name", 9, 0)
        assert await live.query("/live/track/get/name", 0) == ("Drums",)
        assert told == ["Live 12.1 answers"]

    talk(conversation, with_a_clip())


def test_bytes_that_are_no_osc_and_packets_of_others_change_nothing() -> None:
    async def conversation(live: LiveClient, stand_in: StandIn, told: list[str]) -> None:
        await live.query("/live/song/get/tempo")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            for packet in (
                b"",
                b"nothing",
                b"#bundle\0" + b"\xff" * 12,
                b"/live/song/get/tempo\0\0\0\0,x\0\0",
            ):
                other.sendto(packet, ("127.0.0.1", stand_in.reply_port))
        builder = OscMessageBuilder("/live/clip/get/name")
        builder.add_arg(1)  # an answer that lacks an index
        live.datagram_received(builder.build().dgram, ("127.0.0.1", 1))
        live.datagram_received(OscMessageBuilder("/live/startup").build().dgram, ("192.0.2.1", 11000))
        assert await live.query("/live/song/get/tempo") == (120.0,)
        assert told == ["Live 12.1 answers"]

    talk(conversation)


def test_a_callback_that_fails_ends_nothing() -> None:
    async def conversation(live: LiveClient, _: StandIn, told: list[str]) -> None:
        heard: list[Any] = []

        def fail(_: Any) -> None:
            raise ZeroDivisionError

        live.listen("/live/song/get/tempo", heard=fail)
        live.listen("/live/song/get/tempo", heard=lambda values: heard.append(values[0]))
        await asyncio.sleep(2)
        assert heard
        assert await live.query("/live/song/get/tempo") == (120.0,)

    talk(conversation)


def test_what_is_too_long_for_a_datagram_is_refused() -> None:
    async def conversation(live: LiveClient, _: StandIn, told: list[str]) -> None:
        notes = (36, 0.0, 0.25, 100, False) * (MAX_DATAGRAM // 20)
        with pytest.raises(ContractError, match=f"expected at most {MAX_DATAGRAM} bytes"):
            live.send("/live/clip/add/notes", 0, 0, *notes)

    talk(conversation)


def test_a_port_that_is_taken_and_a_host_that_does_not_exist_are_told() -> None:
    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(PortTakenError, match="free for AbletonOSC's answers"):
                await LiveClient().open(reply_port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match="name or address of a machine"):
            await LiveClient().open(host="no such host")

    run_virtually(run())


def test_a_query_that_waits_ends_with_the_client() -> None:
    async def run() -> None:
        live = LiveClient()
        await live.open(port=9, reply_port=0)
        asked = asyncio.create_task(live.query("/live/song/get/tempo"))
        await asyncio.sleep(0.1)
        await live.close()
        with pytest.raises(LiveSilentError, match="got closed"):
            await asked

    run_virtually(run())
