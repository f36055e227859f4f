"""The horizon: what is missing or stale, what is kept of what has played, and bars cut and put together."""

from __future__ import annotations

import pytest

from liveengine.music.beats import FOUR_FOUR
from liveengine.music.control import ControlState, SetToggle, SetValue, apply
from liveengine.music.drums import Voice
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply
from liveengine.planning.bar_builder import BarMaker, BarSpec
from liveengine.planning.horizon import PAST_BARS, Horizon, PlannedBar, levelled
from tests.rig import STYLES

ROCK = BarSpec(STYLES.find("rock"), ControlState("rock"))
JAZZ = BarSpec(STYLES.find("jazz"), ControlState("jazz"))
BEATS = (0, 4, 8, 12)
KICK, SNARE = 36, 38


def planned(
    index: int, *, maker: BarMaker | None = None, velocity: int = 90, spec: BarSpec = ROCK
) -> PlannedBar:
    """Return a bar with the kick on each beat and the snare on 2 and 4."""
    maker = maker or BarMaker(7)
    hits = [Hit(step, Voice.KICK, 0, velocity) for step in BEATS]
    hits += [Hit(step, Voice.SNARE, 0, velocity) for step in (4, 12)]
    request = maker.request(index, 0, spec, bpm=120.0, context=())
    reply = BarReply(request.serial, Bar(FOUR_FOUR, tuple(sorted(hits))), 9, 1.0)
    return maker.planned(request, reply, spec, ControlState("rock", humanize=0.0))


def filled(count: int, lookahead_bars: int = 2) -> Horizon:
    horizon = Horizon(lookahead_bars)
    for index in range(count):
        horizon.put(planned(index))
    return horizon


def stale(horizon: Horizon, count: int) -> list[int | None]:
    """Return from where the first bars are stale."""
    return [found.stale_from for index in range(count) if (found := horizon.get(index)) is not None]


def test_the_first_gap_within_the_lookahead_is_missing() -> None:
    horizon = Horizon(2)
    assert horizon.missing() == (0, 0)
    horizon.put(planned(0))
    horizon.put(planned(2))
    assert horizon.missing() == (1, 0)
    assert [each.index for each in horizon.from_bar(0)] == [0]
    horizon.put(planned(1))
    assert horizon.missing() is None, "nothing is planned beyond the lookahead"
    assert [each.index for each in horizon.from_bar(1)] == [1, 2]
    horizon.finish_current()
    assert horizon.missing() == (3, 0)


def test_what_is_stale_is_made_again_but_kept_until_then() -> None:
    horizon = filled(3)
    horizon.make_stale(1, 6)
    assert stale(horizon, 3) == [None, 6, 0]
    assert horizon.missing() == (1, 6)
    assert [each.index for each in horizon.from_bar(0)] == [0, 1, 2]
    horizon.make_stale(1, 9)
    assert stale(horizon, 3) == [None, 6, 0], "what was stale before stays so"
    horizon.make_stale(0, 4)
    assert stale(horizon, 3) == [4, 0, 0]
    horizon.settle_current()
    assert stale(horizon, 3) == [None, 0, 0]
    horizon.put(planned(1))
    assert horizon.missing() == (2, 0)


def test_forgetting_leaves_what_lies_before() -> None:
    horizon = filled(4, lookahead_bars=3)
    horizon.forget_from(2)
    assert [each.index for each in horizon.from_bar(0)] == [0, 1]
    assert horizon.get(3) is None
    assert horizon.missing() == (2, 0)


def test_bars_that_have_played_are_kept_as_far_as_any_bar_is_written_from() -> None:
    horizon = filled(30)
    for index in range(20):
        ended = horizon.finish_current()
        assert ended is not None
        assert ended.index == index
    assert horizon.current == 20
    assert horizon.get(19) is None
    assert [each.index for each in horizon.played()] == list(range(20 - PAST_BARS, 21))
    # Bar 20 is the fifth of the third phrase, whose bars are written from the second phrase on.
    for index in (20, 22, 23):
        context = horizon.context_for(index, "rock")
        expected = [each.serial for each in horizon.played() if each.index >= 8][:12]
        assert [each.serial for each in context[:12]] == expected
        assert len(context) == index - 8
    assert len(horizon.context_for(24, "rock")) == 24 - 16
    horizon.forget_from(21)
    assert [each.bar for each in horizon.context_for(24, "rock")[-1:]] == [planned(20).bar]


def test_a_bar_that_was_never_there_leaves_nothing_when_it_ends() -> None:
    horizon = filled(1)
    horizon.finish_current()
    assert horizon.finish_current() is None
    assert horizon.current == 2
    assert [each.index for each in horizon.played()] == [0]


def test_hits_are_addressed_in_session_beats_as_loud_as_the_controls_let_them_be() -> None:
    bar, controls = planned(3), ControlState("rock")
    full = list(bar.planned_hits(16.0, GENERAL_MIDI_KIT, controls))
    assert [(hit.beat, hit.note) for hit in full if hit.note == SNARE] == [(17.0, SNARE), (19.0, SNARE)]
    assert [hit.beat for hit in full if hit.note == KICK] == [16.0, 17.0, 18.0, 19.0]
    assert {hit.bar for hit in full} == {3}
    came = [hit.provenance for hit in full]
    assert {(each.decode_id, each.line_beat, each.style) for each in came} == {(bar.serial, 16.0, "rock")}
    assert [hit.step for hit in bar.planned_hits(16.0, GENERAL_MIDI_KIT, controls, 8)] == [8, 12, 12]
    controls = apply(apply(controls, SetToggle("mute_kick", True)), SetValue("level_snare", 0.5))
    turned = list(bar.planned_hits(16.0, GENERAL_MIDI_KIT, controls))
    whole = [hit.velocity for hit in full if hit.note == SNARE]
    assert [(hit.note, hit.velocity, hit.level) for hit in turned] == [
        (SNARE, round(velocity / 2), 0.5) for velocity in whole
    ]


def test_a_style_begins_with_a_groove_of_its_own() -> None:
    horizon = filled(4, lookahead_bars=9)
    for index in (4, 5):
        horizon.put(planned(index, spec=JAZZ))
    assert horizon.context_for(6, "rock") == ()
    jazz = [horizon.get(index) for index in (4, 5)]
    assert [each.serial for each in horizon.context_for(6, "jazz")] == [each.serial for each in jazz if each]
    horizon.put(planned(6))
    assert len(horizon.context_for(7, "rock")) == 1, "the rock before the jazz is over"


def test_no_bar_follows_one_that_was_begun_in_another_style() -> None:
    horizon, maker = filled(4, lookahead_bars=9), BarMaker(7)
    mixed = planned(3, maker=maker).spliced(planned(3, maker=maker, spec=JAZZ), 8, serial=99)
    again = mixed.spliced(planned(3, maker=maker, spec=JAZZ), 12, serial=100)
    for each in (mixed, again):
        horizon.put(each)
        assert horizon.context_for(4, "jazz") == ()
    horizon.put(planned(3, maker=maker).spliced(planned(3, maker=maker, spec=JAZZ), 0, serial=101))
    assert len(horizon.context_for(4, "jazz")) == 1


@pytest.mark.parametrize(("velocity", "level", "heard"), [(100, 1.5, 127), (100, 0.4, 40), (2, 0.1, 1)])
def test_a_level_stays_within_what_midi_can_say(velocity: int, level: float, heard: int) -> None:
    assert levelled(velocity, level) == heard


def test_a_bar_put_together_has_the_hits_the_feel_and_the_decodes_of_both_parts() -> None:
    maker = BarMaker(7)
    before, newer = planned(0, maker=maker, velocity=60), planned(0, maker=maker, velocity=110)
    whole = before.spliced(newer, 8, serial=99)
    assert whole.serial == 99
    assert [(hit.step, hit.velocity) for hit in whole.bar.hits] == [
        (0, 60), (4, 60), (4, 60), (8, 110), (12, 110), (12, 110)
    ]  # fmt: skip
    assert whole.parts == ((0, before.serial), (8, newer.serial))
    assert whole.hits == before.hits[:3] + newer.hits[3:]
    assert whole.grooves == before.grooves + newer.grooves
    heard = whole.planned_hits(0.0, GENERAL_MIDI_KIT, ControlState("rock"))
    assert [hit.provenance.decode_id for hit in heard] == [before.serial] * 3 + [newer.serial] * 3
    again = whole.spliced(before, 4, serial=100)
    assert again.parts == ((0, before.serial), (4, before.serial))
    assert again.grooves == before.grooves, "a groove that none of its hits has is not kept"
    silent = whole.cut(4, serial=101)
    assert [hit.step for hit in silent.bar.hits] == [hit.step for hit in silent.hits] == [0]
    assert silent.parts == ((0, before.serial), (4, 101))
