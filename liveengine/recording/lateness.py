"""How late notes were sent: percentiles of the last notes, and of all of them in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BIN_MS = 0.01
BINS = 3000
"""All notes are counted in bins of 0.01 ms up to 30 ms, after which a note is dropped rather than late."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late notes were sent, ms."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    most: float = 0.0


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0-1) of ascending values lie; nearest rank."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def lateness(values_ms: Iterable[float]) -> Lateness:
    """Return the percentiles of lateness in ms; zeros where there is none yet."""
    ordered = sorted(values_ms)
    if not ordered:
        return Lateness()
    return Lateness(
        percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(ordered, 0.99), ordered[-1]
    )


class LatenessCount:
    """Counts every note of a performance, however long; percentiles are exact to 0.01 ms."""

    def __init__(self) -> None:
        """Begin with no note."""
        self._bins = [0] * (BINS + 1)
        self._notes = 0
        self._most_ms = 0.0

    def add(self, late_ms: float) -> None:
        """Count a note."""
        self._bins[min(BINS, max(0, int(late_ms / BIN_MS)))] += 1
        self._notes += 1
        self._most_ms = max(self._most_ms, late_ms)

    def figures(self) -> Lateness:
        """Return the percentiles, each as the upper edge of its bin; zeros before the first note."""
        return Lateness(self._percentile(0.5), self._percentile(0.95), self._percentile(0.99), self._most_ms)

    def _percentile(self, share: float) -> float:
        wanted, passed = share * self._notes, 0
        for index, count in enumerate(self._bins):
            passed += count
            if count and passed >= wanted:
                return min(self._most_ms, (index + 1) * BIN_MS)
        return 0.0
