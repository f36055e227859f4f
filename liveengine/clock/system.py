"""Link's microsecond clock read from Python, and a steady timeline on it for playing without Link."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

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
    """A session of one: a steady tempo from beat 0 on, no peers, playing unless stopped."""

    def __init__(self, bpm: float) -> None:
        """Begin at beat 0 now. Raises ContractError for a tempo outside 20-999."""
        self._map = BeatMap(self.now_us(), 0.0, check_bpm(bpm, "steady timeline"))
        self._playing = True

    def state(self) -> SessionState:
        """Return the session."""
        return SessionState(self._map, peers=0, playing=self._playing)

    def set_playing(self, playing: bool) -> None:
        """Start or stop."""
        self._playing = playing

    def watch(self, changed: Callable[[], None]) -> None:
        """Nothing changes but by `set_playing`."""

    def close(self) -> None:
        """Nothing is held open."""
