"""The record: trace lines and takes of a performance in virtual time."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from liveengine.music.beats import FOUR_FOUR
from liveengine.music.control import SetChoice, SetStyle, SetValue
from liveengine.music.pattern import Bar
from liveengine.music.request import BarReply
from liveengine.planning.events import TellPlayer
from liveengine.playback.messages import Outcome, PlannedHit, Replace, Report
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace
from tests.rig import Rig

MakeRig = Callable[..., Rig]


def test_every_note_sent_has_its_line_and_no_other(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(9.0)
    rig.session.post(SetStyle("jazz"))
    rig.run(6.0)
    rig.session.end()
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    notes = [line for line in lines if line["type"] == "note"]
    assert [(note["due_us"], note["note"]) for note in notes] == [
        (pytest.approx(moment), note) for moment, _, note in rig.strikes[: len(notes)]
    ]
    assert len(notes) == len(rig.strikes)
    assert {note["style"] for note in notes} == {"rock", "jazz"}
    assert [line["value"] for line in lines if line["type"] == "control"] == ["jazz"]


@pytest.mark.parametrize("by_beats", [-3.3, -0.6, 0.3, 1.1, 5.0])
def test_every_note_has_its_line_after_a_jump_of_the_beat(make_rig: MakeRig, by_beats: float) -> None:
    rig = make_rig()
    rig.source.steps = 1
    rig.run(5.9)
    rig.timeline.jump_to(rig.timeline.state().beat_map.beat_at(rig.timeline.now_us()) + by_beats)
    rig.run(6.0)
    rig.session.end()
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    notes = [(line["due_us"], line["note"]) for line in lines if line["type"] == "note"]
    assert notes == [(pytest.approx(moment), note) for moment, _, note in rig.strikes]
    assert len(notes) > 60
    assert not [line for line in lines if line["type"] == "dropped"]
    assert rig.record.notes == len(notes)


@pytest.mark.parametrize("to_beat", [401.3, 1.3])
def test_a_take_goes_on_over_a_jump_of_the_beat_as_it_was_heard(
    make_rig: MakeRig, tmp_path: Path, to_beat: float
) -> None:
    rig = make_rig()
    rig.source.steps = 1
    rig.run(5.9)
    rig.timeline.jump_to(to_beat)
    rig.run(1.0)
    rig.session.post(SetStyle("jazz"))
    rig.run(5.0)
    first_us = rig.strikes[0][0]
    for bars in (None, 3):
        rig.record.write_take(tmp_path / "take.mid", bars)
        seconds, strikes, turned = 0.0, [], []
        for message in mido.MidiFile(tmp_path / "take.mid"):
            seconds += message.time
            if message.type == "note_on":
                strikes.append(seconds)
            elif message.type == "marker" and message.text == "style jazz":
                turned.append(seconds)
        heard = [(moment - first_us) / 1e6 for moment, _, _ in rig.strikes]
        begun = heard[-1] - strikes[-1] if bars is None else 0.0
        assert begun == pytest.approx(0.0, abs=0.002)
        if bars is None:
            assert strikes == pytest.approx(heard, abs=0.002)
            assert turned == [pytest.approx(6.9 - first_us / 1e6, abs=0.01)]
        else:
            gaps = [late - early for early, late in itertools.pairwise(strikes)]
            assert max(gaps) < 0.3
            assert seconds == pytest.approx(3 * 4 * 0.5, abs=0.6)


def test_notes_that_latency_puts_off_by_bars_have_their_lines(make_rig: MakeRig) -> None:
    rig = make_rig(bpm=999.0)
    rig.session.post(SetChoice("time_signature", "3/8"))
    rig.session.post(SetValue("latency_ms", -500.0))
    rig.run(10.0)
    assert len(rig.strikes) > 90
    assert rig.record.dropped["lost"] == 0
    assert rig.record.notes == pytest.approx(len(rig.strikes), abs=1)


def test_a_player_that_was_started_again_drops_nothing_that_had_been_struck(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(3.0)
    hit = PlannedHit(10**6, 99, 0, 400.0, 0.0, 38, 100)
    rig.record.effect(TellPlayer(Replace(99, 0, (hit,))))
    rig.record.reports([Report(Outcome.SENT, hit.serial, 1e6, 1e6, velocity=100)])
    rig.record.reports([Report(Outcome.DROPPED_PLAN, hit.serial, 1e6, 2e6)])  # it knows no struck hits
    assert rig.record.dropped["plan"] == 0


def test_a_hit_that_is_struck_twice_has_two_lines_and_one_that_is_dropped_twice_has_one(
    make_rig: MakeRig,
) -> None:
    rig = make_rig()
    rig.run(3.0)
    struck = PlannedHit(10**6, 99, 0, 400.0, 0.0, 38, 100)
    late = PlannedHit(10**6 + 1, 99, 1, 400.25, 0.0, 42, 80)
    for _ in range(2):
        rig.record.effect(TellPlayer(Replace(99, 0, (struck, late), again=True)))
        rig.record.reports(
            [
                Report(Outcome.SENT, struck.serial, 1e6, 1e6, velocity=100),
                Report(Outcome.DROPPED_PLAN, late.serial, 1e6, 2e6),
            ]
        )
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    told = [(line["type"], line["note"]) for line in lines if line.get("bar") == 99]
    assert told == [("note", 38), ("dropped", 42), ("note", 38)]


def test_the_take_begins_on_the_first_bar_line_and_follows_tempo(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig(bpm=120.0)
    rig.run(6.0)
    rig.timeline.set_tempo(60.0)
    rig.run(4.0)
    rig.record.write_take(tmp_path / "take.mid")
    seconds, strikes = 0.0, []
    for message in mido.MidiFile(tmp_path / "take.mid"):
        seconds += message.time
        if message.type == "note_on":
            strikes.append(seconds)
    first_us = rig.strikes[0][0]
    played = [(moment - first_us) / 1e6 for moment, _, _ in rig.strikes]
    assert strikes == pytest.approx(played[: len(strikes)], abs=0.006)
    assert strikes[0] == 0.0


def test_malformed_control_messages_are_counted_and_change_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    received = rig.session.receive
    rig.run(4.0)
    for message in ([], [0x10], [0xC0], [0xB0, 20, 200], [0xC0, 1, 2]):
        received(message)
    received([0xF8])
    received([0xC0, 1])
    rig.run(4.0)
    assert rig.record.malformed == 5
    assert rig.conductor.style.name == "jazz"


def test_a_level_turned_while_a_report_is_on_its_way_does_not_change_what_is_stated(
    make_rig: MakeRig,
) -> None:
    rig = make_rig()
    rig.run(3.0)
    for level, velocity in ((1.0, 100), (0.5, 50)):
        hit = PlannedHit(10**6, 99, 0, 400.0, 0.0, 38, velocity, level)
        rig.record.effect(TellPlayer(Replace(99, 0, (hit,))))
    rig.record.reports([Report(Outcome.SENT, 10**6, 1e6, 1e6, 0.0, 1.0, 100)])
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    assert [(line["level"], line["velocity"]) for line in lines if line.get("bar") == 99] == [(1.0, 100)]


def test_who_made_the_bars_and_how_long_asking_took_is_summed_up(make_rig: MakeRig) -> None:
    rig = make_rig()
    for serial, trip in ((1, 20.0), (2, 45.0), (3, 480.0)):
        bar = Bar(FOUR_FOUR, ())
        rig.record.answered(BarReply(serial, bar, 1, 1.0, source="remote", round_trip_ms=trip))
    rig.record.answered(BarReply(4, Bar(FOUR_FOUR, ()), 1, 1.0, source="cover"))
    rig.record.summary()
    rig.record.flush()
    summary = json.loads(rig.trace.read_text().splitlines()[-1])
    assert summary["made_by"] == {"remote": 3, "cover": 1}
    assert (summary["round_trip_p50_ms"], summary["round_trip_max_ms"]) == (45.0, 480.0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_other_threads_say_that_a_process_has_started_while_the_trace_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "trace.jsonl"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # a pipe holds less than this trace: writing waits
    log = PerformanceLog(Trace(pipe), FOUR_FOUR, 10)
    writing = threading.Thread(target=log.tell, args=(0.0, 200_000 * "x"))
    writing.start()
    os.set_blocking(reading, True)
    heard = os.read(reading, 1)
    log.process(1.0, "listen", 4711)
    while not heard.endswith(b"\n"):
        heard += os.read(reading, 1 << 16)
    writing.join()
    assert [json.loads(line)["type"] for line in heard.splitlines()] == ["notice"]
    log.flush()
    assert json.loads(os.read(reading, 1 << 16)) == {
        "type": "process", "at_us": 1.0, "name": "listen", "pid": 4711
    }  # fmt: skip
    os.close(reading)
