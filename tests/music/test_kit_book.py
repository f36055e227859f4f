"""The kits that may be played: by name or title, the first where none is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveengine.errors import UnknownNameError
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.kit_book import KitBook

MINE = replace(GENERAL_MIDI_KIT, name="mine", title="My Kit")
OTHER = replace(GENERAL_MIDI_KIT, name="other")


def test_kits_are_found_by_any_spelling_and_none_is_the_first() -> None:
    book = KitBook(GENERAL_MIDI_KIT, [OTHER, MINE])
    assert book.of(None) is GENERAL_MIDI_KIT
    assert book.find("my-kit") is book.find("MINE") is book.of("mine") is MINE
    assert book.names == ("other", "mine", "gm")
    assert list(book) == [OTHER, MINE, GENERAL_MIDI_KIT]
    for name in ("spoons", "", "!"):
        with pytest.raises(UnknownNameError, match="is unknown; all: other, mine, gm"):
            book.find(name)


def test_the_first_takes_the_place_of_its_name() -> None:
    own = replace(MINE, channel=3)
    book = KitBook(own, [MINE, OTHER])
    assert book.names == ("mine", "other")
    assert book.find("mine") is book.first is own
