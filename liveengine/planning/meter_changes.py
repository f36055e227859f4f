"""Changes of the time signature: from a bar on that can still be made as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveengine.planning.bar_grid import BarGrid
from liveengine.planning.events import TellPlayer
from liveengine.planning.horizon import PlannedBar
from liveengine.planning.intent import PHRASES
from liveengine.playback.messages import Replace

if TYPE_CHECKING:
    from liveengine.planning.planner import Planner


def follow_meter(plan: Planner) -> None:
    """Lay the bars in the meters that their controls ask for; what was planned in another is dropped.

    Modes within a bar change it with the next bar, the others with the bar that they say. A loop keeps the
    meters of its own bars.
    """
    if plan.grid is None or plan.loop is not None:
        return
    soonest = plan.next_bar() if plan.sounding else plan.horizon.current
    first = plan.turning_bar() if plan.controls.switch in PHRASES else soonest
    laid = plan.grid.in_meter(first, plan.controls.bar_meter)
    if plan.intent.coming is not None:
        bar, controls = plan.intent.coming
        laid = laid.in_meter(max(soonest, bar), controls.bar_meter)
    _lay(plan, laid)


def lay_meter_of(plan: Planner, bar: PlannedBar, index: int) -> None:
    """Lay the bars from an index on in the meter of one that is to be played again there."""
    assert plan.grid is not None
    _lay(plan, plan.grid.in_meter(index, bar.bar.meter))


def _lay(plan: Planner, laid: BarGrid) -> None:
    """Lay the bars anew, and plan nothing any more from the first on that has another meter than before."""
    before, plan.grid = plan.grid, laid
    if before is None or laid == before:
        return
    reach = range(plan.horizon.current, plan.horizon.current + plan.horizon.lookahead_bars + 2)
    changed = next((bar for bar in reach if laid.meter_at(bar) != before.meter_at(bar)), None)
    if changed is not None:
        plan.drop_from(changed)
        if plan.sounding:
            plan.effects.append(TellPlayer(Replace(changed, 0, ())))
