"""A live session: the event loop that moves sessions, bars, controls, orders and reports to their places."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from liveengine.contracts import BarSource, Timeline
from liveengine.engine.conductor import Conductor
from liveengine.engine.events import AskBar, CaptureBars, ShareTransport, TellPlayer
from liveengine.engine.player_client import Player
from liveengine.engine.record import Record
from liveengine.errors import ContractError, LiveEngineError
from liveengine.music.control import Command, ControlMap

TICK_S = 0.005
"""How often the session is read. A new tempo, a start or stop, and a command wake the loop at once."""
HANDFUL_S = 0.003
"""Commands that come within this of others are obeyed together."""
FLUSH_S = 0.5
DRAIN_S = 0.05
"""Time given to the last reports before the record is closed."""


class Session:
    """Owns the loop; everything in it runs on the event loop's thread."""

    def __init__(
        self,
        *,
        timeline: Timeline,
        source: BarSource,
        player: Player,
        conductor: Conductor,
        record: Record,
        captures: Path | None = None,
    ) -> None:
        """Bring the parts together; they are closed by whoever made them.

        `captures` is the folder for bars that are kept; without one none are.
        """
        self._captures = captures
        self.timeline = timeline
        self.source = source
        self.player = player
        self.conductor = conductor
        self.record = record
        self._stopping = False
        self._inbox: list[Command] = []
        self._bad_messages: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pause: asyncio.Future[None] | None = None
        self._heeded: int | None = None
        self._commanded = False
        self.captured = 0

    def stop(self) -> None:
        """Ask the session to end."""
        self._stopping = True

    def post(self, command: Command) -> None:
        """Put a command into the inbox. Any thread."""
        self._inbox.append(command)
        self._wake_from_any_thread()

    def _wake_from_any_thread(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def _heed_answers(self) -> None:
        """Let an answer of the generator wake the loop; its pipe is another one after each restart."""
        pipe = self.source.fileno()
        if pipe != self._heeded and self._loop is not None:
            self._ignore_answers()
            if pipe is not None:
                self._loop.add_reader(pipe, self._wake)
            self._heeded = pipe

    def _ignore_answers(self) -> None:
        if self._heeded is not None and self._loop is not None:
            self._loop.remove_reader(self._heeded)
        self._heeded = None

    async def _wait(self) -> None:
        """Wait for a tick, less if something has happened; commands in a storm are taken in handfuls."""
        if self._commanded:
            await asyncio.sleep(HANDFUL_S)
        loop = asyncio.get_running_loop()
        self._pause = loop.create_future()
        timer = loop.call_later(TICK_S, self._wake)
        await self._pause
        timer.cancel()

    def midi_received(self, control_map: ControlMap) -> Callable[[Sequence[int]], None]:
        """Return what the control port calls with each message, on its own thread."""

        def received(message: Sequence[int]) -> None:
            try:
                command = control_map.command(message, self.conductor.styles)
            except ContractError as error:
                self._bad_messages.append(str(error))
                return
            if command is not None:
                self.post(command)

        return received

    async def run(self, duration_s: float | None = None) -> None:
        """Play until stopped, or for `duration_s` from the first downbeat.

        Raises LiveEngineError where the generator or the port is lost for good.
        """
        flush_at = time.monotonic() + FLUSH_S
        self._loop = asyncio.get_running_loop()
        self.timeline.watch(self._wake)
        try:
            while not self._stopping:
                now_us = self.timeline.now_us()
                self.step(now_us)
                first = self.conductor.first_downbeat_us
                if duration_s is not None and first is not None and now_us >= first + duration_s * 1e6:
                    break
                if time.monotonic() >= flush_at:
                    self.record.flush()
                    flush_at = time.monotonic() + FLUSH_S
                self._heed_answers()
                await self._wait()
        finally:
            self._ignore_answers()
            self._loop = None
            self.end()
            await asyncio.sleep(DRAIN_S)
            self.record.reports(self.player.reports())
            self.record.summary()
            self.record.flush()

    def end(self) -> None:
        """End every note and the bar that plays."""
        self.conductor.stop()
        self._carry_out()

    def step(self, now_us: float) -> None:
        """Do everything that is to be done at one moment."""
        while self._bad_messages:
            self.record.malformed_message(now_us, self._bad_messages.pop(0))
        self._commanded = bool(self._inbox)
        while self._inbox:
            self.conductor.command(self._inbox.pop(0), now_us)
        if self._commanded:
            self.conductor.settle()
        self.conductor.tick(now_us, self.timeline.state())
        reply = self.source.poll()
        if reply is not None:
            self.conductor.accept(reply, now_us)
        self._carry_out()
        self.record.reports(self.player.reports())

    def _carry_out(self) -> None:
        for effect in self.conductor.effects:
            self.record.effect(effect)
            if isinstance(effect, AskBar):
                self.source.request(effect.request)
            elif isinstance(effect, TellPlayer):
                self.player.tell(effect.message)
            elif isinstance(effect, CaptureBars):
                self._capture(effect)
            elif isinstance(effect, ShareTransport):
                self.timeline.set_playing(effect.playing)
        self.conductor.effects.clear()

    def _capture(self, asked: CaptureBars) -> None:
        """Write the last bars to a file named by the time; what goes wrong is told and stops nothing."""
        if self._captures is None:
            return
        self.captured += 1
        path = self._captures / time.strftime(f"liveengine-%Y%m%d-%H%M%S-{self.captured}.mid")
        try:
            bars = self.record.write_take(path, asked.bars)
        except LiveEngineError as error:
            self.record.capture(asked.at_us, "", 0, str(error))
        else:
            self.record.capture(asked.at_us, str(path), bars)
