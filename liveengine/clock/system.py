"""Link's microsecond clock read from Python, and a steady timeline on it for playing without Link."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from liveengine.clock.hand_tempo import MOVES, Taps, counted_in, tapped
from liveengine.interfaces import SessionState
from liveengine.music.beats import BeatMap, check_bpm

if sys.platform == "win32":
    # Link on Windows counts QueryPerformanceCounter, as perf_counter does.
    def now_us() -> float:
        """Return the moment on Link's clock."""
        return time.perf_counter_ns() / 1e3

else:
    # Link on Linux counts CLOCK_MONOTONIC_RAW; on macOS mach_absolute_time, which is CLOCK_UPTIME_RAW.
    if sys.platform == "darwin":
        _CLOCK = time.CLOCK_UPTIME_RAW
    else:
        _CLOCK = time.CLOCK_MONOTONIC_RAW

    def now_us() -> float:
        """Return the moment on Link's clock."""
        return time.clock_gettime_ns(_CLOCK) / 1e3


class SystemClock:
    """The machine's clock in Link's microseconds."""

    def now_us(self) -> float:
        """Return the present moment."""
        return now_us()


class SteadyTimeline(SystemClock):
    """A session of one: a steady tempo from beat 0 on, no peers, which can be moved by hand.

    It plays unless stopped, or, where it `waits`, from the beat after four taps on.
    """

    def __init__(
        self,
        bpm: float,
        *,
        quantum_beats: float = 4.0,
        waits: bool = False,
        beat_map: BeatMap | None = None,
    ) -> None:
        """Begin at beat 0 now, or go on from a beat map. Raises ContractError for a tempo outside 20-999."""
        self._map = beat_map or BeatMap(self.now_us(), 0.0, check_bpm(bpm, "steady timeline"))
        self._playing = not waits
        self._quantum_beats = quantum_beats
        self._taps = Taps()

    def state(self) -> SessionState:
        """Return the session."""
        return SessionState(self._map, peers=0, playing=self._playing)

    def source(self) -> str:
        """Return that the time is our own, and whether it waits for taps."""
        return "own clock" if self._playing else "own clock: tap four beats"

    def set_playing(self, playing: bool) -> None:
        """Start or stop."""
        self._playing = playing

    def move(self, move: str, at_us: float) -> str | None:
        """Change the tempo or the beat; four taps start it where it stands still. Never refused."""
        if move != "tap":
            self._map = MOVES[move](self._map, at_us)
            return None
        line = self._taps.counting(at_us)
        if line is None:
            return None
        if self._playing:
            self._map = tapped(self._map, line)
        else:
            self._map, self._playing = counted_in(line, self._quantum_beats), True
        return None

    def watch(self, changed: Callable[[], None]) -> None:
        """Nothing changes but by `set_playing` and `move`."""

    def close(self) -> None:
        """Nothing is held open."""
