"""The OSC server: one UDP port on the engine's event loop; messages in become commands, state goes out.

| address | arguments | does |
|---|---|---|
| `/liveengine/style`, `/liveengine/blend_style` | name, any spelling | plays it |
| `/liveengine/switch` | instant, beat, bar or phrase | from where changes are heard |
| `/liveengine/CONTROL` | a number in the control's range | density, energy, swing_percent, level_kick ... |
| `/liveengine/mute_kick`, `/liveengine/solo_kick` ... | 0, 1 or a boolean | on or off |
| `/liveengine/fill`, `break`, `lock_1`, `undo` ... | none, or 0 to do nothing | does it |
| `/liveengine/seed` | a whole number from 0 | other dice |
| `/liveengine/scene` | name, and bars to morph over | recalls a scene |
| `/liveengine/save_scene` | name, and a program number | keeps the controls as they are |
| `/liveengine/draw` | bar, step, voice, velocity, and 1 to keep it in every bar | draws a stroke by hand |
| `/liveengine/erase` | bar, step, voice | takes it away |
| `/liveengine/marker` | name | the set list goes on to the scene that waits for it |
| `/liveengine/learn_midi` | name of a control, none to give up | binds the next knob or pad touched to it |
| `/liveengine/subscribe` | none, or the port to answer to | state and meter for a minute |

Out: `/liveengine/CONTROL value` as each changes, ten times a second `/liveengine/meter bar beat bpm`, and
`/liveengine/error text` to the sender of anything that is not in the table, which changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket, ParseError

from liveengine.errors import ConfigError, LiveEngineError
from liveengine.music.control import Command
from liveengine.music.named import named_command
from liveengine.music.style import StyleBook

PREFIX = "/liveengine/"
SUBSCRIBED_S = 60.0
STATE_HZ = 10.0
Address = tuple[str, int]
Value = str | float | int | bool
State = Mapping[str, Value | None]
Post = Callable[[Command, Callable[[LiveEngineError | None], None]], None]
"""Takes a command, and calls back with what is wrong with it, or None."""


class OscServer(asyncio.DatagramProtocol):
    """One UDP port. Everything runs on the event loop's thread."""

    def __init__(self, styles: StyleBook, post: Post, state: Callable[[], State]) -> None:
        """Turn messages into commands for `post`; tell subscribers what of `state` has changed."""
        self._styles, self._post, self._state = styles, post, state
        self._subscribers: dict[Address, tuple[float, dict[str, Value]]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._telling: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port. Raises ConfigError where it is taken."""
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        except OSError as error:
            raise ConfigError(
                f"--osc-port {port}: expected a free UDP port on {host}, got: {error}"
            ) from error
        self._transport = transport
        self._telling = asyncio.create_task(self._tell_for_ever())
        return int(transport.get_extra_info("sockname")[1])

    async def close(self) -> None:
        """Stop listening and telling."""
        if self._telling is not None:
            self._telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._telling
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Handle a packet; anything wrong in it is answered with an error."""
        try:
            messages = [timed.message for timed in OscPacket(data).messages]
        except (ParseError, ValueError, IndexError, UnicodeDecodeError) as error:
            self._send(addr, "error", [f"expected an OSC packet, got {len(data)} bytes: {error}"])
            return
        for message in messages:
            try:
                self._handle(message, addr)
            except LiveEngineError as error:
                self._send(addr, "error", [f"{message.address}: {error}"])

    def error_received(self, exc: Exception) -> None:
        """A subscriber that has gone is forgotten when its minute is over."""

    def _handle(self, message: OscMessage, sender: Address) -> None:
        name = message.address.removeprefix(PREFIX)
        given = list(message.params)
        if not message.address.startswith(PREFIX):
            self._send(sender, "error", [f"expected an address such as {PREFIX}style, got {message.address}"])
        elif name == "subscribe":
            port = given[0] if given and isinstance(given[0], int) and 0 < given[0] < 65536 else sender[1]
            self._subscribers[sender[0], port] = (time.monotonic() + SUBSCRIBED_S, {})
        else:
            command = named_command(name, given, self._styles)
            if command is not None:
                self._post(command, lambda refused: self._answer(sender, message.address, refused))

    def _answer(self, sender: Address, address: str, refused: LiveEngineError | None) -> None:
        if refused is not None:
            self._send(sender, "error", [f"{address}: {refused}"])

    async def _tell_for_ever(self) -> None:
        while True:
            await asyncio.sleep(1 / STATE_HZ)
            self.tell()

    def tell(self) -> None:
        """Send every subscriber what has changed since the last time, and the meter."""
        if not self._subscribers:
            return
        now = time.monotonic()
        state = dict(self._state())
        meter = [value for name in ("bar", "beat", "bpm") if (value := state.pop(name)) is not None]
        for address, (until, sent) in list(self._subscribers.items()):
            if now > until:
                del self._subscribers[address]
                continue
            for name, value in state.items():
                if value is not None and sent.get(name) != value:
                    sent[name] = value
                    self._send(address, name, [value])
            self._send(address, "meter", meter)

    def _send(self, address: Address, name: str, values: Sequence[Value]) -> None:
        if self._transport is not None:
            builder = OscMessageBuilder(PREFIX + name)
            for value in values:
                builder.add_arg(value)
            self._transport.sendto(builder.build().dgram, address)
