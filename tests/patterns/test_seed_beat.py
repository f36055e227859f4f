"""A given beat is kept to the tick, velocity and length, and bars made again replace only themselves."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from liveengine.app.replay import Replay
from liveengine.config.kits import load_kit
from liveengine.config.settings import load_styles
from liveengine.errors import MidiError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.pattern import Bar
from liveengine.music.request import BarReply
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import Given, PatternRequest
from liveengine.patterns.seed_beat import read_given
from tests.midi_bytes import (
    BEAT as ROCK,
)
from tests.midi_bytes import (
    EIGHTHS,
    HAT,
    bars,
    control,
    midi,
    name,
    off,
    on,
    signature,
    strokes,
    take,
    track,
)

Note = tuple[int, int, int, int]
KICK, SNARE, CRASH = 36, 38, 49
GM = load_kit("gm")
BEAT: list[Note] = [
    (bar * 3840 + tick, note, 60 + bar, length)
    for bar in range(4)
    for tick, note, length in (
        (0, KICK, 33),
        (487, 42, 77),
        (960, SNARE, 250),
        (1931, KICK, 1),
        (2880, SNARE, 60),
    )
]


@pytest.fixture(scope="module")
def studio(small_checkpoint: Path) -> PatternRenderer:
    return PatternRenderer(small_checkpoint, "cpu", lanes=2)


def beat(path: Path, notes: list[Note]) -> Given:
    """Write (tick, note, velocity, length) as a drum track, and read it as a given beat."""
    events = [(tick, 1, "note_on", note, velocity) for tick, note, velocity, _ in notes]
    events += [(tick + length, 0, "note_off", note, 0) for tick, note, _, length in notes]
    track, now = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)]), 0
    for tick, _, kind, note, velocity in sorted(events):
        track.append(mido.Message(kind, channel=9, note=note, velocity=velocity, time=tick - now))
        now = tick
    mido.MidiFile(type=1, ticks_per_beat=960, tracks=[track]).save(path)
    return read_given(path, GM)


def notes_of(path: Path) -> list[Note]:
    """Return (tick, note, velocity, length) of every note of a file."""
    now, sounding, notes = 0, dict[int, tuple[int, int]](), list[Note]()
    for message in mido.MidiFile(path).tracks[1]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            sounding[message.note] = (now, message.velocity)
        elif message.type in ("note_on", "note_off"):
            tick, velocity = sounding.pop(message.note)
            notes.append((tick, message.note, velocity, now - tick))
    assert not sounding
    return sorted(notes)


def made(studio: PatternRenderer, request: PatternRequest, path: Path) -> list[Note]:
    [pattern] = studio.make([request])
    pattern.take().write(path)
    return notes_of(path)


def test_going_on_keeps_every_note_with_its_length(studio: PatternRenderer, tmp_path: Path) -> None:
    given = beat(tmp_path / "beat.mid", BEAT)
    notes = made(
        studio, PatternRequest("funk", bars=2, seed=4, humanize=0.0, given=given), tmp_path / "on.mid"
    )
    assert [note for note in notes if note[0] < 4 * 3840] == sorted(BEAT)
    assert {note[0] // 3840 for note in notes if note[0] >= 4 * 3840} == {4, 5}


def test_bars_made_again_replace_only_themselves(
    studio: PatternRenderer, small_checkpoint: Path, tmp_path: Path
) -> None:
    given = beat(tmp_path / "beat.mid", BEAT)
    request = PatternRequest("jazz", bars=4, seed=4, humanize=0.0, given=given, remade=(1, 3))
    notes = made(studio, request, tmp_path / "made.mid")
    for bar in range(4):
        inside = [note for note in notes if note[0] // 3840 == bar]
        before = sorted(note for note in BEAT if note[0] // 3840 == bar)
        assert (inside == before) == (bar in (0, 2))
        assert inside
    again = Replay(tmp_path / "made.mid", small_checkpoint)
    assert {each.bar for each in again.decodes()} == {1, 3}
    assert again.write(tmp_path / "again.mid")


@pytest.mark.parametrize("early", range(115, 126))
def test_an_early_note_belongs_to_one_bar_for_the_model_and_for_the_file(
    studio: PatternRenderer, tmp_path: Path, early: int
) -> None:
    given = beat(
        tmp_path / "beat.mid", [(0, KICK, 90, 60), (3840 - early, CRASH, 99, 60), (4800, SNARE, 80, 60)]
    )
    [read_in] = [bar for bar, each in enumerate(given.bars) for hit in each.hits if hit.velocity == 99]
    for remade in (0, 1):
        request = PatternRequest("funk", bars=2, given=given, remade=(remade,))
        [pattern] = studio.make([request])
        kept = 99 in [note.velocity for note in pattern.take().given]
        assert kept == (remade != read_in)


def test_a_beat_without_drums_is_told(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match=r"expected drums \(notes of the kit gm\), found none in track 1"):
        beat(tmp_path / "none.mid", [(0, 120, 90, 60)])


@pytest.mark.parametrize("style", ["funk", "questlove"])
def test_an_outro_ends_on_one_stroke_in_styles_with_ghost_notes_too(style: str) -> None:
    request = PatternRequest(style, bars=2, section="outro", seed=1)
    found = load_styles().find(style)
    pattern = Pattern(request, found, GM, "", "cpu")
    asked = pattern.next_request()
    assert asked is not None
    pattern.accept(BarReply(asked.serial, Bar(FOUR_FOUR, ()), 1, 0.0))
    assert pattern.next_request() is None
    last = [note for note in pattern.take().notes if note.bar == 1]
    assert sorted((note.beat, note.strike.note) for note in last) == [
        (FOUR_FOUR.beats, GM.note(voice)) for voice in found.landing
    ]


def given(folder: Path, content: bytes, *tracks: str, kit: str = "gm") -> Given:
    path = folder / "given.mid"
    path.write_bytes(content)
    return read_given(path, load_kit(kit), tracks)


def end_of(path: Path) -> float:
    """Return where a file ends, in beats."""
    file = mido.MidiFile(path)
    return float(max(sum(message.time for message in each) for each in file.tracks) / file.ticks_per_beat)


def test_trailing_empty_bars_can_be_filled(studio: PatternRenderer, tmp_path: Path) -> None:
    beat_of_four = given(tmp_path, take(bars(2), end=15.625))
    assert [len(bar.hits) for bar in beat_of_four.bars] == [12, 12, 0, 0]
    request = PatternRequest("funk", bars=4, seed=4, humanize=0.0, given=beat_of_four, remade=(3,))
    notes = made(studio, request, tmp_path / "made.mid")
    assert {tick // 3840 for tick, *_ in notes} == {0, 1, 3}
    assert end_of(tmp_path / "made.mid") == 16


def test_a_long_tail_ends_with_the_last_bar(studio: PatternRenderer, tmp_path: Path) -> None:
    ringing = given(tmp_path, take(bars(2), on(7.5, CRASH), off(47, CRASH)))
    request = PatternRequest("funk", bars=2, seed=4, given=ringing, remade=(0,))
    made(studio, request, tmp_path / "made.mid")
    assert end_of(tmp_path / "made.mid") == 8


def test_a_last_hit_before_its_bar_line_has_its_bar(studio: PatternRenderer, tmp_path: Path) -> None:
    early = given(tmp_path, take([*bars(2), (7.96875, CRASH)]))
    request = PatternRequest("funk", bars=1, seed=4, given=early)
    notes = made(studio, request, tmp_path / "on.mid")
    assert len(early.bars) == 3
    assert max(notes)[0] >= 3 * 3840 - 480
    assert end_of(tmp_path / "on.mid") == 16


def test_strokes_without_note_offs_are_kept(tmp_path: Path) -> None:
    found = given(tmp_path, midi(track(*strokes(bars(2), length=None), end=8)))
    assert [(note.beat, note.note) for note in found.notes] == sorted(bars(2))
    assert all(note.length_beats for note in found.notes)


def test_a_pick_up_sounds_at_the_end_of_the_first_bar(tmp_path: Path) -> None:
    found = given(
        tmp_path, take([(0, SNARE), (0.5, SNARE), *bars(2, first=1)], signature(1, 4), signature(4, 4, 1))
    )
    assert found.meter == FOUR_FOUR
    assert [note.beat for note in found.notes][:3] == [3.0, 3.5, 4.0]
    assert "the first bar is a pick-up: 1 of 4 beats" in found.remarks


def test_bars_of_an_unknown_meter_are_left_out_and_the_others_close_up(tmp_path: Path) -> None:
    odd = (signature(13, 8, 4), signature(4, 4, 10.5))
    found = given(tmp_path, take([*bars(1), (5, SNARE), *bars(1, first=10.5)], *odd))
    assert [note.beat for note in found.notes] == [beat for beat, _ in sorted(bars(2))]
    assert any("left out from beat 4 on, in 13/8" in each for each in found.remarks)


def test_two_meters_are_refused_with_their_bars(tmp_path: Path) -> None:
    changing = take([*bars(2), *bars(3, beats=3, first=8)], signature(3, 4, 8), signature(4, 4, 17), end=21)
    with pytest.raises(
        MidiError, match=r"throughout, got 4/4 .bars 1-2., 3/4 .bars 3-5., 4/4 .bar 6.: a pattern"
    ):
        given(tmp_path, changing)


def test_a_note_that_is_another_drum_in_the_kit_becomes_that_drum(tmp_path: Path) -> None:
    pedal = [control(4, 127 - 127 * (step % 2), step / 2) for step in range(8)]
    found = given(tmp_path, midi(track(*pedal, *strokes(ROCK))))
    hats = [note.note for note in found.notes if note.note not in (KICK, SNARE)]
    assert hats == [HAT, 46] * 4
    lower = given(tmp_path, take([(beat, note - 12) for beat, note in ROCK]))
    assert [(note.beat, note.note) for note in lower.notes] == sorted(ROCK)
    assert "drum map: General MIDI, 1 octave lower" in lower.remarks[0]
    superior = [(beat, {HAT: 62}.get(note, note)) for beat, note in ROCK]
    assert [(note.beat, note.note) for note in given(tmp_path, take(superior)).notes] == sorted(ROCK)


def test_the_drums_of_a_song_are_found_or_asked_for(tmp_path: Path) -> None:
    piano = track(name("Piano"), *strokes([(beat, 60 + note % 5) for beat, note in EIGHTHS], channel=1))
    song = midi(piano, track(name("EZdrummer"), *strokes(bars(2), channel=4)))
    found = given(tmp_path, song)
    assert len(found.notes) == 24
    assert found.remarks == (
        "read track 2 'EZdrummer' (channel 4, 24 notes); drum map: General MIDI",
        "left out track 1 'Piano' (channel 1, 8 notes): named after another instrument",
    )
    assert given(tmp_path, song, "ezdrummer").notes == given(tmp_path, song, "2").notes == found.notes
    with pytest.raises(MidiError, match=r"given\.mid: no drums found; track 1 'Piano'"):
        given(tmp_path, midi(piano))
    with pytest.raises(MidiError, match=r"given\.mid: --track: expected .* got 'congas'; there are track 1"):
        given(tmp_path, song, "congas")


def test_the_first_sequence_of_format_2_is_gone_on_from(tmp_path: Path) -> None:
    two = midi(track(*strokes(bars(2))), track(*strokes(bars(3))), midi_format=2)
    found = given(tmp_path, two)
    assert len(found.bars) == 2
    assert "left out 1 more, among them track 2" in found.remarks[-1]
    assert len(given(tmp_path, two, "2").bars) == 3


def test_notes_without_a_voice_stay_and_are_told(tmp_path: Path) -> None:
    found = given(tmp_path, take([*bars(2), (1.5, 99)]))
    assert found.unread == 1
    assert "1 of 25 notes have no voice in the map (General MIDI): 99 (1 times)" in found.remarks[-1]
    assert 99 in [note.note for note in found.notes]


def test_empty_bars_beyond_the_most_are_let_go(tmp_path: Path) -> None:
    assert len(given(tmp_path, take(bars(2), end=400)).bars) == 64
    with pytest.raises(MidiError, match="expected at most 64 bars, got 65"):
        given(tmp_path, take(bars(65)))
