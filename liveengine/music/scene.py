"""Scenes: all controls kept under a name, the way from one to another, and a planned set of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from liveengine.errors import ContractError
from liveengine.music.control import ControlState
from liveengine.music.style import spelling

LEFT_ALONE = ("latency_ms", "switch")
"""Controls that belong to the stage, not to the music: a scene leaves them as they are."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All controls under a name, and under a program number 0-127 if it has one.

    One without a time signature ("") leaves it as it is.
    """

    name: str
    controls: ControlState
    program: int | None = None

    def __post_init__(self) -> None:
        """Refuse a name without letters or digits."""
        scene_key(self.name)

    def over(self, present: ControlState) -> ControlState:
        """Return the controls after the scene was recalled."""
        signature = self.controls.time_signature or present.time_signature
        return replace(
            self.controls, latency_ms=present.latency_ms, switch=present.switch, time_signature=signature
        )


def between(begin: ControlState, end: ControlState, share: float, bars_share: float) -> ControlState:
    """Return the controls `share` (0-1) of the way; what needs new bars has come `bars_share` of it.

    Numbers go straight; one that either end leaves to the style changes half way. Two styles are blended.
    The kit and what is on or off change at the end; half and double time, and the meter, a little before, to
    be heard from it on.
    """
    if share >= 1:
        return end
    style, other = nearest_style(begin), nearest_style(end)
    nearer = end if bars_share >= 1 else begin
    return replace(
        begin,
        style=style,
        blend_style=other if other != style else begin.blend_style,
        blend=bars_share if other != style else begin.blend,
        density=_number(begin.density, end.density, bars_share),
        energy=_number(begin.energy, end.energy, bars_share),
        variation=begin.variation + (end.variation - begin.variation) * bars_share,
        swing_percent=_number(begin.swing_percent, end.swing_percent, share),
        humanize=_number(begin.humanize, end.humanize, share),
        levels=_all(begin.levels, end.levels, share),
        pushes_ms=_all(begin.pushes_ms, end.pushes_ms, share),
        half_time=nearer.half_time,
        double_time=nearer.double_time,
        time_signature=nearer.time_signature,
    )


def nearest_style(controls: ControlState) -> str:
    """Return the style that a blend is nearer to."""
    other = controls.blend_style
    return other if other is not None and controls.blend >= 0.5 else controls.style


def _number(begin: float | None, end: float | None, share: float) -> float | None:
    if begin is None or end is None:
        return begin if share < 0.5 else end
    return begin + (end - begin) * share


def _all(begin: tuple[float, ...], end: tuple[float, ...], share: float) -> tuple[float, ...]:
    return tuple(low + (high - low) * share for low, high in zip(begin, end, strict=True))


@dataclass(frozen=True, slots=True)
class SetEntry:
    """A scene of a set, which takes `morph_bars` to come.

    It comes with bar `bar` (from 1), `after` bars after the one before, or at a marker; with none of these it
    waits to be called.
    """

    scene: Scene
    bar: int | None = None
    after: int | None = None
    marker: str | None = None
    morph_bars: int = 0


@dataclass(frozen=True, slots=True)
class SetList:
    """A planned set: scenes in their order."""

    title: str
    entries: tuple[SetEntry, ...]

    def __post_init__(self) -> None:
        """Refuse an empty set, and bars that do not come one after the other."""
        if not self.entries:
            raise ContractError(f"set {self.title}: expected at least one scene, got none")
        last = -math.inf
        for entry in self.entries:
            if entry.bar is not None:
                if entry.bar <= last:
                    raise ContractError(
                        f"set {self.title}: expected bars that go up, got bar {entry.bar} after {last}"
                    )
                last = entry.bar


def scene_key(name: str) -> str:
    """Return a scene's name as it is compared, whatever its spelling.

    Raises ContractError for one without letters or digits, which nothing would tell from another.
    """
    key = spelling(name)
    if not key:
        raise ContractError(f"scene: expected a name with letters or digits, got {name!r}")
    return key
