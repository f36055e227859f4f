"""Sinks without a MIDI system: one that forgets, and one that remembers for tests and rendering."""

from __future__ import annotations

from collections.abc import Sequence


class SilentSink:
    """Takes every message and sends none: playing without a MIDI system."""

    def send(self, message: Sequence[int]) -> None:
        """Do nothing."""

    def round(self) -> int | None:
        """Return None: there is no MIDI system that goes round."""
        return None

    def look(self) -> None:
        """Do nothing: what is not there cannot go."""

    def close(self) -> None:
        """Nothing is held open."""


class MemorySink:
    """Remembers every message in order."""

    def __init__(self) -> None:
        """Begin empty."""
        self.messages: list[tuple[int, ...]] = []
        self.closed = False

    def send(self, message: Sequence[int]) -> None:
        """Remember a message."""
        self.messages.append(tuple(message))

    def close(self) -> None:
        """Remember that the sink was closed."""
        self.closed = True
