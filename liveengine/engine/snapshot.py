"""A snapshot of the engine for views: plain values, taken on the engine's thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liveengine.engine.horizon import PlannedBar
from liveengine.engine.lateness import Lateness, lateness
from liveengine.engine.session import Session
from liveengine.music.beats import Meter
from liveengine.music.drums import GROUPS


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine at one moment. `beat` counts from the bar line, 0 before anything plays.

    `looped_bars` are locked, 0 without; `silent` drums are muted, or others are soloed.
    """

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
    dropped: Mapping[str, int]
    malformed: int
    switch: str
    commit_ms: float
    looped_bars: int
    silent: tuple[str, ...]
    last_capture: str


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
        generated_ms=conductor.plan.last_generated_ms,
        lateness=lateness(list(record.lateness_ms)),
        notes=record.notes,
        late_bars=record.late_bars,
        dropped=dict(record.dropped),
        malformed=record.malformed,
        switch=conductor.controls.switch,
        commit_ms=conductor.plan.commit_ms,
        looped_bars=conductor.plan.looped_bars,
        last_capture=record.last_capture,
        silent=tuple(group for group in GROUPS if conductor.controls.level(group) == 0),
    )
