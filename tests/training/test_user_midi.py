"""Reading a player's MIDI: every kit is found or asked for, and what cannot be used is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mido
import pytest

from liveengine.config.settings import kit_names, load_kit
from liveengine.errors import CorpusError
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import GENERAL_MIDI_KIT, PITCH_TO_VOICE, Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.training.user_midi import GENERAL_MIDI, DrumMap, find_map, read_own_beats, stretches

TPQ = 480
Note = tuple[float, int, int]
BEAT: list[Note] = [
    *((step / 2, 42, 60 + 20 * (step % 2)) for step in range(8)),
    *((0.0, 36, 110), (1.0, 38, 100), (2.5, 36, 90), (3.0, 38, 112)),
]
KITS = [
    DrumMap(name, {load_kit(name).note(voice): voice for voice in reversed(Voice)}) for name in kit_names()
]


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
    assert reasons["broken.mid"].startswith("expected a MIDI file, got: ")
    assert "no track is on channel 10 or named drums" in reasons["piano.mid"]
    assert not found.unknown_notes
    # 30 ticks late as a whole is latency, not feel
    assert {hit.micro for take in found.takes for bar in take.bars for hit in bar.hits} == {0}


@pytest.mark.parametrize("channel_and_name", [(9, ""), (0, "My Drums"), (3, "")])
def test_drums_are_known_by_channel_by_name_or_by_their_notes(
    tmp_path: Path, channel_and_name: tuple[int, str]
) -> None:
    channel, name = channel_and_name
    write_beats(tmp_path / "a.mid", 8, channel=channel, track_name=name)
    found = read_own_beats(tmp_path, "mine", KITS)
    assert found.drum_map is GENERAL_MIDI
    voices = {hit.voice for hit in found.takes[0].bars[0].hits}
    assert voices == {Voice.KICK, Voice.SNARE, Voice.CLOSED_HAT}


def test_the_kit_is_the_one_that_makes_most_sense_of_the_notes() -> None:
    def found(notes: str) -> str:
        return find_map(Counter(int(note) for note in notes.split()), [GENERAL_MIDI, *KITS]).title

    assert found("36 38 42 46 49 51") == "General MIDI"
    assert found("36 38 42 43 45 48 57") == "General MIDI"  # as the Groove MIDI Dataset
    assert found("36 38 42 41 45 47") == "ableton"  # three toms, not two
    assert found("48 50 54 58 61 63") == "General MIDI, 1 octave higher"
    assert found("24 26 30 34 37 39") == "General MIDI, 1 octave lower"


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
    ("bars", "told"),
    [
        ({}, r"expected MIDI files \(\.mid, \.midi\), found none"),
        ({"a": 3, "b": 4}, r"expected at least 8 bars of drums, got 7 in 2 MIDI files"),
    ],
)
def test_too_little_to_learn_from_is_told(tmp_path: Path, bars: dict[str, int], told: str) -> None:
    for name, count in bars.items():
        write_beats(tmp_path / f"{name}.mid", count)
    with pytest.raises(CorpusError, match=told):
        read_own_beats(tmp_path, "mine", KITS)


def test_no_folder_and_no_drums_are_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="expected a folder with MIDI files, found nothing"):
        read_own_beats(tmp_path / "nowhere", "mine")
    write_beats(tmp_path / "bass.mid", 12, channel=1, notes=[(beat, 33 + 4 * beat, 80) for beat in range(4)])
    with pytest.raises(CorpusError, match=r"got 0 in 1 MIDI file\n  bass\.mid: no drums found"):
        read_own_beats(tmp_path, "mine", KITS)


def test_a_file_without_tempo_is_told_or_says_it_in_its_name(tmp_path: Path) -> None:
    write_beats(tmp_path / "a.mid", 8, bpm=None)
    write_beats(tmp_path / "b 87bpm.mid", 8, bpm=None)
    found = read_own_beats(tmp_path, "mine", KITS)
    assert [take.bpm for take in found.takes] == [120.0, 87.0]
    assert found.remarks[0].startswith("1 of 2 files say no tempo: 120 bpm was taken")


def test_silence_is_no_style(tmp_path: Path) -> None:
    write_beats(tmp_path / "late.mid", 8, first_bar=65)
    assert len(read_own_beats(tmp_path, "mine", KITS).takes[0].bars) == 8
    bar, rest = Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 90),)), Bar(FOUR_FOUR, ())
    assert list(stretches([rest, bar, rest, bar, rest, rest, bar, rest])) == [(bar, rest, bar), (bar,)]
    assert list(stretches([rest, rest])) == []


def test_a_meter_that_the_model_lacks_is_left_out_by_name(tmp_path: Path) -> None:
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


def test_general_midi_knows_every_note_of_the_shipped_kits() -> None:
    assert set(GENERAL_MIDI_KIT.notes) <= PITCH_TO_VOICE.keys()
