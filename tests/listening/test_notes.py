"""Messages of the listening port: notes, instruments, pedals, and what is no MIDI."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.listening.notes import NoteReader


@pytest.mark.parametrize(
    ("before", "struck", "instrument"),
    [
        ([], [0x90, 64, 90], "keys"),
        ([], [0x91, 36, 90], "bass"),
        ([[0xC1, 33]], [0x91, 64, 90], "bass"),
        ([[0xC2, 27]], [0x92, 64, 90], "guitar"),
        ([[0xC0, 0]], [0x90, 36, 90], "keys"),
        ([], [0x99, 36, 90], "drums"),
    ],
)
def test_an_instrument_is_told_by_channel_program_and_range(
    before: list[list[int]], struck: list[int], instrument: str
) -> None:
    reader = NoteReader()
    for message in before:
        assert reader.read(message) is None
    note = reader.read(struck)
    assert note is not None
    assert (note.instrument, note.pitch, note.velocity) == (instrument, struck[1], struck[2])


def test_notes_are_held_until_finger_and_pedal_let_go() -> None:
    reader = NoteReader()
    reader.read([0x90, 60, 80])
    reader.read([0xB0, 64, 127])
    reader.read([0x80, 60, 0])
    assert reader.held == 1
    reader.read([0xB0, 64, 0])
    assert reader.held == 0
    reader.read([0x90, 60, 80])
    reader.read([0x90, 60, 0])  # a note-on of velocity 0 lets go
    assert reader.held == 0
    reader.read([0x90, 61, 80])
    reader.read([0xB0, 123, 0])  # all notes off
    assert reader.held == 0


@pytest.mark.parametrize("message", [[0xF8], [0xF0, 1, 2, 0xF7], [0xFE], [0xE0, 0, 64], [0xD0, 4], []])
def test_what_is_not_played_is_no_note_and_no_fault(message: list[int]) -> None:
    reader = NoteReader()
    assert reader.read(message) is None
    assert reader.malformed == 0


@given(st.lists(st.integers(-5, 300), max_size=5))
def test_garbage_never_raises(message: list[int]) -> None:
    reader = NoteReader()
    reader.read(message)
    assert reader.malformed in (0, 1)


def test_garbage_is_counted() -> None:
    reader = NoteReader()
    for message in ([0x90, 60], [60, 60, 60], [0x90, 200, 3]):
        assert reader.read(message) is None
    assert reader.malformed == 3
