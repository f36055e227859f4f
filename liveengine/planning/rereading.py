"""Half and double time in the plan: bars that are still to come are read in another time, not made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveengine.music.control import TIME_FEELS, ControlState

if TYPE_CHECKING:
    from liveengine.planning.planner import Planner


def time_of(controls: ControlState) -> str:
    """Return the time that bars are read in: half_time, double_time, or "" for as they are written."""
    return next((name for name in TIME_FEELS if getattr(controls, name)), "")


def follow_time(plan: Planner) -> None:
    """Let every bar that has not begun be read in the time that its controls say."""
    if plan.loop is not None:
        return
    begins = None
    for planned in plan.horizon.from_bar(_first_to_come(plan)):
        controls = plan.controls_at(planned.index)
        if planned.closes or planned.reading.time == time_of(controls):
            continue
        plan.horizon.put(plan.maker.read_again(planned, time_of(controls), controls))
        begins = planned.index if begins is None else begins
    if begins is not None and plan.sounding:
        plan.send(begins, 0)


def _first_to_come(plan: Planner) -> int:
    """Return the first bar of which nothing has been sent yet."""
    index = plan.horizon.current
    if plan.sounding and plan.grid is not None:
        while plan.now_us + plan.lead_us() >= plan.grid.time_of(index):
            index += 1
    return index
