"""The engine in a real Link session: joins without moving it, in time at the port, through tempo steps."""

from __future__ import annotations

import time

import pytest

from tests.live.analysis import SAME_TEMPO_BPM
from tests.live.checks import (
    HUT_BPM,
    MEANT_MS,
    QUANTUM_BEATS,
    check_lateness,
    check_lengths,
    check_matching,
    check_tempo,
    due_from,
    tell,
)
from tests.live.companion import now_us
from tests.live.engine import EngineStarter
from tests.live.hut import LinkHut
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.machine import StallProbe
from tests.live.sounding import grid_distance_ms, largest_gap_beats

pytestmark = pytest.mark.live
STEPS_BPM_S = ((60, 6.0), (180, 4.0), (97, 4.0))
"""Tempo steps and how long each lasts."""
STEP_BEATS = 0.25


def test_an_independent_listener_hears_the_trace_in_time(
    link_hut: LinkHut, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    began_us = now_us()
    engine = start_engine("--backend", "jack", "--style", "funk", "--duration", "12")
    first_us = engine.wait_for("note")["sent_us"]
    tell(f"first note {(first_us - began_us) / 1_000_000:.1f} s after the command")
    assert link_hut.tempo() == HUT_BPM
    assert engine.wait(30) == 0, engine.log()
    assert link_hut.tempo() == HUT_BPM

    recording = listener.stop()
    check_tempo(recording.session, HUT_BPM, began_us)
    stated_bpm = [line["bpm"] for line in engine.lines("tempo")]
    assert stated_bpm == pytest.approx([HUT_BPM], abs=SAME_TEMPO_BPM)
    outcome = check_matching(engine, recording, stall_probe.stalls())
    check_lengths(recording.messages, stall_probe.stalls())
    assert largest_gap_beats(recording.messages, recording.session) <= QUANTUM_BEATS
    check_lateness(f"funk at {HUT_BPM} bpm", list(outcome.pairs), recording.session, stall_probe.stalls())
    assert {pair.stated.channel for pair in outcome.pairs} == {10}


def test_tempo_steps_take_the_notes_along_from_the_next_beat(
    link_hut: LinkHut, peer: Peer, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine(
        "--backend", "jack", "--style", "funk", "--swing", "50", "--humanize", "0", "--seed", "5"
    )
    engine.wait_for("note")
    for bpm, lasting_s in STEPS_BPM_S:
        peer.set_tempo(bpm)
        time.sleep(lasting_s)
        assert link_hut.tempo() == pytest.approx(bpm, abs=SAME_TEMPO_BPM)
    assert engine.stop() in (0, 130), engine.log()

    recording = listener.stop()
    session = recording.session
    outcome = check_matching(engine, recording, stall_probe.stalls())
    check_lengths(recording.messages, stall_probe.stalls())
    gap_beats = largest_gap_beats(recording.messages, session)
    tell(f"largest gap {gap_beats:.2f} beats")
    assert gap_beats <= QUANTUM_BEATS
    steps = session.tempo_changes()[-len(STEPS_BPM_S) :]
    wanted_bpm = [bpm for bpm, _ in STEPS_BPM_S]
    assert [step.bpm for step in steps] == pytest.approx(wanted_bpm, abs=SAME_TEMPO_BPM)
    stated_bpm = [line["bpm"] for line in engine.lines("tempo")]
    assert stated_bpm == pytest.approx([HUT_BPM, *wanted_bpm], abs=SAME_TEMPO_BPM)
    stalls = stall_probe.stalls()
    ends_us = [step.time_us for step in steps[1:]] + [recording.messages[-1].at_us]
    settled = []
    for step, end_us in zip(steps, ends_us, strict=True):
        next_beat_us = session.time_of(int(step.beat) + 1, step.time_us)
        pairs = due_from(outcome.pairs, session, next_beat_us, end_us)
        check_lateness(f"after the step to {step.bpm:.0f} bpm", pairs, session, stalls)
        settled += pairs
    check_lateness("after all steps", settled, session, stalls)
    off_grid_ms = [abs(grid_distance_ms(pair.stated.due_us, session, STEP_BEATS)) for pair in settled]
    assert max(off_grid_ms) <= MEANT_MS
