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
`/liveengine/error text` to the sender of anything that is not in the table and changes nothing. Errors and
what servers like this one send are never answered, so that two of them cannot talk for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from pythonosc.osc_message_builder import OscMessageBuilder

from liveengine.errors import ConfigError, ContractError, LiveEngineError
from liveengine.music.control import Command, controls
from liveengine.music.named import NAMES, named_command
from liveengine.music.style import StyleBook
from liveengine.osc.packet import Message, read_packet

log = logging.getLogger(__name__)

PREFIX = "/liveengine/"
SUBSCRIBED_S = 60.0
STATE_HZ = 10.0
MAX_SUBSCRIBERS = 32
MAX_ERRORS_PER_S = 50
"""Answers to all senders together; what comes beyond them is dropped without a word."""
MAX_ERROR_LENGTH = 500
ERROR, METER = "error", "meter"
Address = tuple[str, int]
Value = str | float | int | bool
State = Mapping[str, Value | None]
Post = Callable[[Command, Callable[[LiveEngineError | None], None]], None]
"""Takes a command, and calls back with what is wrong with it, or None."""


class OscServer(asyncio.DatagramProtocol):
    """One UDP port. Everything runs on the event loop's thread."""

    def __init__(
        self,
        styles: StyleBook,
        post: Post,
        state: Callable[[], State],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Turn messages into commands for `post`; tell subscribers what of `state` has changed."""
        self._styles, self._post, self._state, self._now_s = styles, post, state, now_s
        self._subscribers: dict[Address, tuple[float, dict[str, Value]]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._telling: asyncio.Task[None] | None = None
        self._port = 0
        self._told = frozenset({ERROR, METER, *state()} - {*controls(), *NAMES})
        self._second_ends, self._errors = 0.0, 0

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
        self._port = int(transport.get_extra_info("sockname")[1])
        return self._port

    async def close(self) -> None:
        """Stop listening and telling."""
        if self._telling is not None:
            self._telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._telling
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Handle a packet; what is wrong in it is answered with an error, unless this port sent it."""
        if self._is_own(*addr[:2]):
            return
        try:
            messages = read_packet(data)
        except ContractError as error:
            self._answer(addr, f"OSC packet of {len(data)} bytes", error)
            return
        for message in messages:
            try:
                self._handle(message, addr)
            except LiveEngineError as error:
                self._answer(addr, message.address, error)

    def error_received(self, exc: Exception) -> None:
        """A subscriber that has gone is forgotten when its minute is over."""

    def _handle(self, message: Message, sender: Address) -> None:
        name = message.address.removeprefix(PREFIX)
        if name in self._told or message.address.endswith("/" + ERROR):
            return
        if not message.address.startswith(PREFIX):
            raise ContractError(f"expected an address such as {PREFIX}style")
        if name == "subscribe":
            self._subscribe(message, sender)
            return
        command = named_command(name, message.values, self._styles)
        if command is not None:
            self._post(command, lambda refused: self._answer(sender, message.address, refused))

    def _subscribe(self, message: Message, sender: Address) -> None:
        """Tell an address for a minute. Raises ContractError for this port itself, and for one too many."""
        given = message.values[0] if message.values else None
        port = given if isinstance(given, int) and 0 < given < 65536 else sender[1]
        if self._is_own(sender[0], port):
            raise ContractError(f"expected a port of your own, got {port}, where this engine listens itself")
        self._forget_ended()
        if len(self._subscribers) >= MAX_SUBSCRIBERS and (sender[0], port) not in self._subscribers:
            raise ContractError(f"expected at most {MAX_SUBSCRIBERS} subscribers, got one more")
        self._subscribers[sender[0], port] = (self._now_s() + SUBSCRIBED_S, {})

    def _is_own(self, host: str, port: int) -> bool:
        """Return whether an address is this server's own, by whichever name or network of this machine."""
        if port != self._port:
            return False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((host, 0))  # only an address of this machine can be bound
            except OSError:
                return False
        return True

    def _answer(self, sender: Address, address: str, refused: LiveEngineError | None) -> None:
        if refused is None:
            return
        now = self._now_s()
        if now >= self._second_ends:
            self._second_ends, self._errors = now + 1.0, 0
        self._errors += 1
        if self._errors <= MAX_ERRORS_PER_S:
            self._send(sender, ERROR, [f"{address}: {refused}"[:MAX_ERROR_LENGTH]])

    async def _tell_for_ever(self) -> None:
        while True:
            await asyncio.sleep(1 / STATE_HZ)
            try:
                self.tell()
            except Exception:
                log.exception("telling the state by OSC failed and is off")
                return

    def tell(self) -> None:
        """Send every subscriber what has changed since the last time, and the meter."""
        if not self._subscribers:
            return
        self._forget_ended()
        state = dict(self._state())
        meter = [value for name in ("bar", "beat", "bpm") if (value := state.pop(name)) is not None]
        for address, (_, sent) in self._subscribers.items():
            for name, value in state.items():
                if value is not None and sent.get(name) != value:
                    sent[name] = value
                    self._send(address, name, [value])
            self._send(address, METER, meter)

    def _forget_ended(self) -> None:
        now = self._now_s()
        self._subscribers = {key: kept for key, kept in self._subscribers.items() if now <= kept[0]}

    def _send(self, address: Address, name: str, values: Sequence[Value]) -> None:
        if self._transport is not None:
            builder = OscMessageBuilder(PREFIX + name)
            for value in values:
                builder.add_arg(value)
            self._transport.sendto(builder.build().dgram, address)
