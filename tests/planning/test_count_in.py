"""The count-in: strokes before the first bar, which comes on its bar line, and never a bar of the plan."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from liveengine.music.control import SetChoice, SetStyle, SetValue, TriggerAction
from tests.rig import Rig

KICK, RIDE, RIM, HAT = 36, 51, 37, 42
MakeRig = Callable[..., Rig]


def counting(make_rig: MakeRig, bars: float, sound: str = "sticks", **how: object) -> Rig:
    rig = make_rig(**how)
    rig.session.post(SetValue("count_in", bars))
    rig.session.post(SetChoice("count_with", sound))
    return rig


def struck(rig: Rig) -> list[tuple[float, int]]:
    return [(round(beat, 3), note) for _, beat, note in rig.strikes]


@pytest.mark.parametrize(("bars", "whole"), [(1.0, 1), (2.0, 2), (0.6, 1), (0.4, 0)])
def test_so_many_bars_are_counted_before_the_first_one_on_its_line(
    make_rig: MakeRig, bars: float, whole: int
) -> None:
    rig = counting(make_rig, bars)
    rig.run(8.0)
    notes = struck(rig)
    first = next(place for place, (_, note) in enumerate(notes) if note == KICK)
    line = notes[first][0]
    assert line % 4 == pytest.approx(0)
    assert notes[:first] == [(line - 4 * whole + beat, RIM) for beat in range(4 * whole)]
    assert {note for _, note in notes[first:]} == {KICK}
    assert notes[first:] == [(line + beat, KICK) for beat in range(len(notes) - first)]
    assert rig.conductor.first_downbeat_us == pytest.approx(line * 500_000)


@pytest.mark.parametrize(
    ("sound", "note", "loud"),
    [("sticks", RIM, (100, 100)), ("hat", HAT, (100, 90)), ("click", RIM, (122, 78))],
)
def test_it_is_struck_on_what_is_chosen(
    make_rig: MakeRig, sound: str, note: int, loud: tuple[int, int]
) -> None:
    rig = counting(make_rig, 1, sound)
    rig.run(6.0)
    count = [message for message in rig.sink.messages if message[0] == 0x99][:4]
    assert [message[1] for message in count] == [note] * 4
    assert [message[2] for message in count] == [loud[0], *[loud[1]] * 3]


def test_each_start_after_a_stop_is_counted_in(make_rig: MakeRig) -> None:
    rig = counting(make_rig, 1)
    rig.run(8.0)
    rig.session.post(TriggerAction("stop"))
    rig.run(1.0)
    before = len(rig.strikes)
    rig.session.post(TriggerAction("start"))
    rig.run(8.0)
    notes = struck(rig)[before:]
    assert [note for _, note in notes[:6]] == [RIM] * 4 + [KICK] * 2
    assert notes[4][0] % 4 == pytest.approx(0)
    assert [beat for beat, _ in notes[:6]] == [notes[0][0] + beat for beat in range(6)]


def test_no_bar_is_written_from_it_and_it_is_in_no_record(make_rig: MakeRig) -> None:
    rig = counting(make_rig, 2)
    rig.run(12.0)
    first = rig.source.requests[0]
    assert (first.index, first.context) == (0, ())
    assert all(each.bar.hits for request in rig.source.requests for each in request.context)
    rig.session.end()
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    notes = [line for line in lines if line["type"] == "note"]
    assert {note["note"] for note in notes} == {KICK}
    assert min(note["bar"] for note in notes) == 0
    assert sum(rig.record.dropped.values()) == 0


def test_what_is_turned_while_it_counts_leaves_the_count_alone(make_rig: MakeRig) -> None:
    rig = counting(make_rig, 2)
    while not rig.strikes:
        rig.run(0.01)
    rig.session.post(SetStyle("jazz"))
    rig.session.post(SetValue("count_in", 0))
    rig.run(6.0)
    assert [note for _, note in struck(rig)[:10]] == [RIM] * 8 + [RIDE] * 2


def test_a_stop_within_the_count_keeps_the_first_bar_for_the_next_start(make_rig: MakeRig) -> None:
    rig = counting(make_rig, 2)
    while len(rig.strikes) < 3:
        rig.run(0.01)
    rig.session.post(TriggerAction("stop"))
    rig.run(5.0)
    assert len(rig.strikes) == 3
    assert rig.conductor.horizon.current == 0
    rig.session.post(TriggerAction("start"))
    rig.run(8.0)
    assert [note for _, note in struck(rig)[3:13]] == [RIM] * 8 + [KICK] * 2


def test_a_jump_of_the_beat_within_the_count_counts_anew(make_rig: MakeRig) -> None:
    rig = counting(make_rig, 1)
    rig.run(8.0)
    rig.session.post(TriggerAction("stop"))
    rig.run(1.0)
    rig.session.post(TriggerAction("start"))
    before = len(rig.strikes)
    while len(rig.strikes) < before + 2:
        rig.run(0.01)
    rig.timeline.jump_to(101.25)
    rig.run(8.0)
    notes = struck(rig)[before + 2 :]
    assert [note for _, note in notes[:5]] == [RIM] * 4 + [KICK]
    assert notes[4][0] % 4 == pytest.approx(0)


def test_midi_clock_starts_with_the_first_bar_of_music(make_rig: MakeRig) -> None:
    rig = counting(make_rig, 1, midi_clock=True)
    rig.run(8.0)
    messages = rig.sink.messages
    start = next(place for place, each in enumerate(messages) if each[0] == 0xFA)
    kick = next(place for place, each in enumerate(messages) if each[:2] == (0x99, KICK))
    counts = [place for place, each in enumerate(messages) if each[:2] == (0x99, RIM)]
    assert counts[-1] < start < kick


@pytest.mark.parametrize(("quantum", "strokes", "apart"), [(3.0, 3, 1.0), (2.5, 5, 0.5), (7.0, 7, 1.0)])
def test_a_bar_of_another_meter_is_counted_through(
    make_rig: MakeRig, quantum: float, strokes: int, apart: float
) -> None:
    rig = counting(make_rig, 1, quantum=quantum)
    rig.run(9.0)
    notes = struck(rig)
    assert [note for _, note in notes[: strokes + 1]] == [RIM] * strokes + [KICK]
    begin = notes[0][0]
    assert [beat for beat, _ in notes[: strokes + 1]] == pytest.approx(
        [begin + place * apart for place in range(strokes + 1)]
    )
    assert (begin + quantum) % quantum == pytest.approx(0, abs=1e-6)
