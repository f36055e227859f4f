"""What a bar is made from: whose personality plays it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveengine.listening.reaction import BarReaction, Reaction
from liveengine.music.control import ControlState
from liveengine.music.personality import Personality, played_by
from liveengine.music.style import StyleBook
from liveengine.planning.bar_specs import BarSpecs
from tests.rig import STYLES

SOFT, HARD = Personality("drummer1", "soft", energy=-0.3), Personality("drummer2", "hard", energy=0.3)
DRUMMERS = {each.name: each for each in (SOFT, HARD)}
ROCK = STYLES.find("rock")


def test_the_drummer_who_is_asked_for_plays() -> None:
    specs = BarSpecs(STYLES, DRUMMERS)
    assert specs.of(ControlState("rock")).style == ROCK
    assert specs.of(ControlState("rock", drummer="drummer2")).style == played_by(ROCK, HARD)
    assert specs.of(ControlState("rock", drummer="drummer9")).style == ROCK, "nobody knows him"


def test_a_style_names_its_drummer_and_a_player_may_have_nobody() -> None:
    own = replace(ROCK, drummer="drummer1")
    specs = BarSpecs(StyleBook([own]), DRUMMERS)
    assert specs.of(ControlState("rock")).style == played_by(own, SOFT)
    assert specs.of(ControlState("rock", drummer="none")).style == own
    assert specs.of(ControlState("rock", drummer="drummer2")).style == played_by(own, HARD)


def test_a_louder_player_is_followed_by_harder_strokes_at_once() -> None:
    specs = BarSpecs(STYLES, {})
    specs.hear(Reaction(first_bar=3, bars=(BarReaction(energy=0.2), BarReaction())), 4)
    plain, louder = (specs.with_heard(bar, specs.of(ControlState("rock"))) for bar in (2, 3))
    assert plain.style == ROCK
    assert louder.style.feel.velocity_scale == pytest.approx(1.1 * ROCK.feel.velocity_scale)
    assert replace(louder.style, feel=ROCK.feel) == ROCK
