"""Every note-on of a file is a stroke where it is written, whatever else is in the file."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.errors import MidiError
from liveengine.music.midi_file import MidiNote, MidiSequence, TrackEnd, read_midi
from tests.midi_bytes import (
    BEAT,
    HAT,
    KICK,
    SNARE,
    bars,
    control,
    meta,
    midi,
    name,
    number,
    off,
    on,
    program,
    signature,
    strokes,
    take,
    tempo,
    track,
)

Struck = list[tuple[float, int]]


def read(content: bytes) -> MidiSequence:
    [sequence] = read_midi(content)
    return sequence


def struck(sequence: MidiSequence) -> Struck:
    return [(note.beat, note.note) for each in sequence.tracks for note in each.notes]


def test_names_channels_tempos_and_meters_are_read() -> None:
    found = read(
        midi(
            track(tempo(92), signature(6, 8), tempo(94, beat=3)),
            track(name("Drums"), program(24, 3), *strokes(BEAT, channel=3), end=4),
        )
    )
    [drums] = found.tracks
    assert str(drums) == "track 1 'Drums' (channel 3, 12 notes)"
    assert drums.program == 24
    assert found.signatures == ((0.0, 6, 8),)
    assert [(beat, round(bpm)) for beat, bpm in found.tempos] == [(0, 92), (3, 94)]
    assert found.ends == (TrackEnd(3.0, after_notes=True), TrackEnd(4.0, after_notes=True))
    assert drums.notes[0] == MidiNote(0.0, KICK, 100, 0.125)


def test_a_stroke_without_note_off_ends_at_the_next_of_its_note_or_with_its_track() -> None:
    found = read(midi(track(*strokes([(0, KICK), (1, SNARE), (2, KICK)], length=None), end=4)))
    assert [(note.beat, note.note, note.length_beats) for note in found.tracks[0].notes] == [
        (0, KICK, 2),
        (1, SNARE, 3),
        (2, KICK, 2),
    ]


def test_one_note_off_ends_the_last_of_two_note_ons() -> None:
    found = read(midi(track(on(0, KICK), on(0.5, KICK), off(0.625, KICK), off(3, KICK))))
    assert [(note.beat, note.length_beats) for note in found.tracks[0].notes] == [(0, 0.5), (0.5, 0.125)]


def test_note_offs_on_another_channel_take_no_stroke_away() -> None:
    events = [each for beat, note in BEAT for each in (on(beat, note), off(beat + 0.1, note, channel=1))]
    assert sorted(struck(read(midi(track(*events))))) == sorted(BEAT)


def test_note_ons_of_velocity_0_are_note_offs() -> None:
    found = read(midi(track(on(0, HAT), on(0.25, HAT, velocity=0))))
    assert found.tracks[0].notes == (MidiNote(0.0, HAT, 100, 0.25),)


SPLIT = [
    (0.5, b"\xf0\x03\x43\x12\x00"),
    (0.75, b"\xf7\x03\x43\x12\x00"),
    (1.25, b"\xf7\x02\x43\xf7"),
]
"""A system-exclusive message in three packets (Standard MIDI Files 1.0, the standard's own example)."""


@pytest.mark.parametrize(
    "events",
    [
        SPLIT,
        [(1.0, b"\xf7\x01\xf8")],  # a MIDI clock, escaped
        [(1.0, b"\xf7\x03\x90\x24\x7f")],  # escaped channel bytes are no event of the file
        [(1.0, b"\xf8"), (1.5, b"\xfe")],  # real-time bytes that have no place in a file
        [(1.0, b"\xf0\x05\x7e\x7f\x09\x01\xf7")],
        [(1.0, meta(0x7F, b"\x00" * 200))],
        [(0.0, b"\xb9\x07\xa8")],  # a data byte above 127
    ],
)
def test_no_other_event_moves_a_note(events: list[tuple[float, bytes]]) -> None:
    found = read(take(bars(2), *events))
    assert struck(found) == struck(read(take(bars(2))))
    assert not found.faults


def test_running_status_holds_over_other_events() -> None:
    events = [
        on(0, KICK),
        (1.0, b"\x24\x00"),
        (1.5, meta(1, b"text")),
        (2.0, b"\x26\x50"),
        (3.0, b"\x26\x00"),
    ]
    assert struck(read(midi(track(*events)))) == [(0, KICK), (2, SNARE)]


def test_a_header_may_be_long_and_count_tracks_wrongly() -> None:
    drums = track(*strokes(BEAT))
    for content in (
        midi(track(tempo(100)), drums, count=1),
        midi(track(tempo(100)), drums, count=9),
        midi(drums, more=b"\0\0\0\0"),
        b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + midi(drums),
        midi(drums, b"XFIH" + b"\0\0\0\2ab"),
    ):
        assert sorted(struck(read(content))) == sorted(BEAT)


def test_sequences_of_format_2_stay_apart() -> None:
    first, second = read_midi(
        midi(track(signature(3, 4), *strokes(BEAT)), track(*strokes([(0, KICK)])), midi_format=2)
    )
    assert len(first.tracks[0].notes) == len(BEAT)
    assert first.signatures == ((0.0, 3, 4),)
    assert second.tracks[0].number == 2
    assert struck(second) == [(0, KICK)]


def test_a_song_in_one_track_is_a_track_a_channel_and_its_name_none_of_theirs() -> None:
    found = read(midi(track(name("Song"), *strokes(BEAT), *strokes([(0, 60)], channel=1)), midi_format=0))
    assert [(each.number, each.channel, each.name) for each in found.tracks] == [(1, 1, ""), (2, 10, "")]


def test_what_is_damaged_loses_itself_and_says_so() -> None:
    whole = take(bars(2))
    found = read(whole[:-40])
    assert 15 < len(struck(found)) < 24
    assert "the file ends before a track does" in found.faults[0] or "middle of an event" in found.faults[0]
    nonsense = b"\x00\x24\x24\x24"
    broken = midi(b"MTrk" + len(nonsense).to_bytes(4) + nonsense, track(*strokes(BEAT)))
    found = read(broken)
    assert len(struck(found)) == len(BEAT)
    assert "no event where one should be" in found.faults[0]


def test_the_pedal_before_a_stroke_is_its_own() -> None:
    found = read(midi(track(on(0, HAT), control(4, 127, 1), on(1, HAT), control(4, 0, 2), on(2, HAT))))
    assert [note.pedal for note in found.tracks[0].notes] == [None, 127, 0]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "expected a MIDI file"),
        (b"no MIDI at all", "expected a MIDI file"),
        (midi(), "with tracks"),
        (midi(track(*strokes(BEAT)), division=0xE728), "ticks per quarter note .* got 0xe728"),
        (midi(track(*strokes(BEAT)), division=0), "ticks per quarter note"),
    ],
)
def test_no_midi_file_is_told(content: bytes, complaint: str) -> None:
    with pytest.raises(MidiError, match=complaint):
        read_midi(content)


def test_mutated_files_are_read_or_told() -> None:
    rng = random.Random(1)
    whole = take(bars(4), *SPLIT, control(4, 3), program(2))
    for _ in range(2000):
        content = bytearray(whole[: rng.randrange(1, len(whole) + 1)])
        for _ in range(rng.randrange(6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        try:
            sequences = read_midi(bytes(content))
        except MidiError:
            continue
        for note in (note for each in sequences for one in each.tracks for note in one.notes):
            assert note.beat >= 0
            assert note.length_beats >= 0
            assert 0 <= note.note <= 127
            assert 1 <= note.velocity <= 127


PLACES = st.integers(0, 4 * 480 * 4)
STROKES = st.lists(
    st.tuples(PLACES, st.integers(0, 127), st.sampled_from(["on", "off", "both"])), max_size=40
)
OTHERS = st.lists(
    st.tuples(
        PLACES,
        st.sampled_from(
            [b"\xf0\x02\x43\x12", b"\xf7\x01\xf8", meta(6, b"marker"), b"\xb9\x04\x10", b"\xd9\x10"]
        ),
    ),
    max_size=10,
)


@given(STROKES, OTHERS)
def test_as_many_strokes_as_note_ons_each_in_its_place(
    notes: list[tuple[int, int, str]], others: list[tuple[int, bytes]]
) -> None:
    events = [(tick / 480, event) for tick, event in others]
    for tick, note, kind in notes:
        events += [on(tick / 480, note)] if kind != "off" else []
        events += [off(tick / 480 + 0.25, note)] if kind != "on" else []
    expected = sorted((tick / 480, note) for tick, note, kind in notes if kind != "off")
    assert sorted(struck(read(midi(track(*events))))) == expected


@given(st.integers(0, 2**28 - 1))
def test_numbers_of_any_length_are_read(ticks: int) -> None:
    content = number(ticks) + bytes((0x99, KICK, 100))
    found = read(midi(b"MTrk" + len(content).to_bytes(4) + content))
    assert struck(found) == [(ticks / 480, KICK)]
