"""What one request asks of the sampler: seeds of its attempts, gaps of its drums, borrowed parts."""

from __future__ import annotations

from liveengine.generation.attempts import (
    HAT_ROLL_TICKS,
    MAX_TRIES,
    OPENING_TRIES,
    bar_of_ids,
    least_gaps,
    max_tries,
    parts_of,
    reseeded,
)
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarRequest, Borrowing, Conditioning, ContextBar
from liveengine.tokens import vocabulary

FUNK, JAZZ = (Conditioning(((name, 1.0),), 100.0) for name in ("funk", "jazz"))
REQUEST = BarRequest(1, 0, FOUR_FOUR, FUNK, (), 7)
BAR = Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 90), Hit(4, Voice.SNARE, 2, 90)))


def test_each_attempt_has_a_seed_of_its_own_and_the_first_the_request_s() -> None:
    seeds = [reseeded(REQUEST, attempt).seed for attempt in range(OPENING_TRIES)]
    assert seeds[0] == REQUEST.seed
    assert len(set(seeds)) == OPENING_TRIES


def test_a_first_bar_is_tried_more_often() -> None:
    assert max_tries(REQUEST) == OPENING_TRIES
    follows = BarRequest(2, 1, FOUR_FOUR, FUNK, (ContextBar(1, BAR, FUNK),), 7)
    assert max_tries(follows) == MAX_TRIES < OPENING_TRIES


def test_a_drum_is_not_struck_again_within_40_ms_but_hats_roll() -> None:
    assert least_gaps(None) == ()
    gaps = dict(zip(Voice, least_gaps(125.0), strict=True))  # a tick is 10 ms
    assert gaps[Voice.SNARE] == 4
    gaps = dict(zip(Voice, least_gaps(250.0), strict=True))
    assert gaps[Voice.SNARE] == 8
    assert gaps[Voice.CLOSED_HAT] == HAT_ROLL_TICKS


def test_borrowed_drums_are_a_bar_of_their_own() -> None:
    assert parts_of(REQUEST) == (REQUEST,)
    borrowed = BarRequest(1, 0, FOUR_FOUR, FUNK, (), 7, borrowing=Borrowing(JAZZ, frozenset({"kick"})))
    own, other = parts_of(borrowed)
    assert (own.conditioning, other.conditioning) == (FUNK, JAZZ)
    assert own.borrowing is other.borrowing is None


def test_ids_spell_the_bar_they_were_made_of() -> None:
    ids = vocabulary.bar_to_ids(BAR)
    found = bar_of_ids(list(ids))
    assert [(hit.step, hit.voice, hit.micro) for hit in found.hits] == [
        (hit.step, hit.voice, hit.micro) for hit in BAR.hits
    ]
