"""A client of AbletonOSC, the control surface by which Ableton Live answers OSC.

AbletonOSC listens on UDP port 11000, and answers to port 11001 of whoever asked. It looks at its socket every
100 ms, answers a getter under the getter's own address, and puts the indices of a track, scene or clip before
the values; what is asked of the song or the application is answered by the values alone. No answer carries an
id. Numbers travel as 32-bit integers and floats. Source: https://github.com/ideoforms/AbletonOSC, its README,
`abletonosc/osc_server.py` and `abletonosc/handler.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from pythonosc.osc_message_builder import OscMessageBuilder

from liveengine.errors import ConfigError, ContractError, LiveSilentError, PortTakenError
from liveengine.osc.packet import Message, OscValue, read_packet

log = logging.getLogger(__name__)

HOST, PORT, REPLY_PORT = "127.0.0.1", 11000, 11001
"""Where AbletonOSC listens, and the port that it answers to."""
INDEXED = {"track": 1, "scene": 1, "clip": 2, "clip_slot": 2, "device": 2}
"""How many of the arguments come back before the values, by what the address speaks of; elsewhere none do."""
VERSION, STARTUP, ERROR = "/live/application/get/version", "/live/startup", "/live/error"
WAITS_S = (0.5, 1.0, 2.0, 2.0)
"""How long each sending of a query is waited for. An answer to an earlier sending counts as well."""
LATE_S = 2.5
"""How long after its sending an answer that was not waited for may still come."""
SLOW_S, SLOW_QUERIES, FAST_QUERIES = 1.0, 3, 100
"""Live is slow once so many queries in a row took longer, and fast again once so many in a row did not."""
WATCH_S = 2.0
"""How often a Live that was not heard is asked whether it is there."""
RENEW_S = 10.0
"""How often listeners are asked for again: a set that was loaded anew has none of them."""
STARTUP_AGAIN_S = 1.0
"""A second message that AbletonOSC has started is the same one, doubled, within this."""
MAX_DATAGRAM = 9216
"""Bytes of a message: the most that macOS sends in one datagram unless it is set otherwise."""
CURE = (
    "start Live, and choose AbletonOSC as a control surface in its settings under Link, Tempo & MIDI; "
    "it is at github.com/ideoforms/AbletonOSC"
)

Values = tuple[OscValue, ...]
Heard = Callable[[Values], None]
"""Takes the values of an answer, without the indices before them."""
Accepts = Callable[[Values], bool]
_Key = tuple[str, Values]
"""An address, and the indices that an answer under it begins with."""


@dataclass(slots=True)
class _Query:
    """A query that waits; `sent` counts how often it was sent."""

    answer: asyncio.Future[Values]
    accepts: Accepts | None
    sent: int = 0


@dataclass(slots=True)
class _Owed:
    """Answers that may still come to a query that is over, until a moment of the loop's clock."""

    answers: int
    until_s: float


@dataclass(slots=True)
class LiveEvents:
    """What a client lets others know, on the event loop's thread.

    `notice` takes a sentence for the player, once for each thing that has happened; `loaded` is called when
    Live begins to answer, and when it has loaded a set: whatever was read before may be another now.
    """

    notice: Callable[[str], None] = lambda _: None
    loaded: list[Callable[[], None]] = field(default_factory=list)


class LiveClient(asyncio.DatagramProtocol):
    """Speaks with AbletonOSC through one UDP socket. Used by the event loop's thread only.

    `answering` is None until it is known; `version` is Live's, (major, minor).
    """

    def __init__(self, events: LiveEvents | None = None) -> None:
        """Begin closed; `open` binds the socket."""
        self.events = events or LiveEvents()
        self.answering: bool | None = None
        self.version: tuple[int, int] | None = None
        self.last_error = ""
        self._target = (HOST, PORT)
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._queries: dict[_Key, _Query] = {}
        self._turns: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()
        self._owed: dict[_Key, _Owed] = {}
        self._listeners: dict[_Key, list[Heard]] = {}
        self._heard_s = self._started_s = float("-inf")
        self._slow_queries = self._fast_queries = 0
        self._is_slow = False

    async def open(self, host: str = HOST, port: int = PORT, reply_port: int = REPLY_PORT) -> int:
        """Bind the socket and begin to look for Live; return the port that answers are to come to.

        Raises PortTakenError where another program has the port, ConfigError for a host that does not exist.
        """
        loop = asyncio.get_running_loop()
        self._target = (await _address_of(host), port)
        here = HOST if self._target[0].startswith("127.") else "0.0.0.0"
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(here, reply_port))
        except OSError as error:
            raise PortTakenError(
                f"Live: expected UDP port {reply_port} to be free for AbletonOSC's answers, got: {error}; "
                "close the other program that speaks with AbletonOSC"
            ) from error
        self._transport = transport
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._renew())]
        return int(transport.get_extra_info("sockname")[1])

    async def close(self) -> None:
        """End what is under way and close the socket; queries that wait end with LiveSilentError."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        for address, indices in self._listeners:
            with contextlib.suppress(OSError):
                self.send(address.replace("/get/", "/stop_listen/", 1), *indices)
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        for query in self._queries.values():
            if not query.answer.done():
                query.answer.set_exception(LiveSilentError("Live: expected an answer, got closed"))

    # --- asking and telling --------------------------------------------------------------------

    async def query(
        self,
        address: str,
        *arguments: OscValue,
        accepts: Accepts | None = None,
        attempts: int = len(WAITS_S),
    ) -> Values:
        """Return the values that answer a query, without the indices before them.

        Queries whose answers could be taken for one another wait for each other, and for what may still come
        to an earlier one; `accepts` refuses an answer that is to something else, such as notes of another
        range. Raises LiveSilentError where no answer comes to any of so many sendings.
        """
        key = address, arguments[: _indices_of(address)]
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = asyncio.Lock()
        async with turn:
            await self._let_late_answers_pass(key)
            return await self._ask(key, arguments, accepts, attempts)

    def send(self, address: str, *arguments: OscValue) -> None:
        """Send a message that nothing answers. One that is lost is not noticed.

        Raises ContractError for one that is too long for a datagram; does nothing once the client is closed.
        """
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        packet: bytes = builder.build().dgram
        if len(packet) > MAX_DATAGRAM:
            raise ContractError(f"{address}: expected at most {MAX_DATAGRAM} bytes, got {len(packet)}")
        if self._transport is not None:
            self._transport.sendto(packet, self._target)

    def listen(self, address: str, *indices: int, heard: Heard) -> Callable[[], None]:
        """Have `heard` called with each value of a property, the present one first; return what ends it.

        `address` is the property's getter, such as /live/song/get/tempo. The listener is asked for again
        every ten seconds, and at once where Live has loaded a set or has been away.
        """
        key: _Key = address, indices
        self._listeners.setdefault(key, []).append(heard)
        self._start_listening(key)

        def stop() -> None:
            listeners = self._listeners.get(key, [])
            if heard in listeners:
                listeners.remove(heard)
            if not listeners and self._listeners.pop(key, None) is not None:
                self.send(address.replace("/get/", "/stop_listen/", 1), *indices)

        return stop

    async def _ask(self, key: _Key, arguments: Values, accepts: Accepts | None, attempts: int) -> Values:
        loop = asyncio.get_running_loop()
        query = self._queries[key] = _Query(loop.create_future(), accepts)
        begun_s = loop.time()
        try:
            for wait_s in WAITS_S[:attempts]:
                self.send(key[0], *arguments)
                query.sent += 1
                await asyncio.wait([query.answer], timeout=wait_s)
                if query.answer.done():
                    self._note_speed(loop.time() - begun_s)
                    return query.answer.result()
            hint = f"; its last error: {self.last_error}" if self.last_error else ""
            asked = " ".join([key[0], *map(str, arguments[:6])])
            raise LiveSilentError(f"{asked}: expected an answer from Live, got none{hint}")
        finally:
            self._queries.pop(key, None)
            owed = query.sent - query.answer.done()
            query.answer.cancel()
            if owed:
                self._owed[key] = _Owed(owed, loop.time() + LATE_S)

    async def _let_late_answers_pass(self, key: _Key) -> None:
        loop = asyncio.get_running_loop()
        while (owed := self._owed.get(key)) is not None:
            if not owed.answers or loop.time() >= owed.until_s:
                del self._owed[key]
                return
            await asyncio.sleep(0.05)

    def _note_speed(self, took_s: float) -> None:
        """Say so, once, where Live has become slow."""
        if took_s < SLOW_S:
            self._slow_queries, self._fast_queries = 0, self._fast_queries + 1
            self._is_slow = self._is_slow and self._fast_queries < FAST_QUERIES
            return
        self._slow_queries, self._fast_queries = self._slow_queries + 1, 0
        if self._slow_queries >= SLOW_QUERIES and not self._is_slow:
            self._is_slow = True
            self.events.notice(
                f"Live answers late, after {took_s:.1f} s: what it tells is acted on as it comes; "
                "give it more of the processor, or less to do"
            )

    # --- what comes in -------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a packet from Live's machine; one from elsewhere, or that is no OSC, is left out."""
        if addr[0] != self._target[0]:
            return
        try:
            messages = read_packet(data)
        except ContractError as error:
            log.warning("a packet from Live was not understood: %s", error)
            return
        self._heard_s = asyncio.get_running_loop().time()
        for message in messages:
            self._take(message)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens where Live should: asking whether it is there finds out."""

    def _take(self, message: Message) -> None:
        if message.address == STARTUP:
            self._started()
            return
        if message.address == ERROR:
            self.last_error = str(message.values[0]) if message.values else ""
            log.info("Live: %s", self.last_error)
            return
        count = _indices_of(message.address)
        if len(message.values) < count:
            return
        key, values = (message.address, message.values[:count]), message.values[count:]
        query, owed = self._queries.get(key), self._owed.get(key)
        if query is not None and not query.answer.done():
            if query.accepts is None or query.accepts(values):
                query.answer.set_result(values)
        elif owed is not None:
            owed.answers = max(0, owed.answers - 1)
        for heard in list(self._listeners.get(key, ())):
            self._call(lambda heard=heard: heard(values))  # type: ignore[misc]

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            log.exception("what follows Live failed")

    # --- whether Live is there -----------------------------------------------------------------

    async def _watch(self) -> None:
        """Ask now and then whether Live is there, unless it was just heard."""
        loop = asyncio.get_running_loop()
        while True:
            if not self.answering or loop.time() - self._heard_s >= WATCH_S:
                try:
                    major, minor = (await self.query(VERSION))[:2]
                except LiveSilentError:
                    self._found_silent()
                except ValueError:
                    log.warning("Live: expected a version of two numbers")
                else:
                    self._found((int(str(major)), int(str(minor))))
            await asyncio.sleep(WATCH_S)

    def _found(self, version: tuple[int, int]) -> None:
        again, self.version = self.answering is False, version
        if self.answering:
            return
        self.answering = True
        shown = ".".join(map(str, version))
        self.events.notice(f"Live {shown} answers again" if again else f"Live {shown} answers")
        self._begin_anew()

    def _found_silent(self) -> None:
        if self.answering is False:
            return
        lost, self.answering = self.answering is True, False
        where = f"{self._target[0]}:{self._target[1]}"
        if lost:
            self.events.notice(f"Live does not answer any more on {where}; it is heard again once it does")
        else:
            self.events.notice(f"Live does not answer on {where}: {CURE}")

    def _started(self) -> None:
        """AbletonOSC has started: with Live, or because a set was loaded."""
        now_s = asyncio.get_running_loop().time()
        doubled, self._started_s = now_s - self._started_s < STARTUP_AGAIN_S, now_s
        if self.answering and not doubled:
            self.events.notice("Live has loaded a set: it is read anew")
            self._begin_anew()

    def _begin_anew(self) -> None:
        for key in self._listeners:
            self._start_listening(key)
        for loaded in list(self.events.loaded):
            self._call(loaded)

    def _start_listening(self, key: _Key) -> None:
        self.send(key[0].replace("/get/", "/start_listen/", 1), *key[1])

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            if self.answering:
                for key in self._listeners:
                    self._start_listening(key)


async def _address_of(host: str) -> str:
    """Return the IPv4 address of a machine. Raises ConfigError for one that does not exist."""
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError as error:
        raise ConfigError(f"Live: expected the name or address of a machine, got {host!r}") from error
    return str(found[0][4][0])


def _indices_of(address: str) -> int:
    """Return how many arguments an answer under an address begins with."""
    parts = address.split("/")
    return INDEXED.get(parts[2], 0) if len(parts) > 2 else 0
