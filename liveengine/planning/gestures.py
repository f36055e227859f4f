"""Moves: what a player does to the plan in one gesture, such as a fill, a break, a loop and its end."""

from __future__ import annotations

from liveengine.planning.bar_builder import BarSpec, landing_of
from liveengine.planning.decode_reports import PLAYER_LEAD_MS
from liveengine.planning.horizon import NOWHERE, PlannedBar
from liveengine.planning.loop import Loop
from liveengine.planning.meter_changes import lay_meter_of
from liveengine.planning.planner import Planner

FILL_LEAST_STEPS = 6
"""A shorter fill, less than one and a half beats, has no room to say anything."""


def fill(plan: Planner) -> None:
    """Let the rest of the bar be a fill that lands on a crash; all of the next where too little is left."""
    if not plan.sounding:
        return
    bar, step = _open_place(plan, plan.commit.ms)
    steps = plan.steps_of(bar)
    if step and steps - step < max(steps / 2, FILL_LEAST_STEPS):
        bar += 1
    plan.loop = None
    plan.filled = plan.at_once = bar
    _land_on(plan, bar + 1)
    plan.revise(bar)


def drop_out(plan: Planner) -> None:
    """Be silent for the rest of the bar and come back on a crash; the next bar where nothing is left."""
    if not plan.sounding:
        return
    bar, step = _open_place(plan, PLAYER_LEAD_MS)
    planned = plan.horizon.get(bar)
    if planned is None:
        return
    plan.loop = None
    plan.forget_asked()
    plan.broken = bar
    if plan.filled == bar:
        plan.filled = NOWHERE
    plan.intent = plan.intent.with_drawing(plan.intent.drawing.silenced(bar, step))
    plan.horizon.put(plan.maker.silenced(planned, step))
    plan.send(bar, step)
    _land_on(plan, bar + 1)
    plan.revise(bar + 1)


def lock(plan: Planner, count: int) -> None:
    """Play the last `count` bars again and again, to the tick, from the next bar line on."""
    if not plan.sounding or plan.grid is None:
        return
    playing = plan.horizon.current
    soon = plan.horizon.get(playing + 1)
    bars = plan.horizon.played()
    if soon is not None and plan.now_us + plan.lead_us() >= plan.grid.time_of(playing + 1):
        playing += 1  # its first hits may have been sent already
        bars.append(soon)
    if not bars:
        return
    plan.loop = Loop(tuple(bars[-count:]), playing + 1)
    plan.forget_asked()
    plan.horizon.forget_from(plan.loop.begins)
    plan.ask()


def unlock(plan: Planner) -> None:
    """Go on with new bars from the next bar line on."""
    if plan.loop is not None:
        plan.loop = None
        plan.revise(plan.horizon.current + 1)


def return_to(plan: Planner, planned: PlannedBar | None, before: BarSpec) -> None:
    """Go back to a bar: it plays next, and new bars follow it."""
    plan.loop = None
    following = plan.horizon.current + 1
    if planned is None or not plan.sounding or plan.open_step(following, PLAYER_LEAD_MS) > 0:
        plan.make_anew(before)
        return
    plan.forget_asked()
    plan.specs.forget_turn()
    lay_meter_of(plan, planned, following)
    plan.horizon.put(plan.drawn_over(plan.maker.copied(planned, following)))
    plan.send(following, 0)
    plan.revise(following + 1)


def reseed(plan: Planner, seed: int) -> None:
    """Set the random seed from where the switch mode says."""
    plan.maker.reseed(seed)
    plan.specs.turn(bar := plan.turning_bar(), plan.spec, anew=True)
    plan.revise(bar)


def _land_on(plan: Planner, bar: int) -> None:
    """Let a bar begin with a crash: the one that is planned at once, and the one that will be made."""
    plan.landing = bar
    planned = plan.horizon.get(bar)
    if planned is not None:
        plan.horizon.put(plan.maker.begun_with(planned, landing_of(planned.style), plan.controls_at(bar)))
        plan.send(bar, 0)


def _open_place(plan: Planner, lead_ms: float) -> tuple[int, int]:
    """Return the first (bar, step) further ahead than `lead_ms`."""
    current = plan.horizon.current
    step = plan.open_step(current, lead_ms)
    return (current, step) if step < plan.steps_of(current) else (current + 1, 0)


def groove_again(plan: Planner) -> None:
    """Give every planned bar its feel anew, from the next step that can still be changed.

    A loop keeps its feel; how loud it is may have changed with it.
    """
    if plan.loop is not None:
        send_open(plan)
        return
    first = plan.horizon.current
    step = _movable_step(plan, first) if plan.sounding else 0
    for planned in plan.horizon.from_bar(first):
        keep = step if planned.index == first else 0
        controls = plan.controls_at(planned.index)
        plan.horizon.put(plan.maker.grooved_again(planned, controls, keep))
    if plan.sounding and plan.horizon.get(first):
        plan.send(first, step)


def send_open(plan: Planner) -> None:
    """Give the player all of the plan that can still be changed."""
    first = plan.horizon.current
    if plan.sounding and plan.horizon.get(first):
        plan.send(first, _movable_step(plan, first))


def _movable_step(plan: Planner, index: int) -> int:
    """Return the first step of a bar whose hits can still be moved.

    Swing and pull may keep hits of a step whose place has passed: they are moved with the rest, and what
    has been struck of it is not struck again.
    """
    step, planned = plan.open_step(index, PLAYER_LEAD_MS), plan.horizon.get(index)
    before = [] if planned is None else [hit for hit in planned.hits if hit.step == step - 1]
    soon_us = plan.now_us + PLAYER_LEAD_MS * 1e3
    due_us = [plan.due_us(index, hit) for hit in before]
    return step - 1 if due_us and max(due_us) > soon_us else step
