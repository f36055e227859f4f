"""System-exclusive messages without their end: what follows is heard."""

from __future__ import annotations

import pytest

from liveengine.midi.sysex import messages_in


@pytest.mark.parametrize(
    ("received", "messages"),
    [
        ([0x90, 36, 100], [[0x90, 36, 100]]),
        ([0xF8], [[0xF8]]),
        ([0xF7], []),
        ([0xF0, 1, 2, 3, 0xF7], []),
        ([0xF0, 1, 2, 3], []),
        ([0xF0, 1, 2, 0x90, 36, 100], [[0x90, 36, 100]]),
        ([0xF0, 1, 0x90, 36, 100, 0xB0, 20, 5, 0xF7], [[0x90, 36, 100], [0xB0, 20, 5]]),
        ([0xF0, 1, 0xC3, 7, 0xE0, 0, 64, 0xD0, 9], [[0xC3, 7], [0xE0, 0, 64], [0xD0, 9]]),
        ([0xF0, 1, 0xF8, 2, 0xFA, 0x80, 36, 0], [[0xF8], [0xFA], [0x80, 36, 0]]),
        ([0xF0, 1, 0xF0, 2, 0xF2, 4, 5, 0xF6], [[0xF2, 4, 5], [0xF6]]),
        ([0xF0, 1, 0x90, 36], [[0x90, 36]]),
        ([], [[]]),
    ],
)
def test_any_status_byte_ends_a_system_exclusive_message(
    received: list[int], messages: list[list[int]]
) -> None:
    assert [list(each) for each in messages_in(received)] == messages
