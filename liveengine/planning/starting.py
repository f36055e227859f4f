"""Where a performance begins: on the next quantum that there is time for, or with the session's own start."""

from __future__ import annotations

from liveengine.interfaces import SessionState
from liveengine.music.beats import next_multiple

START_LEAD_MS = 120.0
"""Least time between deciding to start and the first downbeat."""
JUST_BEGUN_MS = 100.0
"""What is late by no more is struck at once."""


def first_beat(
    session: SessionState, quantum_beats: float, *, now_us: float, lead_us: float, count_beats: float
) -> float:
    """Return the beat that the first bar begins on, after a count-in of some beats."""
    if not count_beats and _has_just_begun(session, quantum_beats, now_us):
        assert session.began_beat is not None
        return session.began_beat
    soonest_us = now_us + START_LEAD_MS * 1e3 + lead_us
    return next_multiple(session.beat_map.beat_at(soonest_us) + count_beats, quantum_beats)


def _has_just_begun(session: SessionState, quantum_beats: float, now_us: float) -> bool:
    """Tell whether the session has begun on a bar line so lately that a bar may still begin with it."""
    began = session.began_beat
    if began is None or began % quantum_beats:
        return False
    return now_us - session.beat_map.time_at(began) < JUST_BEGUN_MS * 1e3
