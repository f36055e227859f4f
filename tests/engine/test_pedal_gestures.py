"""What a foot does with a switch: taps, double taps, holds, and a contact that bounces."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.engine.pedal_gestures import BOUNCE_S, DOUBLE_S, HOLD_S, LONG_S, PedalGestures
from liveengine.music.control import TriggerAction
from liveengine.music.control_map import GESTURES, GestureBinding, done

DOES = {"tap": "fill", "double": "unlock", "hold": "next_scene", "long": "stop"}
TICK_S = 0.005
PEDAL = ("cc", 64, 1)


def bound(*hows: str) -> GestureBinding:
    """Return a pedal with these gestures."""
    return GestureBinding("cc", 64, tuple((how, TriggerAction(DOES[how])) for how in GESTURES if how in hows))


def played(hows: str, moves: Sequence[tuple[float, bool]], until_s: float = 4.0) -> list[tuple[float, str]]:
    """Return when a pedal that is moved so does what, asked every 5 ms."""
    pedals, binding = PedalGestures(), bound(*hows.split())
    back = {action: how for how, action in DOES.items()}
    waiting = sorted(moves, key=lambda move: move[0])
    acts: list[tuple[float, str]] = []
    for tick in range(round(until_s / TICK_S) + 1):
        now_s = tick * TICK_S
        while waiting and waiting[0][0] <= now_s + 1e-9:
            _, is_down = waiting.pop(0)
            pedals.moved(PEDAL, binding, is_down, now_s)
        acts += [(now_s, back[done(command)]) for command in pedals.due(now_s)]
    return acts


def assert_same(acts: Sequence[tuple[float, str]], expected: Sequence[tuple[float, str]]) -> None:
    """Compare what was done, and when, to the step."""
    assert [how for _, how in acts] == [how for _, how in expected]
    assert [at_s for at_s, _ in acts] == pytest.approx([at_s for at_s, _ in expected], abs=TICK_S * 1.01)


def strike(*downs_s: float, for_s: float = 0.1) -> list[tuple[float, bool]]:
    """Return the moves of a foot that goes down at these moments, each time for so long."""
    return [move for down_s in downs_s for move in ((down_s, True), (down_s + for_s, False))]


@pytest.mark.parametrize(
    ("hows", "moves", "acts"),
    [
        # A tap alone acts when the pedal goes down, however long it stays there.
        ("tap", strike(1.0), [(1.0, "tap")]),
        ("tap", strike(1.0, for_s=2.0), [(1.0, "tap")]),
        ("tap", strike(1.0, 1.2, 1.4), [(1.0, "tap"), (1.2, "tap"), (1.4, "tap")]),
        # Where a hold is bound, it acts on release.
        ("tap hold", strike(1.0), [(1.1, "tap")]),
        ("tap long", strike(1.0), [(1.1, "tap")]),
        ("tap hold", strike(1.0, for_s=0.45), [(1.45, "tap")]),
        # Where a double tap is bound, it acts once no second one can come.
        ("tap double", strike(1.0), [(1.3, "tap")]),
        ("tap double", strike(1.0, for_s=2.0), [(1.3, "tap")]),
        ("tap double hold", strike(1.0), [(1.3, "tap")]),
        ("tap double hold", strike(1.0, for_s=0.4), [(1.4, "tap")]),
        # A double tap acts with its second press, which becomes nothing else.
        ("tap double hold long", strike(1.0, 1.25), [(1.25, "double")]),
        ("tap double hold long", [*strike(1.0), *strike(1.25, for_s=2.0)], [(1.25, "double")]),
        ("tap double", strike(1.0, 1.35), [(1.3, "tap"), (1.65, "tap")]),
        ("tap double", strike(1.0, 1.2, 1.4), [(1.2, "double"), (1.7, "tap")]),
        ("tap double", strike(1.0, 1.2, 1.4, 1.6), [(1.2, "double"), (1.6, "double")]),
        ("double", strike(1.0, 2.0), []),
        # A hold acts while the pedal is down, and letting go does nothing more.
        ("tap double hold", strike(1.0, for_s=0.6), [(1.5, "hold")]),
        ("hold", strike(1.0), []),
        ("tap hold", [*strike(1.0, for_s=0.6), *strike(1.65)], [(1.5, "hold"), (1.75, "tap")]),
        # A long hold comes on top of it.
        ("tap hold long", strike(1.0, for_s=2.0), [(1.5, "hold"), (2.5, "long")]),
        ("tap hold long", strike(1.0, for_s=1.4), [(1.5, "hold")]),
        ("tap long", strike(1.0, for_s=2.0), [(2.5, "long")]),
        # Neither a tap nor long enough: nobody meant anything.
        ("tap long", strike(1.0, for_s=0.8), []),
    ],
)
def test_what_a_foot_does(hows: str, moves: list[tuple[float, bool]], acts: list[tuple[float, str]]) -> None:
    assert_same(played(hows, moves), acts)


@pytest.mark.parametrize("hows", ["tap", "tap hold", "tap double", "tap double hold long", "hold", "long"])
@pytest.mark.parametrize("for_s", [0.1, 0.6, 1.8])
def test_contacts_that_bounce_both_ways_do_what_clean_ones_do(hows: str, for_s: float) -> None:
    clean = strike(1.0, for_s=for_s)
    up_s = 1.0 + for_s
    down = [(1.005, False), (1.01, True), (1.015, False), (1.015, True)]
    up = [(up_s + 0.005, True), (up_s + 0.01, False), (up_s + 0.015, True), (up_s + 0.015, False)]
    bouncing = [*clean, *down, *up]
    assert played(hows, bouncing) == played(hows, clean)


def test_a_pad_that_is_let_go_at_once_is_tapped() -> None:
    assert_same(played("tap hold", strike(1.0, for_s=0.0)), [(1.0 + BOUNCE_S, "tap")])


def test_a_pedal_between_its_ends_goes_down_once() -> None:
    halfway = [(1.0, True), (1.05, True), (1.1, True), (1.6, True), (1.7, False), (1.75, False)]
    assert_same(played("tap hold", halfway), [(1.5, "hold")])


def test_two_pedals_at_once_are_two_feet() -> None:
    pedals, binding = PedalGestures(), bound("tap", "double", "hold")
    left, right = ("cc", 64, 1), ("cc", 64, 2)
    pedals.moved(left, binding, True, 0.0)
    pedals.moved(right, binding, True, 0.2)
    pedals.moved(right, binding, False, 0.25)
    assert pedals.due(0.3) == []
    assert pedals.due(0.5) == [TriggerAction("next_scene"), TriggerAction("fill")]
    pedals.moved(left, binding, False, 0.55)
    assert pedals.due(2.0) == []


def test_what_was_due_before_a_message_is_done_though_nobody_asked() -> None:
    pedals, binding = PedalGestures(), bound("tap", "double", "hold")
    pedals.moved(PEDAL, binding, True, 0.0)
    pedals.moved(PEDAL, binding, False, 0.501)  # the hold was due between two steps
    pedals.moved(PEDAL, binding, True, 1.0)
    pedals.moved(PEDAL, binding, False, 1.1)
    pedals.moved(PEDAL, binding, True, 1.301)  # too late for a double tap
    assert pedals.due(1.302) == [TriggerAction("next_scene"), TriggerAction("fill")]


def test_what_is_forgotten_does_nothing() -> None:
    pedals, binding = PedalGestures(), bound("tap", "hold")
    pedals.moved(PEDAL, binding, True, 0.0)
    pedals.forget()
    assert pedals.due(2.0) == []
    pedals.moved(PEDAL, binding, False, 2.1)
    assert pedals.due(3.0) == []


def test_the_figures_leave_room_for_each_other() -> None:
    assert BOUNCE_S < DOUBLE_S / 4
    assert DOUBLE_S < HOLD_S < LONG_S / 2


@given(
    st.lists(st.floats(0.0, 2.0), max_size=30),
    st.lists(st.sampled_from(GESTURES), min_size=1, unique=True),
)
def test_whatever_a_foot_does_a_press_has_one_meaning_and_all_ends(
    pauses: list[float], hows: list[str]
) -> None:
    pedals, binding, now_s = PedalGestures(), bound(*hows), 0.0
    acts: list[str] = []
    for place, pause_s in enumerate(pauses):
        now_s += pause_s
        pedals.moved(PEDAL, binding, place % 2 == 0, now_s)
        acts += [done(command) for command in pedals.due(now_s)]
    pedals.moved(PEDAL, binding, False, now_s + 1)
    acts += [done(command) for command in pedals.due(now_s + 2)]
    presses = (len(pauses) + 1) // 2
    assert len([each for each in acts if each != DOES["long"]]) <= presses
    assert acts.count(DOES["long"]) <= presses
    assert pedals.due(now_s + 100) == []
