"""The drum map is the one that makes sense of the notes, and General MIDI wherever it does."""

from __future__ import annotations

from collections import Counter

import pytest

from liveengine.app.style_learning import GUESSED_KITS
from liveengine.config.kits import load_kit
from liveengine.music.drum_map import (
    ADDICTIVE_DRUMS,
    GENERAL_MIDI,
    KNOWN_MAPS,
    TOONTRACK,
    DrumMap,
    find_map,
    map_of_kit,
    told_notes,
)
from liveengine.music.drums import PITCH_TO_VOICE, Voice
from liveengine.music.kit import GENERAL_MIDI_KIT

MAPS = [GENERAL_MIDI, *(map_of_kit(load_kit(name)) for name in GUESSED_KITS), *KNOWN_MAPS[1:]]


@pytest.mark.parametrize(
    ("notes", "title"),
    [
        ("36 38 42 46 49 51", "General MIDI"),
        ("36 38 42 43 45 48 57", "General MIDI"),  # as the Groove MIDI Dataset
        ("36 38 42 41 45 47", "General MIDI"),  # a rack of three toms is no other kit
        ("36 38 49 57", "General MIDI"),  # a chorus on the crash: no hat, no ride
        ("36 38 42 60 61 62 63 64", "General MIDI"),  # a kit with hand drums
        ("43 45 47 48 50", "General MIDI"),  # a fill on the toms
        ("48 50", "General MIDI"),
        ("48 50 54 58 61 63", "General MIDI, 1 octave higher"),
        ("48 50 54", "General MIDI, 1 octave higher"),
        ("24 26 30 34 37 39", "General MIDI, 1 octave lower"),
        ("24 26 30 31 33 36 38", "General MIDI, 1 octave lower"),  # its toms are another kit's kick and snare
        ("36 38 62 60 21", "Superior Drummer and EZdrummer"),
        ("36 38 49 49 49 49 52 52 55 65 77 77 67", "Addictive Drums"),
        ("90 91 92", "General MIDI"),
    ],
)
def test_the_kit_is_the_one_that_makes_most_sense_of_the_notes(notes: str, title: str) -> None:
    assert find_map(Counter(int(note) for note in notes.split()), MAPS).title == title


def test_a_map_alone_is_taken_as_it_is() -> None:
    mine = DrumMap("mine.yaml", {88: Voice.RIDE}).completed()
    assert find_map(Counter((88, 88, 99)), [mine]) is mine
    assert mine.voices[36] == Voice.KICK


def test_octaves_can_be_left_aside() -> None:
    tune = Counter((48, 50, 54, 55, 57))
    assert find_map(tune, octaves=False).title in {each.title for each in KNOWN_MAPS}


def test_maps_agree_on_kick_and_snare_and_differ_in_cymbals() -> None:
    for each in KNOWN_MAPS:
        assert each.voices[36] == Voice.KICK
        assert each.voices[38] == Voice.SNARE
    assert GENERAL_MIDI.voices[49] == Voice.CRASH
    assert ADDICTIVE_DRUMS.voices[49] == Voice.CLOSED_HAT
    assert TOONTRACK.voices[60] == Voice.OPEN_HAT


def test_general_midi_knows_every_note_of_the_shipped_kits() -> None:
    assert set(GENERAL_MIDI_KIT.notes) <= PITCH_TO_VOICE.keys()


def test_of_many_unknown_notes_the_first_are_told() -> None:
    assert told_notes([(61, 12), (62, 3)]) == "61 (12 times), 62 (3 times)"
    assert told_notes([(note, 1) for note in range(10)]).endswith("7 (1 times) and 2 more")
