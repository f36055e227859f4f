"""The clock of a live session: the one that is followed at first, and the others, opened while it plays."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

from liveengine.app.loading import LoadedSession
from liveengine.clock.midi_clock import MidiClockTimeline
from liveengine.clock.switching import SwitchableTimeline
from liveengine.clock.system import SteadyTimeline, now_us
from liveengine.errors import MidiError
from liveengine.interfaces import SessionState, Timeline
from liveengine.midi import ports
from liveengine.midi.input_process import InputProcess, InputSettings


async def join_timeline(loaded: LoadedSession) -> Timeline:
    """Return the timeline that the options name; Link is joined without moving its tempo."""
    chosen = loaded.settings
    if loaded.options.clock == "midi":
        return MidiClockTimeline(loaded.bpm)
    if loaded.options.clock in ("system", "tap"):
        waits = loaded.options.clock == "tap" or chosen.wait
        return SteadyTimeline(loaded.bpm, quantum_beats=chosen.quantum, waits=waits)
    from liveengine.clock.link import LinkTimeline

    return await LinkTimeline.join(loaded.bpm, chosen.quantum, chosen.start_stop_sync, leads=chosen.lead)


class Clocks:
    """Opens clocks for one live session. Used by the event loop's thread."""

    def __init__(self, loaded: LoadedSession, backend: str | None) -> None:
        """Open nothing yet."""
        self._loaded, self._backend = loaded, backend
        self._tell: Callable[[str], None] = lambda _: None
        self._closing = contextlib.ExitStack()
        self._midi: MidiClockTimeline | None = None

    @contextlib.asynccontextmanager
    async def start(self) -> AsyncIterator[SwitchableTimeline]:
        """Join the timeline that the options name; others take its place as they are asked for.

        Where MIDI clock leads a Link session it goes on leading it.
        """
        openers = {"link": self._link, "midi": self._midi_clock, "tap": self._own, "system": self._own}
        if self._loaded.settings.bridge_link:
            openers = {}
        followed = await join_timeline(self._loaded)
        if isinstance(followed, MidiClockTimeline):
            self._midi = followed
        timeline = SwitchableTimeline(self._loaded.options.clock, followed, openers, self._say)
        try:
            yield timeline
        finally:
            timeline.close()

    @contextlib.contextmanager
    def port(self, tell: Callable[[str], None]) -> Iterator[InputProcess | None]:
        """Open the port on which MIDI clock comes, where it is followed; close it, or a later one, at last.

        `tell` takes what becomes of the clocks. Raises MidiError where there is no MIDI system for it.
        """
        self._tell = tell
        with self._closing:
            if self._midi is None:
                yield None
            else:
                synced = self._input()
                synced.open(self._midi.receive, tell)
                yield synced

    def _say(self, text: str) -> None:
        self._tell(text)

    def _input(self) -> InputProcess:
        """Start the process that hears MIDI clock, to be closed at last."""
        if self._backend is None:
            raise MidiError("--clock midi: expected a MIDI system to hear a clock on, found none")
        wanted = self._loaded.settings.sync_port
        synced = InputProcess(
            InputSettings(
                "sync",
                self._backend,
                None if wanted == ports.SYNC_PORT else wanted,
                now_us,
                self._loaded.settings.name,
            )
        )
        self._closing.enter_context(contextlib.closing(synced))
        return synced

    async def _midi_clock(self, state: SessionState) -> Timeline:
        if self._midi is None:
            timeline = MidiClockTimeline(state.beat_map.bpm)
            opened = await asyncio.to_thread(self._input().open, timeline.receive, self._tell)
            self._tell(f"MIDI clock is heard on {opened.shown}")
            self._midi = timeline
        return self._midi

    async def _link(self, state: SessionState) -> Timeline:
        from liveengine.clock.link import LinkTimeline

        chosen = self._loaded.settings
        link = await LinkTimeline.join(
            state.beat_map.bpm, chosen.quantum, chosen.start_stop_sync, leads=chosen.lead
        )
        if not link.state().peers:  # nobody to join: the beat goes on as it was
            link.align(state.beat_map, playing=state.playing)
        return link

    async def _own(self, state: SessionState) -> Timeline:
        chosen = self._loaded.settings
        return SteadyTimeline(
            state.beat_map.bpm,
            quantum_beats=chosen.quantum,
            waits=not state.playing,
            beat_map=state.beat_map,
        )
