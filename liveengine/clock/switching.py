"""A timeline that another clock can take over while it plays: Link, MIDI clock, taps, or the engine's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from liveengine.clock.system import SystemClock
from liveengine.errors import LiveEngineError
from liveengine.interfaces import SessionState, Timeline

PREFIX = "clock_"
"""What the actions begin with that change the clock."""
Opener = Callable[[SessionState], Awaitable[Timeline]]
"""Opens a clock, given the state of the one before; raises LiveEngineError where it cannot be had."""


class SwitchableTimeline(SystemClock):
    """The timeline of the clock that is followed. Used by the event loop's thread.

    All clocks count the same microseconds. One that is asked for takes over once it is there, and while it
    plays if the one before does: until then that goes on.
    """

    def __init__(
        self,
        kind: str,
        timeline: Timeline,
        openers: Mapping[str, Opener],
        tell: Callable[[str], None],
    ) -> None:
        """Begin with a clock that is open; `openers` are by kind, and `tell` takes what became of them."""
        self.kind = kind
        self.followed = timeline
        self._openers, self._tell = openers, tell
        self._coming: tuple[str, Timeline] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._changed: Callable[[], None] = lambda: None

    def state(self) -> SessionState:
        """Return the session as the clock has it that is followed now."""
        if self._coming is not None:
            self._take_over_if_ready(*self._coming)
        return self.followed.state()

    def _take_over_if_ready(self, kind: str, coming: Timeline) -> None:
        now, then = self.followed.state(), coming.state()
        if kind == "midi" and not (then.peers and (then.playing or not now.playing)):
            return  # it stands still, or nobody sends it yet
        before, self._coming = self.followed, None
        self.kind, self.followed = kind, coming
        if now.playing and not then.playing:
            coming.set_playing(True)
        coming.watch(self._changed)
        before.close()
        self._tell(f"the time is that of {kind} now: {coming.source()}")

    def source(self) -> str:
        """Return whose time it is, and what is waited for."""
        waits = "" if self._coming is None else f"; {self._coming[0]} is waited for"
        return self.followed.source() + waits

    def set_playing(self, playing: bool) -> None:
        """Start or stop the transport, for every peer that shares it."""
        self.followed.set_playing(playing)

    def move(self, move: str, at_us: float) -> str | None:
        """Change the tempo, the beat, or with `clock_` and its kind the clock; return why that cannot be."""
        if not move.startswith(PREFIX):
            return self.followed.move(move, at_us)
        kind = move.removeprefix(PREFIX)
        if self._opening is not None and not self._opening.done():
            return f"{move}: another clock is being opened"
        if self._coming is not None:
            self._coming[1].close()
            self._coming = None
        if kind == self.kind:
            return None
        if kind not in self._openers:
            return f"{move}: expected a clock that can be followed here: {', '.join(self._openers)}"
        self._opening = asyncio.get_running_loop().create_task(self._open(kind))
        return None

    async def _open(self, kind: str) -> None:
        try:
            self._coming = kind, await self._openers[kind](self.followed.state())
        except LiveEngineError as error:
            self._tell(f"{PREFIX}{kind}: {error}")
            return
        self._changed()

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on the event loop's thread, as soon as tempo or transport has changed."""
        self._changed = changed
        self.followed.watch(changed)

    def close(self) -> None:
        """Leave every session."""
        if self._opening is not None:
            self._opening.cancel()
        if self._coming is not None:
            self._coming[1].close()
        self.followed.close()
