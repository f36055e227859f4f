"""A session in which anybody does anything: it goes on in time, and no note hangs or is lost."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liveengine.music.control import (
    ACTIONS,
    CHOICES,
    RANGES,
    TOGGLES,
    ControlState,
    JumpToMarker,
    RecallScene,
    SaveScene,
    SetBlendStyle,
    SetChoice,
    SetSeed,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.drums import Voice
from liveengine.music.kit_commands import StrikePad, articulation_named
from liveengine.music.pattern import Hit
from liveengine.music.scene import Scene, SetEntry, SetList
from liveengine.planning.events import BarEnded
from tests.rig import Rig

MakeRig = Callable[..., Rig]
Act = Callable[[Rig], None]
FULL = Scene("full", ControlState("jazz", density=0.9, fill_every=4))
WALTZ = Scene("waltz", ControlState("loose", time_signature="3/4", half_time=True), program=3)
SET = SetList("a set", (SetEntry(FULL, bar=2), SetEntry(WALTZ, after=3, morph_bars=2)))
NAMES = st.sampled_from(["rock", "jazz", "loose"])
VOICES = st.sampled_from(list(Voice))
ROCK = tuple(
    sorted(
        [Hit(step, Voice.CLOSED_HAT, step % 3 - 1, 60 + step) for step in range(16)]
        + [Hit(step, Voice.KICK, 0, 100) for step in (0, 7, 8, 15)]
        + [Hit(step, Voice.SNARE, 2, 110) for step in (4, 12)]
        + [Hit(0, Voice.CRASH, 0, 110), Hit(14, Voice.OPEN_HAT, 0, 90)]
    )
)
NOTE_OFF, NOTE_ON = 0x80, 0x90


def values() -> st.SearchStrategy[SetValue]:
    """Return any number in its range; latencies are those of instruments."""

    def of(name: str) -> st.SearchStrategy[SetValue]:
        low, high = (-60.0, 60.0) if name == "latency_ms" else RANGES[name]
        return st.floats(low, high).map(lambda value: SetValue(name, value))

    return st.sampled_from(list(RANGES)).flatmap(of)


def choices() -> st.SearchStrategy[SetChoice]:
    return st.sampled_from([(name, word) for name, words in CHOICES.items() for word in words]).map(
        lambda each: SetChoice(*each)
    )


COMMANDS = st.one_of(
    values(),
    choices(),
    st.builds(SetToggle, st.sampled_from(TOGGLES), st.booleans()),
    st.builds(SetStyle, NAMES),
    st.builds(SetBlendStyle, NAMES | st.none()),
    st.builds(SetSeed, st.integers(0, 9)),
    st.builds(RecallScene, st.sampled_from(["full", "waltz", "nobody's"]), st.sampled_from([0, 1, 3])),
    st.builds(SaveScene, st.sampled_from(["full", "mine"])),
    st.builds(JumpToMarker, st.just("chorus")),
    st.builds(DrawStroke, st.integers(0, 30), st.integers(0, 19), VOICES, st.integers(1, 127), st.booleans()),
    st.builds(EraseStroke, st.integers(0, 30), st.integers(0, 15), VOICES),
    st.just(StrikePad(articulation_named("kick", "test"), 100, None)),
    st.sampled_from([each for each in ACTIONS if not each.startswith("capture")]).map(TriggerAction),
)


def posted(command: object) -> Act:
    return lambda rig: rig.session.post(command)  # type: ignore[arg-type]


def jumped(beats: float) -> Act:
    def act(rig: Rig) -> None:
        rig.timeline.jump_to(rig.timeline.state().beat_map.beat_at(rig.timeline.now_us()) + beats)

    return act


def struck_beside(seed: int) -> Act:
    def act(rig: Rig) -> None:
        dice = random.Random(seed)
        for _ in range(dice.randint(1, 10)):
            rig.session.ears.hear([NOTE_ON | 1, 40, dice.randint(1, 127)], rig.timeline.now_us())
            rig.run(dice.choice([0.06, 0.125, 0.25]))

    return act


def stuck(stands_still: bool) -> Act:
    def act(rig: Rig) -> None:
        rig.source.stuck = stands_still

    return act


ACTS: st.SearchStrategy[Act] = st.one_of(
    *[COMMANDS.map(posted)] * 6,
    st.sampled_from([20.0, 60.0, 133.0, 240.0, 999.0]).map(
        lambda bpm: lambda rig: rig.timeline.set_tempo(bpm)
    ),
    st.sampled_from([-9.0, -0.3, 0.4, 1.0, 7.3]).map(jumped),
    st.booleans().map(lambda playing: lambda rig: rig.timeline.set_playing(playing)),
    st.integers(0, 99).map(struck_beside),
    st.booleans().map(stuck),
    st.just(lambda rig: rig.source.die()),
)


def come_back(rig: Rig) -> None:
    """Turn off what would keep it from playing on, and let it play."""
    rig.source.stuck = False
    rig.timeline.set_tempo(120.0)
    for command in (
        TriggerAction("unlock"),
        TriggerAction("clear_drawing"),
        SetChoice("switch", "beat"),
        SetChoice("jam", "off"),
        SetValue("count_in", 0.0),
    ):
        rig.session.post(command)
    for _ in range(2):  # an ending that was still to come has come
        rig.timeline.set_playing(True)
        rig.session.post(TriggerAction("start"))
        rig.run(24.0)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ACTS, st.sampled_from([0.01, 0.2, 0.7, 2.0])), max_size=25), st.booleans())
def test_whatever_is_done_it_goes_on_and_no_note_hangs_or_is_lost(
    make_rig: MakeRig, acts: list[tuple[Act, float]], has_set: bool
) -> None:
    rig = make_rig(style="loose", scenes=(FULL, WALTZ), set_list=SET if has_set else None)
    rig.source.written, rig.source.rehearses = ROCK, True
    ended: list[BarEnded] = []
    rig.watch_bars(ended.append)
    for act, seconds in acts:
        act(rig)
        rig.run(seconds)
    come_back(rig)
    conductor, before = rig.conductor, len(ended)
    assert conductor.sounding
    rig.run(12.0)
    last = ended[before:]
    assert len(last) >= 2
    assert not any(each.planned.fallback or each.planned.late for each in last)
    assert {str(each.planned.bar.meter) for each in last} == {conductor.controls.time_signature}
    for one, other in itertools.pairwise(last):
        assert other.start_beat == pytest.approx(one.start_beat + one.planned.bar.meter.beats)
    assert all(hit.step < each.planned.bar.meter.steps for each in last for hit in each.planned.hits)
    assert conductor.plan.intent.pending is None
    rig.session.end()
    rig.note_sent()
    assert rig.record.dropped["lost"] == 0
    moments = [at_us for at_us, _ in rig.sent]
    assert moments == sorted(moments)
    sounding: Counter[tuple[int, int]] = Counter()
    for _, message in rig.sent:
        if message[0] & 0xF0 in (NOTE_ON, NOTE_OFF):
            sounding[message[0] & 0x0F, message[1]] = int(message[0] & 0xF0 == NOTE_ON)
    assert not +sounding
