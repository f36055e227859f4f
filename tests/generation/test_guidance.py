"""Guidance: which views of a bar are needed, how their logits are weighed, and what is capped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.generation.guidance import (
    ALL_VIEWS,
    CONDITIONED,
    CONTROLS_DROPPED,
    UNCONDITIONED,
    context_seen,
    effective_guidance,
    guidance_weights,
    views_of,
)
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import GUIDED, BarRequest, Conditioning, ContextBar, Guidance

FUNK = Conditioning((("funk", 1.0),), bpm=100.0, fill=False, phrase=3, steadiness=0.6)
strengths = st.floats(1.0, 10.0)


def asking(conditioning: Conditioning, guidance: Guidance = GUIDED) -> BarRequest:
    return BarRequest(1, 3, FOUR_FOUR, conditioning, (), 7, guidance=guidance)


@pytest.mark.parametrize(
    ("conditioning", "guidance", "rows"),
    [
        (replace(FUNK, density=0.3), GUIDED, [CONDITIONED, CONTROLS_DROPPED, UNCONDITIONED]),
        (replace(FUNK, energy=0.3), GUIDED, [CONDITIONED, CONTROLS_DROPPED, UNCONDITIONED]),
        (replace(FUNK, fill=True), GUIDED, [CONDITIONED, CONTROLS_DROPPED, UNCONDITIONED]),
        (FUNK, GUIDED, [CONDITIONED, UNCONDITIONED]),  # no fill is nothing to be led to
        (replace(FUNK, density=0.3), Guidance(style=1.0), [CONDITIONED, CONTROLS_DROPPED]),
        (replace(FUNK, density=0.3), Guidance(controls=1.0), [CONDITIONED, UNCONDITIONED]),
        (Conditioning(density=0.3), GUIDED, [CONDITIONED, CONTROLS_DROPPED]),
        (replace(FUNK, density=0.3), Guidance(1.0, 1.0), [CONDITIONED]),
    ],
)
def test_only_what_leads_somewhere_is_computed(
    conditioning: Conditioning, guidance: Guidance, rows: list[int]
) -> None:
    assert list(views_of(asking(conditioning, guidance))) == rows


def test_each_view_leaves_open_what_it_is_led_away_from_and_nothing_else() -> None:
    asked = replace(FUNK, density=0.3, energy=0.8, fill=True)
    assert ALL_VIEWS[CONDITIONED](asked) == asked
    dropped = ALL_VIEWS[CONTROLS_DROPPED](asked)
    assert dropped == replace(asked, density=None, energy=None, fill=None)
    assert ALL_VIEWS[UNCONDITIONED](asked) == replace(dropped, genres=())
    assert ALL_VIEWS[CONTROLS_DROPPED](FUNK).fill is False


@given(style=strengths, controls=strengths, density=st.none() | st.floats(0, 1), genre=st.booleans())
def test_weights_sum_to_one_and_lead_by_the_strengths(
    style: float, controls: float, density: float | None, genre: bool
) -> None:
    guidance = Guidance(style, controls)
    request = asking(Conditioning(FUNK.genres if genre else (), density=density), guidance)
    views = views_of(request)
    weights = guidance_weights(views, guidance)
    assert weights.dtype == np.float32
    assert weights.sum() == pytest.approx(1.0, abs=1e-5)
    # Logits of a token: 1 where all is asked, 10 where the controls are open, 100 where the genre is too.
    known = {CONDITIONED: 1.0, CONTROLS_DROPPED: 10.0, UNCONDITIONED: 100.0}
    asked = known[CONDITIONED]
    open_controls = known[CONTROLS_DROPPED] if CONTROLS_DROPPED in views else asked
    open_genre = known[UNCONDITIONED] if UNCONDITIONED in views else open_controls
    led = open_genre + style * (open_controls - open_genre) + controls * (asked - open_controls)
    found = float(weights @ np.array([known[row] for row in views], np.float32))
    assert found == pytest.approx(led, rel=1e-4, abs=1e-2)


@pytest.mark.parametrize(
    ("conditioning", "asked", "led"),
    [
        (FUNK, Guidance(2.0, 6.0), Guidance(2.0, 3.0)),
        (replace(FUNK, fill=True), Guidance(2.0, 6.0), Guidance(2.0, 2.0)),
        (replace(FUNK, steadiness=0.0), Guidance(2.0, 6.0), Guidance(2.0, 3.0)),  # least steady is not free
        (replace(FUNK, steadiness=None), Guidance(2.0, 6.0), Guidance(1.4, 6.0)),
        (replace(FUNK, steadiness=None, fill=True), Guidance(2.0, 6.0), Guidance(1.4, 6.0)),
        (FUNK, Guidance(5.0, 1.5), Guidance(5.0, 1.5)),
        (replace(FUNK, steadiness=None), Guidance(1.2, 9.0), Guidance(1.2, 9.0)),
    ],
)
def test_a_steady_drummer_is_led_less_to_controls_and_a_free_one_less_to_his_genre(
    conditioning: Conditioning, asked: Guidance, led: Guidance
) -> None:
    assert effective_guidance(asking(conditioning, asked)) == led


def test_a_row_sees_the_bars_that_have_been_as_it_sees_the_one_to_come() -> None:
    bars = [Bar(FOUR_FOUR, (Hit(step, Voice.KICK, 0, 100),)) for step in (0, 4)]
    context = [
        ContextBar(11, bars[0], replace(FUNK, density=0.4)),
        ContextBar(12, bars[1], replace(FUNK, fill=True)),
    ]
    assert context_seen(context, ALL_VIEWS[UNCONDITIONED]) == [
        (11, bars[0], replace(FUNK, genres=())),
        (12, bars[1], replace(FUNK, genres=(), fill=None)),
    ]
