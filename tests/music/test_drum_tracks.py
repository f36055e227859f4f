"""Drums are found by name, program, channel, notes and lengths together, and what is left out says why."""

from __future__ import annotations

import pytest

from liveengine.errors import MidiError
from liveengine.music.drum_map import DrumMap
from liveengine.music.drum_tracks import DrumTracks, find_drums, is_tune
from liveengine.music.drums import Voice
from liveengine.music.midi_file import MidiNote, MidiTrack

Notes = list[tuple[float, int]]
BEAT: Notes = [(step / 2, 42) for step in range(8)] + [(0, 36), (1, 38), (2, 36), (3, 38)]
WALK: Notes = list(enumerate((36, 38, 40, 42, 43, 45, 47, 48, 50, 47, 45, 43, 42, 40, 38, 37)))
"""A walking bass, all of whose notes General MIDI has as drums."""
MELODY: Notes = [(beat / 2, note) for beat, note in enumerate((60, 64, 67, 72, 71, 67, 64, 62) * 2)]
CLICKS: Notes = [(beat, 34 if beat % 4 == 0 else 33) for beat in range(16)]
CHORDS: Notes = [
    (bar * 2.0, root + each)
    for bar, root in enumerate((36, 41, 43, 45, 40, 38, 43, 36))
    for each in (0, 4, 7, 12)
]
"""A left hand, all of whose notes General MIDI has as drums."""


def bars(count: int, notes: Notes = BEAT) -> Notes:
    return [(bar * 4 + beat, note) for bar in range(count) for beat, note in notes]


def track(
    number: int,
    notes: Notes,
    channel: int = 1,
    name: str = "",
    *,
    program: int | None = None,
    bank: bool = False,
    length: float = 0.1,
) -> MidiTrack:
    made = tuple(MidiNote(beat, note, 90, length) for beat, note in sorted(notes))
    return MidiTrack(number, name, channel, program, bank, made)


def found(*tracks: MidiTrack, wanted: tuple[str, ...] = ()) -> list[int]:
    return [each.number for each in find_drums(tracks, wanted=wanted).tracks]


def reasons(*tracks: MidiTrack) -> dict[int, str]:
    return {each.number: reason for each, reason in find_drums(tracks).left_out}


PIANO = track(9, MELODY, name="Piano", length=0.45)


@pytest.mark.parametrize(
    "drums",
    [
        track(1, BEAT, 10),
        track(1, BEAT, 10, "Track 3"),
        track(1, BEAT, 3),
        track(1, BEAT, 3, "MyDrums_2"),
        track(1, [(0, 39)], 11, "Percussion"),
        track(1, BEAT, 4, "EZdrummer"),
        track(1, BEAT, 4, "Hi-Hat"),
        track(1, bars(4, [(0, 36)]), 4, "Bass Drum"),
        track(1, BEAT, 4, "Schlagzeug"),
        track(1, BEAT, 4, "ударные"),
        track(1, bars(4, [(0, 36)]), 5, bank=True),
        track(1, BEAT, 2, "Synth Drums", program=118),
        track(1, BEAT, 2, "Drums", program=25),
        track(1, WALK, 10, "Toms"),
        track(1, [(0, 50), (0.5, 48), (1, 45), (1.5, 41)], 4, "Tom fill"),
        track(1, [(beat, note - 12) for beat, note in BEAT], 4, "Drums an octave lower"),
        track(1, [(0, 90), (1, 91), (2, 92), (3, 93)], 10),  # a kit of their own, to be mapped
    ],
    ids=str,
)
def test_drums_by_channel_bank_name_or_notes(drums: MidiTrack) -> None:
    assert found(drums, PIANO) == [1]
    assert reasons(drums, PIANO) == {9: "named after another instrument"}


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (track(1, WALK, name="Acoustic Bass", program=32, length=0.9), "named after another instrument"),
        (track(1, WALK, program=32, length=0.9), "program 33 plays another instrument"),
        (track(1, BEAT, program=25), "program 26 plays another instrument"),
        (track(1, WALK, length=0.9), "a tune: one note at a time"),
        (track(1, MELODY, name="The Beatles - Yesterday", length=0.42), "a tune"),
        (track(1, MELODY, name="The Little Drummer Boy", length=0.42), "a tune"),
        (track(1, WALK, 2, "Heartbeat Bass", length=0.9), "named after another instrument"),
        (track(1, MELODY, name="Steel Drums", program=114, length=0.42), "named after another instrument"),
        (track(1, MELODY, name="SteelDrums", length=0.42), "named after another instrument"),
        (track(1, CHORDS, length=1.9), "its notes are no kit"),
        (track(1, CHORDS, name="Groove", length=1.9), "its notes are no kit"),
        (track(1, bars(8), name="Piano"), "named after another instrument"),
        (track(1, CHORDS + MELODY, name="Crash Course", length=0.5), "named drums, but its notes are no kit"),
        (track(1, CLICKS, 10), "a metronome"),
        (track(1, CLICKS, 10, "Click Track"), "a metronome"),
        (track(1, bars(4, [(beat, 37) for beat in range(4)]), 10), "a metronome"),
        (track(1, MELODY, 10, "Violin", length=0.4), "named after another instrument"),
    ],
    ids=str,
)
def test_what_is_no_drums_is_refused_with_the_reason(other: MidiTrack, reason: str) -> None:
    with pytest.raises(MidiError, match=rf"no drums found; track 1 .*{reason}.*--track NUMBER or NAME"):
        find_drums([other])
    drums = track(2, bars(4), 3, "Drums")
    assert found(other, drums) == [2]
    assert reason in reasons(other, drums)[1]


def test_a_metronome_or_stray_note_on_channel_10_does_not_outrank_a_kit() -> None:
    kit = track(2, bars(4), 3)
    assert found(track(1, CLICKS, 10), kit) == [2]
    assert found(track(1, [(0, 37)], 10), kit) == [2]
    assert reasons(track(1, [(0, 37)], 10), kit) == {1: "stray notes beside a whole kit"}
    assert found(track(1, [(0, 37)], 10, "click"), track(2, bars(4), 3, "Drum Kit")) == [2]


def test_a_second_drum_channel_and_drums_in_tracks_of_their_own_are_kept() -> None:
    assert found(track(1, BEAT, 10, "Drums"), track(2, [(0.25, 39), (1.25, 39)], 11, "Percussion")) == [1, 2]
    one_each = [
        track(1, [(0, 36), (2, 36)], 10, "Kick"),
        track(2, [(1, 38), (3, 38)], 10, "Snare"),
        track(3, [(beat, 42) for beat in range(8)], 10),
        track(4, [(0, 49)], 10, "Crash"),
        track(5, [(0, 49)], 10),
    ]
    assert found(*one_each) == [1, 2, 3, 4, 5]
    assert found(track(1, bars(2, [(0.5, 54)]), 10, "Tambourine"), track(2, bars(4), 3)) == [1, 2]


def test_a_kit_by_its_notes_gives_way_to_drums_by_name() -> None:
    assert reasons(track(1, bars(4), 3), track(2, bars(4), 10)) == {
        1: "a kit by its notes, but others are by channel or name"
    }


def test_the_players_own_map_makes_a_kit_of_unknown_notes() -> None:
    mine = DrumMap("mine", {90: Voice.KICK, 91: Voice.SNARE, 92: Voice.CLOSED_HAT}).completed()
    notes = [(beat, {36: 90, 38: 91, 42: 92}[note]) for beat, note in bars(2)]
    assert [each.number for each in find_drums([track(1, notes, 2)], [mine]).tracks] == [1]
    with pytest.raises(MidiError, match="no drums"):
        find_drums([track(1, notes, 2)])


def wanted(*asked: str) -> DrumTracks:
    tracks = [track(1, MELODY, name="Lead"), track(2, WALK, name="Bass"), track(3, BEAT, 10, "2"), PIANO]
    return find_drums(tracks, wanted=asked)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [(("1",), [1]), (("bass",), [2]), (("2",), [3]), (("lea",), [1]), (("9", "Lead"), [1, 9])],
)
def test_tracks_can_be_asked_for_by_name_or_number(asked: tuple[str, ...], numbers: list[int]) -> None:
    assert [each.number for each in wanted(*asked).tracks] == numbers
    assert len(wanted(*asked).left_out) == 4 - len(numbers)


@pytest.mark.parametrize("asked", ["7", "drums", "", "a"])
def test_a_track_that_is_not_there_or_not_one_is_told(asked: str) -> None:
    with pytest.raises(MidiError, match=r"--track: expected the number or name of one track, got .*track "):
        wanted(asked)


def test_no_notes_are_told() -> None:
    with pytest.raises(MidiError, match="expected notes, got none"):
        find_drums([])


def test_tunes_go_one_note_at_a_time_and_hold_it() -> None:
    def tune(notes: Notes, length: float) -> bool:
        return is_tune(track(1, notes, length=length).notes)

    assert tune(WALK, 0.9)
    assert not tune(WALK, 0.2)
    assert not tune(BEAT, 0.9)
    assert not tune([(0, 36), (1, 38)], 0.9)
