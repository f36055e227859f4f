"""The player's core: what is due when, under the beat map in force; no clock, no port, no waiting.

A hit keeps its musical address until it is sent, so a new map re-times everything pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from liveengine.music.beats import BeatMap

NOTE_ON = 0x90
NOTE_OFF = 0x80
CONTROL_CHANGE = 0xB0
ALL_NOTES_OFF = 123
"""MIDI 1.0 channel mode message."""


@dataclass(frozen=True, slots=True)
class PlannedHit:
    """A stroke with its address: `beat` in the session, `offset_ms` that does not scale with tempo.

    `bar` and `step` tell which part of the plan it belongs to, wherever feel moves it. `serial` is
    given back in the report; `style` is for the record.
    """

    serial: int
    bar: int
    step: int
    beat: float
    offset_ms: float
    note: int
    velocity: int
    style: str = ""


@dataclass(frozen=True, slots=True)
class SetMap:
    """A new beat map takes hold."""

    beat_map: BeatMap


@dataclass(frozen=True, slots=True)
class SetLatency:
    """Send everything this much earlier (positive) or later (negative)."""

    latency_ms: float


@dataclass(frozen=True, slots=True)
class Replace:
    """From (bar, step) on, these hits are the plan; what was pending there is forgotten."""

    bar: int
    step: int
    hits: tuple[PlannedHit, ...]


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget all pending hits and end every sounding note."""


PlayerMessage = SetMap | SetLatency | Replace | Clear


class Outcome(IntEnum):
    """What became of a hit."""

    SENT = 0
    DROPPED_LATE = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a hit: when it was due and when it was sent, in Link's microseconds.

    `latency_ms` is the compensation that was in force.
    """

    outcome: Outcome
    serial: int
    due_us: float
    sent_us: float
    latency_ms: float = 0.0


@dataclass(slots=True)
class Due:
    """One thing to send now: the message, and the hit where it strikes one."""

    message: tuple[int, int, int]
    hit: PlannedHit | None = None
    due_us: float = 0.0


class PlayerCore:
    """Pending hits and sounding notes. Owned by the player's loop."""

    def __init__(self, *, channel: int, gate_ms: float, late_drop_ms: float) -> None:
        """Begin empty. `channel` counts from 1; notes last `gate_ms`, less before the same note."""
        self._channel = channel - 1
        self._gate_us = gate_ms * 1e3
        self._late_us = late_drop_ms * 1e3
        self._latency_us = 0.0
        self._map: BeatMap | None = None
        self._pending: list[PlannedHit] = []
        self._dues: list[float] = []
        self._sounding: dict[int, float] = {}

    def take(self, message: PlayerMessage) -> list[Due]:
        """Take a message; return what must be sent at once because of it."""
        if isinstance(message, SetMap):
            self._map = message.beat_map
        elif isinstance(message, SetLatency):
            self._latency_us = message.latency_ms * 1e3
        elif isinstance(message, Replace):
            cut = (message.bar, message.step)
            self._pending = [hit for hit in self._pending if (hit.bar, hit.step) < cut]
            self._pending += message.hits
        else:
            self._pending = []
            self._dues = []
            return self.silence()
        self._retime()
        return []

    @property
    def latency_ms(self) -> float:
        """The latency compensation in force."""
        return self._latency_us / 1e3

    def _retime(self) -> None:
        """Put the pending hits in the order in which the map in force makes them due."""
        if self._map is None:
            return
        timed = sorted(((self._due_us(hit), index) for index, hit in enumerate(self._pending)), reverse=True)
        self._dues = [due for due, _ in timed]
        self._pending = [self._pending[index] for _, index in timed]

    def _due_us(self, hit: PlannedHit) -> float:
        assert self._map is not None
        return self._map.time_at(hit.beat) + hit.offset_ms * 1e3 - self._latency_us

    def next_due_us(self) -> float | None:
        """Return the moment of the next message, or None when nothing is pending."""
        due = self._dues[-1] if self._dues else None
        if self._sounding:
            end = min(self._sounding.values())
            return end if due is None else min(due, end)
        return due

    def pop(self, now_us: float, dropped: list[Report]) -> list[Due]:
        """Return what is due by `now_us`, in order; hits too late go to `dropped`.

        A note still sounding is ended before it is struck again.
        """
        out: list[Due] = []
        while self._dues and self._dues[-1] <= now_us:
            due_us = self._dues.pop()
            hit = self._pending.pop()
            if now_us - due_us > self._late_us:
                dropped.append(Report(Outcome.DROPPED_LATE, hit.serial, due_us, now_us, self.latency_ms))
                continue
            if self._sounding.pop(hit.note, None) is not None:
                out.append(Due((NOTE_OFF | self._channel, hit.note, 0)))
            out.append(Due((NOTE_ON | self._channel, hit.note, hit.velocity), hit, due_us))
            self._sounding[hit.note] = now_us + self._gate_us
        if self._sounding:
            ended = [note for note, end_us in self._sounding.items() if end_us <= now_us]
            for note in ended:
                del self._sounding[note]
                out.append(Due((NOTE_OFF | self._channel, note, 0)))
        return out

    def silence(self) -> list[Due]:
        """Return the note-offs of everything that sounds, which then sounds no more."""
        out = [Due((NOTE_OFF | self._channel, note, 0)) for note in self._sounding]
        self._sounding.clear()
        return out

    def all_off(self, notes: Sequence[int]) -> list[Due]:
        """Return note-offs for all `notes` and All Notes Off: for a port just opened or about to close."""
        out = [Due((NOTE_OFF | self._channel, note, 0)) for note in dict.fromkeys(notes)]
        out.append(Due((CONTROL_CHANGE | self._channel, ALL_NOTES_OFF, 0)))
        self._sounding.clear()
        return out
