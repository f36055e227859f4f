"""The report as one HTML page: scores beside their aims, training curves, histograms, piano-rolls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveengine.errors import CheckpointError
from liveengine.music.beats import TICKS_PER_BEAT
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.reports.markup import document, element, enclose, key, table_header, table_row
from liveengine.training.history import Progress
from liveengine.training.plots import (
    EARLY,
    GENERATED,
    LATE,
    REAL,
    Values,
    histogram,
    piano_roll,
    shade,
    training_curves,
)

Value = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure of the evaluation that has an aim: at most `most`, or at least `least`.

    `real_key` is the key of the same figure for real playing against real playing; `hoped` is better still.
    """

    key: str
    name: str
    real_key: str = ""
    most: float | None = None
    least: float | None = None
    hoped: float | None = None

    def met(self, value: float) -> bool:
        """Tell whether a value meets the aim."""
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    @property
    def text(self) -> str:
        """The aim in words."""
        bound = f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}"
        return bound + (f", aiming at {self.hoped:g}" if self.hoped is not None else "")


AIMS = (
    Aim("bits_per_note", "bits per note", most=6.5, hoped=6.0),
    Aim("style_ratio", "style named on generated bars, as a share of real ones", least=0.9),
    Aim("real_vs_generated_auc", "real-versus-generated AUC", "real_vs_real_auc", most=0.70, hoped=0.60),
    Aim("w1_timing_ms", "Wasserstein-1 of timing, ms", "w1_timing_ms_real", most=8),
    Aim("w1_velocity", "Wasserstein-1 of velocity", "w1_velocity_real", most=17),
    Aim("share_copied", "share of bars copied from training", "share_copied_real", most=0.15),
    Aim("density_spearman", "density asked and got, rank correlation", least=0.8),
    Aim("energy_spearman", "energy asked and got, rank correlation", least=0.8),
    Aim("fill_agreement", "fill heard where asked for", "fill_agreement_real", least=0.8),
    Aim("share_decoded", "share of sequences that decode", least=1),
)

PARTS: Sequence[tuple[str, frozenset[Voice]]] = (
    ("all voices", frozenset(Voice)),
    ("kick", frozenset((Voice.KICK,))),
    ("snare", frozenset((Voice.SNARE, Voice.SNARE_RIM))),
    ("closed hat", frozenset((Voice.CLOSED_HAT,))),
    ("ride", frozenset((Voice.RIDE, Voice.BELL))),
    ("toms", frozenset((Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM))),
)
VELOCITY_EDGES = np.arange(0, 129, 8, dtype=np.float64)
TIMING_EDGES_MS = np.arange(-60, 61, 5, dtype=np.float64)
SPREAD = np.array([-0.4, -0.2, 0.0, 0.2, 0.4])
"""Where in its tick a note counts, a fifth each: otherwise ticks and bins would beat against each other."""

PlayedBar = tuple[Bar, float]
"""A bar and its bpm."""


@dataclass(frozen=True, slots=True)
class Roll:
    """What a style's piano-roll shows: consecutive bars at a tempo."""

    title: str
    bars: tuple[Bar, ...]
    bpm: float


def read_evaluation(path: Path) -> dict[str, Value]:
    """Return the figures of an evaluation. Raises CheckpointError where the file holds no flat JSON."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: expected an evaluation in JSON, got: {error}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: expected an object of names and numbers, got {type(found).__name__}")
    figures = {name: value for name, value in found.items() if value is not None}
    nested = [name for name, value in figures.items() if not isinstance(value, Value)]
    if nested:
        raise CheckpointError(f"{path}: expected a number for each name, got none for {', '.join(nested)}")
    return figures


def report_page(
    title: str,
    figures: Mapping[str, Value],
    *,
    history: Sequence[Progress] = (),
    real: Sequence[PlayedBar] = (),
    generated: Sequence[PlayedBar] = (),
    rolls: Sequence[Roll] = (),
) -> str:
    """Return the page; what is empty is left out of it. It is well-formed XML and loads nothing."""
    parts = [element("h1", title)]
    if figures:
        parts += [element("h2", "Scores"), _scores(figures)]
    if history:
        parts += [element("h2", "Training"), _training(history)]
    if real and generated:
        parts += [element("h2", "Velocity and timing"), _histograms(real, generated)]
    if rolls:
        parts += [element("h2", "Piano-rolls"), _rolls(rolls)]
    if figures:
        parts += [element("h2", "All figures"), _all_figures(figures)]
    return document(title, parts)


def _number(value: Value | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _scores(figures: Mapping[str, Value]) -> str:
    rows = [table_header("figure", "value", "real against real", "aim", "")]
    for aim in AIMS:
        value = figures.get(aim.key)
        if isinstance(value, str) or value is None:
            verdict, kind = "not measured", "note"
        else:
            verdict, kind = ("met", "met") if aim.met(value) else ("missed", "missed")
        cells = (aim.name, _number(value), _number(figures.get(aim.real_key)), aim.text, verdict)
        rows.append(table_row(cells, ("", "number", "number", "", kind)))
    return enclose("table", "".join(rows))


def _all_figures(figures: Mapping[str, Value]) -> str:
    rows = [table_row((name, _number(value)), ("", "number")) for name, value in sorted(figures.items())]
    return enclose("table", table_header("name", "value") + "".join(rows))


def _training(history: Sequence[Progress]) -> str:
    seconds = sum(each.seconds for each in history)
    text = (
        f"{len(history)} epochs in {seconds / 60:.1f} minutes. Training is harder than validation: its "
        "controls are left open at random, the network drops units, and every collection is in it."
    )
    return training_curves(history) + element("p", text, **{"class": "note"})


def _histograms(real: Sequence[PlayedBar], generated: Sequence[PlayedBar]) -> str:
    keys = enclose("p", key(REAL, "real") + key(GENERATED, "generated"))
    text = (
        "Shares of notes. Timing is the distance from the sixteenth, later to the right; each note is spread "
        "over its tick of 1/48 beat. The model was given the style, tempo and meter of the real takes."
    )
    plots = []
    for name, voices in PARTS:
        velocities = [_velocities(bars, voices) for bars in (real, generated)]
        timings = [_timings_ms(bars, voices) for bars in (real, generated)]
        if all(len(values) for values, _ in velocities):
            plots.append(histogram(f"velocity: {name}", "velocity", *velocities, edges=VELOCITY_EDGES))
            plots.append(histogram(f"timing: {name}", "ms", *timings, edges=TIMING_EDGES_MS))
    return (
        keys + element("p", text, **{"class": "note"}) + enclose("div", "".join(plots), **{"class": "pair"})
    )


def _velocities(bars: Sequence[PlayedBar], voices: frozenset[Voice]) -> tuple[Values, Values]:
    """Return the velocities of the notes of some voices, with weights."""
    found = np.array([hit.velocity for bar, _ in bars for hit in bar.hits if hit.voice in voices], np.float64)
    return found, np.ones(len(found))


def _timings_ms(bars: Sequence[PlayedBar], voices: frozenset[Voice]) -> tuple[Values, Values]:
    """Return the deviations of some voices' notes from the sixteenth, and weights that sum to the notes."""
    places = [
        (hit.micro, 60_000 / bpm / TICKS_PER_BEAT)
        for bar, bpm in bars
        for hit in bar.hits
        if hit.voice in voices
    ]
    table = np.array(places, np.float64).reshape(-1, 2)
    spread = ((table[:, :1] + SPREAD) * table[:, 1:]).ravel()
    return spread, np.full(len(spread), 1 / len(SPREAD))


def _rolls(rolls: Sequence[Roll]) -> str:
    shades = "".join(key(shade(velocity), str(velocity)) for velocity in (20, 55, 90, 125))
    keys = enclose("p", "velocity" + shades + key(EARLY, "early") + key(LATE, "late"))
    text = (
        "As the model writes them, after two bars that are not shown, before the style's own swing, push and "
        "pull. A note begins at its left edge; the coloured line under it leads to its sixteenth."
    )
    drawn = [
        element("h3", f"{roll.title}, {roll.bpm:g} bpm")
        + enclose("div", piano_roll(roll.bars, roll.bpm), **{"class": "wide"})
        for roll in rolls
    ]
    return keys + element("p", text, **{"class": "note"}) + "".join(drawn)
