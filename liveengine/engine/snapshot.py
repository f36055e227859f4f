"""A snapshot of the engine for views: plain values, taken on the engine's thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liveengine.engine.horizon import PlannedBar
from liveengine.engine.session import Session
from liveengine.music.beats import Meter


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late the last notes were sent, ms."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    most: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine at one moment. `beat` counts from the bar line, 0 before anything plays."""

    style: str
    bpm: float
    peers: int
    meter: Meter
    sounding: bool
    bar: int
    beat: float
    current: PlannedBar | None
    following: PlannedBar | None
    generated_ms: float | None
    lateness: Lateness
    notes: int
    late_bars: int
    dropped: int
    malformed: int


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0-1) of ascending values lie; nearest rank."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def lateness(values_ms: Sequence[float]) -> Lateness:
    """Return the percentiles of lateness in ms; zeros where there is none yet."""
    ordered = sorted(values_ms)
    if not ordered:
        return Lateness()
    return Lateness(
        percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(ordered, 0.99), ordered[-1]
    )


def snapshot(session: Session) -> Snapshot:
    """Return what a session is doing now."""
    conductor, record = session.conductor, session.record
    horizon = conductor.horizon
    state = conductor.session
    beat = 0.0
    if state is not None and conductor.sounding:
        now = state.beat_map.beat_at(session.timeline.now_us())
        beat = now - conductor.start_beat(horizon.current)
    return Snapshot(
        style=conductor.style.title,
        bpm=state.beat_map.bpm if state else 0.0,
        peers=state.peers if state else 0,
        meter=conductor.settings.meter,
        sounding=conductor.sounding,
        bar=horizon.current,
        beat=beat,
        current=horizon.get(horizon.current),
        following=horizon.get(horizon.current + 1),
        generated_ms=conductor.last_generated_ms,
        lateness=lateness(list(record.lateness_ms)),
        notes=record.notes,
        late_bars=record.late_bars,
        dropped=record.dropped,
        malformed=record.malformed,
    )
