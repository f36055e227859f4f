"""Commands that draw by hand: a stroke put into a bar that is still to come, or taken out of it."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.errors import ContractError
from liveengine.music.beats import MAX_STEPS
from liveengine.music.drums import Voice


@dataclass(frozen=True, slots=True)
class DrawStroke:
    """Put a stroke into a step of bar `bar` (from 0), velocity 1-127, or silence its voice there with 0.

    With `keep` it is so in every bar from there on.
    """

    bar: int
    step: int
    voice: Voice
    velocity: int
    keep: bool = False

    def __post_init__(self) -> None:
        """Refuse a bar, step or velocity out of range."""
        check_cell(self.bar, self.step)
        if not 0 <= self.velocity <= 127:
            raise ContractError(f"draw: expected a velocity of 0-127, got {self.velocity}")


@dataclass(frozen=True, slots=True)
class EraseStroke:
    """Leave a step of bar `bar` (from 0) to the model again, where a voice was drawn by hand.

    What was drawn for every bar is taken away from there on.
    """

    bar: int
    step: int
    voice: Voice

    def __post_init__(self) -> None:
        """Refuse a bar or step out of range."""
        check_cell(self.bar, self.step)


DrawCommand = DrawStroke | EraseStroke
"""Commands that change the drawing, a stroke at a time."""


def check_cell(bar: int, step: int) -> None:
    """Raise ContractError for a bar or a step that no meter has."""
    if bar < 0:
        raise ContractError(f"drawing: expected a bar from 0 on, got {bar}")
    if not 0 <= step < MAX_STEPS:
        raise ContractError(f"drawing: expected a step from 0 to {MAX_STEPS - 1}, got {step}")
