"""From when a decode is heard: what is recorded of each bar that was made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from liveengine.music.request import BarRequest
from liveengine.planning.events import BarDecoded
from liveengine.planning.horizon import PlannedBar

if TYPE_CHECKING:
    from liveengine.planning.planner import Planner

PLAYER_LEAD_MS = 4.0
"""An order reaches the player within this."""


class DecodeReports:
    """Reports decodes as events of a planner. Where a new rest is silent, the next bar reports it."""

    def __init__(self) -> None:
        """Begin with nothing silent."""
        self._silent: tuple[int, float] | None = None

    def report(
        self, plan: Planner, planned: PlannedBar, request: BarRequest, step: int, before: PlannedBar | None
    ) -> None:
        """Report from when a decode is heard: now, or after the last hit of what it follows.

        A hit of what it replaces that is due within the player's lead may still sound. Where the new rest of
        a bar is silent, the next bar is reported as what is heard from that moment on.
        """
        assert plan.grid is not None
        kept_us = [
            plan.due_us(earlier.index, hit) + 1.0
            for earlier in plan.horizon.from_bar(plan.horizon.current)
            for hit in earlier.hits
            if (earlier.index, hit.step) < (planned.index, step)
        ]
        new_us = [plan.due_us(planned.index, hit) for hit in planned.hits if hit.step >= step]
        reached_us = plan.now_us + PLAYER_LEAD_MS * 1e3
        old_us = [plan.due_us(before.index, hit) for hit in before.hits if hit.step >= step] if before else []
        if not any(plan.now_us <= due_us < reached_us for due_us in old_us):
            reached_us = min(reached_us, max(plan.now_us, min(new_us, default=math.inf)))
        from_us = max([reached_us, *kept_us])
        if self._silent is not None and self._silent[0] == planned.index - 1:
            from_us = min(from_us, self._silent[1])
        silent = before is not None and not any(hit.step >= step for hit in planned.hits)
        self._silent = (planned.index, from_us) if silent else None
        plan.effects.append(
            BarDecoded(
                at_us=plan.now_us,
                from_us=from_us,
                step=step,
                start_beat=plan.grid.start_beat(planned.index),
                planned=planned,
                request=request,
                replanned=before is not None and not silent,
            )
        )
