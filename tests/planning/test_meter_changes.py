"""The time signature changes while it plays: with a whole bar, everywhere at once, and back again."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liveengine.music.beats import read_meter
from liveengine.music.control import (
    Command,
    ControlState,
    JumpToMarker,
    RecallScene,
    SetChoice,
    SetStyle,
    SetToggle,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke
from liveengine.music.drums import Voice
from liveengine.music.scene import Scene, SetEntry, SetList
from liveengine.planning.events import BarEnded
from tests.rig import Rig

MakeRig = Callable[..., Rig]
WALTZ = Scene("waltz", ControlState("jazz", fill_every=0, time_signature="3/4"))
AS_IT_IS = Scene("as it is", ControlState("jazz", fill_every=0, time_signature=""))
METERS = ("4/4", "3/4", "6/8", "5/4", "7/8")


def turned(meter: str) -> SetChoice:
    return SetChoice("time_signature", meter)


def followed(rig: Rig) -> list[BarEnded]:
    """Collect the bars that end from here on."""
    ended: list[BarEnded] = []
    rig.watch_bars(ended.append)
    return ended


def meters(ended: list[BarEnded]) -> list[str]:
    return [str(each.planned.bar.meter) for each in ended]


def ends_where_the_next_begins(ended: list[BarEnded]) -> bool:
    lines = [each.start_beat + each.planned.bar.meter.beats for each in ended]
    return [each.start_beat for each in ended[1:]] == pytest.approx(lines[:-1])


@pytest.mark.parametrize("meter", METERS[1:])
def test_it_comes_with_the_next_bar_and_every_bar_line_after_it(make_rig: MakeRig, meter: str) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.run(5.1)  # bar 1 has begun on beat 8
    rig.session.post(turned(meter))
    rig.run(12.0)
    assert meters(ended)[:2] == ["4/4", "4/4"]
    assert set(meters(ended)[2:]) == {meter}
    assert ends_where_the_next_begins(ended)
    downbeats = {each.start_beat for each in ended}
    struck = {round(beat, 6) for _, beat, _ in rig.strikes}
    assert downbeats <= struck, "each bar begins with its first hit"
    assert rig.record.late_bars == 0
    assert not any(rig.record.dropped.values())


def test_too_late_for_the_next_bar_it_comes_with_the_one_after(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.run(5.96)  # 40 ms before the bar line
    rig.session.post(turned("3/4"))
    rig.run(6.0)
    assert meters(ended)[:4] == ["4/4", "4/4", "4/4", "3/4"]


def test_turned_back_in_time_nothing_has_been(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(turned("7/8"))
    rig.run(0.2)
    rig.session.post(turned("4/4"))
    rig.run(8.0)
    assert set(meters(ended)) == {"4/4"}
    assert rig.record.late_bars == 0


@pytest.mark.parametrize(("switch", "bar"), [("bar", 2), ("phrase_4", 4), ("phrase", 8)])
def test_modes_by_bars_say_when(make_rig: MakeRig, switch: str, bar: int) -> None:
    rig = make_rig(switch=switch)
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(turned("5/4"))
    rig.run(24.0)
    assert meters(ended).index("5/4") == bar
    assert ends_where_the_next_begins(ended)


def test_before_the_first_bar_it_begins_in_it(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.session.post(turned("6/8"))
    rig.run(9.0)
    assert set(meters(ended)) == {"6/8"}
    assert ended[0].start_beat % 4 == 0, "the first bar begins on the session's quantum"


def test_a_scene_brings_its_meter_and_one_without_leaves_it(make_rig: MakeRig) -> None:
    rig = make_rig(scenes=(WALTZ, AS_IT_IS))
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(RecallScene("waltz"))
    rig.run(4.0)
    rig.session.post(RecallScene("as it is"))
    rig.run(4.0)
    assert meters(ended)[:2] == ["4/4", "4/4"]
    assert set(meters(ended)[2:]) == {"3/4"}


def test_a_set_changes_it_on_the_bar_that_it_names(make_rig: MakeRig) -> None:
    begin = Scene("begin", ControlState("rock", fill_every=0, time_signature="4/4"))
    seven = Scene("seven", ControlState("rock", fill_every=0, time_signature="7/8"))
    entries = (SetEntry(begin), SetEntry(WALTZ, bar=4), SetEntry(seven, bar=6), SetEntry(begin, marker="out"))
    rig = make_rig(set_list=SetList("Friday", entries))
    ended = followed(rig)
    rig.run(16.0)
    rig.session.post(JumpToMarker("out"))
    rig.run(8.0)
    told = [meter for meter, _ in itertools.groupby(meters(ended))]
    assert told == ["4/4", "3/4", "7/8", "4/4"]
    assert [meters(ended).index(each) for each in ("3/4", "7/8")] == [3, 5]
    assert ends_where_the_next_begins(ended)


def test_a_morph_brings_it_with_its_last_bar_line(make_rig: MakeRig) -> None:
    rig = make_rig(scenes=(WALTZ,))
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(RecallScene("waltz", 3))
    rig.run(14.0)
    assert meters(ended).index("3/4") == 4
    assert ends_where_the_next_begins(ended)


def test_undo_brings_the_meter_back(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(turned("3/4"))
    rig.run(4.0)
    rig.session.post(TriggerAction("undo"))
    rig.run(6.0)
    told = [meter for meter, _ in itertools.groupby(meters(ended))]
    assert told == ["4/4", "3/4", "4/4"]
    assert ends_where_the_next_begins(ended)


def test_a_loop_keeps_the_meters_of_its_bars(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(turned("3/4"))
    rig.run(1.2)  # the waltz's first bar plays
    rig.session.post(TriggerAction("lock_2"))
    rig.run(9.0)
    rig.session.post(TriggerAction("unlock"))
    rig.run(6.0)
    assert meters(ended)[:8] == ["4/4", "4/4", "3/4", "4/4", "3/4", "4/4", "3/4", "4/4"]
    assert meters(ended)[-2:] == ["3/4", "3/4"]
    assert ends_where_the_next_begins(ended)


def test_strokes_beyond_a_shorter_bar_wait_for_a_longer_one(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(DrawStroke(2, 15, Voice.RIM, 99, keep=True))
    rig.session.post(turned("3/4"))
    rig.run(4.0)
    rig.session.post(turned("4/4"))
    rig.run(6.0)
    drawn = [bool([hit for hit in each.planned.hits if hit.drawn]) for each in ended[2:]]
    assert drawn == [meter == "4/4" for meter in meters(ended)[2:]]
    assert True in drawn
    assert False in drawn


def test_an_ending_closes_in_it(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = followed(rig)
    rig.run(5.1)
    rig.session.post(turned("7/8"))
    rig.session.post(TriggerAction("end"))
    rig.run(8.0)
    assert ended[-1].planned.closes
    assert meters(ended)[-2:] == ["7/8", "7/8"]
    assert not rig.conductor.sounding


def test_a_take_and_a_capture_have_every_time_signature(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.1)
    rig.session.post(turned("3/4"))
    rig.run(5.0)
    rig.session.post(turned("7/8"))
    rig.run(6.0)
    whole = signatures(rig.record.tape.take().to_bytes())
    assert whole == [(0.0, "4/4"), (8.0, "3/4"), (17.0, "7/8")]
    last = rig.record.tape.take(6)
    assert last.length_beats == pytest.approx(sum(beats(each) for each in meters_of_last(rig, 6)))


def meters_of_last(rig: Rig, count: int) -> list[str]:
    return [str(planned.bar.meter) for planned in list(rig.record.played)[-count:]]


def beats(meter: str) -> float:
    return read_meter(meter).beats


def signatures(content: bytes) -> list[tuple[float, str]]:
    """Return the time signatures of a file, and the beats from which on they hold."""
    file = mido.MidiFile(file=io.BytesIO(content))
    found, tick = [], 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "time_signature":
            found.append((tick / file.ticks_per_beat, f"{message.numerator}/{message.denominator}"))
    return found


commands = st.one_of(
    st.builds(turned, st.sampled_from(METERS)),
    st.builds(SetChoice, st.just("switch"), st.sampled_from(["instant", "beat", "bar", "phrase_4"])),
    st.builds(SetStyle, st.sampled_from(["rock", "jazz"])),
    st.builds(SetToggle, st.sampled_from(["half_time", "double_time"]), st.booleans()),
    st.builds(
        TriggerAction,
        st.sampled_from(["undo", "fill", "break", "lock_1", "lock_2", "unlock", "end", "stop", "start"]),
    ),
    st.builds(RecallScene, st.just("waltz"), st.sampled_from([0, 2])),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(commands, st.floats(0.01, 2.5)), min_size=1, max_size=12))
def test_whatever_is_done_bars_are_as_long_as_the_grid_has_them(
    make_rig: MakeRig, acts: list[tuple[Command, float]]
) -> None:
    rig = make_rig(scenes=(WALTZ,))
    ended = followed(rig)
    rig.run(4.5)
    for command, seconds in acts:
        rig.session.post(command)
        rig.run(seconds)
        plan = rig.conductor.plan
        for planned in plan.horizon.from_bar(plan.horizon.current):
            assert planned.bar.meter == rig.conductor.grid.meter_at(planned.index)
    rig.session.post(TriggerAction("unlock"))
    rig.session.post(TriggerAction("start"))
    rig.run(20.0)
    asked = rig.conductor.controls.time_signature
    if rig.conductor.sounding and rig.conductor.plan.intent.pending is None:
        assert str(rig.conductor.meter) == asked
    for before, after in itertools.pairwise(ended):
        if after.planned.index == before.planned.index + 1 and after.start_beat > before.start_beat:
            length = after.start_beat - before.start_beat
            whole = before.planned.bar.meter.beats
            assert length == pytest.approx(whole) or length > whole  # it had stopped meanwhile
    on_notes = [message for message in rig.sink.messages if message[0] & 0xF0 == 0x90]
    off_notes = [message for message in rig.sink.messages if message[0] & 0xF0 == 0x80]
    assert abs(len(on_notes) - len(off_notes)) <= 2  # those that sound now
