"""What is heard and the plan, in virtual time: bars that answer, rests, and nothing without a player."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from liveengine.music.control import SetChoice, SetToggle, SetValue, TriggerAction
from liveengine.music.request import BarRequest
from tests.rig import Rig

MakeRig = Callable[..., Rig]
BEAT_US = 500_000.0
FIRST_US = 2_000_000.0
"""The first downbeat of a rig at 120 bpm."""
RIFF = (0.0, 0.75, 1.5, 2.5, 3.5)


def run_beside(rig: Rig, beats: Sequence[float], until_beat: float) -> None:
    """Let a bass strike on beats from the first downbeat on, until a beat."""
    for beat in beats:
        at_us = FIRST_US + beat * BEAT_US
        wait_s = (at_us - rig.timeline.now_us()) / 1e6
        if wait_s > 0:
            rig.run(wait_s)
        rig.session.ears.hear([0x91, 36, 110], at_us)
    rig.run((FIRST_US + until_beat * BEAT_US - rig.timeline.now_us()) / 1e6)


def riff(bars: range) -> list[float]:
    return [bar * 4 + beat for bar in bars for beat in RIFF]


def last_of(rig: Rig, bar: int) -> BarRequest:
    """Return the last request for a bar."""
    return [request for request in rig.source.requests if request.index == bar][-1]


def test_without_a_player_every_request_is_as_with_ears_closed(make_rig: MakeRig) -> None:
    opened, closed = make_rig(), make_rig()
    closed.session.post(SetChoice("jam", "off"))
    for rig in (opened, closed):
        rig.run(20.0)
    strip = [(request.index, request.conditioning, request.seed) for request in opened.source.requests]
    assert strip == [
        (request.index, request.conditioning, request.seed) for request in closed.source.requests
    ]
    assert all(request.conditioning.groove is None for request in opened.source.requests)
    assert opened.strikes == closed.strikes


def test_the_bar_after_the_first_answers_the_accents(make_rig: MakeRig) -> None:
    rig = make_rig()
    run_beside(rig, riff(range(3)), 12.0)
    groove = last_of(rig, 1).conditioning.groove
    assert groove is not None
    assert [step for step, accent in enumerate(groove.accents) if accent] == [0, 3, 6, 10, 14]
    assert last_of(rig, 0).conditioning.groove is None


def test_a_riff_that_changes_is_answered_in_the_next_bar(make_rig: MakeRig) -> None:
    rig = make_rig()
    other = [12 + beat for beat in (0.5, 1.25, 2.0, 3.25)]
    run_beside(rig, riff(range(3)) + other, 20.0)
    groove = last_of(rig, 4).conditioning.groove
    assert groove is not None
    assert [step for step, accent in enumerate(groove.accents) if accent] == [2, 5, 8, 13]


def test_in_half_time_accents_are_asked_for_where_they_will_be_heard(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetToggle("half_time", on=True))
    run_beside(rig, riff(range(3)), 12.0)
    groove = last_of(rig, 1).conditioning.groove
    assert groove is not None
    assert [step for step, accent in enumerate(groove.accents) if accent] == [0, 3, 5, 7, 8, 11, 13, 15]


def test_in_a_waltz_accents_are_asked_for_where_they_will_be_heard(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetChoice("time_signature", "3/4"))
    run_beside(rig, [bar * 3 + beat for bar in range(3) for beat in (0.0, 1.5, 2.0)], 9.0)
    groove = last_of(rig, 1).conditioning.groove
    assert groove is not None
    assert [step for step, accent in enumerate(groove.accents) if accent] == [0, 6, 12]


def test_late_bars_do_not_come_of_listening(make_rig: MakeRig) -> None:
    rig = make_rig()
    run_beside(rig, riff(range(8)), 32.0)
    assert rig.record.late_bars == 0
    beats = [round(beat * 4) for _, beat, _ in rig.strikes]
    assert len(beats) == len(set(beats)), "no beat is struck twice"
    assert len(beats) >= 31


def test_he_rests_after_a_silence_and_returns_on_the_one(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetValue("stop_after", 2.0))
    run_beside(rig, riff(range(2)), 4 * 6.0)
    silent = {int((beat - 4) // 4) for _, beat, _ in rig.strikes}
    assert silent == {0, 1, 2, 3}, "two silent bars, then he rests"
    run_beside(rig, riff(range(6, 8)), 4 * 9.0)
    bars = {int((beat - 4) // 4) for _, beat, _ in rig.strikes}
    assert bars == {0, 1, 2, 3, 7, 8}
    first = min(strike for strike in rig.strikes if strike[1] >= 4 + 28)
    assert first[1] == pytest.approx(4 + 28)
    landed = [note for _, beat, note in rig.strikes if beat == pytest.approx(4 + 28)]
    assert 49 in landed, "with a crash"


def test_an_answer_is_a_fill_of_the_players_rhythm(make_rig: MakeRig) -> None:
    rig = make_rig()
    run_beside(rig, riff(range(4)), 14.5)
    rig.session.post(SetValue("trade_bars", 2.0))
    rig.session.post(TriggerAction("answer"))
    rig.run(4.0)
    asked = [last_of(rig, bar).conditioning for bar in (4, 5)]
    assert all(each.fill for each in asked)
    assert all(each.groove is not None and each.groove.amount > 1.0 for each in asked)


def test_in_instant_mode_an_accent_changes_the_rest_of_the_bar(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.source.delay_us = 20_000.0
    rig.session.post(SetChoice("switch", "instant"))
    run_beside(rig, [*riff(range(2)), 8.0, 8.75], 9.5)
    rest = [request for request in rig.source.requests if request.index == 2 and request.from_step > 0]
    assert rest
    assert all(request.conditioning.groove is not None for request in rest)


def test_what_was_heard_and_what_came_of_it_are_in_the_trace(make_rig: MakeRig) -> None:
    rig = make_rig()
    run_beside(rig, riff(range(3)), 12.0)
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text(encoding="utf-8").splitlines()]
    heard = [line for line in lines if line["type"] == "heard"]
    assert sum(len(line["onsets"]) for line in heard) == 15
    assert heard[-1]["features"]["riff_bars"] == 1
    assert heard[-1]["first_bar"] == heard[-1]["bar"] + 1
    assert "accents" in [what for what, _, _ in heard[-1]["reasons"]]


def test_a_flood_is_shed_and_the_plan_stays(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(2.1)
    for number in range(20_000):
        rig.session.ears.hear([0x90, number % 128, 1 + number % 127], rig.timeline.now_us())
    rig.run(8.0)
    assert rig.session.ears.shed > 10_000
    assert rig.record.late_bars == 0
