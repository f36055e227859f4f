"""What the drummer does with what he hears, by bar: values that the plan takes over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from liveengine.music.heard import HeardGroove, Pocket

NEAR_ACCENTS, NEAR_MS = 0.15, 3.0
"""Accents, and milliseconds, that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class BarReaction:
    """What one bar takes from the other players.

    `density` and `energy` are added to the controls, -1 to 1. It is a `fill` or none where that is said, else
    as the drummer's own phrases have it. A `solo` is a fill all through, that answers
    the `groove`; a `rest` is silent.
    """

    groove: HeardGroove | None = None
    density: float = 0.0
    energy: float = 0.0
    pocket: Pocket | None = None
    fill: bool | None = None
    solo: bool = False
    rest: bool = False

    def is_near(self, other: BarReaction) -> bool:
        """Tell whether nobody would hear the difference: no bar is made anew because a hand is uneven."""
        return (
            replace(self, groove=None, pocket=None) == replace(other, groove=None, pocket=None)
            and _near(_accents(self), _accents(other), NEAR_ACCENTS)
            and _near(_offsets(self), _offsets(other), NEAR_MS)
        )


def _accents(bar: BarReaction) -> tuple[float, ...]:
    return (*bar.groove.accents, bar.groove.amount) if bar.groove else ()


def _offsets(bar: BarReaction) -> tuple[float, ...]:
    return (*bar.pocket.offsets_ms, *bar.pocket.shares) if bar.pocket else ()


def _near(one: tuple[float, ...], other: tuple[float, ...], apart: float) -> bool:
    return len(one) == len(other) and all(abs(a - b) < apart for a, b in zip(one, other, strict=True))


NO_REACTION = BarReaction()


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the bars from `first_bar` on take from the other players, and why.

    The last one holds for all that follow. `fill_now` asks for a fill in what is left of the bar that plays.
    `reasons` are (what it moves, how far, by which figure), for the trace and the page.
    """

    first_bar: int
    bars: tuple[BarReaction, ...]
    fill_now: bool = False
    reasons: tuple[tuple[str, float, str], ...] = ()

    def at(self, index: int) -> BarReaction:
        """Return what a bar from the first on takes."""
        return self.bars[min(index - self.first_bar, len(self.bars) - 1)]
