"""A folder of MIDI as tokens: each file through the MidiTok tokenizer, what was lost and what it costs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from symusic import Score

from liveengine.errors import ContractError, CorpusError, MidiError
from liveengine.music.beats import STEPS_PER_BEAT, TICKS_PER_BEAT
from liveengine.music.drums import PITCH_TO_VOICE
from liveengine.music.pattern import Bar
from liveengine.tokens.scores import read_score
from liveengine.tokens.tokenizer import DrumTokenizer, drum_notes, meters_of_score
from liveengine.training.corpus import LeftOut

MIDI_SUFFIXES = (".mid", ".midi")
DEFAULT_BPM = 120.0
"""A MIDI file that names no tempo plays at this one (Standard MIDI Files 1.0)."""


@dataclass(frozen=True, slots=True)
class Tokenized:
    """A file as tokens. `steps_per_bar` is how many ids each bar takes, its Bar token included.

    `notes` have a voice, `voiceless` have none and are lost. `error_ms` is the most that a note moved, at
    the tempo of its place in the file; `error_beats` the same in beats.
    """

    name: str
    ids: npt.NDArray[np.int64]
    steps_per_bar: tuple[int, ...]
    notes: int
    voiceless: int
    error_beats: float
    error_ms: float


def midi_files(folder: Path) -> list[Path]:
    """Return every MIDI file below a folder, sorted. Raises CorpusError where there is none."""
    if not folder.is_dir():
        raise CorpusError(f"{folder}: expected a folder of MIDI files, found none")
    found = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES and path.is_file()
    )
    if not found:
        raise CorpusError(f"{folder}: expected .mid or .midi files below it, found none")
    return found


def tokenize(
    path: Path, folder: Path, tokenizer: DrumTokenizer, *, any_channel: bool = False
) -> Tokenized | LeftOut:
    """Return a file of a folder as tokens, or why it cannot be.

    Only tracks on MIDI's drum channel count, unless `any_channel` says that a file without them is all
    drums.
    """
    name = path.relative_to(folder).as_posix()
    try:
        score = read_score(path)
        meters_of_score(score)
    except ContractError as error:
        return LeftOut(name, f"unknown meter: {error}")
    except (MidiError, OSError) as error:
        return LeftOut(name, f"broken: {error}")
    if not any(track.is_drum for track in score.tracks) and not any_channel:
        return LeftOut(name, "no drums: no track on channel 10 (--any-channel takes every track for drums)")
    every = drum_notes(score)
    notes = [note for note in every if note[1] in PITCH_TO_VOICE and note[2] > 0]
    if not notes:
        return LeftOut(name, f"no drums: none of its {len(every)} notes has a drum voice")
    ids: list[int] = tokenizer.encode(score).ids
    bars = tokenizer.bars(ids)
    error_beats, error_ms = _errors(notes, bars, score)
    return Tokenized(
        name=name,
        ids=np.array(ids, np.int64),
        steps_per_bar=tuple(_steps(bar) for bar in bars),
        notes=len(notes),
        voiceless=len(every) - len(notes),
        error_beats=error_beats,
        error_ms=error_ms,
    )


def _steps(bar: Bar) -> int:
    return 1 + len({hit.step for hit in bar.hits}) + len(bar.hits)


def _errors(
    notes: Sequence[tuple[float, int, int]], bars: Sequence[Bar], score: Score
) -> tuple[float, float]:
    """Return the most that a note moved, in beats and in ms.

    Notes and decoded hits are paired voice by voice, in order of time.

    Raises ContractError where a note with a voice was lost on the way.
    """
    written = sorted((PITCH_TO_VOICE[pitch], beat) for beat, pitch, _ in notes)
    decoded = sorted(_decoded(bars))
    if [voice for voice, _ in written] != [voice for voice, _ in decoded]:
        raise ContractError(f"tokens: expected {len(written)} notes, voice by voice, got {len(decoded)}")
    tempos = sorted((tempo.time / score.tpq, tempo.qpm) for tempo in score.tempos)
    starts = [start for start, _ in tempos]
    worst_beats = worst_ms = 0.0
    for (_, beat), (_, found) in zip(written, decoded, strict=True):
        place = bisect_right(starts, beat) - 1
        bpm = tempos[max(0, place)][1] if tempos else DEFAULT_BPM
        moved = abs(found - beat)
        worst_beats, worst_ms = max(worst_beats, moved), max(worst_ms, moved * 60_000 / bpm)
    return worst_beats, worst_ms


def _decoded(bars: Sequence[Bar]) -> Iterator[tuple[int, float]]:
    start = 0.0
    for bar in bars:
        for hit in bar.hits:
            yield hit.voice, start + hit.step / STEPS_PER_BEAT + hit.micro / TICKS_PER_BEAT
        start += bar.meter.beats


def save_json(found: Tokenized, folder: Path, tokenizer: DrumTokenizer) -> None:
    """Write a file's ids below a folder in MidiTok's JSON, under the file's own name."""
    path = folder / f"{found.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save_tokens(found.ids.tolist(), path)


def save_together(found: Sequence[Tokenized], path: Path) -> None:
    """Write the ids of all files into one, by name, as safetensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({each.name: each.ids for each in found}, path)


def totals(found: Sequence[Tokenized]) -> dict[str, float]:
    """Return the totals of many files, by name."""
    steps = [count for each in found for count in each.steps_per_bar]
    return {
        "files": len(found),
        "bars": len(steps),
        "notes": sum(each.notes for each in found),
        "notes without a voice": sum(each.voiceless for each in found),
        "decoding steps per bar, median": float(np.median(steps)) if steps else 0.0,
        "decoding steps per bar, p95": float(np.percentile(steps, 95)) if steps else 0.0,
        "greatest time error at the file's tempo, ms": max((each.error_ms for each in found), default=0.0),
        "greatest time error at 120 bpm, ms": max((each.error_beats * 500 for each in found), default=0.0),
    }
