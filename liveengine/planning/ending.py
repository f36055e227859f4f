"""Endings: a fill, a last crash and kick on the bar line after it, and silence."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import PHRASE_BARS
from liveengine.music.style import Style
from liveengine.planning.bar_builder import conditioning, landing_of
from liveengine.planning.decode_reports import PLAYER_LEAD_MS
from liveengine.planning.horizon import NOWHERE, PlannedBar
from liveengine.planning.intent import Intent

if TYPE_CHECKING:
    from liveengine.planning.planner import Planner

CYMBALS = (Voice.CRASH, Voice.CRASH_2, Voice.RIDE)


def fill_bar(plan: Planner, *, with_phrase: bool = False) -> int:
    """Return the bar of the fill with which it ends: the next, or the last of the phrase that plays."""
    following = plan.next_bar()
    if not with_phrase:
        return following
    bars = round(plan.controls.fill_every) or PHRASE_BARS
    return math.ceil((following + 1) / bars) * bars - 1


def become(plan: Planner, intent: Intent) -> None:
    """Let it end with another bar than before, or go on after all."""
    changed = [bar for bar in (plan.intent.ending, intent.ending) if bar is not None]
    plan.intent = intent
    if intent.last_bar is not None:
        plan.horizon.forget_from(intent.last_bar)
    if changed:
        plan.revise(min(changed))


def begin_afresh(plan: Planner) -> None:
    """Let what comes after an ending follow nothing that has been: no bar, no gesture, no loop."""
    plan.horizon.forget_past()
    plan.loop, plan.filled, plan.landing = None, NOWHERE, NOWHERE


def lay_last_bar(plan: Planner) -> None:
    """Plan the last bar as soon as the plan reaches it, and again where it is to be another."""
    last, horizon = plan.intent.last_bar, plan.horizon
    if last is None or plan.grid is None or last > horizon.current + horizon.lookahead_bars:
        return
    known = horizon.get(last)
    if known is not None and known.closes and known.stale_from is None:
        return
    step = plan.open_step(last, PLAYER_LEAD_MS) if plan.sounding else 0
    if known is not None and known.closes and step:
        horizon.put(replace(known, stale_from=None))
        return
    horizon.put(plan.drawn_over(_closing(plan, last)))
    if plan.sounding:
        plan.send(last, step)


def _closing(plan: Planner, index: int) -> PlannedBar:
    spec, controls, serial = (
        plan.specs.at(index, plan.intent),
        plan.controls_at(index),
        plan.maker.next_serial(),
    )
    assert plan.grid is not None
    silent = replace(spec.style, feel=replace(spec.style.feel, ghosts_per_bar=0.0))
    closing = PlannedBar(
        index=index,
        serial=serial,
        bar=Bar(plan.grid.meter_at(index), last_hits(spec.style)),
        conditioning=conditioning(index, spec.style, spec.controls, plan.grid.beat_map.bpm),
        style=silent,
        tokens=0,
        generated_ms=None,
        parts=((0, serial),),
        closes=True,
    )
    return plan.maker.felt(closing, controls)


def last_hits(style: Style) -> tuple[Hit, ...]:
    """Return what ends a piece: a kick and the cymbal that answers the style's fills, else a crash."""
    cymbals = tuple(voice for voice in style.landing if voice in CYMBALS) or (Voice.CRASH,)
    return landing_of(replace(style, landing=(Voice.KICK, *cymbals)))
