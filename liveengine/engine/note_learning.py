"""The next note that is struck on the control port, for who waits for one; it then means nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from liveengine.playback.scheduler import NOTE_OFF, NOTE_ON


@dataclass(frozen=True, slots=True)
class StruckNote:
    """A note-on that came: its channel, from 1, its number and its velocity, 1-127."""

    channel: int
    note: int
    velocity: int


class NoteLearning:
    """Who waits for a note, and what was taken for them. Used by the engine's thread."""

    def __init__(self) -> None:
        """Begin with nobody who waits."""
        self._waiting: list[Callable[[StruckNote], None]] = []
        self._held: set[tuple[int, int]] = set()

    @contextmanager
    def waiting(self, heard: Callable[[StruckNote], None]) -> Iterator[None]:
        """Let `heard` be called with the next note that is struck, once, before the context ends."""
        self._waiting.append(heard)
        try:
            yield
        finally:
            if heard in self._waiting:
                self._waiting.remove(heard)

    def takes(self, message: Sequence[int]) -> bool:
        """Return whether a message is the note that was waited for, or lets it go; tell who waits."""
        if len(message) != 3 or max(message[1:]) > 127:
            return False
        kind, channel, (note, velocity) = message[0] & 0xF0, (message[0] & 0x0F) + 1, message[1:]
        if kind == NOTE_ON and velocity and self._waiting:
            self._held.add((channel, note))
            waiting, self._waiting = self._waiting, []
            for heard in waiting:
                heard(StruckNote(channel, note, velocity))
            return True
        lets_go = kind == NOTE_OFF or (kind == NOTE_ON and not velocity)
        if lets_go and (channel, note) in self._held:
            self._held.discard((channel, note))
            return True
        return False
