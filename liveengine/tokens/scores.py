"""MIDI files as scores for MidiTok: read as players' files are, so that a note-on is a stroke here too."""

from __future__ import annotations

from pathlib import Path

from symusic import Note, Score, Tempo, TimeSignature, Track

from liveengine.errors import MidiError
from liveengine.music.drum_tracks import DRUM_CHANNEL
from liveengine.music.midi_file import read_midi


def read_score(path: Path) -> Score:
    """Return a MIDI file as a score in its own ticks, with a track for each channel of a track.

    Raises MidiError where it is no MIDI file or holds several pieces (format 2), OSError where it cannot be
    read.
    """
    sequence, *others = read_midi(path.read_bytes())
    if others:
        raise MidiError(f"expected the parts of one piece, got {len(others) + 1} pieces (MIDI format 2)")
    score = Score(sequence.ticks_per_beat)

    def tick(beat: float) -> int:
        return round(beat * sequence.ticks_per_beat)

    for beat, bpm in sequence.tempos:
        score.tempos.append(Tempo(tick(beat), bpm))
    for beat, numerator, denominator in sequence.signatures:
        score.time_signatures.append(TimeSignature(tick(beat), numerator, denominator))
    for each in sequence.tracks:
        track = Track(each.name, each.program or 0, each.channel == DRUM_CHANNEL or each.drum_bank)
        for note in each.notes:
            track.notes.append(Note(tick(note.beat), tick(note.length_beats), note.note, note.velocity))
        score.tracks.append(track)
    return score
