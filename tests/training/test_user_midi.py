"""Reading a player's MIDI: every kit is found or asked for, and what cannot be used is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mido
import pytest

from liveengine.config.kits import load_kit
from liveengine.errors import CorpusError
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drum_map import DrumMap, map_of_kit
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.training.user_midi import OwnBeats, read_own_beats, stretches
from tests.midi_bytes import (
    EIGHTHS,
    bars,
    control,
    midi,
    name,
    off,
    on,
    program,
    signature,
    strokes,
    tempo,
    track,
)

TPQ = 480
Note = tuple[float, int, int]
BEAT: list[Note] = [
    *((step / 2, 42, 60 + 20 * (step % 2)) for step in range(8)),
    *((0.0, 36, 110), (1.0, 38, 100), (2.5, 36, 90), (3.0, 38, 112)),
]
KITS = [map_of_kit(load_kit(each)) for each in ("808", "ableton", "gm", "gmd")]


def write_beats(
    path: Path,
    bars: int = 4,
    *,
    notes: list[Note] = BEAT,
    channel: int = 9,
    track_name: str = "",
    bpm: float | None = 92.0,
    late_ticks: int = 0,
    first_bar: int = 0,
) -> Path:
    """Write `notes` of one bar (beat, pitch, velocity) again and again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    events = []
    for beat, pitch, velocity in (
        (4 * (first_bar + bar) + at, p, v) for bar in range(bars) for at, p, v in notes
    ):
        tick = round(beat * TPQ) + late_ticks
        events.append((tick, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((tick + 50, mido.Message("note_off", channel=channel, note=pitch)))
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=track_name)] if track_name else [])
    if bpm is not None:
        track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    now = 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    mido.MidiFile(type=1, ticks_per_beat=TPQ, tracks=[track]).save(path)
    return path


def moved(notes: list[Note], pitches: dict[int, int]) -> list[Note]:
    return [(beat, pitches.get(pitch, pitch), velocity) for beat, pitch, velocity in notes]


def test_reads_every_file_below_the_folder_and_tells_what_it_left_out(tmp_path: Path) -> None:
    write_beats(tmp_path / "a.mid", 5, bpm=92)
    write_beats(tmp_path / "deep" / "b_fill.MIDI", 4, bpm=104, late_ticks=30)
    (tmp_path / "broken.mid").write_bytes(b"MThd\0\0\0\6 and no more")
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not MIDI")
    write_beats(tmp_path / "piano.mid", channel=0, notes=[(beat, 60 + 2 * beat, 80) for beat in range(4)])
    found = read_own_beats(tmp_path, "mine", KITS)
    assert [(take.name, len(take.bars), round(take.bpm), take.is_fill) for take in found.takes] == [
        ("a.mid", 5, 92, False),
        ("deep/b_fill.MIDI", 4, 104, True),
    ]
    assert {take.genre for take in found.takes} == {"mine"}
    reasons = {each.name: each.reason for each in found.left_out}
    assert sorted(reasons) == ["broken.mid", "empty.mid", "piano.mid"]
    assert reasons["broken.mid"].startswith("expected a MIDI file")
    assert "not on channel 10, not named drums" in reasons["piano.mid"]
    assert not found.unknown_notes
    # 30 ticks late as a whole is latency, not feel
    assert {hit.micro for take in found.takes for bar in take.bars for hit in bar.hits} == {0}


@pytest.mark.parametrize("channel_and_name", [(9, ""), (0, "My Drums"), (3, "")])
def test_drums_are_known_by_channel_by_name_or_by_their_notes(
    tmp_path: Path, channel_and_name: tuple[int, str]
) -> None:
    channel, called = channel_and_name
    write_beats(tmp_path / "a.mid", 8, channel=channel, track_name=called)
    found = read_own_beats(tmp_path, "mine", KITS)
    assert found.files[0].drum_map == "General MIDI"
    voices = {hit.voice for hit in found.takes[0].bars[0].hits}
    assert voices == {Voice.KICK, Voice.SNARE, Voice.CLOSED_HAT}


def test_notes_that_no_map_explains_are_told_and_a_map_makes_them_voices(tmp_path: Path) -> None:
    strange = moved(BEAT, {42: 88})
    write_beats(tmp_path / "a.mid", 8, notes=strange)
    found = read_own_beats(tmp_path, "mine", KITS)
    assert found.unknown_notes == ((88, 64),)
    assert "64 of 96 notes have no voice" in found.remarks[0]
    assert "88 (64 times)" in found.remarks[0]
    assert "--map" in found.remarks[0]
    assert all(len(bar.hits) == 4 for bar in found.takes[0].bars)

    mapped = read_own_beats(tmp_path, "mine", KITS, DrumMap("mine.yaml", {88: Voice.RIDE}))
    assert not mapped.unknown_notes
    assert {hit.voice for hit in mapped.takes[0].bars[0].hits} == {Voice.KICK, Voice.SNARE, Voice.RIDE}
    silent = read_own_beats(tmp_path, "mine", KITS, DrumMap("mine.yaml", {88: None}))
    assert not silent.unknown_notes
    assert all(len(bar.hits) == 4 for bar in silent.takes[0].bars)


def test_a_folder_of_unknown_notes_asks_for_a_map(tmp_path: Path) -> None:
    write_beats(tmp_path / "a.mid", 8, notes=[(beat, 90 + beat, 80) for beat in range(4)])
    with pytest.raises(
        CorpusError, match=r"got 0 in 1 MIDI file\n  a\.mid: no drum voice .*90 \(8 times\)"
    ) as told:
        read_own_beats(tmp_path, "mine", KITS)
    assert "--map" in str(told.value)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, r"expected MIDI files \(\.mid, \.midi\), found none"),
        ({"a": 3, "b": 4}, r"expected at least 8 bars of drums, got 7 in 2 MIDI files"),
    ],
)
def test_too_little_to_learn_from_is_told(tmp_path: Path, counts: dict[str, int], told: str) -> None:
    for each, count in counts.items():
        write_beats(tmp_path / f"{each}.mid", count)
    with pytest.raises(CorpusError, match=told):
        read_own_beats(tmp_path, "mine", KITS)


def test_no_folder_and_no_drums_are_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="expected a folder with MIDI files, found nothing"):
        read_own_beats(tmp_path / "nowhere", "mine")
    write_beats(tmp_path / "bass.mid", 12, channel=1, notes=[(beat, 33 + 4 * beat, 80) for beat in range(4)])
    with pytest.raises(CorpusError, match=r"got 0 in 1 MIDI file\n  bass\.mid: no drums found; .*--track"):
        read_own_beats(tmp_path, "mine", KITS)


def test_a_file_without_tempo_is_told_or_says_it_in_its_name(tmp_path: Path) -> None:
    write_beats(tmp_path / "a.mid", 8, bpm=None)
    write_beats(tmp_path / "b 87bpm.mid", 8, bpm=None)
    found = read_own_beats(tmp_path, "mine", KITS)
    assert [take.bpm for take in found.takes] == [120.0, 87.0]
    assert found.remarks[0].startswith("1 of 2 files say no tempo that can be played: 120 bpm was taken")


def test_silence_is_no_style(tmp_path: Path) -> None:
    write_beats(tmp_path / "late.mid", 8, first_bar=65)
    assert len(read_own_beats(tmp_path, "mine", KITS).takes[0].bars) == 8
    bar, rest = Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 90),)), Bar(FOUR_FOUR, ())
    assert list(stretches([rest, bar, rest, bar, rest, rest, bar, rest])) == [(bar, rest, bar), (bar,)]
    assert list(stretches([rest, rest])) == []


def test_a_meter_that_the_model_lacks_is_left_out(tmp_path: Path) -> None:
    write_beats(tmp_path / "a.mid", 8)
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=13, denominator=8)])
    track.append(mido.Message("note_on", channel=9, note=36, velocity=90))
    track.append(mido.Message("note_off", channel=9, note=36, time=100))
    mido.MidiFile(type=1, tracks=[track]).save(tmp_path / "odd.mid")
    found = read_own_beats(tmp_path, "mine", KITS)
    assert [each.name for each in found.left_out] == ["odd.mid"]
    assert str(Meter(13, 8)) in found.left_out[0].reason


def test_a_file_of_absurd_length_is_left_out(tmp_path: Path) -> None:
    write_beats(tmp_path / "a.mid", 8)
    write_beats(tmp_path / "long.mid", 1, first_bar=100_000)
    found = read_own_beats(tmp_path, "mine", KITS)
    assert "expected at most 8000 beats, got 400004" in found.left_out[0].reason


def voiced(found: OwnBeats) -> Counter[tuple[str, Voice]]:
    """Return how often each file strikes each voice."""
    return Counter((take.name, hit.voice) for take in found.takes for bar in take.bars for hit in bar.hits)


def test_strokes_without_note_offs_are_learned_from(tmp_path: Path) -> None:
    beat = [(at, pitch) for at, pitch, _ in BEAT]
    (tmp_path / "a.mid").write_bytes(midi(track(*strokes(bars(8, beat), length=None))))
    found = read_own_beats(tmp_path, "mine")
    assert sum(voiced(found).values()) == 8 * len(BEAT)


def test_each_file_has_a_map_of_its_own(tmp_path: Path) -> None:
    for number in range(3):
        write_beats(tmp_path / f"{number}.mid", 8)
    write_beats(tmp_path / "lower.mid", 8, notes=[(at, pitch - 12, loud) for at, pitch, loud in BEAT])
    found = read_own_beats(tmp_path, "mine", KITS)
    assert [each.drum_map for each in found.files] == ["General MIDI"] * 3 + ["General MIDI, 1 octave lower"]
    kicks = {voiced(found)[each.name, Voice.KICK] for each in found.files}
    assert kicks == {16}
    assert not found.unknown_notes


def test_a_pick_up_begins_no_phrase_and_an_unknown_meter_ends_one(tmp_path: Path) -> None:
    beat = [(at, pitch) for at, pitch, _ in BEAT]
    pickup = [signature(1, 4), signature(4, 4, 1), *strokes([(0.5, 38), *bars(5, beat, first=1)])]
    odd = [signature(13, 8, 16), signature(4, 4, 22.5)]
    odd += strokes([*bars(4, beat), (17, 38), *bars(3, beat, first=22.5)])
    (tmp_path / "odd.mid").write_bytes(midi(track(*odd)))
    (tmp_path / "pickup.mid").write_bytes(midi(track(*pickup)))
    found = read_own_beats(tmp_path, "mine")
    assert [(take.name, len(take.bars)) for take in found.takes] == [
        ("odd.mid", 4),
        ("odd.mid", 3),
        ("pickup.mid", 5),
    ]
    assert "pick-up" in found.files[1].remarks[0]
    assert "left out from beat 16 on, in 13/8" in found.files[0].remarks[0]


def test_each_sequence_of_format_2_is_a_take(tmp_path: Path) -> None:
    beat = [(at, pitch) for at, pitch, _ in BEAT]
    both = [track(*strokes(bars(count, beat))) for count in (5, 6)]
    (tmp_path / "two.mid").write_bytes(midi(*both, midi_format=2))
    found = read_own_beats(tmp_path, "mine")
    assert [(take.name, len(take.bars)) for take in found.takes] == [
        ("two.mid, sequence 1", 5),
        ("two.mid, sequence 2", 6),
    ]


def test_a_folder_s_hats_are_as_open_as_its_pedal_says_in_all_of_it(tmp_path: Path) -> None:
    for file_name, wide in (("a.mid", 0), ("b.mid", 64), ("c.mid", 64)):
        hats = [(beat, 46 if beat % 1 else 42) for beat in (step / 2 for step in range(16))]
        moves = [control(4, wide if note == 46 else 127, beat) for beat, note in hats]
        drums = [(beat, note) for bar in (0, 4) for beat, note in ((bar, 36), (bar + 1, 38))]
        notes = [(beat + 8 * turn, note) for turn in range(2) for beat, note in [*hats, *drums]]
        moves += [control(4, each[2], 8 + beat) for beat, each in [(at, event) for at, event in moves]]
        (tmp_path / file_name).write_bytes(midi(track(tempo(100), *moves, *strokes(notes))))
    found = read_own_beats(tmp_path, "mine")
    opened = {
        take.name: {hit.openness for bar in take.bars for hit in bar.hits if hit.voice == Voice.OPEN_HAT}
        for take in found.takes
    }
    assert opened == {"a.mid": {1.0}, "b.mid": {0.496}, "c.mid": {0.496}}


def test_the_track_that_is_asked_for_is_read(tmp_path: Path) -> None:
    write_beats(tmp_path / "a.mid", 8, channel=2, track_name="Piano")
    write_beats(tmp_path / "b.mid", 8)
    with pytest.raises(CorpusError, match=r"a\.mid: --track: expected .* got 'loops'"):
        read_own_beats(tmp_path, "mine", tracks=("loops",))
    found = read_own_beats(tmp_path, "mine", tracks=("piano",))
    assert [each.name for each in found.files] == ["a.mid"]
    assert [each.name for each in found.left_out] == ["b.mid"]


SHAPES = (
    [(0, 36), (1, 38), (2, 36), (3, 38)],
    [(0, 36), (0.75, 36), (1, 38), (2.5, 36), (3, 38)],
    [(0, 36), (1, 38), (1.75, 38), (2, 36), (3, 38), (3.5, 36)],
)
"""Kick and snare of a bar."""
TUNE = [(step / 2, note) for step, note in enumerate((36, 43, 45, 48, 38, 45, 50, 40))]


def from_source(source: int, number: int) -> tuple[bytes, str, int]:
    """Return a file as one of ten kinds of people write them, the map it needs, and its kicks."""
    shape, count = SHAPES[number % 3], 4 + number % 5
    hats = [(beat, 42) for beat, _ in EIGHTHS]
    whole = [*shape, *hats, (0, 49)]
    notes = bars(count, whole)
    kicks = count * sum(note == 36 for _, note in shape)
    drums = strokes(notes)
    lower = [(beat, note - 12) for beat, note in notes]
    higher = [(beat, note + 12) for beat, note in notes]
    superior = [
        (beat, {42: 62}.get(note, note)) for beat, note in bars(count, [*whole, (1.75, 60), (3.75, 21)])
    ]
    addictive = [(beat, {42: 49, 49: 77}.get(note, note)) for beat, note in bars(count, [*whole, (3.75, 65)])]
    bass = track(name("Bass"), program(33, 2), *strokes(bars(count, TUNE), channel=2, length=0.45))
    clicks = [(float(beat), 33 + (beat % 4 == 0)) for beat in range(4 * count)]
    pedal = [control(4, 127 - 127 * (step % 2), step / 2) for step in range(8 * count)]
    gm = "General MIDI"
    return [
        (midi(track(tempo(90 + number), *drums)), gm, kicks),
        (midi(track(*strokes(notes, length=None))), gm, kicks),
        (midi(track(*strokes(lower))), f"{gm}, 1 octave lower", kicks),
        (midi(track(*strokes(higher))), f"{gm}, 1 octave higher", kicks),
        (midi(track(*strokes(superior))), "Superior Drummer and EZdrummer", kicks),
        (midi(track(*strokes(addictive))), "Addictive Drums", kicks),
        (midi(bass, track(name("Drum Kit"), *strokes(notes, channel=5))), gm, kicks),
        (
            midi(track(*strokes(clicks)), track(name("SSD5 Drums"), *strokes(notes, channel=3)), bass),
            gm,
            kicks,
        ),
        (
            midi(
                track(signature(2, 2), (0.3, b"\xf0\x02\x43\x12"), (0.8, b"\xf7\x02\x00\xf7"), *pedal, *drums)
            ),
            gm,
            kicks,
        ),
        (
            midi(
                track(
                    *strokes(notes),
                    *(each for beat, _ in hats for each in (on(beat, 61), off(beat, 61))),
                    *strokes(bars(count, TUNE), channel=1),
                ),
                midi_format=0,
            ),
            gm,
            kicks,
        ),
    ][source]


def test_a_folder_of_300_files_from_ten_sources_is_read_without_a_wrong_kit(tmp_path: Path) -> None:
    expected = {}
    for source in range(10):
        for number in range(30):
            content, drum_map, kicks = from_source(source, number)
            path = tmp_path / f"source {source}" / f"{number}.mid"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            expected[f"source {source}/{number}.mid"] = drum_map, kicks
    found = read_own_beats(tmp_path, "mine", KITS)
    assert not found.left_out
    struck = voiced(found)
    assert {each.name: (each.drum_map, struck[each.name, Voice.KICK]) for each in found.files} == expected
    timekeepers = (Voice.CLOSED_HAT, Voice.OPEN_HAT)
    for each in found.files:
        assert sum(struck[each.name, voice] for voice in timekeepers) >= 8 * each.bars
        assert not struck[each.name, Voice.HIGH_TOM]
        assert not struck[each.name, Voice.MID_TOM]
