"""The report of a performance as one HTML page: lateness, generation, tempo, and who was heard."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from liveengine.recording.lateness import lateness
from liveengine.recording.trace_reader import Performance
from liveengine.reports.jam import jam_section
from liveengine.reports.markup import (
    FAINT,
    GRID,
    document,
    element,
    enclose,
    key,
    label,
    line,
    picture,
    table_header,
    table_row,
    ticks,
)

USUAL, MOST, ALLOWED, LOST = "#4f78a8", "#d9772b", "#1c7a45", "#b3311f"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1100.0, 250.0, 56.0, 16.0, 26.0, 34.0
COLUMNS = 400
"""A long performance is shown in so many stretches of time, each with its median and its latest note."""
HISTOGRAM_BINS = 60
LEAST_MS = 0.01
"""Where the logarithmic scale of lateness begins."""
HEADER_FACTS = (
    "version", "style", "seed", "clock", "backend", "output_port", "player", "latency_ms", "swing_percent",
    "humanize", "checkpoint_sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plane:
    """A plot's axes: seconds or another measure to the right, a measure upwards."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    log: bool = False

    def x(self, value: float) -> float:
        """Return a place in pixels."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.x_low) / max(self.x_high - self.x_low, 1e-9)

    def y(self, value: float) -> float:
        """Return a place in pixels; what lies beyond is put on the edge."""
        low, high = self.y_low, self.y_high
        value = min(max(value, low), high)
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / max(high - low, 1e-9)

    def axes(self, x_unit: str, y_unit: str) -> list[str]:
        """Return grid and numbers."""
        heights = ticks(self.y_low, self.y_high, 4)
        if self.log:
            decades = range(round(math.log10(self.y_low)), round(math.log10(self.y_high)) + 1)
            heights = [10.0**power for power in decades]
        parts = []
        for value in heights:
            y = self.y(value)
            parts += [line((LEFT, y), (WIDTH - RIGHT, y), GRID), label(LEFT - 6, y + 4, f"{value:g}", "end")]
        for value in ticks(self.x_low, self.x_high, 10):
            parts.append(label(self.x(value), HEIGHT - BOTTOM + 16, f"{value:g}"))
        parts.append(label(WIDTH - RIGHT, HEIGHT - 3, x_unit, "end"))
        parts.append(label(4, 11, y_unit, "start"))
        return parts


def decade_above(value: float) -> float:
    """Return the next power of ten, 1 at the least."""
    return 10.0 ** math.ceil(math.log10(max(value, 0.11)))


def report_page(performance: Performance, title: str) -> str:
    """Return the page; it is well-formed XML and loads nothing."""
    late = performance.lateness()
    parts = [element("h1", title), _facts(performance), element("h2", "Figures"), _figures(performance)]
    if late:
        parts += [
            element("h2", "Lateness over time"),
            _lateness(performance, late),
            _keys((USUAL, "median"), (MOST, "latest note"), (LOST, "dropped hit"), (GRID, "new tempo")),
            element("h2", "Lateness of all notes"),
            _histogram([late_ms for _, late_ms in late]),
        ]
    if any(bar.get("waited_ms") for bar in performance.of("bar")):
        parts += [
            element("h2", "Generation against its deadline"),
            _generation(performance),
            _keys(
                (USUAL, "made in"),
                (MOST, "there after"),
                (ALLOWED, "allowed"),
                (LOST, "late: the fallback played"),
            ),
        ]
    if performance.of("tempo"):
        parts += [element("h2", "Tempo"), _tempo(performance, late[-1][0] if late else 1.0)]
    parts += jam_section(performance)
    return document(title, parts)


def _keys(*meanings: tuple[str, str]) -> str:
    return enclose("p", "".join(key(colour, text) for colour, text in meanings), **{"class": "note"})


def _facts(performance: Performance) -> str:
    known = [
        f"{name.replace('_', ' ')}: {performance.header[name]}"
        for name in HEADER_FACTS
        if performance.header.get(name) not in (None, "")
    ]
    return element("p", "; ".join(known), **{"class": "note"})


def _figures(performance: Performance) -> str:
    late = lateness([late_ms for _, late_ms in performance.lateness()])
    bars = performance.bars()
    late_bars = sum(bool(bar["late"]) for bar in bars)
    reasons = Counter(str(hit["reason"]) for hit in performance.of("dropped"))
    summary = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    restarts = Counter(str(each.get("name")) for each in performance.of("process"))
    rows = [
        ("notes", f"{len(performance.of('note'))}", ""),
        ("late by, median", f"{late.p50:.3f} ms", ""),
        ("late by, p95", f"{late.p95:.3f} ms", ""),
        ("late by, p99", f"{late.p99:.3f} ms", ""),
        ("late by, most", f"{late.most:.3f} ms", ""),
        ("bars", f"{len(bars)}", ""),
        ("late bars", f"{late_bars}", "missed" if late_bars else "met"),
        (
            "dropped hits",
            f"{reasons.total()}" + (f" ({summary})" if summary else ""),
            "missed" if summary else "met",
        ),
        (
            "processes started again",
            ", ".join(f"{count} {name}" for name, count in restarts.items()) or "none",
            "",
        ),
        ("malformed control messages", f"{len(performance.of('malformed'))}", ""),
    ]
    written = "".join(table_row((name, value), ("", f"number {kind}".strip())) for name, value, kind in rows)
    return enclose("table", table_header("figure", "value") + written)


def _lateness(performance: Performance, late: Sequence[tuple[float, float]]) -> str:
    """Return a stroke for each stretch of time, from its median note to its latest."""
    seconds, values = [each[0] for each in late], [each[1] for each in late]
    plane = Plane(0.0, max(1.0, seconds[-1]), LEAST_MS, decade_above(max(values)), log=True)
    parts = plane.axes("seconds", "ms late")
    for change in performance.of("tempo")[1:]:
        x = plane.x(performance.seconds(change["at_us"]))
        parts.append(line((x, TOP), (x, HEIGHT - BOTTOM), GRID, 2.0))
    stretches: dict[int, list[float]] = {}
    for second, value in late:
        column = min(COLUMNS - 1, max(0, int(second / plane.x_high * COLUMNS)))
        stretches.setdefault(column, []).append(value)
    for column, inside in stretches.items():
        x = plane.x((column + 0.5) / COLUMNS * plane.x_high)
        ordered = sorted(inside)
        usual, most = ordered[len(ordered) // 2], ordered[-1]
        if most > usual:
            parts.append(line((x, plane.y(usual)), (x, plane.y(most)), MOST, 1.5))
        parts.append(element("circle", cx=x, cy=plane.y(usual), r=1.8, fill=USUAL))
    for hit in performance.of("dropped"):
        if "due_us" not in hit:
            continue
        x = plane.x(performance.seconds(hit["due_us"]))
        parts.append(line((x, TOP), (x, HEIGHT - BOTTOM), LOST, 1.0))
    return picture(WIDTH, HEIGHT, parts, f"lateness of {len(late)} notes over time")


def _histogram(values_ms: Sequence[float]) -> str:
    """Return how many notes were how late; what lies beyond twice the 95th percentile is in the last bin."""
    edge = max(0.1, 2 * lateness(values_ms).p95)
    counts = Counter(
        min(HISTOGRAM_BINS - 1, int(max(0.0, value) / edge * HISTOGRAM_BINS)) for value in values_ms
    )
    plane = Plane(0.0, edge, 0.0, max(counts.values()))
    parts = plane.axes("ms late", "notes")
    for place, count in sorted(counts.items()):
        x = plane.x(place / HISTOGRAM_BINS * edge)
        width = plane.x((place + 1) / HISTOGRAM_BINS * edge) - x
        height = HEIGHT - BOTTOM - plane.y(count)
        parts.append(
            element("rect", x=x, y=plane.y(count), width=width - 0.5, height=max(height, 1.0), fill=USUAL)
        )
    return picture(WIDTH, HEIGHT, parts, f"how late {len(values_ms)} notes were")


def _generation(performance: Performance) -> str:
    """Return, for each bar, the time that making it took, that the engine waited, and that it might take."""
    timed = [(performance.bar_seconds(bar), bar) for bar in performance.of("bar")]
    times = [
        float(bar[name])
        for _, bar in timed
        for name in ("generated_ms", "waited_ms", "allowed_ms")
        if bar.get(name)
    ]
    high = decade_above(max(*times, 1.0))
    low = 10.0 ** math.floor(math.log10(max(0.1, min(each for each in times if each > 0))))
    plane = Plane(0.0, max(1.0, timed[-1][0]), low, high, log=True)
    parts = plane.axes("seconds", "ms")
    for second, bar in timed:
        x = plane.x(max(0.0, second))
        if bar["late"]:
            parts.append(line((x, TOP), (x, HEIGHT - BOTTOM), LOST, 1.5))
        for name, colour in (("allowed_ms", ALLOWED), ("waited_ms", MOST), ("generated_ms", USUAL)):
            if bar.get(name):
                parts.append(element("circle", cx=x, cy=plane.y(float(bar[name])), r=2.2, fill=colour))
    return picture(WIDTH, HEIGHT, parts, f"generation of {len(timed)} bars against its deadline")


def _tempo(performance: Performance, end_s: float) -> str:
    changes = [
        (max(0.0, performance.seconds(each["at_us"])), float(each["bpm"])) for each in performance.of("tempo")
    ]
    changes.append((max(end_s, changes[-1][0]), changes[-1][1]))
    bpm = [each[1] for each in changes]
    plane = Plane(0.0, max(1.0, changes[-1][0]), math.floor(min(bpm) - 5), math.ceil(max(bpm) + 5))
    parts = plane.axes("seconds", "bpm")
    for (begin, tempo), (end, following) in pairwise(changes):
        parts.append(line((plane.x(begin), plane.y(tempo)), (plane.x(end), plane.y(tempo)), USUAL, 2.0))
        parts.append(line((plane.x(end), plane.y(tempo)), (plane.x(end), plane.y(following)), FAINT, 1.0))
    return picture(WIDTH, HEIGHT, parts, f"tempo from {min(bpm):g} to {max(bpm):g} bpm")
