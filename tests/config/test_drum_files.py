"""Files as people have them: each of these was read wrongly once, or came close."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from liveengine.config.drum_files import DrumFile, read_drum_file
from liveengine.errors import MidiError
from liveengine.music.drums import Voice
from tests.midi_bytes import (
    BEAT,
    CRASH,
    EIGHTHS,
    HAT,
    KICK,
    SNARE,
    bars,
    control,
    midi,
    name,
    off,
    on,
    program,
    signature,
    strokes,
    take,
    tempo,
    track,
)

MELODY = [(beat / 2, note) for beat, note in enumerate((60, 64, 67, 72, 71, 67, 64, 62) * 16)]
BASS = [(beat / 2, note) for beat, note in enumerate((36, 36, 43, 45, 38, 38, 45, 41) * 16)]
WALK = list(enumerate((36, 38, 40, 42, 43, 45, 47, 48, 50, 47, 45, 43, 42, 40, 38, 37) * 3))
SUPERIOR = [(0, 36), (1, 38), (2, 36), (3, 38), *((beat, 62) for beat, _ in EIGHTHS), (0.25, 60), (1.75, 21)]
ADDICTIVE = [
    (0, 36),
    (1, 38),
    (2, 36),
    (3, 38),
    *((beat, 49) for beat, _ in EIGHTHS),
    (0, 77),
    (3.5, 55),
    (3.75, 65),
]


def tune(notes: list[tuple[float, int]], channel: int, called: str, length: float = 0.42) -> bytes:
    return track(name(called), *strokes(notes, channel=channel, length=length))


def read(folder: Path, content: bytes, called: str = "beat.mid", wanted: tuple[str, ...] = ()) -> DrumFile:
    path = folder / called
    path.write_bytes(content)
    [found] = read_drum_file(path, wanted=wanted)
    return found


def hits_per_bar(found: DrumFile) -> list[list[int]]:
    return [[len(bar.hits) for bar in run] for run in found.runs()]


def voices(found: DrumFile) -> set[Voice]:
    return {hit.voice for run in found.runs() for bar in run for hit in bar.hits}


DRUMS_ON_3 = track(name("SSD5 Drums"), *strokes(bars(8), channel=3))
CLICKS = [(beat, 34 if beat % 4 == 0 else 33) for beat in range(32)]
CASES: dict[str, tuple[bytes, list[list[int]]]] = {
    "no_off_until_next": (midi(track(*strokes(bars(2), length=None))), [[12, 12]]),
    "offs_on_other_channel": (
        midi(track(*(e for b, n in bars(2) for e in (on(b, n), off(b + 0.1, n, channel=1))))),
        [[12, 12]],
    ),
    "double_noteon_oneoff": (midi(track(on(0, KICK), on(0.5, KICK), off(0.6, KICK))), [[2]]),
    "data_byte_168": (take(bars(2), (0.0, b"\xb9\x07\xa8")), [[12, 12]]),
    "f7_single_realtime": (take(bars(2), (1.0, b"\xf7\x01\xf8")), [[12, 12]]),
    "hdr_long": (midi(track(*strokes(bars(2))), more=b"\0\0\0\0"), [[12, 12]]),
    "ntrks_too_few": (midi(track(tempo(100)), track(*strokes(bars(2))), count=1), [[12, 12]]),
    "bars_empty_4th": (take(bars(3), end=15.625), [[12, 12, 12, 0]]),
    "eot_late_4_bars": (take(bars(2), end=15.625), [[12, 12, 0, 0]]),
    "long_tail_note": (take(bars(2), on(7.5, CRASH), off(47, CRASH)), [[12, 13]]),
    "last_hit_early": (take([*bars(2), (7.96875, CRASH)]), [[12, 12, 1]]),
    "last_bar_2_4": (take([*bars(2), (8, KICK), (8, CRASH)], signature(2, 4, 8)), [[12, 12, 2]]),
    "pickup_1_4_then_4_4": (
        take([(0, SNARE), (0.5, SNARE), *bars(2, first=1)], signature(1, 4), signature(4, 4, 1)),
        [[2, 12, 12]],
    ),
    "cut_time_2_2": (take(bars(2), signature(2, 2)), [[12, 12]]),
    "ts_8_8": (take(bars(2), signature(8, 8)), [[12, 12]]),
    "one_unknown_meter": (
        take([*bars(2), (8.5, KICK), *bars(2, first=14.5)], signature(13, 8, 8), signature(4, 4, 14.5)),
        [[12, 12], [12, 12]],
    ),
    "metronome_ch10": (midi(track(name("Metronome"), *strokes(CLICKS)), DRUMS_ON_3), [[12] * 8]),
    "one_stray_ch10": (midi(track(on(0, 37)), DRUMS_ON_3), [[12] * 8]),
    "named_drums_ch4": (
        midi(tune(MELODY, 1, "Piano"), track(name("EZdrummer"), *strokes(bars(16), channel=4))),
        [[12] * 16],
    ),
    "two_drum_channels": (
        midi(
            track(name("Drums"), *strokes(bars(2))),
            track(name("Percussion"), *strokes(bars(2, [(b + 0.25, 39) for b in range(4)]), channel=11)),
        ),
        [[16, 16]],
    ),
    "superior3_kit": (take(bars(4, SUPERIOR)), [[14] * 4]),
    "ad2_kit": (take(bars(4, ADDICTIVE)), [[15] * 4]),
    "song_in_one_track": (
        midi(track(name("A Song"), *strokes(MELODY, channel=1), *strokes(bars(2))), midi_format=0),
        [[12, 12, *(0,) * 14]],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_right_strokes_are_in_the_right_bars(tmp_path: Path, case: str) -> None:
    content, expected = CASES[case]
    assert hits_per_bar(read(tmp_path, content)) == expected


REFUSED = {
    "walking_bass_ch1": midi(
        track(name("Acoustic Bass"), program(32, 1), *strokes(WALK, channel=1, length=0.9))
    ),
    "walking_bass_unnamed": midi(track(*strokes(WALK, channel=1, length=0.9))),
    "song_named_beatles": midi(tune(MELODY, 1, "The Beatles - Yesterday"), tune(BASS, 2, "Bass")),
    "heartbeat_bass": midi(tune(MELODY, 1, "Lead"), tune(BASS, 2, "Heartbeat Bass")),
    "steel_drums": midi(
        track(name("Steel Drums"), program(114, 1), *strokes(MELODY, channel=1, length=0.42))
    ),
    "piano_only": midi(tune([*MELODY[:8], *BASS[:8]], 1, "Piano")),
    "metronome_only": midi(track(*strokes(CLICKS))),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_drums_is_refused_with_the_reason_and_what_to_do(tmp_path: Path, case: str) -> None:
    with pytest.raises(MidiError, match=r"no drums found; track 1 .*: .*; say which are drums with --track"):
        read(tmp_path, REFUSED[case])
    assert len(read(tmp_path, REFUSED[case], wanted=("1",)).strokes) > 8


def test_what_was_read_otherwise_or_not_is_told(tmp_path: Path) -> None:
    def remarks(case: str) -> str:
        return "; ".join(read(tmp_path, CASES[case][0]).remarks)

    assert "2/2 is read as 4/4" in remarks("cut_time_2_2")
    assert "the first bar is a pick-up: 1 of 4 beats" in remarks("pickup_1_4_then_4_4")
    assert "left out from beat 8 on, in 13/8, which the model does not know: bars 1, strokes 1" in remarks(
        "one_unknown_meter"
    )
    assert "left out track 1 'Metronome' (channel 10, 32 notes): a metronome" in remarks("metronome_ch10")
    assert "left out track 1 'Piano'" in remarks("named_drums_ch4")
    assert "left out 4 more tracks" in "; ".join(
        read(tmp_path, midi(*(tune(MELODY, 1, "Piano") for _ in range(10)), DRUMS_ON_3)).remarks
    )
    assert "the file ends before a track does" in "; ".join(read(tmp_path, take(bars(2))[:-4]).remarks)
    assert remarks("no_off_until_next") == ""


def test_the_map_is_told_and_its_notes_are_its_voices(tmp_path: Path) -> None:
    found = read(tmp_path, CASES["superior3_kit"][0])
    assert found.read_as() == ("track 1 (channel 10, 56 notes); drum map: Superior Drummer and EZdrummer")
    assert voices(found) == {Voice.KICK, Voice.SNARE, Voice.CLOSED_HAT, Voice.OPEN_HAT, Voice.PEDAL_HAT}
    assert voices(read(tmp_path, CASES["ad2_kit"][0])) == {
        Voice.KICK,
        Voice.SNARE,
        Voice.CLOSED_HAT,
        Voice.OPEN_HAT,
        Voice.LOW_TOM,
        Voice.CRASH,
    }
    lower = read(tmp_path, take([(beat, note - 12) for beat, note in bars(2)]))
    assert lower.drum_map.title == "General MIDI, 1 octave lower"
    assert voices(lower) == {Voice.KICK, Voice.SNARE, Voice.CLOSED_HAT}
    strange = read(tmp_path, take(bars(2, [*BEAT, (0.5, 99)])))
    assert strange.unknown_notes == ((99, 2),)


@pytest.mark.parametrize("half_open", [0, 60])
def test_the_pedal_says_which_closed_hats_are_open(tmp_path: Path, half_open: int) -> None:
    pedal = [control(4, 127 if beat % 1 == 0 else half_open, beat) for beat, _ in bars(2, EIGHTHS)]
    found = read(tmp_path, midi(track(*pedal, *strokes(bars(2)))))
    [run] = found.runs()
    opened = [hit.step for hit in run[0].hits if hit.voice == Voice.OPEN_HAT]
    assert opened == [2, 6, 10, 14]


@pytest.mark.parametrize(
    ("notes", "pedal"),
    [
        ([46], 127),  # a kit that has a note for the open hat needs no pedal
        ([44], 127),  # nor one whose pedal is heard
        ([22], 127),
        ([], 63),  # a pedal that is never down is none
    ],
)
def test_a_pedal_that_says_nothing_opens_no_hat(tmp_path: Path, notes: list[int], pedal: int) -> None:
    moves = [control(4, 0), control(4, pedal, 1.0), control(4, 0, 2.0)]
    others = strokes([(3.5, note) for note in notes])
    found = read(tmp_path, midi(track(*moves, *others, *strokes(bars(1)))))
    assert {stroke.voice for stroke in found.strokes if stroke.note == HAT} == {Voice.CLOSED_HAT}


OPEN = 46


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({HAT: 90, OPEN: 45, 44: 60}, {HAT: 0.0, OPEN: 0.5, 44: 0.333}),  # the Groove MIDI Dataset's kit
        ({HAT: 127, OPEN: 0, 44: 127}, {HAT: 0.0, OPEN: 1.0, 44: 0.0}),
        ({HAT: 0, OPEN: 127, 44: 0}, {HAT: 0.0, OPEN: 1.0, 44: 0.0}),  # a kit that counts the other way
        ({HAT: 64, OPEN: 64, 44: 64}, {HAT: None, OPEN: None, 44: None}),  # one that does not move
        ({HAT: 20, OPEN: 2, 44: 20}, {HAT: None, OPEN: None, 44: None}),  # hardly
    ],
)
def test_a_hat_is_as_open_as_its_pedal_says(
    tmp_path: Path, places: dict[int, int], expected: dict[int, float | None]
) -> None:
    beats = dict(enumerate([HAT, OPEN, HAT, 44]))
    moves = [control(4, places[note], bar * 4 + beat) for bar in range(3) for beat, note in beats.items()]
    struck = [
        (bar * 4 + beat, note) for bar in range(3) for beat, note in [*beats.items(), (0, KICK), (1, SNARE)]
    ]
    found = read(tmp_path, midi(track(*moves, *strokes(struck))))
    [run] = found.runs()
    notes = {Voice.CLOSED_HAT: HAT, Voice.OPEN_HAT: OPEN, Voice.PEDAL_HAT: 44}
    hits = [hit for bar in run for hit in bar.hits]
    assert len(hits) == 18
    for hit in hits:
        assert hit.openness == (expected[notes[hit.voice]] if hit.voice in notes else None)


@pytest.mark.parametrize(
    ("content", "called", "bpm"),
    [
        (take(bars(2)), "a.mid", 100.0),
        (midi(track(tempo(999), *strokes(bars(2)))), "a.mid", 999.0),  # 60,060 us are a little more
        (midi(track(*strokes(bars(2)))), "groove_87bpm.mid", 87.0),
        (midi(track(*strokes(bars(2)))), "a.mid", None),
        (midi(track(tempo(90), tempo(140, 1), *strokes(bars(2)))), "a.mid", 140.0),  # it holds longer
        (midi(track(tempo(1500), *strokes(bars(2)))), "a.mid", None),
    ],
)
def test_the_tempo_is_the_one_that_holds_longest(
    tmp_path: Path, content: bytes, called: str, bpm: float | None
) -> None:
    found = read(tmp_path, content, called)
    assert found.bpm == bpm
    assert any("1500" in each for each in found.remarks) == (b"\x00\x9c\x40" in content)


def test_sequences_of_format_2_are_read_each_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "two.mid"
    second = track(*strokes(bars(3, [(0, KICK), (1, 40), *((beat, 51) for beat, _ in EIGHTHS)])))
    path.write_bytes(midi(track(*strokes(bars(2))), track(tempo(90)), second, midi_format=2))
    assert [hits_per_bar(each) for each in read_drum_file(path)] == [[[12, 12]], [[10, 10, 10]]]
    assert [hits_per_bar(each) for each in read_drum_file(path, wanted=("2",))] == [[[10, 10, 10]]]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (take([(9000, KICK)]), "expected at most 8000 beats, got 9000"),
        (midi(track(tempo(100))), "expected notes, got none"),
        (b"\0" * 100, "expected a MIDI file"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(MidiError, match=complaint):
        read(tmp_path, content)
    with pytest.raises(MidiError, match="expected a MIDI file, got: No such file"):
        read_drum_file(tmp_path / "nowhere.mid")


def test_a_late_end_of_absurd_length_is_no_length(tmp_path: Path) -> None:
    assert hits_per_bar(read(tmp_path, take(bars(2), end=100_000))) == [[12, 12]]


def test_mutated_files_are_read_in_whole_bars_or_told(tmp_path: Path) -> None:
    rng = random.Random(1)
    contents = [*(content for content, _ in CASES.values()), *REFUSED.values()]
    path = tmp_path / "mutant.mid"
    read_at_all = 0
    for _ in range(400):
        content = bytearray(rng.choice(contents))
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(content))
            content[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        path.write_bytes(content)
        try:
            files = read_drum_file(path)
        except MidiError:
            continue
        read_at_all += 1
        for file in files:
            voiced = [stroke for stroke in file.strokes if stroke.voice is not None]
            lost = [each for each in file.sections if each.meter is None]
            kept = [stroke for stroke in voiced if not any(each.holds(stroke.beat) for each in lost)]
            assert sum(len(bar.hits) for run in file.runs() for bar in run) == len(kept)
    assert read_at_all > 100
