"""The commit time: how far ahead the plan is certain to play, from how long rests of bars have taken to come.

Only the rest of the bar that plays has to be there so soon. One that comes later than the commit time loses
nothing: it joins at the next sixteenth. So no more is committed than is likely to be needed.
"""

from __future__ import annotations

from collections import deque

AT_FIRST_MS = 45.0
LEAST_MS, MOST_MS = 20.0, 250.0
MARGIN_MS = 6.0
"""What is due within the 99th percentile of waiting, and this, is committed."""
OUTLIER_SHARE, OUTLIER_MS = 1.6, 8.0
"""What lies further above the median was the machine; it would keep changes from the next beat for long."""
WAITS_KEPT = 128


class CommitTime:
    """Measures waits. Used by the engine's thread."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self._waits_ms: deque[float] = deque(maxlen=WAITS_KEPT)
        self.ms = AT_FIRST_MS

    def add(self, waited_ms: float) -> None:
        """Take note of a wait from asking for the rest of a bar to having it."""
        self._waits_ms.append(waited_ms)
        ordered = sorted(self._waits_ms)
        p99_ms = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        usual_ms = OUTLIER_SHARE * ordered[len(ordered) // 2] + OUTLIER_MS
        self.ms = min(MOST_MS, max(LEAST_MS, min(p99_ms, usual_ms) + MARGIN_MS))
