"""How long heard notes last, which of them hang, and how long the music is silent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.live.analysis import SAME_TEMPO_BPM, Capture, Message, SessionMap, Stall, in_stall, stalled_us

READING_MS = 2.0
"""Note lengths are heard with the jitter of two messages."""
BEFORE_A_STALL_MS = 5.0
"""What was sent so shortly before the probe has seen a stall still waited for the cycle that was lost."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """When the notes that were heard began and ended.

    `hanging` are note-ons without an end; `restruck` are note-ons on a note that was still on, each after the
    note-on before.
    """

    spans_us: tuple[tuple[float, float], ...]
    hanging: tuple[Message, ...]
    restruck: tuple[tuple[Message, Message], ...]

    def restruck_apart(self, gate_ms: float, stalls: Sequence[Stall]) -> list[tuple[Message, Message]]:
        """Return the restruck notes but for those whose note-off was due while the machine stood still.

        JACK drops what a client sends in a cycle that another client misses.
        """
        gate_us, apart_us, before_us = gate_ms * 1_000, READING_MS * 1_000, BEFORE_A_STALL_MS * 1_000
        return [
            (before, again)
            for before, again in self.restruck
            if not in_stall(
                before.at_us + gate_us - apart_us,
                min(before.at_us + gate_us + before_us, again.at_us),
                stalls,
            )
        ]

    @property
    def longest_ms(self) -> float:
        """Length of the longest note that ended, in ms; 0 without any."""
        return self.longest_apart_ms(())

    def longest_apart_ms(self, stalls: Sequence[Stall]) -> float:
        """Length of the longest note in ms, each without the time in which the machine stood still."""
        lengths_us = (end - begin - stalled_us(begin, end, stalls) for begin, end in self.spans_us)
        return max(lengths_us, default=0.0) / 1_000


def note_lengths(messages: Iterable[Message]) -> Lengths:
    """Follow every note of every channel from its on to its off, in order of time."""
    sounding: dict[tuple[int, int], Message] = {}
    spans_us: list[tuple[float, float]] = []
    restruck: list[tuple[Message, Message]] = []
    for message in sorted(messages, key=lambda message: message.at_us):
        if message.is_on():
            key = (message.channel, message.content[1])
            if key in sounding:
                restruck.append((sounding[key], message))
            sounding[key] = message
        elif message.is_off():
            on = sounding.pop((message.channel, message.content[1]), None)
            if on is not None:
                spans_us.append((on.at_us, message.at_us))
        elif message.is_all_off():
            ended = [key for key in sounding if key[0] == message.channel]
            spans_us.extend((sounding.pop(key).at_us, message.at_us) for key in ended)
    return Lengths(tuple(spans_us), tuple(sounding.values()), tuple(restruck))


def largest_gap_beats(messages: Iterable[Message], session: SessionMap) -> float:
    """Return the longest stretch without a note-on, in beats of the session; infinite below two notes.

    A stretch is measured by the listener's time and the tempo at its end, so that a jump of the beat
    number does not look like silence.
    """
    times = sorted(message.at_us for message in messages if message.is_on())
    if len(times) < 2:
        return float("inf")
    return max(_beats_between(earlier, later, session) for earlier, later in pairwise(times))


def _beats_between(begin_us: float, end_us: float, session: SessionMap) -> float:
    """Return the beats that pass between two moments, tempo changes included."""
    beats = 0.0
    at_us = begin_us
    for change in session.tempo_changes()[1:]:
        if at_us < change.time_us < end_us:
            # Just before the change the tempo is still the old one.
            beats += (change.time_us - at_us) * session.nearest(at_us).bpm / 60_000_000
            at_us = change.time_us
    return beats + (end_us - at_us) * session.nearest(end_us).bpm / 60_000_000


def grid_distance_ms(at_us: float, session: SessionMap, step_beats: float) -> float:
    """Return how far a moment is from the nearest step of the session's grid, in ms; late is positive."""
    beat = session.beat_at(at_us)
    distance_beats = beat - round(beat / step_beats) * step_beats
    return distance_beats * 60_000 / session.nearest(at_us).bpm


LINK_BROADCAST_US = 50_000.0
"""Link sends its state once in 50 ms at most, but answers a peer that speaks up at once: of two peers one may
learn of a step this much before the other (PeerGateway.hpp)."""
REACTION_US = 5_000.0
"""A new tempo is to be in force so long after a peer has learned of it."""


@dataclass(frozen=True, slots=True)
class AfterSteps:
    """How far from the new tempo's grid notes were after tempo steps, ms, absolute.

    `learned_ms` is when the engine learned of each step, after the listener did; of `split` ones Link told it
    a broadcast later. What was due before is left out, as nobody could have known.
    """

    learned_ms: tuple[float, ...]
    off_ms: tuple[float, ...]

    @property
    def split(self) -> int:
        """How many steps the engine learned a broadcast later."""
        return sum(abs(late_ms - LINK_BROADCAST_US / 1e3) < REACTION_US / 1e3 for late_ms in self.learned_ms)


def after_steps(
    notes: Sequence[tuple[float, float]],
    session: SessionMap,
    learned: Sequence[tuple[float, float]],
    stalls: Sequence[Stall],
    *,
    begin_us: float,
    step_beats: float,
) -> AfterSteps:
    """Look at notes that are due and struck later than 5 ms after listener and engine have learned of a step.

    `notes` are when each was struck and the moment that is looked at, its own or what it was meant for. They
    count to a beat later, or until one of the two learns of the next step; one at the old tempo shows as one
    far off. `learned` are the moments at which the engine took over a tempo, and that in bpm; notes in stalls
    of the machine are left out. A note that was due between the peer's act and the news of it is struck at
    once, late, on the new grid: the beats of that while had already passed.
    """
    steps = [change for change in session.tempo_changes() if change.time_us > begin_us]
    news_us = _news(steps, learned)
    learned_ms, off_ms = [], []
    for number, (step, learned_us) in enumerate(zip(steps, news_us, strict=True)):
        learned_ms.append((learned_us - step.time_us) / 1e3)
        from_us = max(step.time_us, learned_us) + REACTION_US
        end_us = session.time_of(step.beat + 1, step.time_us)
        if number + 1 < len(steps):
            end_us = min(end_us, steps[number + 1].time_us, news_us[number + 1])
        for struck_us, at_us in notes:
            if not from_us < struck_us < end_us:
                continue
            late_ms = grid_distance_ms(at_us, session, step_beats)
            due_us = at_us - late_ms * 1_000
            if due_us > from_us and not in_stall(min(due_us, struck_us), struck_us, stalls):
                off_ms.append(abs(late_ms))
    return AfterSteps(tuple(learned_ms), tuple(off_ms))


def _news(steps: Sequence[Capture], learned: Sequence[tuple[float, float]]) -> list[float]:
    """Return when each step was learned; what was never learned is as late as can be."""
    found: list[float] = []
    for number, step in enumerate(steps):
        before_us = steps[number - 1].time_us if number else 0.0
        same = (at_us for at_us, bpm in learned if at_us > before_us and abs(bpm - step.bpm) < SAME_TEMPO_BPM)
        found.append(next(same, float("inf")))
    return found
