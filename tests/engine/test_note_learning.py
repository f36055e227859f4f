"""The next note of the control port, for who waits: it turns nothing, and then notes are what they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from liveengine.engine.note_learning import NoteLearning, StruckNote
from liveengine.music.control_map import Binding, ControlMap
from tests.rig import Rig


@pytest.mark.parametrize(
    "message", [(0x99,), (0x99, 40), (0x99, 200, 90), (0xB9, 40, 90), (0x99, 40, 0), (0x89, 40, 0), (0xF8,)]
)
def test_only_a_note_that_is_struck_is_taken(message: tuple[int, ...]) -> None:
    learning, heard = NoteLearning(), list[StruckNote]()
    with learning.waiting(heard.append):
        assert not learning.takes(message)
    assert heard == []


def test_one_note_is_taken_with_its_end_and_told_to_all_who_wait() -> None:
    learning, one, other = NoteLearning(), list[StruckNote](), list[StruckNote]()
    with learning.waiting(one.append), learning.waiting(other.append):
        assert learning.takes((0x99, 40, 96))
        assert not learning.takes((0x99, 41, 96))
    assert one == other == [StruckNote(10, 40, 96)]
    assert not learning.takes((0x89, 41, 0))
    assert learning.takes((0x99, 40, 0))
    assert not learning.takes((0x89, 40, 0))


def test_who_has_given_up_gets_nothing(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(control_map=ControlMap((Binding("note", 40, "mute_kick"),)))
    heard = list[StruckNote]()
    with rig.session.notes.waiting(heard.append):
        pass
    rig.session.receive((0x90, 40, 90))
    rig.run(0.01)
    assert heard == []
    assert rig.conductor.controls.muted
    rig.session.receive((0x80, 40, 0))
    with rig.session.notes.waiting(heard.append):
        rig.session.receive((0x90, 40, 90))
        rig.run(0.01)
    assert heard == [StruckNote(1, 40, 90)]
    assert not any(rig.conductor.controls.muted)
