"""Statistics of windows of bars, as vectors for classifiers: onsets, repetition, velocity, timing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveengine.music.beats import TICKS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.drums import VOICE_COUNT, Voice
from liveengine.music.pattern import Bar

FEATURES_VERSION = 1
"""Goes up when the numbers change, so that stored features are not read as others."""
WINDOW_BARS = 2
BAR_STEPS = 16
"""Sixteenths of a bar that the onset profile keeps; steps beyond, of longer bars, are left out of it."""

GROUPS: tuple[tuple[Voice, ...], ...] = (
    (Voice.KICK,),
    (Voice.SNARE, Voice.SNARE_RIM),
    (Voice.RIM,),
    (Voice.CLOSED_HAT,),
    (Voice.PEDAL_HAT,),
    (Voice.OPEN_HAT,),
    (Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM),
    (Voice.CRASH, Voice.CRASH_2),
    (Voice.RIDE, Voice.BELL),
)
"""Nine groups of voices that play one part."""
GROUP_OF = np.array(
    [next(index for index, group in enumerate(GROUPS) if voice in group) for voice in Voice], np.int64
)
KICK, SNARE, HAT, RIDE = 0, 1, 3, 8
MAIN = (KICK, SNARE, HAT, RIDE)
PAIRS = ((KICK, HAT), (KICK, RIDE), (SNARE, HAT), (SNARE, RIDE), (KICK, SNARE), (HAT, 4), (RIDE, 4))
ABSENT = -1.0
"""Stands for a statistic of notes that are not there; trees cut it off from real values."""
ABSENT_MS = -99.0

Vector = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Notes:
    """The hits of consecutive bars as columns: what a drummer did, in one table sorted by time and voice.

    `bar` and `step` say where a hit stands, `tick` how far it is from the first bar line in 1/48 beats,
    `micro` how far from its step; `voice`, `group` and `velocity` what it is.
    """

    bar: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    tick: npt.NDArray[np.int64]
    micro: npt.NDArray[np.int64]
    voice: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    velocity: npt.NDArray[np.float64]
    steps: int
    """Sixteenths in all the bars."""


def notes_of(bars: Sequence[Bar]) -> Notes:
    """Return the hits of consecutive bars as columns."""
    rows = []
    start = 0
    for index, bar in enumerate(bars):
        rows += [
            (index, start + hit.step, hit.step, hit.micro, int(hit.voice), hit.velocity) for hit in bar.hits
        ]
        start += bar.meter.steps
    table = np.array(rows, np.int64).reshape(-1, 6)
    return Notes(
        bar=table[:, 0],
        step=table[:, 2],
        tick=table[:, 1] * TICKS_PER_STEP + table[:, 3],
        micro=table[:, 3],
        voice=table[:, 4],
        group=GROUP_OF[table[:, 4]],
        velocity=table[:, 5].astype(np.float64),
        steps=start,
    )


def ms_per_tick(bpm: float) -> float:
    """Return how long 1/48 beat lasts."""
    return 60_000 / bpm / TICKS_PER_BEAT


def window_features(bars: Sequence[Bar], bpm: float) -> Vector:
    """Return the statistics of a window of two bars (or of one, for fills), one vector.

    Onsets per group and sixteenth; how much the bars and beats repeat each other, per group; velocity and
    timing per group and place in the beat; velocity and timing from note to note; how close together
    voices strike that strike together.
    """
    notes = notes_of(bars)
    ms = ms_per_tick(bpm)
    return np.concatenate(
        [
            np.array([bpm, len(notes.step), len(set(notes.voice.tolist()))]),
            _onsets(notes),
            _repetition(notes, len(bars)),
            _velocity(notes),
            _timing(notes, ms),
            _neighbours(notes, ms),
            _togetherness(notes, ms),
        ]
    ).astype(np.float32)


def feature_matrix(windows: Sequence[tuple[Sequence[Bar], float]]) -> Matrix:
    """Return the features of windows (bars, bpm), one row each, at the precision they are stored in."""
    rows = np.stack([window_features(bars, bpm) for bars, bpm in windows])
    return rows.astype(np.float16).astype(np.float32)


def _onsets(notes: Notes) -> npt.NDArray[np.float64]:
    profile = np.zeros((len(GROUPS), BAR_STEPS))
    inside = notes.step < BAR_STEPS
    np.add.at(profile, (notes.group[inside], notes.step[inside]), 1)
    voices = np.bincount(notes.voice, minlength=VOICE_COUNT)
    return np.concatenate([profile.ravel(), voices])


def _grid(notes: Notes, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the values on a grid (group, sixteenth of the window), NaN where nothing is struck."""
    grid = np.full((len(GROUPS), max(1, notes.steps)), np.nan)
    place = np.clip((notes.tick - notes.micro) // TICKS_PER_STEP, 0, grid.shape[1] - 1)
    grid[notes.group[::-1], place[::-1]] = values[::-1]
    return grid


def _repetition(notes: Notes, bar_count: int) -> npt.NDArray[np.float64]:
    """Return how often onsets half a beat to a bar apart agree, per group, and how velocities do."""
    grid = _grid(notes, notes.velocity)
    struck = ~np.isnan(grid)
    out: list[float] = []
    bar_steps = notes.steps // max(1, bar_count)
    for lag in (2, 4, 8, bar_steps):
        if lag >= grid.shape[1]:
            out += [ABSENT] * (2 * len(GROUPS) + 2)
            continue
        here, there = struck[:, :-lag], struck[:, lag:]
        both = (here & there).sum(axis=1)
        either = (here | there).sum(axis=1)
        out += np.where(either > 0, both / np.maximum(1, either), ABSENT).tolist()
        out.append(both.sum() / max(1, either.sum()))
        differences = np.abs(grid[:, lag:] - grid[:, :-lag])
        out += [_mean(row[~np.isnan(row)]) for row in differences]
        out.append(_mean(differences[~np.isnan(differences)]))
    return np.array(out)


def _velocity(notes: Notes) -> npt.NDArray[np.float64]:
    out: list[float] = [
        _mean(notes.velocity),
        _spread(notes.velocity),
        _mean((notes.velocity >= 127).astype(np.float64)),
    ]
    for group in range(len(GROUPS)):
        own = notes.velocity[notes.group == group]
        out += [_mean(own), _spread(own), *(_quantiles(own))]
    for group in MAIN:
        for place in range(4):
            own = notes.velocity[(notes.group == group) & (notes.step % 4 == place)]
            out += [_mean(own), _spread(own)]
        for beat in range(4):
            out.append(_mean(notes.velocity[(notes.group == group) & (notes.step == 4 * beat)]))
    return np.array(out)


def _timing(notes: Notes, ms: float) -> npt.NDArray[np.float64]:
    micro = notes.micro.astype(np.float64) * ms
    out: list[float] = [_mean(micro, ABSENT_MS), _spread(micro), _mean(np.abs(micro))]
    out.append(_mean((notes.micro == 0).astype(np.float64)))
    for group in range(len(GROUPS)):
        own = micro[notes.group == group]
        out += [_mean(own, ABSENT_MS), _spread(own), _mean(np.abs(own))]
    for group in MAIN:
        for place in range(4):
            own = micro[(notes.group == group) & (notes.step % 4 == place)]
            out += [_mean(own, ABSENT_MS), _spread(own)]
    return np.array(out)


def _neighbours(notes: Notes, ms: float) -> npt.NDArray[np.float64]:
    """Return, per group, how velocity and timing go from one note to the next, and the shortest gaps."""
    out: list[float] = []
    for group in range(len(GROUPS)):
        own = notes.group == group
        order = np.argsort(notes.tick[own], kind="stable")
        velocity, micro = notes.velocity[own][order], (notes.micro[own] * ms)[order]
        gaps = np.diff(notes.tick[own][order])
        near = gaps <= 2 * TICKS_PER_STEP
        steps = np.abs(np.diff(velocity))
        out += [
            _mean(steps),
            _mean(steps[near]),
            _correlation(velocity),
            _mean(np.abs(np.diff(micro))),
            _mean(np.abs(np.diff(micro))[near]),
            _correlation(micro),
            _mean((gaps < TICKS_PER_STEP // 2).astype(np.float64)),
            _spread(gaps * ms),
            float(gaps.min() * ms) if len(gaps) else ABSENT,
        ]
    return np.array(out)


def _togetherness(notes: Notes, ms: float) -> npt.NDArray[np.float64]:
    """Return how far apart pairs of groups strike on one sixteenth, and how far a sixteenth spreads."""
    micro = _grid(notes, notes.micro.astype(np.float64) * ms)
    out: list[float] = []
    for first, second in PAIRS:
        apart = micro[first] - micro[second]
        apart = apart[~np.isnan(apart)]
        out += [_mean(apart, ABSENT_MS), _mean(np.abs(apart)), _spread(apart)]
    struck = ~np.isnan(micro)
    count = struck.sum(axis=0)
    filled = np.where(struck, micro, 0.0)
    means = filled.sum(axis=0) / np.maximum(1, count)
    spread = np.sqrt((np.where(struck, micro - means, 0.0) ** 2).sum(axis=0) / np.maximum(1, count))
    out += [_mean(spread[count > 1]), *_quantiles(spread[count > 1]), _spread(means[count > 0])]
    out += [_mean((count == size).astype(np.float64)) for size in range(5)]
    return np.array(out)


def _mean(values: npt.NDArray[np.float64], absent: float = ABSENT) -> float:
    return float(values.mean()) if len(values) else absent


def _spread(values: npt.NDArray[np.float64]) -> float:
    return float(values.std()) if len(values) > 1 else ABSENT


def _quantiles(values: npt.NDArray[np.float64]) -> list[float]:
    if not len(values):
        return [ABSENT] * 3
    return [float(found) for found in np.quantile(values, (0.1, 0.5, 0.9))]


def _correlation(values: npt.NDArray[np.float64]) -> float:
    """Return the lag-1 autocorrelation; -2 where there are too few values or they do not vary."""
    if len(values) < 4 or values.std() < 1e-9:
        return -2.0
    centred = values - values.mean()
    return float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
