"""Parameters by number: which NRPN the data that comes is of, channel by channel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liveengine.engine.parameter_numbers import (
    DATA_COARSE,
    DATA_FINE,
    DECREMENT,
    INCREMENT,
    NONE,
    NRPN_COARSE,
    NRPN_FINE,
    RPN_COARSE,
    RPN_FINE,
    DataEntry,
    ParameterNumbers,
)

HALVES = st.integers(0, 127)


def chosen(coarse: int, fine: int, channel: int = 0) -> ParameterNumbers:
    numbers = ParameterNumbers()
    assert numbers.take(NRPN_COARSE, coarse, channel) is None
    assert numbers.take(NRPN_FINE, fine, channel) is None
    return numbers


@given(HALVES, HALVES, HALVES)
def test_data_is_of_the_number_that_both_halves_make(coarse: int, fine: int, value: int) -> None:
    numbers = chosen(coarse, fine)
    number = coarse * 128 + fine
    expected = None if coarse == fine == NONE else DataEntry(number, value)
    assert numbers.take(DATA_COARSE, value, 0) == expected
    if expected is not None:
        assert numbers.take(DATA_FINE, value, 0) == DataEntry(number, value, is_fine=True)
        assert numbers.take(INCREMENT, value, 0) == DataEntry(number, 1, is_step=True)
        assert numbers.take(DECREMENT, value, 0) == DataEntry(number, -1, is_step=True)


def test_data_of_nothing_chosen_is_of_nothing() -> None:
    numbers = ParameterNumbers()
    assert numbers.take(DATA_COARSE, 64, 0) is None
    numbers.take(NRPN_FINE, 3, 0)
    assert numbers.take(DATA_COARSE, 64, 0) is None, "half a number is none"


def test_another_channel_has_chosen_nothing() -> None:
    numbers = chosen(1, 2, channel=4)
    assert numbers.take(DATA_COARSE, 64, 5) is None
    assert numbers.take(DATA_COARSE, 64, 4) == DataEntry(130, 64)


def test_an_rpn_takes_the_data_to_itself_until_both_halves_are_chosen_again() -> None:
    for other in (RPN_COARSE, RPN_FINE):
        numbers = chosen(1, 2)
        assert numbers.take(other, 0, 0) is None
        assert numbers.take(DATA_COARSE, 64, 0) is None
        numbers.take(NRPN_FINE, 2, 0)
        assert numbers.take(DATA_COARSE, 64, 0) is None
        numbers.take(NRPN_COARSE, 1, 0)
        assert numbers.take(DATA_COARSE, 64, 0) == DataEntry(130, 64)


@given(st.integers(0, 127), HALVES)
def test_no_other_controller_is_data(controller: int, value: int) -> None:
    numbers = chosen(1, 2)
    entry = numbers.take(controller, value, 0)
    assert (entry is not None) == (controller in (DATA_COARSE, DATA_FINE, INCREMENT, DECREMENT))
