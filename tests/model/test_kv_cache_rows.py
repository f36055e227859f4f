"""The books of a decoder's rows, over a cache of which each slot says what token lies in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveengine.errors import ContractError
from liveengine.model.config import ROLLBACK_TOKENS, ModelConfig
from liveengine.model.fused_weights import Floats
from liveengine.model.kv_cache_rows import RowDecoder

WINDOW, ROWS = 8, 3
KEPT = WINDOW + ROLLBACK_TOKENS
CAPACITY = 2 * KEPT


class Slots(RowDecoder):
    """A decoder whose cache holds the tokens themselves."""

    def __init__(self) -> None:
        super().__init__(ROWS, ModelConfig(layers=1, width=4, heads=1, window=WINDOW, condition_size=1))
        self.slots = np.full((ROWS, CAPACITY), -1)

    def _copy(self, source: int, target: int, start: int, end: int) -> None:
        self.slots[target, : end - start] = self.slots[source, start:end]

    def control_vector(self, features: Floats) -> Floats:
        return features

    def feed(self, rows: Sequence[int], ids: Sequence[int], steps: Sequence[int], controls: Floats) -> Floats:
        self.make_room(rows, len(rows))
        for row, token, _ in zip(rows, ids, steps, strict=True):
            self.slots[row, self.end(row)] = token
            self.advance(row)
        return controls

    def append(self, row: int, tokens: Sequence[int]) -> None:
        """Feed a row, as many tokens at once as a decoder takes."""
        for begin in range(0, len(tokens), 64):
            part = tokens[begin : begin + 64]
            self.feed([row] * len(part), part, part, np.zeros((1, 1), np.float32))

    def held(self, row: int) -> list[int]:
        found: list[int] = self.slots[row, : self.end(row)].tolist()
        return found


def test_rows_begin_empty_and_go_on_each_by_itself() -> None:
    slots = Slots()
    assert slots.rows == ROWS
    slots.append(1, range(5))
    slots.advance(2)
    assert [slots.position(row) for row in range(ROWS)] == [0, 5, 1]
    slots.clear(1)
    slots.append(1, [7])
    assert (slots.position(1), slots.held(1)) == (1, [7])


def test_a_full_row_slides_down_to_a_window_and_what_a_rollback_may_need() -> None:
    slots = Slots()
    slots.append(0, range(CAPACITY))
    slots.make_room([0, 0, 1], 0)
    assert slots.end(0) == CAPACITY, "nothing slides while it fits"
    slots.append(0, [CAPACITY])
    assert slots.position(0) == CAPACITY + 1
    assert slots.held(0) == list(range(CAPACITY - KEPT, CAPACITY + 1))


def test_a_rollback_never_goes_before_the_first_token() -> None:
    slots = Slots()
    slots.append(0, range(3))
    assert [slots.can_rollback(place) for place in (-1, 0)] == [False, True]
    with pytest.raises(ContractError, match="got -1"):
        slots.rollback(-1)


def test_a_rollback_reaches_as_far_as_a_full_window_is_left() -> None:
    slots = Slots()
    slots.append(0, range(CAPACITY))
    slots.append(0, [CAPACITY])  # now only the last KEPT before it are held
    farthest = CAPACITY - KEPT + WINDOW
    assert [slots.can_rollback(place) for place in (farthest - 1, farthest)] == [False, True]
    assert [slots.can_rollback(CAPACITY + more) for more in (1, 2)] == [True, False]
    for place in (farthest - 1, CAPACITY + 2):
        with pytest.raises(ContractError, match=f"got {place} with {CAPACITY + 1} fed"):
            slots.rollback(place)
    slots.rollback(farthest)
    assert slots.position() == farthest
    assert slots.held(0) == list(range(CAPACITY - KEPT, farthest))


def test_a_row_that_has_not_slid_goes_back_to_any_place() -> None:
    slots = Slots()
    slots.append(0, range(30))
    assert all(slots.can_rollback(place) for place in range(31))
    slots.rollback(0)
    assert (slots.position(), slots.end(0)) == (0, 0)


@pytest.mark.parametrize(("behind", "kept"), [(0, WINDOW), (5, WINDOW + 5), (ROLLBACK_TOKENS, KEPT)])
def test_a_fork_holds_a_window_and_what_it_is_to_go_back_by(behind: int, kept: int) -> None:
    slots = Slots()
    slots.append(0, range(400))
    slots.fork(0, 2, behind)
    assert slots.held(2) == list(range(400 - kept, 400))
    assert slots.position(2) == 400
    assert slots.can_rollback(400 - behind, 2)
    assert not slots.can_rollback(400 - behind - 1, 2)
    slots.append(2, [1000])
    assert slots.held(0) == list(range(400)), "what it was made from stays as it was"


rows = st.integers(0, ROWS - 1)
moves = st.one_of(
    st.tuples(st.just("feed"), rows, st.integers(1, 300)),
    st.tuples(st.just("back"), rows, st.integers(0, 700)),
    st.tuples(st.just("fork"), rows, rows),
    st.tuples(st.just("clear"), rows, st.just(0)),
)


@settings(max_examples=60)
@given(st.lists(moves, max_size=25))
def test_whatever_is_done_a_row_holds_the_end_of_what_it_was_fed(done: list[tuple[str, int, int]]) -> None:
    slots = Slots()
    fed: list[list[int]] = [[] for _ in range(ROWS)]
    serial = 0
    for what, row, value in done:
        if what == "feed":
            tokens = list(range(serial, serial + value))
            serial += value
            slots.append(row, tokens)
            fed[row] += tokens
        elif what == "fork":
            slots.fork(row, value)
            fed[value] = list(fed[row])
        elif what == "clear":
            slots.clear(row)
            fed[row] = []
        elif what == "back" and slots.can_rollback(len(fed[row]) - value, row):
            place = max(0, len(fed[row]) - value)
            slots.rollback(place, row)
            del fed[row][place:]
        for each in range(ROWS):
            held, end = slots.held(each), len(fed[each])
            assert slots.position(each) == end
            same = held == fed[each][end - len(held) :]
            assert same, f"row {each} holds {held[:3]}..., {len(held)} tokens of {end}"
            assert len(held) >= min(end, WINDOW)
