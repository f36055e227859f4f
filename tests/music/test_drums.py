"""Voices, the notes they come from, and kit maps."""

from __future__ import annotations

import pytest

from liveengine.errors import ContractError
from liveengine.music.drums import GENERAL_MIDI_NOTES, PITCH_TO_VOICE, VOICE_COUNT, Voice, voice_named

GMD_PITCHES = {36, 38, 40, 37, 48, 50, 45, 47, 43, 58, 46, 26, 42, 22, 44, 49, 55, 57, 52, 51, 59, 53}
"""The pitches of the Groove MIDI Dataset's own table of drum mappings."""


def test_every_pitch_of_the_groove_dataset_has_a_voice() -> None:
    assert len(GMD_PITCHES) == 22
    assert set(PITCH_TO_VOICE) >= GMD_PITCHES
    assert PITCH_TO_VOICE[22] is Voice.CLOSED_HAT
    assert PITCH_TO_VOICE[26] is Voice.OPEN_HAT


def test_the_general_midi_note_of_a_voice_comes_back_as_that_voice() -> None:
    assert set(GENERAL_MIDI_NOTES) == set(Voice)
    assert {voice: PITCH_TO_VOICE[note] for voice, note in GENERAL_MIDI_NOTES.items()} == {
        voice: voice for voice in Voice
    }


def test_voices_are_found_by_their_labels_in_any_case() -> None:
    assert VOICE_COUNT == 14
    for voice in Voice:
        assert voice_named(voice.label, "kit") is voice
        assert voice_named(voice.label.upper(), "kit") is voice
    with pytest.raises(ContractError, match=r"kit x: expected a drum voice \(kick, snare.*got 'cowbell'"):
        voice_named("cowbell", "kit x")
