"""A snapshot of the engine for views: plain values, taken on the engine's thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liveengine.engine.session import Session
from liveengine.music.beats import Meter
from liveengine.music.control import ControlState
from liveengine.music.control_map import GestureBinding
from liveengine.music.control_values import values_of
from liveengine.music.drums import GROUPS
from liveengine.music.style import Style
from liveengine.planning.horizon import PlannedBar
from liveengine.planning.scenes import Progress
from liveengine.recording.lateness import Lateness, lateness


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine at one moment. `beat` counts from the bar line, 0 before anything plays.

    `source` names whose time it is. `style` is the one asked for, and `titles` are those of all styles by
    name, in their order. `looped_bars` are locked, 0 without; `silent` drums are muted, or others are soloed.
    `notice` is the last sentence for the player, or what is wrong while something is: `troubles`.
    The next bar that ends in a fill comes after `bars_to_fill`.
    """

    style: Style
    titles: Mapping[str, str]
    bpm: float
    peers: int
    source: str
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
    notice: str
    troubles: tuple[str, ...]
    progress: Progress | None
    pedals: tuple[GestureBinding, ...] = ()
    bars_to_fill: int | None = None


def public_state(session: Session) -> dict[str, str | float | bool | None]:
    """Return what OSC and HTTP show: every control by its name, how it goes, and where the music is."""
    shot = snapshot(session)
    progress = shot.progress
    return {
        **values_of(session.conductor.controls),
        "kit": session.conductor.kit.name,
        "late_ms": shot.lateness.p95,
        "late_bars": shot.late_bars,
        "peers": shot.peers,
        "playing": shot.sounding,
        "looped_bars": shot.looped_bars,
        "notice": session.record.notice,
        "trouble": "; ".join(shot.troubles),
        "scene": progress.scene if progress else None,
        "section": session.song.section if session.song else None,
        "next_scene_bar": progress.next_bar if progress else None,
        "bar": shot.bar,
        "beat": float(shot.beat),
        "bpm": float(shot.bpm),
    }


def bars_to_fill(bar: int, controls: ControlState) -> int | None:
    """Return how many bars there are before the phrase ends in a fill; None where it never does."""
    every = round(controls.fill_every)
    return every - 1 - bar % every if every else None


def snapshot(session: Session) -> Snapshot:
    """Return what a session is doing now."""
    conductor, record = session.conductor, session.record
    horizon = conductor.horizon
    state = conductor.session
    beat = 0.0
    if state is not None and conductor.sounding:
        now = state.beat_map.beat_at(session.timeline.now_us())
        beat = now - conductor.grid.start_beat(horizon.current)
    return Snapshot(
        style=conductor.style,
        titles={style.name: style.title for style in conductor.styles.styles},
        bpm=state.beat_map.bpm if state else 0.0,
        peers=state.peers if state else 0,
        source=session.timeline.source(),
        meter=conductor.meter,
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
        commit_ms=conductor.plan.commit.ms,
        looped_bars=len(conductor.plan.loop.bars) if conductor.plan.loop else 0,
        notice=record.sentence,
        troubles=record.troubles,
        progress=session.progress,
        pedals=session.pedals,
        bars_to_fill=bars_to_fill(horizon.current, conductor.controls),
        silent=tuple(group for group in GROUPS if conductor.controls.level(group) == 0),
    )
