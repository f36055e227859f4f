"""What is heard of another musician, on the sixteenths of a bar: the accents, and the timing."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.errors import ContractError
from liveengine.music.beats import MAX_STEPS


@dataclass(frozen=True, slots=True)
class HeardGroove:
    """The groove of another player that a bar answers to.

    `accents` are how strong each sixteenth is, 0-1, 0 where nothing is struck. `amount` is how much of it the
    drummer takes over, 0-1; a solo that is made of it goes up to 4.
    """

    accents: tuple[float, ...]
    amount: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a length that no bar has, and values out of range."""
        if not 1 <= len(self.accents) <= MAX_STEPS:
            raise ContractError(f"groove heard: expected 1 to {MAX_STEPS} accents, got {len(self.accents)}")
        if not all(0.0 <= accent <= 1.0 for accent in self.accents) or not 0.0 <= self.amount <= 4.0:
            raise ContractError("groove heard: expected accents from 0 to 1 and an amount from 0 to 4")


@dataclass(frozen=True, slots=True)
class Pocket:
    """How another player's timing moves the kit: ms by sixteenth, later positive, and each drum's share.

    `shares` are those of the drums in `GROUPS`, in its order, 0-1.
    """

    offsets_ms: tuple[float, ...]
    shares: tuple[float, ...]

    def offset_ms(self, step: int, group_place: int) -> float:
        """Return how far a drum is moved on a sixteenth."""
        return self.offsets_ms[step] * self.shares[group_place] if step < len(self.offsets_ms) else 0.0

    @property
    def early_ms(self) -> float:
        """How far a drum is moved forward at most."""
        return max((-min(self.offsets_ms) * share for share in self.shares), default=0.0)
