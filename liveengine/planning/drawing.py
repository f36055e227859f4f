"""Drawing by hand while it plays: which cells can still be drawn, and what is drawn laid over the plan."""

from __future__ import annotations

from dataclasses import replace

from liveengine.errors import ContractError
from liveengine.music.drawing import Cell
from liveengine.music.drawing_commands import DrawCommand, DrawStroke
from liveengine.planning.decode_reports import PLAYER_LEAD_MS
from liveengine.planning.planner import Planner

BARS_AHEAD_MOST = 64
"""Bars that may be drawn into before they come."""


def reachable(plan: Planner, command: DrawCommand) -> DrawCommand:
    """Return a command as it can still be heard: what is for every bar begins with the first that it reaches.

    Raises ContractError for a bar that is over or too far off, for a step beyond the bar, and for a cell that
    has been played.
    """
    what = "draw" if isinstance(command, DrawStroke) else "erase"
    current, steps = plan.horizon.current, plan.steps_of(command.bar)
    if command.step >= steps:
        raise ContractError(f"{what}: expected a step from 0 to {steps - 1}, got {command.step}")
    if command.bar > current + BARS_AHEAD_MOST:
        raise ContractError(f"{what}: expected a bar up to {current + BARS_AHEAD_MOST}, got {command.bar}")
    bar = max(command.bar, current)
    cell = command.step, command.voice
    while _is_over(plan, bar, cell):
        bar += 1
    if bar != command.bar and not _is_for_every_bar(plan, command):
        raise ContractError(
            f"{what}: expected a step that is still to come, got {command.step} of bar {command.bar}"
        )
    return replace(command, bar=bar)


def _is_over(plan: Planner, bar: int, cell: Cell) -> bool:
    """Tell whether what a cell has sounds already, or is about to."""
    if not plan.sounding:
        return False
    if cell[0] < plan.open_step(bar, PLAYER_LEAD_MS):
        return True
    planned = plan.horizon.get(bar)
    soon_us = plan.now_us + PLAYER_LEAD_MS * 1e3
    return planned is not None and any(
        (hit.step, hit.timed.voice) == cell and plan.due_us(bar, hit) <= soon_us for hit in planned.hits
    )


def _is_for_every_bar(plan: Planner, command: DrawCommand) -> bool:
    if isinstance(command, DrawStroke):
        return command.keep
    cell = command.step, command.voice
    return any(stroke.cell == cell and stroke.keep for stroke in plan.intent.drawing.at(command.bar))


def lay(plan: Planner) -> None:
    """Let what is drawn now be in every planned bar, from the first step on that can still be changed."""
    begins: tuple[int, int] | None = None
    others_follow = False
    for planned in plan.horizon.from_bar(plan.horizon.current):
        index = planned.index
        first = plan.open_step(index, PLAYER_LEAD_MS) if plan.sounding else 0
        laid = plan.drawn_over(planned, first)
        if laid is not planned:
            begins = begins or (index, first)
        if laid.bar != planned.bar:
            others_follow = True
        elif others_follow:
            laid = plan.maker.renamed(laid)
        plan.horizon.put(laid)
    if begins is not None and plan.sounding:
        plan.send(*begins)
