"""Scores of MIDI files hold what is written: as symusic reads them, and the strokes that it would drop."""

from __future__ import annotations

from pathlib import Path

import pytest
from symusic import Score

from liveengine.errors import MidiError
from liveengine.tokens.scores import read_score
from liveengine.tokens.tokenizer import drum_notes, meters_of_score
from tests.midi_bytes import bars, midi, name, program, signature, strokes, tempo, track


def test_a_clean_file_is_the_same_score(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(
        midi(
            track(tempo(92), tempo(95, beat=3), signature(3, 4), signature(7, 8, beat=6)),
            track(name("Drums"), *strokes(bars(3))),
            track(name("Bass"), program(33, 2), *strokes([(0, 40)], channel=2)),
        )
    )
    ours, theirs = read_score(path), Score(str(path))
    assert drum_notes(ours) == sorted(drum_notes(theirs))
    assert meters_of_score(ours) == meters_of_score(theirs)
    assert [(each.time, round(each.qpm, 3)) for each in ours.tempos] == [
        (each.time, round(each.qpm, 3)) for each in theirs.tempos
    ]
    for mine, other in zip(ours.tracks, theirs.tracks, strict=True):
        assert (mine.name, mine.program, mine.is_drum) == (other.name, other.program, other.is_drum)
        assert sorted((n.time, n.duration, n.pitch, n.velocity) for n in mine.notes) == sorted(
            (n.time, n.duration, n.pitch, n.velocity) for n in other.notes
        )


def test_strokes_without_note_offs_are_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(
        midi(track((0.5, b"\xf0\x02\x43\x12"), (0.7, b"\xf7\x01\xf7"), *strokes(bars(2), length=None)))
    )
    assert [(beat, pitch) for beat, pitch, _ in drum_notes(read_score(path))] == sorted(bars(2))


def test_what_is_no_score_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(midi(track(*strokes(bars(1))), track(*strokes(bars(1))), midi_format=2))
    with pytest.raises(MidiError, match="got 2 pieces"):
        read_score(path)
    path.write_bytes(b"no MIDI")
    with pytest.raises(MidiError, match="expected a MIDI file"):
        read_score(path)
