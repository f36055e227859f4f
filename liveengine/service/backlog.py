"""The jobs that have not ended, how fast they come to be done, and so what can be taken on."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from liveengine.errors import BusyError

MAX_WAITING = 10_000
"""Jobs that may wait."""
MAX_WAIT_S = 600.0
"""What would be done later than this is refused."""
MEMORY_S = 60.0
"""The rate is that of the last minute or so of work: what is older counts for less and less."""
EXPECTED_BARS_PER_S, EXPECTED_FOR_S = 20.0, 10.0
"""Before any is measured: a third of what two shared cores do without a GPU, counted for as many seconds."""


class Backlog:
    """Counts bars in and out, by the seconds in which there was work. Any thread."""

    def __init__(
        self,
        max_wait_s: float = MAX_WAIT_S,
        max_waiting: int = MAX_WAITING,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing to do; `now` is in seconds."""
        self._max_wait_s, self._max_waiting, self._now = max_wait_s, max_waiting, now
        self._lock = threading.Lock()
        self._bars: OrderedDict[str, int] = OrderedDict()
        self._done_bars = EXPECTED_BARS_PER_S * EXPECTED_FOR_S
        self._worked_s = EXPECTED_FOR_S
        self._looked_s = now()

    def __contains__(self, task_id: object) -> bool:
        """Return whether a job has been taken on and has not ended."""
        return task_id in self._bars

    def admit(self, bars: int) -> None:
        """Raise BusyError, with when to come again, where a job of so many bars cannot be done in time."""
        with self._lock:
            self._pass_time()
            if not self._bars:
                return
            rate = max(self._done_bars / self._worked_s, 1e-3)
            if len(self._bars) >= self._max_waiting:
                some = sum(self._bars.values()) / len(self._bars)
                raise BusyError(
                    f"expected at most {self._max_waiting} jobs that wait, there are as many",
                    math.ceil(some / rate),
                )
            wait_s = (sum(self._bars.values()) + bars) / rate
            if wait_s > self._max_wait_s:
                raise BusyError(
                    f"expected a job that can be done within {self._max_wait_s:g} s, this one would take"
                    f" {wait_s:.0f} s: {len(self._bars)} jobs wait",
                    math.ceil(wait_s - self._max_wait_s),
                )

    def add(self, task_id: str, bars: int) -> bool:
        """Take on a job; return False where it is there already."""
        with self._lock:
            self._pass_time()
            if task_id in self._bars:
                return False
            self._bars[task_id] = bars
            return True

    def remove(self, task_id: str) -> None:
        """Count a job as ended."""
        with self._lock:
            self._pass_time()
            self._done_bars += self._bars.pop(task_id, 0)

    def next(self, count: int) -> list[str]:
        """Return so many jobs, each in its turn: those returned now come last the next time."""
        with self._lock:
            found = list(self._bars)[:count]
            for task_id in found:
                self._bars.move_to_end(task_id)
            return found

    def _pass_time(self) -> None:
        """Count the time since the last look as work, if there was any, and let the past fade."""
        now_s = self._now()
        passed_s, self._looked_s = now_s - self._looked_s, now_s
        if self._bars:
            fading = math.exp(-passed_s / MEMORY_S)
            self._done_bars *= fading
            self._worked_s = self._worked_s * fading + passed_s
