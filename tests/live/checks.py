"""What every live run must satisfy, and the figures that it prints."""

from __future__ import annotations

import os
import signal
import sys
import time

from liveengine.config.settings import EngineSettings
from tests.live.analysis import (
    EARLY_US,
    SAME_TEMPO_BPM,
    Lateness,
    Matching,
    Message,
    Pair,
    SessionMap,
    Stall,
    lateness,
    match,
    meant_off_ms,
    repeats,
    stated_time_us,
)
from tests.live.engine import Engine
from tests.live.listener import Listener, Recording
from tests.live.sounding import READING_MS, note_lengths

QUANTUM_BEATS = 4.0
HUT_BPM = 137
"""The session's tempo, which is the middle of no style."""
FIGURES: list[str] = []
"""What live runs measured; shown at the end of the test run."""
GATE_MS = EngineSettings().gate_ms
AROUND_US = 50_000.0
SOON_US = 250_000.0
"""Within this even a busy machine has done what it was asked: how soon a quiet one has is for benchmarks."""
LONGEST_NOTE_MS = 100.0
LONGEST_EVER_MS = 1_000.0
MEANT_MS = 2.5
"""Two peers read one grid. What the machine makes of a note is its own affair (tools/bench_timing.py)."""
HALF_LATE_MS = 2.5
"""How far from its moment half of what is heard may be, on a machine that is busy."""
STATUSES = {signal.SIGINT: (0, 128 + signal.SIGINT), signal.SIGTERM: (0, 128 + signal.SIGTERM)}
if sys.platform != "win32":
    STATUSES[signal.SIGHUP] = (0, 128 + signal.SIGHUP)
QUIET_WITHIN_S = 1.0


def tell(figure: str) -> None:
    """Show a figure at the end of the test run, under the test's name."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0]
    FIGURES.append(f"{test}: {figure}")


def tell_stalls(stalls: list[Stall]) -> None:
    """Show how often the machine itself stood still, above all priorities."""
    longest_us = max((stall.end_us - stall.begin_us for stall in stalls), default=0.0)
    tell(f"the machine stalled {len(stalls)} times, at most for {longest_us / 1_000:.1f} ms")


def check_lengths(messages: tuple[Message, ...], stalls: list[Stall]) -> None:
    """Every note ends within 100 ms and before it is struck again; none hangs.

    The time in which the machine stood still is counted apart, and even with it no note lasts a second.
    """
    lengths = note_lengths(messages)
    longest_ms = lengths.longest_apart_ms(stalls)
    tell(
        f"{len(lengths.spans_us)} notes ended, the longest lasted {lengths.longest_ms:.1f} ms, "
        f"{longest_ms:.1f} ms without stalls of the machine"
    )
    assert not lengths.hanging, f"hanging: {lengths.hanging}"
    restruck = lengths.restruck_apart(GATE_MS, stalls)
    assert not restruck, f"struck again while on: {restruck}; stalls around: {_around(restruck[0], stalls)}"
    if lengths.restruck:
        tell(f"{len(lengths.restruck)} note-offs were lost to stalls of the machine")
    assert longest_ms <= LONGEST_NOTE_MS + READING_MS
    assert lengths.longest_ms <= LONGEST_EVER_MS


def _around(notes: tuple[Message, Message], stalls: list[Stall]) -> list[Stall]:
    begin_us, end_us = notes[0].at_us - AROUND_US, notes[1].at_us + AROUND_US
    return [stall for stall in stalls if stall.begin_us <= end_us and begin_us <= stall.end_us]


def check_matching(engine: Engine, recording: Recording, stalls: list[Stall]) -> Matching:
    """The listener heard every note of the trace and no other.

    A note sent while the machine stood still is counted apart: JACK loses what no longer fits into a cycle,
    and repeats what a client that missed its turn had written before.
    """
    outcome = match(engine.notes(), recording.messages)
    assert outcome.pairs, f"nothing was heard:\n{engine.log()}"
    lost = [note for note in outcome.unheard if not _in_a_stall(note.sent_us, stalls)]
    if len(outcome.unheard) > len(lost):
        tell(f"{len(outcome.unheard) - len(lost)} notes were lost to stalls of the machine")
    repeated = [
        message
        for message in repeats(outcome.unstated, recording.messages)
        if _in_a_stall(message.at_us, stalls)
    ]
    if repeated:
        tell(f"{len(repeated)} notes were repeated in stalls of the machine")
    strange = [message for message in outcome.unstated if message not in repeated]
    wrong = f"{len(outcome.pairs)} notes match; unheard: {lost[:5]}, unstated: {strange[:5]}"
    assert not lost, wrong
    assert not strange, wrong
    return outcome


def check_dropped(engine: Engine, stalls: list[Stall]) -> None:
    """Nothing planned was dropped, but for what was due while the machine stood still."""
    lines = engine.lines("dropped")
    fallen = [line for line in lines if "due_us" in line and _in_a_stall(line["due_us"], stalls)]
    if fallen:
        tell(f"{len(fallen)} hits were dropped for stalls of the machine")
    assert [line for line in lines if line not in fallen] == []
    assert sum(engine.lines("summary")[-1]["dropped"].values()) == len(lines)


def _in_a_stall(at_us: float, stalls: list[Stall]) -> bool:
    return any(stall.begin_us - AROUND_US <= at_us <= stall.end_us + AROUND_US for stall in stalls)


def tell_lateness(what: str, pairs: list[Pair], session: SessionMap, stalls: list[Stall]) -> Lateness:
    """Show and return the difference between heard and stated."""
    figures = lateness(pairs, session, QUANTUM_BEATS, stalls)
    tell(f"{what}: {figures}")
    return figures


def check_lateness(what: str, pairs: list[Pair], session: SessionMap, stalls: list[Stall]) -> Lateness:
    """Every note was meant for the moment that it states, and half of them are heard close to it."""
    figures = tell_lateness(what, pairs, session, stalls)
    farthest_ms = max(map(abs, meant_off_ms(pairs, session, QUANTUM_BEATS)))
    tell(f"{what}: the farthest was meant {farthest_ms:.2f} ms off what it states")
    assert farthest_ms <= MEANT_MS
    assert figures.p50_ms <= HALF_LATE_MS, f"{what}: {figures}"
    return figures


def check_tempo(session: SessionMap, bpm: float, begin_us: float) -> None:
    """The session's tempo never moved after a moment."""
    moved = [
        change.bpm
        for change in session.tempo_changes()
        if change.time_us > begin_us and abs(change.bpm - bpm) > SAME_TEMPO_BPM
    ]
    now_bpm = session.nearest(float("inf")).bpm
    assert not moved, f"the session's tempo moved from {bpm} to {moved}"
    assert abs(now_bpm - bpm) <= SAME_TEMPO_BPM, f"the session's tempo is {now_bpm}, it was {bpm}"


def due_from(pairs: tuple[Pair, ...], session: SessionMap, begin_us: float, end_us: float) -> list[Pair]:
    """Return the pairs whose stated moment lies in a stretch of time; its begin belongs to it."""
    return [
        pair
        for pair in pairs
        if begin_us - EARLY_US <= stated_time_us(pair, session, QUANTUM_BEATS) < end_us - EARLY_US
    ]


def wait_until_sounding(listener: Listener) -> None:
    """Wait for a moment at which a note is on, so that an end then has something to silence."""
    listener.wait_for(lambda state: bool(state["sounding"]), "a sounding note", timeout_s=10)


def end_by_signal(engine: Engine, listener: Listener, number: signal.Signals) -> None:
    """Send a signal while a note is on; the engine ends by it, and every note is off within a second."""
    wait_until_sounding(listener)
    status = engine.stop(number)
    assert status in STATUSES[number], f"{number.name}: it ended with {status}:\n{engine.log()}"
    wait_until_quiet(listener)


def wait_until_quiet(listener: Listener) -> None:
    """Wait until no note is on, and none is struck for 300 ms more."""
    listener.wait_for(lambda state: not state["sounding"], "every note off", QUIET_WITHIN_S)
    before = listener.state()["ons"]
    time.sleep(0.3)
    state = listener.state()
    assert state["ons"] == before, "notes are struck after the end"
    assert not state["sounding"], f"notes hang after the end: {state['sounding']}"
