"""What a listener heard against what a trace states: matching, differences, note lengths, gaps."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

US_PER_MINUTE = 60_000_000.0
US_PER_MS = 1_000.0
SAME_TEMPO_BPM = 0.01
"""Link carries a tempo as whole microseconds per beat, so 137 bpm comes back as 136.99987."""
NOTE_OFF, NOTE_ON, CONTROL_CHANGE = 0x80, 0x90, 0xB0
SOUNDS_OFF = (120, 123)
"""Controllers that end every note of a channel: all sound off and all notes off."""
EARLY_US = 1_000.0
"""A note cannot be heard before it is sent; this much is allowed for reading two clocks."""
WINDOW_US = 200_000.0
"""A note heard later than this after it was sent counts as another note."""
REPEAT_US = 1_000.0
"""Equal messages no farther apart than this, where one was sent, are one that JACK handed out twice."""
CATCH_UP_US = 5_000.0
"""What JACK and its clients need after a stall: in runs with up to 650 stalls all notes that were more than
1 ms off lay in a stall or within 5 ms after one, but for one at a tempo step."""
SMOOTHING_CAPTURES = 7
"""Captures around a moment whose median gives the beat map there, so that one bad reading is harmless."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One reading of the Link session by the listener's own peer, on the listener's own beat numbers."""

    time_us: float
    beat: float
    bpm: float
    peers: int
    playing: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A MIDI message and the moment at which the listener's callback ran."""

    at_us: float
    content: tuple[int, ...]

    @property
    def channel(self) -> int:
        """Channel 1-16."""
        return (self.content[0] & 0x0F) + 1

    def is_on(self) -> bool:
        """Tell whether this is a note-on that sounds."""
        return len(self.content) == 3 and self.content[0] & 0xF0 == NOTE_ON and self.content[2] > 0

    def is_off(self) -> bool:
        """Tell whether this ends one note."""
        kind = self.content[0] & 0xF0
        return len(self.content) == 3 and (kind == NOTE_OFF or (kind == NOTE_ON and self.content[2] == 0))

    def is_all_off(self) -> bool:
        """Tell whether this ends every note of its channel."""
        return (
            len(self.content) == 3
            and self.content[0] & 0xF0 == CONTROL_CHANGE
            and self.content[1] in SOUNDS_OFF
        )


@dataclass(frozen=True, slots=True)
class StatedNote:
    """A `note` line of the trace."""

    bar: int
    beat: float
    offset_ms: float
    latency_ms: float
    note: int
    velocity: int
    channel: int
    style: str
    due_us: float
    sent_us: float

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> StatedNote:
        """Read a `note` line; raises KeyError where a field is missing."""
        return cls(
            bar=int(line["bar"]),
            beat=float(line["beat"]),
            offset_ms=float(line["offset_ms"]),
            latency_ms=float(line["latency_ms"]),
            note=int(line["note"]),
            velocity=int(line["velocity"]),
            channel=int(line["channel"]),
            style=str(line["style"]),
            due_us=float(line["due_us"]),
            sent_us=float(line["sent_us"]),
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """A stated note and the message that was heard for it."""

    stated: StatedNote
    heard: Message


@dataclass(frozen=True, slots=True)
class Matching:
    """The outcome of matching one to one."""

    pairs: tuple[Pair, ...]
    unheard: tuple[StatedNote, ...]
    unstated: tuple[Message, ...]

    def is_one_to_one(self) -> bool:
        """Tell whether every stated note was heard, and nothing else."""
        return not self.unheard and not self.unstated


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which the machine ran nothing on a core, by a probe of the highest priority."""

    core: int
    begin_us: float
    end_us: float


class SessionMap:
    """The beat map of a session over time, from captures in order of time."""

    def __init__(self, captures: Sequence[Capture]) -> None:
        """Take at least one capture; raises ValueError without any."""
        if not captures:
            raise ValueError("session map: expected at least one capture, got none")
        self._captures = captures
        self._times = [capture.time_us for capture in captures]

    def nearest(self, time_us: float) -> Capture:
        """Return the capture nearest to a moment."""
        return self._captures[self._nearest_index(time_us)]

    def _nearest_index(self, time_us: float) -> int:
        after = bisect_left(self._times, time_us)
        around = [index for index in (after - 1, after) if 0 <= index < len(self._times)]
        return min(around, key=lambda index: abs(self._times[index] - time_us))

    def beat_at(self, time_us: float) -> float:
        """Return the beat at a moment by the tempo and the median phase of the captures around it."""
        index = self._nearest_index(time_us)
        bpm = self._captures[index].bpm
        low = max(0, index - SMOOTHING_CAPTURES // 2)
        around = self._captures[low : index + SMOOTHING_CAPTURES // 2 + 1]
        return median(
            capture.beat + (time_us - capture.time_us) * bpm / US_PER_MINUTE
            for capture in around
            if capture.bpm == bpm
        )

    def time_of(self, beat: float, near_us: float) -> float:
        """Return the moment of a beat, on this map's own beat numbers, searched from a moment near it."""
        time_us = near_us
        for _ in range(4):
            time_us += (beat - self.beat_at(time_us)) * US_PER_MINUTE / self.nearest(time_us).bpm
        return time_us

    def time_of_foreign(self, beat: float, quantum_beats: float, near_us: float) -> float:
        """Return the moment of another peer's beat, which agrees up to a multiple of the quantum."""
        turns = round((self.beat_at(near_us) - beat) / quantum_beats)
        return self.time_of(beat + turns * quantum_beats, near_us)

    def since(self, begin_us: float) -> Sequence[Capture]:
        """Return the captures from a moment on."""
        return self._captures[bisect_left(self._times, begin_us) :]

    def tempo_changes(self) -> list[Capture]:
        """Return the first capture and each that shows another tempo than the one before."""
        changes = [self._captures[0]]
        for capture in self._captures:
            if capture.bpm != changes[-1].bpm:
                changes.append(capture)
        return changes

    def playing_changes(self) -> list[Capture]:
        """Return the first capture and each that shows another transport state than the one before."""
        changes = [self._captures[0]]
        for capture in self._captures:
            if capture.playing != changes[-1].playing:
                changes.append(capture)
        return changes


def match(
    stated: Iterable[StatedNote], heard: Iterable[Message], *, window_us: float = WINDOW_US
) -> Matching:
    """Match notes one to one by channel, note and velocity, in order of time."""
    stated_by: dict[tuple[int, int, int], list[StatedNote]] = defaultdict(list)
    heard_by: dict[tuple[int, int, int], list[Message]] = defaultdict(list)
    for note in stated:
        stated_by[note.channel, note.note, note.velocity].append(note)
    for message in heard:
        if message.is_on():
            heard_by[message.channel, message.content[1], message.content[2]].append(message)
    pairs: list[Pair] = []
    unheard: list[StatedNote] = []
    unstated: list[Message] = []
    for key in stated_by.keys() | heard_by.keys():
        waiting = sorted(heard_by[key], key=lambda message: message.at_us, reverse=True)
        for note in sorted(stated_by[key], key=lambda note: note.sent_us):
            while waiting and waiting[-1].at_us < note.sent_us - EARLY_US:
                unstated.append(waiting.pop())
            if waiting and waiting[-1].at_us <= note.sent_us + window_us:
                pairs.append(Pair(note, waiting.pop()))
            else:
                unheard.append(note)
        unstated.extend(waiting)
    pairs.sort(key=lambda pair: pair.heard.at_us)
    return Matching(tuple(pairs), tuple(unheard), tuple(unstated))


def repeats(messages: Iterable[Message], heard: Iterable[Message]) -> list[Message]:
    """Return those messages that come right after an equal one among all that was heard.

    Where a client misses a cycle, JACK hands out once more what it had written in the last one.
    """
    moments: dict[tuple[int, ...], list[float]] = defaultdict(list)
    for each in heard:
        moments[each.content].append(each.at_us)
    return [
        each
        for each in messages
        if any(0.0 < each.at_us - before_us <= REPEAT_US for before_us in moments[each.content])
    ]


def stated_time_us(pair: Pair, session: SessionMap, quantum_beats: float) -> float:
    """Return when the note should sound by the listener's own Link peer and the trace's statement."""
    shift_us = (pair.stated.offset_ms - pair.stated.latency_ms) * US_PER_MS
    near_us = pair.heard.at_us - shift_us
    return session.time_of_foreign(pair.stated.beat, quantum_beats, near_us) + shift_us


@dataclass(frozen=True, slots=True)
class Lateness:
    """Figures of heard minus stated time in ms; `stalled` counts the notes left out for a machine's stall.

    `after_sending_p95_ms` is the part from the trace's `sent_us` on: JACK and the listener itself.
    """

    count: int
    stalled: int
    median_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    after_sending_p95_ms: float

    def __str__(self) -> str:
        return (
            f"{self.count} notes, |heard - stated| p50 {self.p50_ms:.3f} p95 {self.p95_ms:.3f} "
            f"p99 {self.p99_ms:.3f} max {self.max_ms:.3f} ms, median {self.median_ms:+.3f} ms, "
            f"p95 after sending {self.after_sending_p95_ms:.3f} ms, "
            f"{self.stalled} more fell into stalls of the machine"
        )


def meant_off_ms(pairs: Iterable[Pair], session: SessionMap, quantum_beats: float) -> list[float]:
    """Return how far from the stated moment by the listener's own peer each note was meant, in ms.

    No machine moves this: `due_us` is what the player computed, whenever it came to run.
    """
    return [(pair.stated.due_us - stated_time_us(pair, session, quantum_beats)) / US_PER_MS for pair in pairs]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("percentile: expected at least one value, got none")
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(0, rank - 1)]


def lateness(
    pairs: Iterable[Pair], session: SessionMap, quantum_beats: float, stalls: Sequence[Stall] = ()
) -> Lateness:
    """Return the figures over pairs, without those during which a stall was on any core.

    Raises ValueError where no pair is left.
    """
    differences_ms = []
    after_sending_ms = []
    stalled = 0
    for pair in pairs:
        due_us = stated_time_us(pair, session, quantum_beats)
        if in_stall(min(due_us, pair.stated.sent_us), pair.heard.at_us, stalls):
            stalled += 1
        else:
            differences_ms.append((pair.heard.at_us - due_us) / US_PER_MS)
            after_sending_ms.append((pair.heard.at_us - pair.stated.sent_us) / US_PER_MS)
    sizes = [abs(difference) for difference in differences_ms]
    return Lateness(
        count=len(sizes),
        stalled=stalled,
        median_ms=median(differences_ms),
        p50_ms=percentile(sizes, 50),
        p95_ms=percentile(sizes, 95),
        p99_ms=percentile(sizes, 99),
        max_ms=max(sizes),
        after_sending_p95_ms=percentile(after_sending_ms, 95),
    )


def in_stall(begin_us: float, end_us: float, stalls: Sequence[Stall]) -> bool:
    """Tell whether a stall, or what JACK needs to catch up after it, overlaps a stretch of time."""
    return any(stall.begin_us <= end_us and begin_us <= stall.end_us + CATCH_UP_US for stall in stalls)


def stalled_us(begin_us: float, end_us: float, stalls: Sequence[Stall]) -> float:
    """Return how much of a stretch of time lies in stalls of any core and the catching up after them."""
    total_us = 0.0
    counted_to_us = begin_us
    for stall in sorted(stalls, key=lambda stall: stall.begin_us):
        first_us = max(stall.begin_us, counted_to_us)
        last_us = min(stall.end_us + CATCH_UP_US, end_us)
        if last_us > first_us:
            total_us += last_us - first_us
            counted_to_us = last_us
    return total_us
