"""Transport and place: starts and stops both ways, forced beats, MIDI clock, latency while playing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import pytest

from tests.live.analysis import SessionMap, in_stall, percentile
from tests.live.checks import (
    HALF_LATE_MS,
    HUT_BPM,
    MEANT_MS,
    QUANTUM_BEATS,
    SOON_US,
    check_dropped,
    check_lengths,
    check_matching,
    tell,
)
from tests.live.companion import now_us
from tests.live.control_port import ControlPort
from tests.live.engine import EngineStarter
from tests.live.hut import LinkHut
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.machine import StallProbe
from tests.live.sounding import AfterSteps, after_steps, grid_distance_ms, largest_gap_beats, note_lengths

pytestmark = pytest.mark.live
START, STOP, PULSE = 0xFA, 0xFC, 0xF8
PULSES_PER_BEAT = 24
PULSE_APART_MS = 8.0
"""Nearer to this pulse than to another, up to 150 bpm."""
STRAIGHT = ("--backend", "jack", "--style", "funk", "--swing", "50", "--humanize", "0", "--seed", "5")
STEP_BEATS = 0.25
STEPS_BPM = (60, 180, 75, 150)
STEPS = 16
LEARNED_MS = 5.0
LATENCY_CONTROLLER, NO_LATENCY = 25, 64


@pytest.fixture
def sharing_hut(link_hut: LinkHut) -> Iterator[LinkHut]:
    """Have LinkHut share its transport, which stands still."""
    link_hut.sync_start_stop(True)
    yield link_hut
    link_hut.sync_start_stop(False)


def test_our_start_and_stop_move_the_session(
    sharing_hut: LinkHut, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine(*STRAIGHT)
    engine.wait_for("note")
    control = ControlPort()
    control.send([START])
    listener.wait_for(lambda state: state["playing"], "the session's start", timeout_s=2)
    sharing_hut.wait_for_playing()
    time.sleep(2.0)
    control.send([STOP])
    stopped_us = now_us()
    listener.wait_for(lambda state: not state["playing"], "the session's stop", timeout_s=2)
    time.sleep(1.0)
    assert not sharing_hut.state().playing
    control.send([START])
    listener.wait_for(lambda state: state["playing"], "the session's second start", timeout_s=2)
    heard = listener.state()["ons"]
    listener.wait_for(lambda state: state["ons"] > heard + 4, "notes after the start", timeout_s=10)
    control.close()
    assert engine.stop() in (0, 130), engine.log()
    recording = listener.stop()
    started_us = recording.session.playing_changes()[-1].time_us
    between = [each for each in recording.messages if stopped_us + SOON_US < each.at_us < started_us]
    assert not between, f"messages after the stop: {between}"
    check_lengths(recording.messages, stall_probe.stalls())
    check_matching(engine, recording, stall_probe.stalls())


def test_without_start_stop_sync_the_session_is_left_alone_and_leaves_us_alone(
    sharing_hut: LinkHut, listener: Listener, start_engine: EngineStarter
) -> None:
    engine = start_engine(*STRAIGHT, "--no-start-stop-sync")
    engine.wait_for("note")
    assert sharing_hut.start_stop()
    assert not sharing_hut.start_stop()
    heard = listener.state()["ons"]
    listener.wait_for(lambda state: state["ons"] > heard + 8, "notes after the session's stop", timeout_s=10)
    control = ControlPort()
    control.send([STOP])
    time.sleep(0.3)
    heard = listener.state()["ons"]
    time.sleep(1.5)
    assert listener.state()["ons"] == heard
    control.send([START])
    listener.wait_for(lambda state: state["ons"] > heard + 4, "notes after our start", timeout_s=10)
    control.close()
    assert not sharing_hut.state().playing
    assert engine.stop() in (0, 130), engine.log()


def test_a_peer_that_forces_the_beat_takes_the_bars_along(
    link_hut: LinkHut, peer: Peer, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine(*STRAIGHT)
    engine.wait_for("note")
    time.sleep(3.0)
    forced_us = [peer.force_beat(beat) for beat in (101.3, 7.75)]
    time.sleep(5.0)
    assert engine.stop() in (0, 130), engine.log()
    recording = listener.stop()
    outcome = check_matching(engine, recording, stall_probe.stalls())
    check_lengths(recording.messages, stall_probe.stalls())
    gap_beats = largest_gap_beats(recording.messages, recording.session)
    tell(f"largest gap {gap_beats:.2f} beats over two forced beats")
    assert gap_beats <= QUANTUM_BEATS
    settled_us = forced_us[-1] + 250_000
    settled = [pair for pair in outcome.pairs if pair.heard.at_us > settled_us]
    meant_ms, heard_ms = (
        [abs(grid_distance_ms(at_us, recording.session, STEP_BEATS)) for at_us in moments_us]
        for moments_us in zip(*((pair.stated.due_us, pair.heard.at_us) for pair in settled), strict=True)
    )
    tell(
        f"{len(settled)} notes after it: the farthest was meant {max(meant_ms):.2f} ms off the grid, "
        f"heard off it p50 {percentile(heard_ms, 50):.2f} p95 {percentile(heard_ms, 95):.2f} ms"
    )
    assert max(meant_ms) <= MEANT_MS
    assert percentile(heard_ms, 50) <= HALF_LATE_MS
    bars = [line for line in engine.lines("bar") if line["bar"] > 2][-2:]
    for line in bars:
        assert line["beat"] % QUANTUM_BEATS == pytest.approx(0, abs=1e-3)


def test_no_hit_at_the_old_tempo_wherever_in_the_bar_it_steps(
    link_hut: LinkHut, peer: Peer, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine(*STRAIGHT)
    engine.wait_for("note")
    time.sleep(1.0)
    begun_us = now_us()
    for number in range(STEPS):
        peer.set_tempo(STEPS_BPM[number % len(STEPS_BPM)])
        time.sleep(0.6 + 0.37 * (number * 7 % 5) / 4)
    peer.set_tempo(HUT_BPM)
    time.sleep(1.0)
    assert engine.stop() in (0, 130), engine.log()
    recording = listener.stop()
    stalls = stall_probe.stalls()
    heard = check_matching(engine, recording, stalls)
    check_lengths(recording.messages, stalls)
    learned = [(line["at_us"], line["bpm"]) for line in engine.lines("tempo")]

    def off_the_grid(notes: list[tuple[float, float]]) -> AfterSteps:
        return after_steps(
            notes, recording.session, learned, stalls, begin_us=begun_us, step_beats=STEP_BEATS
        )

    planned = off_the_grid([(line["sent_us"], line["due_us"]) for line in engine.lines("note")])
    sounded = off_the_grid([(pair.heard.at_us, pair.heard.at_us) for pair in heard.pairs])
    learned_ms, off_ms = median(planned.learned_ms), max(planned.off_ms)
    tell(
        f"{len(planned.learned_ms)} tempo steps, learned {learned_ms:.1f} ms after the listener (median), "
        f"{planned.split} a broadcast later; of {len(planned.off_ms)} notes more than 5 ms after, the "
        f"farthest was meant {off_ms:.2f} and heard {max(sounded.off_ms):.2f} ms off the new tempo's grid"
    )
    assert len(planned.off_ms) > STEPS
    assert off_ms <= MEANT_MS, "what the player meant for the new tempo lies on its grid"
    assert learned_ms <= LEARNED_MS


def moments_of(listened: list[tuple[int, float]], status: int) -> list[float]:
    return [at_us for each, at_us in listened if each == status]


def near_beat(session: SessionMap, at_us: float, of_beat: float) -> float:
    """Return how far a moment is from the nearest multiple of a part of a beat, in ms."""
    beat = session.beat_at(at_us)
    return (beat - round(beat / of_beat) * of_beat) * 60_000 / session.nearest(at_us).bpm


def test_midi_clock_runs_with_the_session(
    link_hut: LinkHut, peer: Peer, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine(*STRAIGHT, "--midi-clock")
    engine.wait_for("note")
    time.sleep(4.0)
    peer.set_tempo(140)
    time.sleep(4.0)
    assert engine.stop() in (0, 130), engine.log()
    recording = listener.stop()
    session, stalls = recording.session, stall_probe.stalls()
    listened = [(each.content[0], each.at_us) for each in recording.messages]
    pulses_us = moments_of(listened, PULSE)
    (started_us,), (stopped_us,) = moments_of(listened, START), moments_of(listened, STOP)
    assert started_us < stopped_us
    first_us = next(at_us for at_us in pulses_us if at_us > started_us)
    assert near_beat(session, first_us, QUANTUM_BEATS) == pytest.approx(0, abs=PULSE_APART_MS), (
        "starts on the quantum"
    )
    step = next(change for change in session.tempo_changes() if abs(change.bpm - 140) < 0.1)
    off_ms = [
        abs(near_beat(session, at_us, 1 / PULSES_PER_BEAT))
        for at_us in pulses_us
        if not in_stall(at_us - 2_000, at_us, stalls) and not 0 <= at_us - step.time_us < 60_000
    ]
    beats = session.beat_at(pulses_us[-1]) - session.beat_at(pulses_us[0])
    tell(
        f"{len(pulses_us)} pulses over {beats:.2f} beats, p95 {percentile(off_ms, 95):.2f} ms off the session"
    )
    assert len(pulses_us) - 1 == pytest.approx(beats * PULSES_PER_BEAT, abs=0.2)
    assert percentile(off_ms, 50) <= HALF_LATE_MS
    check_lengths(recording.messages, stalls)
    check_matching(engine, recording, stall_probe.stalls())


def test_latency_turned_while_playing_neither_loses_nor_doubles_a_note(
    link_hut: LinkHut, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine(*STRAIGHT)
    engine.wait_for("note")
    control = ControlPort()
    for turn in range(60):
        control.control_change(LATENCY_CONTROLLER, (turn * 37) % 128)
        time.sleep(0.11)
    control.control_change(LATENCY_CONTROLLER, NO_LATENCY + 30)
    time.sleep(2.5)
    control.close()
    assert engine.stop() in (0, 130), engine.log()
    recording = listener.stop()
    check_matching(engine, recording, stall_probe.stalls())
    lengths = note_lengths(recording.messages)
    assert not lengths.hanging
    assert not lengths.restruck
    notes = engine.lines("note")
    places = [(line["bar"], line["beat"], line["note"]) for line in notes]
    assert len(set(places)) == len(places), "a note was doubled"
    check_dropped(engine, stall_probe.stalls())
    early_ms = [
        grid_distance_ms(each.at_us, recording.session, STEP_BEATS)
        for each in recording.messages
        if each.is_on() and each.at_us > recording.messages[-1].at_us - 1_500_000
    ]
    tell(
        f"{len(places)} notes while latency was turned 61 times; "
        f"at +30 ms they come {percentile(early_ms, 50):+.1f} ms"
    )
    assert percentile(early_ms, 50) == pytest.approx(-30, abs=HALF_LATE_MS)
