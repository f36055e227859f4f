"""Takes as MIDI files, read back with mido."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from liveengine.errors import MidiError
from liveengine.midi.file import TakeMarker, TakeNote, TakeTempo, read_texts, save_take, take_bytes
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.kit import PedalMove, Strike
from tests.midi_bytes import midi, track


def written(path: Path, notes: list[TakeNote]) -> mido.MidiFile:
    content = take_bytes(
        notes=notes,
        tempos=[TakeTempo(0.0, 120.0), TakeTempo(4.0, 60.0)],
        markers=[TakeMarker(0.0, "funk"), TakeMarker(4.0, "jazz")],
        meters=[(0.0, FOUR_FOUR)],
        channel=10,
    )
    save_take(path, content)
    return mido.MidiFile(path)


def test_a_take_holds_tempo_meter_markers_and_notes(tmp_path: Path) -> None:
    file = written(tmp_path / "take.mid", [TakeNote(0.0, 36, 100), TakeNote(1.5, 38, 90)])
    assert file.type == 1
    conductor, drums = file.tracks
    tempos = [mido.tempo2bpm(message.tempo) for message in conductor if message.type == "set_tempo"]
    assert tempos == pytest.approx([120, 60])
    assert [message.text for message in conductor if message.type == "marker"] == ["funk", "jazz"]
    assert {message.channel for message in drums if message.type == "note_on"} == {9}
    seconds, strikes = 0.0, []
    for message in file:
        seconds += message.time
        if message.type == "note_on":
            strikes.append((round(seconds, 3), message.note))
    assert strikes == [(0.0, 36), (0.75, 38)]


def test_names_of_any_script_are_written_and_read_back(tmp_path: Path) -> None:
    name = "scene Don\u2019t stop, Припев 夏 🥁"
    texts = [TakeMarker(0.0, name)]
    content = take_bytes(
        notes=[], tempos=[], markers=texts, texts=texts, meters=[(0.0, FOUR_FOUR)], channel=10
    )
    save_take(tmp_path / "take.mid", content)
    assert content.count(name.encode()) == 2  # as UTF-8
    assert read_texts(tmp_path / "take.mid") == [name]


def test_a_note_ends_before_it_is_struck_again(tmp_path: Path) -> None:
    notes = [TakeNote(1.0, 42, 80), TakeNote(1.02, 42, 90), TakeNote(1.02, 42, 30)]
    drums = written(tmp_path / "take.mid", notes).tracks[1]
    kinds = [message.type for message in drums if message.type.startswith("note")]
    assert kinds == ["note_on", "note_off", "note_on", "note_off"]
    assert [message.velocity for message in drums if message.type == "note_on"] == [80, 90]


@pytest.mark.parametrize(("gap_ms", "moves"), [(0.0, [90, 0]), (1.0, [90, 0]), (3.0, [90, 30, 0])])
def test_a_pedal_moves_before_its_stroke_and_not_between_two_at_once(
    tmp_path: Path, gap_ms: float, moves: list[int]
) -> None:
    strikes = [
        Strike(note, 90, 10, pedal=PedalMove(4, value, 6.0)) for note, value in ((42, 90), (44, 30), (46, 0))
    ]
    beats = [1.0, 1.0 + gap_ms / 500, 2.0]
    notes = [TakeNote.struck(beat, strike, 120.0) for beat, strike in zip(beats, strikes, strict=True)]
    at_ms, moved = 0.0, []
    for message in written(tmp_path / "take.mid", notes):
        at_ms += message.time * 1e3
        if message.type == "control_change":
            moved.append((message.value, at_ms))
    assert [value for value, _ in moved] == moves
    assert moved[0][1] == pytest.approx(494, abs=0.6)
    assert moved[-1][1] == pytest.approx(994, abs=0.6)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MidiError, match="take"):
        written(tmp_path / "file" / "take.mid", [])


@pytest.mark.parametrize("event", [b"\xff\x59\x02\x63\x00", b"\xff\x51\x00"])
def test_a_damaged_event_of_a_take_is_told(tmp_path: Path, event: bytes) -> None:
    (tmp_path / "take.mid").write_bytes(midi(track((0, event))))
    with pytest.raises(MidiError, match=r"take\.mid: expected a MIDI file, got: "):
        read_texts(tmp_path / "take.mid")
