"""Reading a given beat: its own notes to the tick, and the bars that the model reads of it."""

from __future__ import annotations

from pathlib import Path

from symusic import Score

from liveengine.errors import MidiError
from liveengine.midi.file import TakeNote
from liveengine.music.beats import TEMPO_MAX_BPM, TEMPO_MIN_BPM
from liveengine.music.drums import PITCH_TO_VOICE, KitMap, Voice
from liveengine.patterns.request import MOST_BARS, Given
from liveengine.tokens.tokenizer import bars_of_notes, meters_of_score


def read_given(path: Path, kit: KitMap) -> Given:
    """Return the drums of a MIDI file: of its drum tracks, or of all tracks where none is marked.

    Notes are those of the kit, and General MIDI's. Raises MidiError where it is no MIDI file, has no drums,
    more than one time signature, or more than 64 bars; ContractError for a time signature that the model
    does not know.
    """
    try:
        score = Score(str(path))
    except (RuntimeError, ValueError, OSError) as error:
        raise MidiError(f"{path}: expected a MIDI file, got: {' '.join(str(error).split())}") from error
    if score.tpq <= 0:
        raise MidiError(f"{path}: expected ticks per quarter note in the MIDI header, got none")
    meters = meters_of_score(score)
    if len({meter for _, meter in meters}) > 1:
        raise MidiError(
            f"{path}: expected one time signature, got {', '.join(str(meter) for _, meter in meters)}"
        )
    tracks = [track for track in score.tracks if track.is_drum] or list(score.tracks)
    notes = sorted(
        (
            TakeNote(note.time / score.tpq, note.pitch, note.velocity, note.duration / score.tpq)
            for track in tracks
            for note in track.notes
            if note.velocity
        ),
        key=lambda note: (note.beat, note.note),
    )
    meter = meters[0][1]
    if notes and notes[-1].beat >= MOST_BARS * meter.beats:
        raise MidiError(
            f"{path}: expected at most {MOST_BARS} bars, got {int(notes[-1].beat // meter.beats) + 1}"
        )
    voices = {**PITCH_TO_VOICE, **{kit.note(voice): voice for voice in Voice}}
    known = [(note.beat, note.note, note.velocity) for note in notes if note.note in voices]
    if not known:
        raise MidiError(f"{path}: expected drums (notes of the kit {kit.name}), found none")
    tempos = [float(tempo.qpm) for tempo in score.tempos[:1]]
    bpm = tempos[0] if tempos and TEMPO_MIN_BPM <= tempos[0] <= TEMPO_MAX_BPM else None
    bars = tuple(bars_of_notes(known, meters, voices))
    return Given(meter, bpm, bars, tuple(notes), len(notes) - len(known))
