"""What can be undone: turn by turn, a long turn of one control as one."""

from __future__ import annotations

import pytest

from liveengine.music.control import ControlState
from liveengine.planning.intent import Intent
from liveengine.planning.undo import ONE_TURN_US, UNDO_KEPT, UndoEntry, UndoStack


def turned(control: str, at_us: float, density: float = 0.5, *, ends: bool = False) -> UndoEntry:
    return UndoEntry(Intent(ControlState("rock", density=density)), None, control, at_us, ends=ends)


def density_of(entry: UndoEntry | None) -> float | None:
    assert entry is not None
    return entry.intent.controls.density


def test_a_control_that_is_turned_on_and_on_goes_back_to_where_it_was_first() -> None:
    stack = UndoStack()
    for step in range(50):  # for longer than one turn lasts, never resting so long
        stack.remember(turned("density", step * 0.4 * ONE_TURN_US, density=step / 50))
    assert density_of(stack.take_back()) == 0.0
    assert stack.take_back() is None


@pytest.mark.parametrize(
    ("control", "after_us"), [("density", ONE_TURN_US), ("energy", 1_000.0)], ids=["after a rest", "another"]
)
def test_a_rest_or_another_control_is_a_turn_of_its_own(control: str, after_us: float) -> None:
    stack = UndoStack()
    stack.remember(turned("density", 0.0, density=0.1))
    stack.remember(turned(control, after_us, density=0.2))
    assert density_of(stack.take_back()) == 0.2
    assert density_of(stack.take_back()) == 0.1
    assert stack.take_back() is None


def test_what_was_to_end_is_forgotten_and_nothing_else() -> None:
    stack = UndoStack()
    for place, (control, ends) in enumerate([("style", False), ("end", True), ("energy", False)]):
        stack.remember(turned(control, place * 2 * ONE_TURN_US, ends=ends))
    stack.forget_endings()
    assert [entry.control for entry in (stack.take_back(), stack.take_back()) if entry] == ["energy", "style"]
    assert stack.take_back() is None


def test_the_oldest_turns_are_forgotten_also_after_an_ending() -> None:
    stack = UndoStack()
    stack.forget_endings()
    for place in range(UNDO_KEPT + 10):
        stack.remember(turned(f"control {place}", 0.0))
    kept = []
    while entry := stack.take_back():
        kept.append(entry.control)
    assert kept == [f"control {place}" for place in reversed(range(10, UNDO_KEPT + 10))]
