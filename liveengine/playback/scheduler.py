"""The player's core: what is due when, under the beat map in force; no clock, no port, no waiting.

A hit keeps its musical address until it is sent, so a new map re-times everything pending.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from liveengine.music.beats import BeatMap
from liveengine.music.kit import LEAD_MIN_MS
from liveengine.playback.messages import (
    NO_CONTROLLER,
    AllOff,
    Clear,
    Outcome,
    PlannedHit,
    PlayerMessage,
    Replace,
    Report,
    SetLatency,
    SetMap,
    StartSong,
    StopSong,
    StrikeNow,
    planned_hit,
)
from liveengine.playback.midi_clock import PulseTrain

NOTE_ON = 0x90
NOTE_OFF = 0x80
CONTROL_CHANGE = 0xB0
ALL_NOTES_OFF = 123
"""MIDI 1.0 channel mode message."""
NOWHERE: dict[str, Any] = {"serial": -1, "bar": 0, "step": 0, "beat": 0.0, "offset_ms": 0.0}
"""The address of a stroke that is in no bar."""
Key = tuple[int, int]
"""A channel, counted from 1, and a note on it."""


@dataclass(slots=True)
class Due:
    """One thing to send now: the message, and the hit where it strikes one."""

    message: tuple[int, ...]
    hit: PlannedHit | None = None
    due_us: float = 0.0
    latency_ms: float = 0.0

    def report(self, sent_us: float) -> Report | None:
        """Return its report once it is sent, where it strikes a hit."""
        hit = self.hit
        if hit is None:
            return None
        return Report(
            Outcome.SENT, hit.serial, self.due_us, sent_us, self.latency_ms, hit.level, hit.velocity
        )


@dataclass(frozen=True, slots=True)
class Sounding:
    """A note that sounds: until when, and its choke group, 0 for none."""

    end_us: float
    choke: int


class PlayerCore:
    """Pending hits, sounding notes and MIDI clock. Owned by the player's loop."""

    def __init__(self, *, gate_ms: float, late_drop_ms: float, midi_clock: bool = False) -> None:
        """Begin empty. Notes last `gate_ms` unless they say otherwise, less before the same note."""
        self._gate_us = gate_ms * 1e3
        self._late_us = late_drop_ms * 1e3
        self._latency_us = 0.0
        self._map: BeatMap | None = None
        self._pending: list[PlannedHit] = []
        self._dues: list[float] = []
        self._moves: list[tuple[float, PlannedHit]] = []
        self._pedals: dict[tuple[int, int], int] = {}
        self._sounding: dict[Key, Sounding] = {}
        self._struck: set[tuple[int, int, int]] = set()
        self._last_bar = 0
        self._pulses = PulseTrain() if midi_clock else None

    def take(self, message: PlayerMessage, now_us: float, dropped: list[Report]) -> list[Due]:
        """Take a message; return what must be sent at once because of it. Hits too late go to `dropped`."""
        out: list[Due] = []
        if isinstance(message, SetMap):
            self._map = message.beat_map
            self._retime()
            self._drop(now_us, Outcome.DROPPED_TEMPO, dropped, self._late_us)
        elif isinstance(message, SetLatency):
            self._latency_us = message.latency_ms * 1e3
            self._retime()
            out = self._strike_overtaken(now_us)
        elif isinstance(message, Replace):
            self._replace(message, now_us, dropped)
            self._retime()
            late_us = max(self._late_us, message.at_once_ms * 1e3)
            self._drop(now_us, Outcome.DROPPED_PLAN, dropped, late_us)
            if message.at_once_ms:
                out = self._strike_overtaken(now_us)
        elif isinstance(message, Clear):
            self._pending, self._dues, self._moves = [], [], []
            self._struck.clear()
            return self.silence()
        elif isinstance(message, AllOff):
            return self.all_off(message.keys)
        elif isinstance(message, StrikeNow):
            return self._sound(planned_hit(message.strike, **NOWHERE), now_us)
        else:
            return self._steer_song(message)
        if self._pulses is not None and self._map is not None:
            self._pulses.retime(self._map, self._latency_us, now_us)
        return out

    @property
    def latency_ms(self) -> float:
        """The latency compensation in force."""
        return self._latency_us / 1e3

    def _replace(self, message: Replace, now_us: float, dropped: list[Report]) -> None:
        cut = (message.bar, message.step)
        self._pending = [hit for hit in self._pending if (hit.bar, hit.step) < cut]
        if message.again:
            self._struck.clear()
        for hit in message.hits:
            if (hit.bar, hit.step, hit.voice) in self._struck:
                dropped.append(Report(Outcome.NOT_AGAIN, hit.serial, now_us, now_us))
            else:
                self._pending.append(hit)

    def _steer_song(self, message: StartSong | StopSong) -> list[Due]:
        if self._pulses is None:
            return []
        if isinstance(message, StartSong):
            return [Due(each) for each in self._pulses.start(message.beat, message.song_beats)]
        return [Due(each) for each in self._pulses.stop()]

    def _retime(self) -> None:
        """Put the pending hits in the order in which the map in force makes them due."""
        if self._map is None:
            return
        timed = sorted(((self._due_us(hit), index) for index, hit in enumerate(self._pending)), reverse=True)
        self._dues = [due for due, _ in timed]
        self._pending = [self._pending[index] for _, index in timed]
        self._lay_moves()

    def _lay_moves(self) -> None:
        """Put the moves of the hat's pedal before their strokes, but none before the stroke that precedes.

        Strokes nearer to each other than a move must be to its stroke share the first's place of the pedal.
        """
        moves: list[tuple[float, PlannedHit]] = []
        before: dict[tuple[int, int], tuple[float, int]] = {}
        for place in reversed(range(len(self._dues))):
            due_us, hit = self._dues[place], self._pending[place]
            if hit.controller == NO_CONTROLLER:
                continue
            pedal = (hit.channel, hit.controller)
            before_us, value = before.get(pedal, (-math.inf, hit.pedal))
            if due_us - before_us < LEAD_MIN_MS * 1e3:
                self._pending[place] = hit = replace(hit, pedal=value)
            else:
                moves.append((max(due_us - hit.lead_ms * 1e3, before_us), hit))
            before[pedal] = (due_us, hit.pedal)
        self._moves = sorted(moves, key=lambda move: move[0], reverse=True)

    def _due_us(self, hit: PlannedHit) -> float:
        assert self._map is not None
        return self._map.time_at(hit.beat) + hit.offset_ms * 1e3 - self._latency_us

    def _drop(self, now_us: float, reason: Outcome, dropped: list[Report], late_us: float) -> None:
        """Drop the hits whose moment has passed by more than `late_us`."""
        kept = len(dropped)
        while self._dues and now_us - self._dues[-1] > late_us:
            due_us, hit = self._dues.pop(), self._pending.pop()
            dropped.append(Report(reason, hit.serial, due_us, now_us, self.latency_ms))
        if self._moves and len(dropped) > kept:
            self._lay_moves()

    def _strike_overtaken(self, now_us: float) -> list[Due]:
        """Strike at once what a new latency or a new plan would have sent before now: it is not lost.

        Their latency is stated as the part of it that they got.
        """
        out: list[Due] = []
        while self._dues and self._dues[-1] < now_us:
            latency_us = self._latency_us - (now_us - self._dues.pop())
            out += self._strike(self._pending.pop(), now_us, now_us, latency_us / 1e3)
        return out

    def _strike(self, hit: PlannedHit, due_us: float, now_us: float, latency_ms: float) -> list[Due]:
        """Return a hit's note-on; a note still sounding is ended before it is struck again, or choked."""
        if self._moves and self._moves[-1][0] <= now_us:  # it comes with the stroke itself
            self._moves = [move for move in self._moves if move[1] is not hit]
        out = self._sound(hit, now_us)
        out[-1] = Due(out[-1].message, hit, due_us, latency_ms)
        self._remember(hit)
        return out

    def _sound(self, hit: PlannedHit, now_us: float) -> list[Due]:
        """Return what a stroke sends, its note-on last, whether or not it is in the plan."""
        out = self._move(hit)
        key = (hit.channel, hit.note)
        for other in [
            other
            for other, sounding in self._sounding.items()
            if other == key or (hit.choke and sounding.choke == hit.choke)
        ]:
            del self._sounding[other]
            out.append(_off(other))
        out.append(Due((NOTE_ON | (hit.channel - 1), hit.note, hit.velocity)))
        length_us = hit.length_ms * 1e3 or self._gate_us
        self._sounding[key] = Sounding(now_us + length_us, hit.choke)
        return out

    def _move(self, hit: PlannedHit) -> list[Due]:
        """Return what brings the hat's pedal to where a hit needs it; nothing where it is there."""
        pedal = (hit.channel, hit.controller)
        if hit.controller == NO_CONTROLLER or self._pedals.get(pedal) == hit.pedal:
            return []
        self._pedals[pedal] = hit.pedal
        return [Due((CONTROL_CHANGE | (hit.channel - 1), hit.controller, hit.pedal))]

    def _remember(self, hit: PlannedHit) -> None:
        self._struck.add((hit.bar, hit.step, hit.voice))
        if hit.bar > self._last_bar + 1:
            self._struck = {each for each in self._struck if each[0] >= hit.bar - 1}
            self._last_bar = hit.bar

    def next_due_us(self) -> float | None:
        """Return the moment of the next message, or None when nothing is pending."""
        dues = [*self._dues[-1:], *(due_us for due_us, _ in self._moves[-1:])]
        dues += [sounding.end_us for sounding in self._sounding.values()]
        pulse = None if self._pulses is None else self._pulses.due_us()
        if pulse is not None:
            dues.append(pulse)
        return min(dues, default=None)

    def pop(self, now_us: float, dropped: list[Report]) -> list[Due]:
        """Return what is due by `now_us`, in order; hits too late go to `dropped`."""
        out = self._due_pulses(now_us)
        self._drop(now_us, Outcome.DROPPED_LATE, dropped, self._late_us)
        while True:
            hit_us = self._dues[-1] if self._dues else math.inf
            move_us = self._moves[-1][0] if self._moves else math.inf
            if min(hit_us, move_us) > now_us:
                break
            if hit_us <= move_us:
                out += self._strike(self._pending.pop(), self._dues.pop(), now_us, self.latency_ms)
            else:
                out += self._move(self._moves.pop()[1])
        if self._sounding:
            for key in [key for key, sounding in self._sounding.items() if sounding.end_us <= now_us]:
                del self._sounding[key]
                out.append(_off(key))
        return out

    def _due_pulses(self, now_us: float) -> list[Due]:
        out: list[Due] = []
        if self._pulses is not None:
            while (due_us := self._pulses.due_us()) is not None and due_us <= now_us:
                out += [Due(each) for each in self._pulses.pulse()]
        return out

    def silence(self) -> list[Due]:
        """Return the note-offs of everything that sounds, which then sounds no more."""
        out = [_off(key) for key in self._sounding]
        self._sounding.clear()
        return out

    def all_off(self, keys: Iterable[Key]) -> list[Due]:
        """Return note-offs for all `keys` and all that sounds, and All Notes Off on their channels.

        For a port just opened or about to close.
        """
        ended = dict.fromkeys((*keys, *self._sounding))
        channels = dict.fromkeys(channel for channel, _ in ended)
        self._sounding.clear()
        self._pedals.clear()  # a port just opened does not know where they are
        return [
            *(_off(key) for key in ended),
            *(Due((CONTROL_CHANGE | (channel - 1), ALL_NOTES_OFF, 0)) for channel in channels),
        ]

    def end(self, keys: Iterable[Key]) -> list[Due]:
        """Return what to send before the port is closed: all notes off, and Stop where a song runs."""
        song = [] if self._pulses is None else self._pulses.stop()
        return [*self.all_off(keys), *(Due(each) for each in song)]


def _off(key: Key) -> Due:
    channel, note = key
    return Due((NOTE_OFF | (channel - 1), note, 0))
