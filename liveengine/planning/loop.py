"""A loop: bars that play again and again, to the tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveengine.planning.horizon import PlannedBar
from liveengine.planning.meter_changes import lay_meter_of

if TYPE_CHECKING:
    from liveengine.planning.planner import Planner


@dataclass(frozen=True, slots=True)
class Loop:
    """The looped bars, and the index from which on they play again."""

    bars: tuple[PlannedBar, ...]
    begins: int

    def go_on(self, plan: Planner) -> None:
        """Plan copies as far as the plan reaches, with what is drawn by hand, and give them to the player.

        An ending takes the place of the loop.
        """
        horizon = plan.horizon
        place = horizon.missing()
        if place is None:
            return
        first = max(place[0], self.begins)
        end, ending = horizon.current + horizon.lookahead_bars + 1, plan.intent.ending
        for index in range(first, end if ending is None else min(end, ending)):
            bar = self.bars[(index - self.begins) % len(self.bars)]
            lay_meter_of(plan, bar, index)
            copied = plan.maker.copied(bar, index)
            horizon.put(plan.drawn_over(copied))
        horizon.settle_current()
        if horizon.get(first) and plan.sounding and first != ending:
            plan.send(first, 0)
