"""A loop: bars that play again and again, to the tick."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.planning.bar_builder import BarMaker
from liveengine.planning.horizon import Horizon, PlannedBar


@dataclass(frozen=True, slots=True)
class Loop:
    """The looped bars, and the index from which on they play again."""

    bars: tuple[PlannedBar, ...]
    begins: int

    def fill(self, horizon: Horizon, maker: BarMaker) -> int | None:
        """Plan copies as far as the plan reaches; return the first bar that was planned, if one was."""
        place = horizon.missing()
        if place is None:
            return None
        first = max(place[0], self.begins)
        for index in range(first, horizon.current + horizon.lookahead_bars + 1):
            horizon.put(maker.copied(self.bars[(index - self.begins) % len(self.bars)], index))
        horizon.settle_current()
        return first if horizon.get(first) else None
