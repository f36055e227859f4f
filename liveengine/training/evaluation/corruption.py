"""The five corruptions of real playing that a judge must be able to tell from it, to be believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from liveengine.music.beats import STEPS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.pattern import MICRO_MIN, Bar, Hit
from liveengine.training.evaluation.features import ms_per_tick

JITTER_MS = 20.0
DROPPED = 0.2

Corruption = Callable[[Sequence[Bar], float, np.random.Generator], list[Bar]]
"""Takes the bars of a window, its bpm and dice; returns the bars spoilt."""


def jittered(bars: Sequence[Bar], bpm: float, rng: np.random.Generator) -> list[Bar]:
    """Move every note by its own normal deviate of 20 ms, rounded to 1/48 beat."""
    spread = JITTER_MS / ms_per_tick(bpm)

    def moved(bar: Bar, hit: Hit) -> Hit:
        tick = hit.step * TICKS_PER_STEP + hit.micro - MICRO_MIN + round(rng.normal(0, spread))
        tick = min(max(tick, 0), bar.meter.steps * TICKS_PER_STEP - 1)
        step, micro = divmod(tick, TICKS_PER_STEP)
        return replace(hit, step=step, micro=micro + MICRO_MIN)

    return [Bar(bar.meter, tuple(sorted(moved(bar, hit) for hit in bar.hits))) for bar in bars]


def velocities_shuffled(bars: Sequence[Bar], _bpm: float, rng: np.random.Generator) -> list[Bar]:
    """Deal each voice's velocities of the window anew among its own notes."""
    by_voice: dict[int, list[int]] = {}
    for bar in bars:
        for hit in bar.hits:
            by_voice.setdefault(hit.voice, []).append(hit.velocity)
    for velocities in by_voice.values():
        rng.shuffle(velocities)
    dealt = {voice: iter(velocities) for voice, velocities in by_voice.items()}
    return [
        Bar(bar.meter, tuple(sorted(replace(hit, velocity=next(dealt[hit.voice])) for hit in bar.hits)))
        for bar in bars
    ]


def thinned(bars: Sequence[Bar], _bpm: float, rng: np.random.Generator) -> list[Bar]:
    """Leave out each note with a chance of 20 %."""
    return [Bar(bar.meter, tuple(hit for hit in bar.hits if rng.random() >= DROPPED)) for bar in bars]


def beats_shuffled(bars: Sequence[Bar], _bpm: float, rng: np.random.Generator) -> list[Bar]:
    """Put the whole beats of each bar in another order; a bar's rest after its last whole beat stays."""
    spoilt = []
    for bar in bars:
        beats = bar.meter.steps // STEPS_PER_BEAT
        order = rng.permutation(beats)
        hits = []
        for hit in bar.hits:
            beat, rest = divmod(hit.step, STEPS_PER_BEAT)
            target = int(order[beat]) if beat < beats else beat
            hits.append(replace(hit, step=target * STEPS_PER_BEAT + rest))
        spoilt.append(Bar(bar.meter, tuple(sorted(hits))))
    return spoilt


def quantised(bars: Sequence[Bar], _bpm: float, _rng: np.random.Generator) -> list[Bar]:
    """Put every note on its sixteenth."""
    return [Bar(bar.meter, tuple(sorted(replace(hit, micro=0) for hit in bar.hits))) for bar in bars]


CORRUPTIONS: Mapping[str, tuple[Corruption, float]] = {
    "jitter": (jittered, 0.61),
    "velocity_shuffle": (velocities_shuffled, 0.76),
    "dropped": (thinned, 0.71),
    "beats_shuffled": (beats_shuffled, 0.88),
    "quantised": (quantised, 1.0),
}
"""Each corruption with the AUC that a judge of fair strength reaches on it."""
