"""The planner by itself: what is asked for, and from where a change is heard in each switch mode."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from liveengine.music.beats import FOUR_FOUR, BeatMap
from liveengine.music.control import ControlState, SetStyle, SetValue, StateCommand
from liveengine.music.drums import Voice
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.kit_book import KitBook
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply, BarRequest, LostRequest
from liveengine.planning import gestures
from liveengine.planning.bar_builder import BarMaker
from liveengine.planning.bar_grid import BarGrid
from liveengine.planning.conductor_settings import ConductorSettings
from liveengine.planning.covering import cover_late_bars
from liveengine.planning.events import AskBar, AskRehearsal, BarDecoded, Effect, TellPlayer
from liveengine.planning.horizon import PlannedBar
from liveengine.planning.planner import Planner
from liveengine.playback.messages import Replace
from tests.rig import STYLES

BEAT_US = 500_000.0  # 120 bpm
BAR_US = 4 * BEAT_US
COMMIT_US = 45_000.0
COVER_US = 60_000.0


def written(request: BarRequest) -> Bar:
    """Return the bar of a request: its beginning, then the kick in rock and the ride in jazz on each beat."""
    voice = Voice.RIDE if request.conditioning.genres[0][0] == "jazz" else Voice.KICK
    steps = [step for step in (0, 4, 8, 12) if step >= request.from_step]
    return Bar(request.meter, (*request.prefix, *(Hit(step, voice, 0, 90) for step in steps)))


@dataclass
class Desk:
    """A planner in 4/4 whose bar 0 begins at moment 0; the test answers what it asks for."""

    planner: Planner
    effects: list[Effect]
    ended: list[PlannedBar] = field(default_factory=list)

    def requests(self) -> list[BarRequest]:
        return [effect.request for effect in self.effects if isinstance(effect, AskBar)]

    def orders(self) -> list[Replace]:
        told = [effect.message for effect in self.effects if isinstance(effect, TellPlayer)]
        return [message for message in told if isinstance(message, Replace)]

    def decoded(self) -> list[BarDecoded]:
        return [effect for effect in self.effects if isinstance(effect, BarDecoded)]

    def answer(self, request: BarRequest) -> None:
        self.planner.accept(BarReply(request.serial, written(request), 9, 20.0))

    def answer_all(self) -> list[tuple[int, int]]:
        """Answer at once all that is asked for; return (bar, from step) of each request."""
        asked = []
        while self.requests():
            request = self.requests()[-1]
            self.effects.clear()
            asked.append((request.index, request.from_step))
            self.answer(request)
        return asked

    def turn(self, command: StateCommand) -> None:
        before = self.planner.spec
        self.planner.intent = self.planner.intent.with_command(command)
        self.planner.make_anew(before)

    def be_at(self, beat: float, then_us: float = 0.0) -> None:
        """Go on to a moment; bars end on the way, and what is asked for is there at once."""
        until_us = beat * BEAT_US + then_us
        while until_us >= (bar_line_us := (self.planner.horizon.current + 1) * BAR_US):
            self.planner.now_us = bar_line_us
            ended = self.planner.horizon.finish_current()
            assert ended is not None
            self.ended.append(ended)
            self.planner.intent = self.planner.intent.at_bar(self.planner.horizon.current)
            self.planner.ask()
            self.answer_all()
        self.planner.now_us = until_us

    def strikes(self) -> list[tuple[int, int, Voice]]:
        """Return (bar, step, voice) of the bars that have ended."""
        return [(bar.index, hit.step, hit.voice) for bar in self.ended for hit in bar.bar.hits]


def desk(switch: str = "beat") -> Desk:
    """Return a planner before the first bar."""
    effects: list[Effect] = []
    planner = Planner(
        BarMaker(7),
        STYLES,
        KitBook(GENERAL_MIDI_KIT),
        ControlState("rock", switch=switch, fill_every=0),
        effects,
        settings=ConductorSettings(4.0, 7, lookahead_bars=2, cover_ms=COVER_US / 1e3),
    )
    planner.grid = BarGrid(BeatMap(0.0, 0.0, 120.0), FOUR_FOUR)
    return Desk(planner, effects)


def playing(
    switch: str = "beat", beat: float = 2.0, then_us: float = 0.0, turned: StateCommand | None = None
) -> Desk:
    """Return a planner that plays, with all planned that it plans ahead."""
    begun = desk(switch)
    if turned is not None:
        begun.planner.intent = begun.planner.intent.with_command(turned)
    begun.planner.ask()
    begun.answer_all()
    begun.planner.sounding = True
    begun.be_at(beat, then_us)
    begun.effects.clear()
    return begun


def test_bars_are_asked_for_one_by_one_as_far_as_it_plans_ahead() -> None:
    begun = desk()
    begun.planner.ask()
    begun.planner.ask()
    assert [request.index for request in begun.requests()] == [0], "one at a time"
    begun.planner.accept(BarReply(999, Bar(FOUR_FOUR, ()), 1, 1.0))
    assert begun.planner.horizon.get(0) is None, "an answer that nobody asked for is left out"
    assert begun.answer_all() == [(0, 0), (1, 0), (2, 0)]
    assert begun.orders() == [], "before it sounds the player is told nothing"
    begun.planner.sounding = True
    begun.planner.ask()
    rehearsed = [effect for effect in begun.effects if isinstance(effect, AskRehearsal)]
    assert [request.index for request in rehearsed[0].requests] == [1, 1]
    begun.be_at(4.0)
    assert begun.planner.horizon.missing() is None
    assert begun.planner.horizon.get(3) is not None


@pytest.mark.parametrize(
    ("switch", "beat", "then_us", "begins"),
    [
        ("instant", 2.0, 0.0, (0, 9)),  # 45 ms are committed: step 8 is due now
        ("instant", 2.1, 0.0, (0, 9)),
        ("instant", 2.25, 0.0, (0, 10)),
        ("beat", 2.0, 0.0, (0, 12)),
        ("beat", 3.0, -COMMIT_US - 1, (0, 12)),
        ("beat", 3.0, -COMMIT_US + 1, (1, 0)),
        ("bar", 2.0, 0.0, (1, 0)),
        ("bar", 4.0, -COMMIT_US - 1, (1, 0)),
        ("bar", 4.0, -COMMIT_US + 1, (2, 0)),
        ("phrase_4", 2.0, 0.0, (4, 0)),
        ("phrase_4", 16.0, -COMMIT_US + 1, (8, 0)),
        ("phrase", 2.0, 0.0, (8, 0)),
        ("phrase", 32.0, -COMMIT_US - 1, (8, 0)),
    ],
)
def test_each_switch_mode_has_its_place_from_which_a_change_is_heard(
    switch: str, beat: float, then_us: float, begins: tuple[int, int]
) -> None:
    it = playing(switch, beat, then_us)
    it.turn(SetStyle("jazz"))
    it.answer_all()
    it.be_at(4.0 * (begins[0] + 2))
    assert it.strikes() == [
        (bar, step, Voice.KICK if (bar, step) < begins else Voice.RIDE)
        for bar in range(begins[0] + 2)
        for step in (0, 4, 8, 12)
    ]
    turned = next(bar for bar in it.ended if bar.style.name == "jazz")
    assert (turned.index, turned.parts[-1][0]) == begins


def test_the_new_rest_is_sent_and_told_from_when_it_is_heard() -> None:
    it = playing()
    it.turn(SetStyle("jazz"))
    request = it.requests()[0]
    assert [hit.step for hit in request.prefix] == [0, 4, 8]
    it.planner.now_us += 30_000
    it.effects.clear()
    it.answer(request)
    order, decoded = it.orders()[0], it.decoded()[0]
    assert (order.bar, order.step) == (0, 12)
    assert [(hit.beat, hit.note) for hit in order.hits[:2]] == [(3.0, 51), (4.0, 36)]
    assert (decoded.step, decoded.replanned) == (12, True)
    # Nothing of the old plan is due within the 4 ms that an order takes: it holds from then on.
    assert decoded.from_us == it.planner.now_us + 4_000
    assert decoded.planned.waited_ms == pytest.approx(30.0)
    assert decoded.planned.allowed_ms is None, "the old rest plays until the new one is there"
    assert it.planner.commit.ms == pytest.approx(30.0 + 6.0)


@pytest.mark.parametrize(("after_us", "joins"), [(470_000, 12), (600_000, 13), (970_000, 16), (999_000, 16)])
def test_a_rest_that_comes_late_joins_at_the_next_step_and_too_late_the_old_plays_on(
    after_us: float, joins: int
) -> None:
    it = playing()
    old = it.planner.horizon.get(0)
    assert old is not None
    it.turn(SetStyle("jazz"))
    request = it.requests()[0]
    it.planner.now_us += after_us  # since beat 2
    it.effects.clear()
    it.answer(request)
    found = it.planner.horizon.get(0)
    assert found is not None
    assert found.stale_from is None
    if joins == 16:
        assert found == replace(old, stale_from=None)
        assert it.orders() == []
    else:
        assert (it.orders()[0].bar, it.orders()[0].step) == (0, joins)
        assert found.parts == ((0, old.serial), (joins, request.serial))


def test_what_is_turned_while_a_rest_is_being_made_is_heard_after_it() -> None:
    it = playing()
    it.turn(SetStyle("jazz"))
    first = it.requests()[0]
    it.turn(SetValue("density", 0.9))
    assert it.requests() == [first], "the rest on its way is of use"
    it.answer(first)
    playing_now = it.planner.horizon.get(0)
    assert playing_now is not None
    assert playing_now.style.name == "jazz"
    again = it.requests()[-1]
    assert (again.index, again.from_step, again.conditioning.density) == (0, 12, 0.9)
    it.answer_all()
    assert it.planner.horizon.missing() is None
    densities = [bar.conditioning.density for bar in it.planner.horizon.from_bar(0)]
    assert densities == [0.9, 0.9, 0.9]


def test_a_whole_bar_on_its_way_gives_way_and_a_lost_one_is_asked_for_as_it_is_wished_by_now() -> None:
    it = playing("bar")
    it.turn(SetStyle("jazz"))
    it.turn(SetValue("density", 0.9))
    first, second = it.requests()
    assert [(each.index, each.conditioning.density) for each in (first, second)] == [(1, None), (1, 0.9)]
    assert first.seed != second.seed
    it.planner.lost(LostRequest(first.serial))
    assert len(it.requests()) == 2, "nobody waits for that one any more"
    it.planner.lost(LostRequest(second.serial))
    third = it.requests()[-1]
    assert (third.index, third.conditioning, third.seed) == (1, second.conditioning, second.seed)
    assert third.serial > second.serial


def test_a_bar_that_cannot_be_made_is_covered_at_once_and_the_next_one_asked_for() -> None:
    it = playing("bar")
    it.planner.now_us = BAR_US
    assert it.planner.horizon.finish_current() is not None
    it.planner.intent = it.planner.intent.at_bar(it.planner.horizon.current)
    it.planner.ask()
    request = it.requests()[-1]
    assert it.planner.horizon.get(request.index) is None
    it.effects.clear()
    it.planner.lost(LostRequest(request.serial, cannot_be_made=True))
    covered = it.planner.horizon.get(request.index)
    assert covered is not None
    assert covered.fallback
    assert it.orders()[-1].bar == request.index
    assert all(each.index > request.index for each in it.requests()), "it is not asked for again"


def test_a_rest_that_cannot_be_made_leaves_the_old_one() -> None:
    it = playing("beat")
    it.turn(SetStyle("jazz"))
    request = it.requests()[-1]
    assert request.from_step > 0
    before = it.planner.horizon.get(request.index)
    it.planner.lost(LostRequest(request.serial, cannot_be_made=True))
    kept = it.planner.horizon.get(request.index)
    assert before is not None
    assert kept is not None
    assert kept.hits == before.hits
    assert kept.stale_from is None
    assert it.requests()[-1].index == request.index + 1


@pytest.mark.parametrize(
    ("turned", "lead_us"),
    [
        # What covers it must be there, the most of jitter, and the earliest micro-timing: 1/8 beat.
        (None, COVER_US + 15_000 + BEAT_US / 8),
        (SetValue("push_kick", -20.0), COVER_US + 15_000 + BEAT_US / 8 + 20_000),
        (SetValue("push_kick", 20.0), COVER_US + 15_000 + BEAT_US / 8),
        (SetValue("latency_ms", 30.0), COVER_US + 15_000 + BEAT_US / 8 + 30_000),
        (SetValue("latency_ms", -30.0), COVER_US + 15_000 + BEAT_US / 8),
    ],
)
def test_a_bar_that_is_late_is_covered_just_before_its_first_hits_are_due(
    turned: StateCommand | None, lead_us: float
) -> None:
    it = playing()
    if turned is not None:
        it.planner.intent = it.planner.intent.with_command(turned)
    it.planner.horizon.forget_from(1)
    it.be_at(4.0, -lead_us - 1)
    cover_late_bars(it.planner)
    assert it.planner.horizon.get(1) is None
    it.be_at(4.0, -lead_us)
    cover_late_bars(it.planner)
    covered = it.planner.horizon.get(1)
    assert covered is not None
    assert covered.fallback
    assert [(order.bar, order.step, len(order.hits)) for order in it.orders()] == [(1, 0, 4)]


@pytest.mark.parametrize(
    ("push_ms", "beat", "then_us", "first"),
    [
        (0.0, 1.9, 0.0, 8),
        (0.0, 2.0, -2_000, 9),  # struck before an order could reach the player
        (20.0, 2.0, 2_000, 8),  # pulled: its place has passed, and it has not been struck
        (20.0, 2.0, 18_000, 9),
    ],
)
def test_a_level_is_sent_with_the_next_hit_that_it_can_still_reach(
    push_ms: float, beat: float, then_us: float, first: int
) -> None:
    it = playing("beat", beat, then_us, SetValue("push_kick", push_ms))
    it.planner.intent = it.planner.intent.with_command(SetValue("level_kick", 0.5))
    gestures.send_open(it.planner)
    assert it.requests() == []
    order = it.orders()[0]
    assert (order.bar, order.step) == (0, first)
    sent = [(hit.bar, hit.step) for hit in order.hits]
    assert sent == [(bar, step) for bar in range(3) for step in (0, 4, 8, 12) if (bar, step) >= (0, first)]
    assert {(hit.offset_ms, hit.level) for hit in order.hits} == {(push_ms, 0.5)}


def test_controls_taken_over_come_at_once_or_with_a_bar() -> None:
    jazz = replace(desk().planner.controls, style="jazz", switch="bar")
    at_once = playing("beat")
    assert at_once.planner.take_over(replace(jazz, switch="beat"))
    assert at_once.planner.style.name == "jazz"
    later = playing("bar")
    assert not later.planner.take_over(jazz)
    assert later.planner.style.name == "rock"
    assert [request.conditioning.genres[0][0] for request in later.requests()] == ["jazz"]
    later.answer_all()
    later.be_at(4.5)
    assert later.planner.style.name == "jazz"
    later.be_at(8.0)
    assert [voice for _, _, voice in later.strikes()] == [Voice.KICK] * 4 + [Voice.RIDE] * 4
