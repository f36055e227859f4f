"""Hits: their order, a hi-hat's openness, and both written down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveengine.errors import ContractError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.control import NO_PUSHES
from liveengine.music.drums import Voice
from liveengine.music.groove import Grooving
from liveengine.music.pattern import Bar, Hit
from liveengine.music.style import Feel
from liveengine.music.written import read_hits, written_hits

OPEN = [Hit(4, Voice.OPEN_HAT, 0, 90), *(Hit(4, Voice.OPEN_HAT, 0, 90, share) for share in (0.0, 0.5, 1.0))]


def test_hits_are_sorted_by_step_voice_micro_and_velocity_and_then_by_openness() -> None:
    hits = [Hit(0, Voice.KICK, 0, 90), Hit(0, Voice.KICK, 1, 20), Hit(0, Voice.SNARE, -3, 20), *OPEN]
    backwards = hits[::-1]
    assert sorted(backwards) == hits
    assert Bar(FOUR_FOUR, tuple(hits)).hits == tuple(hits)
    assert OPEN[0] != OPEN[1], "as its voice says is not shut"
    with pytest.raises(ContractError, match="sorted"):
        Bar(FOUR_FOUR, tuple(reversed(OPEN)))


@pytest.mark.parametrize("openness", [-0.1, 1.1, float("nan")])
def test_an_openness_is_a_share(openness: float) -> None:
    with pytest.raises(ContractError, match="openness of 0-1"):
        Hit(0, Voice.OPEN_HAT, 0, 90, openness)


def test_hits_are_written_as_they_always_were_and_with_an_openness_where_there_is_one() -> None:
    assert written_hits(OPEN[:3]) == [[4, 6, 0, 90], [4, 6, 0, 90, 0.0], [4, 6, 0, 90, 0.5]]
    assert read_hits(written_hits(OPEN)) == tuple(OPEN)


def test_an_openness_stays_with_its_hit_through_the_groove() -> None:
    spread = tuple(replace(hit, step=step) for step, hit in enumerate(OPEN))
    grooving = Grooving(Bar(FOUR_FOUR, spread), Feel(humanize=1.0), 7, None, None, NO_PUSHES)
    assert [timed.openness for _, timed in grooving.hits()] == [None, 0.0, 0.5, 1.0]
