"""A style as a drummer plays it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveengine.errors import ContractError
from liveengine.music.drums import VOICE_COUNT, Voice
from liveengine.music.personality import Personality, played_by
from liveengine.music.style import Feel, Style

ROCK = Style("rock", "Rock", (("rock", 1.0),), (80, 140), "made for the test", feel=Feel(ghosts_per_bar=1.0))
PUSHES = tuple(5.0 if voice is Voice.SNARE else 0.0 for voice in Voice)
HARD = Personality(
    "drummer3",
    "hard",
    density=-0.2,
    energy=0.3,
    ghosts_per_bar=-1.5,
    contrast=1.5,
    push_ms=PUSHES,
    jitter_ms=2,
)


def test_nobody_plays_a_style_as_it_is() -> None:
    assert played_by(ROCK, None) is ROCK


def test_a_drummer_shifts_levels_and_feel_within_their_limits() -> None:
    found = played_by(ROCK, HARD)
    assert [found.density, found.energy] == pytest.approx([0.3, 0.8])
    assert found.feel.ghosts_per_bar == 0
    assert found.feel.velocity_contrast == 1.5
    assert found.feel.push_ms[Voice.SNARE] == 5
    assert found.feel.jitter_ms == ROCK.feel.jitter_ms + 2
    assert played_by(replace(ROCK, energy=0.9), HARD).energy == 1
    assert (found.name, found.genres, found.musts) == (ROCK.name, ROCK.genres, ROCK.musts)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("density", 0.6),
        ("energy", -1.0),
        ("ghosts_per_bar", 9.0),
        ("contrast", 0.0),
        ("push_ms", (0.0,)),
        ("push_ms", (31.0,) * VOICE_COUNT),
        ("jitter_ms", 16.0),
        ("density", float("nan")),
    ],
)
def test_what_no_style_could_take_is_refused(field: str, value: object) -> None:
    with pytest.raises(ContractError, match="expected"):
        Personality("drummer1", "", **{field: value})  # type: ignore[arg-type]


def test_a_style_s_drummer_is_one_of_those_there_are() -> None:
    assert replace(ROCK, drummer="drummer10").drummer == "drummer10"
    with pytest.raises(ContractError, match="drummer: expected one of drummer1"):
        replace(ROCK, drummer="drummer11")
