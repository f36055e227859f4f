"""OSC over a real UDP socket: every control by its address, errors answered, state told to subscribers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from liveengine.config.settings import load_styles
from liveengine.errors import ConfigError, LiveEngineError, UnknownNameError
from liveengine.music.control import (
    Command,
    RecallScene,
    SetBlendStyle,
    SetChoice,
    SetSeed,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.drums import Voice
from liveengine.osc.server import MAX_ERRORS_PER_S, MAX_SUBSCRIBERS, SUBSCRIBED_S, OscServer
from tests.waiting import PATIENCE_S

STYLES = load_styles()
STATE: dict[str, Any] = {
    "style": "funk",
    "density": 0.5,
    "bar": 3,
    "beat": 1.5,
    "bpm": 120.0,
    "late_ms": None,
}


class Client(asyncio.DatagramProtocol):
    """A controller's socket."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[OscMessage] = asyncio.Queue()
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, _: Any) -> None:
        self.answers.put_nowait(OscMessage(data))

    def send(self, address: str, *values: Any) -> None:
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)
        self.transport.sendto(builder.build().dgram)

    async def answer(self) -> tuple[str, list[Any]]:
        message = await asyncio.wait_for(self.answers.get(), PATIENCE_S)
        return message.address, list(message.params)


def talk(conversation: Callable[[Client, OscServer, list[Command]], Coroutine[Any, Any, None]]) -> None:
    """Run a conversation with a server that listens on a port of its own."""

    async def run() -> None:
        posted: list[Command] = []

        def post(command: Command, answer: Callable[[LiveEngineError | None], None]) -> None:
            posted.append(command)
            if isinstance(command, RecallScene):
                answer(UnknownNameError(f"scene {command.name} is unknown"))
            else:
                answer(None)

        server = OscServer(STYLES, post, lambda: STATE)
        port = await server.open("127.0.0.1", 0)
        client = Client()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: client, remote_addr=("127.0.0.1", port))
        try:
            await conversation(client, server, posted)
        finally:
            transport.close()
            await server.close()

    asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not true():
            await asyncio.sleep(0)

    await asyncio.wait_for(wait(), PATIENCE_S)


def test_every_kind_of_control_by_its_address() -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        client.send("/liveengine/style", "J Dilla")
        client.send("/liveengine/blend_style", "jazz")
        client.send("/liveengine/density", 0.25)
        client.send("/liveengine/level_kick", 1)
        client.send("/liveengine/mute_snare", True)
        client.send("/liveengine/solo_hat", 0)
        client.send("/liveengine/switch", "phrase")
        client.send("/liveengine/fill")
        client.send("/liveengine/break", 1.0)
        client.send("/liveengine/undo", 0)
        client.send("/liveengine/seed", 12)
        client.send("/liveengine/draw", 9, 3, "snare", 110, 1)
        client.send("/liveengine/draw", 9, 3, 4, 0)
        client.send("/liveengine/erase", 9, 3, "snare")
        await until(lambda: len(posted) == 13)
        assert posted == [
            SetStyle("j_dilla"),
            SetBlendStyle("jazz"),
            SetValue("density", 0.25),
            SetValue("level_kick", 1.0),
            SetToggle("mute_snare", True),
            SetToggle("solo_hat", False),
            SetChoice("switch", "phrase"),
            TriggerAction("fill"),
            TriggerAction("break"),
            SetSeed(12),
            DrawStroke(9, 3, Voice.SNARE, 110, keep=True),
            DrawStroke(9, 3, Voice.CLOSED_HAT, 0),
            EraseStroke(9, 3, Voice.SNARE),
        ]
        assert client.answers.empty()

    talk(conversation)


@pytest.mark.parametrize(
    ("address", "values", "told"),
    [
        ("/liveengine/style", (7,), "expected a name, got 7"),
        ("/liveengine/style", ("polkacore",), "is unknown"),
        ("/liveengine/density", ("much",), "expected a number"),
        ("/liveengine/density", (3.0,), "expected 0 to 1, got 3"),
        ("/liveengine/density", (float("nan"),), "expected a number"),
        ("/liveengine/density", (), "expected a number, got None"),
        ("/liveengine/density", (0.1, 0.2), "density: expected 1 value, got 2"),
        ("/liveengine/volume", (0.1,), "expected one of style"),
        ("/liveengine/switch", ("soon",), "expected one of instant"),
        ("/elsewhere/style", ("funk",), "expected an address such as"),
        ("/liveengine/density", (True,), "expected a number, got True"),
        ("/liveengine/seed", (-4,), "expected 0 to "),
        ("/liveengine/seed", (2**60,), "expected 0 to "),
        ("/liveengine/seed", (1.5,), "expected a whole number, got 1.5"),
        ("/liveengine/scene", ("verse", 1.5), "expected a whole number, got 1.5"),
        ("/liveengine/draw", (9, 3), "expected a bar, a step and a voice, got 2"),
    ],
)
def test_what_is_wrong_is_answered_and_changes_nothing(
    address: str, values: tuple[Any, ...], told: str
) -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        client.send(address, *values)
        error, (text,) = await client.answer()
        assert error == "/liveengine/error"
        assert told in text
        assert posted == []

    talk(conversation)


def test_a_size_of_minus_4_is_refused_and_the_next_message_handled() -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        client.transport.sendto(b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc")
        client.send("/liveengine/fill")
        error, (text,) = await client.answer()
        assert error == "/liveengine/error"
        assert "got a size of -4" in text
        await until(lambda: posted == [TriggerAction("fill")])

    talk(conversation)


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("/liveengine/error", ("density: expected a number",)),
        ("/live/error", ("no such track",)),
        ("/liveengine/meter", (3, 1.5, 120.0)),
        ("/liveengine/late_ms", (0.3,)),
    ],
)
def test_errors_and_what_is_sent_itself_are_never_answered(address: str, values: tuple[Any, ...]) -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        client.send(address, *values)
        client.send("/liveengine/nonsense")
        _, (text,) = await client.answer()
        assert "nonsense" in text

    talk(conversation)


def test_its_own_port_is_no_subscriber_and_no_sender() -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        own = client.transport.get_extra_info("peername")[1]
        client.send("/liveengine/subscribe", own)
        _, (text,) = await client.answer()
        assert f"expected a port of your own, got {own}" in text
        assert not server._subscribers
        for host in ("127.0.0.1", "127.0.0.2"):
            server.datagram_received(b"/nonsense\0\0\0", (host, own))
        client.send("/liveengine/other")
        assert "other" in (await client.answer())[1][0]

    talk(conversation)


def test_subscribers_are_counted_and_forgotten_after_their_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        me = client.transport.get_extra_info("sockname")[1]
        ports = [port for port in range(20_000, 20_100) if port != me][: MAX_SUBSCRIBERS - 1]
        for port in (*ports, me, me):
            client.send("/liveengine/subscribe", port)
        await until(lambda: len(server._subscribers) == MAX_SUBSCRIBERS)
        client.send("/liveengine/subscribe", 20_200)
        _, (text,) = await client.answer()
        assert f"expected at most {MAX_SUBSCRIBERS} subscribers" in text
        later = time.monotonic() + SUBSCRIBED_S + 1
        monkeypatch.setattr(server, "_now_s", lambda: later)
        client.send("/liveengine/subscribe", 20_200)
        await until(lambda: list(server._subscribers) == [("127.0.0.1", 20_200)])

    talk(conversation)


def test_a_flood_of_errors_is_answered_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        now = time.monotonic() + 1
        monkeypatch.setattr(server, "_now_s", lambda: now)
        me = client.transport.get_extra_info("sockname")
        for _ in range(2 * MAX_ERRORS_PER_S):
            server.datagram_received(b"/liveengine/" + b"x" * 5_000 + bytes(4), me)
        client.send("/liveengine/fill")
        await until(lambda: posted == [TriggerAction("fill")])
        for _ in range(MAX_ERRORS_PER_S):
            _, (text,) = await client.answer()
            assert len(text) <= 500
        await asyncio.sleep(0)
        assert client.answers.empty()

    talk(conversation)


@pytest.mark.parametrize(
    "packet", [b"", b"\x00", b"hello", b"/liveengine/style\x00\x00\x00,", b"#bundle\x00\x01"]
)
def test_bytes_that_are_no_osc_are_answered(packet: bytes) -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        if packet:
            client.transport.sendto(packet)
            error, _ = await client.answer()
            assert error == "/liveengine/error"
        client.send("/liveengine/fill")
        await until(lambda: posted == [TriggerAction("fill")])

    talk(conversation)


def test_subscribers_are_told_what_changes_and_the_meter() -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        client.send("/liveengine/subscribe")
        await until(lambda: bool(server._subscribers))
        server.tell()
        assert await client.answer() == ("/liveengine/style", ["funk"])
        assert await client.answer() == ("/liveengine/density", [0.5])
        assert await client.answer() == ("/liveengine/meter", [3, 1.5, 120.0])
        server.tell()
        assert (await client.answer())[0] == "/liveengine/meter"

    talk(conversation)


def test_a_port_that_is_taken_is_told() -> None:
    async def conversation(client: Client, server: OscServer, posted: list[Command]) -> None:
        port = client.transport.get_extra_info("peername")[1]
        with pytest.raises(ConfigError, match=f"--osc-port {port}: expected a free UDP port"):
            await OscServer(STYLES, lambda _command, _answer: None, lambda: STATE).open("127.0.0.1", port)

    talk(conversation)
