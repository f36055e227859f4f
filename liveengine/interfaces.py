"""Contracts between the engine and its adapters; each has a real adapter and one for virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from liveengine.music.beats import BeatMap
from liveengine.music.request import BarReply, BarRequest, LostRequest


class Clock(Protocol):
    """The microseconds that beat maps speak of (Link's clock, where Link runs)."""

    def now_us(self) -> float:
        """Return the present moment."""
        ...


@dataclass(frozen=True, slots=True)
class SessionState:
    """What a timeline knows at one moment: the beat map, other peers, and the shared transport.

    `playing` is False both when the session was never started and when it was stopped. `began_beat` is the
    beat on which it has begun to play, where whoever began it says so: a performance begins with it.
    """

    beat_map: BeatMap
    peers: int
    playing: bool
    began_beat: float | None = None


class Timeline(Clock, Protocol):
    """A clock that also has beats: a Link session, or a steady tempo of its own."""

    def state(self) -> SessionState:
        """Return the session as it is now."""
        ...

    def source(self) -> str:
        """Return whose time it is and how well it is known, in a few words for the player."""
        ...

    def set_playing(self, playing: bool) -> None:
        """Start or stop the transport, for every peer that shares it."""
        ...

    def move(self, move: str, at_us: float) -> str | None:
        """Change tempo, beat or clock: `TEMPO_MOVES`, `CLOCK_CHANGES`. Return why that cannot be."""
        ...

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on the event loop's thread, as soon as tempo or transport has changed."""
        ...

    def close(self) -> None:
        """Leave the session."""
        ...


class MidiSink(Protocol):
    """Where MIDI messages go. Used from one thread or process only."""

    def send(self, message: Sequence[int]) -> None:
        """Send one whole message now. Raises MidiError where the port has gone."""
        ...

    def close(self) -> None:
        """Close the port."""
        ...


class BarSource(Protocol):
    """A generator of bars. Never blocks; one request at a time."""

    def request(self, request: BarRequest) -> None:
        """Ask for a bar; a request still unanswered is forgotten."""
        ...

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        """Let bars that may be wanted be made in idle time; some or all of them may never come."""
        ...

    def poll(self) -> BarReply | None:
        """Return the answer to the last request once it is there, or a bar that was rehearsed."""
        ...

    def lost(self) -> LostRequest | None:
        """Return, once, a request that will not be answered, when another can be."""
        ...

    def notices(self) -> list[str]:
        """Return, once each, sentences on what went wrong and what was done about it."""
        ...

    def trouble(self) -> str:
        """Return why no bars can come at present, empty where all is well."""
        ...

    def ready(self) -> bool:
        """Return whether the generator has loaded its model."""
        ...

    def fileno(self) -> int | None:
        """Return what becomes readable when there is an answer; None where only `poll` tells."""
        ...

    def close(self) -> None:
        """End the generator."""
        ...
