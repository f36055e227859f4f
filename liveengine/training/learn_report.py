"""What learning a style came to: how close generated bars come to the player's, and how much they copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from liveengine.music.beats import TICKS_PER_STEP, Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.music.style import SWING_MAX_PERCENT, SWING_MIN_PERCENT
from liveengine.training.corpus import mean_velocity, notes_per_beat
from liveengine.training.hats import HatPlaying
from liveengine.training.learn import Learned
from liveengine.training.user_midi import OwnBeats

LEAST_SWUNG_HITS = 8
"""Fewer off-sixteenths than this say nothing of swing."""
TRIPLET_TICKS = 4
"""A triplet's eighths lie so far from the sixteenths next to them: swung eighths, no swung sixteenths."""
ON_GRID_SHARE = 0.95
"""A player's hits lie on a grid if so many of them have one of the two commonest micro-timings."""

Onsets = tuple[Meter, frozenset[tuple[Voice, int]]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How some bars are played: notes per beat, mean velocity and its deviation, swing of sixteenths, hats.

    `half_open_share` is that of the hand's strokes of a hi-hat.
    """

    density_notes_per_beat: float
    velocity: float
    velocity_deviation: float
    swing_percent: float
    half_open_share: float


def manner(bars: Iterable[Bar]) -> Manner:
    """Return how bars are played; silent ones do not count."""
    played = [bar for bar in bars if bar.hits]
    velocities = [hit.velocity for bar in played for hit in bar.hits]
    return Manner(
        density_notes_per_beat=_rounded([notes_per_beat(bar) for bar in played]),
        velocity=_rounded([mean_velocity(bar) for bar in played]),
        velocity_deviation=round(float(np.std(velocities)), 2) if velocities else 0.0,
        swing_percent=swing_percent(played),
        half_open_share=round(HatPlaying.of(played).half_open_share, 3),
    )


def _rounded(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 2) if values else 0.0


def swing_percent(bars: Iterable[Bar]) -> float:
    """Return where the second of a pair of sixteenths sits in the pair, 50 (straight) to 75 percent.

    The mean micro-timing of the second ones less that of the first ones; 50 where there are too few.
    Triplets of eighths do not count.
    """
    hits = [hit for bar in bars for hit in bar.hits if hit.micro > -TRIPLET_TICKS]
    first = [hit.micro for hit in hits if hit.step % 2 == 0 and hit.micro < TRIPLET_TICKS]
    second = [hit.micro for hit in hits if hit.step % 2 == 1]
    if len(second) < LEAST_SWUNG_HITS or not first:
        return SWING_MIN_PERCENT
    late_ticks = float(np.mean(second) - np.mean(first))
    swing = SWING_MIN_PERCENT + 100 * late_ticks / (2 * TICKS_PER_STEP)
    return round(min(max(swing, SWING_MIN_PERCENT), SWING_MAX_PERCENT), 1)


def on_grid(bars: Iterable[Bar]) -> bool:
    """Tell whether bars were drawn on a grid (swung perhaps), not played."""
    micros = [hit.micro for bar in bars for hit in bar.hits]
    _, times = np.unique(micros, return_counts=True)
    return bool(sum(sorted(times)[-2:]) >= ON_GRID_SHARE * len(micros))


def onsets(bar: Bar) -> Onsets:
    """Return a bar's meter and onsets (voice, sixteenth), which make it a copy of another."""
    return bar.meter, frozenset((hit.voice, hit.step) for hit in bar.hits)


def copied_share(bars: Iterable[Bar], training: Iterable[Bar]) -> float:
    """Return the share of bars, silent ones left aside, whose onsets are those of a training bar."""
    known = {onsets(bar) for bar in training}
    judged = [onsets(bar) in known for bar in bars if bar.hits]
    return round(sum(judged) / len(judged), 4) if judged else 0.0


def report(beats: OwnBeats, learned: Learned, generated: Sequence[Bar]) -> dict[str, Any]:
    """Return what learning came to, as it is stored: plain figures, each explained by its name."""
    training = [bar for take in learned.training for bar in take.bars]
    held_out = [bar for take in learned.held_out for bar in take.bars]
    return {
        "files_used": [
            {
                "file": each.name,
                "bars": each.bars,
                "bpm": each.bpm,
                "drum_map": each.drum_map,
                "tracks": list(each.tracks),
                "remarks": list(each.remarks),
            }
            for each in beats.files
        ],
        "files_left_out": [{"file": each.name, "reason": each.reason} for each in beats.left_out],
        "notes_without_a_voice": [{"note": note, "times": times} for note, times in beats.unknown_notes],
        "remarks": list(beats.remarks),
        "bars_learned_from": len(training),
        "bars_held_out": len(held_out),
        "whole_files_held_out": learned.whole_files_held_out,
        "bits_per_note_before": round(learned.bits_before, 4),
        "bits_per_note_after": round(learned.bits_after, 4),
        "nearest_genres": {genre: round(bits, 4) for genre, bits in learned.nearest},
        "bars_generated": len(generated),
        "copied_share_generated": copied_share(generated, training),
        "copied_share_held_out": copied_share(held_out, training),
        "player": asdict(manner(training + held_out)),
        "generated": asdict(manner(generated)),
        "epochs": learned.epochs,
        "steps": learned.steps,
        "learning_seconds": round(learned.seconds, 1),
    }
