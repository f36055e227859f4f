"""Plots as SVG: training curves, histograms of real beside generated playing, and piano-rolls of bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from liveengine.music.beats import STEPS_PER_BEAT, TICKS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.reports.markup import FAINT, GRID, INK, element, enclose, label, line, picture, ticks
from liveengine.training.history import Progress

REAL, GENERATED = "#4f78a8", "#d9772b"
EARLY, LATE = "#2f7fd1", "#d1432f"
SOFT, RELEVEL = (0xD3, 0xDF, 0xEB), (0x0E, 0x20, 0x36)
"""Shades of velocities 1 and 127."""

Values = npt.NDArray[np.float64]


def training_curves(history: Sequence[Progress], width: float = 760, height: float = 320) -> str:
    """Return bits per note by epoch, in training and in validation, the best epoch marked."""
    left, right, top, bottom = 48.0, width - 110, 16.0, height - 36
    bits = [value for each in history for value in (each.training_bits, each.validation_bits)]
    low, high = math.floor(min(bits) * 2) / 2, math.ceil(max(bits) * 2) / 2
    high = max(high, low + 0.5)
    last = max(2, history[-1].epoch + 1)

    def place(epoch: int, value: float) -> tuple[float, float]:
        x = left + (right - left) * epoch / (last - 1)
        return x, bottom - (bottom - top) * (value - low) / (high - low)

    parts = []
    for value in ticks(low, high):
        y = place(0, value)[1]
        parts += [line((left, y), (right, y), GRID), label(left - 6, y + 4, f"{value:g}", "end")]
    for number in ticks(1, last, 10):
        if number == int(number):
            parts.append(label(place(int(number) - 1, low)[0], bottom + 16, f"{number:g}"))
    parts.append(label((left + right) / 2, height - 4, "epoch"))
    parts.append(element("text", "bits per note", x=left, y=10, fill=FAINT))
    named: list[tuple[float, str, str]] = []
    for name, colour, values in (
        ("training", REAL, [each.training_bits for each in history]),
        ("validation", GENERATED, [each.validation_bits for each in history]),
    ):
        points = [place(each.epoch, value) for each, value in zip(history, values, strict=True)]
        parts.append(
            element(
                "polyline",
                points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points),
                fill="none",
                stroke=colour,
                stroke_width=2,
            )
        )
        named.append((points[-1][1], f"{name} {values[-1]:.2f}", colour))
    apart = 14 if named[0][0] >= named[1][0] else -14
    if abs(named[0][0] - named[1][0]) < 14:
        named[0] = (named[1][0] + apart, *named[0][1:])
    parts += [label(right + 8, y + 4, text, "start", colour) for y, text, colour in named]
    best = min(history, key=lambda each: each.validation_bits)
    x, y = place(best.epoch, best.validation_bits)
    parts.append(element("circle", cx=x, cy=y, r=4, fill=GENERATED))
    parts.append(label(x, y + 18, f"best {best.validation_bits:.3f}", "middle", GENERATED))
    return picture(width, height, parts, "training curves")


def histogram(
    title: str,
    unit: str,
    real: tuple[Values, Values],
    generated: tuple[Values, Values],
    *,
    edges: Values,
    width: float = 440,
    height: float = 170,
) -> str:
    """Return the shares of real (filled) and generated (outlined) notes between `edges`.

    Each side is (values, weights that sum to its notes). What lies beyond the outer edges counts with the
    outer bins.
    """
    left, right, top, bottom = 12.0, width - 12, 24.0, height - 30
    shares = [_shares(values, weights, edges) for values, weights in (real, generated)]
    highest = max(float(shares[0].max()), float(shares[1].max()), 1e-9)

    def x_of(value: float) -> float:
        return left + (right - left) * (value - float(edges[0])) / float(edges[-1] - edges[0])

    def y_of(share: float) -> float:
        return bottom - (bottom - top) * share / highest

    parts = [element("text", title, x=left, y=14, fill=INK, font_weight="bold")]
    for low, high, share in zip(edges[:-1], edges[1:], shares[0], strict=True):
        x, y = x_of(low), y_of(share)
        parts.append(
            element("rect", x=x, y=y, width=x_of(high) - x - 0.5, height=bottom - y, fill=REAL, opacity=0.55)
        )
    points = [f"{left:.1f},{bottom:.1f}"]
    for low, high, share in zip(edges[:-1], edges[1:], shares[1], strict=True):
        points += [f"{x_of(low):.1f},{y_of(share):.1f}", f"{x_of(high):.1f},{y_of(share):.1f}"]
    points.append(f"{right:.1f},{bottom:.1f}")
    outline = " ".join(points)
    parts.append(element("polyline", points=outline, fill="none", stroke=GENERATED, stroke_width=2))
    parts.append(line((left, bottom), (right, bottom), FAINT))
    if edges[0] < 0 < edges[-1]:
        parts.append(line((x_of(0), top), (x_of(0), bottom), FAINT, 0.5))
    parts += [label(x_of(value), bottom + 14, f"{value:g}") for value in ticks(edges[0], edges[-1], 6)]
    parts.append(label(right, height - 3, unit, "end"))
    counts = f"{real[1].sum():,.0f} real, {generated[1].sum():,.0f} generated"
    parts.append(label(right, 14, counts, "end"))
    return picture(width, height, parts, f"{title}: {counts}")


def _shares(values: Values, weights: Values, edges: Values) -> Values:
    inside = np.clip(values, edges[0], edges[-1])
    counts, _ = np.histogram(inside, edges, weights=weights)
    return np.asarray(counts / max(1e-9, float(weights.sum())), np.float64)


def shade(velocity: int) -> str:
    """Return the colour of a velocity, dark for loud."""
    mixed = (round(soft + (loud - soft) * velocity / 127) for soft, loud in zip(SOFT, RELEVEL, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


ROW, STEP, ROLL_LEFT, NOTE = 15.0, 34.0, 86.0, 8.0
"""Pixels: height of a voice, width of a sixteenth, space for names, width of a note."""


def piano_roll(bars: Sequence[Bar], bpm: float, bars_per_row: int = 2) -> str:
    """Return bars of one meter, the voices that play as rows, on a grid of sixteenths.

    A note begins at its left edge; the line under it, from there to its sixteenth, says how early (blue) or
    late (red) it is. Its shade is its velocity.
    """
    voices = sorted({hit.voice for bar in bars for hit in bar.hits}, reverse=True) or [Voice.KICK]
    steps = bars[0].meter.steps
    block = len(voices) * ROW + 26
    width = ROLL_LEFT + (min(bars_per_row, len(bars)) * steps + 1) * STEP
    parts: list[str] = []
    for index, bar in enumerate(bars):
        row, column = divmod(index, bars_per_row)
        # Half a step is left free on the left for the early notes of the downbeat.
        x, y = ROLL_LEFT + (column * steps + 0.5) * STEP, 14 + row * block
        if column == 0:
            parts += [
                label(ROLL_LEFT - 8, y + (place + 0.75) * ROW, voice.label.replace("_", " "), "end", INK)
                for place, voice in enumerate(voices)
            ]
        parts += _roll_grid(x, y, steps, len(voices))
        parts.append(label(x, y - 3, f"bar {index + 1}", "start"))
        parts += [_note(hit, x, y + voices.index(hit.voice) * ROW, bpm) for hit in bar.hits]
    height = math.ceil(len(bars) / bars_per_row) * block
    return picture(width, height, parts, f"{len(bars)} bars at {bpm:g} bpm")


def _roll_grid(x: float, y: float, steps: int, voices: int) -> list[str]:
    down = y + voices * ROW
    parts = [
        element(
            "rect",
            x=x,
            y=y + place * ROW,
            width=steps * STEP,
            height=ROW,
            fill="#f7f9fb" if place % 2 else "#fff",
        )
        for place in range(voices)
    ]
    for step in range(steps + 1):
        is_bar_line, on_beat = step in (0, steps), step % STEPS_PER_BEAT == 0
        stroke, width = (INK, 1.4) if is_bar_line else ("#aab4bd", 1.0) if on_beat else (GRID, 1.0)
        parts.append(line((x + step * STEP, y), (x + step * STEP, down), stroke, width))
        if on_beat and step < steps:
            parts.append(label(x + step * STEP, down + 10, str(step // STEPS_PER_BEAT + 1)))
    return parts


def _note(hit: Hit, x: float, y: float, bpm: float) -> str:
    on_grid = x + hit.step * STEP
    begins = on_grid + hit.micro / TICKS_PER_STEP * STEP
    late_ms = hit.micro / TICKS_PER_BEAT * 60_000 / bpm
    place = (
        "on the sixteenth"
        if not hit.micro
        else f"{abs(late_ms):.0f} ms {'late' if hit.micro > 0 else 'early'}"
    )
    title = element("title", f"{hit.voice.label}, velocity {hit.velocity}, {place}")
    rect = enclose(
        "rect", title, x=begins, y=y + 2.0, width=NOTE, height=ROW - 5.5, rx=1.5, fill=shade(hit.velocity)
    )
    if not hit.micro:
        return rect
    under = y + ROW - 1.5
    return rect + line((on_grid, under), (begins, under), LATE if hit.micro > 0 else EARLY, 2.0)
