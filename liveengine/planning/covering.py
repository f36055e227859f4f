"""What plays where a bar is not there in time, or cannot be made: the fallback, and what is drawn by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liveengine.planning.rereading import time_of

if TYPE_CHECKING:
    from liveengine.planning.planner import Planner


def cover_late_bars(plan: Planner) -> None:
    """Play the fallback where a bar is not there when its first hits are due."""
    assert plan.grid is not None
    for index in (plan.horizon.current, plan.horizon.current + 1):
        late = plan.now_us + plan.lead_us() >= plan.grid.time_of(index)
        if plan.horizon.get(index) is None and late and not plan.intent.is_over(index):
            cover(plan, index)


def cover(plan: Planner, index: int) -> None:
    """Put the fallback into the plan for a bar that is not there, and give it to the player."""
    assert plan.grid is not None
    played = plan.horizon.played()
    bars = [planned.plain().context().bar for planned in played]
    spec = plan.specs.at(index, plan.intent)
    time = time_of(plan.controls_at(index))
    meter, bpm = plan.grid.meter_at(index), plan.grid.beat_map.bpm
    covering = plan.maker.fallback(index, bars, spec, meter=meter, bpm=bpm, time=time)
    if played and played[-1].style.name != spec.style.name:
        covering = replace(covering, mixed=True)
    if spec.heard.rest:
        covering = plan.maker.silenced(covering, 0)
    plan.horizon.put(plan.drawn_over(covering))
    if plan.sounding:
        plan.send(index, 0)
