"""A timeline that follows MIDI clock: tempo and beat from pulses, transport from Start, Stop, Continue."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence

from liveengine.clock.clock_follower import ClockFollower
from liveengine.clock.system import SystemClock
from liveengine.interfaces import SessionState
from liveengine.music.beats import BeatMap, check_bpm
from liveengine.music.midi_clock import CONTINUE, PULSE, SONG_POSITION, START, STOP

SAME_US = 250.0
"""A map that puts the next beats within this of where the one in force has them says the same."""
AHEAD_BEATS = 1.0


class MidiClockTimeline(SystemClock):
    """Beats, tempo and transport of whoever sends the clock.

    `receive` may be called by any thread, the rest by the event loop's. Before a clock has come it stands
    still at the tempo that it was given.
    """

    def __init__(self, bpm: float) -> None:
        """Begin without a clock. Raises ContractError for a tempo outside 20-999."""
        self._lock = threading.Lock()
        self._follower = ClockFollower()
        self._map = BeatMap(self.now_us(), 0.0, check_bpm(bpm, "MIDI clock"))
        self._changed: Callable[[], None] = lambda: None
        self._by_hand: bool | None = None

    def receive(self, message: Sequence[int], at_us: float) -> None:
        """Take a message of the port, at the moment at which it came. Any thread."""
        status = message[0]
        with self._lock:
            before = self._follower.playing
            if status != PULSE:
                self._by_hand = None
            if status == PULSE:
                self._follower.pulse(at_us)
            elif status == START:
                self._follower.start()
            elif status == CONTINUE:
                self._follower.go_on()
            elif status == STOP:
                self._follower.stop()
            elif status == SONG_POSITION and len(message) == 3:
                self._follower.position(message[1] + 128 * message[2])
            changed = self._follower.playing != before
        if changed:
            self._changed()

    def state(self) -> SessionState:
        """Return the clock as it is followed now; peers are 1 while a clock is there."""
        with self._lock:
            self._follower.advance(self.now_us())
            fresh = self._follower.beat_map()
            playing, began = self._follower.playing, self._follower.began_beat
            is_there = self._follower.is_there
        if fresh is not None and self._is_other(fresh):
            self._map = fresh
        if self._by_hand is not None:
            playing = self._by_hand and is_there
        return SessionState(self._map, int(is_there), playing, began)

    def _is_other(self, fresh: BeatMap) -> bool:
        """Tell whether a map says something else than the one in force, now or a beat later."""
        beat = fresh.beat
        return any(
            abs(fresh.time_at(each) - self._map.time_at(each)) > SAME_US
            for each in (beat, beat + AHEAD_BEATS)
        )

    def source(self) -> str:
        """Return whether a clock is there, and how evenly its pulses come."""
        with self._lock:
            is_there, deviation_us = self._follower.is_there, self._follower.deviation_us
        if not is_there:
            return "no MIDI clock"
        return "MIDI clock" if deviation_us is None else f"MIDI clock ± {deviation_us / 1e3:.1f} ms"

    def set_playing(self, playing: bool) -> None:
        """Play or stand still beside the clock, which takes no orders, until it says something itself."""
        self._by_hand = playing

    def move(self, move: str, at_us: float) -> str | None:
        """Refuse: whoever sends the clock leads."""
        del at_us
        return f"{move}: the tempo is that of the MIDI clock; change it where that comes from"

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on the running event loop, as soon as the clock starts or stops."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(changed)

        self._changed = wake

    def close(self) -> None:
        """Nothing is held open: the port is its owner's."""
