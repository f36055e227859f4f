"""Classifier-free guidance: what each row of a decoder sees of a bar's controls, and the rows' weights.

Logits are led from a bar of no genre over one of open controls to the bar that was asked for (Ho and Salimans
2022, "Classifier-Free Diffusion Guidance").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from liveengine.model.fused_weights import Floats
from liveengine.music.pattern import Bar
from liveengine.music.request import BarRequest, Conditioning, ContextBar, Guidance

VIEWS = 3
CONDITIONED, CONTROLS_DROPPED, UNCONDITIONED = range(VIEWS)
"""What a decoder's rows see: the bars as asked, and what guidance leads away from."""
STEADY_CONTROL_GUIDANCE, FILL_GUIDANCE = 3.0, 2.0
"""Led further, a steady drummer loses the groove: bars without a backbeat, fills of toms from beat 1."""
FREE_STYLE_GUIDANCE = 1.4
"""Led further, a drummer left free plays his genre more than people do, and a classifier notices."""
View = Callable[[Conditioning], Conditioning]
"""How a row sees what bars were asked to be."""


def views_of(request: BarRequest) -> dict[int, View]:
    """Return the rows that a bar needs, each with what it sees."""
    asked, guidance = request.conditioning, request.guidance
    needed = {CONDITIONED}
    if guidance.controls != 1.0 and _drop_controls(asked) != asked:
        needed.add(CONTROLS_DROPPED)
    if guidance.style != 1.0 and asked.genres:
        needed.add(UNCONDITIONED)
    return {row: view for row, view in ALL_VIEWS.items() if row in needed}


def _drop_genre(conditioning: Conditioning) -> Conditioning:
    return replace(_drop_controls(conditioning), genres=())


def _drop_controls(conditioning: Conditioning) -> Conditioning:
    """Leave density and energy open, and a fill that is asked for; none asked for stays none."""
    fill = None if conditioning.fill else conditioning.fill
    return replace(conditioning, density=None, energy=None, fill=fill)


ALL_VIEWS: Mapping[int, View] = {
    CONDITIONED: lambda conditioning: conditioning,
    CONTROLS_DROPPED: _drop_controls,
    UNCONDITIONED: _drop_genre,
}


def effective_guidance(request: BarRequest) -> Guidance:
    """Return how far a bar is led: a free drummer less to his genre, a steady one less to his controls."""
    guidance = request.guidance
    if request.conditioning.steadiness is None:
        return replace(guidance, style=min(guidance.style, FREE_STYLE_GUIDANCE))
    most = FILL_GUIDANCE if request.conditioning.fill else STEADY_CONTROL_GUIDANCE
    return replace(guidance, controls=min(guidance.controls, most))


def guidance_weights(views: Mapping[int, View], guidance: Guidance) -> Floats:
    """Return the weights, one per row, that lead the logits from open genre over open controls to asked."""
    steps = [(CONDITIONED, guidance.controls)] if CONTROLS_DROPPED in views else []
    if UNCONDITIONED in views:
        steps.append((CONTROLS_DROPPED if CONTROLS_DROPPED in views else CONDITIONED, guidance.style))
    shares = dict.fromkeys(views, 0.0)
    nearest = list(views)
    shares[nearest[-1]] = 1.0
    for (row, strength), further in zip(steps, nearest[1:], strict=True):
        shares[row] += strength
        shares[further] -= strength
    return np.array([shares[row] for row in views], np.float32)


def context_seen(context: Sequence[ContextBar], view: View) -> list[tuple[int, Bar, Conditioning]]:
    """Return the bars of a context as a row sees them."""
    return [(each.serial, each.bar, view(each.conditioning)) for each in context]
