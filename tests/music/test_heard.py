"""What is heard of other players, as values: what no bar has is refused, and each drum moves by its share."""

from __future__ import annotations

import pytest

from liveengine.errors import ContractError
from liveengine.music.beats import MAX_STEPS
from liveengine.music.heard import HeardGroove, Pocket


def test_a_groove_fits_a_bar() -> None:
    assert HeardGroove((0.0,) * MAX_STEPS, 4.0).amount == 4.0
    for accents in ((), (0.5,) * (MAX_STEPS + 1)):
        with pytest.raises(ContractError, match=f"expected 1 to {MAX_STEPS} accents, got {len(accents)}"):
            HeardGroove(accents)


@pytest.mark.parametrize(
    ("accents", "amount"),
    [
        ((-0.1,), 1.0),
        ((1.1,), 1.0),
        ((float("nan"),), 1.0),
        ((0.5,), -0.1),
        ((0.5,), 4.1),
        ((0.5,), float("nan")),
    ],
)
def test_accents_and_amounts_out_of_range_are_refused(accents: tuple[float, ...], amount: float) -> None:
    with pytest.raises(ContractError, match="accents from 0 to 1 and an amount from 0 to 4"):
        HeardGroove(accents, amount)


def test_each_drum_moves_by_its_share() -> None:
    pocket = Pocket((-8.0, 12.0), (1.0, 0.25))
    assert [pocket.offset_ms(step, drum) for step in (0, 1) for drum in (0, 1)] == [-8.0, -2.0, 12.0, 3.0]
    assert pocket.offset_ms(2, 0) == 0.0, "a bar may be longer than what was heard"


def test_early_is_how_far_any_drum_is_moved_forward() -> None:
    assert Pocket((-8.0, 12.0), (0.5, 0.25)).early_ms == 4.0
    assert Pocket((-8.0, 12.0), ()).early_ms == 0.0
    assert Pocket((5.0, 12.0), (0.5, 0.25)).early_ms <= 0.0
