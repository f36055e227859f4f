"""The token layout and its grammar: round trips, unique names, and walks through the masks."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from liveengine.errors import ContractError
from liveengine.music.beats import FOUR_FOUR, METERS, TICKS_PER_BEAT, Meter, meter_for_quantum
from liveengine.music.drums import GENERAL_MIDI_NOTES, Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.tokens import vocabulary
from liveengine.tokens.tokenizer import bars_of_notes
from liveengine.tokens.vocabulary import Grammar

GRAMMARS = {meter: Grammar(meter) for meter in METERS}
meters = st.sampled_from(METERS)
strokes = st.tuples(st.integers(0, 31), st.sampled_from(list(Voice)), st.integers(-6, 5), st.integers(1, 127))


def bar_of(meter: Meter, found: list[tuple[int, Voice, int, int]]) -> Bar:
    """Return a bar in which no voice is struck twice at one tick, as the grammar wants."""
    places = {
        (step % meter.steps, voice, micro): Hit(step % meter.steps, voice, micro, velocity)
        for step, voice, micro, velocity in found
    }
    return Bar(meter, tuple(sorted(places.values())))


bars = st.builds(bar_of, meters, st.lists(strokes, max_size=30))


def test_the_layout_has_no_gap() -> None:
    assert vocabulary.position_id(0) == 1 + len(METERS)
    assert vocabulary.VOCABULARY_SIZE == vocabulary.HIT_BASE + 14 * 12 * 8
    kinds = [vocabulary.is_bar, vocabulary.is_position, vocabulary.is_hit]
    for token in range(1, vocabulary.VOCABULARY_SIZE):
        assert sum(kind(token) for kind in kinds) == 1
    assert not any(kind(vocabulary.PAD_ID) for kind in kinds)


def test_every_id_has_a_name_of_its_own() -> None:
    names = vocabulary.token_names()
    assert len(set(names)) == len(names) == vocabulary.VOCABULARY_SIZE - 1
    assert names[vocabulary.bar_id(Meter(7, 8)) - 1] == "Bar_7/8"
    assert names[vocabulary.position_id(5) - 1] == "Position_5"
    assert names[vocabulary.hit_id(Voice.SNARE, -3, 100) - 1] == "Hit_snare.-3.6"


def test_hit_ids_take_apart_into_what_they_were_made_of() -> None:
    for token in range(vocabulary.HIT_BASE, vocabulary.VOCABULARY_SIZE):
        voice, micro, velocity_bin = vocabulary.hit_parts(token)
        assert vocabulary.hit_id(voice, micro, vocabulary.velocity_of_bin(velocity_bin)) == token


@given(st.integers(1, 127))
def test_a_velocity_stays_in_its_bin(velocity: int) -> None:
    velocity_bin = vocabulary.velocity_bin(velocity)
    assert 0 <= velocity_bin < vocabulary.VELOCITY_BINS
    again = vocabulary.velocity_of_bin(velocity_bin)
    assert vocabulary.velocity_bin(again) == velocity_bin
    assert abs(again - velocity) <= vocabulary.VELOCITY_WIDTH / 2


@settings(max_examples=40)
@given(st.lists(bars, min_size=1, max_size=3))
def test_bars_survive_tokens_but_for_the_velocity_bin(written: list[Bar]) -> None:
    read = vocabulary.ids_to_bars([token for bar in written for token in vocabulary.bar_to_ids(bar)])
    assert [bar.meter for bar in read] == [bar.meter for bar in written]
    for first, second in zip(written, read, strict=True):
        assert [(hit.step, hit.voice, hit.micro) for hit in first.hits] == [
            (hit.step, hit.voice, hit.micro) for hit in second.hits
        ]
        for before, after in zip(first.hits, second.hits, strict=True):
            assert vocabulary.velocity_bin(before.velocity) == vocabulary.velocity_bin(after.velocity)


@settings(max_examples=60)
@given(
    meters,
    st.lists(
        st.tuples(st.floats(0, 40), st.sampled_from(list(GENERAL_MIDI_NOTES.values())), st.integers(1, 127)),
        min_size=1,
        max_size=40,
    ),
)
def test_notes_survive_bars_and_tokens_within_a_48th_beat(
    meter: Meter, notes: list[tuple[float, int, int]]
) -> None:
    written = bars_of_notes(notes, [(0.0, meter)])
    read = vocabulary.ids_to_bars([token for bar in written for token in vocabulary.bar_to_ids(bar)])
    for note in set(GENERAL_MIDI_NOTES.values()):
        before = sorted(beat for beat, pitch, _ in notes if pitch == note)
        after = sorted(
            index * meter.beats + hit.beat
            for index, bar in enumerate(read)
            for hit in bar.hits
            if GENERAL_MIDI_NOTES[hit.voice] == note
        )
        assert after == pytest.approx(before, abs=0.5 / TICKS_PER_BEAT + 1e-9)


@settings(max_examples=60)
@given(meters, st.integers(0, 2**32))
def test_a_random_walk_through_the_masks_always_decodes(meter: Meter, seed: int) -> None:
    rng = random.Random(seed)
    grammar = GRAMMARS[meter]
    closing = vocabulary.bar_id(meter)
    ids, step = [closing], 0
    while len(ids) == 1 or ids[-1] != closing:
        allowed = np.flatnonzero(grammar.allowed(ids[-1], step))
        # Positions and the bar line would drown among a thousand hits: choose the kind first.
        grid = allowed[allowed < vocabulary.HIT_BASE]
        choice = grid if len(grid) and rng.random() < 0.4 else allowed
        ids.append(int(choice[rng.randrange(len(choice))]))
        step = ids[-1] - vocabulary.POSITION_BASE if vocabulary.is_position(ids[-1]) else step
    bar, following = vocabulary.ids_to_bars(ids)
    assert (bar.meter, following) == (meter, Bar(meter, ()))
    struck = [(hit.step, hit.voice, hit.micro) for hit in bar.hits]
    assert len(struck) == len(set(struck)) == sum(map(vocabulary.is_hit, ids))
    assert vocabulary.bar_to_ids(bar) == ids[:-1]


@settings(max_examples=60)
@given(bars)
def test_the_masks_allow_every_real_bar(bar: Bar) -> None:
    assume(bar.hits)  # playing writes no empty bar
    ids = [*vocabulary.bar_to_ids(bar), vocabulary.bar_id(bar.meter)]
    masks = GRAMMARS[bar.meter].masks(ids[:-1])
    assert masks.shape == (len(ids) - 1, vocabulary.VOCABULARY_SIZE)
    assert all(mask[token] for mask, token in zip(masks, ids[1:], strict=True))
    assert not masks[:, vocabulary.PAD_ID].any()


def test_a_lenient_grammar_lets_a_voice_sound_twice_at_one_tick() -> None:
    soft, loud = (vocabulary.hit_id(Voice.SNARE, 0, velocity) for velocity in (20, 120))
    meter = Meter(4, 4)
    assert not Grammar(meter).allowed(soft, 0)[loud]
    assert Grammar(meter, strict=False).allowed(soft, 0)[loud]
    assert not Grammar(meter, strict=False).allowed(loud, 0)[soft]


KICK = vocabulary.hit_id(Voice.KICK, 0, 100)


@pytest.mark.parametrize(
    ("ids", "place"),
    [
        ([KICK], 0),
        ([vocabulary.position_id(0)], 0),
        ([vocabulary.bar_id(Meter(4, 4)), KICK], 1),
        ([vocabulary.bar_id(Meter(4, 4)), vocabulary.position_id(4), KICK, vocabulary.position_id(2)], 3),
        ([vocabulary.bar_id(Meter(4, 4)), vocabulary.PAD_ID], 1),
        ([vocabulary.bar_id(Meter(4, 4)), vocabulary.VOCABULARY_SIZE], 1),
    ],
)
def test_broken_grammar_is_refused_with_its_place(ids: list[int], place: int) -> None:
    with pytest.raises(ContractError, match=f"at place {place}$"):
        vocabulary.ids_to_bars(ids)


def test_a_position_beyond_the_bar_is_refused() -> None:
    with pytest.raises(ContractError, match="bar in 3/4: expected steps below 12, got 12"):
        vocabulary.ids_to_bars([vocabulary.bar_id(Meter(3, 4)), vocabulary.position_id(12), KICK])


def test_every_bar_that_a_quantum_asks_for_has_a_token() -> None:
    found = set()
    for eighths in range(1, 65):
        try:
            meter = meter_for_quantum(eighths / 2)
        except ContractError:
            continue
        found.add(vocabulary.meter_of(vocabulary.bar_id(meter)))
    assert {Meter(4, 4), Meter(3, 4), Meter(7, 4), Meter(5, 8), Meter(11, 8)} <= found


def test_a_meter_without_a_token_is_refused() -> None:
    with pytest.raises(ContractError, match=r"expected one of 2/4, .*got 13/8"):
        vocabulary.bar_id(Meter(13, 8))


def test_playing_writes_no_empty_bar_but_real_ones_are_read() -> None:
    bar = vocabulary.bar_id(FOUR_FOUR)
    assert not GRAMMARS[FOUR_FOUR].allowed(bar, 0)[bar]
    assert Grammar(FOUR_FOUR, strict=False).allowed(bar, 0)[bar]
    assert GRAMMARS[FOUR_FOUR].allowed(vocabulary.hit_id(0, 0, 100), 3)[bar]
